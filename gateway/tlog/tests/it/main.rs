//! The public face: a log, its witness, its monitor and somebody who verifies a proof offline, each
//! with what the others have published alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod outside;

use std::collections::HashMap;

use certs_keys::Ed25519Key;
use gateway_tlog::checkpoint::{self, Checkpoint, Log};
use gateway_tlog::note::{Kind, Note, Signer, Verifier};
use gateway_tlog::proof::Proof;
use gateway_tlog::tile::{self, Bundle, Resource, Tile, TileHashes, WIDTH_MAX};
use gateway_tlog::tree::{self, Frontier, HashReader};
use gateway_tlog::witness::{self, AddCheckpoint};
use gateway_tlog::{Hash, cosign};

const ORIGIN: &str = "node.example/az/gov/1";

/// What a log publishes: files by their paths.
#[derive(Default)]
struct Files(HashMap<String, Vec<u8>>);

impl Files {
    fn get(&self, path: &str) -> Option<&Vec<u8>> {
        // A server takes the path apart before it looks for a file.
        let resource = Resource::from_path(path).ok()?;
        self.0.get(&resource.path())
    }

    /// The tree of this size, as somebody reads it who has nothing but the files.
    fn tree(&self, size: u64) -> impl HashReader<Error = tile::TileError<()>> {
        TileHashes::new(size, move |tile: &Tile| {
            if let Some(bytes) = self.get(&tile.path()) {
                return Ok(bytes.clone());
            }
            // The partial tile may be gone once the full one is there.
            let full = self.get(&tile.full().path()).ok_or(())?;
            Ok(full[..usize::from(tile.width()) * 32].to_vec())
        })
    }
}

/// A log that keeps nothing in memory but its right edge and its data.
struct Writer {
    signer: Signer,
    data: Vec<Vec<u8>>,
    frontier: Frontier,
    files: Files,
}

impl Writer {
    fn new() -> Self {
        let key = Ed25519Key::generate().unwrap();
        Self {
            signer: Signer::new(Kind::Ed25519, ORIGIN, key).unwrap(),
            data: Vec::new(),
            frontier: Frontier::new(),
            files: Files::default(),
        }
    }

    /// Adds entries and publishes tiles, bundles and a checkpoint.
    fn grow(&mut self, count: usize) {
        let old = self.frontier.size();
        let mut new_nodes = HashMap::new();
        for _ in 0..count {
            let data = format!("entry {}", self.data.len()).into_bytes();
            for node in self.frontier.push(tree::leaf_hash(&data)) {
                new_nodes.insert((node.level, node.index), node.hash);
            }
            self.data.push(data);
        }
        let new = self.frontier.size();
        for tile in tile::tiles_between(old, new) {
            // What an older tile had, and what was completed since.
            let (level, first) = tile.first_hash().unwrap();
            let before = Tile::of_tree(tile.level(), tile.index(), old);
            let before = before.and_then(|before| self.files.0.get(&before.path()).cloned());
            let mut bytes = before.unwrap_or_default();
            let known = bytes.len() as u64 / 32;
            for offset in known..u64::from(tile.width()) {
                bytes.extend(new_nodes[&(level, first + offset)]);
            }
            self.files.0.insert(tile.path(), bytes);
            if tile.level() == 0 {
                let first = usize::try_from(first).unwrap();
                let entries = &self.data[first..first + usize::from(tile.width())];
                let bundle = Bundle::new(tile.index(), tile.width()).unwrap();
                let bytes = tile::encode_entries(entries).unwrap();
                self.files.0.insert(bundle.path(), bytes);
            }
        }
        let checkpoint = Checkpoint::new(ORIGIN, new, self.frontier.root()).unwrap();
        let note = checkpoint.sign(&self.signer).unwrap();
        self.publish(&note);
    }

    fn publish(&mut self, note: &Note) {
        let path = Resource::Checkpoint.path();
        self.files.0.insert(path, note.to_bytes());
    }

    fn known(&self) -> Log {
        Log::of_key(self.signer.verifier().clone()).unwrap()
    }

    fn latest(&self) -> checkpoint::Opened {
        let bytes = self.files.get("checkpoint").unwrap();
        checkpoint::open(bytes, &self.known()).unwrap()
    }
}

/// Another node, that keeps the latest checkpoint.
struct Witness {
    signer: Signer,
    known: Vec<Log>,
    last: Option<(u64, Hash)>,
}

impl Witness {
    fn new(name: &str, log: Log) -> Self {
        let key = Ed25519Key::generate().unwrap();
        Self {
            signer: Signer::new(Kind::Cosignature, name, key).unwrap(),
            known: vec![log],
            last: None,
        }
    }

    /// Answers a request as over HTTP: a status and a body.
    fn post(&mut self, body: &[u8], now: u64) -> (u16, String) {
        let decided = AddCheckpoint::decode(body)
            .map_err(witness::Refusal::from)
            .and_then(|request| witness::decide(&request, &self.known, self.last));
        match decided {
            Ok(accepted) => {
                let checkpoint = accepted.checkpoint();
                self.last = Some((checkpoint.size(), *checkpoint.root()));
                let line = accepted.cosign(&self.signer, now).unwrap().to_line();
                (200, line)
            }
            Err(refusal) => (refusal.status(), refusal.body().unwrap_or_default()),
        }
    }
}

