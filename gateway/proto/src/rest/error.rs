//! Why something is not a REST message.

use std::fmt;

use crate::{fault::catalogue, id};

/// Why a request or response is not a REST message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The method is none of those the protocol knows.
    Method,
    /// The request target is not an absolute path with an optional query in URI characters.
    Target,
    /// The path is not `/r1/` and five components.
    Path,
    /// The path asks for another version of the protocol.
    Version,
    /// The status line is not a three-digit number.
    Status,
    /// The block is not UTF-8.
    NotUtf8,
    /// A line does not end with CR LF, or holds one of them alone.
    LineEnd,
    /// A header line has no colon or no name, or its name or value holds a forbidden character.
    HeaderLine,
    /// The block holds a header that never enters a message.
    SkippedHeader {
        /// Its name in lower case.
        name: &'static str,
    },
    /// There is no client header.
    MissingClient,
    /// A header that a message must have is missing or empty.
    MissingHeader {
        /// Its name.
        name: &'static str,
    },
    /// A header does not hold what it must.
    BadHeader {
        /// Its name.
        name: &'static str,
    },
    /// An identifier in the path or a header is malformed.
    Identifier {
        /// `path`, or the name of the header.
        place: &'static str,
        /// What is wrong with it.
        error: id::Error,
    },
}

impl Error {
    /// The fault code, without prefix.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingClient => catalogue::INVALID_CLIENT_IDENTIFIER,
            // Deployed servers give this code for every malformed REST message.
            Self::Method
            | Self::Target
            | Self::Path
            | Self::Version
            | Self::Status
            | Self::NotUtf8
            | Self::LineEnd
            | Self::HeaderLine
            | Self::SkippedHeader { .. }
            | Self::MissingHeader { .. }
            | Self::BadHeader { .. }
            | Self::Identifier { .. } => catalogue::INTERNAL_ERROR,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method is not supported"),
            Self::Target => f.write_str("the request target is not a path in URI characters"),
            Self::Path => f.write_str("the path is not /r1/ and five identifier components"),
            Self::Version => f.write_str("the version of the REST protocol is not supported"),
            Self::Status => f.write_str("the status is not a three-digit number"),
            Self::NotUtf8 => f.write_str("the message is not UTF-8"),
            Self::LineEnd => f.write_str("a line does not end with CR LF"),
            Self::HeaderLine => f.write_str("a header is malformed"),
            Self::SkippedHeader { name } => write!(f, "the header {name} must not be in a message"),
            Self::MissingClient => f.write_str("the header x-road-client is missing"),
            Self::MissingHeader { name } => write!(f, "the header {name} is missing or empty"),
            Self::BadHeader { name } => write!(f, "the value of the header {name} is malformed"),
            Self::Identifier { place, .. } => write!(f, "malformed identifier in {place}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Identifier { error, .. } => Some(error),
            Self::Method
            | Self::Target
            | Self::Path
            | Self::Version
            | Self::Status
            | Self::NotUtf8
            | Self::LineEnd
            | Self::HeaderLine
            | Self::SkippedHeader { .. }
            | Self::MissingClient
            | Self::MissingHeader { .. }
            | Self::BadHeader { .. } => None,
        }
    }
}
