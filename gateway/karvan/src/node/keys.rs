//! The node's token: keys from disk, and the certificates that go with them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs_keys::{Pin, SigningKey, SoftKey};
use certs_x509::{Certificate, ocsp};
use gateway_net::{Client, Identity, PeerClient, ServerTls};
use gateway_proto::id::MemberId;

use crate::config::{self, Loaded};

/// All keys of a node, opened.
#[derive(Debug)]
pub(crate) struct Token {
    pub(super) authentication: KeyPair,
    pub(super) signing: Vec<(MemberId, KeyPair)>,
    internal: Option<KeyPair>,
}

/// A key with its certificate.
#[derive(Clone, Debug)]
pub(crate) struct KeyPair {
    pub(super) key: Arc<dyn SigningKey>,
    pub(super) certificate: Certificate,
}

/// Where the authentication key is presented.
#[derive(Clone, Debug)]
pub(crate) struct Identities {
    pub(super) mutual: ServerTls,
    pub(super) peers: PeerClient,
    /// The registry gives the feed to those it knows.
    pub(super) feed: Client,
}

/// Why a key cannot be used.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    Key {
        path: PathBuf,
        source: certs_keys::Error,
    },
    Certificate {
        path: PathBuf,
        source: certs_x509::Error,
    },
    /// The certificate is for another key.
    Mismatch {
        path: PathBuf,
    },
}

impl Token {
    /// Opens every key with the PIN and checks that it fits its certificate.
    pub(crate) fn read(config: &Loaded<config::node::Node>, pin: &Pin) -> Result<Self, Error> {
        let token = &config.values.token;
        let pair = |key: &Path, certificate: &Path| read_pair(config, pin, key, certificate);
        let authentication = pair(&token.authentication.key, &token.authentication.certificate)?;
        let mut signing = Vec::with_capacity(token.signing.len());
        for entry in &token.signing {
            signing.push((entry.member.clone(), pair(&entry.key, &entry.certificate)?));
        }
        let internal = match &token.internal_tls {
            Some(entry) => Some(pair(&entry.key, &entry.certificate)?),
            None => None,
        };
        Ok(Self {
            authentication,
            signing,
            internal,
        })
    }

    /// What the node presents to other nodes.
    pub(super) fn identity(
        &self,
        intermediates: &[Certificate],
        staple: Option<ocsp::Response>,
    ) -> Identity {
        let KeyPair { key, certificate } = self.authentication.clone();
        let chain = std::iter::once(certificate)
            .chain(intermediates.iter().cloned())
            .collect();
        Identity {
            key,
            chain,
            ocsp_staple: staple,
        }
    }

    /// What the node presents to information systems.
    pub(super) fn internal_identity(&self) -> Option<Identity> {
        let KeyPair { key, certificate } = self.internal.clone()?;
        Some(super::identity(key, vec![certificate]))
    }
}

fn read_pair(
    config: &Loaded<config::node::Node>,
    pin: &Pin,
    key: &Path,
    certificate: &Path,
) -> Result<KeyPair, Error> {
    let pem = config.text(key).map_err(Error::Config)?;
    let soft = SoftKey::from_encrypted_pem(&pem, pin).map_err(|source| Error::Key {
        path: config.path(key),
        source,
    })?;
    let pem = config.text(certificate).map_err(Error::Config)?;
    let path = config.path(certificate);
    let certificate = Certificate::from_pem(&pem).map_err(|source| Error::Certificate {
        path: path.clone(),
        source,
    })?;
    if certificate.public_key().spki_der() != soft.public_key().spki_der() {
        return Err(Error::Mismatch { path });
    }
    Ok(KeyPair {
        key: Arc::new(soft),
        certificate,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Key { path, source } => {
                write!(f, "key {} cannot be opened: {source}", path.display())
            }
            Self::Certificate { path, source } => {
                write!(f, "certificate {} cannot be read: {source}", path.display())
            }
            Self::Mismatch { path } => {
                write!(f, "certificate {} is for another key", path.display())
            }
        }
    }
}

impl std::error::Error for Error {}
