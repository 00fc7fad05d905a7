//! Sockets: listeners, clients, TLS, limits. The only user of hyper, rustls and tokio-rustls (with `http` types at its face).

use bytes::Bytes;
use certs_keys::SigningKey;
use certs_x509::{Certificate, ocsp};
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

#[derive(Debug)]
pub enum Error { Todo }

/// A streaming body both ways.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Error>;
pub fn full(bytes: impl Into<Bytes>) -> Body { todo!() }
pub fn empty() -> Body { todo!() }
/// A body from a channel or any stream of frames; dropping the sender without `end` aborts the message (the peer sees truncation, never a false end).
pub fn channel(capacity: usize) -> (BodySender, Body) { todo!() }
#[derive(Debug)] pub struct BodySender(());
impl BodySender { pub async fn send(&mut self, chunk: Bytes) -> Result<(), Error> { todo!() } pub fn end(self) {} }

/// Who is at the other end of an accepted connection.
#[derive(Clone, Debug)]
pub struct Peer { pub address: SocketAddr, pub tls: bool, /** leaf first; after resumption too */ pub certificates: Arc<[Certificate]> }

/// What answers requests. Runs per request; panics are caught, the connection closed.
pub trait Handler: Send + Sync + 'static {
    fn handle(&self, request: http::Request<Body>, peer: &Peer) -> impl Future<Output = http::Response<Body>> + Send;
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub connections_max: usize, pub connections_per_ip_max: usize, pub header_bytes_max: usize, pub headers_max: usize,
    pub header_read_timeout: Duration, pub handshake_timeout: Duration, pub idle_timeout: Duration, /** a body must move within */ pub body_read_timeout: Duration,
}
impl Default for Limits { fn default() -> Self { todo!() } }

/// A key with its chain, to present in TLS.
#[derive(Clone, Debug)]
pub struct Identity { pub key: Arc<dyn SigningKey>, pub chain: Vec<Certificate>, pub ocsp_staple: Option<ocsp::Response> }

/// Decides on the leaf during the handshake of port 5500 (registered or not).
pub type CertificateCheck = Arc<dyn Fn(&Certificate) -> bool + Send + Sync>;

/// TLS of a listener. The identity can be exchanged while running.
#[derive(Clone)]
pub struct ServerTls(());
impl ServerTls {
    /// Node port: client certificate required, leaf accepted by `check`; TLS 1.3 and 1.2; resumption keeps the peer's chain.
    pub fn mutual(identity: Identity, check: CertificateCheck) -> Result<Self, Error> { todo!() }
    /// Information-system port: client certificate asked for, any accepted (compared later).
    pub fn optional_client(identity: Identity) -> Result<Self, Error> { todo!() }
    pub fn replace_identity(&self, identity: Identity) -> Result<(), Error> { todo!() }
}
impl std::fmt::Debug for ServerTls { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("ServerTls") } }

/// A bound listener.
#[derive(Debug)]
pub struct Listener(());
impl Listener {
    pub async fn bind(address: SocketAddr, tls: Option<ServerTls>, limits: Limits) -> Result<Self, Error> { todo!() }
    pub fn local_addr(&self) -> SocketAddr { todo!() }
    /// Serves until `shutdown` resolves, then drains for at most the idle timeout. HTTP/1.1 only; strict framing (no smuggling).
    pub async fn serve<H: Handler>(self, handler: Arc<H>, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> { todo!() }
}

/// Connections to information systems, responders and configuration sources: plain or TLS, pooled, no redirects, no cookies, no decompression.
#[derive(Clone, Debug)]
pub struct Client(());
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub connect_timeout: Duration, /** until response head */ pub response_timeout: Duration, pub idle_timeout: Duration, pub idle_per_host_max: usize,
    pub identity: Option<Identity>,
}
/// Whom to believe at an https service (messages.md §7.1).
#[derive(Clone, Debug)]
pub enum ServerTrust { Any, OneOf(Vec<Certificate>) }
impl Client {
    pub fn new(options: ClientOptions) -> Result<Self, Error> { todo!() }
    /// Absolute URI. `timeout` overrides the response timeout.
    pub async fn request(&self, request: http::Request<Body>, trust: &ServerTrust, timeout: Option<Duration>) -> Result<http::Response<Body>, Error> { todo!() }
}

/// Mutual TLS to other nodes: candidates raced, best remembered, failed ones passed over, connections pooled (transport.md §3, §15).
#[derive(Clone, Debug)]
pub struct PeerClient(());
#[derive(Clone, Debug)]
pub struct PeerOptions { pub connect_timeout: Duration, pub handshake_timeout: Duration, /** None: wait */ pub response_timeout: Option<Duration>, pub idle_timeout: Duration, pub pool_per_peer_max: usize, pub ocsp_timeout: Duration, pub favourite_lifetime: Duration }
/// One place a provider can be reached: host (name or IP literal), message port, OCSP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate { pub host: String, pub port: u16, pub ocsp_port: u16 }
/// What a connected peer showed: its chain (leaf first) and OCSP responses by certificate, from the staple or its OCSP port.
#[derive(Clone, Debug)]
pub struct PeerEvidence { pub certificates: Arc<[Certificate]>, pub ocsp_responses: Arc<[ocsp::Response]> }
/// How a send went wrong: nobody connected (network or io), TLS refused, `verify` refused (its own error is handed back), or the exchange broke.
#[derive(Debug)]
pub enum PeerError<E> { Network(Error), Tls(Error), Refused(E), Broken(Error), /** no answer in time: whether it was done is unknown */ Timeout }
impl PeerClient {
    pub fn new(identity: Identity, options: PeerOptions) -> Result<Self, Error> { todo!() }
    pub fn replace_identity(&self, identity: Identity) -> Result<(), Error> { todo!() }
    /// `verify` is asked on every use of a connection (new or pooled), before anything is sent.
    pub async fn send<E: Send>(&self, candidates: &[Candidate], request: http::Request<Body>, verify: impl Fn(&PeerEvidence) -> Result<(), E> + Send + Sync) -> Result<(http::Response<Body>, PeerEvidence), PeerError<E>> { todo!() }
}
