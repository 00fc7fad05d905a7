//! The access journal of a node: who asked about whom and why, found by person under keyed hashes;
//! and what limits of rules and consents have been used up.
//!
//! It is derived from the message log: a task of the node reads new records and applies them here in
//! batches ([`Journal::apply`]), so after a crash it goes on where it stopped. It knows no sockets,
//! no clock and no log. Its calls block: off an executor's threads, but for [`Journal::mark`] and
//! [`Journal::reserve`], which only look.
//!
//! What was applied is durable when the call returns. Whom an entry is about never stands in
//! the file: a person is found under HMAC-SHA-256 with keys of the node; when they rotate, old keys stay
//! as long as entries under them do. User, case and the reason of an emergency stand there as they were
//! sent. Who can read the file and the keys can test guesses; who can change the file can hide or invent
//! entries, and the log tells.
//!
//! | module | subject |
//! |---|---|
//! | `keys` | [`Keys`], [`PersonMark`]: the keyed hashes |
//! | `quota` | [`Journal::reserve`]: what has been used up |
//! | `event` | [`Event`], [`Usage`]: what the log says, and what is told of it |
//! | `apply` | [`Journal::apply`]: taking in what the log says |
//! | `bulk` | [`Journal::fill`]: a generated journal, in the order of keys |
//! | `find` | [`Journal::find`]: a person's uses, in pages |
//! | `notices` | [`Journal::notices`]: break-glass uses the supervisor must hear of |
//! | `retention` | erasing entries, forgetting uses, keys that may go |
//! | `coding`, `names` | entries as octets, and their dictionary |
//! | `trees` | what stands in the file |

mod apply;
mod bulk;
mod coding;
mod error;
mod event;
mod find;
mod keys;
mod names;
mod notices;
mod quota;
mod retention;
mod trees;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use gateway_policy::person::PersonKey;
use gateway_store::tree::{Options, Store};

pub use error::Error;
pub use event::{Answered, Asked, Disclosure, Event, Exchange, Ground, Outcome, Usage};
pub use find::{COUNT_MAX, Cursor, NoCursor, Page, Query};
pub use keys::{Keys, PersonMark};
pub use notices::Counts;
pub use quota::{Exceeded, Reservation};

/// The journal; handles are cheap to clone and share it.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    /// Replaced as a whole when keys rotate.
    keys: RwLock<Arc<Keys>>,
    uses: quota::Uses,
    /// What is written is worked out from what was read: one writes at a time.
    writing: Mutex<()>,
}

impl Journal {
    /// Opens or creates the journal in this file, which one process owns.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open(path: &Path, keys: Keys) -> Result<Self, Error> {
        let options = Options {
            cache_bytes_max: CACHE_BYTES_MAX,
            repairs_quickly: true,
            ..Options::default()
        };
        let store = Store::open_with(path, options)?;
        let applied = store.try_read(|tx| trees::meta(tx, trees::APPLIED))?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                keys: RwLock::new(Arc::new(keys)),
                uses: quota::Uses::new(applied),
                writing: Mutex::new(()),
            }),
        })
    }

    /// A person under the current key.
    #[must_use]
    pub fn mark(&self, person: &PersonKey) -> PersonMark {
        self.inner.keys().mark(person)
    }

    /// From now on these keys: with a new current one, or without one that nothing is under.
    pub fn set_keys(&self, keys: Keys) {
        let mut held = self
            .inner
            .keys
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(keys);
    }
}

impl Inner {
    fn keys(&self) -> Arc<Keys> {
        let held = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&held)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pages of a busy node's persons are all over the file.
const CACHE_BYTES_MAX: usize = 64 << 20;
