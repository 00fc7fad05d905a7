//! Signature documents put together so that one reader verifies one thing and another reads another.
//! Where it matters they are signed again, so that the value itself is right.

use certs_keys::{Digest, DigestAlgorithm};
use gateway_asic::verify::Error;

use crate::country::{Country, NOW, Sealed, Stamp, check_refused, judge, make_container, sha512};
use crate::direct::{reference, sign_again, stated};

/// A request signed alone, and the text of its signature.
fn signed(country: &Country) -> (Sealed, String) {
    let sealed = country.soap_request("s-1", &[]);
    let text = String::from_utf8(sealed.seal.signature.to_vec()).unwrap();
    (sealed, text)
}

/// With another signature document, over which the time stamp is.
fn with(country: &Country, sealed: &Sealed, text: &str) -> bytes::Bytes {
    let mut sealed = sealed.clone();
    sealed.seal.signature = text.to_owned().into();
    let stamp = country.stamp(text.as_bytes(), Stamp::Batch, NOW);
    make_container(&sealed, stamp)
}

#[track_caller]
fn check(country: &Country, sealed: &Sealed, text: &str) {
    let container = with(country, sealed, text);
    let error = check_refused(&container, &country.conf(), "malformed_signature");
    assert!(matches!(error, Error::Signature(_)), "{error:?}");
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap();
    &text[start..start + text[start..].find(to).unwrap() + to.len()]
}

#[test]
fn refuses_a_second_signed_info() {
    let country = Country::new();
    let (sealed, text) = signed(&country);
    judge(&with(&country, &sealed, &text), &country.conf()).unwrap();
    let info = between(&text, "<ds:SignedInfo>", "</ds:SignedInfo>");
    // The other one is about another message.
    let other = sha512(b"another message");
    let own = stated(DigestAlgorithm::Sha512, &sealed.message);
    assert!(info.contains(&own));
    let forged = info.replace(&own, &stated_digest(&other));
    for (from, to) in [
        (info, format!("{info}{forged}")),
        (info, format!("{forged}{info}")),
        ("</ds:Signature>", format!("{forged}</ds:Signature>")),
        (
            "<ds:Object>",
            format!("<ds:Object>{forged}</ds:Object><ds:Object>"),
        ),
    ] {
        let anonymous = to.replace("Id=\"signature-reference-", "Id=\"forged-");
        let wrapped = text.replacen(from, &to, 1);
        check(&country, &sealed, &wrapped);
        if !from.starts_with("<ds:Object") {
            check(&country, &sealed, &text.replacen(from, &anonymous, 1));
        }
    }
}

fn stated_digest(digest: &Digest) -> String {
    use base64::Engine as _;
    format!(
        "<ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{}</ds:DigestValue>",
        digest.algorithm().uri(),
        base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
    )
}

/// The signature of another message, good by itself, around, inside or beside the own one.
#[test]
fn refuses_a_signature_wrapped_in_another() {
    let country = Country::new();
    let (sealed, text) = signed(&country);
    let own = between(&text, "<ds:Signature ", "</ds:Signature>");
    let other = country.soap_request("s-2", &[]);
    let other = String::from_utf8(other.seal.signature.to_vec()).unwrap();
    let other = between(&other, "<ds:Signature ", "</ds:Signature>");
    let renamed = other.replace(" Id=\"", " Id=\"x-");
    for other in [other, &renamed] {
        let inside = own.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{other}</ds:Object></ds:Signature>"),
        );
        let around = other.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{own}</ds:Object></ds:Signature>"),
        );
        for wrapped in [
            inside,
            around,
            format!("{own}{other}"),
            format!("{other}{own}"),
            format!("<asic:x>{own}</asic:x>"),
        ] {
            check(&country, &sealed, &text.replace(own, &wrapped));
        }
    }
}

/// The properties that are signed lie elsewhere; in their place are others, with a later time.
#[test]
fn refuses_signed_properties_that_were_exchanged() {
    let country = Country::new();
    let (sealed, text) = signed(&country);
    let properties = between(
        &text,
        "<xades:SignedProperties ",
        "</xades:SignedProperties>",
    );
    let forged = properties.replace("2030-", "2031-");
    assert_ne!(forged, properties);
    let elsewhere = |forged: &str| {
        text.replace(properties, forged).replace(
            "</ds:Signature>",
            &format!("<ds:Object>{properties}</ds:Object></ds:Signature>"),
        )
    };
    check(&country, &sealed, &elsewhere(&forged));
    let renamed = forged.replace("signed-properties", "x");
    check(&country, &sealed, &elsewhere(&renamed));
    // Two of them, of which the first is signed.
    let twice = format!("{properties}{renamed}");
    check(&country, &sealed, &text.replace(properties, &twice));
    // Where they belong, the digest is another.
    let container = with(&country, &sealed, &text.replace(properties, &forged));
    check_refused(&container, &country.conf(), "invalid_signature_value");
}

