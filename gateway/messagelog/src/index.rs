//! Look-up of entries by number, ids, time and party. Only a help: the segments are the truth.
//!
//! A thread of its own writes what the committer tells it, in batches. When it cannot keep up, when
//! the process died, or when the file is lost or of another form, it reads the segments from where it
//! was. Ids and parties stand in the index as they are, also where the log is sealed.
//!
//! * `thread`: what keeps the index up to date
//! * `trees`: what stands in the file

mod thread;
mod trees;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use gateway_store::segment::{Observer, Position};
use gateway_store::tree::{ReadTx, Store};

use self::thread::Indexing;
use self::trees::{Indexed, at, at_or_before, messages_in, stamp_over, unpurged};
pub(crate) use self::trees::{Mark, Stretch, by_client, by_id, by_service, by_time, indexed};
use crate::record::Keys;
use crate::retention::Found;
use crate::stamps::State;
use crate::{Error, Protection};

/// The index of a log, and the way to the thread that writes it.
#[derive(Debug)]
pub(crate) struct Index {
    commands: Option<SyncSender<Command>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread tells.
#[derive(Debug, Default)]
struct Shared {
    /// Set once the file is open.
    store: Mutex<Option<Store>>,
    /// Everything up to this number is in the file.
    indexed_until: AtomicU64,
    /// Bytes of batches that the thread has not taken yet.
    queued_bytes: AtomicUsize,
    /// The process is about to end: what takes long is left to the next one.
    ending: AtomicBool,
}

/// What the committer tells; made before the log is opened.
pub(crate) struct Feed {
    sender: SyncSender<Command>,
    receiver: Receiver<Command>,
    shared: Arc<Shared>,
}

/// What the thread must know.
pub(crate) struct Start {
    /// The file of the index.
    pub(crate) path: PathBuf,
    pub(crate) segments: PathBuf,
    /// The end of the log when it was opened.
    pub(crate) last_ordinal: u64,
    /// What had been erased then.
    pub(crate) erased: Vec<Stretch>,
    pub(crate) protection: Option<Protection>,
    /// Told how far time-stamping had come.
    pub(crate) stamping: Arc<State>,
    /// Looks for contents that no entry names.
    pub(crate) found: Arc<Found>,
}

enum Command {
    /// Committed records.
    Batch(Vec<(Position, Bytes)>),
    /// Write everything up to this number, then answer.
    Flush(u64, SyncSender<Result<(), Error>>),
    /// Remove the entries of an erased segment, then answer.
    Purge(Stretch, Vec<Indexed>, SyncSender<Result<(), Error>>),
    /// Remove what is left of erased segments, whose entries are not known, then answer.
    Sweep(Vec<Stretch>, SyncSender<Result<(), Error>>),
}

impl Feed {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = sync_channel(BATCHES_MAX);
        Self {
            sender,
            receiver,
            shared: Arc::default(),
        }
    }

    /// The observer for the log. What does not fit is left out: the thread finds the gap.
    pub(crate) fn observer(&self) -> Observer {
        let sender = self.sender.clone();
        let shared = Arc::clone(&self.shared);
        Box::new(move |batch| {
            let queued_bytes = &shared.queued_bytes;
            let bytes = batch.iter().map(|committed| committed.payload.len()).sum();
            if queued_bytes.load(Ordering::Relaxed) > QUEUED_BYTES_MAX {
                return;
            }
            queued_bytes.fetch_add(bytes, Ordering::Relaxed);
            let told = batch
                .iter()
                .map(|committed| (committed.position, committed.payload.clone()))
                .collect();
            match sender.try_send(Command::Batch(told)) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                }
            }
        })
    }
}

impl Index {
    /// Starts the thread, and waits a moment for it to be up to date. The log must have been opened
    /// with the observer of this feed.
    pub(crate) fn start(start: Start, feed: Feed) -> Result<Self, Error> {
        let Feed {
            sender,
            receiver,
            shared,
        } = feed;
        let path = start.path.clone();
        let indexing = Indexing::new(start, Arc::clone(&shared));
        let (begun, up_to_date) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("log-index".to_owned())
            .spawn(move || indexing.run(&receiver, &begun))
            .map_err(|source| Error::content("start a thread for", &path, source))?;
        // Mostly there is little to do. Otherwise it goes on in the background.
        let _ = up_to_date.recv_timeout(START_WAIT);
        Ok(Self {
            commands: Some(sender),
            shared,
            thread: Some(thread),
        })
    }

