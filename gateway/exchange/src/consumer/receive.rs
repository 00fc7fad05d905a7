//! receive: reads what the information system sends, up to its attachments.

use gateway_messagelog::MessageLog;
use gateway_net::{Body, Candidate};
use gateway_proto::mime::Headers;
use gateway_proto::soap::Parsed;
use gateway_proto::{Limits, header, rest, soap};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use uuid::Uuid;

use super::route::Routed;
use crate::basis::Envelope;
use crate::conf::Conf;
use crate::content;
use crate::entity::{self, Unread};
use crate::error::Error;
use crate::message::{Attachment, Request, Subject};

/// A valid request whose attachments are still on their way. Only [`head`] makes it.
pub(crate) struct Received {
    message: Request,
    original: Original,
    unread: Rest,
}

/// A request with all its bytes. Only [`rest`] makes it.
pub(crate) struct Complete {
    message: Request,
    original: Original,
    attachments: Vec<Attachment>,
    candidates: Vec<Candidate>,
}

/// What the information system's HTTP request said, carried end to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Original {
    pub(super) content_type: Option<HeaderValue>,
    pub(super) soap_action: Option<HeaderValue>,
    /// Headers of the SOAP part.
    pub(super) soap_headers: Headers,
}

/// What has not been read yet.
enum Rest {
    Nothing,
    Body(Body),
    Attachments(Box<Unread>),
}

impl Received {
    /// Who asks whom for what.
    pub(super) fn subject(&self) -> Subject {
        self.message.subject()
    }

    pub(super) fn message(&self) -> &Request {
        &self.message
    }
}

impl Complete {
    pub(super) fn message(&self) -> &Request {
        &self.message
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// How the envelope came; `None` for REST.
    pub(super) fn envelope(&self) -> Option<Envelope<'_>> {
        let original = &self.original;
        let content_type = original.content_type.as_ref();
        matches!(self.message, Request::Soap(_)).then_some(Envelope {
            content_type: content_type.and_then(|value| value.to_str().ok()),
            headers: &original.soap_headers,
        })
    }

    pub(super) fn into_parts(self) -> (Request, Original, Vec<Attachment>, Vec<Candidate>) {
        (
            self.message,
            self.original,
            self.attachments,
            self.candidates,
        )
    }
}

/// Only POST reaches the SOAP interface; that is said before anything else is looked at.
pub(super) fn method<B>(request: &http::Request<B>) -> Result<(), Error> {
    match is_rest(request) || request.method() == http::Method::POST {
        true => Ok(()),
        false => Err(Error::Method {
            method: request.method().to_string(),
        }
        .in_request()),
    }
}

/// Reads the REST line and headers, or the SOAP part. A path beginning with `/r1/` is REST; every
/// other is SOAP.
pub(super) async fn head(
    request: http::Request<Body>,
    conf: &Conf,
    limits: &Limits,
) -> Result<Received, Error> {
    if is_rest(&request) {
        rest_head(request, conf, limits)
    } else {
        soap_head(request, limits).await
    }
}

/// Whether this request is for the REST interface (PR-REST 4.1).
pub(super) fn is_rest<B>(request: &http::Request<B>) -> bool {
    request.uri().path().starts_with("/r1/")
}

fn rest_head(
    request: http::Request<Body>,
    conf: &Conf,
    limits: &Limits,
) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    let headers: Vec<(&str, &[u8])> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
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
    content::check_length(message.block(), limits.rest_block_bytes_max)?;
    let content_type = head.headers.get(CONTENT_TYPE).cloned();
    let original = Original {
        content_type,
        ..Original::default()
    };
    Ok(Received {
        message: Request::Rest(message),
        original,
        unread: Rest::Body(body),
    })
}

async fn soap_head(request: http::Request<Body>, limits: &Limits) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    let soap_action = head.headers.get(header::SOAP_ACTION).cloned();
    if !soap_action
        .as_ref()
        .is_none_or(|value| soap::validate_soap_action(value.as_bytes()))
    {
        return Err(Error::SoapAction.in_request());
    }
    let content_type = head.headers.get(CONTENT_TYPE).cloned();
    let incoming = entity::read(text(&head.headers)?, body, limits).await;
    let incoming = incoming.map_err(Error::in_request)?;
    let message = match incoming.parsed {
        Parsed::Message(message) => Request::Soap(message),
        Parsed::Fault(fault) => {
            return Err(Error::FaultAsRequest {
                code: fault.code.as_str().to_owned(),
            }
            .in_request());
        }
    };
    let original = Original {
        content_type,
        soap_action,
        soap_headers: incoming.headers,
    };
    let unread = incoming
        .unread
        .map_or(Rest::Nothing, |unread| Rest::Attachments(Box::new(unread)));
    Ok(Received {
        message,
        original,
        unread,
    })
}

/// Reads and keeps the body or the attachments.
pub(super) async fn rest(routed: Routed, log: &MessageLog) -> Result<Complete, Error> {
    let (received, candidates) = routed.into_parts();
    let Received {
        message,
        original,
        unread,
    } = received;
    let attachments = match unread {
        Rest::Nothing => Vec::new(),
        Rest::Body(body) => {
            let content = content::keep(body, log.spool())
                .await
                .map_err(|error| match error {
                    Error::Body(error) => Error::ClientBody(error),
                    other => other,
                })?;
            let attachment = |content| Attachment {
                headers: Headers::default(),
                content,
            };
            content.map(attachment).into_iter().collect()
        }
        Rest::Attachments(unread) => unread.attachments(log).await.map_err(Error::in_request)?,
    };
    Ok(Complete {
        message,
        original,
        attachments,
        candidates,
    })
}

/// The Content-Type of a SOAP message; every form of one is ASCII.
fn text(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let text = headers
        .get(CONTENT_TYPE)
        .map(HeaderValue::to_str)
        .transpose();
    text.map_err(|_| Error::content_type(Some("")).in_request())
}

pub(super) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(certs_keys::random_bytes()).into_uuid()
}
