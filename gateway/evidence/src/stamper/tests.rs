//! Tests of stamping: who is asked, what is believed, what an outage does.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::timestamp::Token;
use gateway_asic::stamping;
use gateway_globalconf::Snapshot;
use gateway_messagelog::{Entry, Stamp};

use super::{AskError, Error, Options, Outcome, Reason, Stamper};
use crate::testing::{Answer, Authorities, NOW, World};

fn stamper(world: &World, records_max: usize) -> Stamper<Authorities> {
    let clock = world.clock.clone();
    let options = Options {
        records_max,
        ..Options::default()
    };
    Stamper::new(
        world.log.clone(),
        world.authorities.clone(),
        Arc::new(move || clock.now()),
        options,
    )
}

/// A round that must stamp so many.
#[track_caller]
fn stamped(outcome: &Outcome) -> (usize, bool) {
    match outcome {
        Outcome::Stamped { records, more } => (*records, *more),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failed(outcome: Outcome) -> Arc<Error> {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Why each authority was of no use.
#[track_caller]
fn reasons(outcome: Outcome) -> Vec<String> {
    match failed(outcome).as_ref() {
        Error::AllFailed { tried } => tried
            .iter()
            .map(|one| one.reason.code().to_owned())
            .collect(),
        other => panic!("{other:?}"),
    }
}

async fn stamp_of(world: &World, ordinal: u64) -> Stamp {
    world.log.stamp_of(ordinal).await.unwrap().unwrap()
}

/// The token of a stamp holds for what it says it covers.
fn believed(stamp: &Stamp, imprint: &Digest, conf: &Snapshot) -> Token {
    let token = Token::from_der(&stamp.token).unwrap();
    token
        .verify(imprint, &conf.timestamper_certificates())
        .unwrap();
    token
}

#[tokio::test]
async fn stamps_one_message_over_its_signature_value_and_several_over_a_hash_chain() {
    let world = World::new(1);
    let conf = world.snapshot(1);
    let stamper = stamper(&world, 100);
    assert!(matches!(stamper.once(Some(&conf)).await, Outcome::Nothing));
    assert!(world.authorities.asked().is_empty());

    world.message("alone").await;
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (1, false));
    let stamp = stamp_of(&world, 1).await;
    let Entry::Message(record) = world.log.get(1).await.unwrap().entry else {
        panic!("a message");
    };
    let imprint = stamping::single_imprint(&record.signature, DigestAlgorithm::Sha512).unwrap();
    assert!(stamp.single);
    let token = believed(&stamp, &imprint, &conf);
    assert_eq!(
        token.certificates(),
        [world.authorities.certificate(0).clone()]
    );
    assert_eq!(
        (stamp.time, stamp.authority.as_str()),
        (NOW, "http://tsa/0")
    );

    world.messages(3).await;
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (3, false));
    let stamp = stamp_of(&world, 4).await;
    let covered: Vec<u64> = stamp.covers.iter().map(|one| one.ordinal).collect();
    assert_eq!((stamp.single, covered), (false, vec![3, 4, 5]));
    let digests: Vec<Digest> = stamp.covers.iter().map(|one| one.digest).collect();
    let result = stamping::batch(&digests).unwrap().result;
    believed(&stamp, &Digest::of(DigestAlgorithm::Sha512, &result), &conf);
    assert!(matches!(stamper.once(Some(&conf)).await, Outcome::Nothing));
    let state = stamper.state();
    assert_eq!(
        (state.waiting, state.oldest, state.last_success),
        (0, None, Some(NOW))
    );
}

#[tokio::test]
async fn asks_all_authorities_in_order_until_one_gives_a_token_that_holds() {
    let world = World::new(7);
    let conf = world.snapshot(6);
    let stamper = stamper(&world, 100);
    world.messages(2).await;
    world.authorities.answer(&[
        Answer::Down(AskError::Timeout),
        Answer::Bytes(Bytes::from_static(b"<html>busy</html>")),
        Answer::OtherImprint,
        Answer::OtherKey,
        Answer::Good,
        Answer::Good,
        Answer::Good,
    ]);
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (2, false));
    let asked: Vec<String> = (0..5).map(|n| format!("http://tsa/{n}")).collect();
    assert_eq!(world.authorities.asked(), asked);
    let stamp = stamp_of(&world, 1).await;
    assert_eq!(stamp.authority, "http://tsa/4");
    // Each was asked the same: version 1, SHA-512 without parameters, the imprint, nothing else.
    let digests: Vec<Digest> = stamp.covers.iter().map(|one| one.digest).collect();
    let result = stamping::batch(&digests).unwrap().result;
    let mut query = hex::decode("3054020101304f300b06096086480165030402030440").unwrap();
    query.extend_from_slice(Digest::of(DigestAlgorithm::Sha512, &result).as_bytes());
    assert_eq!(world.authorities.queries(), vec![query; 5]);
    let state = stamper.state();
    let codes: Vec<_> = state
        .authorities
        .iter()
        .map(|one| one.last_failure.as_ref().map(|failure| failure.code))
        .collect();
    assert_eq!(
        codes,
        [
            Some("mlog.timestamp_request_timed_out"),
            Some("mlog.timestamp_response_object_creation_failed"),
            Some("malformed_signature"),
            Some("mlog.tsp_certificate_not_found"),
            None,
            None,
        ]
    );
    assert_eq!(state.authorities[4].last_success, Some(NOW));
    assert_eq!(state.authorities[5].last_success, None);
    assert_eq!(state.last_failure, None);
}

