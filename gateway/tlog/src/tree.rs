//! The Merkle tree of RFC 6962, section 2.1: hashes, roots and proofs.
//!
//! The tree over `size` leaves is never held as such. Everything is made from the hashes of
//! *complete* subtrees, those over 2^level leaves that begin at a multiple of it; such a hash never
//! changes when the tree grows. Where they come from is told by a [`HashReader`].

mod frontier;
mod verify;

use std::fmt;

use certs_keys::{DigestAlgorithm, Hasher};

pub use frontier::{Frontier, Node};
pub use verify::{verify_consistency, verify_inclusion};

use crate::Hash;

/// Where the hashes of complete subtrees are read.
pub trait HashReader {
    /// Why a hash cannot be read.
    type Error;

    /// The hash of the complete subtree over the leaves from `index · 2^level` up to, and without,
    /// `(index + 1) · 2^level`. Level 0 are the hashes of leaves.
    ///
    /// # Errors
    /// The hash is not there or cannot be read.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The leaf is not in a tree of this size.
    OutsideTree {
        /// The index of the leaf.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The tree that should be the older one is larger than the newer one.
    Shrunk {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// The proof has another number of hashes than one for these sizes.
    Length {
        /// How many there are.
        found: usize,
    },
    /// The hashes do not lead to the root.
    Mismatch,
    /// An empty tree has another root than the hash of nothing.
    EmptyRoot,
    /// The hashes are not as many as the right edge of a tree of this size has, or the size is more
    /// than we count to.
    Frontier {
        /// The size of the tree.
        size: u64,
    },
}

/// Why a proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved<E> {
    /// There is no such leaf or older tree: [`Error::OutsideTree`] or [`Error::Shrunk`].
    Range(Error),
    /// A hash cannot be read.
    Read(E),
}

/// The root of the tree without leaves: the SHA-256 hash of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The hash of a leaf: of a zero octet and the data.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    sha256(&[&[0], data])
}

/// The hash of an inner node: of an octet 1 and the hashes of both children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root of the tree over the first `size` leaves.
///
/// # Errors
/// A hash cannot be read.
pub fn root<R: HashReader>(reader: &R, size: u64) -> Result<Hash, R::Error> {
    range(reader, 0, size)
}

/// The proof that leaf `index` is in the tree over the first `size` leaves: the hashes beside its
/// way to the root, from the leaf upwards (RFC 6962, 2.1.1).
///
/// # Errors
/// There is no such leaf, or a hash cannot be read.
pub fn inclusion_proof<R: HashReader>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, Unproved<R::Error>> {
    if index >= size {
        return Err(Unproved::Range(Error::OutsideTree { index, size }));
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while let Some(middle) = split(start, end) {
        let beside = if index < middle {
            let right = (middle, end);
            end = middle;
            right
        } else {
            let left = (start, middle);
            start = middle;
            left
        };
        proof.push(range(reader, beside.0, beside.1).map_err(Unproved::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree over the first `old` leaves is a beginning of that over the first `new`
/// ones (RFC 6962, 2.1.2). It is empty for the empty tree and for trees of the same size.
///
/// # Errors
/// The old tree is the larger one, or a hash cannot be read.
pub fn consistency_proof<R: HashReader>(
    reader: &R,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, Unproved<R::Error>> {
    if old > new {
        return Err(Unproved::Range(Error::Shrunk { old, new }));
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new);
    while old != end {
        // It is a leaf only when the old tree ends there.
        let Some(middle) = split(start, end) else {
            break;
        };
        let beside = if old <= middle {
            let right = (middle, end);
            end = middle;
            right
        } else {
            let left = (start, middle);
            start = middle;
            left
        };
        proof.push(range(reader, beside.0, beside.1).map_err(Unproved::Read)?);
    }
    // Whoever verifies knows the old root: it is left out where the old tree is a complete subtree.
    if start != 0 {
        proof.push(range(reader, start, end).map_err(Unproved::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The hash over the leaves from `start` up to `end`, where `start` is a multiple of a power of two
/// that is not less than their number.
fn range<R: HashReader>(reader: &R, start: u64, end: u64) -> Result<Hash, R::Error> {
    let mut rest = end.wrapping_sub(start);
    let mut end = end;
    let mut hash = None;
    // From right to left: each bit of the number is a complete subtree, the smallest on the right.
    while rest != 0 {
        let (level, begin) = last_subtree(rest, end);
        let left = reader.hash(level, begin.wrapping_shr(level.into()))?;
        hash = Some(match hash {
            Some(right) => node_hash(&left, &right),
            None => left,
        });
        rest &= rest.wrapping_sub(1);
        end = begin;
    }
    Ok(hash.unwrap_or(EMPTY_ROOT))
}

/// The level and the beginning of the right-most complete subtree among `leaves` leaves before
/// `end`.
fn last_subtree(leaves: u64, end: u64) -> (u8, u64) {
    let smallest = leaves & leaves.wrapping_neg();
    let level = u8::try_from(smallest.trailing_zeros()).unwrap_or(LEVEL_MAX);
    (level, end.wrapping_sub(smallest))
}

/// Where the tree over the leaves from `start` up to `end` falls into its children: after the
/// largest power of two that is less than their number. A leaf has none.
fn split(start: u64, end: u64) -> Option<u64> {
    let last = end.checked_sub(start)?.checked_sub(1)?;
    start.checked_add(1_u64.wrapping_shl(last.checked_ilog2()?))
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    parts.iter().for_each(|part| hasher.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(hasher.finish().as_bytes());
    hash
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideTree { index, size } => {
                write!(f, "there is no leaf {index} in a tree of {size} leaves")
            }
            Self::Shrunk { old, new } => {
                write!(f, "a tree of {old} leaves is no beginning of one of {new}")
            }
            Self::Length { found } => {
                write!(f, "a proof for these sizes does not have {found} hashes")
            }
            Self::Mismatch => f.write_str("the proof does not lead to the root"),
            Self::EmptyRoot => f.write_str("the root is not that of a tree without leaves"),
            Self::Frontier { size } => {
                write!(
                    f,
                    "the hashes are not the right edge of a tree of {size} leaves"
                )
            }
        }
    }
}

impl std::error::Error for Error {}

impl<E> fmt::Display for Unproved<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(error) => write!(f, "there is no such proof: {error}"),
            Self::Read(_) => f.write_str("a hash of the tree cannot be read"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Unproved<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Range(_) => None,
            Self::Read(error) => Some(error),
        }
    }
}

/// A tree of 2^64 leaves has this level; sizes are numbers of 64 bits.
const LEVEL_MAX: u8 = 63;

#[cfg(test)]
mod tests;
