//! A bundle: all evidence of one exchange in one file that anybody can check.
//!
//! ```text
//! README.txt                 what this is, for a stranger
//! containers/‹name›.asice    the signed documents
//! conf/…                     the configuration with the rules they are judged by; a further one: conf-2/…
//! log/‹number›.record        an entry of the log, as stored
//! log/‹number›.plain         the same behind its seal, where it has one
//! log/‹number›.tlog-proof    the proof that it is in the log
//! log/keys                   the verifier keys of the log and its witnesses
//! ```
//!
//! Whoever makes a bundle chooses its configuration and its keys: a bundle proves something to who
//! compares them with what he knows from elsewhere, or gives his own.

mod check;
mod contents;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gateway_asic::zip::{Limits, Names};
use gateway_messagelog::audit::{Outcome, Subject};
use gateway_tlog::note::Verifier;
use serde_json::{Value, json};

pub(super) use self::check::verify;
use super::anchor::Anchors;
use super::configuration::Configuration;
use super::documents::{Document, line, printable};
use super::tree::{InLog, names, vkeys};
use super::{Error, show, targets};

/// A bundle that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundled {
    /// The file.
    pub(crate) path: PathBuf,
    /// The numbers of the records in it; none: nothing is logged under the id, and no file was
    /// written.
    pub(crate) records: Vec<u64>,
    /// The names of the containers in it.
    pub(crate) containers: Vec<String>,
    /// What is missing in it, and why: a record without time stamp has no container.
    pub(crate) missing: Vec<String>,
}

/// What came out for a bundle.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// By what the documents were judged.
    configurations: Vec<Configuration>,
    /// The keys by which signatures of the log were verified, and no others.
    log_keys: Vec<Verifier>,
    /// Whose word they are.
    log_key_is: &'static str,
    /// The keys, in the bundle, by which cosignatures were verified; each public key once.
    witness_keys: Vec<Verifier>,
    pub(super) documents: Vec<Document>,
    records: Vec<Recorded>,
    /// What does not hold, apart from the documents.
    pub(super) failures: Vec<String>,
    /// What somebody who relies on it should know.
    remarks: Vec<String>,
}

/// A record that is proved to be in a log.
#[derive(Debug)]
struct Recorded {
    ordinal: u64,
    /// Request, response or refusal.
    what: String,
    in_log: InLog,
    /// The container of the same message.
    container: Option<String>,
    /// What was noted of the legal basis of a request, and what came out for it.
    basis: Option<Rests>,
}

/// On what a request rests.
#[derive(Debug)]
struct Rests {
    lines: Vec<(&'static str, String)>,
    document: Value,
    outcome: Outcome,
}

/// What a bundle holds, all of it verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Signed documents.
    pub(crate) documents: u64,
    /// Records proved to be in the log.
    pub(crate) proved: u64,
    /// How many of these proofs witnesses have cosigned.
    pub(crate) cosigned: u64,
}

/// Checks a bundle by itself, and that an anchor vouches for its configuration. The inner error: what in it does not hold.
pub(crate) fn bundle_holds(
    path: &Path,
    anchors: Option<&Anchors>,
) -> Result<Result<Held, String>, Error> {
    let verdict = verify(targets::opened(path)?, None, anchors, None)?;
    let is_cosigned = |recorded: &&Recorded| !recorded.in_log.witnesses.is_empty();
    let held = Held {
        documents: count(verdict.documents.iter()),
        proved: count(verdict.records.iter()),
        cosigned: count(verdict.records.iter().filter(is_cosigned)),
    };
    let documents = verdict.documents.iter();
    let failures: Vec<String> = documents
        .filter_map(|document| Some(format!("{}: {}", document.name, document.failure()?)))
        .chain(verdict.failures)
        .collect();
    Ok(match failures.is_empty() {
        true => Ok(held),
        false => Err(failures.join("; ")),
    })
}

fn count<T>(found: impl Iterator<Item = T>) -> u64 {
    u64::try_from(found.count()).unwrap_or(u64::MAX)
}

impl Verdict {
    pub(super) fn holds(&self) -> bool {
        self.failures.is_empty() && self.documents.iter().all(Document::holds)
    }

    fn fail(&mut self, reason: &str) {
        self.failures.push(reason.to_owned());
    }

    fn missing(&mut self, name: &str) {
        self.fail(&format!("{name} is not there"));
    }

