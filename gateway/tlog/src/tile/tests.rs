#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tree::{Frontier, HashReader, Node, Unproved, leaf_hash};

/// Every complete subtree of a tree.
struct Nodes(BTreeMap<(u8, u64), Hash>, Frontier);

impl Nodes {
    fn of(size: u64) -> Self {
        let mut nodes = Self(BTreeMap::new(), Frontier::new());
        for number in 0..size {
            let leaf = leaf_hash(&number.to_be_bytes());
            for Node { level, index, hash } in nodes.1.push(leaf) {
                nodes.0.insert((level, index), hash);
            }
        }
        nodes
    }
}

impl HashReader for Nodes {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}

#[track_caller]
fn check_path(tile: (u8, u64, u16), path: &str) {
    let (level, index, width) = tile;
    let tile = Tile::new(level, index, width).unwrap();
    assert_eq!(tile.path(), path);
    assert_eq!(Tile::from_path(path), Ok(tile));
    assert_eq!(Resource::from_path(path), Ok(Resource::Hashes(tile)));
}

#[test]
fn paths_of_tiles_are_those_of_the_specification() {
    check_path((0, 1_234_067, 256), "tile/0/x001/x234/067");
    check_path((0, 0, 256), "tile/0/000");
    check_path((1, 0, 1), "tile/1/000.p/1");
    check_path((0, 999, 255), "tile/0/999.p/255");
    check_path((2, 1000, 256), "tile/2/x001/000");
    check_path((63, 7, 9), "tile/63/007.p/9");
    let largest = "tile/0/x018/x446/x744/x073/x709/x551/615";
    check_path((0, u64::MAX, 256), largest);
}

#[test]
fn paths_of_bundles_and_of_the_checkpoint_come_back() {
    for (index, width, path) in [
        (0, 256, "tile/entries/000"),
        (1_234_067, 8, "tile/entries/x001/x234/067.p/8"),
    ] {
        let bundle = Bundle::new(index, width).unwrap();
        assert_eq!(bundle.path(), path);
        assert_eq!(Resource::from_path(path), Ok(Resource::Entries(bundle)));
        assert_eq!(Tile::from_path(path), Err(Error::Path));
    }
    assert_eq!(Resource::from_path("checkpoint"), Ok(Resource::Checkpoint));
    assert_eq!(Resource::Checkpoint.path(), "checkpoint");
    assert_eq!(Tile::from_path("checkpoint"), Err(Error::Path));
}

#[test]
fn refuses_every_other_spelling_of_a_path() {
    for path in [
        "",
        "/checkpoint",
        "checkpoint/",
        "Checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile//000",
        "tile/00/000",
        "tile/01/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/256/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/000/001",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/X001/234",
        "tile/0/xx01/234",
        "tile/0/x001//234",
        "tile/0/x001/234/",
        "tile/0/+01",
        "tile/0/ 01",
        "tile/0/٠٠١",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/000/1",
        "tile/0/../000",
        "tile/0/000\0",
        "tile/0/000\n",
        // One more than the largest index of 64 bits.
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    ] {
        assert_eq!(Resource::from_path(path), Err(Error::Path), "{path:?}");
        assert_eq!(Tile::from_path(path), Err(Error::Path), "{path:?}");
    }
}

#[test]
fn a_tile_holds_1_to_256_hashes() {
    for width in [0, 257, u16::MAX] {
        assert_eq!(Tile::new(0, 0, width), Err(Error::Width { width }));
        assert_eq!(Bundle::new(0, width), Err(Error::Width { width }));
        assert_eq!(decode_entries(&[], width), Err(Error::Width { width }));
    }
    assert_eq!(Tile::new(64, 0, 1), Err(Error::Level { level: 64 }));
    let tile = Tile::new(3, 5, 7).unwrap();
    assert!(tile.is_partial() && !tile.full().is_partial());
    assert_eq!((tile.full().width(), tile.full().index()), (256, 5));
    assert_eq!(tile.first_hash(), Some((24, 1280)));
}

