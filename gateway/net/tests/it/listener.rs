//! Listeners: what they serve, what they bear, how they end.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gateway_net::{
    Body, Client, ClientOptions, Error, Limits, Peer, ServerTrust, channel, collect, empty, full,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

use crate::support::{Answer, Running, echo, get, read_all, read_head, serve, soon, talk, text};

fn client() -> Client {
    Client::new(ClientOptions::default()).unwrap()
}

async fn ask(client: &Client, request: Request<Body>) -> Result<Response<Body>, Error> {
    soon(client.request(request, &ServerTrust::Any, None)).await
}

#[tokio::test]
async fn answers_requests_on_one_connection() {
    let running = serve(None, Limits::default(), |_request, peer| {
        Box::pin(async move { Response::new(full(peer.address.to_string())) })
    })
    .await;
    let client = client();
    let first = text(ask(&client, get(&running.uri("/"))).await.unwrap()).await;
    let second = text(ask(&client, get(&running.uri("/"))).await.unwrap()).await;
    assert_eq!(first, second);
}

/// PR-MESSTRANSP: consumers look response headers up in lower case.
#[tokio::test]
async fn writes_header_names_in_lower_case_with_a_date_and_without_a_server() {
    let running = serve(None, Limits::default(), |_request, _peer| {
        Box::pin(async {
            Response::builder()
                .header("X-Hash-Algorithm", "SHA-512")
                .body(empty())
                .unwrap()
        })
    })
    .await;
    let answer = talk(
        running.address,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.contains("\r\nx-hash-algorithm: SHA-512\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\ndate: "), "{answer}");
    assert!(
        !answer.to_ascii_lowercase().contains("\r\nserver:"),
        "{answer}"
    );
}

#[tokio::test]
async fn accepts_targets_in_absolute_form() {
    let running = serve(None, Limits::default(), echo).await;
    let request = "POST http://provider.example:9000/soap?x HTTP/1.1\r\nHost: provider.example:9000\r\n\
         Connection: close\r\nContent-Length: 2\r\n\r\nhi";
    let answer = talk(running.address, request).await;
    assert!(
        answer.ends_with("POST http://provider.example:9000/soap?x hi"),
        "{answer}"
    );
}

#[tokio::test]
async fn asks_for_a_body_that_waits_to_be_asked_for() {
    let running = serve(None, Limits::default(), echo).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\
                Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        read_head(&mut stream).await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(b"hi").await.unwrap();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hi"),
        "{answer}"
    );
}

