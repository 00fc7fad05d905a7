//! Bytes of a segment. All numbers little-endian.
//!
//! ```text
//! segment := header record*
//! header  := magic[8] version:u32 reserved:u32 number:u64 first_ordinal:u64 chain[32] crc:u32
//! record  := marker[4] kind:u16 reserved:u16 length:u32 payload_crc:u32 ordinal:u64 durable:u64
//!            chain[32] header_crc:u32 payload[length]
//! ```
//!
//! `chain` of a segment is the chain value before its first record; of a record, the value with it:
//! `SHA-256(label ‖ value before ‖ ordinal ‖ SHA-256(payload))`. The chain goes over digests, so
//! that payloads can be erased while the chain still holds: an erased segment has version 2 in its
//! header and records of kind 1, where SHA-256 of the payload stands in place of the payload and
//! `payload_crc` is of that digest; `length` still says how long the payload was. All its records
//! take the same room, so one is found by its ordinal. `durable` is the ordinal up to
//! which the log was durable when this record was written: a later record that says so proves that
//! an unreadable one was durable. `header_crc` is seeded with the segment's chain value, which
//! nobody outside knows: the bytes of a message never look like a record of ours.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// A SHA-256 value.
pub(super) type Hash = [u8; 32];

pub(super) const SEGMENT_HEADER_BYTES: usize = 68;
pub(super) const SEGMENT_HEADER_LENGTH: u64 = 68;
pub(super) const RECORD_HEADER_BYTES: usize = 68;
pub(super) const RECORD_HEADER_LENGTH: u64 = 68;
/// What the length field can say, with room for the header in 32 bits.
pub(super) const LENGTH_MAX: usize = 1 << 30;
pub(super) const MARKER: [u8; 4] = *b"KREC";

const MAGIC: [u8; 8] = *b"KARVANSG";
const VERSION_PLAIN: u32 = 1;
const VERSION_ERASED: u32 = 2;
const KIND_PLAIN: u16 = 0;
const KIND_ERASED: u16 = 1;
/// What stands in place of an erased payload.
const DIGEST_LENGTH: u32 = 32;
/// What an erased record takes.
const ERASED_RECORD_LENGTH: u64 = 100;
const MARK_BYTES: usize = 28;

/// The start of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) number: u64,
    pub(super) first_ordinal: u64,
    pub(super) chain: Hash,
    /// Its payloads were erased.
    pub(super) erased: bool,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        let version = match self.erased {
            false => VERSION_PLAIN,
            true => VERSION_ERASED,
        };
        out.extend_from_slice(&version.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.first_ordinal.to_le_bytes());
        out.extend_from_slice(&self.chain);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        fixed(&out)
    }

    pub(super) fn decode(raw: &[u8; SEGMENT_HEADER_BYTES]) -> Option<Self> {
        let (body, crc) = raw.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields(body);
        if fields.take::<8>()? != MAGIC {
            return None;
        }
        let erased = match u32::from_le_bytes(fields.take()?) {
            VERSION_PLAIN => false,
            VERSION_ERASED => true,
            _ => return None,
        };
        fields.take::<4>()?;
        Some(Self {
            number: u64::from_le_bytes(fields.take()?),
            first_ordinal: u64::from_le_bytes(fields.take()?),
            chain: fields.take()?,
            erased,
        })
    }

    /// How many octets follow the header of a record.
    pub(super) fn stored_length(&self, record: &RecordHeader) -> u32 {
        match self.erased {
            false => record.length,
            true => DIGEST_LENGTH,
        }
    }

    /// Where a record begins in an erased segment.
    pub(super) fn erased_offset(&self, ordinal: u64) -> u64 {
        ordinal
            .saturating_sub(self.first_ordinal)
            .saturating_mul(ERASED_RECORD_LENGTH)
            .saturating_add(SEGMENT_HEADER_LENGTH)
    }

    fn kind(&self) -> u16 {
        match self.erased {
            false => KIND_PLAIN,
            true => KIND_ERASED,
        }
    }
}

/// How many records an erased segment of this length has.
pub(super) fn erased_records(bytes: u64) -> u64 {
    bytes
        .saturating_sub(SEGMENT_HEADER_LENGTH)
        .checked_div(ERASED_RECORD_LENGTH)
        .unwrap_or_default()
}

/// The start of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) length: u32,
    pub(super) payload_crc: u32,
    pub(super) ordinal: u64,
    /// The last ordinal that was durable when this record was written.
    pub(super) durable: u64,
    /// The chain with this record.
    pub(super) chain: Hash,
}

