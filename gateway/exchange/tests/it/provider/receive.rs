//! receive: what a peer must not send.

use crate::support::{Letter, NOW, Soap, World, multipart, rest, soap};

const SIGNATURE: &str = "signature/bdoc-1.0/ts";

async fn refused(world: &World, request: http::Request<gateway_net::Body>, code: &str) {
    let answer = world.ask(request).await;
    answer.is(&format!("server.serverproxy.{code}"));
    assert!(world.service.calls().is_empty());
    assert!(world.provider.verdicts().is_empty());
}

async fn headed(edit: impl Fn(&mut http::request::Parts) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.on_request(move |head, _| edit(head));
    refused(&world, Soap::new("x").request(), code).await;
}

async fn soap_edited(edit: impl FnMut(&mut Letter) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.edit_request(edit);
    refused(&world, Soap::new("x").request(), code).await;
}

async fn rest_edited(edit: impl FnMut(&mut Letter) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.edit_request(edit);
    refused(&world, rest("POST", "/x", "a body"), code).await;
}

#[tokio::test]
async fn refuses_wrong_methods_and_headers_in_their_order() {
    headed(
        |head| head.method = http::Method::GET,
        "invalid_http_method",
    )
    .await;
    let action = |head: &mut http::request::Parts| {
        head.headers
            .insert("x-original-soapaction", "unquoted".parse().unwrap());
        head.headers.remove("x-hash-algorithm");
    };
    headed(action, "invalid_soap_action").await;
    headed(
        |head| drop(head.headers.remove("x-hash-algorithm")),
        "internal_error",
    )
    .await;
    let md5 = |head: &mut http::request::Parts| {
        head.headers
            .insert("x-hash-algorithm", "MD5".parse().unwrap());
    };
    headed(md5, "internal_error").await;
    for content_type in [
        "text/plain",
        "multipart/mixed",
        "multipart/related; boundary=b",
    ] {
        let other = move |head: &mut http::request::Parts| {
            head.headers
                .insert("content-type", content_type.parse().unwrap());
        };
        headed(other, "service_failed.invalid_content_type").await;
    }
    let gone = |head: &mut http::request::Parts| {
        head.headers.remove("x-original-content-type");
    };
    headed(gone, "service_failed.internal_error").await;
}

#[tokio::test]
async fn refuses_without_a_valid_configuration() {
    let world = World::new().await;
    world.provider.node.conf.store(None);
    refused(&world, Soap::new("x").request(), "global_conf_outdated").await;
    let world = World::new().await;
    world.ask(Soap::new("x").request()).await.is("");
    world.expire_at(NOW).await;
    world.clock.advance(601);
    world
        .deliver(&world.sent()[0])
        .await
        .is("server.serverproxy.global_conf_outdated");
}

#[tokio::test]
async fn refuses_messages_with_parts_missing_doubled_or_added() {
    soap_edited(|letter| letter.parts.clear(), "missing_soap").await;
    rest_edited(|letter| letter.parts.clear(), "missing_rest").await;
    soap_edited(|letter| letter.remove(SIGNATURE), "missing_signature").await;
    rest_edited(|letter| letter.remove(SIGNATURE), "missing_signature").await;
    soap_edited(
        |letter| letter.double(SIGNATURE),
        "service_failed.invalid_message",
    )
    .await;
    let extra = |letter: &mut Letter| letter.push("text/plain", b"x");
    rest_edited(extra, "service_failed.invalid_message").await;
    let doubled = |letter: &mut Letter| letter.double("text/xml; charset=UTF-8");
    soap_edited(doubled, "service_failed.invalid_content_type").await;
    let doubled = |letter: &mut Letter| letter.double("application/x-road-rest-body");
    rest_edited(doubled, "service_failed.invalid_content_type").await;
    let odd = |letter: &mut Letter| letter.parts[1].0 = "content-type: a/b".to_owned();
    soap_edited(odd, "service_failed.invalid_content_type").await;
}

