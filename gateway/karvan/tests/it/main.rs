//! The binary as its users meet it: processes, files, sockets. Nothing here looks inside.
//!
//! Every test has a country of its own, a copy of one that was founded for several, or borrows the
//! common one; on ports found free. Nothing outside loopback is called. `KARVAN_TEST_BINARY` names another binary than the one just built.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod archive;
mod archive_command;
mod audit;
mod audit_basis;
mod audit_bundles;
mod audit_documents;
mod audit_forgers;
mod audit_tree;
mod bad_input;
mod basis_wire;
mod bench_consent;
mod bench_evidence;
mod check;
mod consent_desk;
mod country;
mod crash;
mod evidence;
mod faults;
mod full_disk;
mod journal_wire;
mod legal;
mod load;
mod merkle;
mod ocsp_port;
mod originals;
mod outage;
mod publisher;
mod registry_admin;
mod registry_cli;
mod registry_desk;
mod registry_place;
mod rules_part;
mod sandbox;
mod services;
mod streaming;
mod tls;
mod transparency;
mod transparency_key;
mod transparency_port;
mod wire;
mod without_tree;
