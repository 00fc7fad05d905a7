use certs_keys::{KeyKind, SoftKey};

use super::*;
use crate::attribute;

#[test]
fn an_authority_says_so_and_may_sign_certificates() {
    let key = key(KeyKind::P256);
    let ca = Builder::ca(name("CA"), key.public_key())
        .validity(at(0), at(1000))
        .path_len(1)
        .self_sign(&key)
        .unwrap();
    assert!(ca.is_ca() && ca.may_sign_certificates() && ca.is_self_issued());
    assert_eq!(ca.path_len(), Some(1));
    assert!(ca.is_signed_by(&ca));
    assert_eq!(ca.unknown_critical_extension(), None);
    assert_eq!((ca.not_before(), ca.not_after()), (at(0), at(1000)));
    assert!(!ca.is_signing().unwrap());
    assert!(!ca.is_auth().unwrap());
}

#[test]
fn every_profile_is_read_back_with_its_uses() {
    let ca_key = key(KeyKind::P384);
    let ca = Builder::ca(name("CA"), ca_key.public_key())
        .validity(at(0), at(1000))
        .self_sign(&ca_key)
        .unwrap();
    let key = key(KeyKind::P256);
    let issue = |make: fn(Name, &PublicKey) -> Builder| {
        let builder = make(name("leaf"), key.public_key()).validity(at(0), at(10));
        let leaf = builder
            .ocsp_url("http://ocsp.example/")
            .sign(&ca, &ca_key)
            .unwrap();
        assert!(leaf.is_signed_by(&ca) && !leaf.is_signed_by(&leaf) && !leaf.is_ca());
        assert_eq!(leaf.issuer(), ca.subject());
        assert_eq!(leaf.ocsp_url(), Some("http://ocsp.example/"));
        assert_eq!(leaf.public_key(), key.public_key());
        leaf
    };

    let sign = issue(Builder::sign_profile);
    assert!(sign.is_signing().unwrap() && !sign.is_auth().unwrap());
    let auth = issue(Builder::auth_profile);
    assert!(auth.is_auth().unwrap() && !auth.is_signing().unwrap());
    assert!(auth.has_extended_key_usage(CLIENT_AUTH));
    let responder = issue(Builder::ocsp_responder);
    assert!(responder.has_extended_key_usage(OCSP_SIGNING));
    assert!(responder.has_extension("1.3.6.1.5.5.7.48.1.5"));
    let timestamper = issue(Builder::timestamper);
    assert_eq!(timestamper.extended_key_usage(), [TIME_STAMPING]);
    assert_eq!(timestamper.unknown_critical_extension(), None);
    let tls = issue(Builder::tls);
    assert_eq!(tls.extended_key_usage(), [SERVER_AUTH, CLIENT_AUTH]);
}

#[test]
fn alternative_names_are_read_back() {
    let key = key(KeyKind::P256);
    let tls = Builder::tls(name("node"), key.public_key())
        .validity(at(0), at(10))
        .dns_name("localhost")
        .dns_name("node.example")
        .ip_address("127.0.0.1".parse().unwrap())
        .ip_address("::1".parse().unwrap())
        .self_sign(&key)
        .unwrap();
    assert_eq!(tls.dns_names(), ["localhost", "node.example"]);
    let der = hex::encode(tls.der());
    assert!(
        der.contains("87047f000001") && der.contains("871000000000"),
        "{der}"
    );
}

#[test]
fn serial_numbers_are_random_unless_given() {
    let key = key(KeyKind::P256);
    let make = || Builder::sign_profile(name("x"), key.public_key()).validity(at(0), at(1));
    let (one, two) = (
        make().self_sign(&key).unwrap(),
        make().self_sign(&key).unwrap(),
    );
    assert_ne!(one.serial(), two.serial());
    let given = make().serial(&[0, 0x80, 1]).self_sign(&key).unwrap();
    assert_eq!(given.serial(), [0x80, 1]);
    assert_eq!(given.serial_content(), [0, 0x80, 1]);
    assert_eq!(given.serial_decimal(), "32769");
}

#[test]
fn refuses_what_makes_no_certificate() {
    let (one, other) = (key(KeyKind::P256), key(KeyKind::P256));
    let make = || Builder::ca(name("x"), one.public_key()).validity(at(0), at(1));
    assert!(matches!(make().self_sign(&other), Err(Error::KeyMismatch)));
    let ca = make().self_sign(&one).unwrap();
    assert!(matches!(make().sign(&ca, &other), Err(Error::KeyMismatch)));
    assert!(matches!(
        Builder::ca(name("x"), one.public_key()).self_sign(&one),
        Err(Error::UnrepresentableValue { what: "validity" })
    ));
    assert!(matches!(
        make().serial(&[1; 21]).self_sign(&one),
        Err(Error::UnrepresentableValue { .. })
    ));
    assert!(matches!(
        make().ocsp_url("http://ə/").self_sign(&one),
        Err(Error::UnrepresentableValue { .. })
    ));
    assert!(matches!(
        make().validity(Timestamp::MIN, at(0)).self_sign(&one),
        Err(Error::UnrepresentableTime { .. })
    ));
}

#[test]
fn times_beyond_2049_are_kept() {
    let key = key(KeyKind::P256);
    let end: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
    let start: Timestamp = "2049-12-31T23:59:59Z".parse().unwrap();
    let made = Builder::ca(name("x"), key.public_key())
        .validity(start, end)
        .self_sign(&key);
    let made = made.unwrap();
    assert_eq!((made.not_before(), made.not_after()), (start, end));
}

#[test]
fn an_rsa_key_signs_with_the_digest_asked_for() {
    let key = key(KeyKind::Rsa2048);
    let made = Builder::ca(name("x"), key.public_key())
        .validity(at(0), at(1))
        .digest(DigestAlgorithm::Sha512)
        .self_sign(&key)
        .unwrap();
    assert!(made.is_signed_by(&made));
    assert_eq!(
        made.signature_algorithm(),
        Some(certs_keys::SignatureAlgorithm::RsaPkcs1(
            DigestAlgorithm::Sha512
        ))
    );
}

fn key(kind: KeyKind) -> SoftKey {
    SoftKey::generate(kind).unwrap()
}

fn name(text: &str) -> Name {
    Name::from_attributes(&[(attribute::COMMON_NAME, text)]).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000_i64.saturating_add(second)).unwrap()
}
