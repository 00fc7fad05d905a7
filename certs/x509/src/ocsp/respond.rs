//! Making responses, for our own responder.

use certs_keys::{Digest, DigestAlgorithm, SigningKey, default_algorithm};
use der::{Encode, Tag, TagNumber};
use jiff::Timestamp;

use super::response::CERTIFICATE_HOLD;
use super::{BASIC, CertId, NONCE, Refusal, Request, Status};
use crate::asn1;
use crate::{Certificate, Error as X509Error, algorithm};

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub struct Responder<'a> {
    /// The responder's certificate; it goes into every response.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a dyn SigningKey,
    /// How the response names its responder.
    pub identification: Identification,
}

/// How a response names its responder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identification {
    /// By the subject of its certificate.
    #[default]
    ByName,
    /// By SHA-1 of its public key.
    ByKey,
}

/// From when to when the statuses hold.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// As of when they are known to be right.
    pub this_update: Timestamp,
    /// When something newer will be available.
    pub next_update: Option<Timestamp>,
}

/// Answers a request: for each certificate asked, the status that `status` knows, under the CertID
/// exactly as it was asked; the nonce, if there was one, comes back.
///
/// # Errors
/// The key cannot sign.
pub fn respond(
    request: &Request,
    status: impl Fn(&CertId) -> Status,
    responder: Responder<'_>,
    validity: Validity,
    now: Timestamp,
) -> Result<Vec<u8>, X509Error> {
    let singles: Vec<Vec<u8>> = request
        .cert_ids()
        .iter()
        .map(|cert_id| single_response(cert_id, status(cert_id), validity))
        .collect();
    let singles: Vec<&[u8]> = singles.iter().map(Vec::as_slice).collect();
    let tbs = asn1::encode_sequence(&[
        &responder_id(responder),
        &asn1::encode_generalized_time(now),
        &asn1::encode_sequence(&singles),
        &request.nonce().map(extensions).unwrap_or_default(),
    ]);
    let basic = sign(&tbs, responder)?;
    let bytes = asn1::encode_sequence(&[&asn1::encode_oid(BASIC), &asn1::encode_octets(&basic)]);
    Ok(asn1::encode_sequence(&[
        &asn1::encode(Tag::Enumerated, &[&[0]]),
        &asn1::encode(asn1::context(TagNumber::N0), &[&bytes]),
    ]))
}

/// The unsigned answer of a responder that gives no status.
pub fn refuse(refusal: Refusal) -> Vec<u8> {
    asn1::encode_sequence(&[&asn1::encode(Tag::Enumerated, &[&[refusal.number()]])])
}

fn single_response(cert_id: &CertId, status: Status, validity: Validity) -> Vec<u8> {
    let next_update = match validity.next_update {
        Some(at) => {
            let time = asn1::encode_generalized_time(at);
            asn1::encode(asn1::context(TagNumber::N0), &[&time])
        }
        None => Vec::new(),
    };
    asn1::encode_sequence(&[
        cert_id.der(),
        &encode_status(status),
        &asn1::encode_generalized_time(validity.this_update),
        &next_update,
    ])
}

fn encode_status(status: Status) -> Vec<u8> {
    match status {
        Status::Good => asn1::encode(asn1::context_primitive(TagNumber::N0), &[]),
        Status::Unknown => asn1::encode(asn1::context_primitive(TagNumber::N2), &[]),
        Status::Revoked { at, on_hold } => {
            let reason = match on_hold {
                true => {
                    let hold = asn1::encode(Tag::Enumerated, &[&[CERTIFICATE_HOLD]]);
                    asn1::encode(asn1::context(TagNumber::N0), &[&hold])
                }
                false => Vec::new(),
            };
            let at = asn1::encode_generalized_time(at);
            asn1::encode(asn1::context(TagNumber::N1), &[&at, &reason])
        }
    }
}

fn responder_id(responder: Responder<'_>) -> Vec<u8> {
    match responder.identification {
        Identification::ByName => {
            let name = responder.certificate.subject().der();
            asn1::encode(asn1::context(TagNumber::N1), &[name])
        }
        Identification::ByKey => {
            let bits = responder.certificate.public_key().key_bits();
            let hash = Digest::of(DigestAlgorithm::Sha1, bits);
            let hash = asn1::encode_octets(hash.as_bytes());
            asn1::encode(asn1::context(TagNumber::N2), &[&hash])
        }
    }
}

fn extensions(nonce: &[u8]) -> Vec<u8> {
    let extension = asn1::encode_sequence(&[&asn1::encode_oid(NONCE), &asn1::encode_octets(nonce)]);
    let list = asn1::encode_sequence(&[&extension]);
    asn1::encode(asn1::context(TagNumber::N1), &[&list])
}

fn sign(tbs: &[u8], responder: Responder<'_>) -> Result<Vec<u8>, X509Error> {
    let algorithm = default_algorithm(responder.key.public_key(), DigestAlgorithm::Sha256);
    let signature = responder
        .key
        .sign(algorithm, &Digest::of(algorithm.digest(), tbs))?;
    let identifier = algorithm::signature_identifier(algorithm)
        .to_der()
        .map_err(|source| X509Error::malformed("algorithm identifier", source))?;
    let certificates = asn1::encode_sequence(&[responder.certificate.der()]);
    Ok(asn1::encode_sequence(&[
        tbs,
        &identifier,
        &asn1::encode_bits(&signature.to_der()),
        &asn1::encode(asn1::context(TagNumber::N0), &[&certificates]),
    ]))
}
