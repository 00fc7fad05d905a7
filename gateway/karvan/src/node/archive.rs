//! Archiving: the background task, and what operators hear of it.

mod settings;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use gateway_evidence::archive::{self, Archiver, Options, Watch};
use gateway_exchange::Node;
use jiff::Timestamp;

pub(super) use self::settings::{check, envelopes, options};
use crate::causes::with_causes;
use crate::config::node as file;
use crate::service::Stop;

/// Archives the log from time to time.
#[derive(Debug)]
pub(super) struct Archiving {
    archiver: Archiver,
    node: Arc<Node>,
    interval: Duration,
}

impl Archiving {
    /// Nothing is done yet.
    pub(super) fn new(values: &file::Node, options: Options, node: Arc<Node>) -> Self {
        Self {
            archiver: Archiver::new(node.log.clone(), options),
            node,
            interval: Duration::from_secs(values.archive.interval_seconds),
        }
    }

    /// For those who want to see how it goes.
    pub(super) fn watch(&self) -> Watch {
        self.archiver.watch()
    }

    /// Archives until told to stop; a run that is under way is given up, and made good by the next.
    pub(super) async fn run(mut self, mut stop: Stop) {
        let mut pause = self.until_due();
        let mut are_gone = false;
        while stop.sleep(pause).await {
            let now = self.node.clock.now();
            let stopped = stop.clone().wait();
            let run = tokio::select! {
                run = self.run_once(now, &mut are_gone) => run,
                () = stopped => return,
            };
            pause = self.after(run);
        }
    }

    /// One run. The first that ends well has shown that this is the log which was archived, and the
    /// journal has followed it since the start: what no record of it names may go.
    async fn run_once(
        &mut self,
        now: Timestamp,
        are_gone: &mut bool,
    ) -> Result<archive::Made, archive::Error> {
        let made = self.archiver.once(now).await?;
        // A long log is still being read for them: after a later run.
        if !*are_gone && self.node.log.orphans().is_some() {
            match self.node.log.remove_orphans().await {
                Ok(_) => *are_gone = true,
                Err(error) => tracing::warn!(
                    "contents that no record names cannot be removed: {}",
                    with_causes(&error)
                ),
            }
        }
        Ok(made)
    }

    /// A restart neither hastens nor delays the next run.
    fn until_due(&self) -> Duration {
        let Ok(Some(last)) = self.archiver.last_run() else {
            return FIRST.min(self.interval);
        };
        let passed = self.node.clock.now().duration_since(last);
        let passed = Duration::try_from(passed).unwrap_or_default();
        self.interval
            .saturating_sub(passed)
            .max(FIRST.min(self.interval))
    }

    /// What failed is tried again sooner.
    fn after(&self, run: Result<archive::Made, archive::Error>) -> Duration {
        let status = self.archiver.watch().status();
        let failed = match run {
            Ok(made) => {
                let erased = made.erased.records;
                if made.files > 0 || erased > 0 {
                    tracing::info!(
                        files = made.files,
                        messages = made.messages,
                        bytes = made.bytes,
                        erased,
                        "archived"
                    );
                }
                status.pending > 0 || status.is_command_due
            }
            Err(error) => {
                tracing::error!("archiving failed: {}", with_causes(&error));
                true
            }
        };
        match failed {
            true => RETRY.min(self.interval),
            false => self.interval,
        }
    }
}

/// What an operator has to know of archiving, when it is not as it should be.
pub(super) fn remarks(watch: &Watch) -> String {
    let status = watch.status();
    let mut text = String::new();
    if let Some(failure) = &status.failure {
        let _infallible = writeln!(
            text,
            "degraded: the log is archived up to entry {} only: {failure}",
            status.archived_until
        );
    }
    if let Some(left_out) = &status.left_out {
        let _infallible = writeln!(
            text,
            "degraded: {} messages cannot be archived and stay in the log; the first is entry {}: {}",
            left_out.messages, left_out.first, left_out.reason
        );
    }
    if status.pending > 0 || status.is_command_due {
        let _infallible = write!(
            text,
            "degraded: {} archive files wait for the store",
            status.pending
        );
        if status.is_command_due {
            text.push_str(", and the transfer command has not done its work");
        }
        if let Some((time, reason)) = &status.transfer_failure {
            let _infallible = write!(text, "; failed at {time:.0}: {reason}");
        }
        text.push('\n');
    }
    text
}

/// The rest of starting goes first.
const FIRST: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(600);
