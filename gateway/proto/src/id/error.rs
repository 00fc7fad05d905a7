//! Why a text is not an identifier.

use std::fmt;

/// Why components or a text do not make an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A component that must be there is empty or white space only.
    Blank {
        /// The component's name in the identifiers schema, e.g. `memberCode`.
        component: &'static str,
    },
    /// The text has another number of components than this kind of identifier.
    Components {
        /// What the kind needs, e.g. `3 or 4`.
        expected: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A `%` is not followed by two hexadecimal digits.
    BadEscape,
    /// A character stands unescaped that must be percent-encoded.
    BadCharacter {
        /// The first byte of that character.
        found: u8,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank { component } => write!(f, "{component} is blank"),
            Self::Components { expected, found } => {
                write!(f, "an identifier of {expected} components has {found}")
            }
            Self::BadEscape => f.write_str("% without two hexadecimal digits in an identifier"),
            Self::BadCharacter { found } => {
                write!(f, "byte {found:#04x} stands unescaped in an identifier")
            }
        }
    }
}

impl std::error::Error for Error {}
