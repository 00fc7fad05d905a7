//! Strict JSON and its canonical form (RFC 8785), for what is signed.
//!
//! Strict: no key twice in an object, nothing behind the value, depth and size bounded, numbers are
//! integers that fit 53 bits. That is all our documents need, and leaves nothing to interpretation.

use std::fmt;

use serde_json::Value;

/// Why octets are no strict JSON.
#[derive(Debug)]
pub enum Error {
    /// Not JSON.
    Syntax(serde_json::Error),
    /// A key stands twice in one object. The key is not said: it may be anything.
    DuplicateKey,
    /// A number that is no integer of 53 bits.
    Number,
    /// Nested too deeply.
    TooDeep,
    /// More octets than allowed.
    TooLong,
}

/// Reads strict JSON.
///
/// # Errors
/// The first thing that is not strict.
pub fn parse(bytes: &[u8], bytes_max: usize) -> Result<Value, Error> {
    let _ = (bytes, bytes_max);
    todo!()
}

/// The canonical octets of a value (RFC 8785): no white space, keys in the order of UTF-16.
///
/// # Errors
/// [`Error::Number`] for a number that is no integer of 53 bits.
pub fn canonical(value: &Value) -> Result<Vec<u8>, Error> {
    let _ = value;
    todo!()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax(_) => "it is not JSON",
            Self::DuplicateKey => "a key stands twice in one object",
            Self::Number => "a number is no integer of 53 bits",
            Self::TooDeep => "it is nested too deeply",
            Self::TooLong => "it is too long",
        })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Syntax(error) => Some(error),
            Self::DuplicateKey | Self::Number | Self::TooDeep | Self::TooLong => None,
        }
    }
}
