//! PKCS#10 certificate requests: making them, and checking those of others.

use std::fmt;

use certs_keys::{
    Digest, DigestAlgorithm, PublicKey, Signature, SignatureAlgorithm, SigningKey,
    default_algorithm,
};
use const_oid::ObjectIdentifier;
use der::pem::LineEnding;
use der::{Encode, Tag, TagNumber};

use crate::asn1::{
    self, Reader, context, context_primitive, encode, encode_oid, encode_sequence, encode_unsigned,
};
use crate::builder::{
    KEY_USAGE, KeyUse, SUBJECT_ALTERNATIVE_NAME, alternative_names, extension, key_usage_der,
};
use crate::certificate::read_signed;
use crate::{Error as X509Error, Name, algorithm};

/// What the key of a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// Signing messages of a member.
    Sign,
    /// Authenticating a server.
    Auth,
}

/// A request whose own signature was checked. Only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct Verified {
    subject: Name,
    public_key: PublicKey,
    usage: Option<Usage>,
    dns_names: Vec<String>,
}

/// Why a certificate request was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// Its signature is not that of the key in it.
    BadSignature,
    /// It is signed with a digest that is no longer safe.
    WeakSignature {
        /// The algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// Its key is too short for a new certificate.
    WeakKey,
}

impl Verified {
    /// Whose certificate it is to be.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key, whose owner has signed the request.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// What the requested key usage says; `None` when it asks for nothing, or for both at once.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The DNS names it asks for.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature => f.write_str("the request is not signed by its own key"),
            Self::WeakSignature { algorithm } => {
                write!(f, "the request is signed with {algorithm}")
            }
            Self::WeakKey => f.write_str("the key of the request is too short"),
        }
    }
}

impl std::error::Error for Error {}

/// Makes a DER request. `subject` holds (attribute OID, value) in DER order; blank values are to be
/// left out by the caller.
///
/// The requested key usage, not critical, is what the authorities of the network expect: for
/// signing nonRepudiation and keyCertSign, for authentication digitalSignature, dataEncipherment
/// and keyEncipherment.
///
/// # Errors
///
/// When the subject or the DNS name cannot be written, or the key cannot sign.
pub fn make(
    key: &dyn SigningKey,
    usage: Usage,
    subject: &[(&str, &str)],
    dns_name: Option<&str>,
) -> Result<Vec<u8>, X509Error> {
    let subject = Name::from_attributes(subject)?;
    let key_usage = match usage {
        Usage::Sign => key_usage_der(&[KeyUse::NonRepudiation, KeyUse::KeyCertSign]),
        Usage::Auth => key_usage_der(&[
            KeyUse::DigitalSignature,
            KeyUse::DataEncipherment,
            KeyUse::KeyEncipherment,
        ]),
    };
    let mut extensions = extension(KEY_USAGE, false, &key_usage);
    if let Some(name) = dns_name {
        let names = alternative_names(&[name.to_owned()], &[])?;
        extensions.extend(extension(SUBJECT_ALTERNATIVE_NAME, false, &names));
    }
    let extensions = encode_sequence(&[&extensions]);
    let attribute = encode_sequence(&[
        &encode_oid(EXTENSION_REQUEST),
        &encode(Tag::Set, &[&extensions]),
    ]);
    let info = encode_sequence(&[
        &encode_unsigned(&[0]),
        subject.der(),
        key.public_key().spki_der(),
        &encode(context(TagNumber::N0), &[&attribute]),
    ]);
    let algorithm = default_algorithm(key.public_key(), DigestAlgorithm::Sha256);
    let signature = key.sign(algorithm, &Digest::of(algorithm.digest(), &info))?;
    let identifier = algorithm::signature_identifier(algorithm)
        .to_der()
        .map_err(|source| X509Error::malformed("algorithm identifier", source))?;
    Ok(encode_sequence(&[
        &info,
        &identifier,
        &asn1::encode_bits(&signature.to_der()),
    ]))
}

/// Reads a DER request and checks that the key in it has signed it.
///
/// # Errors
///
/// When it is not one request, is unreasonably large, holds a key that is too short, or is not
/// signed by it with a digest that is safe today.
pub fn verify(der: &[u8]) -> Result<Verified, X509Error> {
    if der.len() > REQUEST_BYTES_MAX {
        return Err(X509Error::TooLarge {
            what: "request",
            bytes: der.len(),
            bytes_max: REQUEST_BYTES_MAX,
        });
    }
    let malformed = |source| X509Error::malformed("request", source);
    let (info, identifier, octets) = read_signed(der).map_err(malformed)?;
    let parts = Parts::read(info).map_err(malformed)?;
    let subject = Name::from_der(parts.subject)?;
    let public_key = PublicKey::from_spki(parts.spki)?;
    let requested = Requested::read(parts.extensions.as_ref()).map_err(malformed)?;

    let algorithm = algorithm::signature_algorithm(&identifier)?;
    if !public_key.is_strong() {
        return Err(Error::WeakKey.into());
    }
    if algorithm.digest().is_legacy() {
        return Err(Error::WeakSignature { algorithm }.into());
    }
    let signature = Signature::from_der(algorithm, octets).map_err(|_| Error::BadSignature)?;
    public_key
        .verify(algorithm, &Digest::of(algorithm.digest(), info), &signature)
        .map_err(|_| Error::BadSignature)?;
    Ok(Verified {
        subject,
        public_key,
        usage: requested.usage,
        dns_names: requested.dns_names,
    })
}

