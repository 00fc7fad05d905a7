//! What a signature is made over, and what travels.

use bytes::Bytes;
use certs_keys::Digest;

use crate::names::{MESSAGE_URI, attachment_uri};

/// What one message contributes: the digest of `/message.xml`, then of `/attachment1`,
/// `/attachment2`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Of the SOAP envelope or the REST block, octet by octet as transmitted.
    pub message: Digest,
    /// Of the attachments as transmitted, or of the REST body.
    pub attachments: Vec<Digest>,
}

/// The three texts that travel and are logged, as exact octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The signature document.
    pub signature: Bytes,
    /// `(result, chain)` for the batch form.
    pub chain: Option<(Bytes, Bytes)>,
}

impl Parts {
    /// A message without attachments.
    pub const fn of_message(message: Digest) -> Self {
        Self {
            message,
            attachments: Vec::new(),
        }
    }

    /// The digests with the names by which a hash chain refers to them.
    pub fn inputs(&self) -> Vec<(String, Digest)> {
        let attachments = self.attachments.iter().enumerate();
        std::iter::once((MESSAGE_URI.to_owned(), self.message))
            .chain(attachments.map(|(index, digest)| (attachment_uri(index), *digest)))
            .collect()
    }
}
