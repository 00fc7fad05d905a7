//! TLS towards servers.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use certs_keys::{Digest, DigestAlgorithm};
use lru::LruCache;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{Identity, VERSIONS, provider, verify};
use crate::Error;

/// Settings of outgoing TLS, with the staples seen in handshakes made with them.
#[derive(Clone, Debug)]
pub(crate) struct ClientTls {
    pub(crate) config: Arc<ClientConfig>,
    servers: Arc<Servers>,
}

impl ClientTls {
    /// Any server is accepted that holds the key of the certificate it shows: the caller judges
    /// the certificates before anything is sent.
    pub(crate) fn new(identity: Option<&Identity>) -> Result<Self, Error> {
        let servers = Arc::new(Servers {
            staples: Mutex::new(LruCache::new(STAPLES_MAX)),
        });
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|source| Error::TlsSetup { source })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Servers>::clone(&servers));
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(identity.certified()?),
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(Self {
            config: Arc::new(config),
            servers,
        })
    }

    /// The OCSP response last stapled by a server that showed this leaf, as it came.
    pub(crate) fn staple(&self, leaf_der: &[u8]) -> Option<Vec<u8>> {
        let mut staples = self
            .servers
            .staples
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        staples.get(&hash(leaf_der)).cloned()
    }
}

/// Accepts the chain of any server and keeps what it stapled.
#[derive(Debug)]
struct Servers {
    /// OCSP responses by the SHA-256 of the leaf. Not trusted: anybody can show a certificate.
    staples: Mutex<LruCache<Vec<u8>, Vec<u8>>>,
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        verify::certificate(end_entity)?;
        for der in intermediates {
            verify::certificate(der)?;
        }
        if !ocsp_response.is_empty() && ocsp_response.len() <= STAPLE_BYTES_MAX {
            let mut staples = self.staples.lock().unwrap_or_else(PoisonError::into_inner);
            staples.put(hash(end_entity), ocsp_response.to_vec());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify::tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify::tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        verify::SCHEMES.to_vec()
    }
}

fn hash(der: &[u8]) -> Vec<u8> {
    Digest::of(DigestAlgorithm::Sha256, der).as_bytes().to_vec()
}

const STAPLE_BYTES_MAX: usize = 64 * 1024;
const STAPLES_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);
/// Servers whose sessions are remembered for resumption.
const SESSIONS_MAX: usize = 256;
