//! The desk through its door, over a file.
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

mod ask;
mod bulk;
mod cases;
mod feed;
mod life;
mod notices;
mod retention;
mod rotation;
mod wire;
mod world;
