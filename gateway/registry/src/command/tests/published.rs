//! Putting rules in force and out of it.

use std::collections::BTreeSet;

use gateway_policy::rules::{Basis, ConsentKey, Rules, Severity, Status};
use gateway_proto::id::ServiceId;

use super::*;
use crate::state::{Published, Stage};
use crate::testing::{declared, put, rule, service, time};

const NOW: &str = "2030-01-02T03:00:00Z";

fn published(state: &State) -> &Published {
    state.published.as_ref().unwrap()
}

fn in_force(state: &State) -> Vec<(&str, u32)> {
    let rules = published(state).part().rules.iter();
    rules.map(|rule| (rule.id.as_str(), rule.version)).collect()
}

fn withdraw(id: &str, version: Option<u32>) -> Command {
    Command::WithdrawRule {
        id: text(id),
        version,
    }
}

fn publish() -> Command {
    Command::PublishRules {}
}

fn consent_service() -> ConsentService {
    ConsentService {
        keys: vec![ConsentKey {
            kid: text("razilig-1"),
            algorithm: text("EdDSA"),
            public: text("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
        }],
        feed_key: text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        feed_urls: vec![text("https://127.0.0.1:8080/karvan/v1/feed")],
        feed_certificates: vec!["00".repeat(32)],
    }
}

#[test]
fn publishes_what_was_declared_and_drafted() {
    let state = declared(&Pki::new("CA"));
    let (preview, findings) = state.preview(time(NOW));
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    assert_eq!(errors.count(), 0, "{findings:?}");
    let outcome = publish().carry_out(state, time(NOW)).unwrap();
    let warned = findings.iter().map(ToString::to_string);
    assert_eq!(outcome.warnings, warned.collect::<Vec<_>>());
    let state = outcome.state;
    assert_eq!(published(&state).part(), &preview);
    assert_eq!(published(&state).version(), 1);
    assert_eq!(preview.previous, None);
    assert_eq!(preview.published, time(NOW));
    assert_eq!(in_force(&state), [("aid", 1)]);
    assert_eq!(state.rule_in_force("aid").unwrap().version, 1);
    let rules = Rules::read(published(&state).octets(), "AZ").unwrap();
    assert_eq!(rules.part(), &preview);
    assert_eq!(rules.digest(), &digest(&state));
    check_refused(&state, publish(), Kind::Exists);

    let state = run(state, vec![put(rule("aid")), put(rule("birth"))]).unwrap();
    assert_eq!(in_force(&state), [("aid", 1)]);
    assert_eq!(state.rule_in_force("aid").unwrap().version, 1);
    let first = published(&state).digest().to_owned();
    let state = run(state, vec![publish()]).unwrap();
    assert_eq!(in_force(&state), [("aid", 2), ("birth", 1)]);
    assert_eq!(published(&state).version(), 2);
    assert_eq!(published(&state).part().previous, Some(first));
    let stages: Vec<_> = state.rule_versions("aid").map(|rule| rule.stage).collect();
    assert_eq!(stages, [Stage::Superseded, Stage::Published]);
}

fn digest(state: &State) -> certs_keys::Digest {
    let octets = published(state).octets();
    certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha256, octets)
}

#[test]
fn publishes_the_same_octets_for_the_same_state() {
    let pki = Pki::new("CA");
    let mut drafts = vec![put(rule("b")), put(rule("a")), put(rule("c"))];
    let octets = |drafts: Vec<Command>| {
        let state = run(declared(&pki), drafts).unwrap();
        let state = run(state, vec![publish()]).unwrap();
        published(&state).octets().clone()
    };
    let first = octets(drafts.clone());
    drafts.reverse();
    assert_eq!(octets(drafts), first);
}

#[test]
fn publishes_nothing_that_contradicts_itself_and_says_all_that_does() {
    let state = declared(&Pki::new("CA"));
    let mut elsewhere = rule("elsewhere");
    elsewhere.services[0].code = Some(text("GetIncome"));
    let narrower = |code: &str| {
        let mut service = service(code);
        service.purposes = vec![text("e-service")];
        Command::ChangeService { service }
    };
    let state = run(
        state,
        vec![
            put(elsewhere),
            narrower("GetPension"),
            narrower("GetIncome"),
        ],
    )
    .unwrap();
    let refusal = publish().apply(state.clone()).unwrap_err();
    assert_eq!(refusal.kind(), Kind::Invalid);
    for place in ["rule aid", "rule elsewhere"] {
        assert!(refusal.why().contains(place), "{refusal}");
    }
    let (_, findings) = state.preview(time(NOW));
    assert!(
        findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    );
    // A draft is judged by itself when it is written.
    check_refused(&state, put(rule("again")), Kind::Invalid);
}

#[test]
fn switches_a_deregistered_system_off_at_once_and_nothing_else() {
    let deregister = || Command::DeregisterSystem {
        code: text("pensiya"),
    };
    let pki = Pki::new("CA");
    let before = run(declared(&pki), vec![deregister()]).unwrap();
    assert_eq!(before.published, None);

    let state = run(
        declared(&pki),
        vec![
            publish(),
            put(rule("waits")),
            Command::AddPurpose {
                code: text("waits"),
                title: BTreeMap::new(),
            },
        ],
    )
    .unwrap();
    let first = published(&state).clone();
    let later = time("2030-01-02T04:00:00.5Z");
    let state = deregister().carry_out(state, later).unwrap().state;
    let mut expected = first.part().clone();
    expected.version = 2;
    expected.previous = Some(first.digest().to_owned());
    expected.published = time("2030-01-02T04:00:00Z");
    expected.systems[0].status = Status::Deregistered;
    assert_eq!(published(&state).part(), &expected);
    // Back on with the next publication only.
    let again = Command::ReregisterSystem {
        code: text("pensiya"),
    };
    let state = run(state, vec![again]).unwrap();
    assert_eq!(published(&state).version(), 2);
    let state = run(state, vec![publish()]).unwrap();
    assert_eq!(
        published(&state).part().systems[0].status,
        Status::Registered
    );
    assert_eq!(in_force(&state), [("aid", 1), ("waits", 1)]);
}

