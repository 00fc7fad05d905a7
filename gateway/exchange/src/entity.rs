//! A SOAP entity of an information system: one envelope, or multipart/related with attachments.

use bytes::{Bytes, BytesMut};
use gateway_messagelog::MessageLog;
use gateway_net::Body;
use gateway_proto::mime::{self, Headers, MediaType};
use gateway_proto::soap::{self, Parsed};
use gateway_proto::Limits;

use crate::content;
use crate::error::Error;
use crate::message::Attachment;

/// The SOAP part, read and validated; attachments may still be on their way.
pub(crate) struct Entity {
    pub(crate) parsed: Parsed,
    /// Headers of the SOAP part: at least its content type.
    pub(crate) headers: Headers,
    pub(crate) rest: Option<Parts>,
}

/// The multipart message behind the SOAP part.
pub(crate) struct Parts {
    decoder: mime::Decoder,
    body: Body,
    ended: bool,
    limits: Limits,
}

/// Reads the SOAP part (PR-MESS 2.4, 2.6): the whole body, or the first part of a multipart.
pub(crate) async fn read(content_type: &str, body: Body, limits: &Limits) -> Result<Entity, Error> {
    let wrong = || Error::ContentType { found: content_type.to_owned() };
    let media = MediaType::parse(content_type).ok_or_else(wrong)?;
    match media.base.to_ascii_lowercase().as_str() {
        "text/xml" | "application/xop+xml" => {
            let bytes = content::collect(body, limits.soap_bytes_max).await?;
            let parsed = soap::parse(bytes, content_type, limits).map_err(Error::Soap)?;
            Ok(Entity { parsed, headers: Headers::of_type(content_type), rest: None })
        }
        "multipart/related" => {
            let boundary = media.parameter("boundary").ok_or_else(wrong)?;
            let decoder = mime::Decoder::new(boundary, limits).map_err(Error::Mime)?;
            let mut parts = Parts { decoder, body, ended: false, limits: limits.clone() };
            let (headers, bytes) = parts.soap().await?;
            let part_type = headers.get("content-type").unwrap_or_default().to_owned();
            let parsed = soap::parse(bytes, &part_type, limits).map_err(Error::Soap)?;
            Ok(Entity { parsed, headers, rest: Some(parts) })
        }
        _ => Err(wrong()),
    }
}

impl Parts {
    async fn soap(&mut self) -> Result<(Headers, Bytes), Error> {
        let headers = match self.next().await? {
            mime::Event::PartStart(headers) => headers,
            mime::Event::End | mime::Event::Data(_) | mime::Event::PartEnd => {
                return Err(Error::MissingSoap);
            }
        };
        require_content_type(&headers)?;
        let mut whole = BytesMut::new();
        loop {
            match self.next().await? {
                mime::Event::Data(chunk) => {
                    if whole.len().saturating_add(chunk.len()) > self.limits.soap_bytes_max {
                        let bytes_max = u64::try_from(self.limits.soap_bytes_max).unwrap_or(u64::MAX);
                        return Err(Error::TooLarge { bytes_max });
                    }
                    whole.extend_from_slice(&chunk);
                }
                mime::Event::PartStart(_) | mime::Event::PartEnd | mime::Event::End => break,
            }
        }
        Ok((headers, whole.freeze()))
    }

    /// Keeps what follows the SOAP part.
    pub(crate) async fn attachments(mut self, log: &MessageLog) -> Result<Vec<Attachment>, Error> {
        let mut attachments = Vec::new();
        while let mime::Event::PartStart(headers) = self.next().await? {
            if attachments.len() == self.limits.attachments_max {
                let bytes_max = self.limits.content_bytes_max;
                return Err(Error::TooLarge { bytes_max });
            }
            require_content_type(&headers)?;
            let mut spool = log.spool();
            while let mime::Event::Data(chunk) = self.next().await? {
                spool.write(chunk).await.map_err(Error::Content)?;
            }
            let content = spool.finish().await.map_err(Error::Content)?;
            attachments.push(Attachment { headers, content });
        }
        Ok(attachments)
    }

    async fn next(&mut self) -> Result<mime::Event, Error> {
        loop {
            if let Some(event) = self.decoder.next_event().map_err(Error::Mime)? {
                return Ok(event);
            }
            if self.ended {
                return Ok(mime::Event::End);
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

fn require_content_type(headers: &Headers) -> Result<(), Error> {
    match headers.get("content-type") {
        Some(_) => Ok(()),
        None => Err(Error::ContentType { found: "a part without a content type".to_owned() }),
    }
}
