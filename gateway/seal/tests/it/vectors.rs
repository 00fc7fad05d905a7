//! Signatures made by another implementation, read from the folder that `KARVAN_XROAD_VECTORS`
//! names; not run without it.

use std::path::PathBuf;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::{Certificate, Name, ocsp};
use gateway_seal::{
    Error, Parts, Rules, Seal, Signature, VerifiedSignature, hashchain, verify_trust, verify_value,
};
use gateway_xml::{Document, Limits, Node};

struct Vectors(PathBuf);

impl Vectors {
    fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("KARVAN_XROAD_VECTORS") else {
            eprintln!("not run: KARVAN_XROAD_VECTORS is not set");
            return None;
        };
        Some(Self(PathBuf::from(folder).join("signatures")))
    }

    fn read(&self, name: &str) -> Bytes {
        std::fs::read(self.0.join(name)).unwrap().into()
    }

    fn digest(&self, name: &str) -> Digest {
        Digest::of(DigestAlgorithm::Sha512, &self.read(name))
    }

    /// A signature over `message-0.xml`, in the single form.
    fn verify_over_message_0(&self, name: &str) -> Result<Signature, Error> {
        let seal = Seal {
            signature: self.read(name),
            chain: None,
        };
        verify_value(&seal, &Parts::of_message(self.digest("message-0.xml")))
    }

    /// `batch-sig.xml` with its first chain. The attachment is not among the vectors; its digest
    /// is what the chain states, and is signed.
    fn batch(&self) -> (Seal, Parts) {
        let chain = (
            self.read("hash-chain-result.xml"),
            self.read("hash-chain-1.xml"),
        );
        let seal = Seal {
            signature: self.read("batch-sig.xml"),
            chain: Some(chain),
        };
        let attachment = "ylyfi1WldaJ+fsUy5+h5Hfep7cM4z0f0Cua3zrCn8+rLrCRPuYym+9pMequYW0ZnQMqNUnZp0RFNqLEWnUWq2w==";
        let attachment =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, attachment).unwrap();
        let attachment = Digest::from_bytes(DigestAlgorithm::Sha512, &attachment).unwrap();
        let parts = Parts {
            message: self.digest("message-1.xml"),
            attachments: vec![attachment],
        };
        (seal, parts)
    }
}

#[test]
fn accepts_the_single_signature() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let signature = vectors.verify_over_message_0("sign-0.xml").unwrap();
    assert_eq!(signature.signing_certificate().serial_decimal(), "4");
    assert_eq!(signature.ocsp_responses().len(), 1);
    assert!(signature.extra_certificates().is_empty());
    assert_eq!(
        signature.signing_time(),
        Some("2017-09-08T09:15:11.580Z".parse().unwrap())
    );
    assert!(!signature.is_batch());
    assert!(!signature.has_unsigned_chain());
}

#[test]
fn refuses_the_single_signature_over_another_message() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let seal = Seal {
        signature: vectors.read("sign-0.xml"),
        chain: None,
    };
    let error =
        verify_value(&seal, &Parts::of_message(vectors.digest("message-1.xml"))).unwrap_err();
    assert!(
        matches!(&error, Error::Digest { uri } if uri == "/message.xml"),
        "{error:?}"
    );
    assert_eq!(error.code(), "invalid_signature_value");
}

#[test]
fn refuses_an_attachment_that_the_single_signature_does_not_cover() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let seal = Seal {
        signature: vectors.read("sign-0.xml"),
        chain: None,
    };
    let message = vectors.digest("message-0.xml");
    let error = verify_value(
        &seal,
        &Parts {
            message,
            attachments: vec![message],
        },
    )
    .unwrap_err();
    assert!(
        matches!(&error, Error::Uncovered { uri } if uri == "/attachment1"),
        "{error:?}"
    );
}

#[test]
fn reports_a_chain_that_the_single_signature_does_not_refer_to() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let (batch, _) = vectors.batch();
    let seal = Seal {
        signature: vectors.read("sign-0.xml"),
        chain: batch.chain,
    };
    let signature =
        verify_value(&seal, &Parts::of_message(vectors.digest("message-0.xml"))).unwrap();
    assert!(signature.has_unsigned_chain());
}

