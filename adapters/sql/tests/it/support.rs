//! A register of letters in a temporary folder, and messages to it.

use std::sync::Arc;

use adapters_sql::Service;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tempfile::TempDir;

pub(crate) struct Register {
    pub(crate) service: Arc<Service>,
    pub(crate) folder: TempDir,
}

impl Register {
    pub(crate) fn new() -> Self {
        Self::with(TOML)
    }

    /// With another description over the same data.
    pub(crate) fn with(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("register.sql"), SQL).unwrap();
        let service = Service::from_toml("register.toml", toml, folder.path());
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        Self {
            service: Arc::new(service),
            folder,
        }
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        Answer::of(self.service.handle(request).await)
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Bytes::new()).unwrap())
            .await
    }

    pub(crate) async fn post_json(&self, target: &str, id: &str, body: impl Into<Bytes>) -> Answer {
        self.send(json_request("POST", target, id, body)).await
    }

    pub(crate) async fn soap(&self, envelope: impl Into<Bytes>) -> Answer {
        self.send(soap_request(envelope)).await
    }

    /// A number from the database behind the adapter's back.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        let path = self.folder.path().join("register.db");
        rusqlite::Connection::open(path)
            .unwrap()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) response: Response<Bytes>,
}

impl Answer {
    fn of(response: Response<Bytes>) -> Self {
        let content_type = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        Self {
            status: response.status(),
            content_type,
            response,
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.response.body()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.text()).unwrap()
    }

    /// The code of a JSON problem, checked for its form.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.content_type,
            "application/problem+json",
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().unwrap().to_owned()
    }

    /// The code of a SOAP fault, checked for its form.
    #[track_caller]
    pub(crate) fn fault(&self) -> &str {
        assert_eq!(
            self.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{}",
            self.text()
        );
        assert_eq!(self.content_type, "text/xml; charset=utf-8");
        between(self.text(), "<faultcode>", "</faultcode>")
    }
}

#[track_caller]
pub(crate) fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("no {end} in {text}"))
        .0
}

pub(crate) fn json_request(
    method: &str,
    target: &str,
    id: &str,
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-Road-Client", "AZ/GOV/0000001181/mygov")
        .header("X-Road-Id", id)
        .header("X-Road-UserId", "AZ1234")
        .body(body.into())
        .unwrap()
}

pub(crate) fn soap_request(envelope: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/soap")
        .header("Content-Type", "text/xml; charset=utf-8")
        .body(envelope.into())
        .unwrap()
}

/// A request envelope for a service of the register.
pub(crate) fn envelope(service: &str, id: &str, parameters: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="http://x-road.eu/xsd/xroad.xsd" xmlns:i="http://x-road.eu/xsd/identifiers">
<e:Header>
<x:client i:objectType="SUBSYSTEM"><i:xRoadInstance>AZ</i:xRoadInstance><i:memberClass>GOV</i:memberClass><i:memberCode>0000001181</i:memberCode><i:subsystemCode>mygov</i:subsystemCode></x:client>
<x:service i:objectType="SERVICE"><i:xRoadInstance>AZ</i:xRoadInstance><i:memberClass>GOV</i:memberClass><i:memberCode>0000000131</i:memberCode><i:subsystemCode>letters</i:subsystemCode><i:serviceCode>{service}</i:serviceCode><i:serviceVersion>v1</i:serviceVersion></x:service>
<x:userId>AZ1234</x:userId>
<x:id>{id}</x:id>
<x:issue>VM-1</x:issue>
<x:protocolVersion>4.0</x:protocolVersion>
<o:extra xmlns:o="urn:other">kept</o:extra>
</e:Header>
<e:Body><p:{service} xmlns:p="urn:test:letters">{parameters}</p:{service}></e:Body>
</e:Envelope>"#
    )
}

