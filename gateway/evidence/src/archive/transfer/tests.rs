//! Tests of commands and of the store, over a store in this process.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers"
)]

pub(in crate::archive) mod bucket;
mod command;
mod store;
