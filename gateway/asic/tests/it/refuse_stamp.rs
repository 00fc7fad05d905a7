//! Time stamps over something else, or of somebody who is not approved.

use bytes::Bytes;
use certs_authority::Authority;
use certs_keys::{DigestAlgorithm, KeyKind, SigningKey as _, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::profile::Profile;
use certs_x509::{Name, timestamp};
use gateway_asic::verify::{Blame, Error};
use gateway_asic::{Stamped, stamping};
use gateway_seal::hashchain;

use crate::country::{
    Country, NOW, Stamp, check_refused, days, judge, make_container, seconds, sha512, stamp_by,
    token,
};
use crate::files::Files;

fn files(country: &Country, id: &str, stamp: Stamp) -> Files {
    Files::of(&country.container(&country.soap_request(id, &[]), stamp, NOW))
}

#[test]
fn refuses_a_container_without_a_time_stamp() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let container = files(&country, "s-1", Stamp::Single)
        .with(SIGNATURES, sealed.seal.signature)
        .zip();
    let error = check_refused(&container, &country.conf(), "malformed_signature");
    assert!(matches!(error, Error::NoTimeStamp));
    assert_eq!(error.blame(), Blame::Logger);
}

#[test]
fn refuses_a_time_stamp_of_another_container() {
    let country = Country::new();
    let conf = country.conf();
    // The token alone.
    let other = files(&country, "s-2", Stamp::Batch);
    let foreign = files(&country, "s-1", Stamp::Batch).with(
        "META-INF/timestamp.tst",
        other.get("META-INF/timestamp.tst"),
    );
    let error = check_refused(&foreign.zip(), &conf, "malformed_signature");
    assert!(
        matches!(error, Error::Imprint { name } if name == "ts-hashchainresult.xml"),
        "{error:?}"
    );
    // The token with its chain: it is about another signature.
    let mut foreign = files(&country, "s-1", Stamp::Batch);
    for name in [
        "META-INF/timestamp.tst",
        "META-INF/ASiCManifest.xml",
        "ts-hashchain.xml",
        "ts-hashchainresult.xml",
    ] {
        foreign = foreign.with(name, other.get(name));
    }
    let error = check_refused(&foreign.zip(), &conf, "malformed_signature");
    assert!(matches!(error, Error::StampedOther), "{error:?}");
    // A token in the signature that is of another signature.
    let first = country.soap_request("s-1", &[]);
    let second = country.soap_request("s-2", &[]);
    let stamp = country.stamp(&second.seal.signature, Stamp::Single, NOW);
    let container = make_container(&first, stamp);
    let error = check_refused(&container, &conf, "malformed_signature");
    assert!(matches!(error, Error::Imprint { .. }), "{error:?}");
}

/// Both signatures are in the batch, so that token and result are the right ones.
#[test]
fn refuses_the_chain_of_another_signature_of_the_same_time_stamp() {
    let country = Country::new();
    let conf = country.conf();
    let sealed = [
        country.soap_request("s-1", &[]),
        country.soap_request("s-2", &[]),
    ];
    let digests = sealed.each_ref().map(|one| sha512(&one.seal.signature));
    let batch = stamping::batch(&digests).unwrap();
    let stamp = |index| Stamped::Batch {
        token: country.token(&sha512(&batch.result), NOW),
        result: batch.result.clone(),
        chain: batch.chain(index).unwrap(),
    };
    judge(&make_container(&sealed[0], stamp(0)), &conf).unwrap();
    judge(&make_container(&sealed[1], stamp(1)), &conf).unwrap();
    let container = make_container(&sealed[0], stamp(1));
    let error = check_refused(&container, &conf, "malformed_signature");
    assert!(matches!(error, Error::StampedOther));
}