#[test]
fn accepts_the_batch_signature_with_its_chain() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let (seal, parts) = vectors.batch();
    let signature = verify_value(&seal, &parts).unwrap();
    assert!(signature.is_batch());
    let references: Vec<_> = signature.references().collect();
    assert_eq!(
        references,
        [("/sig-hashchainresult.xml", DigestAlgorithm::Sha512)]
    );
}

#[test]
fn refuses_the_batch_signature_where_anything_is_missing_or_changed() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let (seal, parts) = vectors.batch();
    let code = |seal: &Seal, parts: &Parts| verify_value(seal, parts).unwrap_err().code();
    let (result, chain) = seal.chain.clone().unwrap();

    let without_chain = Seal {
        chain: None,
        ..seal.clone()
    };
    assert_eq!(code(&without_chain, &parts), "malformed_signature");
    let other = Bytes::from([&result[..], b" "].concat());
    let other_result = Seal {
        chain: Some((other, chain)),
        ..seal.clone()
    };
    assert_eq!(code(&other_result, &parts), "invalid_signature_value");
    let other_chain = Seal {
        chain: Some((result, vectors.read("hash-chain-2.xml"))),
        ..seal.clone()
    };
    assert_eq!(
        code(&other_chain, &Parts::of_message(parts.message)),
        "malformed_signature.invalid_hash_chain"
    );

    let other_message = Parts {
        message: vectors.digest("message-0.xml"),
        ..parts.clone()
    };
    assert_eq!(
        code(&seal, &other_message),
        "malformed_signature.invalid_hash_chain"
    );
    let without_attachment = Parts::of_message(parts.message);
    assert_eq!(
        code(&seal, &without_attachment),
        "malformed_signature.invalid_reference"
    );
    let mut further = parts.clone();
    further.attachments.push(parts.message);
    assert_eq!(
        code(&seal, &further),
        "malformed_signature.hashchain_unused_inputs"
    );
}

#[test]
fn accepts_references_to_the_attachments_themselves() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let signature = vectors.read("non-batch-sig/signatures.xml");
    let seal = Seal {
        signature,
        chain: None,
    };
    let parts = Parts {
        message: vectors.digest("non-batch-sig/message.xml"),
        attachments: vec![vectors.digest("non-batch-sig/attachment1")],
    };
    let signature = verify_value(&seal, &parts).unwrap();
    assert_eq!(signature.references().count(), 2);

    let other = Parts {
        attachments: vec![parts.message],
        ..parts.clone()
    };
    assert!(matches!(
        verify_value(&seal, &other),
        Err(Error::Digest { .. })
    ));
    let without = Parts::of_message(parts.message);
    assert!(matches!(
        verify_value(&seal, &without),
        Err(Error::Unresolvable { .. })
    ));
    let mut further = parts.clone();
    further.attachments.push(parts.message);
    assert!(matches!(
        verify_value(&seal, &further),
        Err(Error::Uncovered { .. })
    ));
}

#[test]
fn refuses_the_broken_ones_as_their_names_say() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let refused = |name: &str| vectors.verify_over_message_0(name).unwrap_err();

    let error = refused("sign-0-invalid-signature-value.xml");
    assert!(matches!(error, Error::Value(_)), "{error:?}");
    assert_eq!(error.code(), "invalid_signature_value");
    let error = refused("sign-0-no-objectcontainer.xml");
    assert!(matches!(error, Error::Structure { .. }), "{error:?}");
    assert_eq!(error.code(), "malformed_signature");
    let error = refused("sign-0-ocsp-no-responses.xml");
    assert!(matches!(error, Error::NoOcspResponse), "{error:?}");
    assert_eq!(error.code(), "malformed_signature");
    for name in [
        "extra-certs-digest-invalid.xml",
        "extra-certs-missing-cert.xml",
    ] {
        let error = refused(name);
        assert!(
            matches!(error, Error::ExtraCertificate { .. }),
            "{name}: {error:?}"
        );
        assert_eq!(error.code(), "malformed_signature");
    }
}

