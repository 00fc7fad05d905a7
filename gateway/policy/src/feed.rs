//! The signed feed of the registry: which consents no longer hold, which cases are open.
//!
//! ```text
//! GET /karvan/v1/feed?after=41&wait=25          over TLS, to registered nodes; answered at once when there is news, else after so many seconds
//!
//! karvan-feed/1                                 a signed note (C2SP signed-note): the head
//! AZ                                            instance
//! 43                                            number of the last entry given
//! Zm9v…                                         chain hash at that entry, base64
//! 2026-11-22T12:00:00Z                          when it was signed
//! complete                                      or `more`: ask on before believing the time
//!
//! — AZ-feed AbCd…
//! {"…":…}                                       behind the note: entries 42 and 43, one line each, canonical JSON
//! {"…":…}
//! ```
//!
//! The chain hash of entry *n* is SHA-256(0x01 ‖ chain hash of *n* − 1 ‖ its line), that of nothing SHA-256 of
//! nothing: a page fits what a node holds or it is refused, so nothing is missed and nothing rolled
//! back. Entries name consents by their random ids and cases by a digest. The persons of a case stand
//! in it as 16 bits each of a salted hash: enough to refuse a curious official, too little to say who.
//! The digest is under no key, for every node has to compute it, and numbers of cases can be guessed:
//! with a number and a key of a person at hand the marks tell whether he is of that case. So the feed is
//! for registered nodes and for nobody else; it is signed, and it is not public.

mod assumed;
mod page;
mod state;

use std::collections::HashMap;
use std::fmt;

use certs_keys::{Digest, DigestAlgorithm, Hasher, hmac_sha256};
use gateway_proto::id::ClientId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::json;
use crate::person::PersonKey;

pub use page::{lines_that_fit, make_page};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// 1, 2, 3 …
    pub number: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A consent does not hold for now.
    Paused {
        /// Which.
        consent: Uuid,
        /// When it ends anyway, in seconds since 1970; the entry may be forgotten then.
        ends: i64,
    },
    /// It holds again.
    Resumed {
        /// Which.
        consent: Uuid,
    },
    /// It holds no longer.
    Revoked {
        /// Which.
        consent: Uuid,
        /// When it would have ended, in seconds since 1970.
        ends: i64,
    },
    /// A case is open; again for the same case: as it is now.
    CaseOpened {
        /// [`case_digest`], in hex.
        case: String,
        /// Fresh random octets, in hex.
        salt: String,
        /// [`person_mark`] of each person.
        persons: Vec<u16>,
        /// When it ends unless closed, in seconds since 1970.
        ends: i64,
    },
    /// A case is closed.
    CaseClosed {
        /// Which, in hex.
        case: String,
    },
}

/// How a consent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The feed says nothing against it.
    Holds,
    /// Paused.
    Paused,
    /// Revoked.
    Revoked,
}

/// How a case stands, for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseStanding {
    /// Open, and the person is of it.
    Open,
    /// Open, but the person is not of it.
    OtherPersons,
    /// Not open.
    NotOpen,
}

/// A verified page. Only [`Page::verify`] makes it.
#[derive(Clone, Debug)]
pub struct Page {
    pub(crate) number: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) signed_at: Timestamp,
    pub(crate) complete: bool,
    /// Entries with their lines.
    pub(crate) entries: Vec<(Entry, Vec<u8>)>,
}

/// What a node holds of the feed.
#[derive(Clone)]
pub struct State {
    pub(crate) number: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) consents: HashMap<Uuid, (Standing, i64)>,
    pub(crate) cases: HashMap<[u8; 32], Case>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) salt: Vec<u8>,
    pub(crate) persons: Vec<u16>,
    pub(crate) ends: i64,
}

/// Why a page is not taken.
#[derive(Debug)]
pub enum Error {
    /// The note cannot be read or is not signed by the key.
    Note(gateway_tlog::note::Error),
    /// Head or entries are not of the form.
    Form,
    /// Of another instance.
    Instance,
    /// It does not follow what is held: entries missing, changed, or rolled back.
    Chain,
    /// Signed in the future.
    Future {
        /// When it says.
        signed_at: Timestamp,
    },
}

/// The line of an entry: canonical JSON, without line end.
///
/// # Errors
/// [`Error::Form`] when a number in it has no canonical form, or the entry is not of the form that
/// [`Page::verify`] asks for: digests of 64 hexadecimal digits, a salt of 16 to 32 octets, at most
/// [`CASE_PERSONS_MAX`] persons.
pub fn line(entry: &Entry) -> Result<Vec<u8>, Error> {
    match entry.event.is_of_form() {
        true => json::canonical_of(entry).map_err(|_| Error::Form),
        false => Err(Error::Form),
    }
}

