//! Values inside elements, by their schema types.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use certs_x509::Certificate;
use gateway_proto::id::{ClientId, MemberId};
use gateway_xml::Node;

use super::{Error, schema::IDENTIFIERS};

/// The text of a child element, as it stands (`xs:string` keeps white space).
pub(crate) fn text(node: Node<'_>, name: &'static str) -> Result<String, Error> {
    Ok(required(node, name)?.text())
}

/// The text of an optional child element.
pub(crate) fn optional_text(node: Node<'_>, name: &str) -> Option<String> {
    node.child("", name).map(|child| child.text())
}

/// A child element that the schema demands.
pub(crate) fn required<'d>(node: Node<'d>, name: &'static str) -> Result<Node<'d>, Error> {
    node.child("", name).ok_or_else(|| Error::Missing {
        parent: node.local_name().to_owned(),
        element: name,
    })
}

/// All child elements of a name.
pub(crate) fn all<'d>(node: Node<'d>, name: &'static str) -> impl Iterator<Item = Node<'d>> {
    node.children().filter(move |child| child.is("", name))
}

/// `xs:base64Binary`: white space anywhere; padding may be missing, as other readers allow.
pub(crate) fn base64(node: Node<'_>) -> Result<Vec<u8>, Error> {
    decode_base64(&node.text()).ok_or_else(|| wrong(node, "base64"))
}

/// Base64 with white space anywhere.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    BASE64.decode(compact).ok()
}

/// `xs:boolean`.
pub(crate) fn boolean(node: Node<'_>) -> Result<bool, Error> {
    match node.text().trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(wrong(node, "true or false")),
    }
}

/// `xs:integer` or `xs:int` that counts seconds.
pub(crate) fn seconds(node: Node<'_>) -> Result<u64, Error> {
    let text = node.text();
    text.trim()
        .parse()
        .map_err(|_| wrong(node, "a number of seconds"))
}

/// A certificate in DER; or in PEM, which some registries stored as it was uploaded.
pub(crate) fn certificate(node: Node<'_>) -> Result<Result<Certificate, certs_x509::Error>, Error> {
    let bytes = base64(node)?;
    Ok(match std::str::from_utf8(&bytes) {
        Ok(pem) if pem.trim_start().starts_with("-----BEGIN") => Certificate::from_pem(pem),
        _ => Certificate::from_der(&bytes),
    })
}

/// A client identifier. Its components decide, not `objectType`: `None` when it calls itself a
/// subsystem and names none, for read as a member it would stand for more than was meant.
pub(crate) fn client(node: Node<'_>, element: &'static str) -> Result<Option<ClientId>, Error> {
    let object_type = node
        .attribute(IDENTIFIERS, "objectType")
        .unwrap_or_default();
    if !matches!(object_type, "MEMBER" | "SUBSYSTEM") {
        return Err(wrong(node, "a client identifier"));
    }
    let component = |name: &'static str| {
        node.child(IDENTIFIERS, name)
            .map(|child| child.text())
            .ok_or_else(|| Error::Missing {
                parent: element.to_owned(),
                element: name,
            })
    };
    let identifier = |source| Error::Identifier { element, source };
    let member = MemberId::new(
        &component("xRoadInstance")?,
        &component("memberClass")?,
        &component("memberCode")?,
    )
    .map_err(identifier)?;
    let subsystem = node
        .child(IDENTIFIERS, "subsystemCode")
        .map(|child| child.text());
    if object_type == "SUBSYSTEM" && subsystem.is_none() {
        return Ok(None);
    }
    ClientId::new(member, subsystem.as_deref())
        .map(Some)
        .map_err(identifier)
}

pub(crate) fn wrong(node: Node<'_>, expected: &'static str) -> Error {
    Error::Value {
        element: node.local_name().to_owned(),
        expected,
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
