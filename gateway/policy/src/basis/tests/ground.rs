//! What allows an exchange, and which purpose it is for.

use super::*;

#[test]
fn a_law_rule_allows_what_it_names() {
    let rules = [rule("law", "law", &["credit"])];
    check(&rules, |_| {}, Ok("law"));
    check(
        &rules,
        |case| case.service = service("file"),
        Err("no_rule"),
    );
    check(
        &rules,
        |case| case.client = client("AZ/GOV/1/x"),
        Err("no_rule"),
    );
}

#[test]
fn groups_and_classes_are_named_too() {
    let by = |consumer: &str| {
        [with(
            rule("law", "law", &["credit"]),
            "consumers",
            json!([consumer]),
        )]
    };
    check(&by("group:AZ/banks"), |_| {}, Ok("law"));
    check(&by("group:AZ/others"), |_| {}, Err("no_rule"));
    check(&by("class:AZ/COM"), |_| {}, Ok("law"));
    check(&by("class:AZ/GOV"), |_| {}, Err("no_rule"));
}

#[test]
fn the_first_rule_whose_limits_hold_decides() {
    let rules = [
        limited(
            "closed",
            "law",
            json!({"hours": {"from": "01:00", "to": "02:00"}}),
        ),
        limited("first", "law", json!({})),
        with(
            rule("second", "law", &["credit"]),
            "consumers",
            json!(["class:AZ/COM"]),
        ),
    ];
    check(&rules, |_| {}, Ok("first"));
}

#[test]
fn a_decision_says_what_it_rests_on() {
    let mut own = limited("law", "law", json!({"data_life_seconds": 60}));
    set(
        &mut own,
        "disclosure",
        json!({"kind": "delayed", "seconds": 5}),
    );
    let decision = Case::new()
        .decide(&sample::read(&sample::part(&[own])))
        .unwrap();
    let basis = Basis::Law {
        act: "Act 1".to_owned(),
        article: "3.3".to_owned(),
    };
    assert_eq!(
        *decision.ground(),
        Ground::Rule {
            id: "law".to_owned(),
            version: 2,
            rules_version: 7,
            basis,
            consent: None,
        }
    );
    assert_eq!(decision.purpose(), Some("credit"));
    assert_eq!(decision.data_life_seconds(), Some(60));
    assert_eq!(*decision.disclosure(), Disclosure::Delayed { seconds: 5 });
    assert_eq!(decision.quotas(), []);
}

#[test]
fn a_consent_is_named_with_its_digest() {
    let rules = sample::read(&sample::part(&[rule("consent", "consent", &["credit"])]));
    let jws = consent::sign(&artefact(), "k1", &sample::consent_key()).unwrap();
    let verified = consent::verify(&jws, &rules).unwrap();
    let decision = Case::new().decide_with(&rules, Some(&verified)).unwrap();
    let expected = ConsentRef {
        id: Uuid::from_u128(7),
        digest: *verified.digest(),
    };
    let Ground::Rule { consent, basis, .. } = decision.ground() else {
        panic!("{decision:?}");
    };
    assert_eq!((consent, basis), (&Some(expected), &Basis::Consent));
}

#[test]
fn the_shorter_data_life_counts() {
    let life = |rule: Option<u64>, person: Option<u64>| {
        let limits = rule.map_or(json!({}), |seconds| json!({"data_life_seconds": seconds}));
        let rules = sample::read(&sample::part(&[limited("consent", "consent", limits)]));
        let mut case = Case::new();
        case.consent = Some(Artefact {
            data_life_seconds: person,
            ..artefact()
        });
        case.decide(&rules).unwrap().data_life_seconds()
    };
    assert_eq!(life(None, None), None);
    assert_eq!(life(Some(9), None), Some(9));
    assert_eq!(life(None, Some(8)), Some(8));
    assert_eq!(life(Some(9), Some(8)), Some(8));
    assert_eq!(life(Some(7), Some(8)), Some(7));
}

