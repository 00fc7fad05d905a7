//! Writing an archive.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use jiff::Timestamp;

use super::format::{
    CENTRAL, COUNT_IN_ZIP64, DEFLATED, DESCRIPTOR, END, HAS_DESCRIPTOR, IN_ZIP64, LOCAL,
    NAME_IS_UTF8, TIME_EXTRA, TIME_OF_CHANGE, VERSION_DEFLATE, VERSION_ZIP64, ZIP64_END,
    ZIP64_END_BYTES, ZIP64_EXTRA, ZIP64_LOCATOR,
};
use super::time::{DosTime, unix_seconds};
use super::{Error, Names};
use crate::make::{MEDIA_TYPE, MEDIA_TYPE_FILE};

/// How an archive is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// From 0 (stored blocks) to 9.
    pub level: u32,
    /// Which names entries may have.
    pub names: Names,
    /// The comment of the archive; what does not fit into 65,535 octets is refused at the end.
    pub comment: Bytes,
}

/// Writes an archive entry by entry, in constant memory but for the central directory.
///
/// The form is that of the JDK, as other nodes write it: every entry deflated, sizes in a data
/// descriptor behind it, names in UTF-8, the time as DOS time and as extended time stamp, both of
/// UTC. ZIP64 only where numbers need it. The same entries give the same octets.
pub struct Writer<W: Write> {
    out: W,
    options: Options,
    /// How many octets have been written.
    position: u64,
    compress: Compress,
    /// Content to compress. Always compressed in pieces of this capacity, because the compressed
    /// octets depend on how the content is cut.
    content: Vec<u8>,
    compressed: Vec<u8>,
    /// The records of the central directory.
    directory: Vec<u8>,
    entries: u64,
    /// In lower case.
    names: HashSet<String>,
    /// The entry being written. It stays when writing fails: nothing can follow then.
    open: Option<Open>,
}

/// The entry being written. It must be finished.
pub struct EntryWriter<'w, W: Write> {
    writer: &'w mut Writer<W>,
}

/// What will be said of an entry in the central directory.
struct Open {
    name: String,
    time: Timestamp,
    offset: u64,
    start: u64,
    bytes: u64,
    crc: crc32fast::Hasher,
}

impl Options {
    /// Of a container: deflated, with its media type as comment.
    pub fn container() -> Self {
        Self {
            level: 6,
            names: Names::Container,
            comment: format!("{MEDIA_TYPE_FILE}={MEDIA_TYPE}").into(),
        }
    }

    /// Of an archive or a download of containers: flat names, nothing compressed again.
    pub const fn archive() -> Self {
        Self {
            level: 0,
            names: Names::Flat,
            comment: Bytes::new(),
        }
    }
}

impl<W: Write> Writer<W> {
    /// Starts an archive.
    pub fn new(out: W, options: Options) -> Self {
        let level = Compression::new(options.level.min(9));
        Self {
            out,
            options,
            position: 0,
            compress: Compress::new(level, false),
            content: Vec::with_capacity(PIECE_BYTES),
            compressed: Vec::with_capacity(PIECE_BYTES),
            directory: Vec::new(),
            entries: 0,
            names: HashSet::new(),
            open: None,
        }
    }

    /// Writes an entry.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or its name is not allowed or was used before.
    pub fn file(&mut self, name: &str, time: Timestamp, content: &[u8]) -> Result<(), Error> {
        let mut entry = self.entry(name, time)?;
        entry.write_all(content)?;
        entry.finish().map(drop)
    }

    /// Writes an entry from a stream and returns the length of its content.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written, or its name is not allowed or was used before.
    pub fn stream(
        &mut self,
        name: &str,
        time: Timestamp,
        content: &mut dyn Read,
    ) -> Result<u64, Error> {
        let mut entry = self.entry(name, time)?;
        io::copy(content, &mut entry)?;
        entry.finish()
    }

