//! What the thread leaves to the next process.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Indexing, Shared, Start};
use crate::Error;
use crate::retention::{Found, Recent};
use crate::testing::{message, open};

#[tokio::test]
async fn a_process_that_ends_does_not_wait_until_a_lost_index_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for id in ["a", "b"] {
        message(&log, id, 100).await;
    }
    drop(log);
    let path = dir.path().join("index.redb");
    std::fs::remove_file(&path).unwrap();
    let shared = Arc::new(Shared::default());
    shared.ending.store(true, Ordering::Relaxed);
    let start = Start {
        path,
        segments: dir.path().join("segments"),
        last_ordinal: 2,
        erased: Vec::new(),
        protection: None,
        stamping: Arc::default(),
        found: Arc::new(Found::new(
            &dir.path().join("bodies"),
            Recent::default(),
            false,
        )),
    };
    let mut indexing = Indexing::new(start, Arc::clone(&shared));
    assert!(matches!(indexing.begin(), Err(Error::Interrupted)));
    assert_eq!(indexing.reached(), 0);
    // Whoever asks again has the rest.
    shared.ending.store(false, Ordering::Relaxed);
    indexing.begin().unwrap();
    assert_eq!(indexing.reached(), 2);
}
