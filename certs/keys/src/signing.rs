//! The joint behind which private keys stand.

use std::fmt;

use crate::{Digest, Error, PublicKey, Signature, SignatureAlgorithm};

/// A private key that signs digests: in memory now, behind PKCS#11 later (which has no mechanism to
/// hash and sign in one step for all keys, so: hash first).
pub trait SigningKey: Send + Sync + fmt::Debug {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs a digest, which `algorithm.digest()` must have made. Where the digest is longer than
    /// the order of the curve its left-most bits are signed (FIPS 186-5, 6.4.1): P-256 with
    /// SHA-512 signs 256 of 512 bits.
    ///
    /// # Errors
    ///
    /// [`Error::DigestMismatch`] for a digest of another algorithm,
    /// [`Error::UnsupportedAlgorithm`] where the key has no such algorithm or the digest is too
    /// weak for new signatures.
    fn sign(&self, algorithm: SignatureAlgorithm, digest: &Digest) -> Result<Signature, Error>;
}
