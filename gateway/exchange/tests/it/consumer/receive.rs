//! receive: what information systems send wrongly.

use std::time::Duration;

use bytes::Bytes;
use gateway_messagelog::Options;
use gateway_net::Error as Net;
use http::Request;

use crate::support::{Soap, World, multipart, rest, soap};

/// Nobody was asked, and nothing but refusals is in the logs.
async fn nothing_happened(world: &World, refusals: u64) {
    assert!(world.sent().is_empty() && world.service.calls().is_empty());
    world.logged((0, refusals), (0, 0)).await;
}

async fn check(request: Request<gateway_net::Body>, code: &str) {
    let world = World::new().await;
    world.ask(request).await.is(code);
    nothing_happened(&world, 0).await;
}

#[tokio::test]
async fn refuses_other_methods_than_post_even_before_the_configuration_is_there() {
    let world = World::new().await;
    world.consumer.node.conf.store(None);
    let get = Request::builder()
        .uri("/")
        .body(gateway_net::empty())
        .unwrap();
    world.ask(get).await.is("client.invalid_http_method");
    nothing_happened(&world, 0).await;
}

#[tokio::test]
async fn refuses_a_soap_action_that_is_no_quoted_uri() {
    for action in ["urn:lookup", "\"a b\"", "\""] {
        let mut request = Soap::new("x").request();
        let value = http::HeaderValue::from_bytes(action.as_bytes()).unwrap();
        request.headers_mut().insert("soapaction", value);
        check(request, "client.invalid_soap_action").await;
    }
}

#[tokio::test]
async fn a_missing_content_type_is_reported_as_deployed_servers_do() {
    let mut request = Soap::new("x").request();
    request.headers_mut().remove("content-type");
    check(request, "server.clientproxy.internal_error").await;
}

#[tokio::test]
async fn refuses_content_types_that_hold_no_soap_message() {
    for content_type in [
        "application/soap+xml",
        "text/plain",
        "multipart/mixed; boundary=b",
        "?",
    ] {
        check(
            soap(content_type, Soap::new("x").text()),
            "client.invalid_content_type",
        )
        .await;
    }
    let mut request = Soap::new("x").request();
    let value = http::HeaderValue::from_bytes(b"text/xml; name=\"\xE4\"").unwrap();
    request.headers_mut().insert("content-type", value);
    check(request, "client.invalid_content_type").await;
}

#[tokio::test]
async fn refuses_each_malformed_envelope_with_its_own_code() {
    let good = Soap::new("x").text();
    let cut = |from: &str, to: &str| {
        let start = good.find(from).unwrap();
        let end = good.find(to).unwrap() + to.len();
        format!("{}{}", &good[..start], &good[end..])
    };
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    for (body, code) in [
        (String::new(), "invalid_soap"),
        (good[..good.len() - 20].to_owned(), "invalid_soap"),
        (
            with("<e:Envelope", "<!DOCTYPE a [<!ENTITY b \"c\">]><e:Envelope"),
            "invalid_soap",
        ),
        (
            with(
                "schemas.xmlsoap.org/soap/envelope/",
                "www.w3.org/2003/05/soap-envelope",
            ),
            "invalid_soap",
        ),
        (
            format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000)),
            "invalid_soap",
        ),
        (with("\"SUBSYSTEM\"", "\"SERVER\""), "invalid_xml"),
        (
            with("<x:id>x</x:id>", "<x:id>x</x:id><x:id>y</x:id>"),
            "duplicate_header_field",
        ),
        (with(">4.0<", ">5.0<"), "invalid_protocol_version"),
        (cut("<e:Header>", "</e:Header>"), "missing_header"),
        (cut("<x:id>", "</x:id>"), "missing_header_field"),
        (cut("<e:Body>", "</e:Body>"), "missing_body"),
        (cut("<p:lookup", "</p:lookup>"), "invalid_body"),
        (with("</e:Body>", "<b/></e:Body>"), "invalid_body"),
        (with("p:lookup", "p:search"), "inconsistent_headers"),
        (with(">1111<", "> <"), "internal_error"),
    ] {
        check(soap("text/xml", body), &format!("client.{code}")).await;
    }
}

#[tokio::test]
async fn a_fault_posted_as_a_request_is_given_back_under_client() {
    let fault = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
                 <e:Fault><faultcode>SOAP:Server</faultcode><faultstring>AZ12345</faultstring>\
                 </e:Fault></e:Body></e:Envelope>";
    check(soap("text/xml", fault), "client.soap:server").await;
}

#[tokio::test]
async fn refuses_broken_multiparts() {
    let envelope = Soap::new("x").text();
    let envelope = envelope.as_bytes();
    let related = "multipart/related; boundary=b";
    for (content_type, body, code) in [
        (related, b"--b--\r\n".to_vec(), "missing_soap"),
        (related, Vec::new(), "missing_soap"),
        (
            related,
            multipart("b", &[("Content-ID: <a>", envelope)]),
            "invalid_content_type",
        ),
        (
            related,
            multipart("b", &[("Content-Type: text/plain", envelope)]),
            "invalid_content_type",
        ),
        (
            related,
            b"--b\r\nno colon here\r\n\r\nx\r\n--b--".to_vec(),
            "mime_parsing_failed",
        ),
        (
            "multipart/related",
            multipart("b", &[]),
            "mime_parsing_failed",
        ),
    ] {
        check(soap(content_type, body), &format!("client.{code}")).await;
    }
}

