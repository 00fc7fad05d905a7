//! Requests and responses made here, and every reason to refuse one.
#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

mod vectors;

use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey, SoftKey, default_algorithm};
use der::{Decode, Encode, Tag, TagNumber};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use x509_ocsp as independent;

use super::*;
use crate::asn1::{context, encode, encode_bits, encode_octets, encode_oid, encode_sequence};
use crate::builder::Builder;
use crate::{Certificate, Error as X509Error, Name, algorithm};

struct Party {
    certificate: Certificate,
    key: SoftKey,
}

/// An authority with a responder that it appointed, and a certificate it issued.
struct World {
    ca: Party,
    responder: Party,
    leaf: Certificate,
    now: Timestamp,
}

fn name(text: &str) -> Name {
    Name::from_attributes(&[("2.5.4.3", text)]).unwrap()
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn ca(text: &str) -> Party {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = Builder::ca(name(text), key.public_key())
        .validity(now() - hours(24), now() + hours(24 * 365))
        .self_sign(&key)
        .unwrap();
    Party { certificate, key }
}

fn issue(
    issuer: &Party,
    make: impl Fn(Name, &certs_keys::PublicKey) -> Builder,
    text: &str,
) -> Party {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = make(name(text), key.public_key())
        .validity(now() - hours(1), now() + hours(24 * 30))
        .sign(&issuer.certificate, &issuer.key)
        .unwrap();
    Party { certificate, key }
}

fn world() -> World {
    let ca = ca("Test CA");
    let responder = issue(&ca, Builder::ocsp_responder, "Test OCSP");
    let leaf = issue(&ca, Builder::sign_profile, "member").certificate;
    World {
        ca,
        responder,
        leaf,
        now: now(),
    }
}

const STRICT: Policy<'static> = Policy {
    responders: &[],
    candidates: &[],
    freshness_seconds: 3600,
    verify_next_update: true,
};

impl World {
    fn answer(&self, responder: &Party, status: Status) -> Vec<u8> {
        let request = Request::from_der(&request(&self.leaf, &self.ca.certificate)).unwrap();
        let validity = Validity {
            this_update: self.now,
            next_update: Some(self.now + hours(1)),
        };
        self.respond(&request, responder, status, validity)
    }

    fn respond(
        &self,
        request: &Request,
        responder: &Party,
        status: Status,
        validity: Validity,
    ) -> Vec<u8> {
        let responder = Responder {
            certificate: &responder.certificate,
            key: &responder.key,
            identification: Identification::ByName,
        };
        respond(request, |_| status, responder, validity, self.now).unwrap()
    }

    fn good(&self) -> Response {
        Response::from_der(&self.answer(&self.responder, Status::Good)).unwrap()
    }

    fn verify(&self, response: &Response, policy: &Policy<'_>) -> Result<(), X509Error> {
        verify_good(response, &self.leaf, &self.ca.certificate, policy, self.now)
    }

    /// Signs these tbs octets as the responder, with the certificates given.
    fn signed(&self, tbs: &[u8], certificates: &[&Certificate]) -> Vec<u8> {
        let algorithm = default_algorithm(self.responder.key.public_key(), DigestAlgorithm::Sha256);
        let digest = Digest::of(DigestAlgorithm::Sha256, tbs);
        let signature = self.responder.key.sign(algorithm, &digest).unwrap();
        let identifier = algorithm::signature_identifier(algorithm).to_der().unwrap();
        let certificates: Vec<&[u8]> = certificates.iter().map(|one| one.der()).collect();
        let enclosed = match certificates.is_empty() {
            true => Vec::new(),
            false => encode(context(TagNumber::N0), &[&encode_sequence(&certificates)]),
        };
        let basic = encode_sequence(&[
            tbs,
            &identifier,
            &encode_bits(&signature.to_der()),
            &enclosed,
        ]);
        wrapped(&encode_oid(BASIC), &basic)
    }

