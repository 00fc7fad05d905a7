//! Contents that no record names: a process died between content and record.
//!
//! They are looked for once, after opening, and only found then: whether this is the log they belong to,
//! whole and the newest, others have to tell first, and then say that they may go. They go when it is
//! certain that no record names them: the index is only a help, so the whole log is read for it.
//! While something in the log cannot be read they stay, for it may be what names them; and when there
//! was no entry at all, for then they are likely those of a log that is elsewhere. No clock is asked:
//! what this process has begun meanwhile is known by name.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway_store::segment::Scan;
use tokio::sync::watch;

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
    /// Contents that were there when the log was opened, that no record seems to name, and that are
    /// not to be removed: something in the log cannot be read, or it was empty; `None`: still looking.
    #[must_use]
    pub fn orphans(&self) -> Option<Orphans> {
        self.inner.found.kept()
    }

    /// Removes the contents that were there when the log was opened and that certainly no record
    /// names; waits until they were looked for, and says what went. To be called only once it is
    /// certain that this is the log they belong to: an older one, or that of another node, names none
    /// of them.
    ///
    /// # Errors
    /// One cannot be removed, or the process is about to end. The next call tries again.
    pub async fn remove_orphans(&self) -> Result<Orphans, Error> {
        let mut looked = self.inner.found.looked.subscribe();
        let done = looked.wait_for(|done| *done).await;
        done.map_err(|_| Error::Interrupted)?;
        // Whoever removes holds the log: no other process has opened it meanwhile.
        let inner = Arc::clone(&self.inner);
        let removing = tokio::task::spawn_blocking(move || inner.found.remove());
        removing.await.map_err(|_| Error::Interrupted)?
    }
}

/// Looks once, after opening, for contents that no record names.
#[derive(Debug)]
pub(crate) struct Found {
    dir: PathBuf,
    recent: Recent,
    /// There was no entry when the log was opened.
    was_empty: bool,
    stop: AtomicBool,
    /// Looking has ended, or never begins.
    looked: watch::Sender<bool>,
    orphans: Mutex<State>,
}

/// What was found.
#[derive(Debug, Default)]
struct State {
    /// What stays; `None`: it is not known, or not yet.
    kept: Option<Orphans>,
    /// What certainly nobody names, with lengths.
    removable: BTreeMap<String, u64>,
}

/// Contents that this process has given their last name, as long as somebody looks for those of
/// others: a record is about to name them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent(Arc<Mutex<Option<HashSet<String>>>>);

impl Orphans {
    fn of(files: &BTreeMap<String, u64>) -> Self {
        let lengths = files.values();
        Self {
            files: u64::try_from(files.len()).unwrap_or(u64::MAX),
            bytes: lengths.fold(0, |sum, length| sum.saturating_add(*length)),
        }
    }
}

impl State {
    fn removable(removable: BTreeMap<String, u64>) -> Self {
        Self {
            kept: Some(Orphans::default()),
            removable,
        }
    }

    fn kept(orphans: Orphans) -> Self {
        Self {
            kept: Some(orphans),
            removable: BTreeMap::new(),
        }
    }
}

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
    pub(crate) fn new(dir: &Path, recent: Recent, was_empty: bool) -> Self {
        Self {
            dir: dir.to_owned(),
            recent,
            was_empty,
            stop: AtomicBool::new(false),
            looked: watch::Sender::new(false),
            orphans: Mutex::default(),
        }
    }

    pub(crate) fn kept(&self) -> Option<Orphans> {
        self.state().kept
    }

    /// The process is about to end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Nobody looks, or not any more.
    pub(crate) fn end(&self) {
        self.recent.end();
        self.looked.send_replace(true);
    }

    /// Looks for what nobody names; nothing is removed. `is_named` tells whether a record of before
    /// the log was opened names a file, as far as the index knows.
    pub(crate) fn look(
        &self,
        segments: &Path,
        protection: Option<&Protection>,
        is_named: impl Fn(&str) -> Result<bool, Error>,
    ) {
        match self.try_look(segments, protection, is_named) {
            Ok(found) => *self.state() = found,
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
    ) -> Result<State, Error> {
        let mut unnamed = self.unnamed(is_named)?;
        if unnamed.is_empty() {
            return Ok(State::removable(unnamed));
        }
        let orphans = Orphans::of(&unnamed);
        let Orphans { files, bytes } = orphans;
        if self.was_empty {
            tracing::warn!(
                files,
                bytes,
                "contents are kept, though the log is empty: they are of another"
            );
            return Ok(State::kept(orphans));
        }
        match self.spare(&mut unnamed, segments, protection) {
            Ok(()) => Ok(State::removable(unnamed)),
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Err(error) => {
                tracing::warn!(
                    %error,
                    files,
                    bytes,
                    "contents that no record names are kept: a record that cannot be read may name them"
                );
                Ok(State::kept(orphans))
            }
        }
    }

    /// Removes what certainly nobody names. The caller owns the log.
    pub(super) fn remove(&self) -> Result<Orphans, Error> {
        self.go_on()?;
        let removable = std::mem::take(&mut self.state().removable);
        if removable.is_empty() {
            return Ok(Orphans::default());
        }
        if let Err(error) = remove_bodies(&self.dir, removable.keys().map(String::as_str)) {
            self.state().removable = removable;
            return Err(error);
        }
        let removed = Orphans::of(&removable);
        let Orphans { files, bytes } = removed;
        tracing::warn!(files, bytes, "removed contents that no record names");
        Ok(removed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
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
