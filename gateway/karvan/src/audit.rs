//! `karvan audit`: reads and checks a node's log, offline, with nothing but its data folder.

mod show;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gateway_messagelog::audit::{Finding, Reader};
use serde::Serialize;

/// What an auditor can ask.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Print who asked whom for what, when, and check signatures, certificates and OCSP.
    Show(Show),
    /// Check every record; exit code 0: all good, 1: something is not.
    Verify(Verify),
}

/// One exchange.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Data folder of a node.
    data: PathBuf,
    /// Message id, or x-road-request-id.
    id: String,
    /// Print the messages themselves, too.
    #[arg(long)]
    messages: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A whole log.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// Data folder of a node.
    data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How many records there are and what became of them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Tally {
    /// Records and refusals.
    pub(crate) records: u64,
    /// Messages whose every check holds.
    pub(crate) verified: u64,
    /// Refusals noted; nothing in them is signed.
    pub(crate) refusals: u64,
    /// Messages of which something does not hold, and places that cannot be read.
    pub(crate) failed: u64,
}

/// Why nothing could be checked.
#[derive(Debug)]
pub(crate) enum Error {
    Log(gateway_messagelog::Error),
    Output(std::io::Error),
}

/// `true`: all good.
pub(crate) fn run(command: &Command) -> Result<bool, Error> {
    match command {
        Command::Show(show) => show::run(show),
        Command::Verify(verify) => {
            let mut out = std::io::stdout().lock();
            let mut lines = Vec::new();
            let tally = tally(&verify.data, &mut |line| lines.push(line))?;
            if verify.json {
                let json = serde_json::json!({
                    "ok": tally.failed == 0, "tally": tally, "failures": lines,
                });
                writeln!(out, "{json}").map_err(Error::Output)?;
            } else {
                for line in &lines {
                    writeln!(out, "{line}").map_err(Error::Output)?;
                }
                writeln!(
                    out,
                    "{} records: {} verified, {} refusals noted, {} failed",
                    tally.records, tally.verified, tally.refusals, tally.failed
                )
                .map_err(Error::Output)?;
            }
            Ok(tally.failed == 0)
        }
    }
}

/// Checks every record of a node; tells each failure.
pub(crate) fn tally(data: &Path, tell: &mut dyn FnMut(String)) -> Result<Tally, Error> {
    let reader = Reader::open(&log_folder(data)).map_err(Error::Log)?;
    let history = reader.history().map_err(Error::Log)?;
    let mut tally = Tally::default();
    for finding in reader.audit(&history).map_err(Error::Log)? {
        tally.records = tally.records.saturating_add(1);
        match &finding {
            Finding::Message(verdict) if verdict.holds() => {
                tally.verified = tally.verified.saturating_add(1);
            }
            Finding::Message(verdict) => {
                tally.failed = tally.failed.saturating_add(1);
                let reasons: Vec<String> = verdict
                    .failures()
                    .map(|check| {
                        format!(
                            "{}: {}",
                            check.subject.name(),
                            show::outcome(&check.outcome)
                        )
                    })
                    .collect();
                tell(format!(
                    "  FAIL record {} ({}): {}",
                    verdict.position.ordinal,
                    verdict.message_id,
                    reasons.join("; ")
                ));
            }
            Finding::Refusal { .. } => tally.refusals = tally.refusals.saturating_add(1),
            Finding::Unreadable(unreadable) => {
                tally.failed = tally.failed.saturating_add(1);
                tell(format!("  FAIL {unreadable}"));
            }
        }
    }
    Ok(tally)
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
        self.failed = self.failed.saturating_add(other.failed);
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => write!(f, "{error}"),
            Self::Output(error) => write!(f, "the result cannot be written: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Log(error) => std::error::Error::source(error),
            Self::Output(_) => None,
        }
    }
}