/// How many full tiles each level has, and how wide the partial one is.
#[track_caller]
fn check_tiles(size: u64, expected: &[(usize, Option<u16>)]) {
    let tiles: Vec<_> = tiles_of(size).collect();
    let mut found = Vec::new();
    for level in 0..TREE_LEVELS {
        let level: Vec<_> = tiles.iter().filter(|tile| tile.level() == level).collect();
        let full = level.iter().filter(|tile| !tile.is_partial()).count();
        let partial = level.iter().find(|tile| tile.is_partial());
        assert!(level.len() - full <= 1);
        for (tile, index) in level.iter().zip(0_u64..) {
            assert_eq!(tile.index(), index);
            assert!(tile.is_in(size));
        }
        if !level.is_empty() {
            found.push((full, partial.map(|tile| tile.width())));
        }
    }
    assert_eq!(found, expected, "{size}");
}

#[test]
fn trees_have_the_tiles_that_the_specification_counts() {
    check_tiles(0, &[]);
    check_tiles(1, &[(0, Some(1))]);
    check_tiles(255, &[(0, Some(255))]);
    check_tiles(256, &[(1, None), (0, Some(1))]);
    check_tiles(257, &[(1, Some(1)), (0, Some(1))]);
    check_tiles(70_000, &[(273, Some(112)), (1, Some(17)), (0, Some(1))]);
    check_tiles(65_536, &[(256, None), (1, None), (0, Some(1))]);
}

#[test]
fn a_growing_tree_has_so_many_new_tiles() {
    let count = |old, new| tiles_between(old, new).count();
    assert_eq!(count(0, 0), 0);
    assert_eq!(count(7, 7), 0);
    assert_eq!(count(8, 7), 0);
    assert_eq!(count(7, 8), 1);
    assert_eq!(count(255, 256), 2);
    assert_eq!(count(256, 257), 1);
    assert_eq!(count(256, 512), 2);
    assert_eq!(count(65_535, 65_536), 3);
    // A size that no tree comes to is no reason to stop.
    assert_eq!(tiles_between(u64::MAX - 1, u64::MAX).count(), 1);
    let last = tiles_between(u64::MAX - 1, u64::MAX).next().unwrap();
    assert_eq!((last.index(), last.width()), (u64::MAX >> 8, 255));
}

#[test]
fn there_are_no_tiles_of_what_is_not_in_the_tree() {
    assert_eq!(Tile::of_tree(0, 0, 0), None);
    assert_eq!(Tile::of_tree(0, 1, 256), None);
    assert_eq!(Tile::of_tree(1, 0, 255), None);
    assert_eq!(Tile::of_tree(8, 0, u64::MAX), None);
    assert_eq!(Tile::of_tree(63, u64::MAX, u64::MAX), None);
    assert_eq!(Tile::of_hash(0, 256, 256), None);
    assert_eq!(Tile::of_hash(8, 1, 511), None);
    assert_eq!(Tile::of_hash(64, 0, u64::MAX), None);
    assert_eq!(Tile::of_hash(63, 1, u64::MAX), None);
    assert_eq!(Tile::of_hash(0, u64::MAX, u64::MAX), None);
    assert!(Tile::of_hash(63, 0, u64::MAX).is_some());
    assert!(!Tile::new(0, 0, 3).unwrap().is_in(2));
    assert!(!Bundle::new(1, 1).unwrap().is_in(256));
    assert!(Bundle::new(1, 1).unwrap().is_in(257));
    assert!(!Bundle::new(u64::MAX, 1).unwrap().is_in(u64::MAX));
}

