//! `karvan sandbox`: the document it prints, taking a country up again, staying up.

use serde_json::Value;

use crate::country::{Country, eventually, karvan, text};
use crate::wire;

/// The document has the members promised, all of them of their kind; more may stand beside.
#[track_caller]
fn check_document(stdout: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(stdout).expect("one JSON document");
    assert_eq!(document["ok"], true, "{document}");
    let steps = document["steps"].as_array().expect("steps");
    assert!(steps.len() >= 16, "only {} steps", steps.len());
    for step in steps {
        for name in ["name", "expect", "got", "message_id"] {
            assert!(
                step[name].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {step}"
            );
        }
        assert_eq!(step["ok"], true, "{step}");
        assert!(step["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{step}");
    }
    let count = |name: &str| document["audit"][name].as_u64().expect("a number");
    assert!(count("records") > 0 && count("verified") > 0);
    assert!(count("verified") <= count("records"));
    assert_eq!(count("failed"), 0);
    let count = |name: &str| document["evidence"][name].as_u64().expect("a number");
    // Refusals are proved, too, and have no container.
    assert!(count("containers") > 0 && count("proved") >= count("containers"));
    assert_eq!(count("cosigned"), count("proved"));
    assert!(count("matched") > 0);
    assert_eq!(document["evidence"]["failures"], Value::Array(Vec::new()));
    document
}

#[test]
fn tells_the_story_and_takes_the_country_up_again() {
    let Some(country) = Country::place() else {
        return;
    };
    let first = country.sandbox(&["--once", "--json"]);
    assert!(first.status.success(), "{}", text(&first));
    let first = check_document(&first.stdout);

    // The second run stands on the first one's keys, registrations, databases and logs.
    let anchor = std::fs::read(country.folder().join("anchor.xml")).unwrap();
    let second = country.sandbox(&["--once", "--json"]);
    assert!(second.status.success(), "{}", text(&second));
    let second = check_document(&second.stdout);
    assert_eq!(
        std::fs::read(country.folder().join("anchor.xml")).unwrap(),
        anchor
    );
    let audited = |document: &Value, name: &str| document["audit"][name].as_u64().unwrap();
    // The second story was added to the first; how often a story asks until a change has spread differs.
    for name in ["records", "verified"] {
        assert!(audited(&second, name) > audited(&first, name), "{name}");
    }
    let told = first["steps"][0]["message_id"].as_str().unwrap();
    let log = country.folder().join("nodes").join("iria").join("data");
    let shown = karvan().args(["audit", "show"]).arg(log).arg(told).output();
    let shown = shown.unwrap();
    assert!(shown.status.success(), "{}", text(&shown));
    assert_ne!(
        first["steps"][0]["message_id"],
        second["steps"][0]["message_id"]
    );
}

#[test]
fn tells_the_story_with_rsa_keys() {
    let Some(country) = Country::place() else {
        return;
    };
    let told = country.sandbox(&["--once", "--json", "--keys", "rsa2048"]);
    assert!(told.status.success(), "{}", text(&told));
    check_document(&told.stdout);
}

#[test]
fn stays_up_and_says_where_to_call_it() {
    let Some(country) = Country::place() else {
        return;
    };
    let sandbox = country.spawn_sandbox();
    let file = country.folder().join("endpoints.json");
    eventually("endpoints.json", || file.exists());

    let endpoints: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(endpoints["client"], wire::PORTAL);
    assert_eq!(endpoints["through_nodes"], true);
    for code in [
        "GetPersonByFin",
        "GetFamily",
        "GetLabourContracts",
        "RegisterLabourContract",
    ] {
        for name in ["provider", "version", "namespace", "soap", "wsdl", "rest"] {
            let value = &endpoints["services"][code][name];
            assert!(
                value.as_str().is_some_and(|text| !text.is_empty()),
                "{code} {name}: {value}"
            );
        }
    }
    let portal = country.clients("iria");
    let rest = endpoints["services"]["GetPersonByFin"]["rest"]
        .as_str()
        .unwrap();
    let path = rest
        .strip_prefix(&format!("http://{portal}"))
        .expect("the portal's node");
    let path = format!("{path}/persons/0TEST01");
    let answer = wire::get(portal, &path, &[("X-Road-Client", wire::PORTAL)]);
    assert_eq!(answer.status, 200, "{}", answer.text());

    let said = sandbox.stop();
    assert!(said.contains("curl -s http://"), "{said}");
}

#[test]
fn refuses_a_port_somebody_else_holds() {
    let Some(country) = Country::place() else {
        return;
    };
    let holder = std::net::TcpListener::bind(country.registry()).unwrap();
    let refused = country.sandbox(&["--once"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains(&country.registry().to_string()), "{said}");
    assert!(said.contains("--base-port"), "{said}");
    drop(holder);
}
