//! What a consumer may ask, and how it is found again.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::world::*;

#[track_caller]
fn check(ask: &Value, expected: &str) {
    let world = World::new();
    assert_eq!(world.refused(BANK, "/consents/requests", ask), expected);
    assert!(world.ids(BANK, &json!({})).is_empty());
}

#[test]
fn what_no_rule_could_let_pass_is_not_asked() {
    check(
        &with(ask(), "services", json!(["unheard-of"])),
        "service_not_registered",
    );
    check(
        &with(ask(), "services", json!(["archive"])),
        "service_not_registered",
    );
    check(
        &with(ask(), "provider", json!(BANK)),
        "service_not_registered",
    );
    check(
        &with(ask(), "purpose", json!("advertising")),
        "purpose_unknown",
    );
    check(&with(ask(), "purpose", json!("aid")), "no_consent_rule");
    check(
        &with(ask(), "services", json!(["income", "family"])),
        "no_consent_rule",
    );
    check(
        &with(ask(), "categories", json!(["income", "health"])),
        "category_not_declared",
    );
    check(
        &with(ask(), "categories", json!(["income", "weight"])),
        "category_not_declared",
    );
    check(
        &with(ask(), "services", json!(["income", "file"])),
        "category_missing",
    );
}

#[test]
fn rules_name_consumers_by_client_group_or_class() {
    let world = World::new();
    assert_eq!(
        world.refused(AID, "/consents/requests", &ask()),
        "no_consent_rule"
    );
    let both = with(ask(), "services", json!(["income", "file"]));
    let both = with(both, "categories", json!(["debts", "income"]));
    world.done(BANK, "/consents/requests", &both);
    world.done(OTHER_BANK, "/consents/requests", &both);
}

#[test]
fn a_rule_whose_time_is_over_does_not_count() {
    let mut world = World::new();
    let mut part = part();
    part["rules"][0]["limits"] = json!({"valid_until": "2026-11-22T12:00:00Z"});
    world.rules = rules(&part);
    assert_eq!(
        world.refused(BANK, "/consents/requests", &ask()),
        "no_consent_rule"
    );
    part["rules"][0]["limits"] = json!({"valid_until": "2026-11-22T12:00:01Z"});
    world.rules = rules(&part);
    world.requested();
}

#[test]
fn a_rule_about_endpoints_needs_only_their_categories() {
    let mut world = World::new();
    let mut part = part();
    part["rules"][1]["services"][0]["path"] = json!("/summary");
    part["rules"][1]["categories"] = json!(["debts"]);
    world.rules = rules(&part);
    let ask = with(ask(), "services", json!(["file"]));
    assert_eq!(
        world.refused(BANK, "/consents/requests", &ask),
        "category_missing"
    );
    world.requested_as(&with(ask, "categories", json!(["debts"])));
}

#[test]
fn every_field_has_bounds() {
    let year = 366 * 86_400;
    for (field, content) in [
        ("services", json!([])),
        ("services", json!(["income", "income"])),
        (
            "services",
            json!((0..33).map(|n| n.to_string()).collect::<Vec<_>>()),
        ),
        ("services", json!(["a".repeat(257)])),
        ("categories", json!([])),
        ("categories", json!(["income", ""])),
        ("purpose", json!(" ")),
        ("purpose", json!("a\nb")),
        ("data_from", json!("22.11.2026")),
        ("data_from", json!("2026-13-01")),
        ("data_until", json!("20261122")),
        ("frequency", json!({"count": 0, "seconds": 1})),
        ("frequency", json!({"count": 1, "seconds": 0})),
        ("frequency", json!({"count": 1, "seconds": 11 * year})),
        ("data_life_seconds", json!(11 * year)),
        ("valid_until", json!("2027-01-01T00:00:00Z")),
    ] {
        check(&with(ask(), field, content), "field_invalid");
    }
    check(&without(ask(), "valid_seconds"), "field_invalid");
    let crossed = with(ask(), "data_from", json!("2026-02-01"));
    check(
        &with(crossed, "data_until", json!("2026-01-31")),
        "field_invalid",
    );
}

#[test]
fn validity_is_bounded_and_lies_ahead() {
    let until = |text: &str| with(without(ask(), "valid_seconds"), "valid_until", json!(text));
    check(&with(ask(), "valid_seconds", json!(0)), "validity_past");
    check(
        &with(ask(), "valid_seconds", json!(6 * 366 * 86_400)),
        "validity_too_long",
    );
    check(&until("2026-11-22T12:00:00.9Z"), "validity_past");
    check(&until("2036-01-01T00:00:00Z"), "validity_too_long");
    World::new().requested_as(&until("2026-11-22T12:00:01Z"));
}

