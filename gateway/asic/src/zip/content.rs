//! The octets of an entry as a stream.

use std::fmt;
use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::archive::Entry;
use super::{Error, Source};

/// The content of an entry. The last octets are handed out only after everything has been checked:
/// length, checksum, and that nothing follows inside the entry. Errors of the format come as
/// [`io::ErrorKind::InvalidData`] around a [`zip::Error`](super::Error).
pub struct Content {
    source: Source,
    entry: Entry,
    state: State,
    /// `None` for stored content.
    inflate: Option<Inflate>,
    /// From the start of the content: how many octets have been taken from the source.
    taken: u64,
    produced: u64,
    crc: crc32fast::Hasher,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Finished,
    Failed,
}

struct Inflate {
    stream: Decompress,
    input: Box<[u8]>,
    /// What of the input is still to be used.
    start: usize,
    end: usize,
    /// The end of the compressed stream was seen.
    ended: bool,
}

impl Content {
    pub(super) fn new(source: Source, entry: &Entry) -> Self {
        Self {
            source,
            inflate: entry.is_deflated.then(|| Inflate {
                stream: Decompress::new(false),
                input: Box::default(),
                start: 0,
                end: 0,
                ended: false,
            }),
            entry: entry.clone(),
            state: State::Reading,
            taken: 0,
            produced: 0,
            crc: crc32fast::Hasher::new(),
        }
    }

    /// The next octets; 0 at the end, after which everything has been checked.
    pub(super) fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        match self.state {
            State::Reading => {}
            State::Finished => return Ok(0),
            State::Failed => return Err(self.broken("it failed before")),
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let result = self.advance(buffer);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    fn advance(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let left = self.entry.bytes.saturating_sub(self.produced);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let mut count = 0;
        if let Some(buffer) = buffer.get_mut(..wanted).filter(|buffer| !buffer.is_empty()) {
            count = match self.inflate {
                None => self.copy(buffer)?,
                Some(_) => self.decompress(buffer)?,
            };
            if count == 0 {
                return Err(self.broken("it is shorter than it says"));
            }
            self.crc.update(buffer.get(..count).unwrap_or_default());
            self.produced = self
                .produced
                .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
        if self.produced == self.entry.bytes {
            self.complete()?;
            self.state = State::Finished;
        }
        Ok(count)
    }

    /// All octets are there: nothing may follow, and they must be the ones described.
    fn complete(&mut self) -> Result<(), Error> {
        if self.inflate.is_some() && self.decompress(&mut [0])? != 0 {
            return Err(self.broken("it is longer than it says"));
        }
        let unused = self
            .inflate
            .as_ref()
            .is_some_and(|inflate| inflate.start != inflate.end);
        if unused || self.taken != self.entry.compressed_bytes {
            return Err(self.broken("octets follow the end of its compressed content"));
        }
        if self.crc.clone().finalize() != self.entry.crc {
            return Err(Error::Checksum {
                name: self.entry.name.clone(),
            });
        }
        Ok(())
    }

    /// Stored content.
    fn copy(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.source
            .read_exact(buffer, self.entry.start.saturating_add(self.taken))?;
        self.taken = self
            .taken
            .saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
        Ok(buffer.len())
    }

    /// Deflated content; 0 at the end of the compressed stream.
    fn decompress(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            self.fill()?;
            let Some(inflate) = &mut self.inflate else {
                return Ok(0);
            };
            if inflate.ended {
                return Ok(0);
            }
            let input = inflate.input.get(inflate.start..inflate.end);
            let input = input.unwrap_or_default();
            let had_input = !input.is_empty();
            let before = (inflate.stream.total_in(), inflate.stream.total_out());
            let status = inflate
                .stream
                .decompress(input, buffer, FlushDecompress::None);
            let used = inflate.stream.total_in().saturating_sub(before.0);
            let made = inflate.stream.total_out().saturating_sub(before.1);
            inflate.start = usize::try_from(used)
                .ok()
                .and_then(|used| inflate.start.checked_add(used))
                .map_or(inflate.end, |start| start.min(inflate.end));
            inflate.ended = matches!(status, Ok(Status::StreamEnd));
            match status {
                Err(_) => return Err(self.broken("its compressed content is broken")),
                Ok(_) if made != 0 => return Ok(usize::try_from(made).unwrap_or(buffer.len())),
                Ok(Status::StreamEnd) => return Ok(0),
                Ok(Status::Ok | Status::BufError) if used != 0 => {}
                Ok(Status::Ok | Status::BufError) if had_input => {
                    return Err(self.broken("its compressed content is broken"));
                }
                Ok(Status::Ok | Status::BufError) => {
                    return Err(self.broken("its compressed content is cut off"));
                }
            }
        }
    }

    /// More compressed octets, when those at hand are used up and there are more.
    fn fill(&mut self) -> Result<(), Error> {
        let Some(inflate) = &mut self.inflate else {
            return Ok(());
        };
        let left = self.entry.compressed_bytes.saturating_sub(self.taken);
        if inflate.ended || inflate.start != inflate.end || left == 0 {
            return Ok(());
        }
        let count = usize::try_from(left).map_or(INPUT_BYTES, |left| left.min(INPUT_BYTES));
        if inflate.input.len() < count {
            inflate.input = vec![0; count].into();
        }
        let input = inflate.input.get_mut(..count).unwrap_or_default();
        self.source
            .read_exact(input, self.entry.start.saturating_add(self.taken))?;
        (inflate.start, inflate.end) = (0, count);
        self.taken = self
            .taken
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(())
    }

    fn broken(&self, reason: &'static str) -> Error {
        Error::Content {
            name: self.entry.name.clone(),
            reason,
        }
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|error| match error {
            Error::Io(error) => error,
            error => io::Error::new(io::ErrorKind::InvalidData, error),
        })
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("entry", &self.entry.name)
            .field("state", &self.state)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

const INPUT_BYTES: usize = 16 << 10;
