//! Connections to other nodes: verified, raced, remembered, kept.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use certs_x509::ocsp;
use gateway_net::{
    Body, Candidate, Error, Identity, Limits, PeerClient, PeerError, PeerEvidence, PeerOptions,
    Sent, ServerTls, full,
};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    pki::Authority,
    support::{Running, get, serve, soon, text},
};

/// A node that answers with its name, and counts requests and connections.
struct Node {
    identity: Identity,
    running: Running,
    ocsp: Running,
    requests: Arc<AtomicUsize>,
    from: Arc<Mutex<Vec<SocketAddr>>>,
    /// What its OCSP port was asked.
    queries: Arc<Mutex<Vec<String>>>,
}

impl Node {
    async fn new(name: &'static str, identity: Identity, answers: Vec<ocsp::Response>) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let from = Arc::new(Mutex::new(Vec::new()));
        let (counted, noted) = (Arc::clone(&requests), Arc::clone(&from));
        let tls = ServerTls::mutual(identity.clone(), Arc::new(|_leaf| true)).unwrap();
        let running = serve(Some(tls), Limits::default(), move |_request, peer| {
            counted.fetch_add(1, Ordering::Relaxed);
            noted.lock().unwrap().push(peer.address);
            Box::pin(async move { Response::new(full(name)) })
        })
        .await;
        let queries = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&queries);
        let ocsp = serve(None, Limits::default(), move |request, _peer| {
            asked.lock().unwrap().push(request.uri().to_string());
            let mut body = Vec::new();
            for response in &answers {
                body.extend_from_slice(
                    b"--jetty\r\nContent-Type: application/ocsp-response\r\n\r\n",
                );
                body.extend_from_slice(response.der());
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--jetty--\r\n");
            Box::pin(async move {
                let kind = "multipart/related; type=\"application/ocsp-response\"; boundary=jetty";
                Response::builder()
                    .header("content-type", kind)
                    .body(full(body))
                    .unwrap()
            })
        })
        .await;
        Self {
            identity,
            running,
            ocsp,
            requests,
            from,
            queries,
        }
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            host: "127.0.0.1".to_owned(),
            port: self.running.address.port(),
            ocsp_port: self.ocsp.address.port(),
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn connections(&self) -> usize {
        let mut from = self.from.lock().unwrap().clone();
        from.sort_unstable();
        from.dedup();
        from.len()
    }
}

fn client(authority: &Authority, options: PeerOptions) -> PeerClient {
    PeerClient::new(authority.identity("client"), options).unwrap()
}

/// Every use of a connection makes a new one.
fn unpooled() -> PeerOptions {
    PeerOptions {
        pool_per_peer_max: 0,
        ..PeerOptions::default()
    }
}

/// A candidate nobody listens at.
async fn nobody() -> Candidate {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Candidate {
        host: "127.0.0.1".to_owned(),
        port,
        ocsp_port: port,
    }
}

fn believe(_evidence: &PeerEvidence) -> Result<(), &'static str> {
    Ok(())
}

async fn send(
    client: &PeerClient,
    candidates: &[Candidate],
    verify: impl Fn(&PeerEvidence) -> Result<(), &'static str> + Send + Sync,
) -> Result<(Response<Body>, PeerEvidence), PeerError<&'static str>> {
    soon(client.send(candidates, get("/"), verify)).await
}

async fn name_of(client: &PeerClient, candidates: &[Candidate]) -> String {
    text(send(client, candidates, believe).await.unwrap().0).await
}

#[tokio::test]
async fn keeps_a_connection_and_verifies_it_at_every_use() {
    let authority = Authority::new();
    let node = Node::new("one", authority.identity("one"), vec![]).await;
    let client = client(&authority, PeerOptions::default());
    let verified = AtomicUsize::new(0);
    for _ in 0..3 {
        let (response, evidence) = send(&client, &[node.candidate()], |evidence| {
            verified.fetch_add(1, Ordering::Relaxed);
            believe(evidence)
        })
        .await
        .unwrap();
        assert_eq!(text(response).await, "one");
        assert_eq!(*evidence.certificates, *node.identity.chain);
    }
    assert_eq!(verified.load(Ordering::Relaxed), 3);
    assert_eq!((node.requests(), node.connections()), (3, 1));
}

