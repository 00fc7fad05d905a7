//! timely: no service is asked while the log waits too long for its time stamp.

use crate::support::{Soap, World, rest};

#[tokio::test]
async fn calls_no_service_when_a_message_has_waited_longer_than_the_policy_allows() {
    let world = World::new().await;
    world.approve_timestamper().await;
    world.ask(Soap::new("first").request()).await.is("");
    world.advance_days(4).await;
    world.stamp(&world.consumer).await;
    for question in [Soap::new("refused").request(), rest("GET", "", "")] {
        let answer = world.ask(question).await;
        answer.is("server.serverproxy.logging_failed.timestamping_failed");
    }
    assert_eq!(world.service.calls().len(), 1);
    world.stamp(&world.provider).await;
    world.ask(Soap::new("stamped").request()).await.is("");
}

#[tokio::test]
async fn says_in_the_record_that_time_stamps_are_late() {
    let world = World::new().await;
    world.ask(Soap::new("first").request()).await.is("");
    world.clock.advance(5 * 60);
    world.ask(Soap::new("late").request()).await.is("");
    let verdicts = world.provider.verdicts();
    let remarks: Vec<&[String]> = verdicts.iter().map(|one| one.degraded.as_slice()).collect();
    let late = ["timestamp-lag".to_owned()];
    assert_eq!(remarks, [&[], &[], late.as_slice(), late.as_slice()]);
}
