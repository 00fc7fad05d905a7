//! Why a node-to-node message could not be read.

use std::fmt;

use crate::{fault::catalogue, mime, soap};

/// A part or an amount that has a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An OCSP response.
    Ocsp,
    /// The number of OCSP responses.
    OcspParts,
    /// The SOAP envelope.
    Soap,
    /// The serialised REST message.
    RestBlock,
    /// A REST body, or all attachments together.
    Content,
    /// The number of attachments.
    Attachments,
    /// A hash chain document.
    HashChain,
    /// The signature document.
    Signature,
}

/// Why a node-to-node message could not be read.
#[derive(Debug)]
pub enum Error {
    /// The body is not `multipart/mixed` with a boundary.
    ContentType,
    /// A part of this type cannot stand here.
    UnexpectedPart {
        /// Its Content-Type, as far as it is one.
        content_type: Option<String>,
    },
    /// The attachments part names no boundary.
    AttachmentsWithoutBoundary,
    /// A part follows the signature.
    ExtraPart,
    /// Something is larger than allowed.
    TooLarge {
        /// What it is.
        what: What,
        /// The bound, in bytes or pieces.
        max: u64,
    },
    /// The multipart is malformed.
    Mime(mime::Error),
    /// The part in place of the signature is not a SOAP fault.
    Fault(soap::Error),
    /// The decoder was asked again after an error.
    Failed,
}

impl Error {
    /// The fault code, without prefix.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ContentType | Self::UnexpectedPart { .. } => catalogue::INVALID_CONTENT_TYPE,
            Self::AttachmentsWithoutBoundary | Self::Mime(_) => catalogue::MIME_PARSING_FAILED,
            Self::ExtraPart | Self::TooLarge { .. } | Self::Failed => catalogue::INVALID_MESSAGE,
            Self::Fault(soap::Error::NotFault) => catalogue::INVALID_CONTENT_TYPE,
            Self::Fault(error) => error.code(),
        }
    }
}

impl From<mime::Error> for Error {
    fn from(error: mime::Error) -> Self {
        Self::Mime(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType => f.write_str("the body is not multipart/mixed with a boundary"),
            Self::UnexpectedPart {
                content_type: Some(content_type),
            } => {
                write!(f, "a part of type {content_type:?} cannot stand here")
            }
            Self::UnexpectedPart { content_type: None } => {
                f.write_str("a part has no usable Content-Type")
            }
            Self::AttachmentsWithoutBoundary => f.write_str("the attachments have no boundary"),
            Self::ExtraPart => f.write_str("a part follows the signature"),
            Self::TooLarge { what, max } => write!(f, "{what} exceeds {max}"),
            Self::Mime(_) => f.write_str("the multipart is malformed"),
            Self::Fault(_) => f.write_str("the last part is neither a signature nor a fault"),
            Self::Failed => f.write_str("the message was already refused"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Mime(error) => Some(error),
            Self::Fault(error) => Some(error),
            Self::ContentType
            | Self::UnexpectedPart { .. }
            | Self::AttachmentsWithoutBoundary
            | Self::ExtraPart
            | Self::TooLarge { .. }
            | Self::Failed => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ocsp => "an OCSP response",
            Self::OcspParts => "the number of OCSP responses",
            Self::Soap => "the SOAP envelope",
            Self::RestBlock => "the REST message without its body",
            Self::Content => "the body or the attachments together",
            Self::Attachments => "the number of attachments",
            Self::HashChain => "a hash chain document",
            Self::Signature => "the signature document",
        })
    }
}
