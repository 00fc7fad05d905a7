//! Why a time stamp was not accepted.

use std::fmt;

use jiff::Timestamp;

/// Why a time stamp was not accepted.
#[derive(Debug)]
pub enum Error {
    /// The authority did not grant the time stamp.
    NotGranted {
        /// PKIStatus: 2 rejection, 3 waiting, 4 revocation warning, 5 revoked.
        status: u64,
        /// What the authority says about it, made printable and cut short.
        text: String,
    },
    /// The authority says that it granted a time stamp, and sent none.
    NoToken,
    /// The token holds something else than a time stamp.
    UnexpectedContent {
        /// The dotted identifier of what it holds.
        oid: String,
    },
    /// A token has exactly one signer.
    SignerCount {
        /// How many it has.
        signers: usize,
    },
    /// A signed attribute that must be there once and with one value is not.
    MissingAttribute {
        /// The attribute's name.
        attribute: &'static str,
    },
    /// The signed attributes are about another content.
    ContentMismatch {
        /// The attribute's name.
        attribute: &'static str,
    },
    /// The time stamp has a critical extension that we do not know.
    UnknownCriticalExtension,
    /// The time stamp is over something else.
    ImprintMismatch,
    /// The signer is none of the approved authorities.
    UnknownSigner,
    /// The signed attributes name another certificate than the signer's.
    OtherSigningCertificate,
    /// The authority's certificate was not valid at the time it states.
    CertificateNotValid {
        /// The time stated.
        at: Timestamp,
    },
    /// Digest or signature algorithm that we do not know.
    UnknownAlgorithm {
        /// The dotted identifier.
        oid: String,
    },
    /// The signature is not the authority's.
    InvalidSignature,
    /// A request that our authority does not answer.
    UnacceptableQuery {
        /// The reason the client is told.
        failure: super::Failure,
    },
}

impl Error {
    /// The error code that other servers use for this.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotGranted { .. } => "mlog.timestamp_non_granted_response",
            Self::NoToken
            | Self::UnexpectedContent { .. }
            | Self::SignerCount { .. }
            | Self::MissingAttribute { .. }
            | Self::ContentMismatch { .. }
            | Self::UnknownCriticalExtension => "mlog.timestamp_response_validation_failed",
            Self::ImprintMismatch => "malformed_signature",
            Self::UnknownSigner => "mlog.tsp_certificate_not_found",
            Self::OtherSigningCertificate
            | Self::CertificateNotValid { .. }
            | Self::UnknownAlgorithm { .. }
            | Self::InvalidSignature => "mlog.timestamp_signer_verification_failed",
            Self::UnacceptableQuery { .. } => "internal_error",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted { status, text } => {
                write!(
                    f,
                    "the authority granted no time stamp: status {status}, {text:?}"
                )
            }
            Self::NoToken => f.write_str("the response holds no time-stamp token"),
            Self::UnexpectedContent { oid } => {
                write!(f, "content of type {oid} where a time stamp was expected")
            }
            Self::SignerCount { signers } => {
                write!(
                    f,
                    "the time-stamp token has {signers} signers instead of one"
                )
            }
            Self::MissingAttribute { attribute } => {
                write!(
                    f,
                    "the time stamp has no single signed attribute {attribute}"
                )
            }
            Self::ContentMismatch { attribute } => {
                write!(
                    f,
                    "the signed attribute {attribute} does not fit the time stamp"
                )
            }
            Self::UnknownCriticalExtension => {
                f.write_str("the time stamp has an unknown critical extension")
            }
            Self::ImprintMismatch => f.write_str("the time stamp is over another imprint"),
            Self::UnknownSigner => {
                f.write_str("the time stamp is signed by none of the approved authorities")
            }
            Self::OtherSigningCertificate => {
                f.write_str("the time stamp names another signing certificate")
            }
            Self::CertificateNotValid { at } => {
                write!(f, "the time-stamping certificate is not valid at {at}")
            }
            Self::UnknownAlgorithm { oid } => {
                write!(f, "the time stamp uses unknown algorithm {oid}")
            }
            Self::InvalidSignature => f.write_str("the signature of the time stamp is invalid"),
            Self::UnacceptableQuery { failure } => {
                write!(f, "time-stamp request not acceptable: {failure}")
            }
        }
    }
}

impl std::error::Error for Error {}
