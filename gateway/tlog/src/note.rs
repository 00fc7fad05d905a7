//! Signed texts and the keys that sign them (C2SP `signed-note`).
//!
//! A [`Note`] that was parsed says nothing yet: its text counts only after [`Note::verify`] with the
//! keys that one knows.

mod keys;
mod signature;

use std::fmt;

use crate::text;

pub use keys::{Kind, Signer, Verifier};
pub use signature::Signature;

/// A text and its signatures, in the order of the note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    verifier: &'a Verifier,
    signature: &'a Signature,
    time: Option<u64>,
}

/// Why a key or a note is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The note is longer than [`NOTE_BYTES_MAX`].
    TooLong {
        /// How long it is.
        found: usize,
    },
    /// The text is not UTF-8, has control characters, or does not end with a line break.
    Text,
    /// The signatures are not behind an empty line, or there are none.
    Unseparated,
    /// A line is not written as a signature.
    SignatureLine {
        /// Which one, from 1.
        number: usize,
    },
    /// The note has more than [`SIGNATURES_MAX`] signatures.
    ManySignatures {
        /// How many it has at least.
        found: usize,
    },
    /// The name of a key is empty, or has a space, a plus sign or a control character.
    Name,
    /// The text is not written as a verifier key.
    Vkey,
    /// The key is of a type that is not supported.
    KeyType {
        /// The octet that tells the type.
        found: u8,
    },
    /// The verifier key does not have the identifier that follows from its name and key.
    KeyId,
    /// The key signs other things: a cosigner's key is for cosignatures only, a log's never.
    WrongKind {
        /// The kind that the key is of.
        found: Kind,
    },
    /// Two of the known keys have the same name and identifier.
    AmbiguousKeys {
        /// Their name.
        name: String,
    },
    /// A signature of a known key does not verify.
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// There is no signature of a known key.
    Unsigned,
    /// It is no time for a cosignature: zero, or beyond 2^63 − 1.
    Time {
        /// The time in seconds.
        time: u64,
    },
}

impl Note {
    /// Reads a signed note. Nothing is verified.
    ///
    /// # Errors
    /// It is not written as a note with at least one signature, or beyond the bounds.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_length(bytes.len())?;
        let whole = std::str::from_utf8(bytes).map_err(|_| Error::Text)?;
        // The text may have empty lines: the last one separates.
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(Error::Unseparated)?;
        // All bytes but the line break of the text's last line, which the separator has taken.
        let text = format!("{text}\n");
        check_text(&text)?;
        let signatures = signature::read_lines(lines)?;
        Ok(Self { text, signatures })
    }

    /// A text with the signature lines that somebody sent for it. They cannot change the text.
    pub(crate) fn with_lines(text: String, lines: &str) -> Result<Self, Error> {
        check_length(lines.len())?;
        Self::new(text, signature::read_lines(lines)?)
    }

    /// Signs a text with each of these keys.
    ///
    /// # Errors
    /// The text cannot be that of a note, or a key is one for cosignatures.
    pub fn sign(text: &str, signers: &[&Signer]) -> Result<Self, Error> {
        check_text(text)?;
        let signatures: Result<Vec<_>, _> =
            signers.iter().map(|signer| signer.sign(text)).collect();
        let signatures = signatures?;
        if signatures.is_empty() {
            return Err(Error::Unsigned);
        }
        Self::new(text.to_owned(), signatures)
    }

    /// The signatures of known keys; at least one, and one per key: of several cosignatures by a key
    /// the latest.
    ///
    /// Signatures of other keys are left out, also those that share a name or an identifier with a
    /// known key. One bad signature of a known key condemns the note.
    ///
    /// # Errors
    /// A signature of a known key is bad, there is none, or the known keys cannot be told apart.
    pub fn verify<'a>(&'a self, known: &'a [Verifier]) -> Result<Vec<Verified<'a>>, Error> {
        check_distinct(known)?;
        let mut all: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let verifier = known.iter().find(|key| signature.is_by(key));
            let Some(verifier) = verifier else {
                continue;
            };
            let time = verifier.verify(&self.text, signature)?;
            let found = Verified {
                verifier,
                signature,
                time,
            };
            match all.iter_mut().find(|other| other.verifier == verifier) {
                Some(other) if other.time < time => *other = found,
                Some(_) => {}
                None => all.push(found),
            }
        }
        match all.is_empty() {
            true => Err(Error::Unsigned),
            false => Ok(all),
        }
    }

    /// Adds a signature, unless the same is there already.
    ///
    /// # Errors
    /// The note would get too many signatures or too long.
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        let mut signatures = self.signatures.clone();
        signatures.push(signature);
        *self = Self::new(self.text.clone(), signatures)?;
        Ok(())
    }

    /// The same text with those of the signatures only that are chosen.
    pub(crate) fn with_signatures(&self, signatures: Vec<Signature>) -> Self {
        Self {
            text: self.text.clone(),
            signatures,
        }
    }

    /// The text with its last line break. Not to be trusted before [`Note::verify`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, of whomever.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The note as it is stored and sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut note = format!("{}\n", self.text);
        self.signatures
            .iter()
            .for_each(|signature| note.push_str(&signature.to_line()));
        note.into_bytes()
    }

    fn new(text: String, signatures: Vec<Signature>) -> Result<Self, Error> {
        let found = signatures.len();
        if found > SIGNATURES_MAX {
            return Err(Error::ManySignatures { found });
        }
        let note = Self { text, signatures };
        check_length(note.to_bytes().len())?;
        Ok(note)
    }
}

