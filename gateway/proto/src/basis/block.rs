//! The SOAP header block: read within the one pass over the envelope, by namespace.

use gateway_xml::{Element, escape_text};

use super::field::{Field, is_space};
use super::{Basis, Error, NAMESPACE};

/// The block while the envelope is read. It never stops the reading: what is wrong with it is kept
/// to the end, the first thing first.
#[derive(Default)]
pub(crate) struct Block {
    is_seen: bool,
    is_open: bool,
    field: Option<Field>,
    text: String,
    basis: Basis,
    error: Option<Error>,
}

impl Block {
    /// A header block begins; it may be anybody's.
    pub(crate) fn start(&mut self, element: Element<'_>) {
        if element.namespace() != NAMESPACE {
            return;
        }
        if element.local_name() != WHOLE {
            self.note(MALFORMED);
        } else if self.is_seen {
            self.note(Error::Twice { field: WHOLE });
        }
        self.is_seen = true;
        self.is_open = true;
    }

    /// Whether what is read now stands in it.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// A child of the block begins.
    pub(crate) fn start_field(&mut self, element: Element<'_>) {
        let ours = element.namespace() == NAMESPACE;
        let named = |field: &Field| ours && element.local_name() == field.name();
        self.field = Field::ALL.into_iter().find(named);
        self.text.clear();
        if self.field.is_none() {
            // Whoever knows it would see what we do not.
            self.note(MALFORMED);
        }
    }

    /// An element within a child begins.
    pub(crate) fn start_below(&mut self) {
        let field = self.field.map_or(WHOLE, Field::name);
        self.note(Error::Malformed { field });
    }

    /// Text directly in the block.
    pub(crate) fn text_between(&mut self, text: &str) {
        if !text.chars().all(is_space) {
            self.note(MALFORMED);
        }
    }

    /// Text directly in a child.
    pub(crate) fn text(&mut self, text: &str) {
        if self.field.is_some() {
            self.text.push_str(text);
        }
    }

    /// The child ends.
    pub(crate) fn end_field(&mut self) {
        if let Some(field) = self.field.take()
            && let Err(error) = field.put(&mut self.basis, &self.text)
        {
            self.note(error);
        }
    }

    /// The block ends.
    pub(crate) fn end(&mut self) {
        self.is_open = false;
    }

    /// What was said.
    pub(crate) fn finish(self) -> Result<Basis, Error> {
        match self.error {
            None => Ok(self.basis),
            Some(error) => Err(error),
        }
    }

    fn note(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

/// Writes the block; nothing when there is nothing to say.
pub(super) fn write(basis: &Basis) -> Option<String> {
    if basis.is_empty() {
        return None;
    }
    let mut out = ["<k:", WHOLE, " xmlns:k=\"", NAMESPACE, "\">"].concat();
    for field in Field::ALL {
        if let Some(text) = field.of(basis) {
            let (name, text) = (field.name(), escape_text(text));
            for piece in ["<k:", name, ">", &text, "</k:", name, ">"] {
                out.push_str(piece);
            }
        }
    }
    out.push_str("</k:");
    out.push_str(WHOLE);
    out.push('>');
    Some(out)
}

/// What the block is called.
const WHOLE: &str = "basis";
const MALFORMED: Error = Error::Malformed { field: WHOLE };