#[tokio::test]
async fn answers_a_client_that_has_finished_writing() {
    let (running, come, go) = waiting(Duration::from_secs(60)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    soon(come.notified()).await;
    go.notify_one();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(answer.ends_with("done"), "{answer}");
}

#[tokio::test]
async fn refuses_to_be_a_tunnel() {
    let running = serve(None, Limits::default(), echo).await;
    let answer = talk(
        running.address,
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[tokio::test]
async fn refuses_heads_that_are_too_large() {
    let limits = Limits {
        header_bytes_max: 8 * 1024,
        headers_max: 20,
        ..Limits::default()
    };
    let running = serve(None, limits, echo).await;
    let long = "x".repeat(9_000);
    let whole = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n");
    let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}");
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(21));
    for request in [whole, endless, many] {
        let answer = talk(running.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let fits = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n",
        &long[..7_000]
    );
    assert!(
        talk(running.address, fits)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn closes_connections_whose_head_trickles() {
    let limits = Limits {
        header_read_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_secs(60),
        ..Limits::default()
    };
    let running = serve(None, limits, echo).await;
    // One says nothing at all, one goes on slowly, for ever.
    assert_eq!(talk(running.address, "").await, "");
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let trickling = async {
        loop {
            let closed = tokio::time::timeout(Duration::from_millis(20), stream.read_u8()).await;
            if closed.is_ok() || stream.write_all(b"x").await.is_err() {
                return;
            }
        }
    };
    soon(trickling).await;
}

#[tokio::test]
async fn closes_idle_connections_but_not_busy_ones() {
    let limits = Limits {
        idle_timeout: Duration::from_millis(50),
        header_read_timeout: Duration::from_secs(60),
        ..Limits::default()
    };
    let running = serve(None, limits, |request, peer| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            echo(request, peer).await
        })
    })
    .await;
    let answer = talk(running.address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.ends_with("GET /slow "), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_move_is_an_error() {
    let limits = Limits {
        body_read_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let running = serve(None, limits, echo).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let part = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc";
    stream.write_all(part.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = Limits {
        body_read_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let gone = Arc::new(Notify::new());
    let noticed = Arc::clone(&gone);
    let running = serve(None, limits, move |_request, _peer| {
        let noticed = Arc::clone(&noticed);
        Box::pin(async move {
            let (mut sender, body) = channel(1);
            tokio::spawn(async move {
                while sender.send(Bytes::from(vec![0; 1 << 20])).await.is_ok() {}
                noticed.notify_one();
            });
            Response::new(body)
        })
    })
    .await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    soon(gone.notified()).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_not_an_end() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let done = Arc::new(Notify::new());
    let noticed = Arc::clone(&done);
    let running = serve(None, Limits::default(), move |request, _peer| {
        let (noted, noticed) = (Arc::clone(&noted), Arc::clone(&noticed));
        Box::pin(async move {
            let collected = collect(request.into_body(), 100).await;
            noted
                .lock()
                .unwrap()
                .push(matches!(collected, Err(Error::Body { .. })));
            noticed.notify_one();
            Response::new(empty())
        })
    })
    .await;
    for part in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(part.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        soon(done.notified()).await;
    }
    assert_eq!(*seen.lock().unwrap(), [true, true, true]);
}

/// The body of every answer is given up half-way.
fn half(_request: Request<Body>, _peer: Peer) -> Answer {
    Box::pin(async {
        let (mut sender, body) = channel(1);
        tokio::spawn(async move {
            sender.send(Bytes::from_static(b"half")).await.unwrap();
        });
        Response::new(body)
    })
}

#[tokio::test]
async fn an_answer_given_up_never_looks_whole() {
    let running = serve(None, Limits::default(), half).await;
    let response = ask(&client(), get(&running.uri("/"))).await;
    let broken = match response {
        Ok(response) => soon(collect(response.into_body(), 100)).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(broken, Error::Body { .. } | Error::Exchange { .. }),
        "{broken:?}"
    );
}

#[tokio::test]
async fn an_answer_given_up_to_an_old_client_ends_in_a_reset() {
    let running = serve(None, Limits::default(), half).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let ended = soon(stream.read_to_end(&mut Vec::new())).await;
    assert_eq!(
        ended.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn a_panic_hurts_nobody_else() {
    let running = serve(None, Limits::default(), |request, peer| {
        assert!(request.uri().path() != "/panic/at/once", "on purpose");
        Box::pin(async move {
            assert!(request.uri().path() != "/panic", "on purpose");
            echo(request, peer).await
        })
    })
    .await;
    for path in ["/panic", "/panic/at/once"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = talk(running.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    }
    let fine = ask(&client(), get(&running.uri("/fine"))).await.unwrap();
    assert_eq!(text(fine).await, "GET /fine ");
}

#[tokio::test]
async fn closes_connections_beyond_its_limit_and_recovers() {
    let limits = Limits {
        connections_per_ip_max: 1,
        ..Limits::default()
    };
    let running = serve(None, limits, echo).await;
    let mut first = TcpStream::connect(running.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    first.write_all(request).await.unwrap();
    assert!(read_head(&mut first).await.starts_with("HTTP/1.1 200"));

    let mut second = TcpStream::connect(running.address).await.unwrap();
    let answer = soon(second.read(&mut [0; 1])).await;
    assert!(matches!(answer, Ok(0) | Err(_)), "{answer:?}");

    drop(first);
    let recovered = async {
        loop {
            let mut third = TcpStream::connect(running.address).await.unwrap();
            let mut start = [0; 12];
            if third.write_all(request).await.is_ok() && third.read_exact(&mut start).await.is_ok()
            {
                return start;
            }
        }
    };
    assert_eq!(&soon(recovered).await, b"HTTP/1.1 200");
}

/// A listener whose answers wait to be let go; it tells when a request has come.
async fn waiting(idle_timeout: Duration) -> (Running, Arc<Notify>, Arc<Notify>) {
    let (come, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (coming, going) = (Arc::clone(&come), Arc::clone(&go));
    let limits = Limits {
        idle_timeout,
        ..Limits::default()
    };
    let running = serve(None, limits, move |_request, _peer| {
        let (coming, going) = (Arc::clone(&coming), Arc::clone(&going));
        Box::pin(async move {
            coming.notify_one();
            going.notified().await;
            Response::new(full("done"))
        })
    })
    .await;
    (running, come, go)
}

#[tokio::test]
async fn finishes_what_it_has_begun_when_stopped() {
    let (mut running, come, go) = waiting(Duration::from_secs(60)).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let address = running.address;
    let asking = tokio::spawn(talk(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    soon(come.notified()).await;
    running.stop();
    assert_eq!(soon(idle.read(&mut [0; 1])).await.unwrap(), 0);
    assert!(!asking.is_finished());
    go.notify_one();
    assert!(asking.await.unwrap().ends_with("done"));
    soon(running.task).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn does_not_wait_for_ever_when_stopped() {
    let (mut running, come, _go) = waiting(Duration::from_millis(50)).await;
    let address = running.address;
    let asking = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        stream.read_to_end(&mut Vec::new()).await
    });
    soon(come.notified()).await;
    running.stop();
    soon(running.task).await.unwrap();
    assert!(matches!(asking.await.unwrap(), Ok(0) | Err(_)));
}

/// What was sent and has not come back yet stays far below the size of the body.
#[tokio::test]
async fn streams_a_large_body_both_ways_in_bounded_memory() {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 1_024;
    let running = serve(None, Limits::default(), |request, _peer| {
        Box::pin(async move { Response::new(request.into_body()) })
    })
    .await;
    let (mut sender, body) = channel(1);
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let writer = tokio::spawn(async move {
        for place in 0..CHUNKS {
            sender
                .send(Bytes::from(vec![place as u8; CHUNK]))
                .await
                .unwrap();
            counted.fetch_add(CHUNK, Ordering::Relaxed);
        }
        sender.end();
    });
    let request = Request::post(running.uri("/")).body(body).unwrap();
    let mut body = ask(&client(), request).await.unwrap().into_body();
    let (mut received, mut lead_max) = (0, 0);
    while let Some(frame) = soon(body.frame()).await {
        let data = frame.unwrap().into_data().unwrap();
        for (place, byte) in data.iter().enumerate().step_by(4_099) {
            assert_eq!(*byte, ((received + place) / CHUNK) as u8);
        }
        received += data.len();
        lead_max = lead_max.max(sent.load(Ordering::Relaxed).saturating_sub(received));
    }
    writer.await.unwrap();
    assert_eq!(received, CHUNK * CHUNKS);
    assert!(
        lead_max < CHUNK * CHUNKS / 2,
        "{lead_max} bytes were on their way at once"
    );
}
