//! How long what is in the log may wait for its time stamp: the policy of the node.
//!
//! PR-MESS leaves it to the server how long it goes on without time stamps. Ours goes on for days,
//! says so in each record, and only then takes no more exchanges. The waiting is read from the log
//! itself, so a restart forgives nothing.

use jiff::Timestamp;

use crate::conf::Conf;
use crate::error::Error;
use crate::node::Node;

/// More may be logged, perhaps with a remark for the record. Only [`exchange`] makes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timely {
    degraded: Option<&'static str>,
}

impl Timely {
    /// A remark for the record.
    pub(crate) fn degraded(self) -> Option<&'static str> {
        self.degraded
    }
}

/// A new exchange may be logged: no message waits longer than the policy allows. It counts for both
/// records of the exchange: once a service has been asked, its answer is not withheld.
pub(crate) fn exchange(node: &Node, conf: &Conf, now: Timestamp) -> Result<Timely, Error> {
    let Some(oldest) = node.log.stamping().oldest else {
        return Ok(Timely { degraded: None });
    };
    // Negative when the clock was set back: that is no waiting.
    let waited = u64::try_from(now.duration_since(oldest).as_secs()).unwrap_or(0);
    let seconds_max = node.settings.timestamp_lag_seconds_max;
    if seconds_max != 0 && waited > seconds_max {
        return Err(Error::TimestampLag {
            oldest,
            seconds_max,
            has_authority: !conf.snapshot.timestampers().is_empty(),
        });
    }
    let interval = node
        .settings
        .timestamping_interval_seconds(Some(&conf.snapshot));
    let late = waited > interval.saturating_mul(INTERVALS_USUAL);
    Ok(Timely {
        degraded: late.then_some(TIMESTAMP_LAG),
    })
}

/// So many intervals a message may wait without a remark: one is usual, one may fail.
const INTERVALS_USUAL: u64 = 4;
/// Time stamps are late; the grace of the policy is used.
const TIMESTAMP_LAG: &str = "timestamp-lag";
