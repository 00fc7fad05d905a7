//! What is erased, what stays, and what a crash in between leaves.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers"
)]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use gateway_store::segment::{Log, Scan};
use jiff::Timestamp;

use super::{ERASING, Erased, Found, Orphans, Recent};
use crate::bodies::Bodies;
use crate::testing::{at, copied, id_at, message, message_with, open, refuse, stamp};
use crate::{Content, Entry, Error, MessageLog};

/// What the chain says of every entry.
fn digests(dir: &Path) -> Vec<(u64, [u8; 32])> {
    let scan = Scan::open(&dir.join("segments")).unwrap();
    scan.digests()
        .map(|found| {
            let found = found.unwrap();
            (found.position.ordinal, found.digest)
        })
        .collect()
}

async fn is_erased(log: &MessageLog, ordinal: u64) -> bool {
    let erased =
        |error: &Error| matches!(error, Error::Erased { ordinal: told } if *told == ordinal);
    let got = log.get(ordinal).await.err();
    let stored = log.stored(ordinal).await.err();
    assert_eq!(
        got.as_ref().is_some_and(erased),
        stored.as_ref().is_some_and(erased)
    );
    match got {
        None => false,
        Some(error) => {
            assert!(erased(&error), "{error:?}");
            true
        }
    }
}

async fn erased_in(log: &MessageLog) -> Vec<u64> {
    let mut erased = Vec::new();
    for ordinal in 1..=log.last_ordinal() {
        if is_erased(log, ordinal).await {
            erased.push(ordinal);
        }
    }
    erased
}

async fn body(log: &MessageLog, length: usize) -> Content {
    let mut spool = log.spool();
    spool.write(Bytes::from(vec![7; length])).await.unwrap();
    spool.finish().await.unwrap()
}

fn bodies(dir: &Path) -> usize {
    fs::read_dir(dir.join("bodies")).unwrap().count()
}

/// Three segments: [a, b, stamp over both], [c, refusal, stamp over c], [d].
async fn three_segments(log: &MessageLog) {
    let content = body(log, 5000).await;
    message_with(log, "a", 100, vec![(Vec::new(), content)]).await;
    message(log, "b", 101).await;
    stamp(log, 9, 102).await;
    log.rotate().await.unwrap();
    message(log, "c", 200).await;
    refuse(log, 201).await;
    stamp(log, 9, 202).await;
    log.rotate().await.unwrap();
    message(log, "d", 300).await;
}

#[tokio::test]
async fn erases_whole_segments_and_keeps_their_digests() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    let before = digests(dir.path());
    assert_eq!(bodies(dir.path()), 1);

    let erased = log.erase_before(at(150), 7).await.unwrap();
    assert_eq!((erased.segments, erased.records), (1, 3));
    assert!(erased.bytes > 5000, "{erased:?}");
    assert_eq!(erased_in(&log).await, [1, 2, 3]);
    assert_eq!(bodies(dir.path()), 0);
    assert!(!dir.path().join(ERASING).exists());
    assert_eq!(digests(dir.path()), before);
    assert_eq!(id_at(&log, 4).await, "c");
    assert_eq!(log.find("a-1").await.unwrap().len(), 0);
    assert_eq!(log.find("a").await.unwrap().len(), 0);
    assert_eq!(log.find("c").await.unwrap().len(), 1);
    assert!(matches!(
        log.stamp_of(1).await,
        Err(Error::Erased { ordinal: 1 })
    ));
    assert!(log.stamp_of(4).await.unwrap().is_some());
    let left: Vec<_> = log.messages(0, 99, 99).await.unwrap();
    let left: Vec<_> = left.iter().map(|logged| logged.position.ordinal).collect();
    assert_eq!(left, [4, 7]);

    assert_eq!(
        log.erase_before(at(150), 7).await.unwrap(),
        Erased::default()
    );
    let stamping = log.stamping();
    drop(log);
    fs::remove_file(dir.path().join("index.redb")).unwrap();
    let log = open(dir.path());
    assert_eq!(log.stamping(), stamping);
    assert_eq!(erased_in(&log).await, [1, 2, 3]);
    assert_eq!(log.find("a").await.unwrap().len(), 0);
}

