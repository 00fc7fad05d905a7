//! The transparency log of a node: a Merkle tree over all entries of its log, on disk in the C2SP
//! `tlog-tiles` layout, with signed checkpoints.
//!
//! The data of leaf *n* − 1 is SHA-256 of the stored bytes of entry *n*: the digest that the chain of
//! the segments goes over, too. Entries are salted, so the digest tells nothing of what they hold,
//! and it stays when a payload is erased: so does every proof.
//!
//! In the folder `tree/` of a log: `checkpoint` is the latest signed note, `tile/…` are its tiles,
//! `cosigned`, `cosigned-2`, … are the latest checkpoints with cosignatures of so many witnesses. Tiles
//! and checkpoint can be made again from the segments, later cosignatures stand for earlier records,
//! too; what is read is checked first, and none of it is synced while exchanges go on. `synced` holds
//! a signed state of some seconds ago, durably: a restart goes on from there, and holds the result
//! against every checkpoint that it finds. A checkpoint is signed over durable entries only, so it
//! holds whatever happens to the process or the power. Who can change these files can make the node
//! refuse to start. Who takes all of them away, and the segments too, or puts older ones in their
//! place, has it begin anew, and sign what contradicts what it signed before: that shows to whoever
//! has kept a checkpoint, which is what witnesses are for.
//!
//! * `edge`: the partial tiles at the right, from which the root is made
//! * `files`: the folder
//! * `leaves`: the digests as the segments give them
//! * `view`: tiles and proofs, checked up to the edge
//! * `cosigned`: the checkpoints that witnesses have cosigned
//! * `begin`: what opening does
//! * `grow`: the thread
//! * `synced`: the bytes of the file of that name
//! * `offline`: reading without owning

mod begin;
mod cosigned;
mod edge;
mod error;
mod files;
mod grow;
mod leaves;
mod offline;
mod synced;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use gateway_store::segment::Observer;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::{self, Log};
use gateway_tlog::note::{Note, Signature, Signer, Verifier};
use gateway_tlog::proof::Proof;
use gateway_tlog::tile::{self, Resource};

pub use error::Error;
pub use offline::{Checked, Offline};

use self::cosigned::file_name;
use self::edge::Edge;
use self::files::{CHECKPOINT, Files};
use self::grow::{Growing, Inbox, Published, Shared};
use self::view::View;

/// How a tree is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Signs the checkpoints; its name is the origin of the log.
    pub signer: Arc<Signer>,
    /// The keys that signed them before, under the same name. What they signed binds the log further;
    /// nothing new is signed by them.
    pub former: Vec<Verifier>,
    /// How long a new entry waits at most for a checkpoint that covers it.
    pub interval: Duration,
}

impl Options {
    /// With a checkpoint each second while entries come.
    #[must_use]
    pub fn new(signer: Arc<Signer>) -> Self {
        Self {
            signer,
            former: Vec::new(),
            interval: Duration::from_secs(1),
        }
    }
}

/// The tree of a running node. Its methods that return proofs or files read files: they block.
pub struct Tree {
    files: Files,
    segments: PathBuf,
    log: Log,
    inbox: Arc<Inbox>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the committer tells; made before the log is opened.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    inbox: Arc<Inbox>,
}

