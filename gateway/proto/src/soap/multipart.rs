//! Messages with attachments, from and to clients and services (PR-MESS 2.4).
//!
//! The first part is the envelope whatever the parameters of `multipart/related` say. All parts
//! are relayed as raw bytes with their headers; content transfer encodings are never decoded. A
//! multipart among the attachments is one opaque attachment (deployed servers take it apart into
//! its leaves; nothing on the wire depends on it).

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{Error, entity};
use crate::Limits;
use crate::mime::{self, Headers, Writer};

/// What [`Decoder`] sees, in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// The envelope, not yet parsed; always first.
    Soap {
        /// Its Content-Type value, verbatim.
        content_type: String,
        /// All its headers, the Content-Type included.
        headers: Headers,
        /// Its bytes.
        bytes: Bytes,
    },
    /// An attachment begins.
    AttachmentStart(Headers),
    /// Some of its bytes.
    AttachmentData(Bytes),
    /// It is complete.
    AttachmentEnd,
    /// All parts were seen.
    End,
}

/// Takes the bytes of a `multipart/related` body in any chunks and gives its parts in order.
pub struct Decoder {
    inner: mime::Decoder,
    limits: Limits,
    /// Headers and bytes of the envelope, until it is complete.
    soap: Option<(Headers, Bytes)>,
    soap_seen: bool,
    attachments: usize,
    attachment_bytes: u64,
    failed: Option<Error>,
}

impl Decoder {
    /// A decoder for a body with this boundary.
    ///
    /// # Errors
    /// When the boundary cannot be one.
    pub fn new(boundary: &str, limits: &Limits) -> Result<Self, Error> {
        Ok(Self {
            inner: mime::Decoder::new(boundary, limits)?,
            limits: limits.clone(),
            soap: None,
            soap_seen: false,
            attachments: 0,
            attachment_bytes: 0,
            failed: None,
        })
    }

    /// More input. Take all parts before pushing again, or chunks pile up.
    pub fn push(&mut self, chunk: Bytes) {
        if self.failed.is_none() {
            self.inner.push(chunk);
        }
    }

    /// There is no more input.
    pub fn finish(&mut self) {
        self.inner.finish();
    }

    /// The next part; `None` when more input is needed, or after [`Part::End`].
    ///
    /// # Errors
    /// When the multipart is malformed, a part has no Content-Type, the first is no XML, or there
    /// is none; the same error from then on.
    pub fn next_part(&mut self) -> Result<Option<Part>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.step();
        self.failed = result.as_ref().err().cloned();
        result
    }

    fn step(&mut self) -> Result<Option<Part>, Error> {
        loop {
            let Some(event) = self.inner.next_event()? else {
                return Ok(None);
            };
            let part = match event {
                mime::Event::PartStart(headers) => self.begin(headers)?,
                mime::Event::Data(data) => self.data(data)?,
                mime::Event::PartEnd => Some(self.end()),
                mime::Event::End if self.soap_seen => Some(Part::End),
                mime::Event::End => return Err(Error::NoSoapPart),
            };
            if part.is_some() {
                return Ok(part);
            }
        }
    }

    fn begin(&mut self, headers: Headers) -> Result<Option<Part>, Error> {
        let content_type = headers
            .content_type()
            .ok_or(Error::PartWithoutContentType)?;
        if self.soap_seen {
            self.attachments = self.attachments.saturating_add(1);
            let attachments_max = self.limits.attachments_max;
            return match self.attachments <= attachments_max {
                true => Ok(Some(Part::AttachmentStart(headers))),
                false => Err(Error::TooManyAttachments { attachments_max }),
            };
        }
        if !entity::is_envelope(content_type) {
            return Err(Error::ContentType);
        }
        self.soap_seen = true;
        self.soap = Some((headers, Bytes::new()));
        Ok(None)
    }

    fn data(&mut self, data: Bytes) -> Result<Option<Part>, Error> {
        match &mut self.soap {
            Some((_, bytes)) => {
                let bytes_max = self.limits.soap_bytes_max;
                if bytes.len().saturating_add(data.len()) > bytes_max {
                    return Err(Error::TooLarge { bytes_max });
                }
                match bytes.is_empty() {
                    true => *bytes = data,
                    false => {
                        let mut joined = BytesMut::from(std::mem::take(bytes));
                        joined.extend_from_slice(&data);
                        *bytes = joined.freeze();
                    }
                }
                Ok(None)
            }
            None => {
                let more = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.attachment_bytes = self.attachment_bytes.saturating_add(more);
                let bytes_max = self.limits.content_bytes_max;
                match self.attachment_bytes <= bytes_max {
                    true => Ok(Some(Part::AttachmentData(data))),
                    false => Err(Error::AttachmentsTooLarge { bytes_max }),
                }
            }
        }
    }

    fn end(&mut self) -> Part {
        match self.soap.take() {
            Some((headers, bytes)) => {
                let content_type = headers.content_type().unwrap_or_default().to_owned();
                Part::Soap {
                    content_type,
                    headers,
                    bytes,
                }
            }
            None => Part::AttachmentEnd,
        }
    }
}

/// Shows sizes, not contents: bodies are about persons.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Soap { bytes, .. } => f.debug_tuple("Soap").field(&bytes.len()).finish(),
            Self::AttachmentStart(headers) => {
                f.debug_tuple("AttachmentStart").field(headers).finish()
            }
            Self::AttachmentData(data) => {
                f.debug_tuple("AttachmentData").field(&data.len()).finish()
            }
            Self::AttachmentEnd => f.write_str("AttachmentEnd"),
            Self::End => f.write_str("End"),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("inner", &self.inner)
            .field("attachments", &self.attachments)
            .field("attachment_bytes", &self.attachment_bytes)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Builds a message with attachments anew, with the boundary of the side that made it. The caller
/// appends the bytes of an attachment after its `_start`.
#[derive(Debug)]
pub struct Encoder(Writer);

impl Encoder {
    /// An encoder with the original boundary. Deployed servers write part headers with a blank
    /// after the colon when there are no attachments, and without when there are; some clients
    /// match the latter as text.
    pub fn new(boundary: &str, has_attachments: bool) -> Self {
        Self(match has_attachments {
            true => Writer::compact(boundary),
            false => Writer::new(boundary),
        })
    }

    /// The envelope with the headers of its part; always first.
    pub fn soap(&mut self, out: &mut Vec<u8>, headers: &Headers, bytes: &[u8]) {
        self.0.part(out, headers);
        out.extend_from_slice(bytes);
    }

    /// Begins an attachment; its bytes follow.
    pub fn attachment_start(&mut self, out: &mut Vec<u8>, headers: &Headers) {
        self.0.part(out, headers);
    }

    /// The closing boundary.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.0.end(out);
    }
}
