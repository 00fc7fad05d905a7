//! Strict XML: a streaming reader with limits, a small tree, canonical forms, escaping.
//!
//! The only user of `quick-xml`. What it refuses on purpose: document type declarations, entities
//! other than the five predefined ones, undeclared prefixes, duplicate attributes, encodings other
//! than UTF-8, US-ASCII and ISO-8859-1, and anything that is not well-formed to the last byte. It
//! knows nothing of schemas, SOAP or signatures.
//!
//! | module | subject |
//! |---|---|
//! | `reader` | [`Reader`]: events with byte ranges, for documents whose bytes are kept |
//! | `document` | [`Document`]: an arena tree, for signatures and configuration |
//! | `canonical` | [`Canonicalization`]: inclusive 1.0 and 1.1, exclusive 1.0 |
//! | `encoding` | [`decode`]: from bytes to text |
//! | `escape` | [`escape_text`], [`escape_attribute`]; references and line ends |

mod attributes;
mod canonical;
mod document;
mod encoding;
mod error;
mod escape;
mod limits;
mod name;
mod namespace;
mod reader;

pub use canonical::Canonicalization;
pub use document::{Document, Node, NodeId};
pub use encoding::{Decoded, Encoding, decode, decode_as};
pub use error::Error;
pub use escape::{escape_attribute, escape_text};
pub use limits::Limits;
pub use name::XML_NAMESPACE;
pub use reader::{Attribute, Element, Event, Reader};
