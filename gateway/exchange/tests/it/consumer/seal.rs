//! Keys and configuration: a node without them does not ask.

use std::sync::Arc;

use gateway_exchange::keys::Keys;

use crate::support::{NOW, Soap, World, rest};

#[tokio::test]
async fn refuses_without_a_configuration_or_with_an_expired_one() {
    let world = World::new().await;
    world.consumer.node.conf.store(None);
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.global_conf_outdated");
    world.expire_at(NOW).await;
    world.clock.advance(601);
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.global_conf_outdated");
    world
        .ask(rest("GET", "", ""))
        .await
        .is("server.clientproxy.global_conf_outdated");
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn uses_an_expired_configuration_within_its_grace_and_marks_each_record() {
    let world = World::new().await;
    world.expire_at(NOW).await;
    world.clock.advance(600);
    world.ask(Soap::new("x").request()).await.is("");
    world.logged((2, 0), (2, 0)).await;
    for verdict in world
        .consumer
        .verdicts()
        .iter()
        .chain(&world.provider.verdicts())
    {
        assert_eq!(verdict.degraded, ["registry-grace"]);
    }
}

#[tokio::test]
async fn refuses_without_usable_keys() {
    let world = World::new().await;
    let keys = world.consumer.node.keys.load_full();
    let without = Keys {
        authentication: None,
        signers: keys.signers.clone(),
        ..Keys::default()
    };
    world.consumer.node.keys.store(Arc::new(without));
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.ssl_authentication_failed");
    let authentication = keys.authentication.clone();
    let without = Keys {
        authentication: authentication.clone(),
        ..Keys::default()
    };
    world.consumer.node.keys.store(Arc::new(without));
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.cannot_create_signature");
    world
        .ask(rest("GET", "", ""))
        .await
        .is("server.clientproxy.cannot_create_signature");

    // A response that has become stale makes the key unusable.
    let mut signers = keys.signers.clone();
    signers.values_mut().for_each(|key| key.usable_until = NOW);
    let stale = Keys {
        authentication,
        signers,
        ..Keys::default()
    };
    world.consumer.node.keys.store(Arc::new(stale));
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.cannot_create_signature");
    assert!(world.sent().is_empty());
    world.logged((0, 3), (0, 0)).await;
}
