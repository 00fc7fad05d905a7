//! Why a signed directory or one of its parts was not accepted.

use std::fmt;

use jiff::Timestamp;

use crate::params;

/// Why a signed directory or one of its parts was not accepted.
#[derive(Debug)]
pub enum Error {
    /// It is longer than any we read.
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The MIME structure or a value is not what the protocol says.
    Malformed {
        /// Which.
        what: &'static str,
    },
    /// A mandatory header is missing or blank.
    MissingHeader {
        /// Its name, in lower case.
        header: &'static str,
    },
    /// A header stands twice in one entry, so that two readers could take it differently.
    DuplicateHeader {
        /// Its name, in lower case.
        header: String,
    },
    /// A header lacks a mandatory parameter.
    MissingParameter {
        /// The header, in lower case.
        header: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// A header with a fixed value has another one.
    WrongHeader {
        /// The header, in lower case.
        header: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A digest or signature algorithm we do not know.
    UnknownAlgorithm {
        /// Its identifier.
        uri: String,
    },
    /// An algorithm that proves nothing any more.
    WeakAlgorithm {
        /// Its identifier.
        uri: String,
    },
    /// No certificate of this location has the announced hash.
    UnknownSigner,
    /// The signature does not verify.
    Signature(certs_keys::Error),
    /// The signed data holds no entries.
    Empty,
    /// It has expired.
    Outdated {
        /// When.
        expires_at: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// A version of the global configuration we do not read.
    UnknownVersion {
        /// What stood there.
        found: String,
    },
    /// A part does not have the announced digest.
    WrongDigest {
        /// Where the part is.
        location: String,
    },
    /// A part is not what its schema says.
    Part {
        /// Its content identifier.
        identifier: String,
        /// What is wrong with it.
        source: params::Error,
    },
    /// The directory cannot be written.
    Signing(certs_keys::Error),
    /// A value cannot stand in a header.
    Unwritable {
        /// Which.
        what: &'static str,
    },
}

impl Error {
    /// The code of the protocol's reference client for this, for diagnostics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSigner => "global_conf_missing_verification_cert",
            Self::Signature(_) | Self::WeakAlgorithm { .. } => {
                "global_conf_signature_verification_failure"
            }
            Self::Outdated { .. } => "global_conf_outdated",
            Self::Empty => "global_conf_missing_signed_data",
            Self::MissingHeader {
                header: "expire-date",
            } => "global_conf_missing_signed_data_expiration_date",
            _ => "malformed_global_conf",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "directory of {bytes} bytes, at most {bytes_max} are read"
                )
            }
            Self::Malformed { what } => write!(f, "{what} is malformed"),
            Self::MissingHeader { header } => write!(f, "the header {header:?} is missing"),
            Self::DuplicateHeader { header } => write!(f, "the header {header:?} stands twice"),
            Self::MissingParameter { header, parameter } => {
                write!(f, "the header {header:?} lacks the parameter {parameter:?}")
            }
            Self::WrongHeader { header, expected } => {
                write!(f, "the header {header:?} is not {expected:?}")
            }
            Self::UnknownAlgorithm { uri } => write!(f, "unknown algorithm {uri:?}"),
            Self::WeakAlgorithm { uri } => write!(f, "algorithm {uri:?} is too weak"),
            Self::UnknownSigner => {
                f.write_str("no certificate known for this location has the announced hash")
            }
            Self::Signature(_) => f.write_str("the signature does not verify"),
            Self::Empty => f.write_str("the signed data holds no entries"),
            Self::Outdated { expires_at, now } => {
                write!(f, "the directory expired at {expires_at}, now is {now}")
            }
            Self::UnknownVersion { found } => write!(f, "version {found:?} is not one of 2 to 6"),
            Self::WrongDigest { location } => {
                write!(
                    f,
                    "the part at {location:?} does not have the announced digest"
                )
            }
            Self::Part { identifier, .. } => write!(f, "the part {identifier:?} is malformed"),
            Self::Signing(_) => f.write_str("the directory cannot be signed"),
            Self::Unwritable { what } => write!(f, "{what} cannot stand in a header"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Signature(error) | Self::Signing(error) => Some(error),
            Self::Part { source, .. } => Some(source),
            _ => None,
        }
    }
}
