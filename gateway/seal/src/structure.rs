//! Reading elements by namespace, in the order that the schema demands.

use certs_keys::{Digest, DigestAlgorithm};
use gateway_xml::Node;

use crate::encoding::from_base64;
use crate::names::DS;

/// What is wrong with the structure of a document.
pub(crate) type Reason = &'static str;

/// Child elements, taken from the front; used up at the end, or the document is refused.
pub(crate) struct Sequence<'d, I: Iterator<Item = Node<'d>>> {
    children: std::iter::Peekable<I>,
}

/// The children of an element that holds elements only.
pub(crate) fn sequence<'d>(
    parent: Node<'d>,
) -> Result<Sequence<'d, impl Iterator<Item = Node<'d>>>, Reason> {
    if parent.has_text() {
        return Err("text between elements");
    }
    Ok(Sequence {
        children: parent.children().peekable(),
    })
}

impl<'d, I: Iterator<Item = Node<'d>>> Sequence<'d, I> {
    /// The next child, which must be this one.
    pub(crate) fn required(
        &mut self,
        namespace: &str,
        local_name: &str,
        missing: Reason,
    ) -> Result<Node<'d>, Reason> {
        self.optional(namespace, local_name).ok_or(missing)
    }

    /// The next child if it is this one.
    pub(crate) fn optional(&mut self, namespace: &str, local_name: &str) -> Option<Node<'d>> {
        self.children
            .next_if(|child| child.is(namespace, local_name))
    }

    /// Nothing follows.
    pub(crate) fn finish(mut self) -> Result<(), Reason> {
        match self.children.next() {
            None => Ok(()),
            Some(_) => Err("an element where none may stand"),
        }
    }
}

/// The algorithm that a `ds:DigestMethod` (or an element of that type) names.
pub(crate) fn digest_method(node: Node<'_>) -> Result<DigestAlgorithm, Reason> {
    let uri = node
        .attribute("", "Algorithm")
        .ok_or("a digest method without an algorithm")?;
    DigestAlgorithm::from_uri(uri).ok_or("an unknown digest algorithm")
}

/// The value of a `ds:DigestValue`.
pub(crate) fn digest_value(node: Node<'_>, algorithm: DigestAlgorithm) -> Result<Digest, Reason> {
    let octets = octets(node)?;
    Digest::from_bytes(algorithm, &octets).ok_or("a digest of another length than its algorithm's")
}

/// A pair of `ds:DigestMethod` and `ds:DigestValue`.
pub(crate) fn digest_pair<'d, I: Iterator<Item = Node<'d>>>(
    children: &mut Sequence<'d, I>,
) -> Result<Digest, Reason> {
    let method = children.required(DS, "DigestMethod", "no digest method")?;
    let value = children.required(DS, "DigestValue", "no digest value")?;
    digest_value(value, digest_method(method)?)
}

/// Base64 content.
pub(crate) fn octets(node: Node<'_>) -> Result<Vec<u8>, Reason> {
    if node.children().next().is_some() {
        return Err("an element inside base64");
    }
    from_base64(&node.content()).ok_or("text that is not base64")
}
