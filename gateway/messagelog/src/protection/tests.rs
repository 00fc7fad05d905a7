//! Sealed entries and files: the inverse, and everything that must not open.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, SecretKey};
use proptest::prelude::any;
use proptest::{collection, proptest};

use super::file::{CHUNK_BYTES, HEADER_BYTES, chunk_offset};
use super::{Protection, belongs, plain, stored};
use crate::bodies::{Bodies, BodyFile};
use crate::record::{decode, encode_message, keys, tests::record};
use crate::retention::Recent;
use crate::{Content, Error};

fn protection(ids: &[&str]) -> Protection {
    // The same name stands for the same key.
    let key = |id: &str| SecretKey::from_bytes([id.len() as u8; 32]).derive(b"", id.as_bytes());
    Protection::new(ids.iter().map(|id| ((*id).to_owned(), key(id)))).unwrap()
}

#[track_caller]
fn check_unopened(stored: &Bytes, protection: Option<&Protection>, expected: &str) {
    let error = plain(stored, protection).unwrap_err();
    assert_eq!(format!("{error:?}"), expected);
}

#[test]
fn an_entry_opens_with_its_key_and_no_other() {
    let entry = encode_message(&record());
    let a = protection(&["a"]);
    let sealed = stored(entry.clone(), Some(&a)).unwrap();
    assert_eq!(plain(&sealed, Some(&a)).unwrap(), entry);
    check_unopened(&sealed, None, "KeyMissing { key_id: \"a\" }");
    let b = protection(&["b"]);
    check_unopened(&sealed, Some(&b), "KeyMissing { key_id: \"a\" }");
    let renamed = Protection::new([("a".to_owned(), SecretKey::generate())]).unwrap();
    check_unopened(&sealed, Some(&renamed), "NotOpened { key_id: \"a\" }");
    assert!(decode(&sealed, &Bodies::at(Path::new("nowhere"), Some(a.clone()))).is_ok());
    assert!(keys(&sealed, Some(&a)).is_ok());
    assert!(matches!(keys(&sealed, None), Err(Error::KeyMissing { .. })));
}

#[test]
fn the_first_key_seals_and_all_open() {
    let entry = encode_message(&record());
    let before = stored(entry.clone(), Some(&protection(&["old"]))).unwrap();
    let rotated = protection(&["new", "old"]);
    let after = stored(entry.clone(), Some(&rotated)).unwrap();
    // What was never sealed is read as it is.
    for bytes in [&before, &after, &entry] {
        assert_eq!(plain(bytes, Some(&rotated)).unwrap(), entry);
    }
    check_unopened(
        &after,
        Some(&protection(&["old"])),
        "KeyMissing { key_id: \"new\" }",
    );
}

#[test]
fn the_same_entry_is_never_sealed_the_same_way() {
    let entry = encode_message(&record());
    let a = protection(&["a"]);
    let (one, two) = (
        a.seal(entry.to_vec()).unwrap(),
        a.seal(entry.to_vec()).unwrap(),
    );
    let tail = |bytes: &Bytes| bytes.slice(bytes.len() - 32..);
    assert_ne!(tail(&one), tail(&two));
    let part = b"<message/>";
    assert!(!one.windows(part.len()).any(|window| window == part));
}

#[test]
fn stored_and_plain_entry_are_compared_without_a_key() {
    let entry = encode_message(&record());
    let sealed = stored(entry.clone(), Some(&protection(&["a"]))).unwrap();
    let mut other = entry.to_vec();
    other[40] ^= 1;
    assert!(belongs(&sealed, &entry) && belongs(&entry, &entry));
    assert!(!belongs(&sealed, &other) && !belongs(&entry, &other));
    assert!(!belongs(&sealed, &sealed) && !belongs(b"", b""));
}

#[test]
fn an_entry_under_a_false_commitment_does_not_open() {
    let a = protection(&["a"]);
    let entry = encode_message(&record());
    let mut bytes = a.seal(entry.to_vec()).unwrap().to_vec();
    let commitment = super::sha256(&entry);
    let at = bytes
        .windows(32)
        .position(|window| window == commitment)
        .unwrap();
    bytes[at..at + 32].copy_from_slice(&super::sha256(b"another"));
    check_unopened(&bytes.into(), Some(&a), "NotOpened { key_id: \"a\" }");
}

#[test]
fn refuses_keys_without_a_usable_name() {
    let check = |ids: &[&str]| {
        let keys = ids
            .iter()
            .map(|id| ((*id).to_owned(), SecretKey::generate()));
        matches!(Protection::new(keys), Err(Error::Key { .. }))
    };
    assert!(check(&[]) && check(&[""]) && check(&["a b"]) && check(&["ə"]));
    assert!(check(&[&"x".repeat(33)]) && check(&["a", "b", "a"]));
    assert!(!check(&[&"x".repeat(32)]) && !check(&["2026-01/a", "b"]));
}

