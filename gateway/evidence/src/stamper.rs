//! Time stamps over what was logged: asked for in batches, away from the path.
//!
//! A stamp covers the oldest messages without one, in order. It is asked of all approved authorities
//! of the own instance in the order of the configuration, until one gives a token that holds; only
//! then it is logged. One that failed lately is asked after the others, or each batch of a backlog
//! would wait for it; one whose clock is far ahead counts only when no other does better. Nothing here
//! stops an exchange: how long messages may wait is the path's policy, and it reads the waiting from
//! the log itself, so a restart forgives nothing.

mod ask;
mod error;
mod state;
#[cfg(test)]
mod tests;
mod wanted;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use certs_x509::timestamp::Token;
use gateway_globalconf::{Snapshot, Timestamper};
use gateway_messagelog::{MessageLog, Stamp};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

pub use ask::{Ask, AskError};
pub use error::{Error, Reason, Tried};
pub use state::{AuthorityState, Failure, State};

use state::Known;
use wanted::{ALGORITHM, Wanted};

/// How stamping behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many messages one time stamp covers at most.
    pub records_max: usize,
    /// How far an authority's time may be from ours before it is remarked, and how much older than
    /// the messages it covers a time stamp may be before it is refused.
    pub skew_max: Duration,
    /// For how long an authority that failed is asked after all others.
    pub avoided: Duration,
}

/// Stamps one log. Rounds are made one after the other, by one task.
pub struct Stamper<A> {
    log: MessageLog,
    ask: A,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    options: Options,
    known: Mutex<Known>,
    wake: Notify,
    rounds: watch::Sender<Rounds>,
}

/// What a round did.
#[derive(Debug)]
pub enum Outcome {
    /// No message was waiting.
    Nothing,
    /// Messages were stamped.
    Stamped {
        /// How many.
        records: usize,
        /// More are waiting than one stamp covers: go on at once.
        more: bool,
    },
    /// Messages go on waiting.
    Failed(Arc<Error>),
}

/// Rounds begun, and how the last one ended.
#[derive(Debug, Default)]
struct Rounds {
    begun: u64,
    ended: Option<(u64, End)>,
    closed: bool,
}

/// How a round ended.
#[derive(Clone, Debug)]
enum End {
    Nothing,
    Stamped,
    Failed(Arc<Error>),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            records_max: 10_000,
            skew_max: Duration::from_secs(300),
            avoided: Duration::from_secs(600),
        }
    }
}

impl<A: Ask> Stamper<A> {
    /// A stamper that has not asked anybody yet.
    pub fn new(
        log: MessageLog,
        ask: A,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        options: Options,
    ) -> Self {
        Self {
            log,
            ask,
            clock,
            options,
            known: Mutex::default(),
            wake: Notify::new(),
            rounds: watch::Sender::default(),
        }
    }

