//! Verification of proofs, as RFC 9162 (2.1.3.2, 2.1.4.2) spells it out for the same tree.

use super::{EMPTY_ROOT, Error, node_hash};
use crate::Hash;

/// Verifies that the leaf with this hash is leaf `index` of the tree with this size and root.
///
/// # Errors
/// The proof is not one of that.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    let mut way = Way::to(index, size).ok_or(Error::OutsideTree { index, size })?;
    let length = Error::Length { found: proof.len() };
    let mut hash = *leaf;
    for beside in proof {
        match way.up().ok_or(length)? {
            Side::Left => hash = node_hash(beside, &hash),
            Side::Right => hash = node_hash(&hash, beside),
        }
    }
    if !way.is_at_root() {
        return Err(length);
    }
    matches(&hash, root)
}

/// Verifies that the tree with the old size and root is a beginning of that with the new ones.
///
/// # Errors
/// The proof is not one of that.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    if old > new {
        return Err(Error::Shrunk { old, new });
    }
    if (old == 0 && *old_root != EMPTY_ROOT) || (new == 0 && *new_root != EMPTY_ROOT) {
        return Err(Error::EmptyRoot);
    }
    let length = Error::Length { found: proof.len() };
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(length);
        }
        return match old {
            0 => Ok(()),
            _ => matches(old_root, new_root),
        };
    }
    // The way to the last old leaf, from the largest subtree that ends there in both trees.
    let last = old.wrapping_sub(1);
    let mut way = Way::to(last, new).ok_or(Error::OutsideTree {
        index: last,
        size: new,
    })?;
    way.skip_left_children();
    // A complete old tree is that subtree, and its root is known; otherwise the proof begins with it.
    let (seed, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(length)?
    };
    let (mut old_hash, mut new_hash) = (*seed, *seed);
    for beside in rest {
        match way.up().ok_or(length)? {
            Side::Left => {
                old_hash = node_hash(beside, &old_hash);
                new_hash = node_hash(beside, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, beside),
        }
    }
    if !way.is_at_root() {
        return Err(length);
    }
    matches(&old_hash, old_root)?;
    matches(&new_hash, new_root)
}

/// The way from a leaf to the root.
struct Way {
    /// The index of the node on it, at its level.
    node: u64,
    /// The index of the right-most node at that level.
    last: u64,
}

/// On which side the other child of the next node stands.
enum Side {
    Left,
    Right,
}

impl Way {
    fn to(index: u64, size: u64) -> Option<Self> {
        let last = size.checked_sub(1)?;
        (index <= last).then_some(Self { node: index, last })
    }

    /// One hash of the proof further, unless there is no further.
    fn up(&mut self) -> Option<Side> {
        if self.is_at_root() {
            return None;
        }
        let side = if self.node & 1 == 1 {
            Side::Left
        } else if self.node == self.last {
            // The right-most node has no neighbour until its way comes from the right: until then
            // it is the same node at the next level.
            while self.node & 1 == 0 && self.node != 0 {
                self.shift();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.shift();
        Some(side)
    }

    /// Past the nodes that end where their complete parent ends.
    fn skip_left_children(&mut self) {
        while self.node & 1 == 1 {
            self.shift();
        }
    }

    fn is_at_root(&self) -> bool {
        self.last == 0
    }

    fn shift(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}

fn matches(found: &Hash, expected: &Hash) -> Result<(), Error> {
    if found == expected {
        Ok(())
    } else {
        Err(Error::Mismatch)
    }
}
