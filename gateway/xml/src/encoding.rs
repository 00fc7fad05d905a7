//! From bytes to text: the encodings we read, and what a document may be made of.

use std::borrow::Cow;

use crate::Error;
use crate::name::{is_char, is_space};

/// The encodings that messages in the field declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
}

impl Encoding {
    /// By a name as in an XML declaration or a `charset` parameter; case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        const NAMES: [(&str, Encoding); 8] = [
            ("UTF-8", Encoding::Utf8),
            ("UTF8", Encoding::Utf8),
            ("US-ASCII", Encoding::Ascii),
            ("ASCII", Encoding::Ascii),
            ("ISO-8859-1", Encoding::Latin1),
            ("ISO8859-1", Encoding::Latin1),
            ("ISO_8859-1", Encoding::Latin1),
            ("LATIN1", Encoding::Latin1),
        ];
        NAMES
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, e)| e)
    }
}

/// The text of a document, decoded, and the way back to its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text without a byte order mark; owned only when it had to be transcoded.
    pub text: Cow<'a, str>,
    /// Its encoding.
    pub encoding: Encoding,
    /// Bytes of the byte order mark: 3 or 0.
    pub mark_bytes: usize,
}

impl Decoded<'_> {
    /// The offset in the original bytes for an offset in the text.
    pub fn source_offset(&self, text_offset: usize) -> usize {
        match self.encoding {
            Encoding::Utf8 | Encoding::Ascii => text_offset.saturating_add(self.mark_bytes),
            // One byte a character, so the offset is the number of characters before it.
            Encoding::Latin1 => self
                .text
                .bytes()
                .take(text_offset)
                .filter(|byte| !is_continuation(*byte))
                .count(),
        }
    }
}

/// Decodes a document by its byte order mark and its XML declaration.
///
/// # Errors
///
/// When the encoding is none of [`Encoding`], or the bytes do not fit it.
pub fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Error> {
    if bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xFF, 0xFE]) {
        return Err(Error::UnsupportedEncoding {
            name: "UTF-16".to_owned(),
        });
    }
    // UTF-16 and UTF-32 without a mark begin with a zero byte beside `<`.
    if matches!(bytes, [0, ..] | [_, 0, ..]) {
        return Err(Error::UnsupportedEncoding {
            name: "UTF-16 or UTF-32".to_owned(),
        });
    }
    let (content, marked) = match bytes.strip_prefix(MARK) {
        Some(content) => (content, true),
        None => (bytes, false),
    };
    let declared = match declared_encoding(content) {
        None => Encoding::Utf8,
        Some(name) => Encoding::from_name(name).ok_or_else(|| Error::UnsupportedEncoding {
            name: name.chars().take(40).collect(),
        })?,
    };
    if marked && declared != Encoding::Utf8 {
        return Err(Error::NotWellFormed {
            reason: "the byte order mark contradicts the declared encoding",
            offset: 0,
        });
    }
    decode_as(bytes, declared)
}

/// Decodes a document in an encoding known from elsewhere, such as its media type; what its XML
/// declaration says is not looked at.
///
/// # Errors
///
/// When the bytes do not fit the encoding.
pub fn decode_as(bytes: &[u8], encoding: Encoding) -> Result<Decoded<'_>, Error> {
    match encoding {
        Encoding::Latin1 => {
            let text = match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
            };
            Ok(Decoded {
                text,
                encoding,
                mark_bytes: 0,
            })
        }
        Encoding::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
            Some(offset) => Err(Error::InvalidEncoding { offset }),
            None => utf8(bytes, encoding),
        },
        Encoding::Utf8 => utf8(bytes, encoding),
    }
}

fn utf8(bytes: &[u8], encoding: Encoding) -> Result<Decoded<'_>, Error> {
    let content = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let mark_bytes = bytes.len().saturating_sub(content.len());
    match std::str::from_utf8(content) {
        Ok(text) => Ok(Decoded {
            text: Cow::Borrowed(text),
            encoding,
            mark_bytes,
        }),
        Err(error) => Err(Error::InvalidEncoding {
            offset: error.valid_up_to().saturating_add(mark_bytes),
        }),
    }
}

/// The first character that XML does not allow, if any.
pub(crate) fn find_invalid_character(text: &str) -> Option<usize> {
    // Almost always there is none: look at the bytes without stopping, in a form that the compiler
    // turns into vector code, and only then for the place.
    let suspicious = text.bytes().fold(false, |found, byte| {
        found
            | ((byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r'))
            | (byte == 0xEF)
    });
    if !suspicious {
        return None;
    }
    text.char_indices()
        .find(|(_, c)| !is_char(*c))
        .map(|(offset, _)| offset)
}

/// The value of `encoding` in an XML declaration. Its syntax is checked later, by the reader.
fn declared_encoding(content: &[u8]) -> Option<&str> {
    let rest = content.strip_prefix(b"<?xml")?;
    if !rest.first().copied().is_some_and(is_space) {
        return None;
    }
    let end = rest.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(rest.get(..end)?).ok()?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(name, _)| name)
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

const MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
