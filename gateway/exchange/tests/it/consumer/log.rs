//! log: no record, no sending; no record, no answer.

use gateway_messagelog::Options;

use crate::support::{Soap, World, options, response, rest, soap};

/// Records above so many bytes are refused, as a full disk would.
fn refusing_above(bytes: usize) -> Options {
    let mut options = options();
    options.segment.record_bytes_max = bytes;
    options
}

#[tokio::test]
async fn sends_nothing_that_it_could_not_log() {
    let world = World::with_logs(refusing_above(600), options()).await;
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.logging_failed");
    world
        .ask(rest("GET", "", ""))
        .await
        .is("server.clientproxy.logging_failed");
    assert!(world.sent().is_empty() && world.service.calls().is_empty());
    world.logged((0, 2), (0, 0)).await;
}

#[tokio::test]
async fn hands_no_answer_on_that_it_could_not_log() {
    let world = World::with_logs(refusing_above(20_000), options()).await;
    world
        .service
        .answers(|_, _| Ok(response(200, None, vec![0; 30_000])));
    let answer = world.ask(rest("GET", "", "")).await;
    answer.is("server.clientproxy.logging_failed");
    world.logged((1, 1), (2, 0)).await;
}

#[tokio::test]
async fn refuses_a_body_it_cannot_keep() {
    let world = World::new().await;
    let bodies = world.consumer.dir.path().join("bodies");
    std::fs::remove_dir_all(&bodies).unwrap();
    let large = vec![0; 200_000];
    let answer = world.ask(rest("POST", "", large.clone())).await;
    answer.is("server.clientproxy.logging_failed");
    let envelope = Soap::new("x").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", &large),
    ];
    let body = crate::support::multipart("b", &parts);
    let answer = world.ask(soap("multipart/related; boundary=b", body)).await;
    answer.is("server.clientproxy.logging_failed");
    assert!(world.sent().is_empty());
    // Small messages need no file.
    world.ask(Soap::new("y").request()).await.is("");
}
