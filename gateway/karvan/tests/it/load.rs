//! Nodes that are killed while others count on them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_messagelog::audit::{Finding, Outcome, Reader};
use gateway_messagelog::{Direction, Side};

use crate::country::{Country, Running, Service, eventually};
use crate::wire;

/// Reads a whole log: every record holds. Gives side, direction and id of each message.
#[track_caller]
pub(crate) fn check_log(data: &Path) -> BTreeSet<(String, String, String)> {
    let reader = Reader::open(&data.join("log")).unwrap();
    let history = reader.history().unwrap();
    let mut messages = BTreeSet::new();
    for finding in reader.audit(&history).unwrap() {
        match finding {
            Finding::Message(verdict) => {
                assert!(verdict.holds(), "{verdict:?}");
                let side = match verdict.side {
                    Side::Consumer => "consumer",
                    Side::Provider => "provider",
                };
                let direction = match verdict.direction {
                    Direction::Request => "request",
                    Direction::Response => "response",
                };
                messages.insert((side.to_owned(), direction.to_owned(), verdict.message_id));
            }
            Finding::Refusal { .. } | Finding::Erased { .. } => {}
            Finding::Stamp { outcome, .. } => assert_eq!(outcome, Outcome::Holds),
            Finding::Unreadable(unreadable) => panic!("{unreadable}"),
        }
    }
    messages
}

#[track_caller]
fn holds_both(messages: &BTreeSet<(String, String, String)>, side: &str, id: &str) {
    for direction in ["request", "response"] {
        let wanted = (side.to_owned(), direction.to_owned(), id.to_owned());
        assert!(
            messages.contains(&wanted),
            "the {side} has no {direction} of {id}"
        );
    }
}

#[test]
fn every_acknowledged_exchange_is_in_both_logs_after_a_kill_under_load() {
    let Some(country) = Country::found() else {
        return;
    };
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    let acknowledged = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    let count = || acknowledged.lock().unwrap().len();

    std::thread::scope(|scope| {
        // A panic in here must not leave the callers calling.
        let _ended = Ended(&done);
        let place = running.country.addresses();
        for caller in 0..4 {
            let (acknowledged, done) = (&acknowledged, &done);
            scope.spawn(move || {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = format!("load-{caller}-{number}");
                    let answer = place.person("0TEST01", &id);
                    if answer.is_ok_and(|answer| answer.status == 200) {
                        acknowledged.lock().unwrap().push(id);
                    }
                }
            });
        }
        for node in ["din", "iria"] {
            let before = count();
            eventually("exchanges under load", || count() >= before + 60);
            running.take(Service::Node(node)).kill();
            running.restart(Service::Node(node));
        }
        let before = count();
        eventually("exchanges after the restarts", || count() >= before + 60);
    });

    let country = running.stop();
    let consumer = check_log(&country.data("iria"));
    let provider = check_log(&country.data("din"));
    for id in acknowledged.into_inner().unwrap() {
        holds_both(&consumer, "consumer", &id);
        holds_both(&provider, "provider", &id);
    }
}

struct Ended<'d>(&'d AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn queries_go_on_when_one_of_two_nodes_of_a_provider_is_killed() {
    let Some(country) = Country::found() else {
        return;
    };
    let mut running = country.start_with(&["din", "din2", "iria"], &["iamas"]);
    let mut only = Vec::new();
    for (round, (dies, stays)) in [("din", "din2"), ("din2", "din")].into_iter().enumerate() {
        running.serves();
        running.take(Service::Node(dies)).kill();
        // One caller may see the connection break; nobody after.
        let answer = wire::person(&running.country, "0TEST01");
        assert!(
            answer.status == 200 || answer.fault().is_some(),
            "{}",
            answer.text()
        );
        for number in 0..10 {
            let id = format!("failover-{round}-{number}");
            let answer = wire::try_person(&running.country, "0TEST01", &[("X-Road-Id", &id)]);
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            only.push((stays, id));
        }
        running.restart(Service::Node(dies));
    }
    let country = Running::stop(running);
    let consumer = check_log(&country.data("iria"));
    for node in ["din", "din2"] {
        let provider = check_log(&country.data(node));
        for (_, id) in only.iter().filter(|(stays, _)| *stays == node) {
            holds_both(&consumer, "consumer", id);
            holds_both(&provider, "provider", id);
        }
    }
}
