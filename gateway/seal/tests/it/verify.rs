//! Signatures that hold cryptographically, or did before they were changed, and still are refused.

use certs_keys::{Digest, DigestAlgorithm, KeyKind, SignatureAlgorithm};
use gateway_seal::{
    Error, Parts, Rules, Seal, SigningContext, VerifiedSignature, sign, verify_value,
};
use gateway_xml::{Canonicalization, Document, Limits, Node};

use crate::authority::{Holder, authority, now};

const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A signed message, to be changed as text.
struct Signed {
    authority: Holder,
    context: SigningContext,
    parts: Parts,
    text: String,
}

impl Signed {
    fn new() -> Self {
        let authority = authority("Authority");
        let member = authority.issue("Member", KeyKind::P256);
        let context = authority.context(&member);
        let parts = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, b"message"));
        let seal = &sign(&context, std::slice::from_ref(&parts), now()).unwrap()[0];
        let text = String::from_utf8(seal.signature.to_vec()).unwrap();
        Self {
            authority,
            context,
            parts,
            text,
        }
    }

    /// The text with a piece replaced, which must be there.
    #[track_caller]
    fn changed(&self, from: &str, to: &str) -> String {
        assert!(self.text.contains(from), "{from} not in {}", self.text);
        self.text.replacen(from, to, 1)
    }

    fn verify(&self, text: &str) -> Result<(), Error> {
        let seal = Seal {
            signature: text.to_owned().into(),
            chain: None,
        };
        verify_value(&seal, &self.parts).map(drop)
    }

    #[track_caller]
    fn refused(&self, text: &str) -> Error {
        self.verify(text).expect_err("must be refused")
    }

    #[track_caller]
    fn check_malformed(&self, text: &str) {
        let error = self.refused(text);
        assert_eq!(error.code(), "malformed_signature", "{error:?}");
    }

    /// Puts the digest of the signed properties and the signature value right again.
    fn resigned(&self, text: &str) -> String {
        self.resigned_with("ds", text)
    }

    /// The same where the namespace of signatures has this prefix.
    fn resigned_with(&self, prefix: &str, text: &str) -> String {
        let text = match element(text, "SignedProperties", |properties| {
            properties
                .canonical(&Canonicalization::Inclusive10)
                .unwrap()
        }) {
            Some(canonical) => {
                let digest = Digest::of(DigestAlgorithm::Sha512, &canonical);
                let marker = "URI=\"#signed-properties\">";
                match text.split_once(marker) {
                    Some((before, after)) => {
                        let after = replace_content(
                            after,
                            &format!("{prefix}:DigestValue"),
                            digest.as_bytes(),
                        );
                        format!("{before}{marker}{after}")
                    }
                    None => text.to_owned(),
                }
            }
            None => text.to_owned(),
        };
        let canonical = element(&text, "SignedInfo", |signed_info| {
            let method = signed_info.children().next().unwrap();
            let method = Canonicalization::from_uri(method.attribute("", "Algorithm").unwrap());
            signed_info.canonical(&method.unwrap()).unwrap()
        })
        .unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha512, &canonical);
        let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);
        let value = self
            .context
            .key()
            .sign(algorithm, &digest)
            .unwrap()
            .to_xmldsig();
        let marker = &*format!("</{prefix}:SignedInfo>");
        let (before, after) = text.split_once(marker).unwrap();
        format!(
            "{before}{marker}{}",
            replace_content(after, &format!("{prefix}:SignatureValue"), &value)
        )
    }
}

fn element<T>(text: &str, name: &str, with: impl Fn(Node<'_>) -> T) -> Option<T> {
    let document = Document::parse(text.as_bytes(), Limits::default()).unwrap();
    document
        .root()
        .descendants()
        .find(|node| node.local_name() == name)
        .map(with)
}

/// Replaces the content of the first element of this name.
fn replace_content(text: &str, name: &str, octets: &[u8]) -> String {
    let start = text.find(&format!("<{name}")).unwrap();
    let content = start + text[start..].find('>').unwrap() + 1;
    let end = content + text[content..].find('<').unwrap();
    let octets = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets);
    format!("{}{octets}{}", &text[..content], &text[end..])
}

/// The text from the start of one piece to the end of another.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap();
    let end = start + text[start..].find(to).unwrap() + to.len();
    &text[start..end]
}

#[test]
fn accepts_what_is_signed_again() {
    let signed = Signed::new();
    signed.verify(&signed.text).unwrap();
    signed.verify(&signed.resigned(&signed.text)).unwrap();
}

