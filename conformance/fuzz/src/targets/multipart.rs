//! The streaming decoders: MIME, messages with attachments, the node-to-node envelope.
//!
//! The first line of an input is the boundary or Content-Type, the rest is the body.

use std::fmt::Debug;

use bytes::Bytes;
use gateway_proto::Limits;
use gateway_proto::envelope::{self, Encoder};
use gateway_proto::mime::{self, Headers, MediaType, Writer};
use gateway_proto::soap::entity::Entity;
use gateway_proto::soap::multipart;

use crate::input::{chunkings, first_line};

/// What the decoders have in common.
trait Decode {
    type Event: Clone + PartialEq + Debug;
    type Error: PartialEq + Debug;
    fn push(&mut self, chunk: Bytes);
    fn finish(&mut self);
    fn next(&mut self) -> Result<Option<Self::Event>, Self::Error>;
    fn is_end(event: &Self::Event) -> bool;
    /// The bytes of an event that only carries some.
    fn data(event: &mut Self::Event) -> Option<&mut Bytes>;
}

type Outcome<D> = Result<Vec<<D as Decode>::Event>, <D as Decode>::Error>;

/// All events, with neighbouring data joined, or the error.
fn decode<D: Decode>(mut decoder: D, chunks: &[Bytes]) -> Outcome<D> {
    let mut chunks = chunks.iter();
    let mut events: Vec<D::Event> = Vec::new();
    let mut finished = false;
    loop {
        match decoder.next()? {
            Some(mut event) => {
                let joined = D::data(&mut event).is_some_and(|data| {
                    assert!(!data.is_empty(), "data is never empty");
                    match events.last_mut().and_then(D::data) {
                        Some(before) => {
                            *before = [&before[..], &data[..]].concat().into();
                            true
                        }
                        None => false,
                    }
                });
                let end = D::is_end(&event);
                if !joined {
                    events.push(event);
                }
                if end {
                    assert_eq!(decoder.next(), Ok(None), "nothing follows the end");
                    return Ok(events);
                }
            }
            None => match chunks.next() {
                Some(chunk) => decoder.push(chunk.clone()),
                None => {
                    assert!(!finished, "at the end of input there is an end or an error");
                    decoder.finish();
                    finished = true;
                }
            },
        }
    }
}

/// Decodes in all chunkings, which must agree, and gives the events.
fn decode_all<D: Decode>(new: impl Fn() -> Option<D>, body: &[u8]) -> Option<Vec<D::Event>> {
    let mut outcomes = Vec::new();
    for chunks in chunkings(body) {
        outcomes.push(decode(new()?, &chunks));
    }
    let first = outcomes.swap_remove(0);
    for other in &outcomes {
        assert_eq!(other, &first, "the chunks make a difference");
    }
    first.ok()
}

/// The headers as they can be compared: the content type goes first when they are written.
fn comparable(headers: &Headers) -> (Option<String>, Vec<(String, String)>) {
    let others = headers.others();
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (headers.content_type().map(str::to_owned), others.collect())
}

/// The same events in any chunks; written and read again, the same parts.
pub fn mime_multipart(data: &[u8]) {
    let Some((boundary, body)) = first_line(data) else {
        return;
    };
    let new = |limits: Limits| move || mime::Decoder::new(boundary, &limits).ok();
    decode_all(new(narrow()), body);
    let Some(events) = decode_all(new(Limits::default()), body) else {
        return;
    };
    let mut writer = Writer::new(boundary);
    let mut written = Vec::new();
    for event in &events {
        match event {
            mime::Event::PartStart(headers) => writer.part(&mut written, headers),
            mime::Event::Data(data) => written.extend_from_slice(data),
            mime::Event::PartEnd => {}
            mime::Event::End => writer.end(&mut written),
        }
    }
    let again = decode_all(new(wide()), &written).expect("what we write can be read");
    assert_eq!(again.len(), events.len());
    for (again, event) in again.iter().zip(&events) {
        match (again, event) {
            (mime::Event::PartStart(again), mime::Event::PartStart(headers)) => {
                assert_eq!(comparable(again), comparable(headers));
            }
            (again, event) => assert_eq!(again, event),
        }
    }
}

