//! What a log signs (C2SP `tlog-checkpoint`).

use std::fmt;

use crate::cosign::{self, Cosignature};
use crate::note::{self, Kind, Note, Signer, Verifier};
use crate::{Hash, text, tree};

/// The size and root that a log stands for: nothing yet is signed or verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A log that one knows: its origin, and the keys that may sign for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    origin: String,
    keys: Vec<Verifier>,
}

/// A checkpoint that was verified: it is of a known log and signed by a key of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    checkpoint: Checkpoint,
    note: Note,
    signers: Vec<Verifier>,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The note or one of its signatures is not accepted.
    Note(note::Error),
    /// The text is not one of at least three lines, none of them empty.
    Lines,
    /// The second line is no size.
    Size,
    /// The third line is no root.
    Root,
    /// The origin or an extension line is empty or has control characters.
    Line,
    /// It is the checkpoint of another log.
    Origin {
        /// The origin that it names.
        found: String,
    },
    /// The name of the key is not the origin.
    KeyName {
        /// The name of the key.
        found: String,
    },
    /// A log without keys.
    NoKeys,
    /// The tree has no leaves, but not the root of such a tree.
    EmptyRoot,
}

impl Checkpoint {
    /// That of a log of this origin, which should be a name as `example.com/log42`.
    ///
    /// # Errors
    /// The origin is empty or has control characters.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, Error> {
        check_line(origin)?;
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        })
    }

    /// Reads the text of a checkpoint.
    ///
    /// # Errors
    /// It is not written as [`Checkpoint::to_text`] writes it.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let text = text.strip_suffix('\n').ok_or(Error::Lines)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(Error::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = text::number(size).ok_or(Error::Size)?;
        let root = text::hash(root).ok_or(Error::Root)?;
        let mut checkpoint = Self::new(origin, size, root)?;
        for extension in lines {
            checkpoint = checkpoint.extended(extension)?;
        }
        Ok(checkpoint)
    }

    /// With one more extension line.
    ///
    /// # Errors
    /// The line is empty or has control characters.
    pub fn extended(mut self, line: &str) -> Result<Self, Error> {
        check_line(line)?;
        self.extensions.push(line.to_owned());
        Ok(self)
    }

    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let root = text::base64_encode(&self.root);
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Signs it as its log, whose key has the origin for its name.
    ///
    /// # Errors
    /// The key has another name, or is one for cosignatures.
    pub fn sign(&self, signer: &Signer) -> Result<Note, Error> {
        if signer.name() != self.origin {
            return Err(Error::KeyName {
                found: signer.name().to_owned(),
            });
        }
        self.check_empty_root()?;
        Note::sign(&self.to_text(), &[signer]).map_err(Error::Note)
    }

    /// Which log it is of.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// What else the log has written into it. No cosigner says anything about these lines.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    pub(crate) fn check_empty_root(&self) -> Result<(), Error> {
        if self.size == 0 && self.root != tree::EMPTY_ROOT {
            return Err(Error::EmptyRoot);
        }
        Ok(())
    }
}

impl Log {
    /// The log of this origin, for which each of these keys may sign.
    ///
    /// # Errors
    /// The origin is not one, there are no keys, two cannot be told apart, or one is for
    /// cosignatures.
    pub fn new(origin: &str, keys: Vec<Verifier>) -> Result<Self, Error> {
        check_line(origin)?;
        if keys.is_empty() {
            return Err(Error::NoKeys);
        }
        if let Some(found) = keys
            .iter()
            .map(Verifier::kind)
            .find(|kind| !is_of_logs(*kind))
        {
            return Err(Error::Note(note::Error::WrongKind { found }));
        }
        note::check_distinct(&keys).map_err(Error::Note)?;
        Ok(Self {
            origin: origin.to_owned(),
            keys,
        })
    }

    /// The log whose origin is the name of its one key, as it should be.
    ///
    /// # Errors
    /// The key is one for cosignatures.
    pub fn of_key(key: Verifier) -> Result<Self, Error> {
        let origin = key.name().to_owned();
        Self::new(&origin, vec![key])
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys that may sign for it.
    #[must_use]
    pub fn keys(&self) -> &[Verifier] {
        &self.keys
    }
}

/// Opens a checkpoint of a known log: it is of that origin, and a key of the log has signed it.
///
/// # Errors
/// It is not, or not written as a checkpoint.
pub fn open(bytes: &[u8], log: &Log) -> Result<Opened, Error> {
    open_note(Note::parse(bytes).map_err(Error::Note)?, log)
}

/// Opens a checkpoint that was parsed already: see [`open`].
///
/// # Errors
/// As [`open`].
pub fn open_note(note: Note, log: &Log) -> Result<Opened, Error> {
    let checkpoint = Checkpoint::from_text(note.text())?;
    if checkpoint.origin != log.origin {
        return Err(Error::Origin {
            found: checkpoint.origin,
        });
    }
    let verified = note.verify(&log.keys).map_err(Error::Note)?;
    let signers = verified.iter().map(|one| one.verifier().clone()).collect();
    checkpoint.check_empty_root()?;
    Ok(Opened {
        checkpoint,
        note,
        signers,
    })
}

impl Opened {
    /// What the log has signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with all its signatures, also those of unknown keys.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Those of the log's keys that have signed it: at least one. The others have said nothing.
    #[must_use]
    pub fn signers(&self) -> &[Verifier] {
        &self.signers
    }

    /// The cosignatures on it by these witnesses, one for each that has cosigned.
    ///
    /// # Errors
    /// A cosignature of a known witness is bad, or a key is not one for cosignatures.
    pub fn cosignatures(&self, witnesses: &[Verifier]) -> Result<Vec<Cosignature>, note::Error> {
        cosign::of_note(&self.note, witnesses)
    }
}

fn is_of_logs(kind: Kind) -> bool {
    match kind {
        Kind::Ed25519 => true,
        Kind::Cosignature => false,
    }
}

fn check_line(line: &str) -> Result<(), Error> {
    if !line.is_empty() && text::is_line(line) {
        Ok(())
    } else {
        Err(Error::Line)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(_) => f.write_str("the signatures of the checkpoint are not accepted"),
            Self::Lines => f.write_str("a checkpoint has at least three lines"),
            Self::Size => f.write_str("the second line of the checkpoint is no size"),
            Self::Root => f.write_str("the third line of the checkpoint is no root"),
            Self::Line => f.write_str(
                "the origin and the extension lines of a checkpoint are not empty and have no \
                 control characters",
            ),
            Self::Origin { found } => write!(f, "the checkpoint is of another log, {found:?}"),
            Self::KeyName { found } => {
                write!(f, "the key of {found:?} does not sign for this origin")
            }
            Self::NoKeys => f.write_str("a log has at least one key"),
            Self::EmptyRoot => f.write_str("the root is not that of a tree without leaves"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Note(error) => Some(error),
            Self::Lines
            | Self::Size
            | Self::Root
            | Self::Line
            | Self::Origin { .. }
            | Self::KeyName { .. }
            | Self::NoKeys
            | Self::EmptyRoot => None,
        }
    }
}

#[cfg(test)]
mod tests;
