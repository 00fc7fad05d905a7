//! Compact JSON web signatures (RFC 7515) with Ed25519 (RFC 8037), and no others.
//!
//! ```text
//! base64url({"alg":"EdDSA","kid":"…","typ":"…"}) . base64url(payload) . base64url(signature)
//! ```
//!
//! The header has these three members and no others, so there is never a `crit` to understand. The
//! algorithm is a property of the key that the rules publish, never of the message: a header that
//! names another, `none` among them, is refused before anything is computed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::{Ed25519Key, ed25519_verify};
use serde_json::Value;

use crate::json;

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
#[derive(Clone)]
pub struct Unverified<'t> {
    /// Header and payload as they were signed.
    signed: &'t str,
    kid: String,
    algorithm: String,
    payload: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
}

impl<'t> Unverified<'t> {
    /// Splits a text.
    ///
    /// # Errors
    /// When it is too long, not of the form, of another media type, or names an algorithm that no
    /// key of ours has.
    pub fn parse(text: &'t str, bytes_max: usize, media_type: &str) -> Result<Self, Error> {
        if text.len() > bytes_max {
            return Err(Error::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Error::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(Error::Form)?;
        let (kid, algorithm) = read_header(&decode(header)?, media_type)?;
        // Before the signature is looked at: with `none` it is empty, with others of another length.
        if algorithm != ALGORITHM {
            return Err(Error::Algorithm);
        }
        let payload = decode(payload)?;
        let signature = decode(signature)?.try_into().map_err(|_| Error::Form)?;
        Ok(Self {
            signed,
            kid,
            algorithm,
            payload,
            signature,
        })
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
        if algorithm != self.algorithm || algorithm != ALGORITHM {
            return Err(Error::Algorithm);
        }
        match ed25519_verify(public, self.signed.as_bytes(), &self.signature) {
            true => Ok(self.payload),
            false => Err(Error::Signature),
        }
    }
}

/// Signs a payload: header `{"alg":"EdDSA","kid":…,"typ":…}`, canonical.
#[must_use]
pub fn sign(payload: &[u8], kid: &str, media_type: &str, key: &Ed25519Key) -> String {
    let mut header = Vec::new();
    for (lead, text) in [
        ("{\"alg\":", ALGORITHM),
        (",\"kid\":", kid),
        (",\"typ\":", media_type),
    ] {
        header.extend_from_slice(lead.as_bytes());
        json::write_string(&mut header, text);
    }
    header.push(b'}');
    let mut text = URL_SAFE_NO_PAD.encode(header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    let signature = key.sign(text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

/// Name of the key and algorithm.
fn read_header(bytes: &[u8], media_type: &str) -> Result<(String, String), Error> {
    let header = json::parse(bytes, HEADER_BYTES_MAX).map_err(|_| Error::Header)?;
    let Value::Object(mut members) = header else {
        return Err(Error::Header);
    };
    let mut take = |name| match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Error::Header),
    };
    let (algorithm, kid, found_type) = (take("alg")?, take("kid")?, take("typ")?);
    match members.is_empty() && found_type == media_type && !kid.is_empty() {
        true => Ok((kid, algorithm)),
        false => Err(Error::Header),
    }
}

/// RFC 7515, appendix C; what does not come back the same from encoding is refused.
fn decode(part: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Error::Form)
}

/// Payloads are about persons.
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
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

/// The one algorithm (RFC 8037, section 3.1).
pub const ALGORITHM: &str = "EdDSA";
const SIGNATURE_BYTES: usize = 64;
const HEADER_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
