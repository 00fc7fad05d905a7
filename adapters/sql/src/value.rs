//! Kinds of values: how each is read from a message, bound to a statement, read from a row.

use std::fmt;

use crate::fin::{self, Alphabet, CheckDigit, Fin};

/// What a parameter or a result column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A personal identification number.
    Fin,
    /// A taxpayer number, ten digits.
    Voen,
    /// The number of a paper: identity card, certificate, diploma. ASCII letters, digits and `-/. `.
    Document,
    /// Any text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number, carried as text so that no digit is lost.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// An instant, RFC 3339; written in UTC.
    Datetime,
}

/// A value on its way to or from the database.
///
/// `Debug` shows the kind only: values are personal data.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Text, and every kind that is carried as text, in its canonical form.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
}

/// What of a text is wrong for its kind. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Not a FIN.
    Fin(fin::Error),
    /// Not a VÖEN.
    Voen,
    /// Not the number of a document.
    Document,
    /// JSON other than a string.
    NotText,
    /// Text that is longer than allowed.
    TooLong,
    /// Text with control characters.
    ControlCharacter,
    /// Not a whole number.
    Integer,
    /// Not a decimal number.
    Decimal,
    /// Neither `true` nor `false`.
    Boolean,
    /// Not a day.
    Date,
    /// Not an instant.
    Datetime,
}

impl Kind {
    /// Reads a value of this kind from text.
    ///
    /// # Errors
    /// When the text is not of this kind.
    pub fn parse(self, text: &str, alphabet: &Alphabet) -> Result<Value, Mismatch> {
        match self {
            Self::Fin => Fin::parse(text, alphabet)
                .map(|fin| Value::Text(fin.as_str().to_owned()))
                .map_err(Mismatch::Fin),
            Self::Voen => voen(text),
            Self::Document => document(text),
            Self::Text => free_text(text),
            Self::Integer => integer(text),
            Self::Decimal => decimal(text),
            Self::Boolean => match text {
                "true" | "1" => Ok(Value::Boolean(true)),
                "false" | "0" => Ok(Value::Boolean(false)),
                _ => Err(Mismatch::Boolean),
            },
            Self::Date => date(text),
            Self::Datetime => text
                .parse::<jiff::Timestamp>()
                .map(|instant| Value::Text(instant.to_string()))
                .map_err(|_| Mismatch::Datetime),
        }
    }

    /// Takes text out of a database: kinds with a form on the wire must have it, keys and texts
    /// are given out as they are stored, because hiding a record for its spelling helps nobody.
    pub(crate) fn read_stored(self, text: &str) -> Option<Value> {
        match self {
            Self::Fin | Self::Voen | Self::Document | Self::Text => {
                Some(Value::Text(text.to_owned()))
            }
            Self::Integer => integer(text).ok(),
            Self::Decimal => decimal(text).ok(),
            Self::Boolean => match text {
                "true" | "t" | "1" => Some(Value::Boolean(true)),
                "false" | "f" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Self::Date => date(text).ok(),
            Self::Datetime => match text.split_once(' ') {
                // SQLite writes an instant in UTC as `2026-01-31 09:30:00`.
                Some((day, time)) => format!("{day}T{time}Z").parse::<jiff::Timestamp>(),
                None => text.parse(),
            }
            .map(|instant| Value::Text(instant.to_string()))
            .ok(),
        }
    }

    /// Whether white space around the value means nothing (all but free text).
    pub fn collapses_white_space(self) -> bool {
        self != Self::Text
    }

    /// The code of the fault for a value that is not of this kind.
    pub fn fault_code(self) -> &'static str {
        match self {
            Self::Fin => "Client.InvalidFin",
            Self::Voen => "Client.InvalidVoen",
            Self::Document => "Client.InvalidDocumentNumber",
            Self::Text
            | Self::Integer
            | Self::Decimal
            | Self::Boolean
            | Self::Date
            | Self::Datetime => "Client.InvalidParameter",
        }
    }
}

