//! ZIP files made by hand, right or wrong in any field.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// An archive. As made it is right.
#[derive(Clone, Default)]
pub(super) struct Made {
    pub(super) front: Vec<u8>,
    pub(super) items: Vec<Item>,
    pub(super) behind_directory: Vec<u8>,
    pub(super) behind: Vec<u8>,
    /// Taken from every offset.
    pub(super) shift: u32,
    pub(super) directory_bytes_added: u32,
    pub(super) disk: u16,
    pub(super) entries: Option<u16>,
    pub(super) comment: Vec<u8>,
    pub(super) zip64: bool,
    /// The short end record has its numbers too.
    pub(super) short_numbers: bool,
    pub(super) zip64_entries: Option<u64>,
    pub(super) zip64_record_bytes: u64,
    pub(super) between_zip64: Vec<u8>,
}

#[derive(Clone)]
pub(super) struct Item {
    pub(super) local: Head,
    pub(super) central: Head,
    pub(super) content: Vec<u8>,
    pub(super) behind: Vec<u8>,
    pub(super) made_by: u16,
    pub(super) version: u16,
    pub(super) disk: u16,
    pub(super) attributes: u32,
    pub(super) offset: Option<u32>,
    pub(super) comment: Vec<u8>,
}

/// What both headers have.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: u16,
    pub(super) date: u16,
    pub(super) crc: u32,
    pub(super) compressed_bytes: u32,
    pub(super) bytes: u32,
    pub(super) name: Vec<u8>,
    pub(super) extra: Vec<u8>,
}

impl Item {
    pub(super) fn stored(name: &str, content: &[u8]) -> Self {
        Self::new(name, 0, content, content.to_vec())
    }

    pub(super) fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        Self::new(name, 8, content, encoder.finish().unwrap())
    }

    fn new(name: &str, method: u16, content: &[u8], compressed: Vec<u8>) -> Self {
        let head = Head {
            flags: 0,
            method,
            time: 0,
            date: 33,
            crc: crc32fast::hash(content),
            compressed_bytes: u32::try_from(compressed.len()).unwrap(),
            bytes: u32::try_from(content.len()).unwrap(),
            name: name.as_bytes().to_vec(),
            extra: Vec::new(),
        };
        Self {
            local: head.clone(),
            central: head,
            content: compressed,
            behind: Vec::new(),
            made_by: 20,
            version: 20,
            disk: 0,
            attributes: 0,
            offset: None,
            comment: Vec::new(),
        }
    }

    pub(super) fn both(&mut self, change: impl Fn(&mut Head)) {
        change(&mut self.local);
        change(&mut self.central);
    }

    /// Moves checksum and lengths behind the content.
    pub(super) fn describe(&mut self, signature: bool, wide: bool) {
        self.both(|head| head.flags |= 1 << 3);
        let (crc, compressed_bytes, bytes) = (
            self.central.crc,
            self.central.compressed_bytes,
            self.central.bytes,
        );
        (self.local.crc, self.local.compressed_bytes) = (0, 0);
        self.local.bytes = 0;
        self.local.extra.clear();
        self.behind.clear();
        if signature {
            self.behind.extend(b"PK\x07\x08");
        }
        self.behind.extend(crc.to_le_bytes());
        for number in [compressed_bytes, bytes] {
            match wide {
                true => self.behind.extend(u64::from(number).to_le_bytes()),
                false => self.behind.extend(number.to_le_bytes()),
            }
        }
        if wide {
            self.local.extra = zip64_field(&[0, 0]);
        }
    }
}

impl Head {
    fn push(&self, to: &mut Vec<u8>) {
        to.extend(self.flags.to_le_bytes());
        to.extend(self.method.to_le_bytes());
        to.extend(self.time.to_le_bytes());
        to.extend(self.date.to_le_bytes());
        to.extend(self.crc.to_le_bytes());
        to.extend(self.compressed_bytes.to_le_bytes());
        to.extend(self.bytes.to_le_bytes());
        to.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        to.extend(u16::try_from(self.extra.len()).unwrap().to_le_bytes());
    }
}

impl Made {
    pub(super) fn of(items: impl IntoIterator<Item = Item>) -> Self {
        Self {
            items: items.into_iter().collect(),
            zip64_record_bytes: 44,
            ..Self::default()
        }
    }

    pub(super) fn octets(&self) -> Vec<u8> {
        let position = |octets: &[u8]| u32::try_from(octets.len()).unwrap();
        let mut octets = self.front.clone();
        let mut directory = Vec::new();
        for item in &self.items {
            let offset = position(&octets) - self.shift;
            octets.extend(b"PK\x03\x04");
            octets.extend(item.version.to_le_bytes());
            item.local.push(&mut octets);
            octets.extend(&item.local.name);
            octets.extend(&item.local.extra);
            octets.extend(&item.content);
            octets.extend(&item.behind);

            directory.extend(b"PK\x01\x02");
            directory.extend(item.made_by.to_le_bytes());
            directory.extend(item.version.to_le_bytes());
            item.central.push(&mut directory);
            directory.extend(u16::try_from(item.comment.len()).unwrap().to_le_bytes());
            directory.extend(item.disk.to_le_bytes());
            directory.extend([0; 2]);
            directory.extend(item.attributes.to_le_bytes());
            directory.extend(item.offset.unwrap_or(offset).to_le_bytes());
            directory.extend(&item.central.name);
            directory.extend(&item.central.extra);
            directory.extend(&item.comment);
        }
        let offset = position(&octets) - self.shift;
        let bytes = position(&directory) + self.directory_bytes_added;
        octets.extend(directory);
        octets.extend(&self.behind_directory);

        let count = u16::try_from(self.items.len()).unwrap();
        if self.zip64 {
            let start = u64::from(position(&octets));
            let entries = self.zip64_entries.unwrap_or(count.into());
            octets.extend(b"PK\x06\x06");
            octets.extend(self.zip64_record_bytes.to_le_bytes());
            octets.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            octets.extend(entries.to_le_bytes());
            octets.extend(entries.to_le_bytes());
            octets.extend(u64::from(bytes).to_le_bytes());
            octets.extend(u64::from(offset).to_le_bytes());
            octets.extend(&self.between_zip64);
            octets.extend(b"PK\x06\x07\0\0\0\0");
            octets.extend(start.to_le_bytes());
            octets.extend(1_u32.to_le_bytes());
        }
        let is_long = self.zip64 && !self.short_numbers;
        let entries = self
            .entries
            .unwrap_or(if is_long { u16::MAX } else { count });
        octets.extend(b"PK\x05\x06");
        octets.extend(self.disk.to_le_bytes());
        octets.extend([0; 2]);
        octets.extend(entries.to_le_bytes());
        octets.extend(entries.to_le_bytes());
        for number in [bytes, offset] {
            octets.extend(if is_long { u32::MAX } else { number }.to_le_bytes());
        }
        octets.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        octets.extend(&self.comment);
        octets.extend(&self.behind);
        octets
    }
}

pub(super) fn zip64_field(numbers: &[u64]) -> Vec<u8> {
    let length = u16::try_from(numbers.len() * 8).unwrap();
    let mut field = vec![1, 0];
    field.extend(length.to_le_bytes());
    field.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    field
}
