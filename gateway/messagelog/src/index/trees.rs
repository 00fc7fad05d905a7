//! What stands in the file of the index, and how it is asked.
//!
//! | tree | key | value |
//! |---|---|---|
//! | `by-ordinal` | ordinal | segment, offset, kind |
//! | `by-message`, `by-request`, `by-client`, `by-service` | length and text, ordinal | segment, offset |
//! | `by-time` | seconds, ordinal | segment, offset |
//! | `by-body` | name of a file | ordinal of the entry that names it |
//! | `stamps` | last message covered | first message covered; ordinal, segment, offset of the stamp |
//! | `unread` | ordinal | segment, offset of an entry that could not be read |
//! | `purged` | segment that was erased | nothing: none of its entries stands here any more |
//! | `meta` | `format`, `indexed` | version; how far this goes, and a digest of what stands there |

use std::ops::RangeInclusive;

use gateway_proto::id::{ClientId, ServiceId};
use gateway_store::segment::Position;
use gateway_store::tree::{Pairs, ReadTx, Store, Tree};
use jiff::Timestamp;

use crate::Error;
use crate::record::{Keys, Kind};
use crate::stamps::Oldest;

type StoreResult<T> = Result<T, gateway_store::Error>;

/// A place with what is known of the entry there; `None`: it could not be read.
pub(super) type Indexed = (Position, Option<Keys>);

/// A place with the SHA-256 of the stored bytes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) position: Position,
    pub(crate) digest: [u8; 32],
}

/// How far time-stamping had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) stamped_until: u64,
    pub(super) unstamped: u64,
    /// The first of them.
    pub(super) oldest: Option<Oldest>,
}

/// A stretch of entries that was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) segment: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Stretch {
    pub(crate) fn holds(&self, ordinal: u64) -> bool {
        (self.first..=self.last).contains(&ordinal)
    }
}

/// The places of all entries with this query id or REST request id, in order.
pub(crate) fn by_id(tx: &ReadTx, id: &str) -> StoreResult<Vec<Position>> {
    let mut found = with_prefix(tx, BY_MESSAGE, &text_prefix(id))?;
    found.extend(with_prefix(tx, BY_REQUEST, &text_prefix(id))?);
    Ok(in_order(found))
}

/// The places of all entries of this client, in order; `None`: there are more than `max`.
pub(crate) fn by_client(tx: &ReadTx, client: &ClientId, max: usize) -> StoreResult<Option<Places>> {
    bounded(tx.prefix(BY_CLIENT, text_prefix(&client.to_string()))?, max)
}

/// The places of all entries for this service, in order; `None`: there are more than `max`.
pub(crate) fn by_service(
    tx: &ReadTx,
    service: &ServiceId,
    max: usize,
) -> StoreResult<Option<Places>> {
    bounded(
        tx.prefix(BY_SERVICE, text_prefix(&service.to_string()))?,
        max,
    )
}

/// The places of all entries of these times, by seconds, both included, in order; `None`: there are
/// more than `max`.
pub(crate) fn by_time(
    tx: &ReadTx,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    max: usize,
) -> StoreResult<Option<Places>> {
    let first = time_prefix(from.unwrap_or(Timestamp::MIN));
    let mut last = time_prefix(until.unwrap_or(Timestamp::MAX));
    if last < first {
        return Ok(Some(Vec::new()));
    }
    last.extend_from_slice(&u64::MAX.to_be_bytes());
    bounded(tx.range(BY_TIME, first.as_slice()..=last.as_slice())?, max)
}

type Places = Vec<Position>;

fn bounded(pairs: Pairs, max: usize) -> StoreResult<Option<Places>> {
    let mut found = Vec::new();
    for pair in pairs {
        let (key, value) = pair?;
        if found.len() >= max {
            return Ok(None);
        }
        found.extend(position_of(&key, &value));
    }
    Ok(Some(in_order(found)))
}

