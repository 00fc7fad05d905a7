//! Places as text.

use proptest::prelude::*;

use super::super::place::{Pattern, Segment, Step, Token};
use super::*;

#[test]
fn each_form_of_a_place_is_read_and_written_the_same() {
    for text in [
        "soap:/GetPersonByFin/fin",
        "soap:/{http://iamas.din.az/2026}GetPersonByFin/{}fin",
        "soap:/{urn:x/y}a/b",
        "soap:/Şəxs/şəxsiyyət_vəsiqəsi.1-a",
        "json:",
        "json:/",
        "json:/persons/*/fin",
        "json:/a~1b/~0/ x /0",
        "json:/**",
        "path:/{key}",
        "path:/persons/{key}/**",
        "path:/*/şəxs/{key}/{key}",
        "query:fin",
        "query:person[fin]",
        "query:a b:c",
        "header:X-Person",
    ] {
        let place: Place = text.parse().unwrap();
        assert_eq!(place.to_string(), text);
        let json = serde_json::to_string(&place).unwrap();
        assert_eq!(json, serde_json::to_string(text).unwrap());
        assert_eq!(serde_json::from_str::<Place>(&json).unwrap(), place);
    }
}

#[test]
fn refuses_what_is_no_place() {
    for text in [
        "",
        "fin",
        "xpath:/a",
        "SOAP:/a",
        " soap:/a",
        "soap:",
        "soap:/",
        "soap:a",
        "soap:/a/",
        "soap://a",
        "soap:/a b",
        "soap:/a:b",
        "soap:/*",
        "soap:/1a",
        "soap:/a[1]",
        "soap:/@a",
        "soap:/{urn:x}",
        "soap:/{urn:x",
        "soap:/{urn:{x}a",
        "soap:/{urn: x}a",
        "json:persons",
        "json:/~",
        "json:/~2",
        "json:/a~",
        "path:",
        "path:{key}",
        "path:/",
        "path:/persons",
        "path:/persons/**",
        "path:/**/{key}",
        "path:/{key}/**/a",
        "path:/{key}/",
        "path://{key}",
        "path:/./{key}",
        "path:/../{key}",
        "path:/a*/{key}",
        "path:/{fin}",
        "path:/a{key}",
        "path:/a\\b/{key}",
        "query:",
        "query:a\n",
        "header:",
        "header:X Person",
        "header:X-Person:",
        "header:ş",
        "json:/\u{0}",
    ] {
        assert!(text.parse::<Place>().is_err(), "{text:?}");
        assert!(Place::try_from(text.to_owned()).is_err());
    }
    assert!(
        format!("query:{}", "x".repeat(506))
            .parse::<Place>()
            .is_ok()
    );
    assert!(
        format!("query:{}", "x".repeat(507))
            .parse::<Place>()
            .is_err()
    );
}

#[test]
fn a_locator_is_read_without_what_it_leaves_out() {
    let locator: Locator =
        serde_json::from_str(r#"{"kind":"fin","at":"soap:/GetPersonByFin/fin"}"#).unwrap();
    assert_eq!(locator, fin("soap:/GetPersonByFin/fin"));
    let refused = [
        r#"{"kind":"fin","at":"soap"}"#,
        r#"{"kind":"fin","at":"query:fin","regex":"x"}"#,
        r#"{"at":"query:fin"}"#,
    ];
    for json in refused {
        assert!(serde_json::from_str::<Locator>(json).is_err(), "{json}");
    }
}

fn any_place() -> impl Strategy<Value = Place> {
    let namespace = proptest::option::of("[a-z:/.#]{0,12}");
    let step = (namespace, "[A-Za-zəş_][A-Za-z0-9._-]{0,8}")
        .prop_map(|(namespace, name)| Step { namespace, name });
    let token = prop_oneof![
        Just(Token::Each),
        "[^\\x00-\\x1f\\x7f-\\u{9f}]{0,8}"
            .prop_filter("a star is each", |key| key != "*")
            .prop_map(Token::Key),
    ];
    let segment = prop_oneof![
        Just(Segment::One),
        Just(Segment::Key),
        "[a-z0-9ə% ]{1,8}".prop_map(Segment::Literal),
    ];
    let pattern = (proptest::collection::vec(segment, 0..4), any::<bool>()).prop_map(
        |(mut segments, open)| {
            segments.push(Segment::Key);
            Pattern { segments, open }
        },
    );
    prop_oneof![
        proptest::collection::vec(step, 1..5).prop_map(Inner::Soap),
        proptest::collection::vec(token, 0..5).prop_map(Inner::Json),
        pattern.prop_map(Inner::Path),
        "[^\\x00-\\x1f\\x7f-\\u{9f}]{1,12}".prop_map(Inner::Query),
        "[A-Za-z0-9-]{1,12}".prop_map(Inner::Header),
    ]
    .prop_map(Place)
}

proptest! {
    #[test]
    fn a_place_comes_back_from_its_text(place in any_place()) {
        let text = place.to_string();
        prop_assert_eq!(text.parse::<Place>(), Ok(place), "{}", text);
    }

    #[test]
    fn a_text_that_is_a_place_is_its_one_text(
        text in "(soap|json|path|query|header):[a-c/*{}~01key.:-]{0,16}",
    ) {
        if let Ok(place) = text.parse::<Place>() {
            prop_assert_eq!(place.to_string(), text);
        }
    }
}
