//! The end of the story: an auditor takes the evidence into his own hands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use gateway_messagelog::audit::Reader;
use gateway_messagelog::{Direction, Entry};
use gateway_tlog::checkpoint;
use serde::Serialize;

use super::report::Narrator;
use crate::audit::{self, Anchors, Error, file_error};
use crate::country::place::Place;
use crate::node::RunningNode;

/// What was exported and proved.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Evidence {
    /// Bundles of one exchange at one node, and the signed documents in them.
    bundles: u64,
    containers: u64,
    /// Records proved to be in the log of their node, and how many proofs others have cosigned.
    proved: u64,
    cosigned: u64,
    /// Logs that continue what they had signed halfway.
    consistent: u64,
    /// Pairs of nodes compared, and the messages that both sides hold.
    pairs: u64,
    matched: u64,
    /// What did not hold.
    failures: Vec<String>,
}

impl Evidence {
    /// Everything was exported and holds, and there was something.
    pub(crate) fn holds(&self) -> bool {
        let numbers = [
            self.containers,
            self.proved,
            self.cosigned,
            self.consistent,
            self.matched,
        ];
        self.failures.is_empty() && numbers.iter().all(|number| *number > 0)
    }

    /// Adds what was told already.
    pub(super) fn failures(&mut self, reasons: Vec<String>) {
        self.failures.extend(reasons);
    }

    pub(super) fn fail(&mut self, narrator: &Narrator, reason: String) {
        narrator.say(&format!("  FAIL {reason}"));
        self.failures.push(reason);
    }
}

/// Keeps the checkpoint that each node has signed halfway, over everything logged by then, as an auditor
/// would from an earlier visit. What comes back: whose could not be had, and why.
pub(super) async fn keep_checkpoints(
    place: &Place,
    nodes: &[RunningNode],
) -> Result<Vec<String>, Error> {
    let mut failures = Vec::new();
    for (plan, node) in place.plan().nodes.iter().zip(nodes) {
        let log = &node.node.log;
        let Some(tree) = log.tree() else {
            failures.push(format!("{}: the log has no tree", plan.name));
            continue;
        };
        if let Err(error) = tree.wait_for(log.last_ordinal()).await {
            failures.push(format!("{}: no checkpoint: {error}", plan.name));
        }
        let path = kept(place, plan.name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| file_error(folder, source))?;
        }
        std::fs::write(&path, tree.checkpoint()).map_err(|source| file_error(&path, source))?;
    }
    Ok(failures)
}

/// The anchor of the country, as the registry hands it out.
pub(super) fn anchors(place: &Place) -> Result<Option<Anchors>, Error> {
    Anchors::open(&[place.folder().join("anchor.xml")])
}

/// Has every message stamped, and the log of each node signed and cosigned with it in.
pub(super) async fn complete(nodes: &[RunningNode]) -> Vec<String> {
    let completed = join_all(nodes.iter().map(complete_node)).await;
    completed.into_iter().filter_map(Result::err).collect()
}

