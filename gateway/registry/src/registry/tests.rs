use gateway_store::tree::{Store, Tree};
use serde_json::json;

use super::*;
use crate::state::{Role, Secret};
use crate::testing::{Pki, beginning, declaring, member, put, rule, service, time};

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

/// A command may wait for the disk; whoever only looks must not wait with it.
#[test]
fn tells_its_state_while_a_command_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    begin(&registry, &Pki::new("CA"));
    let _under_way = registry.commands.lock().unwrap();
    assert_eq!(registry.state().instance, "AZ");
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

fn declare(registry: &Registry) {
    let drafts = [put(rule("aid")), put(rule("birth"))];
    for command in declaring().into_iter().chain(drafts) {
        registry.execute(command, "Aysel", time(NOW)).unwrap();
    }
}

fn execute(registry: &Registry, command: Command) -> Entry {
    registry.execute(command, "Aysel", time(NOW)).unwrap()
}

fn rows(entry: &Entry) -> Vec<&str> {
    let changes = entry.changes.iter();
    changes.map(|change| change.row.as_str()).collect()
}

#[test]
fn keeps_rules_and_what_was_published_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let registry = Registry::open(&path).unwrap();
    begin(&registry, &Pki::new("CA"));
    declare(&registry);
    let unpublished = registry.state();
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.state(), unpublished);
    assert_eq!(registry.published_rules(1).unwrap(), None);
    execute(&registry, Command::PublishRules {});
    let first = registry.state();
    execute(&registry, put(rule("third")));
    execute(&registry, Command::PublishRules {});
    let second = registry.state();
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.state(), second);
    let octets = |state: &State| state.published.as_ref().map(|rules| rules.octets().clone());
    assert_eq!(registry.published_rules(1).unwrap(), octets(&first));
    assert_eq!(registry.published_rules(2).unwrap(), octets(&second));
    assert_ne!(octets(&first), octets(&second));
    registry.check_trail().unwrap();
}

#[test]
fn records_each_rule_service_and_system_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    begin(&registry, &Pki::new("CA"));
    declare(&registry);
    let entry = execute(&registry, put(rule("aid")));
    let changed = ["rule_stages/aid/1", "rule_stages/aid/2", "rules/aid/2"];
    assert_eq!(rows(&entry), changed);
    let values = |at: usize| {
        let change = &entry.changes[at];
        (change.before.clone(), change.after.clone())
    };
    assert_eq!(values(0), (Some(json!("draft")), Some(json!("superseded"))));
    assert_eq!(values(1), (None, Some(json!("draft"))));
    assert_eq!(values(2).0, None);
    assert_eq!(values(2).1.unwrap()["title"], "Pensiya");

    let mut narrower = service("GetPension");
    narrower.user_required = true;
    let entry = execute(&registry, Command::ChangeService { service: narrower });
    assert_eq!(rows(&entry), ["services/AZ/GOV/2/pensiya/GetPension"]);
    let required =
        |value: &Option<serde_json::Value>| value.as_ref().unwrap()["user_required"].clone();
    assert_eq!(required(&entry.changes[0].before), false);
    assert_eq!(required(&entry.changes[0].after), true);

    let entry = execute(&registry, Command::PublishRules {});
    assert_eq!(
        rows(&entry),
        ["published", "rule_stages/aid/2", "rule_stages/birth/1",]
    );
    assert_eq!(entry.changes[0].before, None);
    let mark = entry.changes[0].after.as_ref().unwrap();
    let state = registry.state();
    let published = state.published.as_ref().unwrap();
    assert_eq!(mark["version"], 1);
    assert_eq!(mark["digest"], published.digest());
    assert_eq!(entry.changes[1].before, Some(json!("draft")));
    assert_eq!(entry.changes[1].after, Some(json!("published")));
    assert!(
        entry
            .warnings
            .iter()
            .any(|warning| warning.contains("GetIncome")),
        "{:?}",
        entry.warnings
    );
    assert_eq!(registry.trail(None, 1).unwrap(), [entry]);

    let deregister = Command::DeregisterSystem {
        code: "pensiya".to_owned(),
    };
    let entry = execute(&registry, deregister);
    assert_eq!(rows(&entry), ["published", "systems/pensiya"]);
    assert!(entry.warnings.is_empty());
}

#[test]
fn never_writes_the_hash_of_a_key_into_the_trail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let registry = Registry::open(&path).unwrap();
    begin(&registry, &Pki::new("CA"));
    let secret = Secret::random();
    let add = Command::AddApiKey {
        name: "control".to_owned(),
        role: Role::Auditor,
        sha256: secret.hash(),
    };
    let entry = execute(&registry, add);
    assert_eq!(rows(&entry), ["api_keys/control"]);
    let after = entry.changes[0].after.as_ref().unwrap();
    assert_eq!(after["role"], "auditor");
    assert_eq!(after.get("sha256"), None);
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    let state = registry.state();
    assert_eq!(
        state.authenticate(secret.reveal()),
        Some(("control", Role::Auditor))
    );
    let revoke = Command::RevokeApiKey {
        name: "control".to_owned(),
    };
    execute(&registry, revoke);
    let trail = serde_json::to_string(&registry.trail(None, 10).unwrap()).unwrap();
    assert!(trail.contains("control"));
    assert!(!trail.contains(&String::from(secret.hash())));
    assert!(!trail.contains("sha256"));
}

