//! route: no server to ask.

use gateway_globalconf::params::{Maintenance, SharedParams};
use gateway_proto::id::ServerId;

use crate::support::{Soap, World, rest, server};

async fn check(world: &World, soap: Soap, code: &str) {
    world.ask(soap.request()).await.is(code);
    assert!(world.sent().is_empty());
}

fn rest_at(server: &str) -> http::Request<gateway_net::Body> {
    let mut request = rest("GET", "", "");
    request
        .headers_mut()
        .insert("x-road-security-server", server.parse().unwrap());
    request
}

fn rests(shared: &mut SharedParams, id: &ServerId, message: Option<&str>) {
    let server = shared
        .servers
        .iter_mut()
        .find(|server| server.id == *id)
        .unwrap();
    server.maintenance = message.map(|text| Maintenance {
        message: Some(text.to_owned()),
    });
}

#[tokio::test]
async fn refuses_a_provider_that_is_on_no_server() {
    let world = World::new().await;
    let soap = Soap {
        provider: "DEV/GOV/2222/NOBODY",
        ..Soap::new("x")
    };
    check(&world, soap, "server.clientproxy.unknown_member").await;
    world.logged((0, 1), (0, 0)).await;
}

#[tokio::test]
async fn refuses_an_instance_it_does_not_know() {
    let world = World::new().await;
    let soap = Soap {
        provider: "OTHER/GOV/2222/TESTPROV",
        ..Soap::new("x")
    };
    check(&world, soap, "server.clientproxy.internal_error").await;
}

#[tokio::test]
async fn refuses_a_target_server_that_is_unknown_or_serves_others() {
    let world = World::new().await;
    for server in ["DEV/GOV/2222/ss9", "DEV/COM/3333/ss3"] {
        let answer = world.ask(rest_at(server)).await;
        answer.is("server.clientproxy.invalid_security_server");
    }
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn refuses_a_provider_whose_servers_have_no_address() {
    let world = World::new().await;
    world
        .reconfigure(|shared| {
            for server in &mut shared.servers {
                server.address = None;
            }
        })
        .await;
    check(&world, Soap::new("x"), "server.clientproxy.unknown_member").await;
}

#[tokio::test]
async fn passes_over_servers_in_maintenance_and_says_so_when_none_is_left() {
    let world = World::new().await;
    let (first, second) = (
        world.provider.identity.server.clone(),
        world.other.server.clone(),
    );
    let provider = world.provider.identity.client.clone();
    world
        .reconfigure(|shared| {
            shared
                .servers
                .iter_mut()
                .find(|one| one.id == second)
                .unwrap()
                .clients
                .push(provider);
            rests(shared, &second, Some("until noon"));
        })
        .await;
    world.ask(Soap::new("x").request()).await.is("");
    assert_eq!(world.sent()[0].candidates.len(), 1);
    assert_eq!(world.sent()[0].candidates[0].host, "ss2.example");

    let answer = world.ask(rest_at(&second.to_rest())).await;
    answer.is("server.clientproxy.maintenance_mode");
    assert!(answer.text().contains("until noon"));
    world
        .reconfigure(|shared| rests(shared, &first, Some("")))
        .await;
    world
        .ask(Soap::new("x").request())
        .await
        .is("server.clientproxy.maintenance_mode");
    assert_eq!(world.sent().len(), 1);
    assert_eq!(second, server("DEV/COM/3333/ss3"));
}
