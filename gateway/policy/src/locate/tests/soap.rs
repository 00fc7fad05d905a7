//! Keys in SOAP bodies.

use proptest::prelude::*;

use super::*;

fn envelope(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:p=\"urn:p\">\
         <s:Header><p:GetPerson><fin>0TEST99</fin></p:GetPerson></s:Header>\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn source(envelope: &str) -> Source<'_> {
    Source::Soap {
        envelope: envelope.as_bytes(),
    }
}

#[track_caller]
fn check_body(body: &str, expected: &[&str]) {
    check(&[fin(FIN)], source(&envelope(body)), expected);
}

#[test]
fn finds_an_element_by_its_path_from_the_child_of_the_body() {
    check_body(
        "<p:GetPerson><fin>0TEST01</fin></p:GetPerson>",
        &["0TEST01"],
    );
    check_body(
        "<GetPerson><p:fin> 0test01\n</p:fin></GetPerson>",
        &["0TEST01"],
    );
    check_body(
        "<GetPerson><a><b/></a><fin>0TEST01</fin></GetPerson>",
        &["0TEST01"],
    );
    check_body(
        "<GetPerson><fin xmlns:x=\"urn:x\" x:a=\"1\">0TEST01</fin></GetPerson>",
        &["0TEST01"],
    );
}

#[test]
fn does_not_find_it_elsewhere() {
    for body in [
        "",
        "<GetPerson/>",
        "<GetPerson>0TEST01</GetPerson>",
        "<fin>0TEST01</fin>",
        "<GetPeople><fin>0TEST01</fin></GetPeople>",
        "<GetPerson><a><fin>0TEST01</fin></a></GetPerson>",
        "<a><GetPerson><fin>0TEST01</fin></GetPerson></a>",
        "<GetPerson fin=\"0TEST01\"><!--<fin>0TEST01</fin>--></GetPerson>",
        "<GetPerson><![CDATA[<fin>0TEST01</fin>]]></GetPerson>",
        "<GetPerson><fin/></GetPerson>",
        "<GetPerson><!-- 0TEST01 --><fin> </fin></GetPerson>",
    ] {
        check_missing(&[fin(FIN)], source(&envelope(body)), FIN);
    }
}

#[test]
fn a_namespace_where_one_is_named_must_be_that() {
    let strict = [fin("soap:/{urn:p}GetPerson/{}fin")];
    let check_strict = |body: &str, found: bool| {
        let envelope = envelope(body);
        match found {
            true => check(&strict, source(&envelope), &["0TEST01"]),
            // A service that does not look at namespaces would find it.
            false => check_unreadable(&strict, source(&envelope), "soap:/{urn:p}GetPerson/{}fin"),
        }
    };
    check_strict("<p:GetPerson><fin>0TEST01</fin></p:GetPerson>", true);
    check_strict(
        "<x:GetPerson xmlns:x=\"urn:p\"><fin>0TEST01</fin></x:GetPerson>",
        true,
    );
    check_strict("<GetPerson><fin>0TEST01</fin></GetPerson>", false);
    check_strict(
        "<p:GetPerson xmlns:p=\"urn:q\"><fin>0TEST01</fin></p:GetPerson>",
        false,
    );
    check_strict("<p:GetPerson><p:fin>0TEST01</p:fin></p:GetPerson>", false);
}

#[test]
fn all_that_match_count_each_once_and_in_order() {
    check_body(
        "<GetPerson><fin>0TEST02</fin><x/><fin>0TEST01</fin><fin>0test02</fin></GetPerson>",
        &["0TEST01", "0TEST02"],
    );
    // Also in a second child of the body: the service may read either.
    check_body(
        "<GetPerson><fin>0TEST02</fin></GetPerson><GetPerson><fin>0TEST01</fin></GetPerson>",
        &["0TEST01", "0TEST02"],
    );
}

#[test]
fn one_wrong_among_many_refuses_all() {
    let body = "<GetPerson><fin>0TEST01</fin><fin>0TEST0</fin></GetPerson>";
    check_malformed(&[fin(FIN)], source(&envelope(body)), FIN);
    let body = "<GetPerson><fin>0TEST01</fin><fin/></GetPerson>";
    check_missing(&[fin(FIN)], source(&envelope(body)), FIN);
    check(&[optional(fin(FIN))], source(&envelope(body)), &["0TEST01"]);
}