#[tokio::test]
async fn keeps_what_is_young_unstamped_or_not_archived() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    // The last entry of the first segment is of second 102.
    for (second, archived_until) in [(102, 9), (100, 9), (999, 1), (999, 0)] {
        let erased = log.erase_before(at(second), archived_until).await.unwrap();
        assert_eq!(erased, Erased::default(), "{second} {archived_until}");
    }
    // Not archived: the second segment; unstamped: the third.
    assert_eq!(log.erase_before(at(999), 3).await.unwrap().records, 3);
    assert_eq!(log.erase_before(at(999), 9).await.unwrap().records, 3);
    assert_eq!(erased_in(&log).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(id_at(&log, 7).await, "d");
    stamp(&log, 9, 400).await;
    // Its segment and that of the stamp.
    assert_eq!(log.erase_before(at(999), 9).await.unwrap().segments, 2);
    assert_eq!(
        log.erase_before(at(999), 9).await.unwrap(),
        Erased::default()
    );
    // Nothing is left but what was proved.
    assert_eq!(
        erased_in(&log).await,
        (1..=log.last_ordinal()).collect::<Vec<_>>()
    );
    let stamping = log.stamping();
    assert_eq!((stamping.unstamped, stamping.oldest), (0, None));
    drop(log);
    fs::remove_file(dir.path().join("index.redb")).unwrap();
    let log = open(dir.path());
    assert!(log.stamping().stamped_until >= stamping.stamped_until);
    let ordinal = message(&log, "e", 500).await;
    assert_eq!(log.unstamped(9).await.unwrap()[0].ordinal, ordinal);
    stamp(&log, 9, 501).await;
    assert!(log.stamp_of(ordinal).await.unwrap().is_some());
}

#[tokio::test]
async fn a_stamp_stays_with_its_messages() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    // A clock that was ahead: this segment stays until then.
    message(&log, "a", 100).await;
    message(&log, "b", 5000).await;
    log.rotate().await.unwrap();
    message(&log, "c", 101).await;
    log.rotate().await.unwrap();
    stamp(&log, 2, 102).await;
    message(&log, "d", 103).await;
    log.rotate().await.unwrap();
    stamp(&log, 9, 104).await;
    message(&log, "e", 105).await;
    log.rotate().await.unwrap();
    stamp(&log, 9, 106).await;
    // [a b] [c] [stamp a b, d] [stamp c d, e] [stamp e]
    let erased = log.erase_before(at(1000), 99).await.unwrap();
    assert_eq!(erased.segments, 1);
    assert_eq!(erased_in(&log).await, [3]);
    assert_eq!(log.stamp_of(1).await.unwrap().unwrap().time, at(102));
    assert_eq!(log.stamp_of(5).await.unwrap().unwrap().time, at(104));
    // Then they go together.
    let erased = log.erase_before(at(6000), 99).await.unwrap();
    assert_eq!(erased.segments, 4);
}

#[tokio::test]
async fn refusals_alone_wait_for_the_messages_before_them() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    message(&log, "a", 100).await;
    log.rotate().await.unwrap();
    refuse(&log, 101).await;
    log.rotate().await.unwrap();
    refuse(&log, 102).await;
    assert_eq!(
        log.erase_before(at(999), 99).await.unwrap(),
        Erased::default()
    );
    stamp(&log, 9, 103).await;
    // The message is not archived: it stays, and so does its stamp.
    assert_eq!(log.erase_before(at(999), 0).await.unwrap().records, 2);
    assert_eq!(erased_in(&log).await, [2, 3]);
}

