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
    /// An entry of this log is not the one that was archived.
    Replaced {
        /// Its number.
        ordinal: u64,
    },
    /// The log was archived further than the state knows: the state was lost, or is an older one.
    Forgotten {
        /// Where the state is.
        state: PathBuf,
        /// Up to where it says the log is archived.
        known: u64,
        /// What remembers better.
        reminder: PathBuf,
        /// Up to where that says the log is archived.
        archived_until: u64,
    },
    /// What remembers how far the log was archived cannot be understood.
    Reminder {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        problem: String,
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
    /// A file that should go to the store is not here any more, and not there.
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
            Self::Replaced { ordinal } => write!(
                f,
                "entry {ordinal} of the log is not the one that was archived: the archives are of \
                 another log"
            ),
            Self::Forgotten {
                state,
                known,
                reminder,
                archived_until,
            } => write!(
                f,
                "the log was archived up to entry {archived_until}, and {} knows of {known} only: \
                 restore it, or remove {} to archive anew what is in the log, in new chains",
                state.display(),
                reminder.display()
            ),
            Self::Reminder { path, problem } => write!(
                f,
                "{} does not say how far the log was archived: {problem}; remove it if the archives \
                 are in order",
                path.display()
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
            Self::Gone => f.write_str(
                "the file is neither here nor in the store: bring it back; until then the log keeps \
                 its messages",
            ),
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
            | Self::Replaced { .. }
            | Self::Forgotten { .. }
            | Self::Reminder { .. }
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
