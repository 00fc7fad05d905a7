//! The hashes of a tree from its tiles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use super::{Error, Tile, inner_level};
use crate::Hash;
use crate::tree::{HashReader, node_hash};

/// Reads the hashes of a tree from its tiles, each fetched once as long as it remembers it.
///
/// It believes every tile of the right length. Whoever has the tiles from a stranger verifies what
/// was made of them: a root against a checkpoint, a proof with [`crate::tree::verify_inclusion`] or
/// [`crate::tree::verify_consistency`].
pub struct TileHashes<F> {
    size: u64,
    fetch: F,
    fetched: RefCell<HashMap<Tile, Vec<Hash>>>,
}

/// Why a hash cannot be read from tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileError<E> {
    /// The tree has no such complete subtree.
    OutsideTree {
        /// Its level.
        level: u8,
        /// Its index.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The tile is not there or cannot be read.
    Fetch {
        /// The tile.
        tile: Tile,
        /// Why.
        error: E,
    },
    /// What was fetched is not that tile.
    Malformed {
        /// The tile.
        tile: Tile,
        /// What is wrong.
        error: Error,
    },
}

impl<F> TileHashes<F> {
    /// Reads a tree of `size` leaves. `fetch` is asked for tiles as wide as they are in that tree;
    /// it gives exactly as many bytes, of a wider tile the beginning.
    pub fn new(size: u64, fetch: F) -> Self {
        Self {
            size,
            fetch,
            fetched: RefCell::default(),
        }
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<F, B, E> HashReader for TileHashes<F>
where
    F: Fn(&Tile) -> Result<B, E>,
    B: AsRef<[u8]>,
{
    type Error = TileError<E>;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let outside = || TileError::OutsideTree {
            level,
            index,
            size: self.size,
        };
        let tile = Tile::of_hash(level, index, self.size).ok_or_else(outside)?;
        if let Some(hashes) = self.fetched.borrow().get(&tile) {
            return inner(hashes, level, index).ok_or_else(outside);
        }
        let bytes = (self.fetch)(&tile).map_err(|error| TileError::Fetch { tile, error })?;
        let hashes = tile.decode(bytes.as_ref());
        let hashes = hashes.map_err(|error| TileError::Malformed { tile, error })?;
        let hash = inner(&hashes, level, index).ok_or_else(outside)?;
        let mut fetched = self.fetched.borrow_mut();
        if fetched.len() >= TILES_MAX {
            fetched.clear();
        }
        fetched.insert(tile, hashes);
        Ok(hash)
    }
}

/// The hash of the complete subtree of this level and index, from the tile that has its parts.
fn inner(hashes: &[Hash], level: u8, index: u64) -> Option<Hash> {
    let inner = u32::from(inner_level(level));
    let count = 1_usize.checked_shl(inner)?;
    let first = index.checked_shl(inner)? & 0xff;
    let first = usize::try_from(first).ok()?;
    let parts = hashes.get(first..first.checked_add(count)?)?;
    let mut row = parts.to_vec();
    while row.len() > 1 {
        let (pairs, _) = row.as_chunks();
        row = pairs
            .iter()
            .map(|[left, right]| node_hash(left, right))
            .collect();
    }
    row.first().copied()
}

impl<F> fmt::Debug for TileHashes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TileHashes")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl<E> fmt::Display for TileError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideTree { level, index, size } => write!(
                f,
                "a tree of {size} leaves has no complete subtree {index} at level {level}"
            ),
            Self::Fetch { tile, .. } => write!(f, "{} cannot be read", tile.path()),
            Self::Malformed { tile, .. } => write!(f, "{} is damaged", tile.path()),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for TileError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::OutsideTree { .. } => None,
            Self::Fetch { error, .. } => Some(error),
            Self::Malformed { error, .. } => Some(error),
        }
    }
}

/// A proof touches two tiles a level at most.
const TILES_MAX: usize = 64;
