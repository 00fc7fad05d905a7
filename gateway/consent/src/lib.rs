//! The consent desk of the registry: requests for consent, the person's answer, what became of it;
//! open cases; notices of break-glass uses; and the feed that tells nodes.
//!
//! Its callers are known by the signed messages in which they asked: the node in front of it says
//! who. It deliberately knows no sockets, no clock and no registry: the caller hands in requests,
//! rules and the time. It does not verify signatures of the documents with which persons prove
//! their will: it keeps them as they came, under their digest, for whoever has to.
//!
//! | module | subject |
//! |---|---|
//! | [`request`] | what callers may ask, read from HTTP |
//! | [`answer`] | what they are answered |
//! | [`refusal`] | why not |
//! | [`desk`] | the desk: one door for requests, one for the feed |
//! | [`keys`] | the keys it works with |
//! | [`retention`] | what ends by itself, and what is forgotten |
//! | `consent` | the life of a consent |
//! | `case`, `notice`, `feed` | cases, notices, entries of the feed |
//! | `bounds` | bounds on what callers write |
//! | `marks` | finding persons under keyed hashes |
//! | `vault` | personal contents, sealed |
//! | `trees` | what stands where in the store |

pub mod answer;
mod bounds;
mod case;
mod consent;
pub mod desk;
mod error;
mod feed;
pub mod keys;
mod marks;
mod notice;
pub mod refusal;
pub mod request;
pub mod retention;
mod trees;
mod vault;

pub use answer::Answer;
pub use consent::Granted;
pub use desk::{Caller, Desk, Settings};
pub use error::Error;
pub use keys::{HashKeys, Keys};
pub use refusal::Refusal;
pub use request::Request;
