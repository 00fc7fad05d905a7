//! What unit tests of several modules need.

use std::collections::BTreeMap;

use certs_authority::Authority;
use certs_keys::{KeyKind, SigningKey as _, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_globalconf::Snapshot;
use gateway_globalconf::params::{ConfigurationSource, SharedParams, Version};
use jiff::Timestamp;

/// A configuration of AZ in which nobody is registered and nothing approved, with further parts.
pub(crate) fn snapshot(parts: &[(&str, Vec<u8>)], now: Timestamp) -> Snapshot {
    let authority = Authority::create("Test", KeyKind::P256, now).unwrap();
    let root = authority.root();
    let shared = SharedParams {
        instance: "AZ".to_owned(),
        sources: vec![ConfigurationSource {
            address: "127.0.0.1".to_owned(),
            internal_certificates: vec![root.clone()],
            external_certificates: vec![root.clone()],
        }],
        authorities: Vec::new(),
        timestampers: Vec::new(),
        members: Vec::new(),
        servers: Vec::new(),
        groups: Vec::new(),
        member_classes: Vec::new(),
        ocsp_freshness_seconds: 3600,
        left_out: Vec::new(),
    };
    let shared = shared.to_xml(Version::CURRENT).unwrap();
    let metadata = br#"{"configurationVersion":"6","expirationDate":"2036-01-01T00:00:00Z"}"#;
    let mut files = BTreeMap::from([("instance-identifier".to_owned(), b"AZ".to_vec())]);
    let parts = parts.iter().map(|(name, bytes)| (*name, bytes.clone()));
    for (name, bytes) in parts.chain([("shared-params.xml", shared)]) {
        files.insert(format!("AZ/{name}.metadata"), metadata.to_vec());
        files.insert(format!("AZ/{name}"), bytes);
    }
    Snapshot::from_files(&files, now).unwrap()
}

/// Until when what [`registry`] signs is valid.
pub(crate) const EXPIRY: Timestamp = Timestamp::constant(1_795_348_800, 0);

/// The key by which a registry signs its directories, and its certificate.
pub(crate) fn registry(kind: KeyKind) -> (SoftKey, Certificate) {
    let key = SoftKey::generate(kind).unwrap();
    let name = Name::from_attributes(&[("2.5.4.3", "registry")]).unwrap();
    let certificate = Builder::ca(name, key.public_key())
        .validity(Timestamp::UNIX_EPOCH, EXPIRY)
        .self_sign(&key)
        .unwrap();
    (key, certificate)
}
