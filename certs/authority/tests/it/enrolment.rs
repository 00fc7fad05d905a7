use certs_authority::{Error, Order, Purpose, subject};
use certs_keys::{KeyKind, SigningKey};
use certs_x509::chain;
use certs_x509::profile::Profile;
use certs_x509::request::{self, Usage};

use crate::{authority, days, key, member, now, sign_certificate, with_intermediate};

#[test]
fn issues_a_signing_certificate_that_names_its_member() {
    let mut authority = authority();
    let certificate = sign_certificate(&mut authority, "1234567");
    let named = Profile::Ejbca.member_name(&certificate, "AZ").unwrap();
    assert_eq!(named, member("1234567"));
    assert!(certificate.is_signing().unwrap());
    assert!(!certificate.is_auth().unwrap());
    assert!(!certificate.is_ca());
    chain::verify(&certificate, &[], authority.root(), now()).unwrap();
}

#[test]
fn issues_an_authentication_certificate() {
    let mut authority = authority();
    let subject = subject::ejbca_auth("AZ", "ss1");
    let order = Order::auth(Profile::Ejbca);
    let certificate = authority.enroll(&key(), &subject, order, now()).unwrap();
    assert!(certificate.is_auth().unwrap());
    assert!(!certificate.is_signing().unwrap());
    chain::verify(&certificate, &[], authority.root(), now()).unwrap();
}

#[test]
fn issues_by_the_finnish_profile() {
    let mut authority = authority();
    let subject = subject::fi_vrk_sign(&member("1234567-8"), "ss1", "Ministry");
    let order = Order::sign(Profile::FiVrk);
    let certificate = authority.enroll(&key(), &subject, order, now()).unwrap();
    assert_eq!(
        Profile::FiVrk.member_name(&certificate, "other").unwrap(),
        member("1234567-8")
    );

    let subject = subject::fi_vrk_auth("AZ", "GOV", "ss1", "Ministry", "ss1.example.org");
    authority
        .enroll(&key(), &subject, Order::auth(Profile::FiVrk), now())
        .unwrap();
}

#[test]
fn issues_under_the_intermediate_once_there_is_one() {
    let mut authority = with_intermediate();
    let certificate = sign_certificate(&mut authority, "1");
    let intermediate = authority.intermediate().unwrap().clone();
    assert!(certificate.is_signed_by(&intermediate));
    assert!(intermediate.is_signed_by(authority.root()));
    assert_eq!(authority.issuer(), &intermediate);
    let additional = [intermediate.clone()];
    chain::verify(&certificate, &additional, authority.root(), now()).unwrap();
    chain::verify(&certificate, &[], &intermediate, now()).unwrap();
    let again = authority.add_intermediate(KeyKind::P256, now());
    assert!(matches!(again, Err(Error::HasIntermediate)));
}

#[test]
fn issues_with_rsa_keys_too() {
    let mut authority = certs_authority::Authority::create("RSA", KeyKind::Rsa2048, now()).unwrap();
    let certificate = sign_certificate(&mut authority, "1");
    chain::verify(&certificate, &[], authority.root(), now()).unwrap();
    let response = authority.ocsp_of(&certificate, now()).unwrap();
    let root = authority.root();
    certs_x509::ocsp::verify_good(&response, &certificate, root, &crate::POLICY, now()).unwrap();
}

#[test]
fn gives_every_certificate_a_serial_number_of_its_own() {
    let mut authority = authority();
    for code in 0..20 {
        sign_certificate(&mut authority, &code.to_string());
    }
    let mut serials: Vec<_> = authority
        .issued()
        .iter()
        .map(|issued| issued.certificate.serial().to_vec())
        .collect();
    assert!(
        serials.iter().all(|serial| serial.len() >= 8),
        "at least 64 random bits"
    );
    let count = serials.len();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), count);
}

#[test]
fn writes_the_address_of_its_responder_into_certificates() {
    let mut authority = authority().with_ocsp_url("http://ocsp.example.org/");
    let certificate = sign_certificate(&mut authority, "1");
    assert_eq!(certificate.ocsp_url(), Some("http://ocsp.example.org/"));
}

#[test]
fn lists_what_it_issued() {
    let mut authority = with_intermediate();
    let certificate = sign_certificate(&mut authority, "1");
    let purposes: Vec<_> = authority
        .issued()
        .iter()
        .map(|issued| issued.purpose)
        .collect();
    assert_eq!(
        purposes,
        [
            Purpose::OcspResponder,
            Purpose::IntermediateAuthority,
            Purpose::OcspResponder,
            Purpose::Sign,
        ]
    );
    let last = authority.issued().last().unwrap();
    assert_eq!(last.certificate, certificate);
    assert_eq!(last.issued_at, now());
}

