//! What is served to whoever asks: the log and its keys, and the witness.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_evidence::witness::Witness;
use gateway_exchange::Node;
use gateway_messagelog::MessageLog;
use gateway_messagelog::tree::Tree;
use gateway_net::{Body, Handler, Peer};
use gateway_tlog::note::{Signer, Verifier};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use super::{Error, witnessed};
use crate::causes::with_causes;
use crate::config::{self, Loaded};

/// The face: the log, and the witness.
#[derive(Debug)]
pub(in crate::node) struct Face {
    log: MessageLog,
    witness: Arc<Witness>,
    node: Arc<Node>,
    /// Both verifier keys, one a line.
    keys: String,
    /// How many may read or write files at once: whoever asks leaves room for the exchanges.
    room: Semaphore,
    /// How many requests are received at once: so much memory strangers can fill.
    seats: Semaphore,
}

impl Face {
    /// Opens the witness.
    pub(in crate::node) fn open(
        config: &Loaded<config::node::Node>,
        log: &Verifier,
        witness: Signer,
        node: Arc<Node>,
    ) -> Result<Self, Error> {
        let section = &config.values.transparency;
        let keys = format!("{}\n{}\n", log.to_vkey(), witness.verifier().to_vkey());
        let logs = witnessed(config, section)?;
        let path = config.path(&config.values.data_dir).join("witness.redb");
        let witness = Witness::open(&path, witness, logs).map_err(Error::Witness)?;
        Ok(Self {
            log: node.log.clone(),
            witness: Arc::new(witness),
            node,
            keys,
            room: Semaphore::new(AT_ONCE_MAX),
            seats: Semaphore::new(SEATS),
        })
    }

    /// Does what blocks away from the executor, when there is room; `None` when it did not come to
    /// its end.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _room = self.room.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }

    async fn add_checkpoint(&self, body: Body) -> Response<Body> {
        let Ok(_seat) = self.seats.try_acquire() else {
            return text(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once\n");
        };
        let received = gateway_net::collect(body, Witness::request_bytes_max());
        let body = match tokio::time::timeout(RECEIVED_WITHIN, received).await {
            Ok(Ok(body)) => body,
            Ok(Err(gateway_net::Error::BodyTooLarge { .. })) => {
                return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n");
            }
            Ok(Err(_)) => return text(StatusCode::BAD_REQUEST, "the request broke off\n"),
            Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the request is too slow\n"),
        };
        let (witness, now) = (Arc::clone(&self.witness), self.node.clock.now());
        let answer = self.blocking(move || witness.add_checkpoint(&body, now));
        let Some(answer) = answer.await else {
            return text(StatusCode::INTERNAL_SERVER_ERROR, INTERRUPTED);
        };
        let status = StatusCode::from_u16(answer.status);
        respond(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            answer.content_type,
            answer.body.into(),
            NOT_KEPT,
        )
    }

    async fn read(&self, path: &str) -> Response<Body> {
        if path == "/keys" {
            return text(StatusCode::OK, &self.keys);
        }
        if path == "/checkpoint" {
            return match self.log.tree().map(Tree::checkpoint) {
                Some(note) => respond(StatusCode::OK, PLAIN, note, NOT_KEPT),
                None => text(StatusCode::NOT_FOUND, "this log has no tree\n"),
            };
        }
        if let Some(path) = path.strip_prefix(WITNESS) {
            let (witness, path) = (Arc::clone(&self.witness), path.to_owned());
            let found = self.blocking(move || witness.latest(&path)).await;
            return file(found, PLAIN, NOT_KEPT);
        }
        let (log, path) = (
            self.log.clone(),
            path.strip_prefix('/').unwrap_or(path).to_owned(),
        );
        let found = self.blocking(move || match log.tree() {
            Some(tree) => tree.file(&path),
            None => Ok(None),
        });
        file(found.await, OCTETS, KEPT)
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, ADD_CHECKPOINT) => self.add_checkpoint(request.into_body()).await,
            (_, ADD_CHECKPOINT) => only("POST"),
            (&Method::GET | &Method::HEAD, path) => self.read(path).await,
            _ => only("GET, HEAD"),
        }
    }
}

/// A file that was looked for.
fn file<F: Into<Bytes>, E: std::error::Error + 'static>(
    found: Option<Result<Option<F>, E>>,
    content_type: &'static str,
    cache: &'static str,
) -> Response<Body> {
    match found {
        Some(Ok(Some(bytes))) => respond(StatusCode::OK, content_type, bytes.into(), cache),
        Some(Ok(None)) => text(StatusCode::NOT_FOUND, WHAT_THERE_IS),
        Some(Err(error)) => {
            tracing::error!(
                "the transparency log cannot be read: {}",
                with_causes(&error)
            );
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the log cannot be read; the node's own log tells why\n",
            )
        }
        None => text(StatusCode::INTERNAL_SERVER_ERROR, INTERRUPTED),
    }
}

/// Another method is asked for.
fn only(methods: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, WHAT_THERE_IS);
    let methods = HeaderValue::from_static(methods);
    response.headers_mut().insert(ALLOW, methods);
    response
}

fn text(status: StatusCode, words: &str) -> Response<Body> {
    respond(
        status,
        PLAIN,
        Bytes::copy_from_slice(words.as_bytes()),
        NOT_KEPT,
    )
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    cache: &'static str,
) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";
const NOT_KEPT: &str = "no-store";
/// A tile never changes.
const KEPT: &str = "public, max-age=604800, immutable";
const ADD_CHECKPOINT: &str = "/add-checkpoint";
const WITNESS: &str = "/witness/";
const INTERRUPTED: &str = "the node could not finish this; is it ending?\n";
const WHAT_THERE_IS: &str =
    "only /checkpoint, /tile/…, /keys, /witness/…/checkpoint and POST /add-checkpoint\n";
/// Mostly these are small files in the system's cache.
const AT_ONCE_MAX: usize = 8;
/// Neighbours are few, and their requests a few kilobytes.
const SEATS: usize = 32;
/// A request is sent at once.
const RECEIVED_WITHIN: Duration = Duration::from_secs(5);
