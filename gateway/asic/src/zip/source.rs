//! Where an archive is read from.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;

/// A file or octets, read by position: several readers do not disturb each other. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    kind: Kind,
    bytes: u64,
}

#[derive(Clone)]
enum Kind {
    File(Arc<File>),
    Bytes(Bytes),
}

impl Source {
    /// An open file, of the length that it has now.
    ///
    /// # Errors
    ///
    /// When the file does not tell its length.
    pub fn file(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self {
            kind: Kind::File(Arc::new(file)),
            bytes,
        })
    }

    /// Its length.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fills the buffer from this place.
    pub(super) fn read_exact(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.kind {
            Kind::File(file) => file.read_exact_at(buffer, offset),
            Kind::Bytes(bytes) => {
                let found = usize::try_from(offset)
                    .ok()
                    .and_then(|start| bytes.get(start..start.checked_add(buffer.len())?))
                    .ok_or(io::ErrorKind::UnexpectedEof)?;
                buffer.copy_from_slice(found);
                Ok(())
            }
        }
    }

    /// The octets from this place; the caller has compared the length with a limit.
    pub(super) fn read(&self, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut buffer = vec![0; length];
        self.read_exact(&mut buffer, offset)?;
        Ok(buffer)
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the octets: they may be personal.
        f.write_str(match self {
            Self::File(_) => "File",
            Self::Bytes(_) => "Bytes",
        })
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            kind: Kind::Bytes(bytes),
        }
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}
