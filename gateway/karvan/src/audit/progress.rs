//! Progress of long work: on a terminal, and only once it takes long.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::clock;

/// Tells how far the work is.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    began: Instant,
    told: Option<Instant>,
    shown: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            began: clock::instant(),
            told: None,
            shown: std::io::stderr().is_terminal(),
        }
    }

    /// So many of all; units are of no matter.
    pub(super) fn tell(&mut self, done: u64, all: u64) {
        if !self.shown || all == 0 || self.began.elapsed() < PATIENCE {
            return;
        }
        if self.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        self.told = Some(clock::instant());
        let percent = done.saturating_mul(100).div_euclid(all);
        let seconds = self.began.elapsed().as_secs();
        // Nobody may be watching.
        let _closed = write!(
            std::io::stderr(),
            "\r{}: {percent} % after {seconds} s ",
            self.what
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _closed = write!(std::io::stderr(), "\r{:40}\r", "");
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);
