//! Uses of limited rules and consents.
//!
//! A use counts from the moment it is taken. Until its record has come from the log into the store it
//! is counted in memory; the number up to which the store is counted, and the uses in memory, change
//! under one lock, so that none is missed and none counted twice. The lock is held over a look into
//! the store, never over a write.

use std::collections::HashMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway_policy::basis::Quota;
use gateway_store::tree::ReadTx;
use jiff::Timestamp;

use crate::keys::{Keys, Tail, UseMark};
use crate::trees::{USES, ordered, use_key, use_ordinal};
use crate::{Error, Inner, Journal};

/// One use each of some quotas, taken. Dropped without [`Reservation::keep`] it is given back.
#[derive(Debug)]
pub struct Reservation {
    marks: Vec<[u8; 16]>,
    taken: Option<Taken>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Exceeded {
    /// A quota is used up.
    UsedUp {
        /// Which of those asked for.
        index: usize,
    },
    /// The journal cannot tell; nothing is allowed then.
    Unknown(Error),
}

/// Uses that are counted in memory.
#[derive(Debug)]
struct Taken {
    journal: Arc<Inner>,
    uses: Vec<(Tail, u64)>,
}

/// What is counted beside the store, and up to which entry the store is counted.
#[derive(Debug)]
pub(crate) struct Uses {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Uses in the store up to this entry of the log are counted there.
    counted_until: u64,
    taken: HashMap<Tail, Slot>,
    /// The number of the next use.
    next: u64,
}

/// Uses of one thing.
#[derive(Debug, Default)]
struct Slot {
    uses: Vec<Use>,
    /// So many came into the store before their exchange said that they are kept.
    ahead: usize,
}

#[derive(Debug)]
struct Use {
    number: u64,
    time: Timestamp,
    is_kept: bool,
}

/// What one thing's uses are held against.
#[derive(Debug)]
struct Wanted<'q> {
    /// Under every key; the last under the current one.
    tails: Vec<Tail>,
    class: u8,
    /// With their places in what was asked for.
    quotas: Vec<(usize, &'q Quota)>,
}

impl Journal {
    /// Takes one use of each quota, or none: what was used within its time, in the log or by exchanges
    /// on their way, must leave room. Two that race for the last use do not both get it.
    ///
    /// # Errors
    /// The first quota that is used up, or that the store cannot be read.
    pub fn reserve(&self, quotas: &[Quota], now: Timestamp) -> Result<Reservation, Exceeded> {
        if quotas.is_empty() {
            return Ok(Reservation {
                marks: Vec::new(),
                taken: None,
            });
        }
        // Keys are looked at under the lock: who still used old ones would not see what is under new.
        let mut state = self.inner.uses.lock();
        let keys = self.inner.keys();
        let wanted = wanted(quotas, &keys);
        let key = keys.current_octet();
        let marks = wanted.iter().filter_map(|wanted| {
            let tail = *wanted.tails.last()?;
            let class = wanted.class;
            Some(UseMark { class, key, tail })
        });
        let marks: Vec<UseMark> = marks.collect();

        let used_up = self
            .inner
            .store
            .try_read(|tx| state.used_up(tx, &wanted, now))
            .map_err(Exceeded::Unknown)?;
        if let Some(index) = used_up {
            return Err(Exceeded::UsedUp { index });
        }
        let uses = marks
            .iter()
            .map(|mark| (mark.tail, state.take(mark.tail, now)))
            .collect();
        drop(state);
        Ok(Reservation {
            marks: marks.into_iter().map(UseMark::to_bytes).collect(),
            taken: Some(Taken {
                journal: Arc::clone(&self.inner),
                uses,
            }),
        })
    }
}

impl Reservation {
    /// What was used, under keyed hashes, for the record: the journal counts it from there.
    #[must_use]
    pub fn marks(&self) -> &[[u8; 16]] {
        &self.marks
    }

    /// The record is durable: the use counts.
    pub fn keep(mut self) {
        if let Some(taken) = self.taken.take() {
            let mut state = taken.journal.uses.lock();
            for (tail, number) in taken.uses {
                state.keep(tail, number);
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            let mut state = taken.journal.uses.lock();
            for (tail, number) in taken.uses {
                state.release(tail, number);
            }
        }
    }
}

impl Uses {
    /// Nothing is counted in memory; the store is counted up to this entry.
    pub(crate) fn new(counted_until: u64) -> Self {
        Self {
            state: Mutex::new(State {
                counted_until,
                taken: HashMap::new(),
                next: 0,
            }),
        }
    }

