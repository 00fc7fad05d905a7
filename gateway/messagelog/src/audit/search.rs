//! Finding entries without owning the log.
//!
//! The file of the index narrows the search when it is there, belongs to the log and nobody is
//! writing it; what it does not reach is read. It is believed only for that: every entry it leads to
//! is compared with what was asked. Who can write the folder could hide an entry from the index, but
//! not from [`super::Audit`], which reads everything.

use std::path::Path;

use gateway_proto::id::{ClientId, MemberId, ServiceId};
use gateway_store::segment::{Position, Scan};
use gateway_store::tree::{ReadStore, ReadTx};
use jiff::Timestamp;

use super::{Entries, Reader, Unreadable, has_id};
use crate::index::{self, Mark};
use crate::protection::sha256;
use crate::{Entry, Error, Logged, log};

/// What is looked for: an entry that fits everything that is given. Time stamps never fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A query id, or a REST request id.
    pub id: Option<String>,
    /// Who asked.
    pub client: Option<ClientId>,
    /// A member that asked, or was asked.
    pub member: Option<MemberId>,
    /// What was asked.
    pub service: Option<ServiceId>,
    /// Logged at this time or later.
    pub from: Option<Timestamp>,
    /// Logged at this time or before.
    pub until: Option<Timestamp>,
    /// The case, as sent; refusals have none.
    pub issue: Option<String>,
}

impl Filter {
    /// Entries with this query id or REST request id.
    #[must_use]
    pub fn id(id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..Self::default()
        }
    }

    /// The entry is one that is looked for.
    #[must_use]
    pub fn fits(&self, entry: &Entry) -> bool {
        let (client, service, issue) = match entry {
            Entry::Message(record) => (
                Some(&record.client),
                Some(&record.service),
                record.issue.as_ref(),
            ),
            Entry::Refusal(refusal) => (refusal.client.as_ref(), refusal.service.as_ref(), None),
            Entry::Stamp(_) => return false,
        };
        let time = entry.time();
        let member_of = |member: &MemberId| {
            client.is_some_and(|client| client.member() == member)
                || service.is_some_and(|service| service.provider().member() == member)
        };
        self.id.as_ref().is_none_or(|id| has_id(entry, id))
            && (self.client.is_none() || self.client.as_ref() == client)
            && (self.service.is_none() || self.service.as_ref() == service)
            && (self.issue.is_none() || self.issue.as_ref() == issue)
            && self.member.as_ref().is_none_or(member_of)
            && self.from.is_none_or(|from| from <= time)
            && self.until.is_none_or(|until| time <= until)
    }

    /// The places of entries that may fit, in order; `None`: the index is no help.
    fn places(&self, tx: &ReadTx) -> Result<Option<Vec<Position>>, gateway_store::Error> {
        if let Some(id) = &self.id {
            // Few at once: there is no need to look further.
            return Ok(Some(index::by_id(tx, id)?));
        }
        let mut found = Vec::new();
        if let Some(client) = &self.client {
            found.extend(index::by_client(tx, client, PLACES_MAX)?);
        }
        if let Some(service) = &self.service {
            found.extend(index::by_service(tx, service, PLACES_MAX)?);
        }
        if self.from.is_some() || self.until.is_some() {
            found.extend(index::by_time(tx, self.from, self.until, PLACES_MAX)?);
        }
        Ok(found.into_iter().min_by_key(Vec::len))
    }
}

impl Reader {
    /// All entries that fit, in order, read as they are asked for. What cannot be read comes in its
    /// place where it is met: with an index it may not be.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn search(&self, filter: &Filter) -> Result<Matches, Error> {
        let segments = self.dir.join(log::SEGMENTS);
        match indexed(&self.dir.join(log::INDEX), &segments, filter) {
            None => self.read_through(filter),
            Some((places, mark)) => {
                let scan = Scan::open_from(&segments, mark.position)?;
                Ok(Matches {
                    is_indexed: true,
                    // Behind the index nothing is left out.
                    after: places.last().map_or(0, |place| place.ordinal),
                    places: places.into_iter(),
                    ..self.matches(filter, self.entries_of(scan))
                })
            }
        }
    }

    /// The same without believing the index: everything is read.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read_through(&self, filter: &Filter) -> Result<Matches, Error> {
        Ok(self.matches(filter, self.entries()?))
    }

    fn matches(&self, filter: &Filter, rest: Entries) -> Matches {
        Matches {
            reader: self.clone(),
            filter: filter.clone(),
            is_indexed: false,
            places: Vec::new().into_iter(),
            walk: None,
            rest,
            after: 0,
            erased: 0,
        }
    }

    /// All entries with this query id or REST request id, in order. What cannot be read is passed
    /// over here: [`Self::audit`] names it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(&self, id: &str) -> Result<Vec<Logged>, Error> {
        let mut found = Vec::new();
        for entry in self.search(&Filter::id(id))? {
            match entry {
                Ok(logged) => found.push(logged),
                Err(Unreadable::Failed(error)) => return Err(error),
                Err(
                    Unreadable::Damage(_) | Unreadable::Erased { .. } | Unreadable::Entry { .. },
                ) => {}
            }
        }
        Ok(found)
    }
}

