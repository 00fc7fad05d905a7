//! Signed documents by their public face: made, verified, refused; archives; containers that another
//! implementation made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod accept;
mod archives;
mod chains;
mod country;
mod direct;
mod files;
mod forms;
mod hostile;
mod refuse_parts;
mod refuse_stamp;
mod refuse_trust;
mod vectors;
mod wrapped;
mod zips;
