//! A person's uses, the latest first.

use std::fmt;
use std::iter::Peekable;
use std::ops::Bound;
use std::str::FromStr;

use gateway_policy::person::PersonKey;
use gateway_proto::id::ClientId;
use gateway_store::tree::{Pairs, ReadTx};
use jiff::Timestamp;

use crate::coding::{entry, of_row};
use crate::event::Usage;
use crate::names::{Names, number_of_client};
use crate::trees::{
    ERASED_BEFORE, META, PERSONS, SINCE, number, of_person_key, ordered, person_key, time_of,
};
use crate::{Error, Journal, PersonMark};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'q> {
    /// Whose uses.
    pub person: &'q PersonKey,
    /// At whose services.
    pub provider: &'q ClientId,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Behind the last one of the page before.
    pub after: Option<Cursor>,
    /// So many are left out at the beginning.
    pub skip: u64,
    /// At most so many.
    pub max: usize,
}

/// A part of a person's uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The latest first.
    pub usages: Vec<Usage>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
    /// How many there are behind the cursor of the query, those left out and those of other pages
    /// included; `None`: too many to be counted ([`COUNT_MAX`]).
    pub total: Option<u64>,
}

/// A place among a person's uses; a text for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    time: u64,
    ordinal: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCursor;

/// More than this are not counted.
pub const COUNT_MAX: u64 = 100_000;

impl Journal {
    /// A page of what a person may know at `now`: what is not to be disclosed yet is left out, as if
    /// it were not there. Of other persons of the same requests nothing is told. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn find(&self, query: &Query<'_>, now: Timestamp) -> Result<Page, Error> {
        let marks = self.inner.keys().marks(query.person);
        self.inner
            .store
            .try_read(|tx| page(tx, &marks, query, ordered(now)))
    }

    /// From when on the uses of a provider's services are known; `None`: there is none yet.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn period(&self, provider: &ClientId) -> Result<Option<Timestamp>, Error> {
        self.inner.store.try_read(|tx| {
            let Some(name) = number_of_client(tx, provider)? else {
                return Ok(None);
            };
            let Some(first) = tx.get(SINCE, name.to_be_bytes())? else {
                return Ok(None);
            };
            let erased = tx.get(META, ERASED_BEFORE)?;
            let erased = erased.map_or(Ok(0), |erased| number(&erased))?;
            time_of(number(&first)?.max(erased)).map(Some)
        })
    }
}

fn page(tx: &ReadTx, marks: &[PersonMark], query: &Query<'_>, now: u64) -> Result<Page, Error> {
    let mut page = Page {
        usages: Vec::new(),
        next: None,
        total: Some(0),
    };
    let Some(provider) = number_of_client(tx, query.provider)? else {
        return Ok(page);
    };
    let mut names = Names::new(tx);
    let mut rows = Rows::new(tx, marks, query)?;
    let mut count = 0_u64;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let is_shown = row.shown_from.is_none_or(|from| from <= now);
        if row.provider != provider || !is_shown {
            continue;
        }
        count = count.saturating_add(1);
        if count <= query.skip {
            continue;
        }
        if page.usages.len() < query.max {
            // A row without its entry is being erased.
            if let Some(found) = entry(tx, row.at.ordinal, &mut names)? {
                page.usages.push(found.usage);
            }
            last = Some(row.at);
            continue;
        }
        page.next = last;
        if count > COUNT_MAX {
            break;
        }
    }
    page.total = Some(count).filter(|count| *count <= COUNT_MAX);
    Ok(page)
}

/// One person's rows under all keys, the latest first.
#[derive(Debug)]
struct Rows {
    under: Vec<Peekable<Rested>>,
}

/// The rows under one key.
#[derive(Debug)]
struct Rested(Pairs);

#[derive(Clone, Copy, Debug)]
struct Row {
    at: Cursor,
    provider: u64,
    shown_from: Option<u64>,
}

impl Rows {
    fn new(tx: &ReadTx, marks: &[PersonMark], query: &Query<'_>) -> Result<Self, Error> {
        let mut under = Vec::new();
        for mark in marks {
            let first = match (query.after, query.until) {
                // Both bound the beginning; the one that is earlier in time counts.
                (Some(after), Some(until)) if after.time >= ordered(until) => {
                    Bound::Excluded(person_key(*mark, ordered(until), 0))
                }
                (Some(after), _) => Bound::Excluded(person_key(*mark, after.time, after.ordinal)),
                (None, Some(until)) => Bound::Excluded(person_key(*mark, ordered(until), 0)),
                (None, None) => Bound::Included(person_key(*mark, u64::MAX, u64::MAX)),
            };
            let last = person_key(*mark, query.from.map_or(0, ordered), 0);
            let bounds = (
                first.as_ref().map(|key| key.as_slice()),
                Bound::Included(last.as_slice()),
            );
            if is_nothing(&first, &last) {
                continue;
            }
            under.push(Rested(tx.range(PERSONS, bounds)?).peekable());
        }
        Ok(Self { under })
    }

    fn next(&mut self) -> Result<Option<Row>, Error> {
        let mut latest: Option<(usize, Cursor)> = None;
        for (place, rows) in self.under.iter_mut().enumerate() {
            match rows.peek() {
                None => {}
                Some(Ok(row)) => {
                    let is_later = latest.is_none_or(|(_, other)| {
                        (row.at.time, row.at.ordinal) > (other.time, other.ordinal)
                    });
                    if is_later {
                        latest = Some((place, row.at));
                    }
                }
                // Told when it is taken.
                Some(Err(_)) => {
                    latest = Some((place, row_of_error()));
                    break;
                }
            }
        }
        let Some((place, _)) = latest else {
            return Ok(None);
        };
        let rows = self.under.get_mut(place);
        rows.and_then(Iterator::next).transpose()
    }
}

/// A range whose end lies before its beginning is refused by the store.
fn is_nothing(first: &Bound<[u8; 36]>, last: &[u8; 36]) -> bool {
    match first {
        Bound::Included(first) => first > last,
        Bound::Excluded(first) => first >= last,
        Bound::Unbounded => false,
    }
}

fn row_of_error() -> Cursor {
    Cursor {
        time: u64::MAX,
        ordinal: u64::MAX,
    }
}

impl Iterator for Rested {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let pair = self.0.next()?;
        Some(pair.map_err(Error::from).and_then(|(key, value)| {
            let (time, ordinal) = of_person_key(&key)?;
            let (provider, shown_from) = of_row(&value)?;
            Ok(Row {
                at: Cursor { time, ordinal },
                provider,
                shown_from,
            })
        }))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.time, self.ordinal)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let is_hex = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(NoCursor);
        }
        let (time, ordinal) = text.split_at_checked(16).ok_or(NoCursor)?;
        let number = |digits| u64::from_str_radix(digits, 16).map_err(|_| NoCursor);
        Ok(Self {
            time: number(time)?,
            ordinal: number(ordinal)?,
        })
    }
}

impl fmt::Display for NoCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is not where a page of the journal ended")
    }
}

impl std::error::Error for NoCursor {}
