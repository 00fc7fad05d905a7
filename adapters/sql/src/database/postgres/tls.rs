//! TLS to a PostgreSQL server: always verified, against the authorities that the operator names.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;

/// Makes TLS connections with one set of authorities.
#[derive(Clone)]
pub(super) struct Connector(ClientConfig);

impl Connector {
    pub(super) fn from_pem_file(path: &Path) -> Result<Self, Error> {
        let failed = |error: &dyn fmt::Display| Error::Tls {
            reason: error.to_string(),
        };
        let mut authorities = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
            let certificate = certificate.map_err(|error| failed(&error))?;
            authorities
                .add(certificate)
                .map_err(|error| failed(&error))?;
        }
        if authorities.is_empty() {
            return Err(Error::Tls {
                reason: "tls_ca_file holds no certificate".to_owned(),
            });
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Ok(Self(config))
    }

    pub(super) fn make(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new(self.0.clone())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
