//! A transparency log, its witness and what they sign.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::OnceLock;

use certs_keys::Ed25519Key;
use gateway_tlog::checkpoint::{Checkpoint, Log};
use gateway_tlog::note::{Kind, Note, Signer, Verifier};
use gateway_tlog::proof::Proof;
use gateway_tlog::tile::{self, Bundle, Tile};
use gateway_tlog::tree::{self, Frontier, HashReader};
use gateway_tlog::witness::AddCheckpoint;
use gateway_tlog::{Hash, cosign};

/// A log that has signed its tree at every size.
pub(crate) struct Transparency {
    pub(crate) log: Log,
    pub(crate) witness: Verifier,
    /// By size.
    pub(crate) checkpoints: Vec<Checkpoint>,
    pub(crate) leaves: Vec<Hash>,
    /// The checkpoints, signed and cosigned.
    notes: Vec<Note>,
    nodes: Nodes,
}

struct Nodes(BTreeMap<(u8, u64), Hash>);

impl HashReader for Nodes {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}

impl Transparency {
    fn new() -> Self {
        let signer = |kind, name, seed| {
            let key = Ed25519Key::from_seed(&[seed; 32]).expect("a key");
            Signer::new(kind, name, key).expect("a name")
        };
        let log = signer(Kind::Ed25519, "log.example/1", 1);
        let witness = signer(Kind::Cosignature, "witness.example/1", 2);
        let mut frontier = Frontier::new();
        let mut made = Self {
            log: Log::of_key(log.verifier().clone()).expect("a log"),
            witness: witness.verifier().clone(),
            checkpoints: Vec::new(),
            leaves: Vec::new(),
            notes: Vec::new(),
            nodes: Nodes(BTreeMap::new()),
        };
        for size in 0..=SIZE {
            let checkpoint = Checkpoint::new("log.example/1", size, frontier.root());
            let checkpoint = checkpoint.expect("a checkpoint");
            let mut note = checkpoint.sign(&log).expect("the log signs");
            let cosigned = cosign::cosign(&checkpoint, &witness, 1_767_323_045);
            note.add(cosigned.expect("the witness cosigns"))
                .expect("there is room");
            made.checkpoints.push(checkpoint);
            made.notes.push(note);
            let leaf = tree::leaf_hash(&entry(size));
            made.leaves.push(leaf);
            for node in frontier.push(leaf) {
                made.nodes.0.insert((node.level, node.index), node.hash);
            }
        }
        made
    }

    fn note(&self, size: u64) -> Note {
        let at = usize::try_from(size).expect("a small size");
        self.notes[at].clone()
    }
}

/// The log and all others.
pub(crate) fn transparency() -> &'static Transparency {
    static TRANSPARENCY: OnceLock<Transparency> = OnceLock::new();
    TRANSPARENCY.get_or_init(Transparency::new)
}

/// Signed notes: checkpoints, and one that is none.
pub fn signed_notes() -> Vec<Vec<u8>> {
    let made = transparency();
    let key = Ed25519Key::from_seed(&[3; 32]).expect("a key");
    let other = Signer::new(Kind::Ed25519, "other", key).expect("a name");
    let note = Note::sign("A text\n\nof three lines.\n", &[&other]).expect("it is signed");
    let notes = [made.note(0), made.note(9), note];
    notes.iter().map(Note::to_bytes).collect()
}

/// Tiles and entry bundles behind a line with their path.
pub fn tlog_tiles() -> Vec<Vec<u8>> {
    let made = transparency();
    let mut seeds: Vec<_> = tile::tiles_of(SIZE)
        .chain(tile::tiles_of(3))
        .map(|tile: Tile| {
            let Ok(bytes) = tile.read(&made.nodes);
            [tile.path().as_bytes(), b"\n", &bytes].concat()
        })
        .collect();
    let entries: Vec<_> = (0..SIZE).map(entry).collect();
    let bundle = Bundle::new(0, 9).expect("a bundle");
    let bytes = tile::encode_entries(&entries).expect("they are short");
    seeds.push([bundle.path().as_bytes(), b"\n", &bytes].concat());
    seeds
}

/// Proof files, one of them with extra data.
pub fn tlog_proofs() -> Vec<Vec<u8>> {
    let made = transparency();
    let proof = |index, size| {
        let hashes = tree::inclusion_proof(&made.nodes, index, size).expect("it is in the tree");
        Proof::new(index, hashes, made.note(size)).expect("a proof")
    };
    let extra = proof(0, 1).with_extra(b"extra".to_vec());
    let proofs = [proof(5, 9), proof(8, 9), extra.expect("it is short")];
    proofs.iter().map(Proof::encode).collect()
}

/// Requests to a witness.
pub fn add_checkpoints() -> Vec<Vec<u8>> {
    let made = transparency();
    let request = |old, new| {
        let proof = tree::consistency_proof(&made.nodes, old, new).expect("it grows");
        AddCheckpoint::new(old, proof, made.note(new)).expect("a request")
    };
    let requests = [request(0, 9), request(3, 9), request(3, 3), request(0, 0)];
    requests.iter().map(AddCheckpoint::encode).collect()
}

fn entry(number: u64) -> Vec<u8> {
    format!("entry {number}").into_bytes()
}

const SIZE: u64 = 9;
