//! The registry's rules, judged each time a configuration is put in force.
//!
//! The configuration is signed and so is the part within it, but an old one is signed as well. So the
//! newest version that was ever obeyed here, and its digest, are kept in `rules.state`: from there
//! rules only go forward. An operator whose country really goes back behind them, or withdraws its
//! rules altogether, stops the node, removes that file and starts again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_exchange::conf::{RulesFault, RulesState};
use gateway_policy::rules::{self, Rules};
use serde::{Deserialize, Serialize};

use crate::causes::with_causes;

/// Judges rules, and keeps what was obeyed.
#[derive(Debug)]
pub(super) struct Judge {
    instance: String,
    path: PathBuf,
    /// The newest that was obeyed here; the file says the same unless `is_unsaved`.
    newest: Option<Newest>,
    is_unsaved: bool,
    /// The last octets judged, and the verdict on them.
    last: Option<(Digest, RulesState)>,
    /// What was last told to the operator.
    told: Option<Result<u64, RulesFault>>,
}

/// The newest rules that were obeyed, as kept on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Newest {
    version: u64,
    /// SHA-256 of the part, in hex.
    sha256: String,
}

/// The kept state cannot be read.
#[derive(Debug)]
pub(crate) struct Error {
    path: PathBuf,
    reason: String,
}

/// Octets, read.
enum Read {
    /// Those that were judged before.
    Same,
    New(Digest, Result<Arc<Rules>, rules::Error>),
}

impl Judge {
    /// Reads what was kept.
    pub(super) fn open(path: &Path, instance: &str) -> Result<Self, Error> {
        let unreadable = |reason: String| Error {
            path: path.to_owned(),
            reason,
        };
        let newest = match std::fs::read(path) {
            Ok(bytes) => Some(
                serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?,
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(error.to_string())),
        };
        Ok(Self {
            instance: instance.to_owned(),
            path: path.to_owned(),
            newest,
            is_unsaved: false,
            last: None,
            told: None,
        })
    }

    /// How the rules of a verified configuration stand. Octets that were judged before are not read
    /// again.
    pub(super) async fn judge(&mut self, part: Option<&[u8]>) -> RulesState {
        let state = match part {
            Some(bytes) => match self.of_part(bytes.to_vec()).await {
                Some(state) => state,
                // The process is ending: nothing is wrong with the rules, and nothing is opened.
                None => return RulesState::Refused(RulesFault::Invalid),
            },
            None if self.newest.is_some() => RulesState::Refused(RulesFault::Missing),
            None => RulesState::Absent,
        };
        if self.is_unsaved {
            self.save();
        }
        self.tell(&state);
        state
    }

    /// `None`: reading was interrupted.
    async fn of_part(&mut self, bytes: Vec<u8>) -> Option<RulesState> {
        let known = self.last.as_ref().map(|(digest, _)| *digest);
        let instance = self.instance.clone();
        // Ten thousand rules are some milliseconds of work.
        let read = tokio::task::spawn_blocking(move || read(&bytes, known, &instance)).await;
        let (digest, rules) = match (read, &self.last) {
            (Ok(Read::Same), Some((_, state))) => return Some(state.clone()),
            (Ok(Read::New(digest, rules)), _) => (digest, rules),
            (Err(error), _) if error.is_cancelled() => return None,
            (Ok(Read::Same) | Err(_), _) => {
                return Some(RulesState::Refused(RulesFault::Invalid));
            }
        };
        let state = match rules {
            Ok(rules) => self.of_rules(rules),
            Err(error) => {
                tracing::error!("the registry's rules: {}", with_causes(&error));
                RulesState::Refused(RulesFault::Invalid)
            }
        };
        self.last = Some((digest, state.clone()));
        Some(state)
    }

    fn of_rules(&mut self, rules: Arc<Rules>) -> RulesState {
        let found = Newest {
            version: rules.part().version,
            sha256: hex::encode(rules.digest().as_bytes()),
        };
        if let Some(newest) = &self.newest
            && let Err(fault) = follows(newest, &found, rules.part().previous.as_deref())
        {
            return RulesState::Refused(fault);
        }
        if self.newest.as_ref() != Some(&found) {
            self.newest = Some(found);
            self.is_unsaved = true;
        }
        RulesState::InForce(rules)
    }

    /// A failure leaves the older state on disk: this process still goes forward only, and the next
    /// judgement tries again.
    fn save(&mut self) {
        let Some(newest) = &self.newest else {
            return;
        };
        let saved = serde_json::to_vec(newest)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                gateway_store::file::replace(&self.path, &bytes)
                    .map_err(|error| with_causes(&error))
            });
        match saved {
            Ok(()) => self.is_unsaved = false,
            Err(reason) => {
                tracing::error!("which rules were obeyed last is not kept on disk: {reason}");
            }
        }
    }

    /// Tells the operator of a change, once.
    fn tell(&mut self, state: &RulesState) {
        let now = match state {
            RulesState::Absent => None,
            RulesState::InForce(rules) => Some(Ok(rules.part().version)),
            RulesState::Refused(fault) => Some(Err(*fault)),
        };
        if now == self.told {
            return;
        }
        match now {
            None => tracing::info!("the registry publishes no rules"),
            Some(Ok(version)) => tracing::info!(version, "the registry's rules are in force"),
            Some(Err(fault)) => tracing::error!(
                "the registry's rules are not obeyed and nothing is exchanged: {fault}; {}",
                advice(fault, &self.path)
            ),
        }
        self.told = now;
    }
}

fn read(bytes: &[u8], known: Option<Digest>, instance: &str) -> Read {
    let digest = Digest::of(DigestAlgorithm::Sha256, bytes);
    match known == Some(digest) {
        true => Read::Same,
        false => Read::New(digest, Rules::read(bytes, instance).map(Arc::new)),
    }
}

/// Whether rules are those obeyed last, or later ones. Of those right behind it is known what they
/// must name as their predecessor.
fn follows(newest: &Newest, found: &Newest, previous: Option<&str>) -> Result<(), RulesFault> {
    if found.version < newest.version {
        return Err(RulesFault::RolledBack);
    }
    if found.version == newest.version {
        return match found.sha256 == newest.sha256 {
            true => Ok(()),
            false => Err(RulesFault::Tampered),
        };
    }
    let is_next = newest.version.checked_add(1) == Some(found.version);
    let names_it = previous.is_some_and(|previous| previous.eq_ignore_ascii_case(&newest.sha256));
    match is_next && !names_it {
        true => Err(RulesFault::Tampered),
        false => Ok(()),
    }
}

/// What the operator does about it.
fn advice(fault: RulesFault, path: &Path) -> String {
    let remove = |event: &str| {
        format!(
            "ask the registry; if it really {event}, stop the node, remove {}, and start it again",
            path.display()
        )
    };
    match fault {
        RulesFault::Invalid => {
            "ask the registry for rules that this version of the node understands".to_owned()
        }
        RulesFault::RolledBack => remove("went back to older rules"),
        RulesFault::Tampered => remove("published these"),
        RulesFault::Missing => remove("withdrew its rules"),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "which rules were obeyed last cannot be read from {}: {}; bring the file back from a \
             backup, or remove it to believe the registry's next rules without it",
            self.path.display(),
            self.reason
        )
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
