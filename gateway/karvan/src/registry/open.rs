//! From the configuration to an opened registry: its store, its keys, and what its listeners may be.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use certs_keys::Pin;
use certs_x509::Certificate;
use gateway_net::ServerTls;
use gateway_policy::rules::ConsentService;
use gateway_registry::{Keys, Registry, Source, State};
use http::uri::Authority;

use super::Error;
use super::keys::{self, DeskKeys};
use crate::config::node::KeyPair;
use crate::config::registry as file;
use crate::config::{self, Loaded};

/// A registry with its keys, opened; it does not listen yet.
#[derive(Debug)]
pub(crate) struct Opened {
    /// State and audit trail.
    pub(crate) registry: Arc<Registry>,
    /// What signs the configuration.
    pub(crate) keys: Keys,
    /// Opens the keys of its listeners and of the desk.
    pub(crate) pin: Pin,
}

/// Opens state and keys; makes the keys when there are none.
pub(crate) fn open(config: &Loaded<file::Registry>) -> Result<Opened, Error> {
    let registry = Arc::new(open_store(config)?);
    let (data_dir, pin) = (data_dir(config), pin(config)?);
    let keys = Keys {
        internal: keys::signer(&data_dir, Source::Internal, &pin)?,
        external: keys::signer(&data_dir, Source::External, &pin)?,
    };
    Ok(Opened {
        registry,
        keys,
        pin,
    })
}

/// Opens the state alone.
pub(super) fn open_store(config: &Loaded<file::Registry>) -> Result<Registry, Error> {
    let data_dir = data_dir(config);
    gateway_store::file::create_dir(&data_dir).map_err(Error::Store)?;
    Registry::open(&data_dir.join("registry.redb")).map_err(Error::Registry)
}

/// Opens the keys of the consent desk; makes those that are not there.
pub(crate) fn desk_keys(
    config: &Loaded<file::Registry>,
    pin: &Pin,
    instance: &str,
) -> Result<DeskKeys, Error> {
    DeskKeys::open(&data_dir(config), pin, instance)
}

/// How nodes get to believe this registry's consent desk, and find its feed: what
/// `Command::SetConsentService` takes. The feed is at the host of the configuration.
pub(crate) fn consent_service(
    config: &Loaded<file::Registry>,
    state: &State,
    keys: &DeskKeys,
) -> Result<ConsentService, Error> {
    let Some((_, feed)) = desk(config)? else {
        return Err(refused(config, "desk", "there is none in the file"));
    };
    let address = match state.address.is_empty() {
        true => &config.values.address,
        false => &state.address,
    };
    let address: Authority = address
        .parse()
        .map_err(|error| refused(config, "address", error))?;
    let (host, port) = (address.host(), feed.listen.port());
    let url = format!("https://{host}:{port}{}", super::feed::PATH);
    Ok(keys.published(vec![url]))
}

/// The consent desk and its feed, if the file has them: both or neither.
pub(super) fn desk(
    config: &Loaded<file::Registry>,
) -> Result<Option<(&file::Desk, &file::Feed)>, Error> {
    let refuse = |key: &str, problem: &str| Err(refused(config, key, problem));
    match (&config.values.desk, &config.values.feed) {
        (None, None) => Ok(None),
        (Some(_), None) => refuse(
            "feed",
            "it is missing, and without it no node would hear of a consent taken back: add [feed] \
             with listen, an address that all nodes reach",
        ),
        (None, Some(_)) => refuse(
            "feed",
            "there is no consent desk whose feed it could be: add [desk], or take [feed] out",
        ),
        (Some(_), Some(feed)) if feed.listen.port() == 0 => {
            refuse("feed.listen", "nodes have to be told the port: name one")
        }
        (Some(_), Some(feed)) if feed.waiting_max == 0 => {
            refuse("feed.waiting_max", "it must be at least 1")
        }
        (Some(desk), Some(feed)) => Ok(Some((desk, feed))),
    }
}

