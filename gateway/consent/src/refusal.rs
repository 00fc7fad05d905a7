//! Why a request was not carried out: what is wrong, whose fault it is, what to do.
//!
//! Texts name fields and codes of the rules, never what a caller wrote: that may be a key of a
//! person.

use std::fmt;

use gateway_policy::json;
use serde_json::json;

use crate::Error;
use crate::answer::State;
use crate::request::Action;

/// A request that was not carried out. Nothing was changed.
#[derive(Debug)]
pub enum Refusal {
    /// No such path.
    NoSuchOperation,
    /// The path takes another method.
    MethodNotAllowed {
        /// Which.
        allowed: &'static str,
    },
    /// The path takes no query.
    QueryNotTaken,
    /// The body is too long.
    BodyTooLong {
        /// The bound.
        bytes_max: usize,
    },
    /// The body is no strict JSON.
    BodyNotJson(json::Error),
    /// The body is not what the operation takes.
    BodyForm {
        /// What it takes.
        expected: &'static str,
    },
    /// A field holds what it cannot.
    Field {
        /// Which.
        field: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// A key of a person is none of its kind.
    PersonMalformed {
        /// Where it stands.
        field: &'static str,
    },
    /// Only a portal that the rules name may do this.
    NotPortal,
    /// Only a reader of the supervisor may do this.
    NotSupervisor,
    /// There is no such request or consent, or it is not the caller's.
    ConsentUnknown,
    /// The will is that of somebody who is not the subject and does not act for it.
    OtherPerson,
    /// The level of authentication is none that the rules name.
    LevelNotAccepted,
    /// A service is not registered, or its system no longer is.
    ServiceNotRegistered {
        /// Which of those asked for, from 1.
        position: usize,
    },
    /// The rules know no such purpose.
    PurposeUnknown,
    /// No rule lets this consumer use a consent at a service for the purpose.
    NoConsentRule {
        /// Which service of those asked for, from 1.
        position: usize,
    },
    /// A service gives data of a category that the person would not be asked about.
    CategoryMissing {
        /// Which service of those asked for, from 1.
        position: usize,
        /// The category, as the rules call it.
        category: String,
    },
    /// A category of data is declared by none of the services.
    CategoryNotDeclared {
        /// Which of those asked for, from 1.
        position: usize,
    },
    /// It would hold for too long.
    ValidityTooLong {
        /// The bound.
        seconds_max: u64,
    },
    /// It would have ended already.
    ValidityPast,
    /// In this state it cannot be done.
    WrongState {
        /// The state.
        state: State,
        /// What was to be done.
        action: Action,
    },
    /// There is no consent to follow, of the same subject, consumer and provider.
    PredecessorUnknown,
    /// Another consent follows it already.
    PredecessorFollowed,
    /// Too many requests of the consumer wait for this person.
    TooManyWaiting {
        /// The bound.
        count_max: usize,
    },
    /// It was paused and resumed too often.
    TooManyChanges {
        /// The bound.
        count_max: u32,
    },
    /// The artefact would be longer than nodes read.
    ArtefactTooLong {
        /// The bound.
        bytes_max: usize,
    },
    /// The rules do not publish the key of this desk.
    KeyNotPublished,
    /// No rule asks for open cases of this consumer.
    NoCaseRule,
    /// The use that is reported was at a service of another member.
    NotProvider,
    /// There is no such notice.
    NoticeUnknown,
    /// It was reviewed before.
    ReviewedBefore,
    /// The asker holds more of the feed than there is.
    FeedAhead {
        /// What there is.
        number: u64,
    },
    /// The desk itself failed.
    Failed(Error),
}

impl Refusal {
    /// The code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchOperation => "no_such_operation",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::QueryNotTaken => "query_not_taken",
            Self::BodyTooLong { .. } => "body_too_long",
            Self::BodyNotJson(_) => "body_not_json",
            Self::BodyForm { .. } => "body_malformed",
            Self::Field { .. } => "field_invalid",
            Self::PersonMalformed { .. } => "person_malformed",
            Self::NotPortal => "not_portal",
            Self::NotSupervisor => "not_supervisor",
            Self::ConsentUnknown => "consent_unknown",
            Self::OtherPerson => "other_person",
            Self::LevelNotAccepted => "level_not_accepted",
            Self::ServiceNotRegistered { .. } => "service_not_registered",
            Self::PurposeUnknown => "purpose_unknown",
            Self::NoConsentRule { .. } => "no_consent_rule",
            Self::CategoryMissing { .. } => "category_missing",
            Self::CategoryNotDeclared { .. } => "category_not_declared",
            Self::ValidityTooLong { .. } => "validity_too_long",
            Self::ValidityPast => "validity_past",
            Self::WrongState { .. } => "wrong_state",
            Self::PredecessorUnknown => "predecessor_unknown",
            Self::PredecessorFollowed => "predecessor_followed",
            Self::TooManyWaiting { .. } => "too_many_waiting",
            Self::TooManyChanges { .. } => "too_many_changes",
            Self::ArtefactTooLong { .. } => "artefact_too_long",
            Self::KeyNotPublished => "key_not_published",
            Self::NoCaseRule => "no_case_rule",
            Self::NotProvider => "not_provider",
            Self::NoticeUnknown => "notice_unknown",
            Self::ReviewedBefore => "reviewed_before",
            Self::FeedAhead { .. } => "feed_ahead",
            Self::Failed(_) => "desk_failed",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::QueryNotTaken | Self::BodyNotJson(_) | Self::BodyForm { .. } => 400,
            Self::NotPortal
            | Self::NotSupervisor
            | Self::OtherPerson
            | Self::LevelNotAccepted
            | Self::NoCaseRule
            | Self::NotProvider => 403,
            Self::NoSuchOperation | Self::ConsentUnknown | Self::NoticeUnknown => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::WrongState { .. }
            | Self::PredecessorFollowed
            | Self::TooManyChanges { .. }
            | Self::ReviewedBefore
            | Self::FeedAhead { .. } => 409,
            Self::BodyTooLong { .. } => 413,
            Self::Field { .. }
            | Self::PersonMalformed { .. }
            | Self::ServiceNotRegistered { .. }
            | Self::PurposeUnknown
            | Self::NoConsentRule { .. }
            | Self::CategoryMissing { .. }
            | Self::CategoryNotDeclared { .. }
            | Self::ValidityTooLong { .. }
            | Self::ValidityPast
            | Self::PredecessorUnknown
            | Self::ArtefactTooLong { .. } => 422,
            Self::TooManyWaiting { .. } => 429,
            Self::Failed(_) => 500,
            Self::KeyNotPublished => 503,
        }
    }

    /// The body: JSON with code and sentence.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        json!({ "code": self.code(), "message": self.to_string() })
            .to_string()
            .into_bytes()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchOperation => f.write_str(
                "There is no such operation. The caller asks for a path that the desk does not \
                 have; look it up in the description of the service.",
            ),
            Self::MethodNotAllowed { allowed } => {
                write!(f, "The caller must use {allowed} for this operation.")
            }
            Self::QueryNotTaken => f.write_str(
                "The caller sent a query, but the desk takes none: what is asked stands in the \
                 body, so that no key of a person gets into an address.",
            ),
            Self::BodyTooLong { bytes_max } => write!(
                f,
                "The body is longer than {bytes_max} bytes. The caller must send less; a signed \
                 document may have 1 MiB."
            ),
            Self::BodyNotJson(error) => write!(
                f,
                "The caller's body cannot be read: {error}. Send strict JSON."
            ),
            Self::BodyForm { expected } => write!(
                f,
                "The caller's body is not of the form that this operation takes. Send {expected}."
            ),
            Self::Field { field, takes } => write!(
                f,
                "The caller's {field} holds what it cannot. It takes {takes}."
            ),
            Self::PersonMalformed { field } => write!(
                f,
                "The key of the person in {field} is not one of its kind. The caller must check \
                 what was typed."
            ),
            Self::NotPortal => f.write_str(
                "Only a portal that the rules name may bring a person's will or ask for a person. \
                 The caller is none; the operator of the registry can add it to the rules.",
            ),
            Self::NotSupervisor => f.write_str(
                "Only a reader of the supervisor may look at notices. The caller is none; the \
                 operator of the registry can add it to the desk's settings.",
            ),
            Self::ConsentUnknown => f.write_str(
                "The caller has no such consent. Check the id; a consent is shown to the consumer \
                 that asked for it and to portals.",
            ),
            Self::OtherPerson => f.write_str(
                "The person whose will was brought is neither the subject nor acts for it. The \
                 portal must name the right to act for the subject, or bring the subject's own \
                 will.",
            ),
            Self::LevelNotAccepted => f.write_str(
                "The portal authenticated the person at a level that the rules do not accept for a \
                 person's will. Authenticate at one of the levels that the rules name.",
            ),
            Self::ServiceNotRegistered { position } => write!(
                f,
                "Service {position} of the request is not registered, or its system no longer is. \
                 The caller must check provider and code; the provider can register it."
            ),
            Self::PurposeUnknown => f.write_str(
                "The rules know no such purpose. The caller must name one of the declared \
                 purposes.",
            ),
            Self::NoConsentRule { position } => write!(
                f,
                "No rule in force lets the caller use a person's consent at service {position} of \
                 the request for this purpose, so the person is not asked. The operator of the \
                 registry decides on rules."
            ),
            Self::CategoryMissing { position, category } => write!(
                f,
                "Service {position} of the request gives data of the category {category} too, and \
                 the person must be asked about all that is given. The caller must name it."
            ),
            Self::CategoryNotDeclared { position } => write!(
                f,
                "Category {position} of the request is not one that the services give. The caller \
                 must ask only for declared categories."
            ),
            Self::ValidityTooLong { seconds_max } => write!(
                f,
                "A consent may hold for {seconds_max} seconds at most. The caller must ask for \
                 less."
            ),
            Self::ValidityPast => f.write_str(
                "The consent would have ended already. The caller must ask for a time to come.",
            ),
            Self::WrongState { state, action } => write!(
                f,
                "It is {}, so the caller cannot {} it. Read how it stands, and ask anew if need \
                 be.",
                state.name(),
                action.name()
            ),
            Self::PredecessorUnknown => f.write_str(
                "There is no consent of the same subject, consumer and provider under the \
                 predecessor's id. The caller must check the id, or leave it out.",
            ),
            Self::PredecessorFollowed => f.write_str(
                "Another consent follows that predecessor already. The caller must name that one, \
                 or none.",
            ),
            Self::TooManyWaiting { count_max } => write!(
                f,
                "{count_max} requests of the caller wait for this person already. Wait for the \
                 answer, or for them to expire."
            ),
            Self::TooManyChanges { count_max } => write!(
                f,
                "It was changed {count_max} times already. The portal can only revoke it; a new \
                 one can be asked for."
            ),
            Self::ArtefactTooLong { bytes_max } => write!(
                f,
                "The consent would be longer than the {bytes_max} bytes that nodes read. The \
                 caller must ask for fewer services or categories at once."
            ),
            Self::KeyNotPublished => f.write_str(
                "The rules in force do not publish the key of the consent desk, so no node would \
                 believe the consent. The operator of the registry must publish it; nothing was \
                 changed.",
            ),
            Self::NoCaseRule => f.write_str(
                "No rule asks for open cases of the caller, so there is nothing to open one for. \
                 The operator of the registry decides on rules.",
            ),
            Self::NotProvider => f.write_str(
                "A member reports break-glass uses of its own services only, and the service in \
                 the notice is another's. The node must report as the provider.",
            ),
            Self::NoticeUnknown => {
                f.write_str("There is no such notice. The caller must check the number.")
            }
            Self::ReviewedBefore => f.write_str(
                "The notice was reviewed before, and a review stands. Read it with find.",
            ),
            Self::FeedAhead { number } => write!(
                f,
                "The feed ends at entry {number}, but the asker says to hold more. Either it asks \
                 another registry, or the registry lost entries; its operator must look."
            ),
            Self::Failed(_) => f.write_str(
                "The desk failed. It is not the caller's fault; nothing was changed. Try again, \
                 and if it stays so tell the operator of the registry.",
            ),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::BodyNotJson(error) => Some(error),
            Self::NoSuchOperation
            | Self::MethodNotAllowed { .. }
            | Self::QueryNotTaken
            | Self::BodyTooLong { .. }
            | Self::BodyForm { .. }
            | Self::Field { .. }
            | Self::PersonMalformed { .. }
            | Self::NotPortal
            | Self::NotSupervisor
            | Self::ConsentUnknown
            | Self::OtherPerson
            | Self::LevelNotAccepted
            | Self::ServiceNotRegistered { .. }
            | Self::PurposeUnknown
            | Self::NoConsentRule { .. }
            | Self::CategoryMissing { .. }
            | Self::CategoryNotDeclared { .. }
            | Self::ValidityTooLong { .. }
            | Self::ValidityPast
            | Self::WrongState { .. }
            | Self::PredecessorUnknown
            | Self::PredecessorFollowed
            | Self::TooManyWaiting { .. }
            | Self::TooManyChanges { .. }
            | Self::ArtefactTooLong { .. }
            | Self::KeyNotPublished
            | Self::NoCaseRule
            | Self::NotProvider
            | Self::NoticeUnknown
            | Self::ReviewedBefore
            | Self::FeedAhead { .. } => None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<gateway_store::Error> for Refusal {
    fn from(error: gateway_store::Error) -> Self {
        Self::Failed(Error::Store(error))
    }
}
