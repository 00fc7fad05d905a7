//! Whole files: replaced atomically and durably, folders read within bounds.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// Sets the content of a file: afterwards it is the old one or the new one, also after a crash, and
/// the new one, durably, when this returns `Ok`. The folder must exist.
///
/// # Errors
/// The file could not be written; the old content stands.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_with_mode(path, bytes, 0o644)
}

/// As [`replace`], readable by the owner only from the first moment.
///
/// # Errors
/// The file could not be written; the old content stands.
pub fn replace_secret(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_with_mode(path, bytes, 0o600)
}

/// All regular files below `dir` as (relative path with `/`, bytes).
///
/// Links are followed only to what lies below `dir` itself.
///
/// # Errors
/// The files together exceed `bytes_max`, there are too many or too deep ones, a link points outside,
/// a name is not UTF-8, or something cannot be read.
pub fn read_tree(dir: &Path, bytes_max: u64) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let root = dir
        .canonicalize()
        .map_err(|source| Error::io("open", dir, source))?;
    let mut reading = TreeReading {
        root,
        bytes_max,
        bytes: 0,
        entries: 0,
        files: BTreeMap::new(),
    };
    reading.folder(dir, "", 0)?;
    Ok(reading.files)
}

/// Makes the entries of a folder durable.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_dir(dir: &Path) -> Result<(), Error> {
    let folder = File::open(dir).map_err(|source| Error::io("open", dir, source))?;
    folder
        .sync_all()
        .map_err(|source| Error::io("sync", dir, source))
}

/// Makes the entry of a file in its folder durable.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_parent(path: &Path) -> Result<(), Error> {
    sync_dir(parent_of(path))
}

/// Makes a folder and all above it that are missing, durably.
///
/// # Errors
/// A folder cannot be made or synced.
pub fn create_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent_of(dir);
    if parent != Path::new(".") {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(parent),
        Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(source) => Err(Error::io("create", dir, source)),
    }
}

/// As [`create_dir`]; the last folder, if it is made now, can be entered by the owner only.
///
/// # Errors
/// A folder cannot be made or synced.
pub fn create_secret_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    create_dir(parent_of(dir))?;
    fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(|source| Error::io("create", dir, source))?;
    sync_parent(dir)
}

fn replace_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let temporary = temporary_beside(path)?;
    let written = write_new(&temporary, bytes, mode).and_then(|()| {
        fs::rename(&temporary, path).map_err(|source| Error::io("replace", path, source))
    });
    if let Err(error) = written {
        // What could not be written fully is of no use; should removing fail too, the first error
        // is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_parent(path)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(|source| Error::io("create", path, source))?;
    file.write_all(bytes)
        .map_err(|source| Error::io("write", path, source))?;
    file.sync_all()
        .map_err(|source| Error::io("sync", path, source))
}

/// A name in the same folder that no other call of any live process uses.
fn temporary_beside(path: &Path) -> Result<PathBuf, Error> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::BadName {
            path: path.to_owned(),
        })?;
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = parent_of(path).join(format!(".{name}.{}-{count}.tmp", std::process::id()));
    // Left behind by a crashed process that had our number.
    match fs::remove_file(&temporary) {
        Ok(()) => {}
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::io("remove", &temporary, source)),
    }
    Ok(temporary)
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

struct TreeReading {
    root: PathBuf,
    bytes_max: u64,
    bytes: u64,
    entries: u64,
    files: BTreeMap<String, Vec<u8>>,
}

