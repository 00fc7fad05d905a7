//! Servers known by who vouches for them, under their name.

use std::{fmt, sync::Arc};

use certs_x509::Certificate;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::provider;
use crate::{Error, client::dial};

/// Certificate authorities whose servers are believed, each under the name in its certificate
/// (RFC 9110, 4.3.4). Cheap to clone.
#[derive(Clone)]
pub struct Authorities {
    verifier: Arc<WebPkiServerVerifier>,
    count: usize,
}

impl Authorities {
    /// Believes servers below these.
    ///
    /// # Errors
    /// There is none, or one cannot be used as an authority.
    pub fn new(certificates: &[Certificate]) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots
                .add(CertificateDer::from(certificate.der().to_vec()))
                .map_err(|source| Error::TlsSetup { source })?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|source| Error::TlsSetup {
                source: rustls::Error::General(source.to_string()),
            })?;
        Ok(Self {
            verifier,
            count: certificates.len(),
        })
    }

    /// Whether the chain leads to one of them, is valid now and its leaf is for this host.
    pub(crate) fn vouch_for(&self, presented: &[Certificate], host: &str) -> bool {
        let mut chain = presented
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der()));
        let (Some(leaf), Ok(name)) = (chain.next(), ServerName::try_from(dial::bare(host))) else {
            return false;
        };
        let intermediates: Vec<_> = chain.collect();
        self.verifier
            .verify_server_cert(&leaf, &intermediates, &name, &[], UnixTime::now())
            .is_ok()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorities")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
