//! Keys in REST requests: body, path, query, headers.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_json(place: &str, body: &str, expected: &[&str]) {
    check(&[fin(place)], json(body), expected);
}

#[test]
fn a_json_pointer_leads_to_its_member() {
    check_json("json:/fin", r#"{"fin":"0TEST01"}"#, &["0TEST01"]);
    check_json(
        "json:/a/fin",
        r#" { "x" : 1.5e-7 , "a" : { "fin" : " 0test01 " } } "#,
        &["0TEST01"],
    );
    check_json(
        "json:/a~1b/~0/",
        r#"{"a/b":{"~":{"":"0TEST01"}}}"#,
        &["0TEST01"],
    );
    check_json("json:/0", r#"["0TEST01","0TEST02"]"#, &["0TEST01"]);
    check_json("json:/0", r#"{"0":"0TEST01"}"#, &["0TEST01"]);
    check_json("json:", r#""0TEST01""#, &["0TEST01"]);
    check_json(
        "json:/f\u{131}n",
        "{\"f\\u0131n\":\"0TEST01\"}",
        &["0TEST01"],
    );
    check_json(
        "json:/fin",
        "{\"\\u0066in\":\"\\u0030TEST01\"}",
        &["0TEST01"],
    );
}

#[test]
fn a_star_is_each_element_of_an_array() {
    let place = "json:/persons/*/fin";
    check_json(
        place,
        r#"{"persons":[{"fin":"0TEST02"},{"fin":"0TEST01","x":[]},{"fin":"0TEST02"}]}"#,
        &["0TEST01", "0TEST02"],
    );
    check_json(
        "json:/*",
        r#"["0TEST02","0TEST01"]"#,
        &["0TEST01", "0TEST02"],
    );
    check_json(
        "json:/*/*",
        r#"[["0TEST02"],["0TEST01"]]"#,
        &["0TEST01", "0TEST02"],
    );
    for body in [
        r#"{"persons":[]}"#,
        r#"{"persons":{"fin":"0TEST01"}}"#,
        r#"{"persons":{"*":{"fin":"0TEST01"}}}"#,
        r#"{"persons":"0TEST01"}"#,
        r#"[{"fin":"0TEST01"}]"#,
    ] {
        check_missing(&[fin(place)], json(body), place);
    }
}

#[test]
fn nothing_is_as_if_it_were_not_there() {
    for body in [
        "",
        "{}",
        r#"{"fin":null}"#,
        r#"{"fin":""}"#,
        r#"{"fin":"  "}"#,
        "[]",
        "null",
        "7",
    ] {
        check_missing(&[fin("json:/fin")], json(body), "json:/fin");
    }
    let locators = [
        optional(fin("json:/children/*/fin")),
        optional(at(KeyKind::Document, "json:/children/*/record")),
    ];
    let body = r#"{"children":[{"fin":"0TEST01"},{"fin":null,"record":"77-1"}]}"#;
    check(&locators, json(body), &["0TEST01", "77-1"]);
}

#[test]
fn refuses_what_is_no_text() {
    for value in [
        "true",
        "false",
        "{}",
        "[]",
        r#"["0TEST01"]"#,
        r#"{"fin":"0TEST01"}"#,
        "1234567",
    ] {
        let body = format!("{{\"fin\":{value}}}");
        check_malformed(&[fin("json:/fin")], json(&body), "json:/fin");
    }
}

#[test]
fn other_keys_than_a_fin_may_be_integers() {
    let voen = [at(KeyKind::Voen, "json:/voen")];
    check(&voen, json(r#"{"voen":1401555071}"#), &["1401555071"]);
    check(&voen, json(r#"{"voen":"1401555071"}"#), &["1401555071"]);
    for value in [
        "1401555071.0",
        "1401555071e0",
        "-1401555071",
        "131",
        "14015550710",
    ] {
        let body = format!("{{\"voen\":{value}}}");
        check_malformed(&voen, json(&body), "json:/voen");
    }
    check_unreadable(&voen, json(r#"{"voen":0000000131}"#), "json:/voen");
    let card = [at(KeyKind::IdentityCard, "json:/card")];
    check(
        &card,
        json(r#"{"card":12345678901234567890}"#),
        &["12345678901234567890"],
    );
}

#[test]
fn numbers_elsewhere_may_be_whatever_json_allows() {
    for number in [
        "0",
        "-0",
        "0.5",
        "1e400",
        "-1E+400",
        "123456789012345678901234567890.5",
    ] {
        let body = format!("{{\"n\":[{number}],\"fin\":\"0TEST01\"}}");
        check_json("json:/fin", &body, &["0TEST01"]);
    }
}

#[test]
fn refuses_a_body_that_two_readers_may_read_differently() {
    for body in [
        r#"{"fin":"0TEST01","fin":"0TEST02"}"#,
        r#"{"fin":"0TEST01","\u0066in":"0TEST02"}"#,
        r#"{"fin":"0TEST01","x":{"y":[{"a":1,"a":1}]}}"#,
        r#"{"fin":"0TEST01","FIN":"0TEST02"}"#,
        r#"{"Fin":"0TEST01"}"#,
        r#"{"f\u0131n":"0TEST01"}"#,
        r#"{"fin":"0TEST01"}{"fin":"0TEST02"}"#,
        r#"{"fin":"0TEST01"} x"#,
        "\u{feff}{\"fin\":\"0TEST01\"}",
        r#"{"fin":"0TEST01",}"#,
        r#"{"fin":"0TEST01" /* x */}"#,
        r#"{'fin':'0TEST01'}"#,
        r#"{fin:"0TEST01"}"#,
        r#"{"fin":"0TEST01""#,
        r#"{"fin":"0TEST01"#,
        r#"{"fin" "0TEST01"}"#,
        "{\"fin\":\"0TEST\\ud80001\"}",
        "{\"fin\":\"0TEST01\",\"x\":\"a\nb\"}",
        "{\"fin\":\"0TEST01\",\"x\":\"\\q\"}",
        r#"{"fin":"0TEST01","x":01}"#,
        r#"{"fin":"0TEST01","x":+1}"#,
        r#"{"fin":"0TEST01","x":1.}"#,
        r#"{"fin":"0TEST01","x":.1}"#,
        r#"{"fin":"0TEST01","x":1e}"#,
        r#"{"fin":"0TEST01","x":-}"#,
        r#"{"fin":"0TEST01","x":NaN}"#,
        r#"{"fin":"0TEST01","x":nul}"#,
        r#"{"fin":"0TEST01","x":[1,,2]}"#,
        r#"{"fin":"0TEST01","x":[1 2]}"#,
        "fin=0TEST01",
        "<fin>0TEST01</fin>",
        " ",
        "\"",
        "\\",
    ] {
        check_unreadable(&[fin("json:/fin")], json(body), "json:/fin");
    }
    let latin = b"{\"fin\":\"0TEST01\",\"x\":\"\xfc\"}";
    let source = Source::Rest {
        method: "POST",
        path: "",
        query: None,
        headers: &[],
        json: Some(latin),
    };
    check_unreadable(&[fin("json:/fin")], source, "json:/fin");
}

#[test]
fn a_body_is_bounded_in_depth_and_length() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{\"x\":{open}{close},\"fin\":\"0TEST01\"}}")
    };
    check_json("json:/fin", &nested(127), &["0TEST01"]);
    check_unreadable(&[fin("json:/fin")], json(&nested(128)), "json:/fin");
    check_unreadable(
        &[fin("json:/fin")],
        json(&"[".repeat(1_000_000)),
        "json:/fin",
    );
    let padded = |bytes: usize| format!("{{\"fin\":\"0TEST01\"}}{}", " ".repeat(bytes - 17));
    check_json("json:/fin", &padded(JSON_BYTES_MAX), &["0TEST01"]);
    check_unreadable(
        &[fin("json:/fin")],
        json(&padded(JSON_BYTES_MAX + 1)),
        "json:/fin",
    );
}

#[test]
fn a_request_without_body_names_nobody_in_it() {
    check_missing(&[fin("json:/fin")], GET.source(), "json:/fin");
    let locators = [fin("query:fin"), optional(fin("json:/fin"))];
    check(&locators, query("fin=0TEST01"), &["0TEST01"]);
    // A body that is there must be readable, also where it need not name anybody.
    let with_body = Rest {
        method: "POST",
        json: Some("fin=0TEST02"),
        query: Some("fin=0TEST01"),
        ..GET
    };
    check_unreadable(&locators, with_body.source(), "json:/fin");
}

#[test]
fn a_body_that_never_reaches_the_service_names_nobody() {
    for method in ["GET", "HEAD", "TRACE"] {
        let rest = Rest {
            method,
            json: Some(r#"{"fin":"0TEST01"}"#),
            ..GET
        };
        check_missing(&[fin("json:/fin")], rest.source(), "json:/fin");
        assert!(!needs_json(&[fin("json:/fin")], method, ""));
    }
    let rest = Rest {
        method: "DELETE",
        json: Some(r#"{"fin":"0TEST01"}"#),
        ..GET
    };
    check(&[fin("json:/fin")], rest.source(), &["0TEST01"]);
}

#[test]
fn refuses_a_body_that_calls_itself_something_else() {
    let check_type = |types: &[&str], passes: bool| {
        let types = types
            .iter()
            .map(|value| ("Content-Type".to_owned(), (*value).to_owned()));
        let headers: Vec<(String, String)> = types.collect();
        let rest = Rest {
            method: "POST",
            headers: &headers,
            // To whoever reads a form: somebody else.
            json: Some(r#"{"fin":"0TEST01","x":"&fin=0TEST02&"}"#),
            ..GET
        };
        match passes {
            true => check(&[fin("json:/fin")], rest.source(), &["0TEST01"]),
            false => check_unreadable(&[fin("json:/fin")], rest.source(), "json:/fin"),
        }
    };
    for passes in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;charset=\"utf8\"",
        "application/merge-patch+json",
        "text/plain",
    ] {
        check_type(&[passes], true);
    }
    for refused in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/xml",
        "application/json; charset=utf-7",
        "application/json; charset=utf-8; charset=utf-16",
        "json",
        "",
    ] {
        check_type(&[refused], false);
    }
    check_type(
        &["application/json", "application/x-www-form-urlencoded"],
        false,
    );
}

#[test]
fn a_segment_of_the_path_is_the_key() {
    let one = [fin("path:/persons/{key}")];
    check(&one, path("/persons/0TEST01"), &["0TEST01"]);
    check(&one, path("/persons/0test01/"), &["0TEST01"]);
    check(&one, path("//persons//0TEST01"), &["0TEST01"]);
    check(&one, path("/persons/%30TEST01"), &["0TEST01"]);
    for other in [
        "",
        "/",
        "/persons",
        "/persons/",
        "/people/0TEST01",
        "/Persons/0TEST01/x",
        "/persons/0TEST01/x",
        "/a/persons/0TEST01",
    ] {
        check_missing(&one, path(other), "path:/persons/{key}");
    }
    check_malformed(&one, path("/persons/0TEST0"), "path:/persons/{key}");
    check_malformed(&one, path("/persons/0TEST01;v=1"), "path:/persons/{key}");
    let open = [fin("path:/*/{key}/**")];
    check(&open, path("/persons/0TEST01"), &["0TEST01"]);
    check(&open, path("/persons/0TEST01/income/2025"), &["0TEST01"]);
    check(&open, path("/x/0TEST01"), &["0TEST01"]);
    let two = [fin("path:/{key}/child/{key}")];
    check(
        &two,
        path("/0TEST02/child/0TEST01"),
        &["0TEST01", "0TEST02"],
    );
}

#[test]
fn refuses_a_path_that_two_readers_may_read_differently() {
    let open = [fin("path:/persons/{key}/**")];
    for bad in [
        "/persons/0TEST02/../0TEST01",
        "/persons/0TEST02/%2e%2e/0TEST01",
        "/x/../persons/0TEST01",
        "/persons/./0TEST01",
        "/persons%2F0TEST01/0TEST02",
        "/persons/0TEST01%2F0TEST02",
        "/persons/%2530TEST01",
        "/Persons/0TEST01",
    ] {
        check_unreadable(&open, path(bad), "path:/persons/{key}/**");
    }
    let second = [fin("path:/*/{key}/**")];
    check_unreadable(&second, path("/x%2F0TEST01/0TEST02"), "path:/*/{key}/**");
    // A locator for one endpoint is not left out because the endpoint is written in another way.
    let mut narrow = optional(fin("query:child"));
    narrow.path = Some("/families".to_owned());
    let locators = [fin("header:X-Person"), narrow];
    let headers = [("X-Person".to_owned(), "0TEST01".to_owned())];
    let check_path = |path, expected: Option<&[&str]>| {
        let rest = Rest {
            path,
            query: Some("child=0TEST02"),
            headers: &headers,
            ..GET
        };
        match expected {
            Some(expected) => check(&locators, rest.source(), expected),
            None => check_unreadable(&locators, rest.source(), "query:child"),
        }
    };
    check_path("/families", Some(&["0TEST01", "0TEST02"]));
    check_path("/others", Some(&["0TEST01"]));
    check_path("/families/x", Some(&["0TEST01"]));
    for alike in ["/families/", "/Families", "/x/../families"] {
        check_path(alike, None);
    }
}

#[test]
fn refuses_a_path_that_cannot_be_judged() {
    for bad in [
        "/persons/../../0TEST01",
        "/persons/%zz",
        "/persons/0TEST01%00",
        "/%ff",
        "/a%5cb",
    ] {
        check_unreadable(
            &[fin("path:/persons/{key}")],
            path(bad),
            "path:/persons/{key}",
        );
        // Which locators apply depends on it too.
        check_unreadable(&[optional(fin("query:fin"))], path(bad), "query:fin");
        assert!(!needs_json(&[fin("json:/fin")], "GET", bad));
    }
    check(&[], path("/%ff"), &[]);
}

#[test]
fn a_query_parameter_counts_as_often_as_it_stands() {
    let one = [fin("query:fin")];
    check(&one, query("fin=0TEST01"), &["0TEST01"]);
    check(&one, query("a=b&fin=%30test01&c"), &["0TEST01"]);
    check(&one, query("f%69n=+0TEST01+"), &["0TEST01"]);
    check(
        &one,
        query("fin=0TEST02&fin=0TEST01&fin=0TEST02"),
        &["0TEST01", "0TEST02"],
    );
    for missing in ["", "a=b", "fin", "fin=", "xfin=0TEST01", "fin=+"] {
        check_missing(&one, query(missing), "query:fin");
    }
    check_missing(&one, GET.source(), "query:fin");
    for malformed in [
        "fin=0TEST01,0TEST02",
        "fin=0TEST01&fin=x",
        "fin=%2530TEST01",
        "fin=0TEST01=x",
    ] {
        check_malformed(&one, query(malformed), "query:fin");
    }
    let spaced = [fin("query:a b")];
    check(&spaced, query("a+b=0TEST01"), &["0TEST01"]);
}

#[test]
fn refuses_a_query_that_two_readers_may_read_differently() {
    for bad in [
        "fin=0TEST01&FIN=0TEST02",
        "Fin=0TEST01",
        "fin=%zz",
        "fin=%3",
        "fin=%ff",
        "%zz=1&fin=0TEST01",
        "x=1;fin=0TEST02&fin=0TEST01",
        "fin=0TEST01&x=1;FIN=0TEST02",
        "f%C4%B1n=0TEST01",
        "fin=0TEST01&fin[]=0TEST02",
        "fin=0TEST01&fin%5B0%5D=0TEST02",
        "fin=0TEST01&+fin=0TEST02",
        "fin%20=0TEST01",
        "fin=0TEST01&fin%00=0TEST02",
        "fin=0TEST01&x=1;fin[]=0TEST02",
    ] {
        check_unreadable(&[fin("query:fin")], query(bad), "query:fin");
    }
    let dotted = "a_fin=0TEST01&a.fin=0TEST02";
    check_unreadable(&[fin("query:a_fin")], query(dotted), "query:a_fin");
    // Broken values of others are none of our affair.
    check(
        &[fin("query:fin")],
        query("x=100%&fin=0TEST01&y=1;2"),
        &["0TEST01"],
    );
}

#[test]
fn all_values_of_a_header_count() {
    let headers = |values: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        values.iter().map(owned).collect()
    };
    let one = [fin("header:X-Person")];
    let check_headers = |values: &[(&str, &str)], expected: &[&str]| {
        let headers = headers(values);
        let rest = Rest {
            headers: &headers,
            ..GET
        };
        match expected.is_empty() {
            true => check_missing(&one, rest.source(), "header:X-Person"),
            false => check(&one, rest.source(), expected),
        }
    };
    check_headers(&[("X-Person", "0TEST01")], &["0TEST01"]);
    check_headers(
        &[("x-person", " 0test01 "), ("X-Other", "0TEST09")],
        &["0TEST01"],
    );
    check_headers(
        &[("x-person", "0TEST02"), ("X-PERSON", "0TEST01")],
        &["0TEST01", "0TEST02"],
    );
    check_headers(&[("X-Person", "")], &[]);
    check_headers(&[("X-Personal", "0TEST01")], &[]);
    check_headers(&[], &[]);
    let list = headers(&[("X-Person", "0TEST01, 0TEST02")]);
    let rest = Rest {
        headers: &list,
        ..GET
    };
    check_malformed(&one, rest.source(), "header:X-Person");
    // The same variable to a service that gets headers as such.
    let alike = headers(&[("X-Person", "0TEST01"), ("x_person", "0TEST02")]);
    let rest = Rest {
        headers: &alike,
        ..GET
    };
    check_unreadable(&one, rest.source(), "header:X-Person");
}

#[test]
fn a_locator_is_for_its_method_and_path() {
    let mut locator = fin("json:/fin");
    locator.method = Some("post".to_owned());
    locator.path = Some("/persons/*".to_owned());
    let locators = [locator, fin("query:fin")];
    let rest = Rest {
        method: "POST",
        path: "/persons/find",
        query: Some("fin=0TEST01"),
        headers: &[],
        json: Some(r#"{"fin":"0TEST02"}"#),
    };
    check(&locators, rest.source(), &["0TEST01", "0TEST02"]);
    let other_method = Rest {
        method: "PUT",
        ..rest
    };
    check(&locators, other_method.source(), &["0TEST01"]);
    let other_path = Rest {
        path: "/persons/find/x",
        ..rest
    };
    check(&locators, other_path.source(), &["0TEST01"]);
    assert!(needs_json(&locators, "POST", "/persons/find"));
    assert!(needs_json(&locators, "POST", "/persons/x/../find"));
    assert!(!needs_json(&locators, "PUT", "/persons/find"));
    assert!(!needs_json(&locators, "POST", "/persons/find/x"));
    assert!(!needs_json(&locators[1..], "POST", "/persons/find"));
    assert!(needs_json(&[fin("json:/fin")], "POST", ""));
    // None for this endpoint: what that means is decided elsewhere.
    check(&locators[..1], other_method.source(), &[]);
}

#[test]
fn locators_of_soap_bodies_are_not_for_rest() {
    check(&[fin("soap:/a/fin")], query("fin=0TEST01"), &[]);
    let both = [fin("soap:/a/fin"), fin("query:fin")];
    check(&both, query("fin=0TEST01"), &["0TEST01"]);
    assert!(!needs_json(&[fin("soap:/a/fin")], "POST", ""));
}

#[test]
fn keys_of_several_kinds_are_sorted_by_kind() {
    let locators = [at(KeyKind::Voen, "query:voen"), fin("query:fin")];
    check(
        &locators,
        query("voen=1401555071&fin=0TEST01"),
        &["0TEST01", "1401555071"],
    );
}

proptest! {
    #[test]
    fn all_persons_of_a_document_are_found(
        fins in proptest::collection::btree_set("[0-9A-HJ-NP-Z]{7}", 1..40),
        noise in crate::json::tests::any_value(),
    ) {
        let fins: Vec<String> = fins.into_iter().collect();
        let persons: Vec<_> = fins
            .iter()
            .map(|fin| serde_json::json!({"fin": fin, "noise": noise}))
            .collect();
        let body = serde_json::to_string_pretty(&serde_json::json!({"persons": persons})).unwrap();
        prop_assert_eq!(found(&[fin("json:/persons/*/fin")], json(&body)), Ok(fins));
    }

    #[test]
    fn what_is_read_is_what_another_reader_reads(body in "[{}\\[\\]\",:0-2eE.+\\\\utrfalsn -]{0,24}") {
        // `serde_json` lets keys stand twice and nothing else pass that we refuse.
        if !body.is_empty() && !matches!(found(&[fin("json:/x")], json(&body)), Err(e) if e.contains("read")) {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok(), "{}", body);
        }
    }

    #[test]
    fn any_document_is_read(value in crate::json::tests::any_value()) {
        let body = value.to_string();
        let found = found(&[optional(fin("json:/no such key/x"))], json(&body));
        prop_assert_eq!(found, Err("the request names no person at json:/no such key/x".to_owned()));
    }

    #[test]
    fn reading_anything_ends(
        text in "\\PC{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let locators = [fin("query:a"), fin("path:/{key}/**"), fin("json:/a"), fin("header:a")];
        for locator in locators {
            let headers = [(text.clone(), text.clone())];
            let source = Source::Rest {
                method: &text, path: &text, query: Some(&text), headers: &headers, json: Some(&bytes),
            };
            let _ = found(&[locator], source);
        }
    }
}
