mod content;
#[expect(clippy::arithmetic_side_effects, reason = "test helpers")]
mod made;

use super::super::{Names, Options, Writer};
use super::*;
use made::{Item, Made, zip64_field};

fn open(octets: Vec<u8>) -> Result<Archive, Error> {
    Archive::open(octets, &Limits::CONTAINER)
}

/// All names and contents.
fn read(octets: Vec<u8>) -> Result<Vec<(String, Bytes)>, Error> {
    let archive = open(octets)?;
    let entries = archive.entries().iter();
    entries
        .map(|entry| Ok((entry.name().to_owned(), archive.read(entry)?)))
        .collect()
}

#[track_caller]
fn check_read(octets: Vec<u8>, expected: &[(&str, &str)]) {
    let found = read(octets).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(name, content)| (name.as_str(), str::from_utf8(content).unwrap()))
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_refused(made: &Made, expected: &str) {
    match read(made.octets()) {
        Ok(_) => panic!("accepted"),
        Err(error) => assert_eq!(error.to_string(), expected),
    }
}

/// Two entries, one deflated and one stored.
fn two() -> Made {
    Made::of([
        Item::deflated("message.xml", b"a message, a message, a message"),
        Item::stored("mimetype", b"text"),
    ])
}

const TWO: [(&str, &str); 2] = [
    ("message.xml", "a message, a message, a message"),
    ("mimetype", "text"),
];

#[test]
fn reads_entries_of_every_plain_form() {
    check_read(two().octets(), &TWO);
    check_read(Made::of([]).octets(), &[]);

    for signature in [false, true] {
        let mut made = two();
        made.items[0].describe(signature, false);
        check_read(made.octets(), &TWO);
    }

    // As other tools write: made on Unix, with file modes, a folder, further fields, comments.
    let mut made = two();
    made.items.insert(0, Item::stored("META-INF/", b""));
    for item in &mut made.items {
        item.made_by = 3 << 8 | 30;
        item.attributes = 0o100_644 << 16;
        item.central.extra = b"UT\x05\0\x03\0\0\0\x01ux\x02\0\x01\0".to_vec();
        item.local.extra = b"ux\x02\0\x01\0".to_vec();
        item.comment = b"a comment".to_vec();
    }
    made.items[0].attributes = 0o040_755 << 16 | 16;
    made.comment = b"of the archive".to_vec();
    check_read(made.octets(), &TWO);
    let archive = open(made.octets()).unwrap();
    assert_eq!(archive.comment(), b"of the archive");
    assert_eq!(
        archive.entries()[0].time(),
        Timestamp::from_second(0x0100_0000).ok()
    );

    // A folder as the JDK would compress it.
    let mut made = two();
    made.items.insert(0, Item::deflated("META-INF/", b""));
    check_read(made.octets(), &TWO);
}

#[test]
fn reads_large_forms_where_they_are_consistent() {
    for short in [false, true] {
        let mut made = two();
        made.zip64 = true;
        made.short_numbers = short;
        check_read(made.octets(), &TWO);
    }
    let mut made = two();
    let item = &mut made.items[0];
    let (bytes, compressed) = (item.central.bytes, item.central.compressed_bytes);
    for head in [&mut item.local, &mut item.central] {
        head.extra = zip64_field(&[bytes.into(), compressed.into()]);
        (head.bytes, head.compressed_bytes) = (u32::MAX, u32::MAX);
    }
    check_read(made.octets(), &TWO);

    let item = &mut made.items[0];
    item.central.bytes = bytes;
    check_refused(&made, "ZIP64: a field with numbers that stand elsewhere");
    made.items[0].central.bytes = u32::MAX;
    made.items[0].central.extra.clear();
    check_refused(
        &made,
        "ZIP64: an entry whose numbers should be in a field that is not there",
    );
}

#[test]
fn refuses_contradictory_large_forms() {
    let mut made = two();
    made.items[0].central.extra = zip64_field(&[]);
    check_refused(&made, "ZIP64: a field with numbers that stand elsewhere");

    let mut made = two();
    made.items[0].local.extra = zip64_field(&[31, 20]);
    check_refused(
        &made,
        "ZIP64: a local header with other than two lengths in its field",
    );

    let mut made = two();
    made.items[0].central.extra = [zip64_field(&[]), zip64_field(&[])].concat();
    check_refused(&made, "entry \"message.xml\" has two ZIP64 fields");

    let mut made = two();
    made.entries = Some(u16::MAX);
    check_refused(
        &made,
        "ZIP64: numbers that should be in a record that is not there",
    );
    made.zip64 = true;
    made.entries = Some(3);
    check_refused(&made, "ZIP64: the two end records disagree");

    let mut made = two();
    made.zip64 = true;
    made.zip64_record_bytes = 52;
    check_refused(&made, "ZIP64: an end record of another length");
    made.zip64_record_bytes = 44;
    made.between_zip64 = vec![0; 4];
    check_refused(
        &made,
        "ZIP64: the end record is not in front of its locator",
    );
}

