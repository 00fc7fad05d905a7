//! The log of a running node.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateway_store::segment::{self, Log};

use crate::bodies::Bodies;
use crate::content::Place;
use crate::index::{Feed, Index};
use crate::record::{decode, encode_message};
use crate::refusals::Refusals;
use crate::{Content, Error, Logged, Record, Refusal, RefusalCounts, Spool, audit};

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment: segment::Options::default(),
            content_memory_bytes_max: 256 << 10,
            content_bytes_max: 10 << 30,
            refusal_queue_max: 256,
            refusals_per_second_max: 100,
        }
    }
}

/// The log of one node; cheap to clone. What is queued is committed when the last clone is dropped.
#[derive(Clone)]
pub struct MessageLog {
    inner: Arc<Inner>,
}

struct Inner {
    // Fields are dropped in this order: the committer ends first and lets go of the index.
    log: Log,
    index: Index,
    refusals: Refusals,
    bodies: Bodies,
    keeper: audit::Keeper,
    dir: PathBuf,
    options: Options,
}

impl fmt::Debug for MessageLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageLog")
            .field("dir", &self.inner.dir)
            .finish_non_exhaustive()
    }
}

impl MessageLog {
    /// Opens or begins the log in `dir`. A torn end is cut off, contents that were never logged are
    /// removed, and the index is brought up to date in the background.
    ///
    /// # Errors
    /// The folder cannot be used, belongs to another process, or holds damage.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        gateway_store::file::create_secret_dir(dir)?;
        let segments = dir.join(SEGMENTS);
        let feed = Feed::new();
        // First: it tells whether another process owns the folder.
        let log = Log::open_observed(&segments, options.segment.clone(), feed.observer())?;
        let bodies = Bodies::open(&dir.join(BODIES))?;
        let index = Index::start(&dir.join(INDEX), &segments, &log, feed)?;
        Ok(Self {
            inner: Arc::new(Inner {
                log,
                index,
                refusals: Refusals::new(&options),
                bodies,
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
        )
    }

    /// Logs a message: record and contents are durable when this is ready with `Ok`. Dropping the
    /// future takes nothing back.
    ///
    /// # Errors
    /// Nothing was logged: the disk is full or failed, or the record is too long. The next call
    /// tries anew.
    pub async fn append(&self, record: Record) -> Result<(), Error> {
        let inline = |content: &Content| content.bytes().map_or(0, bytes::Bytes::len);
        let inline_bytes = record
            .attachments
            .iter()
            .map(|(_, content)| inline(content))
            .sum::<usize>();
        let has_files = record
            .attachments
            .iter()
            .any(|(_, content)| content.bytes().is_none());
        if !has_files && inline_bytes <= INLINE_BYTES_MAX {
            self.inner.log.append(encode_message(&record)).await?;
            return Ok(());
        }
        // In a task of its own: were it dropped between record and contents, a durable record
        // could name a content that goes away.
        let inner = Arc::clone(&self.inner);
        let appended = tokio::spawn(async move { inner.append_with_files(record).await });
        appended.await.map_err(|_| Error::Interrupted)?
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

    /// All entries with this query id, or with this REST request id, in order.
    ///
    /// # Errors
    /// The index or an entry cannot be read.
    pub async fn find(&self, id: &str) -> Result<Vec<Logged>, Error> {
        let inner = Arc::clone(&self.inner);
        let id = id.to_owned();
        let found = tokio::task::spawn_blocking(move || inner.find(&id));
        found.await.map_err(|_| Error::Interrupted)?
    }

    /// Keeps a verified global configuration, by which messages are judged from `now` on, for later
    /// checks: the files as [`gateway_globalconf::disk`] lays them out. Cheap when it is the one
    /// kept last; call it whenever a configuration was taken into use.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn keep_configuration(
        &self,
        files: &std::collections::BTreeMap<String, Vec<u8>>,
        now: jiff::Timestamp,
    ) -> Result<(), Error> {
        let Some(kept) = self.inner.keeper.changed(files) else {
            return Ok(());
        };
        let inner = Arc::clone(&self.inner);
        let keeping = tokio::task::spawn_blocking(move || inner.keeper.keep(kept, now));
        keeping.await.map_err(|_| Error::Interrupted)?
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
            Ok::<_, Error>((encode_message(&record), record))
        });
        let (bytes, record) = settled.await.map_err(|_| Error::Interrupted)??;
        self.log.append(bytes).await?;
        for (_, content) in &record.attachments {
            if let Place::File(file) = content.place() {
                file.mark_named();
            }
        }
        Ok(())
    }

    /// Makes the files of contents durable; what is too much for the record goes into files.
    fn settle(&self, record: &mut Record) -> Result<(), Error> {
        let mut left = INLINE_BYTES_MAX;
        for (_, content) in &mut record.attachments {
            if let Some(bytes) = content.bytes() {
                match left.checked_sub(bytes.len()) {
                    Some(rest) => left = rest,
                    None => {
                        let file = self.bodies.create()?;
                        file.write(bytes)?;
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

    fn find(&self, id: &str) -> Result<Vec<Logged>, Error> {
        let mut found = Vec::new();
        for position in self.index.find(id)? {
            let entry = decode(&self.log.read(position)?, &self.bodies)?;
            if audit::has_id(&entry, id) {
                found.push(Logged { position, entry });
            }
        }
        Ok(found)
    }
}

/// What all contents of one record may take in it.
const INLINE_BYTES_MAX: usize = 1 << 20;

pub(crate) const SEGMENTS: &str = "segments";
pub(crate) const BODIES: &str = "bodies";
pub(crate) const CONFIGURATIONS: &str = "configurations";
const INDEX: &str = "index.redb";

#[cfg(test)]
mod tests;
