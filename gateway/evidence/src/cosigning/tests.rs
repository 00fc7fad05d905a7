//! Tests of asking for cosignatures, with a real witness and without a network.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::sync::Mutex;

use certs_keys::Ed25519Key;
use gateway_tlog::note::{Kind, Signer};
use gateway_tlog::tree::{Frontier, HashReader, consistency_proof, leaf_hash, node_hash};
use tokio::sync::Notify;

use super::*;
use crate::witness;

/// A log whose every leaf is the same hash, so that proofs are easily made.
struct Log {
    signer: Signer,
    leaf: Same,
    size: Mutex<u64>,
    kept: Mutex<Vec<Signature>>,
    told: Notify,
}

impl Log {
    fn new(seed: u8) -> Self {
        let key = Ed25519Key::from_seed(&[seed; 32]).unwrap();
        Self {
            signer: Signer::new(Kind::Ed25519, "AZ/GOV/1/din", key).unwrap(),
            leaf: Same(b"the same"),
            size: Mutex::new(3),
            kept: Mutex::default(),
            told: Notify::new(),
        }
    }

    fn grow(&self, to: u64) {
        *self.size.lock().unwrap() = to;
    }
}

#[derive(Clone, Copy)]
struct Same(&'static [u8]);

impl HashReader for Same {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, _: u64) -> Result<Hash, Self::Error> {
        Ok((0..level).fold(leaf_hash(self.0), |below, _| node_hash(&below, &below)))
    }
}

