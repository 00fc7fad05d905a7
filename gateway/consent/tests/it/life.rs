//! The life of a consent: every state and action, who may act, what is proved and kept.

use std::collections::HashSet;
use std::thread;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::consent::{Proof, verify};
use gateway_policy::feed::{Standing, State};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::*;

const ACTIONS: [&str; 5] = ["approve", "decline", "pause", "resume", "revoke"];
const STATES: [&str; 6] = [
    "requested",
    "active",
    "paused",
    "revoked",
    "expired",
    "declined",
];

/// A consent in this state.
fn in_state(world: &mut World, state: &str) -> String {
    let id = world.requested();
    match state {
        "requested" => {}
        "declined" => drop(world.act(&id, "decline")),
        "active" => drop(world.act(&id, "approve")),
        "expired" => {
            world.act(&id, "approve");
            world.wait(86_400);
        }
        "paused" | "revoked" => {
            world.act(&id, "approve");
            world.act(&id, if state == "paused" { "pause" } else { "revoke" });
        }
        other => panic!("{other}"),
    }
    assert_eq!(world.state(&id), state);
    id
}

/// What the action makes of the state, and how many entries the feed gains; `None`: refused.
fn expected(state: &str, action: &str) -> Option<(&'static str, u64)> {
    match (state, action) {
        ("requested", "approve") => Some(("active", 0)),
        ("requested", "decline") => Some(("declined", 0)),
        ("active", "pause") => Some(("paused", 1)),
        ("active", "resume") => Some(("active", 0)),
        ("paused", "resume") => Some(("active", 1)),
        ("paused", "pause") => Some(("paused", 0)),
        ("active" | "paused", "revoke") => Some(("revoked", 1)),
        ("revoked", "revoke") => Some(("revoked", 0)),
        ("declined", "decline") => Some(("declined", 0)),
        _ => None,
    }
}

#[test]
fn every_action_in_every_state_does_what_the_life_of_a_consent_says() {
    for state in STATES {
        for action in ACTIONS {
            let mut world = World::new();
            let id = in_state(&mut world, state);
            let before = world.desk().feed_number();
            let told = world.call(PORTAL, "POST", &path(&id, action), &will(MOTHER));
            let entries = world.desk().feed_number() - before;
            match expected(state, action) {
                Some((becomes, new)) => {
                    let told = read(&told.unwrap());
                    assert_eq!(told["state"], becomes, "{action} of {state}");
                    assert_eq!(told["artefact"].is_string(), becomes == "active");
                    assert_eq!(entries, new, "{action} of {state}");
                    assert_eq!(world.state(&id), becomes);
                }
                None => {
                    let refusal = told.unwrap_err();
                    check_sentence(&refusal);
                    assert_eq!(refusal.code(), "wrong_state", "{action} of {state}");
                    assert_eq!(refusal.status(), 409);
                    assert_eq!(entries, 0);
                    assert_eq!(world.state(&id), state);
                }
            }
        }
    }
}

#[test]
fn an_approval_makes_an_artefact_that_nodes_believe() {
    let world = World::new();
    let ask = with(ask(), "frequency", json!({"count": 3, "seconds": 3600}));
    let ask = with(ask, "data_from", json!("2025-01-01"));
    let ask = with(ask, "data_life_seconds", json!(600));
    let id = world.requested_as(&ask);
    let told = world.act(&id, "approve");
    let text = told["artefact"].as_str().unwrap();
    let verified = verify(text, &world.rules).unwrap();
    let artefact = verified.artefact();
    assert_eq!(artefact.id.to_string(), id);
    assert_eq!(artefact.subject.reveal(), MOTHER);
    assert_eq!(artefact.consumer, client(BANK));
    assert_eq!(artefact.provider, client(TAX));
    assert_eq!(artefact.services, ["income"]);
    assert_eq!(artefact.valid_from, world.now);
    assert_eq!(artefact.valid_until, at("2026-11-23T12:00:00Z"));
    assert_eq!(artefact.frequency.unwrap().count, 3);
    assert_eq!(artefact.data_from.as_deref(), Some("2025-01-01"));
    assert_eq!(artefact.data_life_seconds, Some(600));
    assert!(artefact.acting_for.is_none());
    let Proof::Attestation { portal, level, .. } = &artefact.proof else {
        panic!("{:?}", artefact.proof);
    };
    assert_eq!((portal, level.as_str()), (&client(PORTAL), "asan-imza"));
    assert_eq!(world.read(BANK, &id)["artefact"], text);
    assert_eq!(world.read(PORTAL, &id)["artefact"], text);
}

