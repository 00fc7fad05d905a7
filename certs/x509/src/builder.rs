//! Making certificates, for the authority and self-signed ones.

use std::net::IpAddr;

use certs_keys::{Digest, DigestAlgorithm, PublicKey, SigningKey, default_algorithm, random_bytes};
use const_oid::ObjectIdentifier;
use der::{Encode, Tag};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::asn1::{
    NULL, context, context_primitive, encode, encode_octets, encode_oid, encode_sequence,
    encode_time, encode_unsigned,
};
use crate::certificate::{CLIENT_AUTH, OCSP_SIGNING, SERVER_AUTH, TIME_STAMPING};
use crate::{Certificate, Error, Name, algorithm, asn1};

/// What a certificate is to say. Made by one of the profile functions, adjusted, and signed by
/// [`Builder::sign`] or [`Builder::self_sign`].
#[derive(Clone, Debug)]
pub struct Builder {
    subject: Name,
    key: PublicKey,
    serial: Option<Vec<u8>>,
    validity: Option<(Timestamp, Timestamp)>,
    authority: Option<Authority>,
    key_usage: Vec<KeyUse>,
    purposes: Vec<&'static str>,
    purposes_critical: bool,
    ocsp_no_check: bool,
    ocsp_url: Option<String>,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    digest: DigestAlgorithm,
}

/// What a key may be used for.
///
/// ```text
/// KeyUsage ::= BIT STRING { digitalSignature (0), nonRepudiation (1), keyEncipherment (2),
///   dataEncipherment (3), keyAgreement (4), keyCertSign (5), cRLSign (6), … }  -- RFC 5280, 4.2.1.3
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// digitalSignature.
    DigitalSignature,
    /// nonRepudiation: signs messages.
    NonRepudiation,
    /// keyEncipherment.
    KeyEncipherment,
    /// dataEncipherment.
    DataEncipherment,
    /// keyCertSign: signs certificates.
    KeyCertSign,
    /// cRLSign.
    CrlSign,
}

/// Basic constraints of a certification authority.
#[derive(Clone, Copy, Debug)]
struct Authority {
    path_len: Option<u8>,
}

impl Builder {
    /// A certification authority: basicConstraints CA and keyCertSign, both critical, and cRLSign.
    #[must_use]
    pub fn ca(subject: Name, key: &PublicKey) -> Self {
        Self {
            authority: Some(Authority { path_len: None }),
            ..Self::new(subject, key, &[KeyUse::KeyCertSign, KeyUse::CrlSign])
        }
    }

    /// A member's signing certificate: critical nonRepudiation.
    #[must_use]
    pub fn sign_profile(subject: Name, key: &PublicKey) -> Self {
        Self::new(subject, key, &[KeyUse::NonRepudiation])
    }

    /// A server's authentication certificate: critical digitalSignature, keyEncipherment and
    /// dataEncipherment, for TLS in both directions.
    #[must_use]
    pub fn auth_profile(subject: Name, key: &PublicKey) -> Self {
        let uses = [
            KeyUse::DigitalSignature,
            KeyUse::KeyEncipherment,
            KeyUse::DataEncipherment,
        ];
        Self {
            purposes: vec![CLIENT_AUTH, SERVER_AUTH],
            ..Self::new(subject, key, &uses)
        }
    }

    /// An OCSP responder's: OCSPSigning, and nobody needs to ask for its own status.
    #[must_use]
    pub fn ocsp_responder(subject: Name, key: &PublicKey) -> Self {
        Self {
            purposes: vec![OCSP_SIGNING],
            ocsp_no_check: true,
            ..Self::new(subject, key, &[KeyUse::DigitalSignature])
        }
    }

    /// A time-stamping authority's: timeStamping alone and critical (RFC 3161, 2.3).
    #[must_use]
    pub fn timestamper(subject: Name, key: &PublicKey) -> Self {
        Self {
            purposes: vec![TIME_STAMPING],
            purposes_critical: true,
            ..Self::new(subject, key, &[KeyUse::DigitalSignature])
        }
    }

    /// TLS client and server, mostly self-signed, with [`Builder::dns_name`] and
    /// [`Builder::ip_address`].
    #[must_use]
    pub fn tls(subject: Name, key: &PublicKey) -> Self {
        Self {
            purposes: vec![SERVER_AUTH, CLIENT_AUTH],
            ..Self::new(
                subject,
                key,
                &[KeyUse::DigitalSignature, KeyUse::KeyEncipherment],
            )
        }
    }

    fn new(subject: Name, key: &PublicKey, key_usage: &[KeyUse]) -> Self {
        Self {
            subject,
            key: key.clone(),
            serial: None,
            validity: None,
            authority: None,
            key_usage: key_usage.to_vec(),
            purposes: Vec::new(),
            purposes_critical: false,
            ocsp_no_check: false,
            ocsp_url: None,
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            digest: DigestAlgorithm::Sha256,
        }
    }

