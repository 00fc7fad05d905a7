//! The transparency log: notes, checkpoints, tiles, proofs, requests to a witness.

use gateway_tlog::checkpoint::{self, Checkpoint};
use gateway_tlog::note::{NOTE_BYTES_MAX, Note, SIGNATURES_MAX, Signature, Verifier};
use gateway_tlog::proof::Proof;
use gateway_tlog::tile::{self, Resource, Tile};
use gateway_tlog::tree;
use gateway_tlog::witness::{self, AddCheckpoint};

use crate::input::first_line;
use crate::made::transparency;

/// What is read is written the same, and only what the log has signed is a checkpoint of it. A text
/// that is a verifier key is written the same too.
pub fn signed_note(data: &[u8]) {
    let made = transparency();
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(verifier) = Verifier::from_vkey(text)
    {
        assert_eq!(verifier.to_vkey(), text);
    }
    let Ok(note) = Note::parse(data) else {
        return;
    };
    assert_eq!(note.to_bytes(), data);
    assert!(data.len() <= NOTE_BYTES_MAX);
    assert!((1..=SIGNATURES_MAX).contains(&note.signatures().len()));
    for signature in note.signatures() {
        let line = signature.to_line();
        let again = Signature::from_line(line.trim_end_matches('\n'));
        assert_eq!(again.as_ref(), Ok(signature));
    }
    if let Ok(checkpoint) = Checkpoint::from_text(note.text()) {
        assert_eq!(checkpoint.to_text(), note.text());
    }
    let known = [made.log.keys(), std::slice::from_ref(&made.witness)].concat();
    if let Ok(verified) = note.verify(&known) {
        assert!((1..=known.len()).contains(&verified.len()));
        assert!(is_signed(note.text()), "{}", note.text());
    }
    if let Ok(opened) = checkpoint::open(data, &made.log) {
        assert!(made.checkpoints.contains(opened.checkpoint()));
        if let Ok(cosignatures) = opened.cosignatures(std::slice::from_ref(&made.witness)) {
            assert!(cosignatures.len() <= 1);
        }
    }
}

/// A path in the first line, and the bytes of its file behind it: each is written the same.
pub fn tlog_tile(data: &[u8]) {
    let Some((path, bytes)) = first_line(data) else {
        return;
    };
    let Ok(resource) = Resource::from_path(path) else {
        return;
    };
    assert_eq!(resource.path(), path);
    let size = bytes
        .first_chunk()
        .map_or(0, |size| u64::from_be_bytes(*size));
    match resource {
        Resource::Checkpoint => signed_note(bytes),
        Resource::Hashes(tile) => {
            if let Ok(hashes) = tile.decode(bytes) {
                assert_eq!(tile::encode(&hashes), bytes);
                assert_eq!(hashes.len(), usize::from(tile.width()));
            }
            if let Some(wider) = Tile::of_tree(tile.level(), tile.index(), size) {
                assert_eq!(tile.is_in(size), tile.width() <= wider.width());
                assert!(wider.is_in(size));
            }
            if let Some(found) = Tile::of_hash(tile.level(), tile.index(), size) {
                assert!(found.is_in(size));
            }
        }
        Resource::Entries(bundle) => {
            if let Ok(entries) = tile::decode_entries(bytes, bundle.width()) {
                assert_eq!(entries.len(), usize::from(bundle.width()));
                let again = tile::encode_entries(&entries);
                assert_eq!(again.as_deref(), Ok(bytes));
            }
            if bundle.is_in(size) {
                assert!(bundle.first_entry().is_some_and(|first| first < size));
            }
        }
    }
}

/// What is read is written the same, and proves of the entries of the log what is true.
pub fn tlog_proof(data: &[u8]) {
    let made = transparency();
    let Ok(proof) = Proof::decode(data) else {
        return;
    };
    assert_eq!(proof.encode(), data);
    let witnesses = std::slice::from_ref(&made.witness);
    for (leaf, index) in made.leaves.iter().zip(0_u64..) {
        for quorum in [0, 1] {
            if let Ok(verified) = proof.verify(leaf, &made.log, witnesses, quorum) {
                assert_eq!((proof.index(), verified.index()), (index, index));
                assert!(verified.checkpoint().size() > index);
                assert!(made.checkpoints.contains(verified.checkpoint()));
                assert!(verified.cosignatures().len() >= quorum);
            }
        }
    }
    let stranger = tree::leaf_hash(b"not in the log");
    assert!(proof.verify(&stranger, &made.log, witnesses, 0).is_err());
}

/// What is read is written the same, and a witness goes forward only, to what the log has signed.
pub fn add_checkpoint(data: &[u8]) {
    let made = transparency();
    let request = match AddCheckpoint::decode(data) {
        Ok(request) => request,
        Err(error) => {
            assert_eq!(witness::Refusal::from(error).status(), 400);
            return;
        }
    };
    assert_eq!(request.encode(), data);
    let last = made.checkpoints.iter();
    let last = last.map(|checkpoint| Some((checkpoint.size(), *checkpoint.root())));
    for last in last.chain([None]) {
        let known = std::slice::from_ref(&made.log);
        match witness::decide(&request, known, last) {
            Ok(accepted) => {
                let checkpoint = accepted.checkpoint();
                let (size, _) = last.unwrap_or((0, tree::EMPTY_ROOT));
                assert_eq!(request.old_size(), size);
                assert!(checkpoint.size() >= size);
                assert!(made.checkpoints.contains(checkpoint));
                assert!(accepted.note().verify(made.log.keys()).is_ok());
                assert_eq!(accepted.note().signatures().len(), 1);
            }
            Err(refusal) => {
                assert!([400, 403, 404, 409, 422].contains(&refusal.status()));
                assert_eq!(refusal.body().is_some(), refusal.status() == 409);
            }
        }
    }
}

fn is_signed(text: &str) -> bool {
    let mut checkpoints = transparency().checkpoints.iter();
    checkpoints.any(|checkpoint| checkpoint.to_text() == text)
}
