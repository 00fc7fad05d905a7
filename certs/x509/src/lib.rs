//! Certificates: reading, profiles, paths, requests, OCSP and time stamps. The only user of x509-parser, x509-cert, cms, x509-ocsp and x509-tsp.
//! Plain functions on values: no clock, no network.

use std::fmt;
use certs_keys::{Digest, PublicKey, SigningKey};
use jiff::Timestamp;

/// A parsed certificate; cheap to clone (shared), hashes computed once.
#[derive(Clone)]
pub struct Certificate(std::sync::Arc<()>);
impl Certificate {
    pub fn from_der(der: &[u8]) -> Result<Self, Error> { todo!() }
    pub fn from_pem(pem: &str) -> Result<Self, Error> { todo!() }
    pub fn to_pem(&self) -> String { todo!() }
    pub fn der(&self) -> &[u8] { todo!() }
    pub fn sha1(&self) -> &Digest { todo!() }
    pub fn sha256(&self) -> &Digest { todo!() }
    pub fn subject(&self) -> &Name { todo!() }
    pub fn issuer(&self) -> &Name { todo!() }
    /// Big-endian, without sign padding.
    pub fn serial(&self) -> &[u8] { todo!() }
    pub fn serial_decimal(&self) -> String { todo!() }
    pub fn public_key(&self) -> &PublicKey { todo!() }
    pub fn not_before(&self) -> Timestamp { todo!() }
    pub fn not_after(&self) -> Timestamp { todo!() }
    /// KeyUsage has nonRepudiation (pki.md §3.2).
    pub fn is_signing(&self) -> Result<bool, Error> { todo!() }
    /// EKU clientAuth, or key usage (pki.md §3.1).
    pub fn is_auth(&self) -> Result<bool, Error> { todo!() }
    pub fn is_ca(&self) -> bool { todo!() }
    pub fn has_extended_key_usage(&self, oid: &str) -> bool { todo!() }
    /// First id-ad-ocsp of the AIA.
    pub fn ocsp_url(&self) -> Option<&str> { todo!() }
    /// The issuer's key signed this certificate.
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool { todo!() }
}
impl PartialEq for Certificate { fn eq(&self, o: &Self) -> bool { self.der() == o.der() } }
impl Eq for Certificate {}
impl fmt::Debug for Certificate { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { todo!() } }

/// A distinguished name. Equality as BC's X500Name: case-insensitive, blanks collapsed, also when fully reversed (pki.md §4.1); Hash agrees.
#[derive(Clone, Debug)]
pub struct Name;
impl Name {
    pub fn der(&self) -> &[u8] { todo!() }
    /// Java's `X500Principal.getName()` form (signatures.md §5.3).
    pub fn rfc2253(&self) -> String { todo!() }
    /// Values of an attribute OID in RFC 2253 order (reverse of DER).
    pub fn values(&self, oid: &str) -> Vec<String> { todo!() }
}
impl PartialEq for Name { fn eq(&self, o: &Self) -> bool { todo!() } }
impl Eq for Name {}
impl std::hash::Hash for Name { fn hash<H: std::hash::Hasher>(&self, state: &mut H) { todo!() } }

#[derive(Debug)]
pub enum Error { Todo }

/// Certificate profiles by Java class name (pki.md §2).
pub mod profile {
    use super::*;
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Profile { Ejbca, Basic, BasicAcme, FiVrk, Fo, Is, SkKlass3, SkEsteId }
    /// What a signing certificate says of its member.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MemberName { pub instance: String, pub member_class: String, pub member_code: String }
    impl Profile {
        pub fn from_class_name(name: &str) -> Option<Self> { todo!() }
        pub fn class_name(self) -> &'static str { todo!() }
        /// `instance`: of the identifier being verified ("own" in pki.md §2.2).
        pub fn member_name(self, certificate: &Certificate, instance: &str) -> Result<MemberName, Error> { todo!() }
    }
}

/// PKIX path: signatures, validity, basicConstraints, keyCertSign, pathLen, unknown critical extensions (pki.md §4.4).
pub mod chain {
    use super::*;
    /// A verified path: leaf first, without the anchor. Only [`verify`] makes it.
    #[derive(Clone, Debug)]
    pub struct VerifiedPath(());
    impl VerifiedPath {
        pub fn certificates(&self) -> &[Certificate] { todo!() }
        pub fn anchor(&self) -> &Certificate { todo!() }
        pub fn not_after(&self) -> Timestamp { todo!() }
    }
    pub fn verify(leaf: &Certificate, additional: &[Certificate], anchor: &Certificate, now: Timestamp) -> Result<VerifiedPath, Error> { todo!() }
}

