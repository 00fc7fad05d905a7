//! Countries are founded once and lent out: to found one and to tell its story takes longer than most
//! tests. What was founded is bound to its ports. So who borrows it has these for himself until the
//! last of his processes has ended, and gets a copy of the folder; the next one gets another.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::country::{Country, are_free, free_block, text};
use crate::legal::within;
use crate::transparency::copy;

/// A founded country that nobody changes.
#[derive(Debug)]
struct Original {
    base_port: u16,
    founded_at: Instant,
    /// As founding left it: nothing was asked in it yet.
    founded: TempDir,
    told: Option<Told>,
}

/// The same once its story was told, and the document that was printed of it.
#[derive(Debug)]
struct Told {
    folder: TempDir,
    document: Value,
}

/// The right to the ports of an original. It ends with its last holder.
#[derive(Debug)]
pub(crate) struct Loan(Option<Original>);

/// A country in which nothing was asked yet.
pub(crate) fn founded() -> Country {
    let original = borrow(false);
    let folder = copied(original.founded.path());
    lent(original, folder)
}

/// A country in which the story was told once, and the document that was printed of it.
pub(crate) fn told() -> (Country, Value) {
    let mut original = borrow(true);
    let told = original.told.take().unwrap_or_else(|| tell(&original));
    let (folder, document) = (copied(told.folder.path()), told.document.clone());
    original.told = Some(told);
    (lent(original, folder), document)
}

fn lent(original: Original, folder: TempDir) -> Country {
    let base_port = original.base_port;
    Country::new(folder, base_port, Some(Arc::new(Loan(Some(original)))))
}

impl Drop for Loan {
    fn drop(&mut self) {
        free().extend(self.0.take());
    }
}

/// An original that nobody has, or a new one.
fn borrow(is_told: bool) -> Original {
    loop {
        let mut free = free();
        // Whoever needs no story leaves those with one to others, where he can.
        let fits = |one: &Original| one.told.is_some() == is_told;
        let at = free.iter().position(fits).or(free.len().checked_sub(1));
        let original = at.map(|at| free.swap_remove(at));
        drop(free);
        match original {
            None => return found(),
            // What is signed for minutes is not to expire under a test, and a test may have left
            // somebody on its ports.
            Some(original)
                if original.founded_at.elapsed() < AGE_MAX && are_free(original.base_port) =>
            {
                return original;
            }
            Some(_) => {}
        }
    }
}

fn free() -> MutexGuard<'static, Vec<Original>> {
    static FREE: Mutex<Vec<Original>> = Mutex::new(Vec::new());
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn found() -> Original {
    let (base_port, founded_at) = (free_block(), Instant::now());
    let country = Country::new(new_folder(), base_port, None);
    let founding = country.spawn_sandbox();
    // The anchor comes last: with it the country is complete.
    let anchor = country.folder().join("anchor.xml");
    within(PATIENCE, "the country is founded", || anchor.exists());
    founding.kill();
    Original {
        base_port,
        founded_at,
        founded: country.into_folder(),
        told: None,
    }
}

fn tell(original: &Original) -> Told {
    let folder = new_folder();
    copy(original.founded.path(), folder.path());
    let country = Country::new(folder, original.base_port, None);
    let output = country.sandbox(&["--once", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let document = serde_json::from_slice(&output.stdout);
    Told {
        document: document.unwrap_or_else(|_| panic!("{}", text(&output))),
        folder: country.into_folder(),
    }
}

fn copied(original: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(original, folder.path());
    folder
}

/// Where originals are. No test is the last who knows of them: they go when this process is gone.
fn new_folder() -> TempDir {
    static ALL: OnceLock<(TempDir, Child)> = OnceLock::new();
    let (all, _) = ALL.get_or_init(|| {
        let all = tempfile::tempdir().unwrap();
        let waiting = Command::new("sh")
            .args(["-c", "read -r _; rm -rf \"$0\""])
            .arg(all.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        (all, waiting.unwrap())
    });
    tempfile::tempdir_in(all.path()).unwrap()
}

/// Far below what the configuration of a registry is signed for.
const AGE_MAX: Duration = Duration::from_secs(240);
const PATIENCE: Duration = Duration::from_secs(120);
