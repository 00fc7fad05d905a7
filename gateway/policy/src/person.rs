//! Keys of persons: typed, checked, and never shown.
//!
//! A FIN has seven characters, digits and `A` to `Z` without `I` and `O` by default (the alphabet is a
//! setting of the registry). Upper-casing is ASCII only: what an Azerbaijani locale makes of `i` and
//! `ı` is refused, and so are look-alikes of other scripts. A wrong check digit of a VÖEN is no ground
//! for refusal: its rule is not official.

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

/// The key of a person. Its value is personal data: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

impl PersonKey {
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

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
