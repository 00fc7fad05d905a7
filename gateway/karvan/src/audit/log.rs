//! `karvan audit verify` on the log of a node: every record.

use std::collections::BTreeSet;
use std::path::Path;

use gateway_messagelog::audit::{ConfHistory, Finding, Outcome, Reader, Verdict as Judged};
use gateway_messagelog::tree::Offline;
use gateway_messagelog::{Direction, Protection, Record};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::anchor::Anchors;
use super::approved::{self, Approved};
use super::basis::KnownRules;
use super::configuration::{Configuration, Origin};
use super::documents::{self, printable};
use super::progress::Progress;
use super::unread::Unread;
use super::{Error, Grounds, Tally, log_folder, show, tree};
use crate::causes::with_causes;

/// What came out for one log.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) tally: Tally,
    pub(crate) failures: Vec<String>,
    /// When the first and the last record that can be read were logged.
    times: Option<(Timestamp, Timestamp)>,
    /// The tree, when the log has one.
    tree: Option<Tree>,
    kept: Kept,
}

/// The configurations kept beside a log: by them its records are judged.
#[derive(Debug, Default)]
struct Kept {
    count: usize,
    /// How many of them an anchor vouches for; `None`: none was given.
    vouched: Option<usize>,
    /// Whom any of them approves.
    approved: BTreeSet<Approved>,
    /// What the anchor does not vouch for in them.
    warnings: BTreeSet<String>,
}

/// What came out for the tree of a log.
#[derive(Debug)]
struct Tree {
    size: u64,
    /// Who signed the checkpoint, and whose word it is that the key is his.
    signed_by: Result<String, String>,
    /// The records give the root that was signed.
    holds: bool,
    /// Of so many damaged records the digests are not from the log, but from the tree itself.
    from_tiles: u64,
}

/// Checks every record, and that the records give the tree that was signed.
pub(crate) fn verify(
    data: &Path,
    protection: Option<Protection>,
    anchors: Option<&Anchors>,
    log_key: Option<&str>,
) -> Result<Verdict, Error> {
    let reader = super::open(data, protection)?;
    let history = reader.history().map_err(Error::Log)?;
    let mut verdict = Verdict {
        tally: Tally::default(),
        failures: Vec::new(),
        times: None,
        tree: None,
        kept: Kept::default(),
    };
    verdict.records(&reader, &history)?;
    verdict.tree = tree(&log_folder(data), log_key, &mut verdict.failures)?;
    verdict.kept = Kept::of(&history, anchors, &mut verdict.failures);
    Ok(verdict)
}

impl Kept {
    fn of(history: &ConfHistory, anchors: Option<&Anchors>, failures: &mut Vec<String>) -> Self {
        let mut kept = Self {
            vouched: anchors.map(|_| 0),
            ..Self::default()
        };
        let hashes: BTreeSet<&str> = history.hashes().collect();
        for hash in hashes {
            kept.count = kept.count.saturating_add(1);
            let files = history.files(hash).map_err(|error| with_causes(&error));
            let configuration = files
                .and_then(|files| Configuration::of(&files, Origin::Log(hash.to_owned()), anchors));
            match configuration {
                Ok(configuration) => {
                    kept.approved
                        .extend(configuration.approved().iter().cloned());
                    kept.warnings.extend(configuration.warnings());
                    match (configuration.failure(), &mut kept.vouched) {
                        (Some(failure), _) => failures.push(failure),
                        (None, Some(vouched)) => *vouched = vouched.saturating_add(1),
                        (None, None) => {}
                    }
                }
                Err(reason) => failures.push(format!("the configuration {hash}: {reason}")),
            }
        }
        kept
    }

    fn text(&self) -> String {
        let mut text = format!(
            "judged by {} kept beside the log",
            configurations(self.count)
        );
        text.push_str(&match self.vouched {
            Some(vouched) => format!("; the registry signed {vouched} of them, by the anchor\n"),
            None => ": that they are the registry's is the word of whoever kept the log. Give the \
                     registry's\nanchor with --anchor, or compare whom they approve\n"
                .to_owned(),
        });
        for warning in &self.warnings {
            documents::line(&mut text, "warning", warning);
        }
        text.push_str(&approved::text(&self.approved));
        text
    }

    fn json(&self) -> Value {
        let mut document = json!({
            "kept": self.count,
            "vouched": self.vouched,
            "warnings": self.warnings,
        });
        if let Some(fields) = document.as_object_mut() {
            let approved = approved::json(&self.approved).into_iter();
            fields.extend(approved.map(|(name, value)| (name.to_owned(), value)));
        }
        document
    }
}

fn configurations(count: usize) -> String {
    match count {
        1 => "1 configuration".to_owned(),
        count => format!("{count} configurations"),
    }
}

