//! `node.toml`: one security server.

use std::net::SocketAddr;
use std::path::PathBuf;

use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId};
use serde::{Deserialize, Serialize};

use super::evidence::{Archive, Bodies, RecordKey, Timestamping, Transparency};
use super::journal::Journal;

/// A node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    /// This server: `instance/class/owner code/server code`.
    pub(crate) server: ServerId,
    /// Log, kept configurations, OCSP responses. Made when missing.
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: Listen,
    pub(crate) registry: Registry,
    #[serde(default)]
    pub(crate) peers: Peers,
    pub(crate) token: Token,
    #[serde(default)]
    pub(crate) log: Log,
    #[serde(default)]
    pub(crate) timestamping: Timestamping,
    #[serde(default)]
    pub(crate) archive: Archive,
    #[serde(default)]
    pub(crate) transparency: Transparency,
    #[serde(default)]
    pub(crate) journal: Journal,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Clients registered on this server.
    #[serde(default, rename = "client")]
    pub(crate) clients: Vec<Client>,
}

/// Where the node listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    /// Information systems, plain HTTP. Keep it on loopback or a trusted network.
    pub(crate) clients_http: Option<SocketAddr>,
    /// Information systems, HTTPS; a client certificate is asked for. Needs `[internal_tls]` in `[token]`.
    pub(crate) clients_https: Option<SocketAddr>,
    /// Other nodes, mutual TLS. X-Road: port 5500.
    pub(crate) messages: SocketAddr,
    /// OCSP responses for other nodes, plain HTTP. X-Road: port 5577.
    pub(crate) ocsp: SocketAddr,
    /// `/healthz` and `/readyz`, plain HTTP. Off when missing.
    pub(crate) health: Option<SocketAddr>,
    /// The transparency log for auditors and other nodes (`/checkpoint`, `/tile/…`), and their
    /// requests for cosignatures (`/add-checkpoint`), plain HTTP. Off when missing.
    pub(crate) transparency: Option<SocketAddr>,
}

/// The central registry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    /// Configuration anchor as handed out by the registry.
    pub(crate) anchor: PathBuf,
    /// How often the configuration is asked for. Seconds.
    #[serde(default = "refresh_seconds")]
    pub(crate) refresh_seconds: u64,
    /// How long an expired configuration is used on when the registry is down. Seconds; 0: not at all.
    #[serde(default)]
    pub(crate) grace_seconds_max: u64,
}

/// How other nodes are reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peers {
    /// Message port of all nodes of the network.
    #[serde(default = "message_port")]
    pub(crate) message_port: u16,
    /// OCSP port of all nodes of the network.
    #[serde(default = "ocsp_port")]
    pub(crate) ocsp_port: u16,
    /// Until a connection stands. Seconds.
    #[serde(default = "connect_seconds")]
    pub(crate) connect_timeout_seconds: u64,
}

/// Keys and certificates. Keys are PKCS#8, encrypted under the PIN.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// File with the PIN, readable by the node's user only.
    pub(crate) pin_file: PathBuf,
    /// The authentication key (TLS between nodes).
    pub(crate) authentication: KeyPair,
    /// Signing keys, one for each member on this server.
    #[serde(default, rename = "signing")]
    pub(crate) signing: Vec<SigningKey>,
    /// The node's TLS key towards information systems.
    pub(crate) internal_tls: Option<KeyPair>,
}

/// A key and its certificate, both PEM.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPair {
    pub(crate) key: PathBuf,
    pub(crate) certificate: PathBuf,
}

/// A member's signing key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SigningKey {
    /// `instance/class/code`.
    pub(crate) member: MemberId,
    pub(crate) key: PathBuf,
    pub(crate) certificate: PathBuf,
}

/// The message log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// How long the committer waits for company under load. Milliseconds.
    #[serde(default = "linger_milliseconds")]
    pub(crate) linger_milliseconds_max: u64,
    /// Bodies up to this size stay in memory and in the record. Bytes.
    #[serde(default = "content_memory_bytes")]
    pub(crate) content_memory_bytes_max: usize,
    /// What the node does when durable records turn out damaged at its start: `refuse` (default), until
    /// somebody has looked, or `continue` behind them. Either way nothing is removed.
    #[serde(default)]
    pub(crate) on_damage: OnDamage,
    /// Which bodies are kept.
    #[serde(default)]
    pub(crate) bodies: Bodies,
    /// Records and bodies are encrypted under the first of these keys; the others still read. None: not encrypted.
    #[serde(default, rename = "encryption_key")]
    pub(crate) encryption_keys: Vec<RecordKey>,
}

/// What a damaged log means for the start of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnDamage {
    #[default]
    Refuse,
    Continue,
}

/// Bounds on what comes from outside; each has its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// A SOAP envelope. Bytes; default 10 MiB.
    pub(crate) soap_bytes_max: Option<usize>,
    /// A REST body or an attachment. Bytes; default 16 GiB.
    pub(crate) content_bytes_max: Option<u64>,
    /// Connections on one listener; default 10 000.
    pub(crate) connections_max: Option<usize>,
    /// Connections of one address on one listener; default 2 500.
    pub(crate) connections_per_address_max: Option<usize>,
}

