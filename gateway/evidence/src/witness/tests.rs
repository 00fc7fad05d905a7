//! Tests of the witness: what it cosigns, what never.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use certs_keys::Ed25519Key;
use gateway_tlog::checkpoint::Checkpoint;
use gateway_tlog::note::Kind;
use gateway_tlog::tree::{Frontier, HashReader, consistency_proof, leaf_hash, node_hash};
use gateway_tlog::{cosign, note::Note};
use tempfile::TempDir;

use super::*;

/// A log of so many made-up leaves.
struct Leaves(Vec<Hash>);

impl Leaves {
    fn new(count: u64, salt: u8) -> Self {
        Self(
            (0..count)
                .map(|n| leaf_hash(&[&n.to_be_bytes()[..], &[salt]].concat()))
                .collect(),
        )
    }

    fn root(&self) -> Hash {
        let mut frontier = Frontier::default();
        for leaf in &self.0 {
            frontier.push(*leaf);
        }
        frontier.root()
    }

    fn proof(&self, old: u64) -> Vec<Hash> {
        consistency_proof(self, old, self.0.len() as u64).unwrap()
    }
}

impl HashReader for Leaves {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        if level == 0 {
            return Ok(self.0[index as usize]);
        }
        let left = self.hash(level - 1, index * 2)?;
        let right = self.hash(level - 1, index * 2 + 1)?;
        Ok(node_hash(&left, &right))
    }
}

struct Town {
    folder: TempDir,
    log: Signer,
}

impl Town {
    fn new() -> Self {
        let key = Ed25519Key::from_seed(&[7; 32]).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            log: Signer::new(Kind::Ed25519, "AZ/GOV/1/din", key).unwrap(),
        }
    }

    fn witness(&self) -> Witness {
        let key = Ed25519Key::from_seed(&[8; 32]).unwrap();
        let signer = Signer::new(Kind::Cosignature, "AZ/GOV/2/en/witness", key).unwrap();
        let log = Log::of_key(self.log.verifier().clone()).unwrap();
        Witness::open(&self.folder.path().join("witness.redb"), signer, vec![log]).unwrap()
    }

    fn note(&self, leaves: &Leaves) -> Note {
        let size = leaves.0.len() as u64;
        let checkpoint = Checkpoint::new("AZ/GOV/1/din", size, leaves.root()).unwrap();
        checkpoint.sign(&self.log).unwrap()
    }

    fn request(&self, leaves: &Leaves, old: u64) -> Vec<u8> {
        let request = AddCheckpoint::new(old, leaves.proof(old), self.note(leaves)).unwrap();
        request.encode()
    }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

#[test]
fn cosigns_what_continues_what_it_cosigned_and_keeps_it_over_a_restart() {
    let town = Town::new();
    let witness = town.witness();
    let (small, large) = (Leaves::new(5, 0), Leaves::new(300, 0));
    let first = witness.add_checkpoint(&town.request(&small, 0), now());
    assert_eq!(first.status, 200);
    let checkpoint = Checkpoint::from_text(town.note(&small).text()).unwrap();
    let own = [witness.verifier().clone()];
    let lines = cosign::read_lines(&first.body, &checkpoint, &own).unwrap();
    assert_eq!(lines[0].time(), now().as_second() as u64);

    drop(witness);
    let witness = town.witness();
    let behind = witness.add_checkpoint(&town.request(&large, 0), now());
    assert_eq!((behind.status, &behind.body[..]), (409, &b"5\n"[..]));
    assert_eq!(behind.content_type, SIZE_CONTENT_TYPE);
    let next = witness.add_checkpoint(&town.request(&large, 5), now());
    assert_eq!(next.status, 200);
    // The same again is cosigned again: the answer may have been lost.
    let again = witness.add_checkpoint(&town.request(&large, 300), now());
    assert_eq!(again.status, 200);
    let latest = witness
        .latest(&checkpoint_path("AZ/GOV/1/din"))
        .unwrap()
        .unwrap();
    let note = Note::parse(&latest).unwrap();
    assert_eq!(note.text(), town.note(&large).text());
    assert_eq!(note.signatures().len(), 2);
    // Anybody can repeat a request: it is answered, and nothing is written.
    let later = now() + jiff::SignedDuration::from_secs(60);
    let repeated = witness.add_checkpoint(&town.request(&large, 300), later);
    assert_eq!(repeated.status, 200);
    assert_ne!(repeated.body, again.body);
    let still = witness.latest(&checkpoint_path("AZ/GOV/1/din")).unwrap();
    assert_eq!(still, Some(latest));
}

