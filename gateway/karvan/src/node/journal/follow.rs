//! Background task: the journal follows the log, and forgets what it kept long enough.
//!
//! Uses of limited rules and consents are counted from the journal, so it catches up before the node
//! listens. Afterwards it is never far behind; what has not come so far is counted in memory.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_exchange::Node;
use gateway_journal::{Event, Journal};
use gateway_messagelog::{Bookmark, Logged};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::events::event;
use super::keys::Ring;
use super::{Error, Opened};
use crate::causes::with_causes;
use crate::config::node as file;
use crate::service::Stop;

/// Keeps the journal up to date.
#[derive(Debug)]
pub(in crate::node) struct Following {
    node: Arc<Node>,
    keys: Option<Ring>,
    retention: SignedDuration,
    rotate: SignedDuration,
    /// Damage of the log is passed over.
    passes_damage: bool,
    /// The entries up to here were taken in.
    read_to: Bookmark,
    progress: Arc<Progress>,
}

/// How far the journal is, for others.
#[derive(Debug, Default)]
pub(in crate::node) struct Progress {
    /// Everything in the log up to this entry was taken in.
    reached: Arc<AtomicU64>,
    failure: Mutex<Option<String>>,
    /// Told when a break-glass use may have come.
    news: Notify,
}

impl Following {
    pub(in crate::node) fn new(
        values: &file::Node,
        node: Arc<Node>,
        opened: Opened,
    ) -> Result<Self, Error> {
        let days = |days: u32| SignedDuration::from_hours(i64::from(days).saturating_mul(24));
        let progress = Progress::default();
        let applied = opened.journal.applied().map_err(Error::Journal)?;
        let last = node.log.last_ordinal();
        if applied > last {
            // New entries would be taken for old ones.
            return Err(Error::OtherLog { applied, last });
        }
        progress.reached.store(applied, Ordering::Release);
        Ok(Self {
            node,
            keys: Some(opened.keys),
            retention: days(values.journal.retention_days),
            rotate: days(values.journal.rotate_days),
            passes_damage: values.log.on_damage == file::OnDamage::Continue,
            read_to: Bookmark::behind(applied),
            progress: Arc::new(progress),
        })
    }

    /// For those who want to see how far it is.
    pub(in crate::node) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Takes in all that is in the log now.
    pub(in crate::node) async fn catch_up(&mut self) -> Result<(), Error> {
        let until = self.node.log.last_ordinal();
        let first = self.progress.reached();
        if until.saturating_sub(first) > TELL_ENTRIES {
            tracing::info!("the journal takes in entries {first} to {until} of the log");
        }
        while self.progress.reached() < until {
            self.step(until).await?;
        }
        Ok(())
    }

    /// Follows until told to stop.
    pub(in crate::node) async fn run(mut self, mut stop: Stop) {
        let mut cleaned: Option<Timestamp> = None;
        let mut pause = PAUSE;
        loop {
            match self.catch_up().await {
                Ok(()) => {
                    self.progress.tell(None);
                    pause = PAUSE;
                }
                Err(error) => {
                    let reason = with_causes(&error);
                    if self.progress.tell(Some(reason.clone())) {
                        tracing::error!("the journal stands still: {reason}");
                    }
                    pause = pause.saturating_mul(2).min(PAUSE_MAX);
                }
            }
            let now = self.node.clock.now();
            let is_due = cleaned.is_none_or(|last| now.duration_since(last) >= CLEAN);
            if is_due {
                cleaned = Some(now);
                if let Err(error) = self.clean(now).await {
                    tracing::error!("the journal was not cleaned: {}", with_causes(&error));
                }
            }
            if !stop.sleep(pause).await {
                return;
            }
        }
    }

    /// Takes in one page.
    async fn step(&mut self, until: u64) -> Result<(), Error> {
        let page = self
            .node
            .log
            .messages_without_contents(self.read_to, until, PAGE)
            .await;
        let (page, reached) = match page {
            Ok(page) => page,
            Err(_) if self.passes_damage => return self.step_over().await,
            Err(error) => {
                // What it went on from may be what is gone.
                self.read_to = Bookmark::behind(self.read_to.ordinal());
                return Err(Error::Log(error));
            }
        };
        self.take(page, reached).await
    }

    /// One entry, or none when it cannot be read.
    async fn step_over(&mut self) -> Result<(), Error> {
        let next = self.read_to.ordinal().saturating_add(1);
        let page = self
            .node
            .log
            .messages_without_contents(self.read_to, next, 1)
            .await;
        let (page, reached) = page.unwrap_or_else(|error| {
            tracing::error!(
                entry = next,
                "not taken into the journal: {}",
                with_causes(&error)
            );
            (Vec::new(), Bookmark::behind(next))
        });
        self.take(page, reached).await
    }