impl Value {
    /// As character data of a message; `None` for nothing.
    pub fn to_text(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.as_str().into()),
            Self::Integer(number) => Some(number.to_string().into()),
            Self::Boolean(yes) => Some(if *yes { "true" } else { "false" }.into()),
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Boolean(yes) => (*yes).into(),
        }
    }

    /// From the JSON of [`Self::to_json`]; `None` for a form that it never has.
    pub(crate) fn from_json(json: &serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::Null => Some(Self::Null),
            serde_json::Value::Bool(yes) => Some(Self::Boolean(*yes)),
            serde_json::Value::Number(number) => number.as_i64().map(Self::Integer),
            serde_json::Value::String(text) => Some(Self::Text(text.clone())),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        }
    }

    /// How many bytes it takes, for the limit on results.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Text(text) => text.len(),
            Self::Integer(_) => 20,
            Self::Boolean(_) => 5,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text(…)",
            Self::Integer(_) => "Integer(…)",
            Self::Boolean(_) => "Boolean(…)",
        })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fin(error) => error.fmt(f),
            Self::Voen => f.write_str("a VÖEN has 10 digits"),
            Self::Document => write!(
                f,
                "a document number has 1 to {DOCUMENT_LENGTH_MAX} ASCII letters, digits and `-/. `"
            ),
            Self::NotText => f.write_str("a text is expected"),
            Self::TooLong => write!(f, "a text has at most {TEXT_CHARACTERS_MAX} characters"),
            Self::ControlCharacter => f.write_str("a text has no control characters"),
            Self::Integer => f.write_str("a whole number of 64 bits is expected"),
            Self::Decimal => f.write_str("a decimal number such as -12.50 is expected"),
            Self::Boolean => f.write_str("true or false is expected"),
            Self::Date => f.write_str("a day such as 2026-01-31 is expected"),
            Self::Datetime => f.write_str("an instant such as 2026-01-31T09:30:00Z is expected"),
        }
    }
}

impl std::error::Error for Mismatch {}

fn voen(text: &str) -> Result<Value, Mismatch> {
    match fin::voen(text).ok_or(Mismatch::Voen)? {
        CheckDigit::Matches => {}
        CheckDigit::Differs => {
            tracing::warn!("a VÖEN was taken although its check digit differs from the rule");
        }
    }
    Ok(Value::Text(text.to_owned()))
}

fn document(text: &str) -> Result<Value, Mismatch> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/' | b'.' | b' ');
    match !text.is_empty() && text.len() <= DOCUMENT_LENGTH_MAX && text.bytes().all(fits) {
        true => Ok(Value::Text(text.to_ascii_uppercase())),
        false => Err(Mismatch::Document),
    }
}

fn free_text(text: &str) -> Result<Value, Mismatch> {
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(Mismatch::TooLong);
    }
    match text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        true => Err(Mismatch::ControlCharacter),
        false => Ok(Value::Text(text.to_owned())),
    }
}

fn integer(text: &str) -> Result<Value, Mismatch> {
    text.parse()
        .map(Value::Integer)
        .map_err(|_| Mismatch::Integer)
}

fn decimal(text: &str) -> Result<Value, Mismatch> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match numeric(whole) && numeric(fraction) && text.len() <= DECIMAL_LENGTH_MAX {
        true => Ok(Value::Text(text.to_owned())),
        false => Err(Mismatch::Decimal),
    }
}

fn date(text: &str) -> Result<Value, Mismatch> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    match shaped && text.parse::<jiff::civil::Date>().is_ok() {
        true => Ok(Value::Text(text.to_owned())),
        false => Err(Mismatch::Date),
    }
}

/// Longest number of a document, in characters.
pub(crate) const DOCUMENT_LENGTH_MAX: usize = 32;
/// Longest free text, in characters.
pub(crate) const TEXT_CHARACTERS_MAX: usize = 4000;
const DECIMAL_LENGTH_MAX: usize = 40;

#[cfg(test)]
mod tests;