    pub(super) fn text(&self, place: &str) -> String {
        let mut text = String::new();
        for document in &self.documents {
            text.push_str(&document.text(&format!("{place}: {}", document.name)));
        }
        let verdict = if self.holds() { "holds" } else { "FAILS" };
        let _infallible = writeln!(text, "{verdict}  {place}");
        for recorded in &self.records {
            line(
                &mut text,
                &format!("record {}", recorded.ordinal),
                &recorded.text(),
            );
            if self.log_keys.len() > 1 {
                for key in vkeys(&recorded.in_log.log_keys) {
                    line(&mut text, "log key", &key);
                }
            }
            if let Some(rests) = &recorded.basis {
                for (name, value) in &rests.lines {
                    line(&mut text, name, value);
                }
                let outcome = show::explained(Subject::Basis, &rests.outcome);
                line(&mut text, "basis", &outcome);
            }
        }
        for remark in &self.remarks {
            line(&mut text, "warning", remark);
        }
        for failure in &self.failures {
            let _infallible = writeln!(text, "  FAIL {}", printable(failure));
        }
        for configuration in &self.configurations {
            text.push_str(&configuration.text());
        }
        if !self.log_keys.is_empty() {
            let _infallible = writeln!(text, "by the key of the log ({})", self.log_key_is);
            for key in vkeys(&self.log_keys) {
                line(&mut text, "log key", &key);
            }
        }
        if self.log_keys.len() > 1 {
            text.push_str(
                "by more than one key: what is signed by one that the node does not publish is not \
                 proved\n",
            );
        }
        if !self.witness_keys.is_empty() {
            text.push_str(
                "by the keys of those who cosigned (from the bundle: compare them with what their nodes \
                 publish)\n",
            );
            for key in vkeys(&self.witness_keys) {
                line(&mut text, "witness key", &key);
            }
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let configurations = self.configurations.iter().map(Configuration::json);
        json!({
            "kind": "bundle",
            "ok": self.holds(),
            "configurations": configurations.collect::<Vec<_>>(),
            // One of several would stand for the others.
            "log_key": match self.log_keys.as_slice() {
                [key] => Some(key.to_vkey()),
                [] | [_, _, ..] => None,
            },
            "log_keys": vkeys(&self.log_keys),
            "log_key_is": (!self.log_keys.is_empty()).then_some(self.log_key_is),
            "witness_keys": vkeys(&self.witness_keys),
            "documents": self.documents.iter().map(Document::json).collect::<Vec<_>>(),
            "records": self.records.iter().map(Recorded::json).collect::<Vec<_>>(),
            "warnings": self.remarks,
            "failures": self.failures,
        })
    }
}

impl Recorded {
    fn text(&self) -> String {
        let mut text = format!("{}: {}", self.what, self.in_log.text());
        if let Some(container) = &self.container {
            text.push_str("; the message of ");
            text.push_str(container);
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "record": self.ordinal,
            "what": self.what,
            "size": self.in_log.size,
            "signed_by": self.in_log.signed_by,
            "log_keys": vkeys(&self.in_log.log_keys),
            "cosigned_by": names(&self.in_log.witnesses),
            "witness_keys": vkeys(&self.in_log.witnesses),
            "container": self.container,
            "basis": self.basis.as_ref().map(|rests| rests.document.clone()),
            "basis_check": self.basis.as_ref().map(|rests| show::outcome(&rests.outcome)),
        })
    }
}

/// The name of a stored record in a bundle.
pub(super) fn record(ordinal: u64) -> String {
    format!("{LOG}{ordinal}{RECORD}")
}

/// The name of what is behind the seal of a record.
pub(super) fn plain(ordinal: u64) -> String {
    format!("{LOG}{ordinal}{PLAIN}")
}

/// The name of the proof of a record.
pub(super) fn proof(ordinal: u64) -> String {
    format!("{LOG}{ordinal}{PROOF}")
}

/// The folder of a configuration, the first being 1.
pub(super) fn configuration(number: usize) -> String {
    match number {
        1 => CONF.to_owned(),
        number => format!("{CONF}-{number}"),
    }
}

fn is_configuration(folder: &str) -> bool {
    let number = folder
        .strip_prefix(CONF)
        .and_then(|rest| rest.strip_prefix('-'));
    folder == CONF || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether files of these names are a bundle, whole or not.
pub(super) fn looks_like_one<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    names.any(|name| {
        let folder = name.split_once('/').map(|(folder, _)| folder);
        name.starts_with(LOG)
            || name.starts_with(CONTAINERS)
            || folder.is_some_and(is_configuration)
    })
}

pub(super) const README: &str = "README.txt";
pub(super) const CONTAINERS: &str = "containers/";
pub(super) const KEYS: &str = "log/keys";
const LOG: &str = "log/";
const CONF: &str = "conf";
const RECORD: &str = ".record";
const PLAIN: &str = ".plain";
const PROOF: &str = ".tlog-proof";
pub(super) const LIMITS: Limits = Limits {
    memory_bytes_max: 256 << 20,
    names: Names::Folders,
    ..Limits::ARCHIVE
};
