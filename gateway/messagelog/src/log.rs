//! The log of a running node.
//!
//! * `read`: finding entries by id and by number

mod read;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gateway_store::segment::{self, Log, Position};

pub use self::read::Bookmark;
use crate::bodies::Bodies;
use crate::content::Place;
use crate::index::{Feed, Index, Start};
use crate::protection::known;
use crate::record::encode_message;
use crate::refusals::Refusals;
use crate::retention::{self, ERASING, Found, Recent, erased_stretches};
use crate::stamps::{Ahead, State};
use crate::tree::{self, TREE, Tree};
use crate::{
    Content, Error, Protection, Record, Refusal, RefusalCounts, Spool, Stamp, audit, protection,
};

/// How a log behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The segments below.
    pub segment: segment::Options,
    /// The longest content kept in memory, and in the record itself.
    pub content_memory_bytes_max: usize,
    /// The longest content taken.
    pub content_bytes_max: u64,
    /// How many refusals may be on their way to the disk.
    pub refusal_queue_max: usize,
    /// How many refusals are stored in a second on average; ten seconds' worth at once.
    pub refusals_per_second_max: u32,
    /// The keys that seal records and contents; `None`: they are kept plain.
    pub protection: Option<Protection>,
    /// The transparency log over all entries; `None`: there is none.
    pub tree: Option<tree::Options>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment: segment::Options::default(),
            content_memory_bytes_max: 256 << 10,
            content_bytes_max: 10 << 30,
            refusal_queue_max: 256,
            refusals_per_second_max: 100,
            protection: None,
            tree: None,
        }
    }
}

/// The log of one node; cheap to clone. What is queued is committed when the last clone is dropped.
#[derive(Clone)]
pub struct MessageLog {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    // Fields are dropped in this order: the committer ends first and lets go of the index.
    pub(crate) log: Log,
    pub(crate) index: Index,
    tree: Option<Tree>,
    refusals: Refusals,
    pub(crate) bodies: Bodies,
    /// How far time-stamping has come.
    pub(crate) stamping: Arc<State>,
    /// One stamp is logged after the other.
    pub(crate) stamping_turn: tokio::sync::Mutex<()>,
    /// Messages read for the next stamp.
    pub(crate) ahead: Mutex<Ahead>,
    /// The stamp asked for last.
    pub(crate) last_stamp: Mutex<Option<Stamp>>,
    /// One erases at a time.
    pub(crate) erasing_turn: tokio::sync::Mutex<()>,
    /// Looks for contents that no record names.
    pub(crate) found: Arc<Found>,
    write_failure: Arc<WriteFailure>,
    keeper: audit::Keeper,
    dir: PathBuf,
    options: Options,
}

/// The failure of the last append, or of a content before it. Costs the path one look at a flag.
#[derive(Debug, Default)]
pub(crate) struct WriteFailure {
    is_set: AtomicBool,
    last: Mutex<Option<Error>>,
}

impl WriteFailure {
    fn tell(&self, appended: &Result<(), Error>) {
        match appended {
            Ok(()) if !self.is_set.load(Ordering::Relaxed) => {}
            Ok(()) => self.set(None),
            Err(error) if error.is_too_large() => {}
            Err(error) => self.set(Some(error.clone())),
        }
    }

    /// A content could not be kept: its message cannot be logged, either.
    pub(crate) fn met(&self, error: &Error) {
        if matches!(error, Error::Content { .. }) {
            self.set(Some(error.clone()));
        }
    }

    fn set(&self, failure: Option<Error>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_set.store(failure.is_some(), Ordering::Relaxed);
        *last = failure;
    }

    fn last(&self) -> Option<Error> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

impl fmt::Debug for MessageLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageLog")
            .field("dir", &self.inner.dir)
            .finish_non_exhaustive()
    }
}