    /// The serial number as a big-endian magnitude of at most 20 octets; 16 random octets when it
    /// is not given.
    #[must_use]
    pub fn serial(self, magnitude: &[u8]) -> Self {
        Self {
            serial: Some(magnitude.to_vec()),
            ..self
        }
    }

    /// The first and the last moment, to whole seconds. Without it nothing is signed.
    #[must_use]
    pub fn validity(self, not_before: Timestamp, not_after: Timestamp) -> Self {
        Self {
            validity: Some((not_before, not_after)),
            ..self
        }
    }

    /// How many further authorities may stand below this one; for a [`Builder::ca`] only.
    #[must_use]
    pub fn path_len(self, path_len: u8) -> Self {
        Self {
            authority: self.authority.map(|_| Authority {
                path_len: Some(path_len),
            }),
            ..self
        }
    }

    /// Other uses than the profile has; always critical. None at all leaves the extension out.
    #[must_use]
    pub fn key_usage(self, key_usage: &[KeyUse]) -> Self {
        Self {
            key_usage: key_usage.to_vec(),
            ..self
        }
    }

    /// Where to ask for its status.
    #[must_use]
    pub fn ocsp_url(self, url: &str) -> Self {
        Self {
            ocsp_url: Some(url.to_owned()),
            ..self
        }
    }

    /// One more DNS name of the subject.
    #[must_use]
    pub fn dns_name(mut self, name: &str) -> Self {
        self.dns_names.push(name.to_owned());
        self
    }

    /// One more network address of the subject.
    #[must_use]
    pub fn ip_address(mut self, address: IpAddr) -> Self {
        self.ip_addresses.push(address);
        self
    }

    /// Another digest than SHA-256 for the signature.
    #[must_use]
    pub fn digest(self, digest: DigestAlgorithm) -> Self {
        Self { digest, ..self }
    }

    /// Signs as the subject itself.
    ///
    /// # Errors
    ///
    /// As [`Builder::sign`].
    pub fn self_sign(self, key: &dyn SigningKey) -> Result<Certificate, Error> {
        let issuer = self.subject.clone();
        let key_identifier = key_identifier(&self.key);
        if key.public_key() != &self.key {
            return Err(Error::KeyMismatch);
        }
        self.finish(&issuer, &key_identifier, key)
    }

    /// Signs as this issuer, whose key it must be.
    ///
    /// # Errors
    ///
    /// When the key is not the issuer's or fails, or when something given here cannot be written
    /// into a certificate.
    pub fn sign(
        self,
        issuer: &Certificate,
        issuer_key: &dyn SigningKey,
    ) -> Result<Certificate, Error> {
        if issuer_key.public_key() != issuer.public_key() {
            return Err(Error::KeyMismatch);
        }
        let key_identifier = match issuer.subject_key_identifier() {
            Some(identifier) => identifier.to_vec(),
            None => key_identifier(issuer.public_key()),
        };
        self.finish(issuer.subject(), &key_identifier, issuer_key)
    }

    fn finish(
        self,
        issuer: &Name,
        issuer_key_identifier: &[u8],
        key: &dyn SigningKey,
    ) -> Result<Certificate, Error> {
        let algorithm = default_algorithm(key.public_key(), self.digest);
        let identifier = algorithm::signature_identifier(algorithm)
            .to_der()
            .map_err(|source| Error::malformed("algorithm identifier", source))?;
        let tbs = encode_sequence(&[
            &encode(context(der::TagNumber::N0), &[&encode_unsigned(&[2])]),
            &encode_unsigned(&self.serial_octets()?),
            &identifier,
            issuer.der(),
            &self.validity_der()?,
            self.subject.der(),
            self.key.spki_der(),
            &encode(
                context(der::TagNumber::N3),
                &[&encode_sequence(
                    &[&self.extensions(issuer_key_identifier)?],
                )],
            ),
        ]);
        let signature = key.sign(algorithm, &Digest::of(algorithm.digest(), &tbs))?;
        let signature = asn1::encode_bits(&signature.to_der());
        Certificate::from_der(&encode_sequence(&[&tbs, &identifier, &signature]))
    }

    fn serial_octets(&self) -> Result<Vec<u8>, Error> {
        match &self.serial {
            Some(magnitude) if magnitude.len() > SERIAL_BYTES_MAX => {
                Err(Error::UnrepresentableValue {
                    what: "serial number",
                })
            }
            Some(magnitude) => Ok(magnitude.clone()),
            None => Ok(random_bytes::<16>().to_vec()),
        }
    }

    fn validity_der(&self) -> Result<Vec<u8>, Error> {
        let Some((not_before, not_after)) = self.validity else {
            return Err(Error::UnrepresentableValue { what: "validity" });
        };
        for time in [not_before, not_after] {
            if !(1950..=9999).contains(&TimeZone::UTC.to_datetime(time).year()) {
                return Err(Error::UnrepresentableTime { time });
            }
        }
        Ok(encode_sequence(&[
            &encode_time(not_before),
            &encode_time(not_after),
        ]))
    }

