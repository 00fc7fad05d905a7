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
    let Some((country, story)) = Country::told() else {
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
            "good by OCSP of 20",
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

    // Whose certificates nobody approves is not called good.
    let data = country.data("din");
    std::fs::remove_dir_all(data.join("log/configurations")).unwrap();
    let shown = audit(&["show"], &data, &[&message_id(&story, "REST, by FIN")]);
    assert_eq!(shown.status.code(), Some(1), "{}", text(&shown));
    let said = String::from_utf8_lossy(&shown.stdout);
    assert!(said.contains("not known to be good"), "{said}");
    assert!(!said.contains("good by OCSP"), "{said}");
}

#[test]
fn who_the_user_was_is_told_only_to_who_asks_for_it() {
    let Some((country, _)) = Country::told() else {
        return;
    };
    let mut seen = 0;
    for node in ["iria", "din", "eesmn", "en"] {
        let data = country.data(node);
        let with_user: Vec<Value> = found(&data, &["--users"])
            .into_iter()
            .filter(|one| one["user_id"].is_string())
            .collect();
        for one in found(&data, &[]) {
            assert!(one.get("user_id").is_none_or(Value::is_null), "{one}");
        }
        let quiet = text(&audit(&["find"], &data, &[]));
        let asked = text(&audit(&["find", "--users"], &data, &[]));
        for one in &with_user {
            let user = one["user_id"].as_str().unwrap();
            assert!(!quiet.contains(user), "{user} in {quiet}");
            assert!(asked.contains(&format!("  user {user}")), "{asked}");
        }
        let Some(one) = with_user.first() else {
            continue;
        };
        seen += 1;
        let user = one["user_id"].as_str().unwrap();
        let id = one["message_id"].as_str().unwrap();
        for form in [&["show"][..], &["show", "--json"]] {
            let quiet = text(&audit(form, &data, &[id]));
            assert!(!quiet.contains(user), "{user} in {quiet}");
            let asked = text(&audit(&[form, &["--messages"]].concat(), &data, &[id]));
            assert!(asked.contains(user), "no {user} in {asked}");
        }
    }
    assert!(seen > 0, "the story has users");
}

/// What `find` gives a program.
#[track_caller]
fn found(data: &Path, filter: &[&str]) -> Vec<Value> {
    let output = audit(&["find", "--json"], data, filter);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        output.status.code(),
        Some(lines.is_empty().into()),
        "{text}"
    );
    lines
}