/// The entry of a line, which must be the one line that the entry has.
fn read_line(bytes: &[u8]) -> Result<Entry, Error> {
    let value = json::parse(bytes, LINE_BYTES_MAX).map_err(|_| Error::Form)?;
    let entry: Entry = serde_json::from_value(value).map_err(|_| Error::Form)?;
    match line(&entry)? == bytes {
        true => Ok(entry),
        false => Err(Error::Form),
    }
}

/// The chain hash of nothing.
#[must_use]
pub fn chain_start() -> [u8; 32] {
    sha256(&[])
}

/// The chain hash behind a line.
#[must_use]
pub fn chain_next(hash: &[u8; 32], line: &[u8]) -> [u8; 32] {
    sha256(&[&[0x01], hash, line])
}

/// What a case is called in the feed: SHA-256 over client and case number, length-prefixed. White space
/// around the number is no part of it: nodes read it trimmed.
#[must_use]
pub fn case_digest(client: &ClientId, case: &str) -> [u8; 32] {
    let client = client.to_rest();
    let [client_bytes, case_bytes] = [client.as_bytes(), case.trim().as_bytes()];
    let lengths = [client_bytes, case_bytes].map(length);
    sha256(&[&lengths[0], client_bytes, &lengths[1], case_bytes])
}

/// The mark of a person in a case: the first 16 bits of HMAC-SHA-256 under its salt.
#[must_use]
pub fn person_mark(salt: &[u8], person: &PersonKey) -> u16 {
    let [kind, value] = [person.kind().code(), person.reveal()].map(str::as_bytes);
    let [first, second, ..] = hmac_sha256(salt, &[&length(kind)[..], kind, value].concat());
    u16::from_be_bytes([first, second])
}

fn length(bytes: &[u8]) -> [u8; 8] {
    // No machine has more than 64 bits of address.
    u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    parts.iter().for_each(|part| hasher.update(part));
    digest_bytes(&hasher.finish())
}

fn digest_bytes(digest: &Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    let octets = bytes.iter_mut().zip(digest.as_bytes());
    octets.for_each(|(to, from)| *to = *from);
    bytes
}

impl Event {
    fn is_of_form(&self) -> bool {
        match self {
            Self::Paused { .. } | Self::Resumed { .. } | Self::Revoked { .. } => true,
            Self::CaseClosed { case } => read_digest(case).is_some(),
            Self::CaseOpened {
                case,
                salt,
                persons,
                ..
            } => {
                read_digest(case).is_some()
                    && read_salt(salt).is_some()
                    && persons.len() <= CASE_PERSONS_MAX
            }
        }
    }
}

/// 32 octets in lower-case hexadecimal.
fn read_digest(text: &str) -> Option<[u8; 32]> {
    read_hex(text)?.try_into().ok()
}

fn read_salt(text: &str) -> Option<Vec<u8>> {
    read_hex(text).filter(|salt| (SALT_BYTES_MIN..=SALT_BYTES_MAX).contains(&salt.len()))
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    hex::decode(text).ok().filter(|_| is_lower)
}

/// There may be a hundred thousand.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("number", &self.number)
            .field("as_of", &self.as_of)
            .field("consents", &self.consents.len())
            .field("cases", &self.cases.len())
            .finish_non_exhaustive()
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(_) => f.write_str("the head of the feed is not signed as it must be"),
            Self::Form => f.write_str("the page of the feed is not of the form expected"),
            Self::Instance => f.write_str("the feed is of another instance"),
            Self::Chain => f.write_str("the page does not follow what is held of the feed"),
            Self::Future { signed_at } => {
                write!(
                    f,
                    "the page says it was signed in the future, at {signed_at}"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Note(error) => Some(error),
            Self::Form | Self::Instance | Self::Chain | Self::Future { .. } => None,
        }
    }
}

/// A clock of the registry may be this far ahead. Seconds.
pub const AHEAD_SECONDS_MAX: i64 = 60;
/// Entries in one page at most.
pub const PAGE_ENTRIES_MAX: usize = 10_000;
/// The longest page read. Bytes.
pub const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Persons of one case at most.
pub const CASE_PERSONS_MAX: usize = 256;
/// The longest line of an entry; that of a case with all its persons is shorter. Bytes.
const LINE_BYTES_MAX: usize = 4096;
/// The shortest salt of a case. Bytes.
const SALT_BYTES_MIN: usize = 16;
/// The longest salt of a case. Bytes.
const SALT_BYTES_MAX: usize = 32;

#[cfg(test)]
mod tests;