#[test]
fn refuses_a_time_stamp_chain_that_does_not_hold() {
    let country = Country::new();
    let conf = country.conf();
    let original = files(&country, "s-1", Stamp::Batch);
    let check = |files: Files| match check_refused(&files.zip(), &conf, "malformed_signature") {
        Error::StampChain(error) => error,
        other => panic!("{other:?}"),
    };
    // It is about a message instead of a signature.
    let other = original.clone().replacing(
        "ts-hashchain.xml",
        "URI=\"/META-INF/signatures.xml\"",
        "URI=\"/message.xml\"",
    );
    assert_eq!(check(other), hashchain::Error::Unresolvable);
    // It is about an attachment, which may be absent elsewhere, but not here.
    let other = original.clone().replacing(
        "ts-hashchain.xml",
        "URI=\"/META-INF/signatures.xml\"",
        "URI=\"/attachment1\"",
    );
    assert!(matches!(check(other), hashchain::Error::UnusedInput { .. }));
    // It is about nothing.
    let text = original.text("ts-hashchain.xml");
    let start = text.find("<DataRef").unwrap();
    let end = text.find("</DataRef>").unwrap() + "</DataRef>".len();
    let cut = format!("{}{}", &text[..start], &text[end..]);
    let other = original.clone().with("ts-hashchain.xml", cut);
    assert_eq!(check(other), hashchain::Error::ResultMismatch);
    // The result is of a chain of another name.
    let other = original.clone().replacing(
        "ts-hashchainresult.xml",
        "/ts-hashchain.xml#STEP0",
        "/sig-hashchain.xml#STEP0",
    );
    assert_eq!(check(other), hashchain::Error::Unresolvable);
    let other = original.with("ts-hashchain.xml", "<x/>");
    assert!(matches!(check(other), hashchain::Error::Structure { .. }));
}

#[test]
fn refuses_a_signature_that_was_changed_after_it_was_stamped() {
    let country = Country::new();
    // Not even white space: the chain is over the octets of the document.
    let changed = files(&country, "s-1", Stamp::Batch).replacing(
        SIGNATURES,
        "</asic:XAdESSignatures>",
        "</asic:XAdESSignatures>\n",
    );
    let error = check_refused(&changed.zip(), &country.conf(), "malformed_signature");
    assert!(matches!(error, Error::StampedOther));
}

#[test]
fn refuses_a_time_stamp_of_an_authority_that_is_not_approved() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    for stamp in [Stamp::Single, Stamp::Batch] {
        let stamp = stamp_by(&country.unapproved, &sealed.seal.signature, stamp, NOW);
        let container = make_container(&sealed, stamp);
        let code = "mlog.tsp_certificate_not_found";
        let error = check_refused(&container, &country.conf(), code);
        assert_eq!(error.blame(), Blame::Configuration);
    }
    // Nor is one when none is approved.
    let conf = country.conf_of(Vec::new(), Profile::Ejbca);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    check_refused(&container, &conf, "mlog.tsp_certificate_not_found");
}

/// An authority of one's own, named as the approved one: certificates in the token count for nothing.
#[test]
fn refuses_a_time_stamp_of_an_authority_of_the_same_name() {
    let country = Country::new();
    let mut forged = Authority::create("Test", KeyKind::P256, NOW - days(100)).unwrap();
    let forged = forged
        .timestamper("TSA 1", KeyKind::P256, NOW - days(100))
        .unwrap();
    assert_eq!(
        forged.certificate().subject(),
        country.approved.certificate().subject()
    );
    let sealed = country.soap_request("s-1", &[]);
    let stamp = stamp_by(&forged, &sealed.seal.signature, Stamp::Batch, NOW);
    let container = make_container(&sealed, stamp);
    check_refused(
        &container,
        &country.conf(),
        "mlog.tsp_certificate_not_found",
    );
}

#[test]
fn refuses_a_token_that_is_none() {
    let country = Country::new();
    let conf = country.conf();
    let original = files(&country, "s-1", Stamp::Batch);
    let token = original.get("META-INF/timestamp.tst").to_vec();
    let code = "mlog.timestamp_response_validation_failed";
    for octets in [
        &b"no token"[..],
        &token[..token.len() - 1],
        &[&token[..], b"\0"].concat(),
    ] {
        let changed = original.clone().with("META-INF/timestamp.tst", octets);
        check_refused(&changed.zip(), &conf, code);
    }
    let single = files(&country, "s-1", Stamp::Single);
    let broken = single.clone().replacing(
        SIGNATURES,
        "<xades:EncapsulatedTimeStamp>",
        "<xades:EncapsulatedTimeStamp>=",
    );
    check_refused(&broken.zip(), &conf, "malformed_signature");
    let other = single.replacing(
        SIGNATURES,
        "<xades:EncapsulatedTimeStamp>",
        "<xades:EncapsulatedTimeStamp>AAAA",
    );
    check_refused(&other.zip(), &conf, code);
}

