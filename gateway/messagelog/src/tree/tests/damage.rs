//! Files of the tree that are damaged, and logs that are not what was signed.

use std::fs;
use std::path::Path;

use gateway_store::segment::{self, Log, Scan};

use super::super::{Error, Options};
use super::{
    World, copy_tree, digests, files_below, is_whole, naive_root, open, options, record, signer,
    small_segments, try_open,
};

fn segments(dir: &Path) -> std::path::PathBuf {
    dir.join("segments")
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

/// Refused as a fork, and nothing that was signed is touched.
#[track_caller]
fn forks(dir: &Path) -> (u64, Option<[u8; 32]>, u64) {
    let before = fs::read(dir.join("tree/checkpoint")).ok();
    let synced = fs::read(dir.join("tree/synced")).ok();
    let error = match try_open(dir, &options()) {
        Ok(world) => panic!("{world:?} was opened"),
        Err(error) => error,
    };
    assert_eq!(fs::read(dir.join("tree/checkpoint")).ok(), before);
    assert_eq!(fs::read(dir.join("tree/synced")).ok(), synced);
    match error {
        Error::Fork {
            size,
            computed,
            records,
            ..
        } => (size, computed, records),
        error => panic!("{error}"),
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tree.fmt(f)
    }
}

#[tokio::test]
async fn any_damaged_or_missing_tile_is_made_anew_and_put_right() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(1100).await;
    let whole = naive_root(&digests(dir.path()));
    assert_eq!(world.tree.root(), whole);
    let tiles = dir.path().join("tree/tile");
    let full: Vec<_> = files_below(&tiles)
        .into_iter()
        .filter(|path| !path.to_string_lossy().contains(".p/"))
        .collect();
    assert_eq!(full.len(), 8);
    for path in &full {
        let right = fs::read(path).unwrap();
        for damage in 0..4 {
            match damage {
                0 => fs::remove_file(path).unwrap(),
                1 => fs::write(path, []).unwrap(),
                2 => flip(path, right.len() / 2),
                _ => fs::write(path, &right[..right.len() - 32]).unwrap(),
            }
            is_whole(&world, dir.path());
            let name = path.strip_prefix(dir.path().join("tree")).unwrap();
            let served = world.tree.file(name.to_str().unwrap()).unwrap();
            assert_eq!(served.unwrap(), right);
            assert_eq!(fs::read(path).unwrap(), right);
        }
    }
    // All at once: from the segments alone.
    for path in &full {
        flip(path, 40);
    }
    is_whole(&world, dir.path());
    fs::remove_dir_all(&tiles).unwrap();
    world.tree.inclusion(1, 1100).unwrap();
}

#[tokio::test]
async fn a_damaged_tile_of_a_higher_level_is_made_from_those_below_or_from_the_segments() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    for _ in 0..33 {
        world.append_at_once(2000).await;
    }
    let size = world.settle().await;
    assert!(size > 65_536);
    let path = dir.path().join("tree/tile/1/000");
    let right = fs::read(&path).unwrap();
    flip(&path, 100);
    world.tree.inclusion(5, size).unwrap();
    assert_eq!(fs::read(&path).unwrap(), right);
    flip(&path, 100);
    fs::remove_dir_all(dir.path().join("tree/tile/0")).unwrap();
    world.tree.inclusion(5, size).unwrap();
    assert_eq!(fs::read(&path).unwrap(), right);
    world.tree.consistency(70, size).unwrap();
}

#[tokio::test]
async fn a_tile_whose_records_were_changed_cannot_be_made_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(700).await;
    // Another log's records in their place, all checksums right.
    let count = world.log.segments().unwrap()[0].last_ordinal.unwrap();
    assert!(count < 512);
    let other = tempfile::tempdir().unwrap();
    let log = Log::open(&segments(other.path()), segment::Options::default()).unwrap();
    for _ in 0..count {
        log.append(record(9)).await.unwrap();
    }
    let path = "segments/0000000001.seg";
    fs::copy(other.path().join(path), dir.path().join(path)).unwrap();
    // The tiles still prove what was signed …
    world.tree.inclusion(1, 700).unwrap();
    // … until they are gone.
    fs::remove_file(dir.path().join("tree/tile/0/000")).unwrap();
    fs::remove_file(dir.path().join("tree/tile/entries/000")).unwrap();
    match world.tree.inclusion(1, 700) {
        Err(Error::Changed { first, last }) => assert_eq!((first, last), (1, 256)),
        other => panic!("{other:?}"),
    }
    world.tree.inclusion(600, 700).unwrap();
}