/// A format of 2012: the signature covers a manifest, not the properties. No server of today makes
/// or accepts it.
#[test]
fn refuses_the_format_with_manifests() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let error = VerifiedSignature::verify(
        &vectors.read("xades.signature.ts.xml"),
        Rules::Archive,
        &certs_x509::Memo::default(),
    )
    .unwrap_err();
    assert_eq!(error.code(), "malformed_signature", "{error:?}");
}

#[test]
fn refuses_the_single_signature_with_any_character_of_what_is_signed_changed() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let signature = vectors.read("sign-0.xml");
    let parts = Parts::of_message(vectors.digest("message-0.xml"));
    let start = find(&signature, b"<ds:SignedInfo>");
    let signed_info = start..find(&signature, b"<ds:SignatureValue ");
    let start = find(&signature, b"<xades:SignedProperties ");
    let properties = start..find(&signature, b"<xades:UnsignedProperties>");
    let mut accepted = Vec::new();
    for index in signed_info.chain(properties).step_by(3) {
        let mut changed = signature.to_vec();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let seal = Seal {
            signature: changed.into(),
            chain: None,
        };
        if verify_value(&seal, &parts).is_ok() {
            accepted.push(index);
        }
    }
    assert_eq!(accepted, Vec::<usize>::new());
}

#[test]
fn verifies_the_chain_by_itself() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let (seal, parts) = vectors.batch();
    let (result, chain) = seal.chain.unwrap();
    let name = "/sig-hashchain.xml";
    assert_eq!(
        hashchain::verify(&result, &chain, name, &parts.inputs()),
        Ok(())
    );
    let references = hashchain::data_references(&chain).unwrap();
    assert_eq!(references.len(), 2);
}

fn find(octets: &[u8], piece: &[u8]) -> usize {
    octets
        .windows(piece.len())
        .position(|window| window == piece)
        .unwrap()
}

/// The signer's authority and the responders that the configuration of another folder names for
/// it.
fn authority_of(vectors: &Vectors, subject: &Name) -> (Certificate, Vec<Certificate>) {
    let path = vectors
        .0
        .join("../globalconf/globalconf_good_v6/EE/shared-params.xml");
    let document = Document::parse(&std::fs::read(path).unwrap(), Limits::default()).unwrap();
    let certificate = |node: Node<'_>| {
        let text: String = node.content().split_whitespace().collect();
        let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text);
        Certificate::from_der(&der.unwrap()).unwrap()
    };
    let of = |parent: &str| -> Vec<Certificate> {
        document
            .root()
            .descendants()
            .filter(|node| node.local_name() == "cert")
            .filter(|node| {
                node.parent()
                    .is_some_and(|node| node.local_name() == parent)
            })
            .map(certificate)
            .collect()
    };
    let mut authorities = of("topCA");
    authorities.retain(|certificate| certificate.subject() == subject);
    (authorities.remove(0), of("ocsp"))
}

#[test]
fn judges_the_signer_by_the_configuration() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let signature = vectors.verify_over_message_0("sign-0.xml").unwrap();
    let issuer = signature.signing_certificate().issuer().clone();
    let (authority, responders) = authority_of(&vectors, &issuer);
    assert!(signature.signing_certificate().is_signed_by(&authority));
    let policy = ocsp::Policy {
        responders: &responders,
        candidates: &[],
        freshness_seconds: 3600,
        verify_next_update: true,
    };
    let judge = |at: &str| verify_trust(&signature, &authority, &policy, at.parse().unwrap());
    // The response speaks as of 9 September 2017; the certificate holds from 2 October 2014.
    let path = judge("2017-09-09T10:00:00Z").unwrap();
    assert_eq!(path.anchor(), &authority);
    let error = judge("2017-09-09T10:30:00Z").unwrap_err();
    assert_eq!(
        error.code(),
        "invalid_cert_path.incorrect_validation_info",
        "{error:?}"
    );
    let error = judge("2014-09-30T12:00:00Z").unwrap_err();
    assert_eq!(
        error.code(),
        "cannot_create_cert_path.internal_error",
        "{error:?}"
    );
}
