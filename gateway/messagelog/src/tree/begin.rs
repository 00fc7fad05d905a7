//! Where the tree goes on when a log is opened: nothing that was signed is lost or contradicted.

use std::path::{Path, PathBuf};

use gateway_store::segment::Scan;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::{self, Checkpoint, Log, Opened};
use gateway_tlog::note::Note;

use super::Error;
use super::cosigned::{COUNT_MAX, Cosigned, file_name};
use super::edge::Edge;
use super::files::{CHECKPOINT, Files, SYNCED};
use super::leaves::Leaves;
use super::synced::Synced;
use super::view::View;
use crate::bodies::hex;
use crate::protection::sha256;

/// A tree that has all records of its log.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) edge: Edge,
    /// The latest checkpoint that was signed.
    pub(super) signed: Option<Opened>,
    /// The latest checkpoints with cosignatures.
    pub(super) cosigned: Cosigned,
    /// The files of full tiles that were written and may not be durable.
    pub(super) written: Vec<String>,
    /// The size of the tree that is saved and stands.
    pub(super) saved: Option<u64>,
}

/// A signed checkpoint that the log must give again.
struct Promise {
    path: PathBuf,
    size: u64,
    root: Hash,
}

/// Reads what stands in the folder, adds what is missing from the log, and holds the result against
/// everything that was signed.
pub(super) fn begin(
    files: &Files,
    segments: &Path,
    records: u64,
    log: &Log,
) -> Result<Begun, Error> {
    let synced = read_synced(files, log)?;
    let signed = read_checkpoint(files, CHECKPOINT, log)?;
    let mut promises = Vec::new();
    let found = [
        (SYNCED, synced.as_ref().map(|(opened, _)| opened)),
        (CHECKPOINT, signed.as_ref()),
    ];
    for (name, opened) in found {
        promises.extend(opened.map(|opened| Promise::of(files, name, opened)));
    }
    let mut cosigned = Cosigned::default();
    for name in (1..=COUNT_MAX).map(file_name) {
        if let Some(opened) = read_checkpoint(files, &name, log)? {
            promises.push(Promise::of(files, &name, &opened));
            let places = cosigned.places(&opened, log);
            cosigned.put(&places, &opened);
        }
    }
    if let Some(promise) = promises.iter().find(|promise| promise.size > records) {
        return Err(promise.broken(None, records));
    }
    let start = synced
        .as_ref()
        .map(|(opened, edge)| (opened.checkpoint(), edge))
        .filter(|(checkpoint, edge)| stands(segments, checkpoint, edge))
        .map(|(_, edge)| edge.clone());
    let saved = start.as_ref().map(Edge::size);
    let growing = Growth {
        files,
        segments,
        promises: &promises,
        records,
    };
    let (edge, written) = growing.grow(start.unwrap_or_default())?;
    let latest = [synced.map(|(opened, _)| opened), signed]
        .into_iter()
        .flatten()
        .max_by_key(|opened| opened.checkpoint().size());
    Ok(Begun {
        edge,
        signed: latest,
        cosigned,
        written,
        saved,
    })
}

struct Growth<'a> {
    files: &'a Files,
    segments: &'a Path,
    promises: &'a [Promise],
    records: u64,
}

impl Growth<'_> {
    /// Adds all records behind an edge.
    fn grow(&self, mut edge: Edge) -> Result<(Edge, Vec<String>), Error> {
        let view = View::new(self.files, self.segments, &edge, true);
        for promise in self.promises {
            if promise.size <= edge.size() {
                self.hold(promise, view.root(promise.size))?;
            }
        }
        let mut written = Vec::new();
        let mut leaves = Leaves::after(self.segments, self.files, &edge)?;
        while edge.size() < self.records {
            let Some(leaf) = leaves.next() else {
                return Err(Error::LeafMissing {
                    ordinal: edge.size().saturating_add(1),
                    damage: leaves.damage(),
                });
            };
            let leaf = leaf?;
            let ordinal = leaf.position.ordinal;
            let is_promised = self.promises.iter().any(|promise| promise.size >= ordinal);
            if leaf.position.segment == 0 && !is_promised {
                // Nothing signed says that what the tile has is right.
                let damage = leaves.damage();
                return Err(Error::LeafMissing { ordinal, damage });
            }
            for full in edge.push(leaf.position, leaf.digest) {
                written.extend(self.files.write_full(&full)?);
            }
            for promise in self.promises {
                if promise.size == edge.size() {
                    self.hold(promise, Ok(edge.root()))?;
                }
            }
            if edge.size().is_multiple_of(TOLD_EVERY) {
                let records = self.records;
                tracing::info!(done = edge.size(), records, "the tree of the log is made");
            }
        }
        Ok((edge, written))
    }

    fn hold(&self, promise: &Promise, computed: Result<Hash, Error>) -> Result<(), Error> {
        let computed = computed?;
        match computed == promise.root {
            true => Ok(()),
            false => Err(promise.broken(Some(computed), self.records)),
        }
    }
}

