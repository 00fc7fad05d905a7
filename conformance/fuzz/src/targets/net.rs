//! What reaches the sockets before any message is read.

use gateway_net::probe;

use crate::input::{chunkings, first_line};

/// The framing guard of a listener: one verdict on a connection's bytes, however they arrive.
pub fn request_framing(data: &[u8]) {
    let mut verdicts = chunkings(data)
        .into_iter()
        .map(|chunks| probe::request_framing(chunks.iter().map(|chunk| chunk.as_ref())));
    let whole = verdicts.next().expect("there is always the whole");
    if let Err(good) = whole {
        assert!(good <= data.len());
    }
    for chunked in verdicts {
        assert_eq!(chunked, whole);
    }
}

/// The answer of an OCSP port: its Content-Type in the first line, then the body.
pub fn ocsp_port_answer(data: &[u8]) {
    let Some((content_type, body)) = first_line(data) else {
        return;
    };
    if let Ok(parts) = probe::ocsp_parts(content_type, body) {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        assert!(total <= body.len());
    }
}
