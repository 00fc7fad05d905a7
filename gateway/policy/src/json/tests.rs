use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let value = parse(text.as_bytes(), 1 << 20).unwrap();
    let canonical = canonical(&value).unwrap();
    assert_eq!(String::from_utf8(canonical).unwrap(), expected, "{text}");
}

#[track_caller]
fn refused(bytes: &[u8]) -> Error {
    parse(bytes, 1 << 20).unwrap_err()
}

/// RFC 8785, sections 3.2.2 to 3.2.4: the example without the numbers that are no integers.
#[test]
fn writes_the_example_of_the_specification() {
    let text = r#"{
        "numbers": [333333333, 4, 2],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333,4,2],\
                    \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    check(text, expected);
}

/// RFC 8785, section 3.2.3: a surrogate pair sorts before U+FB33, by octets it would not.
#[test]
fn sorts_the_keys_of_the_specification_by_utf_16() {
    let text = r#"{
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis"
    }"#;
    let value = parse(text.as_bytes(), 1 << 20).unwrap();
    let canonical = String::from_utf8(canonical(&value).unwrap()).unwrap();
    let order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ];
    let places: Vec<_> = order.map(|name| canonical.find(name).unwrap()).to_vec();
    assert!(places.is_sorted(), "{canonical}");
}

#[test]
fn escapes_what_must_be_and_nothing_else() {
    let all: String = (0..=0x20_u8).map(char::from).collect();
    let canonical = canonical(&json!(all)).unwrap();
    let expected = "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\
                    \\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\
                    \\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f \"";
    assert_eq!(String::from_utf8(canonical).unwrap(), expected);
    check(
        "\"\u{7f}\u{80}\u{2028}\u{1f600}/<>&\"",
        "\"\u{7f}\u{80}\u{2028}\u{1f600}/<>&\"",
    );
}

#[test]
fn integers_of_53_bits_are_written_as_they_are() {
    check(
        "[0,-1, 9007199254740991 ,-9007199254740991]",
        "[0,-1,9007199254740991,-9007199254740991]",
    );
}

#[test]
fn refuses_numbers_that_readers_take_for_different_ones() {
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        "123456789012345678901234567890",
        "1.0",
        "0.1",
        "1e2",
        "1E-2",
        "-0",
        "-0.0",
    ] {
        let nested = format!("[{{\"a\":{text}}}]");
        assert!(matches!(refused(text.as_bytes()), Error::Number), "{text}");
        assert!(
            matches!(refused(nested.as_bytes()), Error::Number),
            "{text}"
        );
    }
    for value in [json!(0.5), json!(u64::MAX), json!(1_u64 << 53)] {
        assert!(matches!(canonical(&value), Err(Error::Number)), "{value}");
    }
}

#[test]
fn refuses_a_key_that_stands_twice_at_any_depth_and_however_written() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":[{"b":{"":1,"":2}}]}"#,
        r#"{"a":{"a":1},"a":2}"#,
    ] {
        assert!(
            matches!(refused(text.as_bytes()), Error::DuplicateKey),
            "{text}"
        );
    }
    check(r#"{"a":{"a":1},"A":2}"#, r#"{"A":2,"a":{"a":1}}"#);
}

#[test]
fn refuses_what_is_not_json_to_the_last_octet() {
    for bytes in [
        &b""[..],
        b" ",
        b"{} {}",
        b"{}x",
        b"[1,]",
        b"{\"a\":1,}",
        b"{'a':1}",
        b"{a:1}",
        b"[01]",
        b"[+1]",
        b"[.5]",
        b"NaN",
        b"[Infinity]",
        b"// x\n1",
        b"\"\xff\"",
        b"\"\xed\xa0\x80\"",
        b"\"\\ud800\"",
        b"\"\\udc00\\ud800\"",
        b"\"a\nb\"",
        b"\"\\x41\"",
        b"\"a",
        b"\xef\xbb\xbf1",
        b"1\0",
        b"nul",
        b"1e999",
    ] {
        let error = refused(bytes);
        assert!(matches!(error, Error::Syntax(_)), "{bytes:?} {error:?}");
    }
}

#[test]
fn depth_is_bounded_in_reading_and_in_writing() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let deepest = nested(DEPTH_MAX);
    check(&deepest, &deepest);
    for levels in [DEPTH_MAX.checked_add(1).unwrap(), 100_000] {
        assert!(matches!(refused(nested(levels).as_bytes()), Error::TooDeep));
    }
    let objects = format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33));
    assert!(matches!(refused(objects.as_bytes()), Error::TooDeep));
    let value = (0..=DEPTH_MAX).fold(json!(1), |value, _| json!([value]));
    assert!(matches!(canonical(&value), Err(Error::TooDeep)));
}

#[test]
fn length_is_bounded() {
    assert!(parse(b"[1,2]", 5).is_ok());
    assert!(matches!(parse(b"[1,2]", 4), Err(Error::TooLong)));
}

#[test]
fn an_error_says_nothing_of_the_text() {
    for text in [
        r#"{"SECRET":1,"SECRET":2}"#,
        r#"["SECRET" SECRET]"#,
        r#"["SECRET"#,
    ] {
        let error = refused(text.as_bytes());
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(!format!("{error} {error:?} {source:?}").contains("SECRET"));
    }
}

/// Any value of strict JSON.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_form_reads_back_and_is_its_own(value in any_value()) {
        let once = canonical(&value).unwrap();
        let read = parse(&once, usize::MAX).unwrap();
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(canonical(&read).unwrap(), once);
    }

    #[test]
    fn however_it_was_written_the_canonical_form_is_one(value in any_value()) {
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        let read = parse(&pretty, usize::MAX).unwrap();
        prop_assert_eq!(canonical(&read).unwrap(), canonical(&value).unwrap());
    }

    #[test]
    fn reading_anything_ends(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(value) = parse(&bytes, 60) {
            prop_assert!(canonical(&value).is_ok());
        }
    }
}
