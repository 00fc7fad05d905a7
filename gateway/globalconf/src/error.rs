//! Why a piece of global configuration was not accepted.

use std::fmt;

use crate::{directory, disk, download, params};

/// Why a piece of global configuration was not accepted, by subject.
#[derive(Debug)]
pub enum Error {
    /// The anchor is not what its schema says.
    Anchor(params::Error),
    /// The signed directory was not accepted.
    Directory(directory::Error),
    /// A part is not what its schema says.
    Part {
        /// The path or content identifier of the part.
        part: String,
        /// What is wrong with it.
        source: params::Error,
    },
    /// The stored files are not a configuration.
    Disk(disk::Error),
    /// A download plan cannot be followed.
    Download(download::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anchor(_) => f.write_str("the configuration anchor is malformed"),
            Self::Directory(_) => f.write_str("the configuration directory was not accepted"),
            Self::Part { part, .. } => write!(f, "the configuration part {part} is malformed"),
            Self::Disk(_) => f.write_str("the stored global configuration cannot be used"),
            Self::Download(_) => f.write_str("the global configuration cannot be downloaded"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Anchor(error) | Self::Part { source: error, .. } => Some(error),
            Self::Directory(error) => Some(error),
            Self::Disk(error) => Some(error),
            Self::Download(error) => Some(error),
        }
    }
}

impl From<directory::Error> for Error {
    fn from(error: directory::Error) -> Self {
        Self::Directory(error)
    }
}

impl From<disk::Error> for Error {
    fn from(error: disk::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<download::Error> for Error {
    fn from(error: download::Error) -> Self {
        Self::Download(error)
    }
}
