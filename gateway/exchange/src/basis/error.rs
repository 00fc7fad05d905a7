//! Why there is no ground. The texts are for people: what is missing, whose it is to mend, and how;
//! never a word of the person.

use std::fmt;

use gateway_policy::basis::{QuotaOf, Refusal};
use gateway_policy::{consent, locate, path};

use crate::conf::RulesFault;
use crate::error::Blame;

/// Why an exchange has no ground.
#[derive(Debug)]
pub enum BasisError {
    /// There are or were rules, but none that can be obeyed.
    Rules(RulesFault),
    /// The configuration has expired; it is used on, but not for what rests on a consent.
    Expired,
    /// What the message says of its ground cannot be read.
    Stated(gateway_proto::basis::Error),
    /// A REST path that rules cannot be held against.
    Path(path::Error),
    /// Whom the request is about cannot be told.
    Persons(locate::Error),
    /// The body is too long to be searched for persons.
    BodyTooLong {
        /// The bound.
        bytes_max: usize,
    },
    /// The consent that came along is not believed.
    Consent(consent::Error),
    /// The rules do not allow it.
    Refused(Refusal),
    /// The rules allow it so many times, and it was used as often.
    UsedUp(Used),
    /// How often it was used cannot be told.
    Journal(gateway_journal::Error),
}

/// What was used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// So many times in a time.
    Frequency {
        /// The rule.
        rule: String,
    },
    /// So many times ever.
    Rule {
        /// The rule.
        rule: String,
    },
    /// The consent.
    Consent,
}

impl BasisError {
    /// The last part of the wire code, behind `basis.`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        use gateway_proto::basis::Error as Stated;

        match self {
            Self::Rules(RulesFault::Invalid) => "rules_invalid",
            Self::Rules(RulesFault::RolledBack) => "rules_rolled_back",
            Self::Rules(RulesFault::Tampered) => "rules_tampered",
            Self::Rules(RulesFault::Missing) => "rules_missing",
            Self::Expired => "rules_expired",
            Self::Stated(Stated::Twice { .. }) => "stated_twice",
            Self::Stated(Stated::TooLong { field, .. }) => match *field {
                "consent" => "consent_too_long",
                _ => "too_long",
            },
            Self::Stated(Stated::Malformed { .. }) => "malformed",
            Self::Path(_) => "path_malformed",
            Self::Persons(locate::Error::Missing { .. }) => "person_missing",
            Self::Persons(locate::Error::Malformed { .. }) => "person_malformed",
            Self::Persons(locate::Error::Unreadable { .. }) | Self::BodyTooLong { .. } => {
                "person_unreadable"
            }
            Self::Persons(locate::Error::TooMany { .. }) => "persons_too_many",
            Self::Consent(error) => error.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::UsedUp(Used::Frequency { .. }) => "frequency_exceeded",
            Self::UsedUp(Used::Rule { .. }) => "used_up",
            Self::UsedUp(Used::Consent) => "consent_used_up",
            Self::Journal(_) => "journal_failed",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Rules(_)
            | Self::Expired
            | Self::Journal(_)
            | Self::Refused(Refusal::FeedStale) => Blame::Node,
            Self::Refused(Refusal::ServiceNotRegistered | Refusal::SystemDeregistered { .. }) => {
                Blame::Provider
            }
            Self::Stated(_)
            | Self::Path(_)
            | Self::Persons(_)
            | Self::BodyTooLong { .. }
            | Self::Consent(_)
            | Self::Refused(_)
            | Self::UsedUp(_) => Blame::Client,
        }
    }
}

impl Used {
    /// What this quota bounds.
    #[must_use]
    pub fn of(quota: &gateway_policy::basis::Quota) -> Self {
        match (&quota.of, quota.seconds) {
            (QuotaOf::Consent(_), _) => Self::Consent,
            (QuotaOf::Person { rule, .. }, Some(_)) => Self::Frequency { rule: rule.clone() },
            (QuotaOf::Person { rule, .. }, None) => Self::Rule { rule: rule.clone() },
        }
    }
}

impl fmt::Display for BasisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(fault) => write!(
                f,
                "The registry's rules cannot be obeyed: {fault}. Nothing is exchanged until the \
                 operator of this node has cleared it with the registry"
            ),
            Self::Expired => f.write_str(
                "The global configuration of this node has expired, so it takes no consents until \
                 there is a newer one. The operator of this node must see to it; the request was not \
                 carried out and can be sent again then",
            ),
            Self::Stated(error) => write!(
                f,
                "What the request says of its legal basis cannot be read: {error}. The asking \
                 information system must correct it"
            ),
            Self::Path(error) => write!(
                f,
                "No rule can be held against the path of the request: {error}. The asking \
                 information system must correct it"
            ),
            Self::Persons(error) => write!(
                f,
                "Whom the request is about cannot be told: {error}. The asking information system \
                 must correct it"
            ),
            Self::BodyTooLong { bytes_max } => write!(
                f,
                "Whom the request is about cannot be told: its body is longer than {bytes_max} \
                 bytes. The asking information system must send a shorter one"
            ),
            Self::Consent(error) => write!(
                f,
                "The consent is refused: {error}. The asking information system must send it as the \
                 consent service gave it"
            ),
            Self::Refused(refusal) => refused(refusal, f),
            Self::UsedUp(Used::Frequency { rule }) => write!(
                f,
                "Rule {rule} allows this only so often in its time, and it was asked as often. Ask \
                 again later"
            ),
            Self::UsedUp(Used::Rule { rule }) => write!(
                f,
                "Rule {rule} allows this only so often, and it was asked as often. It cannot be \
                 asked again"
            ),
            Self::UsedUp(Used::Consent) => f.write_str(
                "The consent was used as often as the person allowed. Ask the person for a new one, \
                 or later if it holds for so many times in a time",
            ),
            Self::Journal(_) => f.write_str(
                "This node cannot tell how often this was asked, so it is refused. The operator of \
                 this node must see to its journal; the request was not carried out and can be sent \
                 again then",
            ),
        }
    }
}

