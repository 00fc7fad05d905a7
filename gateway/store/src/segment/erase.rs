//! Payloads go, digests and chain stay: a closed segment is replaced by a stub.
//!
//! The stub is written beside the segment, made durable, and takes its name: after a power cut there
//! is the segment or the stub, both whole. The bytes of the old file are released to the file system,
//! not overwritten: where that matters, the disk must be encrypted.

use std::io::IoSlice;
use std::path::Path;
use std::sync::PoisonError;

use super::format::{self, Hash, SegmentHeader};
use super::medium::Handle;
use super::walk::{Found, Walker};
use super::{Damage, DamageKind, Log, SegmentInfo, recover};
use crate::Error;

impl Log {
    /// All segments in order, but those whose header is unreadable. It blocks for the time of some
    /// file reads.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>, Error> {
        let dir = &self.inner.dir;
        // First: what is begun meanwhile is not looked at.
        let end = self.inner.committer.durable_end();
        let mut infos: Vec<SegmentInfo> = Vec::new();
        for number in recover::segment_numbers(dir)? {
            if number > end.segment {
                break;
            }
            let Some(header) = recover::read_header(dir, number)? else {
                continue;
            };
            let path = format::segment_path(dir, number);
            let data = path
                .metadata()
                .map_err(|source| Error::io("read", &path, source))?;
            let is_open = number == end.segment;
            if let Some(before) = infos.last_mut() {
                before.last_ordinal = match number == before.number.saturating_add(1) {
                    true => last_ordinal(before.first_ordinal, header.first_ordinal),
                    false => alone(before),
                };
            }
            infos.push(SegmentInfo {
                number,
                first_ordinal: header.first_ordinal,
                last_ordinal: last_ordinal(header.first_ordinal, end.ordinal.saturating_add(1)),
                bytes: match is_open {
                    true => end.offset,
                    false => data.len(),
                },
                erased: header.erased,
                is_open,
            });
        }
        Ok(infos)
    }

    /// Erases the payloads of a closed segment for good, and its torn ends kept aside; digests and
    /// chain stay. Says how many bytes were released; zero when it was erased before. Durable when
    /// `Ok`; after an error the segment is as before, or erased and not known to stay so: erasing it
    /// again settles that. It blocks: every record is checked first.
    ///
    /// # Errors
    /// The segment is open, missing or damaged, or the disk is full or failed.
    pub fn erase(&self, segment: u64) -> Result<u64, Error> {
        self.erase_after(segment, || Ok(()))
    }

    /// As [`Self::erase`], with work that must not be done for a segment that stays, and must be done
    /// before it goes: `work` is called once it is certain that the segment can be erased.
    ///
    /// # Errors
    /// As [`Self::erase`], or the work failed: then the segment is as before.
    pub fn erase_after<E: From<Error>>(
        &self,
        segment: u64,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<u64, E> {
        let inner = &self.inner;
        let _erasing = inner.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        if segment >= inner.committer.durable_end().segment {
            return Err(Error::SegmentOpen { segment }.into());
        }
        let numbers = recover::segment_numbers(&inner.dir)?;
        if numbers.binary_search(&segment).is_err() {
            return Err(Error::NoSegment { segment }.into());
        }
        let path = format::segment_path(&inner.dir, segment);
        let length = || -> Result<u64, Error> {
            let data = path.metadata();
            Ok(data
                .map_err(|source| Error::io("read", &path, source))?
                .len())
        };
        let before = length()?;
        match readable(&inner.dir, segment)?.erased {
            true => work()?,
            false => self.replace_by_stub(segment, &path, work)?,
        }
        self.drop_torn(segment)?;
        inner
            .medium
            .sync_dir(&inner.dir)
            .map_err(|source| Error::io("sync", &inner.dir, source))?;
        Ok(before.saturating_sub(length()?))
    }

    fn replace_by_stub<E: From<Error>>(
        &self,
        segment: u64,
        path: &Path,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let inner = &self.inner;
        let stub = format::stub_path(&inner.dir, segment);
        let written = self.write_stub(segment, &stub).map_err(E::from);
        let replaced = written.and_then(|()| work()).and_then(|()| {
            inner
                .medium
                .rename(&stub, path)
                .map_err(|source| Error::io("replace", path, source).into())
        });
        if let Err(error) = replaced {
            if let Err(error) = inner.medium.remove(&stub) {
                tracing::debug!(%error, "the stub of a segment could not be removed");
            }
            return Err(error);
        }
        // Whoever reads from now on finds the stub.
        let mut opened = inner.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.as_ref().is_some_and(|open| open.number == segment) {
            *opened = None;
        }
        Ok(())
    }

    /// Writes the stub of a segment whose every record is what was written; durable when `Ok`.
    fn write_stub(&self, segment: u64, stub: &Path) -> Result<(), Error> {
        let inner = &self.inner;
        let damaged = |kind| {
            Error::Damaged(Damage {
                segment,
                offset: 0,
                ordinal: None,
                kind,
            })
        };
        let mut walker = Walker::open(&inner.dir, segment, None)?
            .ok_or_else(|| damaged(DamageKind::SegmentHeader))?;
        let header = SegmentHeader {
            erased: true,
            ..*walker.segment()
        };
        let failed = |source| Error::io("write", stub, source);
        let mut handle = inner.medium.create(stub).map_err(failed)?;
        let mut buffer = header.encode().to_vec();
        loop {
            match walker.step()? {
                Found::Record(whole) => {
                    let record = whole.header.erased(&whole.digest);
                    buffer.extend_from_slice(&record.encode(&header));
                    buffer.extend_from_slice(&whole.digest);
                }
                Found::Damage(damage) => return Err(Error::Damaged(damage)),
                Found::End => break,
            }
            if buffer.len() >= BUFFER_BYTES {
                append(handle.as_mut(), &mut buffer).map_err(failed)?;
            }
        }
        append(handle.as_mut(), &mut buffer).map_err(failed)?;
        self.check_end(segment, walker.offset(), walker.ordinal(), walker.chain())?;
        handle
            .sync()
            .map_err(|source| Error::io("sync", stub, source))
    }

    /// The segment ends where the next one begins: no record is missing at its end.
    fn check_end(
        &self,
        segment: u64,
        offset: u64,
        ordinal: u64,
        chain: Option<Hash>,
    ) -> Result<(), Error> {
        let numbers = recover::segment_numbers(&self.inner.dir)?;
        let next = numbers.iter().find(|number| **number > segment);
        let number = next.copied().unwrap_or_else(|| segment.saturating_add(1));
        if number != segment.saturating_add(1) || next.is_none() {
            return Err(Error::Damaged(Damage {
                segment: segment.saturating_add(1),
                offset: 0,
                ordinal: ordinal.checked_add(1),
                kind: DamageKind::SegmentMissing,
            }));
        }
        let next = readable(&self.inner.dir, number)?;
        if next.first_ordinal != ordinal.saturating_add(1) || Some(next.chain) != chain {
            return Err(Error::Damaged(Damage {
                segment,
                offset,
                ordinal: ordinal.checked_add(1),
                kind: DamageKind::Truncated,
            }));
        }
        Ok(())
    }

    /// Torn ends of the segment, kept aside when it was opened, go with it.
    fn drop_torn(&self, segment: u64) -> Result<(), Error> {
        let dir = &self.inner.dir;
        let entries = std::fs::read_dir(dir).map_err(|source| Error::io("read", dir, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| Error::io("read", dir, source))?;
            let name = entry.file_name();
            if name.to_str().and_then(format::torn_number) == Some(segment) {
                let path = entry.path();
                self.inner
                    .medium
                    .remove(&path)
                    .map_err(|source| Error::io("remove", &path, source))?;
            }
        }
        Ok(())
    }
}

fn append(handle: &mut dyn Handle, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    if !buffer.is_empty() {
        handle.append(&mut [IoSlice::new(buffer)])?;
        buffer.clear();
    }
    Ok(())
}

fn readable(dir: &Path, segment: u64) -> Result<SegmentHeader, Error> {
    recover::read_header(dir, segment)?.ok_or(Error::Damaged(Damage {
        segment,
        offset: 0,
        ordinal: None,
        kind: DamageKind::SegmentHeader,
    }))
}

fn last_ordinal(first: u64, next: u64) -> Option<u64> {
    (next > first).then(|| next.saturating_sub(1))
}

/// The last ordinal of a segment that nothing readable follows: an erased one tells by its length.
fn alone(segment: &SegmentInfo) -> Option<u64> {
    let records = format::erased_records(segment.bytes);
    let next = segment.first_ordinal.saturating_add(records);
    last_ordinal(segment.first_ordinal, next).filter(|_| segment.erased)
}

const BUFFER_BYTES: usize = 256 << 10;
