//! The elements of XML-Signature (section 4 of its specification), as its schema orders them.

use certs_keys::Digest;
use certs_x509::{Certificate, Memo};
use gateway_xml::{Canonicalization, Document, Node};

use super::properties::QualifyingProperties;
use crate::Error;
use crate::names::{DS, XADES};
use crate::structure::{digest_pair, octets, sequence};

/// The one `ds:Signature` of a document, nothing of it verified.
pub(super) struct Parsed<'d> {
    /// Its own identifier.
    pub(super) id: Option<&'d str>,
    pub(super) signed_info: Node<'d>,
    pub(super) canonicalization: Canonicalization,
    pub(super) signature_method: &'d str,
    pub(super) references: Vec<Reference<'d>>,
    pub(super) signature_value: Vec<u8>,
    certificates: Vec<Node<'d>>,
    objects: Vec<Node<'d>>,
}

/// A `ds:Reference`.
pub(super) struct Reference<'d> {
    pub(super) uri: &'d str,
    pub(super) transform: Option<Canonicalization>,
    pub(super) digest: Digest,
}

pub(super) fn signature(document: &Document) -> Result<Parsed<'_>, Error> {
    let signature = find(document)?;
    let mut children = sequence(signature)?;
    let signed_info = children.required(DS, "SignedInfo", "no SignedInfo")?;
    let value = children.required(DS, "SignatureValue", "no SignatureValue")?;
    let key_info = children
        .optional(DS, "KeyInfo")
        .ok_or("the signature does not contain the signing certificate")?;
    let mut objects = Vec::new();
    while let Some(object) = children.optional(DS, "Object") {
        objects.push(object);
    }
    children.finish()?;

    let mut children = sequence(signed_info)?;
    let missing = "no CanonicalizationMethod";
    let method = children.required(DS, "CanonicalizationMethod", missing)?;
    let canonicalization = canonicalization(method)?;
    let method = children.required(DS, "SignatureMethod", "no SignatureMethod")?;
    if method.children().next().is_some() {
        return Err(Error::UnsupportedAlgorithm {
            place: "parameters of the signature value",
        });
    }
    let signature_method = method
        .attribute("", "Algorithm")
        .ok_or("a signature method without an algorithm")?;
    let mut references = Vec::new();
    while let Some(node) = children.optional(DS, "Reference") {
        if references.len() >= REFERENCES_MAX {
            return Err("too many references".into());
        }
        references.push(reference(node)?);
    }
    children.finish()?;

    let certificates = key_info
        .children()
        .filter(|child| child.is(DS, "X509Data"))
        .flat_map(|data| data.children())
        .filter(|child| child.is(DS, "X509Certificate"))
        .collect();
    let signature_value = octets(value)?;
    Ok(Parsed {
        id: signature.attribute("", "Id"),
        signed_info,
        canonicalization,
        signature_method,
        references,
        signature_value,
        certificates,
        objects,
    })
}

/// The one `ds:Signature`: the root, or the only child of the root.
fn find(document: &Document) -> Result<Node<'_>, Error> {
    let root = document.root();
    let mut signatures = root.descendants().filter(|node| node.is(DS, "Signature"));
    let signature = signatures.next().ok_or("no ds:Signature")?;
    if signatures.next().is_some() {
        return Err("more than one ds:Signature".into());
    }
    if signature != root {
        let mut children = sequence(root)?;
        if children.required(
            DS,
            "Signature",
            "the signature is not the child of the root",
        )? != signature
        {
            return Err("the signature is not the child of the root".into());
        }
        children.finish()?;
    }
    Ok(signature)
}

fn reference(node: Node<'_>) -> Result<Reference<'_>, Error> {
    let uri = node
        .attribute("", "URI")
        .ok_or("a reference without a URI")?;
    if !uri.starts_with(['#', '/']) {
        return Err("a reference to neither an element nor a part".into());
    }
    let mut children = sequence(node)?;
    let transform = match children.optional(DS, "Transforms") {
        Some(transforms) => Some(transform(transforms)?),
        None => None,
    };
    let digest = digest_pair(&mut children)?;
    children.finish()?;
    Ok(Reference {
        uri,
        transform,
        digest,
    })
}

/// One canonicalisation is all that may be done to what is signed: nothing that selects or drops.
fn transform(transforms: Node<'_>) -> Result<Canonicalization, Error> {
    let mut children = sequence(transforms)?;
    let only = children.required(DS, "Transform", "no transform among the transforms")?;
    children.finish().map_err(|_| Error::UnsupportedAlgorithm {
        place: "transforms",
    })?;
    canonicalization(only)
}

/// By the attribute `Algorithm` and, for exclusive canonicalisation, its prefix list.
fn canonicalization(node: Node<'_>) -> Result<Canonicalization, Error> {
    let unsupported = || Error::UnsupportedAlgorithm {
        place: "canonical form",
    };
    let uri = node
        .attribute("", "Algorithm")
        .ok_or("a method without an algorithm")?;
    let mut method = Canonicalization::from_uri(uri).ok_or_else(unsupported)?;
    let mut children = sequence(node)?;
    if let Canonicalization::Exclusive { inclusive_prefixes } = &mut method
        && let Some(list) = children.optional(EXCLUSIVE, "InclusiveNamespaces")
    {
        let prefixes = list.attribute("", "PrefixList").unwrap_or_default();
        inclusive_prefixes.extend(prefixes.split_ascii_whitespace().map(str::to_owned));
    }
    children.finish().map_err(|_| unsupported())?;
    Ok(method)
}

impl<'d> Parsed<'d> {
    /// The one certificate of `ds:KeyInfo`.
    pub(super) fn signing_certificate(&self, memo: &Memo) -> Result<Certificate, Error> {
        match self.certificates.as_slice() {
            [] => Err("the signature does not contain the signing certificate".into()),
            [only] => memo
                .certificate(&octets(*only)?)
                .map_err(Error::Certificate),
            [..] => Err("more than one certificate of the signing key".into()),
        }
    }

    /// The one `xades:QualifyingProperties`.
    pub(super) fn qualifying_properties(&self) -> Result<QualifyingProperties<'d>, Error> {
        let mut found = self
            .objects
            .iter()
            .flat_map(Node::children)
            .filter(|child| child.is(XADES, "QualifyingProperties"));
        let only = found.next().ok_or("no QualifyingProperties")?;
        match found.next() {
            None => Ok(QualifyingProperties::new(only)),
            Some(_) => Err("more than one QualifyingProperties".into()),
        }
    }
}

/// What secure validation of XML signatures allows elsewhere too.
const REFERENCES_MAX: usize = 30;
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
