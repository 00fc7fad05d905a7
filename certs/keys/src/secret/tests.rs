//! Sealing: the inverse, what it refuses, and published values.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "test helpers"
)]

use proptest::prelude::any;
use proptest::{collection, proptest};

use super::{SecretKey, TAG_BYTES};
use crate::{Error, Pin};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).unwrap())
        .collect()
}

#[test]
fn agrees_with_test_case_16_of_the_gcm_specification() {
    let key = SecretKey::from_hex("feffe9928665731c6d6a8f9467308308".repeat(2)).unwrap();
    let nonce: [u8; 12] = hex("cafebabefacedbaddecaf888").try_into().unwrap();
    let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let mut bytes = hex(concat!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    ));
    key.seal(nonce, &associated, &mut bytes).unwrap();
    assert_eq!(
        bytes,
        hex(concat!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b"
        ))
    );
}

#[test]
fn derives_as_rfc_5869_says() {
    // Extract and the first block of expand are one HMAC each (RFC 5869 2.2, 2.3).
    let key = SecretKey::from_bytes([0x0b; 32]);
    let derived = key.derive(&[0, 1, 2, 3], b"purpose");
    let prk = crate::hmac_sha256(&[0, 1, 2, 3], &[0x0b; 32]);
    let block = crate::hmac_sha256(&prk, b"purpose\x01");
    assert_eq!(*derived.0, block);
}

#[test]
fn takes_64_hexadecimal_digits_only() {
    let digits = "00ff".repeat(16);
    assert_eq!(
        *SecretKey::from_hex(digits.clone()).unwrap().0,
        *SecretKey::from_hex(digits.to_uppercase()).unwrap().0
    );
    for text in [
        "",
        &digits[..62],
        &format!("{digits}00"),
        &digits.replace('f', "g"),
        &format!("{digits}\n"),
        &"ə".repeat(32),
        &"+f".repeat(32),
    ] {
        assert!(
            matches!(
                SecretKey::from_hex(text.to_owned()),
                Err(Error::MalformedKey { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn shows_nothing_of_the_key() {
    let shown = format!("{:?}", SecretKey::from_bytes([7; 32]));
    assert_eq!(shown, "SecretKey");
}

#[test]
fn another_key_nonce_or_context_does_not_open() {
    let key = SecretKey::generate();
    let mut sealed = b"plain".to_vec();
    key.seal([1; 12], b"here", &mut sealed).unwrap();
    let check = |key: &SecretKey, nonce, associated: &[u8]| {
        let mut bytes = sealed.clone();
        key.open(nonce, associated, &mut bytes).map(|()| bytes)
    };
    assert_eq!(check(&key, [1; 12], b"here"), Ok(b"plain".to_vec()));
    assert_eq!(check(&key, [2; 12], b"here"), Err(Error::BadSeal));
    assert_eq!(check(&key, [1; 12], b"there"), Err(Error::BadSeal));
    let derived = key.derive(b"salt", b"purpose");
    assert_eq!(check(&derived, [1; 12], b"here"), Err(Error::BadSeal));
    let other = key.derive(b"salt", b"other");
    assert_ne!(*derived.0, *other.0);
    assert_ne!(*derived.0, *key.derive(b"tlas", b"purpose").0);
    assert_eq!(key.fingerprint(b"x"), key.clone().fingerprint(b"x"));
    assert_ne!(key.fingerprint(b"x"), key.fingerprint(b"y"));
    assert_ne!(key.fingerprint(b"x"), derived.fingerprint(b"x"));
}

proptest! {
    #[test]
    fn opens_what_it_sealed_and_nothing_changed(
        plain in collection::vec(any::<u8>(), 0..200),
        associated in collection::vec(any::<u8>(), 0..20),
        nonce in any::<[u8; 12]>(),
        at in any::<proptest::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let key = SecretKey::generate();
        let mut bytes = plain.clone();
        key.seal(nonce, &associated, &mut bytes).unwrap();
        assert_eq!(bytes.len(), plain.len() + TAG_BYTES);
        let mut changed = bytes.clone();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        assert_eq!(key.open(nonce, &associated, &mut changed), Err(Error::BadSeal));
        let mut cut = bytes[..at].to_vec();
        assert_eq!(key.open(nonce, &associated, &mut cut), Err(Error::BadSeal));
        key.open(nonce, &associated, &mut bytes).unwrap();
        assert_eq!(bytes, plain);
    }
}

#[test]
fn authenticates_with_its_octets() {
    let key = SecretKey::from_bytes([0xaa; 32]);
    assert_eq!(
        key.hmac_sha256(b"said"),
        crate::hmac_sha256(&[0xaa; 32], b"said")
    );
    assert_ne!(key.hmac_sha256(b"said"), key.hmac_sha256(b"said "));
}

#[test]
fn a_sealed_key_opens_under_its_key_and_associated_data_only() {
    let (key, under) = (SecretKey::generate(), SecretKey::generate());
    let sealed = key.to_sealed(&under, b"1").unwrap();
    let opened = SecretKey::from_sealed(&sealed, &under, b"1").unwrap();
    assert_eq!(*opened.0, *key.0);
    assert_ne!(sealed, key.to_sealed(&under, b"1").unwrap());

    let refused = |sealed: &[u8], under: &SecretKey, associated: &[u8]| {
        assert!(matches!(
            SecretKey::from_sealed(sealed, under, associated),
            Err(Error::BadSeal)
        ));
    };
    refused(&sealed, &key, b"1");
    refused(&sealed, &under, b"2");
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        refused(&changed, &under, b"1");
        refused(&sealed[..place], &under, b"1");
    }
}

#[test]
fn a_pin_and_a_salt_make_one_key() {
    let key = |pin: &str, salt| SecretKey::from_pin(&Pin::new(pin.to_owned()), &[salt; 16]);
    assert_eq!(*key("1234", 1).0, *key("1234", 1).0);
    assert_ne!(*key("1234", 1).0, *key("1235", 1).0);
    assert_ne!(*key("1234", 1).0, *key("1234", 2).0);
}