/// The same of messages with attachments.
pub fn soap_multipart(data: &[u8]) {
    let Some((content_type, body)) = first_line(data) else {
        return;
    };
    let Ok(Entity::Multipart { boundary }) = Entity::of(Some(content_type)) else {
        return;
    };
    let new = |limits: Limits| {
        let boundary = &boundary;
        move || multipart::Decoder::new(boundary, &limits).ok()
    };
    decode_all(new(narrow()), body);
    let Some(parts) = decode_all(new(Limits::default()), body) else {
        return;
    };
    let mut encoder = multipart::Encoder::new(&boundary, false);
    let mut written = Vec::new();
    for part in &parts {
        match part {
            multipart::Part::Soap { headers, bytes, .. } => {
                encoder.soap(&mut written, headers, bytes);
            }
            multipart::Part::AttachmentStart(headers) => {
                encoder.attachment_start(&mut written, headers);
            }
            multipart::Part::AttachmentData(data) => written.extend_from_slice(data),
            multipart::Part::AttachmentEnd => {}
            multipart::Part::End => encoder.end(&mut written),
        }
    }
    let again = decode_all(new(wide()), &written).expect("what we write can be read");
    assert_eq!(again.len(), parts.len());
    for (again, part) in again.iter().zip(&parts) {
        use multipart::Part::{AttachmentStart, Soap};
        match (again, part) {
            (
                Soap {
                    headers: h,
                    bytes: b,
                    ..
                },
                Soap { headers, bytes, .. },
            ) => {
                assert_eq!(comparable(h), comparable(headers));
                assert_eq!(b, bytes);
            }
            (AttachmentStart(again), AttachmentStart(headers)) => {
                assert_eq!(comparable(again), comparable(headers));
            }
            (again, part) => assert_eq!(again, part),
        }
    }
}

/// The same of the message between nodes; the order of its parts is that of the protocol.
pub fn envelope(data: &[u8]) {
    let Some((content_type, body)) = first_line(data) else {
        return;
    };
    let new = |limits: Limits| move || envelope::Decoder::new(content_type, &limits).ok();
    decode_all(new(narrow()), body);
    let Some(parts) = decode_all(new(Limits::default()), body) else {
        return;
    };
    let places: Vec<u8> = parts.iter().map(place).collect();
    assert!(places.is_sorted(), "out of order: {parts:?}");
    if let Some((content_type, written)) = write(&parts) {
        let media_type = MediaType::parse(&content_type).expect("our own");
        assert_eq!(media_type.base, "multipart/mixed");
        let new = || envelope::Decoder::new(&content_type, &wide()).ok();
        let again = decode_all(new, &written).expect("what we write can be read");
        let kinds = |parts: &[envelope::Part]| parts.iter().map(place).collect::<Vec<_>>();
        assert_eq!(kinds(&again), kinds(&parts));
        assert_eq!(contents(&again), contents(&parts));
    }
}

/// Where a part stands in a message.
fn place(part: &envelope::Part) -> u8 {
    match part {
        envelope::Part::Ocsp(_) => 0,
        envelope::Part::Soap { .. }
        | envelope::Part::RestRequest(_)
        | envelope::Part::RestResponse(_) => 1,
        envelope::Part::ContentStart(_)
        | envelope::Part::ContentData(_)
        | envelope::Part::ContentEnd => 2,
        envelope::Part::HashChainResult(_) => 3,
        envelope::Part::HashChain(_) => 4,
        envelope::Part::Signature(_) => 5,
        // In place of everything that is missing.
        envelope::Part::Fault(_) => 6,
        envelope::Part::End => 7,
    }
}

/// The bytes of all parts that have some.
fn contents(parts: &[envelope::Part]) -> Vec<Bytes> {
    let bytes = |part: &envelope::Part| match part {
        envelope::Part::Ocsp(bytes)
        | envelope::Part::Soap { bytes, .. }
        | envelope::Part::RestRequest(bytes)
        | envelope::Part::RestResponse(bytes)
        | envelope::Part::ContentData(bytes)
        | envelope::Part::HashChainResult(bytes)
        | envelope::Part::HashChain(bytes)
        | envelope::Part::Signature(bytes) => Some(bytes.clone()),
        envelope::Part::Fault(fault) => Some(fault.to_xml()),
        envelope::Part::ContentStart(_) | envelope::Part::ContentEnd | envelope::Part::End => None,
    };
    parts.iter().filter_map(bytes).collect()
}

