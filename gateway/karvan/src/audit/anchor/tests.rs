//! What an anchor vouches for.

use certs_keys::KeyKind;
use certs_x509::Certificate;
use gateway_globalconf::Source;
use gateway_globalconf::directory::{Boundaries, Directory, Part};
use gateway_globalconf::params::{self, Version};

use super::*;
use crate::testing::{EXPIRY, registry};

const SHARED: &str = "AZ/shared-params.xml";

fn anchor(instance: &str, certificate: &Certificate) -> Anchor {
    Anchor {
        instance: instance.to_owned(),
        generated_at: None,
        sources: vec![Source {
            download_url: "http://127.0.0.1/internalconf".to_owned(),
            verification_certificates: vec![certificate.clone()],
        }],
    }
}

/// Of an internal source.
const INTERNAL: [(&str, &str, &[u8]); 3] = [
    (
        params::PRIVATE_PARAMETERS,
        "private-params.xml",
        b"<private/>",
    ),
    (params::SHARED_PARAMETERS, "shared-params.xml", b"<shared/>"),
    ("KARVAN-RULES", disk::RULES, b"{}"),
];
/// Of an external one.
const EXTERNAL: [(&str, &str, &[u8]); 1] = [INTERNAL[1]];

/// A configuration as a node keeps it, and the certificate of the key that signed it.
fn signed() -> (Files, Certificate) {
    published("AZ", &INTERNAL)
}

fn published(instance: &str, contents: &[(&str, &str, &[u8])]) -> (Files, Certificate) {
    let (key, certificate) = registry(KeyKind::Rsa2048);
    let location = |name: &str| format!("/V6/1/{name}");
    let parts = contents.iter();
    let directory = Directory {
        version: Version::CURRENT,
        expires_at: EXPIRY,
        parts: parts
            .map(|(identifier, name, bytes)| {
                Part::new(identifier, instance, &location(name), bytes)
            })
            .collect(),
    };
    let signed = directory
        .sign(&key, &certificate, &Boundaries::new([3; 40]))
        .unwrap();
    let mut files = Files::from([
        (disk::INSTANCE_IDENTIFIER.to_owned(), instance.into()),
        (format!("{instance}/{}", disk::SIGNED_DIRECTORY), signed),
        (
            format!("{instance}/shared-params.xml.metadata"),
            br#"{"configurationVersion":"6"}"#.to_vec(),
        ),
    ]);
    for (_, name, bytes) in contents {
        files.insert(format!("{instance}/{name}"), bytes.to_vec());
    }
    (files, certificate)
}

fn given(anchors: &[&Anchor]) -> Anchors {
    let given = anchors.iter().map(|anchor| Given {
        path: "anchor.xml".into(),
        anchor: (*anchor).clone(),
        sha224: "00".to_owned(),
    });
    Anchors(given.collect())
}

#[track_caller]
fn refused(anchor: &Anchor, files: &Files, change: impl FnOnce(&mut Files), reason: &str) {
    let mut files = files.clone();
    change(&mut files);
    let found = given(&[anchor]).vouch(&files).unwrap_err();
    assert!(found.contains(reason), "{found}");
}

#[test]
fn vouches_for_what_the_registry_signed_however_long_ago() {
    let (files, certificate) = signed();
    let vouched = given(&[&anchor("AZ", &certificate)]).vouch(&files).unwrap();
    assert_eq!(
        vouched,
        Vouched {
            by: format!(
                "anchor.xml (instance AZ, SHA-224 00): signed by the registry, valid until {EXPIRY}"
            ),
            expires_at: EXPIRY,
            is_external: false,
            unchecked: Vec::new(),
        }
    );
}

#[test]
fn what_was_signed_for_other_instances_vouches_for_no_rules() {
    let (mut files, certificate) = published("AZ", &EXTERNAL);
    let anchor = anchor("AZ", &certificate);
    assert!(given(&[&anchor]).vouch(&files).unwrap().is_external);
    files.insert("AZ/karvan-rules.json".to_owned(), b"{}".to_vec());
    refused(&anchor, &files, |_| {}, "no more than shared parameters");
}

