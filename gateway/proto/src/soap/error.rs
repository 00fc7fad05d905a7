//! Why something is not a SOAP message.

use std::fmt;

use crate::{fault::catalogue, id, mime};

/// Why something is not a SOAP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The HTTP message has no Content-Type. Deployed servers report this as their own failure
    /// (`server.clientproxy`), before they look for the client's.
    MissingContentType,
    /// The Content-Type is none that can hold a message, or that of a SOAP part is not XML.
    ContentType,
    /// A part of a multipart has no Content-Type.
    PartWithoutContentType,
    /// The multipart is malformed.
    Mime(mime::Error),
    /// The multipart has no part.
    NoSoapPart,
    /// The envelope is larger than allowed.
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// There are more attachments than allowed.
    TooManyAttachments {
        /// The bound.
        attachments_max: usize,
    },
    /// The attachments together are larger than allowed.
    AttachmentsTooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// The XML is malformed, uses what is not allowed, or passes a limit.
    Xml(gateway_xml::Error),
    /// The root is not a SOAP 1.1 envelope.
    NotEnvelope,
    /// The envelope has a second header or body, or its header after the body.
    RepeatedSection,
    /// An identifier has no known object type, or one it must not have.
    ObjectType {
        /// The identifier.
        field: &'static str,
    },
    /// A header field or a component of an identifier stands twice.
    Duplicate {
        /// Which.
        field: &'static str,
    },
    /// The protocol version is not 4.x.
    ProtocolVersion,
    /// The body has a second child.
    SecondBodyChild,
    /// There is no header.
    MissingHeader,
    /// A mandatory header field is missing.
    MissingField {
        /// Which.
        field: &'static str,
    },
    /// There is no body.
    MissingBody,
    /// The body has no child.
    EmptyBody,
    /// The name of the body's child does not begin with the service code.
    ServiceMismatch,
    /// A component of an identifier is missing or blank.
    Identifier(id::Error),
    /// A fault was expected, but this is a message.
    NotFault,
}

impl Error {
    /// The fault code, without prefix.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingContentType | Self::Identifier(_) => catalogue::INTERNAL_ERROR,
            Self::ContentType | Self::PartWithoutContentType => catalogue::INVALID_CONTENT_TYPE,
            Self::Mime(_) | Self::TooManyAttachments { .. } => catalogue::MIME_PARSING_FAILED,
            Self::NoSoapPart => catalogue::MISSING_SOAP,
            Self::TooLarge { .. } | Self::Xml(_) | Self::NotEnvelope | Self::RepeatedSection => {
                catalogue::INVALID_SOAP
            }
            Self::AttachmentsTooLarge { .. } | Self::NotFault => catalogue::INVALID_MESSAGE,
            Self::ObjectType { .. } => catalogue::INVALID_XML,
            Self::Duplicate { .. } => catalogue::DUPLICATE_HEADER_FIELD,
            Self::ProtocolVersion => catalogue::INVALID_PROTOCOL_VERSION,
            Self::SecondBodyChild | Self::EmptyBody => catalogue::INVALID_BODY,
            Self::MissingHeader => catalogue::MISSING_HEADER,
            Self::MissingField { .. } => catalogue::MISSING_HEADER_FIELD,
            Self::MissingBody => catalogue::MISSING_BODY,
            Self::ServiceMismatch => catalogue::INCONSISTENT_HEADERS,
        }
    }
}

impl From<gateway_xml::Error> for Error {
    fn from(error: gateway_xml::Error) -> Self {
        Self::Xml(error)
    }
}

impl From<mime::Error> for Error {
    fn from(error: mime::Error) -> Self {
        Self::Mime(error)
    }
}

impl From<id::Error> for Error {
    fn from(error: id::Error) -> Self {
        Self::Identifier(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingContentType => f.write_str("there is no Content-Type"),
            Self::ContentType => f.write_str("the Content-Type cannot hold a SOAP message"),
            Self::PartWithoutContentType => f.write_str("a part has no Content-Type"),
            Self::Mime(_) => f.write_str("the multipart is malformed"),
            Self::NoSoapPart => f.write_str("the multipart has no part"),
            Self::TooLarge { bytes_max } => {
                write!(f, "the envelope is larger than {bytes_max} bytes")
            }
            Self::TooManyAttachments { attachments_max } => {
                write!(f, "there are more than {attachments_max} attachments")
            }
            Self::AttachmentsTooLarge { bytes_max } => {
                write!(f, "the attachments are larger than {bytes_max} bytes")
            }
            Self::Xml(_) => f.write_str("the envelope is not acceptable XML"),
            Self::NotEnvelope => f.write_str("the root element is not a SOAP 1.1 envelope"),
            Self::RepeatedSection => f.write_str("the envelope is not one header and one body"),
            Self::ObjectType { field } => {
                write!(f, "the header field {field} has no acceptable objectType")
            }
            Self::Duplicate { field } => write!(f, "{field} stands twice in the header"),
            Self::ProtocolVersion => f.write_str("the protocol version is not 4.x"),
            Self::SecondBodyChild => f.write_str("the body has more than one child element"),
            Self::MissingHeader => f.write_str("the header is missing"),
            Self::MissingField { field } => write!(f, "the header field {field} is missing"),
            Self::MissingBody => f.write_str("the body is missing"),
            Self::EmptyBody => f.write_str("the body has no child element"),
            Self::ServiceMismatch => {
                f.write_str("the body element does not begin with the service code")
            }
            Self::Identifier(_) => f.write_str("a header field holds no valid identifier"),
            Self::NotFault => f.write_str("the envelope holds a message, not a fault"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Mime(error) => Some(error),
            Self::Xml(error) => Some(error),
            Self::Identifier(error) => Some(error),
            Self::MissingContentType
            | Self::ContentType
            | Self::PartWithoutContentType
            | Self::NoSoapPart
            | Self::TooLarge { .. }
            | Self::TooManyAttachments { .. }
            | Self::AttachmentsTooLarge { .. }
            | Self::NotEnvelope
            | Self::RepeatedSection
            | Self::ObjectType { .. }
            | Self::Duplicate { .. }
            | Self::ProtocolVersion
            | Self::SecondBodyChild
            | Self::MissingHeader
            | Self::MissingField { .. }
            | Self::MissingBody
            | Self::EmptyBody
            | Self::ServiceMismatch
            | Self::NotFault => None,
        }
    }
}
