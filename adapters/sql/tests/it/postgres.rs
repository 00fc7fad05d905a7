//! The same face over PostgreSQL. Runs against the empty database that `KARVAN_POSTGRES_URL` names,
//! over TLS when `KARVAN_POSTGRES_CA`
//! names the PEM file of its authority; says so when there is none.

use std::sync::Arc;

use adapters_sql::Service;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::json_request;

const SCRIPT: &str = "
DROP TABLE IF EXISTS letter, person, karvan_applied;
CREATE TABLE person (
    fin char(9) PRIMARY KEY, name varchar(60) NOT NULL, born date, letters int NOT NULL DEFAULT 0,
    balance numeric(12, 2), married boolean, seen timestamptz
);
CREATE TABLE letter (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, fin char(9) NOT NULL REFERENCES person (fin),
    subject text NOT NULL, pages smallint CHECK (pages > 0), sender text, UNIQUE (fin, subject)
);
INSERT INTO person VALUES
    ('0TEST01', 'Əliyeva Şəhla', '1990-05-01', 0, 10.50, true, '2026-01-31 13:30:00+04'),
    ('0TEST02', 'Iskəndər', NULL, 0, -0.07, NULL, NULL);
";

const SERVICES: &str = r#"
[[service]]
code = "GetPerson"
title = "A person"
kind = "query"
result = "one"
rest = { method = "GET", path = "/persons/{fin}" }
sql = "SELECT fin, name, born, letters, balance, married, seen FROM person WHERE fin = :fin"
parameter = [{ name = "fin", type = "fin" }]
column = [
    { name = "fin", type = "fin" }, { name = "name", type = "text" }, { name = "born", type = "date" },
    { name = "letters", type = "integer" }, { name = "balance", type = "decimal" },
    { name = "married", type = "boolean" }, { name = "seen", type = "datetime" },
]

[[service]]
code = "FindPersons"
title = "Persons born after a day, richer than"
kind = "query"
result = "many"
row = "person"
rest = { method = "GET", path = "/persons" }
sql = "SELECT fin FROM person WHERE (:born IS NULL OR born > :born) AND (:balance IS NULL OR balance > :balance) ORDER BY fin"
parameter = [{ name = "born", type = "date", required = false }, { name = "balance", type = "decimal", required = false }]
column = [{ name = "fin", type = "fin" }]

[[service]]
code = "SendLetter"
title = "A new letter"
kind = "command"
idempotent = true
result = "one"
rest = { method = "POST", path = "/persons/{fin}/letters" }
steps = [
    "INSERT INTO letter (fin, subject, pages, sender) VALUES (:fin, :subject, :pages, :sender)",
    "UPDATE person SET letters = letters + 1 WHERE fin = :fin RETURNING letters",
]
parameter = [
    { name = "fin", type = "fin" }, { name = "subject", type = "text" },
    { name = "pages", type = "integer", required = false }, { name = "sender", type = "text", source = "client" },
]
column = [{ name = "letters", type = "integer" }]

[[service]]
code = "Forever"
title = "A query without end"
kind = "query"
result = "one"
rest = { method = "GET", path = "/forever" }
sql = "SELECT pg_sleep(60)::text AS i"
column = [{ name = "i", type = "text" }]

[[service]]
code = "Sneaky"
title = "A query that writes"
kind = "query"
result = "one"
rest = { method = "GET", path = "/sneaky" }
sql = "WITH gone AS (DELETE FROM letter RETURNING 1) SELECT count(*) AS n FROM gone"
column = [{ name = "n", type = "integer" }]

[[service]]
code = "Rows"
title = "Many rows"
kind = "query"
result = "many"
row = "n"
rest = { method = "GET", path = "/rows" }
sql = "SELECT generate_series(1, :count) AS n"
parameter = [{ name = "count", type = "integer" }]
column = [{ name = "n", type = "integer" }]
"#;

fn description(url: &str) -> String {
    let tls = match variable("KARVAN_POSTGRES_CA") {
        Some(file) => format!("tls_ca_file = \"{file}\""),
        None => String::new(),
    };
    format!(
        "listen = \"127.0.0.1:1\"\ntitle = \"Letters\"\nnamespace = \"urn:test:letters\"\n\
         [database]\nurl = \"{url}\"\n{tls}\nquery_timeout_ms = 1000\nconnections_max = 2\n\
         [limits]\nrows_max = 100\n{SERVICES}"
    )
}

