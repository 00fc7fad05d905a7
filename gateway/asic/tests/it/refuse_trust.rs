//! Signers whose certificate could not be believed at the time of the time stamp.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs_authority::{Authority, Order, subject};
use certs_keys::KeyKind;
use certs_x509::ocsp::{self, Status};
use certs_x509::profile::{MemberName, Profile};
use gateway_asic::report::Warning;
use gateway_asic::verify::{Blame, Error};
use jiff::Timestamp;

use crate::country::{
    Country, FRESHNESS_SECONDS, NOW, Signatory, Stamp, check_refused, days, judge, request, seconds,
};

/// A request signed with these OCSP responses, stamped then.
fn container(country: &Country, ocsp: Vec<ocsp::Response>, at: Timestamp) -> bytes::Bytes {
    let messages = vec![(request("s-1"), Vec::new())];
    let sealed = country.seal_with(&country.client, ocsp, messages, NOW);
    country.container(&sealed[0], Stamp::Batch, at)
}

fn of_client(country: &Country, status: Status, at: Timestamp) -> ocsp::Response {
    country.ocsp(&country.client.certificate, status, at)
}

#[test]
fn refuses_a_status_that_is_not_good() {
    let country = Country::new();
    for status in [
        Status::Revoked {
            at: NOW,
            on_hold: false,
        },
        Status::Revoked {
            at: NOW - days(1),
            on_hold: true,
        },
        Status::Unknown,
    ] {
        let container = container(&country, vec![of_client(&country, status, NOW)], NOW);
        let code = "invalid_cert_path.cert_validation";
        let error = check_refused(&container, &country.conf(), code);
        assert!(matches!(error, Error::Trust(_)));
        assert_eq!(error.blame(), Blame::Signer);
    }
}

#[test]
fn refuses_a_status_that_was_stale_when_the_time_stamp_was_made() {
    let country = Country::new();
    let ocsp = || vec![of_client(&country, Status::Good, NOW)];
    let in_time = NOW + seconds(FRESHNESS_SECONDS);
    judge(&container(&country, ocsp(), in_time), &country.conf()).unwrap();
    let late = container(&country, ocsp(), in_time + seconds(1));
    let code = "invalid_cert_path.incorrect_validation_info";
    let error = check_refused(&late, &country.conf(), code);
    assert_eq!(error.blame(), Blame::Logger);
    assert!(error.explanation().contains("too old"));
}

#[test]
fn refuses_a_status_of_another_certificate() {
    let country = Country::new();
    let ocsp = country.good(&country.provider);
    let other = container(&country, vec![ocsp.clone()], NOW);
    check_refused(&other, &country.conf(), "invalid_cert_path.cert_validation");
    // Beside the right one it does no harm.
    let right = of_client(&country, Status::Good, NOW);
    judge(
        &container(&country, vec![ocsp, right], NOW),
        &country.conf(),
    )
    .unwrap();
}

#[test]
fn refuses_a_status_by_somebody_who_may_not_say_it() {
    let country = Country::new();
    // Of the same name, but of another key; it comes with its certificate.
    let stranger = Country::new();
    let certificate = &country.client.certificate;
    let ocsp = country.ocsp_by(&stranger.responder, certificate, Status::Good, NOW);
    let container = container(&country, vec![ocsp], NOW);
    let code = "invalid_cert_path.incorrect_validation_info";
    check_refused(&container, &country.conf(), code);
}

#[test]
fn refuses_a_time_stamp_before_the_certificate_was_valid() {
    let country = Country::new();
    let early = NOW - days(1);
    let ocsp = of_client(&country, Status::Good, early);
    let container = container(&country, vec![ocsp], early);
    let code = "cannot_create_cert_path.internal_error";
    let error = check_refused(&container, &country.conf(), code);
    assert!(error.explanation().contains("valid from"));
}

#[test]
fn refuses_a_time_stamp_after_the_certificate_expired() {
    let country = Country::new();
    let late = NOW + days(731);
    let ocsp = of_client(&country, Status::Good, late);
    let container = container(&country, vec![ocsp], late);
    let code = "cannot_create_cert_path.internal_error";
    let error = check_refused(&container, &country.conf(), code);
    assert!(error.explanation().contains("expired"));
}

/// What has happened since does not matter: the time stamp says that the signature is older.
#[test]
fn what_happens_after_the_time_stamp_changes_nothing() {
    let mut country = Country::new();
    let ocsp = vec![of_client(&country, Status::Good, NOW)];
    let container = container(&country, ocsp, NOW);
    let serial = country.client.certificate.serial().to_vec();
    country.authority.revoke(&serial, NOW + seconds(1)).unwrap();
    judge(&container, &country.conf()).unwrap();
}

