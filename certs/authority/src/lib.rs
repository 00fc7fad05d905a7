//! A certification authority with its OCSP responder, and a time-stamping authority: values with
//! serialisable state, for sandboxes, examples and tests. They serve any implementation, not only
//! ours.
//!
//! It deliberately knows no sockets, no files and no clock: whoever holds an [`Authority`] carries
//! requests to it, keeps its [`State`] and says what time it is. It makes no revocation lists: the
//! network asks by OCSP only.
//!
//! | module | subject |
//! |---|---|
//! | [`Authority`] | root, optional intermediate, issuing, OCSP |
//! | [`Issued`] | what was issued, and its standing |
//! | [`subject`] | subjects of requests, by certificate profile |
//! | [`State`], [`SealedKeys`] | what must be kept between two runs |
//! | [`Timestamper`] | time stamps |
//!
//! Whoever has the state and its PIN can issue certificates that every server trusting this
//! authority will accept. It is meant for sandboxes: a country's authority keeps its keys in
//! hardware.

mod authority;
mod error;
mod identity;
mod issued;
mod state;
pub mod subject;
mod timestamper;

pub use authority::{Authority, Order};
pub use error::Error;
pub use issued::{Issued, Purpose, Standing};
pub use state::{SealedKeys, State};
pub use timestamper::{Timestamper, TimestamperState};
