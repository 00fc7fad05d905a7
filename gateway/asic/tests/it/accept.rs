//! Documents that hold, and what is reported of them.

use certs_x509::ocsp::{self, Identification, Responder, Status, Validity};
use gateway_asic::report::{
    Direction, Form, Part, Protocol, Report, Stamped as Over, Unsigned, Warning,
};

use crate::country::{
    Country, NOW, Sealed, Stamp, judge, make_container, owned, request, seconds, sha512, stamp_by,
};
use crate::files::Files;

const BOTH: [Stamp; 2] = [Stamp::Single, Stamp::Batch];

/// It holds, all of it is verified, and there is nothing to warn of.
#[track_caller]
fn accepted(country: &Country, sealed: &Sealed, stamp: Stamp) -> Report {
    let report = accepted_unless_odd(country, sealed, stamp);
    assert_eq!(report.warnings, []);
    report
}

#[track_caller]
fn accepted_unless_odd(country: &Country, sealed: &Sealed, stamp: Stamp) -> Report {
    let container = country.container(sealed, stamp, NOW + seconds(60));
    let report = judge(&container, &country.conf())
        .unwrap_or_else(|error| panic!("{stamp:?}: {}", error.explanation()));
    assert_eq!(report.timestamp.time, NOW + seconds(60));
    let over = match stamp {
        Stamp::Single => Over::Signature,
        Stamp::Batch => Over::Chain,
    };
    assert_eq!(report.timestamp.over, over);
    assert_eq!(report.uncovered, []);
    let covered: Vec<_> = report
        .covered
        .iter()
        .map(|covered| {
            let Part::Verified { bytes } = covered.part else {
                panic!("{covered:?}");
            };
            (covered.name.clone(), covered.digest.unwrap(), bytes)
        })
        .collect();
    let parts = std::iter::once(&sealed.message).chain(&sealed.attachments);
    let expected: Vec<_> = parts
        .enumerate()
        .map(|(index, part)| {
            let name = match index {
                0 => "/message.xml".to_owned(),
                number => format!("/attachment{number}"),
            };
            (name, sha512(part), part.len() as u64)
        })
        .collect();
    assert_eq!(covered, expected);
    report
}

#[test]
fn accepts_soap_with_and_without_attachments_however_it_is_stamped() {
    let country = Country::new();
    for stamp in BOTH {
        for attachments in [&[][..], &["one"], &["one", "", "three"]] {
            let form = match attachments {
                [] => Form::Direct,
                _ => Form::Chain,
            };
            let report = accepted(&country, &country.soap_request("s-1", attachments), stamp);
            assert_eq!(report.message.protocol, Protocol::Soap);
            assert_eq!(report.message.direction, Direction::Request);
            assert_eq!(report.message.id, "s-1");
            assert_eq!(report.signer.id, country.client.id);
            assert_eq!(report.signer.form, form);

            let report = accepted(&country, &country.soap_response("s-1", attachments), stamp);
            assert_eq!(report.message.direction, Direction::Response);
            assert_eq!(report.message.client.as_ref(), Some(&country.client.id));
            assert_eq!(report.signer.id, country.provider.id);
        }
    }
}

#[test]
fn accepts_rest_with_and_without_a_body_however_it_is_stamped() {
    let country = Country::new();
    for stamp in BOTH {
        for body in [None, Some(""), Some("{\"a\":1}")] {
            let (request, response) = country.rest("r-1", body);
            let report = accepted(&country, &request, stamp);
            assert_eq!(report.message.protocol, Protocol::Rest);
            assert_eq!(report.message.direction, Direction::Request);
            assert_eq!(report.message.id, "r-1");
            assert_eq!(report.signer.id, country.client.id);
            let report = accepted(&country, &response, stamp);
            assert_eq!(report.message.direction, Direction::Response);
            let service = report.message.service.unwrap();
            assert_eq!(service.provider(), &country.provider.id);
            assert_eq!(service.code(), "people");
            assert_eq!(report.signer.id, country.provider.id);
        }
    }
}

