//! `karvan bench evidence`: what the log carries, and what is made of it costs.
//!
//! Each part stands beside what was measured in the same run and bounds it: appending beside bare
//! segments, exchanges beside exchanges without the extras, documents beside their compression and
//! their signatures, proofs beside reading their tiles. Logs are written where temporary files go
//! (`TMPDIR`): on a file system in memory nothing is durable, and the figures say nothing.
//!
//! * `append`: durable records a second, with and without tree and encryption
//! * `exchanges`: the load with the log in memory, durable, and with tree, stamps and witnesses; octets on disk
//! * `documents`: signed documents made and verified
//! * `tree`: opening a large log, and proofs from it
//! * `opened`: one opening in a process of its own
//! * `made`: records with real signatures, and a configuration by which they verify
//! * `threads`: what the log's threads use of the processors
//! * `report`: the figures, for people and for programs

mod append;
mod documents;
mod exchanges;
pub(super) mod made;
mod opened;
mod report;
mod threads;
mod tree;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::case::Case;
use super::{Error, folder, measure};
use report::Report;

/// What the user asked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Measure this part only; may be repeated.
    #[arg(long, value_enum, value_name = "PART")]
    part: Vec<Part>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// How many records the log has that is opened and proved from; 10000000 takes minutes.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(2..))]
    records: u64,
    /// How long each measurement takes. Seconds, with a fraction if need be.
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// How often the load is measured with the extras off and on, in turns.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests under way at a time, under load.
    #[arg(long, value_name = "N", default_value_t = 48)]
    clients: usize,
    /// The load: a case as of `karvan bench`.
    #[arg(long, value_name = "NAME", default_value = "rest-2k-p256")]
    case: Case,
    /// Open the log of another bench, and say how long it took.
    #[arg(long, value_name = "DIR", hide = true)]
    opened: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Durable records a second.
    Append,
    /// Exchanges a second with the extras of the log on and off, and octets on disk.
    Exchanges,
    /// Signed documents made and verified.
    Documents,
    /// Opening a large log, and proofs from its tree.
    Tree,
}

/// Measures and prints.
pub(super) async fn run(options: Options) -> Result<(), Error> {
    if let Some(dir) = &options.opened {
        return opened::run(dir).await;
    }
    let wanted = |part| options.part.is_empty() || options.part.contains(&part);
    let mut report = Report::new(options.json).map_err(Error::Output)?;
    if wanted(Part::Append) {
        let figures = append::run(options.seconds.saturating_mul(2)).await?;
        report.append(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Exchanges) {
        let figures = exchanges::run(&options).await?;
        report.exchanges(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Documents) {
        let figures = documents::run(options.seconds).await?;
        report.documents(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Tree) {
        let figures = tree::run(options.records).await?;
        report.tree(figures).map_err(Error::Output)?;
    }
    report.end().map_err(Error::Output)
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        Ok(_) | Err(_) => Err("not a time that can be measured".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::seconds;

    #[test]
    fn takes_fractions_of_seconds_and_no_empty_times() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("3"), Ok(Duration::from_secs(3)));
        for wrong in ["0", "-1", "NaN", "1e300", "x", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
