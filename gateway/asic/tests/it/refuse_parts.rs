//! Documents whose files are missing, exchanged, or not what was signed.

use std::sync::Arc;

use bytes::Bytes;
use gateway_asic::verify::{Blame, Error};
use gateway_proto::{Limits, rest, soap};
use gateway_seal::hashchain;

use crate::country::{
    Country, NOW, Sealed, Stamp, check_refused, envelope, judge, make_container, owned, request,
};
use crate::files::Files;

fn files(country: &Country, sealed: &Sealed, stamp: Stamp) -> Files {
    Files::of(&country.container(sealed, stamp, NOW))
}

/// Single signature, batch time stamp.
fn plain(country: &Country) -> Files {
    files(country, &country.soap_request("s-1", &[]), Stamp::Batch)
}

/// Batch signature, batch time stamp, two attachments.
fn full(country: &Country) -> Files {
    let sealed = country.soap_request("s-1", &["one", "two"]);
    files(country, &sealed, Stamp::Batch)
}

#[test]
fn refuses_a_container_without_a_file_that_must_be_there() {
    let country = Country::new();
    let conf = country.conf();
    for (name, code) in [
        ("mimetype", "asic_mime_type_not_found"),
        ("message.xml", "asic_message_not_found"),
        ("META-INF/signatures.xml", "asic_signature_not_found"),
        (
            "sig-hashchainresult.xml",
            "asic_hash_chain_result_not_found",
        ),
        ("sig-hashchain.xml", "asic_hash_chain_not_found"),
        ("ts-hashchainresult.xml", "asic_hash_chain_result_not_found"),
        ("ts-hashchain.xml", "asic_hash_chain_not_found"),
        ("META-INF/timestamp.tst", "malformed_signature"),
    ] {
        let error = check_refused(&full(&country).without(name).zip(), &conf, code);
        match error {
            Error::Missing { name: missing } => assert_eq!(missing, name),
            Error::NoTimeStamp => assert_eq!(name, "META-INF/timestamp.tst"),
            other => panic!("{name}: {other:?}"),
        }
        let empty = full(&country).with(name, " \n");
        let expected = match name {
            "META-INF/timestamp.tst" => "mlog.timestamp_response_validation_failed",
            _ => code,
        };
        check_refused(&empty.zip(), &conf, expected);
    }
    for name in ["META-INF/manifest.xml", "META-INF/ASiCManifest.xml"] {
        let empty = full(&country).with(name, "");
        check_refused(&empty.zip(), &conf, "asic_manifest_not_found");
    }
}

#[test]
fn refuses_another_media_type() {
    let country = Country::new();
    for (content, expected) in [
        ("application/vnd.etsi.asic-s+zip", "asic_invalid_mime_type"),
        (
            "application/vnd.etsi.asic-e+zip\n",
            "asic_invalid_mime_type",
        ),
    ] {
        let container = plain(&country).with("mimetype", content).zip();
        check_refused(&container, &country.conf(), expected);
    }
    let upper = plain(&country).with("mimetype", "Application/VND.etsi.asic-e+ZIP");
    judge(&upper.zip(), &country.conf()).unwrap();
}

#[test]
fn refuses_a_changed_message() {
    let country = Country::new();
    let change = |files: Files| files.replacing("message.xml", ">42<", ">43<").zip();
    let conf = country.conf();
    let error = check_refused(&change(plain(&country)), &conf, "invalid_signature_value");
    assert!(
        matches!(&error, Error::Signature(gateway_seal::Error::Digest { uri }) if uri == "/message.xml")
    );
    assert_eq!(error.blame(), Blame::Container);
    let code = "malformed_signature.invalid_hash_chain_ref";
    let error = check_refused(&change(full(&country)), &conf, code);
    assert!(matches!(error, Error::Part { uri } if uri == "/message.xml"));
}

#[test]
fn refuses_a_changed_attachment_where_others_only_say_unverified() {
    let country = Country::new();
    let container = full(&country).with("attachment2", "tw0").zip();
    let code = "malformed_signature.invalid_hash_chain_ref";
    let error = check_refused(&container, &country.conf(), code);
    assert!(matches!(error, Error::Part { uri } if uri == "/attachment2"));
}

