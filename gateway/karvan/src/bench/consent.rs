//! `karvan bench consent`: what rules, consents and the journal cost.
//!
//! Each part stands beside what was measured in the same run and bounds it. Stores are written where
//! temporary files go (`TMPDIR`): on a file system in memory nothing is durable, and the figures say
//! nothing.
//!
//! * `check`: the step that finds the ground of a request, beside the bare signature of a consent
//! * `feed`: taking up all revocations
//! * `exchanges`: the load under rules and without any
//! * `revocation`: from the desk's answer to the first refusal
//! * `desk`: a large consent desk
//! * `journal`: a large journal, looked into by person
//! * `invented`: rules, persons, consents
//! * `country`: the country of the load, with its desk
//! * `report`: the figures, for people and for programs

mod check;
mod country;
mod desk;
mod exchanges;
mod feed;
mod invented;
mod journal;
mod report;
mod revocation;

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Error;
use super::case::Case;
use super::evidence::seconds;
use super::parts::part;
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
    /// How many consents are active.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    consents: u64,
    /// How many of them are signed for the check, spread over all; the rest only counts in the stores.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(4..))]
    signed: u64,
    /// How many consents were revoked.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    revoked: u64,
    /// How many rules are in force.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(20..))]
    rules: u64,
    /// How many entries the journal has that is looked into; 100000000 takes a quarter of an hour and
    /// 25 GB.
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    journal_records: u64,
    /// How long each measurement takes that has no number. Seconds, with a fraction if need be.
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// How often the load is measured without rules, by law and by consent, in turns.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests under way at a time, under load.
    #[arg(long, value_name = "N", default_value_t = 48)]
    clients: usize,
    /// How many revocations are timed at each node.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    revocations: u32,
    /// The load: one of the REST cases of `karvan bench`.
    #[arg(long, value_name = "NAME", default_value = "rest-2k-p256")]
    case: Case,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The step that finds the ground of a request.
    Check,
    /// Taking up all revocations.
    Feed,
    /// Exchanges a second under rules and without any.
    Exchanges,
    /// From the desk's answer to the first refusal.
    Revocation,
    /// A large consent desk.
    Desk,
    /// A large journal.
    Journal,
}

/// Measures and prints.
pub(super) async fn run(options: Options) -> Result<(), Error> {
    let wanted = |part| options.part.is_empty() || options.part.contains(&part);
    let mut report = Report::new(options.json).map_err(Error::Output)?;
    if wanted(Part::Check) {
        let figures = check::run(&options).await?;
        report.check(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Feed) {
        let revoked = options.revoked;
        let figures = blocking(move || feed::run(revoked)).await?;
        report.feed(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Exchanges) {
        let figures = exchanges::run(&options).await?;
        report.exchanges(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Revocation) {
        let figures = revocation::run(&options).await?;
        report.revocation(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Desk) {
        let asked = options.clone();
        let figures = blocking(move || desk::run(&asked)).await?;
        report.desk(figures).map_err(Error::Output)?;
    }
    if wanted(Part::Journal) {
        let (records, time) = (options.journal_records, options.seconds);
        let figures = blocking(move || journal::run(records, time)).await?;
        report.journal(figures).map_err(Error::Output)?;
    }
    report.end().map_err(Error::Output)
}

/// Off the executor's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| part(&error))?
}
