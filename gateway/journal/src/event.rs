//! What the journal is told of the log, and what it tells of it.

use std::fmt;

use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::PersonMark;

/// Something the log of a provider's node says.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "half of them are requests, and few are held at once"
)]
pub enum Event {
    /// A request was let through.
    Asked(Asked),
    /// A request was answered.
    Answered(Answered),
}

/// A request that was let through, with its basis.
#[derive(Clone)]
pub struct Asked {
    /// The number of its record in the log.
    pub ordinal: u64,
    /// When it was judged and logged.
    pub time: Timestamp,
    /// What was asked, by whom and why.
    pub exchange: Exchange,
    /// When the persons may learn of it.
    pub disclosure: Disclosure,
    /// The persons. None, and no emergency: the journal has no entry of it.
    pub persons: Vec<PersonMark>,
    /// What it used up ([`crate::Reservation::marks`]).
    pub quotas: Vec<[u8; 16]>,
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The number of the answer's record in the log.
    pub ordinal: u64,
    /// Who had asked.
    pub client: ClientId,
    /// What was asked.
    pub service: ServiceId,
    /// The query id.
    pub message_id: String,
    /// What the answer was.
    pub outcome: Outcome,
}

/// What was asked, by whom and why.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Who asked.
    pub client: ClientId,
    /// What was asked.
    pub service: ServiceId,
    /// The query id.
    pub message_id: String,
    /// The end user, as sent.
    pub user: Option<String>,
    /// The case, as sent.
    pub case: Option<String>,
    /// The purpose.
    pub purpose: Option<String>,
    /// The rule that allowed it, and its version.
    pub rule: Option<(String, u32)>,
    /// On what ground.
    pub ground: Ground,
    /// Act and article, where the ground is law.
    pub law: Option<(String, String)>,
    /// The consent it needed.
    pub consent: Option<Uuid>,
    /// The reason of a break-glass use.
    pub emergency: Option<String>,
}

/// On what ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// None was needed.
    NotPersonal,
    /// A rule that asks for nothing.
    Open,
    /// A law.
    Law,
    /// The person's consent.
    Consent,
    /// Break-glass.
    Vital,
}

/// When the person may learn of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// At once.
    AtOnce,
    /// From this time on.
    From(Timestamp),
    /// Hidden under an article until this time.
    Hidden {
        /// The article.
        article: String,
        /// When it ends.
        until: Timestamp,
    },
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No answer is known.
    Asked,
    /// The service answered.
    Answered,
    /// The answer was a fault.
    Failed,
}

/// A use of personal data, as the person may see it, and as supervisors do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The number of the request's record in the log.
    pub ordinal: u64,
    /// When.
    pub time: Timestamp,
    /// What was asked, by whom and why.
    pub exchange: Exchange,
    /// What became of it.
    pub outcome: Outcome,
    /// About how many persons it was. Who the others are is not told.
    pub persons: usize,
}

impl Event {
    pub(crate) fn ordinal(&self) -> u64 {
        match self {
            Self::Asked(asked) => asked.ordinal,
            Self::Answered(answered) => answered.ordinal,
        }
    }
}

impl Disclosure {
    /// From when on it is shown; `None`: from the beginning.
    pub(crate) fn shown_from(&self) -> Option<Timestamp> {
        match self {
            Self::AtOnce => None,
            Self::From(time) | Self::Hidden { until: time, .. } => Some(*time),
        }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("ordinal", &self.ordinal)
            .field("time", &self.time)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// Users, cases and reasons may name persons, so they are not shown.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("client", &self.client)
            .field("service", &self.service)
            .field("message_id", &self.message_id)
            .field("rule", &self.rule)
            .field("ground", &self.ground)
            .finish_non_exhaustive()
    }
}