/// The entries that fit a filter.
#[derive(Debug)]
pub struct Matches {
    reader: Reader,
    filter: Filter,
    is_indexed: bool,
    /// What the index names.
    places: std::vec::IntoIter<Position>,
    /// Reading there, and the number that comes next.
    walk: Option<(Entries, u64)>,
    /// What the index does not reach, and the last place named by it.
    rest: Entries,
    after: u64,
    erased: u64,
}

impl Matches {
    /// The index was asked, and believed.
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        self.is_indexed
    }

    /// How many erased entries were met so far: what they were is not known.
    #[must_use]
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// The next one. `progress` is told how far reading has come, (bytes done, bytes in all), also
    /// where nothing fits.
    pub fn next_with(
        &mut self,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Option<Result<Logged, Unreadable>> {
        while let Some(place) = self.places.next() {
            match self.at(place) {
                Ok(logged) if self.filter.fits(&logged.entry) => return Some(Ok(logged)),
                Ok(_) => {}
                // Erased since: the index had not heard.
                Err(Unreadable::Erased { .. }) => self.erased = self.erased.saturating_add(1),
                Err(unreadable) => return Some(Err(unreadable)),
            }
        }
        while let Some(entry) = self.rest.next() {
            let (done, all) = self.rest.progress();
            progress(done, all);
            match entry {
                Ok(logged) if logged.position.ordinal <= self.after => {}
                Ok(logged) if self.filter.fits(&logged.entry) => return Some(Ok(logged)),
                Ok(_) => {}
                Err(Unreadable::Erased { .. }) => self.erased = self.erased.saturating_add(1),
                Err(unreadable) => return Some(Err(unreadable)),
            }
        }
        None
    }

    /// The entry at a place. Places near each other are read in one go.
    fn at(&mut self, place: Position) -> Result<Logged, Unreadable> {
        let near = |next: u64| (next..=next.saturating_add(NEAR)).contains(&place.ordinal);
        if !self.walk.as_ref().is_some_and(|(_, next)| near(*next)) {
            let segments = self.reader.dir.join(log::SEGMENTS);
            let scan = Scan::open_from(&segments, place)
                .map_err(|error| Unreadable::Failed(error.into()))?;
            self.walk = Some((self.reader.entries_of(scan), place.ordinal));
        }
        let missing = Unreadable::Failed(Error::NoEntry {
            ordinal: place.ordinal,
        });
        let Some((entries, next)) = self.walk.as_mut() else {
            return Err(missing);
        };
        for entry in entries {
            if matches!(entry, Err(Unreadable::Failed(_))) {
                return entry;
            }
            let ordinal = match &entry {
                Ok(logged) => Some(logged.position.ordinal),
                Err(unreadable) => unreadable.ordinal(),
            };
            if ordinal.is_some_and(|ordinal| ordinal >= place.ordinal) {
                *next = place.ordinal.saturating_add(1);
                return entry;
            }
        }
        Err(missing)
    }
}

impl Iterator for Matches {
    type Item = Result<Logged, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with(&mut |_, _| {})
    }
}

/// What the index says, and how far it goes; `None`: it is not there, in use, not of this log, or of
/// no help here.
fn indexed(path: &Path, segments: &Path, filter: &Filter) -> Option<(Vec<Position>, Mark)> {
    let store = ReadStore::open(path).ok()?;
    let (mark, places) = store
        .read(|tx| Ok((index::indexed(tx)?, filter.places(tx)?)))
        .inspect_err(|error| tracing::debug!(%error, "the index of the log cannot be read"))
        .ok()?;
    let mark = mark?.ok()?;
    let found = match Scan::open_from(segments, mark.position).ok()?.next()? {
        Ok((position, bytes)) => (position.ordinal, sha256(&bytes)),
        Err(gateway_store::Error::Erased { position, digest }) => (position.ordinal, digest),
        Err(_) => return None,
    };
    (found == (mark.position.ordinal, mark.digest)).then_some((places?, mark))
}

/// Of so many places reading everything is no worse.
const PLACES_MAX: usize = 1_000_000;
/// How far apart places may lie and still be read in one go.
const NEAR: u64 = 32;
