//! Making and reading requests.

use certs_keys::Digest;
use der::{Tag, TagNumber};

use super::{Error, Failure, MESSAGE_BYTES_MAX};
use crate::Error as X509Error;
use crate::asn1::{self, Oid, Reader};

/// A request over an imprint as the other servers send it: version 1, no policy, no nonce, no
/// certificate wanted, no extensions.
pub fn request(imprint: &Digest) -> Vec<u8> {
    asn1::encode_sequence(&[
        &asn1::encode(Tag::Integer, &[&[1]]),
        &encode_imprint(imprint),
    ])
}

/// What a request asks.
///
/// ```text
/// TimeStampReq ::= SEQUENCE {
///     version         INTEGER { v1(1) },
///     messageImprint  SEQUENCE { hashAlgorithm, hashedMessage OCTET STRING },
///     reqPolicy       OBJECT IDENTIFIER OPTIONAL,
///     nonce           INTEGER OPTIONAL,
///     certReq         BOOLEAN DEFAULT FALSE,
///     extensions  [0] IMPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    imprint: Digest,
    /// The AlgorithmIdentifier and hash exactly as asked: the token must repeat them.
    pub(super) imprint_der: Vec<u8>,
    /// The content octets of the identifier.
    pub(super) policy: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    certificate_wanted: bool,
}

impl Query {
    /// Decodes a request.
    ///
    /// # Errors
    /// [`Error::UnacceptableQuery`] with the reason that the client should be told.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let refuse = |failure| X509Error::from(Error::UnacceptableQuery { failure });
        if der.len() > MESSAGE_BYTES_MAX {
            return Err(refuse(Failure::BadDataFormat));
        }
        let parts = read(der).map_err(|_| refuse(Failure::BadDataFormat))?;
        if parts.version != 1 {
            return Err(refuse(Failure::BadRequest));
        }
        if parts.extended {
            return Err(refuse(Failure::UnacceptedExtension));
        }
        if parts
            .nonce
            .as_ref()
            .is_some_and(|nonce| nonce.len() > NONCE_BYTES_MAX)
        {
            return Err(refuse(Failure::BadRequest));
        }
        let mut imprint =
            Reader::new(&parts.imprint).map_err(|_| refuse(Failure::BadDataFormat))?;
        let digest = asn1::read_imprint(&mut imprint).map_err(|_| refuse(Failure::BadAlgorithm))?;
        Ok(Self {
            imprint: digest,
            imprint_der: parts.imprint,
            policy: parts.policy,
            nonce: parts.nonce,
            certificate_wanted: parts.certificate_wanted,
        })
    }

    /// What is to be stamped.
    pub fn imprint(&self) -> &Digest {
        &self.imprint
    }

    /// The content octets of the nonce, if the request has one.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// The authority's certificate is to come with the token.
    pub fn certificate_wanted(&self) -> bool {
        self.certificate_wanted
    }
}

pub(super) fn encode_imprint(imprint: &Digest) -> Vec<u8> {
    asn1::encode_sequence(&[
        &asn1::encode_digest_algorithm(imprint.algorithm()),
        &asn1::encode_octets(imprint.as_bytes()),
    ])
}

struct Parts {
    version: u64,
    imprint: Vec<u8>,
    policy: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    certificate_wanted: bool,
    extended: bool,
}

fn read(der: &[u8]) -> der::Result<Parts> {
    let mut query = Reader::only(der, Tag::Sequence)?;
    let version = query.small()?;
    let imprint = query.element()?;
    imprint.tag.assert_eq(Tag::Sequence)?;
    let policy = match query.optional(Tag::ObjectIdentifier)? {
        Some(content) => Some(Oid::new(content)?.as_bytes().to_vec()),
        None => None,
    };
    let nonce = query.optional(Tag::Integer)?.map(<[u8]>::to_vec);
    let certificate_wanted = match query.optional(Tag::Boolean)? {
        None | Some([0x00]) => false,
        Some([0xff]) => true,
        Some(_) => return Err(Tag::Boolean.value_error()),
    };
    let extended = query.optional(asn1::context(TagNumber::N0))?.is_some();
    query.finish()?;
    if nonce.as_ref().is_some_and(Vec::is_empty) {
        return Err(Tag::Integer.length_error());
    }
    let imprint = imprint.whole.to_vec();
    Ok(Parts {
        version,
        imprint,
        policy,
        nonce,
        certificate_wanted,
        extended,
    })
}

const NONCE_BYTES_MAX: usize = 64;
