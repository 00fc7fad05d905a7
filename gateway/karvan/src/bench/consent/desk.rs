//! A large consent desk: filled, then asked through its door, one request after another. Each
//! request's change is durable when it is answered.

use std::path::Path;
use std::time::Duration;

use gateway_consent::request::{Action, Ask, Find, PersonText, Proof, Will};
use gateway_consent::{Answer, Caller, Desk, Granted, Request, Settings};
use gateway_exchange::Clock as _;
use gateway_policy::basis::Directory;
use gateway_policy::person::KeyKind;
use gateway_proto::id::{ClientId, GlobalGroupId};
use gateway_store::segment;
use serde::Serialize;
use uuid::Uuid;

use super::Options;
use super::invented::{self, CREDIT, Invented, LEVEL, PORTAL, consent_id, fin};
use crate::bench::measure::{Numbers, Tail, bytes_at, each, rate};
use crate::bench::parts::part;
use crate::bench::{Error, folder};
use crate::clock::{self, SystemClock};
use crate::country::INSTANCE;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) consents: u64,
    /// Filled in, many at a time, on all cores.
    pub(super) filled_per_s: f64,
    pub(super) file_bytes: u64,
    /// Octets of the file, a consent.
    pub(super) consent_bytes: f64,
    /// Requests, approvals and revocations one after another.
    pub(super) rounds_per_s: f64,
    pub(super) asked: Tail,
    pub(super) approved: Tail,
    pub(super) revoked: Tail,
    /// The bound of each of them: a durable record.
    pub(super) durable: Tail,
    /// All consents of one person.
    pub(super) found: Tail,
}

/// The rules here name no groups.
struct NoGroups;

impl Directory for NoGroups {
    fn in_global_group(&self, _: &ClientId, _: &GlobalGroupId) -> bool {
        false
    }
}

/// Asks the desk.
struct Door<'d> {
    desk: &'d Desk,
    invented: &'d Invented,
}

pub(super) fn run(options: &Options) -> Result<Figures, Error> {
    let invented = Invented::new(options.rules)?;
    let folder = folder()?;
    let path = folder.path().join("desk.redb");
    let desk = Desk::open(&path, invented::desk_keys()?, INSTANCE).map_err(|error| part(&error))?;
    let began = clock::instant();
    fill(&desk, &invented, options.consents)?;
    let filling = began.elapsed();
    let file_bytes = bytes_at(&path)?;
    let door = Door {
        desk: &desk,
        invented: &invented,
    };
    let (mut asked, mut approved, mut revoked) = (Vec::new(), Vec::new(), Vec::new());
    let mut numbers = Numbers::new();
    let began = clock::instant();
    while began.elapsed() < options.seconds || asked.is_empty() {
        let number = numbers.up_to(options.consents).saturating_sub(1);
        let (id, took) = door.ask(number)?;
        asked.push(took);
        approved.push(door.change(number, id, Action::Approve)?);
        revoked.push(door.change(number, id, Action::Revoke)?);
    }
    let elapsed = began.elapsed();
    let mut found = Vec::new();
    for _ in 0..FOUND_COUNT {
        let number = numbers.up_to(options.consents).saturating_sub(1);
        found.push(door.find(number)?);
    }
    Ok(Figures {
        consents: options.consents,
        filled_per_s: rate(
            usize::try_from(options.consents).unwrap_or(usize::MAX),
            filling,
        ),
        file_bytes,
        consent_bytes: each(file_bytes, options.consents),
        rounds_per_s: rate(asked.len(), elapsed),
        asked: Tail::of(asked),
        approved: Tail::of(approved),
        revoked: Tail::of(revoked),
        durable: durable(folder.path())?,
        found: Tail::of(found),
    })
}

fn fill(desk: &Desk, invented: &Invented, consents: u64) -> Result<(), Error> {
    let mut from = 0_u64;
    while from < consents {
        let until = from.saturating_add(FILLED_AT_ONCE).min(consents);
        let granted = (from..until).map(|number| {
            Ok(Granted {
                id: consent_id(number),
                consumer: bank(invented, number)?,
                ask: ask(invented, number)?,
                portal: portal()?,
                will: will(number),
            })
        });
        let granted: Vec<Granted> = granted.collect::<Result<_, Error>>()?;
        let now = SystemClock.now();
        let filled = desk.fill(&granted, &invented.rules, &NoGroups, now);
        filled.map_err(|error| part(&error))?;
        from = until;
    }
    Ok(())
}

