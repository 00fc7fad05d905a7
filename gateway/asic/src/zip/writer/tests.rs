use proptest::prelude::*;

use super::super::{Archive, Limits};
use super::*;

fn time() -> Timestamp {
    "2024-12-05T07:34:12Z".parse().unwrap()
}

#[test]
fn writes_the_records_of_the_jdk() {
    let mut writer = Writer::new(Vec::new(), Options::container());
    writer
        .file("mimetype", time(), b"application/vnd.etsi.asic-e+zip")
        .unwrap();
    let (octets, bytes) = writer.finish().unwrap();
    assert_eq!(bytes, u64::try_from(octets.len()).unwrap());

    // All but the compressed octets and their length is as in a container of another node.
    let local = "504b0304 1400 0808 0800 463c 8559 00000000 00000000 00000000 0800 0900
        6d696d6574797065 5554 0500 01 74575167";
    let local = hex::decode(local.split_whitespace().collect::<String>()).unwrap();
    assert_eq!(octets[..local.len()], local);

    let crc = crc32fast::hash(b"application/vnd.etsi.asic-e+zip");
    let compressed = octets.len() - local.len() - 16 - 63 - 22 - 40;
    let compressed = u32::try_from(compressed).unwrap();
    let mut rest = b"PK\x07\x08".to_vec();
    rest.extend(crc.to_le_bytes());
    rest.extend(compressed.to_le_bytes());
    rest.extend(31_u32.to_le_bytes());
    let directory = "504b0102 1400 1400 0808 0800 463c 8559";
    rest.extend(hex::decode(directory.split_whitespace().collect::<String>()).unwrap());
    rest.extend(crc.to_le_bytes());
    rest.extend(compressed.to_le_bytes());
    rest.extend(31_u32.to_le_bytes());
    rest.extend(b"\x08\0\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0mimetype");
    rest.extend(b"UT\x05\0\x01\x74\x57\x51\x67");
    let offset = u32::try_from(local.len()).unwrap() + compressed + 16;
    rest.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    rest.extend(63_u32.to_le_bytes());
    rest.extend(offset.to_le_bytes());
    rest.extend(b"\x28\0mimetype=application/vnd.etsi.asic-e+zip");
    assert_eq!(octets[octets.len() - rest.len()..], rest);
}

#[test]
fn stores_in_blocks_at_level_zero() {
    let content: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut writer = Writer::new(Vec::new(), Options::archive());
    writer.file("a.asice", time(), &content).unwrap();
    let (octets, _) = writer.finish().unwrap();
    assert!(octets.len() < content.len() + 300);
    let archive = Archive::open(octets, &Limits::ARCHIVE).unwrap();
    assert_eq!(archive.read(&archive.entries()[0]).unwrap(), content);
    assert_eq!(archive.entries()[0].time(), Some(time()));
}

#[test]
fn counts_above_65535_in_the_large_records() {
    for (count, has_large) in [(65_534_u32, false), (65_535, true), (65_536, true)] {
        let mut writer = Writer::new(Vec::new(), Options::archive());
        for number in 0..count {
            writer.file(&number.to_string(), time(), b"").unwrap();
        }
        let (octets, _) = writer.finish().unwrap();
        let locator = &octets[octets.len() - 42..];
        assert_eq!(locator.starts_with(b"PK\x06\x07"), has_large);
        let archive = Archive::open(octets, &Limits::ARCHIVE).unwrap();
        assert_eq!(u32::try_from(archive.entries().len()), Ok(count));
    }
}

