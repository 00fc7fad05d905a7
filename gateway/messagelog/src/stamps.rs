//! Time stamps in the log: which messages wait for one, which have one.
//!
//! Messages are stamped in order and without a gap: a stamp covers exactly the messages that follow
//! the last stamped one. So one number says which are stamped, and the log itself says since when
//! the oldest of the others has been waiting, also after a restart.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_store::segment::{Position, Scan};
use jiff::Timestamp;

use crate::log::Inner;
use crate::record::{Signed, decode, encode_stamp, signed};
use crate::{Entry, Error, MessageLog, Stamp};

/// A message that no time stamp covers yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstamped {
    /// Its number in the log.
    pub ordinal: u64,
    /// When it was logged.
    pub time: Timestamp,
    /// SHA-512 of the octets of its signature document.
    pub digest: Digest,
    /// The signature document, only when this is the one message returned: a single time stamp
    /// covers the value in it.
    pub signature: Option<Bytes>,
}

/// How far time-stamping has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamping {
    /// Every message up to this number is stamped; 0: none is.
    pub stamped_until: u64,
    /// How many messages wait.
    pub unstamped: u64,
    /// Since when the first of them waits: when it was logged, or what the clock said at a later
    /// message, should that be earlier. The clock was set back then, and must not hide the waiting.
    pub oldest: Option<Timestamp>,
    /// The numbers count the whole log. `false` for a while after opening a log whose index is
    /// far behind or lost: then they count what was logged since.
    pub complete: bool,
}

impl MessageLog {
    /// Logs a time stamp, which must cover exactly the messages that come next, with their SHA-512
    /// digests. Durable when this is ready with `Ok`; dropping the future takes nothing back.
    ///
    /// # Errors
    /// It does not continue the last one, or was not written.
    pub async fn append_stamp(&self, stamp: Stamp) -> Result<Position, Error> {
        let inner = Arc::clone(&self.inner);
        let appended = tokio::spawn(async move { inner.append_stamp(stamp).await });
        appended.await.map_err(|_| Error::Interrupted)?
    }

    /// The messages that wait for a time stamp, oldest first, at most so many. Damaged ones are
    /// passed over: nothing can be said of them.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn unstamped(&self, records_max: usize) -> Result<Vec<Unstamped>, Error> {
        let inner = Arc::clone(&self.inner);
        let found = tokio::task::spawn_blocking(move || inner.unstamped(records_max));
        found.await.map_err(|_| Error::Interrupted)?
    }

    /// How far time-stamping has come. Cheap.
    #[must_use]
    pub fn stamping(&self) -> Stamping {
        self.inner.stamping.now()
    }

    /// The time stamp that covers a message; `None`: it waits for one, or is no message.
    ///
    /// # Errors
    /// There is no such entry, it was erased, or the log cannot be read.
    pub async fn stamp_of(&self, ordinal: u64) -> Result<Option<Stamp>, Error> {
        let inner = Arc::clone(&self.inner);
        let found = tokio::task::spawn_blocking(move || inner.stamp_of(ordinal));
        found.await.map_err(|_| Error::Interrupted)?
    }
}

/// How far time-stamping has come, in memory.
///
/// The committer tells messages and stamps in the order of the log; the index tells once what was
/// there before.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    stamped_until: u64,
    unstamped: u64,
    oldest: Option<Oldest>,
    complete: bool,
    /// The last stamp that was logged since the log was opened.
    last_stamp: u64,
    /// The first message beyond this number that comes while a stamp is being logged.
    watched_after: u64,
    watched: Option<Oldest>,
}

/// The message that has been waiting longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Oldest {
    pub(crate) ordinal: u64,
    pub(crate) time: Timestamp,
}

impl Oldest {
    /// The first stays the first. It waits at least as long as one that came after it.
    fn before(self, later: Option<Self>) -> Self {
        let time = later.map_or(self.time, |later| self.time.min(later.time));
        Self { time, ..self }
    }
}

