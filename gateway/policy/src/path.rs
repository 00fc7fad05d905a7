//! The form of a REST path that access rights are matched against.

use std::fmt;

/// A service path made comparable: percent-decoded, dot segments removed, empty segments collapsed.
///
/// The bytes that go to the service are the original ones; this form only decides. Where the
/// reference decodes twice and drops what follows an encoded `?` or `#`, we decode until nothing
/// changes and keep everything, so that no encoding of a path can pass for another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePath(String);

/// Why a path cannot be judged. The request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A `%` that two hexadecimal digits do not follow.
    BrokenEscape,
    /// The decoded octets are not UTF-8.
    NotUtf8,
    /// A `..` remains: the path climbs above the service, or hides it in a name.
    Climbs,
    /// A control character or a backslash, which services disagree about.
    Forbidden,
    /// Still changing after as many rounds of decoding as we make.
    TooDeep,
}

impl ServicePath {
    /// The comparable form of what follows the service code in a REST URL; `""` when nothing does.
    ///
    /// # Errors
    /// Says why the path cannot be judged.
    pub fn normalize(raw: &str) -> Result<Self, Error> {
        let mut decoded = raw.to_owned();
        let mut rounds = 0_u8;
        while decoded.contains('%') {
            if rounds == DECODE_ROUNDS_MAX {
                return Err(Error::TooDeep);
            }
            let next = match decode(&decoded) {
                Ok(next) => next,
                // After the first round a lone `%` is data, not an escape.
                Err(Error::BrokenEscape) if rounds > 0 => break,
                Err(error) => return Err(error),
            };
            if next == decoded {
                break;
            }
            decoded = next;
            rounds = rounds.saturating_add(1);
        }
        if decoded.chars().any(|c| c.is_control() || c == '\\') {
            return Err(Error::Forbidden);
        }
        resolve(&decoded).map(Self)
    }

    /// The comparable text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenEscape => "the path holds a % that two hexadecimal digits do not follow",
            Self::NotUtf8 => "the decoded path is not UTF-8",
            Self::Climbs => "the path holds a .. that cannot be resolved",
            Self::Forbidden => "the path holds a control character or a backslash",
            Self::TooDeep => "the path is percent-encoded too many times over",
        })
    }
}

impl std::error::Error for Error {}

fn decode(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = rest.next().and_then(hex_digit).ok_or(Error::BrokenEscape)?;
        let low = rest.next().and_then(hex_digit).ok_or(Error::BrokenEscape)?;
        bytes.push((high << 4) | low);
    }
    String::from_utf8(bytes).map_err(|_| Error::NotUtf8)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Removes `.` and `..` segments and empty ones, keeping a leading and a trailing slash.
fn resolve(path: &str) -> Result<String, Error> {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    let mut trailing = false;
    while let Some(segment) = segments.next() {
        trailing = segments.peek().is_none() && matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop().ok_or(Error::Climbs)?;
            }
            // A `..` inside a name is refused as the reference does: some services split on it.
            name if name.contains("..") => return Err(Error::Climbs),
            name => kept.push(name),
        }
    }
    let mut resolved = String::with_capacity(path.len());
    if path.starts_with('/') {
        resolved.push('/');
    }
    resolved.push_str(&kept.join("/"));
    if trailing && !kept.is_empty() {
        resolved.push('/');
    }
    Ok(resolved)
}

/// How often a path may be encoded over: one honest layer, one for double encoding, and room to see more.
const DECODE_ROUNDS_MAX: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<&str, Error>) {
        let got = ServicePath::normalize(raw);
        assert_eq!(
            got.as_ref().map(ServicePath::as_str),
            expected.as_ref().map(|s| *s),
            "{raw}"
        );
    }

    #[test]
    fn resolves_what_a_service_would_resolve() {
        check("", Ok(""));
        check("/", Ok("/"));
        check("/pets/", Ok("/pets/"));
        check("/a/./b", Ok("/a/b"));
        check("/a/x/../b", Ok("/a/b"));
        check("/x//y", Ok("/x/y"));
        check("//host/x", Ok("/host/x"));
        check("/a%2Fb", Ok("/a/b"));
        check("/a%252Fb", Ok("/a/b"));
        check("/a%2Db", Ok("/a-b"));
        check("/%C3%A4", Ok("/ä"));
        check("/a%20b", Ok("/a b"));
        check("/100%25", Ok("/100%"));
        check("/a%3Fb", Ok("/a?b"));
    }

    #[test]
    fn refuses_a_path_that_climbs() {
        check("/a/b/../../../c", Err(Error::Climbs));
        check("/%2e%2e/secret", Err(Error::Climbs));
        check("/a%252f..%252f..%252fb", Err(Error::Climbs));
        check("/a..b", Err(Error::Climbs));
    }

    #[test]
    fn refuses_a_path_that_cannot_be_read() {
        check("/a%zz", Err(Error::BrokenEscape));
        check("/a%2", Err(Error::BrokenEscape));
        check("/%ff", Err(Error::NotUtf8));
        check("/a%00b", Err(Error::Forbidden));
        check("/a%5cb", Err(Error::Forbidden));
        check("/%252525252561", Err(Error::TooDeep));
    }
}
