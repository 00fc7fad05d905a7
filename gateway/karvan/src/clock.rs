//! The system's clock: the one place that reads it.

use gateway_exchange::Clock;
use jiff::Timestamp;

/// Tells the system's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A monotonic moment, for measuring.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn instant() -> std::time::Instant {
    std::time::Instant::now()
}
