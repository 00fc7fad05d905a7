mod pairs;
mod rule;

use std::collections::HashSet;

use serde_json::{Value, json};

use super::*;
use crate::rules::sample::{self, BANK, MINISTRY, TAX, rule, set, with};

fn found(part: &Value) -> Vec<Finding> {
    check(&serde_json::from_value(part.clone()).unwrap())
}

/// The findings of this severity, without those that the sample has anyway.
fn texts(part: &Value, severity: Severity) -> Vec<String> {
    let usual: HashSet<String> = found(&sample::part(&[]))
        .iter()
        .map(Finding::to_string)
        .collect();
    found(part)
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(Finding::to_string)
        .filter(|text| !usual.contains(text))
        .collect()
}

/// The part has this error, and no other.
#[track_caller]
fn check_error(part: &Value, place: &str, text: &str) {
    check_one(part, Severity::Error, place, text);
}

/// The part has this warning, no other and no error.
#[track_caller]
fn check_warning(part: &Value, place: &str, text: &str) {
    assert_eq!(texts(part, Severity::Error), [""; 0]);
    check_one(part, Severity::Warning, place, text);
}

#[track_caller]
fn check_one(part: &Value, severity: Severity, place: &str, text: &str) {
    let texts = texts(part, severity);
    let expected = texts.len() == 1 && texts[0].starts_with(&format!("{place}: "));
    assert!(expected && texts[0].contains(text), "{texts:#?}");
}

#[track_caller]
fn check_silent(part: &Value) {
    assert_eq!(texts(part, Severity::Error), [""; 0]);
    assert_eq!(texts(part, Severity::Warning), [""; 0]);
}

/// The part with something else at this place; `null` removes it.
fn changed(mut part: Value, pointer: &str, content: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = part.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(object) if content.is_null() => {
            object.remove(field).unwrap();
        }
        Value::Object(object) => {
            object.insert(field.to_owned(), content);
        }
        Value::Array(array) if field == "-" => array.push(content),
        Value::Array(array) => array[field.parse::<usize>().unwrap()] = content,
        _ => panic!("{pointer}"),
    }
    part
}

/// The sample with something else at this place.
fn sample_with(pointer: &str, content: Value) -> Value {
    changed(sample::part(&[]), pointer, content)
}

fn law(id: &str) -> Value {
    rule(id, "law", &["credit"])
}

fn with_rule(changed: Value) -> Value {
    sample::part(&[changed])
}

fn income(fields: &Value) -> Value {
    let mut scope = json!({"provider": TAX, "code": "income"});
    for (field, content) in fields.as_object().unwrap() {
        set(&mut scope, field, content.clone());
    }
    json!([scope])
}

#[test]
fn the_sample_may_be_published() {
    let texts: Vec<String> = found(&sample::part(&[]))
        .iter()
        .map(Finding::to_string)
        .collect();
    let denied = |code: &str| {
        format!(
            "service {TAX}/{code}: it gives personal data and no rule is about it: it is denied to all"
        )
    };
    assert_eq!(texts, [denied("income"), denied("file")]);
    check_silent(&with_rule(law("a")));
}

#[test]
fn errors_come_first() {
    let part = changed(sample::part(&[]), "/version", json!(0));
    let severities: Vec<Severity> = found(&part)
        .iter()
        .map(|finding| finding.severity)
        .collect();
    assert_eq!(
        severities,
        [Severity::Error, Severity::Warning, Severity::Warning]
    );
}

#[test]
fn finds_what_is_wrong_with_the_document() {
    check_error(&sample_with("/format", json!("x")), "part", "format");
    check_error(&sample_with("/version", json!(0)), "part", "version is 0");
    check_error(&sample_with("/previous", json!("AB")), "part", "SHA-256");
    check_error(
        &sample_with("/previous", json!("A".repeat(64))),
        "part",
        "SHA-256",
    );
    check_silent(&sample_with("/previous", json!("a".repeat(64))));
    let part = json!({
        "format": "karvan-rules/1", "instance": " ", "version": 1,
        "published": "2026-11-20T00:00:00Z", "settings": {},
    });
    check_error(&part, "part", "instance is empty");
}

