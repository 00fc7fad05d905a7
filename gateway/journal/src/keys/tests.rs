use certs_keys::SecretKey;
use gateway_policy::basis::QuotaOf;
use gateway_policy::person::PersonKey;
use gateway_proto::id::ClientId;
use uuid::Uuid;

use super::{Keys, UseMark};

fn keys(numbers: &[u32]) -> Keys {
    let key = |number: &u32| {
        let [.., octet] = number.to_be_bytes();
        (*number, SecretKey::from_bytes([octet; 32]))
    };
    Keys::new(numbers.iter().map(key).collect()).unwrap()
}

fn person(kind: &str, value: &str) -> PersonKey {
    serde_json::from_value(serde_json::json!({"kind": kind, "value": value})).unwrap()
}

#[test]
fn refuses_a_set_without_keys_and_one_with_a_number_twice() {
    assert!(Keys::new(Vec::new()).is_err());
    let key = || SecretKey::from_bytes([1; 32]);
    assert!(Keys::new(vec![(3, key()), (3, key())]).is_err());
}

#[test]
fn shows_numbers_and_no_keys() {
    assert_eq!(format!("{:?}", keys(&[1, 7])), "Keys [1, 7]");
}

#[test]
fn marks_with_the_current_key_and_finds_with_all() {
    let (old, both) = (keys(&[1]), keys(&[1, 2]));
    let who = person("fin", "0TEST01");
    assert_eq!(both.mark(&who).key, 2);
    assert_eq!(both.marks(&who), [old.mark(&who), both.mark(&who)]);
    assert_ne!(old.mark(&who).mark, both.mark(&who).mark);
}

#[test]
fn tells_kinds_and_values_apart() {
    let keys = keys(&[1]);
    let marks = [
        ("fin", "0TEST01"),
        ("fin", "0TEST02"),
        ("document", "0TEST01"),
    ]
    .map(|(kind, value)| keys.mark(&person(kind, value)).mark);
    let [one, other, document] = marks;
    assert_ne!(one, other);
    assert_ne!(one, document);
}

#[test]
fn tells_apart_what_is_counted() {
    let keys = keys(&[1]);
    let client = |text: &str| ClientId::from_rest(text).unwrap();
    let of = |rule: &str, who: &str, case: Option<&str>| QuotaOf::Person {
        rule: rule.to_owned(),
        client: client(who),
        person: person("fin", "0TEST01"),
        case: case.map(str::to_owned),
    };
    let all = [
        QuotaOf::Consent(Uuid::from_u128(1)),
        QuotaOf::Consent(Uuid::from_u128(2)),
        of("r", "AZ/GOV/1/a", None),
        of("r", "AZ/GOV/1/a", Some("")),
        of("r", "AZ/GOV/1/a", Some("c")),
        of("r", "AZ/GOV/1", Some("c")),
        of("r2", "AZ/GOV/1/a", None),
    ];
    let mut tails: Vec<_> = all.iter().flat_map(|of| keys.tails(of)).collect();
    tails.sort_unstable();
    tails.dedup();
    assert_eq!(tails.len(), all.len());
}

#[test]
fn a_class_covers_its_seconds_and_less_than_twice_as_many() {
    let mark = |class| UseMark {
        class,
        key: 0,
        tail: [0; 14],
    };
    assert_eq!(mark(UseMark::class_of(None)).seconds_max(), None);
    for seconds in [1_u64, 2, 3, 4, 5, 59, 60, 86_400, 31_536_000, 1 << 40] {
        let max = mark(UseMark::class_of(Some(seconds)))
            .seconds_max()
            .unwrap();
        let max = u64::try_from(max).unwrap();
        assert!(seconds <= max && max < 2 * seconds, "{seconds}: {max}");
    }
    // What is longer than times are counts for ever.
    assert_eq!(mark(UseMark::class_of(Some(u64::MAX))).seconds_max(), None);
    let longest = UseMark::longer(UseMark::class_of(Some(5)), UseMark::class_of(None));
    assert_eq!(mark(longest).seconds_max(), None);
}

#[test]
fn a_mark_is_read_as_it_was_written() {
    let mark = UseMark {
        class: 9,
        key: 3,
        tail: [7; 14],
    };
    assert_eq!(UseMark::from_bytes(mark.to_bytes()), mark);
}
