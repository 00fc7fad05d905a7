//! A registry's rules, the consents its service has signed, and its feed.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::Ed25519Key;
use gateway_policy::consent::{self, Artefact};
use gateway_policy::feed::{self, State};
use gateway_policy::rules::Rules;
use gateway_proto::id::{ClientId, ServiceId};
use gateway_tlog::note::{Kind, Signer};
use serde_json::{Value, json};

use super::{INSTANCE, now};

/// What it has published, and with which keys.
pub(crate) struct Registry {
    pub(crate) part: Vec<u8>,
    pub(crate) rules: Rules,
    pub(crate) consent_key: Ed25519Key,
    pub(crate) consents: Vec<String>,
    payloads: Vec<Vec<u8>>,
    pub(crate) feed: Signer,
    pub(crate) lines: Vec<Vec<u8>>,
    /// By how many lines are held.
    pub(crate) states: Vec<State>,
}

/// What the key of consents is called.
pub(crate) const KID: &str = "consent-1";

/// The registry of this process.
pub(crate) fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::new)
}

/// Its rules.
pub fn rules_parts() -> Vec<Vec<u8>> {
    vec![registry().part.clone()]
}

/// Consents as signed, and what is signed in them.
pub fn consents() -> Vec<Vec<u8>> {
    let registry = registry();
    let signed = registry.consents.iter().map(|text| text.clone().into());
    signed.chain(registry.payloads.iter().cloned()).collect()
}

/// Pages from the beginning, from the middle, and one without news.
pub fn feed_pages() -> Vec<Vec<u8>> {
    let registry = registry();
    let page = |from: usize, to: usize, complete: bool| {
        let number = u64::try_from(to).expect("a few");
        let (hash, lines) = (registry.states[to].hash(), &registry.lines[from..to]);
        feed::make_page(
            INSTANCE,
            number,
            hash,
            complete,
            lines,
            &registry.feed,
            now(),
        )
        .expect("a page")
    };
    let end = registry.lines.len();
    vec![
        page(0, end, true),
        page(0, 2, false),
        page(2, end, true),
        page(end, end, true),
        page(0, 0, true),
    ]
}

/// Lines that are the first of a feed.
pub fn feed_lines() -> Vec<Vec<u8>> {
    events().into_iter().map(|event| line(1, event)).collect()
}

pub(crate) fn service_id(provider: &ClientId, code: &str) -> ServiceId {
    ServiceId::new(provider.clone(), code, None).expect("a service")
}

impl Registry {
    fn new() -> Self {
        let consent_key = Ed25519Key::from_seed(&[3; 32]).expect("a key");
        let feed_key = Ed25519Key::from_seed(&[4; 32]).expect("a key");
        let feed = Signer::new(Kind::Ed25519, "AZ-feed", feed_key).expect("a name");
        let public = URL_SAFE_NO_PAD.encode(consent_key.public_key());
        let part = part(&public, &feed.verifier().to_vkey());
        let part = serde_json::to_vec(&part).expect("JSON");
        let rules = Rules::read(&part, INSTANCE).expect("rules");
        let artefacts = artefacts();
        let sign = |artefact| consent::sign(artefact, KID, &consent_key).expect("a consent");
        let consents: Vec<String> = artefacts.iter().map(sign).collect();
        let payload = |text: &String| {
            let payload = text.split('.').nth(1).expect("three parts");
            URL_SAFE_NO_PAD.decode(payload).expect("base64url")
        };
        let payloads = consents.iter().map(payload).collect();
        let lines: Vec<_> = events()
            .into_iter()
            .zip(1..)
            .map(|(event, number)| line(number, event))
            .collect();
        let mut states = vec![State::new()];
        for line in &lines {
            let mut next = states.last().expect("one").clone();
            next.replay_unchecked(line).expect("the next line");
            states.push(next);
        }
        Self {
            part,
            rules,
            consent_key,
            consents,
            payloads,
            feed,
            lines,
            states,
        }
    }
}

fn line(number: u64, event: Value) -> Vec<u8> {
    let entry = json!({"number": number, "event": event});
    let entry = serde_json::from_value(entry).expect("an entry");
    feed::line(&entry).expect("a line")
}

fn events() -> Vec<Value> {
    let consent = "6f1c1c7e-5d0b-4a53-9a3f-2a4c3b1d0e9f";
    let case = "0123456789abcdef".repeat(4);
    let salt = "00112233445566778899aabbccddeeff";
    let ends = now().as_second() + 1000;
    vec![
        json!({"kind": "paused", "consent": consent, "ends": ends}),
        json!({"kind": "resumed", "consent": consent}),
        json!({"kind": "revoked", "consent": consent, "ends": ends}),
        json!({"kind": "case-opened", "case": case, "salt": salt, "persons": [7, 65535], "ends": ends}),
        json!({"kind": "case-closed", "case": case}),
    ]
}

