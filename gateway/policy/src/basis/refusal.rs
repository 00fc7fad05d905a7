//! Why an exchange may not be, for the caller and for people.

use std::fmt;

use super::REASON_CHARS_MIN;

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

    /// How far the request came: the steps in the order in which they are taken.
    pub(super) fn step(&self) -> u8 {
        match self {
            Self::ServiceNotRegistered => 1,
            Self::SystemDeregistered { .. } => 2,
            Self::UserMissing => 3,
            Self::NoRule => 4,
            Self::EmergencyNotAllowed => 5,
            Self::ConsentNotTaken => 6,
            Self::PurposeNotDeclared => 7,
            Self::PurposeMissing => 8,
            Self::ConsentRequired => 9,
            Self::ReasonMissing => 10,
            Self::PersonMissing => 11,
            Self::RuleNotInForce { .. } => 12,
            Self::OutsideHours { .. } => 13,
            Self::CaseMissing { .. } => 14,
            Self::ConsentOtherConsumer => 15,
            Self::ConsentOtherProvider => 16,
            Self::ConsentOtherService => 17,
            Self::ConsentOtherPerson => 18,
            Self::ConsentOtherPurpose => 19,
            Self::ConsentOtherCategories => 20,
            Self::ConsentFromFuture => 21,
            Self::ConsentNotYetValid => 22,
            Self::ConsentExpired => 23,
            Self::FeedStale => 24,
            Self::CaseNotOpen { .. } => 25,
            Self::CaseOtherPersons { .. } => 26,
            Self::ConsentPaused => 27,
            Self::ConsentRevoked => 28,
        }
    }
}

/// A sentence for people: what is missing, whose it is to mend, and how. It says nothing of persons.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceNotRegistered => f.write_str(
                "no registered information system declares this service; its provider must \
                 have it registered before anybody may call it",
            ),
            Self::SystemDeregistered { system } => write!(
                f,
                "the information system {system} of this service is no longer registered, \
                 so its services are switched off; its owner has to register it again"
            ),
            Self::UserMissing => f.write_str(
                "this service must be told who the end user is; the caller has to name the \
                 user in the request (userId, or X-Road-UserId)",
            ),
            Self::PurposeMissing => f.write_str(
                "the request states no purpose, and more than one is possible here; the \
                 caller has to name one of those that the rules give it for this service",
            ),
            Self::PurposeNotDeclared => f.write_str(
                "the data may not be asked for this purpose: the service, the rules or the \
                 access right do not name it for this caller; state one that they name, or \
                 have the registry or the provider add it",
            ),
            Self::NoRule => f.write_str(
                "no rule allows this caller to use this service, which gives personal data; \
                 the caller needs a rule of the registry, based on a law or on consent",
            ),
            Self::PersonMissing => f.write_str(
                "the request names no person where the service expects one, and about \
                 nobody nothing is given; the caller has to name the person in the place \
                 that the service declares",
            ),
            Self::ConsentRequired => f.write_str(
                "this caller may ask only with the person's consent, and none came along; \
                 obtain one for this service and purpose and send it with the request",
            ),
            Self::ConsentNotTaken => f.write_str(
                "a consent came along, but no rule lets this caller use this service by \
                 consent; if a law allows the exchange, send the request without the \
                 consent",
            ),
            Self::RuleNotInForce { rule } => write!(
                f,
                "the rule {rule} that would allow this does not hold yet, or no longer; the \
                 registry has to publish one that is in force"
            ),
            Self::OutsideHours { rule } => write!(
                f,
                "the rule {rule} allows this only at certain hours; repeat the request \
                 within them"
            ),
            Self::CaseMissing { rule } => write!(
                f,
                "the rule {rule} allows this only within a case; the caller has to name the \
                 case in the request (issue, or X-Road-Issue)"
            ),
            Self::CaseNotOpen { rule } => write!(
                f,
                "the rule {rule} allows this only while the case is open, and the case \
                 named is not open for this caller; open it with the registry first, or \
                 name the one that is open"
            ),
            Self::CaseOtherPersons { rule } => write!(
                f,
                "the rule {rule} allows this only about the persons of the case, and the \
                 case named is not open for everybody the request names; correct the case \
                 or the request"
            ),
            Self::FeedStale => f.write_str(
                "this node has not heard from the registry for too long which consents and \
                 cases still hold, so it cannot rely on them; its operator has to restore \
                 the connection to the feed, and the request may be repeated then",
            ),
            Self::ReasonMissing => write!(
                f,
                "an emergency use needs a reason that says what the emergency is, in at \
                 least {REASON_CHARS_MIN} characters; the caller has to state it"
            ),
            Self::EmergencyNotAllowed => f.write_str(
                "no rule allows this caller to use this service in an emergency; send the \
                 request on its ordinary ground, without the emergency",
            ),
            Self::ConsentOtherConsumer => f.write_str(
                "the consent was given to another consumer; the caller has to obtain one of \
                 its own",
            ),
            Self::ConsentOtherProvider => f.write_str(
                "the consent is for data of another provider; the caller has to obtain one \
                 for this provider",
            ),
            Self::ConsentOtherService => f.write_str(
                "the consent is for other services of the provider; the caller has to \
                 obtain one that names this service",
            ),
            Self::ConsentOtherPerson => f.write_str(
                "the consent does not cover everybody the request names; send one request \
                 for each person, each with the consent for that person",
            ),
            Self::ConsentOtherPurpose => f.write_str(
                "the consent was given for another purpose; state that one if it is meant, \
                 or obtain a consent for this one",
            ),
            Self::ConsentOtherCategories => f.write_str(
                "the consent does not cover all categories of data that this service gives; \
                 the caller has to obtain one that names them all",
            ),
            Self::ConsentFromFuture => f.write_str(
                "the consent says it was signed in the future; the clock of the consent \
                 service or of this node is wrong, and their operators have to set it",
            ),
            Self::ConsentNotYetValid => {
                f.write_str("the consent does not hold yet; repeat the request once it does")
            }
            Self::ConsentExpired => f.write_str(
                "the consent no longer holds, its time is over; the caller has to obtain a \
                 new one",
            ),
            Self::ConsentPaused => {
                f.write_str("the consent is paused; it may be used again once it is resumed")
            }
            Self::ConsentRevoked => f.write_str(
                "the consent was revoked; the caller has to stop asking, or obtain a new \
                 one",
            ),
        }
    }
}

impl std::error::Error for Refusal {}
