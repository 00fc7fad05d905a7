//! Look-up of entries by ids, time and party. Only a help: the segments are the truth.
//!
//! A thread of its own writes what the committer tells it, in batches. When it cannot keep up, when
//! the process died, or when the file is lost, it reads the segments from where it was.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_store::segment::{Log, Observer, Position, Scan};
use gateway_store::tree::{Store, Tree};
use jiff::Timestamp;

use crate::Error;
use crate::record::{Keys, keys};

/// The index of a log, and the way to the thread that writes it.
#[derive(Debug)]
pub(crate) struct Index {
    commands: Option<SyncSender<Command>>,
    /// Set by the thread once the file is open.
    store: Arc<Mutex<Option<Store>>>,
    thread: Option<JoinHandle<()>>,
}

/// What the committer tells; made before the log is opened.
pub(crate) struct Feed {
    sender: SyncSender<Command>,
    receiver: Receiver<Command>,
    queued_bytes: Arc<AtomicUsize>,
}

enum Command {
    /// Committed records.
    Batch(Vec<(Position, Bytes)>),
    /// Write everything up to now, then answer.
    Flush(SyncSender<Result<(), Error>>),
}

impl Feed {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = sync_channel(BATCHES_MAX);
        Self {
            sender,
            receiver,
            queued_bytes: Arc::default(),
        }
    }

    /// The observer for the log. What does not fit is left out: the thread finds the gap.
    pub(crate) fn observer(&self) -> Observer {
        let sender = self.sender.clone();
        let queued_bytes = Arc::clone(&self.queued_bytes);
        Box::new(move |batch| {
            let bytes = batch.iter().map(|(_, bytes)| bytes.len()).sum();
            if queued_bytes.load(Ordering::Relaxed) > QUEUED_BYTES_MAX {
                return;
            }
            queued_bytes.fetch_add(bytes, Ordering::Relaxed);
            match sender.try_send(Command::Batch(batch.to_vec())) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                }
            }
        })
    }
}

impl Index {
    /// Starts the thread. The log must have been opened with the observer of this feed.
    pub(crate) fn start(
        path: &Path,
        segments: &Path,
        log: &Log,
        feed: Feed,
    ) -> Result<Self, Error> {
        let Feed {
            sender,
            receiver,
            queued_bytes,
        } = feed;
        let store = Arc::new(Mutex::new(None));
        let indexing = Indexing {
            path: path.to_owned(),
            segments: segments.to_owned(),
            last_ordinal: log.last_ordinal(),
            queued_bytes,
            shared: Arc::clone(&store),
            store: None,
            indexed: None,
            pending: Pending::default(),
        };
        let thread = std::thread::Builder::new()
            .name("log-index".to_owned())
            .spawn(move || indexing.run(&receiver))
            .map_err(|source| Error::content("start a thread for", path, source))?;
        Ok(Self {
            commands: Some(sender),
            store,
            thread: Some(thread),
        })
    }

    /// The places of all entries with this query id or REST request id, in order. It blocks.
    pub(crate) fn find(&self, id: &str) -> Result<Vec<Position>, Error> {
        let (sender, receiver) = sync_channel(1);
        let commands = self.commands.as_ref().ok_or(Error::Interrupted)?;
        commands
            .send(Command::Flush(sender))
            .map_err(|_| Error::Interrupted)?;
        receiver.recv().map_err(|_| Error::Interrupted)??;
        let store = self
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let store = store.ok_or(Error::Interrupted)?;
        let mut found = Vec::new();
        store.read(|tx| {
            for tree in [BY_MESSAGE, BY_REQUEST] {
                for pair in tx.prefix(tree, text_prefix(id))? {
                    let (key, value) = pair?;
                    found.extend(position_of(&key, &value));
                }
            }
            Ok(())
        })?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // The committer's end is gone already: this was the last.
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the index thread of the log had panicked");
        }
    }
}

/// Entries to be written, by their keys: their bytes are let go.
#[derive(Default)]
struct Pending {
    keys: Vec<(Position, Keys)>,
    count: usize,
    last: Option<(Position, Bytes)>,
}

impl Pending {
    fn push(&mut self, position: Position, bytes: Bytes) {
        match keys(&bytes) {
            Ok(keys) => self.keys.push((position, keys)),
            Err(error) => {
                let ordinal = position.ordinal;
                tracing::error!(%error, ordinal, "a record is not in the index");
            }
        }
        self.count = self.count.saturating_add(1);
        self.last = Some((position, bytes));
    }
}

/// The state of the index thread.
struct Indexing {
    path: PathBuf,
    segments: PathBuf,
    /// The end of the log when it was opened.
    last_ordinal: u64,
    queued_bytes: Arc<AtomicUsize>,
    shared: Arc<Mutex<Option<Store>>>,
    store: Option<Store>,
    /// The last place that is in the index.
    indexed: Option<Position>,
    /// To be written: in order and without a gap behind `indexed`.
    pending: Pending,
}

