//! `karvan registry`: the central registry. It publishes the signed global configuration, serves the
//! consent desk and its feed, and is administered through one door, its admin API.
//!
//! | listener | who comes | what is there |
//! |---|---|---|
//! | public (`face`) | nodes | the configuration; signed, so plain HTTP |
//! | feed (`feed`) | registered nodes, over TLS | what became of consents and cases; signed too |
//! | desk (`desk`) | the node in front | requests for consent, cases, notices |
//! | admin (`admin`) | administrators, scripts, `cli` | members, systems, services, rules, keys, trail |
//!
//! `open` makes it of the configuration, `keys` holds its keys at rest, `publish` publishes.

mod admin;
mod cli;
mod desk;
mod face;
mod feed;
mod keys;
mod open;
mod publish;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certs_keys::Pin;
use gateway_consent::Desk;
use gateway_net::{Limits, ServerTls};
use gateway_policy::rules::ConsentService;
use gateway_registry::Registry;
use tokio::sync::Notify;

use self::admin::{Admin, LocalKey};
pub(crate) use self::cli::{Options, ask};
use self::feed::Feed;
pub(crate) use self::open::{Opened, check, consent_service, desk_keys, open};
use self::publish::Publishing;
use crate::config::registry as file;
use crate::config::{self, Loaded};
use crate::service::Running;

/// Why the registry did not start, or was not reached.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    Store(gateway_store::Error),
    Registry(gateway_registry::Error),
    Desk(gateway_consent::Error),
    Key {
        path: PathBuf,
        reason: String,
    },
    Net(gateway_net::Error),
    /// The command line was not used as it can be.
    Use(String),
    /// A file cannot be read or written.
    File {
        path: PathBuf,
        reason: String,
    },
    /// The running registry could not be asked.
    Unreached {
        reason: String,
    },
    /// What was asked for cannot be printed.
    Output(std::io::Error),
}

/// Publishes, listens, and publishes again and again. Gives where it publishes; by then all its
/// listeners stand.
pub(crate) async fn start(
    config: &Loaded<file::Registry>,
    opened: Opened,
) -> Result<(Running, SocketAddr), Error> {
    let Opened {
        registry,
        keys,
        pin,
    } = opened;
    let changed = Arc::new(Notify::new());
    let publishing =
        Publishing::begin(Arc::clone(&registry), Arc::new(keys), Arc::clone(&changed))?;
    let mut running = Running::new();
    let consent = match open::desk(config)? {
        Some(sections) => Some(start_desk(config, &pin, sections, &registry, &mut running).await?),
        None => None,
    };
    if let Some(section) = &config.values.admin {
        let admin = Admin {
            registry,
            changed,
            has_desk: consent.is_some(),
            consent,
        };
        start_admin(config, &pin, section, admin, &mut running).await?;
    }
    let face = face::Face {
        publisher: publishing.publisher(),
    };
    let bound = running
        .listen(config.values.listen, None, Limits::default(), face)
        .await
        .map_err(Error::Net)?;
    let interval = Duration::from_secs(config.values.publish_seconds.max(1));
    let stop = running.stop_signal();
    running.spawn(publishing.run(interval, stop));
    tracing::info!(%bound, "registry is listening");
    Ok((running, bound))
}

async fn start_desk(
    config: &Loaded<file::Registry>,
    pin: &Pin,
    (section, feed_section): (&file::Desk, &file::Feed),
    registry: &Arc<Registry>,
    running: &mut Running,
) -> Result<ConsentService, Error> {
    let tls = open::desk_tls(config, section, pin)?;
    let state = registry.state();
    let keys = desk_keys(config, pin, &state.instance)?;
    let consent = consent_service(config, &state, &keys)?;
    if let Some(problem) = desk::disbelieved(&state, &consent) {
        tracing::error!("{problem}");
    }
    let path = open::data_dir(config).join("desk.redb");
    let (keys, identity) = keys.into_keys();
    let desk = Desk::open(&path, keys, &state.instance).map_err(Error::Desk)?;
    let desk = Arc::new(desk);
    let feed = Feed::new(
        Arc::clone(&desk),
        feed_section.waiting_max,
        running.stop_signal(),
    );
    let feed = Arc::new(feed);
    let office = desk::Office::new(
        Arc::clone(&desk),
        Arc::clone(registry),
        section.supervisors.clone(),
    );
    let reached = match tls {
        Some(_) => desk::Reached::OverTls,
        None => desk::Reached::OnLoopback,
    };
    let face = desk::Face::new(Arc::new(office), Arc::clone(&feed), reached);
    let listened = running.listen(section.listen, tls, Limits::default(), face);
    let bound = listened.await.map_err(Error::Net)?;
    let stop = running.stop_signal();
    running.spawn(desk::housekeeping(
        desk,
        Arc::clone(&feed),
        section.retention_days,
        stop,
    ));
    tracing::info!(%bound, "consent desk is listening");
    let tls = ServerTls::mutual(identity, feed::registered(registry)).map_err(Error::Net)?;
    let face = feed::Face::new(feed, Arc::clone(registry));
    let listened = running.listen(feed_section.listen, Some(tls), Limits::default(), face);
    let bound = listened.await.map_err(Error::Net)?;
    tracing::info!(%bound, "feed is listening");
    Ok(consent)
}

async fn start_admin(
    config: &Loaded<file::Registry>,
    pin: &Pin,
    section: &file::Admin,
    admin: Admin,
    running: &mut Running,
) -> Result<(), Error> {
    let tls = open::admin_tls(config, section, pin)?;
    let local = LocalKey::make(&open::local_key(config))?;
    let face = admin::Face::new(Arc::new(admin), local, section.request_bytes_max);
    let listened = running.listen(section.listen, tls, Limits::default(), face);
    let bound = listened.await.map_err(Error::Net)?;
    tracing::info!(%bound, "admin API is listening");
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Store(error) => write!(f, "{error}"),
            Self::Registry(error) => write!(f, "{error}"),
            Self::Desk(error) => write!(f, "{error}"),
            Self::Key { path, reason } => {
                write!(f, "key {} cannot be used: {reason}", path.display())
            }
            Self::Net(error) => write!(f, "{error}"),
            Self::Use(what) => f.write_str(what),
            Self::File { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Unreached { reason } => {
                write!(f, "the running registry could not be asked: {reason}")
            }
            Self::Output(_) => f.write_str("the answer cannot be printed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_)
            | Self::Key { .. }
            | Self::Use(_)
            | Self::File { .. }
            | Self::Unreached { .. } => None,
            Self::Store(error) => std::error::Error::source(error),
            Self::Registry(error) => std::error::Error::source(error),
            Self::Desk(error) => std::error::Error::source(error),
            Self::Net(error) => std::error::Error::source(error),
            Self::Output(error) => Some(error),
        }
    }
}
