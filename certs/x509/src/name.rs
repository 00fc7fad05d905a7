//! Distinguished names.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, PrintableStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};

use crate::Error;

/// A distinguished name; cheap to clone.
///
/// Two names are equal as they are for the other X-Road implementations when they look up an
/// authority: without regard to ASCII case and repeated blanks, to the string type of a value, and
/// also when one is the other fully reversed. [`Hash`] agrees.
#[derive(Clone)]
pub struct Name(Arc<Inner>);

struct Inner {
    der: Box<[u8]>,
    /// In DER order; each RDN has at least one attribute.
    rdns: Vec<Vec<Attribute>>,
    /// What equality and hash look at.
    key: Vec<Vec<(ObjectIdentifier, String)>>,
}

struct Attribute {
    oid: ObjectIdentifier,
    tag: Tag,
    /// The content of the value.
    content: Box<[u8]>,
    /// The value with its header.
    der: Box<[u8]>,
}

/// Attribute types of names, as dotted identifiers.
pub mod attribute {
    /// commonName.
    pub const COMMON_NAME: &str = "2.5.4.3";
    /// surname, which some requests hold where serialNumber was meant.
    pub const SURNAME: &str = "2.5.4.4";
    /// serialNumber, of the subject rather than of the certificate.
    pub const SERIAL_NUMBER: &str = "2.5.4.5";
    /// countryName.
    pub const COUNTRY: &str = "2.5.4.6";
    /// localityName.
    pub const LOCALITY: &str = "2.5.4.7";
    /// organizationName.
    pub const ORGANIZATION: &str = "2.5.4.10";
    /// organizationalUnitName.
    pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
    /// businessCategory.
    pub const BUSINESS_CATEGORY: &str = "2.5.4.15";
    /// organizationIdentifier.
    pub const ORGANIZATION_IDENTIFIER: &str = "2.5.4.97";
}

impl Name {
    /// Reads a DER Name.
    ///
    /// # Errors
    ///
    /// When the bytes are not exactly one Name, or it is unreasonably large.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > NAME_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "name",
                bytes: der.len(),
                bytes_max: NAME_BYTES_MAX,
            });
        }
        let rdns = read_rdns(der).map_err(|source| Error::malformed("name", source))?;
        Ok(Self::new(der, rdns))
    }

    /// Makes a name of (attribute OID, value) pairs in DER order, one RDN each. Country and serial
    /// number become PrintableString, mail addresses and domain components IA5String, all others
    /// UTF8String.
    ///
    /// # Errors
    ///
    /// [`Error::UnrepresentableValue`] for an attribute type that is no identifier, and for a value
    /// that is empty, too long or outside of its alphabet.
    pub fn from_attributes(attributes: &[(&str, &str)]) -> Result<Self, Error> {
        let mut rdns = Vec::with_capacity(attributes.len());
        for (oid, value) in attributes {
            rdns.push(vec![Attribute::new(oid, value)?]);
        }
        let der = write_rdns(&rdns).map_err(|source| Error::malformed("name", source))?;
        Self::from_der(&der)
    }

    /// The name in DER, as it was read.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.rdns.is_empty()
    }

    /// The text of Java's `X500Principal.getName()`: RFC 2253 with the most specific RDN first,
    /// commas without blanks, nine types by keyword, all others by number and hex.
    #[must_use]
    pub fn rfc2253(&self) -> String {
        let rdns = self.0.rdns.iter().rev().map(|rdn| {
            rdn.iter()
                .map(Attribute::rfc2253)
                .collect::<Vec<_>>()
                .join("+")
        });
        rdns.collect::<Vec<_>>().join(",")
    }

    /// The values of an attribute type in RFC 2253 order, which is the reverse of DER: the last one
    /// of the certificate comes first. Values that are no text are left out.
    #[must_use]
    pub fn values(&self, oid: &str) -> Vec<String> {
        let Ok(oid) = ObjectIdentifier::new(oid) else {
            return Vec::new();
        };
        let attributes = self.0.rdns.iter().rev().flatten();
        attributes
            .filter(|attribute| attribute.oid == oid)
            .filter_map(Attribute::text)
            .collect()
    }

    /// The RDN that X-Road's profiles look at for an attribute type: the first in RFC 2253 order
    /// that has it.
    pub(crate) fn first_rdn(&self, oid: &str) -> Option<Rdn> {
        let oid = ObjectIdentifier::new(oid).ok()?;
        let rdn = self
            .0
            .rdns
            .iter()
            .rev()
            .find(|rdn| rdn.iter().any(|one| one.oid == oid))?;
        let first = rdn.first().filter(|first| first.oid == oid);
        Some(match first.and_then(Attribute::text) {
            Some(text) => Rdn::Text(text),
            None => Rdn::Unreadable,
        })
    }

    fn new(der: &[u8], rdns: Vec<Vec<Attribute>>) -> Self {
        let key = |rdn: &Vec<Attribute>| rdn.iter().map(Attribute::key).collect::<Vec<_>>();
        let forward: Vec<_> = rdns.iter().map(key).collect();
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        Self(Arc::new(Inner {
            der: der.into(),
            rdns,
            key: forward.min(backward),
        }))
    }
}

