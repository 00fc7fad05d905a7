//! What is to be counted.

use super::*;

fn quotas(rules: &[Value], change: impl FnOnce(&mut Case)) -> Vec<Quota> {
    let mut case = Case::new();
    change(&mut case);
    let decision = case.decide(&sample::read(&sample::part(rules))).unwrap();
    decision.quotas().to_vec()
}

fn of_person(value: &str, case: Option<&str>, count: u32, seconds: Option<u64>) -> Quota {
    Quota {
        of: QuotaOf::Person {
            rule: "law".to_owned(),
            client: client(BANK),
            person: person(value),
            case: case.map(str::to_owned),
        },
        count,
        seconds,
    }
}

fn of_consent(count: u32, seconds: Option<u64>) -> Quota {
    Quota {
        of: QuotaOf::Consent(Uuid::from_u128(7)),
        count,
        seconds,
    }
}

#[test]
fn a_frequency_by_law_is_counted_for_each_person() {
    let rules = [limited(
        "law",
        "law",
        json!({"frequency": {"count": 2, "seconds": 60}}),
    )];
    let two = |case: &mut Case| {
        case.persons.push(person("0TEST02"));
        case.case = text("17");
    };
    let expected = [
        of_person("0TEST01", None, 2, Some(60)),
        of_person("0TEST02", None, 2, Some(60)),
    ];
    assert_eq!(quotas(&rules, two), expected);
}

#[test]
fn single_use_by_law_is_counted_by_case_and_person() {
    let named = [limited(
        "law",
        "law",
        json!({"single_use": true, "case": "named"}),
    )];
    let in_case = |case: &mut Case| case.case = text("17");
    assert_eq!(
        quotas(&named, in_case),
        [of_person("0TEST01", Some("17"), 1, None)]
    );
    // Where no case is asked for, naming another is no way round.
    let any = [limited("law", "law", json!({"single_use": true}))];
    assert_eq!(quotas(&any, in_case), [of_person("0TEST01", None, 1, None)]);
}

#[test]
fn the_bounds_of_rule_and_consent_both_count() {
    let frequency = json!({"frequency": {"count": 2, "seconds": 60}});
    let with_consent = |frequency: Option<Frequency>, single_use: bool| {
        move |case: &mut Case| {
            case.consent = Some(Artefact {
                frequency,
                single_use,
                ..artefact()
            });
        }
    };
    let own = Some(Frequency {
        count: 5,
        seconds: 3600,
    });
    let rules = [limited("law", "consent", frequency)];
    let expected = [
        of_consent(2, Some(60)),
        of_consent(5, Some(3600)),
        of_consent(1, None),
    ];
    assert_eq!(quotas(&rules, with_consent(own, true)), expected);
    assert_eq!(quotas(&rules, with_consent(None, false)), expected[..1]);
    let bare = [limited("law", "consent", json!({}))];
    assert_eq!(quotas(&bare, with_consent(None, false)), []);
    let once = [limited("law", "consent", json!({"single_use": true}))];
    assert_eq!(quotas(&once, with_consent(None, false)), expected[2..]);
    assert_eq!(quotas(&once, with_consent(None, true)), expected[2..]);
}
