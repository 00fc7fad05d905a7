//! BER to DER. Some time-stamping authorities answer with indefinite lengths and octet strings in
//! pieces (RFC 5652 allows it outside the signed attributes); everything after this is strict.

use der::{ErrorKind, Tag};

/// Rewrites lengths to the shortest definite form and joins octet strings that came in pieces.
/// Contents of primitive values are never touched. Octets that are DER already come back equal.
pub(crate) fn to_der(input: &[u8]) -> der::Result<Vec<u8>> {
    let mut rest = input;
    let out = element(&mut rest, 0)?;
    match rest.is_empty() {
        true => Ok(out),
        false => Err(malformed()),
    }
}

fn element(rest: &mut &[u8], depth: usize) -> der::Result<Vec<u8>> {
    if depth > DEPTH_MAX {
        return Err(ErrorKind::Overlength.into());
    }
    let tag = take_tag(rest)?;
    let constructed = tag & CONSTRUCTED != 0;
    let content = match take_length(rest)? {
        Some(length) => {
            let mut content = take(rest, length)?;
            match constructed {
                true => members(&mut content, false, depth)?,
                false => return Ok(wrap(tag, &[content])),
            }
        }
        None if constructed => members(rest, true, depth)?,
        None => return Err(malformed()),
    };
    if tag == OCTET_STRING | CONSTRUCTED {
        return join(&content);
    }
    let parts: Vec<&[u8]> = content.iter().map(Vec::as_slice).collect();
    Ok(wrap(tag, &parts))
}

/// The members up to the end of `rest`, or up to the end-of-contents octets.
fn members(rest: &mut &[u8], indefinite: bool, depth: usize) -> der::Result<Vec<Vec<u8>>> {
    let mut out = Vec::new();
    loop {
        match (indefinite, *rest) {
            (false, []) => return Ok(out),
            (true, [0, 0, after @ ..]) => {
                *rest = after;
                return Ok(out);
            }
            _ => out.push(element(rest, depth.saturating_add(1))?),
        }
    }
}

/// A constructed octet string becomes a primitive one.
fn join(pieces: &[Vec<u8>]) -> der::Result<Vec<u8>> {
    let mut whole = Vec::new();
    for piece in pieces {
        let mut reader = super::Reader::new(piece)?;
        whole.extend_from_slice(reader.content(Tag::OctetString)?);
    }
    Ok(wrap(OCTET_STRING, &[&whole]))
}

fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts
        .iter()
        .fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let mut out = Vec::with_capacity(length.saturating_add(6));
    out.push(tag);
    super::push_length(&mut out, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

fn take_tag(rest: &mut &[u8]) -> der::Result<u8> {
    let tag = *take(rest, 1)?.first().ok_or_else(malformed)?;
    match tag & 0x1f {
        // Tag numbers above 30 occur in none of the structures read here.
        0x1f => Err(malformed()),
        _ => Ok(tag),
    }
}

/// `None` is the indefinite form.
fn take_length(rest: &mut &[u8]) -> der::Result<Option<usize>> {
    let first = *take(rest, 1)?.first().ok_or_else(malformed)?;
    match first {
        0x80 => Ok(None),
        0..0x80 => Ok(Some(usize::from(first))),
        _ => take(rest, usize::from(first & 0x7f))?
            .iter()
            .try_fold(0_usize, |value, octet| {
                value.checked_mul(256)?.checked_add(usize::from(*octet))
            })
            .map(Some)
            .ok_or_else(malformed),
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> der::Result<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
    *rest = after;
    Ok(taken)
}

fn malformed() -> der::Error {
    ErrorKind::Length { tag: Tag::Sequence }.into()
}

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
/// A token with certificates nests about twelve deep.
const DEPTH_MAX: usize = 48;