#[tokio::test]
async fn sends_nothing_to_a_peer_that_is_refused() {
    let authority = Authority::new();
    let node = Node::new("one", authority.identity("one"), vec![]).await;
    let client = client(&authority, PeerOptions::default());
    let refused = send(&client, &[node.candidate()], |_| Err("not registered"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, PeerError::Refused("not registered")),
        "{refused:?}"
    );
    assert_eq!(refused.sent(), Sent::No);
    assert_eq!(node.requests(), 0);
    // Not even on a connection that was accepted before.
    assert_eq!(name_of(&client, &[node.candidate()]).await, "one");
    let refused = send(&client, &[node.candidate()], |_| Err("revoked"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, PeerError::Refused("revoked")),
        "{refused:?}"
    );
    assert_eq!(node.requests(), 1);
}

#[tokio::test]
async fn passes_over_candidates_that_fail() {
    let authority = Authority::new();
    let good = Node::new("good", authority.identity("good"), vec![]).await;
    let bad = Node::new("bad", authority.identity("bad"), vec![]).await;
    let plain = serve(None, Limits::default(), crate::support::echo).await;
    let no_tls = Candidate {
        host: "127.0.0.1".to_owned(),
        port: plain.address.port(),
        ocsp_port: plain.address.port(),
    };
    let leaf = bad.identity.chain[0].clone();
    let candidates = [nobody().await, no_tls, bad.candidate(), good.candidate()];
    for _ in 0..5 {
        let client = client(&authority, PeerOptions::default());
        let (response, _) = send(&client, &candidates, |evidence| {
            if evidence.certificates[0] == leaf {
                Err("bad")
            } else {
                Ok(())
            }
        })
        .await
        .unwrap();
        assert_eq!(text(response).await, "good");
    }
    assert_eq!(bad.requests(), 0);
}

#[tokio::test]
async fn says_why_nobody_could_be_used() {
    let authority = Authority::new();
    let client = client(&authority, PeerOptions::default());
    let error = send(&client, &[], believe).await.unwrap_err();
    assert!(
        matches!(error, PeerError::Network(Error::NoCandidate)),
        "{error:?}"
    );

    let error = send(&client, &[nobody().await, nobody().await], believe)
        .await
        .unwrap_err();
    assert!(
        matches!(error, PeerError::Network(Error::Connect { .. })),
        "{error:?}"
    );
    assert_eq!(error.sent(), Sent::No);

    let plain = serve(None, Limits::default(), crate::support::echo).await;
    let port = plain.address.port();
    let no_tls = Candidate {
        host: "127.0.0.1".to_owned(),
        port,
        ocsp_port: port,
    };
    let error = send(&client, &[no_tls.clone(), nobody().await], believe)
        .await
        .unwrap_err();
    assert!(matches!(error, PeerError::Tls(_)), "{error:?}");

    let node = Node::new("one", authority.identity("one"), vec![]).await;
    let candidates = [node.candidate(), nobody().await];
    let error = send(&client, &candidates, |_| Err("no")).await.unwrap_err();
    assert!(matches!(error, PeerError::Refused("no")), "{error:?}");
}

