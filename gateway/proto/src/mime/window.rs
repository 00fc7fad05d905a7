//! The bytes a decoder has not yet consumed: a queue of chunks, looked at through its front.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};

/// Chunks in order. Only what straddles two chunks is ever copied.
#[derive(Default)]
pub(super) struct Window {
    front: Bytes,
    queue: VecDeque<Bytes>,
}

impl Window {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        match self.front.is_empty() && self.queue.is_empty() {
            true => self.front = chunk,
            false => self.queue.push_back(chunk),
        }
    }

    /// The bytes that can be looked at now.
    pub(super) fn front(&self) -> &[u8] {
        &self.front
    }

    /// Takes up to `count` bytes off the front without copying them.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        let taken = self.front.split_to(count.min(self.front.len()));
        if self.front.is_empty() {
            self.front = self.queue.pop_front().unwrap_or_default();
        }
        taken
    }

    /// Makes the front longer by some bytes of the next chunk; `false` when there is none.
    pub(super) fn extend(&mut self) -> bool {
        let Some(next) = self.queue.front_mut() else {
            return false;
        };
        let joined_bytes = next.len().min(JOINED_BYTES);
        let mut joined = BytesMut::from(std::mem::take(&mut self.front));
        joined.extend_from_slice(&next.split_to(joined_bytes));
        self.front = joined.freeze();
        if next.is_empty() {
            self.queue.pop_front();
        }
        true
    }

    /// Whether the front is all there is.
    pub(super) fn is_single(&self) -> bool {
        self.queue.is_empty()
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.front = Bytes::new();
        self.queue.clear();
    }
}

/// Shows amounts only: bodies are about persons.
impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("front_bytes", &self.front.len())
            .field("chunks", &self.queue.len())
            .finish()
    }
}

/// How many bytes of the next chunk are copied when something straddles the border.
const JOINED_BYTES: usize = 512;