/// A request as a PEM text.
#[must_use]
pub fn to_pem(der: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "a few kilobytes always fit a PEM block")]
    der::pem::encode_string(PEM_LABEL, LineEnding::LF, der)
        .expect("a request is far below the limit of the encoder")
}

/// The DER of a PEM request.
///
/// # Errors
///
/// When the text is not one block of a certificate request.
pub fn from_pem(pem: &str) -> Result<Vec<u8>, X509Error> {
    let bytes_max = REQUEST_BYTES_MAX.saturating_mul(2);
    if pem.len() > bytes_max {
        return Err(X509Error::TooLarge {
            what: "request",
            bytes: pem.len(),
            bytes_max,
        });
    }
    let (label, der) = der::pem::decode_vec(pem.trim().as_bytes())
        .map_err(|source| X509Error::malformed("PEM request", source))?;
    if label != PEM_LABEL && label != PEM_LABEL_OLD {
        return Err(X509Error::malformed("PEM request", "another kind of block"));
    }
    Ok(der)
}

/// ```text
/// CertificationRequestInfo ::= SEQUENCE {                              -- RFC 2986, 4.1
///   version INTEGER { v1(0) }, subject Name, subjectPKInfo SubjectPublicKeyInfo,
///   attributes [0] IMPLICIT SET OF Attribute }
/// ```
struct Parts<'a> {
    subject: &'a [u8],
    spki: &'a [u8],
    extensions: Option<asn1::Extensions>,
}

impl<'a> Parts<'a> {
    fn read(info: &'a [u8]) -> der::Result<Self> {
        let mut info = Reader::only(info, Tag::Sequence)?;
        if info.small()? != 0 {
            return Err(Tag::Integer.value_error());
        }
        let subject = info.element()?.whole;
        let spki = info.element()?.whole;
        let mut extensions = None;
        if info.is_next(context(TagNumber::N0)) {
            let mut attributes = info.enter(context(TagNumber::N0))?;
            while !attributes.is_empty() {
                let mut attribute = attributes.sequence()?;
                let oid = attribute.oid()?;
                let mut values = attribute.enter(Tag::Set)?;
                attribute.finish()?;
                if oid != EXTENSION_REQUEST {
                    continue;
                }
                if extensions.is_some() {
                    return Err(der::ErrorKind::SetDuplicate.into());
                }
                extensions = Some(asn1::Extensions::read(values.element()?.whole)?);
                values.finish()?;
            }
        }
        info.finish()?;
        Ok(Self {
            subject,
            spki,
            extensions,
        })
    }
}

/// What the extensions ask for, as far as it is looked at.
#[derive(Default)]
struct Requested {
    usage: Option<Usage>,
    dns_names: Vec<String>,
}

impl Requested {
    fn read(extensions: Option<&asn1::Extensions>) -> der::Result<Self> {
        let mut requested = Self::default();
        let Some(extensions) = extensions else {
            return Ok(requested);
        };
        if let Some(value) = extensions.value(KEY_USAGE) {
            let mut reader = Reader::new(&value)?;
            let bits = reader.content(Tag::BitString)?;
            reader.finish()?;
            requested.usage = usage_of(bits);
        }
        if let Some(value) = extensions.value(SUBJECT_ALTERNATIVE_NAME) {
            let mut names = Reader::only(&value, Tag::Sequence)?;
            while !names.is_empty() {
                let name = names.element()?;
                if name.tag == context_primitive(TagNumber::N2) {
                    let text = std::str::from_utf8(name.content)
                        .ok()
                        .filter(|text| !text.is_empty() && text.is_ascii())
                        .ok_or_else(|| Tag::Ia5String.value_error())?;
                    requested.dns_names.push(text.to_owned());
                }
            }
        }
        Ok(requested)
    }
}

/// From the content of the BIT STRING: a count of unused bits, then the bits.
fn usage_of(bits: &[u8]) -> Option<Usage> {
    let bits = *bits.get(1)?;
    let sign = bits & 0x40 != 0;
    let auth = bits & 0xb0 != 0;
    match (sign, auth) {
        (true, false) => Some(Usage::Sign),
        (false, true) => Some(Usage::Auth),
        (true, true) | (false, false) => None,
    }
}

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const PEM_LABEL: &str = "CERTIFICATE REQUEST";
const PEM_LABEL_OLD: &str = "NEW CERTIFICATE REQUEST";
const REQUEST_BYTES_MAX: usize = 32_768;

#[cfg(test)]
mod tests;
