//! Systems, services, purposes, categories and rules: what is declared, what is published, and what the
//! next publication would say.

use std::collections::BTreeSet;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::rules::{Part, Severity};
use gateway_proto::id::{ClientId, ServiceId};
use gateway_registry::state::{RuleVersion, Stage};
use gateway_registry::{Command, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Problem, document};
use super::call::{Call, id};

/// What is not known from the desk itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentDesk {
    /// Where the feed is; empty: the host of the configuration, the port of the feed.
    #[serde(default)]
    feed_urls: Vec<String>,
    /// Artefacts signed with keys that are published now are believed on; for a change of keys.
    #[serde(default)]
    keep_keys: bool,
}

/// Services, versions left out or not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovedServices {
    services: BTreeSet<ServiceId>,
}

pub(super) fn purposes(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(state.purposes.values())
}

pub(super) fn categories(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(state.categories.values())
}

pub(super) fn systems(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(state.systems.values())
}

pub(super) fn system(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, code) = (call.state(), call.parameter("code")?);
    let system = state.systems.get(code);
    let system = system.ok_or_else(|| Problem::not_found(format!("the system {code}")))?;
    let services = state.services.values();
    let services = services.filter(|service| service.system == code);
    let mut found = document(system)?;
    if let Value::Object(fields) = &mut found {
        let services: Vec<_> = services
            .map(|service| json!({ "provider": service.provider, "code": service.code }))
            .collect();
        fields.insert("services".to_owned(), services.into());
    }
    Answer::ok(found)
}

pub(super) fn services(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let of: Option<ClientId> = call.asked("provider").map(id).transpose()?;
    let system = call.asked("system");
    let services = state.services.values().filter(|service| {
        of.as_ref().is_none_or(|of| *of == service.provider)
            && system.is_none_or(|system| service.system == system)
    });
    Answer::list(services)
}

pub(super) fn service(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, provider) = (call.state(), call.id::<ClientId>("provider")?);
    let code = call.parameter("code")?;
    let service = ServiceId::new(provider, code, None)
        .map_err(|error| Problem::invalid(error.to_string()))?;
    let declared = state.services.get(&service);
    let declared =
        declared.ok_or_else(|| Problem::not_found(format!("the service {}", service.to_rest())))?;
    Answer::ok(declared)
}

/// Each rule once: the version in force, and what is newer.
pub(super) fn rules(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let mut ids: Vec<&str> = state.rules.keys().map(|key| key.id.as_str()).collect();
    // The keys are sorted by rule first.
    ids.dedup();
    Answer::list(ids.into_iter().map(|id| {
        let version = |stage| {
            let mut versions = state.rule_versions(id).rev();
            versions.find(|version| version.stage == stage)
        };
        let newest = state.rule_versions(id).next_back();
        json!({
            "id": id,
            "title": newest.map(|version| &version.rule.title),
            "basis": newest.map(|version| &version.rule.basis),
            "in_force": version(Stage::Published).map(|version| version.rule.version),
            "draft": version(Stage::Draft).map(|version| version.rule.version),
            "versions": state.rule_versions(id).count(),
        })
    }))
}

pub(super) fn rule(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, id) = (call.state(), call.parameter("id")?);
    let versions: Vec<&RuleVersion> = state.rule_versions(id).collect();
    match versions.is_empty() {
        true => Err(Problem::not_found(format!("the rule {id}"))),
        false => Answer::ok(json!({ "id": id, "versions": versions })),
    }
}

pub(super) fn settings(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::ok(json!({
        "configuration": state.settings,
        "rules": state.rule_settings,
        "consent": state.consent,
        "management_provider": state.management.provider,
        "registration_address": state.management.registration_address,
    }))
}

/// Has nodes believe this registry's consent desk: its keys, and where its feed is.
pub(super) fn set_consent_service(call: &Call<'_>) -> Result<Answer, Problem> {
    let ConsentDesk {
        feed_urls,
        keep_keys,
    } = call.body()?;
    let mut service = call.admin.consent.clone().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "no_desk",
            "this registry has no consent desk; add [desk] and [feed] to its file and start it again",
        )
    })?;
    if !feed_urls.is_empty() {
        service.feed_urls = feed_urls;
    }
    if let Some(published) = &call.state().consent
        && keep_keys
    {
        for key in &published.keys {
            if !service.keys.iter().any(|own| own.kid == key.kid) {
                service.keys.push(key.clone());
            }
        }
    }
    let command = Command::SetConsentService {
        service: Some(service),
    };
    Answer::ok(call.execute(command)?)
}

/// What would be published now, and what is to be said of it.
pub(super) fn preview(call: &Call<'_>) -> Result<Answer, Problem> {
    let (part, findings) = call.state().preview(call.now);
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            json!({ "severity": severity, "place": finding.place, "text": finding.text })
        })
        .collect();
    Answer::ok(json!({ "findings": findings, "part": part }))
}

/// Puts all that was declared and drafted in force.
pub(super) fn publish(call: &Call<'_>) -> Result<Answer, Problem> {
    Answer::created(call.execute(Command::PublishRules {})?)
}

pub(super) fn published_services(call: &Call<'_>) -> Result<Answer, Problem> {
    Answer::list(call.state().published_services())
}

/// Compares a list approved by law or decree with what is published.
pub(super) fn compare(call: &Call<'_>) -> Result<Answer, Problem> {
    let ApprovedServices { services } = call.body()?;
    Answer::ok(call.state().compare_services(&services))
}

/// What is published now, with the very document that nodes are given.
pub(super) fn publication(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let published = state.published.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_published",
            "no rules were published yet; `karvan registry rule publish` switches them on",
        )
    })?;
    Answer::ok(json!({
        "version": published.version(),
        "digest": published.digest(),
        "at": published.at(),
        "part": published.part(),
    }))
}

/// The document that nodes were given once, of any version.
pub(super) fn publication_of(call: &Call<'_>) -> Result<Answer, Problem> {
    let text = call.parameter("version")?;
    let version: u64 = text
        .parse()
        .map_err(|_| Problem::invalid("the version is no number"))?;
    let octets = call.admin.registry.published_rules(version);
    let octets = octets
        .map_err(|error| Problem::of(&error))?
        .ok_or_else(|| Problem::not_found(format!("version {version} of the rules")))?;
    let part: Part = serde_json::from_slice(&octets).map_err(|error| {
        tracing::error!(version, "published rules cannot be read: {error}");
        Problem::failed()
    })?;
    let digest = Digest::of(DigestAlgorithm::Sha256, &octets);
    Answer::ok(json!({
        "version": part.version,
        "digest": hex::encode(digest.as_bytes()),
        "at": part.published,
        "part": part,
    }))
}

/// Version, digest and time of what is published.
pub(super) fn published(state: &State) -> Value {
    match &state.published {
        Some(published) => json!({
            "version": published.version(),
            "digest": published.digest(),
            "at": published.at(),
        }),
        None => Value::Null,
    }
}