#[test]
fn finds_what_is_wrong_with_the_settings() {
    for alphabet in ["", "abc", "AA", "0123Ə", "A B"] {
        check_error(
            &sample_with("/settings/fin_alphabet", json!(alphabet)),
            "settings",
            "fin_alphabet",
        );
    }
    check_error(
        &sample_with("/settings/feed_age_seconds_max", json!(0)),
        "settings",
        "is 0",
    );
    check_warning(
        &sample_with("/settings/feed_age_seconds_max", json!(3601)),
        "settings",
        "over 3600",
    );
    for offset in [-841, 841] {
        let part = sample_with("/settings/utc_offset_minutes", json!(offset));
        check_error(&part, "settings", "utc_offset_minutes");
    }
    check_error(
        &sample_with("/settings/portals", json!([BANK, BANK])),
        "settings",
        "twice",
    );
    let levels = |levels: Value| sample_with("/settings/authentication_levels", levels);
    check_error(&levels(json!(["a", "a"])), "settings", "twice");
    check_error(&levels(json!([""])), "settings", "is empty");
    let supervisor = sample_with("/settings/supervisor", json!("EE/GOV/1/sub/notices"));
    check_error(&supervisor, "settings", "supervisor");
}

#[test]
fn finds_what_is_wrong_with_the_consent_service() {
    check_error(
        &sample_with("/consent/keys", json!([])),
        "consent",
        "no key",
    );
    let key = "consent key k1";
    check_error(
        &sample_with("/consent/keys/0/algorithm", json!("none")),
        key,
        "not known",
    );
    check_error(
        &sample_with("/consent/keys/0/algorithm", json!("ES256")),
        key,
        "not known",
    );
    for public in ["", "AAAA", "!!!"] {
        check_error(
            &sample_with("/consent/keys/0/public", json!(public)),
            key,
            "32 octets",
        );
    }
    let padded = sample_with(
        "/consent/keys/0/public",
        json!(format!("{}=", "A".repeat(43))),
    );
    check_error(&padded, key, "32 octets");
    let first = sample::part(&[])["consent"]["keys"][0].clone();
    check_error(&sample_with("/consent/keys/-", first), key, "twice");
    check_error(
        &sample_with("/consent/keys/0/kid", json!("")),
        "consent key ",
        "is empty",
    );
    check_error(
        &sample_with("/consent/feed_key", json!("x")),
        "consent",
        "feed_key",
    );
    check_error(
        &sample_with("/consent/feed_urls", json!([])),
        "consent",
        "no address",
    );
    for url in [
        "",
        "ftp://a/",
        "http://a/",
        "https://",
        "https:///x",
        "https://:80/",
        "https://u@h/",
        "https://a b",
    ] {
        check_error(
            &sample_with("/consent/feed_urls", json!([url])),
            "consent",
            "not of https",
        );
    }
    check_silent(&sample_with(
        "/consent/feed_urls",
        json!(["https://registry.example/feed"]),
    ));
    check_error(
        &sample_with("/consent/feed_certificates", json!([])),
        "consent",
        "anybody could pass for it",
    );
    for digest in ["", "00", &"0A".repeat(32), &"0g".repeat(32)] {
        check_error(
            &sample_with("/consent/feed_certificates", json!([digest])),
            "consent",
            "no SHA-256",
        );
    }
}

#[test]
fn a_feed_key_for_cosignatures_is_refused() {
    use certs_keys::Ed25519Key;
    use gateway_tlog::note::{Kind, Verifier};
    let public = Ed25519Key::from_seed(&[5; 32]).unwrap().public_key();
    let key = Verifier::new(Kind::Cosignature, "AZ-feed", public).unwrap();
    check_error(
        &sample_with("/consent/feed_key", json!(key.to_vkey())),
        "consent",
        "cosignatures",
    );
}

#[test]
fn finds_names_that_stand_twice() {
    let twice = |list: &str, place: &str| {
        let first = sample::part(&[])[list][0].clone();
        check_error(&sample_with(&format!("/{list}/-"), first), place, "twice");
    };
    twice("purposes", "purpose aid");
    twice("categories", "category income");
    twice("systems", "system taxes");
    twice("services", &format!("service {TAX}/income"));
    let rules = [law("a"), rule("a", "law", &["aid"])];
    check_error(&sample::part(&rules), "rule a", "twice");
}

#[test]
fn finds_what_is_wrong_with_names_and_texts() {
    let long = "a".repeat(256);
    let long = long.as_str();
    for code in ["", "a b", " a", "a\n", long] {
        let part = sample_with("/purposes/-", json!({"code": code}));
        assert!(
            texts(&part, Severity::Error)[0].contains("its code is empty"),
            "{code:?}"
        );
    }
    let title = |title: &str| json!({"code": "x", "title": {"az": title}});
    check_error(
        &sample_with("/categories/-", title("a\nb")),
        "category x",
        "title",
    );
    check_error(
        &sample_with("/categories/-", title(&long.repeat(8))),
        "category x",
        "title",
    );
    check_silent(&sample_with("/categories/-", title("Gəlir")));
}

