//! The transparency log towards others: served to whoever asks, cosigned by neighbours, and their
//! logs cosigned in turn.
//!
//! Nothing served here is secret: a leaf is a salted digest, everything else is signed. So it is
//! plain HTTP without authentication, bounded like every listener.
//!
//! * `face`: what is served
//! * `cosigned`: the background task that asks the witnesses

mod cosigned;
mod face;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use certs_keys::{Ed25519Key, Pin};
use gateway_proto::id::ServerId;
use gateway_tlog::checkpoint::Log;
use gateway_tlog::note::{Kind, Signer, Verifier};

pub(super) use self::cosigned::{Cosigned, Standing};
pub(super) use self::face::Face;
use crate::audit::KEYS;
use crate::config::evidence::Transparency;
use crate::config::{self, Loaded};

/// The keys of a node's log.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Signs checkpoints.
    pub(crate) log: Signer,
    /// Cosigns those of others.
    pub(crate) witness: Signer,
}

/// Why the log cannot be made transparent.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    /// A key cannot be opened or made.
    Key {
        path: PathBuf,
        reason: String,
    },
    Witness(gateway_evidence::witness::Error),
}

impl Keys {
    /// Opens both keys; a missing one is made, under the PIN.
    pub(crate) fn open(config: &Loaded<config::node::Node>, pin: &Pin) -> Result<Self, Error> {
        let values = &config.values;
        let name = origin(&values.server);
        Self::at(
            &config.path(&values.transparency.key),
            &config.path(&values.transparency.witness_key),
            &name,
            pin,
        )
    }

    /// The same, by paths.
    pub(crate) fn at(log: &Path, witness: &Path, name: &str, pin: &Pin) -> Result<Self, Error> {
        let signer = |path: &Path, kind, name: &str| {
            let key = key(path, pin)?;
            Signer::new(kind, name, key).map_err(|error| Error::Key {
                path: path.to_owned(),
                reason: error.to_string(),
            })
        };
        Ok(Self {
            log: signer(log, Kind::Ed25519, name)?,
            witness: signer(witness, Kind::Cosignature, &witness_name(name))?,
        })
    }
}

/// The origin of a node's checkpoints, and the name of its key: the server's identifier, with what
/// names of keys cannot have written as in URLs.
pub(crate) fn origin(server: &ServerId) -> String {
    let owner = server.owner();
    let parts = [
        owner.instance(),
        owner.member_class(),
        owner.member_code(),
        server.code(),
    ];
    parts.map(escaped).join("/")
}

fn witness_name(origin: &str) -> String {
    format!("{origin}/witness")
}

fn escaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for letter in part.chars() {
        if letter.is_whitespace() || letter.is_control() || matches!(letter, '+' | '%' | '/') {
            let mut octets = [0; 4];
            for octet in letter.encode_utf8(&mut octets).bytes() {
                text.push_str(&format!("%{octet:02X}"));
            }
        } else {
            text.push(letter);
        }
    }
    text
}

