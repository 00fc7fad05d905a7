//! What an operator sees of archiving.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::state::State;
use super::{Error, Made};
use crate::causes::Causes;

/// How archiving is going; counters count since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// When the last run ended.
    pub last_run: Option<Timestamp>,
    /// Every message up to this place of the log is in a file.
    pub archived_until: u64,
    /// Files made.
    pub files: u64,
    /// Messages in them.
    pub messages: u64,
    /// Their octets.
    pub bytes: u64,
    /// Files that the store has shown to have.
    pub transferred: u64,
    /// Files that are not in the store yet.
    pub pending: u64,
    /// The transfer command has not done its work since files were made.
    pub is_command_due: bool,
    /// Entries erased from the log.
    pub erased: u64,
    /// Runs that failed.
    pub failures: u64,
    /// Files or commands that failed.
    pub transfer_failures: u64,
    /// What kept the last run from archiving; `None`: nothing did.
    pub failure: Option<String>,
    /// What kept a file from the store, or the command from its work, last.
    pub transfer_failure: Option<(Timestamp, String)>,
}

/// The status of a running archiver; clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<Status>>);

impl Watch {
    /// As it is now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.with(|status| status.clone())
    }

    pub(super) fn saw(&self, state: &State) {
        self.with(|status| {
            status.archived_until = state.archived_until;
            status.pending = u64::try_from(state.pending.len()).unwrap_or(u64::MAX);
            status.is_command_due = state.command_due;
        });
    }

    pub(super) fn ran(&self, made: &Made, failed: Option<&Error>, now: Timestamp) {
        self.with(|status| {
            status.last_run = Some(now);
            status.files = status.files.saturating_add(made.files);
            status.messages = status.messages.saturating_add(made.messages);
            status.bytes = status.bytes.saturating_add(made.bytes);
            status.transferred = status.transferred.saturating_add(made.transferred);
            status.erased = status.erased.saturating_add(made.erased.records);
            if failed.is_some() {
                status.failures = status.failures.saturating_add(1);
            }
            status.failure = failed.map(|error| Causes(error).to_string());
        });
    }

    /// Told at once: archiving goes on.
    pub(super) fn transfer_failed(
        &self,
        what: &str,
        error: &(dyn std::error::Error + 'static),
        now: Timestamp,
    ) {
        let text = Causes(error).to_string();
        tracing::error!(what, "archive transfer failed: {text}");
        self.with(|status| {
            status.transfer_failures = status.transfer_failures.saturating_add(1);
            status.transfer_failure = Some((now, format!("{what}: {text}")));
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Status) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