    /// Starts an entry whose content is written piece by piece. The octets of the archive do not
    /// depend on how the content is cut.
    ///
    /// # Errors
    ///
    /// When it cannot be written, its name is not allowed or was used before, or the entry before
    /// was not finished.
    pub fn entry(&mut self, name: &str, time: Timestamp) -> Result<EntryWriter<'_, W>, Error> {
        if self.open.is_some() {
            return Err(Error::Unfinished);
        }
        let refused = |reason| Error::Name {
            name: name.to_owned(),
            reason,
        };
        self.options.names.check(name.as_bytes()).map_err(refused)?;
        let name_bytes = u16::try_from(name.len()).map_err(|_| refused("is too long"))?;
        if name.ends_with('/') {
            return Err(refused("is that of a folder"));
        }
        if !self.names.insert(name.to_ascii_lowercase()) {
            return Err(Error::Duplicate {
                name: name.to_owned(),
            });
        }
        self.compress.reset();
        self.content.clear();
        self.open = Some(Open {
            name: name.to_owned(),
            time,
            offset: self.position,
            start: 0,
            bytes: 0,
            crc: crc32fast::Hasher::new(),
        });
        let mut header = Vec::with_capacity(64);
        header.extend(LOCAL.to_le_bytes());
        header.extend(VERSION_DEFLATE.to_le_bytes());
        push_common(&mut header, time);
        // Checksum and lengths follow the content.
        header.extend([0; 12]);
        header.extend(name_bytes.to_le_bytes());
        let extra = time_extra(time);
        header.extend(length16(&extra).to_le_bytes());
        header.extend(name.as_bytes());
        header.extend(extra);
        self.put(&header)?;
        if let Some(open) = &mut self.open {
            open.start = self.position;
        }
        Ok(EntryWriter { writer: self })
    }

    /// Writes the central directory, and returns what was written to with its length. The output
    /// is flushed.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or an entry was not finished.
    pub fn finish(mut self) -> Result<(W, u64), Error> {
        if self.open.is_some() {
            return Err(Error::Unfinished);
        }
        let comment_bytes =
            u16::try_from(self.options.comment.len()).map_err(|_| Error::TooMuch {
                what: "octets of the comment",
                value: u64::try_from(self.options.comment.len()).unwrap_or(u64::MAX),
                max: u64::from(u16::MAX),
            })?;
        let offset = self.position;
        let directory = std::mem::take(&mut self.directory);
        self.put(&directory)?;
        let bytes = self.position.saturating_sub(offset);

        let count = u16::try_from(self.entries).unwrap_or(COUNT_IN_ZIP64);
        let (short_bytes, short_offset) = (number32(bytes), number32(offset));
        let mut end = Vec::with_capacity(128);
        if count == COUNT_IN_ZIP64 || short_bytes == IN_ZIP64 || short_offset == IN_ZIP64 {
            end.extend(ZIP64_END.to_le_bytes());
            end.extend(ZIP64_END_BYTES.saturating_sub(12).to_le_bytes());
            end.extend(VERSION_ZIP64.to_le_bytes());
            end.extend(VERSION_ZIP64.to_le_bytes());
            end.extend([0; 8]);
            end.extend(self.entries.to_le_bytes());
            end.extend(self.entries.to_le_bytes());
            end.extend(bytes.to_le_bytes());
            end.extend(offset.to_le_bytes());
            end.extend(ZIP64_LOCATOR.to_le_bytes());
            end.extend(0_u32.to_le_bytes());
            end.extend(self.position.to_le_bytes());
            end.extend(1_u32.to_le_bytes());
        }
        end.extend(END.to_le_bytes());
        end.extend([0; 4]);
        end.extend(count.to_le_bytes());
        end.extend(count.to_le_bytes());
        end.extend(short_bytes.to_le_bytes());
        end.extend(short_offset.to_le_bytes());
        end.extend(comment_bytes.to_le_bytes());
        end.extend_from_slice(&self.options.comment);
        self.put(&end)?;
        self.out.flush()?;
        Ok((self.out, self.position))
    }

    /// Compresses what has gathered.
    fn deflate(&mut self, flush: FlushCompress) -> Result<(), Error> {
        let content = std::mem::take(&mut self.content);
        let mut rest = content.as_slice();
        loop {
            self.compressed.clear();
            let before = self.compress.total_in();
            let status = self
                .compress
                .compress_vec(rest, &mut self.compressed, flush)
                .map_err(io::Error::other)?;
            let used = self.compress.total_in().saturating_sub(before);
            rest = usize::try_from(used)
                .ok()
                .and_then(|used| rest.get(used..))
                .unwrap_or_default();
            put(&mut self.out, &mut self.position, &self.compressed)?;
            let done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => rest.is_empty() && self.compressed.len() < self.compressed.capacity(),
            };
            if done {
                break;
            }
        }
        self.content = content;
        self.content.clear();
        Ok(())
    }

    /// Ends the entry: the last of its content, its descriptor, its record in the directory.
    fn close(&mut self) -> Result<u64, Error> {
        self.deflate(FlushCompress::Finish)?;
        let Some(open) = &self.open else {
            return Err(Error::Unfinished);
        };
        let crc = open.crc.clone().finalize();
        let bytes = open.bytes;
        let compressed_bytes = self.position.saturating_sub(open.start);
        let large = number32(bytes) == IN_ZIP64 || number32(compressed_bytes) == IN_ZIP64;

        let mut descriptor = Vec::with_capacity(24);
        descriptor.extend(DESCRIPTOR.to_le_bytes());
        descriptor.extend(crc.to_le_bytes());
        for number in [compressed_bytes, bytes] {
            match large {
                true => descriptor.extend(number.to_le_bytes()),
                false => descriptor.extend(number32(number).to_le_bytes()),
            }
        }
        push_central(&mut self.directory, open, crc, compressed_bytes);
        self.put(&descriptor)?;
        self.entries = self.entries.saturating_add(1);
        self.open = None;
        Ok(bytes)
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), Error> {
        put(&mut self.out, &mut self.position, octets)
    }
}

