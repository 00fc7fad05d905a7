//! A SOAP entity of an information system, read and written: one envelope, or multipart/related
//! with attachments (PR-MESS 2.4). What the parts may be is judged in `gateway_proto::soap`; here
//! they are fed from a body, and attachments kept as they come.

use bytes::Bytes;
use gateway_messagelog::MessageLog;
use gateway_net::Body;
use gateway_proto::Limits;
use gateway_proto::mime::Headers;
use gateway_proto::soap::entity::Entity;
use gateway_proto::soap::multipart::{Decoder, Encoder, Part};
use gateway_proto::soap::{self, Parsed};

use crate::content::{self, Piece};
use crate::error::Error;
use crate::message::Attachment;

/// The SOAP part, read and validated; attachments may still be on their way.
pub(crate) struct Incoming {
    pub(crate) parsed: Parsed,
    /// Headers of the SOAP part: at least its content type.
    pub(crate) headers: Headers,
    /// What follows the SOAP part of a multipart.
    pub(crate) unread: Option<Unread>,
}

/// The attachments, not read yet.
pub(crate) struct Unread {
    decoder: Decoder,
    body: Body,
    ended: bool,
}

/// Reads up to the end of the envelope: the whole body, or the first part of a multipart.
pub(crate) async fn read(
    content_type: Option<&str>,
    body: Body,
    limits: &Limits,
) -> Result<Incoming, Error> {
    let (content_type, headers, bytes, unread) =
        match Entity::of(content_type).map_err(Error::Soap)? {
            Entity::Plain => {
                let content_type = content_type.unwrap_or_default().to_owned();
                let bytes = content::collect(body, limits.soap_bytes_max).await?;
                let headers = Headers::of_type(&content_type);
                (content_type, headers, bytes, None)
            }
            Entity::Multipart { boundary } => {
                let decoder = Decoder::new(&boundary, limits).map_err(Error::Soap)?;
                let mut unread = Unread {
                    decoder,
                    body,
                    ended: false,
                };
                match unread.next().await? {
                    Part::Soap {
                        content_type,
                        headers,
                        bytes,
                    } => (content_type, headers, bytes, Some(unread)),
                    Part::AttachmentStart(_)
                    | Part::AttachmentData(_)
                    | Part::AttachmentEnd
                    | Part::End => return Err(Error::MissingSoap),
                }
            }
        };
    let parsed = soap::parse(bytes, &content_type, limits).map_err(Error::Soap)?;
    Ok(Incoming {
        parsed,
        headers,
        unread,
    })
}

/// The entity built anew, with the boundary of the side that made it: SOAP part first, then the
/// attachments in order, each with the headers it came with.
pub(crate) fn pieces(
    entity: &Entity,
    headers: &Headers,
    soap: &Bytes,
    attachments: &[Attachment],
) -> Vec<Piece> {
    let Entity::Multipart { boundary } = entity else {
        return vec![Piece::Bytes(soap.clone())];
    };
    let mut encoder = Encoder::new(boundary, !attachments.is_empty());
    let mut pieces = Vec::with_capacity(attachments.len().saturating_mul(2).saturating_add(1));
    let mut out = Vec::with_capacity(soap.len().saturating_add(512));
    encoder.soap(&mut out, headers, soap);
    for attachment in attachments {
        encoder.attachment_start(&mut out, &attachment.headers);
        pieces.push(std::mem::take(&mut out).into());
        pieces.push(Piece::Content(attachment.content.clone()));
    }
    encoder.end(&mut out);
    pieces.push(out.into());
    pieces
}

/// The entity by the Content-Type a peer handed on, which must fit what came with it: attachments
/// that were signed are never dropped on the way.
pub(crate) fn original(content_type: Option<&str>, has_attachments: bool) -> Result<Entity, Error> {
    let entity = Entity::of(content_type).map_err(Error::Soap)?;
    match (&entity, has_attachments) {
        (Entity::Plain, true) => Err(Error::AttachmentsBesidePlain),
        (Entity::Plain, false) | (Entity::Multipart { .. }, _) => Ok(entity),
    }
}

impl Unread {
    /// Keeps the attachments.
    pub(crate) async fn attachments(mut self, log: &MessageLog) -> Result<Vec<Attachment>, Error> {
        let mut attachments = Vec::new();
        while let Part::AttachmentStart(headers) = self.next().await? {
            let mut spool = log.spool();
            while let Part::AttachmentData(chunk) = self.next().await? {
                spool.write(chunk).await.map_err(Error::kept)?;
            }
            let content = spool.finish().await.map_err(Error::kept)?;
            attachments.push(Attachment { headers, content });
        }
        Ok(attachments)
    }

    async fn next(&mut self) -> Result<Part, Error> {
        loop {
            if let Some(part) = self.decoder.next_part().map_err(Error::Soap)? {
                return Ok(part);
            }
            if self.ended {
                return Ok(Part::End);
            }
            match content::next_chunk(&mut self.body).await? {
                Some(chunk) => self.decoder.push(chunk),
                None => {
                    self.decoder.finish();
                    self.ended = true;
                }
            }
        }
    }
}