    /// These uses are in the store, which now goes up to this entry.
    pub(crate) fn stored(&self, marks: impl IntoIterator<Item = UseMark>, until: u64) {
        let mut state = self.lock();
        for mark in marks {
            state.stored(mark.tail);
        }
        state.counted_until = state.counted_until.max(until);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first quota that has no room.
    fn used_up(
        &self,
        tx: &ReadTx,
        wanted: &[Wanted<'_>],
        now: Timestamp,
    ) -> Result<Option<usize>, Error> {
        let mut first: Option<usize> = None;
        for wanted in wanted {
            for (index, quota) in &wanted.quotas {
                let is_later = first.is_some_and(|first| first < *index);
                if !is_later && !self.has_room(tx, &wanted.tails, quota, now)? {
                    first = Some(*index);
                }
            }
        }
        Ok(first)
    }

    fn has_room(
        &self,
        tx: &ReadTx,
        tails: &[Tail],
        quota: &Quota,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let since = since(quota.seconds, now);
        let count_max = usize::try_from(quota.count).unwrap_or(usize::MAX);
        let mut count = 0_usize;
        for tail in tails {
            let in_memory = self.taken.get(tail).map_or(0, |slot| slot.count(since));
            count = count.saturating_add(in_memory);
            if count >= count_max {
                return Ok(false);
            }
            let lowest = use_key(tail, since, u64::MAX);
            let from = match since {
                None => Bound::Included(tail.as_slice()),
                Some(_) => Bound::Excluded(lowest.as_slice()),
            };
            let highest = use_key(tail, Some(Timestamp::MAX), u64::MAX);
            for pair in tx.range(USES, (from, Bound::Included(highest.as_slice())))? {
                let (key, _) = pair?;
                if use_ordinal(&key)? <= self.counted_until {
                    count = count.saturating_add(1);
                }
                if count >= count_max {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, tail: Tail, time: Timestamp) -> u64 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.taken.entry(tail).or_default().uses.push(Use {
            number,
            time,
            is_kept: false,
        });
        number
    }

    fn keep(&mut self, tail: Tail, number: u64) {
        self.with(tail, |slot| match slot.ahead.checked_sub(1) {
            // It is in the store already, or another one that is still counted here.
            Some(ahead) => {
                slot.ahead = ahead;
                slot.uses.retain(|one| one.number != number);
            }
            None => {
                let found = slot.uses.iter_mut().find(|one| one.number == number);
                found.into_iter().for_each(|one| one.is_kept = true);
            }
        });
    }

    fn release(&mut self, tail: Tail, number: u64) {
        self.with(tail, |slot| slot.uses.retain(|one| one.number != number));
    }

    /// A use of this came into the store: one less is counted here.
    fn stored(&mut self, tail: Tail) {
        self.with(tail, |slot| {
            match slot.uses.iter().position(|one| one.is_kept) {
                Some(place) => drop(slot.uses.remove(place)),
                // Its exchange is about to say so; from an earlier run, nobody is.
                None => slot.ahead = slot.ahead.saturating_add(1).min(slot.uses.len()),
            }
        });
    }

    fn with(&mut self, tail: Tail, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.taken.get_mut(&tail) {
            change(slot);
            slot.ahead = slot.ahead.min(slot.uses.len());
            if slot.uses.is_empty() {
                self.taken.remove(&tail);
            }
        }
    }
}

impl Slot {
    /// Uses after this time that the store does not count.
    fn count(&self, since: Option<Timestamp>) -> usize {
        let uses = self.uses.iter().filter(|one| counts(one.time, since));
        uses.count().saturating_sub(self.ahead)
    }
}

/// One use is taken of each thing, however many quotas it has.
fn wanted<'q>(quotas: &'q [Quota], keys: &Keys) -> Vec<Wanted<'q>> {
    let mut wanted: Vec<Wanted<'q>> = Vec::new();
    for (index, quota) in quotas.iter().enumerate() {
        let tails = keys.tails(&quota.of);
        let class = UseMark::class_of(quota.seconds);
        match wanted.iter_mut().find(|other| other.tails == tails) {
            Some(same) => {
                same.class = UseMark::longer(same.class, class);
                same.quotas.push((index, quota));
            }
            None => wanted.push(Wanted {
                tails,
                class,
                quotas: vec![(index, quota)],
            }),
        }
    }
    wanted
}

/// Uses after this time count; `None`: all.
fn since(seconds: Option<u64>, now: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds?).ok()?;
    now.checked_sub(jiff::SignedDuration::from_secs(seconds))
        .ok()
}

fn counts(time: Timestamp, since: Option<Timestamp>) -> bool {
    since.is_none_or(|since| ordered(time) > ordered(since))
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedUp { .. } => f.write_str("it was used as often as it may be"),
            Self::Unknown(_) => f.write_str("how often it was used cannot be told"),
        }
    }
}

impl std::error::Error for Exceeded {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::UsedUp { .. } => None,
            Self::Unknown(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
