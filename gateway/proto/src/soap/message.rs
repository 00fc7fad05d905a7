//! A valid message: bytes as received, header typed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs_keys::Digest;

use super::Header;

/// A valid message: its bytes exactly as received, its header typed.
#[derive(Clone)]
pub struct Message {
    pub(super) bytes: Bytes,
    pub(super) header: Arc<Header>,
    pub(super) content_type: String,
    pub(super) places: Places,
}

/// Byte ranges in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Where the content of the header begins.
    pub(super) header_start: usize,
    /// The start tag of the query id.
    pub(super) id_tag: Range<usize>,
    /// Behind the query id.
    pub(super) id_end: usize,
    /// The request hash, when there is one.
    pub(super) request_hash: Option<Range<usize>>,
    /// The content of the body.
    pub(super) body: Range<usize>,
}

impl Message {
    /// The envelope, exactly as hashed and signed.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its header fields.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The Content-Type value of the entity or MIME part it came in.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Where in [`Self::bytes`] the content of the body stands, its tags excluded.
    pub fn body_range(&self) -> Range<usize> {
        self.places.body.clone()
    }

    /// The content of the body: one element, and what white space stands around it.
    pub fn body(&self) -> Bytes {
        match self.bytes.get(self.body_range()) {
            Some(body) => self.bytes.slice_ref(body),
            None => Bytes::new(),
        }
    }

    /// The same message bound to a request (PR-MESS 2.2): any `requestHash` is removed, the new
    /// one stands right after `id`, with its prefix and attributes; all other bytes are kept.
    #[must_use]
    pub fn with_request_hash(&self, digest: &Digest) -> Self {
        let hash = STANDARD.encode(digest.as_bytes());
        let places = &self.places;
        let (start, element) = self.request_hash_element(&hash, digest.algorithm().uri());
        let removed = places
            .request_hash
            .clone()
            .unwrap_or(places.id_end..places.id_end);

        // The old hash stands before or after the id, never across it.
        let piece = |range: Range<usize>| self.bytes.get(range).unwrap_or_default();
        let whole = self.bytes.len();
        let mut bytes = Vec::with_capacity(whole.saturating_add(element.len()));
        if removed.start < places.id_end {
            bytes.extend_from_slice(piece(0..removed.start));
            bytes.extend_from_slice(piece(removed.end..places.id_end));
            bytes.extend_from_slice(&element);
            bytes.extend_from_slice(piece(places.id_end..whole));
        } else {
            bytes.extend_from_slice(piece(0..places.id_end));
            bytes.extend_from_slice(&element);
            bytes.extend_from_slice(piece(places.id_end..removed.start));
            bytes.extend_from_slice(piece(removed.end..whole));
        }

        let moved = |place: usize| {
            let gone = if place >= removed.end {
                removed.len()
            } else {
                0
            };
            let added = if place > places.id_end {
                element.len()
            } else {
                0
            };
            place.saturating_sub(gone).saturating_add(added)
        };
        let id_end = moved(places.id_end);
        let hash_start = id_end.saturating_add(start);
        let places = Places {
            header_start: moved(places.header_start),
            id_tag: moved(places.id_tag.start)..moved(places.id_tag.end),
            id_end,
            request_hash: Some(hash_start..id_end.saturating_add(element.len())),
            body: moved(places.body.start)..moved(places.body.end),
        };
        Self {
            bytes: bytes.into(),
            header: Arc::new(Header {
                request_hash: Some(hash),
                ..Header::clone(&self.header)
            }),
            content_type: self.content_type.clone(),
            places,
        }
    }

    /// White space as at the start of the header, then the element; and where the element begins.
    fn request_hash_element(&self, hash: &str, algorithm: &str) -> (usize, Vec<u8>) {
        let content = self
            .bytes
            .get(self.places.header_start..)
            .unwrap_or_default();
        let mut element: Vec<u8> = content
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .copied()
            .collect();
        let start = element.len();

        let tag = self
            .bytes
            .get(self.places.id_tag.clone())
            .unwrap_or_default();
        let (name, attributes) = take_apart(tag);
        let prefix = match memchr::memchr(b':', name) {
            Some(colon) => name.get(..=colon).unwrap_or_default(),
            None => b"",
        };
        element.push(b'<');
        element.extend_from_slice(prefix);
        element.extend_from_slice(b"requestHash");
        match memchr::memmem::find(attributes, b"algorithmId") {
            // Copying all could give the element the same attribute twice.
            Some(_) => copy_declarations(&mut element, attributes),
            None => element.extend_from_slice(attributes.trim_ascii_end()),
        }
        element.extend_from_slice(b" algorithmId=\"");
        element.extend_from_slice(algorithm.as_bytes());
        element.extend_from_slice(b"\">");
        element.extend_from_slice(hash.as_bytes());
        element.extend_from_slice(b"</");
        element.extend_from_slice(prefix);
        element.extend_from_slice(b"requestHash>");
        (start, element)
    }
}

impl Places {
    /// The same places counted another way.
    pub(super) fn map(self, offset: impl Fn(usize) -> usize) -> Self {
        let range = |range: Range<usize>| offset(range.start)..offset(range.end);
        Self {
            header_start: offset(self.header_start),
            id_tag: range(self.id_tag),
            id_end: offset(self.id_end),
            request_hash: self.request_hash.map(range),
            body: range(self.body),
        }
    }
}

/// Shows the header and the size; bodies are about persons.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("header", &self.header)
            .field("content_type", &self.content_type)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// The qualified name of a start tag, and the bytes of its attributes with the white space before.
fn take_apart(tag: &[u8]) -> (&[u8], &[u8]) {
    let inner = tag.strip_prefix(b"<").unwrap_or(tag);
    let inner = inner.strip_suffix(b">").unwrap_or(inner);
    let inner = inner.strip_suffix(b"/").unwrap_or(inner);
    let name_end = inner
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(inner.len());
    inner.split_at_checked(name_end).unwrap_or((inner, b""))
}

/// Copies the namespace declarations among well-formed attributes.
fn copy_declarations(out: &mut Vec<u8>, attributes: &[u8]) {
    let mut rest = attributes.trim_ascii_start();
    while let Some(equals) = memchr::memchr(b'=', rest) {
        let name = rest.get(..equals).unwrap_or_default().trim_ascii();
        let value = rest.get(equals..).unwrap_or_default();
        let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start();
        let Some((quote, text)) = value.split_first() else {
            return;
        };
        let Some(end) = memchr::memchr(*quote, text) else {
            return;
        };
        if name == b"xmlns" || name.starts_with(b"xmlns:") {
            out.push(b' ');
            out.extend_from_slice(name);
            out.push(b'=');
            out.push(*quote);
            out.extend_from_slice(text.get(..=end).unwrap_or_default());
        }
        rest = text
            .get(end.saturating_add(1)..)
            .unwrap_or_default()
            .trim_ascii_start();
    }
}
