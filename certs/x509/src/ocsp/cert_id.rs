//! Which certificate a request or response speaks of.

use std::fmt;

use certs_keys::{Digest, DigestAlgorithm};

use crate::Certificate;
use crate::asn1::{self, Reader};

/// ```text
/// CertID ::= SEQUENCE {
///     hashAlgorithm   AlgorithmIdentifier,
///     issuerNameHash  OCTET STRING,   -- hash of the issuer's name
///     issuerKeyHash   OCTET STRING,   -- hash of the issuer's public key bits
///     serialNumber    INTEGER }
/// ```
///
/// Equality is that of the encodings, algorithm parameters included: a responder that leaves out
/// the NULL of SHA-1 has answered about something else, as far as other servers are concerned.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertId {
    der: Vec<u8>,
    digest: Option<DigestAlgorithm>,
    issuer_name_hash: Vec<u8>,
    issuer_key_hash: Vec<u8>,
    serial: Vec<u8>,
}

impl CertId {
    /// The CertID of X-Road requests: SHA-1, with NULL parameters.
    pub fn sha1(certificate: &Certificate, issuer: &Certificate) -> Self {
        Self::new(DigestAlgorithm::Sha1, certificate, issuer)
    }

    /// A CertID with another digest, for clients that prefer one.
    pub fn new(digest: DigestAlgorithm, certificate: &Certificate, issuer: &Certificate) -> Self {
        let name = Digest::of(digest, issuer.subject().der());
        let key = Digest::of(digest, issuer.public_key().key_bits());
        let serial = certificate.serial_content();
        let der = asn1::encode_sequence(&[
            &asn1::encode_digest_algorithm(digest),
            &asn1::encode_octets(name.as_bytes()),
            &asn1::encode_octets(key.as_bytes()),
            &asn1::encode(der::Tag::Integer, &[serial]),
        ]);
        Self {
            der,
            digest: Some(digest),
            issuer_name_hash: name.as_bytes().to_vec(),
            issuer_key_hash: key.as_bytes().to_vec(),
            serial: serial.to_vec(),
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> der::Result<Self> {
        let element = reader.element()?;
        element.tag.assert_eq(der::Tag::Sequence)?;
        let mut inner = Reader::new(element.content)?;
        let algorithm = inner.algorithm()?;
        let issuer_name_hash = inner.octets()?.to_vec();
        let issuer_key_hash = inner.octets()?.to_vec();
        let serial = inner.integer()?.to_vec();
        inner.finish()?;
        Ok(Self {
            der: element.whole.to_vec(),
            digest: algorithm.digest().ok(),
            issuer_name_hash,
            issuer_key_hash,
            serial,
        })
    }

    /// The encoding, as received where it was received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The content octets of the serial number's INTEGER.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Both hashes are those of this issuer, by whatever digest the CertID uses.
    pub fn is_of_issuer(&self, issuer: &Certificate) -> bool {
        let Some(digest) = self.digest else {
            return false;
        };
        Digest::of(digest, issuer.subject().der()).as_bytes() == self.issuer_name_hash
            && Digest::of(digest, issuer.public_key().key_bits()).as_bytes() == self.issuer_key_hash
    }
}

impl fmt::Debug for CertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertId")
            .field("digest", &self.digest)
            .field("issuer_key_hash", &hex::encode(&self.issuer_key_hash))
            .field("serial", &hex::encode(&self.serial))
            .finish_non_exhaustive()
    }
}
