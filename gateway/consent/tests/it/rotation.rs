//! Keys of the hashes change; look-ups go on. Other keys than before are refused.

use certs_keys::SecretKey;
use gateway_consent::{Desk, Error, HashKeys};
use serde_json::json;

use crate::world::*;

fn of_mother(world: &World) -> Vec<String> {
    let mut ids = world.ids(PORTAL, &json!({"person": person(MOTHER)}));
    ids.sort();
    ids
}

#[test]
fn persons_are_found_while_keys_rotate_and_old_keys_can_go() {
    let mut world = World::new();
    let mut ids: Vec<String> = (0..3).map(|_| world.approved()).collect();
    let approved = ids[0].clone();
    ids.push(world.requested());
    world.open(keys(&[(1, 11), (2, 12)])).unwrap();
    ids.push(world.approved());
    let child = world.requested_as(&with(ask(), "subject", person(CHILD)));
    world.done(PORTAL, &path(&child, "approve"), &will_for_child());
    ids.push(child);
    ids.sort();
    assert_eq!(of_mother(&world), ids);
    // In steps, and with what happens in between.
    assert_eq!(world.desk().remark(2).unwrap(), 2);
    assert_eq!(of_mother(&world), ids);
    world.act(&approved, "revoke");
    assert!(world.desk().remark(10).unwrap() <= 2);
    assert_eq!(world.desk().remark(10).unwrap(), 0);
    assert_eq!(of_mother(&world), ids);
    world.open(keys(&[(2, 12)])).unwrap();
    assert_eq!(of_mother(&world), ids);
}

#[test]
fn what_waits_is_counted_across_keys() {
    let mut world = World::new();
    for _ in 0..6 {
        world.requested();
    }
    world.open(keys(&[(1, 11), (2, 12)])).unwrap();
    for _ in 0..4 {
        world.requested();
    }
    assert_eq!(
        world.refused(BANK, "/consents/requests", &ask()),
        "too_many_waiting"
    );
    while world.desk().remark(3).unwrap() > 0 {}
    assert_eq!(
        world.refused(BANK, "/consents/requests", &ask()),
        "too_many_waiting"
    );
    let waiting = of_mother(&world);
    world.act(&waiting[0], "decline");
    world.requested();
}

#[test]
fn pages_join_what_stands_under_several_keys() {
    let mut world = World::new();
    for number in 1..=3_u8 {
        let given: Vec<(u32, u8)> = (1..=number).map(|n| (u32::from(n), 10 + n)).collect();
        world.open(keys(&given)).unwrap();
        world.wait(1);
        world.approved();
        world.wait(1);
        world.approved();
    }
    let mut found = Vec::new();
    let mut find = json!({"person": person(MOTHER), "max": 1});
    loop {
        let page = world.done(PORTAL, "/consents/find", &find);
        found.push(
            page["consents"][0]["requested_at"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        match page.get("next") {
            Some(next) => find["after"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(found.len(), 6);
    assert!(
        found.is_sorted_by(|newer, older| newer > older),
        "{found:?}"
    );
}

#[test]
fn a_key_that_is_still_needed_cannot_be_left_out() {
    let mut world = World::new();
    world.approved();
    let error = world.open(keys(&[(2, 12)])).unwrap_err();
    assert!(matches!(error, Error::KeyMissing { number: 1 }), "{error}");
    world.open(keys(&[(1, 11), (2, 12)])).unwrap();
}

#[test]
fn other_keys_than_before_are_refused() {
    let mut world = World::new();
    let error = world.open(keys(&[(1, 99)])).unwrap_err();
    assert!(
        matches!(error, Error::OtherKey { key: "hash key" }),
        "{error}"
    );
    let mut other = keys(&[(1, 11)]);
    other.seal = SecretKey::from_bytes([1; 32]);
    let error = world.open(other).unwrap_err();
    assert!(
        matches!(error, Error::OtherKey { key: "sealing key" }),
        "{error}"
    );
    let error = Desk::open(&world.path(), keys(&[(1, 11)]), "EE").unwrap_err();
    assert!(matches!(error, Error::OtherInstance { .. }), "{error}");
    assert!(error.to_string().contains("AZ"));
}

#[test]
fn a_set_of_keys_has_numbers_of_its_own() {
    let key = || SecretKey::from_bytes([1; 32]);
    assert!(matches!(HashKeys::new(Vec::new()), Err(Error::NoKeys)));
    let twice = vec![(1, key()), (1, key())];
    assert!(matches!(HashKeys::new(twice), Err(Error::NoKeys)));
}
