//! Namespaces, identifiers and names of the signature profile (PR-MESSTRANSP, signature part;
//! ETSI TS 101 903 version 1.3.2; XML-Signature Syntax and Processing).

/// The name by which signatures and hash chains refer to the message itself.
pub const MESSAGE_URI: &str = "/message.xml";
/// The name of the hash chain result of a signature.
pub const SIGNATURE_RESULT_URI: &str = "/sig-hashchainresult.xml";
/// The name of the hash chain of a signature.
pub const SIGNATURE_CHAIN_URI: &str = "/sig-hashchain.xml";

/// The name of the attachment with this index, the first being 0: `/attachment1`, `/attachment2`, …
pub fn attachment_uri(index: usize) -> String {
    format!("{ATTACHMENT_PREFIX}{}", index.saturating_add(1))
}

/// The index for a name that [`attachment_uri`] gives.
pub(crate) fn attachment_index(uri: &str) -> Option<usize> {
    let number = uri.strip_prefix(ATTACHMENT_PREFIX)?;
    let plain = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    if !plain {
        return None;
    }
    number.parse::<usize>().ok()?.checked_sub(1)
}

const ATTACHMENT_PREFIX: &str = "/attachment";

pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
pub(crate) const HASH_CHAIN: &str = "http://cyber.ee/hashchain";
