//! Proofs: that a record is in the signed log of a node, and that one log continues another.
//!
//! * `keys`: those of a log and of its witnesses, and whose word they are

mod keys;

use std::path::{Path, PathBuf};

use clap::Args;
use gateway_messagelog::Logged;
use gateway_messagelog::audit::{Filter, Reader, Unreadable, commitment};
use gateway_messagelog::tree::Offline;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::{self, Checkpoint, Log, Opened};
use gateway_tlog::note::{Note, Verifier};
use gateway_tlog::proof::{self, Proof};
use gateway_tlog::tree;
use serde_json::json;

pub(crate) use self::keys::KEYS;
pub(crate) use self::keys::Trust;
use self::keys::{BY_FOLDER, Word, listed, who_cosigned};
pub(super) use self::keys::{GIVEN, Keys, add_keys, names, vkeys};
use super::unread::Unread;
use super::{Error, LogArguments, file_error, log_folder, print};
use crate::causes::with_causes;

/// Proves that an exchange is in the log.
#[derive(Clone, Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    log: LogArguments,
    /// Message id, or x-road-request-id.
    id: String,
    /// Write each proof into this folder, as `‹record›.tlog-proof`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Proves that one log is the beginning of another.
#[derive(Clone, Debug, Args)]
pub(crate) struct Consistency {
    /// The older one: a checkpoint somebody kept, or the data folder of a node, e.g. of a backup.
    old: PathBuf,
    /// The newer one: the data folder of a node.
    new: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A record that was proved to be in a log.
#[derive(Debug)]
pub(super) struct Proved {
    pub(super) ordinal: u64,
    in_log: InLog,
    pub(super) proof: Proof,
}

/// What a proof says that was verified.
#[derive(Debug)]
pub(super) struct InLog {
    /// The size of the tree.
    pub(super) size: u64,
    /// Who signed it.
    pub(super) signed_by: String,
    /// Those keys of the log that its signatures were verified by. Others of the same name have signed
    /// nothing here.
    pub(super) log_keys: Vec<Verifier>,
    /// The witnesses that cosigned it, each public key once.
    pub(super) witnesses: Vec<Verifier>,
}

/// Two checkpoints of one log.
#[derive(Debug)]
pub(crate) struct Continued {
    pub(crate) old: u64,
    pub(crate) new: u64,
    pub(crate) signed_by: String,
    /// The keys that the signatures of both were verified by.
    log_keys: Vec<Verifier>,
    /// The witnesses that cosigned the newer one.
    witnesses: Vec<Verifier>,
    word: Word,
}

pub(super) fn run_prove(arguments: &Prove) -> Result<bool, Error> {
    let reader = arguments.log.open()?;
    let folder = log_folder(&arguments.log.data);
    let keys = Keys::trusted(&folder, &arguments.trust).map_err(Error::Use)?;
    let (found, unread) = search(&reader, &arguments.id)?;
    let mut proved = prove_by(&folder, &reader, &found, &keys)?;
    // A record that cannot be read must not be missed beside one that is proved.
    let unread = unread.lines().into_iter();
    proved.extend(unread.map(|reason| Err(format!("{reason}: it may belong to this exchange"))));
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).map_err(|source| file_error(out, source))?;
        for proved in proved.iter().filter_map(|proved| proved.as_ref().ok()) {
            let path = out.join(format!("{}.tlog-proof", proved.ordinal));
            std::fs::write(&path, proved.proof.encode())
                .map_err(|source| file_error(&path, source))?;
        }
    }
    let holds = !proved.is_empty() && proved.iter().all(Result::is_ok);
    if arguments.json {
        let records: Vec<_> = proved
            .iter()
            .map(|proved| match proved {
                Ok(proved) => json!({
                    "ok": true, "record": proved.ordinal, "size": proved.in_log.size,
                    "signed_by": proved.in_log.signed_by, "log_keys": vkeys(&proved.in_log.log_keys),
                    "cosigned_by": names(&proved.in_log.witnesses),
                    "witness_keys": vkeys(&proved.in_log.witnesses),
                    "proof": String::from_utf8_lossy(&proved.proof.encode()),
                }),
                Err(reason) => json!({ "ok": false, "reason": reason }),
            })
            .collect();
        let document = json!({
            "ok": holds, "log_key_is": keys.word.log_key_is(),
            "witness_keys_are": keys.word.witness_keys_are(), "records": records,
        });
        print(&format!("{document}\n"))?;
        return Ok(holds);
    }
    if proved.is_empty() {
        print("nothing is logged under this id\n")?;
    }
    for proved in &proved {
        match proved {
            Ok(proved) => print(&format!(
                "record {} is {}\n",
                proved.ordinal,
                proved.in_log.text_by(keys.word)
            ))?,
            Err(reason) => print(&format!("FAIL {reason}\n"))?,
        }
    }
    Ok(holds)
}

