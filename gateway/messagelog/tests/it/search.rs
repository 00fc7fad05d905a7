//! Finding entries without owning the log, with an index, without one, and with a wrong one.

use std::fs;
use std::path::Path;

use gateway_messagelog::audit::{Filter, Matches, Reader};
use gateway_messagelog::{MessageLog, Protocol, Refusal, Side};
use jiff::{SignedDuration, Timestamp};

use crate::country::{Country, NOW};
use crate::options;

fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// Two SOAP exchanges with a case, a REST exchange without, a refusal, and a stamp.
async fn made(country: &Country, dir: &Path) {
    let log = MessageLog::open(dir, options()).unwrap();
    let exchanges = [
        country.soap_exchange("s-1", Side::Consumer),
        country.soap_exchange("s-2", Side::Consumer),
        country.rest_exchange("r-1", Side::Consumer, None, None),
    ];
    for (record, seconds) in exchanges.into_iter().flatten().zip(0..) {
        let mut record = record;
        record.time = later(seconds);
        log.append(record).await.unwrap();
    }
    log.note_refusal(Refusal {
        time: later(6),
        side: Side::Provider,
        protocol: Protocol::Soap,
        client: None,
        service: None,
        message_id: Some("s-1".to_owned()),
        peer: None,
        code: "access_denied".to_owned(),
        reason: "no right".to_owned(),
        fault_id: "1f".to_owned(),
    });
    while log.refusal_counts().stored == 0 {
        tokio::task::yield_now().await;
    }
    let waiting = log.unstamped(9).await.unwrap();
    log.append_stamp(country.stamp(&waiting, later(7)))
        .await
        .unwrap();
}

fn found(dir: &Path, filter: &Filter) -> Vec<u64> {
    let reader = Reader::open(dir).unwrap();
    let ordinals = |matches: Matches| -> Vec<u64> {
        matches
            .map(|found| found.unwrap().position.ordinal)
            .collect()
    };
    let found = ordinals(reader.search(filter).unwrap());
    let whole = reader.read_through(filter).unwrap();
    assert!(!whole.is_indexed());
    assert_eq!(ordinals(whole), found, "read through: {filter:?}");
    found
}

#[tokio::test]
async fn every_filter_finds_the_same_with_an_index_without_and_with_a_wrong_one() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    made(&country, dir.path()).await;
    let reader = Reader::open(dir.path()).unwrap();
    let gateway_messagelog::Entry::Message(soap) = &reader.find("s-1").unwrap()[0].entry.clone()
    else {
        panic!("no message")
    };
    let gateway_messagelog::Entry::Message(rest) = &reader.find("r-1").unwrap()[0].entry.clone()
    else {
        panic!("no message")
    };
    let any = Filter::default();
    let cases: Vec<(Filter, &[u64])> = vec![
        (any.clone(), &[1, 2, 3, 4, 5, 6, 7]),
        (Filter::id("s-1"), &[1, 2, 7]),
        (Filter::id(rest.request_id.as_ref().unwrap()), &[5, 6]),
        (Filter::id("s"), &[]),
        (
            Filter {
                client: Some(soap.client.clone()),
                ..any.clone()
            },
            &[1, 2, 3, 4, 5, 6],
        ),
        (
            Filter {
                member: Some(soap.service.provider().member().clone()),
                ..any.clone()
            },
            &[1, 2, 3, 4, 5, 6],
        ),
        (
            Filter {
                service: Some(rest.service.clone()),
                ..any.clone()
            },
            &[5, 6],
        ),
        (
            Filter {
                issue: Some("case-7".to_owned()),
                ..any.clone()
            },
            &[1, 2, 3, 4],
        ),
        (
            Filter {
                from: Some(later(2)),
                until: Some(later(4)),
                ..any.clone()
            },
            &[3, 4, 5],
        ),
        (
            Filter {
                from: Some(later(6)),
                ..any.clone()
            },
            &[7],
        ),
        (
            Filter {
                until: Some(later(0)),
                ..any.clone()
            },
            &[1],
        ),
        (
            Filter {
                issue: Some("case-7".to_owned()),
                client: Some(soap.client.clone()),
                from: Some(later(1)),
                until: Some(later(2)),
                ..Filter::id("s-1")
            },
            &[2],
        ),
        (
            Filter {
                from: Some(later(5)),
                until: Some(later(1)),
                ..any
            },
            &[],
        ),
    ];
    let check = |what: &str| {
        for (filter, expected) in &cases {
            assert_eq!(found(dir.path(), filter), *expected, "{what}: {filter:?}");
        }
    };
    check("with an index");
    assert!(reader.search(&Filter::id("s-1")).unwrap().is_indexed());
    let index = dir.path().join("index.redb");
    let whole = fs::read(&index).unwrap();
    fs::remove_file(&index).unwrap();
    check("without an index");
    assert!(!reader.search(&Filter::id("s-1")).unwrap().is_indexed());
    fs::write(&index, [7; 9000]).unwrap();
    check("with something else");

    let other = tempfile::tempdir().unwrap();
    made(&Country::new(), other.path()).await;
    fs::copy(other.path().join("index.redb"), &index).unwrap();
    check("with the index of another log");

    // A node has it open.
    fs::write(&index, &whole).unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    check("beside a node");
    // What the index does not reach is read.
    log.append(country.soap_exchange("s-9", Side::Consumer)[0].clone())
        .await
        .unwrap();
    drop(log);
    fs::write(&index, &whole).unwrap();
    assert_eq!(found(dir.path(), &Filter::id("s-9")), [9]);
    assert_eq!(found(dir.path(), &Filter::id("s-2")), [3, 4]);
}
