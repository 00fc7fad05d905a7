use gateway_store::tree::{Store, Tree};

use super::*;
use crate::testing::{Pki, beginning, member, time};

const NOW: &str = "2030-01-02T03:00:00Z";

fn begin(registry: &Registry, pki: &Pki) -> usize {
    let commands = beginning(pki);
    let count = commands.len();
    for command in commands {
        registry.execute(command, "operator", time(NOW)).unwrap();
    }
    count
}

#[test]
fn keeps_its_state_and_trail_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let registry = Registry::open(&path).unwrap();
    let count = begin(&registry, &Pki::new("CA"));
    let before = registry.state();
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.state(), before);
    assert_eq!(
        registry.check_trail().unwrap(),
        u64::try_from(count).unwrap()
    );
}

#[test]
fn records_who_changed_what_from_what_to_what() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    begin(&registry, &Pki::new("CA"));
    let rename = Command::RenameMember {
        member: member("2"),
        name: "DSMF".to_owned(),
    };
    let entry = registry
        .execute(rename, "Aysel", time("2030-01-02T04:00:00Z"))
        .unwrap();
    assert_eq!(entry.who, "Aysel");
    assert_eq!(entry.command, "rename-member");
    assert_eq!(entry.at, time("2030-01-02T04:00:00Z"));
    let [change] = entry.changes.as_slice() else {
        panic!("one change")
    };
    assert_eq!(change.row, "members/AZ/GOV/2");
    let name = |value: &Option<serde_json::Value>| value.as_ref().unwrap()["name"].clone();
    assert_eq!(name(&change.before), "Fond");
    assert_eq!(name(&change.after), "DSMF");
    let trail = registry.trail(None, 2).unwrap();
    assert_eq!(trail[0], entry);
    assert_eq!(trail[1].number, entry.number - 1);
    assert_eq!(registry.trail(Some(2), 10).unwrap().len(), 1);

    let removal = Command::RemoveMember {
        member: member("2"),
    };
    let entry = registry.execute(removal, "Aysel", time(NOW)).unwrap();
    let rows: Vec<&str> = entry
        .changes
        .iter()
        .map(|change| change.row.as_str())
        .collect();
    assert_eq!(rows, ["members/AZ/GOV/2", "servers/AZ/GOV/1/node"]);
    assert_eq!(entry.changes[0].after, None);
}

#[test]
fn changes_and_records_nothing_when_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    let count = begin(&registry, &Pki::new("CA"));
    let before = registry.state();
    let refused = Command::RemoveMember {
        member: member("1"),
    };
    assert!(matches!(
        registry.execute(refused, "operator", time(NOW)),
        Err(Error::Refused(_))
    ));
    let nobody = Command::RemoveMember {
        member: member("2"),
    };
    assert!(matches!(
        registry.execute(nobody, " ", time(NOW)),
        Err(Error::Refused(_))
    ));
    assert_eq!(registry.state(), before);
    assert_eq!(
        registry.check_trail().unwrap(),
        u64::try_from(count).unwrap()
    );
}

#[test]
fn notices_an_altered_or_removed_entry_of_the_trail() {
    let trail = Tree::new("registry-trail");
    let spoil = |spoil: fn(&Store, Tree)| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.redb");
        let registry = Registry::open(&path).unwrap();
        begin(&registry, &Pki::new("CA"));
        drop(registry);
        spoil(&Store::open(&path).unwrap(), trail);
        Registry::open(&path).unwrap().check_trail()
    };
    let key = 3_u64.to_be_bytes();
    assert_eq!(key[7], 3);
    let altered = spoil(|store, trail| {
        let key = 3_u64.to_be_bytes();
        let stored = store.read(|tx| tx.get(trail, key)).unwrap().unwrap();
        let altered = String::from_utf8(stored)
            .unwrap()
            .replace("operator", "somebody");
        store.write(|tx| tx.put(trail, key, altered)).unwrap();
    });
    assert!(matches!(altered, Err(Error::Trail { number: 4 })));
    let removed = spoil(|store, trail| {
        store
            .write(|tx| tx.delete(trail, 3_u64.to_be_bytes()))
            .unwrap();
    });
    assert!(matches!(removed, Err(Error::Trail { number: 3 })));
}

#[test]
fn refuses_to_open_a_state_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    begin(&Registry::open(&path).unwrap(), &Pki::new("CA"));
    let store = Store::open(&path).unwrap();
    store
        .write(|tx| {
            tx.put(
                Tree::new("registry-state"),
                "members/AZ/GOV/1",
                "{\"name\":1}",
            )
        })
        .unwrap();
    drop(store);
    assert!(matches!(Registry::open(&path), Err(Error::Row { .. })));
}