/// The message written by our encoder; `None` where its boundary stands in a body, and for what our
/// encoder does not write: a chain without its result or its signature.
fn write(parts: &[envelope::Part]) -> Option<(String, Vec<u8>)> {
    let mut encoder = Encoder::new([7; 32]);
    let content_type = encoder.content_type();
    if contents(parts)
        .iter()
        .any(|bytes| bytes.windows(8).any(|window| window == b"HHHHHHHH"))
    {
        return None;
    }
    let (mut result, mut chain, mut rest) = (None, None, false);
    let mut out = Vec::new();
    for part in parts {
        match part {
            envelope::Part::Ocsp(der) => encoder.ocsp(&mut out, der),
            envelope::Part::Soap { headers, bytes, .. } => {
                encoder.soap_part(&mut out, headers, bytes);
            }
            envelope::Part::RestRequest(block) => {
                rest = true;
                encoder.rest_request(&mut out, block);
            }
            envelope::Part::RestResponse(block) => {
                rest = true;
                encoder.rest_response(&mut out, block);
            }
            envelope::Part::ContentStart(_) if rest => encoder.rest_body_start(&mut out),
            envelope::Part::ContentStart(headers) => encoder.attachment_start(&mut out, headers),
            envelope::Part::ContentData(data) => out.extend_from_slice(data),
            envelope::Part::ContentEnd => {}
            envelope::Part::HashChainResult(bytes) => result = Some(bytes),
            envelope::Part::HashChain(bytes) => chain = Some(bytes),
            envelope::Part::Signature(bytes) => {
                let chain = match (result, chain) {
                    (None, None) => None,
                    (Some(result), Some(chain)) => Some((&result[..], &chain[..])),
                    _ => return None,
                };
                encoder.signature(&mut out, chain, bytes);
            }
            envelope::Part::Fault(_) if result.is_some() || chain.is_some() => return None,
            envelope::Part::Fault(fault) => encoder.fault(&mut out, fault),
            envelope::Part::End => encoder.end(&mut out),
        }
    }
    let signed = parts
        .iter()
        .any(|part| matches!(part, envelope::Part::Signature(_)));
    if !signed && (result.is_some() || chain.is_some()) {
        return None;
    }
    Some((content_type, out))
}

impl Decode for mime::Decoder {
    type Event = mime::Event;
    type Error = mime::Error;
    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }
    fn finish(&mut self) {
        self.finish();
    }
    fn next(&mut self) -> Result<Option<Self::Event>, Self::Error> {
        self.next_event()
    }
    fn is_end(event: &Self::Event) -> bool {
        matches!(event, mime::Event::End)
    }
    fn data(event: &mut Self::Event) -> Option<&mut Bytes> {
        match event {
            mime::Event::Data(data) => Some(data),
            _ => None,
        }
    }
}

impl Decode for multipart::Decoder {
    type Event = multipart::Part;
    type Error = String;
    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }
    fn finish(&mut self) {
        self.finish();
    }
    fn next(&mut self) -> Result<Option<Self::Event>, Self::Error> {
        self.next_part().map_err(|error| error.to_string())
    }
    fn is_end(event: &Self::Event) -> bool {
        matches!(event, multipart::Part::End)
    }
    fn data(event: &mut Self::Event) -> Option<&mut Bytes> {
        match event {
            multipart::Part::AttachmentData(data) => Some(data),
            _ => None,
        }
    }
}

impl Decode for envelope::Decoder {
    type Event = envelope::Part;
    type Error = String;
    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }
    fn finish(&mut self) {
        self.finish();
    }
    fn next(&mut self) -> Result<Option<Self::Event>, Self::Error> {
        self.next_part().map_err(|error| error.to_string())
    }
    fn is_end(event: &Self::Event) -> bool {
        matches!(event, envelope::Part::End)
    }
    fn data(event: &mut Self::Event) -> Option<&mut Bytes> {
        match event {
            envelope::Part::ContentData(data) => Some(data),
            _ => None,
        }
    }
}

/// Narrow enough for small inputs to reach them.
fn narrow() -> Limits {
    Limits {
        soap_bytes_max: 500,
        rest_block_bytes_max: 300,
        mime_header_line_bytes_max: 60,
        mime_headers_max: 3,
        mime_parts_max: 4,
        ocsp_bytes_max: 100,
        ocsp_parts_max: 1,
        signature_bytes_max: 100,
        hash_chain_bytes_max: 100,
        attachments_max: 1,
        content_bytes_max: 100,
        ..Limits::default()
    }
}

/// Folded header lines are written as one.
fn wide() -> Limits {
    Limits {
        mime_header_line_bytes_max: 1 << 20,
        ..Limits::default()
    }
}
