//! ZIP files, and signatures that get a time stamp.

use std::io::Read as _;

use bytes::Bytes;
use certs_x509::Memo;
use flate2::{Decompress, FlushDecompress, Status};
use gateway_asic::stamping;
use gateway_asic::zip::{Archive, Limits, Names, Options, Writer};
use gateway_seal::{Rules, VerifiedSignature};

/// What is read from an archive reads the same from its front, as other programs do it, and when it
/// is written again.
pub fn zip_archive(data: &[u8]) {
    for names in [Names::Container, Names::Flat] {
        let limits = Limits { names, ..LIMITS };
        let Ok(archive) = Archive::open(Bytes::copy_from_slice(data), &limits) else {
            continue;
        };
        let mut contents = Vec::new();
        for entry in archive.entries() {
            let Ok(content) = archive.read(entry) else {
                return;
            };
            assert_eq!(u64::try_from(content.len()), Ok(entry.bytes()));
            assert_eq!(archive.entry(entry.name()), Some(entry));
            let mut streamed = Vec::new();
            let mut stream = archive.content(entry).expect("it is its own");
            let read = stream.read_to_end(&mut streamed);
            assert!(read.is_ok() && streamed == content);
            contents.push((entry.name().to_owned(), content));
        }
        let mut front = read_from_front(data);
        front.retain(|(name, _)| !name.ends_with('/'));
        assert_eq!(front, contents, "who reads from the front reads otherwise");
        check_written(&contents, names);
    }
}

fn check_written(contents: &[(String, Bytes)], names: Names) {
    let options = Options {
        names,
        ..Options::container()
    };
    let mut writer = Writer::new(Vec::new(), options);
    for (name, content) in contents {
        let written = writer.file(name, crate::made::now(), content);
        written.expect("a name that was read can be written");
    }
    let (octets, _) = writer.finish().expect("an archive");
    let archive = Archive::open(octets, &Limits { names, ..LIMITS }).expect("an archive");
    let read = archive.entries().iter().map(|entry| {
        let content = archive.read(entry).expect("as it was written");
        (entry.name().to_owned(), content)
    });
    assert!(read.eq(contents.iter().cloned()));
}

/// A reader that knows local headers only and believes them, like those of streams.
pub(super) fn read_from_front(data: &[u8]) -> Vec<(String, Bytes)> {
    let u16 = |at: usize| u16::from_le_bytes(data[at..at + 2].try_into().expect("two"));
    let u32 = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().expect("four"));
    let mut at = 0;
    let mut found = Vec::new();
    while data[at..].starts_with(b"PK\x03\x04") {
        let (flags, method) = (u16(at + 6), u16(at + 8));
        let stored_bytes = usize::try_from(u32(at + 22)).expect("it fits");
        let (name_bytes, extra_bytes) = (usize::from(u16(at + 26)), usize::from(u16(at + 28)));
        let name = &data[at + 30..at + 30 + name_bytes];
        let extra = at + 30 + name_bytes;
        let wide_bytes = wide_bytes(&data[extra..extra + extra_bytes]);
        at = extra + extra_bytes;
        let (content, used) = match method {
            0 => {
                let bytes = wide_bytes.unwrap_or(stored_bytes);
                (data[at..at + bytes].to_vec(), bytes)
            }
            _ => inflated(&data[at..]),
        };
        at += used;
        if flags & 8 != 0 {
            at += usize::from(data[at..].starts_with(b"PK\x07\x08")) * 4;
            at += if wide_bytes.is_some() { 20 } else { 12 };
        }
        let name = String::from_utf8(name.to_vec()).expect("a name");
        found.push((name, content.into()));
    }
    let next = &data[at..at + 4];
    assert!(
        [b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"].contains(&next.try_into().expect("four")),
        "the entries end elsewhere"
    );
    found
}

/// The length in the ZIP64 field, if there is one among the fields.
fn wide_bytes(mut fields: &[u8]) -> Option<usize> {
    loop {
        let (id, rest) = fields.split_first_chunk::<2>()?;
        let (bytes, rest) = rest.split_first_chunk::<2>()?;
        if u16::from_le_bytes(*id) == 1 {
            let number = u64::from_le_bytes(*rest.first_chunk()?);
            return usize::try_from(number).ok();
        }
        fields = rest.get(usize::from(u16::from_le_bytes(*bytes))..)?;
    }
}

/// The content, and how many octets it was compressed to.
fn inflated(data: &[u8]) -> (Vec<u8>, usize) {
    let mut stream = Decompress::new(false);
    let mut content = Vec::new();
    loop {
        content.reserve(4096);
        let used = usize::try_from(stream.total_in()).expect("it fits");
        let status = stream
            .decompress_vec(&data[used..], &mut content, FlushDecompress::None)
            .expect("it was read before");
        if status == Status::StreamEnd {
            return (
                content,
                usize::try_from(stream.total_in()).expect("it fits"),
            );
        }
    }
}

/// A time stamp in a signature changes nothing but its place, and goes in once only; into every
/// signature of which that is said.
pub fn stamped_signature(data: &[u8]) {
    const TOKEN: &[u8] = b"token";
    let stamped = stamping::embed(data, TOKEN);
    if let Ok(signature) = VerifiedSignature::verify(data, Rules::Wire, &Memo::default()) {
        assert!(!signature.takes_time_stamp() || stamped.is_ok());
    }
    let Ok(stamped) = stamped else {
        return;
    };
    let added = stamped.len() - data.len();
    let place = data
        .iter()
        .zip(&stamped)
        .take_while(|(a, b)| a == b)
        .count();
    // The first octets of what was added may be those that follow it.
    let same = |at: usize| stamped[..at] == data[..at] && stamped[at + added..] == data[at..];
    assert!((0..=place).rev().any(same), "other octets have changed");
    assert!(matches!(
        stamping::embed(&stamped, TOKEN),
        Err(stamping::Error::AlreadyStamped)
    ));
    for rules in [Rules::Wire, Rules::Archive] {
        let before = VerifiedSignature::verify(data, rules, &Memo::default());
        let after = VerifiedSignature::verify(&stamped, rules, &Memo::default());
        assert_eq!(before.is_ok(), after.is_ok());
        if let (Ok(before), Ok(after)) = (before, after) {
            assert!(before.references().eq(after.references()));
            assert!(!after.takes_time_stamp());
        }
    }
    let value = gateway_seal::signature_value(data).ok();
    assert_eq!(value, gateway_seal::signature_value(&stamped).ok());
}

/// Small, so that nothing is unpacked for long.
pub(super) const LIMITS: Limits = Limits {
    entry_bytes_max: 1 << 20,
    total_bytes_max: 4 << 20,
    ..Limits::CONTAINER
};
