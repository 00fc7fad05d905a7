//! Every form of signed document, made, read and verified: one test each.
//!
//! Protocol × how the signature covers the message × time stamp. Whether there are attachments is
//! part of the second: a message without any is signed alone or with others, one with attachments
//! by a chain of its own, with others, or (as early and as future servers do) part by part.

use bytes::Bytes;
use certs_keys::DigestAlgorithm;
use gateway_asic::report::{Direction, Form, Part, Protocol, Report, Stamped as Over, Warning};

use crate::country::{
    Country, NOW, Sealed, Signatory, Stamp, judge, owned, request, response, seconds, sha512,
};
use crate::direct::directly;
use crate::files::Files;

/// How a signature covers a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signed {
    /// A message without attachments, by its own digest.
    Alone,
    /// A message without attachments, in one signature with others.
    WithOthers,
    /// A message and its attachments, by a chain.
    WithAttachments,
    /// A message and its attachments, in one signature with others.
    WithAttachmentsAndOthers,
    /// A message and its attachments, each by its own digest.
    PartByPart,
}

macro_rules! forms {
    ($($name:ident: $protocol:ident $signed:ident $stamp:ident,)*) => {
        $(
            #[test]
            fn $name() {
                check(Protocol::$protocol, Signed::$signed, Stamp::$stamp);
            }
        )*
    };
}

forms! {
    soap_signed_alone_stamped_alone: Soap Alone Single,
    soap_signed_alone_stamped_in_a_batch: Soap Alone Batch,
    soap_signed_with_others_stamped_alone: Soap WithOthers Single,
    soap_signed_with_others_stamped_in_a_batch: Soap WithOthers Batch,
    soap_with_attachments_stamped_alone: Soap WithAttachments Single,
    soap_with_attachments_stamped_in_a_batch: Soap WithAttachments Batch,
    soap_with_attachments_signed_with_others_stamped_alone: Soap WithAttachmentsAndOthers Single,
    soap_with_attachments_signed_with_others_stamped_in_a_batch:
        Soap WithAttachmentsAndOthers Batch,
    soap_signed_part_by_part_stamped_alone: Soap PartByPart Single,
    soap_signed_part_by_part_stamped_in_a_batch: Soap PartByPart Batch,
    rest_signed_alone_stamped_alone: Rest Alone Single,
    rest_signed_alone_stamped_in_a_batch: Rest Alone Batch,
    rest_signed_with_others_stamped_alone: Rest WithOthers Single,
    rest_signed_with_others_stamped_in_a_batch: Rest WithOthers Batch,
    rest_with_a_body_stamped_alone: Rest WithAttachments Single,
    rest_with_a_body_stamped_in_a_batch: Rest WithAttachments Batch,
    rest_with_a_body_signed_with_others_stamped_alone: Rest WithAttachmentsAndOthers Single,
    rest_with_a_body_signed_with_others_stamped_in_a_batch: Rest WithAttachmentsAndOthers Batch,
    rest_signed_part_by_part_stamped_alone: Rest PartByPart Single,
    rest_signed_part_by_part_stamped_in_a_batch: Rest PartByPart Batch,
}

/// Request and response, in every place among others.
fn check(protocol: Protocol, signed: Signed, stamp: Stamp) {
    let country = Country::new();
    let conf = country.conf();
    for direction in [Direction::Request, Direction::Response] {
        let signatory = match direction {
            Direction::Request => &country.client,
            Direction::Response => &country.provider,
        };
        for (place, sealed) in sealed(&country, protocol, direction, signed)
            .iter()
            .enumerate()
        {
            let container = country.container(sealed, stamp, NOW + seconds(60));
            check_files(&Files::of(&container), sealed, stamp);
            let report = judge(&container, &conf)
                .unwrap_or_else(|error| panic!("{direction} {place}: {}", error.explanation()));
            assert_eq!(report.message.protocol, protocol);
            assert_eq!(report.message.direction, direction);
            assert_eq!(report.message.id, "x-1");
            assert_eq!(report.signer.id, signatory.id);
            check_report(&report, sealed, signed, stamp);
            // What is the left one of two leaves could be a message and its only attachment.
            let expected = match (signed, place) {
                (Signed::WithOthers, 0) => vec![Warning::BesideMessage],
                _ => Vec::new(),
            };
            assert_eq!(report.warnings, expected, "{direction} {place}");
        }
    }
}

