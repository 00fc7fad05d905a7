//! What `[log]` makes of its keys and exceptions, and what it says about mistakes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use gateway_messagelog::Side;
use gateway_proto::id::{ClientId, ServiceId};
use gateway_store::segment::OnDamage;

use super::{bodies, options};
use crate::config::{Loaded, node as file};
use crate::node::sample::START;

/// A configuration with this in it, in a folder with a good key and bad ones.
fn loaded(more: &str) -> (tempfile::TempDir, Loaded<file::Node>) {
    let dir = tempfile::tempdir().unwrap();
    let digits = "0f".repeat(32);
    for (name, text, mode) in [
        ("good", format!("{digits}\n"), 0o600),
        ("windows", format!("{digits}\r\n"), 0o400),
        ("other", "1e".repeat(32), 0o600),
        ("group", digits.clone(), 0o640),
        ("world", digits.clone(), 0o604),
        ("short", "0f".repeat(31), 0o600),
        ("long", "0f".repeat(1000), 0o600),
        ("empty", String::new(), 0o600),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let text = format!("{START}{more}");
    let path = dir.path().join("node.toml");
    fs::write(&path, text).unwrap();
    let loaded = Loaded::read(&path).unwrap();
    (dir, loaded)
}

fn keys(keys: &[(&str, &str)]) -> String {
    let key = |(id, file): &(&str, &str)| {
        format!("[[log.encryption_key]]\nid = \"{id}\"\nfile = \"{file}\"\n")
    };
    keys.iter().map(key).collect()
}

/// What is said, with the folder taken out of it.
#[track_caller]
fn check_refused(more: &str, expected: &str) {
    let (dir, config) = loaded(more);
    let refused = options(&config)
        .map(|_| ())
        .and_then(|()| bodies(&config).map(|_| ()));
    let said = refused.unwrap_err().to_string();
    let folder = format!("{}/", dir.path().display());
    assert_eq!(said.replace(&folder, ""), expected);
}

#[test]
fn a_damaged_log_is_refused_unless_the_file_says_otherwise() {
    for (more, expected) in [
        ("", OnDamage::Refuse),
        ("[log]\non_damage = \"refuse\"\n", OnDamage::Refuse),
        ("[log]\non_damage = \"continue\"\n", OnDamage::Continue),
    ] {
        let (_dir, config) = loaded(more);
        assert_eq!(options(&config).unwrap().segment.on_damage, expected);
    }
}

#[test]
fn without_keys_the_log_is_plain() {
    let (_dir, config) = loaded("");
    assert!(options(&config).unwrap().protection.is_none());
}

#[test]
fn the_first_key_seals_and_the_others_are_there() {
    let (_dir, config) = loaded(&keys(&[("2027", "good"), ("2026", "other")]));
    let protection = options(&config).unwrap().protection.unwrap();
    let ids: Vec<_> = protection.key_ids().collect();
    assert_eq!(ids, ["2027", "2026"]);
    let (_dir, config) = loaded(&keys(&[("a", "windows")]));
    assert!(options(&config).unwrap().protection.is_some());
}

#[test]
fn names_the_key_whose_file_is_wrong() {
    for (file, problem) in [
        (
            "group",
            "its group or all others may read or write it; make it mode 0600",
        ),
        (
            "world",
            "its group or all others may read or write it; make it mode 0600",
        ),
        ("short", "it is not 64 hexadecimal digits"),
        ("long", "it is too long"),
        ("empty", "it is not 64 hexadecimal digits"),
        (".", "it is no regular file"),
    ] {
        let expected = format!("node.toml: log.encryption_key.file: {file}: {problem}");
        check_refused(&keys(&[("a", file)]), expected.trim_end());
    }
    check_refused(
        &keys(&[("a", "missing")]),
        "missing cannot be read: No such file or directory (os error 2)",
    );
    check_refused(
        &keys(&[("a", "good"), ("a", "other")]),
        "node.toml: log.encryption_key.id: the keys of the log cannot be used: two keys are named a",
    );
    check_refused(
        &keys(&[("a key", "good")]),
        "node.toml: log.encryption_key.id: the keys of the log cannot be used: \
         the name of a key is 1 to 32 printable ASCII characters",
    );
}

#[test]
fn exceptions_apply_to_the_services_of_subsystems() {
    let (_dir, config) = loaded(
        "[log.bodies]\nkept = false\nexcept_local = [\"AZ/GOV/1/here\"]\n\
         except_remote = [\"AZ/GOV/2/there\"]\n[[client]]\nid = \"AZ/GOV/1/here\"\n",
    );
    let bodies = bodies(&config).unwrap();
    let service = |id: &str| {
        let mut parts = id.split('/');
        let mut next = || parts.next().unwrap();
        let member = gateway_proto::id::MemberId::new(next(), next(), next()).unwrap();
        let provider = ClientId::new(member, parts.next()).unwrap();
        ServiceId::new(provider, "s", None).unwrap()
    };
    assert!(bodies.keeps(Side::Provider, &service("AZ/GOV/1/here")));
    assert!(bodies.keeps(Side::Consumer, &service("AZ/GOV/2/there")));
    assert!(!bodies.keeps(Side::Consumer, &service("AZ/GOV/1/here")));
    assert!(!bodies.keeps(Side::Provider, &service("AZ/GOV/2/there")));
}

#[test]
fn refuses_exceptions_that_could_never_apply() {
    check_refused(
        "[log.bodies]\nexcept_remote = [\"AZ/GOV/2\"]\n",
        "node.toml: log.bodies.except_remote: AZ/GOV/2 is no subsystem",
    );
    check_refused(
        "[log.bodies]\nexcept_local = [\"AZ/GOV/1/there\"]\n[[client]]\nid = \"AZ/GOV/1/here\"\n",
        "node.toml: log.bodies.except_local: AZ/GOV/1/there is no client of this node",
    );
}
