//! What works: the answer arrives as the service gave it, and both logs hold both messages.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_exchange::keys::Keys;
use gateway_exchange::ocsp_port::OcspPort;
use gateway_messagelog::Options;
use gateway_net::Handler;
use http::Request;

use crate::support::{Gate, Letter, NOW, Soap, World, echo, multipart, response, rest, soap};

#[tokio::test]
async fn a_soap_question_is_answered_and_both_logs_hold_it() {
    let world = World::new().await;
    let soap = Soap::new("s-1");
    let answer = world.ask(soap.request()).await;
    answer.is("");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/xml; charset=UTF-8")
    );
    assert!(answer.text().contains("<p:lookupResponse") && answer.text().contains("requestHash"));

    let calls = world.service.calls();
    let [call] = calls.as_slice() else {
        panic!("{}", calls.len())
    };
    assert_eq!(
        call.body,
        soap.text(),
        "the service gets the client's bytes"
    );
    assert_eq!(call.head.headers["soapaction"], "\"urn:lookup\"");
    assert_eq!(call.head.headers["content-type"], "text/xml; charset=UTF-8");
    assert_eq!(call.head.uri, "http://service.example/soap");
    let sent = world.sent();
    let headers = &sent[0].head.headers;
    assert_eq!(headers["x-hash-algorithm"], "SHA-512");
    assert_eq!(
        headers["x-original-content-type"],
        "text/xml; charset=UTF-8"
    );
    assert_eq!(headers["x-original-soapaction"], "\"urn:lookup\"");
    assert!(!headers.contains_key("x-road-message-type"));
    world.logged((2, 0), (2, 0)).await;
    assert_eq!(
        world.consumer.verdicts()[0].user_id.as_deref(),
        Some("AZ99")
    );
    let peer = world.provider.verdicts()[0].peer.clone().unwrap();
    assert_eq!(peer, world.consumer.identity.server);
}

