//! `karvan audit prove` and `consistency`: what the files of a node prove, by the word of whom the
//! auditor believes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certs_keys::Ed25519Key;
use gateway_store::segment::Scan;
use gateway_tlog::note::{Kind, Signer};
use serde_json::Value;
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
        assert_eq!(self.proved(id, &by_key, 0), own);

        let records = own["records"].as_array().unwrap();
        assert_eq!(records.len(), 2, "{own}");
        let segments = Scan::open(&self.data.join("log/segments")).unwrap();
        let stored: Vec<_> = segments.map(|record| record.unwrap().1).collect();
        for record in records {
            let names = record["cosigned_by"].as_array().unwrap();
            assert_eq!(names.len(), 2, "{own}");
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
