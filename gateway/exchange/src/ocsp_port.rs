//! The OCSP port: hands out responses for this node's certificates (PR-MESSTRANSP 2.2).

use std::sync::Arc;

use gateway_net::{Body, Handler, Peer};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};

use crate::node::Node;

/// Answers `GET /?cert={sha1}&cert={sha1}…`: one part for each certificate asked, in order.
#[derive(Debug)]
pub struct OcspPort {
    node: Arc<Node>,
}

impl OcspPort {
    /// The OCSP port of this node.
    #[must_use]
    pub fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    fn answer(&self, query: &str) -> Result<Response<Body>, &'static str> {
        // Newer consumers add `cert_hash` with SHA-256; all send `cert`.
        let asked: Vec<&str> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("cert="))
            .collect();
        if asked.is_empty() {
            return Err("no cert parameter");
        }
        if asked.len() > CERTIFICATES_MAX {
            return Err("too many certificates asked");
        }
        let keys = self.node.keys.load();
        let boundary = format!("jetty{}", hex::encode(certs_keys::random_bytes::<16>()));
        let mut body = Vec::new();
        for hash in asked {
            let response = keys
                .ocsp_by_sha1
                .get(&hash.to_ascii_lowercase())
                .ok_or("no OCSP response for a certificate asked")?;
            body.extend_from_slice(b"--");
            body.extend_from_slice(boundary.as_bytes());
            body.extend_from_slice(b"\r\nContent-Type: application/ocsp-response\r\n\r\n");
            body.extend_from_slice(response.der());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = format!(
            "multipart/related; type=\"application/ocsp-response\"; charset=UTF-8; boundary={boundary}"
        );
        let mut answer = Response::new(gateway_net::full(body));
        if let Ok(value) = HeaderValue::from_str(&content_type) {
            answer.headers_mut().insert(CONTENT_TYPE, value);
        }
        Ok(answer)
    }
}

impl Handler for OcspPort {
    async fn handle(&self, request: http::Request<Body>, _peer: &Peer) -> Response<Body> {
        let answer = match *request.method() {
            Method::HEAD => Ok(Response::new(gateway_net::empty())),
            Method::GET => self.answer(request.uri().query().unwrap_or_default()),
            _ => Err("only GET and HEAD"),
        };
        answer.unwrap_or_else(|reason| {
            let mut refused = Response::new(gateway_net::full(reason));
            *refused.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            refused
        })
    }
}

/// Certificates one request may ask about.
const CERTIFICATES_MAX: usize = 16;
