use certs_keys::{KeyKind, SigningKey, SoftKey};
use proptest::prelude::*;

use super::*;
use crate::builder::{Builder, KeyUse, extension};
use crate::{asn1, attribute};

#[test]
fn comes_back_from_pem_even_behind_a_description() {
    let made = certificate();
    let pem = made.to_pem();
    assert_eq!(Certificate::from_pem(&pem).unwrap(), made);
    let described = format!("Subject: somebody\n\n{pem}\n");
    assert_eq!(Certificate::from_pem(&described).unwrap(), made);
    assert!(Certificate::from_pem(&format!("{pem}{pem}")).is_err());
    assert!(Certificate::from_pem(&pem.replace("CERTIFICATE", "X509 CRL")).is_err());
    assert!(Certificate::from_pem("").is_err());
}

#[test]
fn digests_are_those_of_the_whole() {
    let made = certificate();
    assert_eq!(*made.sha1(), Digest::of(DigestAlgorithm::Sha1, made.der()));
    assert_eq!(
        *made.sha256(),
        Digest::of(DigestAlgorithm::Sha256, made.der())
    );
}

#[test]
fn a_certificate_without_key_usage_is_neither_for_signing_nor_for_authentication() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let bare = Builder::sign_profile(name(), key.public_key()).key_usage(&[]);
    let bare = bare.validity(at(0), at(1)).self_sign(&key).unwrap();
    assert!(matches!(bare.is_signing(), Err(Error::NoKeyUsage)));
    assert!(matches!(bare.is_auth(), Err(Error::NoKeyUsage)));
    // clientAuth alone is enough, whatever the key usage.
    let client = Builder::tls(name(), key.public_key()).key_usage(&[KeyUse::NonRepudiation]);
    let client = client.validity(at(0), at(1)).self_sign(&key).unwrap();
    assert!(client.is_auth().unwrap() && client.is_signing().unwrap());
}

#[test]
fn is_valid_from_the_first_to_the_last_second() {
    let made = certificate();
    assert!(!made.is_valid_at(at(-1)) && made.is_valid_at(at(0)));
    assert!(made.is_valid_at(at(10)) && !made.is_valid_at(at(11)));
}

#[test]
fn prints_serial_numbers_of_any_length_and_sign() {
    for (content, expected) in [
        ("00", "0"),
        ("7f", "127"),
        ("0080", "128"),
        ("80", "-128"),
        ("ff", "-1"),
        ("fb", "-5"),
        (
            "00ffffffffffffffffffffffffffffffff",
            "340282366920938463463374607431768211455",
        ),
    ] {
        assert_eq!(decimal(&hex::decode(content).unwrap()), expected);
    }
}

#[test]
fn tolerates_a_negative_serial_number() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let positive = Builder::ca(name(), key.public_key())
        .serial(&[0x05])
        .validity(at(0), at(1))
        .self_sign(&key)
        .unwrap();
    let mut der = positive.der().to_vec();
    let serial = der.windows(3).position(|bytes| bytes == [2, 1, 5]).unwrap() + 2;
    der[serial] = 0xfb;
    let negative = Certificate::from_der(&der).unwrap();
    assert_eq!(negative.serial_decimal(), "-5");
    assert_eq!(negative.serial(), [0xfb]);
    assert!(!negative.is_signed_by(&positive));
}

#[test]
fn refuses_an_extension_that_stands_there_twice() {
    let oid = const_oid::ObjectIdentifier::new_unwrap("2.5.29.14");
    let one = extension(oid, false, &asn1::encode_octets(&[1]));
    let refused = with_extensions(&[one.clone(), one].concat()).unwrap_err();
    assert!(matches!(refused, Error::DuplicateExtension { oid } if oid == "2.5.29.14"));
}

#[test]
fn remembers_a_critical_extension_that_nobody_knows() {
    let oid = const_oid::ObjectIdentifier::new_unwrap("1.2.3.4");
    let made = with_extensions(&extension(oid, true, asn1::NULL)).unwrap();
    assert_eq!(made.unknown_critical_extension(), Some("1.2.3.4"));
    let made = with_extensions(&extension(oid, false, asn1::NULL)).unwrap();
    assert_eq!(made.unknown_critical_extension(), None);
    assert!(made.has_extension("1.2.3.4"));
}

#[test]
fn refuses_an_unreadable_key_usage() {
    let oid = const_oid::ObjectIdentifier::new_unwrap("2.5.29.15");
    assert!(matches!(
        with_extensions(&extension(oid, false, asn1::NULL)),
        Err(Error::Malformed { .. })
    ));
}

#[test]
fn refuses_what_is_not_exactly_one_certificate() {
    let made = certificate();
    let mut long = made.der().to_vec();
    long.push(0);
    assert!(matches!(
        Certificate::from_der(&long),
        Err(Error::Malformed { .. })
    ));
    assert!(Certificate::from_der(&made.der()[..made.der().len() - 1]).is_err());
    assert!(Certificate::from_der(&[]).is_err());
    let huge = vec![0x30; CERTIFICATE_BYTES_MAX + 1];
    assert!(matches!(
        Certificate::from_der(&huge),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn no_changed_byte_makes_it_panic_or_verify() {
    let made = certificate();
    for at in 0..made.der().len() {
        let mut der = made.der().to_vec();
        der[at] ^= 0x01;
        if let Ok(changed) = Certificate::from_der(&der) {
            assert!(!changed.is_signed_by(&made), "byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Certificate::from_der(&noise).is_err());
    }
}

fn certificate() -> Certificate {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let builder = Builder::ca(name(), key.public_key()).validity(at(0), at(10));
    builder
        .ocsp_url("http://ocsp.example")
        .dns_name("a.example")
        .self_sign(&key)
        .unwrap()
}

/// A certificate with these extensions and a signature of nobody.
fn with_extensions(extensions: &[u8]) -> Result<Certificate, Error> {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let identifier = der::Encode::to_der(&algorithm::signature_identifier(algorithm)).unwrap();
    let tbs = asn1::encode_sequence(&[
        &[0xa0, 3, 2, 1, 2, 2, 1, 1],
        &identifier,
        name().der(),
        &asn1::encode_sequence(&[&asn1::encode_time(at(0)), &asn1::encode_time(at(1))]),
        name().der(),
        key.public_key().spki_der(),
        &asn1::encode(
            asn1::context(der::TagNumber::N3),
            &[&asn1::encode_sequence(&[extensions])],
        ),
    ]);
    let signature = asn1::encode_bits(&[0x30, 6, 2, 1, 1, 2, 1, 1]);
    Certificate::from_der(&asn1::encode_sequence(&[&tbs, &identifier, &signature]))
}

fn name() -> Name {
    Name::from_attributes(&[(attribute::COMMON_NAME, "Test")]).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000_i64.saturating_add(second)).unwrap()
}
