//! What has been kept long enough: entries, uses that no longer count, keys that nothing is under.

use std::collections::BTreeMap;

use gateway_store::tree::{ReadTx, WriteTx};
use jiff::Timestamp;

use crate::coding::{Entry, decode, time_in};
use crate::keys::octet_of;
use crate::names::Names;
use crate::trees::{
    COUNT, ENTRIES, ERASED_BEFORE, META, PERSONS, UNANSWERED, USE_ENDS, USE_KEYS, USES, VITAL,
    exchange_key, exchange_prefix, last_number, meta_now, number, ordered, ordinal_key, person_key,
    person_prefix, set_meta,
};
use crate::{Error, Journal, PersonMark};

impl Journal {
    /// Erases entries older than `time`, at most `max`: call it again until it tells fewer. A notice
    /// of an erased use is no longer sent. Blocks.
    ///
    /// # Errors
    /// The store cannot be read or written; then nothing was erased.
    pub fn erase_before(&self, time: Timestamp, max: usize) -> Result<usize, Error> {
        let _one = self.inner.writing();
        let bound = ordered(time);
        let store = &self.inner.store;
        let old = store.try_read(|tx| old_entries(tx, bound, max))?;
        store.try_write(|tx| {
            for entry in &old {
                erase(tx, entry)?;
            }
            let erased = u64::try_from(old.len()).unwrap_or(u64::MAX);
            let left = meta_now(tx, COUNT)?.saturating_sub(erased);
            set_meta(tx, COUNT, left)?;
            let before = tx.get(META, ERASED_BEFORE)?;
            let before = before.map_or(Ok(0), |before| number(&before))?;
            set_meta(tx, ERASED_BEFORE, before.max(bound))
        })?;
        Ok(old.len())
    }

    /// Forgets uses that no quota can count any more, at most `max`: call it again until it tells
    /// fewer. Blocks.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn prune_uses(&self, now: Timestamp, max: usize) -> Result<usize, Error> {
        let _one = self.inner.writing();
        let store = &self.inner.store;
        let ended: Vec<(Vec<u8>, Option<u8>)> = store.try_read(|tx| {
            let end = ordered(now).to_be_bytes();
            let mut ended = Vec::new();
            for pair in tx.range(USE_ENDS, ..end.as_slice())?.take(max) {
                let (key, _) = pair?;
                let (_, use_key) = key.split_at_checked(8).ok_or(Error::Damaged)?;
                let value = tx.get(USES, use_key)?;
                let key_octet = value.and_then(|value| value.get(1).copied());
                ended.push((key, key_octet));
            }
            Ok::<_, Error>(ended)
        })?;
        if ended.is_empty() {
            return Ok(0);
        }
        store.try_write(|tx| forget_uses(tx, &ended))?;
        Ok(ended.len())
    }

    /// The numbers of keys that are not current and that no entry and no use is under. What the log
    /// says and was not taken in yet may still be under them. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn unused_keys(&self) -> Result<Vec<u32>, Error> {
        let keys = self.inner.keys();
        let old = keys.all().split_last().map_or(&[][..], |(_, old)| old);
        self.inner.store.try_read(|tx| {
            let mut unused = Vec::new();
            for (number, _) in old {
                if !is_used(tx, *number)? {
                    unused.push(*number);
                }
            }
            Ok(unused)
        })
    }
}

/// Entries older than the bound. Numbers grow with time, but for clocks that are set back: those
/// that are not old are passed over, as long as they are not many.
fn old_entries(tx: &ReadTx, bound: u64, max: usize) -> Result<Vec<Entry>, Error> {
    let mut names = Names::new(tx);
    let mut old = Vec::new();
    let mut passed = 0_usize;
    for pair in tx.iter(ENTRIES)? {
        if old.len() >= max || passed >= PASSED_MAX {
            break;
        }
        let (key, value) = pair?;
        if time_in(&value)? < bound {
            old.push(decode(last_number(&key)?, &value, &mut names)?);
        } else {
            passed = passed.saturating_add(1);
        }
    }
    Ok(old)
}

fn erase(tx: &WriteTx<'_>, entry: &Entry) -> Result<(), Error> {
    let usage = &entry.usage;
    let (ordinal, exchange) = (usage.ordinal, &usage.exchange);
    let rows = entry.persons.iter();
    tx.delete_all(
        PERSONS,
        rows.map(|person| person_key(*person, entry.time, ordinal)),
    )?;
    let prefix = exchange_prefix(&exchange.client, &exchange.service, &exchange.message_id);
    tx.delete(UNANSWERED, exchange_key(prefix, ordinal))?;
    tx.delete(VITAL, ordinal_key(ordinal))?;
    tx.delete(ENTRIES, ordinal_key(ordinal))?;
    Ok(())
}

fn forget_uses(tx: &WriteTx<'_>, ended: &[(Vec<u8>, Option<u8>)]) -> Result<(), Error> {
    tx.delete_all(USE_ENDS, ended.iter().map(|(key, _)| key))?;
    let uses = ended.iter();
    tx.delete_all(USES, uses.filter_map(|(key, _)| key.get(8..)))?;
    let mut under: BTreeMap<u8, u64> = BTreeMap::new();
    for octet in ended.iter().filter_map(|(_, octet)| *octet) {
        let count = under.entry(octet).or_default();
        *count = count.saturating_add(1);
    }
    for (octet, gone) in under {
        let before = tx.get(USE_KEYS, [octet])?;
        let before = before.map_or(Ok(0), |count| number(&count))?;
        match before.saturating_sub(gone) {
            0 => drop(tx.delete(USE_KEYS, [octet])?),
            left => tx.put(USE_KEYS, [octet], left.to_be_bytes())?,
        }
    }
    Ok(())
}

fn is_used(tx: &ReadTx, key: u32) -> Result<bool, Error> {
    if tx.contains(USE_KEYS, [octet_of(key)])? {
        return Ok(true);
    }
    let (first, last) = ([0x00; 16], [0xff; 16]);
    let prefix = |mark| person_prefix(PersonMark { key, mark });
    let (first, mut last) = (prefix(first).to_vec(), prefix(last).to_vec());
    // Longer than any key that begins with it.
    last.resize(64, 0xff);
    let mut rows = tx.range(PERSONS, first.as_slice()..=last.as_slice())?;
    Ok(rows.next().transpose()?.is_some())
}

/// How many entries that are not old yet are looked at for older ones behind them.
const PASSED_MAX: usize = 10_000;
