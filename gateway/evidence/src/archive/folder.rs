//! The folder of archive files, with the few file operations a test can let fail.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certs_keys::{DigestAlgorithm, Hasher};

use super::Error;

/// What is done to the disk.
pub(super) trait Medium: Send + Sync + fmt::Debug {
    /// Makes a new file that its owner alone can read.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Gives a file its name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a folder durable.
    fn sync_dir(&self, dir: &Path) -> Result<(), gateway_store::Error>;
    /// Sets the content of a file, durably.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), gateway_store::Error>;
}

/// A file being written.
pub(super) trait Handle: Write + Send + fmt::Debug {
    /// Makes the content durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system.
#[derive(Debug)]
pub(super) struct Disk;

impl Medium for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), gateway_store::Error> {
        gateway_store::file::sync_dir(dir)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), gateway_store::Error> {
        gateway_store::file::replace_secret(path, bytes)
    }
}

impl Handle for fs::File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// The folder. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    medium: Arc<dyn Medium>,
    temporary: Arc<AtomicU64>,
}

/// A finished file by its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
}

impl Folder {
    pub(super) fn new(dir: PathBuf, medium: Arc<dyn Medium>) -> Self {
        Self {
            dir,
            medium,
            temporary: Arc::default(),
        }
    }

    /// Makes the folder, closed to others, when it is missing.
    pub(super) fn create(&self) -> Result<(), Error> {
        gateway_store::file::create_secret_dir(&self.dir).map_err(Error::Folder)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn exists(&self) -> bool {
        self.dir.exists()
    }

    /// A new file under a temporary name.
    pub(super) fn temporary(&self) -> Result<(String, Box<dyn Handle>), Error> {
        let count = self.temporary.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "{TEMPORARY_BEGIN}{}-{count}{TEMPORARY_END}",
            std::process::id()
        );
        let file = self.medium.create(&self.path(&name));
        let file = file.map_err(|source| self.failed("create", &name, source))?;
        Ok((name, file))
    }

    /// Removes what runs before left behind under temporary names.
    pub(super) fn remove_temporary(&self) -> Result<(), Error> {
        for name in self.names()? {
            if name.starts_with(TEMPORARY_BEGIN) && name.ends_with(TEMPORARY_END) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Whether there are archive files.
    pub(super) fn has_archives(&self) -> Result<bool, Error> {
        let archive = |name: &String| name.starts_with("mlog-") && name.contains(".zip");
        Ok(self.names()?.iter().any(archive))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        self.medium
            .rename(&self.path(from), &self.path(to))
            .map_err(|source| self.failed("name", to, source))
    }

    /// Removes a file; it may be gone already.
    pub(super) fn remove(&self, name: &str) -> Result<(), Error> {
        match self.medium.remove(&self.path(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("remove", name, source))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        self.medium.sync_dir(&self.dir).map_err(Error::Folder)
    }

    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.medium
            .replace(&self.path(name), bytes)
            .map_err(Error::Folder)
    }

    /// The whole of a small file; `None`: there is none.
    pub(super) fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Error> {
        use io::Read as _;
        let file = match fs::File::open(self.path(name)) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed("open", name, source)),
        };
        let mut bytes = Vec::new();
        let read = file
            .take(bytes_max.saturating_add(1))
            .read_to_end(&mut bytes);
        read.map_err(|source| self.failed("read", name, source))?;
        match u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
            true => Ok(Some(bytes)),
            false => {
                let source = io::ErrorKind::FileTooLarge.into();
                Err(self.failed("read", name, source))
            }
        }
    }

    /// What a file holds; `None`: there is none.
    pub(super) fn content(&self, name: &str) -> Result<Option<Content>, Error> {
        let mut file = match fs::File::open(self.path(name)) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed("open", name, source)),
        };
        let mut hashed = Hashed::new(io::sink());
        io::copy(&mut file, &mut hashed).map_err(|source| self.failed("read", name, source))?;
        Ok(Some(hashed.content().1))
    }

    pub(super) fn failed(&self, action: &'static str, name: &str, source: io::Error) -> Error {
        Error::File {
            action,
            path: self.path(name),
            source,
        }
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let failed = |source| Error::File {
            action: "read",
            path: self.dir.clone(),
            source,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            // What is not UTF-8 is not ours.
            if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Knows the content of what is written through it.
#[derive(Debug)]
pub(super) struct Hashed<W> {
    inner: W,
    hasher: Hasher,
    bytes: u64,
}

impl<W> Hashed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Hasher::new(DigestAlgorithm::Sha256),
            bytes: 0,
        }
    }

    pub(super) fn content(self) -> (W, Content) {
        let content = Content {
            bytes: self.bytes,
            sha256: hex::encode(self.hasher.finish().as_bytes()),
        };
        (self.inner, content)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher
            .update(buffer.get(..written).unwrap_or_default());
        let more = u64::try_from(written).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(more);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The names of deployed servers' unfinished files, so that their operators' scripts pass over them.
const TEMPORARY_BEGIN: &str = "tmp-mlog-";
const TEMPORARY_END: &str = ".tmp";
