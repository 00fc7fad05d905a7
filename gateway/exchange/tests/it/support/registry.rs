//! What the registry says: rules, consents, and the feed.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use certs_keys::Ed25519Key;
use gateway_exchange::conf::{RulesFault, RulesState};
use gateway_policy::consent::{self, Artefact, Proof};
use gateway_policy::feed::{self, Entry, Event, Page};
use gateway_policy::person::{Alphabet, KeyKind, PersonKey};
use gateway_policy::rules::{
    Basis, Category, ConsentKey, ConsentService, Consumer, Disclosure, Limits, Part, Purpose,
    Register, Rule, Rules, Scope, Service, Settings, Status, System,
};
use gateway_tlog::note::{Kind, Signer};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::country::{NOW, client};
use super::place::Place;
use super::world::World;

/// A person, and two others.
pub(crate) const FIN: &str = "5ABCD12";
pub(crate) const OTHER_FIN: &str = "6WXYZ34";
pub(crate) const THIRD_FIN: &str = "7KLMN56";
/// Purposes.
pub(crate) const AID: &str = "aid";
pub(crate) const CREDIT: &str = "credit";
pub(crate) const RESCUE: &str = "rescue";

pub(crate) fn fin(text: &str) -> PersonKey {
    let alphabet = Alphabet::new(&Settings::default().fin_alphabet).unwrap();
    PersonKey::parse(KeyKind::Fin, text, &alphabet).unwrap()
}

/// A rule that gives the asking client all services of the answering one.
fn rule(id: &str, purpose: &str, basis: Basis) -> Rule {
    Rule {
        id: id.to_owned(),
        version: 3,
        title: String::new(),
        consumers: vec![Consumer::Client(client("DEV/COM/1111/TESTCLI"))],
        services: vec![Scope {
            provider: client("DEV/GOV/2222/TESTPROV"),
            code: None,
            method: None,
            path: None,
        }],
        purposes: vec![purpose.to_owned()],
        categories: vec!["identity".to_owned()],
        basis,
        limits: Limits::default(),
        disclosure: Disclosure::default(),
    }
}

/// By law, for aid.
pub(crate) fn law() -> Rule {
    let (act, article) = ("Act on aid".to_owned(), "7.1".to_owned());
    rule("by-law", AID, Basis::Law { act, article })
}

/// With consent, for credit.
pub(crate) fn with_consent() -> Rule {
    rule("by-consent", CREDIT, Basis::Consent)
}

/// In an emergency, for rescue.
pub(crate) fn vital() -> Rule {
    let (act, article) = ("Act on health".to_owned(), "2".to_owned());
    rule("by-need", RESCUE, Basis::Vital { act, article })
}

/// Seals consents and says what became of them. One for a test.
pub(crate) struct Desk {
    key: Ed25519Key,
    signer: Signer,
    number: u64,
    hash: [u8; 32],
}

impl Desk {
    pub(crate) fn new() -> Self {
        let feed_key = Ed25519Key::generate().unwrap();
        Self {
            key: Ed25519Key::generate().unwrap(),
            signer: Signer::new(Kind::Ed25519, "DEV-feed", feed_key).unwrap(),
            number: 0,
            hash: feed::chain_start(),
        }
    }

    /// The rules part with these rules, and with both services of the answering client as personal.
    pub(crate) fn part(&self, rules: Vec<Rule>) -> Part {
        let purposes = [AID, CREDIT, RESCUE];
        let subjects = |places: serde_json::Value| serde_json::from_value(places).unwrap();
        let service = |code: &str, places| Service {
            provider: client("DEV/GOV/2222/TESTPROV"),
            code: code.to_owned(),
            system: "people".to_owned(),
            personal: true,
            categories: vec!["identity".to_owned()],
            purposes: purposes.map(str::to_owned).to_vec(),
            subjects: subjects(places),
            user_required: false,
        };
        let lookup = service("lookup", json!([{"kind": "fin", "at": "soap:/lookup/key"}]));
        let petstore = service(
            "petstore",
            json!([
                {"kind": "fin", "at": "path:/persons/{key}/**", "path": "/persons/**"},
                {"kind": "fin", "at": "query:fin", "path": "/search"},
                {"kind": "fin", "at": "header:X-Person", "path": "/headed"},
                {"kind": "fin", "at": "json:/persons/*/fin", "method": "POST", "path": "/family"},
            ]),
        );
        Part {
            format: "karvan-rules/1".to_owned(),
            instance: "DEV".to_owned(),
            version: 7,
            published: NOW,
            previous: None,
            settings: Settings {
                portals: vec![client("DEV/COM/3333/OTHER")],
                authentication_levels: vec!["asan-imza".to_owned()],
                ..Settings::default()
            },
            purposes: purposes
                .map(|code| Purpose {
                    code: code.to_owned(),
                    title: [].into(),
                })
                .to_vec(),
            categories: ["identity", "income"]
                .map(|code| Category {
                    code: code.to_owned(),
                    title: [].into(),
                    special: false,
                })
                .to_vec(),
            systems: vec![System {
                code: "people".to_owned(),
                owner: client("DEV/GOV/2222/TESTPROV").member().clone(),
                name: "People".to_owned(),
                register: Register::PersonalData,
                entry: "1".to_owned(),
                status: Status::Registered,
                purposes: purposes.map(str::to_owned).to_vec(),
            }],
            services: vec![lookup, petstore],
            rules,
            consent: Some(ConsentService {
                keys: vec![ConsentKey {
                    kid: "k1".to_owned(),
                    algorithm: "EdDSA".to_owned(),
                    public: BASE64_URL_SAFE_NO_PAD.encode(self.key.public_key()),
                }],
                feed_key: self.signer.verifier().to_vkey(),
                feed_urls: vec!["https://127.0.0.1/karvan/v1/feed".to_owned()],
                feed_certificates: vec!["00".repeat(32)],
            }),
        }
    }

