//! Whom requests are about: found where the services declare it, in SOAP and REST, one and several;
//! what cannot be found or read leaves no node.

use gateway_net::Body;
use http::Request;

use super::refused;
use crate::support::{
    AID, FIN, OTHER_FIN, Place, Soap, THIRD_FIN, World, law, multipart, options, rest, ruled,
    stating,
};

fn asked(method: &str, path: &str, body: &str) -> Request<Body> {
    stating(rest(method, path, body.to_owned()), &[("purpose", AID)])
}

fn headed(fins: &[&str]) -> Request<Body> {
    let mut request = asked("GET", "/headed", "");
    for fin in fins {
        let value = fin.parse().unwrap();
        request.headers_mut().append("x-person", value);
    }
    request
}

fn soap(body: &str) -> Request<Body> {
    let soap = Soap {
        body: body.to_owned(),
        ..Soap::new("p")
    };
    soap.stating(&[("purpose", AID)]).request()
}

fn family(fins: &[&str]) -> String {
    let persons: Vec<_> = fins
        .iter()
        .map(|fin| serde_json::json!({ "fin": fin }))
        .collect();
    serde_json::json!({ "persons": persons }).to_string()
}

/// The marks of the last request.
fn marks(place: &Place) -> Vec<gateway_messagelog::PersonMark> {
    let records = place.records();
    let record = records.iter().rev().find(|record| record.basis.is_some());
    record.unwrap().basis.clone().unwrap().persons
}

#[tokio::test]
async fn one_person_has_one_mark_on_a_node_wherever_the_key_stands() {
    let (world, _) = ruled(vec![law()]).await;
    let lower = FIN.to_lowercase();
    let requests = [
        soap(&format!(
            "<p:lookup xmlns:p=\"urn:p\"><p:key>{FIN}</p:key></p:lookup>"
        )),
        asked("GET", &format!("/persons/{FIN}/name"), ""),
        asked("GET", &format!("/persons/%35{}/name", &FIN[1..]), ""),
        asked("GET", &format!("/search?x=1&fin={lower}"), ""),
        asked("POST", "/family", &family(&[FIN])),
        headed(&[FIN]),
    ];
    let mut seen: [Vec<_>; 2] = Default::default();
    for request in requests {
        world.ask(request).await.is("");
        for (seen, place) in seen.iter_mut().zip([&world.consumer, &world.provider]) {
            let marks = marks(place);
            assert_eq!(marks.len(), 1);
            seen.extend(marks);
        }
    }
    for seen in &seen {
        assert!(seen.iter().all(|mark| mark == &seen[0]));
    }
    assert_ne!(
        seen[0][0].mark, seen[1][0].mark,
        "each node has its own keys"
    );
    world.logged((12, 0), (12, 0)).await;
}

#[tokio::test]
async fn several_persons_have_a_mark_each() {
    let (world, _) = ruled(vec![law()]).await;
    let body = family(&[FIN, OTHER_FIN, THIRD_FIN, FIN]);
    world.ask(asked("POST", "/family", &body)).await.is("");
    for place in [&world.consumer, &world.provider] {
        let mut marks = marks(place);
        marks.sort();
        marks.dedup();
        assert_eq!(marks.len(), 3);
    }
    let twice = format!(
        "<p:lookup xmlns:p=\"urn:p\"><p:key>{FIN}</p:key><p:key>{OTHER_FIN}</p:key></p:lookup>"
    );
    world.ask(soap(&twice)).await.is("");
    assert_eq!(marks(&world.provider).len(), 2);
    // The service gets the body as it was sent, though it was looked into.
    assert_eq!(world.service.calls()[0].body, body);
}

#[tokio::test]
async fn refuses_requests_that_name_nobody() {
    let (world, _) = ruled(vec![law()]).await;
    let nobody = || soap("<p:lookup xmlns:p=\"urn:p\"><p:other>1</p:other></p:lookup>");
    refused(&world, nobody, "person_missing").await;
    for (method, path, body) in [
        ("GET", "/persons", ""),
        ("GET", "/search?finn=1", ""),
        ("GET", "/search", ""),
        ("GET", "/headed", ""),
        ("POST", "/family", "{\"persons\":[]}"),
        ("POST", "/family", "{}"),
        ("POST", "/family", ""),
        // No place is declared for it at all.
        ("GET", "/elsewhere", ""),
        ("PUT", "/family", "{\"persons\":[{\"fin\":\"5ABCD12\"}]}"),
    ] {
        refused(&world, || asked(method, path, body), "person_missing").await;
    }
}

