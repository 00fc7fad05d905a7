//! The registry's admin API: who may make which call, and what is refused whoever makes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::country::eventually;
use crate::registry_place::{CLIENT, DESK, MEMBER, Place, document, rule};
use crate::wire;

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Nobody,
    Auditor,
    Registrar,
}

use Who::{Auditor, Nobody, Registrar};

/// Every call there is: method, pattern, the least that may make it, an example of its path, its body.
fn calls() -> Vec<(&'static str, &'static str, Who, String, Value)> {
    let services = json!({ "services": [format!("{DESK}/income")] });
    let text = str::to_owned;
    vec![
        (
            "get",
            "/openapi.json",
            Nobody,
            text("/openapi.json"),
            Value::Null,
        ),
        ("get", "/status", Auditor, text("/status"), Value::Null),
        ("get", "/user", Auditor, text("/user"), Value::Null),
        (
            "get",
            "/member-classes",
            Auditor,
            text("/member-classes"),
            Value::Null,
        ),
        (
            "get",
            "/members",
            Auditor,
            text("/members?class=GOV"),
            Value::Null,
        ),
        (
            "get",
            "/members/{member}",
            Auditor,
            text("/members/AZ:GOV:0000001181"),
            Value::Null,
        ),
        (
            "get",
            "/subsystems",
            Auditor,
            format!("/subsystems?member={MEMBER}"),
            Value::Null,
        ),
        ("get", "/servers", Auditor, text("/servers"), Value::Null),
        (
            "get",
            "/servers/{server}",
            Auditor,
            text("/servers/AZ:GOV:0000001181:iria"),
            Value::Null,
        ),
        ("get", "/groups", Auditor, text("/groups"), Value::Null),
        (
            "get",
            "/groups/{code}",
            Auditor,
            text("/groups/security-server-owners"),
            Value::Null,
        ),
        (
            "get",
            "/certification-services",
            Auditor,
            text("/certification-services"),
            Value::Null,
        ),
        (
            "get",
            "/timestamping-services",
            Auditor,
            text("/timestamping-services"),
            Value::Null,
        ),
        (
            "get",
            "/trusted-anchors",
            Auditor,
            text("/trusted-anchors"),
            Value::Null,
        ),
        ("get", "/systems", Auditor, text("/systems"), Value::Null),
        (
            "get",
            "/systems/{code}",
            Auditor,
            text("/systems/pensions"),
            Value::Null,
        ),
        (
            "get",
            "/services",
            Auditor,
            text("/services?system=pensions"),
            Value::Null,
        ),
        (
            "get",
            "/services/{provider}/{code}",
            Auditor,
            text("/services/AZ%2FGOV%2F0000001181%2Frazilig/income"),
            Value::Null,
        ),
        (
            "get",
            "/published-services",
            Auditor,
            text("/published-services"),
            Value::Null,
        ),
        (
            "post",
            "/published-services/comparison",
            Auditor,
            text("/published-services/comparison"),
            services,
        ),
        ("get", "/purposes", Auditor, text("/purposes"), Value::Null),
        (
            "get",
            "/categories",
            Auditor,
            text("/categories"),
            Value::Null,
        ),
        ("get", "/rules", Auditor, text("/rules"), Value::Null),
        (
            "get",
            "/rules/{id}",
            Auditor,
            text("/rules/aid"),
            Value::Null,
        ),
        ("get", "/settings", Auditor, text("/settings"), Value::Null),
        (
            "put",
            "/settings/consent-service",
            Registrar,
            text("/settings/consent-service"),
            json!({ "feed_urls": ["https://127.0.0.1/karvan/v1/feed"] }),
        ),
        (
            "get",
            "/publication",
            Auditor,
            text("/publication"),
            Value::Null,
        ),
        (
            "get",
            "/publication/versions/{version}",
            Auditor,
            text("/publication/versions/1"),
            Value::Null,
        ),
        (
            "get",
            "/publication/preview",
            Auditor,
            text("/publication/preview"),
            Value::Null,
        ),
        (
            "post",
            "/publication",
            Registrar,
            text("/publication"),
            Value::Null,
        ),
        (
            "post",
            "/changes",
            Registrar,
            text("/changes"),
            json!({ "command": "put-rule", "rule": rule() }),
        ),
        ("get", "/api-keys", Auditor, text("/api-keys"), Value::Null),
        (
            "post",
            "/api-keys",
            Registrar,
            text("/api-keys"),
            json!({ "name": "made", "role": "auditor" }),
        ),
        (
            "delete",
            "/api-keys/{name}",
            Registrar,
            text("/api-keys/made"),
            Value::Null,
        ),
        (
            "get",
            "/trail",
            Auditor,
            text("/trail?count=3"),
            Value::Null,
        ),
        (
            "get",
            "/trail/verification",
            Auditor,
            text("/trail/verification"),
            Value::Null,
        ),
    ]
}

