//! Tokens in containers that another implementation made.
#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::fs;

use certs_keys::{Digest, DigestAlgorithm};

use crate::test_vectors::{base64, certificates, entry, folder, texts};
use crate::timestamp::{Error, Token};
use crate::{Certificate, Error as X509Error};

struct Case {
    token: Token,
    imprint: Digest,
    approved: Vec<Certificate>,
}

fn read(container: &str) -> Option<Case> {
    let folder = folder()?.join("asic");
    let bytes = fs::read(folder.join(container)).unwrap();
    let params = fs::read_to_string(folder.join("globalconf/DEV/shared-params.xml")).unwrap();
    let signatures = entry(&bytes, "META-INF/signatures.xml").unwrap();
    let signatures = String::from_utf8(signatures).unwrap();
    let (token, data) = match entry(&bytes, "META-INF/timestamp.tst") {
        Some(token) => (token, entry(&bytes, "ts-hashchainresult.xml").unwrap()),
        None => {
            let token = texts(&signatures, "xades:EncapsulatedTimeStamp");
            let value = texts(&signatures, "ds:SignatureValue");
            (base64(token[0]), base64(value[0]))
        }
    };
    let token = Token::from_der(&token).unwrap();
    let imprint = Digest::of(token.imprint().algorithm(), &data);
    Some(Case {
        token,
        imprint,
        approved: certificates(&params, "cert"),
    })
}

#[test]
fn accepts_the_time_stamps_of_the_reference_containers() {
    for container in [
        "valid-batch-ts.asice",
        "valid-non-batch-rest.asice",
        "valid-signed-message.asice",
        "valid-signed-hashchain.asice",
    ] {
        let Some(case) = read(container) else { return };
        assert_eq!(case.imprint.algorithm(), DigestAlgorithm::Sha512);
        case.token.verify(&case.imprint, &case.approved).unwrap();
        assert_eq!(case.token.certificates().len(), 1, "{container}");
    }
}

#[test]
fn refuses_the_time_stamp_of_one_container_for_another() {
    let Some(one) = read("valid-batch-ts.asice") else {
        return;
    };
    let other = read("valid-non-batch-rest.asice").unwrap();
    let refused = one.token.verify(&other.imprint, &one.approved);
    assert!(matches!(
        refused,
        Err(X509Error::Timestamp(Error::ImprintMismatch))
    ));
}

#[test]
fn reads_a_token_with_indefinite_lengths_and_knows_its_authority_not() {
    let Some(case) = read("attachments.asice") else {
        return;
    };
    assert_eq!(
        case.token.gen_time(),
        "2012-11-30T12:55:34Z".parse().unwrap()
    );
    assert_eq!(Token::from_der(case.token.der()).unwrap(), case.token);
    let imprint = *case.token.imprint();
    let refused = case.token.verify(&imprint, &case.approved);
    assert!(matches!(
        refused,
        Err(X509Error::Timestamp(Error::UnknownSigner))
    ));
}
