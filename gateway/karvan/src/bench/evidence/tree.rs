//! A large log: opening it, and proofs from its tree.
//!
//! Its records are small: refusals, the last entries a message and its time stamp. They are written
//! into segments directly, all from one refusal, with a query id of their own. To the tree a
//! record is its digest, so its length does not matter; index and segments of a log of messages are
//! larger.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_messagelog::tree::Tree;
use gateway_messagelog::{MessageLog, Options, Protocol, Refusal, Side};
use gateway_proto::id::{ClientId, ServiceId};
use gateway_store::segment;
use gateway_tlog::tile::{Tile, WIDTH_MAX};
use serde::Serialize;

use super::folder;
use super::made::Made;
use super::measure::{Numbers, Spread, bytes_at, each, median};
use super::opened::{self, Opened};
use crate::bench::Error;
use crate::bench::parts::part;
use crate::clock::{self, SystemClock};
use crate::country::INSTANCE;
use gateway_exchange::Clock as _;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) records: u64,
    /// Octets of a record in the segments.
    pub(super) segment_bytes: f64,
    /// Octets of the folder of the tree, a record.
    pub(super) tree_bytes: f64,
    /// Octets of the index, a record.
    pub(super) index_bytes: f64,
    /// Opening with the tree lost: it is made from the segments. Seconds.
    pub(super) tree_rebuilt_s: f64,
    /// From then until the index, lost too, is complete again, beside the running node. Seconds.
    pub(super) index_rebuilt_s: f64,
    /// Openings after an orderly end, each in a process of its own: the middle one, and the slowest.
    pub(super) opened: Opened,
    pub(super) opened_max: Opened,
    /// Made from the tiles on disk, and verified.
    pub(super) inclusion: Spread,
    pub(super) consistency: Spread,
    /// Nothing but reading the files of the tiles of an inclusion proof.
    pub(super) tiles: Spread,
    pub(super) proofs: u32,
}

pub(super) async fn run(records: u64) -> Result<Figures, Error> {
    let folder = folder()?;
    let dir = folder.path();
    let log_dir = dir.join(opened::LOG);
    let refusal = refusal(dir).await?;
    write(&log_dir.join(opened::SEGMENTS), &refusal, records).await?;
    let (tree_rebuilt_s, index_rebuilt_s) = rebuild(dir, records).await?;
    let mut openings = Vec::new();
    for _ in 0..OPENINGS {
        openings.push(open_elsewhere(dir).await?);
    }
    let (opened, opened_max) = middle_and_slowest(&openings);
    let proving = dir.to_owned();
    let proving = tokio::task::spawn_blocking(move || prove(&proving));
    let proofs = proving.await.map_err(|error| part(&error))??;
    Ok(Figures {
        records,
        segment_bytes: each(bytes_at(&log_dir.join(opened::SEGMENTS))?, records),
        tree_bytes: each(bytes_at(&log_dir.join(opened::TREE))?, records),
        index_bytes: each(bytes_at(&log_dir.join(opened::INDEX))?, records),
        tree_rebuilt_s,
        index_rebuilt_s,
        opened,
        opened_max,
        inclusion: proofs.inclusion,
        consistency: proofs.consistency,
        tiles: proofs.tiles,
        proofs: PROOFS,
    })
}

/// A refusal as a log stores it.
async fn refusal(dir: &Path) -> Result<Bytes, Error> {
    let wrong = |error: gateway_proto::id::Error| part(&error);
    let client = ClientId::from_rest(&format!("{INSTANCE}/GOV/0000001181/asks")).map_err(wrong)?;
    let provider = ClientId::from_rest(&format!("{INSTANCE}/GOV/0000000131/answers"));
    let service = ServiceId::new(provider.map_err(wrong)?, "echo", None).map_err(wrong)?;
    let log = MessageLog::open(&dir.join("one"), Options::default());
    let log = log.map_err(|error| part(&error))?;
    log.note_refusal(Refusal {
        time: SystemClock.now(),
        side: Side::Provider,
        protocol: Protocol::Rest,
        client: Some(client),
        service: Some(service),
        message_id: Some(ID.to_owned()),
        peer: None,
        code: "server.serverproxy.access_denied".to_owned(),
        reason: "no right".to_owned(),
        fault_id: "1f".to_owned(),
    });
    for _ in 0..STORED_TRIES {
        if log.last_ordinal() > 0 {
            return log.stored(1).await.map_err(|error| part(&error));
        }
        tokio::time::sleep(STORED_PAUSE).await;
    }
    Err(Error::Part("a refusal was not stored".to_owned()))
}

/// Writes so many of them, each with another query id.
async fn write(segments: &Path, refusal: &Bytes, records: u64) -> Result<(), Error> {
    let id = refusal
        .windows(ID.len())
        .position(|window| window == ID.as_bytes())
        .ok_or_else(|| Error::Part("a refusal has no query id".to_owned()))?;
    let options = segment::Options {
        queue_max: QUEUE,
        ..segment::Options::default()
    };
    let log = segment::Log::open(segments, options).map_err(|error| part(&error))?;
    let failed = Arc::new(AtomicBool::new(false));
    for number in 1..=records {
        let record = numbered(refusal, id, number);
        let note = Arc::clone(&failed);
        let queued = match number < records {
            true => log.append_detached(record.clone(), move |result| {
                if result.is_err() {
                    note.store(true, Ordering::Relaxed);
                }
            }),
            // When the last one is durable, all are.
            false => Err(gateway_store::Error::QueueFull),
        };
        let appended = match queued {
            Err(gateway_store::Error::QueueFull) => log.append(record).await.map(drop),
            queued => queued,
        };
        appended.map_err(|error| part(&error))?;
    }
    if failed.load(Ordering::Relaxed) || log.last_ordinal() != records {
        return Err(Error::Part("records were not stored".to_owned()));
    }
    Ok(())
}