#[test]
fn accepts_other_layouts_of_the_same() {
    let signed = Signed::new();
    // Line ends inside base64, as servers write them, and white space between elements.
    let spaced = signed
        .text
        .replace("</ds:DigestValue>", "\r\n</ds:DigestValue>\n\t");
    let spaced = spaced.replace("<ds:X509Certificate>", "<ds:X509Certificate>\n&#13;");
    signed.verify(&signed.resigned(&spaced)).unwrap();
    // Other prefixes.
    let renamed = signed.text.replace("<ds:", "<q:").replace("</ds:", "</q:");
    let renamed = renamed.replace("xmlns:ds=", "xmlns:q=");
    let renamed = renamed
        .replace("<xades:", "<p:")
        .replace("</xades:", "</p:");
    let renamed = renamed.replace("xmlns:xades=", "xmlns:p=");
    signed.verify(&signed.resigned_with("q", &renamed)).unwrap();
    // The signature as root.
    let inner = between(&signed.text, "<ds:Signature ", "</ds:Signature>");
    let root = inner.replacen(
        "<ds:Signature ",
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" ",
        1,
    );
    signed.verify(&signed.resigned(&root)).unwrap();
}

#[test]
fn accepts_exclusive_canonicalisation_of_either_part() {
    let signed = Signed::new();
    let exclusive = signed.changed(INCLUSIVE, EXCLUSIVE);
    signed.verify(&signed.resigned(&exclusive)).unwrap();
    assert!(matches!(signed.refused(&exclusive), Error::Value(_)));
}

#[test]
fn refuses_documents_that_are_no_signature() {
    let signed = Signed::new();
    assert_eq!(signed.refused("").code(), "invalid_xml");
    assert_eq!(signed.refused("<a>").code(), "invalid_xml");
    let doctype = signed.changed("<asic:", "<!DOCTYPE a><asic:");
    assert!(matches!(
        signed.refused(&doctype),
        Error::Xml(gateway_xml::Error::DocumentType { .. })
    ));
    signed.check_malformed("<a/>");
}

#[test]
fn refuses_wrapped_signatures() {
    let signed = Signed::new();
    let signature = between(&signed.text, "<ds:Signature ", "</ds:Signature>").to_owned();
    // Twice, with the same identifiers and without.
    signed.check_malformed(&signed.changed(&signature, &format!("{signature}{signature}")));
    let other = signature.replace(" Id=\"", " Id=\"x-");
    signed.check_malformed(&signed.changed(&signature, &format!("{signature}{other}")));
    // Deeper than the child of the root, or beside something else.
    signed.check_malformed(&signed.changed(&signature, &format!("<w>{signature}</w>")));
    signed.check_malformed(&signed.changed(&signature, &format!("{signature}<w/>")));
    signed.check_malformed(&signed.changed(&signature, &format!("text{signature}")));
    // A second element of the identifier that is signed.
    let properties = between(
        &signed.text,
        "<xades:SignedProperties ",
        "</xades:SignedProperties>",
    );
    let wrapped = format!("<ds:Object>{properties}</ds:Object></ds:Signature>");
    signed.check_malformed(&signed.changed("</ds:Signature>", &wrapped));
    // The signed properties moved away, others in their place.
    let moved = properties.replace("signed-properties", "other-properties");
    let wrapped = signed.changed(properties, &moved).replacen(
        "</ds:Signature>",
        &format!("<ds:Object>{properties}</ds:Object></ds:Signature>"),
        1,
    );
    signed.check_malformed(&wrapped);
}

#[test]
fn refuses_elements_missing_or_out_of_place() {
    let signed = Signed::new();
    let text = &signed.text;
    for (from, to) in [
        ("<ds:SignedInfo>", "</ds:SignedInfo>"),
        ("<ds:SignatureValue ", "</ds:SignatureValue>"),
        ("<ds:KeyInfo>", "</ds:KeyInfo>"),
        ("<ds:X509Data>", "</ds:X509Data>"),
        ("<ds:X509Certificate>", "</ds:X509Certificate>"),
        ("<ds:Object>", "</ds:Object>"),
        (
            "<xades:QualifyingProperties ",
            "</xades:QualifyingProperties>",
        ),
        ("<xades:UnsignedProperties>", "</xades:UnsignedProperties>"),
        (
            "<xades:EncapsulatedOCSPValue ",
            "</xades:EncapsulatedOCSPValue>",
        ),
        (
            "<ds:CanonicalizationMethod ",
            "</ds:CanonicalizationMethod>",
        ),
        ("<ds:SignatureMethod ", "</ds:SignatureMethod>"),
    ] {
        signed.check_malformed(&text.replacen(between(text, from, to), "", 1));
    }
    signed
        .check_malformed(&signed.changed("<ds:KeyInfo>", "<ds:Unknown></ds:Unknown><ds:KeyInfo>"));
    signed.check_malformed(&signed.changed("<ds:KeyInfo>", "text<ds:KeyInfo>"));
    let certificate = between(text, "<ds:X509Certificate>", "</ds:X509Certificate>");
    let twice = format!("{certificate}{certificate}");
    signed.check_malformed(&signed.changed(certificate, &twice));
    signed.check_malformed(&signed.changed("Target=\"#signature\"", "Target=\"#other\""));
}

