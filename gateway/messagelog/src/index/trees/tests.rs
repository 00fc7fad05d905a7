//! The file of the index: keys, and what is taken out of it.

#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use gateway_proto::id::{ClientId, MemberId};
use gateway_store::tree::Store;

use super::{
    BY_BODY, BY_ORDINAL, Indexed, KEYS_OF_TREES, Keys, Kind, Mark, PURGED, Position, STAMPS,
    Stretch, Timestamp, Tree, UNREAD, by_client, by_time, decode_position, decode_stamp,
    encode_position, encode_stamp, purge, sweep, text_prefix, time_prefix, write,
};

#[test]
fn a_place_comes_back_as_it_went() {
    let position = Position {
        ordinal: 5,
        segment: u64::MAX,
        offset: 68,
    };
    assert_eq!(decode_position(&encode_position(&position)), Some(position));
    assert_eq!(decode_position(&[0; 23]), None);
    let stamp = encode_stamp(3, &position);
    assert_eq!(decode_stamp(&stamp), Some((3, position)));
}

#[test]
fn no_text_is_the_beginning_of_another_text_s_key() {
    let mut key = text_prefix("ab");
    key.extend_from_slice(&7_u64.to_be_bytes());
    assert!(key.starts_with(&text_prefix("ab")));
    assert!(!key.starts_with(&text_prefix("a")));
    assert!(!key.starts_with(&text_prefix("")));
}

#[test]
fn times_sort_as_they_pass() {
    let times = [-9_000_000_000, -1, 0, 1, 9_000_000_000];
    let keys = times.map(|second| time_prefix(Timestamp::from_second(second).unwrap()));
    assert!(keys.is_sorted());
}

fn client() -> ClientId {
    ClientId::new(MemberId::new("AZ", "GOV", "1001").unwrap(), Some("portal")).unwrap()
}

fn position(ordinal: u64, segment: u64) -> Position {
    Position {
        ordinal,
        segment,
        offset: ordinal * 100,
    }
}

fn message(ordinal: u64, segment: u64) -> Indexed {
    let keys = Keys {
        kind: Kind::Message,
        time: Timestamp::from_second(i64::try_from(ordinal).unwrap()).unwrap(),
        message_id: Some(format!("id-{ordinal}")),
        request_id: Some("same".to_owned()),
        client: Some(client()),
        service: None,
        bodies: vec![format!("{ordinal:032x}")],
    };
    (position(ordinal, segment), Some(keys))
}

fn stamp(ordinal: u64, segment: u64, covers: (u64, u64)) -> Indexed {
    let (position, keys) = message(ordinal, segment);
    let keys = Keys {
        kind: Kind::Stamp {
            first: covers.0,
            last: covers.1,
        },
        message_id: None,
        request_id: None,
        client: None,
        bodies: Vec::new(),
        ..keys.unwrap()
    };
    (position, Some(keys))
}

fn written(dir: &std::path::Path, entries: &[Indexed]) -> Store {
    let store = Store::open(&dir.join("index.redb")).unwrap();
    let mark = Mark {
        position: entries.last().unwrap().0,
        digest: [7; 32],
    };
    write(&store, entries, &mark).unwrap();
    store
}

/// Everything that names entries.
fn shown(store: &Store) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let trees = KEYS_OF_TREES.iter().map(|(tree, _)| *tree);
    let trees = trees.chain([BY_ORDINAL, BY_BODY, STAMPS, UNREAD, PURGED]);
    let pairs = |tree: Tree| {
        let read = store.read(|tx| tx.iter(tree)?.collect::<Result<Vec<_>, _>>());
        let pairs = read.unwrap().into_iter();
        pairs.map(move |(key, value)| (tree.name(), key, value))
    };
    trees.flat_map(pairs).collect()
}

#[test]
fn nothing_of_an_erased_segment_stays_whether_it_is_purged_or_swept() {
    let erased = [
        message(3, 2),
        stamp(4, 2, (1, 3)),
        (position(5, 2), None),
        message(6, 2),
    ];
    let left = [
        message(1, 1),
        message(2, 1),
        message(7, 3),
        stamp(8, 3, (6, 7)),
        (position(9, 3), None),
    ];
    let mut all: Vec<_> = erased.iter().chain(&left).cloned().collect();
    all.sort_by_key(|(position, _)| position.ordinal);
    let stretch = Stretch {
        segment: 2,
        first: 3,
        last: 6,
    };

    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let purged = written(dirs[0].path(), &all);
    purge(&purged, stretch, &erased).unwrap();
    let swept = written(dirs[1].path(), &all);
    sweep(&swept, &[stretch], || false).unwrap();
    let never = written(dirs[2].path(), &left);
    never
        .write(|tx| tx.put(PURGED, 2_u64.to_be_bytes(), []))
        .unwrap();
    assert_eq!(shown(&purged), shown(&never));
    assert_eq!(shown(&swept), shown(&never));
    // Once is enough.
    sweep(&swept, &[stretch], || false).unwrap();
    assert_eq!(shown(&swept), shown(&never));
}

#[test]
fn a_sweep_goes_through_more_keys_than_it_looks_at_at_once() {
    let last = u64::try_from(super::SWEEP_KEYS).unwrap() * 2 + 5;
    let entries: Vec<_> = (1..=last)
        .map(|ordinal| message(ordinal, ordinal % 2))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let store = written(dir.path(), &entries);
    let stretch = Stretch {
        segment: 0,
        first: 2,
        last,
    };
    sweep(&store, &[stretch], || false).unwrap();
    let shown = shown(&store);
    // The first entry in each tree that has it, and the note.
    assert_eq!(shown.len(), 7, "{shown:?}");
}

#[test]
fn too_many_places_are_none() {
    let entries: Vec<_> = (1..=5).map(|ordinal| message(ordinal, 1)).collect();
    let dir = tempfile::tempdir().unwrap();
    let store = written(dir.path(), &entries);
    let second = |second| Some(Timestamp::from_second(second).unwrap());
    store
        .read(|tx| {
            assert_eq!(by_client(tx, &client(), 5)?.unwrap().len(), 5);
            assert_eq!(by_client(tx, &client(), 4)?, None);
            assert_eq!(by_time(tx, second(2), second(3), 2)?.unwrap().len(), 2);
            assert_eq!(by_time(tx, second(2), None, 3)?, None);
            assert_eq!(by_time(tx, second(3), second(2), 3)?, Some(Vec::new()));
            Ok(())
        })
        .unwrap();
}
