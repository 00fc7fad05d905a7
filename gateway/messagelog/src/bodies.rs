//! The files of contents too long for a record.
//!
//! `‹random›.part` while it is received, `‹random›.body` once a record is about to name it: synced
//! and renamed before the record is written, so that a durable record never names a file that is not
//! durable. Left-over parts are swept when the log is opened. A process that dies between renaming
//! and the record leaves a body that no record names; `retention` removes it when the whole log was
//! read, for the record might only be unreadable, and when it is certain that the log is the right one.
//! Where the log has keys, the bytes in the files are sealed: see `protection`.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use certs_keys::TAG_BYTES;

use crate::protection::file::{self, CHUNK_BYTES, FileSeal, Sealing};
use crate::retention::Recent;
use crate::{Error, Protection};

/// A folder of contents.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    dir: PathBuf,
    protection: Option<Protection>,
    /// Told of what gets its last name.
    recent: Recent,
}

/// The file of one content. Goes away with this handle unless a record names it.
#[derive(Debug)]
pub(crate) struct BodyFile {
    dir: PathBuf,
    name: String,
    file: File,
    form: Form,
    state: Mutex<State>,
    recent: Recent,
}

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    file: BodyFile,
    /// Used when the file is sealed.
    sealing: Sealing,
}

#[derive(Debug)]
enum Form {
    Plain,
    Sealed {
        protection: Option<Protection>,
        /// Known once the header was written or read.
        seal: OnceLock<Box<FileSeal>>,
    },
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
    pub(crate) fn at(dir: &Path, protection: Option<Protection>) -> Self {
        Self {
            dir: dir.to_owned(),
            protection,
            recent: Recent::default(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The keys of the log, if it has any.
    pub(crate) fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }

    /// Makes the folder and removes what was being received when the process ended.
    pub(crate) fn open(
        dir: &Path,
        protection: Option<Protection>,
        recent: Recent,
    ) -> Result<Self, Error> {
        gateway_store::file::create_dir(dir)?;
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
        Ok(Self {
            recent,
            ..Self::at(dir, protection)
        })
    }

    /// Begins a file. Blocks.
    pub(crate) fn create(&self) -> Result<BodyWriter, Error> {
        let name = hex(&certs_keys::random_bytes::<16>());
        let path = path_of(&self.dir, &name, PART);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| Error::content("create", &path, source))?;
        let form = match &self.protection {
            None => Form::Plain,
            Some(protection) => Form::Sealed {
                protection: None,
                seal: Box::new(FileSeal::new(protection, &name)).into(),
            },
        };
        let file = BodyFile {
            dir: self.dir.clone(),
            name,
            file,
            form,
            state: Mutex::new(State::Part),
            recent: self.recent.clone(),
        };
        if let Some(seal) = file.known_seal() {
            file.append(seal.header())?;
        }
        Ok(BodyWriter {
            file,
            sealing: Sealing::new(),
        })
    }

    /// Opens the file that a record names. The name comes from the record: it cannot lead elsewhere.
    /// Whether it is sealed comes from there, too: the first bytes of a plain one are not ours.
    pub(crate) fn open_named(&self, name: &str, is_sealed: bool) -> Result<BodyFile, Error> {
        if !is_name(name) {
            return Err(Error::malformed("the name of a content is none of ours"));
        }
        let path = path_of(&self.dir, name, BODY);
        let file = File::open(&path).map_err(|source| Error::content("open", &path, source))?;
        let form = match is_sealed {
            false => Form::Plain,
            true => Form::Sealed {
                protection: self.protection.clone(),
                seal: OnceLock::new(),
            },
        };
        Ok(BodyFile {
            dir: self.dir.clone(),
            name: name.to_owned(),
            file,
            form,
            state: Mutex::new(State::Named),
            recent: Recent::default(),
        })
    }

    /// Makes renamed files durable under their names.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        Ok(gateway_store::file::sync_dir(&self.dir)?)
    }
}

