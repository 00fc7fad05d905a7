//! Why bytes are not a multipart.

use std::fmt;

/// Why a multipart could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The boundary is empty, too long, or holds characters no boundary may have.
    BadBoundary,
    /// A line of a part header is longer than allowed.
    LineTooLong {
        /// The bound.
        bytes_max: usize,
    },
    /// A part has more header lines than allowed.
    TooManyHeaders {
        /// The bound.
        headers_max: usize,
    },
    /// There are more parts than allowed.
    TooManyParts {
        /// The bound.
        parts_max: usize,
    },
    /// A header line has no colon, no name, or a name with forbidden characters.
    BadHeaderLine,
    /// A part has two Content-Type headers; readers would disagree which counts.
    RepeatedContentType,
    /// The input ends inside the headers of a part.
    TruncatedHeaders,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBoundary => f.write_str("the multipart boundary is not usable"),
            Self::LineTooLong { bytes_max } => {
                write!(f, "a part header line is longer than {bytes_max} bytes")
            }
            Self::TooManyHeaders { headers_max } => {
                write!(f, "a part has more than {headers_max} header lines")
            }
            Self::TooManyParts { parts_max } => {
                write!(f, "the multipart has more than {parts_max} parts")
            }
            Self::BadHeaderLine => f.write_str("a part header line is malformed"),
            Self::RepeatedContentType => f.write_str("a part has more than one Content-Type"),
            Self::TruncatedHeaders => f.write_str("the multipart ends inside part headers"),
        }
    }
}

impl std::error::Error for Error {}
