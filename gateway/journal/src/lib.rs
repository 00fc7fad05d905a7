//! The access journal of a node: who asked about whom and why, found by person under keyed hashes; and
//! what limits of rules and consents have been used up.
//!
//! It is derived from the message log: a task of the node reads new records and applies them here in
//! batches, so after a crash it goes on where it stopped. It knows no sockets, no clock and no log.
//!
//! A FIN never stands in it. A person is found under HMAC-SHA-256 with keys of the node; when they rotate, old
//! keys stay as long as entries under them do. Who can read the file and the keys can test guesses.

mod error;
mod quota;

use std::path::Path;
use std::sync::Arc;

use certs_keys::SecretKey;
use gateway_policy::basis::Quota;
use gateway_policy::person::PersonKey;
use jiff::Timestamp;

pub use error::Error;
pub use quota::{Exceeded, Reservation};

/// The journal; handles are cheap to clone and share it.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    keys: Keys,
}

/// Keys of the hashes: new entries are made with the current one, look-ups try all.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Number and key; the last is the current one. Never empty.
    keys: Vec<(u32, SecretKey)>,
}

/// A person under a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonMark {
    /// Which of the keys.
    pub key: u32,
    /// The first 16 octets of HMAC-SHA-256 over kind and value.
    pub mark: [u8; 16],
}

impl Keys {
    /// A set of keys; the last is the current one.
    ///
    /// # Errors
    /// When there is none, or a number stands twice.
    pub fn new(keys: Vec<(u32, SecretKey)>) -> Result<Self, Error> {
        Ok(Self { keys })
    }
}

impl Journal {
    /// Opens or creates the journal in this file, which one process owns.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open(path: &Path, keys: Keys) -> Result<Self, Error> {
        let _ = path;
        Ok(Self {
            inner: Arc::new(Inner { keys }),
        })
    }

    /// A person under the current key.
    #[must_use]
    pub fn mark(&self, person: &PersonKey) -> PersonMark {
        let _ = (person, &self.inner.keys.keys);
        todo!()
    }

    /// Takes one use of each quota, or none: what was used within its time, in the log or by exchanges
    /// on their way, must leave room. Two that race for the last use do not both get it.
    ///
    /// # Errors
    /// The first quota that is used up, or that the store cannot be read.
    pub fn reserve(&self, quotas: &[Quota], now: Timestamp) -> Result<Reservation, Exceeded> {
        let _ = (quotas, now);
        todo!()
    }
}
