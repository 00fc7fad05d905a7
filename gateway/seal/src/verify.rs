//! Verifying signatures: what they say, and that they say it of what was received.
//!
//! Two steps, because a batch signature is shared by many messages: [`VerifiedSignature`] depends on
//! the octets of the signature document alone and may be remembered by their [`fingerprint`];
//! [`VerifiedSignature::cover`] compares it with one message.

mod properties;
mod read;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm, Signature as SignatureValue, SignatureAlgorithm};
use certs_x509::{Certificate, Memo, ocsp};
use gateway_xml::{Canonicalization, Document, Limits, Node};
use jiff::Timestamp;

use crate::names::{
    MESSAGE_URI, SIGNATURE_CHAIN_URI, SIGNATURE_RESULT_URI, attachment_index, attachment_uri,
};
use crate::{Error, Parts, Seal, hashchain};

/// What a signature may look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// On the wire: nothing weak.
    #[default]
    Wire,
    /// In archived messages: SHA-1 and SHA-224 too, as early servers used them.
    Archive,
}

/// A signature document read and checked as far as it goes by itself: structure, value, the
/// references inside it. Only [`VerifiedSignature::verify`] makes it. Cheap to clone.
#[derive(Clone)]
pub struct VerifiedSignature(Arc<Checked>);

/// A signature that covers every part of a message. Only [`VerifiedSignature::cover`] makes it.
#[derive(Clone, Debug)]
pub struct Signature {
    verified: VerifiedSignature,
    has_unsigned_chain: bool,
    absent: Vec<String>,
}

struct Checked {
    signing_certificate: Certificate,
    extra_certificates: Vec<Certificate>,
    ocsp_responses: Vec<ocsp::Response>,
    signing_time: Option<Timestamp>,
    /// What is signed outside the document.
    references: Vec<(String, Digest)>,
    takes_time_stamp: bool,
}

/// Verifies a signature over a message: structure, value, references, coverage of every part.
///
/// `parts`: locally computed digests of what was received. Nothing may remain uncovered, by a
/// reference or by the hash chain (stricter than other servers, which look at attachments only
/// inside a hash chain). Whether the certificate may be believed is asked of
/// [`verify_trust`](crate::verify_trust), and whose it is of its profile.
///
/// # Errors
///
/// Says what does not hold.
pub fn verify_value(seal: &Seal, parts: &Parts) -> Result<Signature, Error> {
    let chain = seal
        .chain
        .as_ref()
        .map(|(result, chain)| (&**result, &**chain));
    VerifiedSignature::verify(&seal.signature, Rules::Wire, &Memo::default())?.cover(chain, parts)
}

/// The octets of the signature value of a signature document, of which nothing is verified: what a
/// time stamp over one signature is over.
///
/// # Errors
///
/// When the document is not of its profile.
pub fn signature_value(signature: &[u8]) -> Result<Vec<u8>, Error> {
    let document = Document::parse(signature, LIMITS)?;
    Ok(read::signature(&document)?.signature_value)
}

/// The name of a signature document for remembering its verdict: a digest of its octets.
pub fn fingerprint(signature: &[u8]) -> Digest {
    Digest::of(DigestAlgorithm::Sha256, signature)
}

impl VerifiedSignature {
    /// Verifies a signature document by itself. `memo` spares reading certificates and OCSP responses
    /// that came with earlier signatures.
    ///
    /// # Errors
    ///
    /// Says what does not hold.
    pub fn verify(signature: &[u8], rules: Rules, memo: &Memo) -> Result<Self, Error> {
        let document = Document::parse(signature, LIMITS)?;
        // Two elements of one identifier are how signatures are wrapped around other content.
        document
            .check_unique("Id")
            .map_err(|_| "two elements of the same Id")?;
        let parsed = read::signature(&document)?;
        let properties = parsed.qualifying_properties()?;

        let signing_certificate = parsed.signing_certificate(memo)?;
        if !signing_certificate
            .is_signing()
            .map_err(Error::Certificate)?
        {
            return Err(Error::NotASigningCertificate);
        }
        verify_value_of(&parsed, &signing_certificate, rules)?;

        let mut references = Vec::new();
        let mut signed_nodes = Vec::new();
        for reference in &parsed.references {
            check_digest(reference.digest.algorithm(), rules, "a reference")?;
            match reference.uri.strip_prefix('#') {
                Some(id) => signed_nodes.push(inner_reference(&document, id, reference)?),
                // The octets themselves are signed, so nothing may be done to them before.
                None if reference.transform.is_some() => {
                    return Err(Error::UnsupportedAlgorithm {
                        place: "transforms of a part",
                    });
                }
                None => references.push((reference.uri.to_owned(), reference.digest)),
            }
        }

        let extra_certificates = properties.extra_certificates(&document, memo)?;
        let ocsp_responses = properties.ocsp_responses(memo)?;
        let signed_properties = properties.signed_properties(parsed.id)?;
        if !signed_nodes.contains(&signed_properties.node()) {
            return Err("the signed properties are not signed".into());
        }
        signed_properties.check_signing_certificate(&signing_certificate, rules)?;
        let signing_time = signed_properties.signing_time();
        let takes_time_stamp = properties.take_time_stamp(&document);

        Ok(Self(Arc::new(Checked {
            signing_certificate,
            extra_certificates,
            ocsp_responses,
            signing_time,
            references,
            takes_time_stamp,
        })))
    }

