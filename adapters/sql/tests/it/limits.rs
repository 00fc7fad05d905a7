use std::sync::Arc;

use http::StatusCode;

use crate::support::{Register, TOML, envelope};

#[tokio::test]
async fn refuses_a_body_that_is_too_large() {
    let register = Register::new();
    let body = format!(r#"{{"subject":"{}"}}"#, "a".repeat(5000));
    let answer = register
        .post_json("/persons/0TEST02/letters", "m", body)
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let body = format!("<fin>{}</fin>", " ".repeat(5000));
    assert_eq!(
        register
            .soap(envelope("GetPerson", "m", &body))
            .await
            .fault(),
        "Client.TooLarge"
    );
}

#[tokio::test]
async fn gives_out_as_many_rows_and_bytes_as_allowed() {
    let register = Register::new();
    let full = register.get("/rows?count=100&bytes=1").await;
    assert_eq!(full.json()["n"].as_array().unwrap().len(), 100);
    let answer = register.get("/rows?count=101&bytes=1").await;
    assert_eq!(answer.problem(), "Server.ResultTooLarge");
    assert_eq!(
        register.get("/rows?count=1&bytes=4000").await.status,
        StatusCode::OK
    );
    assert_eq!(
        register.get("/rows?count=1&bytes=5001").await.problem(),
        "Server.ResultTooLarge"
    );
    assert_eq!(
        register
            .get("/rows?count=1&bytes=2000000000")
            .await
            .problem(),
        "Server.ResultTooLarge"
    );
}

#[tokio::test]
async fn stops_a_query_that_takes_too_long_and_goes_on() {
    let toml = TOML.replace(
        "query_timeout_ms = 2000",
        "query_timeout_ms = 50\nconnections_max = 1",
    );
    let register = Register::with(&toml);
    assert_eq!(register.get("/forever").await.problem(), "Server.Timeout");
    assert_eq!(
        register.get("/persons/0TEST01").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn stops_a_query_whose_caller_went_away() {
    let toml = TOML.replace(
        "query_timeout_ms = 2000",
        "query_timeout_ms = 60000\nconnections_max = 1",
    );
    let register = Register::with(&toml);
    let mut call = Box::pin(register.get("/forever"));
    // One poll takes the only connection and starts the query; then the caller is gone.
    std::future::poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(call);
    assert_eq!(
        register.get("/persons/0TEST01").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn says_busy_when_the_queue_is_full() {
    let toml = TOML
        .replace(
            "query_timeout_ms = 2000",
            "query_timeout_ms = 100\nconnections_max = 1",
        )
        .replace("rows_max = 100", "rows_max = 100\ncalls_max = 1");
    let register = Register::with(&toml);
    let (slow, quick) = tokio::join!(register.get("/forever"), register.get("/persons/0TEST01"));
    assert_eq!(slow.problem(), "Server.Timeout");
    assert_eq!(
        (quick.status, quick.problem().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "Server.Busy")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serves_readers_while_it_writes() {
    let register = Arc::new(Register::new());
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..60 {
        let register = Arc::clone(&register);
        calls.spawn(async move {
            match at % 3 {
                0 => {
                    let body = format!(r#"{{"subject":"s{at}"}}"#);
                    register
                        .post_json("/persons/0TEST02/letters", &format!("m{at}"), body)
                        .await
                }
                1 => register.get("/persons/0TEST01").await,
                _ => {
                    register
                        .soap(envelope("GetPerson", "m", "<fin>0TEST01</fin>"))
                        .await
                }
            }
        });
    }
    while let Some(answer) = calls.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    assert_eq!(
        register.count("SELECT count(*) FROM letter WHERE fin = '0TEST02'"),
        20
    );
    assert_eq!(
        register.count("SELECT letters FROM person WHERE fin = '0TEST02'"),
        20
    );
}
