//! What was noted of a basis, for people and programs.

use gateway_messagelog::{Basis, Disclosure, Ground, Record};
use serde_json::{Value, json as document};

use super::{Again, Body};

/// The lines about a basis: name and text.
pub(in crate::audit) fn lines(record: &Record, basis: &Basis) -> Vec<(&'static str, String)> {
    let mut lines = vec![("ground", headline(basis))];
    if let Some(rule) = &basis.rule {
        let (version, rules) = (basis.rule_version, basis.rules_version);
        lines.push((
            "rule",
            format!("{rule}, version {version}, of the rules {rules}"),
        ));
    }
    if let Some(purpose) = &basis.purpose {
        let stated = match stated_purpose(record) {
            Some(true) => " (stated in the message)",
            Some(false) => " (not stated: the only one that rules or access right leave)",
            None => "",
        };
        lines.push(("purpose", format!("{purpose}{stated}")));
    }
    if let Some(consent) = &basis.consent {
        let digest = hex::encode(consent.digest.as_bytes());
        lines.push(("consent", format!("{}, SHA-256 {digest}", consent.id)));
    }
    if let Some(reason) = &basis.emergency {
        lines.push(("emergency", reason.clone()));
    }
    if let Some(level) = &basis.authentication {
        lines.push(("user proved by", level.clone()));
    }
    if !basis.persons.is_empty() {
        lines.push((
            "persons",
            format!("{}, under keyed hashes", basis.persons.len()),
        ));
    }
    lines.push((
        "disclosure",
        match &basis.disclosure {
            Disclosure::AtOnce => "the person may learn of it at once".to_owned(),
            Disclosure::From(time) => format!("the person may learn of it from {time}"),
            Disclosure::Hidden { article, until } => {
                format!("hidden from the person under {article} until {until}")
            }
        },
    ));
    lines
}

/// Whether the signed message states the purpose; `None`: it was not kept.
pub(in crate::audit) fn stated_purpose(record: &Record) -> Option<bool> {
    // It stands in no body.
    let again = Again::read(record, Body::Nothing).ok()?;
    Some(again.stated().purpose.is_some())
}

/// For programs.
pub(in crate::audit) fn json(basis: &Basis) -> Value {
    document!({
        "ground": ground(basis.ground),
        "rule": basis.rule,
        "rule_version": basis.rule.as_ref().map(|_| basis.rule_version),
        "rules_version": basis.rules_version,
        "act": basis.law.as_ref().map(|(act, _)| act),
        "article": basis.law.as_ref().map(|(_, article)| article),
        "purpose": basis.purpose,
        "consent": basis.consent.as_ref().map(|consent| document!({
            "id": consent.id.to_string(),
            "sha256": hex::encode(consent.digest.as_bytes()),
        })),
        "emergency": basis.emergency,
        "authentication": basis.authentication,
        "persons": basis.persons.len(),
        "disclosure": match &basis.disclosure {
            Disclosure::AtOnce => document!({ "kind": "at-once" }),
            Disclosure::From(time) => document!({ "kind": "delayed", "from": time.to_string() }),
            Disclosure::Hidden { article, until } => document!({
                "kind": "hidden", "article": article, "until": until.to_string(),
            }),
        },
    })
}

/// A short name for programs, and for filters.
pub(in crate::audit) fn ground(ground: Ground) -> &'static str {
    match ground {
        Ground::Open => "open",
        Ground::Law => "law",
        Ground::Consent => "consent",
        Ground::Vital => "vital",
        Ground::NotPersonal => "not-personal",
        Ground::LeftToProvider => "left-to-provider",
    }
}

fn headline(basis: &Basis) -> String {
    let law = basis.law.as_ref();
    let law = law.map(|(act, article)| format!("{act}, article {article}"));
    match (basis.ground, law) {
        (Ground::Open, _) => "open: a rule for data that are not about persons".to_owned(),
        (Ground::Law, Some(law)) => format!("law: {law}"),
        (Ground::Law, None) => "law".to_owned(),
        (Ground::Consent, _) => "the person's consent".to_owned(),
        (Ground::Vital, Some(law)) => format!("break-glass, by {law}"),
        (Ground::Vital, None) => "break-glass".to_owned(),
        (Ground::NotPersonal, _) => "not about a person, no rule was needed".to_owned(),
        (Ground::LeftToProvider, _) => {
            "left to the provider's node: its access right may name the purpose".to_owned()
        }
    }
}
