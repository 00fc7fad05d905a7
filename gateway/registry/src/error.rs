//! What the registry could not do.

use std::fmt;

use gateway_globalconf::{directory, params};

use crate::Refusal;

/// What the registry could not do.
#[derive(Debug)]
pub enum Error {
    /// A command was refused; nothing was changed.
    Refused(Refusal),
    /// The store failed; nothing was changed.
    Store(gateway_store::Error),
    /// A stored row cannot be read.
    Row {
        /// Its key.
        row: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// The audit trail is not what was written.
    Trail {
        /// The number of the entry that is missing, altered or out of place.
        number: u64,
    },
    /// The stored octets of published rules are missing or not those that were published.
    Published {
        /// Their version.
        version: u64,
    },
    /// The configuration cannot be published yet.
    NotReady {
        /// What is missing.
        missing: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The certificate of a signing key is of another key.
    WrongCertificate {
        /// Which signing key: `internal` or `external`.
        source: &'static str,
    },
    /// A part of the configuration cannot be written.
    Parameters(params::Error),
    /// A signed directory cannot be written.
    Directory(directory::Error),
    /// A stored trusted anchor cannot be read.
    Anchor {
        /// The instance it is of.
        instance: String,
        /// Why not.
        source: Box<gateway_globalconf::Error>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_) => f.write_str("the registry refused the command"),
            Self::Store(_) => f.write_str("the registry's store failed"),
            Self::Row { row, .. } => write!(f, "the stored row {row:?} cannot be read"),
            Self::Trail { number } => {
                write!(
                    f,
                    "entry {number} of the audit trail is missing, altered or out of place"
                )
            }
            Self::Published { version } => {
                write!(
                    f,
                    "version {version} of the published rules is missing or altered"
                )
            }
            Self::NotReady { missing, remedy } => {
                write!(
                    f,
                    "the configuration cannot be published without {missing}: {remedy}"
                )
            }
            Self::WrongCertificate { source } => {
                write!(
                    f,
                    "the certificate of the {source} signing key is of another key"
                )
            }
            Self::Parameters(_) => f.write_str("a part of the configuration cannot be written"),
            Self::Directory(_) => f.write_str("a signed directory cannot be written"),
            Self::Anchor { instance, .. } => {
                write!(f, "the trusted anchor of {instance:?} cannot be read")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Store(error) => Some(error),
            Self::Row { source, .. } => Some(source),
            Self::Parameters(error) => Some(error),
            Self::Directory(error) => Some(error),
            Self::Anchor { source, .. } => Some(&**source),
            Self::Trail { .. }
            | Self::Published { .. }
            | Self::NotReady { .. }
            | Self::WrongCertificate { .. } => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<gateway_store::Error> for Error {
    fn from(error: gateway_store::Error) -> Self {
        Self::Store(error)
    }
}
