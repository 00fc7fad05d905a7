//! Canonical forms of an element as the apex of its subtree: Canonical XML 1.0 and 1.1 (inclusive)
//! and Exclusive XML Canonicalization 1.0, each without comments.

use crate::document::{Content, Node};
use crate::name::XML_NAMESPACE;
use crate::{Attribute, Error, escape};

/// Canonicalisation methods we read; we write the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canonicalization {
    /// Canonical XML 1.0.
    Inclusive10,
    /// Canonical XML 1.1.
    Inclusive11,
    /// Exclusive XML Canonicalization 1.0.
    Exclusive {
        /// The `PrefixList` of its `InclusiveNamespaces`; `#default` is the default namespace.
        inclusive_prefixes: Vec<String>,
    },
}

impl Canonicalization {
    /// By identifier; the forms with comments are not offered. The prefix list is empty.
    pub fn from_uri(uri: &str) -> Option<Self> {
        match uri {
            INCLUSIVE_10 => Some(Self::Inclusive10),
            INCLUSIVE_11 => Some(Self::Inclusive11),
            EXCLUSIVE => Some(Self::Exclusive {
                inclusive_prefixes: Vec::new(),
            }),
            _ => None,
        }
    }

    /// Its identifier.
    pub const fn uri(&self) -> &'static str {
        match self {
            Self::Inclusive10 => INCLUSIVE_10,
            Self::Inclusive11 => INCLUSIVE_11,
            Self::Exclusive { .. } => EXCLUSIVE,
        }
    }

    /// Whether a declaration of this prefix is rendered where it stands, used or not.
    fn is_inclusive(&self, prefix: &str) -> bool {
        match self {
            Self::Inclusive10 | Self::Inclusive11 => true,
            Self::Exclusive { inclusive_prefixes } => {
                let token = if prefix.is_empty() {
                    "#default"
                } else {
                    prefix
                };
                inclusive_prefixes.iter().any(|listed| listed == token)
            }
        }
    }
}

pub(crate) fn write(apex: Node<'_>, method: &Canonicalization) -> Result<Vec<u8>, Error> {
    let mut writer = Writer {
        method,
        output: Vec::with_capacity(apex.source_bytes().saturating_add(256)),
        open: Vec::new(),
        rendered: Vec::new(),
        candidates: Vec::new(),
        attributes: Vec::new(),
    };
    let apex_id = apex.id();
    for (index, end, content) in apex.subtree() {
        writer.close_until(index);
        match content {
            Content::Element(node) => writer.start(node, end, node.id() == apex_id)?,
            Content::Text(text) => escape::push_text(&mut writer.output, text),
            Content::Instruction { target, data } => writer.instruction(target, data),
        }
    }
    writer.close_until(u32::MAX);
    Ok(writer.output)
}

struct Writer<'d, 'm> {
    method: &'m Canonicalization,
    output: Vec<u8>,
    open: Vec<Open<'d>>,
    /// Declarations in force in the output, innermost last.
    rendered: Vec<(&'d str, &'d str)>,
    /// Of the current tag; kept for their memory.
    candidates: Vec<(&'d str, &'d str)>,
    attributes: Vec<Attribute<'d>>,
}

struct Open<'d> {
    prefix: &'d str,
    local_name: &'d str,
    /// The index behind its subtree.
    end: u32,
    rendered_outside: usize,
}

