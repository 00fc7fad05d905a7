//! Proofs: that a record is in the signed log of a node, and that one log continues another.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use gateway_messagelog::Logged;
use gateway_messagelog::audit::{Filter, Reader, Unreadable, commitment};
use gateway_messagelog::tree::Offline;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::{self, Checkpoint, Log, Opened};
use gateway_tlog::cosign::Cosignature;
use gateway_tlog::note::{Kind, Note, Verifier};
use gateway_tlog::proof::{self, Proof};
use gateway_tlog::tree;
use serde_json::json;

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

/// Whose word counts.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Trust {
    /// A verifier key that the log may be signed by, `name+hash+key`; may be repeated, for a log whose
    /// key was exchanged. Without it, what lies in the folder is believed.
    #[arg(long, value_name = "KEY")]
    log_key: Vec<String>,
    /// The verifier key of a witness, `name+hash+key`; may be repeated. They take the place of those in
    /// the folder, and all of them have to have cosigned, unless --quorum asks for fewer.
    #[arg(long, value_name = "KEY")]
    witness_key: Vec<String>,
    /// How many of the witnesses have to have cosigned.
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
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

/// Whose word the keys are that something was verified by.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    is_log_given: bool,
    are_witnesses_given: bool,
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

impl Word {
    fn log_key_is(self) -> &'static str {
        match self.is_log_given {
            true => GIVEN,
            false => "from the folder: compare it with the one that the node itself publishes",
        }
    }

    fn witness_keys_are(self) -> &'static str {
        match self.are_witnesses_given {
            true => GIVEN,
            false => "from the folder: compare them with what their nodes publish",
        }
    }

    /// What stands behind the name of the log.
    fn of_log(self) -> &'static str {
        match self.is_log_given {
            true => "",
            false => BY_FOLDER,
        }
    }

    fn listed(self, witnesses: &[Verifier]) -> String {
        let whose = match (self.are_witnesses_given, witnesses) {
            (true, _) | (_, []) => "",
            (false, [_]) => BY_FOLDER,
            (false, [_, _, ..]) => " (by the keys in the folder)",
        };
        listed(witnesses) + whose
    }
}

/// Each public key once: one key under several names is one witness.
fn who_cosigned(cosignatures: &[Cosignature]) -> Vec<Verifier> {
    let mut witnesses = Vec::new();
    add_keys(
        &mut witnesses,
        cosignatures.iter().map(Cosignature::witness),
    );
    witnesses
}

/// Adds those whose public key is not there yet.
pub(super) fn add_keys<'k>(keys: &mut Vec<Verifier>, more: impl Iterator<Item = &'k Verifier>) {
    for key in more {
        let is_there = |other: &Verifier| other.public_key() == key.public_key();
        if !keys.iter().any(is_there) {
            keys.push(key.clone());
        }
    }
}

pub(super) fn names(keys: &[Verifier]) -> Vec<&str> {
    keys.iter().map(Verifier::name).collect()
}

pub(super) fn vkeys(keys: &[Verifier]) -> Vec<String> {
    keys.iter().map(Verifier::to_vkey).collect()
}