/// The message once, or in each of three places.
fn sealed(
    country: &Country,
    protocol: Protocol,
    direction: Direction,
    signed: Signed,
) -> Vec<Sealed> {
    let (message, signatory) = message(country, protocol, direction);
    let attachments: &[&str] = match (signed, protocol) {
        (Signed::Alone | Signed::WithOthers, _) => &[],
        (_, Protocol::Soap) => &["one", "", "three"],
        (_, Protocol::Rest) => &["{\"a\":1}"],
    };
    let owned: Vec<Bytes> = attachments.iter().map(|text| owned(text)).collect();
    match signed {
        Signed::Alone | Signed::WithAttachments => {
            vec![country.seal(signatory, message, owned)]
        }
        Signed::WithOthers | Signed::WithAttachmentsAndOthers => (0..3)
            .map(|place| {
                let mut messages = vec![(request("other"), Vec::new()); 2];
                messages.insert(place, (message.clone(), owned.clone()));
                let ocsp = vec![country.good(signatory)];
                let mut sealed = country.seal_with(signatory, ocsp, messages, NOW);
                sealed.swap_remove(place)
            })
            .collect(),
        Signed::PartByPart => {
            let alone = country.seal(signatory, message, Vec::new());
            let algorithm = DigestAlgorithm::Sha512;
            vec![directly(signatory, &alone, algorithm, attachments)]
        }
    }
}

fn message(country: &Country, protocol: Protocol, direction: Direction) -> (Bytes, &Signatory) {
    let rest = || country.rest("x-1", Some("{}"));
    match (protocol, direction) {
        (Protocol::Soap, Direction::Request) => (request("x-1"), &country.client),
        (Protocol::Soap, Direction::Response) => (response("x-1"), &country.provider),
        (Protocol::Rest, Direction::Request) => (rest().0.message, &country.client),
        (Protocol::Rest, Direction::Response) => (rest().1.message, &country.provider),
    }
}

/// All files of its form, and no others.
fn check_files(files: &Files, sealed: &Sealed, stamp: Stamp) {
    let mut expected = vec!["mimetype", "message.xml", "META-INF/signatures.xml"];
    if sealed.seal.chain.is_some() {
        expected.extend(["sig-hashchainresult.xml", "sig-hashchain.xml"]);
    }
    match stamp {
        Stamp::Single => expected.push("META-INF/manifest.xml"),
        Stamp::Batch => expected.extend([
            "ts-hashchainresult.xml",
            "ts-hashchain.xml",
            "META-INF/manifest.xml",
            "META-INF/ASiCManifest.xml",
            "META-INF/timestamp.tst",
        ]),
    }
    expected.extend(
        ["attachment1", "attachment2", "attachment3"]
            .iter()
            .take(sealed.attachments.len()),
    );
    let found: Vec<&str> = files.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, expected);
}

fn check_report(report: &Report, sealed: &Sealed, signed: Signed, stamp: Stamp) {
    let form = match signed {
        Signed::Alone | Signed::PartByPart => Form::Direct,
        _ => Form::Chain,
    };
    let over = match stamp {
        Stamp::Single => Over::Signature,
        Stamp::Batch => Over::Chain,
    };
    assert_eq!((report.signer.form, report.timestamp.over), (form, over));
    assert_eq!(report.timestamp.time, NOW + seconds(60));
    let parts = std::iter::once(&sealed.message).chain(&sealed.attachments);
    assert_eq!(report.covered.len(), parts.clone().count());
    for (covered, part) in report.covered.iter().zip(parts) {
        let bytes = part.len() as u64;
        assert_eq!(covered.digest, Some(sha512(part)));
        assert_eq!(covered.part, Part::Verified { bytes });
    }
    assert_eq!(report.uncovered, []);
}
