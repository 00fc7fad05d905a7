use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::Limits;
use crate::fault::{Code, Fault};

const BOUNDARY: &str = "xtopAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const SOAP: &str = "<Envelope/>";

/// Decodes in chunks of the sizes given (cycled); data of one content are joined.
fn decode(content_type: &str, input: &[u8], sizes: &[usize]) -> Result<Vec<Part>, Error> {
    let mut decoder = Decoder::new(content_type, &Limits::default())?;
    let mut rest = input;
    let mut sizes = sizes.iter().cycle();
    let mut parts = Vec::new();
    loop {
        match decoder.next_part()? {
            Some(Part::ContentData(data)) => match parts.last_mut() {
                Some(Part::ContentData(before)) => {
                    *before = [before.as_ref(), data.as_ref()].concat().into();
                }
                _ => parts.push(Part::ContentData(data)),
            },
            Some(Part::End) => {
                parts.push(Part::End);
                assert!(decoder.next_part()?.is_none());
                return Ok(parts);
            }
            Some(part) => parts.push(part),
            None if rest.is_empty() => decoder.finish(),
            None => {
                let size = (*sizes.next().unwrap_or(&usize::MAX)).clamp(1, rest.len());
                decoder.push(Bytes::copy_from_slice(&rest[..size]));
                rest = &rest[size..];
            }
        }
    }
}

fn fault() -> Fault {
    Fault::new(
        Code::new("server.serverproxy.access_denied"),
        "no",
        Uuid::nil(),
    )
}

fn soap(content_type: &str, bytes: &str) -> Part {
    Part::Soap {
        content_type: content_type.into(),
        headers: Headers::of_type(content_type),
        bytes: bytes.to_owned().into(),
    }
}

/// Parts given as content types with short bodies; the outcome as part names, or the code.
#[track_caller]
fn check_order(types: &[&str], expected: Result<&str, &str>) {
    let mut input = Vec::new();
    let mut writer = crate::mime::Writer::new("b");
    for content_type in types {
        writer.part_of_type(&mut input, content_type);
        match *content_type {
            "text/xml" => input.extend_from_slice(&fault().to_xml()),
            "multipart/mixed; boundary=c" => input.extend_from_slice(b"--c\r\n\r\nx\r\n--c--"),
            _ => input.extend_from_slice(b"x"),
        }
    }
    writer.end(&mut input);
    let decoded = decode("multipart/mixed; boundary=b", &input, &[usize::MAX]);
    let outcome = decoded.map_err(|error| error.code()).map(|parts| {
        let names = parts.iter().map(|part| match part {
            Part::Ocsp(_) => "ocsp",
            Part::Soap { .. } => "soap",
            Part::RestRequest(_) => "request",
            Part::RestResponse(_) => "response",
            Part::ContentStart(_) => "(",
            Part::ContentData(_) => "data",
            Part::ContentEnd => ")",
            Part::HashChainResult(_) => "result",
            Part::HashChain(_) => "chain",
            Part::Signature(_) => "signature",
            Part::Fault(_) => "fault",
            Part::End => "end",
        });
        names.collect::<Vec<_>>().join(" ")
    });
    assert_eq!(outcome.as_deref().map_err(|code| *code), expected);
}

const OCSP: &str = "application/ocsp-response";
const REQUEST: &str = "application/x-road-rest-request";
const RESPONSE: &str = "application/x-road-rest-response";
const BODY: &str = "application/x-road-rest-body";
const RESULT: &str = "application/hash-chain-result";
const CHAIN: &str = "application/hash-chain";
const SIGNATURE: &str = "signature/bdoc-1.0/ts";
const XML: &str = "text/xml";
const XOP: &str = "application/xop+xml";
const ATTACHMENTS: &str = "multipart/mixed; boundary=c";

