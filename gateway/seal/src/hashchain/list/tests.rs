use super::*;
use crate::encoding::base64;

fn sha256(text: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha256, text.as_bytes())
}

fn hex(digest: &Digest) -> String {
    digest
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn lists_two_digests_as_documented() {
    let (one, two) = (sha256("one"), sha256("two"));
    let uri = DigestAlgorithm::Sha256.uri();
    let der = digest_list([(one.as_bytes(), uri), (two.as_bytes(), uri)].into_iter());
    assert_eq!(der.len(), 161);
    let mut expected = vec![0x30, 0x81, 0x9e];
    for digest in [one, two] {
        expected.extend([0x30, 0x4d, 0x04, 0x20]);
        expected.extend(digest.as_bytes());
        expected.extend([0x0c, 0x27]);
        expected.extend(uri.as_bytes());
        expected.extend([0x30, 0x00]);
    }
    assert_eq!(der, expected);
}

#[test]
fn writes_every_length_in_its_shortest_form() {
    let length = |bytes: usize| {
        let mut output = Vec::new();
        push_value(&mut output, SEQUENCE, &vec![0; bytes]);
        output[1..output.len() - bytes].to_vec()
    };
    assert_eq!(length(0), [0]);
    assert_eq!(length(0x7f), [0x7f]);
    assert_eq!(length(0x80), [0x81, 0x80]);
    assert_eq!(length(0xff), [0x81, 0xff]);
    assert_eq!(length(0x100), [0x82, 1, 0]);
    assert_eq!(length(0x1_0000), [0x83, 1, 0, 0]);
}

#[test]
fn hashes_the_steps_of_the_published_vectors() {
    assert_eq!(
        hex(&step(&[sha256("one"), sha256("two")])),
        "3004523f337d65e140f9af7fc81c4f93222fff3dfa00ff06a90cc46c55bf97ce"
    );
    assert_eq!(
        hex(&step(&[sha256("three"), sha256("four")])),
        "08975db8f5b37600f43ddc2c3641dd0274bac10830d8e92be69fbebb85adfa49"
    );
}

/// The vector has single octets where digests stand, so it goes below [`step`].
#[test]
fn hashes_a_list_of_four_as_the_reference_implementation_asserts() {
    let uri = DigestAlgorithm::Sha256.uri();
    let octets: [&[u8]; 4] = [&[0x0b], &[0x0c], &[0x0d], &[0x0e]];
    let der = digest_list(octets.into_iter().map(|octets| (octets, uri)));
    let digest = Digest::of(DigestAlgorithm::Sha256, &der);
    assert_eq!(
        base64(digest.as_bytes()),
        "v3CBVgjKmzZT5hnJ6vj6waqBazZe334tdEoNiL2oM5E="
    );
}

#[test]
fn hashes_the_parts_of_a_rest_message_as_published() {
    let digest = |text: &str| {
        let octets = crate::encoding::from_base64(text).unwrap();
        Digest::from_bytes(DigestAlgorithm::Sha512, &octets).unwrap()
    };
    let message = digest(
        "66maC58/1pP2aItYMvGfw0LRz9viEfljHa31TQgsu4F5lIJkL0NG9BS0K4hYRspyiFudQDzgFSmVJkw03/wdBA==",
    );
    let body = digest(
        "ybwGMBy+7m/Hfb++aZZqpHMvJVOmD1S6zqfUVDyGUG6UaHXQbnmnZH2+PagYEea5F6Abfnevo2tvy7FamxgKkA==",
    );
    assert_eq!(
        base64(step(&[message, body]).as_bytes()),
        "Ff0IQ5VQZBEv/4GPceZNByNrUpng39suS9O3CqTgM157TO/XGpiFQXovXTKyyJtjzq6H7pRXkFWyY5eGc4yBXA=="
    );
}
