//! The parts of a message against what was signed.

use std::collections::HashMap;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_seal::{MESSAGE_URI, Parts, Signature, VerifiedSignature, attachment_uri};

use super::Error;
use super::hashes::Hashes;
use super::stated::Stated;
use super::structure::Outline;
use crate::container::Container;
use crate::report::{Covered, Part, TimeStamp, Warning};
use crate::zip::Entry;

/// Compares every part that is there with what the hash chain states for it: to say which part is
/// another one, where the chain as a whole would only not lead to its result.
pub(super) fn compare(
    hashes: &mut Hashes<'_>,
    stated: &Stated,
    looks_reduced: bool,
) -> Result<(), Error> {
    let container = hashes.container();
    let entries = container.attachments().iter();
    let attachments: HashMap<&str, &Entry> = entries.map(|entry| (entry.name(), entry)).collect();
    for (uri, digest) in stated.parts() {
        let algorithm = digest.algorithm();
        let entry = uri.strip_prefix('/').and_then(|name| attachments.get(name));
        let actual = match (uri, entry) {
            (MESSAGE_URI, _) => hashes.of_message(algorithm),
            (_, Some(entry)) => hashes.of(entry, algorithm)?,
            (_, None) => continue,
        };
        if actual != *digest {
            return Err(match uri == MESSAGE_URI && looks_reduced {
                true => Error::Reduced { chained: true },
                false => Error::Part {
                    uri: uri.to_owned(),
                },
            });
        }
    }
    Ok(())
}

/// The digests of all parts that are there, by the algorithms that the signature needs.
pub(super) fn digests(
    hashes: &mut Hashes<'_>,
    signature: &VerifiedSignature,
    stated: &Stated,
) -> Result<Parts, Error> {
    let container = hashes.container();
    let algorithm = |uri: &str| {
        let direct = signature
            .references()
            .find(|(other, _)| *other == uri)
            .map(|(_, algorithm)| algorithm);
        direct
            .or_else(|| stated.only(uri).map(Digest::algorithm))
            .unwrap_or(DigestAlgorithm::Sha512)
    };
    let attachments = container
        .attachments()
        .iter()
        .enumerate()
        .map(|(index, entry)| hashes.of(entry, algorithm(&attachment_uri(index))))
        .collect::<Result<_, _>>()?;
    Ok(Parts {
        message: hashes.of_message(algorithm(MESSAGE_URI)),
        attachments,
    })
}

/// Says that a message was reduced where it looks so.
pub(super) fn refusal(error: gateway_seal::Error, looks_reduced: bool) -> Error {
    match &error {
        gateway_seal::Error::Digest { uri } if looks_reduced && uri == MESSAGE_URI => {
            Error::Reduced { chained: false }
        }
        _ => Error::Signature(error),
    }
}

/// All that the signature covers: what is there was compared, what is not is named.
pub(super) fn covered(
    container: &Container,
    signature: &Signature,
    received: &Parts,
    stated: &Stated,
    outline: &Outline,
) -> Vec<Covered> {
    let length = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let message = Covered {
        name: MESSAGE_URI.to_owned(),
        digest: Some(received.message),
        part: Part::Verified {
            bytes: length(container.message().len()),
        },
    };
    let attachments = container
        .attachments()
        .iter()
        .zip(&received.attachments)
        .enumerate()
        .map(|(index, (entry, digest))| Covered {
            name: attachment_uri(index),
            digest: Some(*digest),
            part: Part::Verified {
                bytes: entry.bytes(),
            },
        });
    // From the signature itself, or from its chain.
    let digest = |uri: &String| {
        let mut direct = outline.references.iter().filter(|(other, _)| other == uri);
        match direct.next() {
            Some((_, digest)) => *digest,
            None => stated.only(uri).copied(),
        }
    };
    let absent = signature.absent().iter().map(|uri| Covered {
        name: uri.clone(),
        digest: digest(uri),
        part: Part::NotKept,
    });
    let mut covered: Vec<Covered> = std::iter::once(message)
        .chain(attachments)
        .chain(absent)
        .collect();
    // A chain may state a part twice.
    let mut seen = std::collections::HashSet::new();
    covered.retain(|covered| seen.insert(covered.name.clone()));
    covered
}

/// What rests on a digest that would not be believed today.
pub(super) fn weak(covered: &[Covered], outline: &Outline, stamp: &TimeStamp) -> Vec<Warning> {
    let parts = covered.iter().filter_map(|covered| {
        let digest = covered.digest?;
        Some((digest.algorithm(), covered.name.as_str()))
    });
    let signature = outline
        .algorithm
        .map(|algorithm| (algorithm.digest(), "the signature"));
    parts
        .chain(signature)
        .chain([(stamp.imprint.algorithm(), "the time stamp")])
        .filter(|(algorithm, _)| algorithm.is_legacy())
        .map(|(_, name)| Warning::WeakDigest {
            name: name.to_owned(),
        })
        .collect()
}
