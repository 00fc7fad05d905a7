//! The few ASN.1 shapes of OCSP and time stamps: a reader that lends the received octets, and a
//! writer that cannot fail.
//!
//! Why not derived structures: a signature is checked over the octets as they came, never over a
//! re-encoding; a certificate enclosed by somebody else may be odd without making the rest
//! unreadable; and time-stamp times may carry fractions of a second, which the ready-made types
//! refuse.

use std::fmt;

use certs_keys::{Digest, DigestAlgorithm};
use der::asn1::ObjectIdentifier;
use der::{Decode, ErrorKind, Header, Reader as _, SliceReader, Tag, TagNumber};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

mod ber;
#[cfg(test)]
mod tests;

pub(crate) use ber::to_der;

/// One element: its tag, its content, and both with the header as they were received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Walks over the elements of one constructed value.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a>(SliceReader<'a>);

/// An object identifier as received. The ready-made type takes neither two octets (`1.2.3`) nor
/// arcs above 32 bits (`2.25.…`), and policies have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Oid<'a>(&'a [u8]);

/// An AlgorithmIdentifier as received; `parameters` with their header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm<'a> {
    pub(crate) oid: Oid<'a>,
    pub(crate) parameters: Option<&'a [u8]>,
    pub(crate) whole: &'a [u8],
}

/// The extensions of a request or response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions(Vec<Extension>);

#[derive(Clone, Debug)]
struct Extension {
    oid: Vec<u8>,
    critical: bool,
    value: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(der: &'a [u8]) -> der::Result<Self> {
        Ok(Self(SliceReader::new(der)?))
    }

    /// Reads one element that must fill `der`, and enters it.
    pub(crate) fn only(der: &'a [u8], tag: Tag) -> der::Result<Self> {
        let mut outer = Self::new(der)?;
        let inner = outer.enter(tag)?;
        outer.finish()?;
        Ok(inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_finished()
    }

    /// Whether the next element has this tag.
    pub(crate) fn is_next(&self, tag: Tag) -> bool {
        !self.is_empty() && self.0.peek_tag().is_ok_and(|next| next == tag)
    }

    /// How many octets were consumed.
    pub(crate) fn position(&self) -> usize {
        usize::try_from(self.0.position()).unwrap_or(usize::MAX)
    }

    pub(crate) fn finish(self) -> der::Result<()> {
        self.0.finish(())
    }

    pub(crate) fn element(&mut self) -> der::Result<Element<'a>> {
        let mut ahead = self.0.clone();
        let header = Header::decode(&mut ahead)?;
        let content = ahead.read_slice(header.length)?;
        let whole = self.0.tlv_bytes()?;
        Ok(Element {
            tag: header.tag,
            content,
            whole,
        })
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn content(&mut self, tag: Tag) -> der::Result<&'a [u8]> {
        let element = self.element()?;
        element.tag.assert_eq(tag)?;
        Ok(element.content)
    }

