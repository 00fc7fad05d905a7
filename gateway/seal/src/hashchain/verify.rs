//! From the documents back to the digests.

use std::collections::HashMap;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_xml::{Document, Limits, Node};

use super::{Error, step_with};
use crate::names::{DS, HASH_CHAIN, attachment_index};
use crate::structure::{digest_method, digest_value, sequence};

/// Verifies that the chain leads from all of `inputs` to the result.
///
/// `inputs`: names of parts with the digests of what was received. The chain is recomputed from
/// them: a digest that it states for a part is never used, nor looked at. Every input must be
/// referred to, and nothing else may be.
///
/// `chain_uri` is the name that the result must give to the chain (`/sig-hashchain.xml`).
///
/// # Errors
///
/// Says what does not hold.
pub fn verify(
    result: &[u8],
    chain: &[u8],
    chain_uri: &str,
    inputs: &[(String, Digest)],
) -> Result<(), Error> {
    let absent = verify_present(result, chain, chain_uri, inputs)?;
    if absent.is_empty() {
        Ok(())
    } else {
        Err(Error::Unresolvable)
    }
}

/// The same where attachments may be absent, as from an archived container: for those the digest
/// that the chain states is used. Their names are returned; nothing else may be absent.
///
/// # Errors
///
/// Says what does not hold.
pub fn verify_present(
    result: &[u8],
    chain: &[u8],
    chain_uri: &str,
    inputs: &[(String, Digest)],
) -> Result<Vec<String>, Error> {
    let result = Document::parse(result, LIMITS)?;
    let (expected, first) = read_result(result.root(), chain_uri)?;
    let chain = Document::parse(chain, LIMITS)?;
    let chain = Chain::read(chain.root())?;

    let unused = inputs
        .iter()
        .map(|(uri, digest)| (uri.as_str(), (*digest, false)))
        .collect();
    let mut walk = Walk {
        chain: &chain,
        inputs: unused,
        absent: Vec::new(),
        entries: 0,
    };
    let value = walk.step(first, expected.algorithm(), 0)?;
    if value != expected {
        return Err(Error::ResultMismatch);
    }
    // In the order of the parts, for a stable message.
    let is_unused = |uri: &str| walk.inputs.get(uri).is_none_or(|(_, used)| !used);
    match inputs.iter().find(|(uri, _)| is_unused(uri)) {
        Some((uri, _)) => Err(Error::UnusedInput { uri: uri.clone() }),
        None => Ok(walk.absent),
    }
}

/// The parts that a chain refers to, each with the algorithm of the digest it needs: what a
/// verifier of archived messages has to compute.
///
/// # Errors
///
/// When the chain cannot be read.
pub fn data_references(chain: &[u8]) -> Result<Vec<(String, DigestAlgorithm)>, Error> {
    let chain = Document::parse(chain, LIMITS)?;
    let chain = Chain::read(chain.root())?;
    let entries = chain.steps.values().flatten();
    Ok(entries
        .filter_map(|entry| match entry {
            Entry::Data { uri, stated } => Some(((*uri).to_owned(), stated.algorithm())),
            Entry::Value(_) | Entry::Step { .. } => None,
        })
        .collect())
}

struct Chain<'d> {
    steps: HashMap<&'d str, Vec<Entry<'d>>>,
}

enum Entry<'d> {
    Value(Digest),
    Step {
        id: &'d str,
        algorithm: DigestAlgorithm,
    },
    Data {
        uri: &'d str,
        stated: Digest,
    },
}

impl<'d> Chain<'d> {
    fn read(root: Node<'d>) -> Result<Self, Error> {
        if !root.is(HASH_CHAIN, "HashChain") {
            return Err("the chain is not a HashChain".into());
        }
        let mut children = sequence(root)?;
        let default = children
            .optional(HASH_CHAIN, "DefaultDigestMethod")
            .map(strong_method)
            .transpose()?;
        let mut steps = HashMap::new();
        while let Some(step) = children.optional(HASH_CHAIN, "HashStep") {
            let id = step.attribute("", "id").ok_or("a step without an id")?;
            let entries = read_entries(step, default)?;
            if steps.insert(id, entries).is_some() {
                return Err("two steps of the same id".into());
            }
        }
        children.finish()?;
        Ok(Self { steps })
    }
}

