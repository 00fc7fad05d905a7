//! What the extras of the log cost an exchange, and what an exchange leaves on the disk.
//!
//! The same load in turns on two nodes without tree, time stamps and witnesses, and on two with all
//! of them: a tree with a checkpoint each second, each node cosigning the other's every two
//! seconds, all messages stamped each second. Deployed nodes stamp each minute: the same messages in
//! fewer, larger batches. Each turn founds a country of its own, so no log is longer than another.

use std::path::Path;
use std::time::Duration;

use gateway_messagelog::Entry;
use gateway_messagelog::audit::Reader;
use serde::Serialize;

use super::measure::{bytes_at, each, mean, percent_less};
use super::{Options, opened};
use crate::bench::case::Case;
use crate::bench::parts::{self, part};
use crate::bench::{Error, Town, plan};
use crate::config;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) case: String,
    pub(super) clients: usize,
    /// What the parts of an exchange would allow.
    pub(super) bound_per_s: f64,
    pub(super) rounds: Vec<Round>,
    pub(super) off_per_s: f64,
    pub(super) on_per_s: f64,
    /// How many fewer exchanges with the extras.
    pub(super) cost_percent: f64,
    /// What the last of the loads with extras left at the two nodes.
    pub(super) disk: Vec<Disk>,
}

/// Exchanges a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Round {
    pub(super) off_per_s: f64,
    pub(super) on_per_s: f64,
}

/// Octets on the disk of a node, an exchange.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Disk {
    pub(super) node: &'static str,
    pub(super) exchanges: u64,
    /// Request and response, with their signatures.
    pub(super) messages: f64,
    /// The entries of time stamps: a line for each message, and the tokens.
    pub(super) stamps: f64,
    pub(super) index: f64,
    pub(super) tree: f64,
}

pub(super) async fn run(options: &Options) -> Result<Figures, Error> {
    let bound_per_s = parts::bound(options.case).await?;
    let mut rounds = Vec::new();
    let mut disk = Vec::new();
    for _ in 0..options.rounds {
        let (off_per_s, _) = turn(options, without_extras).await?;
        let (on_per_s, left) = turn(options, with_extras).await?;
        rounds.push(Round {
            off_per_s,
            on_per_s,
        });
        disk = left;
    }
    let off: Vec<f64> = rounds.iter().map(|round| round.off_per_s).collect();
    let on: Vec<f64> = rounds.iter().map(|round| round.on_per_s).collect();
    let (off_per_s, on_per_s) = (mean(&off), mean(&on));
    Ok(Figures {
        case: options.case.to_string(),
        clients: options.clients,
        bound_per_s,
        rounds,
        off_per_s,
        on_per_s,
        cost_percent: percent_less(off_per_s, on_per_s),
        disk,
    })
}

/// Exchanges a second, and what is left on the disks.
async fn turn(
    options: &Options,
    change: fn(&mut config::node::Node),
) -> Result<(f64, Vec<Disk>), Error> {
    let town = Town::start_as(&plan::COUNTRY, options.case.key, Some(change)).await?;
    let load = load(&town, options.case);
    load.run(4, WARM_UP).await?;
    let outcome = load.run(options.clients.max(1), options.seconds).await?;
    // Time stamps, tiles and index follow the exchanges.
    tokio::time::sleep(SETTLE).await;
    let folders = ["consumer", "provider"].map(|node| {
        let log = town.place.node_folder(node).join("data").join("log");
        (node, log)
    });
    let folder = town.stop_and_keep().await;
    let measuring = tokio::task::spawn_blocking(move || {
        let disks = folders.iter().map(|(node, log)| disk(node, log));
        let disks: Result<Vec<Disk>, Error> = disks.collect();
        drop(folder);
        disks
    });
    let disks = measuring.await.map_err(|error| part(&error))??;
    Ok((outcome.exchanges_per_s, disks))
}

fn load(town: &Town, case: Case) -> crate::bench::Load {
    case.load(town.place.clients_http(town.place.node_index("consumer")))
}

fn without_extras(node: &mut config::node::Node) {
    node.transparency.enabled = false;
    node.transparency.witnesses.clear();
    node.timestamping.interval_seconds = Some(NEVER_SECONDS);
}

fn with_extras(node: &mut config::node::Node) {
    node.transparency.checkpoint_milliseconds = 1000;
    node.transparency.witness_seconds = 2;
    node.timestamping.interval_seconds = Some(1);
}

fn disk(node: &'static str, log: &Path) -> Result<Disk, Error> {
    let reader = Reader::open(log).map_err(|error| part(&error))?;
    let (mut messages, mut covered, mut stamp_bytes) = (0_u64, 0_u64, 0_u64);
    for entry in reader.entries().map_err(|error| part(&error))? {
        let entry = entry.map_err(|error| part(&error))?;
        match entry.entry {
            Entry::Message(_) => messages = messages.saturating_add(1),
            Entry::Refusal(_) => {}
            Entry::Stamp(stamp) => {
                let stored = reader.stored(entry.position);
                let stored = stored.map_err(|error| part(&error))?.len();
                let stored = u64::try_from(stored).unwrap_or(u64::MAX);
                stamp_bytes = stamp_bytes.saturating_add(stored);
                let covers = u64::try_from(stamp.covers.len()).unwrap_or(u64::MAX);
                covered = covered.saturating_add(covers);
            }
        }
    }
    let exchanges = messages.div_euclid(2);
    let segments = bytes_at(&log.join(opened::SEGMENTS))?;
    Ok(Disk {
        node,
        exchanges,
        messages: each(segments.saturating_sub(stamp_bytes), exchanges),
        // The last messages may not have been stamped yet; they will be.
        stamps: each(stamp_bytes, covered) * 2.0,
        index: each(bytes_at(&log.join(opened::INDEX))?, exchanges),
        tree: each(bytes_at(&log.join(opened::TREE))?, exchanges),
    })
}

const WARM_UP: Duration = Duration::from_millis(500);
const SETTLE: Duration = Duration::from_secs(3);
/// Longer than any run.
const NEVER_SECONDS: u64 = 1_000_000;