impl TreeReading {
    fn folder(&mut self, dir: &Path, prefix: &str, depth: u64) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            return Err(Error::TreeTooLarge {
                path: dir.to_owned(),
                max: DEPTH_MAX,
            });
        }
        let entries = fs::read_dir(dir).map_err(|source| Error::io("read", dir, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| Error::io("read", dir, source))?;
            self.entries = self.entries.saturating_add(1);
            if self.entries > ENTRIES_MAX {
                return Err(Error::TreeTooLarge {
                    path: dir.to_owned(),
                    max: ENTRIES_MAX,
                });
            }
            self.entry(&entry, prefix, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str, depth: u64) -> Result<(), Error> {
        let path = entry.path();
        let mut kind = entry
            .file_type()
            .map_err(|source| Error::io("read", &path, source))?;
        if kind.is_symlink() {
            let target = path
                .canonicalize()
                .map_err(|source| Error::io("follow", &path, source))?;
            if !target.starts_with(&self.root) {
                return Err(Error::LinkOutside { path });
            }
            kind = fs::metadata(&target)
                .map_err(|source| Error::io("read", &path, source))?
                .file_type();
        }
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(Error::BadName { path });
        };
        let relative = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        if kind.is_dir() {
            return self.folder(&path, &relative, depth.saturating_add(1));
        }
        if kind.is_file() {
            let bytes = self.file(&path)?;
            self.files.insert(relative, bytes);
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<Vec<u8>, Error> {
        let left = self.bytes_max.saturating_sub(self.bytes);
        let mut bytes = Vec::new();
        // One byte more than allowed shows that there is more.
        let read = File::open(path)
            .and_then(|file| file.take(left.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|source| Error::io("read", path, source))?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        if read > left {
            return Err(Error::TreeTooLarge {
                path: self.root.clone(),
                max: self.bytes_max,
            });
        }
        self.bytes = self.bytes.saturating_add(read);
        Ok(bytes)
    }
}

static COUNTER: AtomicU64 = AtomicU64::new(0);
const DEPTH_MAX: u64 = 16;
const ENTRIES_MAX: u64 = 100_000;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::{create_dir, create_secret_dir, fs, read_tree, replace, replace_secret};
    use crate::Error;

    #[test]
    fn replaces_a_file_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_is_readable_by_its_owner_only_even_where_it_was_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        replace(&path, b"old").unwrap();
        replace_secret(&path, b"new").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn makes_folders_and_closes_a_secret_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/secret");
        create_secret_dir(&path).unwrap();
        create_secret_dir(&path).unwrap();
        create_dir(&path.join("c/d")).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::write(path.join("file"), "x").unwrap();
        assert!(create_dir(&path.join("file")).is_err());
    }

    #[test]
    fn keeps_the_old_file_when_the_new_one_cannot_be_put_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
        assert!(matches!(
            replace(&path, b"x"),
            Err(Error::Io {
                action: "replace",
                ..
            })
        ));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(replace(&dir.path().join("missing/a"), b"x").is_err());
    }

    #[test]
    fn reads_a_folder_within_its_bound_of_bytes() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("DEV/deep")).unwrap();
        fs::write(dir.path().join("instance-identifier"), "DEV").unwrap();
        fs::write(dir.path().join("DEV/deep/a.xml"), "<a/>").unwrap();
        let files = read_tree(dir.path(), 7).unwrap();
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["DEV/deep/a.xml", "instance-identifier"]);
        assert!(matches!(
            read_tree(dir.path(), 6),
            Err(Error::TreeTooLarge { max: 6, .. })
        ));
    }

    #[test]
    fn follows_links_inside_the_folder_and_refuses_those_that_leave_it() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("shadow"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "1").unwrap();
        symlink(dir.path().join("a"), dir.path().join("b")).unwrap();
        assert_eq!(read_tree(dir.path(), 100).unwrap().len(), 2);
        symlink(outside.path().join("shadow"), dir.path().join("c")).unwrap();
        assert!(matches!(
            read_tree(dir.path(), 100),
            Err(Error::LinkOutside { .. })
        ));
    }

    #[test]
    fn does_not_walk_in_circles() {
        let dir = tempfile::tempdir().unwrap();
        symlink(dir.path(), dir.path().join("self")).unwrap();
        assert!(matches!(
            read_tree(dir.path(), 100),
            Err(Error::TreeTooLarge { .. })
        ));
    }
}