#[test]
fn times_of_an_artefact_are_whole_seconds() {
    let mut world = World::new();
    world.now = at("2026-11-22T12:00:00.987Z");
    let id = world.approved();
    let read = world.read(BANK, &id);
    assert_eq!(read["valid_from"], "2026-11-22T12:00:00Z");
    assert_eq!(read["valid_until"], "2026-11-23T12:00:00Z");
}

#[test]
fn an_artefact_is_shown_only_while_it_holds() {
    let mut world = World::new();
    let id = world.approved();
    world.act(&id, "pause");
    assert!(world.read(BANK, &id).get("artefact").is_none());
    world.act(&id, "resume");
    assert!(world.read(BANK, &id)["artefact"].is_string());
    world.wait(86_400);
    assert!(world.read(BANK, &id).get("artefact").is_none());
}

#[test]
fn the_history_says_who_changed_it_when_and_on_what_proof() {
    let mut world = World::new();
    let id = world.requested();
    world.wait(5);
    world.act(&id, "approve");
    world.wait(5);
    world.done(BANK, &path(&id, "revoke"), &json!({}));
    let read = world.read(PORTAL, &id);
    let history = read["history"].as_array().unwrap();
    let states: Vec<&Value> = history.iter().map(|step| &step["state"]).collect();
    assert_eq!(states, ["requested", "active", "revoked"]);
    let by: Vec<&Value> = history.iter().map(|step| &step["by"]).collect();
    assert_eq!(by, [BANK, PORTAL, BANK]);
    assert_eq!(history[1]["proof"], "attestation");
    assert_eq!(history[1]["at"], "2026-11-22T12:00:05Z");
    assert_eq!(history[1]["message_id"], "m-1");
    assert!(history[2].get("proof").is_none());
}

#[test]
fn of_two_approvals_that_race_one_counts() {
    let world = World::new();
    let id = world.requested();
    let approve = || world.call(PORTAL, "POST", &path(&id, "approve"), &will(MOTHER));
    let results: Vec<_> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..8).map(|_| scope.spawn(approve)).collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for refusal in results.into_iter().filter_map(Result::err) {
        assert_eq!(refusal.code(), "wrong_state");
    }
    assert_eq!(
        world.read(BANK, &id)["history"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn revocations_that_race_stand_in_the_feed_once() {
    let world = World::new();
    let ids: Vec<String> = (0..4).map(|_| world.approved()).collect();
    thread::scope(|scope| {
        for _ in 0..3 {
            for id in &ids {
                scope.spawn(|| world.act(id, "revoke"));
            }
        }
    });
    assert_eq!(world.desk().feed_number(), 4);
    let mut node = State::new();
    world.follow(&mut node);
    for id in &ids {
        assert_eq!(
            node.consent(Uuid::parse_str(id).unwrap()),
            Standing::Revoked
        );
    }
}

#[test]
fn only_portals_bring_a_will() {
    let world = World::new();
    let id = world.requested();
    for client in [BANK, TAX, SUPERVISOR] {
        for action in ACTIONS {
            assert_eq!(
                world.refused(client, &path(&id, action), &will(MOTHER)),
                "not_portal"
            );
        }
    }
    assert_eq!(world.state(&id), "requested");
}

#[test]
fn only_the_person_or_who_acts_for_it_decides() {
    let world = World::new();
    let id = world.requested();
    for action in ACTIONS {
        assert_eq!(
            world.refused(PORTAL, &path(&id, action), &will(STRANGER)),
            "other_person"
        );
    }
    let for_herself = with(will_for_child(), "person", person(MOTHER));
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &for_herself),
        "field_invalid"
    );
    let no_key = with(
        will(MOTHER),
        "person",
        json!({"kind": "fin", "value": "0TESTI1"}),
    );
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &no_key),
        "person_malformed"
    );
}

#[test]
fn a_level_that_the_rules_do_not_name_is_not_enough() {
    let world = World::new();
    let id = world.requested();
    let weak = with(
        will(MOTHER),
        "proof",
        json!({"kind": "attestation", "level": "password"}),
    );
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &weak),
        "level_not_accepted"
    );
}

