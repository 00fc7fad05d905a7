//! Putting rules in force. Nothing is published that a node would not take.

use std::collections::BTreeMap;

use gateway_policy::rules::{Finding, Part, Rules, Severity};
use jiff::Timestamp;

use crate::Refusal;
use crate::state::{Published, RuleKey, RuleVersion, Shared, Stage, State};

/// Publishes all that was declared and drafted; answers the warnings.
pub(super) fn publish(state: &mut State, now: Timestamp) -> Result<Vec<String>, Refusal> {
    let (part, findings) = state.preview(now);
    if let Some(last) = &state.published
        && is_the_same(&part, last.part())
    {
        return Err(Refusal::exists(
            format!("version {} of the rules", last.version()),
            "nothing was changed since; nothing needs to be done",
        ));
    }
    let (errors, warnings) = split(findings);
    if !errors.is_empty() {
        return Err(contradictory(&errors));
    }
    put_in_force(state, part)?;
    mark(state);
    Ok(capped(warnings))
}

/// Publishes the rules in force with one change and nothing else that waits. Before rules were
/// switched on, or when the change changes nothing, nothing is published.
pub(super) fn at_once(
    state: &mut State,
    now: Timestamp,
    change: impl FnOnce(&mut Part),
) -> Result<(), Refusal> {
    let Some(last) = &state.published else {
        return Ok(());
    };
    let mut part = last.part().clone();
    change(&mut part);
    if part == *last.part() {
        return Ok(());
    }
    let part = state.following(part, now);
    put_in_force(state, part)
}

/// Judges one thing in a part made for it: what is wrong with it is refused, else the warnings are
/// answered.
pub(super) fn check(
    part: &Part,
    what: &str,
    is_place: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Refusal> {
    let mut findings = gateway_policy::rules::check(part);
    findings.retain(|finding| is_place(&finding.place));
    let (errors, warnings) = split(findings);
    match errors.is_empty() {
        true => Ok(warnings),
        false => Err(Refusal::invalid(what, errors.join("; "), "correct it")),
    }
}

/// What is wrong as text, errors and warnings apart.
fn split(findings: Vec<Finding>) -> (Vec<String>, Vec<String>) {
    let (errors, warnings): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| finding.severity == Severity::Error);
    let texts = |findings: Vec<Finding>| findings.iter().map(Finding::to_string).collect();
    (texts(errors), texts(warnings))
}

/// The trail keeps the first ones; the preview has them all.
fn capped(mut warnings: Vec<String>) -> Vec<String> {
    let more = warnings.len().saturating_sub(WARNINGS_MAX);
    warnings.truncate(WARNINGS_MAX);
    if more > 0 {
        warnings.push(format!("and {more} more"));
    }
    warnings
}

fn contradictory(errors: &[String]) -> Refusal {
    Refusal::invalid(
        "the rules",
        errors.join("; "),
        "change or withdraw what is named, then publish again",
    )
}

/// The octets are read back as nodes read them: what they would refuse is not published.
fn put_in_force(state: &mut State, part: Part) -> Result<(), Refusal> {
    let unreadable = |error: &dyn std::error::Error| {
        let mut why = error.to_string();
        if let Some(source) = error.source() {
            why = format!("{why}: {source}");
        }
        contradictory(&[why])
    };
    let published = Published::new(part).map_err(|error| unreadable(&error))?;
    Rules::read(published.octets(), &state.instance).map_err(|error| unreadable(&error))?;
    state.published = Some(Shared::from(published));
    Ok(())
}

/// The newest live version of each rule is the one that was published.
fn mark(state: &mut State) {
    let mut newest: BTreeMap<String, u32> = BTreeMap::new();
    for (key, version) in &state.rules {
        if version.stage.is_live() {
            newest.insert(key.id.clone(), key.version);
        }
    }
    let stale: Vec<(RuleKey, Stage)> = state
        .rules
        .iter()
        .filter(|(_, version)| version.stage.is_live())
        .map(|(key, version)| match newest.get(&key.id) {
            Some(newest) if *newest == key.version => (key, version, Stage::Published),
            Some(_) | None => (key, version, Stage::Superseded),
        })
        .filter(|(_, version, stage)| version.stage != *stage)
        .map(|(key, _, stage)| (key.clone(), stage))
        .collect();
    for (key, stage) in stale {
        if let Some(version) = state.rules.get_mut(&key) {
            *version = Shared::from(RuleVersion {
                stage,
                rule: version.rule.clone(),
            });
        }
    }
}

/// But for what only says when it was published.
fn is_the_same(one: &Part, other: &Part) -> bool {
    let Part {
        format,
        instance,
        version: _,
        published: _,
        previous: _,
        settings,
        purposes,
        categories,
        systems,
        services,
        rules,
        consent,
    } = one;
    *format == other.format
        && *instance == other.instance
        && *settings == other.settings
        && *purposes == other.purposes
        && *categories == other.categories
        && *systems == other.systems
        && *services == other.services
        && *rules == other.rules
        && *consent == other.consent
}

const WARNINGS_MAX: usize = 100;
