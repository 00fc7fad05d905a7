//! Writing an archive file.

use std::io::{Read, Write};

use bytes::Bytes;
use certs_keys::{DigestAlgorithm, Hasher};
use jiff::Timestamp;

use super::{Error, file_name};
use crate::linking::{Chain, Info, LINKING_INFO, Previous};
use crate::zip::{self, Options};

/// Writes an archive file, container by container, in constant memory but for the linking
/// information.
#[derive(Debug)]
pub struct Writer<W: Write> {
    zip: zip::Writer<W>,
    chain: Chain,
    times: Option<(Timestamp, Timestamp)>,
    bytes: u64,
}

/// An archive file that was written.
#[derive(Debug)]
pub struct Finished<W> {
    /// What was written to.
    pub out: W,
    /// Its length.
    pub bytes: u64,
    /// The linking information in it; its last digest is where the next file of the group goes on.
    pub info: Info,
    /// The time of the earliest record.
    pub first: Timestamp,
    /// The time of the latest record.
    pub last: Timestamp,
}

impl<W: Write> Writer<W> {
    /// Starts a file, which goes on after `previous` or begins a chain.
    pub fn new(out: W, algorithm: DigestAlgorithm, previous: Option<Previous>) -> Self {
        Self {
            zip: zip::Writer::new(out, Options::archive()),
            chain: Chain::new(algorithm, previous),
            times: None,
            bytes: 0,
        }
    }

    /// Adds a container from a stream and returns its length. `time` is that of its record.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written, or its name is not allowed or was used before.
    pub fn add(
        &mut self,
        name: &str,
        time: Timestamp,
        container: &mut dyn Read,
    ) -> Result<u64, Error> {
        let mut hashed = Hashed {
            content: container,
            hasher: self.chain.hasher(),
        };
        let bytes = self
            .zip
            .stream(name, time, &mut hashed)
            .map_err(Error::Zip)?;
        self.chain.add(name, &hashed.hasher.finish());
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(bytes)
    }

    /// The octets of all containers so far.
    pub const fn container_bytes(&self) -> u64 {
        self.bytes
    }

    /// How many containers there are so far.
    pub fn containers(&self) -> usize {
        self.chain.info().links.len()
    }

    /// Writes the linking information and the end.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or nothing was added.
    pub fn finish(mut self) -> Result<Finished<W>, Error> {
        let (first, last) = self.times.ok_or(Error::NoContainer)?;
        let info = self.chain.into_info();
        let text = Bytes::from(info.encode());
        self.zip
            .file(LINKING_INFO, last, &text)
            .map_err(Error::Zip)?;
        let (out, bytes) = self.zip.finish().map_err(Error::Zip)?;
        Ok(Finished {
            out,
            bytes,
            info,
            first,
            last,
        })
    }
}

impl<W> Finished<W> {
    /// The name of the file.
    pub fn file_name(&self, group: Option<&str>) -> String {
        file_name(group, self.first, self.last, self.info.last_digest())
    }
}

/// Hashes what is read through it.
struct Hashed<'r> {
    content: &'r mut dyn Read,
    hasher: Hasher,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.content.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