    fn single(&self, cert_id: &[u8]) -> Vec<u8> {
        encode_sequence(&[
            cert_id,
            &encode(crate::asn1::context_primitive(TagNumber::N0), &[]),
            &crate::asn1::encode_generalized_time(self.now),
        ])
    }

    fn tbs(&self, singles: &[&[u8]]) -> Vec<u8> {
        encode_sequence(&[
            &encode(
                context(TagNumber::N1),
                &[self.responder.certificate.subject().der()],
            ),
            &crate::asn1::encode_generalized_time(self.now),
            &encode_sequence(singles),
        ])
    }
}

fn wrapped(response_type: &[u8], basic: &[u8]) -> Vec<u8> {
    let bytes = encode_sequence(&[response_type, &encode_octets(basic)]);
    encode_sequence(&[
        &encode(Tag::Enumerated, &[&[0]]),
        &encode(context(TagNumber::N0), &[&bytes]),
    ])
}

#[track_caller]
fn refusal(result: Result<(), X509Error>) -> Error {
    match result {
        Err(X509Error::Ocsp(error)) => error,
        other => panic!("not refused for an OCSP reason: {other:?}"),
    }
}

#[test]
fn accepts_a_good_answer_of_an_appointed_responder() {
    let world = world();
    world.verify(&world.good(), &STRICT).unwrap();
}

#[test]
fn accepts_a_responder_named_by_its_key() {
    let world = world();
    let request = Request::from_der(&request(&world.leaf, &world.ca.certificate)).unwrap();
    let responder = Responder {
        certificate: &world.responder.certificate,
        key: &world.responder.key,
        identification: Identification::ByKey,
    };
    let validity = Validity {
        this_update: world.now,
        next_update: None,
    };
    let der = respond(&request, |_| Status::Good, responder, validity, world.now).unwrap();
    world
        .verify(&Response::from_der(&der).unwrap(), &STRICT)
        .unwrap();
}

#[test]
fn accepts_an_answer_of_the_issuer_itself() {
    let world = world();
    let der = world.answer(&world.ca, Status::Good);
    world
        .verify(&Response::from_der(&der).unwrap(), &STRICT)
        .unwrap();
}

#[test]
fn accepts_a_responder_configured_for_the_issuer_whoever_issued_it() {
    let world = world();
    let other = ca("Somebody else");
    let responders = [other.certificate.clone()];
    let response = Response::from_der(&world.answer(&other, Status::Good)).unwrap();
    world
        .verify(
            &response,
            &Policy {
                responders: &responders,
                ..STRICT
            },
        )
        .unwrap();
}

#[test]
fn accepts_a_new_responder_certificate_of_an_old_name() {
    let world = world();
    let old = issue(&world.ca, Builder::ocsp_responder, "Test OCSP");
    let candidates = [old.certificate];
    world
        .verify(
            &world.good(),
            &Policy {
                candidates: &candidates,
                ..STRICT
            },
        )
        .unwrap();
}

#[test]
fn accepts_the_version_that_der_leaves_out() {
    let world = world();
    let single = world.single(CertId::sha1(&world.leaf, &world.ca.certificate).der());
    let tbs = encode_sequence(&[
        &encode(context(TagNumber::N0), &[&encode(Tag::Integer, &[&[0]])]),
        &encode(
            context(TagNumber::N1),
            &[world.responder.certificate.subject().der()],
        ),
        &crate::asn1::encode_generalized_time(world.now),
        &encode_sequence(&[&single]),
    ]);
    let der = world.signed(&tbs, &[&world.responder.certificate]);
    world
        .verify(&Response::from_der(&der).unwrap(), &STRICT)
        .unwrap();
}

#[test]
fn refuses_a_responder_of_another_authority() {
    let world = world();
    let other = ca("Somebody else");
    let candidates = [other.certificate.clone()];
    let response = Response::from_der(&world.answer(&other, Status::Good)).unwrap();
    let refused = world.verify(
        &response,
        &Policy {
            candidates: &candidates,
            ..STRICT
        },
    );
    assert!(matches!(
        refusal(refused),
        Error::UnauthorizedResponder { .. }
    ));
}

