//! The message log as the configuration wants it: limits, keys at rest, which bodies are kept.

use std::sync::Arc;
use std::time::Duration;

use certs_keys::SecretKey;
use gateway_exchange::BodyLogging;
use gateway_messagelog::{Options, Protection, tree};
use gateway_proto::id::ClientId;
use gateway_store::segment;
use gateway_tlog::note::{Signer, Verifier};

use crate::config::evidence::RecordKey;
use crate::config::{Error, Loaded, node as file};

/// How the log is opened, but for its tree. Reads the keys.
pub(super) fn options(config: &Loaded<file::Node>) -> Result<Options, Error> {
    let values = &config.values;
    let mut options = Options {
        content_memory_bytes_max: values.log.content_memory_bytes_max,
        protection: protection(config)?,
        ..Options::default()
    };
    options.segment.linger_max = Duration::from_millis(values.log.linger_milliseconds_max);
    options.segment.on_damage = match values.log.on_damage {
        file::OnDamage::Refuse => segment::OnDamage::Refuse,
        file::OnDamage::Continue => segment::OnDamage::Continue,
    };
    if let Some(bytes) = values.limits.content_bytes_max {
        options.content_bytes_max = bytes;
    }
    Ok(options)
}

/// How the tree of the log is kept.
pub(super) fn tree(
    config: &Loaded<file::Node>,
    signer: Signer,
    former: Vec<Verifier>,
) -> tree::Options {
    let section = &config.values.transparency;
    tree::Options {
        signer: Arc::new(signer),
        former,
        interval: Duration::from_millis(section.checkpoint_milliseconds),
    }
}

/// What the operator does about a log that does not open, where there is something to be said.
pub(super) fn advice(error: &gateway_messagelog::Error) -> Option<&'static str> {
    match error {
        gateway_messagelog::Error::Store(gateway_store::Error::Damaged(_)) => Some(
            "keep a copy of the folder and bring the damaged segment back from a backup, or let the \
             node go on behind it with on_damage = \"continue\" in [log]",
        ),
        gateway_messagelog::Error::Tree(error) => match **error {
            tree::Error::Fork { .. } => Some(
                "nothing was overwritten: keep a copy of the folder, and bring the log back as it was",
            ),
            tree::Error::OtherLog { .. } => Some(
                "is this the log of this server, and the key in [transparency] the one it was signed \
                 with? A key that signed it before stays named in former_keys there",
            ),
            _ => None,
        },
        _ => None,
    }
}

/// Which bodies are kept. An exception that could never apply is a mistake, and one that would keep
/// what should not be kept.
pub(super) fn bodies(config: &Loaded<file::Node>) -> Result<BodyLogging, Error> {
    let bodies = &config.values.log.bodies;
    for (key, exceptions) in [
        ("log.bodies.except_local", &bodies.except_local),
        ("log.bodies.except_remote", &bodies.except_remote),
    ] {
        if let Some(member) = exceptions.iter().find(|id| id.subsystem().is_none()) {
            return Err(config.value(key, format!("{} is no subsystem", member.to_rest())));
        }
    }
    let is_here = |id: &ClientId| config.values.clients.iter().any(|client| client.id == *id);
    if let Some(elsewhere) = bodies.except_local.iter().find(|id| !is_here(id)) {
        let problem = format!("{} is no client of this node", elsewhere.to_rest());
        return Err(config.value("log.bodies.except_local", problem));
    }
    Ok(BodyLogging {
        kept: bodies.kept,
        except_local: bodies.except_local.iter().cloned().collect(),
        except_remote: bodies.except_remote.iter().cloned().collect(),
    })
}

fn protection(config: &Loaded<file::Node>) -> Result<Option<Protection>, Error> {
    let keys = &config.values.log.encryption_keys;
    if keys.is_empty() {
        return Ok(None);
    }
    let read: Result<Vec<_>, Error> = keys
        .iter()
        .map(|key| Ok((key.id.clone(), secret(config, key)?)))
        .collect();
    Protection::new(read?)
        .map(Some)
        .map_err(|error| config.value("log.encryption_key.id", error))
}

/// A key from its file.
fn secret(config: &Loaded<file::Node>, key: &RecordKey) -> Result<SecretKey, Error> {
    const KEY: &str = "log.encryption_key.file";
    let mut text = config.secret(KEY, &key.file, KEY_FILE_BYTES_MAX)?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    SecretKey::from_hex(text)
        .map_err(|_| config.file_value(KEY, &key.file, "it is not 64 hexadecimal digits"))
}

/// The digits and a line end; what is longer is no key.
const KEY_FILE_BYTES_MAX: u64 = 70;

#[cfg(test)]
mod tests;
