//! What the message says of itself, and whose signature it must bear.

use bytes::Bytes;
use gateway_proto::id::{ClientId, ServiceId};
use gateway_proto::{Limits, rest, soap};
use gateway_xml::{Event, Reader};

use super::Error;
use crate::report::{Direction, Message, Protocol, Warning};

/// What the octets of a message say.
#[derive(Debug)]
pub(super) struct Said {
    /// For the report.
    pub(super) message: Message,
    /// Whose signature it must bear.
    pub(super) signer: ClientId,
    /// It looks as servers make it that were told not to keep bodies.
    pub(super) looks_reduced: bool,
    /// What is odd about it.
    pub(super) warning: Option<Warning>,
}

/// Reads a message: SOAP where it begins as XML does, REST otherwise.
pub(super) fn read(message: &Bytes) -> Result<Said, Error> {
    if is_xml(message) {
        return soap_message(message);
    }
    match rest::is_response(message) {
        true => rest_response(message),
        false => rest_request(message),
    }
}

/// It begins as XML does, also in encodings that are not read: so that this is what is said of it.
fn is_xml(message: &[u8]) -> bool {
    let start = message.strip_prefix(BYTE_ORDER_MARK).unwrap_or(message);
    let is_wide = matches!(
        message,
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, ..] | [_, 0, ..]
    );
    is_wide || start.trim_ascii_start().first() == Some(&b'<')
}

fn soap_message(message: &Bytes) -> Result<Said, Error> {
    let mut limits = Limits::default();
    // What was taken when it was sent is read now, whatever the default has become.
    limits.soap_bytes_max = limits.soap_bytes_max.max(message.len());
    let parsed = soap::parse(message.clone(), soap::entity::PLAIN_CONTENT_TYPE, &limits);
    let header = match parsed.map_err(Error::Soap)? {
        soap::Parsed::Message(message) => message.header().clone(),
        soap::Parsed::Fault(_) => return Err(Error::Fault),
    };
    let body = body_child(message).unwrap_or_default();
    let direction = direction(&body.name, header.service.code());
    let signer = match direction {
        Direction::Request => header.client.clone(),
        Direction::Response => header.service.provider().clone(),
    };
    let unbound = direction == Direction::Response && header.request_hash.is_none();
    Ok(Said {
        message: Message {
            protocol: Protocol::Soap,
            direction,
            client: Some(header.client),
            service: Some(header.service),
            id: header.id,
            request_id: None,
        },
        signer,
        looks_reduced: body.is_empty,
        warning: unbound.then_some(Warning::NoRequestHash),
    })
}

/// The element of a request is named as the service (PR-MESS 2.3); that of a response has the suffix
/// `Response`, which a service's own name may end with, too.
fn direction(element: &str, service: &str) -> Direction {
    match element != service && element.ends_with("Response") {
        true => Direction::Response,
        false => Direction::Request,
    }
}

/// The element in the body.
#[derive(Default)]
struct BodyChild {
    name: String,
    /// It holds neither elements nor text.
    is_empty: bool,
}

/// The parser of messages has accepted the document, with one element in its one body.
fn body_child(message: &[u8]) -> Result<BodyChild, gateway_xml::Error> {
    let decoded = gateway_xml::decode(message)?;
    let limits = gateway_xml::Limits {
        bytes_max: usize::MAX,
        nodes_max: usize::MAX,
        ..gateway_xml::Limits::default()
    };
    let mut reader = Reader::from_text(&decoded.text, limits)?;
    let mut depth = 0_usize;
    let mut in_body = false;
    let mut child = BodyChild {
        is_empty: true,
        ..BodyChild::default()
    };
    while let Some(event) = reader.next()? {
        match event {
            Event::Start(element) => {
                depth = depth.saturating_add(1);
                match depth {
                    2 => {
                        in_body = element.local_name() == "Body" && element.namespace() == SOAP;
                    }
                    3 if in_body => element.local_name().clone_into(&mut child.name),
                    4.. if in_body => child.is_empty = false,
                    _ => {}
                }
            }
            Event::Text(text) if in_body && depth >= 3 => {
                child.is_empty &= text.trim().is_empty();
            }
            Event::End => {
                in_body &= depth > 2;
                depth = depth.saturating_sub(1);
            }
            Event::Text(_) | Event::Comment | Event::Instruction => {}
        }
    }
    Ok(child)
}

fn rest_request(message: &Bytes) -> Result<Said, Error> {
    let request = rest::Request::from_block(message.clone()).map_err(Error::Rest)?;
    Ok(Said {
        message: Message {
            protocol: Protocol::Rest,
            direction: Direction::Request,
            client: Some(request.client().clone()),
            service: Some(request.service().clone()),
            id: request.id().to_owned(),
            request_id: Some(request.request_id().to_owned()),
        },
        signer: request.client().clone(),
        looks_reduced: request.reduced() == *message,
        warning: None,
    })
}

fn rest_response(message: &Bytes) -> Result<Said, Error> {
    let response = rest::Response::from_block(message.clone()).map_err(Error::Rest)?;
    // Both were read once already, with the block.
    let client = response
        .header("x-road-client")
        .and_then(|text| ClientId::from_rest(text).ok());
    let service = response
        .header("x-road-service")
        .and_then(|text| ServiceId::from_rest(text).ok())
        .ok_or(Error::NoService)?;
    Ok(Said {
        signer: service.provider().clone(),
        looks_reduced: response.reduced() == *message,
        message: Message {
            protocol: Protocol::Rest,
            direction: Direction::Response,
            client,
            service: Some(service),
            id: response.header("x-road-id").unwrap_or_default().to_owned(),
            request_id: response.header("x-road-request-id").map(str::to_owned),
        },
        warning: None,
    })
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

#[cfg(test)]
mod tests;