    /// Compares with one message: its parts as received and, for the batch form, the texts
    /// `(result, chain)` as received.
    ///
    /// # Errors
    ///
    /// Says which part is not the one signed, or not covered.
    pub fn cover(&self, chain: Option<(&[u8], &[u8])>, parts: &Parts) -> Result<Signature, Error> {
        let signature = self.cover_present(chain, parts)?;
        match signature.absent.first() {
            None => Ok(signature),
            // From the chain, or from a reference of the signature itself.
            Some(_) if signature.is_batch() => {
                Err(Error::HashChain(hashchain::Error::Unresolvable))
            }
            Some(uri) => Err(Error::Unresolvable { uri: uri.clone() }),
        }
    }

    /// The same for a message whose attachments may be absent, as in an archived container: see
    /// [`Signature::absent`]. The message itself must be there.
    ///
    /// # Errors
    ///
    /// Says which part is not the one signed, or not covered.
    pub fn cover_present(
        &self,
        chain: Option<(&[u8], &[u8])>,
        parts: &Parts,
    ) -> Result<Signature, Error> {
        let mut absent = Vec::new();
        let mut chained = false;
        let mut message_covered = false;
        let mut attachments_covered = vec![false; parts.attachments.len()];
        for (uri, signed) in &self.0.references {
            let unresolvable = || Error::Unresolvable { uri: uri.clone() };
            if uri == SIGNATURE_RESULT_URI {
                let (result, chain) = chain.ok_or_else(unresolvable)?;
                let received = Digest::of(signed.algorithm(), result);
                compare(uri, signed, &received)?;
                let inputs = parts.inputs();
                let missing =
                    hashchain::verify_present(result, chain, SIGNATURE_CHAIN_URI, &inputs)?;
                absent.extend(missing);
                chained = true;
            } else if uri == MESSAGE_URI {
                compare(uri, signed, &parts.message)?;
                message_covered = true;
            } else {
                let index = attachment_index(uri).ok_or_else(unresolvable)?;
                match (
                    parts.attachments.get(index),
                    attachments_covered.get_mut(index),
                ) {
                    (Some(received), Some(covered)) => {
                        compare(uri, signed, received)?;
                        *covered = true;
                    }
                    _ => absent.push(uri.clone()),
                }
            }
        }
        if !chained {
            if !message_covered {
                return Err(Error::Uncovered {
                    uri: MESSAGE_URI.to_owned(),
                });
            }
            if let Some(index) = attachments_covered.iter().position(|covered| !covered) {
                return Err(Error::Uncovered {
                    uri: attachment_uri(index),
                });
            }
        }
        let has_unsigned_chain = chain.is_some() && !chained;
        Ok(Signature {
            verified: self.clone(),
            has_unsigned_chain,
            absent,
        })
    }

    /// The certificate in the signature, whose key made it.
    pub fn signing_certificate(&self) -> &Certificate {
        &self.0.signing_certificate
    }

    /// Further certificates, each with the digest by which the signature refers to it.
    pub fn extra_certificates(&self) -> &[Certificate] {
        &self.0.extra_certificates
    }

    /// At least one.
    pub fn ocsp_responses(&self) -> &[ocsp::Response] {
        &self.0.ocsp_responses
    }

    /// What the signer says of the time. Nobody confirms it.
    pub fn signing_time(&self) -> Option<Timestamp> {
        self.0.signing_time
    }

