use certs_keys::{KeyKind, SigningKey, SoftKey};
use jiff::ToSpan as _;

use super::*;
use crate::builder::{Builder, KeyUse};
use crate::{Name, attribute};

#[test]
fn a_leaf_below_the_anchor_is_a_path_of_one() {
    let root = Authority::root("root");
    let leaf = root.leaf("leaf");
    let path = verify(&leaf, &[], &root.certificate, at(5)).unwrap();
    assert_eq!(path.certificates(), [leaf]);
    assert_eq!(path.anchor(), &root.certificate);
    assert_eq!(path.not_after(), at(100));
}

#[test]
fn finds_its_way_through_authorities_in_any_order() {
    let root = Authority::root("root");
    let one = root.below("one", |builder| builder);
    let two = one.below("two", |builder| builder);
    let leaf = two.leaf("leaf");
    let noise = Authority::root("noise");
    let additional = [
        one.certificate.clone(),
        noise.certificate,
        two.certificate.clone(),
    ];
    let path = verify(&leaf, &additional, &root.certificate, at(5)).unwrap();
    assert_eq!(
        path.certificates(),
        [leaf, two.certificate, one.certificate]
    );
    assert_eq!(path.links().count(), 3);
    assert!(
        path.links()
            .all(|(certificate, issuer)| certificate.is_signed_by(issuer))
    );
}

#[test]
fn an_intermediate_authority_is_as_good_an_anchor() {
    let root = Authority::root("root");
    let one = root.below("one", |builder| builder.validity(at(0), at(1)));
    let leaf = one.leaf("leaf");
    assert!(verify(&leaf, &[], &one.certificate, at(5)).is_ok());
}

#[test]
fn tries_the_namesake_too_when_one_key_does_not_fit() {
    let root = Authority::root("root");
    let wrong = root.below("one", |builder| builder);
    let right = root.below("one", |builder| builder);
    let leaf = right.leaf("leaf");
    let additional = [wrong.certificate.clone(), right.certificate];
    assert!(verify(&leaf, &additional, &root.certificate, at(5)).is_ok());
    check(
        verify(&leaf, &[wrong.certificate], &root.certificate, at(5)),
        Error::NotSignedByIssuer {
            subject: "CN=leaf".into(),
            issuer: "CN=one".into(),
        },
    );
}

#[test]
fn refuses_an_unknown_issuer_and_a_namesake_of_the_anchor() {
    let root = Authority::root("root");
    let leaf = root.leaf("leaf");
    let other = Authority::root("other");
    check(
        verify(&leaf, &[], &other.certificate, at(5)),
        Error::NoIssuer {
            subject: "CN=leaf".into(),
            issuer: "CN=root".into(),
        },
    );
    let namesake = Authority::root("root");
    check(
        verify(&leaf, &[], &namesake.certificate, at(5)),
        Error::NotSignedByIssuer {
            subject: "CN=leaf".into(),
            issuer: "CN=root".into(),
        },
    );
}

#[test]
fn refuses_certificates_outside_their_validity_but_not_an_expired_anchor() {
    let root = Authority::root("root");
    let short = root.below("short", |builder| builder.validity(at(2), at(3)));
    let leaf = short.leaf("leaf");
    let additional = [short.certificate.clone()];
    check(
        verify(&leaf, &additional, &root.certificate, at(1)),
        Error::NotYetValid {
            subject: "CN=short".into(),
            not_before: at(2),
            now: at(1),
        },
    );
    assert!(verify(&leaf, &additional, &root.certificate, at(3)).is_ok());
    check(
        verify(&leaf, &additional, &root.certificate, at(4)),
        Error::Expired {
            subject: "CN=short".into(),
            not_after: at(3),
            now: at(4),
        },
    );
    check(
        verify(&leaf, &[], &short.certificate, at(101)),
        Error::Expired {
            subject: "CN=leaf".into(),
            not_after: at(100),
            now: at(101),
        },
    );
    assert!(verify(&leaf, &[], &short.certificate, at(50)).is_ok());
}

#[test]
fn refuses_a_leaf_that_plays_the_authority() {
    let root = Authority::root("root");
    let key = key();
    let member = root.issue(Builder::sign_profile(name("member"), key.public_key()));
    let member = Authority {
        certificate: member,
        key,
    };
    let leaf = member.leaf("leaf");
    check(
        verify(&leaf, &[member.certificate], &root.certificate, at(5)),
        Error::NotAnAuthority {
            subject: "CN=member".into(),
        },
    );
}

#[test]
fn refuses_an_authority_whose_key_may_not_sign_certificates() {
    let root = Authority::root("root");
    let mute = root.below("mute", |builder| builder.key_usage(&[KeyUse::CrlSign]));
    let leaf = mute.leaf("leaf");
    check(
        verify(&leaf, &[mute.certificate], &root.certificate, at(5)),
        Error::MayNotSignCertificates {
            subject: "CN=mute".into(),
        },
    );
}

#[test]
fn refuses_more_authorities_than_a_path_length_allows() {
    let root = Authority::root("root");
    let one = root.below("one", |builder| builder.path_len(0));
    let direct = one.leaf("direct");
    let additional = [one.certificate.clone()];
    assert!(verify(&direct, &additional, &root.certificate, at(5)).is_ok());
    let two = one.below("two", |builder| builder);
    let leaf = two.leaf("leaf");
    check(
        verify(
            &leaf,
            &[one.certificate, two.certificate],
            &root.certificate,
            at(5),
        ),
        Error::PathTooLong {
            subject: "CN=one".into(),
            path_len: 0,
        },
    );
}

