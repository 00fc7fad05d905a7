//! Background task: the signed feed of the registry, followed, verified, kept.
//!
//! Each address of the feed is asked for itself, and asked again as soon as it answers: what one
//! brings first counts, so an address that has gone silent delays nothing. News is in force before it
//! is kept: a full disk must not keep a revocation from being obeyed. A page that does not follow what
//! is held is refused and stays refused; nothing here ever starts over by itself.
//!
//! * `kept`: the lines on disk
//! * `source`: where the feed is, what is shown there and by which key it is signed, as the rules say

mod kept;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gateway_exchange::Node;
use gateway_exchange::conf::RulesState;
use gateway_net::Client;
use gateway_policy::feed::{self, PAGE_BYTES_MAX, Page, State};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::kept::{Kept, Line, Lines};
use self::source::Source;
use crate::causes::with_causes;
use crate::service::Stop;
use crate::{clock, fetch};

/// What is wrong now, by address; for the health face.
pub(super) type Standing = Arc<ArcSwap<BTreeMap<String, String>>>;

/// Follows the feed.
#[derive(Debug)]
pub(super) struct Feed {
    folder: PathBuf,
    held: Arc<Held>,
    client: Client,
}

/// What all followers share.
#[derive(Debug)]
struct Held {
    node: Arc<Node>,
    standing: Standing,
}

/// Follows one address.
#[derive(Debug)]
struct Follower {
    held: Arc<Held>,
    source: Arc<Source>,
    url: String,
    client: Client,
    /// To whoever keeps lines.
    keep: mpsc::UnboundedSender<Lines>,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It brought something, or there is more; or another address was faster.
    Moved,
    /// It says that there is nothing new.
    Nothing,
}

/// Why an address brought nothing.
#[derive(Debug)]
enum Trouble {
    Fetch(fetch::Error),
    Status(u16),
    /// It says that its feed ends before what is held.
    Behind,
    Page(feed::Error),
    /// The task that verifies was ended.
    Ended,
}

impl Feed {
    /// Nothing is read or asked yet. The client presents what the registry knows this node by.
    pub(super) fn new(data_dir: &Path, node: Arc<Node>, client: Client) -> Self {
        Self {
            folder: data_dir.join("feed"),
            held: Arc::new(Held {
                node,
                standing: Standing::default(),
            }),
            client,
        }
    }

    /// For those who want to see how it goes.
    pub(super) fn standing(&self) -> Standing {
        Arc::clone(&self.held.standing)
    }

    /// Takes up what was kept, then follows the feed of the rules in force until told to stop. When
    /// what was kept cannot be read nothing is followed: what rests on the feed stays closed.
    pub(super) async fn run(self, mut changed: watch::Receiver<u64>, stop: Stop) {
        let Some(kept) = self.restore().await else {
            stop.wait().await;
            return;
        };
        let (keep, lines) = mpsc::unbounded_channel();
        let mut keeping = JoinSet::new();
        keeping.spawn(kept::keep(kept, lines, Arc::clone(&self.held)));
        let mut followers = JoinSet::new();
        let mut followed: Option<Arc<Source>> = None;
        let mut forgetting = tokio::time::interval(FORGET_INTERVAL);
        loop {
            let source = self.source();
            if source.as_deref() != followed.as_deref() {
                // Dropping the set ends its tasks.
                followers = self.follow(source.as_ref(), &keep);
                followed = source;
            }
            tokio::select! {
                () = stop.clone().wait() => break,
                told = changed.changed() => if told.is_err() {
                    stop.clone().wait().await;
                    break;
                },
                _ = forgetting.tick() => {
                    let now = self.held.node.clock.now();
                    self.held.write().forget_ended(now);
                }
            }
        }
        followers.shutdown().await;
        drop(keep);
        // What was obeyed is kept before the process ends.
        keeping.join_next().await;
    }

