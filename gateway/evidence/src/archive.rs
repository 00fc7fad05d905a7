//! Archiving: stamped messages become files of signed documents, the files are carried away, and the
//! log is cleaned behind them.
//!
//! An archive file is a ZIP of containers with the digests that link them to one another and to the
//! file before (UG-SS, message log archives). One run takes what was stamped since the last one, at
//! most so many messages at a time, in the order of their local party and their place in the log.
//!
//! What is durable, and when: the files of one batch are written under temporary names; then
//! `state.json` says what is to become of them; then they get their names; then `state.json` says up
//! to where the log is archived and where each chain goes on. A crash anywhere between is made good
//! by the next run, and leaves neither a gap nor two files for one message. A file that has a name
//! is never overwritten. Without encryption the same messages give the same octets. Who can write
//! the folder can begin a chain anew, but cannot hide that from those who hold an earlier file.
//!
//! * `make`: one file on its way, and its encryption
//! * `settle`: files that are written get their names
//! * `state`: what a run leaves to the next
//! * `folder`: the files of the folder
//! * `status`: what an operator sees
//! * `recipients`: for whom files are encrypted
//! * [`openpgp`]: encryption, for downloads too
//! * [`transfer`]: what becomes of finished files

mod error;
mod folder;
mod make;
pub mod openpgp;
mod recipients;
mod settle;
mod state;
mod status;
pub mod transfer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certs_keys::DigestAlgorithm;
use gateway_messagelog::{Entry, Erased, MessageLog, Side};
use gateway_proto::id::ClientId;
use jiff::{SignedDuration, Timestamp};

use crate::containers::Binder;
use folder::{Disk, Folder, Medium};
use make::File;
use settle::Batch;
use state::{End, Pending, State};

pub use error::Error;
pub use gateway_asic::archive::Grouping;
pub use recipients::{Encryption, Envelope};
pub use status::{Status, Watch};

/// How archives are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are made, and the state is kept. Made when missing.
    pub dir: PathBuf,
    /// A file is closed when its containers exceed this together. Octets.
    pub file_bytes_max: u64,
    /// How many messages are taken at once; what a crash costs to do again.
    pub batch_max: usize,
    /// Whose messages go into one file.
    pub grouping: Grouping,
    /// How long the log keeps what is archived.
    pub keep: SignedDuration,
    /// For whom files are encrypted; `None`: they are not.
    pub encryption: Option<Encryption>,
    /// A store that takes a copy of each file.
    pub store: Option<transfer::Store>,
    /// Remove the file here once the store has shown that it has it.
    pub remove_local: bool,
    /// Run after files were made.
    pub command: Option<transfer::Command>,
    /// Up to which entry somebody else has read the log; what lies behind is not erased. `None`:
    /// nobody else reads it.
    pub followed: Option<Arc<AtomicU64>>,
}

/// Archives one log; there is one for each folder.
#[derive(Debug)]
pub struct Archiver {
    log: MessageLog,
    options: Options,
    folder: Folder,
    watch: Watch,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Files that were made.
    pub files: u64,
    /// Messages in them.
    pub messages: u64,
    /// Their octets.
    pub bytes: u64,
    /// Files that the store has shown to have.
    pub transferred: u64,
    /// What was erased from the log.
    pub erased: Erased,
}

impl Options {
    /// Files in this folder as deployed servers make them: up to 32 MiB, all messages together, not
    /// encrypted; the log keeps 30 days.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            file_bytes_max: 32 << 20,
            batch_max: 10_000,
            grouping: Grouping::None,
            keep: SignedDuration::from_hours(30 * 24),
            encryption: None,
            store: None,
            remove_local: false,
            command: None,
            followed: None,
        }
    }
}

impl Archiver {
    /// Archives this log. Nothing is done before the first run.
    #[must_use]
    pub fn new(log: MessageLog, options: Options) -> Self {
        Self::on(log, options, Arc::new(Disk))
    }

    fn on(log: MessageLog, options: Options, medium: Arc<dyn Medium>) -> Self {
        let folder = Folder::new(options.dir.clone(), medium);
        Self {
            log,
            options,
            folder,
            watch: Watch::default(),
        }
    }