    /// The content of the next element if it has this tag; nothing is consumed otherwise.
    pub(crate) fn optional(&mut self, tag: Tag) -> der::Result<Option<&'a [u8]>> {
        if self.is_empty() || self.0.peek_tag()? != tag {
            return Ok(None);
        }
        self.content(tag).map(Some)
    }

    pub(crate) fn enter(&mut self, tag: Tag) -> der::Result<Self> {
        Self::new(self.content(tag)?)
    }

    pub(crate) fn sequence(&mut self) -> der::Result<Self> {
        self.enter(Tag::Sequence)
    }

    pub(crate) fn oid(&mut self) -> der::Result<Oid<'a>> {
        Oid::new(self.content(Tag::ObjectIdentifier)?)
    }

    pub(crate) fn octets(&mut self) -> der::Result<&'a [u8]> {
        self.content(Tag::OctetString)
    }

    /// A bit string of whole octets.
    pub(crate) fn bits(&mut self) -> der::Result<&'a [u8]> {
        match self.content(Tag::BitString)?.split_first() {
            Some((0, octets)) => Ok(octets),
            _ => Err(Tag::BitString.value_error()),
        }
    }

    /// The octets of an INTEGER as they stand: not empty, no superfluous sign octet.
    pub(crate) fn integer(&mut self) -> der::Result<&'a [u8]> {
        checked_integer(self.content(Tag::Integer)?)
    }

    /// A small INTEGER that is not negative.
    pub(crate) fn small(&mut self) -> der::Result<u64> {
        let octets = self.integer()?;
        if octets.first().is_some_and(|first| *first >= 0x80) {
            return Err(Tag::Integer.value_error());
        }
        unsigned(octets).ok_or_else(|| Tag::Integer.value_error())
    }

    pub(crate) fn generalized_time(&mut self) -> der::Result<Timestamp> {
        parse_generalized_time(self.content(Tag::GeneralizedTime)?)
            .ok_or_else(|| Tag::GeneralizedTime.value_error())
    }

    /// `Time ::= CHOICE { UTCTime, GeneralizedTime }`.
    pub(crate) fn time(&mut self) -> der::Result<Timestamp> {
        let element = self.element()?;
        match element.tag {
            Tag::UtcTime => parse_utc_time(element.content),
            Tag::GeneralizedTime => parse_generalized_time(element.content),
            other => return Err(other.unexpected_error(Some(Tag::GeneralizedTime))),
        }
        .ok_or_else(|| element.tag.value_error())
    }

    pub(crate) fn algorithm(&mut self) -> der::Result<Algorithm<'a>> {
        let element = self.element()?;
        element.tag.assert_eq(Tag::Sequence)?;
        let mut inner = Self::new(element.content)?;
        let oid = inner.oid()?;
        let parameters = match inner.is_empty() {
            true => None,
            false => Some(inner.element()?.whole),
        };
        inner.finish()?;
        Ok(Algorithm {
            oid,
            parameters,
            whole: element.whole,
        })
    }
}

impl<'a> Oid<'a> {
    /// From the content octets: no arc begins with a zero, and the last one ends.
    pub(crate) fn new(content: &'a [u8]) -> der::Result<Self> {
        let mut at_start = true;
        for octet in content {
            if at_start && *octet == 0x80 {
                return Err(Tag::ObjectIdentifier.value_error());
            }
            at_start = *octet < 0x80;
        }
        match at_start && !content.is_empty() && content.len() <= OID_BYTES_MAX {
            true => Ok(Self(content)),
            false => Err(Tag::ObjectIdentifier.value_error()),
        }
    }

    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl PartialEq<ObjectIdentifier> for Oid<'_> {
    fn eq(&self, other: &ObjectIdentifier) -> bool {
        self.0 == other.as_bytes()
    }
}

/// Dotted; an arc above 128 bits is shown as `*`.
impl fmt::Display for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for arc in self.0.split_inclusive(|octet| *octet < 0x80) {
            let value = arc.iter().try_fold(0_u128, |value, octet| {
                value
                    .checked_mul(128)?
                    .checked_add(u128::from(octet & 0x7f))
            });
            match (value, first) {
                (None, _) => f.write_str(if first { "2.*" } else { ".*" })?,
                (Some(value), false) => write!(f, ".{value}")?,
                (Some(value @ 0..40), true) => write!(f, "0.{value}")?,
                (Some(value @ 40..80), true) => write!(f, "1.{}", value.saturating_sub(40))?,
                (Some(value), true) => write!(f, "2.{}", value.saturating_sub(80))?,
            }
            first = false;
        }
        Ok(())
    }
}

impl Algorithm<'_> {
    /// The digest algorithm this names; parameters must be absent or NULL.
    pub(crate) fn digest(&self) -> der::Result<DigestAlgorithm> {
        match self.parameters {
            None | Some(NULL) => {}
            Some(_) => return Err(ErrorKind::Value { tag: Tag::Sequence }.into()),
        }
        DIGESTS
            .into_iter()
            .find(|algorithm| self.oid == digest_oid(*algorithm))
            .ok_or_else(|| Tag::ObjectIdentifier.value_error())
    }
}

impl Extensions {
    /// `Extensions ::= SEQUENCE OF SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue }`,
    /// none of them twice.
    pub(crate) fn read(der: &[u8]) -> der::Result<Self> {
        Self::read_members(Reader::only(der, Tag::Sequence)?)
    }

