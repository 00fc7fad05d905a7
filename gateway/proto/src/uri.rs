//! URI references as deployed servers check them (RFC 2396 with the characters of RFC 2732).

/// Whether `path` may stand as the path of a request target: begins with one slash, holds only
/// path characters and whole escapes.
pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && holds_only(path, is_path_char)
}

/// Whether `query` may stand after the question mark, without it.
pub(crate) fn is_query(query: &str) -> bool {
    holds_only(query, is_uri_char)
}

/// Whether `text` is a URI reference.
pub(crate) fn is_reference(text: &str) -> bool {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if !holds_only(fragment, is_uri_char) {
        return false;
    }
    let hierarchical = match text.find([':', '/', '?']) {
        Some(at) if text.get(at..).is_some_and(|rest| rest.starts_with(':')) => {
            let (scheme, rest) = text.split_at_checked(at).unwrap_or(("", ""));
            let rest = rest.strip_prefix(':').unwrap_or_default();
            if !is_scheme(scheme) || rest.is_empty() {
                return false;
            }
            if !rest.starts_with('/') {
                return holds_only(rest, is_uri_char);
            }
            rest
        }
        _ => text,
    };
    let (path, query) = hierarchical.split_once('?').unwrap_or((hierarchical, ""));
    match path.strip_prefix("//") {
        // An authority may hold the brackets of an address.
        Some(rest) => !rest.is_empty() && holds_only(rest, is_uri_char) && is_query(query),
        None => holds_only(path, is_path_char) && is_query(query),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether `text` holds only allowed characters, whole escapes and visible non-ASCII characters.
fn holds_only(text: &str, allowed: fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    let mut is_ascii = true;
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                digit() && digit()
            }
            0x80.. => {
                is_ascii = false;
                true
            }
            byte => allowed(byte),
        };
        if !fits {
            return false;
        }
    }
    is_ascii || !text.contains(|letter: char| letter.is_control() || letter.is_whitespace())
}

/// `pchar`, `;` and `/`.
const fn is_path_char(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\''
            | b'(' | b')' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'/'
    )
}

/// Unreserved and reserved characters.
const fn is_uri_char(byte: u8) -> bool {
    is_path_char(byte) || matches!(byte, b'?' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(is_reference(text), expected, "{text}");
    }

    #[test]
    fn knows_uri_references() {
        for text in [
            "",
            "GetPersonByFin",
            "urn:foo",
            "urn:foo#bar",
            "http://a/b?c=d",
            "//host/x",
            "../a;b",
            "?q",
            "#f",
            "a%20b",
            "http://[::1]/",
            "ə",
            "a/b:c",
        ] {
            check(text, true);
        }
        for text in [
            "urn:", ":x", "1a:b", "a b", "a%2", "a%zz", "a\\b", "a#b#c", "{}", "a\u{1}", "a[b]",
            "//",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn paths_are_absolute_and_have_no_authority() {
        assert!(is_path("/r1/AZ/GOV/1/s/x%2F;v=1"));
        for text in [
            "",
            "r1",
            "//host/x",
            "http://host/x",
            "/a b",
            "/a?b",
            "/a#b",
            "/a[b]",
            "/%",
        ] {
            assert!(!is_path(text), "{text}");
        }
    }
}
