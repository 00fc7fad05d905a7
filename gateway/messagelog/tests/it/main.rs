//! Exchanges signed by a real authority, logged, and judged again with nothing but the folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod basis;
mod country;
mod protection;
mod reduced;
mod search;
mod stamps;
mod tree;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::audit::{Audit, Finding, Outcome, Reader, Subject, Unreadable, Verdict};
use gateway_messagelog::{Content, Direction, MessageLog, Options, Record, Side};
use jiff::SignedDuration;

use self::country::{Country, NOW};

fn options() -> Options {
    Options {
        content_memory_bytes_max: 1000,
        ..Options::default()
    }
}

/// Logs and audits: the verdicts in order.
async fn audited(country: &Country, records: Vec<Record>) -> (tempfile::TempDir, Vec<Verdict>) {
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&country.configuration(), NOW)
        .await
        .unwrap();
    for record in records {
        log.append(record).await.unwrap();
    }
    drop(log);
    let verdicts = verdicts(dir.path());
    (dir, verdicts)
}

fn findings(dir: &Path) -> Vec<Finding> {
    let reader = Reader::open(dir).unwrap();
    let history = reader.history().unwrap();
    let mut audit: Audit<'_> = reader.audit(&history).unwrap();
    let findings: Vec<_> = audit.by_ref().collect();
    let (done, total) = audit.progress();
    assert!(total > 0 && done <= total);
    findings
}

fn verdicts(dir: &Path) -> Vec<Verdict> {
    findings(dir)
        .into_iter()
        .map(|finding| match finding {
            Finding::Message(verdict) => *verdict,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Exactly these checks fail.
#[track_caller]
fn fails(verdict: &Verdict, expected: &[Subject]) {
    let failed: Vec<_> = verdict
        .checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Fails(_)))
        .map(|check| check.subject)
        .collect();
    assert_eq!(failed, expected, "{:?}", verdict.checks);
    assert_eq!(verdict.holds(), expected.is_empty());
}

#[track_caller]
fn outcome(verdict: &Verdict, subject: Subject) -> &Outcome {
    &verdict
        .checks
        .iter()
        .find(|check| check.subject == subject)
        .unwrap()
        .outcome
}

#[tokio::test]
async fn exchanges_hold_offline_with_nothing_but_the_folder() {
    let country = Country::new();
    let body = Bytes::from(vec![7; 200]);
    let mut records = country.soap_exchange("s-1", Side::Consumer);
    records.extend(country.rest_exchange("r-1", Side::Consumer, Some(&body), None));
    records.extend(country.rest_exchange("r-2", Side::Provider, None, Some(&body)));
    records.extend(country.soap_exchange("s-1", Side::Provider));
    let (_dir, verdicts) = audited(&country, records).await;
    assert_eq!(verdicts.len(), 8);
    for verdict in &verdicts {
        fails(verdict, &[]);
        let signer = verdict.signer.as_ref().unwrap();
        assert_eq!(signer.member.as_ref(), Some(verdict.expected_signer()));
        assert_eq!(outcome(verdict, Subject::Trust), &Outcome::Holds);
        if verdict.direction == Direction::Response {
            assert_eq!(outcome(verdict, Subject::Exchange), &Outcome::Holds);
        }
    }
    assert_eq!(verdicts[0].user_id.as_deref(), Some("AZ99"));
    let body_digest = Digest::of(DigestAlgorithm::Sha512, &body);
    assert_eq!(
        (
            verdicts[2].parts[1].name.as_str(),
            verdicts[2].parts[1].bytes.unwrap()
        ),
        ("/attachment1", 200)
    );
    assert_eq!(verdicts[2].parts[1].digest, body_digest);
}

#[tokio::test]
async fn a_changed_message_fails_its_signature() {
    let country = Country::new();
    let mut records = country.soap_exchange("s-1", Side::Consumer);
    let text = String::from_utf8(records[0].message.to_vec()).unwrap();
    records[0].message = text.replace(">42<", ">43<").into();
    let (_dir, verdicts) = audited(&country, records).await;
    fails(&verdicts[0], &[Subject::Signature]);
    // The response answers what was really asked.
    fails(&verdicts[1], &[Subject::Exchange]);
}

#[tokio::test]
async fn a_record_that_says_something_else_than_its_message_fails() {
    let country = Country::new();
    let original = country.soap_exchange("s-1", Side::Consumer)[0].clone();
    let changed = [
        Record {
            user_id: Some("AZ1".to_owned()),
            ..original.clone()
        },
        Record {
            message_id: "s-2".to_owned(),
            ..original.clone()
        },
        Record {
            issue: Some("another".to_owned()),
            ..original.clone()
        },
    ];
    let rest = country.rest_exchange("r-1", Side::Consumer, None, None)[0].clone();
    let other = Record {
        request_id: Some("another".to_owned()),
        ..rest
    };
    let records = changed.into_iter().chain([other]).collect();
    let (_dir, verdicts) = audited(&country, records).await;
    for verdict in &verdicts {
        fails(verdict, &[Subject::Message]);
    }
}

#[tokio::test]
async fn a_signature_of_another_member_fails_the_signer() {
    let country = Country::new();
    let mut records = country.soap_exchange("s-1", Side::Consumer);
    country.sign_as_provider(&mut records[0]);
    let (_dir, verdicts) = audited(&country, records).await;
    fails(&verdicts[0], &[Subject::Signer]);
}

#[tokio::test]
async fn a_stale_or_revoked_certificate_fails_the_trust() {
    let mut country = Country::new();
    let mut late = country.soap_exchange("s-1", Side::Consumer)[0].clone();
    late.time = NOW + SignedDuration::from_secs(country::FRESHNESS_SECONDS + 1);
    let just_in_time = Record {
        time: late.time - SignedDuration::from_secs(1),
        ..late.clone()
    };
    country.revoke_client();
    let revoked = country.soap_exchange("s-3", Side::Consumer)[0].clone();
    let (_dir, verdicts) = audited(&country, vec![late, just_in_time, revoked]).await;
    fails(&verdicts[0], &[Subject::Trust]);
    fails(&verdicts[1], &[]);
    fails(&verdicts[2], &[Subject::Trust]);
}

#[tokio::test]
async fn is_judged_by_the_configuration_of_its_day() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    let first = country.soap_exchange("s-1", Side::Consumer)[0].clone();
    log.append(first.clone()).await.unwrap();
    log.keep_configuration(&country.configuration(), NOW + SignedDuration::from_secs(1))
        .await
        .unwrap();
    let second = Record {
        time: NOW + SignedDuration::from_secs(60),
        ..first.clone()
    };
    log.append(second).await.unwrap();
    // Another authority of the same name; exchanges begun before may still use what they had.
    let without = Country::new().configuration();
    log.keep_configuration(&without, NOW + SignedDuration::from_secs(100))
        .await
        .unwrap();
    let third = Record {
        time: NOW + SignedDuration::from_secs(101),
        ..first.clone()
    };
    log.append(third).await.unwrap();
    let fourth = Record {
        time: NOW + SignedDuration::from_secs(100 + 3601),
        ..first
    };
    log.append(fourth).await.unwrap();
    drop(log);

    let verdicts = verdicts(dir.path());
    assert!(!verdicts[0].holds());
    assert!(matches!(
        outcome(&verdicts[0], Subject::Trust),
        Outcome::NotChecked(_)
    ));
    fails(&verdicts[1], &[]);
    fails(&verdicts[2], &[]);
    assert_eq!(verdicts[1].configuration, verdicts[2].configuration);
    fails(&verdicts[3], &[Subject::Trust]);
}

