//! What is declared: purposes, categories, systems, services.

use std::collections::HashSet;

use super::document::{LIST_MAX, NO_CODE, are_titles, is_code, is_text};
use super::{Findings, Names, name_of};
use crate::locate::Locator;
use crate::person::KeyKind;
use crate::rules::part::{Basis, Part, Service, Status, System};

pub(super) fn check(part: &Part, names: &Names<'_>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for purpose in &part.purposes {
        let twice = !seen.insert(&purpose.code);
        check_entry(
            "purpose",
            &purpose.code,
            twice,
            are_titles(&purpose.title),
            findings,
        );
    }
    let mut seen = HashSet::new();
    for category in &part.categories {
        let twice = !seen.insert(&category.code);
        check_entry(
            "category",
            &category.code,
            twice,
            are_titles(&category.title),
            findings,
        );
    }
    let mut seen = HashSet::new();
    for system in &part.systems {
        let twice = !seen.insert(&system.code);
        check_entry(
            "system",
            &system.code,
            twice,
            is_text(&system.name),
            findings,
        );
        check_system(part, system, names, findings);
    }
    let mut seen = HashSet::new();
    for service in &part.services {
        if !seen.insert((&service.provider, &service.code)) {
            findings.error(format!("service {}", name_of(service)), "it stands twice");
        }
        check_service(part, service, names, findings);
    }
}

fn check_entry(what: &str, code: &str, twice: bool, titled: bool, findings: &mut Findings) {
    let place = || format!("{what} {code}");
    if !is_code(code) {
        findings.error(place(), format!("its code {NO_CODE}"));
    }
    if twice {
        findings.error(place(), "it stands twice");
    }
    if !titled {
        findings.error(
            place(),
            "its title or name is too long or has control characters",
        );
    }
}

fn check_system(part: &Part, system: &System, names: &Names<'_>, findings: &mut Findings) {
    let place = || format!("system {}", system.code);
    if system.owner.instance() != part.instance {
        findings.error(place(), "its owner is of another instance");
    }
    if system.entry.trim().is_empty() || !is_text(&system.entry) {
        findings.error(
            place(),
            "it has no readable number of its entry in the state register",
        );
    }
    if system.purposes.len() > LIST_MAX {
        findings.error(place(), format!("it has more than {LIST_MAX} purposes"));
    }
    for purpose in &system.purposes {
        if !names.purposes.contains_key(purpose.as_str()) {
            findings.error(place(), format!("the purpose {purpose:?} is not declared"));
        }
    }
}

fn check_service(part: &Part, service: &Service, names: &Names<'_>, findings: &mut Findings) {
    let place = || format!("service {}", name_of(service));
    if service.code.trim().is_empty() || !is_text(&service.code) {
        findings.error(
            place(),
            "its code is empty, too long, or has control characters",
        );
    }
    if service.provider.instance() != part.instance {
        findings.error(place(), "its provider is of another instance");
    }
    let longest = service
        .purposes
        .len()
        .max(service.categories.len())
        .max(service.subjects.len());
    if longest > LIST_MAX {
        findings.error(
            place(),
            format!("one of its lists is longer than {LIST_MAX}"),
        );
    }
    match names.systems.get(service.system.as_str()) {
        None => findings.error(place(), format!("there is no system {:?}", service.system)),
        Some(system) => {
            if system.owner != *service.provider.member() {
                let text = format!("the system {} belongs to another member", system.code);
                findings.error(place(), text);
            }
            let declared: HashSet<&String> = system.purposes.iter().collect();
            for purpose in &service.purposes {
                if !declared.contains(purpose) {
                    let text = format!(
                        "the purpose {purpose:?} is not among those of the system {}",
                        system.code
                    );
                    findings.error(place(), text);
                }
            }
        }
    }
    for purpose in &service.purposes {
        if !names.purposes.contains_key(purpose.as_str()) {
            findings.error(place(), format!("the purpose {purpose:?} is not declared"));
        }
    }
    for category in &service.categories {
        if !names.categories.contains_key(category.as_str()) {
            findings.error(
                place(),
                format!("the category {category:?} is not declared"),
            );
        }
    }
    for locator in service
        .subjects
        .iter()
        .filter(|locator| !is_endpoint(locator))
    {
        let text = format!(
            "the method or path for {} is not of the form",
            kind(locator)
        );
        findings.error(place(), text);
    }
    if service.personal && service.subjects.is_empty() {
        findings.warning(
            place(),
            "it gives personal data, but does not say where its requests name persons: it can never \
             be asked",
        );
    }
    if service.personal && service.purposes.is_empty() {
        findings.warning(
            place(),
            "it gives personal data, but declares no purpose: it can never be asked",
        );
    }
}

fn is_endpoint(locator: &Locator) -> bool {
    super::rule::is_method(locator.method.as_deref())
        && super::rule::is_path(locator.path.as_deref())
}

fn kind(locator: &Locator) -> &'static str {
    match locator.kind {
        KeyKind::Fin => "a FIN",
        KeyKind::Voen => "a VÖEN",
        KeyKind::IdentityCard => "an identity card",
        KeyKind::DrivingLicence => "a driving licence",
        KeyKind::BirthCertificate => "a birth certificate",
        KeyKind::Diploma => "a diploma",
        KeyKind::Protocol => "a protocol",
        KeyKind::Document => "a document",
    }
}

/// What is declared and leads nowhere.
pub(super) fn check_use(part: &Part, names: &Names<'_>, findings: &mut Findings) {
    let mut used: HashSet<&String> = HashSet::new();
    let mut whole = HashSet::new();
    let mut single = HashSet::new();
    for rule in &part.rules {
        used.extend(&rule.purposes);
        if rule.basis == Basis::Open {
            continue;
        }
        for scope in &rule.services {
            match &scope.code {
                None => whole.insert(&scope.provider),
                Some(code) => single.insert((&scope.provider, code)),
            };
        }
    }
    for service in &part.services {
        used.extend(&service.purposes);
        let system = names.systems.get(service.system.as_str());
        let on = system.is_some_and(|system| system.status == Status::Registered);
        let ruled = whole.contains(&service.provider)
            || single.contains(&(&service.provider, &service.code));
        if service.personal && on && !ruled {
            findings.warning(
                format!("service {}", name_of(service)),
                "it gives personal data and no rule is about it: it is denied to all",
            );
        }
    }
    for purpose in &part.purposes {
        if !used.contains(&purpose.code) {
            findings.warning(format!("purpose {}", purpose.code), "nobody uses it");
        }
    }
}