#[tokio::test]
async fn asks_one_that_failed_lately_after_the_others() {
    let world = World::new(3);
    let conf = world.snapshot(3);
    let stamper = stamper(&world, 2);
    world.messages(8).await;
    let down = || Answer::Down(AskError::Timeout);
    let authorities = &world.authorities;
    let round = async |answers: &[Answer], asked: &[usize]| {
        authorities.answer(answers);
        assert_eq!(stamped(&stamper.once(Some(&conf)).await), (2, true));
        let asked: Vec<_> = asked.iter().map(|n| format!("http://tsa/{n}")).collect();
        assert_eq!(authorities.asked(), asked);
    };
    round(&[down(), Answer::Good, Answer::Good], &[0, 1]).await;
    // A backlog does not wait for it with each batch.
    round(&[down(), Answer::Good, Answer::Good], &[1]).await;
    world.clock.advance(599);
    round(&[Answer::Good, down(), down()], &[1, 2, 0]).await;
    // What it failed at is forgiven, by success or after a while.
    world.clock.advance(600);
    round(&[down(), Answer::Good, Answer::Good], &[0, 1]).await;
    // Also when the clock is set back before it.
    world.messages(2).await;
    world.clock.advance(-60);
    round(&[Answer::Good, Answer::Good, Answer::Good], &[0]).await;
}

#[tokio::test]
async fn exchanges_do_not_wait_for_an_authority_that_does_not_answer() {
    let world = World::new(1);
    let conf = world.snapshot(1);
    let stamper = stamper(&world, 100);
    world.message("first").await;
    world.authorities.answer(&[Answer::Silent]);
    tokio::select! {
        outcome = stamper.once(Some(&conf)) => panic!("{outcome:?}"),
        () = world.messages(20) => {}
    }
    // Given up, it took nothing with it.
    world.authorities.answer(&[Answer::Good]);
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (21, false));
}

#[tokio::test]
async fn a_clock_far_ahead_counts_only_when_no_other_authority_does_better() {
    let world = World::new(4);
    let conf = world.snapshot(4);
    let stamper = stamper(&world, 100);
    let down = || Answer::Down(AskError::Timeout);
    for (answers, taken, offset) in [
        (
            [Answer::Ahead(301), down(), Answer::Ahead(300), Answer::Good],
            2,
            300,
        ),
        (
            [Answer::Ahead(7200), down(), Answer::Ahead(3600), down()],
            2,
            3600,
        ),
    ] {
        let ordinal = world.log.last_ordinal() + 1;
        world.message("x").await;
        world.authorities.answer(&answers);
        assert_eq!(stamped(&stamper.once(Some(&conf)).await), (1, false));
        let stamp = stamp_of(&world, ordinal).await;
        assert_eq!(stamp.authority, format!("http://tsa/{taken}"));
        assert_eq!(stamper.state().clock_offset_seconds, Some(offset));
        world.clock.advance(3600);
    }
}

#[tokio::test]
async fn believes_the_authorities_of_the_configuration_in_force_alone() {
    let world = World::new(2);
    let stamper = stamper(&world, 100);
    world.message("x").await;
    assert!(matches!(
        *failed(stamper.once(None).await),
        Error::NoConfiguration
    ));
    let nobody = world.snapshot(0);
    assert!(matches!(
        *failed(stamper.once(Some(&nobody)).await),
        Error::NoAuthority
    ));
    assert!(world.authorities.asked().is_empty());
    // Nothing was logged, nothing is lost.
    assert_eq!(world.log.stamping().unstamped, 1);
    assert_eq!(stamper.state().last_failure.unwrap().0, NOW);
    assert_eq!(
        stamped(&stamper.once(Some(&world.snapshot(1))).await),
        (1, false)
    );
    assert_eq!(stamper.state().authorities.len(), 1);
}

