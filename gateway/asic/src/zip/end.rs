//! The records at the end of an archive (APPNOTE 4.3.14 to 4.3.16).

use bytes::Bytes;

use super::format::{
    COUNT_IN_ZIP64, END, END_BYTES, Fields, IN_ZIP64, ZIP64_END, ZIP64_END_BYTES, ZIP64_LOCATOR,
    ZIP64_LOCATOR_BYTES,
};
use super::{Error, Source};

/// What the end records say.
#[derive(Debug)]
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) directory_offset: u64,
    pub(super) directory_bytes: u64,
    pub(super) comment: Bytes,
}

impl End {
    /// Finds and reads them, and checks that the central directory ends where they start.
    pub(super) fn read(source: &Source) -> Result<Self, Error> {
        let file_bytes = source.bytes();
        let tail_bytes = file_bytes.min(TAIL_BYTES);
        let tail_offset = file_bytes.saturating_sub(tail_bytes);
        let tail = source.read(tail_offset, tail_bytes)?;
        let (at, record) = find(&tail, tail_offset)?;
        let end = Record::read(record).ok_or(Error::NoEnd)?;
        if end.disks != (0, 0) || end.entries_here != end.entries {
            return Err(Error::MultiDisk);
        }
        let (start, entries, bytes, offset) = match zip64(source, at)? {
            None if end.needs_zip64() => {
                return Err(Error::Zip64 {
                    reason: "numbers that should be in a record that is not there",
                });
            }
            None => (
                at,
                u64::from(end.entries),
                u64::from(end.directory_bytes),
                u64::from(end.directory_offset),
            ),
            Some((start, large)) => {
                large.agrees(&end)?;
                (
                    start,
                    large.entries,
                    large.directory_bytes,
                    large.directory_offset,
                )
            }
        };
        match offset.checked_add(bytes) {
            Some(end) if end == start => {}
            Some(end) if end < start => {
                return Err(Error::Gap {
                    offset: end,
                    next: start,
                });
            }
            _ => {
                return Err(Error::Overlap {
                    offset: start,
                    end: offset.saturating_add(bytes),
                });
            }
        }
        Ok(Self {
            entries,
            directory_offset: offset,
            directory_bytes: bytes,
            comment: Bytes::copy_from_slice(end.comment),
        })
    }
}

/// The end record and where it starts: the last place with its signature, which must end with the
/// file. Readers that take the first fitting place must find the same.
fn find(tail: &[u8], tail_offset: u64) -> Result<(u64, &[u8]), Error> {
    let signature = END.to_le_bytes();
    let mut places = tail
        .windows(signature.len())
        .enumerate()
        .rev()
        .filter(|(_, window)| *window == signature)
        .filter_map(|(at, _)| Some((offset_of(at, tail_offset), tail.get(at..)?)));
    let (at, record) = places.next().ok_or(Error::NoEnd)?;
    let file_bytes = offset_of(tail.len(), tail_offset);
    match record_end(at, record) {
        Some(end) if end == file_bytes => {}
        Some(end) => return Err(Error::EndElsewhere { end, file_bytes }),
        None => return Err(Error::NoEnd),
    }
    match places.find(|(at, record)| record_end(*at, record) == Some(file_bytes)) {
        Some((offset, _)) => Err(Error::SecondEnd { offset }),
        None => Ok((at, record)),
    }
}

fn record_end(at: u64, record: &[u8]) -> Option<u64> {
    let comment = record.get(COMMENT_LENGTH_AT..)?.first_chunk()?;
    at.checked_add(END_BYTES)?
        .checked_add(u64::from(u16::from_le_bytes(*comment)))
}

fn offset_of(at: usize, tail_offset: u64) -> u64 {
    u64::try_from(at)
        .unwrap_or(u64::MAX)
        .saturating_add(tail_offset)
}

/// The record that every archive ends with.
struct Record<'a> {
    /// Of this record, and of the start of the directory.
    disks: (u16, u16),
    entries_here: u16,
    entries: u16,
    directory_bytes: u32,
    directory_offset: u32,
    comment: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(octets: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(octets);
        let _signature = fields.u32()?;
        Some(Self {
            disks: (fields.u16()?, fields.u16()?),
            entries_here: fields.u16()?,
            entries: fields.u16()?,
            directory_bytes: fields.u32()?,
            directory_offset: fields.u32()?,
            comment: {
                let count = fields.u16()?;
                fields.bytes(count)?
            },
        })
    }

    const fn needs_zip64(&self) -> bool {
        self.entries == COUNT_IN_ZIP64
            || self.directory_bytes == IN_ZIP64
            || self.directory_offset == IN_ZIP64
    }
}

/// The record for large archives.
struct Large {
    entries: u64,
    directory_bytes: u64,
    directory_offset: u64,
}

/// The ZIP64 records in front of the end record, if there are any, and where they start.
fn zip64(source: &Source, end: u64) -> Result<Option<(u64, Large)>, Error> {
    let Some(at) = end.checked_sub(ZIP64_LOCATOR_BYTES) else {
        return Ok(None);
    };
    let locator = source.read(at, ZIP64_LOCATOR_BYTES)?;
    let mut fields = Fields(&locator);
    if fields.u32() != Some(ZIP64_LOCATOR) {
        return Ok(None);
    }
    let (Some(disk), Some(offset), Some(disks)) = (fields.u32(), fields.u64(), fields.u32()) else {
        return Ok(None);
    };
    if (disk, disks) != (0, 1) {
        return Err(Error::MultiDisk);
    }
    // Only the plain form: no room for private data between the two.
    if offset.checked_add(ZIP64_END_BYTES) != Some(at) {
        return Err(Error::Zip64 {
            reason: "the end record is not in front of its locator",
        });
    }
    let record = source.read(offset, ZIP64_END_BYTES)?;
    let large = Large::read(&record).ok_or(Error::Record {
        reason: "no ZIP64 end record",
        offset,
    })??;
    Ok(Some((offset, large)))
}

impl Large {
    fn read(octets: &[u8]) -> Option<Result<Self, Error>> {
        let mut fields = Fields(octets);
        if fields.u32()? != ZIP64_END {
            return None;
        }
        let record_bytes = fields.u64()?;
        let _versions = (fields.u16()?, fields.u16()?);
        let disks = (fields.u32()?, fields.u32()?);
        let entries_here = fields.u64()?;
        let large = Self {
            entries: fields.u64()?,
            directory_bytes: fields.u64()?,
            directory_offset: fields.u64()?,
        };
        // What follows its own length.
        if record_bytes.checked_add(12) != Some(ZIP64_END_BYTES) {
            return Some(Err(Error::Zip64 {
                reason: "an end record of another length",
            }));
        }
        if disks != (0, 0) || entries_here != large.entries {
            return Some(Err(Error::MultiDisk));
        }
        Some(Ok(large))
    }

    /// Each number of the short record is the same, or says that it stands here.
    fn agrees(&self, end: &Record<'_>) -> Result<(), Error> {
        let entries = end.entries == COUNT_IN_ZIP64 || u64::from(end.entries) == self.entries;
        let number = |short, long| short == IN_ZIP64 || u64::from(short) == long;
        if entries
            && number(end.directory_bytes, self.directory_bytes)
            && number(end.directory_offset, self.directory_offset)
        {
            Ok(())
        } else {
            Err(Error::Zip64 {
                reason: "the two end records disagree",
            })
        }
    }
}

const COMMENT_LENGTH_AT: usize = 20;
/// The longest end record: with a comment of 65,535 octets.
const TAIL_BYTES: u64 = END_BYTES + 65_535;
