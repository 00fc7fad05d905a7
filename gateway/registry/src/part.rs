//! From the state to the rules part of the configuration.
//!
//! Everything stands in the order of its code or identifier, so that equal states give equal
//! octets. So do rules: of two that match, the one whose id comes first is looked at first.

use std::collections::BTreeMap;

use gateway_policy::rules::{self, Finding, Part};
use jiff::Timestamp;

use crate::State;

impl State {
    /// What [`crate::Command::PublishRules`] would publish now, and what is to be said of it.
    /// Nothing is changed.
    #[must_use]
    pub fn preview(&self, now: Timestamp) -> (Part, Vec<Finding>) {
        let mut part = self.declarations(now);
        let mut newest = BTreeMap::new();
        for rule in self.live_rules() {
            newest.insert(rule.id.as_str(), rule);
        }
        part.rules = newest.into_values().cloned().collect();
        let findings = rules::check(&part);
        (part, findings)
    }

    /// The part that follows the published one, still without rules.
    pub(crate) fn declarations(&self, now: Timestamp) -> Part {
        let part = Part {
            format: FORMAT.to_owned(),
            instance: self.instance.clone(),
            version: 1,
            published: now,
            previous: None,
            settings: self.rule_settings.clone(),
            purposes: self.purposes.values().cloned().collect(),
            categories: self.categories.values().cloned().collect(),
            systems: self.systems.values().cloned().collect(),
            services: self
                .services
                .values()
                .map(|service| rules::Service::clone(service))
                .collect(),
            rules: Vec::new(),
            consent: self.consent.clone(),
        };
        self.following(part, now)
    }

    /// Numbers a part as the one after the published one. Its time is in whole seconds.
    pub(crate) fn following(&self, mut part: Part, now: Timestamp) -> Part {
        let last = self.published.as_ref();
        part.version = last.map_or(1, |last| last.version().saturating_add(1));
        part.previous = last.map(|last| last.digest().to_owned());
        part.published = Timestamp::from_second(now.as_second()).unwrap_or(now);
        part
    }
}

const FORMAT: &str = "karvan-rules/1";