#[test]
fn refuses_a_responder_appointed_by_a_namesake() {
    let world = world();
    let namesake = ca("Test CA");
    let responder = issue(&namesake, Builder::ocsp_responder, "Test OCSP");
    let response = Response::from_der(&world.answer(&responder, Status::Good)).unwrap();
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(refused, Error::UnauthorizedResponder { .. }));
}

#[test]
fn refuses_a_member_that_answers_for_its_authority() {
    let world = world();
    let member = issue(&world.ca, Builder::sign_profile, "member 2");
    let response = Response::from_der(&world.answer(&member, Status::Good)).unwrap();
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(refused, Error::UnauthorizedResponder { .. }));
    assert_eq!(refused.code(), "incorrect_validation_info");
}

#[test]
fn refuses_an_appointed_responder_whose_certificate_has_expired() {
    let world = world();
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = Builder::ocsp_responder(name("Old OCSP"), key.public_key())
        .validity(now() - hours(48), now() - hours(1))
        .sign(&world.ca.certificate, &world.ca.key)
        .unwrap();
    let expired = Party { certificate, key };
    let response = Response::from_der(&world.answer(&expired, Status::Good)).unwrap();
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(
        refused,
        Error::ResponderCertificateNotValid { .. }
    ));
}

#[test]
fn refuses_an_unknown_responder() {
    let world = world();
    let single = world.single(CertId::sha1(&world.leaf, &world.ca.certificate).der());
    let response = Response::from_der(&world.signed(&world.tbs(&[&single]), &[])).unwrap();
    assert!(matches!(
        refusal(world.verify(&response, &STRICT)),
        Error::UnknownResponder
    ));
    let candidates = [world.responder.certificate.clone()];
    world
        .verify(
            &response,
            &Policy {
                candidates: &candidates,
                ..STRICT
            },
        )
        .unwrap();
}

#[test]
fn refuses_a_changed_response() {
    let world = world();
    let der = world.answer(
        &world.responder,
        Status::Revoked {
            at: world.now,
            on_hold: false,
        },
    );
    // The revoked status is [1]; thisUpdate follows. Moving a digit of a time changes what was
    // signed and leaves the structure whole.
    let text = b"20260301120000Z";
    let at = der
        .windows(text.len())
        .position(|window| window == text)
        .unwrap();
    let mut changed = der.clone();
    changed[at] = b'1';
    let response = Response::from_der(&changed).unwrap();
    let refused = verify_origin(&response, &world.leaf, &world.ca.certificate, &STRICT);
    assert!(matches!(refusal(refused), Error::InvalidSignature));
}

#[test]
fn refuses_a_signature_by_another_key() {
    let world = world();
    let thief = Party {
        certificate: world.responder.certificate.clone(),
        key: SoftKey::generate(KeyKind::P256).unwrap(),
    };
    let response = Response::from_der(&world.answer(&thief, Status::Good)).unwrap();
    assert!(matches!(
        refusal(world.verify(&response, &STRICT)),
        Error::InvalidSignature
    ));
}

#[test]
fn refuses_a_response_about_another_certificate() {
    let world = world();
    let other = issue(&world.ca, Builder::sign_profile, "other").certificate;
    let response = world.good();
    let refused = verify_good(&response, &other, &world.ca.certificate, &STRICT, world.now);
    assert!(matches!(refusal(refused), Error::OtherCertificate { .. }));
    assert!(!response.applies_to(&other, &world.ca.certificate));
    assert!(response.applies_to(&world.leaf, &world.ca.certificate));
}

#[test]
fn refuses_a_certificate_id_by_another_digest() {
    let world = world();
    let id = CertId::new(DigestAlgorithm::Sha256, &world.leaf, &world.ca.certificate);
    let tbs = world.tbs(&[&world.single(id.der())]);
    let der = world.signed(&tbs, &[&world.responder.certificate]);
    let refused = refusal(world.verify(&Response::from_der(&der).unwrap(), &STRICT));
    assert!(matches!(refused, Error::OtherCertificate { .. }));
}

