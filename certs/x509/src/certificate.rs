//! Reading one certificate, and what it may be used for.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm, PublicKey, Signature, SignatureAlgorithm};
use der::asn1::BitStringRef;
use der::pem::LineEnding;
use der::{Decode, Reader, SliceReader};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, KeyUsage, ParsedExtension};
use x509_parser::prelude::FromDer;

use crate::{Error, Name, algorithm};

/// A certificate; cheap to clone (shared). Everything is read once, when it is made.
///
/// Reading is strict where leniency has no use: one DER structure with nothing behind it, no
/// extension twice, the same signature algorithm inside and outside, known extensions readable.
/// It tolerates a negative serial number: RFC 5280 forbids it, yet old authorities made them, the
/// other implementations of the network read them, and nothing here depends on the sign.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Box<[u8]>,
    sha1: Digest,
    sha256: Digest,
    subject: Name,
    issuer: Name,
    serial: Box<[u8]>,
    public_key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
    extensions: Extensions,
    signed: Signed,
}

/// What was signed and how, as far as it can be verified.
struct Signed {
    /// `None` for an algorithm that we do not know.
    signature: Option<(SignatureAlgorithm, Signature)>,
    /// Of the part that is signed.
    digest: Option<Digest>,
}

#[derive(Default)]
struct Extensions {
    key_usage: Option<KeyUsage>,
    extended_key_usage: Vec<String>,
    basic_constraints: Option<(bool, Option<u32>)>,
    ocsp_url: Option<String>,
    subject_key_identifier: Option<Box<[u8]>>,
    dns_names: Vec<String>,
    present: HashSet<String>,
    /// The first critical extension that we do not process.
    unknown_critical: Option<String>,
}

