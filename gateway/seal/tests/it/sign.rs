//! What we sign: accepted by our verifier, and laid out as others need it.

use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm, KeyKind};
use certs_x509::ocsp::Status;
use gateway_seal::{
    Error, Parts, Rules, Seal, SigningContext, VerifiedSignature, fingerprint, sign, verify_value,
};
use gateway_xml::{Canonicalization, Document, Limits};

use crate::authority::{Holder, authority, hours, now};

fn digest(text: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, text.as_bytes())
}

fn parts(message: &str, attachments: &[&str]) -> Parts {
    Parts {
        message: digest(message),
        attachments: attachments.iter().map(|text| digest(text)).collect(),
    }
}

fn member(kind: KeyKind) -> (Holder, SigningContext) {
    let authority = authority("Authority");
    let member = authority.issue("Member", kind);
    let context = authority.context(&member);
    (authority, context)
}

fn text(seal: &Seal) -> String {
    String::from_utf8(seal.signature.to_vec()).unwrap()
}

#[test]
fn signs_a_message_without_attachments_itself() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
        let (_, context) = member(kind);
        let message = parts("message", &[]);
        let seals = sign(&context, std::slice::from_ref(&message), now()).unwrap();
        assert_eq!(seals.len(), 1);
        assert_eq!(seals[0].chain, None);
        let signature = verify_value(&seals[0], &message).unwrap();
        assert_eq!(signature.signing_certificate(), context.certificate());
        assert_eq!(signature.signing_time(), Some(now()));
        assert_eq!(
            signature.ocsp_responses()[0].der(),
            context.ocsp_responses()[0].der()
        );
        assert!(!signature.is_batch());
        let error = verify_value(&seals[0], &parts("other", &[])).unwrap_err();
        assert!(matches!(error, Error::Digest { .. }), "{error:?}");
    }
}

#[test]
fn signs_a_message_with_attachments_over_a_chain() {
    let (_, context) = member(KeyKind::P256);
    let message = parts("message", &["one", "two"]);
    let seals = sign(&context, std::slice::from_ref(&message), now()).unwrap();
    assert!(seals[0].chain.is_some());
    assert!(verify_value(&seals[0], &message).unwrap().is_batch());
    for other in [
        parts("message", &["one"]),
        parts("message", &["two", "one"]),
        parts("message", &["one", "two", "three"]),
        parts("message", &["one", "other"]),
    ] {
        let error = verify_value(&seals[0], &other).unwrap_err();
        assert!(
            error.code().starts_with("malformed_signature."),
            "{error:?}"
        );
    }
}

/// As for an archived container, which may come without its attachments.
#[test]
fn covers_a_message_without_its_attachments_only_when_asked() {
    let (_, context) = member(KeyKind::P256);
    let seals = sign(&context, &[parts("message", &["one", "two"])], now()).unwrap();
    let verified = VerifiedSignature::verify(
        &seals[0].signature,
        Rules::Archive,
        &certs_x509::Memo::default(),
    )
    .unwrap();
    let (result, chain) = seals[0].chain.as_ref().unwrap();
    let chain = Some((&result[..], &chain[..]));
    let there = parts("message", &["one"]);
    let error = verified.cover(chain, &there).unwrap_err();
    assert_eq!(error.code(), "malformed_signature.invalid_reference");
    let signature = verified.cover_present(chain, &there).unwrap();
    assert_eq!(signature.absent(), ["/attachment2"]);
    assert!(
        verified
            .cover_present(chain, &parts("other", &["one"]))
            .is_err()
    );
    assert!(
        verified
            .cover_present(chain, &parts("message", &["other"]))
            .is_err()
    );
}

#[test]
fn signs_several_messages_at_once() {
    let (_, context) = member(KeyKind::P256);
    let messages: Vec<Parts> = (0..7)
        .map(|index| {
            parts(
                &index.to_string(),
                if index == 3 { &["a", "b"] } else { &[] },
            )
        })
        .collect();
    let seals = sign(&context, &messages, now()).unwrap();
    assert_eq!(seals.len(), messages.len());

    // The signature is one, verified once; each message then needs its chain only.
    let verified = VerifiedSignature::verify(
        &seals[0].signature,
        Rules::Wire,
        &certs_x509::Memo::default(),
    )
    .unwrap();
    for (index, (seal, message)) in seals.iter().zip(&messages).enumerate() {
        assert_eq!(
            fingerprint(&seal.signature),
            fingerprint(&seals[0].signature)
        );
        verify_value(seal, message).unwrap();
        let (result, chain) = seal.chain.as_ref().unwrap();
        let chain = Some((&result[..], &chain[..]));
        verified.cover(chain, message).unwrap();
        let other = &messages[(index + 1) % messages.len()];
        assert!(verified.cover(chain, other).is_err());
        assert!(verified.cover(None, message).is_err());
    }
}

#[test]
fn signs_nothing_when_there_is_nothing_to_sign() {
    let (_, context) = member(KeyKind::P256);
    assert_eq!(sign(&context, &[], now()).unwrap(), []);
}

/// The octets that were hashed when signing are those of the canonical form.
#[test]
fn writes_what_is_signed_in_canonical_form() {
    let (_, context) = member(KeyKind::P256);
    let seal = &sign(&context, &[parts("message", &[])], now()).unwrap()[0];
    let document = Document::parse(&seal.signature, Limits::default()).unwrap();
    let canonical = document
        .root()
        .canonical(&Canonicalization::Inclusive10)
        .unwrap();
    let written = text(seal);
    let (_, written) = written.split_once("?>").unwrap();
    assert_eq!(String::from_utf8(canonical).unwrap(), written);
}