/// The place of the entry of this number.
pub(crate) fn at(tx: &ReadTx, ordinal: u64) -> StoreResult<Option<Position>> {
    let key = ordinal.to_be_bytes();
    let value = tx.get(BY_ORDINAL, key)?;
    Ok(value.and_then(|value| place_of(&key, &value)))
}

/// The place of the last known entry up to this number.
pub(crate) fn at_or_before(tx: &ReadTx, ordinal: u64) -> StoreResult<Option<Position>> {
    let last = ordinal.to_be_bytes();
    match tx.range(BY_ORDINAL, ..=last.as_slice())?.next_back() {
        None => Ok(None),
        Some(pair) => {
            let (key, value) = pair?;
            Ok(place_of(&key, &value))
        }
    }
}

/// The place of the time stamp whose stretch this message is in.
pub(crate) fn stamp_over(tx: &ReadTx, ordinal: u64) -> StoreResult<Option<Position>> {
    let first = ordinal.to_be_bytes();
    match tx.range(STAMPS, first.as_slice()..)?.next() {
        None => Ok(None),
        Some(pair) => {
            let (_, value) = pair?;
            Ok(decode_stamp(&value)
                .filter(|(first, _)| *first <= ordinal)
                .map(|(_, position)| position))
        }
    }
}

/// Whether an entry names this file.
pub(crate) fn names_body(tx: &ReadTx, name: &str) -> StoreResult<bool> {
    tx.contains(BY_BODY, name)
}

/// How far time-stamping had come when the last entry was `last`. All messages in erased segments,
/// and before them, were stamped. The oldest is the first whose time can be told.
pub(super) fn standing(
    tx: &ReadTx,
    last: u64,
    erased_until: u64,
    mut time_at: impl FnMut(Position) -> Result<Option<Timestamp>, Error>,
) -> Result<Standing, Error> {
    let stamped_until = match tx.iter(STAMPS)?.next_back() {
        None => 0,
        Some(pair) => ordinal_of(&pair?.0).unwrap_or(0),
    };
    let mut standing = Standing {
        stamped_until: stamped_until.max(erased_until),
        ..Standing::default()
    };
    let Some(next) = standing.stamped_until.checked_add(1) else {
        return Ok(standing);
    };
    if next > last {
        return Ok(standing);
    }
    let (next, last) = (next.to_be_bytes(), last.to_be_bytes());
    for pair in tx.range(BY_ORDINAL, next.as_slice()..=last.as_slice())? {
        let (key, value) = pair?;
        if value.last() != Some(&KIND_MESSAGE) {
            continue;
        }
        standing.unstamped = standing.unstamped.saturating_add(1);
        if standing.oldest.is_none()
            && standing.unstamped <= TIMES_MAX
            && let Some(position) = place_of(&key, &value)
        {
            let ordinal = position.ordinal;
            let time = time_at(position)?;
            standing.oldest = time.map(|time| Oldest { ordinal, time });
        }
    }
    Ok(standing)
}

/// How many messages are known among these entries.
pub(super) fn messages_in(tx: &ReadTx, entries: &RangeInclusive<u64>) -> StoreResult<u64> {
    let (first, last) = (entries.start().to_be_bytes(), entries.end().to_be_bytes());
    let mut messages = 0_u64;
    for pair in tx.range(BY_ORDINAL, first.as_slice()..=last.as_slice())? {
        if pair?.1.last() == Some(&KIND_MESSAGE) {
            messages = messages.saturating_add(1);
        }
    }
    Ok(messages)
}

/// The first of the entries that could not be read.
pub(super) fn first_unread(tx: &ReadTx) -> StoreResult<Option<Position>> {
    match tx.iter(UNREAD)?.next() {
        None => Ok(None),
        Some(pair) => {
            let (key, value) = pair?;
            Ok(position_of(&key, &value))
        }
    }
}