/// A transform decides what is hashed instead of the octets.
#[test]
fn refuses_transforms_of_a_part() {
    let country = Country::new();
    let (sealed, text) = signed(&country);
    let own = between(&text, "<ds:Reference ", "</ds:Reference>");
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "urn:unknown",
    ] {
        let transforms = format!(
            "<ds:Transforms><ds:Transform Algorithm=\"{algorithm}\"></ds:Transform></ds:Transforms>"
        );
        let transformed = own.replacen('>', &format!(">{transforms}"), 1);
        let text = text.replace(own, &transformed);
        let text = sign_again(&country.client, &text);
        let text = std::str::from_utf8(&text).unwrap();
        check(&country, &sealed, text);
        let container = with(&country, &sealed, text);
        let error = check_refused(&container, &country.conf(), "malformed_signature");
        assert!(
            matches!(
                error,
                Error::Signature(gateway_seal::Error::UnsupportedAlgorithm { .. })
            ),
            "{error:?}"
        );
    }
}

#[test]
fn refuses_references_to_other_places() {
    let country = Country::new();
    let (sealed, text) = signed(&country);
    let own = between(&text, "<ds:Reference ", "</ds:Reference>");
    let add = |uri: &str| {
        let further = reference(DigestAlgorithm::Sha512, uri, b"");
        let text = text.replace(own, &format!("{own}{further}"));
        sign_again(&country.client, &text)
    };
    for uri in [
        "",
        "message.xml",
        "/message%2Exml",
        "/message.xml#x",
        "/../message.xml",
        "/META-INF/manifest.xml",
        "/ts-hashchainresult.xml",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "#nowhere",
        "#xpointer(/)",
        "/attachment01",
    ] {
        let text = add(uri);
        check(&country, &sealed, std::str::from_utf8(&text).unwrap());
    }
    // More than any signer has.
    let further = reference(DigestAlgorithm::Sha512, "/message.xml", &sealed.message);
    let many = text.replace(own, &format!("{own}{}", further.repeat(40)));
    let many = sign_again(&country.client, &many);
    check(&country, &sealed, std::str::from_utf8(&many).unwrap());
}

/// Signed so by the signer's own key: old algorithms let others make a second message that fits.
#[test]
fn refuses_algorithms_of_the_signature_that_prove_nothing_any_more() {
    let country = Country::new();
    let (sealed, text) = signed(&country);
    for (from, to) in [
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#ecdsa-sha1"),
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#ecdsa-sha224"),
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#rsa-md5"),
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#hmac-sha512"),
        (
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        ),
    ] {
        assert!(text.contains(from), "{text}");
        let text = text.replacen(from, to, 1);
        check(&country, &sealed, &text);
    }
    // The digest of the message, and of the certificate in the signed properties.
    let message = stated(DigestAlgorithm::Sha512, &sealed.message);
    for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha224] {
        let weak = text.replace(&message, &stated(algorithm, &sealed.message));
        assert_ne!(weak, text);
        let weak = sign_again(&country.client, &weak);
        check(&country, &sealed, std::str::from_utf8(&weak).unwrap());
    }
}

/// What XML makes of the octets must not depend on who reads them.
#[test]
fn refuses_documents_in_other_encodings_or_with_a_document_type() {
    let country = Country::new();
    let conf = country.conf();
    let (sealed, text) = signed(&country);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xFF, 0xFE], &wide[..]].concat();
    let entity = text.replacen(
        "<asic:XAdESSignatures",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><asic:XAdESSignatures",
        1,
    );
    for octets in [wide, marked, entity.into_bytes()] {
        let mut other = sealed.clone();
        other.seal.signature = octets.clone().into();
        let stamp = country.stamp(&octets, Stamp::Batch, NOW);
        check_refused(&make_container(&other, stamp), &conf, "invalid_xml");
    }
}