#[test]
fn refuses_a_certificate_id_without_null_parameters() {
    let world = world();
    let id = CertId::sha1(&world.leaf, &world.ca.certificate);
    let sha1 = encode_sequence(&[&encode_oid(crate::asn1::SHA1)]);
    let name = Digest::of(DigestAlgorithm::Sha1, world.ca.certificate.subject().der());
    let key = Digest::of(
        DigestAlgorithm::Sha1,
        world.ca.certificate.public_key().key_bits(),
    );
    let bare = encode_sequence(&[
        &sha1,
        &encode_octets(name.as_bytes()),
        &encode_octets(key.as_bytes()),
        &encode(Tag::Integer, &[id.serial()]),
    ]);
    let tbs = world.tbs(&[&world.single(&bare)]);
    let der = world.signed(&tbs, &[&world.responder.certificate]);
    let response = Response::from_der(&der).unwrap();
    assert!(response.cert_id().is_of_issuer(&world.ca.certificate));
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(refused, Error::OtherCertificate { .. }));
}

#[test]
fn looks_at_the_first_status_only() {
    let world = world();
    let other = issue(&world.ca, Builder::sign_profile, "other").certificate;
    let first = world.single(CertId::sha1(&other, &world.ca.certificate).der());
    let second = world.single(CertId::sha1(&world.leaf, &world.ca.certificate).der());
    let tbs = world.tbs(&[&first, &second]);
    let der = world.signed(&tbs, &[&world.responder.certificate]);
    let response = Response::from_der(&der).unwrap();
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(refused, Error::OtherCertificate { .. }));
    verify_good(&response, &other, &world.ca.certificate, &STRICT, world.now).unwrap();
}

#[test]
fn refuses_a_response_that_is_too_old() {
    let world = world();
    let response = world.good();
    let verify = |at| verify_freshness(&response, &STRICT, at);
    verify(world.now + SignedDuration::from_secs(3600)).unwrap();
    let refused = refusal(verify(world.now + SignedDuration::from_secs(3601)));
    assert!(matches!(refused, Error::TooOld { .. }));
    assert_eq!(refused.code(), "incorrect_validation_info");
}

#[test]
fn accepts_a_response_from_after_the_moment_in_question() {
    let world = world();
    verify_freshness(&world.good(), &STRICT, world.now - hours(24)).unwrap();
}

#[test]
fn refuses_a_response_past_its_next_update_where_that_is_enforced() {
    let world = world();
    let policy = Policy {
        freshness_seconds: 86_400,
        ..STRICT
    };
    let response = world.good();
    let verify = |policy: &Policy<'_>, at| verify_freshness(&response, policy, at);
    verify(&policy, world.now + hours(1)).unwrap();
    let late = world.now + hours(1) + SignedDuration::from_secs(1);
    assert!(matches!(
        refusal(verify(&policy, late)),
        Error::NextUpdatePassed { .. }
    ));
    verify(
        &Policy {
            verify_next_update: false,
            ..policy
        },
        late,
    )
    .unwrap();
}

#[test]
fn survives_any_freshness_and_any_moment() {
    let world = world();
    let policy = Policy {
        freshness_seconds: u64::MAX,
        ..STRICT
    };
    verify_freshness(&world.good(), &policy, Timestamp::MIN).unwrap();
    let policy = Policy {
        verify_next_update: false,
        ..policy
    };
    verify_freshness(&world.good(), &policy, Timestamp::MAX).unwrap();
}

#[test]
fn refuses_a_revoked_certificate() {
    let world = world();
    let status = Status::Revoked {
        at: world.now - hours(2),
        on_hold: false,
    };
    let response = Response::from_der(&world.answer(&world.responder, status)).unwrap();
    assert_eq!(response.status(), status);
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(refused, Error::Revoked { on_hold: false, .. }));
    assert_eq!(refused.code(), "cert_validation");
    verify_origin(&response, &world.leaf, &world.ca.certificate, &STRICT).unwrap();
}

