//! The journal from outside: against a plain model, in a race, over crashes and rotations.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod disclosure;
mod limits;
mod model;
mod retention;
mod support;
