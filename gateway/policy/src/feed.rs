//! The signed feed of the registry: which consents no longer hold, which cases are open.
//!
//! ```text
//! GET /karvan/v1/feed?after=41&wait=25          answered at once when there is news, else after so many seconds
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

use std::collections::HashMap;
use std::fmt;

use gateway_proto::id::ClientId;
use gateway_tlog::note::{Signer, Verifier};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::person::PersonKey;

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
#[derive(Clone, Debug)]
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

impl State {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        todo!()
    }

    /// The number of the last entry held.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The chain hash there.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// When the registry last said that this is all; `None`: never since the start.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// Checks that the page follows, without taking it.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub fn check(&self, page: &Page) -> Result<(), Error> {
        let _ = page;
        todo!()
    }

    /// Takes a page that follows.
    ///
    /// # Errors
    /// [`Error::Chain`]; nothing has changed then.
    pub fn apply(&mut self, page: &Page) -> Result<(), Error> {
        let _ = page;
        todo!()
    }

    /// Forgets what has ended by itself.
    pub fn forget_ended(&mut self, now: Timestamp) {
        let _ = now;
        todo!()
    }

    /// How a consent stands.
    #[must_use]
    pub fn consent(&self, id: Uuid) -> Standing {
        let _ = (id, &self.consents);
        todo!()
    }

    /// How a case stands for these persons: [`CaseStanding::Open`] only if all of them are of it.
    #[must_use]
    pub fn case(
        &self,
        client: &ClientId,
        case: &str,
        persons: &[PersonKey],
        now: Timestamp,
    ) -> CaseStanding {
        let _ = (client, case, persons, now, &self.cases);
        todo!()
    }
}

impl Page {
    /// Reads a page and verifies its head.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn verify(
        bytes: &[u8],
        key: &Verifier,
        instance: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let _ = (bytes, key, instance, now);
        todo!()
    }

    /// Whether there is nothing behind it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Its entries with their lines, to be kept.
    #[must_use]
    pub fn entries(&self) -> &[(Entry, Vec<u8>)] {
        &self.entries
    }

    /// When it was signed.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }
}

/// Makes a page: the head at the last of these lines, signed, and the lines.
///
/// # Errors
/// When the key's name cannot stand in a note.
pub fn make_page(
    instance: &str,
    number: u64,
    hash: &[u8; 32],
    complete: bool,
    lines: &[Vec<u8>],
    signer: &Signer,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    let _ = (instance, number, hash, complete, lines, signer, now);
    todo!()
}

/// The line of an entry: canonical JSON, without line end.
///
/// # Errors
/// [`Error::Form`] when a number in it has no canonical form.
pub fn line(entry: &Entry) -> Result<Vec<u8>, Error> {
    let _ = entry;
    todo!()
}

/// The chain hash of nothing.
#[must_use]
pub fn chain_start() -> [u8; 32] {
    todo!()
}

/// The chain hash behind a line.
#[must_use]
pub fn chain_next(hash: &[u8; 32], line: &[u8]) -> [u8; 32] {
    let _ = (hash, line);
    todo!()
}

/// What a case is called in the feed: SHA-256 over client and case number, length-prefixed.
#[must_use]
pub fn case_digest(client: &ClientId, case: &str) -> [u8; 32] {
    let _ = (client, case);
    todo!()
}

/// The mark of a person in a case: the first 16 bits of HMAC-SHA-256 under its salt.
#[must_use]
pub fn person_mark(salt: &[u8], person: &PersonKey) -> u16 {
    let _ = (salt, person);
    todo!()
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
                write!(f, "the page says it was signed in the future, at {signed_at}")
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
