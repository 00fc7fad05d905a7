//! What is kept of the feed: its lines by number, and the chain hash behind the last one.
//!
//! `feed.redb` in the folder belongs to one process. Lines are durable in order; a crash loses at
//! most the last few, which the registry gives again. The chain hash is computed anew when they are
//! read: a line that was changed or removed is noticed. Whoever can rewrite the whole file can make
//! the node believe an older feed until the next page, which then does not follow.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gateway_policy::feed::{self, State};
use gateway_store::tree::{Options, Store, Tree};
use tokio::sync::mpsc;

use super::{Held, KEPT};
use crate::causes::with_causes;

/// The file.
#[derive(Debug)]
pub(super) struct Kept {
    store: Store,
}

/// A line of the feed.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: Vec<u8>,
}

/// Lines that came together, and the chain hash behind them.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) hash: [u8; 32],
}

/// Why it cannot be read or written.
#[derive(Debug)]
pub(super) enum Error {
    Store(gateway_store::Error),
    /// A line is none, or not the next one.
    Line {
        number: u64,
        error: feed::Error,
    },
    /// The lines do not have the chain hash that was kept with them.
    Chain,
}

impl Kept {
    /// Opens or makes the file in this folder.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        gateway_store::file::create_dir(folder)?;
        let options = Options {
            cache_bytes_max: CACHE_BYTES_MAX,
            ..Options::default()
        };
        let store = Store::open_with(&folder.join("feed.redb"), options)?;
        Ok(Self { store })
    }

    /// All that was kept. When the registry last spoke is not known.
    pub(super) fn read(&self) -> Result<State, Error> {
        self.store.try_read(|tx| {
            let mut state = State::new();
            for pair in tx.iter(LINES)? {
                let (_, line) = pair?;
                let number = state.number().saturating_add(1);
                state
                    .replay_unchecked(&line)
                    .map_err(|error| Error::Line { number, error })?;
            }
            let expected = tx.get(META, HEAD)?;
            let found = head(state.number(), state.hash());
            match expected.unwrap_or_else(|| head(0, State::new().hash())) == found {
                true => Ok(state),
                false => Err(Error::Chain),
            }
        })
    }

    /// Adds lines; durable when it returns `Ok`. The same lines again change nothing.
    fn write(&self, news: &[Lines]) -> Result<(), Error> {
        self.store.try_write(|tx| {
            for lines in news {
                for line in &lines.lines {
                    tx.put(LINES, line.number.to_be_bytes(), &line.text)?;
                }
                if let Some(last) = lines.lines.last() {
                    tx.put(META, HEAD, head(last.number, &lines.hash))?;
                }
            }
            Ok(())
        })
    }
}

/// Keeps lines as they come, until nobody has more. What could not be written is tried again.
pub(super) async fn keep(
    kept: Arc<Kept>,
    mut news: mpsc::UnboundedReceiver<Lines>,
    held: Arc<Held>,
) {
    let mut waiting: Vec<Lines> = Vec::new();
    while let Some(lines) = news.recv().await {
        waiting.push(lines);
        loop {
            while let Ok(more) = news.try_recv() {
                waiting.push(more);
            }
            let kept = Arc::clone(&kept);
            let wrote = tokio::task::spawn_blocking(move || {
                let result = kept.write(&waiting);
                (waiting, result)
            });
            let problem = match wrote.await {
                Ok((_, Ok(()))) => None,
                Ok((left, Err(error))) => Some((left, with_causes(&error))),
                // Only when the process ends.
                Err(_) => return,
            };
            let Some((left, reason)) = problem else {
                held.tell(KEPT, None);
                waiting = Vec::new();
                break;
            };
            waiting = left;
            let problem = format!("news of the feed is obeyed, but cannot be kept: {reason}");
            if held.tell(KEPT, Some(problem.clone())) {
                tracing::error!("{problem}");
            }
            if news.is_closed() {
                return;
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

fn head(number: u64, hash: &[u8; 32]) -> Vec<u8> {
    [&number.to_be_bytes()[..], hash].concat()
}

impl From<gateway_store::Error> for Error {
    fn from(error: gateway_store::Error) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Line { number, .. } => write!(f, "entry {number} is not what was kept"),
            Self::Chain => f.write_str("its entries do not have the chain hash that was kept"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => std::error::Error::source(error),
            Self::Line { error, .. } => Some(error),
            Self::Chain => None,
        }
    }
}

pub(super) const LINES: Tree = Tree::new("lines");
const META: Tree = Tree::new("meta");
const HEAD: &str = "head";
const CACHE_BYTES_MAX: usize = 4 << 20;
const RETRY: Duration = Duration::from_secs(1);