#[tokio::test]
async fn configurations_that_followed_each_other_quickly_all_count_for_a_while() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    let ours = country.configuration();
    let others = [
        Country::new().configuration(),
        Country::new().configuration(),
    ];
    let [first, second] = &others;
    // Also several in the same moment, in any order of their names.
    for (files, seconds) in [(&ours, 0), (first, 0), (second, 0), (first, 10)] {
        log.keep_configuration(files, NOW + SignedDuration::from_secs(seconds))
            .await
            .unwrap();
    }
    let original = country.soap_exchange("s-1", Side::Consumer)[0].clone();
    for seconds in [0, 10, 3600, 3611] {
        let record = Record {
            time: NOW + SignedDuration::from_secs(seconds),
            ..original.clone()
        };
        log.append(record).await.unwrap();
    }
    drop(log);
    let verdicts = verdicts(dir.path());
    for verdict in &verdicts[..3] {
        fails(verdict, &[]);
    }
    assert!(!verdicts[3].holds());
}

#[tokio::test]
async fn a_clock_that_is_set_back_leaves_each_message_its_configuration() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    let (own, other) = (country.configuration(), Country::new().configuration());
    let at = |seconds| NOW + SignedDuration::from_secs(seconds);
    // As downloads tell it; at the second one the clock was a day ahead.
    let downloads = [
        (&other, -86_400),
        (&own, 86_400),
        (&own, 0),
        (&other, 7200),
        (&other, 86_460),
    ];
    for (files, seconds) in downloads {
        log.keep_configuration(files, at(seconds)).await.unwrap();
        if seconds == 0 {
            log.append(country.soap_exchange("s-1", Side::Consumer)[0].clone())
                .await
                .unwrap();
        }
    }
    drop(log);
    fails(&verdicts(dir.path())[0], &[]);
    let history = Reader::open(dir.path()).unwrap().history().unwrap();
    for (files, seconds) in downloads {
        let in_use = history.at(at(seconds)).unwrap();
        assert!(
            history.files(&in_use[0].hash).unwrap() == *files,
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn which_of_several_of_one_moment_was_the_last_is_not_held_against_a_message() {
    // The order of their names is any.
    for _ in 0..4 {
        let country = Country::new();
        let dir = tempfile::tempdir().unwrap();
        let log = MessageLog::open(dir.path(), options()).unwrap();
        let other = Country::new().configuration();
        for files in [&other, &country.configuration()] {
            log.keep_configuration(files, NOW - SignedDuration::from_hours(72))
                .await
                .unwrap();
        }
        log.append(country.soap_exchange("s-1", Side::Consumer)[0].clone())
            .await
            .unwrap();
        drop(log);
        fails(&verdicts(dir.path())[0], &[]);
    }
}

#[tokio::test]
async fn keeps_a_configuration_once_whatever_its_metadata_say() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let mut files = country.configuration();
    let kept = || {
        fs::read_dir(dir.path().join("configurations"))
            .unwrap()
            .count()
    };
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&files, NOW).await.unwrap();
    assert_eq!(kept(), 2);
    files.insert("DEV/shared-params.xml.metadata".to_owned(), b"{}".to_vec());
    log.keep_configuration(&files, NOW + SignedDuration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(kept(), 2);
    drop(log);
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&files, NOW + SignedDuration::from_secs(90))
        .await
        .unwrap();
    assert_eq!(kept(), 2);
    files.insert("DEV/other.xml".to_owned(), b"<a/>".to_vec());
    log.keep_configuration(&files, NOW + SignedDuration::from_secs(120))
        .await
        .unwrap();
    assert_eq!(kept(), 4);
    files.remove("DEV/other.xml");
    log.keep_configuration(&files, NOW + SignedDuration::from_secs(150))
        .await
        .unwrap();
    assert_eq!(kept(), 5);
    let history = Reader::open(dir.path()).unwrap().history().unwrap();
    assert_eq!(history.len(), 3);
    for in_use in history.at(NOW).unwrap() {
        let kept = history.files(&in_use.hash).unwrap();
        assert_eq!(kept, country.configuration());
    }
    assert!(history.files("../keys").is_err());
}

