//! Records as bytes: the inverse, and what comes from a damaged disk.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{collection, option, proptest};

use super::{
    Basis, Consent, Covered, Direction, Disclosure, Entry, Ground, Kind, PersonMark, Protocol,
    Record, Refusal, Side, Stamp, decode, encode_message, encode_refusal, encode_stamp, keys,
    signed,
};
use crate::bodies::Bodies;
use crate::{Content, Error};

fn nowhere() -> Bodies {
    Bodies::at(std::path::Path::new("nowhere"), None)
}

fn client() -> ClientId {
    ClientId::new(MemberId::new("AZ", "GOV", "1001").unwrap(), Some("portal")).unwrap()
}

fn service(version: Option<&str>) -> ServiceId {
    let provider = MemberId::new("AZ", "GOV", "2002").unwrap();
    let provider = ClientId::new(provider, Some("population")).unwrap();
    ServiceId::new(provider, "person", version).unwrap()
}

pub(crate) fn record() -> Record {
    Record {
        time: Timestamp::from_second(1_800_000_000).unwrap(),
        side: Side::Provider,
        direction: Direction::Request,
        protocol: Protocol::Soap,
        client: client(),
        service: service(Some("v1")),
        message_id: "a-1".to_owned(),
        request_id: None,
        user_id: Some("AZ1234567".to_owned()),
        issue: None,
        peer: Some(ServerId::new(MemberId::new("AZ", "GOV", "1001").unwrap(), "node").unwrap()),
        message: Bytes::from_static(b"<message/>"),
        message_digest: None,
        content_type: "text/xml".to_owned(),
        attachments: Vec::new(),
        signature: Bytes::from_static(b"<signature/>"),
        hash_chain_result: None,
        hash_chain: None,
        degraded: Vec::new(),
        basis: None,
    }
}

/// What is compared: contents by their bytes and digest.
fn shown(record: &Record) -> String {
    let contents: Vec<_> = record
        .attachments
        .iter()
        .map(|(headers, content)| (headers, content.bytes(), content.len(), *content.digest()))
        .collect();
    let bare = Record {
        attachments: Vec::new(),
        ..record.clone()
    };
    // `Debug` of a record leaves out what may be personal, so those are named.
    let Record {
        user_id,
        issue,
        peer,
        message,
        message_digest,
        content_type,
        signature,
        hash_chain_result,
        hash_chain,
        degraded,
        basis,
        request_id,
        ..
    } = &bare;
    format!(
        "{bare:?} {request_id:?} {user_id:?} {issue:?} {peer:?} {message:?} {message_digest:?} \
         {content_type:?} {signature:?} {hash_chain_result:?} {hash_chain:?} {degraded:?} \
         {basis:?} {contents:?}"
    )
}

fn sha512(bytes: &[u8]) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, bytes)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-1_000_000_000_i64..4_000_000_000, 0..1_000_000_000)
        .prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).unwrap())
}

fn any_basis() -> impl Strategy<Value = Basis> {
    let grounds = [
        Ground::NotPersonal,
        Ground::Open,
        Ground::Law,
        Ground::Consent,
        Ground::Vital,
        Ground::LeftToProvider,
    ];
    let disclosure = prop_oneof![
        Just(Disclosure::AtOnce),
        time().prop_map(Disclosure::From),
        (".{0,20}", time()).prop_map(|(article, until)| Disclosure::Hidden { article, until }),
    ];
    let consent = (any::<[u8; 16]>(), bytes()).prop_map(|(id, artefact)| Consent {
        id: uuid::Uuid::from_bytes(id),
        digest: Digest::of(DigestAlgorithm::Sha256, &artefact),
    });
    let person = (any::<u32>(), any::<[u8; 16]>()).prop_map(|(key, mark)| PersonMark { key, mark });
    let rule = (
        option::of(".{0,20}"),
        any::<u32>(),
        any::<u64>(),
        option::of((".{0,20}", ".{0,9}")),
    );
    let texts = (
        option::of(".{0,20}"),
        option::of(".{0,40}"),
        option::of(".{0,9}"),
    );
    let marks = (
        collection::vec(person, 0..5),
        collection::vec(any::<[u8; 16]>(), 0..5),
    );
    let ground = proptest::sample::select(grounds.to_vec());
    (ground, rule, texts, option::of(consent), marks, disclosure).prop_map(
        |(ground, rule, texts, consent, (persons, quotas), disclosure)| Basis {
            ground,
            rule: rule.0,
            rule_version: rule.1,
            rules_version: rule.2,
            law: rule.3,
            purpose: texts.0,
            consent,
            emergency: texts.1,
            authentication: texts.2,
            persons,
            quotas,
            disclosure,
        },
    )
}

