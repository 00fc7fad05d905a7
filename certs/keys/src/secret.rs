//! Secret keys that seal bytes at rest.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

use crate::sealed::ITERATIONS;
use crate::{Error, Pin, random_bytes};

/// 32 secret octets: wiped from memory when dropped, never printed. Keys of one use each are
/// derived from it ([`Self::derive`]); those seal bytes with AES-256-GCM.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// Takes over the octets of a key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes over the text of a key: 64 hexadecimal digits.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_hex(text: String) -> Result<Self, Error> {
        let text = Zeroizing::new(text);
        let malformed = || Error::MalformedKey {
            structure: "text of 64 hexadecimal digits",
        };
        let mut bytes = Zeroizing::new([0; 32]);
        if text.len() != HEX_DIGITS {
            return Err(malformed());
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = digits else {
                return Err(malformed());
            };
            let (high, low) = hex_digit(high).zip(hex_digit(low)).ok_or_else(malformed)?;
            *byte = (high << 4) | low;
        }
        Ok(Self(bytes))
    }

    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// The key that a PIN and a salt make, by PBKDF2-HMAC-SHA-256 (RFC 8018): slow on purpose.
    #[must_use]
    pub fn from_pin(pin: &Pin, salt: &[u8; 16]) -> Self {
        Self(pin.key(salt, ITERATIONS))
    }

    /// This key sealed under another: a salt of 16 octets, 32 octets, and a tag. The associated data
    /// must be given again to open it.
    ///
    /// # Errors
    /// Only of the cryptographic library.
    pub fn to_sealed(&self, under: &Self, associated: &[u8]) -> Result<Vec<u8>, Error> {
        let salt = random_bytes::<SALT_BYTES>();
        let mut octets = Zeroizing::new(Vec::with_capacity(SEALED_BYTES));
        octets.extend_from_slice(&*self.0);
        // A key of one use may have any nonce.
        under
            .derive(&salt, SEALED_KEY)
            .seal([0; 12], associated, &mut octets)?;
        Ok([salt.as_slice(), octets.as_slice()].concat())
    }

    /// Opens what [`Self::to_sealed`] made.
    ///
    /// # Errors
    /// It was not sealed under this key with this associated data, or was changed since.
    pub fn from_sealed(sealed: &[u8], under: &Self, associated: &[u8]) -> Result<Self, Error> {
        let (salt, octets) = sealed.split_at_checked(SALT_BYTES).ok_or(Error::BadSeal)?;
        let mut octets = Zeroizing::new(octets.to_vec());
        under
            .derive(salt, SEALED_KEY)
            .open([0; 12], associated, &mut octets)?;
        let bytes = <[u8; 32]>::try_from(octets.as_slice()).map_err(|_| Error::BadSeal)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The key of one purpose and salt, by HKDF-SHA-256 (RFC 5869). What is sealed with it tells
    /// nothing of this key, nor of keys of other purposes or salts.
    #[must_use]
    pub fn derive(&self, salt: &[u8], purpose: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        let purpose = [purpose];
        let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&*self.0)
            .expand(&purpose, hkdf::HKDF_SHA256)
            .and_then(|output| output.fill(&mut *bytes));
        #[expect(
            clippy::expect_used,
            reason = "HKDF fails above 255 times the length of its digest, and this is one"
        )]
        filled.expect("one digest is not too long");
        Self(bytes)
    }

    /// What tells this key from others and nothing of it.
    #[must_use]
    pub fn fingerprint(&self, purpose: &[u8]) -> [u8; 16] {
        let Self(derived) = self.derive(b"", purpose);
        let mut octets = [0; 16];
        octets
            .iter_mut()
            .zip(derived.iter())
            .for_each(|(to, from)| *to = *from);
        octets
    }

    /// HMAC-SHA-256 (RFC 2104) under this key.
    #[must_use]
    pub fn hmac_sha256(&self, data: &[u8]) -> [u8; 32] {
        crate::hmac_sha256(&*self.0, data)
    }

    /// Encrypts the bytes in place and appends their tag ([`TAG_BYTES`] more). A nonce must never
    /// be used twice with one key: derive a key for each use.
    ///
    /// # Errors
    /// The bytes are too many for one nonce (64 GiB).
    pub fn seal(
        &self,
        nonce: [u8; 12],
        associated: &[u8],
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.aes()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated),
                bytes,
            )
            .map_err(|_| Error::Internal {
                operation: "encrypt bytes",
            })
    }

    /// Decrypts in place what [`Self::seal`] made, tag at the end; only the plain bytes remain.
    ///
    /// # Errors
    /// It was not sealed with this key, nonce and associated data, or was changed since. The bytes
    /// are then of no use.
    pub fn open(
        &self,
        nonce: [u8; 12],
        associated: &[u8],
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let length = self
            .aes()?
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated),
                bytes,
            )
            .map_err(|_| Error::BadSeal)?
            .len();
        bytes.truncate(length);
        Ok(())
    }

    fn aes(&self) -> Result<LessSafeKey, Error> {
        UnboundKey::new(&AES_256_GCM, &*self.0)
            .map(LessSafeKey::new)
            .map_err(|_| Error::Internal {
                operation: "prepare a key",
            })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a' - 10),
        b'A'..=b'F' => digit.checked_sub(b'A' - 10),
        _ => None,
    }
}

/// How much longer sealed bytes are than plain ones.
pub const TAG_BYTES: usize = 16;
const HEX_DIGITS: usize = 64;
const SALT_BYTES: usize = 16;
const SEALED_BYTES: usize = 48;
const SEALED_KEY: &[u8] = b"karvan sealed key 1";

#[cfg(test)]
mod tests;
