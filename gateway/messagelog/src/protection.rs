//! Encryption at rest: records and the files of contents, sealed with the operator's keys.
//!
//! ```text
//! entry   := [ version, 1, [ key id, salt, commitment, ciphertext ]]
//! ```
//!
//! `salt` is 32 random octets; the key of the one entry is HKDF-SHA-256 of the named key with this
//! salt, so a nonce never repeats. `commitment` is the SHA-256 of the plain entry, which has random
//! octets of its own inside: whoever is shown stored and plain entry checks that they belong
//! together, without the key; whoever sees the stored entry only learns nothing of the plain one.
//! `ciphertext` is the whole plain entry under AES-256-GCM, bound to everything before it.
//!
//! Module `file` has the form of the files of contents, `known` what is remembered of the keys.
//!
//! Who holds the keys and can write the folder can make any record; the seal keeps others from
//! reading, and is no evidence of anything. Turning it on converts nothing: each entry says by
//! itself whether it is sealed and with which key.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, SecretKey, random_bytes};
use minicbor::{Decoder, Encoder};

use crate::Error;
use crate::record::{PROTECTION_NONE, PROTECTION_SEALED, VERSION, malformed};

pub(crate) mod file;
pub(crate) mod known;

/// The keys of a log: the first seals, all open. Cheap to clone.
#[derive(Clone)]
pub struct Protection {
    /// Never empty.
    keys: Arc<[NamedKey]>,
}

#[derive(Debug)]
struct NamedKey {
    id: String,
    key: SecretKey,
}

impl Protection {
    /// Takes keys by name: the first seals from now on, the others open what was sealed before.
    ///
    /// # Errors
    /// There is no key, two have the same name, or a name is not 1 to 32 printable ASCII
    /// characters.
    pub fn new(keys: impl IntoIterator<Item = (String, SecretKey)>) -> Result<Self, Error> {
        let mut named: Vec<NamedKey> = Vec::new();
        for (id, key) in keys {
            if !is_key_id(&id) {
                return Err(Error::Key {
                    reason: "the name of a key is 1 to 32 printable ASCII characters".to_owned(),
                });
            }
            if named.iter().any(|known| known.id == id) {
                return Err(Error::Key {
                    reason: format!("two keys are named {id}"),
                });
            }
            named.push(NamedKey { id, key });
        }
        if named.is_empty() {
            return Err(Error::Key {
                reason: "there is none to seal with".to_owned(),
            });
        }
        Ok(Self { keys: named.into() })
    }

    /// The names of the keys; the first seals.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &*key.id)
    }

    fn sealing(&self) -> &NamedKey {
        #[expect(clippy::expect_used, reason = "the constructor refuses none")]
        self.keys.first().expect("there is a first key")
    }

    fn named(&self, id: &str) -> Result<&NamedKey, Error> {
        let found = self.keys.iter().find(|key| key.id == id);
        found.ok_or_else(|| Error::KeyMissing {
            key_id: id.to_owned(),
        })
    }

    /// The stored form of a plain entry, which is encrypted where it is.
    pub(crate) fn seal(&self, plain: Vec<u8>) -> Result<Bytes, Error> {
        let NamedKey { id, key } = self.sealing();
        let salt = random_bytes::<SALT_BYTES>();
        let commitment = sha256(&plain);
        let associated = associated(id, &salt, &commitment);
        let mut ciphertext = plain;
        key.derive(&salt, PURPOSE_RECORD)
            .seal(NONCE, &associated, &mut ciphertext)
            .map_err(|error| Error::malformed(error.to_string()))?;
        let mut out = Vec::with_capacity(ciphertext.len().saturating_add(FRAME_BYTES));
        let mut encoder = Encoder::new(&mut out);
        let written = encoder
            .array(3)
            .and_then(|encoder| encoder.u8(VERSION))
            .and_then(|encoder| encoder.u8(PROTECTION_SEALED))
            .and_then(|encoder| encoder.array(4))
            .and_then(|encoder| encoder.str(id))
            .and_then(|encoder| encoder.bytes(&salt))
            .and_then(|encoder| encoder.bytes(&commitment))
            .and_then(|encoder| encoder.bytes(&ciphertext))
            .map(|_| ());
        #[expect(clippy::expect_used, reason = "writing to a vector does not fail")]
        written.expect("a vector takes every byte");
        Ok(out.into())
    }

    fn open(&self, sealed: &Sealed<'_>) -> Result<Bytes, Error> {
        let NamedKey { id, key } = self.named(sealed.key_id)?;
        let associated = associated(id, sealed.salt, sealed.commitment);
        let mut bytes = sealed.ciphertext.to_vec();
        key.derive(sealed.salt, PURPOSE_RECORD)
            .open(NONCE, &associated, &mut bytes)
            .map_err(|_| Error::NotOpened { key_id: id.clone() })?;
        if sha256(&bytes) != *sealed.commitment {
            return Err(Error::malformed(
                "the plain entry is not the one committed to",
            ));
        }
        Ok(bytes.into())
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.key_ids()).finish()
    }
}

