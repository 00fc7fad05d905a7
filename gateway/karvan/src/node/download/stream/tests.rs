//! Tests of bodies that are written while they are sent.

#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use gateway_evidence::archive::Encryption;
use gateway_evidence::archive::openpgp::{self, SecretKey};
use http::StatusCode;
use jiff::Timestamp;

use super::{
    BYTES_PER_SECOND_MIN, DOWNLOADS_MAX, DOWNLOADS_PER_ADDRESS_MAX, Patience, SEARCHES_MAX,
    STALL_MAX, Slots,
};

const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);

fn here() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// The address of another reader each time.
fn reader(number: usize) -> IpAddr {
    Ipv4Addr::new(127, 0, 1, u8::try_from(number).unwrap()).into()
}

fn encryption() -> Encryption {
    let pair = openpgp::generate("node <node@example.org>", None, NOW).unwrap();
    Encryption {
        signer: SecretKey::read(pair.secret.as_bytes(), None).unwrap(),
        default: Vec::new(),
        members: BTreeMap::new(),
    }
}

fn noise(out: &mut dyn Write, pieces: usize) -> io::Result<()> {
    (0..pieces).try_for_each(|piece| writeln!(out, "piece {piece:0100}"))
}

fn written(pieces: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    noise(&mut whole, pieces).unwrap();
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_what_is_written_and_gives_the_place_back() {
    let slots = Slots::new();
    for pieces in [0, 1, 10_000] {
        let body = slots
            .take(here())
            .unwrap()
            .body(None, move |out| noise(out, pieces));
        let received = gateway_net::collect(body, 1 << 22).await.unwrap();
        assert!(received == written(pieces), "{pieces}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_off_what_could_not_be_finished() {
    let slots = Slots::new();
    let broken = |out: &mut dyn Write| {
        noise(out, 5000)?;
        Err(io::Error::other("damaged"))
    };
    let encryption = encryption();
    for envelope in [None, Some(encryption.for_member(None, NOW).unwrap())] {
        let body = slots.take(here()).unwrap().body(envelope, broken);
        let received = gateway_net::collect(body, 1 << 22).await;
        assert!(
            matches!(received, Err(gateway_net::Error::BodyAborted)),
            "{received:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seals_in_constant_memory_what_the_recipient_opens() {
    let slots = Slots::new();
    let encryption = encryption();
    let envelope = encryption.for_member(None, NOW).unwrap();
    let slot = slots.take(here()).unwrap();
    let body = slot.body(Some(envelope), |out| noise(out, 20_000));
    let sealed = gateway_net::collect(body, 1 << 23).await.unwrap();
    assert!(!sealed.windows(7).any(|window| window == b"piece 0"));
    let mut opened = Vec::new();
    let signers = [encryption.signer.public()];
    openpgp::decrypt(sealed.as_ref(), &mut opened, &encryption.signer, &signers).unwrap();
    assert!(opened == written(20_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_up_when_nobody_reads_and_runs_so_many_at_once() {
    let slots = Slots::new();
    let (ended, mut endings) = tokio::sync::mpsc::unbounded_channel();
    let bodies: Vec<_> = (0..DOWNLOADS_MAX)
        .map(|number| {
            let ended = ended.clone();
            slots.take(reader(number)).unwrap().body(None, move |out| {
                let written = noise(out, 100_000);
                ended
                    .send(written.as_ref().map_err(io::Error::kind).err())
                    .unwrap();
                written
            })
        })
        .collect();
    let refused = slots.take(here()).unwrap_err();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(bodies);
    for _ in 0..DOWNLOADS_MAX {
        assert_eq!(
            endings.recv().await.unwrap(),
            Some(io::ErrorKind::BrokenPipe)
        );
    }
    // The places are given back a moment later.
    let again = async {
        while slots.take(here()).is_err() {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, again).await.unwrap();
}

#[tokio::test]
async fn searches_wait_in_line_and_none_is_refused() {
    use std::future::Future as _;
    use std::task::{Context, Poll, Waker};

    let slots = Slots::new();
    let mut turns = Vec::new();
    for _ in 0..SEARCHES_MAX {
        turns.push(slots.turn().await.unwrap());
    }
    let mut next = std::pin::pin!(slots.turn());
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(next.as_mut().poll(&mut context), Poll::Pending));
    turns.pop();
    assert!(next.await.is_some());
    // Downloads are counted apart.
    assert!(slots.take(here()).is_ok());
}

#[tokio::test]
async fn one_address_leaves_places_for_others() {
    let slots = Slots::new();
    let take = |address| slots.take(address);
    let mut taken: Vec<_> = (0..DOWNLOADS_PER_ADDRESS_MAX)
        .map(|_| take(here()).unwrap())
        .collect();
    let refused = take(here()).unwrap_err();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(take(reader(1)).is_ok());
    taken.pop();
    taken.push(take(here()).unwrap());
    assert!(take(here()).is_err());
    drop(taken);
    // Nothing is remembered of who has gone.
    assert!(slots.shares.0.lock().unwrap().is_empty());
}

#[test]
fn a_reader_earns_patience_by_reading_and_no_more_than_it_had() {
    let second = Duration::from_secs(1);
    let pace = usize::try_from(BYTES_PER_SECOND_MIN).unwrap();
    // At just that pace it may go on for ever.
    let mut patience = Patience(STALL_MAX);
    for _ in 0..10_000 {
        patience.waited(second * 4, pace * 4);
    }
    assert_eq!(patience.0, STALL_MAX);
    // At half of it, as long as a chunk comes before it has run out.
    let mut chunks = 0;
    while patience.0 >= second * 2 {
        patience.waited(second * 2, pace);
        chunks += 1;
    }
    assert_eq!(chunks, 59);
    // What was read fast before counts for no more than at the beginning.
    let mut patience = Patience(second);
    patience.waited(Duration::ZERO, usize::MAX);
    assert_eq!(patience.0, STALL_MAX);
}