/// How far the index goes; `None`: it is empty.
pub(crate) fn indexed(tx: &ReadTx) -> StoreResult<Option<Result<Mark, NotOurs>>> {
    let format = tx.get(META, FORMAT)?;
    let Some(value) = tx.get(META, INDEXED)? else {
        // Older ones have no format; there is nothing to lose in one without entries.
        let known = format.is_none() || format.as_deref() == Some(&[FORMAT_NOW]);
        return Ok((!known).then_some(Err(NotOurs)));
    };
    if format.as_deref() != Some(&[FORMAT_NOW]) {
        return Ok(Some(Err(NotOurs)));
    }
    let mark = || {
        let (position, digest) = value.split_at_checked(POSITION_BYTES)?;
        Some(Mark {
            position: decode_position(position)?,
            digest: digest.try_into().ok()?,
        })
    };
    Ok(Some(mark().ok_or(NotOurs)))
}

/// An index of another form.
#[derive(Debug)]
pub(crate) struct NotOurs;

/// Writes entries and how far the index goes, together.
pub(super) fn write(store: &Store, entries: &[Indexed], last: &Mark) -> Result<(), Error> {
    store.write(|tx| {
        for (tree, key) in KEYS_OF_TREES {
            let mut pairs: Vec<_> = entries
                .iter()
                .filter_map(|(position, keys)| Some((key(keys.as_ref()?)?, position)))
                .map(|(key, position)| (with_ordinal(key, position.ordinal), place(position)))
                .collect();
            pairs.sort_unstable();
            tx.put_all(tree, pairs)?;
        }
        let by_ordinal = entries.iter().map(|(position, keys)| {
            let mut value = place(position);
            value.push(kind_code(keys.as_ref()));
            (position.ordinal.to_be_bytes(), value)
        });
        tx.put_all(BY_ORDINAL, by_ordinal)?;
        let unread = entries.iter().filter(|(_, keys)| keys.is_none());
        tx.put_all(
            UNREAD,
            unread.map(|(position, _)| (position.ordinal.to_be_bytes(), place(position))),
        )?;
        for (position, keys) in entries {
            let Some(keys) = keys else { continue };
            if let Kind::Stamp { first, last } = keys.kind {
                tx.put(STAMPS, last.to_be_bytes(), encode_stamp(first, position))?;
            }
            for body in &keys.bodies {
                tx.put(BY_BODY, body, position.ordinal.to_be_bytes())?;
            }
        }
        let mut indexed = encode_position(&last.position);
        indexed.extend_from_slice(&last.digest);
        tx.put(META, INDEXED, &indexed)?;
        tx.put(META, FORMAT, [FORMAT_NOW])
    })?;
    Ok(())
}

/// Removes the entries of an erased segment, whose keys are known.
pub(super) fn purge(store: &Store, stretch: Stretch, entries: &[Indexed]) -> Result<(), Error> {
    store.write(|tx| {
        for (tree, key) in KEYS_OF_TREES {
            let keys = entries.iter().filter_map(|(position, keys)| {
                Some(with_ordinal(key(keys.as_ref()?)?, position.ordinal))
            });
            tx.delete_all(tree, keys)?;
        }
        for tree in [BY_ORDINAL, UNREAD] {
            let ordinals = entries.iter().map(|(position, _)| position.ordinal);
            tx.delete_all(tree, ordinals.map(u64::to_be_bytes))?;
        }
        let keys = entries.iter().filter_map(|(_, keys)| keys.as_ref());
        let stamps = keys.clone().filter_map(|keys| match keys.kind {
            Kind::Stamp { last, .. } => Some(last.to_be_bytes()),
            Kind::Message | Kind::Refusal => None,
        });
        tx.delete_all(STAMPS, stamps)?;
        tx.delete_all(BY_BODY, keys.flat_map(|keys| &keys.bodies))?;
        tx.put(PURGED, stretch.segment.to_be_bytes(), [])
    })?;
    Ok(())
}

