//! `karvan audit rules`: what other rules would have made of the requests of a day.
//!
//! * `candidate`: the rules that are tried
//! * `compare`: one request under both, and the counts of all
//!
//! Each request of the logs is decided twice as of its time: by the rules in force then, and by those
//! that are tried. Neither is told what the feed said, how often something had been used, or what the
//! access rights name, so both take a consent that verifies as not revoked and the case that is named
//! as open: what is reported are the differences between the rules, and nothing else. Nobody's number
//! is printed, nothing is called and nothing written.

mod candidate;
mod compare;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use certs_keys::{Digest, DigestAlgorithm, Hasher};
use clap::Args;
use gateway_exchange::Clock as _;
use gateway_messagelog::audit::{ConfHistory, Filter, InUse, Reader, Unreadable};
use gateway_messagelog::{Direction, Entry, Record, Refusal, Side};
use gateway_policy::rules::{Finding, Rules};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use self::candidate::Candidate;
use self::compare::{Answer, Compared, Counted, Question, answer};
use super::basis::{Groups, KnownRules, Published};
use super::documents::printable;
use super::progress::Progress;
use super::{Error, keys, log_folder, print};
use crate::clock::SystemClock;

/// Rules, and the requests they are tried on.
#[derive(Clone, Debug, Args)]
pub(crate) struct DryRun {
    /// Data folders of nodes. A request that several of them have logged counts once.
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// The rules that are tried, as a whole: a rules part.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "rule",
        required_unless_present = "rule"
    )]
    part: Option<PathBuf>,
    /// A rule, or an array of rules, put into the newest rules that these nodes know, in place of those
    /// with the same id; may be repeated.
    #[arg(long, value_name = "FILE")]
    rule: Vec<PathBuf>,
    /// Logged at this time or later; by default the beginning of yesterday, UTC.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Logged at this time or before; by default the end of yesterday, UTC.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// End with 1 when something that was allowed would be refused.
    #[arg(long)]
    fail_on_refusal: bool,
    /// The key of a sealed log, `name=file`; may be repeated.
    #[arg(long, value_name = "NAME=FILE")]
    key: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// What came out.
#[derive(Debug)]
struct Report {
    since: Timestamp,
    until: Timestamp,
    /// Versions of the rules in force meanwhile, as far as requests met them.
    then: Vec<u64>,
    tried: Tried,
    /// What is said against the rules that are tried, and not against those they come from.
    findings: Vec<Finding>,
    counted: Counted,
    /// Requests refused for their basis then; nothing of them is kept that could be decided again.
    refused_then: BTreeMap<(String, String, String), u64>,
    unreadable: Vec<String>,
}

/// Which rules were tried.
#[derive(Debug)]
struct Tried {
    version: u64,
    sha256: String,
    rules: usize,
}

/// `false` when something would be refused that was allowed, and that was asked for.
pub(crate) fn run(arguments: &DryRun) -> Result<bool, Error> {
    let report = arguments.report()?;
    let is_refused = report.counted.newly_refused() > 0;
    match arguments.json {
        true => print(&format!("{}\n", report.json()))?,
        false => print(&report.text())?,
    }
    Ok(report.unreadable.is_empty() && !(arguments.fail_on_refusal && is_refused))
}

impl DryRun {
    fn report(&self) -> Result<Report, Error> {
        let (since, until) = self.span()?;
        let mut logs = Vec::new();
        for data in &self.data {
            let folder = log_folder(data);
            let protection = keys::protection(&self.key)?;
            let reader = Reader::open_with(&folder, protection).map_err(Error::Log)?;
            let history = reader.history().map_err(Error::Log)?;
            logs.push((reader, history));
        }
        let mut trying = Trying {
            known: KnownRules::default(),
            candidate: self.candidate(&logs)?,
            compared: BTreeMap::new(),
            then: Vec::new(),
        };
        let mut report = Report {
            since,
            until,
            then: Vec::new(),
            tried: Tried::of(&trying.candidate.rules),
            findings: std::mem::take(&mut trying.candidate.findings),
            counted: Counted::default(),
            refused_then: BTreeMap::new(),
            unreadable: Vec::new(),
        };
        let filter = Filter {
            from: Some(since),
            until: Some(until),
            ..Filter::default()
        };
        let mut progress = Progress::new("logs");
        let all = u64::try_from(logs.len()).unwrap_or(u64::MAX);
        for (done, (reader, history)) in (0..).zip(&logs) {
            progress.tell(done, all);
            for entry in reader.search(&filter).map_err(Error::Log)? {
                match entry {
                    Ok(logged) => match &logged.entry {
                        Entry::Message(record) => trying.message(record, history),
                        Entry::Refusal(refusal) => report.refused(refusal),
                        Entry::Stamp(_) => {}
                    },
                    Err(Unreadable::Erased { .. }) => {}
                    Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
                    Err(damage) => report.unreadable.push(damage.to_string()),
                }
            }
        }
        report.then = trying.then;
        for (_, compared) in trying.compared.into_values() {
            report.counted.count(compared);
        }
        Ok(report)
    }