#[tokio::test]
async fn a_fault_is_no_request() {
    let fault = b"<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
                  <e:Fault><faultcode>a</faultcode><faultstring>b</faultstring></e:Fault>\
                  </e:Body></e:Envelope>";
    let instead = |letter: &mut Letter| *letter.body("text/xml; charset=UTF-8") = fault.to_vec();
    soap_edited(instead, "missing_soap").await;
    let at_the_end = |letter: &mut Letter| {
        letter.remove(SIGNATURE);
        letter.push("text/xml", fault);
    };
    soap_edited(at_the_end, "missing_signature").await;
}

#[tokio::test]
async fn refuses_malformed_message_parts() {
    let cut = |letter: &mut Letter| letter.body("text/xml; charset=UTF-8").truncate(300);
    soap_edited(cut, "service_failed.invalid_soap").await;
    let edit = |from: &'static str, to: &'static str| {
        move |letter: &mut Letter| letter.edit("application/x-road-rest-request", from, to)
    };
    rest_edited(edit("POST", "BREW"), "service_failed.internal_error").await;
    rest_edited(edit("/r1/", "/r2/"), "service_failed.internal_error").await;
    rest_edited(
        edit("content-type:", "host:"),
        "service_failed.internal_error",
    )
    .await;
    rest_edited(edit("/x\r\n", "/x?{}\r\n"), "service_failed.internal_error").await;
    rest_edited(
        edit("x-road-client:", "x-other:"),
        "service_failed.invalid_client_identifier",
    )
    .await;
}

#[tokio::test]
async fn refuses_truncated_messages_wherever_they_stop() {
    let world = World::new().await;
    world.ask(rest("POST", "/x", "a body")).await.is("");
    let sent = world.sent().remove(0);
    for left in (0..sent.body.len() - 60).step_by(611) {
        let mut cut = sent.clone();
        cut.body.truncate(left);
        let answer = world.deliver(&cut).await;
        assert!(
            answer.code().starts_with("server.serverproxy."),
            "{left}: {}",
            answer.code()
        );
    }
    assert_eq!(world.service.calls().len(), 1);
    assert_eq!(world.provider.verdicts().len(), 2);
}

#[tokio::test]
async fn refuses_oversized_parts() {
    let large = |content_type: &'static str, bytes: usize| {
        move |letter: &mut Letter| letter.body(content_type).resize(bytes, b' ')
    };
    let code = "service_failed.invalid_message";
    soap_edited(large("text/xml; charset=UTF-8", (16 << 20) + 1), code).await;
    soap_edited(large(SIGNATURE, (1 << 20) + 1), code).await;
    soap_edited(large("application/ocsp-response", (64 << 10) + 1), code).await;
    rest_edited(
        large("application/x-road-rest-request", (256 << 10) + 1),
        code,
    )
    .await;
    rest_edited(large("application/hash-chain-result", (4 << 20) + 1), code).await;
    rest_edited(large("application/hash-chain", (4 << 20) + 1), code).await;
    let many = |letter: &mut Letter| {
        for _ in 0..17 {
            letter.double("application/ocsp-response");
        }
    };
    soap_edited(many, code).await;
}

#[tokio::test]
async fn refuses_a_body_longer_than_it_keeps() {
    let small = gateway_messagelog::Options {
        content_bytes_max: 1000,
        ..crate::support::options()
    };
    let world = World::with_logs(crate::support::options(), small).await;
    let code = "service_failed.invalid_message";
    refused(&world, rest("POST", "/x", vec![0; 1001]), code).await;
}

#[tokio::test]
async fn attachments_beside_a_plain_type_are_refused() {
    let world = World::new().await;
    world.on_request(|head, _| {
        head.headers
            .insert("x-original-content-type", "text/xml".parse().unwrap());
    });
    let envelope = Soap::new("x").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", b"x".as_slice()),
    ];
    let request = soap("multipart/related; boundary=b", multipart("b", &parts));
    refused(&world, request, "service_failed.invalid_content_type").await;
}
