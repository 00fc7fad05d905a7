//! `karvan audit verify` on the log of a node: every record.

use std::path::Path;

use gateway_messagelog::audit::{Finding, Outcome, Reader, Verdict as Judged};
use gateway_messagelog::tree::Offline;
use gateway_messagelog::{Direction, Protection, Record};
use serde_json::{Value, json};

use super::basis::KnownRules;
use super::progress::Progress;
use super::{Error, Grounds, Tally, log_folder, show, tree};
use crate::causes::with_causes;

/// What came out for one log.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) tally: Tally,
    pub(super) failures: Vec<String>,
    /// The tree, when the log has one.
    tree: Option<Tree>,
}

/// What came out for the tree of a log.
#[derive(Debug)]
struct Tree {
    size: u64,
    /// Who signed the checkpoint, and whose word it is that the key is his.
    signed_by: Result<String, String>,
    /// The records give the root that was signed.
    holds: bool,
}

/// Checks every record, and that the records give the tree that was signed.
pub(super) fn verify(
    data: &Path,
    protection: Option<Protection>,
    log_key: Option<&str>,
) -> Result<Verdict, Error> {
    let mut failures = Vec::new();
    let tally = tally(data, protection, &mut |line| failures.push(line))?;
    let tree = tree(&log_folder(data), log_key, &mut failures)?;
    Ok(Verdict {
        tally,
        failures,
        tree,
    })
}

fn tree(
    folder: &Path,
    log_key: Option<&str>,
    failures: &mut Vec<String>,
) -> Result<Option<Tree>, Error> {
    if !tree::has_tree(folder) {
        if log_key.is_some() {
            failures.push("  FAIL the log has no checkpoint".to_owned());
        }
        return Ok(None);
    }
    let offline = match Offline::open(folder) {
        Ok(offline) => offline,
        Err(error) => {
            failures.push(format!(
                "  FAIL the tree of the log: {}",
                with_causes(&error)
            ));
            return Ok(None);
        }
    };
    let mut progress = Progress::new("tree");
    let checked = offline
        .check(|done, all| progress.tell(done, all))
        .map_err(Error::Tree)?;
    let root_holds = checked.computed == Some(checked.signed);
    if !root_holds {
        failures.push(format!(
            "  FAIL the records do not give the tree of {} entries that was signed: records were \
             changed, removed or exchanged",
            checked.size
        ));
    }
    let signed_by = tree::signer(folder, offline.note(), log_key);
    if let Err(reason) = &signed_by {
        failures.push(format!("  FAIL the checkpoint: {reason}"));
    }
    Ok(Some(Tree {
        size: checked.size,
        holds: root_holds && signed_by.is_ok(),
        signed_by,
    }))
}

impl Verdict {
    pub(super) fn holds(&self) -> bool {
        self.tally.failed == 0 && self.failures.is_empty()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.failures {
            text.push_str(line);
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
            "tree": self.tree.as_ref().map(|tree| json!({
                "size": tree.size,
                "holds": tree.holds,
                "signed_by": tree.signed_by.as_ref().ok(),
            })),
        })
    }
}

/// Checks every record of a node; tells each failure.
pub(crate) fn tally(
    data: &Path,
    protection: Option<Protection>,
    tell: &mut dyn FnMut(String),
) -> Result<Tally, Error> {
    let reader = Reader::open_with(&log_folder(data), protection).map_err(Error::Log)?;
    let history = reader.history().map_err(Error::Log)?;
    let mut tally = Tally::default();
    let mut audit = reader.audit(&history).map_err(Error::Log)?;
    let mut progress = Progress::new("records");
    let (mut rules, mut grounds) = (KnownRules::default(), Grounds::default());
    let mut add = |record: &Record, verdict: &mut Judged| {
        rules.check(record, verdict, &history);
        if record.direction == Direction::Request {
            grounds.count(record.basis.as_deref());
        }
    };
    while let Some(finding) = audit.next_with(&mut add) {
        let (done, all) = audit.progress();
        progress.tell(done, all);
        tally.records = tally.records.saturating_add(1);
        match &finding {
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
                tell(format!(
                    "  FAIL record {} ({}): {}",
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
                tell(format!("  FAIL record {ordinal} (time stamp): {reason}"));
            }
            Finding::Stamp { .. } => tally.stamps = tally.stamps.saturating_add(1),
            Finding::Erased { .. } => tally.erased = tally.erased.saturating_add(1),
            Finding::Unreadable(unreadable) => {
                tally.failed = tally.failed.saturating_add(1);
                tell(format!("  FAIL {unreadable}"));
            }
        }
    }
    tally.grounds = grounds;
    Ok(tally)
}
