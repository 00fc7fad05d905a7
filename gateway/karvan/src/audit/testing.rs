//! A tax office, its rules, and requests to it as a node logs them.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use certs_keys::Ed25519Key;
use gateway_globalconf::Snapshot;
use gateway_messagelog::{
    Basis, Consent, Content, Direction, Disclosure, Ground, PersonMark, Protocol, Record, Side,
};
use gateway_policy::consent::{self, Artefact};
use gateway_policy::rules::Rules;
use gateway_proto::basis::Basis as Stated;
use gateway_proto::id::{ClientId, ServiceId};
use gateway_proto::rest;
use gateway_tlog::note::{Kind, Signer};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::testing;

pub(super) const TAX: &str = "AZ/GOV/0000000951/vergi";
pub(super) const BANK: &str = "AZ/COM/0000001201/kredit";
pub(super) const PERSON: &str = "5ABCD12";
/// A Sunday, 16:00 in Baku.
pub(super) const NOW: Timestamp = Timestamp::constant(1_795_348_800, 0);

/// A rule for the bank about the income of persons.
pub(super) fn rule(id: &str, version: u32, basis: Value, purposes: &[&str]) -> Value {
    json!({
        "id": id, "version": version, "title": id,
        "consumers": [format!("client:{BANK}")],
        "services": [{"provider": TAX, "code": "income"}],
        "purposes": purposes,
        "basis": basis,
    })
}

pub(super) fn law() -> Value {
    json!({"kind": "law", "act": "Tax code", "article": "23.1"})
}

pub(super) fn vital() -> Value {
    json!({"kind": "vital", "act": "Health act", "article": "7"})
}

/// The rules in this version: `income` (persons in the query) and `file` (persons in the body) are
/// personal, `rates` is not.
pub(super) fn part(version: u64, rules: &[Value]) -> Value {
    let service = |code: &str, personal: bool, at: &str| {
        json!({
            "provider": TAX, "code": code, "system": "taxes", "personal": personal,
            "categories": if personal { vec!["income"] } else { Vec::new() },
            "purposes": ["aid", "credit", "rescue"],
            "subjects": [{"kind": "fin", "at": at}],
        })
    };
    json!({
        "format": "karvan-rules/1", "instance": "AZ", "version": version,
        "published": "2026-11-20T00:00:00Z",
        "settings": {},
        "purposes": [{"code": "aid"}, {"code": "credit"}, {"code": "rescue"}],
        "categories": [{"code": "income"}],
        "systems": [{
            "code": "taxes", "owner": "AZ/GOV/0000000951", "name": "Taxes",
            "register": "personal-data", "entry": "PD-17", "status": "registered",
            "purposes": ["aid", "credit", "rescue"],
        }],
        "services": [
            service("income", true, "query:fin"),
            service("file", true, "json:/fin"),
            service("rates", false, "query:fin"),
        ],
        "rules": rules,
        "consent": {
            "keys": [{"kid": "k1", "algorithm": "EdDSA",
                      "public": BASE64_URL_SAFE_NO_PAD.encode(key(7).public_key())}],
            "feed_key": Signer::new(Kind::Ed25519, "AZ-feed", key(5)).unwrap().verifier().to_vkey(),
            "feed_urls": ["https://127.0.0.1:4001/karvan/v1/feed"],
            "feed_certificates": ["00".repeat(32)],
        },
    })
}

/// The usual rules: by law for aid, by consent for credit, break-glass.
pub(super) fn usual() -> Vec<Value> {
    vec![
        rule("by-law", 3, law(), &["aid"]),
        rule("by-consent", 2, json!({"kind": "consent"}), &["credit"]),
        rule("break-glass", 1, vital(), &["rescue"]),
    ]
}

pub(super) fn read(part: &Value) -> Rules {
    Rules::read(&serde_json::to_vec(part).unwrap(), "AZ").unwrap()
}

/// A configuration with these rules, or none.
pub(super) fn snapshot(part: Option<&Value>) -> Snapshot {
    let rules = part.map(|part| ("karvan-rules.json", serde_json::to_vec(part).unwrap()));
    testing::snapshot(rules.as_slice(), NOW)
}

