//! Persons under keyed hashes, and marking them anew when the keys change.
//!
//! The desk holds the keys of persons, sealed, so it can mark them anew without being told them.
//! While older entries are left, look-ups try every key.

use std::collections::BTreeSet;
use std::ops::Bound;

use certs_keys::SecretKey;
use gateway_policy::person::{KeyKind, PersonKey};
use gateway_proto::id::ClientId;
use gateway_store::tree::{ReadTx, Tree};
use uuid::Uuid;

use crate::trees::{self, BY_PERSON, WAITING};
use crate::{Desk, Error, HashKeys, consent};

/// The beginning of keys about a person: number of the hash key, mark.
pub(crate) type Mark = [u8; 20];

/// A person.
pub(crate) fn person((number, key): &(u32, SecretKey), person: &PersonKey) -> Mark {
    mark(
        *number,
        key,
        &[b"person\0".as_slice(), &octets(person)].concat(),
    )
}

/// A person whom a consumer waits for.
pub(crate) fn waiting(
    (number, key): &(u32, SecretKey),
    person: &PersonKey,
    consumer: &ClientId,
) -> Mark {
    let consumer = trees::client(consumer);
    let contents = [b"waiting\0".as_slice(), &consumer, &octets(person)].concat();
    mark(*number, key, &contents)
}

/// HKDF-SHA-256 under the key, with what is marked as its purpose: 16 octets.
fn mark(number: u32, key: &SecretKey, contents: &[u8]) -> Mark {
    let mut mark = [0; 20];
    let hash = key.fingerprint(&[b"karvan consent desk: ".as_slice(), contents].concat());
    let octets = number.to_be_bytes().into_iter().chain(hash);
    mark.iter_mut()
        .zip(octets)
        .for_each(|(to, from)| *to = from);
    mark
}

/// Kind and value; the value comes last and needs no length.
fn octets(person: &PersonKey) -> Vec<u8> {
    let kind = match person.kind() {
        KeyKind::Fin => 0,
        KeyKind::Voen => 1,
        KeyKind::IdentityCard => 2,
        KeyKind::DrivingLicence => 3,
        KeyKind::BirthCertificate => 4,
        KeyKind::Diploma => 5,
        KeyKind::Protocol => 6,
        KeyKind::Document => 7,
    };
    [&[kind], person.reveal().as_bytes()].concat()
}

/// The numbers of the hash keys under which persons are found.
pub(crate) fn numbers(tx: &ReadTx) -> Result<BTreeSet<u32>, Error> {
    let mut numbers = BTreeSet::new();
    for tree in [BY_PERSON, WAITING] {
        let mut from = Some(0_u32);
        while let Some(at_least) = from {
            let bound = at_least.to_be_bytes();
            let found = tx.range(tree, bound.as_slice()..)?.next().transpose()?;
            from = match found {
                Some((key, _)) => {
                    let number = number_of(&key, tree)?;
                    numbers.insert(number);
                    number.checked_add(1)
                }
                None => None,
            };
        }
    }
    Ok(numbers)
}

fn number_of(key: &[u8], tree: Tree) -> Result<u32, Error> {
    key.first_chunk::<4>()
        .map(|octets| u32::from_be_bytes(*octets))
        .ok_or(Error::Row { tree: tree.name() })
}

impl Desk {
    /// Marks some of what is found under older hash keys anew, under the current one; tells how
    /// many consents it were. At 0 the older keys may be dropped.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remark(&self, count_max: usize) -> Result<usize, Error> {
        let ids: BTreeSet<Uuid> = self
            .store
            .try_read(|tx| under_older(tx, &self.keys.hash, count_max))?;
        if ids.is_empty() {
            return Ok(0);
        }
        self.store.try_write(|tx| {
            for id in &ids {
                let row = consent::load(tx, &self.vault, *id)?;
                // Rows and what points to them change in one transaction.
                let row = row.ok_or(Error::Row {
                    tree: BY_PERSON.name(),
                })?;
                consent::point(tx, &self.keys.hash, Some(&row), Some(&row))?;
            }
            Ok::<_, Error>(ids.len())
        })
    }
}

fn under_older(tx: &ReadTx, keys: &HashKeys, count_max: usize) -> Result<BTreeSet<Uuid>, Error> {
    let (current, _) = keys.current();
    let older = numbers(tx)?.into_iter().filter(|number| number != current);
    let mut ids = BTreeSet::new();
    for number in older {
        for tree in [BY_PERSON, WAITING] {
            let from = number.to_be_bytes();
            let end = number.checked_add(1).map(u32::to_be_bytes);
            let end = end
                .as_ref()
                .map_or(Bound::Unbounded, |end| Bound::Excluded(end.as_slice()));
            for pair in tx.range(tree, (Bound::Included(from.as_slice()), end))? {
                if ids.len() >= count_max.max(1) {
                    return Ok(ids);
                }
                let (key, _) = pair?;
                ids.insert(trees::id_of(&key, tree)?);
            }
        }
    }
    Ok(ids)
}
