//! Names of containers and of what is downloaded.

use std::fmt;

/// Which half of an exchange a container holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The request.
    Request,
    /// The response.
    Response,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}

/// The name of a container: query id, direction and the ordinal of the record, which makes it
/// unique.
pub fn container(query_id: &str, direction: Direction, ordinal: u64) -> String {
    let mut name = escape(query_id);
    // All of one octet each. It may end within an escape, as it does elsewhere.
    name.truncate(QUERY_ID_BYTES_MAX);
    format!("{name}-{direction}-{}.asice", base32(ordinal))
}

/// The name of a download of several containers; of one direction, or of both.
pub fn download(query_id: &str, direction: Option<Direction>) -> String {
    let query_id = escape(query_id);
    match direction {
        Some(direction) => format!("{query_id}-{direction}.zip"),
        None => format!("{query_id}.zip"),
    }
}

/// The same for what is encrypted.
pub fn encrypted(name: &str) -> String {
    format!("{name}.gpg")
}

/// As HTML forms encode values: nothing of the result has a meaning in a file system or a header.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Digits `0` to `9`, then `a` to `v`, without leading zeros.
fn base32(number: u64) -> String {
    let mut digits = Vec::new();
    let mut rest = number;
    loop {
        let digit = u32::try_from(rest & 31).unwrap_or_default();
        digits.extend(char::from_digit(digit, 32));
        rest >>= 5;
        if rest == 0 {
            return digits.iter().rev().collect();
        }
    }
}

const QUERY_ID_BYTES_MAX: usize = 226;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query_id: &str, direction: Direction, ordinal: u64, expected: &str) {
        assert_eq!(container(query_id, direction, ordinal), expected);
    }

    #[test]
    fn names_containers_as_other_nodes_do() {
        check("a/b", Direction::Request, 22, "a%2Fb-request-m.asice");
        check("a b*c", Direction::Response, 0, "a+b*c-response-0.asice");
        check("õ~", Direction::Request, 32, "%C3%B5%7E-request-10.asice");
        check(
            "",
            Direction::Response,
            u64::MAX,
            "-response-fvvvvvvvvvvvv.asice",
        );
    }

    #[test]
    fn cuts_long_query_ids() {
        let name = container(&"/".repeat(300), Direction::Request, 1);
        assert_eq!(name.len(), 226 + "-request-1.asice".len());
        assert!(name.ends_with("%2F%-request-1.asice"));
    }

    #[test]
    fn names_downloads() {
        assert_eq!(download("a/b", None), "a%2Fb.zip");
        assert_eq!(download("a b", Some(Direction::Request)), "a+b-request.zip");
        assert_eq!(
            encrypted(&download("x", Some(Direction::Response))),
            "x-response.zip.gpg"
        );
        // Not cut.
        assert_eq!(download(&"x".repeat(300), None).len(), 304);
    }

    #[test]
    fn no_query_id_gives_a_name_that_means_something_else() {
        for query_id in ["../..", "a\\b", "a\"b", "a\r\nb", "\0", "c:"] {
            let name = container(query_id, Direction::Request, 1);
            let allowed = |c: char| c.is_ascii_alphanumeric() || "%.-_*+".contains(c);
            assert!(name.chars().all(allowed), "{name}");
        }
    }
}
