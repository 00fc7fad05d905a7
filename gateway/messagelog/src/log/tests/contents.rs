//! Contents: received, logged, left behind.

use super::*;

#[tokio::test]
async fn spools_any_length_in_any_pieces_with_the_right_digest() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for length in [0, 1, 999, 1000, 1001, 1999, 2000, 2001, 5000, 200_000] {
        for chunk in [1, 37, 1000, 70_000] {
            if length / chunk > 10_000 {
                continue;
            }
            let bytes = noise(length);
            let content = spooled(log.spool(), &bytes, chunk).await.unwrap();
            assert_eq!(content.len(), u64::try_from(length).unwrap());
            assert_eq!(
                *content.digest(),
                Digest::of(DigestAlgorithm::Sha512, &bytes)
            );
            assert_eq!(
                content.bytes().is_some(),
                length <= 1000,
                "{length} in {chunk}"
            );
            assert_eq!(read(&content).await, bytes);
            assert_eq!(content.digest_again().unwrap(), *content.digest());
        }
    }
    assert_eq!(files(dir.path()), [] as [&str; 0]);
}

#[tokio::test]
async fn refuses_a_content_beyond_the_limit_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut spool = log.spool();
    spool.write(noise(1_000_000)).await.unwrap();
    for _ in 0..2 {
        let refused = spool.write(noise(1)).await;
        assert!(matches!(
            refused,
            Err(Error::ContentTooLarge {
                bytes_max: 1_000_000
            })
        ));
    }
    assert!(spool.finish().await.is_err());
    drop(log);
    // The writing thread may have had the file last; opening sweeps what it left.
    drop(open(dir.path()));
    assert_eq!(files(dir.path()), [] as [&str; 0]);
}

#[tokio::test]
async fn a_withheld_content_has_nothing_to_do_with_the_folder_of_contents() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fs::remove_dir(dir.path().join(BODIES)).unwrap();
    let withheld = Content::from_bytes(noise(10)).withheld();
    log.append(with_body(withheld)).await.unwrap();
    assert_eq!(log.last_ordinal(), 1);
}

#[tokio::test]
async fn a_dropped_reader_future_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let bytes = noise(300_000);
    let content = spooled(log.spool(), &bytes, 5000).await.unwrap();
    let mut reader = content.reader();
    let mut all = Vec::new();
    loop {
        // Asked once, then dropped, then asked again.
        let first = polled_once(reader.next_chunk()).await;
        let chunk = match first {
            Some(chunk) => chunk.unwrap(),
            None => reader.next_chunk().await.unwrap(),
        };
        let Some(chunk) = chunk else { break };
        all.extend_from_slice(&chunk);
    }
    assert_eq!(all, bytes);
}

/// Polls once; `None` when it was not ready, and then it is dropped.
async fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_logged_file_stays_and_an_unlogged_one_goes() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let bytes = noise(50_000);
    let unlogged = spooled(log.spool(), &bytes, 900).await.unwrap();
    let logged = spooled(log.spool(), &bytes, 900).await.unwrap();
    assert_eq!(files(dir.path()).len(), 2);
    log.append(with_body(logged.clone())).await.unwrap();
    // Being sent while it was renamed.
    assert_eq!(read(&logged).await, bytes);
    drop((unlogged, logged));
    assert_eq!(files(dir.path()).len(), 1);
    drop(log);

    let log = open(dir.path());
    let found = log.find("a-1").await.unwrap();
    let Entry::Message(record) = &found[0].entry else {
        panic!("no message")
    };
    assert_eq!(read(&record.attachments[0].1).await, bytes);
    drop(found);
    assert_eq!(files(dir.path()).len(), 1);
}

#[tokio::test]
async fn sweeps_what_was_being_received_when_the_process_died() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::write(dir.path().join(BODIES).join("00ff.part"), "half").unwrap();
    fs::write(dir.path().join(BODIES).join("00ff.body"), "whole").unwrap();
    drop(open(dir.path()));
    assert_eq!(files(dir.path()), ["00ff.body"]);
}

#[tokio::test]
async fn many_small_contents_do_not_make_a_giant_record() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment: segment::Options {
            record_bytes_max: 2 << 20,
            ..segment::Options::default()
        },
        content_memory_bytes_max: 400_000,
        ..options()
    };
    let log = MessageLog::open(dir.path(), options).unwrap();
    let bytes = noise(300_000);
    let attachments: Vec<_> = (0..10)
        .map(|_| (Vec::new(), Content::from_bytes(bytes.clone())))
        .collect();
    log.append(Record {
        attachments,
        ..record()
    })
    .await
    .unwrap();
    assert_eq!(files(dir.path()).len(), 7);
    let found = log.find("a-1").await.unwrap();
    let Entry::Message(record) = &found[0].entry else {
        panic!("no message")
    };
    for (_, content) in &record.attachments {
        assert_eq!(read(content).await, bytes);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_written_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment: segment::Options {
            record_bytes_max: 100,
            ..segment::Options::default()
        },
        ..options()
    };
    let log = MessageLog::open(dir.path(), options).unwrap();
    let content = spooled(log.spool(), &noise(50_000), 900).await.unwrap();
    let refused = log.append(with_body(content)).await.unwrap_err();
    assert!(refused.is_too_large(), "{refused:?}");
    assert_eq!(files(dir.path()), [] as [&str; 0]);
}

#[tokio::test]
async fn a_content_that_cannot_be_kept_is_known_until_a_message_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let bodies = dir.path().join(BODIES);
    fs::remove_dir(&bodies).unwrap();
    assert!(spooled(log.spool(), &noise(50_000), 900).await.is_err());
    assert!(log.write_failure().is_some());
    fs::create_dir(&bodies).unwrap();
    let content = spooled(log.spool(), &noise(50_000), 900).await.unwrap();
    log.append(with_body(content)).await.unwrap();
    assert!(log.write_failure().is_none());
    // What is too long for any disk is no failure of this one.
    let refused = spooled(log.spool(), &noise(1_000_001), 100_000).await;
    assert!(refused.is_err_and(|error| error.is_too_large()));
    assert!(log.write_failure().is_none());
}
