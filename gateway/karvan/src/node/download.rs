//! Downloads for information systems, on the ports they send their messages to: signed documents
//! (`GET /asic`) and the configuration to verify them with (`GET /verificationconf`), as deployed
//! servers serve them (signed documents' guide, "Downloading signed documents").
//!
//! * `query`: parameters of a request
//! * `asic`: which documents are asked for, and by whom
//! * `verification`: the configuration
//! * `stream`: archives written while they are sent, in constant memory

mod asic;
mod query;
mod stream;
mod verification;

use std::path::PathBuf;
use std::sync::Arc;

use gateway_evidence::archive::{Encryption, Envelope};
use gateway_evidence::stamper::Stamper;
use gateway_exchange::Node;
use gateway_exchange::conf::Conf;
use gateway_net::{Body, Handler, Peer};
use gateway_proto::id::MemberId;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::stamping::HttpAsk;
use crate::causes::with_causes;

/// What downloads need; one for all listeners.
#[derive(Debug)]
pub(super) struct Downloads {
    node: Arc<Node>,
    stamper: Arc<Stamper<HttpAsk>>,
    /// The folder of the configuration in force.
    configuration: PathBuf,
    envelopes: Option<Envelopes>,
    slots: stream::Slots,
}

/// How documents are encrypted when archives are: by the same keys.
#[derive(Clone, Debug)]
pub(super) struct Envelopes {
    pub(super) encryption: Encryption,
    /// Archives are kept apart by member or subsystem: then each member has recipients of its own.
    pub(super) by_member: bool,
}

/// Answers downloads, and hands everything else on.
#[derive(Debug)]
pub(super) struct Front<H> {
    downloads: Arc<Downloads>,
    next: H,
}

/// A download that is refused: the status and the bare text.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    text: String,
}

impl Downloads {
    pub(super) fn new(
        node: Arc<Node>,
        stamper: Arc<Stamper<HttpAsk>>,
        configuration: PathBuf,
        envelopes: Option<Envelopes>,
    ) -> Self {
        Self {
            node,
            stamper,
            configuration,
            envelopes,
            slots: stream::Slots::new(),
        }
    }

    /// What the documents of this member go out in.
    fn envelope(&self, member: &MemberId) -> Result<Option<Envelope>, Refused> {
        let Some(envelopes) = &self.envelopes else {
            return Ok(None);
        };
        let member = Some(member).filter(|_| envelopes.by_member);
        let now = self.node.clock.now();
        let envelope = envelopes.encryption.for_member(member, now);
        envelope
            .map(Some)
            .map_err(|error| Refused::failed("The documents cannot be encrypted", &error))
    }

    /// The configuration in force, if it may still be used.
    fn conf(&self) -> Result<Arc<Conf>, gateway_exchange::Error> {
        let conf = self.node.conf()?;
        let grace = self.node.settings.registry_grace_seconds_max;
        conf.valid(grace, self.node.clock.now())?;
        Ok(conf)
    }
}

impl<H> Front<H> {
    pub(super) fn new(downloads: Arc<Downloads>, next: H) -> Self {
        Self { downloads, next }
    }
}

impl<H: Handler> Handler for Front<H> {
    async fn handle(&self, request: Request<Body>, peer: &Peer) -> Response<Body> {
        let path = match *request.method() {
            Method::GET => request.uri().path(),
            _ => "",
        };
        if !matches!(path, "/asic" | "/verificationconf") {
            return self.next.handle(request, peer).await;
        }
        // Deployed servers answer as to a message while they have no configuration.
        let conf = match self.downloads.conf() {
            Ok(conf) => conf,
            Err(error) => return gateway_exchange::consumer::soap_fault(&error),
        };
        let answered = match path {
            "/asic" => {
                let query = request.uri().query().unwrap_or_default();
                asic::answer(&self.downloads, query, peer, &conf).await
            }
            _ => verification::answer(&self.downloads, peer, &conf).await,
        };
        answered.unwrap_or_else(Refused::into_response)
    }
}

impl Refused {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// This node failed: the causes go to its log, under no name of a person.
    fn failed(text: &'static str, error: &dyn std::error::Error) -> Self {
        report(text, error);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(gateway_net::full(self.text));
        *response.status_mut() = self.status;
        let plain = HeaderValue::from_static("text/plain; charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response
    }
}

/// Writes what failed, with its causes, to the node's log.
fn report(what: &str, error: &dyn std::error::Error) {
    tracing::error!("a download failed: {what}: {}", with_causes(error));
}

/// The head of a download.
fn file(content_type: &'static str, disposition: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(disposition) = HeaderValue::from_str(disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}
