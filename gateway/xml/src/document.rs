//! The tree: one arena of nodes in document order over one pool of text.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use crate::canonical::{self, Canonicalization};
use crate::name::XML_NAMESPACE;
use crate::reader::{Element, Event, Reader};
use crate::{Attribute, Error, Limits, encoding};

/// A parsed document (arena), for signatures and configuration.
///
/// Comments, and everything outside the root element, are not kept.
#[derive(Clone)]
pub struct Document {
    /// The text of the document, then whatever had to be normalised.
    pool: String,
    /// In document order; the root element first.
    nodes: Vec<NodeData>,
    attributes: Vec<AttributeData>,
    declarations: Vec<Declaration>,
}

/// Names a node within its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// An element of a document.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    id: NodeId,
    element: &'d ElementData,
    /// Behind the last node of the subtree.
    end: u32,
}

#[derive(Clone, Debug)]
struct NodeData {
    kind: Kind,
    parent: Option<NodeId>,
    end: u32,
}

#[derive(Clone, Debug)]
enum Kind {
    Element(ElementData),
    Text(Span),
    Instruction { target: Span, data: Span },
}

#[derive(Clone, Debug)]
struct ElementData {
    prefix: Span,
    local_name: Span,
    namespace: Span,
    /// Of [`Document::attributes`].
    attributes: Span,
    /// Of [`Document::declarations`].
    declarations: Span,
    /// From `<` of the start tag to `>` of the end tag.
    source: Span,
}

#[derive(Clone, Debug)]
struct AttributeData {
    prefix: Span,
    local_name: Span,
    namespace: Span,
    value: Span,
}

#[derive(Clone, Debug)]
struct Declaration {
    prefix: Span,
    uri: Span,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// A node as the canonical form needs it.
pub(crate) enum Content<'d> {
    Element(Node<'d>),
    Text(&'d str),
    Instruction { target: &'d str, data: &'d str },
}

impl Document {
    /// Reads a whole document, in any encoding of [`Encoding`](crate::Encoding).
    ///
    /// # Errors
    ///
    /// When it is not well-formed or exceeds a limit.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, Error> {
        if bytes.len() > limits.bytes_max {
            return Err(Error::TooLong {
                bytes: bytes.len(),
                bytes_max: limits.bytes_max,
            });
        }
        let decoded = encoding::decode(bytes)?;
        match decoded.text {
            // Errors then tell offsets in the bytes as they came.
            Cow::Borrowed(_) => Self::build(Reader::new(bytes, limits)?, &limits),
            // A character of ISO-8859-1 takes at most two bytes.
            Cow::Owned(text) => {
                let bytes_max = limits.bytes_max.saturating_mul(2);
                Self::build(
                    Reader::from_text(
                        &text,
                        Limits {
                            bytes_max,
                            ..limits
                        },
                    )?,
                    &limits,
                )
            }
        }
    }

    fn build(mut reader: Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let mut builder = Builder::new(reader.text(), limits)?;
        while let Some(event) = reader.next()? {
            // The places are asked for after the event is put away, for it borrows the reader.
            match event {
                Event::Start(element) => builder.start(element)?,
                Event::End => builder.end()?,
                Event::Text(text) => builder.text(&text)?,
                Event::Comment => {}
                Event::Instruction => {
                    let (target, data) = reader.instruction();
                    builder.instruction(target, data)?;
                }
            }
            builder.place(reader.text_range())?;
        }
        Ok(builder.document)
    }

    /// The root element.
    pub fn root(&self) -> Node<'_> {
        let root = self.node(NodeId(0));
        #[expect(
            clippy::expect_used,
            reason = "the reader ends only after a root element"
        )]
        root.expect("a document has a root element")
    }

    /// The element whose attribute `Id` (no namespace) is this; an error when two have it
    /// (signature wrapping).
    ///
    /// # Errors
    ///
    /// When two elements have it.
    pub fn by_id(&self, id: &str) -> Result<Option<Node<'_>>, Error> {
        self.by_attribute("Id", id)
    }

    /// The element whose attribute of this name (no namespace) has this value.
    ///
    /// # Errors
    ///
    /// When two elements have it.
    pub fn by_attribute(&self, local_name: &str, value: &str) -> Result<Option<Node<'_>>, Error> {
        let mut found = self
            .root()
            .descendants()
            .filter(|node| node.attribute("", local_name) == Some(value));
        let first = found.next();
        match found.next() {
            Some(second) => Err(Error::DuplicateId {
                offset: second.source_range().start,
            }),
            None => Ok(first),
        }
    }

    /// Checks that no two elements share a value of this attribute (no namespace).
    ///
    /// # Errors
    ///
    /// When two do.
    pub fn check_unique(&self, local_name: &str) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for node in self.root().descendants() {
            if let Some(value) = node.attribute("", local_name)
                && !seen.insert(value)
            {
                return Err(Error::DuplicateId {
                    offset: node.source_range().start,
                });
            }
        }
        Ok(())
    }

    /// The element of this name, if it is one of this document's elements.
    pub fn node(&self, id: NodeId) -> Option<Node<'_>> {
        let data = self.data(id)?;
        match &data.kind {
            Kind::Element(element) => Some(Node {
                document: self,
                id,
                element,
                end: data.end,
            }),
            Kind::Text(_) | Kind::Instruction { .. } => None,
        }
    }

    fn data(&self, id: NodeId) -> Option<&NodeData> {
        self.nodes.get(usize::try_from(id.0).ok()?)
    }

    fn str(&self, span: Span) -> &str {
        self.pool.get(span.range()).unwrap_or_default()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the text: it may be personal.
        f.debug_struct("Document")
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}

