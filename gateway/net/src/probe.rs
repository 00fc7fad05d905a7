//! The parsers of this crate that read outside bytes, reachable for fuzzing. Nothing else uses them
//! from here.

use crate::OcspAnswer;

/// Feeds a listener's framing guard with the bytes of a connection, in these chunks.
///
/// # Errors
/// How many bytes from the start could be read in one way only.
pub fn request_framing<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<(), usize> {
    crate::listener::framed(chunks)
}

/// The OCSP responses in the answer of a peer's OCSP port.
///
/// # Errors
/// When it is not a multipart with a boundary.
pub fn ocsp_parts<'b>(content_type: &str, body: &'b [u8]) -> Result<Vec<&'b [u8]>, OcspAnswer> {
    crate::peer::ocsp_parts(content_type, body)
}