fn tree(
    folder: &Path,
    log_key: Option<&str>,
    failures: &mut Vec<String>,
) -> Result<Option<Tree>, Error> {
    if !tree::has_tree(folder) {
        if log_key.is_some() {
            failures.push("the log has no checkpoint".to_owned());
        }
        return Ok(None);
    }
    let offline = match Offline::open(folder) {
        Ok(offline) => offline,
        Err(error) => {
            failures.push(format!("the tree of the log: {}", with_causes(&error)));
            return Ok(None);
        }
    };
    let mut progress = Progress::new("tree");
    let checked = match offline.check(|done, all| progress.tell(done, all)) {
        Ok(checked) => checked,
        Err(error) => {
            failures.push(format!("the tree of the log: {}", with_causes(&error)));
            return Ok(None);
        }
    };
    let root_holds = checked.computed == Some(checked.signed);
    if !root_holds {
        failures.push(format!(
            "the records do not give the tree of {} entries that was signed: records were \
             changed, removed or exchanged",
            checked.size
        ));
    }
    let signed_by = tree::signer(folder, offline.note(), log_key);
    if let Err(reason) = &signed_by {
        failures.push(format!("the checkpoint: {reason}"));
    }
    Ok(Some(Tree {
        size: checked.size,
        holds: root_holds && signed_by.is_ok(),
        from_tiles: checked.from_tiles,
        signed_by,
    }))
}

impl Verdict {
    pub(crate) fn holds(&self) -> bool {
        self.tally.failed == 0 && self.failures.is_empty()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for reason in &self.failures {
            text.push_str(&printable(&format!("  FAIL {reason}")));
            text.push('\n');
        }
        let Tally {
            records,
            verified,
            refusals,
            stamps,
            erased,
            failed,
            grounds,
        } = self.tally;
        if let Some(tree) = &self.tree {
            let verdict = if tree.holds { "holds" } else { "FAILS" };
            let by = tree.signed_by.as_deref().unwrap_or("nobody known");
            text.push_str(&format!(
                "tree of {} entries, signed by {by}: {verdict}\n",
                tree.size
            ));
            if tree.from_tiles > 0 {
                text.push_str(&format!(
                    "the digests of {} damaged records were taken from the tree itself\n",
                    tree.from_tiles
                ));
            }
        }
        text.push_str(&self.kept.text());
        if let Some((first, last)) = self.times {
            text.push_str(&format!("logged from {first:.3} to {last:.3}\n"));
        }
        text.push_str(&grounds.text().unwrap_or_default());
        text.push_str(&format!(
            "{records} records: {verified} verified, {stamps} time stamps, {refusals} refusals \
             noted, {erased} erased, {failed} failed\n"
        ));
        text
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "kind": "log",
            "ok": self.holds(),
            "tally": self.tally,
            "failures": self.failures,
            "first_time": self.times.map(|(first, _)| first.to_string()),
            "last_time": self.times.map(|(_, last)| last.to_string()),
            "configurations": self.kept.json(),
            "tree": self.tree.as_ref().map(|tree| json!({
                "size": tree.size,
                "holds": tree.holds,
                "from_tiles": tree.from_tiles,
                "signed_by": tree.signed_by.as_ref().ok(),
            })),
        })
    }

    /// Checks every record.
    fn records(&mut self, reader: &Reader, history: &ConfHistory) -> Result<(), Error> {
        let mut audit = reader.audit(history).map_err(Error::Log)?;
        let mut progress = Progress::new("records");
        let (mut rules, mut grounds) = (KnownRules::default(), Grounds::default());
        let mut add = |record: &Record, verdict: &mut Judged| {
            rules.check(record, verdict, history);
            if record.direction == Direction::Request {
                grounds.count(record.basis.as_deref());
            }
        };
        let mut unread = Unread::default();
        while let Some(finding) = audit.next_with(&mut add) {
            let (done, all) = audit.progress();
            progress.tell(done, all);
            self.tally.records = self.tally.records.saturating_add(1);
            self.time(&finding);
            self.finding(&finding, &mut unread);
        }
        self.failures.extend(unread.sealed());
        self.tally.grounds = grounds;
        Ok(())
    }

    /// Records of a log come nearly in the order of their times.
    fn time(&mut self, finding: &Finding) {
        let time = match finding {
            Finding::Message(verdict) => verdict.time,
            Finding::Refusal { refusal, .. } => refusal.time,
            Finding::Stamp { stamp, .. } => stamp.time,
            Finding::Erased { .. } | Finding::Unreadable(_) => return,
        };
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
    }

    fn finding(&mut self, finding: &Finding, unread: &mut Unread) {
        let tally = &mut self.tally;
        match finding {
            Finding::Message(verdict) if verdict.holds() => {
                tally.verified = tally.verified.saturating_add(1);
            }
            Finding::Message(verdict) => {
                tally.failed = tally.failed.saturating_add(1);
                let reasons: Vec<String> = verdict
                    .failures()
                    .map(|check| {
                        format!(
                            "{}: {}",
                            check.subject.name(),
                            show::outcome(&check.outcome)
                        )
                    })
                    .collect();
                self.failures.push(format!(
                    "record {} ({}): {}",
                    verdict.position.ordinal,
                    verdict.message_id,
                    reasons.join("; ")
                ));
            }
            Finding::Refusal { .. } => tally.refusals = tally.refusals.saturating_add(1),
            Finding::Stamp {
                position,
                outcome: Outcome::Fails(reason),
                ..
            } => {
                tally.failed = tally.failed.saturating_add(1);
                let ordinal = position.ordinal;
                self.failures
                    .push(format!("record {ordinal} (time stamp): {reason}"));
            }
            Finding::Stamp { .. } => tally.stamps = tally.stamps.saturating_add(1),
            Finding::Erased { .. } => tally.erased = tally.erased.saturating_add(1),
            Finding::Unreadable(unreadable) => {
                tally.failed = tally.failed.saturating_add(1);
                self.failures.extend(unread.add(unreadable));
            }
        }
    }
}
