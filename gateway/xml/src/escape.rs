//! Escaping for output, and the references and line ends of input.

use std::borrow::Cow;

use crate::Error;
use crate::name::is_char;

/// Escapes character data (`& < >` and CR) for element content.
///
/// The result is also the canonical form of that text (Canonical XML 1.0, section 2.3).
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape(text, text_replacement)
}

/// Escapes for a double-quoted attribute value (`& < "`, tab, LF and CR).
///
/// The result is also the canonical form of that value (Canonical XML 1.0, section 2.3).
pub fn escape_attribute(text: &str) -> Cow<'_, str> {
    escape(text, attribute_replacement)
}

/// Appends the escaped form of character data.
pub(crate) fn push_text(output: &mut Vec<u8>, text: &str) {
    push(output, text, text_replacement);
}

/// Appends the escaped form of an attribute value.
pub(crate) fn push_attribute(output: &mut Vec<u8>, text: &str) {
    push(output, text, attribute_replacement);
}

/// Appends with CR as a reference only: the canonical form of instruction data.
pub(crate) fn push_instruction(output: &mut Vec<u8>, text: &str) {
    push(output, text, |byte| (byte == b'\r').then_some("&#xD;"));
}

const fn text_replacement(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    }
}

const fn attribute_replacement(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#x9;"),
        b'\n' => Some("&#xA;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    }
}

fn escape(text: &str, replacement: impl Fn(u8) -> Option<&'static str>) -> Cow<'_, str> {
    if !text.bytes().any(|byte| replacement(byte).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut output = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars() {
        match u8::try_from(c).ok().and_then(&replacement) {
            Some(reference) => output.push_str(reference),
            None => output.push(c),
        }
    }
    Cow::Owned(output)
}

fn push(output: &mut Vec<u8>, text: &str, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| replacement(*byte).is_some()) {
        let (plain, from) = rest.split_at(at);
        output.extend_from_slice(plain);
        let Some((byte, after)) = from.split_first() else {
            break;
        };
        output.extend_from_slice(replacement(*byte).unwrap_or_default().as_bytes());
        rest = after;
    }
    output.extend_from_slice(rest);
}

/// Line ends as one LF each (XML 1.0, section 2.11).
pub(crate) fn normalize_lines(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// An attribute value as written between its quotes, normalised as of type CDATA (XML 1.0, section
/// 3.3.3): white space becomes spaces, references are resolved and what they give is kept.
pub(crate) fn attribute_value(raw: &str, offset: usize) -> Result<Cow<'_, str>, Error> {
    if !raw
        .bytes()
        .any(|byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r'))
    {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (plain, from) = rest.split_at(at);
        value.push_str(plain);
        rest = match from.strip_prefix('&') {
            Some(after) => {
                let (name, after) = after.split_once(';').ok_or(Error::NotWellFormed {
                    reason: "a reference without an end",
                    offset,
                })?;
                value.push(reference(name, offset)?);
                after
            }
            None => {
                value.push(' ');
                from.strip_prefix("\r\n")
                    .or_else(|| from.get(1..))
                    .unwrap_or_default()
            }
        };
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

/// What stands for `&name;`: one of the five predefined entities or a character reference.
pub(crate) fn reference(name: &str, offset: usize) -> Result<char, Error> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => Err(Error::UnknownEntity { offset }),
        };
    };
    // A sign would be accepted by the number parsers.
    let code = match number.strip_prefix('x') {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse(),
        _ => return Err(Error::InvalidReference { offset }),
    };
    code.ok()
        .and_then(char::from_u32)
        .filter(|c| is_char(*c))
        .ok_or(Error::InvalidReference { offset })
}

#[cfg(test)]
mod tests;
