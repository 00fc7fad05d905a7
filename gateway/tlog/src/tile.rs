//! Tiles of hashes and bundles of entries: the files of a log (C2SP `tlog-tiles`).
//!
//! A [`Tile`] holds up to 256 hashes beside one another, of complete subtrees over 256^level leaves.
//! Tile level *l* is thus level 8·*l* of the tree; the levels between are computed from it. A
//! [`Bundle`] holds the data of the up to 256 leaves whose hashes are in the tile of level 0 with
//! the same index. Both are *partial* at the right edge: a beginning of what they will be.

mod bundle;
mod path;
mod reader;

use std::fmt;

use crate::{Hash, text, tree};

pub use bundle::{Bundle, decode_entries, encode_entries};
pub use path::Resource;
pub use reader::{TileError, TileHashes};

/// Which hashes are in a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Why a path or the bytes of a tile or bundle are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A tile is of a level from 0 to 63.
    Level {
        /// The level asked for.
        level: u8,
    },
    /// A tile or bundle holds 1 to 256.
    Width {
        /// The width asked for.
        width: u16,
    },
    /// It is no path that is written for a tile, bundle or checkpoint.
    Path,
    /// The bytes are not as many as the width asks for.
    Length {
        /// How many there are.
        found: usize,
    },
    /// The bundle ends within an entry, or has more entries than its width says.
    Entries {
        /// How many entries it should have.
        width: u16,
    },
    /// An entry of a bundle is longer than 65 535 octets.
    LongEntry {
        /// How long it is.
        found: usize,
    },
    /// A bundle cannot have so many entries.
    ManyEntries {
        /// How many there are.
        found: usize,
    },
}

impl Tile {
    /// The tile with this index at this level (in steps of 256) and so many hashes.
    ///
    /// # Errors
    /// The level is beyond 63, or the width is not 1 to 256.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, Error> {
        if level > LEVEL_MAX {
            return Err(Error::Level { level });
        }
        check_width(width)?;
        Ok(Self {
            level,
            index,
            width,
        })
    }

    /// The tile of a tree of `size` leaves from which the hash of a complete subtree over 2^level
    /// leaves is made; none, when that subtree is not complete in the tree.
    #[must_use]
    pub fn of_hash(level: u8, index: u64, size: u64) -> Option<Self> {
        let leaves = 1_u64.checked_shl(level.into())?;
        let end = index.checked_add(1)?.checked_mul(leaves)?;
        if end > size {
            return None;
        }
        let first = index.checked_shl(u32::from(inner_level(level)))?;
        Self::of_tree(level >> 3, first >> 8, size)
    }

    /// The tile with this index at this level, as wide as it is in a tree of `size` leaves; none,
    /// when that tree has no such tile.
    #[must_use]
    pub fn of_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size);
        let before = index.checked_mul(u64::from(WIDTH_MAX))?;
        let left = hashes.checked_sub(before)?.min(u64::from(WIDTH_MAX));
        let width = u16::try_from(left).ok().filter(|width| *width > 0)?;
        Some(Self {
            level,
            index,
            width,
        })
    }

    /// Its level, in steps of 256.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Its index within the level.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it holds: 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// It holds less than 256 hashes.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.width < WIDTH_MAX
    }

    /// The full tile that this one becomes.
    #[must_use]
    pub fn full(&self) -> Self {
        Self {
            width: WIDTH_MAX,
            ..*self
        }
    }

    /// A tree of `size` leaves has all hashes of it.
    #[must_use]
    pub fn is_in(&self, size: u64) -> bool {
        Self::of_tree(self.level, self.index, size).is_some_and(|tile| tile.width >= self.width)
    }

    /// Where its hashes stand in the tree: the level of the tree, and the index of the first.
    #[must_use]
    pub fn first_hash(&self) -> Option<(u8, u64)> {
        let level = self.level.checked_mul(8)?;
        let first = self.index.checked_mul(u64::from(WIDTH_MAX))?;
        Some((level, first))
    }

    /// Its path below the prefix of the log: `tile/0/x001/234.p/5`.
    #[must_use]
    pub fn path(&self) -> String {
        path::write(&self.level.to_string(), self.index, self.width)
    }

    /// The tile that has this path.
    ///
    /// # Errors
    /// The path is not the one that [`Tile::path`] writes.
    pub fn from_path(path: &str) -> Result<Self, Error> {
        match Resource::from_path(path)? {
            Resource::Hashes(tile) => Ok(tile),
            Resource::Entries(_) | Resource::Checkpoint => Err(Error::Path),
        }
    }

    /// Reads the hashes from its bytes.
    ///
    /// # Errors
    /// The bytes are not as many as its width asks for.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Hash>, Error> {
        let (hashes, rest) = bytes.as_chunks();
        if !rest.is_empty() || hashes.len() != usize::from(self.width) {
            return Err(Error::Length { found: bytes.len() });
        }
        Ok(hashes.to_vec())
    }

    /// Makes its bytes from the hashes of a reader.
    ///
    /// # Errors
    /// A hash cannot be read.
    pub fn read<R: tree::HashReader>(&self, reader: &R) -> Result<Vec<u8>, R::Error> {
        let level = self.level.saturating_mul(8);
        let first = self.index.saturating_mul(u64::from(WIDTH_MAX));
        let mut bytes = Vec::with_capacity(usize::from(self.width).saturating_mul(32));
        for offset in 0..u64::from(self.width) {
            bytes.extend(reader.hash(level, first.saturating_add(offset))?);
        }
        Ok(bytes)
    }
}

