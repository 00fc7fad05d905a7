//! Making responses, for our own authority.

use std::fmt;

use certs_keys::{Digest, DigestAlgorithm, SigningKey, default_algorithm};
use der::asn1::ObjectIdentifier;
use der::{Encode, Tag, TagNumber};
use jiff::Timestamp;

use super::signer::DIRECTORY_NAME;
use super::{
    CONTENT_TYPE, Error, MESSAGE_DIGEST, Query, SIGNED_DATA, SIGNING_CERTIFICATE_V2, SIGNING_TIME,
    TST_INFO,
};
use crate::asn1;
use crate::{Certificate, Error as X509Error, algorithm};

/// Who stamps.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// Its certificate: extended key usage time-stamping, critical and alone.
    pub certificate: &'a Certificate,
    /// The key of the certificate.
    pub key: &'a dyn SigningKey,
    /// The policy its time stamps are made under, dotted.
    pub policy: &'a str,
    /// How far its clock may be off.
    pub accuracy_seconds: u8,
}

/// Why our authority stamps nothing (PKIFailureInfo).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The digest algorithm is unknown or too weak.
    BadAlgorithm,
    /// The request is not allowed.
    BadRequest,
    /// The request cannot be read.
    BadDataFormat,
    /// There is no trustworthy time.
    TimeNotAvailable,
    /// Another policy was asked for.
    UnacceptedPolicy,
    /// The request has extensions.
    UnacceptedExtension,
    /// Something broke.
    SystemFailure,
}

/// Answers a request with a token, or with a rejection that says why not. `serial` is the
/// big-endian serial number of the token; no two tokens may have the same.
///
/// # Errors
/// The key cannot sign, or the authority's policy is no object identifier; the client should then
/// be told [`Failure::SystemFailure`].
pub fn respond(
    query: &[u8],
    authority: Authority<'_>,
    serial: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, X509Error> {
    let query = match Query::from_der(query) {
        Ok(query) => query,
        Err(X509Error::Timestamp(Error::UnacceptableQuery { failure })) => {
            return Ok(reject(failure));
        }
        Err(other) => return Err(other),
    };
    let policy =
        ObjectIdentifier::new(authority.policy).map_err(|_| X509Error::UnrepresentableValue {
            what: "time-stamping policy",
        })?;
    if query.imprint().algorithm() == DigestAlgorithm::Sha1 {
        return Ok(reject(Failure::BadAlgorithm));
    }
    if query
        .policy
        .as_deref()
        .is_some_and(|asked| asked != policy.as_bytes())
    {
        return Ok(reject(Failure::UnacceptedPolicy));
    }
    let info = encode_info(&query, authority, policy, serial, now);
    let token = sign(&info, &query, authority, now)?;
    let granted = asn1::encode_sequence(&[&asn1::encode_unsigned(&[0])]);
    Ok(asn1::encode_sequence(&[&granted, &token]))
}

/// A response without a token.
pub fn reject(failure: Failure) -> Vec<u8> {
    let text = asn1::encode(Tag::Utf8String, &[failure.to_string().as_bytes()]);
    let status = asn1::encode_sequence(&[
        &asn1::encode(Tag::Integer, &[&[REJECTION]]),
        &asn1::encode_sequence(&[&text]),
        &asn1::encode(Tag::BitString, &[failure.named_bit()]),
    ]);
    asn1::encode_sequence(&[&status])
}

impl Failure {
    /// A BIT STRING with one bit set and no trailing zero bits: the count of unused bits first.
    fn named_bit(self) -> &'static [u8] {
        match self {
            Self::BadAlgorithm => &[7, 0b1000_0000],              // 0
            Self::BadRequest => &[5, 0b0010_0000],                // 2
            Self::BadDataFormat => &[2, 0b0000_0100],             // 5
            Self::TimeNotAvailable => &[1, 0, 0b0000_0010],       // 14
            Self::UnacceptedPolicy => &[0, 0, 0b0000_0001],       // 15
            Self::UnacceptedExtension => &[7, 0, 0, 0b1000_0000], // 16
            Self::SystemFailure => &[6, 0, 0, 0, 0b0100_0000],    // 25
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAlgorithm => "digest algorithm not accepted",
            Self::BadRequest => "request not supported",
            Self::BadDataFormat => "request cannot be read",
            Self::TimeNotAvailable => "no reliable time at the moment",
            Self::UnacceptedPolicy => "policy not supported",
            Self::UnacceptedExtension => "extension not supported",
            Self::SystemFailure => "internal failure",
        })
    }
}

