//! The open segment. A commit is durable as a whole, or nothing of it remains.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::format::{
    self, DurableEnd, Hash, RECORD_HEADER_BYTES, RECORD_HEADER_LENGTH, RecordHeader,
    SEGMENT_HEADER_LENGTH, SegmentHeader,
};
use super::medium::{Handle, Medium};
use super::{Damage, DamageKind, Position};
use crate::Error;

/// Writes at the end of the log; owned by the committer.
#[derive(Debug)]
pub(super) struct Writer {
    medium: Arc<dyn Medium>,
    dir: PathBuf,
    segment_bytes_max: u64,
    segment: SegmentHeader,
    /// `None` after a failure that could not be undone yet.
    handle: Option<Box<dyn Handle>>,
    /// Everything up to here is durable.
    end: DurableEnd,
    /// The chain at the end.
    chain: Hash,
    /// Where the last durable record of this segment begins.
    last_offset: Option<u64>,
    /// The next segment may lie there, begun in vain. While it does, nothing is written into this
    /// one: after a crash the log would go on behind that one.
    has_leftover: bool,
    mark: Mark,
}

/// Where a log goes on.
#[derive(Debug)]
pub(super) struct Resume {
    pub(super) segment: SegmentHeader,
    pub(super) end: DurableEnd,
    pub(super) chain: Hash,
    pub(super) last_offset: Option<u64>,
}

impl Writer {
    /// Goes on at the end of an existing segment, cutting off what lies behind.
    pub(super) fn resume(
        medium: Arc<dyn Medium>,
        dir: &Path,
        segment_bytes_max: u64,
        resume: Resume,
    ) -> Result<Self, Error> {
        let Resume {
            segment,
            end,
            chain,
            last_offset,
        } = resume;
        let mark = Mark::open(dir, &end)?;
        let mut writer = Self {
            medium,
            dir: dir.to_owned(),
            segment_bytes_max,
            segment,
            handle: None,
            end,
            chain,
            last_offset,
            has_leftover: false,
            mark,
        };
        writer.reopen()?;
        Ok(writer)
    }

    /// Begins a segment: the first of a log, or one behind a damaged one.
    pub(super) fn begin(
        medium: Arc<dyn Medium>,
        dir: &Path,
        segment_bytes_max: u64,
        segment: SegmentHeader,
    ) -> Result<Self, Error> {
        let handle = create(medium.as_ref(), dir, &segment).inspect_err(|_| {
            let path = format::segment_path(dir, segment.number);
            if let Err(error) = medium.remove(&path) {
                tracing::debug!(%error, "an unfinished segment could not be removed");
            }
        })?;
        let end = start_of(&segment);
        let mark = Mark::open(dir, &end)?;
        Ok(Self {
            medium,
            dir: dir.to_owned(),
            segment_bytes_max,
            chain: segment.chain,
            segment,
            handle: Some(handle),
            end,
            last_offset: None,
            has_leftover: false,
            mark,
        })
    }

    pub(super) fn end(&self) -> DurableEnd {
        self.end
    }

