//! A certificate together with its key.

use certs_keys::{Pin, SigningKey, SoftKey};
use certs_x509::Certificate;

use crate::{Error, SealedKeys};

/// A certificate together with its key.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: Certificate,
    pub(crate) key: SoftKey,
}

impl Identity {
    pub(crate) fn seal(&self, pin: &Pin, keys: &mut SealedKeys) -> Result<(), Error> {
        keys.insert(&self.certificate, self.key.to_encrypted_pem(pin)?);
        Ok(())
    }

    /// Opens the key that belongs to this certificate.
    pub(crate) fn open(pem: &str, keys: &SealedKeys, pin: &Pin) -> Result<Self, Error> {
        let certificate = Certificate::from_pem(pem)?;
        let Some(sealed) = keys.get(&certificate) else {
            return Err(Error::MissingKey {
                subject: certificate.subject().rfc2253(),
            });
        };
        let key = SoftKey::from_encrypted_pem(sealed, pin)?;
        match key.public_key() == certificate.public_key() {
            true => Ok(Self { certificate, key }),
            false => Err(Error::OtherKey {
                subject: certificate.subject().rfc2253(),
            }),
        }
    }
}
