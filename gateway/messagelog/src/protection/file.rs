//! The files of contents, sealed.
//!
//! ```text
//! file    := header chunk…                      at least one chunk
//! header  := "KARVANB1", length of the key id (1), key id padded with zeros (32), salt (32)
//! chunk   := at most 64 KiB under AES-256-GCM, tag at the end; all but the last are full
//! ```
//!
//! The key is derived as a record's. The nonce of a chunk holds its number and whether it is the
//! last; header and name of the file are bound in: chunks cannot be exchanged, left out or added,
//! nor can one file stand for another.

use certs_keys::{SecretKey, TAG_BYTES, random_bytes};

use super::{KEY_ID_BYTES_MAX, Protection, SALT_BYTES, is_key_id};
use crate::Error;

/// The seal of one file.
#[derive(Debug)]
pub(crate) struct FileSeal {
    key_id: String,
    key: SecretKey,
    header: [u8; HEADER_BYTES],
    /// Header and name of the file.
    associated: Vec<u8>,
}

/// Seals a content as it comes.
#[derive(Debug)]
pub(crate) struct Sealing {
    /// The chunk that is being filled.
    chunk: Vec<u8>,
    number: u64,
}

impl FileSeal {
    /// The seal of a new file of this name.
    pub(crate) fn new(protection: &Protection, name: &str) -> Self {
        let key_id = &protection.sealing().id;
        let salt = random_bytes::<SALT_BYTES>();
        let mut header = [0; HEADER_BYTES];
        let length = [u8::try_from(key_id.len()).unwrap_or(u8::MAX)];
        let padding = [0; KEY_ID_BYTES_MAX];
        let id = key_id.bytes().chain(padding).take(KEY_ID_BYTES_MAX);
        let octets = MAGIC.into_iter().chain(length).chain(id).chain(salt);
        header
            .iter_mut()
            .zip(octets)
            .for_each(|(to, from)| *to = from);
        Self::of(&protection.sealing().key, key_id, header, &salt, name)
    }

    /// The seal of a file that has this header.
    ///
    /// # Errors
    /// It is no header, or its key is not there.
    pub(crate) fn read(
        header: [u8; HEADER_BYTES],
        protection: Option<&Protection>,
        name: &str,
    ) -> Result<Self, Error> {
        let malformed = || Error::malformed("the header of a content");
        let rest = header.strip_prefix(&MAGIC).ok_or_else(malformed)?;
        let (&length, rest) = rest.split_first().ok_or_else(malformed)?;
        let (id, salt) = rest
            .split_at_checked(KEY_ID_BYTES_MAX)
            .ok_or_else(malformed)?;
        let id = id.get(..usize::from(length)).ok_or_else(malformed)?;
        let id = str::from_utf8(id)
            .ok()
            .filter(|id| is_key_id(id))
            .ok_or_else(malformed)?;
        let key = match protection {
            Some(protection) => &protection.named(id)?.key,
            None => {
                return Err(Error::KeyMissing {
                    key_id: id.to_owned(),
                });
            }
        };
        Ok(Self::of(key, id, header, salt, name))
    }

    fn of(
        key: &SecretKey,
        key_id: &str,
        header: [u8; HEADER_BYTES],
        salt: &[u8],
        name: &str,
    ) -> Self {
        Self {
            key_id: key_id.to_owned(),
            key: key.derive(salt, PURPOSE_FILE),
            associated: [&header, name.as_bytes()].concat(),
            header,
        }
    }

    /// What stands at the start of the file.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Takes plain bytes and gives every chunk that is full to `write`.
    pub(crate) fn seal(
        &self,
        sealing: &mut Sealing,
        mut bytes: &[u8],
        mut write: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while !bytes.is_empty() {
            // A full chunk waits until it is known not to be the last.
            if sealing.chunk.len() >= CHUNK_BYTES {
                self.give(sealing, false, &mut write)?;
            }
            if sealing.chunk.capacity() == 0 {
                sealing.chunk.reserve_exact(SEALED_CHUNK_BYTES);
            }
            let room = CHUNK_BYTES.saturating_sub(sealing.chunk.len());
            let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            sealing.chunk.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(())
    }

    /// Gives the last chunk to `write`.
    pub(crate) fn finish(
        &self,
        mut sealing: Sealing,
        mut write: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.give(&mut sealing, true, &mut write)
    }

    fn give(
        &self,
        sealing: &mut Sealing,
        is_last: bool,
        write: &mut impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.key
            .seal(
                nonce(sealing.number, is_last),
                &self.associated,
                &mut sealing.chunk,
            )
            .map_err(|error| Error::malformed(error.to_string()))?;
        write(&sealing.chunk)?;
        sealing.chunk.clear();
        sealing.number = sealing.number.saturating_add(1);
        Ok(())
    }

    /// Opens a chunk in place.
    ///
    /// # Errors
    /// It is not the chunk that was sealed for this place.
    pub(crate) fn open(
        &self,
        number: u64,
        is_last: bool,
        chunk: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.key
            .open(nonce(number, is_last), &self.associated, chunk)
            .map_err(|_| Error::NotOpened {
                key_id: self.key_id.clone(),
            })
    }
}

impl Sealing {
    /// Takes room for a chunk with the first bytes.
    pub(crate) fn new() -> Self {
        Self {
            chunk: Vec::new(),
            number: 0,
        }
    }
}

/// Where a chunk begins in the file.
pub(crate) fn chunk_offset(number: u64) -> u64 {
    number
        .saturating_mul(bytes(SEALED_CHUNK_BYTES))
        .saturating_add(bytes(HEADER_BYTES))
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn nonce(number: u64, is_last: bool) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [u8::from(is_last), 0, 0, 0, a, b, c, d, e, f, g, h]
}

/// Plain bytes of a full chunk.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
const MAGIC: [u8; 8] = *b"KARVANB1";
pub(crate) const HEADER_BYTES: usize = MAGIC.len() + 1 + KEY_ID_BYTES_MAX + SALT_BYTES;
const PURPOSE_FILE: &[u8] = b"karvan message log content 1";
