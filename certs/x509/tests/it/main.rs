//! The crate from outside: certificates that another implementation's authorities made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use certs_x509::{Certificate, chain};

/// Everything in these folders that is a certificate is read, and makes a path to its issuer at the
/// time it was made.
#[test]
fn reads_the_certificates_of_another_implementation_and_finds_their_paths() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the vectors are no part of the project"
    )]
    let Ok(vectors) = std::env::var("KARVAN_XROAD_VECTORS") else {
        eprintln!("not run: KARVAN_XROAD_VECTORS is not set");
        return;
    };
    let mut certificates = BTreeMap::new();
    for folder in ["globalconf", "signatures", "asic"] {
        collect(&Path::new(&vectors).join(folder), &mut certificates);
    }
    assert!(certificates.len() >= 15, "{}", certificates.len());

    let mut paths = 0;
    for leaf in certificates.values() {
        let issuer = certificates
            .values()
            .find(|issuer| issuer.subject() == leaf.issuer() && leaf.is_signed_by(issuer));
        if let Some(issuer) = issuer {
            let path = chain::verify(leaf, &[], issuer, leaf.not_before()).unwrap();
            assert_eq!(path.certificates(), std::slice::from_ref(leaf));
            paths += 1;
        }
    }
    assert!(paths >= 10, "{paths}");
}

/// Takes every long base64 text between two tags that turns out to be a certificate.
fn collect(folder: &Path, certificates: &mut BTreeMap<Vec<u8>, Certificate>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, certificates);
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for piece in text.split(['<', '>']) {
            let base64 = piece.replace("&#13;", "").replace("&#xD;", "");
            let base64: String = base64.split_whitespace().collect();
            if !base64.starts_with("MII") {
                continue;
            }
            let lines: Vec<_> = base64
                .as_bytes()
                .chunks(64)
                .map(String::from_utf8_lossy)
                .collect();
            let pem = format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                lines.join("\n")
            );
            // OCSP responses and signature values look alike from here.
            if let Ok(certificate) = Certificate::from_pem(&pem) {
                certificates.insert(certificate.der().to_vec(), certificate);
            }
        }
    }
}
