//! Reading responses and tokens.

use std::fmt;
use std::sync::Arc;

use certs_keys::Digest;
use der::{Tag, TagNumber};
use jiff::Timestamp;

use super::signer::Signer;
use super::{Error, MESSAGE_BYTES_MAX, SIGNED_DATA, TST_INFO};
use crate::asn1::{self, Oid, Reader};
use crate::{Certificate, Error as X509Error};

/// A time-stamp token: CMS SignedData around a TSTInfo, with its DER; cheap to clone. Decoding says
/// nothing about whether it may be believed: see [`Token::verify`].
///
/// ```text
/// ContentInfo ::= SEQUENCE { contentType id-signedData, content [0] EXPLICIT SignedData }
/// SignedData ::= SEQUENCE {
///     version INTEGER, digestAlgorithms SET OF AlgorithmIdentifier,
///     encapContentInfo SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING },
///     certificates [0] IMPLICIT SET OF Certificate OPTIONAL,
///     crls         [1] IMPLICIT SET OF ANY OPTIONAL,
///     signerInfos SET OF SignerInfo }
/// TSTInfo ::= SEQUENCE {
///     version INTEGER { v1(1) }, policy OBJECT IDENTIFIER, messageImprint, serialNumber INTEGER,
///     genTime GeneralizedTime, accuracy SEQUENCE OPTIONAL, ordering BOOLEAN DEFAULT FALSE,
///     nonce INTEGER OPTIONAL, tsa [0] EXPLICIT GeneralName OPTIONAL,
///     extensions [1] IMPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone)]
pub struct Token(Arc<Inner>);

pub(super) struct Inner {
    der: Vec<u8>,
    /// The octets of the TSTInfo, over which the message digest is.
    pub(super) content: Vec<u8>,
    pub(super) info: Info,
    pub(super) signer: Signer,
}

pub(super) struct Info {
    /// Dotted.
    policy: String,
    imprint: Digest,
    serial: Vec<u8>,
    pub(super) gen_time: Timestamp,
    nonce: Option<Vec<u8>>,
}

impl Token {
    /// Decodes a token. Indefinite lengths are taken and replaced: [`Token::der`] is always DER.
    ///
    /// # Errors
    /// It is not this structure, it is too large, or it has not exactly one signer with the signed
    /// attributes of RFC 3161.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        check_size(der)?;
        Self::from_strict(asn1::to_der(der).map_err(malformed)?)
    }

    fn from_strict(der: Vec<u8>) -> Result<Self, X509Error> {
        let parts = SignedData::read(&der)?;
        let info = read_info(parts.content).map_err(malformed)?;
        let (info, critical) = info;
        if critical {
            return Err(Error::UnknownCriticalExtension.into());
        }
        let signer = Signer::read(parts.signer)?;
        let content = parts.content.to_vec();
        Ok(Self(Arc::new(Inner {
            content,
            info,
            signer,
            der,
        })))
    }

    /// The token in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The time it states.
    pub fn gen_time(&self) -> Timestamp {
        self.0.info.gen_time
    }

    /// What it is over.
    pub fn imprint(&self) -> &Digest {
        &self.0.info.imprint
    }

    /// The policy it was made under, dotted.
    pub fn policy(&self) -> &str {
        &self.0.info.policy
    }

    /// The content octets of its serial number's INTEGER.
    pub fn serial(&self) -> &[u8] {
        &self.0.info.serial
    }

    /// The content octets of its nonce, if it has one.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.0.info.nonce.as_deref()
    }

    /// The same token with this certificate in its certificate set, as other servers store it: a
    /// verifier then finds the authority's certificate beside the signature.
    ///
    /// # Errors
    /// None for a token that was read: the octets are those that were read before.
    pub fn with_certificate(&self, certificate: &Certificate) -> Result<Self, X509Error> {
        let parts = SignedData::read(self.der())?;
        let mut certificates = vec![certificate.der().to_vec()];
        let mut present = Reader::new(parts.certificates.unwrap_or_default()).map_err(malformed)?;
        while !present.is_empty() {
            certificates.push(present.element().map_err(malformed)?.whole.to_vec());
        }
        let certificates = asn1::encode_set_of(asn1::context(TagNumber::N0), certificates);
        let signed_data = asn1::encode_sequence(&[parts.before, &certificates, parts.after]);
        Self::from_strict(asn1::encode_sequence(&[
            &asn1::encode_oid(SIGNED_DATA),
            &asn1::encode(asn1::context(TagNumber::N0), &[&signed_data]),
        ]))
    }

    /// The certificates that came with the token, as far as they can be read. Verification does
    /// not use them.
    pub fn certificates(&self) -> Vec<Certificate> {
        let mut certificates = Vec::new();
        let parts = SignedData::read(self.der()).ok();
        let set = parts.and_then(|parts| Reader::new(parts.certificates?).ok());
        let Some(mut set) = set else {
            return certificates;
        };
        while !set.is_empty() {
            let Ok(element) = set.element() else { break };
            certificates.extend(Certificate::from_der(element.whole).ok());
        }
        certificates
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("gen_time", &self.0.info.gen_time)
            .field("imprint", &self.0.info.imprint)
            .field("serial", &hex::encode(&self.0.info.serial))
            .finish_non_exhaustive()
    }
}

