//! REST r1 messages: serialised requests and responses (PR-REST, PR-MESSTRANSP 3.2).
//!
//! A message is its *block*, the text that is hashed, signed, sent and logged:
//!
//! ```text
//! METHOD CRLF                          STATUS CRLF
//! PATH [ "?" QUERY ] CRLF              REASON CRLF
//! *( NAME ":" VALUE CRLF )             *( NAME ":" VALUE CRLF )
//! ```
//!
//! There is no blank after the colon and no empty line at the end. The body travels beside it.

mod block;
mod error;
mod request;
mod response;

use certs_keys::{Digest, DigestAlgorithm, Hasher};

pub use error::Error;
pub use request::Request;
pub use response::Response;

/// What binds a response to its request: the digest of the request's block or, when the request
/// has a body part (even an empty one), SHA-512 over the digests of block and body (PR-REST 4.3).
pub fn request_hash(block_digest: &Digest, body_digest: Option<&Digest>) -> Digest {
    match body_digest {
        None => *block_digest,
        Some(body_digest) => {
            let mut hasher = Hasher::new(DigestAlgorithm::Sha512);
            hasher.update(block_digest.as_bytes());
            hasher.update(body_digest.as_bytes());
            hasher.finish()
        }
    }
}

/// Whether a logged block is a response: responses begin with the digit of their status.
pub fn is_response(block: &[u8]) -> bool {
    matches!(block.first(), Some(b'1'..=b'9'))
}

#[cfg(test)]
mod tests;