#[test]
fn a_parent_agrees_for_a_child_and_finds_it_in_the_list() {
    let world = World::new();
    let id = world.requested_as(&with(ask(), "subject", person(CHILD)));
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &will(MOTHER)),
        "other_person"
    );
    let told = world.done(PORTAL, &path(&id, "approve"), &will_for_child());
    let verified = verify(told["artefact"].as_str().unwrap(), &world.rules).unwrap();
    let acting = verified.artefact().acting_for.as_ref().unwrap();
    assert_eq!(acting.actor.reveal(), MOTHER);
    assert_eq!(acting.evidence, "birth certificate AZ-1");
    for fin in [MOTHER, CHILD] {
        assert_eq!(
            world.ids(PORTAL, &json!({"person": person(fin)})),
            [id.as_str()]
        );
    }
    assert!(
        world
            .ids(PORTAL, &json!({"person": person(STRANGER)}))
            .is_empty()
    );
    // Her right was shown once; the child may speak for itself too.
    assert_eq!(world.act(&id, "pause")["state"], "paused");
    assert_eq!(
        world.done(PORTAL, &path(&id, "revoke"), &will(CHILD))["state"],
        "revoked"
    );
}

#[test]
fn a_list_does_not_say_who_acted_for_the_subject() {
    let world = World::new();
    let id = world.requested_as(&with(ask(), "subject", person(CHILD)));
    world.done(PORTAL, &path(&id, "approve"), &will_for_child());
    let found = world.done(PORTAL, "/consents/find", &json!({"person": person(CHILD)}));
    assert_eq!(found["consents"][0]["acting_for"], "parent");
    assert!(!found.to_string().contains(MOTHER));
}

#[test]
fn a_consumer_gives_up_its_own_consent_only() {
    let world = World::new();
    let id = world.approved();
    for client in [OTHER_BANK, TAX, PORTAL] {
        let code = world.refused(client, &path(&id, "revoke"), &json!({}));
        assert_eq!(code, "consent_unknown");
    }
    assert_eq!(
        world.done(BANK, &path(&id, "revoke"), &json!({}))["state"],
        "revoked"
    );
    let waiting = world.requested();
    assert_eq!(
        world.refused(BANK, &path(&waiting, "revoke"), &json!({})),
        "wrong_state"
    );
}

#[test]
fn a_signed_document_is_kept_as_it_came_under_its_digest() {
    let world = World::new();
    let id = world.requested();
    let document = vec![0x50; 1024 * 1024];
    let told = world.done(PORTAL, &path(&id, "approve"), &signed(&document));
    let digest = Digest::of(DigestAlgorithm::Sha256, &document);
    let digest = hex::encode(digest.as_bytes());
    let verified = verify(told["artefact"].as_str().unwrap(), &world.rules).unwrap();
    let Proof::SignedDocument { sha256, .. } = &verified.artefact().proof else {
        panic!("no document");
    };
    assert_eq!(*sha256, digest);
    assert_eq!(world.read(PORTAL, &id)["history"][1]["document"], digest);
    let id = Uuid::parse_str(&id).unwrap();
    assert_eq!(
        world.desk().document(id, &digest).unwrap().unwrap(),
        document
    );
    assert!(
        world
            .desk()
            .document(id, &"0".repeat(64))
            .unwrap()
            .is_none()
    );
}

#[test]
fn refuses_documents_that_are_none() {
    let world = World::new();
    let id = world.requested();
    let with_proof = |field: &str, content: Value| {
        let mut will = signed(b"x");
        will["proof"][field] = content;
        will
    };
    let refused = [
        signed(b""),
        signed(&vec![0; 1024 * 1024 + 1]),
        with_proof("document", json!("no base64!")),
        with_proof("media_type", json!("asic")),
        with_proof("media_type", json!("text/plain; charset=utf-8")),
        with_proof("media_type", json!(format!("a/{}", "b".repeat(128)))),
    ];
    for will in refused {
        assert_eq!(
            world.refused(PORTAL, &path(&id, "approve"), &will),
            "field_invalid"
        );
    }
    assert_eq!(world.state(&id), "requested");
}

#[test]
fn a_request_nobody_answers_ends() {
    let mut world = World::new();
    let id = world.requested();
    world.wait(30 * 86_400 - 1);
    assert_eq!(world.state(&id), "requested");
    world.wait(1);
    assert_eq!(world.state(&id), "expired");
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &will(MOTHER)),
        "wrong_state"
    );
}

#[test]
fn an_approval_is_judged_by_the_rules_of_its_day() {
    let mut world = World::new();
    let id = world.requested();
    let mut part = part();
    part["rules"].as_array_mut().unwrap().remove(0);
    world.rules = rules(&part);
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &will(MOTHER)),
        "no_consent_rule"
    );
}

