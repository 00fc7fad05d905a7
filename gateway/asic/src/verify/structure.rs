//! What stands where in a signature document, read without believing any of it.
//!
//! The order of checks wants the time stamp judged before the signature, so what the time stamp is
//! over is read here; that the document is what it must be is found out by `gateway-seal`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, SignatureAlgorithm};
use gateway_xml::{Document, Limits, Node};

use super::Error;

/// The time-stamp token in a signature.
#[derive(Debug)]
pub(crate) enum EmbeddedToken {
    /// There is none.
    None,
    /// There is one.
    One(Bytes),
    /// The first of several.
    More(Bytes),
}

/// What a signature refers to, and its value.
#[derive(Debug)]
pub(super) struct Outline {
    /// How it is signed, where that is known.
    pub(super) algorithm: Option<SignatureAlgorithm>,
    /// The octets of the signature value.
    pub(super) value: Vec<u8>,
    /// The references, each with the digest it states, where that can be read.
    pub(super) references: Vec<(String, Option<Digest>)>,
}

/// Finds the time stamp that a signature document holds (XAdES, `SignatureTimeStamp`); early servers
/// wrote the token without the element around it.
pub(crate) fn embedded_token(signature: &[u8]) -> Result<EmbeddedToken, Error> {
    let document = parse(signature)?;
    let mut tokens = document
        .root()
        .descendants()
        .filter(|node| node.is(XADES, "SignatureTimeStamp"))
        .filter_map(|stamp| match stamp.child(XADES, "EncapsulatedTimeStamp") {
            Some(token) => Some(token),
            None if stamp.has_text() => Some(stamp),
            None => None,
        });
    let Some(first) = tokens.next() else {
        return Ok(EmbeddedToken::None);
    };
    let token = octets(first, "the time stamp is not base64")?;
    match tokens.next() {
        None => Ok(EmbeddedToken::One(token)),
        Some(_) => Ok(EmbeddedToken::More(token)),
    }
}

/// Reads the signature value and the references of a signature document.
pub(super) fn outline(signature: &[u8]) -> Result<Outline, Error> {
    let document = parse(signature)?;
    let signature = document
        .root()
        .descendants()
        .find(|node| node.is(DS, "Signature"))
        .ok_or(malformed("no ds:Signature"))?;
    let value = signature
        .child(DS, "SignatureValue")
        .ok_or(malformed("no SignatureValue"))?;
    let value = octets(value, "the signature value is not base64")?;
    let signed = signature
        .child(DS, "SignedInfo")
        .ok_or(malformed("no SignedInfo"))?;
    let algorithm = signed
        .child(DS, "SignatureMethod")
        .and_then(|method| SignatureAlgorithm::from_uri(method.attribute("", "Algorithm")?));
    let references = signed
        .children()
        .filter(|child| child.is(DS, "Reference"))
        .filter_map(|reference| {
            let uri = reference.attribute("", "URI")?;
            Some((uri.to_owned(), digest(reference, None)))
        })
        .collect();
    Ok(Outline {
        algorithm,
        value: value.into(),
        references,
    })
}

/// The digest that an element states by its own method, or by the one given.
pub(super) fn digest(node: Node<'_>, default: Option<DigestAlgorithm>) -> Option<Digest> {
    let own = node.child(DS, "DigestMethod").map(algorithm);
    let value = base64(node.child(DS, "DigestValue")?)?;
    Digest::from_bytes(own.unwrap_or(default)?, &value)
}

/// The algorithm that an element names.
pub(super) fn algorithm(method: Node<'_>) -> Option<DigestAlgorithm> {
    DigestAlgorithm::from_uri(method.attribute("", "Algorithm")?)
}

/// Base64 content with white space anywhere.
fn base64(node: Node<'_>) -> Option<Vec<u8>> {
    let dense: Vec<u8> = node
        .content()
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    STANDARD.decode(dense).ok()
}

fn parse(signature: &[u8]) -> Result<Document, Error> {
    Document::parse(signature, LIMITS)
        .map_err(|source| Error::Signature(gateway_seal::Error::Xml(source)))
}

fn octets(node: Node<'_>, reason: &'static str) -> Result<Bytes, Error> {
    base64(node).map(Bytes::from).ok_or(malformed(reason))
}

const fn malformed(reason: &'static str) -> Error {
    Error::Signature(gateway_seal::Error::Structure { reason })
}

pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// Signatures of a few kilobytes, with the certificates and OCSP responses of a long path.
pub(crate) const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 32,
    nodes_max: 20_000,
    attributes_max: 32,
};
