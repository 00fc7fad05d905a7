//! An append-only log of records in segment files, written by one committer with group commit.
//!
//! A record is durable when [`Log::append`] returns `Ok`: it survives the death of the process and a
//! power cut. Records carry their ordinal (1, 2, 3 …), checksums, and a SHA-256 chain over all
//! records before them, so that a change or a removal anywhere but at the very end shows. Whoever can
//! write the files and recompute the whole chain from some place on can still forge what follows:
//! the chain finds damage and careless tampering; signatures and cosigned checkpoints, made above
//! this crate, find the rest.
//!
//! A folder belongs to one process at a time (file `lock`). The file `durable` says how far the log
//! is durable: it is a hint for readers in other processes and evidence after a crash; it is never
//! ahead of the truth. The payloads of a closed segment can be erased: digests and chain stay, so the
//! rest still proves what it proved. Segments are not preallocated: on the file systems measured,
//! appending to a growing file was the faster way.
//!
//! * `format`: bytes of segment and record headers
//! * `walk`: one segment, record by record, past damage
//! * `recover`: what a folder holds when it is opened; torn tails are cut
//! * `writer`: the open segment; a failed write or sync leaves no trace
//! * `committer`: the queue and the thread that commits
//! * `scan`: reading without owning
//! * `erase`: payloads go, digests and chain stay
//! * `medium`: the few file operations a test wants to fail

mod committer;
mod erase;
mod format;
mod medium;
mod recover;
mod scan;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

use std::fmt;
use std::fs::File;
use std::ops::RangeBounds;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use self::committer::Committer;
use self::format::{RECORD_HEADER_BYTES, RecordHeader, SegmentHeader};
use self::medium::{Disk, Medium};
pub use self::scan::{Digests, PayloadDigest, Scan};
use crate::{Error, file};

/// How a log behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment that has reached this is closed and a new one begun.
    pub segment_bytes_max: u64,
    /// The longest record taken.
    pub record_bytes_max: usize,
    /// The longest the committer waits for companions. It waits only when more than one record was
    /// seen waiting lately, and no longer than until as many have come again; zero: never.
    pub linger_max: Duration,
    /// How many records may wait, counting each begun 16 KiB as one. More appenders wait in line.
    pub queue_max: usize,
    /// What to do when durable records turn out damaged on opening.
    pub on_damage: OnDamage,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes_max: 128 << 20,
            record_bytes_max: 64 << 20,
            linger_max: Duration::from_millis(1),
            queue_max: 2048,
            on_damage: OnDamage::Refuse,
        }
    }
}

/// What to do when durable records turn out damaged on opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// The log does not open: somebody must look first.
    Refuse,
    /// The damaged segment stays as it is, and a new one is begun.
    Continue,
}

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Its number in the log: 1, 2, 3 …
    pub ordinal: u64,
    /// The number of its segment.
    pub segment: u64,
    /// Where its header begins in the segment.
    pub offset: u64,
}

/// One place where the log is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: u64,
    /// Where in the segment.
    pub offset: u64,
    /// The record that should stand there, when that is known.
    pub ordinal: Option<u64>,
    /// What is wrong.
    pub kind: DamageKind,
}

/// What is wrong at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// There is no segment of this number between others.
    SegmentMissing,
    /// The header of the segment is unreadable.
    SegmentHeader,
    /// The segment does not continue the one before.
    SegmentOrder,
    /// The header of the record is unreadable.
    RecordHeader,
    /// The payload does not have its checksum.
    Payload,
    /// The file ends inside or before the record.
    Truncated,
    /// The record does not continue the chain: it, or one before it, was changed or removed.
    Chain,
    /// Records are missing before this one, which should have been another.
    Gap {
        /// The ordinal found.
        found: u64,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DamageKind::SegmentMissing => write!(f, "segment {} is missing", self.segment)?,
            DamageKind::SegmentHeader => f.write_str("unreadable segment header")?,
            DamageKind::SegmentOrder => f.write_str("segment does not continue the one before")?,
            DamageKind::RecordHeader => f.write_str("unreadable record header")?,
            DamageKind::Payload => f.write_str("changed record")?,
            DamageKind::Truncated => f.write_str("cut off")?,
            DamageKind::Chain => f.write_str("broken chain")?,
            DamageKind::Gap { found } => write!(f, "missing records before record {found}")?,
        }
        write!(f, " (segment {}, offset {}", self.segment, self.offset)?;
        match self.ordinal {
            Some(ordinal) => write!(f, ", record {ordinal})"),
            None => f.write_str(")"),
        }
    }
}

/// What opening found and did.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The end of an unfinished commit, which nobody was told to be durable.
    pub torn: Option<Torn>,
    /// Damaged durable records, when the log was opened all the same.
    pub damages: Vec<Damage>,
}

/// A torn end that was cut off.
#[derive(Clone, Debug)]
pub struct Torn {
    /// The segment.
    pub segment: u64,
    /// Where it was cut.
    pub offset: u64,
    /// How much was cut off.
    pub bytes: u64,
    /// The file that keeps what was cut off; `None` when it was zeros only.
    pub kept: Option<PathBuf>,
}

