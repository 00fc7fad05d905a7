//! The sender: framing byte for byte as deployed servers write it.

use super::part_type;
use crate::fault::Fault;
use crate::mime::{Headers, Writer};

/// Writes the framing of one node-to-node message. Parts must be written in the order of
/// PR-MESSTRANSP 3.1; bodies of REST messages and attachments are appended by the caller after
/// their `_start`.
#[derive(Debug)]
pub struct Encoder {
    top: Writer,
    /// The boundary of attachments, until they begin.
    attachments_boundary: String,
    attachments: Option<Writer>,
}

impl Encoder {
    /// An encoder whose boundaries come from these random bytes: `xtop` and `xatt`, each with the
    /// same 30 letters.
    pub fn new(random: [u8; 32]) -> Self {
        let letters: String = random.iter().take(30).map(|byte| letter(*byte)).collect();
        Self {
            top: Writer::new(format!("xtop{letters}")),
            attachments_boundary: format!("xatt{letters}"),
            attachments: None,
        }
    }

    /// The Content-Type of the HTTP message.
    pub fn content_type(&self) -> String {
        multipart_mixed(self.top.boundary())
    }

    /// One OCSP response; only in requests, before everything else.
    pub fn ocsp(&mut self, out: &mut Vec<u8>, der: &[u8]) {
        self.whole(out, part_type::OCSP, der);
    }

    /// The SOAP message with the Content-Type it came with.
    pub fn soap(&mut self, out: &mut Vec<u8>, content_type: &str, bytes: &[u8]) {
        self.whole(out, content_type, bytes);
    }

    /// The SOAP message out of a multipart, with the headers of its part.
    pub fn soap_part(&mut self, out: &mut Vec<u8>, headers: &Headers, bytes: &[u8]) {
        self.top.part(out, headers);
        out.extend_from_slice(bytes);
    }

    /// The serialised REST request.
    pub fn rest_request(&mut self, out: &mut Vec<u8>, block: &[u8]) {
        self.whole(out, part_type::REST_REQUEST, block);
    }

    /// The serialised REST response.
    pub fn rest_response(&mut self, out: &mut Vec<u8>, block: &[u8]) {
        self.whole(out, part_type::REST_RESPONSE, block);
    }

    /// Begins the REST body; its bytes follow.
    pub fn rest_body_start(&mut self, out: &mut Vec<u8>) {
        self.top.part_of_type(out, part_type::REST_BODY);
    }

    /// Begins an attachment, the first time also the multipart around all of them; its bytes
    /// follow.
    pub fn attachment_start(&mut self, out: &mut Vec<u8>, headers: &Headers) {
        let attachments = self.attachments.get_or_insert_with(|| {
            self.top
                .part_of_type(out, &multipart_mixed(&self.attachments_boundary));
            Writer::nested(self.attachments_boundary.as_str())
        });
        attachments.part(out, headers);
    }

    /// Chain result and chain, when there are, then the signature.
    pub fn signature(
        &mut self,
        out: &mut Vec<u8>,
        chain: Option<(&[u8], &[u8])>,
        signature: &[u8],
    ) {
        self.end_attachments(out);
        if let Some((result, chain)) = chain {
            self.whole(out, part_type::HASH_CHAIN_RESULT, result);
            self.whole(out, part_type::HASH_CHAIN, chain);
        }
        self.whole(out, part_type::SIGNATURE, signature);
    }

    /// A fault in place of everything that has not been written.
    pub fn fault(&mut self, out: &mut Vec<u8>, fault: &Fault) {
        self.end_attachments(out);
        self.whole(out, "text/xml; charset=UTF-8", &fault.to_xml());
    }

    /// The closing boundary.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.end_attachments(out);
        self.top.end(out);
    }

    fn whole(&mut self, out: &mut Vec<u8>, content_type: &str, bytes: &[u8]) {
        self.top.part_of_type(out, content_type);
        out.extend_from_slice(bytes);
    }

    fn end_attachments(&mut self, out: &mut Vec<u8>) {
        if let Some(mut attachments) = self.attachments.take() {
            attachments.end(out);
        }
    }
}

fn multipart_mixed(boundary: &str) -> String {
    format!("multipart/mixed; charset=UTF-8; boundary={boundary}")
}

/// One of 52 ASCII letters.
fn letter(byte: u8) -> char {
    match byte % 52 {
        upper @ 0..26 => char::from(b'A'.wrapping_add(upper)),
        lower => char::from(b'a'.wrapping_add(lower).wrapping_sub(26)),
    }
}
