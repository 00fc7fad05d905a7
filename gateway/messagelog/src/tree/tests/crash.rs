//! The tree never contradicts what it signed, wherever the process or the power fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_store::segment::Log;
use gateway_tlog::{Hash, checkpoint, tree};
use proptest::prelude::{Just, ProptestConfig, Strategy, any};
use proptest::{collection, prop_oneof, proptest};

use super::super::Tree;
use super::super::begin::begin;
use super::super::files::Files;
use super::super::grow::{Growing, Inbox};
use super::{
    World, copy_tree, digests, files_below, is_whole, naive_root, open, opened, record, signer,
    small_segments,
};

/// What happens to a node.
#[derive(Clone, Debug)]
enum Event {
    /// So many entries, and their checkpoint.
    Grow(u64),
    /// So many entries; nobody waits.
    Append(u64),
    /// An orderly restart.
    Restart,
    /// The process dies, as it is.
    Kill,
    /// The power fails: what was not synced is lost or torn.
    PowerCut(Vec<Loss>),
}

/// What became of one file of the tree that was not synced.
#[derive(Clone, Debug)]
enum Loss {
    /// It was never there.
    Gone(usize),
    /// It is there, and empty.
    Empty(usize),
    /// It is there, and zeros.
    Zeros(usize),
    /// It is there up to some part.
    Cut(usize, u8),
    /// It is the one of before: a rename did not reach the disk.
    Older(Which),
}

#[derive(Clone, Copy, Debug)]
enum Which {
    Checkpoint,
    Synced,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1..300_u64).prop_map(Event::Grow),
        3 => (1..300_u64).prop_map(Event::Append),
        1 => Just(Event::Restart),
        1 => Just(Event::Kill),
        3 => collection::vec(loss(), 0..12).prop_map(Event::PowerCut),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        any::<usize>().prop_map(Loss::Gone),
        any::<usize>().prop_map(Loss::Empty),
        any::<usize>().prop_map(Loss::Zeros),
        (any::<usize>(), any::<u8>()).prop_map(|(file, part)| Loss::Cut(file, part)),
        Just(Loss::Older(Which::Checkpoint)),
        Just(Loss::Older(Which::Synced)),
    ]
}

/// Does to the folder of a tree what a power cut may do.
fn lose(dir: &Path, losses: &[Loss], older: &Older) {
    let tree = dir.join("tree");
    for loss in losses {
        let files = files_below(&tree);
        let file = |index: usize| -> Option<PathBuf> {
            let count = files.len().max(1);
            files.get(index % count).cloned()
        };
        match loss {
            Loss::Gone(index) => file(*index)
                .map(|path| fs::remove_file(path).unwrap())
                .unwrap_or_default(),
            Loss::Empty(index) => file(*index)
                .map(|path| fs::write(path, []).unwrap())
                .unwrap_or_default(),
            Loss::Zeros(index) => file(*index)
                .map(|path| {
                    let length = fs::metadata(&path).unwrap().len() as usize;
                    fs::write(path, vec![0; length]).unwrap();
                })
                .unwrap_or_default(),
            Loss::Cut(index, part) => file(*index)
                .map(|path| {
                    let bytes = fs::read(&path).unwrap();
                    let kept = bytes.len() * usize::from(*part) / 256;
                    fs::write(path, &bytes[..kept]).unwrap();
                })
                .unwrap_or_default(),
            Loss::Older(Which::Checkpoint) => older.put("checkpoint", &older.checkpoint, &tree),
            Loss::Older(Which::Synced) => older.put("synced", &older.synced, &tree),
        }
    }
}

/// Files as they were some time ago.
#[derive(Default)]
struct Older {
    checkpoint: Option<Vec<u8>>,
    synced: Option<Vec<u8>>,
}

impl Older {
    fn put(&self, name: &str, bytes: &Option<Vec<u8>>, tree: &Path) {
        if let Some(bytes) = bytes {
            fs::write(tree.join(name), bytes).unwrap();
        }
    }