#[tokio::test]
async fn a_configuration_kept_before_directories_were_gets_its_directory_once() {
    const DIRECTORY: &str = "DEV/signed-directory.metadata";
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let mut files = country.configuration();
    let hashes_and_directory = || {
        let history = Reader::open(dir.path()).unwrap().history().unwrap();
        let hash = history.hashes().next().unwrap().to_owned();
        let mut kept = history.files(&hash).unwrap();
        (history.len(), kept.remove(DIRECTORY))
    };
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&files, NOW).await.unwrap();
    drop(log);
    assert_eq!(hashes_and_directory(), (1, None));

    // After an upgrade the same content is downloaded with it.
    let log = MessageLog::open(dir.path(), options()).unwrap();
    for (minutes, directory) in [(1, "first"), (2, "second")] {
        files.insert(DIRECTORY.to_owned(), directory.into());
        let now = NOW + SignedDuration::from_mins(minutes);
        log.keep_configuration(&files, now).await.unwrap();
        assert_eq!(hashes_and_directory(), (1, Some(b"first".to_vec())));
    }
    drop(log);
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&files, NOW + SignedDuration::from_mins(3))
        .await
        .unwrap();
    assert_eq!(hashes_and_directory(), (1, Some(b"first".to_vec())));
}

#[tokio::test]
async fn a_kept_configuration_that_was_changed_is_not_believed() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&country.configuration(), NOW)
        .await
        .unwrap();
    log.append(country.soap_exchange("s-1", Side::Consumer)[0].clone())
        .await
        .unwrap();
    drop(log);
    for entry in fs::read_dir(dir.path().join("configurations")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            let length = fs::metadata(&path).unwrap().len();
            flip(&path, length - 20);
        }
    }
    let verdicts = verdicts(dir.path());
    assert!(!verdicts[0].holds());
    assert!(matches!(
        outcome(&verdicts[0], Subject::Trust),
        Outcome::NotChecked(_)
    ));
}