#[tokio::test]
async fn catches_up_batch_by_batch_after_an_outage() {
    let world = World::new(2);
    let conf = world.snapshot(2);
    let down = Answer::Down(AskError::Connection {
        reason: "refused".to_owned(),
    });
    world
        .authorities
        .answer(&[down, Answer::Down(AskError::Status(503))]);
    let first = stamper(&world, 3);
    for number in 0..4 {
        world.message(&format!("before-{number}")).await;
        world.clock.advance(60);
        let codes = reasons(first.once(Some(&conf)).await);
        assert_eq!(
            codes,
            [
                "mlog.timestamp_provider_connection_failed",
                "mlog.timestamping_non_ok_response"
            ]
        );
    }
    let state = first.state();
    assert_eq!((state.waiting, state.oldest), (4, Some(NOW)));
    assert_eq!(state.lag_seconds(world.clock.now()), 240);
    assert!(state.last_failure.is_some() && state.last_success.is_none());

    // A restart forgives nothing.
    drop(first);
    let world = world.reopened();
    let second = stamper(&world, 3);
    world.message("after").await;
    while !world.log.stamping().complete {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.state().oldest, Some(NOW));
    world.authorities.answer(&[Answer::Good, Answer::Good]);
    assert_eq!(stamped(&second.once(Some(&conf)).await), (3, true));
    // Exchanges go on between the batches.
    world.message("meanwhile").await;
    assert_eq!(stamped(&second.once(Some(&conf)).await), (3, true));
    assert!(matches!(second.once(Some(&conf)).await, Outcome::Nothing));
    for (ordinal, covers) in [(1, vec![1, 2, 3]), (5, vec![4, 5, 7])] {
        let stamp = stamp_of(&world, ordinal).await;
        let covered: Vec<u64> = stamp.covers.iter().map(|one| one.ordinal).collect();
        assert_eq!(covered, covers);
    }
    assert_eq!(second.state().lag_seconds(world.clock.now()), 0);
}

#[tokio::test]
async fn records_a_clock_that_is_far_off_but_refuses_a_stamp_from_before_the_message() {
    let world = World::new(1);
    let conf = world.snapshot(1);
    let stamper = stamper(&world, 100);
    world.message("ahead").await;
    world.authorities.answer(&[Answer::Ahead(3600)]);
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (1, false));
    assert_eq!(stamper.state().clock_offset_seconds, Some(3600));

    world.message("early").await;
    world.authorities.answer(&[Answer::Ahead(-299)]);
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (1, false));

    world.clock.advance(3600);
    world.message("too early").await;
    world.authorities.answer(&[Answer::Ahead(-301)]);
    match failed(stamper.once(Some(&conf)).await).as_ref() {
        Error::AllFailed { tried } => {
            assert!(
                matches!(tried[0].reason, Reason::TooEarly { .. }),
                "{tried:?}"
            );
            assert!(tried[0].reason.to_string().contains("is a clock wrong?"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn goes_on_when_the_clock_is_set_back() {
    let world = World::new(1);
    let conf = world.snapshot(1);
    let stamper = stamper(&world, 100);
    world.clock.advance(86_400);
    world.message("of tomorrow").await;
    world.clock.advance(-86_400);
    world.message("of today").await;
    assert_eq!(stamper.state().lag_seconds(world.clock.now()), 0);
    assert_eq!(stamped(&stamper.once(Some(&conf)).await), (2, false));
    assert_eq!(stamp_of(&world, 2).await.time, NOW);
}

#[tokio::test]
async fn says_what_an_authority_answers_that_grants_nothing() {
    let world = World::new(1);
    let conf = world.snapshot(1);
    let stamper = stamper(&world, 100);
    world.message("x").await;
    world
        .authorities
        .answer(&[Answer::Ahead(100 * 365 * 86_400)]);
    // Its certificate has expired by then.
    assert_eq!(
        reasons(stamper.once(Some(&conf)).await),
        ["mlog.timestamp_non_granted_response"]
    );
}

#[tokio::test]
async fn who_forces_waits_for_a_round_that_began_after() {
    let world = World::new(1);
    let conf = world.snapshot(1);
    let stamper = Arc::new(stamper(&world, 2));
    world.messages(5).await;
    let rounds = {
        let (stamper, conf) = (Arc::clone(&stamper), world.snapshot(1));
        tokio::spawn(async move {
            loop {
                stamper.woken().await;
                stamper.once(Some(&conf)).await;
            }
        })
    };
    let patience = Duration::from_secs(20);
    let forced = |ordinal| {
        let stamper = Arc::clone(&stamper);
        async move {
            tokio::time::timeout(patience, stamper.force(ordinal))
                .await
                .unwrap()
        }
    };
    // Several batches are needed, and several may wait.
    let (one, other) = tokio::join!(forced(5), forced(3));
    assert!(one.is_ok() && other.is_ok());
    assert!(world.log.stamping().stamped_until >= 5);
    forced(1).await.unwrap();

    world.authorities.answer(&[Answer::Down(AskError::Timeout)]);
    world.message("late").await;
    let late = world.log.last_ordinal();
    let error = forced(late).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("Failed to get time stamp from any time-stamping providers"),
        "{text}"
    );
    // An old failure counts for nobody who comes later.
    world.authorities.answer(&[Answer::Good]);
    forced(late).await.unwrap();

    world.message("last").await;
    rounds.abort();
    let _aborted = rounds.await;
    let waiting = forced(world.log.last_ordinal());
    let (ended, ()) = tokio::join!(waiting, async { stamper.close() });
    assert!(matches!(*ended.unwrap_err(), Error::Interrupted));
    drop(conf);
}