#[test]
fn refuses_attachments_that_changed_places() {
    let country = Country::new();
    let container = full(&country)
        .with("attachment1", "two")
        .with("attachment2", "one")
        .zip();
    let code = "malformed_signature.invalid_hash_chain_ref";
    check_refused(&container, &country.conf(), code);
}

#[test]
fn refuses_an_attachment_that_nothing_covers() {
    let country = Country::new();
    let conf = country.conf();
    let single = plain(&country).with("attachment1", "x").zip();
    let error = check_refused(&single, &conf, "malformed_signature");
    assert!(
        matches!(error, Error::Signature(gateway_seal::Error::Uncovered { uri }) if uri == "/attachment1")
    );
    let batch = full(&country).with("attachment3", "x").zip();
    let code = "malformed_signature.hashchain_unused_inputs";
    let error = check_refused(&batch, &conf, code);
    assert!(matches!(
        error,
        Error::Signature(gateway_seal::Error::HashChain(hashchain::Error::UnusedInput { uri }))
            if uri == "/attachment3"
    ));
}

#[test]
fn refuses_an_attachment_whose_predecessor_is_not_there() {
    let country = Country::new();
    let container = full(&country).without("attachment1").zip();
    let error = check_refused(&container, &country.conf(), "malformed_signature");
    assert!(matches!(error, Error::AttachmentGap { missing: 1, .. }));
}

#[test]
fn refuses_exchanged_chains() {
    let country = Country::new();
    let conf = country.conf();
    let original = full(&country);
    let swap = |one: &str, two: &str| {
        let (first, second) = (original.get(one), original.get(two));
        original.clone().with(one, second).with(two, first).zip()
    };
    // The chain of the time stamp is looked at first.
    let error = check_refused(
        &swap("sig-hashchain.xml", "ts-hashchain.xml"),
        &conf,
        "malformed_signature",
    );
    assert!(matches!(error, Error::StampChain(_)), "{error:?}");
    let error = check_refused(
        &swap("sig-hashchainresult.xml", "ts-hashchainresult.xml"),
        &conf,
        "malformed_signature",
    );
    assert!(matches!(error, Error::StampChain(_)), "{error:?}");
    check_refused(
        &swap("sig-hashchain.xml", "sig-hashchainresult.xml"),
        &conf,
        "invalid_signature_value",
    );
}

/// Both documents are of the same signature, so all but the way to the message is right.
#[test]
fn refuses_the_chain_of_another_message_of_the_same_signature() {
    let country = Country::new();
    let messages = vec![(request("s-1"), Vec::new()), (request("s-2"), Vec::new())];
    let ocsp = vec![country.good(&country.client)];
    let sealed = country.seal_with(&country.client, ocsp, messages, NOW);
    let first = files(&country, &sealed[0], Stamp::Batch);
    let second = files(&country, &sealed[1], Stamp::Batch);
    assert_eq!(
        first.get("sig-hashchainresult.xml"),
        second.get("sig-hashchainresult.xml")
    );
    let foreign = first.with("sig-hashchain.xml", second.get("sig-hashchain.xml"));
    let code = "malformed_signature.invalid_hash_chain_ref";
    check_refused(&foreign.zip(), &country.conf(), code);
}

#[test]
fn refuses_a_chain_that_does_not_lead_to_its_result() {
    let country = Country::new();
    let conf = country.conf();
    // Without the reference to an attachment, whose file is away, too.
    let text = full(&country).text("sig-hashchain.xml");
    let start = text.find("<DataRef URI=\"/attachment2\">").unwrap();
    let end = start + text[start..].find("</DataRef>").unwrap() + "</DataRef>".len();
    let cut = format!("{}{}", &text[..start], &text[end..]);
    let container = full(&country)
        .without("attachment2")
        .with("sig-hashchain.xml", &cut)
        .zip();
    let code = "malformed_signature.invalid_hash_chain";
    check_refused(&container, &conf, code);

    // What is stated of an absent attachment cannot be changed either.
    let other = full(&country).without("attachment2").without("attachment1");
    let text = other.text("sig-hashchain.xml");
    let stated = text.rfind("<ds:DigestValue>").unwrap() + "<ds:DigestValue>".len();
    let mut changed = text.into_bytes();
    changed[stated] = if changed[stated] == b'A' { b'B' } else { b'A' };
    let other = other.with("sig-hashchain.xml", changed);
    check_refused(&other.zip(), &conf, code);
}

