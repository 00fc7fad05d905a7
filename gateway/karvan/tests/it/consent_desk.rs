//! The consent desk over X-Road: a bank asks, a person answers through the portal, the nodes obey.
//!
//! All of it is in signed messages through two nodes' logs; nothing of it, and no person, is in what
//! the processes say of themselves.

use serde_json::{Value, json};

use crate::country::Country;
use crate::legal::{self, BANK, OTHER_BANK, PORTAL, Rest, SUPERVISOR};
use crate::wire::Answer;

/// A father, his child, and a neighbour.
const FATHER: &str = "0TEST01";
const CHILD: &str = "0TEST03";
const NEIGHBOUR: &str = "0TEST02";

#[test]
fn the_life_of_consents_from_request_to_end() {
    let Some(country) = Country::unasked() else {
        return;
    };
    legal::second_bank(&country);
    // Who may call the desk is one thing, who is a portal another.
    for client in [OTHER_BANK, SUPERVISOR] {
        let right = format!("service = \"consents\"\nclient = \"{client}\"");
        legal::add(&country, "iria", DESK, "right", &right);
    }
    let country = country.saying("debug");
    let running = country.start_with(&["eesmn", "iria"], &["pensiya"]);
    let country = &running.country;

    approved_paused_resumed_revoked(country);
    declined(country);
    a_parent_agrees_for_a_child(country);
    one_consent_follows_another(country);
    it_ends_by_itself(country);
    a_signed_document_is_proof_too(country);
    the_lists_have_pages(country);
    who_may_not(country);
    what_makes_no_sense(country);
    legal::nobody_is_named(&running.stop());
}

fn income(country: &Country, fin: &str, consent: &str) -> Answer {
    legal::income(BANK, fin, Some(consent)).ask(country.clients("iria"))
}

#[track_caller]
fn becomes(country: &Country, fin: &str, consent: &str, wanted: Option<&str>) {
    let code = wanted.map(|code| format!("server.clientproxy.basis.{code}"));
    legal::becomes("the nodes hear of it", code.as_deref(), || {
        income(country, fin, consent)
    });
}

/// How a consent stands, as its consumer or a portal reads it.
#[track_caller]
fn read(country: &Country, client: &str, id: &str) -> Answer {
    let path = format!("{DESK}/consents/requests/{id}");
    Rest::get(client, &path).ask(country.clients("iria"))
}

#[track_caller]
fn state(country: &Country, id: &str) -> Value {
    let answer = read(country, BANK, id);
    assert_eq!(answer.status, 200, "{}", answer.text());
    legal::document(&answer)
}

