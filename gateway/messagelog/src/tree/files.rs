//! The files of a tree, by their C2SP paths.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gateway_tlog::Hash;
use gateway_tlog::tile::{self, Bundle, Tile, WIDTH_MAX};

use super::Error;
use super::edge::Full;

/// The folder of a tree.
#[derive(Clone, Debug)]
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(super) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Makes the folder; what was being written when a process died goes.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let temporary = dir.join(TEMPORARY);
        match fs::remove_dir_all(&temporary) {
            Ok(()) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::io("remove", &temporary, source)),
        }
        gateway_store::file::create_dir(&temporary)?;
        Ok(Self::at(dir))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The bytes of a file; `None` when it is not there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source)
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(source) => Err(Error::io("read", &path, source)),
        }
    }

    /// The hashes of a tile; `None` when there are not just these.
    pub(super) fn tile(&self, tile: &Tile) -> Result<Option<Vec<Hash>>, Error> {
        let bytes = self.read(&tile.path())?;
        Ok(bytes.and_then(|bytes| tile.decode(&bytes).ok()))
    }

    /// The data of the leaves of a bundle; `None` when there are not just these.
    pub(super) fn entries(&self, bundle: &Bundle) -> Result<Option<Vec<Hash>>, Error> {
        let bytes = self.read(&bundle.path())?;
        Ok(bytes.and_then(|bytes| {
            tile::decode_entries(&bytes, bundle.width())
                .ok()?
                .into_iter()
                .map(|entry| Hash::try_from(entry).ok())
                .collect()
        }))
    }

    /// The data of one leaf, from whichever file has it; nothing says that it is right.
    pub(super) fn leaf_unchecked(&self, index: u64) -> Result<Option<Hash>, Error> {
        let (bundle, place) = super::edge::place(index, 0);
        let widths = std::iter::once(WIDTH_MAX).chain(
            (1..WIDTH_MAX)
                .rev()
                .filter(|width| usize::from(*width) > place),
        );
        for width in widths {
            let Ok(bundle) = Bundle::new(bundle, width) else {
                continue;
            };
            if let Some(leaves) = self.entries(&bundle)? {
                return Ok(leaves.get(place).copied());
            }
        }
        Ok(None)
    }

    /// Writes a full tile, and at level 0 its leaves, and removes the partial ones before it; tells
    /// the names of the files.
    pub(super) fn write_full(&self, full: &Full) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for (name, bytes) in full.files() {
            self.write(&name, &bytes)?;
            let partial = self.path(&format!("{name}.p"));
            match fs::remove_dir_all(&partial) {
                Ok(()) => {}
                Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::io("remove", &partial, source)),
            }
            names.push(name);
        }
        Ok(names)
    }

    /// Sets the content of a file: others see the old one or the new one. Not synced.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(name);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = self.path(&format!("{TEMPORARY}/{count}"));
        let written = fs::write(&temporary, bytes)
            .map_err(|source| Error::io("write", &temporary, source))
            .and_then(|()| put(&temporary, &path));
        if written.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Makes files and their entries in folders durable.
    pub(super) fn sync(&self, names: impl IntoIterator<Item = String>) -> Result<(), Error> {
        let mut dirs = BTreeSet::new();
        for name in names {
            let path = self.path(&name);
            match File::open(&path).and_then(|file| file.sync_data()) {
                Ok(()) => {}
                // Somebody took it away: it is made anew when it is read.
                Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(Error::io("sync", &path, source)),
            }
            dirs.extend(
                path.ancestors()
                    .skip(1)
                    .take_while(|dir| dir.starts_with(&self.dir))
                    .map(Path::to_owned),
            );
        }
        for dir in dirs {
            gateway_store::file::sync_dir(&dir)?;
        }
        Ok(())
    }
}

impl Full {
    /// Its files: their paths and bytes.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        if let Ok(tile) = Tile::new(self.level, self.index, WIDTH_MAX) {
            files.push((tile.path(), tile::encode(&self.hashes)));
        }
        if let (0, Ok(bundle), Ok(bytes)) = (
            self.level,
            Bundle::new(self.index, WIDTH_MAX),
            tile::encode_entries(&self.leaves),
        ) {
            files.push((bundle.path(), bytes));
        }
        files
    }
}

/// Gives a file its name; the folder is made when it is missing.
fn put(temporary: &Path, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::io("write", path, source);
    match fs::rename(temporary, path) {
        Ok(()) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            if let Some(dir) = path.parent() {
                fs::create_dir_all(dir).map_err(failed)?;
            }
            fs::rename(temporary, path).map_err(failed)
        }
        Err(source) => Err(failed(source)),
    }
}

pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const COSIGNED: &str = "cosigned";
pub(super) const SYNCED: &str = "synced";
const TEMPORARY: &str = "tmp";

static COUNTER: AtomicU64 = AtomicU64::new(0);
