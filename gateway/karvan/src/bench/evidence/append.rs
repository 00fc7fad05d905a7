//! Durable records a second: SOAP requests of 2 KiB with real signatures, by a log with and without
//! tree and encryption, beside bare segments that take records of the same length.
//!
//! All of them in turns, and of each the best turn: a disk has moods, a machine other guests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use certs_keys::SecretKey;
use gateway_messagelog::{MessageLog, Options, Protection, Record};
use gateway_store::segment;
use serde::Serialize;

use super::made::{self, Made};
use super::measure::{bytes_at, bytes_written, each};
use super::{folder, opened};
use crate::bench::Error;
use crate::bench::parts::{self, part};

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Octets of the message of each record.
    pub(super) message_bytes: usize,
    pub(super) rows: Vec<Row>,
}

/// One log under so many writers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) writers: usize,
    pub(super) tree: bool,
    pub(super) encrypted: bool,
    pub(super) records_per_s: f64,
    /// Bare segments in the same turns, the same number of writers, records of the same length.
    pub(super) bound_per_s: f64,
    /// Octets of the segments, a record.
    pub(super) stored_bytes: f64,
    /// All that the process sent to the disk for a record, index and tree included.
    pub(super) written_bytes: Option<f64>,
}

pub(super) async fn run(time: Duration) -> Result<Figures, Error> {
    let made = Made::new()?;
    let records = (0..POOL).map(|n| made.soap(&format!("pool-{n}"), MESSAGE_BYTES));
    let pool: Arc<[Record]> = records.collect::<Result<_, _>>()?;
    let stored = stored(&pool).await?;
    let time = time.div_f64(f64::from(TURNS));
    let mut rows = Vec::new();
    for writers in WRITERS {
        let mut bound_per_s = 0.0_f64;
        let mut best: Vec<Row> = Vec::new();
        for _ in 0..TURNS {
            bound_per_s = bound_per_s.max(segments(writers, time, stored.clone()).await?);
            let mut turn = Vec::new();
            for (tree, encrypted) in FORMS {
                turn.push(log(writers, tree, encrypted, time, &pool).await?);
            }
            best = better(best, turn);
        }
        rows.extend(best.into_iter().map(|row| Row { bound_per_s, ..row }));
    }
    Ok(Figures {
        message_bytes: MESSAGE_BYTES,
        rows,
    })
}

/// Of each row the one with more records a second.
fn better(best: Vec<Row>, turn: Vec<Row>) -> Vec<Row> {
    if best.is_empty() {
        return turn;
    }
    let rows = best.into_iter().zip(turn);
    rows.map(
        |(one, other)| match other.records_per_s > one.records_per_s {
            true => other,
            false => one,
        },
    )
    .collect()
}

/// The octets that are stored for one of the records.
async fn stored(pool: &[Record]) -> Result<Bytes, Error> {
    let folder = folder()?;
    let log = MessageLog::open(folder.path(), Options::default()).map_err(|error| part(&error))?;
    let record = pool.first().cloned();
    let record = record.ok_or_else(|| Error::Part("there are no records".to_owned()))?;
    log.append(record).await.map_err(|error| part(&error))?;
    log.stored(1).await.map_err(|error| part(&error))
}

async fn segments(writers: usize, time: Duration, record: Bytes) -> Result<f64, Error> {
    let folder = folder()?;
    let log = segment::Log::open(folder.path(), segment::Options::default())
        .map_err(|error| part(&error))?;
    let (count, seconds) = parts::count(writers, time, move || {
        let (log, record) = (log.clone(), record.clone());
        async move {
            let appended = log.append(record).await;
            appended.map(|_| 1).map_err(|error| part(&error))
        }
    })
    .await?;
    Ok(f64::from(count) / seconds)
}

async fn log(
    writers: usize,
    tree: bool,
    encrypted: bool,
    time: Duration,
    pool: &Arc<[Record]>,
) -> Result<Row, Error> {
    let folder = folder()?;
    let mut options = Options::default();
    if tree {
        options.tree = Some(made::tree_options()?);
    }
    if encrypted {
        let key = ("bench".to_owned(), SecretKey::generate());
        options.protection = Some(Protection::new([key]).map_err(|error| part(&error))?);
    }
    let written_before = bytes_written();
    let log = MessageLog::open(folder.path(), options).map_err(|error| part(&error))?;
    let (count, seconds) = appended(&log, writers, time, pool).await?;
    drop(log);
    let written = written_before.zip(bytes_written());
    let written = written.map(|(before, after)| after.saturating_sub(before));
    Ok(Row {
        writers,
        tree,
        encrypted,
        records_per_s: f64::from(count) / seconds,
        bound_per_s: 0.0,
        stored_bytes: each(segment_bytes(folder.path())?, count.into()),
        written_bytes: written.map(|written| each(written, count.into())),
    })
}

async fn appended(
    log: &MessageLog,
    writers: usize,
    time: Duration,
    pool: &Arc<[Record]>,
) -> Result<(u32, f64), Error> {
    let (log, pool) = (log.clone(), Arc::clone(pool));
    let number = Arc::new(AtomicU64::new(0));
    parts::count(writers, time, move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let index = number.checked_rem(POOL).unwrap_or(0);
        let record = usize::try_from(index)
            .ok()
            .and_then(|index| pool.get(index));
        let record = record.cloned().map(|mut record| {
            record.message_id = format!("bench-{number}");
            record
        });
        let log = log.clone();
        async move {
            let record = record.ok_or_else(|| Error::Part("there are no records".to_owned()))?;
            let appended = log.append(record).await;
            appended.map(|()| 1).map_err(|error| part(&error))
        }
    })
    .await
}

fn segment_bytes(log: &Path) -> Result<u64, Error> {
    bytes_at(&log.join(opened::SEGMENTS))
}

const MESSAGE_BYTES: usize = 2048;
/// Different messages, so that nothing can be remembered; each is logged many times.
const POOL: u64 = 64;
/// Each log is measured so often, for a part of the time each.
const TURNS: u32 = 3;
const WRITERS: [usize; 2] = [16, 64];
/// `(tree, encrypted)`
const FORMS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

#[cfg(test)]
mod tests {
    use super::{Row, better};

    #[test]
    fn the_best_turn_of_each_log_counts() {
        let turn = |rates: [f64; 2]| {
            let row = |records_per_s| Row {
                writers: 16,
                tree: false,
                encrypted: false,
                records_per_s,
                bound_per_s: 0.0,
                stored_bytes: 0.0,
                written_bytes: None,
            };
            rates.map(row).to_vec()
        };
        let best = better(better(Vec::new(), turn([2.0, 1.0])), turn([1.5, 1.5]));
        let rates: Vec<f64> = best.iter().map(|row| row.records_per_s).collect();
        assert_eq!(rates, [2.0, 1.5]);
    }
}