/// Removes what a process that died left of erased segments: looks at every key.
pub(super) fn sweep(
    store: &Store,
    erased: &[Stretch],
    is_ending: impl Fn() -> bool,
) -> Result<(), Error> {
    let left = store.read(|tx| unpurged(tx, erased))?;
    if left.is_empty() {
        return Ok(());
    }
    let trees = KEYS_OF_TREES.iter().map(|(tree, _)| (*tree, Held::Key));
    let others = [
        (BY_ORDINAL, Held::Key),
        (UNREAD, Held::Key),
        (STAMPS, Held::StampValue),
        (BY_BODY, Held::Value),
    ];
    for (tree, held) in trees.chain(others) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            if is_ending() {
                return Err(Error::Interrupted);
            }
            let (gone, last) = store.read(|tx| held_in(tx, tree, held, after.as_deref(), &left))?;
            store.write(|tx| tx.delete_all(tree, &gone))?;
            match last {
                None => break,
                Some(last) => after = Some(last),
            }
        }
    }
    store.write(|tx| {
        let segments = left.iter().map(|stretch| stretch.segment.to_be_bytes());
        tx.put_all(PURGED, segments.map(|segment| (segment, [])))
    })?;
    Ok(())
}

/// Those of these erased segments that may have left something.
pub(super) fn unpurged(tx: &ReadTx, erased: &[Stretch]) -> StoreResult<Vec<Stretch>> {
    let mut left = Vec::new();
    for stretch in erased {
        if !tx.contains(PURGED, stretch.segment.to_be_bytes())? {
            left.push(*stretch);
        }
    }
    Ok(left)
}

/// Where a pair holds the ordinal of its entry.
#[derive(Clone, Copy)]
enum Held {
    Key,
    Value,
    StampValue,
}

/// Keys of these stretches among the next ones, and the last key looked at if more may follow.
type KeysHeld = (Vec<Vec<u8>>, Option<Vec<u8>>);

fn held_in(
    tx: &ReadTx,
    tree: Tree,
    held: Held,
    after: Option<&[u8]>,
    stretches: &[Stretch],
) -> StoreResult<KeysHeld> {
    use std::ops::Bound;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut gone = Vec::new();
    let mut last = None;
    let pairs = tx.range(tree, (start, Bound::Unbounded))?;
    for (seen, pair) in pairs.enumerate() {
        if seen >= SWEEP_KEYS {
            return Ok((gone, last));
        }
        let (key, value) = pair?;
        let ordinal = match held {
            Held::Key => ordinal_of(&key),
            Held::Value => ordinal_of(&value),
            Held::StampValue => decode_stamp(&value).map(|(_, position)| position.ordinal),
        };
        let is_gone = ordinal.is_some_and(|ordinal| {
            let mut stretches = stretches.iter();
            stretches.any(|stretch| stretch.holds(ordinal))
        });
        last = Some(key.clone());
        if is_gone {
            gone.push(key);
        }
    }
    Ok((gone, None))
}

fn with_prefix(tx: &ReadTx, tree: Tree, prefix: &[u8]) -> StoreResult<Vec<Position>> {
    let mut found = Vec::new();
    for pair in tx.prefix(tree, prefix)? {
        let (key, value) = pair?;
        found.extend(position_of(&key, &value));
    }
    Ok(found)
}

