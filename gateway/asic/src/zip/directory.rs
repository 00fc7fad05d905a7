//! The central directory (APPNOTE 4.3.12).

use super::format::{
    CENTRAL, CENTRAL_BYTES, DEFLATED, ENCRYPTED, Extra, FLAGS_KNOWN, Fields, HAS_DESCRIPTOR,
    IN_ZIP64, STORED, VERSION_ZIP64,
};
use super::{Error, Limits};

/// An entry as the central directory describes it.
#[derive(Debug)]
pub(super) struct Header<'d> {
    pub(super) name: &'d str,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) dos_time: (u16, u16),
    pub(super) crc: u32,
    pub(super) compressed_bytes: u64,
    pub(super) bytes: u64,
    pub(super) offset: u64,
    /// Seconds since 1970.
    pub(super) time: Option<i32>,
}

/// Reads all of the directory.
pub(super) fn read<'d>(
    octets: &'d [u8],
    directory_offset: u64,
    entries: u64,
    limits: &Limits,
) -> Result<Vec<Header<'d>>, Error> {
    let mut headers = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let read = octets.len().saturating_sub(rest.len());
        let offset = directory_offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        let mut fields = Fields(rest);
        let header = Raw::read(&mut fields).ok_or(Error::Record {
            reason: "no entry of the central directory",
            offset,
        })?;
        headers.push(header.check(limits)?);
        rest = fields.0;
    }
    if u64::try_from(headers.len()) != Ok(entries) {
        return Err(Error::Record {
            reason: "a central directory of another number of entries",
            offset: directory_offset,
        });
    }
    Ok(headers)
}

/// The fields as they stand there.
struct Raw<'d> {
    made_by: u16,
    version: u16,
    flags: u16,
    method: u16,
    dos_time: (u16, u16),
    crc: u32,
    compressed_bytes: u32,
    bytes: u32,
    disk: u16,
    attributes: u32,
    offset: u32,
    name: &'d [u8],
    extra: &'d [u8],
}

impl<'d> Raw<'d> {
    fn read(fields: &mut Fields<'d>) -> Option<Self> {
        if fields.u32()? != CENTRAL {
            return None;
        }
        let made_by = fields.u16()?;
        let version = fields.u16()?;
        let flags = fields.u16()?;
        let method = fields.u16()?;
        let dos_time = (fields.u16()?, fields.u16()?);
        let crc = fields.u32()?;
        let compressed_bytes = fields.u32()?;
        let bytes = fields.u32()?;
        let name_bytes = fields.u16()?;
        let extra_bytes = fields.u16()?;
        let comment_bytes = fields.u16()?;
        let disk = fields.u16()?;
        let _internal_attributes = fields.u16()?;
        let attributes = fields.u32()?;
        let offset = fields.u32()?;
        let name = fields.bytes(name_bytes)?;
        let extra = fields.bytes(extra_bytes)?;
        let _comment = fields.bytes(comment_bytes)?;
        Some(Self {
            made_by,
            version,
            flags,
            method,
            dos_time,
            crc,
            compressed_bytes,
            bytes,
            disk,
            attributes,
            offset,
            name,
            extra,
        })
    }

    fn check(self, limits: &Limits) -> Result<Header<'d>, Error> {
        let shown = || String::from_utf8_lossy(self.name).into_owned();
        if self.name.len() > limits.name_bytes_max {
            return Err(Error::TooMuch {
                what: "octets of a name",
                value: u64::try_from(self.name.len()).unwrap_or(u64::MAX),
                max: u64::try_from(limits.name_bytes_max).unwrap_or(u64::MAX),
            });
        }
        let name = limits
            .names
            .check(self.name)
            .map_err(|reason| Error::Name {
                name: shown(),
                reason,
            })?;
        let feature = |feature| Error::Feature {
            name: shown(),
            feature,
        };
        if self.flags & ENCRYPTED != 0 {
            return Err(Error::Encrypted { name: shown() });
        }
        if self.flags & !FLAGS_KNOWN != 0 {
            return Err(feature("unknown flags"));
        }
        if !matches!(self.method, STORED | DEFLATED) {
            return Err(Error::Method {
                name: shown(),
                method: self.method,
            });
        }
        // Who reads from the front could not tell where it ends.
        if self.method == STORED && self.flags & HAS_DESCRIPTOR != 0 {
            return Err(feature("stored content of a length that stands behind it"));
        }
        if self.version & 0xff > VERSION_ZIP64 {
            return Err(feature("a newer version of the format"));
        }
        if self.disk != 0 {
            return Err(Error::MultiDisk);
        }
        if !self.is_plain_file(name) {
            return Err(feature("a type other than file or folder"));
        }
        let extra = Extra::read(self.extra).map_err(feature)?;
        let (bytes, compressed_bytes, offset) = self.numbers(&extra)?;
        Ok(Header {
            name,
            flags: self.flags,
            method: self.method,
            dos_time: self.dos_time,
            crc: self.crc,
            compressed_bytes,
            bytes,
            offset,
            time: extra.time,
        })
    }

    /// By the file mode that Unix programs store: a program that unpacks would make links of links.
    fn is_plain_file(&self, name: &str) -> bool {
        if self.made_by >> 8 != MADE_BY_UNIX {
            return true;
        }
        match (self.attributes >> 16) & MODE_TYPE {
            0 => true,
            MODE_FILE => !name.ends_with('/'),
            MODE_FOLDER => name.ends_with('/'),
            _ => false,
        }
    }

    /// Length, compressed length and place, each from the ZIP64 field where it says so. The field
    /// must hold these and nothing else.
    fn numbers(&self, extra: &Extra<'_>) -> Result<(u64, u64, u64), Error> {
        let short = |reason| Error::Zip64 { reason };
        let mut fields = Fields(extra.zip64.unwrap_or_default());
        let mut number = |value| match value {
            IN_ZIP64 => fields.u64().ok_or(short(
                "an entry whose numbers should be in a field that is not there",
            )),
            value => Ok(u64::from(value)),
        };
        let numbers = (
            number(self.bytes)?,
            number(self.compressed_bytes)?,
            number(self.offset)?,
        );
        if !fields.0.is_empty() || extra.zip64.is_some_and(<[u8]>::is_empty) {
            return Err(short("a field with numbers that stand elsewhere"));
        }
        Ok(numbers)
    }
}

/// The least octets that so many entries have in the directory.
pub(super) const fn bytes_min(entries: u64) -> u64 {
    entries.saturating_mul(CENTRAL_BYTES)
}

const MADE_BY_UNIX: u16 = 3;
const MODE_TYPE: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_FOLDER: u32 = 0o040_000;
