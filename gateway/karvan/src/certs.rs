//! `karvan certs`: the sandbox authority, answering OCSP and time-stamp requests.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs_authority::{Authority, State, Timestamper, TimestamperState};
use gateway_exchange::Clock;
use gateway_net::{Body, Handler, Peer};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::clock::SystemClock;
use crate::config::{self, Loaded};
use crate::service::Running;

/// What is kept between two runs, in one file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The authority and what it issued.
    pub(crate) authority: State,
    /// The time-stamper.
    pub(crate) timestamper: TimestamperState,
}

/// Why the authority did not start.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    State { path: PathBuf, reason: String },
    Net(gateway_net::Error),
}

/// Opens the authority and listens.
pub(crate) async fn start(
    config: &Loaded<config::certs::Certs>,
) -> Result<(Running, SocketAddr), Error> {
    let face = open(config)?;
    let mut running = Running::new();
    let bound = running
        .listen(
            config.values.listen,
            None,
            gateway_net::Limits::default(),
            face,
        )
        .await
        .map_err(Error::Net)?;
    tracing::info!(%bound, "authority is listening");
    Ok((running, bound))
}

/// Opens everything the configuration names, without listening.
pub(crate) fn check(config: &Loaded<config::certs::Certs>) -> Result<(), Error> {
    open(config).map(drop)
}

fn open(config: &Loaded<config::certs::Certs>) -> Result<Face, Error> {
    let values = &config.values;
    let pin = config.pin(&values.pin_file).map_err(Error::Config)?;
    let path = config.path(&values.state);
    let unusable = |reason: String| Error::State {
        path: path.clone(),
        reason,
    };
    let text = config.text(&values.state).map_err(Error::Config)?;
    let kept: Kept = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    let authority =
        Authority::open(&kept.authority, &pin).map_err(|error| unusable(error.to_string()))?;
    let timestamper =
        Timestamper::open(&kept.timestamper, &pin).map_err(|error| unusable(error.to_string()))?;
    Ok(Face {
        authority: Arc::new(authority),
        timestamper: Arc::new(timestamper),
    })
}

/// Writes the state, whole and atomically, readable by its owner only.
pub(crate) fn write(path: &Path, kept: &Kept) -> Result<(), Error> {
    let unusable = |reason: String| Error::State {
        path: path.to_owned(),
        reason,
    };
    let json = serde_json::to_vec_pretty(kept).map_err(|error| unusable(error.to_string()))?;
    gateway_store::file::replace_secret(path, &json).map_err(|error| unusable(error.to_string()))
}

/// `POST /ocsp` (RFC 6960) and `POST /tsa` (RFC 3161).
#[derive(Debug)]
struct Face {
    authority: Arc<Authority>,
    timestamper: Arc<Timestamper>,
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if *request.method() != Method::POST {
            return plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST an OCSP or time-stamp request\n",
            );
        }
        let Ok(asked) = gateway_net::collect(request.into_body(), REQUEST_BYTES_MAX).await else {
            return plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request is too large or broke off\n",
            );
        };
        let now = SystemClock.now();
        match path.as_str() {
            "/ocsp" => binary(
                "application/ocsp-response",
                self.authority.ocsp(&asked, now),
            ),
            "/tsa" => binary(
                "application/timestamp-reply",
                self.timestamper.respond(&asked, now),
            ),
            _ => plain(StatusCode::NOT_FOUND, "only /ocsp and /tsa\n"),
        }
    }
}

fn binary(content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::State { path, reason } => {
                write!(f, "the state {} cannot be used: {reason}", path.display())
            }
            Self::Net(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Net(error) => std::error::Error::source(error),
            Self::Config(_) | Self::State { .. } => None,
        }
    }
}

const REQUEST_BYTES_MAX: usize = 64 * 1024;