#[test]
fn takes_a_rule_out_of_force_at_once() {
    let state = run(
        declared(&Pki::new("CA")),
        vec![put(rule("birth")), publish(), put(rule("aid"))],
    )
    .unwrap();
    let version = |state: &State| published(state).version();
    // A draft that goes changes nothing for anybody.
    let without_draft = run(state.clone(), vec![withdraw("aid", Some(2))]).unwrap();
    assert_eq!(version(&without_draft), 1);
    assert_eq!(in_force(&without_draft), [("aid", 1), ("birth", 1)]);
    // What is in force goes; its successor still waits.
    let without_first = run(state.clone(), vec![withdraw("aid", Some(1))]).unwrap();
    assert_eq!(version(&without_first), 2);
    assert_eq!(in_force(&without_first), [("birth", 1)]);
    let renewed = run(without_first, vec![publish()]).unwrap();
    assert_eq!(in_force(&renewed), [("aid", 2), ("birth", 1)]);
    let without = run(state, vec![withdraw("aid", None)]).unwrap();
    assert_eq!(in_force(&without), [("birth", 1)]);
    check_refused(&without, publish(), Kind::Exists);
}

#[test]
fn believes_another_consent_service_at_once() {
    let set = |service| Command::SetConsentService { service };
    let state = run(
        declared(&Pki::new("CA")),
        vec![set(Some(consent_service()))],
    )
    .unwrap();
    assert_eq!(state.published, None);
    let state = run(state, vec![publish(), put(rule("waits"))]).unwrap();
    let mut renewed = consent_service();
    renewed.keys[0].kid = text("razilig-2");
    let state = run(state, vec![set(Some(renewed.clone()))]).unwrap();
    assert_eq!(published(&state).version(), 2);
    assert_eq!(published(&state).part().consent, Some(renewed));
    assert_eq!(in_force(&state), [("aid", 1)]);
    let state = run(state, vec![set(None)]).unwrap();
    assert_eq!(published(&state).part().consent, None);

    let broken: [fn(&mut ConsentService); 9] = [
        |service| service.keys.clear(),
        |service| service.feed_urls.clear(),
        |service| service.keys[0].algorithm = text("none"),
        |service| service.keys[0].public = text("AAAA"),
        |service| service.keys.push(service.keys[0].clone()),
        |service| service.feed_key = text("PeterNeumann+c74f20a3+AAAA"),
        |service| service.feed_urls = vec![text("http://a.example")],
        |service| service.feed_certificates.clear(),
        |service| service.feed_certificates = vec![text("00")],
    ];
    for change in broken {
        let mut service = consent_service();
        change(&mut service);
        check_refused(&state, set(Some(service)), Kind::Invalid);
    }
}

#[test]
fn keeps_a_consent_service_while_rules_take_consents() {
    let set = |service| Command::SetConsentService { service };
    let mut by_consent = rule("bank");
    by_consent.basis = Basis::Consent;
    by_consent.services[0].code = Some(text("GetIncome"));
    let state = declared(&Pki::new("CA"));
    check_refused(&state, put(by_consent.clone()), Kind::Invalid);
    let commands = vec![set(Some(consent_service())), put(by_consent), publish()];
    let state = run(state, commands).unwrap();
    check_refused(&state, set(None), Kind::Invalid);
    let state = run(state, vec![withdraw("bank", None), set(None)]).unwrap();
    assert_eq!(published(&state).part().consent, None);
}

#[test]
fn records_a_hundred_warnings_and_counts_the_others() {
    let services = (0..150).map(|number| Command::DeclareService {
        service: service(&format!("S{number}")),
    });
    let state = run(declared(&Pki::new("CA")), services.collect()).unwrap();
    let (_, findings) = state.preview(time(NOW));
    assert!(findings.len() > 150);
    let warnings = publish().carry_out(state, time(NOW)).unwrap().warnings;
    assert_eq!(warnings.len(), 101);
    assert_eq!(warnings[100], format!("and {} more", findings.len() - 100));
}

#[test]
fn compares_published_services_with_an_approved_list() {
    let id = |code: &str| ServiceId::new(client("AZ/GOV/2/pensiya"), code, None).unwrap();
    let versioned = ServiceId::new(client("AZ/GOV/2/pensiya"), "GetPension", Some("v1")).unwrap();
    let approved: BTreeSet<_> = [versioned, id("GetDebt")].into();
    let state = declared(&Pki::new("CA"));
    assert!(state.published_services().is_empty());
    assert_eq!(state.compare_services(&approved).missing.len(), 2);
    let state = run(state, vec![publish()]).unwrap();
    let services = state.published_services();
    assert_eq!(services.len(), 2);
    assert!(
        services
            .iter()
            .all(|service| service.active && service.reachable)
    );
    let compared = state.compare_services(&approved);
    assert_eq!(compared.published, [id("GetPension")]);
    assert_eq!(compared.missing, [id("GetDebt")]);
    assert_eq!(compared.unapproved, [id("GetIncome")]);
    let off = Command::DeregisterSystem {
        code: text("pensiya"),
    };
    let state = run(state, vec![off]).unwrap();
    let compared = state.compare_services(&approved);
    assert_eq!(compared.switched_off, [id("GetPension")]);
    assert!(compared.published.is_empty());
    assert!(
        state
            .published_services()
            .iter()
            .all(|service| !service.active)
    );
}
