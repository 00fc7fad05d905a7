//! The back end over HTTP, as pages of a portal would ask it: JSON in, JSON out, on loopback.
//!
//! ```text
//! POST /usage                      {"fin": "0TEST01"}     who asked about the person, across all members
//! POST /consents                   {"fin": "0TEST01"}     the person's consents
//! POST /consents/{id}/{action}     {"fin": "0TEST01"}     approve, decline, pause, resume, revoke
//! ```
//!
//! A real portal has logged the person in before; the sandbox believes whoever asks. Browsers name the
//! page that has them ask: those are turned away, for any page could.

use gateway_net::{Body, Handler, Peer};
use http::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Portal;
use crate::sandbox::system::Answer;

/// The back end behind its port.
#[derive(Debug)]
pub(crate) struct Face(Portal);

/// What a page says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    fin: String,
}

/// What a page wants.
enum Wanted {
    Usage,
    Consents,
    Answer { consent: String, action: String },
}

impl Face {
    /// The face of this portal.
    pub(crate) fn new(portal: Portal) -> Self {
        Self(portal)
    }

    async fn answer(&self, wanted: &Wanted, fin: &str) -> Result<Answer, String> {
        let id = format!("portal-{}", hex::encode(certs_keys::random_bytes::<8>()));
        match wanted {
            Wanted::Usage => self.0.usage(fin, &id).await,
            Wanted::Consents => self.0.consents(fin, &id).await,
            Wanted::Answer { consent, action } => self.0.answer(consent, action, fin, &id).await,
        }
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        if head.headers.contains_key(ORIGIN) {
            return said(StatusCode::FORBIDDEN, "this is not for pages in a browser");
        }
        let wanted = match (head.method, wanted(head.uri.path())) {
            (Method::POST, Some(wanted)) => wanted,
            (_, Some(_)) => return said(StatusCode::METHOD_NOT_ALLOWED, "use POST"),
            (_, None) => return said(StatusCode::NOT_FOUND, "there is no such page"),
        };
        let page = gateway_net::collect(body, BYTES_MAX).await;
        let page = page
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Page>(&bytes).ok());
        let Some(page) = page else {
            return said(StatusCode::BAD_REQUEST, "say whom: {\"fin\": \"…\"}");
        };
        match self.answer(&wanted, &page.fin).await {
            Ok(answer) => match (answer.fault, StatusCode::from_u16(answer.status)) {
                (None, Ok(status)) => json_answer(status, answer.body),
                (fault, status) => said(
                    status.unwrap_or(StatusCode::BAD_GATEWAY),
                    &fault.unwrap_or_default(),
                ),
            },
            Err(_) => said(StatusCode::BAD_GATEWAY, "the portal's node did not answer"),
        }
    }
}

fn wanted(path: &str) -> Option<Wanted> {
    let mut segments = path.strip_prefix('/')?.split('/');
    match (
        segments.next()?,
        segments.next(),
        segments.next(),
        segments.next(),
    ) {
        ("usage", None, ..) => Some(Wanted::Usage),
        ("consents", None, ..) => Some(Wanted::Consents),
        ("consents", Some(consent), Some(action), None) if ACTIONS.contains(&action) => {
            let plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
            consent.bytes().all(plain).then(|| Wanted::Answer {
                consent: consent.to_owned(),
                action: action.to_owned(),
            })
        }
        _ => None,
    }
}

fn said(status: StatusCode, text: &str) -> Response<Body> {
    json_answer(status, json!({ "message": text }).to_string())
}

fn json_answer(status: StatusCode, body: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

const ACTIONS: [&str; 5] = ["approve", "decline", "pause", "resume", "revoke"];
const BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::country::place::Place;
    use crate::sandbox::plan;

    /// Asks a portal whose node is not there.
    async fn status(origin: Option<&'static str>) -> u16 {
        let place = Place::new(&plan::COUNTRY, Path::new(""), 1);
        let client = crate::fetch::client().unwrap();
        let face = Face::new(Portal::new(&place, client));
        let body = gateway_net::full(r#"{"fin": "0TEST01"}"#);
        let mut request = Request::post("/consents").body(body).unwrap();
        if let Some(origin) = origin {
            let origin = HeaderValue::from_static(origin);
            request.headers_mut().insert(ORIGIN, origin);
        }
        let peer = Peer {
            address: ([127, 0, 0, 1], 1).into(),
            tls: false,
            certificates: Arc::default(),
        };
        face.handle(request, &peer).await.status().as_u16()
    }

    #[tokio::test]
    async fn does_nothing_for_a_page_in_a_browser() {
        assert_eq!(status(Some("http://evil.example")).await, 403);
        assert_eq!(status(Some("null")).await, 403);
        assert_eq!(status(None).await, 502);
    }
}