/// Reads everything the file names, without making or opening anything.
pub(crate) fn check(config: &Loaded<file::Registry>) -> Result<(), Error> {
    let pin = pin(config)?;
    if let Some(admin) = &config.values.admin {
        admin_tls(config, admin, &pin)?;
    }
    if let Some((desk, _)) = desk(config)? {
        desk_tls(config, desk, &pin)?;
    }
    Ok(())
}

/// TLS of the admin API; none on loopback unless asked for.
pub(super) fn admin_tls(
    config: &Loaded<file::Registry>,
    admin: &file::Admin,
    pin: &Pin,
) -> Result<Option<ServerTls>, Error> {
    if admin.request_bytes_max == 0 {
        return Err(refused(
            config,
            "admin.request_bytes_max",
            "it must be at least 1",
        ));
    }
    let Some(pair) = tls_wanted(config, "admin", admin.listen, admin.tls.as_ref())? else {
        return Ok(None);
    };
    let identity = keys::identity(config, pair, pin)?;
    // Who calls is known by the key in the request.
    ServerTls::optional_client(identity)
        .map(Some)
        .map_err(Error::Net)
}

/// TLS of the consent desk: only the nodes in front get in.
pub(super) fn desk_tls(
    config: &Loaded<file::Registry>,
    desk: &file::Desk,
    pin: &Pin,
) -> Result<Option<ServerTls>, Error> {
    if let Some(member) = desk.supervisors.iter().find(|id| id.subsystem().is_none()) {
        let problem = format!("{} is no subsystem", member.to_rest());
        return Err(refused(config, "desk.supervisors", problem));
    }
    let Some(pair) = tls_wanted(config, "desk", desk.listen, desk.tls.as_ref())? else {
        return match desk.certificates.is_empty() {
            true => Ok(None),
            false => Err(refused(
                config,
                "desk.certificates",
                "these are compared in TLS only: set desk.tls, or take them out",
            )),
        };
    };
    if desk.certificates.is_empty() {
        return Err(refused(
            config,
            "desk.certificates",
            "whoever reached the desk could name any client as the caller: name the certificates \
             of the internal TLS of the nodes in front",
        ));
    }
    let nodes: Result<Vec<Certificate>, Error> = desk
        .certificates
        .iter()
        .map(|path| keys::certificate(&config.path(path)))
        .collect();
    let nodes = nodes?;
    let identity = keys::identity(config, pair, pin)?;
    let check = move |leaf: &Certificate| nodes.iter().any(|node| node.der() == leaf.der());
    ServerTls::mutual(identity, Arc::new(check))
        .map(Some)
        .map_err(Error::Net)
}

/// The key pair of a listener; one that others can reach must have one.
fn tls_wanted<'f>(
    config: &Loaded<file::Registry>,
    section: &str,
    listen: SocketAddr,
    tls: Option<&'f KeyPair>,
) -> Result<Option<&'f KeyPair>, Error> {
    match tls {
        None if !listen.ip().to_canonical().is_loopback() => Err(refused(
            config,
            &format!("{section}.listen"),
            format!(
                "{listen} is not a loopback address, and plain HTTP is for those only: listen on \
                 127.0.0.1, or set {section}.tls with key and certificate"
            ),
        )),
        given => Ok(given),
    }
}

pub(super) fn data_dir(config: &Loaded<file::Registry>) -> PathBuf {
    config.path(&config.values.data_dir)
}

/// The key with which this machine's command line asks the running registry.
pub(super) fn local_key(config: &Loaded<file::Registry>) -> PathBuf {
    data_dir(config).join("admin.key")
}

pub(super) fn pin(config: &Loaded<file::Registry>) -> Result<Pin, Error> {
    config.pin(&config.values.pin_file).map_err(Error::Config)
}

fn refused(config: &Loaded<file::Registry>, key: &str, problem: impl std::fmt::Display) -> Error {
    let error: config::Error = config.value(key, problem);
    Error::Config(error)
}
