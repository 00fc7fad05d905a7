//! The tree against a naive one, over restarts, crashes, damage, erasing and tampering.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

mod cosigned;
mod crash;
mod damage;
mod offline;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs_keys::Ed25519Key;
use gateway_store::segment::{self, Log, Position};
use gateway_tlog::checkpoint::{self, Checkpoint};
use gateway_tlog::note::{Kind, Signer};
use gateway_tlog::tile::{self, Tile};
use gateway_tlog::{Hash, tree};
use proptest::prelude::{ProptestConfig, any};
use proptest::proptest;

use super::edge::{Edge, place};
use super::synced::Synced;
use super::{Error, Feed, Options, Tree};
use crate::protection::sha256;

/// A log with its tree.
struct World {
    // In the order in which a log ends.
    log: Log,
    tree: Tree,
}

impl World {
    async fn append(&self, count: u64) {
        // Some at once, so that there are batches, and segments end between them.
        let mut left = count;
        while left > 0 {
            let some = left.min(100);
            self.append_at_once(some).await;
            left -= some;
        }
    }

    async fn append_at_once(&self, count: u64) {
        let mut waiting = tokio::task::JoinSet::new();
        let first = self.log.last_ordinal() + 1;
        for number in first..first + count {
            let log = self.log.clone();
            waiting.spawn(async move { log.append(record(number)).await.unwrap() });
        }
        waiting.join_all().await;
    }

    /// Appends and waits for the checkpoint over it.
    async fn grow(&self, count: u64) -> u64 {
        self.append(count).await;
        self.settle().await
    }

    async fn settle(&self) -> u64 {
        let records = self.log.last_ordinal();
        self.tree.wait_for(records).await.unwrap();
        records
    }
}

/// Records differ by who was first only: their bytes are what the segments say.
fn record(number: u64) -> Bytes {
    format!("record {number} {}", "x".repeat((number % 5) as usize)).into()
}

fn signer(seed: u8) -> Arc<Signer> {
    let key = Ed25519Key::from_seed(&[seed; 32]).unwrap();
    Arc::new(Signer::new(Kind::Ed25519, "node.example/log", key).unwrap())
}

fn options() -> Options {
    Options {
        interval: Duration::from_millis(1),
        ..Options::new(signer(1))
    }
}

fn small_segments() -> segment::Options {
    segment::Options {
        segment_bytes_max: 20_000,
        linger_max: Duration::ZERO,
        ..segment::Options::default()
    }
}

fn try_open(dir: &Path, options: &Options) -> Result<World, Error> {
    let feed = Feed::default();
    let observer = feed.observer_beside(Box::new(|_| {}));
    let segments = dir.join("segments");
    let log = Log::open_observed(&segments, small_segments(), observer).unwrap();
    let tree = Tree::start(
        &dir.join("tree"),
        &segments,
        log.last_ordinal(),
        options,
        feed,
    )?;
    Ok(World { log, tree })
}

#[track_caller]
fn open(dir: &Path) -> World {
    try_open(dir, &options()).unwrap()
}

/// The digests of all records, read from the segments.
fn digests(dir: &Path) -> Vec<Hash> {
    segment::Scan::open(&dir.join("segments"))
        .unwrap()
        .digests()
        .map(|found| found.unwrap().digest)
        .collect()
}

/// RFC 6962, section 2.1, word by word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => tree::EMPTY_ROOT,
        [leaf] => tree::leaf_hash(leaf),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            tree::node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn opened(tree: &Tree, note: &[u8]) -> Checkpoint {
    let opened = checkpoint::open(note, tree.log()).unwrap();
    opened.checkpoint().clone()
}

/// The tree is that of the log, in all that it gives.
#[track_caller]
fn is_whole(world: &World, dir: &Path) {
    let leaves = digests(dir);
    let size = world.tree.size();
    assert_eq!(leaves.len() as u64, size);
    let root = naive_root(&leaves);
    let checkpoint = opened(&world.tree, &world.tree.checkpoint());
    assert_eq!((checkpoint.size(), *checkpoint.root()), (size, root));
    assert_eq!(world.tree.root(), root);
    let step = (size / 9).max(1) as usize;
    for index in (0..size).step_by(step) {
        for of in [index + 1, (index + size) / 2 + 1, size] {
            let of = of.min(size);
            let proof = world.tree.inclusion(index + 1, of).unwrap();
            let leaf = tree::leaf_hash(&leaves[index as usize]);
            let root = naive_root(&leaves[..of as usize]);
            tree::verify_inclusion(&leaf, index, of, &proof, &root).unwrap();
            let proof = world.tree.consistency(index, of).unwrap();
            let old = naive_root(&leaves[..index as usize]);
            tree::verify_consistency(index, of, &old, &root, &proof).unwrap();
        }
        assert_eq!(world.tree.leaf(index + 1).unwrap(), leaves[index as usize]);
    }
    for tile in tile::tiles_of(size) {
        let bytes = world.tree.file(&tile.path()).unwrap().unwrap();
        assert_eq!(bytes, tile_bytes(&leaves, &tile), "{}", tile.path());
        assert_eq!(fs::read(dir.join("tree").join(tile.path())).unwrap(), bytes);
    }
}

