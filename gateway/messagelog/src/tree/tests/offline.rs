//! What an auditor finds in the folder.

use std::fs;
use std::path::Path;

use gateway_store::segment::{DamageKind, Log, Scan};
use gateway_tlog::tree;

use super::super::{Error, Offline};
use super::{copy_tree, digests, naive_root, open, opened, record, small_segments};

/// Every proof is what the tiles, or without them the segments, give.
#[track_caller]
fn proves(dir: &Path) {
    let leaves = digests(dir);
    let audited = Offline::open(dir).unwrap();
    let size = audited.size();
    let root = naive_root(&leaves[..size as usize]);
    assert_eq!(*audited.checkpoint().root(), root);
    for ordinal in (1..=size).step_by(101) {
        let leaf = audited.leaf(ordinal).unwrap();
        assert_eq!(leaf, leaves[ordinal as usize - 1]);
        let proof = audited.inclusion(ordinal, size).unwrap();
        tree::verify_inclusion(&tree::leaf_hash(&leaf), ordinal - 1, size, &proof, &root).unwrap();
        let old = naive_root(&leaves[..ordinal as usize]);
        assert_eq!(audited.root_at(ordinal).unwrap(), old);
        let proof = audited.consistency(ordinal, size).unwrap();
        tree::verify_consistency(ordinal, size, &old, &root, &proof).unwrap();
        audited.prove(ordinal).unwrap();
    }
    assert!(audited.inclusion(size + 1, size + 1).is_err());
}

#[tokio::test]
async fn proves_from_tiles_and_without_them_from_the_segments_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(777).await;
    proves(dir.path());
    drop(world);
    proves(dir.path());
    let tree = dir.path().join("tree");
    fs::remove_dir_all(tree.join("tile")).unwrap();
    proves(dir.path());
    fs::remove_file(tree.join("synced")).unwrap();
    proves(dir.path());
    assert!(!tree.join("tile").exists());
    fs::remove_file(tree.join("checkpoint")).unwrap();
    assert!(matches!(
        Offline::open(dir.path()),
        Err(Error::NoCheckpoint { .. })
    ));
}

#[tokio::test]
async fn an_older_checkpoint_is_proved_after_the_log_has_grown() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(300).await;
    let note = world.tree.checkpoint();
    world.grow(400).await;
    let audited = Offline::under(dir.path(), &note).unwrap();
    assert_eq!(audited.size(), 300);
    audited.inclusion(299, 300).unwrap();
    let old = opened(&world.tree, &note);
    let now = Offline::open(dir.path()).unwrap();
    let proof = now.consistency(300, 700).unwrap();
    tree::verify_consistency(300, 700, old.root(), now.checkpoint().root(), &proof).unwrap();
}

#[tokio::test]
async fn the_full_check_goes_through_all_records_and_tells_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(5000).await;
    world.log.erase(2).unwrap();
    let audited = Offline::open(dir.path()).unwrap();
    world.append(5).await;
    let mut told = Vec::new();
    let checked = audited.check(|done, all| told.push((done, all))).unwrap();
    assert!(checked.holds(), "{checked:?}");
    assert_eq!((checked.size, checked.records), (5000, 5005));
    assert!(checked.erased > 10);
    assert_eq!(checked.from_tiles, 0);
    assert!(told.len() >= 2 && told.is_sorted());
    let (done, all) = told.last().unwrap();
    assert_eq!(done, all);
}

#[tokio::test]
async fn the_full_check_names_damage_and_whether_the_tree_holds_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(600).await;
    drop(world);
    let position = Scan::open(&dir.path().join("segments"))
        .unwrap()
        .nth(49)
        .unwrap()
        .unwrap()
        .0;
    let segment = dir.path().join("segments/0000000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[position.offset as usize + 69] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let audited = Offline::open(dir.path()).unwrap();
    let checked = audited.check(|_, _| {}).unwrap();
    assert!(!checked.holds());
    assert_eq!(checked.computed, Some(checked.signed));
    assert_eq!((checked.from_tiles, checked.missing), (1, None));
    assert_eq!(checked.damages.len(), 1);
    assert_eq!(checked.damages[0].ordinal, Some(50));
    assert_eq!(checked.damages[0].kind, DamageKind::Payload);
    fs::remove_file(dir.path().join("tree/tile/entries/000")).unwrap();
    let checked = audited.check(|_, _| {}).unwrap();
    assert!(!checked.holds());
    assert_eq!((checked.computed, checked.missing), (None, Some(50)));
}

#[tokio::test]
async fn the_full_check_finds_a_log_that_is_not_the_one_that_was_signed() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(600).await;
    drop(world);
    let other = tempfile::tempdir().unwrap();
    let log = Log::open(&other.path().join("segments"), small_segments()).unwrap();
    for _ in 0..550 {
        log.append(record(5)).await.unwrap();
    }
    drop(log);
    copy_tree(&dir.path().join("tree"), &other.path().join("tree"));
    // The tiles are there, and so is what they prove; but the log has something else.
    let audited = Offline::open(other.path()).unwrap();
    let checked = audited.check(|_, _| {}).unwrap();
    assert_eq!((checked.computed, checked.records), (None, 550));
    assert!(!checked.holds());
    let log = Log::open(&other.path().join("segments"), small_segments()).unwrap();
    for _ in 0..60 {
        log.append(record(5)).await.unwrap();
    }
    let checked = audited.check(|_, _| {}).unwrap();
    assert!(!checked.holds());
    assert_eq!(
        checked.computed,
        Some(naive_root(&digests(other.path())[..600]))
    );
    for gone in ["tile", "synced"] {
        let path = other.path().join("tree").join(gone);
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    }
    assert!(matches!(
        Offline::open(other.path()),
        Err(Error::Fork {
            size: 600,
            computed: Some(_),
            ..
        })
    ));
}
