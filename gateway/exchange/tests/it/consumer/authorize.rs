//! authorize: who may ask through this node, and how connected.

use certs_keys::KeyKind;
use gateway_exchange::local::{Authentication, Local};

use crate::support::{NOW, Soap, World, rest};

#[tokio::test]
async fn refuses_clients_that_are_not_on_this_node() {
    let world = World::new().await;
    for client in [
        "DEV/COM/3333/OTHER",
        "DEV/COM/1111/ELSE",
        "DEV/COM/1111/testcli",
    ] {
        let soap = Soap {
            client,
            ..Soap::new("x")
        };
        world
            .ask(soap.request())
            .await
            .is("server.clientproxy.unknown_member");
        let mut request = rest("GET", "", "");
        request
            .headers_mut()
            .insert("x-road-client", client.parse().unwrap());
        world
            .ask(request)
            .await
            .is("server.clientproxy.unknown_member");
    }
    assert!(world.sent().is_empty());
    world.logged((0, 6), (0, 0)).await;
}

#[tokio::test]
async fn refuses_a_client_the_registry_no_longer_has_here() {
    let world = World::new().await;
    let server = world.consumer.identity.server.clone();
    world
        .reconfigure(|shared| {
            let found = shared.servers.iter_mut().find(|found| found.id == server);
            found.unwrap().clients.clear();
        })
        .await;
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.unknown_member");
    assert!(world.sent().is_empty());
    world.logged((0, 1), (0, 0)).await;
}

#[tokio::test]
async fn holds_the_connection_against_what_the_client_demands() {
    let world = World::new().await;
    let issue = || {
        let mut authority = world.authority.lock().unwrap();
        authority
            .issue_tls(&["is.example"], &[], KeyKind::P256, NOW)
            .unwrap()
            .1
    };
    let (registered, unregistered, internal) = (issue(), issue(), issue());
    let mut local = Local::clone(&world.consumer.node.local.load());
    local.internal_certificate = Some(internal.clone());
    world.consumer.node.local.store(local.into());

    let refused = "server.clientproxy.ssl_authentication_failed";
    let plain: Option<&[certs_x509::Certificate]> = None;
    let with = |certificate| Some(std::slice::from_ref(certificate));
    let cases = [
        (Authentication::Http, true, plain, ""),
        (Authentication::Http, true, with(&unregistered), ""),
        (Authentication::HttpsNoAuth, true, plain, refused),
        (Authentication::HttpsNoAuth, true, with(&unregistered), ""),
        (Authentication::Https, true, plain, refused),
        (Authentication::Https, true, with(&unregistered), refused),
        (Authentication::Https, true, with(&registered), ""),
        (Authentication::Https, true, with(&internal), ""),
        (Authentication::Https, false, with(&registered), refused),
    ];
    for (authentication, has_certificates, certificate, code) in cases {
        world.consumer.change(|client| {
            client.authentication = authentication;
            client.certificates = if has_certificates {
                vec![registered.clone()]
            } else {
                Vec::new()
            };
        });
        world.connect_tls(certificate.unwrap_or_default());
        world.ask(Soap::new("x").request()).await.is(code);
    }
    world.logged((10, 4), (10, 0)).await;
}

#[tokio::test]
async fn https_without_a_certificate_will_do_where_none_is_demanded() {
    let world = World::new().await;
    world.connection.lock().unwrap().tls = true;
    world
        .consumer
        .change(|client| client.authentication = Authentication::HttpsNoAuth);
    world.ask(Soap::new("x").request()).await.is("");
    world
        .consumer
        .change(|client| client.authentication = Authentication::Https);
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.ssl_authentication_failed");
}
