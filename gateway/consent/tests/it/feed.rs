//! The feed as nodes read it.

use std::collections::HashMap;

use gateway_policy::feed::{Page, Standing, State};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::world::*;

#[test]
fn an_empty_feed_has_a_signed_head() {
    let world = World::new();
    let page = world.desk().page(0, world.now).unwrap();
    let page = Page::verify(&page, feed_signer().verifier(), "AZ", world.now).unwrap();
    assert!(page.is_complete() && page.entries().is_empty());
    let mut node = State::new();
    node.apply(&page).unwrap();
    assert_eq!((node.number(), node.as_of()), (0, Some(world.now)));
}

#[test]
fn a_node_that_holds_all_hears_that_this_is_all() {
    let mut world = World::new();
    let id = world.approved();
    world.act(&id, "pause");
    let mut node = State::new();
    world.follow(&mut node);
    world.wait(30);
    world.follow(&mut node);
    assert_eq!((node.number(), node.as_of()), (1, Some(world.now)));
}

#[test]
fn who_holds_more_than_there_is_is_refused() {
    let world = World::new();
    let refusal = world.desk().page(1, world.now).unwrap_err();
    check_sentence(&refusal);
    assert_eq!((refusal.code(), refusal.status()), ("feed_ahead", 409));
    assert!(world.desk().page(u64::MAX, world.now).is_err());
}

#[test]
fn a_change_stands_in_the_feed_when_it_is_answered() {
    let world = World::new();
    let mut node = State::new();
    for count in 1..=3 {
        let id = world.approved();
        world.done(BANK, &path(&id, "revoke"), &json!({}));
        assert_eq!(world.desk().feed_number(), count);
        world.follow(&mut node);
        assert_eq!(
            node.consent(Uuid::parse_str(&id).unwrap()),
            Standing::Revoked
        );
    }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// An action on one of the consents.
    Act(usize, &'static str),
    /// One node reads on.
    Read(usize),
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    let action = proptest::sample::select(vec!["pause", "resume", "revoke"]);
    prop_oneof![
        6 => (0..3_usize, action).prop_map(|(which, action)| Deed::Act(which, action)),
        3 => (0..2_usize).prop_map(Deed::Read),
        1 => Just(Deed::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_happens_and_whenever_nodes_read_they_hold_what_the_desk_holds(
        deeds in proptest::collection::vec(deed(), 1..24)
    ) {
        let mut world = World::new();
        let ids: Vec<String> = (0..3).map(|_| world.approved()).collect();
        let mut expected: HashMap<usize, Standing> =
            (0..3).map(|which| (which, Standing::Holds)).collect();
        let mut nodes = [State::new(), State::new()];
        for deed in deeds {
            match deed {
                Deed::Act(which, action) => {
                    let path = path(&ids[which], action);
                    let told = world.call(PORTAL, "POST", &path, &will(MOTHER));
                    let standing = match (expected[&which], action) {
                        (Standing::Revoked, _) | (_, "revoke") => Standing::Revoked,
                        (_, "pause") => Standing::Paused,
                        _ => Standing::Holds,
                    };
                    let ended = expected[&which] == Standing::Revoked && action != "revoke";
                    prop_assert_eq!(told.is_err(), ended);
                    expected.insert(which, standing);
                }
                Deed::Read(which) => world.follow(&mut nodes[which]),
                Deed::Restart => world.open(keys(&[(1, 11)])).unwrap(),
            }
        }
        let mut new = State::new();
        world.follow(&mut new);
        for node in &mut nodes {
            world.follow(node);
            prop_assert_eq!(node.number(), world.desk().feed_number());
            prop_assert_eq!(node.hash(), new.hash());
            for (which, standing) in &expected {
                prop_assert_eq!(node.consent(Uuid::parse_str(&ids[*which]).unwrap()), *standing);
            }
        }
    }
}
