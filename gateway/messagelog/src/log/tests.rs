//! The log of a node: contents, durability, refusals, look-up after losses.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_store::segment;
use jiff::Timestamp;

use super::{BODIES, INDEX, MessageLog, Options, SEGMENTS};
use crate::record::tests::record;
use crate::{Content, Entry, Error, Protocol, Record, Refusal, RefusalCounts, Side, Spool, audit};

mod contents;

fn options() -> Options {
    Options {
        content_memory_bytes_max: 1000,
        content_bytes_max: 1_000_000,
        ..Options::default()
    }
}

fn open(dir: &Path) -> MessageLog {
    MessageLog::open(dir, options()).unwrap()
}

fn noise(length: usize) -> Bytes {
    (0..length)
        .map(|index| u8::try_from(index * 7 % 251).unwrap())
        .collect()
}

async fn spooled(mut spool: Spool, bytes: &Bytes, chunk: usize) -> Result<Content, Error> {
    for piece in bytes.chunks(chunk) {
        spool.write(Bytes::copy_from_slice(piece)).await?;
    }
    spool.finish().await
}

async fn read(content: &Content) -> Bytes {
    let mut reader = content.reader();
    let mut all = Vec::new();
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        assert!(!chunk.is_empty() && chunk.len() <= 64 << 10);
        all.extend_from_slice(&chunk);
    }
    all.into()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.join(BODIES))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn with_body(content: Content) -> Record {
    Record {
        attachments: vec![(Vec::new(), content)],
        ..record()
    }
}

