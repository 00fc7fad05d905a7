//! `karvan archive`: OpenPGP keys for archives, and what they open. It asks no node and no network.
//!
//! A secret key that is made here is durable before anything is printed, and readable by its owner
//! only: who else can read it, or who can read it and knows its passphrase, signs archives in the
//! node's name and reads what is encrypted for it. No file that exists is ever touched.

mod decrypt;
mod key;

use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use gateway_evidence::archive::openpgp::{self, SecretKey};
use tempfile::NamedTempFile;

/// What can be done with archives. Exit code 0: done, 1: some file could not be decrypted, 2: it was
/// asked wrongly, or nothing could be done.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an OpenPGP key: a node signs its archives with one, and whoever reads them has another.
    Key(key::Key),
    /// Decrypt archives and downloads that a node has encrypted. What is in them is not judged by
    /// this: see `karvan audit verify`.
    Decrypt(decrypt::Decrypt),
}

/// Why nothing could be done.
#[derive(Debug)]
pub(crate) enum Error {
    /// What was asked makes no sense.
    Use(String),
    /// A file cannot be read, or holds more than it can.
    Read { path: PathBuf, source: io::Error },
    /// Something of this name is there already.
    Exists(PathBuf),
    /// A file cannot be written.
    Write { path: PathBuf, source: io::Error },
    /// A folder cannot be made, or its names cannot be made durable.
    Folder(gateway_store::Error),
    /// A key cannot be made.
    Key(openpgp::Error),
    /// A file does not hold the key that it was named for.
    KeyFile {
        path: PathBuf,
        source: openpgp::Error,
    },
    /// A file cannot be decrypted.
    Decrypt(openpgp::Error),
    /// The result cannot be printed.
    Output(io::Error),
}

/// `true`: all was done.
pub(crate) fn run(command: &Command) -> Result<bool, Error> {
    match command {
        Command::Key(key) => key::run(key).map(|()| true),
        Command::Decrypt(decrypt) => decrypt::run(decrypt),
    }
}

/// A file in the making, which is nothing to anybody until it gets its name.
struct Draft {
    file: NamedTempFile,
    target: PathBuf,
}

impl Draft {
    /// Refuses a name that is taken, before anything is done for it.
    fn new(target: PathBuf, mode: u32) -> Result<Self, Error> {
        if target.symlink_metadata().is_ok() {
            return Err(Error::Exists(target));
        }
        let file = tempfile::Builder::new()
            .prefix(".karvan-")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder_of(&target));
        match file {
            Ok(file) => Ok(Self { file, target }),
            Err(source) => Err(Error::Write {
                path: target,
                source,
            }),
        }
    }

    /// Whole, durable and under its name; or an error, and nothing is there. What appeared under the
    /// name in the meantime stays as well.
    fn finish(self) -> Result<PathBuf, Error> {
        let Self { file, target } = self;
        if let Err(source) = file.as_file().sync_all() {
            return Err(Error::Write {
                path: target,
                source,
            });
        }
        match file.persist_noclobber(&target) {
            Ok(_) => {}
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists(target));
            }
            Err(failed) => {
                return Err(Error::Write {
                    path: target,
                    source: failed.error,
                });
            }
        }
        gateway_store::file::sync_parent(&target).map_err(Error::Folder)?;
        Ok(target)
    }
}

impl io::Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// The whole of a file that holds a key or a passphrase, and hence is short.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| {
            file.take(KEY_BYTES_MAX.saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .and_then(|_| match u64::try_from(bytes.len()) {
            Ok(length) if length <= KEY_BYTES_MAX => Ok(()),
            Ok(_) | Err(_) => Err(io::ErrorKind::FileTooLarge.into()),
        });
    match read {
        Ok(()) => Ok(bytes),
        Err(source) => Err(Error::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A passphrase from its file, as nodes read it: a line end after it is not part of it.
fn passphrase(path: &Path) -> Result<String, Error> {
    let wrong = |problem: &str| Error::Use(format!("{}: {problem}", path.display()));
    let text = String::from_utf8(read(path)?).map_err(|_| wrong("this is no text"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(wrong("the file is empty")),
        text => Ok(text.to_owned()),
    }
}

/// The key of a file, opened.
fn secret_key(path: &Path, pin_file: Option<&Path>) -> Result<SecretKey, Error> {
    let pin = pin_file.map(passphrase).transpose()?;
    SecretKey::read(&read(path)?, pin.map(openpgp::Passphrase::new)).map_err(|source| {
        Error::KeyFile {
            path: path.to_owned(),
            source,
        }
    })
}

/// Prints, to whoever listens.
fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Error::Output)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Use(problem) => f.write_str(problem),
            Self::Read { path, .. } => write!(f, "{} cannot be read", path.display()),
            Self::Exists(path) => {
                write!(f, "{} exists; it is left as it is", path.display())
            }
            Self::Write { path, .. } => write!(f, "{} cannot be written", path.display()),
            Self::Folder(error) => write!(f, "{error}"),
            Self::Key(error) | Self::Decrypt(error) => write!(f, "{error}"),
            Self::KeyFile { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Output(_) => f.write_str("the result cannot be printed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Output(source) => {
                Some(source)
            }
            Self::Folder(error) => error.source(),
            Self::Key(error) | Self::Decrypt(error) => error.source(),
            Self::KeyFile { source, .. } => source.source(),
            Self::Use(_) | Self::Exists(_) => None,
        }
    }
}

/// Keys with many signatures of others on them are still shorter.
const KEY_BYTES_MAX: u64 = 1 << 20;
