//! Contents that no record names: a process died between content and record.
//!
//! They are looked for once, after opening, and removed when it is certain that no record names
//! them: the index is only a help, so the whole log is read for it. While something in the log cannot
//! be read they stay, for it may be what names them. No clock is asked: what this process has begun
//! meanwhile is known by name.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gateway_store::segment::Scan;

use super::remove_bodies;
use crate::record::keys;
use crate::{Error, MessageLog, Protection, bodies};

/// Files of contents that no record names: a process died between content and record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// How many.
    pub files: u64,
    /// How long they are together.
    pub bytes: u64,
}

impl MessageLog {
    /// Contents that were there when the log was opened, that no record seems to name, and that could
    /// not be removed because something in the log cannot be read; `None`: still looking.
    #[must_use]
    pub fn orphans(&self) -> Option<Orphans> {
        self.inner.found.orphans()
    }
}

/// Looks once, after opening, for contents that no record names.
#[derive(Debug)]
pub(crate) struct Found {
    dir: PathBuf,
    recent: Recent,
    stop: AtomicBool,
    orphans: Mutex<Option<Orphans>>,
}

/// Contents that this process has given their last name, as long as somebody looks for those of
/// others: a record is about to name them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent(Arc<Mutex<Option<HashSet<String>>>>);

impl Recent {
    /// From now on they are noted.
    pub(crate) fn begun() -> Self {
        Self(Arc::new(Mutex::new(Some(HashSet::new()))))
    }

    /// Notes a content; before it gets its name.
    pub(crate) fn note(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = names.as_mut() {
            names.insert(name.to_owned());
        }
    }

    fn holds(&self, name: &str) -> bool {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.as_ref().is_some_and(|names| names.contains(name))
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Found {
    /// For this folder of contents.
    pub(crate) fn new(dir: &Path, recent: Recent) -> Self {
        Self {
            dir: dir.to_owned(),
            recent,
            stop: AtomicBool::new(false),
            orphans: Mutex::new(None),
        }
    }

    pub(crate) fn orphans(&self) -> Option<Orphans> {
        *self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process is about to end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Nobody looks, or not any more.
    pub(crate) fn end(&self) {
        self.recent.end();
    }

    /// Looks, and removes what certainly nobody names. `is_named` tells whether a record of before
    /// the log was opened names a file, as far as the index knows.
    pub(crate) fn look(
        &self,
        segments: &Path,
        protection: Option<&Protection>,
        is_named: impl Fn(&str) -> Result<bool, Error>,
    ) {
        match self.try_look(segments, protection, is_named) {
            Ok(orphans) => {
                *self.orphans.lock().unwrap_or_else(PoisonError::into_inner) = Some(orphans);
            }
            Err(Error::Interrupted) => {}
            Err(error) => tracing::warn!(%error, "cannot look for contents without record"),
        }
        self.end();
    }

    fn try_look(
        &self,
        segments: &Path,
        protection: Option<&Protection>,
        is_named: impl Fn(&str) -> Result<bool, Error>,
    ) -> Result<Orphans, Error> {
        let mut unnamed = self.unnamed(is_named)?;
        if unnamed.is_empty() {
            return Ok(Orphans::default());
        }
        let orphans = Orphans {
            files: u64::try_from(unnamed.len()).unwrap_or(u64::MAX),
            bytes: unnamed
                .values()
                .fold(0, |sum, length| sum.saturating_add(*length)),
        };
        match self.spare(&mut unnamed, segments, protection) {
            Ok(()) => {
                let bytes = remove_bodies(&self.dir, unnamed.keys().map(String::as_str))?;
                let files = unnamed.len();
                tracing::warn!(files, bytes, "removed contents that no record names");
                Ok(Orphans::default())
            }
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Err(error) => {
                let Orphans { files, bytes } = orphans;
                tracing::warn!(
                    %error,
                    files,
                    bytes,
                    "contents that no record names are kept: a record that cannot be read may name them"
                );
                Ok(orphans)
            }
        }
    }

    /// Settled contents that nobody is known to name, with their lengths.
    fn unnamed(
        &self,
        is_named: impl Fn(&str) -> Result<bool, Error>,
    ) -> Result<BTreeMap<String, u64>, Error> {
        let dir = &self.dir;
        let entries = fs::read_dir(dir).map_err(|source| Error::content("list", dir, source))?;
        let mut unnamed = BTreeMap::new();
        for entry in entries {
            self.go_on()?;
            let entry = entry.map_err(|source| Error::content("list", dir, source))?;
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str().and_then(bodies::name_of_settled) else {
                continue;
            };
            // It was noted before it could be listed.
            if self.recent.holds(name) || is_named(name)? {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) => unnamed.insert(name.to_owned(), metadata.len()),
                // Gone meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(Error::content("read", &entry.path(), source)),
            };
        }
        Ok(unnamed)
    }

    /// Takes out what a record names all the same.
    fn spare(
        &self,
        unnamed: &mut BTreeMap<String, u64>,
        segments: &Path,
        protection: Option<&Protection>,
    ) -> Result<(), Error> {
        for item in Scan::open(segments)? {
            self.go_on()?;
            match item {
                Ok((_, bytes)) => {
                    for name in keys(&bytes, protection)?.bodies {
                        unnamed.remove(&name);
                    }
                }
                // Contents went first.
                Err(gateway_store::Error::Erased { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), Error> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }
}
