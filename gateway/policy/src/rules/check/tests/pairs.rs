//! Rules that contradict or hide each other.

use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check_pair(first: Value, second: Value, expected: Option<(Severity, &str)>) {
    let part = sample::part(&[first, second]);
    match expected {
        None => check_silent(&part),
        Some((Severity::Error, text)) => check_error(&part, "rule b", text),
        Some((Severity::Warning, text)) => check_warning(&part, "rule b", text),
    }
}

const CONTRADICTS: Option<(Severity, &str)> = Some((Severity::Error, "contradicts the rule a"));
const SHADOWED: Option<(Severity, &str)> = Some((Severity::Warning, "the rule a before it"));

#[test]
fn finds_rules_that_contradict_each_other() {
    let limited = |id: &str, limits: Value| with(law(id), "limits", limits);
    let often = |count: u32| json!({"frequency": {"count": count, "seconds": 60}});
    check_pair(law("a"), limited("b", often(1)), CONTRADICTS);
    check_pair(limited("a", often(2)), limited("b", often(1)), CONTRADICTS);
    check_pair(
        law("a"),
        limited("b", json!({"data_life_seconds": 1})),
        CONTRADICTS,
    );
    let once = json!({"single_use": true, "case": "named"});
    check_pair(
        limited("a", json!({"case": "named"})),
        limited("b", once),
        CONTRADICTS,
    );
    let told = json!({"kind": "delayed", "seconds": 1});
    check_pair(law("a"), with(law("b"), "disclosure", told), CONTRADICTS);
    check_pair(
        law("a"),
        with(law("b"), "categories", json!(["income"])),
        CONTRADICTS,
    );
    // One consumer in common is enough.
    let other = with(
        limited("b", often(1)),
        "consumers",
        json!([format!("client:{BANK}"), "class:AZ/NGO"]),
    );
    check_pair(law("a"), other, CONTRADICTS);
    // And the same scope written otherwise.
    let same = with(
        limited("b", often(1)),
        "services",
        income(&json!({"method": "*", "path": "**"})),
    );
    check_pair(law("a"), same, CONTRADICTS);
}

#[test]
fn rules_for_other_circumstances_are_no_contradiction() {
    let limited = |id: &str, limits: Value| with(law(id), "limits", limits);
    let with_frequency = |mut limits: Value| {
        set(&mut limits, "frequency", json!({"count": 1, "seconds": 60}));
        limits
    };
    let day = json!({"hours": {"from": "08:00", "to": "18:00"}});
    let night = json!({"hours": {"from": "18:00", "to": "08:00"}});
    check_pair(limited("a", day), limited("b", with_frequency(night)), None);
    let before = json!({"valid_until": "2027-01-01T00:00:00Z"});
    let after = json!({"valid_from": "2027-01-01T00:00:00Z"});
    check_pair(
        limited("a", before),
        limited("b", with_frequency(after)),
        None,
    );
    let in_case = limited("a", json!({"case": "open"}));
    check_pair(in_case, limited("b", with_frequency(json!({}))), None);
    let aid = with(
        rule("b", "law", &["aid"]),
        "limits",
        with_frequency(json!({})),
    );
    check_pair(law("a"), aid, None);
    let consent = with(
        rule("b", "consent", &["credit"]),
        "limits",
        with_frequency(json!({})),
    );
    check_pair(law("a"), consent, None);
}

#[test]
fn warns_of_rules_that_never_decide() {
    let by = |id: &str, consumers: Value| with(law(id), "consumers", consumers);
    let to = |id: &str, services: Value| with(law(id), "services", services);
    let limited = |id: &str, limits: Value| with(law(id), "limits", limits);
    let class = || by("a", json!(["class:AZ/COM", "class:AZ/GOV"]));
    check_pair(law("a"), law("b"), SHADOWED);
    check_pair(class(), law("b"), SHADOWED);
    check_pair(law("b"), class(), None);
    check_pair(by("a", json!(["class:AZ/COM"])), law("b"), None);
    check_pair(
        by("a", json!(["group:AZ/g"])),
        by("b", json!(["group:AZ/g"])),
        SHADOWED,
    );
    check_pair(
        by("a", json!(["group:AZ/g"])),
        by("b", json!(["group:AZ/h"])),
        None,
    );
    check_pair(to("a", json!([{"provider": TAX}])), law("b"), SHADOWED);
    check_pair(
        law("a"),
        to("b", income(&json!({"method": "GET", "path": "/x"}))),
        SHADOWED,
    );
    check_pair(to("a", income(&json!({"method": "GET"}))), law("b"), None);
    check_pair(rule("a", "law", &["aid", "credit"]), law("b"), SHADOWED);
    check_pair(law("a"), rule("b", "law", &["aid", "credit"]), None);
    // Another act makes no difference to what is decided.
    let other = json!({"kind": "law", "act": "Act 2", "article": "1"});
    check_pair(law("a"), with(law("b"), "basis", other), SHADOWED);
    // Limits that are no tighter.
    let day = json!({"hours": {"from": "08:00", "to": "18:00"}});
    check_pair(law("a"), limited("b", day.clone()), SHADOWED);
    check_pair(
        limited("a", day.clone()),
        limited("b", day.clone()),
        SHADOWED,
    );
    check_pair(limited("a", day), law("b"), None);
    check_pair(law("a"), limited("b", json!({"case": "named"})), SHADOWED);
    check_pair(limited("a", json!({"case": "named"})), law("b"), None);
    let until = |id: &str, year: u32| {
        limited(
            id,
            json!({"valid_until": format!("{year}-01-01T00:00:00Z")}),
        )
    };
    check_pair(until("a", 2028), until("b", 2027), SHADOWED);
    check_pair(until("a", 2027), until("b", 2028), None);
    check_pair(until("a", 2027), law("b"), None);
    let from =
        |id: &str, year: u32| limited(id, json!({"valid_from": format!("{year}-01-01T00:00:00Z")}));
    check_pair(from("a", 2027), from("b", 2028), SHADOWED);
    check_pair(from("a", 2028), from("b", 2027), None);
    check_pair(from("a", 2028), law("b"), None);
}