/// Some verifiers look elements up by their literal names and positions.
#[test]
fn lays_the_document_out_as_other_servers_need_it() {
    let (_, context) = member(KeyKind::P256);
    let seal = text(&sign(&context, &[parts("message", &[])], now()).unwrap()[0]);
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\
         <asic:XAdESSignatures xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <ds:Signature Id=\"signature\"><ds:SignedInfo>";
    assert!(seal.starts_with(start), "{seal}");
    assert!(!seal.contains(">\n") && !seal.contains("> "), "{seal}");
    for piece in [
        "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512\">",
        "<ds:Reference Id=\"signature-reference-0\" URI=\"/message.xml\"><ds:DigestMethod ",
        "<ds:Reference Id=\"signature-reference-1\" \
         Type=\"http://uri.etsi.org/01903#SignedProperties\" URI=\"#signed-properties\">",
        "<ds:SignatureValue Id=\"signature-value\">",
        "<ds:Object><xades:QualifyingProperties Target=\"#signature\">\
         <xades:SignedProperties Id=\"signed-properties\"><xades:SignedSignatureProperties>\
         <xades:SigningTime>2026-01-02T03:04:05.678Z</xades:SigningTime>\
         <xades:SigningCertificate><xades:Cert><xades:CertDigest><ds:DigestMethod ",
        "<ds:X509IssuerName>CN=Authority,O=Fish &amp; Chips \\&lt;Ltd\\&gt;</ds:X509IssuerName>",
        "<xades:Identifier Qualifier=\"OIDAsURN\">urn:oid:1.3.6.1.4.1.3516.16.2</xades:Identifier>",
        "<xades:Description>Profile for High Performance Digital Signatures (version 1.2)</",
        "<xades:DataObjectFormat ObjectReference=\"#signature-reference-0\">\
         <xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat>",
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:RevocationValues>\
         <xades:OCSPValues><xades:EncapsulatedOCSPValue Id=\"ocsp-response-1\">",
    ] {
        assert!(seal.contains(piece), "{piece} not in {seal}");
    }
    let batch = text(&sign(&context, &[parts("message", &["a"])], now()).unwrap()[0]);
    assert!(batch.contains("URI=\"/sig-hashchainresult.xml\">"));
    assert!(batch.contains("<xades:MimeType>application/hash-chain-result</xades:MimeType>"));
}

#[test]
fn carries_the_intermediate_authorities_with_their_responses() {
    let root = authority("Root");
    let intermediate = root.issue_authority("Intermediate");
    let member = intermediate.issue("Member", KeyKind::P256);
    let responses = vec![
        intermediate.status(&member.certificate, Status::Good, now()),
        root.status(&intermediate.certificate, Status::Good, now()),
    ];
    let context = SigningContext::new(
        Arc::clone(&member.key),
        member.certificate.clone(),
        vec![intermediate.certificate.clone()],
        responses,
    )
    .unwrap();
    let message = parts("message", &[]);
    let seal = &sign(&context, std::slice::from_ref(&message), now()).unwrap()[0];
    let signature = verify_value(seal, &message).unwrap();
    assert_eq!(signature.extra_certificates(), [intermediate.certificate]);
    assert_eq!(signature.ocsp_responses().len(), 2);
    let seal = text(seal);
    assert!(seal.contains("<xades:Cert URI=\"#encapsulated-cert-1\"><xades:CertDigest>"));
    assert!(seal.contains("<xades:CompleteCertificateRefs Id=\"complete-certificate-refs\">"));
    assert!(seal.contains("<xades:EncapsulatedOCSPValue Id=\"ocsp-response-2\">"));
}

#[test]
fn refuses_digests_that_others_could_not_verify() {
    let (_, context) = member(KeyKind::P256);
    let mut message = parts("message", &["a"]);
    message.attachments[0] = Digest::of(DigestAlgorithm::Sha256, b"a");
    let error = sign(&context, &[message], now()).unwrap_err();
    assert!(matches!(error, Error::Unsignable { .. }), "{error:?}");
    assert_eq!(error.code(), "cannot_create_signature");
}

#[test]
fn prepares_no_context_that_could_not_be_verified() {
    let authority = authority("Authority");
    let member = authority.issue("Member", KeyKind::P256);
    let other = authority.issue("Other", KeyKind::P256);
    let response = authority.status(&member.certificate, Status::Good, now() - hours(1));
    let new = |holder: &Holder, key: &Holder, responses| {
        let certificate = holder.certificate.clone();
        SigningContext::new(Arc::clone(&key.key), certificate, Vec::new(), responses)
    };
    assert!(new(&member, &member, vec![response.clone()]).is_ok());
    let error = new(&member, &other, vec![response.clone()]).unwrap_err();
    assert!(matches!(error, Error::OtherKey), "{error:?}");
    let error = new(&member, &member, Vec::new()).unwrap_err();
    assert!(matches!(error, Error::NoOcspResponse), "{error:?}");
    let tls = authority.issue_for_authentication("Server");
    let error = new(&tls, &tls, vec![response]).unwrap_err();
    assert!(matches!(error, Error::NotASigningCertificate), "{error:?}");
}

#[test]
fn says_nothing_of_keys_in_debug_output() {
    let (_, context) = member(KeyKind::P256);
    let shown = format!("{context:?}");
    assert!(
        shown.starts_with("SigningContext") && !shown.contains("key"),
        "{shown}"
    );
}
