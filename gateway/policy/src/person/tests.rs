use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(kind: KeyKind, text: &str, expected: Option<&str>) {
    let key = PersonKey::parse(kind, text, &Alphabet::default());
    assert_eq!(
        key.as_ref().ok().map(PersonKey::reveal),
        expected,
        "{text:?}"
    );
    if expected.is_none() {
        assert_eq!(key, Err(Malformed { kind }));
    }
}

#[test]
fn a_fin_has_seven_characters_of_the_alphabet() {
    check(KeyKind::Fin, "0TEST01", Some("0TEST01"));
    check(KeyKind::Fin, "0test01", Some("0TEST01"));
    check(KeyKind::Fin, " \t0TEST01\r\n", Some("0TEST01"));
    check(KeyKind::Fin, "0TEST0", None);
    check(KeyKind::Fin, "0TEST011", None);
    check(KeyKind::Fin, "0TEST0I", None);
    check(KeyKind::Fin, "0TEST0o", None);
    check(KeyKind::Fin, "0TEST 1", None);
    check(KeyKind::Fin, "", None);
}

#[test]
fn refuses_letters_that_only_another_locale_would_fold_or_that_only_look_alike() {
    // Dotted capital, dotless small, Cyrillic, full width, a combining mark, a space that is none of
    // ASCII, a zero.
    for text in [
        "0TESTİ1",
        "0TESTı1",
        "0ТЕST01",
        "０TEST01",
        "0TE\u{301}ST01",
        "0TES\u{301}1",
        "\u{a0}0TEST01",
        "0TEST01\0",
        "0TEST\u{17f}1",
        "0TEST\u{212a}1",
    ] {
        check(KeyKind::Fin, text, None);
    }
}

#[test]
fn the_alphabet_is_a_setting() {
    let whole = Alphabet::new("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").unwrap();
    assert!(PersonKey::parse(KeyKind::Fin, "0TESTIO", &whole).is_ok());
    let digits = Alphabet::new("0123456789").unwrap();
    assert!(PersonKey::parse(KeyKind::Fin, "0TEST01", &digits).is_err());
    assert!(PersonKey::parse(KeyKind::Fin, "0123456", &digits).is_ok());
    // It is of the FIN alone.
    assert!(PersonKey::parse(KeyKind::IdentityCard, "AA1234567", &digits).is_ok());
    assert_eq!(digits.to_string(), "0123456789");
    let default = Alphabet::new("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ");
    assert_eq!(default, Ok(Alphabet::default()));
}

#[test]
fn refuses_an_alphabet_that_is_none() {
    for characters in ["", "0", "01a", "010", "0 1", "01İ", "AB-", "A\n"] {
        assert_eq!(
            Alphabet::new(characters),
            Err(WrongAlphabet),
            "{characters:?}"
        );
    }
}

#[test]
fn a_voen_has_ten_digits_whatever_its_check_digit() {
    check(KeyKind::Voen, "0000000131", Some("0000000131"));
    check(KeyKind::Voen, "1525855852", Some("1525855852"));
    check(KeyKind::Voen, " 1401555071 ", Some("1401555071"));
    check(KeyKind::Voen, "140155507", None);
    check(KeyKind::Voen, "14015550711", None);
    check(KeyKind::Voen, "14015 5507", None);
    check(KeyKind::Voen, "14015A5071", None);
    check(KeyKind::Voen, "١٤٠١٥٥٥٠٧١", None);
}

#[test]
fn a_document_has_series_and_number_in_one() {
    for kind in KeyKind::ALL
        .into_iter()
        .filter(|kind| !matches!(kind, KeyKind::Fin | KeyKind::Voen))
    {
        check(kind, "AZE 12345678", Some("AZE12345678"));
        check(kind, " aa1234567\n", Some("AA1234567"));
        check(kind, "N 12-3/2025", Some("N12-3/2025"));
        check(kind, "A1", Some("A1"));
        check(kind, &"7".repeat(32), Some(&"7".repeat(32)));
        check(kind, &"7".repeat(33), None);
        check(kind, "A", None);
        check(kind, "", None);
        check(kind, "--", None);
        check(kind, "-12", None);
        check(kind, "12/", None);
        check(kind, "12\t34", None);
        check(kind, "12№34", None);
        check(kind, "ӘА1234", None);
        check(kind, &format!("1{}2", " ".repeat(1_000_000)), None);
    }
}

#[test]
fn shows_its_value_to_nobody_who_prints_it() {
    let key = PersonKey::parse(KeyKind::Fin, "0TEST01", &Alphabet::default()).unwrap();
    assert!(!format!("{key:?}").contains("0TEST01"));
    let malformed = PersonKey::parse(KeyKind::Fin, "0TEST0I", &Alphabet::default()).unwrap_err();
    assert!(!format!("{malformed:?} {malformed}").contains("TEST"));
    let stored = serde_json::from_str::<PersonKey>(r#"{"kind":"fin","value":"0test01"}"#);
    assert!(!stored.unwrap_err().to_string().contains("test"));
}

#[test]
fn documents_hold_keys_in_their_one_form_only() {
    let read = |json: &str| serde_json::from_str::<PersonKey>(json).is_ok();
    assert!(read(r#"{"kind":"fin","value":"0TEST01"}"#));
    assert!(read(r#"{"kind":"identity-card","value":"AA1234567"}"#));
    assert!(!read(r#"{"kind":"fin","value":"0test01"}"#));
    assert!(!read(r#"{"kind":"fin","value":" 0TEST01"}"#));
    assert!(!read(r#"{"kind":"fin","value":"0TEST0"}"#));
    assert!(!read(r#"{"kind":"fin","value":"0TESTİ1"}"#));
    assert!(!read(r#"{"kind":"voen","value":"14015A5071"}"#));
    assert!(!read(r#"{"kind":"identity-card","value":"AA 1234567"}"#));
    assert!(!read(r#"{"kind":"FIN","value":"0TEST01"}"#));
    assert!(!read(r#"{"kind":"fin","value":"0TEST01","name":"x"}"#));
    assert!(!read(r#"{"kind":"fin"}"#));
}

#[test]
fn the_code_of_a_kind_is_its_name_in_documents() {
    for kind in KeyKind::ALL {
        let json = serde_json::to_string(&kind).unwrap();
        assert_eq!(json, format!("{:?}", kind.code()));
    }
}

proptest! {
    #[test]
    fn a_key_parsed_again_and_a_key_stored_is_the_same(
        kind in 0..KeyKind::ALL.len(), text in "[ 0-9A-Za-z/-]{1,34}",
    ) {
        let kind = KeyKind::ALL[kind];
        if let Ok(key) = PersonKey::parse(kind, &text, &Alphabet::default()) {
            let again = PersonKey::parse(kind, key.reveal(), &Alphabet::default());
            prop_assert_eq!(again.as_ref(), Ok(&key));
            let stored = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<PersonKey>(&stored).unwrap(), key);
        }
    }

    #[test]
    fn nothing_but_ascii_is_ever_a_key(kind in 0..KeyKind::ALL.len(), text in "\\PC{0,12}") {
        let key = PersonKey::parse(KeyKind::ALL[kind], &text, &Alphabet::default());
        prop_assert!(key.is_err() || text.is_ascii());
    }
}