impl State {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Stamping {
        let counts = self.counts();
        Stamping {
            stamped_until: counts.stamped_until,
            unstamped: counts.unstamped,
            oldest: counts.oldest.map(|oldest| oldest.time),
            complete: counts.complete,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.counts().complete
    }

    /// The number of the message that has been waiting longest.
    pub(crate) fn oldest_ordinal(&self) -> Option<u64> {
        self.counts().oldest.map(|oldest| oldest.ordinal)
    }

    /// What was there when the log was opened.
    pub(crate) fn complete(&self, stamped_until: u64, unstamped: u64, oldest: Option<Oldest>) {
        let mut counts = self.counts();
        if counts.complete {
            return;
        }
        counts.stamped_until = stamped_until;
        counts.unstamped = counts.unstamped.saturating_add(unstamped);
        let since = counts.oldest;
        counts.oldest = oldest.map(|oldest| oldest.before(since)).or(since);
        counts.complete = true;
    }

    /// A message is durable.
    pub(crate) fn message(&self, ordinal: u64, time: Timestamp) {
        let mut counts = self.counts();
        counts.unstamped = counts.unstamped.saturating_add(1);
        let this = Oldest { ordinal, time };
        counts.oldest = Some(counts.oldest.unwrap_or(this).before(Some(this)));
        if ordinal > counts.watched_after {
            counts.watched = Some(counts.watched.unwrap_or(this).before(Some(this)));
        }
    }

    /// From now on the first message beyond this number is remembered.
    fn watch(&self, after: u64) {
        let mut counts = self.counts();
        counts.watched_after = after;
        counts.watched = None;
    }

    /// A stamp is durable; `next` is the message after those it covers, if it was there before the
    /// watch began.
    fn stamped(&self, stamp: u64, until: u64, messages: u64, next: Option<Oldest>) {
        let mut counts = self.counts();
        counts.last_stamp = stamp;
        counts.stamped_until = until;
        counts.unstamped = counts.unstamped.saturating_sub(messages);
        counts.oldest = match counts.unstamped {
            0 => None,
            _ => next
                .map(|next| next.before(counts.watched))
                .or(counts.watched),
        };
    }

    /// So many of the waiting messages are lost; `first` is the first of the others, as far as they
    /// were read.
    fn lost(&self, messages: u64, first: Option<Oldest>) {
        let mut counts = self.counts();
        counts.unstamped = counts.unstamped.saturating_sub(messages);
        counts.oldest = match (counts.unstamped, counts.oldest, first) {
            (0, _, _) => None,
            (_, Some(oldest), Some(first)) if oldest.ordinal < first.ordinal => Some(first),
            (_, oldest, _) => oldest,
        };
    }

    fn last_stamp(&self) -> u64 {
        self.counts().last_stamp
    }
}

/// Messages that wait, read in order and once.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// What follows the last stamped one, without their signatures.
    messages: VecDeque<(Position, Unstamped)>,
    /// The last place that was read.
    end: Option<Position>,
    /// What there is up to this number is known, also what is lost.
    known: u64,
}

impl Ahead {
    /// Reads on until so many are known, or there are no more.
    fn fill(&mut self, inner: &Inner, count: usize) -> Result<(), Error> {
        let stamped_until = inner.stamping.now().stamped_until;
        while let Some((_, first)) = self.messages.front()
            && first.ordinal <= stamped_until
        {
            self.messages.pop_front();
        }
        if self.messages.len() >= count {
            return Ok(());
        }
        // Before the scan begins: it goes at least so far.
        let last = inner.log.last_ordinal();
        let scan = match self.end {
            Some(end) => inner.log.scan_from(end)?,
            None => inner.scan_after(stamped_until)?,
        };
        self.known = self.known.max(stamped_until);
        let mut lost = Vec::new();
        let read = self.read(inner, scan, count, last, &mut lost);
        self.tell(inner, &lost)?;
        read
    }

