//! The parts of `node.toml` about evidence: time stamps, archive, encryption at rest, transparency.

use std::path::PathBuf;

use gateway_proto::id::{ClientId, MemberId};
use serde::{Deserialize, Serialize};

/// Time-stamping of the message log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timestamping {
    /// How long a message may wait for its time stamp before new exchanges are refused. Seconds;
    /// default 72 h; 0: without limit.
    #[serde(default = "lag_seconds")]
    pub(crate) lag_seconds_max: u64,
    /// How often the log is stamped. Seconds; missing: as the global configuration says.
    pub(crate) interval_seconds: Option<u64>,
    /// How soon it is tried again after all authorities failed. Seconds.
    #[serde(default = "retry_seconds")]
    pub(crate) retry_seconds: u64,
    /// How many messages one time stamp covers at most; no more than 100 000.
    #[serde(default = "records")]
    pub(crate) records_max: usize,
    /// Until a connection to an authority stands. Seconds.
    #[serde(default = "connect_seconds")]
    pub(crate) connect_timeout_seconds: u64,
    /// Until an authority has answered. Seconds.
    #[serde(default = "answer_seconds")]
    pub(crate) answer_timeout_seconds: u64,
}

/// Archiving of stamped messages into files, and cleaning of the log behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    /// Where archive files are made. Missing: `archive` in the data folder.
    pub(crate) dir: Option<PathBuf>,
    /// How often. Seconds; default 6 h.
    #[serde(default = "archive_seconds")]
    pub(crate) interval_seconds: u64,
    /// A file that has reached this is closed. Bytes.
    #[serde(default = "archive_bytes")]
    pub(crate) file_bytes_max: u64,
    /// How messages are kept apart: `none`, `member`, `subsystem`.
    #[serde(default)]
    pub(crate) grouping: Grouping,
    /// How long the log keeps what is archived and carried away. Days.
    #[serde(default = "keep_days")]
    pub(crate) keep_days: u32,
    /// Run by `/bin/bash -c` in the folder of the files after some were made, and again with the next
    /// run if it failed. With a store as well it must leave the files where they are.
    pub(crate) transfer_command: Option<String>,
    /// A transfer command that takes longer is ended. Seconds; default 1 h.
    #[serde(default = "transfer_seconds")]
    pub(crate) transfer_seconds_max: u64,
    /// An S3-compatible store that files are copied to.
    pub(crate) store: Option<ObjectStore>,
    /// OpenPGP encryption of archive files and of downloads.
    pub(crate) encryption: Option<ArchiveEncryption>,
}

/// How archives keep messages apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grouping {
    #[default]
    None,
    Member,
    Subsystem,
}

/// An S3-compatible store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectStore {
    /// Base URL, e.g. `https://s3.example.org`.
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    /// What names begin with.
    #[serde(default)]
    pub(crate) prefix: String,
    #[serde(default = "region")]
    pub(crate) region: String,
    /// File with the access key id, one line.
    pub(crate) access_key_id_file: PathBuf,
    /// File with the secret key, one line, readable by the node's user only.
    pub(crate) secret_key_file: PathBuf,
    /// Certificate authorities of the endpoint, PEM, one or more. Needed for https.
    pub(crate) authorities_file: Option<PathBuf>,
    /// Remove the local file once it is there; default false.
    #[serde(default)]
    pub(crate) remove_local: bool,
}

/// OpenPGP keys of archives.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArchiveEncryption {
    /// The server's own secret key, armored, encrypted under the PIN or plain; archives are signed with it.
    pub(crate) signing_key_file: PathBuf,
    /// Public keys, armored: recipients where no others are named. None: the server's own.
    #[serde(default)]
    pub(crate) default_recipients: Vec<PathBuf>,
    #[serde(default, rename = "member")]
    pub(crate) members: Vec<ArchiveRecipients>,
}

/// The recipients of one member's archives (with grouping `member` or `subsystem`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArchiveRecipients {
    /// `instance/class/code`.
    pub(crate) id: MemberId,
    /// Public keys, armored.
    pub(crate) recipients: Vec<PathBuf>,
}