#[test]
fn shows_names_only() {
    assert_eq!(format!("{:?}", protection(&["a", "b"])), r#"["a", "b"]"#);
}

proptest! {
    #[test]
    fn any_entry_comes_back_and_no_change_goes_unseen(
        body in collection::vec(any::<u8>(), 0..300),
        at in any::<proptest::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let a = protection(&["a"]);
        let sealed = a.seal(body.clone()).unwrap();
        assert_eq!(plain(&sealed, Some(&a)).unwrap(), body);
        assert!(belongs(&sealed, &body));
        let at = at.index(sealed.len());
        let check = |bytes: Vec<u8>| {
            // What says of itself to be plain is judged by whoever reads it.
            let says_plain = bytes.get(..3) == Some(&[0x83, 1, 0]);
            assert_eq!(plain(&bytes.into(), Some(&a)).is_ok(), says_plain);
        };
        let mut changed = sealed.to_vec();
        changed[at] ^= 1 << bit;
        check(changed);
        check(sealed[..at].to_vec());
        let mut longer = sealed.to_vec();
        longer.insert(at, 0);
        check(longer);
        check([&sealed[..], &[0]].concat());
    }

    #[test]
    fn bytes_from_anywhere_are_no_entry_or_refused(bytes in collection::vec(any::<u8>(), 0..200)) {
        let _ = plain(&bytes.clone().into(), Some(&protection(&["a"])));
        let _ = belongs(&bytes, &bytes);
    }
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 % 251) as u8).collect()
}

/// A content in a file as a durable record would name it.
fn written(bodies: &Bodies, bytes: &[u8], piece: usize) -> (String, Digest) {
    let mut writer = bodies.create().unwrap();
    for piece in bytes.chunks(piece.max(1)) {
        writer.write(piece).unwrap();
    }
    let file = writer.finish().unwrap();
    file.settle().unwrap();
    file.mark_named();
    (
        file.name().to_owned(),
        Digest::of(DigestAlgorithm::Sha512, bytes),
    )
}

fn opened(bodies: &Bodies, name: &str, length: usize, digest: Digest) -> Content {
    let file: BodyFile = bodies.open_named(name, true).unwrap();
    Content::in_file(file, length as u64, digest)
}

/// Everything in the file, or why not.
fn read(content: &Content) -> Result<Vec<u8>, Error> {
    let digest = content.digest_again()?;
    assert_eq!(digest, *content.digest(), "opened, but other bytes");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut reader, mut all) = (content.reader(), Vec::new());
        while let Some(chunk) = reader.next_chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    })
}

#[test]
fn files_of_all_lengths_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(dir.path(), Some(protection(&["a"])), Recent::default()).unwrap();
    for length in [
        0,
        1,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        2 * CHUNK_BYTES,
        3 * CHUNK_BYTES + 5,
    ] {
        let bytes = noise(length);
        for piece in [1 << 20, CHUNK_BYTES, 10_007] {
            let (name, digest) = written(&bodies, &bytes, piece);
            let content = opened(&bodies, &name, length, digest);
            assert_eq!(read(&content).unwrap(), bytes);
            let stored = fs::read(dir.path().join(format!("{name}.body"))).unwrap();
            let chunks = length.div_ceil(CHUNK_BYTES).max(1);
            assert_eq!(stored.len(), HEADER_BYTES + length + 16 * chunks);
            let start = &bytes[..length.min(40)];
            assert!(start.len() < 40 || !stored.windows(40).any(|window| window == start));
        }
    }
}

