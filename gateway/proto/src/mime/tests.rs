use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::Limits;

/// One part: headers and whole body.
type Part = (Vec<(String, String)>, Vec<u8>);

/// Decodes with the given chunk sizes (cycled), joining data; the parts and the error if any.
fn decode(boundary: &str, input: &[u8], sizes: &[usize]) -> Result<Vec<Part>, Error> {
    let mut decoder = Decoder::new(boundary, &Limits::default())?;
    let mut rest = input;
    let mut sizes = sizes.iter().cycle();
    let mut parts: Vec<Part> = Vec::new();
    let mut open = false;
    loop {
        match decoder.next_event()? {
            Some(Event::PartStart(headers)) => {
                assert!(!open);
                open = true;
                parts.push((headers.0, Vec::new()));
            }
            Some(Event::Data(data)) => {
                assert!(open && !data.is_empty());
                parts.last_mut().unwrap().1.extend_from_slice(&data);
            }
            Some(Event::PartEnd) => {
                assert!(open);
                open = false;
            }
            Some(Event::End) => {
                assert!(!open && decoder.is_done());
                return Ok(parts);
            }
            None if rest.is_empty() => decoder.finish(),
            None => {
                let size = (*sizes.next().unwrap_or(&usize::MAX)).clamp(1, rest.len());
                decoder.push(Bytes::copy_from_slice(&rest[..size]));
                rest = &rest[size..];
            }
        }
    }
}

#[track_caller]
fn check(input: &str, expected: Result<&[(&str, &str)], Error>) {
    for size in [1, 2, 3, 7, 10_000] {
        let bodies = decode("bnd", input.as_bytes(), &[size]).map(|parts| {
            parts
                .into_iter()
                .map(|(headers, body)| {
                    let kind = Headers(headers).content_type().unwrap_or("-").to_owned();
                    (kind, String::from_utf8(body).unwrap())
                })
                .collect::<Vec<_>>()
        });
        let expected = expected.map(|parts| {
            parts
                .iter()
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect::<Vec<_>>()
        });
        assert_eq!(bodies, expected, "chunks of {size}");
    }
}

#[test]
fn reads_parts_with_either_line_end() {
    check(
        "--bnd\r\nContent-Type: a/b\r\n\r\none\r\n--bnd\r\n\r\ntwo\r\n--bnd--\r\n",
        Ok(&[("a/b", "one"), ("-", "two")]),
    );
    check(
        "--bnd\ncontent-type:a/b\n\none\n--bnd\n\ntwo\n--bnd--",
        Ok(&[("a/b", "one"), ("-", "two")]),
    );
}

#[test]
fn removes_exactly_one_line_break_before_a_boundary() {
    check("--bnd\r\n\r\none\r\n\r\n--bnd--", Ok(&[("-", "one\r\n")]));
    check("--bnd\r\n\r\none\n\n--bnd--", Ok(&[("-", "one\n")]));
    check("--bnd\r\n\r\none\r\r\n--bnd--", Ok(&[("-", "one\r")]));
    check("--bnd\r\n\r\n\r\n--bnd--", Ok(&[("-", "")]));
    check("--bnd\r\n\r\n\n\n--bnd--", Ok(&[("-", "\n")]));
}

#[test]
fn an_empty_body_needs_no_line_break_of_its_own() {
    check(
        "--bnd\r\n\r\n--bnd\r\n\r\nx\r\n--bnd--",
        Ok(&[("-", ""), ("-", "x")]),
    );
}

#[test]
fn ignores_preamble_and_epilogue() {
    check(
        "hello\r\n--bn\r\n--bnd\r\n\r\nx\r\n--bnd--\r\nbye\r\n--bnd\r\n\r\ny",
        Ok(&[("-", "x")]),
    );
    check("--bnd--\r\n", Ok(&[]));
    check("nothing here", Ok(&[]));
    check("", Ok(&[]));
}

#[test]
fn a_missing_last_boundary_ends_the_part() {
    check("--bnd\r\n\r\nx\r\n", Ok(&[("-", "x\r\n")]));
    check("--bnd\r\n\r\nx\r\n--bn", Ok(&[("-", "x\r\n--bn")]));
    check("--bnd\r\n\r\n", Ok(&[("-", "")]));
    check("--bnd\r\n\r\nx\r\n--bnd-", Ok(&[("-", "x\r\n--bnd-")]));
}