#[tokio::test]
async fn refuses_keys_that_are_none_before_they_leave() {
    let (world, _) = ruled(vec![law()]).await;
    for wrong in [
        "5ABCD1", "5ABCD123", "5ABCDI2", "5ABCDO2", "5ABCDı2", "5ABCD 2",
    ] {
        let body = format!("<p:lookup xmlns:p=\"urn:p\"><p:key>{wrong}</p:key></p:lookup>");
        refused(&world, || soap(&body), "person_malformed").await;
        let body = family(&[FIN, wrong]);
        let request = || asked("POST", "/family", &body);
        refused(&world, request, "person_malformed").await;
    }
    let request = || asked("GET", "/search?fin=5ABCD1", "");
    refused(&world, request, "person_malformed").await;
    refused(&world, || headed(&[FIN, "5ABCD1"]), "person_malformed").await;
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_bodies_that_cannot_be_read_as_declared() {
    let (world, _) = ruled(vec![law()]).await;
    let double = format!("{{\"persons\":[{{\"fin\":\"{FIN}\",\"fin\":\"{OTHER_FIN}\"}}]}}");
    let long = format!("{{\"pad\":\"{}\"}}", "x".repeat(1 << 20));
    for body in [
        "<xml/>",
        "{\"persons\":[{\"fin\":\"5ABCD12\"}]} x",
        &double,
        &long,
        "{\"persons\":[{\"fin\":\"\u{feff}",
    ] {
        let request = || asked("POST", "/family", body);
        refused(&world, request, "person_unreadable").await;
    }
}

#[tokio::test]
async fn a_body_is_looked_into_whatever_it_calls_itself() {
    let (world, _) = ruled(vec![law()]).await;
    let body = family(&[FIN]);
    let mut request = asked("POST", "/family", &body);
    let plain = "text/plain".parse().unwrap();
    request.headers_mut().insert("content-type", plain);
    world.ask(request).await.is("");
    assert_eq!(marks(&world.provider).len(), 1);
}

#[tokio::test]
async fn refuses_a_multipart_in_which_a_service_may_find_another_envelope() {
    let (world, _) = ruled(vec![law()]).await;
    let envelope = |fin: &str| {
        let body = format!("<p:lookup xmlns:p=\"urn:p\"><p:key>{fin}</p:key></p:lookup>");
        let soap = Soap {
            body,
            ..Soap::new("p")
        };
        soap.stating(&[("purpose", AID)]).text()
    };
    let (judged, other) = (envelope(FIN), envelope(OTHER_FIN));
    let sent = |content_type: &str, first: &str, second: &str| {
        let parts = [(first, judged.as_bytes()), (second, other.as_bytes())];
        crate::support::soap(content_type, multipart("b", &parts))
    };
    let root = "Content-Type: text/xml\r\nContent-ID: <root>";
    let more = "Content-Type: text/xml\r\nContent-ID: <more>";
    let started = "multipart/related; boundary=b; start=\"<root>\"";
    for (content_type, first, second) in [
        (
            "multipart/related; boundary=b; start=\"<more>\"",
            root,
            more,
        ),
        (
            "multipart/related; boundary=b; start=\"<more>\"",
            "Content-Type: text/xml",
            more,
        ),
        (
            "multipart/related; boundary=b; start=more; start=root",
            root,
            more,
        ),
        (
            "multipart/related; boundary=b; start*=utf-8''more",
            root,
            more,
        ),
        ("multipart/related; boundary=b; boundary=c", root, more),
        (started, root, root),
        (
            started,
            "Content-Type: text/xml\r\nContent-ID: <root>\r\nContent-ID: <more>",
            more,
        ),
        (
            started,
            "Content-Type: text/xml\r\nContent-ID: <root>\r\n\
             Content-Transfer-Encoding: quoted-printable",
            more,
        ),
    ] {
        let request = || sent(content_type, first, second);
        refused(&world, request, "person_unreadable").await;
    }
    assert!(world.service.calls().is_empty());
    let plain = "Content-Type: text/xml\r\nContent-Transfer-Encoding: 8bit";
    for (content_type, first) in [(started, root), ("multipart/related; boundary=b", plain)] {
        world.ask(sent(content_type, first, more)).await.is("");
    }
    assert_eq!(marks(&world.provider).len(), 1);
}

#[tokio::test]
async fn a_body_in_a_file_is_looked_into_too() {
    let mut options = options();
    options.content_memory_bytes_max = 1000;
    let world = World::with(options).await;
    let mut desk = crate::support::Desk::new();
    world.enact(&desk.part(vec![law()])).await;
    desk.tell(&world, []);
    let pad = "x".repeat(300_000);
    let body = format!("{{\"pad\":\"{pad}\",\"persons\":[{{\"fin\":\"{FIN}\"}}]}}");
    world.ask(asked("POST", "/family", &body)).await.is("");
    assert_eq!(marks(&world.provider), marks(&world.provider));
    assert_eq!(marks(&world.consumer).len(), 1);
    assert_eq!(world.service.calls()[0].body, body);
    world.logged((2, 0), (2, 0)).await;
}

#[tokio::test]
async fn refuses_more_persons_than_one_request_may_name() {
    let (world, _) = ruled(vec![law()]).await;
    let fins: Vec<String> = (0..65).map(|at| format!("5ABC{at:03}")).collect();
    let fins: Vec<&str> = fins.iter().map(String::as_str).collect();
    let body = family(&fins);
    let request = || asked("POST", "/family", &body);
    refused(&world, request, "persons_too_many").await;
    let body = family(&fins[..64]);
    world.ask(asked("POST", "/family", &body)).await.is("");
}
