//! What a message log could not do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::tree;

/// Why the log refused or failed.
#[derive(Clone, Debug)]
pub enum Error {
    /// The store below refused or failed.
    Store(gateway_store::Error),
    /// A body or attachment is longer than allowed.
    ContentTooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// The file of a content cannot be written or read.
    Content {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The file of a content is shorter than it was.
    ContentCutOff {
        /// The file.
        path: PathBuf,
    },
    /// The bytes of a record are not those of one.
    Malformed {
        /// What was found.
        reason: String,
    },
    /// A record was written by a newer program.
    NotUnderstood {
        /// The version it names.
        version: u8,
        /// The protection it names.
        protection: u8,
    },
    /// A record or content is sealed, and its key is not among those given.
    KeyMissing {
        /// The name of the key.
        key_id: String,
    },
    /// A record or content is sealed and does not open: it was changed, or another key has this
    /// name.
    NotOpened {
        /// The name of the key.
        key_id: String,
    },
    /// The keys to seal with cannot be used.
    Key {
        /// Why not.
        reason: String,
    },
    /// The bytes of a content were not kept, only their digest.
    ContentWithheld,
    /// The kept global configurations cannot be read.
    Configuration {
        /// What is wrong, and where.
        reason: String,
    },
    /// The entry was erased by retention: only its digest remains.
    Erased {
        /// Its number.
        ordinal: u64,
    },
    /// There is no entry of this number, or it is damaged.
    NoEntry {
        /// The number asked for.
        ordinal: u64,
    },
    /// A time stamp does not cover exactly the messages that come next.
    StampOutOfOrder {
        /// What does not fit.
        reason: String,
    },
    /// The transparency log refused or failed.
    Tree(Box<tree::Error>),
    /// The work was stopped: the process is shutting down.
    Interrupted,
}

impl Error {
    pub(crate) fn content(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Content {
            action,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed {
            reason: reason.into(),
        }
    }

    /// The message is longer than this node takes: not a failure of the node.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::ContentTooLarge { .. } | Self::Store(gateway_store::Error::RecordTooLarge { .. })
        )
    }

    /// The disk, or the quota on it, is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Store(source) => source.is_disk_full(),
            Self::Tree(source) => source.is_disk_full(),
            Self::Content { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            }
            Self::ContentTooLarge { .. }
            | Self::ContentCutOff { .. }
            | Self::Malformed { .. }
            | Self::NotUnderstood { .. }
            | Self::KeyMissing { .. }
            | Self::NotOpened { .. }
            | Self::Key { .. }
            | Self::ContentWithheld
            | Self::Configuration { .. }
            | Self::Erased { .. }
            | Self::NoEntry { .. }
            | Self::StampOutOfOrder { .. }
            | Self::Interrupted => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the message log cannot be written or read"),
            Self::ContentTooLarge { bytes_max } => {
                write!(
                    f,
                    "a body or attachment exceeds the limit of {bytes_max} bytes"
                )
            }
            Self::Content { action, path, .. } => {
                write!(f, "cannot {action} the content {}", path.display())
            }
            Self::ContentCutOff { path } => {
                write!(f, "the content {} was cut off", path.display())
            }
            Self::Malformed { reason } => write!(f, "the record is malformed: {reason}"),
            Self::NotUnderstood {
                version,
                protection,
            } => {
                write!(
                    f,
                    "the record has version {version} and protection {protection}"
                )
            }
            Self::KeyMissing { key_id } => {
                write!(f, "it is sealed with the key {key_id}, which was not given")
            }
            Self::NotOpened { key_id } => write!(
                f,
                "it does not open with the key {key_id}: it was changed, or the key is another one"
            ),
            Self::Key { reason } => write!(f, "the keys of the log cannot be used: {reason}"),
            Self::ContentWithheld => {
                f.write_str("the bytes of the body or attachment were not kept, only their digest")
            }
            Self::Configuration { reason } => {
                write!(f, "the kept configurations cannot be read: {reason}")
            }
            Self::Erased { ordinal } => write!(f, "entry {ordinal} was erased"),
            Self::NoEntry { ordinal } => write!(f, "there is no entry {ordinal}"),
            Self::StampOutOfOrder { reason } => {
                write!(f, "the time stamp does not continue the last one: {reason}")
            }
            Self::Tree(_) => f.write_str("the transparency log cannot be kept or read"),
            Self::Interrupted => f.write_str("the work was interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(source) => Some(source),
            Self::Tree(source) => Some(source),
            Self::Content { source, .. } => Some(source.as_ref()),
            Self::ContentTooLarge { .. }
            | Self::ContentCutOff { .. }
            | Self::Malformed { .. }
            | Self::NotUnderstood { .. }
            | Self::KeyMissing { .. }
            | Self::NotOpened { .. }
            | Self::Key { .. }
            | Self::ContentWithheld
            | Self::Configuration { .. }
            | Self::Erased { .. }
            | Self::NoEntry { .. }
            | Self::StampOutOfOrder { .. }
            | Self::Interrupted => None,
        }
    }
}

impl From<tree::Error> for Error {
    fn from(source: tree::Error) -> Self {
        Self::Tree(Box::new(source))
    }
}

impl From<gateway_store::Error> for Error {
    fn from(source: gateway_store::Error) -> Self {
        match source {
            gateway_store::Error::Erased { position, .. } => Self::Erased {
                ordinal: position.ordinal,
            },
            other => Self::Store(other),
        }
    }
}
