//! Keys from armored text.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use pgp::composed::{ArmorOptions, Deserializable, Message, SignedPublicKey, SignedSecretKey};
use pgp::packet::{PublicSubkey, Signature};
use pgp::types::{KeyDetails, KeyVersion, Password, SigningKey, VerifyingKey};

use super::validity::{Use, Validity};
use super::{Error, Opened};

/// What opens a secret key. Erased from memory when it goes out of use.
pub struct Passphrase(Password);

/// Somebody's public key: for whom something is encrypted, or who signed.
#[derive(Clone)]
pub struct PublicKey(Arc<SignedPublicKey>);

/// A secret key, opened. Cheap to clone.
#[derive(Clone)]
pub struct SecretKey(Arc<Secret>);

struct Secret {
    key: SignedSecretKey,
    public: SignedPublicKey,
    passphrase: Password,
}

/// The part of a key that others encrypt to.
pub(super) enum EncryptionPart<'a> {
    Primary(&'a pgp::packet::PublicKey),
    Subkey(&'a PublicSubkey),
}

impl Passphrase {
    /// Takes over its text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Password::Static(text.into_bytes().into()))
    }
}

impl PublicKey {
    /// Reads one armored (or binary) public key.
    ///
    /// # Errors
    /// It is none, there are several, or it is of a version that not everybody reads.
    pub fn read(text: &[u8]) -> Result<Self, Error> {
        let key = one(
            SignedPublicKey::from_reader_many(text),
            Error::NotAPublicKey,
        )?;
        check_version(&key)?;
        Ok(Self(Arc::new(key)))
    }

    /// The fingerprint of the whole key, in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&*self.0)
    }

    /// Whether some part of it may encrypt now.
    ///
    /// # Errors
    /// None may.
    pub fn check_encrypts(&self, now: Timestamp) -> Result<(), Error> {
        self.encryption_key(now).map(drop)
    }

    /// The key as armored text.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn to_armored(&self) -> Result<String, Error> {
        Ok(self.0.to_armored_string(ArmorOptions::default())?)
    }

    pub(super) fn of(key: SignedPublicKey) -> Self {
        Self(Arc::new(key))
    }

    /// The newest part that may encrypt now.
    pub(super) fn encryption_key(&self, now: Timestamp) -> Result<EncryptionPart<'_>, Error> {
        let key = &*self.0;
        let validity = Validity::new(key);
        let subkey = newest(
            key.public_subkeys
                .iter()
                .filter(|subkey| validity.subkey(subkey, Use::Encrypt, now)),
        );
        match subkey {
            Some(subkey) => Ok(EncryptionPart::Subkey(&subkey.key)),
            None if validity.primary(Use::Encrypt, now) => {
                Ok(EncryptionPart::Primary(&key.primary_key))
            }
            None => Err(Error::CannotEncrypt {
                fingerprint: self.fingerprint(),
            }),
        }
    }

    /// What a message that was read to its end says, if this key signed it with a part that could
    /// sign at that time.
    pub(super) fn verified(&self, message: &Message<'_>, bytes: u64) -> Option<Opened> {
        let key = &*self.0;
        let validity = Validity::new(key);
        let opened = |signature: &Signature| {
            Some(Opened {
                bytes,
                signed_by: self.fingerprint(),
                signed_at: created(signature)?,
            })
        };
        let check = |part: &dyn VerifyingKey| message.verify(part).ok().and_then(opened);
        let by_subkey = key.public_subkeys.iter().find_map(|subkey| {
            check(&subkey.key).filter(|opened| validity.subkey(subkey, Use::Sign, opened.signed_at))
        });
        by_subkey.or_else(|| {
            check(&key.primary_key).filter(|opened| validity.primary(Use::Sign, opened.signed_at))
        })
    }
}

impl SecretKey {
    /// Reads one armored (or binary) secret key and tries the passphrase on it.
    ///
    /// # Errors
    /// It is none, there are several, it is of a version that not everybody reads, or the
    /// passphrase does not open it.
    pub fn read(text: &[u8], passphrase: Option<Passphrase>) -> Result<Self, Error> {
        let key = one(
            SignedSecretKey::from_reader_many(text),
            Error::NotASecretKey,
        )?;
        let public = key.to_public_key();
        check_version(&public)?;
        let passphrase = passphrase.map_or_else(Password::empty, |passphrase| passphrase.0);
        let secret = Self(Arc::new(Secret {
            key,
            public,
            passphrase,
        }));
        secret.try_passphrase()?;
        Ok(secret)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(Arc::new(self.0.public.clone()))
    }

