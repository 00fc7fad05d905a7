//! May this response be believed.

use certs_keys::{Digest, DigestAlgorithm, Signature};
use der::Decode;
use jiff::{SignedDuration, Timestamp};
use spki::AlgorithmIdentifierOwned;

use super::response::{Basic, ResponderId};
use super::{Error, OCSP_SIGNING, Response, Status};
use crate::{Certificate, Error as X509Error, algorithm};

/// Who may answer, and how old an answer may be.
#[derive(Clone, Debug)]
pub struct Policy<'a> {
    /// Responder certificates configured for exactly this issuer.
    pub responders: &'a [Certificate],
    /// Further candidates for the responder id: all responder and CA certificates of the
    /// configuration.
    pub candidates: &'a [Certificate],
    /// How old `thisUpdate` may be: the setting of the verifier's own instance.
    pub freshness_seconds: u64,
    /// Whether `nextUpdate`, where present, must not have passed.
    pub verify_next_update: bool,
}

/// The response is about this certificate and comes from somebody who may answer for its issuer.
/// The age and the status are not looked at.
///
/// The verdict depends on the octets of the arguments alone (and on the lists of `policy`, not on
/// its two settings), so it may be remembered for as long as the same configuration is in force.
///
/// # Errors
/// Any refusal; see [`Error`].
pub fn verify_origin(
    response: &Response,
    certificate: &Certificate,
    issuer: &Certificate,
    policy: &Policy<'_>,
) -> Result<(), X509Error> {
    verify_responder(response, certificate, issuer, policy).map(drop)
}

/// Verifies the origin as [`verify_origin`] does, and says whose response it is.
///
/// # Errors
/// Any refusal; see [`Error`].
pub fn verify_responder<'a>(
    response: &'a Response,
    certificate: &Certificate,
    issuer: &'a Certificate,
    policy: &Policy<'a>,
) -> Result<&'a Certificate, X509Error> {
    if !response.applies_to(certificate, issuer) {
        let serial = hex::encode(certificate.serial());
        return Err(Error::OtherCertificate { serial }.into());
    }
    // Where several certificates fit the responder id (an old and a new one of the same name), it
    // is enough that one of them signed and may answer; what is reported is the first's failure.
    let mut first_failure = None;
    for responder in candidates(response.basic(), issuer, policy) {
        let verdict = verify_signature(response.basic(), responder)
            .and_then(|()| verify_authorized(response, responder, issuer, policy));
        match verdict {
            Ok(()) => return Ok(responder),
            Err(failure) => first_failure = first_failure.or(Some(failure)),
        }
    }
    Err(first_failure.unwrap_or(Error::UnknownResponder).into())
}

/// The response is recent enough. A `thisUpdate` after `at` is accepted: records are checked for
/// a moment in the past, with a response that may be younger.
///
/// # Errors
/// [`Error::TooOld`], [`Error::NextUpdatePassed`].
pub fn verify_freshness(
    response: &Response,
    policy: &Policy<'_>,
    at: Timestamp,
) -> Result<(), X509Error> {
    let this_update = response.this_update();
    let seconds = i64::try_from(policy.freshness_seconds).unwrap_or(i64::MAX);
    let oldest = at
        .checked_sub(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MIN);
    if this_update < oldest {
        return Err(Error::TooOld { this_update, at }.into());
    }
    match response.next_update() {
        Some(next_update) if policy.verify_next_update && next_update < at => {
            Err(Error::NextUpdatePassed { next_update, at }.into())
        }
        _ => Ok(()),
    }
}

/// All of it, and the status must be good.
///
/// # Errors
/// Any refusal; see [`Error`].
pub fn verify_good(
    response: &Response,
    certificate: &Certificate,
    issuer: &Certificate,
    policy: &Policy<'_>,
    at: Timestamp,
) -> Result<(), X509Error> {
    verify_origin(response, certificate, issuer, policy)?;
    verify_freshness(response, policy, at)?;
    match response.status() {
        Status::Good => Ok(()),
        Status::Revoked { at, on_hold } => Err(Error::Revoked { at, on_hold }.into()),
        Status::Unknown => Err(Error::Unknown.into()),
    }
}

/// The certificates that fit the responder id: configured ones first, those of the response last.
fn candidates<'a>(
    basic: &'a Basic,
    issuer: &'a Certificate,
    policy: &Policy<'a>,
) -> impl Iterator<Item = &'a Certificate> {
    policy
        .responders
        .iter()
        .chain(policy.candidates)
        .chain(std::iter::once(issuer))
        .chain(&basic.certificates)
        .filter(|certificate| is_responder(&basic.responder, certificate))
}

fn is_responder(responder: &ResponderId, certificate: &Certificate) -> bool {
    match responder {
        ResponderId::ByName(name) => certificate.subject() == name,
        ResponderId::ByKey(hash) => {
            let key = Digest::of(DigestAlgorithm::Sha1, certificate.public_key().key_bits());
            key.as_bytes() == hash.as_slice()
        }
    }
}

/// Over the octets of `tbsResponseData` as they came.
fn verify_signature(basic: &Basic, responder: &Certificate) -> Result<(), Error> {
    let identifier = AlgorithmIdentifierOwned::from_der(&basic.algorithm)
        .map_err(|_| Error::InvalidSignature)?;
    let algorithm =
        algorithm::signature_algorithm(&identifier).map_err(|_| Error::UnknownAlgorithm {
            oid: identifier.oid.to_string(),
        })?;
    let digest = Digest::of(algorithm.digest(), &basic.tbs);
    let signature =
        Signature::from_der(algorithm, &basic.signature).map_err(|_| Error::InvalidSignature)?;
    responder
        .public_key()
        .verify(algorithm, &digest, &signature)
        .map_err(|_| Error::InvalidSignature)
}

/// Configured for this issuer, or the issuer itself, or appointed by it (RFC 6960, 4.2.2.2).
fn verify_authorized(
    response: &Response,
    responder: &Certificate,
    issuer: &Certificate,
    policy: &Policy<'_>,
) -> Result<(), Error> {
    if policy.responders.contains(responder) || responder == issuer {
        return Ok(());
    }
    let appointed = responder.issuer() == issuer.subject()
        && responder.has_extended_key_usage(OCSP_SIGNING)
        && responder.is_signed_by(issuer);
    if !appointed {
        let subject = responder.subject().rfc2253();
        return Err(Error::UnauthorizedResponder { subject });
    }
    // Nobody lists this certificate; the authority's word for it ends with its validity.
    let produced_at = response.produced_at();
    match responder.is_valid_at(produced_at) {
        true => Ok(()),
        false => Err(Error::ResponderCertificateNotValid { produced_at }),
    }
}
