//! The DER structure that a step hashes.

use certs_keys::{Digest, DigestAlgorithm, Hasher};

/// The value of a step over digests, hashed with the algorithm of the first.
pub fn step(digests: &[Digest]) -> Digest {
    let algorithm = digests
        .first()
        .map_or(DigestAlgorithm::Sha512, Digest::algorithm);
    step_with(algorithm, digests)
}

/// The value of a step over digests.
///
/// ```text
/// DigestList   ::= SEQUENCE OF SingleDigest
/// SingleDigest ::= SEQUENCE {
///     digest      OCTET STRING,
///     algorithm   UTF8String,     -- the XML-DSig identifier
///     transforms  SEQUENCE {} }
/// ```
pub fn step_with(algorithm: DigestAlgorithm, digests: &[Digest]) -> Digest {
    let octets: Vec<&[u8]> = digests.iter().map(Digest::as_bytes).collect();
    let algorithms = digests.iter().map(|digest| digest.algorithm().uri());
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&digest_list(octets.into_iter().zip(algorithms)));
    hasher.finish()
}

fn digest_list<'a>(digests: impl Iterator<Item = (&'a [u8], &'static str)>) -> Vec<u8> {
    let mut list = Vec::with_capacity(256);
    for (digest, algorithm) in digests {
        let mut single = Vec::with_capacity(128);
        push_value(&mut single, OCTET_STRING, digest);
        push_value(&mut single, UTF8_STRING, algorithm.as_bytes());
        push_value(&mut single, SEQUENCE, &[]);
        push_value(&mut list, SEQUENCE, &single);
    }
    let mut der = Vec::with_capacity(list.len().saturating_add(6));
    push_value(&mut der, SEQUENCE, &list);
    der
}

/// Tag, length in the shortest form, content (X.690, 8.1.3 and 10.1).
fn push_value(output: &mut Vec<u8>, tag: u8, content: &[u8]) {
    output.push(tag);
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => output.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let significant = length.iter().copied().skip_while(|byte| *byte == 0);
            let count = u8::try_from(significant.clone().count()).unwrap_or_default();
            output.push(0x80 | count);
            output.extend(significant);
        }
    }
    output.extend_from_slice(content);
}

const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests;