impl Feed {
    /// The observer for the log, which tells another one, too.
    pub(crate) fn observer_beside(&self, mut other: Observer) -> Observer {
        let mut observer = self.inbox.observer();
        Box::new(move |batch| {
            observer(batch);
            other(batch);
        })
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("origin", &self.log.origin())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

impl Tree {
    /// Brings the tree in `dir` up to the log, which has so many records and was opened with the
    /// observer of this feed.
    pub(crate) fn start(
        dir: &Path,
        segments: &Path,
        records: u64,
        options: &Options,
        feed: Feed,
    ) -> Result<Self, Error> {
        let files = Files::open(dir)?;
        let keys = std::iter::once(options.signer.verifier()).chain(&options.former);
        let log = Log::new(options.signer.name(), keys.cloned().collect()).map_err(|error| {
            Error::Checkpoint {
                path: files.path(CHECKPOINT),
                reason: error.to_string(),
            }
        })?;
        let begun = begin::begin(&files, segments, records, &log)?;
        let Feed { inbox } = feed;
        let interval = options.interval.max(INTERVAL_MIN);
        let growing = Growing::new(&files, segments, &options.signer, interval, &inbox, begun)?;
        let shared = growing.shared();
        let thread = std::thread::Builder::new()
            .name("log-tree".to_owned())
            .spawn(move || growing.run(interval))
            .map_err(|source| Error::io("start a thread for", dir, source))?;
        Ok(Self {
            files,
            segments: segments.to_owned(),
            log,
            inbox,
            shared,
            thread: Some(thread),
        })
    }

    /// The log as others know it: its origin, the key that signs for it, and those that did before.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// How many entries the latest checkpoint covers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.shared.published.borrow().edge.size()
    }

    /// The root in the latest checkpoint.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.shared.published.borrow().root
    }

    /// The latest checkpoint, a signed note; with cosignatures as far as they have come.
    #[must_use]
    pub fn checkpoint(&self) -> Bytes {
        self.shared.published.borrow().note.clone()
    }

    /// The latest checkpoint that has cosignatures; `None` when none ever had.
    #[must_use]
    pub fn cosigned_checkpoint(&self) -> Option<Bytes> {
        self.cosigned_by(1)
    }

    /// The latest checkpoint that has cosignatures of at least so many witnesses; `None` when none
    /// ever had.
    #[must_use]
    pub fn cosigned_by(&self, count: usize) -> Option<Bytes> {
        let cosigned = self
            .shared
            .cosigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let opened = cosigned.by(count)?;
        Some(opened.note().to_bytes().into())
    }

    /// Why the tree does not grow now; `None`: it does.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        self.shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The data of the leaf of an entry: SHA-256 of its stored bytes.
    ///
    /// # Errors
    /// No checkpoint covers it, or it cannot be read.
    pub fn leaf(&self, ordinal: u64) -> Result<Hash, Error> {
        self.view(&self.edge()).leaf(ordinal)
    }

    /// The proof that an entry is in the tree of this size, not more than that of the latest
    /// checkpoint. It was verified.
    ///
    /// # Errors
    /// It is not in such a tree, or the tree cannot be read.
    pub fn inclusion(&self, ordinal: u64, size: u64) -> Result<Vec<Hash>, Error> {
        self.view(&self.edge()).inclusion(ordinal, size)
    }