/// How long a durable record takes, one after another.
fn durable(folder: &Path) -> Result<Tail, Error> {
    let runtime = tokio::runtime::Handle::current();
    let log = segment::Log::open(&folder.join("bound"), segment::Options::default());
    let log = log.map_err(|error| part(&error))?;
    let record = bytes::Bytes::from_static(&[b'x'; 2048]);
    let mut took = Vec::new();
    for _ in 0..DURABLE_COUNT {
        let began = clock::instant();
        let appended = runtime.block_on(log.append(record.clone()));
        took.push(began.elapsed());
        appended.map_err(|error| part(&error))?;
    }
    Ok(Tail::of(took))
}

impl Door<'_> {
    fn ask(&self, number: u64) -> Result<(Uuid, Duration), Error> {
        let (caller, ask) = (bank(self.invented, number)?, ask(self.invented, number)?);
        let (answer, took) = self.timed(&caller, Request::Ask(Box::new(ask)))?;
        match answer {
            Answer::Asked(standing) => Ok((standing.id, took)),
            _ => Err(Error::Part("the desk answered something else".to_owned())),
        }
    }

    fn change(&self, number: u64, id: Uuid, action: Action) -> Result<Duration, Error> {
        let will = Some(Box::new(will(number)));
        let request = Request::Change { id, action, will };
        self.timed(&portal()?, request).map(|(_, took)| took)
    }

    fn find(&self, number: u64) -> Result<Duration, Error> {
        let find = Find {
            person: Some(person_text(number)),
            ..Find::default()
        };
        let (answer, took) = self.timed(&portal()?, Request::Find(find))?;
        match answer {
            Answer::Consents(found) if !found.consents.is_empty() => Ok(took),
            _ => Err(Error::Part("a consent was not found".to_owned())),
        }
    }

    fn timed(&self, caller: &Caller, request: Request) -> Result<(Answer, Duration), Error> {
        let settings = Settings {
            supervisors: &[],
            directory: &NoGroups,
        };
        let now = SystemClock.now();
        let began = clock::instant();
        let answer = self
            .desk
            .handle(caller, request, &self.invented.rules, &settings, now);
        let took = began.elapsed();
        Ok((answer.map_err(|error| part(&error))?, took))
    }
}

fn bank(invented: &Invented, number: u64) -> Result<Caller, Error> {
    let pair = invented.pair_of(number);
    caller(&invented::bank(pair))
}

fn portal() -> Result<Caller, Error> {
    caller(PORTAL)
}

fn caller(client: &str) -> Result<Caller, Error> {
    Ok(Caller {
        client: invented::client(client)?,
        user: None,
        message_id: Some("bench".to_owned()),
    })
}

fn ask(invented: &Invented, number: u64) -> Result<Ask, Error> {
    let pair = invented.pair_of(number);
    Ok(Ask {
        subject: person_text(number),
        provider: invented::client(&invented::provider(pair))?,
        services: vec![invented::rest_code(pair), invented::soap_code(pair)],
        purpose: CREDIT.to_owned(),
        categories: vec!["income".to_owned()],
        data_from: None,
        data_until: None,
        valid_seconds: Some(30 * 24 * 3600),
        valid_until: None,
        frequency: None,
        single_use: false,
        data_life_seconds: None,
        predecessor: None,
    })
}

fn will(number: u64) -> Will {
    Will {
        proof: Proof::Attestation {
            level: LEVEL.to_owned(),
        },
        person: person_text(number),
        acting_for: None,
    }
}

fn person_text(number: u64) -> PersonText {
    PersonText {
        kind: KeyKind::Fin,
        value: fin(number),
    }
}

const FILLED_AT_ONCE: u64 = 50_000;
const FOUND_COUNT: usize = 2000;
const DURABLE_COUNT: usize = 500;