#[test]
fn refuses_a_chain_that_goes_in_a_circle_or_cannot_be_read() {
    let country = Country::new();
    let conf = country.conf();
    for (chain, code) in [
        ("<x/>", "malformed_signature.malformed_hash_chain"),
        ("no XML", "malformed_signature.malformed_hash_chain"),
        (
            "<HashChain xmlns=\"http://cyber.ee/hashchain\">\
             <DefaultDigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>\
             <HashStep id=\"STEP0\"><StepRef URI=\"#STEP0\"/></HashStep></HashChain>",
            "malformed_signature.malformed_hash_chain",
        ),
        (
            "<!DOCTYPE HashChain><HashChain xmlns=\"http://cyber.ee/hashchain\"/>",
            "malformed_signature.malformed_hash_chain",
        ),
    ] {
        let container = full(&country)
            .without("attachment2")
            .without("attachment1")
            .with("sig-hashchain.xml", chain)
            .zip();
        check_refused(&container, &conf, code);
    }
}

#[test]
fn refuses_a_signature_without_its_chain() {
    let country = Country::new();
    let container = full(&country)
        .without("sig-hashchain.xml")
        .without("sig-hashchainresult.xml")
        .zip();
    let error = check_refused(&container, &country.conf(), "malformed_signature");
    assert!(matches!(
        error,
        Error::Signature(gateway_seal::Error::Unresolvable { .. })
    ));
}

#[test]
fn refuses_a_signature_that_refers_to_no_message() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Single, NOW);
    let files = Files::of(&container).replacing(
        "META-INF/signatures.xml",
        "URI=\"/message.xml\"",
        "URI=\"/attachment1\"",
    );
    let error = check_refused(&files.zip(), &country.conf(), "malformed_signature");
    assert!(matches!(error, Error::NoMessageReference));
}

#[test]
fn refuses_the_signature_of_another_container() {
    let country = Country::new();
    let conf = country.conf();
    // Time stamp and signature fit each other, so only the message is another one.
    for stamp in [Stamp::Single, Stamp::Batch] {
        let first = country.soap_request("s-1", &[]);
        let second = Sealed {
            seal: country.soap_request("s-2", &[]).seal,
            ..first
        };
        let container = country.container(&second, stamp, NOW);
        check_refused(&container, &conf, "invalid_signature_value");
    }
    // With its chain, too.
    let first = country.soap_request("s-1", &["one"]);
    let second = Sealed {
        seal: country.soap_request("s-2", &["one"]).seal,
        ..first.clone()
    };
    let container = country.container(&second, Stamp::Batch, NOW);
    let code = "malformed_signature.invalid_hash_chain_ref";
    check_refused(&container, &conf, code);
    // With the chain of the message, which is not the one signed.
    let mixed = files(&country, &second, Stamp::Batch)
        .with("sig-hashchain.xml", first.seal.chain.clone().unwrap().1)
        .with("sig-hashchainresult.xml", first.seal.chain.unwrap().0);
    check_refused(&mixed.zip(), &conf, "invalid_signature_value");
}

#[test]
fn refuses_a_signature_document_that_could_be_read_in_two_ways() {
    let country = Country::new();
    let conf = country.conf();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Single, NOW);
    let name = "META-INF/signatures.xml";
    let twice = Files::of(&container).replacing(
        name,
        "<xades:UnsignedProperties>",
        "<xades:UnsignedProperties Id=\"signature-value\">",
    );
    check_refused(&twice.zip(), &conf, "malformed_signature");
    let entity = Files::of(&container).replacing(
        name,
        "<asic:XAdESSignatures",
        "<!DOCTYPE x [<!ENTITY e \"x\">]><asic:XAdESSignatures",
    );
    check_refused(&entity.zip(), &conf, "invalid_xml");
    let second = Files::of(&container).replacing(
        name,
        "</asic:XAdESSignatures>",
        "<ds:Signature/></asic:XAdESSignatures>",
    );
    check_refused(&second.zip(), &conf, "malformed_signature");
}