impl Indexing {
    fn run(mut self, commands: &Receiver<Command>) {
        if let Err(error) = self.open().and_then(|()| self.catch_up(self.last_ordinal)) {
            tracing::error!(%error, "the index of the log cannot be opened; look-up will try again");
        }
        loop {
            let wait = if self.pending.count == 0 {
                IDLE
            } else {
                SETTLE
            };
            match commands.recv_timeout(wait) {
                Ok(Command::Batch(batch)) => {
                    let bytes = batch.iter().map(|(_, bytes)| bytes.len()).sum();
                    self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                    self.take(batch);
                }
                Ok(Command::Flush(answer)) => {
                    // Whoever asked may have gone.
                    let _ = answer.send(self.flush());
                }
                Err(RecvTimeoutError::Timeout) => self.write_quietly(),
                Err(RecvTimeoutError::Disconnected) => return self.write_quietly(),
            }
        }
    }

    fn take(&mut self, batch: Vec<(Position, Bytes)>) {
        for (position, bytes) in batch {
            let last = self.pending.last.as_ref().map(|(position, _)| *position);
            let last = last.or(self.indexed).map_or(0, |position| position.ordinal);
            if position.ordinal == last.saturating_add(1) {
                self.pending.push(position, bytes);
            } else if position.ordinal > last {
                self.write_quietly();
                if let Err(error) = self.catch_up(position.ordinal) {
                    tracing::warn!(%error, "the index of the log is behind");
                    return;
                }
            }
        }
        if self.pending.count >= PENDING_MAX {
            self.write_quietly();
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.store.is_none() {
            self.open()?;
        }
        self.write()?;
        // Also what the queue had no room for.
        self.catch_up(u64::MAX)
    }

    fn write_quietly(&mut self) {
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the index of the log could not be written");
            // The segments have it: it is read from there next time.
            self.pending = Pending::default();
        }
    }

    fn write(&mut self) -> Result<(), Error> {
        let Some((position, bytes)) = &self.pending.last else {
            return Ok(());
        };
        let store = self.store.as_ref().ok_or(Error::Interrupted)?;
        write(store, &self.pending.keys, position, bytes)?;
        self.indexed = Some(*position);
        self.pending = Pending::default();
        Ok(())
    }