#[test]
fn text_is_what_a_parser_gives() {
    check_body(
        "<GetPerson><fin>0TE<![CDATA[ST01]]></fin></GetPerson>",
        &["0TEST01"],
    );
    check_body(
        "<GetPerson><fin>0TEST&#48;1</fin></GetPerson>",
        &["0TEST01"],
    );
    check_body(
        "<GetPerson><!-- x --><fin>\n0TEST01\n</fin><?x y?></GetPerson>",
        &["0TEST01"],
    );
}

#[test]
fn an_element_that_some_take_for_the_declared_one_is_refused() {
    for body in [
        "<getperson><fin>0TEST01</fin></getperson>",
        "<GetPerson><Fin>0TEST01</Fin></GetPerson>",
        "<GetPerson><fin>0TEST01</fin><FIN>0TEST02</FIN></GetPerson>",
        "<GetPerson><f\u{131}n>0TEST01</f\u{131}n></GetPerson>",
    ] {
        check_unreadable(&[optional(fin(FIN))], source(&envelope(body)), FIN);
    }
    let strict = "soap:/{urn:p}GetPerson/{}fin";
    let body = "<p:GetPerson><fin>0TEST01</fin><p:fin>0TEST02</p:fin></p:GetPerson>";
    check_unreadable(&[fin(strict)], source(&envelope(body)), strict);
}

#[test]
fn a_text_that_parsers_disagree_about_is_refused() {
    for body in [
        "<GetPerson><fin>0TEST0<!-- x -->1</fin></GetPerson>",
        "<GetPerson><fin>0TEST01<!-- x -->0TEST02</fin></GetPerson>",
        "<GetPerson><fin>0TEST01<?x y?>2</fin></GetPerson>",
        "<GetPerson><fin><!--0TEST02-->0TEST01</fin></GetPerson>",
        "<GetPerson><fin>0TEST01<!-- y --></fin></GetPerson>",
        "<GetPerson><fin> <!-- 0TEST01 --> </fin></GetPerson>",
        "<GetPerson><fin><?x y?>0TEST01</fin></GetPerson>",
        "<GetPerson><fin href=\"#1\"/><x id=\"1\">0TEST02</x></GetPerson>",
        "<GetPerson><fin><x:Include xmlns:x=\"http://www.w3.org/2004/08/xop/include\" \
         href=\"cid:1\"/></fin></GetPerson>",
        "<GetPerson><fin><a>0TEST01</a></fin></GetPerson>",
        "<GetPerson><fin>0TEST01<a/></fin></GetPerson>",
        "<GetPerson><fin><fin>0TEST01</fin></fin></GetPerson>",
        "<GetPerson><fin>0TEST01 0TEST02</fin></GetPerson>",
    ] {
        check_malformed(&[fin(FIN)], source(&envelope(body)), FIN);
    }
    // The same for a number that would be one in either reading.
    let card = at(KeyKind::IdentityCard, "soap:/GetPerson/card");
    let body = "<GetPerson><card>AA123<!-- x -->4567</card></GetPerson>";
    check_malformed(&[card], source(&envelope(body)), "soap:/GetPerson/card");
}

#[test]
fn several_locators_are_looked_for_together() {
    let locators = [
        at(KeyKind::Voen, "soap:/GetPerson/voen"),
        fin(FIN),
        fin("soap:/GetPerson/child/fin"),
        optional(at(KeyKind::Document, "soap:/GetPerson/child")),
    ];
    let body = "<GetPerson><voen>1401555071</voen><fin>0TEST02</fin>\
                <child><fin>0TEST01</fin></child></GetPerson>";
    check_malformed(&locators, source(&envelope(body)), "soap:/GetPerson/child");
    check(
        &locators[..3],
        source(&envelope(body)),
        &["0TEST01", "0TEST02", "1401555071"],
    );
    let body = "<GetPerson><voen>1401555071</voen><fin>0TEST02</fin></GetPerson>";
    check_missing(
        &locators,
        source(&envelope(body)),
        "soap:/GetPerson/child/fin",
    );
}

#[test]
fn what_is_optional_may_be_missing_if_another_is_found() {
    let locators = [
        optional(fin(FIN)),
        optional(at(KeyKind::Document, "soap:/GetPerson/record")),
    ];
    let body = "<GetPerson><record>77-1</record></GetPerson>";
    check(&locators, source(&envelope(body)), &["77-1"]);
    check_missing(&locators, source(&envelope("<GetPerson/>")), FIN);
    let body = "<GetPerson><fin>x</fin><record>77-1</record></GetPerson>";
    check_malformed(&locators, source(&envelope(body)), FIN);
}

