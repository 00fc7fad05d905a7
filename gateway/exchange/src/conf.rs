//! A verified global configuration with what was believed under it.

use gateway_globalconf::Snapshot;
use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::trust::Believed;

/// One configuration. Verdicts on certificates are remembered beside it and go away with it.
#[derive(Debug)]
pub struct Conf {
    /// The verified parts.
    pub snapshot: Snapshot,
    pub(crate) believed: Believed,
}

/// The configuration may be used, perhaps with a remark for the record. Only [`Conf::valid`] makes it.
#[derive(Clone, Copy, Debug)]
pub struct Valid {
    degraded: Option<&'static str>,
}

impl Conf {
    /// Nothing is believed yet.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
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
    /// Remarks for the record.
    #[must_use]
    pub fn degraded(self) -> Vec<String> {
        self.degraded.map(str::to_owned).into_iter().collect()
    }
}

/// The global configuration had expired; the grace of the policy was used.
const REGISTRY_GRACE: &str = "registry-grace";
