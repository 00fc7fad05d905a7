//! A large journal: a generated index, looked into by person, and what taking in the log adds to it.
//!
//! Each person has the same number of entries, spread over the whole time, so that no two of them lie
//! together but by chance: the worst for who looks. It is filled in the order of keys; the rows are
//! those that the log would have made.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use certs_keys::SecretKey;
use gateway_journal::{
    Answered, Asked, Disclosure, Event, Exchange, Ground, Journal, Keys, Outcome, PersonMark, Query,
};
use gateway_proto::id::{ClientId, ServiceId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::invented::{self, person};
use crate::bench::measure::{Numbers, Tail, bytes_at, bytes_fetched, each, micros, rate};
use crate::bench::parts::part;
use crate::bench::{Error, folder};
use crate::clock;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) records: u64,
    pub(super) persons: u64,
    pub(super) filled_per_s: f64,
    pub(super) file_bytes: u64,
    /// Octets of the file, an entry.
    pub(super) record_bytes: f64,
    pub(super) page_max: usize,
    /// To open the file, closed as it should be and out of the system's memory if it could be put out.
    pub(super) opened_ms: f64,
    /// To open it after a crash, in the system's memory; `None`: not tried with so large a file.
    pub(super) crashed_ms: Option<f64>,
    /// First pages of persons; `None`: the file cannot be put out of the system's memory here.
    pub(super) cold: Option<Looked>,
    /// Of the same persons once more.
    pub(super) warm: Looked,
    /// What the log says, taken in as the node does.
    pub(super) applied_per_s: f64,
    pub(super) applied_at_once: usize,
}

/// Look-ups of so many persons.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Looked {
    pub(super) took: Tail,
    /// Octets that came from the disk, a look-up.
    pub(super) fetched_bytes: Option<f64>,
}

/// Who has which entries: in each round of the log each person has one, in another order.
#[derive(Clone, Copy, Debug)]
struct Shape {
    records: u64,
    persons: u64,
}

pub(super) fn run(records: u64, time: Duration) -> Result<Figures, Error> {
    let folder = folder()?;
    let path = folder.path().join("journal.redb");
    let keys = Keys::new(vec![(1, SecretKey::generate())]).map_err(|error| part(&error))?;
    let open = || Journal::open(&path, keys.clone()).map_err(|error| part(&error));
    let shape = Shape::of(records);
    let service = Service::new()?;
    let journal = open()?;
    let began = clock::instant();
    fill(&journal, shape, &service)?;
    let filling = began.elapsed();
    drop(journal);
    let file_bytes = bytes_at(&path)?;

    let mut numbers = Numbers::new();
    let looked_for: Vec<u64> = (0..LOOKED_COUNT)
        .map(|_| numbers.up_to(shape.persons).saturating_sub(1))
        .collect();
    let is_out = put_out(&path);
    let began = clock::instant();
    let journal = open()?;
    let opening = began.elapsed();
    let cold = match is_out {
        true => Some(looked(&journal, shape, &service, &looked_for)?),
        false => None,
    };
    // Once, so that all that is looked at is in the system's memory.
    looked(&journal, shape, &service, &looked_for)?;
    let warm = looked(&journal, shape, &service, &looked_for)?;
    let applied_per_s = applied(&journal, shape, &service, time)?;
    let crashed_ms = match file_bytes <= COPIED_BYTES_MAX {
        true => Some(crashed(&path, &keys)?),
        false => None,
    };
    drop(journal);
    Ok(Figures {
        records: shape.records,
        persons: shape.persons,
        filled_per_s: rate(
            usize::try_from(shape.records).unwrap_or(usize::MAX),
            filling,
        ),
        file_bytes,
        record_bytes: each(file_bytes, shape.records),
        page_max: PAGE_MAX,
        opened_ms: micros(opening) / 1000.0,
        crashed_ms,
        cold,
        warm,
        applied_per_s,
        applied_at_once: APPLIED_AT_ONCE,
    })
}

fn fill(journal: &Journal, shape: Shape, service: &Service) -> Result<(), Error> {
    let mut marks = Vec::new();
    for number in 0..shape.persons {
        marks.push((journal.mark(&person(number)?), number));
    }
    let mark_of = |place: u64| {
        let number = shape.person_at(place);
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        marks.get(place).map(|(mark, _)| *mark)
    };
    let asked =
        (0..shape.records).map(|place| (service.asked(place, mark_of(place)), Outcome::Answered));
    let mut by_mark = marks.clone();
    by_mark.sort_unstable();
    let rows = by_mark.iter().flat_map(|(mark, number)| {
        let places = shape.places_of(*number);
        places.map(|place| (*mark, time_of(place), ordinal_of(place)))
    });
    let until = ordinal_of(shape.records);
    let filled = journal.fill(&service.provider, asked, rows, until);
    filled.map_err(|error| part(&error))
}

