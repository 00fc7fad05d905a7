//! The keys of the journal's hashes: `journal/keys`, for the node's user only.
//!
//! ```json
//! {"format": "karvan-journal-keys/1", "salt": "hex",
//!  "keys": [{"number": 1, "made": "2026-01-01T00:00:00Z", "sealed": "hex"}]}
//! ```
//!
//! Each key is sealed under what PIN and salt make, bound to its number and date; the last is the
//! current one. The file is replaced as a whole, and a key is in it before anything is marked with it.
//! Without it the journal cannot be searched, and quotas cannot be counted: so it is never made anew
//! for a journal that exists.

use std::path::{Path, PathBuf};

use certs_keys::{Pin, SecretKey, random_bytes};
use gateway_journal::Keys;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::config::{Loaded, node as file};

/// The keys and the way to keep them.
#[derive(Debug)]
pub(in crate::node) struct Ring {
    path: PathBuf,
    salt: [u8; 16],
    under: SecretKey,
    keys: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    number: u32,
    made: Timestamp,
    key: SecretKey,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    salt: String,
    keys: Vec<Sealed>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    number: u32,
    made: Timestamp,
    sealed: String,
}

impl Ring {
    /// Reads the keys; makes the first one when there is no journal yet.
    pub(super) fn open(
        config: &Loaded<file::Node>,
        path: &Path,
        pin: &Pin,
        has_journal: bool,
        now: Timestamp,
    ) -> Result<Self, Error> {
        match path.exists() {
            true => {
                let text = config.secret("data_dir", path, BYTES_MAX);
                Self::read(path, &text.map_err(Error::Config)?, pin)
            }
            false if has_journal => Err(Error::Keys {
                path: path.to_owned(),
                reason: "the file is gone, and without it the journal beside it cannot be \
                         searched: bring it back from a backup; or move journal.redb away, and the \
                         node begins both anew from what is left in the message log"
                    .to_owned(),
            }),
            false => Self::make(path, pin, now),
        }
    }

    fn make(path: &Path, pin: &Pin, now: Timestamp) -> Result<Self, Error> {
        let salt = random_bytes();
        let mut ring = Self {
            path: path.to_owned(),
            salt,
            under: SecretKey::from_pin(pin, &salt),
            keys: Vec::new(),
        };
        ring.add(now)?;
        tracing::info!(path = %path.display(), "made a key for the journal");
        Ok(ring)
    }

    fn read(path: &Path, text: &str, pin: &Pin) -> Result<Self, Error> {
        let unusable = |reason: &str| Error::Keys {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let document: Document =
            serde_json::from_str(text).map_err(|error| unusable(&error.to_string()))?;
        if document.format != FORMAT {
            return Err(unusable("it is of another format"));
        }
        let mut salt = [0; 16];
        hex::decode_to_slice(&document.salt, &mut salt)
            .map_err(|_| unusable("the salt is not of 32 hexadecimal digits"))?;
        let under = SecretKey::from_pin(pin, &salt);
        let mut keys = Vec::with_capacity(document.keys.len());
        for Sealed {
            number,
            made,
            sealed,
        } in document.keys
        {
            let sealed = hex::decode(sealed).map_err(|_| unusable("a key is no hex"))?;
            let key = SecretKey::from_sealed(&sealed, &under, &bound(number, made))
                .map_err(|_| unusable("a key does not open with this PIN, or was changed"))?;
            keys.push(Kept { number, made, key });
        }
        Ok(Self {
            path: path.to_owned(),
            salt,
            under,
            keys,
        })
    }

    /// As the journal takes them.
    pub(in crate::node) fn keys(&self) -> Result<Keys, Error> {
        let keys = self.keys.iter();
        Keys::new(keys.map(|kept| (kept.number, kept.key.clone())).collect())
            .map_err(Error::Journal)
    }

    /// Whether the current key has become old enough. A clock that was set back makes no key.
    pub(super) fn is_due(&self, after: SignedDuration, now: Timestamp) -> bool {
        self.keys
            .last()
            .is_none_or(|current| now.duration_since(current.made) >= after)
    }

    /// Makes a new current key; it is on disk when this is `Ok`.
    pub(super) fn add(&mut self, now: Timestamp) -> Result<(), Error> {
        let numbers = self.keys.iter().map(|kept| kept.number);
        let number = numbers.max().unwrap_or(0).saturating_add(1);
        self.keys.push(Kept {
            number,
            made: now,
            key: SecretKey::generate(),
        });
        let written = self.write();
        if written.is_err() {
            self.keys.pop();
        }
        written
    }

    /// Forgets those of these keys that have not been current for some days: until then something
    /// may be on its way that was marked with them. Tells whether there were any.
    pub(super) fn remove(&mut self, unused: &[u32], now: Timestamp) -> Result<bool, Error> {
        let before = self.keys.clone();
        let successors = before.iter().skip(1).map(|next| next.made);
        let retired: Vec<u32> = before
            .iter()
            .zip(successors)
            .filter(|(kept, successor)| {
                unused.contains(&kept.number) && now.duration_since(*successor) >= RETIRED_MIN
            })
            .map(|(kept, _)| kept.number)
            .collect();
        if retired.is_empty() {
            return Ok(false);
        }
        self.keys.retain(|kept| !retired.contains(&kept.number));
        if let Err(error) = self.write() {
            self.keys = before;
            return Err(error);
        }
        Ok(true)
    }

    fn write(&self) -> Result<(), Error> {
        let failed = |reason: String| Error::Keys {
            path: self.path.clone(),
            reason,
        };
        let mut keys = Vec::with_capacity(self.keys.len());
        for Kept { number, made, key } in &self.keys {
            let sealed = key
                .to_sealed(&self.under, &bound(*number, *made))
                .map_err(|error| failed(error.to_string()))?;
            keys.push(Sealed {
                number: *number,
                made: *made,
                sealed: hex::encode(sealed),
            });
        }
        let document = Document {
            format: FORMAT.to_owned(),
            salt: hex::encode(self.salt),
            keys,
        };
        let text =
            serde_json::to_vec_pretty(&document).map_err(|error| failed(error.to_string()))?;
        gateway_store::file::replace_secret(&self.path, &text)
            .map_err(|error| failed(error.to_string()))
    }
}

/// What a sealed key is bound to.
fn bound(number: u32, made: Timestamp) -> Vec<u8> {
    format!("{FORMAT} {number} {made}").into_bytes()
}

const FORMAT: &str = "karvan-journal-keys/1";
/// Some two thousand keys.
const BYTES_MAX: u64 = 512 * 1024;
const RETIRED_MIN: SignedDuration = SignedDuration::from_hours(48);

#[cfg(test)]
mod tests;
