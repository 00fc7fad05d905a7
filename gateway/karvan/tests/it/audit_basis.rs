//! `karvan audit` on the legal basis of exchanges: shown, verified from the signed bytes, found again;
//! and what other rules would have made of them.

use std::path::{Path, PathBuf};
use std::process::Output;

use gateway_asic::zip::Names;
use gateway_messagelog::audit::Reader;
use gateway_messagelog::{Basis, Consent, Direction, Entry, Ground, MessageLog, Options, Record};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::audit_documents::{failures, packed, text_of, unpacked, verified};
use crate::country::{Country, NODES, karvan, text};

/// A country that has told its story, and what it said of it.
struct Told {
    country: Country,
    steps: Vec<Value>,
}

impl Told {
    fn new() -> Option<Self> {
        let (country, document) = Country::told()?;
        let steps = document["steps"].as_array().unwrap().clone();
        Some(Self { country, steps })
    }

    fn id(&self, name: &str) -> String {
        let step = self
            .steps
            .iter()
            .find(|step| step["name"].as_str().unwrap().contains(name));
        let id = &step.unwrap_or_else(|| panic!("no step {name}"))["message_id"];
        id.as_str().unwrap().to_owned()
    }

    /// The request of an exchange in the logs of both sides, the consumer's first.
    fn requests(&self, id: &str) -> Vec<(PathBuf, Value)> {
        let mut found = Vec::new();
        for node in NODES {
            let data = self.country.data(node);
            let output = audit(&["show", "--json", text_of(&data), id]);
            let shown = document(&output);
            for entry in shown["entries"].as_array().unwrap() {
                if entry["direction"] == "request" {
                    assert_eq!(shown["ok"], true, "{shown}");
                    found.push((data.clone(), entry.clone()));
                }
            }
        }
        found.sort_by_key(|(_, entry)| entry["side"].as_str().unwrap().to_owned());
        assert_eq!(found.len(), 2, "both sides have {id}");
        found
    }
}

fn audit(arguments: &[&str]) -> Output {
    karvan().arg("audit").args(arguments).output().unwrap()
}

#[track_caller]
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

