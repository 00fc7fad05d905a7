//! Names, and what `[transparency]` makes of its keys.

use certs_keys::Ed25519Key;
use gateway_proto::id::{MemberId, ServerId};
use gateway_tlog::note::{Kind, Signer};

use super::{origin, witnessed, witnesses};
use crate::config::{Loaded, node as file};
use crate::node::sample::START;

#[test]
fn the_origin_is_the_identifier_and_fit_for_a_key() {
    let owner = MemberId::new("AZ", "GOV", "0000000131").unwrap();
    let server = ServerId::new(owner.clone(), "din").unwrap();
    assert_eq!(origin(&server), "AZ/GOV/0000000131/din");
    let server = ServerId::new(owner, "a b+c").unwrap();
    assert_eq!(origin(&server), "AZ/GOV/0000000131/a%20b%2Bc");
}

fn vkey(seed: u8, kind: Kind, name: &str) -> String {
    let key = Ed25519Key::from_seed(&[seed; 32]).unwrap();
    Signer::new(kind, name, key).unwrap().verifier().to_vkey()
}

/// A configuration with this section.
fn loaded(section: &str) -> Loaded<file::Node> {
    let text = format!("{START}[transparency]\n{section}");
    Loaded::new(toml::from_str(&text).unwrap(), std::path::Path::new("."))
}

#[test]
fn a_log_may_have_two_keys_while_they_are_exchanged() {
    let (old, new) = (
        vkey(1, Kind::Ed25519, "AZ/1/a"),
        vkey(2, Kind::Ed25519, "AZ/1/a"),
    );
    let other = vkey(1, Kind::Ed25519, "AZ/1/b");
    let config = loaded(&format!("witnessed = [{old:?}, {other:?}, {new:?}]"));
    let logs = witnessed(&config, &config.values.transparency).unwrap();
    let found: Vec<_> = logs
        .iter()
        .map(|log| (log.origin(), log.keys().len()))
        .collect();
    assert_eq!(found, [("AZ/1/a", 2), ("AZ/1/b", 1)]);
}

#[test]
fn former_keys_are_those_of_this_log() {
    let own = origin(&loaded("").values.server);
    let former = |key: &str| super::former(&loaded(&format!("former_keys = [{key:?}]")));
    let key = vkey(1, Kind::Ed25519, &own);
    assert_eq!(former(&key).unwrap()[0].to_vkey(), key);
    for other in [
        vkey(1, Kind::Ed25519, "AZ/1/other"),
        vkey(1, Kind::Cosignature, &own),
        "x".to_owned(),
    ] {
        let said = former(&other).unwrap_err().to_string();
        assert!(said.contains("transparency.former_keys: "), "{said}");
    }
}

#[test]
fn says_what_is_wrong_with_a_key_or_an_address() {
    let log = vkey(1, Kind::Ed25519, "AZ/1/a");
    let witness = vkey(1, Kind::Cosignature, "AZ/1/a/witness");
    let asked = |key: &str, url: &str| format!("witness = [{{ key = {key:?}, url = {url:?} }}]");
    for (section, expected) in [
        (
            format!("witnessed = [{log:?}, {log:?}]"),
            "transparency.witnessed: ",
        ),
        (
            format!("witnessed = [{witness:?}]"),
            "transparency.witnessed: ",
        ),
        (
            "witnessed = [\"a+b+c\"]".to_owned(),
            "transparency.witnessed: ",
        ),
        (
            asked(&log, "http://a.example"),
            "transparency.witness.key: this is the key of a log",
        ),
        (asked("x", "http://a.example"), "transparency.witness.key: "),
        (
            asked(&witness, "/here"),
            "transparency.witness.url: /here is no absolute URL",
        ),
    ] {
        let config = loaded(&section);
        let section = &config.values.transparency;
        let refused = witnessed(&config, section).map(drop);
        let refused = refused.and_then(|()| witnesses(&config, section).map(drop));
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
    let config = loaded(&asked(&witness, "http://a.example"));
    assert_eq!(
        witnesses(&config, &config.values.transparency)
            .unwrap()
            .len(),
        1
    );
}
