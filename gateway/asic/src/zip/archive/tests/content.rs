//! Contents, amounts, and what is read of anything at all.

use std::io::Read as _;

use proptest::prelude::*;

use super::made::Item;
use super::*;

#[test]
fn refuses_content_that_is_not_as_described() {
    fn check(expected: &str, change: impl Fn(&mut Item)) {
        let mut made = two();
        change(&mut made.items[0]);
        check_refused(&made, expected);
    }
    check("entry \"message.xml\" has another checksum", |item| {
        item.both(|head| head.crc ^= 1);
    });
    check("entry \"message.xml\": it is longer than it says", |item| {
        item.both(|head| head.bytes -= 1);
    });
    check("entry \"message.xml\": it is longer than it says", |item| {
        item.both(|head| {
            head.bytes = 0;
            head.crc = 0;
        });
    });
    check(
        "entry \"message.xml\": it is shorter than it says",
        |item| {
            item.both(|head| head.bytes += 1);
        },
    );
    check(
        "entry \"message.xml\": octets follow the end of its compressed content",
        |item| {
            item.content.push(0);
            item.both(|head| head.compressed_bytes += 1);
        },
    );
    check(
        "entry \"message.xml\": its compressed content is cut off",
        |item| {
            item.content.pop();
            item.both(|head| head.compressed_bytes -= 1);
        },
    );
    check(
        "entry \"message.xml\": its compressed content is broken",
        |item| item.content[0] |= 6,
    );
    check(
        "entry \"message.xml\": its compressed content is cut off",
        |item| {
            item.content.clear();
            item.both(|head| {
                head.compressed_bytes = 0;
                head.bytes = 0;
                head.crc = 0;
            });
        },
    );

    let mut made = two();
    made.items[1].both(|head| head.bytes = 3);
    check_refused(
        &made,
        "entry \"mimetype\": two lengths, though it is not compressed",
    );
    let made = Made::of([Item::stored("META-INF/", b"x")]);
    check_refused(&made, "entry \"META-INF/\": a folder with content");
    let mut made = Made::of([Item::deflated("META-INF/", b"")]);
    made.items[0].content.push(0);
    made.items[0].both(|head| head.compressed_bytes += 1);
    check_refused(
        &made,
        "entry \"META-INF/\": octets follow the end of its compressed content",
    );
}

#[test]
fn refuses_more_than_its_limits() {
    fn check(expected: &str, change: impl Fn(&mut Limits)) {
        let mut limits = Limits::CONTAINER;
        change(&mut limits);
        let mut made = two();
        made.items.push(Item::deflated("zeros", &[0; 2 << 20]));
        let result = Archive::open(made.octets(), &limits).and_then(|archive| {
            let entry = archive.entry("zeros").unwrap();
            archive.read(entry)
        });
        let error = result.expect_err(expected).to_string();
        assert!(error.starts_with("too much: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    check("octets of the archive", |limits| {
        limits.archive_bytes_max = 100
    });
    check("3 entries, not more than 2", |limits| {
        limits.entries_max = 2
    });
    check("octets of the central directory", |limits| {
        limits.directory_bytes_max = 100;
    });
    check("octets of a name", |limits| limits.name_bytes_max = 10);
    check("octets of an entry", |limits| {
        limits.entry_bytes_max = 1 << 20
    });
    check("octets of all entries", |limits| {
        limits.total_bytes_max = 2 << 20
    });
    check("compressed to very few", |limits| limits.ratio_max = 100);
    check("octets of an entry in memory", |limits| {
        limits.memory_bytes_max = 1 << 20;
    });

    // Numbers that nobody can mean do not cost memory.
    let mut made = two();
    made.zip64 = true;
    made.entries = Some(u16::MAX);
    made.zip64_entries = Some(1 << 40);
    let limits = Limits {
        entries_max: u64::MAX,
        directory_bytes_max: u64::MAX,
        ..Limits::CONTAINER
    };
    let error = Archive::open(made.octets(), &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a central directory of too few octets for its entries at 99"
    );
    let mut made = two();
    made.entries = Some(1);
    check_refused(
        &made,
        "a central directory of another number of entries at 99",
    );
}

#[test]
fn an_entry_that_hides_another_does_not_pass() {
    // From the front: a short entry, then a message. By the directory: one longer entry.
    let hidden = Made::of([Item::deflated("message.xml", b"another message")]);
    let hidden = hidden.octets();
    let (hidden, _) = hidden.split_at(hidden.len() - 22 - 46 - 11);
    let mut cover = Item::deflated("cover", b"");
    cover.content.extend(hidden);
    let bytes = u32::try_from(cover.content.len()).unwrap();
    cover.both(|head| head.compressed_bytes = bytes);
    let made = Made::of([cover, Item::stored("message.xml", b"message")]);
    let archive = open(made.octets()).unwrap();
    let error = archive.check(&archive.entries()[0]).unwrap_err();
    assert!(error.to_string().contains("octets follow"), "{error}");
    archive.check(&archive.entries()[1]).unwrap();
}

#[test]
fn finds_entries_by_their_exact_names_only() {
    let mut made = two();
    made.items.push(Item::stored("META-INF/", b""));
    let archive = open(made.octets()).unwrap();
    assert_eq!(archive.entry("mimetype").unwrap().bytes(), 4);
    for name in ["MIMETYPE", "META-INF/", "META-INF", "/mimetype", ""] {
        assert_eq!(archive.entry(name), None, "{name}");
    }
}

#[test]
fn refuses_an_entry_of_another_archive() {
    let archive = open(two().octets()).unwrap();
    let other = Made::of([Item::stored("mimetype", b"another")]);
    let other = open(other.octets()).unwrap();
    assert!(archive.read(&other.entries()[0]).is_err());
    assert!(archive.content(&other.entries()[0]).is_err());
}

#[test]
fn refuses_what_is_no_archive() {
    for octets in [&b""[..], b"PK", b"PK\x05\x06", &[0; 100_000]] {
        let error = open(octets.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "no end record: cut off, or no ZIP file",);
    }
}

#[test]
fn reads_files_as_it_reads_octets() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &two().octets()).unwrap();
    let archive = Archive::open(Source::file(file).unwrap(), &Limits::CONTAINER).unwrap();
    // Two streams at once do not disturb each other.
    let mut streams: Vec<_> = archive
        .entries()
        .iter()
        .map(|entry| archive.content(entry).unwrap())
        .collect();
    let mut found = vec![Vec::new(); streams.len()];
    for _ in 0..40 {
        for (stream, found) in streams.iter_mut().zip(&mut found) {
            let mut octet = [0];
            let count = stream.read(&mut octet).unwrap();
            found.extend_from_slice(&octet[..count]);
        }
    }
    assert_eq!(found[0], TWO[0].1.as_bytes());
    assert_eq!(found[1], TWO[1].1.as_bytes());
}

