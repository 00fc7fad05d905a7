//! The state and its audit trail in the store: the only files that talk to it.
//!
//! The state is cut into rows, one per member, server, rule and so on, so that a command writes
//! and the trail records just what changed. Rows, trail entry and newly published rules are
//! written in one transaction, durable when it returns. Who can write the file can change the
//! state: publish from a host you guard.

mod rows;

use std::path::Path;

use bytes::Bytes;
use gateway_store::tree::{Store, Tree};

use crate::state::{Published, Shared};
use crate::trail::{Entry, digest};
use crate::{Error, State};

pub(crate) use rows::differences;
use rows::{Mark, Rows, broken};

/// The registry's trees.
#[derive(Debug)]
pub(crate) struct Trees {
    store: Store,
}

impl Trees {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            store: Store::open(path)?,
        })
    }

    /// The state as it was last committed.
    pub(crate) fn load(&self) -> Result<State, Error> {
        let mut stored = Rows::new();
        self.store.try_read(|tx| {
            for pair in tx.iter(STATE)? {
                let (key, value) = pair?;
                let row = String::from_utf8_lossy(&key).into_owned();
                let value = serde_json::from_slice(&value).map_err(|error| broken(&row, error))?;
                stored.insert(row, value);
            }
            Ok::<_, Error>(())
        })?;
        let (mut state, mark) = rows::from_rows(stored)?;
        state.published = mark.map(|mark| self.published(&mark)).transpose()?;
        Ok(state)
    }

    fn published(&self, mark: &Mark) -> Result<Shared<Published>, Error> {
        let octets = self.octets(mark.version)?;
        let published = octets.and_then(|octets| Published::read(octets, &mark.digest));
        published
            .filter(|published| published.version() == mark.version && published.at() == mark.at)
            .map(Shared::from)
            .ok_or(Error::Published {
                version: mark.version,
            })
    }

    /// The octets of the rules once published under this version.
    pub(crate) fn octets(&self, version: u64) -> Result<Option<Bytes>, Error> {
        let found = self
            .store
            .read(|tx| tx.get(PUBLISHED, version.to_be_bytes()))?;
        Ok(found.map(Bytes::from))
    }

    /// Writes the changed rows, the rules that were published, and the entry; all or nothing.
    /// Callers wait for each other, so the end of the trail read before still is its end; if not,
    /// nothing is written.
    pub(crate) fn commit(
        &self,
        mut entry: Entry,
        rows: &[(String, Option<serde_json::Value>)],
        published: Option<&Published>,
    ) -> Result<Entry, Error> {
        let last = self
            .store
            .read(|tx| tx.iter(TRAIL)?.next_back().transpose())?;
        entry.number = match &last {
            Some((key, _)) => number(key)?.saturating_add(1),
            None => 1,
        };
        entry.previous = last.map(|(_, stored)| digest(&stored)).unwrap_or_default();
        self.store.try_write(|tx| {
            if tx.contains(TRAIL, entry.number.to_be_bytes())? {
                return Err(Error::Trail {
                    number: entry.number,
                });
            }
            for (row, value) in rows {
                match value {
                    Some(value) => tx.put(STATE, row, value.to_string())?,
                    None => {
                        tx.delete(STATE, row)?;
                    }
                }
            }
            if let Some(published) = published {
                let version = published.version().to_be_bytes();
                tx.put(PUBLISHED, version, published.octets())?;
            }
            let stored =
                serde_json::to_vec(&entry).map_err(|source| broken("audit entry", source))?;
            tx.put(TRAIL, entry.number.to_be_bytes(), stored)?;
            Ok::<_, Error>(entry)
        })
    }

    /// The newest entries first, below a number if one is given.
    pub(crate) fn trail(&self, below: Option<u64>, count_max: usize) -> Result<Vec<Entry>, Error> {
        self.store.try_read(|tx| {
            let end = below.unwrap_or(u64::MAX).to_be_bytes();
            let pairs = tx.range(TRAIL, ..end.as_slice())?;
            pairs
                .rev()
                .take(count_max)
                .map(|pair| {
                    let (key, stored) = pair?;
                    entry(number(&key)?, &stored)
                })
                .collect()
        })
    }

    /// Walks the whole trail: numbers without gaps, each digest that of the entry before.
    pub(crate) fn check_trail(&self) -> Result<u64, Error> {
        self.store.try_read(|tx| {
            let mut expected = 1_u64;
            let mut previous = String::new();
            for pair in tx.iter(TRAIL)? {
                let (key, stored) = pair?;
                let found = entry(number(&key)?, &stored)?;
                if found.number != expected || found.previous != previous {
                    return Err(Error::Trail { number: expected });
                }
                previous = digest(&stored);
                expected = expected.saturating_add(1);
            }
            Ok(expected.saturating_sub(1))
        })
    }
}

fn number(key: &[u8]) -> Result<u64, Error> {
    <[u8; 8]>::try_from(key)
        .map(u64::from_be_bytes)
        .map_err(|_| Error::Trail { number: 0 })
}

fn entry(number: u64, stored: &[u8]) -> Result<Entry, Error> {
    match serde_json::from_slice::<Entry>(stored) {
        Ok(entry) if entry.number == number => Ok(entry),
        Ok(_) | Err(_) => Err(Error::Trail { number }),
    }
}

const STATE: Tree = Tree::new("registry-state");
const TRAIL: Tree = Tree::new("registry-trail");
/// Octets of every version of the rules that was ever published.
const PUBLISHED: Tree = Tree::new("registry-rules");
