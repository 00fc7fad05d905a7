//! What `[archive]` makes of its keys, and what it says about mistakes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use certs_keys::{KeyKind, SigningKey as _, SoftKey};
use certs_x509::{Name, builder::Builder};
use gateway_evidence::archive::Grouping;
use gateway_evidence::archive::openpgp::{self, generate};
use gateway_proto::id::MemberId;
use jiff::{SignedDuration, Timestamp};

use super::{check, envelopes, options};
use crate::config::{Loaded, node as file};
use crate::node::sample::START;

const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);

fn write(dir: &Path, name: &str, text: &str, mode: u32) {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A configuration with this in it, in a folder with good keys and bad ones.
fn loaded(more: &str) -> (tempfile::TempDir, Loaded<file::Node>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write(folder, "pin", "1234\n", 0o600);
    for (name, passphrase) in [
        ("plain", None),
        ("sealed", Some("1234")),
        ("other", Some("9")),
    ] {
        let pair = generate(name, passphrase, NOW).unwrap();
        write(folder, &format!("{name}.asc"), &pair.secret, 0o600);
        write(folder, &format!("{name}.pub.asc"), &pair.public, 0o644);
        write(folder, &format!("{name}.open.asc"), &pair.secret, 0o640);
    }
    let late = NOW.checked_add(SignedDuration::from_hours(24)).unwrap();
    write(
        folder,
        "late.pub.asc",
        &generate("late", None, late).unwrap().public,
        0o644,
    );
    write(folder, "id", "KEYID\n", 0o600);
    write(folder, "secret", "SECRET\n", 0o600);
    write(folder, "lines", "SECRET\nMORE\n", 0o600);
    write(folder, "empty", "\n", 0o600);
    write(
        folder,
        "ca.pem",
        &(authority("One") + &authority("Two")),
        0o644,
    );
    let path = folder.join("node.toml");
    fs::write(&path, format!("{START}{more}")).unwrap();
    let loaded = Loaded::read(&path).unwrap();
    (dir, loaded)
}

fn authority(common: &str) -> String {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let name = Name::from_attributes(&[("2.5.4.3", common)]).unwrap();
    let second = |at| Timestamp::from_second(at).unwrap();
    let certificate = Builder::ca(name, key.public_key())
        .validity(second(0), second(4_000_000_000))
        .self_sign(&key);
    certificate.unwrap().to_pem()
}

/// What is said, with the folder taken out of it.
#[track_caller]
fn check_refused(more: &str, expected: &str) {
    let (dir, config) = loaded(more);
    let said = check(&config, NOW).unwrap_err().to_string();
    let folder = format!("{}/", dir.path().display());
    let said = said.replace(&folder, "");
    let said = said.strip_prefix("node.toml: archive").unwrap_or(&said);
    // What the library says behind ours is its own affair.
    match expected.strip_suffix('…') {
        None => assert_eq!(said, expected),
        Some(begin) => assert!(said.starts_with(begin), "{said}"),
    }
}

#[test]
fn without_a_section_archives_are_made_as_deployed_servers_make_them() {
    let (dir, config) = loaded("");
    check(&config, NOW).unwrap();
    let options = options(&config).unwrap();
    assert_eq!(options.dir, dir.path().join("data/archive"));
    assert_eq!(
        (options.file_bytes_max, options.grouping),
        (32 << 20, Grouping::None)
    );
    assert_eq!(options.keep, SignedDuration::from_hours(30 * 24));
    assert!(envelopes(&options).is_none());
    assert!(options.store.is_none() && options.command.is_none() && !options.remove_local);
}

#[test]
fn takes_everything_it_is_given() {
    let (dir, config) = loaded(
        "[archive]\ndir = \"elsewhere\"\nkeep_days = 7\ngrouping = \"member\"\n\
         transfer_command = \"true\"\n\
         [archive.encryption]\nsigning_key_file = \"sealed.asc\"\n\
         default_recipients = [\"plain.pub.asc\", \"other.pub.asc\"]\n\
         [[archive.encryption.member]]\nid = \"DEV/COM/1\"\nrecipients = [\"plain.pub.asc\"]\n\
         [archive.store]\nendpoint = \"https://store.example:9000\"\nbucket = \"evidence\"\n\
         prefix = \"a/b\"\naccess_key_id_file = \"id\"\nsecret_key_file = \"secret\"\n\
         authorities_file = \"ca.pem\"\nremove_local = true\n",
    );
    check(&config, NOW).unwrap();
    let options = options(&config).unwrap();
    assert_eq!(options.dir, dir.path().join("elsewhere"));
    assert_eq!(options.keep, SignedDuration::from_hours(7 * 24));
    assert!(options.store.is_some() && options.command.is_some() && options.remove_local);
    let envelopes = envelopes(&options).unwrap();
    assert!(envelopes.by_member);
    assert_eq!(envelopes.encryption.default.len(), 2);
    let member = MemberId::from_rest("DEV/COM/1").unwrap();
    assert_eq!(envelopes.encryption.members[&member].len(), 1);
    let shown = format!("{options:?}");
    assert!(
        !shown.contains("SECRET") && !shown.contains("1234"),
        "{shown}"
    );
}

#[test]
fn a_signing_key_is_plain_or_under_the_pin() {
    for key in ["plain", "sealed"] {
        let (_dir, config) = loaded(&format!(
            "[archive.encryption]\nsigning_key_file = \"{key}.asc\"\n"
        ));
        check(&config, NOW).unwrap();
        let options = options(&config).unwrap();
        let encryption = options.encryption.unwrap();
        let envelope = encryption.for_member(None, NOW).unwrap();
        let mut message = Vec::new();
        envelope.seal(&b"x"[..], &mut message).unwrap();
        let signers = [encryption.signer.public()];
        openpgp::decrypt(&*message, Vec::new(), &encryption.signer, &signers).unwrap();
    }
}

#[test]
fn names_the_key_of_what_cannot_be_used() {
    check_refused(
        "[archive]\ninterval_seconds = 0\n",
        ".interval_seconds: it must be more than 0",
    );
    check_refused(
        "[archive]\nfile_bytes_max = 0\n",
        ".file_bytes_max: it must be more than 0",
    );
    check_refused(
        "[archive]\ntransfer_command = \" \"\n",
        ".transfer_command: it is empty: leave it out for none",
    );
    let encryption = "[archive.encryption]\nsigning_key_file = \"plain.asc\"\n";
    check_refused(
        "[archive.encryption]\nsigning_key_file = \"none\"\n",
        "none cannot be read: No such file or directory (os error 2)",
    );
    check_refused(
        "[archive.encryption]\nsigning_key_file = \"plain.open.asc\"\n",
        ".encryption.signing_key_file: plain.open.asc: its group or all others may read or write \
         it; make it mode 0600",
    );
    check_refused(
        "[archive.encryption]\nsigning_key_file = \"id\"\n",
        ".encryption.signing_key_file: id: this is no armored OpenPGP secret key: …",
    );
    check_refused(
        &format!("{encryption}default_recipients = [\"plain.asc\"]\n"),
        ".encryption.default_recipients: plain.asc: this is no armored OpenPGP public key: …",
    );
    let member = "[[archive.encryption.member]]\nid = \"DEV/COM/1\"\n";
    let grouped = "[archive]\ngrouping = \"subsystem\"\n";
    check_refused(
        &format!("{encryption}{member}recipients = [\"plain.pub.asc\"]\n"),
        ".encryption.member: recipients of members need archive.grouping = \"member\" or \
         \"subsystem\"",
    );
    check_refused(
        &format!("{grouped}{encryption}{member}recipients = []\n"),
        ".encryption.member: DEV/COM/1 has no recipients",
    );
    let twice = format!("{member}recipients = [\"plain.pub.asc\"]\n").repeat(2);
    check_refused(
        &format!("{grouped}{encryption}{twice}"),
        ".encryption.member: DEV/COM/1 is there twice",
    );
}

#[test]
fn a_key_that_may_not_be_used_now_is_found_before_it_is_needed() {
    let more = "[archive.encryption]\nsigning_key_file = \"plain.asc\"\n\
                default_recipients = [\"late.pub.asc\"]\n";
    let (_dir, config) = loaded(more);
    let fingerprint = options(&config).unwrap().encryption.unwrap().default[0].fingerprint();
    let said = check(&config, NOW).unwrap_err().to_string();
    assert!(
        said.contains(&format!(
            "no part of OpenPGP key {fingerprint} may encrypt now"
        )),
        "{said}"
    );
    let (_dir, config) = loaded("[archive.encryption]\nsigning_key_file = \"other.asc\"\n");
    let said = options(&config).unwrap_err().to_string();
    assert!(
        said.contains("the passphrase does not open OpenPGP key"),
        "{said}"
    );
}

#[test]
fn names_the_key_of_what_is_wrong_about_a_store() {
    let store = |endpoint: &str, more: &str| {
        format!(
            "[archive.store]\nendpoint = \"{endpoint}\"\nbucket = \"evidence\"\n\
             access_key_id_file = \"id\"\nsecret_key_file = \"secret\"\n{more}"
        )
    };
    for endpoint in [
        "",
        "store.example",
        "ftp://store.example",
        "https://",
        "http://a/?b",
    ] {
        check_refused(
            &store(endpoint, ""),
            &format!(".store.endpoint: '{endpoint}' is no http or https URL"),
        );
    }
    check_refused(
        &store("https://store.example", ""),
        ".store.authorities_file: it is missing: without it nobody could be believed at an https \
         endpoint",
    );
    check_refused(
        &store("http://store.example", "authorities_file = \"ca.pem\"\n"),
        ".store.authorities_file: there are no certificates at an http endpoint: leave it out",
    );
    check_refused(
        &store("http://store.example", "").replace("\"evidence\"", "\"a/b\""),
        ".store.bucket: 'a/b' is no name of a bucket",
    );
    for (file, problem) in [
        ("lines", "it is not one line"),
        ("empty", "it is not one line"),
    ] {
        check_refused(
            &store("http://store.example", "").replace("\"secret\"", &format!("\"{file}\"")),
            &format!(".store.secret_key_file: {file}: {problem}"),
        );
    }
    check_refused(
        &store("http://store.example", "").replace("\"id\"", "\"plain.open.asc\""),
        ".store.access_key_id_file: plain.open.asc: its group or all others may read or write it; \
         make it mode 0600",
    );
    let (_dir, config) = loaded(&store(
        "https://a",
        "authorities_file = \"plain.pub.asc\"\n",
    ));
    let said = options(&config).unwrap_err().to_string();
    assert!(said.contains("archive.store.authorities_file"), "{said}");
}