impl<'d> Writer<'d, '_> {
    /// Writes the end tags of all elements whose subtree ends at or before this index.
    fn close_until(&mut self, index: u32) {
        while let Some(open) = self.open.pop_if(|open| open.end <= index) {
            self.output.extend_from_slice(b"</");
            self.name(open.prefix, open.local_name);
            self.output.push(b'>');
            self.rendered.truncate(open.rendered_outside);
        }
    }

    fn start(&mut self, node: Node<'d>, end: u32, is_apex: bool) -> Result<(), Error> {
        let (prefix, local_name) = (node.prefix(), node.local_name());
        let rendered_outside = self.rendered.len();
        self.output.push(b'<');
        self.name(prefix, local_name);
        self.namespaces(node, is_apex)?;
        self.attributes(node, is_apex)?;
        self.output.push(b'>');
        self.open.push(Open {
            prefix,
            local_name,
            end,
            rendered_outside,
        });
        Ok(())
    }

    /// The namespace axis: what has to be declared here, sorted by prefix.
    fn namespaces(&mut self, node: Node<'d>, is_apex: bool) -> Result<(), Error> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let mut add = |prefix: &'d str, uri: &'d str| {
            if prefix != "xml" && !candidates.iter().any(|(known, _)| *known == prefix) {
                candidates.push((prefix, uri));
            }
        };
        if let Canonicalization::Exclusive { .. } = self.method {
            // Visibly used: by the name of the element and of its prefixed attributes.
            add(node.prefix(), node.namespace());
            for attribute in node.attributes().filter(|a| !a.prefix.is_empty()) {
                add(attribute.prefix, attribute.namespace);
            }
        }
        let inclusive = |(prefix, _): &(&str, &str)| self.method.is_inclusive(prefix);
        node.declarations()
            .filter(inclusive)
            .for_each(|(prefix, uri)| add(prefix, uri));
        if is_apex {
            // Nearest first, so that an outer declaration does not hide an inner one.
            for ancestor in std::iter::successors(node.parent(), Node::parent) {
                ancestor
                    .declarations()
                    .filter(inclusive)
                    .for_each(|(prefix, uri)| add(prefix, uri));
            }
        }
        candidates.retain(|(prefix, uri)| {
            let current = self
                .rendered
                .iter()
                .rev()
                .find(|(known, _)| known == prefix);
            current.map_or("", |(_, uri)| uri) != *uri
        });
        candidates.sort_unstable();
        for (prefix, uri) in candidates.iter().copied() {
            // Canonical XML 1.0, section 1.3: an operation failure.
            if !uri.is_empty() && uri.find(':').is_none_or(|at| at == 0) {
                return Err(Error::NoCanonicalForm {
                    reason: "a relative namespace URI",
                });
            }
            self.output.extend_from_slice(b" xmlns");
            if !prefix.is_empty() {
                self.output.push(b':');
                self.output.extend_from_slice(prefix.as_bytes());
            }
            self.value(uri);
            self.rendered.push((prefix, uri));
        }
        self.candidates = candidates;
        Ok(())
    }

    /// The attribute axis, sorted by namespace and local name; those without a namespace first.
    fn attributes(&mut self, node: Node<'d>, is_apex: bool) -> Result<(), Error> {
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.clear();
        attributes.extend(node.attributes());
        if is_apex {
            self.inherit(node, &mut attributes)?;
        }
        attributes.sort_unstable_by_key(|a| (a.namespace, a.local_name));
        for attribute in &attributes {
            self.output.push(b' ');
            self.name(attribute.prefix, attribute.local_name);
            self.value(attribute.value);
        }
        self.attributes = attributes;
        Ok(())
    }

    /// Attributes in the XML namespace that the apex takes over from omitted ancestors (Canonical
    /// XML 1.0 and 1.1, section 2.4); exclusive canonicalisation takes none.
    fn inherit(&self, node: Node<'d>, attributes: &mut Vec<Attribute<'d>>) -> Result<(), Error> {
        let is_11 = match self.method {
            Canonicalization::Exclusive { .. } => return Ok(()),
            Canonicalization::Inclusive10 => false,
            Canonicalization::Inclusive11 => true,
        };
        for ancestor in std::iter::successors(node.parent(), Node::parent) {
            for outer in ancestor
                .attributes()
                .filter(|a| a.namespace == XML_NAMESPACE)
            {
                match outer.local_name {
                    "id" if is_11 => continue,
                    // 1.1 wants the chain of base URIs joined into one.
                    "base" if is_11 => {
                        return Err(Error::NoCanonicalForm {
                            reason: "an inherited xml:base",
                        });
                    }
                    _ => {}
                }
                let known = attributes.iter().any(|inner| {
                    inner.namespace == XML_NAMESPACE && inner.local_name == outer.local_name
                });
                if !known {
                    attributes.push(outer);
                }
            }
        }
        Ok(())
    }

    fn instruction(&mut self, target: &str, data: &str) {
        self.output.extend_from_slice(b"<?");
        self.output.extend_from_slice(target.as_bytes());
        if !data.is_empty() {
            self.output.push(b' ');
            escape::push_instruction(&mut self.output, data);
        }
        self.output.extend_from_slice(b"?>");
    }

    fn name(&mut self, prefix: &str, local_name: &str) {
        if !prefix.is_empty() {
            self.output.extend_from_slice(prefix.as_bytes());
            self.output.push(b':');
        }
        self.output.extend_from_slice(local_name.as_bytes());
    }

    fn value(&mut self, value: &str) {
        self.output.extend_from_slice(b"=\"");
        escape::push_attribute(&mut self.output, value);
        self.output.push(b'"');
    }
}

const INCLUSIVE_10: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const INCLUSIVE_11: &str = "http://www.w3.org/2006/12/xml-c14n11";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

#[cfg(test)]
mod tests;