async fn complete_node(node: &RunningNode) -> Result<(), String> {
    let log = &node.node.log;
    let name = node.node.local.load().server.to_string();
    node.stamper
        .force(log.last_ordinal())
        .await
        .map_err(|error| format!("{name}: no time stamp: {error}"))?;
    let Some(tree) = log.tree() else {
        return Err(format!("{name}: the log has no tree"));
    };
    let size = log.last_ordinal();
    tree.wait_for(size)
        .await
        .map_err(|error| format!("{name}: no checkpoint: {error}"))?;
    for _ in 0..TRIES {
        let cosigned = tree.cosigned_checkpoint();
        let cosigned = cosigned.and_then(|note| checkpoint::open(&note, tree.log()).ok());
        if cosigned.is_some_and(|opened| opened.checkpoint().size() >= size) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(format!("{name}: no witness has cosigned the log"))
}

/// Exports and proves everything from the files alone, and compares every pair of logs.
pub(super) fn take(place: &Place, narrator: &Narrator) -> Result<Evidence, Error> {
    let mut evidence = Evidence::default();
    narrator.say(
        "\nThe auditor exports every exchange, and checks what he was given by the registry's anchor",
    );
    let anchors = anchors(place)?;
    for plan in place.plan().nodes {
        let data = place.node_folder(plan.name).join("data");
        let ids = exchanges(&data)?;
        let (bundles, containers) = (evidence.bundles, evidence.containers);
        for (number, id) in ids.iter().enumerate() {
            let out = place
                .folder()
                .join(FOLDER)
                .join(plan.name)
                .join(format!("{:03}.zip", number.saturating_add(1)));
            bundle(&data, id, &out, anchors.as_ref(), narrator, &mut evidence)?;
        }
        narrator.say(&format!(
            "  {:<6} {:>4} exchanges exported, {} signed documents verified",
            plan.name,
            evidence.bundles.saturating_sub(bundles),
            evidence.containers.saturating_sub(containers),
        ));
    }
    narrator.say(&format!(
        "  {} records proved to be in the log of their node, {} of the proofs cosigned by neighbours",
        evidence.proved, evidence.cosigned
    ));
    let mut grown = Vec::new();
    for plan in place.plan().nodes {
        let data = place.node_folder(plan.name).join("data");
        match audit::consistent(&kept(place, plan.name), &data, None)? {
            // Every log begins with an empty one: that would prove nothing.
            Ok(continued) if continued.old == 0 => {
                let reason = format!("{}: nothing had been signed halfway", plan.name);
                evidence.fail(narrator, reason);
            }
            Ok(continued) => {
                evidence.consistent = evidence.consistent.saturating_add(1);
                grown.push(format!(
                    "{} {} → {}",
                    plan.name, continued.old, continued.new
                ));
            }
            Err(reason) => evidence.fail(narrator, format!("{}: {reason}", plan.name)),
        }
    }
    narrator.say(&format!(
        "  {} logs continue what they had signed halfway, in entries: {}",
        evidence.consistent,
        grown.join(", ")
    ));
    pairs(place, narrator, &mut evidence)?;
    Ok(evidence)
}

/// The ids of all exchanges with a message in this log.
fn exchanges(data: &Path) -> Result<BTreeSet<String>, Error> {
    let reader = Reader::open(&data.join("log")).map_err(Error::Log)?;
    let entries = reader.entries().map_err(Error::Log)?;
    Ok(entries
        .filter_map(Result::ok)
        .filter_map(|logged| match logged.entry {
            Entry::Message(record) if record.direction == Direction::Request => {
                Some(record.message_id)
            }
            Entry::Message(_) | Entry::Refusal(_) | Entry::Stamp(_) => None,
        })
        .collect())
}

fn bundle(
    data: &Path,
    id: &str,
    out: &Path,
    anchors: Option<&Anchors>,
    narrator: &Narrator,
    evidence: &mut Evidence,
) -> Result<(), Error> {
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).map_err(|source| file_error(folder, source))?;
    }
    let bundled = audit::export(data, None, id, out)?;
    evidence.bundles = evidence.bundles.saturating_add(1);
    for missing in &bundled.missing {
        evidence.fail(narrator, format!("{id}: {missing}"));
    }
    match audit::bundle_holds(out, anchors)? {
        Ok(held) => {
            evidence.containers = evidence.containers.saturating_add(held.documents);
            evidence.proved = evidence.proved.saturating_add(held.proved);
            evidence.cosigned = evidence.cosigned.saturating_add(held.cosigned);
        }
        Err(reason) => evidence.fail(narrator, format!("{id}: {reason}")),
    }
    Ok(())
}

fn pairs(place: &Place, narrator: &Narrator, evidence: &mut Evidence) -> Result<(), Error> {
    let nodes = place.plan().nodes;
    let data = |name: &str| place.node_folder(name).join("data");
    for (index, a) in nodes.iter().enumerate() {
        for b in nodes.iter().skip(index.saturating_add(1)) {
            let comparison = audit::compare(&data(a.name), &data(b.name), None)?;
            evidence.pairs = evidence.pairs.saturating_add(1);
            evidence.matched = evidence.matched.saturating_add(comparison.matched);
            if !comparison.holds() {
                evidence.fail(narrator, comparison.text().trim_end().to_owned());
            }
        }
    }
    narrator.say(&format!(
        "  {} pairs of nodes compared: {} messages held by both sides, octet by octet",
        evidence.pairs, evidence.matched
    ));
    Ok(())
}

fn kept(place: &Place, node: &str) -> PathBuf {
    let folder = place.folder().join(FOLDER);
    folder.join(format!("{node}-halfway.checkpoint"))
}

/// Where bundles and checkpoints are put, in the folder of the country.
pub(super) const FOLDER: &str = "evidence";
/// Neighbours are asked every two seconds.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);
