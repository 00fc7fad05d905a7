//! The thread that lets the tree grow, writes its tiles and signs its checkpoints.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gateway_store::file;
use gateway_store::segment::{Observer, Position};
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::{Checkpoint, Opened};
use gateway_tlog::note::Signer;
use gateway_tlog::tile::{self, Bundle, Tile};
use tokio::sync::watch;

use super::Error;
use super::begin::Begun;
use super::cosigned::Cosigned;
use super::edge::{Edge, Full};
use super::files::{CHECKPOINT, Files, SYNCED};
use super::leaves::Leaves;
use super::synced::Synced;

/// What the committer tells the thread.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    leaves: Vec<(Position, Hash)>,
    /// The last record that was told, also when there was no room for it.
    told: u64,
    stop: bool,
}

/// A state of the tree that was signed.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// The thread has ended: nothing follows.
    pub(super) is_last: bool,
    pub(super) edge: Arc<Edge>,
    pub(super) root: Hash,
    /// The text that was signed.
    pub(super) text: String,
    /// The note, with all signatures that are known.
    pub(super) note: Bytes,
}

/// What the thread and those who ask have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) published: watch::Sender<Published>,
    /// Held while checkpoints are written; inside, the latest with cosignatures.
    pub(super) cosigned: Mutex<Cosigned>,
    /// Why the tree does not grow now.
    pub(super) failure: Mutex<Option<Error>>,
}

/// The state of the thread.
pub(super) struct Growing {
    files: Files,
    segments: PathBuf,
    signer: Arc<Signer>,
    inbox: Arc<Inbox>,
    shared: Arc<Shared>,
    edge: Edge,
    /// Full tiles that could not be written yet.
    unwritten: VecDeque<Full>,
    /// The partial tiles that were written last.
    partial: Vec<Tile>,
    /// Files of full tiles since `aging`.
    fresh: Vec<String>,
    /// To be saved when the system has had the time to write its tiles.
    aging: Option<State>,
    /// The size of the tree that is saved.
    saved: Option<u64>,
    rounds: u32,
    rounds_max: u32,
}

/// A signed state, and the files of full tiles that came with it.
struct State {
    published: Published,
    names: Vec<String>,
}

impl Inbox {
    /// The observer for the log. What does not fit is left out: the thread finds the gap.
    pub(super) fn observer(self: &Arc<Self>) -> Observer {
        let inbox = Arc::clone(self);
        Box::new(move |batch| {
            let mut queue = inbox.queue();
            if let Some(last) = batch.last() {
                queue.told = last.position.ordinal;
            }
            if queue.leaves.len() < QUEUE_MAX {
                let leaves = batch
                    .iter()
                    .map(|committed| (committed.position, committed.digest));
                queue.leaves.extend(leaves);
            }
            let is_full = queue.leaves.len() >= WAKE_AT;
            drop(queue);
            if is_full {
                inbox.arrived.notify_one();
            }
        })
    }

    pub(super) fn stop(&self) {
        self.queue().stop = true;
        self.arrived.notify_one();
    }

