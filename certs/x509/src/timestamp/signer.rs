//! The one signer of a token: who it is, what it signed.

use certs_keys::{Digest, DigestAlgorithm};
use der::asn1::ObjectIdentifier;
use der::{Tag, TagNumber};
use jiff::Timestamp;

use super::{
    CONTENT_TYPE, Error, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, SIGNING_TIME,
};
use crate::asn1::{self, Oid, Reader};
use crate::{Certificate, Error as X509Error, Name};

/// ```text
/// SignerInfo ::= SEQUENCE {
///     version            INTEGER,
///     sid                CHOICE { SEQUENCE { issuer Name, serial INTEGER }, [0] OCTET STRING },
///     digestAlgorithm    AlgorithmIdentifier,
///     signedAttrs    [0] IMPLICIT SET OF Attribute,
///     signatureAlgorithm AlgorithmIdentifier,
///     signature          OCTET STRING,
///     unsignedAttrs  [1] IMPLICIT SET OF Attribute OPTIONAL }
/// ```
pub(super) struct Signer {
    pub(super) id: SignerId,
    pub(super) digest: DigestAlgorithm,
    /// The DER of the signed attributes with the tag of a SET: what the signature is over.
    pub(super) signed: Vec<u8>,
    pub(super) attributes: Attributes,
    /// AlgorithmIdentifier.
    pub(super) algorithm: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

pub(super) enum SignerId {
    IssuerAndSerial { issuer: Name, serial: Vec<u8> },
    KeyIdentifier(Vec<u8>),
}

pub(super) struct Attributes {
    /// The content octets of the identifier.
    pub(super) content_type: Vec<u8>,
    pub(super) message_digest: Vec<u8>,
    pub(super) signing_time: Option<Timestamp>,
    /// One of version 1, one of version 2, or both; at least one.
    pub(super) signing_certificates: Vec<SigningCertificate>,
}

/// The first ESSCertID of the attribute, which is the signer's.
pub(super) struct SigningCertificate {
    hash: Digest,
    /// Directory names of the issuer, and the serial number's content octets.
    issuer_serial: Option<(Vec<Name>, Vec<u8>)>,
}

impl Signer {
    pub(super) fn read(mut info: Reader<'_>) -> Result<Self, X509Error> {
        let parts = read_parts(&mut info).map_err(malformed)?;
        let id = match parts.id.tag {
            Tag::Sequence => {
                let (issuer, serial) = issuer_and_serial(parts.id.content).map_err(malformed)?;
                SignerId::IssuerAndSerial {
                    issuer: Name::from_der(issuer)?,
                    serial,
                }
            }
            KEY_IDENTIFIER => SignerId::KeyIdentifier(parts.id.content.to_vec()),
            other => return Err(malformed(other.unexpected_error(None))),
        };
        let digest = parts.digest.digest().map_err(|_| Error::UnknownAlgorithm {
            oid: parts.digest.oid.to_string(),
        })?;
        let Some(members) = parts.attributes else {
            return Err(Error::MissingAttribute {
                attribute: "content-type",
            }
            .into());
        };
        let members = read_members(members).map_err(malformed)?;
        let attributes = Attributes::read(&members)?;
        // The signature is over the DER of the attributes (RFC 5652, 5.4); DER sorts a SET OF,
        // which not every authority does when it sends them.
        let encoded = members
            .iter()
            .map(|attribute| attribute.whole.to_vec())
            .collect();
        Ok(Self {
            id,
            digest,
            signed: asn1::encode_set_of(Tag::Set, encoded),
            attributes,
            algorithm: parts.algorithm.whole.to_vec(),
            signature: parts.signature.to_vec(),
        })
    }

