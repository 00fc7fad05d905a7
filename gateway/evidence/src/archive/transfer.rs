//! What becomes of finished archive files: a store takes copies, a command does what the operator wants.
//!
//! Neither can hold up archiving: what did not work is said, counted, and tried again with the next
//! run. A file is removed here only after the store has shown that it has all of it.
//!
//! * `command`: [`Command`], run by a shell
//! * `store`: [`Store`], an S3-compatible store
//! * `http`: the way there, over `gateway-net`

mod command;
mod http;
mod store;

pub use command::{Command, Failed};
pub use store::{Access, Error, Place, Store, Stored};

#[cfg(test)]
pub(super) mod tests;