    /// Makes one round: one stamp over the oldest waiting messages. `None` stands for a global
    /// configuration that is missing or out of date: nobody is approved then.
    ///
    /// Dropping the future gives the round up; a stamp that is being logged is logged all the same.
    pub async fn once(&self, conf: Option<&Snapshot>) -> Outcome {
        let number = self.begin();
        let outcome = match self.round(conf).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(Arc::new(error)),
        };
        self.end(number, &outcome);
        outcome
    }

    /// Resolves when somebody does not want to wait for the next round.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Wakes the stamper and waits until this place of the log is covered.
    ///
    /// # Errors
    /// A round that began after this call failed, or no more are made.
    pub async fn force(&self, ordinal: u64) -> Result<(), Arc<Error>> {
        let mut rounds = self.rounds.subscribe();
        let begun_before = rounds.borrow().begun;
        loop {
            if self.log.stamping().stamped_until >= ordinal {
                return Ok(());
            }
            let (closed, ended) = {
                let seen = rounds.borrow_and_update();
                (seen.closed, seen.ended.clone())
            };
            match ended.filter(|(number, _)| *number > begun_before) {
                Some((_, End::Failed(error))) => return Err(error),
                Some((_, End::Nothing)) => return Ok(()),
                Some((_, End::Stamped)) | None if closed => return Err(Error::Interrupted.into()),
                Some((_, End::Stamped)) | None => self.wake.notify_one(),
            }
            // The sender is ours, so it is there.
            let _closed = rounds.changed().await;
        }
    }

    /// No more rounds are made: nobody waits for one in vain.
    pub fn close(&self) {
        self.rounds.send_modify(|rounds| rounds.closed = true);
    }

    /// How stamping is doing.
    pub fn state(&self) -> State {
        let stamping = self.log.stamping();
        self.known().state(&stamping)
    }

    async fn round(&self, conf: Option<&Snapshot>) -> Result<Outcome, Error> {
        let waiting = self.log.unstamped(self.options.records_max.max(1)).await;
        let waiting = waiting.map_err(Error::Log)?;
        let records = waiting.len();
        if records == 0 {
            return Ok(Outcome::Nothing);
        }
        let conf = conf.ok_or(Error::NoConfiguration)?;
        if conf.timestampers().is_empty() {
            return Err(Error::NoAuthority);
        }
        // Thousands of digests at once: away from the path.
        let gathering = tokio::task::spawn_blocking(move || Wanted::over(&waiting));
        let wanted = gathering.await.map_err(|_| Error::Interrupted)??;
        let (url, token) = self.ask_all(conf, &wanted).await?;
        let stamp = Stamp {
            time: (self.clock)(),
            authority: url,
            token: Bytes::copy_from_slice(token.der()),
            algorithm: ALGORITHM,
            single: wanted.single,
            covers: wanted.covers,
        };
        self.log.append_stamp(stamp).await.map_err(Error::Log)?;
        Ok(Outcome::Stamped {
            records,
            more: records >= self.options.records_max,
        })
    }

    /// Asks one after the other; the first token that holds is taken. One with a time far ahead is
    /// put by: verifiers judge by that time, and may find the signature too old.
    async fn ask_all(&self, conf: &Snapshot, wanted: &Wanted) -> Result<(String, Token), Error> {
        let approved = conf.timestamper_certificates();
        let mut ahead: Option<(String, Token, SignedDuration)> = None;
        let mut tried = Vec::new();
        for authority in self.in_turn(conf.timestampers()) {
            let answer = self.ask.ask(&authority.url, wanted.query.clone()).await;
            let now = (self.clock)();
            let token = answer
                .map_err(Reason::Ask)
                .and_then(|answer| wanted.token(&answer, &approved))
                .and_then(|token| wanted.in_time(token, self.options.skew_max, now));
            match token {
                Ok(token) => {
                    let url = authority.url.clone();
                    let offset = self.remark_clock(&url, token.gen_time(), now);
                    self.known().succeeded(authority, now);
                    let is_ahead = offset.is_positive() && self.is_far(offset);
                    if !is_ahead {
                        self.known().clock_offset = Some(offset);
                        return Ok((url, token));
                    }
                    if ahead.as_ref().is_none_or(|(_, _, least)| offset < *least) {
                        ahead = Some((url, token, offset));
                    }
                }
                Err(reason) => {
                    let url = &authority.url;
                    tracing::warn!(url, code = reason.code(), "no time stamp: {reason}");
                    self.known().failed(authority, &reason, now);
                    tried.push(Tried {
                        name: authority.name.clone(),
                        url: authority.url.clone(),
                        reason,
                    });
                }
            }
        }
        let (url, token, offset) = ahead.ok_or(Error::AllFailed { tried })?;
        self.known().clock_offset = Some(offset);
        Ok((url, token))
    }

    /// Who is asked, and in which order.
    fn in_turn<'t>(&self, configured: &'t [Timestamper]) -> Vec<&'t Timestamper> {
        let now = (self.clock)();
        let mut known = self.known();
        known.follow(configured);
        let mut in_turn: Vec<_> = configured.iter().collect();
        in_turn.sort_by_key(|one| known.failed_within(one, self.options.avoided, now));
        in_turn
    }

    /// An authority's time counts, whatever ours is; but somebody should look.
    fn remark_clock(&self, url: &str, gen_time: Timestamp, now: Timestamp) -> SignedDuration {
        let offset = gen_time.duration_since(now);
        if self.is_far(offset) {
            let seconds = offset.as_secs();
            tracing::warn!(
                url,
                seconds,
                "the authority's clock is far from ours; one is wrong"
            );
        }
        offset
    }

    fn is_far(&self, offset: SignedDuration) -> bool {
        offset.unsigned_abs() > self.options.skew_max
    }

    fn begin(&self) -> u64 {
        let mut number = 0;
        self.rounds.send_modify(|rounds| {
            rounds.begun = rounds.begun.saturating_add(1);
            number = rounds.begun;
        });
        number
    }

    fn end(&self, number: u64, outcome: &Outcome) {
        let now = (self.clock)();
        let end = match outcome {
            Outcome::Nothing => End::Nothing,
            Outcome::Stamped { .. } => End::Stamped,
            Outcome::Failed(error) => End::Failed(Arc::clone(error)),
        };
        self.known().ended(&end, now);
        self.rounds
            .send_modify(|rounds| rounds.ended = Some((number, end)));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked with it left at worst an old remark.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A> fmt::Debug for Stamper<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamper")
            .field("log", &self.log)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
