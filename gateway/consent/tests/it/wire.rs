//! Methods, paths and bodies.

use gateway_consent::{Refusal, Request};
use proptest::prelude::*;
use serde_json::json;

use crate::world::*;

const ID: &str = "0b0c0d0e-0000-4000-8000-000000000001";

#[track_caller]
fn refused(method: &str, path: &str, query: Option<&str>, body: &[u8]) -> Refusal {
    let refusal = Request::from_http(method, path, query, body).unwrap_err();
    check_sentence(&refusal);
    refusal
}

#[track_caller]
fn check_body(path: &str, body: &str, expected: &str) {
    assert_eq!(
        refused("POST", path, None, body.as_bytes()).code(),
        expected,
        "{body}"
    );
}

#[test]
fn there_is_nothing_behind_other_paths() {
    for path in [
        "",
        "/",
        "//",
        "/consents",
        "/consents/",
        "/consents/requests/a/b/c",
        "consents/find",
        "//consents/find",
        "/consents//find",
        "/Consents/find",
        "/cases",
        "/cases/x",
        "/notices/x",
        &format!("/consents/requests/{ID}/erase"),
    ] {
        assert_eq!(refused("POST", path, None, b"{}").status(), 404, "{path}");
    }
}

#[test]
fn ids_have_one_form() {
    for id in [
        "x",
        &ID.to_uppercase(),
        &ID.replace('-', ""),
        "0TEST01",
        &format!("{{{ID}}}"),
    ] {
        let path = format!("/consents/requests/{id}");
        assert_eq!(refused("GET", &path, None, b"").code(), "consent_unknown");
    }
    let path = format!("/consents/requests/{ID}");
    assert!(matches!(
        Request::from_http("GET", &path, Some(""), b""),
        Ok(Request::Read { .. })
    ));
}

#[test]
fn methods_and_queries_are_as_described() {
    assert_eq!(
        refused("GET", "/consents/requests", None, b"").status(),
        405
    );
    assert_eq!(
        refused("POST", &format!("/consents/requests/{ID}"), None, b"").status(),
        405
    );
    assert_eq!(refused("post", "/consents/find", None, b"{}").status(), 405);
    assert_eq!(refused("DELETE", "/notices", None, b"").status(), 405);
    assert_eq!(
        refused("GET", "/notices/counts", Some("a=b"), b"").code(),
        "query_not_taken"
    );
    assert_eq!(
        refused("GET", "/notices/counts", None, b"{}").code(),
        "body_malformed"
    );
}

