//! A country for one machine: members, nodes, clients, services and rights, as data; founded in a
//! folder and started from it.

mod declared;
pub(crate) mod found;
pub(crate) mod place;

use std::sync::PoisonError;
use std::time::Duration;

use crate::config::{self, Loaded};
use crate::node::{self, RunningNode};
use crate::service::Running;
use crate::{adapter, certs, registry};

use self::place::Place;

/// In place of an adapter: the consent desk of the registry answers.
pub(crate) const DESK: &str = "@desk";
/// Instance of every identifier.
pub(crate) const INSTANCE: &str = "AZ";

/// Everything there is in a country.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Code and description.
    pub(crate) member_classes: &'static [(&'static str, &'static str)],
    pub(crate) members: &'static [Member],
    /// Global groups with their members, `class/code/subsystem`.
    pub(crate) groups: &'static [(&'static str, &'static [&'static str])],
    pub(crate) nodes: &'static [NodePlan],
    pub(crate) adapters: &'static [AdapterPlan],
    /// What the registry declares beyond the protocol, as JSON; without it there are no rules.
    pub(crate) rules: Option<&'static str>,
    /// Who may ask the journals of all nodes, `class/code/subsystem`.
    pub(crate) portals: &'static [&'static str],
    /// Who may read and review notices of break-glass uses, `class/code/subsystem`.
    pub(crate) supervisors: &'static [&'static str],
}

/// A member with its class.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) class: &'static str,
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
}

/// A security server and the clients on it.
#[derive(Debug)]
pub(crate) struct NodePlan {
    /// Folder and server code.
    pub(crate) name: &'static str,
    /// `class/code` of the owner.
    pub(crate) owner: &'static str,
    /// What it is, for people.
    pub(crate) title: &'static str,
    pub(crate) clients: &'static [ClientPlan],
}

/// A subsystem on a node.
#[derive(Debug)]
pub(crate) struct ClientPlan {
    /// `class/code/subsystem`.
    pub(crate) id: &'static str,
    pub(crate) services: &'static [ServicePlan],
    pub(crate) rights: &'static [RightPlan],
}

/// A service of a subsystem, answered by one of the adapters.
#[derive(Debug)]
pub(crate) struct ServicePlan {
    pub(crate) code: &'static str,
    /// SOAP services have a version, REST services a path on the adapter.
    pub(crate) kind: Kind,
    /// The adapter that answers, or [`DESK`]; a service without one answers on the first adapter port.
    pub(crate) adapter: &'static str,
}

/// The protocol of a service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Soap { version: &'static str },
    Rest { path: &'static str },
}

/// Who may call what.
#[derive(Debug)]
pub(crate) struct RightPlan {
    pub(crate) service: &'static str,
    /// `class/code/subsystem`, or a global group after `@`.
    pub(crate) subject: &'static str,
    /// REST only: method and path.
    pub(crate) endpoint: Option<(&'static str, &'static str)>,
}

/// An adapter: its description and the schema it is created with.
#[derive(Debug)]
pub(crate) struct AdapterPlan {
    pub(crate) name: &'static str,
    pub(crate) toml: &'static str,
    /// Name and text of the SQL file.
    pub(crate) sql: (&'static str, &'static str),
}

/// A country that runs.
#[derive(Debug)]
pub(crate) struct Country {
    registry: Running,
    certs: Running,
    adapters: Vec<Running>,
    pub(crate) nodes: Vec<RunningNode>,
}

/// Why a country does not run.
#[derive(Debug)]
pub(crate) enum Error {
    Found(found::Error),
    Interrupted,
    Config(config::Error),
    Registry(registry::Error),
    Certs(certs::Error),
    Adapter {
        name: &'static str,
        source: adapter::Error,
    },
    Node {
        name: &'static str,
        source: node::Error,
    },
}

/// Founds the country in its place, away from the executor: making keys takes a while.
pub(crate) async fn found(place: &Place, keys: certs_keys::KeyKind) -> Result<(), Error> {
    let place = place.clone();
    let founded = tokio::task::spawn_blocking(move || found::found(&place, keys)).await;
    founded
        .map_err(|_| Error::Interrupted)?
        .map_err(Error::Found)
}

/// Starts what nodes need: authority, registry, adapters.
pub(crate) async fn start_surroundings(place: &Place) -> Result<Country, Error> {
    let config = Loaded::read(&place.certs_folder().join("certs.toml")).map_err(Error::Config)?;
    let (certs, _) = certs::start(&config).await.map_err(Error::Certs)?;
    let config =
        Loaded::read(&place.registry_folder().join("registry.toml")).map_err(Error::Config)?;
    let opened = registry::open(&config).map_err(Error::Registry)?;
    let (registry, _) = registry::start(&config, opened)
        .await
        .map_err(Error::Registry)?;
    let mut adapters = Vec::new();
    for plan in place.plan().adapters {
        let path = place.adapters_folder().join(format!("{}.toml", plan.name));
        let started = adapter::start(&path).await;
        let (running, _) = started.map_err(|source| Error::Adapter {
            name: plan.name,
            source,
        })?;
        adapters.push(running);
    }
    Ok(Country {
        registry,
        certs,
        adapters,
        nodes: Vec::new(),
    })
}

/// Starts everything in order: who is needed first, first. No node needs another one to start.
pub(crate) async fn start(place: &Place) -> Result<Country, Error> {
    let mut country = start_surroundings(place).await?;
    let mut starting = Vec::new();
    for plan in place.plan().nodes {
        let config = Loaded::read(&place.node_config(plan.name)).map_err(Error::Config)?;
        let node = tokio::spawn(async move { node::start(&config).await });
        starting.push((plan.name, node));
    }
    for (name, node) in starting {
        let started = node.await.map_err(|_| Error::Interrupted)?;
        let node = started.map_err(|source| Error::Node { name, source })?;
        country.nodes.push(node);
    }
    if place.plan().rules.is_some() {
        heard_the_feed(&country.nodes).await;
    }
    Ok(country)
}

/// Waits until every node has heard the feed: before that it refuses what rests on a consent or a case.
async fn heard_the_feed(nodes: &[RunningNode]) {
    let has_heard = |node: &RunningNode| {
        let feed = node.node.feed.read();
        let feed = feed.unwrap_or_else(PoisonError::into_inner);
        feed.as_of().is_some()
    };
    for _ in 0..TRIES {
        if nodes.iter().all(has_heard) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!("not every node has heard the feed of the consent desk");
}

impl Country {
    /// Stops all services, nodes first.
    pub(crate) async fn stop(self) {
        for node in self.nodes {
            node.running.stop().await;
        }
        for adapter in self.adapters {
            adapter.stop().await;
        }
        self.registry.stop().await;
        self.certs.stop().await;
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found(error) => write!(f, "{error}"),
            Self::Interrupted => f.write_str("founding the country was interrupted"),
            Self::Config(error) => write!(f, "{error}"),
            Self::Registry(error) => write!(f, "registry: {error}"),
            Self::Certs(error) => write!(f, "authority: {error}"),
            Self::Adapter { name, source } => write!(f, "adapter {name}: {source}"),
            Self::Node { name, source } => write!(f, "node {name}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Interrupted | Self::Config(_) => None,
            Self::Found(error) => std::error::Error::source(error),
            Self::Registry(error) => std::error::Error::source(error),
            Self::Certs(error) => std::error::Error::source(error),
            Self::Adapter { source, .. } => std::error::Error::source(source),
            Self::Node { source, .. } => std::error::Error::source(source),
        }
    }
}

/// Ten seconds: a feed that could not be reached is asked again after a quarter of one.
const TRIES: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(10);
