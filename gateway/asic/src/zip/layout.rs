//! The local headers (APPNOTE 4.3.7 to 4.3.9): entry follows entry without gaps, in the order of
//! the central directory and described alike.

use super::directory::Header;
use super::format::{DESCRIPTOR, Extra, Fields, HAS_DESCRIPTOR, IN_ZIP64, LOCAL, LOCAL_BYTES};
use super::{Error, Source};

/// Where the content of each entry starts. `end` is where the entries end.
pub(super) fn check(source: &Source, headers: &[Header<'_>], end: u64) -> Result<Vec<u64>, Error> {
    let mut starts = Vec::with_capacity(headers.len());
    let mut expected = 0;
    let ends = headers.iter().skip(1).map(|next| next.offset);
    for (header, next) in headers.iter().zip(ends.chain([end])) {
        adjoin(expected, header.offset)?;
        starts.push(entry(source, header, next)?);
        expected = next;
    }
    adjoin(expected, end)?;
    Ok(starts)
}

/// One thing ends where the next starts.
const fn adjoin(end: u64, next: u64) -> Result<(), Error> {
    if end < next {
        return Err(Error::Gap { offset: end, next });
    }
    if end > next {
        return Err(Error::Overlap { offset: next, end });
    }
    Ok(())
}

/// Checks one entry, which must end at `next`, and says where its content starts.
fn entry(source: &Source, header: &Header<'_>, next: u64) -> Result<u64, Error> {
    let broken = || Error::Record {
        reason: "no local header",
        offset: header.offset,
    };
    let fixed_end = header.offset.checked_add(LOCAL_BYTES).ok_or_else(broken)?;
    if fixed_end > next {
        return Err(Error::Overlap {
            offset: next,
            end: fixed_end,
        });
    }
    let fixed = source.read(header.offset, LOCAL_BYTES)?;
    let local = Local::read(&fixed).ok_or_else(broken)?;
    let variable_bytes = u64::from(local.name_bytes).saturating_add(u64::from(local.extra_bytes));
    let start = fixed_end.saturating_add(variable_bytes);
    let content_end = start.saturating_add(header.compressed_bytes);
    if content_end > next {
        return Err(Error::Overlap {
            offset: next,
            end: content_end,
        });
    }
    let variable = source.read(fixed_end, variable_bytes)?;
    let mut fields = Fields(&variable);
    let name = fields.bytes(local.name_bytes).ok_or_else(broken)?;
    if name != header.name.as_bytes() {
        return Err(disagreement(header, "name"));
    }
    let extra = Extra::read(fields.0).map_err(|feature| Error::Feature {
        name: header.name.to_owned(),
        feature,
    })?;
    let wide = local.agrees(header, &extra)?;
    if header.flags & HAS_DESCRIPTOR == 0 {
        adjoin(content_end, next)?;
    } else {
        descriptor(source, header, content_end, next, wide)?;
    }
    Ok(start)
}

/// The fixed part of a local header.
struct Local {
    flags: u16,
    method: u16,
    dos_time: (u16, u16),
    crc: u32,
    compressed_bytes: u32,
    bytes: u32,
    name_bytes: u16,
    extra_bytes: u16,
}

impl Local {
    fn read(octets: &[u8]) -> Option<Self> {
        let mut fields = Fields(octets);
        if fields.u32()? != LOCAL {
            return None;
        }
        let _version = fields.u16()?;
        Some(Self {
            flags: fields.u16()?,
            method: fields.u16()?,
            dos_time: (fields.u16()?, fields.u16()?),
            crc: fields.u32()?,
            compressed_bytes: fields.u32()?,
            bytes: fields.u32()?,
            name_bytes: fields.u16()?,
            extra_bytes: fields.u16()?,
        })
    }

    /// Compares with the central directory, and says whether a ZIP64 field makes the numbers of a
    /// descriptor wide. With a descriptor, numbers may be zero here.
    fn agrees(&self, header: &Header<'_>, extra: &Extra<'_>) -> Result<bool, Error> {
        for (differs, field) in [
            (self.flags != header.flags, "flags"),
            (self.method != header.method, "method"),
            (self.dos_time != header.dos_time, "time"),
        ] {
            if differs {
                return Err(disagreement(header, field));
            }
        }
        let later = header.flags & HAS_DESCRIPTOR != 0;
        let (bytes, compressed_bytes) = match extra.zip64 {
            None => (u64::from(self.bytes), u64::from(self.compressed_bytes)),
            Some(field) => {
                let mut fields = Fields(field);
                let both = (self.bytes, self.compressed_bytes);
                match (fields.u64(), fields.u64()) {
                    (Some(bytes), Some(compressed_bytes))
                        if fields.0.is_empty()
                            && (both == (IN_ZIP64, IN_ZIP64) || later && both == (0, 0)) =>
                    {
                        (bytes, compressed_bytes)
                    }
                    _ => {
                        return Err(Error::Zip64 {
                            reason: "a local header with other than two lengths in its field",
                        });
                    }
                }
            }
        };
        let alike = |here: u64, there: u64| here == there || later && here == 0;
        for (agrees, field) in [
            (
                alike(u64::from(self.crc), u64::from(header.crc)),
                "checksum",
            ),
            (alike(bytes, header.bytes), "length"),
            (
                alike(compressed_bytes, header.compressed_bytes),
                "compressed length",
            ),
        ] {
            if !agrees {
                return Err(disagreement(header, field));
            }
        }
        Ok(extra.zip64.is_some())
    }
}

/// What stands between content and the next entry: the descriptor, with or without its signature.
fn descriptor(
    source: &Source,
    header: &Header<'_>,
    start: u64,
    next: u64,
    wide: bool,
) -> Result<(), Error> {
    // As the JDK and others decide, without a field that says so. With a field and without need,
    // older ones read narrow numbers, and see nothing of what follows.
    let large = u64::from(IN_ZIP64);
    let is_large = header.bytes >= large || header.compressed_bytes >= large;
    if wide && !is_large {
        return Err(Error::Feature {
            name: header.name.to_owned(),
            feature: "wide numbers behind its content without need",
        });
    }
    let wide = is_large;
    let bytes = next.saturating_sub(start);
    let short = if wide { 20 } else { 12 };
    let has_signature = match bytes {
        _ if bytes == short => false,
        _ if bytes == short.saturating_add(4) => true,
        _ => {
            return Err(Error::Record {
                reason: "no data descriptor of its length",
                offset: start,
            });
        }
    };
    let octets = source.read(start, bytes)?;
    let mut fields = Fields(&octets);
    if has_signature && fields.u32() != Some(DESCRIPTOR) {
        return Err(Error::Record {
            reason: "no data descriptor",
            offset: start,
        });
    }
    let mut read = || {
        let crc = fields.u32()?;
        let mut length = || match wide {
            true => fields.u64(),
            false => fields.u32().map(u64::from),
        };
        Some((crc, length()?, length()?))
    };
    let (crc, compressed_bytes, bytes) = read().ok_or(Error::Record {
        reason: "a data descriptor that is cut off",
        offset: start,
    })?;
    // A checksum that looks like the signature that is not there.
    if crc != header.crc || (!has_signature && crc == DESCRIPTOR) {
        return Err(disagreement(header, "checksum"));
    }
    if compressed_bytes != header.compressed_bytes {
        return Err(disagreement(header, "compressed length"));
    }
    if bytes != header.bytes {
        return Err(disagreement(header, "length"));
    }
    Ok(())
}

fn disagreement(header: &Header<'_>, field: &'static str) -> Error {
    Error::Disagreement {
        name: header.name.to_owned(),
        field,
    }
}
