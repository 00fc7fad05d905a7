//! Why an OCSP response was not accepted.

use std::fmt;

use jiff::Timestamp;

use super::Refusal;

/// Why an OCSP response was not accepted.
#[derive(Debug)]
pub enum Error {
    /// The responder answered with a refusal instead of a status.
    Refused {
        /// What it answered.
        refusal: Refusal,
    },
    /// The response is of a type other than the basic one.
    UnknownResponseType {
        /// The dotted identifier of the type.
        oid: String,
    },
    /// A successful response without a single status.
    NoStatus,
    /// The response speaks of another certificate, or names this one in a way that others would
    /// not recognise.
    OtherCertificate {
        /// Serial number of the certificate in question, hexadecimal.
        serial: String,
    },
    /// No certificate at hand, nor one in the response, is the responder's.
    UnknownResponder,
    /// The signature is by an algorithm that we do not know.
    UnknownAlgorithm {
        /// The dotted identifier.
        oid: String,
    },
    /// The signature is not the responder's.
    InvalidSignature,
    /// The responder may not answer for this authority.
    UnauthorizedResponder {
        /// Subject of the responder's certificate.
        subject: String,
    },
    /// The certificate by which the authority appoints the responder was not valid when the
    /// response was made.
    ResponderCertificateNotValid {
        /// When the response was made.
        produced_at: Timestamp,
    },
    /// The response is older than the global configuration allows.
    TooOld {
        /// As of when the response speaks.
        this_update: Timestamp,
        /// The moment it is judged for.
        at: Timestamp,
    },
    /// A newer response was due.
    NextUpdatePassed {
        /// When a newer one was due.
        next_update: Timestamp,
        /// The moment it is judged for.
        at: Timestamp,
    },
    /// The certificate is revoked or suspended.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Suspended: may become good again.
        on_hold: bool,
    },
    /// The responder does not know the certificate.
    Unknown,
    /// A request that our responder does not answer.
    MalformedRequest {
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Error {
    /// The error code that other servers use for this.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Revoked { .. } | Self::Unknown => "cert_validation",
            Self::Refused { .. }
            | Self::UnknownResponseType { .. }
            | Self::NoStatus
            | Self::OtherCertificate { .. }
            | Self::UnknownResponder
            | Self::UnknownAlgorithm { .. }
            | Self::InvalidSignature
            | Self::UnauthorizedResponder { .. }
            | Self::ResponderCertificateNotValid { .. }
            | Self::TooOld { .. }
            | Self::NextUpdatePassed { .. } => "incorrect_validation_info",
            Self::MalformedRequest { .. } => "internal_error",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { refusal } => write!(f, "the OCSP responder answered {refusal}"),
            Self::UnknownResponseType { oid } => write!(f, "OCSP response of unknown type {oid}"),
            Self::NoStatus => f.write_str("the OCSP response holds no status"),
            Self::OtherCertificate { serial } => {
                write!(
                    f,
                    "the OCSP response is not about the certificate with serial {serial}"
                )
            }
            Self::UnknownResponder => {
                f.write_str("no certificate found for the responder of the OCSP response")
            }
            Self::UnknownAlgorithm { oid } => {
                write!(f, "the OCSP response is signed by unknown algorithm {oid}")
            }
            Self::InvalidSignature => f.write_str("the signature of the OCSP response is invalid"),
            Self::UnauthorizedResponder { subject } => {
                write!(
                    f,
                    "OCSP responder {subject} may not answer for this authority"
                )
            }
            Self::ResponderCertificateNotValid { produced_at } => {
                write!(
                    f,
                    "the OCSP responder's certificate was not valid at {produced_at}"
                )
            }
            Self::TooOld { this_update, at } => {
                write!(f, "the OCSP response of {this_update} is too old at {at}")
            }
            Self::NextUpdatePassed { next_update, at } => {
                write!(
                    f,
                    "a newer OCSP response was due at {next_update}, and it is {at}"
                )
            }
            Self::Revoked { at, on_hold: false } => {
                write!(f, "the certificate was revoked at {at}")
            }
            Self::Revoked { at, on_hold: true } => {
                write!(f, "the certificate is suspended since {at}")
            }
            Self::Unknown => f.write_str("the OCSP responder does not know the certificate"),
            Self::MalformedRequest { reason } => write!(f, "malformed OCSP request: {reason}"),
        }
    }
}

impl std::error::Error for Error {}
