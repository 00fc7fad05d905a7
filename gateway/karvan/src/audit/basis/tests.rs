use gateway_messagelog::audit::Outcome;
use gateway_messagelog::{Disclosure, PersonMark, Side};
use gateway_proto::basis::Basis as Stated;
use serde_json::{Value, json};

use super::*;
use crate::audit::testing::{
    NOW, artefact, noted_by_consent, noted_by_law, part, record, rule, snapshot, stated, usual,
    vital,
};

/// Judges a record with this basis by these rules, in version 7.
fn judged(record: &Record, rules: &[Value]) -> Option<Outcome> {
    let part = part(7, rules);
    let snapshot = snapshot(Some(&part));
    let mut known = KnownRules::default();
    let published = known.of("conf", &snapshot);
    let in_force = InForce {
        snapshot: &snapshot,
        published,
    };
    judge(record, body_of(record), &[in_force])
}

fn with(mut record: Record, basis: Basis) -> Record {
    record.basis = Some(Box::new(basis));
    record
}

#[track_caller]
fn holds(record: &Record) {
    assert_eq!(judged(record, &usual()), Some(Outcome::Holds));
}

#[track_caller]
fn fails(record: &Record, reason: &str) {
    match judged(record, &usual()) {
        Some(Outcome::Fails(found)) => assert!(found.contains(reason), "{found}"),
        other => panic!("{other:?}, not {reason}"),
    }
}

fn by_law() -> Record {
    with(record("income", &stated(Some("aid"))), noted_by_law())
}

fn by_consent() -> Record {
    let stated = Stated {
        consent: Some(artefact()),
        ..stated(Some("credit"))
    };
    with(record("income", &stated), noted_by_consent())
}

fn in_emergency() -> Record {
    let stated = Stated {
        emergency: Some("unconscious, ward 3".to_owned()),
        ..stated(Some("rescue"))
    };
    let noted = Basis {
        ground: Ground::Vital,
        rule: Some("break-glass".to_owned()),
        rule_version: 1,
        law: Some(("Health act".to_owned(), "7".to_owned())),
        purpose: Some("rescue".to_owned()),
        emergency: stated.emergency.clone(),
        ..noted_by_law()
    };
    with(record("income", &stated), noted)
}

/// The same record with something of its basis changed.
fn changed(record: &Record, change: impl FnOnce(&mut Basis)) -> Record {
    let mut basis = record.basis.as_deref().unwrap().clone();
    change(&mut basis);
    with(record.clone(), basis)
}

#[test]
fn what_the_rules_of_that_day_allow_holds() {
    holds(&by_law());
    holds(&by_consent());
    holds(&in_emergency());
    let mut of_consumer = by_law();
    of_consumer.side = Side::Consumer;
    holds(&of_consumer);
    // A response needs none.
    let mut response = record("income", &stated(None));
    response.direction = Direction::Response;
    assert_eq!(judged(&response, &usual()), None);
}

#[test]
fn a_purpose_that_was_not_stated_may_come_from_the_access_right() {
    let noted = || with(record("income", &stated(None)), noted_by_law());
    holds(&noted());
    fails(
        &changed(&noted(), |basis| basis.purpose = Some("rescue".to_owned())),
        "does not name the purpose",
    );
}

#[test]
fn another_rule_than_the_rules_have_is_found() {
    let law = by_law();
    fails(
        &changed(&law, |basis| basis.rule = Some("by-decree".to_owned())),
        "there is no rule by-decree in the rules 7",
    );
    fails(
        &changed(&law, |basis| basis.rule_version = 2),
        "in version 3, not 2",
    );
    fails(
        &changed(&law, |basis| {
            basis.law = Some(("Tax code".to_owned(), "24".to_owned()))
        }),
        "rests on another ground",
    );
    fails(
        &changed(&law, |basis| basis.ground = Ground::Vital),
        "rests on another ground",
    );
    fails(
        &changed(&law, |basis| basis.rules_version = 6),
        "holds the rules 7",
    );
    fails(
        &changed(&law, |basis| basis.rule = None),
        "no rule was noted",
    );
    fails(
        &changed(&law, |basis| {
            basis.rule = None;
            basis.law = None;
            basis.ground = Ground::NotPersonal;
        }),
        "noted as not about a person, but rule by-law is about it",
    );
    fails(
        &changed(&law, |basis| {
            *basis = Basis {
                ground: Ground::LeftToProvider,
                rule: None,
                law: None,
                purpose: None,
                ..basis.clone()
            };
        }),
        "left to the provider's node",
    );
    fails(
        &changed(&law, |basis| {
            *basis = Basis {
                emergency: None,
                ..in_emergency().basis.as_deref().unwrap().clone()
            };
        }),
        "it is refused (no_rule)",
    );
}