#[test]
fn a_service_without_personal_data_needs_no_rule() {
    let rates = |case: &mut Case| {
        case.service = service("rates");
        case.persons.clear();
    };
    check(&[], rates, Ok("-"));
    let unstated = |case: &mut Case| {
        rates(case);
        case.purpose = None;
    };
    check(&[], unstated, Ok("-"));
    // It declares purposes: others are refused, by the access right too.
    let other = |case: &mut Case| {
        rates(case);
        case.purpose = text("other");
    };
    check(&[], other, Err("purpose_not_declared"));
    let other_right = |case: &mut Case| {
        rates(case);
        case.right_purposes = Some(vec!["aid".to_owned()]);
    };
    check(&[], other_right, Err("purpose_not_declared"));
    // This one declares none.
    let news = |case: &mut Case| {
        other(case);
        case.service = service("news");
    };
    check(&[], news, Ok("-"));
}

#[test]
fn a_rule_about_a_service_without_personal_data_bounds_those_it_names() {
    let rates = |case: &mut Case| {
        case.service = service("rates");
        case.persons.clear();
    };
    let scope = json!([{"provider": TAX, "code": "rates"}]);
    let open = |limits: Value| {
        [with(
            limited("open", "open", limits),
            "services",
            scope.clone(),
        )]
    };
    check(&open(json!({})), rates, Ok("open"));
    let night = json!({"hours": {"from": "01:00", "to": "02:00"}});
    check(&open(night), rates, Err("outside_hours"));
    let other = |case: &mut Case| {
        rates(case);
        case.client = client("AZ/GOV/1/x");
    };
    check(&open(json!({})), other, Ok("-"));
    let purpose = |case: &mut Case| {
        rates(case);
        case.purpose = text("aid");
    };
    check(&open(json!({})), purpose, Ok("-"));
    let law = [with(
        limited("law", "law", json!({})),
        "services",
        scope.clone(),
    )];
    check(&law, rates, Ok("law"));
}

#[test]
fn an_unregistered_service_is_exchanged_where_the_settings_say_so() {
    let unknown = |case: &mut Case| case.service = service("unknown");
    check(&[], unknown, Err("service_not_registered"));
    let part = with(
        sample::part(&[]),
        "settings",
        json!({"unregistered": "allow"}),
    );
    check_part(&part, unknown, Ok("-"));
    let archive = |case: &mut Case| case.service = service("archive");
    check_part(&part, archive, Err("system_deregistered"));
}

#[track_caller]
fn check_purpose(rules: &[Value], change: impl FnOnce(&mut Case), expected: Result<&str, &str>) {
    let mut case = Case::new();
    case.purpose = None;
    change(&mut case);
    let found = case.decide(&sample::read(&sample::part(rules)));
    let found = match &found {
        Ok(decision) => Ok(decision.purpose().unwrap()),
        Err(refusal) => Err(refusal.code()),
    };
    assert_eq!(found, expected);
}

#[test]
fn an_unstated_purpose_is_the_only_one_there_can_be() {
    let one = [rule("law", "law", &["credit"])];
    let two = [
        rule("law", "law", &["aid"]),
        rule("more", "law", &["credit"]),
    ];
    check_purpose(&one, |_| {}, Ok("credit"));
    check_purpose(&two, |_| {}, Err("purpose_missing"));
    // Rules on another ground do not count.
    let mixed = [
        rule("law", "law", &["credit"]),
        rule("consent", "consent", &["aid"]),
    ];
    check_purpose(&mixed, |_| {}, Ok("credit"));
    // The one the access right names.
    let right = |names: &'static [&str]| {
        move |case: &mut Case| {
            case.right_purposes = Some(names.iter().map(|name| (*name).to_owned()).collect());
        }
    };
    check_purpose(&two, right(&["aid"]), Ok("aid"));
    check_purpose(&one, right(&["aid"]), Err("purpose_not_declared"));
    check_purpose(&one, right(&["unknown"]), Err("purpose_not_declared"));
    check_purpose(&two, right(&[]), Err("purpose_missing"));
    check_purpose(&two, right(&["aid", "rescue"]), Ok("aid"));
    check_purpose(&two, right(&["aid", "credit"]), Err("purpose_missing"));
    check_purpose(&one, right(&["aid", "rescue"]), Err("purpose_not_declared"));
}

#[test]
fn of_several_purposes_an_unstated_one_is_that_of_the_consent() {
    let two = [rule("a", "consent", &["aid", "credit"])];
    check_purpose(&two, |case| case.consent = Some(artefact()), Ok("credit"));
    let other = |case: &mut Case| {
        case.consent = Some(Artefact {
            purpose: "rescue".to_owned(),
            ..artefact()
        });
    };
    check_purpose(&two, other, Err("purpose_missing"));
}

