//! The legal basis of logged requests: what was noted of it, verified from the bytes that were signed
//! and by the rules of that day.
//!
//! * `again`: a request read again, and what rules make of it
//! * `judge`: whether what was noted may have been decided so
//! * `text`: what was noted, for people and programs
//!
//! What an auditor cannot know is taken for granted, and only that: what the feed said then (that a
//! consent was not revoked, a case was open), how often something had been used, and what the
//! provider's access right named. Persons are compared and never shown.

mod again;
mod judge;
mod text;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use clap::ValueEnum;
use gateway_globalconf::Snapshot;
use gateway_messagelog::audit::{Check, ConfHistory, Subject, Verdict};
use gateway_messagelog::{Basis, Direction, Ground, Record};
use gateway_policy::basis::Directory;
use gateway_policy::rules::Rules;
use gateway_proto::id::{ClientId, GlobalGroupId};
use serde::Serialize;

pub(super) use self::again::{Again, Asked, Body, Unread, body_of};
pub(super) use self::judge::{demanded, ground_of, judge};
pub(super) use self::text::{ground, json, lines, stated_purpose};
use crate::causes::with_causes;

/// The rules of configurations, each read once.
#[derive(Debug, Default)]
pub(super) struct KnownRules {
    /// By the name of the configuration.
    known: HashMap<String, Published>,
}

/// What a configuration publishes.
#[derive(Clone, Debug)]
pub(super) enum Published {
    /// No rules.
    Nothing,
    Rules(Arc<Rules>),
    /// What cannot be read as rules, and why.
    Unreadable(String),
}

/// A configuration that may have been in force.
pub(super) struct InForce<'c> {
    pub(super) snapshot: &'c Snapshot,
    pub(super) published: Published,
}

/// The groups of a configuration.
pub(super) struct Groups<'c>(pub(super) &'c Snapshot);

/// How many requests rest on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Grounds {
    open: u64,
    law: u64,
    consent: u64,
    vital: u64,
    not_personal: u64,
    left_to_provider: u64,
    /// No basis was noted: there were no rules, or none was needed.
    none: u64,
}

/// A ground, as one asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GroundArgument {
    /// A rule for data that are not about persons.
    Open,
    /// A law.
    Law,
    /// The person's consent.
    Consent,
    /// Break-glass.
    Vital,
    /// Not about a person.
    NotPersonal,
    /// The consumer's node left it to the provider's.
    LeftToProvider,
}

impl KnownRules {
    /// The rules of the configuration of this name.
    pub(super) fn of(&mut self, name: &str, snapshot: &Snapshot) -> Published {
        if let Some(published) = self.known.get(name) {
            return published.clone();
        }
        let published = match snapshot.rules() {
            None => Published::Nothing,
            Some(bytes) => match Rules::read(bytes, snapshot.instance()) {
                Ok(rules) => Published::Rules(Arc::new(rules)),
                Err(error) => Published::Unreadable(with_causes(&error)),
            },
        };
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(name.to_owned(), published.clone());
        published
    }

    /// Judges what was noted of the basis of a record, by the configurations kept beside its log.
    pub(super) fn check(&mut self, record: &Record, verdict: &mut Verdict, history: &ConfHistory) {
        if record.direction == Direction::Response && record.basis.is_none() {
            return;
        }
        // That they cannot be read is said where the signer is judged.
        let found = history.at(record.time).unwrap_or_default();
        let in_force: Vec<InForce<'_>> = found
            .iter()
            .map(|in_use| InForce {
                snapshot: &in_use.snapshot,
                published: self.of(&in_use.hash, &in_use.snapshot),
            })
            .collect();
        let outcome = judge(record, body_of(record), &in_force);
        verdict.checks.extend(outcome.map(|outcome| Check {
            subject: Subject::Basis,
            outcome,
        }));
    }
}

impl Published {
    /// They are the rules of this version.
    pub(super) fn has_version(&self, version: u64) -> bool {
        match self {
            Self::Rules(rules) => rules.part().version == version,
            Self::Nothing | Self::Unreadable(_) => false,
        }
    }
}

impl Directory for Groups<'_> {
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        self.0.is_in_global_group(client, group)
    }
}

impl Grounds {
    /// Counts a request.
    pub(super) fn count(&mut self, basis: Option<&Basis>) {
        let count = match basis.map(|basis| basis.ground) {
            Some(Ground::Open) => &mut self.open,
            Some(Ground::Law) => &mut self.law,
            Some(Ground::Consent) => &mut self.consent,
            Some(Ground::Vital) => &mut self.vital,
            Some(Ground::NotPersonal) => &mut self.not_personal,
            Some(Ground::LeftToProvider) => &mut self.left_to_provider,
            None => &mut self.none,
        };
        *count = count.saturating_add(1);
    }

    /// Adds another log's.
    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            open,
            law,
            consent,
            vital,
            not_personal,
            left_to_provider,
            none,
        } = self;
        for (count, more) in [
            (open, other.open),
            (law, other.law),
            (consent, other.consent),
            (vital, other.vital),
            (not_personal, other.not_personal),
            (left_to_provider, other.left_to_provider),
            (none, other.none),
        ] {
            *count = count.saturating_add(more);
        }
    }

    /// For people; nothing where no request has a basis.
    pub(super) fn text(&self) -> Option<String> {
        let counts = [
            (self.law, "by law"),
            (self.consent, "by consent"),
            (self.vital, "break-glass"),
            (self.open, "open"),
            (self.not_personal, "not personal"),
            (self.left_to_provider, "left to the provider"),
        ];
        let said = counts.iter().filter(|(count, _)| *count > 0);
        let mut said: Vec<String> = said
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if said.is_empty() {
            return None;
        }
        if self.none > 0 {
            said.push(format!("{} without", self.none));
        }
        Some(format!("legal basis of requests: {}\n", said.join(", ")))
    }
}

impl GroundArgument {
    pub(super) fn ground(self) -> Ground {
        match self {
            Self::Open => Ground::Open,
            Self::Law => Ground::Law,
            Self::Consent => Ground::Consent,
            Self::Vital => Ground::Vital,
            Self::NotPersonal => Ground::NotPersonal,
            Self::LeftToProvider => Ground::LeftToProvider,
        }
    }
}

/// So many rules are held at once; ten thousand are a few MB.
const KNOWN_MAX: usize = 16;