#[tokio::test]
async fn stays_with_the_candidate_that_was_first_until_it_fails() {
    let authority = Authority::new();
    let one = Node::new("one", authority.identity("one"), vec![]).await;
    let two = Node::new("two", authority.identity("two"), vec![]).await;
    let client = client(&authority, unpooled());
    let candidates = [one.candidate(), two.candidate()];
    let favourite = name_of(&client, &candidates).await;
    for _ in 0..8 {
        assert_eq!(name_of(&client, &candidates).await, favourite);
    }
    // The order in which they are given does not matter.
    let reversed = [two.candidate(), one.candidate()];
    assert_eq!(name_of(&client, &reversed).await, favourite);

    let (mut first, other) = if favourite == "one" {
        (one, "two")
    } else {
        (two, "one")
    };
    first.running.stop();
    soon(&mut first.running.task).await.unwrap();
    for _ in 0..3 {
        assert_eq!(name_of(&client, &candidates).await, other);
    }
}

#[tokio::test]
async fn connects_anew_when_kept_connections_were_closed() {
    let authority = Authority::new();
    let (identity, pkcs8) = authority.identity_of("odd", certs_keys::KeyKind::P256);
    let (candidate, seen) = odd(&identity, &pkcs8, Odd::AnswersOnce).await;
    let client = client(&authority, quick());
    for _ in 0..4 {
        assert_eq!(
            name_of(&client, std::slice::from_ref(&candidate)).await,
            "odd"
        );
    }
    assert_eq!(seen.load(Ordering::Relaxed), 4);
}

/// What an odd node does after a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Odd {
    /// Answers as if it would keep the connection, and closes it.
    AnswersOnce,
    Closes,
    IsSilent,
}

/// No time is spent on OCSP ports that are none.
fn quick() -> PeerOptions {
    PeerOptions {
        ocsp_timeout: Duration::from_millis(100),
        ..PeerOptions::default()
    }
}

/// A node that shakes hands, reads a head, and does as told.
async fn odd(identity: &Identity, pkcs8: &[u8], odd: Odd) -> (Candidate, Arc<AtomicUsize>) {
    let chain = identity
        .chain
        .iter()
        .map(|one| one.der().to_vec().into())
        .collect();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(pkcs8.to_vec()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut silent = Vec::new();
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(tcp).await else {
                continue;
            };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else {
                    break;
                };
                head.push(byte);
            }
            if head.is_empty() {
                continue;
            }
            counted.fetch_add(1, Ordering::Relaxed);
            match odd {
                Odd::AnswersOnce => {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nodd";
                    stream.write_all(answer).await.unwrap();
                    stream.shutdown().await.unwrap();
                }
                Odd::Closes => {}
                Odd::IsSilent => silent.push(stream),
            }
        }
    });
    (
        Candidate {
            host: "127.0.0.1".to_owned(),
            port,
            ocsp_port: port,
        },
        requests,
    )
}

#[tokio::test]
async fn never_sends_again_what_was_begun() {
    let authority = Authority::new();
    let (identity, pkcs8) = authority.identity_of("odd", certs_keys::KeyKind::P256);
    let (one, one_seen) = odd(&identity, &pkcs8, Odd::Closes).await;
    let (two, two_seen) = odd(&identity, &pkcs8, Odd::Closes).await;
    let options = PeerOptions {
        ocsp_timeout: Duration::from_millis(100),
        ..PeerOptions::default()
    };
    let client = client(&authority, options);
    let error = send(&client, &[one, two], believe).await.unwrap_err();
    assert!(matches!(error, PeerError::Broken(_)), "{error:?}");
    assert_eq!(error.sent(), Sent::Unknown);
    assert_eq!(
        one_seen.load(Ordering::Relaxed) + two_seen.load(Ordering::Relaxed),
        1
    );
}

#[tokio::test]
async fn gives_up_a_peer_that_does_not_answer() {
    let authority = Authority::new();
    let (identity, pkcs8) = authority.identity_of("odd", certs_keys::KeyKind::P256);
    let (candidate, seen) = odd(&identity, &pkcs8, Odd::IsSilent).await;
    let options = PeerOptions {
        ocsp_timeout: Duration::from_millis(50),
        response_timeout: Some(Duration::from_millis(200)),
        ..PeerOptions::default()
    };
    let client = client(&authority, options);
    let error = send(&client, &[candidate], believe).await.unwrap_err();
    assert!(matches!(error, PeerError::Timeout), "{error:?}");
    assert_eq!(
        (error.sent(), seen.load(Ordering::Relaxed)),
        (Sent::Unknown, 1)
    );
}

