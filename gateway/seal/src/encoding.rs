//! Base64 as it stands in signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Reads base64 with white space anywhere: servers break lines in several ways, with and without
/// a carriage return.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if !text.bytes().any(|byte| is_space(&byte)) {
        return STANDARD.decode(text).ok();
    }
    let dense: Vec<u8> = text.bytes().filter(|byte| !is_space(byte)).collect();
    STANDARD.decode(dense).ok()
}
