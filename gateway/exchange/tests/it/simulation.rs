//! Many exchanges over a transport that loses requests and replies, gives replies to other
//! questions, repeats requests and damages bytes. What is drawn depends on the seed alone.
//!
//! It counts as failure when
//!
//! * an exchange was acknowledged to its information system, and one of the two logs lacks its
//!   request or its response;
//! * a record in either log does not verify;
//! * the service was called for a request that the provider's log did not hold at that moment;
//! * an information system gets an answer to another question than its own;
//! * a refusal leaves either node unable to serve the next question.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use gateway_exchange::Error;
use gateway_messagelog::audit::{Finding, Reader};
use gateway_messagelog::{Direction, Entry};
use gateway_net::{Error as Net, PeerError};

use crate::support::{Broken, Letter, Soap, World, echo, rest};

/// The same numbers for the same seed (a linear congruential generator; the high bits are good).
#[derive(Clone)]
struct Chance(Arc<Mutex<u64>>);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// Below `bound`.
    fn draw(&self, bound: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % bound
    }
}

fn network() -> PeerError<Error> {
    PeerError::Network(Net::Connect {
        source: io::ErrorKind::ConnectionRefused.into(),
    })
}

fn disturb(world: &World, chance: &Chance) {
    let sending = chance.clone();
    world.on_send(move || match sending.draw(8) {
        0 => Some(Broken::Unsent(network())),
        1 => Some(Broken::ReplyLost(PeerError::Timeout)),
        2 => Some(Broken::ReplyLost(network())),
        3 => Some(Broken::Repeated),
        _ => None,
    });
    let asking = chance.clone();
    world.on_request(move |_, body| match asking.draw(10) {
        0 => {
            let at = asking.draw(body.len() as u64) as usize;
            body[at] ^= 1 << asking.draw(8);
        }
        1 => body.truncate(asking.draw(body.len() as u64) as usize),
        _ => {}
    });
    let answering = chance.clone();
    let mut late = None;
    world.on_reply(move |head, body| match answering.draw(8) {
        0 => {
            let at = answering.draw(body.len() as u64) as usize;
            body[at] ^= 1 << answering.draw(8);
        }
        // The reply to this question comes too late: for the next one.
        1 => {
            let now = (head.clone(), body.clone());
            if let Some((before, bytes)) = late.replace(now) {
                (*head, *body) = (before, bytes);
            }
        }
        _ => {}
    });
}

async fn simulate(seed: u64) {
    let world = World::new().await;
    let chance = Chance::new(seed);
    disturb(&world, &chance);
    let dir = world.provider.dir.path().to_owned();
    world.service.answers(move |head, body| {
        // Not our own words about it: what an auditor would find on the disk now.
        let id = match head.headers.get("x-road-id") {
            Some(id) => id.to_str().unwrap().to_owned(),
            None => between(&String::from_utf8_lossy(body), "<x:id>", "</x:id>"),
        };
        let found = Reader::open(&dir).unwrap().find(&id).unwrap();
        let is_request = |entry: &Entry| {
            matches!(entry, Entry::Message(record) if record.direction == Direction::Request)
        };
        assert!(found.iter().any(|one| is_request(&one.entry)), "{id} was called unlogged");
        echo(head, body)
    });

    let mut acknowledged = Vec::new();
    for wave in 0..12 {
        let asked = (0..6).map(|at| {
            let (world, id) = (&world, format!("{seed}-{wave}-{at}"));
            async move {
                let answer = if at % 2 == 0 {
                    world.ask(Soap::new(&id).request()).await
                } else {
                    let mut request = rest("POST", "/x", id.clone());
                    request
                        .headers_mut()
                        .insert("x-road-id", id.parse().unwrap());
                    world.ask(request).await
                };
                (id, answer)
            }
        });
        for (id, answer) in futures_util::future::join_all(asked).await {
            if answer.code().is_empty() {
                assert_eq!(answer.status, 200);
                assert!(
                    answer.text().contains(&id),
                    "{id} got the answer to another question"
                );
                acknowledged.push(id);
            }
        }
    }
    assert!(
        acknowledged.len() > 10,
        "seed {seed}: only {}",
        acknowledged.len()
    );
    check_log(&world.consumer.findings(), &acknowledged, "consumer", seed);
    check_log(&world.provider.findings(), &acknowledged, "provider", seed);

    *world.wire.inner.on_send.lock().unwrap() = None;
    *world.wire.inner.on_request.lock().unwrap() = None;
    *world.wire.inner.on_reply.lock().unwrap() = None;
    world.ask(Soap::new("after").request()).await.is("");
}

fn check_log(findings: &[Finding], acknowledged: &[String], name: &str, seed: u64) {
    let mut directions: BTreeMap<&str, Vec<Direction>> = BTreeMap::new();
    for finding in findings {
        assert!(finding.holds(), "seed {seed}, {name}: {finding:?}");
        if let Finding::Message(verdict) = finding {
            directions
                .entry(&verdict.message_id)
                .or_default()
                .push(verdict.direction);
        }
    }
    for id in acknowledged {
        let found = directions
            .get(id.as_str())
            .map(Vec::as_slice)
            .unwrap_or_default();
        for direction in [Direction::Request, Direction::Response] {
            assert!(
                found.contains(&direction),
                "seed {seed}, {name}: {id} lacks {direction:?}"
            );
        }
    }
}

fn between(text: &str, start: &str, end: &str) -> String {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_both_logs_whatever_the_way_did() {
    for seed in [1, 7, 42, 20_300_101] {
        simulate(seed).await;
    }
}

#[tokio::test]
async fn one_changed_bit_anywhere_never_changes_what_the_service_gets() {
    let world = World::new().await;
    world
        .ask(rest("POST", "/x", "a body of some length"))
        .await
        .is("");
    let sent = world.sent().remove(0);
    let content_type = sent.content_type().to_owned();
    let honest = world.service.calls().remove(0);
    for at in (0..sent.body.len()).step_by(23) {
        let mut changed = sent.clone();
        let mut bytes = sent.body.to_vec();
        bytes[at] ^= 0x20;
        changed.body = bytes.into();
        let before = world.service.calls().len();
        let answer = world.deliver(&changed).await;
        // Where framing, OCSP DER or Base64 forgives a bit, what was signed is still what arrives.
        match world.service.calls().get(before) {
            Some(call) => {
                assert_eq!(answer.code(), "");
                assert_eq!(
                    (&call.head.uri, &call.body),
                    (&honest.head.uri, &honest.body)
                );
                assert_eq!(call.head.headers, honest.head.headers, "at {at}");
            }
            None => assert!(answer.code().starts_with("server.serverproxy."), "at {at}"),
        }
    }
    assert!(Letter::open(&content_type, &sent.body).parts.len() > 4);
    for verdict in world.provider.verdicts() {
        assert!(verdict.holds(), "{:?}", verdict.checks);
    }
}
