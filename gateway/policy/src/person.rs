//! Keys of persons: typed, checked, and never shown.
//!
//! ```text
//! FIN         7 characters of the alphabet, by default digits and A to Z without I and O
//! VÖEN        10 digits
//! documents   2 to 32 of A to Z, digits, - and /, the first and the last no sign; spaces inside
//!             are not counted, so `AZE 12345678` is `AZE12345678`
//! ```
//!
//! White space of ASCII around a key is cut off. Upper-casing is ASCII only: what an Azerbaijani
//! locale makes of `i` and `ı` is refused, and so are look-alikes of other scripts. A wrong check
//! digit of a VÖEN is no ground for refusal: its rule is not official.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// The personal identification number.
    Fin,
    /// The taxpayer number: ten digits.
    Voen,
    /// Series and number of an identity card.
    IdentityCard,
    /// Series and number of a driving licence.
    DrivingLicence,
    /// Series and number of a birth certificate.
    BirthCertificate,
    /// Series and number of a diploma.
    Diploma,
    /// Series and number of a protocol.
    Protocol,
    /// A number under which a person without FIN is known, as of a medical record.
    Document,
}

/// The characters of a FIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet(pub(crate) Vec<u8>);

/// A text that is no [`Alphabet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongAlphabet;

/// The key of a person. Its value is personal data: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct PersonKey {
    /// What kind of key.
    pub(crate) kind: KeyKind,
    /// In its one form: trimmed, ASCII upper case.
    pub(crate) value: String,
}

/// A text that is no key of its kind. It does not say the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What it should have been.
    pub kind: KeyKind,
}

/// A key as documents write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    kind: KeyKind,
    value: String,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Fin,
        Self::Voen,
        Self::IdentityCard,
        Self::DrivingLicence,
        Self::BirthCertificate,
        Self::Diploma,
        Self::Protocol,
        Self::Document,
    ];

    /// The name in documents: `fin`, `identity-card`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Voen => "voen",
            Self::IdentityCard => "identity-card",
            Self::DrivingLicence => "driving-licence",
            Self::BirthCertificate => "birth-certificate",
            Self::Diploma => "diploma",
            Self::Protocol => "protocol",
            Self::Document => "document",
        }
    }
}

impl Alphabet {
    /// Takes these characters: digits and capital letters of ASCII, each once.
    ///
    /// # Errors
    /// [`WrongAlphabet`] when there are others, one stands twice, or there are fewer than two.
    pub fn new(characters: &str) -> Result<Self, WrongAlphabet> {
        let bytes = characters.as_bytes();
        let allowed = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        let distinct = |(count, byte)| !bytes.iter().take(count).any(|other| other == byte);
        match bytes.len() >= CHARACTERS_MIN
            && bytes.iter().all(allowed)
            && bytes.iter().enumerate().all(distinct)
        {
            true => Ok(Self(bytes.to_vec())),
            false => Err(WrongAlphabet),
        }
    }

    /// Whether this octet is one of its characters.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        self.0.contains(&byte)
    }
}

impl Default for Alphabet {
    /// Digits and `A` to `Z` without `I` and `O`.
    fn default() -> Self {
        Self(b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ".to_vec())
    }
}

impl PersonKey {
    /// Brings a text into the form of its kind.
    ///
    /// # Errors
    /// [`Malformed`] when it has none.
    pub fn parse(kind: KeyKind, text: &str, alphabet: &Alphabet) -> Result<Self, Malformed> {
        let malformed = Malformed { kind };
        let text = text.trim_ascii();
        // Before anything is copied: nothing that long can be a key, whatever its spaces.
        if text.len() > TEXT_BYTES_MAX {
            return Err(malformed);
        }
        let mut value = text.to_ascii_uppercase();
        match kind {
            KeyKind::Fin => {
                if !value.bytes().all(|byte| alphabet.contains(byte)) {
                    return Err(malformed);
                }
            }
            KeyKind::Voen => {}
            KeyKind::IdentityCard
            | KeyKind::DrivingLicence
            | KeyKind::BirthCertificate
            | KeyKind::Diploma
            | KeyKind::Protocol
            | KeyKind::Document => value.retain(|character| character != ' '),
        }
        Self::from_canonical(kind, value)
    }

    /// Takes a value that is in the one form of its kind already, as stores and documents keep it.
    /// The alphabet of the day does not matter: a FIN is of digits and capital letters.
    ///
    /// # Errors
    /// [`Malformed`] when it is not in that form.
    pub fn from_canonical(kind: KeyKind, value: String) -> Result<Self, Malformed> {
        let is_alphanumeric = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        let fits = match kind {
            KeyKind::Fin => value.len() == FIN_BYTES && value.bytes().all(is_alphanumeric),
            KeyKind::Voen => {
                value.len() == VOEN_BYTES && value.bytes().all(|byte| byte.is_ascii_digit())
            }
            KeyKind::IdentityCard
            | KeyKind::DrivingLicence
            | KeyKind::BirthCertificate
            | KeyKind::Diploma
            | KeyKind::Protocol
            | KeyKind::Document => {
                let ends = [value.bytes().next(), value.bytes().next_back()];
                (DOCUMENT_BYTES_MIN..=DOCUMENT_BYTES_MAX).contains(&value.len())
                    && ends.into_iter().flatten().all(is_alphanumeric)
                    && value
                        .bytes()
                        .all(|byte| is_alphanumeric(byte) || matches!(byte, b'-' | b'/'))
            }
        };
        match fits {
            true => Ok(Self { kind, value }),
            false => Err(Malformed { kind }),
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The value itself. Not for logs, errors, metrics, file names or addresses.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.value
    }
}

impl TryFrom<Stored> for PersonKey {
    type Error = Malformed;

    fn try_from(stored: Stored) -> Result<Self, Malformed> {
        Self::from_canonical(stored.kind, stored.value)
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fin => "FIN",
            Self::Voen => "VÖEN",
            Self::IdentityCard => "number of an identity card",
            Self::DrivingLicence => "number of a driving licence",
            Self::BirthCertificate => "number of a birth certificate",
            Self::Diploma => "number of a diploma",
            Self::Protocol => "number of a protocol",
            Self::Document => "number of a document",
        })
    }
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Display for WrongAlphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an alphabet is of digits and capital letters of ASCII, each once")
    }
}

impl std::error::Error for WrongAlphabet {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is no valid {}", self.kind)
    }
}

impl std::error::Error for Malformed {}

/// The length of a FIN.
const FIN_BYTES: usize = 7;
/// The length of a VÖEN.
const VOEN_BYTES: usize = 10;
/// The shortest number of a document.
const DOCUMENT_BYTES_MIN: usize = 2;
/// The longest number of a document.
const DOCUMENT_BYTES_MAX: usize = 32;
/// The longest text looked at, spaces inside included.
const TEXT_BYTES_MAX: usize = 128;
/// An alphabet of fewer characters tells nobody from anybody.
const CHARACTERS_MIN: usize = 2;

#[cfg(test)]
mod tests;
