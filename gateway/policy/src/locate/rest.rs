//! Finding keys in path, query and headers.

use gateway_proto::header;
use gateway_proto::mime::MediaType;

use super::place::{Pattern, Segment};
use super::{Unreadable, Value};
use crate::path::ServicePath;

/// Whether a path as sent has the segments of its resolved form. A service that decodes it once and
/// resolves nothing would find another segment in the place of the key in `/persons/A/../B`, or in
/// `/x%2FB/A` with the key in second place.
pub(super) fn is_resolved(sent: &str, path: &ServicePath) -> bool {
    let mut sent = segments(sent);
    let mut resolved = segments(path.as_str());
    loop {
        match (sent.next(), resolved.next()) {
            (None, None) => return true,
            (Some(sent), Some(resolved)) if decode(sent, b'+').as_deref() == Some(resolved) => {}
            _ => return false,
        }
    }
}

/// Keys in a path that fits the pattern; empty segments, one at the end too, do not count.
pub(super) fn in_path(pattern: &Pattern, path: &ServicePath) -> Result<Vec<Value>, Unreadable> {
    let mut given = segments(path.as_str());
    let mut found = Vec::new();
    let mut is_exact = true;
    for segment in &pattern.segments {
        match (segment, given.next()) {
            (_, None) => return Ok(Vec::new()),
            (Segment::Literal(own), Some(given)) if own != given => {
                if !is_like(own, given) {
                    return Ok(Vec::new());
                }
                is_exact = false;
            }
            (Segment::Literal(_) | Segment::One, Some(_)) => {}
            (Segment::Key, Some(given)) => found.push(Value::of(given.to_owned())),
        }
    }
    match (pattern.open || given.next().is_none(), is_exact) {
        (true, true) => Ok(found),
        (true, false) => Err(Unreadable),
        (false, _) => Ok(Vec::new()),
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// All values of a query parameter, decoded as forms are (URL standard, section 5.1).
pub(super) fn in_query(name: &str, query: Option<&str>) -> Result<Vec<Value>, Unreadable> {
    let alike = like(name);
    let mut found = Vec::new();
    for pair in query.unwrap_or_default().split('&') {
        let (given, value) = pair.split_once('=').unwrap_or((pair, ""));
        let given = decode(given, b' ').ok_or(Unreadable)?;
        if given == name {
            found.push(Value::of(decode(value, b' ').ok_or(Unreadable)?));
        } else if like(&given) == alike {
            return Err(Unreadable);
        }
        // Some services still separate by semicolons too.
        for hidden in pair.split(';').skip(1) {
            let (given, _) = hidden.split_once('=').unwrap_or((hidden, ""));
            if decode(given, b' ').is_none_or(|given| like(&given) == alike) {
                return Err(Unreadable);
            }
        }
    }
    Ok(found)
}

/// What services may take a parameter for: `fin[]`, `fin[0]` and ` fin` are `fin` to some, `a.b` is
/// `a_b`.
fn like(name: &str) -> String {
    let end = name.find(['[', '\0']).unwrap_or(name.len());
    let name = name.get(..end).unwrap_or_default().trim();
    fold(&name.replace(['.', ' '], "_"))
}

/// All values of a header.
pub(super) fn in_headers(
    name: &str,
    headers: &[(String, String)],
) -> Result<Vec<Value>, Unreadable> {
    let mut found = Vec::new();
    for (given, value) in headers {
        if given.eq_ignore_ascii_case(name) {
            found.push(Value::of(value.clone()));
        } else if header::is_alike(given, name) {
            return Err(Unreadable);
        }
    }
    Ok(found)
}

/// Whether a body with these headers may be read as JSON in UTF-8, and as nothing else: a service that
/// takes forms too could find another person in the same octets.
pub(super) fn may_be_json(headers: &[(String, String)]) -> bool {
    headers
        .iter()
        .filter(|(name, _)| header::is_alike(name, CONTENT_TYPE))
        .all(|(_, value)| MediaType::parse(value).is_some_and(|given| is_json(&given)))
}

fn is_json(given: &MediaType) -> bool {
    let is_utf8 = |charset: &str| {
        ["utf-8", "utf8", "us-ascii"]
            .into_iter()
            .any(|known| known.eq_ignore_ascii_case(charset))
    };
    let mut charsets = given
        .parameters
        .iter()
        .filter(|(name, _)| name == "charset");
    // The last two say nothing of the form.
    let of_type = [
        "application/json",
        "text/json",
        "text/plain",
        "application/octet-stream",
    ];
    (of_type.contains(&given.base.as_str()) || given.base.ends_with("+json"))
        && charsets.all(|(_, charset)| is_utf8(charset))
}

/// What readers that do not care for case may take for the same.
pub(super) fn fold(text: &str) -> String {
    folded(text).collect()
}

/// Whether such readers may take these for the same. Most names differ in their first letter, so a
/// body of nothing but names takes no longer than others.
pub(super) fn is_like(one: &str, other: &str) -> bool {
    folded(one).eq(folded(other))
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    let upper = text.chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase)
}

/// One layer of percent-encoding; `None` when it is broken or not UTF-8.
fn decode(text: &str, plus: u8) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => plus,
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

const CONTENT_TYPE: &str = "content-type";