#[test]
fn accepts_every_order_of_the_protocol() {
    check_order(
        &[OCSP, OCSP, XML, SIGNATURE],
        Ok("ocsp ocsp soap signature end"),
    );
    check_order(
        &[XOP, ATTACHMENTS, RESULT, CHAIN, SIGNATURE],
        Ok("soap ( data ) result chain signature end"),
    );
    check_order(
        &[OCSP, REQUEST, SIGNATURE],
        Ok("ocsp request signature end"),
    );
    check_order(
        &[REQUEST, RESULT, CHAIN, SIGNATURE],
        Ok("request result chain signature end"),
    );
    check_order(
        &[RESPONSE, BODY, RESULT, CHAIN, SIGNATURE],
        Ok("response ( data ) result chain signature end"),
    );
    check_order(&[RESPONSE, BODY, XML], Ok("response ( data ) fault end"));
    check_order(&[XML, ATTACHMENTS, XML], Ok("soap ( data ) fault end"));
    check_order(&[XML, XML], Ok("soap fault end"));
    check_order(&[XML], Ok("soap end"));
    check_order(&[], Ok("end"));
    check_order(
        &["Application/OCSP-Response; x=y", XML],
        Ok("ocsp soap end"),
    );
}

#[test]
fn refuses_parts_out_of_place() {
    check_order(&[XML, OCSP], Err("invalid_content_type"));
    check_order(&[REQUEST, OCSP], Err("invalid_content_type"));
    check_order(&[BODY], Err("invalid_content_type"));
    check_order(&[REQUEST, ATTACHMENTS], Err("invalid_content_type"));
    check_order(&[XML, BODY], Err("invalid_content_type"));
    check_order(&[REQUEST, CHAIN, RESULT], Err("invalid_content_type"));
    check_order(&[REQUEST, CHAIN, CHAIN], Err("invalid_content_type"));
    check_order(&[REQUEST, BODY, BODY], Err("invalid_content_type"));
    check_order(&[SIGNATURE], Err("invalid_content_type"));
    check_order(&[XML, XOP], Err("invalid_content_type"));
    check_order(&["text/plain"], Err("invalid_content_type"));
    check_order(&["no type"], Err("invalid_content_type"));
    check_order(&[REQUEST, SIGNATURE, SIGNATURE], Err("invalid_message"));
    check_order(&[REQUEST, SIGNATURE, XML], Err("invalid_message"));
    check_order(&[XML, XML, SIGNATURE], Err("invalid_message"));
    check_order(&[XML, "multipart/mixed"], Err("mime_parsing_failed"));
}

#[test]
fn a_message_in_place_of_the_signature_is_refused() {
    let input = format!(
        "--b\r\ncontent-type: {REQUEST}\r\n\r\nx\r\n--b\r\ncontent-type: text/xml\r\n\r\n<a/>\r\n--b--"
    );
    let error = decode("multipart/mixed; boundary=b", input.as_bytes(), &[3]).unwrap_err();
    assert_eq!(error.code(), "invalid_soap");
}

#[test]
fn needs_multipart_mixed_with_a_boundary() {
    for content_type in [
        "text/xml",
        "multipart/mixed",
        "multipart/related; boundary=b",
        "",
        "x",
    ] {
        let error = Decoder::new(content_type, &Limits::default()).unwrap_err();
        assert_eq!(error.code(), "invalid_content_type");
    }
    assert!(Decoder::new("Multipart/Mixed;Boundary=\"b\"", &Limits::default()).is_ok());
}

