//! What the tree of a log could not do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateway_store::segment::Damage;
use gateway_tlog::Hash;

use crate::bodies::hex;

/// Why the tree refused or failed.
#[derive(Clone, Debug)]
pub enum Error {
    /// The log no longer gives the tree that was signed: records were removed or changed. Nothing was
    /// overwritten.
    Fork {
        /// The file with the checkpoint.
        path: PathBuf,
        /// The size that was signed.
        size: u64,
        /// The root that was signed.
        signed: Hash,
        /// The root of so many records of the log; `None` when there are not so many.
        computed: Option<Hash>,
        /// How many records the log has.
        records: u64,
    },
    /// A checkpoint is not one of this log: it has another origin, or another key signed it.
    OtherLog {
        /// The file with the checkpoint.
        path: PathBuf,
        /// The origin it names.
        found: String,
        /// The name of the key, or the origin, that was expected.
        expected: String,
        /// What does not fit.
        reason: String,
    },
    /// A checkpoint cannot be read.
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no checkpoint yet.
    NoCheckpoint {
        /// The file that should hold it.
        path: PathBuf,
    },
    /// The digest of a record is nowhere: the record is damaged, and its tile is missing.
    LeafMissing {
        /// The number of the record.
        ordinal: u64,
        /// What is wrong with the record, if the log says so.
        damage: Option<Damage>,
    },
    /// A tile is damaged, and the records no longer give what was in it: the log was changed.
    Changed {
        /// The first record of the tile.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// There is no such record or older tree.
    OutsideTree {
        /// The record, or the size of the older tree.
        asked: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A proof that was made does not hold. It was not handed out.
    ProofRefused {
        /// What was found.
        reason: String,
    },
    /// What should be a cosignature cannot be read, or the checkpoint under it is not ours.
    Cosignature {
        /// What is wrong.
        reason: String,
    },
    /// A file of the tree cannot be written or read.
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The segments cannot be read.
    Store(gateway_store::Error),
    /// The tree is no longer kept: the process is shutting down.
    Stopped,
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    /// The disk, or the quota on it, is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            Self::Store(source) => source.is_disk_full(),
            Self::Fork { .. }
            | Self::OtherLog { .. }
            | Self::Checkpoint { .. }
            | Self::NoCheckpoint { .. }
            | Self::LeafMissing { .. }
            | Self::Changed { .. }
            | Self::OutsideTree { .. }
            | Self::ProofRefused { .. }
            | Self::Cosignature { .. }
            | Self::Stopped => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork {
                path,
                size,
                signed,
                computed,
                records,
            } => {
                write!(
                    f,
                    "the checkpoint {} of {size} records with root {} cannot be reproduced: ",
                    path.display(),
                    hex(signed)
                )?;
                match computed {
                    Some(computed) => write!(
                        f,
                        "these records of the log have root {}, so some were changed",
                        hex(computed)
                    ),
                    None => write!(
                        f,
                        "the log has {records} records only, so some were removed"
                    ),
                }
            }
            Self::OtherLog {
                path,
                found,
                expected,
                reason,
            } => write!(
                f,
                "the checkpoint {} is of the log {found} and not of {expected}: {reason}",
                path.display()
            ),
            Self::Checkpoint { path, reason } => {
                write!(f, "{} is no checkpoint: {reason}", path.display())
            }
            Self::NoCheckpoint { path } => write!(f, "there is no checkpoint {}", path.display()),
            Self::LeafMissing { ordinal, damage } => {
                write!(f, "the tree lacks record {ordinal}")?;
                match damage {
                    Some(damage) => write!(f, ": {damage}"),
                    None => Ok(()),
                }
            }
            Self::Changed { first, last } => write!(
                f,
                "a tile is damaged, and records {first} to {last} are not those it was made of"
            ),
            Self::OutsideTree { asked, size } => {
                write!(f, "{asked} is not in a tree of {size} records")
            }
            Self::ProofRefused { reason } => {
                write!(f, "a proof was made that does not hold: {reason}")
            }
            Self::Cosignature { reason } => {
                write!(f, "the cosignatures are not taken: {reason}")
            }
            Self::Io { action, path, .. } => write!(f, "cannot {action} {}", path.display()),
            Self::Store(_) => f.write_str("the segments cannot be read"),
            Self::Stopped => f.write_str("the tree is no longer kept"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source.as_ref()),
            Self::Store(source) => Some(source),
            Self::Fork { .. }
            | Self::OtherLog { .. }
            | Self::Checkpoint { .. }
            | Self::NoCheckpoint { .. }
            | Self::LeafMissing { .. }
            | Self::Changed { .. }
            | Self::OutsideTree { .. }
            | Self::ProofRefused { .. }
            | Self::Cosignature { .. }
            | Self::Stopped => None,
        }
    }
}

impl From<gateway_store::Error> for Error {
    fn from(source: gateway_store::Error) -> Self {
        Self::Store(source)
    }
}