#[test]
fn accepts_every_message_of_one_signature() {
    let country = Country::new();
    let messages = (0..5)
        .map(|index| {
            let attachments = (0..index % 3).map(|_| owned("content")).collect();
            (request(&format!("s-{index}")), attachments)
        })
        .collect();
    let ocsp = vec![country.good(&country.client)];
    let sealed = country.seal_with(&country.client, ocsp, messages, NOW);
    assert_eq!(sealed[0].seal.signature, sealed[4].seal.signature);
    for stamp in BOTH {
        for (index, sealed) in sealed.iter().enumerate() {
            let report = accepted_unless_odd(&country, sealed, stamp);
            assert_eq!(report.message.id, format!("s-{index}"));
            assert_eq!(report.signer.form, Form::Chain);
            // A message without attachments in front of another leaf of the tree: as if the other
            // were its attachment.
            let expected = match index {
                0 => vec![Warning::BesideMessage],
                _ => Vec::new(),
            };
            assert_eq!(report.warnings, expected, "{index}");
        }
    }
}

#[test]
fn reports_who_and_when() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let report = accepted(&country, &sealed, Stamp::Batch);
    let certificate = &country.client.certificate;
    assert_eq!(
        report.signer.certificate.subject,
        certificate.subject().rfc2253()
    );
    assert_eq!(
        report.signer.certificate.issuer,
        country.authority.root().subject().rfc2253()
    );
    assert_eq!(
        report.signer.certificate.serial,
        certificate.serial_decimal()
    );
    assert_eq!(report.signer.certificate.not_after, certificate.not_after());
    assert_eq!(report.signer.claimed_time, Some(NOW));
    assert_eq!(report.status.produced_at, NOW);
    assert_eq!(report.status.this_update, NOW);
    assert_eq!(
        report.status.responder.unwrap().subject,
        "CN=Responder".to_owned()
    );
    let authority = country.approved.certificate();
    assert_eq!(report.timestamp.authority.sha256, *authority.sha256());
    assert!(report.timestamp.policy.starts_with("1.3.6.1.4.1.32473"));
}

#[test]
fn names_the_responder_that_the_authority_appointed() {
    let country = Country::new();
    let ocsp = country
        .authority
        .ocsp_of(&country.client.certificate, NOW)
        .unwrap();
    let messages = vec![(request("s-1"), Vec::new())];
    let sealed = country
        .seal_with(&country.client, vec![ocsp], messages, NOW)
        .remove(0);
    let report = accepted(&country, &sealed, Stamp::Single);
    assert_eq!(
        report.status.responder.unwrap().sha256,
        *country.authority.ocsp_responder().sha256()
    );
}

#[test]
fn names_a_responder_that_the_response_names_by_its_key() {
    let country = Country::new();
    let certificate = &country.client.certificate;
    let request_der = ocsp::request(certificate, country.authority.root());
    let (key, own) = &country.responder;
    let responder = Responder {
        certificate: own,
        key,
        identification: Identification::ByKey,
    };
    let validity = Validity {
        this_update: NOW,
        next_update: Some(NOW + seconds(60)),
    };
    let asked = ocsp::Request::from_der(&request_der).unwrap();
    let der = ocsp::respond(&asked, |_| Status::Good, responder, validity, NOW).unwrap();
    let response = ocsp::Response::from_der(&der).unwrap();
    let messages = vec![(request("s-1"), Vec::new())];
    let sealed = country
        .seal_with(&country.client, vec![response], messages, NOW)
        .remove(0);
    let report = accepted(&country, &sealed, Stamp::Batch);
    assert_eq!(report.status.next_update, Some(NOW + seconds(60)));
    assert_eq!(report.status.responder.unwrap().sha256, *own.sha256());
}

#[test]
fn what_was_signed_and_is_not_there_is_reported_as_not_kept() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &["one", "two"]);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let files = Files::of(&container);

    let report = judge(&files.clone().without("attachment2").zip(), &country.conf()).unwrap();
    let not_kept: Vec<_> = report.not_kept().collect();
    assert_eq!(not_kept.len(), 1);
    assert_eq!(not_kept[0].name, "/attachment2");
    assert_eq!(not_kept[0].digest, Some(sha512(b"two")));
    assert_eq!(
        report.covered[1].part,
        Part::Verified {
            bytes: "one".len() as u64
        }
    );

    let neither = files.without("attachment2").without("attachment1");
    let report = judge(&neither.zip(), &country.conf()).unwrap();
    let names: Vec<_> = report
        .not_kept()
        .map(|part| (part.name.as_str(), part.digest))
        .collect();
    assert_eq!(
        names,
        [
            ("/attachment1", Some(sha512(b"one"))),
            ("/attachment2", Some(sha512(b"two")))
        ]
    );
}

