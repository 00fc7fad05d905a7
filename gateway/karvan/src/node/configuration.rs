//! Background task: the global configuration, downloaded, verified, kept, swapped in with the rules
//! it holds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gateway_exchange::Node;
use gateway_exchange::conf::Conf;
use gateway_globalconf::download::{self, Downloaded, Location, Negotiation, Plan, Scope, Step};
use gateway_globalconf::{Anchor, Snapshot, directory};
use gateway_net::Client;
use jiff::Timestamp;
use tokio::sync::watch;

use super::rules;
use crate::config::{self, Loaded};
use crate::fetch;
use crate::service::Stop;

/// Keeps the node's configuration fresh.
#[derive(Debug)]
pub(super) struct Refresh {
    anchor: Anchor,
    folder: PathBuf,
    node: Arc<Node>,
    client: Client,
    interval: Duration,
    last_good: Option<String>,
    rules: rules::Judge,
    changed: watch::Sender<u64>,
}

/// Why the task cannot begin.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    Anchor {
        path: PathBuf,
        source: Box<gateway_globalconf::Error>,
    },
    Rules(rules::Error),
}

impl Refresh {
    /// Reads the anchor, and which rules were obeyed last.
    pub(super) fn new(
        config: &Loaded<config::node::Node>,
        node: Arc<Node>,
        client: Client,
    ) -> Result<Self, Error> {
        let registry = &config.values.registry;
        let anchor = anchor(config)?;
        let data_dir = config.path(&config.values.data_dir);
        let state = data_dir.join("rules.state");
        let rules = rules::Judge::open(&state, &anchor.instance).map_err(Error::Rules)?;
        Ok(Self {
            anchor,
            folder: data_dir.join("globalconf"),
            node,
            client,
            interval: Duration::from_secs(registry.refresh_seconds.max(1)),
            last_good: None,
            rules,
            changed: watch::Sender::new(0),
        })
    }

    /// Tells when another configuration is in force.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes what is on disk. Only when that will not do is the registry waited for: a node starts
    /// without it.
    pub(super) async fn first(&mut self) {
        self.take_from_disk().await;
        let grace = self.node.settings.registry_grace_seconds_max;
        let now = self.node.clock.now();
        let held = self.node.conf.load_full();
        if held.is_none_or(|conf| conf.valid(grace, now).is_err()) {
            self.once().await;
        }
    }

    /// Asks the registry.
    async fn once(&mut self) {
        match self.download().await {
            Ok(()) => {}
            Err(tried) => {
                tracing::warn!("no new global configuration: {tried}");
            }
        }
    }

    /// Asks again and again until told to stop; sooner while there is none.
    pub(super) async fn run(mut self, mut stop: Stop) {
        loop {
            self.once().await;
            let wait = if self.node.conf.load().is_none() {
                RETRY
            } else {
                self.interval
            };
            if !stop.sleep(wait).await {
                return;
            }
        }
    }

    async fn take_from_disk(&mut self) {
        let files = match gateway_store::file::read_tree(&self.folder, FOLDER_BYTES_MAX) {
            Ok(files) if !files.is_empty() => files,
            Ok(_) | Err(_) => return,
        };
        match Snapshot::from_files(&files, self.node.clock.now()) {
            Ok(snapshot) => self.put_in_force(snapshot, &files).await,
            Err(error) => tracing::warn!("the kept global configuration cannot be used: {error}"),
        }
    }

    async fn download(&mut self) -> Result<(), String> {
        let files =
            gateway_store::file::read_tree(&self.folder, FOLDER_BYTES_MAX).unwrap_or_default();
        let conf = self.node.conf.load_full();
        let stored = conf
            .as_ref()
            .and_then(|conf| conf.snapshot.shared(&self.anchor.instance));
        let seed = u64::from_be_bytes(certs_keys::random_bytes());
        let locations = download::candidates(&self.anchor, stored, self.last_good.as_deref(), seed);
        let mut tried = Vec::new();
        for location in locations {
            match self.ask(&location, &files).await {
                Ok(downloaded) => {
                    self.take(downloaded, &files).await?;
                    self.last_good = Some(location.url);
                    return Ok(());
                }
                Err(reason) => tried.push(format!("{}: {reason}", location.url)),
            }
        }
        self.last_good = None;
        Err(tried.join("; "))
    }

