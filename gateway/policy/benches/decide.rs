//! What a decision costs with 10 000 rules and 100 000 revocations, and reading those rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unused_crate_dependencies,
    reason = "bench helpers"
)]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::Ed25519Key;
use criterion::{Criterion, criterion_group, criterion_main};
use gateway_policy::basis::{Ask, Directory, decide};
use gateway_policy::consent::{self, Artefact, Proof};
use gateway_policy::feed::{self, Entry, Event, Page, State};
use gateway_policy::person::{KeyKind, PersonKey};
use gateway_policy::rules::{Rules, check};
use gateway_proto::id::{ClientId, GlobalGroupId, ServiceId};
use gateway_tlog::note::{Kind, Signer};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

const SERVICES: usize = 1_000;
const RULES_OF_EACH: usize = 10;
const REVOKED: u128 = 100_000;

struct NoGroups;

impl Directory for NoGroups {
    fn in_global_group(&self, _: &ClientId, _: &GlobalGroupId) -> bool {
        false
    }
}

fn benches(c: &mut Criterion) {
    let bytes = serde_json::to_vec(&part()).unwrap();
    let rules = Rules::read(&bytes, "AZ").unwrap();
    let feed = feed();
    let now: Timestamp = "2026-11-22T12:00:30Z".parse().unwrap();
    let text = consent::sign(&artefact(), "k1", &key(7)).unwrap();
    let verified = consent::verify(&text, &rules).unwrap();
    let service = service(777);
    let persons = [person()];
    let by_law = consumer(777, 0);
    let by_consent = consumer(777, 1);
    let ask = Ask {
        client: &by_law,
        service: &service,
        rest: None,
        purpose: Some("aid"),
        right_purposes: None,
        case: None,
        user: None,
        persons: &persons,
        consent: None,
        emergency: None,
    };
    let with_consent = Ask {
        client: &by_consent,
        purpose: Some("credit"),
        consent: Some(&verified),
        ..ask
    };
    let mut group = c.benchmark_group("10 000 rules");
    for (name, ask) in [("decide by law", ask), ("decide by consent", with_consent)] {
        decide(&ask, &rules, &NoGroups, &feed, now).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| decide(black_box(&ask), &rules, &NoGroups, &feed, now));
        });
    }
    let refused = Ask {
        client: &by_consent,
        ..ask
    };
    decide(&refused, &rules, &NoGroups, &feed, now).unwrap_err();
    group.bench_function("refuse", |b| {
        b.iter(|| decide(black_box(&refused), &rules, &NoGroups, &feed, now));
    });
    group.bench_function("verify a consent", |b| {
        b.iter(|| consent::verify(black_box(&text), &rules));
    });
    group.sample_size(10);
    group.bench_function("check", |b| b.iter(|| check(black_box(rules.part()))));
    group.bench_function("read", |b| b.iter(|| Rules::read(black_box(&bytes), "AZ")));
    group.finish();
}

/// Each service may be asked by some ministries by law, and by some banks by consent.
fn part() -> Value {
    let mut services = Vec::new();
    let mut rules = Vec::new();
    for number in 0..SERVICES {
        services.push(json!({
            "provider": provider(number).to_rest(), "code": format!("service{number}"),
            "system": format!("system{}", number / 10), "personal": true, "categories": ["income"],
            "purposes": ["aid", "credit"], "subjects": [{"kind": "fin", "at": "query:fin"}],
        }));
        for which in 0..RULES_OF_EACH {
            let (purpose, basis) = match which % 2 {
                0 => (
                    "aid",
                    json!({"kind": "law", "act": "Act 1", "article": "3.3"}),
                ),
                _ => ("credit", json!({"kind": "consent"})),
            };
            rules.push(json!({
                "id": format!("rule-{number}-{which}"), "version": 1,
                "consumers": [format!("client:{}", consumer(number, which).to_rest())],
                "services": [{"provider": provider(number).to_rest(), "code": format!("service{number}")}],
                "purposes": [purpose], "basis": basis,
                "limits": {"frequency": {"count": 10, "seconds": 3600}},
            }));
        }
    }
    let systems: Vec<Value> = (0..SERVICES.div_ceil(10))
        .map(|number| {
            json!({
                "code": format!("system{number}"), "owner": format!("AZ/GOV/{number:010}"),
                "name": "System", "register": "personal-data", "entry": "1",
                "status": "registered", "purposes": ["aid", "credit"],
            })
        })
        .collect();
    json!({
        "format": "karvan-rules/1", "instance": "AZ", "version": 1,
        "published": "2026-11-20T00:00:00Z", "settings": {},
        "purposes": [{"code": "aid"}, {"code": "credit"}], "categories": [{"code": "income"}],
        "systems": systems, "services": services, "rules": rules,
        "consent": {
            "keys": [{"kid": "k1", "algorithm": "EdDSA",
                      "public": URL_SAFE_NO_PAD.encode(key(7).public_key())}],
            "feed_key": signer().verifier().to_vkey(),
            "feed_urls": ["https://registry.example/karvan/v1/feed"],
            "feed_certificates": ["00".repeat(32)],
        },
    })
}

fn provider(service: usize) -> ClientId {
    let member = service / 10;
    ClientId::from_rest(&format!("AZ/GOV/{member:010}/register")).unwrap()
}

fn consumer(service: usize, which: usize) -> ClientId {
    ClientId::from_rest(&format!("AZ/COM/{service:010}/asks{which}")).unwrap()
}

fn service(number: usize) -> ServiceId {
    ServiceId::new(provider(number), &format!("service{number}"), Some("v1")).unwrap()
}

fn person() -> PersonKey {
    PersonKey::parse(
        KeyKind::Fin,
        "0TEST01",
        &gateway_policy::person::Alphabet::default(),
    )
    .unwrap()
}

fn artefact() -> Artefact {
    let time = |text: &str| text.parse().unwrap();
    Artefact {
        format: consent::FORMAT.to_owned(),
        instance: "AZ".to_owned(),
        id: Uuid::from_u128(REVOKED.wrapping_add(1)),
        subject: person(),
        consumer: consumer(777, 1),
        provider: provider(777),
        services: vec!["service777".to_owned()],
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
            portal: ClientId::from_rest("AZ/GOV/0000001181/mygov").unwrap(),
            level: "asan-imza".to_owned(),
            at: time("2026-11-22T09:59:00Z"),
        },
    }
}

fn key(seed: u8) -> Ed25519Key {
    Ed25519Key::from_seed(&[seed; 32]).unwrap()
}

fn signer() -> Signer {
    Signer::new(Kind::Ed25519, "AZ-feed", key(5)).unwrap()
}

/// Pages of revocations, as a node takes them.
fn feed() -> State {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let ends = "2026-12-22T10:00:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .as_second();
    let mut state = State::new();
    let mut hash = feed::chain_start();
    let mut lines = Vec::new();
    for (number, id) in (1_u64..).zip(1..=REVOKED) {
        let consent = Uuid::from_u128(id);
        let event = Event::Revoked { consent, ends };
        let line = feed::line(&Entry { number, event }).unwrap();
        hash = feed::chain_next(&hash, &line);
        lines.push(line);
        if lines.len() < feed::PAGE_ENTRIES_MAX && id < REVOKED {
            continue;
        }
        let complete = id == REVOKED;
        let page = feed::make_page("AZ", number, &hash, complete, &lines, &signer(), now).unwrap();
        let page = Page::verify(&page, signer().verifier(), "AZ", now).unwrap();
        state.apply(&page).unwrap();
        lines.clear();
    }
    state
}

criterion_group!(all, benches);
criterion_main!(all);
