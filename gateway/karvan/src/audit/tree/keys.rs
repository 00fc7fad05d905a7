//! The keys of a log and of its witnesses, and whose word they are.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use clap::Args;
use gateway_tlog::checkpoint::{self, Log};
use gateway_tlog::cosign::Cosignature;
use gateway_tlog::note::{Kind, Note, Verifier};

use crate::causes::with_causes;

/// Whose word counts.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Trust {
    /// A verifier key that the log may be signed by, `name+hash+key`; may be repeated, for a log whose
    /// key was exchanged. Without it, what lies in the folder is believed.
    #[arg(long, value_name = "KEY")]
    pub(super) log_key: Vec<String>,
    /// The verifier key of a witness, `name+hash+key`; may be repeated. They take the place of those in
    /// the folder, and all of them have to have cosigned, unless --quorum asks for fewer.
    #[arg(long, value_name = "KEY")]
    pub(super) witness_key: Vec<String>,
    /// How many of the witnesses have to have cosigned.
    #[arg(long, value_name = "N")]
    pub(super) quorum: Option<usize>,
}

/// Whose word the keys are that something was verified by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    pub(super) is_log_given: bool,
    pub(super) are_witnesses_given: bool,
}

/// The keys of a log and of its witnesses.
#[derive(Clone, Debug, Default)]
pub(in crate::audit) struct Keys {
    pub(in crate::audit) log: Option<Log>,
    pub(in crate::audit) witnesses: Vec<Verifier>,
    /// How many of them have to have cosigned.
    pub(super) quorum: usize,
    pub(super) word: Word,
    /// As they lie in the folder, one a line.
    pub(in crate::audit) text: String,
}

impl Keys {
    /// The key of the log, without which nothing is proved.
    pub(in crate::audit) fn known(&self) -> Result<&Log, String> {
        self.log
            .as_ref()
            .ok_or_else(|| "the key of the log is not known: give it with --log-key".to_owned())
    }

    /// The key given, and those in the folder of a log.
    pub(in crate::audit) fn of(folder: &Path, log_key: Option<&str>) -> Result<Self, String> {
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
    pub(super) fn trusted(folder: &Path, trust: &Trust) -> Result<Self, String> {
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
    pub(in crate::audit) fn read(text: &str, log_key: Option<&str>) -> Result<Self, String> {
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
    pub(super) fn cosigners(&self, note: &Note) -> Result<Vec<Verifier>, String> {
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

impl Word {
    pub(super) fn log_key_is(self) -> &'static str {
        match self.is_log_given {
            true => GIVEN,
            false => "from the folder: compare it with the one that the node itself publishes",
        }
    }

    pub(super) fn witness_keys_are(self) -> &'static str {
        match self.are_witnesses_given {
            true => GIVEN,
            false => "from the folder: compare them with what their nodes publish",
        }
    }

    /// What stands behind the name of the log.
    pub(super) fn of_log(self) -> &'static str {
        match self.is_log_given {
            true => "",
            false => BY_FOLDER,
        }
    }

    pub(super) fn listed(self, witnesses: &[Verifier]) -> String {
        let whose = match (self.are_witnesses_given, witnesses) {
            (true, _) | (_, []) => "",
            (false, [_]) => BY_FOLDER,
            (false, [_, _, ..]) => " (by the keys in the folder)",
        };
        listed(witnesses) + whose
    }
}

/// Each public key once: one key under several names is one witness.
pub(super) fn who_cosigned(cosignatures: &[Cosignature]) -> Vec<Verifier> {
    let mut witnesses = Vec::new();
    add_keys(
        &mut witnesses,
        cosignatures.iter().map(Cosignature::witness),
    );
    witnesses
}

/// Adds those whose public key is not there yet.
pub(in crate::audit) fn add_keys<'k>(
    keys: &mut Vec<Verifier>,
    more: impl Iterator<Item = &'k Verifier>,
) {
    for key in more {
        let is_there = |other: &Verifier| other.public_key() == key.public_key();
        if !keys.iter().any(is_there) {
            keys.push(key.clone());
        }
    }
}

pub(in crate::audit) fn names(keys: &[Verifier]) -> Vec<&str> {
    keys.iter().map(Verifier::name).collect()
}

pub(in crate::audit) fn vkeys(keys: &[Verifier]) -> Vec<String> {
    keys.iter().map(Verifier::to_vkey).collect()
}

pub(super) fn listed(witnesses: &[Verifier]) -> String {
    match witnesses {
        [] => "nobody".to_owned(),
        keys => names(keys).join(", "),
    }
}

/// Where a node writes its verifier key and those of its witnesses, below the folder of its log.
pub(crate) const KEYS: &str = "tree/keys";
/// The word for a key that the auditor has from elsewhere.
pub(in crate::audit) const GIVEN: &str = "given";
pub(super) const BY_FOLDER: &str = " (by the key in the folder)";