impl MessageLog {
    /// Opens or begins the log in `dir`. A torn end is cut off; in the background the index is brought
    /// up to date, and contents that were never logged are looked for.
    ///
    /// # Errors
    /// The folder cannot be used, belongs to another process, holds damage, or was sealed with a key
    /// that is not given.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        gateway_store::file::create_secret_dir(dir)?;
        let segments = dir.join(SEGMENTS);
        let feed = Feed::new();
        // First: it tells whether another process owns the folder.
        let tree_feed = options.tree.as_ref().map(|_| tree::Feed::default());
        let observer = match &tree_feed {
            Some(tree_feed) => tree_feed.observer_beside(feed.observer()),
            None => feed.observer(),
        };
        let log = Log::open_observed(&segments, options.segment.clone(), observer)?;
        known::check(dir, options.protection.as_ref())?;
        let records = log.last_ordinal();
        let tree = match (&options.tree, tree_feed) {
            (Some(tree), Some(feed)) => Some(Tree::start(
                &dir.join(TREE),
                &segments,
                records,
                tree,
                feed,
            )?),
            _ => None,
        };
        let (bodies_dir, recent) = (dir.join(BODIES), Recent::begun());
        let bodies = Bodies::open(&bodies_dir, options.protection.clone(), recent.clone())?;
        retention::finish(dir, &log, &bodies);
        let stamping = Arc::default();
        let found = Arc::new(Found::new(&bodies_dir, recent, records == 0));
        let start = Start {
            path: dir.join(INDEX),
            segments,
            last_ordinal: log.last_ordinal(),
            erased: erased_stretches(&log.segments()?),
            protection: options.protection.clone(),
            stamping: Arc::clone(&stamping),
            found: Arc::clone(&found),
        };
        let index = Index::start(start, feed)?;
        Ok(Self {
            inner: Arc::new(Inner {
                log,
                index,
                tree,
                refusals: Refusals::new(&options),
                bodies,
                stamping,
                stamping_turn: tokio::sync::Mutex::default(),
                ahead: Mutex::default(),
                last_stamp: Mutex::default(),
                erasing_turn: tokio::sync::Mutex::default(),
                found,
                write_failure: Arc::default(),
                keeper: audit::Keeper::open(&dir.join(CONFIGURATIONS))?,
                dir: dir.to_owned(),
                options,
            }),
        })
    }

    /// Receives a body or attachment.
    #[must_use]
    pub fn spool(&self) -> Spool {
        let Options {
            content_memory_bytes_max,
            content_bytes_max,
            ..
        } = self.inner.options;
        Spool::new(
            self.inner.bodies.clone(),
            content_memory_bytes_max,
            content_bytes_max,
            Arc::clone(&self.inner.write_failure),
        )
    }

    /// Logs a message: record and contents are durable when this is ready with `Ok`. Dropping the
    /// future takes nothing back.
    ///
    /// # Errors
    /// Nothing was logged: the disk is full or failed, or the record is too long. The next call
    /// tries anew.
    pub async fn append(&self, record: Record) -> Result<(), Error> {
        let appended = self.append_record(record).await;
        self.inner.write_failure.tell(&appended);
        appended
    }

    async fn append_record(&self, record: Record) -> Result<(), Error> {
        let inline = |content: &Content| content.bytes().map_or(0, Bytes::len);
        let inline_bytes = record
            .attachments
            .iter()
            .map(|(_, content)| inline(content))
            .sum::<usize>();
        let has_files = record
            .attachments
            .iter()
            .any(|(_, content)| matches!(content.place(), Place::File(_)));
        if !has_files && inline_bytes <= INLINE_BYTES_MAX {
            let bytes = self.inner.stored(encode_message(&record))?;
            let told = self.inner.told(&record);
            self.inner.log.append_told(bytes, told).await?;
            return Ok(());
        }
        // In a task of its own: were it dropped between record and contents, a durable record
        // could name a content that goes away.
        let inner = Arc::clone(&self.inner);
        let appended = tokio::spawn(async move { inner.append_with_files(record).await });
        appended.await.map_err(|_| Error::Interrupted)?
    }

    /// Why the last message or content could not be kept, as long as no message was logged since: the
    /// disk is full, most likely. A message that is too long is no such failure.
    #[must_use]
    pub fn write_failure(&self) -> Option<Error> {
        self.inner.write_failure.last()
    }

    /// Notes a refused message. Queued, not waited for; dropped and counted when too many come.
    pub fn note_refusal(&self, refusal: Refusal) {
        self.inner.refusals.note(&self.inner.log, refusal);
    }

    /// What became of refusals since the log was opened.
    #[must_use]
    pub fn refusal_counts(&self) -> RefusalCounts {
        self.inner.refusals.counts()
    }

    /// Keeps a verified global configuration, by which messages are judged from `now` on, for later
    /// checks: the files as [`gateway_globalconf::disk`] lays them out. Cheap when it is the one
    /// kept last; call it whenever a configuration was taken into use, also the same one again: the
    /// clock may have been set back.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn keep_configuration(
        &self,
        files: &std::collections::BTreeMap<String, Vec<u8>>,
        now: jiff::Timestamp,
    ) -> Result<(), Error> {
        let Some(kept) = self.inner.keeper.changed(files, now) else {
            return Ok(());
        };
        let inner = Arc::clone(&self.inner);
        let keeping = tokio::task::spawn_blocking(move || inner.keeper.keep(kept, now));
        keeping.await.map_err(|_| Error::Interrupted)?
    }

    /// The process is about to end: an index that is far behind is left to the next one, and whoever
    /// waits for it learns [`Error::Interrupted`]. Logging goes on as before.
    pub fn end_soon(&self) {
        self.inner.index.end_soon();
        self.inner.found.stop();
    }

    /// The transparency log over all entries, if the options asked for one.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        self.inner.tree.as_ref()
    }

    /// What opening the segments found and did.
    #[must_use]
    pub fn recovery(&self) -> &segment::Recovery {
        self.inner.log.recovery()
    }

    /// How many entries are durable.
    #[must_use]
    pub fn last_ordinal(&self) -> u64 {
        self.inner.log.last_ordinal()
    }
}

