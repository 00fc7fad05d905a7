//! The right edge of a growing tree.

use super::{EMPTY_ROOT, Error, HashReader, last_subtree, node_hash};
use crate::Hash;

/// The hashes of the largest complete subtrees that a tree falls into, from left to right: enough
/// to add leaves and to tell the root, in memory that grows with the logarithm of the size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One per bit that is set in the size, the highest bit first.
    hashes: Vec<Hash>,
}

/// A complete subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// It is over 2^level leaves.
    pub level: u8,
    /// It begins at leaf `index · 2^level`.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Frontier {
    /// That of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self {
            size: 0,
            hashes: Vec::new(),
        }
    }

    /// That of a tree of which [`Frontier::hashes`] gave these.
    ///
    /// # Errors
    /// [`Error::Frontier`]: they are not as many as the size asks for, or it is beyond 2^62.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, Error> {
        let expected = usize::try_from(size.count_ones());
        if size > SIZE_MAX || expected != Ok(hashes.len()) {
            return Err(Error::Frontier { size });
        }
        Ok(Self { size, hashes })
    }

    /// Reads that of the tree over the first `size` leaves.
    ///
    /// # Errors
    /// A hash cannot be read.
    pub fn read<R: HashReader>(reader: &R, size: u64) -> Result<Self, R::Error> {
        let (mut rest, mut end) = (size, size);
        let mut hashes = Vec::new();
        while rest != 0 {
            let (level, begin) = last_subtree(rest, end);
            hashes.push(reader.hash(level, begin.wrapping_shr(level.into()))?);
            rest &= rest.wrapping_sub(1);
            end = begin;
        }
        hashes.reverse();
        Ok(Self { size, hashes })
    }

    /// Adds the hash of a leaf, and gives every complete subtree that ends with it, the leaf first.
    pub fn push(&mut self, leaf: Hash) -> Vec<Node> {
        let mut node = Node {
            level: 0,
            index: self.size,
            hash: leaf,
        };
        let mut made = vec![node];
        // One bit set in the size, one hash kept: a carry in the addition joins two subtrees.
        while node.index & 1 == 1 {
            let Some(left) = self.hashes.pop() else {
                break;
            };
            node = Node {
                level: node.level.saturating_add(1),
                index: node.index >> 1,
                hash: node_hash(&left, &node.hash),
            };
            made.push(node);
        }
        self.hashes.push(node.hash);
        // Nobody lives to add the leaves that are missing beyond `SIZE_MAX`.
        self.size = self.size.saturating_add(1);
        made
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let from_the_right = self.hashes.iter().rev().copied();
        let root = from_the_right.reduce(|right, left| node_hash(&left, &right));
        root.unwrap_or(EMPTY_ROOT)
    }

    /// The hashes, for [`Frontier::from_hashes`].
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

/// The most leaves that a tree can have whose proofs stay within 63 hashes.
const SIZE_MAX: u64 = 1 << 62;
