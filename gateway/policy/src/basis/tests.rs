mod again;
mod ground;
mod property;
mod quota;
mod refusal;

use serde_json::{Value, json};

use super::*;
use crate::consent::{ActingFor, Artefact, Proof, Verified};
use crate::feed::Event;
use crate::person::KeyKind;
use crate::rules::Frequency;
use crate::rules::sample::{self, BANK, MINISTRY, TAX, client, rule, set, with};

/// A request and the world around it; each test changes what it is about.
#[derive(Clone, Debug)]
pub(super) struct Case {
    client: ClientId,
    service: ServiceId,
    rest: Option<(String, ServicePath)>,
    purpose: Option<String>,
    right_purposes: Option<Vec<String>>,
    case: Option<String>,
    user: Option<String>,
    persons: Vec<PersonKey>,
    consent: Option<Artefact>,
    emergency: Option<String>,
    feed: feed::State,
    now: Timestamp,
}

impl Case {
    /// The bank asks about one person's income for `credit`, with nothing else.
    fn new() -> Self {
        Self {
            client: client(BANK),
            service: service("income"),
            rest: None,
            purpose: Some("credit".to_owned()),
            right_purposes: None,
            case: None,
            user: None,
            persons: vec![person("0TEST01")],
            consent: None,
            emergency: None,
            feed: sample::feed(Vec::new(), time("2026-11-22T12:00:00Z")),
            now: time("2026-11-22T12:00:30Z"),
        }
    }

    fn decide(&self, rules: &Rules) -> Result<Decision, Refusal> {
        let consent = self.consent.as_ref().map(|artefact| {
            let text = consent::sign(artefact, "k1", &sample::consent_key()).unwrap();
            consent::verify(&text, rules).unwrap()
        });
        self.decide_with(rules, consent.as_ref())
    }

    fn decide_with(&self, rules: &Rules, consent: Option<&Verified>) -> Result<Decision, Refusal> {
        let ask = Ask {
            client: &self.client,
            service: &self.service,
            rest: self
                .rest
                .as_ref()
                .map(|(method, path)| (method.as_str(), path)),
            purpose: self.purpose.as_deref(),
            right_purposes: self.right_purposes.as_deref(),
            case: self.case.as_deref(),
            user: self.user.as_deref(),
            persons: &self.persons,
            consent,
            emergency: self.emergency.as_deref(),
        };
        decide(&ask, rules, &Groups, &self.feed, self.now)
    }
}

/// The bank is in the group `banks`.
struct Groups;

impl Directory for Groups {
    fn in_global_group(&self, caller: &ClientId, group: &GlobalGroupId) -> bool {
        group.code() == "banks" && *caller == client(BANK)
    }
}

/// What these rules say of the changed request: the id of the rule that allows it, `-` when none was
/// needed, or the code of the refusal.
#[track_caller]
fn check(rules: &[Value], change: impl FnOnce(&mut Case), expected: Result<&str, &str>) {
    check_part(&sample::part(rules), change, expected);
}

#[track_caller]
fn check_part(part: &Value, change: impl FnOnce(&mut Case), expected: Result<&str, &str>) {
    let mut case = Case::new();
    change(&mut case);
    let found = case.decide(&sample::read(part));
    let found = match &found {
        Ok(decision) => Ok(match decision.ground() {
            Ground::NotPersonal => "-",
            Ground::Rule { id, .. } => id.as_str(),
        }),
        Err(refusal) => Err(refusal.code()),
    };
    assert_eq!(found, expected);
}

fn service(code: &str) -> ServiceId {
    ServiceId::new(client(TAX), code, Some("v1")).unwrap()
}

fn person(value: &str) -> PersonKey {
    PersonKey::parse(KeyKind::Fin, value, &crate::person::Alphabet::default()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What the person allowed the bank.
fn artefact() -> Artefact {
    Artefact {
        format: consent::FORMAT.to_owned(),
        instance: "AZ".to_owned(),
        id: Uuid::from_u128(7),
        subject: person("0TEST01"),
        consumer: client(BANK),
        provider: client(TAX),
        services: vec!["income".to_owned(), "file".to_owned()],
        purpose: "credit".to_owned(),
        categories: vec!["income".to_owned()],
        data_from: None,
        data_until: None,
        issued_at: time("2026-11-22T10:00:00Z"),
        valid_from: time("2026-11-22T10:00:00Z"),
        valid_until: time("2026-12-22T10:00:00Z"),
        frequency: None,
        single_use: false,
        data_life_seconds: None,
        acting_for: None,
        predecessor: None,
        proof: Proof::Attestation {
            portal: client("AZ/GOV/0000001181/mygov"),
            level: "asan-imza".to_owned(),
            at: time("2026-11-22T09:59:00Z"),
        },
    }
}

/// A rule with these limits.
fn limited(id: &str, basis: &str, limits: Value) -> Value {
    with(rule(id, basis, &["credit"]), "limits", limits)
}

/// A case of the bank that is open for these persons.
fn opened(case: &str, persons: &[&str]) -> Event {
    let salt = [3; 16];
    Event::CaseOpened {
        case: hex::encode(feed::case_digest(&client(BANK), case)),
        salt: hex::encode(salt),
        persons: persons
            .iter()
            .map(|value| feed::person_mark(&salt, &person(value)))
            .collect(),
        ends: time("2026-12-01T00:00:00Z").as_second(),
    }
}

fn fresh(events: Vec<Event>) -> feed::State {
    sample::feed(events, time("2026-11-22T12:00:00Z"))
}