fn refused(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match refusal {
        Refusal::ServiceNotRegistered => f.write_str(
            "No information system in the registry declares this service, so it is switched off. Its \
             provider must have it declared",
        ),
        Refusal::SystemDeregistered { system } => write!(
            f,
            "The information system {system} is no longer registered, so its services are switched \
             off. Its owner must have it registered again"
        ),
        Refusal::UserMissing => f.write_str(
            "This service is only given when the end user is named. The asking information system \
             must send the user id",
        ),
        Refusal::PurposeMissing => f.write_str(
            "The request states no purpose, and several are possible. The asking information system \
             must state one",
        ),
        Refusal::PurposeNotDeclared => f.write_str(
            "This purpose is not among those declared for this caller and service. The asking \
             information system must state one that is, or have it declared in the registry",
        ),
        Refusal::NoRule => f.write_str(
            "No rule of the registry allows this client this service. Whoever needs it must ask the \
             registry for a rule",
        ),
        Refusal::PersonMissing => f.write_str(
            "This service is about persons, and the request names none. The asking information \
             system must name the person where the service expects it",
        ),
        Refusal::ConsentRequired => f.write_str(
            "This is only given with the person's consent, and none came along. The asking \
             organisation must ask the person through the consent service and send the consent with \
             the request",
        ),
        Refusal::ConsentNotTaken => f.write_str(
            "A consent came along, but no rule takes one here. The asking information system must \
             ask without it, on the ground that the rules name",
        ),
        Refusal::RuleNotInForce { rule } => write!(
            f,
            "Rule {rule} does not hold at this time. Ask while it does, or ask the registry for \
             another"
        ),
        Refusal::OutsideHours { rule } => {
            write!(f, "Rule {rule} does not hold at this hour. Ask within its hours")
        }
        Refusal::CaseMissing { rule } => write!(
            f,
            "Rule {rule} demands that the case is named. The asking information system must send \
             its number as the issue"
        ),
        Refusal::CaseNotOpen { rule } => write!(
            f,
            "Rule {rule} holds only while the case is open, and the registry has no such open case \
             of this client. The asking organisation must open it first"
        ),
        Refusal::CaseOtherPersons { rule } => write!(
            f,
            "Rule {rule} holds only for the persons of the case, and the request names others. The \
             asking organisation must ask about persons of the case only"
        ),
        Refusal::FeedStale => f.write_str(
            "This node has not heard from the registry for too long to tell whether consents and \
             cases still hold. The operator of this node must see to it; the request was not carried \
             out and can be sent again then",
        ),
        Refusal::ReasonMissing => f.write_str(
            "An emergency must be explained. The asking user must say in a few words what happened",
        ),
        Refusal::EmergencyNotAllowed => f.write_str(
            "No rule allows this client to ask this service in an emergency. Ask on an ordinary \
             ground, or ask the registry for a rule",
        ),
        Refusal::ConsentOtherConsumer => another("was given to another client", f),
        Refusal::ConsentOtherProvider => another("is for another provider", f),
        Refusal::ConsentOtherService => another("is for other services", f),
        Refusal::ConsentOtherPerson => another("does not cover whom the request is about", f),
        Refusal::ConsentOtherPurpose => another("is for another purpose", f),
        Refusal::ConsentOtherCategories => another("does not cover the data of this service", f),
        Refusal::ConsentFromFuture => f.write_str(
            "The consent says it was signed in the future. The clock of the consent service or of \
             this node is wrong; their operators must see to it",
        ),
        Refusal::ConsentNotYetValid => {
            f.write_str("The consent does not hold yet. Ask again when it does")
        }
        Refusal::ConsentExpired => {
            f.write_str("The consent holds no longer. Ask the person for a new one")
        }
        Refusal::ConsentPaused => f.write_str(
            "The consent was paused. Ask again when it holds, or ask the person for a new one",
        ),
        Refusal::ConsentRevoked => {
            f.write_str("The consent was revoked. Do not ask again on its ground")
        }
    }
}

fn another(what: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "The consent that came along {what}. The asking information system must send one that \
         allows this very request"
    )
}

impl std::error::Error for BasisError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Consent(error) => error.source(),
            Self::Persons(error) => error.source(),
            Self::Stated(error) => error.source(),
            Self::Path(error) => error.source(),
            Self::Journal(error) => Some(error),
            Self::Rules(_)
            | Self::Expired
            | Self::BodyTooLong { .. }
            | Self::Refused(_)
            | Self::UsedUp(_) => None,
        }
    }
}