#[tokio::test]
async fn a_peer_that_refuses_our_certificate_is_a_failure_of_tls() {
    let authority = Authority::new();
    let tls = ServerTls::mutual(authority.identity("strict"), Arc::new(|_leaf| false)).unwrap();
    let running = serve(Some(tls), Limits::default(), crate::support::echo).await;
    let port = running.address.port();
    let candidate = Candidate {
        host: "127.0.0.1".to_owned(),
        port,
        ocsp_port: port,
    };
    let client = client(&authority, PeerOptions::default());
    let error = send(&client, &[candidate], believe).await.unwrap_err();
    assert!(matches!(error, PeerError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn asks_the_ocsp_port_once_for_the_whole_chain() {
    let authority = Authority::new();
    let below = authority.below();
    let mut identity = below.identity("one");
    identity.chain.push(below.certificate.clone());
    let responses = vec![
        below.ocsp(&identity.chain[0], 1_000),
        authority.ocsp(&below.certificate, 1_000),
    ];
    let expected: Vec<_> = responses
        .iter()
        .map(|response| response.der().to_vec())
        .collect();
    let node = Node::new("one", identity.clone(), responses).await;
    let client = client(&authority, unpooled());
    for _ in 0..3 {
        let (response, evidence) = send(&client, &[node.candidate()], believe).await.unwrap();
        assert_eq!(text(response).await, "one");
        let came: Vec<_> = evidence
            .ocsp_responses
            .iter()
            .map(|one| one.der().to_vec())
            .collect();
        assert_eq!(came, expected);
        // The later handshakes resume the first one's session.
        assert_eq!(*evidence.certificates, *identity.chain);
    }
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let [leaf, issuer] = &identity.chain[..] else {
        panic!("two certificates")
    };
    let query = format!(
        "/?cert={}&cert={}&cert_hash={}&cert_hash={}",
        hex(leaf.sha1().as_bytes()),
        hex(issuer.sha1().as_bytes()),
        hex(leaf.sha256().as_bytes()),
        hex(issuer.sha256().as_bytes()),
    );
    assert_eq!(*node.queries.lock().unwrap(), [query]);
    assert_eq!(node.connections(), 3);
}

#[tokio::test]
async fn many_first_requests_ask_the_ocsp_port_once() {
    let authority = Authority::new();
    let identity = authority.identity("one");
    let response = authority.ocsp(&identity.chain[0], 1_000);
    let node = Node::new("one", identity, vec![response]).await;
    let client = client(&authority, PeerOptions::default());
    let candidates = [node.candidate()];
    let all = (0..20).map(|_| name_of(&client, &candidates));
    assert!(
        futures_util::future::join_all(all)
            .await
            .iter()
            .all(|name| name == "one")
    );
    assert_eq!(node.queries.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_staple_is_evidence_and_a_stale_one_is_renewed() {
    let authority = Authority::new();
    let mut identity = authority.identity("one");
    let stale = authority.ocsp(&identity.chain[0], 1_000);
    let fresh = authority.ocsp(&identity.chain[0], 2_000);
    identity.ocsp_staple = Some(stale.clone());
    let node = Node::new("one", identity, vec![fresh.clone()]).await;
    let client = client(&authority, unpooled());

    let (_, evidence) = send(&client, &[node.candidate()], believe).await.unwrap();
    assert_eq!(evidence.ocsp_responses[0].der(), stale.der());
    assert!(node.queries.lock().unwrap().is_empty());

    let only_fresh = |evidence: &PeerEvidence| {
        if evidence.ocsp_responses[0].der() == fresh.der() {
            Ok(())
        } else {
            Err("stale")
        }
    };
    for _ in 0..3 {
        let (_, evidence) = send(&client, &[node.candidate()], only_fresh)
            .await
            .unwrap();
        assert_eq!(evidence.ocsp_responses[0].der(), fresh.der());
    }
    assert_eq!(node.queries.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unusable_answer_of_the_ocsp_port_is_no_evidence() {
    let authority = Authority::new();
    let identity = authority.identity("one");
    let response = authority.ocsp(&identity.chain[0], 1_000);
    // None, and one too many.
    for answers in [vec![], vec![response.clone(), response.clone()]] {
        let node = Node::new("one", identity.clone(), answers).await;
        let client = client(&authority, PeerOptions::default());
        let error = send(&client, &[node.candidate()], |evidence| {
            if evidence.ocsp_responses.is_empty() {
                Err("no evidence")
            } else {
                Ok(())
            }
        })
        .await
        .unwrap_err();
        assert!(
            matches!(error, PeerError::Refused("no evidence")),
            "{error:?}"
        );
        assert_eq!(node.requests(), 0);
    }
}

#[tokio::test]
async fn presents_a_replaced_identity() {
    let authority = Authority::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let tls = ServerTls::mutual(authority.identity("one"), Arc::new(|_leaf| true)).unwrap();
    let running = serve(Some(tls), Limits::default(), move |_request, peer| {
        noted.lock().unwrap().push(peer.certificates[0].clone());
        Box::pin(async { Response::new(full("")) })
    })
    .await;
    let port = running.address.port();
    let candidates = [Candidate {
        host: "127.0.0.1".to_owned(),
        port,
        ocsp_port: port,
    }];
    let (first, second) = (authority.identity("first"), authority.identity("second"));
    let client = PeerClient::new(first.clone(), PeerOptions::default()).unwrap();
    name_of(&client, &candidates).await;
    client.replace_identity(second.clone()).unwrap();
    name_of(&client, &candidates).await;
    assert_eq!(
        *seen.lock().unwrap(),
        [first.chain[0].clone(), second.chain[0].clone()]
    );
}

#[tokio::test]
async fn a_request_says_which_host_it_goes_to_unless_it_names_one() {
    let authority = Authority::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let tls = ServerTls::mutual(authority.identity("one"), Arc::new(|_leaf| true)).unwrap();
    let running = serve(Some(tls), Limits::default(), move |request, _peer| {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        noted
            .lock()
            .unwrap()
            .push(format!("{host} {}", request.uri()));
        Box::pin(async { Response::new(full("")) })
    })
    .await;
    let port = running.address.port();
    let candidates = [Candidate {
        host: "localhost".to_owned(),
        port,
        ocsp_port: port,
    }];
    let client = client(&authority, PeerOptions::default());
    let plain = get("/");
    let named = Request::post("https://elsewhere/x?y").header("host", "localhost:5500");
    for request in [plain, named.body(full("")).unwrap()] {
        soon(client.send(&candidates, request, believe))
            .await
            .unwrap();
    }
    let expected = [
        format!("localhost:{port} /"),
        "localhost:5500 /x?y".to_owned(),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

/// Also with what it borrows: the path runs on many threads.
#[tokio::test]
async fn may_be_sent_between_threads() {
    async fn borrowing(client: &PeerClient, candidates: &[Candidate], names: &[String]) -> bool {
        let verify = |evidence: &PeerEvidence| match names.len() == evidence.certificates.len() {
            true => Ok(()),
            false => Err("not as many"),
        };
        client.send(candidates, get("/"), verify).await.is_ok()
    }
    let authority = Authority::new();
    let node = Node::new("one", authority.identity("one"), vec![]).await;
    let client = client(&authority, PeerOptions::default());
    let candidates = vec![node.candidate()];
    let sending =
        tokio::spawn(async move { borrowing(&client, &candidates, &[String::new()]).await });
    assert!(soon(sending).await.unwrap());
}
