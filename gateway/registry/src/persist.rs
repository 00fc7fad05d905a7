//! The state and its audit trail in the store: the only file that talks to it.
//!
//! The state is cut into rows, one per member, server, group and so on, so that a command writes
//! and the trail records just what changed. Rows and trail entry are written in one transaction,
//! durable when it returns. Who can write the file can change the state: publish from a host you
//! guard.

use std::collections::BTreeMap;
use std::path::Path;

use gateway_store::tree::{Store, Tree};
use serde_json::{Map, Value};

use crate::trail::{Change, Entry, digest};
use crate::{Error, State};

/// The registry's trees.
#[derive(Debug)]
pub(crate) struct Trees {
    store: Store,
}

/// The state as rows.
pub(crate) type Rows = BTreeMap<String, Value>;

impl Trees {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            store: Store::open(path)?,
        })
    }

    /// The state as it was last committed.
    pub(crate) fn load(&self) -> Result<State, Error> {
        let mut rows = Rows::new();
        self.store.try_read(|tx| {
            for pair in tx.iter(STATE)? {
                let (key, value) = pair?;
                let row = String::from_utf8_lossy(&key).into_owned();
                rows.insert(row.clone(), parse(&value, &row)?);
            }
            Ok::<_, Error>(())
        })?;
        from_rows(rows)
    }

    /// Writes the changed rows and the entry; both or neither. Callers wait for each other, so the
    /// end of the trail read before still is its end; if not, nothing is written.
    pub(crate) fn commit(&self, mut entry: Entry) -> Result<Entry, Error> {
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
            for change in &entry.changes {
                match &change.after {
                    Some(value) => tx.put(STATE, &change.row, value.to_string())?,
                    None => {
                        tx.delete(STATE, &change.row)?;
                    }
                }
            }
            let stored = serde_json::to_vec(&entry).map_err(|source| Error::Row {
                row: "audit entry".to_owned(),
                source,
            })?;
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

/// Cuts the state: maps by key, everything else whole.
pub(crate) fn to_rows(state: &State) -> Result<Rows, Error> {
    let value = serde_json::to_value(state).map_err(|source| Error::Row {
        row: "state".to_owned(),
        source,
    })?;
    let mut rows = Rows::new();
    let Value::Object(sections) = value else {
        return Ok(rows);
    };
    for (section, value) in sections {
        match value {
            Value::Object(entries) if MAPS.contains(&section.as_str()) => {
                let keyed = entries
                    .into_iter()
                    .map(|(key, value)| (row(&section, &key), value));
                rows.extend(keyed);
            }
            whole => {
                rows.insert(section, whole);
            }
        }
    }
    Ok(rows)
}

/// The rows that differ.
pub(crate) fn changes(before: Rows, mut after: Rows) -> Vec<Change> {
    let mut changes = Vec::new();
    for (row, old) in before {
        match after.remove(&row) {
            Some(new) if new == old => {}
            new => changes.push(Change {
                row,
                before: Some(old),
                after: new,
            }),
        }
    }
    let added = after.into_iter();
    changes.extend(added.map(|(row, new)| Change {
        row,
        before: None,
        after: Some(new),
    }));
    changes
}

fn from_rows(rows: Rows) -> Result<State, Error> {
    let mut sections = Map::new();
    for (row, value) in rows {
        match row.split_once('/') {
            Some((section, key)) => {
                let entries = sections
                    .entry(section)
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(entries) = entries {
                    entries.insert(key.to_owned(), value);
                }
            }
            None => {
                sections.insert(row, value);
            }
        }
    }
    serde_json::from_value(Value::Object(sections)).map_err(|source| Error::Row {
        row: "state".to_owned(),
        source,
    })
}

fn row(section: &str, key: &str) -> String {
    format!("{section}/{key}")
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

fn parse(value: &[u8], row: &str) -> Result<Value, Error> {
    serde_json::from_slice(value).map_err(|source| Error::Row {
        row: row.to_owned(),
        source,
    })
}

const STATE: Tree = Tree::new("registry-state");
const TRAIL: Tree = Tree::new("registry-trail");

/// Sections that are cut by key.
const MAPS: &[&str] = &[
    "member_classes",
    "members",
    "servers",
    "groups",
    "authorities",
    "timestampers",
    "trusted_anchors",
];
