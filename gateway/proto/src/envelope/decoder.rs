//! The receiver: one state per place in the order of parts (PR-MESSTRANSP 3.1).

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{Error, Part, What, part_type};
use crate::Limits;
use crate::fault::Fault;
use crate::mime::{self, Headers, MediaType};

/// Takes the bytes of one node-to-node message in any chunks and gives its parts in order.
#[derive(Debug)]
pub struct Decoder {
    outer: mime::Decoder,
    attachments: Option<mime::Decoder>,
    limits: Limits,
    place: Place,
    open: Open,
    is_rest: bool,
    ocsp_count: usize,
    attachment_count: usize,
    content_bytes: u64,
    failed: bool,
}

/// Which parts may come next. A part is tried against its place and all later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ocsp,
    RestBody,
    Attachments,
    HashChainResult,
    HashChain,
    Signature,
    /// Nothing may follow.
    Nothing,
}

/// The part being read.
#[derive(Debug)]
enum Open {
    None,
    /// A part that is handed on whole.
    Whole {
        kind: Whole,
        body: Body,
    },
    /// A REST body.
    RestBody,
    /// The multipart of attachments.
    Attachments,
}

#[derive(Debug)]
enum Whole {
    Ocsp,
    Soap {
        content_type: String,
        headers: Headers,
    },
    RestRequest,
    RestResponse,
    HashChainResult,
    HashChain,
    Signature,
    Fault {
        content_type: String,
    },
}

/// The bytes of a whole part: those of one chunk are not copied.
struct Body {
    what: What,
    bytes_max: usize,
    bytes: Bytes,
}

impl Decoder {
    /// A decoder for an HTTP body of this Content-Type.
    ///
    /// # Errors
    /// When it is not `multipart/mixed` with a usable boundary.
    pub fn new(content_type: &str, limits: &Limits) -> Result<Self, Error> {
        let media_type = MediaType::parse(content_type).ok_or(Error::ContentType)?;
        if media_type.base != part_type::MULTIPART_MIXED {
            return Err(Error::ContentType);
        }
        let boundary = media_type.parameter("boundary").ok_or(Error::ContentType)?;
        let outer = mime::Decoder::new(boundary, limits).map_err(|_| Error::ContentType)?;
        Ok(Self {
            outer,
            attachments: None,
            limits: limits.clone(),
            place: Place::Ocsp,
            open: Open::None,
            is_rest: false,
            ocsp_count: 0,
            attachment_count: 0,
            content_bytes: 0,
            failed: false,
        })
    }

