//! Progress of long work on standard error: on a terminal a line that changes, elsewhere a line at times.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::clock;

/// Tells how far the work is, once it takes long.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    began: Instant,
    told: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            began: clock::instant(),
            told: None,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// So many of all; units are of no matter.
    pub(super) fn tell(&mut self, done: u64, all: u64) {
        let Some(line) = self.line(done, all, self.began.elapsed()) else {
            return;
        };
        self.told = Some(clock::instant());
        // Nobody may be watching.
        let _closed = std::io::stderr().write_all(line.as_bytes());
    }

    /// What is to be told by now, if anything is.
    fn line(&self, done: u64, all: u64, took: Duration) -> Option<String> {
        let (patience, pause) = match self.is_terminal {
            true => (PATIENCE, PAUSE),
            false => (LINE_PAUSE, LINE_PAUSE),
        };
        let is_early = self.told.is_some_and(|told| told.elapsed() < pause);
        if all == 0 || took < patience || is_early {
            return None;
        }
        let percent = done.saturating_mul(100).div_euclid(all);
        let seconds = took.as_secs();
        let text = format!("{}: {percent} % after {seconds} s", self.what);
        Some(match self.is_terminal {
            true => format!("\r{text} "),
            false => format!("{text}\n"),
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.told.is_some() {
            let _closed = write!(std::io::stderr(), "\r{:40}\r", "");
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);
/// A log of what a program did has a line for each.
const LINE_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_terminal: bool, seconds: u64, told: bool, expected: Option<&str>) {
        let progress = Progress {
            what: "records",
            began: clock::instant(),
            told: told.then(clock::instant),
            is_terminal,
        };
        let line = progress.line(1, 4, Duration::from_secs(seconds));
        assert_eq!(line.as_deref(), expected);
    }

    #[test]
    fn tells_a_terminal_soon_and_a_file_a_line_at_times() {
        check(true, 1, false, None);
        check(true, 3, false, Some("\rrecords: 25 % after 3 s "));
        check(true, 3, true, None);
        check(false, 3, false, None);
        check(false, 40, false, Some("records: 25 % after 40 s\n"));
        check(false, 40, true, None);
        let nothing = Progress::new("records").line(0, 0, Duration::from_secs(99));
        assert_eq!(nothing, None);
    }
}