#[test]
fn keys_of_persons_are_checked_and_brought_to_one_form() {
    let world = World::new();
    let id = world.requested_as(&with(ask(), "subject", person(" 0test01 ")));
    assert_eq!(world.read(BANK, &id)["subject"]["value"], MOTHER);
    for value in ["0TESTO1", "0TEST1", "0TEST011", "0TESTı1", ""] {
        check(&with(ask(), "subject", person(value)), "person_malformed");
    }
}

#[test]
fn a_predecessor_is_of_the_same_parties() {
    let world = World::new();
    let waiting = world.requested();
    let agreed = world.approved();
    let follow = |id: &str| with(ask(), "predecessor", json!(id));
    let code = |client: &str, ask: &Value| world.refused(client, "/consents/requests", ask);
    assert_eq!(code(BANK, &follow(&waiting)), "predecessor_unknown");
    assert_eq!(code(OTHER_BANK, &follow(&agreed)), "predecessor_unknown");
    let of_child = with(follow(&agreed), "subject", person(CHILD));
    assert_eq!(code(BANK, &of_child), "predecessor_unknown");
    let no_id = "00000000-0000-4000-8000-000000000000";
    assert_eq!(code(BANK, &follow(no_id)), "predecessor_unknown");
}

#[test]
fn nobody_fills_the_list_of_a_person() {
    let mut world = World::new();
    let first = world.requested();
    for _ in 1..10 {
        world.requested();
    }
    assert_eq!(
        world.refused(BANK, "/consents/requests", &ask()),
        "too_many_waiting"
    );
    // Others are not held up, and an answer makes room.
    world.done(OTHER_BANK, "/consents/requests", &ask());
    world.requested_as(&with(ask(), "subject", person(CHILD)));
    world.act(&first, "decline");
    world.requested();
    assert_eq!(
        world.refused(BANK, "/consents/requests", &ask()),
        "too_many_waiting"
    );
    world.wait(30 * 86_400);
    world.desk().expire(world.now).unwrap();
    world.requested();
}

#[test]
fn a_consent_is_shown_to_its_consumer_and_to_portals() {
    let world = World::new();
    let id = world.approved();
    for client in [OTHER_BANK, TAX, SUPERVISOR] {
        let path = format!("/consents/requests/{id}");
        let refusal = world.call(client, "GET", &path, &Value::Null).unwrap_err();
        assert_eq!((refusal.code(), refusal.status()), ("consent_unknown", 404));
    }
    assert_eq!(world.read(PORTAL, &id)["subject"], person(MOTHER));
    assert_eq!(world.read(BANK, &id)["purpose"], "credit");
}

#[test]
fn lists_are_paged_the_newest_first() {
    let mut world = World::new();
    let mut expected = Vec::new();
    for count in 0..9 {
        world.wait(i64::from(count % 3));
        expected.push(world.approved());
    }
    let mut found = Vec::new();
    let mut find = json!({"person": person(MOTHER), "max": 2});
    let mut pages = 0;
    loop {
        let page = world.done(PORTAL, "/consents/find", &find);
        let consents = page["consents"].as_array().unwrap();
        found.extend(
            consents
                .iter()
                .map(|consent| consent["id"].as_str().unwrap().to_owned()),
        );
        assert!(
            consents
                .iter()
                .all(|consent| consent.get("artefact").is_none())
        );
        pages += 1;
        match page.get("next") {
            Some(next) => find["after"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(pages, 5);
    assert_eq!(found.len(), 9);
    assert_eq!(
        found.iter().collect::<HashSet<_>>(),
        expected.iter().collect::<HashSet<_>>()
    );
    let times: Vec<String> = found
        .iter()
        .map(|id| {
            world.read(BANK, id)["requested_at"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer >= older),
        "{times:?}"
    );
}

#[test]
fn a_consumer_finds_its_own_and_asks_for_no_person() {
    let world = World::new();
    let mine = world.requested();
    world.done(OTHER_BANK, "/consents/requests", &ask());
    assert_eq!(world.ids(BANK, &json!({})), [mine]);
    assert!(world.ids(TAX, &json!({})).is_empty());
    let code = world.refused(BANK, "/consents/find", &json!({"person": person(MOTHER)}));
    assert_eq!(code, "not_portal");
}

#[test]
fn refuses_pages_that_are_none() {
    let world = World::new();
    for find in [
        json!({"max": 0}),
        json!({"max": 101}),
        json!({"after": "zz"}),
        json!({"after": "00"}),
        json!({"after": "ff".repeat(24)}),
    ] {
        assert_eq!(
            world.refused(BANK, "/consents/find", &find),
            "field_invalid"
        );
    }
}