/// A consent of the person for credit.
pub(super) fn artefact() -> String {
    let artefact = json!({
        "format": "karvan-consent/1",
        "instance": "AZ",
        "id": CONSENT_ID,
        "subject": {"kind": "fin", "value": PERSON},
        "consumer": BANK,
        "provider": TAX,
        "services": ["income"],
        "purpose": "credit",
        "categories": ["income"],
        "issued_at": "2026-11-20T12:00:00Z",
        "valid_from": "2026-11-20T12:00:00Z",
        "valid_until": "2026-12-20T12:00:00Z",
        "proof": {"kind": "signed-document", "sha256": "00".repeat(32), "media_type": "a/b"},
    });
    let artefact: Artefact = serde_json::from_value(artefact).unwrap();
    consent::sign(&artefact, "k1", &key(7)).unwrap()
}

/// A request of the bank for this service about the person, in the log of the provider's node.
pub(super) fn record(service: &str, stated: &Stated) -> Record {
    let query = format!("fin={PERSON}");
    let body = format!(r#"{{"fin":"{PERSON}"}}"#);
    let mut headers = vec![
        ("x-road-client".to_owned(), BANK.to_owned()),
        ("x-road-id".to_owned(), "id-1".to_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let basis = stated.to_headers().into_iter();
    headers.extend(basis.map(|(name, value)| (name.to_owned(), value)));
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let path = format!("/r1/{TAX}/{service}");
    let method = if service == "file" { "POST" } else { "GET" };
    let query = (service != "file").then_some(query.as_str());
    let id = Uuid::nil();
    let request = rest::Request::from_client(method, &path, query, &headers, id, id, "AZ").unwrap();
    let attachments = match service {
        "file" => vec![(Vec::new(), Content::from_bytes(body.into()))],
        _ => Vec::new(),
    };
    let provider = ClientId::from_rest(TAX).unwrap();
    Record {
        time: NOW,
        side: Side::Provider,
        direction: Direction::Request,
        protocol: Protocol::Rest,
        client: ClientId::from_rest(BANK).unwrap(),
        service: ServiceId::new(provider, service, None).unwrap(),
        message_id: "id-1".to_owned(),
        request_id: Some(request.request_id().to_owned()),
        user_id: None,
        issue: None,
        peer: None,
        message: request.block().clone(),
        message_digest: None,
        content_type: "text/plain".to_owned(),
        attachments,
        signature: Bytes::from_static(b"<signature/>"),
        hash_chain_result: None,
        hash_chain: None,
        degraded: Vec::new(),
        basis: None,
    }
}

/// What is noted when it is by law.
pub(super) fn noted_by_law() -> Basis {
    Basis {
        ground: Ground::Law,
        rule: Some("by-law".to_owned()),
        rule_version: 3,
        rules_version: 7,
        law: Some(("Tax code".to_owned(), "23.1".to_owned())),
        purpose: Some("aid".to_owned()),
        consent: None,
        emergency: None,
        authentication: None,
        persons: vec![PersonMark {
            key: 1,
            mark: [1; 16],
        }],
        quotas: Vec::new(),
        disclosure: Disclosure::AtOnce,
    }
}

/// What is noted when it is by the consent.
pub(super) fn noted_by_consent() -> Basis {
    Basis {
        ground: Ground::Consent,
        rule: Some("by-consent".to_owned()),
        rule_version: 2,
        law: None,
        purpose: Some("credit".to_owned()),
        consent: Some(Consent {
            id: CONSENT_ID.parse().unwrap(),
            digest: consent::digest(&artefact()),
        }),
        ..noted_by_law()
    }
}

pub(super) fn stated(purpose: Option<&str>) -> Stated {
    Stated {
        purpose: purpose.map(str::to_owned),
        ..Stated::default()
    }
}

fn key(seed: u8) -> Ed25519Key {
    Ed25519Key::from_seed(&[seed; 32]).unwrap()
}

const CONSENT_ID: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