fn tile_bytes(leaves: &[Hash], tile: &Tile) -> Vec<u8> {
    let each = 256_usize.pow(tile.level().into());
    let first = tile.index() as usize * 256;
    let hashes: Vec<_> = (first..first + usize::from(tile.width()))
        .map(|index| naive_root(&leaves[index * each..(index + 1) * each]))
        .collect();
    tile::encode(&hashes)
}

/// All files of a folder below a prefix, in order.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

fn pushed(leaves: &[Hash]) -> Edge {
    let mut edge = Edge::default();
    for (digest, ordinal) in leaves.iter().zip(1..) {
        let position = Position {
            ordinal,
            segment: 1,
            offset: ordinal * 100,
        };
        edge.push(position, *digest);
    }
    edge
}

fn some_leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|index| sha256(&index.to_be_bytes()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_edge_has_the_root_of_the_naive_tree_and_comes_back_from_its_bytes(
        count in 0..1500_u64,
        note in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let leaves = some_leaves(count);
        let edge = pushed(&leaves);
        assert_eq!(edge.root(), naive_root(&leaves));
        let synced = Synced { note, edge };
        let bytes = synced.encode();
        assert_eq!(Synced::decode(&bytes).as_ref(), Some(&synced));
        for cut in 1..bytes.len().min(200) {
            assert_eq!(Synced::decode(&bytes[..bytes.len() - cut]), None);
        }
    }

    #[test]
    fn no_bytes_of_a_stranger_are_taken_for_an_edge_of_another_size(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        if let Some(edge) = Edge::decode(&bytes) {
            let mut again = Vec::new();
            edge.encode(&mut again);
            assert_eq!(again, bytes);
        }
        assert_eq!(Synced::decode(&bytes), None);
    }
}

#[test]
fn the_edge_carries_over_several_levels() {
    let mut leaves = some_leaves(65_536);
    let edge = pushed(&leaves);
    assert_eq!((edge.level(0), edge.level(1)), (&[][..], &[][..]));
    assert_eq!(edge.level(2), [naive_root(&leaves)]);
    assert_eq!(edge.root(), naive_root(&leaves));
    leaves.extend(some_leaves(300));
    let edge = pushed(&leaves);
    assert_eq!(edge.root(), naive_root(&leaves));
    let widths = [0, 1, 2].map(|level| edge.level(level).len());
    assert_eq!(widths, [44, 1, 1]);
    let synced = Synced {
        note: Vec::new(),
        edge,
    };
    assert_eq!(Synced::decode(&synced.encode()), Some(synced));
}

#[test]
fn a_place_is_the_tile_and_the_index_therein() {
    assert_eq!(place(0, 0), (0, 0));
    assert_eq!(place(255, 0), (0, 255));
    assert_eq!(place(256, 0), (1, 0));
    assert_eq!(place(256, 1), (0, 1));
    assert_eq!(place(256 * 256 + 5, 1), (1, 0));
    assert_eq!(place(u64::MAX, 7), (0, 255));
    assert_eq!(place(u64::MAX, 8), (0, 0));
}

#[tokio::test]
async fn an_empty_log_has_a_checkpoint_over_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    is_whole(&world, dir.path());
    assert_eq!(world.tree.root(), tree::EMPTY_ROOT);
    assert!(matches!(
        world.tree.inclusion(1, 0),
        Err(Error::OutsideTree { asked: 1, size: 0 })
    ));
    assert_eq!(world.tree.file("tile/0/000.p/1").unwrap(), None);
}

#[tokio::test]
async fn every_entry_is_in_the_tree_and_every_size_is_a_beginning_of_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    for count in [1, 1, 5, 248, 1, 1, 300, 1000] {
        world.grow(count).await;
        is_whole(&world, dir.path());
    }
    for (ordinal, size) in [(0, 5), (6, 5), (1, 5000), (5000, 5000)] {
        assert!(
            matches!(
                world.tree.inclusion(ordinal, size),
                Err(Error::OutsideTree { .. })
            ),
            "{ordinal} {size}"
        );
    }
    for (old, new) in [(6, 5), (1, 5000)] {
        assert!(world.tree.consistency(old, new).is_err(), "{old} {new}");
    }
    let proof = world.tree.prove(7).unwrap();
    let verified = proof
        .verify(
            &tree::leaf_hash(&world.tree.leaf(7).unwrap()),
            world.tree.log(),
            &[],
            0,
        )
        .unwrap();
    assert_eq!(verified.index(), 6);
}

