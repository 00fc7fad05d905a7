//! The figures, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::case::Case;
use super::load::Outcome;

/// Everything measured of a case.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) case: Case,
    pub(super) bound: f64,
    /// One client.
    pub(super) idle: Outcome,
    /// Under load.
    pub(super) busy: Outcome,
    pub(super) rss_consumer_mb: f64,
    pub(super) rss_provider_mb: f64,
}

impl Figures {
    fn ratio(&self) -> f64 {
        if self.bound > 0.0 {
            self.busy.exchanges_per_s / self.bound
        } else {
            0.0
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.case.to_string(),
            "protocol": self.case.protocol.to_string(),
            "body_bytes": self.case.body_bytes,
            "key": self.case.key.to_string(),
            "exchanges_per_s": round(self.busy.exchanges_per_s),
            "bound_per_s": round(self.bound),
            "ratio": round(self.ratio()),
            "p50_ms": round(self.idle.p50_ms),
            "p99_ms": round(self.idle.p99_ms),
            "p50_loaded_ms": round(self.busy.p50_ms),
            "p99_loaded_ms": round(self.busy.p99_ms),
            "rss_consumer_mb": round(self.rss_consumer_mb),
            "rss_provider_mb": round(self.rss_provider_mb),
        })
    }
}

pub(super) fn print_head() -> io::Result<()> {
    writeln!(
        io::stdout(),
        "{:<18}{:>12}{:>11}{:>7}{:>18}{:>18}{:>16}",
        "case",
        "exchanges/s",
        "bound/s",
        "ratio",
        "idle p50/p99 ms",
        "load p50/p99 ms",
        "RSS C/P MB"
    )
}

pub(super) fn print_line(figures: &Figures) -> io::Result<()> {
    writeln!(
        io::stdout(),
        "{:<18}{:>12.0}{:>11.0}{:>7.2}{:>18}{:>18}{:>16}",
        figures.case.to_string(),
        figures.busy.exchanges_per_s,
        figures.bound,
        figures.ratio(),
        format!("{:.2}/{:.2}", figures.idle.p50_ms, figures.idle.p99_ms),
        format!("{:.1}/{:.1}", figures.busy.p50_ms, figures.busy.p99_ms),
        format!(
            "{:.0}/{:.0}",
            figures.rss_consumer_mb, figures.rss_provider_mb
        ),
    )
}

pub(super) fn print_json(all: &[Figures]) -> io::Result<()> {
    let cases: Vec<Value> = all.iter().map(Figures::json).collect();
    writeln!(io::stdout(), "{}", json!({ "cases": cases }))
}

pub(super) fn print_other(outcome: &Outcome, as_json: bool) -> io::Result<()> {
    if as_json {
        let figures = json!({
            "exchanges_per_s": round(outcome.exchanges_per_s),
            "p50_ms": round(outcome.p50_ms),
            "p99_ms": round(outcome.p99_ms),
        });
        return writeln!(io::stdout(), "{figures}");
    }
    writeln!(
        io::stdout(),
        "{:.0} exchanges/s, p50 {:.2} ms, p99 {:.2} ms",
        outcome.exchanges_per_s,
        outcome.p50_ms,
        outcome.p99_ms
    )
}

/// The most memory a process has held. MB; 0 where the system does not say.
pub(super) fn rss_mb(pid: Option<u32>) -> f64 {
    let read = |pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok();
    let kilobytes = pid.and_then(read).and_then(|status| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<f64>()
            .ok()
    });
    kilobytes.unwrap_or(0.0) / 1024.0
}

pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
