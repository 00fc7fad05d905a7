//! call: asks the service with what was signed, and reads its answer.

use gateway_net::{Body, ServerTrust};
use gateway_policy::locate;
use gateway_proto::mime::Headers;
use gateway_proto::soap::entity::Entity;
use gateway_proto::soap::{self, Parsed};
use gateway_proto::{header, rest};
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::uri::{Scheme, Uri};
use http::{Method, StatusCode};

use super::log::Logged;
use super::permit::Permitted;
use super::verify::Verified;
use crate::adapter::{Adapter, Target};
use crate::content::{self, Piece};
use crate::entity;
use crate::error::Error;
use crate::local::Service;
use crate::message::{Attachment, Request, Response};
use crate::node::Node;

/// The service's answer, bound to the request. Only [`service`] makes it.
pub(crate) struct Answer {
    message: Response,
    attachments: Vec<Attachment>,
    soap_headers: Headers,
    original_content_type: Option<HeaderValue>,
}

impl Answer {
    pub(super) fn message(&self) -> &Response {
        &self.message
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Headers of the SOAP part.
    pub(super) fn soap_headers(&self) -> &Headers {
        &self.soap_headers
    }

    /// The service's Content-Type, carried end to end for SOAP.
    pub(super) fn original_content_type(&self) -> Option<&HeaderValue> {
        self.original_content_type.as_ref()
    }
}

/// Asks once; never retries, never follows.
pub(super) async fn service(
    logged: &Logged<Verified>,
    adapter: &impl Adapter,
    node: &Node,
) -> Result<Answer, Error> {
    match logged.received().message() {
        Request::Soap(message) => soap_service(message, logged, adapter, node).await,
        Request::Rest(message) => rest_service(message, logged, adapter, node).await,
    }
}

async fn soap_service(
    message: &soap::Message,
    verified: &Verified,
    adapter: &impl Adapter,
    node: &Node,
) -> Result<Answer, Error> {
    let permitted = verified.permitted();
    let received = permitted.received();
    let original = received.original();
    let entity = received.entity().unwrap_or(&Entity::Plain);
    let content_type =
        entity.content_type_to_service(original.content_type.as_deref().unwrap_or_default());
    let pieces = entity::pieces(
        entity,
        &original.soap_headers,
        message.bytes(),
        received.attachments(),
    );
    let uri = service_uri(permitted.service(), "", None)?;
    let mut request = http::Request::new(content::body(pieces));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(HOST, host(&uri, permitted.service())?);
    headers.insert(CONTENT_TYPE, header_value(content_type)?);
    let action = original.soap_action.clone();
    headers.insert(
        header::SOAP_ACTION,
        action.unwrap_or_else(|| HeaderValue::from_static("")),
    );
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    *request.uri_mut() = uri;

    let response = adapter
        .call(request, &target(permitted))
        .await
        .map_err(|error| Error::Service(error).in_received())?;
    soap_answer(response, verified, node)
        .await
        .map_err(|error| match error {
            Error::Fault(_) => error,
            // PR-MESS 2.4: a multipart without any part is no message.
            Error::Soap(soap::Error::NoSoapPart) | Error::MissingSoap => {
                Error::EmptyAnswer.in_received()
            }
            error => service_broke(error).in_received(),
        })
}

/// Takes 200 and 500 only; a fault of the service goes to the consumer as it is.
async fn soap_answer(
    response: http::Response<Body>,
    verified: &Verified,
    node: &Node,
) -> Result<Answer, Error> {
    let (head, body) = response.into_parts();
    if !matches!(
        head.status,
        StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR
    ) {
        return Err(Error::HttpStatus {
            status: head.status.as_u16(),
        });
    }
    let original = head.headers.get(CONTENT_TYPE);
    let content_type = original.and_then(|value| value.to_str().ok());
    let content_type = content_type.ok_or_else(|| Error::content_type(None))?;
    let limits = &node.settings.limits;
    let incoming = entity::read(Some(content_type), body, limits).await?;
    let message = match incoming.parsed {
        Parsed::Message(message) => message,
        Parsed::Fault(fault) => return Err(Error::Fault(Box::new(fault))),
    };
    // The reference leaves this to the consumer; but what answers another question is not worth
    // our signature, and could never be shown to belong to the request in our log.
    if let Request::Soap(asked) = verified.received().message() {
        soap::check_echo(asked.header(), message.header())
            .map_err(|field| Error::Inconsistent { field })?;
    }
    let attachments = match incoming.unread {
        Some(unread) => unread.attachments(&node.log).await?,
        None => Vec::new(),
    };
    let hash = verified.received().message().hash(verified.parts());
    Ok(Answer {
        message: Response::Soap(message.with_request_hash(&hash)),
        attachments,
        soap_headers: incoming.headers,
        original_content_type: original.cloned(),
    })
}

async fn rest_service(
    message: &rest::Request,
    verified: &Verified,
    adapter: &impl Adapter,
    node: &Node,
) -> Result<Answer, Error> {
    let permitted = verified.permitted();
    let uri = service_uri(permitted.service(), message.service_path(), message.query())?;
    let method = Method::from_bytes(message.method().as_bytes()).map_err(|_| Error::Method {
        method: message.method().to_owned(),
    })?;
    let body = permitted.received().attachments().first();
    let pieces = match body {
        Some(attachment) if locate::has_body(message.method()) => {
            vec![Piece::Content(attachment.content.clone())]
        }
        _ => Vec::new(),
    };
    let mut request = http::Request::new(content::body(pieces));
    *request.method_mut() = method.clone();
    for (name, value) in message.headers() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(Error::Rest(rest::Error::HeaderLine));
        };
        request.headers_mut().append(name, value);
    }
    request
        .headers_mut()
        .insert(HOST, host(&uri, permitted.service())?);
    *request.uri_mut() = uri;

    let response = adapter
        .call(request, &target(permitted))
        .await
        .map_err(Error::Service)?;
    rest_answer(response, message, &method, verified, node).await
}