fn octets(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    }
}

/// A key of this role.
fn key(place: &Place, name: &str, role: &str) -> String {
    let made = place.asked(&["key", "add", name, "--role", role]);
    made["key"].as_str().unwrap().to_owned()
}

#[test]
fn each_call_is_made_by_those_who_may_and_by_nobody_else() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let (auditor, registrar) = (
        key(&place, "reader", "auditor"),
        key(&place, "clerk", "registrar"),
    );
    let _running = place.start();

    // Nothing is in the table that this test does not know, nor the other way round.
    let described = document(&place.call("GET", "/openapi.json", None, b""));
    let mut found = BTreeSet::new();
    for (path, calls) in described["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            let role = call["x-role"].as_str().unwrap().to_owned();
            found.insert((method.clone(), path.clone(), role));
        }
    }
    let role = |who| match who {
        Nobody => "none",
        Auditor => "auditor",
        Registrar => "registrar",
    };
    let known = calls().into_iter();
    let known = known
        .map(|(method, path, who, ..)| (method.to_owned(), path.to_owned(), role(who).to_owned()));
    assert_eq!(found, known.collect::<BTreeSet<_>>());

    // Refusals first: they must not have done anything.
    let entries = |place: &Place| {
        let trail = place.call("GET", "/trail/verification", Some(&registrar), b"");
        document(&trail)["entries"].clone()
    };
    let before = entries(&place);
    let keys = [
        (Nobody, None),
        (Nobody, Some("0".repeat(43))),
        (Auditor, Some(auditor)),
    ];
    for (method, pattern, least, path, body) in calls() {
        for (who, key) in &keys {
            if *who >= least {
                continue;
            }
            let method = method.to_uppercase();
            let answer = place.call(&method, &path, key.as_deref(), &octets(&body));
            let expected = match who {
                Nobody => (401, "unauthorized"),
                Auditor | Registrar => (403, "forbidden"),
            };
            let problem = document(&answer);
            let got = (answer.status, problem["code"].as_str().unwrap());
            assert_eq!(got, expected, "{method} {pattern} by {key:?}");
            assert!(!problem["id"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(entries(&place), before);

    for (method, pattern, least, path, body) in calls() {
        let whoever = [
            (Nobody, None),
            (Auditor, keys[2].1.clone()),
            (Registrar, Some(registrar.clone())),
        ];
        for (who, key) in whoever {
            // What changes something changes it once.
            if who < least || (least == Registrar && who != Registrar) {
                continue;
            }
            let method = method.to_uppercase();
            let answer = place.call(&method, &path, key.as_deref(), &octets(&body));
            let expected: &[u16] = match pattern {
                "/servers/{server}" => &[404],
                // What is published already is refused, but by the registry.
                "/publication" if method == "POST" => &[201, 409],
                _ => &[200, 201],
            };
            assert!(
                expected.contains(&answer.status),
                "{method} {path} by {who:?}: {}",
                answer.text()
            );
        }
    }
}

#[test]
fn nobody_learns_which_calls_there_are_and_who_may_is_told_how() {
    let Some(place) = Place::founded() else {
        return;
    };
    let registrar = key(&place, "clerk", "registrar");
    let _running = place.start();
    for path in ["/members", "/none", "/members/x/y", ""] {
        let answer = place.call("GET", path, None, b"");
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("X-Road-ApiKey"));
    }
    let call = |method: &str, path: &str, body: &[u8]| {
        let answer = place.call(method, path, Some(&registrar), body);
        let code = document(&answer)["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, code)
    };
    let expected = |status, code: &str| (status, code.to_owned());
    assert_eq!(call("GET", "/none", b""), expected(404, "no_such_call"));
    assert_eq!(
        call("PUT", "/members", b"{}"),
        expected(405, "method_not_allowed")
    );
    assert_eq!(call("GET", "/members?of=x", b""), expected(400, "invalid"));
    assert_eq!(
        call("GET", "/members/AZ:GOV", b""),
        expected(400, "invalid")
    );
    assert_eq!(
        call("GET", "/members/AZ:GOV:9", b""),
        expected(404, "not_found")
    );
    assert_eq!(call("GET", "/members", b"{}"), expected(400, "invalid"));
    assert_eq!(
        call("GET", "/trail?count=501", b""),
        expected(400, "invalid")
    );
    assert_eq!(
        call("GET", "/publication", b""),
        expected(404, "not_published")
    );
    let put = place.call("PUT", "/members", Some(&registrar), b"{}");
    assert_eq!(put.header("allow"), Some("GET"));

    // Both ways to send a key, and nothing else.
    let by = |value: &str| {
        let headers = [("Authorization", value)];
        wire::get(place.admin(), "/api/karvan/v1/user", &headers).status
    };
    assert_eq!(by(&format!("X-Road-ApiKey token={registrar}")), 200);
    assert_eq!(by(&format!("x-road-apikey token={registrar}")), 200);
    assert_eq!(by(&format!("Bearer {registrar}")), 200);
    assert_eq!(by(&registrar), 401);
    assert_eq!(by(&format!("Basic {registrar}")), 401);
    assert_eq!(by("Bearer "), 401);
    let twice = format!("Bearer {registrar}");
    let headers = [
        ("Authorization", twice.as_str()),
        ("Authorization", twice.as_str()),
    ];
    assert_eq!(
        wire::get(place.admin(), "/api/karvan/v1/user", &headers).status,
        401
    );
}

#[test]
fn a_change_is_strict_json_of_a_bounded_length_and_changes_all_or_nothing() {
    let Some(place) = Place::founded() else {
        return;
    };
    let mut file = place.file();
    let admin = file["admin"].as_table_mut().unwrap();
    admin.insert("request_bytes_max".to_owned(), 1_000.into());
    place.write(&file);
    let registrar = key(&place, "clerk", "registrar");
    let _running = place.start();
    let change = |body: &str| {
        let answer = place.call("POST", "/changes", Some(&registrar), body.as_bytes());
        let code = document(&answer)["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, code)
    };
    let expected = |status, code: &str| (status, code.to_owned());
    let malformed = expected(400, "malformed");
    assert_eq!(change("{"), malformed);
    assert_eq!(change(""), malformed);
    assert_eq!(change(r#"{"command":"add-nothing"}"#), malformed);
    assert_eq!(change(r#"{"command":"publish-rules","more":1}"#), malformed);
    let member = r#"{"command":"add-member","member":"AZ/GOV/2","name":"a""#;
    assert_eq!(change(&format!("{member},\"name\":\"b\"}}")), malformed);
    assert_eq!(change(&format!("{member},\"more\":1}}")), malformed);
    assert_eq!(
        change(&format!("{member}}}{}", " ".repeat(1_000))),
        expected(413, "too_long")
    );
    let local = r#"{"command":"add-api-key","name":"local","role":"auditor","sha256":""#;
    let local = format!("{local}{}\"}}", "0".repeat(64));
    assert_eq!(change(&local), expected(409, "reserved"));
    let headers = [
        ("Authorization", format!("Bearer {registrar}")),
        ("Content-Type", "text/plain".to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let path = "/api/karvan/v1/changes";
    let answer = wire::post(
        place.admin(),
        path,
        &headers,
        format!("{member}}}").as_bytes(),
    );
    assert_eq!(answer.status, 415);
    assert_eq!(
        place
            .call("GET", "/members/AZ:GOV:2", Some(&registrar), b"")
            .status,
        404
    );

    assert_eq!(change(&format!("{member}}}")).0, 201);
    let trail = document(&place.call("GET", "/trail?count=1", Some(&registrar), b""));
    assert_eq!(trail["items"][0]["who"], "clerk");
    assert_eq!(trail["items"][0]["command"], "add-member");
    assert_eq!(trail["items"][0]["changes"][0]["before"], Value::Null);
    assert_eq!(trail["items"][0]["changes"][0]["after"]["name"], "a");
    assert_eq!(change(&format!("{member}}}")), expected(409, "exists"));
}

#[test]
fn a_key_holds_until_it_is_ended_and_is_shown_once() {
    let Some(place) = Place::founded() else {
        return;
    };
    let registrar = key(&place, "clerk", "registrar");
    let _running = place.start();
    let body = br#"{"name":"reader","role":"auditor"}"#;
    let made = document(&place.call("POST", "/api-keys", Some(&registrar), body));
    let reader = made["key"].as_str().unwrap().to_owned();
    let user = document(&place.call("GET", "/user", Some(&reader), b""));
    assert_eq!(user, json!({ "name": "reader", "role": "auditor" }));

    let listed = place.call("GET", "/api-keys", Some(&reader), b"");
    let names = document(&listed)["items"].clone();
    let names = names.as_array().unwrap().iter();
    let names: Vec<_> = names
        .map(|key| key["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["clerk", "reader"]);
    let trail = place.call("GET", "/trail", Some(&reader), b"");
    for shown in [listed.text(), trail.text()] {
        assert!(
            !shown.contains(&reader) && !shown.contains(&registrar),
            "{shown}"
        );
    }

    assert_eq!(
        place
            .call("DELETE", "/api-keys/reader", Some(&registrar), b"")
            .status,
        200
    );
    assert_eq!(place.call("GET", "/user", Some(&reader), b"").status, 401);
    assert_eq!(
        place
            .call("DELETE", "/api-keys/reader", Some(&registrar), b"")
            .status,
        404
    );
}

#[test]
fn the_trail_is_read_page_by_page_without_gaps() {
    let Some(place) = Place::founded() else {
        return;
    };
    let registrar = key(&place, "clerk", "registrar");
    let _running = place.start();
    let mut numbers = Vec::new();
    let mut path = "/trail?count=3".to_owned();
    loop {
        let page = document(&place.call("GET", &path, Some(&registrar), b""));
        let entries = page["items"].as_array().unwrap().iter();
        numbers.extend(entries.map(|entry| entry["number"].as_u64().unwrap()));
        match page["below"].as_u64() {
            Some(below) => path = format!("/trail?count=3&below={below}"),
            None => break,
        }
    }
    let newest = numbers[0];
    assert_eq!(numbers, (1..=newest).rev().collect::<Vec<_>>());
}

#[test]
fn what_is_changed_is_published_at_once_and_a_deregistered_system_is_off() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let registrar = key(&place, "clerk", "registrar");
    let _running = place.start();
    let part = || -> Value {
        let directory = wire::get(place.public(), "/internalconf?version=6", &[]).text();
        let lines = directory.lines();
        let mut locations = lines.filter_map(|line| line.strip_prefix("Content-location: "));
        let location = locations.find(|path| path.ends_with("karvan-rules.json"));
        document(&wire::get(
            place.public(),
            location.expect("rules are published"),
            &[],
        ))
    };
    assert_eq!(part()["systems"][0]["status"], "registered");
    assert_eq!(part()["rules"][0]["version"], 1);

    let changes: BTreeMap<&str, Value> = BTreeMap::from([
        ("1", json!({ "command": "put-rule", "rule": rule() })),
        (
            "2",
            json!({ "command": "deregister-system", "code": "pensions" }),
        ),
    ]);
    for change in changes.values() {
        let answer = place.call("POST", "/changes", Some(&registrar), &octets(change));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    eventually("the system is off", || {
        part()["systems"][0]["status"] == "deregistered"
    });
    // The draft waits: only what takes leave away goes out by itself.
    assert_eq!(part()["rules"][0]["version"], 1);
    let comparison = json!({ "services": [format!("{DESK}/income"), format!("{CLIENT}/none")] });
    let path = "/published-services/comparison";
    let compared = document(&place.call("POST", path, Some(&registrar), &octets(&comparison)));
    assert_eq!(compared["switched_off"], json!([format!("{DESK}/income")]));
    assert_eq!(compared["missing"], json!([format!("{CLIENT}/none")]));
}