fn any_record() -> impl Strategy<Value = Record> {
    let enums = (
        prop_oneof![Just(Side::Consumer), Just(Side::Provider)],
        prop_oneof![Just(Direction::Request), Just(Direction::Response)],
        prop_oneof![Just(Protocol::Soap), Just(Protocol::Rest)],
        prop_oneof![Just(None), Just(Some("")), Just(Some("v1"))],
    );
    let header = ("[a-z-]{1,9}", ".{0,9}");
    let attachments = collection::vec(
        (
            collection::vec(header, 0..3),
            (bytes(), any::<bool>()).prop_map(|(bytes, is_kept)| match is_kept {
                true => Content::from_bytes(bytes),
                false => Content::from_bytes(bytes).withheld(),
            }),
        ),
        0..4,
    );
    let texts = (
        ".{0,40}",
        option::of(".{0,40}"),
        option::of(".{0,9}"),
        option::of(".{0,9}"),
    );
    let parts = (bytes(), bytes(), option::of(bytes()), option::of(bytes()));
    let rest = (
        attachments,
        collection::vec(".{0,9}", 0..3),
        ".{0,20}",
        option::of(any_basis().prop_map(Box::new)),
    );
    (time(), enums, texts, parts, rest).prop_map(
        |(time, (side, direction, protocol, version), texts, parts, rest)| Record {
            time,
            side,
            direction,
            protocol,
            service: service(version),
            message_id: texts.0,
            request_id: texts.1,
            user_id: texts.2,
            issue: texts.3,
            message_digest: parts.2.as_deref().map(sha512),
            message: parts.0,
            signature: parts.1,
            hash_chain_result: parts.2,
            hash_chain: parts.3,
            attachments: rest.0,
            degraded: rest.1,
            basis: rest.3,
            content_type: rest.2,
            ..record()
        },
    )
}

proptest! {
    #[test]
    fn a_record_comes_back_as_it_went(record in any_record()) {
        let bytes = encode_message(&record);
        let Entry::Message(read) = decode(&bytes, &nowhere()).unwrap() else {
            panic!("another kind");
        };
        assert_eq!(shown(&read), shown(&record));
        let keys = keys(&bytes, None).unwrap();
        assert_eq!(keys.message_id.as_ref(), Some(&record.message_id));
        assert_eq!((keys.time, keys.request_id), (record.time, record.request_id));
    }

    #[test]
    fn bytes_from_anywhere_are_read_or_refused(bytes in bytes()) {
        let _ = decode(&bytes, &nowhere());
        let _ = keys(&bytes, None);
    }

    #[test]
    fn a_changed_record_is_read_or_refused(at in 0..400_usize, to in any::<u8>()) {
        let mut bytes = encode_message(&record()).to_vec();
        let at = at.min(bytes.len().saturating_sub(1));
        bytes[at] = to;
        let _ = decode(&bytes.into(), &nowhere());
    }
}

/// A record with a basis, and where in its bytes the basis begins.
fn with_basis() -> (Vec<u8>, usize) {
    let basis = Basis {
        ground: Ground::Consent,
        rule: Some("bank-income".to_owned()),
        rule_version: 2,
        rules_version: 7,
        law: None,
        purpose: Some("credit".to_owned()),
        consent: Some(Consent {
            id: uuid::Uuid::nil(),
            digest: Digest::of(DigestAlgorithm::Sha256, b"artefact"),
        }),
        emergency: None,
        authentication: None,
        persons: vec![PersonMark {
            key: 1,
            mark: [7; 16],
        }],
        quotas: vec![[9; 16]],
        disclosure: Disclosure::AtOnce,
    };
    let record = Record {
        basis: Some(Box::new(basis)),
        ..record()
    };
    let bytes = encode_message(&record).to_vec();
    let name = bytes.windows(11).position(|text| text == b"bank-income");
    // Before the rule: map, 0, ground, 1, length of the text.
    (bytes, name.unwrap().saturating_sub(5))
}

#[test]
fn refuses_a_basis_on_an_unknown_ground() {
    let (mut bytes, start) = with_basis();
    assert_eq!(&bytes[start + 1..start + 4], [0, 3, 1]);
    assert!(decode(&bytes.clone().into(), &nowhere()).is_ok());
    bytes[start + 2] = 6;
    assert!(decode(&bytes.into(), &nowhere()).is_err());
}

#[test]
fn refuses_a_mark_of_another_length() {
    let (mut bytes, _) = with_basis();
    let mark = bytes.windows(16).position(|mark| mark == [9; 16]).unwrap();
    // One octet less in the text, one more behind it.
    assert_eq!(bytes[mark - 1], 0x50);
    bytes[mark - 1] = 0x4F;
    bytes.remove(mark);
    assert!(decode(&bytes.into(), &nowhere()).is_err());
}

