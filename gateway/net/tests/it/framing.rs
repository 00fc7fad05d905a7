//! Requests that can be read in two ways are refused (RFC 9112).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use gateway_net::Limits;

use crate::support::{Answer, echo, serve, talk};

/// The head is refused with 400, the connection closed, and what is smuggled behind never seen.
#[track_caller]
fn check_refused(head: &str) -> impl Future<Output = ()> {
    let request = format!("{head}0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    async move {
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&seen);
        let running = serve(None, Limits::default(), move |request, peer| -> Answer {
            counted.fetch_add(1, Ordering::Relaxed);
            echo(request, peer)
        })
        .await;
        let answer = talk(running.address, &request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 "),
            "{request:?}: {answer:?}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            1,
            "{request:?}: {answer:?}"
        );
        assert_eq!(seen.load(Ordering::Relaxed), 0, "{request:?}");
    }
}

#[tokio::test]
async fn refuses_two_ways_to_say_where_the_body_ends() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
    ] {
        check_refused(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).await;
    }
}

#[tokio::test]
async fn refuses_lines_that_others_may_read_otherwise() {
    for head in [
        "POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nX: 1\rContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nX: 1\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nX: 1\0\r\n\r\n",
        "POST / HTTP/1.1\r\n Host: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        check_refused(head).await;
    }
}

#[tokio::test]
async fn a_malformed_chunk_is_an_error_of_the_body() {
    for body in [
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "x\r\n",
        "0\r\n folded\r\n\r\n",
    ] {
        let running = serve(None, Limits::default(), echo).await;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}\
             GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let answer = talk(running.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 422 "), "{body:?}: {answer:?}");
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            1,
            "{body:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn answers_pipelined_requests_in_order_up_to_a_malformed_one() {
    let running = serve(None, Limits::default(), echo).await;
    let answer = talk(
        running.address,
        "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n\
         POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
         GET /3 HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /4 HTTP/1.1\nHost: a\r\n\r\n\
         GET /5 HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    let statuses: Vec<_> = answer.matches("HTTP/1.1 ").collect();
    assert_eq!(statuses.len(), 4, "{answer}");
    for body in ["POST /1 abc", "POST /2 abc", "GET /3 "] {
        assert!(answer.contains(body), "{answer}");
    }
    assert!(
        answer.contains("HTTP/1.1 400 ") && !answer.contains("/5"),
        "{answer}"
    );
}
