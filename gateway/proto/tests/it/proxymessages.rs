//! Bodies between servers. Their signatures are placeholders: only the decoder is exercised.

use bytes::Bytes;
use gateway_proto::envelope::{Decoder, Encoder, Part};
use gateway_proto::soap::{self, Parsed};
use gateway_proto::{Limits, mime};

/// All parts, with the data of one attachment joined.
fn decode(content_type: &str, body: &[u8], chunk: usize) -> Vec<Part> {
    let mut decoder = Decoder::new(content_type, &Limits::default()).unwrap();
    let mut chunks = body.chunks(chunk);
    let mut parts = Vec::new();
    loop {
        match decoder.next_part().unwrap() {
            Some(Part::ContentData(data)) => match parts.last_mut() {
                Some(Part::ContentData(before)) => {
                    *before = [before.as_ref(), data.as_ref()].concat().into();
                }
                _ => parts.push(Part::ContentData(data)),
            },
            Some(Part::End) => return parts,
            Some(part) => parts.push(part),
            None => match chunks.next() {
                Some(chunk) => decoder.push(Bytes::copy_from_slice(chunk)),
                None => decoder.finish(),
            },
        }
    }
}

fn read(name: &str) -> Option<Vec<Part>> {
    let files = super::vectors("proxymessages")?;
    let (_, body) = files.iter().find(|(other, _)| other == name).unwrap();
    let content_type = format!("multipart/mixed; boundary={}", super::first_boundary(body));
    let parts = decode(&content_type, body, 1 << 16);
    for chunk in [1, 77, 1000] {
        assert_eq!(
            decode(&content_type, body, chunk),
            parts,
            "{name} in chunks of {chunk}"
        );
    }
    Some(parts)
}

/// Parses the SOAP part.
fn envelope(part: &Part) -> Result<Parsed, soap::Error> {
    match part {
        Part::Soap {
            content_type,
            bytes,
            ..
        } => soap::parse(bytes.clone(), content_type, &Limits::default()),
        other => panic!("{other:?}"),
    }
}

fn service(part: &Part) -> String {
    match envelope(part).unwrap() {
        Parsed::Message(message) => message.header().service.to_string(),
        Parsed::Fault(fault) => panic!("{fault:?}"),
    }
}

#[test]
fn decodes_a_normal_request() {
    let Some(parts) = read("normal.request") else {
        return;
    };
    assert_eq!(service(&parts[0]), "SERVICE:EE/BUSINESS/producer/getState");
    assert!(matches!(&parts[1..], [Part::Signature(xml)] if xml.starts_with(b"<?xml")));
}

#[test]
fn decodes_a_normal_response_whose_envelope_is_of_an_older_protocol() {
    let Some(parts) = read("normal.response") else {
        return;
    };
    assert_eq!(envelope(&parts[0]).unwrap_err().code(), "invalid_xml");
    assert!(matches!(&parts[1..], [Part::Signature(_)]));
}

#[test]
fn decodes_a_request_with_an_attachment() {
    let Some(parts) = read("attachment.request") else {
        return;
    };
    assert_eq!(service(&parts[0]), "SERVICE:EE/BUSINESS/producer/getState");
    let [
        _,
        Part::ContentStart(headers),
        Part::ContentData(data),
        Part::ContentEnd,
        Part::Signature(_),
    ] = parts.as_slice()
    else {
        panic!("{parts:?}")
    };
    assert_eq!(headers.content_type(), Some("text/plain"));
    assert_eq!(data.as_ref(), b"blaah");
}

#[test]
fn decodes_a_request_with_an_ocsp_response() {
    let Some(parts) = read("ocsp.request") else {
        return;
    };
    let [Part::Ocsp(der), _, Part::Signature(_)] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    let length = usize::from(u16::from_be_bytes([der[2], der[3]]));
    assert_eq!((der[0], der[1], der.len()), (0x30, 0x82, length + 4));
    assert_eq!(service(&parts[1]), "SERVICE:EE/BUSINESS/producer/getState");
}

#[test]
fn decodes_a_fault_in_place_of_the_signature() {
    let Some(parts) = read("fault-signature.request") else {
        return;
    };
    assert_eq!(service(&parts[0]), "SERVICE:EE/BUSINESS/producer/getState");
    let [_, Part::Fault(fault)] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    assert_eq!(fault.code.as_str(), "CODE");
    assert_eq!(fault.string.as_deref(), Some("STRING"));
    assert_eq!(fault.actor.as_deref(), Some("ACTOR"));
    assert_eq!(fault.detail.as_deref(), Some("DETAIL"));
}

#[test]
fn decodes_a_fault_in_place_of_the_message() {
    let Some(parts) = read("normal-soapfault.request") else {
        return;
    };
    let Parsed::Fault(fault) = envelope(&parts[0]).unwrap() else {
        panic!("a message")
    };
    assert_eq!(fault.code.as_str(), "CODE");
    assert!(matches!(&parts[1..], [Part::Signature(_)]));
}

#[test]
fn every_request_encodes_and_decodes_to_the_same_parts() {
    let Some(files) = super::vectors("proxymessages") else {
        return;
    };
    for (name, _) in files {
        let parts = read(&name).unwrap();
        let mut encoder = Encoder::new(*b"0123456789abcdef0123456789abcdef");
        let mut out = Vec::new();
        for part in &parts {
            match part {
                Part::Ocsp(der) => encoder.ocsp(&mut out, der),
                Part::Soap { headers, bytes, .. } => encoder.soap_part(&mut out, headers, bytes),
                Part::ContentStart(headers) => encoder.attachment_start(&mut out, headers),
                Part::ContentData(data) => out.extend_from_slice(data),
                Part::ContentEnd => {}
                Part::Signature(xml) => encoder.signature(&mut out, None, xml),
                Part::Fault(fault) => encoder.fault(&mut out, fault),
                other => panic!("{name}: {other:?}"),
            }
        }
        encoder.end(&mut out);
        let again = decode(&encoder.content_type(), &out, 333);
        let lower = |part: &Part| match part.clone() {
            Part::Soap {
                content_type,
                headers,
                bytes,
            } => Part::Soap {
                content_type,
                headers: lower_names(headers),
                bytes,
            },
            Part::ContentStart(headers) => Part::ContentStart(lower_names(headers)),
            other => other,
        };
        let parts: Vec<_> = parts.iter().map(lower).collect();
        assert_eq!(again.iter().map(lower).collect::<Vec<_>>(), parts, "{name}");
    }
}

/// We write the name of the content type in lower case.
fn lower_names(headers: mime::Headers) -> mime::Headers {
    let pairs = headers.0.into_iter();
    mime::Headers(
        pairs
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect(),
    )
}
