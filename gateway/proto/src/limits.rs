//! The bounds on everything that comes from outside.

use std::fmt;

/// Bounds on one message. The defaults hold for nodes with ordinary memory; configuration may
/// narrow or widen them. Bodies and attachments stream, so their bound is not one on memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one SOAP envelope.
    pub soap_bytes_max: usize,
    /// Bytes of one serialised REST request or response without its body.
    pub rest_block_bytes_max: usize,
    /// Depth of elements in any XML.
    pub xml_depth_max: usize,
    /// Bytes of one line in a MIME header, the line end not counted.
    pub mime_header_line_bytes_max: usize,
    /// Header lines of one MIME part, continuations counted.
    pub mime_headers_max: usize,
    /// Parts of one multipart, at one level.
    pub mime_parts_max: usize,
    /// Bytes of one OCSP response.
    pub ocsp_bytes_max: usize,
    /// OCSP responses in one request.
    pub ocsp_parts_max: usize,
    /// Bytes of one signature document.
    pub signature_bytes_max: usize,
    /// Bytes of one hash chain or hash chain result.
    pub hash_chain_bytes_max: usize,
    /// Attachments of one SOAP message.
    pub attachments_max: usize,
    /// Bytes of a REST body, or of all attachments of a SOAP message together.
    pub content_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            soap_bytes_max: 16 << 20,
            rest_block_bytes_max: 256 << 10,
            xml_depth_max: 128,
            // Deployed servers refuse longer lines, so a longer one could not cross anyway.
            mime_header_line_bytes_max: 1000,
            mime_headers_max: 64,
            mime_parts_max: 1100,
            ocsp_bytes_max: 64 << 10,
            ocsp_parts_max: 16,
            signature_bytes_max: 1 << 20,
            hash_chain_bytes_max: 4 << 20,
            attachments_max: 1000,
            content_bytes_max: 16 << 30,
        }
    }
}

impl fmt::Display for Limits {
    /// `name=value` pairs, for the start-up log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "soap_bytes_max={} rest_block_bytes_max={} xml_depth_max={} ",
            self.soap_bytes_max, self.rest_block_bytes_max, self.xml_depth_max
        )?;
        write!(
            f,
            "mime_header_line_bytes_max={} mime_headers_max={} mime_parts_max={} ",
            self.mime_header_line_bytes_max, self.mime_headers_max, self.mime_parts_max
        )?;
        write!(
            f,
            "ocsp_bytes_max={} ocsp_parts_max={} signature_bytes_max={} ",
            self.ocsp_bytes_max, self.ocsp_parts_max, self.signature_bytes_max
        )?;
        write!(
            f,
            "hash_chain_bytes_max={} attachments_max={} content_bytes_max={}",
            self.hash_chain_bytes_max, self.attachments_max, self.content_bytes_max
        )
    }
}
