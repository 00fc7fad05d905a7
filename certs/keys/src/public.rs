//! Public keys: parsed once, then verifying digests.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest as aws_digest;
use aws_lc_rs::signature::{
    self as aws, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters,
};
use const_oid::ObjectIdentifier;
use der::Decode;
use spki::SubjectPublicKeyInfoRef;

use crate::{Digest, DigestAlgorithm, Error, KeyKind, Signature, SignatureAlgorithm};

/// A public key, parsed once; cheap to clone. Equal when the encoded key is.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki_der: Box<[u8]>,
    /// Where the content of the BIT STRING begins; it is the last thing in the structure.
    key_bits_start: usize,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKey>),
    Ec { curve: Curve, key: ParsedPublicKey },
}

struct RsaKey {
    bits: u32,
    /// The library ties a parsed key to one algorithm: parsed for each at its first use.
    parsed: [OnceLock<Option<ParsedPublicKey>>; RSA_ALGORITHMS],
}

/// A curve of ours, with the digest length that fits its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo: RSA of 1024 to 8192 bits, or EC on P-256, P-384, P-521.
    ///
    /// # Errors
    ///
    /// When the structure is not exactly that, or the key is of another kind.
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::MalformedKey {
            structure: "SubjectPublicKeyInfo",
        };
        if der.len() > SPKI_BYTES_MAX {
            return Err(malformed());
        }
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| malformed())?;
        let key_bits = spki.subject_public_key.as_bytes().ok_or_else(malformed)?;
        let key = match spki.algorithm.oid {
            RSA_ENCRYPTION => {
                if spki
                    .algorithm
                    .parameters
                    .is_some_and(|parameters| !parameters.is_null())
                {
                    return Err(malformed());
                }
                Key::Rsa(Box::new(RsaKey::new(key_bits)?))
            }
            EC_PUBLIC_KEY => {
                let curve = spki.algorithm.parameters_oid().map_err(|_| malformed())?;
                let curve = Curve::from_oid(curve)?;
                let key = ParsedPublicKey::new(curve.verification(), key_bits)
                    .map_err(|_| malformed())?;
                Key::Ec { curve, key }
            }
            other => {
                return Err(Error::UnsupportedKey {
                    oid: other.to_string(),
                });
            }
        };
        let key_bits_start = der
            .len()
            .checked_sub(key_bits.len())
            .ok_or_else(malformed)?;
        Ok(Self(Arc::new(Inner {
            spki_der: der.into(),
            key_bits_start,
            key,
        })))
    }

    /// The DER SubjectPublicKeyInfo it was read from.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki_der
    }

    /// The content of the BIT STRING, over which OCSP and key identifiers hash.
    #[must_use]
    pub fn key_bits(&self) -> &[u8] {
        self.0
            .spki_der
            .get(self.0.key_bits_start..)
            .unwrap_or_default()
    }

    /// Whether this is an RSA key; else it is an EC key.
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        matches!(self.0.key, Key::Rsa(_))
    }

    /// The kind, when it is one that we would make.
    #[must_use]
    pub fn kind(&self) -> Option<KeyKind> {
        match &self.0.key {
            Key::Rsa(key) => match key.bits {
                2048 => Some(KeyKind::Rsa2048),
                3072 => Some(KeyKind::Rsa3072),
                4096 => Some(KeyKind::Rsa4096),
                _ => None,
            },
            Key::Ec { curve, .. } => Some(curve.kind()),
        }
    }

    /// Whether the key is strong enough for new signatures: EC, or RSA of at least 2048 bits.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        match &self.0.key {
            Key::Rsa(key) => key.bits >= RSA_BITS_MIN_NEW,
            Key::Ec { .. } => true,
        }
    }

    /// Verifies a signature over a digest already computed.
    ///
    /// Digests that are too weak for new signatures are taken: whether old evidence is at hand is
    /// the caller's to know ([`DigestAlgorithm::is_legacy`], [`PublicKey::is_strong`]).
    ///
    /// # Errors
    ///
    /// [`Error::BadSignature`] when it does not verify; otherwise what does not fit together.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &Digest,
        signature: &Signature,
    ) -> Result<(), Error> {
        if digest.algorithm() != algorithm.digest() {
            return Err(Error::DigestMismatch {
                algorithm,
                digest: digest.algorithm(),
            });
        }
        match &self.0.key {
            Key::Rsa(key) => {
                let parsed = key.parsed(algorithm, self.key_bits())?;
                let digest =
                    aws_digest_of(digest).ok_or(Error::UnsupportedAlgorithm { algorithm })?;
                let octets = signature
                    .as_rsa()
                    .ok_or(Error::MalformedSignature { algorithm })?;
                parsed
                    .verify_digest_sig(&digest, octets)
                    .map_err(|_| Error::BadSignature)
            }
            Key::Ec { curve, key } => {
                if algorithm.is_rsa() {
                    return Err(Error::UnsupportedAlgorithm { algorithm });
                }
                let digest = curve.fit(digest)?;
                let (fixed, length) = signature
                    .to_fixed(curve.field_bytes())
                    .ok_or(Error::BadSignature)?;
                let fixed = fixed.get(..length).ok_or(Error::BadSignature)?;
                key.verify_digest_sig(&digest, fixed)
                    .map_err(|_| Error::BadSignature)
            }
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki_der == other.0.spki_der
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.spki_der.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.key {
            Key::Rsa(key) => write!(f, "PublicKey(RSA {})", key.bits),
            Key::Ec { curve, .. } => write!(f, "PublicKey({curve:?})"),
        }
    }
}