    /// The extensions one after the other.
    fn extensions(&self, issuer_key_identifier: &[u8]) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        if let Some(authority) = self.authority {
            let path_len = authority.path_len.map(|length| encode_unsigned(&[length]));
            let value = encode_sequence(&[
                &encode(Tag::Boolean, &[&[0xff]]),
                path_len.as_deref().unwrap_or_default(),
            ]);
            all.extend(extension(BASIC_CONSTRAINTS, true, &value));
        }
        if !self.key_usage.is_empty() {
            all.extend(extension(KEY_USAGE, true, &key_usage_der(&self.key_usage)));
        }
        if !self.purposes.is_empty() {
            let purposes = self.purposes.iter().map(|purpose| oid_der(purpose));
            let purposes = purposes.collect::<Result<Vec<_>, _>>()?.concat();
            let value = encode_sequence(&[&purposes]);
            all.extend(extension(
                EXTENDED_KEY_USAGE,
                self.purposes_critical,
                &value,
            ));
        }
        let identifier = encode_octets(&key_identifier(&self.key));
        all.extend(extension(SUBJECT_KEY_IDENTIFIER, false, &identifier));
        let identifier = encode(
            context_primitive(der::TagNumber::N0),
            &[issuer_key_identifier],
        );
        all.extend(extension(
            AUTHORITY_KEY_IDENTIFIER,
            false,
            &encode_sequence(&[&identifier]),
        ));
        if !self.dns_names.is_empty() || !self.ip_addresses.is_empty() {
            let value = alternative_names(&self.dns_names, &self.ip_addresses)?;
            all.extend(extension(
                SUBJECT_ALTERNATIVE_NAME,
                self.subject.is_empty(),
                &value,
            ));
        }
        if let Some(url) = &self.ocsp_url {
            let access = encode_sequence(&[
                &encode_oid(OCSP),
                &encode(
                    context_primitive(der::TagNumber::N6),
                    &[ia5(url, "OCSP address")?],
                ),
            ]);
            all.extend(extension(
                AUTHORITY_INFORMATION,
                false,
                &encode_sequence(&[&access]),
            ));
        }
        if self.ocsp_no_check {
            all.extend(extension(OCSP_NO_CHECK, false, NULL));
        }
        Ok(all)
    }
}

impl KeyUse {
    /// The bit in the first octet of the BIT STRING.
    fn bit(self) -> u8 {
        match self {
            Self::DigitalSignature => 0x80,
            Self::NonRepudiation => 0x40,
            Self::KeyEncipherment => 0x20,
            Self::DataEncipherment => 0x10,
            Self::KeyCertSign => 0x04,
            Self::CrlSign => 0x02,
        }
    }
}

/// One `Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue }`.
pub(crate) fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    encode_sequence(&[&encode_oid(oid), critical, &encode_octets(value)])
}

/// The KeyUsage BIT STRING: DER cuts the zeros at the end of a list of named bits.
pub(crate) fn key_usage_der(uses: &[KeyUse]) -> Vec<u8> {
    let bits = uses.iter().fold(0, |bits, one| bits | one.bit());
    let unused = u8::try_from(bits.trailing_zeros()).unwrap_or(0);
    encode(Tag::BitString, &[&[unused.min(7), bits]])
}

/// The SubjectAltName value.
pub(crate) fn alternative_names(
    dns_names: &[String],
    ip_addresses: &[IpAddr],
) -> Result<Vec<u8>, Error> {
    let mut names = Vec::new();
    for name in dns_names {
        let name = ia5(name, "DNS name")?;
        names.extend(encode(context_primitive(der::TagNumber::N2), &[name]));
    }
    for address in ip_addresses {
        let tag = context_primitive(der::TagNumber::N7);
        match address {
            IpAddr::V4(address) => names.extend(encode(tag, &[&address.octets()])),
            IpAddr::V6(address) => names.extend(encode(tag, &[&address.octets()])),
        }
    }
    Ok(encode_sequence(&[&names]))
}

/// RFC 5280, 4.2.1.2, method 1.
fn key_identifier(key: &PublicKey) -> Vec<u8> {
    Digest::of(DigestAlgorithm::Sha1, key.key_bits())
        .as_bytes()
        .to_vec()
}

fn oid_der(oid: &str) -> Result<Vec<u8>, Error> {
    ObjectIdentifier::new(oid)
        .map(encode_oid)
        .map_err(|_| Error::UnrepresentableValue {
            what: "extended key usage",
        })
}

fn ia5<'a>(text: &'a str, what: &'static str) -> Result<&'a [u8], Error> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::UnrepresentableValue { what });
    }
    Ok(text.as_bytes())
}

pub(crate) const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
pub(crate) const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const AUTHORITY_INFORMATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const OCSP_NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

/// RFC 5280, 4.1.2.2.
const SERIAL_BYTES_MAX: usize = 20;

#[cfg(test)]
mod tests;