/// What a name has for one attribute type.
pub(crate) enum Rdn {
    /// Its value.
    Text(String),
    /// The value is no text, or the first attribute of its RDN is of another type.
    Unreadable,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc2253())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl Attribute {
    fn new(oid: &str, value: &str) -> Result<Self, Error> {
        let oid = ObjectIdentifier::new(oid).map_err(|_| Error::UnrepresentableValue {
            what: "attribute type",
        })?;
        let unrepresentable = || Error::UnrepresentableValue {
            what: "attribute value",
        };
        let printable = PrintableStringRef::new(value).is_ok();
        let tag = match oid {
            COUNTRY if printable => Tag::PrintableString,
            COUNTRY => return Err(unrepresentable()),
            // A member code may hold what PrintableString cannot.
            SERIAL_NUMBER if printable => Tag::PrintableString,
            EMAIL_ADDRESS | DOMAIN_COMPONENT if value.is_ascii() => Tag::Ia5String,
            EMAIL_ADDRESS | DOMAIN_COMPONENT => return Err(unrepresentable()),
            _ => Tag::Utf8String,
        };
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return Err(unrepresentable());
        }
        let der = AnyRef::new(tag, value.as_bytes())
            .and_then(|value| value.to_der())
            .map_err(|_| unrepresentable())?;
        Ok(Self {
            oid,
            tag,
            content: value.as_bytes().into(),
            der: der.into(),
        })
    }

    /// The value as text, when it is a string.
    fn text(&self) -> Option<String> {
        match self.tag {
            Tag::Utf8String
            | Tag::PrintableString
            | Tag::Ia5String
            | Tag::NumericString
            | Tag::VisibleString => std::str::from_utf8(&self.content).ok().map(str::to_owned),
            // Latin-1 is what everybody takes it for.
            Tag::TeletexString => Some(self.content.iter().copied().map(char::from).collect()),
            Tag::BmpString => {
                let units = self.content.chunks(2).map(|unit| match unit {
                    [high, low] => Some(u16::from_be_bytes([*high, *low])),
                    _ => None,
                });
                String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok()
            }
            _ => None,
        }
    }

    /// Java prints the bytes of every string type as if they were UTF-8.
    fn rfc2253(&self) -> String {
        let keyword = KEYWORDS
            .iter()
            .find(|(oid, _)| *oid == self.oid)
            .map(|(_, word)| *word);
        match (keyword, self.tag) {
            (
                Some(keyword),
                Tag::Utf8String
                | Tag::PrintableString
                | Tag::Ia5String
                | Tag::TeletexString
                | Tag::BmpString,
            ) => format!(
                "{keyword}={}",
                escape(&String::from_utf8_lossy(&self.content))
            ),
            (Some(keyword), _) => format!("{keyword}=#{}", hex::encode(&self.der)),
            (None, _) => format!("{}=#{}", self.oid, hex::encode(&self.der)),
        }
    }

    fn key(&self) -> (ObjectIdentifier, String) {
        let Some(text) = self.text() else {
            return (self.oid, format!("#{}", hex::encode(&self.der)));
        };
        let words = text.split(' ').filter(|word| !word.is_empty());
        let mut collapsed = words.collect::<Vec<_>>().join(" ");
        collapsed.make_ascii_lowercase();
        (self.oid, collapsed)
    }
}