    /// The signer id is that of this certificate.
    pub(super) fn is(&self, certificate: &Certificate) -> bool {
        match &self.id {
            SignerId::IssuerAndSerial { issuer, serial } => {
                certificate.serial_content() == serial.as_slice() && certificate.issuer() == issuer
            }
            SignerId::KeyIdentifier(identifier) => match certificate.subject_key_identifier() {
                Some(own) => own == identifier.as_slice(),
                None => {
                    let bits = certificate.public_key().key_bits();
                    Digest::of(DigestAlgorithm::Sha1, bits).as_bytes() == identifier.as_slice()
                }
            },
        }
    }
}

impl SigningCertificate {
    pub(super) fn is(&self, certificate: &Certificate) -> bool {
        let fits = match &self.issuer_serial {
            None => true,
            Some((issuers, serial)) => {
                certificate.serial_content() == serial.as_slice()
                    && issuers.contains(certificate.issuer())
            }
        };
        fits && Digest::of(self.hash.algorithm(), certificate.der()) == self.hash
    }
}

impl Attributes {
    fn read(members: &[Attribute<'_>]) -> Result<Self, X509Error> {
        let missing = |attribute| X509Error::from(Error::MissingAttribute { attribute });
        let content_type = single(members, CONTENT_TYPE).ok_or_else(|| missing("content-type"))?;
        let content_type = content_type
            .clone()
            .oid()
            .map_err(malformed)?
            .as_bytes()
            .to_vec();
        let message_digest =
            single(members, MESSAGE_DIGEST).ok_or_else(|| missing("message-digest"))?;
        let message_digest = message_digest.clone().octets().map_err(malformed)?.to_vec();
        let signing_time = match named(members, SIGNING_TIME).next() {
            None => None,
            Some(_) => {
                let value = single(members, SIGNING_TIME).ok_or_else(|| missing("signing-time"))?;
                Some(value.clone().time().map_err(malformed)?)
            }
        };
        let mut signing_certificates = Vec::new();
        for (oid, default) in [
            (SIGNING_CERTIFICATE, DigestAlgorithm::Sha1),
            (SIGNING_CERTIFICATE_V2, DigestAlgorithm::Sha256),
        ] {
            if named(members, oid).next().is_some() {
                let value = single(members, oid).ok_or_else(|| missing("signing-certificate"))?;
                let versioned = oid == SIGNING_CERTIFICATE_V2;
                signing_certificates.push(signing_certificate(value.clone(), versioned, default)?);
            }
        }
        if signing_certificates.is_empty() {
            return Err(missing("signing-certificate"));
        }
        Ok(Self {
            content_type,
            message_digest,
            signing_time,
            signing_certificates,
        })
    }
}

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF ANY }`.
struct Attribute<'a> {
    oid: Oid<'a>,
    values: Reader<'a>,
    whole: &'a [u8],
}

struct Parts<'a> {
    id: asn1::Element<'a>,
    digest: asn1::Algorithm<'a>,
    attributes: Option<&'a [u8]>,
    algorithm: asn1::Algorithm<'a>,
    signature: &'a [u8],
}

fn read_parts<'a>(info: &mut Reader<'a>) -> der::Result<Parts<'a>> {
    info.small()?;
    let id = info.element()?;
    let digest = info.algorithm()?;
    let attributes = info.optional(asn1::context(TagNumber::N0))?;
    let algorithm = info.algorithm()?;
    let signature = info.octets()?;
    info.optional(asn1::context(TagNumber::N1))?;
    info.clone().finish()?;
    Ok(Parts {
        id,
        digest,
        attributes,
        algorithm,
        signature,
    })
}

fn issuer_and_serial(content: &[u8]) -> der::Result<(&[u8], Vec<u8>)> {
    let mut pair = Reader::new(content)?;
    let issuer = pair.element()?.whole;
    let serial = pair.integer()?.to_vec();
    pair.finish()?;
    Ok((issuer, serial))
}

fn read_members(content: &[u8]) -> der::Result<Vec<Attribute<'_>>> {
    let mut set = Reader::new(content)?;
    let mut members = Vec::new();
    while !set.is_empty() {
        let element = set.element()?;
        element.tag.assert_eq(Tag::Sequence)?;
        let mut attribute = Reader::new(element.content)?;
        let oid = attribute.oid()?;
        let values = attribute.enter(Tag::Set)?;
        attribute.finish()?;
        members.push(Attribute {
            oid,
            values,
            whole: element.whole,
        });
    }
    Ok(members)
}

fn named<'m, 'a>(
    members: &'m [Attribute<'a>],
    oid: ObjectIdentifier,
) -> impl Iterator<Item = &'m Attribute<'a>> {
    members.iter().filter(move |attribute| attribute.oid == oid)
}

/// The value of an attribute that is there once and has one value.
fn single<'m, 'a>(members: &'m [Attribute<'a>], oid: ObjectIdentifier) -> Option<&'m Reader<'a>> {
    let mut found = named(members, oid);
    let attribute = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let mut values = attribute.values.clone();
    values.element().ok()?;
    values.is_empty().then_some(&attribute.values)
}

/// ```text
/// SigningCertificate(V2) ::= SEQUENCE { certs SEQUENCE OF ESSCertID(v2), policies OPTIONAL }
/// ESSCertID(v2) ::= SEQUENCE {
///     hashAlgorithm AlgorithmIdentifier DEFAULT sha256,   -- version 2 only
///     certHash      OCTET STRING,
///     issuerSerial  SEQUENCE { issuer GeneralNames, serialNumber INTEGER } OPTIONAL }
/// ```
fn signing_certificate(
    mut value: Reader<'_>,
    versioned: bool,
    default: DigestAlgorithm,
) -> Result<SigningCertificate, X509Error> {
    let (hash, issuer_serial) = ess_cert_id(&mut value, versioned, default).map_err(malformed)?;
    let issuer_serial = match issuer_serial {
        None => None,
        Some((names, serial)) => {
            let names = names
                .into_iter()
                .map(Name::from_der)
                .collect::<Result<_, _>>()?;
            Some((names, serial))
        }
    };
    Ok(SigningCertificate {
        hash,
        issuer_serial,
    })
}

type IssuerSerial<'a> = (Vec<&'a [u8]>, Vec<u8>);

fn ess_cert_id<'a>(
    value: &mut Reader<'a>,
    versioned: bool,
    default: DigestAlgorithm,
) -> der::Result<(Digest, Option<IssuerSerial<'a>>)> {
    let mut attribute = value.sequence()?;
    let mut first = attribute.sequence()?.sequence()?;
    let mut algorithm = default;
    if versioned && first.is_next(Tag::Sequence) {
        algorithm = first.algorithm()?.digest()?;
    }
    let hash = Digest::from_bytes(algorithm, first.octets()?)
        .ok_or_else(|| Tag::OctetString.value_error())?;
    let issuer_serial = match first.optional(Tag::Sequence)? {
        None => None,
        Some(content) => {
            let mut pair = Reader::new(content)?;
            let mut general_names = pair.sequence()?;
            let serial = pair.integer()?.to_vec();
            pair.finish()?;
            let mut names = Vec::new();
            while !general_names.is_empty() {
                let name = general_names.element()?;
                if name.tag == DIRECTORY_NAME {
                    names.push(name.content);
                }
            }
            Some((names, serial))
        }
    };
    first.finish()?;
    Ok((hash, issuer_serial))
}

fn malformed(source: der::Error) -> X509Error {
    X509Error::malformed("time-stamp signer", source)
}

const KEY_IDENTIFIER: Tag = asn1::context_primitive(TagNumber::N0);
/// GeneralName: directoryName [4], explicit because Name is a CHOICE.
pub(super) const DIRECTORY_NAME: Tag = asn1::context(TagNumber::N4);
