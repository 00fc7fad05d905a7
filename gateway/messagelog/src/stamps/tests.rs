//! Time stamps in order, and what is known of them at any time.

#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, SecretKey};

use crate::testing::{
    at, copied, digest_of, message, open, open_with, refuse, signature_of, stamp, stamp_over,
};
use crate::{Covered, Error, MessageLog, Options, Protection, Stamp, Stamping};

#[track_caller]
fn stands(log: &MessageLog, stamped_until: u64, unstamped: u64, oldest: Option<i64>) {
    assert_eq!(
        log.stamping(),
        Stamping {
            stamped_until,
            unstamped,
            oldest: oldest.map(at),
            complete: true,
        }
    );
}

async fn refused(log: &MessageLog, stamp: Stamp) {
    let before = log.stamping();
    let refused = log.append_stamp(stamp).await.unwrap_err();
    assert!(
        matches!(refused, Error::StampOutOfOrder { .. }),
        "{refused:?}"
    );
    assert_eq!(log.stamping(), before);
}

#[tokio::test]
async fn tells_what_waits_in_order_with_digests() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    stands(&log, 0, 0, None);
    assert_eq!(log.unstamped(10).await.unwrap(), []);

    message(&log, "a", 100).await;
    let waiting = log.unstamped(10).await.unwrap();
    assert_eq!(waiting[0].signature, Some(signature_of("a")));
    refuse(&log, 101).await;
    message(&log, "b", 102).await;
    message(&log, "c", 103).await;
    stands(&log, 0, 3, Some(100));

    let waiting = log.unstamped(10).await.unwrap();
    let shown: Vec<_> = waiting
        .iter()
        .map(|message| (message.ordinal, message.time, message.digest))
        .collect();
    assert_eq!(
        shown,
        [
            (1, at(100), digest_of("a")),
            (3, at(102), digest_of("b")),
            (4, at(103), digest_of("c")),
        ]
    );
    assert!(waiting.iter().all(|message| message.signature.is_none()));
    let one = log.unstamped(1).await.unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].signature, Some(signature_of("a")));
    assert_eq!(log.unstamped(0).await.unwrap(), []);
    assert_eq!(log.unstamped(2).await.unwrap(), waiting[..2]);
}

#[tokio::test]
async fn a_stamp_moves_on_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for (id, second) in [("a", 100), ("b", 101), ("c", 102)] {
        message(&log, id, second).await;
    }
    assert_eq!(stamp(&log, 2, 110).await, 4);
    stands(&log, 2, 1, Some(102));
    message(&log, "d", 111).await;
    refuse(&log, 112).await;
    assert_eq!(stamp(&log, 1, 120).await, 7);
    stands(&log, 3, 1, Some(111));
    assert_eq!(stamp(&log, 10, 130).await, 8);
    stands(&log, 5, 0, None);
    assert_eq!(log.unstamped(10).await.unwrap(), []);
    message(&log, "e", 140).await;
    stands(&log, 5, 1, Some(140));

    for (ordinal, time) in [
        (1, Some(110)),
        (2, Some(110)),
        (3, Some(120)),
        (5, Some(130)),
    ]
    .into_iter()
    .chain([(4, None), (6, None), (7, None), (8, None), (9, None)])
    {
        let found = log.stamp_of(ordinal).await.unwrap();
        assert_eq!(found.map(|stamp| stamp.time), time.map(at), "{ordinal}");
    }
    let first = log.stamp_of(1).await.unwrap().unwrap();
    assert!(!first.single);
    assert_eq!(first.token, Bytes::from_static(b"token"));
    assert_eq!(
        first.covers,
        [(1, "a"), (2, "b")].map(|(ordinal, id)| Covered {
            ordinal,
            digest: digest_of(id)
        })
    );
    assert!(matches!(
        log.stamp_of(10).await,
        Err(Error::NoEntry { ordinal: 10 })
    ));
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_hide_how_long_messages_wait() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    // The clock was a day ahead.
    for (id, second) in [("a", 86_500), ("b", 86_501)] {
        message(&log, id, second).await;
    }
    stands(&log, 0, 2, Some(86_500));
    for (id, second) in [("c", 100), ("d", 160)] {
        message(&log, id, second).await;
        stands(&log, 0, if id == "c" { 3 } else { 4 }, Some(100));
    }
    // What waits first is again one with a time of tomorrow.
    stamp(&log, 1, 170).await;
    message(&log, "e", 180).await;
    stands(&log, 1, 4, Some(180));
    let log = open_after(log, dir.path(), |_| {});
    message(&log, "f", 240).await;
    message(&log, "g", 300).await;
    stands(&log, 1, 6, Some(240));
    stamp(&log, 3, 310).await;
    stands(&log, 4, 3, Some(180));
}

