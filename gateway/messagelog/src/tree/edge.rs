//! The right edge of the tree: what is not in full tiles yet.

use gateway_store::segment::Position;
use gateway_tlog::tile::{Tile, WIDTH_MAX};
use gateway_tlog::{Hash, tree};

/// The leaves and hashes of the partial tiles of a tree. Enough to make its root, and to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    size: u64,
    /// The data of the leaves in the partial tile of level 0.
    leaves: Vec<Hash>,
    /// The hashes of the partial tiles, from level 0 upwards.
    levels: Vec<Vec<Hash>>,
    /// The last record that is in the tree.
    last: Option<(Position, Hash)>,
}

/// A tile that became full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Full {
    pub(super) level: u8,
    pub(super) index: u64,
    pub(super) hashes: Vec<Hash>,
    /// At level 0: the data of its leaves.
    pub(super) leaves: Vec<Hash>,
}

impl Edge {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The place and the digest of the last record in the tree.
    pub(super) fn last(&self) -> Option<(Position, Hash)> {
        self.last
    }

    /// The data of the leaves of the partial tile of level 0.
    pub(super) fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// The hashes of the partial tile of a level; none, when it is empty.
    pub(super) fn level(&self, level: u8) -> &[Hash] {
        self.levels
            .get(usize::from(level))
            .map_or(&[], Vec::as_slice)
    }

    /// Adds the digest of the next record; gives the tiles that are full with it.
    pub(super) fn push(&mut self, position: Position, digest: Hash) -> Vec<Full> {
        self.last = Some((position, digest));
        self.leaves.push(digest);
        self.size = self.size.saturating_add(1);
        let mut full = Vec::new();
        let mut carried = Some(tree::leaf_hash(&digest));
        let mut level = 0_u8;
        while let Some(hash) = carried.take() {
            let depth = usize::from(level);
            if self.levels.len() == depth {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(depth) else {
                break;
            };
            hashes.push(hash);
            if hashes.len() == usize::from(WIDTH_MAX) {
                let hashes = std::mem::take(hashes);
                carried = Some(subtree(&hashes));
                let (index, _) = place(self.size.saturating_sub(1), level);
                let leaves = match level {
                    0 => std::mem::take(&mut self.leaves),
                    _ => Vec::new(),
                };
                full.push(Full {
                    level,
                    index,
                    hashes,
                    leaves,
                });
            }
            level = level.saturating_add(1);
        }
        full
    }

    /// The partial tiles of the tree.
    pub(super) fn tiles(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0_u8..).zip(&self.levels).filter_map(|(level, hashes)| {
            let (index, _) = place(self.size, level);
            let width = u16::try_from(hashes.len()).ok()?;
            Some((Tile::new(level, index, width).ok()?, hashes.as_slice()))
        })
    }

    /// The root of the tree.
    pub(super) fn root(&self) -> Hash {
        // From the smallest complete subtree upwards: that is from right to left.
        let mut root = None;
        for hashes in &self.levels {
            let mut rest = hashes.as_slice();
            while let Some((before, subtree)) = split_last_subtree(rest) {
                root = Some(match root {
                    Some(right) => tree::node_hash(&subtree, &right),
                    None => subtree,
                });
                rest = before;
            }
        }
        root.unwrap_or(tree::EMPTY_ROOT)
    }

    /// The bytes of it: everything but what follows from it.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.size.to_be_bytes());
        let (position, digest) = self.last.unwrap_or((NOWHERE, Hash::default()));
        for number in [position.ordinal, position.segment, position.offset] {
            out.extend(number.to_be_bytes());
        }
        out.extend(digest);
        // Of level 0 the leaves, of the others the hashes: how many, follows from the size.
        let above = self.levels.iter().skip(1).flatten();
        for hash in self.leaves.iter().chain(above) {
            out.extend(hash);
        }
    }

    /// Reads what [`Self::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk()?;
        let size = u64::from_be_bytes(*size);
        let (ordinal, rest) = rest.split_first_chunk()?;
        let (segment, rest) = rest.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let position = Position {
            ordinal: u64::from_be_bytes(*ordinal),
            segment: u64::from_be_bytes(*segment),
            offset: u64::from_be_bytes(*offset),
        };
        let (hashes, odd) = rest.as_chunks::<32>();
        if !odd.is_empty() || position.ordinal != size {
            return None;
        }
        let mut rest = hashes;
        let mut edge = Self {
            size,
            last: (size > 0).then_some((position, *digest)),
            ..Self::default()
        };
        for level in 0..LEVELS {
            let (_, width) = place(size, level);
            let (here, after) = rest.split_at_checked(width)?;
            rest = after;
            if complete(size, level) == 0 {
                break;
            }
            edge.levels.push(match level {
                0 => here.iter().map(|leaf| tree::leaf_hash(leaf)).collect(),
                _ => here.to_vec(),
            });
            if level == 0 {
                edge.leaves = here.to_vec();
            }
        }
        rest.is_empty().then_some(edge)
    }

    /// The edge of a tree from its parts; they are as many as its size asks for, or it is `None`.
    pub(super) fn from_parts(
        size: u64,
        leaves: Vec<Hash>,
        mut above: impl FnMut(u8, u64, u16) -> Option<Vec<Hash>>,
    ) -> Option<Self> {
        let mut levels = vec![leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect()];
        for level in 1..LEVELS {
            if complete(size, level) == 0 {
                break;
            }
            let (index, width) = place(size, level);
            levels.push(match u16::try_from(width).ok()? {
                0 => Vec::new(),
                width => above(level, index, width)
                    .filter(|hashes| hashes.len() == usize::from(width))?,
            });
        }
        (leaves.len() == place(size, 0).1).then_some(Self {
            size,
            leaves,
            levels,
            last: None,
        })
    }
}

/// Where the subtree that comes next after `size` leaves is at a level: the index of its tile, and
/// its index therein.
pub(super) fn place(size: u64, level: u8) -> (u64, usize) {
    let before = complete(size, level);
    let within = before & u64::from(WIDTH_MAX).wrapping_sub(1);
    (before >> 8, usize::try_from(within).unwrap_or_default())
}

/// How many hashes a tree of `size` leaves has at a level of tiles.
fn complete(size: u64, level: u8) -> u64 {
    let bits = u32::from(level).saturating_mul(8);
    size.checked_shr(bits).unwrap_or_default()
}

/// The hash of the complete subtree over these, a power of two of them.
pub(super) fn subtree(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, _) = row.as_chunks::<2>();
        row = pairs
            .iter()
            .map(|[left, right]| tree::node_hash(left, right))
            .collect();
    }
    row.pop().unwrap_or(tree::EMPTY_ROOT)
}

/// Takes the right-most complete subtree off.
fn split_last_subtree(hashes: &[Hash]) -> Option<(&[Hash], Hash)> {
    let count = hashes.len();
    let smallest = count & count.wrapping_neg();
    if smallest == 0 {
        return None;
    }
    let (before, last) = hashes.split_at_checked(count.wrapping_sub(smallest))?;
    Some((before, subtree(last)))
}

const NOWHERE: Position = Position {
    ordinal: 0,
    segment: 0,
    offset: 0,
};
/// So many levels of tiles a tree of up to 2^64 leaves has.
const LEVELS: u8 = 8;