    /// What came, after so long at most; whether it is time to stop.
    fn take(&self, wait: Duration) -> (Vec<(Position, Hash)>, u64, bool) {
        let waited = self
            .arrived
            .wait_timeout_while(self.queue(), wait, |queue| {
                queue.leaves.len() < WAKE_AT && !queue.stop
            });
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        (std::mem::take(&mut queue.leaves), queue.told, queue.stop)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Growing {
    /// Signs the tree as it is and makes everything ready for the thread.
    pub(super) fn new(
        files: &Files,
        segments: &Path,
        signer: &Arc<Signer>,
        interval: Duration,
        inbox: &Arc<Inbox>,
        begun: Begun,
    ) -> Result<Self, Error> {
        let Begun {
            edge,
            signed,
            cosigned,
            written,
            saved,
        } = begun;
        let rounds_max = SAVE_EVERY
            .as_millis()
            .checked_div(interval.as_millis())
            .unwrap_or_default();
        // One that a former key has signed is signed anew.
        let is_latest = |signed: &Opened| {
            let mut signatures = signed.note().signatures().iter();
            signed.checkpoint().size() == edge.size()
                && signatures.any(|signature| signature.is_by(signer.verifier()))
        };
        let published = match signed.filter(is_latest) {
            Some(signed) => Published::of(Arc::new(edge.clone()), &signed),
            None => sign(Arc::new(edge.clone()), signer, files)?,
        };
        let mut growing = Self {
            files: files.clone(),
            segments: segments.to_owned(),
            signer: Arc::clone(signer),
            inbox: Arc::clone(inbox),
            shared: Arc::new(Shared {
                published: watch::Sender::new(published.clone()),
                cosigned: Mutex::new(cosigned),
                failure: Mutex::new(None),
            }),
            edge,
            unwritten: VecDeque::new(),
            partial: Vec::new(),
            fresh: written,
            aging: None,
            saved,
            rounds: 0,
            rounds_max: u32::try_from(rounds_max).unwrap_or(u32::MAX).max(1),
        };
        growing.write_partial()?;
        files.write(CHECKPOINT, &published.note)?;
        growing.age();
        Ok(growing)
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(super) fn run(mut self, interval: Duration) {
        // Also when something panics: nobody must wait for what will not come.
        let _ending = Ending(Arc::clone(&self.shared));
        // A tenth of the time is for the round itself: nothing waits longer than the interval.
        let pause = interval.saturating_sub(interval.checked_div(10).unwrap_or_default());
        loop {
            let (leaves, told, stop) = self.inbox.take(pause);
            let round = self.round(leaves, told, stop);
            let mut failure = self
                .shared
                .failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match round {
                Ok(()) => *failure = None,
                Err(error) => {
                    if failure.is_none() {
                        tracing::error!(%error, "the tree of the log does not grow");
                    }
                    *failure = Some(error);
                }
            }
            drop(failure);
            if stop {
                return;
            }
        }
    }

    pub(super) fn round(
        &mut self,
        leaves: Vec<(Position, Hash)>,
        told: u64,
        stop: bool,
    ) -> Result<(), Error> {
        self.write_full()?;
        for (position, digest) in leaves {
            if position.ordinal == self.edge.size().saturating_add(1) {
                self.push(position, digest)?;
            }
        }
        self.catch_up(told)?;
        if self.edge.size() > self.shared.published.borrow().edge.size() {
            self.publish()?;
        }
        match stop {
            true => self.save_all(),
            false => self.save_now_and_then(),
        }
    }

    /// Reads from the segments what the queue had no room for.
    fn catch_up(&mut self, told: u64) -> Result<(), Error> {
        if self.edge.size() >= told {
            return Ok(());
        }
        let mut leaves = Leaves::after(&self.segments, &self.files, &self.edge)?;
        while self.edge.size() < told {
            let Some(leaf) = leaves.next() else {
                return Err(Error::LeafMissing {
                    ordinal: self.edge.size().saturating_add(1),
                    damage: leaves.damage(),
                });
            };
            let leaf = leaf?;
            if leaf.position.segment == 0 {
                // Nothing signed says yet that what the tile has is right.
                return Err(Error::LeafMissing {
                    ordinal: leaf.position.ordinal,
                    damage: leaves.damage(),
                });
            }
            self.push(leaf.position, leaf.digest)?;
        }
        Ok(())
    }

    fn push(&mut self, position: Position, digest: Hash) -> Result<(), Error> {
        let full = self.edge.push(position, digest);
        if full.is_empty() {
            return Ok(());
        }
        self.unwritten.extend(full);
        self.write_full()
    }

    fn write_full(&mut self) -> Result<(), Error> {
        while let Some(full) = self.unwritten.front() {
            self.fresh.extend(self.files.write_full(full)?);
            self.unwritten.pop_front();
        }
        Ok(())
    }

    fn write_partial(&mut self) -> Result<(), Error> {
        let tiles: Vec<_> = self.edge.tiles().collect();
        for (tile, hashes) in &tiles {
            if self.partial.contains(tile) {
                continue;
            }
            self.files.write(&tile.path(), &tile::encode(hashes))?;
            if tile.level() == 0
                && let Ok(bundle) = Bundle::new(tile.index(), tile.width())
                && let Ok(bytes) = tile::encode_entries(self.edge.leaves())
            {
                self.files.write(&bundle.path(), &bytes)?;
            }
        }
        self.partial = tiles.into_iter().map(|(tile, _)| tile).collect();
        Ok(())
    }

    /// Signs the tree as it is.
    fn publish(&mut self) -> Result<(), Error> {
        self.write_partial()?;
        let published = sign(Arc::new(self.edge.clone()), &self.signer, &self.files)?;
        let _writing = self
            .shared
            .cosigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.files.write(CHECKPOINT, &published.note)?;
        self.shared.published.send_replace(published);
        Ok(())
    }

    /// Now and then: the state that was remembered last time is saved, and this one remembered.
    ///
    /// No tile is synced here: each sync would have the exchanges wait for the disk. The system has
    /// written those of the state being saved by itself since; should a power cut take one all the
    /// same, that shows when it is read, and it is made anew.
    fn save_now_and_then(&mut self) -> Result<(), Error> {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds < self.rounds_max {
            return Ok(());
        }
        self.rounds = 0;
        if let Some(aged) = &self.aging {
            let published = aged.published.clone();
            self.save(&published)?;
        }
        self.age();
        Ok(())
    }

    /// Remembers the state signed last, to be saved later; nothing, when it is the saved one.
    fn age(&mut self) {
        let published = self.shared.published.borrow().clone();
        let names = std::mem::take(&mut self.fresh);
        let saved = self.saved == Some(published.edge.size());
        self.aging = (!saved).then_some(State { published, names });
    }

    /// At the end everything is made durable.
    fn save_all(&mut self) -> Result<(), Error> {
        let published = self.shared.published.borrow().clone();
        if self.saved == Some(published.edge.size()) {
            return Ok(());
        }
        let aging = self.aging.take().map(|state| state.names);
        let mut names = aging.unwrap_or_default();
        names.append(&mut self.fresh);
        let newest = names.split_off(names.len().saturating_sub(SYNCED_AT_END_MAX));
        self.files.sync(newest)?;
        self.files.sync([CHECKPOINT.to_owned()])?;
        self.save(&published)
    }

    /// A restart goes on from here.
    fn save(&mut self, published: &Published) -> Result<(), Error> {
        let synced = Synced {
            note: published.note.to_vec(),
            edge: Edge::clone(&published.edge),
        };
        file::replace(&self.files.path(SYNCED), &synced.encode())?;
        self.saved = Some(published.edge.size());
        Ok(())
    }
}

struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0
            .published
            .send_modify(|published| published.is_last = true);
    }
}

impl Published {
    fn of(edge: Arc<Edge>, signed: &Opened) -> Self {
        Self {
            is_last: false,
            edge,
            root: *signed.checkpoint().root(),
            text: signed.note().text().to_owned(),
            note: signed.note().to_bytes().into(),
        }
    }
}

fn sign(edge: Arc<Edge>, signer: &Signer, files: &Files) -> Result<Published, Error> {
    let root = edge.root();
    let note = Checkpoint::new(signer.name(), edge.size(), root)
        .and_then(|checkpoint| checkpoint.sign(signer))
        .map_err(|error| Error::Checkpoint {
            path: files.path(CHECKPOINT),
            reason: error.to_string(),
        })?;
    Ok(Published {
        is_last: false,
        edge,
        root,
        text: note.text().to_owned(),
        note: note.to_bytes().into(),
    })
}

/// How many leaves may wait.
const QUEUE_MAX: usize = 1 << 16;
/// So many leaves do not wait any longer.
const WAKE_AT: usize = 1 << 14;
/// How often a state is saved. It is as old then: more than the system takes to write files.
const SAVE_EVERY: Duration = match cfg!(test) {
    false => Duration::from_secs(30),
    true => Duration::from_millis(5),
};
/// How many files are synced at the end at most: those before them are old enough.
const SYNCED_AT_END_MAX: usize = 2048;

#[cfg(test)]
impl Inbox {
    /// As when there had been no room for some.
    pub(super) fn forget_some(&self) {
        let mut queue = self.queue();
        queue
            .leaves
            .retain(|(position, _)| position.ordinal % 100 < 50);
    }
}
