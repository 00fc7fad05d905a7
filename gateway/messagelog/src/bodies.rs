//! The files of contents too long for a record.
//!
//! `‹random›.part` while it is received, `‹random›.body` once a record is about to name it: synced
//! and renamed before the record is written, so that a durable record never names a file that is not
//! durable. Left-over parts are swept when the log is opened. A process that dies between renaming
//! and the record leaves a body that no record names; it is never removed by itself, for the record
//! might only be unreadable.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gateway_store::file;

use crate::Error;

/// A folder of contents.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    dir: PathBuf,
}

/// The file of one content. Goes away with this handle unless a record names it.
#[derive(Debug)]
pub(crate) struct BodyFile {
    dir: PathBuf,
    name: String,
    file: File,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Being received, or received.
    Part,
    /// Durable under its last name.
    Settled,
    /// A durable record names it.
    Named,
}

impl Bodies {
    /// The contents of a log; the folder may not exist (for an auditor).
    pub(crate) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Makes the folder and removes what was being received when the process ended.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        file::create_dir(dir)?;
        let entries = fs::read_dir(dir).map_err(|source| Error::content("list", dir, source))?;
        let mut swept = 0_u64;
        for entry in entries {
            let path = entry
                .map_err(|source| Error::content("list", dir, source))?
                .path();
            if path.extension().is_some_and(|extension| extension == PART) {
                fs::remove_file(&path).map_err(|source| Error::content("remove", &path, source))?;
                swept = swept.saturating_add(1);
            }
        }
        if swept > 0 {
            tracing::info!(files = swept, "removed contents that were never logged");
        }
        Ok(Self::at(dir))
    }

    /// Begins a file.
    pub(crate) fn create(&self) -> Result<BodyFile, Error> {
        let name = hex(&certs_keys::random_bytes::<16>());
        let path = path_of(&self.dir, &name, PART);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| Error::content("create", &path, source))?;
        Ok(BodyFile {
            dir: self.dir.clone(),
            name,
            file,
            state: Mutex::new(State::Part),
        })
    }

    /// Opens the file that a record names. The name comes from the record: it cannot lead elsewhere.
    pub(crate) fn open_named(&self, name: &str) -> Result<BodyFile, Error> {
        if !is_name(name) {
            return Err(Error::malformed("the name of a content is none of ours"));
        }
        let path = path_of(&self.dir, name, BODY);
        let file = File::open(&path).map_err(|source| Error::content("open", &path, source))?;
        let state = Mutex::new(State::Named);
        Ok(BodyFile {
            dir: self.dir.clone(),
            name: name.to_owned(),
            file,
            state,
        })
    }

    /// Makes renamed files durable under their names.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        Ok(file::sync_dir(&self.dir)?)
    }
}

impl BodyFile {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> PathBuf {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Part => path_of(&self.dir, &self.name, PART),
            State::Settled | State::Named => path_of(&self.dir, &self.name, BODY),
        }
    }

    /// Appends bytes; blocks.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        std::io::Write::write_all(&mut &self.file, bytes)
            .map_err(|source| Error::content("write", &self.path(), source))
    }

    /// Reads exactly these bytes; blocks.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.file.read_exact_at(buffer, offset).map_err(|source| {
            let path = self.path();
            if source.kind() == std::io::ErrorKind::UnexpectedEof {
                Error::ContentCutOff { path }
            } else {
                Error::content("read", &path, source)
            }
        })
    }

    /// Makes the content durable and gives it its last name; [`Bodies::sync`] must follow. Blocks.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state != State::Part {
            return Ok(());
        }
        let part = path_of(&self.dir, &self.name, PART);
        self.file
            .sync_all()
            .map_err(|source| Error::content("sync", &part, source))?;
        fs::rename(&part, path_of(&self.dir, &self.name, BODY))
            .map_err(|source| Error::content("rename", &part, source))?;
        *state = State::Settled;
        Ok(())
    }

    /// A durable record names it now: it stays.
    pub(crate) fn mark_named(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Named;
    }
}

impl Drop for BodyFile {
    fn drop(&mut self) {
        let state = *self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let path = match state {
            State::Part => path_of(&self.dir, &self.name, PART),
            State::Settled => path_of(&self.dir, &self.name, BODY),
            State::Named => return,
        };
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, "a content that was not logged could not be removed");
        }
    }
}

fn path_of(dir: &Path, name: &str, suffix: &str) -> PathBuf {
    dir.join(format!("{name}.{suffix}"))
}

fn is_name(name: &str) -> bool {
    name.len() == 32
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const PART: &str = "part";
const BODY: &str = "body";
