//! Configuration: one TOML file per service, every key documented with unit and default.
//!
//! A file is read once, at start. Unknown keys are errors; every error names file, line and what to
//! do. Relative paths are relative to the file. Secrets stand in files of their own.

pub(crate) mod certs;
pub(crate) mod evidence;
pub(crate) mod journal;
pub(crate) mod node;
pub(crate) mod registry;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use certs_keys::Pin;
use serde::de::DeserializeOwned;

/// A configuration with the folder its relative paths are relative to.
#[derive(Debug)]
pub(crate) struct Loaded<T> {
    /// What the file says.
    pub(crate) values: T,
    file: PathBuf,
    folder: PathBuf,
}

/// Why a configuration cannot be used.
#[derive(Debug)]
pub(crate) enum Error {
    /// The file cannot be read.
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The text is not what it should be; the message names line and column.
    Syntax { path: PathBuf, message: String },
    /// A value cannot be used; `key` says where it stands.
    Value {
        path: PathBuf,
        key: String,
        problem: String,
    },
}

impl<T: DeserializeOwned> Loaded<T> {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let values = toml::from_str(&text).map_err(|error| Error::Syntax {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        // What is named relative to the file is resolved once: not again against the result.
        let absolute = std::path::absolute(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let folder = absolute.parent().map(Path::to_owned).unwrap_or_default();
        let file = path.to_owned();
        Ok(Self {
            values,
            file,
            folder,
        })
    }
}

impl<T> Loaded<T> {
    /// A configuration made in memory, for the sandbox and tests.
    pub(crate) fn new(values: T, folder: &Path) -> Self {
        Self {
            values,
            file: folder.join("(made in memory)"),
            folder: folder.to_owned(),
        }
    }

    /// A path of the file, made absolute; one that is absolute stays as it is.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The text of a file named in the configuration.
    pub(crate) fn text(&self, path: &Path) -> Result<String, Error> {
        let path = self.path(path);
        std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
    }

    /// A PIN from its file; a line end after it is not part of it.
    pub(crate) fn pin(&self, path: &Path) -> Result<Pin, Error> {
        let mut text = self.text(path)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() {
            return Err(self.value("pin_file", "the file is empty"));
        }
        Ok(Pin::new(text))
    }

    /// The text of a file that a key names and nobody but its owner may read.
    pub(crate) fn secret(&self, key: &str, path: &Path, bytes_max: u64) -> Result<String, Error> {
        let full = self.path(path);
        let unreadable = |source| Error::Read {
            path: full.clone(),
            source,
        };
        let opened = File::open(&full).map_err(unreadable)?;
        let metadata = opened.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(self.file_value(key, path, "it is no regular file"));
        }
        if metadata.mode() & OTHERS != 0 {
            let problem = "its group or all others may read or write it; make it mode 0600";
            return Err(self.file_value(key, path, problem));
        }
        let length = metadata.len();
        if length > bytes_max {
            return Err(self.file_value(key, path, "it is too long"));
        }
        // As long as it will be: growing would leave parts of the secret in memory.
        let mut text = String::with_capacity(usize::try_from(length).unwrap_or_default());
        let mut limited = opened.take(length);
        limited.read_to_string(&mut text).map_err(unreadable)?;
        Ok(text)
    }

    /// A file that a key names and that cannot be used.
    pub(crate) fn file_value(&self, key: &str, path: &Path, problem: impl fmt::Display) -> Error {
        let path = self.path(path);
        self.value(key, format!("{}: {problem}", path.display()))
    }

    /// A value of this file that cannot be used.
    pub(crate) fn value(&self, key: impl Into<String>, problem: impl fmt::Display) -> Error {
        Error::Value {
            path: self.file.clone(),
            key: key.into(),
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(f, "{} cannot be read: {source}", path.display())
            }
            Self::Syntax { path, message } => write!(f, "{}: {message}", path.display()),
            Self::Value { path, key, problem } => {
                write!(f, "{}: {key}: {problem}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {}

/// Mode bits of everybody but the owner.
const OTHERS: u32 = 0o077;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Loaded;

    #[test]
    fn a_path_is_resolved_once_however_the_file_was_named() {
        // Tests run in the folder of their package.
        let config: Loaded<toml::Table> = Loaded::read(Path::new("Cargo.toml")).unwrap();
        let data = config.path(Path::new("data"));
        assert_eq!(data, std::env::current_dir().unwrap().join("data"));
        assert_eq!(config.path(&data), data);
    }
}