/// The consents that the portal finds for a person.
#[track_caller]
fn found(country: &Country, fin: &str) -> Vec<Value> {
    let body = json!({"person": legal::person(fin)});
    let answer = legal::desk(country, PORTAL, "consents/find", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut told = legal::document(&answer);
    std::mem::take(told["consents"].as_array_mut().unwrap())
}

fn has(consents: &[Value], id: &str) -> bool {
    consents.iter().any(|consent| consent["id"] == id)
}

fn approved_paused_resumed_revoked(country: &Country) {
    let id = legal::ask_consent(country, FATHER, &[("data_life_seconds", json!(600))]);
    let waiting = state(country, &id);
    assert_eq!(waiting["state"], "requested");
    assert_eq!(waiting.get("artefact"), None, "{waiting}");
    assert!(has(&found(country, FATHER), &id));
    assert!(!has(&found(country, NEIGHBOUR), &id));

    let told = legal::act(country, &id, "approve", &legal::will(FATHER));
    assert_eq!(told["state"], "active");
    let consent = state(country, &id)["artefact"].as_str().unwrap().to_owned();
    assert_eq!(told["artefact"], consent.as_str());
    becomes(country, FATHER, &consent, None);
    let answer = income(country, FATHER, &consent);
    // The shorter of what the rule and the person allow.
    assert_eq!(
        answer.header("karvan-data-life"),
        Some("600"),
        "{}",
        answer.head
    );

    let will = legal::will(FATHER);
    legal::act(country, &id, "pause", &will);
    becomes(country, FATHER, &consent, Some("consent_paused"));
    assert_eq!(state(country, &id).get("artefact"), None);
    // The same once more changes nothing.
    assert_eq!(legal::act(country, &id, "pause", &will)["state"], "paused");
    legal::act(country, &id, "resume", &will);
    becomes(country, FATHER, &consent, None);
    legal::act(country, &id, "revoke", &will);
    becomes(country, FATHER, &consent, Some("consent_revoked"));

    let ended = state(country, &id);
    assert_eq!(ended["state"], "revoked");
    let history: Vec<_> = ended["history"].as_array().unwrap().iter().collect();
    let states: Vec<_> = history.iter().map(|step| step["state"].as_str()).collect();
    let expected = ["requested", "active", "paused", "active", "revoked"];
    assert_eq!(states, expected.map(Some));
    assert_eq!(history[0]["by"], BANK);
    assert!(
        history[1..].iter().all(|step| step["by"] == PORTAL),
        "{ended}"
    );
    for action in ["approve", "pause", "resume"] {
        refused(country, PORTAL, &id, action, &will, 409, "wrong_state");
    }
}

fn declined(country: &Country) {
    let id = legal::ask_consent(country, FATHER, &[]);
    let told = legal::act(country, &id, "decline", &legal::will(FATHER));
    assert_eq!(told["state"], "declined");
    let seen = state(country, &id);
    assert_eq!(seen["state"], "declined");
    assert_eq!(seen.get("artefact"), None);
    let will = legal::will(FATHER);
    refused(country, PORTAL, &id, "approve", &will, 409, "wrong_state");
}

fn a_parent_agrees_for_a_child(country: &Country) {
    let id = legal::ask_consent(country, CHILD, &[]);
    let father = legal::will(FATHER);
    refused(
        country,
        PORTAL,
        &id,
        "approve",
        &father,
        403,
        "other_person",
    );
    let mut parent = father.clone();
    parent["acting_for"] = json!({"relation": "parent", "evidence": "birth act 7/2014"});
    let mut himself = legal::will(CHILD);
    himself["acting_for"] = parent["acting_for"].clone();
    refused(
        country,
        PORTAL,
        &id,
        "approve",
        &himself,
        422,
        "field_invalid",
    );

    let told = legal::act(country, &id, "approve", &parent);
    let consent = told["artefact"].as_str().unwrap().to_owned();
    let payload = payload(&consent);
    assert_eq!(payload["subject"], legal::person(CHILD));
    assert_eq!(payload["acting_for"]["actor"], legal::person(FATHER));
    assert_eq!(payload["acting_for"]["relation"], "parent");
    becomes(country, CHILD, &consent, None);
    let other = income(country, FATHER, &consent);
    let code = "server.clientproxy.basis.consent_other_person";
    assert_eq!(other.fault().as_deref(), Some(code), "{}", other.text());
    for (person, sees) in [(FATHER, true), (CHILD, true), (NEIGHBOUR, false)] {
        assert_eq!(has(&found(country, person), &id), sees, "{person}");
    }
    let neighbour = legal::will(NEIGHBOUR);
    refused(
        country,
        PORTAL,
        &id,
        "revoke",
        &neighbour,
        403,
        "other_person",
    );
    // Who agreed has shown the right to.
    legal::act(country, &id, "revoke", &father);
    becomes(country, CHILD, &consent, Some("consent_revoked"));
}

fn one_consent_follows_another(country: &Country) {
    let (first, before) = legal::consent(country, FATHER, &[]);
    becomes(country, FATHER, &before, None);
    let next = [("predecessor", json!(first)), ("single_use", json!(true))];
    let id = legal::ask_consent(country, FATHER, &next);
    // The person has not agreed yet: the old one holds.
    assert_eq!(state(country, &first)["state"], "active");
    let told = legal::act(country, &id, "approve", &legal::will(FATHER));
    let after = told["artefact"].as_str().unwrap();
    let digest = gateway_policy::consent::digest(&before);
    assert_eq!(
        payload(after)["predecessor"],
        hex::encode(digest.as_bytes())
    );
    becomes(country, FATHER, &before, Some("consent_revoked"));
    becomes(country, FATHER, after, None);
    let used = income(country, FATHER, after).fault();
    let code = "server.serverproxy.basis.consent_used_up";
    assert_eq!(used.as_deref(), Some(code));
    assert_eq!(state(country, &first)["successor"], id.as_str());
    let body = json!({
        "subject": legal::person(FATHER),
        "provider": legal::FUND,
        "services": ["income"],
        "purpose": "credit",
        "categories": ["income"],
        "valid_seconds": 60,
        "predecessor": first,
    });
    let answer = legal::desk(country, BANK, "consents/requests", &body);
    assert_eq!(code_of(&answer), (409, "predecessor_followed".to_owned()));
    // The bank itself gives the last one up.
    let given_up = legal::desk(
        country,
        BANK,
        &format!("consents/requests/{id}/revoke"),
        &json!({}),
    );
    assert_eq!(given_up.status, 200, "{}", given_up.text());
    assert_eq!(state(country, &id)["state"], "revoked");
}

fn it_ends_by_itself(country: &Country) {
    let (id, consent) = legal::consent(country, FATHER, &[("valid_seconds", json!(2))]);
    becomes(country, FATHER, &consent, Some("consent_expired"));
    assert_eq!(state(country, &id)["state"], "expired");
    let will = legal::will(FATHER);
    refused(country, PORTAL, &id, "revoke", &will, 409, "wrong_state");
}

fn a_signed_document_is_proof_too(country: &Country) {
    let id = legal::ask_consent(country, FATHER, &[]);
    let proof = |document: &str| {
        json!({
            "person": legal::person(FATHER),
            "proof": {
                "kind": "signed-document",
                "media_type": "application/vnd.etsi.asic-e+zip",
                "document": document,
            },
        })
    };
    refused(
        country,
        PORTAL,
        &id,
        "approve",
        &proof("%"),
        422,
        "field_invalid",
    );
    let told = legal::act(country, &id, "approve", &proof("UEsDBA=="));
    let payload = payload(told["artefact"].as_str().unwrap());
    let digest = certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha256, b"PK\x03\x04");
    assert_eq!(payload["proof"]["sha256"], hex::encode(digest.as_bytes()));
    let history = &state(country, &id)["history"];
    assert_eq!(history[1]["document"], payload["proof"]["sha256"]);
}