fn numbered(refusal: &Bytes, at: usize, number: u64) -> Bytes {
    let mut record = refusal.to_vec();
    let id = format!("{number:0width$}", width = ID.len());
    if let Some(place) = record
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..ID.len()))
    {
        place.copy_from_slice(id.as_bytes());
    }
    record.into()
}

/// Opens the log without tree and index; ends it with a stamped message.
async fn rebuild(dir: &Path, records: u64) -> Result<(f64, f64), Error> {
    let options = opened::options(dir)?;
    let began = clock::instant();
    let path = dir.join(opened::LOG);
    let opening = tokio::task::spawn_blocking(move || MessageLog::open(&path, options));
    let log = opening.await.map_err(|error| part(&error))?;
    let log = log.map_err(|error| part(&error))?;
    let tree_s = began.elapsed().as_secs_f64();
    log.get(records).await.map_err(|error| part(&error))?;
    let index_s = began.elapsed().as_secs_f64() - tree_s;
    let made = Made::new()?;
    let record = made.soap("last", 512)?;
    log.append(record).await.map_err(|error| part(&error))?;
    made.stamp(&log).await?;
    // The end saves tree and index.
    let ending = tokio::task::spawn_blocking(move || drop(log));
    ending.await.map_err(|error| part(&error))?;
    Ok((tree_s, index_s))
}

/// Opens the log in a process of its own.
async fn open_elsewhere(dir: &Path) -> Result<Opened, Error> {
    let what = "opening a log in a process of its own";
    let program = std::env::current_exe().map_err(|source| Error::Io { what, source })?;
    let output = tokio::process::Command::new(program)
        .args(["bench", "evidence", "--opened"])
        .arg(dir)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| Error::Io { what, source })?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::Part(format!("{what} failed: {error}")))
}

/// Each figure by itself.
fn middle_and_slowest(openings: &[Opened]) -> (Opened, Opened) {
    let of = |take: fn(&Opened) -> f64| {
        let values: Vec<f64> = openings.iter().map(take).collect();
        let most = values.iter().copied().fold(0.0, f64::max);
        (median(&values), most)
    };
    let (open, found) = (of(|one| one.open_ms), of(|one| one.found_ms));
    let (proved, rss) = (of(|one| one.proved_ms), of(|one| one.rss_mb));
    let opened = |open_ms, found_ms, proved_ms, rss_mb| Opened {
        open_ms,
        found_ms,
        proved_ms,
        rss_mb,
    };
    (
        opened(open.0, found.0, proved.0, rss.0),
        opened(open.1, found.1, proved.1, rss.1),
    )
}

struct Proofs {
    inclusion: Spread,
    consistency: Spread,
    tiles: Spread,
}

/// Proofs of records, and from sizes, that nobody asked for before.
fn prove(dir: &Path) -> Result<Proofs, Error> {
    let path = dir.join(opened::LOG);
    let log = MessageLog::open(&path, opened::options(dir)?).map_err(|error| part(&error))?;
    let tree = log
        .tree()
        .ok_or_else(|| Error::Part("the log has no tree".to_owned()))?;
    let size = tree.size();
    let folder = path.join(opened::TREE);
    let mut numbers = Numbers::new();
    let mut took = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PROOFS {
        let ordinal = numbers.up_to(size);
        took.0.push(timed(|| included(tree, ordinal, size))?);
        let old = numbers.up_to(size);
        took.1.push(timed(|| consistent(tree, old, size))?);
        let paths = tiles(&folder, numbers.up_to(size), size)?;
        took.2.push(timed(|| read(&paths))?);
    }
    Ok(Proofs {
        inclusion: Spread::of(took.0),
        consistency: Spread::of(took.1),
        tiles: Spread::of(took.2),
    })
}

fn timed(work: impl FnOnce() -> Result<(), Error>) -> Result<Duration, Error> {
    let began = clock::instant();
    work()?;
    Ok(began.elapsed())
}

fn included(tree: &Tree, ordinal: u64, size: u64) -> Result<(), Error> {
    let proof = tree.inclusion(ordinal, size);
    proof.map(drop).map_err(|error| part(&error))
}

fn consistent(tree: &Tree, old: u64, size: u64) -> Result<(), Error> {
    let proof = tree.consistency(old, size);
    proof.map(drop).map_err(|error| part(&error))
}

/// The files of the full tiles above a record; the others are in memory.
fn tiles(folder: &Path, ordinal: u64, size: u64) -> Result<Vec<std::path::PathBuf>, Error> {
    let width = u64::from(WIDTH_MAX);
    let mut paths = Vec::new();
    let (mut index, mut hashes) = (ordinal.saturating_sub(1), size);
    for level in 0.. {
        index = index.div_euclid(width);
        hashes = hashes.div_euclid(width);
        if index >= hashes {
            break;
        }
        let tile = Tile::new(level, index, WIDTH_MAX).map_err(|error| part(&error))?;
        paths.push(folder.join(tile.path()));
    }
    Ok(paths)
}

fn read(paths: &[std::path::PathBuf]) -> Result<(), Error> {
    for path in paths {
        std::fs::read(path).map_err(|source| Error::Io {
            what: "reading a tile",
            source,
        })?;
    }
    Ok(())
}

/// Stands for the query id of each record.
const ID: &str = "00000000000000000000";
const QUEUE: usize = 1 << 15;
const OPENINGS: usize = 5;
const PROOFS: u32 = 2000;
const STORED_TRIES: u32 = 500;
const STORED_PAUSE: Duration = Duration::from_millis(10);
