//! The registry (central server): who is a member, which servers, groups and trust services there
//! are; changed by commands that are checked and recorded, published as signed configuration.
//!
//! Members, servers and trust services are published as they are. Systems, services and rules are
//! declared and drafted first; a command puts them in force, as octets that stay what they are
//! until the next time.
//!
//! It deliberately knows no sockets: the caller serves what [`Publisher::answer`] gives, and hands
//! in the signing keys and the time.
//!
//! | module | subject |
//! |---|---|
//! | [`state`] | what the registry knows, as values |
//! | [`Command`] | what can be done, and the rules; serde gives it the one JSON form that the admin API, the command line and files use |
//! | [`Registry`] | state and audit trail in the store |
//! | [`Publisher`] | signed directories and parts, served by path |
//! | [`anchor`] | the anchors to hand out |

mod command;
mod error;
mod keys;
mod parameters;
mod part;
mod persist;
mod publication;
mod refusal;
mod registry;
pub mod state;
#[cfg(test)]
mod testing;
mod trail;

pub use command::Command;
pub use error::Error;
pub use keys::{Keys, Signer, Source};
pub use parameters::anchor;
pub use publication::{Publication, Publisher};
pub use refusal::{Kind, Refusal};
pub use registry::Registry;
pub use state::State;
pub use trail::{Change, Entry};
