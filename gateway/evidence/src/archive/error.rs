//! Why archiving did not go on.

use std::fmt;
use std::path::PathBuf;

use super::openpgp;
use crate::containers;

/// Why archiving, or cleaning, did not go on. Nothing is lost; the next run tries again.
#[derive(Debug)]
pub enum Error {
    /// The folder cannot be used.
    Folder(gateway_store::Error),
    /// A file of the folder cannot be used.
    File {
        /// What was to be done.
        action: &'static str,
        /// With which.
        path: PathBuf,
        /// Why it was not.
        source: std::io::Error,
    },
    /// What the last run left cannot be understood, or is gone.
    State {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The archives are those of another log.
    OtherLog {
        /// Up to where the state says the log is archived.
        archived_until: u64,
        /// The last entry of this log.
        last: u64,
    },
    /// Another file has the name of a new one; it is left as it is.
    Taken {
        /// The name.
        path: PathBuf,
    },
    /// The log cannot be read or cleaned.
    Log(gateway_messagelog::Error),
    /// A signed document cannot be made.
    Container {
        /// Of which message.
        ordinal: u64,
        /// Why.
        source: containers::Error,
    },
    /// A file cannot be written.
    Write {
        /// Its temporary name.
        path: PathBuf,
        /// Why.
        source: gateway_asic::archive::Error,
    },
    /// A file cannot be encrypted.
    OpenPgp(openpgp::Error),
    /// A long signed document cannot be passed on into its file.
    Pipe(std::io::Error),
    /// A file that should go to the store is not here any more.
    Gone,
    /// The process is ending.
    Interrupted,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(_) => f.write_str("the folder of the archives cannot be used"),
            Self::File { action, path, .. } => {
                write!(f, "cannot {action} {}", path.display())
            }
            Self::State { path, problem } => {
                write!(
                    f,
                    "{} does not say up to where the log is archived: {problem}; restore it, or \
                     move all archive files away to begin a new chain",
                    path.display()
                )
            }
            Self::OtherLog {
                archived_until,
                last,
            } => write!(
                f,
                "the archives reach to entry {archived_until} of a log, this one has {last}: they \
                 are of another log"
            ),
            Self::Taken { path } => write!(
                f,
                "{} is there already with another content; it is not overwritten: move it away",
                path.display()
            ),
            Self::Log(_) => f.write_str("the message log cannot be archived or cleaned"),
            Self::Container { ordinal, .. } => {
                write!(
                    f,
                    "no signed document can be made of entry {ordinal} of the log"
                )
            }
            Self::Write { path, .. } => write!(f, "cannot write {}", path.display()),
            Self::OpenPgp(_) => f.write_str("the archive cannot be encrypted"),
            Self::Pipe(_) => f.write_str("a signed document cannot be passed on into its archive"),
            Self::Gone => f.write_str("the file is not here any more and cannot be stored"),
            Self::Interrupted => f.write_str("the work was interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(source) => Some(source),
            Self::File { source, .. } => Some(source),
            Self::Log(source) => Some(source),
            Self::Container { source, .. } => Some(source),
            Self::Write { source, .. } => Some(source),
            Self::OpenPgp(source) => Some(source),
            Self::Pipe(source) => Some(source),
            Self::State { .. }
            | Self::OtherLog { .. }
            | Self::Taken { .. }
            | Self::Gone
            | Self::Interrupted => None,
        }
    }
}

impl From<openpgp::Error> for Error {
    fn from(error: openpgp::Error) -> Self {
        Self::OpenPgp(error)
    }
}