pub(crate) const SQL: &str = "
CREATE TABLE person (
    fin TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    born TEXT,
    letters INTEGER NOT NULL DEFAULT 0,
    balance TEXT,
    married INTEGER
);
CREATE TABLE letter (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fin TEXT NOT NULL REFERENCES person (fin),
    subject TEXT NOT NULL,
    pages INTEGER CHECK (pages IS NULL OR pages > 0),
    urgent INTEGER,
    sender TEXT,
    message_id TEXT,
    user_id TEXT,
    UNIQUE (fin, subject)
);
INSERT INTO person VALUES
    ('0TEST01', 'Əliyeva Şəhla, ğöüçıİ <&>', '1990-05-01', 2, '10.50', 1),
    ('0TEST02', 'Iskəndər', NULL, 0, NULL, NULL),
    ('0TEST03', 'Dirty', 'sometime', 0, NULL, NULL);
INSERT INTO letter (fin, subject, pages, urgent) VALUES ('0TEST01', 'a', 1, 0), ('0TEST01', 'b', NULL, 1);
";

pub(crate) const TOML: &str = r#"
listen = "127.0.0.1:1"
title = "Letters"
namespace = "urn:test:letters"
provider = "AZ/GOV/0000000131/letters"

[database]
url = "sqlite:register.db"
create_with = "register.sql"
query_timeout_ms = 2000

[limits]
request_bytes_max = 4096
rows_max = 100
response_bytes_max = 10000

[[service]]
code = "GetPerson"
version = "v1"
title = "A person"
kind = "query"
result = "one"
rest = { method = "GET", path = "/persons/{fin}" }
sql = "SELECT * FROM person WHERE fin = :fin"
parameter = [{ name = "fin", type = "fin" }]
column = [
    { name = "fin", type = "fin" },
    { name = "name", type = "text" },
    { name = "born", type = "date" },
    { name = "letters", type = "integer" },
    { name = "balance", type = "decimal" },
    { name = "married", type = "boolean" },
]

[[service]]
code = "FindLetters"
version = "v1"
title = "Letters by their subject"
kind = "query"
result = "many"
row = "letter"
rest = { method = "GET", path = "/letters" }
sql = "SELECT number, subject, pages FROM letter WHERE subject = :subject AND (:fin IS NULL OR fin = :fin) ORDER BY number"
parameter = [{ name = "subject", type = "text" }, { name = "fin", type = "fin", required = false }]
column = [{ name = "number", type = "integer" }, { name = "subject", type = "text" }, { name = "pages", type = "integer" }]

[[service]]
code = "SendLetter"
version = "v1"
title = "A new letter"
kind = "command"
idempotent = true
result = "one"
rest = { method = "POST", path = "/persons/{fin}/letters" }
steps = [
    "INSERT INTO letter (fin, subject, pages, urgent, sender, message_id, user_id) VALUES (:fin, :subject, :pages, :urgent, :sender, :message_id, :user_id)",
    "UPDATE person SET letters = letters + 1 WHERE fin = :fin RETURNING letters",
]
parameter = [
    { name = "fin", type = "fin" },
    { name = "subject", type = "text" },
    { name = "pages", type = "integer", required = false },
    { name = "urgent", type = "boolean", required = false },
    { name = "sender", type = "text", source = "client" },
    { name = "message_id", type = "text", source = "message_id" },
    { name = "user_id", type = "text", source = "user_id", required = false },
]
column = [{ name = "letters", type = "integer" }]

[[service]]
code = "Rename"
version = "v1"
title = "Another name"
kind = "command"
result = "affected"
rest = { method = "PUT", path = "/persons/{fin}/name" }
sql = "UPDATE person SET name = :name WHERE fin = :fin"
parameter = [{ name = "fin", type = "fin" }, { name = "name", type = "text" }]

[[service]]
code = "Forever"
version = "v1"
title = "A query without end"
kind = "query"
result = "one"
rest = { method = "GET", path = "/forever" }
sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n"
column = [{ name = "i", type = "integer" }]

[[service]]
code = "Rows"
version = "v1"
title = "As many rows as asked for"
kind = "query"
result = "many"
row = "n"
rest = { method = "GET", path = "/rows" }
sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT :count) SELECT i, hex(zeroblob(:bytes)) AS filling FROM n"
parameter = [{ name = "count", type = "integer" }, { name = "bytes", type = "integer" }]
column = [{ name = "i", type = "integer" }, { name = "filling", type = "text" }]
"#;
