//! The global configuration: anchors, signed directories, parts, what stands on disk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs_keys::{Digest, DigestAlgorithm, SignatureAlgorithm, SigningKey};
use gateway_globalconf::Anchor;
use gateway_globalconf::directory::{self, VerifiedDirectory};
use gateway_globalconf::disk::{self, Metadata};
use gateway_globalconf::download::candidates;
use gateway_globalconf::params::{
    FetchInterval, Monitoring, NextUpdate, PrivateParams, SharedParams, Version,
};

use crate::made;

/// Written and read again, an anchor is the same; its locations can be asked for.
pub fn anchor(data: &[u8]) {
    let Ok(read) = Anchor::from_xml(data) else {
        return;
    };
    assert_eq!(Anchor::from_xml(&read.to_xml()).as_ref().ok(), Some(&read));
    let _locations = candidates(&read, None, None, 7);
    let _folder = disk::folder(&read.instance);
}

/// Only our signer's directory is accepted, and no change to it.
pub fn signed_directory(data: &[u8]) {
    let signer = &made::world().signer;
    let certificates = [signer.certificate.clone()];
    let Ok(directory) = directory::verify(data, &certificates, made::now()) else {
        return;
    };
    assert_eq!(directory.signer(), &signer.certificate);
    assert_eq!(directory.parts().len(), made::DIRECTORY_PARTS);
    check_parts(&directory);
    assert!(directory::verify(data, &[], made::now()).is_err());
}

/// The same parser behind the signature: the input is what is signed.
pub fn directory_content(data: &[u8]) {
    let signer = &made::world().signer;
    let framed = frame(data, &*signer.key, &signer.certificate);
    let certificates = [signer.certificate.clone()];
    if let Ok(directory) = directory::verify(&framed, &certificates, made::now()) {
        assert!(directory.expires_at() >= made::now());
        check_parts(&directory);
    }
}

fn check_parts(directory: &VerifiedDirectory) {
    for part in directory.parts() {
        assert_ne!(part.hash().algorithm(), DigestAlgorithm::Sha1);
        assert!(part.check(b"not announced".to_vec()).is_err());
        if let Ok(name) = disk::file_name(part) {
            assert!(
                !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.')
            );
        }
        if let Ok(folder) = disk::folder(part.instance()) {
            assert!(!folder.contains(['/', '\\', '\0']) && folder != "." && folder != "..");
        }
        let metadata = Metadata::from(part);
        assert_eq!(
            Metadata::from_json(&metadata.to_json(), "x").ok(),
            Some(metadata)
        );
    }
}

/// The outer frame of a signed directory around any octets (PR-GCONF 2.3).
pub(crate) fn frame(
    signed: &[u8],
    key: &dyn SigningKey,
    certificate: &certs_x509::Certificate,
) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);
    let value = key.sign(algorithm, &Digest::of(algorithm.digest(), signed));
    let value = value.expect("the key signs").to_der();
    let hash = Digest::of(DigestAlgorithm::Sha512, certificate.der());
    let mut out =
        b"Content-Type: multipart/related; charset=UTF-8; boundary=outer\r\n\r\n--outer\r\n\
        Content-Type: multipart/mixed; charset=UTF-8; boundary=inner\r\n\r\n"
            .to_vec();
    out.extend_from_slice(signed);
    let tail = format!(
        "\r\n--outer\r\nContent-Type: application/octet-stream\r\n\
         Content-Transfer-Encoding: base64\r\nSignature-Algorithm-Id: {}\r\n\
         Verification-certificate-hash: {}; hash-algorithm-id=\"{}\"\r\n\r\n{}\r\n--outer--\r\n",
        algorithm.uri().expect("it has one"),
        STANDARD.encode(hash.as_bytes()),
        hash.algorithm().uri(),
        STANDARD.encode(value),
    );
    out.extend_from_slice(tail.as_bytes());
    out
}

/// In every version: what was read whole can be written, read again, and says the same.
pub fn shared_params(data: &[u8]) {
    for number in 2..=6 {
        let version = Version::new(number).expect("one of five");
        let Ok(read) = SharedParams::from_xml(data, version, made::INSTANCE) else {
            continue;
        };
        assert_eq!(read.instance, made::INSTANCE);
        if !read.left_out.is_empty() {
            continue;
        }
        for server in &read.servers {
            assert_eq!(server.id.owner().instance(), made::INSTANCE);
        }
        for written in [Version::PREVIOUS, Version::CURRENT] {
            let Ok(xml) = read.to_xml(written) else {
                continue;
            };
            let again = SharedParams::from_xml(&xml, written, made::INSTANCE);
            let again = again.expect("what we write can be read");
            assert_eq!(again.to_xml(written).expect("as before"), xml);
        }
    }
}

/// The same of private parameters.
pub fn private_params(data: &[u8]) {
    for number in 2..=6 {
        let version = Version::new(number).expect("one of five");
        let Ok(read) = PrivateParams::from_xml(data, version, made::INSTANCE) else {
            continue;
        };
        if !read.left_out.is_empty() {
            continue;
        }
        let xml = read.to_xml();
        let again = PrivateParams::from_xml(&xml, Version::CURRENT, made::INSTANCE);
        let again = again.expect("what we write can be read");
        assert_eq!(again.trusted_anchors, read.trusted_anchors);
        assert_eq!(again.management_service, read.management_service);
        assert_eq!(again.to_xml(), xml);
    }
}

/// The same of the optional parts, as far as we write them.
pub fn optional_params(data: &[u8]) {
    if let Ok(read) = FetchInterval::from_xml(data) {
        assert_eq!(FetchInterval::from_xml(&read.to_xml()).ok(), Some(read));
    }
    if let Ok(read) = NextUpdate::from_xml(data) {
        assert_eq!(NextUpdate::from_xml(&read.to_xml()).ok(), Some(read));
    }
    let _monitoring = Monitoring::from_xml(data);
}

/// Metadata written and read again is the same.
pub fn disk_metadata(data: &[u8]) {
    let Ok(read) = Metadata::from_json(data, "part.metadata") else {
        return;
    };
    let _version = read.version();
    assert_eq!(Metadata::from_json(&read.to_json(), "x").ok(), Some(read));
}