fn put(out: &mut impl Write, position: &mut u64, octets: &[u8]) -> Result<(), Error> {
    out.write_all(octets)?;
    *position = position.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
    Ok(())
}

impl<W: Write> EntryWriter<'_, W> {
    /// Ends the entry and returns the length of its content.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn finish(self) -> Result<u64, Error> {
        self.writer.close()
    }
}

impl<W: Write> Write for EntryWriter<'_, W> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let writer = &mut *self.writer;
        let room = PIECE_BYTES.saturating_sub(writer.content.len());
        let taken = content.get(..room).unwrap_or(content);
        writer.content.extend_from_slice(taken);
        if let Some(open) = &mut writer.open {
            open.crc.update(taken);
            open.bytes = open
                .bytes
                .saturating_add(u64::try_from(taken.len()).unwrap_or(u64::MAX));
        }
        if writer.content.len() >= PIECE_BYTES {
            writer
                .deflate(FlushCompress::None)
                .map_err(|error| match error {
                    Error::Io(error) => error,
                    error => io::Error::other(error),
                })?;
        }
        Ok(taken.len())
    }

    /// Flushes what is behind; the rest of the content waits for more, or for the end.
    fn flush(&mut self) -> io::Result<()> {
        self.writer.out.flush()
    }
}

impl<W: Write> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("options", &self.options)
            .field("position", &self.position)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

impl<W: Write> fmt::Debug for EntryWriter<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryWriter")
            .field("writer", &self.writer)
            .finish()
    }
}

/// Flags, method and DOS time, as both headers have them.
fn push_common(header: &mut Vec<u8>, time: Timestamp) {
    let dos = DosTime::of(time);
    header.extend((HAS_DESCRIPTOR | NAME_IS_UTF8).to_le_bytes());
    header.extend(DEFLATED.to_le_bytes());
    header.extend(dos.time.to_le_bytes());
    header.extend(dos.date.to_le_bytes());
}

fn push_central(directory: &mut Vec<u8>, open: &Open, crc: u32, compressed_bytes: u64) {
    let (short_compressed, short_bytes) = (number32(compressed_bytes), number32(open.bytes));
    let large = short_compressed == IN_ZIP64 || short_bytes == IN_ZIP64;
    // The JDK moves both lengths when one of them is large.
    let (short_compressed, short_bytes) = match large {
        true => (IN_ZIP64, IN_ZIP64),
        false => (short_compressed, short_bytes),
    };
    let short_offset = number32(open.offset);

    let mut numbers = Vec::new();
    if large {
        numbers.extend(open.bytes.to_le_bytes());
        numbers.extend(compressed_bytes.to_le_bytes());
    }
    if short_offset == IN_ZIP64 {
        numbers.extend(open.offset.to_le_bytes());
    }
    let mut extra = Vec::new();
    let mut version = VERSION_DEFLATE;
    if !numbers.is_empty() {
        version = VERSION_ZIP64;
        extra.extend(ZIP64_EXTRA.to_le_bytes());
        extra.extend(length16(&numbers).to_le_bytes());
        extra.extend(numbers);
    }
    extra.extend(time_extra(open.time));

    directory.extend(CENTRAL.to_le_bytes());
    directory.extend(version.to_le_bytes());
    directory.extend(version.to_le_bytes());
    push_common(directory, open.time);
    directory.extend(crc.to_le_bytes());
    directory.extend(short_compressed.to_le_bytes());
    directory.extend(short_bytes.to_le_bytes());
    directory.extend(length16(open.name.as_bytes()).to_le_bytes());
    directory.extend(length16(&extra).to_le_bytes());
    // No comment, the first disk, no attributes.
    directory.extend([0; 10]);
    directory.extend(short_offset.to_le_bytes());
    directory.extend_from_slice(open.name.as_bytes());
    directory.extend(extra);
}

/// The extended time stamp, with the time of change only.
fn time_extra(time: Timestamp) -> Vec<u8> {
    let Some(seconds) = unix_seconds(time) else {
        return Vec::new();
    };
    let mut extra = Vec::with_capacity(9);
    extra.extend(TIME_EXTRA.to_le_bytes());
    extra.extend(5_u16.to_le_bytes());
    extra.push(TIME_OF_CHANGE);
    extra.extend(seconds.to_le_bytes());
    extra
}

/// A number for a field of 32 bits, or the mark that it stands in a ZIP64 field.
fn number32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_ZIP64)
}

/// The length of what was built or checked to fit.
fn length16(octets: &[u8]) -> u16 {
    u16::try_from(octets.len()).unwrap_or(u16::MAX)
}

const PIECE_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests;