impl Promise {
    fn of(files: &Files, name: &str, opened: &Opened) -> Self {
        Self {
            path: files.path(name),
            size: opened.checkpoint().size(),
            root: *opened.checkpoint().root(),
        }
    }

    fn broken(&self, computed: Option<Hash>, records: u64) -> Error {
        Error::Fork {
            path: self.path.clone(),
            size: self.size,
            signed: self.root,
            computed,
            records,
        }
    }
}

/// The log still has the last record of a saved edge, and the edge is the one that was signed.
fn stands(segments: &Path, checkpoint: &Checkpoint, edge: &Edge) -> bool {
    if edge.size() != checkpoint.size() || edge.root() != *checkpoint.root() {
        tracing::error!("the saved state of the tree is not the one that was signed");
        return false;
    }
    let Some((position, digest)) = edge.last() else {
        return true;
    };
    let scan = match position.segment {
        0 => Scan::open_at(segments, position.ordinal),
        _ => Scan::open_from(segments, position),
    };
    let found = scan.map(|scan| scan.digests().next());
    let same = matches!(&found, Ok(Some(Ok(found)))
        if found.position.ordinal == position.ordinal && found.digest == digest);
    if !same {
        tracing::warn!(
            ordinal = position.ordinal,
            "the last record of the saved tree is not found: the tree is made anew"
        );
    }
    same
}

/// The saved state with its signed checkpoint.
fn read_synced(files: &Files, log: &Log) -> Result<Option<(Opened, Edge)>, Error> {
    let Some(bytes) = files.read(SYNCED)? else {
        return Ok(None);
    };
    let Some(synced) = Synced::decode(&bytes) else {
        set_aside(files, SYNCED, &bytes, "it is damaged")?;
        return Ok(None);
    };
    let opened = open(&files.path(SYNCED), &synced.note, log)?;
    Ok(opened.map(|opened| (opened, synced.edge)))
}

fn read_checkpoint(files: &Files, name: &str, log: &Log) -> Result<Option<Opened>, Error> {
    let Some(bytes) = files.read(name)? else {
        return Ok(None);
    };
    let opened = open(&files.path(name), &bytes, log)?;
    if opened.is_none() {
        // It was not synced: a power cut may have left anything.
        set_aside(files, name, &bytes, "it is no signed checkpoint")?;
    }
    Ok(opened)
}

/// A checkpoint of this log; `None` when it is none at all. One of another log is an error.
fn open(path: &Path, bytes: &[u8], log: &Log) -> Result<Option<Opened>, Error> {
    let Ok(note) = Note::parse(bytes) else {
        return Ok(None);
    };
    let Ok(checkpoint) = Checkpoint::from_text(note.text()) else {
        return Ok(None);
    };
    checkpoint::open_note(note, log)
        .map(Some)
        .map_err(|error| Error::OtherLog {
            path: path.to_owned(),
            found: checkpoint.origin().to_owned(),
            expected: log.origin().to_owned(),
            reason: error.to_string(),
        })
}

/// Keeps what cannot be read beside, before another takes its place.
fn set_aside(files: &Files, name: &str, bytes: &[u8], reason: &str) -> Result<(), Error> {
    let digest = hex(&sha256(bytes));
    let short = digest.get(..16).unwrap_or(&digest);
    let kept = format!("{name}.unreadable-{short}");
    tracing::error!(file = %files.path(name).display(), kept, reason, "a file of the tree is set aside");
    files.write(&kept, bytes)
}

const TOLD_EVERY: u64 = 1 << 20;
