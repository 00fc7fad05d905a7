//! The trees: transactions, order, schema steps.

use super::{Options, ReadStore, Step, Store, Tree, WriteTx, prefix_end};
use crate::Error;

const NAMES: Tree = Tree::new("names");
const AGES: Tree = Tree::new("ages");

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.redb")).unwrap();
    (dir, store)
}

#[test]
fn keeps_what_was_written_over_a_reopening() {
    let (dir, store) = store();
    store
        .write(|tx| {
            tx.put(NAMES, "a", "Aysel")?;
            tx.put(AGES, "a", [31])
        })
        .unwrap();
    drop(store);
    let store = Store::open(&dir.path().join("state.redb")).unwrap();
    let found = store
        .read(|tx| Ok((tx.get(NAMES, "a")?, tx.get(AGES, "a")?)))
        .unwrap();
    assert_eq!(found, (Some(b"Aysel".to_vec()), Some(vec![31])));
}

#[test]
fn what_a_crash_left_opens_with_all_that_was_committed() {
    for repairs_quickly in [false, true] {
        let options = Options {
            repairs_quickly,
            ..Options::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.redb");
        let store = Store::open_with(&path, options).unwrap();
        for number in 0..50_u32 {
            store
                .write(|tx| tx.put(NAMES, number.to_be_bytes(), [7; 2000]))
                .unwrap();
        }
        // The file as it is while the database is open: what a killed process leaves.
        let left = folder.path().join("left.redb");
        std::fs::copy(&path, &left).unwrap();
        let opened = Store::open_with(&left, options).unwrap();
        let count = opened.read(|tx| Ok(tx.iter(NAMES)?.count())).unwrap();
        assert_eq!(count, 50);
        opened.write(|tx| tx.put(NAMES, b"next", b"")).unwrap();
    }
}

#[test]
fn undoes_every_tree_when_the_change_fails() {
    let (_dir, store) = store();
    let failed: Result<(), Error> = store.write(|tx| {
        tx.put(NAMES, "a", "x")?;
        tx.put(AGES, "a", "x")?;
        Err(Error::QueueFull)
    });
    assert!(matches!(failed, Err(Error::QueueFull)));
    store
        .read(|tx| {
            assert!(!tx.contains(NAMES, "a")?);
            assert!(!tx.contains(AGES, "a")?);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_reader_sees_one_state_while_a_writer_goes_on() {
    let (_dir, store) = store();
    store.write(|tx| tx.put(NAMES, "a", "old")).unwrap();
    store
        .read(|tx| {
            store.write(|other| other.put(NAMES, "a", "new"))?;
            assert_eq!(tx.get(NAMES, "a")?, Some(b"old".to_vec()));
            Ok(())
        })
        .unwrap();
    assert_eq!(
        store.read(|tx| tx.get(NAMES, "a")).unwrap(),
        Some(b"new".to_vec())
    );
}

#[test]
fn walks_a_prefix_in_order_from_both_ends_and_nothing_else() {
    let (_dir, store) = store();
    let keys: [&[u8]; 6] = [b"a/1", b"a/2", b"a", b"a\xff", b"b", b"a0"];
    store
        .write(|tx| tx.put_all(NAMES, keys.map(|key| (key, key))))
        .unwrap();
    store
        .read(|tx| {
            let found: Result<Vec<_>, _> = tx.prefix(NAMES, "a/")?.collect();
            let found: Vec<_> = found?.into_iter().map(|pair| pair.0).collect();
            assert_eq!(found, [b"a/1".to_vec(), b"a/2".to_vec()]);
            let last = tx
                .prefix(NAMES, "a")?
                .next_back()
                .transpose()?
                .map(|pair| pair.0);
            assert_eq!(last, Some(b"a\xff".to_vec()));
            assert_eq!(tx.iter(NAMES)?.count(), 6);
            assert_eq!(tx.range(NAMES, (&b"a0"[..])..)?.count(), 3);
            assert_eq!(tx.iter(AGES)?.count(), 0);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_prefix_of_highest_bytes_has_no_end() {
    assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
    assert_eq!(prefix_end(b"a\xff"), Some(b"b".to_vec()));
    assert_eq!(prefix_end(b"\xff\xff"), None);
    assert_eq!(prefix_end(b""), None);
}

#[test]
fn deletes_and_clears() {
    let (_dir, store) = store();
    store
        .write(|tx| {
            tx.put(NAMES, "a", "x")?;
            assert!(tx.delete(NAMES, "a")?);
            assert!(!tx.delete(NAMES, "a")?);
            tx.put(NAMES, "b", "y")?;
            assert_eq!(tx.prefix(NAMES, "")?.len(), 1);
            assert!(tx.clear(NAMES)?);
            Ok(())
        })
        .unwrap();
    assert_eq!(store.read(|tx| tx.get(NAMES, "b")).unwrap(), None);
}

/// Version 1: `name` → age as text. Version 2: the age as one byte, in its own tree.
fn to_version_1(tx: &WriteTx<'_>) -> Result<(), Error> {
    tx.put(NAMES, "Aysel", "31")
}

fn to_version_2(tx: &WriteTx<'_>) -> Result<(), Error> {
    for (name, age) in tx.prefix(NAMES, "")? {
        let age: u8 =
            String::from_utf8_lossy(&age)
                .parse()
                .map_err(|_| Error::StateNotUnderstood {
                    reason: "an age is no number",
                })?;
        tx.put(AGES, &name, [age])?;
        tx.put(NAMES, &name, "")?;
    }
    Ok(())
}

#[test]
fn takes_each_schema_step_once_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let open = |steps: &[Step]| {
        Store::open_with(
            &path,
            Options {
                steps,
                ..Options::default()
            },
        )
    };

    let store = open(&[to_version_1]).unwrap();
    store.write(|tx| tx.put(NAMES, "Murad", "7")).unwrap();
    drop(store);

    let store = open(&[to_version_1, to_version_2]).unwrap();
    assert_eq!(store.schema_version().unwrap(), 2);
    let ages: Vec<_> = store
        .read(|tx| tx.iter(AGES)?.collect::<Result<Vec<_>, _>>())
        .unwrap();
    assert_eq!(
        ages,
        [(b"Aysel".to_vec(), vec![31]), (b"Murad".to_vec(), vec![7])]
    );
    drop(store);

    // Taken once: the names are empty now, and a second run of the step would fail on them.
    drop(open(&[to_version_1, to_version_2]).unwrap());
    assert!(matches!(
        open(&[to_version_1]),
        Err(Error::SchemaTooNew { found: 2, known: 1 })
    ));
}

#[test]
fn leaves_the_state_as_it_was_when_a_schema_step_fails() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let open = |steps: &[Step]| {
        Store::open_with(
            &path,
            Options {
                steps,
                ..Options::default()
            },
        )
    };
    let store = open(&[to_version_1]).unwrap();
    store.write(|tx| tx.put(NAMES, "Nigar", "many")).unwrap();
    drop(store);

    assert!(matches!(
        open(&[to_version_1, to_version_2]),
        Err(Error::StepFailed { version: 2, .. })
    ));
    let store = open(&[to_version_1]).unwrap();
    assert_eq!(store.schema_version().unwrap(), 1);
    assert_eq!(
        store.read(|tx| tx.get(NAMES, "Aysel")).unwrap(),
        Some(b"31".to_vec())
    );
    assert_eq!(store.read(|tx| tx.get(AGES, "Aysel")).unwrap(), None);
}

#[test]
fn refuses_a_second_owner_and_a_file_that_is_no_database() {
    let (dir, _store) = store();
    assert!(matches!(
        Store::open(&dir.path().join("state.redb")),
        Err(Error::Database { .. })
    ));
    let other = dir.path().join("other");
    std::fs::write(&other, vec![7; 8192]).unwrap();
    assert!(matches!(Store::open(&other), Err(Error::Database { .. })));
}

#[test]
fn who_only_looks_sees_the_state_and_keeps_no_writer_waiting_for_an_answer() {
    let (dir, store) = store();
    let path = dir.path().join("state.redb");
    store
        .write(|tx| tx.put_all(NAMES, [("a", "Aysel"), ("b", "Murad"), ("c", "Nigar")]))
        .unwrap();
    let refused = ReadStore::open(&path).unwrap_err();
    assert!(refused.is_in_use(), "{refused:?}");
    store
        .write(|tx| tx.delete_all(NAMES, ["a", "c", "none"]))
        .unwrap();
    drop(store);

    let looking = ReadStore::open(&path).unwrap();
    let also = ReadStore::open(&path).unwrap();
    for store in [&looking, &also] {
        let names: Vec<_> = store
            .read(|tx| tx.iter(NAMES)?.collect::<Result<Vec<_>, _>>())
            .unwrap();
        assert_eq!(names, [(b"b".to_vec(), b"Murad".to_vec())]);
    }
    assert!(Store::open(&path).unwrap_err().is_in_use());
    drop((looking, also));
    Store::open(&path).unwrap();
    assert!(ReadStore::open(&dir.path().join("none")).is_err());
}
