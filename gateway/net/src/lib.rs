//! Sockets: listeners, clients, mutual TLS and their limits. The only user of hyper, rustls and
//! tokio-rustls; at its face stand the types of `http`.
//!
//! It knows nothing of messages, identifiers or configuration: it carries bytes, proves who holds
//! which key, and says what went wrong so that others can choose a fault.
//!
//! * [`Body`] with [`full`], [`empty`], [`channel`], [`from_stream`], [`collect`]: streaming bodies;
//! * [`Listener`], [`Handler`], [`Limits`], [`ServerTls`]: what others connect to;
//! * [`Client`]: connections to information systems, responders and configuration sources;
//! * [`PeerClient`]: connections to other nodes, verified before anything is sent;
//! * [`Error`]: what went wrong, with its [`Class`] and whether anything was [`Sent`].

mod body;
mod client;
mod error;
mod limits;
mod listener;
mod peer;
#[doc(hidden)]
pub mod probe;
mod stream;
mod tls;

pub use self::{
    body::{Body, BodySender, channel, collect, empty, from_stream, full},
    client::{Client, ClientOptions, ServerTrust},
    error::{Class, Error, OcspAnswer, Sent},
    limits::Limits,
    listener::{Handler, Listener, Peer},
    peer::{Candidate, PeerClient, PeerError, PeerEvidence, PeerOptions},
    tls::{Authorities, CertificateCheck, Identity, ServerTls},
};
