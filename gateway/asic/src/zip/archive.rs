//! Opening an archive.

use std::collections::HashMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::content::Content;
use super::directory::{self, Header};
use super::end::End;
use super::format::{DEFLATED, STORED};
use super::{Error, Limits, Source, layout};

/// An archive whose structure has been checked; the content of an entry is checked as it is read.
#[derive(Debug)]
pub struct Archive {
    source: Source,
    memory_bytes_max: u64,
    entries: Vec<Entry>,
    /// By name in lower case.
    index: HashMap<String, usize>,
    comment: Bytes,
}

/// An entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) name: String,
    pub(super) is_deflated: bool,
    pub(super) start: u64,
    pub(super) compressed_bytes: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
    time: Option<Timestamp>,
}

impl Archive {
    /// Opens an archive and checks its structure: every header, but not yet the contents.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and where.
    pub fn open(source: impl Into<Source>, limits: &Limits) -> Result<Self, Error> {
        let source = source.into();
        at_most(
            "octets of the archive",
            source.bytes(),
            limits.archive_bytes_max,
        )?;
        let end = End::read(&source)?;
        at_most("entries", end.entries, limits.entries_max)?;
        at_most(
            "octets of the central directory",
            end.directory_bytes,
            limits.directory_bytes_max,
        )?;
        if directory::bytes_min(end.entries) > end.directory_bytes {
            return Err(Error::Record {
                reason: "a central directory of too few octets for its entries",
                offset: end.directory_offset,
            });
        }
        let octets = source.read(end.directory_offset, end.directory_bytes)?;
        let headers = directory::read(&octets, end.directory_offset, end.entries, limits)?;
        check_amounts(&headers, limits)?;
        let starts = layout::check(&source, &headers, end.directory_offset)?;

        let mut entries = Vec::with_capacity(headers.len());
        let mut index = HashMap::with_capacity(headers.len());
        for (header, start) in headers.iter().zip(starts) {
            let entry = Entry::new(header, start);
            // Where letters of either case are the same, one file would replace the other.
            if index
                .insert(entry.name.to_ascii_lowercase(), entries.len())
                .is_some()
            {
                return Err(Error::Duplicate { name: entry.name });
            }
            if entry.name.ends_with('/') {
                entry.check_folder(&source)?;
            } else {
                entries.push(entry);
            }
        }
        Ok(Self {
            source,
            memory_bytes_max: limits.memory_bytes_max,
            entries,
            index,
            comment: end.comment,
        })
    }

    /// All entries that are no folders, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of exactly this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        let at = self.index.get(&name.to_ascii_lowercase())?;
        self.entries.get(*at).filter(|entry| entry.name == name)
    }

    /// The comment of the archive, empty for none.
    pub fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// The whole content of an entry.
    ///
    /// # Errors
    ///
    /// When it is larger than [`Limits::memory_bytes_max`], or not as the entry says.
    pub fn read(&self, entry: &Entry) -> Result<Bytes, Error> {
        self.read_at_most(entry, self.memory_bytes_max)
    }

    /// The same, when it is not larger than this either.
    pub(crate) fn read_at_most(&self, entry: &Entry, bytes_max: u64) -> Result<Bytes, Error> {
        at_most(
            "octets of an entry in memory",
            entry.bytes,
            bytes_max.min(self.memory_bytes_max),
        )?;
        let mut content = self.content(entry)?;
        // What the entry says is not believed before it is there.
        let mut octets = Vec::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = content.next(&mut chunk)?;
            match chunk.get(..count) {
                Some([]) | None => return Ok(octets.into()),
                Some(filled) => octets.extend_from_slice(filled),
            }
        }
    }

    /// Reads an entry to its end, for nothing but to check it. Who reads an archive from its front
    /// finds the end of an entry by decompressing: one that is not as it says could hide others
    /// behind it, so an archive is only known to be sound when every entry has been read.
    ///
    /// # Errors
    ///
    /// When it is not as it says.
    pub fn check(&self, entry: &Entry) -> Result<(), Error> {
        let mut content = self.content(entry)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        while content.next(&mut chunk)? != 0 {}
        Ok(())
    }

    /// The content of an entry as a stream.
    ///
    /// # Errors
    ///
    /// When the entry is of another archive.
    pub fn content(&self, entry: &Entry) -> Result<Content, Error> {
        match self.entry(&entry.name) {
            Some(own) if own == entry => Ok(Content::new(self.source.clone(), entry)),
            Some(_) | None => Err(Error::Content {
                name: entry.name.clone(),
                reason: "an entry of another archive",
            }),
        }
    }
}

impl Entry {
    fn new(header: &Header<'_>, start: u64) -> Self {
        let time = header.time.map(i64::from);
        Self {
            name: header.name.to_owned(),
            is_deflated: header.method == DEFLATED,
            start,
            compressed_bytes: header.compressed_bytes,
            bytes: header.bytes,
            crc: header.crc,
            time: time.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        }
    }

    /// Its name, of which there is only one in the archive.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many octets its content has.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it was changed, where it says so in UTC (the extended time stamp).
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// A folder has no content, not even compressed.
    fn check_folder(&self, source: &Source) -> Result<(), Error> {
        if self.bytes != 0 {
            return Err(Error::Content {
                name: self.name.clone(),
                reason: "a folder with content",
            });
        }
        Content::new(source.clone(), self).next(&mut [0]).map(drop)
    }
}

fn check_amounts(headers: &[Header<'_>], limits: &Limits) -> Result<(), Error> {
    let mut total: u64 = 0;
    for header in headers {
        if header.method == STORED && header.bytes != header.compressed_bytes {
            return Err(Error::Content {
                name: header.name.to_owned(),
                reason: "two lengths, though it is not compressed",
            });
        }
        at_most("octets of an entry", header.bytes, limits.entry_bytes_max)?;
        total = total.saturating_add(header.bytes);
        let expanded = header.compressed_bytes.saturating_mul(limits.ratio_max);
        if header.bytes > RATIO_FROM_BYTES && header.bytes > expanded {
            return Err(Error::TooMuch {
                what: "octets of an entry that is compressed to very few",
                value: header.bytes,
                max: expanded,
            });
        }
    }
    at_most("octets of all entries", total, limits.total_bytes_max)
}

const fn at_most(what: &'static str, value: u64, max: u64) -> Result<(), Error> {
    if value > max {
        Err(Error::TooMuch { what, value, max })
    } else {
        Ok(())
    }
}

const RATIO_FROM_BYTES: u64 = 1 << 20;
const CHUNK_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests;
