//! Numbers and records of the format (APPNOTE 4.3).

/// Little-endian fields, taken from the front.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self, count: u16) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::from(count))?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

/// The extra fields that matter here.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    /// Content of the ZIP64 field.
    pub(super) zip64: Option<&'a [u8]>,
    /// Seconds since 1970 of the last change, from the extended time stamp.
    pub(super) time: Option<i32>,
}

impl<'a> Extra<'a> {
    /// Reads the extra fields of a header, to their end.
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, &'static str> {
        let mut fields = Fields(octets);
        let mut extra = Self::default();
        while !fields.0.is_empty() {
            let (Some(id), Some(count)) = (fields.u16(), fields.u16()) else {
                return Err("extra fields that are cut off");
            };
            let content = fields
                .bytes(count)
                .ok_or("an extra field longer than there is room")?;
            match id {
                ZIP64_EXTRA if extra.zip64.is_some() => return Err("two ZIP64 fields"),
                ZIP64_EXTRA => extra.zip64 = Some(content),
                TIME_EXTRA => extra.time = time(content),
                // Some readers would take the name from there.
                UNICODE_PATH_EXTRA => return Err("a second name in an extra field"),
                AES_EXTRA => return Err("encryption by an extra field"),
                _ => {}
            }
        }
        Ok(extra)
    }
}

fn time(content: &[u8]) -> Option<i32> {
    let (flags, seconds) = content.split_first()?;
    if flags & TIME_OF_CHANGE == 0 {
        return None;
    }
    seconds
        .first_chunk()
        .map(|octets| i32::from_le_bytes(*octets))
}

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const DESCRIPTOR: u32 = 0x0807_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
pub(super) const END: u32 = 0x0605_4b50;
pub(super) const ZIP64_END: u32 = 0x0606_4b50;
pub(super) const ZIP64_LOCATOR: u32 = 0x0706_4b50;

pub(super) const LOCAL_BYTES: u64 = 30;
pub(super) const CENTRAL_BYTES: u64 = 46;
pub(super) const END_BYTES: u64 = 22;
pub(super) const ZIP64_END_BYTES: u64 = 56;
pub(super) const ZIP64_LOCATOR_BYTES: u64 = 20;

/// Instead of a number that stands in a ZIP64 field.
pub(super) const IN_ZIP64: u32 = u32::MAX;
pub(super) const COUNT_IN_ZIP64: u16 = u16::MAX;

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

pub(super) const ENCRYPTED: u16 = 1;
/// Sizes and checksum stand behind the content.
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
pub(super) const NAME_IS_UTF8: u16 = 1 << 11;
/// How hard the compressor tried, besides those above: changes nothing for a reader.
pub(super) const FLAGS_KNOWN: u16 = HAS_DESCRIPTOR | NAME_IS_UTF8 | 1 << 1 | 1 << 2;

pub(super) const VERSION_DEFLATE: u16 = 20;
pub(super) const VERSION_ZIP64: u16 = 45;

pub(super) const ZIP64_EXTRA: u16 = 0x0001;
pub(super) const TIME_EXTRA: u16 = 0x5455;
pub(super) const TIME_OF_CHANGE: u8 = 1;
const UNICODE_PATH_EXTRA: u16 = 0x7075;
const AES_EXTRA: u16 = 0x9901;
