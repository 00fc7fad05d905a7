use certs_keys::{Digest, DigestAlgorithm, KeyKind};
use proptest::prelude::*;

use super::*;
use crate::testing::{boundaries, directory, private, shared, signer, time};

const NOW: &str = "2030-01-02T03:00:00Z";

#[test]
fn writes_the_signed_octets_of_the_protocol_digests_vector() {
    let octets = directory(
        "DEV",
        &[(params::SHARED_PARAMETERS, "shared-params.xml", b"<x/>")],
    )
    .signed_octets(&boundaries())
    .unwrap();
    assert_eq!(octets.len(), 470);
    let digest = Digest::of(DigestAlgorithm::Sha256, &octets);
    let hex: String = digest
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "fbabb1860172008aaf4adcc52afe07b6c380db00688d37ec64ac578fe1d88c0f"
    );
}

/// Frames signed octets as `write` does, with another writer's habits.
fn framed(outer_head: &str, signed: &str, end: &str) -> Vec<u8> {
    format!(
        "{outer_head}--O{end}Content-Type: multipart/mixed; charset=UTF-8; boundary=I{end}{end}\
         {signed}{end}--O{end}content-type: application/octet-stream{end}\
         CONTENT-TRANSFER-ENCODING: base64{end}signature-algorithm-id: x{end}\
         verification-certificate-hash: AAAA;{end} hash-algorithm-id=y{end}{end}c2ln{end}--O--{end}"
    )
    .into_bytes()
}

#[track_caller]
fn check_frame(bytes: &[u8], signed: &str, entries: usize) {
    let outer = frame::outer(bytes).unwrap();
    assert_eq!(std::str::from_utf8(outer.signed.body).unwrap(), signed);
    let hash = outer
        .signature
        .headers
        .parametrized("verification-certificate-hash")
        .unwrap();
    assert_eq!(hash.parameter("hash-algorithm-id"), Some("y"));
    let inner = frame::inner(&outer.signed).unwrap();
    assert_eq!(inner.len(), entries);
    assert_eq!(
        inner[0].headers.value("expire-date"),
        Some("2030-01-02T03:04:05Z")
    );
    assert_eq!(inner[0].headers.value("version"), Some("6"));
}

#[test]
fn finds_the_signed_octets_whatever_the_line_ends() {
    for end in ["\r\n", "\n"] {
        let signed = format!(
            "--I{end}Expire-date: 2030-01-02T03:04:05Z{end}Version: 6{end}{end}\
             --I{end}Content-type: a{end}{end}body{end}--I--{end}"
        );
        let head = format!("Content-Type: multipart/related; boundary=O{end}{end}");
        check_frame(&framed(&head, &signed, end), &signed, 2);
    }
}

#[test]
fn reads_the_frame_of_a_configuration_proxy() {
    // Line feeds in the first header only, folded and quoted; a full blank line after the dates.
    let signed = "--I\r\nexpire-date: 2030-01-02T03:04:05Z\r\nVersion: 6\r\n\r\n\r\n\
                  --I\r\ncontent-type: a\r\n\r\nbody\r\n--I--\r\n";
    let head = "content-type: multipart/related; type=\"multipart/mixed\";\n charset=UTF-8; boundary=\"O\"\n\n";
    check_frame(&framed(head, signed, "\r\n"), signed, 2);
}

#[test]
fn refuses_signed_octets_that_begin_with_anything_but_their_boundary() {
    let signed = "--J\r\nExpire-date: 2030-01-02T03:04:05Z\r\n\r\n--J--\r\n\
                  --I\r\nExpire-date: 2090-01-02T03:04:05Z\r\n\r\n--I--\r\n";
    let bytes = framed(
        "Content-Type: multipart/related; boundary=O\r\n\r\n",
        signed,
        "\r\n",
    );
    let outer = frame::outer(&bytes).unwrap();
    assert!(matches!(
        frame::inner(&outer.signed),
        Err(Error::Malformed {
            what: "the text around the signed entries"
        })
    ));
}

#[test]
fn refuses_a_frame_with_a_third_part_or_without_its_end() {
    let head = "Content-Type: multipart/related; boundary=O\r\n\r\n";
    let part = "--O\r\nContent-type: application/octet-stream\r\n\
                Content-transfer-encoding: base64\r\n\r\nAAAA\r\n";
    let two = format!("{head}{part}{part}");
    assert!(frame::outer(format!("{two}--O--\r\n").as_bytes()).is_ok());
    assert!(frame::outer(format!("{two}{part}--O--\r\n").as_bytes()).is_err());
    assert!(frame::outer(two.as_bytes()).is_err());
}