#[test]
fn refuses_octets_that_belong_to_nothing() {
    let mut made = two();
    made.front = b"#!".to_vec();
    check_refused(&made, "octets that belong to nothing, from 0 to 2");
    // Also when every offset is counted from behind them.
    made.shift = 2;
    check_refused(&made, "octets that belong to nothing, from 210 to 212");

    let mut made = two();
    made.items[0].behind = b"x".to_vec();
    check_refused(&made, "octets that belong to nothing, from 57 to 58");
    let mut made = two();
    made.items[1].behind = b"x".to_vec();
    check_refused(&made, "octets that belong to nothing, from 99 to 100");
    let mut made = two();
    made.behind_directory = b"xy".to_vec();
    check_refused(&made, "octets that belong to nothing, from 210 to 212");
    let mut made = two();
    made.behind = b"x".to_vec();
    check_refused(&made, "the end record ends at 232 but the file at 233");
}

#[test]
fn refuses_two_ends() {
    let empty = Made::of([]).octets();
    // A whole empty archive in the comment: the last end record is believed by some.
    let mut made = two();
    made.comment = empty.clone();
    check_refused(&made, "a second end record at 210");
    // An end record in the comment of an entry that claims the rest as its comment.
    let mut made = two();
    let mut fake = empty;
    fake[20] = 22;
    made.items[1].comment = fake;
    check_refused(&made, "a second end record at 210");
}

#[test]
fn refuses_overlaps() {
    let mut made = two();
    made.items[1].offset = Some(0);
    check_refused(&made, "what starts at 0 overlaps what ends at 30");
    let mut made = two();
    made.items[1].offset = Some(50);
    check_refused(&made, "what starts at 50 overlaps what ends at 57");
    let mut made = two();
    made.items.swap(0, 1);
    made.items[0].offset = Some(51);
    made.items[1].offset = Some(0);
    // Entries in another order than described.
    check_refused(&made, "octets that belong to nothing, from 0 to 51");
    let mut made = two();
    made.directory_bytes_added = 1;
    check_refused(&made, "what starts at 210 overlaps what ends at 211");
    let mut made = two();
    made.items[1].central.compressed_bytes = 5;
    made.items[1].local.compressed_bytes = 5;
    made.items[1].central.bytes = 5;
    check_refused(&made, "what starts at 99 overlaps what ends at 100");
}

#[test]
fn refuses_descriptions_that_disagree() {
    fn check(field: &str, change: impl Fn(&mut Item)) {
        let mut made = two();
        change(&mut made.items[0]);
        check_refused(
            &made,
            &format!(
                "entry \"message.xml\": local header and central directory disagree about the {field}"
            ),
        );
    }
    check("name", |item| item.local.name = b"message.xmL".to_vec());
    check("flags", |item| item.local.flags = 1 << 11);
    check("flags", |item| item.local.flags = 1 << 3);
    check("method", |item| item.local.method = 0);
    check("time", |item| item.local.date += 1);
    check("checksum", |item| item.local.crc ^= 1);
    check("length", |item| item.local.bytes += 1);
    check("length", |item| item.local.bytes = 0);
    check("compressed length", |item| item.local.compressed_bytes -= 1);

    check("checksum", |item| {
        item.describe(true, false);
        item.local.crc = 1;
    });
    check("checksum", |item| {
        item.describe(true, false);
        item.behind[4] ^= 1;
    });
    check("compressed length", |item| {
        item.describe(false, false);
        item.behind[4] ^= 1;
    });
    check("length", |item| {
        item.describe(false, false);
        item.behind[11] ^= 1;
    });
}

#[test]
fn refuses_descriptors_of_another_form() {
    let mut made = two();
    made.items[0].describe(true, false);
    made.items[0].behind[0] = 0;
    check_refused(&made, "no data descriptor at 57");
    made.items[0].behind.pop();
    check_refused(&made, "no data descriptor of its length at 57");
    // Wide without a field that says so.
    let mut made = two();
    made.items[0].describe(true, true);
    made.items[0].local.extra.clear();
    check_refused(&made, "no data descriptor of its length at 57");
    // Wide without need: of an empty entry, older readers would see the end of the archive there.
    for signature in [false, true] {
        let mut made = two();
        made.items[0].describe(signature, true);
        check_refused(
            &made,
            "entry \"message.xml\" has wide numbers behind its content without need",
        );
    }
}