    /// Makes records durable, all or none. The digest is that of the payload.
    pub(super) fn commit<'a>(
        &mut self,
        records: impl ExactSizeIterator<Item = (&'a Bytes, &'a Hash)>,
    ) -> Result<Vec<Position>, Error> {
        if self.handle.is_none() {
            self.reopen()?;
        }
        if self.end.offset >= self.segment_bytes_max {
            self.rotate()?;
        }
        self.drop_leftover()?;
        let mut headers = Vec::with_capacity(records.len());
        let mut payloads = Vec::with_capacity(records.len());
        let mut positions = Vec::with_capacity(records.len());
        let mut end = self.end;
        let mut chain = self.chain;
        for (payload, digest) in records {
            let position = Position {
                ordinal: end.ordinal.saturating_add(1),
                segment: end.segment,
                offset: end.offset,
            };
            chain = format::chain(&chain, position.ordinal, digest);
            let length = u32::try_from(payload.len()).map_err(|_| Error::RecordTooLarge {
                bytes: payload.len(),
                bytes_max: format::LENGTH_MAX,
            })?;
            let header = RecordHeader {
                length,
                payload_crc: crc32fast::hash(payload),
                ordinal: position.ordinal,
                durable: self.end.ordinal,
                chain,
            };
            headers.push(header.encode(&self.segment));
            payloads.push(payload);
            positions.push(position);
            end.ordinal = position.ordinal;
            end.offset = end
                .offset
                .saturating_add(RECORD_HEADER_LENGTH)
                .saturating_add(u64::from(length));
        }
        let mut slices: Vec<_> = headers
            .iter()
            .zip(&payloads)
            .flat_map(|(header, payload)| [IoSlice::new(header), IoSlice::new(payload)])
            .collect();
        self.write(&mut slices)?;
        self.end = end;
        self.chain = chain;
        self.last_offset = positions
            .last()
            .map(|position| position.offset)
            .or(self.last_offset);
        self.mark.set(&end);
        Ok(positions)
    }

    /// Closes the segment and begins the next, unless nothing stands in this one.
    pub(super) fn close_segment(&mut self) -> Result<(), Error> {
        if self.last_offset.is_none() {
            return Ok(());
        }
        if self.handle.is_none() {
            self.reopen()?;
        }
        self.rotate()?;
        self.mark.set(&self.end);
        Ok(())
    }

    /// Writes out the mark: after an orderly stop it is there even if the power fails next.
    pub(super) fn close(&self) {
        if let Err(error) = self.mark.file.sync_data() {
            tracing::warn!(%error, "the end mark of the log could not be synced");
        }
    }

    fn write(&mut self, slices: &mut [IoSlice<'_>]) -> Result<(), Error> {
        let path = format::segment_path(&self.dir, self.segment.number);
        let Some(handle) = self.handle.as_mut() else {
            return Err(Error::Closed);
        };
        let written = handle
            .append(slices)
            .map_err(|source| Error::io("write", &path, source))
            .and_then(|()| {
                handle
                    .sync()
                    .map_err(|source| Error::io("sync", &path, source))
            });
        if let Err(error) = written {
            // What was written is not durable, and after a failed sync nobody knows what the system
            // still holds of it: let go of the file, look at it anew, and cut.
            self.handle = None;
            if let Err(again) = self.reopen() {
                tracing::error!(error = %again, "the log cannot be brought to its durable end yet");
            }
            return Err(error);
        }
        Ok(())
    }

    /// Opens the segment, makes sure that its durable end is there, and cuts off what lies behind.
    fn reopen(&mut self) -> Result<(), Error> {
        self.handle = None;
        let path = format::segment_path(&self.dir, self.segment.number);
        let mut handle = self
            .medium
            .open(&path)
            .map_err(|source| Error::io("open", &path, source))?;
        let length = handle
            .length()
            .map_err(|source| Error::io("read", &path, source))?;
        if length < self.end.offset {
            return Err(self.damaged(DamageKind::Truncated));
        }
        self.check_last(&path)?;
        if length > self.end.offset {
            handle
                .cut(self.end.offset)
                .map_err(|source| Error::io("cut", &path, source))?;
        }
        handle
            .sync()
            .map_err(|source| Error::io("sync", &path, source))?;
        self.handle = Some(handle);
        Ok(())
    }

    /// The last durable record of this segment is still what was written.
    fn check_last(&self, path: &Path) -> Result<(), Error> {
        let Some(offset) = self.last_offset else {
            return Ok(());
        };
        let io = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(io)?;
        let mut raw = [0; RECORD_HEADER_BYTES];
        file.read_exact_at(&mut raw, offset).map_err(io)?;
        let header = RecordHeader::decode(&raw, &self.segment)
            .filter(|header| header.chain == self.chain)
            .ok_or_else(|| self.damaged(DamageKind::RecordHeader))?;
        let start = offset.saturating_add(RECORD_HEADER_LENGTH);
        if start.saturating_add(u64::from(header.length)) != self.end.offset {
            return Err(self.damaged(DamageKind::RecordHeader));
        }
        let mut payload = vec![0; usize::try_from(header.length).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut payload, start).map_err(io)?;
        match header.fits(&payload, &self.segment) {
            true => Ok(()),
            false => Err(self.damaged(DamageKind::Payload)),
        }
    }

    fn damaged(&self, kind: DamageKind) -> Error {
        Error::Damaged(Damage {
            segment: self.segment.number,
            offset: self.last_offset.unwrap_or(SEGMENT_HEADER_LENGTH),
            ordinal: Some(self.end.ordinal),
            kind,
        })
    }

    /// Takes away what remains of a next segment that was begun in vain.
    fn drop_leftover(&mut self) -> Result<(), Error> {
        if !self.has_leftover {
            return Ok(());
        }
        let number = self.segment.number.saturating_add(1);
        let path = format::segment_path(&self.dir, number);
        match self.medium.remove(&path) {
            Ok(()) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::io("remove", &path, source)),
        }
        self.medium
            .sync_dir(&self.dir)
            .map_err(|source| Error::io("sync", &self.dir, source))?;
        self.has_leftover = false;
        Ok(())
    }

    /// Begins the next segment. When that fails, the log stands as before.
    fn rotate(&mut self) -> Result<(), Error> {
        let segment = SegmentHeader {
            number: self.segment.number.saturating_add(1),
            first_ordinal: self.end.ordinal.saturating_add(1),
            chain: self.chain,
            erased: false,
        };
        // Until it is known to be gone, or to be the one that is written.
        self.has_leftover = true;
        let created = create(self.medium.as_ref(), &self.dir, &segment);
        if created.is_err() {
            // Should that fail, the next commit tries it again, and tells.
            let _ = self.drop_leftover();
        }
        self.handle = Some(created?);
        self.has_leftover = false;
        self.segment = segment;
        self.end = start_of(&segment);
        self.last_offset = None;
        Ok(())
    }
}