#[tokio::test]
async fn a_log_that_lost_records_is_refused_as_a_fork() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(500).await;
    let backup = tempfile::tempdir().unwrap();
    copy_tree(&segments(dir.path()), backup.path());
    world.grow(200).await;
    drop(world);
    fs::remove_dir_all(segments(dir.path())).unwrap();
    copy_tree(backup.path(), &segments(dir.path()));
    assert_eq!(forks(dir.path()), (700, None, 500));
    // Also when it has grown again to more than was signed.
    let log = Log::open(&segments(dir.path()), small_segments()).unwrap();
    for _ in 0..300 {
        log.append(record(1)).await.unwrap();
    }
    drop(log);
    let (size, computed, records) = forks(dir.path());
    assert_eq!((size, records), (700, 800));
    assert_eq!(computed, Some(naive_root(&digests(dir.path())[..700])));
    // And with any part of what was signed missing.
    for missing in ["synced", "checkpoint"] {
        let kept = fs::read(dir.path().join("tree").join(missing)).unwrap();
        fs::remove_file(dir.path().join("tree").join(missing)).unwrap();
        assert_eq!(forks(dir.path()).0, 700, "{missing}");
        fs::write(dir.path().join("tree").join(missing), kept).unwrap();
    }
}

#[tokio::test]
async fn a_changed_record_behind_the_saved_state_is_refused_as_a_fork() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(300).await;
    drop(world);
    let early = fs::read(dir.path().join("tree/synced")).unwrap();
    let world = open(dir.path());
    let kept = tempfile::tempdir().unwrap();
    copy_tree(&segments(dir.path()), kept.path());
    world.grow(100).await;
    drop(world);
    // The power failed: the saved state is an older one, and somebody used that.
    fs::write(dir.path().join("tree/synced"), early).unwrap();
    let world = open(dir.path());
    is_whole(&world, dir.path());
    drop(world);
    fs::remove_dir_all(segments(dir.path())).unwrap();
    copy_tree(kept.path(), &segments(dir.path()));
    let log = Log::open(&segments(dir.path()), small_segments()).unwrap();
    for _ in 0..100 {
        log.append(record(3)).await.unwrap();
    }
    drop(log);
    let (size, computed, _) = forks(dir.path());
    assert_eq!(size, 400);
    assert!(computed.is_some());
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(5).await;
    drop(world);
    let before = fs::read(dir.path().join("tree/checkpoint")).unwrap();
    let other = Options {
        signer: signer(2),
        ..options()
    };
    for gone in [None, Some("synced")] {
        if let Some(gone) = gone {
            fs::remove_file(dir.path().join("tree").join(gone)).unwrap();
        }
        assert!(matches!(
            try_open(dir.path(), &other),
            Err(Error::OtherLog { .. })
        ));
        let found = fs::read(dir.path().join("tree/checkpoint")).unwrap();
        assert_eq!(found, before);
    }
    is_whole(&open(dir.path()), dir.path());
}