#[test]
fn nothing_is_handed_out_that_no_node_would_believe() {
    let mut world = World::new();
    let id = world.requested();
    let mut part = part();
    part["consent"]["keys"][0]["kid"] = json!("k2");
    world.rules = rules(&part);
    let code = world.refused(PORTAL, &path(&id, "approve"), &will(MOTHER));
    assert_eq!(code, "key_not_published");
    assert_eq!(world.state(&id), "requested");
}

#[test]
fn an_approval_for_a_time_that_is_over_is_refused() {
    let mut world = World::new();
    let ask = with(
        without(ask(), "valid_seconds"),
        "valid_until",
        json!("2026-11-22T13:00:00Z"),
    );
    let id = world.requested_as(&ask);
    world.wait(3600);
    assert_eq!(
        world.refused(PORTAL, &path(&id, "approve"), &will(MOTHER)),
        "validity_past"
    );
}

#[test]
fn a_successor_ends_its_predecessor_in_one_step() {
    let mut world = World::new();
    let first = world.approved();
    let text = world.read(BANK, &first)["artefact"]
        .as_str()
        .unwrap()
        .to_owned();
    let digest = *verify(&text, &world.rules).unwrap().digest();
    let second = world.requested_as(&with(ask(), "predecessor", json!(first)));
    let rival = world.requested_as(&with(ask(), "predecessor", json!(first)));
    assert_eq!(world.state(&first), "active");
    world.wait(60);
    let told = world.act(&second, "approve");
    let verified = verify(told["artefact"].as_str().unwrap(), &world.rules).unwrap();
    assert_eq!(
        verified.artefact().predecessor.as_deref(),
        Some(hex::encode(digest.as_bytes())).as_deref()
    );
    let before = world.read(BANK, &first);
    assert_eq!(
        (before["state"].as_str(), before["successor"].as_str()),
        (Some("revoked"), Some(second.as_str()))
    );
    let mut node = State::new();
    world.follow(&mut node);
    assert_eq!(
        node.consent(Uuid::parse_str(&first).unwrap()),
        Standing::Revoked
    );
    assert_eq!(
        node.consent(Uuid::parse_str(&second).unwrap()),
        Standing::Holds
    );
    // The chain does not fork.
    assert_eq!(
        world.refused(PORTAL, &path(&rival, "approve"), &will(MOTHER)),
        "predecessor_followed"
    );
    let late = with(ask(), "predecessor", json!(first));
    assert_eq!(
        world.refused(BANK, "/consents/requests", &late),
        "predecessor_followed"
    );
}

#[test]
fn a_consent_that_ended_may_be_followed_without_an_entry_in_the_feed() {
    let mut world = World::new();
    let first = world.approved();
    world.wait(86_400);
    let second = world.requested_as(&with(ask(), "predecessor", json!(first)));
    assert_eq!(world.act(&second, "approve")["state"], "active");
    assert_eq!(world.state(&first), "expired");
    assert_eq!(world.desk().feed_number(), 0);
}

#[test]
fn pausing_has_a_bound_and_revoking_has_none() {
    let world = World::new();
    let id = world.approved();
    let mut actions = ["pause", "resume"].into_iter().cycle();
    let mut refused = None;
    for _ in 0..300 {
        let action = actions.next().unwrap();
        if let Err(refusal) = world.call(PORTAL, "POST", &path(&id, action), &will(MOTHER)) {
            refused = Some(refusal.code());
            break;
        }
    }
    assert_eq!(refused, Some("too_many_changes"));
    assert_eq!(world.act(&id, "revoke")["state"], "revoked");
}

#[test]
fn everything_is_as_it_was_after_a_restart() {
    let mut world = World::new();
    let ids = [world.requested(), world.approved(), world.approved()];
    world.act(&ids[2], "pause");
    let before: Vec<Value> = ids.iter().map(|id| world.read(BANK, id)).collect();
    world.open(keys(&[(1, 11)])).unwrap();
    let after: Vec<Value> = ids.iter().map(|id| world.read(BANK, id)).collect();
    assert_eq!(before, after);
    assert_eq!(world.desk().feed_number(), 1);
    assert_eq!(world.act(&ids[2], "resume")["state"], "active");
    assert_eq!(world.desk().feed_number(), 2);
}

#[test]
fn ids_say_nothing_and_do_not_repeat() {
    let world = World::new();
    let ids: HashSet<String> = (0..5).map(|_| world.requested()).collect();
    assert_eq!(ids.len(), 5);
    for id in &ids {
        assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
    }
}
