//! Contents of the log as readers that block, and give only what was logged.

use std::fmt;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use certs_keys::Hasher;
use gateway_messagelog::Content;

/// Reads a content, waiting for the disk on the thread of the caller. One that was changed in its
/// file fails before its end: a document that would not verify is not handed out as if it were whole.
pub(super) struct BodyReader {
    content: Content,
    offset: u64,
    chunk: Bytes,
    /// Over what was read; `None` once it was compared.
    hasher: Option<Hasher>,
}

impl BodyReader {
    pub(super) fn new(content: Content) -> Self {
        Self {
            offset: 0,
            chunk: Bytes::new(),
            hasher: Some(Hasher::new(content.digest().algorithm())),
            content,
        }
    }

    /// Reads the next chunk; the last one only when the whole is what was logged.
    fn fill(&mut self) -> io::Result<()> {
        let chunk = self
            .content
            .chunk_at(self.offset)
            .map_err(io::Error::other)?;
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(length);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        if self.offset >= self.content.len()
            && let Some(hasher) = self.hasher.take()
            && hasher.finish() != *self.content.digest()
        {
            self.offset = u64::MAX;
            return Err(io::Error::new(io::ErrorKind::InvalidData, CHANGED));
        }
        self.chunk = chunk;
        Ok(())
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && self.offset < self.content.len() {
            self.fill()?;
        }
        let length = buffer.len().min(self.chunk.len());
        if let Some(filled) = buffer.get_mut(..length) {
            self.chunk.copy_to_slice(filled);
        }
        Ok(length)
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").finish_non_exhaustive()
    }
}

const CHANGED: &str = "the body is not what was logged: its file was changed";
