//! What is wrong with a rule by itself, and with what it names.

use serde_json::json;

use super::*;

#[test]
fn finds_what_is_wrong_with_the_form_of_a_rule() {
    for id in ["", "a/b", "a b", "ə"] {
        let part = with_rule(law(id));
        check_error(&part, &format!("rule {id}"), "its id is empty");
    }
    let place = "rule a";
    let part = |field: &str, content: Value| with_rule(with(law("a"), field, content));
    check_error(&part("version", json!(0)), place, "version is 0");
    check_error(&part("title", json!("a\u{7}")), place, "title");
    check_error(&part("consumers", json!([])), place, "names no consumer");
    check_error(&part("services", json!([])), place, "names no service");
    check_error(&part("purposes", json!([])), place, "names no purpose");
    for kind in ["law", "vital"] {
        for (act, article) in [("", "1"), ("Act", " ")] {
            let basis = json!({"kind": kind, "act": act, "article": article});
            check_error(&part("basis", basis), place, "act and article");
        }
    }
}

#[test]
fn finds_what_a_rule_names_and_nobody_declares() {
    let place = "rule a";
    let part = |field: &str, content: Value| with_rule(with(law("a"), field, content));
    check_error(
        &part("purposes", json!(["x"])),
        place,
        "purpose \"x\" is not declared",
    );
    check_error(
        &part("categories", json!(["x"])),
        place,
        "category \"x\" is not declared",
    );
    check_error(
        &part("categories", json!(["income", "health"])),
        place,
        "gives the category health",
    );
    let news = json!([{"provider": TAX, "code": "news"}]);
    check_error(
        &part("services", news),
        place,
        "declares the purpose credit",
    );
    let other = json!([{"provider": "EE/GOV/1/x"}, {"provider": TAX, "code": "income"}]);
    check_error(&part("services", other), place, "another instance");
    // A scope that holds nothing beside one that does is worth a look only.
    let more = json!([{"provider": TAX, "code": "x"}, {"provider": TAX, "code": "income"}]);
    check_warning(
        &part("services", more),
        place,
        &format!("{TAX}/x is not declared"),
    );
    let nothing = part("services", json!([{"provider": BANK}]));
    check_error(&nothing, place, "no service that it names is declared");
}

#[test]
fn finds_endpoints_that_are_none() {
    for scope in [
        json!({"method": "get"}),
        json!({"method": ""}),
        json!({"method": "GET POST"}),
        json!({"path": ""}),
        json!({"path": "persons"}),
        json!({"path": "/a\nb"}),
    ] {
        check_error(
            &with_rule(with(law("a"), "services", income(&scope))),
            "rule a",
            "method or path",
        );
    }
    for scope in [
        json!({"method": "*"}),
        json!({"method": "GET", "path": "/a/*"}),
        json!({"path": "**"}),
    ] {
        check_silent(&with_rule(with(law("a"), "services", income(&scope))));
    }
}

#[test]
fn finds_limits_that_are_none() {
    let part = |limits: Value| with_rule(with(law("a"), "limits", limits));
    let place = "rule a";
    for frequency in [
        json!({"count": 0, "seconds": 1}),
        json!({"count": 1, "seconds": 0}),
    ] {
        check_error(&part(json!({"frequency": frequency})), place, "frequency");
    }
    for hours in [
        json!({"from": "8", "to": "18:00"}),
        json!({"from": "08:00", "to": "24:00"}),
        json!({"from": "08:00", "to": "18:00", "weekdays": [0]}),
        json!({"from": "08:00", "to": "18:00", "weekdays": [1, 1]}),
    ] {
        check_error(&part(json!({"hours": hours})), place, "hours");
    }
    let time = |from: &str, until: &str| json!({"valid_from": from, "valid_until": until});
    let later = "2027-01-01T00:00:00Z";
    check_error(&part(time(later, later)), place, "ends before it begins");
    let over = json!({"valid_until": "2026-11-20T00:00:00Z"});
    check_warning(&part(over), place, "no longer held");
    check_warning(&part(json!({"single_use": true})), place, "once ever");
    check_silent(&part(json!({"single_use": true, "case": "named"})));
}

#[test]
fn finds_disclosures_that_hide_without_ground() {
    let hidden = |article: &str, until: &str| {
        let disclosure = json!({"kind": "hidden", "article": article, "until": until});
        with_rule(with(law("a"), "disclosure", disclosure))
    };
    check_error(
        &hidden(" ", "2027-01-01T00:00:00Z"),
        "rule a",
        "does not name the article",
    );
    check_warning(&hidden("5.1", "2026-11-20T00:00:00Z"), "rule a", "is over");
    check_silent(&hidden("5.1", "2027-01-01T00:00:00Z"));
}

#[test]
fn finds_rules_that_need_a_consent_service() {
    let without = |rule: Value| {
        let mut part = with_rule(rule);
        part.as_object_mut().unwrap().remove("consent").unwrap();
        part
    };
    check_error(
        &without(rule("a", "consent", &["credit"])),
        "rule a",
        "no consent service",
    );
    let open = with(law("a"), "limits", json!({"case": "open"}));
    check_error(&without(open), "rule a", "no consent service");
    check_silent(&without(law("a")));
}

#[test]
fn finds_open_rules_over_personal_services() {
    check_error(
        &with_rule(rule("a", "open", &["credit"])),
        "rule a",
        "income gives personal data",
    );
    let whole = with(
        rule("a", "open", &["credit"]),
        "services",
        json!([{"provider": TAX}]),
    );
    check_error(&with_rule(whole), "rule a", "gives personal data");
    let rates = with(
        rule("a", "open", &["credit"]),
        "services",
        json!([{"provider": TAX, "code": "rates"}]),
    );
    check_silent(&with_rule(rates));
}

#[test]
fn finds_rules_about_persons_whom_requests_do_not_name() {
    let blind = |rule: Value| changed(with_rule(rule), "/services/0/subjects", json!([]));
    let text = "income does not say where";
    let limited = |limits: Value| with(law("a"), "limits", limits);
    check_error(&blind(rule("a", "consent", &["credit"])), "rule a", text);
    for limits in [
        json!({"frequency": {"count": 1, "seconds": 1}}),
        json!({"single_use": true}),
        json!({"case": "open"}),
    ] {
        check_error(&blind(limited(limits)), "rule a", text);
    }
    assert_eq!(
        texts(&blind(limited(json!({"case": "named"}))), Severity::Error),
        [""; 0]
    );
}

#[test]
fn warns_of_what_may_be_kept_for_ever() {
    check_warning(
        &with_rule(rule("a", "vital", &["rescue"])),
        "rule a",
        "emergency",
    );
    for basis in ["law", "consent"] {
        let health = |limits: Value| {
            let rule = with(rule("a", basis, &["credit"]), "limits", limits);
            changed(with_rule(rule), "/services/0/categories/-", json!("health"))
        };
        check_warning(&health(json!({})), "rule a", "special category health");
        check_silent(&health(json!({"data_life_seconds": 1})));
    }
}

#[test]
fn warns_of_a_rule_that_gives_more_than_it_names() {
    let file = |scope: Value| {
        let rule = with(law("a"), "services", json!([scope]));
        with_rule(with(rule, "categories", json!(["income"])))
    };
    check_warning(
        &file(json!({"provider": TAX, "code": "file"})),
        "rule a",
        "category debts too",
    );
    check_silent(&file(
        json!({"provider": TAX, "code": "file", "path": "/income"}),
    ));
}