fn read_entries(step: Node<'_>, default: Option<DigestAlgorithm>) -> Result<Vec<Entry<'_>>, Error> {
    if step.has_text() {
        return Err("text between elements".into());
    }
    step.children()
        .map(|entry| read_entry(entry, default))
        .collect()
}

fn read_entry(entry: Node<'_>, default: Option<DigestAlgorithm>) -> Result<Entry<'_>, Error> {
    if entry.namespace() != HASH_CHAIN {
        return Err("an unknown entry of a step".into());
    }
    let mut children = sequence(entry)?;
    let own = children
        .optional(DS, "DigestMethod")
        .map(strong_method)
        .transpose()?;
    let algorithm = own.or(default).ok_or("an entry without a digest method")?;
    let uri = || {
        entry
            .attribute("", "URI")
            .ok_or("a reference without a URI")
    };
    let read = match entry.local_name() {
        "StepRef" => {
            // The chain itself is the only place where a step can be.
            let id = uri()?.strip_prefix('#').filter(|id| !id.is_empty());
            Entry::Step {
                id: id.ok_or(Error::NoSuchStep)?,
                algorithm,
            }
        }
        "HashValue" | "DataRef" => {
            // No transforms are known here; the element may stand there empty.
            if let Some(transforms) = children.optional(DS, "Transforms")
                && transforms.children().next().is_some()
            {
                return Err("transforms in a hash chain".into());
            }
            let value = children.required(DS, "DigestValue", "an entry without a digest value")?;
            let digest = digest_value(value, algorithm)?;
            match entry.local_name() {
                "HashValue" => Entry::Value(digest),
                _ => Entry::Data {
                    uri: uri()?,
                    stated: digest,
                },
            }
        }
        _ => return Err("an unknown entry of a step".into()),
    };
    children.finish()?;
    Ok(read)
}

fn read_result<'d>(root: Node<'d>, chain_uri: &str) -> Result<(Digest, &'d str), Error> {
    if !root.is(HASH_CHAIN, "HashChainResult") {
        return Err("the result is not a HashChainResult".into());
    }
    let uri = root.attribute("", "URI").ok_or("a result without a URI")?;
    let (base, step) = uri.split_once('#').ok_or(Error::NoSuchStep)?;
    if step.is_empty() {
        return Err(Error::NoSuchStep);
    }
    if base != chain_uri {
        return Err(Error::Unresolvable);
    }
    let mut children = sequence(root)?;
    let method = children.required(DS, "DigestMethod", "a result without a digest method")?;
    let value = children.required(DS, "DigestValue", "a result without a digest value")?;
    children.finish()?;
    Ok((digest_value(value, strong_method(method)?)?, step))
}

/// No producer ever used SHA-1 or SHA-224 here.
fn strong_method(node: Node<'_>) -> Result<DigestAlgorithm, &'static str> {
    let algorithm = digest_method(node)?;
    if algorithm.is_legacy() {
        Err("a weak digest algorithm")
    } else {
        Ok(algorithm)
    }
}

struct Walk<'w> {
    chain: &'w Chain<'w>,
    /// By name: the digest, and whether the chain refers to it.
    inputs: HashMap<&'w str, (Digest, bool)>,
    /// Attachments that were not received.
    absent: Vec<String>,
    /// Entries seen so far: a step may be referred to twice, which doubles the work each time.
    entries: usize,
}

impl Walk<'_> {
    fn step(
        &mut self,
        id: &str,
        algorithm: DigestAlgorithm,
        depth: usize,
    ) -> Result<Digest, Error> {
        if depth >= STEPS_DEEP_MAX {
            return Err(Error::Circular);
        }
        let chain = self.chain;
        let entries = chain.steps.get(id).ok_or(Error::NoSuchStep)?;
        let mut digests = Vec::with_capacity(entries.len());
        for entry in entries {
            self.entries = self.entries.saturating_add(1);
            if self.entries > ENTRIES_MAX {
                return Err(Error::Circular);
            }
            digests.push(match entry {
                Entry::Value(digest) => *digest,
                Entry::Step { id, algorithm } => {
                    self.step(id, *algorithm, depth.saturating_add(1))?
                }
                Entry::Data { uri, stated } => self.input(uri, stated)?,
            });
        }
        Ok(step_with(algorithm, &digests))
    }

    /// The digest of what was received under this name; for an attachment that was not, the stated
    /// one.
    fn input(&mut self, uri: &str, stated: &Digest) -> Result<Digest, Error> {
        match self.inputs.get_mut(uri) {
            Some((digest, used)) if digest.algorithm() == stated.algorithm() => {
                *used = true;
                Ok(*digest)
            }
            None if attachment_index(uri).is_some() => {
                self.absent.push(uri.to_owned());
                Ok(*stated)
            }
            _ => Err(Error::Unresolvable),
        }
    }
}

/// Generous: a chain of one message holds a digest per attachment and per level of the tree.
const LIMITS: Limits = Limits {
    bytes_max: 4 << 20,
    depth_max: 16,
    nodes_max: 100_000,
    attributes_max: 16,
};
/// A tree of this depth has more leaves than there are messages; beyond it is a circle.
const STEPS_DEEP_MAX: usize = 64;
/// Entries walked through, repetitions counted.
const ENTRIES_MAX: usize = 100_000;

#[cfg(test)]
mod tests;