fn encode_info(
    query: &Query,
    authority: Authority<'_>,
    policy: ObjectIdentifier,
    serial: &[u8],
    now: Timestamp,
) -> Vec<u8> {
    let seconds = asn1::encode_unsigned(&[authority.accuracy_seconds]);
    let nonce = query
        .nonce()
        .map(|nonce| asn1::encode(Tag::Integer, &[nonce]));
    let name = asn1::encode(DIRECTORY_NAME, &[authority.certificate.subject().der()]);
    asn1::encode_sequence(&[
        &asn1::encode(Tag::Integer, &[&[1]]),
        &asn1::encode_oid(policy),
        &query.imprint_der,
        &asn1::encode_unsigned(serial),
        &asn1::encode_generalized_time(now),
        &asn1::encode_sequence(&[&seconds]),
        &nonce.unwrap_or_default(),
        &asn1::encode(asn1::context(TagNumber::N0), &[&name]),
    ])
}

/// The CMS around the TSTInfo; certificates only if they were asked for.
fn sign(
    info: &[u8],
    query: &Query,
    authority: Authority<'_>,
    now: Timestamp,
) -> Result<Vec<u8>, X509Error> {
    let certificate = authority.certificate;
    let algorithm = default_algorithm(authority.key.public_key(), DigestAlgorithm::Sha256);
    let digest_algorithm = asn1::encode_digest_algorithm(algorithm.digest());
    let identifier = algorithm::signature_identifier(algorithm)
        .to_der()
        .map_err(|source| X509Error::malformed("algorithm identifier", source))?;

    let attributes = signed_attributes(info, algorithm.digest(), certificate, now);
    let signed = asn1::encode_set_of(Tag::Set, attributes.clone());
    let signature = authority
        .key
        .sign(algorithm, &Digest::of(algorithm.digest(), &signed))?;
    let signer = asn1::encode_sequence(&[
        &asn1::encode(Tag::Integer, &[&[1]]),
        &asn1::encode_sequence(&[certificate.issuer().der(), &serial_of(certificate)]),
        &digest_algorithm,
        &asn1::encode_set_of(asn1::context(TagNumber::N0), attributes),
        &identifier,
        &asn1::encode_octets(&signature.to_der()),
    ]);

    let content = asn1::encode(asn1::context(TagNumber::N0), &[&asn1::encode_octets(info)]);
    let certificates = match query.certificate_wanted() {
        true => asn1::encode(asn1::context(TagNumber::N0), &[certificate.der()]),
        false => Vec::new(),
    };
    let signed_data = asn1::encode_sequence(&[
        &asn1::encode(Tag::Integer, &[&[SIGNED_DATA_VERSION]]),
        &asn1::encode(Tag::Set, &[&digest_algorithm]),
        &asn1::encode_sequence(&[&asn1::encode_oid(TST_INFO), &content]),
        &certificates,
        &asn1::encode(Tag::Set, &[&signer]),
    ]);
    Ok(asn1::encode_sequence(&[
        &asn1::encode_oid(SIGNED_DATA),
        &asn1::encode(asn1::context(TagNumber::N0), &[&signed_data]),
    ]))
}

fn signed_attributes(
    info: &[u8],
    digest: DigestAlgorithm,
    certificate: &Certificate,
    now: Timestamp,
) -> Vec<Vec<u8>> {
    let attribute = |oid, value: &[u8]| {
        asn1::encode_sequence(&[&asn1::encode_oid(oid), &asn1::encode(Tag::Set, &[value])])
    };
    let message_digest = Digest::of(digest, info);
    vec![
        attribute(CONTENT_TYPE, &asn1::encode_oid(TST_INFO)),
        attribute(SIGNING_TIME, &asn1::encode_time(now)),
        attribute(
            MESSAGE_DIGEST,
            &asn1::encode_octets(message_digest.as_bytes()),
        ),
        attribute(SIGNING_CERTIFICATE_V2, &signing_certificate_v2(certificate)),
    ]
}

/// The digest is SHA-256, which DER leaves unsaid because it is the default.
fn signing_certificate_v2(certificate: &Certificate) -> Vec<u8> {
    let hash = asn1::encode_octets(certificate.sha256().as_bytes());
    let issuer = asn1::encode(DIRECTORY_NAME, &[certificate.issuer().der()]);
    let issuer_serial =
        asn1::encode_sequence(&[&asn1::encode_sequence(&[&issuer]), &serial_of(certificate)]);
    let ess_cert_id = asn1::encode_sequence(&[&hash, &issuer_serial]);
    asn1::encode_sequence(&[&asn1::encode_sequence(&[&ess_cert_id])])
}

fn serial_of(certificate: &Certificate) -> Vec<u8> {
    asn1::encode(Tag::Integer, &[certificate.serial_content()])
}

/// PKIStatus.
const REJECTION: u8 = 2;
/// RFC 5652, 5.1: content other than plain data.
const SIGNED_DATA_VERSION: u8 = 3;
