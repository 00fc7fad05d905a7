//! Messages of which no document can be made: a body that was changed or is gone, a time stamp that
//! is damaged. They are left out, so that they hold up no other; each run tries them again. What may
//! be trouble of the machine is no reason to leave out: it would leave out everything.

use std::path::Path;
use std::{fs, io};

use gateway_messagelog as log;
use jiff::Timestamp;

use super::{Archiver, Batch, Error, Key, LeftOut, State, Wanted};
use crate::containers::{self, Binder};

impl Archiver {
    /// Writes the files of a batch once more, without the messages of which no document can be made.
    pub(super) async fn make_sifted(
        &self,
        wanted: Wanted,
        state: &State,
        binder: &mut Binder,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        self.folder.remove_temporary()?;
        let sifted = self.sift(wanted, state, binder).await?;
        self.make(&sifted, state, binder, now).await
    }

    /// Tries every message by itself, and leaves out those of which no document can be made.
    async fn sift(
        &self,
        wanted: Wanted,
        state: &State,
        binder: &mut Binder,
    ) -> Result<Wanted, Error> {
        let mut sifted = Wanted::new(Vec::with_capacity(wanted.keys.len()), wanted.until);
        for key in wanted.keys {
            let ordinal = key.ordinal;
            match self.try_one(ordinal, binder).await? {
                None => sifted.keys.push(key),
                Some(source) => {
                    let others = state.left_out.len().saturating_add(sifted.left_out.len());
                    if others >= LEFT_OUT_MAX {
                        return Err(Error::Container { ordinal, source });
                    }
                    sifted.left_out.insert(ordinal);
                    self.watch.left_out(ordinal, &source);
                }
            }
        }
        Ok(sifted)
    }

    /// Those that were left out before and of which documents can be made now.
    pub(super) async fn late(&self, state: &State, binder: &mut Binder) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        let mut still = None;
        for ordinal in state.left_out.iter().copied() {
            let reason = match self.try_one(ordinal, binder).await {
                Ok(None) => {
                    let logged = self.log.get(ordinal).await.map_err(Error::Log)?;
                    keys.extend(Key::of(&logged));
                    continue;
                }
                Ok(Some(reason)) => reason,
                // It is left out already: the machine's trouble with it holds up no other.
                Err(Error::Container { source, .. }) if !is_of_the_process(&source) => source,
                Err(error) => return Err(error),
            };
            LeftOut::add(&mut still, ordinal, &reason);
        }
        // At once: whoever looks meanwhile sees those of before.
        self.watch.still_left_out(still);
        Ok(keys)
    }

    /// Makes the document of one message for nobody; why it cannot be made, if it is for its own sake.
    async fn try_one(
        &self,
        ordinal: u64,
        binder: &mut Binder,
    ) -> Result<Option<containers::Error>, Error> {
        let tried = match self.document(ordinal, binder).await {
            Ok(document) => {
                let writing = tokio::task::spawn_blocking(move || document.write(io::sink()));
                let written = writing.await.map_err(|_| Error::Interrupted)?;
                written.map_err(|source| Error::Container { ordinal, source })
            }
            Err(error) => Err(error),
        };
        match tried {
            Ok(_) => Ok(None),
            Err(Error::Container { source, .. }) if is_certain(&source) => Ok(Some(source)),
            Err(error) => Err(error),
        }
    }
}

/// Nothing is wrong with the message, nor with where it lies.
fn is_of_the_process(error: &containers::Error) -> bool {
    matches!(
        error,
        containers::Error::Interrupted
            | containers::Error::Log(log::Error::KeyMissing { .. } | log::Error::Interrupted)
    )
}

/// It is the message, and not the machine: a disk that fails or is not there, files that cannot be
/// opened.
fn is_certain(error: &containers::Error) -> bool {
    match error {
        containers::Error::NotStamped { .. }
        | containers::Error::NoMessage { .. }
        | containers::Error::Erased { .. }
        | containers::Error::Stamp { .. } => true,
        containers::Error::Write(_) | containers::Error::Interrupted => false,
        containers::Error::Log(error) => is_damage(error),
        containers::Error::Make { source, .. } => match source.as_ref() {
            gateway_asic::Error::Zip(gateway_asic::zip::Error::Io(error)) => is_changed(error),
            gateway_asic::Error::Zip(_)
            | gateway_asic::Error::Stamping(_)
            | gateway_asic::Error::AttachmentLength { .. } => true,
        },
    }
}

/// Reading a body failed for what it is.
fn is_changed(error: &io::Error) -> bool {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<log::Error>()) {
        Some(error) => is_damage(error),
        // Its bytes are not those that were logged.
        None => error.kind() == io::ErrorKind::InvalidData,
    }
}

fn is_damage(error: &log::Error) -> bool {
    match error {
        log::Error::Store(source) => matches!(source, gateway_store::Error::Damaged(_)),
        log::Error::Content { path, source, .. } => {
            source.kind() == io::ErrorKind::NotFound && has_neighbours(path)
        }
        log::Error::ContentTooLarge { .. }
        | log::Error::ContentCutOff { .. }
        | log::Error::ContentWithheld
        | log::Error::Malformed { .. }
        | log::Error::NotUnderstood { .. }
        | log::Error::NotOpened { .. }
        | log::Error::Erased { .. }
        | log::Error::NoEntry { .. } => true,
        log::Error::KeyMissing { .. }
        | log::Error::Key { .. }
        | log::Error::Configuration { .. }
        | log::Error::StampOutOfOrder { .. }
        | log::Error::Tree(_)
        | log::Error::Interrupted => false,
    }
}

/// The folder of a file holds others: it is not one whose disk is not mounted.
fn has_neighbours(path: &Path) -> bool {
    let listed = path.parent().map(fs::read_dir);
    listed.is_some_and(|listed| listed.is_ok_and(|mut files| matches!(files.next(), Some(Ok(_)))))
}

/// More than this is not one broken disk sector; somebody has to look before anything goes on.
const LEFT_OUT_MAX: usize = 100_000;
