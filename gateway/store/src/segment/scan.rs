//! Reading a log without owning it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::format::{self, DurableEnd, Hash, SegmentHeader};
use super::walk::{self, Found, Walker, Whole};
use super::{Damage, DamageKind, Position, recover, writer};
use crate::Error;

/// The durable records of a log in order, each one checked.
///
/// Works on the folder of a living writer, too: then it ends where the log was durable when the scan
/// began. Damage comes as [`Error::Damaged`] in its place, and the scan goes on behind it; a record
/// whose payload is whole but which breaks the chain is told first and served next. After another
/// error nothing more comes. A torn end is no damage: it was never durable. A record whose payload was
/// erased comes as [`Error::Erased`] in its place.
pub struct Scan {
    dir: PathBuf,
    /// Segments still to walk.
    numbers: VecDeque<u64>,
    walker: Option<Walker>,
    /// What the next segment should continue.
    before: Option<(u64, u64, Option<Hash>)>,
    /// Where to begin, until begun.
    first: Option<Position>,
    /// The ordinal before which nothing is told.
    from_ordinal: u64,
    /// The end, when a writer lives: everything before it is durable.
    limit: Option<DurableEnd>,
    /// The last ordinal known to be durable, from the mark.
    marked: u64,
    /// The same from the last segment, once it was needed.
    durable: Option<u64>,
    bytes_total: u64,
    bytes_done: u64,
    /// Where the segment left last ended, and whether it was an erased one.
    end_offset: u64,
    end_erased: bool,
    ended: bool,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Scan {
    /// Scans the log in `dir` from its first record on.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let limit = writer::live_mark(dir)?;
        let mut scan = Self::new(dir, None, limit)?;
        // A log begins with segment 1: one that is gone from its front is missing, too.
        scan.before = Some((0, 0, None));
        Ok(scan)
    }