#[test]
fn refuses_a_suspended_certificate() {
    let world = world();
    let status = Status::Revoked {
        at: world.now - hours(2),
        on_hold: true,
    };
    let response = Response::from_der(&world.answer(&world.responder, status)).unwrap();
    let refused = refusal(world.verify(&response, &STRICT));
    assert!(matches!(refused, Error::Revoked { on_hold: true, .. }));
}

#[test]
fn refuses_a_certificate_that_the_responder_does_not_know() {
    let world = world();
    let der = world.answer(&world.responder, Status::Unknown);
    let refused = refusal(world.verify(&Response::from_der(&der).unwrap(), &STRICT));
    assert!(matches!(refused, Error::Unknown));
    assert_eq!(refused.code(), "cert_validation");
}

#[test]
fn names_the_refusal_of_a_responder() {
    for (number, expected) in [
        (1, Refusal::MalformedRequest),
        (2, Refusal::InternalError),
        (3, Refusal::TryLater),
        (5, Refusal::SignatureRequired),
        (6, Refusal::Unauthorized),
        (4, Refusal::Other(4)),
    ] {
        assert_eq!(expected.number(), number);
        match Response::from_der(&refuse(expected)) {
            Err(X509Error::Ocsp(Error::Refused { refusal })) => assert_eq!(refusal, expected),
            other => panic!("{other:?}"),
        }
        let independently = independent::OcspResponse::from_der(&refuse(expected));
        assert_eq!(independently.is_ok(), number != 4);
    }
}

#[test]
fn refuses_a_response_of_unknown_type() {
    let der = wrapped(&encode_oid(NONCE), b"whatever");
    let refused = Response::from_der(&der);
    assert!(matches!(
        refused,
        Err(X509Error::Ocsp(Error::UnknownResponseType { .. }))
    ));
}

#[test]
fn refuses_a_response_without_status() {
    let world = world();
    let der = world.signed(&world.tbs(&[]), &[&world.responder.certificate]);
    assert!(matches!(
        Response::from_der(&der),
        Err(X509Error::Ocsp(Error::NoStatus))
    ));
    let bare = encode_sequence(&[&encode(Tag::Enumerated, &[&[0]])]);
    assert!(matches!(
        Response::from_der(&bare),
        Err(X509Error::Ocsp(Error::NoStatus))
    ));
}

#[test]
fn refuses_octets_after_the_response() {
    let world = world();
    let mut der = world.answer(&world.responder, Status::Good);
    der.push(0);
    assert!(matches!(
        Response::from_der(&der),
        Err(X509Error::Malformed { .. })
    ));
}

#[test]
fn refuses_a_response_cut_short_anywhere() {
    let world = world();
    let der = world.answer(&world.responder, Status::Good);
    for end in 0..der.len() {
        assert!(
            Response::from_der(&der[..end]).is_err(),
            "{end} of {} octets",
            der.len()
        );
    }
}

#[test]
fn refuses_a_response_that_is_too_large() {
    let refused = Response::from_der(&vec![0; MESSAGE_BYTES_MAX + 1]);
    assert!(matches!(refused, Err(X509Error::TooLarge { .. })));
}

#[test]
fn refuses_a_response_with_a_crowd_of_certificates() {
    let world = world();
    let single = world.single(CertId::sha1(&world.leaf, &world.ca.certificate).der());
    let crowd = vec![&world.responder.certificate; 9];
    let der = world.signed(&world.tbs(&[&single]), &crowd);
    assert!(matches!(
        Response::from_der(&der),
        Err(X509Error::Malformed { .. })
    ));
}

