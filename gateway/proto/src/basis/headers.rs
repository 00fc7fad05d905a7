//! The REST headers: values are percent-encoded UTF-8 (RFC 3986, 2.1).

use std::fmt::Write as _;

use super::field::Field;
use super::{Basis, Error};

/// Reads the headers of a request block.
///
/// # Errors
/// When a header stands twice, or is not of its form.
pub(crate) fn read(headers: &[(String, String)]) -> Result<Basis, Error> {
    let mut basis = Basis::default();
    for (name, value) in headers {
        let field = Field::ALL
            .into_iter()
            .find(|field| name.eq_ignore_ascii_case(field.header()));
        if let Some(field) = field {
            let malformed = Error::Malformed {
                field: field.name(),
            };
            let text = decode(value).ok_or(malformed)?;
            field.put(&mut basis, &text)?;
        }
    }
    Ok(basis)
}

/// Writes what there is to say.
pub(super) fn write(basis: &Basis) -> Vec<(&'static str, String)> {
    let said = |field: Field| Some((field.header(), encode(field.of(basis)?)));
    Field::ALL.into_iter().filter_map(said).collect()
}

/// What is not ASCII must be escaped: how a bare octet is to be read, HTTP does not say.
fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                bytes.push(u8::try_from(high << 4 | low).ok()?);
            }
            byte if byte.is_ascii() => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}
