//! The thread that keeps the index up to date.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use gateway_store::segment::{Position, Scan};
use gateway_store::tree::Store;

use super::trees::{self, Indexed, Mark, NotOurs, Stretch};
use super::{Command, Shared, Start};
use crate::protection::sha256;
use crate::record::keys;
use crate::retention::Found;
use crate::stamps::State;
use crate::{Error, Protection};

/// The state of the thread.
pub(super) struct Indexing {
    path: PathBuf,
    segments: PathBuf,
    /// The end of the log when it was opened.
    last_ordinal: u64,
    /// What had been erased then.
    erased: Vec<Stretch>,
    /// The keys of a sealed log: look-up keys are read from plain entries.
    protection: Option<Protection>,
    stamping: Arc<State>,
    found: Arc<Found>,
    shared: Arc<Shared>,
    store: Option<Store>,
    /// The last place that is in the index.
    indexed: Option<Mark>,
    /// To be written: in order and without a gap behind `indexed`.
    pending: Pending,
}

/// Entries to be written, by their keys: their bytes are let go.
#[derive(Default)]
struct Pending {
    entries: Vec<Indexed>,
    last: Option<Last>,
}

/// The last place looked at.
enum Last {
    /// An entry.
    Entry(Position, Bytes),
    /// An erased one: its digest is known.
    Erased(Mark),
}

impl Last {
    fn position(&self) -> Position {
        match self {
            Self::Entry(position, _) => *position,
            Self::Erased(mark) => mark.position,
        }
    }

    fn mark(&self) -> Mark {
        match self {
            Self::Entry(position, bytes) => Mark {
                position: *position,
                digest: sha256(bytes),
            },
            Self::Erased(mark) => *mark,
        }
    }
}

impl Pending {
    fn push(&mut self, position: Position, bytes: Bytes, protection: Option<&Protection>) {
        let keys = keys(&bytes, protection)
            .inspect_err(|error| {
                let ordinal = position.ordinal;
                tracing::error!(%error, ordinal, "a record is not in the index");
            })
            .ok();
        self.entries.push((position, keys));
        self.last = Some(Last::Entry(position, bytes));
    }
}

impl Indexing {
    pub(super) fn new(start: Start, shared: Arc<Shared>) -> Self {
        Self {
            path: start.path,
            segments: start.segments,
            last_ordinal: start.last_ordinal,
            erased: start.erased,
            protection: start.protection,
            stamping: start.stamping,
            found: start.found,
            shared,
            store: None,
            indexed: None,
            pending: Pending::default(),
        }
    }

    /// Works until nobody can ask any more; says once that it has done what it could at first.
    pub(super) fn run(mut self, commands: &Receiver<Command>, begun: &SyncSender<()>) {
        if let Err(error) = self.begin()
            && !self.shared.is_ending()
        {
            tracing::error!(%error, "the index of the log cannot be opened; look-up will try again");
        }
        // Whoever opened the log may not have waited.
        let _ = begun.try_send(());
        let looking = self.look();
        self.serve(commands);
        self.found.stop();
        if looking.is_some_and(|looking| looking.join().is_err()) {
            tracing::error!("looking for contents that no entry names had panicked");
            self.found.end();
        }
    }

    fn serve(&mut self, commands: &Receiver<Command>) {
        loop {
            let wait = match self.pending.last {
                None => IDLE,
                Some(_) => SETTLE,
            };
            match commands.recv_timeout(wait) {
                Ok(Command::Batch(batch)) => {
                    let bytes = batch.iter().map(|(_, bytes)| bytes.len()).sum();
                    let queued_bytes = &self.shared.queued_bytes;
                    queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                    self.take(batch);
                }
                Ok(Command::Flush(until, answer)) => {
                    // Whoever asked may have gone.
                    let _ = answer.send(self.flush(until));
                }
                Ok(Command::Purge(stretch, entries, answer)) => {
                    let _ = answer.send(self.purge(stretch, &entries));
                }
                Ok(Command::Sweep(erased, answer)) => {
                    let _ = answer.send(self.sweep(&erased));
                }
                Err(RecvTimeoutError::Timeout) => self.write_quietly(),
                Err(RecvTimeoutError::Disconnected) => return self.write_quietly(),
            }
        }
    }

