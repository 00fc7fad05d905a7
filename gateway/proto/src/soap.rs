//! SOAP messages of protocol 4.x (PR-MESS). Bytes are kept as received.
//!
//! An envelope is read once, by namespace and never by prefix, and is never written anew on its way:
//! what the client sent is what is hashed, signed and handed to the service. The one change, the
//! `requestHash` of a response, is an insertion into the bytes.
//!
//! | module | subject |
//! |---|---|
//! | `parser` | [`parse`]: the checks in their order |
//! | `field` | the fields by name, for the parser |
//! | `header` | [`Header`]: the fields, and what a response must repeat |
//! | `message` | [`Message`]: bytes with their header, and the request hash |
//! | `reduced` | what is kept of a message whose body is not |
//! | `action` | the SOAPAction rule |
//! | [`entity`] | what an HTTP body holds, by its Content-Type |
//! | [`multipart`] | messages with attachments, towards clients and services |

mod action;
pub mod entity;
mod error;
mod field;
mod header;
mod message;
pub mod multipart;
mod parser;
mod reduced;

use crate::fault::Fault;

pub use action::validate_soap_action;
pub use error::Error;
pub use header::{Header, RepresentedParty, check_echo};
pub use message::Message;
pub use parser::parse;

/// What an envelope holds.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// A valid message.
    Message(Message),
    /// A SOAP Fault; its header, if any, is not looked at.
    Fault(Fault),
}

/// Namespaces of the protocol.
mod namespace {
    pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    pub(super) const XROAD: &str = "http://x-road.eu/xsd/xroad.xsd";
    pub(super) const IDENTIFIERS: &str = "http://x-road.eu/xsd/identifiers";
    pub(super) const REPRESENTATION: &str = "http://x-road.eu/xsd/representation.xsd";
}

#[cfg(test)]
mod tests;
