//! Proofs: that a record is in the signed log of a node, and that one log continues another.

use std::path::{Path, PathBuf};

use clap::Args;
use gateway_messagelog::audit::Reader;
use gateway_messagelog::tree::Offline;
use gateway_tlog::Hash;
use gateway_tlog::checkpoint::{self, Checkpoint, Log};
use gateway_tlog::note::{Kind, Note, Verifier};
use gateway_tlog::proof::{self, Proof};
use gateway_tlog::tree;
use serde_json::json;

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
    /// The verifier key that the log has to be signed by, `name+hash+key`. Without it, the key that
    /// lies in the folder is believed.
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Proves that one log is the beginning of another.
#[derive(Clone, Debug, Args)]
pub(crate) struct Consistency {
    /// The older one: a checkpoint somebody kept, or the data folder of a node, e.g. of a backup.
    old: PathBuf,
    /// The newer one: the data folder of a node.
    new: PathBuf,
    /// The verifier key that both have to be signed by, `name+hash+key`. Without it, the key that
    /// lies in the folder is believed.
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
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
    /// The names of the witnesses that cosigned it.
    pub(super) witnesses: Vec<String>,
}

/// Two checkpoints of one log.
#[derive(Debug)]
pub(crate) struct Continued {
    pub(crate) old: u64,
    pub(crate) new: u64,
    pub(crate) signed_by: String,
}

pub(super) fn run_prove(arguments: &Prove) -> Result<bool, Error> {
    let reader = arguments.log.open()?;
    let proved = prove(
        &arguments.log.data,
        &reader,
        &arguments.id,
        arguments.log_key.as_deref(),
    )?;
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
                    "signed_by": proved.in_log.signed_by, "cosigned_by": proved.in_log.witnesses,
                    "proof": String::from_utf8_lossy(&proved.proof.encode()),
                }),
                Err(reason) => json!({ "ok": false, "reason": reason }),
            })
            .collect();
        print(&format!("{}\n", json!({ "ok": holds, "records": records })))?;
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
                proved.in_log.text()
            ))?,
            Err(reason) => print(&format!("FAIL {reason}\n"))?,
        }
    }
    Ok(holds)
}

/// Proves that everything logged under an id is in the tree; each proof was verified.
pub(super) fn prove(
    data: &Path,
    reader: &Reader,
    id: &str,
    log_key: Option<&str>,
) -> Result<Vec<Result<Proved, String>>, Error> {
    let folder = log_folder(data);
    let mut offline = Offline::open(&folder).map_err(Error::Tree)?;
    let keys = Keys::of(&folder, log_key).map_err(Error::Use)?;
    let found = reader.find(id).map_err(Error::Log)?;
    let last = found
        .iter()
        .map(|logged| logged.position.ordinal)
        .max()
        .unwrap_or_default();
    // A checkpoint that others have cosigned proves more, if it covers what is asked for.
    if let Some(cosigned) = offline.cosigned_checkpoint().map_err(Error::Tree)?
        && let Ok(under) = Offline::under(&folder, &cosigned)
        && under.size() >= last
    {
        offline = under;
    }
    let proofs = found.iter().map(|logged| {
        let ordinal = logged.position.ordinal;
        one(&offline, ordinal, &keys).map_err(|reason| format!("record {ordinal}: {reason}"))
    });
    Ok(proofs.collect())
}