#[test]
fn refuses_to_open_when_published_rules_were_altered_or_lost() {
    let tree = Tree::new("registry-rules");
    let spoil = |spoil: fn(&Store, Tree)| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.redb");
        let registry = Registry::open(&path).unwrap();
        begin(&registry, &Pki::new("CA"));
        declare(&registry);
        execute(&registry, Command::PublishRules {});
        drop(registry);
        spoil(&Store::open(&path).unwrap(), tree);
        Registry::open(&path)
    };
    let altered = spoil(|store, tree| {
        let key = 1_u64.to_be_bytes();
        let stored = store.read(|tx| tx.get(tree, key)).unwrap().unwrap();
        let altered = String::from_utf8(stored).unwrap();
        let altered = altered.replace("\"personal\":true", "\"personal\":false");
        store.write(|tx| tx.put(tree, key, altered)).unwrap();
    });
    assert!(matches!(altered, Err(Error::Published { version: 1 })));
    let lost = spoil(|store, tree| {
        let key = 1_u64.to_be_bytes();
        store.write(|tx| tx.delete(tree, key)).unwrap();
    });
    assert!(matches!(lost, Err(Error::Published { version: 1 })));
}

#[test]
fn refuses_to_open_when_a_rule_or_its_stage_was_lost() {
    for row in ["rules/aid/1", "rule_stages/aid/1"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.redb");
        let registry = Registry::open(&path).unwrap();
        begin(&registry, &Pki::new("CA"));
        declare(&registry);
        drop(registry);
        let store = Store::open(&path).unwrap();
        let lost = store.write(|tx| tx.delete(Tree::new("registry-state"), row));
        assert!(lost.is_ok());
        drop(store);
        let opened = Registry::open(&path);
        assert!(matches!(opened, Err(Error::Row { .. })), "{row}");
    }
}

/// Rows of the first release: certificates in base64, nothing of rules.
#[test]
fn opens_a_store_from_before_there_were_rules() {
    use base64::Engine;

    let pki = Pki::new("CA");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let registry = Registry::open(&path).unwrap();
    begin(&registry, &pki);
    let before = registry.state();
    drop(registry);
    let rows = Tree::new("registry-state");
    let pem = serde_json::to_string(&pki.certificate.to_pem()).unwrap();
    let base64 = base64::engine::general_purpose::STANDARD.encode(pki.certificate.der());
    let store = Store::open(&path).unwrap();
    let older: Vec<(Vec<u8>, String)> = store
        .read(|tx| tx.iter(rows)?.collect::<Result<Vec<_>, _>>())
        .unwrap()
        .into_iter()
        .map(|(key, value)| {
            let value = String::from_utf8(value).unwrap();
            (key, value.replace(&pem, &format!("{base64:?}")))
        })
        .collect();
    let text: String = older.iter().map(|(_, value)| value.as_str()).collect();
    assert!(text.contains(&base64) && !text.contains(&pem));
    for section in ["rule", "purpose", "system", "service", "published", "api"] {
        assert!(
            !older
                .iter()
                .any(|(key, _)| key.starts_with(section.as_bytes()))
        );
    }
    store
        .write(|tx| {
            older
                .iter()
                .try_for_each(|(key, value)| tx.put(rows, key, value))
        })
        .unwrap();
    drop(store);
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.state(), before);
    assert_eq!(registry.state().published, None);
    declare(&registry);
    execute(&registry, Command::PublishRules {});
}

/// What a command costs does not grow with what it leaves alone.
#[test]
fn writes_one_row_among_ten_thousand_rules() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    begin(&registry, &Pki::new("CA"));
    declare(&registry);
    let mut state = State::clone(&registry.state());
    for number in 0..10_000_u32 {
        let mut rule = rule(&format!("rule-{number}"));
        rule.version = 1;
        let key = crate::state::RuleKey {
            id: rule.id.clone(),
            version: 1,
        };
        let version = crate::state::RuleVersion {
            stage: crate::state::Stage::Draft,
            rule,
        };
        state.rules.insert(key, version.into());
    }
    let more = put(rule("more"));
    let next = more.carry_out(state.clone(), time(NOW)).unwrap().state;
    let found = persist::differences(&state, &next).unwrap();
    let written: Vec<&str> = found
        .shown
        .iter()
        .map(|change| change.row.as_str())
        .collect();
    assert_eq!(written, ["rule_stages/more/1", "rules/more/1"]);
    assert_eq!(found.stored.len(), 2);
    // The others are the same values, not equal ones.
    let same = state.rules.iter().all(|(key, version)| {
        let kept: &crate::state::RuleVersion = &next.rules[key];
        std::ptr::eq::<crate::state::RuleVersion>(&**version, kept)
    });
    assert!(same);
}