#[test]
fn finds_what_is_wrong_with_systems() {
    let place = "system old";
    check_error(
        &sample_with("/systems/1/entry", json!(" ")),
        place,
        "no readable number",
    );
    check_error(
        &sample_with("/systems/1/purposes/-", json!("x")),
        place,
        "\"x\" is not declared",
    );
    let part = sample_with(
        "/systems/-",
        json!({
            "code": "x", "owner": "EE/GOV/1", "name": "X", "register": "personal-data",
            "entry": "1", "status": "registered",
        }),
    );
    check_error(&part, "system x", "another instance");
}

#[test]
fn finds_what_is_wrong_with_services() {
    let place = format!("service {TAX}/rates");
    let rates = |field: &str, content: Value| sample_with(&format!("/services/2/{field}"), content);
    check_error(&rates("system", json!("x")), &place, "no system \"x\"");
    check_error(
        &rates("categories", json!(["x"])),
        &place,
        "category \"x\" is not declared",
    );
    check_error(
        &rates("provider", json!(MINISTRY)),
        &format!("service {MINISTRY}/rates"),
        "belongs to another member",
    );
    let subjects = json!([{"kind": "fin", "at": "query:fin", "path": "x"}]);
    check_error(&rates("subjects", subjects), &place, "method or path");
    // Declared by the instance, but not by the system.
    let part = sample_with("/purposes/-", json!({"code": "more"}));
    let part = changed(part, "/services/2/purposes/-", json!("more"));
    check_error(&part, &place, "not among those of the system taxes");
    let part = rates("purposes", json!(["x"]));
    assert_eq!(
        texts(&part, Severity::Error).len(),
        2,
        "neither system nor instance"
    );
    check_error(
        &rates("code", json!(" ")),
        &format!("service {TAX}/ "),
        "its code is empty",
    );
}

#[test]
fn warns_of_services_that_can_never_be_asked() {
    let place = format!("service {TAX}/file");
    let file = |field: &str| sample_with(&format!("/services/1/{field}"), json!([]));
    check_warning(&file("subjects"), &place, "where its requests name persons");
    check_warning(&file("purposes"), &place, "declares no purpose");
}

#[test]
fn warns_of_personal_services_without_a_rule() {
    let denied = |rules: &[Value]| {
        let found = found(&sample::part(rules));
        let denied = found
            .iter()
            .filter(|finding| finding.text.contains("denied to all"));
        denied
            .map(|finding| finding.place.clone())
            .collect::<Vec<_>>()
    };
    let name = |code: &str| format!("service {TAX}/{code}");
    assert_eq!(denied(&[]), [name("income"), name("file")]);
    assert_eq!(denied(&[law("a")]), [name("file")]);
    assert_eq!(
        denied(&[with(law("a"), "services", json!([{"provider": TAX}]))]),
        [""; 0]
    );
}

#[test]
fn warns_of_purposes_that_nobody_uses() {
    check_warning(
        &sample_with("/purposes/-", json!({"code": "new"})),
        "purpose new",
        "nobody",
    );
}

#[test]
fn finds_lists_that_are_too_long() {
    let consumers: Vec<String> = (0..1_001).map(|n| format!("client:AZ/GOV/{n}")).collect();
    check_error(
        &with_rule(with(law("a"), "consumers", json!(consumers))),
        "rule a",
        "longer than 1000",
    );
    let categories: Vec<Value> = (0..10_001)
        .map(|n| json!({"code": format!("c{n}")}))
        .collect();
    let part = sample_with("/categories", json!(categories));
    let texts = texts(&part, Severity::Error);
    assert!(
        texts
            .iter()
            .any(|text| text.contains("it has 10001 categories")),
        "{texts:?}"
    );
}

#[test]
fn rules_with_too_many_combinations_are_not_compared() {
    let consumers: Vec<String> = (0..1_000).map(|n| format!("client:AZ/GOV/{n}")).collect();
    let services: Vec<Value> = (0..1_000)
        .map(|n| json!({"provider": TAX, "code": "income", "path": format!("/{n}")}))
        .collect();
    let rule = with(
        with(law("a"), "consumers", json!(consumers)),
        "services",
        json!(services),
    );
    let rule = with(rule, "purposes", json!(["aid", "credit"]));
    check_error(&with_rule(rule), "part", "combinations");
}

#[test]
fn ten_thousand_rules_are_checked_without_comparing_all_pairs() {
    let rules: Vec<Value> = (0..10_000)
        .map(|n| {
            with(
                law(&format!("r{n}")),
                "consumers",
                json!([format!("client:AZ/GOV/{n}/sub")]),
            )
        })
        .collect();
    check_silent(&sample::part(&rules));
}
