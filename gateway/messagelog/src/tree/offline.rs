//! The tree of a log for an auditor: nothing is written, and nothing is believed that the segments
//! or the checkpoint do not bear out.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use gateway_store::segment::Damage;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::Checkpoint;
use gateway_tlog::note::Note;
use gateway_tlog::proof::Proof;
use gateway_tlog::tile::{Bundle, Tile, WIDTH_MAX};

use super::cosigned::file_name;
use super::edge::{Edge, place};
use super::files::{CHECKPOINT, Files, SYNCED};
use super::leaves::Leaves;
use super::synced::Synced;
use super::view::View;
use super::{Error, TREE, proof_file};
use crate::log;

/// The tree of a log under the checkpoint that lies in its folder. Proofs are made from the tiles;
/// what is missing or damaged of them is made from the segments, in memory.
///
/// The signatures of the checkpoint are for the caller to verify: he knows the key.
#[derive(Clone, Debug)]
pub struct Offline {
    files: Files,
    segments: PathBuf,
    note: Note,
    checkpoint: Checkpoint,
    edge: Edge,
}

/// What a walk through all records of a log has shown of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many records the log has.
    pub records: u64,
    /// How many of them were erased: their digests are there.
    pub erased: u64,
    /// How many of the digests are not from the log, because the record is damaged, but from the
    /// tiles.
    pub from_tiles: u64,
    /// How many records the checkpoint covers.
    pub size: u64,
    /// The root in the checkpoint.
    pub signed: Hash,
    /// The root over so many records; `None`: there are not so many.
    pub computed: Option<Hash>,
    /// Where the log is damaged: the first thousand places.
    pub damages: Vec<Damage>,
    /// The record at which the walk ended, because its digest is nowhere.
    pub missing: Option<u64>,
}

impl Checked {
    /// The log gives the tree that was signed, and no record is damaged.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.computed == Some(self.signed) && self.damages.is_empty() && self.missing.is_none()
    }
}

impl Offline {
    /// The tree of the log in `dir`, the folder that was given to [`crate::MessageLog::open`]. A node
    /// may be writing it meanwhile.
    ///
    /// # Errors
    /// There is no checkpoint, it cannot be read, or neither tiles nor records give its root.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let files = Files::at(&dir.join(TREE));
        let path = files.path(CHECKPOINT);
        let bytes = files
            .read(CHECKPOINT)?
            .ok_or_else(|| Error::NoCheckpoint { path: path.clone() })?;
        Self::under(dir, &bytes).map_err(|error| match error {
            Error::Checkpoint { reason, .. } => Error::Checkpoint { path, reason },
            error => error,
        })
    }

    /// The same tree under another checkpoint: the one with cosignatures, or one kept elsewhere.
    ///
    /// # Errors
    /// As [`Self::open`]: then the log is not the one that this checkpoint was signed for.
    pub fn under(dir: &Path, checkpoint: &[u8]) -> Result<Self, Error> {
        let files = Files::at(&dir.join(TREE));
        let malformed = |reason: String| Error::Checkpoint {
            path: files.path(CHECKPOINT),
            reason,
        };
        let note = Note::parse(checkpoint).map_err(|error| malformed(error.to_string()))?;
        let checkpoint =
            Checkpoint::from_text(note.text()).map_err(|error| malformed(error.to_string()))?;
        let segments = dir.join(log::SEGMENTS);
        let edge = match edge_of_tiles(&files, &checkpoint)? {
            Some(edge) => edge,
            None => edge_of_log(&files, &segments, &checkpoint)?,
        };
        Ok(Self {
            files,
            segments,
            note,
            checkpoint,
            edge,
        })
    }

    /// The latest checkpoint with cosignatures, if the log has one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn cosigned_checkpoint(&self) -> Result<Option<Bytes>, Error> {
        self.cosigned_by(1)
    }

    /// The latest checkpoint that has cosignatures of at least so many witnesses, if the log has one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn cosigned_by(&self, count: usize) -> Result<Option<Bytes>, Error> {
        Ok(self.files.read(&file_name(count))?.map(Bytes::from))
    }

    /// What was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with the signatures.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// How many entries the checkpoint covers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The data of the leaf of an entry: SHA-256 of its stored bytes.
    ///
    /// # Errors
    /// The checkpoint does not cover it, or it cannot be read.
    pub fn leaf(&self, ordinal: u64) -> Result<Hash, Error> {
        self.view().leaf(ordinal)
    }

    /// The proof that an entry is in the tree of this size. It was verified.
    ///
    /// # Errors
    /// It is not in such a tree, or the tree cannot be read.
    pub fn inclusion(&self, ordinal: u64, size: u64) -> Result<Vec<Hash>, Error> {
        self.view().inclusion(ordinal, size)
    }

    /// The proof that the tree of one size is a beginning of the tree of another. It was verified.
    ///
    /// # Errors
    /// The first is the larger one, or the tree cannot be read.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, Error> {
        self.view().consistency(old, new)
    }

    /// The root of the tree when it had this size.
    ///
    /// # Errors
    /// It never had, or the tree cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Hash, Error> {
        self.view().root(size)
    }

    /// A file that proves that an entry is in the tree, under the checkpoint.
    ///
    /// # Errors
    /// As [`Self::inclusion`].
    pub fn prove(&self, ordinal: u64) -> Result<Proof, Error> {
        let hashes = self.inclusion(ordinal, self.size())?;
        proof_file(ordinal, hashes, &self.note.to_bytes())
    }

    /// Goes through all records of the log, hashes every payload that still stands, and makes the
    /// tree from nothing else. `progress` is told (bytes done, bytes in all).
    ///
    /// # Errors
    /// The log cannot be read. Damage is no error: it is in what comes back.
    pub fn check(&self, mut progress: impl FnMut(u64, u64)) -> Result<Checked, Error> {
        let mut checked = Checked {
            records: 0,
            erased: 0,
            from_tiles: 0,
            size: self.size(),
            signed: *self.checkpoint.root(),
            computed: None,
            damages: Vec::new(),
            missing: None,
        };
        let mut edge = Edge::default();
        let mut leaves = Leaves::from(&self.segments, &self.files, 1)?;
        while {
            if edge.size() == checked.size {
                checked.computed = Some(edge.root());
            }
            true
        } {
            match leaves.next() {
                None => break,
                Some(Ok(leaf)) => {
                    edge.push(leaf.position, leaf.digest);
                    checked.erased = checked.erased.saturating_add(leaf.erased.into());
                    let is_other = leaf.position.segment == 0;
                    checked.from_tiles = checked.from_tiles.saturating_add(is_other.into());
                }
                Some(Err(Error::LeafMissing { ordinal, .. })) => {
                    checked.missing = Some(ordinal);
                    break;
                }
                Some(Err(error)) => return Err(error),
            }
            if edge.size().is_multiple_of(TOLD_EVERY) {
                let (done, all) = leaves.progress();
                progress(done, all);
            }
        }
        let (_, all) = leaves.progress();
        progress(all, all);
        checked.records = edge.size();
        checked.damages = leaves.damages().to_vec();
        Ok(checked)
    }

    fn view(&self) -> View<'_> {
        View::new(&self.files, &self.segments, &self.edge, false)
    }
}