    async fn take(&mut self, page: Vec<Logged>, reached: Bookmark) -> Result<(), Error> {
        let journal = self.node.journal.clone();
        let until = reached.ordinal();
        let applying = tokio::task::spawn_blocking(move || {
            let events: Vec<Event> = page.into_iter().filter_map(event).collect();
            journal.apply(&events, until)?;
            Ok(!events.is_empty())
        });
        let had_events = applying
            .await
            .map_err(|_| Error::Interrupted)?
            .map_err(Error::Journal)?;
        self.read_to = reached;
        self.progress.reached.store(until, Ordering::Release);
        if had_events {
            self.progress.news.notify_one();
        }
        Ok(())
    }

    /// Retention and rotation.
    async fn clean(&mut self, now: Timestamp) -> Result<(), Error> {
        let Some(mut keys) = self.keys.take() else {
            return Err(Error::Interrupted);
        };
        let (journal, retention, rotate) = (self.node.journal.clone(), self.retention, self.rotate);
        // What the journal has not come to may be under a key that nothing else is under.
        let may_forget = self.progress.failure().is_none();
        let cleaning = tokio::task::spawn_blocking(move || {
            let cleaned = clean(&journal, &mut keys, retention, rotate, may_forget, now);
            (keys, cleaned)
        });
        let (keys, cleaned) = cleaning.await.map_err(|_| Error::Interrupted)?;
        self.keys = Some(keys);
        cleaned
    }
}

fn clean(
    journal: &Journal,
    keys: &mut Ring,
    retention: SignedDuration,
    rotate: SignedDuration,
    may_forget: bool,
    now: Timestamp,
) -> Result<(), Error> {
    if let Ok(before) = now.checked_sub(retention) {
        while journal
            .erase_before(before, BATCH)
            .map_err(Error::Journal)?
            >= BATCH
        {}
    }
    while journal.prune_uses(now, BATCH).map_err(Error::Journal)? >= BATCH {}
    let mut changed = false;
    if keys.is_due(rotate, now) {
        keys.add(now)?;
        changed = true;
    }
    if may_forget {
        let unused = journal.unused_keys().map_err(Error::Journal)?;
        changed |= keys.remove(&unused, now)?;
    }
    if changed {
        journal.set_keys(keys.keys()?);
    }
    Ok(())
}

/// What an operator sees of the journal: how much is in it, whether it stands still, and whether the
/// supervisor does not hear of something.
pub(in crate::node) async fn remarks(node: &Node, progress: &Progress) -> String {
    let mut text = String::new();
    if let Some(failure) = progress.failure() {
        let behind = node.log.last_ordinal().saturating_sub(progress.reached());
        let _infallible = writeln!(
            text,
            "degraded: the journal is {behind} entries behind the log: {failure}"
        );
    }
    let journal = node.journal.clone();
    let counts = tokio::task::spawn_blocking(move || journal.counts()).await;
    let Ok(Ok(counts)) = counts else {
        text.push_str("degraded: the journal cannot be read: see the node's own log\n");
        return text;
    };
    if counts.entries > 0 || counts.vital_uses > 0 {
        let _infallible = writeln!(
            text,
            "journal: {} entries; break-glass uses so far: {}",
            counts.entries, counts.vital_uses
        );
    }
    if counts.notices > 0 {
        let _infallible = writeln!(
            text,
            "degraded: {} break-glass uses were not told to the supervisor yet",
            counts.notices
        );
    }
    text
}

impl Progress {
    /// Up to which entry the log was taken in.
    pub(in crate::node) fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// The same, for who looks often.
    pub(in crate::node) fn shared(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.reached)
    }

    /// Why it stands still, if it does.
    pub(in crate::node) fn failure(&self) -> Option<String> {
        let failure = self.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when there may be a break-glass use to tell of.
    pub(in crate::node) async fn news(&self) {
        self.news.notified().await;
    }

    /// Tells whether this is new.
    fn tell(&self, failure: Option<String>) -> bool {
        let mut told = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *told != failure;
        *told = failure;
        is_new
    }
}

/// How often the log is looked at: one load of a number.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while it cannot be followed.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Records are held with their bodies.
const PAGE: usize = 100;
const BATCH: usize = 1_000;
const CLEAN: SignedDuration = SignedDuration::from_hours(1);
const TELL_ENTRIES: u64 = 100_000;

#[cfg(test)]
mod tests;
