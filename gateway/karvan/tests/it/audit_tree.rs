//! `karvan audit prove` and `consistency`: what the files of a node prove, by the word of whom the
//! auditor believes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certs_keys::Ed25519Key;
use gateway_store::segment::{Log, Options, Scan};
use gateway_tlog::checkpoint::Checkpoint;
use gateway_tlog::note::{Kind, Note, Signer};
use gateway_tlog::tree::EMPTY_ROOT;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::country::{Country, karvan, text};
use crate::merkle::{Hash, leaf_hash};

/// An auditor before the data of a node whose log two others witness.
pub(crate) struct Auditor {
    data: PathBuf,
    log_key: String,
    witnesses: [String; 2],
}

impl Auditor {
    pub(crate) fn before(country: &Country, node: &str) -> Self {
        let data = country.data(node);
        let keys = fs::read_to_string(data.join("log/tree/keys")).unwrap();
        let [log_key, .., one, other] = keys.lines().collect::<Vec<_>>()[..] else {
            panic!("{keys}");
        };
        Self {
            log_key: log_key.to_owned(),
            witnesses: [one.to_owned(), other.to_owned()],
            data,
        }
    }

    fn prove(&self, id: &str, more: &[&str]) -> Output {
        let mut command = karvan();
        command.args(["audit", "prove"]).arg(&self.data).arg(id);
        command.args(more).output().unwrap()
    }

    fn consistency(&self, old: &Path, more: &[&str]) -> Output {
        let mut command = karvan();
        command
            .args(["audit", "consistency"])
            .args([old, &self.data]);
        command.args(more).output().unwrap()
    }

    /// It ends with this code; gives what it found.
    #[track_caller]
    fn proved(&self, id: &str, more: &[&str], code: i32) -> Value {
        found(&self.prove(id, &[more, &["--json"]].concat()), code)
    }

    /// What was exchanged under this id is proved by both witnesses, to a stranger as well.
    pub(crate) fn proves_by_both(&self, id: &str) {
        let [one, other] = &self.witnesses;
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().to_str().unwrap();
        let own = self.proved(id, &["--quorum", "2", "--out", folder], 0);
        let named = ["--witness-key", one, "--witness-key", other];
        let by_key = [&["--log-key", &self.log_key][..], &named[..]].concat();
        let given = self.proved(id, &by_key, 0);
        assert_eq!(given["records"], own["records"]);
        // It says whose word the keys are.
        for field in ["log_key_is", "witness_keys_are"] {
            assert_eq!(given[field], "given");
            let found = own[field].as_str().unwrap();
            assert!(found.starts_with("from the folder: compare "), "{found}");
        }
        let said = |more: &[&str]| String::from_utf8(self.prove(id, more).stdout).unwrap();
        let (by_folder, given) = (said(&["--quorum", "2"]), said(&by_key));
        assert_eq!(
            by_folder.matches("(by the key in the folder), ").count(),
            2,
            "{by_folder}"
        );
        assert_eq!(
            by_folder.matches("(by the keys in the folder)\n").count(),
            2
        );
        assert!(!given.contains("in the folder"), "{given}");

        let records = own["records"].as_array().unwrap();
        assert_eq!(records.len(), 2, "{own}");
        let segments = Scan::open(&self.data.join("log/segments")).unwrap();
        let stored: Vec<_> = segments.map(|record| record.unwrap().1).collect();
        for record in records {
            let names = record["cosigned_by"].as_array().unwrap();
            assert_eq!(names.len(), 2, "{own}");
            assert_eq!(record["log_keys"], json!([self.log_key]));
            assert_eq!(record["witness_keys"].as_array().unwrap().len(), 2);
            let ordinal = record["record"].as_u64().unwrap();
            let proof = record["proof"].as_str().unwrap();
            let file = out.path().join(format!("{ordinal}.tlog-proof"));
            assert_eq!(fs::read_to_string(file).unwrap(), proof);
            let leaf = Sha256::digest(&stored[ordinal as usize - 1]);
            shows(proof, ordinal - 1, leaf_hash(&leaf));
        }
    }