/// First pages of these persons, one after another.
fn looked(
    journal: &Journal,
    shape: Shape,
    service: &Service,
    persons: &[u64],
) -> Result<Looked, Error> {
    let fetched_before = bytes_fetched();
    let mut took = Vec::with_capacity(persons.len());
    for number in persons {
        let person = person(*number)?;
        let query = Query {
            person: &person,
            provider: &service.provider,
            from: None,
            until: None,
            after: None,
            skip: 0,
            max: PAGE_MAX,
        };
        let began = clock::instant();
        let page = journal.find(&query, Timestamp::MAX);
        took.push(began.elapsed());
        let found = page.map_err(|error| part(&error))?;
        let expected = shape.places_of(*number).count();
        if found.usages.len() != expected.min(PAGE_MAX) {
            return Err(Error::Part("entries of a person were not found".to_owned()));
        }
    }
    let fetched = fetched_before.zip(bytes_fetched());
    let fetched = fetched.map(|(before, after)| after.saturating_sub(before));
    let count = u64::try_from(took.len()).unwrap_or(u64::MAX);
    Ok(Looked {
        took: Tail::of(took),
        fetched_bytes: fetched.map(|fetched| each(fetched, count)),
    })
}

/// Entries a second that are taken in with their answers, as the node hands them in.
fn applied(
    journal: &Journal,
    shape: Shape,
    service: &Service,
    time: Duration,
) -> Result<f64, Error> {
    let mut place = shape.records;
    let mut numbers = Numbers::new();
    let mut elapsed = Duration::ZERO;
    let mut count = 0_usize;
    while elapsed < time {
        let mut events = Vec::with_capacity(APPLIED_AT_ONCE.saturating_mul(2));
        for _ in 0..APPLIED_AT_ONCE {
            let number = numbers.up_to(shape.persons).saturating_sub(1);
            let asked = service.asked(place, Some(journal.mark(&person(number)?)));
            events.push(Event::Answered(Answered {
                ordinal: asked.ordinal.saturating_add(1),
                client: asked.exchange.client.clone(),
                service: asked.exchange.service.clone(),
                message_id: asked.exchange.message_id.clone(),
                outcome: Outcome::Answered,
            }));
            events.push(Event::Asked(asked));
            place = place.saturating_add(1);
        }
        // In the order of the log.
        events.sort_by_key(|event| match event {
            Event::Asked(asked) => asked.ordinal,
            Event::Answered(answered) => answered.ordinal,
        });
        let began = clock::instant();
        let applied = journal.apply(&events, ordinal_of(place));
        elapsed = elapsed.saturating_add(began.elapsed());
        applied.map_err(|error| part(&error))?;
        count = count.saturating_add(APPLIED_AT_ONCE);
    }
    Ok(rate(count, elapsed))
}

/// How long it takes to open what a crash would have left of this file, which is open and at rest.
fn crashed(path: &Path, keys: &Keys) -> Result<f64, Error> {
    let left = path.with_extension("crashed");
    let copied = std::fs::copy(path, &left);
    copied.map_err(|source| Error::Io {
        what: "copying a journal",
        source,
    })?;
    let began = clock::instant();
    let journal = Journal::open(&left, keys.clone()).map_err(|error| part(&error))?;
    let took = began.elapsed();
    drop(journal);
    Ok(micros(took) / 1000.0)
}