/// What is logged under an id, and what of it cannot be read.
fn search(reader: &Reader, id: &str) -> Result<(Vec<Logged>, Unread), Error> {
    let (mut found, mut unread) = (Vec::new(), Unread::default());
    for entry in reader.search(&Filter::id(id)).map_err(Error::Log)? {
        match entry {
            Ok(logged) => found.push(logged),
            Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
            Err(Unreadable::Erased { .. }) => {}
            Err(unreadable) => drop(unread.add(&unreadable)),
        }
    }
    Ok((found, unread))
}

/// Proves that everything logged under an id, as far as it can be read, is in the tree; each proof was
/// verified.
pub(super) fn prove(
    data: &Path,
    reader: &Reader,
    id: &str,
    log_key: Option<&str>,
) -> Result<Vec<Result<Proved, String>>, Error> {
    let folder = log_folder(data);
    let keys = Keys::of(&folder, log_key).map_err(Error::Use)?;
    let (found, _) = search(reader, id)?;
    prove_by(&folder, reader, &found, &keys)
}

fn prove_by(
    folder: &Path,
    reader: &Reader,
    found: &[Logged],
    keys: &Keys,
) -> Result<Vec<Result<Proved, String>>, Error> {
    let last = found
        .iter()
        .map(|logged| logged.position.ordinal)
        .max()
        .unwrap_or_default();
    let offline = under_cosigned(folder, last, keys)?;
    let proofs = found.iter().map(|logged| {
        let ordinal = logged.position.ordinal;
        one(&offline, reader, logged, keys).map_err(|reason| format!("record {ordinal}: {reason}"))
    });
    Ok(proofs.collect())
}

/// The tree under the checkpoint that proves most: the latest that covers so many entries and that as
/// many witnesses have cosigned as have to; without one, the latest at all.
fn under_cosigned(folder: &Path, last: u64, keys: &Keys) -> Result<Offline, Error> {
    let latest = Offline::open(folder).map_err(Error::Tree)?;
    for count in 1.. {
        let Some(note) = latest.cosigned_by(count).map_err(Error::Tree)? else {
            break;
        };
        if let Ok(under) = Offline::under(folder, &note)
            && under.size() >= last
            && (keys.quorum == 0 || keys.cosigners(under.note()).is_ok())
        {
            return Ok(under);
        }
    }
    Ok(latest)
}

fn one(offline: &Offline, reader: &Reader, logged: &Logged, keys: &Keys) -> Result<Proved, String> {
    let ordinal = logged.position.ordinal;
    if ordinal > offline.size() {
        return Err(format!(
            "the log was signed with {} entries, before it was made",
            offline.size()
        ));
    }
    let proof = offline
        .prove(ordinal)
        .map_err(|error| with_causes(&error))?;
    // What was found is proved, as it stands in the log: the tree may tell of something else.
    let stored = reader
        .stored(logged.position)
        .map_err(|error| with_causes(&error))?;
    let (log, witnesses) = (keys.known()?, &keys.witnesses);
    let verified = InLog::by_quorum(&proof, &commitment(&stored), log, witnesses, keys.quorum);
    Ok(Proved {
        ordinal,
        in_log: verified.map_err(|error| match &error {
            proof::Error::Inclusion(_) => format!(
                "it is not what was logged, but was changed or exchanged since: {}",
                with_causes(&error)
            ),
            _ => with_causes(&error),
        })?,
        proof,
    })
}