#[test]
fn order_and_compression_do_not_matter() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &["one", "two"]);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let expected = judge(&container, &country.conf()).unwrap();
    let mut files = Files::of(&container);
    files.0.reverse();
    assert_eq!(judge(&files.zip(), &country.conf()).unwrap(), expected);
    files.0.sort();
    assert_eq!(judge(&files.zip(), &country.conf()).unwrap(), expected);
}

#[test]
fn a_foreign_file_is_named_as_proving_nothing() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Single, NOW);
    let files = Files::of(&container)
        .with("readme.txt", "the member owes me money")
        .with("attachment01", "x")
        .with("META-INF/signatures2.xml", "<x/>");
    let report = judge(&files.zip(), &country.conf()).unwrap();
    let named: Vec<_> = report
        .uncovered
        .iter()
        .map(|file| (file.name.as_str(), file.bytes, file.reason))
        .collect();
    assert_eq!(
        named,
        [
            ("readme.txt", 24, Unsigned::Foreign),
            ("attachment01", 1, Unsigned::Foreign),
            ("META-INF/signatures2.xml", 4, Unsigned::Foreign),
        ]
    );
}

#[test]
fn a_chain_that_the_signature_does_not_refer_to_is_named_as_proving_nothing() {
    let country = Country::new();
    let single = country.container(&country.soap_request("s-1", &[]), Stamp::Single, NOW);
    let batch = country.soap_request("s-1", &["one"]);
    let (result, chain) = batch.seal.chain.unwrap();
    let files = Files::of(&single)
        .with("sig-hashchainresult.xml", result)
        .with("sig-hashchain.xml", chain);
    let report = judge(&files.zip(), &country.conf()).unwrap();
    let named: Vec<_> = report
        .uncovered
        .iter()
        .map(|file| (file.name.as_str(), file.reason))
        .collect();
    assert_eq!(
        named,
        [
            ("sig-hashchainresult.xml", Unsigned::Chain),
            ("sig-hashchain.xml", Unsigned::Chain)
        ]
    );
    assert_eq!(report.signer.form, Form::Direct);
    assert_eq!(report.covered.len(), 1);
}

#[test]
fn a_time_stamp_over_the_signature_value_may_stand_beside_the_signature() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let embedded = country.container(&sealed, Stamp::Single, NOW);
    let token =
        gateway_asic::container::open(embedded.clone(), &gateway_asic::zip::Limits::CONTAINER)
            .unwrap()
            .token()
            .clone();
    let files = Files::of(&embedded)
        .with("META-INF/signatures.xml", &sealed.seal.signature)
        .with("META-INF/timestamp.tst", &token);
    let report = judge(&files.zip(), &country.conf()).unwrap();
    assert_eq!(report.timestamp.over, Over::Signature);
    assert_eq!(report.warnings, []);

    let both = Files::of(&embedded).with("META-INF/timestamp.tst", token);
    let report = judge(&both.zip(), &country.conf()).unwrap();
    assert_eq!(report.warnings, [Warning::SecondTimeStamp]);
}

#[test]
fn an_early_time_stamp_without_the_element_around_it_is_read() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Single, NOW);
    let files = Files::of(&container)
        .replacing(SIGNATURES, "<xades:EncapsulatedTimeStamp>", "")
        .replacing(SIGNATURES, "</xades:EncapsulatedTimeStamp>", "\r\n");
    judge(&files.zip(), &country.conf()).unwrap();
}

#[test]
fn what_is_odd_about_the_times_is_a_warning() {
    let country = Country::new();
    let late = NOW + seconds(30);
    let ocsp = country.ocsp(&country.client.certificate, Status::Good, late);
    let messages = vec![(request("s-1"), Vec::new())];
    let sealed = country
        .seal_with(&country.client, vec![ocsp], messages, NOW + seconds(1))
        .remove(0);
    let report = judge(
        &country.container(&sealed, Stamp::Batch, NOW),
        &country.conf(),
    )
    .unwrap();
    assert_eq!(
        report.warnings,
        [
            Warning::SignedAfterStamp {
                claimed: NOW + seconds(1)
            },
            Warning::StatusAfterStamp { produced_at: late },
        ]
    );
    // A time stamp of whole seconds says nothing about what came first within its second.
    let claimed = NOW + jiff::SignedDuration::from_millis(999);
    let ocsp = country.ocsp(&country.client.certificate, Status::Good, NOW);
    let messages = vec![(request("s-2"), Vec::new())];
    let sealed = country
        .seal_with(&country.client, vec![ocsp], messages, claimed)
        .remove(0);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let report = judge(&container, &country.conf()).unwrap();
    assert_eq!(report.signer.claimed_time, Some(claimed));
    assert_eq!(report.warnings, []);
}