/// A member or subsystem on this server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// `instance/class/code[/subsystem]`.
    pub(crate) id: ClientId,
    /// How its information systems connect: `http`, `https-no-auth`, `https` (with a registered certificate; default).
    #[serde(default)]
    pub(crate) authentication: Authentication,
    /// Certificates of its information systems, PEM files.
    #[serde(default)]
    pub(crate) certificates: Vec<PathBuf>,
    #[serde(default, rename = "service")]
    pub(crate) services: Vec<Service>,
    #[serde(default, rename = "group")]
    pub(crate) groups: Vec<Group>,
    #[serde(default, rename = "right")]
    pub(crate) rights: Vec<Right>,
}

/// Connection type of a client's information systems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authentication {
    Http,
    HttpsNoAuth,
    #[default]
    Https,
}

/// A service of a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) code: String,
    /// SOAP only.
    pub(crate) version: Option<String>,
    /// `soap` or `rest`.
    #[serde(rename = "type")]
    pub(crate) kind: ServiceKind,
    /// Absolute URL of the information system.
    pub(crate) url: String,
    /// Until the service begins to answer. Seconds; default 60.
    #[serde(default = "service_seconds")]
    pub(crate) timeout_seconds: u64,
    /// At https, accept only the client's certificates; default true.
    #[serde(default = "yes")]
    pub(crate) verify_certificate: bool,
    /// Why it is switched off; missing: it is on.
    pub(crate) disabled: Option<String>,
}

/// The protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServiceKind {
    Soap,
    Rest,
}

/// A local group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) code: String,
    pub(crate) members: Vec<ClientId>,
}

/// An access right, and whose it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "RightKeys", into = "RightKeys")]
pub(crate) struct Right {
    pub(crate) service: String,
    pub(crate) subject: Subject,
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) purposes: Vec<String>,
}

/// Who has a right.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Client(ClientId),
    GlobalGroup(GlobalGroupId),
    LocalGroup(String),
}

/// A right as the file has it: exactly one of `client`, `global_group`, `local_group`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RightKeys {
    /// Service code; rights hold for all its versions.
    service: String,
    client: Option<ClientId>,
    /// `instance/code`.
    global_group: Option<String>,
    local_group: Option<String>,
    /// REST only; default `*`.
    method: Option<String>,
    /// REST only, with `*` and `**`; default `**`.
    path: Option<String>,
    /// For which purposes, by their codes in the registry's rules; default: it names none. A caller
    /// that states no purpose is taken to ask for the one named here, if it is only one.
    #[serde(default)]
    purposes: Vec<String>,
}

impl TryFrom<RightKeys> for Right {
    type Error = String;

    fn try_from(keys: RightKeys) -> Result<Self, String> {
        let subject = match (keys.client, keys.global_group, keys.local_group) {
            (Some(client), None, None) => Subject::Client(client),
            (None, Some(group), None) => Subject::GlobalGroup(global_group(&group)?),
            (None, None, Some(code)) => Subject::LocalGroup(code),
            _ => return Err("name exactly one of client, global_group, local_group".to_owned()),
        };
        Ok(Self {
            service: keys.service,
            subject,
            method: keys.method,
            path: keys.path,
            purposes: keys.purposes,
        })
    }
}

impl From<Right> for RightKeys {
    fn from(right: Right) -> Self {
        let (client, global_group, local_group) = match right.subject {
            Subject::Client(client) => (Some(client), None, None),
            Subject::GlobalGroup(group) => (
                None,
                Some(format!("{}/{}", group.instance(), group.code())),
                None,
            ),
            Subject::LocalGroup(code) => (None, None, Some(code)),
        };
        let Right {
            service,
            method,
            path,
            purposes,
            ..
        } = right;
        Self {
            service,
            client,
            global_group,
            local_group,
            method,
            path,
            purposes,
        }
    }
}

fn global_group(text: &str) -> Result<GlobalGroupId, String> {
    let wrong = || format!("global_group '{text}' is not instance/code");
    let (instance, code) = text.split_once('/').ok_or_else(wrong)?;
    GlobalGroupId::new(instance, code).map_err(|_| wrong())
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            message_port: message_port(),
            ocsp_port: ocsp_port(),
            connect_timeout_seconds: connect_seconds(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            linger_milliseconds_max: linger_milliseconds(),
            content_memory_bytes_max: content_memory_bytes(),
            on_damage: OnDamage::default(),
            bodies: Bodies::default(),
            encryption_keys: Vec::new(),
        }
    }
}

const fn refresh_seconds() -> u64 {
    60
}

const fn message_port() -> u16 {
    5500
}

const fn ocsp_port() -> u16 {
    5577
}

const fn connect_seconds() -> u64 {
    30
}

const fn linger_milliseconds() -> u64 {
    1
}

const fn content_memory_bytes() -> usize {
    256 * 1024
}

const fn service_seconds() -> u64 {
    60
}

const fn yes() -> bool {
    true
}
