//! send: peers that cannot be reached, and peers that are not believed. Those get nothing.

use std::io;

use certs_authority::Authority;
use certs_keys::KeyKind;
use certs_x509::Certificate;
use gateway_net::{Error as Net, PeerError};

use crate::support::{Broken, FRESHNESS_SECONDS, NOW, Soap, World, rest};

#[tokio::test]
async fn says_how_the_way_was_barred() {
    let refused = || Net::Connect {
        source: io::ErrorKind::ConnectionRefused.into(),
    };
    let reset = || Net::Connect {
        source: io::ErrorKind::ConnectionReset.into(),
    };
    let tls = || Net::Tls {
        source: io::ErrorKind::InvalidData.into(),
    };
    let unknown = || Net::UnknownHost {
        host: "ss2.example".to_owned(),
    };
    for (error, code) in [
        (PeerError::Network(refused()), "network_error"),
        (PeerError::Network(unknown()), "network_error"),
        (PeerError::Tls(tls()), "ssl_authentication_failed"),
        (PeerError::Broken(reset()), "network_error"),
        (PeerError::Broken(Net::ResponseTimeout), "io_error"),
        (PeerError::Timeout, "io_error"),
    ] {
        let world = World::new().await;
        let mut error = Some(error);
        world.on_send(move || error.take().map(Broken::Unsent));
        world
            .ask(Soap::new("x").request())
            .await
            .is(&format!("server.clientproxy.{code}"));
        // What was signed to be sent stays in the log.
        world.logged((1, 1), (0, 0)).await;
    }
}

/// The provider's node shows this chain and these responses.
fn shows(world: &World, chain: &[Certificate], ocsp: Vec<certs_x509::ocsp::Response>) {
    let mut shown = world.wire.inner.shown.lock().unwrap();
    shown.certificates = chain.to_vec().into();
    shown.ocsp_responses = ocsp.into();
}

async fn refused(world: &World, tail: &str) {
    let code = format!("server.clientproxy.ssl_authentication_failed{tail}");
    world.ask(Soap::new("x").request()).await.is(&code);
    world.ask(rest("GET", "", "")).await.is(&code);
    assert!(world.sent().is_empty());
    world.logged((2, 2), (0, 0)).await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_without_a_certificate() {
    let world = World::new().await;
    shows(&world, &[], Vec::new());
    refused(&world, "").await;
}

#[tokio::test]
async fn sends_nothing_to_the_server_of_another_member() {
    let world = World::new().await;
    let certificate = world.other.auth.certificate.clone();
    let ocsp = world.ocsp(&certificate, NOW);
    shows(&world, &[certificate], vec![ocsp]);
    refused(&world, "").await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_whose_certificate_is_not_for_authentication() {
    let world = World::new().await;
    let certificate = world.provider.identity.sign.certificate.clone();
    register(&world, &certificate).await;
    let ocsp = world.ocsp(&certificate, NOW);
    shows(&world, &[certificate], vec![ocsp]);
    refused(&world, "").await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_without_ocsp_responses() {
    let world = World::new().await;
    shows(
        &world,
        std::slice::from_ref(&world.provider.identity.auth.certificate),
        Vec::new(),
    );
    refused(&world, ".internal_error").await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_with_the_ocsp_response_of_another() {
    let world = World::new().await;
    let foreign = world.ocsp(&world.other.auth.certificate, NOW);
    shows(
        &world,
        std::slice::from_ref(&world.provider.identity.auth.certificate),
        vec![foreign],
    );
    refused(&world, ".invalid_cert_path.cert_validation").await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_whose_ocsp_response_is_stale_though_it_was_believed_before() {
    let world = World::new().await;
    world.ask(Soap::new("x").request()).await.is("");
    world.clock.advance(FRESHNESS_SECONDS);
    world.refresh_at(
        &world.consumer,
        NOW.checked_add(jiff::SignedDuration::from_secs(3600))
            .unwrap(),
    );
    world.ask(Soap::new("x").request()).await.is("");
    world.clock.advance(1);
    let code =
        "server.clientproxy.ssl_authentication_failed.invalid_cert_path.incorrect_validation_info";
    world.ask(Soap::new("x").request()).await.is(code);
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn sends_nothing_to_a_revoked_peer_even_when_it_shows_an_older_good_response_too() {
    let world = World::new().await;
    let certificate = world.provider.identity.auth.certificate.clone();
    let good = world.ocsp(&certificate, NOW);
    world.revoke(&certificate);
    world.clock.advance(60);
    let revoked = world.ocsp(
        &certificate,
        NOW.checked_add(jiff::SignedDuration::from_secs(60))
            .unwrap(),
    );
    shows(&world, &[certificate], vec![good, revoked]);
    refused(&world, ".invalid_cert_path.cert_validation").await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_of_an_authority_nobody_approved() {
    let world = World::new().await;
    let mut foreign = Authority::create("Foreign", KeyKind::P256, NOW).unwrap();
    let subject = certs_authority::subject::ejbca_auth("DEV", "ss2");
    let key = certs_keys::SoftKey::generate(KeyKind::P256).unwrap();
    let order = certs_authority::Order::auth(certs_x509::profile::Profile::Ejbca);
    let certificate = foreign.enroll(&key, &subject, order, NOW).unwrap();
    register(&world, &certificate).await;
    let ocsp = foreign.ocsp_of(&certificate, NOW).unwrap();
    shows(&world, &[certificate], vec![ocsp]);
    refused(&world, ".cannot_create_cert_path.internal_error").await;
}

#[tokio::test]
async fn sends_nothing_to_a_peer_whose_certificate_has_expired() {
    let world = World::new().await;
    let expiry = world.provider.identity.auth.certificate.not_after();
    world
        .clock
        .advance(expiry.as_second() - NOW.as_second() + 1);
    world
        .expire_at("2099-01-01T00:00:00Z".parse().unwrap())
        .await;
    world.refresh();
    let code =
        "server.clientproxy.ssl_authentication_failed.cannot_create_cert_path.internal_error";
    world.ask(Soap::new("x").request()).await.is(code);
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn sends_nothing_when_an_intermediate_of_the_peer_is_not_vouched_for() {
    let world = World::deep().await;
    world.ask(Soap::new("x").request()).await.is("");
    let mut chain = world.chain(&world.provider.identity.auth.certificate);
    chain.truncate(1);
    // The leaf's issuer is approved itself, so its own path is all that is needed.
    let ocsp = world.ocsp(&chain[0], NOW);
    shows(&world, &chain, vec![ocsp]);
    world.ask(Soap::new("x").request()).await.is("");
    let ocsp = {
        let authority = world.authority.lock().unwrap();
        authority
            .ocsp_of(authority.intermediate().unwrap(), NOW)
            .unwrap()
    };
    shows(&world, &chain, vec![ocsp]);
    let code = "server.clientproxy.ssl_authentication_failed.invalid_cert_path.cert_validation";
    world.ask(Soap::new("x").request()).await.is(code);
}

/// Registers the certificate for the provider's server, as nobody should.
async fn register(world: &World, certificate: &Certificate) {
    let server = world.provider.identity.server.clone();
    let hash = certificate.sha256().as_bytes().to_vec();
    world
        .reconfigure(|shared| {
            let found = shared.servers.iter_mut().find(|found| found.id == server);
            found.unwrap().auth_certificate_hashes.push(hash);
        })
        .await;
}
