//! The load: so many requests under way at a time, each sent when the one before was answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_net::{Body, Client, ServerTrust};
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};

use super::{Error, client};
use crate::clock;

/// Requests to be sent many times, by turns.
#[derive(Clone, Debug)]
pub(super) struct Load {
    method: Method,
    /// At least one.
    targets: Vec<(Uri, HeaderMap)>,
    /// Whose turn it is.
    turn: Arc<AtomicUsize>,
    body: Option<Bytes>,
}

/// How the requests went.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) exchanges: u64,
    pub(super) exchanges_per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Load {
    /// POST to the REST interface.
    pub(super) fn rest(node: SocketAddr, body: Vec<u8>) -> Self {
        let path = "/r1/AZ/GOV/0000000131/answers/echo";
        let client = HeaderValue::from_static("AZ/GOV/0000001181/asks");
        let client = (HeaderName::from_static("x-road-client"), client);
        let octets = "application/octet-stream";
        Self::post(node, path, body, octets).with(&[client])
    }

    /// The same, with a query and further headers for each of the targets.
    pub(super) fn to(self, queries: &[(String, Vec<(HeaderName, HeaderValue)>)]) -> Self {
        let targets = queries.iter().flat_map(|(query, more)| {
            self.targets.iter().map(move |(uri, headers)| {
                let uri = format!("{uri}?{query}").parse().unwrap_or_default();
                let mut headers = headers.clone();
                headers.extend(more.iter().cloned());
                (uri, headers)
            })
        });
        Self {
            targets: targets.collect(),
            ..self
        }
    }

    fn with(mut self, more: &[(HeaderName, HeaderValue)]) -> Self {
        for (_, headers) in &mut self.targets {
            headers.extend(more.iter().cloned());
        }
        self
    }

    /// POST to the SOAP interface.
    pub(super) fn soap(node: SocketAddr, envelope: &str) -> Self {
        Self::post(
            node,
            "/",
            envelope.as_bytes().to_vec(),
            "text/xml; charset=utf-8",
        )
    }

    fn post(node: SocketAddr, path: &str, body: Vec<u8>, content_type: &'static str) -> Self {
        let uri = format!("http://{node}{path}").parse().unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(host) = HeaderValue::from_str(&node.to_string()) {
            headers.insert(HOST, host);
        }
        Self::one(Method::POST, uri, headers, Some(body.into()))
    }

    /// Any request to any server.
    pub(super) fn of_url(
        url: &str,
        headers: &[String],
        body: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let uri: Uri = url
            .parse()
            .map_err(|_| Error::Load(format!("not a URL: {url}")))?;
        let mut map = HeaderMap::new();
        if let Some(authority) = uri.authority() {
            let host = HeaderValue::from_str(authority.as_str());
            map.insert(
                HOST,
                host.map_err(|_| Error::Load(format!("not a host: {authority}")))?,
            );
        }
        for header in headers {
            let wrong = || Error::Load(format!("not a header: {header}"));
            let (name, value) = header.split_once(':').ok_or_else(wrong)?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
            map.insert(
                name,
                HeaderValue::from_str(value.trim()).map_err(|_| wrong())?,
            );
        }
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        Ok(Self::one(method, uri, map, body.map(Bytes::from)))
    }

    fn one(method: Method, uri: Uri, headers: HeaderMap, body: Option<Bytes>) -> Self {
        Self {
            method,
            targets: vec![(uri, headers)],
            turn: Arc::default(),
            body,
        }
    }

    /// Sends from `clients` clients for this long; every answer must be a success.
    pub(super) async fn run(&self, clients: usize, time: Duration) -> Result<Outcome, Error> {
        let http = client(clients)?;
        let load = Arc::new(self.clone());
        let began = clock::instant();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(one_client(Arc::clone(&load), http.clone(), began, time));
        }
        let mut took = Vec::new();
        while let Some(done) = tasks.join_next().await {
            took.extend(done.map_err(|error| Error::Load(error.to_string()))??);
        }
        let elapsed = began.elapsed().as_secs_f64();
        took.sort_unstable();
        let count = u32::try_from(took.len()).unwrap_or(u32::MAX);
        Ok(Outcome {
            exchanges: count.into(),
            exchanges_per_s: f64::from(count) / elapsed,
            p50_ms: percentile(&took, 50),
            p99_ms: percentile(&took, 99),
        })
    }

    /// The next one.
    pub(super) fn request(&self) -> Request<Body> {
        let body = self
            .body
            .clone()
            .map_or_else(gateway_net::empty, gateway_net::full);
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let place = turn.checked_rem(self.targets.len()).unwrap_or(0);
        if let Some((uri, headers)) = self.targets.get(place) {
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
        }
        request
    }
}

async fn one_client(
    load: Arc<Load>,
    http: Client,
    began: Instant,
    time: Duration,
) -> Result<Vec<Duration>, Error> {
    let mut took = Vec::with_capacity(4096);
    while began.elapsed() < time {
        let sent = clock::instant();
        let response = http
            .request(load.request(), &ServerTrust::Any, None)
            .await
            .map_err(Error::Net)?;
        let status = response.status();
        let body = gateway_net::collect(response.into_body(), BODY_BYTES_MAX)
            .await
            .map_err(Error::Net)?;
        if !status.is_success() || is_fault(&body) {
            let start = body.get(..300).unwrap_or(&body);
            return Err(Error::Load(format!(
                "{status}: {}",
                String::from_utf8_lossy(start)
            )));
        }
        took.push(sent.elapsed());
    }
    Ok(took)
}

/// SOAP faults come with status 200; the envelope of a fault begins with its fault.
fn is_fault(body: &[u8]) -> bool {
    let start = body.get(..400).unwrap_or(body);
    start.windows(10).any(|window| window == b"<faultcode")
}

pub(super) fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = last.saturating_mul(percent).div_euclid(100);
    sorted
        .get(at)
        .map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}

const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
