//! Messages of which no document can be made: a body that was changed or is gone, a time stamp that
//! is damaged. They are left out, so that they hold up no other; each run tries them again.

use std::io;

use jiff::Timestamp;

use super::{Archiver, Batch, Error, Key, State, Wanted};
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
        self.watch.none_left_out();
        for ordinal in state.left_out.iter().copied() {
            match self.try_one(ordinal, binder).await? {
                None => {
                    let logged = self.log.get(ordinal).await.map_err(Error::Log)?;
                    keys.extend(Key::of(&logged));
                }
                Some(reason) => self.watch.left_out(ordinal, &reason),
            }
        }
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
            // Nothing is wrong with the message.
            Err(
                error @ Error::Container {
                    source:
                        containers::Error::Interrupted
                        | containers::Error::Log(
                            gateway_messagelog::Error::KeyMissing { .. }
                            | gateway_messagelog::Error::Interrupted,
                        ),
                    ..
                },
            ) => Err(error),
            Err(Error::Container { source, .. }) => Ok(Some(source)),
            Err(error) => Err(error),
        }
    }
}

/// More than this is not one broken disk sector; somebody has to look before anything goes on.
const LEFT_OUT_MAX: usize = 100_000;