#[tokio::test]
async fn the_folder_holds_the_files_of_the_layout_and_no_partial_ones_beside_full_ones() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    for count in [3, 200, 400] {
        world.grow(count).await;
    }
    let tree = dir.path().join("tree");
    let names: Vec<_> = files_below(&tree.join("tile"))
        .into_iter()
        .map(|path| path.strip_prefix(&tree).unwrap().display().to_string())
        .collect();
    for full in [
        "tile/0/000",
        "tile/0/001",
        "tile/entries/000",
        "tile/entries/001",
    ] {
        assert!(names.contains(&full.to_owned()), "{names:?}");
        let partial = format!("{full}.p/");
        assert!(
            !names.iter().any(|name| name.starts_with(&partial)),
            "{names:?}"
        );
    }
    for partial in ["tile/0/002.p/91", "tile/entries/002.p/91", "tile/1/000.p/2"] {
        assert!(names.contains(&partial.to_owned()), "{names:?}");
    }
    let leaves = digests(dir.path());
    let entries = tile::encode_entries(&leaves[512..603]).unwrap();
    let path = "tile/entries/002.p/91";
    assert_eq!(fs::read(tree.join(path)).unwrap(), entries);
    assert_eq!(world.tree.file(path).unwrap().unwrap(), entries);
    // A beginning of it is served as well: somebody has an older checkpoint.
    let earlier = tile::encode_entries(&leaves[512..515]).unwrap();
    assert_eq!(
        world.tree.file("tile/entries/002.p/3").unwrap().unwrap(),
        earlier
    );
    assert_eq!(
        world.tree.file("checkpoint").unwrap().unwrap(),
        world.tree.checkpoint()
    );
    for path in [
        "tile/0/003",
        "tile/0/002",
        "tile/0/002.p/92",
        "tile/2/000.p/1",
        "synced",
        "../segments/0000000001.seg",
        "tile/0/2.p/5",
        "",
    ] {
        assert_eq!(world.tree.file(path).unwrap(), None, "{path}");
    }
}

#[tokio::test]
async fn a_restart_keeps_the_checkpoint_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(700).await;
    let before = world.tree.checkpoint();
    drop(world);
    for _ in 0..3 {
        let world = open(dir.path());
        assert_eq!(world.tree.checkpoint(), before);
        is_whole(&world, dir.path());
    }
    let world = open(dir.path());
    world.grow(1).await;
    is_whole(&world, dir.path());
    let old = opened(&world.tree, &before);
    let proof = world.tree.consistency(old.size(), 701).unwrap();
    tree::verify_consistency(700, 701, old.root(), &world.tree.root(), &proof).unwrap();
}

#[tokio::test]
async fn a_restart_reads_only_what_came_after_the_state_it_goes_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(1000).await;
    assert!(world.log.segments().unwrap().len() > 3);
    drop(world);
    // Were it read, the tree would lack the records in it: only its header is left.
    let first = dir.path().join("segments/0000000001.seg");
    let first = fs::File::options().write(true).open(first).unwrap();
    first.set_len(68).unwrap();
    let world = open(dir.path());
    assert_eq!(world.tree.size(), 1000);
    world.grow(10).await;
    assert_eq!(world.tree.size(), 1010);
}

#[tokio::test]
async fn a_log_that_had_no_tree_gets_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(&dir.path().join("segments"), small_segments()).unwrap();
    for number in 1..=600 {
        log.append_detached(record(number), |result| {
            result.unwrap();
        })
        .unwrap();
    }
    drop(log);
    let world = open(dir.path());
    assert_eq!(world.tree.size(), 600);
    is_whole(&world, dir.path());
}

#[tokio::test]
async fn what_the_queue_had_no_room_for_is_read_from_the_segments() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody takes anything while the log fills.
    let feed = Feed::default();
    let observer = feed.observer_beside(Box::new(|_| {}));
    let segments = dir.path().join("segments");
    let log = Log::open_observed(&segments, small_segments(), observer).unwrap();
    let count = 3000;
    for number in 1..=count {
        while log.append_detached(record(number), |_| {}).is_err() {
            tokio::task::yield_now().await;
        }
    }
    while log.last_ordinal() < count {
        tokio::task::yield_now().await;
    }
    feed.inbox.forget_some();
    let tree = Tree::start(&dir.path().join("tree"), &segments, 0, &options(), feed).unwrap();
    let world = World { log, tree };
    world.settle().await;
    is_whole(&world, dir.path());
    assert!(world.tree.failure().is_none());
}

#[tokio::test]
async fn a_tree_that_cannot_be_written_says_so_and_grows_when_it_can_again() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(300).await;
    let temporary = dir.path().join("tree/tmp");
    fs::remove_dir(&temporary).unwrap();
    fs::write(&temporary, "in the way").unwrap();
    world.append(500).await;
    while world.tree.failure().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(world.tree.failure(), Some(Error::Io { .. })));
    assert_eq!(world.tree.size(), 300);
    // Exchanges go on meanwhile, and proofs of before are given.
    world.tree.inclusion(5, 300).unwrap();
    world.append(10).await;
    fs::remove_file(&temporary).unwrap();
    fs::create_dir(&temporary).unwrap();
    assert_eq!(world.settle().await, 810);
    is_whole(&world, dir.path());
    while world.tree.failure().is_some() {
        tokio::task::yield_now().await;
    }
}