fn the_lists_have_pages(country: &Country) {
    let all = found(country, FATHER);
    assert!(all.len() > 4, "{all:?}");
    let mut read = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut body = json!({"person": legal::person(FATHER), "max": 2});
        if !after.is_null() {
            body["after"] = after;
        }
        let told = legal::document(&legal::desk(country, PORTAL, "consents/find", &body));
        read.extend(told["consents"].as_array().unwrap().iter().cloned());
        after = told["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(read, all);
    // A consumer sees its own, of whomever.
    let of = |client: &str| {
        let told = legal::desk(country, client, "consents/find", &json!({}));
        legal::document(&told)["consents"].as_array().unwrap().len()
    };
    assert_eq!((of(BANK), of(OTHER_BANK)), (all.len(), 0));
}

fn who_may_not(country: &Country) {
    let id = legal::ask_consent(country, FATHER, &[]);
    let will = legal::will(FATHER);
    for client in [BANK, OTHER_BANK, SUPERVISOR] {
        for action in ["approve", "decline", "pause", "resume", "revoke"] {
            refused(country, client, &id, action, &will, 403, "not_portal");
        }
        let body = json!({"person": legal::person(FATHER)});
        let answer = legal::desk(country, client, "consents/find", &body);
        assert_eq!(code_of(&answer), (403, "not_portal".to_owned()));
    }
    for client in [OTHER_BANK, SUPERVISOR] {
        let answer = read(country, client, &id);
        assert_eq!(code_of(&answer), (404, "consent_unknown".to_owned()));
        refused(
            country,
            client,
            &id,
            "revoke",
            &json!({}),
            404,
            "consent_unknown",
        );
    }
    assert_eq!(state(country, &id)["state"], "requested");
    // Without a right nobody comes to the desk at all.
    let answer = legal::desk(country, legal::CLINIC, "consents/find", &json!({}));
    let code = "server.serverproxy.access_denied";
    assert_eq!(answer.fault().as_deref(), Some(code), "{}", answer.text());
    let mut level = will.clone();
    level["proof"]["level"] = json!("password");
    refused(
        country,
        PORTAL,
        &id,
        "approve",
        &level,
        403,
        "level_not_accepted",
    );
    let neighbour = legal::will(NEIGHBOUR);
    refused(
        country,
        PORTAL,
        &id,
        "approve",
        &neighbour,
        403,
        "other_person",
    );
}

fn what_makes_no_sense(country: &Country) {
    let good = json!({
        "subject": legal::person(FATHER),
        "provider": legal::FUND,
        "services": ["income"],
        "purpose": "credit",
        "categories": ["income"],
        "valid_seconds": 60,
    });
    for (field, value, status, code) in [
        ("subject", legal::person("0TESTIO"), 422, "person_malformed"),
        ("purpose", json!("curiosity"), 422, "purpose_unknown"),
        ("purpose", json!("emergency"), 422, "no_consent_rule"),
        ("services", json!(["GetPension"]), 422, "no_consent_rule"),
        (
            "services",
            json!(["secrets"]),
            422,
            "service_not_registered",
        ),
        ("categories", json!(["identity"]), 422, "category_missing"),
        (
            "categories",
            json!(["income", "identity"]),
            422,
            "category_not_declared",
        ),
        ("valid_seconds", json!(0), 422, "validity_past"),
        ("valid_seconds", json!("long"), 400, "body_malformed"),
        ("subject", json!([{"kind": "fin"}]), 400, "body_malformed"),
        ("curious", json!(true), 400, "body_malformed"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = legal::desk(country, BANK, "consents/requests", &body);
        assert_eq!(
            code_of(&answer),
            (status, code.to_owned()),
            "{}",
            answer.text()
        );
        legal::names_nobody(&answer);
    }
}

/// Something else is wrong: status and code.
#[track_caller]
fn refused(
    country: &Country,
    client: &str,
    id: &str,
    action: &str,
    body: &Value,
    status: u16,
    code: &str,
) {
    let path = format!("consents/requests/{id}/{action}");
    let answer = legal::desk(country, client, &path, body);
    let text = answer.text();
    assert_eq!(
        code_of(&answer),
        (status, code.to_owned()),
        "{client} {action}: {text}"
    );
    legal::names_nobody(&answer);
}

/// The desk's own refusal: not a fault of a node.
#[track_caller]
fn code_of(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.fault(), None, "{}", answer.text());
    let told = legal::document(answer);
    assert!(
        told["message"]
            .as_str()
            .is_some_and(|text| text.ends_with('.')),
        "{told}"
    );
    (answer.status, told["code"].as_str().unwrap().to_owned())
}

/// What a JWS says.
fn payload(consent: &str) -> Value {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let payload = consent.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

const DESK: &str = "AZ/GOV/0000001181/razilig";