#[test]
fn a_stream_gives_its_last_octets_only_when_all_is_well() {
    let mut made = two();
    made.items[0].both(|head| head.crc ^= 1);
    let archive = open(made.octets()).unwrap();
    let mut content = archive.content(&archive.entries()[0]).unwrap();
    let mut octet = [0];
    for _ in 1..31 {
        assert_eq!(content.read(&mut octet).unwrap(), 1);
    }
    for expected in ["has another checksum", "it failed before"] {
        let error = content.read(&mut octet).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// A container as the writer makes it.
fn written(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), Options::container());
    let time = "2026-11-22T09:00:00Z".parse().unwrap();
    for (name, content) in entries {
        writer.file(name, time, content).unwrap();
    }
    writer.finish().unwrap().0
}

#[test]
fn no_changed_bit_and_no_cut_changes_what_is_read() {
    let sample = [
        ("mimetype".to_owned(), b"text".to_vec()),
        ("META-INF/x".to_owned(), vec![b'x'; 300]),
        ("attachment1".to_owned(), (0..=255).collect()),
        ("empty".to_owned(), Vec::new()),
    ];
    for octets in [written(&sample), two().octets(), {
        let mut made = two();
        made.zip64 = true;
        made.items[0].describe(true, false);
        made.octets()
    }] {
        let expected = read(octets.clone()).unwrap();
        for at in 0..octets.len() {
            for bit in 0..8 {
                let mut changed = octets.clone();
                changed[at] ^= 1 << bit;
                if let Ok(found) = read(changed) {
                    assert_eq!(found, expected, "bit {bit} of octet {at}");
                }
            }
            assert!(read(octets[..at].to_vec()).is_err(), "cut at {at}");
            assert!(read(octets[at + 1..].to_vec()).is_err(), "from {at}");
            let mut removed = octets.clone();
            removed.remove(at);
            assert!(read(removed).is_err(), "without {at}");
            let mut added = octets.clone();
            added.insert(at, 0);
            if let Ok(found) = read(added) {
                assert_eq!(found, expected, "zero at {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reads_back_what_is_written(
        contents in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..2000),
                (any::<u8>(), 0_usize..200_000).prop_map(|(octet, count)| vec![octet; count]),
            ],
            0..6,
        ),
    ) {
        let entries: Vec<_> = contents
            .into_iter()
            .enumerate()
            .map(|(index, content)| (format!("attachment{index}"), content))
            .collect();
        let found = read(written(&entries)).unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|(name, content)| (name, content.to_vec()))
            .collect();
        prop_assert_eq!(found, entries);
    }

    #[test]
    fn nothing_read_panics(octets in prop::collection::vec(any::<u8>(), 0..500)) {
        let mut framed = b"PK\x03\x04".to_vec();
        framed.extend(&octets);
        framed.extend(Made::of([]).octets());
        drop(read(octets));
        drop(read(framed));
    }
}