    /// Reads the segments from the last indexed place up to an ordinal, or to their durable end.
    fn catch_up(&mut self, last: u64) -> Result<(), Error> {
        if self.indexed.map_or(0, |position| position.ordinal) >= last || self.store.is_none() {
            return Ok(());
        }
        let scan = match self.indexed {
            Some(position) => Scan::open_from(&self.segments, position)?,
            None => Scan::open(&self.segments)?,
        };
        let done = self.indexed.map_or(0, |position| position.ordinal);
        for item in scan {
            match item {
                Ok((position, _)) if position.ordinal <= done => {}
                Ok((position, bytes)) => {
                    self.pending.push(position, bytes);
                    if self.pending.count >= PENDING_MAX {
                        self.write()?;
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
            Err(error) if self.path.exists() => {
                tracing::warn!(%error, "the index of the log cannot be read and is built anew");
                self.anew()?
            }
            Err(error) => return Err(error.into()),
        };
        let (store, indexed) = match self.indexed_in(&store)? {
            Standing::At(position) => (store, position),
            Standing::Foreign => {
                tracing::warn!("the index does not belong to the log and is built anew");
                drop(store);
                (self.anew()?, None)
            }
        };
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(store.clone());
        self.indexed = indexed;
        self.store = Some(store);
        Ok(())
    }

    fn anew(&self) -> Result<Store, Error> {
        std::fs::remove_file(&self.path)
            .map_err(|source| Error::content("remove", &self.path, source))?;
        Ok(Store::open(&self.path)?)
    }

    /// Where the index stands, if the log still has there what it had.
    fn indexed_in(&self, store: &Store) -> Result<Standing, Error> {
        let Some(value) = store.read(|tx| tx.get(META, INDEXED))? else {
            return Ok(Standing::At(None));
        };
        let Some((position, digest)) = value.split_at_checked(POSITION_BYTES) else {
            return Ok(Standing::Foreign);
        };
        let Some(position) = decode_position(position) else {
            return Ok(Standing::Foreign);
        };
        match Scan::open_from(&self.segments, position)?.next() {
            Some(Ok((found, bytes))) if found == position && fingerprint(&bytes) == digest => {
                Ok(Standing::At(Some(position)))
            }
            _ => Ok(Standing::Foreign),
        }
    }
}

enum Standing {
    At(Option<Position>),
    Foreign,
}

/// Writes entries and how far the index goes, together.
fn write(
    store: &Store,
    entries: &[(Position, Keys)],
    last: &Position,
    bytes: &Bytes,
) -> Result<(), Error> {
    let mut indexed = encode_position(last);
    indexed.extend_from_slice(&fingerprint(bytes));
    store.write(|tx| {
        for (tree, key) in KEYS_OF_TREES {
            let mut pairs: Vec<_> = entries
                .iter()
                .filter_map(|(position, keys)| Some((key(keys)?, position)))
                .map(|(mut key, position)| {
                    key.extend_from_slice(&position.ordinal.to_be_bytes());
                    let mut value = position.segment.to_be_bytes().to_vec();
                    value.extend_from_slice(&position.offset.to_be_bytes());
                    (key, value)
                })
                .collect();
            pairs.sort_unstable();
            tx.put_all(tree, pairs)?;
        }
        tx.put(META, INDEXED, &indexed)
    })?;
    Ok(())
}

/// A text as the first part of a key: no key of another text begins with it. Very long texts share
/// keys; whoever looks them up compares the entries.
fn text_prefix(text: &str) -> Vec<u8> {
    let text = text.as_bytes();
    let kept = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
    let mut key = u16::try_from(kept.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes()
        .to_vec();
    key.extend_from_slice(kept);
    key
}

fn time_prefix(time: Timestamp) -> Vec<u8> {
    // Seconds in the order of numbers, also before 1970.
    let seconds = time.as_second().wrapping_sub(i64::MIN).cast_unsigned();
    seconds.to_be_bytes().to_vec()
}

fn position_of(key: &[u8], value: &[u8]) -> Option<Position> {
    let (_, ordinal) = key.split_last_chunk()?;
    let (segment, offset) = value.split_first_chunk()?;
    Some(Position {
        ordinal: u64::from_be_bytes(*ordinal),
        segment: u64::from_be_bytes(*segment),
        offset: u64::from_be_bytes(offset.try_into().ok()?),
    })
}

fn encode_position(position: &Position) -> Vec<u8> {
    [position.ordinal, position.segment, position.offset]
        .map(u64::to_be_bytes)
        .concat()
}

fn decode_position(bytes: &[u8]) -> Option<Position> {
    let (ordinal, rest) = bytes.split_first_chunk()?;
    let (segment, offset) = rest.split_first_chunk()?;
    Some(Position {
        ordinal: u64::from_be_bytes(*ordinal),
        segment: u64::from_be_bytes(*segment),
        offset: u64::from_be_bytes(offset.try_into().ok()?),
    })
}

fn fingerprint(bytes: &[u8]) -> Vec<u8> {
    Digest::of(DigestAlgorithm::Sha256, bytes)
        .as_bytes()
        .to_vec()
}

type KeyOf = fn(&Keys) -> Option<Vec<u8>>;

const BY_MESSAGE: Tree = Tree::new("by-message");
const BY_REQUEST: Tree = Tree::new("by-request");
const BY_TIME: Tree = Tree::new("by-time");
const BY_CLIENT: Tree = Tree::new("by-client");
const BY_SERVICE: Tree = Tree::new("by-service");
const META: Tree = Tree::new("meta");
const INDEXED: &str = "indexed";

const KEYS_OF_TREES: [(Tree, KeyOf); 5] = [
    (BY_MESSAGE, |keys| {
        keys.message_id.as_deref().map(text_prefix)
    }),
    (BY_REQUEST, |keys| {
        keys.request_id.as_deref().map(text_prefix)
    }),
    (BY_TIME, |keys| Some(time_prefix(keys.time))),
    (BY_CLIENT, |keys| {
        keys.client
            .as_ref()
            .map(|client| text_prefix(&client.to_string()))
    }),
    (BY_SERVICE, |keys| {
        keys.service
            .as_ref()
            .map(|service| text_prefix(&service.to_string()))
    }),
];

const POSITION_BYTES: usize = 24;
const TEXT_BYTES_MAX: usize = 512;
const BATCHES_MAX: usize = 1024;
const QUEUED_BYTES_MAX: usize = 16 << 20;
const PENDING_MAX: usize = 4096;
/// How long a batch waits for more.
const SETTLE: Duration = Duration::from_millis(250);
const IDLE: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::{Position, Timestamp, decode_position, encode_position, text_prefix, time_prefix};

    #[test]
    fn a_place_comes_back_as_it_went() {
        let position = Position {
            ordinal: 5,
            segment: u64::MAX,
            offset: 68,
        };
        assert_eq!(decode_position(&encode_position(&position)), Some(position));
        assert_eq!(decode_position(&[0; 23]), None);
    }

    #[test]
    fn no_text_is_the_beginning_of_another_text_s_key() {
        let mut key = text_prefix("ab");
        key.extend_from_slice(&7_u64.to_be_bytes());
        assert!(key.starts_with(&text_prefix("ab")));
        assert!(!key.starts_with(&text_prefix("a")));
        assert!(!key.starts_with(&text_prefix("")));
    }

    #[test]
    fn times_sort_as_they_pass() {
        let times = [-9_000_000_000, -1, 0, 1, 9_000_000_000];
        let keys = times.map(|second| time_prefix(Timestamp::from_second(second).unwrap()));
        assert!(keys.is_sorted());
    }
}
