//! Break-glass uses: counted apart, and told to the supervisor until he has taken note.

use crate::coding::entry;
use crate::event::Usage;
use crate::names::Names;
use crate::trees::{COUNT, VITAL, VITAL_COUNT, last_number, meta, ordinal_key};
use crate::{Error, Journal};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries that are kept.
    pub entries: u64,
    /// Break-glass uses since the journal was begun.
    pub vital_uses: u64,
    /// How many of them the supervisor was not told yet.
    pub notices: u64,
}

impl Journal {
    /// Break-glass uses that nobody has acknowledged, the oldest first, behind the one of this
    /// number, at most `max`. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn notices(&self, after: u64, max: usize) -> Result<Vec<Usage>, Error> {
        self.inner.store.try_read(|tx| {
            let mut names = Names::new(tx);
            let mut found = Vec::new();
            let first = ordinal_key(after.saturating_add(1));
            for pair in tx.range(VITAL, first.as_slice()..)?.take(max) {
                let (key, _) = pair?;
                let entry = entry(tx, last_number(&key)?, &mut names)?;
                found.extend(entry.map(|entry| entry.usage));
            }
            Ok(found)
        })
    }

    /// The supervisor has taken note of this use: it is never told again. Durable when `Ok`. Blocks.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn acknowledge(&self, ordinal: u64) -> Result<(), Error> {
        let _one = self.inner.writing();
        self.inner
            .store
            .try_write(|tx| tx.delete(VITAL, ordinal_key(ordinal)).map(drop))
            .map_err(Error::Store)
    }

    /// How much there is. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn counts(&self) -> Result<Counts, Error> {
        self.inner.store.try_read(|tx| {
            let mut notices = 0_u64;
            for pair in tx.iter(VITAL)? {
                let _noticed = pair?;
                notices = notices.saturating_add(1);
            }
            Ok(Counts {
                entries: meta(tx, COUNT)?,
                vital_uses: meta(tx, VITAL_COUNT)?,
                notices,
            })
        })
    }
}
