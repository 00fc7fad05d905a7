//! ZIP files that are not what a container must be: each is refused, none does harm.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use gateway_asic::container;
use gateway_asic::report::Part;
use gateway_asic::verify::Error;
use gateway_asic::zip::{self, Limits, Source};
use proptest::prelude::*;

use crate::country::{Country, NOW, Stamp, check_refused, judge, open};
use crate::files::Files;

fn valid(country: &Country) -> Bytes {
    country.container(&country.soap_request("s-1", &["one"]), Stamp::Batch, NOW)
}

#[test]
fn refuses_a_container_that_was_cut() {
    let country = Country::new();
    let container = valid(&country);
    for length in (0..container.len())
        .step_by(97)
        .chain([container.len() - 1])
    {
        let cut = container.slice(..length);
        assert!(matches!(open(&cut), Err(Error::Zip(_))), "{length}");
    }
}

#[test]
fn refuses_a_container_with_something_before_or_behind_it() {
    let country = Country::new();
    let conf = country.conf();
    let container = valid(&country);
    for padded in [
        [b"x", &container[..]].concat(),
        [&container[..], b"x"].concat(),
        [&container[..], &container[..]].concat(),
    ] {
        check_refused(&padded.into(), &conf, "io_error");
    }
}

#[test]
fn refuses_a_file_that_hides_another_behind_its_compressed_end() {
    let country = Country::new();
    let mut entries = entries(&Files::of(&valid(&country)));
    entries.push(Entry::deflated("note", b"a note"));
    judge(&raw(&entries), &country.conf()).unwrap();
    // Nobody asks for this file; who reads from the front finds a second message in it.
    let hidden = raw(&[Entry::stored("message.xml", b"another")]);
    if let Some(note) = entries.last_mut() {
        note.content.extend(hidden);
    }
    check_refused(&raw(&entries), &country.conf(), "io_error");
}

#[test]
fn refuses_two_files_of_one_name() {
    let country = Country::new();
    let files = Files::of(&valid(&country));
    judge(&raw(&entries(&files)), &country.conf()).unwrap();
    for (name, content) in [
        ("message.xml", files.get("message.xml")),
        ("message.xml", b"another"),
        ("attachment1", b"another"),
    ] {
        let mut entries = entries(&files);
        entries.push(Entry::stored(name, content));
        check_refused(&raw(&entries), &country.conf(), "io_error");
    }
}

/// Where the file system, or whoever reads, takes them for one.
#[test]
fn refuses_names_that_others_read_as_the_same() {
    let country = Country::new();
    let files = Files::of(&valid(&country));
    for name in [
        "Message.xml",
        "MESSAGE.XML",
        "META-INF/Signatures.xml",
        "meta-inf/signatures.xml",
        // Full width, composed, decomposed, with a letter of another script, invisible.
        "\u{ff4d}essage.xml",
        "m\u{e9}ssage.xml",
        "me\u{301}ssage.xml",
        "mess\u{430}ge.xml",
        "message\u{200b}.xml",
        "message.xml ",
        "message.xml.",
        "message.xml:",
    ] {
        let mut entries = entries(&files);
        entries.push(Entry::stored(name, b"another"));
        match judge(&raw(&entries), &country.conf()) {
            // A name of its own everywhere: it is told that nothing covers it.
            Ok(report) => {
                assert_eq!(name, "message.xml.");
                assert_eq!(report.uncovered[0].name, name);
            }
            Err(error) => {
                let is_named = matches!(
                    error,
                    Error::Zip(zip::Error::Duplicate { .. } | zip::Error::Name { .. })
                );
                assert!(is_named, "{name}: {error:?}");
            }
        }
    }
    // Instead of the right one it is not found.
    let mut entries = entries(&files);
    let message = entries.iter_mut().find(|entry| entry.name == "message.xml");
    message.unwrap().name = "Message.xml".to_owned();
    check_refused(&raw(&entries), &country.conf(), "asic_message_not_found");
}

/// Who looks for the end from behind, and takes the first that fits, reads another container.
#[test]
fn refuses_a_container_that_hides_another_in_its_comment() {
    let country = Country::new();
    let conf = country.conf();
    let hidden = raw(&entries(&Files::of(&valid(&country))));
    for comment in [&hidden[..], &hidden[hidden.len() - 22..]] {
        let mut hiding = raw(&entries(&Files::of(&valid(&country)))).to_vec();
        let length = hiding.len();
        let bytes = u16::try_from(comment.len()).unwrap().to_le_bytes();
        hiding[length - 2..].copy_from_slice(&bytes);
        hiding.extend(comment);
        let error = check_refused(&hiding.into(), &conf, "io_error");
        assert!(
            matches!(error, Error::Zip(zip::Error::SecondEnd { .. })),
            "{error:?}"
        );
    }
}

