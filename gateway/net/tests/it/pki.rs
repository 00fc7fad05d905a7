//! A small authority, made for each test.

use std::sync::Arc;

use certs_keys::{KeyKind, SigningKey, SoftKey};
use certs_x509::{Certificate, Name, builder::Builder, ocsp};
use gateway_net::Identity;
use jiff::Timestamp;

pub(crate) struct Authority {
    key: SoftKey,
    pub(crate) certificate: Certificate,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let certificate = Builder::ca(name("Root"), key.public_key())
            .validity(second(0), second(4_000_000_000))
            .self_sign(&key)
            .unwrap();
        Self { key, certificate }
    }

    /// An authority below this one.
    pub(crate) fn below(&self) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let certificate = Builder::ca(name("Intermediate"), key.public_key())
            .validity(second(0), second(4_000_000_000))
            .sign(&self.certificate, &self.key)
            .unwrap();
        Self { key, certificate }
    }

    pub(crate) fn identity(&self, server: &str) -> Identity {
        self.identity_of(server, KeyKind::P256).0
    }

    /// An identity, and its private key as another implementation reads it.
    pub(crate) fn identity_of(&self, server: &str, kind: KeyKind) -> (Identity, Vec<u8>) {
        let key = SoftKey::generate(kind).unwrap();
        let leaf = Builder::auth_profile(name(server), key.public_key())
            .validity(second(0), second(4_000_000_000))
            .sign(&self.certificate, &self.key)
            .unwrap();
        let pkcs8 = key.to_pkcs8_der_unchecked().unwrap().to_vec();
        (
            Identity {
                key: Arc::new(key),
                chain: vec![leaf],
                ocsp_staple: None,
            },
            pkcs8,
        )
    }

    /// A server known by these names, valid between these seconds.
    pub(crate) fn named(&self, dns: &str, ip: [u8; 4], from: i64, until: i64) -> Identity {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let leaf = Builder::tls(name("store"), key.public_key())
            .validity(second(from), second(until))
            .dns_name(dns)
            .ip_address(ip.into())
            .sign(&self.certificate, &self.key)
            .unwrap();
        Identity {
            key: Arc::new(key),
            chain: vec![leaf, self.certificate.clone()],
            ocsp_staple: None,
        }
    }

    /// What this authority says of a certificate, as of a time.
    pub(crate) fn ocsp(&self, certificate: &Certificate, at: i64) -> ocsp::Response {
        let request = ocsp::request(certificate, &self.certificate);
        let request = ocsp::Request::from_der(&request).unwrap();
        let responder = ocsp::Responder {
            certificate: &self.certificate,
            key: &self.key,
            identification: ocsp::Identification::ByName,
        };
        let validity = ocsp::Validity {
            this_update: second(at),
            next_update: None,
        };
        let good = |_: &_| ocsp::Status::Good;
        let der = ocsp::respond(&request, good, responder, validity, second(at)).unwrap();
        ocsp::Response::from_der(&der).unwrap()
    }
}

fn name(common: &str) -> Name {
    Name::from_attributes(&[("2.5.4.6", "AZ"), ("2.5.4.3", common)]).unwrap()
}

fn second(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap()
}
