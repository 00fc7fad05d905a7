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
//! A message of which no document can be made (a body that was changed or is gone) is left out and
//! told, holds up no other, and is tried again with each run; its segment is never erased. When it is
//! not known whether it is the message or the machine, the run fails, and nothing is left out. A state
//! that was lost, is older than another before it, or is of another log, stops archiving.
//!
//! * `make`: one file on its way, and its encryption
//! * `settle`: files that are written get their names
//! * `state`: what a run leaves to the next
//! * `reminder`: how far the log was archived, outside the folder
//! * `sift`: messages of which no document can be made
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
mod reminder;
mod settle;
mod sift;
mod state;
mod status;
pub mod transfer;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certs_keys::DigestAlgorithm;
use gateway_messagelog::{Bookmark, Entry, Erased, MessageLog, Side};
use gateway_proto::id::ClientId;
use jiff::{SignedDuration, Timestamp};

use crate::containers::{Binder, Document};
use folder::{Disk, Folder, Medium};
use make::File;
use settle::Batch;
use state::{End, Mark, Pending, State};

pub use error::Error;
pub use gateway_asic::archive::Grouping;
pub use recipients::{Encryption, Envelope};
pub use status::{LeftOut, Status, Watch};

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
    /// A file outside the folder that remembers how far the log was archived, so that a lost state is
    /// noticed when no files are left here either. `None`: nothing does.
    pub reminder: Option<PathBuf>,
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
            reminder: None,
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
        self.check(&state).await?;
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

    /// The state is of this log, and the newest: else a log that was begun anew would be taken for
    /// archived, or a part of it archived twice.
    async fn check(&self, state: &State) -> Result<(), Error> {
        let last = self.log.last_ordinal();
        if state.archived_until > last {
            return Err(Error::OtherLog {
                archived_until: state.archived_until,
                last,
            });
        }
        if let Some(mark) = &state.mark
            && let Ok(stored) = self.log.stored(mark.ordinal).await
            && *mark != Mark::of(mark.ordinal, &stored)
        {
            let ordinal = mark.ordinal;
            return Err(Error::Replaced { ordinal });
        }
        self.remember(state)
    }

    /// Has it remembered outside the folder how far the log is archived.
    fn remember(&self, state: &State) -> Result<(), Error> {
        let Some(path) = &self.options.reminder else {
            return Ok(());
        };
        let known = state.archived_until;
        match reminder::read(path)? {
            Some(archived_until) if archived_until > known => Err(Error::Forgotten {
                state: self.folder.path(state::NAME),
                known,
                reminder: path.clone(),
                archived_until,
            }),
            Some(archived_until) if archived_until == known => Ok(()),
            None if known == 0 => Ok(()),
            Some(_) | None => reminder::write(path, known),
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
        let late = self.late(state, &mut binder).await?;
        for late in late.chunks(self.options.batch_max.max(1)) {
            let late = Wanted::new(late.to_vec(), state.archived_until);
            self.batch(late, state, &mut binder, made, now).await?;
        }
        while state.archived_until < until {
            let batch = self.next(state.archived_until, until).await?;
            self.batch(batch, state, &mut binder, made, now).await?;
        }
        Ok(())
    }

    /// Archives some messages. Those of which no document can be made are left out.
    async fn batch(
        &self,
        wanted: Wanted,
        state: &mut State,
        binder: &mut Binder,
        made: &mut Made,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tried = self.make(&wanted, state, binder, now).await;
        if matches!(tried, Err(Error::Container { .. })) {
            // Only now are they looked at one by one.
            tried = self.make_sifted(wanted, state, binder, now).await;
        }
        let batch = match tried {
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
        self.settle(state).await
    }

    /// The messages of one batch in the order of the archive, and up to where they reach. A page of
    /// messages at a time: their contents are not held.
    async fn next(&self, after: u64, until: u64) -> Result<Wanted, Error> {
        let mut keys = Vec::new();
        let mut place = Bookmark::behind(after);
        loop {
            let left = self.options.batch_max.saturating_sub(keys.len());
            let page_max = left.min(PAGE);
            if page_max == 0 {
                return Ok(Wanted::new(keys, place.ordinal()));
            }
            let page = self.log.messages_without_contents(place, until, page_max);
            let (page, next) = page.await.map_err(Error::Log)?;
            keys.extend(page.iter().filter_map(Key::of));
            place = next;
            if page.len() < page_max {
                return Ok(Wanted::new(keys, until));
            }
        }
    }

    /// Writes the files of a batch under temporary names.
    async fn make(
        &self,
        wanted: &Wanted,
        state: &State,
        binder: &mut Binder,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        let mut batch = Batch::new(wanted.until);
        let mut open: Option<File> = None;
        for key in &wanted.keys {
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
            let document = self.document(key.ordinal, binder).await?;
            open = Some(file.add(document).await?);
        }
        if let Some(file) = open {
            batch.add(file.finish().await?);
        }
        let mut left_out = &state.left_out | &wanted.left_out;
        for key in &wanted.keys {
            left_out.remove(&key.ordinal);
        }
        batch.leave_out(left_out);
        Ok(batch)
    }

    async fn document(&self, ordinal: u64, binder: &mut Binder) -> Result<Document, Error> {
        let failed = |source| Error::Container { ordinal, source };
        let logged = self.log.get(ordinal).await;
        let logged = logged.map_err(|error| failed(error.into()))?;
        binder.document(&logged).await.map_err(failed)
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
                Err(error) => self.watch.command_failed(&error, now),
            }
        }
        let stored = self.options.store.is_none() || state.pending.is_empty();
        let carried = self.options.command.is_none() || !state.command_due;
        if stored && carried {
            state.transferred_until = state.archived_until;
        }
        Ok(())
    }

    async fn put(&self, store: &transfer::Store, file: &Pending, now: Timestamp) -> Transferred {
        let path = self.folder.path(&file.name);
        if !path.exists() {
            // It may have got there before a crash, and have been cleared away here since.
            return match store.has(&file.name, file.bytes, &file.sha256).await {
                Ok(true) => Transferred::There,
                Ok(false) => {
                    self.watch.transfer_failed(&file.name, &Error::Gone, now);
                    Transferred::Not { reachable: true }
                }
                Err(error) => {
                    self.watch.transfer_failed(&file.name, &error, now);
                    Transferred::Not { reachable: false }
                }
            };
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

    /// Erases from the log what is archived, carried away where that is wanted, and was kept long
    /// enough. What was left out stays, with its segment.
    async fn clean(&self, state: &State, made: &mut Made, now: Timestamp) -> Result<(), Error> {
        let Ok(before) = now.checked_sub(self.options.keep) else {
            return Ok(());
        };
        let followed = self.options.followed.as_ref();
        let followed = followed.map_or(u64::MAX, |followed| followed.load(Ordering::Acquire));
        let until = state.transferred_until.min(followed);
        let except = state.left_out.clone();
        let erased = self.log.erase_before_except(before, until, except).await;
        made.erased = erased.map_err(Error::Log)?;
        Ok(())
    }
}

/// Messages that are to be archived together.
#[derive(Debug)]
struct Wanted {
    /// In the order of the archive.
    keys: Vec<Key>,
    /// Of these no document can be made.
    left_out: BTreeSet<u64>,
    /// Up to where the log is archived with them.
    until: u64,
}

/// What became of a file on its way to the store.
enum Transferred {
    There,
    Not { reachable: bool },
}

/// A message by what its place in the archive depends on.
#[derive(Clone, Debug)]
struct Key {
    ordinal: u64,
    party: ClientId,
}

impl Wanted {
    fn new(mut keys: Vec<Key>, until: u64) -> Self {
        keys.sort_by(|one, other| one.order().cmp(&other.order()));
        Self {
            keys,
            left_out: BTreeSet::new(),
            until,
        }
    }
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