#[test]
fn text_that_only_begins_like_a_boundary_is_data() {
    check(
        "--bnd\r\n\r\n--bn\r\n--bndx\r\n --bnd\r\n--bnd--x\r\n--\r\n--bnd--",
        Ok(&[("-", "--bn\r\n--bndx\r\n --bnd\r\n--bnd--x\r\n--")]),
    );
    check(
        "--bnd\r\n\r\n--bndx\r\n--bnd-\r\n--bnd--",
        Ok(&[("-", "--bndx\r\n--bnd-")]),
    );
}

#[test]
fn blanks_may_follow_a_boundary() {
    check("--bnd \t\r\n\r\nx\r\n--bnd-- \r\n", Ok(&[("-", "x")]));
}

#[test]
fn unfolds_headers_and_removes_one_blank() {
    let input =
        b"--bnd\r\nX-One:  a\r\n\tb\r\nContent-Disposition:x; name=\"\xE4\"\r\n\r\n\r\n--bnd--";
    let parts = decode("bnd", input, &[4]).unwrap();
    let expected = [
        ("X-One", " a\tb"),
        ("Content-Disposition", "x; name=\"\u{E4}\""),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(parts[0].0, expected);
}

#[test]
fn refuses_bad_headers() {
    check("--bnd\r\nno colon\r\n\r\n", Err(Error::BadHeaderLine));
    check("--bnd\r\n: x\r\n\r\n", Err(Error::BadHeaderLine));
    check("--bnd\r\na b: x\r\n\r\n", Err(Error::BadHeaderLine));
    check("--bnd\r\n folded: x\r\n\r\n", Err(Error::BadHeaderLine));
    check("--bnd\r\na: x\rb: y\r\n\r\n", Err(Error::BadHeaderLine));
    check("--bnd\na: x\n b\0\n\n", Err(Error::BadHeaderLine));
    check(
        "--bnd\r\nContent-Type: a/b\r\ncontent-type: c/d\r\n\r\n",
        Err(Error::RepeatedContentType),
    );
    check(
        "--bnd\r\nContent-Type: a/b\r\n",
        Err(Error::TruncatedHeaders),
    );
    check("--bnd", Err(Error::TruncatedHeaders));
}

#[test]
fn bounds_lines_headers_and_parts() {
    let limits = Limits::default();
    let line_of = |bytes: usize| format!("--bnd\r\nA:{}\r\n\r\n\r\n--bnd--", "x".repeat(bytes - 2));
    assert!(decode("bnd", line_of(1000).as_bytes(), &[13]).is_ok());
    let bytes_max = limits.mime_header_line_bytes_max;
    check(&line_of(1001), Err(Error::LineTooLong { bytes_max }));
    check(
        &format!("--bnd\r\n{}", "x".repeat(5000)),
        Err(Error::LineTooLong { bytes_max }),
    );
    let many = format!(
        "--bnd\r\n{}\r\n",
        "A:b\r\n".repeat(limits.mime_headers_max + 1)
    );
    check(
        &many,
        Err(Error::TooManyHeaders {
            headers_max: limits.mime_headers_max,
        }),
    );
    let folded = format!(
        "--bnd\r\nA:b\r\n{}\r\n",
        " b\r\n".repeat(limits.mime_headers_max)
    );
    check(
        &folded,
        Err(Error::TooManyHeaders {
            headers_max: limits.mime_headers_max,
        }),
    );
    let parts = "--bnd\r\n\r\n\r\n".repeat(limits.mime_parts_max + 1);
    check(
        &parts,
        Err(Error::TooManyParts {
            parts_max: limits.mime_parts_max,
        }),
    );
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::new("bnd", &Limits::default()).unwrap();
    decoder.push(Bytes::from_static(b"--bnd\r\nbad\r\n\r\n--bnd--"));
    assert_eq!(decoder.next_event(), Err(Error::BadHeaderLine));
    decoder.push(Bytes::from_static(b"--bnd\r\n\r\n--bnd--"));
    assert_eq!(decoder.next_event(), Err(Error::BadHeaderLine));
}

#[test]
fn data_are_slices_of_the_chunks() {
    let chunk = Bytes::from(vec![b'x'; 1 << 16]);
    let mut decoder = Decoder::new("bnd", &Limits::default()).unwrap();
    decoder.push(Bytes::from_static(b"--bnd\r\n\r\n"));
    assert!(matches!(
        decoder.next_event(),
        Ok(Some(Event::PartStart(_)))
    ));
    decoder.push(chunk.clone());
    let Ok(Some(Event::Data(data))) = decoder.next_event() else {
        panic!("no data")
    };
    assert_eq!((data.as_ptr(), data.len()), (chunk.as_ptr(), chunk.len()));
}

#[test]
fn refuses_boundaries_that_cannot_be() {
    for boundary in ["", "a\nb", "ä", "a ", &"x".repeat(201)] {
        assert_eq!(
            Decoder::new(boundary, &Limits::default()).err(),
            Some(Error::BadBoundary)
        );
    }
}

#[track_caller]
fn check_type(value: &str, expected: Option<(&str, &[(&str, &str)])>) {
    let parsed = MediaType::parse(value);
    let parsed = parsed.as_ref().map(|media_type| {
        let parameters = media_type.parameters.iter();
        (
            media_type.base.as_str(),
            parameters.map(|(n, v)| (n.as_str(), v.as_str())).collect(),
        )
    });
    assert_eq!(
        parsed,
        expected.map(|(base, parameters)| (base, parameters.to_vec()))
    );
}

#[test]
fn reads_content_types_as_met_in_the_field() {
    check_type("text/xml", Some(("text/xml", &[])));
    check_type(
        " Text/XML ; Charset=\"utf-8\"",
        Some(("text/xml", &[("charset", "utf-8")])),
    );
    check_type(
        "multipart/related; boundary=\"----=_Part_1\"; type=\"text/xml\"",
        Some((
            "multipart/related",
            &[("boundary", "----=_Part_1"), ("type", "text/xml")],
        )),
    );
    check_type(
        "multipart/related;type=text/xml;boundary=a=b;;start=\"<a\\\"b>\" ; x",
        Some((
            "multipart/related",
            &[
                ("type", "text/xml"),
                ("boundary", "a=b"),
                ("start", "<a\"b>"),
            ],
        )),
    );
    check_type("text", None);
    check_type("", None);
    check_type("text/", None);
    check_type("te xt/xml", None);
    check_type("text/xml; charset=\"utf-8", None);
}

#[test]
fn writes_latin1_and_no_line_breaks_in_headers() {
    let mut out = Vec::new();
    let headers = Headers(vec![
        ("X".into(), "a\u{E4}\u{18F}\r\nY: z".into()),
        ("Content-Type".into(), "a/b".into()),
    ]);
    Writer::new("bnd").part(&mut out, &headers);
    assert_eq!(
        out,
        b"--bnd\r\ncontent-type: a/b\r\nX: a\xE4???Y: z\r\n\r\n"
    );
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    // Bodies full of what could be mistaken for a boundary.
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"--bn".to_vec()),
        Just(b"--".to_vec()),
        Just(b"\r\n--bndx".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..12)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("no body may hold the boundary", |body| {
            let holds = |needle: &[u8]| memchr::memmem::find(body, needle).is_some();
            !holds(b"--bnd\r")
                && !holds(b"--bnd\n")
                && !holds(b"--bnd-")
                && !holds(b"--bnd ")
                && !holds(b"--bnd\t")
                && !body.ends_with(b"--bnd")
        })
}

proptest! {
    #[test]
    fn what_was_written_reads_back_over_any_chunks(
        bodies in proptest::collection::vec(any_body(), 0..5),
        sizes in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let mut out = Vec::new();
        let mut writer = Writer::new("bnd");
        for body in &bodies {
            writer.part_of_type(&mut out, "a/b");
            out.extend_from_slice(body);
        }
        writer.end(&mut out);
        let read = decode("bnd", &out, &sizes).unwrap();
        let read: Vec<_> = read.into_iter().map(|(_, body)| body).collect();
        prop_assert_eq!(read, bodies);
    }

    #[test]
    fn chunks_never_change_the_outcome(
        pieces in proptest::collection::vec(prop_oneof![
            Just("--bnd"), Just("--"), Just("\r\n"), Just("\n"), Just("A: b"), Just(" "),
            Just("--bnd--"), Just("x"), Just("\r"), Just("-"), Just("\r\n--bnd\r\n\r\n"),
        ], 0..30),
        sizes in proptest::collection::vec(1_usize..9, 1..8),
    ) {
        let input = pieces.concat();
        let whole = decode("bnd", input.as_bytes(), &[usize::MAX]);
        prop_assert_eq!(decode("bnd", input.as_bytes(), &sizes), whole);
    }
}
