//! Why a download plan cannot be followed.

use std::fmt;

use crate::{directory, disk};

/// Why a download plan cannot be followed.
#[derive(Debug)]
pub enum Error {
    /// A part was not accepted.
    Part(directory::Error),
    /// A part or its folder has no usable name.
    Name(disk::Error),
    /// Two parts would be stored under one name.
    SameName {
        /// That path.
        path: String,
    },
    /// A part is announced at an address that is no HTTP address.
    Location {
        /// What was announced.
        location: String,
    },
    /// The directory lacks a part this source must have.
    MissingPart {
        /// Its content identifier.
        identifier: &'static str,
    },
    /// The directory has a part this source must not have.
    ForbiddenPart {
        /// Its content identifier.
        identifier: &'static str,
    },
    /// Not every part was received.
    Incomplete {
        /// Paths of the missing ones.
        missing: Vec<String>,
    },
    /// A part was received that nobody asked for.
    NotAsked {
        /// Its path.
        path: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(_) => f.write_str("a part was not accepted"),
            Self::Name(_) => f.write_str("a part cannot be stored"),
            Self::SameName { path } => write!(f, "two parts would be stored as {path:?}"),
            Self::Location { location } => {
                write!(f, "{location:?} is not an address that can be asked")
            }
            Self::MissingPart { identifier } => write!(f, "the directory lacks {identifier}"),
            Self::ForbiddenPart { identifier } => {
                write!(
                    f,
                    "the directory has {identifier}, which only an internal source may have"
                )
            }
            Self::Incomplete { missing } => write!(f, "parts are missing: {}", missing.join(", ")),
            Self::NotAsked { path } => write!(f, "nobody asked for {path:?}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Part(error) => Some(error),
            Self::Name(error) => Some(error),
            Self::SameName { .. }
            | Self::Location { .. }
            | Self::MissingPart { .. }
            | Self::ForbiddenPart { .. }
            | Self::Incomplete { .. }
            | Self::NotAsked { .. } => None,
        }
    }
}
