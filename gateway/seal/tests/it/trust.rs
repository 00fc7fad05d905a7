//! May the certificate of a signature be believed.

use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm, KeyKind};
use certs_x509::ocsp::{self, Status};
use gateway_seal::{Error, Parts, Rules, SigningContext, VerifiedSignature, sign, verify_trust};
use jiff::Timestamp;

use crate::authority::{Holder, authority, hours, minutes, now, policy};

/// A verified signature with these responses and intermediates.
fn signature(
    member: &Holder,
    intermediates: &[&Holder],
    responses: Vec<ocsp::Response>,
) -> VerifiedSignature {
    let context = SigningContext::new(
        Arc::clone(&member.key),
        member.certificate.clone(),
        intermediates
            .iter()
            .map(|holder| holder.certificate.clone())
            .collect(),
        responses,
    )
    .unwrap();
    let message = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, b"message"));
    let seal = &sign(&context, &[message], now()).unwrap()[0];
    VerifiedSignature::verify(&seal.signature, Rules::Wire, &certs_x509::Memo::default()).unwrap()
}

/// The verdict on a direct member of the authority whose response is this one.
fn judge(status: Status, this_update: Timestamp, at: Timestamp) -> Result<(), Error> {
    let authority = authority("Authority");
    let member = authority.issue("Member", KeyKind::P256);
    let response = authority.status(&member.certificate, status, this_update);
    let signature = signature(&member, &[], vec![response]);
    verify_trust(&signature, &authority.certificate, &policy(), at).map(drop)
}

#[track_caller]
fn check_refused(verdict: Result<(), Error>, code: &str) {
    let error = verdict.unwrap_err();
    assert_eq!(error.code(), code, "{error:?}");
}

#[test]
fn believes_a_certificate_with_a_fresh_good_response() {
    judge(Status::Good, now(), now()).unwrap();
    judge(Status::Good, now() - minutes(59), now()).unwrap();
}

#[test]
fn refuses_a_certificate_whose_response_is_stale() {
    let verdict = judge(Status::Good, now() - minutes(61), now());
    check_refused(verdict, "invalid_cert_path.incorrect_validation_info");
}

#[test]
fn refuses_a_certificate_that_is_revoked_or_unknown() {
    let revoked = Status::Revoked {
        at: now() - hours(1),
        on_hold: false,
    };
    check_refused(
        judge(revoked, now(), now()),
        "invalid_cert_path.cert_validation",
    );
    check_refused(
        judge(Status::Unknown, now(), now()),
        "invalid_cert_path.cert_validation",
    );
}

#[test]
fn refuses_a_certificate_out_of_its_validity() {
    for at in [now() - hours(25), now() + hours(25)] {
        check_refused(
            judge(Status::Good, at, at),
            "cannot_create_cert_path.internal_error",
        );
    }
}

#[test]
fn refuses_a_certificate_of_another_authority() {
    let (ours, theirs) = (authority("Authority"), authority("Authority"));
    let member = theirs.issue("Member", KeyKind::P256);
    let response = theirs.status(&member.certificate, Status::Good, now());
    let signature = signature(&member, &[], vec![response]);
    let verdict = verify_trust(&signature, &ours.certificate, &policy(), now());
    check_refused(verdict.map(drop), "cannot_create_cert_path.internal_error");
}

#[test]
fn refuses_a_certificate_without_a_response_about_it() {
    let authority = authority("Authority");
    let member = authority.issue("Member", KeyKind::P256);
    let other = authority.issue("Other", KeyKind::P256);
    let response = authority.status(&other.certificate, Status::Good, now());
    let signature = signature(&member, &[], vec![response]);
    let error = verify_trust(&signature, &authority.certificate, &policy(), now()).unwrap_err();
    assert!(
        matches!(error, Error::MissingOcspResponse { .. }),
        "{error:?}"
    );
    assert_eq!(error.code(), "invalid_cert_path.cert_validation");
}

#[test]
fn wants_a_response_for_every_certificate_of_the_path() {
    let root = authority("Root");
    let intermediate = root.issue_authority("Intermediate");
    let member = intermediate.issue("Member", KeyKind::P256);
    let of_member = intermediate.status(&member.certificate, Status::Good, now());
    let of_intermediate = root.status(&intermediate.certificate, Status::Good, now());

    let both = signature(
        &member,
        &[&intermediate],
        vec![of_member.clone(), of_intermediate],
    );
    let path = verify_trust(&both, &root.certificate, &policy(), now()).unwrap();
    assert_eq!(path.certificates().len(), 2);
    // An intermediate authority of the configuration is an anchor itself.
    let path = verify_trust(&both, &intermediate.certificate, &policy(), now()).unwrap();
    assert_eq!(path.certificates().len(), 1);

    let one = signature(&member, &[&intermediate], vec![of_member]);
    let error = verify_trust(&one, &root.certificate, &policy(), now()).unwrap_err();
    assert!(
        matches!(error, Error::MissingOcspResponse { .. }),
        "{error:?}"
    );
}
