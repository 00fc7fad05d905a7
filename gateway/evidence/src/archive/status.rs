//! What an operator sees of archiving.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::state::State;
use super::{Error, Made, transfer};
use crate::causes::Causes;
use crate::containers;

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
    /// Messages that are in no file, because no document can be made of them.
    pub left_out: Option<LeftOut>,
    /// Runs that failed.
    pub failures: u64,
    /// Files or commands that failed.
    pub transfer_failures: u64,
    /// What kept the last run from archiving; `None`: nothing did.
    pub failure: Option<String>,
    /// What kept a file from the store, or the command from its work, last.
    pub transfer_failure: Option<(Timestamp, String)>,
}

/// Messages that are in no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub messages: u64,
    /// The number of the first in the log.
    pub first: u64,
    /// Why no document can be made of it.
    pub reason: String,
}

/// The status of a running archiver; clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<Status>>);

impl LeftOut {
    /// Tells of one more, and counts it.
    pub(super) fn add(all: &mut Option<Self>, ordinal: u64, reason: &containers::Error) {
        let reason = Causes(reason).to_string();
        tracing::error!(ordinal, "a message cannot be archived: {reason}");
        match all {
            Some(all) => all.messages = all.messages.saturating_add(1),
            none => {
                *none = Some(Self {
                    messages: 1,
                    first: ordinal,
                    reason,
                });
            }
        }
    }
}

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
        let text = shown(&Causes(error).to_string());
        tracing::error!(what, "archive transfer failed: {text}");
        self.count_failure(format!("{what}: {text}"), now);
    }

    /// The same of the command. What it wrote may hold secrets of the operator's: it stands in the
    /// node's own log, and nowhere else.
    pub(super) fn command_failed(&self, error: &transfer::Failed, now: Timestamp) {
        let text = shown(&Causes(error).to_string());
        let output = error.output();
        tracing::error!(output, "archive transfer failed: {text}");
        self.count_failure(text, now);
    }

    fn count_failure(&self, text: String, now: Timestamp) {
        self.with(|status| {
            status.transfer_failures = status.transfer_failures.saturating_add(1);
            status.transfer_failure = Some((now, text));
        });
    }

    /// All that were left out before and cannot be archived now, either.
    pub(super) fn still_left_out(&self, left_out: Option<LeftOut>) {
        self.with(|status| status.left_out = left_out);
    }

    /// Told at once: archiving goes on.
    pub(super) fn left_out(&self, ordinal: u64, reason: &containers::Error) {
        self.with(|status| LeftOut::add(&mut status.left_out, ordinal, reason));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Status) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What others wrote, on one line and not too long.
fn shown(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = chars.by_ref().take(TEXT_CHARS_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

const TEXT_CHARS_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::{TEXT_CHARS_MAX, shown};

    #[test]
    fn what_others_wrote_stays_on_its_line_and_short() {
        assert_eq!(shown("a\nready\r\u{1b}[2J"), "a ready  [2J");
        let most = "ə".repeat(TEXT_CHARS_MAX);
        assert_eq!(shown(&most), most);
        assert_eq!(shown(&format!("{most}x")), format!("{most}…"));
    }
}
