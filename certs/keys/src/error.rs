//! Why a key operation failed.

use std::fmt;

use crate::{DigestAlgorithm, SignatureAlgorithm};

/// Why a key operation failed. Never holds key material.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are no key in the structure expected.
    MalformedKey {
        /// The structure: `SubjectPublicKeyInfo`, `PrivateKeyInfo`, `PEM`, …
        structure: &'static str,
    },
    /// The key is of an algorithm or on a curve that we do not take.
    UnsupportedKey {
        /// The dotted identifier of the algorithm, or of the curve where that is what we lack.
        oid: String,
    },
    /// The RSA key is too short or too long for this use.
    RsaSize {
        /// The length of its modulus.
        bits: u32,
        /// The shortest that is taken.
        bits_min: u32,
        /// The longest that is taken.
        bits_max: u32,
    },
    /// The octets are no signature value of this algorithm.
    MalformedSignature {
        /// The algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// The digest was not made with the digest algorithm of the signature algorithm.
    DigestMismatch {
        /// The algorithm asked for.
        algorithm: SignatureAlgorithm,
        /// What the digest was made with.
        digest: DigestAlgorithm,
    },
    /// This key cannot sign or verify with this algorithm.
    UnsupportedAlgorithm {
        /// The algorithm asked for.
        algorithm: SignatureAlgorithm,
    },
    /// The signature is not that of this key over this digest.
    BadSignature,
    /// The bytes were not sealed with this key, for this place, or were changed since.
    BadSeal,
    /// The key does not open with this PIN.
    WrongPin,
    /// The key is sealed in a way that we do not open.
    UnsupportedSeal,
    /// The cryptographic library failed where it should not.
    Internal {
        /// What it was doing.
        operation: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedKey { structure } => write!(f, "not a key in a valid {structure}"),
            Self::UnsupportedKey { oid } => write!(f, "keys of {oid} are not supported"),
            Self::RsaSize {
                bits,
                bits_min,
                bits_max,
            } => {
                write!(
                    f,
                    "RSA key of {bits} bits; {bits_min} to {bits_max} are taken here"
                )
            }
            Self::MalformedSignature { algorithm } => {
                write!(f, "not a signature value of {algorithm}")
            }
            Self::DigestMismatch { algorithm, digest } => {
                write!(f, "a {digest} digest was given for {algorithm}")
            }
            Self::UnsupportedAlgorithm { algorithm } => {
                write!(f, "this key cannot be used with {algorithm}")
            }
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::BadSeal => f.write_str("the sealed bytes do not open with this key"),
            Self::WrongPin => f.write_str("the key does not open with this PIN"),
            Self::UnsupportedSeal => {
                f.write_str("the key is encrypted with a scheme or parameters that are not taken")
            }
            Self::Internal { operation } => {
                write!(f, "the cryptographic library failed to {operation}")
            }
        }
    }
}

impl std::error::Error for Error {}
