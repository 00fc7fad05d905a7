use certs_keys::{KeyKind, SoftKey};
use proptest::prelude::*;

use super::*;
use crate::attribute;

const SUBJECT: [(&str, &str); 3] = [
    (attribute::COUNTRY, "AZ"),
    (attribute::ORGANIZATION, "GOV"),
    (attribute::COMMON_NAME, "12, +3"),
];

#[test]
fn says_what_it_was_made_of() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
        let key = SoftKey::generate(kind).unwrap();
        for (usage, dns_name) in [(Usage::Sign, None), (Usage::Auth, Some("node.example"))] {
            let der = make(&key, usage, &SUBJECT, dns_name).unwrap();
            let verified = verify(&der).unwrap();
            assert_eq!(verified.public_key(), key.public_key());
            assert_eq!(verified.usage(), Some(usage));
            assert_eq!(
                verified.subject(),
                &Name::from_attributes(&SUBJECT).unwrap()
            );
            assert_eq!(verified.dns_names(), dns_name.as_slice());
        }
    }
}

#[test]
fn asks_for_the_key_usage_that_authorities_of_the_network_expect() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let der = hex::encode(make(&key, Usage::Sign, &SUBJECT, None).unwrap());
    assert!(der.contains("0603551d0f040403020244"), "{der}");
    let der = hex::encode(make(&key, Usage::Auth, &SUBJECT, None).unwrap());
    assert!(der.contains("0603551d0f0404030204b0"), "{der}");
}

#[test]
fn comes_back_from_pem() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let der = make(&key, Usage::Sign, &SUBJECT, None).unwrap();
    let pem = to_pem(&der);
    assert!(pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    assert_eq!(from_pem(&pem).unwrap(), der);
    let old = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(from_pem(&old).unwrap(), der);
    assert!(from_pem(&pem.replace("CERTIFICATE REQUEST", "CERTIFICATE")).is_err());
}

#[test]
fn refuses_a_request_that_somebody_else_signed() {
    let (key, other) = (
        SoftKey::generate(KeyKind::P256),
        SoftKey::generate(KeyKind::P256),
    );
    let (key, other) = (key.unwrap(), other.unwrap());
    let der = make(&key, Usage::Sign, &SUBJECT, None).unwrap();
    // The other key in place of the one that signed; both have the same length.
    let at = der
        .windows(65)
        .position(|bits| bits == key.public_key().key_bits())
        .unwrap();
    let mut swapped = der;
    swapped[at..at + 65].copy_from_slice(other.public_key().key_bits());
    assert!(matches!(
        verify(&swapped),
        Err(X509Error::Request(Error::BadSignature))
    ));
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let der = make(&key, Usage::Auth, &SUBJECT, Some("node.example")).unwrap();
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x01;
        assert!(verify(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_request_without_key_usage_asks_for_nothing() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let subject = Name::from_attributes(&SUBJECT).unwrap();
    let spki = key.public_key().spki_der();
    let info = encode_sequence(&[
        &encode_unsigned(&[0]),
        subject.der(),
        spki,
        &encode(context(TagNumber::N0), &[]),
    ]);
    let verified = verify(&signed(&key, &info)).unwrap();
    assert_eq!(verified.usage(), None);
    assert!(verified.dns_names().is_empty());
    let version_2 = encode_sequence(&[&encode_unsigned(&[1]), subject.der(), spki]);
    assert!(matches!(
        verify(&signed(&key, &version_2)),
        Err(X509Error::Malformed { .. })
    ));
}

#[test]
fn refuses_what_is_not_exactly_one_request() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let mut der = make(&key, Usage::Sign, &SUBJECT, None).unwrap();
    der.push(0);
    assert!(matches!(verify(&der), Err(X509Error::Malformed { .. })));
    assert!(verify(&[]).is_err());
    assert!(matches!(
        verify(&vec![0x30; 40_000]),
        Err(X509Error::TooLarge { .. })
    ));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(&noise).is_err());
    }
}

fn signed(key: &SoftKey, info: &[u8]) -> Vec<u8> {
    let algorithm = default_algorithm(key.public_key(), DigestAlgorithm::Sha256);
    let signature = key
        .sign(algorithm, &Digest::of(algorithm.digest(), info))
        .unwrap();
    let identifier = algorithm::signature_identifier(algorithm).to_der().unwrap();
    encode_sequence(&[info, &identifier, &asn1::encode_bits(&signature.to_der())])
}
