//! What stands where in the store. Numbers are big-endian, so that keys lie in their order.
//!
//! | tree | key | value |
//! |---|---|---|
//! | `consents` | id | the consent, sealed |
//! | `history` | id, number of the change | the change, sealed |
//! | `documents` | id, number of the change | the signed document, sealed |
//! | `by-person` | number of the hash key, mark of a person, newest first, id | nothing |
//! | `by-consumer` | digest of the consumer, newest first, id | nothing |
//! | `waiting` | number of the hash key, mark of person and consumer, id | nothing |
//! | `ends` | when its time will be over, id | nothing |
//! | `ended` | when it ended, id | nothing |
//! | `feed` | number | chain hash, line |
//! | `cases` | digest of client and case | the case, sealed |
//! | `case-ends` | when it ends or was closed, digest | nothing |
//! | `notices` | number | the notice, sealed |
//! | `notice-names` | keyed hash of reporter and notice | number |
//! | `unreviewed` | number | nothing |
//! | `reviewed` | when, number | nothing |
//! | `desk` | `instance`, `seal`, `hash` and number, `feed`, `counts` | what belongs to it |

use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::ClientId;
use gateway_store::tree::Tree;
use jiff::Timestamp;
use uuid::Uuid;

use crate::Error;

pub(crate) const CONSENTS: Tree = Tree::new("consents");
pub(crate) const HISTORY: Tree = Tree::new("history");
pub(crate) const DOCUMENTS: Tree = Tree::new("documents");
pub(crate) const BY_PERSON: Tree = Tree::new("by-person");
pub(crate) const BY_CONSUMER: Tree = Tree::new("by-consumer");
pub(crate) const WAITING: Tree = Tree::new("waiting");
pub(crate) const ENDS: Tree = Tree::new("ends");
pub(crate) const ENDED: Tree = Tree::new("ended");
pub(crate) const FEED: Tree = Tree::new("feed");
pub(crate) const CASES: Tree = Tree::new("cases");
pub(crate) const CASE_ENDS: Tree = Tree::new("case-ends");
pub(crate) const NOTICES: Tree = Tree::new("notices");
pub(crate) const NOTICE_NAMES: Tree = Tree::new("notice-names");
pub(crate) const UNREVIEWED: Tree = Tree::new("unreviewed");
pub(crate) const REVIEWED: Tree = Tree::new("reviewed");
pub(crate) const DESK: Tree = Tree::new("desk");

/// Octets that say when something was, so that the newest comes first, and which it is.
pub(crate) type Place = [u8; 24];

/// The place of a consent in lists.
pub(crate) fn place(at: Timestamp, id: Uuid) -> Place {
    let microseconds = u64::try_from(at.as_microsecond()).unwrap_or(0);
    let newest_first = u64::MAX.saturating_sub(microseconds).to_be_bytes();
    let mut place = [0; 24];
    let octets = newest_first.iter().chain(id.as_bytes());
    place
        .iter_mut()
        .zip(octets)
        .for_each(|(to, from)| *to = *from);
    place
}

/// The consent at the end of a key.
pub(crate) fn id_of(key: &[u8], tree: Tree) -> Result<Uuid, Error> {
    key.last_chunk::<16>()
        .map(|octets| Uuid::from_bytes(*octets))
        .ok_or(Error::Row { tree: tree.name() })
}

/// What a key begins with that is sorted by time.
pub(crate) fn second(at: Timestamp) -> [u8; 8] {
    u64::try_from(at.as_second()).unwrap_or(0).to_be_bytes()
}

/// The key of a change of a consent.
pub(crate) fn change(id: Uuid, number: u32) -> Vec<u8> {
    [id.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}

/// Identifiers have no length that fits a key.
pub(crate) fn client(client: &ClientId) -> Vec<u8> {
    let digest = Digest::of(DigestAlgorithm::Sha256, client.to_rest().as_bytes());
    digest.as_bytes().to_vec()
}

/// A number that is a whole key or value.
pub(crate) fn number(octets: &[u8], tree: Tree) -> Result<u64, Error> {
    <[u8; 8]>::try_from(octets)
        .map(u64::from_be_bytes)
        .map_err(|_| Error::Row { tree: tree.name() })
}
