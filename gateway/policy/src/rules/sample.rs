//! A small country for tests: a tax office with services, a bank and a ministry that ask.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::Ed25519Key;
use gateway_proto::id::ClientId;
use gateway_tlog::note::{Kind, Signer};
use serde_json::{Value, json};

use super::Rules;
use crate::feed::{self, Event};
use jiff::Timestamp;

pub(crate) const TAX: &str = "AZ/GOV/0000000951/vergi";
pub(crate) const BANK: &str = "AZ/COM/0000001201/kredit";
pub(crate) const MINISTRY: &str = "AZ/GOV/0000000261/vemtas";

/// The document with these rules.
///
/// Of the services of the tax office `income` and `file` are personal (`file` by REST, with two
/// categories), `rates` and `news` are not, `archive` is of a system that was deregistered.
pub(crate) fn part(rules: &[Value]) -> Value {
    let service = |code: &str, system: &str, personal: bool, categories: &[&str]| {
        json!({
            "provider": TAX, "code": code, "system": system, "personal": personal,
            "categories": categories,
            "purposes": ["aid", "credit", "rescue"],
            "subjects": [{"kind": "fin", "at": "query:fin"}],
        })
    };
    let mut news = service("news", "taxes", false, &[]);
    set(&mut news, "purposes", json!([]));
    set(&mut news, "subjects", json!([]));
    json!({
        "format": "karvan-rules/1", "instance": "AZ", "version": 7,
        "published": "2026-11-20T00:00:00Z",
        "settings": {},
        "purposes": [{"code": "aid"}, {"code": "credit"}, {"code": "rescue"}],
        "categories": [{"code": "income"}, {"code": "debts"}, {"code": "health", "special": true}],
        "systems": [
            {"code": "taxes", "owner": "AZ/GOV/0000000951", "name": "Taxes", "register": "personal-data",
             "entry": "PD-17", "status": "registered", "purposes": ["aid", "credit", "rescue"]},
            {"code": "old", "owner": "AZ/GOV/0000000951", "name": "Old", "register": "state-resource",
             "entry": "SR-3", "status": "deregistered", "purposes": ["aid", "credit", "rescue"]},
        ],
        "services": [
            service("income", "taxes", true, &["income"]),
            service("file", "taxes", true, &["income", "debts"]),
            service("rates", "taxes", false, &[]),
            news,
            service("archive", "old", true, &["income"]),
        ],
        "rules": rules,
        "consent": {
            "keys": [{"kid": "k1", "algorithm": "EdDSA",
                      "public": URL_SAFE_NO_PAD.encode(consent_key().public_key())}],
            "feed_key": feed_signer().verifier().to_vkey(),
            "feed_urls": ["https://127.0.0.1:4001/karvan/v1/feed"],
            "feed_certificates": ["00".repeat(32)],
        },
    })
}

/// A rule of this name and basis, by which the ministry and the bank may ask for `income`.
pub(crate) fn rule(id: &str, basis: &str, purposes: &[&str]) -> Value {
    let basis = match basis {
        "law" | "vital" => json!({"kind": basis, "act": "Act 1", "article": "3.3"}),
        _ => json!({"kind": basis}),
    };
    json!({
        "id": id, "version": 2, "title": id,
        "consumers": [format!("client:{MINISTRY}"), format!("client:{BANK}")],
        "services": [{"provider": TAX, "code": "income"}],
        "purposes": purposes,
        "basis": basis,
    })
}

/// The same with another field.
pub(crate) fn with(mut value: Value, field: &str, content: Value) -> Value {
    set(&mut value, field, content);
    value
}

pub(crate) fn set(value: &mut Value, field: &str, content: Value) {
    value
        .as_object_mut()
        .unwrap()
        .insert(field.to_owned(), content);
}

pub(crate) fn read(part: &Value) -> Rules {
    Rules::read(&serde_json::to_vec(part).unwrap(), "AZ").unwrap()
}

pub(crate) fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

pub(crate) fn consent_key() -> Ed25519Key {
    Ed25519Key::from_seed(&[7; 32]).unwrap()
}

fn feed_signer() -> Signer {
    Signer::new(
        Kind::Ed25519,
        "AZ-feed",
        Ed25519Key::from_seed(&[5; 32]).unwrap(),
    )
    .unwrap()
}

/// A feed with these events, signed then.
pub(crate) fn feed(events: Vec<Event>, as_of: Timestamp) -> feed::State {
    let mut hash = feed::chain_start();
    let mut lines = Vec::new();
    for (number, event) in (1..).zip(events) {
        let line = feed::line(&feed::Entry { number, event }).unwrap();
        hash = feed::chain_next(&hash, &line);
        lines.push(line);
    }
    let number = u64::try_from(lines.len()).unwrap();
    let signer = feed_signer();
    let page = feed::make_page("AZ", number, &hash, true, &lines, &signer, as_of).unwrap();
    let page = feed::Page::verify(&page, signer.verifier(), "AZ", as_of).unwrap();
    let mut state = feed::State::new();
    state.apply(&page).unwrap();
    state
}
