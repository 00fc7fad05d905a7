//! Contents that no record names: a process died between content and record.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::remove_bodies;
use crate::log::Inner;
use crate::record::keys;
use crate::{Error, MessageLog, bodies};

/// Files of contents that no record names: a process died between content and record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// How many.
    pub files: u64,
    /// How long they are together.
    pub bytes: u64,
}

impl MessageLog {
    /// Contents that no record named when the log was opened; `None`: still looking.
    #[must_use]
    pub fn orphans(&self) -> Option<Orphans> {
        self.inner.found.orphans()
    }

    /// Removes contents that have stood there for a day and that certainly no record names: for that the
    /// whole log must be readable, and is read.
    ///
    /// # Errors
    /// Something in the log cannot be read, or the disk refused.
    pub async fn remove_orphans(&self, now: Timestamp) -> Result<Orphans, Error> {
        let inner = Arc::clone(&self.inner);
        let removing = tokio::task::spawn_blocking(move || inner.remove_orphans(now));
        removing.await.map_err(|_| Error::Interrupted)?
    }
}

impl Inner {
    fn remove_orphans(&self, now: Timestamp) -> Result<Orphans, Error> {
        self.index.flush(self.log.last_ordinal())?;
        let too_young = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
        let mut candidates = HashSet::new();
        let never = AtomicBool::new(false);
        for_each_body(&self.bodies_dir(), &never, |name, _, settled| {
            if settled < too_young && !self.index.names_body(name)? {
                candidates.insert(name.to_owned());
            }
            Ok(())
        })?;
        if candidates.is_empty() {
            return Ok(Orphans::default());
        }
        // The index is only a help: what is removed is certain from the segments.
        for item in self.log.scan()? {
            match item {
                Ok((_, bytes)) => {
                    for name in keys(&bytes, self.bodies.protection())?.bodies {
                        candidates.remove(&name);
                    }
                }
                // Contents went first.
                Err(gateway_store::Error::Erased { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let bytes = remove_bodies(&self.bodies_dir(), candidates.iter().map(String::as_str))?;
        let orphans = Orphans {
            files: u64::try_from(candidates.len()).unwrap_or(u64::MAX),
            bytes,
        };
        if orphans.files > 0 {
            tracing::warn!(
                files = orphans.files,
                bytes,
                "removed contents that no record names"
            );
            self.found.removed(orphans);
        }
        Ok(orphans)
    }
}

/// Tells of every settled content: name, length, and since when it has its name.
fn for_each_body(
    dir: &Path,
    stop: &AtomicBool,
    mut tell: impl FnMut(&str, u64, Timestamp) -> Result<(), Error>,
) -> Result<(), Error> {
    let entries = fs::read_dir(dir).map_err(|source| Error::content("list", dir, source))?;
    for entry in entries {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let entry = entry.map_err(|source| Error::content("list", dir, source))?;
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str().and_then(bodies::name_of_settled) else {
            continue;
        };
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Gone meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::content("read", &entry.path(), source)),
        };
        tell(name, metadata.len(), settled_at(&metadata))?;
    }
    Ok(())
}

/// Looks once, after opening, for contents that no record names.
#[derive(Debug)]
pub(crate) struct Found {
    dir: PathBuf,
    /// When the log was opened, by the clock of the file system: what is newer is of this process.
    opened: Timestamp,
    stop: AtomicBool,
    orphans: Mutex<Option<Orphans>>,
}

impl Found {
    /// The folder of contents exists.
    pub(crate) fn new(dir: &Path) -> Result<Self, Error> {
        Ok(Self {
            dir: dir.to_owned(),
            opened: now_of(dir)?,
            stop: AtomicBool::new(false),
            orphans: Mutex::new(None),
        })
    }

    pub(crate) fn orphans(&self) -> Option<Orphans> {
        *self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process is about to end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Looks; `is_named` tells whether a record names a file.
    pub(crate) fn look(&self, is_named: impl Fn(&str) -> Result<bool, Error>) {
        let mut orphans = Orphans::default();
        let looked = for_each_body(&self.dir, &self.stop, |name, length, settled| {
            if settled <= self.opened && !is_named(name)? {
                orphans.files = orphans.files.saturating_add(1);
                orphans.bytes = orphans.bytes.saturating_add(length);
            }
            Ok(())
        });
        match looked {
            Ok(()) => {
                if orphans.files > 0 {
                    let Orphans { files, bytes } = orphans;
                    tracing::warn!(files, bytes, "there are contents that no record names");
                }
                *self.orphans.lock().unwrap_or_else(PoisonError::into_inner) = Some(orphans);
            }
            Err(Error::Interrupted) => {}
            Err(error) => tracing::warn!(%error, "cannot look for contents without record"),
        }
    }

    fn removed(&self, removed: Orphans) {
        let mut orphans = self.orphans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(orphans) = orphans.as_mut() {
            orphans.files = orphans.files.saturating_sub(removed.files);
            orphans.bytes = orphans.bytes.saturating_sub(removed.bytes);
        }
    }
}

/// What the file system takes for now: the times of files are compared with it.
fn now_of(dir: &Path) -> Result<Timestamp, Error> {
    let path = dir.join(PROBE);
    let probe =
        fs::File::create(&path).map_err(|source| Error::content("create", &path, source))?;
    let metadata = probe
        .metadata()
        .map_err(|source| Error::content("read", &path, source))?;
    fs::remove_file(&path).map_err(|source| Error::content("remove", &path, source))?;
    Ok(settled_at(&metadata))
}

/// When the file got its name: that counts, not when its last byte was written. A content that was
/// received long ago may be about to be named.
fn settled_at(metadata: &fs::Metadata) -> Timestamp {
    let nanoseconds = i32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    // Out of range is never old.
    Timestamp::new(metadata.ctime(), nanoseconds).unwrap_or(Timestamp::MAX)
}

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Swept like a content that was never logged, should it stay.
const PROBE: &str = "opened.part";
