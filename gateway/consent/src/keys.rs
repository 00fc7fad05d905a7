//! The keys that the desk works with.

use certs_keys::{Ed25519Key, SecretKey};
use gateway_tlog::note::Signer;

use crate::Error;

/// The keys of a desk.
#[derive(Debug)]
pub struct Keys {
    /// Signs artefacts.
    pub consent: Ed25519Key,
    /// What artefacts call it: the `kid` in the rules.
    pub consent_kid: String,
    /// Signs the heads of the feed.
    pub feed: Signer,
    /// Under which persons are found.
    pub hash: HashKeys,
    /// Seals personal contents. Who has it and the file reads everything.
    pub seal: SecretKey,
}

/// Keys of the hashes under which persons are found: new entries are made with the current one,
/// look-ups try all.
#[derive(Clone, Debug)]
pub struct HashKeys {
    /// Number and key; the last is the current one. Never empty.
    keys: Vec<(u32, SecretKey)>,
}

impl HashKeys {
    /// A set of keys; the last is the current one.
    ///
    /// # Errors
    /// When there is none, or a number stands twice.
    pub fn new(keys: Vec<(u32, SecretKey)>) -> Result<Self, Error> {
        let mut numbers: Vec<u32> = keys.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match !keys.is_empty() && numbers.len() == keys.len() {
            true => Ok(Self { keys }),
            false => Err(Error::NoKeys),
        }
    }

    /// All of them, the current one last.
    pub(crate) fn all(&self) -> &[(u32, SecretKey)] {
        &self.keys
    }

    /// The current one.
    pub(crate) fn current(&self) -> &(u32, SecretKey) {
        #[expect(clippy::expect_used, reason = "a set without a key is not made")]
        self.keys.last().expect("there is a key")
    }
}
