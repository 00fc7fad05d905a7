//! Ed25519 (RFC 8032): the keys of transparency logs and their witnesses.
//!
//! The private key is held by `aws-lc-rs` and not by `ring`, which does not wipe it from memory;
//! signatures are verified by `ring`.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use const_oid::db::rfc8410::ID_ED_25519;
use der::Decode;
use pkcs8::PrivateKeyInfo;
use ring::signature::{ED25519, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::{Error, Pin, sealed};

/// A private Ed25519 key in memory. Wiped when dropped, never printed.
pub struct Ed25519Key {
    pair: Ed25519KeyPair,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl Ed25519Key {
    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn generate() -> Result<Self, Error> {
        let pair = Ed25519KeyPair::generate().map_err(|_| Error::Internal {
            operation: "generate a key",
        })?;
        Self::new(pair)
    }

    /// Takes the 32 octets that RFC 8032 calls the private key.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::Internal {
            operation: "read a key",
        })?;
        Self::new(pair)
    }

    /// Reads an unencrypted PKCS#8 key (RFC 8410), with its public key or without.
    ///
    /// # Errors
    ///
    /// When the structure is not that, the public key in it is another one's, or the key is of
    /// another kind.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::MalformedKey {
            structure: "PrivateKeyInfo",
        };
        if der.len() > sealed::PKCS8_BYTES_MAX {
            return Err(malformed());
        }
        let info = PrivateKeyInfo::from_der(der).map_err(|_| malformed())?;
        if info.algorithm.oid != ID_ED_25519 {
            return Err(Error::UnsupportedKey {
                oid: info.algorithm.oid.to_string(),
            });
        }
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| malformed())?;
        Self::new(pair)
    }

    /// Opens a key sealed by [`Ed25519Key::to_encrypted_pem`] or by another program, as
    /// [`crate::SoftKey::from_encrypted_pem`] does.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPin`] when the PIN is another one; otherwise what is wrong with the file.
    pub fn from_encrypted_pem(pem: &str, pin: &Pin) -> Result<Self, Error> {
        let plain = sealed::open(pem, pin)?;
        Self::from_pkcs8_der(plain.as_bytes())
    }

    /// Seals the key under a PIN, as [`crate::SoftKey::to_encrypted_pem`] does.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn to_encrypted_pem(&self, pin: &Pin) -> Result<String, Error> {
        sealed::seal(&self.to_pkcs8_der_unchecked()?, pin)
    }

    /// Unencrypted PKCS#8 of the first version, without the public key: what `openssl` reads in all
    /// its releases. Wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn to_pkcs8_der_unchecked(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let der = self.pair.to_pkcs8v1().map_err(|_| Error::Internal {
            operation: "write a key",
        })?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The public key, as RFC 8032 encodes it.
    #[must_use]
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.public
    }

    /// Signs a message: not a digest of it.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "signing needs neither random bytes nor any parameter that could be refused"
    )]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let signature = self.pair.try_sign(message).expect("the key is whole");
        let octets = signature.as_ref().try_into();
        octets.expect("an Ed25519 signature has 64 octets")
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self, Error> {
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_| Error::Internal {
            operation: "write a public key",
        })?;
        Ok(Self { pair, public })
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Key(")?;
        self.public
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Whether this is a signature of this key over this message (RFC 8032, 5.1.7, without cofactor).
#[must_use]
pub fn ed25519_verify(
    public: &[u8; PUBLIC_KEY_BYTES],
    message: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .is_ok()
}

const SEED_BYTES: usize = 32;
const PUBLIC_KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

#[cfg(test)]
mod tests;
