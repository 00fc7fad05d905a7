//! The decision on the legal basis, the same on both nodes of an exchange.
//!
//! In order: the service is registered and its system too; rules that name this consumer, service
//! and endpoint are looked at; the purpose is settled (stated, or the only one there can be); then
//! the ground: an emergency is judged by `vital` rules alone, a consent that came along by `consent`
//! rules, everything else by `open` and `law` rules. Of several rules the first whose limits hold
//! decides; when none does, the refusal that came furthest is given.
//!
//! A service that is not about persons needs no rule. Where `open` or `law` rules name the consumer
//! all the same, they bound the exchange and it is recorded under the one that decides.
//!
//! The *only* purpose there can be is, for a request that states none: the one that the access right
//! names, if it names exactly one; else the one that the rules which may decide name together, among
//! those that the service declares and the right allows; of several, the one of the consent that came
//! along.

mod judge;
mod refusal;

use std::fmt;

use certs_keys::Digest;
use gateway_proto::id::{ClientId, GlobalGroupId, ServiceId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::path::ServicePath;
use crate::person::PersonKey;
use crate::rules::{Basis, Disclosure, Registration, Rules, Unregistered};
use crate::{consent, feed};

pub use refusal::Refusal;

/// What is asked, and what was said of its ground.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The caller as signed in the message.
    pub client: &'a ClientId,
    /// The service.
    pub service: &'a ServiceId,
    /// Method and path for REST.
    pub rest: Option<(&'a str, &'a ServicePath)>,
    /// The purpose, if stated.
    pub purpose: Option<&'a str>,
    /// Purposes that the provider's access right names; `None` where the right is not known (the
    /// consumer's node) or names none.
    pub right_purposes: Option<&'a [String]>,
    /// The case, if named.
    pub case: Option<&'a str>,
    /// The end user, if named.
    pub user: Option<&'a str>,
    /// The persons asked about.
    pub persons: &'a [PersonKey],
    /// The consent that came along.
    pub consent: Option<&'a consent::Verified>,
    /// The reason of a break-glass use.
    pub emergency: Option<&'a str>,
}

/// What the global configuration knows of clients.
pub trait Directory {
    /// Exactly this client is listed in that global group.
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool;
}

/// Leave to exchange, naming its rule. Only [`decide`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub(crate) ground: Ground,
    pub(crate) purpose: Option<String>,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) disclosure: Disclosure,
    pub(crate) data_life_seconds: Option<u64>,
}

/// On what an exchange rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The service is not about persons, or not registered where that is allowed; no rule was needed.
    NotPersonal,
    /// A rule allows it.
    Rule {
        /// Its id.
        id: String,
        /// Its version.
        version: u32,
        /// The version of the rules it stood in.
        rules_version: u64,
        /// Its basis.
        basis: Basis,
        /// The consent it needed.
        consent: Option<ConsentRef>,
    },
}

/// Which consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentRef {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of its JWS.
    pub digest: Digest,
}

/// A bound on how often, to be held against what was used before. The node that answers counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What is counted.
    pub of: QuotaOf,
    /// How many times; at least 1.
    pub count: u32,
    /// In how many seconds, sliding; `None`: ever.
    pub seconds: Option<u64>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaOf {
    /// Uses of a consent.
    Consent(Uuid),
    /// Uses of a rule by a consumer about a person, in a case if that is bounded.
    Person {
        /// The rule.
        rule: String,
        /// The consumer.
        client: ClientId,
        /// The person.
        person: PersonKey,
        /// The case, when each case counts by itself.
        case: Option<String>,
    },
}

/// Decides.
///
/// # Errors
/// The refusal that came furthest.
pub fn decide(
    ask: &Ask<'_>,
    rules: &Rules,
    directory: &impl Directory,
    feed: &feed::State,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    decide_among(ask, rules, directory, feed, now, |_| true)
}

/// Decides by the rule of this id alone, as if there were no other: whether it is one by which this
/// may have been allowed.
///
/// # Errors
/// Why that rule does not allow it.
pub fn decide_by(
    rule: &str,
    ask: &Ask<'_>,
    rules: &Rules,
    directory: &impl Directory,
    feed: &feed::State,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    decide_among(ask, rules, directory, feed, now, |id| id == rule)
}

/// Decides by the rules with these ids.
fn decide_among(
    ask: &Ask<'_>,
    rules: &Rules,
    directory: &impl Directory,
    feed: &feed::State,
    now: Timestamp,
    counts: impl Fn(&str) -> bool,
) -> Result<Decision, Refusal> {
    let declared = match rules.registration(ask.service) {
        Registration::Registered(declared, _) => declared,
        Registration::Deregistered(_, system) => {
            let system = system.code.clone();
            return Err(Refusal::SystemDeregistered { system });
        }
        Registration::Unregistered => {
            return match rules.part().settings.unregistered {
                Unregistered::Refuse => Err(Refusal::ServiceNotRegistered),
                Unregistered::Allow => Ok(Decision::without_rule(ask.purpose)),
            };
        }
    };
    if declared.user_required && ask.user.is_none_or(|user| user.trim().is_empty()) {
        return Err(Refusal::UserMissing);
    }
    let mut candidates = rules.candidates(ask.client, ask.service, ask.rest, |group| {
        directory.in_global_group(ask.client, group)
    });
    candidates.retain(|candidate| counts(&candidate.rule.id));
    let judge = judge::Judge {
        ask,
        rules,
        feed,
        now,
        declared,
        way: judge::Way::of(ask),
    };
    judge.decide(&candidates)
}

/// What a caller says may be about persons: the user, the path, the reason of an emergency.
impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("client", &self.client)
            .field("service", &self.service)
            .field("purpose", &self.purpose)
            .field("persons", &self.persons.len())
            .finish_non_exhaustive()
    }
}

impl Decision {
    /// Nobody's data, so nothing but the purpose is to be known of it.
    fn without_rule(purpose: Option<&str>) -> Self {
        Self {
            ground: Ground::NotPersonal,
            purpose: purpose.map(str::to_owned),
            quotas: Vec::new(),
            disclosure: Disclosure::AtOnce,
            data_life_seconds: None,
        }
    }

    /// On what it rests.
    #[must_use]
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The purpose it was decided for.
    #[must_use]
    pub fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// What is to be counted.
    #[must_use]
    pub fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// How the person learns of it.
    #[must_use]
    pub fn disclosure(&self) -> &Disclosure {
        &self.disclosure
    }

    /// How long the consumer may keep what it is given. Seconds.
    #[must_use]
    pub fn data_life_seconds(&self) -> Option<u64> {
        self.data_life_seconds
    }
}

/// A reason for breaking the glass has at least so many characters, white space around it apart.
pub const REASON_CHARS_MIN: usize = 10;

/// The clock of the consent service may be this far ahead. Seconds.
pub const AHEAD_SECONDS_MAX: i64 = 60;

#[cfg(test)]
mod tests;
