//! Why something about a certificate was not accepted.

use std::fmt;

use jiff::Timestamp;

use crate::{chain, ocsp, profile, request, timestamp};

/// The error of this crate, by subject.
#[derive(Debug)]
pub enum Error {
    /// The bytes are not one complete DER structure of this kind.
    Malformed {
        /// What was being read: `certificate`, `name`, `request`, …
        what: &'static str,
        /// Where it went wrong, without any of the bytes.
        detail: String,
    },
    /// Something from outside is larger than we take.
    TooLarge {
        /// What was being read.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// What we take.
        bytes_max: usize,
    },
    /// The certificate has the same extension twice.
    DuplicateExtension {
        /// The dotted identifier of the extension.
        oid: String,
    },
    /// The certificate has no key usage extension, and the question asked needs one.
    NoKeyUsage,
    /// The algorithm identifier or its parameters are none that we know.
    UnknownAlgorithm {
        /// The dotted identifier.
        oid: String,
    },
    /// A point in time that certificates cannot state.
    UnrepresentableTime {
        /// The time in question.
        time: Timestamp,
    },
    /// A value that cannot be written into a name or an extension.
    UnrepresentableValue {
        /// Which value.
        what: &'static str,
    },
    /// The key that signs is not the one of the certificate it signs for.
    KeyMismatch,
    /// The key could not be read, or it could not sign or verify.
    Key(certs_keys::Error),
    /// The certificate does not say what its profile demands.
    Profile(profile::Error),
    /// No valid path from the certificate to its anchor.
    Chain(chain::Error),
    /// The certificate request was not accepted.
    Request(request::Error),
    /// The OCSP response was not accepted.
    Ocsp(ocsp::Error),
    /// The time stamp was not accepted.
    Timestamp(timestamp::Error),
}

impl Error {
    /// A structure that could not be read, with the reason of the reader.
    pub(crate) fn malformed(what: &'static str, detail: impl fmt::Display) -> Self {
        Self::Malformed {
            what,
            detail: detail.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { what, detail } => write!(f, "malformed {what}: {detail}"),
            Self::TooLarge {
                what,
                bytes,
                bytes_max,
            } => {
                write!(f, "{what} of {bytes} bytes, at most {bytes_max} are taken")
            }
            Self::DuplicateExtension { oid } => write!(f, "extension {oid} stands there twice"),
            Self::NoKeyUsage => f.write_str("the certificate has no key usage extension"),
            Self::UnknownAlgorithm { oid } => write!(f, "unknown algorithm {oid}"),
            Self::UnrepresentableTime { time } => {
                write!(f, "{time} cannot be written into a certificate")
            }
            Self::UnrepresentableValue { what } => {
                write!(f, "the value of {what} cannot be written")
            }
            Self::KeyMismatch => f.write_str("the key is not the one of the certificate"),
            Self::Key(_) => f.write_str("key operation failed"),
            Self::Profile(_) => f.write_str("the certificate does not fit its profile"),
            Self::Chain(_) => f.write_str("no valid certificate path"),
            Self::Request(_) => f.write_str("certificate request not accepted"),
            Self::Ocsp(_) => f.write_str("OCSP response not accepted"),
            Self::Timestamp(_) => f.write_str("time stamp not accepted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Key(source) => Some(source),
            Self::Profile(source) => Some(source),
            Self::Chain(source) => Some(source),
            Self::Request(source) => Some(source),
            Self::Ocsp(source) => Some(source),
            Self::Timestamp(source) => Some(source),
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::DuplicateExtension { .. }
            | Self::NoKeyUsage
            | Self::UnknownAlgorithm { .. }
            | Self::UnrepresentableTime { .. }
            | Self::UnrepresentableValue { .. }
            | Self::KeyMismatch => None,
        }
    }
}

impl From<certs_keys::Error> for Error {
    fn from(source: certs_keys::Error) -> Self {
        Self::Key(source)
    }
}

impl From<profile::Error> for Error {
    fn from(source: profile::Error) -> Self {
        Self::Profile(source)
    }
}

impl From<chain::Error> for Error {
    fn from(source: chain::Error) -> Self {
        Self::Chain(source)
    }
}

impl From<request::Error> for Error {
    fn from(source: request::Error) -> Self {
        Self::Request(source)
    }
}

impl From<ocsp::Error> for Error {
    fn from(source: ocsp::Error) -> Self {
        Self::Ocsp(source)
    }
}

impl From<timestamp::Error> for Error {
    fn from(source: timestamp::Error) -> Self {
        Self::Timestamp(source)
    }
}
