//! TLS 1.3 and 1.2, with authenticated encryption only, over the keys of `certs-keys`.
//!
//! Chains are not judged here: a handshake proves who holds a key, the exchange decides what that
//! is worth. Host names are never compared, as PR-MESSTRANSP has it, except with services outside the
//! network that are known by an authority ([`Authorities`]).

use std::sync::Arc;

use certs_keys::SigningKey;
use certs_x509::{Certificate, ocsp};
use rustls::{
    SupportedProtocolVersion,
    crypto::CryptoProvider,
    pki_types::CertificateDer,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use crate::Error;

mod authorities;
pub(crate) mod client;
mod server;
mod signer;
mod verify;

pub use self::authorities::Authorities;
pub(crate) use self::server::accepts;
pub use self::server::{CertificateCheck, ServerTls};

/// A key with its chain, to present in TLS.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The private key.
    pub key: Arc<dyn SigningKey>,
    /// The certificates to present, leaf first, without the top authority.
    pub chain: Vec<Certificate>,
    /// The OCSP response of the leaf, stapled where the other side asks for it.
    pub ocsp_staple: Option<ocsp::Response>,
}

impl Identity {
    /// The identity as the TLS library takes it, once its leaf is seen to be for its key.
    fn certified(&self) -> Result<Arc<SingleCertAndKey>, Error> {
        let leaf = self
            .chain
            .first()
            .ok_or(Error::IdentityWithoutCertificate)?;
        if leaf.public_key().spki_der() != self.key.public_key().spki_der() {
            return Err(Error::IdentityKeyMismatch);
        }
        let chain = self
            .chain
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der().to_vec()))
            .collect();
        let key = signer::TlsKey::new(Arc::clone(&self.key));
        let mut certified = CertifiedKey::new(chain, Arc::new(key));
        certified.ocsp = self
            .ocsp_staple
            .as_ref()
            .map(|response| response.der().to_vec());
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}

/// The certificates presented in a handshake (or the one it resumes), leaf first.
pub(crate) fn presented(
    certificates: Option<&[CertificateDer<'_>]>,
) -> Result<Arc<[Certificate]>, Error> {
    certificates
        .unwrap_or_default()
        .iter()
        .map(|der| Certificate::from_der(der).map_err(|source| Error::Certificate { source }))
        .collect()
}

/// The algorithms of both roles: ring's, which are all authenticated encryption.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The newest first.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
