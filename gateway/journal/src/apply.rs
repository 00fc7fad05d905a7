//! Taking in what the log says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gateway_store::tree::{ReadTx, WriteTx};

use crate::coding::{encode, row, set_outcome};
use crate::event::{Answered, Asked, Event, Ground};
use crate::keys::UseMark;
use crate::names::{NewNames, Numbering};
use crate::trees::{
    APPLIED, COUNT, ENTRIES, PERSONS, SINCE, UNANSWERED, USE_ENDS, USE_KEYS, USES, VITAL,
    VITAL_COUNT, exchange_key, exchange_prefix, last_number, meta, meta_now, number, ordered,
    ordinal_key, person_key, set_meta, use_end_key, use_key,
};
use crate::{Error, Journal};

impl Journal {
    /// Takes in what the log says of its entries up to `until`, all or nothing. What was taken in
    /// before is left out, so it may be said again. That nothing was said of persons is not written
    /// down each time. Blocks.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn apply(&self, events: &[Event], until: u64) -> Result<(), Error> {
        let _one = self.inner.writing();
        let store = &self.inner.store;
        let batch = store.try_read(|tx| {
            let applied = meta(tx, APPLIED)?;
            if until <= applied {
                return Ok::<_, Error>(None);
            }
            let mut batch = Gathering::new(tx)?;
            let news = events
                .iter()
                .filter(|event| event.ordinal() > applied && event.ordinal() <= until);
            for event in news {
                match event {
                    Event::Asked(asked) => batch.asked(asked)?,
                    Event::Answered(answered) => batch.answered(answered)?,
                }
            }
            let batch = batch.finish();
            let is_far = until.saturating_sub(applied) >= QUIET_MAX;
            Ok(Some(batch).filter(|batch| is_far || !batch.is_nothing()))
        })?;
        let Some(batch) = batch else {
            return Ok(());
        };
        store.try_write(|tx| batch.write(tx, until))?;
        self.inner
            .uses
            .stored(batch.uses.iter().map(|(mark, _)| *mark), until);
        Ok(())
    }

    /// Up to which entry the log was surely taken in: what lies behind may have been, and may be said
    /// again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn applied(&self) -> Result<u64, Error> {
        self.inner.store.try_read(|tx| meta(tx, APPLIED))
    }
}

/// What events come to, over the state as it is.
struct Gathering<'t> {
    tx: &'t ReadTx,
    names: Numbering<'t>,
    batch: Changes,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Changes {
    entries: BTreeMap<u64, Vec<u8>>,
    /// How many of them are new.
    count: u64,
    persons: BTreeMap<[u8; 36], Vec<u8>>,
    unanswered: BTreeSet<[u8; 24]>,
    answered: BTreeSet<[u8; 24]>,
    vital: Vec<u64>,
    since: HashMap<u64, u64>,
    uses: Vec<(UseMark, [u8; 30])>,
    ends: Vec<[u8; 38]>,
}

/// The same with the names in it.
#[derive(Debug)]
struct Batch {
    names: NewNames,
    changes: Changes,
    uses: Vec<(UseMark, [u8; 30])>,
}

impl<'t> Gathering<'t> {
    fn new(tx: &'t ReadTx) -> Result<Self, Error> {
        Ok(Self {
            tx,
            names: Numbering::new(tx)?,
            batch: Changes::default(),
        })
    }

    fn asked(&mut self, asked: &Asked) -> Result<(), Error> {
        self.used(asked)?;
        let is_vital = asked.exchange.ground == Ground::Vital;
        if asked.persons.is_empty() && !is_vital {
            return Ok(());
        }
        let (ordinal, time) = (asked.ordinal, ordered(asked.time));
        let exchange = &asked.exchange;
        let entry = encode(asked, &mut self.names)?;
        let provider = self.names.client(exchange.service.provider())?;
        let batch = &mut self.batch;
        batch.count = batch.count.saturating_add(1);
        batch.entries.insert(ordinal, entry);
        let shown_from = asked.disclosure.shown_from();
        for person in &asked.persons {
            let key = person_key(*person, time, ordinal);
            batch.persons.insert(key, row(provider, shown_from));
        }
        let prefix = exchange_prefix(&exchange.client, &exchange.service, &exchange.message_id);
        batch.unanswered.insert(exchange_key(prefix, ordinal));
        if is_vital {
            batch.vital.push(ordinal);
        }
        let since = batch.since.entry(provider).or_insert(time);
        *since = time.min(*since);
        Ok(())
    }

