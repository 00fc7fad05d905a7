//! Finding entries of a running node by id and by number.

use std::sync::Arc;

use bytes::Bytes;
use gateway_store::segment::{Position, Scan};

use super::Inner;
use crate::protection::plain;
use crate::record::{decode, decode_plain};
use crate::retention::erased_stretches;
use crate::{Entry, Error, Logged, MessageLog, audit};

/// How far somebody has read who reads a log in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Everything up to this entry was looked at.
    ordinal: u64,
    /// An entry up to there, so that going on looks for nothing.
    place: Option<Position>,
}

impl Bookmark {
    /// Behind the entry of this number; 0 is the beginning.
    #[must_use]
    pub const fn behind(ordinal: u64) -> Self {
        Self {
            ordinal,
            place: None,
        }
    }

    /// Everything up to the entry of this number was looked at.
    #[must_use]
    pub const fn ordinal(self) -> u64 {
        self.ordinal
    }

    const fn at(position: Position) -> Self {
        Self {
            ordinal: position.ordinal,
            place: Some(position),
        }
    }
}

impl MessageLog {
    /// All entries with this query id, or with this REST request id, in order.
    ///
    /// # Errors
    /// The index or an entry cannot be read.
    pub async fn find(&self, id: &str) -> Result<Vec<Logged>, Error> {
        self.find_map(id, Some).await
    }

    /// The same, one by one: what `keep` makes of each. Ids may repeat without end, so who needs
    /// less than all of every entry keeps less.
    ///
    /// # Errors
    /// The index or an entry cannot be read.
    pub async fn find_map<T, F>(&self, id: &str, keep: F) -> Result<Vec<T>, Error>
    where
        T: Send + 'static,
        F: FnMut(Logged) -> Option<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let id = id.to_owned();
        let found = tokio::task::spawn_blocking(move || inner.find_map(&id, keep));
        found.await.map_err(|_| Error::Interrupted)?
    }

    /// The entry of this number.
    ///
    /// # Errors
    /// There is none, it was erased, or it cannot be read.
    pub async fn get(&self, ordinal: u64) -> Result<Logged, Error> {
        let inner = Arc::clone(&self.inner);
        let got = tokio::task::spawn_blocking(move || inner.get(ordinal));
        got.await.map_err(|_| Error::Interrupted)?
    }

    /// The bytes of an entry as they are stored: what proofs are about.
    ///
    /// # Errors
    /// There is none, it was erased, or it cannot be read.
    pub async fn stored(&self, ordinal: u64) -> Result<Bytes, Error> {
        let inner = Arc::clone(&self.inner);
        let got = tokio::task::spawn_blocking(move || inner.read(inner.place_of(ordinal)?));
        got.await.map_err(|_| Error::Interrupted)?
    }

    /// The messages with `after` < number ≤ `until`, in order, at most `max`. Erased and damaged ones
    /// are left out, refusals and time stamps too.
    ///
    /// # Errors
    /// One of them is not damaged, but cannot be read: its key or a file of its contents is missing.
    pub async fn messages(&self, after: u64, until: u64, max: usize) -> Result<Vec<Logged>, Error> {
        let inner = Arc::clone(&self.inner);
        let found = tokio::task::spawn_blocking(move || {
            let from = Bookmark::behind(after);
            inner.messages(from, until, max, |bytes| decode(bytes, &inner.bodies))
        });
        let (messages, _) = found.await.map_err(|_| Error::Interrupted)??;
        Ok(messages)
    }

    /// As [`Self::messages`], for those who read along while the log grows and do not look at contents:
    /// contents in files of their own are withheld, so that a missing one holds up nobody. With
    /// them comes the place to go on from; everything up to it was looked at.
    ///
    /// # Errors
    /// One of them is not damaged, but cannot be read: its key is missing.
    pub async fn messages_without_contents(
        &self,
        from: Bookmark,
        until: u64,
        max: usize,
    ) -> Result<(Vec<Logged>, Bookmark), Error> {
        let inner = Arc::clone(&self.inner);
        let found = tokio::task::spawn_blocking(move || {
            inner.messages(from, until, max, |bytes| {
                decode_plain(&plain(bytes, inner.bodies.protection())?, None)
            })
        });
        found.await.map_err(|_| Error::Interrupted)?
    }
}