    async fn ask(
        &self,
        location: &Location,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Downloaded, String> {
        let mut negotiation = Negotiation::new(location);
        let (url, bytes) = loop {
            let url = negotiation.url();
            let (status, bytes) = fetch::get(&self.client, &url, DIRECTORY_BYTES_MAX)
                .await
                .map_err(|error| error.to_string())?;
            match negotiation.answered(status) {
                Step::Take => break (url, bytes),
                Step::TryOlder => {}
                Step::GiveUp => return Err(format!("HTTP status {status}")),
            }
        };
        let now = self.node.clock.now();
        let verified = directory::verify(&bytes, &location.certificates, now)
            .map_err(|error| error.to_string())?;
        if let Some(held) = self.held_until()
            && verified.is_older(held)
        {
            return Err("the directory is older than the one in force".to_owned());
        }
        let mut plan = Plan::new(&verified, &self.anchor.instance, Scope::Own, &url, files)
            .map_err(|error| error.to_string())?;
        for part in plan.to_fetch().map_err(|error| error.to_string())? {
            let (status, bytes) = fetch::get(&self.client, &part.url, PART_BYTES_MAX)
                .await
                .map_err(|error| error.to_string())?;
            if status != 200 {
                return Err(format!("{}: HTTP status {status}", part.url));
            }
            plan.receive(&part.path, bytes.to_vec())
                .map_err(|error| error.to_string())?;
        }
        plan.finish().map_err(|error| error.to_string())
    }

    fn held_until(&self) -> Option<Timestamp> {
        self.node
            .conf
            .load()
            .as_ref()
            .and_then(|conf| conf.snapshot.expires_at())
    }

    /// Writes the complete, verified set to disk and puts it in force.
    async fn take(
        &mut self,
        downloaded: Downloaded,
        held: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), String> {
        let prefix = format!("{}/", downloaded.folder());
        let mut files = downloaded.into_files();
        let instance = self.anchor.instance.clone().into_bytes();
        files.insert("instance-identifier".to_owned(), instance);
        let snapshot = Snapshot::from_files(&files, self.node.clock.now())
            .map_err(|error| error.to_string())?;
        self.write(&files, held, &prefix)
            .map_err(|error| error.to_string())?;
        self.put_in_force(snapshot, &files).await;
        Ok(())
    }

    fn write(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
        held: &BTreeMap<String, Vec<u8>>,
        prefix: &str,
    ) -> Result<(), gateway_store::Error> {
        for (path, bytes) in files {
            if held.get(path) == Some(bytes) {
                continue;
            }
            let path = self.folder.join(path);
            if let Some(folder) = path.parent() {
                gateway_store::file::create_dir(folder)?;
            }
            gateway_store::file::replace(&path, bytes)?;
        }
        for stale in held.keys().filter(|path| path.starts_with(prefix)) {
            if !files.contains_key(stale) {
                // What a newer directory no longer names; a failure leaves a file nobody reads.
                let _left = std::fs::remove_file(self.folder.join(stale));
            }
        }
        Ok(())
    }

    async fn put_in_force(&mut self, snapshot: Snapshot, files: &BTreeMap<String, Vec<u8>>) {
        for ignored in snapshot.ignored() {
            tracing::warn!("part of the global configuration is not used: {ignored:?}");
        }
        // Auditors judge a record by the configuration of its time: kept first, then used.
        if let Err(error) = self
            .node
            .log
            .keep_configuration(files, self.node.clock.now())
            .await
        {
            tracing::error!("the configuration was not kept for auditors: {error}");
        }
        let rules = self.rules.judge(snapshot.rules()).await;
        let conf = Conf::with_rules(snapshot, rules);
        self.node.conf.store(Some(Arc::new(conf)));
        self.changed
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Reads the anchor.
pub(super) fn anchor(config: &Loaded<config::node::Node>) -> Result<Anchor, Error> {
    let path = &config.values.registry.anchor;
    let text = config.text(path).map_err(Error::Config)?;
    Anchor::from_xml(text.as_bytes()).map_err(|source| Error::Anchor {
        path: config.path(path),
        source: Box::new(source),
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Anchor { path, source } => {
                write!(f, "anchor {} cannot be used: {source}", path.display())
            }
            Self::Rules(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

/// How soon the registry is asked again while no configuration is in force.
const RETRY: Duration = Duration::from_secs(1);
const DIRECTORY_BYTES_MAX: usize = 1024 * 1024;
const PART_BYTES_MAX: usize = 64 * 1024 * 1024;
const FOLDER_BYTES_MAX: u64 = 256 * 1024 * 1024;