/// Which bodies are kept in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bodies {
    /// Bodies are kept; default true.
    #[serde(default = "yes")]
    pub(crate) kept: bool,
    /// Subsystems whose services, asked here, are treated the other way.
    #[serde(default)]
    pub(crate) except_local: Vec<ClientId>,
    /// Subsystems elsewhere whose services, asked from here, are treated the other way.
    #[serde(default)]
    pub(crate) except_remote: Vec<ClientId>,
}

/// A key that records are encrypted with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordKey {
    /// Its name in records: up to 32 characters.
    pub(crate) id: String,
    /// 32 octets in hexadecimal, readable by the node's user only.
    pub(crate) file: PathBuf,
}

/// The transparency log of the node and its neighbours.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transparency {
    /// Whether the log has a tree and signed checkpoints; default true. Switched off, it still
    /// cosigns for others; switched on again, the tree takes in what was logged meanwhile.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Ed25519 key that signs checkpoints, PKCS#8 under the PIN. Made when missing.
    #[serde(default = "log_key")]
    pub(crate) key: PathBuf,
    /// Verifier keys `name+hash+key` that signed this log before `key` did. They stay named here, for
    /// what they signed binds the log further.
    #[serde(default)]
    pub(crate) former_keys: Vec<String>,
    /// Ed25519 key that cosigns other nodes' checkpoints, PKCS#8 under the PIN. Made when missing.
    #[serde(default = "witness_key")]
    pub(crate) witness_key: PathBuf,
    /// How often a grown log is signed at most. Milliseconds.
    #[serde(default = "checkpoint_milliseconds")]
    pub(crate) checkpoint_milliseconds: u64,
    /// How often witnesses are asked at most. Seconds.
    #[serde(default = "witness_seconds")]
    pub(crate) witness_seconds: u64,
    /// Who cosigns this node's checkpoints.
    #[serde(default, rename = "witness")]
    pub(crate) witnesses: Vec<Witness>,
    /// Whose checkpoints this node cosigns: verifier keys `name+hash+key`.
    #[serde(default)]
    pub(crate) witnessed: Vec<String>,
}

/// A witness.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Witness {
    /// Its verifier key `name+hash+key`.
    pub(crate) key: String,
    /// Where it is asked, without `/add-checkpoint`.
    pub(crate) url: String,
}

impl Default for Timestamping {
    fn default() -> Self {
        Self {
            lag_seconds_max: lag_seconds(),
            interval_seconds: None,
            retry_seconds: retry_seconds(),
            records_max: records(),
            connect_timeout_seconds: connect_seconds(),
            answer_timeout_seconds: answer_seconds(),
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            dir: None,
            interval_seconds: archive_seconds(),
            file_bytes_max: archive_bytes(),
            grouping: Grouping::None,
            keep_days: keep_days(),
            transfer_command: None,
            transfer_seconds_max: transfer_seconds(),
            store: None,
            encryption: None,
        }
    }
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            kept: true,
            except_local: Vec::new(),
            except_remote: Vec::new(),
        }
    }
}

impl Default for Transparency {
    fn default() -> Self {
        Self {
            enabled: true,
            key: log_key(),
            former_keys: Vec::new(),
            witness_key: witness_key(),
            checkpoint_milliseconds: checkpoint_milliseconds(),
            witness_seconds: witness_seconds(),
            witnesses: Vec::new(),
            witnessed: Vec::new(),
        }
    }
}

const fn lag_seconds() -> u64 {
    72 * 3600
}

const fn retry_seconds() -> u64 {
    60
}

const fn records() -> usize {
    10_000
}

const fn connect_seconds() -> u64 {
    20
}

const fn answer_seconds() -> u64 {
    60
}

const fn archive_seconds() -> u64 {
    6 * 3600
}

const fn archive_bytes() -> u64 {
    32 << 20
}

const fn transfer_seconds() -> u64 {
    3600
}

const fn keep_days() -> u32 {
    30
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn log_key() -> PathBuf {
    "keys/log.key.pem".into()
}

fn witness_key() -> PathBuf {
    "keys/witness.key.pem".into()
}

const fn checkpoint_milliseconds() -> u64 {
    1000
}

const fn witness_seconds() -> u64 {
    10
}

const fn yes() -> bool {
    true
}