/// The token of a response whose status is granted or granted with modifications.
///
/// ```text
/// TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
/// PKIStatusInfo ::= SEQUENCE {
///     status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL, failInfo BIT STRING OPTIONAL }
/// ```
///
/// # Errors
/// It is not this structure, it is too large, nothing was granted, or as [`Token::from_der`].
pub fn token_of_response(der: &[u8]) -> Result<Token, X509Error> {
    check_size(der)?;
    let der = asn1::to_der(der).map_err(malformed_response)?;
    let (status, text, token) = read_response(&der).map_err(malformed_response)?;
    match (status, token) {
        (0 | 1, Some(token)) => Token::from_strict(token.to_vec()),
        (0 | 1, None) => Err(Error::NoToken.into()),
        (status, _) => Err(Error::NotGranted { status, text }.into()),
    }
}

type ResponseParts<'a> = (u64, String, Option<&'a [u8]>);

fn read_response(der: &[u8]) -> der::Result<ResponseParts<'_>> {
    let mut response = Reader::only(der, Tag::Sequence)?;
    let mut info = response.sequence()?;
    let status = info.small()?;
    let mut text = String::new();
    if let Some(strings) = info.optional(Tag::Sequence)? {
        let mut strings = Reader::new(strings)?;
        while !strings.is_empty() {
            text.push_str(&String::from_utf8_lossy(strings.content(Tag::Utf8String)?));
        }
    }
    info.optional(Tag::BitString)?;
    info.finish()?;
    let text = text
        .chars()
        .filter(|c| !c.is_control())
        .take(TEXT_CHARS_MAX)
        .collect();
    let token = match response.is_empty() {
        true => None,
        false => Some(response.element()?.whole),
    };
    response.finish()?;
    Ok((status, text, token))
}

/// The parts of a token, lent from its octets.
struct SignedData<'a> {
    /// Version, digest algorithms and content.
    before: &'a [u8],
    content: &'a [u8],
    certificates: Option<&'a [u8]>,
    /// Revocation lists and signers.
    after: &'a [u8],
    signer: Reader<'a>,
}

impl<'a> SignedData<'a> {
    fn read(der: &'a [u8]) -> Result<Self, X509Error> {
        let (content_type, explicit) = read_content_info(der).map_err(malformed)?;
        if content_type != SIGNED_DATA {
            return Err(Error::UnexpectedContent {
                oid: content_type.to_string(),
            }
            .into());
        }
        let body = read_explicit(explicit).map_err(malformed)?;
        let (parts, content_type, mut signers) = Self::read_body(body).map_err(malformed)?;
        if content_type != TST_INFO {
            return Err(Error::UnexpectedContent {
                oid: content_type.to_string(),
            }
            .into());
        }
        let mut count = 0_usize;
        while !signers.is_empty() {
            signers.element().map_err(malformed)?;
            count = count.saturating_add(1);
        }
        match count {
            1 => Ok(parts),
            signers => Err(Error::SignerCount { signers }.into()),
        }
    }

