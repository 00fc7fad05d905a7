//! Files that are written get their names, and the state says so: also after a crash in between.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::folder::{Content, Folder};
use super::make::Finished;
use super::state::{End, Mark, Pending, State};
use super::{Archiver, Error, Group};

/// The files of one batch, written under temporary names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// Up to where the log is archived with them.
    until: u64,
    /// Where the chains of their groups go on then.
    groups: BTreeMap<String, End>,
    /// All messages that are in no file then.
    #[serde(default)]
    left_out: BTreeSet<u64>,
    pub(super) files: Vec<Written>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    temporary: String,
    name: String,
    pub(super) bytes: u64,
    sha256: String,
    pub(super) messages: u64,
}

impl Batch {
    pub(super) fn new(until: u64) -> Self {
        Self {
            until,
            groups: BTreeMap::new(),
            left_out: BTreeSet::new(),
            files: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, file: Finished) {
        let end = End {
            digest: file.last_digest,
            file: file.name.clone(),
        };
        self.groups.insert(file.group.key, end);
        self.files.push(Written {
            temporary: file.temporary,
            name: file.name,
            bytes: file.content.bytes,
            sha256: file.content.sha256,
            messages: file.messages,
        });
    }

    pub(super) fn leave_out(&mut self, messages: BTreeSet<u64>) {
        self.left_out = messages;
    }

    /// Where a group's chain goes on after the files so far.
    pub(super) fn end(&self, group: &Group) -> Option<&End> {
        self.groups.get(&group.key)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .flat_map(|file| [file.temporary.as_str(), file.name.as_str()])
    }

    /// Gives all files their names. `false`: one is lost, and the batch has to be made again; then
    /// none of it is left.
    fn name(&self, folder: &Folder) -> Result<bool, Error> {
        for file in &self.files {
            let is_ours = |content: Content| file.holds(&content);
            match folder.content(&file.name)?.map(is_ours) {
                Some(true) => folder.remove(&file.temporary)?,
                Some(false) => {
                    return Err(Error::Taken {
                        path: folder.path(&file.name),
                    });
                }
                None => match folder.content(&file.temporary)?.map(is_ours) {
                    Some(true) => folder.rename(&file.temporary, &file.name)?,
                    Some(false) | None => {
                        self.discard(folder)?;
                        return Ok(false);
                    }
                },
            }
        }
        folder.sync()?;
        Ok(true)
    }

    fn discard(&self, folder: &Folder) -> Result<(), Error> {
        for file in &self.files {
            folder.remove(&file.temporary)?;
            let named = folder.content(&file.name)?;
            if named.is_some_and(|content| file.holds(&content)) {
                folder.remove(&file.name)?;
            }
        }
        folder.sync()
    }
}

impl Written {
    /// The content is the one that was written.
    fn holds(&self, content: &Content) -> bool {
        content.bytes == self.bytes && content.sha256 == self.sha256
    }
}

impl Archiver {
    /// Brings to its end what is being made, if anything. After an error the state is what it was:
    /// what is not durable does not count, least of all for cleaning.
    pub(super) async fn settle(&self, state: &mut State) -> Result<(), Error> {
        let Some(batch) = state.making.clone() else {
            return Ok(());
        };
        let (folder, naming) = (self.folder.clone(), batch.clone());
        let named = tokio::task::spawn_blocking(move || naming.name(&folder));
        let named = named.await.map_err(|_| Error::Interrupted)??;
        let mut next = state.clone();
        next.making = None;
        if named {
            for file in &batch.files {
                tracing::info!(
                    file = %file.name,
                    messages = file.messages,
                    bytes = file.bytes,
                    "archive file made"
                );
            }
            next.command_due |= !batch.files.is_empty() && self.options.command.is_some();
            next.archived_until = batch.until;
            // What comes late lies below what was carried away before, and is not carried away yet.
            if let Some(oldest) = next.left_out.difference(&batch.left_out).next() {
                let below = oldest.saturating_sub(1);
                next.transferred_until = next.transferred_until.min(below);
            }
            next.left_out = batch.left_out;
            // Of a damaged entry nothing can be said; the mark before serves as well.
            if let Ok(stored) = self.log.stored(batch.until).await {
                next.mark = Some(Mark::of(batch.until, &stored));
            }
            next.groups.extend(batch.groups);
            if self.options.store.is_some() {
                next.pending
                    .extend(batch.files.into_iter().map(Pending::from));
            }
        }
        next.write(&self.folder)?;
        *state = next;
        self.remember(state)
    }
}

impl From<Written> for Pending {
    fn from(file: Written) -> Self {
        Self {
            name: file.name,
            bytes: file.bytes,
            sha256: file.sha256,
        }
    }
}
