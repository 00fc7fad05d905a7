//! timely: no new exchange while the log waits too long for its time stamp, and a remark before.

use crate::support::{Soap, World, rest};

#[tokio::test]
async fn says_in_the_record_that_time_stamps_are_late() {
    let world = World::new().await;
    world.ask(Soap::new("first").request()).await.is("");
    world.clock.advance(4 * 60);
    world.ask(Soap::new("in time").request()).await.is("");
    world.clock.advance(1);
    world.ask(Soap::new("late").request()).await.is("");
    world.stamp(&world.consumer).await;
    world.ask(Soap::new("stamped").request()).await.is("");
    let late = |id: &str| match id {
        "late" => vec!["timestamp-lag".to_owned()],
        _ => Vec::new(),
    };
    for verdict in world.consumer.verdicts() {
        assert_eq!(
            verdict.degraded,
            late(&verdict.message_id),
            "{}",
            verdict.message_id
        );
    }
}

#[tokio::test]
async fn takes_no_new_exchange_when_a_message_has_waited_longer_than_the_policy_allows() {
    let world = World::new().await;
    world.approve_timestamper().await;
    world.ask(Soap::new("first").request()).await.is("");
    world.stamp(&world.provider).await;
    world.advance_days(3).await;
    world.ask(rest("GET", "", "")).await.is("");
    world.stamp(&world.provider).await;

    world.clock.advance(1);
    let answer = world.ask(Soap::new("refused").request()).await;
    answer.is("server.clientproxy.logging_failed.timestamping_failed");
    let text = answer.text();
    for said in [
        "Cannot time-stamp messages",
        "a message logged at 2030-01-01T00:00:00Z still waits",
        "allows 259200 s",
        "The operator of this server",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let answer = world.ask(rest("GET", "", "")).await;
    answer.is("server.clientproxy.logging_failed.timestamping_failed");
    assert_eq!(world.sent().len(), 2);
    world.logged((4, 2), (4, 0)).await;

    // Without a restart it goes on once the log is stamped.
    world.stamp(&world.consumer).await;
    world.ask(Soap::new("stamped").request()).await.is("");
}

#[tokio::test]
async fn says_when_there_is_no_authority_to_ask() {
    let world = World::new().await;
    world.ask(Soap::new("first").request()).await.is("");
    world.advance_days(4).await;
    let answer = world.ask(Soap::new("refused").request()).await;
    answer.is("server.clientproxy.logging_failed.mlog.no_timestamping_provider_found");
    assert!(
        answer
            .text()
            .contains("no timestamping services configured")
    );
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_no_waiting() {
    let world = World::new().await;
    world.clock.advance(600);
    world.ask(Soap::new("of tomorrow").request()).await.is("");
    world.clock.advance(-600);
    world.refresh();
    world.ask(Soap::new("of today").request()).await.is("");
    assert!(
        world
            .consumer
            .verdicts()
            .iter()
            .all(|one| one.degraded.is_empty())
    );
}
