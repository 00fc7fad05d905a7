//! The registry from outside: commands as JSON, what they leave behind, and whose keys they need.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

use gateway_policy::rules::Rules;
use gateway_registry::state::{Role, Secret, Stage};
use gateway_registry::{Command, Error, Kind, Registry};
use serde_json::{Value, json};

fn execute(registry: &Registry, command: Value) -> Result<gateway_registry::Entry, Error> {
    let command: Command = serde_json::from_value(command).unwrap();
    let now = "2030-01-02T03:00:00Z".parse().unwrap();
    registry.execute(command, "test", now)
}

fn country() -> Vec<Value> {
    vec![
        json!({"command": "initialise", "instance": "AZ", "address": "127.0.0.1:8080"}),
        json!({"command": "add-member-class", "code": "GOV", "description": "Dövlət"}),
        json!({"command": "add-member-class", "code": "COM", "description": "Kommersiya"}),
        json!({"command": "add-member", "member": "AZ/GOV/0000000391", "name": "DSMF"}),
        json!({"command": "add-member", "member": "AZ/COM/0000001201", "name": "Bank"}),
        json!({"command": "add-subsystem", "subsystem": "AZ/GOV/0000000391/pensiya"}),
        json!({"command": "add-subsystem", "subsystem": "AZ/COM/0000001201/kredit"}),
        json!({"command": "add-purpose", "code": "credit", "title": {"az": "Kredit müraciəti"}}),
        json!({"command": "add-category", "code": "income", "title": {"az": "Gəlir"}}),
        json!({"command": "register-system", "code": "pensiya", "owner": "AZ/GOV/0000000391",
               "name": "Pensiya təminatı", "register": "personal-data", "entry": "FM-0004",
               "purposes": ["credit"]}),
        json!({"command": "declare-service", "service": {
            "provider": "AZ/GOV/0000000391/pensiya", "code": "income", "system": "pensiya",
            "personal": true, "categories": ["income"], "purposes": ["credit"],
            "subjects": [{"kind": "fin", "at": "path:/persons/{key}/**"}]}}),
        json!({"command": "put-rule", "rule": {
            "id": "bank-income", "title": "Gəlir arayışı", "consumers": ["class:AZ/COM"],
            "services": [{"provider": "AZ/GOV/0000000391/pensiya", "code": "income"}],
            "purposes": ["credit"], "categories": ["income"],
            "basis": {"kind": "law", "act": "Nümunə aktı", "article": "1"},
            "limits": {"data_life_seconds": 2_592_000}}}),
    ]
}

#[test]
fn is_built_changed_and_opened_again_through_commands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let registry = Registry::open(&path).unwrap();
    for command in country() {
        execute(&registry, command).unwrap();
    }
    execute(&registry, json!({"command": "publish-rules"})).unwrap();
    let withdrawn = json!({"command": "withdraw-rule", "id": "bank-income"});
    let entry = execute(&registry, withdrawn.clone()).unwrap();
    assert_eq!(entry.command, "withdraw-rule");
    match execute(&registry, withdrawn) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.kind(), Kind::NotFound),
        other => panic!("{other:?}"),
    }
    let before = registry.state();
    drop(registry);

    let registry = Registry::open(&path).unwrap();
    let state = registry.state();
    assert_eq!(state, before);
    assert_eq!(registry.check_trail().unwrap(), entry.number);
    let stages: Vec<Stage> = state
        .rule_versions("bank-income")
        .map(|version| version.stage)
        .collect();
    assert_eq!(stages, [Stage::Withdrawn]);
    let first = registry.published_rules(1).unwrap().unwrap();
    let second = registry.published_rules(2).unwrap().unwrap();
    let rules = |octets: &[u8]| Rules::read(octets, "AZ").unwrap().part().rules.len();
    assert_eq!((rules(&first), rules(&second)), (1, 0));
    assert_eq!(state.published.as_ref().unwrap().octets(), &second);
    assert_eq!(state.published_services().len(), 1);
}

#[test]
fn knows_a_key_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    execute(&registry, country().remove(0)).unwrap();
    let secret = Secret::random();
    let add = json!({"command": "add-api-key", "name": "portal", "role": "registrar",
                     "sha256": String::from(secret.hash())});
    execute(&registry, add).unwrap();
    let known = |secret: &str| {
        let state = registry.state();
        let found = state.authenticate(secret);
        found.map(|(name, role)| (name.to_owned(), role))
    };
    assert_eq!(
        known(secret.reveal()),
        Some(("portal".to_owned(), Role::Registrar))
    );
    assert_eq!(known(Secret::random().reveal()), None);
    execute(
        &registry,
        json!({"command": "revoke-api-key", "name": "portal"}),
    )
    .unwrap();
    assert_eq!(known(secret.reveal()), None);
}
