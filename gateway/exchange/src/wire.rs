//! The node-to-node message: written from a sealed message, read part by part.

use bytes::Bytes;
use gateway_messagelog::MessageLog;
use gateway_net::Body;
use gateway_proto::Limits;
use gateway_proto::envelope::{self, Encoder, Part};
use gateway_proto::fault::Fault;
use gateway_proto::mime::Headers;
use gateway_seal::Seal;

use crate::content::{self, Piece};
use crate::error::Error;
use crate::keys::Authentication;
use crate::message::{Attachment, Request, Response};

/// The digest every X-Road 7 sends; another would not fit its own hash chains.
pub(crate) const HASH_ALGORITHM: &str = "SHA-512";

/// A message ready for the wire.
pub(crate) struct Written {
    pub(crate) content_type: String,
    pub(crate) pieces: Vec<Piece>,
}

/// OCSP responses, message, attachments, seal (PR-MESSTRANSP 3.1).
pub(crate) fn write_request(
    message: &Request,
    soap_headers: &Headers,
    attachments: &[Attachment],
    seal: &Seal,
    authentication: &Authentication,
) -> Written {
    let mut writer = Writer::new();
    for response in &authentication.ocsp_responses {
        writer.encoder.ocsp(&mut writer.out, response.der());
    }
    match message {
        Request::Soap(soap) => {
            writer
                .encoder
                .soap_part(&mut writer.out, soap_headers, soap.bytes());
            writer.attachments(attachments);
        }
        Request::Rest(rest) => {
            writer.encoder.rest_request(&mut writer.out, rest.block());
            writer.rest_body(attachments);
        }
    }
    writer.seal(seal)
}

/// Message, attachments, seal.
pub(crate) fn write_response(
    message: &Response,
    soap_headers: &Headers,
    attachments: &[Attachment],
    seal: &Seal,
) -> Written {
    let mut writer = Writer::new();
    match message {
        Response::Soap(soap) => {
            writer
                .encoder
                .soap_part(&mut writer.out, soap_headers, soap.bytes());
            writer.attachments(attachments);
        }
        Response::Rest(rest) => {
            writer.encoder.rest_response(&mut writer.out, rest.block());
            writer.rest_body(attachments);
        }
    }
    writer.seal(seal)
}

struct Writer {
    encoder: Encoder,
    out: Vec<u8>,
    pieces: Vec<Piece>,
}

impl Writer {
    fn new() -> Self {
        let encoder = Encoder::new(certs_keys::random_bytes());
        Self {
            encoder,
            out: Vec::with_capacity(16 * 1024),
            pieces: Vec::with_capacity(4),
        }
    }

    fn attachments(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            self.encoder
                .attachment_start(&mut self.out, &attachment.headers);
            self.content(attachment);
        }
    }

    fn rest_body(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            self.encoder.rest_body_start(&mut self.out);
            self.content(attachment);
        }
    }

    fn content(&mut self, attachment: &Attachment) {
        self.pieces.push(std::mem::take(&mut self.out).into());
        self.pieces.push(Piece::Content(attachment.content.clone()));
    }

    fn seal(mut self, seal: &Seal) -> Written {
        let chain = seal
            .chain
            .as_ref()
            .map(|(result, chain)| (result.as_ref(), chain.as_ref()));
        self.encoder
            .signature(&mut self.out, chain, &seal.signature);
        self.encoder.end(&mut self.out);
        self.pieces.push(self.out.into());
        Written {
            content_type: self.encoder.content_type(),
            pieces: self.pieces,
        }
    }
}

/// Reads a node-to-node message part by part.
pub(crate) struct PartReader {
    decoder: envelope::Decoder,
    body: Body,
    ended: bool,
}

/// What follows the message part.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) hash_chain_result: Option<Bytes>,
    pub(crate) hash_chain: Option<Bytes>,
    pub(crate) signature: Option<Bytes>,
    pub(crate) fault: Option<Fault>,
}

impl PartReader {
    /// Begins to read a body whose Content-Type gave this decoder.
    pub(crate) fn new(decoder: envelope::Decoder, body: Body) -> Self {
        Self {
            decoder,
            body,
            ended: false,
        }
    }

    /// The next part, or a stretch of one; [`Part::End`] at the end.
    pub(crate) async fn next(&mut self) -> Result<Part, Error> {
        loop {
            if let Some(part) = self.decoder.next_part().map_err(Error::Envelope)? {
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

    /// Everything after the message part. `log: None` reads bodies without keeping them: their message
    /// is refused already, and the peer must be heard out before it listens.
    pub(crate) async fn tail(&mut self, log: Option<&MessageLog>) -> Result<Tail, Error> {
        let mut tail = Tail::default();
        loop {
            match self.next().await? {
                Part::ContentStart(headers) => {
                    if let Some(attachment) = self.content(headers, log).await? {
                        tail.attachments.push(attachment);
                    }
                }
                Part::HashChainResult(bytes) => tail.hash_chain_result = Some(bytes),
                Part::HashChain(bytes) => tail.hash_chain = Some(bytes),
                Part::Signature(bytes) => tail.signature = Some(bytes),
                Part::Fault(fault) => tail.fault = Some(fault),
                Part::End => return Ok(tail),
                Part::Ocsp(_)
                | Part::Soap { .. }
                | Part::RestRequest(_)
                | Part::RestResponse(_)
                | Part::ContentData(_)
                | Part::ContentEnd => {
                    return Err(Error::content_type(Some("part/out-of-order")));
                }
            }
        }
    }

    /// Reads a refused message on for a while, so that the peer comes to listen.
    pub(crate) async fn hear_out(&mut self) {
        hear_out(&mut self.body).await;
    }

    async fn content(
        &mut self,
        headers: Headers,
        log: Option<&MessageLog>,
    ) -> Result<Option<Attachment>, Error> {
        let mut spool = log.map(MessageLog::spool);
        loop {
            match self.next().await? {
                Part::ContentData(chunk) => {
                    if let Some(spool) = &mut spool {
                        spool.write(chunk).await.map_err(Error::kept)?;
                    }
                }
                Part::ContentEnd => break,
                _ => return Err(Error::content_type(Some("part/inside-a-body"))),
            }
        }
        match spool {
            None => Ok(None),
            Some(spool) => {
                let content = spool.finish().await.map_err(Error::kept)?;
                Ok(Some(Attachment { headers, content }))
            }
        }
    }
}

/// The decoder for a body of this Content-Type.
pub(crate) fn decoder(content_type: &str, limits: &Limits) -> Result<envelope::Decoder, Error> {
    envelope::Decoder::new(content_type, limits)
        .map_err(|error| Error::Envelope(error).in_received())
}

/// Reads the body of a refused message for a while: the peer writes all of it before it listens,
/// and a connection closed on its way there would take the fault with it.
pub(crate) async fn hear_out(body: &mut Body) {
    let mut left = HEAR_OUT_BYTES_MAX;
    while let Ok(Some(chunk)) = content::next_chunk(body).await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

impl Tail {
    /// The seal as received, or what is missing.
    pub(crate) fn seal(&self) -> Result<Seal, Error> {
        let signature = self.signature.clone().ok_or(Error::MissingSignature)?;
        let chain = self.hash_chain_result.clone().zip(self.hash_chain.clone());
        Ok(Seal { signature, chain })
    }
}

/// How much of a refused message is read before the connection is given up.
const HEAR_OUT_BYTES_MAX: usize = 1024 * 1024;
