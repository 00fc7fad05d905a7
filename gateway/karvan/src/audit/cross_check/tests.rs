//! What counts as held by both, and what as missing. Logs are written as letters: one a message.

use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::{Direction, Side};
use gateway_store::segment::Position;
use jiff::Timestamp;

use super::{Comparison, Found, Log, Message, OneSided, Share, is_provider};

/// A log with messages of one exchange: `q` a request, `r` a response, `Q` and `R` of other octets.
fn log(side: Side, messages: &str) -> Log {
    let messages = (1..).zip(messages.chars()).map(|(ordinal, letter)| {
        let direction = match letter.to_ascii_lowercase() {
            'q' => Direction::Request,
            _ => Direction::Response,
        };
        Message {
            is_provider: is_provider(side),
            exchange: [7; 32],
            position: Position {
                ordinal,
                segment: 1,
                offset: ordinal,
            },
            time: Timestamp::from_second(ordinal.cast_signed()).unwrap(),
            direction,
            // Whom a request goes to is not known yet when a consumer logs it.
            is_with_other: side == Side::Provider || direction == Direction::Response,
            is_with_third: false,
            octets: [u8::try_from(letter).unwrap(); 32],
        }
    });
    let mut log = Log {
        messages: messages.collect(),
        ..Log::default()
    };
    log.sort();
    log
}

/// Numbers as of the text: matched, different, missing, not received, unanswered, erased.
#[track_caller]
fn check(consumer: &Log, provider: &Log, expected: [usize; 6]) {
    // Which of them is named first makes no difference.
    for (a, b) in [(consumer, provider), (provider, consumer)] {
        let found = Found::of(a, b);
        let count = |number: u64| usize::try_from(number).unwrap();
        let numbers = [
            count(found.matched),
            found.different.len(),
            found.missing.len(),
            count(found.not_received),
            count(found.unanswered),
            count(found.erased),
        ];
        assert_eq!(numbers, expected, "{found:?}");
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
fn tells_whose_log_a_message_is_in() {
    let (consumer, provider) = (log(Side::Consumer, "qr"), log(Side::Provider, "q"));
    let alone = |found: &Found| -> Vec<(bool, u64)> {
        let missing = found.missing.iter();
        missing
            .map(|one| (one.is_of_second, one.position.ordinal))
            .collect()
    };
    assert_eq!(alone(&Found::of(&consumer, &provider)), [(false, 2)]);
    assert_eq!(alone(&Found::of(&provider, &consumer)), [(true, 2)]);
    let nothing = log(Side::Consumer, "");
    assert_eq!(alone(&Found::of(&nothing, &provider)), [(true, 1)]);
    assert_eq!(alone(&Found::of(&provider, &nothing)), [(false, 1)]);
}

#[test]
fn keeps_exchanges_of_one_log_apart() {
    let (mut consumer, provider) = (log(Side::Consumer, "qr"), log(Side::Provider, "qr"));
    let mut other = log(Side::Consumer, "QR").messages;
    for message in &mut other {
        message.exchange = [8; 32];
    }
    consumer.messages.extend(other);
    // A node that is both sides of an exchange holds it twice.
    consumer.messages.extend(log(Side::Provider, "qr").messages);
    consumer.sort();
    let found = Found::of(&consumer, &provider);
    let numbers = (found.matched, found.missing.len(), found.not_received);
    assert_eq!(numbers, (2, 3, 1), "{found:?}");
}

#[test]
fn a_log_under_another_name_is_found_by_what_the_other_one_says() {
    for renamed in [Side::Consumer, Side::Provider] {
        let (mut consumer, mut provider) = (log(Side::Consumer, "qr"), log(Side::Provider, "qr"));
        let honest = match renamed {
            Side::Consumer => &mut provider,
            Side::Provider => &mut consumer,
        };
        for message in &mut honest.messages {
            message.is_with_third = message.is_with_other;
            message.is_with_other = false;
        }
        let found = Found::of(&consumer, &provider);
        assert_eq!(found.matched, 2, "{found:?}");
        assert!(found.misnamed > 0, "{found:?}");
        let mut comparison = Comparison {
            matched: found.matched,
            misnamed: found.misnamed,
            ..Comparison::default()
        };
        comparison.judge_extent();
        assert!(!comparison.holds());
        assert!(comparison.text().contains("wrong name"));
    }
    let found = Found::of(&log(Side::Consumer, "qr"), &log(Side::Provider, "qr"));
    assert_eq!(found.misnamed, 0, "{found:?}");
}

#[test]
fn to_have_compared_nothing_is_no_success() {
    let mut nothing = Comparison {
        unanswered: 3,
        erased: 1,
        ..Comparison::default()
    };
    assert!(nothing.holds());
    nothing.judge_extent();
    assert!(!nothing.holds());
    assert!(nothing.text().contains("nothing was compared"));
    let mut something = Comparison {
        matched: 1,
        ..Comparison::default()
    };
    something.judge_extent();
    assert!(something.holds());
}

#[test]
fn every_exchange_is_in_one_share() {
    for shares in [1, 2, 7] {
        for number in 0..100_u32 {
            let digest = Digest::of(DigestAlgorithm::Sha256, &number.to_be_bytes());
            let share = |number| Share { number, shares };
            let held = (0..shares).filter(|number| share(*number).holds(&digest));
            assert_eq!(held.count(), 1);
        }
    }
}

#[test]
fn names_the_message_and_what_cannot_be_read() {
    let alone = OneSided {
        node: "AZ/GOV/1/consumer".to_owned(),
        record: 2,
        time: "1970-01-01T00:00:02Z".to_owned(),
        direction: "response",
        client: "AZ/GOV/1/client".to_owned(),
        service: "AZ/GOV/2/service/s".to_owned(),
        message_id: "m\u{1b}[2J".to_owned(),
    };
    let mut found = Comparison {
        nodes: [
            "AZ/GOV/1/consumer".to_owned(),
            "AZ/GOV/2/provider".to_owned(),
        ],
        matched: 1,
        missing: vec![alone.clone()],
        ..Comparison::default()
    };
    assert!(!found.holds());
    found.missing.clear();
    assert!(found.holds());
    found.different.push(alone);
    found
        .unreadable
        .push("AZ/GOV/2/provider: damaged".to_owned());
    assert!(!found.holds());
    let said = found.text();
    for wanted in [
        "FAIL different: response m\u{fffd}[2J of AZ/GOV/1/client → AZ/GOV/2/service/s (record 2 \
         of AZ/GOV/1/consumer, 1970-01-01T00:00:02Z)\n",
        "FAIL AZ/GOV/2/provider: damaged\n",
        "AZ/GOV/1/consumer ↔ AZ/GOV/2/provider: 1 messages matched, 1 different, 0 missing; ",
    ] {
        assert!(said.contains(wanted), "no {wanted} in {said}");
    }
    found.different.clear();
    assert!(!found.holds());
}