/// Nothing of an attachment is in memory but a piece of it at a time.
#[test]
fn verifies_an_attachment_larger_than_what_may_be_in_memory() {
    let country = Country::new();
    let large = "0123456789abcdef".repeat(1 << 16);
    let container = country.container(&country.soap_request("s-1", &[&large]), Stamp::Batch, NOW);
    let limits = Limits {
        memory_bytes_max: 64 << 10,
        ..Limits::CONTAINER
    };
    let conf = country.conf();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&container).unwrap();
    for source in [Source::from(container), Source::file(file).unwrap()] {
        let opened = container::open(source, &limits).unwrap();
        let entry = opened.attachments()[0].clone();
        assert!(opened.content(&entry).is_ok());
        let report = gateway_asic::verify::verify(&opened, &conf).unwrap();
        assert_eq!(
            report.covered[1].part,
            Part::Verified {
                bytes: large.len() as u64
            }
        );
    }
}

#[test]
fn refuses_names_that_mean_another_place() {
    let country = Country::new();
    let files = Files::of(&valid(&country));
    for name in [
        "../message.xml",
        "/etc/passwd",
        "META-INF/../message.xml",
        "a\\b",
        "./message.xml",
        "",
        "a\0b",
        "a\nb",
    ] {
        let mut entries = entries(&files);
        entries.push(Entry::stored(name, b"x"));
        check_refused(&raw(&entries), &country.conf(), "io_error");
    }
}

#[test]
fn refuses_a_message_that_grows_without_bound() {
    let country = Country::new();
    let files = Files::of(&valid(&country));
    let zeros = vec![b' '; 80 << 20];
    for name in [
        "message.xml",
        "META-INF/signatures.xml",
        "sig-hashchain.xml",
    ] {
        let mut entries = entries(&files.clone().without(name));
        entries.push(Entry::deflated(name, &zeros));
        let bomb = raw(&entries);
        assert!(bomb.len() < 200_000);
        check_refused(&bomb, &country.conf(), "io_error");
    }
    // As an attachment it is read as a stream, within the limits that were set.
    let mut entries = entries(&files.without("attachment1"));
    entries.push(Entry::deflated("attachment1", &zeros));
    let limits = Limits {
        entry_bytes_max: 1 << 20,
        ..Limits::CONTAINER
    };
    let opened = container::open(raw(&entries), &limits);
    let refused = match opened {
        Err(error) => error,
        Ok(container) => gateway_asic::verify::verify(&container, &country.conf()).unwrap_err(),
    };
    assert_eq!(refused.code(), "io_error");
    let code = "malformed_signature.invalid_hash_chain_ref";
    check_refused(&raw(&entries), &country.conf(), code);
}

#[test]
fn refuses_a_file_whose_checksum_or_length_is_wrong() {
    let country = Country::new();
    let files = Files::of(&valid(&country));
    for change in [
        |entry: &mut Entry| entry.crc ^= 1,
        |entry: &mut Entry| entry.bytes += 1,
        |entry: &mut Entry| entry.method = 99,
    ] {
        for index in 0..files.0.len() {
            let mut entries = entries(&files);
            change(&mut entries[index]);
            // Nobody reads the manifest for other programs, nor believes it.
            let refused = judge(&raw(&entries), &country.conf()).unwrap_err();
            assert_eq!(refused.code(), "io_error", "{}", entries[index].name);
        }
    }
}

/// Whatever is changed in the octets of the file, a verdict comes out, and what was verified is what
/// was signed.
#[test]
fn no_changed_octet_of_the_file_is_believed() {
    let country = Country::new();
    let conf = country.conf();
    let container = valid(&country);
    let expected = judge(&container, &conf).unwrap();
    for place in (0..container.len()).step_by(3) {
        let mut changed = container.to_vec();
        changed[place] ^= 1 << (place % 8);
        if let Ok(report) = judge(&changed.into(), &conf) {
            assert_eq!(report.covered, expected.covered, "{place}");
            assert_eq!(report.signer, expected.signer, "{place}");
        }
    }
}

proptest! {
    #[test]
    fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&octets.into()).is_err());
    }
}

/// An entry as somebody could write it.
struct Entry {
    name: String,
    content: Vec<u8>,
    method: u16,
    crc: u32,
    bytes: u32,
}

impl Entry {
    fn stored(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            content: content.to_vec(),
            method: 0,
            crc: crc32fast::hash(content),
            bytes: content.len() as u32,
        }
    }

    fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        Self {
            method: 8,
            content: encoder.finish().unwrap(),
            ..Self::stored(name, content)
        }
    }
}

fn entries(files: &Files) -> Vec<Entry> {
    files
        .0
        .iter()
        .map(|(name, content)| Entry::stored(name, content))
        .collect()
}

/// A ZIP file of any entries.
fn raw(entries: &[Entry]) -> Bytes {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = out.len() as u32;
        let mut common = Vec::new();
        for number in [20_u16, 0, entry.method, 0, 33] {
            common.extend(number.to_le_bytes());
        }
        for number in [entry.crc, entry.content.len() as u32, entry.bytes] {
            common.extend(number.to_le_bytes());
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(entry.name.as_bytes());
        out.extend(&entry.content);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    for count in [entries.len() as u16; 2] {
        out.extend(count.to_le_bytes());
    }
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out.into()
}