    /// Scans the log in `dir` from the record at `first` on. The link of that first record to what is
    /// before it is not checked.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open_from(dir: &Path, first: Position) -> Result<Self, Error> {
        let limit = writer::live_mark(dir)?;
        Self::new(dir, Some(first), limit)
    }

    /// Scans the log in `dir` from the record of an ordinal on: begins with the segment that holds
    /// it, and tells nothing of what stands before it there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open_at(dir: &Path, ordinal: u64) -> Result<Self, Error> {
        let limit = writer::live_mark(dir)?;
        let mut first = None;
        for number in recover::segment_numbers(dir)?.into_iter().rev() {
            // One whose header is unreadable may hold it: the one before is looked at, too.
            let header = recover::read_header(dir, number)?;
            if let Some(header) = header.filter(|header| header.first_ordinal <= ordinal) {
                first = Some(Position {
                    ordinal: header.first_ordinal,
                    segment: number,
                    offset: format::SEGMENT_HEADER_LENGTH,
                });
                break;
            }
        }
        let mut scan = Self::new(dir, first, limit)?;
        // From the beginning of a segment: its first link is known.
        scan.first = None;
        scan.from_ordinal = ordinal;
        Ok(scan)
    }

    pub(super) fn up_to(
        dir: &Path,
        first: Option<Position>,
        end: DurableEnd,
    ) -> Result<Self, Error> {
        Self::new(dir, first, Some(end))
    }

    fn new(dir: &Path, first: Option<Position>, limit: Option<DurableEnd>) -> Result<Self, Error> {
        let mut numbers = recover::segment_numbers(dir)?;
        numbers.retain(|number| {
            first.is_none_or(|first| *number >= first.segment)
                && limit.is_none_or(|limit| *number <= limit.segment)
        });
        let mut bytes_total = 0_u64;
        for number in &numbers {
            let path = format::segment_path(dir, *number);
            let data = path
                .metadata()
                .map_err(|source| Error::io("read", &path, source))?;
            bytes_total = bytes_total.saturating_add(data.len());
        }
        Ok(Self {
            dir: dir.to_owned(),
            numbers: numbers.into(),
            walker: None,
            before: None,
            first,
            from_ordinal: 0,
            marked: writer::read_mark(dir).map_or(0, |mark| mark.ordinal),
            limit,
            durable: None,
            bytes_total,
            bytes_done: 0,
            end_offset: 0,
            end_erased: false,
            ended: false,
        })
    }

    /// Only these segments.
    pub(super) fn only(mut self, segments: &impl RangeBounds<u64>) -> Self {
        self.numbers.retain(|number| segments.contains(number));
        self
    }

    /// The digests of the payloads alone, also of erased ones.
    #[must_use]
    pub fn digests(self) -> Digests {
        Digests { scan: self }
    }

    /// How much there is to read.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// How much of it was read.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        let here = self.walker.as_ref().map_or(0, Walker::offset);
        self.bytes_done.saturating_add(here).min(self.bytes_total)
    }

    fn advance(&mut self) -> Option<Result<Whole, Error>> {
        if self.ended {
            return None;
        }
        let item = self.step().transpose();
        self.ended = match &item {
            None => true,
            Some(Ok(_) | Err(Error::Damaged(_))) => false,
            Some(Err(_)) => true,
        };
        item
    }

    fn step(&mut self) -> Result<Option<Whole>, Error> {
        loop {
            let Some(walker) = self.walker.as_mut() else {
                if !self.enter_next()? {
                    return Ok(None);
                }
                continue;
            };
            let ordinal_before = walker.ordinal();
            match walker.step()? {
                Found::Record(whole) if whole.position.ordinal < self.from_ordinal => {}
                Found::Record(whole) => return Ok(Some(whole)),
                Found::Damage(damage)
                    if damage
                        .ordinal
                        .is_some_and(|ordinal| ordinal < self.from_ordinal) => {}
                Found::Damage(damage) => {
                    if self.is_torn(ordinal_before)? {
                        self.leave();
                        continue;
                    }
                    return Err(Error::Damaged(damage));
                }
                Found::End => {
                    self.leave();
                    self.check_end()?;
                }
            }
        }
    }

    /// Goes into the next segment; false: there is none.
    fn enter_next(&mut self) -> Result<bool, Error> {
        let Some(number) = self.numbers.pop_front() else {
            return Ok(false);
        };
        let damage = |kind| {
            Error::Damaged(Damage {
                segment: number,
                offset: 0,
                ordinal: None,
                kind,
            })
        };
        if let Some((before, ordinal, _)) = self.before
            && number != before.saturating_add(1)
        {
            // Told once; then the segment that is there.
            self.numbers.push_front(number);
            self.before = Some((number.saturating_sub(1), ordinal, None));
            return Err(Error::Damaged(Damage {
                segment: before.saturating_add(1),
                offset: 0,
                ordinal: ordinal.checked_add(1),
                kind: DamageKind::SegmentMissing,
            }));
        }
        let limit = self
            .limit
            .filter(|limit| limit.segment == number)
            .map(|limit| limit.offset);
        let Some(mut walker) = Walker::open(&self.dir, number, limit)? else {
            if self.is_unfinished(number)? {
                return Ok(true);
            }
            let ordinal = self.before.map_or(0, |before| before.1);
            self.before = Some((number, ordinal, None));
            return Err(damage(DamageKind::SegmentHeader));
        };
        let continues = self.continues(walker.segment());
        if let Some(first) = self.first.take().filter(|first| first.segment == number) {
            walker.skip_to(first)?;
        }
        self.before = None;
        self.walker = Some(walker);
        if continues {
            Ok(true)
        } else {
            Err(damage(DamageKind::SegmentOrder))
        }
    }

    fn continues(&self, header: &SegmentHeader) -> bool {
        self.before.is_none_or(|(_, ordinal, chain)| match chain {
            Some(chain) => {
                header.first_ordinal == ordinal.saturating_add(1) && header.chain == chain
            }
            // Damage before it was told already.
            None => header.first_ordinal > ordinal,
        })
    }

    /// A last segment that was being begun when the power failed.
    fn is_unfinished(&self, number: u64) -> Result<bool, Error> {
        let path = format::segment_path(&self.dir, number);
        let data = path
            .metadata()
            .map_err(|source| Error::io("read", &path, source))?;
        Ok(self.numbers.is_empty()
            && self.limit.is_none()
            && data.len() <= format::SEGMENT_HEADER_LENGTH
            && writer::read_mark(&self.dir).is_none_or(|mark| mark.segment < number))
    }

    /// Whether what follows the record of this ordinal was never durable.
    fn is_torn(&mut self, ordinal: u64) -> Result<bool, Error> {
        let Some(walker) = self.walker.as_ref() else {
            return Ok(false);
        };
        if self.limit.is_some() || !self.numbers.is_empty() {
            return Ok(false);
        }
        let durable = match self.durable {
            Some(durable) => durable,
            None => {
                let number = walker.segment().number;
                let found = walk::last_durable(&self.dir, number, None)?.max(self.marked);
                *self.durable.insert(found)
            }
        };
        Ok(durable <= ordinal)
    }

    fn leave(&mut self) {
        if let Some(walker) = self.walker.take() {
            self.end_offset = walker.offset();
            self.end_erased = walker.segment().erased;
            self.bytes_done = self.bytes_done.saturating_add(self.end_offset);
            self.before = Some((walker.segment().number, walker.reached(), walker.chain()));
        }
    }

    /// At the very end: are all records there that were durable once?
    fn check_end(&mut self) -> Result<(), Error> {
        let Some((segment, ordinal, _)) = self.before else {
            return Ok(());
        };
        if !self.numbers.is_empty() || self.limit.is_some() {
            return Ok(());
        }
        if std::mem::take(&mut self.end_erased) {
            // Only closed segments are erased: there was one behind it.
            self.marked = 0;
            return Err(Error::Damaged(Damage {
                segment: segment.saturating_add(1),
                offset: 0,
                ordinal: ordinal.checked_add(1),
                kind: DamageKind::SegmentMissing,
            }));
        }
        if self.marked > ordinal {
            self.marked = 0;
            return Err(Error::Damaged(Damage {
                segment,
                offset: self.end_offset,
                ordinal: ordinal.checked_add(1),
                kind: DamageKind::Truncated,
            }));
        }
        Ok(())
    }
}

impl Iterator for Scan {
    type Item = Result<(Position, Bytes), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.advance()?.and_then(|whole| {
            let Whole {
                position,
                digest,
                payload,
                ..
            } = whole;
            match payload {
                Some(payload) => Ok((position, payload)),
                None => Err(Error::Erased { position, digest }),
            }
        }))
    }
}

/// The digests of the payloads of a log in order, as a [`Scan`] finds them: damage comes in its place.
#[derive(Debug)]
pub struct Digests {
    scan: Scan,
}

impl Digests {
    /// How much there is to read.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.scan.bytes_total()
    }

    /// How much of it was read.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        self.scan.bytes_done()
    }
}

impl Iterator for Digests {
    type Item = Result<PayloadDigest, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole = self.scan.advance()?;
        Some(whole.map(|whole| PayloadDigest {
            position: whole.position,
            digest: whole.digest,
            erased: whole.payload.is_none(),
        }))
    }
}

/// What is known of one record, whether or not its payload still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadDigest {
    /// Where the record lies.
    pub position: Position,
    /// SHA-256 of its payload.
    pub digest: [u8; 32],
    /// The payload was erased.
    pub erased: bool,
}
