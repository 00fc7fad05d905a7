//! Erasing what was kept long enough.
//!
//! Whole closed segments are erased, nothing less. A segment goes when every entry in it is older
//! than asked for, every message in it, and before it, is stamped, its messages are archived, and no
//! time stamp in it covers a message of an earlier segment that stays. So a message that is there
//! has its time stamp there. The order is: the store agrees (the segment is whole, and the next one
//! goes on from it), a note of the segment (`erasing`), files of contents,
//! payloads of the segment, index. A crash anywhere between is made good when the log is opened: no
//! record is left whose contents are gone.
//!
//! What remains of an erased entry is its digest in an unbroken chain: proofs about it still hold.
//!
//! * `orphans`: contents that no record names

mod orphans;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use gateway_store::segment::{Log, Position, SegmentInfo};
use jiff::Timestamp;

pub use self::orphans::Orphans;
pub(crate) use self::orphans::{Found, Recent};
use crate::bodies::Bodies;
use crate::index::Stretch;
use crate::log::Inner;
use crate::record::{Keys, Kind, keys};
use crate::{Error, MessageLog, bodies};

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whole segments; their digests remain.
    pub segments: u64,
    /// Entries in them.
    pub records: u64,
    /// How much room became free, contents included.
    pub bytes: u64,
}

impl MessageLog {
    /// Closes the open segment and begins another, unless it is empty: only closed segments can be
    /// erased.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn rotate(&self) -> Result<(), Error> {
        Ok(self.inner.log.rotate().await?)
    }

    /// Erases whole segments of which every entry is older than `time` and every message is stamped
    /// and has a number up to `archived_until`. The open segment is closed first when its first entry
    /// is that old. A segment of which something cannot be read stays, and is told in our own log.
    ///
    /// # Errors
    /// The disk refused; what was begun is finished by the next call.
    pub async fn erase_before(
        &self,
        time: Timestamp,
        archived_until: u64,
    ) -> Result<Erased, Error> {
        self.erase_before_except(time, archived_until, BTreeSet::new())
            .await
    }

    /// As [`Self::erase_before`], but for segments that hold one of these messages: though their
    /// numbers are lower, they are not archived.
    ///
    /// # Errors
    /// The disk refused; what was begun is finished by the next call.
    pub async fn erase_before_except(
        &self,
        time: Timestamp,
        archived_until: u64,
        except: BTreeSet<u64>,
    ) -> Result<Erased, Error> {
        let inner = Arc::clone(&self.inner);
        let bound = Bound {
            time,
            archived_until,
            except: Arc::new(except),
        };
        let erasing = tokio::spawn(inner.erase_before(bound));
        erasing.await.map_err(|_| Error::Interrupted)?
    }
}

/// What may go.
#[derive(Clone, Debug)]
struct Bound {
    time: Timestamp,
    archived_until: u64,
    except: Arc<BTreeSet<u64>>,
}

/// What is in a segment.
#[derive(Debug)]
struct Inventory {
    stretch: Stretch,
    entries: Vec<(Position, Option<Keys>)>,
}

impl Inner {
    async fn erase_before(self: Arc<Self>, bound: Bound) -> Result<Erased, Error> {
        let _one = self.erasing_turn.lock().await;
        let (inner, time) = (Arc::clone(&self), bound.time);
        let blocking = tokio::task::spawn_blocking(move || inner.is_open_segment_old(time));
        if blocking.await.map_err(|_| Error::Interrupted)?? {
            self.log.rotate().await?;
        }
        let inner = Arc::clone(&self);
        let blocking = tokio::task::spawn_blocking(move || inner.erase_closed(&bound));
        blocking.await.map_err(|_| Error::Interrupted)?
    }

    fn is_open_segment_old(&self, before: Timestamp) -> Result<bool, Error> {
        self.wait_until_complete()?;
        let segments = self.log.segments()?;
        let open = segments.iter().find(|segment| segment.is_open);
        match open.filter(|open| open.last_ordinal.is_some()) {
            None => Ok(false),
            Some(open) => Ok(self
                .time_of(open.first_ordinal)?
                .is_some_and(|time| time < before)),
        }
    }

