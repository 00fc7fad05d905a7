//! The registry: its state, changed by commands only, each of them recorded.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::Timestamp;

use crate::persist::{self, Trees};
use crate::{Command, Entry, Error, Refusal, State};

/// The registry. What a command did is durable when [`Registry::execute`] returns.
#[derive(Debug)]
pub struct Registry {
    trees: Trees,
    /// The state as committed.
    state: ArcSwap<State>,
    /// Held while a command is carried out, so that commands wait for each other.
    commands: Mutex<()>,
}

impl Registry {
    /// Opens or creates the registry in this file, which one process owns.
    ///
    /// # Errors
    /// When the store cannot be opened or a row in it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let trees = Trees::open(path)?;
        let state = trees.load()?;
        Ok(Self {
            trees,
            state: ArcSwap::from_pointee(state),
            commands: Mutex::new(()),
        })
    }

    /// The state as it is now. It never waits, not even for a command that is being carried out.
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Carries out a command and records it; or changes nothing. It waits for the disk: on an
    /// executor, call it off the executor's threads.
    ///
    /// # Errors
    /// When a rule forbids the command, or the store fails.
    pub fn execute(&self, command: Command, who: &str, now: Timestamp) -> Result<Entry, Error> {
        if who.trim().is_empty() {
            return Err(Refusal::invalid(
                "the command",
                "nobody is named as giving it",
                "say who gives the command",
            )
            .into());
        }
        // A command that panicked changed nothing, so what comes next finds the state whole.
        let _alone = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let name = command.name();
        let outcome = command.carry_out(State::clone(&state), now)?;
        let differences = persist::differences(&state, &outcome.state)?;
        let next = outcome.state;
        let published = next.published.as_deref();
        let is_new = next.published != state.published;
        let entry = Entry {
            number: 0,
            at: now,
            who: who.to_owned(),
            command: name.to_owned(),
            changes: differences.shown,
            warnings: outcome.warnings,
            previous: String::new(),
        };
        let published = published.filter(|_| is_new);
        let entry = self.trees.commit(entry, &differences.stored, published)?;
        self.state.store(Arc::new(next));
        tracing::info!(number = entry.number, command = name, "registry changed");
        Ok(entry)
    }

    /// The octets of the rules as published under this version; all versions are kept.
    ///
    /// # Errors
    /// When the store fails.
    pub fn published_rules(&self, version: u64) -> Result<Option<Bytes>, Error> {
        self.trees.octets(version)
    }

    /// The newest entries of the audit trail first, below a number if one is given.
    ///
    /// # Errors
    /// When the store fails or an entry cannot be read.
    pub fn trail(&self, below: Option<u64>, count_max: usize) -> Result<Vec<Entry>, Error> {
        self.trees.trail(below, count_max)
    }

    /// Checks the whole audit trail; answers how many entries it has.
    ///
    /// # Errors
    /// When an entry is missing, altered or out of place, or the store fails.
    pub fn check_trail(&self) -> Result<u64, Error> {
        self.trees.check_trail()
    }
}

#[cfg(test)]
mod tests;
