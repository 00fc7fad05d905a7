//! Each rule by itself, against what is declared.

use std::collections::HashSet;

use gateway_proto::id::ClientId;

use super::document::{LIST_MAX, is_text, longest};
use super::{Findings, InScope, Names, name_of};
use crate::rules::hours::Opening;
use crate::rules::part::{Basis, CaseLimit, Disclosure, Part, Rule, Scope};

pub(super) fn check(part: &Part, names: &Names<'_>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for rule in &part.rules {
        if !seen.insert(&rule.id) {
            findings.error(place(rule), "it stands twice");
        }
        check_form(rule, findings);
        check_limits(part, rule, findings);
        check_services(part, rule, names, findings);
        check_purposes(rule, names, findings);
        check_categories(rule, names, findings);
    }
}

fn check_form(rule: &Rule, findings: &mut Findings) {
    if !is_id(&rule.id) {
        findings.error(
            place(rule),
            "its id is empty or too long, or has more than letters, digits, full stops, hyphens and \
             underscores of ASCII",
        );
    }
    if rule.version == 0 {
        findings.error(place(rule), "its version is 0; the first is 1");
    }
    if !is_text(&rule.title) {
        findings.error(
            place(rule),
            "its title is too long or has control characters",
        );
    }
    if longest(rule) > LIST_MAX {
        findings.error(
            place(rule),
            format!("one of its lists is longer than {LIST_MAX}"),
        );
    }
    for (list, what) in [
        (rule.consumers.is_empty(), "consumer"),
        (rule.services.is_empty(), "service"),
        (rule.purposes.is_empty(), "purpose"),
    ] {
        if list {
            findings.error(place(rule), format!("it names no {what}"));
        }
    }
    match &rule.basis {
        Basis::Law { act, article } | Basis::Vital { act, article } => {
            if act.trim().is_empty() || article.trim().is_empty() {
                findings.error(
                    place(rule),
                    "it rests on a law and does not name act and article",
                );
            }
            if !is_text(act) || !is_text(article) {
                findings.error(
                    place(rule),
                    "act or article is too long or has control characters",
                );
            }
        }
        Basis::Open | Basis::Consent => {}
    }
}

fn check_limits(part: &Part, rule: &Rule, findings: &mut Findings) {
    let limits = &rule.limits;
    if limits
        .frequency
        .is_some_and(|limit| limit.count == 0 || limit.seconds == 0)
    {
        findings.error(
            place(rule),
            "its frequency is none: count and seconds are at least 1",
        );
    }
    if limits
        .hours
        .as_ref()
        .is_some_and(|hours| Opening::read(hours).is_none())
    {
        findings.error(
            place(rule),
            "its hours are not HH:MM from 00:00 to 23:59, or its weekdays not 1 to 7, each once",
        );
    }
    if let (Some(from), Some(until)) = (limits.valid_from, limits.valid_until)
        && from >= until
    {
        findings.error(place(rule), "it ends before it begins");
    }
    if limits
        .valid_until
        .is_some_and(|until| until <= part.published)
    {
        findings.warning(
            place(rule),
            "it no longer held when the rules were published",
        );
    }
    if let Disclosure::Hidden { article, until } = &rule.disclosure {
        if article.trim().is_empty() || !is_text(article) {
            findings.error(
                place(rule),
                "it is hidden from persons and does not name the article",
            );
        }
        if *until <= part.published {
            findings.warning(
                place(rule),
                "the time for which it was to be hidden is over",
            );
        }
    }
    if part.consent.is_none() {
        if rule.basis == Basis::Consent {
            findings.error(
                place(rule),
                "it takes consents, and no consent service is set",
            );
        }
        if limits.case == CaseLimit::Open {
            let text =
                "it asks for an open case, and no consent service is set that says which are";
            findings.error(place(rule), text);
        }
    }
    if matches!(rule.basis, Basis::Vital { .. }) && limits.data_life_seconds.is_none() {
        findings.warning(
            place(rule),
            "what is given in an emergency may be kept for ever",
        );
    }
    if limits.single_use
        && limits.case == CaseLimit::Any
        && matches!(rule.basis, Basis::Law { .. } | Basis::Vital { .. })
    {
        findings.warning(
            place(rule),
            "it serves once and asks for no case: each person can be asked about once ever",
        );
    }
}

fn check_services(part: &Part, rule: &Rule, names: &Names<'_>, findings: &mut Findings) {
    let mut held = 0_usize;
    for scope in &rule.services {
        if scope.provider.instance() != part.instance {
            findings.error(
                place(rule),
                format!("{} is of another instance", text_of(scope)),
            );
            continue;
        }
        if !is_method(scope.method.as_deref()) || !is_path(scope.path.as_deref()) {
            let text = format!(
                "the method or path at {} is not of the form",
                text_of(scope)
            );
            findings.error(place(rule), text);
        }
        let Some(services) = names.in_scope(scope) else {
            findings.warning(place(rule), format!("{} is not declared", text_of(scope)));
            continue;
        };
        held = held.saturating_add(1);
        check_persons(rule, &services, findings);
    }
    if held == 0 && !rule.services.is_empty() {
        findings.error(place(rule), "no service that it names is declared");
    }
}