/// A stored entry that is sealed.
#[derive(Debug)]
struct Sealed<'b> {
    key_id: &'b str,
    salt: &'b [u8; SALT_BYTES],
    commitment: &'b [u8; 32],
    ciphertext: &'b [u8],
}

/// The bytes that are stored for a plain entry.
pub(crate) fn stored(plain: Bytes, protection: Option<&Protection>) -> Result<Bytes, Error> {
    match protection {
        // Not copied: nobody else holds what was just encoded.
        Some(protection) => protection.seal(plain.into()),
        None => Ok(plain),
    }
}

/// The plain entry of stored bytes; not copied when it was not sealed.
pub(crate) fn plain(stored: &Bytes, protection: Option<&Protection>) -> Result<Bytes, Error> {
    match parse(stored)? {
        None => Ok(stored.clone()),
        Some(sealed) => match protection {
            Some(protection) => protection.open(&sealed),
            None => Err(Error::KeyMissing {
                key_id: sealed.key_id.to_owned(),
            }),
        },
    }
}

/// Whether these are the plain bytes of this stored entry: no key is needed to tell.
pub(crate) fn belongs(stored: &[u8], plain: &[u8]) -> bool {
    match parse(stored) {
        Ok(None) => stored == plain,
        Ok(Some(sealed)) => sha256(plain) == *sealed.commitment,
        Err(_) => false,
    }
}

/// Reads the frame; `None` when the entry is plain.
fn parse(stored: &[u8]) -> Result<Option<Sealed<'_>>, Error> {
    let mut decoder = Decoder::new(stored);
    if decoder.array().map_err(malformed)? != Some(3) {
        return Err(Error::malformed("no entry"));
    }
    let version = decoder.u8().map_err(malformed)?;
    let protection = decoder.u8().map_err(malformed)?;
    match (version, protection) {
        (VERSION, PROTECTION_NONE) => return Ok(None),
        (VERSION, PROTECTION_SEALED) => {}
        _ => {
            return Err(Error::NotUnderstood {
                version,
                protection,
            });
        }
    }
    if decoder.array().map_err(malformed)? != Some(4) {
        return Err(Error::malformed("no sealed body"));
    }
    let key_id = decoder.str().map_err(malformed)?;
    if !is_key_id(key_id) {
        return Err(Error::malformed("the name of a key"));
    }
    let salt = decoder.bytes().map_err(malformed)?;
    let commitment = decoder.bytes().map_err(malformed)?;
    let ciphertext = decoder.bytes().map_err(malformed)?;
    if decoder.position() != stored.len() {
        return Err(Error::malformed("bytes behind the entry"));
    }
    Ok(Some(Sealed {
        key_id,
        salt: salt
            .try_into()
            .map_err(|_| Error::malformed("the salt of an entry"))?,
        commitment: commitment
            .try_into()
            .map_err(|_| Error::malformed("the commitment of an entry"))?,
        ciphertext,
    }))
}

/// Everything the ciphertext is bound to; fields of fixed length but one, whose length stands
/// before it.
fn associated(key_id: &str, salt: &[u8; SALT_BYTES], commitment: &[u8; 32]) -> Vec<u8> {
    let length = u8::try_from(key_id.len()).unwrap_or(u8::MAX);
    [
        &[VERSION, PROTECTION_SEALED, length][..],
        key_id.as_bytes(),
        salt,
        commitment,
    ]
    .concat()
}

fn is_key_id(id: &str) -> bool {
    (1..=KEY_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = Digest::of(DigestAlgorithm::Sha256, bytes);
    let mut octets = [0; 32];
    octets
        .iter_mut()
        .zip(digest.as_bytes())
        .for_each(|(to, from)| *to = *from);
    octets
}

const KEY_ID_BYTES_MAX: usize = 32;
const SALT_BYTES: usize = 32;
/// The key is used once: the nonce need not vary.
const NONCE: [u8; 12] = [0; 12];
const PURPOSE_RECORD: &[u8] = b"karvan message log record 1";
/// About what stands around the ciphertext.
const FRAME_BYTES: usize = 128;

#[cfg(test)]
mod tests;