    /// Yesterday, where nothing else is said.
    fn span(&self) -> Result<(Timestamp, Timestamp), Error> {
        let today = SystemClock.now().to_zoned(TimeZone::UTC).start_of_day();
        let yesterday = today
            .and_then(|today| Ok((today.checked_sub(1.day())?.timestamp(), today.timestamp())));
        let (begin, end) = yesterday.map_err(|error| Error::Use(error.to_string()))?;
        let last = end.checked_sub(1.nanosecond());
        let last = last.map_err(|error| Error::Use(error.to_string()))?;
        let (since, until) = match (self.since, self.until) {
            (None, None) => (begin, last),
            (Some(since), None) => (since, SystemClock.now().max(since)),
            (None, Some(until)) => (begin.min(until), until),
            (Some(since), Some(until)) => (since, until),
        };
        match since <= until {
            true => Ok((since, until)),
            false => Err(Error::Use(format!("{since} is after {until}"))),
        }
    }

    fn candidate(&self, logs: &[(Reader, ConfHistory)]) -> Result<Candidate, Error> {
        let mut newest: Option<InUse> = None;
        for (_, history) in logs {
            let last = history.at(Timestamp::MAX).map_err(Error::Log)?;
            if let Some(last) = last.into_iter().next()
                && newest.as_ref().is_none_or(|known| known.from < last.from)
            {
                newest = Some(last);
            }
        }
        let Some(newest) = newest else {
            return Err(Error::Use(
                "these nodes have kept no configuration, so neither their instance nor their rules \
                 are known"
                    .to_owned(),
            ));
        };
        match &self.part {
            Some(path) => Candidate::whole(path, newest.snapshot.instance()),
            None => match KnownRules::default().of(&newest.hash, &newest.snapshot) {
                Published::Rules(rules) => Candidate::with(&rules, &self.rule),
                Published::Nothing => Err(Error::Use(
                    "the registry publishes no rules that these could be put into: give a whole \
                     part with --part"
                        .to_owned(),
                )),
                Published::Unreadable(reason) => Err(Error::Use(format!(
                    "the newest rules of these nodes cannot be read: {reason}"
                ))),
            },
        }
    }
}

/// Logs, being gone through.
struct Trying {
    known: KnownRules,
    candidate: Candidate,
    /// By what travelled: the same request stands in the logs of both sides.
    compared: BTreeMap<Vec<u8>, (Side, Compared)>,
    then: Vec<u64>,
}

impl Trying {
    fn message(&mut self, record: &Record, history: &ConfHistory) {
        if record.direction == Direction::Response {
            return;
        }
        let travelled = travelled(record);
        // The provider's node knew more, and its answer counted.
        let known = self.compared.get(&travelled).map(|(side, _)| *side);
        if known.is_some_and(|side| side == Side::Provider || record.side == Side::Consumer) {
            return;
        }
        let compared = self.compare(record, history);
        self.compared.insert(travelled, (record.side, compared));
    }

