//! call: services that cannot be asked, and answers that are none.

use std::io;
use std::time::Duration;

use gateway_net::{Error as Net, ServerTrust};

use crate::support::{Soap, World, echo, multipart, replace_all, response, rest};

async fn soap_refused(world: &World, code: &str) {
    let answer = world.ask(Soap::new("x").request()).await;
    answer.is(&format!("server.serverproxy.{code}"));
    world.logged((1, 1), (1, 1)).await;
}

#[tokio::test]
async fn refuses_services_without_a_usable_url() {
    for (url, code) in [
        ("", "service_missing_url"),
        ("no url", "service_malformed_url"),
        ("/relative", "service_malformed_url"),
        ("ftp://service.example/", "service_malformed_url"),
        ("http://user:word@service.example/", "service_malformed_url"),
    ] {
        let world = World::new().await;
        world.change_service("lookup", |service| service.url = url.to_owned());
        soap_refused(&world, code).await;
        world.change_service("petstore", |service| service.url = url.to_owned());
        let answer = world.ask(rest("GET", "/x", "")).await;
        answer.is(&format!("server.serverproxy.{code}"));
        assert!(world.service.calls().is_empty());
    }
}

#[tokio::test]
async fn says_how_the_service_failed_under_another_prefix_for_soap_than_for_rest() {
    type Case = (fn() -> Net, &'static str);
    let cases: [Case; 6] = [
        (
            || Net::UnknownHost {
                host: "service.example".to_owned(),
            },
            "unknown_host",
        ),
        (
            || Net::Connect {
                source: io::ErrorKind::ConnectionRefused.into(),
            },
            "network_error",
        ),
        (|| Net::ConnectTimeout, "io_error"),
        (|| Net::ResponseTimeout, "io_error"),
        (|| Net::ServerUntrusted, "ssl_authentication_failed"),
        (
            || Net::BodyTimeout {
                allowed: Duration::from_secs(1),
            },
            "io_error",
        ),
    ];
    for (error, code) in cases {
        let world = World::new().await;
        world.service.answers(move |_, _| Err(error()));
        soap_refused(&world, &format!("service_failed.{code}")).await;
        let answer = world.ask(rest("GET", "/x", "")).await;
        answer.is(&format!("server.serverproxy.{code}"));
        world.logged((2, 2), (2, 2)).await;
    }
}

#[tokio::test]
async fn refuses_answers_that_break_off() {
    let world = World::new().await;
    world.service.answers(|head, body| {
        let whole = echo(head, body)?;
        let (head, _) = whole.into_parts();
        let pieces = futures_util::stream::iter([
            Ok(bytes::Bytes::from_static(b"<e:Env")),
            Err(Net::BodyTimeout {
                allowed: Duration::from_secs(1),
            }),
        ]);
        use futures_util::StreamExt as _;
        use http_body_util::BodyExt as _;
        let frames = pieces.map(|piece| piece.map(http_body::Frame::data));
        let body = http_body_util::StreamBody::new(frames).boxed_unsync();
        Ok(http::Response::from_parts(head, body))
    });
    soap_refused(&world, "service_failed.io_error").await;
    world
        .ask(rest("POST", "/x", "a"))
        .await
        .is("server.serverproxy.io_error");
}

#[tokio::test]
async fn refuses_soap_answers_of_another_form() {
    let good = Soap::new("x").text();
    let related = "multipart/related; boundary=b";
    let plain = "text/xml; charset=utf-8";
    let no_header = good.replace("<x:id>x</x:id>", "");
    let part = |headers: &str, body: &str| multipart("b", &[(headers, body.as_bytes())]);
    let then_bad = multipart(
        "b",
        &[
            ("Content-Type: text/xml", good.as_bytes()),
            ("Content-ID: <a>", b"x"),
        ],
    );
    for (status, content_type, body, code) in [
        (404, Some(plain), good.clone().into_bytes(), "http_error"),
        (302, Some(plain), good.clone().into_bytes(), "http_error"),
        (200, None, good.clone().into_bytes(), "invalid_content_type"),
        (
            200,
            Some("text/html"),
            b"<html>".to_vec(),
            "invalid_content_type",
        ),
        (200, Some(plain), Vec::new(), "invalid_soap"),
        (200, Some(plain), b"<html>".to_vec(), "invalid_soap"),
        (500, Some(plain), good.clone().into_bytes(), ""),
        (
            200,
            Some(plain),
            no_header.into_bytes(),
            "missing_header_field",
        ),
        (
            200,
            Some(plain),
            good.replace("p:lookup", "p:other").into_bytes(),
            "inconsistent_headers",
        ),
        (200, Some(related), b"--b--".to_vec(), "invalid_message"),
        (200, Some(related), Vec::new(), "invalid_message"),
        (
            200,
            Some(related),
            part("Content-Type: text/plain", &good),
            "invalid_content_type",
        ),
        (
            200,
            Some(related),
            part("Content-ID: <a>", &good),
            "invalid_content_type",
        ),
        (200, Some(related), then_bad, "invalid_content_type"),
        (
            200,
            Some("multipart/related"),
            Vec::new(),
            "mime_parsing_failed",
        ),
        (
            200,
            Some(related),
            b"--b\r\nno colon\r\n\r\nx\r\n--b--".to_vec(),
            "mime_parsing_failed",
        ),
    ] {
        let world = World::new().await;
        world
            .service
            .answers(move |_, _| Ok(response(status, content_type, body.clone())));
        match code {
            "" => world.ask(Soap::new("x").request()).await.is(""),
            code => soap_refused(&world, &format!("service_failed.{code}")).await,
        }
    }
}

#[tokio::test]
async fn refuses_soap_answers_to_another_question() {
    for (from, to) in [
        ("<x:id>x", "<x:id>y"),
        (">case-7<", "><"),
        ("TESTCLI", "OTHER"),
    ] {
        let world = World::new().await;
        world.service.answers(move |head, body| {
            let body = replace_all(body, from.as_bytes(), to.as_bytes());
            echo(head, &body.into())
        });
        soap_refused(&world, "service_failed.inconsistent_response").await;
    }
}

#[tokio::test]
async fn faults_of_the_service_come_back_unchanged() {
    let fault = "<?xml version=\"1.0\"?><E:Envelope xmlns:E=\"http://schemas.xmlsoap.org/soap/envelope/\">\
                 <E:Body><E:Fault><faultcode>E:Server</faultcode><faultstring>5ABC12D is unknown\
                 </faultstring><detail><own xmlns=\"urn:o\">x</own></detail></E:Fault></E:Body></E:Envelope>";
    let part = ("Content-Type: text/xml", fault.as_bytes());
    let related = multipart("b", &[part]);
    for (status, content_type, body) in [
        (500, "text/xml", fault.as_bytes().to_vec()),
        (200, "text/xml", fault.as_bytes().to_vec()),
        (500, "multipart/related; boundary=b", related),
    ] {
        let world = World::new().await;
        world
            .service
            .answers(move |_, _| Ok(response(status, Some(content_type), body.clone())));
        let answer = world.ask(Soap::new("x").request()).await;
        assert_eq!((answer.code(), answer.text()), ("E:Server", fault));
        world.logged((1, 1), (1, 1)).await;
        for place in [&world.consumer, &world.provider] {
            let refusal = place.refusals(1).await.remove(0);
            assert_eq!(
                (refusal.code.as_str(), refusal.fault_id.as_str()),
                ("E:Server", "")
            );
            assert!(!refusal.reason.contains("5ABC12D"), "{}", refusal.reason);
        }
    }
}

#[tokio::test]
async fn interim_statuses_are_no_answers() {
    let world = World::new().await;
    world.service.answers(|_, _| Ok(response(101, None, "")));
    world
        .ask(rest("GET", "/x", ""))
        .await
        .is("server.serverproxy.http_error");
    world.logged((1, 1), (1, 1)).await;
}

#[tokio::test]
async fn refuses_rest_answers_whose_headers_are_too_large_for_peers() {
    let world = World::new().await;
    world.service.answers(|_, _| {
        let mut answer = response(200, None, "");
        for at in 0..30 {
            let name: http::HeaderName = format!("x-large-{at}").parse().unwrap();
            answer
                .headers_mut()
                .insert(name, "y".repeat(10_000).parse().unwrap());
        }
        Ok(answer)
    });
    world
        .ask(rest("GET", "/x", ""))
        .await
        .is("server.serverproxy.invalid_message");
}

#[tokio::test]
async fn believes_only_registered_certificates_of_the_service_unless_told_otherwise() {
    let world = World::new().await;
    let certificate = world.other.auth.certificate.clone();
    world.change_provider(|provider| provider.certificates = vec![certificate.clone()]);
    world.ask(Soap::new("x").request()).await.is("");
    world.change_service("lookup", |service| service.verify_certificate = false);
    world.ask(Soap::new("x").request()).await.is("");
    let calls = world.service.calls();
    let ServerTrust::OneOf(trusted) = &calls[0].target.trust else {
        panic!()
    };
    assert_eq!(trusted, &[certificate]);
    assert!(matches!(calls[1].target.trust, ServerTrust::Any));
    assert_eq!(calls[0].target.timeout, Duration::from_secs(60));
}

#[tokio::test]
async fn one_of_two_meeting_slashes_is_dropped() {
    let world = World::new().await;
    for (url, path, expected) in [
        (
            "http://service.example/base/",
            "/x",
            "http://service.example/base/x",
        ),
        (
            "http://service.example/base",
            "/x",
            "http://service.example/base/x",
        ),
        (
            "http://service.example/base/",
            "",
            "http://service.example/base/",
        ),
        ("http://service.example", "?", "http://service.example/?"),
        (
            "http://service.example/base/",
            "/?a=b",
            "http://service.example/base/?a=b",
        ),
    ] {
        world.change_service("petstore", |service| service.url = url.to_owned());
        world.ask(rest("GET", path, "")).await.is("");
        assert_eq!(world.service.calls().pop().unwrap().head.uri, expected);
    }
}

#[tokio::test]
async fn the_code_of_a_fault_is_text_of_others_and_stays_out_of_our_log() {
    let code = "5ABC12D is a person ".repeat(1000);
    let fault = format!(
        "<E:Envelope xmlns:E=\"http://schemas.xmlsoap.org/soap/envelope/\"><E:Body><E:Fault>\
         <faultcode>{code}</faultcode><faultstring>x</faultstring></E:Fault></E:Body></E:Envelope>"
    );
    let world = World::new().await;
    let body = fault.clone();
    world
        .service
        .answers(move |_, _| Ok(response(500, Some("text/xml"), body.clone())));
    let answer = world.ask(Soap::new("x").request()).await;
    assert_eq!(answer.text(), fault);
    for place in [&world.consumer, &world.provider] {
        assert_eq!(place.refusals(1).await[0].code, "unprintable");
    }
}
