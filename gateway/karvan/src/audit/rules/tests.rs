use gateway_messagelog::Record;
use gateway_proto::basis::Basis as Stated;
use serde_json::{Value, json};

use super::candidate::Candidate;
use super::compare::{Answer, Compared, Counted, Question, answer};
use crate::audit::basis::Groups;
use crate::audit::testing::{
    artefact, law, noted_by_law, part, read, record, rule, snapshot, stated, usual,
};

/// What rules make of a request.
fn answered(record: &Record, rules: &[Value]) -> Answer {
    let part = part(7, rules);
    let snapshot = snapshot(Some(&part));
    let question = Question::of(record, &snapshot).unwrap();
    answer(&question, &read(&part), &Groups(&snapshot))
}

fn by(id: &str, version: u32, ground: &'static str, purpose: &str) -> Answer {
    Answer::Rule {
        id: id.to_owned(),
        version,
        ground,
        purpose: Some(purpose.to_owned()),
    }
}

fn refused(code: &'static str, rule: Option<&str>) -> Answer {
    Answer::Refused {
        code,
        rule: rule.map(str::to_owned),
    }
}

#[test]
fn a_request_is_decided_as_by_a_node_with_everything_else_taken_for_granted() {
    let aid = record("income", &stated(Some("aid")));
    assert_eq!(answered(&aid, &usual()), by("by-law", 3, "law", "aid"));
    assert_eq!(answered(&aid, &[]), refused("no_rule", None));
    let consented = Stated {
        consent: Some(artefact()),
        ..stated(Some("credit"))
    };
    let consented = record("income", &consented);
    let found = answered(&consented, &usual());
    assert_eq!(found, by("by-consent", 2, "consent", "credit"));
    let unconsented = record("income", &stated(Some("credit")));
    assert_eq!(
        answered(&unconsented, &usual()),
        refused("consent_required", None)
    );
    let rates = record("rates", &stated(None));
    assert_eq!(answered(&rates, &usual()), Answer::NotPersonal);
    // The case that is named is taken as open, but it must be named.
    let mut with_case = rule("by-law", 4, law(), &["aid"]);
    with_case["limits"] = json!({"case": "open"});
    let rules = [with_case];
    assert_eq!(
        answered(&aid, &rules),
        refused("case_missing", Some("by-law"))
    );
    let mut named = aid;
    let message = String::from_utf8(named.message.to_vec()).unwrap();
    named.message = format!("{message}x-road-issue:C-1\r\n").into();
    assert_eq!(answered(&named, &rules), by("by-law", 4, "law", "aid"));
}

#[test]
fn a_purpose_that_only_the_access_right_names_is_taken_from_the_record() {
    let rules = [rule("by-law", 3, law(), &["aid", "rescue"])];
    let mut unstated = record("income", &stated(None));
    assert_eq!(
        answered(&unstated, &rules),
        refused("purpose_missing", None)
    );
    unstated.basis = Some(Box::new(noted_by_law()));
    assert_eq!(answered(&unstated, &rules), by("by-law", 3, "law", "aid"));
}

#[test]
fn what_was_not_kept_is_not_tried() {
    let mut reduced = record("income", &stated(Some("aid")));
    reduced.message_digest = Some(gateway_policy::consent::digest(""));
    let snapshot = snapshot(None);
    assert!(Question::of(&reduced, &snapshot).is_err());
    let mut of_file = record("file", &stated(Some("aid")));
    for (_, content) in &mut of_file.attachments {
        *content = content.withheld();
    }
    assert!(matches!(answered(&of_file, &usual()), Answer::Unknown(_)));
}

fn counted(then: &Answer, tried: &Answer) -> Value {
    let record = record("income", &stated(Some("aid")));
    let question = Question::of(&record, &snapshot(None)).unwrap();
    let mut counted = Counted::default();
    for _ in 0..2 {
        let compared = Compared::of(&record, &question, then.clone(), tried.clone());
        counted.count(compared);
    }
    let text = counted.text();
    assert!(text.ends_with(" not tried\n"), "{text}");
    assert!(!text.contains("5ABCD12"), "{text}");
    json!({ "counts": counted.counts(), "changes": counted.changes() })
}

#[test]
fn differences_are_told_by_consumer_service_and_purpose() {
    let (law, other) = (by("by-law", 3, "law", "aid"), by("by-law", 4, "law", "aid"));
    let no_rule = refused("no_rule", None);
    for (then, tried, name) in [
        (&law, &no_rule, "newly-refused"),
        (&no_rule, &law, "newly-allowed"),
        (&law, &other, "other-rule"),
        (&Answer::WithoutRules, &law, "other-rule"),
        (&refused("case_missing", None), &no_rule, "other-refusal"),
    ] {
        let found = counted(then, tried);
        assert_eq!(found["counts"][name], 2, "{found}");
        let change = &found["changes"][0];
        assert_eq!(change["change"], name);
        assert_eq!(change["count"], 2);
        assert_eq!(change["purpose"], "aid");
        assert_eq!(change["client"], "SUBSYSTEM:AZ/COM/0000001201/kredit");
        assert_eq!(change["example"], "id-1");
        let code = (tried == &no_rule).then_some("no_rule");
        assert_eq!(change["code"].as_str(), code);
    }
    for (then, tried, name) in [
        (&law, &law, "same"),
        (&law, &Answer::Unknown("x".to_owned()), "not-tried"),
    ] {
        let found = counted(then, tried);
        assert_eq!(found["counts"][name], 2, "{found}");
        assert_eq!(found["changes"], json!([]));
    }
}

/// Puts this into the usual rules.
fn put(file: &Value) -> Result<Candidate, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rule.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let in_force = read(&part(7, &usual()));
    Candidate::with(&in_force, &[path]).map_err(|error| error.to_string())
}

#[test]
fn rules_are_put_in_the_place_of_those_with_their_id() {
    let one = rule("by-law", 4, law(), &["aid", "rescue"]);
    let candidate = put(&one).unwrap();
    let part = candidate.rules.part();
    assert_eq!((part.version, part.rules.len()), (8, 3));
    assert!(
        part.rules
            .iter()
            .any(|rule| rule.id == "by-law" && rule.version == 4)
    );
    let several = json!([one, rule("decree", 1, law(), &["rescue"])]);
    assert_eq!(put(&several).unwrap().rules.part().rules.len(), 4);
    // What no registry would publish is not tried.
    let twice = json!([rule("a", 1, law(), &["aid"]), rule("a", 2, law(), &["aid"])]);
    assert!(put(&twice).unwrap_err().contains("rule a is given twice"));
    let unknown = rule("x", 1, law(), &["gossip"]);
    assert!(
        put(&unknown).unwrap_err().contains("gossip"),
        "{:?}",
        put(&unknown)
    );
    assert!(put(&json!({"id": "x"})).is_err());
}

#[test]
fn a_whole_part_is_of_the_instance_of_the_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.json");
    std::fs::write(&path, part(9, &usual()).to_string()).unwrap();
    assert_eq!(
        Candidate::whole(&path, "AZ").unwrap().rules.part().version,
        9
    );
    assert!(Candidate::whole(&path, "GE").is_err());
    assert!(Candidate::whole(&folder.path().join("none.json"), "AZ").is_err());
}
