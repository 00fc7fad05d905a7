use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Register, json_request};

#[tokio::test]
async fn gives_a_person_by_fin() {
    let register = Register::new();
    for target in ["/persons/0TEST01", "/persons/0test01", "/persons/%30TEST01"] {
        let answer = register.get(target).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.content_type, "application/json");
        assert_eq!(answer.response.headers()["cache-control"], "no-store");
        let expected = json!({
            "fin": "0TEST01", "name": "Əliyeva Şəhla, ğöüçıİ <&>", "born": "1990-05-01",
            "letters": 2, "balance": "10.50", "married": true,
        });
        assert_eq!(answer.json(), expected);
    }
}

#[tokio::test]
async fn gives_null_for_what_is_not_recorded() {
    let answer = Register::new().get("/persons/0TEST02").await;
    assert_eq!(answer.json()["born"], json!(null));
    assert_eq!(answer.json()["married"], json!(null));
}

#[tokio::test]
async fn answers_head_without_a_body() {
    let request = Request::head("/persons/0TEST01")
        .body(Bytes::new())
        .unwrap();
    let answer = Register::new().send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.response.body().is_empty());
}

#[tokio::test]
async fn says_not_found_for_an_unknown_person() {
    let answer = Register::new().get("/persons/0TEST99").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.problem(), "Client.NotFound");
    assert!(!answer.text().contains("TEST"));
}

