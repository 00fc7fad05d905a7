//! The transparency log over all entries, as the node and the auditor see it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certs_keys::{Digest, DigestAlgorithm, Ed25519Key};
use gateway_messagelog::audit::Tree as AuditTree;
use gateway_messagelog::{Error, MessageLog, Options, Protocol, Refusal, Side, tree};
use gateway_tlog::note::{Kind, Signer};
use gateway_tlog::tree::leaf_hash;
use jiff::{SignedDuration, Timestamp};

use crate::country::{Country, NOW};

fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn options() -> Options {
    let key = Ed25519Key::from_seed(&[5; 32]).unwrap();
    let signer = Signer::new(Kind::Ed25519, "node.example/log", key).unwrap();
    Options {
        tree: Some(tree::Options {
            interval: Duration::from_millis(1),
            ..tree::Options::new(Arc::new(signer))
        }),
        ..crate::options()
    }
}

/// Some exchanges, a refusal and a stamp.
async fn filled(country: &Country, log: &MessageLog) {
    for (id, second) in [("q-1", 0), ("q-2", 1), ("q-3", 2)] {
        for mut record in country.soap_exchange(id, Side::Consumer) {
            record.time = later(second);
            log.append(record).await.unwrap();
        }
    }
    let stored = log.refusal_counts().stored;
    log.note_refusal(Refusal {
        time: later(3),
        side: Side::Provider,
        protocol: Protocol::Soap,
        client: None,
        service: None,
        message_id: None,
        peer: None,
        code: "access_denied".to_owned(),
        reason: "no right".to_owned(),
        fault_id: "1f".to_owned(),
    });
    while log.refusal_counts().stored == stored {
        tokio::task::yield_now().await;
    }
    let waiting = log.unstamped(100).await.unwrap();
    log.append_stamp(country.stamp(&waiting, later(4)))
        .await
        .unwrap();
}

/// Each entry is a leaf: the digest of its bytes as they are stored.
async fn is_of_what_is_stored(log: &MessageLog) {
    let tree = log.tree().unwrap();
    tree.wait_for(log.last_ordinal()).await.unwrap();
    assert!(log.last_ordinal() >= 8);
    for ordinal in 1..=log.last_ordinal() {
        let stored = log.stored(ordinal).await.unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha256, &stored);
        assert_eq!(tree.leaf(ordinal).unwrap(), digest.as_bytes());
        let proof = tree.prove(ordinal).unwrap();
        let leaf = leaf_hash(digest.as_bytes());
        proof.verify(&leaf, tree.log(), &[], 0).unwrap();
        assert!(
            proof
                .verify(&leaf_hash(&stored), tree.log(), &[], 0)
                .is_err()
        );
    }
}

#[tokio::test]
async fn messages_refusals_and_stamps_are_leaves_and_proved() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    filled(&country, &log).await;
    is_of_what_is_stored(&log).await;
    drop(log);
    let log = MessageLog::open(dir.path(), options()).unwrap();
    filled(&country, &log).await;
    is_of_what_is_stored(&log).await;
    let audited = AuditTree::open(dir.path()).unwrap();
    let checked = audited.check(|_, _| {}).unwrap();
    assert!(checked.holds(), "{checked:?}");
    assert_eq!(checked.records, log.last_ordinal());
}

#[tokio::test]
async fn a_log_without_a_tree_has_none_and_may_get_one_later() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), crate::options()).unwrap();
    filled(&country, &log).await;
    assert!(log.tree().is_none());
    drop(log);
    assert!(AuditTree::open(dir.path()).is_err());
    let log = MessageLog::open(dir.path(), options()).unwrap();
    is_of_what_is_stored(&log).await;
}