#[test]
fn bodies_are_strict() {
    let path = "/consents/find";
    check_body(path, "{", "body_not_json");
    check_body(path, "{}{}", "body_not_json");
    check_body(path, r#"{"max":1,"max":2}"#, "body_not_json");
    check_body(path, r#"{"max":1.5}"#, "body_not_json");
    check_body(path, r#"{"max":-1}"#, "body_malformed");
    check_body(path, r#"{"maximum":1}"#, "body_malformed");
    check_body(path, "[]", "body_malformed");
    check_body(
        path,
        r#"{"person":{"kind":"fin","value":"0TEST01","more":1}}"#,
        "body_malformed",
    );
    check_body(
        path,
        r#"{"person":{"kind":"name","value":"0TEST01"}}"#,
        "body_malformed",
    );
    check_body(path, r#"{"person":"0TEST01"}"#, "body_malformed");
    check_body(
        "/cases/open",
        r#"{"case":"1","persons":[]}"#,
        "body_malformed",
    );
    check_body("/notices", "", "body_not_json");
    check_body("/notices", r#"{"notice":{}}"#, "body_malformed");
    check_body(
        "/notices/review",
        r#"{"id":1,"verdict":"fine","note":"x"}"#,
        "body_malformed",
    );
}

#[test]
fn every_required_field_is_required_and_others_are_refused() {
    for field in ["subject", "provider", "services", "purpose", "categories"] {
        check_body(
            "/consents/requests",
            &without(ask(), field).to_string(),
            "body_malformed",
        );
    }
    let more = with(ask(), "0TEST01", json!("0TEST01"));
    check_body("/consents/requests", &more.to_string(), "body_malformed");
    let approve = path(ID, "approve");
    for field in ["proof", "person"] {
        check_body(
            &approve,
            &without(will(MOTHER), field).to_string(),
            "body_malformed",
        );
    }
    check_body(&approve, "{}", "body_malformed");
    let mut more = will(MOTHER);
    more["proof"]["document"] = json!("");
    check_body(&approve, &more.to_string(), "body_malformed");
    more = with(will(MOTHER), "proof", json!({"kind": "oath"}));
    check_body(&approve, &more.to_string(), "body_malformed");
}

#[test]
fn a_body_has_a_bound() {
    let body = format!("{{\"case\":\"{}\"}}", "a".repeat(2 << 20));
    assert_eq!(
        refused("POST", "/cases/close", None, body.as_bytes()).status(),
        413
    );
}

#[test]
fn a_will_may_be_missing_only_where_the_consumer_revokes() {
    for body in ["", "{}"] {
        let request = Request::from_http("POST", &path(ID, "revoke"), None, body.as_bytes());
        assert!(matches!(request, Ok(Request::Change { will: None, .. })));
    }
    for action in ["approve", "decline", "pause", "resume"] {
        let request = Request::from_http("POST", &path(ID, action), None, b"{}");
        assert_eq!(request.unwrap_err().code(), "body_malformed");
    }
}

#[test]
fn what_is_logged_of_a_request_does_not_say_about_whom() {
    let body = with(signed(b"0TEST09"), "person", person(MOTHER));
    let requests = [
        ("/consents/requests", ask()),
        (&path(ID, "approve"), body),
        ("/consents/find", json!({"person": person(MOTHER)})),
        (
            "/cases/open",
            json!({"case": "1", "persons": [person(MOTHER)], "valid_seconds": 1}),
        ),
    ];
    for (path, body) in requests {
        let request = Request::from_http("POST", path, None, body.to_string().as_bytes());
        let shown = format!("{:?}", request.unwrap());
        assert!(!shown.contains("0TEST"), "{shown}");
    }
}

#[test]
fn what_is_logged_of_an_answer_does_not_say_about_whom() {
    let world = World::new();
    let id = world.requested_as(&with(ask(), "subject", person(CHILD)));
    let answers = [
        world.call(PORTAL, "POST", &path(&id, "approve"), &will_for_child()),
        world.call(
            BANK,
            "GET",
            &format!("/consents/requests/{id}"),
            &json!(null),
        ),
        world.call(BANK, "POST", "/consents/find", &json!({})),
    ];
    for answer in answers {
        let shown = format!("{:?}", answer.unwrap());
        assert!(shown.contains(&id) && !shown.contains("0TEST"), "{shown}");
        assert!(!shown.contains("eyJ"), "{shown}");
    }
}

#[test]
fn users_and_message_ids_have_bounds() {
    let world = World::new();
    let mut caller = world.caller(BANK);
    caller.user = Some("a".repeat(1025));
    let refusal = world.handle(&caller, Request::CountNotices).unwrap_err();
    check_sentence(&refusal);
    assert_eq!(refusal.code(), "field_invalid");
    let mut caller = world.caller(BANK);
    assert!(!format!("{caller:?}").contains("EE-clerk"));
    caller.message_id = Some("a".repeat(1025));
    let refusal = world.handle(&caller, Request::CountNotices).unwrap_err();
    assert_eq!(refusal.code(), "field_invalid");
}

#[test]
fn statuses_say_what_happened() {
    let world = World::new();
    let asked = world
        .call(BANK, "POST", "/consents/requests", &ask())
        .unwrap();
    assert_eq!(asked.status(), 201);
    let id = read(&asked)["id"].as_str().unwrap().to_owned();
    let approved = world.call(PORTAL, "POST", &path(&id, "approve"), &will(MOTHER));
    assert_eq!(approved.unwrap().status(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_sent_is_answered(
        method in "GET|POST|[A-Z]{0,5}",
        path in "(/(consents|cases|notices|requests|find|open|review|counts|[ -~]{0,12})){0,5}/?",
        query in proptest::option::of("[ -~]{0,9}"),
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        if let Err(refusal) = Request::from_http(&method, &path, query.as_deref(), &body) {
            check_sentence(&refusal);
        }
    }

    #[test]
    fn no_field_is_taken_for_another(
        field in "subject|provider|services|purpose|categories|valid_seconds|predecessor|frequency",
        content in prop_oneof![
            Just(json!(null)), Just(json!([])), Just(json!([["a"]])), Just(json!({})),
            Just(json!(-1)), Just(json!(true)), "[ -~]{0,9}".prop_map(|text| json!(text)),
        ],
    ) {
        let world = World::new();
        let body = with(ask(), &field, content);
        match world.call(BANK, "POST", "/consents/requests", &body) {
            // Only what may be missing may be null.
            Ok(_) => prop_assert!(body[&field].is_null() && matches!(&*field, "predecessor" | "frequency")),
            Err(refusal) => prop_assert!((400..=422).contains(&refusal.status()), "{refusal:?}"),
        }
    }
}
