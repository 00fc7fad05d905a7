//! What could not be made of the log.

use std::fmt;

use crate::{containers, stamper};

/// Why something could not be made, by subject.
#[derive(Debug)]
pub enum Error {
    /// A signed document.
    Container(containers::Error),
    /// A time stamp.
    Stamp(stamper::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(error) => write!(f, "{error}"),
            Self::Stamp(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Container(error) => error.source(),
            Self::Stamp(error) => error.source(),
        }
    }
}

impl From<containers::Error> for Error {
    fn from(error: containers::Error) -> Self {
        Self::Container(error)
    }
}

impl From<stamper::Error> for Error {
    fn from(error: stamper::Error) -> Self {
        Self::Stamp(error)
    }
}
