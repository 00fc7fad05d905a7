//! Strict XML: reader with limits, small tree, canonical form, writer helpers. The only user of quick-xml.
//! No DTD, no entities but the five and character references, no external anything.

use std::ops::Range;

/// Bounds on a document from outside.
#[derive(Clone, Copy, Debug)]
pub struct Limits { pub bytes_max: usize, pub depth_max: usize, pub nodes_max: usize, pub attributes_max: usize }
impl Default for Limits { fn default() -> Self { todo!() } }

#[derive(Debug)]
pub enum Error { Todo }

/// Streaming, namespace-resolved events with byte offsets into the source (SOAP envelopes are read with this, bytes kept).
pub struct Reader<'a>(&'a [u8]);
impl<'a> Reader<'a> {
    /// Bytes as received: a UTF-8 BOM is skipped; other encodings than UTF-8 (and US-ASCII; ISO-8859-1 if it is cheap) refused.
    pub fn new(bytes: &'a [u8], limits: Limits) -> Result<Self, Error> { todo!() }
    /// `None` at the end of the document (well-formedness checked to the end).
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> { todo!() }
    /// Byte range of the last event in the source.
    pub fn range(&self) -> Range<usize> { todo!() }
}
/// Names are resolved; text has references resolved and line ends normalised, CDATA merged as text.
#[derive(Debug)]
pub enum Event<'r> { Start(Element<'r>), End, Text(std::borrow::Cow<'r, str>), Comment, Instruction }
/// A start tag (an empty element gives Start then End).
#[derive(Debug)]
pub struct Element<'r>(&'r ());
impl<'r> Element<'r> {
    pub fn namespace(&self) -> &str { todo!() }
    pub fn local_name(&self) -> &str { todo!() }
    pub fn prefix(&self) -> &str { todo!() }
    /// By (namespace, local name); "" for no namespace.
    pub fn attribute(&self, namespace: &str, local_name: &str) -> Option<&str> { todo!() }
    /// Raw bytes of the tag's attributes incl. xmlns, as in the source (to copy them: messages.md §3.7).
    pub fn raw_attributes(&self) -> &[u8] { todo!() }
}

/// A parsed document (arena), for signatures and configuration.
#[derive(Debug)]
pub struct Document(());
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u32);
impl Document {
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, Error> { todo!() }
    pub fn root(&self) -> Node<'_> { todo!() }
    /// The element whose attribute `Id` (no namespace) is this; an error when two have it (signature wrapping).
    pub fn by_id(&self, id: &str) -> Result<Option<Node<'_>>, Error> { todo!() }
}
/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d>(&'d Document, NodeId);
impl<'d> Node<'d> {
    pub fn namespace(&self) -> &'d str { todo!() }
    pub fn local_name(&self) -> &'d str { todo!() }
    pub fn prefix(&self) -> &'d str { todo!() }
    pub fn is(&self, namespace: &str, local_name: &str) -> bool { todo!() }
    pub fn attribute(&self, namespace: &str, local_name: &str) -> Option<&'d str> { todo!() }
    /// Child elements in order.
    pub fn children(&self) -> impl Iterator<Item = Node<'d>> + 'd { std::iter::empty() }
    pub fn child(&self, namespace: &str, local_name: &str) -> Option<Node<'d>> { todo!() }
    /// Direct text, concatenated.
    pub fn text(&self) -> String { todo!() }
    pub fn id(&self) -> NodeId { self.1 }
    /// Canonical form of this element as apex (comments omitted).
    pub fn canonical(&self, method: Canonicalization) -> Vec<u8> { todo!() }
}
/// Canonicalisation methods we read; we write the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canonicalization { Inclusive10, Inclusive11, Exclusive { inclusive_prefixes: Vec<String> } }
impl Canonicalization { pub fn from_uri(uri: &str) -> Option<Self> { todo!() } }

/// Escapes character data (`& < >` and CR) for element content.
pub fn escape_text(text: &str) -> std::borrow::Cow<'_, str> { todo!() }
/// Escapes for a double-quoted attribute value.
pub fn escape_attribute(text: &str) -> std::borrow::Cow<'_, str> { todo!() }
