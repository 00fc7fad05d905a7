//! What counts as held by both, and what as missing. Logs are written as letters: one a message.

use std::collections::HashMap;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::{Direction, Side};
use jiff::Timestamp;

use super::{Comparison, Log, Message};

const CONSUMER: &str = "AZ/GOV/1/consumer";
const PROVIDER: &str = "AZ/GOV/2/provider";

/// A log with messages of one exchange: `q` a request, `r` a response, `Q` and `R` of other octets.
fn log(side: Side, messages: &str) -> Log {
    let (node, peer) = match side {
        Side::Consumer => (CONSUMER, PROVIDER),
        Side::Provider => (PROVIDER, CONSUMER),
    };
    let messages: Vec<_> = (1..)
        .zip(messages.chars())
        .map(|(ordinal, letter)| {
            let direction = match letter.to_ascii_lowercase() {
                'q' => Direction::Request,
                _ => Direction::Response,
            };
            // Whom a request goes to is not known yet when a consumer logs it.
            let is_known = side == Side::Provider || direction == Direction::Response;
            Message {
                ordinal,
                time: Timestamp::from_second(ordinal.cast_signed()).unwrap(),
                direction,
                peer: is_known.then(|| peer.to_owned()),
                octets: digest(&letter.to_string()),
                client: "AZ/GOV/1/client".to_owned(),
                service: "AZ/GOV/2/service/s".to_owned(),
                message_id: "m".to_owned(),
            }
        })
        .collect();
    let exchange = (side, digest("exchange"));
    let exchanges = match messages.is_empty() {
        true => HashMap::new(),
        false => HashMap::from([(exchange, messages)]),
    };
    Log {
        node: node.to_owned(),
        exchanges,
        kept_from: None,
        unreadable: Vec::new(),
    }
}

fn digest(text: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha256, text.as_bytes())
}

/// Numbers as of the text: matched, different, missing, not received, unanswered, erased.
#[track_caller]
fn check(consumer: &Log, provider: &Log, expected: [usize; 6]) {
    // Which of them is named first makes no difference.
    for (a, b) in [(consumer, provider), (provider, consumer)] {
        let found = Comparison::of(a, b);
        let count = |number: u64| usize::try_from(number).unwrap();
        let numbers = [
            count(found.matched),
            found.different.len(),
            found.missing.len(),
            count(found.not_received),
            count(found.unanswered),
            count(found.erased),
        ];
        assert_eq!(numbers, expected, "{}", found.text());
        assert_eq!(
            found.holds(),
            found.different.is_empty() && found.missing.is_empty()
        );
    }
}

#[track_caller]
fn check_messages(consumer: &str, provider: &str, expected: [usize; 6]) {
    check(
        &log(Side::Consumer, consumer),
        &log(Side::Provider, provider),
        expected,
    );
}

#[test]
fn both_sides_hold_the_same_octets() {
    check_messages("qr", "qr", [2, 0, 0, 0, 0, 0]);
    check_messages("", "", [0, 0, 0, 0, 0, 0]);
}

#[test]
fn other_octets_are_different_on_whichever_side() {
    check_messages("Qr", "qr", [1, 1, 0, 0, 0, 0]);
    check_messages("qr", "qR", [1, 1, 0, 0, 0, 0]);
    check_messages("QR", "qr", [0, 2, 0, 0, 0, 0]);
}

#[test]
fn what_the_other_side_must_have_is_missing() {
    check_messages("qr", "", [0, 0, 2, 0, 0, 0]);
    check_messages("qr", "q", [1, 0, 1, 0, 0, 0]);
    check_messages("", "q", [0, 0, 1, 0, 0, 0]);
}

#[test]
fn what_a_side_may_have_alone_is_counted_and_holds() {
    check_messages("q", "", [0, 0, 0, 0, 1, 0]);
    check_messages("q", "qr", [1, 0, 0, 1, 0, 0]);
}

#[test]
fn what_retention_erased_on_the_other_side_is_not_missing() {
    let erased = |side, kept_from| {
        let mut log = log(side, "");
        log.kept_from = Some(Timestamp::from_second(kept_from).unwrap());
        log
    };
    let provider = erased(Side::Provider, 10);
    check(&log(Side::Consumer, "qr"), &provider, [0, 0, 0, 0, 0, 2]);
    let consumer = erased(Side::Consumer, 10);
    check(&consumer, &log(Side::Provider, "qr"), [0, 0, 0, 0, 0, 2]);
    // The response is of the second that still stands.
    let provider = erased(Side::Provider, 2);
    check(&log(Side::Consumer, "qr"), &provider, [0, 0, 1, 0, 0, 1]);
}

#[test]
fn names_the_message_and_what_cannot_be_read() {
    let mut provider = log(Side::Provider, "q");
    provider
        .unreadable
        .push("AZ/GOV/2/provider: damaged".to_owned());
    let found = Comparison::of(&log(Side::Consumer, "qr"), &provider);
    assert!(!found.holds());
    let said = found.text();
    for wanted in [
        "FAIL missing: response m of AZ/GOV/1/client → AZ/GOV/2/service/s (record 2 of \
         AZ/GOV/1/consumer, 1970-01-01T00:00:02Z)\n",
        "FAIL AZ/GOV/2/provider: damaged\n",
        "AZ/GOV/1/consumer ↔ AZ/GOV/2/provider: 1 messages matched, 0 different, 1 missing; ",
    ] {
        assert!(said.contains(wanted), "no {wanted} in {said}");
    }
    let nothing = Comparison::of(&log(Side::Consumer, ""), &provider);
    assert!(!nothing.holds());
}
