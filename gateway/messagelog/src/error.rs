//! What a message log could not do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// A record was written by a newer program, or is encrypted.
    NotUnderstood {
        /// The version it names.
        version: u8,
        /// The protection it names.
        protection: u8,
    },
    /// The kept global configurations cannot be read.
    Configuration {
        /// What is wrong, and where.
        reason: String,
    },
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
            | Self::Configuration { .. }
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
            Self::Configuration { reason } => {
                write!(f, "the kept configurations cannot be read: {reason}")
            }
            Self::Interrupted => f.write_str("the work was interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(source) => Some(source),
            Self::Content { source, .. } => Some(source.as_ref()),
            Self::ContentTooLarge { .. }
            | Self::ContentCutOff { .. }
            | Self::Malformed { .. }
            | Self::NotUnderstood { .. }
            | Self::Configuration { .. }
            | Self::Interrupted => None,
        }
    }
}

impl From<gateway_store::Error> for Error {
    fn from(source: gateway_store::Error) -> Self {
        Self::Store(source)
    }
}