fn one(offline: &Offline, ordinal: u64, keys: &Keys) -> Result<Proved, String> {
    if ordinal > offline.size() {
        return Err(format!(
            "the log was signed with {} entries, before it was made",
            offline.size()
        ));
    }
    let proof = offline
        .prove(ordinal)
        .map_err(|error| with_causes(&error))?;
    let leaf = offline.leaf(ordinal).map_err(|error| with_causes(&error))?;
    let verified = InLog::verified(&proof, &leaf, keys.known()?, &keys.witnesses);
    Ok(Proved {
        ordinal,
        in_log: verified.map_err(|error| with_causes(&error))?,
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
        let verified = proof.verify(&tree::leaf_hash(commitment), log, witnesses, 0)?;
        let witnesses = verified.cosignatures().iter();
        Ok(Self {
            size: verified.checkpoint().size(),
            signed_by: log.origin().to_owned(),
            witnesses: witnesses
                .map(|cosignature| cosignature.witness().name().to_owned())
                .collect(),
        })
    }

    pub(super) fn text(&self) -> String {
        let witnesses = match self.witnesses.as_slice() {
            [] => "nobody".to_owned(),
            names => names.join(", "),
        };
        format!(
            "in the log of {} entries signed by {}, cosigned by {witnesses}",
            self.size, self.signed_by
        )
    }
}

pub(super) fn run_consistency(arguments: &Consistency) -> Result<bool, Error> {
    let outcome = consistent(&arguments.old, &arguments.new, arguments.log_key.as_deref())?;
    if arguments.json {
        let document = match &outcome {
            Ok(continued) => json!({
                "ok": true, "old": continued.old, "new": continued.new,
                "signed_by": continued.signed_by,
            }),
            Err(reason) => json!({ "ok": false, "reason": reason }),
        };
        print(&format!("{document}\n"))?;
    } else {
        print(&match &outcome {
            Ok(continued) => format!(
                "the log of {}: the {} entries of the older are the beginning of the {} of the \
                 newer\n",
                continued.signed_by, continued.old, continued.new
            ),
            Err(reason) => format!("FAIL {reason}\n"),
        })?;
    }
    Ok(outcome.is_ok())
}

/// Proves that the newer log begins with the older one. The inner error: it does not.
pub(crate) fn consistent(
    old: &Path,
    new: &Path,
    log_key: Option<&str>,
) -> Result<Result<Continued, String>, Error> {
    let folder = log_folder(new);
    if !folder.is_dir() {
        return Err(Error::Use(format!(
            "{} is no data folder: the proof is made from the newer log itself",
            new.display()
        )));
    }
    let old = old_checkpoint(old)?;
    let newer = Offline::open(&folder).map_err(Error::Tree)?;
    let keys = Keys::of(&folder, log_key).map_err(Error::Use)?;
    Ok(continued(&old, &newer, &keys))
}

fn continued(old: &[u8], newer: &Offline, keys: &Keys) -> Result<Continued, String> {
    let log = keys.known()?;
    let open = |which: &str, bytes: &[u8]| {
        checkpoint::open(bytes, log)
            .map_err(|error| format!("the {which} checkpoint: {}", with_causes(&error)))
    };
    let old = open("older", old)?;
    let new = open("newer", &newer.note().to_bytes())?;
    let (old, new) = (old.checkpoint(), new.checkpoint());
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
    let sizes = (old.size(), new.size());
    tree::verify_consistency(sizes.0, sizes.1, old.root(), new.root(), &proof)
        .map_err(|_| "the newer log does not begin with the older one: it was forked".to_owned())?;
    Ok(Continued {
        old: old.size(),
        new: new.size(),
        signed_by: log.origin().to_owned(),
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
        None => format!("{} (by the key in the folder)", log.origin()),
    })
}

/// The keys of a log and of its witnesses.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) log: Option<Log>,
    pub(super) witnesses: Vec<Verifier>,
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
        let text = std::fs::read_to_string(folder.join(KEYS)).unwrap_or_default();
        Self::read(&text, log_key)
    }

    /// Verifier keys, one a line; a key of a log given apart takes the place of theirs.
    pub(super) fn read(text: &str, log_key: Option<&str>) -> Result<Self, String> {
        let mut keys = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let verifier = |vkey: &str| {
            Verifier::from_vkey(vkey).map_err(|error| format!("the key {vkey}: {error}"))
        };
        for line in text.lines() {
            let key = verifier(line)?;
            match key.kind() {
                Kind::Ed25519 if keys.log.is_none() => keys.log = Some(of_key(key)?),
                Kind::Ed25519 => {}
                Kind::Cosignature => keys.witnesses.push(key),
            }
        }
        if let Some(vkey) = log_key {
            keys.log = Some(of_key(verifier(vkey)?)?);
        }
        Ok(keys)
    }
}

fn of_key(key: Verifier) -> Result<Log, String> {
    Log::of_key(key).map_err(|error| error.to_string())
}

/// Where a node writes its verifier key and those of its witnesses, below the folder of its log.
pub(crate) const KEYS: &str = "tree/keys";
/// The latest checkpoint, below the same folder.
const CHECKPOINT: &str = "tree/checkpoint";
