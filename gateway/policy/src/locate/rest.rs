//! Finding keys in path, query and headers.

use super::place::{Pattern, Segment};
use super::{Unreadable, Value};
use crate::path::ServicePath;

/// Keys in a path that fits the pattern; empty segments, one at the end too, do not count.
pub(super) fn in_path(pattern: &Pattern, path: &ServicePath) -> Vec<Value> {
    let mut given = path
        .as_str()
        .split('/')
        .filter(|segment| !segment.is_empty());
    let mut found = Vec::new();
    for segment in &pattern.segments {
        match (segment, given.next()) {
            (_, None) => return Vec::new(),
            (Segment::Literal(own), Some(given)) if own != given => return Vec::new(),
            (Segment::Literal(_) | Segment::One, Some(_)) => {}
            (Segment::Key, Some(given)) => found.push(Value::of(given.to_owned())),
        }
    }
    match pattern.open || given.next().is_none() {
        true => found,
        false => Vec::new(),
    }
}

/// All values of a query parameter, decoded as forms are (URL standard, section 5.1).
pub(super) fn in_query(name: &str, query: Option<&str>) -> Result<Vec<Value>, Unreadable> {
    let folded = fold(name);
    let mut found = Vec::new();
    for pair in query.unwrap_or_default().split('&') {
        let (given, value) = pair.split_once('=').unwrap_or((pair, ""));
        let given = decode(given).ok_or(Unreadable)?;
        if given == name {
            found.push(Value::of(decode(value).ok_or(Unreadable)?));
        } else if fold(&given) == folded {
            return Err(Unreadable);
        }
        // Some services still separate by semicolons too.
        for hidden in pair.split(';').skip(1) {
            let (given, _) = hidden.split_once('=').unwrap_or((hidden, ""));
            if decode(given).is_none_or(|given| fold(&given) == folded) {
                return Err(Unreadable);
            }
        }
    }
    Ok(found)
}

/// All values of a header.
pub(super) fn in_headers(name: &str, headers: &[(String, String)]) -> Vec<Value> {
    headers
        .iter()
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| Value::of(value.clone()))
        .collect()
}

/// What readers that do not care for case may take for the same.
pub(super) fn fold(text: &str) -> String {
    let upper = text.chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}

/// One layer of percent-encoding, `+` a space; `None` when it is broken or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => (digit(rest.next()?)? << 4) | digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}