#[tokio::test]
async fn refuses_a_malformed_fin_without_repeating_it() {
    let register = Register::new();
    for fin in [
        "0TEST0",
        "0TEST011",
        "0TESTI1",
        "OTEST01",
        "0TEST%C4%B01",
        "0TEST%C4%B11",
        "0%D0%A2EST01",
        "%270TEST0",
        "0TEST0%20",
        "0TEST%001",
        "0TEST0%2F",
        "%2e%2e",
    ] {
        let answer = register.get(&format!("/persons/{fin}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fin}");
        assert_eq!(answer.problem(), "Client.InvalidFin", "{fin}");
        assert!(!answer.text().contains("TEST"), "{fin}");
    }
}

#[tokio::test]
async fn lists_rows_and_an_empty_list() {
    let register = Register::new();
    let answer = register.get("/letters?subject=a").await;
    assert_eq!(
        answer.json(),
        json!({ "letter": [{ "number": 1, "subject": "a", "pages": 1 }] })
    );
    let answer = register.get("/letters?fin=0test02&subject=a").await;
    assert_eq!(answer.json(), json!({ "letter": [] }));
    let answer = register.get("/letters?subject=a&fin=").await;
    assert_eq!(answer.json()["letter"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refuses_wrong_query_strings() {
    let register = Register::new();
    let check = async |target: &str, code: &str| {
        let answer = register.get(target).await;
        assert_eq!(answer.problem(), code, "{target}");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    };
    check("/letters", "Client.MissingParameter").await;
    check("/letters?subject=a&subject=b", "Client.RepeatedParameter").await;
    check("/letters?subject=a&Subject=b", "Client.UnknownParameter").await;
    check("/letters?subject=%zz", "Client.InvalidTarget").await;
    check("/letters?subject=%ff", "Client.InvalidTarget").await;
    check("/letters?subject=%00", "Client.InvalidParameter").await;
    check("/persons/0TEST01?fin=0TEST02", "Client.UnknownParameter").await;
    check("/rows?count=1e1&bytes=1", "Client.InvalidParameter").await;
}

#[tokio::test]
async fn inserts_what_a_body_says() {
    let register = Register::new();
    let body = json!({ "subject": "ərizə", "pages": 3, "urgent": true }).to_string();
    let answer = register
        .post_json("/persons/0test02/letters", "m-1", body)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json(), json!({ "letters": 1 }));
    let found = "SELECT count(*) FROM letter WHERE fin = '0TEST02' AND subject = 'ərizə' AND pages = 3
        AND urgent = 1 AND sender = 'AZ/GOV/0000001181/mygov' AND message_id = 'm-1' AND user_id = 'AZ1234'";
    assert_eq!(register.count(found), 1);
}

#[tokio::test]
async fn refuses_wrong_bodies() {
    let register = Register::new();
    let check = async |body: &str, code: &str| {
        let answer = register
            .post_json("/persons/0TEST02/letters", "m", body.to_owned())
            .await;
        assert_eq!(answer.problem(), code, "{body}");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    };
    check("", "Client.MissingParameter").await;
    check("{}", "Client.MissingParameter").await;
    check("{", "Client.InvalidJson").await;
    check("[]", "Client.InvalidJson").await;
    check(r#"{"subject":"a"} x"#, "Client.InvalidJson").await;
    check(r#"{"subject":{"a":1}}"#, "Client.InvalidJson").await;
    check(
        r#"{"subject":"a","subject":"b"}"#,
        "Client.RepeatedParameter",
    )
    .await;
    check(
        r#"{"subject":"a","fin":"0TEST01"}"#,
        "Client.UnknownParameter",
    )
    .await;
    check(r#"{"subject":"a","sender":"x"}"#, "Client.UnknownParameter").await;
    check(r#"{"subject":1}"#, "Client.InvalidParameter").await;
    check(r#"{"subject":null}"#, "Client.MissingParameter").await;
    check(r#"{"subject":"a","pages":"3"}"#, "Client.InvalidParameter").await;
    check(r#"{"subject":"a","pages":3.5}"#, "Client.InvalidParameter").await;
    check(
        r#"{"subject":"a","pages":9223372036854775808}"#,
        "Client.InvalidParameter",
    )
    .await;
    check(r#"{"subject":"a","urgent":1}"#, "Client.InvalidParameter").await;
    check(
        &format!(r#"{{"subject":{}1{}}}"#, "[".repeat(500), "]".repeat(500)),
        "Client.InvalidJson",
    )
    .await;
    assert_eq!(register.count("SELECT count(*) FROM letter"), 2);
}

#[tokio::test]
async fn wants_json_to_be_called_json() {
    let register = Register::new();
    let mut request = json_request(
        "POST",
        "/persons/0TEST02/letters",
        "m",
        "{\"subject\":\"a\"}",
    );
    request
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(
        register.send(request).await.problem(),
        "Client.InvalidContentType"
    );
    let mut request = json_request(
        "POST",
        "/persons/0TEST02/letters",
        "m",
        "{\"subject\":\"a\"}",
    );
    request.headers_mut().remove("content-type");
    let answer = register.send(request).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn says_conflict_when_a_constraint_holds_against_it() {
    let register = Register::new();
    for (target, body) in [
        ("/persons/0TEST01/letters", r#"{"subject":"a"}"#),
        ("/persons/0TEST01/letters", r#"{"subject":"new","pages":0}"#),
        ("/persons/0TEST99/letters", r#"{"subject":"new"}"#),
    ] {
        let answer = register.post_json(target, "m", body).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{body}");
        assert_eq!(answer.problem(), "Client.Conflict");
        assert!(
            !answer.text().to_lowercase().contains("letter"),
            "leaks a table: {}",
            answer.text()
        );
    }
    assert_eq!(register.count("SELECT count(*) FROM letter"), 2);
}

#[tokio::test]
async fn updates_and_says_how_many() {
    let register = Register::new();
    let send = async |target: &str| {
        register
            .send(json_request("PUT", target, "m", r#"{"name":"Yeni"}"#))
            .await
    };
    assert_eq!(
        send("/persons/0TEST02/name").await.json(),
        json!({ "affected": 1 })
    );
    assert_eq!(
        send("/persons/0TEST99/name").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        register.count("SELECT count(*) FROM person WHERE name = 'Yeni'"),
        1
    );
}

#[tokio::test]
async fn names_the_methods_of_an_endpoint() {
    let register = Register::new();
    let answer = register
        .send(json_request("DELETE", "/persons/0TEST01", "m", ""))
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.response.headers()["allow"], "GET");
    assert_eq!(answer.problem(), "Client.MethodNotAllowed");
}

#[tokio::test]
async fn knows_no_other_endpoint() {
    let register = Register::new();
    for target in [
        "/",
        "/persons",
        "/persons/",
        "/persons/0TEST01/",
        "//persons/0TEST01",
        "/nothing",
    ] {
        assert_eq!(
            register.get(target).await.problem(),
            "Client.NoEndpoint",
            "{target}"
        );
    }
    assert_eq!(
        register.get("/persons/%").await.problem(),
        "Client.InvalidTarget"
    );
}

#[tokio::test]
async fn binds_and_never_concatenates() {
    let register = Register::new();
    let attempts = [
        "'; DROP TABLE letter; --",
        "a' OR '1'='1",
        "a\" OR \"1\"=\"1",
        "a'||(SELECT name FROM person)||'",
        ":fin",
        "?1",
        "a/*",
        "a\\'",
        "a%' UNION SELECT 1,name,3 FROM person --",
    ];
    for (at, attempt) in attempts.into_iter().enumerate() {
        let encoded: String = attempt.bytes().map(|b| format!("%{b:02X}")).collect();
        let answer = register.get(&format!("/letters?subject={encoded}")).await;
        assert_eq!(answer.json(), json!({ "letter": [] }), "{attempt}");
        let body = json!({ "subject": attempt }).to_string();
        let answer = register
            .post_json("/persons/0TEST02/letters", &format!("m{at}"), body)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{attempt}");
        let answer = register.get(&format!("/letters?subject={encoded}")).await;
        assert_eq!(answer.json()["letter"][0]["subject"], attempt);
    }
    assert_eq!(
        register.count("SELECT count(*) FROM letter"),
        2 + attempts.len() as i64
    );
}

#[tokio::test]
async fn says_that_data_does_not_fit_rather_than_send_it() {
    let answer = Register::new().get("/persons/0TEST03").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.problem(), "Server.UnexpectedResult");
    assert!(!answer.text().contains("sometime"));
}

#[tokio::test]
async fn says_that_it_is_well() {
    let register = Register::new();
    let answer = register.get("/healthz").await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({ "status": "ok" }))
    );
}

#[tokio::test]
async fn says_that_its_database_is_not_well() {
    let register = Register::new();
    for name in ["register.db", "register.db-wal", "register.db-shm"] {
        let path = register.folder.path().join(name);
        if path.exists() {
            std::fs::write(path, "not a database").unwrap();
        }
    }
    let answer = register.get("/healthz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let answer = register.get("/persons/0TEST01").await;
    assert_eq!(answer.problem(), "Server.Database");
    assert!(!answer.text().to_lowercase().contains("sqlite"));
}