    fn read_body(body: &'a [u8]) -> der::Result<(Self, Oid<'a>, Reader<'a>)> {
        let mut reader = Reader::new(body)?;
        reader.small()?;
        reader.content(Tag::Set)?;
        let mut encapsulated = reader.sequence()?;
        let content_type = encapsulated.oid()?;
        let mut explicit = encapsulated.enter(asn1::context(TagNumber::N0))?;
        encapsulated.finish()?;
        let content = explicit.octets()?;
        explicit.finish()?;
        let before = consumed(body, &reader);
        let certificates = reader.optional(asn1::context(TagNumber::N0))?;
        let after = body
            .get(consumed(body, &reader).len()..)
            .unwrap_or_default();
        reader.optional(asn1::context(TagNumber::N1))?;
        let signers = reader.enter(Tag::Set)?;
        reader.finish()?;
        let signer = match signers.is_empty() {
            true => signers.clone(),
            false => signers.clone().sequence()?,
        };
        Ok((
            Self {
                before,
                content,
                certificates,
                after,
                signer,
            },
            content_type,
            signers,
        ))
    }
}

fn consumed<'a>(body: &'a [u8], reader: &Reader<'a>) -> &'a [u8] {
    body.get(..reader.position()).unwrap_or_default()
}

fn read_content_info(der: &[u8]) -> der::Result<(Oid<'_>, &[u8])> {
    let mut info = Reader::only(der, Tag::Sequence)?;
    let content_type = info.oid()?;
    let explicit = info.content(asn1::context(TagNumber::N0))?;
    info.finish()?;
    Ok((content_type, explicit))
}

fn read_explicit(explicit: &[u8]) -> der::Result<&[u8]> {
    let mut reader = Reader::new(explicit)?;
    let body = reader.content(Tag::Sequence)?;
    reader.finish()?;
    Ok(body)
}

/// The TSTInfo, and whether it has a critical extension.
fn read_info(der: &[u8]) -> der::Result<(Info, bool)> {
    let mut info = Reader::only(der, Tag::Sequence)?;
    if info.small()? != 1 {
        return Err(Tag::Integer.value_error());
    }
    let policy = info.oid()?.to_string();
    let imprint = asn1::read_imprint(&mut info)?;
    let serial = info.integer()?.to_vec();
    let gen_time = info.generalized_time()?;
    info.optional(Tag::Sequence)?;
    info.optional(Tag::Boolean)?;
    let nonce = info.optional(Tag::Integer)?.map(<[u8]>::to_vec);
    info.optional(asn1::context(TagNumber::N0))?;
    let critical = match info.optional(asn1::context(TagNumber::N1))? {
        None => false,
        Some(members) => {
            asn1::Extensions::read_members(Reader::new(members)?)?.has_critical_except(&[])
        }
    };
    info.finish()?;
    Ok((
        Info {
            policy,
            imprint,
            serial,
            gen_time,
            nonce,
        },
        critical,
    ))
}

fn check_size(der: &[u8]) -> Result<(), X509Error> {
    match der.len() <= MESSAGE_BYTES_MAX {
        true => Ok(()),
        false => Err(X509Error::TooLarge {
            what: "time stamp",
            bytes: der.len(),
            bytes_max: MESSAGE_BYTES_MAX,
        }),
    }
}

fn malformed(source: der::Error) -> X509Error {
    X509Error::malformed("time-stamp token", source)
}

fn malformed_response(source: der::Error) -> X509Error {
    X509Error::malformed("time-stamp response", source)
}

const TEXT_CHARS_MAX: usize = 200;
