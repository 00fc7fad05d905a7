//! The transparency log of a node as a stranger and its neighbours see it: over its socket, with a
//! Merkle tree of the test's own (RFC 6962, C2SP `tlog-tiles`, `tlog-cosignature`, `tlog-witness`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certs_keys::ed25519_verify;
use gateway_store::segment::Scan;
use sha2::{Digest as _, Sha256};

use crate::audit_tree::Auditor;
use crate::country::{Country, Running, Service, eventually};
use crate::merkle::{Hash, leaf_hash, tree_hash};
use crate::{transparency_port, wire};

pub(crate) const DIN: &str = "AZ/GOV/0000000131/din";
/// Who cosigns it: node and key.
const WITNESSES: [(&str, &str); 2] = [
    ("eesmn", "AZ/GOV/0000000261/eesmn/witness"),
    ("en", "AZ/GOV/0000000411/en/witness"),
];

/// A checkpoint, read by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// What is signed.
    text: String,
    pub(crate) size: u64,
    root: Vec<u8>,
    /// Signatures by the names of their keys.
    signatures: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    #[track_caller]
    fn parse(note: &[u8]) -> Self {
        let note = std::str::from_utf8(note).unwrap();
        let (text, lines) = note.split_once("\n\n").unwrap();
        let [origin, size, root] = text.split('\n').collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        assert_eq!(origin, DIN);
        let signature = |line: &str| {
            let (name, octets) = line.strip_prefix("— ").unwrap().split_once(' ').unwrap();
            (name.to_owned(), BASE64.decode(octets).unwrap())
        };
        Self {
            text: format!("{text}\n"),
            size: size.parse().unwrap(),
            root: BASE64.decode(root).unwrap(),
            signatures: lines.lines().map(signature).collect(),
        }
    }

    fn signers(&self) -> BTreeSet<&str> {
        self.signatures.keys().map(String::as_str).collect()
    }

    fn is_cosigned(&self) -> bool {
        let mut names = WITNESSES.iter().map(|(_, name)| name);
        names.all(|name| self.signatures.contains_key(*name))
    }

    /// The log and both witnesses have signed it, by the keys that their nodes show.
    #[track_caller]
    fn verify(&self, country: &Country) {
        assert!(
            self.verifies(&self.text, &keys(country, "din")[0]),
            "{self:?}"
        );
        for (node, name) in WITNESSES {
            let key = &keys(country, node)[1];
            assert_eq!(key.name, name);
            let octets = self.signatures[name][4..12].try_into().unwrap();
            let time = u64::from_be_bytes(octets);
            let signed = format!("cosignature/v1\ntime {time}\n{}", self.text);
            assert!(self.verifies(&signed, key), "{self:?}");
        }
    }

    fn verifies(&self, signed: &str, key: &Key) -> bool {
        let (id, rest) = self.signatures[&key.name].split_at(4);
        let signature = rest[rest.len() - 64..].try_into().unwrap();
        id == key.id && ed25519_verify(&key.public, signed.as_bytes(), signature)
    }
}

/// A verifier key, read by hand.
struct Key {
    name: String,
    id: Vec<u8>,
    public: Hash,
}

/// The keys that a node shows: of its log, and as a witness.
#[track_caller]
fn keys(country: &Country, node: &str) -> [Key; 2] {
    let answer = wire::get(country.transparency(node), "/keys", &[]);
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let keys = text.lines().zip([1_u8, 4]).map(|(line, kind)| {
        let [name, id, key] = line.splitn(3, '+').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let key = BASE64.decode(key).unwrap();
        assert_eq!(key[0], kind);
        let hashed = Sha256::digest([name.as_bytes(), b"\n", &key].concat());
        assert_eq!(hex::encode(&hashed[..4]), id);
        Key {
            name: name.to_owned(),
            id: hashed[..4].to_vec(),
            public: key[1..].try_into().unwrap(),
        }
    });
    keys.collect::<Vec<_>>().try_into().ok().unwrap()
}