impl<'a> Verified<'a> {
    /// Whose it is.
    #[must_use]
    pub fn verifier(&self) -> &'a Verifier {
        self.verifier
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &'a Signature {
        self.signature
    }

    /// When it was made, in seconds since 1970: of a cosignature, by the word of the cosigner.
    #[must_use]
    pub fn time(&self) -> Option<u64> {
        self.time
    }
}

fn check_length(found: usize) -> Result<(), Error> {
    if found > NOTE_BYTES_MAX {
        return Err(Error::TooLong { found });
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), Error> {
    let allowed = |octet: u8| octet >= b' ' || octet == b'\n';
    if text.ends_with('\n') && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::Text)
    }
}

pub(crate) fn check_distinct(known: &[Verifier]) -> Result<(), Error> {
    for (count, key) in known.iter().enumerate() {
        let same = |other: &Verifier| key.name() == other.name() && key.id() == other.id();
        if known.iter().take(count).any(same) {
            return Err(Error::AmbiguousKeys {
                name: key.name().to_owned(),
            });
        }
    }
    Ok(())
}

/// Key names must not be empty, nor have Unicode spaces or plus signs; a control character can stand
/// nowhere in a note.
fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |character: char| !character.is_whitespace() && character != '+';
    if !name.is_empty() && name.chars().all(allowed) && text::is_line(name) {
        Ok(())
    } else {
        Err(Error::Name)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { found } => write!(f, "a note of {found} bytes is too long"),
            Self::Text => f.write_str(
                "the text of a note is UTF-8 without control characters and ends with a line break",
            ),
            Self::Unseparated => f.write_str("there are no signatures behind an empty line"),
            Self::SignatureLine { number } => write!(f, "signature line {number} is malformed"),
            Self::ManySignatures { found } => write!(f, "{found} signatures are too many"),
            Self::Name => {
                f.write_str("the name of a key is not empty and has neither spaces nor a plus sign")
            }
            Self::Vkey => f.write_str("not a verifier key"),
            Self::KeyType { found } => write!(f, "keys of type {found:#04x} are not supported"),
            Self::KeyId => f.write_str(
                "the identifier of the verifier key does not belong to its name and key",
            ),
            Self::WrongKind { found } => write!(f, "a key for {found} is not for this"),
            Self::AmbiguousKeys { name } => {
                write!(f, "two keys of {name:?} have the same identifier")
            }
            Self::BadSignature { name } => write!(f, "the signature of {name:?} does not verify"),
            Self::Unsigned => f.write_str("no signature is of a known key"),
            Self::Time { time } => write!(f, "{time} is no time for a cosignature"),
        }
    }
}

impl std::error::Error for Error {}

/// The longest note that is read or made.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// The most signatures of a note that is read or made. The specification asks for at least 16.
pub const SIGNATURES_MAX: usize = 64;

#[cfg(test)]
mod tests;
