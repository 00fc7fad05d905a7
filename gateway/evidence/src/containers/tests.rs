//! Tests of signed documents: what is in them, and that they are always the same.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::sync::Arc;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_asic::report::{self, Form, Part, Report, Stamped, Warning};
use gateway_asic::zip::{Archive, Limits};
use gateway_asic::{container, verify};
use gateway_messagelog::audit::Reader;
use gateway_messagelog::{Content, Entry, Logged, Protocol, Record};
use gateway_proto::rest;

use super::{Binder, Error, bind, write};
use crate::stamper::{Options, Outcome, Stamper};
use crate::testing::{NOW, World, record};

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

fn judge(world: &World, container: &[u8]) -> Result<Report, verify::Error> {
    let octets = Bytes::copy_from_slice(container);
    let container = container::open(octets, &Limits::CONTAINER)?;
    verify::verify(&container, &world.snapshot(1))
}

fn soap_record(id: &str) -> Record {
    let identifier = |field: &str, class: &str, code: &str, more: &str| {
        format!(
            "<x:{field} i:objectType=\"{}\"><i:xRoadInstance>DEV</i:xRoadInstance>\
             <i:memberClass>{class}</i:memberClass><i:memberCode>{code}</i:memberCode>{more}\
             </x:{field}>",
            if field == "client" {
                "SUBSYSTEM"
            } else {
                "SERVICE"
            }
        )
    };
    let client = "<i:subsystemCode>TESTCLI</i:subsystemCode>";
    let service =
        "<i:subsystemCode>TESTPROV</i:subsystemCode><i:serviceCode>lookup</i:serviceCode>";
    let message = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\
         <e:Header>{}{}<x:id>{id}</x:id><x:protocolVersion>4.0</x:protocolVersion></e:Header>\
         <e:Body><p:lookup xmlns:p=\"urn:p\"><p:key>42</p:key></p:lookup></e:Body></e:Envelope>",
        identifier("client", "COM", "1111", client),
        identifier("service", "GOV", "2222", service),
    );
    Record {
        protocol: Protocol::Soap,
        message: message.into(),
        ..record(id, NOW)
    }
}

/// Logs messages of this form and judges the document of each.
async fn check_form(protocol: Protocol, together: usize, bodies: usize, stamped: Stamped) {
    let form = format!("{protocol:?}, {together} together, {bodies} bodies, {stamped:?}");
    let world = World::new(1);
    // The first one is long enough for a file.
    let long: Bytes = (0..5000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let mut kept = Vec::new();
    for index in 0..bodies {
        kept.push(spooled(&world, &long.slice(..5000 - index * 4500)).await);
    }
    let messages = (0..together).map(|number| {
        let id = format!("id-{number}");
        let record = match protocol {
            Protocol::Soap => soap_record(&id),
            Protocol::Rest => record(&id, NOW),
        };
        (record, kept.clone())
    });
    let records = world.signed(messages.collect());
    // Between them stand the time stamps.
    let mut ordinals = Vec::new();
    let mut next = 1;
    for record in &records {
        world.log.append(record.clone()).await.unwrap();
        ordinals.push(next);
        next += 1;
        if stamped == Stamped::Signature {
            stamp(&world).await;
            next += 1;
        }
    }
    if stamped == Stamped::Chain {
        world.message("another").await;
        stamp(&world).await;
    }
    for (place, (record, ordinal)) in records.iter().zip(ordinals).enumerate() {
        let container = container(&world, ordinal).await;
        let report = judge(&world, &container)
            .unwrap_or_else(|error| panic!("{form}: {}", error.explanation()));
        assert_eq!(report.message.id, record.message_id, "{form}");
        let expected = match protocol {
            Protocol::Soap => report::Protocol::Soap,
            Protocol::Rest => report::Protocol::Rest,
        };
        assert_eq!(report.message.protocol, expected, "{form}");
        let is_alone = together == 1 && bodies == 0;
        let expected = if is_alone { Form::Direct } else { Form::Chain };
        assert_eq!(report.signer.form, expected, "{form}");
        assert_eq!(report.timestamp.over, stamped, "{form}");
        assert_eq!(report.covered.len(), 1 + bodies, "{form}");
        let contents = record.attachments.iter().map(|(_, content)| content);
        let message = Digest::of(DigestAlgorithm::Sha512, &record.message);
        let digests = std::iter::once(message).chain(contents.map(|content| *content.digest()));
        for (covered, digest) in report.covered.iter().zip(digests) {
            assert!(matches!(covered.part, Part::Verified { .. }), "{form}");
            assert_eq!(covered.digest, Some(digest), "{form}");
        }
        assert_eq!(report.uncovered, [], "{form}");
        let is_left = together > 1 && bodies == 0 && place == 0;
        let expected: &[Warning] = if is_left {
            &[Warning::BesideMessage]
        } else {
            &[]
        };
        assert_eq!(report.warnings, expected, "{form}");
    }
}

#[tokio::test]
async fn the_document_of_every_form_of_message_holds() {
    for stamped in [Stamped::Signature, Stamped::Chain] {
        for together in [1, 3] {
            for (protocol, bodies_max) in [(Protocol::Soap, 2), (Protocol::Rest, 1)] {
                for bodies in 0..=bodies_max {
                    check_form(protocol, together, bodies, stamped).await;
                }
            }
        }
    }
}

/// Of a message whose body was not to be kept only the head is in the log.
#[tokio::test]
async fn the_document_of_a_reduced_message_says_that_it_is_one() {
    let world = World::new(1);
    let mut whole = record("x", NOW);
    let head = String::from_utf8(whole.message.to_vec()).unwrap();
    whole.message = format!("{head}accept:text/plain\r\n").into();
    let body = Content::from_bytes(Bytes::from_static(b"secret"));
    let mut reduced = world.signed(vec![(whole.clone(), vec![body])]).remove(0);
    let parsed = rest::Request::from_block(whole.message.clone()).unwrap();
    reduced.message = parsed.reduced();
    reduced.message_digest = Some(Digest::of(DigestAlgorithm::Sha512, &whole.message));
    for (_, content) in &mut reduced.attachments {
        *content = content.withheld();
    }
    world.log.append(reduced).await.unwrap();
    stamp(&world).await;
    let container = container(&world, 1).await;
    assert!(!container.windows(6).any(|six| six == b"secret"));
    let error = judge(&world, &container).unwrap_err();
    assert!(
        matches!(error, verify::Error::Reduced { chained: true }),
        "{error:?}"
    );
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