    /// Whether a time stamp can be put into the document: it has none yet, and exactly one place for
    /// it. What is unsigned in a document can be changed by whoever carries it.
    pub fn takes_time_stamp(&self) -> bool {
        self.0.takes_time_stamp
    }

    /// What is signed outside the document, with the digest algorithm that a verifier of archived
    /// messages has to use.
    pub fn references(&self) -> impl Iterator<Item = (&str, DigestAlgorithm)> {
        self.0
            .references
            .iter()
            .map(|(uri, digest)| (uri.as_str(), digest.algorithm()))
    }

    /// Whether it covers a hash chain result rather than the parts themselves.
    pub fn is_batch(&self) -> bool {
        self.0
            .references
            .iter()
            .any(|(uri, _)| uri == SIGNATURE_RESULT_URI)
    }
}

impl fmt::Debug for VerifiedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedSignature")
            .field("signing_certificate", &self.0.signing_certificate)
            .field("signing_time", &self.0.signing_time)
            .field("references", &self.0.references)
            .finish_non_exhaustive()
    }
}

impl Signature {
    /// A hash chain came with a signature that does not refer to one. It was not looked at and
    /// nothing is known of it.
    pub const fn has_unsigned_chain(&self) -> bool {
        self.has_unsigned_chain
    }

    /// Attachments that are signed but were not there to compare; empty unless
    /// [`VerifiedSignature::cover_present`] was asked.
    pub fn absent(&self) -> &[String] {
        &self.absent
    }

    /// What is known of the signature apart from this message.
    pub const fn verified(&self) -> &VerifiedSignature {
        &self.verified
    }
}

impl Deref for Signature {
    type Target = VerifiedSignature;

    fn deref(&self) -> &VerifiedSignature {
        &self.verified
    }
}

/// The signature value over the canonical signed information.
fn verify_value_of(
    parsed: &read::Parsed<'_>,
    certificate: &Certificate,
    rules: Rules,
) -> Result<(), Error> {
    let algorithm = SignatureAlgorithm::from_uri(parsed.signature_method).ok_or(
        Error::UnsupportedAlgorithm {
            place: "signature value",
        },
    )?;
    check_digest(algorithm.digest(), rules, "signature value")?;
    let value =
        SignatureValue::from_xmldsig(algorithm, &parsed.signature_value).map_err(Error::Value)?;
    let signed = parsed.signed_info.canonical(&parsed.canonicalization)?;
    let digest = Digest::of(algorithm.digest(), &signed);
    certificate
        .public_key()
        .verify(algorithm, &digest, &value)
        .map_err(Error::Value)
}

/// A reference into the document itself: the element, which is as signed.
fn inner_reference<'d>(
    document: &'d Document,
    id: &str,
    reference: &read::Reference<'_>,
) -> Result<Node<'d>, Error> {
    let uri = || reference.uri.to_owned();
    let node = document
        .by_id(id)
        .map_err(Error::Xml)?
        .ok_or_else(|| Error::Unresolvable { uri: uri() })?;
    // A node set is turned into octets by inclusive canonicalisation where nothing else is said
    // (XML-Signature Syntax and Processing, section 4.3.3.2).
    let method = reference
        .transform
        .as_ref()
        .unwrap_or(&Canonicalization::Inclusive10);
    let actual = Digest::of(reference.digest.algorithm(), &node.canonical(method)?);
    if actual == reference.digest {
        Ok(node)
    } else {
        Err(Error::Digest { uri: uri() })
    }
}

fn compare(uri: &str, signed: &Digest, received: &Digest) -> Result<(), Error> {
    if signed.algorithm() != received.algorithm() {
        return Err(Error::DigestAlgorithm {
            uri: uri.to_owned(),
            expected: signed.algorithm(),
            actual: received.algorithm(),
        });
    }
    // In constant time.
    if signed == received {
        Ok(())
    } else {
        Err(Error::Digest {
            uri: uri.to_owned(),
        })
    }
}

fn check_digest(
    algorithm: DigestAlgorithm,
    rules: Rules,
    place: &'static str,
) -> Result<(), Error> {
    match rules {
        Rules::Wire if algorithm.is_legacy() => Err(Error::UnsupportedAlgorithm { place }),
        Rules::Wire | Rules::Archive => Ok(()),
    }
}

/// Signatures of a few kilobytes, with the certificates and OCSP responses of a long path.
const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 32,
    nodes_max: 20_000,
    attributes_max: 32,
};