#[test]
fn finds_by_id_member_service_time_and_case_and_all_together() {
    let Some((country, story)) = Country::told() else {
        return;
    };
    let (iria, eesmn) = (country.data("iria"), country.data("eesmn"));
    let service = "AZ/GOV/0000000131/iamas/GetPersonByFin/v1";
    let by_service = found(&iria, &["--service", service]);
    assert!(by_service.len() >= 2, "{by_service:?}");
    let printed = by_service[0]["service"].as_str().unwrap();
    assert_eq!(printed, format!("SERVICE:{service}"));
    assert_eq!(found(&iria, &["--service", printed]), by_service);
    let client = by_service[0]["client"].as_str().unwrap();
    assert!(found(&iria, &["--client", client]).len() > by_service.len());
    for member in ["AZ/GOV/0000000131", "MEMBER:AZ/GOV/0000000131"] {
        assert!(found(&iria, &["--member", member]).len() > by_service.len());
    }
    // Each narrows what the others leave.
    let id = message_id(&story, "SOAP, by FIN");
    let all = ["--service", service, "--client", client, "--id", &id];
    let one = found(&iria, &all);
    assert_eq!(one.len(), 2, "{one:?}");
    let time = one[0]["time"].as_str().unwrap();
    let until = [&all[..], &["--until", time]].concat();
    assert_eq!(found(&iria, &until), one[..1]);
    let since = [&all[..], &["--since", one[1]["time"].as_str().unwrap()]].concat();
    assert_eq!(found(&iria, &since), one[1..]);
    assert!(found(&iria, &[&all[..], &["--case", "none"]].concat()).is_empty());
    let cases = found(&eesmn, &["--case", "VM-2026-000001"]);
    assert!(cases.iter().all(|one| one["issue"] == "VM-2026-000001"));
    assert!(!cases.is_empty());

    // People see both sides of an exchange of a node with itself, its case, and no person.
    let said = audit(&["find"], &eesmn, &["--case", "VM-2026-000001"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    for wanted in [
        "  case VM-2026-000001",
        "request   consumer",
        "request   provider",
    ] {
        assert!(said.contains(wanted), "no {wanted} in {said}");
    }
    assert!(!said.contains("0TEST"), "{said}");
    let none = audit(
        &["find"],
        &iria,
        &["--service", "AZ/GOV/0000000131/iamas/GetPersonByFin"],
    );
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8_lossy(&none.stdout);
    assert!(said.contains("GetPersonByFin/v1"), "{said}");
    assert!(said.contains("--whole"), "{said}");

    // Without the index, and with one that says there is nothing.
    assert_eq!(found(&iria, &[&all[..], &["--whole"]].concat()), one);
    let other = country.data("en").join("log/index.redb");
    std::fs::copy(other, iria.join("log/index.redb")).unwrap();
    assert_eq!(found(&iria, &[&all[..], &["--whole"]].concat()), one);
    let shown = document(&audit(&["show", "--json"], &iria, &[&id]));
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2, "{shown}");
}

#[test]
fn programs_get_one_document_also_when_it_was_asked_wrongly() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let out = folder.path().join("out.zip");
    let (place, out) = (nowhere.to_str().unwrap(), out.to_str().unwrap());
    for arguments in [
        &["show", place, "id"][..],
        &["find", place],
        &["find", place, "--member", "nonsense"],
        &["verify", place],
        &["prove", place, "id"],
        &["consistency", place, place],
        &["cross-check", place, place],
        &["export", place, "id", "-o", out],
        &["rules", "--rule", place, place],
    ] {
        let output = karvan()
            .arg("audit")
            .args(arguments)
            .arg("--json")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        let found = document(&output);
        assert_eq!(found["ok"], false, "{arguments:?} {found}");
        let reason = found["error"].as_str().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(reason), "{arguments:?} {said}");
        // People are told on the error's way only.
        let output = karvan().arg("audit").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(output.stdout.is_empty(), "{}", text(&output));
    }
}

