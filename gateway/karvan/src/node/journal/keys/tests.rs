use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use gateway_journal::Journal;
use jiff::SignedDuration;

use super::Ring;
use crate::node::journal::testing::{NOW, config, person};
use crate::node::journal::{Error, open};

fn reopened(dir: &std::path::Path) -> Result<Journal, Error> {
    let clock = crate::clock::SystemClock;
    open(
        &config(dir, ""),
        &certs_keys::Pin::new("1234".to_owned()),
        &clock,
    )
    .map(|opened| opened.journal)
}

fn keys_file(dir: &std::path::Path) -> PathBuf {
    dir.join("data/journal/keys")
}

fn refused(dir: &std::path::Path, with: &str) {
    match reopened(dir) {
        Err(error) => assert!(error.to_string().contains(with), "{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn keys_are_made_once_for_the_owner_only_and_open_again() {
    let dir = tempfile::tempdir().unwrap();
    let who = person("0TEST01");
    let before = reopened(dir.path()).unwrap().mark(&who);
    let mode = std::fs::metadata(keys_file(dir.path()))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(reopened(dir.path()).unwrap().mark(&who), before);
}

#[test]
fn a_file_that_is_gone_changed_or_under_another_pin_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(reopened(dir.path()).unwrap());
    let path = keys_file(dir.path());
    let text = std::fs::read_to_string(&path).unwrap();

    let changed = text.replace("\"number\": 1", "\"number\": 2");
    assert_ne!(changed, text);
    std::fs::write(&path, changed).unwrap();
    refused(dir.path(), "does not open");
    std::fs::write(&path, "{}").unwrap();
    refused(dir.path(), "missing field");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(dir.path(), "0600");
    std::fs::remove_file(&path).unwrap();
    refused(dir.path(), "bring it back");

    gateway_store::file::replace_secret(&path, text.as_bytes()).unwrap();
    drop(reopened(dir.path()).unwrap());
    let other = certs_keys::Pin::new("4321".to_owned());
    let config = config(dir.path(), "");
    let opened = Ring::open(&config, &path, &other, true, NOW);
    assert!(opened.unwrap_err().to_string().contains("PIN"));
}

#[test]
fn a_key_may_go_only_when_it_has_not_been_current_for_two_days() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let pin = certs_keys::Pin::new("1234".to_owned());
    let config = config(dir.path(), "");
    let mut ring = Ring::open(&config, &path, &pin, false, NOW).unwrap();
    let hours = |hours| NOW.checked_add(SignedDuration::from_hours(hours)).unwrap();
    let day = SignedDuration::from_hours(24);
    assert!(!ring.is_due(day, hours(23)));
    assert!(ring.is_due(day, hours(24)));
    ring.add(hours(24)).unwrap();
    assert!(!ring.is_due(day, hours(24)));
    assert!(!ring.remove(&[1], hours(71)).unwrap());
    assert!(!ring.remove(&[], hours(72)).unwrap());
    // Never the current one.
    assert!(ring.remove(&[1, 2], hours(99)).unwrap());
    let ring = Ring::open(&config, &path, &pin, true, NOW).unwrap();
    let numbers: Vec<u32> = ring
        .keys()
        .unwrap()
        .all()
        .iter()
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(numbers, [2]);
}