    /// The same, where an implicit tag stands in place of the SEQUENCE.
    pub(crate) fn read_members(mut members: Reader<'_>) -> der::Result<Self> {
        let mut extensions: Vec<Extension> = Vec::new();
        while !members.is_empty() {
            let mut extension = members.sequence()?;
            let oid = extension.oid()?.as_bytes().to_vec();
            let critical = match extension.optional(Tag::Boolean)? {
                None | Some([0x00]) => false,
                Some(_) => true,
            };
            let value = extension.octets()?.to_vec();
            extension.finish()?;
            if extensions.iter().any(|other| other.oid == oid) {
                return Err(ErrorKind::SetDuplicate.into());
            }
            extensions.push(Extension {
                oid,
                critical,
                value,
            });
        }
        Ok(Self(extensions))
    }

    pub(crate) fn value(&self, oid: ObjectIdentifier) -> Option<Vec<u8>> {
        self.0
            .iter()
            .find(|extension| extension.oid == oid.as_bytes())
            .map(|found| found.value.clone())
    }

    /// An extension marked critical that is not in this list.
    pub(crate) fn has_critical_except(&self, known: &[ObjectIdentifier]) -> bool {
        let is_known =
            |extension: &Extension| known.iter().any(|oid| oid.as_bytes() == extension.oid);
        self.0
            .iter()
            .any(|extension| extension.critical && !is_known(extension))
    }
}

/// An OPTIONAL or DEFAULT field with an explicit or implicit constructed context tag.
pub(crate) const fn context(number: TagNumber) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number,
    }
}

/// A context tag on a primitive value.
pub(crate) const fn context_primitive(number: TagNumber) -> Tag {
    Tag::ContextSpecific {
        constructed: false,
        number,
    }
}

pub(crate) const NULL: &[u8] = &[0x05, 0x00];

/// Encodes one element out of already encoded parts.
pub(crate) fn encode(tag: Tag, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts
        .iter()
        .fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let mut out = Vec::with_capacity(length.saturating_add(6));
    out.push(tag.octet());
    push_length(&mut out, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(crate) fn encode_sequence(parts: &[&[u8]]) -> Vec<u8> {
    encode(Tag::Sequence, parts)
}

/// DER wants the members of a SET OF in ascending order of their encodings; duplicates are merged.
pub(crate) fn encode_set_of(tag: Tag, mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort_unstable();
    members.dedup();
    let parts: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
    encode(tag, &parts)
}

pub(crate) fn encode_oid(oid: ObjectIdentifier) -> Vec<u8> {
    encode(Tag::ObjectIdentifier, &[oid.as_bytes()])
}

pub(crate) fn encode_octets(octets: &[u8]) -> Vec<u8> {
    encode(Tag::OctetString, &[octets])
}

pub(crate) fn encode_bits(octets: &[u8]) -> Vec<u8> {
    encode(Tag::BitString, &[&[0], octets])
}

/// An INTEGER that is not negative, from its big-endian octets with or without leading zeros.
pub(crate) fn encode_unsigned(octets: &[u8]) -> Vec<u8> {
    let start = octets
        .iter()
        .position(|octet| *octet != 0)
        .unwrap_or(octets.len());
    match octets.get(start..) {
        None | Some([]) => encode(Tag::Integer, &[&[0]]),
        Some(magnitude @ [first, ..]) if *first >= 0x80 => encode(Tag::Integer, &[&[0], magnitude]),
        Some(magnitude) => encode(Tag::Integer, &[magnitude]),
    }
}

/// An AlgorithmIdentifier of a digest. SHA-1 gets NULL parameters and the others none, as the
/// other implementations of the network write them (CertID, message imprint).
pub(crate) fn encode_digest_algorithm(algorithm: DigestAlgorithm) -> Vec<u8> {
    let oid = encode_oid(digest_oid(algorithm));
    match algorithm {
        DigestAlgorithm::Sha1 => encode_sequence(&[&oid, NULL]),
        DigestAlgorithm::Sha224
        | DigestAlgorithm::Sha256
        | DigestAlgorithm::Sha384
        | DigestAlgorithm::Sha512 => encode_sequence(&[&oid]),
    }
}

/// GeneralizedTime in whole seconds; the fraction is cut off.
pub(crate) fn encode_generalized_time(at: Timestamp) -> Vec<u8> {
    let text = at.strftime("%Y%m%d%H%M%SZ").to_string();
    encode(Tag::GeneralizedTime, &[text.as_bytes()])
}

/// `Time` as RFC 5652 wants it: UTCTime from 1950 to 2049, GeneralizedTime otherwise.
pub(crate) fn encode_time(at: Timestamp) -> Vec<u8> {
    match TimeZone::UTC.to_datetime(at).year() {
        1950..=2049 => {
            let text = at.strftime("%y%m%d%H%M%SZ").to_string();
            encode(Tag::UtcTime, &[text.as_bytes()])
        }
        _ => encode_generalized_time(at),
    }
}

pub(crate) fn digest_oid(algorithm: DigestAlgorithm) -> ObjectIdentifier {
    match algorithm {
        DigestAlgorithm::Sha1 => SHA1,
        DigestAlgorithm::Sha224 => SHA224,
        DigestAlgorithm::Sha256 => SHA256,
        DigestAlgorithm::Sha384 => SHA384,
        DigestAlgorithm::Sha512 => SHA512,
    }
}

/// `MessageImprint ::= SEQUENCE { hashAlgorithm, hashedMessage }` and its like.
pub(crate) fn read_imprint(reader: &mut Reader<'_>) -> der::Result<Digest> {
    let mut imprint = reader.sequence()?;
    let algorithm = imprint.algorithm()?.digest()?;
    let octets = imprint.octets()?;
    imprint.finish()?;
    Digest::from_bytes(algorithm, octets).ok_or_else(|| Tag::OctetString.value_error())
}

/// `YYYYMMDDHHMMSS[.f…]Z`; at most nine digits of fraction.
pub(crate) fn parse_generalized_time(content: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, nanoseconds(fraction)?),
        None => (text, 0),
    };
    if whole.len() != 14 {
        return None;
    }
    civil(whole.get(..4)?, whole.get(4..)?, fraction)
}

