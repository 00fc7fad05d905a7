//! Keys with which programs sign in to the registry.
//!
//! A key is 32 random octets, shown once to whoever it is made for. Its SHA-256 is kept: nothing
//! slower is needed, since nobody can try 2^256 keys. Who can write the store can add a key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::{Digest, DigestAlgorithm, constant_time_eq, random_bytes};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;

/// A key as the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// What it may do.
    pub role: Role,
    /// Of the secret.
    pub sha256: SecretHash,
    /// When it was added.
    pub created: Timestamp,
}

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Change and read.
    Registrar,
    /// Read.
    Auditor,
}

/// A new key, on its way to whoever it is for. `Debug` hides it.
#[derive(Clone)]
pub struct Secret(String);

/// The SHA-256 of a secret, in hex. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash(String);

impl Role {
    /// It may give commands.
    #[must_use]
    pub fn may_change(self) -> bool {
        self == Self::Registrar
    }
}

impl Secret {
    /// A new one, from the generator of the cryptographic library.
    #[must_use]
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
    }

    /// The text to hand out; once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the registry keeps of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl SecretHash {
    fn of(secret: &str) -> Self {
        let digest = Digest::of(DigestAlgorithm::Sha256, secret.as_bytes());
        let octets = digest.as_bytes().iter();
        Self(octets.map(|octet| format!("{octet:02x}")).collect())
    }
}

impl State {
    /// Whose key this is, and what it may do; `None`: nobody's. All keys are looked at, and each
    /// for as long as any other.
    #[must_use]
    pub fn authenticate(&self, secret: &str) -> Option<(&str, Role)> {
        if secret.len() > SECRET_BYTES_MAX {
            return None;
        }
        let hash = SecretHash::of(secret);
        let mut found = None;
        for (name, key) in &self.api_keys {
            if constant_time_eq(key.sha256.0.as_bytes(), hash.0.as_bytes()) {
                found = Some((name.as_str(), key.role));
            }
        }
        found
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hash.0
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.len() == 64 && text.bytes().all(hex) {
            true => Ok(Self(text)),
            false => Err("this is no SHA-256 in 64 lower-case hex digits"),
        }
    }
}

/// Longer than any secret we make; nothing longer is hashed.
const SECRET_BYTES_MAX: usize = 128;