#[test]
fn the_hashes_of_a_tile_are_as_many_as_it_is_wide() {
    let hashes = [leaf_hash(b"1"), leaf_hash(b"2")];
    let bytes = encode(&hashes);
    assert_eq!(bytes.len(), 64);
    let tile = |width| Tile::new(0, 0, width).unwrap();
    assert_eq!(tile(2).decode(&bytes), Ok(hashes.to_vec()));
    for (width, found) in [(1, 64), (3, 64), (2, 63), (2, 0), (256, 64)] {
        let refused = tile(width).decode(&bytes[..found]);
        assert_eq!(refused, Err(Error::Length { found }));
    }
}

#[test]
fn bundles_have_exactly_their_entries() {
    let entries: [&[u8]; 3] = [b"", b"ab", &[7; 65_535]];
    let bytes = encode_entries(&entries).unwrap();
    assert_eq!(bytes[..6], [0, 0, 0, 2, b'a', b'b']);
    assert_eq!(decode_entries(&bytes, 3), Ok(entries.to_vec()));
    for width in [1, 2, 4, 256] {
        assert_eq!(decode_entries(&bytes, width), Err(Error::Entries { width }));
    }
    let width = 3;
    for bad in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[]] {
        assert_eq!(decode_entries(bad, width), Err(Error::Entries { width }));
    }
    let refused = encode_entries(&[[0; 65_536]]);
    assert_eq!(refused, Err(Error::LongEntry { found: 65_536 }));
    let refused = encode_entries(&[[0; 1]; 257]);
    assert_eq!(refused, Err(Error::ManyEntries { found: 257 }));
    assert!(encode_entries(&[[0; 1]; 256]).is_ok());
}

/// All tiles of a tree, as their bytes.
fn written(nodes: &Nodes, size: u64) -> BTreeMap<Tile, Vec<u8>> {
    let tiles = tiles_of(size).map(|tile| (tile, tile.read(nodes).unwrap()));
    tiles.collect()
}

#[test]
fn tiles_of_three_levels_give_the_hashes_of_the_tree() {
    let size = 66_000;
    let nodes = Nodes::of(size);
    let tiles = written(&nodes, size);
    let fetch = |tile: &Tile| tiles.get(tile).ok_or("no such tile");
    let reader = TileHashes::new(size, fetch);
    assert_eq!(reader.size(), size);
    assert_eq!(tree::root(&reader, size), Ok(nodes.1.root()));
    for ((level, index), hash) in &nodes.0 {
        if level % 4 != 0 || index % 97 == 0 {
            assert_eq!(reader.hash(*level, *index), Ok(*hash), "{level} {index}");
        }
    }
    for index in [0, 255, 256, 65_535, 65_536, 65_999] {
        let proof = tree::inclusion_proof(&reader, index, size).unwrap();
        assert_eq!(
            Ok(&proof),
            tree::inclusion_proof(&nodes, index, size).as_ref()
        );
        let leaf = nodes.0[&(0, index)];
        let verified = tree::verify_inclusion(&leaf, index, size, &proof, &nodes.1.root());
        assert_eq!(verified, Ok(()));
    }
}

#[test]
fn a_reader_tells_which_tile_is_missing_or_damaged() {
    let nodes = Nodes::of(300);
    let tiles = written(&nodes, 300);
    let missing = Tile::new(0, 1, 44).unwrap();
    let reader = TileHashes::new(300, |tile: &Tile| match tiles.get(tile) {
        Some(bytes) if *tile != missing => Ok(bytes.clone()),
        Some(_) | None => Err("gone"),
    });
    let fetch = TileError::Fetch {
        tile: missing,
        error: "gone",
    };
    assert_eq!(tree::root(&reader, 300), Err(fetch));
    assert_eq!(fetch.to_string(), "tile/0/001.p/44 cannot be read");
    let refused = tree::inclusion_proof(&reader, 3, 300);
    assert_eq!(refused, Err(Unproved::Read(fetch)));
    let reader = TileHashes::new(300, |_: &Tile| Ok::<_, Infallible>([0; 33]));
    let malformed = TileError::Malformed {
        tile: Tile::new(0, 0, 256).unwrap(),
        error: Error::Length { found: 33 },
    };
    assert_eq!(reader.hash(3, 0), Err(malformed));
    let outside = TileError::OutsideTree {
        level: 0,
        index: 300,
        size: 300,
    };
    assert_eq!(reader.hash(0, 300), Err(outside));
}

