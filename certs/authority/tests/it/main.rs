//! The authority as others use it: enrolment, OCSP, time stamps, and the state between two runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod enrolment;
mod openssl;
mod state;
mod status;
mod timestamps;

use certs_authority::{Authority, Order, subject};
use certs_keys::{KeyKind, SoftKey};
use certs_x509::Certificate;
use certs_x509::ocsp::Policy;
use certs_x509::profile::{MemberName, Profile};
use jiff::{SignedDuration, Timestamp};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn authority() -> Authority {
    Authority::create("Sandbox", KeyKind::P256, now()).unwrap()
}

fn with_intermediate() -> Authority {
    let mut authority = authority();
    authority.add_intermediate(KeyKind::P256, now()).unwrap();
    authority
}

fn key() -> SoftKey {
    SoftKey::generate(KeyKind::P256).unwrap()
}

fn member(code: &str) -> MemberName {
    MemberName {
        instance: "AZ".to_owned(),
        member_class: "GOV".to_owned(),
        member_code: code.to_owned(),
    }
}

fn sign_certificate(authority: &mut Authority, code: &str) -> Certificate {
    let subject = subject::ejbca_sign(&member(code));
    authority
        .enroll(&key(), &subject, Order::sign(Profile::Ejbca), now())
        .unwrap()
}

const POLICY: Policy<'static> = Policy {
    responders: &[],
    candidates: &[],
    freshness_seconds: 3600,
    verify_next_update: true,
};
