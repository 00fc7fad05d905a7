//! Records as bytes: the inverse, and what comes from a damaged disk.

use bytes::Bytes;
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{collection, option, proptest};

use super::{
    Direction, Entry, Protocol, Record, Refusal, Side, decode, encode_message, encode_refusal, keys,
};
use crate::bodies::Bodies;
use crate::{Content, Error};

fn nowhere() -> Bodies {
    Bodies::at(std::path::Path::new("nowhere"))
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
        content_type: "text/xml".to_owned(),
        attachments: Vec::new(),
        signature: Bytes::from_static(b"<signature/>"),
        hash_chain_result: None,
        hash_chain: None,
        degraded: Vec::new(),
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
    format!("{bare:?} {contents:?}")
}

fn bytes() -> impl Strategy<Value = Bytes> {
    collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn any_record() -> impl Strategy<Value = Record> {
    let times = (-1_000_000_000_i64..4_000_000_000, 0..1_000_000_000)
        .prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).unwrap());
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
            bytes().prop_map(Content::from_bytes),
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
    let rest = (attachments, collection::vec(".{0,9}", 0..3), ".{0,20}");
    (times, enums, texts, parts, rest).prop_map(
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
            message: parts.0,
            signature: parts.1,
            hash_chain_result: parts.2,
            hash_chain: parts.3,
            attachments: rest.0,
            degraded: rest.1,
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
        let keys = keys(&bytes).unwrap();
        assert_eq!(keys.message_id.as_ref(), Some(&record.message_id));
        assert_eq!((keys.time, keys.request_id), (record.time, record.request_id));
    }

    #[test]
    fn bytes_from_anywhere_are_read_or_refused(bytes in bytes()) {
        let _ = decode(&bytes, &nowhere());
        let _ = keys(&bytes);
    }

    #[test]
    fn a_changed_record_is_read_or_refused(at in 0..400_usize, to in any::<u8>()) {
        let mut bytes = encode_message(&record()).to_vec();
        let at = at.min(bytes.len().saturating_sub(1));
        bytes[at] = to;
        let _ = decode(&bytes.into(), &nowhere());
    }
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
        Entry::Message(_) => panic!("another kind"),
    }
    assert_eq!(keys(&bytes).unwrap().client, Some(client()));
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
fn says_when_a_record_is_of_a_newer_version_or_encrypted() {
    let mut newer = encode_message(&record()).to_vec();
    newer[1] = 2;
    assert!(matches!(
        decode(&newer.into(), &nowhere()),
        Err(Error::NotUnderstood {
            version: 2,
            protection: 0
        })
    ));
    let mut encrypted = encode_message(&record()).to_vec();
    encrypted[2] = 1;
    assert!(matches!(
        decode(&encrypted.into(), &nowhere()),
        Err(Error::NotUnderstood {
            version: 1,
            protection: 1
        })
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
            matches!(nowhere().open_named(name), Err(Error::Malformed { .. })),
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
