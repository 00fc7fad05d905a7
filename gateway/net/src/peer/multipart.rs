//! The multipart answer of an OCSP port, read leniently: these answers come from many releases.

use crate::OcspAnswer;

/// The bodies of the OCSP parts of a `multipart/related` answer, in order. Other parts, preamble
/// and epilogue are ignored; lines may end in LF alone and the final boundary may be missing.
pub(crate) fn ocsp_parts<'a>(
    content_type: &str,
    body: &'a [u8],
) -> Result<Vec<&'a [u8]>, OcspAnswer> {
    let boundary = boundary_of(content_type).ok_or(OcspAnswer::NotMultipart)?;
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body;
    // What stands before the first boundary is no part.
    let mut in_part = false;
    loop {
        let (part, after) = split_at_boundary(rest, delimiter.as_bytes());
        if in_part && let Some(content) = ocsp_content(part) {
            parts.push(content);
        }
        match after {
            Some(after) if !after.starts_with(b"--") => rest = after,
            Some(_) | None => return Ok(parts),
        }
        in_part = true;
    }
}

/// RFC 2046, 5.1.1: up to 70 characters.
fn boundary_of(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    let (main, _sub) = kind.trim().split_once('/')?;
    if !main.eq_ignore_ascii_case("multipart") {
        return None;
    }
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _value)| name.trim().eq_ignore_ascii_case("boundary"))
        .map(|(_name, value)| value.trim().trim_matches('"'))
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)
}

/// What stands before the next boundary line, without the line break that belongs to it, and what
/// follows the boundary.
fn split_at_boundary<'a>(bytes: &'a [u8], delimiter: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    let mut from = 0;
    while let Some(found) = find(bytes.get(from..).unwrap_or_default(), delimiter) {
        let at = from.saturating_add(found);
        let before = bytes.get(..at).unwrap_or_default();
        if before.is_empty() || before.ends_with(b"\n") {
            let part = before.strip_suffix(b"\n").unwrap_or(before);
            let part = part.strip_suffix(b"\r").unwrap_or(part);
            return (part, bytes.get(at.saturating_add(delimiter.len())..));
        }
        from = at.saturating_add(1);
    }
    (bytes, None)
}

/// The content of a part if its type is that of an OCSP response. The part begins with the rest
/// of its boundary line.
fn ocsp_content(part: &[u8]) -> Option<&[u8]> {
    let mut rest = part;
    let mut is_ocsp = false;
    let mut first = true;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = rest.get(..end)?.trim_ascii();
        rest = rest.get(end.saturating_add(1)..)?;
        if !std::mem::take(&mut first) {
            if line.is_empty() {
                return is_ocsp.then_some(rest);
            }
            is_ocsp |= is_ocsp_type(line);
        }
    }
}

fn is_ocsp_type(line: &[u8]) -> bool {
    let Some((name, value)) = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.split_once(':'))
    else {
        return false;
    };
    let kind = value.split(';').next().unwrap_or_default().trim();
    name.trim().eq_ignore_ascii_case("content-type")
        && kind.eq_ignore_ascii_case("application/ocsp-response")
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ocsp_parts;
    use crate::OcspAnswer;

    const TYPE: &str =
        r#"multipart/related; type="application/ocsp-response"; charset=UTF-8; boundary=jettyX"#;

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let expected: Vec<&[u8]> = expected.iter().map(|part| part.as_bytes()).collect();
        assert_eq!(ocsp_parts(TYPE, body.as_bytes()), Ok(expected), "{body:?}");
    }

    #[test]
    fn reads_the_parts_in_order() {
        check(
            "\r\n--jettyX\r\nContent-Type: application/ocsp-response\r\n\r\none\r\n--jettyX\r\n\
             content-type:application/OCSP-response; x=y\r\n\r\ntwo\r\n\r\n--jettyX--\r\nepilogue",
            &["one", "two\r\n"],
        );
    }

    #[test]
    fn bears_line_feeds_other_parts_and_a_missing_end() {
        check(
            "preamble\n--jettyX\nContent-Type: text/plain\n\nno\n--jettyX\n\
             X: y\nContent-Type: application/ocsp-response\n\nin--jettyX\nit",
            &["in--jettyX\nit"],
        );
        check("", &[]);
        check("--jettyX--", &[]);
        check("--jettyX\r\nContent-Type: application/ocsp-response", &[]);
    }

    #[test]
    fn refuses_what_is_no_multipart() {
        for kind in [
            "text/plain",
            "text/plain; boundary=x",
            "multipart/related",
            "multipart/x; boundary=\"\"",
        ] {
            assert_eq!(
                ocsp_parts(kind, b""),
                Err(OcspAnswer::NotMultipart),
                "{kind}"
            );
        }
        assert_eq!(
            ocsp_parts("Multipart/mixed; BOUNDARY=\"a b\"", b"--a b--"),
            Ok(vec![])
        );
    }

    proptest! {
        #[test]
        fn gives_back_what_was_written(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..5)) {
            let boundary = b"--0123456789abcdef0123456789abcdef";
            prop_assume!(!parts.iter().any(|part| part.windows(2).any(|window| window == b"--")));
            let mut body = Vec::new();
            for part in &parts {
                body.extend_from_slice(boundary);
                body.extend_from_slice(b"\r\nContent-Type: application/ocsp-response\r\n\r\n");
                body.extend_from_slice(part);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(boundary);
            body.extend_from_slice(b"--\r\n");
            let kind = "multipart/related; boundary=0123456789abcdef0123456789abcdef";
            let read = ocsp_parts(kind, &body).unwrap();
            prop_assert_eq!(read, parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        #[test]
        fn bears_any_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _parts = ocsp_parts(TYPE, &body);
        }
    }
}
