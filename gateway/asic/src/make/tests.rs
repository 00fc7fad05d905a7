use std::io;

use super::*;
use crate::sealed::{now, parts, seals};
use crate::zip::{Archive, Limits};

fn signed(is_batch: bool, is_stamped_in_batch: bool, attachments: &[&str]) -> Signed {
    let mut messages = vec![parts("message", attachments)];
    if is_batch {
        messages.push(parts("other", &[]));
    }
    let seal = seals(&messages).remove(0);
    let token = Bytes::from_static(b"\x30\x03\x02\x01\x07");
    Signed {
        message: "message".into(),
        signature: seal.signature,
        chain: seal.chain,
        stamp: match is_stamped_in_batch {
            false => Stamped::Single { token },
            true => Stamped::Batch {
                token,
                result: "the result".into(),
                chain: "the chain".into(),
            },
        },
        time: now(),
    }
}

fn written(signed: &Signed, attachments: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut attachments = attachments.iter().map(|text| {
        let content: Box<dyn Read> = Box::new(text.as_bytes());
        (u64::try_from(text.len()).unwrap(), content)
    });
    let bytes = write(signed, &mut attachments, &mut out).unwrap();
    assert_eq!(bytes, u64::try_from(out.len()).unwrap());
    out
}

/// Names and contents; all of the time of the record.
fn read(octets: Vec<u8>) -> Vec<(String, Bytes)> {
    let archive = Archive::open(octets, &Limits::CONTAINER).unwrap();
    assert_eq!(
        archive.comment(),
        b"mimetype=application/vnd.etsi.asic-e+zip"
    );
    let entries = archive.entries().iter();
    entries
        .map(|entry| {
            assert_eq!(entry.time(), Some(now()));
            (entry.name().to_owned(), archive.read(entry).unwrap())
        })
        .collect()
}

#[test]
fn a_container_has_all_files_in_the_order_of_other_nodes() {
    let attachments = ["first", "second"];
    let signed = signed(true, true, &attachments);
    let found = read(written(&signed, &attachments));
    let (result, chain) = signed.chain.clone().unwrap();
    let expected: [(&str, &[u8]); 12] = [
        ("mimetype", b"application/vnd.etsi.asic-e+zip"),
        ("message.xml", b"message"),
        ("META-INF/signatures.xml", &signed.signature),
        ("sig-hashchainresult.xml", &result),
        ("sig-hashchain.xml", &chain),
        ("ts-hashchainresult.xml", b"the result"),
        ("ts-hashchain.xml", b"the chain"),
        (
            "META-INF/manifest.xml",
            br#"<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">
    <manifest:file-entry manifest:media-type="application/vnd.etsi.asic-e+zip" manifest:full-path="/"/>
    <manifest:file-entry manifest:media-type="text/xml" manifest:full-path="sig-hashchain.xml"/>
    <manifest:file-entry manifest:media-type="text/xml" manifest:full-path="message.xml"/>
    <manifest:file-entry manifest:media-type="text/xml" manifest:full-path="ts-hashchainresult.xml"/>
    <manifest:file-entry manifest:media-type="text/xml" manifest:full-path="sig-hashchainresult.xml"/>
    <manifest:file-entry manifest:media-type="text/xml" manifest:full-path="ts-hashchain.xml"/>
    <manifest:file-entry manifest:media-type="application/octet-stream" manifest:full-path="attachment1"/>
    <manifest:file-entry manifest:media-type="application/octet-stream" manifest:full-path="attachment2"/>
</manifest:manifest>
"#,
        ),
        (
            "META-INF/ASiCManifest.xml",
            br#"<?xml version="1.0" encoding="utf-8"?>
<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/2918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
<asic:SigReference URI="META-INF/timestamp.tst" MimeType="vnd.etsi.timestamp-token"/>
<asic:DataObjectReference URI="ts-hashchainresult.xml" MimeType="text/xml">
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512" />
<ds:DigestValue>73ikWSoJU9W30do+aQuWPPH73luQwhiEPq5NxkACY+Ol1QlCdcm5thoijefkCOOjGv+hdWqwCD5vIb1Y7oZaXA==</ds:DigestValue>
</asic:DataObjectReference>
</asic:ASiCManifest>"#,
        ),
        ("META-INF/timestamp.tst", b"\x30\x03\x02\x01\x07"),
        ("attachment1", b"first"),
        ("attachment2", b"second"),
    ];
    assert_eq!(found.len(), expected.len());
    for ((name, content), (expected_name, expected)) in found.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert_eq!(
            String::from_utf8_lossy(content),
            String::from_utf8_lossy(expected)
        );
    }
}

#[test]
fn a_single_time_stamp_goes_into_the_signature() {
    let signed = signed(false, false, &[]);
    let found = read(written(&signed, &[]));
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "mimetype",
            "message.xml",
            "META-INF/signatures.xml",
            "META-INF/manifest.xml"
        ]
    );
    let stamped = stamping::embed(&signed.signature, b"\x30\x03\x02\x01\x07").unwrap();
    assert_eq!(found[2].1, stamped);
    let manifest = str::from_utf8(&found[3].1).unwrap();
    assert_eq!(manifest.matches("file-entry").count(), 2);
}

#[test]
fn signature_and_time_stamp_are_single_or_in_a_batch_independently() {
    for (is_batch, is_stamped_in_batch, count) in [
        (false, false, 4),
        (true, false, 6),
        (false, true, 8),
        (true, true, 10),
    ] {
        let signed = signed(is_batch, is_stamped_in_batch, &[]);
        let found = read(written(&signed, &[]));
        assert_eq!(found.len(), count);
        let has = |name: &str| found.iter().any(|(found, _)| found == name);
        assert_eq!(has("sig-hashchain.xml"), is_batch);
        assert_eq!(has("sig-hashchainresult.xml"), is_batch);
        for name in [
            "ts-hashchain.xml",
            "ts-hashchainresult.xml",
            "META-INF/ASiCManifest.xml",
            "META-INF/timestamp.tst",
        ] {
            assert_eq!(has(name), is_stamped_in_batch, "{name}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_octets() {
    let signed = signed(true, true, &["a"]);
    let text = "words and words ".repeat(10_000);
    assert_eq!(written(&signed, &[&text]), written(&signed, &[&text]));
}

#[test]
fn refuses_a_signature_that_has_a_time_stamp_already() {
    let mut signed = signed(false, false, &[]);
    signed.signature = stamping::embed(&signed.signature, b"token").unwrap();
    let error = write(&signed, &mut std::iter::empty(), io::sink()).unwrap_err();
    assert!(matches!(
        error,
        Error::Stamping(stamping::Error::AlreadyStamped)
    ));
}

#[test]
fn refuses_attachments_of_another_length_or_that_cannot_be_read() {
    let signed = signed(true, true, &["a"]);
    let write = |bytes, content: Box<dyn Read>| {
        write(&signed, &mut std::iter::once((bytes, content)), io::sink())
    };
    for (said, actual) in [(4, 5), (6, 5), (0, 1)] {
        let error = write(said, Box::new(&b"12345"[..])).unwrap_err();
        assert!(
            matches!(
                error,
                Error::AttachmentLength { number: 1, expected, actual: found }
                if expected == said && found == actual
            ),
            "{error}"
        );
    }
    // Not read to its end when it has none.
    let error = write(10, Box::new(io::repeat(7))).unwrap_err();
    assert!(matches!(error, Error::AttachmentLength { .. }));

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let error = write(10, Box::new(Broken)).unwrap_err();
    assert!(matches!(error, Error::Zip(crate::zip::Error::Io(_))));
}
