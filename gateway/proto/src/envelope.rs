//! The node-to-node message: part order, receiver, writer (PR-MESSTRANSP 3).
//!
//! One HTTP body holds OCSP responses (requests only), the SOAP or REST message, its attachments
//! or body, a hash chain where one is needed, and the signature, as `multipart/mixed`. The decoder
//! keeps the order of parts and the limits; what the parts mean is judged by others.

mod decoder;
mod encoder;
mod error;

use std::fmt;

use bytes::Bytes;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{Error, What};

use crate::fault::Fault;
use crate::mime::Headers;

/// What a receiver sees, in wire order. Small parts come whole, bounded by
/// [`Limits`](crate::Limits); bodies and attachments stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// An OCSP response (DER) for a certificate of the sender's TLS chain, leaf first.
    Ocsp(Bytes),
    /// The SOAP part: a message or a Fault, not yet parsed.
    Soap {
        /// Its Content-Type value, verbatim.
        content_type: String,
        /// All its headers, the Content-Type included (a Content-ID belongs to the message).
        headers: Headers,
        /// The envelope, exactly as hashed and signed.
        bytes: Bytes,
    },
    /// The serialised REST request.
    RestRequest(Bytes),
    /// The serialised REST response.
    RestResponse(Bytes),
    /// A REST body or one SOAP attachment begins; the headers of the part.
    ContentStart(Headers),
    /// Some of its bytes.
    ContentData(Bytes),
    /// It is complete.
    ContentEnd,
    /// The hash chain result document.
    HashChainResult(Bytes),
    /// The hash chain document.
    HashChain(Bytes),
    /// The signature document.
    Signature(Bytes),
    /// A fault in place of the signature.
    Fault(Fault),
    /// All parts were seen.
    End,
}

/// Shows sizes, not contents: bodies are about persons.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sized = |name, bytes: &Bytes| f.debug_tuple(name).field(&bytes.len()).finish();
        match self {
            Self::Ocsp(bytes) => sized("Ocsp", bytes),
            Self::Soap { bytes, .. } => sized("Soap", bytes),
            Self::RestRequest(bytes) => sized("RestRequest", bytes),
            Self::RestResponse(bytes) => sized("RestResponse", bytes),
            Self::ContentStart(headers) => f.debug_tuple("ContentStart").field(headers).finish(),
            Self::ContentData(bytes) => sized("ContentData", bytes),
            Self::ContentEnd => f.write_str("ContentEnd"),
            Self::HashChainResult(bytes) => sized("HashChainResult", bytes),
            Self::HashChain(bytes) => sized("HashChain", bytes),
            Self::Signature(bytes) => sized("Signature", bytes),
            Self::Fault(fault) => f.debug_tuple("Fault").field(fault).finish(),
            Self::End => f.write_str("End"),
        }
    }
}

/// Content types of the parts.
mod part_type {
    pub(super) const OCSP: &str = "application/ocsp-response";
    pub(super) const REST_REQUEST: &str = "application/x-road-rest-request";
    pub(super) const REST_RESPONSE: &str = "application/x-road-rest-response";
    pub(super) const REST_BODY: &str = "application/x-road-rest-body";
    pub(super) const HASH_CHAIN_RESULT: &str = "application/hash-chain-result";
    pub(super) const HASH_CHAIN: &str = "application/hash-chain";
    pub(super) const SIGNATURE: &str = "signature/bdoc-1.0/ts";
    pub(super) const MULTIPART_MIXED: &str = "multipart/mixed";
    pub(super) const TEXT_XML: &str = "text/xml";
    pub(super) const XOP_XML: &str = "application/xop+xml";
}

#[cfg(test)]
mod tests;
