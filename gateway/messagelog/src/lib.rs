//! The message log: what was exchanged, durable before it goes on, and checked again later.
//!
//! It knows records, bodies and their files, and how an auditor judges a record offline. It does not
//! know sockets, the clock, or when a message is to be logged: the path decides that.
//!
//! In the folder of a log: `segments/` is the truth, append-only and chained; `bodies/` holds
//! contents too long for a record, named in it with their digest; `index.redb` finds records by id
//! and party and is rebuilt whenever it is missing or behind; `configurations/` keeps each distinct
//! global configuration under which messages were judged. Nothing here is encrypted yet: who can
//! read the folder reads what was exchanged. Who can write it can remove the newest records, or
//! rewrite the chain from some place on, but cannot make a record of a message nobody signed.
//!
//! * `content`: [`Content`], bytes of a body or attachment, hashed while received
//! * `spool`: [`Spool`], receives a content of unknown length in constant memory
//! * `bodies`: the files of long contents
//! * `record`: [`Record`], [`Refusal`], [`Entry`] and their bytes
//! * `log`: [`MessageLog`], the log of a running node
//! * `refusals`: refused messages are noted, but never a lever
//! * `index`: look-up by ids and parties
//! * [`audit`]: reading and checking without owning

pub mod audit;
mod bodies;
mod content;
mod error;
mod index;
mod log;
mod record;
mod refusals;
mod spool;

pub use content::{Content, ContentReader};
pub use error::Error;
pub use log::{MessageLog, Options};
pub use record::{Direction, Entry, Logged, Protocol, Record, Refusal, Side};
pub use refusals::RefusalCounts;
pub use spool::Spool;
