//! What an HTTP body holds, by its Content-Type (PR-MESS 2.4).

use super::Error;
use crate::mime::MediaType;

/// The Content-Type of a message without attachments, to clients and to services. Deployed
/// servers send this constant whatever the other side wrote.
pub const PLAIN_CONTENT_TYPE: &str = "text/xml; charset=UTF-8";

/// The form of an HTTP body with a SOAP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    /// The envelope alone.
    Plain,
    /// The envelope and its attachments, if any; see [`multipart`](super::multipart).
    Multipart {
        /// Separates the parts.
        boundary: String,
    },
}

impl Entity {
    /// By the Content-Type of an HTTP message, or the `x-original-content-type` a peer sent.
    ///
    /// # Errors
    /// When there is none, it is no form of a SOAP message, or a multipart has no boundary.
    pub fn of(content_type: Option<&str>) -> Result<Self, Error> {
        let content_type = content_type.ok_or(Error::MissingContentType)?;
        let media_type = MediaType::parse(content_type).ok_or(Error::ContentType)?;
        match media_type.base.as_str() {
            "text/xml" | "application/xop+xml" => Ok(Self::Plain),
            "multipart/related" => match media_type.parameter("boundary") {
                Some(boundary) => Ok(Self::Multipart {
                    boundary: boundary.to_owned(),
                }),
                None => Err(Error::Mime(crate::mime::Error::BadBoundary)),
            },
            _ => Err(Error::ContentType),
        }
    }

    /// The Content-Type towards the service: the client's own for a multipart, whose boundary is
    /// kept, else the constant.
    pub fn content_type_to_service<'c>(&self, original: &'c str) -> &'c str {
        match self {
            Self::Plain => PLAIN_CONTENT_TYPE,
            Self::Multipart { .. } => original,
        }
    }

    /// The Content-Type towards the client: that of the service for a multipart, with a charset
    /// added where it names no UTF-8, else the constant.
    pub fn content_type_to_client(&self, original: &str) -> String {
        match self {
            Self::Plain => PLAIN_CONTENT_TYPE.to_owned(),
            Self::Multipart { .. } => {
                let media_type = MediaType::parse(original);
                let charset = media_type
                    .as_ref()
                    .and_then(|value| value.parameter("charset"));
                match charset.is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8")) {
                    true => original.to_owned(),
                    false => format!("{original};charset=utf-8"),
                }
            }
        }
    }
}

/// Whether an entity or part of this Content-Type can be an envelope.
pub(super) fn is_envelope(content_type: &str) -> bool {
    let base = content_type.split(';').next().unwrap_or_default().trim();
    ["text/xml", "application/xop+xml"]
        .iter()
        .any(|allowed| base.eq_ignore_ascii_case(allowed))
}
