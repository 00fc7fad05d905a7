//! Whose certificate signed, and whether it could be believed then.

use certs_x509::chain::VerifiedPath;
use certs_x509::ocsp;
use gateway_globalconf::{Issuer, Snapshot};
use gateway_proto::id::ClientId;
use gateway_seal::{VerifiedSignature, verify_trust};
use jiff::Timestamp;

use super::Error;
use crate::report::{CertificateFacts, Form, Signer, Status, Warning};

/// The certificate is of the member whose signature the message must bear; by an issuer that the
/// configuration approves.
pub(super) fn signer<'c>(
    signature: &VerifiedSignature,
    expected: &ClientId,
    conf: &'c Snapshot,
) -> Result<&'c Issuer, Error> {
    let certificate = signature.signing_certificate();
    let instance = expected.instance();
    let issuer = conf
        .issuer(instance, certificate)
        .filter(|issuer| !issuer.authentication_only)
        .ok_or_else(|| Error::UnapprovedIssuer {
            issuer: certificate.issuer().rfc2253(),
            instance: instance.to_owned(),
        })?;
    let profile = issuer.profile.ok_or_else(|| Error::UnknownProfile {
        class: issuer.profile_class.clone(),
    })?;
    let named = profile
        .member_name(certificate, instance)
        .map_err(Error::NoMember)?;
    let member = expected.member();
    let same = named.instance == member.instance()
        && named.member_class == member.member_class()
        && named.member_code == member.member_code();
    match same {
        true => Ok(issuer),
        false => Err(Error::OtherSigner {
            found: format!(
                "{}/{}/{}",
                named.instance, named.member_class, named.member_code
            ),
            expected: member.clone(),
        }),
    }
}

/// Path and OCSP responses at the time of the time stamp; and what the responses say against it.
pub(super) fn verify(
    signature: &VerifiedSignature,
    signer: ClientId,
    issuer: &Issuer,
    conf: &Snapshot,
    at: Timestamp,
) -> Result<(Signer, Status, Option<Warning>), Error> {
    let policy = conf.ocsp_policy(issuer);
    let path = verify_trust(signature, &issuer.certificate, &policy, at).map_err(Error::Trust)?;
    let certificate = signature.signing_certificate();
    let issued_by = path
        .links()
        .next()
        .map_or(&issuer.certificate, |(_, issued_by)| issued_by);
    let status = status(signature, issued_by, &policy)?;
    let form = match signature.is_batch() {
        true => Form::Chain,
        false => Form::Direct,
    };
    let signer = Signer {
        id: signer,
        certificate: CertificateFacts::of(certificate),
        claimed_time: signature.signing_time(),
        form,
    };
    Ok((signer, status, revoked(signature, &path, &policy, at)))
}

/// What a further response in the signature says against its certificate, by that time. The responses
/// are in no order that anybody signed, and the first of them is the one that is believed. A
/// suspension ends with a younger response that says good.
fn revoked(
    signature: &VerifiedSignature,
    path: &VerifiedPath,
    policy: &ocsp::Policy<'_>,
    at: Timestamp,
) -> Option<Warning> {
    path.links().find_map(|(certificate, issuer)| {
        let mut responses = signature
            .ocsp_responses()
            .iter()
            .filter(|response| response.applies_to(certificate, issuer));
        let believed = responses.next()?.this_update();
        responses.find_map(|response| match response.status() {
            ocsp::Status::Revoked { at: since, on_hold }
                if since <= at
                    && !(on_hold && believed > response.this_update())
                    && ocsp::verify_origin(response, certificate, issuer, policy).is_ok() =>
            {
                Some(Warning::Revoked { since })
            }
            _ => None,
        })
    })
}

/// That of the signing certificate, which was just believed.
fn status(
    signature: &VerifiedSignature,
    issuer: &certs_x509::Certificate,
    policy: &ocsp::Policy<'_>,
) -> Result<Status, Error> {
    let certificate = signature.signing_certificate();
    let response = signature
        .ocsp_responses()
        .iter()
        .find(|response| response.applies_to(certificate, issuer))
        .ok_or_else(|| {
            Error::Trust(gateway_seal::Error::MissingOcspResponse {
                serial: certificate.serial_decimal(),
            })
        })?;
    let responder = ocsp::verify_responder(response, certificate, issuer, policy).ok();
    Ok(Status::of(response, responder))
}