#[test]
fn refuses_signed_properties_that_the_schema_does_not_know() {
    let signed = Signed::new();
    for (from, to) in [
        (
            "<xades:SigningTime>",
            "<xades:Unknown></xades:Unknown><xades:SigningTime>",
        ),
        (
            "<xades:SigningTime>",
            "<xades:SigningTime></xades:SigningTime><xades:SigningTime>",
        ),
        ("<xades:SigningTime>", "text<xades:SigningTime>"),
    ] {
        signed.check_malformed(&signed.resigned(&signed.changed(from, to)));
    }
}

#[test]
fn refuses_unsigned_signed_properties() {
    let signed = Signed::new();
    let reference = "<ds:Reference Id=\"signature-reference-1\"";
    let reference = between(&signed.text, reference, "</ds:Reference>");
    let without = signed.resigned(&signed.changed(reference, ""));
    let error = signed.refused(&without);
    assert!(matches!(error, Error::Structure { reason } if reason.contains("signed properties")));
}

#[test]
fn refuses_a_signature_over_nothing_but_its_properties() {
    let signed = Signed::new();
    let reference = "<ds:Reference Id=\"signature-reference-0\"";
    let reference = between(&signed.text, reference, "</ds:Reference>");
    let without = signed.resigned(&signed.changed(reference, ""));
    let error = signed.refused(&without);
    assert!(
        matches!(&error, Error::Uncovered { uri } if uri == "/message.xml"),
        "{error:?}"
    );
}

#[test]
fn refuses_another_certificate_than_the_signed_one() {
    let signed = Signed::new();
    let content = between(
        &signed.text,
        "<ds:X509Certificate>",
        "</ds:X509Certificate>",
    );
    // Of another key: the value does not hold.
    let other = signed.authority.issue("Member", KeyKind::P256);
    let other = replace_content(content, "ds:X509Certificate", other.certificate.der());
    assert!(matches!(
        signed.refused(&signed.changed(content, &other)),
        Error::Value(_)
    ));
    // The properties name another certificate, and are signed so.
    let digest = between(&signed.text, "<xades:CertDigest>", "</xades:CertDigest>");
    let wrong = Digest::of(DigestAlgorithm::Sha512, b"other");
    let wrong = replace_content(digest, "ds:DigestValue", wrong.as_bytes());
    let error = signed.refused(&signed.resigned(&signed.changed(digest, &wrong)));
    assert!(matches!(error, Error::OtherCertificate), "{error:?}");
}

#[test]
fn refuses_a_certificate_that_is_not_for_signing() {
    let signed = Signed::new();
    let tls = signed.authority.issue_for_authentication("Server");
    let content = between(
        &signed.text,
        "<ds:X509Certificate>",
        "</ds:X509Certificate>",
    );
    let other = replace_content(content, "ds:X509Certificate", tls.certificate.der());
    let error = signed.refused(&signed.changed(content, &other));
    assert!(matches!(error, Error::NotASigningCertificate), "{error:?}");
}

#[test]
fn refuses_algorithms_that_are_weak_or_unknown() {
    let signed = Signed::new();
    for (from, to) in [
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#ecdsa-sha1"),
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#rsa-md5"),
        ("xmldsig-more#ecdsa-sha512", "xmldsig-more#unknown"),
        (
            INCLUSIVE,
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        ),
        (INCLUSIVE, "http://www.w3.org/TR/1999/REC-xslt-19991116"),
    ] {
        let error = signed.refused(&signed.changed(from, to));
        assert!(
            matches!(error, Error::UnsupportedAlgorithm { .. }),
            "{to}: {error:?}"
        );
    }
    let md5 = signed.changed("xmlenc#sha512", "xmldsig-more#md5");
    signed.check_malformed(&md5.replace("www.w3.org/2001/04/xmldsig-more#md5", "unknown"));
}

