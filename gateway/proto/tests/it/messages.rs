//! What clients send (`.query`) and services answer (`.answer`).

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::Limits;
use gateway_proto::soap::multipart::{Decoder, Part};
use gateway_proto::soap::{Error, Message, Parsed, check_echo, parse};

/// What a file must give: a message, a fault, or an error with this code.
enum Expected {
    Message,
    Fault(&'static str),
    Refused(&'static str),
}

fn expected(name: &str) -> Expected {
    let (stem, kind) = name.rsplit_once('.').unwrap();
    match (stem, kind) {
        (
            "simple" | "attachm" | "attachm2" | "attachm-mtom" | "getstate-defaultnamespace"
            | "getstate-subsystem" | "simple-representedparty" | "nowhitespace" | "cdata",
            "query" | "answer",
        )
        // The member is unknown only to the configuration.
        | ("missing-org", "query")
        | ("requesthash", "answer") => Expected::Message,
        ("customfault", "answer") => Expected::Fault("foo:FOOCODE"),
        ("malformed-body1", "query") => Expected::Refused("invalid_body"),
        ("missing-body", "query") => Expected::Refused("missing_body"),
        ("missing-protocolVersion" | "faulty-header", "query") => {
            Expected::Refused("missing_header_field")
        }
        ("wrong-protocolVersion", "query") => Expected::Refused("invalid_protocol_version"),
        ("no-header", "query") => Expected::Refused("missing_header"),
        ("inconsistent-headers", "query") => Expected::Refused("inconsistent_headers"),
        // Its second boundary line continues the first: the envelope never ends.
        ("faulty-multipart", "query") => Expected::Refused("invalid_soap"),
        _ => panic!("nothing is known of {name}"),
    }
}

/// Reads a plain or multipart body; the envelope's outcome and the attachments.
fn read(body: &[u8], chunk: usize) -> Result<(Parsed, Vec<Vec<u8>>), Error> {
    let limits = Limits::default();
    if !body.starts_with(b"--") {
        let parsed = parse(Bytes::copy_from_slice(body), "text/xml", &limits)?;
        return Ok((parsed, Vec::new()));
    }
    let mut decoder = Decoder::new(&super::first_boundary(body), &limits)?;
    let mut chunks = body.chunks(chunk);
    let mut parsed = None;
    let mut attachments: Vec<Vec<u8>> = Vec::new();
    loop {
        match decoder.next_part()? {
            Some(Part::Soap {
                content_type,
                bytes,
                ..
            }) => {
                parsed = Some(parse(bytes, &content_type, &limits)?);
            }
            Some(Part::AttachmentStart(_)) => attachments.push(Vec::new()),
            Some(Part::AttachmentData(data)) => {
                attachments.last_mut().unwrap().extend_from_slice(&data);
            }
            Some(Part::AttachmentEnd) => {}
            Some(Part::End) => return Ok((parsed.unwrap(), attachments)),
            None => match chunks.next() {
                Some(chunk) => decoder.push(Bytes::copy_from_slice(chunk)),
                None => decoder.finish(),
            },
        }
    }
}

fn message(body: &[u8]) -> (Message, Vec<Vec<u8>>) {
    match read(body, 1 << 16).unwrap() {
        (Parsed::Message(message), attachments) => (message, attachments),
        (Parsed::Fault(fault), _) => panic!("{fault:?}"),
    }
}

#[test]
fn every_message_has_the_verdict_of_its_name() {
    let Some(files) = super::vectors("messages") else {
        return;
    };
    for (name, body) in &files {
        for chunk in [1, 100, 1 << 16] {
            match (expected(name), read(body, chunk)) {
                (Expected::Message, Ok((Parsed::Message(_), _))) => {}
                (Expected::Fault(code), Ok((Parsed::Fault(fault), _))) => {
                    assert_eq!(fault.code.as_str(), code, "{name}");
                    assert_eq!(fault.to_xml(), body.as_slice(), "{name}");
                }
                (Expected::Refused(code), Err(error)) => assert_eq!(error.code(), code, "{name}"),
                (_, other) => panic!("{name}: {:?}", other.map(|(parsed, _)| parsed)),
            }
        }
    }
}

#[test]
fn answers_take_the_request_hash_and_repeat_the_header_of_their_query() {
    let Some(files) = super::vectors("messages") else {
        return;
    };
    let mut pairs = 0;
    for (name, answer) in files.iter().filter(|(name, _)| name.ends_with(".answer")) {
        if !matches!(expected(name), Expected::Message) {
            continue;
        }
        let (answer, _) = message(answer);
        let hash = Digest::of(DigestAlgorithm::Sha512, name.as_bytes());
        let bound = answer.with_request_hash(&hash);
        let (again, _) = message(bound.bytes());
        assert_eq!(again.header(), bound.header(), "{name}");
        assert_eq!(again.body(), answer.body(), "{name}");

        let query = name.replace(".answer", ".query");
        if let Some((_, query)) = files.iter().find(|(other, _)| *other == query) {
            let (query, _) = message(query);
            // This one is made to answer another query.
            let expected = if name == "attachm-mtom.answer" {
                Err("id")
            } else {
                Ok(())
            };
            assert_eq!(
                check_echo(query.header(), bound.header()),
                expected,
                "{name}"
            );
            pairs += 1;
        }
    }
    assert!(pairs >= 6, "{pairs} pairs");
}

#[test]
fn attachments_are_opaque() {
    let Some(files) = super::vectors("messages") else {
        return;
    };
    let of = |name: &str| message(&files.iter().find(|(other, _)| other == name).unwrap().1);
    let (_, attachments) = of("attachm-mtom.query");
    assert_eq!(attachments, [b"foobar"]);
    let (_, attachments) = of("attachm2.query");
    assert_eq!(attachments.len(), 1);
    assert!(attachments[0].starts_with(b"--jetty1627004719h3h10du0\n"));
    assert!(attachments[0].ends_with(b"--jetty1627004719h3h10du0--\n"));
    let (party, _) = of("simple-representedparty.query");
    assert!(
        party
            .header()
            .represented_party
            .as_ref()
            .unwrap()
            .code
            .is_some()
    );
}