#[test]
fn a_reader_fetches_a_tile_once() {
    let nodes = Nodes::of(70_000);
    let fetched = RefCellSet::default();
    let reader = TileHashes::new(70_000, |tile: &Tile| {
        assert!(fetched.0.borrow_mut().insert(*tile), "{}", tile.path());
        tile.read(&nodes)
    });
    tree::inclusion_proof(&reader, 12_345, 70_000).unwrap();
    tree::consistency_proof(&reader, 12_345, 70_000).unwrap();
    assert!(fetched.0.borrow().len() <= 6);
}

#[derive(Default)]
struct RefCellSet(std::cell::RefCell<BTreeSet<Tile>>);

proptest! {
    #[test]
    fn tiles_give_every_hash_of_the_tree(size in 1_u64..1200) {
        let nodes = Nodes::of(size);
        let tiles = written(&nodes, size);
        let reader = TileHashes::new(size, |tile: &Tile| tiles.get(tile).ok_or(()));
        for ((level, index), hash) in &nodes.0 {
            prop_assert_eq!(reader.hash(*level, *index), Ok(*hash));
        }
        prop_assert_eq!(tree::root(&reader, size), Ok(nodes.1.root()));
        prop_assert_eq!(Frontier::read(&reader, size), Ok(nodes.1));
    }

    #[test]
    fn what_changes_when_a_tree_grows_is_all_that_must_be_written(
        steps in vec(0_u64..700, 1..6),
    ) {
        let total: u64 = steps.iter().sum();
        let nodes = Nodes::of(total);
        let (mut size, mut files) = (0, BTreeMap::new());
        for step in steps {
            for tile in tiles_between(size, size + step) {
                let bytes = tile.read(&nodes).unwrap();
                // A wider tile replaces a narrower one, and begins with it.
                let key = (tile.level(), tile.index());
                let before: Vec<u8> = files.insert(key, bytes.clone()).unwrap_or_default();
                prop_assert!(bytes.len() > before.len() && bytes.starts_with(&before));
            }
            size += step;
        }
        let whole = written(&nodes, total);
        let whole = whole.into_iter().map(|(tile, bytes)| ((tile.level(), tile.index()), bytes));
        prop_assert_eq!(files, whole.collect());
    }

    #[test]
    fn a_path_comes_back(level in 0_u8..=63, index in any::<u64>(), bits in 0_u32..64, width in 1_u16..=256) {
        let index = index >> bits;
        let tile = Tile::new(level, index, width).unwrap();
        prop_assert_eq!(Tile::from_path(&tile.path()), Ok(tile));
        let bundle = Bundle::new(index, width).unwrap();
        prop_assert_eq!(Resource::from_path(&bundle.path()), Ok(Resource::Entries(bundle)));
    }

    #[test]
    fn what_is_taken_for_a_path_is_its_path(path in "tile/(0|1|12|entries)/(x?[0-9]{3}/?){1,4}(\\.p/[0-9]{1,3})?") {
        if let Ok(resource) = Resource::from_path(&path) {
            prop_assert_eq!(resource.path(), path);
        }
    }

    #[test]
    fn entries_come_back(entries in vec(vec(any::<u8>(), 0..50), 1..257)) {
        let bytes = encode_entries(&entries).unwrap();
        let width = u16::try_from(entries.len()).unwrap();
        prop_assert_eq!(decode_entries(&bytes, width), Ok(entries.iter().map(Vec::as_slice).collect()));
    }
}