    /// The fingerprint of the whole key, in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.0.public)
    }

    /// Whether some part of it may sign now.
    ///
    /// # Errors
    /// None may.
    pub fn check_signs(&self, now: Timestamp) -> Result<(), Error> {
        self.signing_key(now).map(drop)
    }

    /// The newest part that may sign now.
    pub(super) fn signing_key(&self, now: Timestamp) -> Result<&dyn SigningKey, Error> {
        let Secret { key, public, .. } = &*self.0;
        let validity = Validity::new(public);
        let subkey = newest(
            public
                .public_subkeys
                .iter()
                .filter(|subkey| validity.subkey(subkey, Use::Sign, now)),
        );
        let secret = subkey.and_then(|subkey| {
            let wanted = subkey.fingerprint();
            key.secret_subkeys
                .iter()
                .find(|secret| secret.key.fingerprint() == wanted)
        });
        match secret {
            Some(secret) => Ok(&secret.key),
            None if validity.primary(Use::Sign, now) => Ok(&key.primary_key),
            None => Err(Error::CannotSign {
                fingerprint: self.fingerprint(),
            }),
        }
    }

    pub(super) fn key(&self) -> &SignedSecretKey {
        &self.0.key
    }

    /// A copy for the library, which takes it over.
    pub(super) fn password(&self) -> Password {
        let text = self.0.passphrase.read();
        Password::from(text.as_slice())
    }

    /// Opens every part; those that are not here (a primary key kept offline) cannot be tried.
    fn try_passphrase(&self) -> Result<(), Error> {
        let Secret {
            key, passphrase, ..
        } = &*self.0;
        let subkeys = key
            .secret_subkeys
            .iter()
            .map(|subkey| subkey.key.unlock(passphrase, |_, _| Ok(())));
        let opened = std::iter::once(key.primary_key.unlock(passphrase, |_, _| Ok(())))
            .chain(subkeys)
            .any(|unlocked| matches!(unlocked, Ok(Ok(()))));
        match opened {
            true => Ok(()),
            false => Err(Error::Passphrase {
                fingerprint: self.fingerprint(),
            }),
        }
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey")
            .field(&self.fingerprint())
            .finish()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretKey")
            .field(&self.fingerprint())
            .finish()
    }
}

/// A moment as OpenPGP says it.
pub(super) fn seconds(time: Timestamp) -> Result<pgp::types::Timestamp, Error> {
    let seconds = u32::try_from(time.as_second()).map_err(|_| Error::Time)?;
    Ok(pgp::types::Timestamp::from_secs(seconds))
}

/// When a signature says it was made.
pub(super) fn created(signature: &Signature) -> Option<Timestamp> {
    let seconds = signature.created()?.as_secs();
    Timestamp::from_second(i64::from(seconds)).ok()
}

/// The one key of a file.
fn one<'a, K, I, H>(
    keys: pgp::errors::Result<(I, H)>,
    wrong: fn(pgp::errors::Error) -> Error,
) -> Result<K, Error>
where
    I: Iterator<Item = pgp::errors::Result<K>> + 'a,
{
    let (mut keys, _armor) = keys.map_err(wrong)?;
    let key = match keys.next() {
        Some(key) => key.map_err(wrong)?,
        None => return Err(wrong(pgp::errors::Error::MissingKey)),
    };
    match keys.next() {
        None => Ok(key),
        Some(_) => Err(Error::ManyKeys),
    }
}

/// Version 6 keys need messages that implementations of RFC 4880 cannot read.
fn check_version(key: &SignedPublicKey) -> Result<(), Error> {
    let parts = key.public_subkeys.iter().map(KeyDetails::version);
    match std::iter::once(key.version())
        .chain(parts)
        .all(|version| version == KeyVersion::V4)
    {
        true => Ok(()),
        false => Err(Error::KeyVersion {
            fingerprint: fingerprint(key),
        }),
    }
}

fn newest<'a, K: KeyDetails>(keys: impl Iterator<Item = &'a K>) -> Option<&'a K> {
    keys.max_by_key(|key| key.created_at())
}

fn fingerprint(key: &impl KeyDetails) -> String {
    hex::encode_upper(key.fingerprint().as_bytes())
}