    fn used(&mut self, asked: &Asked) -> Result<(), Error> {
        for mark in &asked.quotas {
            let mark = UseMark::from_bytes(*mark);
            let key = use_key(&mark.tail, Some(asked.time), asked.ordinal);
            if let Some(seconds) = mark.seconds_max() {
                // What ends after all times never ends.
                let end = jiff::SignedDuration::from_secs(seconds);
                if let Ok(end) = asked.time.checked_add(end) {
                    self.batch.ends.push(use_end_key(ordered(end), &key));
                }
            }
            self.batch.uses.push((mark, key));
        }
        Ok(())
    }

    /// The oldest unanswered request of this exchange has its answer.
    fn answered(&mut self, answered: &Answered) -> Result<(), Error> {
        let prefix = exchange_prefix(&answered.client, &answered.service, &answered.message_id);
        let Some(key) = self.oldest(prefix)? else {
            return Ok(());
        };
        let ordinal = last_number(&key)?;
        let batch = &mut self.batch;
        if !batch.unanswered.remove(&key) {
            batch.answered.insert(key);
        }
        let entry = match batch.entries.get_mut(&ordinal) {
            Some(entry) => entry,
            None => match self.tx.get(ENTRIES, ordinal_key(ordinal))? {
                Some(entry) => batch.entries.entry(ordinal).or_insert(entry),
                None => return Ok(()),
            },
        };
        set_outcome(entry, answered.outcome)
    }

    fn oldest(&self, prefix: [u8; 16]) -> Result<Option<[u8; 24]>, Error> {
        for pair in self.tx.prefix(UNANSWERED, prefix)? {
            let (key, _) = pair?;
            let key = <[u8; 24]>::try_from(key.as_slice()).map_err(|_| Error::Damaged)?;
            if !self.batch.answered.contains(&key) {
                return Ok(Some(key));
            }
        }
        let (first, last) = (exchange_key(prefix, 0), exchange_key(prefix, u64::MAX));
        Ok(self.batch.unanswered.range(first..=last).next().copied())
    }

    fn finish(mut self) -> Batch {
        let uses = std::mem::take(&mut self.batch.uses);
        Batch {
            names: self.names.finish(),
            changes: self.batch,
            uses,
        }
    }
}

impl Batch {
    fn is_nothing(&self) -> bool {
        self.uses.is_empty() && self.changes.entries.is_empty() && self.changes.answered.is_empty()
    }

    fn write(&self, tx: &WriteTx<'_>, until: u64) -> Result<(), Error> {
        let changes = &self.changes;
        self.names.write(tx)?;
        let entries = changes.entries.iter();
        tx.put_all(
            ENTRIES,
            entries.map(|(ordinal, entry)| (ordinal_key(*ordinal), entry)),
        )?;
        tx.put_all(PERSONS, &changes.persons)?;
        tx.put_all(UNANSWERED, changes.unanswered.iter().map(|key| (key, [])))?;
        tx.delete_all(UNANSWERED, &changes.answered)?;
        let vital = changes.vital.iter();
        tx.put_all(VITAL, vital.map(|ordinal| (ordinal_key(*ordinal), [])))?;
        add(tx, COUNT, changes.count)?;
        let vital = u64::try_from(changes.vital.len()).unwrap_or(u64::MAX);
        add(tx, VITAL_COUNT, vital)?;
        for (provider, time) in &changes.since {
            let key = provider.to_be_bytes();
            let before = tx.get(SINCE, key)?.map(|time| number(&time)).transpose()?;
            let since = before.map_or(*time, |before| before.min(*time));
            tx.put(SINCE, key, since.to_be_bytes())?;
        }
        let uses = self.uses.iter();
        tx.put_all(USES, uses.map(|(mark, key)| (key, [mark.class, mark.key])))?;
        tx.put_all(USE_ENDS, changes.ends.iter().map(|key| (key, [])))?;
        let mut under: BTreeMap<u8, u64> = BTreeMap::new();
        for (mark, _) in &self.uses {
            let count = under.entry(mark.key).or_default();
            *count = count.saturating_add(1);
        }
        for (key, new) in under {
            let before = tx.get(USE_KEYS, [key])?;
            let before = before.map_or(Ok(0), |count| number(&count))?;
            tx.put(USE_KEYS, [key], before.saturating_add(new).to_be_bytes())?;
        }
        set_meta(tx, APPLIED, until)
    }
}

fn add(tx: &WriteTx<'_>, name: &str, more: u64) -> Result<(), Error> {
    match more {
        0 => Ok(()),
        more => set_meta(tx, name, meta_now(tx, name)?.saturating_add(more)),
    }
}

/// So many entries of the log that say nothing of persons are read again after a crash, at most.
const QUIET_MAX: u64 = 10_000;