async fn rest_answer(
    response: http::Response<Body>,
    request: &rest::Request,
    method: &Method,
    verified: &Verified,
    node: &Node,
) -> Result<Answer, Error> {
    let (head, body) = response.into_parts();
    // Interim statuses and switched protocols end no exchange.
    if head.status.is_informational() {
        return Err(Error::HttpStatus {
            status: head.status.as_u16(),
        });
    }
    let has_entity = *method != Method::HEAD
        && !matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
    let attachments = if has_entity {
        // An entity of no bytes is still a part, and takes part in the signature (PR-MESSTRANSP 3.2).
        let content = content::keep(body, node.log.spool())
            .await
            .map_err(service_broke)?;
        let content =
            content.unwrap_or_else(|| gateway_messagelog::Content::from_bytes(bytes::Bytes::new()));
        vec![Attachment {
            headers: Headers::default(),
            content,
        }]
    } else {
        Vec::new()
    };
    let headers: Vec<(&str, &[u8])> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let hash = verified.received().message().hash(verified.parts());
    let reason = head.status.canonical_reason().unwrap_or_default();
    let message = rest::Response::new(head.status.as_u16(), reason, &headers, request, &hash)
        .map_err(Error::Rest)?;
    content::check_length(message.block(), node.settings.limits.rest_block_bytes_max)?;
    Ok(Answer {
        message: Response::Rest(message),
        attachments,
        soap_headers: Headers::default(),
        original_content_type: None,
    })
}

/// What breaks off here is the service's answer.
fn service_broke(error: Error) -> Error {
    match error {
        Error::Body(error) => Error::Service(error),
        other => other,
    }
}

/// The service's URL with path and query behind it; one of two meeting slashes is dropped (PR-REST 4.4).
fn service_uri(service: &Service, path: &str, query: Option<&str>) -> Result<Uri, Error> {
    let url = match service.built_in {
        Some(_) => NOWHERE,
        None => service.url.as_str(),
    };
    if url.is_empty() {
        return Err(Error::NoServiceUrl {
            service: service.id.clone(),
        });
    }
    let malformed = || Error::ServiceUrl {
        service: service.id.clone(),
    };
    let base = match url.strip_suffix('/') {
        Some(shorter) if path.starts_with('/') => shorter,
        _ => url,
    };
    let mut url = String::with_capacity(base.len().saturating_add(path.len()).saturating_add(64));
    url.push_str(base);
    url.push_str(path);
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    let uri: Uri = url.parse().map_err(|_| malformed())?;
    let web = uri
        .scheme()
        .is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
    // User information would travel in the clear, and is nothing a client of ours sends.
    let named = uri
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    if web && named && uri.host().is_some() {
        Ok(uri)
    } else {
        Err(malformed())
    }
}

fn host(uri: &Uri, service: &Service) -> Result<HeaderValue, Error> {
    let malformed = || Error::ServiceUrl {
        service: service.id.clone(),
    };
    let host = uri.host().ok_or_else(malformed)?;
    let text = match uri.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| malformed())
}

fn target(permitted: &Permitted) -> Target {
    let trust = match permitted.service().verify_certificate {
        true => ServerTrust::OneOf(permitted.client().certificates.clone()),
        false => ServerTrust::Any,
    };
    Target {
        timeout: permitted.service().timeout,
        trust,
        built_in: permitted.service().built_in,
    }
}

fn header_value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::content_type(Some(text)).in_received())
}

/// Where the node's own services are: no connection is made to it (RFC 6761).
const NOWHERE: &str = "http://built-in.invalid/";
