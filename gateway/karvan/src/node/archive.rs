//! Archiving: what `[archive]` says, and the background task that does it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certs_x509::Certificate;
use gateway_evidence::archive::openpgp::{Passphrase, PublicKey, SecretKey};
use gateway_evidence::archive::transfer::{Access, Command, Place, Store};
use gateway_evidence::archive::{self, Archiver, Encryption, Options, Watch};
use gateway_exchange::Node;
use gateway_net::{Authorities, Client, ClientOptions, ServerTrust};
use gateway_proto::id::MemberId;
use jiff::{SignedDuration, Timestamp};

use super::download::Envelopes;
use crate::config::evidence::{ArchiveEncryption, Grouping, ObjectStore};
use crate::config::{Error, Loaded, node as file};
use crate::service::Stop;

/// Archives the log from time to time.
#[derive(Debug)]
pub(super) struct Archiving {
    archiver: Archiver,
    node: Arc<Node>,
    interval: Duration,
}

impl Archiving {
    /// Nothing is done yet.
    pub(super) fn new(values: &file::Node, options: Options, node: Arc<Node>) -> Self {
        Self {
            archiver: Archiver::new(node.log.clone(), options),
            node,
            interval: Duration::from_secs(values.archive.interval_seconds),
        }
    }

    /// For those who want to see how it goes.
    pub(super) fn watch(&self) -> Watch {
        self.archiver.watch()
    }

    /// Archives until told to stop; a run that is under way is given up, and made good by the next.
    pub(super) async fn run(mut self, mut stop: Stop) {
        let mut pause = self.until_due();
        while stop.sleep(pause).await {
            let now = self.node.clock.now();
            let stopped = stop.clone().wait();
            let run = tokio::select! {
                run = self.archiver.once(now) => run,
                () = stopped => return,
            };
            pause = self.after(run);
        }
    }

    /// A restart neither hastens nor delays the next run.
    fn until_due(&self) -> Duration {
        let Ok(Some(last)) = self.archiver.last_run() else {
            return FIRST.min(self.interval);
        };
        let passed = self.node.clock.now().duration_since(last);
        let passed = Duration::try_from(passed).unwrap_or_default();
        self.interval
            .saturating_sub(passed)
            .max(FIRST.min(self.interval))
    }

    /// What failed is tried again sooner.
    fn after(&self, run: Result<archive::Made, archive::Error>) -> Duration {
        let status = self.archiver.watch().status();
        let failed = match run {
            Ok(made) => {
                let erased = made.erased.records;
                if made.files > 0 || erased > 0 {
                    tracing::info!(
                        files = made.files,
                        messages = made.messages,
                        bytes = made.bytes,
                        erased,
                        "archived"
                    );
                }
                status.pending > 0 || status.is_command_due
            }
            Err(error) => {
                tracing::error!("archiving failed: {}", Chain(&error));
                true
            }
        };
        match failed {
            true => RETRY.min(self.interval),
            false => self.interval,
        }
    }
}

/// What an operator has to know of archiving, when it is not as it should be.
pub(super) fn remarks(watch: &Watch) -> String {
    let status = watch.status();
    let mut text = String::new();
    if let Some(failure) = &status.failure {
        let _infallible = writeln!(
            text,
            "degraded: the log is archived up to entry {} only: {failure}",
            status.archived_until
        );
    }
    if status.pending > 0 || status.is_command_due {
        let _infallible = write!(
            text,
            "degraded: {} archive files wait for the store",
            status.pending
        );
        if status.is_command_due {
            text.push_str(", and the transfer command has not done its work");
        }
        if let Some((time, reason)) = &status.transfer_failure {
            let _infallible = write!(text, "; failed at {time:.0}: {reason}");
        }
        text.push('\n');
    }
    text
}

/// How archives are made. Reads the keys.
pub(super) fn options(config: &Loaded<file::Node>) -> Result<Options, Error> {
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
        ..Options::new(dir)
    })
}

/// Downloads are encrypted as archives are.
pub(super) fn envelopes(options: &Options) -> Option<Envelopes> {
    options.encryption.clone().map(|encryption| Envelopes {
        encryption,
        by_member: options.grouping != archive::Grouping::None,
    })
}

/// Also judges the keys as of now: a running node goes on exchanging when one of them expires.
pub(super) fn check(config: &Loaded<file::Node>, now: Timestamp) -> Result<(), Error> {
    let options = options(config)?;
    match options.encryption.map(|encryption| encryption.check(now)) {
        None | Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(config.value("archive.encryption", Chain(&error))),
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
    let text = secret(config, KEY, path, KEY_BYTES_MAX)?;
    SecretKey::read(text.as_bytes(), Some(pin))
        .map_err(|error| at(config, KEY, path, &Chain(&error)))
}

fn publics(
    config: &Loaded<file::Node>,
    key: &str,
    paths: &[std::path::PathBuf],
) -> Result<Vec<PublicKey>, Error> {
    let read = |path: &std::path::PathBuf| {
        let text = config.text(path)?;
        PublicKey::read(text.as_bytes()).map_err(|error| at(config, key, path, &Chain(&error)))
    };
    paths.iter().map(read).collect()
}

fn open(config: &Loaded<file::Node>, values: &ObjectStore) -> Result<Store, Error> {
    let line = |key: &str, path: &Path| {
        let mut text = secret(config, key, path, LINE_BYTES_MAX)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        match text.is_empty() || text.contains(['\r', '\n']) {
            true => Err(at(config, key, path, &"it is not one line")),
            false => Ok(text),
        }
    };
    if values.bucket.is_empty() || values.bucket.contains('/') {
        let problem = format!("'{}' is no name of a bucket", values.bucket);
        return Err(config.value("archive.store.bucket", problem));
    }
    let trust = trust(config, values)?;
    let client = Client::new(ClientOptions::default())
        .map_err(|error| config.value("archive.store", Chain(&error)))?;
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
        .map_err(|error| config.value("archive.store", Chain(&error)))
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
            let certificates =
                certificates(&text).map_err(|error| at(config, KEY, path, &Chain(&error)))?;
            Authorities::new(&certificates)
                .map(ServerTrust::Authorities)
                .map_err(|error| at(config, KEY, path, &Chain(&error)))
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

/// The text of a file that nobody but its owner may read.
fn secret(
    config: &Loaded<file::Node>,
    key: &str,
    path: &Path,
    bytes_max: u64,
) -> Result<String, Error> {
    let full = config.path(path);
    let unreadable = |source| Error::Read {
        path: full.clone(),
        source,
    };
    let opened = File::open(&full).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(at(config, key, path, &"it is no regular file"));
    }
    if metadata.mode() & OTHERS != 0 {
        let problem = "its group or all others may read or write it; make it mode 0600";
        return Err(at(config, key, path, &problem));
    }
    if metadata.len() > bytes_max {
        return Err(at(config, key, path, &"it is too long"));
    }
    let mut text = String::new();
    let mut limited = opened.take(bytes_max);
    limited.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// What is wrong with a file that a key names.
fn at(config: &Loaded<file::Node>, key: &str, path: &Path, problem: &dyn fmt::Display) -> Error {
    let path = config.path(path);
    config.value(key, format!("{}: {problem}", path.display()))
}

/// An error with all that caused it.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// The rest of starting goes first.
const FIRST: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(600);
/// Mode bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Keys with many signatures are long.
const KEY_BYTES_MAX: u64 = 1 << 20;
const LINE_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests;
