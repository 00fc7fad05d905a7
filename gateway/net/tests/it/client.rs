//! The client for information systems: pooling, limits, what is told of failures.

use std::{net::Ipv4Addr, time::Duration};

use gateway_net::{
    Body, Class, Client, ClientOptions, Error, Limits, Sent, ServerTrust, channel, collect, empty,
};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::support::{echo, get, read_head, serve, soon, text};

fn client() -> Client {
    Client::new(ClientOptions {
        response_timeout: Duration::from_secs(20),
        ..ClientOptions::default()
    })
    .unwrap()
}

async fn ask(client: &Client, request: Request<Body>) -> Result<Response<Body>, Error> {
    soon(client.request(request, &ServerTrust::Any, None)).await
}

/// A server that gives each connection one answer to its first request, then closes it. It tells
/// the head of every request.
async fn answering(answers: &'static [&'static str]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let (heads, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            drop(heads.send(head));
        }
    });
    (uri, told)
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[tokio::test]
async fn sends_what_it_is_given_and_a_host() {
    let (uri, mut told) = answering(&[WHOLE]).await;
    let request = Request::get(format!("{uri}a/b?c=%20"))
        .header("X-Road-Client", "AZ/GOV/1")
        .body(empty())
        .unwrap();
    assert_eq!(text(ask(&client(), request).await.unwrap()).await, "hi");
    let host = uri.trim_start_matches("http://").trim_end_matches('/');
    let expected =
        format!("GET /a/b?c=%20 HTTP/1.1\r\nx-road-client: AZ/GOV/1\r\nhost: {host}\r\n\r\n");
    assert_eq!(told.recv().await.unwrap(), expected);
}

#[tokio::test]
async fn keeps_connections_and_neither_cookies_nor_redirects() {
    let running = serve(None, Limits::default(), |request, peer| {
        Box::pin(async move {
            let cookie = request.headers().contains_key("cookie");
            Response::builder()
                .status(302)
                .header("location", "/elsewhere")
                .header("set-cookie", "a=b")
                .header("seen", format!("{} {cookie}", peer.address))
                .body(empty())
                .unwrap()
        })
    })
    .await;
    let client = client();
    let first = ask(&client, get(&running.uri("/"))).await.unwrap();
    assert_eq!(first.status(), 302);
    let second = ask(&client, get(&running.uri("/"))).await.unwrap();
    assert_eq!(first.headers()["seen"], second.headers()["seen"]);
    assert!(first.headers()["seen"].to_str().unwrap().ends_with("false"));
}

#[tokio::test]
async fn a_response_not_read_to_its_end_gives_no_connection_back() {
    let running = serve(None, Limits::default(), |_request, peer| {
        Box::pin(async move {
            let (sender, body) = channel(1);
            tokio::spawn(async move {
                // Ends only when its reader is gone.
                let mut sender = sender;
                while sender.send("more".into()).await.is_ok() {}
            });
            Response::builder()
                .header("seen", peer.address.to_string())
                .body(body)
                .unwrap()
        })
    })
    .await;
    let client = client();
    let first = ask(&client, get(&running.uri("/"))).await.unwrap();
    let first = first.headers()["seen"].clone();
    let second = ask(&client, get(&running.uri("/"))).await.unwrap();
    assert_ne!(first, second.headers()["seen"]);
}

#[tokio::test]
async fn tries_again_when_a_kept_connection_was_closed_before_anything_was_sent() {
    let (uri, mut told) = answering(&[WHOLE, WHOLE, WHOLE]).await;
    let client = client();
    for _ in 0..3 {
        assert_eq!(text(ask(&client, get(&uri)).await.unwrap()).await, "hi");
        told.recv().await.unwrap();
    }
}