#[test]
fn a_refusal_comes_back_as_it_went() {
    let refusal = Refusal {
        time: Timestamp::new(1_800_000_000, 7).unwrap(),
        side: Side::Provider,
        protocol: Protocol::Rest,
        client: Some(client()),
        service: None,
        message_id: Some("x".to_owned()),
        peer: None,
        code: "access_denied".to_owned(),
        reason: "no right".to_owned(),
        fault_id: "1f".to_owned(),
    };
    let bytes = encode_refusal(&refusal);
    match decode(&bytes, &nowhere()).unwrap() {
        Entry::Refusal(read) => assert_eq!(read, refusal),
        Entry::Message(_) | Entry::Stamp(_) => panic!("another kind"),
    }
    assert_eq!(keys(&bytes, None).unwrap().client, Some(client()));
}

#[test]
fn refuses_a_cut_record_at_every_length() {
    let bytes = encode_message(&record());
    for length in 0..bytes.len() {
        assert!(
            decode(&bytes.slice(..length), &nowhere()).is_err(),
            "{length}"
        );
    }
}

#[test]
fn says_when_a_record_is_of_a_newer_version() {
    for (version, protection) in [(2, 0), (1, 2), (2, 1)] {
        let mut newer = encode_message(&record()).to_vec();
        (newer[1], newer[2]) = (version, protection);
        let error = decode(&newer.into(), &nowhere()).unwrap_err();
        let Error::NotUnderstood {
            version: found,
            protection: with,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((found, with), (version, protection));
    }
    // Said to be sealed, but in the form of a plain one.
    let mut sealed = encode_message(&record()).to_vec();
    sealed[2] = 1;
    assert!(matches!(
        decode(&sealed.into(), &nowhere()),
        Err(Error::Malformed { .. })
    ));
}

#[test]
fn a_record_cannot_name_a_file_elsewhere() {
    for name in [
        "../../../../../../../etc/passwd",
        "",
        "a/b",
        &"A".repeat(32),
        &"0".repeat(31),
    ] {
        assert!(
            matches!(
                nowhere().open_named(name, false),
                Err(Error::Malformed { .. })
            ),
            "{name}"
        );
    }
}

#[test]
fn a_small_record_takes_little_more_than_its_parts() {
    let record = record();
    let parts = record.message.len() + record.signature.len();
    assert!(encode_message(&record).len() < parts + 200);
}

/// Entries as the first version of this program wrote them: without salt, and of its two kinds.
mod first_version {
    use minicbor::Encoder;

    pub(super) fn message() -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = Encoder::new(&mut out);
        let mut write = || -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
            e.array(3)?.u8(1)?.u8(0)?.array(2)?.u8(0)?.map(14)?;
            e.u8(0)?.array(2)?.i64(1_800_000_000)?.i32(0)?;
            e.u8(1)?.u8(1)?.u8(2)?.u8(0)?.u8(3)?.u8(0)?;
            let client = ["AZ", "GOV", "1001", "portal"];
            e.u8(4)?.array(4)?;
            for part in client {
                e.str(part)?;
            }
            e.u8(5)?.array(3)?.array(4)?;
            for part in ["AZ", "GOV", "2002", "population"] {
                e.str(part)?;
            }
            e.str("person")?.str("v1")?;
            e.u8(6)?.str("a-1")?.u8(8)?.str("AZ1234567")?;
            e.u8(10)?.array(2)?.array(3)?;
            for part in ["AZ", "GOV", "1001"] {
                e.str(part)?;
            }
            e.str("node")?;
            e.u8(11)?.str("text/xml")?.u8(12)?.bytes(b"<message/>")?;
            e.u8(13)?.array(0)?.u8(14)?.bytes(b"<signature/>")?;
            e.u8(17)?.array(0)?;
            Ok(())
        };
        write().unwrap();
        out
    }

    pub(super) fn refusal() -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = Encoder::new(&mut out);
        let mut write = || -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
            e.array(3)?.u8(1)?.u8(0)?.array(2)?.u8(1)?.map(6)?;
            e.u8(0)?.array(2)?.i64(1_800_000_000)?.i32(7)?;
            e.u8(1)?.u8(1)?.u8(2)?.u8(1)?;
            e.u8(7)?.str("access_denied")?;
            e.u8(8)?.str("no right")?.u8(9)?.str("1f")?;
            Ok(())
        };
        write().unwrap();
        out
    }
}