#[test]
fn another_purpose_than_the_message_states_is_found() {
    let rules = [
        rule(
            "by-law",
            3,
            crate::audit::testing::law(),
            &["aid", "rescue"],
        ),
        rule("break-glass", 1, vital(), &["rescue"]),
    ];
    let other = changed(&by_law(), |basis| basis.purpose = Some("rescue".to_owned()));
    match judged(&other, &rules) {
        Some(Outcome::Fails(reason)) => {
            assert!(
                reason.contains("for the purpose aid, and rescue was noted"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_consent_than_the_message_carries_is_found() {
    let consent = by_consent();
    let noted = |change: &dyn Fn(&mut gateway_messagelog::Consent)| {
        changed(&consent, |basis| change(basis.consent.as_mut().unwrap()))
    };
    fails(
        &noted(&|consent| consent.id = uuid::Uuid::nil()),
        "carries another consent",
    );
    fails(
        &noted(&|consent| consent.digest = gateway_policy::consent::digest("other")),
        "carries another consent",
    );
    fails(
        &changed(&consent, |basis| basis.consent = None),
        "a consent is noted",
    );
    // One with a signature that does not hold.
    let mut text = artefact();
    let last = text.pop().unwrap();
    text.push(if last == 'A' { 'Q' } else { 'A' });
    let stated = Stated {
        consent: Some(text),
        ..stated(Some("credit"))
    };
    fails(
        &with(record("income", &stated), noted_by_consent()),
        "refused (consent_",
    );
    // One that had not begun when it was used.
    let mut early = by_consent();
    early.time = "2026-11-19T00:00:00Z".parse().unwrap();
    fails(&early, "refused (consent_from_future)");
    let mut late = by_consent();
    late.time = "2026-12-20T12:00:30Z".parse().unwrap();
    holds(&late);
    late.time = "2026-12-20T12:02:00Z".parse().unwrap();
    fails(&late, "refused (consent_expired)");
}

#[test]
fn another_reason_or_caller_than_the_message_names_is_found() {
    let other = Some("a whim of the doctor".to_owned());
    fails(
        &changed(&in_emergency(), |basis| basis.emergency = other),
        "another emergency than was noted",
    );
    fails(
        &changed(&by_law(), |basis| {
            basis.authentication = Some("asan-imza".to_owned())
        }),
        "another authentication than was noted",
    );
    let mut other = by_law();
    let message = String::from_utf8(other.message.to_vec()).unwrap();
    other.message = message.replace("/kredit", "/filial").into();
    fails(&other, "another client than was noted");
}

#[test]
fn persons_are_counted_and_the_consent_is_theirs() {
    fails(
        &changed(&by_law(), |basis| basis.persons.clear()),
        "names 1 persons where the service has them, and 0 were noted",
    );
    let mark = PersonMark {
        key: 1,
        mark: [2; 16],
    };
    fails(
        &changed(&by_law(), |basis| basis.persons.push(mark)),
        "and 2 were noted",
    );
    let mut other = by_consent();
    let message = String::from_utf8(other.message.to_vec()).unwrap();
    other.message = message.replace("5ABCD12", "5ABCD13").into();
    let reason = "refused (consent_other_person)";
    fails(&other, reason);
    let Some(Outcome::Fails(said)) = judged(&other, &usual()) else {
        panic!("it fails");
    };
    assert!(!said.contains("5ABCD1"), "{said}");
}

#[test]
fn the_person_learns_of_it_when_the_rule_says() {
    let until: jiff::Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let hidden = || Disclosure::Hidden {
        article: "Article 9".to_owned(),
        until,
    };
    fails(
        &changed(&by_law(), |basis| basis.disclosure = hidden()),
        "tells the person at another time",
    );
    let ruled = |disclosure: Value| {
        let mut rule = rule("by-law", 3, crate::audit::testing::law(), &["aid"]);
        let fields = rule.as_object_mut().unwrap();
        fields.insert("disclosure".to_owned(), disclosure);
        [rule]
    };
    let check = |disclosure: Value, noted: Disclosure, expected: bool| {
        let record = changed(&by_law(), |basis| basis.disclosure = noted);
        let found = judged(&record, &ruled(disclosure));
        assert_eq!(found == Some(Outcome::Holds), expected, "{found:?}");
    };
    let ruled_hidden =
        json!({"kind": "hidden", "article": "Article 9", "until": until.to_string()});
    check(ruled_hidden.clone(), hidden(), true);
    check(ruled_hidden, Disclosure::AtOnce, false);
    let delayed = json!({"kind": "delayed", "seconds": 86400});
    let day = |seconds: i64| {
        let delay = jiff::SignedDuration::from_secs(86_400 + seconds);
        Disclosure::From(NOW.checked_add(delay).unwrap())
    };
    check(delayed.clone(), day(0), true);
    check(delayed.clone(), day(-1), true);
    check(delayed.clone(), day(1), false);
    check(delayed, day(-3600), false);
}

#[test]
fn where_there_were_rules_a_request_has_a_basis() {
    fails(
        &record("income", &stated(Some("aid"))),
        "no basis of it was noted",
    );
    let without = snapshot(None);
    let in_force = InForce {
        snapshot: &without,
        published: KnownRules::default().of("conf", &without),
    };
    let record = record("income", &stated(Some("aid")));
    assert_eq!(judge(&record, body_of(&record), &[in_force]), None);
    let in_force = InForce {
        snapshot: &without,
        published: KnownRules::default().of("conf", &without),
    };
    let noted = by_law();
    match judge(&noted, body_of(&noted), &[in_force]) {
        Some(Outcome::Fails(reason)) => assert!(reason.contains("holds no rules"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        judge(&noted, body_of(&noted), &[]),
        Some(Outcome::NotChecked(_))
    ));
}

#[test]
fn an_older_configuration_beside_it_does_not_lift_the_demand_of_one_that_is_vouched_for() {
    let (without, with_rules) = (snapshot(None), snapshot(Some(&part(7, &usual()))));
    let mut known = KnownRules::default();
    let mut in_force = |name: &str, snapshot| InForce {
        snapshot,
        published: known.of(name, snapshot),
    };
    let newer = in_force("newer", &with_rules);
    let older = in_force("older", &without);
    let bare = record("income", &stated(Some("aid")));
    assert_eq!(demanded(&bare, &older), None);
    match demanded(&bare, &newer) {
        Some(Outcome::Fails(reason)) => assert!(reason.contains("no basis was noted"), "{reason}"),
        other => panic!("{other:?}"),
    }
    // The two together demand nothing by themselves.
    assert_eq!(judge(&bare, body_of(&bare), &[newer, older]), None);
    let newer = in_force("newer", &with_rules);
    assert_eq!(demanded(&by_law(), &newer), None);
    let mut response = bare;
    response.direction = Direction::Response;
    assert_eq!(demanded(&response, &newer), None);
}

#[test]
fn what_was_not_kept_is_said_and_the_rest_is_judged() {
    let mut reduced = by_consent();
    reduced.message_digest = Some(*reduced_digest(&reduced));
    match judged(&reduced, &usual()) {
        Some(Outcome::NotChecked(reason)) => {
            assert!(reason.contains("the message was not kept"), "{reason}");
            assert!(reason.contains("rule by-consent stands"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    fails(&changed(&reduced, |basis| basis.rule_version = 9), "not 9");
    let mut rules = usual();
    let mut file = rule("file", 1, crate::audit::testing::law(), &["aid"]);
    file["services"][0]["code"] = json!("file");
    rules.push(file);
    let noted = Basis {
        rule: Some("file".to_owned()),
        rule_version: 1,
        ..noted_by_law()
    };
    let mut of_file = with(record("file", &stated(Some("aid"))), noted);
    assert_eq!(judged(&of_file, &rules), Some(Outcome::Holds));
    for (_, content) in &mut of_file.attachments {
        *content = content.withheld();
    }
    match judged(&of_file, &rules) {
        Some(Outcome::NotChecked(reason)) => assert!(reason.contains("the body"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// Any digest will do.
fn reduced_digest(record: &Record) -> &certs_keys::Digest {
    let basis = record.basis.as_deref().unwrap();
    &basis.consent.as_ref().unwrap().digest
}

#[test]
fn what_is_told_of_a_basis_names_no_person() {
    for record in [by_law(), by_consent(), in_emergency()] {
        let noted = record.basis.as_deref().unwrap();
        let told = format!("{:?}{}", lines(&record, noted), json(noted));
        assert!(told.contains("stated in the message"), "{told}");
        assert!(!told.contains("5ABCD12"), "{told}");
    }
    let noted = by_consent();
    let document = json(noted.basis.as_deref().unwrap());
    assert_eq!(document["ground"], "consent");
    assert_eq!(
        document["consent"]["id"],
        "6f9619ff-8b86-4011-b42d-00c04fc964ff"
    );
    assert!(document["act"].is_null());
}

#[test]
fn requests_are_counted_by_their_ground() {
    let mut grounds = Grounds::default();
    assert_eq!(grounds.text(), None);
    for record in [by_law(), by_consent(), by_law()] {
        grounds.count(record.basis.as_deref());
    }
    grounds.count(None);
    let mut sum = Grounds::default();
    sum.add(&grounds);
    sum.add(&grounds);
    assert_eq!(
        sum.text().unwrap(),
        "legal basis of requests: 4 by law, 2 by consent, 2 without\n"
    );
}