    fn compare(&mut self, record: &Record, history: &ConfHistory) -> Compared {
        let found = history.at(record.time).unwrap_or_default();
        let noted = record.basis.as_deref().map(|basis| basis.rules_version);
        let mut in_force: Vec<(&InUse, Published)> = found
            .iter()
            .map(|in_use| (in_use, self.known.of(&in_use.hash, &in_use.snapshot)))
            .collect();
        // The ones by which it was decided, where that was noted.
        let at = noted.and_then(|version| {
            let mut all = in_force.iter();
            all.position(|(_, published)| published.has_version(version))
        });
        if in_force.is_empty() {
            return Compared::unknown(record, "no configuration of that day was kept");
        }
        let (in_use, published) = in_force.swap_remove(at.unwrap_or(0));
        let question = match Question::of(record, &in_use.snapshot) {
            Ok(question) => question,
            Err(reason) => return Compared::unknown(record, &reason),
        };
        let groups = Groups(&in_use.snapshot);
        let then = match &published {
            Published::Nothing => Answer::WithoutRules,
            Published::Unreadable(_) => {
                return Compared::unknown(record, "the rules of that day cannot be read");
            }
            Published::Rules(rules) => {
                let version = rules.part().version;
                if !self.then.contains(&version) {
                    self.then.push(version);
                }
                answer(&question, rules, &groups)
            }
        };
        let tried = answer(&question, &self.candidate.rules, &groups);
        Compared::of(record, &question, then, tried)
    }
}

impl Tried {
    fn of(rules: &Rules) -> Self {
        Self {
            version: rules.part().version,
            sha256: hex::encode(rules.digest().as_bytes()),
            rules: rules.part().rules.len(),
        }
    }
}

impl Report {
    fn refused(&mut self, refusal: &Refusal) {
        let is_basis = refusal.code.split('.').any(|part| part == "basis");
        if !is_basis {
            return;
        }
        let text = |name: Option<String>| name.unwrap_or_else(|| "?".to_owned());
        let key = (
            text(refusal.client.as_ref().map(ToString::to_string)),
            text(refusal.service.as_ref().map(ToString::to_string)),
            refusal.code.clone(),
        );
        let count = self.refused_then.entry(key).or_default();
        *count = count.saturating_add(1);
    }

    fn text(&self) -> String {
        let Tried {
            version,
            sha256,
            rules,
        } = &self.tried;
        let then: Vec<String> = self.then.iter().map(ToString::to_string).collect();
        let then = match then.is_empty() {
            true => "no rules".to_owned(),
            false => format!("the rules {}", then.join(", ")),
        };
        let mut text = format!(
            "requests logged from {} to {}\ndecided by {then}, and again by rules tried as version \
             {version} ({rules} rules, SHA-256 {sha256})\n",
            self.since, self.until
        );
        for finding in &self.findings {
            text.push_str(&format!("warning  {}\n", printable(&finding.to_string())));
        }
        text.push_str(&self.counted.text());
        let refused = self.refused_then.iter();
        for ((client, service, code), count) in refused {
            text.push_str(&format!(
                "refused then     {count:>6}  {client} → {service}  {}: not kept, so not tried\n",
                printable(code)
            ));
        }
        for place in &self.unreadable {
            text.push_str(&format!("FAIL {place}: it may be a request\n"));
        }
        text.push_str(ASSUMED);
        text
    }

    fn json(&self) -> serde_json::Value {
        let refused = self.refused_then.iter();
        json!({
            "since": self.since.to_string(),
            "until": self.until.to_string(),
            "rules_then": self.then,
            "tried": {
                "version": self.tried.version,
                "sha256": self.tried.sha256,
                "rules": self.tried.rules,
            },
            "warnings": self.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "counts": self.counted.counts(),
            "changes": self.counted.changes(),
            "not_tried": self.counted.unknown(),
            "refused_then": refused.map(|((client, service, code), count)| json!({
                "client": client, "service": service, "code": code, "count": count,
            })).collect::<Vec<_>>(),
            "unreadable": self.unreadable,
            "assumed": ASSUMED.trim_end(),
        })
    }
}

/// A hash over what travelled of a message.
fn travelled(record: &Record) -> Vec<u8> {
    let message = record.message_digest;
    let message = message.unwrap_or_else(|| Digest::of(DigestAlgorithm::Sha512, &record.message));
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(message.as_bytes());
    hasher.update(Digest::of(DigestAlgorithm::Sha256, &record.signature).as_bytes());
    hasher.finish().as_bytes().to_vec()
}

const ASSUMED: &str = "taken for granted on both sides: a consent that verifies was not revoked, the case that is \
     named was open, nothing was used up\n";
