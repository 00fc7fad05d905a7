//! The witness: cosigns the checkpoints of other logs, and never two that contradict each other.
//!
//! What it has cosigned last, of each log, is in `witness.redb`, durable before the cosignature is
//! given out. Its time never goes back, whatever the clock does: of the log a later time stands for a
//! larger tree, or the same. Whoever can change that file can make the witness cosign a fork; whoever
//! only reads it learns sizes and roots. The decision is [`gateway_tlog::witness::decide`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gateway_store::tree::{Store, Tree};
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::Log;
use gateway_tlog::note::{self, Note, Signer, Verifier};
use gateway_tlog::witness::{
    Accepted, AddCheckpoint, Refusal, SIZE_CONTENT_TYPE, checkpoint_path, decide,
};
use jiff::Timestamp;

use crate::causes::Causes;

/// A witness with the logs it knows.
pub struct Witness {
    signer: Signer,
    logs: Vec<Log>,
    store: Store,
    /// Held from the look at the latest checkpoint until the next one is stored; inside, by origin, the
    /// latest time that was signed since the start.
    deciding: Mutex<BTreeMap<String, u64>>,
}

/// The answer to a request, for HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a witness failed, when it was not the request.
#[derive(Debug)]
pub enum Error {
    /// What was cosigned last cannot be read or written.
    Store(gateway_store::Error),
    /// What was cosigned last is not what was written.
    Malformed {
        /// The log.
        origin: String,
    },
    /// The cosignature cannot be made.
    Sign(note::Error),
}

/// What was cosigned last.
struct Latest {
    size: u64,
    root: Hash,
    /// The checkpoint with the log's signatures and the cosignature.
    note: Vec<u8>,
}

impl Witness {
    /// Opens a witness that keeps its state in `path`.
    ///
    /// # Errors
    /// The state cannot be opened.
    pub fn open(path: &Path, signer: Signer, logs: Vec<Log>) -> Result<Self, Error> {
        Ok(Self {
            signer,
            logs,
            store: Store::open(path).map_err(Error::Store)?,
            deciding: Mutex::default(),
        })
    }

    /// The key that its cosignatures are verified with.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// Decides on an `add-checkpoint` request and answers it. It blocks while it writes.
    pub fn add_checkpoint(&self, body: &[u8], now: Timestamp) -> Answer {
        match self.cosigned(body, now) {
            Ok(Ok(line)) => Answer {
                status: 200,
                content_type: PLAIN,
                body: line,
            },
            Ok(Err(refusal)) => {
                // Anybody can have himself refused: that must not fill our own log.
                tracing::debug!(status = refusal.status(), "no cosignature: {refusal}");
                refused(&refusal)
            }
            Err(error) => {
                tracing::error!("no cosignature: {}", Causes(&error));
                Answer {
                    status: 500,
                    content_type: PLAIN,
                    body: b"the witness failed; its log tells why\n".to_vec(),
                }
            }
        }
    }

    /// The latest checkpoint cosigned of the log whose hash stands in the path
    /// `‹hash of the origin›/checkpoint`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn latest(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let log = self
            .logs
            .iter()
            .find(|log| checkpoint_path(log.origin()) == path);
        let Some(log) = log else { return Ok(None) };
        Ok(self.read(log.origin())?.map(|latest| latest.note))
    }

    /// The longest request that is read: less than the protocol's longest, for anybody may send one.
    #[must_use]
    pub const fn request_bytes_max() -> usize {
        REQUEST_BYTES_MAX
    }

    fn cosigned(&self, body: &[u8], now: Timestamp) -> Result<Result<Vec<u8>, Refusal>, Error> {
        let request = match AddCheckpoint::decode(body) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error.into())),
        };
        let origin = request.checkpoint_unchecked().origin().to_owned();
        if !self.logs.iter().any(|log| log.origin() == origin) {
            return Ok(Err(Refusal::UnknownOrigin));
        }
        let mut times = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = self.read(&origin)?;
        let last = latest.as_ref().map(|latest| (latest.size, latest.root));
        let accepted = match decide(&request, &self.logs, last) {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let stored = latest.as_ref().and_then(|latest| self.time_of(latest));
        let signed = times.get(&origin).copied().max(stored);
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let seconds = seconds.max(signed.unwrap_or_default());
        let signature = accepted
            .cosign(&self.signer, seconds)
            .map_err(Error::Sign)?;
        let line = signature.to_line().into_bytes();
        // It may be the same tree again, and that is stored: whoever repeats a request, which needs no
        // key, does not make this disk write.
        if last.is_none_or(|(size, _)| size != accepted.checkpoint().size()) {
            let mut note = accepted.note().clone();
            note.add(signature).map_err(Error::Sign)?;
            self.write(&origin, &accepted, &note)?;
        }
        times.insert(origin, seconds);
        Ok(Ok(line))
    }

    /// When a stored checkpoint was cosigned; `None` when another key did it.
    fn time_of(&self, latest: &Latest) -> Option<u64> {
        let note = Note::parse(&latest.note).ok()?;
        let own = std::slice::from_ref(self.verifier());
        let verified = note.verify(own).ok()?;
        verified.iter().filter_map(note::Verified::time).max()
    }

    fn read(&self, origin: &str) -> Result<Option<Latest>, Error> {
        let value = self
            .store
            .read(|tx| tx.get(LATEST, origin))
            .map_err(Error::Store)?;
        let Some(value) = value else { return Ok(None) };
        let malformed = || Error::Malformed {
            origin: origin.to_owned(),
        };
        let (size, rest) = value.split_first_chunk::<8>().ok_or_else(malformed)?;
        let (root, note) = rest.split_first_chunk::<32>().ok_or_else(malformed)?;
        Ok(Some(Latest {
            size: u64::from_be_bytes(*size),
            root: *root,
            note: note.to_vec(),
        }))
    }

    fn write(&self, origin: &str, accepted: &Accepted, note: &Note) -> Result<(), Error> {
        let checkpoint = accepted.checkpoint();
        let mut value = checkpoint.size().to_be_bytes().to_vec();
        value.extend_from_slice(checkpoint.root());
        value.extend_from_slice(&note.to_bytes());
        self.store
            .write(|tx| tx.put(LATEST, origin, &value))
            .map_err(Error::Store)
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let (content_type, body) = match refusal.body() {
        Some(body) => (SIZE_CONTENT_TYPE, body),
        None => (PLAIN, format!("{refusal}\n")),
    };
    Answer {
        status: refusal.status(),
        content_type,
        body: body.into_bytes(),
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("name", &self.verifier().name())
            .field("logs", &self.logs.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("what was cosigned last cannot be read or written"),
            Self::Malformed { origin } => {
                write!(f, "what was cosigned last of {origin} is malformed")
            }
            Self::Sign(_) => f.write_str("the cosignature cannot be made"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Sign(error) => Some(error),
            Self::Malformed { .. } => None,
        }
    }
}

const LATEST: Tree = Tree::new("latest");
/// Room for a long proof and sixteen signatures, also of the largest kinds, near 5 kB each
/// (signed-note, Format).
const REQUEST_BYTES_MAX: usize = 128 << 10;
const PLAIN: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests;
