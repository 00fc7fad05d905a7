use serde_json::{Value, json};

use super::*;
use crate::rules::sample::{self, BANK, MINISTRY, TAX, client, rule, set, with};

fn service(code: &str, version: Option<&str>) -> ServiceId {
    ServiceId::new(client(TAX), code, version).unwrap()
}

fn ids<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<&'r str> {
    rules.map(|rule| rule.id.as_str()).collect()
}

#[track_caller]
fn check_refused(part: &Value, instance: &str, expected: &str) {
    let bytes = serde_json::to_vec(part).unwrap();
    let error = Rules::read(&bytes, instance).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn the_sample_is_read() {
    let part = sample::part(&[rule("a", "law", &["aid"])]);
    let bytes = serde_json::to_vec(&part).unwrap();
    let rules = Rules::read(&bytes, "AZ").unwrap();
    assert_eq!(rules.part().version, 7);
    assert_eq!(rules.digest(), &Digest::of(DigestAlgorithm::Sha256, &bytes));
    assert_eq!(rules.alphabet(), &Alphabet::default());
    assert!(format!("{rules:?}").contains("version: 7"));
}

#[test]
fn refuses_what_is_not_the_document_expected() {
    let good = || sample::part(&[]);
    check_refused(
        &with(good(), "format", json!("karvan-rules/2")),
        "AZ",
        "format",
    );
    check_refused(&good(), "EE", "instance");
    check_refused(
        &with(good(), "new", json!(1)),
        "AZ",
        "not the JSON document",
    );
    check_refused(
        &with(good(), "version", json!("1")),
        "AZ",
        "not the JSON document",
    );
    check_refused(&with(good(), "version", json!(1.5)), "AZ", "not strict");
    check_refused(
        &with(good(), "version", json!(0)),
        "AZ",
        "contradict themselves: part",
    );
    let twice = [rule("a", "law", &["aid"]), rule("a", "law", &["credit"])];
    check_refused(&sample::part(&twice), "AZ", "contradict themselves: rule a");
    let error = Rules::read(b"{\"format\":\"x\",\"format\":\"y\"}", "AZ").unwrap_err();
    assert!(matches!(error, Error::NotStrict(json::Error::DuplicateKey)));
}

#[test]
fn refuses_a_basis_or_disclosure_of_which_half_is_understood() {
    for basis in [
        json!({"kind": "consent", "act": "Act 1"}),
        json!({"kind": "open", "new": 1}),
        json!({"kind": "law", "act": "Act 1"}),
        json!({"kind": "vital"}),
        json!({"kind": "custom"}),
    ] {
        let part = sample::part(&[with(rule("a", "law", &["aid"]), "basis", basis)]);
        check_refused(&part, "AZ", "not the JSON document");
    }
    for disclosure in [
        json!({"kind": "at-once", "seconds": 1}),
        json!({"kind": "delayed"}),
        json!({"kind": "hidden", "article": "1"}),
        json!({"kind": "never"}),
    ] {
        let part = sample::part(&[with(rule("a", "law", &["aid"]), "disclosure", disclosure)]);
        check_refused(&part, "AZ", "not the JSON document");
    }
}

#[test]
fn a_part_is_written_as_it_is_read() {
    let hidden = json!({"kind": "hidden", "article": "5", "until": "2027-01-01T00:00:00Z"});
    let rules = [
        with(rule("a", "law", &["aid"]), "disclosure", hidden),
        with(
            rule("b", "consent", &["aid"]),
            "disclosure",
            json!({"kind": "delayed", "seconds": 9}),
        ),
        rule("c", "vital", &["rescue"]),
    ];
    let read = sample::read(&sample::part(&rules));
    let bytes = serde_json::to_vec(read.part()).unwrap();
    let again = Rules::read(&bytes, "AZ").unwrap();
    assert!(again.part() == read.part(), "it was read differently");
}

#[test]
fn a_declaration_holds_for_all_versions_of_the_code() {
    let rules = sample::read(&sample::part(&[]));
    for version in [None, Some("v1"), Some("")] {
        let found = rules.registration(&service("income", version));
        assert!(
            matches!(found, Registration::Registered(s, y) if s.code == "income" && y.code == "taxes")
        );
    }
    let found = rules.registration(&service("archive", None));
    assert!(matches!(found, Registration::Deregistered(_, system) if system.code == "old"));
    let found = rules.registration(&service("unknown", None));
    assert!(matches!(found, Registration::Unregistered));
    let other = ServiceId::new(client(BANK), "income", None).unwrap();
    assert!(matches!(
        rules.registration(&other),
        Registration::Unregistered
    ));
}

#[test]
fn rules_about_a_service_keep_their_order() {
    let whole = with(
        rule("b", "law", &["credit"]),
        "services",
        json!([{"provider": TAX}]),
    );
    let file = json!([{"provider": TAX, "code": "file"}]);
    let part = sample::part(&[
        rule("a", "law", &["aid"]),
        whole,
        with(rule("c", "law", &["aid"]), "services", file),
        rule("d", "consent", &["credit"]),
    ]);
    let rules = sample::read(&part);
    assert_eq!(
        ids(rules.about(&service("income", Some("v1")))),
        ["a", "b", "d"]
    );
    assert_eq!(ids(rules.about(&service("file", None))), ["b", "c"]);
    assert_eq!(ids(rules.about(&service("unknown", None))), ["b"]);
    let other = ServiceId::new(client(BANK), "income", None).unwrap();
    assert_eq!(ids(rules.about(&other)), [""; 0]);
}

#[track_caller]
fn check_candidates(rules: &Rules, caller: &str, rest: Option<(&str, &str)>, expected: &[&str]) {
    let path = rest.map(|(_, path)| ServicePath::normalize(path).unwrap());
    let rest = rest.map(|(method, _)| method).zip(path.as_ref());
    let in_group = |group: &GlobalGroupId| group.code() == "banks" && caller == BANK;
    let found = rules.candidates(&client(caller), &service("file", None), rest, in_group);
    let found: Vec<String> = found
        .iter()
        .map(|candidate| match candidate.whole {
            true => candidate.rule.id.clone(),
            false => format!("{} in part", candidate.rule.id),
        })
        .collect();
    assert_eq!(found, expected, "{caller} {rest:?}");
}

#[test]
fn candidates_name_consumer_service_and_endpoint() {
    let make = |id: &str, consumers: Value, services: Value| {
        let mut made = rule(id, "law", &["aid"]);
        set(&mut made, "consumers", consumers);
        set(&mut made, "services", services);
        made
    };
    let whole = || json!([{"provider": TAX, "code": "file"}]);
    let get = json!([{"provider": TAX, "code": "file", "method": "GET", "path": "/persons/*"}]);
    let both = json!([
        {"provider": TAX, "code": "file", "method": "GET"},
        {"provider": TAX, "code": "file", "method": "*", "path": "**"},
    ]);
    let rules = sample::read(&sample::part(&[
        make("ministry", json!([format!("client:{MINISTRY}")]), whole()),
        make("banks", json!(["group:AZ/banks"]), whole()),
        make("gov", json!(["class:AZ/GOV"]), get),
        make("com", json!(["class:EE/COM"]), whole()),
        make("all", json!(["class:AZ/GOV", "class:AZ/COM"]), both),
    ]));
    check_candidates(&rules, MINISTRY, None, &["ministry", "all"]);
    let get = Some(("get", "/persons/7"));
    check_candidates(&rules, MINISTRY, get, &["ministry", "gov in part", "all"]);
    check_candidates(
        &rules,
        MINISTRY,
        Some(("GET", "/persons/7/x")),
        &["ministry", "all"],
    );
    check_candidates(
        &rules,
        MINISTRY,
        Some(("POST", "/persons/7")),
        &["ministry", "all"],
    );
    check_candidates(&rules, BANK, None, &["banks", "all"]);
    check_candidates(&rules, "AZ/COM/1/other", None, &["all"]);
    check_candidates(&rules, "EE/COM/1/other", None, &["com"]);
    check_candidates(&rules, "AZ/NGO/1/other", None, &[]);
    // A member does not stand for its subsystems.
    check_candidates(&rules, "AZ/GOV/0000000261", None, &["all"]);
}
