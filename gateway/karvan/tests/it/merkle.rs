//! The Merkle tree of RFC 6962 over SHA-256, written for the tests alone: what a stranger would use.

use sha2::{Digest as _, Sha256};

pub(crate) type Hash = [u8; 32];

/// The root over the data of leaves (RFC 6962, 2.1).
pub(crate) fn tree_hash(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => leaf_hash(leaf),
        [_, _, ..] => {
            // The largest power of two below their number.
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            let hashed = Sha256::new()
                .chain_update([1])
                .chain_update(tree_hash(left));
            hashed.chain_update(tree_hash(right)).finalize().into()
        }
    }
}

pub(crate) fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(leaf)
        .finalize()
        .into()
}