#[test]
fn refuses_a_token_with_any_octet_changed() {
    let country = Country::new();
    let conf = country.conf();
    let sealed = country.soap_request("s-1", &[]);
    let imprint =
        stamping::single_imprint(&sealed.seal.signature, DigestAlgorithm::Sha256).unwrap();
    // Without the certificate, which nobody looks at.
    let response = country.approved.respond(&timestamp::request(&imprint), NOW);
    let token = timestamp::token_of_response(&response).unwrap();
    let container = |token: &[u8]| {
        let token = Bytes::copy_from_slice(token);
        make_container(&sealed, Stamped::Single { token })
    };
    judge(&container(token.der()), &conf).unwrap();
    let mut accepted = Vec::new();
    for place in 0..token.der().len() {
        let mut changed = token.der().to_vec();
        changed[place] ^= 1;
        if let Ok(report) = judge(&container(&changed), &conf) {
            // What is not signed of a token says nothing: its version, algorithms listed twice.
            assert_eq!(report.timestamp.time, NOW);
            assert_eq!(report.timestamp.imprint, imprint);
            accepted.push(place);
        }
    }
    assert!(accepted.len() < 20, "{accepted:?}");
}

#[test]
fn refuses_a_time_stamp_made_outside_the_validity_of_the_authority() {
    let country = Country::new();
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let name = Name::from_attributes(&[("2.5.4.3", "Late")]).unwrap();
    let certificate = Builder::timestamper(name, key.public_key())
        .validity(NOW - days(10), NOW - seconds(1))
        .self_sign(&key)
        .unwrap();
    let conf = country.conf_of(vec![certificate.clone()], Profile::Ejbca);
    let sealed = country.soap_request("s-1", &[]);
    let imprint =
        stamping::single_imprint(&sealed.seal.signature, DigestAlgorithm::Sha512).unwrap();
    let authority = timestamp::Authority {
        certificate: &certificate,
        key: &key,
        policy: "1.2.3",
        accuracy_seconds: 1,
    };
    let request = timestamp::request(&imprint);
    let response = timestamp::respond(&request, authority, &[1], NOW).unwrap();
    let token = timestamp::token_of_response(&response).unwrap();
    let token = Bytes::copy_from_slice(token.der());
    let container = make_container(&sealed, Stamped::Single { token });
    let code = "mlog.timestamp_signer_verification_failed";
    let error = check_refused(&container, &conf, code);
    assert!(error.explanation().contains("not valid at"));
}

/// Of the approved authority: whoever asked for it may have had two documents that fit.
#[test]
fn refuses_a_time_stamp_over_a_digest_that_proves_nothing() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let imprint =
        stamping::single_imprint(&sealed.seal.signature, DigestAlgorithm::Sha224).unwrap();
    let token = country.token(&imprint, NOW);
    let container = make_container(&sealed, Stamped::Single { token });
    let error = check_refused(&container, &country.conf(), "malformed_signature");
    let is_named = matches!(
        error,
        Error::WeakImprint {
            algorithm: DigestAlgorithm::Sha224
        }
    );
    assert!(is_named, "{error:?}");
    assert_eq!(error.blame(), Blame::Logger);
}

#[test]
fn the_time_is_that_of_the_token() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &["one"]);
    let stamp = |at| stamp_by(&country.approved, &sealed.seal.signature, Stamp::Batch, at);
    let at = NOW + seconds(1234);
    let report = judge(&make_container(&sealed, stamp(at)), &country.conf()).unwrap();
    assert_eq!(report.timestamp.time, at);
    // Over the result, not over the signature value, when there is a chain.
    let value = stamping::single_imprint(&sealed.seal.signature, DigestAlgorithm::Sha512).unwrap();
    let Stamped::Batch { result, chain, .. } = stamp(at) else {
        panic!();
    };
    let other = Stamped::Batch {
        token: token(&country.approved, &value, at),
        result,
        chain,
    };
    let error = check_refused(
        &make_container(&sealed, other),
        &country.conf(),
        "malformed_signature",
    );
    assert!(matches!(error, Error::Imprint { .. }));
}

const SIGNATURES: &str = "META-INF/signatures.xml";
