//! Tests of the strict reading.

use proptest::prelude::*;

use super::{Framing, Phase, Refused};

#[track_caller]
fn check(input: &str, expected: Phase) {
    let mut framing = Framing::new();
    assert_eq!(framing.feed(input.as_bytes()), Ok(()), "{input:?}");
    assert_eq!(framing.phase(), expected, "{input:?}");
}

#[track_caller]
fn check_refused(input: &str) {
    let mut framing = Framing::new();
    assert!(framing.feed(input.as_bytes()).is_err(), "{input:?}");
    assert_eq!(
        framing.feed(b"GET / HTTP/1.1\r\n\r\n"),
        Err(Refused { good: 0 })
    );
}

#[test]
fn finds_the_end_of_each_message() {
    check("", Phase::Between);
    check("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Phase::Between);
    check("GET / HTTP/1.1\r\nHost: a\r\n", Phase::Head);
    check(
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
        Phase::Body,
    );
    check(
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        Phase::Between,
    );
    check(
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcG",
        Phase::Head,
    );
    check(
        "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        Phase::Between,
    );
    check(
        "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n",
        Phase::Body,
    );
    check(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        Phase::Body,
    );
    check(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
        Phase::Between,
    );
}

#[test]
fn long_fields_that_do_not_matter_are_passed_over() {
    let long = "x".repeat(1_000);
    check(
        &format!("GET /{long} HTTP/1.1\r\n{long}: {long}\r\nHost: {long}\r\n\r\n"),
        Phase::Between,
    );
}

#[test]
fn refuses_two_ways_to_say_where_the_body_ends() {
    for fields in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3\r\ncontent-length: 3\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Host: a\r\nHost: b\r\n",
    ] {
        check_refused(&format!("POST / HTTP/1.1\r\n{fields}\r\n"));
    }
    let padded = " ".repeat(60);
    check_refused(&format!(
        "POST / HTTP/1.1\r\nContent-Length: {padded}3\r\n\r\n"
    ));
}

#[test]
fn refuses_lines_that_others_may_read_otherwise() {
    for head in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length\t: 3\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n: nameless\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
        "\nGET / HTTP/1.1\r\n\r\n",
    ] {
        check_refused(head);
    }
}

#[test]
fn refuses_chunks_that_others_may_read_otherwise() {
    for body in [
        "3\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "\r\n",
        ";x\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "1000000000000000\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\nT: a\nb\r\n\r\n",
        "0\r\n\n",
    ] {
        check_refused(&format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
        ));
    }
}

#[test]
fn tells_how_many_bytes_were_good() {
    let mut framing = Framing::new();
    assert_eq!(framing.feed(b"GET / HTTP/1.1\n"), Err(Refused { good: 14 }));
}

proptest! {
    /// However the bytes are cut, they are read the same.
    #[test]
    fn reads_pieces_as_the_whole(
        cuts in proptest::collection::vec(0usize..200, 0..12),
        body in "[ -~]{0,40}",
        noise in proptest::option::of((0usize..120, any::<u8>())),
    ) {
        let mut bytes = format!(
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
            body.len(),
        ).into_bytes();
        if let Some((place, byte)) = noise
            && let Some(slot) = bytes.get_mut(place)
        {
            *slot = byte;
        }
        let mut whole = Framing::new();
        let at_once = whole.feed(&bytes).map_err(|refused| refused.good);

        let mut pieces = Framing::new();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut from = 0;
        let mut piecewise = Ok(());
        for cut in cuts {
            if let Err(refused) = pieces.feed(&bytes[from..cut]) {
                piecewise = Err(refused.good.saturating_add(from));
                break;
            }
            from = cut;
        }
        prop_assert_eq!(at_once, piecewise);
        prop_assert_eq!(whole.phase(), pieces.phase());
    }
}
