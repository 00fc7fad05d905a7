//! The keys that sign the configuration. The registry is handed them, it never makes or stores
//! them.

use std::sync::Arc;

use certs_keys::SigningKey;
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use jiff::Timestamp;

use crate::Error;

/// The keys of both sources.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Signs what the nodes of this instance download.
    pub internal: Signer,
    /// Signs what partners download.
    pub external: Signer,
}

/// The active key of a source, with the certificates of those that were or will be active.
#[derive(Clone, Debug)]
pub struct Signer {
    key: Arc<dyn SigningKey>,
    certificate: Certificate,
    others: Vec<Certificate>,
}

/// The two sources of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// All parts, for the nodes of this instance.
    Internal,
    /// Shared parameters only, for partners.
    External,
}

impl Source {
    /// The last segment of its address.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Internal => "internalconf",
            Self::External => "externalconf",
        }
    }

    /// A self-signed certificate for a signing key of this source. Readers take nothing from it
    /// but the key and its hash, so it is valid for long; every call makes another one: keep it.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn self_signed(self, key: &dyn SigningKey) -> Result<Certificate, certs_x509::Error> {
        let name = match self {
            Self::Internal => "internalSigningKey",
            Self::External => "externalSigningKey",
        };
        Builder::ca(
            Name::from_attributes(&[(COMMON_NAME, name)])?,
            key.public_key(),
        )
        .validity(Timestamp::UNIX_EPOCH, Timestamp::constant(END_OF_2037, 0))
        .self_sign(key)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

impl Signer {
    /// A key with its certificate, usually self-signed.
    ///
    /// # Errors
    /// When the certificate is of another key.
    pub fn new(
        key: Arc<dyn SigningKey>,
        certificate: Certificate,
        source: Source,
    ) -> Result<Self, Error> {
        match key.public_key().spki_der() == certificate.public_key().spki_der() {
            true => Ok(Self {
                key,
                certificate,
                others: Vec::new(),
            }),
            false => Err(Error::WrongCertificate {
                source: source.name(),
            }),
        }
    }

    /// Adds the certificate of another key of this source. To rotate keys: add the new one, wait
    /// until every node has fetched it, make it the active one, drop the old one.
    #[must_use]
    pub fn with_other(mut self, certificate: Certificate) -> Self {
        if certificate != self.certificate && !self.others.contains(&certificate) {
            self.others.push(certificate);
        }
        self
    }

    pub(crate) fn key(&self) -> &dyn SigningKey {
        &*self.key
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// All certificates of the source, the active one first.
    pub fn certificates(&self) -> Vec<Certificate> {
        std::iter::once(&self.certificate)
            .chain(&self.others)
            .cloned()
            .collect()
    }
}

impl Keys {
    /// The key of a source.
    pub fn signer(&self, source: Source) -> &Signer {
        match source {
            Source::Internal => &self.internal,
            Source::External => &self.external,
        }
    }
}

const COMMON_NAME: &str = "2.5.4.3";
/// 2038-01-01, as registries set it.
const END_OF_2037: i64 = 2_145_916_800;