/// `YYMMDDHHMMSSZ`, the years from 1950 to 2049.
fn parse_utc_time(content: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    if text.len() != 12 {
        return None;
    }
    let (year, rest) = text.split_at_checked(2)?;
    let century = if digits(year)? < 50 { "20" } else { "19" };
    civil(&format!("{century}{year}"), rest, 0)
}

fn civil(year: &str, rest: &str, nanoseconds: i32) -> Option<Timestamp> {
    let two = |from: usize| i8::try_from(digits(rest.get(from..from.checked_add(2)?)?)?).ok();
    let year = i16::try_from(digits(year)?).ok()?;
    let at = DateTime::new(
        year,
        two(0)?,
        two(2)?,
        two(4)?,
        two(6)?,
        two(8)?,
        nanoseconds,
    )
    .ok()?;
    at.to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    i32::try_from(digits(&format!("{fraction:0<9}"))?).ok()
}

/// Only digits: `str::parse` alone would let a plus sign pass.
fn digits(text: &str) -> Option<u32> {
    match text.bytes().all(|octet| octet.is_ascii_digit()) {
        true => text.parse().ok(),
        false => None,
    }
}

fn checked_integer(octets: &[u8]) -> der::Result<&[u8]> {
    match octets {
        [] => Err(Tag::Integer.length_error()),
        [0x00, second, ..] if *second < 0x80 => Err(Tag::Integer.value_error()),
        [0xff, second, ..] if *second >= 0x80 => Err(Tag::Integer.value_error()),
        _ => Ok(octets),
    }
}

fn unsigned(octets: &[u8]) -> Option<u64> {
    octets.iter().try_fold(0_u64, |value, octet| {
        value.checked_mul(256)?.checked_add(u64::from(*octet))
    })
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let significant: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
            // A usize has at most eight octets.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0x7f));
            out.extend_from_slice(&significant);
        }
    }
}

const DIGESTS: [DigestAlgorithm; 5] = [
    DigestAlgorithm::Sha1,
    DigestAlgorithm::Sha224,
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];
/// Far above anything seen.
const OID_BYTES_MAX: usize = 128;

pub(crate) const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
pub(crate) const SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(crate) const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
pub(crate) const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
