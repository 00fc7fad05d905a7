//! Reading the tree behind its right edge: every tile is held against the tile above it, up to the
//! edge, before it counts; a damaged one is made anew.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gateway_tlog::Hash;
use gateway_tlog::tile::{Bundle, Tile, WIDTH_MAX};
use gateway_tlog::tree::{self, HashReader, Unproved};

use super::Error;
use super::edge::{Edge, Full, place, subtree};
use super::files::Files;
use super::leaves::Leaves;

/// A tree of which the edge is known to be right.
#[derive(Debug)]
pub(super) struct View<'a> {
    files: &'a Files,
    segments: &'a Path,
    edge: &'a Edge,
    /// Tiles made anew are written.
    repair: bool,
    /// Full tiles that were checked: one proof asks for the same ones again and again.
    checked: RefCell<Checked>,
}

/// Hashes of full tiles by level and index.
type Checked = BTreeMap<(u8, u64), Arc<[Hash]>>;

impl<'a> View<'a> {
    /// For one proof or file. Tiles made anew are written when it may `repair`.
    pub(super) fn new(files: &'a Files, segments: &'a Path, edge: &'a Edge, repair: bool) -> Self {
        Self {
            files,
            segments,
            edge,
            repair,
            checked: RefCell::default(),
        }
    }

    /// The root of the tree as it was when it had this size.
    pub(super) fn root(&self, size: u64) -> Result<Hash, Error> {
        if size > self.edge.size() {
            return Err(self.outside(size));
        }
        match size == self.edge.size() {
            true => Ok(self.edge.root()),
            false => tree::root(self, size),
        }
    }

    /// That a record, by its number, is in the tree of this size. It was verified.
    pub(super) fn inclusion(&self, ordinal: u64, size: u64) -> Result<Vec<Hash>, Error> {
        let root = self.root(size)?;
        if ordinal == 0 || ordinal > size {
            return Err(Error::OutsideTree {
                asked: ordinal,
                size,
            });
        }
        let index = ordinal.saturating_sub(1);
        let proof =
            tree::inclusion_proof(self, index, size).map_err(|error| unproved(&error, ordinal))?;
        let leaf = self.hash(0, index)?;
        tree::verify_inclusion(&leaf, index, size, &proof, &root).map_err(refused)?;
        Ok(proof)
    }

    /// That the tree of one size is a beginning of the tree of another. It was verified.
    pub(super) fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, Error> {
        let new_root = self.root(new)?;
        if old > new {
            return Err(Error::OutsideTree {
                asked: old,
                size: new,
            });
        }
        let proof =
            tree::consistency_proof(self, old, new).map_err(|error| unproved(&error, old))?;
        let old_root = self.root(old)?;
        tree::verify_consistency(old, new, &old_root, &new_root, &proof).map_err(refused)?;
        Ok(proof)
    }

    /// The hashes of a tile; `None` when the tree does not have all of them.
    pub(super) fn tile(&self, tile: &Tile) -> Result<Option<Vec<Hash>>, Error> {
        if !tile.is_in(self.edge.size()) {
            return Ok(None);
        }
        let hashes = self.hashes(tile.level(), tile.index())?;
        Ok(hashes.get(..tile.width().into()).map(<[Hash]>::to_vec))
    }

    /// The data of the leaves of a bundle; `None` when the tree does not have all of them.
    pub(super) fn bundle(&self, bundle: &Bundle) -> Result<Option<Vec<Hash>>, Error> {
        if !bundle.is_in(self.edge.size()) {
            return Ok(None);
        }
        let leaves = self.leaves(bundle.index())?;
        Ok(leaves.get(..bundle.width().into()).map(<[Hash]>::to_vec))
    }

    /// The data of one leaf: the digest of a record, by its number.
    pub(super) fn leaf(&self, ordinal: u64) -> Result<Hash, Error> {
        let size = self.edge.size();
        let missing = Error::OutsideTree {
            asked: ordinal,
            size,
        };
        if ordinal == 0 || ordinal > size {
            return Err(missing);
        }
        let (bundle, within) = place(ordinal.saturating_sub(1), 0);
        self.leaves(bundle)?.get(within).copied().ok_or(missing)
    }

    /// All there is of the leaves of a tile of level 0.
    fn leaves(&self, index: u64) -> Result<Vec<Hash>, Error> {
        if index == place(self.edge.size(), 0).0 {
            return Ok(self.edge.leaves().to_vec());
        }
        let hashes = self.full(0, index)?;
        let is_right = |leaves: &[Hash]| leaf_hashes(leaves) == *hashes;
        if let Ok(bundle) = Bundle::new(index, WIDTH_MAX)
            && let Some(leaves) = self.files.entries(&bundle)?.filter(|found| is_right(found))
        {
            return Ok(leaves);
        }
        let leaves = self.leaves_of_log(index)?;
        if !is_right(&leaves) {
            return Err(changed(0, index));
        }
        self.write(&Full {
            level: 0,
            index,
            hashes: hashes.to_vec(),
            leaves: leaves.clone(),
        });
        Ok(leaves)
    }

    /// All there is of a tile.
    fn hashes(&self, level: u8, index: u64) -> Result<Arc<[Hash]>, Error> {
        match index == place(self.edge.size(), level).0 {
            true => Ok(self.edge.level(level).into()),
            false => self.full(level, index),
        }
    }

    /// The hashes of a full tile, as the tile above has them.
    fn full(&self, level: u8, index: u64) -> Result<Arc<[Hash]>, Error> {
        if let Some(checked) = self.checked.borrow().get(&(level, index)) {
            return Ok(Arc::clone(checked));
        }
        let hashes: Arc<[Hash]> = self.checked_full(level, index)?.into();
        let mut checked = self.checked.borrow_mut();
        checked.insert((level, index), Arc::clone(&hashes));
        Ok(hashes)
    }

