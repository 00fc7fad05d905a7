//! An authority, its responder and a member, made for one test with a fixed clock.

use std::sync::Arc;

use certs_keys::{KeyKind, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name, ocsp};
use gateway_seal::SigningContext;
use jiff::{SignedDuration, Timestamp};

/// The moment all tests take for now.
pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

pub(crate) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub(crate) fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A certificate and its key.
pub(crate) struct Holder {
    pub(crate) certificate: Certificate,
    pub(crate) key: Arc<dyn SigningKey>,
}

/// A self-signed authority.
pub(crate) fn authority(name: &str) -> Holder {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = valid(Builder::ca(name_of(name), key.public_key()))
        .self_sign(&key)
        .unwrap();
    Holder {
        certificate,
        key: Arc::new(key),
    }
}

impl Holder {
    /// Issues a member's signing certificate.
    pub(crate) fn issue(&self, name: &str, kind: KeyKind) -> Self {
        let key = SoftKey::generate(kind).unwrap();
        self.certify(Builder::sign_profile(name_of(name), key.public_key()), key)
    }

    /// Issues the certificate of an authority below this one.
    pub(crate) fn issue_authority(&self, name: &str) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        self.certify(Builder::ca(name_of(name), key.public_key()), key)
    }

    /// Issues a certificate that is not for signing.
    pub(crate) fn issue_for_authentication(&self, name: &str) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        self.certify(Builder::auth_profile(name_of(name), key.public_key()), key)
    }

    fn certify(&self, builder: Builder, key: SoftKey) -> Self {
        let certificate = valid(builder).sign(&self.certificate, &*self.key).unwrap();
        Self {
            certificate,
            key: Arc::new(key),
        }
    }

    /// The status of a certificate this authority issued, as of a moment, signed by itself.
    pub(crate) fn status(
        &self,
        certificate: &Certificate,
        status: ocsp::Status,
        this_update: Timestamp,
    ) -> ocsp::Response {
        let request = ocsp::request(certificate, &self.certificate);
        let request = ocsp::Request::from_der(&request).unwrap();
        let responder = ocsp::Responder {
            certificate: &self.certificate,
            key: &*self.key,
            identification: ocsp::Identification::ByName,
        };
        let validity = ocsp::Validity {
            this_update,
            next_update: None,
        };
        let der = ocsp::respond(&request, |_| status, responder, validity, this_update).unwrap();
        ocsp::Response::from_der(&der).unwrap()
    }

    /// A context for signing with a certificate this authority issued.
    pub(crate) fn context(&self, member: &Self) -> SigningContext {
        let response = self.status(&member.certificate, ocsp::Status::Good, now());
        let (key, certificate) = (Arc::clone(&member.key), member.certificate.clone());
        SigningContext::new(key, certificate, Vec::new(), vec![response]).unwrap()
    }
}

/// The policy of a configuration that names no responders: the authority answers itself.
pub(crate) fn policy() -> ocsp::Policy<'static> {
    ocsp::Policy {
        responders: &[],
        candidates: &[],
        freshness_seconds: 3600,
        verify_next_update: true,
    }
}

fn valid(builder: Builder) -> Builder {
    builder.validity(now() - hours(24), now() + hours(24))
}

/// An organisation that needs escaping, and a common name.
fn name_of(name: &str) -> Name {
    Name::from_attributes(&[("2.5.4.10", "Fish & Chips <Ltd>"), ("2.5.4.3", name)]).unwrap()
}