fn listed(witnesses: &[Verifier]) -> String {
    match witnesses {
        [] => "nobody".to_owned(),
        keys => names(keys).join(", "),
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

/// The keys of a log and of its witnesses.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) log: Option<Log>,
    pub(super) witnesses: Vec<Verifier>,
    /// How many of them have to have cosigned.
    quorum: usize,
    word: Word,
    /// As they lie in the folder, one a line.
    pub(super) text: String,
}

impl Keys {
    /// The key of the log, without which nothing is proved.
    pub(super) fn known(&self) -> Result<&Log, String> {
        self.log
            .as_ref()
            .ok_or_else(|| "the key of the log is not known: give it with --log-key".to_owned())
    }

    /// The key given, and those in the folder of a log.
    pub(super) fn of(folder: &Path, log_key: Option<&str>) -> Result<Self, String> {
        let given = log_key.map(verifier).transpose()?;
        let path = folder.join(KEYS);
        let named = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(named(&error)),
        };
        Self::of_text(&text, given).map_err(|reason| named(&reason))
    }

    /// Those in the folder of a log, but for what the auditor says himself.
    fn trusted(folder: &Path, trust: &Trust) -> Result<Self, String> {
        let mut keys = Self::of(folder, None)?;
        let given = |vkeys: &[String]| {
            let keys = vkeys.iter().map(|vkey| verifier(vkey));
            keys.collect::<Result<Vec<_>, _>>()
        };
        keys.word = Word {
            is_log_given: !trust.log_key.is_empty(),
            are_witnesses_given: !trust.witness_key.is_empty(),
        };
        if !trust.log_key.is_empty() {
            keys.log = log_of(given(&trust.log_key)?)?;
        }
        if !trust.witness_key.is_empty() {
            keys.witnesses = given(&trust.witness_key)?;
            if let Some(other) = keys
                .witnesses
                .iter()
                .find(|key| key.kind() != Kind::Cosignature)
            {
                return Err(format!(
                    "the key of {} is that of a log; a witness has one for cosignatures",
                    other.name()
                ));
            }
        }
        keys.quorum = trust.quorum.unwrap_or(trust.witness_key.len());
        let known: BTreeSet<_> = keys.witnesses.iter().map(Verifier::public_key).collect();
        if keys.quorum > known.len() {
            return Err(format!(
                "{} witnesses have to have cosigned, and the keys of {} are known: give them with \
                 --witness-key",
                keys.quorum,
                known.len()
            ));
        }
        Ok(keys)
    }

    /// Verifier keys, one a line; a key of a log given apart takes the place of theirs. Several keys
    /// of one log are those it had one after the other.
    pub(super) fn read(text: &str, log_key: Option<&str>) -> Result<Self, String> {
        Self::of_text(text, log_key.map(verifier).transpose()?)
    }

    fn of_text(text: &str, log_key: Option<Verifier>) -> Result<Self, String> {
        let word = Word {
            is_log_given: log_key.is_some(),
            are_witnesses_given: false,
        };
        let keys = text.lines().map(verifier).collect::<Result<Vec<_>, _>>()?;
        let (witnesses, mut logs): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .partition(|key| key.kind() == Kind::Cosignature);
        if let Some(key) = log_key {
            logs = vec![key];
        }
        Ok(Self {
            log: log_of(logs)?,
            witnesses,
            quorum: 0,
            word,
            text: text.to_owned(),
        })
    }

    /// The witnesses that have cosigned a checkpoint of the log, each public key once.
    fn cosigners(&self, note: &Note) -> Result<Vec<Verifier>, String> {
        let opened = checkpoint::open_note(note.clone(), self.known()?)
            .map_err(|error| with_causes(&error))?;
        let found = opened
            .cosignatures(&self.witnesses)
            .map_err(|error| with_causes(&error))?;
        let witnesses = who_cosigned(&found);
        if witnesses.len() < self.quorum {
            return Err(format!(
                "{} known witnesses have cosigned, {} have to have",
                witnesses.len(),
                self.quorum
            ));
        }
        Ok(witnesses)
    }
}

fn verifier(vkey: &str) -> Result<Verifier, String> {
    Verifier::from_vkey(vkey).map_err(|error| format!("the key {vkey}: {error}"))
}

/// The log with these keys, if there are any.
fn log_of(keys: Vec<Verifier>) -> Result<Option<Log>, String> {
    let Some(origin) = keys.first().map(|key| key.name().to_owned()) else {
        return Ok(None);
    };
    if let Some(other) = keys.iter().find(|key| key.name() != origin) {
        return Err(format!(
            "the keys of {origin} and of {} are not those of one log",
            other.name()
        ));
    }
    let log = Log::new(&origin, keys).map_err(|error| error.to_string())?;
    Ok(Some(log))
}

/// Where a node writes its verifier key and those of its witnesses, below the folder of its log.
pub(crate) const KEYS: &str = "tree/keys";
/// The latest checkpoint, below the same folder.
const CHECKPOINT: &str = "tree/checkpoint";
/// The word for a key that the auditor has from elsewhere.
pub(super) const GIVEN: &str = "given";
const BY_FOLDER: &str = " (by the key in the folder)";
