//! The public face: signatures of another implementation, and our own there and back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod authority;
mod sign;
mod trust;
mod vectors;
mod verify;
