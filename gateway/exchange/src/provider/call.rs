//! call: asks the service with what was signed, and reads its answer.

use gateway_messagelog::MessageLog;
use gateway_net::{Body, ServerTrust};
use gateway_proto::mime::Headers;
use gateway_proto::{header, rest};
use gateway_proto::soap::{self, Parsed};
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
use crate::related;

/// The service's answer, bound to the request. Only [`service`] makes it.
pub(crate) struct Answer {
    pub(super) message: Response,
    pub(super) attachments: Vec<Attachment>,
    /// Headers of the SOAP part.
    pub(super) soap_headers: Headers,
    /// The service's Content-Type, carried end to end for SOAP.
    pub(super) original_content_type: Option<String>,
}

/// Asks once; never retries, never follows.
pub(super) async fn service(
    logged: &Logged<Verified>,
    adapter: &impl Adapter,
    node: &Node,
) -> Result<Answer, Error> {
    match &logged.permitted.received.message {
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
    let permitted = &verified.permitted;
    let received = &permitted.received;
    let original = &received.original.content_type;
    let (content_type, pieces) = if related::is_multipart(original) {
        let soap = message.bytes().clone();
        let pieces =
            related::pieces(original, &received.original.soap_headers, soap, &received.attachments);
        let wrong = || Error::ContentType { found: original.clone() }.in_received();
        (original.as_str(), pieces.ok_or_else(wrong)?)
    } else {
        ("text/xml; charset=UTF-8", vec![Piece::Bytes(message.bytes().clone())])
    };
    let uri = service_uri(&permitted.service, "", None)?;
    let mut request = http::Request::new(content::body(pieces));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(HOST, host(&uri, &permitted.service)?);
    headers.insert(CONTENT_TYPE, header_value(content_type)?);
    headers.insert(header::SOAP_ACTION, header_value(&received.original.soap_action)?);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    *request.uri_mut() = uri;

    let response = adapter
        .call(request, &target(permitted))
        .await
        .map_err(|error| Error::Service(error).in_received())?;
    soap_answer(response, message, verified, node).await.map_err(|error| match error {
        Error::Fault(_) | Error::Content(_) => error,
        error => error.in_received(),
    })
}

/// Takes 200 and 500 only; a fault of the service goes to the consumer as it is.
async fn soap_answer(
    response: http::Response<Body>,
    request: &soap::Message,
    verified: &Verified,
    node: &Node,
) -> Result<Answer, Error> {
    let (head, body) = response.into_parts();
    if !matches!(head.status, StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR) {
        return Err(Error::HttpStatus { status: head.status.as_u16() });
    }
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.ok_or_else(|| Error::ContentType { found: "none".to_owned() })?;
    let entity = entity::read(content_type, body, &node.settings.limits).await?;
    let message = match entity.parsed {
        Parsed::Message(message) => message,
        Parsed::Fault(fault) => return Err(Error::Fault(Box::new(fault))),
    };
    let attachments = match entity.rest {
        Some(parts) => parts.attachments(&node.log).await?,
        None => Vec::new(),
    };
    let hash = Request::Soap(request.clone()).hash(&verified.parts);
    Ok(Answer {
        message: Response::Soap(message.with_request_hash(&hash)),
        attachments,
        soap_headers: entity.headers,
        original_content_type: Some(content_type.to_owned()),
    })
}

async fn rest_service(
    message: &rest::Request,
    verified: &Verified,
    adapter: &impl Adapter,
    node: &Node,
) -> Result<Answer, Error> {
    let permitted = &verified.permitted;
    let uri = service_uri(&permitted.service, message.service_path(), message.query())?;
    let method = Method::from_bytes(message.method().as_bytes())
        .map_err(|_| Error::Method { method: message.method().to_owned() })?;
    let body = permitted.received.attachments.first();
    let pieces = match body {
        Some(attachment) if takes_body(&method) => {
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
            return Err(Error::ContentType { found: "a header that HTTP cannot carry".to_owned() });
        };
        request.headers_mut().append(name, value);
    }
    request.headers_mut().insert(HOST, host(&uri, &permitted.service)?);
    *request.uri_mut() = uri;

    let response =
        adapter.call(request, &target(permitted)).await.map_err(Error::Service)?;
    rest_answer(response, message, &method, verified, &node.log).await
}

async fn rest_answer(
    response: http::Response<Body>,
    request: &rest::Request,
    method: &Method,
    verified: &Verified,
    log: &MessageLog,
) -> Result<Answer, Error> {
    let (head, body) = response.into_parts();
    let has_entity = *method != Method::HEAD
        && !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let attachments = if has_entity {
        // An entity of no bytes is still a part, and takes part in the signature (PR-MESSTRANSP 3.2).
        let content = content::keep(body, log.spool()).await.map_err(service_broke)?;
        let content = content
            .unwrap_or_else(|| gateway_messagelog::Content::from_bytes(bytes::Bytes::new()));
        vec![Attachment { headers: Headers::default(), content }]
    } else {
        Vec::new()
    };
    let headers: Vec<(&str, &[u8])> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let hash = Request::Rest(request.clone()).hash(&verified.parts);
    let reason = head.status.canonical_reason().unwrap_or_default();
    let message = rest::Response::new(head.status.as_u16(), reason, &headers, request, &hash)
        .map_err(Error::Rest)?;
    Ok(Answer {
        message: Response::Rest(message),
        attachments,
        soap_headers: Headers::default(),
        original_content_type: None,
    })
}

fn service_broke(error: Error) -> Error {
    match error {
        Error::Body(error) => Error::Service(error),
        other => other,
    }
}

/// Methods whose body reaches the service. The reference drops those of DELETE and OPTIONS after signing them; we do not.
fn takes_body(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::TRACE)
}

/// The service's URL with path and query behind it; one of two meeting slashes is dropped (PR-REST 4.4).
fn service_uri(service: &Service, path: &str, query: Option<&str>) -> Result<Uri, Error> {
    if service.url.is_empty() {
        return Err(Error::NoServiceUrl { service: service.id.clone() });
    }
    let malformed = || Error::ServiceUrl { service: service.id.clone() };
    let base = match service.url.strip_suffix('/') {
        Some(shorter) if path.starts_with('/') => shorter,
        _ => service.url.as_str(),
    };
    let mut url = String::with_capacity(base.len().saturating_add(path.len()).saturating_add(64));
    url.push_str(base);
    url.push_str(path);
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    let uri: Uri = url.parse().map_err(|_| malformed())?;
    let web = uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
    if web && uri.host().is_some() { Ok(uri) } else { Err(malformed()) }
}

fn host(uri: &Uri, service: &Service) -> Result<HeaderValue, Error> {
    let malformed = || Error::ServiceUrl { service: service.id.clone() };
    let host = uri.host().ok_or_else(malformed)?;
    let text = match uri.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| malformed())
}

fn target(permitted: &Permitted) -> Target {
    let trust = if permitted.service.verify_certificate {
        ServerTrust::OneOf(permitted.client.certificates.clone())
    } else {
        ServerTrust::Any
    };
    Target { timeout: permitted.service.timeout, trust }
}

fn header_value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::ContentType { found: text.to_owned() }.in_received())
}