#[track_caller]
pub(crate) fn checkpoint(country: &Country) -> Checkpoint {
    let answer = wire::get(country.transparency("din"), "/checkpoint", &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    Checkpoint::parse(&answer.body)
}

/// What a witness has cosigned last of the log.
#[track_caller]
fn witnessed(country: &Country, node: &str) -> Checkpoint {
    let path = format!("/witness/{}/checkpoint", hex::encode(Sha256::digest(DIN)));
    let answer = wire::get(country.transparency(node), &path, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    Checkpoint::parse(&answer.body)
}

pub(crate) fn ready(country: &Country) -> String {
    let answer = wire::get(country.health("din"), "/readyz", &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// A file of the tree; what is told of a person is in none.
#[track_caller]
fn tile(country: &Country, path: &str) -> Vec<u8> {
    let answer = wire::get(country.transparency("din"), path, &[]);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(
        answer.header("cache-control"),
        Some("public, max-age=604800, immutable")
    );
    for personal in ["0TEST01", "seen-", "iamas", "mygov"] {
        let found = answer
            .body
            .windows(personal.len())
            .any(|part| part == personal.as_bytes());
        assert!(!found, "{path} has {personal}");
    }
    answer.body
}

/// The data of all leaves, from the bundles; each has its hash in the tile beside.
#[track_caller]
fn leaves(country: &Country, size: u64) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    for index in 0..size.div_ceil(256) {
        let width = (size - index * 256).min(256);
        let name = match width {
            256 => format!("{index:03}"),
            _ => format!("{index:03}.p/{width}"),
        };
        let bundle = tile(country, &format!("/tile/entries/{name}"));
        let mut rest = &bundle[..];
        let mut hashes = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let (leaf, after) = after.split_at(u16::from_be_bytes(*length).into());
            hashes.extend(leaf_hash(leaf));
            leaves.push(leaf.to_vec());
            rest = after;
        }
        assert_eq!(hashes.len() as u64, width * 32);
        assert_eq!(tile(country, &format!("/tile/0/{name}")), hashes);
    }
    leaves
}

/// So many exchanges that are answered; gives the id of the last.
#[track_caller]
pub(crate) fn exchange(country: &Country, times: u64) -> String {
    let mut id = String::new();
    for _ in 0..times {
        // Nothing told twice: the ids are looked for in the tree.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        id = format!("seen-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let answer = country.addresses().person("0TEST01", &id).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    id
}

/// Waits for a checkpoint of this size.
#[track_caller]
pub(crate) fn grown(country: &Country, size: u64) -> Checkpoint {
    eventually("the tree has grown", || checkpoint(country).size >= size);
    let found = checkpoint(country);
    assert_eq!(found.size, size);
    found
}

#[track_caller]
pub(crate) fn cosigned(country: &Country) -> Checkpoint {
    eventually("both witnesses have cosigned", || {
        checkpoint(country).is_cosigned()
    });
    let found = checkpoint(country);
    found.verify(country);
    found
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Keeps a log beside, and the journal made from it.
fn keep(log: &Path, kept: &Path) {
    copy(log, kept);
    std::fs::copy(journal_of(log), kept.with_extension("journal")).unwrap();
}

fn journal_of(log: &Path) -> PathBuf {
    log.with_file_name("journal").join("journal.redb")
}

/// Puts another folder in the place of one.
pub(crate) fn put_back(kept: &Path, place: &Path) {
    std::fs::remove_dir_all(place).unwrap();
    copy(kept, place);
    // An older log with the journal of its time: it must not have taken in more than there is.
    let of_its_time = kept.with_extension("journal");
    if of_its_time.exists() {
        std::fs::copy(of_its_time, journal_of(place)).unwrap();
    }
}

#[test]
fn a_log_is_seen_through_by_strangers_and_held_to_its_word_by_neighbours() {
    let Some(country) = Country::found() else {
        return;
    };
    country.hurry_trees(&["din", "eesmn", "en"]);
    // Nobody stamps: of each exchange there are just two records.
    let mut running = country.start_all(&[
        Service::Registry,
        Service::Adapter("iamas"),
        Service::Node("eesmn"),
        Service::Node("en"),
        Service::Node("din"),
        Service::Node("iria"),
    ]);
    a_stranger_computes_the_same_tree(&running.country);
    both_neighbours_cosign_also_after_a_restart(&mut running);
    an_auditor_proves_by_the_word_of_witnesses(&mut running);
    transparency_port::slow_strangers_take_no_more_than_their_seats(&running.country);
    let history = a_log_that_is_set_back_is_named_and_not_cosigned(&mut running);
    a_node_does_not_start_over_what_contradicts_its_word(&mut running, &history);
    let country = running.stop();
    crate::load::check_log(&country.data("din"));
}

fn a_stranger_computes_the_same_tree(country: &Country) {
    let before = checkpoint(country);
    exchange(country, 130);
    let after = grown(country, before.size + 260);
    let leaves = leaves(country, after.size);
    assert_eq!(leaves.len() as u64, after.size);
    assert_eq!(tree_hash(&leaves).to_vec(), after.root);
    // The older tree is the beginning of this one.
    let older = leaves.split_at(before.size as usize).0;
    assert_eq!(tree_hash(older).to_vec(), before.root);
    let first = tree_hash(leaves.split_at(256).0);
    assert_eq!(tile(country, "/tile/1/000.p/1"), first);

    // Each leaf is the digest of a record.
    let records = Scan::open(&country.data("din").join("log/segments")).unwrap();
    let digests = records.map(|record| Sha256::digest(record.unwrap().1).to_vec());
    assert_eq!(digests.collect::<Vec<_>>(), leaves);
}

fn both_neighbours_cosign_also_after_a_restart(running: &mut Running) {
    let found = cosigned(&running.country);
    for (node, name) in WITNESSES {
        let theirs = witnessed(&running.country, node);
        assert_eq!(theirs.text, found.text);
        assert_eq!(theirs.signers(), BTreeSet::from([DIN, name]));
    }
    assert!(
        !ready(&running.country).contains("witness"),
        "{}",
        ready(&running.country)
    );

    running.take(Service::Node("din")).kill();
    running.restart(Service::Node("din"));
    let again = checkpoint(&running.country);
    assert_eq!(
        (&again.text, &again.signers()),
        (&found.text, &found.signers())
    );
    exchange(&running.country, 1);
    grown(&running.country, found.size + 2);
    let next = cosigned(&running.country);
    let leaves = leaves(&running.country, next.size);
    assert_eq!(tree_hash(&leaves).to_vec(), next.root);
    assert_eq!(
        tree_hash(&leaves[..found.size as usize]).to_vec(),
        found.root
    );
}

fn an_auditor_proves_by_the_word_of_witnesses(running: &mut Running) {
    let auditor = Auditor::before(&running.country, "din");
    let kept = wire::get(running.country.transparency("din"), "/checkpoint", &[]).body;
    let id = exchange(&running.country, 1);
    let size = Checkpoint::parse(&kept).size + 2;
    grown(&running.country, size);
    cosigned(&running.country);
    auditor.proves_by_both(&id);
    auditor.believes_whom_he_names(&id);
    auditor.continues(&kept);

    // One of them takes connections and does not answer any more.
    let en = Service::Node("en");
    running.take(en).stop();
    let silent = TcpListener::bind(running.country.transparency("en")).unwrap();
    let later = exchange(&running.country, 1);
    grown(&running.country, size + 2);
    let [(_, one), (_, other)] = WITNESSES;
    eventually("the other one cosigns all the same", || {
        checkpoint(&running.country).signers() == BTreeSet::from([DIN, one])
    });
    eventually("the silent one is named", || {
        let what = format!("witness {other} has not cosigned: it did not answer within 5 s");
        ready(&running.country).contains(&what)
    });
    auditor.proves_by_one(&later);
    // What both have cosigned before is proved by both.
    auditor.proves_by_both(&id);
    drop(silent);
    running.restart(en);
    cosigned(&running.country);
    auditor.proves_by_both(&later);
}

/// Three histories of one log, kept beside.
struct History {
    /// What all had seen at last.
    newest: PathBuf,
    seen: Checkpoint,
    /// An earlier state.
    older: PathBuf,
    /// Grown from there to the same size with other records.
    rewritten: PathBuf,
}

fn a_log_that_is_set_back_is_named_and_not_cosigned(running: &mut Running) -> History {
    let din = Service::Node("din");
    let log = running.country.data("din").join("log");
    let kept = |name: &str| running.country.folder().join(name);
    let (newest, older, rewritten) = (kept("newest"), kept("older"), kept("rewritten"));
    let then = cosigned(&running.country);
    running.take(din).stop();
    keep(&log, &older);
    running.restart(din);
    exchange(&running.country, 2);
    grown(&running.country, then.size + 4);
    let seen = cosigned(&running.country);
    running.take(din).stop();
    keep(&log, &newest);

    put_back(&older, &log);
    running.restart(din);
    for more in [0, 2] {
        let size = then.size + more;
        let found = grown(&running.country, size);
        eventually("both witnesses are ahead", || {
            let said = ready(&running.country);
            WITNESSES.iter().all(|(_, name)| {
                let size = format!("has cosigned {} records, the log has {size}: ", seen.size);
                said.contains(&format!("degraded: witness {name} {size}records were lost"))
            })
        });
        if more > 0 {
            assert_eq!(found.signers(), BTreeSet::from([DIN]));
        }
        exchange(&running.country, 1);
    }
    // As long again as what they have seen, with other records.
    let found = grown(&running.country, seen.size);
    assert_ne!(found.root, seen.root);
    let contradicted = || {
        let said = ready(&running.country);
        WITNESSES.iter().all(|(_, name)| {
            let what = format!("they are not the first {} of this log", seen.size);
            let line = said.lines().find(|line| line.contains(name));
            line.is_some_and(|line| line.starts_with("degraded: ") && line.contains(&what))
        })
    };
    eventually("both witnesses see other records", contradicted);
    exchange(&running.country, 1);
    let longer = grown(&running.country, seen.size + 2);
    eventually(
        "both witnesses see other records, also in a longer log",
        contradicted,
    );
    for found in [found, longer, checkpoint(&running.country)] {
        assert_eq!(found.signers(), BTreeSet::from([DIN]));
    }
    for (node, _) in WITNESSES {
        assert_eq!(witnessed(&running.country, node).text, seen.text);
    }
    running.take(din).stop();
    keep(&log, &rewritten);
    History {
        newest,
        seen,
        older,
        rewritten,
    }
}

fn a_node_does_not_start_over_what_contradicts_its_word(running: &mut Running, history: &History) {
    let din = Service::Node("din");
    let log = running.country.data("din").join("log");
    let size = history.seen.size;
    for (segments, why) in [
        (
            &history.rewritten,
            "so some were changed; nothing was overwritten".to_owned(),
        ),
        (
            &history.older,
            format!(
                "the log has {} records only, so some were removed",
                size - 4
            ),
        ),
    ] {
        put_back(&history.newest, &log);
        put_back(&segments.join("segments"), &log.join("segments"));
        let said = running.country.spawn(din).fails();
        let what = format!("checkpoint of {size} records");
        assert!(said.contains("cannot be reproduced"), "{what}: {said}");
        assert!(said.contains(&why), "{said}");
        let kept = std::fs::read(log.join("tree/checkpoint")).unwrap();
        assert_eq!(
            Checkpoint::parse(&kept),
            history.seen,
            "nothing was overwritten"
        );
    }
    // With the log as it was all is well again.
    put_back(&history.newest, &log);
    running.restart(din);
    // Neighbours may have cosigned it anew meanwhile: the text is what was signed.
    assert_eq!(checkpoint(&running.country).text, history.seen.text);
    exchange(&running.country, 1);
    grown(&running.country, size + 2);
    cosigned(&running.country);
    eventually("no witness is named", || {
        !ready(&running.country).contains("witness")
    });
}
