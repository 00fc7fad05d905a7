//! `karvan bench`: what the road carries, beside what its parts would allow, in one run.
//!
//! Two nodes in processes of their own, a service, and the clients, all on this machine. The bound of
//! a case is what the machine could do if an exchange were nothing but its signatures, verifications,
//! digests, TLS and HTTP round trips and durable records, each measured alone just before. It counts
//! a signature for each message: a ratio above 1 says that messages shared signatures under load.
//!
//! `karvan bench evidence` measures what is made of the log: see `evidence`. `karvan bench consent`
//! measures what rules, consents and the journal cost: see `consent`.

mod case;
mod consent;
mod evidence;
mod load;
mod measure;
mod parts;
mod plan;
mod report;
mod service;
mod sheet;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use certs_keys::KeyKind;
use clap::{Args, Subcommand};
use gateway_net::Client;

use self::case::Case;
use self::load::Load;
use self::report::Figures;
use crate::config::{self, Loaded};
use crate::country::place::{self, Place};
use crate::country::{self, Country, Plan};
use crate::service::Running;

/// What the user asked for.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run one case, e.g. rest-2k-p256, soap-100k-rsa2048.
    #[arg(long, value_name = "NAME")]
    case: Option<Case>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// Requests under way at a time, under load.
    #[arg(long, value_name = "N", default_value_t = 48)]
    clients: usize,
    /// How long each measurement under load takes. Seconds.
    #[arg(long, value_name = "S", default_value_t = 5)]
    seconds: u64,
    /// Put the same load on another security server: the URL of a request.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// With --url: a header of each request, `Name: value`; may be repeated.
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// With --url: the file sent as body; POST if given, GET if not.
    #[arg(long, value_name = "FILE")]
    body: Option<std::path::PathBuf>,
}

/// Another bench.
#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// What the log carries, and what its evidence costs: time stamps, tree, documents, proofs.
    Evidence(evidence::Options),
    /// What rules, consents and the journal cost: the check, exchanges, revocation, desk, journal.
    Consent(consent::Options),
}

/// Why nothing was measured.
#[derive(Debug)]
pub(crate) enum Error {
    Io {
        what: &'static str,
        source: std::io::Error,
    },
    NoPorts,
    /// The configuration of a node cannot be changed.
    Config(config::Error),
    Country(Box<country::Error>),
    Net(gateway_net::Error),
    /// A node did not come up.
    NotReady {
        node: &'static str,
    },
    /// A part cannot be measured.
    Part(String),
    /// The load was not answered as it should be.
    Load(String),
    Output(std::io::Error),
}

/// Runs the cases asked for and prints their figures.
pub(crate) async fn run(options: Options) -> Result<bool, Error> {
    match options.command {
        Some(Command::Evidence(options)) => {
            evidence::run(options).await?;
            return Ok(true);
        }
        Some(Command::Consent(options)) => {
            consent::run(options).await?;
            return Ok(true);
        }
        None => {}
    }
    if let Some(url) = &options.url {
        let figures = other_server(url, &options).await?;
        report::print_other(&figures, options.json).map_err(Error::Output)?;
        return Ok(true);
    }
    let cases = options.case.map_or_else(Case::all, |case| vec![case]);
    let mut all = Vec::with_capacity(cases.len());
    if !options.json {
        report::print_head().map_err(Error::Output)?;
    }
    for key in [KeyKind::P256, KeyKind::Rsa2048] {
        let of_key: Vec<Case> = cases
            .iter()
            .copied()
            .filter(|case| case.key == key)
            .collect();
        if of_key.is_empty() {
            continue;
        }
        let town = Town::start(key).await?;
        for case in of_key {
            let figures = measure(&town, case, &options).await?;
            if !options.json {
                report::print_line(&figures).map_err(Error::Output)?;
            }
            all.push(figures);
        }
        town.stop().await;
    }
    if options.json {
        report::print_json(&all).map_err(Error::Output)?;
    }
    Ok(true)
}

/// Two nodes in processes of their own, and what they need in this one.
struct Town {
    place: Place,
    country: Country,
    service: Running,
    consumer: tokio::process::Child,
    provider: tokio::process::Child,
    folder: tempfile::TempDir,
}

impl Town {
    async fn start(key: KeyKind) -> Result<Self, Error> {
        Self::start_as(&plan::COUNTRY, key, None).await
    }

    /// Of this plan, with the configuration of both nodes changed before they start.
    async fn start_as(
        plan: &'static Plan,
        key: KeyKind,
        change: Option<fn(&mut config::node::Node)>,
    ) -> Result<Self, Error> {
        Self::start_in(&std::env::temp_dir(), plan, key, change).await
    }

    /// The same in a folder below this one.
    async fn start_in(
        base: &Path,
        plan: &'static Plan,
        key: KeyKind,
        change: Option<fn(&mut config::node::Node)>,
    ) -> Result<Self, Error> {
        let folder = folder_in(base)?;
        let base_port = place::free_base_port(plan).ok_or(Error::NoPorts)?;
        let place = Place::new(plan, folder.path(), base_port);
        country::found(&place, key)
            .await
            .map_err(|error| Error::Country(Box::new(error)))?;
        if let Some(change) = change {
            for node in place.plan().nodes {
                reconfigure(&place.node_config(node.name), change)?;
            }
        }
        let country = country::start_surroundings(&place)
            .await
            .map_err(|error| Error::Country(Box::new(error)))?;
        let mut service = Running::new();
        let limits = gateway_net::Limits::default();
        let address = place.adapter("service");
        service
            .listen(address, None, limits, service::Echo)
            .await
            .map_err(Error::Net)?;
        let provider = spawn(&place.node_config("provider"))?;
        let consumer = spawn(&place.node_config("consumer"))?;
        let town = Self {
            place,
            country,
            service,
            consumer,
            provider,
            folder,
        };
        town.ready("provider").await?;
        town.ready("consumer").await?;
        Ok(town)
    }

