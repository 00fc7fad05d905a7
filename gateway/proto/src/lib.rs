//! The wire: what information systems and nodes say to each other, as values.
//!
//! Identifiers, SOAP 4.x and REST r1 messages, MIME, the node-to-node envelope, and faults. The
//! bytes of a message are kept as received: they are what is hashed and signed, so nothing here
//! writes an envelope or a block anew.
//!
//! The crate deliberately knows no sockets, no files, no clock and no keys; it neither signs nor
//! verifies, and it decides nothing about access. Everything is bounded by [`Limits`].
//!
//! | module | subject |
//! |---|---|
//! | [`basis`] | what a request says of its legal basis |
//! | [`id`] | identifiers of members, subsystems, services, servers, groups |
//! | [`soap`] | SOAP envelopes: checks, header, request hash, attachments |
//! | [`rest`] | REST requests and responses in their serialised form |
//! | [`mime`] | media types, part headers, streaming multipart, framing |
//! | [`envelope`] | the message between nodes: order of parts, reader, writer |
//! | [`fault`] | codes in both spellings, SOAP faults, REST errors |
//! | [`header`] | names of HTTP headers |
//! | `limits` | [`Limits`] |

pub mod basis;
pub mod envelope;
pub mod fault;
pub mod header;
pub mod id;
mod limits;
pub mod mime;
pub mod rest;
pub mod soap;
mod uri;

pub use limits::Limits;
