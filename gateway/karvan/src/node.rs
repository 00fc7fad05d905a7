//! `karvan node`: one security server, wired.

mod archive;
mod configuration;
mod download;
mod feed;
mod health;
mod journal;
mod keys;
mod local;
mod log;
mod notices;
mod responses;
mod rotation;
mod rules;
#[cfg(test)]
mod sample;
mod stamping;
pub(crate) mod transparency;

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use certs_x509::Certificate;
use gateway_evidence::stamper::Stamper;
use gateway_exchange::basis::Consents;
use gateway_exchange::ocsp_port::OcspPort;
use gateway_exchange::{Clock, Consumer, Node, Provider, Settings};
use gateway_messagelog::MessageLog;
use gateway_net::{
    CertificateCheck, Client, ClientOptions, Identity, PeerClient, PeerOptions, ServerTls,
};

use crate::causes::with_causes;
use crate::config::{self, Loaded};
use crate::service::Running;
use crate::{clock, fetch};

/// A node that answers.
#[derive(Debug)]
pub(crate) struct RunningNode {
    /// Its tasks.
    pub(crate) running: Running,
    /// What the path sees; tests and the sandbox look into it.
    pub(crate) node: Arc<Node>,
    /// Asks for time stamps.
    pub(crate) stamper: Arc<Stamper<stamping::HttpAsk>>,
    /// The way to other nodes.
    pub(crate) peers: PeerClient,
}

/// Why a node did not start.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    Keys(keys::Error),
    Store(gateway_store::Error),
    Log(gateway_messagelog::Error),
    Net(gateway_net::Error),
    Configuration(configuration::Error),
    Transparency(transparency::Error),
    Journal(journal::Error),
}