fn in_order(mut positions: Vec<Position>) -> Vec<Position> {
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// A text as the first part of a key: no key of another text begins with it. Very long texts share
/// keys; whoever looks them up compares the entries.
fn text_prefix(text: &str) -> Vec<u8> {
    let text = text.as_bytes();
    let kept = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
    let mut key = u16::try_from(kept.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes()
        .to_vec();
    key.extend_from_slice(kept);
    key
}

fn time_prefix(time: Timestamp) -> Vec<u8> {
    // Seconds in the order of numbers, also before 1970.
    let seconds = time.as_second().wrapping_sub(i64::MIN).cast_unsigned();
    seconds.to_be_bytes().to_vec()
}

fn with_ordinal(mut key: Vec<u8>, ordinal: u64) -> Vec<u8> {
    key.extend_from_slice(&ordinal.to_be_bytes());
    key
}

fn place(position: &Position) -> Vec<u8> {
    [position.segment, position.offset]
        .map(u64::to_be_bytes)
        .concat()
}

/// Of a key that ends with the ordinal.
fn position_of(key: &[u8], value: &[u8]) -> Option<Position> {
    let (segment, offset) = value.split_first_chunk()?;
    Some(Position {
        ordinal: ordinal_of(key)?,
        segment: u64::from_be_bytes(*segment),
        offset: u64::from_be_bytes(offset.try_into().ok()?),
    })
}

/// Of a value that ends with the kind.
fn place_of(key: &[u8], value: &[u8]) -> Option<Position> {
    let (_, place) = value.split_last()?;
    position_of(key, place)
}

fn ordinal_of(bytes: &[u8]) -> Option<u64> {
    let (_, ordinal) = bytes.split_last_chunk()?;
    Some(u64::from_be_bytes(*ordinal))
}

fn encode_stamp(first: u64, position: &Position) -> Vec<u8> {
    let mut value = first.to_be_bytes().to_vec();
    value.extend_from_slice(&encode_position(position));
    value
}

fn decode_stamp(value: &[u8]) -> Option<(u64, Position)> {
    let (first, position) = value.split_first_chunk()?;
    Some((u64::from_be_bytes(*first), decode_position(position)?))
}

fn encode_position(position: &Position) -> Vec<u8> {
    [position.ordinal, position.segment, position.offset]
        .map(u64::to_be_bytes)
        .concat()
}

fn decode_position(bytes: &[u8]) -> Option<Position> {
    let (ordinal, rest) = bytes.split_first_chunk()?;
    let (segment, offset) = rest.split_first_chunk()?;
    Some(Position {
        ordinal: u64::from_be_bytes(*ordinal),
        segment: u64::from_be_bytes(*segment),
        offset: u64::from_be_bytes(offset.try_into().ok()?),
    })
}

fn kind_code(keys: Option<&Keys>) -> u8 {
    match keys.map(|keys| keys.kind) {
        Some(Kind::Message) => KIND_MESSAGE,
        Some(Kind::Refusal) => 1,
        Some(Kind::Stamp { .. }) => 2,
        None => u8::MAX,
    }
}

type KeyOf = fn(&Keys) -> Option<Vec<u8>>;

const BY_ORDINAL: Tree = Tree::new("by-ordinal");
const BY_MESSAGE: Tree = Tree::new("by-message");
const BY_REQUEST: Tree = Tree::new("by-request");
const BY_TIME: Tree = Tree::new("by-time");
const BY_CLIENT: Tree = Tree::new("by-client");
const BY_SERVICE: Tree = Tree::new("by-service");
const BY_BODY: Tree = Tree::new("by-body");
const STAMPS: Tree = Tree::new("stamps");
const UNREAD: Tree = Tree::new("unread");
const PURGED: Tree = Tree::new("purged");
const META: Tree = Tree::new("meta");
const INDEXED: &str = "indexed";
const FORMAT: &str = "format";
/// An index of another format is built anew.
const FORMAT_NOW: u8 = 2;
const KIND_MESSAGE: u8 = 0;
/// In so many damaged messages a readable one is looked for.
const TIMES_MAX: u64 = 1000;

const KEYS_OF_TREES: [(Tree, KeyOf); 5] = [
    (BY_MESSAGE, |keys| {
        keys.message_id.as_deref().map(text_prefix)
    }),
    (BY_REQUEST, |keys| {
        keys.request_id.as_deref().map(text_prefix)
    }),
    (BY_TIME, |keys| Some(time_prefix(keys.time))),
    (BY_CLIENT, |keys| {
        keys.client
            .as_ref()
            .map(|client| text_prefix(&client.to_string()))
    }),
    (BY_SERVICE, |keys| {
        keys.service
            .as_ref()
            .map(|service| text_prefix(&service.to_string()))
    }),
];

const POSITION_BYTES: usize = 24;
const TEXT_BYTES_MAX: usize = 512;
/// How many keys are looked at in one transaction.
const SWEEP_KEYS: usize = 10_000;

#[cfg(test)]
mod tests;
