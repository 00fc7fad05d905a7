//! Reading and checking a log without owning it: offline, with nothing but its folder.
//!
//! [`Reader`] reads entries; [`verify`] judges one message by itself; [`Audit`] goes through a whole
//! log, judges every message, binds responses to their requests, and names every place where the log
//! is damaged. What is found is data: whoever called prints it.
//!
//! * `history`: the configurations under which messages were judged, kept and found again
//! * `verdict`: what was checked, and what came out
//! * `verify`: the checks on one message
//! * `exchange`: the checks between request and response
//! * `stamps`: the checks on time stamps
//! * `search`: finding entries by ids, parties, time and case

mod exchange;
mod history;
mod search;
mod stamps;
mod verdict;
mod verify;

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gateway_store::segment::{Damage, Position, Scan};
use jiff::Timestamp;

use self::exchange::Exchanges;
pub(crate) use self::history::Keeper;
pub use self::history::{ConfHistory, InUse};
pub use self::search::{Filter, Matches};
use self::stamps::Ahead;
pub use self::verdict::{Check, Outcome, Part, Signer, Subject, TimeStamp, Verdict};
pub use self::verify::verify;
use crate::bodies::Bodies;
use crate::protection::sha256;
use crate::record::{decode, decode_plain};
pub use crate::tree::{Checked, Offline as Tree};
use crate::{Entry, Error, Logged, Protection, Record, Refusal, Stamp, log, protection, record};

/// A log being read.
#[derive(Clone, Debug)]
pub struct Reader {
    dir: PathBuf,
    bodies: Bodies,
}

impl Reader {
    /// The log in `dir`, the folder that was given to [`crate::MessageLog::open`]. A node may be
    /// writing it meanwhile.
    ///
    /// # Errors
    /// There is no log in the folder.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_with(dir, None)
    }

    /// The same with the keys of a sealed log. What is sealed with others comes as
    /// [`Unreadable::Entry`].
    ///
    /// # Errors
    /// There is no log in the folder.
    pub fn open_with(dir: &Path, protection: Option<Protection>) -> Result<Self, Error> {
        let segments = dir.join(log::SEGMENTS);
        std::fs::read_dir(&segments).map_err(|source| Error::content("list", &segments, source))?;
        Ok(Self {
            dir: dir.to_owned(),
            bodies: Bodies::at(&dir.join(log::BODIES), protection),
        })
    }

    /// All entries in order, as of now.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn entries(&self) -> Result<Entries, Error> {
        Ok(self.entries_of(Scan::open(&self.dir.join(log::SEGMENTS))?))
    }

    fn entries_of(&self, scan: Scan) -> Entries {
        Entries {
            scan,
            bodies: self.bodies.clone(),
        }
    }

    /// The configurations kept beside the log.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn history(&self) -> Result<ConfHistory, Error> {
        ConfHistory::open(&self.dir)
    }

    /// As [`verify`], with the time stamp of the message, which is looked for behind it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn verify(
        &self,
        position: Position,
        record: &Record,
        history: &ConfHistory,
    ) -> Result<Verdict, Error> {
        let mut verdict = verify(position, record, history);
        let scan = Scan::open_from(&self.dir.join(log::SEGMENTS), position)?;
        let mut ahead = Ahead::new(scan, self.bodies.protection().cloned());
        ahead.check(record, &mut verdict, history);
        Ok(verdict)
    }

    /// The bytes stored at a place: what a proof is about.
    ///
    /// # Errors
    /// They cannot be read, or were erased.
    pub fn stored(&self, position: Position) -> Result<Bytes, Error> {
        let mut scan = Scan::open_from(&self.dir.join(log::SEGMENTS), position)?;
        match scan.next() {
            Some(Ok((found, bytes))) if found.ordinal == position.ordinal => Ok(bytes),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(_)) | None => Err(Error::malformed("there is no such entry")),
        }
    }

    /// The bytes behind the seal; the same bytes when there is none.
    ///
    /// # Errors
    /// They are no entry, or do not open with the keys of this reader.
    pub fn plain(&self, stored: &Bytes) -> Result<Bytes, Error> {
        plain(stored, self.bodies.protection())
    }

    /// The time stamp over the message at a place, which is looked for behind it; `None`: it waits
    /// for one.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn stamp_of(&self, position: Position) -> Result<Option<Stamp>, Error> {
        let scan = Scan::open_from(&self.dir.join(log::SEGMENTS), position)?;
        for entry in scan {
            let bytes = match entry {
                Ok((_, bytes)) => bytes,
                Err(gateway_store::Error::Damaged(_) | gateway_store::Error::Erased { .. }) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Ok(Some(stamp)) = record::stamp(&bytes, self.bodies.protection()) else {
                continue;
            };
            let ordinal = position.ordinal;
            if stamp
                .covers
                .iter()
                .any(|covered| covered.ordinal == ordinal)
            {
                return Ok(Some(stamp));
            }
            // Time stamps cover messages in order: no later one covers it.
            if stamp
                .covers
                .last()
                .is_some_and(|last| last.ordinal > ordinal)
            {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Checks everything, step by step as it is asked for.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn audit<'h>(&self, history: &'h ConfHistory) -> Result<Audit<'h>, Error> {
        Ok(Audit {
            entries: self.entries()?,
            stamps: Ahead::open(
                &self.dir.join(log::SEGMENTS),
                self.bodies.protection().cloned(),
            )?,
            history,
            exchanges: Exchanges::default(),
            flaw: None,
        })
    }
}