/// A record that is durable now.
#[derive(Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where it lies.
    pub position: Position,
    /// Its bytes.
    pub payload: Bytes,
    /// SHA-256 of them.
    pub digest: [u8; 32],
}

impl fmt::Debug for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: they may be personal.
        f.debug_struct("Committed")
            .field("position", &self.position)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// Is told of every durable batch, in order, before its appenders are. It must be quick.
pub type Observer = Box<dyn FnMut(&[Committed]) + Send>;

/// One segment of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number.
    pub number: u64,
    /// The ordinal of its first record, or of the one that will be.
    pub first_ordinal: u64,
    /// The ordinal of its last record; `None` when there is none yet, or when it cannot be told
    /// because nothing readable follows.
    pub last_ordinal: Option<u64>,
    /// What it takes on the disk.
    pub bytes: u64,
    /// Its payloads were erased.
    pub erased: bool,
    /// It is the one being written.
    pub is_open: bool,
}

/// A log, open for writing; cheap to clone. The committer commits what waits and stops, and the
/// folder is released, when the last clone is dropped.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    record_bytes_max: usize,
    recovery: Recovery,
    committer: Committer,
    /// The segment read last, kept open with the chain value it starts with.
    opened: Mutex<Option<Arc<OpenSegment>>>,
    medium: Arc<dyn Medium>,
    /// Held while a segment is being erased.
    erasing: Mutex<()>,
    /// Last: released after the committer has stopped.
    _lock: File,
}

