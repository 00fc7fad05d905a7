//! multipart/related towards information systems, with the boundary of the original Content-Type.

use bytes::Bytes;
use gateway_proto::mime::{Headers, MediaType, Writer};

use crate::content::Piece;
use crate::message::Attachment;

/// SOAP part first, then the attachments in order, each with the headers it came with (PR-MESS 2.4).
/// `None` when the original type names no boundary.
pub(crate) fn pieces(
    original_content_type: &str,
    soap_headers: &Headers,
    soap: Bytes,
    attachments: &[Attachment],
) -> Option<Vec<Piece>> {
    let media = MediaType::parse(original_content_type)?;
    let mut writer = Writer::new(media.parameter("boundary")?);
    let mut pieces = Vec::with_capacity(attachments.len().saturating_mul(2).saturating_add(3));
    let mut out = Vec::new();
    writer.part(&mut out, soap_headers);
    pieces.push(std::mem::take(&mut out).into());
    pieces.push(Piece::Bytes(soap));
    for attachment in attachments {
        writer.part(&mut out, &attachment.headers);
        pieces.push(std::mem::take(&mut out).into());
        pieces.push(Piece::Content(attachment.content.clone()));
    }
    writer.end(&mut out);
    pieces.push(out.into());
    Some(pieces)
}

/// Whether a Content-Type is a multipart one.
pub(crate) fn is_multipart(content_type: &str) -> bool {
    content_type.trim_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
}

/// The type as handed to the asking information system: a UTF-8 charset is added when it says none.
pub(crate) fn with_charset(content_type: &str) -> String {
    let says_utf8 = MediaType::parse(content_type).is_some_and(|media| {
        media.parameter("charset").is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8"))
    });
    if says_utf8 { content_type.to_owned() } else { format!("{content_type};charset=utf-8") }
}
