use super::*;

/// Signs with every algorithm that fits, verifies, and refuses to verify another digest.
#[track_caller]
fn check_signs(key: &SoftKey, algorithms: &[SignatureAlgorithm]) {
    for &algorithm in algorithms {
        let digest = Digest::of(algorithm.digest(), b"message");
        let signature = key.sign(algorithm, &digest).unwrap();
        let public = PublicKey::from_spki(key.public_key().spki_der()).unwrap();
        assert_eq!(
            public.verify(algorithm, &digest, &signature),
            Ok(()),
            "{algorithm}"
        );
        let der = Signature::from_der(algorithm, &signature.to_der()).unwrap();
        assert_eq!(
            public.verify(algorithm, &digest, &der),
            Ok(()),
            "{algorithm}"
        );
        let other = Digest::of(algorithm.digest(), b"massage");
        assert_eq!(
            public.verify(algorithm, &other, &signature),
            Err(Error::BadSignature),
            "{algorithm}"
        );
    }
}

#[test]
fn every_curve_signs_with_every_new_digest() {
    for (kind, value_bytes) in [
        (KeyKind::P256, 64),
        (KeyKind::P384, 96),
        (KeyKind::P521, 132),
    ] {
        let key = SoftKey::generate(kind).unwrap();
        assert_eq!(key.public_key().kind(), Some(kind));
        check_signs(&key, &NEW_DIGESTS.map(SignatureAlgorithm::Ecdsa));
        let digest = Digest::of(DigestAlgorithm::Sha512, b"message");
        let signature = key
            .sign(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512), &digest)
            .unwrap();
        assert_eq!(signature.to_xmldsig().len(), value_bytes);
    }
}

#[test]
fn rsa_signs_with_both_paddings_and_comes_back_from_its_sealed_form() {
    let key = SoftKey::generate(KeyKind::Rsa2048).unwrap();
    assert_eq!(key.public_key().kind(), Some(KeyKind::Rsa2048));
    check_signs(&key, &NEW_DIGESTS.map(SignatureAlgorithm::RsaPkcs1));
    check_signs(&key, &NEW_DIGESTS.map(SignatureAlgorithm::RsaPss));

    let pin = Pin::new("1234".to_owned());
    let pem = key.to_encrypted_pem(&pin).unwrap();
    let again = SoftKey::from_encrypted_pem(&pem, &pin).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    check_signs(
        &again,
        &[SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512)],
    );
}

#[test]
fn p256_with_sha_512_signs_the_left_most_256_bits() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let long = Digest::of(DigestAlgorithm::Sha512, b"message");
    let signature = key
        .sign(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512), &long)
        .unwrap();
    let front = Digest::from_bytes(DigestAlgorithm::Sha256, &long.as_bytes()[..32]).unwrap();
    let as_sha_256 = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    assert_eq!(
        key.public_key().verify(as_sha_256, &front, &signature),
        Ok(())
    );
}

#[test]
fn refuses_to_sign_with_what_is_only_verified() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha224] {
        let algorithm = SignatureAlgorithm::Ecdsa(digest);
        assert_eq!(
            key.sign(algorithm, &Digest::of(digest, b"message")),
            Err(Error::UnsupportedAlgorithm { algorithm })
        );
    }
}

#[test]
fn refuses_an_algorithm_of_another_family_and_a_digest_of_another_algorithm() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
    let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    assert_eq!(
        key.sign(algorithm, &digest),
        Err(Error::UnsupportedAlgorithm { algorithm })
    );
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);
    assert_eq!(
        key.sign(algorithm, &digest),
        Err(Error::DigestMismatch {
            algorithm,
            digest: DigestAlgorithm::Sha256
        })
    );
}

#[test]
fn a_sealed_key_opens_with_its_pin_alone() {
    let key = SoftKey::generate(KeyKind::P384).unwrap();
    let pin = Pin::new("Gizli söz 1".to_owned());
    let pem = key.to_encrypted_pem(&pin).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let again = SoftKey::from_encrypted_pem(&pem, &pin).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(
        *again.to_pkcs8_der_unchecked().unwrap(),
        *key.to_pkcs8_der_unchecked().unwrap()
    );
    let wrong = Pin::new("Gizli söz 2".to_owned());
    assert_eq!(
        SoftKey::from_encrypted_pem(&pem, &wrong).unwrap_err(),
        Error::WrongPin
    );
}

