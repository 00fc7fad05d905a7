//! Each refusal, and which of several is given.

use super::*;

fn law() -> [Value; 1] {
    [rule("law", "law", &["credit"])]
}

fn by_consent() -> [Value; 1] {
    [rule("consent", "consent", &["credit"])]
}

#[test]
fn refuses_an_unregistered_service() {
    let unknown = |case: &mut Case| case.service = service("unknown");
    check(&law(), unknown, Err("service_not_registered"));
}

#[test]
fn refuses_a_service_whose_system_was_deregistered() {
    let archive = |case: &mut Case| case.service = service("archive");
    check(&law(), archive, Err("system_deregistered"));
}

#[test]
fn refuses_an_unnamed_user_where_one_is_required() {
    let mut part = sample::part(&law());
    let service = part.pointer_mut("/services/0").unwrap();
    set(service, "user_required", json!(true));
    check_part(&part, |_| {}, Err("user_missing"));
    check_part(&part, |case| case.user = text("  "), Err("user_missing"));
    check_part(&part, |case| case.user = text("AZ1"), Ok("law"));
}

#[test]
fn refuses_when_no_rule_names_the_caller() {
    check(&[], |_| {}, Err("no_rule"));
    check(&[], |case| case.purpose = None, Err("no_rule"));
    check(&[], |case| case.consent = Some(artefact()), Err("no_rule"));
}

#[test]
fn refuses_a_purpose_that_service_rule_or_right_do_not_know() {
    let expected = Err("purpose_not_declared");
    check(&law(), |case| case.purpose = text("other"), expected);
    check(&law(), |case| case.purpose = text("aid"), expected);
    check(&law(), |case| case.purpose = text(""), expected);
    check(&law(), |case| case.purpose = text("CREDIT"), expected);
    check(&by_consent(), |case| case.purpose = text("aid"), expected);
    let right = |case: &mut Case| case.right_purposes = Some(vec!["aid".to_owned()]);
    check(&law(), right, expected);
    // The service must declare it, whatever the rule says of other services.
    let mut part = sample::part(&[with(
        law()[0].clone(),
        "services",
        json!([{"provider": TAX}]),
    )]);
    set(
        part.pointer_mut("/services/0").unwrap(),
        "purposes",
        json!(["aid"]),
    );
    check_part(&part, |_| {}, expected);
}

#[test]
fn refuses_to_guess_among_purposes() {
    let rules = [rule("law", "law", &["credit", "aid"])];
    check(&rules, |case| case.purpose = None, Err("purpose_missing"));
}

#[test]
fn refuses_a_request_that_names_no_person() {
    let nobody = |case: &mut Case| case.persons.clear();
    check(&law(), nobody, Err("person_missing"));
    let consent = |case: &mut Case| {
        nobody(case);
        case.consent = Some(artefact());
    };
    check(&by_consent(), consent, Err("person_missing"));
}

#[test]
fn refuses_without_the_consent_that_rules_ask_for() {
    let expected = Err("consent_required");
    check(&by_consent(), |_| {}, expected);
    check(&by_consent(), |case| case.purpose = None, expected);
    // A law for another purpose is none for this one.
    let both = [
        rule("law", "law", &["aid"]),
        rule("consent", "consent", &["credit"]),
    ];
    check(&both, |_| {}, expected);
    check(&both, |case| case.purpose = text("aid"), Ok("law"));
}

#[test]
fn refuses_a_consent_where_no_rule_takes_one() {
    let bring = |case: &mut Case| case.consent = Some(artefact());
    check(&law(), bring, Err("consent_not_taken"));
    // Neither does a service without personal data: it has no business with whose consent it is.
    let rates = |case: &mut Case| {
        case.service = service("rates");
        bring(case);
    };
    check(&law(), rates, Err("consent_not_taken"));
}

