//! The digests that a hash chain states for parts: what was signed of a part that was not kept.
//!
//! Nothing is judged here; that the chain leads to its result is found out by `gateway-seal`, which
//! recomputes it. Only steps that the result leads to are read: others are signed by nobody.

use std::collections::HashMap;

use certs_keys::Digest;
use gateway_xml::{Document, Limits};

use super::structure;

/// A part with the digest that a chain states for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) uri: String,
    pub(super) digest: Digest,
}

/// The parts that the result leads to, in the order of the chain; nothing when the documents cannot
/// be read.
pub(super) fn digests(result: &[u8], chain: &[u8]) -> Vec<Stated> {
    read(result, chain).unwrap_or_default()
}

/// The one digest that is stated for a part; `None` when there is none, or several that differ.
pub(super) fn only<'s>(stated: &'s [Stated], uri: &str) -> Option<&'s Digest> {
    let mut digests = stated
        .iter()
        .filter(|stated| stated.uri == uri)
        .map(|stated| &stated.digest);
    let first = digests.next()?;
    digests.all(|other| other == first).then_some(first)
}

fn read(result: &[u8], chain: &[u8]) -> Option<Vec<Stated>> {
    let result = Document::parse(result, LIMITS).ok()?;
    let (_, first) = result.root().attribute("", "URI")?.split_once('#')?;
    let chain = Document::parse(chain, LIMITS).ok()?;
    let root = chain.root();
    let default = root
        .child(HASH_CHAIN, "DefaultDigestMethod")
        .and_then(structure::algorithm);
    let mut steps = HashMap::new();
    for step in root
        .children()
        .filter(|step| step.is(HASH_CHAIN, "HashStep"))
    {
        steps.insert(step.attribute("", "id")?, step);
    }
    let mut stated = Vec::new();
    let mut ahead = vec![first];
    while let Some(id) = ahead.pop() {
        // Taken out: a step that is referred to twice is read once.
        let Some(step) = steps.remove(id) else {
            continue;
        };
        for entry in step.children() {
            match entry.local_name() {
                "StepRef" => ahead.push(entry.attribute("", "URI")?.strip_prefix('#')?),
                "DataRef" => stated.push(Stated {
                    uri: entry.attribute("", "URI")?.to_owned(),
                    digest: structure::digest(entry, default)?,
                }),
                _ => {}
            }
        }
    }
    Some(stated)
}

const HASH_CHAIN: &str = "http://cyber.ee/hashchain";
/// As generous as the verification of chains.
const LIMITS: Limits = Limits {
    bytes_max: 4 << 20,
    depth_max: 16,
    nodes_max: 100_000,
    attributes_max: 16,
};

#[cfg(test)]
mod tests;