impl RsaKey {
    fn new(key_bits: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::MalformedKey {
            structure: "RSAPublicKey",
        };
        let bits = RsaParameters::public_modulus_len(key_bits).map_err(|_| malformed())?;
        if !(RSA_BITS_MIN_OLD..=RSA_BITS_MAX).contains(&bits) {
            return Err(Error::RsaSize {
                bits,
                bits_min: RSA_BITS_MIN_OLD,
                bits_max: RSA_BITS_MAX,
            });
        }
        Ok(Self {
            bits,
            parsed: Default::default(),
        })
    }

    /// The key parsed for this algorithm.
    fn parsed(
        &self,
        algorithm: SignatureAlgorithm,
        key_bits: &[u8],
    ) -> Result<&ParsedPublicKey, Error> {
        let unsupported = Error::UnsupportedAlgorithm { algorithm };
        let Some((slot, parameters)) = rsa_parameters(algorithm, self.bits) else {
            return Err(unsupported);
        };
        self.parsed
            .get(slot)
            .and_then(|slot| {
                slot.get_or_init(|| ParsedPublicKey::new(parameters, key_bits).ok())
                    .as_ref()
            })
            .ok_or(unsupported)
    }
}

impl Curve {
    /// The curve of a named-curve identifier.
    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Result<Self, Error> {
        match oid {
            SECP256R1 => Ok(Self::P256),
            SECP384R1 => Ok(Self::P384),
            SECP521R1 => Ok(Self::P521),
            other => Err(Error::UnsupportedKey {
                oid: other.to_string(),
            }),
        }
    }

    pub(crate) fn kind(self) -> KeyKind {
        match self {
            Self::P256 => KeyKind::P256,
            Self::P384 => KeyKind::P384,
            Self::P521 => KeyKind::P521,
        }
    }

    fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &aws::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &aws::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &aws::ECDSA_P521_SHA512_FIXED,
        }
    }

    pub(crate) fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &aws::ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &aws::ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::P521 => &aws::ECDSA_P521_SHA512_FIXED_SIGNING,
        }
    }

    /// The digest as the number that ECDSA signs (FIPS 186-5, 6.4.1): its left-most bits when it is
    /// longer than the order of the curve, or itself behind zeros, which leave the number as it is.
    /// The library takes one digest length for each curve, hence the name it travels under.
    pub(crate) fn fit(self, digest: &Digest) -> Result<aws_digest::Digest, Error> {
        let algorithm = match self {
            Self::P256 => &aws_digest::SHA256,
            Self::P384 => &aws_digest::SHA384,
            Self::P521 => &aws_digest::SHA512,
        };
        let internal = || Error::Internal {
            operation: "fit a digest to a curve",
        };
        let mut number = [0_u8; aws_digest::MAX_OUTPUT_LEN];
        let number = number
            .get_mut(..algorithm.output_len())
            .ok_or_else(internal)?;
        let bytes = digest.as_bytes();
        let zeros = number.len().saturating_sub(bytes.len());
        number
            .iter_mut()
            .skip(zeros)
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        aws_digest::Digest::import_less_safe(number, algorithm).map_err(|_| internal())
    }
}

/// The same digest as a value of the library; SHA-224 is none that it signs with RSA.
pub(crate) fn aws_digest_of(digest: &Digest) -> Option<aws_digest::Digest> {
    let algorithm = match digest.algorithm() {
        DigestAlgorithm::Sha1 => &aws_digest::SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlgorithm::Sha224 => return None,
        DigestAlgorithm::Sha256 => &aws_digest::SHA256,
        DigestAlgorithm::Sha384 => &aws_digest::SHA384,
        DigestAlgorithm::Sha512 => &aws_digest::SHA512,
    };
    aws_digest::Digest::import_less_safe(digest.as_bytes(), algorithm).ok()
}

/// The library's name of an RSA algorithm for a key of this length, and its slot in [`RsaKey`].
/// Keys below 2048 bits have no PSS and no SHA-384 there: nobody signed so in their time.
fn rsa_parameters(
    algorithm: SignatureAlgorithm,
    bits: u32,
) -> Option<(usize, &'static RsaParameters)> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{RsaPkcs1, RsaPss};
    let strong = bits >= RSA_BITS_MIN_NEW;
    Some(match algorithm {
        RsaPkcs1(Sha1) => (0, &aws::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        RsaPkcs1(Sha256) if strong => (1, &aws::RSA_PKCS1_2048_8192_SHA256),
        RsaPkcs1(Sha256) => (1, &aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        RsaPkcs1(Sha384) if strong => (2, &aws::RSA_PKCS1_2048_8192_SHA384),
        RsaPkcs1(Sha512) if strong => (3, &aws::RSA_PKCS1_2048_8192_SHA512),
        RsaPkcs1(Sha512) => (3, &aws::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        RsaPss(Sha256) if strong => (4, &aws::RSA_PSS_2048_8192_SHA256),
        RsaPss(Sha384) if strong => (5, &aws::RSA_PSS_2048_8192_SHA384),
        RsaPss(Sha512) if strong => (6, &aws::RSA_PSS_2048_8192_SHA512),
        RsaPkcs1(_) | RsaPss(_) | SignatureAlgorithm::Ecdsa(_) => return None,
    })
}

pub(crate) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The shortest RSA key that may sign.
pub(crate) const RSA_BITS_MIN_NEW: u32 = 2048;
/// The longest RSA key we work with.
pub(crate) const RSA_BITS_MAX: u32 = 8192;
/// The shortest RSA key whose old signatures are verified.
const RSA_BITS_MIN_OLD: u32 = 1024;
const RSA_ALGORITHMS: usize = 7;
/// An RSA key of 8192 bits takes less than 1100 bytes.
const SPKI_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests;
