//! Signed documents: a logged message, its signature and its time stamp in one container.
//!
//! A container is not kept anywhere: it is made whenever it is wanted, and always of the same
//! octets, so an archive that is made again after a crash is the same archive. A message whose body
//! was not kept gets a container all the same, with the reduced message, as deployed servers do; it
//! shows what was said about the message but does not verify.

mod body;
mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;

use certs_keys::Digest;
use gateway_asic::names;
use gateway_asic::stamping::{self, Batch};
use gateway_asic::{Signed, Stamped, make};
use gateway_messagelog::{Content, Direction, Entry, Logged, MessageLog, Record, Stamp};
use jiff::Timestamp;

pub use error::Error;

use body::BodyReader;

/// Makes signed documents, many of one log in order. It remembers the time stamp it used last, so
/// the hash chain of a batch is built once, not once for each of its messages.
pub struct Binder {
    log: MessageLog,
    last: Option<Arc<Cover>>,
}

/// All that goes into one container, and its name.
pub struct Document {
    name: String,
    ordinal: u64,
    signed: Signed,
    attachments: Vec<Content>,
}

/// A time stamp and the hash chain of what it covers.
struct Cover {
    stamp: Stamp,
    /// `None` under a single time stamp.
    batch: Option<Batch>,
}

impl Binder {
    /// Makes documents of the messages of this log.
    #[must_use]
    pub fn new(log: MessageLog) -> Self {
        Self { log, last: None }
    }

    /// Gathers what the container of this message holds.
    ///
    /// # Errors
    /// It is no message, is not stamped, or the log cannot be read.
    pub async fn document(&mut self, logged: &Logged) -> Result<Document, Error> {
        let ordinal = logged.position.ordinal;
        let Entry::Message(record) = &logged.entry else {
            return Err(Error::NoMessage { ordinal });
        };
        let cover = self.cover(ordinal).await?;
        cover.document(ordinal, record)
    }

    async fn cover(&mut self, ordinal: u64) -> Result<Arc<Cover>, Error> {
        if let Some(last) = &self.last
            && last.index(ordinal).is_some()
        {
            return Ok(Arc::clone(last));
        }
        let stamp = self.log.stamp_of(ordinal).await?;
        let stamp = stamp.ok_or(Error::NotStamped { ordinal })?;
        let building = tokio::task::spawn_blocking(move || Cover::new(stamp));
        let cover = building.await.map_err(|_| Error::Interrupted)?;
        let cover = Arc::new(cover.map_err(|source| Error::Make {
            ordinal,
            source: Box::new(source.into()),
        })?);
        self.last = Some(Arc::clone(&cover));
        Ok(cover)
    }
}

impl Cover {
    fn new(stamp: Stamp) -> Result<Self, stamping::Error> {
        let batch = match stamp.single {
            true => None,
            false => {
                let digests: Vec<Digest> = stamp.covers.iter().map(|one| one.digest).collect();
                Some(stamping::batch(&digests)?)
            }
        };
        Ok(Self { stamp, batch })
    }

    fn index(&self, ordinal: u64) -> Option<usize> {
        let covers = &self.stamp.covers;
        covers
            .binary_search_by_key(&ordinal, |one| one.ordinal)
            .ok()
    }

    fn document(&self, ordinal: u64, record: &Record) -> Result<Document, Error> {
        let stamp = self.stamped(ordinal, record)?;
        Ok(Document {
            name: names::container(&record.message_id, direction(record), ordinal),
            ordinal,
            signed: signed(record, stamp),
            attachments: kept(record),
        })
    }

    /// The time stamp as it goes into the container of this message.
    fn stamped(&self, ordinal: u64, record: &Record) -> Result<Stamped, Error> {
        let misfit = |reason| Error::Stamp { ordinal, reason };
        let index = self
            .index(ordinal)
            .ok_or_else(|| misfit("it does not name the message"))?;
        let covered = self.stamp.covers.get(index).map(|one| one.digest);
        if covered != Some(Digest::of(self.stamp.algorithm, &record.signature)) {
            return Err(misfit("it is over another signature"));
        }
        let token = self.stamp.token.clone();
        Ok(match &self.batch {
            None => Stamped::Single { token },
            Some(batch) => Stamped::Batch {
                token,
                result: batch.result.clone(),
                chain: batch.chain(index).map_err(|source| Error::Make {
                    ordinal,
                    source: Box::new(source.into()),
                })?,
            },
        })
    }
}

impl Document {
    /// The name of the container's file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place of the message in the log.
    #[must_use]
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// When the message was logged: the time of the container and of all entries in it.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.signed.time
    }

    /// Writes the container, streamed, and says how many octets it has. It blocks while long bodies
    /// are read from disk: it must be called away from the executor.
    ///
    /// # Errors
    /// A body cannot be read, or `out` does not take it.
    pub fn write<W: io::Write>(&self, out: W) -> Result<u64, Error> {
        let mut attachments = self.attachments.iter().map(|content| {
            let reader: Box<dyn io::Read> = Box::new(BodyReader::new(content.clone()));
            (content.len(), reader)
        });
        make::write(&self.signed, &mut attachments, out).map_err(|source| Error::Make {
            ordinal: self.ordinal,
            source: Box::new(source),
        })
    }
}

/// Gathers what the container of a message holds, with the time stamp over it, for who reads a log
/// without owning it.
///
/// # Errors
/// The time stamp is over others, or over another signature.
pub fn bind(ordinal: u64, record: &Record, stamp: &Stamp) -> Result<Document, Error> {
    let cover = Cover::new(stamp.clone()).map_err(|source| Error::Make {
        ordinal,
        source: Box::new(source.into()),
    })?;
    cover.document(ordinal, record)
}

/// Writes the container of one message and gives the writer back with the octets written.
///
/// # Errors
/// As [`Binder::document`] and [`Document::write`].
pub async fn write<W>(log: &MessageLog, logged: &Logged, mut out: W) -> Result<(W, u64), Error>
where
    W: io::Write + Send + 'static,
{
    let document = Binder::new(log.clone()).document(logged).await?;
    let writing = tokio::task::spawn_blocking(move || {
        let bytes = document.write(&mut out)?;
        Ok((out, bytes))
    });
    writing.await.map_err(|_| Error::Interrupted)?
}

fn signed(record: &Record, stamp: Stamped) -> Signed {
    let chain = record
        .hash_chain_result
        .clone()
        .zip(record.hash_chain.clone());
    Signed {
        message: record.message.clone(),
        signature: record.signature.clone(),
        chain,
        stamp,
        time: record.time,
    }
}

/// The contents that are kept. Without one of them those behind it would take its number, and with
/// it its digest in the hash chain; so they are left out, too. (A record keeps all or none.)
fn kept(record: &Record) -> Vec<Content> {
    record
        .attachments
        .iter()
        .map(|(_, content)| content)
        .take_while(|content| !content.is_withheld())
        .cloned()
        .collect()
}

/// The direction of a message, as names of containers have it.
#[must_use]
pub fn direction(record: &Record) -> names::Direction {
    match record.direction {
        Direction::Request => names::Direction::Request,
        Direction::Response => names::Direction::Response,
    }
}

impl fmt::Debug for Binder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binder")
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its name holds the query id, and nothing else that the client wrote.
        f.debug_struct("Document")
            .field("name", &self.name)
            .field("time", &self.signed.time)
            .finish_non_exhaustive()
    }
}
