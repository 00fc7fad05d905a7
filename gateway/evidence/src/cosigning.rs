//! Having this node's checkpoints cosigned by its neighbours (C2SP `tlog-witness`).
//!
//! A witness that has seen a larger tree than the log has now, or one that this tree does not
//! continue, is how a log that lost or changed records is found out: that is told as what it is.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::Checkpoint;
use gateway_tlog::cosign;
use gateway_tlog::note::{self, Note, Signature, Verifier};
use gateway_tlog::witness::{AddCheckpoint, decode_size};
use jiff::Timestamp;

/// The log whose checkpoints are cosigned.
pub trait Grown: Send + Sync + 'static {
    /// The latest signed checkpoint, if there is one.
    fn checkpoint(&self) -> Option<Bytes>;
    /// The proof that the tree of `new` continues that of `old`. It may block.
    ///
    /// # Errors
    /// Why there is none, for the operator.
    fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, String>;
    /// Adds verified signatures to the checkpoint they are for. It may block.
    ///
    /// # Errors
    /// Why they cannot be kept, for the operator.
    fn cosigned(&self, checkpoint: &Bytes, signatures: &[Signature]) -> Result<(), String>;
}

/// Carries a request to a witness.
pub trait Post: Send + Sync {
    /// POSTs the body to the URL: status and body of the answer, or why there is none.
    fn post(
        &self,
        url: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<(u16, Bytes), String>> + Send;
}

/// The witnesses of a log and what is known of them.
#[derive(Debug)]
pub struct Cosigning {
    witnesses: Vec<Witness>,
    /// How long one is waited for.
    patience: Duration,
}

/// One witness.
#[derive(Clone, Debug)]
pub struct Witness {
    key: Verifier,
    url: String,
    /// The size it has cosigned last, by its word.
    known: u64,
    state: State,
    /// How often in a row it was not reached.
    misses: u32,
}

/// How it stands with a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was not asked since the start.
    NotAsked,
    /// It has cosigned.
    Cosigned {
        /// The size of the tree.
        size: u64,
        /// When it was asked.
        time: Timestamp,
    },
    /// It could not be reached or answered nonsense, or its request or cosignature failed here.
    Unreachable {
        /// What happened.
        reason: String,
    },
    /// It does not know this log, or not this key of it.
    Refused {
        /// What it said.
        reason: String,
    },
    /// The tree that it has cosigned is no beginning of that of the log: records were changed.
    Contradicted {
        /// The size it has cosigned.
        seen: u64,
        /// What it said.
        reason: String,
    },
    /// It has seen a larger tree than the log has: records were lost, or the log was exchanged.
    Ahead {
        /// The size it has cosigned.
        seen: u64,
        /// The size of the log.
        size: u64,
    },
}

impl Cosigning {
    /// Witnesses, each with its key and the URL it is asked at, and how long one is waited for: so
    /// long, and no longer, one that does not answer holds up the next round for all.
    #[must_use]
    pub fn new(witnesses: Vec<(Verifier, String)>, patience: Duration) -> Self {
        let witnesses = witnesses.into_iter().map(|(key, url)| Witness {
            key,
            url: url.trim_end_matches('/').to_owned(),
            known: 0,
            state: State::NotAsked,
            misses: 0,
        });
        Self {
            witnesses: witnesses.collect(),
            patience,
        }
    }

    /// Asks every witness that has not cosigned the latest checkpoint, all at once and for the same
    /// one: one that is down keeps no other waiting, and those that are up cosign together.
    pub async fn once(&mut self, log: &Arc<dyn Grown>, post: &impl Post, now: Timestamp) {
        let Some(note) = log.checkpoint() else { return };
        let Some((parsed, checkpoint)) = parsed(&note) else {
            tracing::error!("the log's own checkpoint is malformed");
            return;
        };
        let patience = self.patience;
        let waiting = self.witnesses.iter_mut();
        let waiting = waiting.filter(|witness| !witness.has_cosigned(checkpoint.size()));
        let asked = waiting.map(async |witness| {
            let asked = witness.ask(log, &note, &parsed, &checkpoint, post, now);
            let state = match tokio::time::timeout(patience, asked).await {
                Ok(asked) => asked.unwrap_or_else(|state| state),
                Err(_) => State::Unreachable {
                    reason: format!("it did not answer within {} s", patience.as_secs_f32()),
                },
            };
            witness.enter(state);
        });
        join_all(asked).await;
    }

    /// How it stands with each witness.
    pub fn witnesses(&self) -> impl Iterator<Item = &Witness> {
        self.witnesses.iter()
    }
}

