//! receive: reads a peer's message; nothing behind its message part is taken in before the peer was
//! judged.

use certs_x509::ocsp;
use gateway_messagelog::MessageLog;
use gateway_net::Body;
use gateway_proto::envelope::Part;
use gateway_proto::id::ServerId;
use gateway_proto::mime::Headers;
use gateway_proto::soap::entity::Entity;
use gateway_proto::soap::{self, Parsed};
use gateway_proto::{Limits, header, rest};
use gateway_seal::Seal;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;

use super::authenticate::Authenticated;
use crate::basis::Envelope;
use crate::entity;
use crate::error::Error;
use crate::message::{Attachment, Request, Subject};
use crate::wire::{self, PartReader};

/// The message part of a request; the rest is still on its way. Only [`head`] makes it.
pub(crate) struct Arrived {
    message: Request,
    original: Original,
    ocsp_responses: Vec<ocsp::Response>,
    reader: PartReader,
}

/// A message with all its parts. Only [`rest`] makes it.
pub(crate) struct Received {
    message: Request,
    original: Original,
    /// How the message stands towards the service; SOAP only.
    entity: Option<Entity>,
    peer: Option<ServerId>,
    attachments: Vec<Attachment>,
    seal: Seal,
}

/// What the asking information system's HTTP request said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Original {
    pub(super) content_type: Option<String>,
    pub(super) soap_action: Option<HeaderValue>,
    /// Headers of the SOAP part.
    pub(super) soap_headers: Headers,
}

impl Arrived {
    /// Who asks whom for what.
    pub(super) fn subject(&self) -> Subject {
        self.message.subject()
    }

    pub(super) fn message(&self) -> &Request {
        &self.message
    }

    pub(super) fn ocsp_responses(&self) -> &[ocsp::Response] {
        &self.ocsp_responses
    }

    pub(super) fn into_parts(self) -> (Request, Original, PartReader) {
        (self.message, self.original, self.reader)
    }

    /// The peer writes all before it listens; a fault sent too early would be lost.
    pub(super) async fn hear_out(&mut self) {
        self.reader.hear_out().await;
    }
}

impl Received {
    pub(super) fn message(&self) -> &Request {
        &self.message
    }

    pub(super) fn original(&self) -> &Original {
        &self.original
    }

    pub(super) fn entity(&self) -> Option<&Entity> {
        self.entity.as_ref()
    }

    /// How the envelope came; `None` for REST.
    pub(super) fn envelope(&self) -> Option<Envelope<'_>> {
        matches!(self.message, Request::Soap(_)).then_some(Envelope {
            content_type: self.original.content_type.as_deref(),
            headers: &self.original.soap_headers,
        })
    }

    pub(super) fn peer(&self) -> Option<&ServerId> {
        self.peer.as_ref()
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }
}

/// Only POST is taken; that is said before anything else is looked at.
pub(super) fn method<B>(request: &http::Request<B>) -> Result<(), Error> {
    match request.method() == http::Method::POST {
        true => Ok(()),
        false => Err(Error::Method {
            method: request.method().to_string(),
        }),
    }
}

/// Reads HTTP headers, OCSP responses and the message part.
pub(super) async fn head(request: http::Request<Body>, limits: &Limits) -> Result<Arrived, Error> {
    let (parts, mut body) = request.into_parts();
    let begun = headers(&parts).and_then(|(is_rest, original)| {
        let content_type = text(&parts, CONTENT_TYPE.as_str()).unwrap_or_default();
        Ok((is_rest, original, wire::decoder(content_type, limits)?))
    });
    let (is_rest, mut original, decoder) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            wire::hear_out(&mut body).await;
            return Err(error);
        }
    };
    let mut reader = PartReader::new(decoder, body);
    match message(&mut reader, is_rest, limits).await {
        Ok((message, soap_headers, ocsp_responses)) => {
            original.soap_headers = soap_headers;
            Ok(Arrived {
                message,
                original,
                ocsp_responses,
                reader,
            })
        }
        Err(error) => {
            reader.hear_out().await;
            Err(error)
        }
    }
}

/// Whether it is REST, and what the headers say of the information system's request.
fn headers(parts: &Parts) -> Result<(bool, Original), Error> {
    let is_rest = text(parts, header::MESSAGE_TYPE) == Some(header::MESSAGE_TYPE_REST);
    let original = Original {
        content_type: text(parts, header::ORIGINAL_CONTENT_TYPE).map(str::to_owned),
        soap_action: parts.headers.get(header::ORIGINAL_SOAP_ACTION).cloned(),
        soap_headers: Headers::default(),
    };
    let action = original.soap_action.as_ref().map(HeaderValue::as_bytes);
    if !is_rest && !action.is_none_or(soap::validate_soap_action) {
        return Err(Error::SoapAction);
    }
    let hash_algorithm = text(parts, header::HASH_ALGORITHM);
    if !hash_algorithm.is_some_and(|name| name.eq_ignore_ascii_case(wire::HASH_ALGORITHM)) {
        return Err(Error::HashAlgorithm);
    }
    Ok((is_rest, original))
}

async fn message(
    reader: &mut PartReader,
    is_rest: bool,
    limits: &Limits,
) -> Result<(Request, Headers, Vec<ocsp::Response>), Error> {
    let mut ocsp_responses = Vec::new();
    loop {
        match reader.next().await.map_err(Error::in_received)? {
            Part::Ocsp(der) => {
                // One that cannot be read vouches for nothing; its certificate will lack one.
                ocsp_responses.extend(ocsp::Response::from_der(&der).ok());
            }
            Part::Soap {
                content_type,
                headers,
                bytes,
            } if !is_rest => {
                let parsed = soap::parse(bytes, &content_type, limits).map_err(Error::Soap);
                return match parsed.map_err(Error::in_received)? {
                    Parsed::Message(message) => {
                        Ok((Request::Soap(message), headers, ocsp_responses))
                    }
                    // No node asks with a fault.
                    Parsed::Fault(_) => Err(Error::MissingSoap),
                };
            }
            Part::RestRequest(block) if is_rest => {
                let message = rest::Request::from_block(block).map_err(Error::Rest);
                let message = Request::Rest(message.map_err(Error::in_received)?);
                return Ok((message, Headers::default(), ocsp_responses));
            }
            _ if is_rest => return Err(Error::MissingRest),
            _ => return Err(Error::MissingSoap),
        }
    }
}

/// Reads body or attachments and the seal. With `keep` off nothing is stored.
pub(super) async fn rest(
    authenticated: Authenticated,
    keep: bool,
    log: &MessageLog,
) -> Result<Received, Error> {
    let (message, original, peer, mut reader) = authenticated.into_parts();
    let tail = match reader.tail(keep.then_some(log)).await {
        Ok(tail) => tail,
        Err(error) => {
            reader.hear_out().await;
            return Err(error.in_received());
        }
    };
    let seal = tail.seal()?;
    let entity = match &message {
        Request::Rest(_) => None,
        Request::Soap(_) => {
            let content_type = original.content_type.as_deref();
            let entity = entity::original(content_type, !tail.attachments.is_empty());
            Some(entity.map_err(Error::in_received)?)
        }
    };
    Ok(Received {
        message,
        original,
        entity,
        peer,
        attachments: tail.attachments,
        seal,
    })
}

fn text<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
}
