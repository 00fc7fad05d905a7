//! Time stamps, judged offline.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use gateway_messagelog::audit::{Finding, Outcome, Reader, Subject, Verdict};
use gateway_messagelog::{Entry, MessageLog, Record, Side, Stamp, Unstamped};
use jiff::{SignedDuration, Timestamp};

use crate::country::{Country, NOW};
use crate::{fails, findings, options, outcome};

fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

async fn begun(country: &Country, dir: &Path) -> MessageLog {
    let log = MessageLog::open(dir, options()).unwrap();
    log.keep_configuration(&country.configuration(), NOW)
        .await
        .unwrap();
    log
}

async fn logged(log: &MessageLog, records: Vec<Record>) {
    for record in records {
        log.append(record).await.unwrap();
    }
}

async fn stamped(country: &Country, log: &MessageLog, max: usize, seconds: i64) {
    let waiting = log.unstamped(max).await.unwrap();
    let stamp = country.stamp(&waiting, later(seconds));
    log.append_stamp(stamp).await.unwrap();
}

fn messages(findings: &[Finding]) -> Vec<&Verdict> {
    findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::Message(verdict) => Some(&**verdict),
            _ => None,
        })
        .collect()
}

fn stamp_outcomes(findings: &[Finding]) -> Vec<(Option<Timestamp>, &Outcome)> {
    findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::Stamp { time, outcome, .. } => Some((*time, outcome)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn every_message_is_said_to_be_stamped_when_and_by_whom_or_to_wait() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = begun(&country, dir.path()).await;
    logged(&log, country.soap_exchange("s-1", Side::Consumer)).await;
    logged(
        &log,
        country.rest_exchange("r-1", Side::Provider, None, None),
    )
    .await;
    stamped(&country, &log, 1, 10).await;
    stamped(&country, &log, 9, 20).await;
    logged(&log, country.soap_exchange("s-2", Side::Consumer)).await;
    drop(log);

    let reader = Reader::open(dir.path()).unwrap();
    let covered: Vec<_> = reader
        .entries()
        .unwrap()
        .map(|logged| {
            let stamp = reader.stamp_of(logged.unwrap().position).unwrap();
            stamp.map(|stamp| stamp.covers.len())
        })
        .collect();
    // Four messages, two time stamps, two messages.
    let expected = [Some(1), Some(3), Some(3), Some(3), None, None, None, None];
    assert_eq!(covered, expected);

    let findings = findings(dir.path());
    assert!(findings.iter().all(Finding::holds));
    let stamps = stamp_outcomes(&findings);
    assert_eq!(
        stamps,
        [
            (Some(later(10)), &Outcome::Holds),
            (Some(later(20)), &Outcome::Holds)
        ]
    );
    let verdicts = messages(&findings);
    for (index, (entry, seconds)) in [(5, 10), (6, 20), (6, 20), (6, 20)].into_iter().enumerate() {
        let stamp = verdicts[index].time_stamp.as_ref().unwrap();
        assert_eq!((stamp.entry, stamp.time), (entry, Some(later(seconds))));
        assert_eq!(stamp.authority, "http://127.0.0.1/tsa");
        assert_eq!(stamp.signer, Some(country.timestamper_name()));
        assert_eq!(
            outcome(verdicts[index], Subject::TimeStamp),
            &Outcome::Holds
        );
    }
    for verdict in &verdicts[4..] {
        assert_eq!(verdict.time_stamp, None);
        assert!(matches!(
            outcome(verdict, Subject::TimeStamp),
            Outcome::NotChecked(_)
        ));
    }

    // The same for one message alone.
    let reader = Reader::open(dir.path()).unwrap();
    let history = reader.history().unwrap();
    for (id, entry) in [("s-1", Some(5)), ("r-1", Some(6)), ("s-2", None)] {
        let found = reader.find(id).unwrap();
        let Entry::Message(record) = &found[0].entry else {
            panic!("no message")
        };
        let verdict = reader.verify(found[0].position, record, &history).unwrap();
        fails(&verdict, &[]);
        assert_eq!(verdict.time_stamp.map(|stamp| stamp.entry), entry, "{id}");
    }
}

/// Logs two exchanges and a stamp that was changed; nothing but the stamp is wrong.
async fn with_stamp(change: impl FnOnce(&Country, &mut Stamp)) -> (Country, Vec<Finding>) {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = begun(&country, dir.path()).await;
    logged(&log, country.soap_exchange("s-1", Side::Consumer)).await;
    let mut stamp = country.stamp(&log.unstamped(9).await.unwrap(), later(10));
    change(&country, &mut stamp);
    log.append_stamp(stamp).await.unwrap();
    drop(log);
    let findings = findings(dir.path());
    (country, findings)
}

fn covered_by(stamp: &Stamp) -> Vec<Unstamped> {
    let covers = stamp.covers.iter();
    covers
        .map(|covered| Unstamped {
            ordinal: covered.ordinal,
            time: NOW,
            digest: covered.digest,
            signature: None,
        })
        .collect()
}

#[track_caller]
fn all_fail(findings: &[Finding]) {
    assert!(matches!(stamp_outcomes(findings)[0].1, Outcome::Fails(_)));
    let verdicts = messages(findings);
    assert_eq!(verdicts.len(), 2);
    for verdict in verdicts {
        fails(verdict, &[Subject::TimeStamp]);
    }
}

#[tokio::test]
async fn a_token_over_something_else_fails_all_it_covers() {
    let (country, findings) = with_stamp(|country, stamp| {
        // Over the same messages in another order.
        let mut waiting = covered_by(stamp);
        waiting.reverse();
        stamp.token = country.stamp(&waiting, later(10)).token;
    })
    .await;
    all_fail(&findings);
    drop(country);
    let (_, findings) = with_stamp(|_, stamp| stamp.token = Bytes::from_static(b"token")).await;
    all_fail(&findings);
    assert_eq!(stamp_outcomes(&findings)[0].0, None);
}

#[tokio::test]
async fn a_token_of_an_authority_that_was_not_approved_fails() {
    let other = Country::new();
    let (_, findings) = with_stamp(|_, stamp| {
        stamp.token = other.stamp(&covered_by(stamp), later(10)).token;
    })
    .await;
    all_fail(&findings);
}

#[tokio::test]
async fn a_token_from_long_before_the_message_fails_and_a_clock_a_little_off_does_not() {
    // The last was logged while the clock was ahead: when it was stamped, that had been put right.
    for (seconds_before, stamped_at, holds) in
        [(301, 2000, false), (300, 2000, true), (1000, 1000, true)]
    {
        let country = Country::new();
        let dir = tempfile::tempdir().unwrap();
        let log = begun(&country, dir.path()).await;
        let mut records = country.soap_exchange("s-1", Side::Consumer);
        records[1].time = later(2000);
        logged(&log, records).await;
        let waiting = log.unstamped(9).await.unwrap();
        let stamp = country.stamp(&waiting, later(2000 - seconds_before));
        let time = later(stamped_at);
        log.append_stamp(Stamp { time, ..stamp }).await.unwrap();
        drop(log);
        let verdicts = messages_of(dir.path());
        fails(&verdicts[0], &[]);
        let expected: &[Subject] = if holds { &[] } else { &[Subject::TimeStamp] };
        fails(&verdicts[1], expected);
    }
}

fn messages_of(dir: &Path) -> Vec<Verdict> {
    messages(&findings(dir)).into_iter().cloned().collect()
}

#[tokio::test]
async fn without_the_configuration_of_that_day_nothing_is_said_of_the_stamp() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    logged(&log, country.soap_exchange("s-1", Side::Consumer)).await;
    stamped(&country, &log, 9, 10).await;
    drop(log);
    for verdict in messages_of(dir.path()) {
        assert!(!verdict.holds());
        assert!(verdict.time_stamp.is_some());
        assert!(matches!(
            outcome(&verdict, Subject::TimeStamp),
            Outcome::NotChecked(_)
        ));
    }
}

