//! `registry.toml`: the central registry.

use std::net::SocketAddr;
use std::path::PathBuf;

use gateway_proto::id::ClientId;
use serde::{Deserialize, Serialize};

use super::node::KeyPair;

/// The registry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    /// Its state and signing keys. Made when missing.
    pub(crate) data_dir: PathBuf,
    /// Publishes the global configuration here, plain HTTP (it is signed). X-Road: port 80.
    pub(crate) listen: SocketAddr,
    /// Host, and port if not 80, under which nodes reach it; goes into anchors.
    pub(crate) address: String,
    /// File with the PIN of the signing keys.
    pub(crate) pin_file: PathBuf,
    /// How often the configuration is signed anew. Seconds; default 60.
    #[serde(default = "publish_seconds")]
    pub(crate) publish_seconds: u64,
    /// The admin API. Off when missing; `karvan registry …` works then only while the registry is
    /// stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<Admin>,
    /// The consent desk. Off when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) desk: Option<Desk>,
    /// The feed of the consent desk; with `desk`, and only with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed: Option<Feed>,
}

/// The admin API, `/api/karvan/v1`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// Where it listens. Plain HTTP on a loopback address only; elsewhere `tls` is needed.
    pub(crate) listen: SocketAddr,
    /// Its TLS key (PKCS#8 PEM, under the PIN) and certificate (PEM). Default: plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<KeyPair>,
    /// A request's body. Bytes; default 1 MiB.
    #[serde(default = "admin_bytes")]
    pub(crate) request_bytes_max: usize,
}

/// The consent desk, which the node in front of it publishes as the services `consents`, `cases` and
/// `notices`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Desk {
    /// Where the node in front reaches it. Plain HTTP on a loopback address only; elsewhere `tls` and
    /// `certificates` are needed. Whoever reaches it is believed when naming the calling client.
    pub(crate) listen: SocketAddr,
    /// Its TLS key (PKCS#8 PEM, under the PIN) and certificate (PEM). Default: plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<KeyPair>,
    /// Certificates of the internal TLS of the nodes in front, PEM files; with `tls` at least one.
    #[serde(default)]
    pub(crate) certificates: Vec<PathBuf>,
    /// Clients that read and review notices of break-glass uses: `instance/class/code/subsystem`.
    #[serde(default)]
    pub(crate) supervisors: Vec<ClientId>,
    /// How long consents, requests and cases are kept after their end, and notices after their review.
    /// Days; default 1 095 (three years). The feed and the audit trail stay.
    #[serde(default = "retention")]
    pub(crate) retention_days: u32,
}

/// The feed: what became of consents, and which cases are open.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feed {
    /// Where all nodes reach it, over TLS with their registered authentication certificates. Its own
    /// key and certificate are made in `data_dir` on the first start; the rules name the certificate.
    pub(crate) listen: SocketAddr,
    /// Requests that wait for news at once, over all nodes; further ones are answered with 503.
    /// Default 1 024.
    #[serde(default = "waiting")]
    pub(crate) waiting_max: usize,
}

const fn publish_seconds() -> u64 {
    60
}

const fn admin_bytes() -> usize {
    1024 * 1024
}

const fn retention() -> u32 {
    3 * 365
}

const fn waiting() -> usize {
    1_024
}