    /// The proof that the tree of one size is a beginning of the tree of another, not more than that
    /// of the latest checkpoint. It was verified.
    ///
    /// # Errors
    /// The first is the larger one, or the tree cannot be read.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, Error> {
        self.view(&self.edge()).consistency(old, new)
    }

    /// The root of the tree when it had this size.
    ///
    /// # Errors
    /// It never had, or the tree cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Hash, Error> {
        self.view(&self.edge()).root(size)
    }

    /// A file that proves that an entry is in the tree: under the latest checkpoint with
    /// cosignatures that covers it, or else under the latest one.
    ///
    /// # Errors
    /// No checkpoint covers it yet, or the tree cannot be read.
    pub fn prove(&self, ordinal: u64) -> Result<Proof, Error> {
        let published = self.published();
        let cosigned = self
            .shared
            .cosigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .latest()
            .cloned()
            .filter(|opened| {
                let size = opened.checkpoint().size();
                ordinal <= size && size <= published.edge.size()
            });
        let (size, note) = match cosigned {
            Some(opened) => (opened.checkpoint().size(), opened.note().to_bytes()),
            None => (published.edge.size(), published.note.to_vec()),
        };
        let hashes = self.view(&published.edge).inclusion(ordinal, size)?;
        proof_file(ordinal, hashes, &note)
    }

    /// A file by its C2SP path: `checkpoint`, a tile, or a bundle of entries; `None` when the latest
    /// checkpoint has none of this path.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&self, path: &str) -> Result<Option<Bytes>, Error> {
        let Ok(resource) = Resource::from_path(path) else {
            return Ok(None);
        };
        let published = self.published();
        let view = self.view(&published.edge);
        match resource {
            Resource::Checkpoint => Ok(Some(published.note)),
            Resource::Hashes(tile) => {
                let hashes = view.tile(&tile)?;
                Ok(hashes.map(|hashes| tile::encode(&hashes).into()))
            }
            Resource::Entries(bundle) => {
                let leaves = view.bundle(&bundle)?;
                Ok(leaves
                    .and_then(|leaves| tile::encode_entries(&leaves).ok())
                    .map(Bytes::from))
            }
        }
    }

    /// Takes cosignatures on a checkpoint that this tree has given; the caller has verified them.
    /// They stay with that checkpoint until a later one has as many. False: a later one has already.
    ///
    /// # Errors
    /// The checkpoint is not ours, or there are too many signatures, or they cannot be written.
    pub fn cosigned(&self, checkpoint: &[u8], lines: &[Signature]) -> Result<bool, Error> {
        let refused = |reason: String| Error::Cosignature { reason };
        let opened =
            checkpoint::open(checkpoint, &self.log).map_err(|error| refused(error.to_string()))?;
        if opened.checkpoint().size() > self.size() {
            return Err(refused("this tree never was so large".to_owned()));
        }
        let mut cosigned = self
            .shared
            .cosigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut note = opened.note().clone();
        if let Some(before) = cosigned.of_text(note.text()) {
            note = merged(before.note(), note.signatures()).map_err(refused)?;
        }
        let note = merged(&note, lines).map_err(refused)?;
        let bytes = Bytes::from(note.to_bytes());
        let opened =
            checkpoint::open_note(note, &self.log).map_err(|error| refused(error.to_string()))?;
        let places = cosigned.places(&opened, &self.log);
        if places.is_empty() {
            return Ok(false);
        }
        for count in &places {
            self.files.write(&file_name(*count), &bytes)?;
        }
        cosigned.put(&places, &opened);
        if self.shared.published.borrow().text == opened.note().text() {
            self.files.write(CHECKPOINT, &bytes)?;
            self.shared
                .published
                .send_modify(|published| published.note = bytes);
        }
        Ok(true)
    }

    /// Waits for a checkpoint that covers so many entries.
    ///
    /// # Errors
    /// The tree is no longer kept.
    pub async fn wait_for(&self, size: u64) -> Result<(), Error> {
        let mut published = self.shared.published.subscribe();
        let reached = published
            .wait_for(|published| published.is_last || published.edge.size() >= size)
            .await;
        match reached {
            Ok(published) if published.edge.size() >= size => Ok(()),
            Ok(_) | Err(_) => Err(Error::Stopped),
        }
    }

    fn published(&self) -> Published {
        self.shared.published.borrow().clone()
    }

    fn edge(&self) -> Arc<Edge> {
        Arc::clone(&self.shared.published.borrow().edge)
    }

    fn view<'a>(&'a self, edge: &'a Edge) -> View<'a> {
        View::new(&self.files, &self.segments, edge, true)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.inbox.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the tree had panicked");
        }
    }
}

fn proof_file(ordinal: u64, hashes: Vec<Hash>, note: &[u8]) -> Result<Proof, Error> {
    let refused = |reason: String| Error::ProofRefused { reason };
    let note = Note::parse(note).map_err(|error| refused(error.to_string()))?;
    Proof::new(ordinal.saturating_sub(1), hashes, note).map_err(|error| refused(error.to_string()))
}

/// A note with more signatures; a later one of a key takes the place of an earlier one.
fn merged(note: &Note, lines: &[Signature]) -> Result<Note, String> {
    let is_replaced = |old: &Signature| {
        lines
            .iter()
            .any(|line| line.name() == old.name() && line.id() == old.id())
    };
    let mut text = format!("{}\n", note.text());
    let kept = note
        .signatures()
        .iter()
        .filter(|old| !is_replaced(old))
        .chain(lines);
    for line in kept {
        text.push_str(&line.to_line());
    }
    Note::parse(text.as_bytes()).map_err(|error| error.to_string())
}

/// Where the tree lies in the folder of a log.
pub(crate) const TREE: &str = "tree";
const INTERVAL_MIN: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