#[track_caller]
fn check_instance(text: &str, expected: Option<&str>) {
    let block = format!("Content-identifier: {text}");
    let headers = header::Headers::parse(block.lines().map(str::as_bytes)).unwrap();
    let found = headers.parametrized("content-identifier");
    assert_eq!(
        found
            .ok()
            .as_ref()
            .and_then(|found| found.parameter("instance")),
        expected
    );
}

#[test]
fn reads_parameters_in_every_quoting() {
    check_instance("SHARED-PARAMETERS; instance='DEV'", Some("DEV"));
    check_instance("SHARED-PARAMETERS; instance=\"DEV\"", Some("DEV"));
    check_instance("SHARED-PARAMETERS;instance=DEV", Some("DEV"));
    check_instance("SHARED-PARAMETERS; instance=DEV ; other=1", Some("DEV"));
    check_instance(
        "SHARED-PARAMETERS; other='a;b'; instance=\"a;\\\"b\"",
        Some("a;\"b"),
    );
    check_instance("SHARED-PARAMETERS; instance='it's'", Some("it's"));
    check_instance("SHARED-PARAMETERS; instance='a;b'", Some("a;b"));
    check_instance("SHARED-PARAMETERS; instance=''", Some(""));
    check_instance("SHARED-PARAMETERS; Instance='DEV'", None);
    check_instance("SHARED-PARAMETERS; instance='DEV", None);
    check_instance("SHARED-PARAMETERS; instance=\"DEV", None);
    check_instance("SHARED-PARAMETERS; instance=\"DEV\"x", None);
    check_instance("SHARED-PARAMETERS; instance=A; instance=B", None);
    check_instance("SHARED-PARAMETERS", None);
}

#[test]
fn refuses_a_header_that_stands_twice() {
    let lines = ["Version: 6".as_bytes(), b"version: 5"];
    assert!(matches!(
        header::Headers::parse(lines.into_iter()),
        Err(Error::DuplicateHeader { header }) if header == "version"
    ));
}

fn sample() -> (Directory, Vec<u8>, Vec<u8>) {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let shared = shared("DEV", &certificate)
        .to_xml(Version::CURRENT)
        .unwrap();
    let private = private("DEV").to_xml();
    let directory = directory(
        "DEV",
        &[
            (params::PRIVATE_PARAMETERS, "private-params.xml", &private),
            (params::SHARED_PARAMETERS, "shared-params.xml", &shared),
        ],
    );
    (directory, private, shared)
}

#[test]
fn verifies_what_it_signed_with_every_kind_of_key() {
    let (directory, private, shared) = sample();
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let (key, certificate) = signer("internalSigningKey", kind);
        let (_, other) = signer("other", KeyKind::P256);
        let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
        let verified = verify(&bytes, &[other, certificate.clone()], time(NOW)).unwrap();
        assert_eq!(verified.version(), Version::CURRENT);
        assert_eq!(verified.expires_at(), time("2030-01-02T03:04:05Z"));
        assert_eq!(verified.signer(), &certificate);
        let [first, second] = verified.parts() else {
            panic!("two parts")
        };
        assert_eq!(first.identifier(), params::PRIVATE_PARAMETERS);
        assert_eq!(first.instance(), "DEV");
        assert!(matches!(
            first.check(private.clone()).unwrap().content(),
            Content::Private(_)
        ));
        assert!(matches!(
            second.check(shared.clone()).unwrap().content(),
            Content::Shared(_)
        ));
        assert!(matches!(
            second.check(private.clone()),
            Err(Error::WrongDigest { .. })
        ));
    }
}

#[test]
fn refuses_a_signer_that_the_location_does_not_name() {
    let (directory, ..) = sample();
    let (key, certificate) = signer("a", KeyKind::P256);
    let (_, other) = signer("a", KeyKind::P256);
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    let error = verify(&bytes, &[other], time(NOW)).unwrap_err();
    assert!(matches!(error, Error::UnknownSigner));
    assert_eq!(error.code(), "global_conf_missing_verification_cert");
}

#[test]
fn refuses_a_directory_signed_by_another_key_than_its_certificate_says() {
    let (directory, ..) = sample();
    let (key, _) = signer("a", KeyKind::P256);
    let (_, certificate) = signer("a", KeyKind::P256);
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    let error = verify(&bytes, &[certificate], time(NOW)).unwrap_err();
    assert!(matches!(error, Error::Signature(_)));
}

