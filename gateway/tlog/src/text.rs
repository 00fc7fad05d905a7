//! Numbers and hashes as the C2SP texts write them: in one way each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;

/// A decimal number without sign and without zeros in front.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

/// A hash in base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    base64_decode(text)?.try_into().ok()
}

/// Base64 (RFC 4648, section 4), with padding and without stray bits.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn base64_encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Not one line break or other control character of ASCII is in it.
pub(crate) fn is_line(text: &str) -> bool {
    !text.bytes().any(|octet| octet < b' ')
}

/// The lines before the first empty line, at most so many, and the bytes after it.
pub(crate) fn head(bytes: &[u8], lines_max: usize) -> Option<(Vec<&str>, &[u8])> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|octet| *octet == b'\n')?;
        let (line, after) = rest.split_at_checked(end)?;
        let (_, after) = after.split_first()?;
        if line.is_empty() {
            return Some((lines, after));
        }
        if lines.len() >= lines_max {
            return None;
        }
        lines.push(std::str::from_utf8(line).ok()?);
        rest = after;
    }
}