/// Makes a segment file with its header; durable, with its entry in the folder, when `Ok`.
fn create(
    medium: &dyn Medium,
    dir: &Path,
    segment: &SegmentHeader,
) -> Result<Box<dyn Handle>, Error> {
    let path = format::segment_path(dir, segment.number);
    let try_create = || -> io::Result<Box<dyn Handle>> {
        let mut handle = medium.create(&path)?;
        handle.append(&mut [IoSlice::new(&segment.encode())])?;
        handle.sync()?;
        medium.sync_dir(dir)?;
        Ok(handle)
    };
    try_create().map_err(|source| Error::io("begin", &path, source))
}

fn start_of(segment: &SegmentHeader) -> DurableEnd {
    DurableEnd {
        segment: segment.number,
        offset: SEGMENT_HEADER_LENGTH,
        ordinal: segment.first_ordinal.saturating_sub(1),
    }
}

/// The file that says how far the log is durable. It is written after the sync, so it is never ahead;
/// it is not synced itself, so after a power cut it may be behind.
#[derive(Debug)]
struct Mark {
    /// Held locked as long as the writer lives: so readers know that there is one.
    file: File,
}

impl Mark {
    fn open(dir: &Path, end: &DurableEnd) -> Result<Self, Error> {
        let path = dir.join(MARK_NAME);
        let io = |source| Error::io("open", &path, source);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        // Before locking: whoever finds the file locked finds this log's end in it.
        let mark = Self { file };
        mark.file.write_all_at(&end.encode(), 0).map_err(io)?;
        // Readers hold it for an instant only, when they look whether there is a writer.
        mark.file.lock().map_err(io)?;
        Ok(mark)
    }

    fn set(&self, end: &DurableEnd) {
        if let Err(error) = self.file.write_all_at(&end.encode(), 0) {
            tracing::debug!(%error, "the end mark of the log could not be written");
        }
    }
}

/// What the mark of a folder says; `None` when there is none that can be read.
pub(super) fn read_mark(dir: &Path) -> Option<DurableEnd> {
    let bytes = std::fs::read(dir.join(MARK_NAME)).ok()?;
    DurableEnd::decode(&bytes)
}

/// How far a living writer says its log is durable; `None` when there is no writer.
pub(super) fn live_mark(dir: &Path) -> Result<Option<DurableEnd>, Error> {
    let path = dir.join(MARK_NAME);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io("open", &path, source)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(std::fs::TryLockError::WouldBlock) => {
            // A mark half written is whole at the next look.
            (0..MARK_ATTEMPTS_MAX)
                .find_map(|_| read_mark(dir))
                .map(Some)
                .ok_or_else(|| Error::io("read", &path, io::ErrorKind::InvalidData.into()))
        }
        Err(std::fs::TryLockError::Error(source)) => Err(Error::io("lock", &path, source)),
    }
}

const MARK_NAME: &str = "durable";
const MARK_ATTEMPTS_MAX: usize = 1000;
