//! What a record of the log says to the journal.

use gateway_journal::{Answered, Asked, Disclosure, Event, Exchange, Ground, Outcome, PersonMark};
use gateway_messagelog::{self as log, Direction, Entry, Logged, Protocol, Record, Side};
use gateway_proto::rest;

/// The event of an entry: of a provider's node, with a basis that asks for one.
pub(super) fn event(logged: Logged) -> Option<Event> {
    let ordinal = logged.position.ordinal;
    match logged.entry {
        Entry::Message(record) if record.side == Side::Provider => match record.direction {
            Direction::Request => asked(ordinal, record).map(Event::Asked),
            Direction::Response => Some(Event::Answered(answered(ordinal, record))),
        },
        Entry::Message(_) | Entry::Refusal(_) | Entry::Stamp(_) => None,
    }
}

fn asked(ordinal: u64, record: Record) -> Option<Asked> {
    let basis = *record.basis?;
    let ground = match basis.ground {
        // What was left to the provider was decided there; here nothing is left.
        log::Ground::NotPersonal | log::Ground::LeftToProvider => Ground::NotPersonal,
        log::Ground::Open => Ground::Open,
        log::Ground::Law => Ground::Law,
        log::Ground::Consent => Ground::Consent,
        log::Ground::Vital => Ground::Vital,
    };
    if basis.persons.is_empty() && basis.quotas.is_empty() && ground != Ground::Vital {
        return None;
    }
    let persons = basis.persons.iter();
    Some(Asked {
        ordinal,
        time: record.time,
        exchange: Exchange {
            client: record.client,
            service: record.service,
            message_id: record.message_id,
            user: record.user_id,
            case: record.issue,
            purpose: basis.purpose,
            rule: basis.rule.map(|rule| (rule, basis.rule_version)),
            ground,
            law: basis.law,
            consent: basis.consent.map(|consent| consent.id),
            emergency: basis.emergency,
        },
        disclosure: match basis.disclosure {
            log::Disclosure::AtOnce => Disclosure::AtOnce,
            log::Disclosure::From(time) => Disclosure::From(time),
            log::Disclosure::Hidden { article, until } => Disclosure::Hidden { article, until },
        },
        persons: persons
            .map(|person| PersonMark {
                key: person.key,
                mark: person.mark,
            })
            .collect(),
        quotas: basis.quotas,
    })
}

/// A fault of a SOAP service is no response and not signed, so its request stays unanswered.
fn answered(ordinal: u64, record: Record) -> Answered {
    let failed = match record.protocol {
        Protocol::Soap => false,
        Protocol::Rest => rest::Response::from_block(record.message)
            .is_ok_and(|response| response.status() >= FAILED_FROM),
    };
    Answered {
        ordinal,
        client: record.client,
        service: record.service,
        message_id: record.message_id,
        outcome: match failed {
            true => Outcome::Failed,
            false => Outcome::Answered,
        },
    }
}

const FAILED_FROM: u16 = 400;
