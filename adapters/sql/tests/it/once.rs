//! The same message is applied once; another message with the same id is another message.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::support::{Register, envelope, json_request};

const LETTERS: &str = "SELECT count(*) FROM letter WHERE fin = '0TEST02'";
const TARGET: &str = "/persons/0TEST02/letters";

#[tokio::test]
async fn gives_the_stored_result_to_a_repeated_message() {
    let register = Register::new();
    let first = register
        .post_json(TARGET, "m-1", r#"{"subject":"x"}"#)
        .await;
    let again = register
        .post_json(TARGET, "m-1", r#"{ "subject": "x", "pages": null }"#)
        .await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    assert_eq!(first.json(), again.json());
    assert_eq!(register.count(LETTERS), 1);
    assert_eq!(
        register.count("SELECT letters FROM person WHERE fin = '0TEST02'"),
        1
    );
}

#[tokio::test]
async fn remembers_after_a_restart() {
    let register = Register::new();
    register
        .post_json(TARGET, "m-1", r#"{"subject":"x"}"#)
        .await;
    let toml = crate::support::TOML;
    let again = adapters_sql::Service::from_toml("r.toml", toml, register.folder.path()).unwrap();
    let request = json_request("POST", TARGET, "m-1", r#"{"subject":"x"}"#);
    assert_eq!(again.handle(request).await.status(), StatusCode::OK);
    assert_eq!(register.count(LETTERS), 1);
}

#[tokio::test]
async fn applies_other_content_under_the_same_id() {
    let register = Register::new();
    register
        .post_json(TARGET, "m-1", r#"{"subject":"x"}"#)
        .await;
    let other = register
        .post_json(TARGET, "m-1", r#"{"subject":"y"}"#)
        .await;
    assert_eq!(other.json(), json!({ "letters": 2 }));
    assert_eq!(register.count(LETTERS), 2);
}

#[tokio::test]
async fn tells_consumers_apart() {
    let register = Register::new();
    register
        .post_json(TARGET, "m-1", r#"{"subject":"x"}"#)
        .await;
    let mut request = json_request("POST", TARGET, "m-1", r#"{"subject":"x"}"#);
    request
        .headers_mut()
        .insert("x-road-client", "AZ/COM/0000001201/kredit".parse().unwrap());
    // Another consumer's equal message is no repetition: the register's own rule speaks.
    assert_eq!(register.send(request).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn takes_rest_and_soap_for_one_message_alike() {
    let register = Register::new();
    register
        .post_json(TARGET, "m-1", r#"{"subject":"x"}"#)
        .await;
    let body = "<p:fin>0TEST02</p:fin><p:subject>x</p:subject>";
    let answer = register.soap(envelope("SendLetter", "m-1", body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(answer.text().contains("<letters>1</letters>"));
    assert_eq!(register.count(LETTERS), 1);
}

#[tokio::test]
async fn refuses_a_command_without_message_id_or_consumer() {
    let register = Register::new();
    for name in ["x-road-id", "x-road-client"] {
        let mut request = json_request("POST", TARGET, "m-1", r#"{"subject":"x"}"#);
        request.headers_mut().remove(name);
        let answer = register.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
    }
    assert_eq!(register.count(LETTERS), 0);
}

#[tokio::test]
async fn keeps_nothing_of_a_refused_message() {
    let register = Register::new();
    let refused = register
        .post_json(TARGET, "m-1", r#"{"subject":"x","pages":0}"#)
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(register.count("SELECT count(*) FROM karvan_applied"), 0);
    assert_eq!(
        register.count("SELECT letters FROM person WHERE fin = '0TEST02'"),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn applies_one_of_many_equal_messages_at_once() {
    let register = Arc::new(Register::new());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let register = Arc::clone(&register);
        calls.spawn(async move {
            register
                .post_json(TARGET, "m-1", r#"{"subject":"x"}"#)
                .await
                .json()
        });
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap(), json!({ "letters": 1 }));
    }
    assert_eq!(register.count(LETTERS), 1);
}