    /// What was kept is in force again, but for the time: that must be heard anew.
    async fn restore(&self) -> Option<Arc<Kept>> {
        let folder = self.folder.clone();
        let restored = tokio::task::spawn_blocking(move || {
            let kept = Kept::open(&folder)?;
            let state = kept.read()?;
            Ok::<_, kept::Error>((kept, state))
        });
        let problem = match restored.await {
            Ok(Ok((kept, mut state))) => {
                state.forget_ended(self.held.node.clock.now());
                *self.held.write() = state;
                return Some(Arc::new(kept));
            }
            Ok(Err(error)) => with_causes(&error),
            Err(error) => error.to_string(),
        };
        let problem = format!(
            "what was kept of the feed cannot be read: {problem}; the feed is not followed: bring {} \
             back from a backup, or remove it while the node is stopped to hear everything anew",
            self.folder.display()
        );
        tracing::error!("{problem}");
        self.held.tell(KEPT, Some(problem));
        None
    }

    /// Where the feed of the rules in force is.
    fn source(&self) -> Option<Arc<Source>> {
        let conf = self.held.node.conf.load();
        let rules = match &conf.as_ref()?.rules {
            RulesState::InForce(rules) => rules,
            RulesState::Absent | RulesState::Refused(_) => return None,
        };
        match Source::of(rules)? {
            Ok(source) => Some(Arc::new(source)),
            Err(error) => {
                let problem = format!("the key of the feed cannot be used: {error}");
                if self.held.tell(KEY, Some(problem.clone())) {
                    tracing::error!("{problem}");
                }
                None
            }
        }
    }

    /// A follower for each address.
    fn follow(
        &self,
        source: Option<&Arc<Source>>,
        keep: &mpsc::UnboundedSender<Lines>,
    ) -> JoinSet<()> {
        self.held.forget_addresses(source.is_some());
        let mut followers = JoinSet::new();
        let Some(source) = source else {
            return followers;
        };
        for url in &source.urls {
            let follower = Follower {
                held: Arc::clone(&self.held),
                source: Arc::clone(source),
                url: url.clone(),
                client: self.client.clone(),
                keep: keep.clone(),
            };
            followers.spawn(follower.run());
        }
        followers
    }
}

