//! Durable state on local files: the one crate of the ground floor that touches the disk.
//!
//! It knows bytes, names and positions. It does not know what a record, a member or a message is,
//! it has no clock and it makes no decision about retention.
//!
//! * [`tree`]: named trees of bytes over redb, with transactions and schema steps
//! * [`segment`]: an append-only log of checked, chained records with group commit
//! * [`mod@file`]: whole files replaced atomically, folders read within bounds
//! * [`Error`]: what went wrong, as data

mod error;
pub mod file;
pub mod segment;
pub mod tree;

pub use error::Error;
