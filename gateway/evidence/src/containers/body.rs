//! Contents of the log as readers that block.

use std::fmt;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use gateway_messagelog::Content;

/// Reads a content, waiting for the disk on the thread of the caller.
pub(super) struct BodyReader {
    content: Content,
    offset: u64,
    chunk: Bytes,
}

impl BodyReader {
    pub(super) fn new(content: Content) -> Self {
        Self {
            content,
            offset: 0,
            chunk: Bytes::new(),
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && self.offset < self.content.len() {
            self.chunk = self
                .content
                .chunk_at(self.offset)
                .map_err(io::Error::other)?;
            let length = u64::try_from(self.chunk.len()).unwrap_or(u64::MAX);
            self.offset = self.offset.saturating_add(length);
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
