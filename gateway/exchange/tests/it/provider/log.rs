//! log: no record, no call; no record, no answer.

use gateway_messagelog::Options;

use crate::support::{Soap, World, options, response, rest};

fn refusing_above(bytes: usize) -> Options {
    let mut options = options();
    options.segment.record_bytes_max = bytes;
    options
}

#[tokio::test]
async fn calls_no_service_for_a_request_it_could_not_log() {
    let world = World::with_logs(options(), refusing_above(600)).await;
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.serverproxy.logging_failed");
    world
        .ask(rest("GET", "", ""))
        .await
        .is("server.serverproxy.logging_failed");
    assert!(world.service.calls().is_empty());
    world.logged((2, 2), (0, 2)).await;
}

#[tokio::test]
async fn gives_no_answer_that_it_could_not_log() {
    let world = World::with_logs(options(), refusing_above(20_000)).await;
    world
        .service
        .answers(|_, _| Ok(response(200, None, vec![0; 30_000])));
    world
        .ask(rest("GET", "", ""))
        .await
        .is("server.serverproxy.logging_failed");
    assert_eq!(world.service.calls().len(), 1);
    world.logged((1, 1), (1, 1)).await;
}

#[tokio::test]
async fn calls_no_service_with_a_body_it_could_not_keep() {
    let world = World::new().await;
    std::fs::remove_dir_all(world.provider.dir.path().join("bodies")).unwrap();
    let answer = world.ask(rest("POST", "", vec![0; 200_000])).await;
    answer.is("server.serverproxy.logging_failed");
    assert!(world.service.calls().is_empty());
    // Small messages need no file.
    world.ask(Soap::new("x").request()).await.is("");
}
