//! How far a log was archived, remembered outside the folder of its archives.
//!
//! Files are carried away, and with them, by mistake, their state; or an older one is brought back
//! from a backup. Then a second chain would go on from the same place, and nobody could say which
//! is the true one. So a file beside the log remembers the number; it is written after the state,
//! and so is never ahead of it. Who can write both can hide that, but not from those who hold an
//! earlier archive file.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;

/// The content of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reminder {
    version: u32,
    archived_until: u64,
}

/// Up to where the log was archived; `None`: it never was, as far as is known.
pub(super) fn read(path: &Path) -> Result<Option<u64>, Error> {
    let failed = |source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    match fs::File::open(path) {
        Ok(file) => file.take(BYTES_MAX).read_to_end(&mut bytes),
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => Err(source),
    }
    .map_err(failed)?;
    let wrong = |problem: String| Error::Reminder {
        path: path.to_owned(),
        problem,
    };
    let reminder: Reminder =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    match reminder.version {
        VERSION => Ok(Some(reminder.archived_until)),
        version => Err(wrong(format!("version {version} is not known"))),
    }
}

/// Durable when this is back.
pub(super) fn write(path: &Path, archived_until: u64) -> Result<(), Error> {
    let reminder = Reminder {
        version: VERSION,
        archived_until,
    };
    let bytes = serde_json::to_vec(&reminder).map_err(|error| Error::Reminder {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    gateway_store::file::replace_secret(path, &bytes).map_err(Error::Folder)
}

const VERSION: u32 = 1;
const BYTES_MAX: u64 = 4096;
