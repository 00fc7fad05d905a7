//! The transparency log as plain functions: Merkle tree, tiles, checkpoints, cosignatures, proofs.
//!
//! The hashes and proofs are those of RFC 6962 (section 2.1) over SHA-256; the texts and files are
//! those of the C2SP specifications `signed-note`, `tlog-checkpoint`, `tlog-tiles`,
//! `tlog-cosignature`, `tlog-witness` and `tlog-proof`, so that logs, witnesses and monitors made by
//! others understand ours.
//!
//! It deliberately knows nothing of files, sockets and clocks, nor of what a leaf stands for.
//! Everything it reads is taken to come from a stranger: it is bounded, and refused unless it is
//! written in the one way that we would write it.
//!
//! | module | subject |
//! |---|---|
//! | [`tree`] | hashes of leaves and nodes, roots, proofs, the right edge of a growing tree |
//! | [`tile`] | tiles of hashes and bundles of entries: paths and bytes |
//! | [`note`] | signed texts and the keys that sign them |
//! | [`checkpoint`] | what a log signs: its origin, size and root |
//! | [`cosign`] | what a witness signs: that it saw a checkpoint, and when |
//! | [`witness`] | the request for a cosignature, and the decision on it |
//! | [`proof`] | one file that proves that an entry is in a log |

pub mod checkpoint;
pub mod cosign;
mod error;
pub mod note;
pub mod proof;
mod text;
pub mod tile;
pub mod tree;
pub mod witness;

pub use error::Error;

/// A SHA-256 hash: of a leaf, of a node, of a tree.
pub type Hash = [u8; 32];