impl InLog {
    /// That the digest of a record is in the log.
    pub(super) fn verified(
        proof: &Proof,
        commitment: &Hash,
        log: &Log,
        witnesses: &[Verifier],
    ) -> Result<Self, proof::Error> {
        Self::by_quorum(proof, commitment, log, witnesses, 0)
    }

    /// The same, and that so many of the witnesses have cosigned.
    fn by_quorum(
        proof: &Proof,
        commitment: &Hash,
        log: &Log,
        witnesses: &[Verifier],
        quorum: usize,
    ) -> Result<Self, proof::Error> {
        let leaf = tree::leaf_hash(commitment);
        let verified = proof.verify(&leaf, log, witnesses, quorum)?;
        Ok(Self {
            size: verified.checkpoint().size(),
            signed_by: log.origin().to_owned(),
            log_keys: verified.signers().to_vec(),
            witnesses: who_cosigned(verified.cosignatures()),
        })
    }

    pub(super) fn text(&self) -> String {
        format!(
            "in the log of {} entries signed by {}, cosigned by {}",
            self.size,
            self.signed_by,
            listed(&self.witnesses)
        )
    }

    /// The same, and whose word the keys are.
    fn text_by(&self, word: Word) -> String {
        format!(
            "in the log of {} entries signed by {}{}, cosigned by {}",
            self.size,
            self.signed_by,
            word.of_log(),
            word.listed(&self.witnesses)
        )
    }
}

pub(super) fn run_consistency(arguments: &Consistency) -> Result<bool, Error> {
    let outcome = consistent_by(&arguments.old, &arguments.new, &arguments.trust)?;
    if arguments.json {
        let document = match &outcome {
            Ok(continued) => json!({
                "ok": true, "old": continued.old, "new": continued.new,
                "signed_by": continued.signed_by, "log_keys": vkeys(&continued.log_keys),
                "log_key_is": continued.word.log_key_is(),
                "cosigned_by": names(&continued.witnesses),
                "witness_keys": vkeys(&continued.witnesses),
                "witness_keys_are": continued.word.witness_keys_are(),
                "warnings": Vec::from_iter(continued.warning()),
            }),
            Err(reason) => json!({ "ok": false, "reason": reason }),
        };
        print(&format!("{document}\n"))?;
    } else {
        print(&match &outcome {
            Ok(continued) => format!(
                "the log of {}{}: the {} entries of the older are the beginning of the {} of the \
                 newer, cosigned by {}\n{}",
                continued.signed_by,
                continued.word.of_log(),
                continued.old,
                continued.new,
                continued.word.listed(&continued.witnesses),
                continued
                    .warning()
                    .map(|warning| format!("warning: {warning}\n"))
                    .unwrap_or_default()
            ),
            Err(reason) => format!("FAIL {reason}\n"),
        })?;
    }
    Ok(outcome.is_ok())
}

impl Continued {
    /// What somebody who relies on it should know.
    fn warning(&self) -> Option<&'static str> {
        (self.old == 0).then_some(
            "the older one has no entries: this proves nothing, for every log begins with an empty one",
        )
    }
}

/// Proves that the newer log begins with the older one. The inner error: it does not.
pub(crate) fn consistent(
    old: &Path,
    new: &Path,
    log_key: Option<&str>,
) -> Result<Result<Continued, String>, Error> {
    let trust = Trust {
        log_key: log_key.map(str::to_owned).into_iter().collect(),
        ..Trust::default()
    };
    consistent_by(old, new, &trust)
}

