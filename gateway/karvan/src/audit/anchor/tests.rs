//! What an anchor vouches for.

use certs_keys::{KeyKind, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_globalconf::Source;
use gateway_globalconf::directory::{Boundaries, Directory, Part};
use gateway_globalconf::params::{self, Version};

use super::*;

const EXPIRY: Timestamp = Timestamp::constant(1_795_348_800, 0);
const SHARED: &str = "AZ/shared-params.xml";

fn signer() -> (SoftKey, Certificate) {
    let key = SoftKey::generate(KeyKind::Rsa2048).unwrap();
    let name = Name::from_attributes(&[("2.5.4.3", "registry")]).unwrap();
    let certificate = Builder::ca(name, certs_keys::SigningKey::public_key(&key))
        .validity(Timestamp::UNIX_EPOCH, EXPIRY)
        .self_sign(&key)
        .unwrap();
    (key, certificate)
}

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

/// A configuration as a node keeps it, and the certificate of the key that signed it.
fn signed() -> (Files, Certificate) {
    let (key, certificate) = signer();
    let contents: [(&str, &str, &[u8]); 2] = [
        (params::SHARED_PARAMETERS, "shared-params.xml", b"<shared/>"),
        ("KARVAN-RULES", disk::RULES, b"{}"),
    ];
    let location = |name: &str| format!("/V6/1/{name}");
    let parts = contents.iter();
    let directory = Directory {
        version: Version::CURRENT,
        expires_at: EXPIRY,
        parts: parts
            .map(|(identifier, name, bytes)| Part::new(identifier, "AZ", &location(name), bytes))
            .collect(),
    };
    let signed = directory
        .sign(&key, &certificate, &Boundaries::new([3; 40]))
        .unwrap();
    let mut files = Files::from([
        (disk::INSTANCE_IDENTIFIER.to_owned(), b"AZ".to_vec()),
        ("AZ/signed-directory.metadata".to_owned(), signed),
        (
            format!("{SHARED}{}", disk::METADATA_SUFFIX),
            br#"{"configurationVersion":"6"}"#.to_vec(),
        ),
    ]);
    for (_, name, bytes) in contents {
        files.insert(format!("AZ/{name}"), bytes.to_vec());
    }
    (files, certificate)
}

#[track_caller]
fn refused(anchor: &Anchor, files: &Files, change: impl FnOnce(&mut Files), reason: &str) {
    let mut files = files.clone();
    change(&mut files);
    let found = vouch(anchor, &files).unwrap_err();
    assert!(found.contains(reason), "{found}");
}

#[test]
fn vouches_for_what_the_registry_signed_however_long_ago() {
    let (files, certificate) = signed();
    assert_eq!(vouch(&anchor("AZ", &certificate), &files), Ok(()));
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
        set("DE/shared-params.xml", b""),
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
    let (_, own) = signer();
    let other = anchor_of("AZ", &own);
    refused(&other, &files, |_| {}, "signed-directory.metadata");
    let other = anchor_of("DE", &certificate);
    refused(&other, &files, |_| {}, "the anchor of DE");
}
