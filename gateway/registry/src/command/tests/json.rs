//! The one form of commands outside the process.

use std::collections::BTreeSet;

use gateway_policy::rules::Basis;
use serde_json::{Value, json};

use super::*;
use crate::state::{Secret, Settings};
use crate::testing::{put, rule};

/// At least one of each.
fn every(pki: &Pki) -> Vec<Command> {
    let subsystem = || client("AZ/GOV/1/iamas");
    let print = || Fingerprint::of(&pki.certificate);
    let title = || BTreeMap::from([(text("az"), text("Məqsəd"))]);
    let mut commands = beginning(pki);
    commands.extend(declaring());
    commands.extend([
        Command::ChangeRegistryAddress {
            address: text("registry.example"),
        },
        Command::ChangeSettings {
            settings: Settings {
                verify_next_update: Some(true),
                ..Settings::default()
            },
        },
        Command::SetRegistrationAddress {
            url: text("https://registry.example/"),
            certificate: Some(pki.certificate.clone()),
        },
        Command::DescribeMemberClass {
            code: text("GOV"),
            description: text("x"),
        },
        Command::RemoveMemberClass { code: text("GOV") },
        Command::RenameMember {
            member: member("1"),
            name: text("Ədliyyə"),
        },
        Command::RemoveMember {
            member: member("1"),
        },
        Command::RenameSubsystem {
            subsystem: subsystem(),
            name: Some(text("x")),
        },
        Command::RemoveSubsystem {
            subsystem: subsystem(),
        },
        Command::RemoveServer { server: node() },
        Command::RemoveAuthCertificate {
            server: node(),
            certificate: print(),
        },
        Command::ChangeServerAddress {
            server: node(),
            address: text("a.example"),
        },
        Command::ChangeServerOwner {
            server: node(),
            owner: member("2"),
        },
        Command::BeginMaintenance {
            server: node(),
            message: text("till 3"),
        },
        Command::EndMaintenance { server: node() },
        Command::UnregisterClient {
            server: node(),
            client: subsystem(),
        },
        Command::SetClientEnabled {
            server: node(),
            client: subsystem(),
            enabled: false,
        },
        Command::DescribeGroup {
            code: text("x"),
            description: text("x"),
        },
        Command::RemoveGroup { code: text("x") },
        Command::RemoveGroupMember {
            group: text("x"),
            client: subsystem(),
        },
        Command::AddIntermediate {
            authority: print(),
            certificate: pki.intermediate("I"),
            responders: vec![Responder {
                url: text("http://ocsp.example"),
                certificate: Some(pki.certificate.clone()),
                cost: Cost::Paid,
            }],
        },
        Command::SetResponders {
            authority: print(),
            of: print(),
            responders: Vec::new(),
        },
        Command::RemoveIntermediate {
            authority: print(),
            intermediate: print(),
        },
        Command::RemoveAuthority { authority: print() },
        Command::RemoveTimestamper {
            timestamper: print(),
        },
        Command::TrustPartner {
            anchor: anchor("FI", pki),
        },
        Command::DistrustPartner {
            instance: text("FI"),
        },
        Command::DescribePurpose {
            code: text("x"),
            title: title(),
        },
        Command::RemovePurpose { code: text("x") },
        Command::ChangeCategory {
            code: text("x"),
            title: title(),
            special: true,
        },
        Command::RemoveCategory { code: text("x") },
        Command::ChangeSystem {
            code: text("x"),
            owner: member("1"),
            name: text("x"),
            register: Register::StateResource,
            entry: text("DR-1"),
            purposes: vec![text("x")],
        },
        Command::DeregisterSystem { code: text("x") },
        Command::ReregisterSystem { code: text("x") },
        Command::ChangeService {
            service: crate::testing::service("GetPension"),
        },
        Command::RemoveService {
            provider: subsystem(),
            code: text("x"),
        },
        put(rule("aid")),
        Command::WithdrawRule {
            id: text("aid"),
            version: Some(1),
        },
        Command::ChangeRuleSettings {
            settings: RuleSettings::default(),
        },
        Command::SetConsentService { service: None },
        Command::PublishRules {},
        Command::AddApiKey {
            name: text("aysel"),
            role: Role::Registrar,
            sha256: Secret::random().hash(),
        },
        Command::RevokeApiKey {
            name: text("aysel"),
        },
    ]);
    commands
}

/// What serde says it knows, when asked for what it does not.
fn tags() -> BTreeSet<String> {
    let unknown = serde_json::from_value::<Command>(json!({"command": "?"}));
    let said = unknown.unwrap_err().to_string();
    let (_, known) = said.split_once("expected one of ").unwrap();
    known
        .split('`')
        .filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn reads_every_command_back_from_what_it_writes() {
    let pki = Pki::new("CA");
    let mut seen = BTreeSet::new();
    for command in every(&pki) {
        let written = serde_json::to_value(&command).unwrap();
        assert_eq!(written["command"], command.name());
        let text = written.to_string();
        assert_eq!(
            serde_json::from_str::<Command>(&text).unwrap(),
            command,
            "{text}"
        );
        seen.insert(command.name().to_owned());
    }
    assert_eq!(seen, tags());
    assert!(seen.len() > 50, "{seen:?}");
}

#[test]
fn refuses_fields_it_does_not_know_anywhere() {
    fn objects(value: &mut Value, at: &mut usize) -> bool {
        match value {
            Value::Object(fields) => {
                if *at == 0 {
                    fields.insert("surprise".to_owned(), json!(1));
                    return true;
                }
                *at -= 1;
                fields.values_mut().any(|field| objects(field, at))
            }
            Value::Array(items) => items.iter_mut().any(|item| objects(item, at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    for command in every(&Pki::new("CA")) {
        let written = serde_json::to_value(&command).unwrap();
        for at in 0.. {
            let mut altered = written.clone();
            if !objects(&mut altered, &mut { at }) {
                break;
            }
            assert!(
                serde_json::from_value::<Command>(altered.clone()).is_err(),
                "{altered}"
            );
        }
    }
}

#[test]
fn reads_a_rule_without_its_version() {
    let written = json!({
        "command": "put-rule",
        "rule": {
            "id": "bank-income",
            "consumers": ["class:AZ/COM"],
            "services": [{"provider": "AZ/GOV/2/pensiya", "code": "income"}],
            "purposes": ["credit"],
            "basis": {"kind": "consent"},
        },
    });
    let Command::PutRule { rule } = serde_json::from_value(written).unwrap() else {
        panic!("another command")
    };
    assert_eq!((rule.version, rule.basis), (0, Basis::Consent));
}

#[test]
fn refuses_what_is_no_certificate_fingerprint_or_hash() {
    let refused = [
        json!({"command": "remove-authority", "authority": "12"}),
        json!({"command": "add-api-key", "name": "a", "role": "auditor", "sha256": "zz"}),
        json!({"command": "add-api-key", "name": "a", "role": "king", "sha256": "0".repeat(64)}),
        json!({"command": "register-server", "server": "AZ/GOV/1/node", "address": "a",
               "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
        json!({"command": "change-settings", "settings": {"ocsp_freshness_seconds": 60}}),
        json!({"command": "add-member", "member": "AZ/GOV", "name": "x"}),
        json!({"command": "trust-partner", "anchor": "<anchor/>"}),
        json!({"name": "x"}),
    ];
    for value in refused {
        assert!(
            serde_json::from_value::<Command>(value.clone()).is_err(),
            "{value}"
        );
    }
}