    /// Waits until the entries up to this number can be found. It blocks.
    pub(crate) fn flush(&self, until: u64) -> Result<(), Error> {
        self.ask(|answer| Command::Flush(until, answer))
    }

    /// The places of all entries up to this number with this query id or REST request id, in order.
    /// It blocks.
    pub(crate) fn find(&self, id: &str, until: u64) -> Result<Vec<Position>, Error> {
        self.reach(until)?;
        self.read(|tx| by_id(tx, id))
    }

    /// The place of a durable entry; `None` when it is damaged or was erased. It blocks.
    pub(crate) fn at(&self, ordinal: u64) -> Result<Option<Position>, Error> {
        self.reach(ordinal)?;
        self.read(|tx| at(tx, ordinal))
    }

    /// The place of the last entry up to this number that is known. It blocks.
    pub(crate) fn at_or_before(&self, ordinal: u64) -> Result<Option<Position>, Error> {
        self.read(|tx| at_or_before(tx, ordinal))
    }

    /// The place of the time stamp whose stretch a message is in, if the stamp is among the entries
    /// up to `last`. It blocks.
    pub(crate) fn stamp_over(&self, ordinal: u64, last: u64) -> Result<Option<Position>, Error> {
        self.reach(last)?;
        self.read(|tx| stamp_over(tx, ordinal))
    }

    /// How many messages are known among these durable entries, also of those that are damaged now.
    /// It blocks.
    pub(crate) fn messages_in(&self, entries: &RangeInclusive<u64>) -> Result<u64, Error> {
        self.reach(*entries.end())?;
        self.read(|tx| messages_in(tx, entries))
    }

    /// Forgets the entries of an erased segment. It blocks.
    pub(crate) fn purge(
        &self,
        stretch: Stretch,
        entries: Vec<(Position, Option<Keys>)>,
    ) -> Result<(), Error> {
        self.ask(|answer| Command::Purge(stretch, entries, answer))
    }

    /// Forgets what is left of erased segments. Quick when nothing is. It blocks.
    pub(crate) fn sweep(&self, erased: Vec<Stretch>) -> Result<(), Error> {
        match self.read(|tx| unpurged(tx, &erased))?.is_empty() {
            true => Ok(()),
            false => self.ask(|answer| Command::Sweep(erased, answer)),
        }
    }

    /// What would take long is given up: the next process goes on with it.
    pub(crate) fn end_soon(&self) {
        self.shared.ending.store(true, Ordering::Relaxed);
    }

    /// Waits until the entries up to this number can be found.
    fn reach(&self, ordinal: u64) -> Result<(), Error> {
        match self.shared.indexed_until.load(Ordering::Acquire) >= ordinal {
            true => Ok(()),
            false => self.flush(ordinal),
        }
    }

    fn ask(
        &self,
        command: impl FnOnce(SyncSender<Result<(), Error>>) -> Command,
    ) -> Result<(), Error> {
        let (sender, receiver) = sync_channel(1);
        let commands = self.commands.as_ref().ok_or(Error::Interrupted)?;
        commands
            .send(command(sender))
            .map_err(|_| Error::Interrupted)?;
        receiver.recv().map_err(|_| Error::Interrupted)?
    }

    fn read<T>(
        &self,
        f: impl FnOnce(&ReadTx) -> Result<T, gateway_store::Error>,
    ) -> Result<T, Error> {
        let store = self.shared.store();
        Ok(store.ok_or(Error::Interrupted)?.read(f)?)
    }
}

impl Shared {
    fn store(&self) -> Option<Store> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.clone()
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    fn set_store(&self, store: Option<Store>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.end_soon();
        // The committer's end is gone already: this was the last.
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the index thread of the log had panicked");
        }
    }
}

const BATCHES_MAX: usize = 1024;
const QUEUED_BYTES_MAX: usize = 16 << 20;
/// How long opening a log waits for its index.
const START_WAIT: Duration = Duration::from_millis(500);
