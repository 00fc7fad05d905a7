//! Whether a SOAP message with attachments has one envelope for all who read it.
//!
//! We take the first part as it is, whatever is said around it; many services go by what is said: the
//! `start` of the multipart, a transfer encoding. They would find another envelope than the one that
//! was signed and judged (RFC 2387, section 3.2; RFC 2045, section 6).

use gateway_policy::locate;
use gateway_proto::mime::{Headers, MediaType};
use gateway_proto::soap::entity::Entity;

use super::BasisError;
use crate::message::Attachment;

/// How the envelope came, as it goes on to the service.
#[derive(Clone, Copy)]
pub(crate) struct Envelope<'a> {
    /// The Content-Type of the whole.
    pub(crate) content_type: Option<&'a str>,
    /// The headers of the SOAP part.
    pub(crate) headers: &'a Headers,
}

impl Envelope<'_> {
    /// Refuses what two readers could read in two ways.
    pub(super) fn check(&self, attachments: &[Attachment]) -> Result<(), BasisError> {
        match self.is_one(attachments) {
            true => Ok(()),
            false => Err(BasisError::Persons(locate::Error::Unreadable {
                place: "the first part of the multipart".to_owned(),
            })),
        }
    }

    fn is_one(&self, attachments: &[Attachment]) -> bool {
        if !matches!(Entity::of(self.content_type), Ok(Entity::Multipart { .. })) {
            // It goes on as plain text of our own type, without part headers.
            return true;
        }
        let Some(media_type) = self.content_type.and_then(MediaType::parse) else {
            return false;
        };
        let own = content_id(self.headers);
        let is_start = match media_type.parameter("start") {
            Some(start) => own == Some(bare(start)),
            None => true,
        };
        is_start
            && is_plain(&media_type)
            && is_encoded_as_is(self.headers)
            && attachments
                .iter()
                .all(|attachment| own.is_none() || content_id(&attachment.headers) != own)
    }
}

/// No parameter stands twice, or in pieces (RFC 2231).
fn is_plain(media_type: &MediaType) -> bool {
    let names = || media_type.parameters.iter().map(|(name, _)| name);
    let is_twice = |name: &String| names().filter(|other| *other == name).count() > 1;
    !names().any(|name| name.contains('*') || is_twice(name))
}

/// The octets of the part are those of the envelope.
fn is_encoded_as_is(headers: &Headers) -> bool {
    let mut encodings = values(headers, "content-transfer-encoding");
    let is_single = values(headers, "content-id").nth(1).is_none();
    is_single
        && encodings.all(|encoding| {
            ["7bit", "8bit", "binary"]
                .into_iter()
                .any(|as_is| as_is.eq_ignore_ascii_case(encoding.trim()))
        })
}

fn content_id(headers: &Headers) -> Option<&str> {
    headers.get("content-id").map(bare)
}

/// Without the angle brackets, which some leave out.
fn bare(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}

fn values<'h>(headers: &'h Headers, name: &'static str) -> impl Iterator<Item = &'h str> {
    let named = headers
        .0
        .iter()
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}
