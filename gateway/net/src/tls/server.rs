//! TLS of listeners.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use certs_x509::Certificate;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::{
        ServerSessionMemoryCache,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{Identity, VERSIONS, provider, verify};
use crate::Error;

/// Decides on the leaf during the handshake of port 5500 (registered or not).
pub type CertificateCheck = Arc<dyn Fn(&Certificate) -> bool + Send + Sync>;

/// TLS of a listener. The identity can be exchanged while running; clones share it.
#[derive(Clone)]
pub struct ServerTls {
    shared: Arc<Shared>,
}

struct Shared {
    clients: Arc<Clients>,
    /// Replaced as a whole, so that no session of an earlier identity is resumed.
    config: RwLock<Arc<ServerConfig>>,
}

impl ServerTls {
    /// TLS of the node port: a client certificate is required and its leaf accepted by `check`.
    ///
    /// PR-MESSTRANSP, the provider's side: only the registration of the leaf is asked here; path,
    /// validity and OCSP are judged with the message. `check` is asked again when a session is
    /// resumed, and the whole chain of the first handshake is there then.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn mutual(identity: Identity, check: CertificateCheck) -> Result<Self, Error> {
        Self::new(&identity, Clients { check: Some(check) })
    }

    /// TLS of the information systems' port: a client certificate is asked for and any accepted
    /// whose key the client proves to hold; it is compared with the registered ones later.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn optional_client(identity: Identity) -> Result<Self, Error> {
        Self::new(&identity, Clients { check: None })
    }

    /// Presents this identity in all later handshakes; open connections stay.
    ///
    /// # Errors
    /// When the identity cannot be used; the earlier one stays then.
    pub fn replace_identity(&self, identity: Identity) -> Result<(), Error> {
        let config = config(&identity, &self.shared.clients)?;
        *self
            .shared
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn new(identity: &Identity, clients: Clients) -> Result<Self, Error> {
        let clients = Arc::new(clients);
        let config = RwLock::new(config(identity, &clients)?);
        Ok(Self {
            shared: Arc::new(Shared { clients, config }),
        })
    }

    /// The settings of the next handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(
            &self
                .shared
                .config
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("client_required", &self.shared.clients.check.is_some())
            .finish_non_exhaustive()
    }
}

/// Whether a chain presented, perhaps in an earlier handshake that is resumed, is accepted now.
pub(crate) fn accepts(tls: &ServerTls, chain: &[Certificate]) -> bool {
    match (&tls.shared.clients.check, chain.first()) {
        (Some(check), Some(leaf)) => check(leaf),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// What is asked of clients.
struct Clients {
    /// `None`: a certificate is optional.
    check: Option<CertificateCheck>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("required", &self.check.is_some())
            .finish()
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.check.is_some()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        let leaf = verify::certificate(end_entity)?;
        for der in intermediates {
            verify::certificate(der)?;
        }
        match &self.check {
            Some(check) if !check(&leaf) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ClientCertVerified::assertion()),
        }
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

fn config(identity: &Identity, clients: &Arc<Clients>) -> Result<Arc<ServerConfig>, Error> {
    let certified = identity.certified()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .map_err(|source| Error::TlsSetup { source })?
        .with_client_cert_verifier(Arc::<Clients>::clone(clients))
        .with_cert_resolver(certified);
    // Kept here rather than in tickets: sessions hold the client's chain, end with the identity,
    // and no ticket key can open recorded traffic later.
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    // RFC 7627: a resumed TLS 1.2 session is bound to the client proven in its first handshake.
    config.require_ems = clients.check.is_some();
    Ok(Arc::new(config))
}

/// Sessions remembered for resumption; each holds a chain, so a few KiB.
const SESSIONS_MAX: usize = 1_024;
