//! `/healthz`: the process answers. `/readyz`: it can exchange, or says what is missing.

use std::sync::Arc;

use gateway_exchange::Node;
use gateway_net::{Body, Handler, Peer};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};

/// The health face of a node.
#[derive(Debug)]
pub(super) struct Health {
    node: Arc<Node>,
}

impl Health {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    /// What keeps the node from exchanging, for its operator.
    fn missing(&self) -> Vec<&'static str> {
        let now = self.node.clock.now();
        let grace = self.node.settings.registry_grace_seconds_max;
        let mut missing = Vec::new();
        match self.node.conf.load_full() {
            None => missing
                .push("no global configuration: is the registry reachable, is the anchor right?"),
            Some(conf) if conf.valid(grace, now).is_err() => {
                missing.push("the global configuration has expired: is the registry reachable?");
            }
            Some(_) => {}
        }
        let keys = self.node.keys.load();
        if keys.authentication(now).is_none() {
            missing.push("no usable authentication certificate: is its OCSP responder reachable?");
        }
        if !keys.signers.values().any(|key| now < key.usable_until) {
            missing.push("no usable signing certificate: is its OCSP responder reachable?");
        }
        missing
    }
}

impl Handler for Health {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let (status, text) = match request.uri().path() {
            "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => {
                let missing = self.missing();
                if missing.is_empty() {
                    (StatusCode::OK, "ready\n".to_owned())
                } else {
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        format!("{}\n", missing.join("\n")),
                    )
                }
            }
            _ => (
                StatusCode::NOT_FOUND,
                "only /healthz and /readyz\n".to_owned(),
            ),
        };
        let mut response = Response::new(gateway_net::full(text));
        *response.status_mut() = status;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response
    }
}
