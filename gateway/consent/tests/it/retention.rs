//! What ends by itself, what is forgotten, and that nothing of it is left to read.

use std::fs;

use gateway_consent::retention::{Erased, Expired};
use gateway_policy::feed::{Standing, State};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::*;

#[test]
fn what_is_over_is_ended_once() {
    let mut world = World::new();
    let waiting = world.requested();
    let active = world.approved();
    let paused = world.approved();
    world.act(&paused, "pause");
    let revoked = world.approved();
    world.act(&revoked, "revoke");
    assert_eq!(world.desk().expire(world.now).unwrap(), Expired::default());
    world.wait(86_400);
    let expired = world.desk().expire(world.now).unwrap();
    assert_eq!(
        (expired.requests, expired.consents, expired.more),
        (0, 2, false)
    );
    assert_eq!(world.desk().expire(world.now).unwrap(), Expired::default());
    for id in [&active, &paused] {
        let read = world.read(BANK, id);
        let last = read["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["state"], &last["at"]),
            (&json!("expired"), &json!("2026-11-23T12:00:00Z"))
        );
        assert!(last.get("by").is_none());
    }
    assert_eq!(world.state(&waiting), "requested");
    world.wait(29 * 86_400);
    assert_eq!(world.desk().expire(world.now).unwrap().requests, 1);
    assert_eq!(world.state(&revoked), "revoked");
    assert_eq!(world.desk().feed_number(), 2);
}

#[test]
fn what_ended_long_ago_is_forgotten_and_the_feed_stays() {
    let mut world = World::new();
    let kept = world.requested_as(&with(ask(), "valid_seconds", json!(10 * 86_400)));
    world.act(&kept, "approve");
    let gone = world.requested();
    world.done(PORTAL, &path(&gone, "approve"), &signed(b"document"));
    world.act(&gone, "revoke");
    let declined = world.requested();
    world.act(&declined, "decline");
    let history = world.read(PORTAL, &gone);
    let digest = history["history"][1]["document"]
        .as_str()
        .unwrap()
        .to_owned();
    world.wait(86_400);
    let before = world.now - SignedDuration::from_secs(86_400);
    assert_eq!(world.desk().erase(before).unwrap(), Erased::default());
    let erased = world.desk().erase(world.now).unwrap();
    assert_eq!((erased.consents, erased.more), (2, false));
    for id in [&gone, &declined] {
        let path = format!("/consents/requests/{id}");
        let refusal = world.call(BANK, "GET", &path, &Value::Null).unwrap_err();
        assert_eq!(refusal.code(), "consent_unknown");
    }
    let gone = Uuid::parse_str(&gone).unwrap();
    assert!(world.desk().document(gone, &digest).unwrap().is_none());
    assert_eq!(world.ids(BANK, &json!({})), [kept.as_str()]);
    assert_eq!(
        world.ids(PORTAL, &json!({"person": person(MOTHER)})),
        [kept]
    );
    let mut node = State::new();
    world.follow(&mut node);
    assert_eq!(node.consent(gone), Standing::Revoked);
    assert_eq!(world.desk().erase(world.now).unwrap(), Erased::default());
}

#[test]
fn a_successor_of_a_forgotten_consent_still_names_it_by_its_digest() {
    let mut world = World::new();
    let first = world.approved();
    let second = world.requested_as(&with(ask(), "predecessor", json!(first)));
    world.act(&first, "revoke");
    world.wait(1);
    assert_eq!(world.desk().erase(world.now).unwrap().consents, 1);
    let told = world.act(&second, "approve");
    let verified =
        gateway_policy::consent::verify(told["artefact"].as_str().unwrap(), &world.rules);
    assert_eq!(
        verified
            .unwrap()
            .artefact()
            .predecessor
            .as_deref()
            .map(str::len),
        Some(64)
    );
}

#[test]
fn cases_are_forgotten_when_they_are_over() {
    let mut world = World::new();
    let open = |case: &str, seconds: u64| {
        let case = json!({"case": case, "valid_seconds": seconds});
        with(case, "persons", json!([person(MOTHER)]))
    };
    world.done(AID, "/cases/open", &open("1", 60));
    world.done(AID, "/cases/open", &open("2", 3600));
    world.done(AID, "/cases/open", &open("3", 3600));
    world.done(AID, "/cases/close", &json!({"case": "3"}));
    world.wait(61);
    assert_eq!(world.desk().erase(world.now).unwrap().cases, 2);
    assert_eq!(
        world.done(AID, "/cases/close", &json!({"case": "2"}))["was_open"],
        true
    );
}

#[test]
fn notices_are_forgotten_only_after_review() {
    let mut world = World::new();
    let notice = |id: &str| {
        json!({"message_id": id, "at": "2026-11-22T11:00:00Z", "consumer": AID,
               "service": format!("{TAX}/income"), "rule": "rescue/1", "reason": "fire"})
    };
    world.done(TAX, "/notices", &notice("1"));
    world.done(TAX, "/notices", &notice("2"));
    world.done(
        SUPERVISOR,
        "/notices/review",
        &json!({"id": 1, "verdict": "abuse", "note": "no fire"}),
    );
    world.wait(1);
    assert_eq!(world.desk().erase(world.now).unwrap().notices, 1);
    let found = world.done(SUPERVISOR, "/notices/find", &json!({}));
    assert_eq!(found["notices"].as_array().unwrap().len(), 1);
    assert_eq!(found["notices"][0]["id"], 2);
    let counts = world.call(SUPERVISOR, "GET", "/notices/counts", &Value::Null);
    assert_eq!(
        read(&counts.unwrap()),
        json!({"total": 2, "unreviewed": 1, "abuse": 1})
    );
    // A number is not given twice.
    assert_eq!(world.done(TAX, "/notices", &notice("3"))["id"], 3);
}

#[test]
fn no_personal_content_stands_readable_in_the_file() {
    let mut world = World::new();
    let id = world.requested_as(&with(ask(), "subject", person(CHILD)));
    let mut will = signed(b"the person's very own words");
    will["acting_for"] = json!({"relation": "parent", "evidence": "birth certificate AZ-1"});
    world.done(PORTAL, &path(&id, "approve"), &will);
    world.done(
        AID,
        "/cases/open",
        &json!({"case": "AID-1", "persons": [person(CHILD)], "valid_seconds": 60}),
    );
    world.done(
        TAX,
        "/notices",
        &json!({
        "message_id": "1", "at": "2026-11-22T11:00:00Z", "consumer": AID,
        "service": format!("{TAX}/income"), "rule": "rescue/1", "reason": "unconscious"}),
    );
    world.desk = None;
    let octets = fs::read(world.path()).unwrap();
    let holds = |text: &str| {
        octets
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("by-person"), "the file is the one looked at");
    for text in [
        MOTHER,
        CHILD,
        "birth certificate",
        "very own words",
        "unconscious",
        "AID-1",
        "kredit",
        "credit",
    ] {
        assert!(!holds(text), "{text}");
    }
}