impl Grown for Log {
    fn checkpoint(&self) -> Option<Bytes> {
        let size = *self.size.lock().unwrap();
        let mut frontier = Frontier::default();
        (0..size).for_each(|_| drop(frontier.push(leaf_hash(self.leaf.0))));
        let checkpoint = Checkpoint::new("AZ/GOV/1/din", size, frontier.root()).unwrap();
        Some(checkpoint.sign(&self.signer).unwrap().to_bytes().into())
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, String> {
        consistency_proof(&self.leaf, old, new).map_err(|error| error.to_string())
    }

    fn cosigned(&self, _: &Bytes, signatures: &[Signature]) -> Result<(), String> {
        *self.kept.lock().unwrap() = signatures.to_vec();
        self.told.notify_one();
        Ok(())
    }
}

/// A witness that is reached without a network, when it is up.
struct Street {
    witness: witness::Witness,
    up: Mutex<bool>,
    _folder: tempfile::TempDir,
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

/// A log and the witness that knows it.
fn log_and_street() -> (Arc<Log>, Street) {
    let log = Arc::new(Log::new(7));
    let folder = tempfile::tempdir().unwrap();
    let key = Ed25519Key::from_seed(&[8; 32]).unwrap();
    let signer = Signer::new(Kind::Cosignature, "AZ/GOV/2/en/witness", key).unwrap();
    let known = gateway_tlog::checkpoint::Log::of_key(log.signer.verifier().clone()).unwrap();
    let path = folder.path().join("witness.redb");
    let street = Street {
        witness: witness::Witness::open(&path, signer, vec![known]).unwrap(),
        up: Mutex::new(true),
        _folder: folder,
    };
    (log, street)
}

fn asking(street: &Street) -> Cosigning {
    let key = street.witness.verifier().clone();
    let witnesses = vec![(key, "http://en.example/".to_owned())];
    Cosigning::new(witnesses, Duration::from_secs(60))
}

async fn once(cosigning: &mut Cosigning, log: &Arc<Log>, post: &impl Post) {
    let log: Arc<dyn Grown> = Arc::<Log>::clone(log);
    cosigning.once(&log, post, now()).await;
}

fn state(cosigning: &Cosigning) -> State {
    cosigning.witnesses().next().unwrap().state().clone()
}

#[tokio::test]
async fn learns_the_latest_size_after_a_restart_and_keeps_the_cosignature() {
    let (log, street) = log_and_street();
    let mut cosigning = asking(&street);
    once(&mut cosigning, &log, &street).await;
    assert_eq!(
        state(&cosigning),
        State::Cosigned {
            size: 3,
            time: now()
        }
    );
    let kept = log.kept.lock().unwrap().clone();
    assert!(
        kept.first()
            .is_some_and(|signature| signature.name() == "AZ/GOV/2/en/witness")
    );

    log.grow(300);
    let mut restarted = asking(&street);
    once(&mut restarted, &log, &street).await;
    assert!(matches!(
        state(&restarted),
        State::Cosigned { size: 300, .. }
    ));
}

#[tokio::test]
async fn says_that_a_log_has_lost_what_its_witness_saw() {
    let (log, street) = log_and_street();
    log.grow(10);
    once(&mut asking(&street), &log, &street).await;
    log.grow(9);
    let mut cosigning = asking(&street);
    once(&mut cosigning, &log, &street).await;
    assert_eq!(state(&cosigning), State::Ahead { seen: 10, size: 9 });
    let said = state(&cosigning).to_string();
    assert!(
        said.contains("10 records, the log has 9: records were lost"),
        "{said}"
    );
    // Once the log has what was lost, all is well again.
    log.grow(12);
    once(&mut cosigning, &log, &street).await;
    assert!(matches!(
        state(&cosigning),
        State::Cosigned { size: 12, .. }
    ));
}

#[tokio::test]
async fn says_that_a_log_has_other_records_than_its_witness_saw() {
    let (log, street) = log_and_street();
    once(&mut asking(&street), &log, &street).await;
    let rewritten = Arc::new(Log {
        leaf: Same(b"another"),
        ..Log::new(7)
    });
    for size in [3, 5] {
        rewritten.grow(size);
        let mut cosigning = asking(&street);
        once(&mut cosigning, &rewritten, &street).await;
        assert!(matches!(
            state(&cosigning),
            State::Contradicted { seen: 3, .. }
        ));
        let said = state(&cosigning).to_string();
        assert!(said.contains("not the first 3 of this log"), "{said}");
    }
    assert!(rewritten.kept.lock().unwrap().is_empty());
}

/// Says once to have seen more than there ever was.
struct Liar(Mutex<bool>, Street);

impl Post for Liar {
    async fn post(&self, url: &str, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        if std::mem::take(&mut *self.0.lock().unwrap()) {
            return Ok((409, Bytes::from_static(b"1000\n")));
        }
        self.1.post(url, body).await
    }
}

#[tokio::test]
async fn what_a_witness_said_wrongly_once_is_not_held_against_it() {
    let (log, street) = log_and_street();
    let mut cosigning = asking(&street);
    let liar = Liar(Mutex::new(true), street);
    once(&mut cosigning, &log, &liar).await;
    assert_eq!(
        state(&cosigning),
        State::Ahead {
            seen: 1000,
            size: 3
        }
    );
    once(&mut cosigning, &log, &liar).await;
    assert!(matches!(state(&cosigning), State::Cosigned { size: 3, .. }));
}

/// Never answers for others than the witness.
struct Silent(Street);

impl Post for Silent {
    async fn post(&self, url: &str, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        if url.starts_with("http://silent") {
            std::future::pending::<()>().await;
        }
        self.0.post(url, body).await
    }
}

#[tokio::test]
async fn a_witness_that_does_not_answer_keeps_no_other_waiting() {
    let (log, street) = log_and_street();
    let key = street.witness.verifier().clone();
    let witnesses = vec![
        (key.clone(), "http://silent.example".to_owned()),
        (key, "http://en.example".to_owned()),
    ];
    let mut cosigning = Cosigning::new(witnesses, Duration::from_secs(60));
    let post = Silent(street);
    tokio::select! {
        () = once(&mut cosigning, &log, &post) => panic!("one does not answer"),
        () = log.told.notified() => {}
    }
    assert_eq!(state(&cosigning), State::NotAsked);
}

#[tokio::test]
async fn a_witness_that_is_down_or_does_not_know_the_log_is_named() {
    let (log, street) = log_and_street();
    let mut cosigning = asking(&street);
    *street.up.lock().unwrap() = false;
    once(&mut cosigning, &log, &street).await;
    assert!(matches!(state(&cosigning), State::Unreachable { .. }));
    *street.up.lock().unwrap() = true;
    once(&mut cosigning, &Arc::new(Log::new(6)), &street).await;
    assert!(matches!(state(&cosigning), State::Refused { .. }));
    once(&mut cosigning, &log, &street).await;
    assert!(matches!(state(&cosigning), State::Cosigned { .. }));
}

#[tokio::test]
async fn a_witness_that_does_not_answer_is_given_up_and_asked_again() {
    let (log, street) = log_and_street();
    let key = street.witness.verifier().clone();
    let at = |url: &str| {
        let witnesses = vec![(key.clone(), url.to_owned())];
        Cosigning::new(witnesses, Duration::from_millis(20))
    };
    let post = Silent(street);
    let mut silent = at("http://silent.example");
    for _ in 0..2 {
        once(&mut silent, &log, &post).await;
        let State::Unreachable { reason } = state(&silent) else {
            panic!("{:?}", state(&silent));
        };
        assert_eq!(reason, "it did not answer within 0.02 s");
    }
    assert!(log.kept.lock().unwrap().is_empty());
    // One that is there is cosigned by, if it takes a few rounds on a busy machine.
    let mut other = at("http://en.example");
    while !matches!(state(&other), State::Cosigned { .. }) {
        once(&mut other, &log, &post).await;
    }
}

/// Gives these answers one after the other, and the last one from then on.
struct Says(Mutex<Vec<(u16, Vec<u8>)>>);

impl Post for Says {
    async fn post(&self, _: &str, _: Vec<u8>) -> Result<(u16, Bytes), String> {
        let mut answers = self.0.lock().unwrap();
        let (status, body) = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        Ok((status, body.into()))
    }
}

#[tokio::test]
async fn of_an_answer_that_is_no_cosignature_nothing_is_kept() {
    let (log, street) = log_and_street();
    let note = Note::parse(&log.checkpoint().unwrap()).unwrap();
    let checkpoint = Checkpoint::from_text(note.text()).unwrap();
    let key = |seed| Ed25519Key::from_seed(&[seed; 32]).unwrap();
    let cosigner = |seed, name| Signer::new(Kind::Cosignature, name, key(seed)).unwrap();
    let line = |checkpoint: &Checkpoint, signer: &Signer| {
        let line = cosign::cosign(checkpoint, signer, 5).unwrap().to_line();
        line.into_bytes()
    };
    let own = cosigner(8, "AZ/GOV/2/en/witness");
    assert_eq!(own.verifier(), street.witness.verifier());
    let larger = Checkpoint::new("AZ/GOV/1/din", 4, *checkpoint.root()).unwrap();
    let stranger = line(&checkpoint, &cosigner(9, "AZ/GOV/2/en/witness"));
    let renamed = line(&checkpoint, &cosigner(8, "AZ/GOV/2/en"));
    let of_another = line(&larger, &own);
    for (what, status, body, expected) in [
        ("nothing", 200, b"".to_vec(), "no cosignature by its key"),
        (
            "words",
            200,
            b"<html>ok</html>\n".to_vec(),
            "no cosignature by its key",
        ),
        ("octets", 200, vec![0xff; 3000], "no cosignature by its key"),
        ("another's", 200, stranger, "no cosignature by its key"),
        ("another name", 200, renamed, "no cosignature by its key"),
        ("another tree", 200, of_another, "no cosignature by its key"),
        (
            "the log's own",
            200,
            note.signatures()[0].to_line().into(),
            "no cosignature by its key",
        ),
        (
            "no size",
            409,
            b"many\n".to_vec(),
            "a conflict without a size",
        ),
        (
            "an endless size",
            409,
            vec![b'9'; 3000],
            "a conflict without a size",
        ),
        (
            "always the same size",
            409,
            b"2\n".to_vec(),
            "changes while it is asked",
        ),
        (
            "a failure",
            500,
            b"\x1b[2J\noops".to_vec(),
            "it answered 500, [2J oops",
        ),
        ("elsewhere", 302, b"".to_vec(), "it answered 302"),
        ("nothing to say", 204, b"".to_vec(), "it answered 204"),
    ] {
        let mut cosigning = asking(&street);
        let says = Says(Mutex::new(vec![(status, body)]));
        once(&mut cosigning, &log, &says).await;
        let State::Unreachable { reason } = state(&cosigning) else {
            panic!("{what}: {:?}", state(&cosigning));
        };
        assert!(reason.contains(expected), "{what}: {reason}");
        assert!(log.kept.lock().unwrap().is_empty(), "{what}");
    }
    // Sizes that change from answer to answer do not keep it asking.
    let sizes = [b"1\n".to_vec(), b"2\n".to_vec(), b"3\n".to_vec()];
    let says = Says(Mutex::new(sizes.map(|size| (409, size)).to_vec()));
    let mut cosigning = asking(&street);
    once(&mut cosigning, &log, &says).await;
    assert!(matches!(state(&cosigning), State::Unreachable { .. }));
    assert_eq!(says.0.lock().unwrap().len(), 1);
}
