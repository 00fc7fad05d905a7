//! Signatures that other programs make: over the parts themselves, or with old digests. They are
//! made from ours by changing what is signed and signing again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, default_algorithm};
use gateway_asic::report::{Form, Part, Warning};
use gateway_asic::verify::Error;

use crate::country::{
    Country, NOW, Sealed, Signatory, Stamp, check_refused, judge, owned, seconds,
};
use crate::files::Files;

/// The signature value anew, over the signed information as it stands now.
pub(crate) fn sign_again(signatory: &Signatory, text: &str) -> Bytes {
    let between = |start: &str, end: &str| {
        let from = text.find(start).unwrap() + start.len();
        &text[from..from + text[from..].find(end).unwrap()]
    };
    let namespaces = between("<asic:XAdESSignatures", ">");
    let signed = between("<ds:SignedInfo>", "</ds:SignedInfo>");
    let canonical = format!("<ds:SignedInfo{namespaces}>{signed}</ds:SignedInfo>");
    let digest = Digest::of(DigestAlgorithm::Sha512, canonical.as_bytes());
    let algorithm = default_algorithm(signatory.key.public_key(), DigestAlgorithm::Sha512);
    let value = signatory.key.sign(algorithm, &digest).unwrap();
    let value = STANDARD.encode(value.to_xmldsig());
    let old = between("<ds:SignatureValue Id=\"signature-value\">", "</");
    text.replace(old, &value).into()
}

/// The digest as a signature states it.
pub(crate) fn stated(algorithm: DigestAlgorithm, content: &[u8]) -> String {
    let digest = Digest::of(algorithm, content);
    format!(
        "<ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
         <ds:DigestValue>{}</ds:DigestValue>",
        algorithm.uri(),
        STANDARD.encode(digest.as_bytes())
    )
}

pub(crate) fn reference(algorithm: DigestAlgorithm, uri: &str, content: &[u8]) -> String {
    format!(
        "<ds:Reference URI=\"{uri}\">{}</ds:Reference>",
        stated(algorithm, content)
    )
}

/// A signature over the message and these attachments themselves.
fn direct(country: &Country, algorithm: DigestAlgorithm, attachments: &[&str]) -> Sealed {
    let sealed = country.soap_request("s-1", &[]);
    directly(&country.client, &sealed, algorithm, attachments)
}

/// Instead of a signature over a message alone, one over it and these attachments.
pub(crate) fn directly(
    signatory: &Signatory,
    sealed: &Sealed,
    algorithm: DigestAlgorithm,
    attachments: &[&str],
) -> Sealed {
    let text = std::str::from_utf8(&sealed.seal.signature).unwrap();
    let start = text.find("<ds:Reference ").unwrap();
    let end = text
        .find("<ds:Reference Id=\"signature-reference-1\"")
        .unwrap();
    let mut references = reference(algorithm, "/message.xml", &sealed.message);
    for (attachment, number) in attachments.iter().zip(1..) {
        let uri = format!("/attachment{number}");
        references.push_str(&reference(algorithm, &uri, attachment.as_bytes()));
    }
    let text = format!("{}{references}{}", &text[..start], &text[end..]);
    let mut direct = sealed.clone();
    direct.seal.signature = sign_again(signatory, &text);
    direct.attachments = attachments.iter().map(|text| owned(text)).collect();
    direct
}

#[test]
fn accepts_a_signature_over_the_parts_themselves() {
    let country = Country::new();
    let conf = country.conf();
    let sealed = direct(&country, DigestAlgorithm::Sha512, &["one", "two"]);
    for stamp in [Stamp::Single, Stamp::Batch] {
        let container = country.container(&sealed, stamp, NOW);
        let report = judge(&container, &conf).unwrap();
        assert_eq!(report.signer.form, Form::Direct);
        assert_eq!(report.covered.len(), 3);
        assert_eq!(report.warnings, []);

        let without = Files::of(&container).without("attachment2").zip();
        let report = judge(&without, &conf).unwrap();
        let not_kept: Vec<_> = report.not_kept().collect();
        assert_eq!(not_kept.len(), 1);
        assert_eq!(not_kept[0].name, "/attachment2");
        assert_eq!(not_kept[0].digest, Some(crate::country::sha512(b"two")));
    }
}

#[test]
fn refuses_a_signature_over_some_of_the_parts() {
    let country = Country::new();
    let conf = country.conf();
    let mut sealed = direct(&country, DigestAlgorithm::Sha512, &["one"]);
    sealed.attachments.push(owned("two"));
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let error = check_refused(&container, &conf, "malformed_signature");
    assert!(
        matches!(error, Error::Signature(gateway_seal::Error::Uncovered { uri }) if uri == "/attachment2")
    );
    sealed.attachments = vec![owned("another")];
    let container = country.container(&sealed, Stamp::Batch, NOW);
    check_refused(&container, &conf, "invalid_signature_value");
}

#[test]
fn old_digests_are_believed_of_what_is_old_with_a_warning() {
    let country = Country::of("2019-06-01T00:00:00Z".parse().unwrap());
    let conf = country.conf();
    for (algorithm, is_weak) in [
        (DigestAlgorithm::Sha1, true),
        (DigestAlgorithm::Sha224, true),
        (DigestAlgorithm::Sha256, false),
        (DigestAlgorithm::Sha384, false),
    ] {
        let sealed = direct(&country, algorithm, &["one"]);
        let container = country.container(&sealed, Stamp::Single, country.now);
        let report = judge(&container, &conf).unwrap();
        let weak: Vec<Warning> = ["/message.xml", "/attachment1"]
            .iter()
            .filter(|_| is_weak)
            .map(|name| Warning::WeakDigest {
                name: (*name).to_owned(),
            })
            .collect();
        assert_eq!(report.warnings, weak, "{algorithm}");
        let digests: Vec<_> = report.covered.iter().map(|part| part.digest).collect();
        assert_eq!(
            digests,
            [
                Some(Digest::of(algorithm, &sealed.message)),
                Some(Digest::of(algorithm, b"one"))
            ]
        );
        assert_eq!(report.covered[1].part, Part::Verified { bytes: 3 });
    }
}

#[test]
fn old_digests_are_not_believed_of_what_was_stamped_since_2020() {
    let last = "2019-12-31T23:59:59Z".parse().unwrap();
    let country = Country::of(last);
    let conf = country.conf();
    let sealed = direct(&country, DigestAlgorithm::Sha1, &[]);
    judge(&country.container(&sealed, Stamp::Batch, last), &conf).unwrap();
    let later = country.container(&sealed, Stamp::Batch, last + seconds(1));
    check_refused(&later, &conf, "malformed_signature");
}

/// The value is right, and nothing of the message is signed.
#[test]
fn refuses_a_valid_signature_over_nothing_but_itself() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let text = std::str::from_utf8(&sealed.seal.signature).unwrap();
    let start = text.find("<ds:Reference ").unwrap();
    let end = text
        .find("<ds:Reference Id=\"signature-reference-1\"")
        .unwrap();
    let own = format!("{}{}", &text[..start], &text[end..]);
    let attachment = format!(
        "{}{}{}",
        &text[..start],
        reference(DigestAlgorithm::Sha512, "/attachment1", b"one"),
        &text[end..]
    );
    for text in [own, attachment] {
        let mut sealed = sealed.clone();
        sealed.seal.signature = sign_again(&country.client, &text);
        sealed.attachments = vec![owned("one")];
        let container = country.container(&sealed, Stamp::Batch, NOW);
        let error = check_refused(&container, &country.conf(), "malformed_signature");
        assert!(matches!(error, Error::NoMessageReference));
    }
}