    /// What an operator sees; stays up to date.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// When the last run ended, also before a restart.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn last_run(&self) -> Result<Option<Timestamp>, Error> {
        Ok(State::read(&self.folder)?.last_run)
    }

    /// One run: archives all that is stamped, carries files away, cleans the log. Trouble of a store
    /// or a command is told and counted, and does not fail the run. When archiving fails, files that
    /// were made before are carried away and cleaned behind all the same.
    ///
    /// # Errors
    /// What kept from archiving or cleaning. Nothing is lost; the next run tries again.
    pub async fn once(&mut self, now: Timestamp) -> Result<Made, Error> {
        let mut made = Made::default();
        let run = self.run(&mut made, now).await;
        self.watch.ran(&made, run.as_ref().err(), now);
        run.map(|()| made)
    }

    async fn run(&self, made: &mut Made, now: Timestamp) -> Result<(), Error> {
        self.folder.create()?;
        let mut state = State::read(&self.folder)?;
        self.check(&state)?;
        let archived = self.archive(&mut state, made, now).await;
        self.watch.saw(&state);
        let transferred = self.transfer(&mut state, made, now).await;
        self.watch.saw(&state);
        let cleaned = self.clean(&state, made, now).await;
        if archived.is_ok() {
            state.last_run = Some(now);
        }
        let kept = state.write(&self.folder);
        archived.and(transferred).and(cleaned).and(kept)
    }

    /// The state is of this log: else a log that was begun anew would be taken for archived.
    fn check(&self, state: &State) -> Result<(), Error> {
        let last = self.log.last_ordinal();
        match state.archived_until <= last {
            true => Ok(()),
            false => Err(Error::OtherLog {
                archived_until: state.archived_until,
                last,
            }),
        }
    }

    async fn archive(
        &self,
        state: &mut State,
        made: &mut Made,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.settle(state).await?;
        self.folder.remove_temporary()?;
        let until = self.log.stamping().stamped_until;
        let mut binder = Binder::new(self.log.clone());
        while state.archived_until < until {
            let (keys, until) = self.next(state.archived_until, until).await?;
            let batch = match self.make(keys, until, state, &mut binder, now).await {
                Ok(batch) => batch,
                Err(error) => {
                    // The room is needed more than ever; should this fail too, the next run does it.
                    let _removed = self.folder.remove_temporary();
                    return Err(error);
                }
            };
            made.count(&batch);
            state.making = Some(batch);
            state.write(&self.folder)?;
            self.settle(state).await?;
        }
        Ok(())
    }

    /// The messages of one batch in the order of the archive, and up to where they reach. A page of
    /// messages at a time: their contents are not held.
    async fn next(&self, after: u64, until: u64) -> Result<(Vec<Key>, u64), Error> {
        let mut keys = Vec::new();
        let mut reached = after;
        while keys.len() < self.options.batch_max {
            let left = self.options.batch_max.saturating_sub(keys.len());
            let page_max = left.min(PAGE);
            let page = self.log.messages(reached, until, page_max).await;
            let page = page.map_err(Error::Log)?;
            let is_last = page.len() < page_max;
            keys.extend(page.iter().filter_map(Key::of));
            reached = match page.last() {
                Some(logged) if !is_last => logged.position.ordinal,
                Some(_) | None => until,
            };
            if is_last {
                break;
            }
        }
        keys.sort_by(|one, other| one.order().cmp(&other.order()));
        Ok((keys, reached))
    }

    /// Writes the files of a batch under temporary names.
    async fn make(
        &self,
        keys: Vec<Key>,
        until: u64,
        state: &State,
        binder: &mut Binder,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        let mut batch = Batch::new(until);
        let mut open: Option<File> = None;
        for key in keys {
            let group = Group::of(self.options.grouping, &key.party);
            if let Some(file) = open.take_if(|file| {
                file.group() != &group || file.bytes() > self.options.file_bytes_max
            }) {
                batch.add(file.finish().await?);
            }
            let file = match open.take() {
                Some(file) => file,
                None => {
                    let previous = batch.end(&group).or_else(|| state.groups.get(&group.key));
                    self.begin(group, previous.cloned(), now)?
                }
            };
            let logged = self.log.get(key.ordinal).await.map_err(Error::Log)?;
            let document = binder
                .document(&logged)
                .await
                .map_err(|source| Error::Container {
                    ordinal: key.ordinal,
                    source,
                })?;
            open = Some(file.add(document).await?);
        }
        if let Some(file) = open {
            batch.add(file.finish().await?);
        }
        Ok(batch)
    }

    fn begin(&self, group: Group, previous: Option<End>, now: Timestamp) -> Result<File, Error> {
        let encryption = match &self.options.encryption {
            Some(encryption) => Some(encryption.for_member(group.member.as_ref(), now)?),
            None => None,
        };
        File::begin(self.folder.clone(), group, previous, ALGORITHM, encryption)
    }

    /// Copies what waits to the store, then runs the command.
    async fn transfer(
        &self,
        state: &mut State,
        made: &mut Made,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some(store) = &self.options.store {
            let waiting = std::mem::take(&mut state.pending);
            let mut reachable = true;
            for file in waiting {
                match reachable {
                    true => match self.put(store, &file, now).await {
                        Transferred::There => made.transferred = made.transferred.saturating_add(1),
                        Transferred::Gone => {}
                        Transferred::Not { reachable: still } => {
                            reachable = still;
                            state.pending.push(file);
                            continue;
                        }
                    },
                    false => {
                        state.pending.push(file);
                        continue;
                    }
                }
                if self.options.remove_local {
                    state.removing.push(file.name);
                }
            }
            // Only what is known to be known as transferred is removed here.
            state.write(&self.folder)?;
        }
        self.remove(state)?;
        if state.command_due
            && let Some(command) = &self.options.command
        {
            match command.run(&self.options.dir).await {
                Ok(output) => {
                    tracing::debug!(%output, "archive transfer command done");
                    state.command_due = false;
                }
                Err(error) => self.watch.transfer_failed("command", &error, now),
            }
        }
        Ok(())
    }

    async fn put(&self, store: &transfer::Store, file: &Pending, now: Timestamp) -> Transferred {
        let path = self.folder.path(&file.name);
        if !path.exists() {
            self.watch.transfer_failed(&file.name, &Error::Gone, now);
            return Transferred::Gone;
        }
        match store.put(&path, &file.name, file.bytes, &file.sha256).await {
            Ok(stored) => {
                tracing::info!(file = %file.name, bytes = stored.bytes, "archive file is in the store");
                Transferred::There
            }
            Err(error) => {
                self.watch.transfer_failed(&file.name, &error, now);
                let reachable = !matches!(error, transfer::Error::Store(_));
                Transferred::Not { reachable }
            }
        }
    }

    fn remove(&self, state: &mut State) -> Result<(), Error> {
        while let Some(name) = state.removing.last() {
            self.folder.remove(name)?;
            state.removing.pop();
        }
        Ok(())
    }

    /// Erases from the log what is archived and was kept long enough.
    async fn clean(&self, state: &State, made: &mut Made, now: Timestamp) -> Result<(), Error> {
        let Ok(before) = now.checked_sub(self.options.keep) else {
            return Ok(());
        };
        let followed = self.options.followed.as_ref();
        let followed = followed.map_or(u64::MAX, |followed| followed.load(Ordering::Acquire));
        let until = state.archived_until.min(followed);
        let erased = self.log.erase_before(before, until).await;
        made.erased = erased.map_err(Error::Log)?;
        if self.log.orphans().is_some_and(|orphans| orphans.files > 0) {
            self.log.remove_orphans(now).await.map_err(Error::Log)?;
        }
        Ok(())
    }
}