#[test]
fn refuses_a_changed_signature_value() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let other = country.soap_request("s-2", &[]);
    let value = |sealed: &Sealed| {
        let text = String::from_utf8(sealed.seal.signature.to_vec()).unwrap();
        let start = text.find("<ds:SignatureValue").unwrap();
        let end = text.find("</ds:SignatureValue>").unwrap();
        text[start..end].to_owned()
    };
    let text = String::from_utf8(sealed.seal.signature.to_vec()).unwrap();
    let changed = text.replace(&value(&sealed), &value(&other));
    assert_ne!(text, changed);
    let mut sealed = sealed;
    sealed.seal.signature = changed.into();
    let container = country.container(&sealed, Stamp::Batch, NOW);
    check_refused(&container, &country.conf(), "invalid_signature_value");
}

#[test]
fn refuses_a_message_of_another_signer() {
    let country = Country::new();
    let conf = country.conf();
    let sealed = country.seal(&country.provider, request("s-1"), Vec::new());
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let error = check_refused(&container, &conf, "incorrect_certificate");
    match &error {
        Error::OtherSigner { found, expected } => {
            assert_eq!(found, "DEV/GOV/2222");
            assert_eq!(expected, country.client.id.member());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(error.blame(), Blame::Signer);

    let (_, response) = country.rest("r-1", Some("{}"));
    let sealed = country.seal(&country.client, response.message, response.attachments);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    check_refused(&container, &conf, "incorrect_certificate");
}

/// As servers write records that were told not to keep bodies.
#[test]
fn says_that_a_message_was_reduced_before_logging() {
    let country = Country::new();
    let conf = country.conf();
    let reduced_soap = match soap::parse(request("s-1"), "text/xml", &Limits::default()).unwrap() {
        soap::Parsed::Message(message) => message.reduced(false),
        soap::Parsed::Fault(fault) => panic!("{fault:?}"),
    };
    let reduced = |sealed: &Sealed, message: &Bytes| {
        let sealed = Sealed {
            message: message.clone(),
            attachments: Vec::new(),
            ..sealed.clone()
        };
        country.container(&sealed, Stamp::Batch, NOW)
    };
    let single = country.soap_request("s-1", &[]);
    let error = check_refused(
        &reduced(&single, &reduced_soap),
        &conf,
        "invalid_signature_value",
    );
    assert!(matches!(error, Error::Reduced { chained: false }));
    assert!(error.explanation().contains("reduced before logging"));
    assert_eq!(error.blame(), Blame::Logger);
    let batch = country.soap_request("s-1", &["one"]);
    let code = "malformed_signature.invalid_hash_chain_ref";
    let error = check_refused(&reduced(&batch, &reduced_soap), &conf, code);
    assert!(matches!(error, Error::Reduced { chained: true }));

    let (request, response) = country.rest("r-1", None);
    let parsed = rest::Request::from_block(request.message.clone()).unwrap();
    let container = reduced(&request, &parsed.reduced());
    let error = check_refused(&container, &conf, "invalid_signature_value");
    assert!(matches!(error, Error::Reduced { chained: false }));
    let parsed = rest::Response::from_block(response.message.clone()).unwrap();
    let container = reduced(&response, &parsed.reduced());
    let error = check_refused(&container, &conf, "invalid_signature_value");
    assert!(matches!(error, Error::Reduced { chained: false }));
}

#[test]
fn refuses_what_is_no_message() {
    let country = Country::new();
    let conf = country.conf();
    let fault = envelope(
        "s-1",
        "<e:Fault><faultcode>x</faultcode><faultstring>y</faultstring></e:Fault>",
    );
    for (message, code) in [
        (fault.as_str(), "internal_error"),
        ("<x/>", "invalid_soap"),
        ("no message", "internal_error"),
        ("200\r\nOK\r\n", "internal_error"),
        ("GET\r\n/r1/DEV/COM\r\n", "internal_error"),
    ] {
        let sealed = country.seal(&country.client, owned(message), Vec::new());
        let container = country.container(&sealed, Stamp::Batch, NOW);
        check_refused(&container, &conf, code);
    }
}

/// What XML makes of the octets must not depend on who reads them.
#[test]
fn refuses_a_message_in_an_encoding_that_nobody_logs() {
    let country = Country::new();
    let text = format!("<?xml version=\"1.0\"?>{}", str(&request("s-1")));
    let wide = |octets: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(octets).collect();
    let little: Vec<u8> = wide(u16::to_le_bytes);
    let big: Vec<u8> = wide(u16::to_be_bytes);
    for message in [
        [&[0xFF, 0xFE], &little[..]].concat(),
        [&[0xFE, 0xFF], &big[..]].concat(),
        little,
        big,
        text.replace("?>", " encoding=\"UTF-7\"?>").into_bytes(),
    ] {
        let sealed = country.seal(&country.client, message.into(), Vec::new());
        let container = country.container(&sealed, Stamp::Batch, NOW);
        let error = check_refused(&container, &country.conf(), "invalid_soap");
        assert!(
            error.explanation().contains("UTF-"),
            "{}",
            error.explanation()
        );
    }
}

#[test]
fn refuses_a_response_that_does_not_name_its_service() {
    let country = Country::new();
    let (_, response) = country.rest("r-1", None);
    let text: String = str(&response.message)
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("x-road-service"))
        .collect();
    let sealed = country.seal(&country.provider, owned(&text), Vec::new());
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let error = check_refused(&container, &country.conf(), "internal_error");
    assert!(matches!(error, Error::NoService));
}

#[test]
fn refuses_a_manifest_that_states_a_wrong_digest() {
    let country = Country::new();
    let conf = country.conf();
    let manifest = "META-INF/ASiCManifest.xml";
    // Of the result.
    let other = files(&country, &country.soap_request("s-2", &[]), Stamp::Batch);
    let wrong = plain(&country).with(manifest, other.get(manifest));
    let error = check_refused(&wrong.zip(), &conf, "malformed_signature");
    assert!(matches!(error, Error::Manifest { name } if name == "ts-hashchainresult.xml"));
    // Of an attachment.
    let wrong = full(&country).replacing(
        manifest,
        "URI=\"ts-hashchainresult.xml\"",
        "URI=\"/attachment1\"",
    );
    let error = check_refused(&wrong.zip(), &conf, "malformed_signature");
    assert!(matches!(error, Error::Manifest { name } if name == "attachment1"));
}

/// Whatever single octet of the files somebody changes, what is then reported as verified is what
/// was verified before.
#[test]
fn no_changed_octet_is_believed() {
    let country = Country::new();
    let conf = country.conf();
    let original = full(&country);
    let expected = judge(&original.zip(), &conf).unwrap();
    let mut refused = 0;
    for (index, (name, content)) in original.0.iter().enumerate() {
        for place in (0..content.len()).step_by(1 + content.len() / 40) {
            let mut changed = original.clone();
            changed.0[index].1[place] ^= 1;
            match judge(&changed.zip(), &conf) {
                Err(_) => refused += 1,
                Ok(report) => {
                    assert_eq!(report.covered, expected.covered, "{name} {place}");
                    assert_eq!(report.signer, expected.signer, "{name} {place}");
                    assert_eq!(report.timestamp, expected.timestamp, "{name} {place}");
                    // Only what is no evidence may differ.
                    let unsigned = name.starts_with("META-INF/");
                    assert!(unsigned, "{name} {place}");
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

/// The key is the client's, the certificate in the signature somebody else's.
#[test]
fn refuses_a_signature_with_another_certificate_in_it() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let other = country.seal(&country.provider, sealed.message.clone(), Vec::new());
    let certificate = |sealed: &Sealed| {
        let text = String::from_utf8(sealed.seal.signature.to_vec()).unwrap();
        let start = text.find("<ds:X509Certificate>").unwrap();
        let end = text.find("</ds:X509Certificate>").unwrap();
        text[start..end].to_owned()
    };
    let text = String::from_utf8(sealed.seal.signature.to_vec()).unwrap();
    let changed = text.replace(&certificate(&sealed), &certificate(&other));
    let stamp = country.stamp(changed.as_bytes(), Stamp::Batch, NOW);
    let mut sealed = sealed;
    sealed.seal.signature = changed.into();
    let container = make_container(&sealed, stamp);
    check_refused(&container, &country.conf(), "invalid_signature_value");
    // Signing with a key that is not the certificate's is not even possible by mistake.
    let context = gateway_seal::SigningContext::new(
        Arc::clone(&country.client.key),
        country.provider.certificate.clone(),
        Vec::new(),
        vec![country.good(&country.provider)],
    );
    assert!(context.is_err());
}

fn str(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
