//! Bytes of a body or attachment, in memory or in a file.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, Hasher};
use tokio::task::JoinHandle;

use crate::Error;
use crate::bodies::BodyFile;
use crate::protection::file::CHUNK_BYTES;

/// Body or attachment bytes with their SHA-512: in memory up to a bound, above it in a file of the
/// log. Cheap to clone. An unlogged file goes away when the last handle is dropped; a logged one
/// stays.
#[derive(Clone)]
pub struct Content {
    inner: Arc<Inner>,
}

struct Inner {
    digest: Digest,
    length: u64,
    place: Place,
}

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Place {
    Memory(Bytes),
    File(BodyFile),
    /// Nowhere: only digest and length are known.
    Withheld,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("length", &self.inner.length)
            .field("in_memory", &self.bytes().is_some())
            .finish_non_exhaustive()
    }
}

impl Content {
    /// Bytes that are in memory already.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        let digest = Digest::of(DIGEST, &bytes);
        Self::in_memory(bytes, digest)
    }

    pub(crate) fn in_memory(bytes: Bytes, digest: Digest) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self {
            inner: Arc::new(Inner {
                digest,
                length,
                place: Place::Memory(bytes),
            }),
        }
    }

    pub(crate) fn in_file(file: BodyFile, length: u64, digest: Digest) -> Self {
        Self {
            inner: Arc::new(Inner {
                digest,
                length,
                place: Place::File(file),
            }),
        }
    }

    /// A content of which only digest and length are kept.
    pub(crate) fn not_kept(length: u64, digest: Digest) -> Self {
        Self {
            inner: Arc::new(Inner {
                digest,
                length,
                place: Place::Withheld,
            }),
        }
    }

    /// The same content without its bytes: what the log keeps where bodies are not kept.
    #[must_use]
    pub fn withheld(&self) -> Self {
        Self::not_kept(self.len(), *self.digest())
    }

    /// The bytes are not kept: reading them fails with [`Error::ContentWithheld`].
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        matches!(self.inner.place, Place::Withheld)
    }

    /// The SHA-512 of the bytes, computed while they were received.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.inner.length
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes, when they are in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.inner.place {
            Place::Memory(bytes) => Some(bytes),
            Place::File(_) | Place::Withheld => None,
        }
    }

    /// The bytes from the start, in chunks of at most 64 KiB, read off the executor and one ahead.
    #[must_use]
    pub fn reader(&self) -> ContentReader {
        ContentReader {
            content: self.clone(),
            offset: 0,
            ahead: None,
        }
    }

    /// Computes the digest anew from the bytes as they are now. It blocks while it reads.
    ///
    /// # Errors
    /// The file cannot be read or is shorter than it was, or the bytes were not kept.
    pub fn digest_again(&self) -> Result<Digest, Error> {
        if self.is_withheld() {
            return Err(Error::ContentWithheld);
        }
        let mut hasher = Hasher::new(self.inner.digest.algorithm());
        let mut offset = 0;
        while offset < self.len() {
            let chunk = self.chunk_at(offset)?;
            offset = offset.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            hasher.update(&chunk);
        }
        Ok(hasher.finish())
    }

    pub(crate) fn place(&self) -> &Place {
        &self.inner.place
    }

    /// The chunk that begins at `offset`, the end of the one before. It blocks while it reads.
    ///
    /// # Errors
    /// The file cannot be read or is shorter than it was, or the bytes were not kept.
    pub fn chunk_at(&self, offset: u64) -> Result<Bytes, Error> {
        match &self.inner.place {
            Place::Memory(bytes) => {
                let start = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let end = start.saturating_add(CHUNK_BYTES).min(bytes.len());
                Ok(bytes.slice(start..end))
            }
            Place::File(file) => Ok(file.chunk(offset, self.len())?.into()),
            Place::Withheld => Err(Error::ContentWithheld),
        }
    }
}

/// Reads a content once, from its start.
#[derive(Debug)]
pub struct ContentReader {
    content: Content,
    offset: u64,
    /// The next chunk, being read; kept here so that a dropped future loses nothing.
    ahead: Option<JoinHandle<Result<Bytes, Error>>>,
}

impl ContentReader {
    /// The next chunk; `None` at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The file cannot be read or is shorter than it was, or the bytes were not kept.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.content.is_withheld() {
            return Err(Error::ContentWithheld);
        }
        if self.offset >= self.content.len() {
            return Ok(None);
        }
        let chunk = match self.content.place() {
            Place::Memory(_) | Place::Withheld => self.content.chunk_at(self.offset)?,
            Place::File(_) => {
                let (content, offset) = (&self.content, self.offset);
                let reading = self
                    .ahead
                    .get_or_insert_with(|| read_chunk(content, offset));
                let read = reading.await;
                self.ahead = None;
                read.map_err(|_| Error::Interrupted)??
            }
        };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(length);
        if matches!(self.content.place(), Place::File(_)) && self.offset < self.content.len() {
            self.ahead = Some(read_chunk(&self.content, self.offset));
        }
        Ok(Some(chunk))
    }

    /// How many bytes are still to come.
    #[must_use]
    pub fn bytes_left(&self) -> u64 {
        self.content.len().saturating_sub(self.offset)
    }
}

fn read_chunk(content: &Content, offset: u64) -> JoinHandle<Result<Bytes, Error>> {
    let content = content.clone();
    tokio::task::spawn_blocking(move || content.chunk_at(offset))
}

/// The algorithm of part digests on the wire.
pub(crate) const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha512;
