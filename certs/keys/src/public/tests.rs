use proptest::prelude::*;

use super::*;
use crate::{SigningKey, SoftKey, default_algorithm};

#[track_caller]
fn check(spki: &str, algorithm: SignatureAlgorithm, signature: &str, expected: Result<(), Error>) {
    let key = PublicKey::from_spki(&bytes(spki)).unwrap();
    let digest = Digest::of(algorithm.digest(), b"sample");
    let signature = Signature::from_xmldsig(algorithm, &bytes(signature)).unwrap();
    assert_eq!(key.verify(algorithm, &digest, &signature), expected);
}

#[test]
fn verifies_p256_with_every_digest_as_rfc_6979_signs_it() {
    let signed = [
        (
            DigestAlgorithm::Sha1,
            "61340C88C3AAEBEB4F6D667F672CA9759A6CCAA9FA8811313039EE4A35471D32\
             6D7F147DAC089441BB2E2FE8F7A3FA264B9C475098FDCF6E00D7C996E1B8B7EB",
        ),
        (
            DigestAlgorithm::Sha224,
            "53B2FFF5D1752B2C689DF257C04C40A587FABABB3F6FC2702F1343AF7CA9AA3F\
             B9AFB64FDC03DC1A131C7D2386D11E349F070AA432A4ACC918BEA988BF75C74C",
        ),
        (
            DigestAlgorithm::Sha256,
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
             F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            DigestAlgorithm::Sha384,
            "0EAFEA039B20E9B42309FB1D89E213057CBF973DC0CFC8F129EDDDC800EF7719\
             4861F0491E6998B9455193E34E7B0D284DDD7149A74B95B9261F13ABDE940954",
        ),
        (
            DigestAlgorithm::Sha512,
            "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F00\
             2362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE",
        ),
    ];
    for (digest, signature) in signed {
        check(
            RFC_6979_P256,
            SignatureAlgorithm::Ecdsa(digest),
            signature,
            Ok(()),
        );
        let other = if digest == DigestAlgorithm::Sha512 {
            DigestAlgorithm::Sha256
        } else {
            DigestAlgorithm::Sha512
        };
        check(
            RFC_6979_P256,
            SignatureAlgorithm::Ecdsa(other),
            signature,
            Err(Error::BadSignature),
        );
    }
}

#[test]
fn verifies_rsa_signatures_that_openssl_made() {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{RsaPkcs1, RsaPss};
    check(RSA_2048, RsaPkcs1(Sha256), RSA_2048_PKCS1_SHA256, Ok(()));
    check(RSA_2048, RsaPss(Sha512), RSA_2048_PSS_SHA512, Ok(()));
    check(
        RSA_2048,
        RsaPkcs1(Sha512),
        RSA_2048_PKCS1_SHA256,
        Err(Error::BadSignature),
    );
    check(
        RSA_2048,
        RsaPss(Sha256),
        RSA_2048_PKCS1_SHA256,
        Err(Error::BadSignature),
    );
    check(
        RSA_2048,
        RsaPkcs1(Sha512),
        RSA_2048_PSS_SHA512,
        Err(Error::BadSignature),
    );
    check(RSA_1024, RsaPkcs1(Sha1), RSA_1024_PKCS1_SHA1, Ok(()));
    check(RSA_1024, RsaPkcs1(Sha256), RSA_1024_PKCS1_SHA256, Ok(()));
    check(
        RSA_2048,
        RsaPkcs1(Sha256),
        RSA_1024_PKCS1_SHA256,
        Err(Error::BadSignature),
    );
    let algorithm = RsaPkcs1(Sha384);
    check(
        RSA_1024,
        algorithm,
        RSA_1024_PKCS1_SHA256,
        Err(Error::UnsupportedAlgorithm { algorithm }),
    );
}

#[test]
fn refuses_a_signature_of_the_other_family() {
    let rsa = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    let ecdsa = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    check(
        RFC_6979_P256,
        rsa,
        RSA_2048_PKCS1_SHA256,
        Err(Error::UnsupportedAlgorithm { algorithm: rsa }),
    );
    check(
        RSA_2048,
        ecdsa,
        "0102",
        Err(Error::UnsupportedAlgorithm { algorithm: ecdsa }),
    );
    let key = PublicKey::from_spki(&bytes(RSA_2048)).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"sample");
    let pair = Signature::from_xmldsig(ecdsa, &[1, 2]).unwrap();
    assert_eq!(
        key.verify(rsa, &digest, &pair),
        Err(Error::MalformedSignature { algorithm: rsa })
    );
}