impl Inner {
    fn find_map<T>(
        &self,
        id: &str,
        mut keep: impl FnMut(Logged) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        for position in self.index.find(id, self.log.last_ordinal())? {
            let entry = match self.read(position) {
                Err(Error::Erased { .. }) => continue,
                read => decode(&read?, &self.bodies)?,
            };
            if audit::has_id(&entry, id) {
                found.extend(keep(Logged { position, entry }));
            }
        }
        Ok(found)
    }

    fn get(&self, ordinal: u64) -> Result<Logged, Error> {
        let position = self.place_of(ordinal)?;
        let entry = decode(&self.read(position)?, &self.bodies)?;
        Ok(Logged { position, entry })
    }

    fn read(&self, position: Position) -> Result<Bytes, Error> {
        Ok(self.log.read(position)?)
    }

    /// Where the entry of this number lies.
    pub(crate) fn place_of(&self, ordinal: u64) -> Result<Position, Error> {
        if ordinal == 0 || ordinal > self.log.last_ordinal() {
            return Err(Error::NoEntry { ordinal });
        }
        match self.index.at(ordinal) {
            Ok(Some(position)) => return Ok(position),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "the index of the log is no help");
                return self.walk_to(ordinal);
            }
        }
        let erased = erased_stretches(&self.log.segments()?);
        match erased.iter().any(|stretch| stretch.holds(ordinal)) {
            true => Err(Error::Erased { ordinal }),
            false => Err(Error::NoEntry { ordinal }),
        }
    }

    /// The same without the index: it reads on from the beginning of a segment.
    fn walk_to(&self, ordinal: u64) -> Result<Position, Error> {
        for item in self.scan_after(ordinal.saturating_sub(1))? {
            match item {
                Ok((position, _)) if position.ordinal == ordinal => return Ok(position),
                Ok((position, _)) if position.ordinal > ordinal => break,
                Err(gateway_store::Error::Erased { position, .. })
                    if position.ordinal == ordinal =>
                {
                    return Err(Error::Erased { ordinal });
                }
                Ok(_)
                | Err(gateway_store::Error::Erased { .. } | gateway_store::Error::Damaged(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::NoEntry { ordinal })
    }

    fn messages(
        &self,
        from: Bookmark,
        until: u64,
        max: usize,
        decode: impl Fn(&Bytes) -> Result<Entry, Error>,
    ) -> Result<(Vec<Logged>, Bookmark), Error> {
        let mut found = Vec::new();
        // Before the scan begins: it goes at least so far.
        let until = until.min(self.log.last_ordinal());
        let after = from.ordinal;
        if after >= until || max == 0 {
            return Ok((found, from));
        }
        let mut reached = from;
        let scan = match from.place {
            Some(place) => self.log.scan_from(place)?,
            None => self.scan_after(after)?,
        };
        for item in scan {
            let (position, bytes) = match item {
                Ok((position, bytes)) => (position, bytes),
                Err(gateway_store::Error::Erased { .. }) => continue,
                Err(gateway_store::Error::Damaged(damage)) => {
                    tracing::error!(%damage, "a damaged record is left out");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if position.ordinal <= after {
                continue;
            }
            if position.ordinal > until {
                break;
            }
            let entry = decode(&bytes)?;
            reached = Bookmark::at(position);
            if matches!(entry, Entry::Message(_)) {
                found.push(Logged { position, entry });
            }
            if found.len() >= max {
                return Ok((found, reached));
            }
        }
        // What follows the last one was looked at and is no message.
        reached.ordinal = until;
        Ok((found, reached))
    }

    /// The entries after this number, and perhaps some before.
    pub(crate) fn scan_after(&self, after: u64) -> Result<Scan, Error> {
        // Only to begin nearer: without it, the segment is read from its beginning.
        let near = self.index.at_or_before(after).ok().flatten();
        let segments = self.log.segments()?;
        let home = segments
            .iter()
            .rfind(|segment| segment.first_ordinal <= after.saturating_add(1));
        Ok(match (near, home) {
            (Some(near), Some(home)) if near.segment >= home.number => self.log.scan_from(near)?,
            (_, Some(home)) => self.log.scan_segments(home.number..)?,
            (_, None) => self.log.scan()?,
        })
    }
}