#[tokio::test]
async fn goes_on_where_a_crash_stopped_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    let index = fs::read(dir.path().join("index.redb")).unwrap();
    drop(log);
    let whole_index = fs::read(dir.path().join("index.redb")).unwrap();
    assert_ne!(index, whole_index);
    let whole = copied(dir.path());

    // After the contents: the records still name them.
    let crashed = copied(whole.path());
    for entry in fs::read_dir(crashed.path().join("bodies")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let log = open(crashed.path());
    assert!(log.get(1).await.is_err());
    assert_eq!(log.erase_before(at(150), 99).await.unwrap().records, 3);
    assert_eq!(erased_in(&log).await, [1, 2, 3]);
    drop(log);

    // The same, and nobody has to call: opening finishes it.
    let crashed = copied(whole.path());
    for entry in fs::read_dir(crashed.path().join("bodies")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let before = digests(crashed.path());
    let note = crashed.path().join(ERASING);
    for (noted, erased) in [
        ("7", &[][..]),
        ("3", &[]),
        ("x", &[]),
        ("1", &[1, 2, 3]),
        ("1", &[1, 2, 3]),
    ] {
        fs::write(&note, noted).unwrap();
        let log = open(crashed.path());
        assert!(!note.exists());
        for ordinal in 1..=log.last_ordinal() {
            let is_erased = matches!(log.stored(ordinal).await, Err(Error::Erased { .. }));
            assert_eq!(is_erased, erased.contains(&ordinal), "{noted}: {ordinal}");
        }
        assert_eq!(digests(crashed.path()), before);
    }

    // After the segment: the index still has its entries. Nothing of it is found any more.
    for old_index in [&index, &whole_index] {
        fs::write(crashed.path().join("index.redb"), old_index).unwrap();
        let log = open(crashed.path());
        assert_eq!(erased_in(&log).await, [1, 2, 3]);
        assert_eq!(log.find("a").await.unwrap().len(), 0);
        assert_eq!(log.stamping().unstamped, 1);
        assert!(log.stamp_of(4).await.unwrap().is_some());
        assert_eq!(
            log.erase_before(at(150), 99).await.unwrap(),
            Erased::default()
        );
        assert_eq!(log.erase_before(at(250), 99).await.unwrap().records, 3);
        drop(log);
        // As before for the next turn.
        fs::remove_dir_all(crashed.path().join("segments")).unwrap();
        let again = copied(whole.path());
        fs::rename(
            again.path().join("segments"),
            crashed.path().join("segments"),
        )
        .unwrap();
        fs::remove_file(crashed.path().join("index.redb")).unwrap();
        let log = open(crashed.path());
        log.erase_before(at(150), 99).await.unwrap();
    }
}

#[tokio::test]
async fn a_segment_that_cannot_be_read_stays() {
    use std::os::unix::fs::FileExt as _;
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    let position = log.get(2).await.unwrap().position;
    let path = dir.path().join("segments/0000000001.seg");
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    file.write_all_at(b"x", position.offset + 200).unwrap();
    let erased = log.erase_before(at(999), 99).await.unwrap();
    // The second goes all the same; its stamp covers only its own.
    assert_eq!((erased.segments, erased.records), (1, 3));
    assert_eq!(erased_in_except(&log, 2).await, [4, 5, 6]);
    assert_eq!(bodies(dir.path()), 1);
}

#[tokio::test]
async fn a_segment_whose_end_is_gone_stays_and_holds_up_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    stamp(&log, 9, 301).await;
    log.rotate().await.unwrap();
    let stamped = log.get(6).await.unwrap().position;
    drop(log);
    // At the border of a record: by itself the segment looks whole.
    let path = dir.path().join("segments/0000000002.seg");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(stamped.offset).unwrap();
    let log = open(dir.path());
    let erased = log.erase_before(at(9000), 9).await.unwrap();
    assert_eq!(erased.segments, 2);
    assert_eq!(erased_in_except(&log, 6).await, [1, 2, 3, 7, 8]);
}

