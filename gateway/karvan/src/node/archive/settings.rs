//! How archives are made and carried away: what `[archive]` says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use certs_x509::Certificate;
use gateway_evidence::archive::openpgp::{Passphrase, PublicKey, SecretKey};
use gateway_evidence::archive::transfer::{Access, Command, Place, Store};
use gateway_evidence::archive::{self, Encryption, Options};
use gateway_net::{Authorities, Client, ClientOptions, ServerTrust};
use gateway_proto::id::MemberId;
use jiff::{SignedDuration, Timestamp};

use crate::causes::with_causes;
use crate::config::evidence::{ArchiveEncryption, Grouping, ObjectStore};
use crate::config::{Error, Loaded, node as file};
use crate::node::download::Envelopes;

/// How archives are made. Reads the keys.
pub(in crate::node) fn options(config: &Loaded<file::Node>) -> Result<Options, Error> {
    let values = &config.values.archive;
    for (key, number) in [
        ("archive.interval_seconds", values.interval_seconds),
        ("archive.file_bytes_max", values.file_bytes_max),
        ("archive.transfer_seconds_max", values.transfer_seconds_max),
    ] {
        if number == 0 {
            return Err(config.value(key, "it must be more than 0"));
        }
    }
    let dir = match &values.dir {
        Some(dir) => config.path(dir),
        None => config.path(&config.values.data_dir).join("archive"),
    };
    let command = match &values.transfer_command {
        Some(text) if text.trim().is_empty() => {
            let problem = "it is empty: leave it out for none";
            return Err(config.value("archive.transfer_command", problem));
        }
        Some(text) => Some(Command::new(
            text,
            Duration::from_secs(values.transfer_seconds_max),
        )),
        None => None,
    };
    let store = values.store.as_ref();
    Ok(Options {
        file_bytes_max: values.file_bytes_max,
        grouping: match values.grouping {
            Grouping::None => archive::Grouping::None,
            Grouping::Member => archive::Grouping::Member,
            Grouping::Subsystem => archive::Grouping::Subsystem,
        },
        keep: SignedDuration::from_hours(i64::from(values.keep_days).saturating_mul(24)),
        encryption: values
            .encryption
            .as_ref()
            .map(|keys| encryption(config, keys))
            .transpose()?,
        remove_local: store.is_some_and(|store| store.remove_local),
        store: store.map(|values| open(config, values)).transpose()?,
        command,
        reminder: Some(config.path(&config.values.data_dir).join(REMINDER)),
        ..Options::new(dir)
    })
}

/// Downloads are encrypted as archives are.
pub(in crate::node) fn envelopes(options: &Options) -> Option<Envelopes> {
    options.encryption.clone().map(|encryption| Envelopes {
        encryption,
        by_member: options.grouping != archive::Grouping::None,
    })
}

/// Also judges the keys as of now: a running node goes on exchanging when one of them expires.
pub(in crate::node) fn check(config: &Loaded<file::Node>, now: Timestamp) -> Result<(), Error> {
    let options = options(config)?;
    match options.encryption.map(|encryption| encryption.check(now)) {
        None | Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(config.value("archive.encryption", with_causes(&error))),
    }
}

fn encryption(
    config: &Loaded<file::Node>,
    values: &ArchiveEncryption,
) -> Result<Encryption, Error> {
    const MEMBER: &str = "archive.encryption.member";
    if config.values.archive.grouping == Grouping::None && !values.members.is_empty() {
        let problem = "recipients of members need archive.grouping = \"member\" or \"subsystem\"";
        return Err(config.value(MEMBER, problem));
    }
    let mut members: BTreeMap<MemberId, Vec<PublicKey>> = BTreeMap::new();
    for member in &values.members {
        let id = member.id.to_rest();
        if member.recipients.is_empty() {
            return Err(config.value(MEMBER, format!("{id} has no recipients")));
        }
        let keys = publics(
            config,
            "archive.encryption.member.recipients",
            &member.recipients,
        )?;
        if members.insert(member.id.clone(), keys).is_some() {
            return Err(config.value(MEMBER, format!("{id} is there twice")));
        }
    }
    let default = "archive.encryption.default_recipients";
    Ok(Encryption {
        signer: signer(config, &values.signing_key_file)?,
        default: publics(config, default, &values.default_recipients)?,
        members,
    })
}

