//! The global configurations under which messages were judged.
//!
//! ```text
//! configurations/‹sha-256 of the content›.conf     the files of one configuration, CBOR
//! configurations/‹time›-‹sha-256›.from             empty: from that time on it was in use
//! ```
//!
//! Files whose name says that they are metadata do not make a configuration another one: they change
//! with every download. A configuration that comes back after another is in use anew, and stored
//! once; again only when it was kept without the directory that its registry signed. Whoever can write
//! here decides whom an auditor believes: keep the folder, or a copy of it, where the node cannot
//! write, if the node itself is in doubt.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use certs_keys::{DigestAlgorithm, Hasher};
use gateway_globalconf::Snapshot;
use gateway_globalconf::disk::{METADATA_SUFFIX, SIGNED_DIRECTORY};
use gateway_store::file;
use jiff::Timestamp;

use crate::Error;
use crate::bodies::hex;

/// Files of a configuration: relative path → bytes.
type Files = BTreeMap<String, Vec<u8>>;

/// Writes configurations as they come into use.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    /// By time.
    uses: Mutex<Vec<Use>>,
    /// The content that was last seen to be kept with the directories that its registries signed.
    signed: Mutex<Option<String>>,
}

/// A configuration to be kept.
#[derive(Debug)]
pub(crate) struct Changed {
    hash: String,
    files: Files,
}

/// Which configuration was in use when. Snapshots are read when they are asked for.
#[derive(Debug)]
pub struct ConfHistory {
    dir: PathBuf,
    /// By time.
    uses: Vec<Use>,
    /// By content hash; bounded.
    snapshots: Mutex<HashMap<String, Arc<Snapshot>>>,
}

/// A configuration came into use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    from: Timestamp,
    hash: String,
}

/// A configuration that was in use at a time.
#[derive(Clone, Debug)]
pub struct InUse {
    /// Since when.
    pub from: Timestamp,
    /// SHA-256 of its content, in hexadecimal.
    pub hash: String,
    /// The configuration.
    pub snapshot: Arc<Snapshot>,
}

impl Keeper {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        file::create_dir(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            uses: Mutex::new(uses(dir)?),
            signed: Mutex::default(),
        })
    }

    /// What is to be kept, unless the folder says already that it is in use now, and it was looked
    /// at what it was kept with. That it came into use at a time that is still to come says nothing:
    /// the clock was set back since.
    pub(crate) fn changed(&self, files: &Files, now: Timestamp) -> Option<Changed> {
        let hash = content_hash(files);
        let uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = in_use(&uses, now) == Some(&*hash) && signed.as_deref() == Some(&*hash);
        (!is_kept).then(|| Changed {
            hash,
            files: files.clone(),
        })
    }

    /// Blocks.
    pub(crate) fn keep(&self, changed: Changed, now: Timestamp) -> Result<(), Error> {
        let Changed { hash, files } = changed;
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let content = self.dir.join(format!("{hash}.{CONTENT}"));
        if !content.exists() || is_unsigned(&content, &hash, &files) {
            file::replace(&content, &encode(&files)?)?;
        }
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        *signed = Some(hash.clone());
        drop(signed);
        if in_use(&uses, now) == Some(&*hash) {
            return Ok(());
        }
        let name = format!("{:020}-{hash}.{FROM}", now.as_millisecond().max(0));
        file::replace(&self.dir.join(&name), b"")?;
        uses.extend(parse_use(&name));
        uses.sort_unstable();
        uses.dedup();
        Ok(())
    }
}