#[tokio::test]
async fn attachments_cross_byte_for_byte_with_their_headers() {
    let world = World::new().await;
    let binary: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let envelope = Soap::new("s-2").text();
    let part = "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n\
                Content-ID: <root>";
    let body = multipart(
        "MIME_b",
        &[
            (part, envelope.as_bytes()),
            ("Content-Type: image/png\r\nContent-ID: <a1>", &binary),
            (
                "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64",
                b"QUJD",
            ),
            ("Content-Type: text/plain", b""),
        ],
    );
    let content_type = "multipart/related; type=\"application/xop+xml\"; start=\"<root>\"; \
                        start-info=\"text/xml\"; boundary=MIME_b";
    let answer = world.ask(soap(content_type, body)).await;
    answer.is("");
    let calls = world.service.calls();
    assert_eq!(calls[0].head.headers["content-type"], content_type);
    for bytes in [&calls[0].body, &answer.body] {
        let at = bytes
            .windows(binary.len())
            .position(|window| window == binary);
        assert!(at.is_some(), "the binary attachment is there");
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let expected = format!("{content_type};charset=utf-8");
    assert_eq!(answer.header("content-type"), Some(expected.as_str()));
    for header in [
        "Content-ID: <a1>",
        "Content-Transfer-Encoding: base64",
        "\r\n\r\nQUJD\r\n",
    ] {
        assert!(text.contains(header), "{header}");
    }
    world.logged((2, 0), (2, 0)).await;
    assert_eq!(world.provider.verdicts()[0].parts.len(), 4);
}

#[tokio::test]
async fn a_multipart_with_only_the_envelope_stays_one() {
    let world = World::new().await;
    let envelope = Soap::new("s-3").text();
    let body = multipart("b", &[("Content-Type: text/xml", envelope.as_bytes())]);
    let answer = world.ask(soap("multipart/related; boundary=b", body)).await;
    answer.is("");
    let calls = world.service.calls();
    assert_eq!(
        calls[0].head.headers["content-type"],
        "multipart/related; boundary=b"
    );
    assert!(answer.text().starts_with("--b\r\n"));
    world.logged((2, 0), (2, 0)).await;
}

#[tokio::test]
async fn every_rest_method_reaches_the_service_with_path_and_query_untouched() {
    let world = World::new().await;
    for (method, carries) in [
        ("GET", false),
        ("POST", true),
        ("PUT", true),
        ("PATCH", true),
        ("DELETE", true),
        ("OPTIONS", true),
    ] {
        let answer = world
            .ask(rest(method, "/pets;v=1/%C3%A4?q=a%20b&&x=", "{\"a\":1}"))
            .await;
        answer.is("");
        let call = world.service.calls().pop().unwrap();
        assert_eq!(call.head.method, method);
        let url = "http://service.example/base/pets;v=1/%C3%A4?q=a%20b&&x=";
        assert_eq!(call.head.uri, url);
        assert_eq!(call.head.headers["x-road-client"], "DEV/COM/1111/TESTCLI");
        assert_eq!(
            call.body,
            if carries { "{\"a\":1}" } else { "" },
            "{method}"
        );
        let same = call.head.headers["x-road-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(answer.header("x-road-request-id"), Some(same.as_str()));
        assert_eq!(
            answer.header("x-road-service"),
            Some("DEV/GOV/2222/TESTPROV/petstore")
        );
    }
    world.logged((12, 0), (12, 0)).await;
}

#[tokio::test]
async fn answers_without_a_body_have_no_body_part_and_empty_ones_have() {
    let world = World::new().await;
    for (method, status, has_part) in [
        ("HEAD", 200, false),
        ("GET", 204, false),
        ("GET", 304, false),
        ("GET", 200, true),
    ] {
        world
            .service
            .answers(move |_, _| Ok(response(status, None, "")));
        let answer = world.ask(rest(method, "", "")).await;
        answer.is("");
        assert_eq!((answer.status, answer.body.len()), (status, 0));
        let verdict = world.consumer.verdicts().pop().unwrap();
        assert_eq!(
            verdict.parts.len(),
            if has_part { 2 } else { 1 },
            "{method} {status}"
        );
    }
    world.logged((8, 0), (8, 0)).await;
}

#[tokio::test]
async fn any_status_and_header_of_a_rest_service_comes_back() {
    let world = World::new().await;
    for status in [200, 201, 302, 400, 404, 418, 500, 503, 599] {
        world.service.answers(move |_, _| {
            let mut answer = response(status, Some("text/plain"), "so it is");
            answer
                .headers_mut()
                .insert("location", "/elsewhere".parse().unwrap());
            answer
                .headers_mut()
                .append("set-cookie", "a=b".parse().unwrap());
            answer
                .headers_mut()
                .append("set-cookie", "c=d".parse().unwrap());
            answer
                .headers_mut()
                .insert("x-road-error", "forged".parse().unwrap());
            answer
                .headers_mut()
                .insert("connection", "x".parse().unwrap());
            Ok(answer)
        });
        let answer = world.ask(rest("GET", "/x", "")).await;
        assert_eq!((answer.status, answer.text()), (status, "so it is"));
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(answer.header("location"), Some("/elsewhere"));
        assert!(!answer.headers.contains_key("x-road-error"));
        assert!(!answer.headers.contains_key("connection"));
    }
    world.logged((18, 0), (18, 0)).await;
}

#[tokio::test]
async fn large_bodies_go_through_files_both_ways() {
    let options = Options {
        content_memory_bytes_max: 20_000,
        ..Options::default()
    };
    let world = World::with(options).await;
    let body: Vec<u8> = (0..3 << 20)
        .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let body = Bytes::from(body);
    let answer = world.ask(rest("POST", "/upload", body.clone())).await;
    answer.is("");
    assert!(answer.body == body && world.service.calls()[0].body == body);

    let envelope = Soap::new("s-4").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", &body),
    ];
    let answer = world
        .ask(soap(
            "multipart/related; boundary=b",
            multipart("b", &parts),
        ))
        .await;
    answer.is("");
    assert!(answer.body.len() > body.len());
    world.logged((4, 0), (4, 0)).await;
}

#[tokio::test]
async fn message_ids_may_repeat_and_the_last_header_counts() {
    let world = World::new().await;
    for _ in 0..2 {
        world.ask(Soap::new("again").request()).await.is("");
    }
    let mut request = rest("GET", "/x", "");
    request
        .headers_mut()
        .append("x-road-id", "first".parse().unwrap());
    request
        .headers_mut()
        .append("x-road-id", "again".parse().unwrap());
    let answer = world.ask(request).await;
    answer.is("");
    assert_eq!(answer.headers.get_all("x-road-id").iter().count(), 1);
    assert_eq!(answer.header("x-road-id"), Some("again"));
    world.logged((6, 0), (6, 0)).await;
    assert_eq!(
        world.consumer.node.log.find("again").await.unwrap().len(),
        6
    );
}

#[tokio::test]
async fn soap_may_be_posted_to_any_path() {
    let world = World::new().await;
    let mut request = Soap::new("s-5").request();
    *request.uri_mut() = "http://elsewhere.example/r2/any?x=y".parse().unwrap();
    request.headers_mut().remove("soapaction");
    world.ask(request).await.is("");
    assert_eq!(world.service.calls()[0].head.headers["soapaction"], "");
    let mut request = Soap::new("s-5").request();
    let action = http::HeaderValue::from_bytes("\"urn:ə\"".as_bytes()).unwrap();
    request.headers_mut().insert("soapaction", action.clone());
    world.ask(request).await.is("");
    assert_eq!(world.service.calls()[1].head.headers["soapaction"], action);
    world.logged((4, 0), (4, 0)).await;
}

#[tokio::test]
async fn messages_that_wait_together_share_a_signature() {
    const LATER: usize = 39;

    let world = World::new().await;
    let gate = Gate::before(Arc::clone(&world.consumer.identity.sign.key));
    let signer = world.sign_with(gate.clone());
    let ask = |at: usize| {
        let world = &world;
        async move {
            match at % 2 {
                0 => world.ask(Soap::new(&format!("b-{at}")).request()).await,
                _ => world.ask(rest("POST", "/x", format!("{at}"))).await,
            }
        }
    };
    // The first is being signed; only then the others come, and it ends when all of them wait.
    let others = async {
        until(|| gate.is_reached()).await;
        futures_util::future::join_all((1..=LATER).map(ask)).await
    };
    let open = async {
        until(|| signer.waiting() == LATER).await;
        gate.open();
    };
    let all = futures_util::future::join3(ask(0), others, open);
    let (first, others, ()) = all.await;
    for answer in others.into_iter().chain([first]) {
        answer.is("");
    }
    world.logged((80, 0), (80, 0)).await;
    // SOAP messages without attachments carry a chain only when signed with others.
    for sent in world.sent() {
        let text = String::from_utf8_lossy(&sent.body);
        let chained = text.contains("application/hash-chain-result");
        if text.contains("p:lookup") {
            assert_eq!(chained, !text.contains("<x:id>b-0</x:id>"));
        }
    }
    assert_eq!(signer.waiting(), 0);
}

/// Until another thread or task has come so far.
async fn until(so_far: impl Fn() -> bool) {
    let reached = async {
        while !so_far() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_intermediate_authority_is_vouched_for_too() {
    let world = World::deep().await;
    world.ask(Soap::new("s-6").request()).await.is("");
    world.ask(rest("GET", "/x", "")).await.is("");
    world.logged((4, 0), (4, 0)).await;
    let body = world.sent()[0].body.clone();
    let text = String::from_utf8_lossy(&body);
    assert_eq!(text.matches("application/ocsp-response").count(), 2);
}

#[tokio::test]
async fn all_servers_of_the_provider_are_candidates() {
    let world = World::new().await;
    let second = world.other.server.clone();
    let provider = world.provider.identity.client.clone();
    world
        .reconfigure(|shared| {
            let server = shared
                .servers
                .iter_mut()
                .find(|server| server.id == second)
                .unwrap();
            server.clients.push(provider);
        })
        .await;
    world.ask(Soap::new("s-7").request()).await.is("");
    let sent = world.sent();
    let hosts: Vec<_> = sent[0]
        .candidates
        .iter()
        .map(|one| one.host.as_str())
        .collect();
    assert_eq!(hosts, ["ss2.example", "ss3.example"]);
    assert!(
        sent[0]
            .candidates
            .iter()
            .all(|one| (one.port, one.ocsp_port) == (5500, 5577))
    );

    let target = "<x:securityServer i:objectType=\"SERVER\"><i:xRoadInstance>DEV</i:xRoadInstance>\
                  <i:memberClass>GOV</i:memberClass><i:memberCode>2222</i:memberCode>\
                  <i:serverCode>ss2</i:serverCode></x:securityServer>";
    let soap = Soap {
        more: target.to_owned(),
        ..Soap::new("s-8")
    };
    world.ask(soap.request()).await.is("");
    assert_eq!(world.sent()[1].candidates.len(), 1);
    let mut request: Request<_> = rest("GET", "/x", "");
    let value = "DEV/GOV/2222/ss2".parse().unwrap();
    request
        .headers_mut()
        .insert("x-road-security-server", value);
    world.ask(request).await.is("");
    world.logged((6, 0), (6, 0)).await;
}

#[tokio::test]
async fn an_exchange_ends_under_the_configuration_it_began_with() {
    let world = World::new().await;
    let nodes = [&world.consumer, &world.provider].map(|place| Arc::clone(&place.node));
    world.service.answers(move |head, body| {
        for node in &nodes {
            node.conf.store(None);
        }
        echo(head, body)
    });
    world.ask(Soap::new("s-9").request()).await.is("");
    world
        .ask(Soap::new("s-9").request())
        .await
        .is("server.clientproxy.global_conf_outdated");
    world.logged((2, 0), (2, 0)).await;
}

#[tokio::test]
async fn other_ocsp_responses_count_once_the_service_has_answered() {
    // The service takes longer than responses stay fresh; the keys were refreshed meanwhile.
    let world = Arc::new(World::new().await);
    let weak = Arc::downgrade(&world);
    world.service.answers(move |head, body| {
        let world = weak.upgrade().unwrap();
        world.clock.advance(4000);
        world.refresh();
        echo(head, body)
    });
    world.ask(rest("POST", "/slow", "x")).await.is("");
    world.logged((2, 0), (2, 0)).await;
}

#[tokio::test]
async fn the_ocsp_port_hands_out_responses_in_the_order_asked() {
    let world = World::new().await;
    let [one, two] = [&world.consumer.identity.auth, &world.consumer.identity.sign].map(|pair| {
        (
            hex::encode(pair.certificate.sha1().as_bytes()),
            world.ocsp(&pair.certificate, NOW),
        )
    });
    let keys = Keys {
        ocsp_by_sha1: [one.clone(), two.clone()].into(),
        ..Keys::default()
    };
    world.consumer.node.keys.store(keys.into());
    let port = OcspPort::new(Arc::clone(&world.consumer.node));
    let peer = world.connection.lock().unwrap().clone();
    let ask = |method: &str, query: String| {
        let request = Request::builder().method(method).uri(format!("/?{query}"));
        port.handle(request.body(gateway_net::empty()).unwrap(), &peer)
    };
    let both = format!("cert={}&cert={}&cert_hash=00", two.0, one.0.to_uppercase());
    let response = ask("GET", both).await;
    assert_eq!(response.status(), 200);
    let content_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = gateway_net::collect(response.into_body(), 1 << 20)
        .await
        .unwrap();
    let letter = Letter::open(&content_type, &body);
    let found: Vec<_> = letter.parts.iter().map(|(_, der)| der.as_slice()).collect();
    assert_eq!(found, [two.1.der(), one.1.der()]);

    assert_eq!(ask("HEAD", String::new()).await.status(), 200);
    for (method, query) in [
        ("GET", String::new()),
        ("GET", "cert=00".to_owned()),
        ("POST", format!("cert={}", one.0)),
        ("GET", vec![format!("cert={}", one.0); 17].join("&")),
    ] {
        assert_eq!(ask(method, query).await.status(), 500);
    }
}
