//! Notices of break-glass uses.

use serde_json::{Value, json};

use crate::world::*;

fn notice(message_id: &str) -> Value {
    json!({
        "message_id": message_id, "at": "2026-11-22T11:59:58Z", "consumer": AID,
        "service": format!("{TAX}/income"), "rule": "rescue/1", "user": "EE-doctor-3",
        "purpose": "rescue", "reason": "unconscious, ward 3",
    })
}

fn find(world: &World, find: &Value) -> (Vec<u64>, Option<u64>) {
    let found = world.done(SUPERVISOR, "/notices/find", find);
    let notices = found["notices"].as_array().unwrap();
    let ids = notices.iter().map(|notice| notice["id"].as_u64().unwrap());
    (ids.collect(), found.get("next").and_then(Value::as_u64))
}

fn counts(world: &World) -> Value {
    let answer = world.call(SUPERVISOR, "GET", "/notices/counts", &Value::Null);
    read(&answer.unwrap())
}

#[test]
fn a_notice_is_kept_once_however_often_it_is_sent() {
    let mut world = World::new();
    assert_eq!(
        world.done(TAX, "/notices", &notice("m-7")),
        json!({"id": 1, "known": false})
    );
    world.wait(5);
    assert_eq!(
        world.done(TAX, "/notices", &notice("m-7")),
        json!({"id": 1, "known": true})
    );
    world.open(keys(&[(1, 11)])).unwrap();
    assert_eq!(
        world.done(TAX, "/notices/", &notice("m-7")),
        json!({"id": 1, "known": true})
    );
    assert_eq!(
        world.done(TAX, "/notices", &notice("m-8")),
        json!({"id": 2, "known": false})
    );
    assert_eq!(
        counts(&world),
        json!({"total": 2, "unreviewed": 2, "abuse": 0})
    );
}

#[test]
fn a_repeated_message_id_hides_no_second_use() {
    let world = World::new();
    world.done(TAX, "/notices", &notice("m-7"));
    let mut second = notice("m-7");
    second["at"] = json!("2026-11-22T11:59:59Z");
    assert_eq!(world.done(TAX, "/notices", &second)["known"], false);
    assert_eq!(counts(&world)["total"], 2);
}

#[test]
fn a_member_reports_uses_of_its_own_services_only() {
    let world = World::new();
    assert_eq!(
        world.refused(AID, "/notices", &notice("m-7")),
        "not_provider"
    );
    let another_subsystem = "AZ/GOV/0000000951/gomruk";
    world.done(another_subsystem, "/notices", &notice("m-7"));
}

#[test]
fn unreviewed_notices_are_listed_until_they_are_reviewed() {
    let mut world = World::new();
    for count in 0..5 {
        world.done(TAX, "/notices", &notice(&format!("m-{count}")));
    }
    let unreviewed = json!({"unreviewed": true, "max": 2});
    assert_eq!(find(&world, &unreviewed), (vec![1, 2], Some(2)));
    assert_eq!(
        find(&world, &with(unreviewed.clone(), "after", json!(2))),
        (vec![3, 4], Some(4))
    );
    assert_eq!(
        find(&world, &with(unreviewed.clone(), "after", json!(4))),
        (vec![5], None)
    );
    world.wait(60);
    let review = json!({"id": 2, "verdict": "abuse", "note": "no such patient"});
    let told = world.done(SUPERVISOR, "/notices/review", &review);
    assert_eq!(told["review"]["verdict"], "abuse");
    assert_eq!(told["review"]["by"], SUPERVISOR);
    assert_eq!(told["review"]["at"], "2026-11-22T12:01:00Z");
    world.done(
        SUPERVISOR,
        "/notices/review",
        &json!({"id": 1, "verdict": "justified", "note": "seen"}),
    );
    assert_eq!(
        find(&world, &json!({"unreviewed": true})),
        (vec![3, 4, 5], None)
    );
    assert_eq!(find(&world, &json!({})), (vec![1, 2, 3, 4, 5], None));
    assert_eq!(
        counts(&world),
        json!({"total": 5, "unreviewed": 3, "abuse": 1})
    );
    assert_eq!(
        world.refused(SUPERVISOR, "/notices/review", &review),
        "reviewed_before"
    );
    let unknown = with(review, "id", json!(9));
    assert_eq!(
        world.refused(SUPERVISOR, "/notices/review", &unknown),
        "notice_unknown"
    );
}

#[test]
fn the_supervisor_reads_what_was_reported() {
    let world = World::new();
    world.done(TAX, "/notices", &notice("m-7"));
    let found = world.done(SUPERVISOR, "/notices/find", &json!({}));
    assert_eq!(found["notices"][0]["notice"], notice("m-7"));
    assert_eq!(found["notices"][0]["reporter"], TAX);
    assert_eq!(found["notices"][0]["received_at"], "2026-11-22T12:00:00Z");
}

#[test]
fn only_the_supervisor_looks_at_notices() {
    let world = World::new();
    world.done(TAX, "/notices", &notice("m-7"));
    for client in [TAX, AID, PORTAL] {
        assert_eq!(
            world.refused(client, "/notices/find", &json!({})),
            "not_supervisor"
        );
        let review = json!({"id": 1, "verdict": "justified", "note": "mine"});
        assert_eq!(
            world.refused(client, "/notices/review", &review),
            "not_supervisor"
        );
        let refusal = world.call(client, "GET", "/notices/counts", &Value::Null);
        assert_eq!(refusal.unwrap_err().code(), "not_supervisor");
    }
}

#[test]
fn nothing_written_into_a_message_keeps_its_notice_from_being_taken() {
    let world = World::new();
    for (field, content) in [
        ("message_id", String::new()),
        ("user", "a\u{0}b\nc".to_owned()),
        ("case", "ə".repeat(100_000)),
        ("reason", "x".repeat(100_000)),
    ] {
        let notice = with(notice("m-7"), field, json!(content));
        assert_eq!(
            world.done(TAX, "/notices", &notice)["known"],
            false,
            "{field}"
        );
        assert_eq!(
            world.done(TAX, "/notices", &notice)["known"],
            true,
            "{field}"
        );
    }
    let found = world.done(SUPERVISOR, "/notices/find", &json!({"after": 2}));
    assert_eq!(found["notices"][0]["notice"]["case"], "ə".repeat(2048));
    assert_eq!(found["notices"][1]["notice"]["reason"], "x".repeat(4096));
}

/// A page of notices is read into memory.
#[test]
fn a_notice_that_names_nobody_who_could_be_registered_is_refused() {
    let world = World::new();
    let long = "x".repeat(9000);
    let mut of_nobody = notice("m-7");
    of_nobody["consumer"] = json!(format!("AZ/GOV/1/{long}"));
    assert_eq!(world.refused(TAX, "/notices", &of_nobody), "field_invalid");
    let mut of_nothing = notice("m-7");
    of_nothing["service"] = json!(format!("{TAX}/{long}"));
    assert_eq!(world.refused(TAX, "/notices", &of_nothing), "field_invalid");
    assert_eq!(counts(&world)["total"], 0);
}

#[test]
fn a_review_says_why() {
    let world = World::new();
    world.done(TAX, "/notices", &notice("m-7"));
    for note in [" ".to_owned(), "a".repeat(4097), "a\u{0}".to_owned()] {
        let review = json!({"id": 1, "verdict": "justified", "note": note});
        assert_eq!(
            world.refused(SUPERVISOR, "/notices/review", &review),
            "field_invalid"
        );
    }
}