#[tokio::test]
async fn proofs_of_before_hold_after_the_entries_were_erased() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    filled(&country, &log).await;
    let size = log.last_ordinal();
    let tree = log.tree().unwrap();
    tree.wait_for(size).await.unwrap();
    let before: Vec<_> = (1..=size)
        .map(|ordinal| (tree.leaf(ordinal).unwrap(), tree.prove(ordinal).unwrap()))
        .collect();
    let erased = log.erase_before(later(100), size).await.unwrap();
    assert_eq!(erased.segments, 1);
    assert!(matches!(
        log.stored(1).await,
        Err(Error::Erased { ordinal: 1 })
    ));
    for (ordinal, (leaf, proof)) in (1..=size).zip(&before) {
        assert_eq!(tree.leaf(ordinal).unwrap(), *leaf);
        assert_eq!(tree.prove(ordinal).unwrap(), *proof);
    }
    drop(log);
    // Nothing but the stub is left to make it from.
    fs::remove_dir_all(dir.path().join("tree/tile")).unwrap();
    let audited = AuditTree::open(dir.path()).unwrap();
    let checked = audited.check(|_, _| {}).unwrap();
    assert!(checked.holds(), "{checked:?}");
    assert_eq!(checked.erased, size);
    for (ordinal, (leaf, proof)) in (1..=size).zip(&before) {
        assert_eq!(audited.leaf(ordinal).unwrap(), *leaf);
        assert_eq!(audited.prove(ordinal).unwrap(), *proof);
    }
    let log = MessageLog::open(dir.path(), options()).unwrap();
    assert_eq!(log.tree().unwrap().size(), size);
}

#[tokio::test]
async fn what_was_erased_cannot_be_guessed_from_its_leaf() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    // The same message twice: whoever guessed all of it would still not know its leaf.
    let record = country.soap_exchange("q-1", Side::Consumer).remove(0);
    for _ in 0..2 {
        log.append(record.clone()).await.unwrap();
    }
    let (one, other) = (log.stored(1).await.unwrap(), log.stored(2).await.unwrap());
    let differ: Vec<_> = (0..one.len()).filter(|at| one[*at] != other[*at]).collect();
    let (first, last) = (differ[0], differ[differ.len() - 1]);
    assert!(differ.len() >= 12 && last - first < 16, "{differ:?}");
    let salts = [&one[first..=last], &other[first..=last]];
    let tree = log.tree().unwrap();
    tree.wait_for(2).await.unwrap();
    let leaves = [tree.leaf(1).unwrap(), tree.leaf(2).unwrap()];
    assert_ne!(leaves[0], leaves[1]);

    let holds = |salt: &[u8]| {
        let has = |path: &Path| {
            fs::read(path)
                .unwrap()
                .windows(salt.len())
                .any(|at| at == salt)
        };
        files(dir.path()).iter().any(|path| has(path))
    };
    assert!(salts.iter().all(|salt| holds(salt)));
    let waiting = log.unstamped(100).await.unwrap();
    log.append_stamp(country.stamp(&waiting, later(4)))
        .await
        .unwrap();
    let last = log.last_ordinal();
    tree.wait_for(last).await.unwrap();
    let erased = log.erase_before(later(100), last).await.unwrap();
    assert_eq!(erased.records, 3);
    // The salt goes with the message; the leaf stays.
    assert!(!salts.iter().any(|salt| holds(salt)));
    assert!(!holds(&record.message[..64]));
    assert_eq!(leaves, [tree.leaf(1).unwrap(), tree.leaf(2).unwrap()]);
}

/// All files below a folder.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = paths.map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    });
    below.flatten().collect()
}

#[tokio::test]
async fn a_log_that_does_not_give_what_was_signed_is_not_opened() {
    let country = Country::new();
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options()).unwrap();
    filled(&country, &log).await;
    drop(log);
    let other = tempfile::tempdir().unwrap();
    let log = MessageLog::open(other.path(), crate::options()).unwrap();
    filled(&country, &log).await;
    drop(log);
    let checkpoint = fs::read(dir.path().join("tree/checkpoint")).unwrap();
    copy(&dir.path().join("tree"), &other.path().join("tree"));
    let error = MessageLog::open(other.path(), options()).unwrap_err();
    match error {
        Error::Tree(error) => match *error {
            tree::Error::Fork { size, computed, .. } => {
                assert_eq!(size, 8);
                assert!(computed.is_some());
            }
            error => panic!("{error}"),
        },
        error => panic!("{error}"),
    }
    assert_eq!(
        fs::read(other.path().join("tree/checkpoint")).unwrap(),
        checkpoint
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
