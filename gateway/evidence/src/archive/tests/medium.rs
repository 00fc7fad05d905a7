//! Disks that fail.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::folder::{Disk, Handle, Medium};

/// A machine that goes down at a given operation: that one is carried out or not, and none after it.
#[derive(Clone, Debug)]
pub(super) struct Crash {
    left: Arc<AtomicU64>,
    is_last_done: bool,
    is_down: Arc<AtomicBool>,
}

impl Crash {
    pub(super) fn after(operations: u64, is_last_done: bool) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(operations)),
            is_last_done,
            is_down: Arc::default(),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::SeqCst)
    }

    fn operation<T>(&self, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let down = || Err(io::Error::other("down"));
        let counted = |left: u64| left.checked_sub(1);
        if self.is_down() {
            return down();
        }
        let counting = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted);
        match counting {
            Ok(_) => done(),
            Err(_) => {
                self.is_down.store(true, Ordering::SeqCst);
                if self.is_last_done {
                    done()?;
                }
                down()
            }
        }
    }
}

fn of_store(error: gateway_store::Error) -> io::Error {
    io::Error::other(error.to_string())
}

fn to_store(path: &Path) -> impl FnOnce(io::Error) -> gateway_store::Error {
    let path = path.to_owned();
    move |source| gateway_store::Error::Io {
        action: "write",
        path,
        source: source.into(),
    }
}

impl Medium for Crash {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let inner = self.operation(|| Disk.create(path))?;
        let crash = self.clone();
        Ok(Box::new(CrashingFile { inner, crash }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operation(|| Disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match path.exists() {
            true => self.operation(|| Disk.remove(path)),
            false => Disk.remove(path),
        }
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), gateway_store::Error> {
        self.operation(|| Disk.sync_dir(dir).map_err(of_store))
            .map_err(to_store(dir))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), gateway_store::Error> {
        self.operation(|| Disk.replace(path, bytes).map_err(of_store))
            .map_err(to_store(path))
    }
}

#[derive(Debug)]
struct CrashingFile {
    inner: Box<dyn Handle>,
    crash: Crash,
}

impl Write for CrashingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        // Half of it, at least, when the machine goes down at this.
        let half = buffer.get(..buffer.len().div_ceil(2)).unwrap();
        let inner = &mut self.inner;
        self.crash.operation(|| inner.write(half))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Handle for CrashingFile {
    fn sync(&mut self) -> io::Result<()> {
        let inner = &mut self.inner;
        self.crash.operation(|| inner.sync())
    }
}

/// A disk with so many octets of room.
#[derive(Clone, Debug)]
pub(super) struct Full {
    pub(super) room: Arc<AtomicU64>,
}

impl Medium for Full {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let inner = Disk.create(path)?;
        let room = Arc::clone(&self.room);
        Ok(Box::new(FullFile { inner, room }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), gateway_store::Error> {
        Disk.sync_dir(dir)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), gateway_store::Error> {
        match self.room.load(Ordering::SeqCst) {
            0 => Err(to_store(path)(io::ErrorKind::StorageFull.into())),
            _ => Disk.replace(path, bytes),
        }
    }
}

#[derive(Debug)]
struct FullFile {
    inner: Box<dyn Handle>,
    room: Arc<AtomicU64>,
}

impl Write for FullFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let take = |room: u64| Some(room.saturating_sub(buffer.len() as u64));
        let room = self
            .room
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        let room = usize::try_from(room.unwrap()).unwrap_or(usize::MAX);
        match buffer.get(..buffer.len().min(room)) {
            Some([]) if !buffer.is_empty() => Err(io::ErrorKind::StorageFull.into()),
            Some(part) => self.inner.write(part),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Handle for FullFile {
    fn sync(&mut self) -> io::Result<()> {
        self.inner.sync()
    }
}
