//! Signed global configuration: what the registry says of the whole country, verified, read, and
//! looked up by value; and written, for the registry.
//!
//! Pure functions on values: it deliberately knows no clock, no network and no files. Bytes come
//! in, bytes go out; `now` is a parameter.
//!
//! | module | subject |
//! |---|---|
//! | [`Anchor`] | where a configuration is served and who signs it |
//! | [`directory`] | the signed directory: verify, then read; write and sign |
//! | [`params`] | shared, private and optional parameters as values |
//! | [`download`] | candidates, version negotiation, the plan, evidence of complete verification |
//! | [`disk`] | the layout of a downloaded configuration |
//! | [`Snapshot`] | one configuration of all instances, with look-ups |

mod anchor;
pub mod directory;
pub mod disk;
pub mod download;
mod error;
pub mod params;
pub mod snapshot;
#[cfg(test)]
mod testing;

pub use anchor::{Anchor, Source};
pub use error::Error;
pub use snapshot::{Issuer, Responder, Server, Snapshot, Timestamper};