fn artefacts() -> Vec<Artefact> {
    let simple = json!({
        "format": consent::FORMAT,
        "instance": INSTANCE,
        "id": "6f1c1c7e-5d0b-4a53-9a3f-2a4c3b1d0e9f",
        "subject": {"kind": "fin", "value": "0TEST01"},
        "consumer": "AZ/COM/3/credit",
        "provider": "AZ/GOV/1/taxes",
        "services": ["income"],
        "purpose": "credit",
        "categories": ["income"],
        "issued_at": "2026-11-22T12:00:00Z",
        "valid_from": "2026-11-22T12:00:00Z",
        "valid_until": "2027-11-22T12:00:00Z",
        "proof": {
            "kind": "attestation",
            "portal": "AZ/GOV/2/portal",
            "level": "asan-imza",
            "at": "2026-11-22T11:59:00Z",
        },
    });
    let mut whole = simple.clone();
    for (field, value) in [
        ("data_from", json!("2025-01-01")),
        ("data_until", json!("2025-12-31")),
        ("frequency", json!({"count": 3, "seconds": 86400})),
        ("single_use", json!(true)),
        ("data_life_seconds", json!(3600)),
        (
            "acting_for",
            json!({
                "actor": {"kind": "fin", "value": "0TEST02"},
                "relation": "parent",
                "evidence": "birth certificate AA 1",
            }),
        ),
        ("predecessor", json!("ab".repeat(32))),
        (
            "proof",
            json!({
                "kind": "signed-document",
                "sha256": "cd".repeat(32),
                "media_type": "application/vnd.etsi.asic-e+zip",
            }),
        ),
    ] {
        whole[field] = value;
    }
    [simple, whole]
        .map(|artefact| serde_json::from_value(artefact).expect("an artefact"))
        .into()
}

fn part(consent_key: &str, feed_key: &str) -> Value {
    json!({
        "format": "karvan-rules/1",
        "instance": INSTANCE,
        "version": 2,
        "published": "2026-11-22T12:00:00Z",
        "previous": "ef".repeat(32),
        "settings": {
            "portals": ["AZ/GOV/2/portal"],
            "authentication_levels": ["asan-imza"],
        },
        "purposes": [
            {"code": "credit", "title": {"az": "Kredit", "en": "Credit"}},
            {"code": "search"},
        ],
        "categories": [{"code": "income"}, {"code": "health", "special": true}],
        "systems": [{
            "code": "taxes",
            "owner": "AZ/GOV/1",
            "name": "Taxes",
            "register": "state-resource",
            "entry": "12",
            "status": "registered",
            "purposes": ["credit", "search"],
        }],
        "services": [{
            "provider": "AZ/GOV/1/taxes",
            "code": "income",
            "system": "taxes",
            "personal": true,
            "categories": ["income"],
            "purposes": ["credit", "search"],
            "subjects": [
                {"kind": "fin", "at": "soap:/income/fin"},
                {"kind": "fin", "at": "path:/persons/{key}", "optional": true},
            ],
        }],
        "rules": [
            {
                "id": "credit-income",
                "version": 1,
                "title": "Income for credits",
                "consumers": ["client:AZ/COM/3/credit", "class:AZ/BANK"],
                "services": [{"provider": "AZ/GOV/1/taxes", "code": "income"}],
                "purposes": ["credit"],
                "categories": ["income"],
                "basis": {"kind": "consent"},
                "limits": {
                    "frequency": {"count": 3, "seconds": 3600},
                    "hours": {"from": "08:00", "to": "18:00", "weekdays": [1, 2, 3, 4, 5]},
                },
            },
            {
                "id": "search-income",
                "version": 3,
                "consumers": ["group:AZ/police"],
                "services": [{"provider": "AZ/GOV/1/taxes", "code": "income"}],
                "purposes": ["search"],
                "basis": {"kind": "law", "act": "Operational search", "article": "10"},
                "limits": {"case": "open"},
                "disclosure": {
                    "kind": "hidden",
                    "article": "12",
                    "until": "2028-01-01T00:00:00Z",
                },
            },
        ],
        "consent": {
            "keys": [{"kid": KID, "algorithm": "EdDSA", "public": consent_key}],
            "feed_key": feed_key,
            "feed_urls": ["https://registry.example/karvan/v1/feed"],
            "feed_certificates": ["00".repeat(32)],
        },
    })
}