#[tokio::test]
async fn refuses_an_attachment_without_a_content_type() {
    let world = World::new().await;
    let envelope = Soap::new("x").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-ID: <a>", b"x".as_slice()),
    ];
    let request = soap("multipart/related; boundary=b", multipart("b", &parts));
    world.ask(request).await.is("client.invalid_content_type");
    nothing_happened(&world, 1).await;
}

#[tokio::test]
async fn refuses_malformed_rest_requests_in_the_form_asked_for() {
    let with = |uri: &str, method: &str| {
        let mut request = rest(method, "", "");
        *request.uri_mut() = uri.parse().unwrap();
        request
    };
    for request in [
        with("/r1/DEV/GOV/2222/TESTPROV", "GET"),
        with("/r1/DEV/GOV//TESTPROV/petstore", "GET"),
        with("/r1/DEV/GOV/2222/TESTPROV/petstore", "BREW"),
    ] {
        check(request, "server.clientproxy.internal_error").await;
    }
    let mut request = rest("GET", "", "");
    request.headers_mut().remove("x-road-client");
    check(request, "server.clientproxy.invalid_client_identifier").await;

    let world = World::new().await;
    let mut request = with("/r1/x", "GET");
    request.headers_mut().insert(
        "accept",
        "application/json, text/xml;q=0.1".parse().unwrap(),
    );
    let answer = world.ask(request).await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/xml;charset=utf-8")
    );
    assert!(
        answer
            .text()
            .contains("<type>server.clientproxy.internal_error</type>")
    );
}

/// Some bytes, then no more in time.
async fn broken(head: http::request::Parts, bytes: &[u8]) -> Request<gateway_net::Body> {
    let (mut sender, body) = gateway_net::channel(4);
    sender.send(Bytes::copy_from_slice(bytes)).await.unwrap();
    sender
        .abort(Net::BodyTimeout {
            allowed: Duration::from_secs(1),
        })
        .await;
    Request::from_parts(head, body)
}

#[tokio::test]
async fn refuses_bodies_that_stop_short() {
    let world = World::new().await;
    let (head, _) = rest("POST", "/x", "").into_parts();
    let answer = world.ask(broken(head, b"half a b").await).await;
    answer.is("server.clientproxy.io_error");
    let envelope = Soap::new("x").text();
    let (head, _) = soap("text/xml", "").into_parts();
    world
        .ask(broken(head, &envelope.as_bytes()[..90]).await)
        .await
        .is("client.io_error");
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", b"half"),
    ];
    let whole = multipart("b", &parts);
    let (head, _) = soap("multipart/related; boundary=b", "").into_parts();
    world
        .ask(broken(head, &whole[..whole.len() - 9]).await)
        .await
        .is("client.io_error");
    nothing_happened(&world, 2).await;
}

#[tokio::test]
async fn refuses_what_is_larger_than_allowed() {
    let small = Options {
        content_bytes_max: 1000,
        ..Options::default()
    };
    let world = World::with(small).await;
    world
        .ask(rest("POST", "/x", vec![0; 1001]))
        .await
        .is("server.clientproxy.invalid_message");
    let envelope = Soap::new("x").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", &[0; 1001]),
    ];
    let request = soap("multipart/related; boundary=b", multipart("b", &parts));
    world.ask(request).await.is("client.invalid_message");
    let body = format!(
        "<p:lookup xmlns:p=\"urn:p\">{}</p:lookup>",
        "x".repeat(17 << 20)
    );
    let large = Soap {
        body,
        ..Soap::new("x")
    };
    world
        .ask(large.request())
        .await
        .is("client.invalid_message");
    let mut request = rest("GET", "/x", "");
    for at in 0..30 {
        let name: http::HeaderName = format!("x-large-{at}").parse().unwrap();
        request
            .headers_mut()
            .insert(name, "y".repeat(10_000).parse().unwrap());
    }
    world
        .ask(request)
        .await
        .is("server.clientproxy.invalid_message");
    nothing_happened(&world, 2).await;
}

#[tokio::test]
async fn texts_of_refusals_hold_nothing_of_the_message() {
    let world = World::new().await;
    let secret = "5ABC12D";
    let bodies = [
        (
            format!("text/plain; name=\"{secret}\""),
            Soap::new("x").text(),
        ),
        (
            format!("multipart/related; boundary=\"{secret}\"; name={secret} {secret}"),
            String::new(),
        ),
        (
            "text/xml".to_owned(),
            Soap::new("x")
                .text()
                .replace(">42<", &format!(">{secret}<&{secret};<")),
        ),
        (
            "text/xml".to_owned(),
            Soap::new("x")
                .text()
                .replace("</p:key>", &format!("</{secret}>")),
        ),
    ];
    for (content_type, body) in bodies {
        let answer = world.ask(soap(&content_type, body)).await;
        assert_ne!(answer.code(), "");
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
}