#[test]
fn refuses_before_and_after_the_time_of_the_rule() {
    let expected = Err("rule_not_in_force");
    let from = [limited(
        "law",
        "law",
        json!({"valid_from": "2026-11-22T12:00:00Z"}),
    )];
    let until = [limited(
        "law",
        "law",
        json!({"valid_until": "2026-11-22T12:00:00Z"}),
    )];
    let at = |now: &'static str| move |case: &mut Case| case.now = time(now);
    check(&from, at("2026-11-22T11:59:59Z"), expected);
    check(&from, at("2026-11-22T12:00:00Z"), Ok("law"));
    check(&until, at("2026-11-22T11:59:59Z"), Ok("law"));
    check(&until, at("2026-11-22T12:00:00Z"), expected);
}

#[test]
fn refuses_outside_the_hours_of_the_rule() {
    let hours = json!({"hours": {"from": "08:00", "to": "16:00", "weekdays": [7]}});
    let part = sample::part(&[limited("law", "law", hours)]);
    // Noon UTC is 16:00 in Baku.
    check_part(
        &part,
        |case| case.now = time("2026-11-22T11:59:59Z"),
        Ok("law"),
    );
    check_part(&part, |_| {}, Err("outside_hours"));
    check_part(
        &part,
        |case| case.now = time("2026-11-23T11:00:00Z"),
        Err("outside_hours"),
    );
    let part = with(part, "settings", json!({"utc_offset_minutes": 180}));
    check_part(&part, |_| {}, Ok("law"));
}

#[test]
fn refuses_an_unnamed_case() {
    for limit in ["named", "open"] {
        let rules = [limited("law", "law", json!({"case": limit}))];
        check(&rules, |_| {}, Err("case_missing"));
        check(&rules, |case| case.case = text(" "), Err("case_missing"));
    }
}

#[test]
fn refuses_a_case_that_is_not_open() {
    let rules = [limited("law", "law", json!({"case": "open"}))];
    let expected = Err("case_not_open");
    let named = |events: Vec<Event>| {
        move |case: &mut Case| {
            case.case = text("17");
            case.feed = fresh(events);
        }
    };
    check(&rules, named(Vec::new()), expected);
    check(&rules, named(vec![opened("18", &["0TEST01"])]), expected);
    let closed = Event::CaseClosed {
        case: hex::encode(feed::case_digest(&client(BANK), "17")),
    };
    check(
        &rules,
        named(vec![opened("17", &["0TEST01"]), closed]),
        expected,
    );
    let over = |case: &mut Case| {
        case.case = text("17");
        case.feed = sample::feed(
            vec![opened("17", &["0TEST01"])],
            time("2026-12-02T00:00:00Z"),
        );
        case.now = time("2026-12-02T00:00:00Z");
    };
    check(&rules, over, expected);
}

#[test]
fn refuses_persons_who_are_not_of_the_case() {
    let rules = [limited("law", "law", json!({"case": "open"}))];
    let family = |case: &mut Case| {
        case.case = text("17");
        case.feed = fresh(vec![opened("17", &["0TEST01"])]);
        case.persons.push(person("0TEST02"));
    };
    check(&rules, family, Err("case_other_persons"));
}

#[test]
fn refuses_to_rely_on_an_old_feed() {
    let at = |now: &'static str| {
        move |case: &mut Case| {
            case.consent = Some(artefact());
            case.now = time(now);
        }
    };
    check(&by_consent(), at("2026-11-22T12:01:00Z"), Ok("consent"));
    check(&by_consent(), at("2026-11-22T12:01:01Z"), Err("feed_stale"));
    // A clock that was set back does not make it young.
    check(&by_consent(), at("2026-11-22T11:59:00Z"), Ok("consent"));
    check(&by_consent(), at("2026-11-22T11:58:59Z"), Err("feed_stale"));
    let never = |case: &mut Case| {
        case.consent = Some(artefact());
        case.feed = feed::State::new();
    };
    check(&by_consent(), never, Err("feed_stale"));
    let part = with(
        sample::part(&by_consent()),
        "settings",
        json!({"feed_age_seconds_max": 600}),
    );
    check_part(&part, at("2026-11-22T12:10:00Z"), Ok("consent"));
    check_part(&part, at("2026-11-22T12:10:01Z"), Err("feed_stale"));
}