#[test]
fn reads_what_the_first_version_wrote() {
    let bytes = Bytes::from(first_version::message());
    let Entry::Message(read) = decode(&bytes, &nowhere()).unwrap() else {
        panic!("another kind")
    };
    assert_eq!(shown(&read), shown(&record()));
    assert_eq!(
        keys(&bytes, None).unwrap().message_id.as_deref(),
        Some("a-1")
    );
    let bytes = Bytes::from(first_version::refusal());
    let Entry::Refusal(read) = decode(&bytes, &nowhere()).unwrap() else {
        panic!("another kind")
    };
    assert_eq!(
        (read.code.as_str(), read.fault_id.as_str()),
        ("access_denied", "1f")
    );
    assert_eq!((read.client, read.message_id), (None, None));
}

#[tokio::test]
async fn a_log_of_the_first_version_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    {
        let segments = gateway_store::segment::Log::open(
            &dir.path().join("segments"),
            gateway_store::segment::Options::default(),
        )
        .unwrap();
        for bytes in [first_version::message(), first_version::refusal()] {
            segments.append(bytes.into()).await.unwrap();
        }
    }
    // Its index had other trees and no format.
    let store = gateway_store::tree::Store::open(&dir.path().join("index.redb")).unwrap();
    store
        .write(|tx| tx.put(gateway_store::tree::Tree::new("meta"), "indexed", [0; 56]))
        .unwrap();
    drop(store);
    let log = crate::testing::open(dir.path());
    assert_eq!(log.stamping().unstamped, 1);
    assert_eq!(log.stamping().oldest, Some(record().time));
    crate::testing::message(&log, "b", 1_800_000_001).await;
    assert_eq!(log.find("a-1").await.unwrap().len(), 1);
    crate::testing::stamp(&log, 9, 1_800_000_002).await;
    let stamp = log.stamp_of(1).await.unwrap().unwrap();
    assert_eq!(
        stamp
            .covers
            .iter()
            .map(|covered| covered.ordinal)
            .collect::<Vec<_>>(),
        [1, 3]
    );
    assert_eq!(stamp.covers[0].digest, sha512(b"<signature/>"));
}

#[test]
fn no_two_entries_are_the_same_bytes() {
    assert_ne!(encode_message(&record()), encode_message(&record()));
    let stamp = stamp(&[(7, b"a")]);
    assert_ne!(encode_stamp(&stamp), encode_stamp(&stamp));
}

fn stamp(covers: &[(u64, &[u8])]) -> Stamp {
    Stamp {
        time: Timestamp::from_second(1_800_000_000).unwrap(),
        authority: "http://127.0.0.1/tsa".to_owned(),
        token: Bytes::from_static(b"token"),
        algorithm: DigestAlgorithm::Sha512,
        single: covers.len() == 1,
        covers: covers
            .iter()
            .map(|(ordinal, signature)| Covered {
                ordinal: *ordinal,
                digest: sha512(signature),
            })
            .collect(),
    }
}

proptest! {
    #[test]
    fn a_stamp_comes_back_as_it_went(
        seconds in -1_000_000_000_i64..4_000_000_000,
        authority in ".{0,40}",
        token in bytes(),
        ordinals in collection::btree_set(any::<u64>(), 1..50),
    ) {
        let covers: Vec<_> = ordinals.iter().map(|ordinal| (*ordinal, &b"x"[..])).collect();
        let stamp = Stamp {
            time: Timestamp::from_second(seconds).unwrap(),
            authority,
            token,
            ..stamp(&covers)
        };
        let bytes = encode_stamp(&stamp);
        match decode(&bytes, &nowhere()).unwrap() {
            Entry::Stamp(read) => assert_eq!(read, stamp),
            other => panic!("{other:?}"),
        }
        let keys = keys(&bytes, None).unwrap();
        assert_eq!(keys.kind, Kind::Stamp {
            first: *ordinals.first().unwrap(),
            last: *ordinals.last().unwrap(),
        });
        assert_eq!(signed(&bytes, None).unwrap(), None);
    }

    #[test]
    fn a_changed_stamp_is_read_or_refused(at in 0..300_usize, to in any::<u8>()) {
        let mut bytes = encode_stamp(&stamp(&[(7, b"a"), (9, b"b")])).to_vec();
        let at = at.min(bytes.len().saturating_sub(1));
        bytes[at] = to;
        let bytes = bytes.into();
        let _ = decode(&bytes, &nowhere());
        let _ = keys(&bytes, None);
        let _ = signed(&bytes, None);
    }
}

#[test]
fn a_stamp_over_nothing_is_none() {
    let bytes = encode_stamp(&stamp(&[]));
    assert!(decode(&bytes, &nowhere()).is_err());
    assert!(keys(&bytes, None).is_err());
}
