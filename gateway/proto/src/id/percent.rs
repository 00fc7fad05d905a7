//! Percent-encoding of one identifier component in REST URLs and headers.
//!
//! PR-REST 4.2: each component is encoded by itself as UTF-8 and components are joined with `/`.
//! The literal characters are those a path segment may carry (RFC 3986, `pchar`); `+` is a plus.

use std::borrow::Cow;
use std::fmt::Write;

use super::Error;

/// Decodes one component by the strict rule: literal `pchar` characters and `%` with two
/// hexadecimal digits, nothing else. Malformed UTF-8 becomes U+FFFD.
pub(crate) fn decode(component: &str) -> Result<Cow<'_, str>, Error> {
    if component.bytes().all(is_literal) {
        return Ok(Cow::Borrowed(component));
    }
    let mut bytes = Vec::with_capacity(component.len());
    let mut rest = component.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = rest.next().and_then(hex_value).ok_or(Error::BadEscape)?;
                let low = rest.next().and_then(hex_value).ok_or(Error::BadEscape)?;
                bytes.push(high << 4 | low);
            }
            literal if is_literal(literal) => bytes.push(literal),
            found => return Err(Error::BadCharacter { found }),
        }
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Appends one component, everything but the literal characters as upper-case `%XX`.
pub(super) fn encode(component: &str, out: &mut impl Write) -> std::fmt::Result {
    for byte in component.bytes() {
        if is_literal(byte) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// The characters that stand for themselves: `A-Z a-z 0-9 - . _ ~ ! $ & ' ( ) * + , ; = : @`.
const fn is_literal(byte: u8) -> bool {
    matches!(
        byte,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'
            | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
    )
}

const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}
