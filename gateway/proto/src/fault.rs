//! Faults: codes in both spellings, SOAP Fault XML, REST error bodies.
//!
//! Faults are values, never templates: no text in them is interpreted. A fault received from a
//! peer or a service keeps the bytes it came in and is handed on unchanged.

pub mod catalogue;
mod code;
mod render;

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

pub use code::Code;

use crate::{Limits, soap};

/// An error that crosses the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong, machine-readable.
    pub code: Code,
    /// What went wrong, for people.
    pub string: Option<String>,
    /// Who caused it; always empty in faults of nodes.
    pub actor: Option<String>,
    /// In faults of nodes: the id under which the node's log tells more.
    pub detail: Option<String>,
    /// The XML as received, relayed unchanged; `None` for our own.
    pub original: Option<Bytes>,
}

impl Fault {
    /// A fault of our own: empty actor, and an id to find it in the log.
    pub fn new(code: Code, string: impl Into<String>, detail: Uuid) -> Self {
        Self {
            code,
            string: Some(string.into()),
            actor: Some(String::new()),
            detail: Some(detail.to_string()),
            original: None,
        }
    }

    /// A fault as received in a SOAP envelope of `content_type`; the bytes are kept.
    ///
    /// # Errors
    /// When the envelope is not one, or holds a message instead of a fault.
    pub fn from_xml(xml: Bytes, content_type: &str, limits: &Limits) -> Result<Self, soap::Error> {
        match soap::parse(xml, content_type, limits)? {
            soap::Parsed::Fault(fault) => Ok(fault),
            soap::Parsed::Message(_) => Err(soap::Error::NotFault),
        }
    }
}

/// Shows the code and our own log id only: texts of services may name persons.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Fault");
        out.field("code", &self.code.as_str());
        if self.original.is_none() {
            out.field("detail", &self.detail);
        }
        out.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
