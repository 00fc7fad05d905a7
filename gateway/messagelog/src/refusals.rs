//! Refused messages are noted, but never a lever: bounded in number, size and rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gateway_store::segment::Log;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::protection::stored;
use crate::record::encode_refusal;
use crate::{Options, Protection, Refusal};

/// What became of refusals since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusalCounts {
    /// Durable in the log.
    pub stored: u64,
    /// Not stored: too many at once, too many in a short time, or the disk refused.
    pub dropped: u64,
}

/// Takes refusals for the log.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// One permit per refusal on its way.
    room: Arc<Semaphore>,
    rate: Mutex<Rate>,
    counts: Arc<Counts>,
    protection: Option<Protection>,
}

#[derive(Debug, Default)]
struct Counts {
    stored: AtomicU64,
    dropped: AtomicU64,
}

impl Refusals {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            room: Arc::new(Semaphore::new(
                options.refusal_queue_max.min(Semaphore::MAX_PERMITS),
            )),
            rate: Mutex::new(Rate::new(options.refusals_per_second_max)),
            counts: Arc::default(),
            protection: options.protection.clone(),
        }
    }

    pub(crate) fn note(&self, log: &Log, mut refusal: Refusal) {
        let allowed = self
            .rate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .allows(refusal.time);
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.drop_one();
        };
        if !allowed {
            return self.drop_one();
        }
        for text in [
            &mut refusal.code,
            &mut refusal.reason,
            &mut refusal.fault_id,
        ] {
            shorten(text);
        }
        refusal.message_id.as_mut().map(shorten);
        let counts = Arc::clone(&self.counts);
        let Ok(bytes) = stored(encode_refusal(&refusal), self.protection.as_ref()) else {
            return self.drop_one();
        };
        let queued = log.append_detached(bytes, move |result| {
            let count = if result.is_ok() {
                &counts.stored
            } else {
                &counts.dropped
            };
            count.fetch_add(1, Ordering::Relaxed);
            drop(room);
        });
        if queued.is_err() {
            self.drop_one();
        }
    }

    pub(crate) fn counts(&self) -> RefusalCounts {
        RefusalCounts {
            stored: self.counts.stored.load(Ordering::Relaxed),
            dropped: self.counts.dropped.load(Ordering::Relaxed),
        }
    }

    fn drop_one(&self) {
        let before = self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        // Told when the number gains a digit in binary: a flood of drops is no flood of log lines.
        let dropped = before.saturating_add(1);
        if dropped.is_power_of_two() {
            tracing::warn!(dropped, "refusals were not logged: too many");
        }
    }
}

/// So many in a second on average, ten seconds' worth at once.
#[derive(Debug)]
struct Rate {
    nanoseconds_each: i128,
    /// When the allowance used so far will be whole again.
    whole_at: i128,
}

impl Rate {
    fn new(per_second_max: u32) -> Self {
        let each = NANOSECONDS.checked_div(i128::from(per_second_max));
        Self {
            nanoseconds_each: each.unwrap_or(i128::from(u64::MAX)),
            whole_at: i128::MIN,
        }
    }

    fn allows(&mut self, now: Timestamp) -> bool {
        let now = now.as_nanosecond();
        let burst = NANOSECONDS.saturating_mul(BURST_SECONDS);
        // After a step back of the clock the allowance is not locked up in the future.
        let whole_at = self.whole_at.clamp(now, now.saturating_add(burst));
        self.whole_at = whole_at;
        let next = whole_at.saturating_add(self.nanoseconds_each);
        if next > now.saturating_add(burst) {
            return false;
        }
        self.whole_at = next;
        true
    }
}

/// Texts from outside take a bounded place.
fn shorten(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    }
}

const NANOSECONDS: i128 = 1_000_000_000;
const BURST_SECONDS: i128 = 10;
const TEXT_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::{Rate, Timestamp, shorten};

    fn allowed(rate: &mut Rate, second: i64, asked: usize) -> usize {
        let now = Timestamp::from_second(second).unwrap();
        (0..asked).filter(|_| rate.allows(now)).count()
    }

    #[test]
    fn allows_a_burst_then_the_average() {
        let mut rate = Rate::new(5);
        assert_eq!(allowed(&mut rate, 1000, 1000), 50);
        assert_eq!(allowed(&mut rate, 1001, 1000), 5);
        assert_eq!(allowed(&mut rate, 1003, 1000), 10);
        assert_eq!(allowed(&mut rate, 2000, 1000), 50);
    }

    #[test]
    fn a_clock_that_steps_back_does_not_stop_it_for_long() {
        let mut rate = Rate::new(5);
        assert_eq!(allowed(&mut rate, 1_000_000, 1000), 50);
        assert_eq!(allowed(&mut rate, 10, 1000), 0);
        assert_eq!(allowed(&mut rate, 12, 1000), 10);
    }

    #[test]
    fn none_a_second_means_none() {
        assert_eq!(allowed(&mut Rate::new(0), 1000, 1000), 0);
    }

    #[test]
    fn shortens_at_a_character() {
        let mut text = "ə".repeat(3000);
        shorten(&mut text);
        assert_eq!(text.len(), 2048);
        let mut text = format!("a{}", "ə".repeat(3000));
        shorten(&mut text);
        assert_eq!(text.len(), 2047);
    }
}
