//! The namespace declarations in scope while a document is read.

use std::borrow::Cow;

use crate::Error;
use crate::limits::NAMESPACES_MAX;
use crate::name::{XML_NAMESPACE, XMLNS_NAMESPACE, is_ncname};

/// One declaration: `xmlns:prefix="uri"`, or the default one with an empty prefix.
#[derive(Clone, Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) uri: Cow<'a, str>,
}

/// Bindings in document order, innermost last; the first is that of `xml`.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    bindings: Vec<Binding<'a>>,
    /// For each open element, how many bindings were in scope outside it.
    outer: Vec<usize>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new() -> Self {
        let xml = Binding {
            prefix: "xml",
            uri: Cow::Borrowed(XML_NAMESPACE),
        };
        Self {
            bindings: vec![xml],
            outer: Vec::new(),
        }
    }

    pub(crate) fn enter(&mut self) {
        self.outer.push(self.bindings.len());
    }

    pub(crate) fn leave(&mut self) {
        if let Some(outer) = self.outer.pop() {
            self.bindings.truncate(outer);
        }
    }

    pub(crate) fn depth(&self) -> usize {
        self.outer.len()
    }

    pub(crate) fn bindings(&self) -> &[Binding<'a>] {
        &self.bindings
    }

    /// What the innermost element declares itself.
    pub(crate) fn own(&self) -> &[Binding<'a>] {
        let outer = self.outer.last().copied().unwrap_or_default();
        self.bindings.get(outer..).unwrap_or_default()
    }

    /// Adds a declaration of the innermost element (Namespaces in XML 1.0, sections 3 and 5).
    pub(crate) fn declare(
        &mut self,
        prefix: &'a str,
        uri: Cow<'a, str>,
        offset: usize,
    ) -> Result<(), Error> {
        let xml = uri == XML_NAMESPACE;
        let forbidden = match prefix {
            "" => xml,
            "xml" => !xml,
            "xmlns" => true,
            _ => xml || uri.is_empty() || !is_ncname(prefix),
        };
        if forbidden || uri == XMLNS_NAMESPACE {
            return Err(Error::InvalidNamespace { offset });
        }
        if self.own().iter().any(|binding| binding.prefix == prefix) {
            return Err(Error::DuplicateAttribute { offset });
        }
        if self.bindings.len() >= NAMESPACES_MAX {
            return Err(Error::TooManyNamespaces {
                namespaces_max: NAMESPACES_MAX,
            });
        }
        self.bindings.push(Binding { prefix, uri });
        Ok(())
    }

    /// The index of the binding in force for a prefix. For the empty prefix `None` is "no
    /// namespace".
    pub(crate) fn find(&self, prefix: &str) -> Option<usize> {
        self.bindings
            .iter()
            .rposition(|binding| binding.prefix == prefix)
    }
}

/// The URI of a binding, "" for none.
pub(crate) fn uri<'s>(bindings: &'s [Binding<'_>], index: Option<usize>) -> &'s str {
    index
        .and_then(|index| bindings.get(index))
        .map_or("", |binding| &binding.uri)
}
