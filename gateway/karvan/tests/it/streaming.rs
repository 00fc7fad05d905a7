//! A body far larger than any buffer crosses both nodes, there and back, in constant memory.
//!
//! `KARVAN_TEST_STREAM_MIB` makes it larger or smaller than 64 MiB.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, Hasher};
use gateway_net::{Body, Client, ClientOptions, Handler, Limits, Listener, Peer, ServerTrust};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::json;
use std::sync::Arc;
use toml::{Table, Value};

use crate::country::{Country, Service};
use crate::{legal, wire};

/// An information system that sends back what it gets, while it gets it.
#[derive(Debug)]
struct Echo;

impl Handler for Echo {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        Response::new(request.into_body())
    }
}

#[test]
fn a_large_body_crosses_there_and_back_in_constant_memory() {
    let Some(country) = Country::found() else {
        return;
    };
    let mib: usize = std::env::var("KARVAN_TEST_STREAM_MIB")
        .map_or(64, |text| text.parse().expect("a number of MiB"));
    let echo = country.spare(0);
    add_service(&country, &format!("http://{echo}"));
    legal::registry_with(
        &country,
        &["service", "declare"],
        &json!({
            "provider": "AZ/GOV/0000000131/iamas",
            "code": "echo",
            "system": "iamas",
            "personal": false,
        }),
    );
    legal::registry(&country, &["rule", "publish"]);
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    running.serves();
    let nodes = ["iria", "din"].map(|name| running.process(Service::Node(name)));
    let before = nodes.map(|node| node.memory().0);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let portal = running.country.clients("iria");
    runtime.block_on(async {
        let listener = Listener::bind(echo, None, Limits::default()).await.unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(listener.serve(Arc::new(Echo), async {
            let _gone = stopped.await;
        }));
        call(portal, mib).await;
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
    });

    for (name, (node, before)) in ["iria", "din"].iter().zip(nodes.iter().zip(before)) {
        let (now, peak) = node.memory();
        let mb = |bytes: u64| bytes / 1_000_000;
        println!(
            "{name}: {} MB before, {} MB at most, {} MB after {mib} MiB",
            mb(before),
            mb(peak),
            mb(now)
        );
        assert!(
            peak - before < 64_000_000,
            "{name} grew by {} MB",
            mb(peak - before)
        );
    }
    running.serves();
    let country = running.stop();
    for node in ["iria", "din"] {
        let messages = crate::load::check_log(&country.data(node));
        assert!(
            messages
                .iter()
                .any(|(_, direction, id)| direction == "response" && id == "stream")
        );
    }
}

async fn call(portal: std::net::SocketAddr, mib: usize) {
    let http = Client::new(ClientOptions {
        response_timeout: std::time::Duration::from_secs(600),
        ..ClientOptions::default()
    })
    .unwrap();
    let (mut sender, body) = gateway_net::channel(4);
    let sending = tokio::spawn(async move {
        for number in 0..mib {
            sender.send(block(number)).await.unwrap();
        }
        sender.end();
    });
    let request = Request::post(format!("http://{portal}/r1/AZ/GOV/0000000131/iamas/echo/"))
        .header("host", portal.to_string())
        .header("x-road-client", wire::PORTAL)
        .header("x-road-id", "stream")
        .header("content-type", "application/octet-stream")
        .body(body)
        .unwrap();
    let answer = http
        .request(request, &ServerTrust::Any, None)
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.headers());
    let mut expected = Hasher::new(DigestAlgorithm::Sha512);
    let mut received = Hasher::new(DigestAlgorithm::Sha512);
    for number in 0..mib {
        expected.update(&block(number));
    }
    let mut bytes = 0;
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.unwrap().into_data() {
            bytes += data.len();
            received.update(&data);
        }
    }
    assert_eq!(bytes, mib << 20);
    let (received, expected): (Digest, Digest) = (received.finish(), expected.finish());
    assert_eq!(received, expected);
    sending.await.unwrap();
}

/// A MiB like no other.
fn block(number: usize) -> Bytes {
    let line = format!("{number:>15}\n");
    Bytes::from(line.repeat((1 << 20) / line.len()))
}

/// The population register gets one more service, and the portal the right to it.
fn add_service(country: &Country, url: &str) {
    let path = country.config(Service::Node("din"));
    let mut config: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let client = config["client"][0].as_table_mut().unwrap();
    let service = Table::from_iter([
        ("code".to_owned(), Value::from("echo")),
        ("type".to_owned(), Value::from("rest")),
        ("url".to_owned(), Value::from(url)),
        ("timeout_seconds".to_owned(), Value::from(600)),
    ]);
    let right = Table::from_iter([
        ("service".to_owned(), Value::from("echo")),
        ("client".to_owned(), Value::from(wire::PORTAL)),
    ]);
    client["service"]
        .as_array_mut()
        .unwrap()
        .push(service.into());
    client["right"].as_array_mut().unwrap().push(right.into());
    std::fs::write(&path, config.to_string()).unwrap();
}
