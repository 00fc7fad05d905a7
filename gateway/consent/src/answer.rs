//! What callers are answered.

use std::fmt;

use gateway_policy::consent::Relation;
use gateway_policy::person::PersonKey;
use gateway_policy::rules::Frequency;
use gateway_proto::id::ClientId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::request::{Notice, Verdict};

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The request waits for the person.
    Asked(Standing),
    /// How it stands.
    Consent(Box<Consent>),
    /// What became of it.
    Changed(Standing),
    /// Consents, the newest first.
    Consents(Consents),
    /// The case is open or closed.
    Case(Case),
    /// The notice is kept.
    Noticed(Noticed),
    /// Notices, the oldest first.
    Notices(Notices),
    /// The notice as it was reviewed.
    Reviewed(Box<KeptNotice>),
    /// How many notices there are.
    Counts(Counts),
}

/// How a request or consent stands. `Debug` hides the artefact: it says about whom.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its id.
    pub id: Uuid,
    /// Its state.
    pub state: State,
    /// The artefact (compact JWS), while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefact: Option<String>,
}

/// The states of a consent.
///
/// ```text
/// requested → active | declined | expired
/// active ↔ paused
/// active | paused → revoked | expired
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for the person.
    Requested,
    /// It holds.
    Active,
    /// It does not hold for now.
    Paused,
    /// It was taken back.
    Revoked,
    /// Its time is over, or nobody answered in time.
    Expired,
    /// The person did not agree.
    Declined,
}

/// All that is told of a consent. `Debug` hides the artefact.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// Its id.
    pub id: Uuid,
    /// Its state.
    pub state: State,
    /// Whose data.
    pub subject: PersonKey,
    /// Who may ask.
    pub consumer: ClientId,
    /// Who may answer.
    pub provider: ClientId,
    /// Which services.
    pub services: Vec<String>,
    /// For what.
    pub purpose: String,
    /// Which categories of data.
    pub categories: Vec<String>,
    /// Data of which time: from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_from: Option<String>,
    /// To.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_until: Option<String>,
    /// How often it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// It serves once.
    pub single_use: bool,
    /// How long what is given may be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_life_seconds: Option<u64>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Until when the person may answer.
    pub answer_until: Timestamp,
    /// For how long it is to hold from the approval, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_seconds: Option<u64>,
    /// From when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// By what right somebody agreed for the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<Relation>,
    /// The consent it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Uuid>,
    /// The one that follows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<Uuid>,
    /// The artefact (compact JWS), while it is active; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefact: Option<String>,
    /// What became of it, the oldest first; not in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Passed>,
}

/// One change in the life of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// When.
    pub at: Timestamp,
    /// What it became.
    pub state: State,
    /// By whom; missing: by the desk, when its time was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ClientId>,
    /// The message in which that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// How the person's will was proved: `attestation` or `signed-document`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<&'static str>,
    /// SHA-256 of the signed document, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// A page of consents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consents {
    /// They.
    pub consents: Vec<Consent>,
    /// Where to go on; missing: that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How a case stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// `open` or `closed`.
    pub state: &'static str,
    /// Whether it was open before.
    pub was_open: bool,
    /// Until when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A notice was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Noticed {
    /// Its number.
    pub id: u64,
    /// It was kept before.
    pub known: bool,
}

/// A page of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notices {
    /// They.
    pub notices: Vec<KeptNotice>,
    /// Where to go on; missing: that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A notice as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNotice {
    /// Its number.
    pub id: u64,
    /// Who reported it.
    pub reporter: ClientId,
    /// When it came.
    pub received_at: Timestamp,
    /// What was reported.
    pub notice: Notice,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Reviewed>,
}

/// What was found of a use. `Debug` hides the note.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// What it was.
    pub verdict: Verdict,
    /// Why.
    pub note: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: ClientId,
    /// Which of its users, if named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// How many notices there are; those forgotten since are counted too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All that ever came.
    pub total: u64,
    /// Those nobody looked into.
    pub unreviewed: u64,
    /// Those found to be abuse.
    pub abuse: u64,
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Asked(_) => 201,
            Self::Noticed(noticed) => match noticed.known {
                true => 200,
                false => 201,
            },
            Self::Consent(_)
            | Self::Changed(_)
            | Self::Consents(_)
            | Self::Case(_)
            | Self::Notices(_)
            | Self::Reviewed(_)
            | Self::Counts(_) => 200,
        }
    }

    /// The body: JSON.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[expect(
            clippy::expect_used,
            reason = "structs of texts and numbers without maps always have a JSON form"
        )]
        serde_json::to_vec(self).expect("an answer has a JSON form")
    }
}

impl State {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Declined => "declined",
        }
    }

    /// Nothing can become of it any more.
    #[must_use]
    pub fn is_end(self) -> bool {
        match self {
            Self::Requested | Self::Active | Self::Paused => false,
            Self::Revoked | Self::Expired | Self::Declined => true,
        }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("consumer", &self.consumer)
            .field("provider", &self.provider)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reviewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reviewed")
            .field("verdict", &self.verdict)
            .field("at", &self.at)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}
