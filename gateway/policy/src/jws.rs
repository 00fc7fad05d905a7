//! Compact JSON web signatures (RFC 7515) with Ed25519 (RFC 8037), and no others.
//!
//! The algorithm is a property of the key that the rules publish, never of the message: a header
//! that names another, `none` among them, is refused before anything is computed.

use std::fmt;

use certs_keys::Ed25519Key;

/// Why a text is no believable signature.
#[derive(Debug)]
pub enum Error {
    /// Longer than allowed.
    TooLong,
    /// Not three parts of base64url without padding.
    Form,
    /// The header is no strict JSON, or holds what must be understood and is not.
    Header,
    /// The header names another algorithm than the key's.
    Algorithm,
    /// No key of that name.
    UnknownKey,
    /// The signature does not fit.
    Signature,
}

/// A text split, not yet believed.
#[derive(Clone, Debug)]
pub struct Unverified<'t> {
    pub(crate) text: &'t str,
    pub(crate) kid: String,
    pub(crate) algorithm: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: [u8; 64],
}

impl<'t> Unverified<'t> {
    /// Splits a text.
    ///
    /// # Errors
    /// When it is too long, or not of the form.
    pub fn parse(text: &'t str, bytes_max: usize, media_type: &str) -> Result<Self, Error> {
        let _ = (text, bytes_max, media_type);
        todo!()
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Verifies with a key of this algorithm; gives the payload.
    ///
    /// # Errors
    /// When the header names another algorithm, or the signature does not fit.
    pub fn verify(self, algorithm: &str, public: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let _ = (&self.text, &self.algorithm, &self.payload, &self.signature);
        let _ = (algorithm, public);
        todo!()
    }
}

/// Signs a payload: header `{"alg":"EdDSA","kid":…,"typ":…}`, canonical.
#[must_use]
pub fn sign(payload: &[u8], kid: &str, media_type: &str, key: &Ed25519Key) -> String {
    let _ = (payload, kid, media_type, key);
    todo!()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the signed text is too long",
            Self::Form => "it is not three parts of base64url",
            Self::Header => "its header cannot be read",
            Self::Algorithm => "it names another algorithm than its key has",
            Self::UnknownKey => "no such key is published",
            Self::Signature => "its signature does not fit",
        })
    }
}

impl std::error::Error for Error {}
