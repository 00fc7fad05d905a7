//! Tests of bodies.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http_body_util::BodyExt;

use super::{Body, channel, collect, empty, from_stream, full};
use crate::Error;

#[tokio::test]
async fn collects_what_was_written_in_pieces() {
    let (mut sender, body) = channel(1);
    let writer = tokio::spawn(async move {
        for piece in ["one ", "", "two ", "three"] {
            sender.send(Bytes::from(piece)).await.unwrap();
        }
        sender.end();
    });
    assert_eq!(collect(body, 13).await.unwrap(), "one two three");
    writer.await.unwrap();
}

#[tokio::test]
async fn a_dropped_sender_is_an_error_never_an_end() {
    let (mut sender, body) = channel(4);
    sender.send(Bytes::from_static(b"half")).await.unwrap();
    drop(sender);
    assert!(matches!(collect(body, 100).await, Err(Error::BodyAborted)));
}

#[tokio::test]
async fn an_aborted_body_gives_its_reason_and_nothing_after() {
    let (sender, mut body) = channel(4);
    sender.abort(Error::BodyTooLarge { bytes_max: 7 }).await;
    let reason = body.frame().await.unwrap();
    assert!(matches!(reason, Err(Error::BodyTooLarge { bytes_max: 7 })));
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn the_sender_learns_that_nobody_reads() {
    let (mut sender, body) = channel(1);
    drop(body);
    let sent = sender.send(Bytes::from_static(b"x")).await;
    assert!(matches!(sent, Err(Error::BodyUnwanted)));
}

#[tokio::test]
async fn the_sender_waits_for_the_reader() {
    let (mut sender, mut body) = channel(1);
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    let mut second = Box::pin(sender.send(Bytes::from_static(b"second")));
    assert!((&mut second).now_or_never().is_none());
    assert!(body.frame().await.is_some());
    second.await.unwrap();
}

#[tokio::test]
async fn refuses_to_collect_more_than_allowed() {
    for (bytes_max, fits) in [(4, false), (5, true), (0, false)] {
        let whole = collect(full("12345"), bytes_max).await;
        assert_eq!(whole.is_ok(), fits, "{bytes_max}");
        let pieces = stream::iter(["12", "345"]).map(|piece| Ok::<_, Error>(Bytes::from(piece)));
        let streamed = collect(from_stream(pieces), bytes_max).await;
        assert_eq!(streamed.is_ok(), fits, "{bytes_max}");
    }
    assert!(collect(empty(), 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_error_of_the_source_is_an_error_of_the_body() {
    let pieces = stream::iter([Ok(Bytes::from_static(b"1")), Err("disk")]);
    let body: Body = from_stream(pieces);
    assert!(matches!(
        collect(body, 10).await,
        Err(Error::BodySource { .. })
    ));
}
