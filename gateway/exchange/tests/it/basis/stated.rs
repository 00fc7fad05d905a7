//! What requests say of their ground: how it is read, what becomes of those that say nothing, and
//! which purposes are none.

use gateway_messagelog::Ground;

use super::{refused, refused_there};
use crate::support::{AID, CREDIT, FIN, Soap, World, law, rest, ruled, stating, with_consent};

fn soap(fields: &[(&str, &str)]) -> http::Request<gateway_net::Body> {
    Soap::about(FIN).stating(fields).request()
}

fn get(fields: &[(&str, &str)]) -> http::Request<gateway_net::Body> {
    stating(rest("GET", &format!("/persons/{FIN}"), ""), fields)
}

/// The right names these purposes.
fn name(world: &World, purposes: &[&str]) {
    world.change_provider(|provider| {
        for right in &mut provider.rights {
            right.purposes = purposes.iter().map(|&one| one.to_owned()).collect();
        }
    });
}

#[tokio::test]
async fn refuses_what_two_readers_could_read_in_two_ways() {
    let (world, _) = ruled(vec![law()]).await;
    let long = "x".repeat(8 * 1024 + 1);
    for (fields, code) in [
        (vec![("purpose", AID), ("purpose", CREDIT)], "stated_twice"),
        (vec![("purpose", AID), ("purpose", AID)], "stated_twice"),
        (vec![("purpose", "")], "malformed"),
        (vec![("purpose", &*long)], "too_long"),
        (vec![("purpose", AID), ("emergency", &*long)], "too_long"),
        (
            vec![("purpose", AID), ("consent", &*long)],
            "consent_too_long",
        ),
    ] {
        refused(&world, || soap(&fields), code).await;
        refused(&world, || get(&fields), code).await;
    }
    let broken = [("purpose", "a%ZZ")];
    refused(&world, || get(&broken), "malformed").await;
    let element = [("purpose", "<k:aid/>")];
    refused(&world, || soap(&element), "malformed").await;
    // A second block.
    let twice = || {
        let block = [("purpose", AID)];
        Soap::about(FIN).stating(&block).stating(&block).request()
    };
    refused(&world, twice, "stated_twice").await;
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_to_read_the_caller_from_one_of_two_headers() {
    let (world, _) = ruled(vec![law()]).await;
    for (name, value) in [
        ("x-road-client", "AZ/COM/9/victim"),
        ("x_road_client", "AZ/COM/9/victim"),
        ("x-road-issue", "17"),
        ("x-road-userid", "AZ1"),
    ] {
        let request = || {
            let mut request = get(&[("purpose", AID)]);
            let headers = request.headers_mut();
            if name.ends_with("client") {
                let client = headers["x-road-client"].clone();
                headers.insert(name, value.parse().unwrap());
                headers.append("x-road-client", client);
            } else {
                headers.append(name, value.parse().unwrap());
                headers.append(name, value.parse().unwrap());
            }
            request
        };
        refused(&world, request, "stated_twice").await;
    }
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_headers_that_make_it_another_request_to_some_services() {
    let (world, _) = ruled(vec![law()]).await;
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("X_HTTP_Method", "PUT"),
        ("x-method-override", "PATCH"),
        ("x-original-url", "/persons/5ABCD13"),
        ("x-rewrite-url", "/persons/5ABCD13"),
    ] {
        let request = || {
            let mut request = get(&[("purpose", AID)]);
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
            request
        };
        refused(&world, request, "malformed").await;
    }
    assert!(world.service.calls().is_empty());
    // A proxy before the node may say the same again.
    let mut request = get(&[("purpose", AID)]);
    let path = request.uri().path().to_owned();
    for (name, value) in [("x-original-url", &*path), ("x-http-method", "GET")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    world.ask(request).await.is("");
}

#[tokio::test]
async fn refuses_purposes_that_service_rules_or_right_do_not_know() {
    let (world, _) = ruled(vec![law()]).await;
    for purpose in ["curiosity", "AID", CREDIT] {
        let stated = [("purpose", purpose)];
        refused(&world, || soap(&stated), "purpose_not_declared").await;
        refused(&world, || get(&stated), "purpose_not_declared").await;
    }
    // What the right names is known on the answering node only.
    name(&world, &[CREDIT]);
    let stated = [("purpose", AID)];
    refused_there(&world, || soap(&stated), "purpose_not_declared").await;
}

/// Rules that leave two purposes open to the caller.
async fn two_purposes() -> World {
    let mut second = law();
    second.id = "by-law-too".to_owned();
    second.purposes = vec![CREDIT.to_owned()];
    ruled(vec![law(), second]).await.0
}

#[tokio::test]
async fn an_old_client_gets_the_only_purpose_there_can_be() {
    let (world, _) = ruled(vec![law()]).await;
    world.ask(Soap::about(FIN).request()).await.is("");
    world.ask(get(&[])).await.is("");
    for place in [&world.consumer, &world.provider] {
        for record in place.records().iter().step_by(2) {
            let basis = record.basis.as_ref().unwrap();
            assert_eq!(basis.purpose.as_deref(), Some(AID));
            assert_eq!(basis.ground, Ground::Law);
        }
    }
    world.logged((4, 0), (4, 0)).await;
}

#[tokio::test]
async fn an_old_client_gets_the_one_purpose_its_right_names() {
    let world = two_purposes().await;
    name(&world, &[CREDIT]);
    let answer = world.ask(Soap::about(FIN).request()).await;
    answer.is("");
    // The asking node did not know it, and says nothing of a rule.
    assert_eq!(answer.header("karvan-rule"), None);
    let here = world.consumer.records().remove(0).basis.unwrap();
    assert_eq!(here.ground, Ground::LeftToProvider);
    assert_eq!(
        (here.rule, here.purpose, here.persons.len()),
        (None, None, 1)
    );
    let there = world.provider.records().remove(0).basis.unwrap();
    assert_eq!(there.ground, Ground::Law);
    assert_eq!(there.purpose.as_deref(), Some(CREDIT));
    assert_eq!(there.rule.as_deref(), Some("by-law-too"));
    world.logged((2, 0), (2, 0)).await;
}

#[tokio::test]
async fn an_old_client_is_refused_when_its_right_names_several_purposes_or_none() {
    let world = two_purposes().await;
    for purposes in [&[AID, CREDIT][..], &[]] {
        name(&world, purposes);
        refused_there(&world, || Soap::about(FIN).request(), "purpose_missing").await;
        refused_there(&world, || get(&[]), "purpose_missing").await;
    }
    // Stating one helps.
    world.ask(soap(&[("purpose", CREDIT)])).await.is("");
    // What the asking node leaves open it still reads: whom the request is about.
    let nobody = || Soap::about("").request();
    super::refused_here(&world, nobody, "person_missing").await;
    let nowhere = || rest("GET", "/elsewhere", "");
    super::refused_here(&world, nowhere, "person_missing").await;
}

#[tokio::test]
async fn what_is_said_in_vain_is_said_in_vain() {
    let (world, _) = ruled(vec![law(), with_consent()]).await;
    // Neither a ground that is not asked for, nor how the user was identified, changes the decision.
    let fields = [("purpose", AID), ("authentication", "asan-imza")];
    world.ask(soap(&fields)).await.is("");
    world.ask(get(&fields)).await.is("");
    for record in world.provider.records().iter().step_by(2) {
        let basis = record.basis.as_ref().unwrap();
        assert_eq!(basis.authentication.as_deref(), Some("asan-imza"));
        assert_eq!((basis.ground, &basis.emergency), (Ground::Law, &None));
    }
}
