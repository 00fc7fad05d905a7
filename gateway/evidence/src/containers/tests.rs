//! Tests of signed documents: what is in them, and that they are always the same.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::sync::Arc;

use bytes::Bytes;
use gateway_asic::zip::{Archive, Limits};
use gateway_messagelog::audit::Reader;
use gateway_messagelog::{Content, Entry, Logged};

use super::{Binder, Error, bind, write};
use crate::stamper::{Options, Outcome, Stamper};
use crate::testing::{NOW, World};

async fn stamp(world: &World) {
    let clock = world.clock.clone();
    let stamper = Stamper::new(
        world.log.clone(),
        world.authorities.clone(),
        Arc::new(move || clock.now()),
        Options::default(),
    );
    let outcome = stamper.once(Some(&world.snapshot(1))).await;
    assert!(matches!(outcome, Outcome::Stamped { .. }), "{outcome:?}");
}

async fn logged(world: &World, ordinal: u64) -> Logged {
    world.log.get(ordinal).await.unwrap()
}

async fn container(world: &World, ordinal: u64) -> Vec<u8> {
    let logged = logged(world, ordinal).await;
    let (octets, length) = write(&world.log, &logged, Vec::new()).await.unwrap();
    assert_eq!(octets.len() as u64, length);
    octets
}

fn names(container: &[u8]) -> Vec<String> {
    let archive = open(container);
    archive
        .entries()
        .iter()
        .map(|entry| entry.name().to_owned())
        .collect()
}

fn open(container: &[u8]) -> Archive {
    Archive::open(Bytes::copy_from_slice(container), &Limits::CONTAINER).unwrap()
}

