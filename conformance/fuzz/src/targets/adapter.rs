//! The SQL adapter: descriptions, statements, values, requests.

use std::sync::OnceLock;

use adapters_sql::fin::{Alphabet, Fin, voen};
use adapters_sql::statement::{Dialect, Statement};
use adapters_sql::value::Kind;
use adapters_sql::{Service, config};
use bytes::Bytes;
use gateway_xml::Document;
use http::{Request, StatusCode};
use tokio::runtime::Runtime;

use crate::input::first_line;

/// Every problem has its place; what is accepted has statements that bind.
pub fn adapter_description(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match config::check("adapter.toml", text) {
        Ok(adapter) => {
            for service in &adapter.services {
                assert!(!service.code.is_empty());
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// A statement keeps its text, and binds only names that stand in it.
pub fn adapter_statement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let Ok(statement) = Statement::parse(text, dialect) else {
            continue;
        };
        assert_eq!(statement.text(), text);
        for name in statement.names() {
            assert!(text.contains(&format!(":{name}")));
        }
        let _query = statement.begins_as_query();
        if dialect == Dialect::Postgres {
            let numbered = statement.numbered(|_| "text");
            assert!(statement.names().is_empty() || numbered.contains("$1"));
        }
    }
}

/// A value in its canonical form is the same value.
pub fn adapter_value(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let alphabet = Alphabet::default();
    let kinds = [
        Kind::Fin,
        Kind::Voen,
        Kind::Document,
        Kind::Text,
        Kind::Integer,
        Kind::Decimal,
        Kind::Boolean,
        Kind::Date,
        Kind::Datetime,
    ];
    for kind in kinds {
        let Ok(value) = kind.parse(text, &alphabet) else {
            continue;
        };
        let written = value.to_text().expect("only null has no text");
        let again = kind.parse(&written, &alphabet);
        assert!(again.as_ref() == Ok(&value), "{kind:?}");
        let _json = value.to_json();
    }
    if let Ok(fin) = Fin::parse(text, &alphabet) {
        assert!(fin.as_str().eq_ignore_ascii_case(text));
    }
    assert!(voen(text).is_none() || text.len() == 10);
}

/// Every answer is whole, whatever is asked. The input is `METHOD target`, then the Content-Type,
/// then the body.
pub fn adapter_request(data: &[u8]) {
    let Some((line, rest)) = first_line(data) else {
        return;
    };
    let Some((content_type, body)) = first_line(rest) else {
        return;
    };
    let (method, target) = line.split_once(' ').unwrap_or((line, "/"));
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("X-Road-Client", "AZ/GOV/1/portal")
        .header("X-Road-Id", "fuzz")
        .header("Content-Type", content_type)
        .body(Bytes::copy_from_slice(body));
    let Ok(request) = request else { return };
    let head = method == "HEAD";
    let adapter = adapter();
    let response = adapter.runtime.block_on(adapter.service.handle(request));
    let status = response.status();
    assert!(status.is_success() || status.is_client_error() || status.is_server_error());
    assert_ne!(
        status,
        StatusCode::SERVICE_UNAVAILABLE,
        "the database is there"
    );
    let kind = response.headers()["content-type"]
        .to_str()
        .expect("our own");
    if head {
        assert!(response.body().is_empty());
    } else if kind.contains("json") {
        serde_json::from_slice::<serde_json::Value>(response.body()).expect("it is JSON");
    } else {
        assert!(kind.starts_with("text/xml"), "{kind}");
        Document::parse(response.body(), gateway_xml::Limits::default()).expect("it is XML");
    }
}

struct Adapter {
    service: Service,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

fn adapter() -> &'static Adapter {
    static ADAPTER: OnceLock<Adapter> = OnceLock::new();
    ADAPTER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("register.sql"), SQL).expect("a file");
        let service = Service::from_toml("register.toml", TOML, folder.path());
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        Adapter {
            service,
            runtime,
            _folder: folder,
        }
    })
}

const SQL: &str = "
CREATE TABLE paper (number INTEGER PRIMARY KEY, fin TEXT NOT NULL, title TEXT, day TEXT, sum TEXT);
INSERT INTO paper VALUES (1, '0TEST01', 'Doğum <&>', '2020-02-29', '10.50'), (2, '0TEST02', NULL, NULL, NULL);
";

const TOML: &str = include_str!("../../seeds/adapter_description/register.toml");