#[test]
fn breaking_the_glass_is_judged_by_vital_rules_alone() {
    let rules = [
        rule("law", "law", &["credit"]),
        rule("vital", "vital", &["credit", "rescue"]),
    ];
    let emergency = |case: &mut Case| {
        case.purpose = text("rescue");
        case.emergency = text("unconscious, ward 3");
    };
    check(&rules, emergency, Ok("vital"));
    // A consent that came along is not looked at.
    let both = |case: &mut Case| {
        emergency(case);
        case.consent = Some(Artefact {
            consumer: client(MINISTRY),
            ..artefact()
        });
    };
    check(&rules, both, Ok("vital"));
    // And without an emergency the rule is none.
    check(&rules[1..], |_| {}, Err("no_rule"));
}

#[test]
fn law_rules_do_not_look_at_the_feed_unless_they_ask_for_an_open_case() {
    let never = |case: &mut Case| case.feed = feed::State::new();
    check(&[rule("law", "law", &["credit"])], never, Ok("law"));
    let open = [limited("law", "law", json!({"case": "open"}))];
    let named = |case: &mut Case| {
        never(case);
        case.case = text("2026-17");
    };
    check(&open, named, Err("feed_stale"));
}

#[test]
fn a_case_that_is_open_for_these_persons_allows() {
    let open = [limited("law", "law", json!({"case": "open"}))];
    let in_case = |case: &mut Case| {
        case.case = text("2026-17");
        case.feed = fresh(vec![opened("2026-17", &["0TEST01", "0TEST02"])]);
        case.persons = vec![person("0TEST01"), person("0TEST02")];
    };
    check(&open, in_case, Ok("law"));
    let named = [limited("law", "law", json!({"case": "named"}))];
    let name_only = |case: &mut Case| case.case = text("anything");
    check(&named, name_only, Ok("law"));
}

#[test]
fn an_endpoint_of_a_service_gives_the_categories_its_rule_names() {
    let scope = |path: Option<&str>| match path {
        None => json!([{"provider": TAX, "code": "file"}]),
        Some(path) => json!([{"provider": TAX, "code": "file", "path": path}]),
    };
    let by_rest = |case: &mut Case| {
        case.service = service("file");
        case.rest = Some(("GET".to_owned(), ServicePath::normalize("/income").unwrap()));
        case.consent = Some(artefact());
    };
    let rules = |path, categories: Value| {
        let own = with(
            rule("consent", "consent", &["credit"]),
            "services",
            scope(path),
        );
        [with(own, "categories", categories)]
    };
    check(
        &rules(Some("/income"), json!(["income"])),
        by_rest,
        Ok("consent"),
    );
    let other = Err("consent_other_categories");
    check(&rules(Some("/income"), json!([])), by_rest, other);
    check(&rules(Some("/income"), json!(["debts"])), by_rest, other);
    // A rule about the whole service cannot make it give less.
    check(&rules(None, json!(["income"])), by_rest, other);
}

#[test]
fn a_consent_given_for_a_child_is_judged_like_any_other() {
    let acting = |case: &mut Case| {
        case.consent = Some(Artefact {
            acting_for: Some(ActingFor {
                actor: person("0TEST09"),
                relation: consent::Relation::Parent,
                evidence: "birth certificate".to_owned(),
            }),
            ..artefact()
        });
    };
    check(
        &[rule("consent", "consent", &["credit"])],
        acting,
        Ok("consent"),
    );
}

#[test]
fn a_debug_text_of_a_request_says_nothing_of_persons() {
    let mut case = Case::new();
    case.user = text("AZ0TEST01");
    case.emergency = text("0TEST01 is unconscious");
    case.rest = Some((
        "GET".to_owned(),
        ServicePath::normalize("/0TEST01").unwrap(),
    ));
    case.case = text("0TEST01");
    let ask = Ask {
        client: &case.client,
        service: &case.service,
        rest: case
            .rest
            .as_ref()
            .map(|(method, path)| (method.as_str(), path)),
        purpose: None,
        right_purposes: None,
        case: case.case.as_deref(),
        user: case.user.as_deref(),
        persons: &case.persons,
        consent: None,
        emergency: case.emergency.as_deref(),
    };
    assert!(!format!("{ask:?}").contains("0TEST01"));
}
