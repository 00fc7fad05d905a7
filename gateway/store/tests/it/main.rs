//! The public face: what goes in comes back, whatever happens between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bytes::Bytes;
use gateway_store::Error;
use gateway_store::segment::{Log, Options, Scan};
use gateway_store::tree::{Store, Tree};
use proptest::prelude::{ProptestConfig, Strategy, any};
use proptest::{collection, prop_oneof, proptest};

/// What happens to a log.
#[derive(Clone, Debug)]
enum Event {
    /// So many records of these lengths at once.
    Append(Vec<usize>),
    /// The process ends in order, and another opens the log.
    Reopen,
    /// The power fails while a commit is on its way: so many bytes of it reached the disk.
    PowerCut(usize),
    /// The open segment is closed.
    Rotate,
    /// The payloads of one of the closed segments are erased.
    Erase(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => collection::vec(0..3000_usize, 1..9).prop_map(Event::Append),
        1 => any::<()>().prop_map(|()| Event::Reopen),
        1 => (1..3000_usize).prop_map(Event::PowerCut),
        1 => any::<()>().prop_map(|()| Event::Rotate),
        1 => any::<usize>().prop_map(Event::Erase),
    ]
}

fn payload(number: usize, length: usize) -> Bytes {
    (0..length)
        .map(|index| ((index * 31 + number * 17) % 256) as u8)
        .collect()
}

/// Adds the beginning of a commit to the last segment, as a power cut leaves it.
fn cut_power(dir: &Path, bytes: usize) {
    let mut segments: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    segments.sort();
    let path = segments.last().unwrap();
    let mut content = fs::read(path).unwrap();
    // Like a record of ours up to some byte: the marker and then something.
    let torn: Vec<u8> = b"KREC"
        .iter()
        .copied()
        .chain((0..bytes).map(|byte| byte as u8))
        .collect();
    content.extend(&torn[..bytes]);
    fs::write(path, content).unwrap();
    fs::remove_file(dir.join("durable")).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_acknowledged_record_comes_back_in_order_or_says_that_it_was_erased(
        events in collection::vec(event(), 1..12),
        segment_bytes_max in 100..20_000_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let open =
            || Log::open(dir.path(), Options { segment_bytes_max, ..Options::default() }).unwrap();
        let mut log = open();
        let mut expected: BTreeMap<u64, Bytes> = BTreeMap::new();
        let mut erased: BTreeSet<u64> = BTreeSet::new();
        for event in events {
            match event {
                Event::Append(lengths) => runtime.block_on(async {
                    let mut tasks = tokio::task::JoinSet::new();
                    for length in lengths {
                        let (log, number) = (log.clone(), expected.len());
                        tasks.spawn(async move {
                            let bytes = payload(number, length);
                            (log.append(bytes.clone()).await.unwrap(), bytes)
                        });
                    }
                    while let Some(done) = tasks.join_next().await {
                        let (position, bytes) = done.unwrap();
                        assert_eq!(log.read(position).unwrap(), bytes);
                        assert_eq!(expected.insert(position.ordinal, bytes), None);
                    }
                }),
                Event::Reopen => {
                    drop(log);
                    log = open();
                }
                Event::PowerCut(bytes) => {
                    drop(log);
                    cut_power(dir.path(), bytes);
                    log = open();
                    assert_eq!(log.recovery().torn.as_ref().map(|torn| torn.bytes), Some(bytes as u64));
                }
                Event::Rotate => runtime.block_on(log.rotate()).unwrap(),
                Event::Erase(index) => {
                    let segments = log.segments().unwrap();
                    let info = segments[index % segments.len()];
                    match log.erase(info.number) {
                        Ok(_) => erased.extend(info.first_ordinal..=info.last_ordinal.unwrap()),
                        Err(Error::SegmentOpen { .. }) => assert!(info.is_open),
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            let mut ordinals = expected.keys();
            for item in Scan::open(dir.path()).unwrap() {
                let ordinal = *ordinals.next().unwrap();
                match item {
                    Ok((position, bytes)) => {
                        assert_eq!((position.ordinal, &bytes), (ordinal, &expected[&ordinal]));
                        assert!(!erased.contains(&ordinal));
                    }
                    Err(Error::Erased { position, .. }) => {
                        assert_eq!(position.ordinal, ordinal);
                        assert!(erased.contains(&ordinal));
                        assert!(matches!(log.read(position), Err(Error::Erased { .. })));
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(ordinals.next(), None);
            let seen: Vec<_> = log
                .segments()
                .unwrap()
                .iter()
                .flat_map(|info| info.first_ordinal..=info.last_ordinal.unwrap_or(0))
                .collect();
            assert!(seen.iter().eq(expected.keys()));
        }
    }

    #[test]
    fn a_tree_is_a_sorted_map(
        pairs in collection::vec((collection::vec(any::<u8>(), 0..5), any::<u8>(), any::<bool>()), 0..60),
        prefix in collection::vec(any::<u8>(), 0..2),
    ) {
        const TREE: Tree = Tree::new("tree");
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.redb")).unwrap();
        let mut expected = BTreeMap::new();
        store
            .write(|tx| {
                for (key, value, kept) in &pairs {
                    if *kept {
                        expected.insert(key.clone(), vec![*value]);
                        tx.put(TREE, key, [*value])?;
                    } else {
                        let removed = expected.remove(key).is_some();
                        assert_eq!(tx.delete(TREE, key)?, removed);
                    }
                }
                Ok(())
            })
            .unwrap();
        expected.retain(|key, _| key.starts_with(&prefix));
        let found: Result<Vec<_>, Error> =
            store.read(|tx| Ok(tx.prefix(TREE, &prefix)?.collect())).unwrap();
        assert_eq!(found.unwrap(), expected.into_iter().collect::<Vec<_>>());
    }
}
