//! What callers may ask of the desk, read from HTTP.
//!
//! ```text
//! POST /consents/requests                 ask for a consent      by the consumer
//! GET  /consents/requests/{id}            how it stands          by its consumer or a portal
//! POST /consents/requests/{id}/approve    the person's will      by a portal
//! POST /consents/requests/{id}/decline    likewise
//! POST /consents/requests/{id}/pause      likewise
//! POST /consents/requests/{id}/resume     likewise
//! POST /consents/requests/{id}/revoke     likewise, or {} by its consumer
//! POST /consents/find                     {person} by a portal; {} by a consumer: its own
//! POST /cases/open, /cases/close          by the consumer whose case it is
//! POST /notices                           a break-glass use      by the provider of the service
//! POST /notices/find, /notices/review     by a reader of the supervisor
//! GET  /notices/counts                    likewise
//! ```
//!
//! The node in front has three REST services, `consents`, `cases` and `notices`, whose addresses
//! end in these words; what the caller wrote behind the service code follows.
//!
//! Bodies are strict JSON. Keys of persons stand in bodies only, never in a path or query.

mod http;

use std::fmt;

use gateway_policy::consent::Relation;
use gateway_policy::person::{Alphabet, KeyKind, PersonKey};
use gateway_policy::rules::Frequency;
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Refusal;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A consumer asks for a person's consent.
    Ask(Box<Ask>),
    /// How a request or consent stands.
    Read {
        /// Which.
        id: Uuid,
    },
    /// What a person wills, brought by a portal; or that a consumer gives its consent up.
    Change {
        /// Which.
        id: Uuid,
        /// What is to become of it.
        action: Action,
        /// The person's will and its proof; missing where the consumer itself revokes.
        will: Option<Box<Will>>,
    },
    /// Consents of a person, or of the consumer that asks.
    Find(Find),
    /// A case is open from now on; if it is already: as it is now.
    OpenCase(OpenCase),
    /// A case is closed.
    CloseCase(CloseCase),
    /// A node reports a break-glass use.
    Notify(Box<Notice>),
    /// Which were reported.
    FindNotices(FindNotices),
    /// A use was looked into.
    Review(Review),
    /// How many there are.
    CountNotices,
}

/// What may become of a request or consent by somebody's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The person agrees.
    Approve,
    /// The person does not.
    Decline,
    /// It does not hold for now.
    Pause,
    /// It holds again.
    Resume,
    /// It holds no longer.
    Revoke,
}

/// The key of a person as somebody wrote it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonText {
    /// What kind of key.
    pub kind: KeyKind,
    /// The key.
    pub value: String,
}

/// What a consumer asks a person to allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Whose data.
    pub subject: PersonText,
    /// Who is to answer.
    pub provider: ClientId,
    /// Codes of its services.
    pub services: Vec<String>,
    /// For what.
    pub purpose: String,
    /// Which categories of data.
    pub categories: Vec<String>,
    /// Data of which time: from, inclusive; `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_from: Option<String>,
    /// To, inclusive; `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_until: Option<String>,
    /// For how long from the approval; either this or `valid_until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_seconds: Option<u64>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// How often it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// It serves once.
    #[serde(default)]
    pub single_use: bool,
    /// How long what is given may be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_life_seconds: Option<u64>,
    /// The consent that this one is to follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Uuid>,
}

/// A person's will and its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Will {
    /// How it was proved.
    pub proof: Proof,
    /// Whose will: the subject, or who acts for it.
    pub person: PersonText,
    /// By what right, when that is not the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<ActingFor>,
}

/// How a will was proved.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// The portal vouches that the person, authenticated so, agreed.
    Attestation {
        /// The level of authentication, of those the rules name.
        level: String,
    },
    /// A document the person signed. The desk keeps it as it is and does not judge its signature.
    SignedDocument {
        /// What it is, as `application/vnd.etsi.asic-e+zip`.
        media_type: String,
        /// Its octets, base64.
        document: String,
    },
}

/// The right to act for the subject. `Debug` hides the evidence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActingFor {
    /// By what right.
    pub relation: Relation,
    /// The document or register entry that shows it.
    pub evidence: String,
}

/// Which consents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// Of this person, own and acted for; missing: of the consumer that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonText>,
    /// Behind this place, as the page before gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenCase {
    /// Its number at the consumer.
    pub case: String,
    /// Whom it is about.
    pub persons: Vec<PersonText>,
    /// For how long, unless closed before.
    pub valid_seconds: u64,
}

/// A case to be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseCase {
    /// Its number at the consumer.
    pub case: String,
}

/// A break-glass use, as the node reports it that answered. It does not say about whom: the message
/// in its log does. Fields that are too long are cut, never refused. `Debug` hides the reason.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The id of the message that was answered.
    pub message_id: String,
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub consumer: ClientId,
    /// What. As text with its version: `AZ/GOV/1/sub/code/v1`.
    pub service: ServiceId,
    /// The rule that allowed it, as `id/version`.
    pub rule: String,
    /// The end user, if named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The case, if named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The reason that was given.
    pub reason: String,
}

/// Which notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindNotices {
    /// Only those nobody looked into.
    #[serde(default)]
    pub unreviewed: bool,
    /// Behind this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// How many at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// What the supervisor found of a use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The number of the notice.
    pub id: u64,
    /// What it was.
    pub verdict: Verdict,
    /// Why.
    pub note: String,
}

/// What a break-glass use was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The emergency was one.
    Justified,
    /// It was none.
    Abuse,
}

impl Request {
    /// Reads a request from its parts: the path as in the module's table, and the body.
    ///
    /// # Errors
    /// There is no such operation, or the body is not what it takes.
    pub fn from_http(
        method: &str,
        path: &str,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        http::read(method, path, query, body)
    }
}

impl PersonText {
    /// The key in its one form.
    pub(crate) fn read(
        &self,
        field: &'static str,
        alphabet: &Alphabet,
    ) -> Result<PersonKey, Refusal> {
        PersonKey::parse(self.kind, &self.value, alphabet)
            .map_err(|_| Refusal::PersonMalformed { field })
    }
}

impl Action {
    /// As it stands in paths and in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
        }
    }
}

impl fmt::Debug for PersonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonText")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Documents are about persons.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attestation { level } => {
                f.debug_struct("Attestation").field("level", level).finish()
            }
            Self::SignedDocument { media_type, .. } => f
                .debug_struct("SignedDocument")
                .field("media_type", media_type)
                .finish_non_exhaustive(),
        }
    }
}

/// Evidence is about persons.
impl fmt::Debug for ActingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActingFor")
            .field("relation", &self.relation)
            .finish_non_exhaustive()
    }
}

/// Reasons are about persons.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("message_id", &self.message_id)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Notes are about persons.
impl fmt::Debug for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Review")
            .field("id", &self.id)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// The longest body that is read: a signed document in base64, and what stands around it. Bytes.
pub const BODY_BYTES_MAX: usize = 1536 * 1024;
