//! `karvan audit`: reads and checks logs, signed documents and archives, offline, with nothing but
//! their files.
//!
//! | file | subject |
//! |---|---|
//! | `show.rs`, `find.rs` | one exchange; which exchanges there are |
//! | `verify.rs`, `targets.rs` | whether things hold; what is checked, told by its content |
//! | `documents.rs`, `archives.rs`, `log.rs` | a container, a file of containers, the log of a node |
//! | `basis.rs` | on what requests rest, verified by the rules of their day |
//! | `rules.rs` | what other rules would have made of the requests of a day |
//! | `tree.rs` | proofs that a record is in a log, and that one log continues another |
//! | `cross_check.rs` | both sides of the exchanges between two nodes |
//! | `configuration.rs`, `keys.rs`, `pgp.rs` | by what they are judged, and what opens them |
//! | `export.rs`, `bundle.rs` | one exchange for a third person; checking what one was given |

mod archives;
mod basis;
mod bundle;
mod configuration;
mod cross_check;
mod documents;
mod export;
mod find;
mod keys;
mod log;
mod pgp;
mod progress;
mod rules;
mod show;
mod targets;
#[cfg(test)]
mod testing;
mod tree;
mod verify;

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gateway_messagelog::audit::Reader;
use serde::Serialize;

pub(crate) use self::basis::Grounds;
pub(crate) use self::bundle::bundle_holds;
pub(crate) use self::cross_check::compare;
pub(crate) use self::export::export;
pub(crate) use self::log::tally;
pub(crate) use self::tree::{KEYS, consistent};

/// What an auditor can ask. Exit code 0: all good, 1: something is not, 2: it was asked wrongly.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Print who asked whom for what, when, and on what legal basis; check signatures,
    /// certificates, OCSP and the basis.
    Show(show::Show),
    /// List exchanges by id, member, service, time, case or legal basis.
    Find(find::Find),
    /// Check containers, archives, bundles, folders of them, or the whole log of a node.
    Verify(verify::Verify),
    /// Prove that the records of an exchange are in the signed log of a node.
    Prove(tree::Prove),
    /// Prove that one log, or checkpoint, is the beginning of another.
    Consistency(tree::Consistency),
    /// Say what other rules would have made of the requests of a day: refused, allowed, by which rule.
    Rules(rules::DryRun),
    /// Compare both sides of the exchanges between two nodes.
    CrossCheck(cross_check::CrossCheck),
    /// Write all evidence of one exchange into one file that anybody can check.
    Export(export::Export),
}

/// A log and how it is opened.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArguments {
    /// Data folder of a node.
    pub(crate) data: PathBuf,
    /// The key of a sealed log, `name=file`; may be repeated.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) key: Vec<String>,
}

/// How many records there are and what became of them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Tally {
    /// Messages, refusals, time stamps, and what was erased.
    pub(crate) records: u64,
    /// Messages whose every check holds.
    pub(crate) verified: u64,
    /// Refusals noted; nothing in them is signed.
    pub(crate) refusals: u64,
    /// Time stamps of which nothing is wrong.
    pub(crate) stamps: u64,
    /// Entries erased by retention: only their digests remain.
    pub(crate) erased: u64,
    /// Messages of which something does not hold, and places that cannot be read.
    pub(crate) failed: u64,
    /// On what the requests among the messages rest.
    pub(crate) grounds: Grounds,
}

/// Why nothing could be checked.
#[derive(Debug)]
pub(crate) enum Error {
    Log(gateway_messagelog::Error),
    Tree(gateway_messagelog::tree::Error),
    /// What was asked makes no sense, or what is needed for it was not given.
    Use(String),
    /// A file cannot be read or written.
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    Output(std::io::Error),
    /// A temporary file cannot be written or read.
    Temporary(std::io::Error),
}

/// `true`: all good.
pub(crate) fn run(command: &Command) -> Result<bool, Error> {
    match command {
        Command::Show(show) => show::run(show),
        Command::Find(find) => find::run(find),
        Command::Verify(verify) => verify::run(verify),
        Command::Prove(prove) => tree::run_prove(prove),
        Command::Consistency(consistency) => tree::run_consistency(consistency),
        Command::Rules(rules) => rules::run(rules),
        Command::CrossCheck(check) => cross_check::run(check),
        Command::Export(export) => export::run(export),
    }
}

impl LogArguments {
    /// Opens the log for reading.
    pub(crate) fn open(&self) -> Result<Reader, Error> {
        let protection = keys::protection(&self.key)?;
        Reader::open_with(&log_folder(&self.data), protection).map_err(Error::Log)
    }
}

/// The log stands in the data folder of a node; the log's own folder will do as well.
fn log_folder(data: &Path) -> PathBuf {
    let inside = data.join("log");
    if inside.is_dir() {
        inside
    } else {
        data.to_owned()
    }
}

impl Tally {
    /// Adds another node's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.records = self.records.saturating_add(other.records);
        self.verified = self.verified.saturating_add(other.verified);
        self.refusals = self.refusals.saturating_add(other.refusals);
        self.stamps = self.stamps.saturating_add(other.stamps);
        self.erased = self.erased.saturating_add(other.erased);
        self.failed = self.failed.saturating_add(other.failed);
        self.grounds.add(&other.grounds);
    }
}

/// Prints, to whoever listens.
fn print(text: &str) -> Result<(), Error> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(Error::Output)
}

pub(crate) fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => write!(f, "{error}"),
            Self::Tree(error) => write!(f, "{error}"),
            Self::Use(problem) => f.write_str(problem),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Output(error) => write!(f, "the result cannot be written: {error}"),
            Self::Temporary(error) => write!(f, "a temporary file cannot be used: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Log(error) => std::error::Error::source(error),
            Self::Tree(error) => std::error::Error::source(error),
            Self::Use(_) | Self::File { .. } | Self::Output(_) | Self::Temporary(_) => None,
        }
    }
}