#[test]
fn does_not_cosign_a_fork_a_smaller_tree_or_a_stranger() {
    let town = Town::new();
    let witness = town.witness();
    let leaves = Leaves::new(10, 0);
    assert_eq!(
        witness
            .add_checkpoint(&town.request(&leaves, 0), now())
            .status,
        200
    );
    let fork = Leaves::new(12, 1);
    assert_eq!(
        witness
            .add_checkpoint(&town.request(&fork, 10), now())
            .status,
        422
    );
    let same_size = Leaves::new(10, 1);
    assert_eq!(
        witness
            .add_checkpoint(&town.request(&same_size, 10), now())
            .status,
        422
    );
    let smaller = Leaves::new(9, 0);
    assert_eq!(
        witness
            .add_checkpoint(&town.request(&smaller, 0), now())
            .status,
        409
    );
    let stranger = Town {
        folder: tempfile::tempdir().unwrap(),
        log: Signer::new(
            Kind::Ed25519,
            "AZ/GOV/1/din",
            Ed25519Key::from_seed(&[9; 32]).unwrap(),
        )
        .unwrap(),
    };
    let larger = Leaves::new(11, 0);
    assert_eq!(
        witness
            .add_checkpoint(&stranger.request(&larger, 10), now())
            .status,
        403
    );
    assert_eq!(
        witness.add_checkpoint(b"old 0\n\nnothing", now()).status,
        400
    );
    // What was refused has left no trace.
    assert_eq!(
        witness
            .add_checkpoint(&town.request(&larger, 10), now())
            .status,
        200
    );
}

#[test]
fn the_time_of_its_cosignatures_never_goes_back() {
    let town = Town::new();
    let witness = town.witness();
    let own = [witness.verifier().clone()];
    let time = |witness: &Witness, count: u64, old: u64, seconds: i64| {
        let leaves = Leaves::new(count, 0);
        let at = now() + jiff::SignedDuration::from_secs(seconds);
        let answer = witness.add_checkpoint(&town.request(&leaves, old), at);
        assert_eq!(answer.status, 200);
        let checkpoint = Checkpoint::from_text(town.note(&leaves).text()).unwrap();
        let lines = cosign::read_lines(&answer.body, &checkpoint, &own).unwrap();
        i64::try_from(lines[0].time()).unwrap() - now().as_second()
    };
    assert_eq!(time(&witness, 5, 0, 0), 0);
    // The clock steps back: a larger tree was not there earlier than a smaller one.
    assert_eq!(time(&witness, 6, 5, -3600), 0);
    // The same tree again, and then a larger one, when the clock was set right in between.
    assert_eq!(time(&witness, 6, 6, 60), 60);
    assert_eq!(time(&witness, 7, 6, 30), 60);
    assert_eq!(time(&witness, 8, 7, 61), 61);
    drop(witness);
    let witness = town.witness();
    assert_eq!(time(&witness, 9, 8, -7200), 61);
    // Even before 1970 there is a time to be told.
    assert_eq!(time(&witness, 10, 9, -4_000_000_000), 61);
}

#[test]
fn of_forks_that_are_shown_at_once_one_is_cosigned() {
    for round in 0..10_u8 {
        let town = Town::new();
        let witness = town.witness();
        let requests: Vec<_> = (0..8_u8)
            .map(|fork| town.request(&Leaves::new(u64::from(8 + fork % 3), fork), 0))
            .collect();
        let start = std::sync::Barrier::new(requests.len());
        let statuses: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = requests
                .iter()
                .map(|request| {
                    scope.spawn(|| {
                        start.wait();
                        witness.add_checkpoint(request, now()).status
                    })
                })
                .collect();
            let answered = asked.into_iter().map(|one| one.join().unwrap());
            answered.collect()
        });
        let cosigned: Vec<_> = (0..statuses.len())
            .filter(|fork| statuses[*fork] == 200)
            .collect();
        assert_eq!(cosigned.len(), 1, "round {round}: {statuses:?}");
        assert!(statuses.iter().all(|status| [200, 409].contains(status)));
        // It is the one that is held to.
        let latest = witness.latest(&checkpoint_path("AZ/GOV/1/din")).unwrap();
        let note = Note::parse(&latest.unwrap()).unwrap();
        let fork = cosigned[0] as u64;
        let chosen = Leaves::new(8 + fork % 3, fork as u8);
        assert_eq!(note.text(), town.note(&chosen).text());
    }
}

#[test]
fn what_was_cosigned_is_in_the_file_when_the_answer_is_given() {
    let town = Town::new();
    let witness = town.witness();
    let leaves = Leaves::new(5, 0);
    assert_eq!(
        witness
            .add_checkpoint(&town.request(&leaves, 0), now())
            .status,
        200
    );
    // The process dies now: the file as it is, while the first still has it open.
    let after = Town::new();
    let file = |town: &Town| town.folder.path().join("witness.redb");
    std::fs::copy(file(&town), file(&after)).unwrap();
    let fork = after
        .witness()
        .add_checkpoint(&town.request(&Leaves::new(5, 1), 0), now());
    assert_eq!((fork.status, &fork.body[..]), (409, &b"5\n"[..]));
}