/// The entries of a log in order. What cannot be read comes in its place, and the rest follows.
#[derive(Debug)]
pub struct Entries {
    scan: Scan,
    bodies: Bodies,
}

/// Why there is no entry at a place.
#[derive(Clone, Debug)]
pub enum Unreadable {
    /// The log is damaged there.
    Damage(Damage),
    /// The record is whole, but not understood, or the file of a content is missing.
    Entry {
        /// Where.
        position: Position,
        /// Why.
        error: Error,
    },
    /// It was erased by retention: that is no damage.
    Erased {
        /// Where.
        position: Position,
        /// SHA-256 of what was stored there.
        digest: [u8; 32],
    },
    /// Reading failed: nothing follows.
    Failed(Error),
}

impl Unreadable {
    /// The number of the entry, when that is known.
    #[must_use]
    pub fn ordinal(&self) -> Option<u64> {
        match self {
            Self::Damage(damage) => damage.ordinal,
            Self::Entry { position, .. } | Self::Erased { position, .. } => Some(position.ordinal),
            Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(damage) => write!(f, "the log is damaged: {damage}"),
            Self::Entry { position, .. } => {
                write!(f, "record {} cannot be read", position.ordinal)
            }
            Self::Erased { position, .. } => write!(f, "record {} was erased", position.ordinal),
            Self::Failed(_) => f.write_str("the log cannot be read any further"),
        }
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Damage(_) | Self::Erased { .. } => None,
            Self::Entry { error, .. } | Self::Failed(error) => Some(error),
        }
    }
}

impl Entries {
    /// How far reading has come: (bytes done, bytes in all).
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.scan.bytes_done(), self.scan.bytes_total())
    }

    fn decoded(&self, position: Position, bytes: &Bytes) -> Result<Logged, Unreadable> {
        decode(bytes, &self.bodies)
            .map(|entry| Logged { position, entry })
            .map_err(|error| Unreadable::Entry { position, error })
    }
}

impl Iterator for Entries {
    type Item = Result<Logged, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.scan.next()? {
            Ok((position, bytes)) => self.decoded(position, &bytes),
            Err(gateway_store::Error::Damaged(damage)) => Err(Unreadable::Damage(damage)),
            Err(gateway_store::Error::Erased { position, digest }) => {
                Err(Unreadable::Erased { position, digest })
            }
            Err(error) => Err(Unreadable::Failed(error.into())),
        })
    }
}

/// Goes through a whole log; each step judges one entry.
#[derive(Debug)]
pub struct Audit<'h> {
    entries: Entries,
    stamps: Ahead,
    history: &'h ConfHistory,
    exchanges: Exchanges,
    /// Damage told of the record that comes next.
    flaw: Option<Damage>,
}