#[test]
fn refuses_a_digest_of_another_algorithm() {
    let key = PublicKey::from_spki(&bytes(RSA_2048)).unwrap();
    let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    let digest = Digest::of(DigestAlgorithm::Sha512, b"sample");
    let signature = Signature::from_xmldsig(algorithm, &bytes(RSA_2048_PKCS1_SHA256)).unwrap();
    assert_eq!(
        key.verify(algorithm, &digest, &signature),
        Err(Error::DigestMismatch {
            algorithm,
            digest: DigestAlgorithm::Sha512
        })
    );
}

#[test]
fn says_of_itself_what_it_was_read_from() {
    let spki = bytes(RSA_2048);
    let key = PublicKey::from_spki(&spki).unwrap();
    assert_eq!(key.spki_der(), spki);
    assert_eq!(key.key_bits(), &spki[24..]);
    assert_eq!(key.kind(), Some(KeyKind::Rsa2048));
    assert!(key.is_rsa() && key.is_strong());
    assert_eq!(
        default_algorithm(&key, DigestAlgorithm::Sha512),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512)
    );

    let key = PublicKey::from_spki(&bytes(RFC_6979_P256)).unwrap();
    assert_eq!(key.key_bits().len(), 65);
    assert_eq!(key.kind(), Some(KeyKind::P256));
    assert!(!key.is_rsa() && key.is_strong());
    assert_eq!(
        default_algorithm(&key, DigestAlgorithm::Sha512),
        SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)
    );

    let old = PublicKey::from_spki(&bytes(RSA_1024)).unwrap();
    assert_eq!(old.kind(), None);
    assert!(!old.is_strong());
}

#[test]
fn refuses_keys_that_it_does_not_take() {
    assert!(matches!(
        PublicKey::from_spki(&bytes(RSA_512)),
        Err(Error::RsaSize { bits: 512, .. })
    ));
    let ed25519 =
        "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(
        PublicKey::from_spki(&bytes(ed25519)),
        Err(Error::UnsupportedKey {
            oid: "1.3.101.112".to_owned()
        })
    );
    let mut trailing = bytes(RFC_6979_P256);
    trailing.push(0);
    assert!(matches!(
        PublicKey::from_spki(&trailing),
        Err(Error::MalformedKey { .. })
    ));
    let mut off_the_curve = bytes(RFC_6979_P256);
    let last = off_the_curve.len() - 1;
    off_the_curve[last] ^= 1;
    assert!(matches!(
        PublicKey::from_spki(&off_the_curve),
        Err(Error::MalformedKey { .. })
    ));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(noise in proptest::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(PublicKey::from_spki(&noise).is_err());
    }

    #[test]
    fn one_flipped_bit_never_verifies(position in 0_usize..64, bit in 0_u8..8) {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);
        let digest = Digest::of(DigestAlgorithm::Sha512, b"sample");
        let mut octets = key.sign(algorithm, &digest).unwrap().to_xmldsig();
        octets[position] ^= 1 << bit;
        let signature = Signature::from_xmldsig(algorithm, &octets).unwrap();
        prop_assert_eq!(
            key.public_key().verify(algorithm, &digest, &signature),
            Err(Error::BadSignature)
        );
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// RFC 6979, A.2.5.
const RFC_6979_P256: &str = "3059301306072a8648ce3d020106082a8648ce3d03010703420004\
     60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
     7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