/// The bytes of a tile with these hashes.
#[must_use]
pub fn encode(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// All tiles of a tree of `size` leaves, level by level, each as wide as it is then.
pub fn tiles_of(size: u64) -> impl Iterator<Item = Tile> {
    tiles_between(0, size)
}

/// The tiles of a tree of `new` leaves that are not those of a tree of `old` leaves: all that must
/// be written when it grows, level by level.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0..TREE_LEVELS).flat_map(move |level| {
        let (before, after) = (hashes_at(level, old), hashes_at(level, new));
        let begin = before >> 8;
        let end = match after > before {
            true => after.div_ceil(u64::from(WIDTH_MAX)),
            false => begin,
        };
        (begin..end).filter_map(move |index| Tile::of_tree(level, index, new))
    })
}

/// How many hashes a tree of `size` leaves has at a level of tiles.
fn hashes_at(level: u8, size: u64) -> u64 {
    let bits = u32::from(level).saturating_mul(8);
    size.checked_shr(bits).unwrap_or_default()
}

/// How many levels of the tree lie between a level and the tile that it is computed from.
fn inner_level(level: u8) -> u8 {
    level & 7
}

fn check_width(width: u16) -> Result<(), Error> {
    if (1..=WIDTH_MAX).contains(&width) {
        Ok(())
    } else {
        Err(Error::Width { width })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level { level } => write!(f, "there are no tiles of level {level}"),
            Self::Width { width } => write!(f, "a tile cannot be {width} wide"),
            Self::Path => f.write_str("not the path of a tile, an entry bundle or the checkpoint"),
            Self::Length { found } => write!(f, "a tile of this width does not have {found} bytes"),
            Self::Entries { width } => {
                write!(f, "the bytes are not a bundle of {width} entries")
            }
            Self::LongEntry { found } => {
                write!(f, "an entry of {found} bytes does not fit into a bundle")
            }
            Self::ManyEntries { found } => write!(f, "{found} entries do not fit into a bundle"),
        }
    }
}

impl std::error::Error for Error {}

/// How many hashes a full tile holds, and how many entries a full bundle.
pub const WIDTH_MAX: u16 = 256;
/// The highest level that can be written in a path. No tree comes so high.
const LEVEL_MAX: u8 = 63;
/// So many levels of tiles a tree of up to 2^64 leaves has.
const TREE_LEVELS: u8 = 8;

#[cfg(test)]
mod tests;
