//! Reading a response.

use std::fmt;
use std::sync::Arc;

use der::{Tag, TagNumber};
use jiff::Timestamp;

use super::{BASIC, CertId, Error, MESSAGE_BYTES_MAX};
use crate::asn1::{self, Oid, Reader};
use crate::{Certificate, Error as X509Error, Name};

/// A decoded OCSP response; keeps its octets; cheap to clone. Decoding says nothing about whether
/// it may be believed: see [`super::verify_good`].
///
/// ```text
/// OCSPResponse ::= SEQUENCE {
///     responseStatus      ENUMERATED,
///     responseBytes   [0] EXPLICIT SEQUENCE { responseType OID, response OCTET STRING } OPTIONAL }
/// BasicOCSPResponse ::= SEQUENCE {
///     tbsResponseData, signatureAlgorithm, signature BIT STRING,
///     certs           [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
/// ResponseData ::= SEQUENCE {
///     version         [0] EXPLICIT INTEGER DEFAULT v1,
///     responderID         CHOICE { byName [1] Name, byKey [2] OCTET STRING },
///     producedAt          GeneralizedTime,
///     responses           SEQUENCE OF SingleResponse,
///     responseExtensions [1] EXPLICIT Extensions OPTIONAL }
/// SingleResponse ::= SEQUENCE {
///     certID, certStatus, thisUpdate GeneralizedTime,
///     nextUpdate      [0] EXPLICIT GeneralizedTime OPTIONAL,
///     singleExtensions [1] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone)]
pub struct Response(Arc<Basic>);

/// What a response says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Issued, and not revoked.
    Good,
    /// No longer to be trusted.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Suspended: may become good again.
        on_hold: bool,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// What a responder answers when it gives no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It could not read the request.
    MalformedRequest,
    /// It failed.
    InternalError,
    /// It is busy.
    TryLater,
    /// It answers signed requests only.
    SignatureRequired,
    /// It does not answer us, or not about this.
    Unauthorized,
    /// A number that RFC 6960 does not define.
    Other(u8),
}

pub(super) struct Basic {
    der: Vec<u8>,
    /// The signed octets, as received.
    pub(super) tbs: Vec<u8>,
    pub(super) responder: ResponderId,
    produced_at: Timestamp,
    cert_id: CertId,
    status: Status,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    nonce: Option<Vec<u8>>,
    /// AlgorithmIdentifier.
    pub(super) algorithm: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) certificates: Vec<Certificate>,
}

pub(super) enum ResponderId {
    ByName(Name),
    /// SHA-1 of the public key bits.
    ByKey(Vec<u8>),
}

impl Response {
    /// Decodes a response. Of several statuses in it only the first counts.
    ///
    /// # Errors
    /// It is not DER of this structure, it is too large, or the responder refused to answer.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        if der.len() > MESSAGE_BYTES_MAX {
            return Err(X509Error::TooLarge {
                what: WHAT,
                bytes: der.len(),
                bytes_max: MESSAGE_BYTES_MAX,
            });
        }
        let basic = basic_of(der)?;
        let (fields, data) = read_basic(basic).map_err(malformed)?;
        let single = read_data(&data)?;
        Ok(Self(Arc::new(Basic {
            der: der.to_vec(),
            tbs: fields.tbs.to_vec(),
            responder: responder_id(data.responder)?,
            produced_at: data.produced_at,
            cert_id: single.cert_id,
            status: single.status,
            this_update: single.this_update,
            next_update: single.next_update,
            nonce: data.nonce,
            algorithm: fields.algorithm.to_vec(),
            signature: fields.signature.to_vec(),
            certificates: certificates(fields.certificates).map_err(malformed)?,
        })))
    }

    /// The whole OCSPResponse, as received.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// As of when the status is known to be right.
    pub fn this_update(&self) -> Timestamp {
        self.0.this_update
    }

    /// When something newer will be available, if the responder says so.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.0.next_update
    }

    /// When the responder signed.
    pub fn produced_at(&self) -> Timestamp {
        self.0.produced_at
    }

    /// The status of the first certificate in the response.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The first certificate the response speaks of.
    pub fn cert_id(&self) -> &CertId {
        &self.0.cert_id
    }

    /// The nonce, if the response has one. Exchanges between servers use none.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.0.nonce.as_deref()
    }

    /// The certificates that came with the response, as far as they could be read.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0.certificates
    }

    /// The first status is about this certificate: its CertID equals, as a whole, the one by SHA-1
    /// with NULL parameters.
    pub fn applies_to(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.0.cert_id == CertId::sha1(certificate, issuer)
    }

    pub(super) fn basic(&self) -> &Basic {
        &self.0
    }
}

impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Response {}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("cert_id", &self.0.cert_id)
            .field("status", &self.0.status)
            .field("this_update", &self.0.this_update)
            .field("next_update", &self.0.next_update)
            .finish_non_exhaustive()
    }
}

impl Refusal {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::SignatureRequired => 5,
            Self::Unauthorized => 6,
            Self::Other(number) => number,
        }
    }

    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::MalformedRequest,
            2 => Self::InternalError,
            3 => Self::TryLater,
            5 => Self::SignatureRequired,
            6 => Self::Unauthorized,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedRequest => f.write_str("malformedRequest"),
            Self::InternalError => f.write_str("internalError"),
            Self::TryLater => f.write_str("tryLater"),
            Self::SignatureRequired => f.write_str("sigRequired"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Other(number) => write!(f, "status {number}"),
        }
    }
}

struct Fields<'a> {
    tbs: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    certificates: Option<&'a [u8]>,
}

struct Data<'a> {
    responder: asn1::Element<'a>,
    produced_at: Timestamp,
    responses: Reader<'a>,
    nonce: Option<Vec<u8>>,
}

struct Single {
    cert_id: CertId,
    status: Status,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
}

/// The BasicOCSPResponse inside, or why there is none.
fn basic_of(der: &[u8]) -> Result<&[u8], X509Error> {
    let (status, bytes) = read_outer(der).map_err(malformed)?;
    if status != 0 {
        return Err(Error::Refused {
            refusal: Refusal::from_number(status),
        }
        .into());
    }
    let Some((response_type, basic)) = bytes else {
        return Err(Error::NoStatus.into());
    };
    match response_type == BASIC {
        true => Ok(basic),
        false => Err(Error::UnknownResponseType {
            oid: response_type.to_string(),
        }
        .into()),
    }
}

type Outer<'a> = (u8, Option<(Oid<'a>, &'a [u8])>);

fn read_outer(der: &[u8]) -> der::Result<Outer<'_>> {
    let mut response = Reader::only(der, Tag::Sequence)?;
    let status = match response.content(Tag::Enumerated)? {
        [status] => *status,
        _ => return Err(Tag::Enumerated.value_error()),
    };
    let bytes = match response.optional(asn1::context(TagNumber::N0))? {
        None => None,
        Some(explicit) => {
            let mut bytes = Reader::only(explicit, Tag::Sequence)?;
            let response_type = bytes.oid()?;
            let basic = bytes.octets()?;
            bytes.finish()?;
            Some((response_type, basic))
        }
    };
    response.finish()?;
    Ok((status, bytes))
}

fn read_basic(der: &[u8]) -> der::Result<(Fields<'_>, Data<'_>)> {
    let mut basic = Reader::only(der, Tag::Sequence)?;
    let tbs = basic.element()?;
    tbs.tag.assert_eq(Tag::Sequence)?;
    let algorithm = basic.algorithm()?.whole;
    let signature = basic.bits()?;
    let certificates = basic.optional(asn1::context(TagNumber::N0))?;
    basic.finish()?;

    let mut data = Reader::new(tbs.content)?;
    if let Some(version) = data.optional(asn1::context(TagNumber::N0))? {
        let mut version = Reader::new(version)?;
        if version.small()? != 0 {
            return Err(Tag::Integer.value_error());
        }
        version.finish()?;
    }
    let responder = data.element()?;
    let produced_at = data.generalized_time()?;
    let responses = data.sequence()?;
    let nonce = match data.optional(asn1::context(TagNumber::N1))? {
        None => None,
        Some(extensions) => asn1::Extensions::read(extensions)?.value(super::NONCE),
    };
    data.finish()?;
    let fields = Fields {
        tbs: tbs.whole,
        algorithm,
        signature,
        certificates,
    };
    Ok((
        fields,
        Data {
            responder,
            produced_at,
            responses,
            nonce,
        },
    ))
}

