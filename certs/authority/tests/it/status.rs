use certs_authority::{Authority, Error, Standing};
use certs_keys::DigestAlgorithm;
use certs_x509::ocsp::{self, CertId, Refusal, Status};
use certs_x509::{Certificate, Error as X509Error};

use crate::{POLICY, authority, days, now, sign_certificate, with_intermediate};

#[track_caller]
fn check(authority: &Authority, certificate: &Certificate, issuer: &Certificate, status: Status) {
    let response = authority.ocsp_of(certificate, now()).unwrap();
    assert_eq!(response.status(), status);
    ocsp::verify_origin(&response, certificate, issuer, &POLICY).unwrap();
    ocsp::verify_freshness(&response, &POLICY, now()).unwrap();
    let good = ocsp::verify_good(&response, certificate, issuer, &POLICY, now());
    assert_eq!(good.is_ok(), status == Status::Good);
}

#[track_caller]
fn check_refused(response: &[u8], expected: Refusal) {
    match ocsp::Response::from_der(response) {
        Err(X509Error::Ocsp(ocsp::Error::Refused { refusal })) => assert_eq!(refusal, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn says_good_of_what_it_issued() {
    let mut authority = authority();
    let certificate = sign_certificate(&mut authority, "1");
    check(&authority, &certificate, authority.root(), Status::Good);
}

#[test]
fn answers_for_root_and_intermediate_each_by_its_own_responder() {
    let mut authority = authority();
    let early = sign_certificate(&mut authority, "1");
    authority
        .add_intermediate(certs_keys::KeyKind::P256, now())
        .unwrap();
    let late = sign_certificate(&mut authority, "2");
    let intermediate = authority.intermediate().unwrap();
    check(&authority, &early, authority.root(), Status::Good);
    check(&authority, intermediate, authority.root(), Status::Good);
    check(&authority, &late, intermediate, Status::Good);
    let response = authority.ocsp_of(&late, now()).unwrap();
    assert_eq!(
        response.certificates(),
        std::slice::from_ref(authority.ocsp_responder())
    );
    let response = authority.ocsp_of(&early, now()).unwrap();
    assert_eq!(
        response.certificates(),
        std::slice::from_ref(authority.root_ocsp_responder())
    );
}

#[test]
fn says_revoked_for_good() {
    let mut authority = authority();
    let certificate = sign_certificate(&mut authority, "1");
    authority.revoke(certificate.serial(), now()).unwrap();
    let revoked = Status::Revoked {
        at: now(),
        on_hold: false,
    };
    check(&authority, &certificate, authority.root(), revoked);
    for again in [
        authority.revoke(certificate.serial(), now()),
        authority.suspend(certificate.serial(), now()),
        authority.unrevoke(certificate.serial()),
    ] {
        assert!(matches!(
            again,
            Err(Error::Standing {
                found: Standing::Revoked { .. }
            })
        ));
    }
}

#[test]
fn suspends_until_taken_back() {
    let mut authority = authority();
    let certificate = sign_certificate(&mut authority, "1");
    authority.suspend(certificate.serial(), now()).unwrap();
    let suspended = Status::Revoked {
        at: now(),
        on_hold: true,
    };
    check(&authority, &certificate, authority.root(), suspended);
    let twice = authority.suspend(certificate.serial(), now());
    assert!(matches!(
        twice,
        Err(Error::Standing {
            found: Standing::Suspended { .. }
        })
    ));
    authority.unrevoke(certificate.serial()).unwrap();
    check(&authority, &certificate, authority.root(), Status::Good);
    let twice = authority.unrevoke(certificate.serial());
    assert!(matches!(
        twice,
        Err(Error::Standing {
            found: Standing::Good
        })
    ));
    authority.suspend(certificate.serial(), now()).unwrap();
    authority
        .revoke(certificate.serial(), now() + days(1))
        .unwrap();
}

#[test]
fn knows_no_serial_number_it_did_not_issue() {
    let mut authority = authority();
    let refused = authority.revoke(&[1, 2, 3], now());
    assert!(matches!(refused, Err(Error::UnknownSerial { serial }) if serial == "010203"));
}

#[test]
fn says_unknown_of_what_it_did_not_issue() {
    let mut first = authority();
    let certificate = sign_certificate(&mut first, "1");
    // The same keys before anything was issued: the certificate is forgotten.
    let pin = certs_keys::Pin::new("1234".to_owned());
    let state = authority();
    let keys = state.seal_keys(&pin).unwrap();
    let mut second = Authority::open(&state.state(&keys).unwrap(), &pin).unwrap();
    let issued = sign_certificate(&mut second, "1");
    check(&state, &issued, state.root(), Status::Unknown);
    check(&second, &issued, state.root(), Status::Good);
    check(&first, &certificate, first.root(), Status::Good);
}

#[test]
fn does_not_speak_for_another_authority() {
    let ours = authority();
    let mut other = with_intermediate();
    let certificate = sign_certificate(&mut other, "1");
    let request = ocsp::request(&certificate, other.issuer());
    check_refused(&ours.ocsp(&request, now()), Refusal::Unauthorized);
    assert!(matches!(
        ours.ocsp_of(&certificate, now()),
        Err(Error::UnknownSerial { .. } | Error::X509(_))
    ));
}

#[test]
fn says_malformed_of_anything_else() {
    check_refused(&authority().ocsp(b"", now()), Refusal::MalformedRequest);
    check_refused(
        &authority().ocsp(b"GET / HTTP/1.1", now()),
        Refusal::MalformedRequest,
    );
}

#[test]
fn knows_certificates_asked_by_other_digests() {
    let mut authority = authority();
    let certificate = sign_certificate(&mut authority, "1");
    for digest in [
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
    ] {
        let id = CertId::new(digest, &certificate, authority.root());
        // SEQUENCE { SEQUENCE { SEQUENCE { SEQUENCE { id } } } }, all lengths below 128 or one octet.
        let mut request = id.der().to_vec();
        for _ in 0..4 {
            let length = u8::try_from(request.len()).unwrap();
            let header = match length {
                0..0x80 => vec![0x30, length],
                _ => vec![0x30, 0x81, length],
            };
            request = [header, request].concat();
        }
        let response = ocsp::Response::from_der(&authority.ocsp(&request, now())).unwrap();
        assert_eq!(response.cert_id(), &id);
        assert_eq!(response.status(), Status::Good);
    }
}
