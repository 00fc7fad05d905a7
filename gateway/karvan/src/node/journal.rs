//! The journal of who asked about whom, kept up to date from the message log.
//!
//! * `keys`: the keys of the hashes, at rest and when they rotate
//! * `events`: what a record of the log says to the journal
//! * `follow`: the background task
//! * `service`: `findUsage`, `usagePeriod`, `heartbeat`

mod events;
mod follow;
mod keys;
mod service;
#[cfg(test)]
pub(super) mod testing;

use std::fmt;
use std::path::PathBuf;

use certs_keys::Pin;
use gateway_exchange::Clock;
use gateway_journal::Journal;

pub(super) use self::follow::{Following, Progress, remarks};
pub(super) use self::service::Services;
use crate::config::{self, Loaded, node as file};

/// Why there is no journal.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    /// The keys cannot be read, opened or written.
    Keys {
        path: PathBuf,
        reason: String,
    },
    Journal(gateway_journal::Error),
    /// The log cannot be followed.
    Log(gateway_messagelog::Error),
    /// The journal knows more of the log than there is: it is of another one.
    OtherLog {
        applied: u64,
        last: u64,
    },
    /// The process is ending.
    Interrupted,
}

/// An open journal with its keys.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) keys: keys::Ring,
}

/// Opens the journal. On the first start it is made, and so are its keys.
pub(super) fn open(
    config: &Loaded<file::Node>,
    pin: &Pin,
    clock: &dyn Clock,
) -> Result<Opened, Error> {
    check(config)?;
    let dir = config.path(&config.values.data_dir).join(FOLDER);
    gateway_store::file::create_secret_dir(&dir)
        .map_err(|source| Error::Journal(gateway_journal::Error::Store(source)))?;
    let store = dir.join(STORE);
    let keys = keys::Ring::open(config, &dir.join(KEYS), pin, store.exists(), clock.now())?;
    let journal = Journal::open(&store, keys.keys()?).map_err(Error::Journal)?;
    Ok(Opened { journal, keys })
}

/// What the section says makes sense.
pub(super) fn check(config: &Loaded<file::Node>) -> Result<(), Error> {
    let section = &config.values.journal;
    for (key, days) in [
        ("journal.retention_days", section.retention_days),
        ("journal.rotate_days", section.rotate_days),
    ] {
        if days == 0 {
            return Err(Error::Config(config.value(key, "it must be more than 0")));
        }
    }
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Keys { path, reason } => {
                write!(f, "the journal's keys in {}: {reason}", path.display())
            }
            Self::Journal(error) => write!(f, "{error}"),
            Self::Log(_) => f.write_str(
                "the journal cannot follow the message log; once damage has been looked at, the \
                 node goes on behind it with on_damage = \"continue\" in [log]",
            ),
            Self::OtherLog { applied, last } => write!(
                f,
                "the journal has taken in {applied} entries of the message log, which has only \
                 {last}: is it of this log? Bring the log back as it was, or move journal.redb away \
                 and the node begins another from what is in the log"
            ),
            Self::Interrupted => f.write_str("the journal was interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => std::error::Error::source(error),
            Self::Journal(error) => std::error::Error::source(error),
            Self::Log(error) => Some(error),
            Self::Keys { .. } | Self::OtherLog { .. } | Self::Interrupted => None,
        }
    }
}

const FOLDER: &str = "journal";
const STORE: &str = "journal.redb";
const KEYS: &str = "keys";
