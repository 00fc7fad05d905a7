//! How stamping is doing, for operators.

use std::fmt;
use std::time::Duration;

use gateway_globalconf::Timestamper;
use gateway_messagelog::Stamping;
use jiff::{SignedDuration, Timestamp};

use super::{End, Reason};

/// How stamping is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// How many messages wait for their time stamp.
    pub waiting: u64,
    /// When the oldest of them was logged.
    pub oldest: Option<Timestamp>,
    /// Up to which place of the log messages are stamped.
    pub stamped_until: u64,
    /// When messages were last stamped, since the start.
    pub last_success: Option<Timestamp>,
    /// When a round last failed and why, since the last success.
    pub last_failure: Option<(Timestamp, String)>,
    /// How far the clock of the authority asked last is ahead of ours. Seconds.
    pub clock_offset_seconds: Option<i64>,
    /// The authorities asked since the start, in the order of the configuration.
    pub authorities: Vec<AuthorityState>,
    /// The figures above count the whole log. `false` for a while after the start, when the index of
    /// the log is behind.
    pub complete: bool,
}

/// What an authority did when it was last asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityState {
    /// Its name in the global configuration.
    pub name: String,
    /// Where it is asked.
    pub url: String,
    /// When it last gave a time stamp that holds.
    pub last_success: Option<Timestamp>,
    /// What it last failed at, if it did since its last success.
    pub last_failure: Option<Failure>,
}

/// What an authority failed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
    /// The code that other servers use for this.
    pub code: &'static str,
}

/// What is remembered of the rounds so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_failure: Option<(Timestamp, String)>,
    pub(super) clock_offset: Option<SignedDuration>,
    pub(super) authorities: Vec<AuthorityState>,
}

impl State {
    /// How long the oldest message has waited; 0 when none waits, or when the clock was set back.
    #[must_use]
    pub fn lag_seconds(&self, now: Timestamp) -> u64 {
        let lag = self
            .oldest
            .map(|oldest| now.duration_since(oldest).as_secs());
        u64::try_from(lag.unwrap_or(0)).unwrap_or(0)
    }
}

impl Known {
    /// Keeps to the authorities of the configuration, in their order.
    pub(super) fn follow(&mut self, configured: &[Timestamper]) {
        let before = std::mem::take(&mut self.authorities);
        self.authorities = configured
            .iter()
            .map(|one| {
                let known = before.iter().find(|known| known.is(one));
                known.cloned().unwrap_or_else(|| AuthorityState {
                    name: one.name.clone(),
                    url: one.url.clone(),
                    last_success: None,
                    last_failure: None,
                })
            })
            .collect();
    }

    /// The authority failed when it was last asked, and that is not longer ago. A failure at a time
    /// that is still to come counts as long ago: the clock was set back.
    pub(super) fn failed_within(
        &self,
        authority: &Timestamper,
        within: Duration,
        now: Timestamp,
    ) -> bool {
        let known = self.authorities.iter().find(|one| one.is(authority));
        let failure = known.and_then(|known| known.last_failure.as_ref());
        let ago =
            failure.and_then(|failure| Duration::try_from(now.duration_since(failure.time)).ok());
        ago.is_some_and(|ago| ago < within)
    }

    pub(super) fn succeeded(&mut self, authority: &Timestamper, now: Timestamp) {
        for known in self.authorities.iter_mut().filter(|one| one.is(authority)) {
            known.last_success = Some(now);
            known.last_failure = None;
        }
    }

    pub(super) fn failed(&mut self, authority: &Timestamper, reason: &Reason, now: Timestamp) {
        for known in self.authorities.iter_mut().filter(|one| one.is(authority)) {
            known.last_failure = Some(Failure {
                time: now,
                reason: reason.to_string(),
                code: reason.code(),
            });
        }
    }

    pub(super) fn ended(&mut self, end: &End, now: Timestamp) {
        match end {
            // With nothing to do, nothing is known to be wrong.
            End::Nothing => self.last_failure = None,
            End::Stamped => {
                self.last_success = Some(now);
                self.last_failure = None;
            }
            End::Failed(error) => self.last_failure = Some((now, error.to_string())),
        }
    }

    pub(super) fn state(&self, stamping: &Stamping) -> State {
        State {
            waiting: stamping.unstamped,
            oldest: stamping.oldest,
            stamped_until: stamping.stamped_until,
            last_success: self.last_success,
            last_failure: self.last_failure.clone(),
            clock_offset_seconds: self.clock_offset.map(|offset| offset.as_secs()),
            authorities: self.authorities.clone(),
            complete: stamping.complete,
        }
    }
}

impl AuthorityState {
    fn is(&self, configured: &Timestamper) -> bool {
        self.url == configured.url && self.name == configured.name
    }
}

impl fmt::Display for AuthorityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.name, self.url)?;
        match (&self.last_failure, self.last_success) {
            (Some(failure), _) => write!(f, "failed at {:.0}: {}", failure.time, failure.reason),
            (None, Some(time)) => write!(f, "good at {time:.0}"),
            (None, None) => f.write_str("not asked yet"),
        }
    }
}
