//! Cases: opened, opened again, closed, over by themselves.

use gateway_policy::feed::{CaseStanding, State};
use gateway_policy::person::{Alphabet, KeyKind, PersonKey};
use serde_json::{Value, json};

use crate::world::*;

fn case(persons: &[&str]) -> Value {
    let persons: Vec<Value> = persons.iter().map(|fin| person(fin)).collect();
    json!({"case": "AID-1", "persons": persons, "valid_seconds": 3600})
}

fn standing(world: &World, node: &mut State, fins: &[&str]) -> CaseStanding {
    world.follow(node);
    let persons: Vec<PersonKey> = fins
        .iter()
        .map(|fin| PersonKey::parse(KeyKind::Fin, fin, &Alphabet::default()).unwrap())
        .collect();
    node.case(&client(AID), "AID-1", &persons, world.now)
}

#[test]
fn a_case_is_open_for_its_persons_until_it_is_closed() {
    let world = World::new();
    let mut node = State::new();
    assert_eq!(
        standing(&world, &mut node, &[MOTHER]),
        CaseStanding::NotOpen
    );
    let told = world.done(AID, "/cases/open", &case(&[MOTHER, CHILD, CHILD]));
    assert_eq!(
        told,
        json!({"state": "open", "was_open": false, "until": "2026-11-22T13:00:00Z"})
    );
    assert_eq!(
        standing(&world, &mut node, &[MOTHER, CHILD]),
        CaseStanding::Open
    );
    assert_eq!(standing(&world, &mut node, &[CHILD]), CaseStanding::Open);
    assert_eq!(
        standing(&world, &mut node, &[MOTHER, STRANGER]),
        CaseStanding::OtherPersons
    );
    let told = world.done(AID, "/cases/close", &json!({"case": "AID-1"}));
    assert_eq!(told, json!({"state": "closed", "was_open": true}));
    assert_eq!(
        standing(&world, &mut node, &[MOTHER]),
        CaseStanding::NotOpen
    );
}

#[test]
fn opening_again_replaces() {
    let mut world = World::new();
    let mut node = State::new();
    world.done(AID, "/cases/open", &case(&[MOTHER]));
    world.wait(60);
    let told = world.done(AID, "/cases/open", &case(&[CHILD]));
    assert_eq!(told["was_open"], true);
    assert_eq!(told["until"], "2026-11-22T13:01:00Z");
    assert_eq!(standing(&world, &mut node, &[CHILD]), CaseStanding::Open);
    assert_eq!(
        standing(&world, &mut node, &[MOTHER]),
        CaseStanding::OtherPersons
    );
}

#[test]
fn closing_what_is_not_open_says_so_and_tells_nobody() {
    let mut world = World::new();
    let close = json!({"case": "AID-1"});
    assert_eq!(world.done(AID, "/cases/close", &close)["was_open"], false);
    world.done(AID, "/cases/open", &case(&[MOTHER]));
    world.done(AID, "/cases/close", &close);
    assert_eq!(world.desk().feed_number(), 2);
    assert_eq!(world.done(AID, "/cases/close", &close)["was_open"], false);
    world.done(AID, "/cases/open", &case(&[MOTHER]));
    world.wait(3600);
    assert_eq!(world.done(AID, "/cases/close", &close)["was_open"], false);
    assert_eq!(world.desk().feed_number(), 3);
}

#[test]
fn a_case_is_over_by_itself() {
    let mut world = World::new();
    let mut node = State::new();
    world.done(AID, "/cases/open", &case(&[MOTHER]));
    world.wait(3599);
    assert_eq!(standing(&world, &mut node, &[MOTHER]), CaseStanding::Open);
    world.wait(1);
    assert_eq!(
        standing(&world, &mut node, &[MOTHER]),
        CaseStanding::NotOpen
    );
    assert_eq!(
        world.done(AID, "/cases/open", &case(&[MOTHER]))["was_open"],
        false
    );
}

#[test]
fn a_case_is_its_consumers() {
    let mut world = World::new();
    let mut part = part();
    let bank = json!(format!("client:{BANK}"));
    part["rules"][2]["consumers"]
        .as_array_mut()
        .unwrap()
        .push(bank);
    world.rules = rules(&part);
    let mut node = State::new();
    world.done(AID, "/cases/open", &case(&[MOTHER]));
    assert_eq!(
        world.done(BANK, "/cases/close", &json!({"case": "AID-1"}))["was_open"],
        false
    );
    assert_eq!(standing(&world, &mut node, &[MOTHER]), CaseStanding::Open);
}

#[test]
fn only_where_a_rule_asks_for_open_cases() {
    let world = World::new();
    assert_eq!(
        world.refused(BANK, "/cases/open", &case(&[MOTHER])),
        "no_case_rule"
    );
    assert_eq!(world.desk().feed_number(), 0);
}

#[test]
fn every_field_of_a_case_has_bounds() {
    let world = World::new();
    let many: Vec<Value> = (0..65).map(|_| person(MOTHER)).collect();
    for (field, content, expected) in [
        ("case", json!(""), "field_invalid"),
        ("case", json!("a".repeat(257)), "field_invalid"),
        ("case", json!("a\u{0}"), "field_invalid"),
        ("persons", json!([]), "field_invalid"),
        ("persons", json!(many), "field_invalid"),
        ("persons", json!([person("1")]), "person_malformed"),
        ("valid_seconds", json!(0), "field_invalid"),
        ("valid_seconds", json!(367 * 86_400), "field_invalid"),
    ] {
        let case = with(case(&[MOTHER]), field, content);
        assert_eq!(world.refused(AID, "/cases/open", &case), expected);
    }
    assert_eq!(
        world.refused(AID, "/cases/close", &json!({"case": " "})),
        "field_invalid"
    );
}

#[test]
fn entries_of_the_feed_name_neither_case_nor_person() {
    let world = World::new();
    world.done(AID, "/cases/open", &case(&[MOTHER, CHILD]));
    world.done(AID, "/cases/open", &case(&[MOTHER, CHILD]));
    let page = String::from_utf8(world.desk().page(0, world.now).unwrap()).unwrap();
    assert!(!page.contains("AID-1") && !page.contains("0TEST"), "{page}");
    let marks: Vec<Value> = page
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|line| line.pointer("/event/persons").cloned())
        .collect();
    assert_eq!(marks.len(), 2);
    assert_ne!(marks[0], marks[1], "each opening has a salt of its own");
}