#[test]
fn passes_over_an_enclosed_certificate_that_cannot_be_read() {
    let world = world();
    let single = world.single(CertId::sha1(&world.leaf, &world.ca.certificate).der());
    let response = world.signed(&world.tbs(&[&single]), &[]);
    // Put a SEQUENCE that is no certificate in front of the right one.
    let mut outer = crate::asn1::Reader::only(&response, Tag::Sequence).unwrap();
    outer.element().unwrap();
    let mut bytes = outer
        .enter(context(TagNumber::N0))
        .unwrap()
        .sequence()
        .unwrap();
    bytes.oid().unwrap();
    let mut basic = crate::asn1::Reader::only(bytes.octets().unwrap(), Tag::Sequence).unwrap();
    let parts: Vec<&[u8]> = (0..3).map(|_| basic.element().unwrap().whole).collect();
    let odd = encode_sequence(&[&encode_octets(b"odd")]);
    let enclosed = encode_sequence(&[&odd, world.responder.certificate.der()]);
    let enclosed = encode(context(TagNumber::N0), &[&enclosed]);
    let basic = encode_sequence(&[parts[0], parts[1], parts[2], &enclosed]);
    let response = Response::from_der(&wrapped(&encode_oid(BASIC), &basic)).unwrap();
    assert_eq!(
        response.certificates(),
        std::slice::from_ref(&world.responder.certificate)
    );
    world.verify(&response, &STRICT).unwrap();
}

#[test]
fn asks_as_other_servers_do() {
    let world = world();
    let der = request(&world.leaf, &world.ca.certificate);
    let read = independent::OcspRequest::from_der(&der).unwrap();
    assert_eq!(read.to_der().unwrap(), der);
    assert!(read.optional_signature.is_none());
    assert!(read.tbs_request.requestor_name.is_none());
    assert!(read.tbs_request.request_extensions.is_none());
    let [asked] = read.tbs_request.request_list.as_slice() else {
        panic!("one certificate")
    };
    assert!(asked.single_request_extensions.is_none());
    let algorithm = asked.req_cert.hash_algorithm.to_der().unwrap();
    assert_eq!(algorithm, [0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0]);
    let serial = asked.req_cert.serial_number.as_bytes();
    assert_eq!(serial, world.leaf.serial_content());
}

#[test]
fn answers_what_an_independent_decoder_reads() {
    let world = world();
    let der = world.answer(
        &world.responder,
        Status::Revoked {
            at: world.now,
            on_hold: true,
        },
    );
    let read = independent::OcspResponse::from_der(&der).unwrap();
    assert_eq!(read.to_der().unwrap(), der);
    let bytes = read.response_bytes.unwrap();
    let basic = independent::BasicOcspResponse::from_der(bytes.response.as_bytes()).unwrap();
    assert_eq!(basic.to_der().unwrap(), bytes.response.as_bytes());
    let [single] = basic.tbs_response_data.responses.as_slice() else {
        panic!("one status")
    };
    let independent::CertStatus::Revoked(revoked) = single.cert_status else {
        panic!("revoked")
    };
    assert!(revoked.revocation_reason.is_some());
    assert_eq!(basic.certs.unwrap().len(), 1);
}

#[test]
fn answers_under_the_certificate_id_asked_and_with_the_nonce() {
    let world = world();
    let issuer = &world.ca.certificate;
    let asked = CertId::new(DigestAlgorithm::Sha256, &world.leaf, issuer);
    let nonce = encode_octets(&[7; 32]);
    let request =
        Request::from_der(&encode_request(&[asked.der()], Some((&nonce, false)))).unwrap();
    assert_eq!(request.cert_ids(), std::slice::from_ref(&asked));
    let validity = Validity {
        this_update: world.now,
        next_update: None,
    };
    let der = world.respond(&request, &world.responder, Status::Good, validity);
    let response = Response::from_der(&der).unwrap();
    assert_eq!(response.cert_id(), &asked);
    assert_eq!(response.nonce(), Some(&nonce[..]));
    assert_eq!(response.next_update(), None);
}

