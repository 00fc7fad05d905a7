//! From digests to the documents.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_xml::escape_attribute;

use super::{Error, step};
use crate::Parts;
use crate::encoding::base64;
use crate::names::{DS, HASH_CHAIN, attachment_uri};

/// Builds one tree over several messages, or over the parts of one: the result, common to all, and
/// a chain per message in their order.
///
/// `chain_uri` is the name of the chain (`/sig-hashchain.xml`), `data_uri` that of the first part
/// of each message (`/message.xml`; `/META-INF/signatures.xml` under a time stamp).
///
/// # Errors
///
/// When there is nothing to chain (no message, or one without attachments), or the digests are not
/// all of one algorithm.
pub fn build(
    messages: &[Parts],
    chain_uri: &str,
    data_uri: &str,
) -> Result<(Bytes, Vec<Bytes>), Error> {
    let first = match messages {
        [] => return Err(Error::NothingToChain),
        [only] if only.attachments.is_empty() => return Err(Error::NothingToChain),
        [first, ..] => first.message.algorithm(),
    };
    let digests = messages
        .iter()
        .flat_map(|parts| parts.attachments.iter().chain([&parts.message]));
    if let Some(other) = digests.map(Digest::algorithm).find(|other| *other != first) {
        return Err(Error::MixedAlgorithms { first, other });
    }
    let Some(tree) = Tree::over(messages) else {
        return Err(Error::NothingToChain);
    };
    let mut chains = Vec::with_capacity(messages.len());
    tree.write_chains(
        &mut Path {
            steps: Vec::new(),
            algorithm: first,
            data_uri,
        },
        &mut chains,
    );
    Ok((result(&tree.digest(), chain_uri), chains))
}

/// An inner node, or what one message contributes.
enum Tree<'m> {
    Leaf {
        parts: &'m Parts,
        digest: Digest,
    },
    Inner {
        digest: Digest,
        left: Box<Self>,
        right: Box<Self>,
    },
}

/// The way from the root to a node, as steps already written.
struct Path<'p> {
    /// The entries of each step.
    steps: Vec<String>,
    algorithm: DigestAlgorithm,
    data_uri: &'p str,
}

impl<'m> Tree<'m> {
    /// `None` without a message.
    fn over(messages: &'m [Parts]) -> Option<Self> {
        if let [parts] = messages {
            // A message with attachments is one step over its parts; without, its digest.
            let digest = match parts.attachments.is_empty() {
                true => parts.message,
                false => step(&part_digests(parts)),
            };
            return Some(Self::Leaf { parts, digest });
        }
        // The largest power of two smaller than the number of leaves (RFC 6962, section 2.1).
        let (left, right) =
            messages.split_at_checked(messages.len().div_ceil(2).next_power_of_two())?;
        let (left, right) = (Box::new(Self::over(left)?), Box::new(Self::over(right)?));
        Some(Self::Inner {
            digest: step(&[left.digest(), right.digest()]),
            left,
            right,
        })
    }

    const fn digest(&self) -> Digest {
        match self {
            Self::Leaf { digest, .. } | Self::Inner { digest, .. } => *digest,
        }
    }

    fn write_chains(&self, path: &mut Path<'_>, chains: &mut Vec<Bytes>) {
        match self {
            Self::Leaf { parts, .. } if parts.attachments.is_empty() => chains.push(path.chain()),
            Self::Leaf { parts, .. } => {
                path.steps.push(path.part_entries(parts));
                chains.push(path.chain());
                path.steps.pop();
            }
            Self::Inner { left, right, .. } => {
                path.steps
                    .push(path.entry(left) + &hash_value(&right.digest()));
                left.write_chains(path, chains);
                path.steps.pop();
                path.steps
                    .push(hash_value(&left.digest()) + &path.entry(right));
                right.write_chains(path, chains);
                path.steps.pop();
            }
        }
    }
}

impl Path<'_> {
    /// How the next step to write refers to the child that the path goes on to.
    fn entry(&self, child: &Tree<'_>) -> String {
        match child {
            Tree::Leaf { parts, .. } if parts.attachments.is_empty() => {
                data_reference(self.data_uri, &parts.message)
            }
            Tree::Leaf { .. } | Tree::Inner { .. } => {
                step_reference(self.steps.len().saturating_add(1))
            }
        }
    }

    fn part_entries(&self, parts: &Parts) -> String {
        let attachments = parts.attachments.iter().enumerate();
        std::iter::once(data_reference(self.data_uri, &parts.message))
            .chain(attachments.map(|(i, digest)| data_reference(&attachment_uri(i), digest)))
            .collect()
    }

    fn chain(&self) -> Bytes {
        chain(self.algorithm, &self.steps)
    }
}

/// The chain of these steps, given by their entries, the root first.
pub(super) fn chain(algorithm: DigestAlgorithm, steps: &[String]) -> Bytes {
    let mut xml = format!(
        "{DECLARATION}<HashChain xmlns=\"{HASH_CHAIN}\" xmlns:ds=\"{DS}\">\
         <DefaultDigestMethod Algorithm=\"{}\"/>",
        algorithm.uri(),
    );
    for (index, entries) in steps.iter().enumerate() {
        xml.push_str(&format!(
            "<HashStep id=\"{STEP}{index}\">{entries}</HashStep>"
        ));
    }
    xml.push_str("</HashChain>\n");
    xml.into()
}

fn part_digests(parts: &Parts) -> Vec<Digest> {
    std::iter::once(parts.message)
        .chain(parts.attachments.iter().copied())
        .collect()
}

/// The result document of this top.
pub(super) fn result(top: &Digest, chain_uri: &str) -> Bytes {
    let xml = format!(
        "{DECLARATION}<HashChainResult xmlns=\"{HASH_CHAIN}\" xmlns:ds=\"{DS}\" \
         URI=\"{}#{STEP}0\"><ds:DigestMethod Algorithm=\"{}\"/>{}</HashChainResult>\n",
        escape_attribute(chain_uri),
        top.algorithm().uri(),
        digest_value(top),
    );
    xml.into()
}

pub(super) fn data_reference(uri: &str, digest: &Digest) -> String {
    format!(
        "<DataRef URI=\"{}\">{}</DataRef>",
        escape_attribute(uri),
        digest_value(digest)
    )
}

/// A reference to the step of this number.
pub(super) fn step_reference(number: usize) -> String {
    format!("<StepRef URI=\"#{STEP}{number}\"/>")
}

pub(super) fn hash_value(digest: &Digest) -> String {
    format!("<HashValue>{}</HashValue>", digest_value(digest))
}

fn digest_value(digest: &Digest) -> String {
    format!(
        "<ds:DigestValue>{}</ds:DigestValue>",
        base64(digest.as_bytes())
    )
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const STEP: &str = "STEP";

#[cfg(test)]
mod tests;