fn checked(entry: &Value) -> &Value {
    let checks = entry["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == "basis");
    &check.expect("the basis is checked")["outcome"]
}

/// All lines that `find` prints.
fn found(data: &Path, filter: &[&str]) -> Vec<Value> {
    let output = audit(&[&["find", "--json", text_of(data)], filter].concat());
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const CONSENT: &str = "with the consent the fund answers the bank";
const EMERGENCY: &str = "with a reason it learns at once";
const PERSONS: [&str; 2] = ["0TEST", "\"fin\""];

#[test]
fn shows_on_what_each_exchange_rests_verified_from_the_signed_bytes() {
    let Some(told) = Told::new() else {
        return;
    };
    let consented = told.requests(&told.id(CONSENT));
    for (data, entry) in &consented {
        let basis = &entry["basis"];
        assert_eq!(checked(entry), "holds", "{entry}");
        assert_eq!(basis["ground"], "consent", "{basis}");
        assert_eq!(basis["purpose"], "credit");
        assert_eq!(basis["purpose_stated"], true);
        assert_eq!(basis["persons"], 1);
        assert!(
            basis["rule"].is_string() && basis["rule_version"].is_u64(),
            "{basis}"
        );
        let consent = basis["consent"]["id"].as_str().unwrap();
        let id = entry["message_id"].as_str().unwrap();
        let shown = audit(&["show", text_of(data), id]);
        let said = String::from_utf8_lossy(&shown.stdout);
        for wanted in [
            "  ground        the person's consent\n",
            &format!(
                "  rule          {}, version",
                basis["rule"].as_str().unwrap()
            ),
            "  purpose       credit (stated in the message)\n",
            &format!("  consent       {consent}, SHA-256 "),
            "  basis         holds: the rules of that day allow it\n",
        ] {
            assert!(said.contains(wanted), "no {wanted} in {said}");
        }
        assert!(!said.contains("0TEST"), "{said}");
        // It is found by each of them, and by nothing else.
        let rule = basis["rule"].as_str().unwrap();
        for filter in [
            &["--rule", rule][..],
            &["--purpose", "credit"],
            &["--consent", consent],
            &["--ground", "consent"],
            &["--ground", "consent", "--rule", rule, "--purpose", "credit"],
        ] {
            let found = found(data, filter);
            assert!(
                found.iter().any(|one| one["message_id"] == id),
                "{filter:?} {found:?}"
            );
            assert!(
                found.iter().all(|one| one["basis"]["rule"] == rule),
                "{found:?}"
            );
        }
        assert!(found(data, &["--rule", rule, "--ground", "law"]).is_empty());
    }
    for (_, entry) in told.requests(&told.id(EMERGENCY)) {
        let basis = &entry["basis"];
        assert_eq!(checked(&entry), "holds", "{entry}");
        assert_eq!(basis["ground"], "vital", "{basis}");
        assert!(
            basis["emergency"].as_str().unwrap().contains("ward 3"),
            "{basis}"
        );
        assert!(
            basis["act"].is_string() && basis["article"].is_string(),
            "{basis}"
        );
    }

    // The whole of every log, counted by ground.
    let (mut consents, mut vital) = (0, 0);
    for node in NODES {
        let data = told.country.data(node);
        let document = verified(0, &[text_of(&data)]);
        let grounds = &document["tally"]["grounds"];
        let count = |name: &str| grounds[name].as_u64().unwrap();
        assert_eq!(
            count("law") > 0,
            !found(&data, &["--ground", "law"]).is_empty()
        );
        consents += count("consent");
        vital += count("vital");
    }
    assert_eq!(
        (consents, vital),
        (2, 2),
        "one exchange of each, on two sides"
    );
    let by_law = found(&told.country.data("eesmn"), &["--ground", "law"]);
    assert!(
        by_law
            .iter()
            .any(|one| !one["issue"].is_null() && one["basis"]["purpose"].is_string()),
        "{by_law:?}"
    );

    bundle(&consented);
}

/// What was exported holds by itself, and not without the rules.
fn bundle(consented: &[(PathBuf, Value)]) {
    let work = TempDir::new().unwrap();
    for (data, entry) in consented {
        let id = entry["message_id"].as_str().unwrap();
        let out = work.path().join("exchange.zip");
        let output = audit(&["export", text_of(data), id, "-o", text_of(&out)]);
        assert!(output.status.success(), "{}", text(&output));
        let document = verified(0, &[text_of(&out)]);
        let item = &document["items"][0];
        assert_eq!(item["warnings"], json!([]), "{item}");
        assert!(
            item["configurations"][0]["rules_sha256"].is_string(),
            "{item}"
        );
        let record = &item["records"][0];
        assert_eq!(record["basis"]["ground"], "consent", "{record}");
        assert_eq!(record["basis_check"], "holds");
        let said = audit(&["verify", text_of(&out)]);
        let said = String::from_utf8_lossy(&said.stdout);
        assert!(
            said.contains("  basis         holds: the rules of that day allow it\n"),
            "{said}"
        );
        assert!(!said.contains("0TEST"), "{said}");

        let mut files = unpacked(&std::fs::read(&out).unwrap(), Names::Folders);
        let rules = files.remove("conf/AZ/karvan-rules.json").unwrap();
        std::fs::write(&out, packed(&files, Names::Folders)).unwrap();
        let found = failures(&[text_of(&out)]);
        assert!(
            found
                .iter()
                .any(|one| one.contains("its legal basis: it was decided by the rules")),
            "{found:#?}"
        );
        // Rules in which the bank may have nothing.
        let mut part: Value = serde_json::from_slice(&rules).unwrap();
        let rule = &entry["basis"]["rule"];
        let all = part["rules"].as_array_mut().unwrap();
        all.retain(|one| one["id"] != *rule);
        files.insert(
            "conf/AZ/karvan-rules.json".to_owned(),
            serde_json::to_vec(&part).unwrap().into(),
        );
        std::fs::write(&out, packed(&files, Names::Folders)).unwrap();
        let found = failures(&[text_of(&out)]);
        assert!(
            found.len() == 1 && found[0].contains("there is no rule"),
            "{found:#?}"
        );
        // An auditor's own configuration without rules judges the rest.
        let conf = work.path().join("conf");
        for (name, bytes) in &files {
            if let Some(path) = name.strip_prefix("conf/")
                && !path.contains("karvan-rules")
            {
                let path = conf.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
        let document = verified(0, &[text_of(&out), "--conf", text_of(&conf)]);
        let warnings = document["items"][0]["warnings"].to_string();
        assert!(
            warnings.contains("its legal basis was not checked"),
            "{document}"
        );
    }
}

/// The messages of a log, each changed in this way, in a log of its own without tree and time stamps.
fn doctored(data: &Path, change: &dyn Fn(&mut Record)) -> TempDir {
    let copy = TempDir::new().unwrap();
    let (from, to) = (data.join("log"), copy.path().join("log"));
    let log = MessageLog::open(&to, Options::default()).unwrap();
    let kept = to.join("configurations");
    std::fs::create_dir_all(&kept).unwrap();
    for entry in std::fs::read_dir(from.join("configurations")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), kept.join(entry.file_name())).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for logged in Reader::open(&from).unwrap().entries().unwrap() {
        if let Entry::Message(mut record) = logged.unwrap().entry {
            change(&mut record);
            runtime.block_on(log.append(record)).unwrap();
        }
    }
    drop(log);
    copy
}

/// The only failure of a log in which the basis of this request was changed.
#[track_caller]
fn failure(data: &Path, id: &str, change: &dyn Fn(&mut Basis)) -> String {
    let copy = doctored(data, &|record| {
        if record.message_id == id && record.direction == Direction::Request {
            change(record.basis.as_mut().unwrap());
        }
    });
    let found = failures(&[text_of(copy.path())]);
    assert_eq!(found.len(), 1, "{found:#?}");
    let shown = audit(&["show", text_of(copy.path()), id]);
    assert_eq!(shown.status.code(), Some(1), "{}", text(&shown));
    found[0].clone()
}

#[test]
fn a_basis_that_is_not_what_was_signed_or_ruled_is_found() {
    let Some(told) = Told::new() else {
        return;
    };
    let id = told.id(CONSENT);
    let other_consent = uuid::Uuid::nil();
    for (data, entry) in told.requests(&id) {
        let rule = entry["basis"]["rule"].as_str().unwrap();
        // The copy is as good as the log it is of.
        let copy = doctored(&data, &|_| {});
        verified(0, &[text_of(copy.path())]);

        let found = failure(&data, &id, &|basis| basis.rule = Some("nobody".to_owned()));
        assert!(
            found.contains("basis: FAILS: there is no rule nobody"),
            "{found}"
        );
        let found = failure(&data, &id, &|basis| basis.rule_version += 1);
        assert!(
            found.contains(&format!("rule {rule} stands in the rules")),
            "{found}"
        );
        let found = failure(&data, &id, &|basis| basis.rules_version += 1);
        assert!(found.contains("holds the rules"), "{found}");
        let found = failure(&data, &id, &|basis| {
            basis.ground = Ground::Law;
            basis.law = Some(("Constitution".to_owned(), "1".to_owned()));
            basis.consent = None;
        });
        assert!(found.contains("rests on another ground"), "{found}");
        let found = failure(&data, &id, &|basis| {
            basis.purpose = Some("gossip".to_owned())
        });
        assert!(
            found.contains("does not name the purpose gossip"),
            "{found}"
        );
        let found = failure(&data, &id, &|basis| {
            basis.consent.as_mut().unwrap().id = other_consent;
        });
        assert!(found.contains("carries another consent"), "{found}");
        let found = failure(&data, &id, &|basis| basis.persons.clear());
        assert!(found.contains("names 1 persons"), "{found}");
        let copy = doctored(&data, &|record| {
            if record.message_id == id {
                record.basis = None;
            }
        });
        let found = failures(&[text_of(copy.path())]);
        assert!(
            found.len() == 1 && found[0].contains("no basis of it was noted"),
            "{found:#?}"
        );
    }
    let id = told.id(EMERGENCY);
    let (data, _) = &told.requests(&id)[1];
    let found = failure(data, &id, &|basis| {
        basis.emergency = Some("a whim".to_owned())
    });
    assert!(
        found.contains("names another emergency than the record"),
        "{found}"
    );
    let found = failure(data, &id, &|basis| {
        basis.consent = Some(Consent {
            id: other_consent,
            digest: certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha256, b"x"),
        });
    });
    assert!(
        found.contains("a consent is noted where the ground is one"),
        "{found}"
    );
}

/// The rules that a node has last kept.
fn rules(data: &Path) -> Value {
    let history = Reader::open(&data.join("log")).unwrap().history().unwrap();
    let last = history.at(Timestamp::MAX).unwrap();
    serde_json::from_slice(last[0].snapshot.rules().unwrap()).unwrap()
}

#[test]
fn a_dry_run_says_what_other_rules_would_have_refused() {
    let Some(told) = Told::new() else {
        return;
    };
    let work = TempDir::new().unwrap();
    let file = |name: &str, content: &Value| {
        let path = work.path().join(name);
        std::fs::write(&path, content.to_string()).unwrap();
        path
    };
    let folders: Vec<PathBuf> = NODES.iter().map(|node| told.country.data(node)).collect();
    let logs: Vec<&str> = folders.iter().map(|folder| text_of(folder)).collect();
    let since = ["--since", "2020-01-01T00:00:00Z"];
    let run = |arguments: &[&str]| audit(&[&["rules"], &logs[..], arguments].concat());
    let all = |arguments: &[&str]| run(&[&since[..], arguments].concat());
    let in_force = rules(&folders[0]);
    let exchange = |name: &str| {
        let (_, entry) = told.requests(&told.id(name)).remove(1);
        entry["basis"]["rule"].as_str().unwrap().to_owned()
    };
    let (by_consent, break_glass) = (exchange(CONSENT), exchange(EMERGENCY));

    // The same rules make no difference.
    let same = file("same.json", &in_force);
    let output = all(&["--part", text_of(&same), "--json", "--fail-on-refusal"]);
    assert!(output.status.success(), "{}", text(&output));
    let report = document(&output);
    assert_eq!(report["changes"], json!([]), "{report}");
    let requests = report["counts"]["same"].as_u64().unwrap();
    assert!(requests > 10, "{report}");
    assert_eq!(report["counts"]["not-tried"], 0, "{report}");
    let refused = report["refused_then"].as_array().unwrap();
    assert!(
        refused
            .iter()
            .any(|one| one["code"].as_str().unwrap().ends_with("consent_required")),
        "{report}"
    );

    // Without the rule for emergencies, the one emergency is refused.
    let mut without = in_force.clone();
    let kept = without["rules"].as_array_mut().unwrap();
    kept.retain(|rule| rule["id"] != *break_glass);
    let without = file("without.json", &without);
    let arguments = ["--part", text_of(&without), "--json"];
    let output = all(&arguments);
    assert!(output.status.success(), "{}", text(&output));
    let report = document(&output);
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{report}");
    let change = &changes[0];
    assert_eq!(change["change"], "newly-refused");
    assert_eq!(change["code"], "emergency_not_allowed");
    assert_eq!(
        (&change["count"], &change["purpose"]),
        (&json!(1), &json!("emergency"))
    );
    assert_eq!(change["example"].as_str().unwrap(), told.id(EMERGENCY));
    assert_eq!(report["counts"]["same"], requests - 1);
    let output = all(&[&arguments[..], &["--fail-on-refusal"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let output = all(&["--part", text_of(&without)]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("NEWLY REFUSED         1  "), "{said}");
    assert!(said.contains("taken for granted on both sides"), "{said}");
    assert!(
        PERSONS.iter().all(|person| !said.contains(person)),
        "{said}"
    );

    // A rule in a new version takes the place of the old one; a stricter one refuses.
    let of = |id: &str| {
        let rules = in_force["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap().clone()
    };
    let mut newer = of(&by_consent);
    let version = newer["version"].as_u64().unwrap();
    newer["version"] = (version + 1).into();
    let newer_file = file("newer.json", &newer);
    let report = document(&all(&["--rule", text_of(&newer_file), "--json"]));
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{report}");
    assert_eq!(changes[0]["change"], "other-rule");
    let tried = format!("{by_consent}/{} (consent)", version + 1);
    assert_eq!(changes[0]["tried"], tried);
    newer["limits"] = json!({"valid_until": "2020-01-01T00:00:00Z"});
    let ended = file("ended.json", &json!([newer]));
    let report = document(&all(&["--rule", text_of(&ended), "--json"]));
    assert_eq!(
        report["changes"][0]["code"], "rule_not_in_force",
        "{report}"
    );

    // Yesterday there was no country.
    let report = document(&run(&["--part", text_of(&same), "--json"]));
    assert_eq!(report["counts"]["same"], 0, "{report}");

    // Asked wrongly.
    for arguments in [
        &["--json"][..],
        &["--part", "none.json"],
        &["--part", text_of(&same), "--rule", text_of(&newer_file)],
        &["--part", text_of(&newer_file)],
        &[
            "--part",
            text_of(&same),
            "--since",
            "2026-01-02T00:00:00Z",
            "--until",
            "2026-01-01T00:00:00Z",
        ],
    ] {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?} {}",
            text(&output)
        );
    }
}
