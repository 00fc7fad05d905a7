//! The text form both kinds of message share.

use bytes::Bytes;

use super::Error;
use crate::header;

/// Headers in order: name as written, value verbatim.
pub(super) type Headers = Vec<(String, String)>;

/// A block taken apart.
pub(super) struct Lines<'b> {
    pub(super) first: &'b str,
    pub(super) second: &'b str,
    pub(super) headers: Headers,
}

/// Takes a block apart by the strict rule: UTF-8, every line ends with CR LF, every header has a
/// colon and a name, none is one that never enters a message.
pub(super) fn parse(block: &[u8]) -> Result<Lines<'_>, Error> {
    let text = std::str::from_utf8(block).map_err(|_| Error::NotUtf8)?;
    let mut rest = text;
    let first = line(&mut rest)?;
    let second = line(&mut rest)?;
    let mut headers = Headers::with_capacity(16);
    while !rest.is_empty() {
        let (name, value) = line(&mut rest)?.split_once(':').ok_or(Error::HeaderLine)?;
        if !is_name(name) || !is_value(value) {
            return Err(Error::HeaderLine);
        }
        if let Some(name) = skipped(name) {
            return Err(Error::SkippedHeader { name });
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(Lines {
        first,
        second,
        headers,
    })
}

/// Writes one header line and keeps the header.
pub(super) fn push_header(block: &mut String, headers: &mut Headers, name: &str, value: String) {
    block.push_str(name);
    block.push(':');
    block.push_str(&value);
    block.push_str("\r\n");
    headers.push((name.to_owned(), value));
}

/// A block with the X-Road headers only.
pub(super) fn reduced(first: &str, second: &str, headers: &Headers) -> Bytes {
    let mut text = [first, "\r\n", second, "\r\n"].concat();
    for (name, value) in headers {
        let start = name.get(..XROAD.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(XROAD)) {
            for piece in [name, ":", value, "\r\n"] {
                text.push_str(piece);
            }
        }
    }
    text.into()
}

/// A header value from HTTP: UTF-8 where it is, else byte by byte as ISO-8859-1.
pub(super) fn value_text(name: &str, value: &[u8]) -> Result<String, Error> {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    };
    match is_name(name) && is_value(&text) {
        true => Ok(text),
        false => Err(Error::HeaderLine),
    }
}

/// The last value under `name`: when a header is repeated, the last one counts.
pub(super) fn last<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    let found = headers
        .iter()
        .rev()
        .find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The last value under `name`, which must not be empty.
pub(super) fn required<'h>(headers: &'h Headers, name: &'static str) -> Result<&'h str, Error> {
    last(headers, name)
        .filter(|value| !value.is_empty())
        .ok_or(Error::MissingHeader { name })
}

/// The name of the header that never enters a message, when this is one.
fn skipped(name: &str) -> Option<&'static str> {
    header::SKIPPED
        .iter()
        .find(|skipped| name.eq_ignore_ascii_case(skipped))
        .copied()
}

/// Takes one line off the front.
fn line<'t>(rest: &mut &'t str) -> Result<&'t str, Error> {
    let end = memchr::memchr2(b'\r', b'\n', rest.as_bytes()).ok_or(Error::LineEnd)?;
    let (line, after) = rest.split_at_checked(end).ok_or(Error::LineEnd)?;
    *rest = after.strip_prefix("\r\n").ok_or(Error::LineEnd)?;
    Ok(line)
}

/// Any visible ASCII but the colon: laxer than HTTP, as header names of services are.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, b'!'..=b'~') && byte != b':')
}

fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7F)
}

/// What the names of X-Road's headers begin with.
const XROAD: &str = "x-road-";