/// Under the PIN or plain; a plain key does not ask for it.
fn signer(config: &Loaded<file::Node>, path: &Path) -> Result<SecretKey, Error> {
    const KEY: &str = "archive.encryption.signing_key_file";
    let pin = config.text(&config.values.token.pin_file)?;
    let pin = Passphrase::new(pin.trim_end_matches(['\r', '\n']).to_owned());
    let text = config.secret(KEY, path, KEY_BYTES_MAX)?;
    SecretKey::read(text.as_bytes(), Some(pin))
        .map_err(|error| config.file_value(KEY, path, with_causes(&error)))
}

fn publics(
    config: &Loaded<file::Node>,
    key: &str,
    paths: &[std::path::PathBuf],
) -> Result<Vec<PublicKey>, Error> {
    let read = |path: &std::path::PathBuf| {
        let text = config.text(path)?;
        PublicKey::read(text.as_bytes())
            .map_err(|error| config.file_value(key, path, with_causes(&error)))
    };
    paths.iter().map(read).collect()
}

fn open(config: &Loaded<file::Node>, values: &ObjectStore) -> Result<Store, Error> {
    let line = |key: &str, path: &Path| {
        let mut text = config.secret(key, path, LINE_BYTES_MAX)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        match text.is_empty() || text.contains(['\r', '\n']) {
            true => Err(config.file_value(key, path, "it is not one line")),
            false => Ok(text),
        }
    };
    if values.bucket.is_empty() || values.bucket.contains('/') {
        let problem = format!("'{}' is no name of a bucket", values.bucket);
        return Err(config.value("archive.store.bucket", problem));
    }
    let trust = trust(config, values)?;
    let client = Client::new(ClientOptions::default())
        .map_err(|error| config.value("archive.store", with_causes(&error)))?;
    let place = Place {
        endpoint: values.endpoint.clone(),
        bucket: values.bucket.clone(),
        prefix: values.prefix.clone(),
        region: values.region.clone(),
    };
    let access = Access {
        key_id: line(
            "archive.store.access_key_id_file",
            &values.access_key_id_file,
        )?,
        secret: line("archive.store.secret_key_file", &values.secret_key_file)?.into(),
    };
    Store::new(&place, access, client, trust)
        .map_err(|error| config.value("archive.store", with_causes(&error)))
}

/// Nobody is believed unseen: archives hold what was exchanged.
fn trust(config: &Loaded<file::Node>, values: &ObjectStore) -> Result<ServerTrust, Error> {
    const ENDPOINT: &str = "archive.store.endpoint";
    const KEY: &str = "archive.store.authorities_file";
    let endpoint = &values.endpoint;
    let is_url = endpoint
        .parse::<http::Uri>()
        .is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none());
    match (endpoint.split_once("://"), &values.authorities_file) {
        (Some(("https", _)), Some(path)) if is_url => {
            let text = config.text(path)?;
            let certificates = certificates(&text)
                .map_err(|error| config.file_value(KEY, path, with_causes(&error)))?;
            Authorities::new(&certificates)
                .map(ServerTrust::Authorities)
                .map_err(|error| config.file_value(KEY, path, with_causes(&error)))
        }
        (Some(("https", _)), None) if is_url => Err(config.value(
            KEY,
            "it is missing: without it nobody could be believed at an https endpoint",
        )),
        (Some(("http", _)), None) if is_url => Ok(ServerTrust::Any),
        (Some(("http", _)), Some(_)) if is_url => Err(config.value(
            KEY,
            "there are no certificates at an http endpoint: leave it out",
        )),
        _ => {
            let problem = format!("'{endpoint}' is no http or https URL");
            Err(config.value(ENDPOINT, problem))
        }
    }
}

/// The certificates of a PEM file, one or more.
fn certificates(text: &str) -> Result<Vec<Certificate>, certs_x509::Error> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    text.split(BEGIN)
        .skip(1)
        .map(|rest| Certificate::from_pem(&format!("{BEGIN}{rest}")))
        .collect()
}

/// Beside the log, whose archiving it remembers.
const REMINDER: &str = "archived.json";
/// Keys with many signatures are long.
const KEY_BYTES_MAX: u64 = 1 << 20;
const LINE_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests;