impl<'d> Node<'d> {
    /// "" for no namespace.
    pub fn namespace(&self) -> &'d str {
        self.document.str(self.element.namespace)
    }

    /// The name without its prefix.
    pub fn local_name(&self) -> &'d str {
        self.document.str(self.element.local_name)
    }

    /// As written, "" for none.
    pub fn prefix(&self) -> &'d str {
        self.document.str(self.element.prefix)
    }

    /// Whether this is its expanded name.
    pub fn is(&self, namespace: &str, local_name: &str) -> bool {
        self.local_name() == local_name && self.namespace() == namespace
    }

    /// By (namespace, local name); "" for no namespace.
    pub fn attribute(&self, namespace: &str, local_name: &str) -> Option<&'d str> {
        self.attributes()
            .find(|a| a.local_name == local_name && a.namespace == namespace)
            .map(|attribute| attribute.value)
    }

    /// In the order of the source.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        let attributes = document.attributes.get(self.element.attributes.range());
        attributes
            .unwrap_or_default()
            .iter()
            .map(move |attribute| Attribute {
                namespace: document.str(attribute.namespace),
                prefix: document.str(attribute.prefix),
                local_name: document.str(attribute.local_name),
                value: document.str(attribute.value),
            })
    }

    /// The namespace declarations of this element's own tag as (prefix, URI).
    pub fn declarations(&self) -> impl Iterator<Item = (&'d str, &'d str)> + use<'d> {
        let document = self.document;
        let declarations = document.declarations.get(self.element.declarations.range());
        declarations
            .unwrap_or_default()
            .iter()
            .map(move |declaration| {
                (
                    document.str(declaration.prefix),
                    document.str(declaration.uri),
                )
            })
    }

    /// The element around this one.
    pub fn parent(&self) -> Option<Self> {
        self.document.node(self.document.data(self.id)?.parent?)
    }

    /// Child elements in order.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'d> {
        self.child_nodes().filter_map(|content| match content {
            Content::Element(node) => Some(node),
            Content::Text(_) | Content::Instruction { .. } => None,
        })
    }

    /// The first child element of this name.
    pub fn child(&self, namespace: &str, local_name: &str) -> Option<Self> {
        self.children()
            .find(|child| child.is(namespace, local_name))
    }

    /// This element and all elements inside it, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        (self.id.0..self.end).filter_map(move |id| document.node(NodeId(id)))
    }

    /// Direct text, concatenated.
    pub fn text(&self) -> String {
        self.content().into_owned()
    }

    /// Direct text, concatenated; borrowed when it is in one piece.
    pub fn content(&self) -> Cow<'d, str> {
        let mut text = Cow::Borrowed("");
        for content in self.child_nodes() {
            if let Content::Text(piece) = content {
                match text.is_empty() {
                    true => text = Cow::Borrowed(piece),
                    false => text.to_mut().push_str(piece),
                }
            }
        }
        text
    }

    /// Whether it has direct text other than white space.
    pub fn has_text(&self) -> bool {
        self.child_nodes().any(|content| match content {
            Content::Text(text) => !text.bytes().all(crate::name::is_space),
            Content::Element(_) | Content::Instruction { .. } => false,
        })
    }

    /// Names this element within its document.
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// From `<` of the start tag to `>` of the end tag, in the decoded text without a byte order
    /// mark.
    pub fn source_range(&self) -> Range<usize> {
        self.element.source.range()
    }

    /// Canonical form of this element as apex (comments omitted).
    ///
    /// # Errors
    ///
    /// Where the method has no result: a relative namespace URI, or an inherited `xml:base` in
    /// Canonical XML 1.1, which we do not join.
    pub fn canonical(&self, method: &Canonicalization) -> Result<Vec<u8>, Error> {
        canonical::write(*self, method)
    }

    /// Nodes of the subtree in document order, each with the depth-independent end of its own.
    pub(crate) fn subtree(&self) -> impl Iterator<Item = (u32, u32, Content<'d>)> + use<'d> {
        let document = self.document;
        (self.id.0..self.end).filter_map(move |index| {
            let data = document.data(NodeId(index))?;
            Some((index, data.end, document.content(NodeId(index), data)))
        })
    }

    pub(crate) fn source_bytes(&self) -> usize {
        self.source_range().len()
    }

    fn child_nodes(&self) -> impl Iterator<Item = Content<'d>> + use<'d> {
        let document = self.document;
        let end = self.end;
        let mut next = self.id.0.saturating_add(1);
        std::iter::from_fn(move || {
            let id = NodeId(next);
            if next >= end {
                return None;
            }
            let data = document.data(id)?;
            next = data.end.max(next.saturating_add(1));
            Some(document.content(id, data))
        })
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("namespace", &self.namespace())
            .field("local_name", &self.local_name())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Node<'_> {
    /// The same element of the same document.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && std::ptr::eq(self.document, other.document)
    }
}