/// Rules that count or compare persons need to know them; others must not say there are none.
fn check_persons(rule: &Rule, services: &InScope<'_, '_>, findings: &mut Findings) {
    if rule.basis == Basis::Open
        && let Some(service) = services.personal()
    {
        let text = format!("it is open, and {} gives personal data", name_of(service));
        findings.error(place(rule), text);
    }
    let what = match (&rule.basis, &rule.limits) {
        (Basis::Consent, _) => "takes consents",
        (_, limits) if limits.frequency.is_some() || limits.single_use => "counts uses",
        (_, limits) if limits.case == CaseLimit::Open => "asks for an open case",
        _ => return,
    };
    if let Some(service) = services.without_subjects() {
        let text = format!(
            "it {what}, and {} does not say where its requests name persons",
            name_of(service)
        );
        findings.error(place(rule), text);
    }
}

fn check_purposes(rule: &Rule, names: &Names<'_>, findings: &mut Findings) {
    let scopes = in_scopes(rule, names);
    let declared: HashSet<&str> = scopes.iter().flat_map(InScope::purposes).collect();
    for purpose in &rule.purposes {
        if !names.purposes.contains_key(purpose.as_str()) {
            let text = format!("the purpose {purpose:?} is not declared");
            findings.error(place(rule), text);
        } else if !scopes.is_empty() && !declared.contains(purpose.as_str()) {
            let text = format!("no service that it names declares the purpose {purpose}");
            findings.error(place(rule), text);
        }
    }
}

fn check_categories(rule: &Rule, names: &Names<'_>, findings: &mut Findings) {
    let scopes = in_scopes(rule, names);
    let given: HashSet<&str> = scopes.iter().flat_map(InScope::categories).collect();
    for category in &rule.categories {
        if !names.categories.contains_key(category.as_str()) {
            let text = format!("the category {category:?} is not declared");
            findings.error(place(rule), text);
        } else if !scopes.is_empty() && !given.contains(category.as_str()) {
            let text = format!("no service that it names gives the category {category}");
            findings.error(place(rule), text);
        }
    }
    check_special(rule, names, given, findings);
    check_whole(rule, names, findings);
}

/// Special categories should not be kept for ever, whoever agreed.
fn check_special(rule: &Rule, names: &Names<'_>, given: HashSet<&str>, findings: &mut Findings) {
    let by_law_or_consent = matches!(rule.basis, Basis::Law { .. } | Basis::Consent);
    if !by_law_or_consent || rule.limits.data_life_seconds.is_some() {
        return;
    }
    let named: HashSet<&str> = match rule.categories.is_empty() {
        true => given,
        false => rule.categories.iter().map(String::as_str).collect(),
    };
    let special = |code: &&str| {
        names
            .categories
            .get(code)
            .is_some_and(|known| known.special)
    };
    if let Some(category) = named.into_iter().filter(special).min() {
        let text = format!("it gives the special category {category}, to be kept for ever");
        findings.warning(place(rule), text);
    }
}

/// A rule about a whole service cannot make it give fewer categories than it does.
fn check_whole(rule: &Rule, names: &Names<'_>, findings: &mut Findings) {
    if rule.categories.is_empty() {
        return;
    }
    let named: HashSet<&str> = rule.categories.iter().map(String::as_str).collect();
    for scope in whole(rule) {
        let given = names.in_scope(scope).map(|services| services.categories());
        let beyond = given
            .into_iter()
            .flatten()
            .find(|code| !named.contains(code));
        if let Some(category) = beyond {
            let text = format!(
                "it gives {} as a whole, which gives the category {category} too",
                text_of(scope)
            );
            findings.warning(place(rule), text);
        }
    }
}

fn in_scopes<'n, 'p>(rule: &Rule, names: &'n Names<'p>) -> Vec<InScope<'n, 'p>> {
    rule.services
        .iter()
        .filter_map(|scope| names.in_scope(scope))
        .collect()
}

/// Scopes that are services as a whole, by code.
fn whole(rule: &Rule) -> impl Iterator<Item = &Scope> {
    rule.services
        .iter()
        .filter(|scope| scope.code.is_some() && scope.method.is_none() && scope.path.is_none())
}

/// Rules are named in headers and logs, `id/version`.
fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// `*` or a method as RFC 9110 writes them; missing: each.
pub(super) fn is_method(method: Option<&str>) -> bool {
    method.is_none_or(|method| {
        method == "*"
            || ((1..=METHOD_CHARS_MAX).contains(&method.len())
                && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'))
    })
}

/// A pattern that some path could fit; missing: each.
pub(super) fn is_path(path: Option<&str>) -> bool {
    path.is_none_or(|path| {
        (path.starts_with('/') || path.starts_with("**"))
            && path.len() <= PATH_BYTES_MAX
            && !path.chars().any(char::is_control)
    })
}

pub(super) fn place(rule: &Rule) -> String {
    format!("rule {}", rule.id)
}

fn text_of(scope: &Scope) -> String {
    let provider = |id: &ClientId| id.to_rest();
    match &scope.code {
        None => format!("every service of {}", provider(&scope.provider)),
        Some(code) => format!("the service {}/{code}", provider(&scope.provider)),
    }
}

const ID_CHARS_MAX: usize = 100;
const METHOD_CHARS_MAX: usize = 32;
const PATH_BYTES_MAX: usize = 1_024;