async fn spooled(world: &World, bytes: &Bytes) -> Content {
    let mut spool = world.log.spool();
    for chunk in bytes.chunks(700) {
        spool.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    spool.finish().await.unwrap()
}

#[tokio::test]
async fn holds_a_message_alone_under_its_time_stamp() {
    let world = World::new(1);
    world.message("a/b 1").await;
    stamp(&world).await;
    let logged = logged(&world, 1).await;
    let document = Binder::new(world.log.clone())
        .document(&logged)
        .await
        .unwrap();
    assert_eq!(document.name(), "a%2Fb+1-request-1.asice");
    assert_eq!((document.time(), document.ordinal()), (NOW, 1));
    let container = container(&world, 1).await;
    assert_eq!(
        names(&container),
        [
            "mimetype",
            "message.xml",
            "META-INF/signatures.xml",
            "META-INF/manifest.xml"
        ]
    );
    let archive = open(&container);
    let signature = archive.entry("META-INF/signatures.xml").unwrap();
    let signature = archive.read(signature).unwrap();
    let signature = String::from_utf8_lossy(&signature).into_owned();
    assert!(signature.contains("EncapsulatedTimeStamp"));
}

#[tokio::test]
async fn holds_a_message_of_a_batch_with_its_hash_chain_and_its_bodies() {
    let world = World::new(1);
    let long: Bytes = (0..100_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let kept = spooled(&world, &long).await;
    assert!(kept.bytes().is_none(), "long enough for a file");
    world
        .record(
            "x",
            vec![kept, Content::from_bytes(Bytes::from_static(b"short"))],
        )
        .await;
    world.messages(2).await;
    stamp(&world).await;
    let first = container(&world, 1).await;
    assert_eq!(
        names(&first),
        [
            "mimetype",
            "message.xml",
            "META-INF/signatures.xml",
            "sig-hashchainresult.xml",
            "sig-hashchain.xml",
            "ts-hashchainresult.xml",
            "ts-hashchain.xml",
            "META-INF/manifest.xml",
            "META-INF/ASiCManifest.xml",
            "META-INF/timestamp.tst",
            "attachment1",
            "attachment2",
        ]
    );
    let archive = open(&first);
    let content = |name: &str| archive.read(archive.entry(name).unwrap()).unwrap();
    assert_eq!(content("attachment1"), long);
    assert_eq!(content("attachment2"), "short");
    assert_eq!(container(&world, 1).await, first, "always the same octets");

    // One binder for all, in any order, makes the same.
    let mut binder = Binder::new(world.log.clone());
    for ordinal in [3, 1, 2] {
        let document = binder
            .document(&logged(&world, ordinal).await)
            .await
            .unwrap();
        let written = tokio::task::spawn_blocking(move || {
            let mut octets = Vec::new();
            document.write(&mut octets).map(|_| octets)
        });
        let written = written.await.unwrap().unwrap();
        assert_eq!(written, container(&world, ordinal).await, "{ordinal}");
    }
}

#[tokio::test]
async fn refuses_to_hand_out_a_body_that_was_changed_on_disk() {
    let world = World::new(1);
    let long: Bytes = (0..200_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let kept = spooled(&world, &long).await;
    world.record("x", vec![kept]).await;
    stamp(&world).await;
    container(&world, 1).await;
    let mut bodies = std::fs::read_dir(world.dir.path().join("bodies")).unwrap();
    let path = bodies.next().unwrap().unwrap().path();
    let bytes = std::fs::read(&path).unwrap();
    for place in [0, 100_000, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let refused = write(&world.log, &logged(&world, 1).await, Vec::new()).await;
        let refused = refused.unwrap_err();
        let mut causes = std::iter::successors(Some(&refused as &dyn std::error::Error), |error| {
            error.source()
        });
        let said = causes
            .by_ref()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        assert!(said.contains("the body is not what was logged"), "{said}");
    }
    std::fs::write(&path, bytes).unwrap();
    container(&world, 1).await;
}

#[tokio::test]
async fn who_does_not_own_the_log_makes_the_same() {
    let world = World::new(1);
    let long: Bytes = (0..100_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    world.record("x", vec![spooled(&world, &long).await]).await;
    world.message("y").await;
    stamp(&world).await;
    world.message("z").await;
    stamp(&world).await;
    let reader = Reader::open(world.dir.path()).unwrap();
    let mut made = 0;
    for logged in reader.entries().unwrap() {
        let logged = logged.unwrap();
        let Entry::Message(record) = &logged.entry else {
            continue;
        };
        let ordinal = logged.position.ordinal;
        let stamp = reader.stamp_of(logged.position).unwrap().unwrap();
        let document = bind(ordinal, record, &stamp).unwrap();
        let mut octets = Vec::new();
        document.write(&mut octets).unwrap();
        assert_eq!(octets, container(&world, ordinal).await, "{ordinal}");
        made += 1;

        let error = bind(ordinal + 1, record, &stamp).unwrap_err();
        assert!(matches!(error, Error::Stamp { .. }), "{error:?}");
    }
    assert_eq!(made, 3);
}

#[tokio::test]
async fn leaves_out_what_was_not_kept() {
    let world = World::new(1);
    let body = Content::from_bytes(Bytes::from_static(b"secret"));
    world.record("x", vec![body.withheld()]).await;
    stamp(&world).await;
    let container = container(&world, 1).await;
    assert!(!names(&container).contains(&"attachment1".to_owned()));
}

#[tokio::test]
async fn says_why_there_is_no_document() {
    let world = World::new(1);
    world.message("x").await;
    let waiting = logged(&world, 1).await;
    let mut binder = Binder::new(world.log.clone());
    let error = binder.document(&waiting).await.unwrap_err();
    assert!(
        matches!(error, Error::NotStamped { ordinal: 1 }),
        "{error:?}"
    );
    stamp(&world).await;
    binder.document(&waiting).await.unwrap();
    let error = binder.document(&logged(&world, 2).await).await.unwrap_err();
    assert!(
        matches!(error, Error::NoMessage { ordinal: 2 }),
        "{error:?}"
    );
    let erased = gateway_messagelog::Error::Erased { ordinal: 7 };
    assert!(matches!(Error::from(erased), Error::Erased { ordinal: 7 }));
}