#[expect(clippy::disallowed_methods, reason = "the test's own switch")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn get(service: &Service, target: &str) -> (StatusCode, serde_json::Value) {
    send(service, Request::get(target).body(Bytes::new()).unwrap()).await
}

async fn send(service: &Service, request: Request<Bytes>) -> (StatusCode, serde_json::Value) {
    let response = service.handle(request).await;
    (
        response.status(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

/// One test, because there is one database.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_a_postgres_database() {
    let Some(url) = variable("KARVAN_POSTGRES_URL") else {
        eprintln!("not run: KARVAN_POSTGRES_URL is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let service = Service::from_toml("letters.toml", &description(&url), folder.path()).unwrap();
    service.seed(SCRIPT).await.unwrap();
    let service = Service::from_toml("letters.toml", &description(&url), folder.path()).unwrap();
    service.probe().await.unwrap();

    let person = json!({
        "fin": "0TEST01", "name": "Əliyeva Şəhla", "born": "1990-05-01", "letters": 0,
        "balance": "10.50", "married": true, "seen": "2026-01-31T09:30:00Z",
    });
    assert_eq!(
        get(&service, "/persons/0test01").await,
        (StatusCode::OK, person)
    );
    let (_, other) = get(&service, "/persons/0TEST02").await;
    assert_eq!(
        (&other["balance"], &other["born"]),
        (&json!("-0.07"), &json!(null))
    );
    assert_eq!(
        get(&service, "/persons/0TEST99").await.0,
        StatusCode::NOT_FOUND
    );
    let found = get(&service, "/persons?born=1980-01-01&balance=10.49")
        .await
        .1;
    assert_eq!(found, json!({ "person": [{ "fin": "0TEST01" }] }));
    assert_eq!(
        get(&service, "/persons").await.1["person"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let send_letter = |id: &str, body: &str| {
        json_request("POST", "/persons/0TEST02/letters", id, body.to_owned())
    };
    for _ in 0..2 {
        let answer = send(
            &service,
            send_letter("m-1", r#"{"subject":"'; DROP TABLE letter; --"}"#),
        )
        .await;
        assert_eq!(answer, (StatusCode::OK, json!({ "letters": 1 })));
    }
    let service = Arc::new(service);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let service = Arc::clone(&service);
        let request = send_letter("m-2", r#"{"subject":"x"}"#);
        calls.spawn(async move { send(&service, request).await });
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap(), (StatusCode::OK, json!({ "letters": 2 })));
    }
    for body in [
        r#"{"subject":"x"}"#,
        r#"{"subject":"y","pages":0}"#,
        r#"{"subject":"z","pages":99999}"#,
    ] {
        let (status, problem) = send(&service, send_letter("m-3", body)).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::CONFLICT, &json!("Client.Conflict"))
        );
    }
    assert_eq!(get(&service, "/persons/0TEST02").await.1["letters"], 2);

    assert_eq!(get(&service, "/forever").await.1["code"], "Server.Timeout");
    assert_eq!(get(&service, "/sneaky").await.1["code"], "Server.Database");
    assert_eq!(get(&service, "/rows?count=100").await.0, StatusCode::OK);
    assert_eq!(
        get(&service, "/rows?count=101").await.1["code"],
        "Server.ResultTooLarge"
    );
    assert_eq!(get(&service, "/healthz").await.0, StatusCode::OK);

    let wrong = description(&url).replace("AS n\"", "AS m\"");
    let wrong = Service::from_toml("letters.toml", &wrong, folder.path()).unwrap();
    assert!(
        wrong
            .probe()
            .await
            .unwrap_err()
            .to_string()
            .contains("no column n")
    );
}

#[tokio::test]
async fn says_that_a_server_is_out_of_reach_without_its_address() {
    // Nothing listens on the port of a listener that was closed.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://reg:secret@{closed}/reg");
    let folder = tempfile::tempdir().unwrap();
    let service = Service::from_toml("letters.toml", &description(&url), folder.path()).unwrap();
    let (status, problem) = get(&service, "/persons/0TEST01").await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("Server.Database"))
    );
    assert!(!problem.to_string().contains("127.0.0.1"));
    assert_eq!(
        get(&service, "/healthz").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
}