#[test]
fn refuses_a_directory_after_its_expiry_and_not_before() {
    let (directory, ..) = sample();
    let (key, certificate) = signer("a", KeyKind::P256);
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    let certificates = [certificate];
    assert!(verify(&bytes, &certificates, time("2030-01-02T03:04:05Z")).is_ok());
    let error = verify(&bytes, &certificates, time("2030-01-02T03:04:06Z")).unwrap_err();
    assert!(matches!(error, Error::Outdated { .. }));
    assert_eq!(error.code(), "global_conf_outdated");
}

#[test]
fn refuses_every_change_of_a_signed_octet() {
    let (directory, ..) = sample();
    let (key, certificate) = signer("a", KeyKind::P256);
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    let signed = directory.signed_octets(&boundaries()).unwrap();
    let start = bytes
        .windows(signed.len())
        .position(|window| window == signed)
        .unwrap();
    let certificates = [certificate];
    for at in (start..start + signed.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(
            verify(&changed, &certificates, time(NOW)).is_err(),
            "octet {at}"
        );
    }
}

#[test]
fn refuses_a_wellknown_part_of_another_instance_than_announced() {
    let (_, _, shared) = sample();
    let directory = directory(
        "OTHER",
        &[(params::SHARED_PARAMETERS, "shared-params.xml", &shared)],
    );
    let (key, certificate) = signer("a", KeyKind::P256);
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    let verified = verify(&bytes, &[certificate], time(NOW)).unwrap();
    assert!(matches!(
        verified.parts()[0].check(shared),
        Err(Error::Part {
            source: params::Error::Instance { .. },
            ..
        })
    ));
}

#[test]
fn knows_an_older_directory_from_one_of_a_neighbour_node() {
    let (directory, ..) = sample();
    let (key, certificate) = signer("a", KeyKind::P256);
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    let verified = verify(&bytes, &[certificate], time(NOW)).unwrap();
    assert!(!verified.is_older(time("2030-01-02T03:04:05Z")));
    assert!(!verified.is_older(time("2030-01-02T03:06:05Z")));
    assert!(verified.is_older(time("2030-01-02T03:06:06Z")));
}

#[test]
fn writes_no_header_that_could_be_read_as_another() {
    let mut directory = directory("DEV", &[("A", "a.xml", b"")]);
    directory.parts[0].instance = "a'\r\nContent-location: /evil".to_owned();
    assert!(matches!(
        directory.signed_octets(&boundaries()),
        Err(Error::Unwritable {
            what: "the instance identifier"
        })
    ));
}

proptest! {
    #[test]
    fn never_panics_on_any_octets(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = verify(&bytes, &[], time(NOW));
        let entity = Entity { headers: header::Headers::default(), body: &bytes };
        let _ = frame::inner(&entity);
    }

    #[test]
    fn never_panics_on_octets_that_look_like_a_directory(text in directory_like()) {
        let _ = verify(text.as_bytes(), &[], time(NOW));
        let headers = header::Headers::parse(
            [b"Content-Type: multipart/mixed; boundary=I".as_slice()].into_iter(),
        )
        .unwrap();
        let _ = frame::inner(&Entity { headers, body: text.as_bytes() });
    }

    #[test]
    fn reads_back_any_instance_it_writes(instance in "[ -~]{1,30}") {
        prop_assume!(instance.trim() == instance);
        let octets = directory(&instance, &[("X", "x.xml", b"x")])
            .signed_octets(&boundaries())
            .unwrap();
        let headers = header::Headers::parse(
            [b"Content-Type: multipart/mixed; boundary=iiiiiiiiiiiiiiiiiiii".as_slice()].into_iter(),
        )
        .unwrap();
        let entries = frame::inner(&Entity { headers, body: &octets }).unwrap();
        let at = entries.iter().skip(1).map(|e| {
            part_entry(e, Version::CURRENT, time(NOW)).unwrap().instance
        });
        prop_assert_eq!(at.collect::<Vec<_>>(), vec![instance]);
    }
}

fn directory_like() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("--O"),
        Just("--O--"),
        Just("--I"),
        Just("--I--"),
        Just("\r\n"),
        Just("\n"),
        Just("\r"),
        Just("Content-Type: multipart/related; boundary=O"),
        Just("Content-Type: multipart/mixed; boundary=I"),
        Just("Expire-date: 2030-01-02T03:04:05Z"),
        Just("Content-type: application/octet-stream"),
        Just("Content-transfer-encoding: base64"),
        Just("Hash-algorithm-id: http://www.w3.org/2001/04/xmlenc#sha512"),
        Just("Signature-algorithm-id: http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
        Just("Content-identifier: A; instance='"),
        Just(" "),
        Just(";"),
        Just("é"),
    ];
    proptest::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}
