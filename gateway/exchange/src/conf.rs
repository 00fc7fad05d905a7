//! A verified global configuration with what was believed under it.

use std::fmt;
use std::sync::Arc;

use gateway_globalconf::Snapshot;
use gateway_policy::rules::Rules;
use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::trust::Believed;

/// One configuration. Verdicts on certificates are remembered beside it and go away with it.
#[derive(Debug)]
pub struct Conf {
    /// The verified parts.
    pub snapshot: Snapshot,
    /// The registry's rules, as this node judged the part that holds them.
    pub rules: RulesState,
    pub(crate) believed: Believed,
}

/// How the registry's rules stand.
#[derive(Clone, Debug, Default)]
pub enum RulesState {
    /// The registry publishes none, and never did: exchanges go on as before there were rules.
    #[default]
    Absent,
    /// These hold.
    InForce(Arc<Rules>),
    /// There are or were rules, but none that can be obeyed: nothing is exchanged.
    Refused(RulesFault),
}

/// Why rules cannot be obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesFault {
    /// They cannot be read, are of another instance, or contradict themselves.
    Invalid,
    /// They are older than rules that were in force here before.
    RolledBack,
    /// They have a version that was in force here before, with other content, or do not follow it.
    Tampered,
    /// Rules were in force here before, and the configuration has none.
    Missing,
}

/// The configuration may be used, perhaps with a remark for the record. Only [`Conf::valid`] makes it.
#[derive(Clone, Copy, Debug)]
pub struct Valid {
    degraded: Option<&'static str>,
}

impl Conf {
    /// A configuration without rules. Nothing is believed yet.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self::with_rules(snapshot, RulesState::Absent)
    }

    /// A configuration with rules that stand so. Nothing is believed yet.
    #[must_use]
    pub fn with_rules(snapshot: Snapshot, rules: RulesState) -> Self {
        Self {
            snapshot,
            rules,
            believed: Believed::default(),
        }
    }

    /// Whether it may be used now: not expired, or expired within the grace.
    ///
    /// # Errors
    /// [`Error::ConfigurationOutdated`] when it is too old.
    pub fn valid(&self, grace_seconds: u64, now: Timestamp) -> Result<Valid, Error> {
        let Some(expires_at) = self.snapshot.expires_at() else {
            return Ok(Valid { degraded: None });
        };
        if now <= expires_at {
            return Ok(Valid { degraded: None });
        }
        let grace = SignedDuration::from_secs(i64::try_from(grace_seconds).unwrap_or(i64::MAX));
        let last = expires_at.checked_add(grace).unwrap_or(Timestamp::MAX);
        if now <= last {
            return Ok(Valid {
                degraded: Some(REGISTRY_GRACE),
            });
        }
        Err(Error::ConfigurationOutdated {
            expired_at: expires_at,
        })
    }
}

impl Valid {
    /// It has expired, and the grace is used.
    #[must_use]
    pub fn is_expired(self) -> bool {
        self.degraded.is_some()
    }

    /// Remarks for the record.
    #[must_use]
    pub fn degraded(self) -> Vec<String> {
        self.degraded.map(str::to_owned).into_iter().collect()
    }
}

impl fmt::Display for RulesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "they cannot be read",
            Self::RolledBack => "they are older than those that were in force here before",
            Self::Tampered => "they do not follow those that were in force here before",
            Self::Missing => "they were in force here before, and are gone",
        })
    }
}

/// The global configuration had expired; the grace of the policy was used.
const REGISTRY_GRACE: &str = "registry-grace";