#[test]
fn a_sealed_file_that_was_meddled_with_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(dir.path(), Some(protection(&["a"])), Recent::default()).unwrap();
    let bytes = noise(3 * CHUNK_BYTES + 100);
    let (name, digest) = written(&bodies, &bytes, 1 << 20);
    let path = dir.path().join(format!("{name}.body"));
    let whole = fs::read(&path).unwrap();
    let place = |number: u64| usize::try_from(chunk_offset(number)).unwrap();
    let chunk = |number: u64| whole[place(number)..place(number + 1).min(whole.len())].to_vec();
    let header = whole[..HEADER_BYTES].to_vec();
    let check = |changed: &[u8], length: usize, why: &str| {
        fs::write(&path, changed).unwrap();
        let error = read(&opened(&bodies, &name, length, digest)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotOpened { .. } | Error::ContentCutOff { .. } | Error::Malformed { .. }
            ),
            "{why}: {error:?}"
        );
    };
    let length = bytes.len();
    let swapped = [header.clone(), chunk(1), chunk(0), chunk(2), chunk(3)].concat();
    check(&swapped, length, "two chunks change places");
    let repeated = [header.clone(), chunk(0), chunk(0), chunk(2), chunk(3)].concat();
    check(&repeated, length, "a chunk stands twice");
    let without = [header.clone(), chunk(0), chunk(1), chunk(3)].concat();
    check(&without, length, "a chunk is left out");
    check(
        &without,
        length - CHUNK_BYTES,
        "left out, and the length says so",
    );
    let cut = [header.clone(), chunk(0), chunk(1)].concat();
    check(&cut, length, "the end is cut off");
    check(&cut, 2 * CHUNK_BYTES, "cut off, and the length says so");
    check(
        &whole[..whole.len() - 1],
        length,
        "the last octet is missing",
    );
    check(
        &[whole.clone(), vec![0]].concat(),
        length,
        "an octet is added",
    );
    check(
        &[whole.clone(), chunk(3)].concat(),
        length,
        "a chunk is added",
    );
    check(&whole, length - 100, "the length leaves out the last chunk");
    check(&whole, length - 1, "the length is one less");
    check(&whole, length + 1, "the length is one more");
    check(b"", length, "nothing is left");
    let more = [chunk(0), chunk(1), chunk(2), chunk(3)].concat();
    check(&more, length, "the header is missing");
    for at in [0, 7, 8, 9, 40, 41, 72, HEADER_BYTES, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let error = read(&opened(&bodies, &name, length, digest)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotOpened { .. } | Error::KeyMissing { .. } | Error::Malformed { .. }
            ),
            "{at}: {error:?}"
        );
    }
    // Another file of the log under this name.
    let (other, _) = written(&bodies, &noise(length), 1 << 20);
    fs::copy(dir.path().join(format!("{other}.body")), &path).unwrap();
    let error = read(&opened(&bodies, &name, length, digest)).unwrap_err();
    assert!(matches!(error, Error::NotOpened { .. }), "{error:?}");
    fs::write(&path, &whole).unwrap();
    assert_eq!(
        read(&opened(&bodies, &name, length, digest)).unwrap(),
        bytes
    );
}

#[test]
fn a_file_names_the_key_that_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(dir.path(), Some(protection(&["a"])), Recent::default()).unwrap();
    let (name, digest) = written(&bodies, b"bytes", 9);
    let check = |protection: Option<Protection>| {
        let bodies = Bodies::at(dir.path(), protection);
        read(&opened(&bodies, &name, 5, digest)).unwrap_err()
    };
    let missing = check(Some(protection(&["b"])));
    assert!(matches!(missing, Error::KeyMissing { key_id } if key_id == "a"));
    assert!(matches!(check(None), Error::KeyMissing { key_id } if key_id == "a"));
    let renamed = Protection::new([("a".to_owned(), SecretKey::generate())]).unwrap();
    assert!(matches!(check(Some(renamed)), Error::NotOpened { key_id } if key_id == "a"));
    let rotated = Bodies::at(dir.path(), Some(protection(&["b", "a"])));
    assert_eq!(read(&opened(&rotated, &name, 5, digest)).unwrap(), b"bytes");
}

#[test]
fn a_plain_file_that_begins_like_a_sealed_one_stays_plain() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(dir.path(), None, Recent::default()).unwrap();
    let bytes = [&b"KARVANB1\x01a"[..], &[0; 200]].concat();
    let (name, digest) = written(&bodies, &bytes, 1000);
    let sealing = Bodies::at(dir.path(), Some(protection(&["a"])));
    let file = sealing.open_named(&name, false).unwrap();
    let content = Content::in_file(file, bytes.len() as u64, digest);
    assert_eq!(read(&content).unwrap(), bytes);
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]

    #[test]
    fn any_content_comes_back_and_no_change_of_its_file_goes_unseen(
        length in 0..3 * CHUNK_BYTES,
        piece in 1..2 * CHUNK_BYTES,
        at in any::<proptest::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let bodies = Bodies::open(dir.path(), Some(protection(&["a"])), Recent::default()).unwrap();
        let bytes = noise(length);
        let (name, digest) = written(&bodies, &bytes, piece);
        assert_eq!(read(&opened(&bodies, &name, length, digest)).unwrap(), bytes);
        let path = dir.path().join(format!("{name}.body"));
        let whole = fs::read(&path).unwrap();
        let at = at.index(whole.len());
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << bit;
        let mut longer = whole.clone();
        longer.insert(at, 0);
        for changed in [flipped, whole[..at].to_vec(), longer] {
            fs::write(&path, changed).unwrap();
            // Of a content without bytes nothing is read.
            assert!(length == 0 || read(&opened(&bodies, &name, length, digest)).is_err());
        }
    }
}