/// Starts a node: opens its log, reads its keys, takes the last verified configuration from disk, asks the registry for
/// a newer one and the responders for fresh answers, and listens.
pub(crate) async fn start(config: &Loaded<config::node::Node>) -> Result<RunningNode, Error> {
    let values = &config.values;
    let data_dir = config.path(&values.data_dir);
    gateway_store::file::create_dir(&data_dir).map_err(Error::Store)?;
    // Read once: what it makes of the salt of the keys takes as long for all of them as for one.
    let pin = config.pin(&values.token.pin_file).map_err(Error::Config)?;
    let transparency::Keys {
        log: signer,
        witness,
    } = transparency::Keys::open(config, &pin).map_err(Error::Transparency)?;
    let verifier = signer.verifier().clone();
    let mut options = log::options(config).map_err(Error::Config)?;
    if values.transparency.enabled {
        let former = transparency::former(config).map_err(Error::Transparency)?;
        options.tree = Some(log::tree(config, signer, former));
    }
    let log = MessageLog::open(&data_dir.join("log"), options).map_err(Error::Log)?;
    if log.tree().is_some() {
        transparency::write_keys(config, &verifier).map_err(Error::Transparency)?;
    }
    let clock: Arc<dyn Clock> = Arc::new(clock::SystemClock);
    let token = keys::Token::read(config, &pin).map_err(Error::Keys)?;
    let local = local::from_config(config).map_err(Error::Config)?;

    let opened = journal::open(config, &pin, clock.as_ref()).map_err(Error::Journal)?;
    drop(pin);
    let node = Arc::new(Node {
        local: ArcSwap::from_pointee(local),
        conf: ArcSwapOption::empty(),
        keys: ArcSwap::default(),
        log,
        feed: RwLock::default(),
        journal: opened.journal.clone(),
        consents: Consents::default(),
        clock,
        settings: settings(config).map_err(Error::Config)?,
    });
    let following = journal::Following::new(values, Arc::clone(&node), opened);
    let mut following = following.map_err(Error::Journal)?;
    let progress = following.progress();
    let identity = token.identity(&[], None);
    let mutual = ServerTls::mutual(identity.clone(), registered(&node)).map_err(Error::Net)?;
    let feed_client = fetch::presenting(Some(identity.clone())).map_err(Error::Net)?;
    let peers = PeerClient::new(identity, peer_options(values)).map_err(Error::Net)?;
    let internal = token.internal_identity();
    let services = Client::new(ClientOptions {
        identity: internal.clone(),
        ..Default::default()
    })
    .map_err(Error::Net)?;

    let mut running = Running::new();
    let http = fetch::client().map_err(Error::Net)?;
    let mut configuration = configuration::Refresh::new(config, Arc::clone(&node), http.clone())
        .map_err(Error::Configuration)?;
    let identities = keys::Identities {
        mutual: mutual.clone(),
        peers: peers.clone(),
        feed: feed_client.clone(),
    };
    let mut responses = responses::Refresh::new(
        &data_dir,
        token,
        Arc::clone(&node),
        http.clone(),
        identities,
    )
    .map_err(Error::Store)?;
    configuration.first().await;
    responses.first().await;
    let feed = feed::Feed::new(&data_dir, Arc::clone(&node), feed_client);
    let feed_standing = feed.standing();
    running.spawn(feed.run(configuration.changed(), running.stop_signal()));
    let changed = configuration.changed();
    running.spawn(configuration.run(running.stop_signal()));
    running.spawn(responses.run(changed, running.stop_signal()));
    let stamping = stamping::Stamping::new(&values.timestamping, Arc::clone(&node));
    let stamping = stamping.map_err(Error::Net)?;
    let stamper = stamping.stamper();
    running.spawn(stamping.run(running.stop_signal()));
    running.spawn(rotation::run(
        node.log.clone(),
        Arc::clone(&node.clock),
        running.stop_signal(),
    ));

    let (log, stop) = (node.log.clone(), running.stop_signal());
    running.spawn(async move {
        stop.wait().await;
        log.end_soon();
    });

    let mut archives = archive::options(config).map_err(Error::Config)?;
    archives.followed = Some(progress.shared());
    let envelopes = archive::envelopes(&archives);
    let archiving = archive::Archiving::new(values, archives, Arc::clone(&node));
    let archive = archiving.watch();
    running.spawn(archiving.run(running.stop_signal()));

    let cosigned = transparency::Cosigned::new(config, http.clone(), Arc::clone(&node))
        .map_err(Error::Transparency)?;
    let witnesses = cosigned.standing();
    running.spawn(cosigned.run(running.stop_signal()));

    // What was used up is known before anything is asked.
    following.catch_up().await.map_err(Error::Journal)?;
    running.spawn(following.run(running.stop_signal()));
    let notices = notices::Notices::new(Arc::clone(&node), peers.clone(), Arc::clone(&progress));
    running.spawn(notices.run(running.stop_signal()));

    let limits = listener_limits(values);
    let services = journal::Services::new(Arc::clone(&node), Arc::clone(&progress), services);
    let messages = Provider::new(Arc::clone(&node), services);
    let listen = &values.listen;
    running
        .listen(listen.messages, Some(mutual), limits.clone(), messages)
        .await
        .map_err(Error::Net)?;
    let ocsp = OcspPort::new(Arc::clone(&node));
    running
        .listen(listen.ocsp, None, limits.clone(), ocsp)
        .await
        .map_err(Error::Net)?;
    let downloads = Arc::new(download::Downloads::new(
        Arc::clone(&node),
        Arc::clone(&stamper),
        data_dir.join("globalconf"),
        envelopes,
    ));
    let clients = || {
        let consumer = Consumer::new(Arc::clone(&node), peers.clone());
        download::Front::new(Arc::clone(&downloads), consumer)
    };
    if let Some(address) = listen.clients_http {
        let bound = running
            .listen(address, None, limits.clone(), clients())
            .await;
        bound.map_err(Error::Net)?;
    }
    if let (Some(address), Some(identity)) = (listen.clients_https, internal) {
        let tls = ServerTls::optional_client(identity).map_err(Error::Net)?;
        running
            .listen(address, Some(tls), limits.clone(), clients())
            .await
            .map_err(Error::Net)?;
    }
    if let Some(address) = listen.transparency {
        let face = transparency::Face::open(config, &verifier, witness, Arc::clone(&node))
            .map_err(Error::Transparency)?;
        running
            .listen(address, None, limits.clone(), face)
            .await
            .map_err(Error::Net)?;
    }
    if let Some(address) = listen.health {
        let health = health::Health::new(
            Arc::clone(&node),
            Arc::clone(&stamper),
            witnesses,
            archive,
            feed_standing,
            progress,
        );
        running
            .listen(address, None, limits, health)
            .await
            .map_err(Error::Net)?;
    }
    tracing::info!(server = %values.server, messages = %listen.messages, "node is listening");
    Ok(RunningNode {
        running,
        node,
        stamper,
        peers,
    })
}