fn with_id(id: &str) -> Record {
    Record {
        message_id: id.to_owned(),
        ..record()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn finds_by_id_what_was_appended_at_once_and_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut tasks = Vec::new();
    for task in 0..8 {
        let log = log.clone();
        tasks.push(tokio::spawn(async move {
            for turn in 0..25 {
                log.append(with_id(&format!("{task}/{turn}")))
                    .await
                    .unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let again = Record {
        request_id: Some("r-1".to_owned()),
        ..with_id("3/7")
    };
    log.append(again).await.unwrap();
    assert_eq!(log.find("3/7").await.unwrap().len(), 2);
    assert_eq!(log.find("r-1").await.unwrap().len(), 1);
    assert_eq!(log.find("3/").await.unwrap().len(), 0);
    assert_eq!(log.last_ordinal(), 201);
}

#[tokio::test]
async fn builds_the_index_anew_when_it_is_lost_broken_behind_or_of_another_log() {
    let dir = tempfile::tempdir().unwrap();
    let index = dir.path().join(INDEX);
    let log = open(dir.path());
    for turn in 0..30 {
        log.append(with_id(&format!("id-{turn}"))).await.unwrap();
    }
    drop(log);
    let whole = fs::read(&index).unwrap();

    fs::remove_file(&index).unwrap();
    assert_eq!(open(dir.path()).find("id-7").await.unwrap().len(), 1);

    fs::write(&index, vec![0x55; 20_000]).unwrap();
    assert_eq!(open(dir.path()).find("id-7").await.unwrap().len(), 1);

    // Behind: an older copy of the index.
    let log = open(dir.path());
    log.append(with_id("late")).await.unwrap();
    drop(log);
    fs::write(&index, &whole).unwrap();
    let log = open(dir.path());
    assert_eq!(log.find("late").await.unwrap().len(), 1);
    assert_eq!(log.find("id-7").await.unwrap().len(), 1);
    drop(log);

    // Another log's: as many records, other ones.
    let other = tempfile::tempdir().unwrap();
    let log = open(other.path());
    for turn in 0..30 {
        log.append(with_id(&format!("other-{turn}"))).await.unwrap();
    }
    drop(log);
    fs::copy(other.path().join(INDEX), &index).unwrap();
    let log = open(dir.path());
    assert_eq!(log.find("id-7").await.unwrap().len(), 1);
    assert_eq!(log.find("other-7").await.unwrap().len(), 0);
}

#[tokio::test]
async fn finds_ids_of_any_length_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let long = "x".repeat(5000);
    let (a, b) = (format!("{long}a"), format!("{long}b"));
    for id in [&a, &b, "", "x"] {
        log.append(with_id(id)).await.unwrap();
    }
    for id in [&a, &b, "", "x"] {
        assert_eq!(log.find(id).await.unwrap().len(), 1, "{} bytes", id.len());
    }
}

fn refusal(second: i64) -> Refusal {
    Refusal {
        time: Timestamp::from_second(second).unwrap(),
        side: Side::Provider,
        protocol: Protocol::Soap,
        client: None,
        service: None,
        message_id: Some("refused".to_owned()),
        peer: None,
        code: "access_denied".to_owned(),
        reason: "y".repeat(100_000),
        fault_id: "f".to_owned(),
    }
}

#[tokio::test]
async fn stores_refusals_within_the_rate_and_counts_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        refusals_per_second_max: 2,
        refusal_queue_max: 1000,
        ..options()
    };
    let log = MessageLog::open(dir.path(), options).unwrap();
    for _ in 0..50 {
        log.note_refusal(refusal(1000));
    }
    // Behind all of them in the queue.
    log.append(record()).await.unwrap();
    assert_eq!(
        log.refusal_counts(),
        RefusalCounts {
            stored: 20,
            dropped: 30
        }
    );
    let found = log.find("refused").await.unwrap();
    assert_eq!(found.len(), 20);
    let Entry::Refusal(stored) = &found[0].entry else {
        panic!("no refusal")
    };
    assert_eq!(
        (stored.code.as_str(), stored.reason.len()),
        ("access_denied", 2048)
    );
}

#[tokio::test]
async fn another_process_cannot_open_the_log_but_an_auditor_can() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(record()).await.unwrap();
    assert!(matches!(
        MessageLog::open(dir.path(), options()),
        Err(Error::Store(gateway_store::Error::Locked { .. }))
    ));
    let reader = audit::Reader::open(dir.path()).unwrap();
    assert_eq!(reader.entries().unwrap().count(), 1);
    assert_eq!(reader.find("a-1").unwrap().len(), 1);
    assert!(audit::Reader::open(&dir.path().join(SEGMENTS)).is_err());
}

#[tokio::test]
async fn finds_by_number_at_once_and_says_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert!(matches!(
        log.get(0).await,
        Err(Error::NoEntry { ordinal: 0 })
    ));
    assert!(matches!(
        log.get(1).await,
        Err(Error::NoEntry { ordinal: 1 })
    ));
    for turn in 1..=50_u64 {
        log.append(with_id(&format!("id-{turn}"))).await.unwrap();
        let logged = log.get(turn).await.unwrap();
        assert_eq!(logged.position.ordinal, turn);
        assert_eq!(logged.entry.message_id(), Some(&*format!("id-{turn}")));
        let stored = log.stored(turn).await.unwrap();
        let plain = audit::plain(&stored, None).unwrap();
        assert_eq!(stored, plain);
    }
    assert!(matches!(
        log.get(51).await,
        Err(Error::NoEntry { ordinal: 51 })
    ));
    let ordinals = |found: Vec<crate::Logged>| -> Vec<u64> {
        found.iter().map(|logged| logged.position.ordinal).collect()
    };
    let found = log.messages(48, 99, 99).await.unwrap();
    assert_eq!(ordinals(found), [49, 50]);
    let found = log.messages(10, 14, 2).await.unwrap();
    assert_eq!(ordinals(found), [11, 12]);
    assert_eq!(
        ordinals(log.messages(9, 9, 9).await.unwrap()),
        [] as [u64; 0]
    );
    assert_eq!(
        ordinals(log.messages(0, 9, 0).await.unwrap()),
        [] as [u64; 0]
    );

    // A damaged one is passed over, and the rest is there, also without its index.
    let position = log.get(12).await.unwrap().position;
    let path = dir.path().join(SEGMENTS).join("0000000001.seg");
    drop(log);
    let file = fs::File::options().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"x", position.offset + 150).unwrap();
    fs::remove_file(dir.path().join(INDEX)).unwrap();
    let options = Options {
        segment: segment::Options {
            on_damage: segment::OnDamage::Continue,
            ..segment::Options::default()
        },
        ..options()
    };
    let log = MessageLog::open(dir.path(), options).unwrap();
    assert!(log.get(12).await.is_err());
    assert_eq!(log.get(13).await.unwrap().position.ordinal, 13);
    let found = log.messages(10, 14, 9).await.unwrap();
    assert_eq!(ordinals(found), [11, 13, 14]);
    assert_eq!(log.stamping().unstamped, 49);
    assert_eq!(log.unstamped(99).await.unwrap().len(), 49);
}