fn consistent_by(
    old: &Path,
    new: &Path,
    trust: &Trust,
) -> Result<Result<Continued, String>, Error> {
    let folder = log_folder(new);
    if !folder.is_dir() {
        return Err(Error::Use(format!(
            "{} is no data folder: the proof is made from the newer log itself",
            new.display()
        )));
    }
    let old = old_checkpoint(old)?;
    let keys = Keys::trusted(&folder, trust).map_err(Error::Use)?;
    let older = match opened("older", &old, &keys) {
        Ok(older) => older,
        Err(reason) => return Ok(Err(reason)),
    };
    // One with fewer entries than the older would accuse the log of what it has not done.
    let newer = match keys.quorum {
        0 => Offline::open(&folder).map_err(Error::Tree)?,
        _ => under_cosigned(&folder, older.checkpoint().size(), &keys)?,
    };
    Ok(continued(&older, &newer, &keys))
}

fn opened(which: &str, bytes: &[u8], keys: &Keys) -> Result<Opened, String> {
    checkpoint::open(bytes, keys.known()?)
        .map_err(|error| format!("the {which} checkpoint: {}", with_causes(&error)))
}

fn continued(older: &Opened, newer: &Offline, keys: &Keys) -> Result<Continued, String> {
    let opened = opened("newer", &newer.note().to_bytes(), keys)?;
    let mut log_keys = older.signers().to_vec();
    add_keys(&mut log_keys, opened.signers().iter());
    let (old, new) = (older.checkpoint(), opened.checkpoint());
    if old.size() > new.size() {
        return Err(format!(
            "the older log has {} entries, the newer {}: entries were lost, or they were given in \
             the wrong order",
            old.size(),
            new.size()
        ));
    }
    let proof: Vec<Hash> = newer
        .consistency(old.size(), new.size())
        .map_err(|error| with_causes(&error))?;
    let witnesses = keys.cosigners(newer.note())?;
    let sizes = (old.size(), new.size());
    tree::verify_consistency(sizes.0, sizes.1, old.root(), new.root(), &proof)
        .map_err(|_| "the newer log does not begin with the older one: it was forked".to_owned())?;
    Ok(Continued {
        old: old.size(),
        new: new.size(),
        signed_by: new.origin().to_owned(),
        log_keys,
        witnesses,
        word: keys.word,
    })
}

/// A checkpoint from a file, or the latest one of a data folder.
fn old_checkpoint(path: &Path) -> Result<Vec<u8>, Error> {
    if !path.is_dir() {
        return std::fs::read(path).map_err(|source| file_error(path, source));
    }
    let offline = Offline::open(&log_folder(path)).map_err(Error::Tree)?;
    Ok(offline.note().to_bytes())
}

/// Whether the log in this folder has a signed tree.
pub(super) fn has_tree(folder: &Path) -> bool {
    folder.join(CHECKPOINT).exists()
}

/// Whose log it is, as its checkpoint says. Nothing else in the log does; the tree may be damaged.
pub(super) fn origin(folder: &Path) -> Result<String, Error> {
    let path = folder.join(CHECKPOINT);
    let unusable = |reason: &dyn std::fmt::Display| {
        Error::Use(format!(
            "{} says not whose log it is: {reason}",
            path.display()
        ))
    };
    if !has_tree(folder) {
        return Err(unusable(
            &"there is none; its node makes one when it starts with transparency.enabled = true",
        ));
    }
    let bytes = std::fs::read(&path).map_err(|source| file_error(&path, source))?;
    let note = Note::parse(&bytes).map_err(|error| unusable(&error))?;
    let checkpoint = Checkpoint::from_text(note.text()).map_err(|error| unusable(&error))?;
    Ok(checkpoint.origin().to_owned())
}

/// Who signed a checkpoint, by the key given or else the one in the folder.
pub(super) fn signer(folder: &Path, note: &Note, log_key: Option<&str>) -> Result<String, String> {
    let keys = Keys::of(folder, log_key)?;
    let log = keys.known()?;
    checkpoint::open(&note.to_bytes(), log).map_err(|error| with_causes(&error))?;
    Ok(match log_key {
        Some(_) => log.origin().to_owned(),
        None => format!("{}{BY_FOLDER}", log.origin()),
    })
}

/// The latest checkpoint, below the same folder.
const CHECKPOINT: &str = "tree/checkpoint";
