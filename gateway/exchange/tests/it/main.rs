//! The path of an exchange, from an information system's request to its answer: two nodes, joined
//! by a transport in memory; a service in memory; a clock that stands until it is set. Certificates
//! are made for each world, the global configuration is read from its own XML, and both nodes keep
//! real logs, which are audited at the end.
//!
//! | module | subject |
//! |---|---|
//! | `good` | what works: SOAP, attachments, REST, bodies of all kinds, batches |
//! | `basis` | on what ground exchanges go on, and each refusal, on both nodes |
//! | `body_logging` | bodies that are not kept, by protocol, side and direction |
//! | `consumer` | the refusals of the asking node, by step |
//! | `provider` | the refusals of the answering node, by step |
//! | `simulation` | many exchanges over a transport that loses, delays and repeats |
//! | `support` | the world they happen in |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::large_futures,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod basis;
mod body_logging;
mod consumer;
mod good;
mod provider;
mod simulation;
mod support;
