//! The transparency log towards others: served to whoever asks, cosigned by neighbours, and their
//! logs cosigned in turn.
//!
//! Nothing served here is secret: a leaf is a salted digest, everything else is signed. So it is
//! plain HTTP without authentication, bounded like every listener.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use certs_keys::{Ed25519Key, Pin};
use gateway_evidence::cosigning::{Cosigning, Grown, Post, State};
use gateway_evidence::witness::Witness;
use gateway_exchange::Node;
use gateway_messagelog::MessageLog;
use gateway_messagelog::tree::Tree;
use gateway_net::{Body, Client, Handler, Peer};
use gateway_proto::id::ServerId;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::Log;
use gateway_tlog::note::{Kind, Signature, Signer, Verifier};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::audit::KEYS;
use crate::config::evidence::Transparency;
use crate::config::{self, Loaded};
use crate::fetch;
use crate::service::Stop;

/// Who cosigns, and how it stands with each, for the health face.
pub(crate) type Standing = Arc<ArcSwap<Vec<(String, State)>>>;

/// The keys of a node's log.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Signs checkpoints.
    pub(crate) log: Signer,
    /// Cosigns those of others.
    pub(crate) witness: Signer,
}

/// Why the log cannot be made transparent.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    /// A key cannot be opened or made.
    Key {
        path: PathBuf,
        reason: String,
    },
    Witness(gateway_evidence::witness::Error),
}

impl Keys {
    /// Opens both keys; a missing one is made, under the PIN.
    pub(crate) fn open(config: &Loaded<config::node::Node>) -> Result<Self, Error> {
        let values = &config.values;
        let pin = config.pin(&values.token.pin_file).map_err(Error::Config)?;
        let name = origin(&values.server);
        Self::at(
            &config.path(&values.transparency.key),
            &config.path(&values.transparency.witness_key),
            &name,
            &pin,
        )
    }

    /// The same, by paths.
    pub(crate) fn at(log: &Path, witness: &Path, name: &str, pin: &Pin) -> Result<Self, Error> {
        let signer = |path: &Path, kind, name: &str| {
            let key = key(path, pin)?;
            Signer::new(kind, name, key).map_err(|error| Error::Key {
                path: path.to_owned(),
                reason: error.to_string(),
            })
        };
        Ok(Self {
            log: signer(log, Kind::Ed25519, name)?,
            witness: signer(witness, Kind::Cosignature, &witness_name(name))?,
        })
    }
}

/// The origin of a node's checkpoints, and the name of its key: the server's identifier, with what
/// names of keys cannot have written as in URLs.
pub(crate) fn origin(server: &ServerId) -> String {
    let owner = server.owner();
    let parts = [
        owner.instance(),
        owner.member_class(),
        owner.member_code(),
        server.code(),
    ];
    parts.map(escaped).join("/")
}

fn witness_name(origin: &str) -> String {
    format!("{origin}/witness")
}

fn escaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for letter in part.chars() {
        if letter.is_whitespace() || letter.is_control() || matches!(letter, '+' | '%' | '/') {
            let mut octets = [0; 4];
            for octet in letter.encode_utf8(&mut octets).bytes() {
                text.push_str(&format!("%{octet:02X}"));
            }
        } else {
            text.push(letter);
        }
    }
    text
}

