//! Journals, persons and events.

use std::path::Path;

use certs_keys::SecretKey;
use gateway_journal::{
    Answered, Asked, Cursor, Disclosure, Event, Exchange, Ground, Journal, Keys, Outcome, Page,
    PersonMark, Query, Usage,
};
use gateway_policy::person::PersonKey;
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;

pub(crate) const SECOND: i64 = 1_893_456_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(SECOND + seconds).unwrap()
}

pub(crate) fn keys(numbers: &[u32]) -> Keys {
    let key = |number: &u32| (*number, SecretKey::from_bytes([*number as u8; 32]));
    Keys::new(numbers.iter().map(key).collect()).unwrap()
}

pub(crate) fn open(dir: &Path, numbers: &[u32]) -> Journal {
    Journal::open(&dir.join("journal.redb"), keys(numbers)).unwrap()
}

pub(crate) fn person(number: usize) -> PersonKey {
    let value = format!("0TEST{number:02}");
    serde_json::from_value(serde_json::json!({"kind": "fin", "value": value})).unwrap()
}

pub(crate) fn client(number: usize) -> ClientId {
    ClientId::from_rest(&format!("AZ/GOV/0000000{number:03}/asker")).unwrap()
}

pub(crate) fn provider(number: usize) -> ClientId {
    ClientId::from_rest(&format!("AZ/GOV/1000000{number:03}/register")).unwrap()
}

pub(crate) fn service(of: usize) -> ServiceId {
    ServiceId::new(provider(of), "GetPerson", Some("v1")).unwrap()
}

/// A request of client 1 to provider 1 on the ground of a law.
pub(crate) fn asked(ordinal: u64, time: Timestamp, persons: Vec<PersonMark>) -> Asked {
    Asked {
        ordinal,
        time,
        exchange: Exchange {
            client: client(1),
            service: service(1),
            message_id: format!("m-{ordinal}"),
            user: Some("EMP-7".to_owned()),
            case: Some("VM-1".to_owned()),
            purpose: Some("social-aid".to_owned()),
            rule: Some(("vemtas".to_owned(), 3)),
            ground: Ground::Law,
            law: Some(("Act".to_owned(), "7.1".to_owned())),
            consent: None,
            emergency: None,
        },
        disclosure: Disclosure::AtOnce,
        persons,
        quotas: Vec::new(),
    }
}

pub(crate) fn answer(ordinal: u64, to: &Asked, outcome: Outcome) -> Event {
    Event::Answered(Answered {
        ordinal,
        client: to.exchange.client.clone(),
        service: to.exchange.service.clone(),
        message_id: to.exchange.message_id.clone(),
        outcome,
    })
}

pub(crate) fn query<'q>(person: &'q PersonKey, provider: &'q ClientId) -> Query<'q> {
    Query {
        person,
        provider,
        from: None,
        until: None,
        after: None,
        skip: 0,
        max: 1000,
    }
}

/// Everything of a person at a provider, page by page.
pub(crate) fn all(
    journal: &Journal,
    of: usize,
    at_provider: usize,
    page: usize,
    now: Timestamp,
) -> Vec<Usage> {
    let (person, provider) = (person(of), provider(at_provider));
    let mut found = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let query = Query {
            after,
            max: page,
            ..query(&person, &provider)
        };
        let Page { usages, next, .. } = journal.find(&query, now).unwrap();
        assert!(usages.len() <= page);
        found.extend(usages);
        match next {
            None => return found,
            // As it travels.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
        }
    }
}

pub(crate) fn ordinals(usages: &[Usage]) -> Vec<u64> {
    usages.iter().map(|usage| usage.ordinal).collect()
}
