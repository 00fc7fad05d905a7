//! OpenPGP: archives and downloads are signed by the server and encrypted for those who may read them.
//!
//! One message (RFC 9580, 10.3), made so that every implementation of RFC 4880 reads it: one-pass
//! signed with SHA-256, not compressed, encrypted with AES-256 under version 1 of the integrity
//! protected packet. Everything is streamed; no length is held in memory.
//!
//! Keys are judged here, the library below only computes: a key is used when its owner bound it for
//! that use, and it is neither expired nor revoked at that moment. Whom to trust is not judged: the
//! operator names the files. Who can change a recipient's file reads what is archived from then on;
//! who has the server's secret key can sign archives, but reads none.
//!
//! * `key`: [`PublicKey`] and [`SecretKey`], from armored text
//! * `validity`: which part of a key may do what, and when
//! * `generate`: [`generate`], a new pair

mod error;
mod generate;
mod key;
mod validity;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use pgp::composed::{
    DecryptionOptions, Message, MessageBuilder, RingResult, SubpacketConfig, TheRing,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::{Subpacket, SubpacketData};
use pgp::types::{Seipdv1ReadMode, SigningKey};
use rand::rngs::OsRng;

use key::EncryptionPart;

pub use error::Error;
pub use generate::{Pair, generate};
pub use key::{Passphrase, PublicKey, SecretKey};

/// What a decrypted message says about its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How many octets came out.
    pub bytes: u64,
    /// The fingerprint of the key that signed, of the whole key, in hexadecimal.
    pub signed_by: String,
    /// When, by the signer's word.
    pub signed_at: Timestamp,
}

/// Signs and encrypts all of `source`; says how many octets went in.
///
/// It blocks. When it fails, what was written is worth nothing.
///
/// # Errors
/// A recipient's key, or the signer's, may not be used now; reading or writing failed.
pub fn encrypt<R: Read, W: Write>(
    source: R,
    mut out: W,
    recipients: &[PublicKey],
    signer: &SecretKey,
    now: Timestamp,
) -> Result<u64, Error> {
    if recipients.is_empty() {
        return Err(Error::NoRecipient);
    }
    let mut source = Counted::new(source);
    let mut builder =
        MessageBuilder::from_reader("", &mut source).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    for recipient in recipients {
        match recipient.encryption_key(now)? {
            EncryptionPart::Primary(key) => builder.encrypt_to_key(OsRng, key)?,
            EncryptionPart::Subkey(key) => builder.encrypt_to_key(OsRng, key)?,
        };
    }
    let key = signer.signing_key(now)?;
    let subpackets = subpackets(key, now)?;
    let password = signer.password();
    builder.sign_with_subpackets(key, password, HashAlgorithm::Sha256, subpackets);
    builder.to_writer(OsRng, &mut out)?;
    out.flush().map_err(Error::Io)?;
    Ok(source.bytes)
}

/// Decrypts a message that was signed by one of `signers`, armored or not.
///
/// It blocks. The output is released while it is read: **it must not be used before this returns
/// `Ok`**, which is when integrity and signature are known.
///
/// # Errors
/// It is no such message, is for somebody else, was changed, or is not signed by any of `signers`.
pub fn decrypt<R, W>(
    source: R,
    mut out: W,
    key: &SecretKey,
    signers: &[PublicKey],
) -> Result<Opened, Error>
where
    R: BufRead + fmt::Debug + Send,
    W: Write,
{
    let (message, _armor) = Message::from_reader(source)?;
    if !message.is_encrypted() {
        return Err(Error::NotEncrypted);
    }
    let password = key.password();
    let ring = TheRing {
        secret_keys: vec![key.key()],
        key_passwords: vec![&password],
        decrypt_options: DecryptionOptions::new().set_seipdv1_read_mode(Seipdv1ReadMode::Streaming),
        ..TheRing::default()
    };
    let (mut message, _): (_, RingResult) =
        message
            .decrypt_the_ring(ring, true)
            .map_err(|source| match source {
                pgp::errors::Error::MissingKey => Error::NotForUs,
                source => Error::OpenPgp(source),
            })?;
    if message.is_compressed() {
        return Err(Error::Compressed);
    }
    if !message.is_signed() {
        return Err(Error::NotSigned);
    }
    let bytes = std::io::copy(&mut message, &mut out).map_err(Error::Io)?;
    out.flush().map_err(Error::Io)?;
    signers
        .iter()
        .find_map(|signer| signer.verified(&message, bytes))
        .ok_or(Error::Signer)
}

/// Decrypts a file into another, which is there only when everything held, and which its owner alone
/// can read. What is at `target` already is replaced.
///
/// # Errors
/// As [`decrypt`]; then there is nothing new at `target`.
pub fn decrypt_file(
    source: &Path,
    target: &Path,
    key: &SecretKey,
    signers: &[PublicKey],
) -> Result<Opened, Error> {
    let source = BufReader::new(File::open(source).map_err(Error::Io)?);
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) | None => Path::new("."),
    };
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = dir.join(name);
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(Error::Io)
        .and_then(|file| {
            let opened = decrypt(source, BufWriter::new(&file), key, signers)?;
            file.sync_all().map_err(Error::Io)?;
            std::fs::rename(&temporary, target).map_err(Error::Io)?;
            Ok(opened)
        });
    if opened.is_err() {
        // Nobody may take it for what it is not; the first error is the one to tell.
        let _removed = std::fs::remove_file(&temporary);
    }
    opened
}

/// What a signature says of itself (RFC 9580, 5.2.3): who made it and when. The key id, for
/// implementations that know no fingerprints there, is not covered by it.
fn subpackets(key: &dyn SigningKey, now: Timestamp) -> Result<SubpacketConfig, Error> {
    let created = SubpacketData::SignatureCreationTime(key::seconds(now)?);
    Ok(SubpacketConfig::UserDefined {
        hashed: vec![
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
            Subpacket::regular(created)?,
        ],
        unhashed: vec![Subpacket::regular(SubpacketData::IssuerKeyId(
            key.legacy_key_id(),
        ))?],
    })
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R> Counted<R> {
    fn new(inner: R) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let more = u64::try_from(read).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(more);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
