//! The request for a cosignature, and the decision on it (C2SP `tlog-witness`, `add-checkpoint`).

use std::fmt;

use certs_keys::{Digest, DigestAlgorithm};

use crate::checkpoint::{self, Checkpoint, Log};
use crate::note::{self, Note, Signature, Signer};
use crate::{Hash, cosign, text, tree};

/// The body of an `add-checkpoint` request: a checkpoint, and the proof that it continues an older
/// one. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    checkpoint: Checkpoint,
    note: Note,
}

/// A checkpoint that a witness may cosign, once it is stored as the latest of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    checkpoint: Checkpoint,
    note: Note,
}

/// Why a request is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is longer than [`REQUEST_BYTES_MAX`].
    TooLong {
        /// How long it is.
        found: usize,
    },
    /// It does not begin with an old size, a proof of at most [`PROOF_HASHES_MAX`] hashes and an
    /// empty line.
    Head,
    /// The checkpoint in it is not written as one.
    Checkpoint(checkpoint::Error),
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request is malformed.
    Malformed(Error),
    /// The old size is larger than the checkpoint.
    Shrunk {
        /// The old size of the request.
        old: u64,
        /// The size of the checkpoint.
        new: u64,
    },
    /// The log is not known.
    UnknownOrigin,
    /// No known key of the log has signed, or its signature is bad.
    Signature(note::Error),
    /// The old size is not that of the latest checkpoint that was cosigned.
    Conflict {
        /// That size.
        size: u64,
    },
    /// The checkpoint does not continue the latest one, or is no tree.
    Inconsistent(tree::Error),
}

impl AddCheckpoint {
    /// Asks to cosign a checkpoint, given the proof from the tree of the old size.
    ///
    /// # Errors
    /// The note is no checkpoint, or the proof has more than [`PROOF_HASHES_MAX`] hashes.
    pub fn new(old_size: u64, proof: Vec<Hash>, note: Note) -> Result<Self, Error> {
        if proof.len() > PROOF_HASHES_MAX {
            return Err(Error::Head);
        }
        let checkpoint = Checkpoint::from_text(note.text()).map_err(Error::Checkpoint)?;
        Ok(Self {
            old_size,
            proof,
            checkpoint,
            note,
        })
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// It is not written as [`AddCheckpoint::encode`] writes it.
    pub fn decode(body: &[u8]) -> Result<Self, Error> {
        let found = body.len();
        if found > REQUEST_BYTES_MAX {
            return Err(Error::TooLong { found });
        }
        let lines_max = PROOF_HASHES_MAX.saturating_add(1);
        let (lines, note) = text::head(body, lines_max).ok_or(Error::Head)?;
        let (old, proof) = lines.split_first().ok_or(Error::Head)?;
        let old = old.strip_prefix(OLD).and_then(text::number);
        let old = old.ok_or(Error::Head)?;
        let proof: Option<Vec<_>> = proof.iter().map(|line| text::hash(line)).collect();
        let note = Note::parse(note);
        let note = note.map_err(|error| Error::Checkpoint(checkpoint::Error::Note(error)))?;
        Self::new(old, proof.ok_or(Error::Head)?, note)
    }

    /// The body of the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!("{OLD}{}\n", self.old_size);
        for hash in &self.proof {
            head.push_str(&text::base64_encode(hash));
            head.push('\n');
        }
        head.push('\n');
        [head.into_bytes(), self.note.to_bytes()].concat()
    }

    /// The size of the tree that the proof begins at.
    #[must_use]
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The consistency proof.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint, which nobody has verified: its origin tells which log to look up.
    #[must_use]
    pub fn checkpoint_unchecked(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note of the checkpoint.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }
}

