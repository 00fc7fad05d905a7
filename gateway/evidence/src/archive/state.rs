//! What a run leaves to the next: `state.json` in the folder of the archives.

use std::collections::{BTreeMap, BTreeSet};

use gateway_asic::linking::Previous;
use gateway_messagelog::audit::commitment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Error;
use super::folder::Folder;
use super::settle::Batch;

/// Up to where the log is archived, and what is still to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    version: u32,
    /// Every message up to this place of the log is in a file, but for those left out.
    pub(super) archived_until: u64,
    /// An entry up to there, by which the log is known again.
    #[serde(default)]
    pub(super) mark: Option<Mark>,
    /// Messages up to there that are in no file: no document could be made of them.
    #[serde(default)]
    pub(super) left_out: BTreeSet<u64>,
    /// Up to where all files were carried away, as far as that is wanted.
    #[serde(default)]
    pub(super) transferred_until: u64,
    /// When the last run ended that archived all there was.
    pub(super) last_run: Option<Timestamp>,
    /// Where each group's chain goes on.
    pub(super) groups: BTreeMap<String, End>,
    /// Files that are not in the store yet.
    pub(super) pending: Vec<Pending>,
    /// Files that are in the store and go away here.
    pub(super) removing: Vec<String>,
    /// The command has not done its work since files were made.
    pub(super) command_due: bool,
    /// Files that are written and about to get their names.
    pub(super) making: Option<Batch>,
}

/// An entry of the log, by the digest of its stored octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) ordinal: u64,
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
}

/// The end of a group's last file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) digest: String,
    pub(super) file: String,
}

/// A file on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl State {
    fn new() -> Self {
        Self {
            version: VERSION,
            archived_until: 0,
            mark: None,
            left_out: BTreeSet::new(),
            transferred_until: 0,
            last_run: None,
            groups: BTreeMap::new(),
            pending: Vec::new(),
            removing: Vec::new(),
            command_due: false,
            making: None,
        }
    }

    /// The state in the folder. Without one nothing was archived here yet; archive files then mean
    /// that it was lost, and a chain must not be begun a second time.
    pub(super) fn read(folder: &Folder) -> Result<Self, Error> {
        let wrong = |problem: String| Error::State {
            path: folder.path(NAME),
            problem,
        };
        let Some(bytes) = folder.read(NAME, BYTES_MAX)? else {
            return match folder.exists() && folder.has_archives()? {
                false => Ok(Self::new()),
                true => Err(wrong("there are archive files, but no state".to_owned())),
            };
        };
        let state: Self =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if state.version != VERSION {
            return Err(wrong(format!("version {} is not known", state.version)));
        }
        if let Some(name) = state.names().find(|name| !is_plain(name)) {
            return Err(wrong(format!("{name:?} is no name of a file here")));
        }
        Ok(state)
    }

    /// Durable when this is back.
    pub(super) fn write(&self, folder: &Folder) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::State {
            path: folder.path(NAME),
            problem: error.to_string(),
        })?;
        folder.replace(NAME, &bytes)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let pending = self.pending.iter().map(|file| file.name.as_str());
        let removing = self.removing.iter().map(String::as_str);
        let making = self.making.iter().flat_map(Batch::names);
        pending.chain(removing).chain(making)
    }
}

impl Mark {
    pub(super) fn of(ordinal: u64, stored: &[u8]) -> Self {
        Self {
            ordinal,
            sha256: hex::encode(commitment(stored)),
        }
    }
}

impl From<End> for Previous {
    fn from(end: End) -> Self {
        Self {
            digest: end.digest,
            file_name: end.file,
        }
    }
}

/// Stays in its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

pub(super) const NAME: &str = "state.json";
const VERSION: u32 = 1;
/// Groups take some 300 octets each, files less.
const BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::folder::Disk;
    use super::{End, Folder, NAME, Pending, State};
    use crate::archive::Error;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("archive"), Arc::new(Disk));
        (dir, folder)
    }

    #[test]
    fn nothing_is_archived_where_there_is_no_folder_yet() {
        let (_dir, folder) = folder();
        assert_eq!(State::read(&folder).unwrap(), State::new());
    }

    #[test]
    fn what_is_written_is_read() {
        let (_dir, folder) = folder();
        folder.create().unwrap();
        let mut state = State::new();
        state.archived_until = 7;
        state.last_run = Some("2026-11-22T09:00:00Z".parse().unwrap());
        let end = End {
            digest: "00".repeat(64),
            file: "mlog-a.zip".to_owned(),
        };
        state.groups.insert("DEV/GOV/1".to_owned(), end);
        state.pending.push(Pending {
            name: "mlog-a.zip".to_owned(),
            bytes: 3,
            sha256: "00".repeat(32),
        });
        state.write(&folder).unwrap();
        assert_eq!(State::read(&folder).unwrap(), state);
    }

    #[test]
    fn archives_without_a_state_are_not_archived_over() {
        let (_dir, folder) = folder();
        folder.create().unwrap();
        std::fs::write(folder.path("mlog-1-2-3.zip.gpg"), "x").unwrap();
        assert!(matches!(State::read(&folder), Err(Error::State { .. })));
    }

    #[test]
    fn a_damaged_or_foreign_state_is_refused() {
        let (_dir, folder) = folder();
        folder.create().unwrap();
        let good = serde_json::to_string(&State::new()).unwrap();
        for wrong in [
            String::new(),
            good.chars().skip(1).collect(),
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("\"version\"", "\"versions\""),
            good.replace("\"removing\":[]", "\"removing\":[\"../x\"]"),
            good.replace("\"removing\":[]", "\"removing\":[\"\"]"),
        ] {
            std::fs::write(folder.path(NAME), &wrong).unwrap();
            let read = State::read(&folder);
            assert!(
                matches!(read, Err(Error::State { .. })),
                "{wrong}: {read:?}"
            );
        }
        std::fs::write(folder.path(NAME), good).unwrap();
        State::read(&folder).unwrap();
    }
}