impl ConfHistory {
    /// The configurations kept in the folder of a log, or in a copy of its folder of configurations.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let kept = dir.join(crate::log::CONFIGURATIONS);
        let dir = if kept.is_dir() { kept } else { dir.to_owned() };
        Ok(Self {
            uses: uses(&dir)?,
            dir,
            snapshots: Mutex::default(),
        })
    }

    /// How many times a configuration came into use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uses.len()
    }

    /// The content hashes of all that came into use, by time; one that came back comes again.
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        self.uses.iter().map(|found| found.hash.as_str())
    }

    /// No configuration was ever kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }

    /// The configuration in use at a time, and those that were replaced shortly before, the latest
    /// first: an exchange keeps the one with which it began.
    ///
    /// # Errors
    /// A configuration cannot be read, or is not what its name says.
    pub fn at(&self, time: Timestamp) -> Result<Vec<InUse>, Error> {
        let mut candidates: Vec<&Use> = Vec::new();
        // When the one looked at was replaced; which of those from the same moment was the last
        // is not known.
        let mut replaced = None;
        let mut later: Option<Timestamp> = None;
        for found in until(&self.uses, time).iter().rev() {
            if later.is_some_and(|later| found.from < later) {
                replaced = later;
            }
            let age = replaced.map_or(0, |replaced| {
                time.as_second().saturating_sub(replaced.as_second())
            });
            if age > OVERLAP_SECONDS || candidates.len() >= CANDIDATES_MAX {
                break;
            }
            later = Some(found.from);
            if candidates.iter().all(|known| known.hash != found.hash) {
                candidates.push(found);
            }
        }
        candidates
            .into_iter()
            .map(|found| {
                Ok(InUse {
                    from: found.from,
                    hash: found.hash.clone(),
                    snapshot: self.snapshot(found)?,
                })
            })
            .collect()
    }

    /// The files of a kept configuration, relative path → bytes, by its [`InUse::hash`].
    ///
    /// # Errors
    /// They cannot be read, or are not what their name says.
    pub fn files(&self, hash: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        // Names of files are not made of what others say.
        if !self.uses.iter().any(|found| found.hash == hash) {
            let reason = "no such configuration was kept".to_owned();
            return Err(Error::Configuration { reason });
        }
        let path = self.dir.join(format!("{hash}.{CONTENT}"));
        let bytes = fs::read(&path).map_err(|source| Error::content("read", &path, source))?;
        let files = decode(&bytes)?;
        if content_hash(&files) != hash {
            let reason = format!("{} is not what its name says", path.display());
            return Err(Error::Configuration { reason });
        }
        Ok(files)
    }

    fn snapshot(&self, found: &Use) -> Result<Arc<Snapshot>, Error> {
        let mut snapshots = self
            .snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(snapshot) = snapshots.get(&found.hash) {
            return Ok(Arc::clone(snapshot));
        }
        let files = self.files(&found.hash)?;
        // As of the day it came into use: what expired later was in force then.
        let snapshot =
            Snapshot::from_files(&files, found.from).map_err(|error| Error::Configuration {
                reason: format!("{}: {}", found.hash, super::verify::reason(&error)),
            })?;
        if snapshots.len() >= SNAPSHOTS_MAX {
            snapshots.clear();
        }
        let snapshot = Arc::new(snapshot);
        snapshots.insert(found.hash.clone(), Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

/// The same content was kept before directories were, so that no anchor could vouch for it. One that
/// cannot be read, or is not what its name says, stays for whoever looks into it.
fn is_unsigned(content: &Path, hash: &str, files: &Files) -> bool {
    let Ok(bytes) = fs::read(content) else {
        return false;
    };
    decode(&bytes).is_ok_and(|kept| {
        let is_directory = |path: &&String| {
            let name = path.split_once('/').map(|(_, name)| name);
            name == Some(SIGNED_DIRECTORY)
        };
        let mut directories = files.keys().filter(is_directory);
        content_hash(&kept) == hash && directories.any(|path| !kept.contains_key(path))
    })
}

/// The content hash of the configuration that was in use at a time.
fn in_use(uses: &[Use], time: Timestamp) -> Option<&str> {
    until(uses, time).last().map(|last| &*last.hash)
}

/// Those that had come into use by then.
fn until(uses: &[Use], time: Timestamp) -> &[Use] {
    // Times are kept in milliseconds.
    let known = uses.partition_point(|one| one.from.as_millisecond() <= time.as_millisecond());
    uses.get(..known).unwrap_or_default()
}

fn uses(dir: &Path) -> Result<Vec<Use>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::content("list", dir, source)),
    };
    let mut uses = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| Error::content("list", dir, source))?;
        uses.extend(entry.file_name().to_str().and_then(parse_use));
    }
    uses.sort_unstable();
    Ok(uses)
}

fn parse_use(name: &str) -> Option<Use> {
    let (time, hash) = name
        .strip_suffix(FROM)?
        .strip_suffix('.')?
        .split_once('-')?;
    let from = Timestamp::from_millisecond(time.parse().ok()?).ok()?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| Use {
        from,
        hash: hash.to_owned(),
    })
}

fn content_hash(files: &Files) -> String {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    let content = files
        .iter()
        .filter(|(path, _)| !path.ends_with(METADATA_SUFFIX));
    for (path, bytes) in content {
        for part in [path.as_bytes(), bytes] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
    }
    hex(hasher.finish().as_bytes())
}

fn encode(files: &Files) -> Result<Vec<u8>, Error> {
    let failed = |error: minicbor::encode::Error<_>| Error::Configuration {
        reason: error.to_string(),
    };
    let mut out = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut out);
    let count = u64::try_from(files.len()).unwrap_or(u64::MAX);
    encoder.map(count).map_err(failed)?;
    for (path, bytes) in files {
        encoder
            .str(path)
            .map_err(failed)?
            .bytes(bytes)
            .map_err(failed)?;
    }
    Ok(out)
}

fn decode(bytes: &[u8]) -> Result<Files, Error> {
    let failed = |error: minicbor::decode::Error| Error::Configuration {
        reason: error.to_string(),
    };
    let mut decoder = minicbor::Decoder::new(bytes);
    let mut files = Files::new();
    for pair in decoder
        .map_iter::<&str, &minicbor::bytes::ByteSlice>()
        .map_err(failed)?
    {
        let (path, bytes) = pair.map_err(failed)?;
        files.insert(path.to_owned(), bytes.to_vec());
    }
    Ok(files)
}

const CONTENT: &str = "conf";
const FROM: &str = "from";
/// How long a replaced configuration may still be found in an exchange.
const OVERLAP_SECONDS: i64 = 3600;
const SNAPSHOTS_MAX: usize = 16;
/// Of one that changes all the time, the last ones count.
const CANDIDATES_MAX: usize = 8;
