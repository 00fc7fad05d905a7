//! Contents of the log as readers that block.

use std::fmt;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use gateway_messagelog::ContentReader;
use tokio::runtime::Handle;

/// Reads a content, waiting for the disk on the thread of the caller.
pub(super) struct BodyReader {
    reader: ContentReader,
    chunk: Bytes,
    runtime: Handle,
}

impl BodyReader {
    pub(super) fn new(reader: ContentReader, runtime: Handle) -> Self {
        Self {
            reader,
            chunk: Bytes::new(),
            runtime,
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && self.reader.bytes_left() > 0 {
            let next = self.runtime.block_on(self.reader.next_chunk());
            self.chunk = next.map_err(io::Error::other)?.unwrap_or_default();
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
