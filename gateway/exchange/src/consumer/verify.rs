//! verify: the answer is the provider's, whole, and to this question.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use gateway_net::Body;
use gateway_proto::envelope::Part;
use gateway_proto::fault::Fault;
use gateway_proto::id::ServerId;
use gateway_proto::soap::{self, Parsed};
use gateway_proto::mime::Headers;
use gateway_proto::{Limits, header, rest};
use gateway_seal::Seal;
use http::header::CONTENT_TYPE;

use super::log::Logged;
use super::seal::Sealed;
use super::send::Reply;
use crate::conf::Conf;
use crate::content;
use crate::error::Error;
use crate::message::{self, Attachment, Request, Response};
use crate::node::Node;
use crate::trust;
use crate::wire::{self, PartReader};

/// A response signed by the provider's member that answers our request. Only [`response`] makes it.
pub(crate) struct Verified {
    pub(super) message: Response,
    pub(super) attachments: Vec<Attachment>,
    pub(super) seal: Seal,
    pub(super) peer: Option<ServerId>,
    /// Headers of the SOAP part.
    pub(super) soap_headers: Headers,
    /// The service's Content-Type, for SOAP messages with attachments.
    pub(super) original_content_type: Option<String>,
}

/// Reads the reply and checks it in the order of PR-MESSTRANSP: form, faults, parts, signature, consistency.
pub(super) async fn response(
    reply: Reply,
    request: &Logged<Sealed>,
    node: &Node,
    conf: &Conf,
) -> Result<Verified, Error> {
    let Reply { response, peer } = reply;
    let (head, body) = response.into_parts();
    if !matches!(head.status.as_u16(), 200 | 500) {
        return Err(Error::HttpStatus { status: head.status.as_u16() });
    }
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(CONTENT_TYPE.as_str())
        .ok_or_else(|| Error::ContentType { found: "none".to_owned() })?;
    let limits = &node.settings.limits;
    if is_xml(content_type) {
        return Err(bare_fault(content_type, body, limits).await);
    }
    let hash_algorithm = text(header::HASH_ALGORITHM);
    let original_content_type = text(header::ORIGINAL_CONTENT_TYPE).map(str::to_owned);

    let mut reader = PartReader::new(content_type, body, limits).map_err(Error::in_received)?;
    let (message, soap_headers) = first_part(&mut reader, &request.message, limits).await?;
    let tail = reader.tail(Some(&node.log)).await.map_err(Error::in_received)?;
    if let Some(fault) = tail.fault {
        return Err(Error::Fault(Box::new(fault)));
    }
    if !hash_algorithm.is_some_and(|name| name.eq_ignore_ascii_case(wire::HASH_ALGORITHM)) {
        return Err(Error::HashAlgorithm);
    }
    let seal = tail.seal()?;
    let parts = message::parts(message.bytes(), &tail.attachments);
    let signer = request.message.service().provider().member();
    let _believable = trust::signature(conf, &seal, &parts, signer, node.clock.now())
        .map_err(Error::Signature)?;
    answers(&message, request)?;
    Ok(Verified {
        message,
        attachments: tail.attachments,
        seal,
        peer,
        soap_headers,
        original_content_type,
    })
}

async fn first_part(
    reader: &mut PartReader,
    request: &Request,
    limits: &Limits,
) -> Result<(Response, Headers), Error> {
    match (reader.next().await.map_err(Error::in_received)?, request) {
        (Part::Soap { content_type, headers, bytes }, Request::Soap(_)) => {
            match soap::parse(bytes, &content_type, limits).map_err(Error::Soap) {
                Ok(Parsed::Message(message)) => Ok((Response::Soap(message), headers)),
                Ok(Parsed::Fault(fault)) => Err(Error::Fault(Box::new(fault))),
                Err(error) => Err(error.in_received()),
            }
        }
        (Part::RestResponse(block), Request::Rest(_)) => {
            let response = rest::Response::from_block(block).map_err(Error::Rest);
            let response = response.map(Response::Rest).map_err(Error::in_received);
            response.map(|response| (response, Headers::default()))
        }
        (Part::Fault(fault), _) => Err(Error::Fault(Box::new(fault))),
        (_, Request::Soap(_)) => Err(Error::MissingSoap),
        (_, Request::Rest(_)) => Err(Error::MissingRest),
    }
}

/// The answer belongs to the question: identifiers echoed, request hash right (PR-MESS 2.2, PR-REST 4.3).
fn answers(response: &Response, request: &Sealed) -> Result<(), Error> {
    let hash = request.message.hash(&request.parts);
    match (response, &request.message) {
        (Response::Soap(response), Request::Soap(asked)) => {
            soap::check_echo(asked.header(), response.header())
                .map_err(|field| Error::Inconsistent { field }.in_received())?;
            let claimed = response.header().request_hash.as_deref().unwrap_or_default();
            let claimed = BASE64_STANDARD.decode(claimed.trim()).unwrap_or_default();
            if !certs_keys::constant_time_eq(&claimed, hash.as_bytes()) {
                return Err(Error::Inconsistent { field: "requestHash" });
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
    content_type.split(';').next().is_some_and(|base| base.trim().eq_ignore_ascii_case("text/xml"))
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
