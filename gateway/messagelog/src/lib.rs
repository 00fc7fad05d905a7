//! The message log: what was exchanged, durable before it goes on, and checked again later.
//!
//! It knows records, bodies and their files, and how an auditor judges a record offline. It does not
//! know sockets, the clock, or when a message is to be logged: the path decides that.
//!
//! In the folder of a log: `segments/` is the truth, append-only and chained; `bodies/` holds
//! contents too long for a record, named in it with their digest; `index.redb` finds records by id
//! and party and is rebuilt whenever it is missing or behind; `configurations/` keeps each distinct
//! global configuration under which messages were judged; `keys` tells which keys records and
//! contents are sealed with. Without keys, who can read the folder reads what was exchanged; with
//! them, ids, times and parties in the index still tell who asked whom. Who can write it can remove
//! the newest records, or rewrite the chain from some place on, but cannot make a record of a message
//! nobody signed.
//!
//! * `content`: [`Content`], bytes of a body or attachment, hashed while received
//! * `spool`: [`Spool`], receives a content of unknown length in constant memory
//! * `bodies`: the files of long contents
//! * `record`: [`Record`], [`Refusal`], [`Entry`] and their bytes
//! * `protection`: [`Protection`], the keys that seal records and contents
//! * `log`: [`MessageLog`], the log of a running node
//! * `refusals`: refused messages are noted, but never a lever
//! * `stamps`: which messages wait for a time stamp, which have one
//! * `retention`: erasing whole segments, and contents that no record names
//! * `index`: look-up by numbers, ids and parties
//! * [`tree`]: the transparency log over all entries
//! * [`audit`]: reading and checking without owning

pub mod audit;
mod bodies;
mod content;
mod error;
mod index;
mod log;
mod protection;
mod record;
mod refusals;
mod retention;
mod spool;
mod stamps;
#[cfg(test)]
mod testing;
pub mod tree;

pub use content::{Content, ContentReader};
pub use error::Error;
pub use log::{Bookmark, MessageLog, Options};
pub use protection::Protection;
pub use record::{
    Basis, Consent, Covered, Direction, Disclosure, Entry, Ground, Logged, PersonMark, Protocol,
    Record, Refusal, Side, Stamp,
};
pub use refusals::RefusalCounts;
pub use retention::{Erased, Orphans};
pub use spool::Spool;
pub use stamps::{Stamping, Unstamped};