    /// Brings the index to where the log was when it was opened.
    fn begin(&mut self) -> Result<(), Error> {
        if self.store.is_none() {
            self.open()?;
        }
        if !self.stamping.is_complete() {
            self.catch_up(self.last_ordinal)?;
            let store = self.store.as_ref().ok_or(Error::Interrupted)?;
            trees::sweep(store, &self.erased, || self.shared.is_ending())?;
            self.tell_standing()?;
        }
        Ok(())
    }

    /// Tells how far time-stamping had come when the log was opened.
    fn tell_standing(&self) -> Result<(), Error> {
        let store = self.store.as_ref().ok_or(Error::Interrupted)?;
        let erased_until = self.erased.iter().map(|stretch| stretch.last).max();
        let standing = store.read(|tx| {
            let erased_until = erased_until.unwrap_or_default();
            Ok(trees::standing(
                tx,
                self.last_ordinal,
                erased_until,
                |position| self.time_at(position),
            ))
        })??;
        self.stamping
            .complete(standing.stamped_until, standing.unstamped, standing.oldest);
        Ok(())
    }

    /// When this entry was logged; `None`: it is damaged.
    fn time_at(&self, position: Position) -> Result<Option<jiff::Timestamp>, Error> {
        let bytes = match Scan::open_from(&self.segments, position)?.next() {
            Some(Ok((found, bytes))) if found == position => bytes,
            Some(Ok(_) | Err(gateway_store::Error::Damaged(_))) | None => return Ok(None),
            Some(Err(error)) => return Err(error.into()),
        };
        match keys(&bytes, self.protection.as_ref()) {
            Ok(keys) => Ok(Some(keys.time)),
            Err(Error::Malformed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks beside for contents that no entry names.
    fn look(&self) -> Option<JoinHandle<()>> {
        let Some(store) = self.store.clone() else {
            self.found.end();
            return None;
        };
        let found = Arc::clone(&self.found);
        let (segments, protection) = (self.segments.clone(), self.protection.clone());
        let looking = move || {
            found.look(&segments, protection.as_ref(), |name| {
                Ok(store.read(|tx| trees::names_body(tx, name))?)
            });
        };
        let thread = std::thread::Builder::new().name("log-contents".to_owned());
        thread
            .spawn(looking)
            .inspect_err(|error| {
                tracing::warn!(%error, "cannot look for contents without entry");
                self.found.end();
            })
            .ok()
    }

    fn take(&mut self, batch: Vec<(Position, Bytes)>) {
        for (position, bytes) in batch {
            let last = self.reached();
            if position.ordinal == last.saturating_add(1) {
                self.pending.push(position, bytes, self.protection.as_ref());
            } else if position.ordinal > last {
                self.write_quietly();
                if let Err(error) = self.catch_up(position.ordinal) {
                    tracing::warn!(%error, "the index of the log is behind");
                    return;
                }
            }
        }
        if self.pending.entries.len() >= PENDING_MAX {
            self.write_quietly();
        }
    }

    /// The last ordinal that is written or about to be.
    fn reached(&self) -> u64 {
        let pending = self.pending.last.as_ref().map(|last| last.position());
        let indexed = self.indexed.map(|mark| mark.position);
        pending.or(indexed).map_or(0, |position| position.ordinal)
    }

    fn flush(&mut self, until: u64) -> Result<(), Error> {
        if self.store.is_none() {
            self.open()?;
        }
        self.write()?;
        // Also what the queue had no room for.
        self.catch_up(until)?;
        self.begin()
    }

    fn purge(&mut self, stretch: Stretch, entries: &[Indexed]) -> Result<(), Error> {
        self.flush(stretch.last)?;
        let store = self.store.as_ref().ok_or(Error::Interrupted)?;
        trees::purge(store, stretch, entries)
    }

    fn sweep(&mut self, erased: &[Stretch]) -> Result<(), Error> {
        if let Some(last) = erased.iter().map(|stretch| stretch.last).max() {
            self.flush(last)?;
        }
        let store = self.store.as_ref().ok_or(Error::Interrupted)?;
        trees::sweep(store, erased, || self.shared.is_ending())
    }

    fn write_quietly(&mut self) {
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the index of the log could not be written");
            // The segments have it: it is read from there next time.
            self.pending = Pending::default();
        }
    }

    fn write(&mut self) -> Result<(), Error> {
        let Some(last) = &self.pending.last else {
            return Ok(());
        };
        let store = self.store.as_ref().ok_or(Error::Interrupted)?;
        let mark = last.mark();
        trees::write(store, &self.pending.entries, &mark)?;
        self.stand(Some(mark));
        self.pending = Pending::default();
        Ok(())
    }

    fn stand(&mut self, indexed: Option<Mark>) {
        self.indexed = indexed;
        let until = indexed.map_or(0, |mark| mark.position.ordinal);
        self.shared.indexed_until.store(until, Ordering::Release);
    }

    /// Reads the segments from the last indexed place up to an ordinal, or to their durable end.
    fn catch_up(&mut self, last: u64) -> Result<(), Error> {
        let done = self.indexed.map_or(0, |mark| mark.position.ordinal);
        if done >= last || self.store.is_none() {
            return Ok(());
        }
        let scan = match self.indexed {
            Some(mark) => Scan::open_from(&self.segments, mark.position)?,
            None => Scan::open(&self.segments)?,
        };
        for item in scan {
            // The next one goes on from there.
            if self.shared.is_ending() {
                self.write()?;
                return Err(Error::Interrupted);
            }
            match item {
                Ok((position, _)) if position.ordinal <= done => {}
                Ok((position, bytes)) => {
                    self.pending.push(position, bytes, self.protection.as_ref());
                    if self.pending.entries.len() >= PENDING_MAX {
                        self.write()?;
                    }
                }
                Err(gateway_store::Error::Erased { position, digest }) => {
                    if position.ordinal > done {
                        self.pending.last = Some(Last::Erased(Mark { position, digest }));
                    }
                }
                // The audit names damage; here the rest counts.
                Err(gateway_store::Error::Damaged(damage)) => {
                    tracing::error!(%damage, "a damaged record is not in the index");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.write()
    }

    /// Opens the file; one that does not belong to the log is made anew.
    fn open(&mut self) -> Result<(), Error> {
        let store = match Store::open(&self.path) {
            Ok(store) => store,
            // An auditor is looking at it: later.
            Err(error) if error.is_in_use() => return Err(error.into()),
            Err(error) if self.path.exists() => {
                tracing::warn!(%error, "the index of the log cannot be read and is built anew");
                self.anew()?
            }
            Err(error) => return Err(error.into()),
        };
        let (store, indexed) = match self.indexed_in(&store)? {
            Ok(indexed) => (store, indexed),
            Err(NotOurs) => {
                tracing::warn!("the index does not belong to the log and is built anew");
                drop(store);
                (self.anew()?, None)
            }
        };
        self.shared.set_store(Some(store.clone()));
        self.store = Some(store);
        self.stand(indexed);
        Ok(())
    }

    fn anew(&self) -> Result<Store, Error> {
        std::fs::remove_file(&self.path)
            .map_err(|source| Error::content("remove", &self.path, source))?;
        Ok(Store::open(&self.path)?)
    }

    /// Where the index stands, if the log still has there what it had, and if what it could not read
    /// is still unreadable.
    fn indexed_in(&self, store: &Store) -> Result<Result<Option<Mark>, NotOurs>, Error> {
        let mark = match store.read(trees::indexed)? {
            None => return Ok(Ok(None)),
            Some(Ok(mark)) => mark,
            Some(Err(not_ours)) => return Ok(Err(not_ours)),
        };
        let found = match Scan::open_from(&self.segments, mark.position)?.next() {
            Some(Ok((position, bytes))) => Some((position.ordinal, sha256(&bytes))),
            Some(Err(gateway_store::Error::Erased { position, digest })) => {
                Some((position.ordinal, digest))
            }
            _ => None,
        };
        if found != Some((mark.position.ordinal, mark.digest)) || self.reads_more(store)? {
            return Ok(Err(NotOurs));
        }
        Ok(Ok(Some(mark)))
    }

    /// What could not be read can be read now, with other keys or a newer program.
    fn reads_more(&self, store: &Store) -> Result<bool, Error> {
        let Some(position) = store.read(trees::first_unread)? else {
            return Ok(false);
        };
        match Scan::open_from(&self.segments, position)?.next() {
            Some(Ok((found, bytes))) => {
                Ok(found.ordinal == position.ordinal
                    && keys(&bytes, self.protection.as_ref()).is_ok())
            }
            _ => Ok(false),
        }
    }
}

const PENDING_MAX: usize = 4096;
/// How long a batch waits for more.
const SETTLE: Duration = Duration::from_millis(250);
const IDLE: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;
