//! Entries of the feed: appended in the transaction of what they tell, given in pages.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use gateway_policy::feed::{self, Entry, Event};
use gateway_store::tree::WriteTx;
use jiff::Timestamp;

use crate::trees::{DESK, FEED};
use crate::{Desk, Error, Refusal};

/// The end of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    number: u64,
    hash: [u8; HASH_BYTES],
}

impl Desk {
    /// The number of the last entry in the feed. It does not look into the store: cheap enough for
    /// every waiting connection.
    #[must_use]
    pub fn feed_number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// The page of the feed behind this entry, as it is sent. Its head says that this is all, or
    /// all up to the last entry in it, at `now`: take `now` before the call.
    ///
    /// # Errors
    /// When there is no such entry, or the desk fails.
    pub fn page(&self, after: u64, now: Timestamp) -> Result<Vec<u8>, Refusal> {
        let (end, start, entries) = self.store.try_read(|tx| {
            let end = End::read(tx.get(DESK, FEED_END)?)?;
            if after > end.number {
                return Err(Refusal::FeedAhead { number: end.number });
            }
            let start = match after {
                0 => feed::chain_start(),
                _ => {
                    let stored = tx.get(FEED, after.to_be_bytes())?;
                    stored_entry(stored.as_deref().unwrap_or_default())?.0
                }
            };
            let from = after.to_be_bytes();
            let mut bytes = 0_usize;
            let mut entries = Vec::new();
            for pair in tx.range(FEED, (Bound::Excluded(from.as_slice()), Bound::Unbounded))? {
                let (_, stored) = pair?;
                bytes = bytes.saturating_add(stored.len());
                if entries.len() >= ENTRIES_MAX || (bytes > BYTES_MAX && !entries.is_empty()) {
                    break;
                }
                let (hash, line) = stored_entry(&stored)?;
                entries.push((hash, line.to_vec()));
            }
            Ok((end, start, entries))
        })?;
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let number = after.saturating_add(count);
        let hash = entries.last().map_or(start, |(hash, _)| *hash);
        let lines: Vec<Vec<u8>> = entries.into_iter().map(|(_, line)| line).collect();
        let complete = number == end.number;
        feed::make_page(
            &self.instance,
            number,
            &hash,
            complete,
            &lines,
            &self.keys.feed,
            now,
        )
        .map_err(|error| Refusal::Failed(Error::Feed(error)))
    }

    /// Tells those who wait, after the transaction.
    pub(crate) fn told(&self, number: u64) {
        self.number.fetch_max(number, Ordering::AcqRel);
    }
}

/// Appends an entry; gives its number.
pub(crate) fn append(tx: &WriteTx<'_>, event: Event) -> Result<u64, Error> {
    let end = End::read(tx.get(DESK, FEED_END)?)?;
    let number = end.number.saturating_add(1);
    let line = feed::line(&Entry { number, event }).map_err(Error::Feed)?;
    let hash = feed::chain_next(&end.hash, &line);
    tx.put(
        FEED,
        number.to_be_bytes(),
        [hash.as_slice(), &line].concat(),
    )?;
    let stored = [number.to_be_bytes().as_slice(), &hash].concat();
    tx.put(DESK, FEED_END, stored)?;
    Ok(number)
}

/// The number of the last entry, as stored.
pub(crate) fn end_number(stored: Option<Vec<u8>>) -> Result<u64, Error> {
    End::read(stored).map(|end| end.number)
}

impl End {
    fn read(stored: Option<Vec<u8>>) -> Result<Self, Error> {
        let unreadable = || Error::Row { tree: DESK.name() };
        let Some(stored) = stored else {
            return Ok(Self {
                number: 0,
                hash: feed::chain_start(),
            });
        };
        let (number, hash) = stored.split_first_chunk::<8>().ok_or_else(unreadable)?;
        Ok(Self {
            number: u64::from_be_bytes(*number),
            hash: hash.try_into().map_err(|_| unreadable())?,
        })
    }
}

fn stored_entry(stored: &[u8]) -> Result<([u8; HASH_BYTES], &[u8]), Error> {
    stored
        .split_first_chunk::<HASH_BYTES>()
        .map(|(hash, line)| (*hash, line))
        .ok_or(Error::Row { tree: FEED.name() })
}

/// Where the end stands.
pub(crate) const FEED_END: &str = "feed";
const HASH_BYTES: usize = 32;
/// Entries in one page at most: a node far behind asks again at once.
const ENTRIES_MAX: usize = 2000;
/// Octets of entries in one page at most.
const BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
