//! One file that proves that an entry is in a log (C2SP `tlog-proof`, version 1).

use std::fmt;

use crate::checkpoint::{self, Checkpoint, Log};
use crate::cosign::Cosignature;
use crate::note::{self, Note, Verifier};
use crate::{Hash, text, tree};

/// A proof as it stands in a file. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    index: u64,
    hashes: Vec<Hash>,
    extra: Option<Vec<u8>>,
    note: Note,
}

/// What a proof has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    index: u64,
    checkpoint: Checkpoint,
    signers: Vec<Verifier>,
    cosignatures: Vec<Cosignature>,
}

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is longer than [`PROOF_BYTES_MAX`].
    TooLong {
        /// How long it is.
        found: usize,
    },
    /// It does not begin with the lines that the format asks for.
    Head,
    /// The extra data is empty, or longer than [`EXTRA_BYTES_MAX`].
    Extra,
    /// The checkpoint is not accepted.
    Checkpoint(checkpoint::Error),
    /// The entry is not in the tree of the checkpoint.
    Inclusion(tree::Error),
    /// The cosignature of a known witness is bad.
    Cosignature(note::Error),
    /// Too few witnesses have cosigned the checkpoint.
    Quorum {
        /// How many of the known ones have.
        found: usize,
        /// How many must have.
        needed: usize,
    },
}

impl Proof {
    /// A proof that the entry with this index is in the tree of a checkpoint.
    ///
    /// # Errors
    /// There are more than [`HASHES_MAX`] hashes, or the note is no checkpoint.
    pub fn new(index: u64, hashes: Vec<Hash>, note: Note) -> Result<Self, Error> {
        if hashes.len() > HASHES_MAX {
            return Err(Error::Head);
        }
        Checkpoint::from_text(note.text()).map_err(Error::Checkpoint)?;
        Ok(Self {
            index,
            hashes,
            extra: None,
            note,
        })
    }

    /// With data that nothing in the proof vouches for.
    ///
    /// # Errors
    /// The data is empty, or longer than [`EXTRA_BYTES_MAX`].
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, Error> {
        if extra.is_empty() || extra.len() > EXTRA_BYTES_MAX {
            return Err(Error::Extra);
        }
        self.extra = Some(extra);
        Ok(self)
    }

    /// Reads a proof file.
    ///
    /// # Errors
    /// It is not written as [`Proof::encode`] writes it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let found = bytes.len();
        if found > PROOF_BYTES_MAX {
            return Err(Error::TooLong { found });
        }
        let lines_max = HASHES_MAX.saturating_add(3);
        let (lines, note) = text::head(bytes, lines_max).ok_or(Error::Head)?;
        let lines = match lines.split_first() {
            Some((first, rest)) if *first == FIRST_LINE => rest,
            Some(_) | None => return Err(Error::Head),
        };
        let (line, rest) = lines.split_first().ok_or(Error::Head)?;
        let (extra, line, hashes) = match line.strip_prefix(EXTRA) {
            Some(extra) => {
                let (line, rest) = rest.split_first().ok_or(Error::Head)?;
                (Some(extra), line, rest)
            }
            None => (None, line, rest),
        };
        let index = line.strip_prefix(INDEX).and_then(text::number);
        let hashes: Option<Vec<_>> = hashes.iter().map(|line| text::hash(line)).collect();
        let note = Note::parse(note);
        let note = note.map_err(|error| Error::Checkpoint(checkpoint::Error::Note(error)))?;
        let proof = Self::new(index.ok_or(Error::Head)?, hashes.ok_or(Error::Head)?, note)?;
        match extra {
            Some(extra) => proof.with_extra(text::base64_decode(extra).ok_or(Error::Extra)?),
            None => Ok(proof),
        }
    }

    /// The proof file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!("{FIRST_LINE}\n");
        if let Some(extra) = &self.extra {
            head.push_str(EXTRA);
            head.push_str(&text::base64_encode(extra));
            head.push('\n');
        }
        head.push_str(&format!("{INDEX}{}\n", self.index));
        for hash in &self.hashes {
            head.push_str(&text::base64_encode(hash));
            head.push('\n');
        }
        head.push('\n');
        [head.into_bytes(), self.note.to_bytes()].concat()
    }

    /// Verifies that the entry with this leaf hash is in the log, as so many of these witnesses at
    /// least have seen it. Witnesses with the same key count once.
    ///
    /// # Errors
    /// It is not, or the proof does not show it.
    pub fn verify(
        &self,
        leaf: &Hash,
        log: &Log,
        witnesses: &[Verifier],
        quorum: usize,
    ) -> Result<Verified, Error> {
        let opened = checkpoint::open_note(self.note.clone(), log).map_err(Error::Checkpoint)?;
        let cosignatures = opened.cosignatures(witnesses).map_err(Error::Cosignature)?;
        let checkpoint = opened.checkpoint().clone();
        let (size, root) = (checkpoint.size(), checkpoint.root());
        tree::verify_inclusion(leaf, self.index, size, &self.hashes, root)
            .map_err(Error::Inclusion)?;
        let mut keys: Vec<_> = cosignatures
            .iter()
            .map(|cosignature| cosignature.witness().public_key())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() < quorum {
            return Err(Error::Quorum {
                found: keys.len(),
                needed: quorum,
            });
        }
        Ok(Verified {
            index: self.index,
            checkpoint,
            signers: opened.signers().to_vec(),
            cosignatures,
        })
    }

    /// The index of the entry.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion proof.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Data that nothing in the proof vouches for.
    #[must_use]
    pub fn extra_unchecked(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The note of the checkpoint.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }
}

impl Verified {
    /// The index of the entry in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint that the log has signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Those of the log's keys that have signed it: at least one.
    #[must_use]
    pub fn signers(&self) -> &[Verifier] {
        &self.signers
    }

    /// The cosignatures of known witnesses.
    #[must_use]
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { found } => write!(f, "a proof of {found} bytes is too long"),
            Self::Head => f.write_str("the lines before the checkpoint are not those of a proof"),
            Self::Extra => f.write_str("the extra data is no base64, empty or too long"),
            Self::Checkpoint(_) => f.write_str("the checkpoint of the proof is not accepted"),
            Self::Inclusion(_) => f.write_str("the entry is not in the tree of the checkpoint"),
            Self::Cosignature(_) => f.write_str("a cosignature on the checkpoint is bad"),
            Self::Quorum { found, needed } => {
                write!(
                    f,
                    "{found} known witnesses have cosigned, {needed} must have"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint(error) => Some(error),
            Self::Inclusion(error) => Some(error),
            Self::Cosignature(error) => Some(error),
            Self::TooLong { .. } | Self::Head | Self::Extra | Self::Quorum { .. } => None,
        }
    }
}

/// The most hashes of an inclusion proof.
pub const HASHES_MAX: usize = 63;
/// The longest extra data.
pub const EXTRA_BYTES_MAX: usize = 1 << 16;
/// The longest proof file: a note of the greatest length, and what stands before it.
pub const PROOF_BYTES_MAX: usize = note::NOTE_BYTES_MAX + (1 << 17);
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";

#[cfg(test)]
mod tests;
