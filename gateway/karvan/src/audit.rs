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
//! | `configuration.rs`, `approved.rs`, `anchor.rs` | by what they are judged, and whose word that is |
//! | `keys.rs`, `pgp.rs` | what opens them |
//! | `unpacked.rs` | how much is unpacked to disk |
//! | `unread.rs`, `progress.rs`, `items.rs` | what cannot be read; how far it is; what programs get |
//! | `export.rs`, `bundle.rs` | one exchange for a third person; checking what one was given |

mod anchor;
mod approved;
mod archives;
mod basis;
mod bundle;
mod configuration;
mod cross_check;
mod documents;
mod export;
mod find;
mod items;
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
mod unpacked;
mod unread;
mod verify;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gateway_messagelog::Protection;
use gateway_messagelog::audit::Reader;
use serde::Serialize;
use serde_json::json;

pub(crate) use self::anchor::Anchors;
pub(crate) use self::basis::Grounds;
pub(crate) use self::bundle::bundle_holds;
pub(crate) use self::cross_check::compare;
pub(crate) use self::export::export;
pub(crate) use self::log::verify as verify_log;
pub(crate) use self::tree::{KEYS, consistent};
use crate::causes::with_causes;

/// What an auditor can ask.
#[derive(Clone, Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
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
        source: io::Error,
    },
    Output(io::Error),
    /// A temporary file cannot be written or read.
    Temporary(io::Error),
}

/// `true`: all good.
pub(crate) fn run(command: &Command) -> Result<bool, Error> {
    match answer(command) {
        // Whoever listened has heard enough; what was not told was not found good.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            if command.is_for_programs() {
                // A program reads one document, whatever comes.
                let document = json!({ "ok": false, "error": with_causes(&error) });
                let _nobody_listens = print(&format!("{document}\n"));
            }
            Err(error)
        }
        done => done,
    }
}

fn answer(command: &Command) -> Result<bool, Error> {
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

impl Command {
    fn is_for_programs(&self) -> bool {
        match self {
            Self::Show(show) => show.json,
            Self::Find(find) => find.json,
            Self::Verify(verify) => verify.json,
            Self::Prove(prove) => prove.json,
            Self::Consistency(consistency) => consistency.json,
            Self::Rules(rules) => rules.json,
            Self::CrossCheck(check) => check.json,
            Self::Export(export) => export.json,
        }
    }
}

impl LogArguments {
    /// Opens the log for reading.
    pub(crate) fn open(&self) -> Result<Reader, Error> {
        open(&self.data, keys::protection(&self.key)?)
    }
}

/// Opens the log of a node for reading.
fn open(data: &Path, protection: Option<Protection>) -> Result<Reader, Error> {
    if !targets::is_log(data) {
        return Err(Error::Use(format!(
            "{}: there is no log of a node, or it may not be read",
            data.display()
        )));
    }
    Reader::open_with(&log_folder(data), protection).map_err(Error::Log)
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
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(Error::Output)
}

pub(crate) fn file_error(path: &Path, source: io::Error) -> Error {
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
            Self::Temporary(error) if error.kind() == io::ErrorKind::StorageFull => write!(
                f,
                "there is no room for temporary files in {}, give a larger folder in TMPDIR: {error}",
                std::env::temp_dir().display()
            ),
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

const AFTER_HELP: &str = "\
Nothing is asked over the network, and nothing but what is exported is written. All times are UTC.
Users, whose ids are often persons' numbers, are not printed unless users (find) or messages (show)
are asked for; exported files hold the messages.

Exit status: 0 all good; 1 something does not hold, is missing or cannot be read; 2 it was asked
wrongly, or what was named cannot be opened. --json prints one document (find: one a line), also
when it ends with 2. docs/audit.md tells what each answer means, and the fields of the documents.";