#[test]
fn refuses_sha_1_on_the_wire_and_reads_it_in_archives() {
    let signed = Signed::new();
    let reference = "<ds:Reference Id=\"signature-reference-0\"";
    let reference = between(&signed.text, reference, "</ds:Reference>");
    let sha1 = Digest::of(DigestAlgorithm::Sha1, b"message");
    let weak = replace_content(reference, "ds:DigestValue", sha1.as_bytes()).replace(
        "http://www.w3.org/2001/04/xmlenc#sha512",
        "http://www.w3.org/2000/09/xmldsig#sha1",
    );
    let weak = signed.resigned(&signed.changed(reference, &weak));
    let error = signed.refused(&weak);
    assert!(
        matches!(error, Error::UnsupportedAlgorithm { .. }),
        "{error:?}"
    );
    let archived = VerifiedSignature::verify(
        weak.as_bytes(),
        Rules::Archive,
        &certs_x509::Memo::default(),
    )
    .unwrap();
    archived.cover(None, &Parts::of_message(sha1)).unwrap();
    let error = archived.cover(None, &signed.parts).unwrap_err();
    assert!(matches!(error, Error::DigestAlgorithm { .. }), "{error:?}");
}

#[test]
fn refuses_transforms_other_than_one_canonicalisation() {
    let signed = Signed::new();
    let with = |reference: &str, transforms: &str| {
        let at = format!("{reference}\">");
        let transforms = format!("{at}<ds:Transforms>{transforms}</ds:Transforms>");
        signed.resigned(&signed.changed(&at, &transforms))
    };
    let transform = |uri: &str| format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>");
    let properties = "URI=\"#signed-properties";
    signed
        .verify(&with(properties, &transform(INCLUSIVE)))
        .unwrap();
    for transforms in [
        String::new(),
        transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature"),
        transform("http://www.w3.org/TR/1999/REC-xpath-19991116"),
        transform(INCLUSIVE) + &transform(INCLUSIVE),
    ] {
        signed.check_malformed(&with(properties, &transforms));
    }
    // The octets of a part are signed as they are.
    signed.check_malformed(&with("URI=\"/message.xml", &transform(INCLUSIVE)));
}

#[test]
fn refuses_too_many_references_and_references_elsewhere() {
    let signed = Signed::new();
    let reference = "<ds:Reference Id=\"signature-reference-0\"";
    let reference = between(&signed.text, reference, "</ds:Reference>");
    let anonymous = reference.replace("Id=\"signature-reference-0\" ", "");
    let times = |count: usize| {
        signed.resigned(&signed.changed(
            reference,
            &format!("{reference}{}", anonymous.repeat(count)),
        ))
    };
    signed.verify(&times(28)).unwrap();
    signed.check_malformed(&times(29));
    for uri in [
        "",
        "http://example.com/",
        "file:///etc/passwd",
        "/other.xml",
        "/attachment1",
        "/attachment01",
        "/attachment0",
        "/attachment",
        "#nowhere",
    ] {
        let elsewhere = anonymous.replace("/message.xml", uri);
        let elsewhere = signed.changed(reference, &format!("{reference}{elsewhere}"));
        signed.check_malformed(&signed.resigned(&elsewhere));
    }
}

#[test]
fn refuses_octets_that_are_no_base64_der_or_digest() {
    let signed = Signed::new();
    let text = &signed.text;
    for (from, to) in [
        ("<ds:X509Certificate>", "<ds:X509Certificate>!"),
        ("<ds:X509Certificate>", "<ds:X509Certificate>AAAA"),
        (
            "<xades:EncapsulatedOCSPValue Id=\"ocsp-response-1\">",
            "<xades:EncapsulatedOCSPValue Id=\"ocsp-response-1\">AAAA",
        ),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
    ] {
        signed.check_malformed(&text.replacen(from, to, 1));
    }
    // A signature value of another length than the key's.
    let value = between(text, "<ds:SignatureValue ", "</ds:SignatureValue>");
    for octets in [&[][..], &[1], &[0; 64], &[0xff; 64], &[1; 2000]] {
        let wrong = replace_content(value, "ds:SignatureValue", octets);
        let error = signed.refused(&text.replacen(value, &wrong, 1));
        assert!(matches!(error, Error::Value(_)), "{error:?}");
    }
}
