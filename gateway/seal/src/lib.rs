//! Seals: XAdES signature and hash chain, made and verified (signatures.md). Pure; the wire and the auditor use the same code.

use bytes::Bytes;
use certs_keys::{Digest, SigningKey};
use certs_x509::{Certificate, ocsp};
use jiff::Timestamp;

/// What one message contributes: the digest of `/message.xml`, then of `/attachment1`, `/attachment2`, …
#[derive(Clone, Debug)]
pub struct Parts { pub message: Digest, pub attachments: Vec<Digest> }

/// The three texts that travel and are logged, as exact octets.
#[derive(Clone, Debug)]
pub struct Seal { pub signature: Bytes, /** (result, chain) for the batch form */ pub chain: Option<(Bytes, Bytes)> }

/// Whose key, with what the verifier will need.
#[derive(Clone, Debug)]
pub struct SigningContext {
    pub key: std::sync::Arc<dyn SigningKey>, pub certificate: Certificate,
    /// Intermediates without the top CA, and OCSP responses: the signing certificate's first.
    pub intermediates: Vec<Certificate>, pub ocsp_responses: Vec<ocsp::Response>,
}
/// Signs one or several messages at once: one signature, a chain per message (signatures.md §4). Written canonical from a template.
pub fn sign(context: &SigningContext, messages: &[Parts], now: Timestamp) -> Result<Vec<Seal>, Error> { todo!() }

/// Hash chain arithmetic (signatures.md §7).
pub mod hashchain {
    use super::*;
    pub fn step(digests: &[Digest]) -> Digest { todo!() }
    /// (result XML, one chain XML per message)
    pub fn build(messages: &[Parts], chain_uri: &str, result_file: &str) -> Result<(Bytes, Vec<Bytes>), Error> { todo!() }
    /// §7.7; every DataRef must be one of `inputs` (name, digest), every input used.
    pub fn verify(result: &[u8], chain: &[u8], inputs: &[(String, Digest)]) -> Result<(), Error> { todo!() }
}

/// A signature read and checked as far as it goes by itself: structure, value, references, coverage of every part (signatures.md §10 1–4, 6–10, §15).
/// Only [`verify_value`] makes it.
#[derive(Clone, Debug)]
pub struct Signature { _p: () }
impl Signature {
    pub fn signing_certificate(&self) -> &Certificate { todo!() }
    pub fn extra_certificates(&self) -> &[Certificate] { todo!() }
    pub fn ocsp_responses(&self) -> &[ocsp::Response] { todo!() }
    pub fn signing_time(&self) -> Option<Timestamp> { todo!() }
}
/// `parts`: locally computed digests of what was received. Nothing may remain uncovered.
pub fn verify_value(seal: &Seal, parts: &Parts) -> Result<Signature, Error> { todo!() }

/// Chain and OCSP at a time (signatures.md §11): the anchor is the CA the configuration names for the signer's issuer.
pub fn verify_trust(signature: &Signature, anchor: &Certificate, policy: &ocsp::Policy<'_>, at: Timestamp) -> Result<(), Error> { todo!() }

/// Codes below `signature_verification` through `Error::code()`.
#[derive(Debug)]
pub enum Error { Todo }
impl Error { pub fn code(&self) -> String { todo!() } }
