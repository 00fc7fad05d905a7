//! What the log and its extras cost an exchange, and what an exchange leaves on the disk.
//!
//! The same load in turns on two nodes whose log lies in memory and has nothing beside it, on two whose log
//! is durable, and on two with all the extras: a tree with a checkpoint each second, each node
//! cosigning the other's every two seconds, all messages stamped each second. Deployed nodes stamp each
//! minute: the same messages in fewer, larger batches. Each turn founds a country of its own, so no
//! log is longer than another.
//!
//! A node cannot do without its log, not even here. So what the log takes of the processors is read from
//! its threads, and what durability takes is the step from memory to disk.

use std::path::Path;
use std::time::Duration;

use gateway_messagelog::Entry;
use gateway_messagelog::audit::Reader;
use serde::Serialize;

use super::measure::{bytes_at, each, mean, percent_less, real};
use super::threads::Used;
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
    /// Mean of the rounds; `None`: there is no file system in memory.
    pub(super) memory_per_s: Option<f64>,
    pub(super) off_per_s: f64,
    pub(super) on_per_s: f64,
    /// How many fewer exchanges with a durable log than with one in memory.
    pub(super) durable_cost_percent: Option<f64>,
    /// How many fewer exchanges with the extras than with the durable log alone.
    pub(super) cost_percent: f64,
    /// Of the last round.
    pub(super) processors: Vec<Processors>,
    /// What the last of the loads with extras left at the two nodes.
    pub(super) disk: Vec<Disk>,
}

/// Exchanges a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Round {
    /// With a log in memory, without extras.
    pub(super) memory_per_s: Option<f64>,
    /// With a durable log, without extras.
    pub(super) off_per_s: f64,
    /// With everything.
    pub(super) on_per_s: f64,
}

/// What both nodes together used of the processors for an exchange.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Processors {
    pub(super) log: &'static str,
    pub(super) exchange_us: f64,
    /// In the threads that commit, index and hash what is logged.
    pub(super) log_us: f64,
}

/// What was seen in one turn.
struct Turn {
    per_s: f64,
    processors: Option<Processors>,
    disks: Vec<Disk>,
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
    let memory = Path::new(MEMORY);
    let memory = memory.is_dir().then_some(memory);
    let disk = std::env::temp_dir();
    let mut rounds = Vec::new();
    let mut last = Vec::new();
    let mut disks = Vec::new();
    for _ in 0..options.rounds {
        let in_memory = match memory {
            Some(memory) => Some(turn(options, "in memory", without_extras, memory).await?),
            None => None,
        };
        let durable = turn(options, "durable", without_extras, &disk).await?;
        let full = turn(options, "with all extras", with_extras, &disk).await?;
        rounds.push(Round {
            memory_per_s: in_memory.as_ref().map(|turn| turn.per_s),
            off_per_s: durable.per_s,
            on_per_s: full.per_s,
        });
        disks = full.disks;
        last = vec![
            in_memory.and_then(|turn| turn.processors),
            durable.processors,
            full.processors,
        ];
    }
    let all = |figure: fn(&Round) -> Option<f64>| -> Vec<f64> {
        rounds.iter().filter_map(figure).collect()
    };
    let in_memory = all(|round| round.memory_per_s);
    let memory_per_s = (!in_memory.is_empty()).then(|| mean(&in_memory));
    let off_per_s = mean(&all(|round| Some(round.off_per_s)));
    let on_per_s = mean(&all(|round| Some(round.on_per_s)));
    Ok(Figures {
        case: options.case.to_string(),
        clients: options.clients,
        bound_per_s,
        memory_per_s,
        off_per_s,
        on_per_s,
        durable_cost_percent: memory_per_s.map(|memory| percent_less(memory, off_per_s)),
        cost_percent: percent_less(off_per_s, on_per_s),
        processors: last.into_iter().flatten().collect(),
        disk: disks,
        rounds,
    })
}

/// Founds a country below `base`, puts the load on it, and looks at what is left.
async fn turn(
    options: &Options,
    log: &'static str,
    change: fn(&mut config::node::Node),
    base: &Path,
) -> Result<Turn, Error> {
    let town = Town::start_in(base, &plan::COUNTRY, options.case.key, Some(change)).await?;
    let load = load(&town, options.case);
    load.run(4, WARM_UP).await?;
    let nodes = [town.consumer.id(), town.provider.id()];
    let before = nodes.map(Used::by);
    let outcome = load.run(options.clients.max(1), options.seconds).await?;
    // Time stamps, tiles and index follow the exchanges.
    tokio::time::sleep(SETTLE).await;
    let processors = used(log, nodes.map(Used::by), before, outcome.exchanges);
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
    Ok(Turn {
        per_s: outcome.exchanges_per_s,
        processors,
        disks: measuring.await.map_err(|error| part(&error))??,
    })
}

/// For an exchange, of both nodes; `None` where the system does not say.
fn used(
    log: &'static str,
    after: [Option<Used>; 2],
    before: [Option<Used>; 2],
    exchanges: u64,
) -> Option<Processors> {
    let mut sum = Used::default();
    for (after, before) in after.into_iter().zip(before) {
        let since = after?.since(before?);
        sum.all_us += since.all_us;
        sum.log_us += since.log_us;
    }
    let exchanges = real(exchanges.max(1));
    Some(Processors {
        log,
        exchange_us: sum.all_us / exchanges,
        log_us: sum.log_us / exchanges,
    })
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

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";
const WARM_UP: Duration = Duration::from_millis(500);
const SETTLE: Duration = Duration::from_secs(3);
/// Longer than any run.
const NEVER_SECONDS: u64 = 1_000_000;
