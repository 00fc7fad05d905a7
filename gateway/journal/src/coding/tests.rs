use gateway_proto::id::{ClientId, ServiceId};
use gateway_store::tree::Store;
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::{decode, encode, put_number, set_outcome};
use crate::coding::Reader;
use crate::event::{Asked, Disclosure, Exchange, Ground, Outcome};
use crate::names::{Names, Numbering};
use crate::{Error, PersonMark};

fn text() -> impl Strategy<Value = Option<String>> {
    let uuid = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string());
    let upper = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string().to_uppercase());
    prop::option::of(prop_oneof!["\\PC{0,40}", uuid, upper])
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-60_000_000_000_000_000_i64..250_000_000_000_000_000)
        .prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

fn disclosure() -> impl Strategy<Value = Disclosure> {
    prop_oneof![
        Just(Disclosure::AtOnce),
        time().prop_map(Disclosure::From),
        ("\\PC{0,20}", time()).prop_map(|(article, until)| Disclosure::Hidden { article, until }),
    ]
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let parties = (any::<bool>(), prop::option::of("[a-z0-9]{1,8}"));
    let parties = parties.prop_map(|(subsystem, version)| {
        let client = if subsystem {
            "AZ/GOV/1/ə b"
        } else {
            "AZ/GOV/1"
        };
        let client = client.replace(' ', "%20").replace('ə', "%C9%99");
        let provider = ClientId::from_rest("AZ/COM/2/register").unwrap();
        let service = ServiceId::new(provider, "Get", version.as_deref()).unwrap();
        (ClientId::from_rest(&client).unwrap(), service)
    });
    let ground = prop_oneof![
        Just(Ground::NotPersonal),
        Just(Ground::Open),
        Just(Ground::Law),
        Just(Ground::Consent),
        Just(Ground::Vital)
    ];
    let law = prop::option::of(("\\PC{0,20}", "\\PC{0,9}"));
    let rule = prop::option::of(("\\PC{0,20}", any::<u32>()));
    let consent = prop::option::of(any::<u128>().prop_map(Uuid::from_u128));
    let texts = (text(), text(), text(), text(), text());
    (parties, ground, law, rule, consent, texts).prop_map(
        |((client, service), ground, law, rule, consent, texts)| {
            let (id, user, case, purpose, emergency) = texts;
            Exchange {
                client,
                service,
                message_id: id.unwrap_or_default(),
                user,
                case,
                purpose,
                rule,
                ground,
                law,
                consent,
                emergency,
            }
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    let person = (any::<u32>(), any::<[u8; 16]>());
    let person = person.prop_map(|(key, mark)| PersonMark { key, mark });
    let persons = prop::collection::vec(person, 0..4);
    (exchange(), disclosure(), persons, time()).prop_map(|(exchange, disclosure, persons, time)| {
        Asked {
            ordinal: 7,
            time,
            exchange,
            disclosure,
            persons,
            quotas: Vec::new(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_entry_is_read_as_it_was_written_and_a_damaged_one_stops_nobody(
        asked in asked(),
        place in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("names.redb")).unwrap();
        let (mut bytes, names) = store.try_read(|tx| {
            let mut names = Numbering::new(tx)?;
            let bytes = encode(&asked, &mut names)?;
            Ok::<_, Error>((bytes, names.finish()))
        }).unwrap();
        set_outcome(&mut bytes, Outcome::Failed).unwrap();
        store.try_write(|tx| names.write(tx)).unwrap();
        store.try_read(|tx| {
            let entry = decode(7, &bytes, &mut Names::new(tx))?;
            assert_eq!(&entry.usage.exchange, &asked.exchange);
            assert_eq!(entry.usage.time, asked.time);
            assert_eq!(entry.usage.outcome, Outcome::Failed);
            assert_eq!(&entry.persons, &asked.persons);

            for length in 0..bytes.len() {
                let cut = bytes.get(..length).unwrap();
                assert!(decode(7, cut, &mut Names::new(tx)).is_err());
            }
            let mut changed = bytes.clone();
            changed[place.index(bytes.len())] ^= change;
            drop(decode(7, &changed, &mut Names::new(tx)));
            Ok::<_, Error>(())
        }).unwrap();
    }

    #[test]
    fn a_number_is_read_as_it_was_written(number in any::<u64>()) {
        let mut out = Vec::new();
        put_number(&mut out, number);
        prop_assert_eq!(Reader::new(&out).number().unwrap(), number);
    }
}

#[test]
fn an_entry_of_one_person_is_small() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("names.redb")).unwrap();
    let asked = Asked {
        ordinal: 1,
        time: Timestamp::from_second(1_893_456_000).unwrap(),
        exchange: Exchange {
            client: ClientId::from_rest("AZ/GOV/0000000261/vemtas").unwrap(),
            service: "AZ/GOV/0000000131/iamas/GetPersonByFin/v1".parse().unwrap(),
            message_id: Uuid::from_u128(1).to_string(),
            user: Some("EMP-0012".to_owned()),
            case: Some("VM-2026-000001".to_owned()),
            purpose: Some("social-aid".to_owned()),
            rule: Some(("vemtas-family".to_owned(), 3)),
            ground: Ground::Law,
            law: Some(("Aid act".to_owned(), "7.1".to_owned())),
            consent: None,
            emergency: None,
        },
        disclosure: Disclosure::AtOnce,
        persons: vec![PersonMark {
            key: 1,
            mark: [7; 16],
        }],
        quotas: Vec::new(),
    };
    let bytes = store.try_read(|tx| encode(&asked, &mut Numbering::new(tx)?));
    assert_eq!(bytes.unwrap().len(), 80);
}