    fn erase_closed(&self, bound: &Bound) -> Result<Erased, Error> {
        let mut erased = Erased::default();
        let segments = self.log.segments()?;
        // What an earlier call erased, but could not take out of the index.
        self.index.sweep(erased_stretches(&segments))?;
        // Earlier segments that stay.
        let mut kept: Vec<Stretch> = Vec::new();
        for segment in segments {
            let Some(stretch) = stretch_of(&segment) else {
                continue;
            };
            if segment.erased {
                continue;
            }
            if segment.is_open || self.waits(&stretch) {
                break;
            }
            match self.erasable(stretch, &kept, bound)? {
                None => kept.push(stretch),
                Some(inventory) => {
                    let bytes = match self.erase(&inventory) {
                        Ok(bytes) => bytes,
                        Err(error @ Error::Store(gateway_store::Error::Damaged(_))) => {
                            let segment = stretch.segment;
                            tracing::warn!(%error, segment, "a segment is not erased: it is damaged");
                            kept.push(stretch);
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    erased.segments = erased.segments.saturating_add(1);
                    let records = u64::try_from(inventory.entries.len()).unwrap_or(u64::MAX);
                    erased.records = erased.records.saturating_add(records);
                    erased.bytes = erased.bytes.saturating_add(bytes);
                }
            }
        }
        Ok(erased)
    }

    /// A message in this stretch, or before it, waits for its time stamp.
    fn waits(&self, stretch: &Stretch) -> bool {
        let oldest = self.stamping.oldest_ordinal();
        oldest.is_some_and(|ordinal| ordinal <= stretch.last)
    }

    /// What is in a segment that may go; `None`: it may not.
    fn erasable(
        &self,
        stretch: Stretch,
        kept: &[Stretch],
        bound: &Bound,
    ) -> Result<Option<Inventory>, Error> {
        // Mostly this tells without reading it all.
        if let Some(time) = self.time_of(stretch.last)?
            && time >= bound.time
        {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for item in self.log.scan_segments(stretch.segment..=stretch.segment)? {
            let held = match item {
                Ok((position, bytes)) => match keys(&bytes, self.bodies.protection()) {
                    Ok(keys) => {
                        if !may_go(position, &keys, kept, bound) {
                            return Ok(None);
                        }
                        entries.push((position, Some(keys)));
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error @ gateway_store::Error::Damaged(_)) => error.into(),
                Err(error) => return Err(error.into()),
            };
            let segment = stretch.segment;
            tracing::warn!(error = %held, segment, "a segment is not erased: it is not readable");
            return Ok(None);
        }
        if entries.last().map(|(position, _)| position.ordinal) != Some(stretch.last) {
            let segment = stretch.segment;
            tracing::warn!(segment, "a segment is not erased: its end is missing");
            return Ok(None);
        }
        Ok(Some(Inventory { stretch, entries }))
    }

    /// Erases a segment; tells how much room became free.
    fn erase(&self, inventory: &Inventory) -> Result<u64, Error> {
        let Inventory { stretch, entries } = inventory;
        let keys = entries.iter().filter_map(|(_, keys)| keys.as_ref());
        let names: Vec<&str> = keys
            .flat_map(|keys| keys.bodies.iter().map(String::as_str))
            .collect();
        let note = self.erasing();
        let mut contents = 0;
        // Of a segment that stays after all, nothing goes.
        let payloads = self.log.erase_after(stretch.segment, || {
            gateway_store::file::replace(&note, stretch.segment.to_string().as_bytes())?;
            contents = remove_bodies(&self.bodies_dir(), names.iter().copied())?;
            Ok::<_, Error>(())
        })?;
        // Should it stay: what it names is erased.
        let _left = fs::remove_file(note);
        // A stamp among them is no longer to be handed out.
        let last_stamp = self.last_stamp.lock();
        *last_stamp.unwrap_or_else(PoisonError::into_inner) = None;
        self.index.purge(*stretch, entries.clone())?;
        Ok(payloads.saturating_add(contents))
    }

    /// When the entry of this number was logged, as far as that can be read.
    fn time_of(&self, ordinal: u64) -> Result<Option<Timestamp>, Error> {
        let Some(position) = self.index.at(ordinal)? else {
            return Ok(None);
        };
        let Ok(bytes) = self.log.read(position) else {
            return Ok(None);
        };
        let keys = keys(&bytes, self.bodies.protection());
        Ok(keys.ok().map(|keys| keys.time))
    }
}

/// One entry does not keep its segment.
fn may_go(position: Position, keys: &Keys, kept: &[Stretch], bound: &Bound) -> bool {
    keys.time < bound.time
        && match keys.kind {
            Kind::Refusal => true,
            Kind::Message => {
                position.ordinal <= bound.archived_until
                    && !bound.except.contains(&position.ordinal)
            }
            Kind::Stamp { first, last } => kept
                .iter()
                .all(|kept| last < kept.first || kept.last < first),
        }
}

fn stretch_of(segment: &SegmentInfo) -> Option<Stretch> {
    Some(Stretch {
        segment: segment.number,
        first: segment.first_ordinal,
        last: segment.last_ordinal?,
    })
}

/// The erased stretches of a log.
pub(crate) fn erased_stretches(segments: &[SegmentInfo]) -> Vec<Stretch> {
    let erased = segments.iter().filter(|segment| segment.erased);
    erased.filter_map(stretch_of).collect()
}

/// Brings to its end what a crash stopped: of the segment noted, contents may be gone already. What
/// cannot be erased now waits for the next call that erases.
pub(crate) fn finish(dir: &Path, log: &Log, bodies: &Bodies) {
    let note = dir.join(ERASING);
    let finished = match fs::read_to_string(&note) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(source) => Err(Error::content("read", &note, source)),
        Ok(number) => try_finish(&number, log, bodies),
    };
    let removed = finished.and_then(|()| {
        fs::remove_file(&note).map_err(|source| Error::content("remove", &note, source))
    });
    if let Err(error) = removed {
        tracing::warn!(%error, "what was being erased when the process ended is not erased yet");
    }
}

fn try_finish(number: &str, log: &Log, bodies: &Bodies) -> Result<(), Error> {
    let segments = log.segments()?;
    let noted = |segment: &&SegmentInfo| segment.number.to_string() == number;
    let Some(segment) = segments.iter().find(noted) else {
        return Ok(());
    };
    if segment.is_open || segment.erased {
        return Ok(());
    }
    let number = segment.number;
    let mut names = Vec::new();
    for item in log.scan_segments(number..=number)? {
        names.extend(keys(&item?.1, bodies.protection())?.bodies);
    }
    log.erase_after(number, || {
        remove_bodies(bodies.dir(), names.iter().map(String::as_str)).map(drop)
    })?;
    tracing::info!(
        segment = number,
        "erased what was being erased when the process ended"
    );
    Ok(())
}

/// Removes files of contents as far as they are there; tells how long they were. Durable when `Ok`.
fn remove_bodies<'n>(dir: &Path, names: impl Iterator<Item = &'n str>) -> Result<u64, Error> {
    let mut bytes = 0_u64;
    let mut removed = false;
    for name in names {
        let Some(path) = bodies::path_of_named(dir, name) else {
            continue;
        };
        let length = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.len(),
            // Removed before a crash.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::content("read", &path, source)),
        };
        fs::remove_file(&path).map_err(|source| Error::content("remove", &path, source))?;
        bytes = bytes.saturating_add(length);
        removed = true;
    }
    if removed {
        gateway_store::file::sync_dir(dir)?;
    }
    Ok(bytes)
}

/// Names the segment that is being erased.
pub(crate) const ERASING: &str = "erasing";

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