#[tokio::test]
async fn what_is_no_checkpoint_at_all_is_set_aside_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(300).await;
    drop(world);
    for bytes in [&b""[..], &[0; 100], b"half a checkp"] {
        for name in ["checkpoint", "synced"] {
            fs::write(dir.path().join("tree").join(name), bytes).unwrap();
            let world = open(dir.path());
            is_whole(&world, dir.path());
            drop(world);
            let kept: Vec<_> = files_below(&dir.path().join("tree"))
                .into_iter()
                .filter(|path| {
                    path.to_string_lossy()
                        .contains(&format!("{name}.unreadable-"))
                })
                .filter(|path| fs::read(path).unwrap() == bytes)
                .collect();
            assert_eq!(kept.len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn a_damaged_record_leaves_its_leaf_in_the_tree_as_long_as_a_tile_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(900).await;
    let damaged = Scan::open(&segments(dir.path()))
        .unwrap()
        .nth(99)
        .unwrap()
        .unwrap()
        .0;
    let root = world.tree.root();
    drop(world);
    let segment = segments(dir.path()).join(format!("{:010}.seg", damaged.segment));
    flip(&segment, damaged.offset as usize + 70);
    fs::remove_file(dir.path().join("tree/synced")).unwrap();
    let world = open(dir.path());
    assert_eq!(world.tree.root(), root);
    assert!(world.log.read(damaged).is_err());
    world.tree.inclusion(100, 900).unwrap();
    world.tree.inclusion(101, 900).unwrap();
    drop(world);

    let tile = dir.path().join("tree/tile/entries/000");
    let right = fs::read(&tile).unwrap();
    fs::remove_file(dir.path().join("tree/synced")).unwrap();
    fs::remove_file(&tile).unwrap();
    match try_open(dir.path(), &options()) {
        Err(Error::LeafMissing { ordinal, damage }) => {
            assert_eq!(ordinal, 100);
            assert_eq!(damage.unwrap().ordinal, Some(100));
        }
        other => panic!("{other:?}"),
    }
    // A leaf that somebody put there is found out.
    let mut wrong = right.clone();
    wrong[99 * 34 + 10] ^= 1;
    fs::write(&tile, wrong).unwrap();
    assert_eq!(forks(dir.path()).0, 900);
    fs::write(&tile, right).unwrap();
    assert_eq!(open(dir.path()).tree.root(), root);
}

#[tokio::test]
async fn erasing_keeps_every_proof() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(800).await;
    let root = world.tree.root();
    let proofs: Vec<_> = (1..=800)
        .map(|ordinal| world.tree.inclusion(ordinal, 800).unwrap())
        .collect();
    let infos = world.log.segments().unwrap();
    for info in infos.iter().filter(|info| !info.is_open) {
        world.log.erase(info.number).unwrap();
    }
    is_whole(&world, dir.path());
    world.grow(10).await;
    drop(world);
    // Made from the digests that are left.
    fs::remove_dir_all(dir.path().join("tree/tile")).unwrap();
    fs::remove_file(dir.path().join("tree/synced")).unwrap();
    let world = open(dir.path());
    is_whole(&world, dir.path());
    assert_eq!(world.tree.root_at(800).unwrap(), root);
    for (ordinal, proof) in (1..=800).zip(proofs) {
        assert_eq!(world.tree.inclusion(ordinal, 800).unwrap(), proof);
    }
    // The last record of the saved state is erased, too.
    world.log.rotate().await.unwrap();
    let infos = world.log.segments().unwrap();
    for info in infos.iter().filter(|info| !info.is_open) {
        world.log.erase(info.number).unwrap();
    }
    drop(world);
    let world = open(dir.path());
    world.grow(3).await;
    is_whole(&world, dir.path());
}

#[tokio::test]
async fn a_leaf_that_nothing_signed_vouches_for_is_not_taken_from_a_tile() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(300).await;
    drop(world);
    let older = tempfile::tempdir().unwrap();
    let signed = ["checkpoint", "synced"];
    for name in signed {
        fs::copy(dir.path().join("tree").join(name), older.path().join(name)).unwrap();
    }
    let world = open(dir.path());
    world.grow(700).await;
    drop(world);
    let damaged = Scan::open(&segments(dir.path()))
        .unwrap()
        .nth(399)
        .unwrap()
        .unwrap()
        .0;
    let segment = segments(dir.path()).join(format!("{:010}.seg", damaged.segment));
    flip(&segment, damaged.offset as usize + 70);
    // Under the checkpoint over it, the tile will do.
    drop(open(dir.path()));
    for name in signed {
        fs::copy(older.path().join(name), dir.path().join("tree").join(name)).unwrap();
    }
    assert!(dir.path().join("tree/tile/entries/001").exists());
    assert!(matches!(
        try_open(dir.path(), &options()),
        Err(Error::LeafMissing { ordinal: 400, .. })
    ));
}
