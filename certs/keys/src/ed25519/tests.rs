use super::*;
use crate::{KeyKind, SoftKey};

#[track_caller]
fn check_rfc_8032(seed: &str, public: &str, message: &str, signature: &str) {
    let key = Ed25519Key::from_seed(&array(seed)).unwrap();
    assert_eq!(key.public_key(), array(public));
    assert_eq!(key.sign(&bytes(message)), array(signature));
    assert!(ed25519_verify(
        &array(public),
        &bytes(message),
        &array(signature)
    ));
}

#[test]
fn agrees_with_the_examples_of_rfc_8032() {
    check_rfc_8032(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970\
         1cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
    check_rfc_8032(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613\
         d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    check_rfc_8032(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760\
         984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
}

#[test]
fn a_changed_message_signature_or_key_does_not_verify() {
    let key = Ed25519Key::generate().unwrap();
    let (public, signature) = (key.public_key(), key.sign(b"message"));
    assert!(ed25519_verify(&public, b"message", &signature));
    assert!(!ed25519_verify(&public, b"massage", &signature));
    let other = Ed25519Key::generate().unwrap();
    assert_ne!(other.public_key(), public);
    assert!(!ed25519_verify(&other.public_key(), b"message", &signature));
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!ed25519_verify(&public, b"message", &changed), "{bit}");
    }
}

#[test]
fn one_signature_is_written_in_one_way() {
    let key = Ed25519Key::generate().unwrap();
    let mut signature = key.sign(b"message");
    // The second half is a number below the order of the group: adding the order gives another
    // text for the same number.
    let order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (octet, added) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*octet) + u16::from(added) + carry;
        *octet = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert!(!ed25519_verify(&key.public_key(), b"message", &signature));
}

#[test]
fn a_sealed_key_opens_with_its_pin_alone() {
    let key = Ed25519Key::generate().unwrap();
    let pin = Pin::new("Gizli söz 1".to_owned());
    let pem = key.to_encrypted_pem(&pin).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let again = Ed25519Key::from_encrypted_pem(&pem, &pin).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(again.sign(b"message"), key.sign(b"message"));
    let wrong = Pin::new("Gizli söz 2".to_owned());
    let refused = Ed25519Key::from_encrypted_pem(&pem, &wrong).unwrap_err();
    assert_eq!(refused, Error::WrongPin);
}

#[test]
fn opens_what_openssl_has_sealed() {
    let pin = Pin::new("1234".to_owned());
    let key = Ed25519Key::from_encrypted_pem(SEALED, &pin).unwrap();
    assert_eq!(key.public_key(), array(RFC_8410_PUBLIC));
}

#[test]
fn reads_and_writes_the_key_of_rfc_8410() {
    let der = bytes(&format!("{RFC_8410_HEAD}{RFC_8410_SEED}"));
    let key = Ed25519Key::from_pkcs8_der(&der).unwrap();
    assert_eq!(key.public_key(), array(RFC_8410_PUBLIC));
    assert_eq!(*key.to_pkcs8_der_unchecked().unwrap(), der);
}

#[test]
fn reads_a_key_with_its_public_key_and_refuses_one_with_anothers() {
    let with = |public: &str| {
        bytes(&format!(
            "3051020101300506032b657004220420{RFC_8410_SEED}812100{public}"
        ))
    };
    let key = Ed25519Key::from_pkcs8_der(&with(RFC_8410_PUBLIC)).unwrap();
    assert_eq!(key.public_key(), array(RFC_8410_PUBLIC));
    let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let refused = Ed25519Key::from_pkcs8_der(&with(other)).unwrap_err();
    let structure = "PrivateKeyInfo";
    assert_eq!(refused, Error::MalformedKey { structure });
}

#[test]
fn refuses_what_is_no_key_or_one_of_another_kind() {
    let structure = "PrivateKeyInfo";
    let der = bytes(&format!("{RFC_8410_HEAD}{RFC_8410_SEED}"));
    let short = bytes(
        "302d020100300506032b65700421041fd4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cb\
                       f1d4fbe097a88f447558",
    );
    let long = [&der[..], &[0]].concat();
    for bad in [&[][..], &der[..47], &long, &short, &[0x30; 9000]] {
        let refused = Ed25519Key::from_pkcs8_der(bad).unwrap_err();
        assert_eq!(refused, Error::MalformedKey { structure });
    }
    let pin = Pin::new("1234".to_owned());
    let other = SoftKey::generate(KeyKind::P256).unwrap();
    let pem = other.to_encrypted_pem(&pin).unwrap();
    let refused = Ed25519Key::from_encrypted_pem(&pem, &pin).unwrap_err();
    let oid = "1.2.840.10045.2.1".to_owned();
    assert_eq!(refused, Error::UnsupportedKey { oid });
    let refused = SoftKey::from_pkcs8_der(&der).unwrap_err();
    let oid = "1.3.101.112".to_owned();
    assert_eq!(refused, Error::UnsupportedKey { oid });
}

#[test]
fn says_nothing_secret_when_printed() {
    let key = Ed25519Key::from_seed(&array(RFC_8410_SEED)).unwrap();
    assert_eq!(format!("{key:?}"), format!("Ed25519Key({RFC_8410_PUBLIC})"));
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

/// The example key of RFC 8410, section 10.3.
const RFC_8410_HEAD: &str = "302e020100300506032b657004220420";
const RFC_8410_SEED: &str = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
const RFC_8410_PUBLIC: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
/// The same, sealed under the PIN 1234 by openssl 3.0:
/// `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 2048`
const SEALED: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgkbK459JrtlQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEF6bODM8D4GvT1y5Hm5QbsIEQHop
sN41IWNUuTZRaRN6SrMi1c4cfoWx3PM5DHym0QUOBquKLkahAPC5s5LQKdLNoVQP
1KnETIeTcZUwi1hzqqY=
-----END ENCRYPTED PRIVATE KEY-----
";
