//! The path of an exchange: what happens between an information system's request and its answer.
//!
//! Two halves mirror each other. [`consumer::Consumer`] takes a request from an information system,
//! signs it, keeps it and carries it to the provider's node; [`provider::Provider`] checks it, asks
//! the service and signs the answer. Each step is one file and returns a type only it can make; the
//! next step demands that type, so skipping a check does not compile.
//!
//! This crate knows no sockets and no files: requests come through [`gateway_net::Handler`], peers are
//! reached through [`Transport`], services through [`Adapter`], time comes from [`Clock`].
//!
//! | module | subject |
//! |---|---|
//! | [`consumer`] | receive → authorize → route → basis → seal → log → send → verify → log → respond |
//! | [`provider`] | receive → authenticate → permit → verify → basis → log → call → seal → log → respond |
//! | [`message`] | a request or a response in transit, SOAP or REST |
//! | [`content`] | bodies: read under a limit, kept, written out again |
//! | [`basis`] | rules, purpose, persons and consent: on what ground an exchange rests |
//! | [`signer`] | one signer a key; batches what is queued |
//! | [`conf`], [`trust`] | the configuration in force and what was believed under it |
//! | [`local`], [`keys`], [`node`] | what this node is: its clients, services, keys, settings |
//! | [`error`], [`fault`] | what can go wrong, and the one table that gives it a fault |

pub mod adapter;
pub mod basis;
pub mod clock;
pub mod conf;
pub mod consumer;
pub mod content;
pub mod error;
pub mod fault;
pub mod keys;
pub mod local;
pub mod message;
pub mod node;
pub mod ocsp_port;
pub mod provider;
pub mod signer;
pub mod transport;
pub mod trust;

mod body_logging;
mod entity;
mod note;
mod record;
mod timely;
mod wire;

pub use adapter::Adapter;
pub use body_logging::BodyLogging;
pub use clock::Clock;
pub use consumer::Consumer;
pub use error::Error;
pub use node::{Node, Settings};
pub use provider::Provider;
pub use transport::Transport;