#[test]
fn keys_under_one_pin_share_the_salt_and_no_octet_of_what_is_sealed() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let pin = Pin::new("1234".to_owned());
    let sealed = [(); 2].map(|()| key.to_encrypted_pem(&pin).unwrap());
    let documents = sealed
        .each_ref()
        .map(|pem| SecretDocument::from_pem(pem).unwrap().1);
    let [first, second] = documents
        .each_ref()
        .map(|document| pkcs8::EncryptedPrivateKeyInfo::from_der(document.as_bytes()).unwrap());
    let parameters = |sealed: &pkcs8::EncryptedPrivateKeyInfo<'_>| {
        let parameters = sealed.encryption_algorithm.pbes2().unwrap();
        let kdf = parameters.kdf.pbkdf2().unwrap();
        let pkcs8::pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv } = parameters.encryption else {
            panic!("{parameters:?}");
        };
        (kdf.salt.to_owned(), kdf.iteration_count, *iv)
    };
    let (salt, iterations, iv) = parameters(&first);
    assert_eq!((salt.len(), iterations), (16, 600_000));
    let (same_salt, _, other_iv) = parameters(&second);
    assert_eq!(same_salt, salt);
    assert_ne!(other_iv, iv);
    let blocks = |sealed: &pkcs8::EncryptedPrivateKeyInfo<'_>| -> std::collections::BTreeSet<_> {
        let blocks = sealed.encrypted_data.chunks(16);
        blocks.map(<[u8]>::to_vec).collect()
    };
    assert!(blocks(&first).is_disjoint(&blocks(&second)));

    // What is cut is refused, not taken for a key or for a reason to stop.
    for cut in [0, 16, 17] {
        let cut = pkcs8::EncryptedPrivateKeyInfo {
            encryption_algorithm: first.encryption_algorithm.clone(),
            encrypted_data: &first.encrypted_data[..cut],
        };
        let cut = SecretDocument::try_from(cut).unwrap();
        let pem = cut.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap();
        let refused = SoftKey::from_encrypted_pem(&pem, &pin).unwrap_err();
        assert_eq!(refused, Error::WrongPin);
    }
}

#[test]
fn opens_what_openssl_has_sealed() {
    let pin = Pin::new("1234".to_owned());
    for pem in [SEALED_PBKDF2, SEALED_SCRYPT] {
        let key = SoftKey::from_encrypted_pem(pem, &pin).unwrap();
        assert_eq!(key.public_key().spki_der(), bytes(SEALED_PUBLIC));
        let wrong = Pin::new("4321".to_owned());
        assert_eq!(
            SoftKey::from_encrypted_pem(pem, &wrong).unwrap_err(),
            Error::WrongPin
        );
    }
}

#[test]
fn refuses_a_seal_that_is_weak_or_takes_too_long_to_open() {
    let pin = Pin::new("1234".to_owned());
    for pem in [SEALED_TOO_LONG, SEALED_PBE] {
        let refused = SoftKey::from_encrypted_pem(pem, &pin).unwrap_err();
        assert!(
            matches!(refused, Error::UnsupportedSeal | Error::MalformedKey { .. }),
            "{refused:?}"
        );
    }
    assert_eq!(
        SoftKey::from_encrypted_pem(SEALED_TOO_LONG, &pin).unwrap_err(),
        Error::UnsupportedSeal
    );
}

#[test]
fn a_plain_key_comes_back_and_is_not_taken_for_a_sealed_one() {
    let key = SoftKey::generate(KeyKind::P521).unwrap();
    let pem = key.to_plain_pem_unchecked().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let again = SoftKey::from_plain_pem(&pem).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    let refused = SoftKey::from_encrypted_pem(&pem, &Pin::new("1234".to_owned())).unwrap_err();
    assert_eq!(refused, Error::MalformedKey { structure: "PEM" });
    let refused = SoftKey::from_plain_pem(SEALED_PBKDF2).unwrap_err();
    assert_eq!(refused, Error::MalformedKey { structure: "PEM" });
}

#[test]
fn refuses_keys_that_may_not_sign() {
    assert_eq!(
        SoftKey::from_pkcs8_der(&bytes(RSA_1024)).unwrap_err(),
        Error::RsaSize {
            bits: 1024,
            bits_min: 2048,
            bits_max: 8192
        }
    );
    assert_eq!(
        SoftKey::from_plain_pem(SECP256K1).unwrap_err(),
        Error::UnsupportedKey {
            oid: "1.3.132.0.10".to_owned()
        }
    );
    assert!(SoftKey::from_pkcs8_der(&[]).is_err());
    assert!(SoftKey::from_plain_pem("").is_err());
}

