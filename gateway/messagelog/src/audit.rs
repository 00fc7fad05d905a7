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

mod exchange;
mod history;
mod verdict;
mod verify;

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gateway_store::segment::{Damage, Position, Scan};

use self::exchange::Exchanges;
pub(crate) use self::history::Keeper;
pub use self::history::{ConfHistory, InUse};
pub use self::verdict::{Check, Outcome, Part, Signer, Subject, Verdict};
pub use self::verify::verify;
use crate::bodies::Bodies;
use crate::record::decode;
use crate::{Entry, Error, Logged, Refusal, log};

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
        let segments = dir.join(log::SEGMENTS);
        std::fs::read_dir(&segments).map_err(|source| Error::content("list", &segments, source))?;
        Ok(Self {
            dir: dir.to_owned(),
            bodies: Bodies::at(&dir.join(log::BODIES)),
        })
    }

    /// All entries in order, as of now.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn entries(&self) -> Result<Entries, Error> {
        let scan = Scan::open(&self.dir.join(log::SEGMENTS))?;
        Ok(Entries {
            scan,
            bodies: self.bodies.clone(),
        })
    }

    /// All entries with this query id or REST request id, in order. What cannot be read is passed
    /// over here: [`Self::audit`] names it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(&self, id: &str) -> Result<Vec<Logged>, Error> {
        let mut found = Vec::new();
        for entry in self.entries()? {
            match entry {
                Ok(logged) if has_id(&logged.entry, id) => found.push(logged),
                Ok(_) | Err(Unreadable::Damage(_) | Unreadable::Entry { .. }) => {}
                Err(Unreadable::Failed(error)) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The configurations kept beside the log.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn history(&self) -> Result<ConfHistory, Error> {
        ConfHistory::open(&self.dir)
    }

    /// Checks everything, step by step as it is asked for.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn audit<'h>(&self, history: &'h ConfHistory) -> Result<Audit<'h>, Error> {
        Ok(Audit {
            entries: self.entries()?,
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
    /// Reading failed: nothing follows.
    Failed(Error),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(damage) => write!(f, "the log is damaged: {damage}"),
            Self::Entry { position, .. } => {
                write!(f, "record {} cannot be read", position.ordinal)
            }
            Self::Failed(_) => f.write_str("the log cannot be read any further"),
        }
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Damage(_) => None,
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
            Err(error) => Err(Unreadable::Failed(error.into())),
        })
    }
}

/// Goes through a whole log; each step judges one entry.
#[derive(Debug)]
pub struct Audit<'h> {
    entries: Entries,
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
    /// Nothing that could be judged.
    Unreadable(Unreadable),
}

impl Finding {
    /// Everything is as it should be.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Message(verdict) => verdict.holds(),
            Self::Refusal { .. } => true,
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
}

impl Iterator for Audit<'_> {
    type Item = Finding;

    fn next(&mut self) -> Option<Self::Item> {
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
                Finding::Message(Box::new(verdict))
            }
            Ok(Logged {
                position,
                entry: Entry::Refusal(refusal),
            }) => Finding::Refusal {
                position,
                refusal: Box::new(refusal),
            },
            Err(unreadable) => {
                if let Unreadable::Damage(damage) = &unreadable {
                    self.flaw = Some(*damage);
                }
                Finding::Unreadable(unreadable)
            }
        })
    }
}

/// Whether an entry has this query id or REST request id.
pub(crate) fn has_id(entry: &Entry, id: &str) -> bool {
    let request_id = match entry {
        Entry::Message(record) => record.request_id.as_deref(),
        Entry::Refusal(_) => None,
    };
    entry.message_id() == Some(id) || request_id == Some(id)
}