impl Eq for Node<'_> {}

impl Document {
    fn content<'d>(&'d self, id: NodeId, data: &'d NodeData) -> Content<'d> {
        match &data.kind {
            Kind::Element(element) => Content::Element(Node {
                document: self,
                id,
                element,
                end: data.end,
            }),
            Kind::Text(text) => Content::Text(self.str(*text)),
            Kind::Instruction { target, data } => Content::Instruction {
                target: self.str(*target),
                data: self.str(*data),
            },
        }
    }
}

impl Span {
    fn range(self) -> Range<usize> {
        let usize = |value| usize::try_from(value).unwrap_or(usize::MAX);
        usize(self.start)..usize(self.end)
    }

    fn new(range: Range<usize>) -> Option<Self> {
        let start = u32::try_from(range.start).ok()?;
        Some(Self {
            start,
            end: u32::try_from(range.end).ok()?,
        })
    }
}

/// A document while it is read.
struct Builder<'a> {
    text: &'a str,
    document: Document,
    /// Open elements, outermost first.
    open: Vec<NodeId>,
    /// The element that the last event started or ended.
    touched: Option<(NodeId, bool)>,
    /// For each binding in the reader's scope, its URI in the pool.
    uris: Vec<Span>,
    bytes_max: usize,
    nodes_max: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, limits: &Limits) -> Result<Self, Error> {
        let mut pool = String::with_capacity(text.len().saturating_add(256));
        pool.push_str(text);
        let document = Document {
            pool,
            nodes: Vec::with_capacity(text.len() / 32),
            attributes: Vec::new(),
            declarations: Vec::new(),
        };
        let mut builder = Self {
            text,
            document,
            open: Vec::new(),
            touched: None,
            uris: Vec::new(),
            bytes_max: limits.bytes_max,
            nodes_max: limits.nodes_max,
        };
        let xml = builder.span(XML_NAMESPACE)?;
        builder.uris.push(xml);
        Ok(builder)
    }

    fn start(&mut self, element: Element<'_>) -> Result<(), Error> {
        let bindings = element.bindings();
        let own = element.declarations().count();
        self.uris.truncate(bindings.len().saturating_sub(own));
        let first_declaration = self.document.declarations.len();
        for (prefix, uri) in element.declarations() {
            let declaration = Declaration {
                prefix: self.span(prefix)?,
                uri: self.span(uri)?,
            };
            self.uris.push(declaration.uri);
            self.document.declarations.push(declaration);
        }
        let first_attribute = self.document.attributes.len();
        for (attribute, binding) in element.attributes().zip(element.attribute_bindings()) {
            let attribute = AttributeData {
                prefix: self.span(attribute.prefix)?,
                local_name: self.span(attribute.local_name)?,
                namespace: self.uri(binding),
                value: self.span(attribute.value)?,
            };
            self.document.attributes.push(attribute);
        }
        let attributes = self.span_of(first_attribute..self.document.attributes.len())?;
        let declarations = self.span_of(first_declaration..self.document.declarations.len())?;
        let data = ElementData {
            prefix: self.span(element.prefix())?,
            local_name: self.span(element.local_name())?,
            namespace: self.uri(element.binding()),
            attributes,
            declarations,
            source: Span::default(),
        };
        let id = self.push(Kind::Element(data))?;
        self.open.push(id);
        self.touched = Some((id, false));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let end = self.index(self.document.nodes.len())?;
        if let Some(id) = self.open.pop() {
            if let Some(data) = self.data_mut(id) {
                data.end = end;
            }
            self.touched = Some((id, true));
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let span = self.span(text)?;
        self.push(Kind::Text(span)).map(drop)
    }

    fn instruction(&mut self, target: &str, data: &str) -> Result<(), Error> {
        // Those around the root are no part of any element.
        if self.open.is_empty() {
            return Ok(());
        }
        let kind = Kind::Instruction {
            target: self.span(target)?,
            data: self.span(data)?,
        };
        self.push(kind).map(drop)
    }

    /// Where the last event stood.
    fn place(&mut self, range: Range<usize>) -> Result<(), Error> {
        let Some((id, ended)) = self.touched.take() else {
            return Ok(());
        };
        let place = self.span_of(range)?;
        if let Some(NodeData {
            kind: Kind::Element(element),
            ..
        }) = self.data_mut(id)
        {
            match ended {
                true => element.source.end = place.end,
                false => element.source = place,
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind) -> Result<NodeId, Error> {
        let index = self.index(self.document.nodes.len())?;
        let parent = self.open.last().copied();
        self.document.nodes.push(NodeData {
            kind,
            parent,
            end: index.saturating_add(1),
        });
        Ok(NodeId(index))
    }

    fn data_mut(&mut self, id: NodeId) -> Option<&mut NodeData> {
        self.document.nodes.get_mut(usize::try_from(id.0).ok()?)
    }

    fn uri(&self, binding: Option<usize>) -> Span {
        binding
            .and_then(|index| self.uris.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// Where a string stands in the pool: in the copied text when it is a slice of that, else at
    /// the end, appended.
    fn span(&mut self, string: &str) -> Result<Span, Error> {
        if string.is_empty() {
            return Ok(Span::default());
        }
        let inside = string
            .as_ptr()
            .addr()
            .checked_sub(self.text.as_ptr().addr())
            .map(|start| start..start.saturating_add(string.len()))
            .filter(|range| range.end <= self.text.len());
        let range = match inside {
            Some(range) => range,
            None => {
                let start = self.document.pool.len();
                self.document.pool.push_str(string);
                start..self.document.pool.len()
            }
        };
        self.span_of(range)
    }

    fn span_of(&self, range: Range<usize>) -> Result<Span, Error> {
        let bytes = range.end;
        Span::new(range).ok_or(Error::TooLong {
            bytes,
            bytes_max: self.bytes_max,
        })
    }

    fn index(&self, index: usize) -> Result<u32, Error> {
        u32::try_from(index).map_err(|_| Error::TooManyNodes {
            nodes_max: self.nodes_max,
        })
    }
}

#[cfg(test)]
mod tests;
