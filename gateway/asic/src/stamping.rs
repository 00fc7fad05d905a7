//! What a time stamp covers, and where its token goes (PR-SIGDOC, time-stamping; ETSI TS 101 903,
//! section 7.3).
//!
//! A time stamp is over one signature value, or over the result of a hash chain whose leaves are
//! digests of whole signature documents. Both can be told again at any later time from the digests
//! alone, so that chains need not be kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_seal::hashchain::{self, Leaves};
use gateway_xml::{Event, Reader};

use crate::verify::structure::{DS, LIMITS, XADES};

/// A hash chain over signature documents: what one time stamp covers.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The result document: the time stamp is over its octets.
    pub result: Bytes,
    leaves: Leaves,
}

/// Why a signature cannot be time-stamped.
#[derive(Debug)]
pub enum Error {
    /// Of these digests no hash chain can be made.
    HashChain(hashchain::Error),
    /// There is no signature of this index in the batch.
    NoSuchLeaf {
        /// The index asked for.
        index: usize,
    },
    /// The signature document is not of its profile.
    Signature(gateway_seal::Error),
    /// The signature document cannot be read.
    Xml(gateway_xml::Error),
    /// The signature document has not exactly one place for a time stamp.
    NoPlace,
    /// The signature has a time stamp already.
    AlreadyStamped,
}

/// A batch over the digests of signature documents, in their order. Digests in the order of a time
/// stamp made earlier give the result that it is over.
///
/// # Errors
///
/// With fewer than two, or several algorithms.
pub fn batch(digests: &[Digest]) -> Result<Batch, Error> {
    let leaves = Leaves::new(digests).map_err(Error::HashChain)?;
    Ok(Batch {
        result: leaves.result(CHAIN_URI),
        leaves,
    })
}

impl Batch {
    /// The chain of the signature with this index, the first being 0.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn chain(&self, index: usize) -> Result<Bytes, Error> {
        self.leaves
            .chain(index, SIGNATURE_URI)
            .ok_or(Error::NoSuchLeaf { index })
    }

    /// How many signatures it covers.
    pub fn count(&self) -> usize {
        self.leaves.count()
    }
}

/// What a single time stamp is over: the octets of the signature value.
///
/// # Errors
///
/// When the signature document is not of its profile.
pub fn single_imprint(signature: &[u8], algorithm: DigestAlgorithm) -> Result<Digest, Error> {
    let value = gateway_seal::signature_value(signature).map_err(Error::Signature)?;
    Ok(Digest::of(algorithm, &value))
}

/// Puts a token into a signature document, as the first of the unsigned properties; no other octet
/// changes. Those are not signed, so the signature stays what it was.
///
/// # Errors
///
/// When there is no place for it, or a time stamp already.
pub fn embed(signature: &[u8], token: &[u8]) -> Result<Bytes, Error> {
    let (place, prefix) = place(signature)?;
    let name = |local: &str| match prefix.as_str() {
        "" => local.to_owned(),
        prefix => format!("{prefix}:{local}"),
    };
    let (stamp, encapsulated) = (name(STAMP), name("EncapsulatedTimeStamp"));
    let element = format!(
        "<{stamp}><{encapsulated}>{}</{encapsulated}></{stamp}>",
        STANDARD.encode(token)
    );
    let (before, behind) = signature.split_at_checked(place).ok_or(Error::NoPlace)?;
    Ok([before, element.as_bytes(), behind].concat().into())
}

/// Behind the start tag of the unsigned properties, with the prefix that they are written with.
fn place(signature: &[u8]) -> Result<(usize, String), Error> {
    let mut reader = Reader::new(signature, LIMITS)?;
    // The names of the open elements, outermost first.
    let mut path: Vec<(String, String)> = Vec::new();
    let mut found = None;
    loop {
        match reader.next()? {
            None => return found.ok_or(Error::NoPlace),
            Some(Event::Start(element)) => {
                if element.is(XADES, STAMP) {
                    return Err(Error::AlreadyStamped);
                }
                path.push((
                    element.namespace().to_owned(),
                    element.local_name().to_owned(),
                ));
                if !element.is(XADES, PROPERTIES) {
                    continue;
                }
                let prefix = element.prefix().to_owned();
                // A second one, or one elsewhere: readers might take either. An empty tag has no
                // inside; no signature of this profile is without other unsigned properties.
                if found.is_some() || element.is_empty_tag() || !is_way(&path) {
                    return Err(Error::NoPlace);
                }
                found = Some((reader.range().end, prefix));
            }
            Some(Event::End) => {
                path.pop();
            }
            Some(Event::Text(_) | Event::Comment | Event::Instruction) => {}
        }
    }
}

/// Whether the innermost open element is the unsigned properties of a signature that is the root
/// or its child.
fn is_way(path: &[(String, String)]) -> bool {
    let is_expected = |((namespace, name), expected): (&(String, String), &(&str, &str))| {
        (namespace.as_str(), name.as_str()) == *expected
    };
    let inner = path.len().checked_sub(WAY.len());
    inner.is_some_and(|outer| outer <= 1)
        && path.iter().rev().zip(WAY.iter().rev()).all(is_expected)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HashChain(_) => write!(f, "no hash chain over these signatures"),
            Self::NoSuchLeaf { index } => write!(f, "no signature of index {index} in the batch"),
            Self::Signature(_) | Self::Xml(_) => {
                write!(f, "the signature document cannot be read")
            }
            Self::NoPlace => write!(f, "the signature has no place for a time stamp"),
            Self::AlreadyStamped => write!(f, "the signature has a time stamp already"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::HashChain(source) => Some(source),
            Self::Signature(source) => Some(source),
            Self::Xml(source) => Some(source),
            Self::NoSuchLeaf { .. } | Self::NoPlace | Self::AlreadyStamped => None,
        }
    }
}

impl From<gateway_xml::Error> for Error {
    fn from(source: gateway_xml::Error) -> Self {
        Self::Xml(source)
    }
}

pub(crate) const CHAIN_URI: &str = "/ts-hashchain.xml";
pub(crate) const SIGNATURE_URI: &str = "/META-INF/signatures.xml";
const STAMP: &str = "SignatureTimeStamp";
const PROPERTIES: &str = "UnsignedSignatureProperties";
/// From the signature to its unsigned properties.
const WAY: [(&str, &str); 5] = [
    (DS, "Signature"),
    (DS, "Object"),
    (XADES, "QualifyingProperties"),
    (XADES, "UnsignedProperties"),
    (XADES, PROPERTIES),
];

#[cfg(test)]
mod tests;