#[tokio::test]
async fn refuses_a_stamp_that_does_not_continue_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for id in ["a", "b", "c", "d"] {
        message(&log, id, 100).await;
    }
    stamp(&log, 1, 110).await;
    let waiting = log.unstamped(10).await.unwrap();
    let good = stamp_over(&waiting[..2], 120);
    let stamp_of = |covers: &[usize]| {
        let covers: Vec<_> = covers.iter().map(|index| waiting[*index].clone()).collect();
        stamp_over(&covers, 120)
    };
    refused(&log, stamp_of(&[])).await;
    refused(&log, stamp_of(&[1])).await;
    refused(&log, stamp_of(&[0, 2])).await;
    refused(&log, stamp_of(&[1, 0])).await;
    refused(&log, stamp_of(&[0, 0])).await;
    refused(
        &log,
        Stamp {
            single: true,
            ..good.clone()
        },
    )
    .await;
    refused(
        &log,
        Stamp {
            single: false,
            ..stamp_of(&[0])
        },
    )
    .await;
    let mut changed = good.clone();
    changed.covers[1].digest = digest_of("x");
    refused(&log, changed).await;
    let mut shorter = good.clone();
    shorter.algorithm = DigestAlgorithm::Sha256;
    for (covered, id) in shorter.covers.iter_mut().zip(["b", "c"]) {
        covered.digest = Digest::of(DigestAlgorithm::Sha256, &signature_of(id));
    }
    refused(&log, shorter).await;
    let mut beyond = stamp_of(&[0, 1, 2]);
    beyond.covers.push(Covered {
        ordinal: 9,
        digest: digest_of("x"),
    });
    refused(&log, beyond).await;

    log.append_stamp(good.clone()).await.unwrap();
    refused(&log, good).await;
    stands(&log, 3, 1, Some(100));
    assert_eq!(log.last_ordinal(), 6);
}

#[tokio::test]
async fn stamps_at_once_are_logged_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for id in ["a", "b"] {
        message(&log, id, 100).await;
    }
    let stamp = stamp_over(&log.unstamped(10).await.unwrap(), 110);
    let (first, second) = tokio::join!(log.append_stamp(stamp.clone()), log.append_stamp(stamp));
    assert_eq!(
        [first.is_ok(), second.is_ok()]
            .iter()
            .filter(|ok| **ok)
            .count(),
        1
    );
    stands(&log, 2, 0, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_exactly_while_messages_keep_coming() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut tasks = Vec::new();
    for task in 0..4 {
        let log = log.clone();
        tasks.push(tokio::spawn(async move {
            for turn in 0..100 {
                // Its number is that of any message by then.
                message(&log, &format!("{task}/{turn}"), 1000 + turn).await;
            }
        }));
    }
    let mut stamped = 0;
    while stamped < 400 {
        let waiting = log.unstamped(7).await.unwrap();
        if waiting.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        log.append_stamp(stamp_over(&waiting, 2000)).await.unwrap();
        let last = waiting.last().unwrap().ordinal;
        assert_eq!(log.stamping().stamped_until, last);
        stamped += waiting.len();
    }
    for task in tasks {
        task.await.unwrap();
    }
    let stamping = log.stamping();
    assert_eq!((stamping.unstamped, stamping.oldest), (0, None));
    let again = open_after(log, dir.path(), |_| {});
    assert_eq!(again.stamping().unstamped, 0);
}

/// Ends, does something to the folder, and opens again.
fn open_after(log: MessageLog, dir: &Path, f: impl FnOnce(&Path)) -> MessageLog {
    drop(log);
    f(dir);
    open(dir)
}

