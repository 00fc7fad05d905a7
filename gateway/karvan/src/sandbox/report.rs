//! What the sandbox tells its user.

use std::io::Write;

use super::story::Step;

/// Speaks on standard output, or keeps silent for `--json`.
#[derive(Debug)]
pub(crate) struct Narrator {
    silent: bool,
}

impl Narrator {
    pub(crate) fn new(silent: bool) -> Self {
        Self { silent }
    }

    /// A line of its own.
    pub(crate) fn say(&self, text: &str) {
        if !self.silent {
            // Nobody may be listening; that must not end the sandbox.
            let _closed = writeln!(std::io::stdout(), "{text}");
        }
    }

    pub(super) fn chapter(&self, title: &str) {
        self.say(&format!("\n{title}"));
    }

    pub(super) fn step(&self, step: &Step) {
        let mark = if step.ok { "ok  " } else { "FAIL" };
        self.say(&format!("  {mark} {:>8.1} ms  {}", step.ms, step.name));
        if step.ok {
            self.say(&format!("                    → {}", step.got));
        } else {
            self.say(&format!(
                "                    expected {}, got {}",
                step.expect, step.got
            ));
        }
    }
}