    /// More input. Take all parts before pushing again, or chunks pile up.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.failed {
            self.outer.push(chunk);
        }
    }

    /// There is no more input. The closing boundary may be missing.
    pub fn finish(&mut self) {
        self.outer.finish();
    }

    /// The next part; `None` when more input is needed, or after [`Part::End`].
    ///
    /// # Errors
    /// When the message is malformed, out of order or over a limit; from then on always.
    pub fn next_part(&mut self) -> Result<Option<Part>, Error> {
        if self.failed {
            return Err(Error::Failed);
        }
        let result = self.step();
        self.failed = result.is_err();
        result
    }

    fn step(&mut self) -> Result<Option<Part>, Error> {
        loop {
            if let Some(attachments) = &mut self.attachments {
                if let Some(event) = attachments.next_event()? {
                    if let Some(part) = self.attachment_event(event)? {
                        return Ok(Some(part));
                    }
                    continue;
                }
                if attachments.is_done() && matches!(self.open, Open::None) {
                    self.attachments = None;
                }
            }
            let Some(event) = self.outer.next_event()? else {
                return Ok(None);
            };
            match event {
                mime::Event::PartStart(headers) => {
                    if let Some(part) = self.begin(headers)? {
                        return Ok(Some(part));
                    }
                }
                mime::Event::Data(data) => {
                    if let Some(part) = self.data(data)? {
                        return Ok(Some(part));
                    }
                }
                mime::Event::PartEnd => {
                    if let Some(part) = self.end()? {
                        return Ok(Some(part));
                    }
                }
                mime::Event::End => return Ok(Some(Part::End)),
            }
        }
    }

    /// Finds the place of a part that begins; each place falls through to the next.
    fn begin(&mut self, headers: Headers) -> Result<Option<Part>, Error> {
        let content_type = headers.content_type().unwrap_or_default().trim().to_owned();
        let media_type = MediaType::parse(&content_type);
        // The type of a signature is no media type by the letter: it has two slashes.
        let name = content_type.split(';').next().unwrap_or_default().trim();
        let base = match &media_type {
            Some(media_type) => media_type.base.as_str(),
            None if name.eq_ignore_ascii_case(part_type::SIGNATURE) => part_type::SIGNATURE,
            None => "",
        };
        let limits = &self.limits;
        let (place, kind, what, bytes_max) = match (self.place, base) {
            (Place::Ocsp, part_type::OCSP) => {
                self.ocsp_count = self.ocsp_count.saturating_add(1);
                check(What::OcspParts, self.ocsp_count, limits.ocsp_parts_max)?;
                (Place::Ocsp, Whole::Ocsp, What::Ocsp, limits.ocsp_bytes_max)
            }
            (Place::Ocsp, part_type::REST_REQUEST | part_type::REST_RESPONSE) => {
                self.is_rest = true;
                let kind = match base == part_type::REST_REQUEST {
                    true => Whole::RestRequest,
                    false => Whole::RestResponse,
                };
                (
                    Place::RestBody,
                    kind,
                    What::RestBlock,
                    limits.rest_block_bytes_max,
                )
            }
            (Place::Ocsp, part_type::TEXT_XML | part_type::XOP_XML) => {
                let kind = Whole::Soap {
                    content_type,
                    headers,
                };
                (Place::Attachments, kind, What::Soap, limits.soap_bytes_max)
            }
            (Place::Ocsp, _) => return Err(unexpected(&media_type)),
            (Place::RestBody, part_type::REST_BODY) => {
                self.place = Place::HashChainResult;
                self.open = Open::RestBody;
                return Ok(Some(Part::ContentStart(headers)));
            }
            (Place::Attachments, part_type::MULTIPART_MIXED) => {
                let boundary = media_type
                    .as_ref()
                    .and_then(|value| value.parameter("boundary"));
                let boundary = boundary.ok_or(Error::AttachmentsWithoutBoundary)?;
                self.attachments = Some(mime::Decoder::new(boundary, limits)?);
                self.place = Place::HashChainResult;
                self.open = Open::Attachments;
                return Ok(None);
            }
            (
                Place::RestBody | Place::Attachments | Place::HashChainResult,
                part_type::HASH_CHAIN_RESULT,
            ) => {
                let bytes_max = limits.hash_chain_bytes_max;
                (
                    Place::HashChain,
                    Whole::HashChainResult,
                    What::HashChain,
                    bytes_max,
                )
            }
            (Place::Nothing, _) => return Err(Error::ExtraPart),
            (Place::Signature, part_type::HASH_CHAIN) => return Err(unexpected(&media_type)),
            (_, part_type::HASH_CHAIN) => {
                let bytes_max = limits.hash_chain_bytes_max;
                (
                    Place::Signature,
                    Whole::HashChain,
                    What::HashChain,
                    bytes_max,
                )
            }
            (_, part_type::SIGNATURE) => {
                let bytes_max = limits.signature_bytes_max;
                (Place::Nothing, Whole::Signature, What::Signature, bytes_max)
            }
            (_, part_type::TEXT_XML) => {
                let bytes_max = limits.soap_bytes_max;
                (
                    Place::Nothing,
                    Whole::Fault { content_type },
                    What::Soap,
                    bytes_max,
                )
            }
            _ => return Err(unexpected(&media_type)),
        };
        self.place = place;
        self.open = Open::Whole {
            kind,
            body: Body {
                what,
                bytes_max,
                bytes: Bytes::new(),
            },
        };
        Ok(None)
    }

    fn data(&mut self, data: Bytes) -> Result<Option<Part>, Error> {
        match &mut self.open {
            Open::Whole { body, .. } => {
                body.add(data)?;
                Ok(None)
            }
            Open::RestBody => self.content(data).map(Some),
            Open::Attachments => {
                if let Some(attachments) = &mut self.attachments {
                    attachments.push(data);
                }
                Ok(None)
            }
            Open::None => Ok(None),
        }
    }

    fn end(&mut self) -> Result<Option<Part>, Error> {
        match std::mem::replace(&mut self.open, Open::None) {
            Open::Whole { kind, body } => self.whole(kind, body.bytes).map(Some),
            Open::RestBody => Ok(Some(Part::ContentEnd)),
            Open::Attachments => {
                if let Some(attachments) = &mut self.attachments {
                    attachments.finish();
                }
                Ok(None)
            }
            Open::None => Ok(None),
        }
    }

    fn whole(&self, kind: Whole, bytes: Bytes) -> Result<Part, Error> {
        Ok(match kind {
            Whole::Ocsp => Part::Ocsp(bytes),
            Whole::Soap {
                content_type,
                headers,
            } => Part::Soap {
                content_type,
                headers,
                bytes,
            },
            Whole::RestRequest => Part::RestRequest(bytes),
            Whole::RestResponse => Part::RestResponse(bytes),
            Whole::HashChainResult => Part::HashChainResult(bytes),
            Whole::HashChain => Part::HashChain(bytes),
            Whole::Signature => Part::Signature(bytes),
            Whole::Fault { content_type } => {
                let fault = Fault::from_xml(bytes, &content_type, &self.limits);
                Part::Fault(fault.map_err(Error::Fault)?)
            }
        })
    }

    /// Attachments are parsed flat: a multipart among them is one opaque attachment.
    fn attachment_event(&mut self, event: mime::Event) -> Result<Option<Part>, Error> {
        Ok(match event {
            mime::Event::PartStart(headers) => {
                self.attachment_count = self.attachment_count.saturating_add(1);
                check(
                    What::Attachments,
                    self.attachment_count,
                    self.limits.attachments_max,
                )?;
                Some(Part::ContentStart(headers))
            }
            mime::Event::Data(data) => Some(self.content(data)?),
            mime::Event::PartEnd => Some(Part::ContentEnd),
            mime::Event::End => None,
        })
    }

    fn content(&mut self, data: Bytes) -> Result<Part, Error> {
        let more = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.content_bytes = self.content_bytes.saturating_add(more);
        let max = self.limits.content_bytes_max;
        match self.content_bytes <= max {
            true => Ok(Part::ContentData(data)),
            false => Err(Error::TooLarge {
                what: What::Content,
                max,
            }),
        }
    }
}

impl Body {
    fn add(&mut self, data: Bytes) -> Result<(), Error> {
        check(
            self.what,
            self.bytes.len().saturating_add(data.len()),
            self.bytes_max,
        )?;
        if self.bytes.is_empty() {
            self.bytes = data;
            return Ok(());
        }
        let mut joined = BytesMut::from(std::mem::take(&mut self.bytes));
        joined.extend_from_slice(&data);
        self.bytes = joined.freeze();
        Ok(())
    }
}

/// Shows the size, not the content.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("what", &self.what)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

fn check(what: What, found: usize, max: usize) -> Result<(), Error> {
    match found <= max {
        true => Ok(()),
        false => Err(Error::TooLarge {
            what,
            max: u64::try_from(max).unwrap_or(u64::MAX),
        }),
    }
}

fn unexpected(media_type: &Option<MediaType>) -> Error {
    Error::UnexpectedPart {
        content_type: media_type.as_ref().map(|value| value.base.clone()),
    }
}