/// Asks the system to forget what it holds of a file in memory; `false`: it was not asked.
fn put_out(path: &Path) -> bool {
    let mut input = std::ffi::OsString::from("if=");
    input.push(path);
    // GNU coreutils: without octets to copy, `nocache` is about the whole file.
    let asked = Command::new("dd")
        .arg(input)
        .args(["of=/dev/null", "iflag=nocache", "count=0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// What all entries are about.
struct Service {
    provider: ClientId,
    services: Vec<ServiceId>,
    clients: Vec<ClientId>,
}

impl Service {
    fn new() -> Result<Self, Error> {
        let provider = invented::client(&invented::provider(0))?;
        let services = (0..10_u32).map(|number| {
            let made = ServiceId::new(provider.clone(), &format!("service{number}"), Some("v1"));
            made.map_err(|error| part(&error))
        });
        Ok(Self {
            services: services.collect::<Result<_, _>>()?,
            clients: (0..50)
                .map(|pair| invented::client(&invented::bank(pair)))
                .collect::<Result<_, _>>()?,
            provider,
        })
    }

    /// The n-th entry.
    fn asked(&self, place: u64, person: Option<PersonMark>) -> Asked {
        let turn = usize::try_from(place).unwrap_or(0);
        let one_of = |count: usize| turn.checked_rem(count).unwrap_or(0);
        #[expect(
            clippy::indexing_slicing,
            reason = "the lists are not empty, and it is within them"
        )]
        let (client, service) = (
            self.clients[one_of(self.clients.len())].clone(),
            self.services[one_of(self.services.len())].clone(),
        );
        Asked {
            ordinal: ordinal_of(place),
            time: time_of(place),
            exchange: Exchange {
                client,
                service,
                message_id: message_id(place),
                user: Some(format!("AZ-clerk-{}", one_of(1000))),
                case: None,
                purpose: Some("aid".to_owned()),
                rule: Some(("rule-rest0-0".to_owned(), 1)),
                ground: Ground::Law,
                law: Some(("Act 1".to_owned(), "3.3".to_owned())),
                consent: None,
                emergency: None,
            },
            disclosure: Disclosure::AtOnce,
            persons: person.into_iter().collect(),
            quotas: Vec::new(),
        }
    }
}

fn message_id(place: u64) -> String {
    let high = u128::from(place.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64;
    Uuid::from_u128(high | u128::from(place)).to_string()
}

/// In the log each request has its answer behind it.
fn ordinal_of(place: u64) -> u64 {
    place.saturating_mul(2).saturating_add(1)
}

/// Ten entries a second.
fn time_of(place: u64) -> Timestamp {
    let tenths = i64::try_from(place).unwrap_or(i64::MAX);
    let since = SignedDuration::from_millis(tenths.saturating_mul(100));
    BEGIN.checked_add(since).unwrap_or(Timestamp::MAX)
}

impl Shape {
    fn of(records: u64) -> Self {
        Self {
            records,
            persons: records.div_euclid(EACH).max(1),
        }
    }

    /// Whose the n-th entry is.
    fn person_at(self, place: u64) -> u64 {
        let round = place.checked_div(self.persons).unwrap_or(0);
        let within = place.checked_rem(self.persons).unwrap_or(0);
        self.turned(within, self.shift(round))
    }

    /// A person's entries, the latest first.
    fn places_of(self, person: u64) -> impl Iterator<Item = u64> {
        let rounds = self.records.div_ceil(self.persons);
        let places = (0..rounds).rev().map(move |round| {
            let back = self.persons.saturating_sub(self.shift(round));
            let within = self.turned(person, back);
            round.saturating_mul(self.persons).saturating_add(within)
        });
        places.filter(move |place| *place < self.records)
    }

    fn turned(self, number: u64, by: u64) -> u64 {
        let sum = number.saturating_add(by);
        sum.checked_rem(self.persons).unwrap_or(0)
    }

    /// By how much the order of a round is turned; less than there are persons.
    fn shift(self, round: u64) -> u64 {
        let turned = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 8;
        turned.checked_rem(self.persons).unwrap_or(0)
    }
}

const BEGIN: Timestamp = Timestamp::constant(1_700_000_000, 0);
/// Entries of each person.
const EACH: u64 = 20;
const LOOKED_COUNT: usize = 2000;
/// As many as `findUsage` gives at once.
const PAGE_MAX: usize = 1000;
/// A larger file is not copied.
const COPIED_BYTES_MAX: u64 = 4 << 30;
/// The node takes in 100 messages at once: so many requests with their answers.
const APPLIED_AT_ONCE: usize = 50;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::{Shape, run};

    #[test]
    fn each_entry_is_its_persons_and_nobody_elses() {
        for records in [1, 19, 20, 45, 203, 1000] {
            let shape = Shape::of(records);
            let mut seen = BTreeSet::new();
            for person in 0..shape.persons {
                let places: Vec<u64> = shape.places_of(person).collect();
                assert!(places.is_sorted_by(|one, next| one > next), "{records}");
                for place in places {
                    assert_eq!(shape.person_at(place), person, "{records}");
                    assert!(seen.insert(place), "{records}");
                }
            }
            assert_eq!(seen, (0..records).collect());
        }
    }

    #[test]
    fn every_person_of_a_small_journal_is_found() {
        // Looking checks what it finds.
        let figures = run(1234, Duration::from_millis(1)).unwrap();
        assert_eq!((figures.records, figures.persons), (1234, 61));
        assert!(figures.applied_per_s > 0.0);
    }
}