impl BodyWriter {
    /// Takes the next bytes. Blocks.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = &self.file;
        match file.known_seal() {
            None => file.append(bytes),
            Some(seal) => seal.seal(&mut self.sealing, bytes, |chunk| file.append(chunk)),
        }
    }

    /// No more comes. Blocks.
    pub(crate) fn finish(self) -> Result<BodyFile, Error> {
        let Self { file, sealing } = self;
        if let Some(seal) = file.known_seal() {
            seal.finish(sealing, |chunk| file.append(chunk))?;
        }
        Ok(file)
    }
}

impl BodyFile {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.form, Form::Sealed { .. })
    }

    pub(crate) fn path(&self) -> PathBuf {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Part => path_of(&self.dir, &self.name, PART),
            State::Settled | State::Named => path_of(&self.dir, &self.name, BODY),
        }
    }

    fn append(&self, bytes: &[u8]) -> Result<(), Error> {
        std::io::Write::write_all(&mut &self.file, bytes)
            .map_err(|source| Error::content("write", &self.path(), source))
    }

    /// Reads the chunk that begins at `offset`, a multiple of [`CHUNK_BYTES`], of a content of so many
    /// bytes in all: full, or up to the end. Blocks.
    pub(crate) fn chunk(&self, offset: u64, bytes_total: u64) -> Result<Vec<u8>, Error> {
        let left = bytes_total.saturating_sub(offset);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        if !self.is_sealed() {
            let mut buffer = vec![0; length];
            self.read(&mut buffer, offset)?;
            return Ok(buffer);
        }
        let seal = self.seal()?;
        let number = offset / CHUNK_STEP;
        let is_last = left <= CHUNK_STEP;
        let start = file::chunk_offset(number);
        let mut buffer = vec![0; length.saturating_add(TAG_BYTES)];
        self.read(&mut buffer, start)?;
        if is_last {
            let end = start.saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
            self.check_end(end)?;
        }
        seal.open(number, is_last, &mut buffer)?;
        Ok(buffer)
    }

    /// Nothing was added behind the last chunk.
    fn check_end(&self, end: u64) -> Result<(), Error> {
        let metadata = self.file.metadata();
        let length = metadata
            .map_err(|source| Error::content("read", &self.path(), source))?
            .len();
        match length == end {
            true => Ok(()),
            false => Err(Error::malformed("bytes behind the end of a content")),
        }
    }

    fn known_seal(&self) -> Option<&FileSeal> {
        match &self.form {
            Form::Plain => None,
            Form::Sealed { seal, .. } => seal.get().map(Box::as_ref),
        }
    }

    /// The seal as the header names it, read when it is first needed.
    fn seal(&self) -> Result<&FileSeal, Error> {
        let Form::Sealed { protection, seal } = &self.form else {
            return Err(Error::malformed("a content is not sealed"));
        };
        if let Some(seal) = seal.get() {
            return Ok(seal);
        }
        let mut header = [0; file::HEADER_BYTES];
        self.read(&mut header, 0)?;
        let read = FileSeal::read(header, protection.as_ref(), &self.name)?;
        Ok(seal.get_or_init(|| Box::new(read)))
    }

    /// Reads exactly these bytes; blocks.
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
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
        self.recent.note(&self.name);
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

/// The file of a settled content; `None`: a name that is none of ours.
pub(crate) fn path_of_named(dir: &Path, name: &str) -> Option<PathBuf> {
    is_name(name).then(|| path_of(dir, name, BODY))
}

/// The name of a settled content, from that of its file.
pub(crate) fn name_of_settled(file_name: &str) -> Option<&str> {
    let name = file_name.strip_suffix(BODY)?.strip_suffix('.')?;
    is_name(name).then_some(name)
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

/// The same as a position in a content.
const CHUNK_STEP: u64 = 64 << 10;
const PART: &str = "part";
const BODY: &str = "body";
