//! The transparency log as plain functions: Merkle tree, tiles, checkpoints, cosignatures, proofs.
