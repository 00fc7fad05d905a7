//! Rules only go forward, also over restarts.

use std::path::Path;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_exchange::conf::{RulesFault, RulesState};
use serde_json::json;

use super::Judge;

/// A part without rules. Parts of one version differ by their titles.
fn part(version: u64, previous: Option<&[u8]>, title: &str) -> Vec<u8> {
    let mut part = json!({
        "format": "karvan-rules/1",
        "instance": "AZ",
        "version": version,
        "published": "2026-11-22T12:00:00Z",
        "settings": {},
        "purposes": [{"code": "aid", "title": {"en": title}}],
    });
    if let Some(previous) = previous {
        let digest = Digest::of(DigestAlgorithm::Sha256, previous);
        part["previous"] = hex::encode(digest.as_bytes()).into();
    }
    serde_json::to_vec(&part).unwrap()
}

/// The faults, and the version of what is obeyed.
fn shown(state: &RulesState) -> Result<Option<u64>, RulesFault> {
    match state {
        RulesState::Absent => Ok(None),
        RulesState::InForce(rules) => Ok(Some(rules.part().version)),
        RulesState::Refused(fault) => Err(*fault),
    }
}

fn open(dir: &Path) -> Judge {
    Judge::open(&dir.join("rules.state"), "AZ").unwrap()
}

#[track_caller]
fn check(state: &RulesState, expected: Result<Option<u64>, RulesFault>) {
    assert_eq!(shown(state), expected);
}

#[tokio::test]
async fn a_registry_without_rules_is_one() {
    let dir = tempfile::tempdir().unwrap();
    check(&open(dir.path()).judge(None).await, Ok(None));
    assert!(!dir.path().join("rules.state").exists());
}

#[tokio::test]
async fn obeys_later_rules() {
    let dir = tempfile::tempdir().unwrap();
    let mut judge = open(dir.path());
    let first = part(1, None, "a");
    let second = part(2, Some(&first), "a");
    // The third was never seen here.
    let fourth = part(4, Some(b"the third"), "a");
    for (bytes, version) in [(&first, 1), (&second, 2), (&second, 2), (&fourth, 4)] {
        check(&judge.judge(Some(bytes)).await, Ok(Some(version)));
        // Also after a restart.
        check(
            &open(dir.path()).judge(Some(bytes)).await,
            Ok(Some(version)),
        );
    }
}

#[tokio::test]
async fn unchanged_rules_are_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut judge = open(dir.path());
    let bytes = part(1, None, "a");
    let states = [
        judge.judge(Some(&bytes)).await,
        judge.judge(Some(&bytes)).await,
    ];
    let [RulesState::InForce(first), RulesState::InForce(second)] = &states else {
        panic!("{states:?}");
    };
    assert!(std::sync::Arc::ptr_eq(first, second));
}

#[tokio::test]
async fn refuses_what_does_not_follow_what_was_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let second = part(2, Some(b"the first"), "a");
    check(&open(dir.path()).judge(Some(&second)).await, Ok(Some(2)));
    let first = part(1, None, "a");
    for (bytes, fault) in [
        (first.clone(), RulesFault::RolledBack),
        (part(2, Some(b"the first"), "b"), RulesFault::Tampered),
        (part(3, Some(&first), "a"), RulesFault::Tampered),
        (part(3, None, "a"), RulesFault::Tampered),
        (b"{}".to_vec(), RulesFault::Invalid),
    ] {
        let mut judge = open(dir.path());
        check(&judge.judge(Some(&bytes)).await, Err(fault));
        // Told twice it is no truer.
        check(&judge.judge(Some(&bytes)).await, Err(fault));
        // What was obeyed is obeyed on.
        check(&judge.judge(Some(&second)).await, Ok(Some(2)));
    }
    let mut judge = open(dir.path());
    check(&judge.judge(None).await, Err(RulesFault::Missing));
    let third = part(3, Some(&second), "a");
    check(&judge.judge(Some(&third)).await, Ok(Some(3)));
    check(
        &judge.judge(Some(&second)).await,
        Err(RulesFault::RolledBack),
    );
}

#[tokio::test]
async fn rules_that_cannot_be_read_do_not_become_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let mut judge = open(dir.path());
    let other = String::from_utf8(part(9, None, "a")).unwrap();
    let other = other.replace("\"AZ\"", "\"EE\"").into_bytes();
    check(&judge.judge(Some(&other)).await, Err(RulesFault::Invalid));
    check(&judge.judge(None).await, Ok(None));
    check(&judge.judge(Some(&part(1, None, "a"))).await, Ok(Some(1)));
}

#[tokio::test]
async fn an_operator_goes_back_by_removing_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = part(2, Some(b"the first"), "a");
    check(&open(dir.path()).judge(Some(&bytes)).await, Ok(Some(2)));
    std::fs::remove_file(dir.path().join("rules.state")).unwrap();
    check(&open(dir.path()).judge(None).await, Ok(None));
    check(
        &open(dir.path()).judge(Some(&part(1, None, "a"))).await,
        Ok(Some(1)),
    );
}

#[tokio::test]
async fn what_cannot_be_kept_holds_while_it_runs_and_is_kept_later() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let mut judge = Judge::open(&folder.join("rules.state"), "AZ").unwrap();
    let second = part(2, Some(b"the first"), "a");
    check(&judge.judge(Some(&second)).await, Ok(Some(2)));
    let first = part(1, None, "a");
    check(
        &judge.judge(Some(&first)).await,
        Err(RulesFault::RolledBack),
    );
    std::fs::create_dir(&folder).unwrap();
    check(&judge.judge(Some(&second)).await, Ok(Some(2)));
    let mut judge = Judge::open(&folder.join("rules.state"), "AZ").unwrap();
    check(
        &judge.judge(Some(&first)).await,
        Err(RulesFault::RolledBack),
    );
}

#[test]
fn does_not_start_over_a_state_it_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.state");
    for text in ["", "{}", "{\"version\":1,\"sha256\":\"00\",\"more\":1}"] {
        std::fs::write(&path, text).unwrap();
        let error = Judge::open(&path, "AZ").unwrap_err().to_string();
        assert!(error.contains("rules.state"), "{error}");
    }
}
