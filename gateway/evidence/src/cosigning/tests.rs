use std::sync::Mutex;

use certs_keys::Ed25519Key;
use gateway_tlog::note::{Kind, Signer};
use gateway_tlog::tree::{Frontier, leaf_hash};

use super::*;
use crate::witness;

/// A log whose every leaf is the same hash, so that proofs are easily made.
struct Log {
    signer: Signer,
    size: Mutex<u64>,
    kept: Mutex<Vec<Signature>>,
}

impl Log {
    fn new(seed: u8) -> Self {
        let key = Ed25519Key::from_seed(&[seed; 32]).unwrap();
        Self {
            signer: Signer::new(Kind::Ed25519, "AZ/GOV/1/din", key).unwrap(),
            size: Mutex::new(3),
            kept: Mutex::default(),
        }
    }

    fn grow(&self, to: u64) {
        *self.size.lock().unwrap() = to;
    }
}

struct Same;

impl gateway_tlog::tree::HashReader for Same {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, _: u64) -> Result<Hash, Self::Error> {
        let below = |level| self.hash(level, 0);
        match level.checked_sub(1) {
            None => Ok(leaf_hash(b"the same")),
            Some(level) => Ok(gateway_tlog::tree::node_hash(
                &below(level)?,
                &below(level)?,
            )),
        }
    }
}

impl Grown for Log {
    fn checkpoint(&self) -> Option<Bytes> {
        let size = *self.size.lock().unwrap();
        let mut frontier = Frontier::default();
        (0..size).for_each(|_| drop(frontier.push(leaf_hash(b"the same"))));
        let checkpoint = Checkpoint::new("AZ/GOV/1/din", size, frontier.root()).unwrap();
        Some(checkpoint.sign(&self.signer).unwrap().to_bytes().into())
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, String> {
        gateway_tlog::tree::consistency_proof(&Same, old, new).map_err(|error| error.to_string())
    }

    fn cosigned(&self, _: &Bytes, signatures: &[Signature]) -> Result<(), String> {
        *self.kept.lock().unwrap() = signatures.to_vec();
        Ok(())
    }
}

/// A witness that is reached without a network, when it is up.
struct Street {
    witness: witness::Witness,
    up: Mutex<bool>,
}

impl Post for Street {
    async fn post(&self, url: &str, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        assert_eq!(url, "http://en.example/add-checkpoint");
        if !*self.up.lock().unwrap() {
            return Err("no connection".to_owned());
        }
        let answer = self.witness.add_checkpoint(&body, now());
        Ok((answer.status, answer.body.into()))
    }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn street(folder: &tempfile::TempDir, log: &Log) -> Street {
    let key = Ed25519Key::from_seed(&[8; 32]).unwrap();
    let signer = Signer::new(Kind::Cosignature, "AZ/GOV/2/en/witness", key).unwrap();
    let known = gateway_tlog::checkpoint::Log::of_key(log.signer.verifier().clone()).unwrap();
    let path = folder.path().join("witness.redb");
    Street {
        witness: witness::Witness::open(&path, signer, vec![known]).unwrap(),
        up: Mutex::new(true),
    }
}

fn asking(street: &Street) -> Cosigning {
    let key = street.witness.verifier().clone();
    Cosigning::new(vec![(key, "http://en.example/".to_owned())])
}

fn state(cosigning: &Cosigning) -> State {
    cosigning.witnesses().next().unwrap().state().clone()
}

#[tokio::test]
async fn learns_the_latest_size_after_a_restart_and_keeps_the_cosignature() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::new(7));
    let street = street(&folder, &log);
    let grown: Arc<dyn Grown> = Arc::<Log>::clone(&log);
    let mut cosigning = asking(&street);
    cosigning.once(&grown, &street, now()).await;
    assert_eq!(
        state(&cosigning),
        State::Cosigned {
            size: 3,
            time: now()
        }
    );
    assert!(
        log.kept
            .lock()
            .unwrap()
            .starts_with("— AZ/GOV/2/en/witness ".as_bytes())
    );

    log.grow(300);
    let mut restarted = asking(&street);
    restarted.once(&grown, &street, now()).await;
    assert!(matches!(
        state(&restarted),
        State::Cosigned { size: 300, .. }
    ));
}

#[tokio::test]
async fn says_that_a_log_has_lost_what_its_witness_saw() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::new(7));
    let street = street(&folder, &log);
    let grown: Arc<dyn Grown> = Arc::<Log>::clone(&log);
    log.grow(10);
    asking(&street).once(&grown, &street, now()).await;
    log.grow(9);
    let mut cosigning = asking(&street);
    cosigning.once(&grown, &street, now()).await;
    assert_eq!(state(&cosigning), State::Ahead { seen: 10, size: 9 });
}

#[tokio::test]
async fn a_witness_that_is_down_or_does_not_know_the_log_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::new(7));
    let street = street(&folder, &log);
    let grown: Arc<dyn Grown> = Arc::<Log>::clone(&log);
    let mut cosigning = asking(&street);
    *street.up.lock().unwrap() = false;
    cosigning.once(&grown, &street, now()).await;
    assert!(matches!(state(&cosigning), State::Unreachable { .. }));
    *street.up.lock().unwrap() = true;
    let stranger: Arc<dyn Grown> = Arc::new(Log::new(6));
    cosigning.once(&stranger, &street, now()).await;
    assert!(matches!(state(&cosigning), State::Refused { .. }));
    cosigning.once(&grown, &street, now()).await;
    assert!(matches!(state(&cosigning), State::Cosigned { .. }));
}
