//! The service of the bench: sends back what it got, as cheaply as can be.

use bytes::{Bytes, BytesMut};
use gateway_net::{Body, Handler, Peer};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};

/// REST bodies come back as they are; SOAP requests come back as their own responses.
#[derive(Debug)]
pub(super) struct Echo;

impl Handler for Echo {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let soap = request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/xml"));
        let Ok(body) = gateway_net::collect(request.into_body(), BODY_BYTES_MAX).await else {
            let mut response = Response::new(gateway_net::empty());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        };
        let (content_type, body) = if soap {
            ("text/xml; charset=utf-8", answer(&body))
        } else {
            ("application/octet-stream", body)
        };
        let mut response = Response::new(gateway_net::full(body));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }
}

/// `<b:Echo>…</b:Echo>` becomes `<b:EchoResponse>…</b:EchoResponse>`.
fn answer(request: &[u8]) -> Bytes {
    let mut response = BytesMut::with_capacity(request.len().saturating_add(32));
    let mut rest = request;
    for tag in [&b"<b:Echo"[..], &b"</b:Echo"[..]] {
        let Some(at) = rest.windows(tag.len()).position(|window| window == tag) else {
            break;
        };
        let (before, after) = rest.split_at(at.saturating_add(tag.len()));
        response.extend_from_slice(before);
        response.extend_from_slice(b"Response");
        rest = after;
    }
    response.extend_from_slice(rest);
    response.freeze()
}

const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
