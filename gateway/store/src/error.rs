//! What a store could not do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::segment::{Damage, Position};

/// Why a store refused or failed. Cheap to clone: one failed commit answers all that waited for it.
#[derive(Clone, Debug)]
pub enum Error {
    /// The operating system refused a file operation.
    Io {
        /// What was tried, as a verb: `write`, `sync` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Another process owns this log.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A durable record or segment is not what was written.
    Damaged(Damage),
    /// A record is longer than the log takes.
    RecordTooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The record was not written, and nothing of it remains; a later one may succeed.
    NotWritten {
        /// What failed.
        source: Arc<Self>,
    },
    /// The queue of a log has no room now.
    QueueFull,
    /// The committer of a log has stopped.
    Closed,
    /// There is no durable record at a position.
    NoRecord {
        /// The segment asked for.
        segment: u64,
        /// The offset asked for.
        offset: u64,
    },
    /// The payload of a record was erased. Its digest is kept, and with it the chain.
    Erased {
        /// Where the record lies.
        position: Position,
        /// SHA-256 of the payload that stood there.
        digest: [u8; 32],
    },
    /// A segment that is still being written cannot be erased.
    SegmentOpen {
        /// The segment.
        segment: u64,
    },
    /// There is no segment of this number.
    NoSegment {
        /// The segment.
        segment: u64,
    },
    /// The database refused or failed.
    Database {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the database said.
        source: Arc<redb::Error>,
    },
    /// The state was written by a newer program.
    SchemaTooNew {
        /// The version found.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// A schema step failed; the state is as it was before the step.
    StepFailed {
        /// The version the step would have reached.
        version: u32,
        /// What failed.
        source: Box<Self>,
    },
    /// A schema step did not find what it expects.
    StateNotUnderstood {
        /// What was found, without values.
        reason: &'static str,
    },
    /// A folder holds more than the caller takes.
    TreeTooLarge {
        /// The folder.
        path: PathBuf,
        /// The limit in bytes, or in entries or levels.
        max: u64,
    },
    /// A link points out of the folder being read.
    LinkOutside {
        /// The link.
        path: PathBuf,
    },
    /// A file name is not UTF-8, or there is none.
    BadName {
        /// The path, as far as it can be shown.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    pub(crate) fn database(action: &'static str, source: impl Into<redb::Error>) -> Self {
        Self::Database {
            action,
            source: Arc::new(source.into()),
        }
    }

    /// The database is open elsewhere: in another process, or in this one.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Database { source, .. }
            if matches!(**source, redb::Error::DatabaseAlreadyOpen))
    }

    /// The disk, or the quota on it, is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            Self::NotWritten { source } => source.is_disk_full(),
            Self::Locked { .. }
            | Self::Damaged(_)
            | Self::RecordTooLarge { .. }
            | Self::QueueFull
            | Self::Closed
            | Self::NoRecord { .. }
            | Self::Erased { .. }
            | Self::SegmentOpen { .. }
            | Self::NoSegment { .. }
            | Self::Database { .. }
            | Self::SchemaTooNew { .. }
            | Self::StepFailed { .. }
            | Self::StateNotUnderstood { .. }
            | Self::TreeTooLarge { .. }
            | Self::LinkOutside { .. }
            | Self::BadName { .. } => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, .. } => write!(f, "cannot {action} {}", path.display()),
            Self::Locked { path } => {
                write!(f, "{} is held by another process", path.display())
            }
            Self::Damaged(damage) => write!(f, "the log is damaged: {damage}"),
            Self::RecordTooLarge { bytes, bytes_max } => {
                write!(
                    f,
                    "a record of {bytes} bytes exceeds the limit of {bytes_max}"
                )
            }
            Self::NotWritten { .. } => f.write_str("the record was not written"),
            Self::QueueFull => f.write_str("the queue of the log is full"),
            Self::Closed => f.write_str("the log is closed"),
            Self::NoRecord { segment, offset } => {
                write!(
                    f,
                    "there is no durable record in segment {segment} at offset {offset}"
                )
            }
            Self::Erased { position, .. } => write!(
                f,
                "the content of record {} was erased (segment {})",
                position.ordinal, position.segment
            ),
            Self::SegmentOpen { segment } => {
                write!(f, "segment {segment} is still being written")
            }
            Self::NoSegment { segment } => write!(f, "there is no segment {segment}"),
            Self::Database { action, .. } => write!(f, "the database could not {action}"),
            Self::SchemaTooNew { found, known } => write!(
                f,
                "the state has schema version {found}, this program knows versions up to {known}"
            ),
            Self::StepFailed { version, .. } => {
                write!(
                    f,
                    "the state could not be brought to schema version {version}"
                )
            }
            Self::StateNotUnderstood { reason } => {
                write!(f, "the state is not understood: {reason}")
            }
            Self::TreeTooLarge { path, max } => {
                write!(f, "{} holds more than the limit of {max}", path.display())
            }
            Self::LinkOutside { path } => {
                write!(f, "the link {} points out of its folder", path.display())
            }
            Self::BadName { path } => write!(f, "{} is no usable name", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source.as_ref()),
            Self::NotWritten { source } => Some(source.as_ref()),
            Self::Database { source, .. } => Some(source.as_ref()),
            Self::StepFailed { source, .. } => Some(source.as_ref()),
            Self::Locked { .. }
            | Self::Damaged(_)
            | Self::RecordTooLarge { .. }
            | Self::QueueFull
            | Self::Closed
            | Self::NoRecord { .. }
            | Self::Erased { .. }
            | Self::SegmentOpen { .. }
            | Self::NoSegment { .. }
            | Self::SchemaTooNew { .. }
            | Self::StateNotUnderstood { .. }
            | Self::TreeTooLarge { .. }
            | Self::LinkOutside { .. }
            | Self::BadName { .. } => None,
        }
    }
}