#[test]
fn ends_quietly_and_not_well_when_nobody_listens() {
    let Some((country, _)) = Country::told() else {
        return;
    };
    let data = country.data("iria");
    for arguments in [
        &["find"][..],
        &["find", "--json"],
        &["verify"],
        &["verify", "--json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = karvan()
            .arg("audit")
            .args(arguments)
            .arg(&data)
            .stdout(writer)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(output.stderr.is_empty(), "{}", text(&output));
    }
}

/// All names of fields in a document.
fn names(document: &Value, found: &mut std::collections::BTreeSet<String>) {
    match document {
        Value::Object(fields) => {
            for (name, value) in fields {
                found.insert(name.clone());
                names(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[test]
fn every_field_that_programs_get_is_documented() {
    let Some((country, story)) = Country::told() else {
        return;
    };
    let (iria, din) = (country.data("iria"), country.data("din"));
    let other = din.to_str().unwrap();
    let bundle = country.folder().join("evidence/iria/001.zip");
    let checkpoint = country.folder().join("evidence/din-halfway.checkpoint");
    let anchor = country.folder().join("anchor.xml");
    let anchor = ["--anchor", anchor.to_str().unwrap()];
    let out = country.folder().join("out.zip");
    let id = message_id(&story, "REST, by FIN");
    let refused = message_id(&story, "a path its right does not cover");
    let documents = [
        audit(&["show", "--json"], &iria, &[&id]),
        audit(&["show", "--json"], &din, &[&refused]),
        audit(&["verify", "--json"], &iria, &anchor),
        audit(&["verify", "--json"], &bundle, &anchor),
        audit(&["prove", "--json"], &iria, &[&id]),
        audit(&["prove", "--json"], &iria, &["nothing"]),
        audit(&["consistency", "--json"], &checkpoint, &[other]),
        audit(&["cross-check", "--json"], &iria, &[other]),
        audit(
            &["export", "--json"],
            &iria,
            &[&id, "-o", out.to_str().unwrap()],
        ),
        audit(&["show", "--json"], country.folder(), &[&id]),
    ];
    let mut found = std::collections::BTreeSet::new();
    for output in &documents {
        names(&document(output), &mut found);
    }
    for line in crate::audit::found(&din, &[]) {
        names(&line, &mut found);
    }
    assert!(found.len() > 80, "{found:?}");
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let missing: Vec<_> = found
        .iter()
        .filter(|name| !manual.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are not in docs/audit.md");
}

#[test]
fn the_story_ends_with_proofs_that_prove_something() {
    let Some((country, story)) = Country::told() else {
        return;
    };
    let evidence = &story["evidence"];
    assert_eq!(evidence["consistent"], 5, "{evidence}");
    assert_eq!(evidence["proved"], evidence["cosigned"], "{evidence}");
    assert_eq!(evidence["pairs"], 10, "{evidence}");
    // Whose word it is that somebody cosigned is said, too.
    let bundle = country.folder().join("evidence/iria/001.zip");
    let said = audit(&["verify"], &bundle, &[]);
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("  witness key   AZ/GOV/"), "{said}");
    for node in crate::country::NODES {
        let kept = format!("evidence/{node}-halfway.checkpoint");
        let kept = country.folder().join(kept);
        let data = country.data(node);
        let proved = audit(&["consistency", "--json"], &kept, &[data.to_str().unwrap()]);
        let proved = document(&proved);
        assert_eq!(proved["ok"], true, "{proved}");
        // Every log begins with an empty one.
        assert!(proved["old"].as_u64().unwrap() > 0, "{node} {proved}");
        assert!(
            proved["new"].as_u64() > proved["old"].as_u64(),
            "{node} {proved}"
        );
    }
}

#[test]
fn names_the_record_somebody_changed_and_verifies_the_others() {
    let Some((country, story)) = Country::told() else {
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
    let Some((country, story)) = Country::told() else {
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
    assert_eq!(found["misnamed"], 0, "{found}");
    let believed = found["names_are"].as_str().unwrap();
    assert!(believed.contains("--log-key"), "{believed}");

    // Of nodes that never spoke to each other nothing is said to hold.
    let mut strangers = 0;
    for (a, b) in [
        ("din", "en"),
        ("din", "eesmn"),
        ("eesmn", "en"),
        ("din", "din2"),
    ] {
        let b = country.data(b);
        let output = audit(
            &["cross-check", "--json"],
            &country.data(a),
            &[b.to_str().unwrap()],
        );
        let pair = document(&output);
        let is_none = pair["comparison"]["matched"] == 0;
        assert_eq!(pair["ok"], !is_none, "{pair}");
        if is_none {
            strangers += 1;
            assert_eq!(output.status.code(), Some(1));
            let failure = pair["comparison"]["failures"][0].as_str().unwrap();
            assert!(failure.contains("nothing was compared"), "{failure}");
        }
    }
    assert!(strangers > 0);

    // Whose logs they are, by keys from elsewhere.
    let key = |data: &Path| {
        let keys = std::fs::read_to_string(data.join("log/tree/keys")).unwrap();
        keys.lines().next().unwrap().to_owned()
    };
    let (own, others) = (key(&iria), key(&din));
    let by = |keys: &[&str]| {
        let options = keys.iter().flat_map(|key| ["--log-key", key]);
        let arguments: Vec<&str> = std::iter::once(other).chain(options).collect();
        audit(&["cross-check", "--json"], &iria, &arguments)
    };
    let vouched = document(&by(&[&own, &others]));
    assert_eq!(vouched["ok"], true, "{vouched}");
    let said = vouched["comparison"]["names_are"].as_str().unwrap();
    assert!(!said.contains("--log-key"), "{said}");
    let one = by(&[&own]);
    assert_eq!(one.status.code(), Some(1), "{}", text(&one));
    let failure = &document(&one)["comparison"]["failures"][0];
    assert!(failure.as_str().unwrap().contains("/din"), "{failure}");

    // Signed anew under another name, a log does not get rid of what the other one says.
    let checkpoint = iria.join("log/tree/checkpoint");
    let signed = std::fs::read_to_string(&checkpoint).unwrap();
    let renamed = signed.replace("/iria", "/irib");
    assert_ne!(renamed, signed);
    std::fs::write(&checkpoint, renamed).unwrap();
    let elsewhere = audit(&["cross-check"], &iria, &[other]);
    assert_eq!(elsewhere.status.code(), Some(1), "{}", text(&elsewhere));
    assert!(
        text(&elsewhere).contains("wrong name"),
        "{}",
        text(&elsewhere)
    );
    std::fs::write(&checkpoint, signed).unwrap();

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
