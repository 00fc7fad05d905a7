//! receive: reads what the information system sends, up to its attachments.

use gateway_messagelog::MessageLog;
use gateway_net::Body;
use gateway_proto::mime::Headers;
use gateway_proto::soap::Parsed;
use gateway_proto::{Limits, header, rest, soap};
use http::header::{CONTENT_TYPE, HeaderMap};
use uuid::Uuid;

use super::route::Routed;
use crate::conf::Conf;
use crate::content;
use crate::entity::{self, Parts};
use crate::error::Error;
use crate::message::{Attachment, Request, Subject};

/// A valid request whose attachments are still on their way. Only [`head`] makes it.
pub(crate) struct Received {
    pub(super) message: Request,
    pub(super) original: Original,
    pub(super) unread: Unread,
}

/// What the information system's HTTP request said, carried end to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Original {
    pub(super) content_type: Option<String>,
    pub(super) soap_action: Option<String>,
    /// Headers of the SOAP part.
    pub(super) soap_headers: Headers,
}

/// What has not been read yet.
pub(crate) enum Unread {
    Nothing,
    RestBody(Body),
    Attachments(Parts),
}

/// A request with all its bytes. Only [`attachments`] makes it.
pub(crate) struct Complete {
    pub(super) routed: Routed,
    pub(super) attachments: Vec<Attachment>,
}

impl Received {
    /// Who asks whom for what.
    pub(super) fn subject(&self) -> Subject {
        self.message.subject()
    }
}

/// Reads the REST line and headers, or the SOAP part. A path beginning with `/r1/` is REST; every other is SOAP.
pub(super) async fn head(
    request: http::Request<Body>,
    conf: &Conf,
    limits: &Limits,
) -> Result<Received, Error> {
    if is_rest(&request) {
        rest_head(request, conf)
    } else {
        soap_head(request, limits).await
    }
}

/// Whether this request is for the REST interface (PR-REST 4.1).
pub(super) fn is_rest<B>(request: &http::Request<B>) -> bool {
    request.uri().path().starts_with("/r1/")
}

fn rest_head(request: http::Request<Body>, conf: &Conf) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    let headers: Vec<(&str, &[u8])> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let message = rest::Request::from_client(
        head.method.as_str(),
        head.uri.path(),
        head.uri.query(),
        &headers,
        random_uuid(),
        random_uuid(),
        conf.snapshot.instance(),
    )
    .map_err(Error::Rest)?;
    let original = Original {
        content_type: text(&head.headers, CONTENT_TYPE.as_str())?,
        ..Original::default()
    };
    Ok(Received { message: Request::Rest(message), original, unread: Unread::RestBody(body) })
}

async fn soap_head(request: http::Request<Body>, limits: &Limits) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    if head.method != http::Method::POST {
        return Err(Error::Method { method: head.method.to_string() }.in_request());
    }
    let action = head.headers.get(header::SOAP_ACTION).map(http::HeaderValue::as_bytes);
    if !action.is_none_or(soap::validate_soap_action) {
        return Err(Error::SoapAction.in_request());
    }
    let soap_action = text(&head.headers, header::SOAP_ACTION)?;
    let content_type = text(&head.headers, CONTENT_TYPE.as_str())?.ok_or(Error::NoContentType)?;
    let entity = entity::read(&content_type, body, limits).await.map_err(Error::in_request)?;
    let message = match entity.parsed {
        Parsed::Message(message) => Request::Soap(message),
        Parsed::Fault(fault) => {
            return Err(Error::FaultAsRequest { code: fault.code.as_str().to_owned() }.in_request());
        }
    };
    let original = Original {
        content_type: Some(content_type),
        soap_action,
        soap_headers: entity.headers,
    };
    let unread = entity.rest.map_or(Unread::Nothing, Unread::Attachments);
    Ok(Received { message, original, unread })
}

/// Reads and keeps the body or the attachments.
pub(super) async fn attachments(routed: Routed, log: &MessageLog) -> Result<Complete, Error> {
    let Routed { authorized, candidates } = routed;
    let mut received = authorized.received;
    let attachments = match std::mem::replace(&mut received.unread, Unread::Nothing) {
        Unread::Nothing => Vec::new(),
        Unread::RestBody(body) => {
            let content = content::keep(body, log.spool()).await?;
            let attachment = |content| Attachment { headers: Headers::default(), content };
            content.map(attachment).into_iter().collect()
        }
        Unread::Attachments(parts) => parts.attachments(log).await.map_err(Error::in_request)?,
    };
    let routed = Routed { authorized: super::authorize::Authorized { received }, candidates };
    Ok(Complete { routed, attachments })
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Error> {
    match headers.get(name) {
        None => Ok(None),
        Some(value) => match value.to_str() {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(Error::ContentType { found: format!("{name} is not ASCII") }),
        },
    }
}

pub(super) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(certs_keys::random_bytes()).into_uuid()
}