#[test]
fn refuses_names_that_mean_something_else() {
    for (name, reason) in [
        ("", "is empty"),
        ("/message.xml", "is absolute"),
        ("../message.xml", "is in a folder"),
        ("META-INF/../message.xml", "is in a folder"),
        ("META-INF/..", "is no name of a file"),
        ("META-INF//", "is in a folder"),
        (".", "is no name of a file"),
        ("..", "is no name of a file"),
        ("META-INF\\signatures.xml", "has a backslash or a colon"),
        ("c:message.xml", "has a backslash or a colon"),
        ("folder/message.xml", "is in a folder"),
        ("folder/", "is in a folder"),
        ("meta-inf/signatures.xml", "is in a folder"),
        ("Meta-Inf", "is that of a folder"),
        ("a\0b", "has other than visible ASCII characters"),
        ("a\nb", "has other than visible ASCII characters"),
        ("a b", "has other than visible ASCII characters"),
        (
            "mess\u{e1}ge.xml",
            "has other than visible ASCII characters",
        ),
        (
            "messa\u{301}ge.xml",
            "has other than visible ASCII characters",
        ),
    ] {
        let made = Made::of([Item::stored(name, b"x")]);
        let shown = name.replace(char::is_control, "\u{fffd}");
        check_refused(&made, &format!("the name \"{shown}\" {reason}"));
        let mut writer = Writer::new(Vec::new(), Options::container());
        let error = writer.file(name, Timestamp::UNIX_EPOCH, b"x").unwrap_err();
        assert_eq!(error.to_string(), format!("the name \"{shown}\" {reason}"));
    }
    let made = Made::of([Item::stored("META-INF/x", b"x")]);
    assert!(read(made.octets()).is_ok());
    let flat = Limits {
        names: Names::Flat,
        ..Limits::CONTAINER
    };
    let error = Archive::open(made.octets(), &flat).unwrap_err();
    assert_eq!(error.to_string(), "the name \"META-INF/x\" is in a folder");
}

#[test]
fn refuses_two_entries_of_one_name() {
    for other in ["message.xml", "Message.XML"] {
        let mut made = two();
        made.items.push(Item::stored(other, b""));
        check_refused(&made, &format!("a second entry of the name \"{other}\""));
    }
    let folder = || Item::stored("META-INF/", b"");
    let made = Made::of([folder(), folder()]);
    check_refused(&made, "a second entry of the name \"META-INF/\"");
}

#[test]
fn refuses_features_that_readers_disagree_about() {
    fn check(expected: &str, change: impl Fn(&mut Item)) {
        let mut made = two();
        change(&mut made.items[0]);
        check_refused(&made, expected);
    }
    check("entry \"message.xml\" is encrypted", |item| {
        item.both(|head| head.flags = 1);
    });
    check("entry \"message.xml\" has unknown flags", |item| {
        item.both(|head| head.flags = 1 << 6);
    });
    check("entry \"message.xml\" is compressed by method 12", |item| {
        item.both(|head| head.method = 12);
    });
    check(
        "entry \"message.xml\" has a newer version of the format",
        |item| {
            item.version = 63;
        },
    );
    check("one of several disks", |item| item.disk = 1);
    check(
        "entry \"message.xml\" has a type other than file or folder",
        |item| {
            item.made_by = 3 << 8;
            item.attributes = 0o120_777 << 16;
        },
    );
    check(
        "entry \"message.xml\" has a second name in an extra field",
        |item| {
            item.central.extra = b"up\x01\0\x01".to_vec();
        },
    );
    check(
        "entry \"message.xml\" has a second name in an extra field",
        |item| {
            item.local.extra = b"up\x01\0\x01".to_vec();
        },
    );
    check(
        "entry \"message.xml\" has encryption by an extra field",
        |item| {
            item.central.extra = b"\x01\x99\0\0".to_vec();
        },
    );
    check(
        "entry \"message.xml\" has extra fields that are cut off",
        |item| {
            item.central.extra = b"ux\0".to_vec();
        },
    );
    check(
        "entry \"message.xml\" has an extra field longer than there is room",
        |item| item.local.extra = b"ux\x02\0\0".to_vec(),
    );

    let mut made = two();
    made.items[1].describe(true, false);
    check_refused(
        &made,
        "entry \"mimetype\" has stored content of a length that stands behind it",
    );
    let mut made = two();
    made.disk = 1;
    check_refused(&made, "one of several disks");
}
