//! The decision on the legal basis, the same on both nodes of an exchange.
//!
//! In order: the service is registered and its system too; rules that name this consumer, service
//! and endpoint are looked at; the purpose is settled (stated, or the only one there can be); then
//! the ground: an emergency is judged by `vital` rules alone, a consent that came along by `consent`
//! rules, everything else by `open` and `law` rules. Of several rules the first whose limits hold
//! decides; when none does, the refusal that came furthest is given.

use std::fmt;

use certs_keys::Digest;
use gateway_proto::id::{ClientId, GlobalGroupId, ServiceId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::path::ServicePath;
use crate::person::PersonKey;
use crate::rules::{Basis, Disclosure, Rules};
use crate::{consent, feed};

/// What is asked, and what was said of its ground.
#[derive(Clone, Copy, Debug)]
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

/// Why not. It names what is missing, and says nothing of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No registered system declares the service.
    ServiceNotRegistered,
    /// The system of the service was deregistered.
    SystemDeregistered {
        /// Its code.
        system: String,
    },
    /// The end user must be named.
    UserMissing,
    /// No purpose was stated and several are possible.
    PurposeMissing,
    /// The service, the rules or the access right do not know this purpose for this caller.
    PurposeNotDeclared,
    /// No rule allows this consumer this service.
    NoRule,
    /// A personal service, and the request names no person.
    PersonMissing,
    /// Rules would allow it, but only with the person's consent.
    ConsentRequired,
    /// A consent came along, but no rule takes one here.
    ConsentNotTaken,
    /// The rule does not hold yet, or no longer.
    RuleNotInForce {
        /// The rule.
        rule: String,
    },
    /// Not at this hour.
    OutsideHours {
        /// The rule.
        rule: String,
    },
    /// A case must be named.
    CaseMissing {
        /// The rule.
        rule: String,
    },
    /// The case is not open.
    CaseNotOpen {
        /// The rule.
        rule: String,
    },
    /// The case is open, but not for these persons.
    CaseOtherPersons {
        /// The rule.
        rule: String,
    },
    /// The feed is too old to rely on.
    FeedStale,
    /// An emergency without a reason that says something.
    ReasonMissing,
    /// No rule allows this caller to break the glass.
    EmergencyNotAllowed,
    /// The consent is for another consumer.
    ConsentOtherConsumer,
    /// For another provider.
    ConsentOtherProvider,
    /// For other services.
    ConsentOtherService,
    /// About other persons.
    ConsentOtherPerson,
    /// For another purpose.
    ConsentOtherPurpose,
    /// For other categories of data.
    ConsentOtherCategories,
    /// Signed in the future.
    ConsentFromFuture,
    /// Not valid yet.
    ConsentNotYetValid,
    /// Valid no longer.
    ConsentExpired,
    /// Paused.
    ConsentPaused,
    /// Revoked.
    ConsentRevoked,
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
    let _ = (ask, rules, directory, feed, now);
    todo!()
}

impl Decision {
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

impl Refusal {
    /// The last part of the wire code, behind `basis.`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ServiceNotRegistered => "service_not_registered",
            Self::SystemDeregistered { .. } => "system_deregistered",
            Self::UserMissing => "user_missing",
            Self::PurposeMissing => "purpose_missing",
            Self::PurposeNotDeclared => "purpose_not_declared",
            Self::NoRule => "no_rule",
            Self::PersonMissing => "person_missing",
            Self::ConsentRequired => "consent_required",
            Self::ConsentNotTaken => "consent_not_taken",
            Self::RuleNotInForce { .. } => "rule_not_in_force",
            Self::OutsideHours { .. } => "outside_hours",
            Self::CaseMissing { .. } => "case_missing",
            Self::CaseNotOpen { .. } => "case_not_open",
            Self::CaseOtherPersons { .. } => "case_other_persons",
            Self::FeedStale => "feed_stale",
            Self::ReasonMissing => "reason_missing",
            Self::EmergencyNotAllowed => "emergency_not_allowed",
            Self::ConsentOtherConsumer => "consent_other_consumer",
            Self::ConsentOtherProvider => "consent_other_provider",
            Self::ConsentOtherService => "consent_other_service",
            Self::ConsentOtherPerson => "consent_other_person",
            Self::ConsentOtherPurpose => "consent_other_purpose",
            Self::ConsentOtherCategories => "consent_other_categories",
            Self::ConsentFromFuture => "consent_from_future",
            Self::ConsentNotYetValid => "consent_not_yet_valid",
            Self::ConsentExpired => "consent_expired",
            Self::ConsentPaused => "consent_paused",
            Self::ConsentRevoked => "consent_revoked",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Refusal {}