#[test]
fn refuses_an_emergency_without_a_reason() {
    let rules = [rule("vital", "vital", &["credit"])];
    let because = |reason: &'static str| move |case: &mut Case| case.emergency = text(reason);
    for reason in ["", "          ", "   unknown   ", "123456789"] {
        check(&rules, because(reason), Err("reason_missing"));
    }
    check(&rules, because(" 1234567890 "), Ok("vital"));
    // Characters, not octets.
    check(&rules, because("ürəkağrı"), Err("reason_missing"));
}

#[test]
fn refuses_an_emergency_that_no_rule_allows() {
    let emergency = |case: &mut Case| case.emergency = text("unconscious, ward 3");
    check(&law(), emergency, Err("emergency_not_allowed"));
    check(&[], emergency, Err("emergency_not_allowed"));
}

#[track_caller]
fn check_consent(change: impl FnOnce(&mut Artefact), expected: Result<&str, &str>) {
    let mut changed = artefact();
    change(&mut changed);
    let bring = |case: &mut Case| case.consent = Some(changed);
    check(&by_consent(), bring, expected);
}

#[test]
fn refuses_a_consent_of_other_parties() {
    check_consent(|_| {}, Ok("consent"));
    check_consent(
        |own| own.consumer = client(MINISTRY),
        Err("consent_other_consumer"),
    );
    check_consent(
        |own| own.consumer = client("AZ/COM/0000001201"),
        Err("consent_other_consumer"),
    );
    check_consent(
        |own| own.provider = client(MINISTRY),
        Err("consent_other_provider"),
    );
    check_consent(
        |own| own.services = vec!["file".to_owned()],
        Err("consent_other_service"),
    );
}

#[test]
fn refuses_a_consent_replayed_by_another_consumer() {
    let replayed = |case: &mut Case| {
        case.consent = Some(artefact());
        case.client = client(MINISTRY);
    };
    check(&by_consent(), replayed, Err("consent_other_consumer"));
}

#[test]
fn refuses_a_consent_of_another_person() {
    check_consent(
        |own| own.subject = person("0TEST02"),
        Err("consent_other_person"),
    );
    let two = |case: &mut Case| {
        case.consent = Some(artefact());
        case.persons.push(person("0TEST02"));
    };
    check(&by_consent(), two, Err("consent_other_person"));
}

#[test]
fn refuses_a_consent_for_another_purpose_or_less_data() {
    check_consent(
        |own| own.purpose = "aid".to_owned(),
        Err("consent_other_purpose"),
    );
    check_consent(
        |own| own.categories.clear(),
        Err("consent_other_categories"),
    );
    let debts = |own: &mut Artefact| own.categories = vec!["debts".to_owned()];
    check_consent(debts, Err("consent_other_categories"));
    check_consent(|own| own.categories.push("debts".to_owned()), Ok("consent"));
}

#[test]
fn refuses_a_consent_outside_its_time() {
    let signed = |at: &'static str| move |own: &mut Artefact| own.issued_at = time(at);
    // Now is 12:00:30, and a minute ahead is borne with.
    check_consent(signed("2026-11-22T12:01:30Z"), Ok("consent"));
    check_consent(signed("2026-11-22T12:01:31Z"), Err("consent_from_future"));
    let from = |at: &'static str| move |own: &mut Artefact| own.valid_from = time(at);
    check_consent(from("2026-11-22T12:00:30Z"), Ok("consent"));
    check_consent(from("2026-11-22T12:00:31Z"), Err("consent_not_yet_valid"));
    let until = |at: &'static str| move |own: &mut Artefact| own.valid_until = time(at);
    check_consent(until("2026-11-22T12:00:31Z"), Ok("consent"));
    check_consent(until("2026-11-22T12:00:30Z"), Err("consent_expired"));
}