#[tokio::test]
async fn an_index_that_somebody_looks_at_is_used_once_he_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(with_id("a")).await.unwrap();
    drop(log);
    let index = dir.path().join(INDEX);
    let before = fs::metadata(&index).unwrap();
    let looking = gateway_store::tree::ReadStore::open(&index).unwrap();
    let log = open(dir.path());
    assert!(!log.stamping().complete);
    log.append(with_id("b")).await.unwrap();
    assert_eq!(log.stamping().unstamped, 1);
    assert!(log.find("a").await.is_err());
    // By number it goes without.
    assert_eq!(log.get(1).await.unwrap().entry.message_id(), Some("a"));
    assert_eq!(log.messages(0, 9, 9).await.unwrap().len(), 2);
    assert!(matches!(
        log.get(3).await,
        Err(Error::NoEntry { ordinal: 3 })
    ));
    assert!(log.unstamped(9).await.is_err());
    drop(looking);
    assert_eq!(log.unstamped(9).await.unwrap().len(), 2);
    assert_eq!(log.get(1).await.unwrap().entry.message_id(), Some("a"));
    assert_eq!(log.get(2).await.unwrap().entry.message_id(), Some("b"));
    assert!(log.stamping().complete);
    assert_eq!(log.stamping().unstamped, 2);
    // It was not thrown away.
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(fs::metadata(&index).unwrap().ino(), before.ino());
}

#[tokio::test]
async fn goes_on_behind_a_segment_of_which_not_even_the_beginning_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for turn in 1..=6_u64 {
        log.append(with_id(&format!("id-{turn}"))).await.unwrap();
        if turn.is_multiple_of(2) {
            log.rotate().await.unwrap();
        }
    }
    drop(log);
    let path = dir.path().join(SEGMENTS).join("0000000002.seg");
    let file = fs::File::options().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"x", 20).unwrap();
    for has_index in [true, false] {
        if !has_index {
            fs::remove_file(dir.path().join(INDEX)).unwrap();
        }
        let options = Options {
            segment: segment::Options {
                on_damage: segment::OnDamage::Continue,
                ..segment::Options::default()
            },
            ..options()
        };
        let log = MessageLog::open(dir.path(), options).unwrap();
        log.append(with_id("later")).await.unwrap();
        for ordinal in [1, 2, 5, 6] {
            let logged = log.get(ordinal).await.unwrap();
            let id = format!("id-{ordinal}");
            assert_eq!(logged.entry.message_id(), Some(&*id));
            assert_eq!(log.find(&id).await.unwrap().len(), 1);
        }
        assert!(log.get(3).await.is_err());
        let found = log.messages(0, 99, 99).await.unwrap();
        assert_eq!(found.last().unwrap().entry.message_id(), Some("later"));
        assert!(log.unstamped(99).await.unwrap().len() >= 5);
        // What cannot be read stays; nothing before or behind it is older than that.
        let erased = log.erase_before(Timestamp::MIN, 0).await.unwrap();
        assert_eq!(erased.segments, 0);
    }
}

/// However a process ends, a durable record has its contents.
#[test]
fn a_task_that_is_dropped_while_it_logs_takes_no_content_from_a_durable_record() {
    for turn in 0..20_u32 {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut spool = log.spool();
            let bytes = Bytes::from(vec![7; 100_000]);
            spool.write(bytes).await.unwrap();
            let content = spool.finish().await.unwrap();
            let record = Record {
                attachments: vec![(Vec::new(), content)],
                ..with_id("dropped")
            };
            let log = log.clone();
            tokio::spawn(async move { log.append(record).await });
            let bodies = dir.path().join(BODIES);
            let is_settled = || {
                let mut entries = fs::read_dir(&bodies).unwrap();
                entries.any(|entry| {
                    let path = entry.unwrap().path();
                    path.extension()
                        .is_some_and(|extension| extension == "body")
                })
            };
            while !is_settled() {
                tokio::task::yield_now().await;
            }
            for _ in 0..turn * 40 {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        drop(log);
        let log = open(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for logged in runtime.block_on(log.find("dropped")).unwrap() {
            let Entry::Message(record) = logged.entry else {
                panic!("{:?}", logged.entry);
            };
            let content = &record.attachments[0].1;
            assert_eq!(content.digest_again().unwrap(), *content.digest());
        }
    }
}

#[tokio::test]
async fn an_end_that_is_near_hinders_neither_logging_nor_looking_up() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(with_id("before")).await.unwrap();
    log.end_soon();
    log.append(with_id("behind")).await.unwrap();
    assert_eq!(log.find("before").await.unwrap().len(), 1);
    assert_eq!(log.find("behind").await.unwrap().len(), 1);
    drop(log);
    let log = open(dir.path());
    assert_eq!(log.find("behind").await.unwrap().len(), 1);
}
