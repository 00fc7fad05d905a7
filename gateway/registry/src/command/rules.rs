//! Rules, what holds for all of them, and whose consents are believed.

use gateway_policy::rules::{ConsentService, Consumer, Part, Rule, Settings};
use gateway_proto::id::ClientId;
use jiff::Timestamp;

use super::{check, dependents, publish, purposes, services};
use crate::Refusal;
use crate::state::{RuleKey, RuleVersion, Shared, Stage, State};

/// Writes a draft, judged by itself; answers the warnings.
pub(super) fn put(
    state: &mut State,
    mut rule: Rule,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    check::code("the rule", &rule.id)?;
    let what = format!("rule {:?}", rule.id);
    let newest = state.rule_versions(&rule.id).next_back();
    let newest = newest.map_or(0, |version| version.rule.version);
    let version = newest.checked_add(1).ok_or_else(|| {
        Refusal::invalid(
            &what,
            "it has too many versions",
            "begin a rule of another id",
        )
    })?;
    if rule.version != 0 && rule.version != version {
        return Err(Refusal::exists(
            format!("version {newest} of {what}"),
            format!("look at it again, then put version {version}"),
        ));
    }
    rule.version = version;
    check_named(state, &what, &rule)?;
    let warnings = check_alone(state, &rule, now)?;
    let drafts: Vec<RuleKey> = state
        .rule_versions(&rule.id)
        .filter(|version| version.stage == Stage::Draft)
        .map(|version| key(&version.rule))
        .collect();
    for draft in drafts {
        set_stage(state, &draft, Stage::Superseded);
    }
    let version = RuleVersion {
        stage: Stage::Draft,
        rule,
    };
    state
        .rules
        .insert(key(&version.rule), Shared::from(version));
    Ok(warnings)
}

/// What was in force ends at once.
pub(super) fn withdraw(
    state: &mut State,
    id: &str,
    version: Option<u32>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let named: Vec<(RuleKey, Stage)> = state
        .rule_versions(id)
        .filter(|found| found.stage.is_live())
        .filter(|found| version.is_none_or(|version| found.rule.version == version))
        .map(|found| (key(&found.rule), found.stage))
        .collect();
    if named.is_empty() {
        let what = match version {
            Some(version) => format!("version {version} of rule {id:?}"),
            None => format!("rule {id:?}"),
        };
        return Err(Refusal::new(
            crate::refusal::Kind::NotFound,
            what,
            "it is neither in force nor a draft",
            "look at the versions of the rule",
        ));
    }
    let mut in_force = false;
    for (key, stage) in named {
        in_force |= stage == Stage::Published;
        set_stage(state, &key, Stage::Withdrawn);
    }
    match in_force {
        true => publish::at_once(state, now, |part| part.rules.retain(|rule| rule.id != id)),
        false => Ok(()),
    }
}

/// Answers the warnings.
pub(super) fn change_settings(
    state: &mut State,
    settings: Settings,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    for portal in &settings.portals {
        services::check_provider(state, portal)?;
    }
    if let Some(supervisor) = &settings.supervisor {
        services::check_provider(state, supervisor.provider())?;
    }
    let mut part = empty(state, now);
    part.settings = settings.clone();
    let warnings = publish::check(&part, "the rule settings", |place| place == "settings")?;
    state.rule_settings = settings;
    Ok(warnings)
}

pub(super) fn set_consent_service(
    state: &mut State,
    service: Option<ConsentService>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if service.is_none() && state.consent.is_none() {
        return Err(Refusal::not_found(
            "the consent service",
            "nothing needs to be done",
        ));
    }
    let mut part = empty(state, now);
    part.consent.clone_from(&service);
    publish::check(&part, "the consent service", |place| {
        place.starts_with("consent")
    })?;
    if let Some(service) = &service {
        for url in &service.feed_urls {
            check::url("the address of the feed", url, &["https"])?;
        }
    }
    state.consent.clone_from(&service);
    publish::at_once(state, now, |part| part.consent = service)
}

/// All that the rule names is known here, or somebody of a partner.
fn check_named(state: &State, what: &str, rule: &Rule) -> Result<(), Refusal> {
    check::optional_text(&format!("the title of {what}"), &rule.title)?;
    for consumer in &rule.consumers {
        check_consumer(state, consumer)?;
    }
    for scope in &rule.services {
        services::check_provider(state, &scope.provider)?;
    }
    purposes::check_all(state, what, &rule.purposes)?;
    purposes::check_all_categories(state, what, &rule.categories)
}

fn check_consumer(state: &State, consumer: &Consumer) -> Result<(), Refusal> {
    let instance = dependents::instance_of(consumer);
    let known = match (instance == state.instance, consumer) {
        (false, _) => state.trusted_anchors.contains_key(instance),
        (true, Consumer::Client(client)) => state.has_client(client),
        (true, Consumer::Group(group)) => state.groups.contains_key(group.code()),
        (true, Consumer::Class { class, .. }) => state.member_classes.contains_key(class),
    };
    match known {
        true => Ok(()),
        false => Err(Refusal::not_found(
            format!("the consumer {}", String::from(consumer.clone())),
            "add the subsystem, group or class first, or trust the partner it is of",
        )),
    }
}

/// Judges the rule among the declarations it stands on, without the other rules.
fn check_alone(state: &State, rule: &Rule, now: Timestamp) -> Result<Vec<String>, Refusal> {
    let mut part = state.declarations(now);
    let provides = |id: &ClientId| rule.services.iter().any(|scope| scope.provider == *id);
    part.services.retain(|service| provides(&service.provider));
    part.rules = vec![rule.clone()];
    let place = format!("rule {}", rule.id);
    publish::check(&part, &format!("rule {:?}", rule.id), |found| {
        found == place
    })
}

/// The part that follows, declaring nothing.
fn empty(state: &State, now: Timestamp) -> Part {
    Part {
        purposes: Vec::new(),
        categories: Vec::new(),
        systems: Vec::new(),
        services: Vec::new(),
        ..state.declarations(now)
    }
}

fn set_stage(state: &mut State, key: &RuleKey, stage: Stage) {
    if let Some(version) = state.rules.get_mut(key) {
        *version = Shared::from(RuleVersion {
            stage,
            rule: version.rule.clone(),
        });
    }
}

fn key(rule: &Rule) -> RuleKey {
    RuleKey {
        id: rule.id.clone(),
        version: rule.version,
    }
}