#[test]
fn refuses_a_consent_that_was_paused_or_revoked() {
    let consent = Uuid::from_u128(7);
    let ends = time("2026-12-22T10:00:00Z").as_second();
    let after = |events: Vec<Event>| {
        move |case: &mut Case| {
            case.consent = Some(artefact());
            case.feed = fresh(events);
        }
    };
    let paused = || Event::Paused { consent, ends };
    let revoked = || Event::Revoked { consent, ends };
    let other = Event::Revoked {
        consent: Uuid::from_u128(8),
        ends,
    };
    check(&by_consent(), after(vec![other]), Ok("consent"));
    check(&by_consent(), after(vec![paused()]), Err("consent_paused"));
    check(
        &by_consent(),
        after(vec![paused(), Event::Resumed { consent }]),
        Ok("consent"),
    );
    check(
        &by_consent(),
        after(vec![revoked()]),
        Err("consent_revoked"),
    );
}

#[test]
fn the_refusal_that_came_furthest_is_given() {
    let rules = [
        limited(
            "over",
            "law",
            json!({"valid_until": "2026-11-22T00:00:00Z"}),
        ),
        limited("in-case", "law", json!({"case": "open"})),
        limited(
            "night",
            "law",
            json!({"hours": {"from": "01:00", "to": "02:00"}}),
        ),
    ];
    check(&rules, |_| {}, Err("case_missing"));
    check(&rules, |case| case.case = text("17"), Err("case_not_open"));
    let without = [rules[0].clone(), rules[2].clone()];
    check(&without, |_| {}, Err("outside_hours"));
}

/// Every refusal there is.
fn all() -> Vec<Refusal> {
    let rule = || "rule-7".to_owned();
    vec![
        Refusal::ServiceNotRegistered,
        Refusal::SystemDeregistered { system: rule() },
        Refusal::UserMissing,
        Refusal::NoRule,
        Refusal::EmergencyNotAllowed,
        Refusal::ConsentNotTaken,
        Refusal::PurposeNotDeclared,
        Refusal::PurposeMissing,
        Refusal::ConsentRequired,
        Refusal::ReasonMissing,
        Refusal::PersonMissing,
        Refusal::RuleNotInForce { rule: rule() },
        Refusal::OutsideHours { rule: rule() },
        Refusal::CaseMissing { rule: rule() },
        Refusal::ConsentOtherConsumer,
        Refusal::ConsentOtherProvider,
        Refusal::ConsentOtherService,
        Refusal::ConsentOtherPerson,
        Refusal::ConsentOtherPurpose,
        Refusal::ConsentOtherCategories,
        Refusal::ConsentFromFuture,
        Refusal::ConsentNotYetValid,
        Refusal::ConsentExpired,
        Refusal::FeedStale,
        Refusal::CaseNotOpen { rule: rule() },
        Refusal::CaseOtherPersons { rule: rule() },
        Refusal::ConsentPaused,
        Refusal::ConsentRevoked,
    ]
}

#[test]
fn every_refusal_has_its_own_step_code_and_sentence() {
    let all = all();
    let steps: Vec<u8> = all.iter().map(Refusal::step).collect();
    assert_eq!(steps, (1..=28).collect::<Vec<u8>>());
    for (count, refusal) in all.iter().enumerate() {
        let sentence = refusal.to_string();
        assert!(
            sentence.contains("; ") || sentence.contains(", "),
            "{sentence}"
        );
        assert!(sentence.len() > refusal.code().len() * 2, "{sentence}");
        for other in &all[..count] {
            assert_ne!(refusal.code(), other.code());
            assert_ne!(sentence, other.to_string());
        }
        if matches!(refusal.step(), 2 | 12..=14 | 25 | 26) {
            assert!(sentence.contains("rule-7"), "{sentence}");
        }
    }
}
