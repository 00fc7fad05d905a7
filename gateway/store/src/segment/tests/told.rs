//! Who is told of a record, and looking at some segments only.

use std::sync::{Arc, Mutex};

use super::super::{Log, Options};
use super::{record, small_segments};
use crate::Error;

#[tokio::test]
async fn tells_in_order_where_a_record_lies_also_when_nobody_waits() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), Options::default()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    for number in 1..=20 {
        let told = Arc::clone(&told);
        let append = log.append_told(record(number), move |position| {
            told.lock().unwrap().push(position.ordinal);
        });
        if number % 3 == 0 {
            // Asked once, so that it is in the queue, and then dropped.
            let mut append = Box::pin(append);
            std::future::poll_fn(|context| {
                let _ = append.as_mut().poll(context);
                std::task::Poll::Ready(())
            })
            .await;
        } else {
            append.await.unwrap();
        }
    }
    log.append(record(21)).await.unwrap();
    assert_eq!(*told.lock().unwrap(), (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn tells_nobody_of_a_record_that_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        record_bytes_max: 3,
        ..Options::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let refused = log
        .append_told(record(1), move |_| *count.lock().unwrap() += 1)
        .await;
    assert!(matches!(refused, Err(Error::RecordTooLarge { .. })));
    assert_eq!(*told.lock().unwrap(), 0);
}

#[tokio::test]
async fn scans_only_the_segments_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), small_segments()).unwrap();
    for number in 1..=30 {
        log.append(record(number)).await.unwrap();
    }
    let segments = log.segments().unwrap();
    assert!(segments.len() > 3);
    let ordinals =
        |scan: super::Scan| -> Vec<u64> { scan.map(|found| found.unwrap().0.ordinal).collect() };
    let (second, third) = (segments[1], segments[2]);
    let found = ordinals(log.scan_segments(second.number..=third.number).unwrap());
    let expected: Vec<_> = (second.first_ordinal..=third.last_ordinal.unwrap()).collect();
    assert_eq!(found, expected);
    let found = ordinals(log.scan_segments(second.number..).unwrap());
    assert_eq!(found, (second.first_ordinal..=30).collect::<Vec<_>>());
    assert_eq!(ordinals(log.scan_segments(999..).unwrap()), [] as [u64; 0]);
}