#[test]
fn issues_nothing_that_outlives_its_issuer() {
    let mut authority = authority();
    let late = authority.root().not_after() - days(10);
    let subject = subject::ejbca_sign(&member("1"));
    let order = Order::sign(Profile::Ejbca);
    let certificate = authority.enroll(&key(), &subject, order, late).unwrap();
    assert_eq!(certificate.not_after(), authority.root().not_after());
}

#[test]
fn refuses_to_issue_when_its_own_certificate_has_run_out() {
    let mut authority = authority();
    let late = authority.root().not_after() + days(1);
    let subject = subject::ejbca_sign(&member("1"));
    let refused = authority.enroll(&key(), &subject, Order::sign(Profile::Ejbca), late);
    assert!(matches!(refused, Err(Error::AuthorityNotValid { .. })));
}

#[test]
fn refuses_a_request_for_another_usage() {
    let mut authority = authority();
    let subject = subject::ejbca_sign(&member("1"));
    let pairs = subject::borrowed(&subject);
    let der = request::make(&key(), Usage::Auth, &pairs, None).unwrap();
    let verified = request::verify(&der).unwrap();
    let refused = authority.issue(&verified, Order::sign(Profile::Ejbca), now());
    assert!(matches!(refused, Err(Error::OtherUsage)));
    assert!(
        authority
            .issued()
            .iter()
            .all(|issued| issued.purpose != Purpose::Sign)
    );
}

#[test]
fn refuses_one_key_for_both_usages() {
    let mut authority = authority();
    let key = key();
    let subject = subject::ejbca_sign(&member("1"));
    authority
        .enroll(&key, &subject, Order::sign(Profile::Ejbca), now())
        .unwrap();
    let auth = subject::ejbca_auth("AZ", "ss1");
    let refused = authority.enroll(&key, &auth, Order::auth(Profile::Ejbca), now());
    assert!(matches!(refused, Err(Error::KeyInOtherUse)));
    // The same usage again is a renewal.
    authority
        .enroll(&key, &subject, Order::sign(Profile::Ejbca), now())
        .unwrap();
}

#[test]
fn refuses_a_signing_subject_that_names_no_member() {
    let mut authority = authority();
    let subject = subject::ejbca_auth("AZ", "ss1");
    let refused = authority.enroll(&key(), &subject, Order::sign(Profile::Ejbca), now());
    assert!(
        matches!(refused, Err(Error::UnfitSubject { .. })),
        "{refused:?}"
    );
    let mut subject = subject::fi_vrk_sign(&member("1"), "ss1", "Ministry");
    subject[2].1 = "AZ/ss1".to_owned();
    let refused = authority.enroll(&key(), &subject, Order::sign(Profile::FiVrk), now());
    assert!(
        matches!(refused, Err(Error::UnfitSubject { .. })),
        "{refused:?}"
    );
    assert!(
        authority
            .issued()
            .iter()
            .all(|issued| issued.purpose != Purpose::Sign)
    );
}

#[test]
fn refuses_an_authentication_subject_without_what_its_profile_demands() {
    let mut authority = authority();
    let good = subject::fi_vrk_auth("AZ", "GOV", "ss1", "Ministry", "ss1.example.org");
    let mut refuse = |profile, subject: &subject::Attributes| {
        let refused = authority.enroll(&key(), subject, Order::auth(profile), now());
        assert!(
            matches!(refused, Err(Error::UnfitSubject { .. })),
            "{refused:?}"
        );
    };
    for missing in 0..good.len() {
        let mut subject = good.clone();
        subject.remove(missing);
        refuse(Profile::FiVrk, &subject);
    }
    let mut two_parts = good.clone();
    two_parts[2].1 = "AZ/ss1".to_owned();
    refuse(Profile::FiVrk, &two_parts);
    let mut elsewhere = good;
    elsewhere[0].1 = "SE".to_owned();
    refuse(Profile::FiVrk, &elsewhere);
    refuse(
        Profile::Ejbca,
        &vec![(subject::COMMON_NAME, "ss1".to_owned())],
    );
}

#[test]
fn makes_tls_certificates() {
    let mut authority = authority();
    let addresses = ["127.0.0.1".parse().unwrap()];
    let (key, certificate) = authority
        .issue_tls(&["is.example.org"], &addresses, KeyKind::P256, now())
        .unwrap();
    assert_eq!(key.public_key(), certificate.public_key());
    chain::verify(&certificate, &[], authority.root(), now()).unwrap();
}
