//! OCSP responses in signatures that another implementation made.
#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::fs;

use jiff::Timestamp;

use super::refusal;
use crate::Certificate;
use crate::ocsp::{Error, Policy, Response, Status, verify_freshness, verify_good, verify_origin};
use crate::test_vectors::{base64, certificates, entry, folder, texts};

struct Case {
    response: Response,
    certificate: Certificate,
    issuer: Certificate,
    configured: Vec<Certificate>,
}

fn read(container: &str) -> Option<Case> {
    let folder = folder()?.join("asic");
    let params = fs::read_to_string(folder.join("globalconf/DEV/shared-params.xml")).unwrap();
    let configured = certificates(&params, "cert");
    let bytes = fs::read(folder.join(container)).unwrap();
    let signatures = entry(&bytes, "META-INF/signatures.xml").unwrap();
    let signatures = String::from_utf8(signatures).unwrap();
    let certificate = certificates(&signatures, "ds:X509Certificate").swap_remove(0);
    let response = base64(texts(&signatures, "xades:EncapsulatedOCSPValue")[0]);
    let issuer = configured
        .iter()
        .find(|one| one.is_ca() && one.subject() == certificate.issuer())
        .unwrap()
        .clone();
    let response = Response::from_der(&response).unwrap();
    Some(Case {
        response,
        certificate,
        issuer,
        configured,
    })
}

#[test]
fn accepts_the_responses_of_the_reference_containers() {
    for (container, at) in [
        ("valid-batch-ts.asice", "2024-12-05T07:34:14Z"),
        ("valid-non-batch-rest.asice", "2024-07-11T12:51:12Z"),
        ("valid-signed-message.asice", "2024-12-05T13:16:35Z"),
    ] {
        let Some(case) = read(container) else { return };
        let at: Timestamp = at.parse().unwrap();
        let policy = Policy {
            responders: &[],
            candidates: &case.configured,
            freshness_seconds: 3600,
            verify_next_update: true,
        };
        assert_eq!(case.response.status(), Status::Good);
        verify_good(&case.response, &case.certificate, &case.issuer, &policy, at).unwrap();
        let bare = Policy {
            candidates: &[],
            ..policy
        };
        verify_origin(&case.response, &case.certificate, &case.issuer, &bare).unwrap();
        let late = at + jiff::SignedDuration::from_hours(2);
        assert!(matches!(
            refusal(verify_freshness(&case.response, &policy, late)),
            Error::TooOld { .. }
        ));
    }
}

#[test]
fn reads_the_responses_of_the_reference_signatures() {
    let Some(folder) = folder() else { return };
    for file in ["sign-0.xml", "batch-sig.xml", "xades.signature.ts.xml"] {
        let xml = fs::read_to_string(folder.join("signatures").join(file)).unwrap();
        let mut found = texts(&xml, "xades:EncapsulatedOCSPValue");
        found.extend(texts(&xml, "ds:EncapsulatedOCSPValue"));
        assert!(!found.is_empty(), "{file}");
        for text in found {
            let der = base64(text);
            let response = Response::from_der(&der).unwrap();
            assert_eq!(response.der(), der);
            assert_eq!(response.status(), Status::Good);
            assert_eq!(response.next_update(), None);
        }
    }
}