#[tokio::test]
async fn never_tries_again_what_may_have_been_done() {
    let (uri, mut told) = answering(&["", WHOLE]).await;
    let error = ask(&client(), get(&uri)).await.unwrap_err();
    assert_eq!(error.sent(), Sent::Unknown);
    assert_eq!(error.class(), Class::Io);
    told.recv().await.unwrap();
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn closes_connections_unused_for_too_long() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(WHOLE.as_bytes()).await.unwrap();
        soon(stream.read(&mut [0; 1])).await.unwrap()
    });
    let options = ClientOptions {
        idle_timeout: Duration::from_millis(50),
        ..ClientOptions::default()
    };
    let client = Client::new(options).unwrap();
    assert_eq!(text(ask(&client, get(&uri)).await.unwrap()).await, "hi");
    assert_eq!(server.await.unwrap(), 0);
}

#[tokio::test]
async fn a_cut_response_is_an_error() {
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ] {
        let (uri, _told) = answering(Box::leak(Box::new([cut]))).await;
        let response = ask(&client(), get(&uri)).await.unwrap();
        let error = soon(collect(response.into_body(), 100)).await.unwrap_err();
        assert!(matches!(error, Error::Body { .. }), "{cut:?}: {error:?}");
        assert_eq!(error.class(), Class::Io);
    }
}

#[tokio::test]
async fn refuses_a_head_that_is_too_large_or_none() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    for answer in [&*Box::leak(long.into_boxed_str()), "SMTP ready\r\n\r\n"] {
        let (uri, _told) = answering(Box::leak(Box::new([answer]))).await;
        let error = ask(&client(), get(&uri)).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Exchange {
                    sent: Sent::Unknown,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn tells_failures_apart() {
    let client = client();
    let nobody = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = ask(&client, get(&format!("http://{nobody}/")))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Connect { .. }), "{refused:?}");
    assert_eq!(
        (refused.class(), refused.sent()),
        (Class::Network, Sent::No)
    );

    let unknown = ask(&client, get("http://not..a.name/")).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownHost { .. }), "{unknown:?}");
    assert_eq!(
        (unknown.class(), unknown.sent()),
        (Class::UnknownHost, Sent::No)
    );

    let running = serve(None, Limits::default(), echo).await;
    let uri = format!("https://{}/", running.address);
    let no_tls = ask(&client, get(&uri)).await.unwrap_err();
    assert_eq!(
        (no_tls.class(), no_tls.sent()),
        (Class::Tls, Sent::No),
        "{no_tls:?}"
    );

    let relative = ask(&client, get("/path")).await.unwrap_err();
    assert_eq!(
        (relative.class(), relative.sent()),
        (Class::Local, Sent::No)
    );
}

#[tokio::test]
async fn gives_up_a_service_that_does_not_answer() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let timeout = Some(Duration::from_millis(50));
    let asked = client();
    let asking = asked.request(get(&uri), &ServerTrust::Any, timeout);
    let error = soon(asking).await.unwrap_err();
    assert!(matches!(error, Error::ResponseTimeout), "{error:?}");
    assert_eq!((error.class(), error.sent()), (Class::Io, Sent::Unknown));
}

#[tokio::test]
async fn gives_up_a_response_that_does_not_move() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let _server = tokio::spawn(async move {
        let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            .await
            .unwrap();
        stream.read(&mut [0; 1]).await
    });
    let timeout = Some(Duration::from_millis(50));
    let response = soon(client().request(get(&uri), &ServerTrust::Any, timeout))
        .await
        .unwrap();
    let error = soon(collect(response.into_body(), 100)).await.unwrap_err();
    assert!(matches!(error, Error::BodyTimeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_request_given_up_by_its_writer_says_why_and_never_looks_whole() {
    let running = serve(None, Limits::default(), echo).await;
    let (mut sender, body) = channel(1);
    tokio::spawn(async move {
        sender.send("half".into()).await.unwrap();
        sender.abort(Error::body_source("the log is full")).await;
    });
    let request = Request::post(running.uri("/")).body(body).unwrap();
    let error = ask(&client(), request).await.unwrap_err();
    assert!(matches!(error, Error::BodySource { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Local);
}