impl Follower {
    /// Asks again and again.
    async fn run(self) {
        let mut failures: u32 = 0;
        // The first answer, and the first after a failure, must not be held back.
        let mut is_heard = false;
        loop {
            let asked_at = clock::instant();
            let asked = self.once(is_heard).await;
            let was_heard = std::mem::replace(&mut is_heard, asked.is_ok());
            let pause = match asked {
                Ok(taken) => {
                    failures = 0;
                    if self.held.tell(&self.url, None) {
                        tracing::info!(url = self.url, "the feed is followed again");
                    }
                    match taken {
                        // Whoever answers sooner than asked for is not asked without end.
                        Taken::Nothing if was_heard => PACE.saturating_sub(asked_at.elapsed()),
                        Taken::Moved | Taken::Nothing => Duration::ZERO,
                    }
                }
                Err(trouble) => {
                    self.report(&trouble);
                    failures = failures.saturating_add(1);
                    backoff(failures)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks for what follows what is held, and takes it.
    async fn once(&self, may_wait: bool) -> Result<Taken, Trouble> {
        let after = self.held.read().number();
        let url = self.source.question(&self.url, after, may_wait);
        let trust = self.source.trust();
        let asked = fetch::get_within(
            &self.client,
            &url,
            PAGE_BYTES_MAX,
            &trust,
            self.source.answer_timeout(),
        );
        let (status, bytes) = asked.await.map_err(Trouble::Fetch)?;
        match status {
            200 => {}
            409 => return Err(Trouble::Behind),
            status => return Err(Trouble::Status(status)),
        }
        let page = self.verified(bytes).await?;
        self.take(after, &page)
    }

    async fn verified(&self, bytes: Bytes) -> Result<Page, Trouble> {
        let now = self.held.node.clock.now();
        if bytes.len() <= SMALL_BYTES_MAX {
            let source = &self.source;
            return Page::verify(&bytes, &source.key, &source.instance, now).map_err(Trouble::Page);
        }
        let source = Arc::clone(&self.source);
        let verified = tokio::task::spawn_blocking(move || {
            Page::verify(&bytes, &source.key, &source.instance, now)
        });
        verified
            .await
            .map_err(|_ended| Trouble::Ended)?
            .map_err(Trouble::Page)
    }

    /// Puts a page in force, if it is still the next one, and has it kept.
    fn take(&self, after: u64, page: &Page) -> Result<Taken, Trouble> {
        let mut feed = self.held.write();
        if feed.number() != after {
            return Ok(Taken::Moved);
        }
        feed.apply(page).map_err(Trouble::Page)?;
        if page.entries().is_empty() {
            return Ok(Taken::Nothing);
        }
        let lines = page.entries().iter().map(|(entry, line)| Line {
            number: entry.number,
            text: line.clone(),
        });
        // Under the lock, so that lines come in order. Who keeps them ends last.
        let _gone = self.keep.send(Lines {
            lines: lines.collect(),
            hash: *feed.hash(),
        });
        Ok(Taken::Moved)
    }

    /// Tells the operator, once for each change.
    fn report(&self, trouble: &Trouble) {
        let problem = trouble.text();
        if !self.held.tell(&self.url, Some(problem.clone())) {
            return;
        }
        let url = &self.url;
        match trouble {
            Trouble::Behind | Trouble::Page(feed::Error::Chain) => {
                let number = self.held.read().number();
                tracing::error!(
                    url,
                    "the feed does not go on where this node stands: {problem}. It holds entries up to \
                     {number} and goes on with them; consent-based exchanges close when they are too \
                     old. If this address lags behind, it recovers by itself. Otherwise ask the \
                     registry whether its feed was changed or brought back from a backup; only if \
                     that was meant, stop the node, remove the folder `feed` from its data folder, \
                     and start it again"
                );
            }
            Trouble::Page(_) => tracing::error!(url, "a page of the feed was refused: {problem}"),
            Trouble::Fetch(_) | Trouble::Status(_) | Trouble::Ended => {
                tracing::warn!(url, "the feed does not answer: {problem}");
            }
        }
    }
}

impl Held {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A state is replaced or applied whole; a panic elsewhere leaves it as it was.
        let feed = self.node.feed.read();
        feed.unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        let feed = self.node.feed.write();
        feed.unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is wrong with an address, or that nothing is; whether that is new.
    fn tell(&self, url: &str, problem: Option<String>) -> bool {
        if self.standing.load().get(url) == problem.as_ref() {
            return false;
        }
        self.standing.rcu(|held| {
            let mut held = BTreeMap::clone(held);
            match &problem {
                Some(problem) => held.insert(url.to_owned(), problem.clone()),
                None => held.remove(url),
            };
            held
        });
        true
    }

    /// Other rules name other addresses, and perhaps a key that can be used.
    fn forget_addresses(&self, has_key: bool) {
        self.standing.rcu(|held| {
            let mut held = BTreeMap::clone(held);
            held.retain(|url, _| url == KEPT || url == KEY && !has_key);
            held
        });
    }
}

impl Trouble {
    /// The same for the same trouble, so that it is told once.
    fn text(&self) -> String {
        match self {
            Self::Fetch(error) => with_causes(error),
            Self::Status(status) => format!("HTTP status {status}"),
            Self::Behind => "it ends before what is held of it".to_owned(),
            Self::Page(feed::Error::Future { .. }) => {
                "it says it was signed in the future: are the clocks of registry and node right?"
                    .to_owned()
            }
            Self::Page(error) => with_causes(error),
            Self::Ended => "the node is ending".to_owned(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for Trouble {}

/// A quarter of a second, then twice as long each time.
fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(8);
    FIRST_PAUSE
        .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
        .min(PAUSE_MAX)
}

const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Revocations must be heard within five seconds of an address being there again.
const PAUSE_MAX: Duration = Duration::from_secs(2);
const PACE: Duration = Duration::from_secs(1);
const FORGET_INTERVAL: Duration = Duration::from_secs(600);
/// Larger pages are verified off the executor's threads.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// Under which troubles are told that are of no address.
const KEPT: &str = "kept feed";
const KEY: &str = "key of the feed";

#[cfg(test)]
mod tests;
