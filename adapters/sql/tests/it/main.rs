//! The adapter as its users see it: a description and a database in, HTTP messages out.
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

mod country;
mod descriptions;
mod limits;
mod once;
mod postgres;
mod rest;
mod soap;
mod support;
