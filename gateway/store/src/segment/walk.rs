//! One segment, record by record: damage is named and passed over.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::format::{
    self, Hash, MARKER, RECORD_HEADER_BYTES, RECORD_HEADER_LENGTH, RecordHeader,
    SEGMENT_HEADER_BYTES, SEGMENT_HEADER_LENGTH, SegmentHeader,
};
use super::{Damage, DamageKind, Position};
use crate::Error;

/// What stands at the walker's place.
#[derive(Debug)]
pub(super) enum Found {
    /// A record whose checksums hold.
    Record(Whole),
    /// Something else; the walker stands behind it.
    Damage(Damage),
    /// Nothing more.
    End,
}

/// A record whose checksums hold.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) position: Position,
    pub(super) header: RecordHeader,
    /// SHA-256 of the payload.
    pub(super) digest: Hash,
    /// `None` when it was erased.
    pub(super) payload: Option<Bytes>,
}

/// Walks one segment up to a limit.
#[derive(Debug)]
pub(super) struct Walker {
    path: PathBuf,
    file: BufReader<File>,
    segment: SegmentHeader,
    offset: u64,
    limit: u64,
    /// The ordinal of the record before; damaged ones count when their ordinal is known.
    ordinal: u64,
    /// The chain value before the next record; `None` when it is not known.
    chain: Option<Hash>,
    /// An unreadable header was passed over: exactly one record may be missing without another word.
    after_unreadable: bool,
    /// The record whose flaw was told first.
    stashed: Option<Whole>,
}