impl RecordHeader {
    pub(super) fn encode(&self, segment: &SegmentHeader) -> [u8; RECORD_HEADER_BYTES] {
        let mut out = Vec::with_capacity(RECORD_HEADER_BYTES);
        out.extend_from_slice(&MARKER);
        out.extend_from_slice(&segment.kind().to_le_bytes());
        out.extend_from_slice(&0_u16.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.payload_crc.to_le_bytes());
        out.extend_from_slice(&self.ordinal.to_le_bytes());
        out.extend_from_slice(&self.durable.to_le_bytes());
        out.extend_from_slice(&self.chain);
        let crc = header_crc(segment, &out);
        out.extend_from_slice(&crc.to_le_bytes());
        fixed(&out)
    }

    pub(super) fn decode(raw: &[u8; RECORD_HEADER_BYTES], segment: &SegmentHeader) -> Option<Self> {
        let (body, crc) = raw.split_last_chunk::<4>()?;
        if header_crc(segment, body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields(body);
        if fields.take::<4>()? != MARKER || u16::from_le_bytes(fields.take()?) != segment.kind() {
            return None;
        }
        fields.take::<2>()?;
        Some(Self {
            length: u32::from_le_bytes(fields.take()?),
            payload_crc: u32::from_le_bytes(fields.take()?),
            ordinal: u64::from_le_bytes(fields.take()?),
            durable: u64::from_le_bytes(fields.take()?),
            chain: fields.take()?,
        })
    }

    /// What stands behind the header, in a segment, has the length and the checksum announced.
    pub(super) fn fits(&self, stored: &[u8], segment: &SegmentHeader) -> bool {
        u32::try_from(stored.len()) == Ok(segment.stored_length(self))
            && crc32fast::hash(stored) == self.payload_crc
    }

    /// The same record without its payload.
    pub(super) fn erased(&self, payload_digest: &Hash) -> Self {
        Self {
            payload_crc: crc32fast::hash(payload_digest),
            ..*self
        }
    }
}

/// How far a log is durable: the end of the last durable record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DurableEnd {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) ordinal: u64,
}

impl DurableEnd {
    pub(super) fn encode(&self) -> [u8; MARK_BYTES] {
        let mut out = Vec::with_capacity(MARK_BYTES);
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.ordinal.to_le_bytes());
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        fixed(&out)
    }

    pub(super) fn decode(raw: &[u8]) -> Option<Self> {
        let (body, crc) = raw.split_last_chunk::<4>()?;
        if raw.len() != MARK_BYTES || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields(body);
        Some(Self {
            segment: u64::from_le_bytes(fields.take()?),
            offset: u64::from_le_bytes(fields.take()?),
            ordinal: u64::from_le_bytes(fields.take()?),
        })
    }
}

/// The digest of a payload that enters the chain.
pub(super) fn payload_digest(payload: &[u8]) -> Hash {
    Sha256::digest(payload).into()
}

/// The chain with one more record.
pub(super) fn chain(before: &Hash, ordinal: u64, payload_digest: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"karvan segment record 1");
    hash.update(before);
    hash.update(ordinal.to_le_bytes());
    hash.update(payload_digest);
    hash.finalize().into()
}

/// The chain value a new log begins with: of its own, and not to be guessed.
pub(super) fn new_chain() -> Hash {
    use std::hash::{BuildHasher as _, RandomState};
    let mut hash = Sha256::new();
    hash.update(b"karvan segment log 1");
    for salt in 0_u32..4 {
        hash.update(RandomState::new().hash_one(salt).to_le_bytes());
    }
    hash.finalize().into()
}

/// The file of a segment.
pub(super) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.{SUFFIX}"))
}

/// The number of a segment, if this is the name of one.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?.strip_suffix('.')?;
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    (format!("{number:010}") == digits).then_some(number)
}

/// The file that is to take the place of a segment.
pub(super) fn stub_path(dir: &Path, number: u64) -> PathBuf {
    beside(dir, number, STUB_SUFFIX)
}

/// The file that keeps a torn end of a segment.
pub(super) fn torn_path(dir: &Path, number: u64, offset: u64) -> PathBuf {
    beside(dir, number, &format!("{TORN_INFIX}{offset}"))
}

/// The number of the segment that a stub was to replace, if this is the name of one.
pub(super) fn stub_number(name: &str) -> Option<u64> {
    segment_number(name.strip_suffix(STUB_SUFFIX)?)
}

/// The number of the segment whose torn end this is, if this is the name of one.
pub(super) fn torn_number(name: &str) -> Option<u64> {
    segment_number(name.split_once(TORN_INFIX)?.0)
}

fn beside(dir: &Path, number: u64, suffix: &str) -> PathBuf {
    let mut name = segment_path(dir, number).into_os_string();
    name.push(suffix);
    name.into()
}

fn header_crc(segment: &SegmentHeader, body: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(&segment.chain);
    hash.update(body);
    hash.finalize()
}

#[expect(
    clippy::expect_used,
    reason = "the callers write exactly N bytes, whatever the values"
)]
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes as the layout has")
}

/// Takes fixed fields off the front of a slice.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

const SUFFIX: &str = "seg";
const STUB_SUFFIX: &str = ".stub";
const TORN_INFIX: &str = ".torn-";
