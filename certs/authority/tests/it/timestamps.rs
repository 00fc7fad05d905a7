use certs_authority::Timestamper;
use certs_keys::{Digest, DigestAlgorithm, KeyKind, Pin};
use certs_x509::timestamp::{self, TIME_STAMPING};
use certs_x509::{Error as X509Error, chain};

use crate::{authority, days, now, with_intermediate};

#[test]
fn stamps_what_is_asked() {
    let mut authority = with_intermediate();
    let timestamper = authority.timestamper("TSA", KeyKind::P256, now()).unwrap();
    let certificate = timestamper.certificate();
    assert!(certificate.has_extended_key_usage(TIME_STAMPING));
    chain::verify(certificate, &[], authority.issuer(), now()).unwrap();

    let imprint = Digest::of(DigestAlgorithm::Sha512, b"signature value");
    let response = timestamper.respond(&timestamp::request(&imprint), now());
    let token = timestamp::token_of_response(&response).unwrap();
    token
        .verify(&imprint, std::slice::from_ref(certificate))
        .unwrap();
    assert_eq!(token.gen_time(), now());
}

#[test]
fn gives_every_time_stamp_a_serial_number_of_its_own() {
    let timestamper = authority()
        .timestamper("TSA", KeyKind::P256, now())
        .unwrap();
    let query = timestamp::request(&Digest::of(DigestAlgorithm::Sha512, b"x"));
    let mut serials: Vec<_> = (0..50)
        .map(|_| timestamp::token_of_response(&timestamper.respond(&query, now())).unwrap())
        .map(|token| token.serial().to_vec())
        .collect();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 50);
}

#[test]
fn stamps_nothing_once_its_certificate_has_run_out() {
    let timestamper = authority()
        .timestamper("TSA", KeyKind::P256, now())
        .unwrap();
    let query = timestamp::request(&Digest::of(DigestAlgorithm::Sha512, b"x"));
    let late = timestamper.certificate().not_after() + days(1);
    let refused = timestamp::token_of_response(&timestamper.respond(&query, late));
    assert!(matches!(
        refused,
        Err(X509Error::Timestamp(timestamp::Error::NotGranted {
            status: 2,
            ..
        }))
    ));
}

#[test]
fn rejects_what_is_no_request() {
    let timestamper = authority()
        .timestamper("TSA", KeyKind::P256, now())
        .unwrap();
    let refused = timestamp::token_of_response(&timestamper.respond(b"no request", now()));
    assert!(matches!(
        refused,
        Err(X509Error::Timestamp(timestamp::Error::NotGranted { .. }))
    ));
}

#[test]
fn stamps_on_after_a_restart() {
    let pin = Pin::new("1234".to_owned());
    let timestamper = authority()
        .timestamper("TSA", KeyKind::P256, now())
        .unwrap();
    let text = serde_json::to_string(&timestamper.state(&pin).unwrap()).unwrap();
    let state = serde_json::from_str(&text).unwrap();
    let again = Timestamper::open(&state, &pin).unwrap();
    assert_eq!(again.certificate(), timestamper.certificate());
    let imprint = Digest::of(DigestAlgorithm::Sha256, b"x");
    let response = again.respond(&timestamp::request(&imprint), now());
    let token = timestamp::token_of_response(&response).unwrap();
    token
        .verify(&imprint, std::slice::from_ref(timestamper.certificate()))
        .unwrap();
    assert!(Timestamper::open(&state, &Pin::new("4321".to_owned())).is_err());
}
