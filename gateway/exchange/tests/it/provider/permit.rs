//! permit: services that are not there, and rights nobody gave.

use gateway_globalconf::params::GlobalGroup;
use gateway_policy::{AccessRight, Endpoint, Method, PathPattern, Subject};
use gateway_proto::id::GlobalGroupId;

use crate::support::{Soap, World, client, rest, right};

async fn refused(world: &World, request: http::Request<gateway_net::Body>, code: &str) {
    let before = world.service.calls().len();
    world
        .ask(request)
        .await
        .is(&format!("server.serverproxy.{code}"));
    assert_eq!(world.service.calls().len(), before);
}

fn endpoint(method: &str, path: &str) -> AccessRight {
    let method = match method {
        "*" => Method::Any,
        method => Method::Is(method.to_owned()),
    };
    AccessRight {
        endpoint: Endpoint {
            method,
            path: PathPattern::new(path),
        },
        ..right(&client("DEV/COM/1111/TESTCLI"), "petstore")
    }
}

#[tokio::test]
async fn refuses_services_that_do_not_exist_in_that_version() {
    let world = World::new().await;
    let other = Soap {
        version: "v2",
        ..Soap::new("x")
    };
    refused(&world, other.request(), "unknown_service").await;
    let body = "<p:other xmlns:p=\"urn:p\"/>".to_owned();
    let other = Soap {
        code: "other",
        body,
        ..Soap::new("x")
    };
    refused(&world, other.request(), "unknown_service").await;
    world.logged((2, 2), (0, 2)).await;
}

#[tokio::test]
async fn refuses_the_other_protocol() {
    let world = World::new().await;
    world.change_service("petstore", |service| {
        service.kind = gateway_exchange::local::ServiceKind::Soap;
    });
    world.change_service("lookup", |service| {
        service.kind = gateway_exchange::local::ServiceKind::Rest;
    });
    refused(&world, Soap::new("x").request(), "service_type").await;
    refused(&world, rest("GET", "", ""), "service_type").await;
}

#[tokio::test]
async fn refuses_without_a_right_and_does_not_tell_whether_the_service_is_off() {
    let world = World::new().await;
    world.change_service("lookup", |service| {
        service.disabled = Some("off".to_owned())
    });
    refused(&world, Soap::new("x").request(), "service_disabled").await;
    world.change_provider(|provider| provider.rights.clear());
    refused(&world, Soap::new("x").request(), "access_denied").await;
    refused(&world, rest("GET", "", ""), "access_denied").await;
    world.logged((3, 3), (0, 3)).await;
}

#[tokio::test]
async fn a_right_of_another_is_none() {
    let world = World::new().await;
    for other in ["DEV/COM/1111", "DEV/COM/1111/testcli", "DEV/COM/3333/OTHER"] {
        world.change_provider(|provider| provider.rights = vec![right(&client(other), "lookup")]);
        refused(&world, Soap::new("x").request(), "access_denied").await;
    }
    let mine = client("DEV/COM/1111/TESTCLI");
    world.change_provider(|provider| provider.rights = vec![right(&mine, "lookups")]);
    refused(&world, Soap::new("x").request(), "access_denied").await;
}

#[tokio::test]
async fn groups_open_services_to_their_members_only() {
    let world = World::new().await;
    let mine = client("DEV/COM/1111/TESTCLI");
    let group = GlobalGroupId::new("DEV", "friends").unwrap();
    let to = |subject| AccessRight {
        subject,
        ..right(&mine, "lookup")
    };
    let global = to(Subject::GlobalGroup(group.clone()));
    world.change_provider(|provider| provider.rights = vec![global]);
    refused(&world, Soap::new("x").request(), "access_denied").await;
    for (member, code) in [
        (client("DEV/COM/1111"), "server.serverproxy.access_denied"),
        (mine.clone(), ""),
    ] {
        let id = group.clone();
        world
            .reconfigure(|shared| {
                let description = "Friends".to_owned();
                shared.groups = vec![GlobalGroup {
                    id,
                    description,
                    members: vec![member],
                }];
            })
            .await;
        world.ask(Soap::new("x").request()).await.is(code);
    }
    world.change_provider(|provider| {
        provider.rights = vec![to(Subject::LocalGroup("near".to_owned()))];
    });
    refused(&world, Soap::new("x").request(), "access_denied").await;
    world.change_provider(|provider| {
        provider
            .groups
            .insert("near".to_owned(), vec![mine.clone()]);
    });
    world.ask(Soap::new("x").request()).await.is("");
}

#[tokio::test]
async fn endpoint_rights_hold_for_method_and_path_however_it_is_encoded() {
    let world = World::new().await;
    world.change_provider(|provider| {
        provider.rights = vec![endpoint("GET", "/pets/*"), endpoint("*", "/open/**")];
    });
    for (method, path, allowed) in [
        ("GET", "/pets/1", true),
        ("HEAD", "/pets/1", false),
        ("POST", "/pets/1", false),
        ("GET", "/pets/1/owner", false),
        ("GET", "/pets", false),
        ("GET", "", false),
        ("GET", "/", false),
        ("GET", "/p%65ts/1", true),
        ("GET", "/pets/1?x=/open/", true),
        ("DELETE", "/open/a/b", true),
        ("DELETE", "/open/../pets/1", false),
        ("DELETE", "/open/%2e%2e/pets/1", false),
        ("DELETE", "/open/..%2Fpets/1", false),
        ("DELETE", "/open/%252e%252e/pets/1", false),
        ("DELETE", "/open/..%5C..%5Cpets", false),
        ("DELETE", "//open/../../secret", false),
        ("GET", "/pets/a%2Fb", false),
        ("GET", "/secret/..%2f..%2fpets/1", false),
        ("GET", "/pets/%00", false),
    ] {
        let code = if allowed {
            ""
        } else {
            "server.serverproxy.access_denied"
        };
        let answer = world.ask(rest(method, path, "")).await;
        assert_eq!(answer.code(), code, "{method} {path}");
    }
    // A right on an endpoint is none on a SOAP service of that code.
    world.change_provider(|provider| {
        let service_code = "lookup".to_owned();
        provider.rights = vec![AccessRight {
            service_code,
            ..endpoint("*", "/**")
        }];
    });
    refused(&world, Soap::new("x").request(), "access_denied").await;
}

#[tokio::test]
async fn a_refused_body_is_heard_out_but_not_kept() {
    let world = World::new().await;
    world.change_provider(|provider| provider.rights.clear());
    let answer = world.ask(rest("POST", "/x", vec![7; 500_000])).await;
    answer.is("server.serverproxy.access_denied");
    let kept = std::fs::read_dir(world.provider.dir.path().join("bodies"))
        .unwrap()
        .count();
    assert_eq!(kept, 0);
}
