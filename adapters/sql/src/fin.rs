//! The personal identification number (FIN) and the taxpayer number (VÖEN): their form, nothing else.
//!
//! A FIN has seven symbols, each from an alphabet that is a setting: digits and the Latin capitals
//! without I and O unless the adapter says otherwise. Small letters become capitals by the ASCII
//! rule only; `İ`, `ı` and Cyrillic or Greek look-alikes are refused, never repaired, because a
//! repaired key may be another person's.

use std::fmt;

/// A well-formed FIN, in capitals.
///
/// `Debug` does not show it: a FIN is personal data and stays out of logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fin([u8; Self::LENGTH]);

/// The symbols a FIN may have.
#[derive(Clone, PartialEq, Eq)]
pub struct Alphabet(Box<str>);

/// Why a text is not a FIN. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not have seven symbols.
    Length,
    /// A symbol is outside the alphabet; counted from one.
    Symbol {
        /// Which symbol.
        position: usize,
    },
}

/// Why a text is not an alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlphabetError {
    /// It has no symbol.
    Empty,
    /// It holds something other than ASCII digits and capitals.
    Symbol,
    /// A symbol stands there twice.
    Repeated,
}

/// What the check digit of a well-formed VÖEN says.
///
/// The rule is not official and real numbers are known that break it, so a mismatch is worth a
/// warning and never a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckDigit {
    /// The ninth digit is what the rule gives.
    Matches,
    /// It is another one, or the rule gives none for this serial.
    Differs,
}

impl Fin {
    /// How many symbols a FIN has.
    pub const LENGTH: usize = 7;

    /// Reads a FIN.
    ///
    /// # Errors
    /// When the length or a symbol is wrong; white space is not skipped.
    pub fn parse(text: &str, alphabet: &Alphabet) -> Result<Self, Error> {
        let mut symbols = [0_u8; Self::LENGTH];
        let mut characters = text.chars();
        for (slot, position) in symbols.iter_mut().zip(1..) {
            let character = characters.next().ok_or(Error::Length)?;
            *slot = alphabet
                .symbol(character)
                .ok_or(Error::Symbol { position })?;
        }
        match characters.next() {
            None => Ok(Self(symbols)),
            Some(_) => Err(Error::Length),
        }
    }

    /// The seven symbols.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Fin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fin(…)")
    }
}

impl Alphabet {
    /// An alphabet of these symbols.
    ///
    /// # Errors
    /// When a symbol is no ASCII digit or capital, or stands there twice, or there is none.
    pub fn new(symbols: &str) -> Result<Self, AlphabetError> {
        if symbols.is_empty() {
            return Err(AlphabetError::Empty);
        }
        if !symbols
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        {
            return Err(AlphabetError::Symbol);
        }
        let repeated = symbols
            .char_indices()
            .any(|(at, symbol)| symbols.chars().take(at).any(|earlier| earlier == symbol));
        match repeated {
            true => Err(AlphabetError::Repeated),
            false => Ok(Self(symbols.into())),
        }
    }

    /// The symbols, in the order given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn symbol(&self, character: char) -> Option<u8> {
        let capital = u8::try_from(character).ok()?.to_ascii_uppercase();
        self.0.bytes().find(|symbol| *symbol == capital)
    }
}

impl Default for Alphabet {
    fn default() -> Self {
        Self(DEFAULT_ALPHABET.into())
    }
}

impl fmt::Debug for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alphabet({})", self.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "a FIN has {} symbols", Fin::LENGTH),
            Self::Symbol { position } => {
                write!(f, "symbol {position} of the FIN is not in the alphabet")
            }
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for AlphabetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an alphabet needs at least one symbol",
            Self::Symbol => "an alphabet holds ASCII digits and capitals only",
            Self::Repeated => "a symbol of the alphabet is repeated",
        })
    }
}

impl std::error::Error for AlphabetError {}

/// Reads the form of a VÖEN (ten digits) and compares its check digit; `None` when the form is wrong.
pub fn voen(text: &str) -> Option<CheckDigit> {
    let digits: Vec<u32> = text
        .chars()
        .map(|c| c.to_digit(10))
        .collect::<Option<_>>()?;
    let [serial @ .., check, _status] = digits.as_slice() else {
        return None;
    };
    if serial.len() != VOEN_WEIGHTS.len() {
        return None;
    }
    let sum: u32 = serial
        .iter()
        .zip(VOEN_WEIGHTS)
        .map(|(digit, weight)| digit.saturating_mul(weight))
        .fold(0, u32::saturating_add);
    match sum.checked_rem(11) == Some(*check) {
        true => Some(CheckDigit::Matches),
        false => Some(CheckDigit::Differs),
    }
}

const DEFAULT_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Of territory (two digits) and serial (six), towards a sum modulo eleven.
const VOEN_WEIGHTS: [u32; 8] = [4, 1, 8, 6, 2, 7, 5, 3];

#[cfg(test)]
mod tests;