struct OpenSegment {
    number: u64,
    file: File,
    header: SegmentHeader,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("dir", &self.inner.dir)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log in `dir`, or begins one: a torn end is cut off (and kept beside), damage
    /// elsewhere is an error that names segment and offset, unless `options` say otherwise. The
    /// last segment is checked record by record, of the others the headers: checking everything is
    /// what [`Scan`] is for.
    ///
    /// # Errors
    /// The folder cannot be read or written, is owned by another process, or holds damage.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        Self::open_observed(dir, options, Box::new(|_| {}))
    }

    /// As [`Self::open`], with somebody who is told of every durable batch.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_observed(dir: &Path, options: Options, observer: Observer) -> Result<Self, Error> {
        Self::open_on(Arc::new(Disk), dir, options, observer)
    }

    fn open_on(
        medium: Arc<dyn Medium>,
        dir: &Path,
        options: Options,
        observer: Observer,
    ) -> Result<Self, Error> {
        file::create_dir(dir)?;
        let lock = lock(dir)?;
        let record_bytes_max = options.record_bytes_max;
        let (writer, recovery) = recover::open(Arc::clone(&medium), dir, &options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                record_bytes_max,
                recovery,
                committer: Committer::start(writer, observer, &options)?,
                opened: Mutex::new(None),
                medium,
                erasing: Mutex::new(()),
                _lock: lock,
            }),
        })
    }

    /// Appends a record: durable when the future is ready with `Ok`.
    ///
    /// Records get their ordinals in the order in which they enter the queue. Dropping the future
    /// takes nothing back: the record may still be committed. On a full disk, or when the disk
    /// fails, all that were committed together are refused, nothing of them remains, and the next
    /// append tries anew.
    ///
    /// # Errors
    /// The record is too long or was not written, or the log is closed.
    pub async fn append(&self, record: Bytes) -> Result<Position, Error> {
        self.append_told(record, |_| {}).await
    }

    /// As [`Self::append`], with somebody who is told by the committer where the record is durable:
    /// in the order of the log, before this is ready, and also when the future was dropped. It must
    /// be quick.
    ///
    /// # Errors
    /// As [`Self::append`]; then nobody is told.
    pub async fn append_told(
        &self,
        record: Bytes,
        told: impl FnOnce(Position) + Send + 'static,
    ) -> Result<Position, Error> {
        self.check(&record)?;
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |result: Result<Position, Error>| {
            if let Ok(position) = result {
                told(position);
            }
            // Whoever waited may have gone.
            let _ = sender.send(result);
        });
        self.inner.committer.push(record, done).await?;
        receiver.await.map_err(|_| Error::Closed)?
    }

    /// Queues a record without waiting, and has `done` told by the committer what became of it.
    ///
    /// # Errors
    /// The record is too long, the queue is full, or the log is closed; then `done` is dropped.
    pub fn append_detached(
        &self,
        record: Bytes,
        done: impl FnOnce(Result<Position, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        self.check(&record)?;
        self.inner.committer.try_push(record, Box::new(done))
    }

    /// Closes the open segment and begins another, unless nothing stands in it: what was appended
    /// before the call is in closed segments when this is ready with `Ok`.
    ///
    /// # Errors
    /// The next segment cannot be begun: the log stands as before.
    pub async fn rotate(&self) -> Result<(), Error> {
        let (sender, receiver) = oneshot::channel();
        self.inner.committer.rotate(Box::new(move |result| {
            // Whoever waited may have gone.
            let _ = sender.send(result);
        }))?;
        receiver.await.map_err(|_| Error::Closed)?
    }

    /// Reads a durable record. It blocks for the time of a file read.
    ///
    /// # Errors
    /// There is no such durable record, its payload was erased, it is damaged, or it cannot be read.
    pub fn read(&self, position: Position) -> Result<Bytes, Error> {
        let Position {
            ordinal,
            segment,
            offset,
        } = position;
        let missing = Error::NoRecord { segment, offset };
        let end = self.inner.committer.durable_end();
        if (segment, offset) >= (end.segment, end.offset) || ordinal > end.ordinal {
            return Err(missing);
        }
        let opened = self.inner.opened(segment)?;
        let path = format::segment_path(&self.inner.dir, segment);
        // Where it lies now: erasing moved it.
        let offset = match opened.header.erased {
            false => offset,
            true => opened.header.erased_offset(ordinal),
        };
        let bytes = opened
            .file
            .metadata()
            .map_err(|source| Error::io("read", &path, source))?
            .len();
        let start = offset.saturating_add(format::RECORD_HEADER_LENGTH);
        if opened.header.erased && (ordinal < opened.header.first_ordinal || start > bytes) {
            return Err(missing);
        }
        let mut raw = [0; RECORD_HEADER_BYTES];
        opened
            .file
            .read_exact_at(&mut raw, offset)
            .map_err(|source| Error::io("read", &path, source))?;
        let damaged = |kind| {
            Error::Damaged(Damage {
                segment,
                offset,
                ordinal: Some(ordinal),
                kind,
            })
        };
        let header = RecordHeader::decode(&raw, &opened.header)
            .ok_or_else(|| damaged(DamageKind::RecordHeader))?;
        if header.ordinal != ordinal {
            return Err(missing);
        }
        let length = opened.header.stored_length(&header);
        if start.saturating_add(u64::from(length)) > bytes {
            return Err(damaged(DamageKind::Truncated));
        }
        let mut payload = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        opened
            .file
            .read_exact_at(&mut payload, start)
            .map_err(|source| Error::io("read", &path, source))?;
        if !header.fits(&payload, &opened.header) {
            return Err(damaged(DamageKind::Payload));
        }
        if !opened.header.erased {
            return Ok(payload.into());
        }
        Err(Error::Erased {
            position: Position { offset, ..position },
            digest: payload
                .try_into()
                .map_err(|_| damaged(DamageKind::Payload))?,
        })
    }

    /// All durable records as of now, in order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn scan(&self) -> Result<Scan, Error> {
        Scan::up_to(&self.inner.dir, None, self.inner.committer.durable_end())
    }

    /// The durable records as of now from the one at `first` on. The link of that first record to
    /// what is before it is not checked.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn scan_from(&self, first: Position) -> Result<Scan, Error> {
        Scan::up_to(
            &self.inner.dir,
            Some(first),
            self.inner.committer.durable_end(),
        )
    }

    /// The durable records as of now in these segments. The link of the first record to what is before
    /// it is not checked.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn scan_segments(&self, segments: impl RangeBounds<u64>) -> Result<Scan, Error> {
        let end = self.inner.committer.durable_end();
        Ok(Scan::up_to(&self.inner.dir, None, end)?.only(&segments))
    }

    /// The ordinal of the last durable record; 0 when there is none.
    #[must_use]
    pub fn last_ordinal(&self) -> u64 {
        self.inner.committer.durable_end().ordinal
    }

    /// What opening found and did.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    fn check(&self, record: &Bytes) -> Result<(), Error> {
        let bytes_max = self.inner.record_bytes_max.min(format::LENGTH_MAX);
        if record.len() > bytes_max {
            return Err(Error::RecordTooLarge {
                bytes: record.len(),
                bytes_max,
            });
        }
        Ok(())
    }
}

impl Inner {
    fn opened(&self, number: u64) -> Result<Arc<OpenSegment>, Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = opened.as_ref().filter(|segment| segment.number == number) {
            return Ok(Arc::clone(segment));
        }
        let path = format::segment_path(&self.dir, number);
        let file = File::open(&path).map_err(|source| Error::io("open", &path, source))?;
        let mut raw = [0; format::SEGMENT_HEADER_BYTES];
        file.read_exact_at(&mut raw, 0)
            .map_err(|source| Error::io("read", &path, source))?;
        let header = SegmentHeader::decode(&raw).ok_or(Error::Damaged(Damage {
            segment: number,
            offset: 0,
            ordinal: None,
            kind: DamageKind::SegmentHeader,
        }))?;
        let segment = Arc::new(OpenSegment {
            number,
            file,
            header,
        });
        *opened = Some(Arc::clone(&segment));
        Ok(segment)
    }
}

/// Takes the folder for this process.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK_NAME);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| Error::io("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked { path }),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::io("lock", &path, source)),
    }
}

const LOCK_NAME: &str = "lock";
