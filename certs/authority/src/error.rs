//! Why the authority refused.

use std::fmt;

use certs_x509::profile::Profile;
use jiff::Timestamp;

use crate::Standing;

/// Why the authority refused.
#[derive(Debug)]
pub enum Error {
    /// A certificate or request could not be read or made.
    X509(certs_x509::Error),
    /// A key could not be made, sealed, opened or used.
    Key(certs_keys::Error),
    /// The request asks for another usage than was ordered.
    OtherUsage,
    /// The same key already has a certificate for the other usage.
    KeyInOtherUse,
    /// The subject of the request lacks what its profile demands.
    UnfitSubject {
        /// The profile ordered.
        profile: Profile,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No certificate with this serial number was issued here.
    UnknownSerial {
        /// The number, hexadecimal.
        serial: String,
    },
    /// The certificate's standing does not allow the change.
    Standing {
        /// What it is.
        found: Standing,
    },
    /// The authority's own certificate has run out at the time of issuing.
    AuthorityNotValid {
        /// The time of issuing.
        at: Timestamp,
    },
    /// A validity period reaches beyond what time stamps can say.
    TimeOutOfRange,
    /// There is an intermediate authority already.
    HasIntermediate,
    /// The sealed keys do not hold the key of one of the certificates.
    MissingKey {
        /// The certificate's subject.
        subject: String,
    },
    /// A sealed key opens, and is not that of its certificate.
    OtherKey {
        /// The certificate's subject.
        subject: String,
    },
    /// The state was written in a format that this version does not read.
    UnknownStateVersion {
        /// The version found.
        version: u32,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X509(_) => f.write_str("certificate operation failed"),
            Self::Key(_) => f.write_str("key operation failed"),
            Self::OtherUsage => f.write_str("the request asks for another key usage"),
            Self::KeyInOtherUse => {
                f.write_str("the key already has a certificate for the other usage")
            }
            Self::UnfitSubject { profile, reason } => {
                write!(f, "the subject does not fit profile {profile:?}: {reason}")
            }
            Self::UnknownSerial { serial } => {
                write!(
                    f,
                    "no certificate with serial number {serial} was issued here"
                )
            }
            Self::Standing { found } => write!(f, "the certificate is {found}"),
            Self::AuthorityNotValid { at } => {
                write!(f, "the authority's own certificate is not valid at {at}")
            }
            Self::TimeOutOfRange => f.write_str("the validity period is out of range"),
            Self::HasIntermediate => f.write_str("there is an intermediate authority already"),
            Self::MissingKey { subject } => write!(f, "no sealed key for {subject}"),
            Self::OtherKey { subject } => write!(f, "the sealed key is not that of {subject}"),
            Self::UnknownStateVersion { version } => {
                write!(f, "authority state of unknown version {version}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::X509(source) => Some(source),
            Self::Key(source) => Some(source),
            Self::OtherUsage
            | Self::KeyInOtherUse
            | Self::UnfitSubject { .. }
            | Self::UnknownSerial { .. }
            | Self::Standing { .. }
            | Self::AuthorityNotValid { .. }
            | Self::TimeOutOfRange
            | Self::HasIntermediate
            | Self::MissingKey { .. }
            | Self::OtherKey { .. }
            | Self::UnknownStateVersion { .. } => None,
        }
    }
}

impl From<certs_x509::Error> for Error {
    fn from(source: certs_x509::Error) -> Self {
        Self::X509(source)
    }
}

impl From<certs_keys::Error> for Error {
    fn from(source: certs_keys::Error) -> Self {
        Self::Key(source)
    }
}