    async fn ready(&self, node: &'static str) -> Result<(), Error> {
        let http = crate::fetch::client().map_err(Error::Net)?;
        let url = format!(
            "http://{}/readyz",
            self.place.health(self.place.node_index(node))
        );
        for _ in 0..READY_TRIES {
            if let Ok((200, _)) = crate::fetch::get(&http, &url, 4096).await {
                return Ok(());
            }
            tokio::time::sleep(READY_PAUSE).await;
        }
        Err(Error::NotReady { node })
    }

    async fn stop(self) {
        drop(self.stop_and_keep().await);
    }

    /// Ends it and gives its folder.
    async fn stop_and_keep(mut self) -> tempfile::TempDir {
        // The processes hold nothing worth keeping.
        let _gone = self.consumer.kill().await;
        let _gone = self.provider.kill().await;
        self.service.stop().await;
        self.country.stop().await;
        self.folder
    }
}

/// A folder for what is measured, gone when it is dropped.
fn folder() -> Result<tempfile::TempDir, Error> {
    folder_in(&std::env::temp_dir())
}

fn folder_in(base: &Path) -> Result<tempfile::TempDir, Error> {
    let made = tempfile::Builder::new()
        .prefix("karvan-bench-")
        .tempdir_in(base);
    made.map_err(|source| Error::Io {
        what: "making a temporary folder",
        source,
    })
}

fn reconfigure(path: &Path, change: fn(&mut config::node::Node)) -> Result<(), Error> {
    let mut config: Loaded<config::node::Node> = Loaded::read(path).map_err(Error::Config)?;
    change(&mut config.values);
    let text = toml::to_string_pretty(&config.values)
        .map_err(|error| Error::Config(config.value("(all)", error)))?;
    std::fs::write(path, text).map_err(|source| Error::Io {
        what: "changing the configuration of a node",
        source,
    })
}

fn spawn(config: &Path) -> Result<tokio::process::Child, Error> {
    let what = "starting a node process";
    let program = std::env::current_exe().map_err(|source| Error::Io { what, source })?;
    tokio::process::Command::new(program)
        .arg("node")
        .arg("--config")
        .arg(config)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::Io { what, source })
}

async fn measure(town: &Town, case: Case, options: &Options) -> Result<Figures, Error> {
    let bound = parts::bound(case).await?;
    let node = town.place.clients_http(town.place.node_index("consumer"));
    let load = case.load(node);
    // The first requests open connections and fill caches; they are not counted.
    load.run(4, Duration::from_millis(500)).await?;
    let idle = load.run(1, IDLE_TIME).await?;
    let busy = load
        .run(
            options.clients.max(1),
            Duration::from_secs(options.seconds.max(1)),
        )
        .await?;
    Ok(Figures {
        case,
        bound,
        idle,
        busy,
        rss_consumer_mb: report::rss_mb(town.consumer.id()),
        rss_provider_mb: report::rss_mb(town.provider.id()),
    })
}

async fn other_server(url: &str, options: &Options) -> Result<load::Outcome, Error> {
    let body = match &options.body {
        Some(path) => Some(std::fs::read(path).map_err(|source| Error::Io {
            what: "reading the body",
            source,
        })?),
        None => None,
    };
    let load = Load::of_url(url, &options.header, body)?;
    load.run(
        options.clients.max(1),
        Duration::from_secs(options.seconds.max(1)),
    )
    .await
}

/// A client that keeps its connections.
fn client(connections: usize) -> Result<Client, Error> {
    Client::new(gateway_net::ClientOptions {
        idle_per_host_max: connections,
        ..gateway_net::ClientOptions::default()
    })
    .map_err(Error::Net)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::NoPorts => f.write_str("no free block of ports was found on loopback"),
            Self::Config(error) => write!(f, "{error}"),
            Self::Country(error) => write!(f, "{error}"),
            Self::Net(error) => write!(f, "{error}"),
            Self::NotReady { node } => write!(f, "node {node} did not become ready"),
            Self::Part(reason) => write!(f, "a part cannot be measured: {reason}"),
            Self::Load(reason) => write!(f, "the load was not answered: {reason}"),
            Self::Output(error) => write!(f, "the result cannot be written: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Country(error) => std::error::Error::source(error.as_ref()),
            Self::Net(error) => std::error::Error::source(error),
            Self::Config(error) => std::error::Error::source(error),
            Self::Io { .. }
            | Self::NoPorts
            | Self::NotReady { .. }
            | Self::Part(_)
            | Self::Load(_)
            | Self::Output(_) => None,
        }
    }
}

const IDLE_TIME: Duration = Duration::from_secs(2);
const READY_TRIES: u32 = 300;
const READY_PAUSE: Duration = Duration::from_millis(50);
