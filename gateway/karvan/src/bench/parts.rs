//! What the parts of an exchange would allow, each measured alone on the whole machine.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs_authority::Authority;
use certs_keys::{
    Digest, DigestAlgorithm, KeyKind, PublicKey, SigningKey, SoftKey, default_algorithm,
};
use gateway_exchange::Clock;
use gateway_net::{
    Body, Candidate, Handler, Identity, Listener, Peer, PeerClient, PeerOptions, ServerTls,
    ServerTrust,
};
use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response};

use super::case::Case;
use super::{Error, client};
use crate::clock::{self, SystemClock};

/// Exchanges a second if an exchange were nothing but its parts: two signatures, two verifications,
/// four digests (request and response, made and checked), one mutual-TLS round trip between nodes,
/// two plain ones to client and service, four durable records.
pub(super) async fn bound(case: Case) -> Result<f64, Error> {
    let key = Arc::new(SoftKey::generate(case.key).map_err(|error| part(&error))?);
    let digest = Digest::of(DigestAlgorithm::Sha512, b"bench");
    let algorithm = default_algorithm(key.public_key(), DigestAlgorithm::Sha512);
    let signature = key.sign(algorithm, &digest).map_err(|error| part(&error))?;
    let public: PublicKey = key.public_key().clone();

    let signing = Arc::clone(&key);
    let sign = rate_of_work(move || signing.sign(algorithm, &digest).is_ok()).await?;
    let verify =
        rate_of_work(move || public.verify(algorithm, &digest, &signature).is_ok()).await?;
    let body = vec![b'x'; case.body_bytes.saturating_add(512)];
    let hashed = body.clone();
    let hash = rate_of_work(move || {
        !Digest::of(DigestAlgorithm::Sha512, &hashed)
            .as_bytes()
            .is_empty()
    })
    .await?;
    let wire = Bytes::from(vec![b'x'; case.body_bytes.saturating_add(ENVELOPE_BYTES)]);
    let plain = plain_round_trips(Bytes::from(body)).await?;
    let tls = tls_round_trips(wire.clone(), case.key).await?;
    let log = records(wire).await?;
    let seconds = 2.0 / sign + 2.0 / verify + 4.0 / hash + 1.0 / tls + 2.0 / plain + 4.0 / log;
    Ok(1.0 / seconds)
}

/// Times a piece of pure work is done a second on all cores.
async fn rate_of_work(work: impl Fn() -> bool + Send + Sync + 'static) -> Result<f64, Error> {
    let work = Arc::new(work);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    rate(cores, move || {
        let work = Arc::clone(&work);
        async move {
            let done = tokio::task::spawn_blocking(move || (0..WORK_BATCH).all(|_| work())).await;
            match done {
                Ok(true) => Ok(WORK_BATCH),
                _ => Err(Error::Part("a key does not work".to_owned())),
            }
        }
    })
    .await
}

/// Plain HTTP round trips a second, client and server on this machine.
async fn plain_round_trips(body: Bytes) -> Result<f64, Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let limits = gateway_net::Limits::default();
    let listener = Listener::bind(address, None, limits)
        .await
        .map_err(Error::Net)?;
    let address = listener.local_addr();
    let server = tokio::spawn(listener.serve(Arc::new(Echo), std::future::pending()));
    let http = client(CLIENTS)?;
    let url = format!("http://{address}/");
    let rate = rate(CLIENTS, move || {
        let (http, url, body) = (http.clone(), url.clone(), body.clone());
        async move {
            let request = post(&url, body)?;
            let answered = http
                .request(request, &ServerTrust::Any, None)
                .await
                .map_err(Error::Net)?;
            drain(answered).await
        }
    })
    .await;
    server.abort();
    rate
}

