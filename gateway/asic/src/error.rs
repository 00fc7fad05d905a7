//! Why a container could not be made.

use std::fmt;

use crate::{stamping, zip};

/// Why a container could not be made.
#[derive(Debug)]
pub enum Error {
    /// The ZIP file could not be written.
    Zip(zip::Error),
    /// The time stamp does not go with the signature.
    Stamping(stamping::Error),
    /// An attachment holds another number of octets than was said.
    AttachmentLength {
        /// The number of the attachment, the first being 1.
        number: usize,
        /// What was said.
        expected: u64,
        /// What was read.
        actual: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zip(_) => write!(f, "the container could not be written"),
            Self::Stamping(_) => write!(f, "the time stamp does not go with the signature"),
            Self::AttachmentLength {
                number,
                expected,
                actual,
            } => write!(
                f,
                "attachment {number} has {actual} octets instead of {expected}"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Zip(source) => Some(source),
            Self::Stamping(source) => Some(source),
            Self::AttachmentLength { .. } => None,
        }
    }
}

impl From<zip::Error> for Error {
    fn from(source: zip::Error) -> Self {
        Self::Zip(source)
    }
}

impl From<stamping::Error> for Error {
    fn from(source: stamping::Error) -> Self {
        Self::Stamping(source)
    }
}
