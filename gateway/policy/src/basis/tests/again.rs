//! Deciding again, for an auditor: by one rule alone, and with a feed that is assumed.

use super::*;

/// What one rule says of the case.
fn by(id: &str, case: &Case, rules: &[Value]) -> Result<String, &'static str> {
    let rules = sample::read(&sample::part(rules));
    let ask = Ask {
        client: &case.client,
        service: &case.service,
        rest: None,
        purpose: case.purpose.as_deref(),
        right_purposes: None,
        case: case.case.as_deref(),
        user: None,
        persons: &case.persons,
        consent: None,
        emergency: None,
    };
    let decided = decide_by(id, &ask, &rules, &Groups, &case.feed, case.now);
    decided.map_err(|refusal| refusal.code()).map(|decision| {
        let Ground::Rule { id, .. } = decision.ground else {
            panic!("a rule decides")
        };
        id
    })
}

#[test]
fn decides_by_the_one_rule_that_is_asked_for() {
    let rules = [
        rule("a", "law", &["credit"]),
        limited("b", "law", json!({"case": "named"})),
        rule("c", "law", &["aid"]),
    ];
    let mut case = Case::new();
    assert_eq!(by("a", &case, &rules), Ok("a".to_owned()));
    assert_eq!(by("b", &case, &rules), Err("case_missing"));
    assert_eq!(by("c", &case, &rules), Err("purpose_not_declared"));
    assert_eq!(by("d", &case, &rules), Err("no_rule"));
    case.case = text("C-1");
    assert_eq!(by("b", &case, &rules), Ok("b".to_owned()));
}

#[test]
fn an_assumed_feed_has_nothing_against_anybody() {
    let rules = [limited("a", "law", json!({"case": "open"}))];
    let mut case = Case::new();
    case.case = text("C-1");
    assert_eq!(by("a", &case, &rules), Err("case_not_open"));
    let assumed = |case: &Case, number: Option<&str>| {
        feed::State::assumed_unchecked(&case.client, number, &case.persons, case.now)
    };
    case.feed = assumed(&case, None);
    assert_eq!(by("a", &case, &rules), Err("case_not_open"));
    case.feed = assumed(&case, Some("C-1"));
    assert_eq!(by("a", &case, &rules), Ok("a".to_owned()));
    // It is for these persons and this moment.
    case.persons.push(person("0TEST02"));
    assert_eq!(by("a", &case, &rules), Err("case_other_persons"));
    let mut later = Case::new();
    later.case = text("C-1");
    later.feed = assumed(&later, Some("C-1"));
    later.now = time("2026-11-22T12:30:00Z");
    assert_eq!(by("a", &later, &rules), Err("feed_stale"));
}