fn key(path: &Path, pin: &Pin) -> Result<Ed25519Key, Error> {
    let unusable = |reason: String| Error::Key {
        path: path.to_owned(),
        reason,
    };
    match std::fs::read_to_string(path) {
        Ok(pem) => {
            Ed25519Key::from_encrypted_pem(&pem, pin).map_err(|error| unusable(error.to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = Ed25519Key::generate().map_err(|error| unusable(error.to_string()))?;
            let pem = key
                .to_encrypted_pem(pin)
                .map_err(|error| unusable(error.to_string()))?;
            if let Some(folder) = path.parent() {
                gateway_store::file::create_dir(folder)
                    .map_err(|error| unusable(error.to_string()))?;
            }
            gateway_store::file::replace_secret(path, pem.as_bytes())
                .map_err(|error| unusable(error.to_string()))?;
            tracing::info!(path = %path.display(), "made a key for the transparency log");
            Ok(key)
        }
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// Reads everything the section names without making anything.
pub(super) fn check(config: &Loaded<config::node::Node>) -> Result<(), Error> {
    let values = &config.values;
    witnesses(config, &values.transparency)?;
    witnessed(config, &values.transparency)?;
    let pin = config.pin(&values.token.pin_file).map_err(Error::Config)?;
    for path in [&values.transparency.key, &values.transparency.witness_key] {
        let path = config.path(path);
        if path.exists() {
            key(&path, &pin)?;
        }
    }
    Ok(())
}

/// Writes beside the log by which keys its checkpoints are verified, for an auditor of the folder.
pub(super) fn write_keys(config: &Loaded<config::node::Node>, log: &Verifier) -> Result<(), Error> {
    let witnesses = witnesses(config, &config.values.transparency)?;
    let keys = std::iter::once(log).chain(witnesses.iter().map(|(key, _)| key));
    let text: String = keys.map(|key| key.to_vkey() + "\n").collect();
    let data_dir = config.path(&config.values.data_dir);
    let path = data_dir.join("log").join(KEYS);
    let unusable = |reason: String| Error::Key {
        path: path.clone(),
        reason,
    };
    match std::fs::read(&path) {
        Ok(held) if held == text.as_bytes() => Ok(()),
        Ok(_) | Err(_) => gateway_store::file::replace(&path, text.as_bytes())
            .map_err(|error| unusable(error.to_string())),
    }
}

fn witnesses(
    config: &Loaded<config::node::Node>,
    section: &Transparency,
) -> Result<Vec<(Verifier, String)>, Error> {
    let mut found = Vec::with_capacity(section.witnesses.len());
    for witness in &section.witnesses {
        let key = verifier(config, "transparency.witness.key", &witness.key)?;
        if key.kind() != Kind::Cosignature {
            let reason = "this is the key of a log; a witness has one for cosignatures";
            return Err(Error::Config(
                config.value("transparency.witness.key", reason),
            ));
        }
        let usable = witness
            .url
            .parse::<http::Uri>()
            .is_ok_and(|url| url.authority().is_some());
        if !usable {
            let reason = format!("{} is no absolute URL", witness.url);
            return Err(Error::Config(
                config.value("transparency.witness.url", reason),
            ));
        }
        found.push((key, witness.url.clone()));
    }
    Ok(found)
}

fn witnessed(
    config: &Loaded<config::node::Node>,
    section: &Transparency,
) -> Result<Vec<Log>, Error> {
    // A log whose key is being exchanged is named with both.
    let mut keys: BTreeMap<String, Vec<Verifier>> = BTreeMap::new();
    for vkey in &section.witnessed {
        let key = verifier(config, "transparency.witnessed", vkey)?;
        keys.entry(key.name().to_owned()).or_default().push(key);
    }
    let logs = keys.into_iter().map(|(origin, keys)| {
        Log::new(&origin, keys)
            .map_err(|error| Error::Config(config.value("transparency.witnessed", error)))
    });
    logs.collect()
}

fn verifier(config: &Loaded<config::node::Node>, key: &str, vkey: &str) -> Result<Verifier, Error> {
    Verifier::from_vkey(vkey).map_err(|error| Error::Config(config.value(key, error)))
}

/// The face: the log, and the witness.
#[derive(Debug)]
pub(super) struct Face {
    log: MessageLog,
    witness: Arc<Witness>,
    node: Arc<Node>,
    /// Both verifier keys, one a line.
    keys: String,
    /// How many may read or write files at once: whoever asks leaves room for the exchanges.
    room: Semaphore,
}

impl Face {
    /// Opens the witness.
    pub(super) fn open(
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
        let body = match gateway_net::collect(body, Witness::request_bytes_max()).await {
            Ok(body) => body,
            Err(gateway_net::Error::BodyTooLarge { .. }) => {
                return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n");
            }
            Err(_) => return text(StatusCode::BAD_REQUEST, "the request broke off\n"),
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

/// Background task: has the log's checkpoints cosigned.
#[derive(Debug)]
pub(super) struct Cosigned {
    log: Arc<OfTree>,
    cosigning: Cosigning,
    post: Http,
    node: Arc<Node>,
    interval: Duration,
    standing: Standing,
}

impl Cosigned {
    pub(super) fn new(
        config: &Loaded<config::node::Node>,
        client: Client,
        node: Arc<Node>,
    ) -> Result<Self, Error> {
        let section = &config.values.transparency;
        Ok(Self {
            log: Arc::new(OfTree(node.log.clone())),
            cosigning: Cosigning::new(witnesses(config, section)?),
            post: Http(client),
            node,
            interval: Duration::from_secs(section.witness_seconds.max(1)),
            standing: Standing::default(),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        Arc::clone(&self.standing)
    }

    /// Asks again and again until told to stop.
    pub(super) async fn run(mut self, mut stop: Stop) {
        let log: Arc<dyn Grown> = Arc::<OfTree>::clone(&self.log);
        loop {
            let now = self.node.clock.now();
            tokio::select! {
                () = self.cosigning.once(&log, &self.post, now) => {}
                () = stop.clone().wait() => return,
            }
            let found = self.cosigning.witnesses();
            let found = found.map(|one| (one.name().to_owned(), one.state().clone()));
            self.standing.store(Arc::new(found.collect()));
            if !stop.sleep(self.interval).await {
                return;
            }
        }
    }
}

/// The tree of the log, as cosigning sees it.
#[derive(Debug)]
struct OfTree(MessageLog);

impl OfTree {
    fn tree(&self) -> Result<&Tree, String> {
        self.0
            .tree()
            .ok_or_else(|| "this log has no tree".to_owned())
    }
}

impl Grown for OfTree {
    fn checkpoint(&self) -> Option<Bytes> {
        self.0.tree().map(Tree::checkpoint)
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, String> {
        let proof = self.tree()?.consistency(old, new);
        proof.map_err(|error| error.to_string())
    }

    fn cosigned(&self, checkpoint: &Bytes, signatures: &[Signature]) -> Result<(), String> {
        let kept = self.tree()?.cosigned(checkpoint, signatures);
        kept.map(drop).map_err(|error| error.to_string())
    }
}

#[derive(Debug)]
struct Http(Client);

impl Post for Http {
    async fn post(&self, url: &str, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        fetch::post(
            &self.0,
            url,
            "text/plain; charset=utf-8",
            "text/plain",
            body,
            ANSWER_BYTES_MAX,
        )
        .await
        .map_err(|error| error.to_string())
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
            tracing::error!("the transparency log cannot be read: {}", chain(&error));
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

/// An error with all that caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Key { path, reason } => {
                write!(f, "key {} cannot be used: {reason}", path.display())
            }
            Self::Witness(error) => write!(f, "the witness cannot start: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => std::error::Error::source(error),
            Self::Witness(error) => std::error::Error::source(error),
            Self::Key { .. } => None,
        }
    }
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
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Mostly these are small files in the system's cache.
const AT_ONCE_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use gateway_proto::id::{MemberId, ServerId};

    use super::origin;

    #[test]
    fn the_origin_is_the_identifier_and_fit_for_a_key() {
        let owner = MemberId::new("AZ", "GOV", "0000000131").unwrap();
        let server = ServerId::new(owner.clone(), "din").unwrap();
        assert_eq!(origin(&server), "AZ/GOV/0000000131/din");
        let server = ServerId::new(owner, "a b+c").unwrap();
        assert_eq!(origin(&server), "AZ/GOV/0000000131/a%20b%2Bc");
    }
}