    fn checked_full(&self, level: u8, index: u64) -> Result<Vec<Hash>, Error> {
        let above = level.saturating_add(1);
        let (parent, within) = place(index, 0);
        let expected = self.hashes(above, parent)?.get(within).copied();
        // A tree has all full tiles before its edge, and their hashes above them.
        let expected = expected.ok_or_else(|| self.outside(span(level, index).1))?;
        let is_right = |hashes: &[Hash]| subtree(hashes) == expected;
        let found = match Tile::new(level, index, WIDTH_MAX) {
            Ok(tile) => self.files.tile(&tile)?,
            Err(_) => None,
        };
        if let Some(hashes) = found.filter(|found| is_right(found)) {
            return Ok(hashes);
        }
        if self.repair {
            tracing::warn!(level, index, "a tile of the log is missing or damaged");
        }
        self.anew(level, index, is_right)
    }

    /// Makes a tile from those below it, or from the records.
    fn anew(
        &self,
        level: u8,
        index: u64,
        is_right: impl Fn(&[Hash]) -> bool,
    ) -> Result<Vec<Hash>, Error> {
        if let Some(full) = self.made_from_below(level, index)?
            && is_right(&full.hashes)
        {
            self.write(&full);
            return Ok(full.hashes);
        }
        let full = self.made_from_log(level, index)?;
        if !is_right(&full.hashes) {
            return Err(changed(level, index));
        }
        self.write(&full);
        Ok(full.hashes)
    }

    /// A tile from the tiles below it as they are, at level 0 from its leaves.
    fn made_from_below(&self, level: u8, index: u64) -> Result<Option<Full>, Error> {
        let Some(below) = level.checked_sub(1) else {
            let bundle = Bundle::new(index, WIDTH_MAX).ok();
            let leaves = bundle.and_then(|bundle| self.files.entries(&bundle).transpose());
            return Ok(leaves.transpose()?.map(|leaves| Full {
                level,
                index,
                hashes: leaf_hashes(&leaves),
                leaves,
            }));
        };
        let first = index.saturating_mul(u64::from(WIDTH_MAX));
        let mut hashes = Vec::with_capacity(usize::from(WIDTH_MAX));
        for offset in 0..u64::from(WIDTH_MAX) {
            let tile = Tile::new(below, first.saturating_add(offset), WIDTH_MAX).ok();
            let Some(found) = tile.and_then(|tile| self.files.tile(&tile).transpose()) else {
                return Ok(None);
            };
            hashes.push(subtree(&found?));
        }
        Ok(Some(Full {
            level,
            index,
            hashes,
            leaves: Vec::new(),
        }))
    }

    /// A tile from the records of the log.
    fn made_from_log(&self, level: u8, index: u64) -> Result<Full, Error> {
        let (first, last) = span(level, index);
        let mut edge = Edge::default();
        let mut leaves = Leaves::from(self.segments, self.files, first)?;
        loop {
            let Some(leaf) = leaves.next() else {
                let ordinal = first.saturating_add(edge.size());
                let damage = leaves.damage();
                return Err(Error::LeafMissing { ordinal, damage });
            };
            let leaf = leaf?;
            let mut full = edge.push(leaf.position, leaf.digest);
            if leaf.position.ordinal == last
                && let Some(full) = full.pop().filter(|full| full.level == level)
            {
                return Ok(Full { index, ..full });
            }
        }
    }

    fn leaves_of_log(&self, index: u64) -> Result<Vec<Hash>, Error> {
        Ok(self.made_from_log(0, index)?.leaves)
    }

    fn write(&self, full: &Full) {
        if !self.repair {
            return;
        }
        if let Err(error) = self.files.write_full(full) {
            tracing::warn!(%error, "a tile of the log could not be put right");
        }
    }

    fn outside(&self, asked: u64) -> Error {
        Error::OutsideTree {
            asked,
            size: self.edge.size(),
        }
    }
}

impl HashReader for View<'_> {
    type Error = Error;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let within = u32::from(level & 7);
        let first = index.checked_shl(within).unwrap_or(u64::MAX);
        let (tile, start) = place(first, 0);
        let width = 1_usize.checked_shl(within).unwrap_or(1);
        let hashes = self.hashes(level >> 3, tile)?;
        hashes
            .get(start..start.saturating_add(width))
            .map(subtree)
            .ok_or_else(|| self.outside(index))
    }
}

/// The first and the last record, by their numbers, of a full tile.
fn span(level: u8, index: u64) -> (u64, u64) {
    let bits = u32::from(level).saturating_add(1).saturating_mul(8);
    let leaves = 1_u64.checked_shl(bits).unwrap_or(u64::MAX);
    let before = index.saturating_mul(leaves);
    (before.saturating_add(1), before.saturating_add(leaves))
}

fn leaf_hashes(leaves: &[Hash]) -> Vec<Hash> {
    leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect()
}

fn changed(level: u8, index: u64) -> Error {
    let (first, last) = span(level, index);
    Error::Changed { first, last }
}

fn unproved(error: &Unproved<Error>, asked: u64) -> Error {
    match error {
        Unproved::Read(error) => error.clone(),
        Unproved::Range(tree::Error::OutsideTree { size, .. }) => {
            Error::OutsideTree { asked, size: *size }
        }
        Unproved::Range(error) => refused(*error),
    }
}

fn refused(error: tree::Error) -> Error {
    Error::ProofRefused {
        reason: error.to_string(),
    }
}