#[test]
fn refuses_a_certificate_by_an_issuer_that_is_not_approved() {
    let country = Country::new();
    let stranger = Country::new();
    // Of the same name, by another key.
    let sealed = stranger.soap_request("s-1", &[]);
    let of_stranger = country.container(&sealed, Stamp::Batch, NOW);
    check_refused(
        &of_stranger,
        &country.conf(),
        "cannot_create_cert_path.internal_error",
    );
    // Of another name.
    let mut other = Authority::create("Other", KeyKind::P256, NOW).unwrap();
    let signatory = Signatory::new(&mut other, "COM", "1111", "TESTCLI", NOW);
    let ocsp = other.ocsp_of(&signatory.certificate, NOW).unwrap();
    let messages = vec![(request("s-1"), Vec::new())];
    let sealed = country
        .seal_with(&signatory, vec![ocsp], messages, NOW)
        .remove(0);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let error = check_refused(&container, &country.conf(), "internal_error");
    assert!(matches!(error, Error::UnapprovedIssuer { .. }));
    assert_eq!(error.blame(), Blame::Configuration);
}

#[test]
fn refuses_a_certificate_that_names_no_member_under_its_profile() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Batch, NOW);
    let approved = vec![country.approved.certificate().clone()];
    let conf = country.conf_of(approved, Profile::SkKlass3);
    let error = check_refused(&container, &conf, "incorrect_certificate");
    assert!(matches!(error, Error::NoMember(_)));
}

/// The instance is part of whose signature it must be.
#[test]
fn refuses_a_member_of_the_same_code_in_another_class() {
    let mut country = Country::new();
    let key = certs_keys::SoftKey::generate(KeyKind::P256).unwrap();
    let name = MemberName {
        instance: "DEV".to_owned(),
        member_class: "GOV".to_owned(),
        member_code: "1111".to_owned(),
    };
    let attributes = subject::ejbca_sign(&name);
    let order = Order::sign(Profile::Ejbca);
    let certificate = country
        .authority
        .enroll(&key, &attributes, order, NOW)
        .unwrap();
    let signatory = Signatory {
        id: country.client.id.clone(),
        key: std::sync::Arc::new(key),
        certificate,
    };
    let sealed = country.seal(&signatory, request("s-1"), Vec::new());
    let container = country.container(&sealed, Stamp::Batch, NOW);
    check_refused(&container, &country.conf(), "incorrect_certificate");
}

/// The responses are not signed, nor is their order: what one says is not lost behind another.
#[test]
fn reports_what_a_further_response_says_against_the_certificate() {
    let country = Country::new();
    let conf = country.conf();
    let at = |seconds_later| NOW + seconds(seconds_later);
    let revoked = |since, on_hold, said| {
        let status = Status::Revoked { at: since, on_hold };
        of_client(&country, status, said)
    };
    let good = || of_client(&country, Status::Good, at(20));
    let stamped = at(3000);
    let judged = |ocsp| judge(&container(&country, ocsp, stamped), &conf);
    for said in [at(0), at(50), at(2000)] {
        for since in [NOW - days(1), stamped] {
            let further = revoked(since, false, said);
            let report = judged(vec![good(), further.clone()]).unwrap();
            assert_eq!(report.warnings, [Warning::Revoked { since }]);
            // As the first one it is the one that counts.
            let error = judged(vec![further, good()]).unwrap_err();
            assert_eq!(error.code(), "invalid_cert_path.cert_validation");
        }
    }
    let warnings = |further| judged(vec![good(), further]).unwrap().warnings;
    // What happened afterwards makes no difference.
    assert_eq!(warnings(revoked(at(3001), false, at(2000))), []);
    // A suspension counts until a younger response says good.
    assert_eq!(warnings(revoked(NOW, true, at(10))), []);
    let suspended = warnings(revoked(NOW, true, at(20)));
    assert_eq!(suspended, [Warning::Revoked { since: NOW }]);
    // Of somebody who may not say it, nothing counts.
    let stranger = Country::new();
    let status = Status::Revoked {
        at: NOW,
        on_hold: false,
    };
    let certificate = &country.client.certificate;
    let foreign = country.ocsp_by(&stranger.responder, certificate, status, NOW);
    assert_eq!(warnings(foreign), []);
}

#[test]
fn refuses_a_certificate_that_is_for_connections() {
    let mut country = Country::new();
    let key = certs_keys::SoftKey::generate(KeyKind::P256).unwrap();
    let attributes = subject::ejbca_auth("DEV", "server");
    let order = Order::auth(Profile::Ejbca);
    let auth = country
        .authority
        .enroll(&key, &attributes, order, NOW)
        .unwrap();
    let sealed = country.soap_request("s-1", &[]);
    let text = std::str::from_utf8(&sealed.seal.signature).unwrap();
    let encoded = |certificate: &certs_x509::Certificate| STANDARD.encode(certificate.der());
    let own = encoded(&country.client.certificate);
    assert!(text.contains(&own));
    let mut sealed = sealed.clone();
    sealed.seal.signature = text.replace(&own, &encoded(&auth)).into();
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let error = check_refused(&container, &country.conf(), "malformed_signature");
    assert!(matches!(
        error,
        Error::Signature(gateway_seal::Error::NotASigningCertificate)
    ));
    assert_eq!(error.blame(), Blame::Signer);
}

#[test]
fn refuses_a_certificate_by_an_authority_that_is_for_connections() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Batch, NOW);
    let conf = country.conf_for_connections();
    let error = check_refused(&container, &conf, "internal_error");
    assert!(matches!(error, Error::UnapprovedIssuer { .. }));
    assert_eq!(error.blame(), Blame::Configuration);
}