#[test]
fn moves_large_numbers_into_a_field() {
    let open = |bytes, offset| Open {
        name: "a".to_owned(),
        time: time(),
        offset,
        start: 0,
        bytes,
        crc: crc32fast::Hasher::new(),
    };
    let check = |open: &Open, compressed_bytes, expected: &[u64]| {
        let mut record = Vec::new();
        push_central(&mut record, open, 0, compressed_bytes);
        let extra = record.get(47..).unwrap();
        let mut field = Vec::new();
        if !expected.is_empty() {
            field.extend([1, 0]);
            field.extend(u16::try_from(expected.len() * 8).unwrap().to_le_bytes());
            field.extend(expected.iter().flat_map(|number| number.to_le_bytes()));
        }
        field.extend(time_extra(time()));
        assert_eq!(extra, field);
        assert_eq!(record[6] == 45, !expected.is_empty());
    };
    let large = u64::from(u32::MAX);
    check(&open(large - 1, large - 1), 5, &[]);
    check(&open(large, 5), 7, &[large, 7]);
    check(&open(7, large + 1), large, &[7, large, large + 1]);
    check(&open(7, large), 7, &[large]);
}

#[test]
fn refuses_names_used_before_and_folders() {
    let mut writer = Writer::new(Vec::new(), Options::container());
    writer.file("message.xml", time(), b"").unwrap();
    for name in ["message.xml", "MESSAGE.xml"] {
        let error = writer.file(name, time(), b"").unwrap_err();
        assert!(matches!(error, Error::Duplicate { .. }), "{error}");
    }
    let error = writer.file("META-INF/", time(), b"").unwrap_err();
    assert!(matches!(error, Error::Name { .. }), "{error}");
    let error = writer.file(&"x".repeat(65_536), time(), b"").unwrap_err();
    assert!(matches!(error, Error::Name { .. }), "{error}");
    // The refused ones left nothing behind.
    let (octets, _) = writer.finish().unwrap();
    let archive = Archive::open(octets, &Limits::CONTAINER).unwrap();
    assert_eq!(archive.entries().len(), 1);
}

#[test]
fn refuses_to_go_on_behind_an_entry_that_was_not_finished() {
    let mut writer = Writer::new(Vec::new(), Options::container());
    writer
        .entry("a", time())
        .unwrap()
        .write_all(b"half")
        .unwrap();
    let error = writer.entry("b", time()).unwrap_err();
    assert!(matches!(error, Error::Unfinished));
    assert!(matches!(writer.finish(), Err(Error::Unfinished)));

    /// Takes so many octets.
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(octets.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writer = Writer::new(Full(60), Options::container());
    let error = writer.file("a", time(), &[7; 100_000]).unwrap_err();
    assert!(matches!(error, Error::Io(_)));
    assert!(matches!(writer.finish(), Err(Error::Unfinished)));
}

#[test]
fn a_comment_too_long_is_refused() {
    let options = Options {
        comment: vec![b'x'; 65_536].into(),
        ..Options::archive()
    };
    let error = Writer::new(Vec::new(), options).finish().unwrap_err();
    assert!(matches!(error, Error::TooMuch { .. }));
}

/// Gives its content in pieces.
struct Pieces<'a> {
    content: &'a [u8],
    cuts: Vec<usize>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.cuts.pop().unwrap_or(usize::MAX);
        let count = count.min(buffer.len()).min(self.content.len());
        let (piece, rest) = self.content.split_at(count);
        buffer[..count].copy_from_slice(piece);
        self.content = rest;
        Ok(count)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_octets_do_not_depend_on_how_the_content_is_cut(
        text in prop::collection::vec(0_u8..20, 0..2000),
        repeat in 1_usize..80,
        cuts in prop::collection::vec(1_usize..90_000, 0..20),
        level in prop_oneof![Just(0_u32), Just(1), Just(6), Just(9)],
    ) {
        let content = text.repeat(repeat);
        let options = Options { level, ..Options::container() };
        let mut whole = Writer::new(Vec::new(), options.clone());
        whole.file("a", time(), &content).unwrap();
        let mut cut = Writer::new(Vec::new(), options);
        let bytes = cut.stream("a", time(), &mut Pieces { content: &content, cuts }).unwrap();
        prop_assert_eq!(bytes, u64::try_from(content.len()).unwrap());
        let octets = cut.finish().unwrap().0;
        prop_assert_eq!(&whole.finish().unwrap().0, &octets);
        let archive = Archive::open(octets, &Limits::CONTAINER).unwrap();
        let found = archive.read(&archive.entries()[0]).unwrap();
        prop_assert_eq!(found.as_ref(), content.as_slice());
    }
}
