//! A desk that was filled is as one that was asked.

use gateway_consent::Granted;
use gateway_policy::basis::Directory;
use gateway_policy::consent::verify;
use gateway_policy::feed::{Standing, State};
use gateway_proto::id::{ClientId, GlobalGroupId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::*;

struct Everybody;

impl Directory for Everybody {
    fn in_global_group(&self, _: &ClientId, _: &GlobalGroupId) -> bool {
        true
    }
}

fn granted(world: &World, id: Uuid, fin: &str) -> Granted {
    Granted {
        id,
        consumer: world.caller(BANK),
        ask: serde_json::from_value(with(ask(), "subject", person(fin))).unwrap(),
        portal: world.caller(PORTAL),
        will: serde_json::from_value(will(fin)).unwrap(),
    }
}

/// What is told of a consent, but for what differs between two of them.
fn told(world: &World, id: &str) -> (Value, Value) {
    let told = world.read(PORTAL, id);
    let artefact = told["artefact"].as_str().unwrap();
    let verified = verify(artefact, &world.rules).unwrap();
    let artefact = serde_json::to_value(verified.artefact()).unwrap();
    assert_eq!(artefact["id"], id);
    (
        without(without(told, "id"), "artefact"),
        without(artefact, "id"),
    )
}

#[test]
fn what_was_filled_in_is_what_asking_and_approving_makes() {
    let asked = World::new();
    let filled = World::new();
    let by_door = asked.approved();
    let id = Uuid::from_u128(17);
    let one = [
        granted(&filled, id, MOTHER),
        granted(&filled, Uuid::from_u128(18), CHILD),
    ];
    let desk = filled.desk();
    desk.fill(&one, &filled.rules, &Everybody, filled.now)
        .unwrap();
    let id = id.to_string();
    assert_eq!(told(&filled, &id), told(&asked, &by_door));

    for (client, find, count) in [
        (PORTAL, json!({"person": person(MOTHER)}), 1),
        (PORTAL, json!({"person": person(STRANGER)}), 0),
        (BANK, json!({}), 2),
    ] {
        assert_eq!(filled.ids(client, &find).len(), count, "{client}");
    }
    filled.act(&id, "revoke");
    let mut state = State::new();
    filled.follow(&mut state);
    assert_eq!(state.consent(Uuid::from_u128(17)), Standing::Revoked);
    assert_eq!(state.consent(Uuid::from_u128(18)), Standing::Holds);
    // The other one ends by itself.
    let mut filled = filled;
    filled.wait(86_400);
    assert_eq!(filled.desk().expire(filled.now).unwrap().consents, 1);
}

#[test]
fn one_that_would_be_refused_leaves_all_out() {
    let world = World::new();
    let mut wrong = granted(&world, Uuid::from_u128(2), CHILD);
    wrong.ask.purpose = "aid".to_owned();
    let all = [granted(&world, Uuid::from_u128(1), MOTHER), wrong];
    let refusal = world.desk().fill(&all, &world.rules, &Everybody, world.now);
    assert_eq!(refusal.unwrap_err().code(), "no_consent_rule");
    assert!(world.ids(BANK, &json!({})).is_empty());
}