/// What an audit found at one place.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A message, judged.
    Message(Box<Verdict>),
    /// A refusal: nothing in it is signed.
    Refusal {
        /// Where.
        position: Position,
        /// What was noted.
        refusal: Box<Refusal>,
    },
    /// A time stamp.
    Stamp {
        /// Where.
        position: Position,
        /// What it covers.
        stamp: Box<Stamp>,
        /// The time it states; `None` when it cannot be read.
        time: Option<Timestamp>,
        /// Whether an approved authority gave it over just these messages. Of a single one whose
        /// message was erased this cannot be told.
        outcome: Outcome,
    },
    /// An entry that was erased by retention; its digest stands in the chain.
    Erased {
        /// Where.
        position: Position,
        /// SHA-256 of what was stored there.
        digest: [u8; 32],
    },
    /// Nothing that could be judged.
    Unreadable(Unreadable),
}

impl Finding {
    /// Everything is as it should be.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Message(verdict) => verdict.holds(),
            Self::Refusal { .. } | Self::Erased { .. } => true,
            Self::Stamp { outcome, .. } => !matches!(outcome, Outcome::Fails(_)),
            Self::Unreadable(_) => false,
        }
    }
}

impl Audit<'_> {
    /// How far the audit has come: (bytes done, bytes in all).
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        self.entries.progress()
    }

    /// The next finding. Of a message, somebody who knows more adds checks of his own to the verdict.
    pub fn next_with(&mut self, add: &mut dyn FnMut(&Record, &mut Verdict)) -> Option<Finding> {
        Some(match self.entries.next()? {
            Ok(Logged {
                position,
                entry: Entry::Message(record),
            }) => {
                let mut verdict = verify(position, &record, self.history);
                let flaw = self
                    .flaw
                    .take()
                    .filter(|flaw| flaw.ordinal == Some(position.ordinal));
                let outcome = match flaw {
                    None => Outcome::Holds,
                    Some(flaw) => Outcome::Fails(flaw.to_string()),
                };
                verdict.checks.insert(
                    0,
                    Check {
                        subject: Subject::Place,
                        outcome,
                    },
                );
                verdict.checks.extend(self.exchanges.check(&record));
                self.stamps.check(&record, &mut verdict, self.history);
                add(&record, &mut verdict);
                Finding::Message(Box::new(verdict))
            }
            Ok(Logged {
                position,
                entry: Entry::Refusal(refusal),
            }) => Finding::Refusal {
                position,
                refusal: Box::new(refusal),
            },
            Ok(Logged {
                position,
                entry: Entry::Stamp(stamp),
            }) => {
                let (time, outcome) = self.stamps.take(position, self.history);
                Finding::Stamp {
                    position,
                    stamp: Box::new(stamp),
                    time,
                    outcome,
                }
            }
            Err(Unreadable::Erased { position, digest }) => Finding::Erased { position, digest },
            Err(unreadable) => {
                if let Unreadable::Damage(damage) = &unreadable {
                    self.flaw = Some(*damage);
                }
                Finding::Unreadable(unreadable)
            }
        })
    }
}

impl Iterator for Audit<'_> {
    type Item = Finding;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with(&mut |_, _| {})
    }
}

/// What the leaf of a stored entry holds in the transparency log, as in the chain of the segments: the
/// SHA-256 of the stored bytes.
#[must_use]
pub fn commitment(stored: &[u8]) -> [u8; 32] {
    sha256(stored)
}

/// The plain bytes of a stored entry; the same bytes when it was not sealed.
///
/// # Errors
/// It is no entry, or does not open with these keys.
pub fn plain(stored: &Bytes, protection: Option<&Protection>) -> Result<Bytes, Error> {
    protection::plain(stored, protection)
}

/// Reads a plain entry that somebody was handed, without the log it is from. Contents that stand in
/// files of their own are withheld: of them digest and length are known.
///
/// # Errors
/// It is no entry, or a sealed one.
pub fn decode_alone(plain: &Bytes) -> Result<Entry, Error> {
    decode_plain(&protection::plain(plain, None)?, None)
}

/// Whether these are the plain bytes of this stored entry. No key is needed: a sealed entry commits to
/// them. So a stored entry that a proof names and its plain bytes can be handed to somebody who
/// checks both.
#[must_use]
pub fn check_plain(stored: &[u8], plain: &[u8]) -> bool {
    protection::belongs(stored, plain)
}

/// Whether an entry has this query id or REST request id.
pub(crate) fn has_id(entry: &Entry, id: &str) -> bool {
    let request_id = match entry {
        Entry::Message(record) => record.request_id.as_deref(),
        Entry::Refusal(_) | Entry::Stamp(_) => None,
    };
    entry.message_id() == Some(id) || request_id == Some(id)
}
