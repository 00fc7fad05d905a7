//! Personal contents at rest: sealed, each row under a key of its own.
//!
//! ```text
//! salt, 16 octets | AES-256-GCM of the contents | tag
//! ```
//!
//! The key of a row is derived from salt, tree and key of the row: what was sealed in one place
//! does not open in another.

use std::fmt;

use certs_keys::{SecretKey, random_bytes};
use gateway_store::tree::Tree;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// Seals and opens.
pub(crate) struct Vault {
    key: SecretKey,
}

impl Vault {
    pub(crate) fn new(secret: &SecretKey) -> Self {
        Self {
            key: secret.derive(b"", b"karvan consent desk: contents"),
        }
    }

    /// What tells this vault's key from others.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        self.key.fingerprint(b"which key")
    }

    /// A name for contents that tells nothing of them without the key.
    pub(crate) fn name_of(&self, contents: &[u8]) -> [u8; 16] {
        self.key
            .fingerprint(&[b"name of contents\0".as_slice(), contents].concat())
    }

    pub(crate) fn seal(&self, tree: Tree, key: &[u8], plain: Vec<u8>) -> Result<Vec<u8>, Error> {
        let salt: [u8; SALT_BYTES] = random_bytes();
        let mut sealed = plain;
        self.row_key(salt, tree, key)
            .seal(NONCE, b"", &mut sealed)
            .map_err(Error::Seal)?;
        Ok([salt.as_slice(), &sealed].concat())
    }

    pub(crate) fn open(&self, tree: Tree, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, Error> {
        let unreadable = || Error::Row { tree: tree.name() };
        let (salt, sealed) = stored
            .split_first_chunk::<SALT_BYTES>()
            .ok_or_else(unreadable)?;
        let mut plain = sealed.to_vec();
        self.row_key(*salt, tree, key)
            .open(NONCE, b"", &mut plain)
            .map_err(|_| unreadable())?;
        Ok(plain)
    }

    /// Seals a value as JSON.
    pub(crate) fn put(
        &self,
        tree: Tree,
        key: &[u8],
        row: &impl Serialize,
    ) -> Result<Vec<u8>, Error> {
        let plain = serde_json::to_vec(row).map_err(|_| Error::Row { tree: tree.name() })?;
        self.seal(tree, key, plain)
    }

    /// Opens what [`Self::put`] sealed. What the reader says of it is not handed on: it may quote.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        tree: Tree,
        key: &[u8],
        stored: &[u8],
    ) -> Result<T, Error> {
        let plain = self.open(tree, key, stored)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Row { tree: tree.name() })
    }

    fn row_key(&self, salt: [u8; SALT_BYTES], tree: Tree, key: &[u8]) -> SecretKey {
        self.key
            .derive(&salt, &[tree.name().as_bytes(), b"\0", key].concat())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

const SALT_BYTES: usize = 16;
/// Each row key seals once.
const NONCE: [u8; 12] = [0; 12];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_key_and_in_its_place() {
        let vault = Vault::new(&SecretKey::from_bytes([1; 32]));
        let tree = Tree::new("a");
        let sealed = vault.seal(tree, b"1", b"0TEST01".to_vec()).unwrap();
        assert_eq!(vault.open(tree, b"1", &sealed).unwrap(), b"0TEST01");
        assert!(!sealed.windows(7).any(|window| window == b"0TEST01"));
        assert!(vault.open(tree, b"2", &sealed).is_err());
        assert!(vault.open(Tree::new("b"), b"1", &sealed).is_err());
        let other = Vault::new(&SecretKey::from_bytes([2; 32]));
        assert!(other.open(tree, b"1", &sealed).is_err());
        assert!(vault.open(tree, b"1", sealed.get(..8).unwrap()).is_err());
        assert_ne!(vault.fingerprint(), other.fingerprint());
    }

    #[test]
    fn the_same_contents_are_sealed_differently_each_time() {
        let vault = Vault::new(&SecretKey::from_bytes([1; 32]));
        let seal = || vault.seal(Tree::new("a"), b"1", b"x".to_vec()).unwrap();
        assert_ne!(seal(), seal());
    }
}