#[test]
fn refuses_requests_it_cannot_answer() {
    let world = world();
    let id = CertId::sha1(&world.leaf, &world.ca.certificate);
    let long = [0; 133];
    for (der, what) in [
        (encode_request(&[], None), "nothing asked"),
        (encode_request(&[id.der(); 65], None), "too much asked"),
        (
            encode_request(&[id.der()], Some((&[], false))),
            "empty nonce",
        ),
        (
            encode_request(&[id.der()], Some((&long, false))),
            "long nonce",
        ),
    ] {
        let refused = Request::from_der(&der);
        let expected = matches!(
            refused,
            Err(X509Error::Ocsp(Error::MalformedRequest { .. }))
        );
        assert!(expected, "{what}: {refused:?}");
    }
    assert!(Request::from_der(&encode_request(&[id.der(); 64], None)).is_ok());
    assert!(Request::from_der(&encode_request(&[id.der()], Some((b"n", true)))).is_ok());
    assert!(Request::from_der(b"").is_err());
    assert!(Request::from_der(&vec![0; MESSAGE_BYTES_MAX + 1]).is_err());
}

#[test]
fn refuses_a_request_with_an_unknown_critical_extension() {
    let world = world();
    let id = CertId::sha1(&world.leaf, &world.ca.certificate);
    let with = |critical: u8| {
        let critical = encode(Tag::Boolean, &[&[critical]]);
        let extension = encode_sequence(&[&encode_oid(BASIC), &critical, &encode_octets(b"")]);
        let list = encode_sequence(&[&encode_sequence(&[id.der()])]);
        let extensions = encode(context(TagNumber::N2), &[&encode_sequence(&[&extension])]);
        encode_sequence(&[&encode_sequence(&[&list, &extensions])])
    };
    assert!(Request::from_der(&with(0x00)).is_ok());
    assert!(Request::from_der(&with(0xff)).is_err());
}

fn encode_request(ids: &[&[u8]], nonce: Option<(&[u8], bool)>) -> Vec<u8> {
    let asked: Vec<Vec<u8>> = ids.iter().map(|id| encode_sequence(&[id])).collect();
    let asked: Vec<&[u8]> = asked.iter().map(Vec::as_slice).collect();
    let extensions = nonce.map(|(nonce, critical)| {
        let critical = match critical {
            true => encode(Tag::Boolean, &[&[0xff]]),
            false => Vec::new(),
        };
        let extension = encode_sequence(&[&encode_oid(NONCE), &critical, &encode_octets(nonce)]);
        encode(context(TagNumber::N2), &[&encode_sequence(&[&extension])])
    });
    let tbs = encode_sequence(&[&encode_sequence(&asked), &extensions.unwrap_or_default()]);
    encode_sequence(&[&tbs])
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Good),
        Just(Status::Unknown),
        (0_i64..4_102_444_800, any::<bool>()).prop_map(|(second, on_hold)| Status::Revoked {
            at: Timestamp::from_second(second).unwrap(),
            on_hold,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_answered_is_what_is_read(
        status in any_status(),
        this_update in 0_i64..4_102_444_800,
        next_update in proptest::option::of(0_i64..4_102_444_800),
    ) {
        let world = world();
        let at = |second| Timestamp::from_second(second).unwrap();
        let request = Request::from_der(&request(&world.leaf, &world.ca.certificate)).unwrap();
        let validity =
            Validity { this_update: at(this_update), next_update: next_update.map(at) };
        let der = world.respond(&request, &world.responder, status, validity);
        let response = Response::from_der(&der).unwrap();
        prop_assert_eq!(response.der(), &der[..]);
        prop_assert_eq!(response.status(), status);
        prop_assert_eq!(response.this_update(), validity.this_update);
        prop_assert_eq!(response.next_update(), validity.next_update);
        prop_assert_eq!(response.produced_at(), world.now);
        verify_origin(&response, &world.leaf, &world.ca.certificate, &STRICT).unwrap();
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_are_no_message(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Response::from_der(&octets).is_err());
        prop_assert!(Request::from_der(&octets).is_err());
    }
}