impl Walker {
    /// Opens a segment; `None` when its header is unreadable. `limit`: where to stop; `None`: at the
    /// end of the file. An erased segment is walked to its end: it is durable as a whole, and a limit
    /// was meant for what stood there before.
    pub(super) fn open(dir: &Path, number: u64, limit: Option<u64>) -> Result<Option<Self>, Error> {
        let path = format::segment_path(dir, number);
        let io = |source| Error::io("read", &path, source);
        let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(&path).map_err(io)?);
        let length = file.get_ref().metadata().map_err(io)?.len();
        let limit = limit.map_or(length, |limit| limit.min(length));
        if limit < SEGMENT_HEADER_LENGTH {
            return Ok(None);
        }
        let mut raw = [0; SEGMENT_HEADER_BYTES];
        file.read_exact(&mut raw).map_err(io)?;
        let Some(segment) = SegmentHeader::decode(&raw).filter(|found| found.number == number)
        else {
            return Ok(None);
        };
        let limit = match segment.erased {
            false => limit,
            true => length,
        };
        Ok(Some(Self {
            file,
            segment,
            offset: SEGMENT_HEADER_LENGTH,
            limit,
            ordinal: segment.first_ordinal.saturating_sub(1),
            chain: Some(segment.chain),
            after_unreadable: false,
            stashed: None,
            path,
        }))
    }

    /// Goes straight to a record.
    pub(super) fn skip_to(&mut self, position: Position) -> Result<(), Error> {
        self.ordinal = position.ordinal.saturating_sub(1);
        self.chain = None;
        match self.segment.erased {
            false => self.seek(position.offset),
            true => self.seek(self.segment.erased_offset(position.ordinal)),
        }
    }

    pub(super) fn segment(&self) -> &SegmentHeader {
        &self.segment
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The ordinal of the last record passed.
    pub(super) fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// The ordinal up to which records stood before this place, told damage included.
    pub(super) fn reached(&self) -> u64 {
        self.ordinal
            .saturating_add(u64::from(self.after_unreadable))
    }

    /// The chain value at this place, when it is known.
    pub(super) fn chain(&self) -> Option<Hash> {
        self.chain
    }

    /// Takes one step.
    pub(super) fn step(&mut self) -> Result<Found, Error> {
        if let Some(whole) = self.stashed.take() {
            return Ok(Found::Record(whole));
        }
        let start = self.offset;
        let left = self.limit.saturating_sub(start);
        if left == 0 {
            return Ok(Found::End);
        }
        if left < RECORD_HEADER_LENGTH {
            return self.truncated(start);
        }
        let mut raw = [0; RECORD_HEADER_BYTES];
        self.read(&mut raw)?;
        let header = RecordHeader::decode(&raw, &self.segment)
            .filter(|header| header.ordinal > self.ordinal);
        let Some(header) = header else {
            let found = self.damage(start, DamageKind::RecordHeader);
            self.resync(start.saturating_add(1))?;
            self.chain = None;
            self.after_unreadable = true;
            return Ok(found);
        };
        let length = self.segment.stored_length(&header);
        if u64::from(length) > left.saturating_sub(RECORD_HEADER_LENGTH) {
            return self.truncated(start);
        }
        let mut stored = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.read(&mut stored)?;
        Ok(self.judge(start, header, stored.into()))
    }

    /// The header is sound and the payload, or its digest, is there: is it the right one?
    fn judge(&mut self, start: u64, header: RecordHeader, stored: Bytes) -> Found {
        let expected = self.ordinal.saturating_add(1);
        let may_lack_one = std::mem::take(&mut self.after_unreadable);
        let before = self.chain.replace(header.chain);
        let fits = header.fits(&stored, &self.segment);
        let digest = match self.segment.erased {
            false => format::payload_digest(&stored),
            true => stored.as_ref().try_into().unwrap_or_default(),
        };
        let flaw = if !fits {
            Some(DamageKind::Payload)
        } else if header.ordinal != expected
            && !(may_lack_one && header.ordinal == expected.saturating_add(1))
        {
            Some(DamageKind::Gap {
                found: header.ordinal,
            })
        } else {
            before
                .is_some_and(|before| {
                    format::chain(&before, header.ordinal, &digest) != header.chain
                })
                .then_some(DamageKind::Chain)
        };
        let position = Position {
            ordinal: header.ordinal,
            segment: self.segment.number,
            offset: start,
        };
        let damage = flaw.map(|kind| {
            let ordinal = match kind {
                DamageKind::Gap { .. } => expected,
                _ => header.ordinal,
            };
            Damage {
                segment: position.segment,
                offset: start,
                ordinal: Some(ordinal),
                kind,
            }
        });
        self.ordinal = header.ordinal;
        let whole = Whole {
            position,
            header,
            digest,
            payload: (!self.segment.erased).then_some(stored),
        };
        match damage {
            None => Found::Record(whole),
            Some(damage) => {
                if damage.kind != DamageKind::Payload {
                    // The record itself is whole: it is served after its flaw was told.
                    self.stashed = Some(whole);
                }
                Found::Damage(damage)
            }
        }
    }

    fn truncated(&mut self, start: u64) -> Result<Found, Error> {
        self.seek(self.limit)?;
        self.chain = None;
        self.after_unreadable = true;
        Ok(self.damage(start, DamageKind::Truncated))
    }

    fn damage(&self, offset: u64, kind: DamageKind) -> Found {
        Found::Damage(Damage {
            segment: self.segment.number,
            offset,
            ordinal: self.ordinal.checked_add(1),
            kind,
        })
    }

    /// Goes to the next sound record header at `from` or behind, or to the limit.
    fn resync(&mut self, from: u64) -> Result<(), Error> {
        self.seek(from)?;
        let mut window: Vec<u8> = Vec::with_capacity(BUFFER_BYTES);
        // Where the window begins in the file.
        let mut base = from;
        loop {
            let left = self.limit.saturating_sub(self.offset);
            let wanted = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(BUFFER_BYTES);
            if wanted == 0 {
                return self.seek(self.limit);
            }
            let kept = window.len();
            window.resize(kept.saturating_add(wanted), 0);
            if let Some(space) = window.get_mut(kept..) {
                let mut chunk = vec![0; wanted];
                self.read(&mut chunk)?;
                space.copy_from_slice(&chunk);
            }
            let hit = window.windows(RECORD_HEADER_BYTES).position(|bytes| {
                bytes.starts_with(&MARKER)
                    && <&[u8; RECORD_HEADER_BYTES]>::try_from(bytes)
                        .ok()
                        .and_then(|raw| RecordHeader::decode(raw, &self.segment))
                        .is_some_and(|header| header.ordinal > self.ordinal)
            });
            if let Some(hit) = hit {
                return self.seek(base.saturating_add(u64::try_from(hit).unwrap_or(u64::MAX)));
            }
            // A header may lie across two windows.
            let passed = window
                .len()
                .saturating_sub(RECORD_HEADER_BYTES.saturating_sub(1));
            window.drain(..passed);
            base = base.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.file
            .read_exact(buffer)
            .map_err(|source| Error::io("read", &self.path, source))?;
        let read = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(read);
        Ok(())
    }

    fn seek(&mut self, offset: u64) -> Result<(), Error> {
        self.file
            .seek(SeekFrom::Start(offset))
            .map_err(|source| Error::io("read", &self.path, source))?;
        self.offset = offset;
        Ok(())
    }
}

/// What is needed to tell a torn commit from damage: the last ordinal that is known to have been
/// durable, from the last sound record of the segment.
pub(super) fn last_durable(dir: &Path, number: u64, limit: Option<u64>) -> Result<u64, Error> {
    let Some(mut walker) = Walker::open(dir, number, limit)? else {
        return Ok(0);
    };
    let mut durable = 0;
    loop {
        match walker.step()? {
            Found::Record(whole) => durable = whole.header.durable.max(durable),
            Found::Damage(_) => {}
            Found::End => return Ok(durable),
        }
    }
}

const BUFFER_BYTES: usize = 256 << 10;
