//! Receives a content of unknown length: hashed on the way, in constant memory.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use certs_keys::Hasher;
use tokio::task::JoinHandle;

use crate::bodies::{Bodies, BodyWriter};
use crate::content::DIGEST;
use crate::log::WriteFailure;
use crate::{Content, Error};

/// Receives one body or attachment.
///
/// Up to the bound of the log it stays in memory; beyond, it is written to a file by blocking
/// threads while the next bytes come in, at most two bounds of it in memory. Dropping a spool removes
/// what was received.
#[derive(Debug)]
pub struct Spool {
    bodies: Bodies,
    memory_bytes_max: usize,
    content_bytes_max: u64,
    /// Told when the disk fails.
    failure: Arc<WriteFailure>,
    length: u64,
    /// Not yet written, at most about one bound.
    chunks: Vec<Bytes>,
    chunks_bytes: usize,
    stage: Stage,
}

enum Stage {
    /// Everything is in `chunks` and hashed.
    Memory(Hasher),
    /// A file is being written; what is in `chunks` is not hashed yet.
    File(JoinHandle<Result<Writing, Error>>),
    /// The file failed.
    Failed(Error),
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "Memory",
            Self::File(_) => "File",
            Self::Failed(_) => "Failed",
        })
    }
}

/// A file with the hash of what is in it.
struct Writing {
    file: BodyWriter,
    hasher: Hasher,
}

impl Spool {
    pub(crate) fn new(
        bodies: Bodies,
        memory_bytes_max: usize,
        content_bytes_max: u64,
        failure: Arc<WriteFailure>,
    ) -> Self {
        Self {
            failure,
            bodies,
            memory_bytes_max,
            content_bytes_max,
            length: 0,
            chunks: Vec::new(),
            chunks_bytes: 0,
            stage: Stage::Memory(Hasher::new(DIGEST)),
        }
    }

    /// Takes the next bytes. When a file is written, this waits for the bytes before.
    ///
    /// # Errors
    /// The content exceeds the limit, or its file cannot be written; then the spool is of no more use.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), Error> {
        if let Stage::Failed(error) = &self.stage {
            return Err(error.clone());
        }
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let length = self.length.saturating_add(length);
        if length > self.content_bytes_max {
            let error = Error::ContentTooLarge {
                bytes_max: self.content_bytes_max,
            };
            self.chunks = Vec::new();
            self.stage = Stage::Failed(error.clone());
            return Err(error);
        }
        self.length = length;
        self.chunks_bytes = self.chunks_bytes.saturating_add(chunk.len());
        if chunk.is_empty() {
            return Ok(());
        }
        match &mut self.stage {
            Stage::Memory(hasher) if self.chunks_bytes <= self.memory_bytes_max => {
                hasher.update(&chunk);
                self.chunks.push(chunk);
                Ok(())
            }
            Stage::Memory(_) | Stage::File(_) => {
                self.chunks.push(chunk);
                if self.chunks_bytes > self.memory_bytes_max {
                    self.flush().await?;
                }
                Ok(())
            }
            Stage::Failed(error) => Err(error.clone()),
        }
    }

    /// No more comes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn finish(mut self) -> Result<Content, Error> {
        match self.stage {
            Stage::Memory(hasher) => Ok(Content::in_memory(joined(self.chunks), hasher.finish())),
            Stage::File(_) => {
                let mut writing = self.written().await?;
                let chunks = self.take_chunks();
                let finishing = tokio::task::spawn_blocking(move || {
                    writing.take(&chunks)?;
                    Ok::<_, Error>((writing.file.finish()?, writing.hasher.finish()))
                });
                let finished = finishing.await.map_err(|_| Error::Interrupted)?;
                let (file, digest) = finished.inspect_err(|error| self.failure.met(error))?;
                Ok(Content::in_file(file, self.length, digest))
            }
            Stage::Failed(error) => Err(error),
        }
    }

    /// How many bytes came so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// None came so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Hands what is in memory to a blocking thread, after it has finished with what it had.
    async fn flush(&mut self) -> Result<(), Error> {
        match &self.stage {
            Stage::Memory(hasher) => {
                // All chunks but the last have been hashed.
                let hasher = hasher.clone();
                let bodies = self.bodies.clone();
                let chunks = self.take_chunks();
                let writing = tokio::task::spawn_blocking(move || {
                    let mut writing = Writing {
                        file: bodies.create()?,
                        hasher,
                    };
                    let hashed = chunks.len().saturating_sub(1);
                    for (index, chunk) in chunks.iter().enumerate() {
                        writing.file.write(chunk)?;
                        if index >= hashed {
                            writing.hasher.update(chunk);
                        }
                    }
                    Ok(writing)
                });
                self.stage = Stage::File(writing);
            }
            Stage::File(_) => {
                let mut writing = self.written().await?;
                let chunks = self.take_chunks();
                self.stage = Stage::File(tokio::task::spawn_blocking(move || {
                    writing.take(&chunks)?;
                    Ok(writing)
                }));
            }
            Stage::Failed(error) => return Err(error.clone()),
        }
        Ok(())
    }

    /// Waits for the blocking thread. A dropped future leaves the stage as it was.
    async fn written(&mut self) -> Result<Writing, Error> {
        let Stage::File(writing) = &mut self.stage else {
            return Err(Error::Interrupted);
        };
        let written = writing
            .await
            .map_err(|_| Error::Interrupted)
            .and_then(|written| written)
            .inspect_err(|error| self.failure.met(error));
        // The handle has given its value: it must not be asked again.
        let error = written
            .as_ref()
            .err()
            .cloned()
            .unwrap_or(Error::Interrupted);
        self.stage = Stage::Failed(error);
        written
    }

    fn take_chunks(&mut self) -> Vec<Bytes> {
        self.chunks_bytes = 0;
        std::mem::take(&mut self.chunks)
    }
}

impl Writing {
    /// Hashes and writes these. Blocks.
    fn take(&mut self, chunks: &[Bytes]) -> Result<(), Error> {
        for chunk in chunks {
            self.hasher.update(chunk);
            self.file.write(chunk)?;
        }
        Ok(())
    }
}

/// One piece; a single chunk is not copied.
fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    if chunks.len() <= 1 {
        return chunks.pop().unwrap_or_default();
    }
    let length = chunks.iter().map(Bytes::len).sum();
    let mut all = BytesMut::with_capacity(length);
    for chunk in chunks {
        all.extend_from_slice(&chunk);
    }
    all.freeze()
}
