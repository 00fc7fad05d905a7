//! The SOAPAction header.

use crate::uri;

/// Whether a SOAPAction value may pass: empty, or a URI reference in double quotes, which may
/// also be empty (PR-MESS 2.2, SOAP 1.1 section 6.1.1). An absent header is for the caller.
pub fn validate_soap_action(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    if text.is_empty() {
        return true;
    }
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    quoted.is_some_and(uri::is_reference)
}