/// Writes stored entries as a log of their own, as somebody who forges one would.
fn forged(dir: &Path, entries: &[Bytes]) {
    let _ = fs::remove_dir_all(dir.join("segments"));
    let runtime = tokio::runtime::Handle::current();
    let log = gateway_store::segment::Log::open(
        &dir.join("segments"),
        gateway_store::segment::Options::default(),
    )
    .unwrap();
    for entry in entries {
        let appending = log.append(entry.clone());
        tokio::task::block_in_place(|| runtime.block_on(appending)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_log_shows_what_its_stamps_do_not_cover() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = begun(&country, dir.path()).await;
    logged(&log, country.soap_exchange("s-1", Side::Consumer)).await;
    logged(&log, country.soap_exchange("s-2", Side::Consumer)).await;
    stamped(&country, &log, 2, 10).await;
    stamped(&country, &log, 2, 20).await;
    let mut stored = Vec::new();
    for ordinal in 1..=6 {
        stored.push(log.stored(ordinal).await.unwrap());
    }
    drop(log);

    // A message slipped in: its number pushes the others from under their stamps.
    let mut slipped = stored.clone();
    slipped.insert(1, stored[0].clone());
    forged(dir.path(), &slipped);
    let found = messages_of(dir.path());
    fails(&found[0], &[]);
    for verdict in &found[1..4] {
        fails(verdict, &[Subject::TimeStamp]);
    }
    assert_eq!(found[4].time_stamp, None);
    // A stamp told twice.
    let mut twice = stored.clone();
    twice.push(stored[4].clone());
    forged(dir.path(), &twice);
    let found = findings(dir.path());
    assert_eq!(
        found.iter().map(Finding::holds).collect::<Vec<_>>(),
        [true, true, true, true, true, true, false]
    );
    // The first stamp taken out: its messages have none, though later ones do.
    let mut without = stored.clone();
    without.remove(4);
    forged(dir.path(), &without);
    let found = messages_of(dir.path());
    fails(&found[0], &[Subject::TimeStamp]);
    fails(&found[1], &[Subject::TimeStamp]);
    fails(&found[2], &[]);
    // A stamp before its messages.
    let mut early = stored.clone();
    early.swap(0, 5);
    forged(dir.path(), &early);
    assert!(!findings(dir.path())[0].holds());
}

#[tokio::test]
async fn erased_entries_are_named_as_erased_and_the_rest_is_judged() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = begun(&country, dir.path()).await;
    logged(&log, country.soap_exchange("s-1", Side::Consumer)).await;
    log.rotate().await.unwrap();
    let mut later_ones = country.soap_exchange("s-2", Side::Consumer);
    for record in &mut later_ones {
        record.time = later(100);
    }
    logged(&log, later_ones).await;
    // One stamp over what is erased and what is not.
    stamped(&country, &log, 9, 110).await;
    log.rotate().await.unwrap();
    let erased = log.erase_before(later(50), 99).await.unwrap();
    assert_eq!(erased.records, 2);
    drop(log);

    let found = findings(dir.path());
    assert_eq!(found.len(), 5);
    for (index, finding) in found.iter().enumerate() {
        assert!(finding.holds(), "{finding:?}");
        assert_eq!(matches!(finding, Finding::Erased { .. }), index < 2);
    }
    for verdict in messages(&found) {
        assert_eq!(outcome(verdict, Subject::TimeStamp), &Outcome::Holds);
    }
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.find("s-1").unwrap().len(), 0);
    assert_eq!(reader.find("s-2").unwrap().len(), 2);
}

#[tokio::test]
async fn of_a_single_stamp_whose_message_was_erased_nothing_can_be_told() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = begun(&country, dir.path()).await;
    logged(&log, country.soap_exchange("s-1", Side::Consumer)).await;
    log.rotate().await.unwrap();
    stamped(&country, &log, 1, 100).await;
    stamped(&country, &log, 1, 110).await;
    assert_eq!(stamp_outcomes(&findings(dir.path())).len(), 2);
    log.erase_before(later(50), 2).await.unwrap();
    drop(log);
    let found = findings(dir.path());
    assert!(found.iter().all(Finding::holds));
    for (time, outcome) in stamp_outcomes(&found) {
        assert!(time.is_some());
        assert!(matches!(outcome, Outcome::NotChecked(_)), "{outcome:?}");
    }
}