#[test]
fn refuses_an_envelope_that_is_none() {
    let fins = "<GetPerson><fin>0TEST01</fin></GetPerson>";
    let good = envelope(fins);
    for bad in [
        String::new(),
        "x".to_owned(),
        good.replace("</fin>", ""),
        good.replace("s:Envelope", "s:Umschlag"),
        good.replace("s:Body", "s:Corpus"),
        good.replace("s:Body", "p:Body"),
        good.replace("</s:Envelope>", "<s:Body/></s:Envelope>"),
        format!("<!DOCTYPE x>{good}"),
        good.replace("0TEST01", "&fin;"),
        format!("{good}{good}"),
        good.replace("<GetPerson>", &"<a>".repeat(200)),
    ] {
        assert_ne!(bad, good);
        check_unreadable(&[fin(FIN)], source(&bad), FIN);
    }
    let bytes = [&[0xff, 0xfe], good.as_bytes()].concat();
    check_unreadable(&[fin(FIN)], Source::Soap { envelope: &bytes }, FIN);
}

#[test]
fn an_envelope_in_latin_1_is_read() {
    let declaration = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>";
    let text = format!(
        "{declaration}{}",
        envelope("<GetPerson><name>\u{fc}</name><fin>0TEST01</fin></GetPerson>")
    );
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    check(&[fin(FIN)], Source::Soap { envelope: &bytes }, &["0TEST01"]);
}

#[test]
fn locators_of_rest_requests_are_not_for_soap() {
    let body = envelope("<GetPerson><fin>0TEST01</fin></GetPerson>");
    check(&[], source(&body), &[]);
    check(&[fin("query:fin"), fin("json:/fin")], source(&body), &[]);
    check(&[fin("query:fin"), fin(FIN)], source(&body), &["0TEST01"]);
    // Without one for SOAP nothing is looked into.
    check(&[fin("query:fin")], source("x"), &[]);
}

#[test]
fn persons_are_bounded() {
    let body = |count: usize| {
        let fins: String = (0..count)
            .map(|number| format!("<fin>{number:07}</fin>"))
            .collect();
        envelope(&format!("<GetPerson>{fins}{fins}</GetPerson>"))
    };
    let most = found(&[fin(FIN)], source(&body(PERSONS_MAX))).unwrap();
    assert_eq!(most.len(), PERSONS_MAX);
    let many = body(PERSONS_MAX + 1);
    let error = persons(&[fin(FIN)], source(&many), &Alphabet::default());
    assert_eq!(error, Err(Error::TooMany { count_max: 64 }));
}

#[test]
fn the_alphabet_of_the_rules_counts() {
    let body = envelope("<GetPerson><fin>0TEST0I</fin></GetPerson>");
    check_malformed(&[fin(FIN)], source(&body), FIN);
    let whole = Alphabet::new("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").unwrap();
    assert!(persons(&[fin(FIN)], source(&body), &whole).is_ok());
}

#[test]
fn a_request_shows_nobody_when_printed() {
    let body = envelope("<GetPerson><fin>0TEST01</fin></GetPerson>");
    assert!(!format!("{:?}", source(&body)).contains("84, 69"));
    assert!(!format!("{:?}", json(r#"{"fin":"0TEST01"}"#)).contains("84, 69"));
    assert!(!format!("{:?}", query("fin=0TEST01")).contains("0TEST01"));
}

proptest! {
    #[test]
    fn all_persons_of_a_body_are_found(
        fins in proptest::collection::btree_set("[0-9A-HJ-NP-Z]{7}", 1..40),
        noise in proptest::collection::vec(("(a|fins|name)", "[a-z]{0,4}"), 0..4),
    ) {
        let noise: String = noise
            .iter()
            .map(|(name, text)| format!("<{name}>{text}</{name}>"))
            .collect();
        let fins: Vec<String> = fins.into_iter().collect();
        let list: String = fins.iter().rev().map(|fin| format!("{noise}<fin>{fin}</fin>")).collect();
        let body = envelope(&format!("<GetPerson>{list}</GetPerson>"));
        prop_assert_eq!(found(&[fin(FIN)], source(&body)), Ok(fins));
    }

    #[test]
    fn reading_anything_ends(body in "[<>/a-cfin&;!?\\[\\]\"= -]{0,60}") {
        let _ = found(&[fin(FIN)], source(&envelope(&body)));
        let _ = found(&[fin(FIN)], source(&body));
    }
}

const FIN: &str = "soap:/GetPerson/fin";
