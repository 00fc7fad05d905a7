//! What holds for every request, whatever the rules.

use proptest::prelude::*;

use super::*;

const CODES: [&str; 6] = ["income", "file", "rates", "news", "archive", "unknown"];
const CALLERS: [&str; 3] = [BANK, MINISTRY, "EE/COM/1/other"];
const PURPOSES: [&str; 5] = ["aid", "credit", "rescue", "other", ""];

/// Rules of every kind but `open`. They differ only in when they hold, so none contradicts another.
fn rules() -> impl Strategy<Value = Rules> {
    let basis = prop::sample::select(vec!["law", "consent", "vital"]);
    let limits = prop::sample::select(vec![
        json!({}),
        json!({"hours": {"from": "22:00", "to": "06:00"}}),
        json!({"case": "named"}),
        json!({"case": "open"}),
        json!({"valid_until": "2026-11-22T12:00:00Z"}),
    ]);
    let scope = prop::sample::select(vec![
        json!({"provider": TAX, "code": "income"}),
        json!({"provider": TAX, "code": "file", "path": "/a/**"}),
        json!({"provider": TAX, "code": "rates"}),
    ]);
    let purpose = prop::sample::select(vec!["aid", "credit", "rescue"]);
    prop::collection::vec((basis, limits, scope, purpose), 0..6).prop_map(|parts| {
        let rules: Vec<Value> = (0..)
            .zip(parts)
            .map(|(number, (basis, limits, scope, purpose))| {
                let made = rule(&format!("r{number}"), basis, &[purpose]);
                with(with(made, "services", json!([scope])), "limits", limits)
            })
            .collect();
        sample::read(&sample::part(&rules))
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let code = prop::sample::select(CODES.to_vec());
    let caller = prop::sample::select(CALLERS.to_vec());
    let purpose = prop::option::of(prop::sample::select(PURPOSES.to_vec()));
    let right = prop::option::of(prop::collection::vec(
        prop::sample::select(PURPOSES.to_vec()),
        0..3,
    ));
    let case = prop::option::of(prop::sample::select(vec!["17", "18", ""]));
    let persons = prop::collection::vec(prop::sample::select(vec!["0TEST01", "0TEST02"]), 0..3);
    let consent = prop::option::of(prop::sample::select(vec!["aid", "credit"]));
    let emergency = prop::option::of("[ -~]{0,20}");
    let path = prop::option::of(prop::sample::select(vec!["", "/a/b", "/b"]));
    let when = prop_oneof![-40_i64..30, -100_000_i64..100_000];
    let said = (purpose, right, case, persons, consent, emergency);
    (code, caller, path, when, said).prop_map(|(code, caller, path, when, said)| {
        let (purpose, right, number, persons, consent, emergency) = said;
        let mut case = Case::new();
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        case.service = service(code);
        case.client = client(caller);
        case.rest = path.map(|path| ("GET".to_owned(), ServicePath::normalize(path).unwrap()));
        case.purpose = purpose.map(str::to_owned);
        case.right_purposes = right.map(owned);
        case.case = number.map(str::to_owned);
        case.persons = persons.into_iter().map(person).collect();
        case.consent = consent.map(|purpose| Artefact {
            purpose: purpose.to_owned(),
            ..artefact()
        });
        case.emergency = emergency;
        case.feed = fresh(vec![opened("17", &["0TEST01"])]);
        case.now = Timestamp::from_second(case.now.as_second().saturating_add(when)).unwrap();
        case
    })
}

proptest! {
    #[test]
    fn a_purpose_that_is_not_declared_is_never_allowed(rules in rules(), mut case in cases()) {
        case.purpose = text("other");
        if let Ok(decision) = case.decide(&rules) {
            // Only what is not about persons and declares no purposes.
            prop_assert_eq!(decision.ground(), &Ground::NotPersonal);
            prop_assert_eq!(case.service.code(), "news");
        }
    }

    #[test]
    fn a_refused_purpose_stays_refused_whatever_else_is_said(
        rules in rules(),
        case in cases(),
        other in cases(),
    ) {
        if case.purpose.is_some() && case.decide(&rules) == Err(Refusal::PurposeNotDeclared) {
            let mut again = case.clone();
            again.user = other.user;
            again.case = other.case;
            again.persons = other.persons;
            again.now = other.now;
            again.feed = other.feed;
            prop_assert_eq!(again.decide(&rules), Err(Refusal::PurposeNotDeclared));
        }
    }

    #[test]
    fn what_is_allowed_rests_on_a_rule_that_names_it(rules in rules(), case in cases()) {
        let Ok(decision) = case.decide(&rules) else {
            return Ok(());
        };
        let Ground::Rule { id, basis, consent, .. } = decision.ground() else {
            prop_assert!(["rates", "news"].contains(&case.service.code()));
            return Ok(());
        };
        let rule = rules.part().rules.iter().find(|rule| rule.id == *id).unwrap();
        prop_assert_eq!(&rule.basis, basis);
        prop_assert_eq!(consent.is_some(), rule.basis == Basis::Consent);
        let vital = matches!(basis, Basis::Vital { .. });
        prop_assert_eq!(case.emergency.is_some(), vital);
        prop_assert!(rules.about(&case.service).any(|about| about.id == *id));
        let purpose = decision.purpose().unwrap();
        prop_assert!(rule.purposes.iter().any(|known| known == purpose));
        prop_assert!(case.purpose.as_deref().is_none_or(|stated| stated == purpose));
        let right = case.right_purposes.unwrap_or_default();
        prop_assert!(right.is_empty() || right.iter().any(|known| known == purpose));
    }

    #[test]
    fn the_same_question_has_the_same_answer(rules in rules(), case in cases()) {
        prop_assert_eq!(case.decide(&rules), case.decide(&rules));
    }
}