#[tokio::test]
async fn a_response_to_another_request_fails_the_exchange() {
    let country = Country::new();
    // The same ids, but what was asked differs.
    let mut records = country.soap_exchange_asking("s-1", Side::Consumer, "42");
    let other = country.soap_exchange_asking("s-1", Side::Consumer, "43");
    records[1] = other[1].clone();
    let alone = country.rest_exchange("r-9", Side::Provider, None, None)[1].clone();
    records.push(alone);
    let (_dir, verdicts) = audited(&country, records).await;
    fails(&verdicts[0], &[]);
    fails(&verdicts[1], &[Subject::Exchange]);
    fails(&verdicts[2], &[]);
    assert!(matches!(
        outcome(&verdicts[2], Subject::Exchange),
        Outcome::NotChecked(_)
    ));
}

#[tokio::test]
async fn a_repeated_id_is_legal_and_each_response_finds_its_request() {
    let country = Country::new();
    let first = country.soap_exchange_asking("same", Side::Provider, "1");
    let second = country.soap_exchange_asking("same", Side::Provider, "2");
    let records = vec![
        first[0].clone(),
        second[0].clone(),
        second[1].clone(),
        first[1].clone(),
    ];
    let (dir, verdicts) = audited(&country, records).await;
    for verdict in &verdicts {
        fails(verdict, &[]);
    }
    assert_eq!(
        Reader::open(dir.path())
            .unwrap()
            .find("same")
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test]
async fn a_changed_or_missing_body_is_named() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    log.keep_configuration(&country.configuration(), NOW)
        .await
        .unwrap();
    let body = Bytes::from(vec![9; 70_000]);
    let mut spool = log.spool();
    spool.write(body.clone()).await.unwrap();
    let content = spool.finish().await.unwrap();
    let mut record = country.rest_exchange("r-1", Side::Provider, Some(&body), None)[0].clone();
    record.attachments[0].1 = content;
    log.append(record).await.unwrap();
    drop(log);
    fails(&verdicts(dir.path())[0], &[]);

    let bodies = fs::read_dir(dir.path().join("bodies")).unwrap();
    let path = bodies.last().unwrap().unwrap().path();
    flip(&path, 50_000);
    fails(
        &verdicts(dir.path())[0],
        &[Subject::Contents, Subject::Signature],
    );
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(60_000)
        .unwrap();
    fails(&verdicts(dir.path())[0], &[Subject::Contents]);
    fs::remove_file(&path).unwrap();
    let findings = findings(dir.path());
    assert!(
        matches!(&findings[..], [Finding::Unreadable(Unreadable::Entry { position, .. })] if position.ordinal == 1)
    );
}

#[tokio::test]
async fn damage_is_named_in_its_place_and_the_rest_is_judged() {
    let country = Country::new();
    let records: Vec<_> = (0..3)
        .flat_map(|id| country.soap_exchange(&format!("s-{id}"), Side::Consumer))
        .collect();
    let (dir, verdicts) = audited(&country, records).await;
    flip(
        &dir.path().join("segments/0000000001.seg"),
        verdicts[2].position.offset + 500,
    );
    let findings = findings(dir.path());
    assert_eq!(findings.len(), 6);
    assert_eq!(findings.iter().filter(|finding| finding.holds()).count(), 5);
    match &findings[2] {
        Finding::Unreadable(Unreadable::Damage(damage)) => assert_eq!(damage.ordinal, Some(3)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_signed_together_hold_each_by_itself() {
    let country = Country::new();
    let mut records: Vec<_> = (0..3)
        .flat_map(|id| {
            country.rest_exchange(
                &format!("r-{id}"),
                Side::Consumer,
                Some(&Bytes::from("x")),
                None,
            )
        })
        .filter(|record| record.direction == Direction::Request)
        .collect();
    country.sign_together(&mut records);
    let mut swapped = records[0].clone();
    swapped.hash_chain = records[1].hash_chain.clone();
    records.push(swapped);
    let mut uncovered = country.soap_exchange("s-1", Side::Consumer)[0].clone();
    uncovered
        .attachments
        .push((Vec::new(), Content::from_bytes(Bytes::from("unsigned"))));
    records.push(uncovered);
    let (_dir, verdicts) = audited(&country, records).await;
    for verdict in &verdicts[..3] {
        fails(verdict, &[]);
    }
    fails(&verdicts[3], &[Subject::Signature]);
    fails(&verdicts[4], &[Subject::Signature]);
}

fn flip(path: &Path, offset: u64) {
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}