const RSA_2048: &str = "30820122300d06092a864886f70d01010105000382010f003082010a028201010098554485acae2385342c\
     6b73e706763577c7c1a79d6d07ef382d2cf1b39b482b673b29db1666862f2e3c4294fc585dba7c838d4163\
     82d586653468b2316584bba439e580e700108e372511f4ea6348f887f9c113d37bbad1578de9717eb2f708\
     057dc17ed889d9be48b2c5403d99735821c2efa578e8847ca40d35746b3441b452dc7722cd967821c84f7d\
     088b9ff56359d5fc18c69297d0c4ccb6a0df0d9c50d19c43b2015f6eceee2942a6d55a745f688b6eabead3\
     e65778d633b0dbdfba19c48537c18efbcc11257404dbe5dbf2f5529f2a41e501b02b51766be142d2413ff4\
     abbc35bf04ff05420e503444a4c2a7611976d91b8d057682e48e5cededb6250203010001";
const RSA_2048_PKCS1_SHA256: &str = "219b6277e6c0a7b8527043d5abeeb14a1bc25f02af8b910d920e2ea247c7760e5235870314200f6f904c4d\
     78915ffb6b93cb2d6e49e9bd69372d7d2bdafd443f68916fa9d6138f319941b5040e8852023fb69a544eb1\
     1997e104e743cd3c02149ae78f6d906ac7562547373678be928261aa26deb3dda5598adaddfb4c26c93c68\
     4092308afa20c210380b97cf755f8cb3d2de73654c07797c83f48663bcd247966455dcc349af513134c656\
     d97bfdd9d39c8d92e35a41a7ac185305d87f153fe39304f0738b561773cf7c596ed509cedd1e326a546c94\
     e0eb75c46ced14028b746dfce1959a452b6e5ffaafa31a25ff098072c0e006175f9b56d2d2daec417b";
const RSA_2048_PSS_SHA512: &str = "5d6ee3f54b3bf0e760557d6cdcec7f9a85ae4ea7946122feccae6f63f27505e1e34788cef01f3d4fa78f50\
     86da0db6d64fa0d7f36458bef77da4974afc56510b2d1f9f25f6dc6c290a3975d6e1eda8fd81cb502ee0ac\
     1e2ec040342d164c78208fd94abaa207031198aea42a2261d6930b381f3412f356ad430b6ac3675532aebb\
     a2b089e5d6187326d27b7b3d0777fe3bdadb4ee91c9191b96261094dde3e0387a55cf1547e34bd7457d13e\
     93e778cdf22501b42f945d68aba5a12d49c9ac012e9210505703774471fb5bc398e66e8be54a05374ce52e\
     69446cf148d8550d975e901320b1cefd90e59b294a35cb848466a7e73b2248d53efb6386d6eb550e3f";
const RSA_1024: &str = "30819f300d06092a864886f70d010101050003818d0030818902818100b5b8991fc8871b930c2fb2395502\
     aa2b96833691aa85fd52e56a2cf44e7a13740be1388d363fbba4669c2c256daccaf411349b91e2a5713355\
     7af39d1d98909829fdd1710eb1d76c2303335288f239ec38c07c6649a5ddf708a9367091085657b6ce971b\
     2634f3d3c98ea9e31d4f2ecb790e29de9f160cb9930f2d42694f51b10203010001";
const RSA_1024_PKCS1_SHA1: &str = "564274dc5339069a8f985888ea19f18cce10b80754ba046ed9ff951ef832bae2f395514d533d1193b6e0e4\
     9bfe685cb8809efb5501330d8f9eadd11b4b59cd42c676c600a98a4c72e75a108f0f9bb4bbd06eabd240ed\
     3b22b37fdcf2fc716aab04ad5190cc0f0becee7c7fb770821c66e3bd25f7eef4428f959bde928b8c067b";
const RSA_1024_PKCS1_SHA256: &str = "9874f6143c7c85338ccc4f4104f20f7d99bd0f3905c60e58da430fc48c8a2cb048c284a4e69cb083c02768\
     aa0840555cf14870e92a260b1aa60c5bf66fe79faa4d1d945490561e4e4a408e9dcd593b2c3a46235968bf\
     37444c660badcb88a6637c023b2a9014cb2ce0c56b33053fc88024360b201975fc068b45ef2438e8674f";
const RSA_512: &str = "305c300d06092a864886f70d0101010500034b003048024100f70a38262728575374d2b9732c3f196e1234\
     dfc22a1a5290566e9eddfbe13826c081d017e93be9858cfaec80ee04c5e2b3167d20fb6a86def766b54f0e\
     8c7e910203010001";