#[test]
fn parameters_of_another_instance_need_an_anchor_of_that_instance() {
    let (ours, certificate) = signed();
    let (theirs, their_certificate) = published("DE", &EXTERNAL);
    let (our_anchor, their_anchor) = (anchor("AZ", &certificate), anchor("DE", &their_certificate));
    let mut files = theirs;
    files.extend(ours);

    // Ours is no less vouched for, and nothing is said for theirs.
    let vouched = given(&[&our_anchor]).vouch(&files).unwrap();
    assert_eq!(vouched.unchecked, ["DE"]);
    assert!(!vouched.by.contains("instance DE"), "{vouched:?}");

    let both = given(&[&our_anchor, &their_anchor]);
    let vouched = both.vouch(&files).unwrap();
    assert!(vouched.unchecked.is_empty(), "{vouched:?}");
    let instances = ["instance AZ", "instance DE"];
    assert!(
        instances.iter().all(|one| vouched.by.contains(one)),
        "{vouched:?}"
    );
    // That they have an own word on theirs does not let it pass.
    let mut changed = files.clone();
    changed.insert("DE/shared-params.xml".to_owned(), b"<other/>".to_vec());
    let found = both.vouch(&changed).unwrap_err();
    assert!(
        found.contains("DE/shared-params.xml: it is not what"),
        "{found}"
    );
    // Theirs alone vouches for nothing of ours.
    refused(
        &their_anchor,
        &files,
        |_| {},
        "of the instance AZ, the anchor of DE",
    );
}

#[test]
fn refuses_what_the_registry_has_not_signed() {
    let (files, certificate) = signed();
    let anchor_of = anchor;
    let anchor = anchor_of("AZ", &certificate);
    let set = |name: &str, bytes: &[u8]| {
        let (name, bytes) = (name.to_owned(), bytes.to_vec());
        move |files: &mut Files| drop(files.insert(name, bytes))
    };
    let without = |name: &'static str| move |files: &mut Files| drop(files.remove(name));

    refused(
        &anchor,
        &files,
        set(SHARED, b"<other/>"),
        "not what the registry signed",
    );
    refused(
        &anchor,
        &files,
        set("AZ/karvan-rules.json", b"[]"),
        "not what the registry signed",
    );
    refused(
        &anchor,
        &files,
        set("AZ/more.xml", b""),
        "AZ/more.xml: the registry has not signed it",
    );
    refused(
        &anchor,
        &files,
        set("more.xml", b""),
        "the registry has not signed it",
    );
    refused(
        &anchor,
        &files,
        set("instance-identifier", b"DE"),
        "of the instance DE",
    );
    let metadata = "AZ/shared-params.xml.metadata";
    refused(
        &anchor,
        &files,
        set(metadata, b"{}"),
        "not what the registry signed",
    );
    refused(&anchor, &files, set(metadata, b"x"), metadata);
    // Without it they would be read as of the oldest version.
    refused(&anchor, &files, without(metadata), "is not there");
    // Rules that were left out would let everything pass.
    refused(
        &anchor,
        &files,
        without("AZ/karvan-rules.json"),
        "is not there",
    );
    refused(&anchor, &files, without(SHARED), "is not there");
    refused(
        &anchor,
        &files,
        without("AZ/signed-directory.metadata"),
        "not kept with it",
    );

    // A registry of one's own signs well, but is not the one of the anchor.
    let (_, own) = registry(KeyKind::Rsa2048);
    let other = anchor_of("AZ", &own);
    refused(&other, &files, |_| {}, "signed-directory.metadata");
    let other = anchor_of("DE", &certificate);
    refused(&other, &files, |_| {}, "the anchor of DE");
}