#[test]
fn bounds_every_part() {
    let limits = Limits {
        ocsp_bytes_max: 3,
        ocsp_parts_max: 2,
        soap_bytes_max: 3,
        rest_block_bytes_max: 3,
        hash_chain_bytes_max: 3,
        signature_bytes_max: 3,
        attachments_max: 2,
        content_bytes_max: 5,
        ..Limits::default()
    };
    let check = |parts: &[(&str, &str)], expected: Option<What>| {
        let mut input = Vec::new();
        let mut writer = crate::mime::Writer::new("b");
        for (content_type, body) in parts {
            writer.part_of_type(&mut input, content_type);
            input.extend_from_slice(body.as_bytes());
        }
        writer.end(&mut input);
        let mut decoder = Decoder::new("multipart/mixed; boundary=b", &limits).unwrap();
        decoder.push(input.into());
        let outcome = loop {
            match decoder.next_part() {
                Ok(Some(Part::End)) => break None,
                Ok(Some(_)) => {}
                Ok(None) => panic!("must end"),
                Err(Error::TooLarge { what, .. }) => break Some(what),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(outcome, expected);
        if outcome.is_some() {
            assert!(matches!(decoder.next_part(), Err(Error::Failed)));
        }
    };
    check(
        &[
            (OCSP, "123"),
            (OCSP, "123"),
            (REQUEST, "123"),
            (BODY, "12345"),
            (RESULT, "123"),
            (CHAIN, "123"),
            (SIGNATURE, "123"),
        ],
        None,
    );
    check(&[(OCSP, "1234")], Some(What::Ocsp));
    check(&[(OCSP, ""), (OCSP, ""), (OCSP, "")], Some(What::OcspParts));
    check(&[(XML, "1234")], Some(What::Soap));
    check(&[(REQUEST, "1234")], Some(What::RestBlock));
    check(&[(REQUEST, ""), (BODY, "123456")], Some(What::Content));
    check(&[(REQUEST, ""), (RESULT, "1234")], Some(What::HashChain));
    check(&[(REQUEST, ""), (CHAIN, "1234")], Some(What::HashChain));
    check(&[(REQUEST, ""), (SIGNATURE, "1234")], Some(What::Signature));
    let two = "--c\r\n\r\n123\r\n--c\r\n\r\n45\r\n--c--";
    let six = "--c\r\n\r\n123\r\n--c\r\n\r\n456\r\n--c--";
    let three = "--c\r\n\r\n\r\n--c\r\n\r\n\r\n--c\r\n\r\n\r\n--c--";
    check(&[(XML, ""), (ATTACHMENTS, two)], None);
    check(&[(XML, ""), (ATTACHMENTS, six)], Some(What::Content));
    check(&[(XML, ""), (ATTACHMENTS, three)], Some(What::Attachments));
}

#[test]
fn writes_a_rest_request_byte_for_byte() {
    let mut encoder = Encoder::new([0; 32]);
    assert_eq!(
        encoder.content_type(),
        format!("multipart/mixed; charset=UTF-8; boundary={BOUNDARY}")
    );
    let mut out = Vec::new();
    encoder.ocsp(&mut out, b"DER");
    encoder.rest_request(&mut out, b"BLOCK");
    encoder.rest_body_start(&mut out);
    out.extend_from_slice(b"{}");
    encoder.signature(&mut out, Some((b"RESULT", b"CHAIN")), b"SIGNATURE");
    encoder.end(&mut out);
    let expected = "--B\r\ncontent-type: application/ocsp-response\r\n\r\nDER\
        \r\n--B\r\ncontent-type: application/x-road-rest-request\r\n\r\nBLOCK\
        \r\n--B\r\ncontent-type: application/x-road-rest-body\r\n\r\n{}\
        \r\n--B\r\ncontent-type: application/hash-chain-result\r\n\r\nRESULT\
        \r\n--B\r\ncontent-type: application/hash-chain\r\n\r\nCHAIN\
        \r\n--B\r\ncontent-type: signature/bdoc-1.0/ts\r\n\r\nSIGNATURE\
        \r\n--B--\r\n"
        .replace("--B", &format!("--{BOUNDARY}"));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn writes_attachments_byte_for_byte() {
    let mut encoder = Encoder::new([0; 32]);
    let mut out = Vec::new();
    let headers = Headers(vec![
        ("Content-ID".into(), "<a>".into()),
        ("Content-Type".into(), "text/xml".into()),
    ]);
    encoder.soap_part(&mut out, &headers, SOAP.as_bytes());
    let headers = Headers(vec![
        ("Content-Type".into(), "a/b".into()),
        ("X-Y".into(), "z".into()),
    ]);
    encoder.attachment_start(&mut out, &headers);
    out.extend_from_slice(b"one");
    encoder.attachment_start(&mut out, &Headers::of_type("c/d"));
    out.extend_from_slice(b"two");
    encoder.signature(&mut out, None, b"SIGNATURE");
    encoder.end(&mut out);
    let expected = "--xtopA\r\ncontent-type: text/xml\r\nContent-ID: <a>\r\n\r\n<Envelope/>\
        \r\n--xtopA\r\ncontent-type: multipart/mixed; charset=UTF-8; boundary=xattA\r\n\r\n\
        \r\n--xattA\r\ncontent-type: a/b\r\nX-Y: z\r\n\r\none\
        \r\n--xattA\r\ncontent-type: c/d\r\n\r\ntwo\
        \r\n--xattA--\r\n\
        \r\n--xtopA\r\ncontent-type: signature/bdoc-1.0/ts\r\n\r\nSIGNATURE\
        \r\n--xtopA--\r\n"
        .replace("topA", &format!("top{}", "A".repeat(30)))
        .replace("attA", &format!("att{}", "A".repeat(30)));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_fault_closes_open_attachments() {
    let mut encoder = Encoder::new([7; 32]);
    let mut out = Vec::new();
    encoder.soap(&mut out, "text/xml", SOAP.as_bytes());
    encoder.attachment_start(&mut out, &Headers::of_type("a/b"));
    out.extend_from_slice(b"x");
    encoder.fault(&mut out, &fault());
    encoder.end(&mut out);
    let parts = decode(&encoder.content_type(), &out, &[11]).unwrap();
    let content = [
        Part::ContentStart(Headers::of_type("a/b")),
        Part::ContentData(Bytes::from_static(b"x")),
        Part::ContentEnd,
    ];
    assert_eq!(parts[0], soap("text/xml", SOAP));
    assert_eq!(parts[1..4], content);
    let Part::Fault(read) = &parts[4] else {
        panic!("no fault")
    };
    assert_eq!(read.code, fault().code);
    assert_eq!(parts[5], Part::End);
}

#[derive(Debug, Clone)]
struct Sample {
    ocsp: Vec<Vec<u8>>,
    soap: Option<Vec<u8>>,
    contents: Vec<Vec<u8>>,
    chain: Option<(Vec<u8>, Vec<u8>)>,
    signature: Vec<u8>,
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let bytes = || {
        proptest::collection::vec(
            prop_oneof![
                any::<u8>(),
                Just(b'\n'),
                Just(b'\r'),
                Just(b'-'),
                Just(b'x')
            ],
            0..60,
        )
    };
    (
        proptest::collection::vec(bytes(), 0..3),
        proptest::option::of(bytes()),
        proptest::collection::vec(bytes(), 0..3),
        proptest::option::of((bytes(), bytes())),
        bytes(),
    )
        .prop_map(|(ocsp, soap, mut contents, chain, signature)| {
            if soap.is_none() {
                contents.truncate(1);
            }
            Sample {
                ocsp,
                soap,
                contents,
                chain,
                signature,
            }
        })
}

proptest! {
    #[test]
    fn what_was_encoded_decodes_over_any_chunks(
        sample in any_sample(),
        random in any::<[u8; 32]>(),
        sizes in proptest::collection::vec(1_usize..50, 1..6),
    ) {
        let mut encoder = Encoder::new(random);
        let mut out = Vec::new();
        let mut expected = Vec::new();
        for der in &sample.ocsp {
            encoder.ocsp(&mut out, der);
            expected.push(Part::Ocsp(der.clone().into()));
        }
        match &sample.soap {
            Some(bytes) => {
                encoder.soap(&mut out, "text/xml; charset=UTF-8", bytes);
                expected.push(Part::Soap {
                    content_type: "text/xml; charset=UTF-8".into(),
                    headers: Headers::of_type("text/xml; charset=UTF-8"),
                    bytes: bytes.clone().into(),
                });
            }
            None => {
                encoder.rest_request(&mut out, b"BLOCK");
                expected.push(Part::RestRequest(Bytes::from_static(b"BLOCK")));
            }
        }
        for content in &sample.contents {
            let headers = match sample.soap {
                Some(_) => Headers::of_type("a/b; c=\"d\""),
                None => Headers::of_type("application/x-road-rest-body"),
            };
            match sample.soap {
                Some(_) => encoder.attachment_start(&mut out, &headers),
                None => encoder.rest_body_start(&mut out),
            }
            out.extend_from_slice(content);
            expected.push(Part::ContentStart(headers));
            if !content.is_empty() {
                expected.push(Part::ContentData(content.clone().into()));
            }
            expected.push(Part::ContentEnd);
        }
        let chain = sample.chain.as_ref().map(|(result, chain)| (result.as_slice(), chain.as_slice()));
        encoder.signature(&mut out, chain, &sample.signature);
        if let Some((result, chain)) = &sample.chain {
            expected.push(Part::HashChainResult(result.clone().into()));
            expected.push(Part::HashChain(chain.clone().into()));
        }
        expected.push(Part::Signature(sample.signature.clone().into()));
        expected.push(Part::End);
        encoder.end(&mut out);
        prop_assert_eq!(decode(&encoder.content_type(), &out, &sizes).unwrap(), expected);
    }
}
