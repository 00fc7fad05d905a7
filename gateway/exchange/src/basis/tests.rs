use std::collections::HashSet;

use gateway_policy::basis::{Quota, QuotaOf, Refusal};
use gateway_policy::person::KeyKind;
use gateway_policy::{consent, jws, locate, path};
use gateway_proto::basis::Error as Stated;
use gateway_proto::id::{ClientId, MemberId};
use uuid::Uuid;

use super::{BasisError, Used};
use crate::conf::RulesFault;
use crate::error::{self, Blame};
use crate::fault::{self, Half};

fn all() -> Vec<BasisError> {
    let rule = || "by-law".to_owned();
    let place = || "query:fin".to_owned();
    let field = "purpose";
    let refusals = [
        Refusal::ServiceNotRegistered,
        Refusal::SystemDeregistered {
            system: "emas".to_owned(),
        },
        Refusal::UserMissing,
        Refusal::PurposeMissing,
        Refusal::PurposeNotDeclared,
        Refusal::NoRule,
        Refusal::PersonMissing,
        Refusal::ConsentRequired,
        Refusal::ConsentNotTaken,
        Refusal::RuleNotInForce { rule: rule() },
        Refusal::OutsideHours { rule: rule() },
        Refusal::CaseMissing { rule: rule() },
        Refusal::CaseNotOpen { rule: rule() },
        Refusal::CaseOtherPersons { rule: rule() },
        Refusal::FeedStale,
        Refusal::ReasonMissing,
        Refusal::EmergencyNotAllowed,
        Refusal::ConsentOtherConsumer,
        Refusal::ConsentOtherProvider,
        Refusal::ConsentOtherService,
        Refusal::ConsentOtherPerson,
        Refusal::ConsentOtherPurpose,
        Refusal::ConsentOtherCategories,
        Refusal::ConsentFromFuture,
        Refusal::ConsentNotYetValid,
        Refusal::ConsentExpired,
        Refusal::ConsentPaused,
        Refusal::ConsentRevoked,
    ];
    let mut all = vec![
        BasisError::Rules(RulesFault::Invalid),
        BasisError::Rules(RulesFault::RolledBack),
        BasisError::Rules(RulesFault::Tampered),
        BasisError::Rules(RulesFault::Missing),
        BasisError::Expired,
        BasisError::Stated(Stated::Twice { field }),
        BasisError::Stated(Stated::TooLong {
            field,
            bytes_max: 128,
        }),
        BasisError::Stated(Stated::TooLong {
            field: "consent",
            bytes_max: 8192,
        }),
        BasisError::Stated(Stated::Malformed { field }),
        BasisError::Path(path::Error::Climbs),
        BasisError::Persons(locate::Error::Missing { place: place() }),
        BasisError::Persons(locate::Error::Malformed {
            place: place(),
            kind: KeyKind::Fin,
        }),
        BasisError::Persons(locate::Error::TooMany { count_max: 64 }),
        BasisError::BodyTooLong { bytes_max: 1 },
        BasisError::Consent(consent::Error::Form),
        BasisError::Consent(consent::Error::NotCanonical),
        BasisError::Consent(consent::Error::Jws(jws::Error::Algorithm)),
        BasisError::Consent(consent::Error::Jws(jws::Error::Signature)),
        BasisError::Consent(consent::Error::Jws(jws::Error::UnknownKey)),
        BasisError::UsedUp(Used::Frequency { rule: rule() }),
        BasisError::UsedUp(Used::Rule { rule: rule() }),
        BasisError::UsedUp(Used::Consent),
        BasisError::Journal(gateway_journal::Error::Keys),
    ];
    all.extend(refusals.map(BasisError::Refused));
    all
}

#[test]
fn each_refusal_has_a_code_of_its_own_below_the_ground() {
    let mut codes = HashSet::new();
    for error in all() {
        let code = error.code();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(!code.is_empty() && code.bytes().all(plain), "{code}");
        // Nobody is named, whether no place is declared or the declared one is empty.
        let is_new = codes.insert(code) || code == "person_missing";
        assert!(is_new, "{code} stands twice");
        let error = error::Error::Basis(error);
        for (half, prefix) in [
            (Half::Consumer, "server.clientproxy.basis."),
            (Half::Provider, "server.serverproxy.basis."),
        ] {
            let fault = fault::of(&error, half);
            assert_eq!(fault.code.as_str(), format!("{prefix}{code}"));
        }
    }
}

#[test]
fn each_refusal_says_in_sentences_what_happened_and_what_helps() {
    for error in all() {
        let text = error.to_string();
        let sentences = text.split(". ").count();
        assert!(text.starts_with(char::is_uppercase), "{text}");
        assert!(sentences >= 2 && text.len() > 40, "{text}");
        assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
        // A code is no sentence.
        assert!(!text.contains('_'), "{text}");
    }
}

#[test]
fn only_what_the_node_failed_at_is_its_own_fault() {
    for error in all() {
        let own = matches!(
            error,
            BasisError::Rules(_)
                | BasisError::Expired
                | BasisError::Journal(_)
                | BasisError::Refused(Refusal::FeedStale)
        );
        assert_eq!(error.blame() == Blame::Node, own, "{error:?}");
    }
}

#[test]
fn a_quota_is_named_for_what_it_bounds() {
    let member = MemberId::new("AZ", "GOV", "1").unwrap();
    let alphabet = gateway_policy::person::Alphabet::new("0123456789ABC").unwrap();
    let fin = "1234ABC";
    let person = QuotaOf::Person {
        rule: "by-law".to_owned(),
        client: ClientId::new(member, Some("sub")).unwrap(),
        person: gateway_policy::person::PersonKey::parse(KeyKind::Fin, fin, &alphabet).unwrap(),
        case: None,
    };
    let rule = "by-law".to_owned();
    #[track_caller]
    fn check(of: &QuotaOf, seconds: Option<u64>, expected: &Used) {
        let (of, count) = (of.clone(), 1);
        let quota = Quota { of, count, seconds };
        assert_eq!(&Used::of(&quota), expected);
    }
    check(&person, Some(60), &Used::Frequency { rule: rule.clone() });
    check(&person, None, &Used::Rule { rule });
    let consent = QuotaOf::Consent(Uuid::nil());
    check(&consent, Some(60), &Used::Consent);
    check(&consent, None, &Used::Consent);
}
