//! What was found: the decision with all it was made from, and what the record keeps of it.

use gateway_journal::Journal;
use gateway_messagelog as log;
use gateway_policy::basis::{Decision, Ground, Quota};
use gateway_policy::person::PersonKey;
use gateway_policy::rules::{Basis as Kind, Disclosure, Rules};
use gateway_proto::basis::Basis as Stated;
use jiff::{SignedDuration, Timestamp};

/// The ground of one request. Only [`super::find`] makes it.
pub(crate) struct Found {
    /// `None`: the purpose is open, and the provider's node decides.
    decision: Option<Decision>,
    persons: Vec<PersonKey>,
    /// The reason given for breaking the glass.
    emergency: Option<String>,
    /// How the end user was identified, as sent.
    authentication: Option<String>,
    rules_version: u64,
    decided_at: Timestamp,
}

/// What the asking information system is told of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Rule and version.
    pub(crate) rule: String,
    /// How long what it is given may be kept.
    pub(crate) data_life_seconds: Option<u64>,
}

impl Found {
    pub(super) fn new(
        decision: Option<Decision>,
        persons: Vec<PersonKey>,
        stated: &Stated,
        rules: &Rules,
        decided_at: Timestamp,
    ) -> Self {
        Self {
            decision,
            persons,
            emergency: stated.emergency.clone(),
            authentication: stated.authentication.clone(),
            rules_version: rules.part().version,
            decided_at,
        }
    }

    /// What is to be counted, by the node that answers.
    pub(crate) fn quotas(&self) -> &[Quota] {
        self.decision.as_ref().map_or(&[], Decision::quotas)
    }

    /// As of when it was decided.
    pub(crate) fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// What the asking information system is told.
    pub(crate) fn terms(&self) -> Option<Terms> {
        let decision = self.decision.as_ref()?;
        match decision.ground() {
            Ground::NotPersonal => None,
            Ground::Rule { id, version, .. } => Some(Terms {
                rule: format!("{id}/{version}"),
                data_life_seconds: decision.data_life_seconds(),
            }),
        }
    }

    /// What the record keeps: persons under the journal's hashes, and what was used up.
    pub(crate) fn into_record(self, journal: &Journal, used: &[[u8; 16]]) -> Box<log::Basis> {
        let persons = self.persons.iter().map(|person| {
            let marked = journal.mark(person);
            log::PersonMark {
                key: marked.key,
                mark: marked.mark,
            }
        });
        let mut basis = log::Basis {
            ground: log::Ground::LeftToProvider,
            rule: None,
            rule_version: 0,
            rules_version: self.rules_version,
            law: None,
            purpose: None,
            consent: None,
            emergency: None,
            authentication: self.authentication,
            persons: persons.collect(),
            quotas: used.to_vec(),
            disclosure: log::Disclosure::AtOnce,
        };
        let Some(decision) = self.decision else {
            basis.emergency = self.emergency;
            return Box::new(basis);
        };
        basis.purpose = decision.purpose().map(str::to_owned);
        basis.disclosure = disclosure(decision.disclosure(), self.decided_at);
        match decision.ground() {
            Ground::NotPersonal => basis.ground = log::Ground::NotPersonal,
            Ground::Rule {
                id,
                version,
                rules_version,
                basis: kind,
                consent,
            } => {
                basis.rule = Some(id.clone());
                basis.rule_version = *version;
                basis.rules_version = *rules_version;
                basis.ground = ground(kind);
                basis.law = law(kind);
                basis.consent = consent.map(|consent| log::Consent {
                    id: consent.id,
                    digest: consent.digest,
                });
                if basis.ground == log::Ground::Vital {
                    basis.emergency = self.emergency;
                }
            }
        }
        Box::new(basis)
    }
}

fn ground(kind: &Kind) -> log::Ground {
    match kind {
        Kind::Open => log::Ground::Open,
        Kind::Law { .. } => log::Ground::Law,
        Kind::Consent => log::Ground::Consent,
        Kind::Vital { .. } => log::Ground::Vital,
    }
}

/// Act and article, where a law gives the right.
fn law(kind: &Kind) -> Option<(String, String)> {
    match kind {
        Kind::Open | Kind::Consent => None,
        Kind::Law { act, article } | Kind::Vital { act, article } => {
            Some((act.clone(), article.clone()))
        }
    }
}

fn disclosure(rule: &Disclosure, decided_at: Timestamp) -> log::Disclosure {
    match rule {
        Disclosure::AtOnce => log::Disclosure::AtOnce,
        Disclosure::Delayed { seconds } => {
            let delay = SignedDuration::from_secs(i64::try_from(*seconds).unwrap_or(i64::MAX));
            let from = decided_at.checked_add(delay).unwrap_or(Timestamp::MAX);
            log::Disclosure::From(from)
        }
        Disclosure::Hidden { article, until } => log::Disclosure::Hidden {
            article: article.clone(),
            until: *until,
        },
    }
}
