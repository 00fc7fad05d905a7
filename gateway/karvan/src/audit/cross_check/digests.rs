//! What is compared of a message: digests over what both sides must hold alike.

use certs_keys::{Digest, DigestAlgorithm, Hasher};
use gateway_messagelog::Record;

use crate::audit::show;

/// Which exchange it is of.
pub(super) fn exchange(record: &Record) -> Digest {
    let mut hasher = Parts::default();
    hasher.part(show::protocol(record.protocol).as_bytes());
    hasher.part(record.client.to_string().as_bytes());
    hasher.part(record.service.to_string().as_bytes());
    hasher.part(record.message_id.as_bytes());
    hasher.part(record.request_id.as_deref().unwrap_or_default().as_bytes());
    hasher.finish()
}

/// Both sides log the message, every attachment and the seal as they travelled. Of a body that is
/// not kept there is the digest.
pub(super) fn octets(record: &Record) -> Digest {
    let mut hasher = Parts::default();
    let message = record
        .message_digest
        .unwrap_or_else(|| Digest::of(DigestAlgorithm::Sha512, &record.message));
    hasher.part(message.as_bytes());
    for (_, content) in &record.attachments {
        hasher.part(content.digest().as_bytes());
    }
    hasher.part(&record.signature);
    hasher.part(record.hash_chain_result.as_deref().unwrap_or_default());
    hasher.part(record.hash_chain.as_deref().unwrap_or_default());
    hasher.finish()
}

/// A hash over parts, each with its length.
struct Parts(Hasher);

impl Default for Parts {
    fn default() -> Self {
        Self(Hasher::new(DigestAlgorithm::Sha256))
    }
}

impl Parts {
    fn part(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(&length.to_be_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> Digest {
        self.0.finish()
    }
}