#[tokio::test]
async fn knows_the_same_after_a_restart_a_lost_index_and_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for (id, second) in [("a", 100), ("b", 101), ("c", 90), ("d", 103)] {
        message(&log, id, second).await;
    }
    refuse(&log, 104).await;
    let empty_index = fs::read(dir.path().join("index.redb")).unwrap();
    stamp(&log, 2, 110).await;
    refuse(&log, 111).await;
    message(&log, "e", 112).await;
    let expected = log.stamping();
    stands(&log, 2, 3, Some(90));

    let crashed = copied(dir.path());
    let index = |dir: &Path| dir.join("index.redb");
    let log = open_after(log, dir.path(), |_| {});
    let log = {
        assert_eq!(log.stamping(), expected);
        open_after(log, dir.path(), |dir| fs::remove_file(index(dir)).unwrap())
    };
    let log = {
        assert_eq!(log.stamping(), expected);
        open_after(log, dir.path(), |dir| {
            fs::write(index(dir), &empty_index).unwrap();
        })
    };
    assert_eq!(log.stamping(), expected);
    let waiting: Vec<_> = log.unstamped(9).await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|message| message.ordinal).collect();
    assert_eq!(waiting, [3, 4, 8]);
    assert_eq!(log.stamp_of(2).await.unwrap().unwrap().time, at(110));
    stamp(&log, 9, 120).await;
    stands(&log, 8, 0, None);

    let log = open(crashed.path());
    assert_eq!(log.stamping(), expected);
    stamp(&log, 1, 120).await;
    stands(&log, 3, 2, Some(103));
}

#[tokio::test]
async fn stamps_a_sealed_log_and_waits_for_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = || SecretKey::generate();
    let (first, second) = (key(), key());
    let sealed_with = |keys: Vec<(&str, &SecretKey)>| Options {
        protection: Some(
            Protection::new(
                keys.into_iter()
                    .map(|(id, key)| (id.to_owned(), key.clone())),
            )
            .unwrap(),
        ),
        ..Options::default()
    };
    let log = open_with(dir.path(), sealed_with(vec![("1", &first)]));
    message(&log, "a", 100).await;
    message(&log, "b", 101).await;
    stamp(&log, 1, 110).await;
    drop(log);
    let log = open_with(dir.path(), sealed_with(vec![("2", &second), ("1", &first)]));
    stands(&log, 1, 1, Some(101));
    assert_eq!(stamp(&log, 5, 120).await, 4);
    assert!(log.stamp_of(1).await.unwrap().unwrap().single);
    drop(log);
    fs::remove_file(dir.path().join("index.redb")).unwrap();
    let log = open_with(dir.path(), sealed_with(vec![("2", &second), ("1", &first)]));
    stands(&log, 2, 0, None);
}

/// Turns one octet of the only place in the closed segment that holds this text.
fn damage(dir: &Path, segment: u64, text: &[u8]) {
    let mut paths: Vec<_> = fs::read_dir(dir.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some())
        .collect();
    paths.sort();
    let path = &paths[usize::try_from(segment).unwrap()];
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(text.len()).position(|part| part == text);
    bytes[at.unwrap()] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_message_does_not_keep_others_from_their_time_stamp() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for (id, second) in [("bad", 100), ("b", 101), ("c", 102)] {
        message(&log, id, second).await;
    }
    log.rotate().await.unwrap();
    let log = open_after(log, dir.path(), |dir| {
        damage(dir, 0, &signature_of("bad"));
    });
    let stamping = log.stamping();
    assert!(stamping.complete);
    assert_eq!(stamping.oldest, Some(at(101)));
    let waiting = log.unstamped(9).await.unwrap();
    let numbers: Vec<_> = waiting.iter().map(|message| message.ordinal).collect();
    assert_eq!(numbers, [2, 3]);
    stamp(&log, 9, 120).await;
    assert_eq!(log.stamping().oldest, None);
    assert_eq!(log.stamping().stamped_until, 3);
}

#[tokio::test]
async fn a_message_that_can_never_be_stamped_does_not_count_as_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    message(&log, "bad", 100).await;
    log.rotate().await.unwrap();
    damage(dir.path(), 0, &signature_of("bad"));
    assert_eq!(log.unstamped(9).await.unwrap(), []);
    stands(&log, 0, 0, None);
    message(&log, "b", 101).await;
    stands(&log, 0, 1, Some(101));
    let log = open_after(log, dir.path(), |_| {});
    assert_eq!(log.stamping().oldest, Some(at(101)));
    assert_eq!(log.unstamped(9).await.unwrap().len(), 1);
    stands(&log, 0, 1, Some(101));
    stamp(&log, 9, 120).await;
    stands(&log, 2, 0, None);
}