    /// A consent of the person to the asking client, for credit, for a day.
    pub(crate) fn artefact(&self) -> Artefact {
        let after = |seconds: i64| Timestamp::from_second(NOW.as_second() + seconds).unwrap();
        Artefact {
            format: consent::FORMAT.to_owned(),
            instance: "DEV".to_owned(),
            id: Uuid::from_bytes(certs_keys::random_bytes()),
            subject: fin(FIN),
            consumer: client("DEV/COM/1111/TESTCLI"),
            provider: client("DEV/GOV/2222/TESTPROV"),
            services: vec!["lookup".to_owned(), "petstore".to_owned()],
            purpose: CREDIT.to_owned(),
            categories: vec!["identity".to_owned()],
            data_from: None,
            data_until: None,
            issued_at: NOW,
            valid_from: NOW,
            valid_until: after(86_400),
            frequency: None,
            single_use: false,
            data_life_seconds: None,
            acting_for: None,
            predecessor: None,
            proof: Proof::Attestation {
                portal: client("DEV/COM/3333/OTHER"),
                level: "asan-imza".to_owned(),
                at: NOW,
            },
        }
    }

    /// As it travels.
    pub(crate) fn seal(&self, artefact: &Artefact) -> String {
        consent::sign(artefact, "k1", &self.key).unwrap()
    }

    /// A payload as it is, with any header, under the true key.
    pub(crate) fn seal_raw(&self, header: &str, payload: &[u8]) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", encode(&signature))
    }

    /// Tells both nodes what happened, as of now; nothing: that all is as it was.
    pub(crate) fn tell(&mut self, world: &World, events: impl IntoIterator<Item = Event>) {
        let now = gateway_exchange::Clock::now(&*world.clock);
        let mut lines = Vec::new();
        for event in events {
            self.number += 1;
            let number = self.number;
            let line = feed::line(&Entry { number, event }).unwrap();
            self.hash = feed::chain_next(&self.hash, &line);
            lines.push(line);
        }
        let bytes = feed::make_page(
            "DEV",
            self.number,
            &self.hash,
            true,
            &lines,
            &self.signer,
            now,
        )
        .unwrap();
        let page = Page::verify(&bytes, self.signer.verifier(), "DEV", now).unwrap();
        for place in [&world.consumer, &world.provider] {
            place.node.feed.write().unwrap().apply(&page).unwrap();
        }
    }
}

/// A case of the asking client.
pub(crate) fn case_opened(case: &str, persons: &[&str]) -> Event {
    // Marks are short: under a random salt another person might once be taken for one of the case.
    let salt = [7; 16];
    Event::CaseOpened {
        case: case_hex(case),
        salt: hex::encode(salt),
        persons: persons
            .iter()
            .map(|person| feed::person_mark(&salt, &fin(person)))
            .collect(),
        ends: NOW.as_second() + 86_400,
    }
}

pub(crate) fn case_closed(case: &str) -> Event {
    Event::CaseClosed {
        case: case_hex(case),
    }
}

fn case_hex(case: &str) -> String {
    hex::encode(feed::case_digest(&client("DEV/COM/1111/TESTCLI"), case))
}

/// A world in which these rules hold on both nodes, and the feed is fresh.
pub(crate) async fn ruled(rules: Vec<Rule>) -> (World, Desk) {
    let world = World::new().await;
    let mut desk = Desk::new();
    world.enact(&desk.part(rules)).await;
    desk.tell(&world, []);
    (world, desk)
}

impl World {
    /// These rules hold on both nodes from now on.
    pub(crate) async fn enact(&self, part: &Part) {
        self.consumer.enact(part);
        self.provider.enact(part);
        self.reconfigure(|_| ()).await;
    }

    /// What is wrong with the rules on both nodes.
    pub(crate) async fn refuse_rules(&self, fault: RulesFault) {
        for place in [&self.consumer, &self.provider] {
            *place.rules.lock().unwrap() = RulesState::Refused(fault);
        }
        self.reconfigure(|_| ()).await;
    }

    /// The consumer's node does not look at rules, as a node of another make would not.
    pub(crate) async fn blind_consumer(&self) {
        *self.consumer.rules.lock().unwrap() = RulesState::Absent;
        self.reconfigure(|_| ()).await;
    }
}

impl Place {
    fn enact(&self, part: &Part) {
        let bytes = serde_json::to_vec(part).unwrap();
        let rules = Rules::read(&bytes, "DEV").unwrap();
        *self.rules.lock().unwrap() = RulesState::InForce(Arc::new(rules));
    }
}