/// RFC 2253, 2.4, as Java does it: `=` and every `#` are escaped too, and a carriage return counts
/// as a blank at either end.
fn escape(value: &str) -> String {
    let is_blank = |c: char| c == ' ' || c == '\r';
    let blanks = |c: &str| c.chars().take_while(|c| is_blank(*c)).count();
    let leading = blanks(value);
    let count = value.chars().count();
    let trailing = value.chars().rev().take_while(|c| is_blank(*c)).count();
    let trailing_from = count.saturating_sub(trailing);
    let mut escaped = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        match c {
            ',' | '=' | '+' | '<' | '>' | '#' | ';' | '"' | '\\' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\0' => escaped.push_str("\\00"),
            _ if at < leading || at >= trailing_from => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

fn read_rdns(der: &[u8]) -> der::Result<Vec<Vec<Attribute>>> {
    let mut rdns = Vec::new();
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|name| {
        while !name.is_finished() {
            let set = AnyRef::decode(name)?;
            set.tag().assert_eq(Tag::Set)?;
            let mut set = SliceReader::new(set.value())?;
            let mut rdn = Vec::new();
            while !set.is_finished() {
                rdn.push(set.sequence(|attribute| {
                    let oid = ObjectIdentifier::decode(attribute)?;
                    let value = AnyRef::decode(attribute)?;
                    Ok(Attribute {
                        oid,
                        tag: value.tag(),
                        content: value.value().into(),
                        der: value.to_der()?.into(),
                    })
                })?);
            }
            if rdn.is_empty() {
                return Err(Tag::Set.length_error());
            }
            rdns.push(rdn);
        }
        Ok(())
    })?;
    reader.finish(rdns)
}

/// One RDN for each: there is nothing to sort.
fn write_rdns(rdns: &[Vec<Attribute>]) -> der::Result<Vec<u8>> {
    let mut content = Vec::new();
    for attribute in rdns.iter().flatten() {
        let mut pair = attribute.oid.to_der()?;
        pair.extend_from_slice(&attribute.der);
        let pair = AnyRef::new(Tag::Sequence, &pair)?.to_der()?;
        content.extend(AnyRef::new(Tag::Set, &pair)?.to_der()?);
    }
    AnyRef::new(Tag::Sequence, &content)?.to_der()
}

/// The types that Java prints by keyword in RFC 2253.
const KEYWORDS: [(ObjectIdentifier, &str); 9] = [
    (ObjectIdentifier::new_unwrap(attribute::COMMON_NAME), "CN"),
    (COUNTRY, "C"),
    (ObjectIdentifier::new_unwrap(attribute::LOCALITY), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap(attribute::ORGANIZATION), "O"),
    (
        ObjectIdentifier::new_unwrap(attribute::ORGANIZATIONAL_UNIT),
        "OU",
    ),
    (DOMAIN_COMPONENT, "DC"),
    (
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"),
        "UID",
    ),
];
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap(attribute::COUNTRY);
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap(attribute::SERIAL_NUMBER);
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");
const DOMAIN_COMPONENT: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25");

const NAME_BYTES_MAX: usize = 8192;
const VALUE_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