impl Certificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    ///
    /// When it is not exactly one certificate, is unreasonably large, has an extension twice, or
    /// holds a key of a kind that we do not take.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "certificate",
                bytes: der.len(),
                bytes_max: CERTIFICATE_BYTES_MAX,
            });
        }
        let malformed = |detail: &str| Error::malformed("certificate", detail);
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|source| Error::malformed("certificate", source))?;
        if !rest.is_empty() {
            return Err(malformed("bytes follow it"));
        }
        let tbs = &parsed.tbs_certificate;
        if tbs.signature != parsed.signature_algorithm {
            return Err(malformed("two different signature algorithms"));
        }
        let serial = tbs.raw_serial();
        if serial.is_empty() || serial.len() > SERIAL_BYTES_MAX {
            return Err(malformed("serial number of no sensible length"));
        }
        Ok(Self(Arc::new(Inner {
            sha1: Digest::of(DigestAlgorithm::Sha1, der),
            sha256: Digest::of(DigestAlgorithm::Sha256, der),
            subject: Name::from_der(tbs.subject.as_raw())?,
            issuer: Name::from_der(tbs.issuer.as_raw())?,
            serial: serial.into(),
            public_key: PublicKey::from_spki(tbs.subject_pki.raw)?,
            not_before: timestamp(tbs.validity.not_before.timestamp()),
            not_after: timestamp(tbs.validity.not_after.timestamp()),
            extensions: Extensions::read(&parsed)?,
            signed: Signed::read(der)?,
            der: der.into(),
        })))
    }

    /// Reads the one certificate of a PEM text.
    ///
    /// # Errors
    ///
    /// As [`Certificate::from_der`], and when the text is not one `CERTIFICATE` block.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let bytes_max = CERTIFICATE_BYTES_MAX.saturating_mul(2);
        if pem.len() > bytes_max {
            return Err(Error::TooLarge {
                what: "certificate",
                bytes: pem.len(),
                bytes_max,
            });
        }
        // Tools put a description before the block; more than one block is not one certificate.
        let start = pem.find("-----BEGIN ").unwrap_or_default();
        let block = pem.get(start..).unwrap_or_default().trim();
        let (label, der) = der::pem::decode_vec(block.as_bytes())
            .map_err(|source| Error::malformed("PEM certificate", source))?;
        if label != PEM_LABEL {
            return Err(Error::malformed("PEM certificate", "another kind of block"));
        }
        Self::from_der(&der)
    }

    /// The certificate as a PEM text.
    #[must_use]
    pub fn to_pem(&self) -> String {
        #[expect(clippy::expect_used, reason = "a few kilobytes always fit a PEM block")]
        der::pem::encode_string(PEM_LABEL, LineEnding::LF, self.der())
            .expect("a certificate is far below the limit of the encoder")
    }

    /// The certificate in DER, as it was read.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The digest that names it in OCSP queries between servers.
    #[must_use]
    pub fn sha1(&self) -> &Digest {
        &self.0.sha1
    }

    /// The digest that names it to users, and in shared parameters.
    #[must_use]
    pub fn sha256(&self) -> &Digest {
        &self.0.sha256
    }

    /// Whose key it holds.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// Who says so.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// The serial number, big-endian, without sign padding. Of a negative one these are the octets
    /// of its two's complement.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        match self.serial_content() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            whole => whole,
        }
    }

    /// The content octets of the serial number's INTEGER.
    #[must_use]
    pub fn serial_content(&self) -> &[u8] {
        &self.0.serial
    }

    /// The serial number in decimal, as `ds:X509SerialNumber` has it.
    #[must_use]
    pub fn serial_decimal(&self) -> String {
        decimal(self.serial_content())
    }

    /// The key it certifies.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The first moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The last moment of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// Whether this moment is within its validity.
    #[must_use]
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.not_before() <= at && at <= self.not_after()
    }

    /// Whether it may sign messages: the key usage has nonRepudiation.
    ///
    /// # Errors
    ///
    /// [`Error::NoKeyUsage`] when it has no key usage extension.
    pub fn is_signing(&self) -> Result<bool, Error> {
        let key_usage = self
            .0
            .extensions
            .key_usage
            .as_ref()
            .ok_or(Error::NoKeyUsage)?;
        Ok(key_usage.non_repudiation())
    }

    /// Whether it may authenticate a server: the extended key usage has clientAuth, whatever the
    /// key usage says; or the key usage has digitalSignature, keyEncipherment or dataEncipherment.
    ///
    /// # Errors
    ///
    /// [`Error::NoKeyUsage`] when it has neither clientAuth nor a key usage extension.
    pub fn is_auth(&self) -> Result<bool, Error> {
        if self.has_extended_key_usage(CLIENT_AUTH) {
            return Ok(true);
        }
        let key_usage = self
            .0
            .extensions
            .key_usage
            .as_ref()
            .ok_or(Error::NoKeyUsage)?;
        Ok(key_usage.digital_signature()
            || key_usage.key_encipherment()
            || key_usage.data_encipherment())
    }

    /// Whether its basic constraints say that it is a certification authority.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.0
            .extensions
            .basic_constraints
            .is_some_and(|(ca, _)| ca)
    }

    /// Whether its key may sign certificates: keyCertSign, or no key usage at all.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        self.0
            .extensions
            .key_usage
            .as_ref()
            .is_none_or(KeyUsage::key_cert_sign)
    }

    /// How many further authorities may stand between it and a leaf, when it says so.
    #[must_use]
    pub fn path_len(&self) -> Option<u32> {
        self.0
            .extensions
            .basic_constraints
            .and_then(|(_, path_len)| path_len)
    }

    /// Whether the extended key usage names this purpose.
    #[must_use]
    pub fn has_extended_key_usage(&self, oid: &str) -> bool {
        self.0
            .extensions
            .extended_key_usage
            .iter()
            .any(|purpose| purpose == oid)
    }

    /// The purposes of the extended key usage.
    #[must_use]
    pub fn extended_key_usage(&self) -> &[String] {
        &self.0.extensions.extended_key_usage
    }

    /// Whether it has this extension.
    #[must_use]
    pub fn has_extension(&self, oid: &str) -> bool {
        self.0.extensions.present.contains(oid)
    }

    /// The first critical extension that we do not process, if any.
    #[must_use]
    pub fn unknown_critical_extension(&self) -> Option<&str> {
        self.0.extensions.unknown_critical.as_deref()
    }

    /// The first OCSP address of the authority information access.
    #[must_use]
    pub fn ocsp_url(&self) -> Option<&str> {
        self.0.extensions.ocsp_url.as_deref()
    }

    /// The subject key identifier.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_identifier.as_deref()
    }

    /// The DNS names of the subject's alternative names.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.0.extensions.dns_names
    }

    /// Whether issuer and subject are the same name, which is what the network calls self-signed.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// Whether the issuer's key signed this certificate. Names are not compared.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        match (&self.0.signed.signature, &self.0.signed.digest) {
            (Some((algorithm, signature)), Some(digest)) => issuer
                .public_key()
                .verify(*algorithm, digest, signature)
                .is_ok(),
            _ => false,
        }
    }

    /// The algorithm it was signed with, when we know it.
    #[must_use]
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        self.0
            .signed
            .signature
            .as_ref()
            .map(|(algorithm, _)| *algorithm)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sha256().hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject().rfc2253())
            .field("issuer", &self.issuer().rfc2253())
            .field("serial", &self.serial_decimal())
            .finish_non_exhaustive()
    }
}

impl Signed {
    /// Digests the signed part as it was received.
    fn read(der: &[u8]) -> Result<Self, Error> {
        let (tbs, identifier, octets) =
            read_signed(der).map_err(|source| Error::malformed("certificate", source))?;
        let signature = algorithm::signature_algorithm(&identifier)
            .ok()
            .and_then(|algorithm| {
                let signature = Signature::from_der(algorithm, octets).ok()?;
                Some((algorithm, signature))
            });
        let digest = signature
            .as_ref()
            .map(|(algorithm, _)| Digest::of(algorithm.digest(), tbs));
        Ok(Self { signature, digest })
    }
}

