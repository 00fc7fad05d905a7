//! What is handed out of the folder of an instance.

use certs_keys::KeyKind;
use gateway_globalconf::directory::{Boundaries, Directory, Part};
use gateway_globalconf::params::{self, Version};
use tempfile::TempDir;

use super::*;
use crate::testing::{EXPIRY, registry};

/// A directory over these parts.
fn directory(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let (key, certificate) = registry(KeyKind::P256);
    let part = |(identifier, name, bytes): &(&str, &str, &[u8])| {
        Part::new(identifier, "AZ", &format!("/V6/1/{name}"), bytes)
    };
    let directory = Directory {
        version: Version::CURRENT,
        expires_at: EXPIRY,
        parts: parts.iter().map(part).collect(),
    };
    let boundaries = Boundaries::new([3; 40]);
    directory.sign(&key, &certificate, &boundaries).unwrap()
}

fn shared(bytes: &[u8]) -> (&'static str, &'static str, &[u8]) {
    (params::SHARED_PARAMETERS, disk::SHARED_PARAMS, bytes)
}

fn rules(bytes: &[u8]) -> (&'static str, &'static str, &[u8]) {
    (params::RULES, disk::RULES, bytes)
}

/// The names of what is handed out of a folder with these files.
fn handed_out(files: &[(&str, &[u8])]) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("AZ");
    std::fs::create_dir(&folder).unwrap();
    let metadata = br#"{"configurationVersion":"6","expirationDate":"2026-11-22T00:00:00Z"}"#;
    std::fs::write(folder.join("shared-params.xml.metadata"), metadata).unwrap();
    std::fs::write(folder.join("private-params.xml"), "secret").unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let found = read(&folder).unwrap();
    assert_eq!(found[disk::SHARED_PARAMS], b"<shared/>");
    let version = &found["shared-params.xml.metadata"];
    assert_eq!(version, br#"{"configurationVersion":"6"}"#);
    found.into_keys().collect()
}

#[test]
fn the_directory_goes_with_what_it_announces_and_with_nothing_else() {
    const PLAIN: [&str; 2] = ["shared-params.xml", "shared-params.xml.metadata"];
    const RULED: [&str; 3] = [disk::RULES, PLAIN[0], PLAIN[1]];
    const SHARED: (&str, &[u8]) = (disk::SHARED_PARAMS, b"<shared/>");
    const RULES: (&str, &[u8]) = (disk::RULES, b"{}");
    let signed = disk::SIGNED_DIRECTORY;

    assert_eq!(handed_out(&[SHARED]), PLAIN);
    let of_shared = directory(&[shared(b"<shared/>")]);
    let all = [&PLAIN[..], &[signed]].concat();
    assert_eq!(handed_out(&[SHARED, (signed, &of_shared)]), all);
    let of_both = directory(&[shared(b"<shared/>"), rules(b"{}")]);
    let all = [&RULED[..], &[signed]].concat();
    assert_eq!(handed_out(&[SHARED, RULES, (signed, &of_both)]), all);

    // One of other parameters, of other rules, or of some more or less, vouches for nothing.
    let other = directory(&[shared(b"<other/>")]);
    assert_eq!(handed_out(&[SHARED, (signed, &other)]), PLAIN);
    let other = directory(&[shared(b"<shared/>"), rules(b"[]")]);
    assert_eq!(handed_out(&[SHARED, RULES, (signed, &other)]), RULED);
    assert_eq!(handed_out(&[SHARED, (signed, &of_both)]), PLAIN);
    assert_eq!(handed_out(&[SHARED, RULES, (signed, &of_shared)]), RULED);
    assert_eq!(handed_out(&[SHARED, (signed, b"no directory")]), PLAIN);
}
