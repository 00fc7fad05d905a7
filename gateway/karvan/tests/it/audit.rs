//! `karvan audit`: one exchange, a whole log, a log somebody changed.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::country::{Country, karvan, text};

fn audit(arguments: &[&str], data: &Path, more: &[&str]) -> Output {
    karvan()
        .arg("audit")
        .args(arguments)
        .arg(data)
        .args(more)
        .output()
        .unwrap()
}

#[track_caller]
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

/// A country that has told its story, and what it said of it.
fn told() -> Option<(Country, Value)> {
    let country = Country::place()?;
    let output = country.sandbox(&["--once", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let document = document(&output);
    Some((country, document))
}

fn message_id(document: &Value, name: &str) -> String {
    let steps = document["steps"].as_array().unwrap();
    let step = steps
        .iter()
        .find(|step| step["name"].as_str().unwrap().contains(name));
    step.expect("the step is told")["message_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Changes one byte of the first message: the person asked about.
fn change(data: &Path) {
    let segment = data.join("log/segments/0000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let wanted = b"iamas/persons/0TEST01";
    let at = bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
        .unwrap();
    let changed = &mut bytes[at + wanted.len() - 1];
    assert_eq!(*changed, b'1');
    *changed = b'3';
    std::fs::write(&segment, bytes).unwrap();
}

#[test]
fn shows_an_exchange_on_both_sides_and_verifies_whole_logs() {
    let Some((country, story)) = told() else {
        return;
    };
    let id = message_id(&story, "REST, by FIN");
    for (node, side) in [("iria", "consumer"), ("din", "provider")] {
        let shown = audit(&["show"], &country.data(node), &[&id]);
        assert!(shown.status.success(), "{}", text(&shown));
        let said = String::from_utf8_lossy(&shown.stdout);
        for wanted in [
            &format!("REST request of the {side}"),
            &format!("REST response of the {side}"),
            "AZ/GOV/0000001181/mygov",
            "AZ/GOV/0000000131/iamas/persons",
            &id,
            "OCSP good at",
            "holds",
        ] {
            assert!(said.contains(wanted), "no {wanted} in {said}");
        }
        assert!(!said.contains("FAILS"), "{said}");
        // A person's number is shown only to who asks for the messages themselves.
        assert!(!said.contains("0TEST01"), "{said}");

        let shown = document(&audit(&["show", "--json"], &country.data(node), &[&id]));
        assert_eq!(shown["ok"], true, "{shown}");
        assert_eq!(shown["unreadable"], Value::Array(Vec::new()));
        let entries = shown["entries"].as_array().unwrap();
        let directions: Vec<_> = entries.iter().map(|entry| &entry["direction"]).collect();
        assert_eq!(directions, ["request", "response"]);
        for entry in entries {
            assert_eq!(
                (&entry["side"], &entry["message_id"]),
                (&side.into(), &id.clone().into())
            );
            assert_eq!(entry["ok"], true, "{entry}");
            assert!(entry["message"].is_null());
        }
        assert_eq!(entries[0]["signer"]["member"], "MEMBER:AZ/GOV/0000001181");
        assert_eq!(entries[1]["signer"]["member"], "MEMBER:AZ/GOV/0000000131");
        assert_eq!(entries[0]["request_id"], entries[1]["request_id"]);

        let with = audit(&["show", "--messages"], &country.data(node), &[&id]);
        assert!(
            String::from_utf8_lossy(&with.stdout).contains("0TEST01"),
            "{}",
            text(&with)
        );

        let verified = audit(&["verify"], &country.data(node), &[]);
        assert!(verified.status.success(), "{}", text(&verified));
        assert!(String::from_utf8_lossy(&verified.stdout).ends_with(", 0 failed\n"));
        let verified = document(&audit(&["verify", "--json"], &country.data(node), &[]));
        assert_eq!(verified["ok"], true, "{verified}");
        assert_eq!(verified["failures"], Value::Array(Vec::new()));
        assert!(verified["tally"]["verified"].as_u64().unwrap() > 0);
    }

    let id = message_id(&story, "a path its right does not cover");
    let shown = document(&audit(&["show", "--json"], &country.data("din"), &[&id]));
    assert_eq!(shown["entries"][0]["kind"], "refusal", "{shown}");
    assert_eq!(
        shown["entries"][0]["code"], "server.serverproxy.access_denied",
        "{shown}"
    );
    assert_eq!(
        shown["entries"][0]["client"], "SUBSYSTEM:AZ/GOV/0000001181/mygov",
        "{shown}"
    );

    let nothing = audit(&["show"], &country.data("din"), &["no-such-id"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&nothing.stdout),
        "nothing is logged under this id\n"
    );
}

#[test]
fn names_the_record_somebody_changed_and_verifies_the_others() {
    let Some((country, story)) = told() else {
        return;
    };
    let data = country.data("iria");
    let whole = document(&audit(&["verify", "--json"], &data, &[]));
    let id = message_id(&story, "REST, by FIN");

    change(&data);

    let output = audit(&["verify", "--json"], &data, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let found = document(&output);
    assert_eq!(found["ok"], false);
    assert_eq!(found["tally"]["failed"], 1, "{found}");
    let others = whole["tally"]["verified"].as_u64().unwrap() - 1;
    assert_eq!(found["tally"]["verified"], others, "{found}");
    assert_eq!(found["failures"].as_array().unwrap().len(), 1, "{found}");

    let output = audit(&["verify"], &data, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("  FAIL the log is damaged: "), "{said}");
    assert!(said.ends_with(", 1 failed\n"), "{said}");

    // What is left of the exchange is not shown as if it were whole.
    let shown = audit(&["show"], &data, &[&id]);
    assert_eq!(shown.status.code(), Some(1), "{}", text(&shown));
    let said = String::from_utf8_lossy(&shown.stdout);
    assert!(said.contains("REST response of the consumer"), "{said}");
    assert!(said.contains("FAIL the log is damaged"), "{said}");
    let shown = document(&audit(&["show", "--json"], &data, &[&id]));
    assert_eq!(shown["ok"], false, "{shown}");
    assert_eq!(shown["unreadable"].as_array().unwrap().len(), 1, "{shown}");
}

#[test]
fn compares_both_sides_and_names_what_one_of_them_changed() {
    let Some((country, story)) = told() else {
        return;
    };
    let (iria, din) = (country.data("iria"), country.data("din"));
    let other = din.to_str().unwrap();
    let whole = document(&audit(&["cross-check", "--json"], &iria, &[other]));
    assert_eq!(whole["ok"], true, "{whole}");
    let found = &whole["comparison"];
    assert_eq!(found["nodes"][0], "AZ/GOV/0000001181/iria");
    assert_eq!(found["nodes"][1], "AZ/GOV/0000000131/din");
    let matched = found["matched"].as_u64().unwrap();
    assert!(matched >= 2, "{found}");

    change(&iria);
    let output = audit(&["cross-check", "--json"], &iria, &[other]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let changed = document(&output);
    let found = &changed["comparison"];
    assert_eq!(found["matched"], matched - 1, "{found}");
    assert_eq!(found["unreadable"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["missing"].as_array().unwrap().len(), 1, "{found}");
    let missing = &found["missing"][0];
    assert_eq!(missing["node"], "AZ/GOV/0000000131/din");
    assert_eq!(missing["direction"], "request");
    assert_eq!(missing["message_id"], message_id(&story, "REST, by FIN"));

    let same = audit(&["cross-check"], &din, &[other]);
    assert_eq!(same.status.code(), Some(2));
    assert!(
        text(&same).contains("both are logs of AZ/GOV/0000000131/din"),
        "{}",
        text(&same)
    );
    std::fs::remove_file(iria.join("log/tree/checkpoint")).unwrap();
    let nameless = audit(&["cross-check"], &iria, &[other]);
    assert_eq!(nameless.status.code(), Some(2));
    assert!(
        text(&nameless).contains("transparency.enabled"),
        "{}",
        text(&nameless)
    );
}

#[test]
fn wrong_use_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, more) in [
        (&["verify"][..], &[][..]),
        (&["show"][..], &["some-id"][..]),
    ] {
        let output = audit(arguments, &folder.path().join("nowhere"), more);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(!output.stderr.is_empty());
    }
    for arguments in [
        &["audit"][..],
        &["audit", "show", "folder"],
        &["audit", "burn", "folder"],
    ] {
        let output = karvan().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    }
}