    fn remember(&mut self, dir: &Path) {
        self.checkpoint = fs::read(dir.join("tree/checkpoint")).ok();
        self.synced = fs::read(dir.join("tree/synced")).ok();
    }
}

/// Everything that was signed and seen is a beginning of what is signed now.
#[track_caller]
fn extends(tree: &Tree, seen: &[(u64, Hash)]) {
    let now = opened(tree, &tree.checkpoint());
    for (size, root) in seen {
        assert!(*size <= now.size(), "{size} was signed");
        let proof = tree.consistency(*size, now.size()).unwrap();
        tree::verify_consistency(*size, now.size(), root, now.root(), &proof).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_never_forks(events in collection::vec(event(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let mut dir = tempfile::tempdir().unwrap();
        let mut world: World = open(dir.path());
        let mut seen = Vec::new();
        let mut older = Older::default();
        for event in events {
            let note = opened(&world.tree, &world.tree.checkpoint());
            seen.push((note.size(), *note.root()));
            match event {
                Event::Grow(count) => {
                    older.remember(dir.path());
                    runtime.block_on(world.grow(count));
                }
                Event::Append(count) => {
                    runtime.block_on(world.append(count));
                }
                Event::Restart => {
                    drop(world);
                    world = open(dir.path());
                }
                Event::Kill | Event::PowerCut(_) => {
                    // What was durable of the log, and whatever the tree was about to do.
                    let image = tempfile::tempdir().unwrap();
                    let tree_first = seen.len() % 2 == 0;
                    if tree_first {
                        copy_moving(&dir.path().join("tree"), &image.path().join("tree"));
                    }
                    copy_tree(&dir.path().join("segments"), &image.path().join("segments"));
                    if !tree_first {
                        // The tree is quiet: it has no more than the copied segments hold.
                        copy_moving(&dir.path().join("tree"), &image.path().join("tree"));
                    }
                    drop(world);
                    dir = image;
                    if let Event::PowerCut(losses) = &event {
                        lose(dir.path(), losses, &older);
                    }
                    world = open(dir.path());
                }
            }
            extends(&world.tree, &seen);
        }
        runtime.block_on(world.settle());
        is_whole(&world, dir.path());
        extends(&world.tree, &seen);
    }
}

/// Copies a folder in which files come and go.
fn copy_moving(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let Ok(entries) = fs::read_dir(from) else {
        return;
    };
    for entry in entries {
        let Ok(entry) = entry else {
            continue;
        };
        let target = to.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy_moving(&entry.path(), &target),
            // Gone meanwhile.
            Ok(_) | Err(_) => drop(fs::copy(entry.path(), target)),
        }
    }
}

#[tokio::test]
async fn what_nobody_was_told_to_be_durable_is_not_in_the_tree() {
    let dir = tempfile::tempdir().unwrap();
    let segments = dir.path().join("segments");
    let log = Log::open(&segments, small_segments()).unwrap();
    for number in 1..=8 {
        log.append(record(number)).await.unwrap();
    }
    // No writer lives: whatever stands in the file is read, also what a failing disk kept of a
    // commit that was refused.
    drop(log);
    let files = Files::open(&dir.path().join("tree")).unwrap();
    let known = checkpoint::Log::of_key(signer(1).verifier().clone()).unwrap();
    let begun = begin(&files, &segments, 3, &known).unwrap();
    assert_eq!(begun.edge.size(), 3);
    let inbox = Arc::new(Inbox::default());
    let interval = Duration::from_millis(1);
    let mut growing = Growing::new(&files, &segments, &signer(1), interval, &inbox, begun).unwrap();
    growing.round(Vec::new(), 5, true).unwrap();
    let published = growing.shared().published.borrow().clone();
    assert_eq!(published.edge.size(), 5);
    assert_eq!(published.root, naive_root(&digests(dir.path())[..5]));
}