/// The edge from the partial tiles, or from what a restart would begin with; `None`: neither has the
/// root that was signed.
fn edge_of_tiles(files: &Files, checkpoint: &Checkpoint) -> Result<Option<Edge>, Error> {
    let size = checkpoint.size();
    let is_right = |edge: &Edge| edge.size() == size && edge.root() == *checkpoint.root();
    let (index, width) = place(size, 0);
    if let Some(leaves) = beginning(width, |width| {
        Bundle::new(index, width)
            .ok()
            .and_then(|bundle| files.entries(&bundle).transpose())
            .transpose()
    })? {
        let mut failed = None;
        let edge = Edge::from_parts(size, leaves, |level, index, width| {
            let found = beginning(width.into(), |width| {
                Tile::new(level, index, width)
                    .ok()
                    .and_then(|tile| files.tile(&tile).transpose())
                    .transpose()
            });
            found.unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(edge) = edge.filter(is_right) {
            return Ok(Some(edge));
        }
    }
    let synced = files.read(SYNCED)?;
    let synced = synced.and_then(|bytes| Synced::decode(&bytes));
    Ok(synced.map(|synced| synced.edge).filter(is_right))
}

/// So many from the file that has just these, or from the one that is full by now.
fn beginning(
    width: usize,
    read: impl Fn(u16) -> Result<Option<Vec<Hash>>, Error>,
) -> Result<Option<Vec<Hash>>, Error> {
    let Ok(partial @ 1..) = u16::try_from(width) else {
        return Ok(Some(Vec::new()));
    };
    if let Some(found) = read(partial)? {
        return Ok(Some(found));
    }
    let full = read(WIDTH_MAX)?;
    Ok(full.and_then(|full| full.get(..width).map(<[Hash]>::to_vec)))
}

/// The edge from all records.
fn edge_of_log(files: &Files, segments: &Path, checkpoint: &Checkpoint) -> Result<Edge, Error> {
    let mut edge = Edge::default();
    let mut leaves = Leaves::from(segments, files, 1)?;
    let fork = |computed, records| Error::Fork {
        path: files.path(CHECKPOINT),
        size: checkpoint.size(),
        signed: *checkpoint.root(),
        computed,
        records,
    };
    while edge.size() < checkpoint.size() {
        let Some(leaf) = leaves.next() else {
            return Err(fork(None, edge.size()));
        };
        let leaf = leaf?;
        edge.push(leaf.position, leaf.digest);
    }
    let root = edge.root();
    match root == *checkpoint.root() {
        true => Ok(edge),
        false => Err(fork(Some(root), edge.size())),
    }
}

const TOLD_EVERY: u64 = 1 << 12;
