//! Signature lines.

use super::{Error, SIGNATURES_MAX, Verifier, check_name, text};

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: [u8; 4],
    octets: Vec<u8>,
}

impl Signature {
    pub(super) fn new(verifier: &Verifier, octets: Vec<u8>) -> Self {
        Self {
            name: verifier.name().to_owned(),
            id: verifier.id(),
            octets,
        }
    }

    /// Reads a signature line, without its line break: `— name base64`.
    ///
    /// # Errors
    /// It is not written so.
    pub fn from_line(line: &str) -> Result<Self, Error> {
        Self::read(line).ok_or(Error::SignatureLine { number: 1 })
    }

    /// The signature line, with its line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        let octets = [&self.id[..], &self.octets].concat();
        format!("{PREFIX}{} {}\n", self.name, text::base64_encode(&octets))
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The identifier of the key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The signature itself, in the form of its type.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// It says that this key has made it: name and identifier are those of the key.
    #[must_use]
    pub fn is_by(&self, verifier: &Verifier) -> bool {
        self.name == verifier.name() && self.id == verifier.id()
    }

    fn read(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(PREFIX)?.split_once(' ')?;
        check_name(name).ok()?;
        let decoded = text::base64_decode(encoded)?;
        let (id, octets) = decoded.split_first_chunk()?;
        if octets.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            id: *id,
            octets: octets.to_vec(),
        })
    }
}

/// The lines behind the empty line of a note: one or more, each with its line break.
pub(super) fn read_lines(lines: &str) -> Result<Vec<Signature>, Error> {
    if lines.is_empty() {
        return Err(Error::Unseparated);
    }
    let mut signatures = Vec::new();
    for (line, number) in lines.split_inclusive('\n').zip(1_usize..) {
        if number > SIGNATURES_MAX {
            return Err(Error::ManySignatures { found: number });
        }
        let signature = line.strip_suffix('\n').and_then(Signature::read);
        signatures.push(signature.ok_or(Error::SignatureLine { number })?);
    }
    Ok(signatures)
}

/// An em dash and a space.
const PREFIX: &str = "\u{2014} ";
