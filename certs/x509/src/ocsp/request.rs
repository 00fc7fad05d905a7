//! Making and reading requests.

use der::{Tag, TagNumber};

use super::{CertId, Error, MESSAGE_BYTES_MAX, NONCE};
use crate::asn1::{self, Reader};
use crate::{Certificate, Error as X509Error};

/// A request for the status of one certificate: SHA-1 CertID with NULL parameters, no nonce, no
/// extensions, unsigned.
pub fn request(certificate: &Certificate, issuer: &Certificate) -> Vec<u8> {
    let cert_id = CertId::sha1(certificate, issuer);
    let asked = asn1::encode_sequence(&[cert_id.der()]);
    let list = asn1::encode_sequence(&[&asked]);
    asn1::encode_sequence(&[&asn1::encode_sequence(&[&list])])
}

/// What a request asks. A signature on it is not looked at: our responder answers everybody.
///
/// ```text
/// OCSPRequest ::= SEQUENCE { tbsRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
/// TBSRequest ::= SEQUENCE {
///     version           [0] EXPLICIT INTEGER DEFAULT v1,
///     requestorName     [1] EXPLICIT GeneralName OPTIONAL,
///     requestList           SEQUENCE OF SEQUENCE {
///         reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL },
///     requestExtensions [2] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    cert_ids: Vec<CertId>,
    nonce: Option<Vec<u8>>,
}

impl Request {
    /// Decodes a request.
    ///
    /// # Errors
    /// It is not DER of this structure, it asks for nothing or for too much, or it has a critical
    /// extension that we do not know.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        if der.len() > MESSAGE_BYTES_MAX {
            return Err(X509Error::TooLarge {
                what: WHAT,
                bytes: der.len(),
                bytes_max: MESSAGE_BYTES_MAX,
            });
        }
        let (cert_ids, extensions) =
            read(der).map_err(|source| X509Error::malformed(WHAT, source))?;
        let refuse = |reason| Err(Error::MalformedRequest { reason }.into());
        if cert_ids.is_empty() {
            return refuse("it asks for no certificate");
        }
        if cert_ids.len() > CERTIFICATES_MAX {
            return refuse("it asks for too many certificates");
        }
        if extensions.has_critical_except(&[NONCE]) {
            return refuse("it has an unknown critical extension");
        }
        // RFC 8954 bounds the nonce to 32 octets and RFC 9654 to 128; the value is DER of its own.
        let nonce = extensions.value(NONCE);
        if nonce
            .as_ref()
            .is_some_and(|nonce| nonce.is_empty() || nonce.len() > NONCE_BYTES_MAX)
        {
            return refuse("its nonce is empty or too long");
        }
        Ok(Self { cert_ids, nonce })
    }

    /// The certificates asked for, in order.
    pub fn cert_ids(&self) -> &[CertId] {
        &self.cert_ids
    }

    /// The value of the nonce extension, as it came.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }
}

fn read(der: &[u8]) -> der::Result<(Vec<CertId>, asn1::Extensions)> {
    let mut request = Reader::only(der, Tag::Sequence)?;
    let mut tbs = request.sequence()?;
    request.optional(asn1::context(TagNumber::N0))?;
    request.finish()?;

    if let Some(version) = tbs.optional(asn1::context(TagNumber::N0))? {
        let mut version = Reader::new(version)?;
        if version.small()? != 0 {
            return Err(Tag::Integer.value_error());
        }
        version.finish()?;
    }
    tbs.optional(asn1::context(TagNumber::N1))?;
    let mut list = tbs.sequence()?;
    let mut extensions = asn1::Extensions::default();
    if let Some(explicit) = tbs.optional(asn1::context(TagNumber::N2))? {
        extensions = asn1::Extensions::read(explicit)?;
    }
    tbs.finish()?;

    let mut cert_ids = Vec::new();
    while !list.is_empty() {
        let mut asked = list.sequence()?;
        cert_ids.push(CertId::read(&mut asked)?);
        if let Some(explicit) = asked.optional(asn1::context(TagNumber::N0))?
            && asn1::Extensions::read(explicit)?.has_critical_except(&[])
        {
            return Err(der::ErrorKind::Value { tag: Tag::Sequence }.into());
        }
        asked.finish()?;
    }
    Ok((cert_ids, extensions))
}

const WHAT: &str = "OCSP request";
/// What our responder answers at once.
const CERTIFICATES_MAX: usize = 64;
const NONCE_BYTES_MAX: usize = 132;