async fn erased_in_except(log: &MessageLog, damaged: u64) -> Vec<u64> {
    let mut erased = Vec::new();
    for ordinal in (1..=log.last_ordinal()).filter(|ordinal| *ordinal != damaged) {
        if is_erased(log, ordinal).await {
            erased.push(ordinal);
        }
    }
    erased
}

fn orphan(dir: &Path, name: &str) {
    fs::write(dir.join("bodies").join(name), "whole").unwrap();
}

async fn orphans_of(log: &MessageLog) -> Orphans {
    loop {
        match log.orphans() {
            Some(orphans) => return orphans,
            None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn removes_what_no_record_names_once_told_that_the_log_is_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    assert_eq!(orphans_of(&log).await, Orphans::default());
    drop(log);
    for has_index in [true, false] {
        orphan(dir.path(), "00112233445566778899aabbccddeeff.body");
        orphan(dir.path(), "ff112233445566778899aabbccddeeff.body");
        orphan(dir.path(), "somebody else's.body");
        if !has_index {
            fs::remove_file(dir.path().join("index.redb")).unwrap();
        }
        let log = open(dir.path());
        // Of this process, and about to be named.
        let content = body(&log, 5000).await;
        assert_eq!(orphans_of(&log).await, Orphans::default());
        let before = bodies(dir.path());
        let found = Orphans {
            files: 2,
            bytes: 10,
        };
        assert_eq!(log.remove_orphans().await.unwrap(), found);
        assert_eq!(bodies(dir.path()), before - 2);
        assert_eq!(log.remove_orphans().await.unwrap(), Orphans::default());
        message_with(&log, "e", 400, vec![(Vec::new(), content)]).await;
        for ordinal in [1, log.last_ordinal()] {
            match log.get(ordinal).await.unwrap().entry {
                Entry::Message(record) => {
                    record.attachments[0].1.digest_again().unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        // With those of this and the last turn, and what is none of ours.
        assert_eq!(bodies(dir.path()), if has_index { 3 } else { 4 });
    }
}

#[tokio::test]
async fn a_content_that_is_about_to_be_named_is_not_taken_for_one_that_nobody_names() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("bodies")).unwrap();
    let segments = dir.path().join("segments");
    drop(Log::open(&segments, gateway_store::segment::Options::default()).unwrap());
    let recent = Recent::begun();
    let folder = Bodies::open(&dir.path().join("bodies"), None, recent.clone()).unwrap();
    let settled = folder.create().unwrap().finish().unwrap();
    settled.settle().unwrap();
    orphan(dir.path(), "00112233445566778899aabbccddeeff.body");
    let found = Found::new(folder.dir(), recent, false);
    found.look(&segments, None, |_| Ok(false));
    assert_eq!(found.kept(), Some(Orphans::default()));
    assert_eq!(bodies(dir.path()), 2);
    assert_eq!(found.remove().unwrap().files, 1);
    assert!(settled.path().exists());
    assert_eq!(bodies(dir.path()), 1);
    // Later ones are nobody's business.
    found.look(&segments, None, |_| Ok(true));
    assert!(settled.path().exists());
    // A process that ends has let go of the log, or is about to.
    orphan(dir.path(), "00112233445566778899aabbccddeeff.body");
    settled.mark_named();
    let found = Found::new(folder.dir(), Recent::default(), false);
    found.look(&segments, None, |_| Ok(false));
    found.stop();
    assert!(matches!(found.remove(), Err(Error::Interrupted)));
    assert_eq!(bodies(dir.path()), 2);
}

#[tokio::test]
async fn contents_of_a_log_that_is_elsewhere_are_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    drop(log);
    // An empty folder stands where the segments were.
    let (segments, aside) = (dir.path().join("segments"), dir.path().join("aside"));
    fs::rename(&segments, &aside).unwrap();
    let log = open(dir.path());
    assert_eq!(orphans_of(&log).await.files, 1);
    // Not even when told to, and what is logged meanwhile does not make it another.
    message(&log, "other", 400).await;
    assert_eq!(log.remove_orphans().await.unwrap(), Orphans::default());
    assert_eq!(bodies(dir.path()), 1);
    drop(log);
    // Another log is there, and its process ends before anybody has said that it is the right one.
    let log = open(dir.path());
    assert_eq!(orphans_of(&log).await, Orphans::default());
    drop(log);
    assert_eq!(bodies(dir.path()), 1);
    fs::remove_dir_all(&segments).unwrap();
    fs::rename(&aside, &segments).unwrap();
    let log = open(dir.path());
    orphans_of(&log).await;
    assert_eq!(log.remove_orphans().await.unwrap(), Orphans::default());
    match log.get(1).await.unwrap().entry {
        Entry::Message(record) => record.attachments[0].1.digest_again().unwrap(),
        other => panic!("{other:?}"),
    };
}

#[tokio::test]
async fn removes_nothing_of_a_segment_that_the_store_does_not_let_go() {
    use std::os::unix::fs::FileExt as _;
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    // Whether the next one goes on from it: only the store looks there.
    let next = dir.path().join("segments/0000000002.seg");
    let whole = fs::read(&next).unwrap();
    let file = fs::File::options().write(true).open(&next).unwrap();
    file.write_all_at(&[0xff; 8], 40).unwrap();
    assert_eq!(
        log.erase_before(at(150), 99).await.unwrap(),
        Erased::default()
    );
    assert_eq!(bodies(dir.path()), 1);
    assert!(!dir.path().join(ERASING).exists());
    file.write_all_at(&whole, 0).unwrap();
    assert_eq!(log.erase_before(at(150), 99).await.unwrap().segments, 1);
    assert_eq!(bodies(dir.path()), 0);
}

#[tokio::test]
async fn removes_no_content_while_a_record_is_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    let position = log.get(1).await.unwrap().position;
    drop(log);
    let path = dir.path().join("segments/0000000001.seg");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[position.offset as usize + 200] ^= 1;
    fs::write(&path, damaged).unwrap();
    fs::remove_file(dir.path().join("index.redb")).unwrap();
    orphan(dir.path(), "00112233445566778899aabbccddeeff.body");
    let log = open(dir.path());
    assert_eq!(orphans_of(&log).await.files, 2);
    assert_eq!(log.remove_orphans().await.unwrap(), Orphans::default());
    assert_eq!(bodies(dir.path()), 2);
    drop(log);
    // It was brought back.
    fs::write(&path, whole).unwrap();
    fs::remove_file(dir.path().join("index.redb")).unwrap();
    let log = open(dir.path());
    assert_eq!(orphans_of(&log).await, Orphans::default());
    assert_eq!(log.remove_orphans().await.unwrap().files, 1);
    assert_eq!(bodies(dir.path()), 1);
    match log.get(1).await.unwrap().entry {
        Entry::Message(record) => record.attachments[0].1.digest_again().unwrap(),
        other => panic!("{other:?}"),
    };
}

#[tokio::test]
async fn the_next_call_takes_out_of_the_index_what_the_one_before_could_not() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    three_segments(&log).await;
    log.inner.index.flush(log.last_ordinal()).unwrap();
    // The payloads are gone; then the index could not be written.
    log.inner
        .log
        .erase(log.inner.log.segments().unwrap()[0].number)
        .unwrap();
    let places = |log: &MessageLog| log.inner.index.find("a", log.last_ordinal()).unwrap();
    assert_eq!(places(&log).len(), 1);
    let erased = log.erase_before(Timestamp::MIN, 0).await.unwrap();
    assert_eq!(erased, Erased::default());
    assert_eq!(places(&log), []);
    assert!(is_erased(&log, 1).await);
    assert_eq!(id_at(&log, 4).await, "c");
}
