//! The transparency log of a node as a stranger and its neighbours see it: over its socket, with a
//! Merkle tree of the test's own (RFC 6962, C2SP `tlog-tiles`, `tlog-cosignature`, `tlog-witness`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certs_keys::{Ed25519Key, ed25519_verify};
use gateway_store::segment::Scan;
use gateway_tlog::checkpoint::Checkpoint as Unsigned;
use gateway_tlog::note::{Kind, Signer};
use sha2::{Digest as _, Sha256};

use crate::country::{Country, Running, Service, eventually};
use crate::merkle::{Hash, leaf_hash, tree_hash};
use crate::wire::{self, Answer};

const DIN: &str = "AZ/GOV/0000000131/din";
/// Who cosigns it: node and key.
const WITNESSES: [(&str, &str); 2] = [
    ("eesmn", "AZ/GOV/0000000261/eesmn/witness"),
    ("en", "AZ/GOV/0000000411/en/witness"),
];

/// A checkpoint, read by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Checkpoint {
    /// What is signed.
    text: String,
    size: u64,
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
fn checkpoint(country: &Country) -> Checkpoint {
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

fn ready(country: &Country) -> String {
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

/// So many exchanges that are answered.
#[track_caller]
fn exchange(country: &Country, times: u64) {
    for _ in 0..times {
        // Nothing told twice: the ids are looked for in the tree.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let answer = country
            .addresses()
            .person("0TEST01", &format!("seen-{number}"))
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Waits for a checkpoint of this size.
#[track_caller]
fn grown(country: &Country, size: u64) -> Checkpoint {
    eventually("the tree has grown", || checkpoint(country).size >= size);
    let found = checkpoint(country);
    assert_eq!(found.size, size);
    found
}

#[track_caller]
fn cosigned(country: &Country) -> Checkpoint {
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
    for node in ["din", "eesmn", "en"] {
        let values = [
            ("checkpoint_milliseconds", 50.into()),
            ("witness_seconds", 1.into()),
        ];
        country.configure(node, "transparency", &values);
    }
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

fn send(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Answer {
    let request = wire::request(method, address, path, &[], body);
    wire::parse(&wire::raw(address, &request).unwrap()).unwrap()
}

#[test]
fn bad_requests_get_exact_statuses_and_nothing_else() {
    let Some(running) = Running::shared() else {
        return;
    };
    let din = running.country.transparency("din");
    let status = |method: &str, path: &str, body: &[u8]| send(din, method, path, body).status;
    for path in [
        "/",
        "/tile",
        "/tile/",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/01",
        "/tile/0/0",
        "/tile/0/999",
        "/tile/0/x999/x999/x999/999",
        "/tile/64/000",
        "/tile/-1/000",
        "/tile/entries/999",
        "/tile/entries/../../keys",
        "/tile/0/../../checkpoint",
        "/tile/0/%2e%2e/%2e%2e/synced",
        "/tile/0/000%2ep/1",
        "//checkpoint",
        "/checkpoint/",
        "/../log/segments/0000000001.seg",
        "/synced",
        "/cosigned",
        "/tree/keys",
        "/witness/",
        "/witness/checkpoint",
        "/witness/../../witness.redb",
        &format!("/witness/{}/checkpoint", "0".repeat(64)),
        &format!("/{}", "x".repeat(10_000)),
    ] {
        assert_eq!(status("GET", path, b""), 404, "{path}");
    }
    for (method, path, allowed) in [
        ("GET", "/add-checkpoint", "POST"),
        ("PUT", "/add-checkpoint", "POST"),
        ("POST", "/checkpoint", "GET, HEAD"),
        ("DELETE", "/tile/0/000", "GET, HEAD"),
        ("OPTIONS", "/keys", "GET, HEAD"),
    ] {
        let answer = send(din, method, path, b"");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    let head = wire::request("HEAD", din, "/checkpoint", &[], b"");
    let head = String::from_utf8(wire::raw(din, &head).unwrap()).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );

    let add = |body: &[u8]| send(din, "POST", "/add-checkpoint", body);
    let note = |key: u8, origin: &str, size: u64| {
        let key = Ed25519Key::from_seed(&[key; 32]).unwrap();
        let signer = Signer::new(Kind::Ed25519, origin, key).unwrap();
        let checkpoint = Unsigned::new(origin, size, [7; 32]).unwrap();
        String::from_utf8(checkpoint.sign(&signer).unwrap().to_bytes()).unwrap()
    };
    let known = "AZ/GOV/0000001181/iria";
    let hash = BASE64.encode([1; 32]);
    for (what, body, expected) in [
        ("nothing", String::new(), 400),
        ("no note", "old 0\n\n".to_owned(), 400),
        ("no checkpoint", format!("old 0\n\n{known}\n\n— a b\n"), 400),
        ("no old size", format!("\n{}", note(1, known, 5)), 400),
        (
            "an old size below zero",
            format!("old -1\n\n{}", note(1, known, 5)),
            400,
        ),
        (
            "an old size with a zero before",
            format!("old 01\n\n{}", note(1, known, 5)),
            400,
        ),
        ("no hash", format!("old 0\nx\n\n{}", note(1, known, 5)), 400),
        (
            "too many hashes",
            format!(
                "old 0\n{}\n{}",
                format!("{hash}\n").repeat(64),
                note(1, known, 5)
            ),
            400,
        ),
        (
            "an unknown log",
            format!("old 0\n\n{}", note(1, "AZ/GOV/1/none", 5)),
            404,
        ),
        (
            "a known log, another key",
            format!("old 0\n\n{}", note(1, known, 5)),
            403,
        ),
        ("itself", format!("old 0\n\n{}", note(1, DIN, 5)), 404),
    ] {
        let answer = add(body.as_bytes());
        assert_eq!(answer.status, expected, "{what}: {}", answer.text());
    }
    assert_eq!(add(b"old 0\n\n\xff\xfe\n5\n").status, 400);
    assert_eq!(add(&vec![b'x'; 65_536]).status, 400);
    assert_eq!(add(&vec![b'x'; 65_537]).status, 413);

    // What the neighbour really signed is answered by the protocol.
    let iria = running.country.transparency("iria");
    let signed = wire::get(iria, "/checkpoint", &[]).text();
    let path = format!("/witness/{}/checkpoint", hex::encode(Sha256::digest(known)));
    eventually("the neighbour was cosigned", || {
        let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
        let answer = wire::get(din, &path, &[]);
        answer.status == 200 && size(&answer.text()) >= size(&signed)
    });
    let latest = wire::get(din, &path, &[]).text();
    let size = latest.lines().nth(1).unwrap().to_owned();
    let behind = add(format!("old 0\n\n{latest}").as_bytes());
    assert_eq!(behind.status, 409);
    assert_eq!(behind.header("content-type"), Some("text/x.tlog.size"));
    assert!(behind.text().trim_end().parse::<u64>().unwrap() >= size.parse().unwrap());
    let beyond = add(format!("old 99999999\n\n{latest}").as_bytes());
    assert_eq!(beyond.status, 400, "{}", beyond.text());
    running.serves();
}