/// OCSP (pki.md §5).
pub mod ocsp {
    use super::*;
    /// A decoded OCSPResponse; keeps its DER; cheap to clone.
    #[derive(Clone, Debug)]
    pub struct Response(());
    impl Response {
        pub fn from_der(der: &[u8]) -> Result<Self, Error> { todo!() }
        pub fn der(&self) -> &[u8] { todo!() }
        pub fn this_update(&self) -> Timestamp { todo!() }
        pub fn next_update(&self) -> Option<Timestamp> { todo!() }
        pub fn produced_at(&self) -> Timestamp { todo!() }
        pub fn status(&self) -> Status { todo!() }
        /// First SingleResponse's CertID equals SHA-1 CertID(subject, issuer) including NULL parameters.
        pub fn applies_to(&self, certificate: &Certificate, issuer: &Certificate) -> bool { todo!() }
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Status { Good, Revoked { at: Timestamp, on_hold: bool }, Unknown }
    /// Who may answer, and how old an answer may be.
    #[derive(Clone, Debug)]
    pub struct Policy<'a> {
        /// Responder certificates configured for exactly this issuer.
        pub responders: &'a [Certificate],
        /// Further candidates for the responder id: all responder and CA certificates of the configuration.
        pub candidates: &'a [Certificate],
        pub freshness_seconds: u64,
        pub verify_next_update: bool,
    }
    /// pki.md §5.4 steps 1-6; status is not looked at. Steps 1–4 are pure in (response, certificate, issuer): callers may cache [`verify_origin`].
    pub fn verify_origin(response: &Response, certificate: &Certificate, issuer: &Certificate, policy: &Policy<'_>) -> Result<(), Error> { todo!() }
    pub fn verify_freshness(response: &Response, policy: &Policy<'_>, at: Timestamp) -> Result<(), Error> { todo!() }
    /// All of it, and the status must be good.
    pub fn verify_good(response: &Response, certificate: &Certificate, issuer: &Certificate, policy: &Policy<'_>, at: Timestamp) -> Result<(), Error> { todo!() }

    /// Request for one certificate, SHA-1 CertID with NULL parameters, no nonce (pki.md §5.2).
    pub fn request(certificate: &Certificate, issuer: &Certificate) -> Vec<u8> { todo!() }
    /// What a request asks: the CertIDs; and its nonce if any, for our responder.
    #[derive(Clone, Debug)]
    pub struct Request(());
    impl Request { pub fn from_der(der: &[u8]) -> Result<Self, Error> { todo!() } }
    // making: see the implementer's `respond` (status per asked CertID, signed by the responder key)
}

/// RFC 3161 (pki.md §7).
pub mod timestamp {
    use super::*;
    /// Request over an imprint: version 1, no nonce, no policy, no certReq.
    pub fn request(imprint: &Digest) -> Vec<u8> { todo!() }
    /// A time-stamp token (CMS SignedData) with its DER.
    #[derive(Clone, Debug)]
    pub struct Token(());
    impl Token {
        pub fn from_der(der: &[u8]) -> Result<Self, Error> { todo!() }
        pub fn der(&self) -> &[u8] { todo!() }
        pub fn gen_time(&self) -> Timestamp { todo!() }
        pub fn imprint(&self) -> &Digest { todo!() }
        /// Signed by one of the approved TSA certificates, over this imprint.
        pub fn verify(&self, imprint: &Digest, approved: &[Certificate]) -> Result<(), Error> { todo!() }
    }
    /// Status granted / grantedWithMods, else an error with the reason.
    pub fn token_of_response(der: &[u8]) -> Result<Token, Error> { todo!() }
}

/// PKCS#10 requests (pki.md §2.4).
pub mod request {
    use super::*;
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Usage { Sign, Auth }
    /// `subject`: (attribute OID, value) in DER order.
    pub fn make(key: &dyn SigningKey, usage: Usage, subject: &[(&str, &str)], dns_name: Option<&str>) -> Result<Vec<u8>, Error> { todo!() }
    /// A request whose own signature was checked.
    #[derive(Clone, Debug)]
    pub struct Verified(());
    pub fn verify(der: &[u8]) -> Result<Verified, Error> { todo!() }
}

/// Making certificates (for the authority and self-signed ones).
pub mod builder {
    use super::*;
    // pub struct Builder … subject, issuer, serial, validity, key usage (critical), EKU, basicConstraints, AIA, SAN, SKI/AKI; `sign(issuer_key) -> Certificate`
}
