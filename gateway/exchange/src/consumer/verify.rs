//! verify: the answer is the provider's, whole, and to this question.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use certs_keys::Digest;
use gateway_net::Body;
use gateway_proto::envelope::Part;
use gateway_proto::fault::Fault;
use gateway_proto::id::ServerId;
use gateway_proto::mime::Headers;
use gateway_proto::soap::entity::Entity;
use gateway_proto::soap::{self, Parsed};
use gateway_proto::{Limits, header, rest};
use gateway_seal::Seal;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;

use super::log::Logged;
use super::seal::Sealed;
use super::send::Reply;
use crate::conf::Conf;
use crate::content;
use crate::entity;
use crate::error::Error;
use crate::message::{self, Attachment, Request, Response};
use crate::node::Node;
use crate::trust;
use crate::wire::{self, PartReader};

/// A response signed by the provider's member that answers our request. Only [`response`] makes it.
pub(crate) struct Verified {
    message: Response,
    message_digest: Digest,
    attachments: Vec<Attachment>,
    seal: Seal,
    peer: Option<ServerId>,
    verified_at: Timestamp,
    soap: Option<SoapForm>,
}

/// How a SOAP answer was written by the service, for the information system.
pub(crate) struct SoapForm {
    pub(super) entity: Entity,
    /// The service's Content-Type.
    pub(super) content_type: String,
    /// Headers of the SOAP part.
    pub(super) headers: Headers,
}

impl Verified {
    pub(super) fn message(&self) -> &Response {
        &self.message
    }

    /// Of the message without its attachments, as its signature has it.
    pub(super) fn message_digest(&self) -> Digest {
        self.message_digest
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    pub(super) fn peer(&self) -> Option<&ServerId> {
        self.peer.as_ref()
    }

    pub(super) fn verified_at(&self) -> Timestamp {
        self.verified_at
    }

    pub(super) fn into_parts(self) -> (Response, Vec<Attachment>, Option<SoapForm>) {
        (self.message, self.attachments, self.soap)
    }
}

/// Reads the reply and checks it in the order of PR-MESSTRANSP: form, faults, parts, signature,
/// consistency.
pub(super) async fn response(
    reply: Reply,
    request: &Logged<Sealed>,
    node: &Node,
    conf: &Conf,
) -> Result<Verified, Error> {
    let (response, peer) = reply.into_parts();
    let (head, body) = response.into_parts();
    if !matches!(head.status.as_u16(), 200 | 500) {
        return Err(Error::HttpStatus {
            status: head.status.as_u16(),
        });
    }
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(CONTENT_TYPE.as_str()).ok_or_else(|| Error::content_type(None))?;
    let limits = &node.settings.limits;
    if is_xml(content_type) {
        return Err(bare_fault(content_type, body, limits).await);
    }

    let mut reader = PartReader::new(wire::decoder(content_type, limits)?, body);
    let (message, soap_headers) = first_part(&mut reader, request.message(), limits).await?;
    let tail = reader
        .tail(Some(&node.log))
        .await
        .map_err(Error::in_received)?;
    if let Some(fault) = tail.fault {
        return Err(Error::Fault(Box::new(fault)));
    }
    let hash_algorithm = text(header::HASH_ALGORITHM);
    if !hash_algorithm.is_some_and(|name| name.eq_ignore_ascii_case(wire::HASH_ALGORITHM)) {
        return Err(Error::HashAlgorithm);
    }
    let seal = tail.seal()?;
    let soap = match &message {
        Response::Rest(_) => None,
        Response::Soap(_) => {
            let content_type = text(header::ORIGINAL_CONTENT_TYPE);
            let entity = entity::original(content_type, !tail.attachments.is_empty())
                .map_err(Error::in_received)?;
            let content_type = content_type.unwrap_or_default().to_owned();
            Some(SoapForm {
                entity,
                content_type,
                headers: soap_headers,
            })
        }
    };
    let parts = message::parts(message.bytes(), &tail.attachments);
    let signer = request.message().service().provider().member();
    let verified_at = node.clock.now();
    let _believable =
        trust::signature(conf, &seal, &parts, signer, verified_at).map_err(Error::Signature)?;
    answers(&message, request)?;
    let attachments = tail.attachments;
    Ok(Verified {
        message,
        message_digest: parts.message,
        attachments,
        seal,
        peer,
        verified_at,
        soap,
    })
}

async fn first_part(
    reader: &mut PartReader,
    request: &Request,
    limits: &Limits,
) -> Result<(Response, Headers), Error> {
    match (reader.next().await.map_err(Error::in_received)?, request) {
        (
            Part::Soap {
                content_type,
                headers,
                bytes,
            },
            _,
        ) => {
            let parsed = soap::parse(bytes, &content_type, limits).map_err(Error::Soap);
            match (parsed.map_err(Error::in_received)?, request) {
                (Parsed::Message(message), Request::Soap(_)) => {
                    Ok((Response::Soap(message), headers))
                }
                (Parsed::Message(_), Request::Rest(_)) => Err(Error::MissingRest),
                // Stands alone where the service could not be asked, for REST too.
                (Parsed::Fault(fault), _) => Err(Error::Fault(Box::new(fault))),
            }
        }
        (Part::RestResponse(block), Request::Rest(_)) => {
            let response = rest::Response::from_block(block).map_err(Error::Rest);
            let response = response.map_err(Error::in_received)?;
            // Interim statuses end no exchange.
            if response.status() < 200 {
                return Err(Error::Rest(rest::Error::Status).in_received());
            }
            Ok((Response::Rest(response), Headers::default()))
        }
        (Part::Fault(fault), _) => Err(Error::Fault(Box::new(fault))),
        (_, Request::Soap(_)) => Err(Error::MissingSoap),
        (_, Request::Rest(_)) => Err(Error::MissingRest),
    }
}

/// The answer belongs to the question: identifiers echoed, request hash right (PR-MESS 2.2, PR-REST 4.3).
fn answers(response: &Response, request: &Sealed) -> Result<(), Error> {
    let hash = request.message().hash(request.parts());
    match (response, request.message()) {
        (Response::Soap(response), Request::Soap(asked)) => {
            soap::check_echo(asked.header(), response.header())
                .map_err(|field| Error::Inconsistent { field }.in_received())?;
            let claimed = response
                .header()
                .request_hash
                .as_deref()
                .unwrap_or_default();
            let claimed: String = claimed.split_ascii_whitespace().collect();
            let claimed = BASE64_STANDARD.decode(claimed).unwrap_or_default();
            if !certs_keys::constant_time_eq(&claimed, hash.as_bytes()) {
                return Err(Error::Inconsistent {
                    field: "requestHash",
                });
            }
            Ok(())
        }
        (Response::Rest(response), Request::Rest(asked)) => response
            .check_consistency(asked, &hash)
            .map_err(|field| Error::Inconsistent { field }),
        _ => Err(Error::Inconsistent { field: "protocol" }),
    }
}

fn is_xml(content_type: &str) -> bool {
    content_type
        .split(';')
        .next()
        .is_some_and(|base| base.trim().eq_ignore_ascii_case("text/xml"))
}

/// The peer could not even begin an answer: a SOAP fault stands alone, for REST too.
async fn bare_fault(content_type: &str, body: Body, limits: &Limits) -> Error {
    let bytes = match content::collect(body, limits.soap_bytes_max).await {
        Ok(bytes) => bytes,
        Err(error) => return error.in_received(),
    };
    match Fault::from_xml(bytes, content_type, limits) {
        Ok(fault) => Error::Fault(Box::new(fault)),
        Err(error) => Error::Soap(error).in_received(),
    }
}
