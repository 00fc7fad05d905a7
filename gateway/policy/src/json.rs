//! Strict JSON and its canonical form (RFC 8785), for what is signed.
//!
//! Strict: no key twice in an object, nothing behind the value, depth and size bounded, numbers are
//! integers that fit 53 bits. That is all our documents need, and leaves nothing to interpretation.

mod strict;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

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
    match bytes.len() > bytes_max {
        true => Err(Error::TooLong),
        false => strict::read(bytes),
    }
}

/// The canonical octets of a value (RFC 8785): no white space, keys in the order of UTF-16.
///
/// # Errors
/// [`Error::Number`] for a number that is no integer of 53 bits, [`Error::TooDeep`] for what
/// [`parse`] would not read either.
pub fn canonical(value: &Value) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    write_value(&mut out, value, 0)?;
    Ok(out)
}

/// The canonical octets of what a type writes of itself.
///
/// # Errors
/// [`Error::Syntax`] when it cannot be written as JSON; otherwise as [`canonical`].
pub fn canonical_of<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    canonical(&serde_json::to_value(value).map_err(Error::Syntax)?)
}

fn write_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), Error> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let number = number.as_i64().filter(|number| is_exact(*number));
            let number = number.ok_or(Error::Number)?;
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            let depth = deeper(depth)?;
            out.push(b'[');
            for (count, item) in items.iter().enumerate() {
                if count > 0 {
                    out.push(b',');
                }
                write_value(out, item, depth)?;
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(out, members, deeper(depth)?)?,
    }
    Ok(())
}

/// RFC 8785, section 3.2.3: sorted by the UTF-16 code units of the keys, not by their octets.
fn write_object(
    out: &mut Vec<u8>,
    members: &Map<String, Value>,
    depth: usize,
) -> Result<(), Error> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (count, (key, value)) in members.into_iter().enumerate() {
        if count > 0 {
            out.push(b',');
        }
        write_string(out, key);
        out.push(b':');
        write_value(out, value, depth)?;
    }
    out.push(b'}');
    Ok(())
}

/// RFC 8785, section 3.2.2.2: the short escapes where there is one, `\u00xx` in lower case for the
/// other control characters, all else as it is.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..=0x1f => {
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}

/// RFC 7493, section 2.2: the integers that every reader takes for the same.
fn is_exact(number: i64) -> bool {
    (-INTEGER_MAX..=INTEGER_MAX).contains(&number)
}

fn deeper(depth: usize) -> Result<usize, Error> {
    match depth < DEPTH_MAX {
        true => Ok(depth.saturating_add(1)),
        false => Err(Error::TooDeep),
    }
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

/// Arrays and objects within each other.
pub const DEPTH_MAX: usize = 32;
/// 2^53 − 1.
const INTEGER_MAX: i64 = (1 << 53) - 1;

#[cfg(test)]
pub(crate) mod tests;
