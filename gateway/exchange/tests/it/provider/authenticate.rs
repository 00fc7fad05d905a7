//! authenticate: messages for others, and peers that may not speak for the sender.

use std::sync::Arc;

use certs_authority::Authority;
use certs_keys::KeyKind;
use gateway_exchange::keys::Keys;
use gateway_exchange::local::Local;
use gateway_exchange::trust::{self, AnchorOf, PeerError};
use gateway_net::PeerEvidence;

use crate::support::{FRESHNESS_SECONDS, Letter, NOW, Soap, World, rest, server};

const OCSP: &str = "application/ocsp-response";

/// Nothing was called or logged, and the refusal was noted.
async fn refused(world: &World, tail: &str) {
    for (at, request) in [Soap::new("x").request(), rest("GET", "", "")]
        .into_iter()
        .enumerate()
    {
        let answer = world.ask(request).await;
        answer.is(&format!("server.serverproxy.service_failed.{tail}"));
        let at = at as u64 + 1;
        assert_eq!(world.provider.refusals(at).await.len() as u64, at);
    }
    assert!(world.service.calls().is_empty() && world.provider.verdicts().is_empty());
}

#[tokio::test]
async fn refuses_messages_for_another_server() {
    let world = World::new().await;
    let mut request = rest("GET", "", "");
    let value = "DEV/GOV/2222/ss2".parse().unwrap();
    request
        .headers_mut()
        .insert("x-road-security-server", value);
    let mut local = Local::clone(&world.provider.node.local.load());
    local.server = server("DEV/GOV/2222/moved");
    world.provider.node.local.store(Arc::new(local));
    let answer = world.ask(request).await;
    answer.is("server.serverproxy.service_failed.invalid_security_server");
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_messages_for_clients_that_are_not_here() {
    let world = World::new().await;
    let mut local = Local::clone(&world.provider.node.local.load());
    local.clients.clear();
    world.provider.node.local.store(Arc::new(local));
    refused(&world, "unknown_member").await;
}

#[tokio::test]
async fn refuses_what_it_could_not_answer() {
    let world = World::new().await;
    world.provider.node.keys.store(Arc::new(Keys::default()));
    refused(&world, "cannot_create_signature").await;
}

#[tokio::test]
async fn refuses_peers_without_a_certificate_or_with_one_of_another_server() {
    let world = World::new().await;
    world.wire.inner.peer.lock().unwrap().certificates = Arc::default();
    refused(&world, "ssl_authentication_failed").await;
    let world = World::new().await;
    let other = world.other.auth.certificate.clone();
    world.wire.inner.peer.lock().unwrap().certificates = vec![other].into();
    refused(&world, "ssl_authentication_failed").await;
}

#[tokio::test]
async fn refuses_a_server_that_speaks_for_a_client_of_another() {
    // The consumer's node is made to speak for a client that the registry has elsewhere.
    let world = World::new().await;
    let mut local = Local::clone(&world.consumer.node.local.load());
    let mut client = local.clients.values().next().unwrap().as_ref().clone();
    client.id = world.other.client.clone();
    local.clients.insert(client.id.clone(), Arc::new(client));
    world.consumer.node.local.store(Arc::new(local));
    let (mine, others) = (
        world.consumer.identity.server.clone(),
        world.other.client.clone(),
    );
    let provider_conf = world.provider.node.conf.load_full();
    world
        .reconfigure(|shared| {
            shared
                .servers
                .iter_mut()
                .find(|one| one.id == mine)
                .unwrap()
                .clients
                .push(others);
        })
        .await;
    world.provider.node.conf.store(provider_conf);
    let keys = world.consumer.node.keys.load_full();
    let signing = keys.signers.values().next().unwrap().clone();
    let signers = [(world.other.client.member().clone(), signing)].into();
    let authentication = keys.authentication.clone();
    let keys = Keys {
        signers,
        authentication,
        ..Keys::default()
    };
    world.consumer.node.keys.store(Arc::new(keys));
    let soap = Soap {
        client: "DEV/COM/3333/OTHER",
        ..Soap::new("x")
    };
    let answer = world.ask(soap.request()).await;
    answer.is("server.serverproxy.service_failed.ssl_authentication_failed");
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_peers_without_ocsp_responses_or_with_those_of_others() {
    let world = World::new().await;
    world.edit_request(|letter| letter.remove(OCSP));
    refused(&world, "ssl_authentication_failed").await;
    let world = World::new().await;
    world.edit_request(|letter| *letter.body(OCSP) = b"no DER".to_vec());
    refused(&world, "ssl_authentication_failed").await;
    let world = World::new().await;
    let foreign = world.ocsp(&world.other.auth.certificate, NOW);
    world.edit_request(move |letter| *letter.body(OCSP) = foreign.der().to_vec());
    refused(
        &world,
        "ssl_authentication_failed.invalid_cert_path.cert_validation",
    )
    .await;
}

#[tokio::test]
async fn refuses_peers_whose_ocsp_response_is_stale_or_says_revoked() {
    let world = World::new().await;
    world.ask(Soap::new("before").request()).await.is("");
    let sent = world.sent().remove(0);
    world.clock.advance(FRESHNESS_SECONDS);
    world.deliver(&sent).await.is("");
    world.clock.advance(1);
    let tail = "ssl_authentication_failed.invalid_cert_path.incorrect_validation_info";
    let answer = world.deliver(&sent).await;
    answer.is(&format!("server.serverproxy.service_failed.{tail}"));

    let world = World::new().await;
    world.revoke(&world.consumer.identity.auth.certificate.clone());
    let revoked = world.ocsp(&world.consumer.identity.auth.certificate, NOW);
    world.edit_request(move |letter| *letter.body(OCSP) = revoked.der().to_vec());
    refused(
        &world,
        "ssl_authentication_failed.invalid_cert_path.cert_validation",
    )
    .await;
}

#[tokio::test]
async fn refuses_peers_of_an_authority_nobody_approved() {
    let world = World::new().await;
    let mut foreign = Authority::create("Foreign", KeyKind::P256, NOW).unwrap();
    let subject = certs_authority::subject::ejbca_auth("DEV", "ss1");
    let key = certs_keys::SoftKey::generate(KeyKind::P256).unwrap();
    let order = certs_authority::Order::auth(certs_x509::profile::Profile::Ejbca);
    let certificate = foreign.enroll(&key, &subject, order, NOW).unwrap();
    let (server, hash) = (
        world.consumer.identity.server.clone(),
        certificate.sha256().as_bytes().to_vec(),
    );
    world
        .reconfigure(|shared| {
            let found = shared.servers.iter_mut().find(|found| found.id == server);
            found.unwrap().auth_certificate_hashes.push(hash);
        })
        .await;
    let ocsp = foreign.ocsp_of(&certificate, NOW).unwrap();
    world.wire.inner.peer.lock().unwrap().certificates = vec![certificate].into();
    world.edit_request(move |letter| *letter.body(OCSP) = ocsp.der().to_vec());
    // The one failure of the path that deployed servers report as their own.
    refused(&world, "internal_error").await;
}

#[tokio::test]
async fn refuses_a_signing_certificate_in_tls() {
    let world = World::new().await;
    let certificate = world.consumer.identity.sign.certificate.clone();
    let (server, hash) = (
        world.consumer.identity.server.clone(),
        certificate.sha256().as_bytes().to_vec(),
    );
    world
        .reconfigure(|shared| {
            let found = shared.servers.iter_mut().find(|found| found.id == server);
            found.unwrap().auth_certificate_hashes.push(hash);
        })
        .await;
    let ocsp = world.ocsp(&certificate, NOW);
    world.wire.inner.peer.lock().unwrap().certificates = vec![certificate].into();
    world.edit_request(move |letter| *letter.body(OCSP) = ocsp.der().to_vec());
    refused(&world, "ssl_authentication_failed").await;
}

#[tokio::test]
async fn wants_an_ocsp_response_for_each_certificate_of_the_path() {
    let world = World::deep().await;
    world.ask(Soap::new("x").request()).await.is("");
    let without_the_leafs = |letter: &mut Letter| letter.remove(OCSP);
    world.edit_request(without_the_leafs);
    let answer = world.ask(Soap::new("x").request()).await;
    answer.is("server.serverproxy.service_failed.ssl_authentication_failed.invalid_cert_path.cert_validation");
}

#[tokio::test]
async fn a_verdict_as_a_provider_is_none_as_a_consumer() {
    // Judged as a provider, a chain ends at the issuer of its leaf; as a consumer, further up.
    let world = World::deep().await;
    let conf = world.provider.node.conf.load_full().unwrap();
    let identity = &world.provider.identity;
    let evidence = PeerEvidence {
        certificates: world.chain(&identity.auth.certificate).into(),
        ocsp_responses: vec![world.ocsp(&identity.auth.certificate, NOW)].into(),
    };
    let judge = |anchor_of| trust::peer(&conf, "DEV", &identity.client, &evidence, anchor_of, NOW);
    assert!(judge(AnchorOf::Leaf).is_ok());
    assert!(matches!(judge(AnchorOf::Last), Err(PeerError::MissingOcsp)));
    assert!(judge(AnchorOf::Leaf).is_ok());
}
