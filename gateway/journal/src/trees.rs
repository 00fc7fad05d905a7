//! What stands in the file, and under which keys.
//!
//! ```text
//! tree       key                                            value
//! meta       name                                           a number, or a time
//! names      number                                         kind, text: the dictionary of entries
//! numbers    kind, text                                     number
//! entries    ordinal                                        an entry, without names (`coding`)
//! persons    key number, mark, time ↓, ordinal ↓            provider's name, shown from
//! unanswered hash of client, service, message id; ordinal   nothing
//! vital      ordinal                                        nothing: notices not acknowledged yet
//! since      provider's name                                time of its first entry
//! uses       tail, time, ordinal                            class, lowest octet of the key's number
//! use_ends   end, tail, time, ordinal                       nothing
//! use_keys   lowest octet of a key's number                 how many uses are under it
//! ```
//!
//! Numbers are big-endian, so that keys sort as they do; `↓` marks what is sorted the other way round.

use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::{ClientId, ServiceId};
use gateway_store::tree::{ReadTx, Tree, WriteTx};
use jiff::Timestamp;

use crate::Error;
use crate::keys::{PersonMark, Tail};

pub(crate) const META: Tree = Tree::new("meta");
pub(crate) const NAMES: Tree = Tree::new("names");
pub(crate) const NUMBERS: Tree = Tree::new("numbers");
pub(crate) const ENTRIES: Tree = Tree::new("entries");
pub(crate) const PERSONS: Tree = Tree::new("persons");
pub(crate) const UNANSWERED: Tree = Tree::new("unanswered");
pub(crate) const VITAL: Tree = Tree::new("vital");
pub(crate) const SINCE: Tree = Tree::new("since");
pub(crate) const USES: Tree = Tree::new("uses");
pub(crate) const USE_ENDS: Tree = Tree::new("use_ends");
pub(crate) const USE_KEYS: Tree = Tree::new("use_keys");

/// How far the log was taken in.
pub(crate) const APPLIED: &str = "applied";
/// How many entries there are.
pub(crate) const COUNT: &str = "count";
/// How many vital uses there were ever.
pub(crate) const VITAL_COUNT: &str = "vital";
/// Everything before this time was erased.
pub(crate) const ERASED_BEFORE: &str = "erased_before";
/// The next number of the dictionary.
pub(crate) const NEXT_NAME: &str = "next_name";

/// A time as a number that sorts as it does. Microseconds.
pub(crate) fn ordered(time: Timestamp) -> u64 {
    time.as_microsecond().cast_unsigned() ^ SIGN
}

pub(crate) fn time_of(ordered: u64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond((ordered ^ SIGN).cast_signed()).map_err(|_| Error::Damaged)
}

pub(crate) fn ordinal_key(ordinal: u64) -> [u8; 8] {
    ordinal.to_be_bytes()
}

/// The rows of one person under one key.
pub(crate) fn person_prefix(mark: PersonMark) -> [u8; 20] {
    let mut key = [0; 20];
    fill(&mut key, &[&mark.key.to_be_bytes(), &mark.mark]);
    key
}

pub(crate) fn person_key(mark: PersonMark, time: u64, ordinal: u64) -> [u8; 36] {
    let mut key = [0; 36];
    fill(
        &mut key,
        &[
            &person_prefix(mark),
            &(!time).to_be_bytes(),
            &(!ordinal).to_be_bytes(),
        ],
    );
    key
}

/// Time and ordinal of a person's row.
pub(crate) fn of_person_key(key: &[u8]) -> Result<(u64, u64), Error> {
    let (_, rest) = key.split_at_checked(20).ok_or(Error::Damaged)?;
    let (time, ordinal) = rest.split_at_checked(8).ok_or(Error::Damaged)?;
    Ok((!number(time)?, !number(ordinal)?))
}

/// `None`: the first of all times.
pub(crate) fn use_key(tail: &Tail, time: Option<Timestamp>, ordinal: u64) -> [u8; 30] {
    let mut key = [0; 30];
    let time = time.map_or(0, ordered);
    fill(
        &mut key,
        &[tail, &time.to_be_bytes(), &ordinal.to_be_bytes()],
    );
    key
}

pub(crate) fn use_ordinal(key: &[u8]) -> Result<u64, Error> {
    let (_, ordinal) = key.split_at_checked(22).ok_or(Error::Damaged)?;
    number(ordinal)
}

pub(crate) fn use_end_key(end: u64, use_key: &[u8; 30]) -> [u8; 38] {
    let mut key = [0; 38];
    fill(&mut key, &[&end.to_be_bytes(), use_key]);
    key
}

/// Exchanges that answers are matched to.
pub(crate) fn exchange_prefix(client: &ClientId, service: &ServiceId, id: &str) -> [u8; 16] {
    let mut said = Vec::new();
    for text in [&client.to_rest(), &service.to_rest(), id] {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        said.extend(length.to_be_bytes());
        said.extend(text.as_bytes());
    }
    let digest = Digest::of(DigestAlgorithm::Sha256, &said);
    let mut key = [0; 16];
    fill(&mut key, &[digest.as_bytes()]);
    key
}

pub(crate) fn exchange_key(prefix: [u8; 16], ordinal: u64) -> [u8; 24] {
    let mut key = [0; 24];
    fill(&mut key, &[&prefix, &ordinal.to_be_bytes()]);
    key
}

/// The ordinal at the end of a key.
pub(crate) fn last_number(key: &[u8]) -> Result<u64, Error> {
    key.last_chunk()
        .map(|octets| u64::from_be_bytes(*octets))
        .ok_or(Error::Damaged)
}

/// A number of the state; `0` when it was never set.
pub(crate) fn meta(tx: &ReadTx, name: &str) -> Result<u64, Error> {
    tx.get(META, name)?
        .map_or(Ok(0), |value| number(value.as_slice()))
}

/// The same, of a change being made.
pub(crate) fn meta_now(tx: &WriteTx<'_>, name: &str) -> Result<u64, Error> {
    tx.get(META, name)?
        .map_or(Ok(0), |value| number(value.as_slice()))
}

pub(crate) fn set_meta(tx: &WriteTx<'_>, name: &str, value: u64) -> Result<(), Error> {
    Ok(tx.put(META, name, value.to_be_bytes())?)
}

pub(crate) fn number(octets: &[u8]) -> Result<u64, Error> {
    <[u8; 8]>::try_from(octets)
        .map(u64::from_be_bytes)
        .map_err(|_| Error::Damaged)
}

/// Parts one behind the other; what does not fit is left out.
fn fill(key: &mut [u8], parts: &[&[u8]]) {
    let octets = parts.iter().flat_map(|part| part.iter());
    key.iter_mut()
        .zip(octets)
        .for_each(|(to, from)| *to = *from);
}

const SIGN: u64 = 1 << 63;
