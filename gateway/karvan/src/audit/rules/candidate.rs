//! The rules that are tried.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gateway_policy::json;
use gateway_policy::rules::{self, Finding, PART_BYTES_MAX, Part, Rule, Rules};
use serde_json::Value;

use crate::audit::{Error, file_error};
use crate::causes::with_causes;

/// Rules that could be published.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) rules: Rules,
    /// Warnings that are not already given of the rules in force.
    pub(super) findings: Vec<Finding>,
}

impl Candidate {
    /// A whole part.
    pub(super) fn whole(path: &Path, instance: &str) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| file_error(path, source))?;
        let rules = Rules::read(&bytes, instance).map_err(|error| unusable(path, &error))?;
        let findings = rules::check(rules.part());
        Ok(Self { rules, findings })
    }

    /// The part in force, with these rules in it.
    pub(super) fn with(in_force: &Rules, files: &[PathBuf]) -> Result<Self, Error> {
        let mut put = Vec::new();
        for path in files {
            put.extend(read(path)?);
        }
        let part = put_in(in_force.part(), put).map_err(Error::Use)?;
        let instance = part.instance.clone();
        let known: BTreeSet<String> = rules::check(in_force.part())
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut findings = rules::check(&part);
        findings.retain(|finding| !known.contains(&finding.to_string()));
        let bytes = serde_json::to_vec(&part).map_err(|error| Error::Use(error.to_string()))?;
        let rules = Rules::read(&bytes, &instance)
            .map_err(|error| Error::Use(format!("with these rules, {}", with_causes(&error))))?;
        Ok(Self { rules, findings })
    }
}

/// A rule, or several.
fn read(path: &Path) -> Result<Vec<Rule>, Error> {
    let bytes = std::fs::read(path).map_err(|source| file_error(path, source))?;
    let value = json::parse(&bytes, PART_BYTES_MAX).map_err(|error| unusable(path, &error))?;
    let rules = match value {
        Value::Array(rules) => rules,
        one => vec![one],
    };
    rules
        .into_iter()
        .map(|rule| serde_json::from_value(rule).map_err(|error| unusable(path, &error)))
        .collect()
}

/// Puts rules into a part, each in the place of the one with its id.
fn put_in(part: &Part, rules: Vec<Rule>) -> Result<Part, String> {
    let mut part = part.clone();
    let mut seen = BTreeSet::new();
    for rule in rules {
        if !seen.insert(rule.id.clone()) {
            return Err(format!("rule {} is given twice", rule.id));
        }
        match part.rules.iter_mut().find(|known| known.id == rule.id) {
            Some(known) => *known = rule,
            None => part.rules.push(rule),
        }
    }
    part.version = part.version.saturating_add(1);
    Ok(part)
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::Use(format!("{}: {}", path.display(), with_causes(error)))
}