#[test]
fn says_nothing_secret_when_printed() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    assert_eq!(format!("{key:?}"), "SoftKey(PublicKey(P256))");
    assert_eq!(format!("{:?}", Pin::new("1234".to_owned())), "Pin");
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const NEW_DIGESTS: [DigestAlgorithm; 3] = [
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

// Throw-away keys that protect nothing, sealed by openssl 3.0 under the PIN 1234.
/// `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 2048`
const SEALED_PBKDF2: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAibexJzSv0A7wICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGZx0iAgQTit99eNYrZI+gEEgZA4
TiucrH2n7JWbrLysR1IsG1ZjX5r9t2Kfif0vOuuoVKKZ57YIyt9mIq5yW/BFP5BR
g2pGdRK/ToCrq9HAPncD1oJ7F93sP9Tb+Kf0iYdCmQ2p7Z18lcDL4Stvc2drvatn
zbHqzQOlP4mB1kCmKQsNfas0wDpKOMqOZJP9D+SnFnO5/LErCuewt2qBCgSmba4=
-----END ENCRYPTED PRIVATE KEY-----
";
/// `openssl pkcs8 -topk8 -scrypt`
const SEALED_SCRYPT: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAhZT0TQiwtI0QICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBBM7Zh7I/ey23wH4res2wUnBIGQGvEqbo+P2Y6/
6SEtKbTvoamn6TFwNdHhqwP15iZwx5Szz5W6RBlClA0U6RjVqm4Dpj56iNoprNcL
NeiyRsgDg0fMSseAHPqfLAS0XWq3vgYBTNaT1BPuNeE+c+d64MWXuKaqHIHBty5w
bKWG4ZuDsnJb+RCOByv4q2lQyTXyOYOIdUcNzOHFWy8U00IdOn3T
-----END ENCRYPTED PRIVATE KEY-----
";
/// `… -iter 20000000`
const SEALED_TOO_LONG: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHuMFkGCSqGSIb3DQEFDTBMMCsGCSqGSIb3DQEFDDAeBAjgaTBZwuD14AIEATEt
ADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQuIQwykRptDpa6buddnLbQwSB
kDtKiyci9nM44NhqNRNRoOxMGr5uz5c/ziK9IfXIxyIQfh2pC5WeJuUN5qgoh29n
PcWXF3B7MmzeRm/ICMlg1XKXZcHIZWbHwe/bXeK/szb0Th/38edxGFAeT4TIHUTA
tRdSK02ALEtDQfsI0Ro0C+zM78vhES24SZDY8uICE0UhZ70y5CleF9TT11H5LPRl
7g==
-----END ENCRYPTED PRIVATE KEY-----
";
/// `… -v1 PBE-SHA1-3DES`
const SEALED_PBE: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGxMBwGCiqGSIb3DQEMAQMwDgQIJumcYIMfU3oCAggABIGQ/rbF1XePHo/Tru0S
Bs+T6EPnQEOS7N/06lZ5N1aaTEjix+yGGXjtmYuUmzsPdLijzG0KB5zECAde4rGz
80AtmBUcnAmL8U9EMJamNNmDMU8yqei7N7sMq+NO5y0nYU6Tkb1cWlyxulcfprFC
2yi6KYtCFJblYAux/IZ+kT2Xt4ZV3PUtENO9tKx5e2XRqL2H
-----END ENCRYPTED PRIVATE KEY-----
";
/// `On secp256k1`
const SECP256K1: &str = "\
-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg6aG7k7Pen9qPnzm3yALO
rFRZKz5Zq+IlXCh3w6qPkNOhRANCAAR//pLCl72uoU+jcJpbuJVryucp06nsNFWi
Z9mqYUQV5LT5O/UE+QU4yAhGBxhEFfc1TKnV7oQ8F0rdCLoDzKC8
-----END PRIVATE KEY-----
";
const RSA_1024: &str = "30820277020100300d06092a864886f70d0101010500048202613082025d02010002818100b5b8991fc887\
     1b930c2fb2395502aa2b96833691aa85fd52e56a2cf44e7a13740be1388d363fbba4669c2c256daccaf411\
     349b91e2a57133557af39d1d98909829fdd1710eb1d76c2303335288f239ec38c07c6649a5ddf708a93670\
     91085657b6ce971b2634f3d3c98ea9e31d4f2ecb790e29de9f160cb9930f2d42694f51b102030100010281\
     8038766a05891e09c04fda060b70518aa44e78e89cac1a43d2dcfb778a5553f2f56cb78705c1645e1e3fcf\
     a89bdc8f02e480f012a26a84b33e9b01bfee028323f1cd9054abcca9d6991af79a693f47c572ed1563bf36\
     af118237f95ebffa595b2ef55def95e62de38ec562fd59939d56a5800d818f1cabc7ac06b4fe9fd2949f4d\
     024100dcc65ef6b8d523157daf3fba7ec123a2bbb69be384f7bd6c98c02b573c280d265b91625d20bc0bc6\
     8c4b0a140ae99ed806847102fbda5e793550e43265718a8f024100d2b70f8fa72b2caa00a0cf9710268aee\
     a67be1621d2500fb5d1ee11e05040559ee6b31c0938fca5c815e6499de4cd7c3639d7a31360c57ec54d461\
     eb5a647fbf024100817149928cd2628ca23153432c385f85755bded0aa507adea63cddec7ad7dcc5e5a03b\
     34f11170320c659ed61b83d85f3e8afe9bca40c16d7da61cf5b366bbdf0240582519ce56f8b99357f5ed40\
     dd11b276889033c50e3a07821eff26de9eec82ac8f0eaa5e4b9c0fe3c87e4b090eb4086204cec069cb9938\
     42756dee943c58e4130241008f396593e05d907200b516d0fea9db71cfdfd8e6a6de14eb7847ae729e2fec\
     0c53a7762383f2171655f669ec6d9bd095519df588b4acca14a0461d1279599e28";
const SEALED_PUBLIC: &str = "3059301306072a8648ce3d020106082a8648ce3d03010703420004cca0c01499773d09b6f8865b6a1c7e15\
     184e5c0eb468310b109fd8ac3353796709a9b6c3230741b6b9bc1b947546d927d8d5025d63cac7df222f98\
     6a18fbe4c0";
