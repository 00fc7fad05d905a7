//! Every target over its seeds, over what another implementation made, and over mutations of both.
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

mod fuzz_smoke;
mod layout;
mod seeds;
mod vectors;