fn read_data(data: &Data<'_>) -> Result<Single, X509Error> {
    let mut responses = data.responses.clone();
    if responses.is_empty() {
        return Err(Error::NoStatus.into());
    }
    let single = responses
        .sequence()
        .and_then(read_single)
        .map_err(malformed)?;
    // What follows is not looked at, but it must be there as a whole.
    while !responses.is_empty() {
        responses.sequence().map_err(malformed)?;
    }
    Ok(single)
}

fn read_single(mut single: Reader<'_>) -> der::Result<Single> {
    let cert_id = CertId::read(&mut single)?;
    let status = read_status(single.element()?)?;
    let this_update = single.generalized_time()?;
    let next_update = match single.optional(asn1::context(TagNumber::N0))? {
        None => None,
        Some(explicit) => {
            let mut explicit = Reader::new(explicit)?;
            let next_update = explicit.generalized_time()?;
            explicit.finish()?;
            Some(next_update)
        }
    };
    if let Some(extensions) = single.optional(asn1::context(TagNumber::N1))? {
        asn1::Extensions::read(extensions)?;
    }
    single.finish()?;
    Ok(Single {
        cert_id,
        status,
        this_update,
        next_update,
    })
}

/// ```text
/// CertStatus ::= CHOICE {
///     good    [0] IMPLICIT NULL,
///     revoked [1] IMPLICIT SEQUENCE {
///         revocationTime GeneralizedTime, revocationReason [0] EXPLICIT ENUMERATED OPTIONAL },
///     unknown [2] IMPLICIT NULL }
/// ```
fn read_status(element: asn1::Element<'_>) -> der::Result<Status> {
    const GOOD: Tag = asn1::context_primitive(TagNumber::N0);
    const REVOKED: Tag = asn1::context(TagNumber::N1);
    const UNKNOWN: Tag = asn1::context_primitive(TagNumber::N2);
    match (element.tag, element.content) {
        (GOOD, []) => Ok(Status::Good),
        (UNKNOWN, []) => Ok(Status::Unknown),
        (REVOKED, content) => {
            let mut revoked = Reader::new(content)?;
            let at = revoked.generalized_time()?;
            let reason = match revoked.optional(asn1::context(TagNumber::N0))? {
                None => None,
                Some(explicit) => {
                    let mut explicit = Reader::new(explicit)?;
                    let reason = explicit.content(Tag::Enumerated)?;
                    explicit.finish()?;
                    Some(reason)
                }
            };
            revoked.finish()?;
            Ok(Status::Revoked {
                at,
                on_hold: reason == Some(&[CERTIFICATE_HOLD]),
            })
        }
        (other, _) => Err(other.unexpected_error(None)),
    }
}

fn responder_id(element: asn1::Element<'_>) -> Result<ResponderId, X509Error> {
    const BY_NAME: Tag = asn1::context(TagNumber::N1);
    const BY_KEY: Tag = asn1::context(TagNumber::N2);
    match element.tag {
        BY_NAME => Ok(ResponderId::ByName(Name::from_der(element.content)?)),
        BY_KEY => {
            let key = || {
                let mut explicit = Reader::new(element.content)?;
                let hash = explicit.octets()?;
                explicit.finish()?;
                Ok(hash.to_vec())
            };
            Ok(ResponderId::ByKey(key().map_err(malformed)?))
        }
        other => Err(malformed(other.unexpected_error(None))),
    }
}

/// A certificate that cannot be read cannot be the responder's either: it is left out.
fn certificates(explicit: Option<&[u8]>) -> der::Result<Vec<Certificate>> {
    let Some(explicit) = explicit else {
        return Ok(Vec::new());
    };
    let mut sequence = Reader::only(explicit, Tag::Sequence)?;
    let mut certificates = Vec::new();
    while !sequence.is_empty() {
        let element = sequence.element()?;
        if certificates.len() >= CERTIFICATES_MAX {
            return Err(der::ErrorKind::Overlength.into());
        }
        certificates.extend(Certificate::from_der(element.whole).ok());
    }
    Ok(certificates)
}

fn malformed(source: der::Error) -> X509Error {
    X509Error::malformed(WHAT, source)
}

const WHAT: &str = "OCSP response";
/// RFC 5280 reason: the certificate is suspended.
pub(super) const CERTIFICATE_HOLD: u8 = 6;
/// Each may cost us a signature verification.
const CERTIFICATES_MAX: usize = 8;