impl Inner {
    async fn append_with_files(self: Arc<Self>, mut record: Record) -> Result<(), Error> {
        let inner = Arc::clone(&self);
        let settled = tokio::task::spawn_blocking(move || {
            inner.settle(&mut record)?;
            Ok::<_, Error>((inner.stored(encode_message(&record))?, record))
        });
        let (bytes, record) = settled.await.map_err(|_| Error::Interrupted)??;
        let told = self.told(&record);
        // Whoever tells holds the contents: should this task be dropped, as it is when the process
        // ends, the record may be committed all the same, and its files must stay.
        let contents = record.attachments;
        let told = move |position| {
            for (_, content) in &contents {
                if let Place::File(file) = content.place() {
                    file.mark_named();
                }
            }
            told(position);
        };
        self.log.append_told(bytes, told).await?;
        Ok(())
    }

    /// Notes that a message is durable.
    fn told(&self, record: &Record) -> impl FnOnce(Position) + Send + 'static {
        let (stamping, time) = (Arc::clone(&self.stamping), record.time);
        move |position| stamping.message(position.ordinal, time)
    }

    /// What is written for a plain entry: sealed when the log has keys.
    pub(crate) fn stored(&self, plain: Bytes) -> Result<Bytes, Error> {
        protection::stored(plain, self.bodies.protection())
    }

    /// Makes the files of contents durable; what is too much for the record goes into files.
    fn settle(&self, record: &mut Record) -> Result<(), Error> {
        let mut left = INLINE_BYTES_MAX;
        for (_, content) in &mut record.attachments {
            if let Some(bytes) = content.bytes() {
                match left.checked_sub(bytes.len()) {
                    Some(rest) => left = rest,
                    None => {
                        let mut file = self.bodies.create()?;
                        file.write(bytes)?;
                        let file = file.finish()?;
                        *content = Content::in_file(file, content.len(), *content.digest());
                    }
                }
            }
            if let Place::File(file) = content.place() {
                file.settle()?;
            }
        }
        self.bodies.sync()
    }

    pub(crate) fn bodies_dir(&self) -> PathBuf {
        self.dir.join(BODIES)
    }

    /// The note of what is being erased.
    pub(crate) fn erasing(&self) -> PathBuf {
        self.dir.join(ERASING)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Before the log is let go of: another process may open it then.
        self.found.stop();
    }
}

/// What all contents of one record may take in it.
const INLINE_BYTES_MAX: usize = 1 << 20;

pub(crate) const SEGMENTS: &str = "segments";
pub(crate) const BODIES: &str = "bodies";
pub(crate) const CONFIGURATIONS: &str = "configurations";
pub(crate) const INDEX: &str = "index.redb";

#[cfg(test)]
mod tests;