/// The log asks until it is answered, as the protocol has it: first with the size it believes, then
/// with the one it is told.
fn cosigned(writer: &mut Writer, witness: &mut Witness, believed: u64, now: u64) {
    let latest = writer.latest();
    let size = latest.checkpoint().size();
    let known = [witness.signer.verifier().clone()];
    let mut old = believed;
    loop {
        let proof = tree::consistency_proof(&writer.files.tree(size), old, size).unwrap();
        let request = AddCheckpoint::new(old, proof, latest.note().clone()).unwrap();
        match witness.post(&request.encode(), now) {
            (200, body) => {
                let lines = cosign::read_lines(body.as_bytes(), latest.checkpoint(), &known);
                let mut note = latest.note().clone();
                for cosignature in lines.unwrap() {
                    note.add(cosignature.signature().clone()).unwrap();
                }
                return writer.publish(&note);
            }
            (409, body) => old = witness::decode_size(body.as_bytes()).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_log_is_written_witnessed_followed_and_proved() {
    let mut writer = Writer::new();
    let mut witness = Witness::new("witness.example/1", writer.known());
    let witnesses = [witness.signer.verifier().clone()];
    let mut seen: Option<Checkpoint> = None;
    for (step, now) in [3, 250, 3, 256, 700, 1, 0].into_iter().zip(1_767_139_200..) {
        writer.grow(step);
        // The log has forgotten every other time what it was cosigned for.
        cosigned(&mut writer, &mut witness, 0, now);
        let opened = writer.latest();
        let cosignatures = opened.cosignatures(&witnesses).unwrap();
        assert_eq!(cosignatures[0].time(), now);

        // A monitor takes nothing of it on trust.
        let (size, root) = (opened.checkpoint().size(), *opened.checkpoint().root());
        let files = writer.files.tree(size);
        assert_eq!(tree::root(&files, size), Ok(root));
        if let Some(before) = &seen {
            let proof = tree::consistency_proof(&files, before.size(), size).unwrap();
            let verified =
                tree::verify_consistency(before.size(), size, before.root(), &root, &proof);
            assert_eq!(verified, Ok(()));
        }
        seen = Some(opened.checkpoint().clone());
    }

    // Entries are what the tree says.
    let size = writer.data.len();
    assert_eq!(size, 1213);
    let files = writer.files.tree(size as u64);
    let mut index = 0;
    for tile in tile::tiles_of(size as u64).filter(|tile| tile.level() == 0) {
        let bundle = Bundle::new(tile.index(), tile.width()).unwrap();
        let bytes = writer.files.get(&bundle.path()).unwrap();
        for entry in tile::decode_entries(bytes, tile.width()).unwrap() {
            assert_eq!(files.hash(0, index), Ok(tree::leaf_hash(entry)));
            index += 1;
        }
    }
    assert_eq!(index, size as u64);

    // Somebody offline has one file, the key of the log and that of the witness.
    for index in [0, 255, 256, 1212] {
        let hashes = tree::inclusion_proof(&files, index, size as u64).unwrap();
        let proof = Proof::new(index, hashes, writer.latest().note().clone()).unwrap();
        let proof = Proof::decode(&proof.encode()).unwrap();
        let leaf = tree::leaf_hash(&writer.data[usize::try_from(index).unwrap()]);
        let key = Verifier::from_vkey(&writer.signer.verifier().to_vkey()).unwrap();
        let log = Log::of_key(key).unwrap();
        let witness = Verifier::from_vkey(&witnesses[0].to_vkey()).unwrap();
        let verified = proof.verify(&leaf, &log, &[witness], 1).unwrap();
        assert_eq!(verified.checkpoint().size(), size as u64);
        assert_eq!(verified.cosignatures().len(), 1);
    }
}

#[test]
fn a_log_that_rewrites_its_past_is_not_cosigned_again() {
    let mut writer = Writer::new();
    let mut witness = Witness::new("w", writer.known());
    writer.grow(20);
    cosigned(&mut writer, &mut witness, 0, 1);

    // The same key, another entry 5, more entries.
    let mut forged = Writer::new();
    forged.signer = writer.signer;
    for number in 0..30 {
        let entry = if number == 5 {
            "other".to_owned()
        } else {
            format!("entry {number}")
        };
        forged.frontier.push(tree::leaf_hash(entry.as_bytes()));
    }
    let checkpoint = Checkpoint::new(ORIGIN, 30, forged.frontier.root()).unwrap();
    let note = checkpoint.sign(&forged.signer).unwrap();
    // Neither a made-up proof helps nor one that belongs to the true log.
    forged.data.clear();
    let mut honest = Writer::new();
    honest.grow(30);
    let proof = tree::consistency_proof(&honest.files.tree(30), 20, 30).unwrap();
    for proof in [Vec::new(), proof] {
        let request = AddCheckpoint::new(20, proof, note.clone()).unwrap();
        assert_eq!(witness.post(&request.encode(), 2).0, 422);
    }
    let request = AddCheckpoint::new(0, Vec::new(), note).unwrap();
    assert_eq!(witness.post(&request.encode(), 2), (409, "20\n".to_owned()));
}

#[test]
fn partial_tiles_can_go_once_the_full_ones_are_there() {
    let mut writer = Writer::new();
    for _ in 0..6 {
        writer.grow(100);
    }
    writer.files.0.retain(|path, _| {
        !matches!(Resource::from_path(path), Ok(Resource::Hashes(tile))
            if tile.width() < WIDTH_MAX && tile.full().is_in(600))
    });
    let files = writer.files.tree(300);
    let mut frontier = Frontier::new();
    for data in &writer.data[..300] {
        frontier.push(tree::leaf_hash(data));
    }
    assert_eq!(tree::root(&files, 300), Ok(frontier.root()));
    assert_eq!(Frontier::read(&files, 300), Ok(frontier));
}
