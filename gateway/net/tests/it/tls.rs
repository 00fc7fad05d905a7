//! TLS of listeners and towards servers, against the TLS library's own signing and verifying.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use certs_keys::KeyKind;
use gateway_net::{
    Authorities, Class, Client, ClientOptions, Error, Identity, Limits, Sent, ServerTls,
    ServerTrust, full,
};
use http::Response;
use rustls::{
    ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{
    pki::Authority,
    support::{Running, get, serve, soon, talk, text},
};

/// Answers with the hash of the leaf and the length of the chain presented.
async fn showing(tls: ServerTls) -> Running {
    serve(Some(tls), Limits::default(), |_request, peer| {
        Box::pin(async move {
            let leaf = peer
                .certificates
                .first()
                .map(|leaf| leaf.sha256().as_bytes().to_vec());
            Response::new(full(format!("{leaf:?} {}", peer.certificates.len())))
        })
    })
    .await
}

fn shown(identity: &Identity) -> String {
    let leaf = identity.chain[0].sha256().as_bytes().to_vec();
    format!("{:?} {}", Some(leaf), identity.chain.len())
}

fn anybody() -> gateway_net::CertificateCheck {
    Arc::new(|_leaf| true)
}

/// Verifies with the library's own code, and keeps what was stapled.
#[derive(Debug)]
struct Foreign {
    provider: Arc<CryptoProvider>,
    staple: Mutex<Vec<u8>>,
}

impl ServerCertVerifier for Foreign {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.staple.lock().unwrap() = ocsp_response.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A client of the TLS library's own making, with its own signing.
struct ForeignClient {
    config: Arc<ClientConfig>,
    verifier: Arc<Foreign>,
}

impl ForeignClient {
    fn new(
        version: &'static SupportedProtocolVersion,
        identity: Option<(&Identity, &[u8])>,
    ) -> Self {
        let provider = Arc::new(ring::default_provider());
        let staple = Mutex::default();
        let verifier = Arc::new(Foreign {
            provider: Arc::clone(&provider),
            staple,
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Foreign>::clone(&verifier));
        let config = match identity {
            Some((identity, pkcs8)) => {
                builder.with_client_cert_resolver(Arc::new(certified(identity, pkcs8)))
            }
            None => builder.with_no_client_auth(),
        };
        Self {
            config: Arc::new(config),
            verifier,
        }
    }

    /// One request on a connection of its own, and what kind of handshake there was.
    async fn ask(&self, running: &Running) -> io::Result<(String, HandshakeKind)> {
        let work = async {
            let tcp = TcpStream::connect(running.address).await?;
            let name = ServerName::from(running.address.ip());
            let connector = TlsConnector::from(Arc::clone(&self.config));
            let mut stream = connector.connect(name, tcp).await?;
            let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            stream.write_all(request).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            let kind = stream.get_ref().1.handshake_kind().unwrap();
            Ok((answer, kind))
        };
        soon(work).await
    }
}

/// A chain with a key, whether or not it is for it.
fn certified(identity: &Identity, pkcs8: &[u8]) -> SingleCertAndKey {
    let chain = identity
        .chain
        .iter()
        .map(|one| CertificateDer::from(one.der().to_vec()))
        .collect();
    let key = PrivatePkcs8KeyDer::from(pkcs8.to_vec()).into();
    let key = ring::default_provider()
        .key_provider
        .load_private_key(key)
        .unwrap();
    SingleCertAndKey::from(CertifiedKey::new(chain, key))
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

#[tokio::test]
async fn shakes_hands_with_another_implementation_by_every_key_and_version() {
    let authority = Authority::new();
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
        let (server, _) = authority.identity_of("server", kind);
        let running = showing(ServerTls::mutual(server, anybody()).unwrap()).await;
        let (client, pkcs8) = authority.identity_of("client", kind);
        for version in VERSIONS {
            let foreign = ForeignClient::new(version, Some((&client, &pkcs8)));
            let (answer, _) = foreign.ask(&running).await.unwrap();
            assert!(
                answer.ends_with(&shown(&client)),
                "{kind:?} {version:?}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn refuses_a_client_without_a_certificate_on_the_node_port() {
    let server = Authority::new().identity("server");
    let running = showing(ServerTls::mutual(server, anybody()).unwrap()).await;
    for version in VERSIONS {
        assert!(
            ForeignClient::new(version, None)
                .ask(&running)
                .await
                .is_err(),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn refuses_a_client_whose_certificate_is_not_registered() {
    let authority = Authority::new();
    let (registered, pkcs8) = authority.identity_of("registered", KeyKind::P256);
    let (stranger, stranger_pkcs8) = authority.identity_of("stranger", KeyKind::P256);
    let known = registered.chain[0].clone();
    let check: gateway_net::CertificateCheck = Arc::new(move |leaf| *leaf == known);
    let running = showing(ServerTls::mutual(authority.identity("server"), check).unwrap()).await;
    for version in VERSIONS {
        let refused = ForeignClient::new(version, Some((&stranger, &stranger_pkcs8)));
        assert!(refused.ask(&running).await.is_err(), "{version:?}");
        let accepted = ForeignClient::new(version, Some((&registered, &pkcs8)));
        assert!(accepted.ask(&running).await.is_ok(), "{version:?}");
    }
}

#[tokio::test]
async fn refuses_a_client_that_does_not_hold_the_key_of_its_certificate() {
    let authority = Authority::new();
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let (client, _) = authority.identity_of("client", kind);
        let (_, other_pkcs8) = authority.identity_of("other", kind);
        for tls in [
            ServerTls::mutual(authority.identity("server"), anybody()).unwrap(),
            ServerTls::optional_client(authority.identity("server")).unwrap(),
        ] {
            let running = showing(tls).await;
            for version in VERSIONS {
                let thief = ForeignClient::new(version, Some((&client, &other_pkcs8)));
                assert!(thief.ask(&running).await.is_err(), "{kind:?} {version:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_optional_for_information_systems() {
    let authority = Authority::new();
    let tls = ServerTls::optional_client(authority.identity("server")).unwrap();
    let running = showing(tls).await;
    let (client, pkcs8) = authority.identity_of("client", KeyKind::P256);
    for version in VERSIONS {
        let (answer, _) = ForeignClient::new(version, None)
            .ask(&running)
            .await
            .unwrap();
        assert!(answer.ends_with("None 0"), "{answer}");
        let with = ForeignClient::new(version, Some((&client, &pkcs8)));
        let (answer, _) = with.ask(&running).await.unwrap();
        assert!(answer.ends_with(&shown(&client)), "{answer}");
    }
}

#[tokio::test]
async fn a_resumed_session_keeps_the_whole_chain() {
    let authority = Authority::new();
    let below = authority.below();
    let (mut client, pkcs8) = below.identity_of("client", KeyKind::P256);
    client.chain.push(below.certificate.clone());
    let running =
        showing(ServerTls::mutual(authority.identity("server"), anybody()).unwrap()).await;
    for version in VERSIONS {
        let foreign = ForeignClient::new(version, Some((&client, &pkcs8)));
        let (first, first_kind) = foreign.ask(&running).await.unwrap();
        let (second, second_kind) = foreign.ask(&running).await.unwrap();
        assert_ne!(first_kind, HandshakeKind::Resumed);
        assert_eq!(second_kind, HandshakeKind::Resumed, "{version:?}");
        for answer in [first, second] {
            assert!(answer.ends_with(&shown(&client)), "{version:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_session_is_not_resumed_once_the_registration_has_ended() {
    let authority = Authority::new();
    let (client, pkcs8) = authority.identity_of("client", KeyKind::P256);
    for version in VERSIONS {
        let registered = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&registered);
        let check: gateway_net::CertificateCheck =
            Arc::new(move |_leaf| asked.load(Ordering::Relaxed));
        let running =
            showing(ServerTls::mutual(authority.identity("server"), check).unwrap()).await;
        let foreign = ForeignClient::new(version, Some((&client, &pkcs8)));
        foreign.ask(&running).await.unwrap();
        registered.store(false, Ordering::Relaxed);
        let answer = foreign.ask(&running).await;
        assert!(
            answer
                .as_ref()
                .map_or(true, |(answer, _)| answer.is_empty()),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn presents_a_replaced_identity_and_its_staple() {
    let authority = Authority::new();
    let first = authority.identity("first");
    let mut second = authority.identity("second");
    let staple = authority.ocsp(&second.chain[0], 1_000);
    second.ocsp_staple = Some(staple.clone());
    let tls = ServerTls::optional_client(first).unwrap();
    let running = showing(tls.clone()).await;
    for version in VERSIONS {
        let foreign = ForeignClient::new(version, None);
        foreign.ask(&running).await.unwrap();
        tls.replace_identity(second.clone()).unwrap();
        let (_, kind) = foreign.ask(&running).await.unwrap();
        assert_ne!(kind, HandshakeKind::Resumed);
        assert_eq!(*foreign.verifier.staple.lock().unwrap(), staple.der());
        tls.replace_identity(authority.identity("third")).unwrap();
    }
}

#[test]
fn refuses_an_identity_that_is_not_whole() {
    let authority = Authority::new();
    let mut identity = authority.identity("server");
    identity.key = authority.identity("other").key;
    let error = ServerTls::optional_client(identity.clone()).unwrap_err();
    assert!(matches!(error, Error::IdentityKeyMismatch), "{error:?}");
    identity.chain.clear();
    let error = ServerTls::optional_client(identity).unwrap_err();
    assert!(
        matches!(error, Error::IdentityWithoutCertificate),
        "{error:?}"
    );
}

#[tokio::test]
async fn closes_connections_that_do_not_shake_hands() {
    let tls = ServerTls::optional_client(Authority::new().identity("server")).unwrap();
    let limits = Limits {
        handshake_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let running = serve(Some(tls), limits, crate::support::echo).await;
    assert_eq!(talk(running.address, "").await, "");
}

#[tokio::test]
async fn trusts_only_the_certificates_it_is_told_to() {
    let authority = Authority::new();
    let server = authority.identity("server");
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let tls = ServerTls::optional_client(server.clone()).unwrap();
    let running = serve(Some(tls), Limits::default(), move |request, peer| {
        counted.fetch_add(1, Ordering::Relaxed);
        crate::support::echo(request, peer)
    })
    .await;
    let client = Client::new(ClientOptions::default()).unwrap();
    let uri = format!("https://{}/", running.address);
    let other = ServerTrust::OneOf(vec![authority.identity("other").chain[0].clone()]);
    let own = ServerTrust::OneOf(vec![server.chain[0].clone()]);
    let nobody = ServerTrust::OneOf(vec![]);
    let digest = |identity: &Identity| {
        let digest = identity.chain[0].sha256();
        digest.as_bytes().try_into().unwrap()
    };
    let foreign = digest(&authority.identity("other"));
    let digests = ServerTrust::Digests(vec![foreign, digest(&server)]);
    let others = ServerTrust::Digests(vec![foreign]);
    let none = ServerTrust::Digests(vec![]);

    for trust in [&own, &digests] {
        let accepted = soon(client.request(get(&uri), trust, None)).await.unwrap();
        assert_eq!(text(accepted).await, "GET / ");
    }
    // A kept connection is judged as a new one is.
    for trust in [&other, &nobody, &others, &none] {
        let error = soon(client.request(get(&uri), trust, None))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ServerUntrusted), "{error:?}");
        assert_eq!((error.class(), error.sent()), (Class::Tls, Sent::No));
    }
    soon(client.request(get(&uri), &ServerTrust::Any, None))
        .await
        .unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn believes_a_service_that_its_authority_vouches_for_under_its_name() {
    let root = Authority::new();
    let authority = root.below();
    let stranger = Authority::new();
    let trust = |authority: &Authority| {
        let certificates = [authority.certificate.clone()];
        ServerTrust::Authorities(Authorities::new(&certificates).unwrap())
    };
    let trusted = trust(&root);
    let good = authority.named("localhost", [127, 0, 0, 1], 0, 4_000_000_000);
    let other_name = authority.named("elsewhere", [127, 0, 0, 2], 0, 4_000_000_000);
    let expired = authority.named("localhost", [127, 0, 0, 1], 0, 1_000_000_000);
    for (identity, trust, believed) in [
        (&good, &trusted, true),
        (&other_name, &trusted, false),
        (&expired, &trusted, false),
        (&good, &trust(&stranger), false),
    ] {
        let tls = ServerTls::optional_client(identity.clone()).unwrap();
        let running = serve(Some(tls), Limits::default(), crate::support::echo).await;
        let client = Client::new(ClientOptions::default()).unwrap();
        let uri = format!("https://{}/", running.address);
        let answer = soon(client.request(get(&uri), trust, None)).await;
        match answer {
            Ok(_) => assert!(believed),
            Err(error) => {
                assert!(matches!(error, Error::ServerUntrusted), "{error:?}");
                assert!(!believed);
            }
        }
    }
    assert!(Authorities::new(&[]).is_err());
}

#[tokio::test]
async fn offers_its_identity_to_information_systems() {
    let authority = Authority::new();
    let tls = ServerTls::optional_client(authority.identity("server")).unwrap();
    let running = showing(tls).await;
    let identity = authority.identity("client");
    let options = ClientOptions {
        identity: Some(identity.clone()),
        ..ClientOptions::default()
    };
    let client = Client::new(options).unwrap();
    let uri = format!("https://{}/", running.address);
    let ask = async || {
        let asked = client.request(get(&uri), &ServerTrust::Any, None);
        text(soon(asked).await.unwrap()).await
    };
    assert_eq!(ask().await, shown(&identity));
    // Not on the connection that was kept.
    let second = authority.identity("second");
    client.replace_identity(&second).unwrap();
    assert_eq!(ask().await, shown(&second));
}

#[tokio::test]
async fn refuses_a_server_that_does_not_hold_the_key_of_its_certificate() {
    let authority = Authority::new();
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        for version in VERSIONS {
            let (server, _) = authority.identity_of("server", kind);
            let (_, other_pkcs8) = authority.identity_of("other", kind);
            let config =
                rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_protocol_versions(&[version])
                    .unwrap()
                    .with_no_client_auth()
                    .with_cert_resolver(Arc::new(certified(&server, &other_pkcs8)));
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let uri = format!("https://{}/", listener.local_addr().unwrap());
            tokio::spawn(async move {
                let (tcp, _) = listener.accept().await.unwrap();
                drop(TlsAcceptor::from(Arc::new(config)).accept(tcp).await);
            });
            let client = Client::new(ClientOptions::default()).unwrap();
            let trust = ServerTrust::OneOf(server.chain.clone());
            let error = soon(client.request(get(&uri), &trust, None))
                .await
                .unwrap_err();
            assert!(
                matches!(error, Error::Tls { .. }),
                "{kind:?} {version:?}: {error:?}"
            );
            assert_eq!(error.sent(), Sent::No);
        }
    }
}