/// Mutual-TLS round trips a second over kept connections.
async fn tls_round_trips(body: Bytes, kind: KeyKind) -> Result<f64, Error> {
    let identity = identity(kind)?;
    let tls = ServerTls::mutual(identity.clone(), Arc::new(|_| true)).map_err(Error::Net)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let limits = gateway_net::Limits::default();
    let listener = Listener::bind(address, Some(tls), limits)
        .await
        .map_err(Error::Net)?;
    let address = listener.local_addr();
    let server = tokio::spawn(listener.serve(Arc::new(Echo), std::future::pending()));
    let port = address.port();
    // The response is stapled: the OCSP port is not asked.
    let candidates = [Candidate {
        host: address.ip().to_string(),
        port,
        ocsp_port: port,
    }];
    let peers = PeerClient::new(identity, PeerOptions::default()).map_err(Error::Net)?;
    let rate = rate(CLIENTS, move || {
        let (peers, candidates, body) = (peers.clone(), candidates.clone(), body.clone());
        async move {
            let request = post("http://localhost/", body)?;
            let verify = |_: &gateway_net::PeerEvidence| Ok::<(), Error>(());
            let sent = peers.send(&candidates, request, verify).await;
            let (answered, _) = sent.map_err(|error| Error::Part(error.to_string()))?;
            drain(answered).await
        }
    })
    .await;
    server.abort();
    rate
}

/// Durable records a second.
async fn records(record: Bytes) -> Result<f64, Error> {
    let folder = tempfile::tempdir().map_err(|source| Error::Io {
        what: "making a temporary folder",
        source,
    })?;
    let options = gateway_store::segment::Options::default();
    let log =
        gateway_store::segment::Log::open(folder.path(), options).map_err(|error| part(&error))?;
    rate(CLIENTS, move || {
        let (log, record) = (log.clone(), record.clone());
        async move {
            log.append(record)
                .await
                .map(|_| 1)
                .map_err(|error| part(&error))
        }
    })
    .await
}

/// How often this is done a second, so many at a time.
async fn rate<F, W>(at_a_time: usize, work: W) -> Result<f64, Error>
where
    W: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<u32, Error>> + Send,
{
    let (count, seconds) = count(at_a_time, PART_TIME, work).await?;
    Ok(f64::from(count) / seconds)
}

/// How often this is done, so many at a time for this long; and how many seconds it took.
pub(super) async fn count<F, W>(
    at_a_time: usize,
    time: Duration,
    work: W,
) -> Result<(u32, f64), Error>
where
    W: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<u32, Error>> + Send,
{
    let began = clock::instant();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_a_time {
        let work = work.clone();
        tasks.spawn(async move {
            let mut count = 0_u32;
            while began.elapsed() < time {
                count = count.saturating_add(work().await?);
            }
            Ok::<u32, Error>(count)
        });
    }
    let mut count = 0_u32;
    while let Some(done) = tasks.join_next().await {
        count = count.saturating_add(done.map_err(|error| part(&error))??);
    }
    Ok((count, began.elapsed().as_secs_f64()))
}

fn post(url: &str, body: Bytes) -> Result<Request<Body>, Error> {
    let mut request = Request::new(gateway_net::full(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url
        .parse()
        .map_err(|_| Error::Part(format!("not a URL: {url}")))?;
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("localhost"));
    Ok(request)
}

async fn drain(response: Response<Body>) -> Result<u32, Error> {
    gateway_net::collect(response.into_body(), 64 * 1024 * 1024)
        .await
        .map_err(Error::Net)?;
    Ok(1)
}

/// A TLS identity with its OCSP response, so that nobody is asked for one.
fn identity(kind: KeyKind) -> Result<Identity, Error> {
    let now = SystemClock.now();
    let mut authority = Authority::create("Bench", kind, now).map_err(|error| part(&error))?;
    let (key, certificate) = authority
        .issue_tls(&["localhost"], &[], kind, now)
        .map_err(|error| part(&error))?;
    let staple = authority
        .ocsp_of(&certificate, now)
        .map_err(|error| part(&error))?;
    Ok(Identity {
        key: Arc::new(key),
        chain: vec![certificate],
        ocsp_staple: Some(staple),
    })
}

/// Sends back what it got.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let body = gateway_net::collect(request.into_body(), 64 * 1024 * 1024).await;
        Response::new(gateway_net::full(body.unwrap_or_default()))
    }
}

pub(super) fn part(error: &dyn std::fmt::Display) -> Error {
    Error::Part(error.to_string())
}

const PART_TIME: Duration = Duration::from_millis(700);
const CLIENTS: usize = 32;
const WORK_BATCH: u32 = 16;
/// Signature, hash chain, OCSP responses and framing around a body.
const ENVELOPE_BYTES: usize = 7 * 1024;