#[test]
fn what_is_odd_about_a_manifest_is_a_warning() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Batch, NOW);
    let manifest = "META-INF/ASiCManifest.xml";
    let warnings = |files: Files| judge(&files.zip(), &country.conf()).unwrap().warnings;
    let absent = Files::of(&container).replacing(
        manifest,
        "URI=\"ts-hashchainresult.xml\"",
        "URI=\"other.xml\"",
    );
    let names = |manifest, name: &str| Warning::ManifestNamesAbsent {
        manifest,
        name: name.to_owned(),
    };
    assert_eq!(warnings(absent), [names(manifest, "other.xml")]);
    let unreadable = Files::of(&container).with(manifest, "no XML");
    assert_eq!(
        warnings(unreadable),
        [Warning::UnreadableManifest { manifest }]
    );
    assert_eq!(warnings(Files::of(&container).without(manifest)), []);

    // The list of files, which nobody compares elsewhere.
    let manifest = "META-INF/manifest.xml";
    assert_eq!(warnings(Files::of(&container).without(manifest)), []);
    let unreadable = Files::of(&container).with(manifest, "<x");
    assert_eq!(
        warnings(unreadable),
        [Warning::UnreadableManifest { manifest }]
    );
    let listed = |path: &str| {
        Files::of(&container).replacing(
            manifest,
            "full-path=\"message.xml\"",
            &format!("full-path=\"{path}\""),
        )
    };
    for path in [
        "../message.xml",
        "Message.xml",
        "/message.xml",
        "attachment1",
    ] {
        assert_eq!(warnings(listed(path)), [names(manifest, path)]);
    }
    // A folder is no file, and what is not listed is there all the same.
    assert_eq!(warnings(listed("META-INF/")), []);
}

#[test]
fn a_response_that_does_not_say_what_it_answers_is_a_warning() {
    let country = Country::new();
    let body = "<p:lookupResponse xmlns:p=\"urn:p\"/>";
    let message = crate::country::envelope("s-1", body).into();
    let sealed = country.seal(&country.provider, message, Vec::new());
    let report = judge(
        &country.container(&sealed, Stamp::Batch, NOW),
        &country.conf(),
    )
    .unwrap();
    assert_eq!(report.message.direction, Direction::Response);
    assert_eq!(report.warnings, [Warning::NoRequestHash]);
}

/// The octets count: other verifiers take them for UTF-8, and find another message.
#[test]
fn a_message_holds_in_each_encoding_that_is_exchanged() {
    let country = Country::new();
    let text = std::str::from_utf8(&request("s-1"))
        .unwrap()
        .replace(">42<", ">\u{e4}<");
    let latin = format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{text}");
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(c).unwrap()).collect();
    assert!(std::str::from_utf8(&latin).is_err());
    for message in [
        latin,
        text.clone().into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
    ] {
        let sealed = country.seal(&country.client, message.into(), Vec::new());
        let report = accepted(&country, &sealed, Stamp::Batch);
        assert_eq!(report.message.id, "s-1");
    }
}

#[test]
fn any_approved_authority_may_have_stamped() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let stamp = stamp_by(
        &country.unapproved,
        &sealed.seal.signature,
        Stamp::Batch,
        NOW,
    );
    let conf = country.conf_of(
        vec![
            country.approved.certificate().clone(),
            country.unapproved.certificate().clone(),
        ],
        certs_x509::profile::Profile::Ejbca,
    );
    let report = judge(&make_container(&sealed, stamp), &conf).unwrap();
    let authority = country.unapproved.certificate();
    assert_eq!(report.timestamp.authority.sha256, *authority.sha256());
}

const SIGNATURES: &str = "META-INF/signatures.xml";