    /// Of what was exchanged under this id, one witness alone knows.
    pub(crate) fn proves_by_one(&self, id: &str) {
        let proved = self.proved(id, &["--quorum", "1"], 0);
        assert_eq!(
            proved["records"][0]["cosigned_by"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        for more in [
            &["--quorum", "2"][..],
            &[
                "--witness-key",
                &self.witnesses[0],
                "--witness-key",
                &self.witnesses[1],
            ][..],
        ] {
            let refused = self.proved(id, more, 1);
            let reason = refused["records"][0]["reason"].as_str().unwrap();
            assert!(
                reason.contains("witnesses have cosigned, 2 must have"),
                "{reason}"
            );
        }
        // The log has lost nothing: what both have cosigned is older.
        let latest = self.data.join("log/tree/checkpoint");
        let refused = self.consistency(&latest, &["--json", "--quorum", "2"]);
        let reason = found(&refused, 1)["reason"].to_string();
        assert!(
            reason.contains("1 known witnesses have cosigned, 2 have to have"),
            "{reason}"
        );
        found(&self.consistency(&latest, &["--json", "--quorum", "1"]), 0);
    }

    /// Nobody is believed whom the auditor does not name, when he names somebody.
    pub(crate) fn believes_whom_he_names(&self, id: &str) {
        let [one, other] = &self.witnesses;
        let name = |vkey: &str| vkey.split('+').next().unwrap().to_owned();
        let vkey = |kind, name: &str| {
            let key = Ed25519Key::generate().unwrap();
            Signer::new(kind, name, key).unwrap().verifier().to_vkey()
        };
        // Under the name of a witness and of the log.
        let false_witness = vkey(Kind::Cosignature, &name(one));
        let false_log = vkey(Kind::Ed25519, &name(&self.log_key));
        let reason = |more: &[&str]| {
            let refused = self.proved(id, more, 1);
            assert_eq!(refused["ok"], false);
            refused["records"][0]["reason"].as_str().unwrap().to_owned()
        };
        let said = reason(&["--witness-key", &false_witness]);
        assert!(
            said.contains("0 known witnesses have cosigned, 1 must have"),
            "{said}"
        );
        let with = ["--witness-key", &false_witness, "--witness-key", other];
        assert!(reason(&with).contains("1 known witnesses have cosigned, 2 must have"));
        let proved = self.proved(id, &[&with[..], &["--quorum", "1"]].concat(), 0);
        let names = proved["records"][0]["cosigned_by"].as_array().unwrap();
        assert_eq!(*names, [name(other)]);
        let said = reason(&["--log-key", &false_log]);
        assert!(said.contains("no signature is of a known key"), "{said}");
        // One of a log's keys will do.
        self.proved(
            id,
            &["--log-key", &false_log, "--log-key", &self.log_key],
            0,
        );

        let other_log = vkey(Kind::Ed25519, "x");
        let nothing = self.prove("never-seen", &[]);
        assert_eq!(nothing.status.code(), Some(1), "{}", text(&nothing));
        for (more, expected) in [
            (&["--quorum", "3"][..], "the keys of 2 are known"),
            (&["--witness-key", &self.log_key][..], "is that of a log"),
            (&["--witness-key", "x"][..], "the key x: "),
            (
                &["--witness-key", one, "--witness-key", one][..],
                "the keys of 1 are known",
            ),
            (
                &["--log-key", &self.log_key, "--log-key", &other_log][..],
                "of one log",
            ),
            (&["--quorum=-1"][..], "--quorum"),
        ] {
            let misused = self.prove(id, more);
            let said = text(&misused);
            assert_eq!(misused.status.code(), Some(2), "{said}");
            assert!(said.contains(expected), "{said}");
        }
    }

    /// The log begins with a checkpoint that somebody kept, and not with another.
    pub(crate) fn continues(&self, kept: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let held = file("held", kept);
        let json = ["--json", "--quorum", "2"];
        let continued = found(&self.consistency(&held, &json), 0);
        assert_eq!(continued["cosigned_by"].as_array().unwrap().len(), 2);
        assert_eq!(continued["log_keys"], json!([self.log_key]));
        assert_eq!(continued["warnings"], json!([]));
        for field in ["log_key_is", "witness_keys_are"] {
            let said = continued[field].as_str().unwrap();
            assert!(said.starts_with("from the folder: compare "), "{said}");
        }
        let given = ["--json", "--log-key", &self.log_key];
        let given = found(&self.consistency(&held, &given), 0);
        assert_eq!(given["log_key_is"], "given");
        let said = self.consistency(&held, &[]);
        let said = String::from_utf8_lossy(&said.stdout);
        assert!(said.contains(" (by the key in the folder): the "), "{said}");
        assert!(
            continued["old"].as_u64() < continued["new"].as_u64(),
            "{continued}"
        );
        // A changed size or root is not what the log signed.
        let mut changed = kept.to_vec();
        let at = kept.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        changed[at] = if kept[at] == b'9' { b'8' } else { b'9' };
        let refused = found(&self.consistency(&file("changed", &changed), &json), 1);
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("the older checkpoint: "), "{reason}");
        let false_witness = {
            let key = Ed25519Key::generate().unwrap();
            let signer = Signer::new(Kind::Cosignature, "AZ/1/x/witness", key).unwrap();
            signer.verifier().to_vkey()
        };
        let refused = self.consistency(&held, &["--json", "--witness-key", &false_witness]);
        let reason = found(&refused, 1)["reason"].to_string();
        assert!(
            reason.contains("0 known witnesses have cosigned, 1 have to have"),
            "{reason}"
        );
        for misused in [
            self.consistency(&held, &["--quorum", "3"]),
            self.consistency(&folder.path().join("none"), &[]),
        ] {
            assert_eq!(misused.status.code(), Some(2), "{}", text(&misused));
        }
    }
}

/// The tree proves what stands in the log, and not what it remembers of it; whose keys are taken, and
/// what proves nothing, is said.
pub(crate) fn proves_what_stands_in_the_log(data: &Path, id: &str) {
    let work = tempfile::tempdir().unwrap();
    let copied = work.path().join("data");
    crate::transparency::copy(&data.join("log"), &copied.join("log"));
    let ask = |command: &str, arguments: &[&str]| {
        let mut asked = karvan();
        asked.args(["audit", command]).args(arguments);
        asked.output().unwrap()
    };
    let (folder, tree) = (copied.to_str().unwrap(), copied.join("log/tree"));
    let proved = found(&ask("prove", &[folder, id, "--json"]), 0);
    let request = proved["records"][0]["record"].as_u64().unwrap();

    // A log is signed by who has its folder, with a key of his own.
    let keys = fs::read_to_string(tree.join("keys")).unwrap();
    let signed = fs::read(tree.join("checkpoint")).unwrap();
    let latest = Note::parse(&signed).unwrap();
    let latest = Checkpoint::from_text(latest.text()).unwrap();
    let key = Ed25519Key::generate().unwrap();
    let own = Signer::new(Kind::Ed25519, latest.origin(), key).unwrap();
    let none = Checkpoint::new(latest.origin(), 0, EMPTY_ROOT).unwrap();
    let empty = work.path().join("empty");
    fs::write(&empty, none.sign(&own).unwrap().to_bytes()).unwrap();
    fs::write(tree.join("keys"), own.verifier().to_vkey() + "\n").unwrap();
    fs::write(
        tree.join("checkpoint"),
        latest.sign(&own).unwrap().to_bytes(),
    )
    .unwrap();
    let empty = empty.to_str().unwrap();
    let continued = found(&ask("consistency", &[empty, folder, "--json"]), 0);
    let warning = continued["warnings"][0].as_str().unwrap();
    assert!(warning.contains("this proves nothing"), "{warning}");
    let said = ask("consistency", &[empty, folder]);
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(
        said.contains("\nwarning: ") && said.contains(warning),
        "{said}"
    );

    let path = tree.join("keys");
    for garbled in [&b"x\n"[..], b"\xff"] {
        fs::write(&path, garbled).unwrap();
        for output in [
            ask("prove", &[folder, id]),
            ask("consistency", &[empty, folder]),
        ] {
            let said = text(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(path.to_str().unwrap()), "{said}");
        }
    }
    fs::write(&path, keys).unwrap();
    fs::write(tree.join("checkpoint"), signed).unwrap();

    // A damaged request is not passed over beside a response that is proved.
    let segments = copied.join("log/segments");
    let mut stored: Vec<Vec<u8>> = Scan::open(&segments)
        .unwrap()
        .map(|record| record.unwrap().1.to_vec())
        .collect();
    let payload = &mut stored[request as usize - 1];
    let places = fs::read_dir(&segments).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        let octets = fs::read(&path).unwrap();
        let mut windows = octets.windows(payload.len());
        let at = windows.position(|part| part == &payload[..])?;
        Some((path, octets, at))
    });
    let (segment, whole, at) = places.unwrap();
    let mut damaged = whole.clone();
    damaged[at + payload.len() / 2] ^= 1;
    fs::write(&segment, damaged).unwrap();
    let refused = found(&ask("prove", &[folder, id, "--json"]), 1);
    let records = refused["records"].as_array().unwrap();
    assert_eq!(records.len(), 2, "{refused}");
    assert_eq!(records[0]["ok"], true, "{refused}");
    let reason = records[1]["reason"].as_str().unwrap();
    assert!(reason.contains("may belong to this exchange"), "{reason}");
    fs::write(&segment, whole).unwrap();

    // The request is about somebody else now, and the segments are whole.
    let person = b"0TEST01";
    let at = payload
        .windows(person.len())
        .position(|part| part == person);
    payload[at.unwrap() + 6] = b'2';
    fs::remove_dir_all(&segments).unwrap();
    let (told, ended) = std::sync::mpsc::channel();
    let log = Log::open(&segments, Options::default()).unwrap();
    for record in stored {
        let told = told.clone();
        let done = move |result: Result<_, _>| told.send(result.is_ok()).unwrap();
        log.append_detached(record.into(), done).unwrap();
        assert!(ended.recv().unwrap());
    }
    drop(log);
    let refused = found(&ask("prove", &[folder, id, "--json"]), 1);
    let records = refused["records"].as_array().unwrap();
    assert_eq!(records.len(), 2, "{refused}");
    let reason = records[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("it is not what was logged, but was changed"),
        "{reason}"
    );
    assert_eq!(records[1]["ok"], true, "{refused}");
    let out = work.path().join("out.zip");
    let exported = ["--json", folder, id, "-o", out.to_str().unwrap()];
    let missing = found(&ask("export", &exported), 1)["missing"].clone();
    let reasons: Vec<_> = missing.as_array().unwrap().iter().collect();
    let is_named = |reason: &&Value| reason.as_str().unwrap().contains("not what was logged");
    assert!(reasons.into_iter().any(|one| is_named(&one)), "{missing}");
}

#[track_caller]
fn found(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

/// A proof file, read and followed by hand (C2SP `tlog-proof`; RFC 9162, 2.1.3.2).
#[track_caller]
fn shows(proof: &str, index: u64, leaf: Hash) {
    let (head, note) = proof.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some(format!("index {index}").as_str()));
    let [_, size, root] = note.lines().take(3).collect::<Vec<_>>()[..] else {
        panic!("{note}");
    };
    let (mut node, mut last) = (index, size.parse::<u64>().unwrap() - 1);
    let mut hash = leaf;
    for line in lines {
        let beside = BASE64.decode(line).unwrap();
        let is_right_child = node & 1 == 1 || node == last;
        hash = match is_right_child {
            true => Sha256::digest([&[1], &beside[..], &hash].concat()).into(),
            false => Sha256::digest([&[1], &hash[..], &beside].concat()).into(),
        };
        while is_right_child && node & 1 == 0 && node != 0 {
            (node, last) = (node >> 1, last >> 1);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    assert_eq!(last, 0);
    assert_eq!(BASE64.encode(hash), root);
}
