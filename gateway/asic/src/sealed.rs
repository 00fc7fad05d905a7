//! Signatures for tests, by an authority made for them.

use std::sync::Arc;

use certs_authority::{Authority, Order, subject};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SoftKey};
use certs_x509::profile::{MemberName, Profile};
use gateway_seal::{Parts, Seal, SigningContext, sign};
use jiff::Timestamp;

pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

pub(crate) fn parts(message: &str, attachments: &[&str]) -> Parts {
    let digest = |text: &str| Digest::of(DigestAlgorithm::Sha512, text.as_bytes());
    Parts {
        message: digest(message),
        attachments: attachments.iter().map(|text| digest(text)).collect(),
    }
}

/// One signature over these messages.
pub(crate) fn seals(messages: &[Parts]) -> Vec<Seal> {
    let mut authority = Authority::create("Test", KeyKind::P256, now()).unwrap();
    let member = MemberName {
        instance: "AZ".to_owned(),
        member_class: "GOV".to_owned(),
        member_code: "1".to_owned(),
    };
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let order = Order::sign(Profile::Ejbca);
    let certificate = authority
        .enroll(&key, &subject::ejbca_sign(&member), order, now())
        .unwrap();
    let status = authority.ocsp_of(&certificate, now()).unwrap();
    let context =
        SigningContext::new(Arc::new(key), certificate, Vec::new(), vec![status]).unwrap();
    sign(&context, messages, now()).unwrap()
}