    fn read(
        &mut self,
        inner: &Inner,
        scan: Scan,
        count: usize,
        last: u64,
        lost: &mut Vec<RangeInclusive<u64>>,
    ) -> Result<(), Error> {
        for item in scan {
            match item {
                Ok((position, _)) if position.ordinal <= self.known => self.end = Some(position),
                Ok((position, bytes)) => {
                    let message = match signed(&bytes, inner.bodies.protection()) {
                        Ok(signed) => signed.map(|signed| Unstamped::of(position.ordinal, &signed)),
                        Err(error @ Error::Malformed { .. }) => {
                            let ordinal = position.ordinal;
                            tracing::error!(%error, ordinal, "a record cannot be time-stamped");
                            None
                        }
                        Err(error) => return Err(error),
                    };
                    self.messages
                        .extend(message.map(|message| (position, message)));
                    self.pass(position, lost);
                    if self.messages.len() >= count {
                        return Ok(());
                    }
                }
                Err(gateway_store::Error::Erased { position, .. }) => self.pass(position, lost),
                Err(gateway_store::Error::Damaged(damage)) => {
                    if damage.ordinal.is_none_or(|ordinal| ordinal > self.known) {
                        tracing::error!(%damage, "a damaged record cannot be time-stamped");
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.miss(last, lost);
        Ok(())
    }

    /// The next record that is there. What should stand before it and was not told is lost.
    fn pass(&mut self, position: Position, lost: &mut Vec<RangeInclusive<u64>>) {
        self.miss(position.ordinal.saturating_sub(1), lost);
        self.known = self.known.max(position.ordinal);
        self.end = Some(position);
    }

    /// There is nothing more up to this number.
    fn miss(&mut self, last: u64, lost: &mut Vec<RangeInclusive<u64>>) {
        if last > self.known {
            lost.push(self.known.saturating_add(1)..=last);
            self.known = last;
        }
    }

    /// Lost messages wait for nothing, or they would for ever.
    fn tell(&self, inner: &Inner, lost: &[RangeInclusive<u64>]) -> Result<(), Error> {
        let mut messages = 0_u64;
        for stretch in lost {
            messages = messages.saturating_add(inner.index.messages_in(stretch)?);
        }
        let first = self.messages.front().map(|(_, message)| Oldest {
            ordinal: message.ordinal,
            time: message.time,
        });
        inner.stamping.lost(messages, first);
        Ok(())
    }
}

impl Unstamped {
    fn of(ordinal: u64, signed: &Signed) -> Self {
        Self {
            ordinal,
            time: signed.time,
            digest: Digest::of(DIGEST, &signed.signature),
            signature: None,
        }
    }
}

impl Inner {
    async fn append_stamp(self: Arc<Self>, stamp: Stamp) -> Result<Position, Error> {
        // One after the other: each must continue the one before.
        let _one = self.stamping_turn.lock().await;
        let inner = Arc::clone(&self);
        let prepared = tokio::task::spawn_blocking(move || inner.prepare_stamp(&stamp));
        let Prepared {
            bytes,
            until,
            messages,
            next,
        } = prepared.await.map_err(|_| Error::Interrupted)??;
        let state = Arc::clone(&self.stamping);
        let told = move |position: Position| {
            state.stamped(position.ordinal, until, messages, next);
        };
        Ok(self.log.append_told(bytes, told).await?)
    }

    /// Checks that a stamp continues the last one.
    fn prepare_stamp(&self, stamp: &Stamp) -> Result<Prepared, Error> {
        self.wait_until_complete()?;
        let out_of_order = |reason: &str| Error::StampOutOfOrder {
            reason: reason.to_owned(),
        };
        let Some(last) = stamp.covers.last() else {
            return Err(out_of_order("it covers nothing"));
        };
        if stamp.single != (stamp.covers.len() == 1) {
            return Err(out_of_order(
                "a single one covers one message, a batch more",
            ));
        }
        if stamp.algorithm != DIGEST {
            return Err(out_of_order("the digests are not SHA-512"));
        }
        // Before reading: what comes later is told by the committer.
        self.stamping.watch(last.ordinal);
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.fill(self, stamp.covers.len().saturating_add(1))?;
        let mut waiting = ahead.messages.iter().map(|(_, message)| message);
        for covered in &stamp.covers {
            match waiting.next() {
                None => return Err(out_of_order("it covers more than there is")),
                Some(message) if message.ordinal != covered.ordinal => {
                    return Err(Error::StampOutOfOrder {
                        reason: format!(
                            "message {} is next, not {}",
                            message.ordinal, covered.ordinal
                        ),
                    });
                }
                Some(message) if message.digest != covered.digest => {
                    return Err(Error::StampOutOfOrder {
                        reason: format!("message {} has another digest", covered.ordinal),
                    });
                }
                Some(_) => {}
            }
        }
        Ok(Prepared {
            bytes: self.stored(encode_stamp(stamp))?,
            until: last.ordinal,
            messages: u64::try_from(stamp.covers.len()).unwrap_or(u64::MAX),
            next: waiting.next().map(|message| Oldest {
                ordinal: message.ordinal,
                time: message.time,
            }),
        })
    }

    fn unstamped(&self, records_max: usize) -> Result<Vec<Unstamped>, Error> {
        self.wait_until_complete()?;
        let (position, mut found) = {
            let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
            ahead.fill(self, records_max)?;
            let found = ahead.messages.iter().take(records_max);
            let found: Vec<_> = found.map(|(_, message)| message.clone()).collect();
            (ahead.messages.front().map(|(position, _)| *position), found)
        };
        if let ([only], Some(position)) = (found.as_mut_slice(), position) {
            let bytes = self.log.read(position)?;
            let signed = signed(&bytes, self.bodies.protection())?;
            only.signature = signed.map(|signed| signed.signature);
        }
        Ok(found)
    }

    fn stamp_of(&self, ordinal: u64) -> Result<Option<Stamp>, Error> {
        self.wait_until_complete()?;
        // Says so when there is no such entry, or it was erased.
        self.place_of(ordinal)?;
        if ordinal > self.stamping.now().stamped_until {
            return Ok(None);
        }
        let covers = |stamp: &Stamp| {
            let covers = &stamp.covers;
            let found = covers.binary_search_by_key(&ordinal, |covered| covered.ordinal);
            found.is_ok()
        };
        {
            let last = self.last_stamp.lock();
            let last = last.unwrap_or_else(PoisonError::into_inner);
            if let Some(stamp) = last.as_ref().filter(|stamp| covers(stamp)) {
                return Ok(Some(stamp.clone()));
            }
        }
        let last_stamp = self.stamping.last_stamp();
        let Some(position) = self.index.stamp_over(ordinal, last_stamp)? else {
            return Ok(None);
        };
        match decode(&self.log.read(position)?, &self.bodies)? {
            Entry::Stamp(stamp) if covers(&stamp) => {
                let last = self.last_stamp.lock();
                *last.unwrap_or_else(PoisonError::into_inner) = Some(stamp.clone());
                Ok(Some(stamp))
            }
            Entry::Stamp(_) | Entry::Message(_) | Entry::Refusal(_) => Ok(None),
        }
    }

    /// Waits until the index has told what was there before.
    pub(crate) fn wait_until_complete(&self) -> Result<(), Error> {
        match self.stamping.is_complete() {
            true => Ok(()),
            false => self.index.flush(self.log.last_ordinal()),
        }
    }
}

/// A stamp that continues the last one.
struct Prepared {
    bytes: Bytes,
    /// The last message it covers.
    until: u64,
    messages: u64,
    /// The message after those it covers, if there is one already.
    next: Option<Oldest>,
}

/// The algorithm of digests under a time stamp.
const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha512;

#[cfg(test)]
mod tests;