/// The signed part with its header, the algorithm and the signature's octets, of a certificate or
/// a request.
pub(crate) fn read_signed(der: &[u8]) -> der::Result<(&[u8], AlgorithmIdentifierOwned, &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|signed| {
        let tbs = signed.tlv_bytes()?;
        let identifier = AlgorithmIdentifierOwned::decode(signed)?;
        let signature = BitStringRef::decode(signed)?;
        let octets = signature
            .as_bytes()
            .ok_or_else(|| der::Tag::BitString.value_error())?;
        Ok((tbs, identifier, octets))
    })?;
    reader.finish(parts)
}

impl Extensions {
    fn read(parsed: &X509Certificate<'_>) -> Result<Self, Error> {
        let mut read = Self::default();
        for extension in parsed.extensions() {
            let oid = extension.oid.to_id_string();
            if !read.present.insert(oid.clone()) {
                return Err(Error::DuplicateExtension { oid });
            }
            let known = read.take(extension.parsed_extension(), &oid)?;
            if extension.critical && !known && read.unknown_critical.is_none() {
                read.unknown_critical = Some(oid);
            }
        }
        Ok(read)
    }

    /// Whether it is one whose meaning is honoured here or by the callers. Policies are: every
    /// policy is as good as any other. Name and policy constraints are not.
    fn take(&mut self, extension: &ParsedExtension<'_>, oid: &str) -> Result<bool, Error> {
        match extension {
            ParsedExtension::ParseError { .. } if DECIDING.contains(&oid) => {
                return Err(Error::malformed("certificate extension", oid));
            }
            ParsedExtension::KeyUsage(key_usage) => self.key_usage = Some(*key_usage),
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let flags = [
                    (usage.any, "2.5.29.37.0"),
                    (usage.server_auth, SERVER_AUTH),
                    (usage.client_auth, CLIENT_AUTH),
                    (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
                    (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
                    (usage.time_stamping, TIME_STAMPING),
                    (usage.ocsp_signing, OCSP_SIGNING),
                ];
                let named = flags.into_iter().filter(|(set, _)| *set);
                self.extended_key_usage
                    .extend(named.map(|(_, purpose)| purpose.to_owned()));
                let others = usage.other.iter().map(|purpose| purpose.to_id_string());
                self.extended_key_usage.extend(others);
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.basic_constraints = Some((constraints.ca, constraints.path_len_constraint));
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                self.ocsp_url = access.iter().find_map(|description| {
                    match (
                        description.access_method.to_id_string() == OCSP,
                        &description.access_location,
                    ) {
                        (true, GeneralName::URI(url)) => Some((*url).to_owned()),
                        _ => None,
                    }
                });
            }
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                self.subject_key_identifier = Some(identifier.0.into());
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                let names = names.general_names.iter().filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some((*name).to_owned()),
                    _ => None,
                });
                self.dns_names.extend(names);
            }
            ParsedExtension::AuthorityKeyIdentifier(_)
            | ParsedExtension::CertificatePolicies(_)
            | ParsedExtension::NSCertType(_)
            | ParsedExtension::NsCertComment(_) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// RFC 5280 writes "no end" as the last second of the year 9999, one day beyond what a
/// [`Timestamp`] holds.
fn timestamp(seconds: i64) -> Timestamp {
    let limit = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(limit)
}

/// The decimal form of a big-endian two's complement number.
fn decimal(content: &[u8]) -> String {
    let negative = content.first().is_some_and(|first| *first >= 0x80);
    let mut magnitude = content.to_vec();
    if negative {
        magnitude.iter_mut().for_each(|byte| *byte = !*byte);
        for byte in magnitude.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                break;
            }
        }
    }
    // Digits from the least significant; each byte multiplies by 256 and adds.
    let mut digits = vec![0_u16];
    for byte in magnitude {
        let mut carry = u16::from(byte);
        for digit in &mut digits {
            let value = digit.saturating_mul(256).saturating_add(carry);
            *digit = value.rem_euclid(10);
            carry = value.div_euclid(10);
        }
        while carry > 0 {
            digits.push(carry.rem_euclid(10));
            carry = carry.div_euclid(10);
        }
    }
    let sign = if negative { "-" } else { "" };
    let digits = digits
        .iter()
        .rev()
        .filter_map(|digit| char::from_digit(u32::from(*digit), 10));
    sign.chars().chain(digits).collect()
}

/// Key usage, basic constraints, extended key usage: unreadable, the certificate is of no use. Any
/// other that is unreadable counts as one that we do not process.
const DECIDING: [&str; 3] = ["2.5.29.15", "2.5.29.19", "2.5.29.37"];
pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub(crate) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub(crate) const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
const OCSP: &str = "1.3.6.1.5.5.7.48.1";
const PEM_LABEL: &str = "CERTIFICATE";
const CERTIFICATE_BYTES_MAX: usize = 65_536;
/// RFC 5280 allows 20; some authorities went a little beyond.
const SERIAL_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
