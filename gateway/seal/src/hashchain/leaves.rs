//! One tree over many digests, from which chains are taken one at a time.

use bytes::Bytes;
use certs_keys::Digest;

use super::build::{chain, data_reference, hash_value, result, step_reference};
use super::{Error, step};

/// The tree over digests of one algorithm, each a leaf of its own: what a batch time stamp covers.
///
/// It gives the same documents as [`build`](super::build) for messages without attachments, but
/// only those asked for: making it hashes each inner node once, a chain costs its own length.
#[derive(Clone, Debug)]
pub struct Leaves {
    /// The leaves, then the nodes of each level above. A node without a sibling stands on the next
    /// level as it is: the same tree as the one that splits at the largest power of two (RFC 6962,
    /// section 2.1). The last level is the top alone.
    levels: Vec<Vec<Digest>>,
    top: Digest,
}

impl Leaves {
    /// The tree over these leaves, in their order.
    ///
    /// # Errors
    ///
    /// With fewer than two, or when they are not all of one algorithm.
    pub fn new(leaves: &[Digest]) -> Result<Self, Error> {
        let first = match leaves {
            [first, _, ..] => first.algorithm(),
            [] | [_] => return Err(Error::NothingToChain),
        };
        let mut algorithms = leaves.iter().map(Digest::algorithm);
        if let Some(other) = algorithms.find(|other| *other != first) {
            return Err(Error::MixedAlgorithms { first, other });
        }
        let mut levels = Vec::new();
        let mut level = leaves.to_vec();
        loop {
            if let [top] = level.as_slice() {
                let top = *top;
                return Ok(Self { levels, top });
            }
            let next = level
                .chunks(2)
                .map(|pair| match pair {
                    [only] => *only,
                    pair => step(pair),
                })
                .collect();
            levels.push(std::mem::replace(&mut level, next));
        }
    }

    /// How many leaves there are.
    pub fn count(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The result document, common to all leaves. `chain_uri` is the name of their chains
    /// (`/ts-hashchain.xml`).
    pub fn result(&self, chain_uri: &str) -> Bytes {
        result(&self.top, chain_uri)
    }

    /// The chain of the leaf with this index, the first being 0; `None` when there is none.
    /// `data_uri` is the name of what the leaf is the digest of (`/META-INF/signatures.xml`).
    pub fn chain(&self, index: usize, data_uri: &str) -> Option<Bytes> {
        let leaf = self.levels.first()?.get(index)?;
        // From the leaf up, each sibling and whether it stands on the left.
        let mut siblings = Vec::with_capacity(self.levels.len());
        let mut at = index;
        for level in &self.levels {
            if let Some(sibling) = level.get(at ^ 1) {
                siblings.push((sibling, at & 1 == 1));
            }
            at >>= 1;
        }
        let last = siblings.len();
        let steps: Vec<String> = siblings
            .iter()
            .rev()
            .enumerate()
            .map(|(number, (sibling, is_left))| {
                let next = number.saturating_add(1);
                let way = match next == last {
                    true => data_reference(data_uri, leaf),
                    false => step_reference(next),
                };
                match is_left {
                    true => hash_value(sibling) + &way,
                    false => way + &hash_value(sibling),
                }
            })
            .collect();
        Some(chain(leaf.algorithm(), &steps))
    }
}

#[cfg(test)]
mod tests {
    use certs_keys::DigestAlgorithm;

    use super::*;
    use crate::Parts;
    use crate::hashchain::{build, verify};

    const CHAIN: &str = "/ts-hashchain.xml";
    const DATA: &str = "/META-INF/signatures.xml";

    fn leaves(algorithm: DigestAlgorithm, count: usize) -> Vec<Digest> {
        (0..count)
            .map(|number| Digest::of(algorithm, &number.to_be_bytes()))
            .collect()
    }

    #[test]
    fn gives_the_same_documents_as_the_tree_over_messages() {
        for count in (2..70).chain([127, 128, 129, 255, 352]) {
            let leaves = leaves(DigestAlgorithm::Sha512, count);
            let messages: Vec<_> = leaves.iter().copied().map(Parts::of_message).collect();
            let (result, chains) = build(&messages, CHAIN, DATA).unwrap();
            let tree = Leaves::new(&leaves).unwrap();
            assert_eq!(tree.count(), count);
            assert_eq!(tree.result(CHAIN), result);
            for (index, chain) in chains.iter().enumerate() {
                assert_eq!(tree.chain(index, DATA).as_ref(), Some(chain), "{count}");
            }
            assert_eq!(tree.chain(count, DATA), None);
        }
    }

    #[test]
    fn its_chains_verify_and_only_for_their_leaves() {
        let leaves = leaves(DigestAlgorithm::Sha256, 10_000);
        let tree = Leaves::new(&leaves).unwrap();
        let result = tree.result(CHAIN);
        for index in [0, 1, 4095, 8191, 8192, 9983, 9984, 9999] {
            let chain = tree.chain(index, DATA).unwrap();
            let check = |leaf| verify(&result, &chain, CHAIN, &[(DATA.to_owned(), leaf)]);
            assert_eq!(check(leaves[index]), Ok(()));
            assert_eq!(
                check(leaves[index ^ 2]),
                Err(Error::ResultMismatch),
                "{index}"
            );
        }
    }

    #[test]
    fn refuses_what_needs_no_chain_and_several_algorithms() {
        let one = leaves(DigestAlgorithm::Sha512, 1);
        assert_eq!(Leaves::new(&[]).unwrap_err(), Error::NothingToChain);
        assert_eq!(Leaves::new(&one).unwrap_err(), Error::NothingToChain);
        let mixed = [one[0], leaves(DigestAlgorithm::Sha256, 1)[0]];
        assert_eq!(
            Leaves::new(&mixed).unwrap_err(),
            Error::MixedAlgorithms {
                first: DigestAlgorithm::Sha512,
                other: DigestAlgorithm::Sha256
            }
        );
    }
}