#[test]
fn refuses_too_many_certificates_and_too_long_a_path() {
    let root = Authority::root("root");
    let leaf = root.leaf("leaf");
    let many = vec![root.certificate.clone(); 33];
    check(
        verify(&leaf, &many, &root.certificate, at(5)),
        Error::TooManyCertificates {
            count: 33,
            count_max: 32,
        },
    );
    let mut authorities = vec![root];
    for depth in 0..8 {
        let next = authorities
            .last()
            .unwrap()
            .below(&format!("ca {depth}"), |builder| builder);
        authorities.push(next);
    }
    let leaf = authorities.last().unwrap().leaf("deep");
    let all: Vec<_> = authorities
        .iter()
        .skip(1)
        .map(|one| one.certificate.clone())
        .collect();
    check(
        verify(&leaf, &all, &authorities[0].certificate, at(5)),
        Error::TooDeep,
    );
}

#[test]
fn believes_a_weak_key_and_a_weak_digest_of_old_times_only() {
    let (start, end) = (LEGACY_UNTIL - 10.seconds(), LEGACY_UNTIL + 10.seconds());
    let (old, new) = (LEGACY_UNTIL - 1.seconds(), LEGACY_UNTIL);
    let root = Authority::root("root");
    let weak = certs_keys::PublicKey::from_spki(&hex::decode(RSA_1024).unwrap()).unwrap();
    let leaf = Builder::sign_profile(name("leaf"), &weak).validity(start, end);
    let leaf = leaf.sign(&root.certificate, &root.key).unwrap();
    assert!(verify(&leaf, &[], &root.certificate, old).is_ok());
    check(
        verify(&leaf, &[], &root.certificate, new),
        Error::WeakKey {
            subject: "CN=leaf".into(),
        },
    );

    // We sign nothing with SHA-224: rename the algorithm, which costs the signature.
    let leaf = Builder::sign_profile(name("leaf"), key().public_key()).validity(start, end);
    let leaf = leaf.sign(&root.certificate, &root.key).unwrap();
    let renamed = hex::encode(leaf.der()).replace("2a8648ce3d040302", "2a8648ce3d040301");
    let leaf = Certificate::from_der(&hex::decode(renamed).unwrap()).unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa(certs_keys::DigestAlgorithm::Sha224);
    check(
        verify(&leaf, &[], &root.certificate, new),
        Error::WeakSignature {
            subject: "CN=leaf".into(),
            algorithm,
        },
    );
    check(
        verify(&leaf, &[], &root.certificate, old),
        Error::NotSignedByIssuer {
            subject: "CN=leaf".into(),
            issuer: "CN=root".into(),
        },
    );
}

#[test]
fn a_circle_of_authorities_ends() {
    let (one_key, two_key) = (key(), key());
    let authority = |subject: &str, key: &SoftKey, issuer: &Authority| {
        issuer.issue(Builder::ca(name(subject), key.public_key()))
    };
    let one = Authority::with("one", one_key);
    let two = Authority {
        certificate: authority("two", &two_key, &one),
        key: two_key,
    };
    let circle = authority("one", &one.key, &two);
    let leaf = two.leaf("leaf");
    let root = Authority::root("root");
    let additional = [two.certificate, circle];
    check(
        verify(&leaf, &additional, &root.certificate, at(5)),
        Error::NoIssuer {
            subject: "CN=one".into(),
            issuer: "CN=two".into(),
        },
    );
}

struct Authority {
    certificate: Certificate,
    key: SoftKey,
}

impl Authority {
    fn root(subject: &str) -> Self {
        Self::with(subject, key())
    }

    fn with(subject: &str, key: SoftKey) -> Self {
        let builder = Builder::ca(name(subject), key.public_key()).validity(at(0), at(100));
        Self {
            certificate: builder.self_sign(&key).unwrap(),
            key,
        }
    }

    fn below(&self, subject: &str, adjust: impl Fn(Builder) -> Builder) -> Self {
        let key = key();
        let builder = Builder::ca(name(subject), key.public_key()).validity(at(0), at(100));
        let certificate = adjust(builder).sign(&self.certificate, &self.key).unwrap();
        Self { certificate, key }
    }

    fn leaf(&self, subject: &str) -> Certificate {
        self.issue(Builder::sign_profile(name(subject), key().public_key()))
    }

    fn issue(&self, builder: Builder) -> Certificate {
        builder
            .validity(at(0), at(100))
            .sign(&self.certificate, &self.key)
            .unwrap()
    }
}

#[track_caller]
fn check(result: Result<VerifiedPath, X509Error>, expected: Error) {
    match result {
        Err(X509Error::Chain(refusal)) => assert_eq!(refusal, expected),
        other => panic!("{other:?}"),
    }
}

fn key() -> SoftKey {
    SoftKey::generate(KeyKind::P256).unwrap()
}

fn name(text: &str) -> Name {
    Name::from_attributes(&[(attribute::COMMON_NAME, text)]).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000_i64.saturating_add(second)).unwrap()
}

const RSA_1024: &str = "30819f300d06092a864886f70d010101050003818d0030818902818100b5b8991fc8871b930c2fb2395502aa\
     2b96833691aa85fd52e56a2cf44e7a13740be1388d363fbba4669c2c256daccaf411349b91e2a57133557af3\
     9d1d98909829fdd1710eb1d76c2303335288f239ec38c07c6649a5ddf708a9367091085657b6ce971b2634f3\
     d3c98ea9e31d4f2ecb790e29de9f160cb9930f2d42694f51b10203010001";
