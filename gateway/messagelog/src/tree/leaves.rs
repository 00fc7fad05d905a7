//! The leaves of the tree as the segments give them.

use std::path::Path;

use gateway_store::Error as StoreError;
use gateway_store::segment::{Damage, Digests, PayloadDigest, Position, Scan};
use gateway_tlog::Hash;

use super::Error;
use super::edge::Edge;
use super::files::Files;

/// The digests of the records of a log in order, from some on, without a gap. What the segments no
/// longer tell, because a record is damaged, is taken from the tiles: whoever asks compares the
/// root.
#[derive(Debug)]
pub(super) struct Leaves {
    digests: Digests,
    files: Files,
    /// The ordinal that comes next.
    next: u64,
    /// A record behind a gap.
    ahead: Option<PayloadDigest>,
    /// The first damage since the last record.
    damage: Option<Damage>,
    /// All of it.
    damages: Vec<Damage>,
    ended: bool,
}

/// One leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its segment is 0 when the digest is not from there.
    pub(super) position: Position,
    pub(super) digest: Hash,
    pub(super) erased: bool,
}

impl Leaves {
    /// From a record on.
    pub(super) fn from(segments: &Path, files: &Files, ordinal: u64) -> Result<Self, Error> {
        let scan = Scan::open_at(segments, ordinal)?;
        Ok(Self::new(scan, files, ordinal))
    }

    /// Those behind an edge.
    pub(super) fn after(segments: &Path, files: &Files, edge: &Edge) -> Result<Self, Error> {
        let next = edge.size().saturating_add(1);
        match edge.last() {
            Some((position, _)) if position.segment > 0 => {
                let scan = Scan::open_from(segments, position)?;
                Ok(Self::new(scan, files, next))
            }
            _ => Self::from(segments, files, next),
        }
    }

    fn new(scan: Scan, files: &Files, next: u64) -> Self {
        Self {
            digests: scan.digests(),
            files: files.clone(),
            next,
            ahead: None,
            damage: None,
            damages: Vec::new(),
            ended: false,
        }
    }

    /// How far reading has come: (bytes done, bytes in all).
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.digests.bytes_done(), self.digests.bytes_total())
    }

    /// The damage told last: why there is a gap.
    pub(super) fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// All damage that was found so far.
    pub(super) fn damages(&self) -> &[Damage] {
        &self.damages
    }

    fn step(&mut self) -> Result<Option<Leaf>, Error> {
        loop {
            if let Some(found) = self.ahead.take() {
                let ordinal = found.position.ordinal;
                if ordinal > self.next {
                    self.ahead = Some(found);
                    return self.take_from_tiles().map(Some);
                }
                if ordinal == self.next {
                    self.damage = None;
                    self.next = self.next.saturating_add(1);
                    return Ok(Some(Leaf {
                        position: found.position,
                        digest: found.digest,
                        erased: found.erased,
                    }));
                }
            }
            match self.digests.next() {
                None => return Ok(None),
                Some(Ok(found)) => self.ahead = Some(found),
                Some(Err(StoreError::Damaged(damage))) => {
                    self.damage.get_or_insert(damage);
                    if self.damages.len() < DAMAGES_MAX {
                        self.damages.push(damage);
                    }
                }
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// The next leaf, though its record is damaged.
    fn take_from_tiles(&mut self) -> Result<Leaf, Error> {
        let ordinal = self.next;
        let digest = self
            .files
            .leaf_unchecked(ordinal.saturating_sub(1))?
            .ok_or(Error::LeafMissing {
                ordinal,
                damage: self.damage,
            })?;
        self.next = ordinal.saturating_add(1);
        let position = Position {
            ordinal,
            segment: 0,
            offset: 0,
        };
        Ok(Leaf {
            position,
            digest,
            erased: false,
        })
    }
}

impl Iterator for Leaves {
    type Item = Result<Leaf, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

const DAMAGES_MAX: usize = 1000;
