//! The digests that a hash chain states for parts, and where: what was signed of a part that was not
//! kept.
//!
//! Nothing is judged here; that the chain leads to its result is found out by `gateway-seal`, which
//! recomputes it. Only steps that the result leads to are read: others are signed by nobody.

use std::collections::{HashMap, HashSet};

use certs_keys::Digest;
use gateway_xml::{Document, Limits};

use super::structure;

/// The parts that a chain names, each with the digest stated for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// In the order of the chain, each pair once.
    parts: Vec<(String, Digest)>,
    /// By name; `None` where several differ.
    only: HashMap<String, Option<Digest>>,
    /// The steps that name parts, with the names of their entries in order, where they have one.
    steps: Vec<Vec<Option<String>>>,
}

/// The parts that the result leads to; nothing when the documents cannot be read.
pub(super) fn digests(result: &[u8], chain: &[u8]) -> Stated {
    read(result, chain).unwrap_or_default()
}

impl Stated {
    /// All parts with their digests, in the order of the chain. A part of which the chain states
    /// several digests comes with each.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, &Digest)> {
        self.parts.iter().map(|(uri, digest)| (&**uri, digest))
    }

    /// The one digest that is stated for a part; `None` when there is none, or several that differ.
    pub(super) fn only(&self, uri: &str) -> Option<&Digest> {
        self.only.get(uri)?.as_ref()
    }

    /// The steps that name parts: of each entry the name, `None` for one without.
    pub(super) fn steps(&self) -> &[Vec<Option<String>>] {
        &self.steps
    }

    fn of(all: Vec<(String, Digest)>, steps: Vec<Vec<Option<String>>>) -> Self {
        let mut seen = HashSet::new();
        let mut stated = Self {
            steps,
            ..Self::default()
        };
        for (uri, digest) in all {
            if !seen.insert((uri.clone(), digest)) {
                continue;
            }
            let only = stated.only.entry(uri.clone());
            only.and_modify(|only| *only = None).or_insert(Some(digest));
            stated.parts.push((uri, digest));
        }
        stated
    }

    #[cfg(test)]
    pub(super) fn of_steps(steps: Vec<Vec<Option<String>>>) -> Self {
        Self::of(Vec::new(), steps)
    }
}

fn read(result: &[u8], chain: &[u8]) -> Option<Stated> {
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
    let mut named = Vec::new();
    let mut ahead = vec![first];
    while let Some(id) = ahead.pop() {
        // Taken out: a step that is referred to twice is read once.
        let Some(step) = steps.remove(id) else {
            continue;
        };
        let mut names = Vec::new();
        for entry in step.children() {
            names.push(match entry.local_name() {
                "StepRef" => {
                    ahead.push(entry.attribute("", "URI")?.strip_prefix('#')?);
                    None
                }
                "DataRef" => {
                    let uri = entry.attribute("", "URI")?.to_owned();
                    stated.push((uri.clone(), structure::digest(entry, default)?));
                    Some(uri)
                }
                _ => None,
            });
        }
        if names.iter().any(Option::is_some) {
            named.push(names);
        }
    }
    Some(Stated::of(stated, named))
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