/// Decides on a request, given the logs that the witness knows (one for an origin, with all keys that
/// it may sign under), and size and root of the latest checkpoint that it has cosigned for the origin
/// of the request, if it ever has.
///
/// What was accepted must be stored as the latest before it is cosigned, and nothing else may be
/// stored between the look at the latest and then: otherwise the witness could go back to a smaller
/// tree.
///
/// # Errors
/// Why it is refused, in the order of the specification.
pub fn decide(
    request: &AddCheckpoint,
    known: &[Log],
    last: Option<(u64, Hash)>,
) -> Result<Accepted, Refusal> {
    let AddCheckpoint {
        old_size,
        proof,
        checkpoint,
        note,
    } = request;
    let (old, new) = (*old_size, checkpoint.size());
    let log = known.iter().find(|log| log.origin() == checkpoint.origin());
    let log = log.ok_or(Refusal::UnknownOrigin)?;
    // The signatures of others are not stored: whoever asks for it could fill the disk with them.
    let verified = note.verify(log.keys()).map_err(Refusal::Signature)?;
    let signatures = verified.iter().map(|found| found.signature().clone());
    if old > new {
        return Err(Refusal::Shrunk { old, new });
    }
    let (last_size, last_root) = last.unwrap_or((0, tree::EMPTY_ROOT));
    if old != last_size {
        return Err(Refusal::Conflict { size: last_size });
    }
    tree::verify_consistency(old, new, &last_root, checkpoint.root(), proof)
        .map_err(Refusal::Inconsistent)?;
    Ok(Accepted {
        checkpoint: checkpoint.clone(),
        note: note.with_signatures(signatures.collect()),
    })
}

/// Where a witness serves the latest checkpoint of a log that it has cosigned, below its monitoring
/// prefix.
#[must_use]
pub fn checkpoint_path(origin: &str) -> String {
    let digest = Digest::of(DigestAlgorithm::Sha256, origin.as_bytes());
    format!("{}/checkpoint", text::hex(digest.as_bytes()))
}

/// Reads the body of a 409 answer: the size of the latest checkpoint that the witness has cosigned.
///
/// # Errors
/// It is no size.
pub fn decode_size(body: &[u8]) -> Result<u64, Error> {
    let line = std::str::from_utf8(body).ok();
    let size = line.and_then(|line| text::number(line.strip_suffix('\n')?));
    size.ok_or(Error::Head)
}

impl Accepted {
    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note of the checkpoint, with the signatures of the log's known keys only: what the
    /// witness stores, and serves with its cosignature added.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Cosigns it at a time, in seconds since 1970: the line is the answer to the request.
    ///
    /// # Errors
    /// The key is not one for cosignatures, or the time is zero or beyond 2^63 − 1.
    pub fn cosign(&self, signer: &Signer, now: u64) -> Result<Signature, note::Error> {
        cosign::cosign(&self.checkpoint, signer, now)
    }
}

impl Refusal {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Shrunk { .. } => 400,
            Self::Signature(_) => 403,
            Self::UnknownOrigin => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The body of the answer where the protocol has one, which is then of the type
    /// [`SIZE_CONTENT_TYPE`].
    #[must_use]
    pub fn body(&self) -> Option<String> {
        match self {
            Self::Conflict { size } => Some(format!("{size}\n")),
            Self::Malformed(_)
            | Self::Shrunk { .. }
            | Self::UnknownOrigin
            | Self::Signature(_)
            | Self::Inconsistent(_) => None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { found } => write!(f, "a request of {found} bytes is too long"),
            Self::Head => f.write_str("an old size, a proof and an empty line are expected"),
            Self::Checkpoint(_) => f.write_str("the note is no checkpoint"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint(error) => Some(error),
            Self::TooLong { .. } | Self::Head => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(_) => f.write_str("the request is malformed"),
            Self::Shrunk { old, new } => {
                write!(f, "the old size {old} is larger than the checkpoint, {new}")
            }
            Self::UnknownOrigin => f.write_str("the log is not known"),
            Self::Signature(_) => f.write_str("the log has not signed the checkpoint"),
            Self::Conflict { size } => write!(f, "the latest checkpoint has the size {size}"),
            Self::Inconsistent(_) => f.write_str("the checkpoint does not continue the latest one"),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Signature(error) => Some(error),
            Self::Inconsistent(error) => Some(error),
            Self::Shrunk { .. } | Self::UnknownOrigin | Self::Conflict { .. } => None,
        }
    }
}

/// The content type of the body of a 409 answer.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";
/// The most hashes of a consistency proof.
pub const PROOF_HASHES_MAX: usize = 63;
/// The longest request: a note of the greatest length, and what stands before it.
pub const REQUEST_BYTES_MAX: usize = note::NOTE_BYTES_MAX + 4096;
const OLD: &str = "old ";

#[cfg(test)]
mod tests;
