//! Taking an input apart, and cutting it into chunks.

use bytes::Bytes;

use crate::mutate::Random;

/// The first line without its line break, when it is text, and what follows it.
pub(crate) fn first_line(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let line = data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]);
    Some((std::str::from_utf8(line).ok()?, &data[end + 1..]))
}

/// The two texts before and behind the first zero byte; the second is empty without one.
pub(crate) fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(zero) => (&data[..zero], &data[zero + 1..]),
        None => (data, &[]),
    }
}

/// The input in one piece, then in chunks that its own bytes decide, then byte by byte when short.
pub(crate) fn chunkings(data: &[u8]) -> Vec<Vec<Bytes>> {
    let whole = vec![Bytes::copy_from_slice(data)];
    let mut random = Random::of(data);
    let mut rest = data;
    let mut some = Vec::new();
    while !rest.is_empty() {
        let most = if random.below(4) == 0 { 2 } else { 200 };
        let length = (1 + random.below(most)).min(rest.len());
        some.push(Bytes::copy_from_slice(&rest[..length]));
        rest = &rest[length..];
    }
    let mut all = vec![whole, some];
    if data.len() <= 400 {
        all.push(data.chunks(1).map(Bytes::copy_from_slice).collect());
    }
    all
}
