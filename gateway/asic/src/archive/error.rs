//! Why an archive file was not accepted or could not be written.

use std::fmt;

use crate::{linking, zip};

/// Why an archive file was not accepted or could not be written.
#[derive(Debug)]
pub enum Error {
    /// It is no ZIP file as an archive must be, or it cannot be read or written.
    Zip(zip::Error),
    /// There is no container in it.
    NoContainer,
    /// It has no linking information, so it proves nothing about what came before: a download, or
    /// a file from which it was taken away.
    NoLinkingInfo,
    /// The linking information cannot be read.
    Linking(linking::Error),
    /// It goes on from somewhere else.
    Previous {
        /// Where it should go on from; `None`: it should begin a chain.
        expected: Option<String>,
        /// Where it says it goes on from; `None`: it says it begins one.
        found: Option<String>,
    },
    /// A container that the linking information does not name.
    Unlinked {
        /// Its name.
        name: String,
    },
    /// A container that the linking information names is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// The containers are in another order than the linking information names them.
    Order {
        /// The first that stands elsewhere.
        name: String,
    },
    /// A container is another one than was linked: this one was changed, or the digest before it.
    Digest {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |digest: &Option<String>| match digest {
            Some(digest) => digest.clone(),
            None => "no earlier file".to_owned(),
        };
        match self {
            Self::Zip(_) => f.write_str("the archive is no regular ZIP file"),
            Self::NoContainer => f.write_str("there is no container in the archive"),
            Self::NoLinkingInfo => f.write_str("the archive has no linking information"),
            Self::Linking(_) => f.write_str("the linking information cannot be read"),
            Self::Previous { expected, found } => {
                write!(
                    f,
                    "the archive goes on from {}, not from {}",
                    or_none(found),
                    or_none(expected)
                )
            }
            Self::Unlinked { name } => {
                write!(f, "{name:?} is not named by the linking information")
            }
            Self::Missing { name } => {
                write!(
                    f,
                    "{name:?}, which the linking information names, is not there"
                )
            }
            Self::Order { name } => {
                write!(
                    f,
                    "{name:?} does not stand where the linking information names it"
                )
            }
            Self::Digest { name } => write!(f, "{name:?} is not the container that was linked"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Zip(source) => Some(source),
            Self::Linking(source) => Some(source),
            Self::NoContainer
            | Self::NoLinkingInfo
            | Self::Previous { .. }
            | Self::Unlinked { .. }
            | Self::Missing { .. }
            | Self::Order { .. }
            | Self::Digest { .. } => None,
        }
    }
}