impl Witness {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// How it stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    fn has_cosigned(&self, latest: u64) -> bool {
        matches!(self.state, State::Cosigned { size, .. } if size == latest)
    }

    fn enter(&mut self, state: State) {
        let changed = std::mem::discriminant(&self.state) != std::mem::discriminant(&state);
        let misses = match &state {
            State::Unreachable { .. } => self.misses.saturating_add(1),
            State::NotAsked
            | State::Cosigned { .. }
            | State::Refused { .. }
            | State::Contradicted { .. }
            | State::Ahead { .. } => 0,
        };
        let witness = self.name();
        match &state {
            // Neighbours start one after the other: once is nothing to be told.
            State::Unreachable { .. } if misses == MISSES_TOLD => {
                tracing::warn!(witness, "{state}");
            }
            State::Cosigned { .. } if changed => tracing::info!(witness, "the witness cosigns"),
            State::Refused { .. } | State::Contradicted { .. } | State::Ahead { .. } if changed => {
                tracing::error!(witness, "{state}");
            }
            State::NotAsked
            | State::Cosigned { .. }
            | State::Unreachable { .. }
            | State::Refused { .. }
            | State::Contradicted { .. }
            | State::Ahead { .. } => {}
        }
        self.misses = misses;
        self.state = state;
    }

    async fn ask(
        &mut self,
        log: &Arc<dyn Grown>,
        note: &Bytes,
        parsed: &Note,
        checkpoint: &Checkpoint,
        post: &impl Post,
        now: Timestamp,
    ) -> Result<State, State> {
        let size = checkpoint.size();
        let url = format!("{}/add-checkpoint", self.url);
        // What it said to have seen may have been wrong, or it began anew: it is asked once more.
        let mut old = Some(self.known)
            .filter(|known| *known <= size)
            .unwrap_or_default();
        // A second time with the size it names: after a restart nothing is known of it.
        for _ in 0..2 {
            let proof = blocking(log, move |log| log.consistency(old, size)).await;
            let proof = proof.map_err(|reason| failed("no proof can be made for it", &reason))?;
            let request = AddCheckpoint::new(old, proof, parsed.clone());
            let request = request.map_err(|error| failed("no request can be made", &error))?;
            let (status, body) = post
                .post(&url, request.encode())
                .await
                .map_err(|reason| State::Unreachable { reason })?;
            match status {
                200 => {
                    let signatures = self.verified(&body, checkpoint)?;
                    let note = note.clone();
                    let kept = blocking(log, move |log| log.cosigned(&note, &signatures)).await;
                    kept.map_err(|reason| failed("its cosignature cannot be kept", &reason))?;
                    self.known = size;
                    return Ok(State::Cosigned { size, time: now });
                }
                409 => {
                    self.known = decode_size(&body).map_err(|_| State::Unreachable {
                        reason: "it answered a conflict without a size".to_owned(),
                    })?;
                    if self.known > size {
                        let seen = self.known;
                        return Err(State::Ahead { seen, size });
                    }
                    old = self.known;
                }
                // Only the proof that was sent can be wrong, and it was verified against this log.
                422 => {
                    let (seen, reason) = (old, said(&body));
                    return Err(State::Contradicted { seen, reason });
                }
                403 | 404 => {
                    return Err(State::Refused {
                        reason: format!("{status}, {}", said(&body)),
                    });
                }
                _ => {
                    return Err(State::Unreachable {
                        reason: format!("it answered {status}, {}", said(&body)),
                    });
                }
            }
        }
        Err(State::Unreachable {
            reason: "its latest size changes while it is asked".to_owned(),
        })
    }

    /// The signatures of this witness among those it sent; no others are kept.
    fn verified(&self, body: &[u8], checkpoint: &Checkpoint) -> Result<Vec<Signature>, State> {
        let own = std::slice::from_ref(&self.key);
        let found = cosign::read_lines(body, checkpoint, own);
        let found = found.map_err(|error: note::Error| {
            failed("what it sent is no cosignature by its key", &error)
        })?;
        Ok(found
            .iter()
            .map(|found| found.signature().clone())
            .collect())
    }
}

/// The checkpoint in a note.
fn parsed(note: &[u8]) -> Option<(Note, Checkpoint)> {
    let note = Note::parse(note).ok()?;
    let checkpoint = Checkpoint::from_text(note.text()).ok()?;
    Some((note, checkpoint))
}

/// Files are read and written away from the executor.
async fn blocking<T: Send + 'static>(
    log: &Arc<dyn Grown>,
    work: impl FnOnce(&dyn Grown) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let log = Arc::clone(log);
    let done = tokio::task::spawn_blocking(move || work(&*log)).await;
    done.unwrap_or_else(|_| Err("the work was interrupted".to_owned()))
}

fn failed(what: &str, reason: &impl fmt::Display) -> State {
    State::Unreachable {
        reason: format!("{what}: {reason}"),
    }
}

/// The first words of an answer, without what could disturb a log.
fn said(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(200)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect::<String>()
        .trim()
        .to_owned()
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked yet"),
            Self::Cosigned { size, time } => write!(f, "cosigned {size} records at {time}"),
            Self::Unreachable { reason } => write!(f, "has not cosigned: {reason}"),
            Self::Refused { reason } => {
                write!(
                    f,
                    "refuses: {reason}; does it have the key of this log in its list?"
                )
            }
            Self::Contradicted { seen, reason } => write!(
                f,
                "has cosigned {seen} records, and they are not the first {seen} of this log: \
                 records were changed, or this is another log ({reason})"
            ),
            Self::Ahead { seen, size } => write!(
                f,
                "has cosigned {seen} records, the log has {size}: records were lost, or this is \
                 another log"
            ),
        }
    }
}

/// Being missed so often in a row is worth a warning; the health face tells from the first time.
const MISSES_TOLD: u32 = 2;

#[cfg(test)]
mod tests;