fn key(path: &Path, pin: &Pin) -> Result<Ed25519Key, Error> {
    let unusable = |reason: String| Error::Key {
        path: path.to_owned(),
        reason,
    };
    match std::fs::read_to_string(path) {
        Ok(pem) => {
            Ed25519Key::from_encrypted_pem(&pem, pin).map_err(|error| unusable(error.to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = Ed25519Key::generate().map_err(|error| unusable(error.to_string()))?;
            let pem = key
                .to_encrypted_pem(pin)
                .map_err(|error| unusable(error.to_string()))?;
            if let Some(folder) = path.parent() {
                gateway_store::file::create_dir(folder)
                    .map_err(|error| unusable(error.to_string()))?;
            }
            gateway_store::file::replace_secret(path, pem.as_bytes())
                .map_err(|error| unusable(error.to_string()))?;
            tracing::info!(path = %path.display(), "made a key for the transparency log");
            Ok(key)
        }
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// Reads everything the section names without making anything.
pub(super) fn check(config: &Loaded<config::node::Node>, pin: &Pin) -> Result<(), Error> {
    let values = &config.values;
    former(config)?;
    witnesses(config, &values.transparency)?;
    witnessed(config, &values.transparency)?;
    for path in [&values.transparency.key, &values.transparency.witness_key] {
        let path = config.path(path);
        if path.exists() {
            key(&path, pin)?;
        }
    }
    Ok(())
}

/// The keys that signed the log before its present one.
pub(super) fn former(config: &Loaded<config::node::Node>) -> Result<Vec<Verifier>, Error> {
    const KEY: &str = "transparency.former_keys";
    let origin = origin(&config.values.server);
    let keys = config.values.transparency.former_keys.iter().map(|vkey| {
        let key = verifier(config, KEY, vkey)?;
        match key.kind() == Kind::Ed25519 && key.name() == origin {
            true => Ok(key),
            false => {
                let reason = format!("{vkey} is no key of the log {origin}");
                Err(Error::Config(config.value(KEY, reason)))
            }
        }
    });
    keys.collect()
}

/// Writes beside the log by which keys its checkpoints are verified, for an auditor of the folder.
pub(super) fn write_keys(config: &Loaded<config::node::Node>, log: &Verifier) -> Result<(), Error> {
    let former = former(config)?;
    let witnesses = witnesses(config, &config.values.transparency)?;
    let witnesses = witnesses.iter().map(|(key, _)| key);
    let keys = std::iter::once(log).chain(&former).chain(witnesses);
    let text: String = keys.map(|key| key.to_vkey() + "\n").collect();
    let data_dir = config.path(&config.values.data_dir);
    let path = data_dir.join("log").join(KEYS);
    let unusable = |reason: String| Error::Key {
        path: path.clone(),
        reason,
    };
    match std::fs::read(&path) {
        Ok(held) if held == text.as_bytes() => Ok(()),
        Ok(_) | Err(_) => gateway_store::file::replace(&path, text.as_bytes())
            .map_err(|error| unusable(error.to_string())),
    }
}

fn witnesses(
    config: &Loaded<config::node::Node>,
    section: &Transparency,
) -> Result<Vec<(Verifier, String)>, Error> {
    let mut found = Vec::with_capacity(section.witnesses.len());
    for witness in &section.witnesses {
        let key = verifier(config, "transparency.witness.key", &witness.key)?;
        if key.kind() != Kind::Cosignature {
            let reason = "this is the key of a log; a witness has one for cosignatures";
            return Err(Error::Config(
                config.value("transparency.witness.key", reason),
            ));
        }
        let usable = witness
            .url
            .parse::<http::Uri>()
            .is_ok_and(|url| url.authority().is_some());
        if !usable {
            let reason = format!("{} is no absolute URL", witness.url);
            return Err(Error::Config(
                config.value("transparency.witness.url", reason),
            ));
        }
        found.push((key, witness.url.clone()));
    }
    Ok(found)
}

fn witnessed(
    config: &Loaded<config::node::Node>,
    section: &Transparency,
) -> Result<Vec<Log>, Error> {
    // A log whose key is being exchanged is named with both.
    let mut keys: BTreeMap<String, Vec<Verifier>> = BTreeMap::new();
    for vkey in &section.witnessed {
        let key = verifier(config, "transparency.witnessed", vkey)?;
        keys.entry(key.name().to_owned()).or_default().push(key);
    }
    let logs = keys.into_iter().map(|(origin, keys)| {
        Log::new(&origin, keys)
            .map_err(|error| Error::Config(config.value("transparency.witnessed", error)))
    });
    logs.collect()
}

fn verifier(config: &Loaded<config::node::Node>, key: &str, vkey: &str) -> Result<Verifier, Error> {
    Verifier::from_vkey(vkey).map_err(|error| Error::Config(config.value(key, error)))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Key { path, reason } => {
                write!(f, "key {} cannot be used: {reason}", path.display())
            }
            Self::Witness(error) => write!(f, "the witness cannot start: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => std::error::Error::source(error),
            Self::Witness(error) => std::error::Error::source(error),
            Self::Key { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