/// What became of a file on its way to the store.
enum Transferred {
    There,
    Gone,
    Not { reachable: bool },
}

/// A message by what its place in the archive depends on.
#[derive(Clone, Debug)]
struct Key {
    ordinal: u64,
    party: ClientId,
}

impl Key {
    /// The local party: who asked here, or whose service answered here.
    fn of(logged: &gateway_messagelog::Logged) -> Option<Self> {
        let Entry::Message(record) = &logged.entry else {
            return None;
        };
        let party = match record.side {
            Side::Consumer => record.client.clone(),
            Side::Provider => record.service.provider().clone(),
        };
        Some(Self {
            ordinal: logged.position.ordinal,
            party,
        })
    }

    fn order(&self) -> (&ClientId, u64) {
        (&self.party, self.ordinal)
    }
}

/// Messages that share a chain of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name in the state: identifiers joined so that no two groups have the same.
    key: String,
    /// Its name in the names of files.
    name: Option<String>,
    member: Option<gateway_proto::id::MemberId>,
}

impl Group {
    fn of(grouping: Grouping, party: &ClientId) -> Self {
        let key = match grouping {
            Grouping::None => String::new(),
            Grouping::Member => party.member().to_rest(),
            Grouping::Subsystem => party.to_rest(),
        };
        let member = (grouping != Grouping::None).then(|| party.member().clone());
        Self {
            key,
            name: gateway_asic::archive::group_name(grouping, party),
            member,
        }
    }
}

impl Made {
    fn count(&mut self, batch: &Batch) {
        for file in &batch.files {
            self.files = self.files.saturating_add(1);
            self.messages = self.messages.saturating_add(file.messages);
            self.bytes = self.bytes.saturating_add(file.bytes);
        }
    }
}

/// The digest of links and containers, as deployed servers have it.
const ALGORITHM: DigestAlgorithm = DigestAlgorithm::Sha512;
/// Messages read at a time while a batch is put in order.
const PAGE: usize = 64;

#[cfg(test)]
mod tests;