/// Reads everything the configuration names, without listening.
pub(crate) fn check(config: &Loaded<config::node::Node>) -> Result<(), Error> {
    let pin_file = &config.values.token.pin_file;
    let pin = config.pin(pin_file).map_err(Error::Config)?;
    keys::Token::read(config, &pin).map_err(Error::Keys)?;
    local::from_config(config).map_err(Error::Config)?;
    log::options(config).map_err(Error::Config)?;
    settings(config).map_err(Error::Config)?;
    configuration::anchor(config).map_err(Error::Configuration)?;
    transparency::check(config, &pin).map_err(Error::Transparency)?;
    archive::check(config, clock::SystemClock.now()).map_err(Error::Config)?;
    journal::check(config).map_err(Error::Journal)?;
    Ok(())
}

/// The handshake lets in whoever is registered; the rest is judged with the message.
fn registered(node: &Arc<Node>) -> CertificateCheck {
    let node = Arc::clone(node);
    Arc::new(move |leaf: &Certificate| {
        node.conf
            .load()
            .as_ref()
            .is_some_and(|conf| conf.snapshot.server_by_auth_certificate(leaf).is_some())
    })
}

fn settings(config: &Loaded<config::node::Node>) -> Result<Settings, config::Error> {
    let values = &config.values;
    let mut limits = gateway_proto::Limits::default();
    if let Some(bytes) = values.limits.soap_bytes_max {
        limits.soap_bytes_max = bytes;
    }
    if let Some(bytes) = values.limits.content_bytes_max {
        limits.content_bytes_max = bytes;
    }
    Ok(Settings {
        limits,
        message_port: values.peers.message_port,
        ocsp_port: values.peers.ocsp_port,
        registry_grace_seconds_max: values.registry.grace_seconds_max,
        timestamp_lag_seconds_max: values.timestamping.lag_seconds_max,
        timestamp_interval_seconds: values.timestamping.interval_seconds,
        body_logging: log::bodies(config)?,
        verify_client_certificate: true,
    })
}

fn peer_options(values: &config::node::Node) -> PeerOptions {
    PeerOptions {
        connect_timeout: Duration::from_secs(values.peers.connect_timeout_seconds),
        ..PeerOptions::default()
    }
}

fn listener_limits(values: &config::node::Node) -> gateway_net::Limits {
    let mut limits = gateway_net::Limits::default();
    if let Some(count) = values.limits.connections_max {
        limits.connections_max = count;
    }
    if let Some(count) = values.limits.connections_per_address_max {
        limits.connections_per_ip_max = count;
    }
    limits
}

/// The identity of a TLS key pair.
fn identity(key: Arc<dyn certs_keys::SigningKey>, chain: Vec<Certificate>) -> Identity {
    Identity {
        key,
        chain,
        ocsp_staple: None,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Keys(error) => write!(f, "{error}"),
            Self::Store(error) => write!(f, "{error}"),
            Self::Log(error) => match log::advice(error) {
                None => write!(f, "the message log cannot be opened: {error}"),
                // What to do comes last, behind all that caused it.
                Some(advice) => {
                    let reason = with_causes(error);
                    write!(f, "the message log cannot be opened: {reason}; {advice}")
                }
            },
            Self::Net(error) => write!(f, "{error}"),
            Self::Configuration(error) => write!(f, "{error}"),
            Self::Transparency(error) => write!(f, "{error}"),
            Self::Journal(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => std::error::Error::source(error),
            Self::Keys(error) => std::error::Error::source(error),
            Self::Store(error) => std::error::Error::source(error),
            Self::Log(error) => match log::advice(error) {
                None => std::error::Error::source(error),
                Some(_) => None,
            },
            Self::Net(error) => std::error::Error::source(error),
            Self::Configuration(error) => std::error::Error::source(error),
            Self::Transparency(error) => std::error::Error::source(error),
            Self::Journal(error) => std::error::Error::source(error),
        }
    }
}
