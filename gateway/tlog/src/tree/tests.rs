#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers"
)]

use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Leaves, from which every complete subtree is hashed anew.
struct Leaves(Vec<Hash>);

impl HashReader for Leaves {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let width = 1 << level;
        let first = usize::try_from(index).unwrap() * width;
        Ok(merkle_tree_hash(&self.0[first..first + width]))
    }
}

/// The definition of RFC 6962, 2.1, word for word.
fn merkle_tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while 2 * k < leaves.len() {
                k *= 2;
            }
            let (left, right) = leaves.split_at(k);
            node_hash(&merkle_tree_hash(left), &merkle_tree_hash(right))
        }
    }
}

/// The definition of RFC 6962, 2.1.1.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    let (mut proof, beside) = if m < k {
        (path(m, left), right)
    } else {
        (path(m - k, right), left)
    };
    proof.push(merkle_tree_hash(beside));
    proof
}

/// The definition of RFC 6962, 2.1.2.
fn subproof(m: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return match known {
            true => Vec::new(),
            false => vec![merkle_tree_hash(leaves)],
        };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    let (mut proof, beside) = if m <= k {
        (subproof(m, left, known), right)
    } else {
        (subproof(m - k, right, false), left)
    };
    proof.push(merkle_tree_hash(beside));
    proof
}

#[test]
fn hashes_leaves_and_nodes_as_certificate_transparency_does() {
    assert_eq!(sha256(&[]), EMPTY_ROOT);
    assert_eq!(
        leaf_hash(b""),
        hash("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    );
    assert_eq!(
        leaf_hash(b"L123456"),
        hash("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56")
    );
    // Children of four octets, as that test vector has them.
    assert_eq!(
        sha256(&[&[1], b"N123", b"N456"]),
        hash("aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb")
    );
    let [left, right] = [leaf_hash(b"Hello"), leaf_hash(b"World")];
    let node = node_hash(&left, &right);
    assert_ne!(node, node_hash(&right, &left));
    assert_ne!(node, leaf_hash(&[left, right].concat()));
}

#[test]
fn roots_are_those_of_the_certificate_transparency_test_tree() {
    let leaves = known_leaves();
    let mut frontier = Frontier::new();
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(frontier.root(), hash(expected), "{size}");
        assert_eq!(root(&leaves, frontier.size()), Ok(hash(expected)), "{size}");
        if let Some(leaf) = leaves.0.get(size) {
            frontier.push(*leaf);
        }
    }
}

#[test]
fn the_frontier_gives_the_nodes_of_the_test_tree_as_they_get_complete() {
    let mut frontier = Frontier::default();
    let mut levels = vec![Vec::new(); 4];
    for (leaf, ordinal) in known_leaves().0.into_iter().zip(0_u64..) {
        let made = frontier.push(leaf);
        assert_eq!(made[0].hash, leaf);
        assert_eq!(made[0].index, ordinal);
        for (node, level) in made.iter().zip(0_u8..) {
            assert_eq!(node.level, level);
            assert_eq!(node.index, levels[usize::from(level)].len() as u64);
            levels[usize::from(level)].push(node.hash);
        }
    }
    for (level, expected) in levels.iter().zip(NODES) {
        let expected: Vec<_> = expected.iter().map(|node| hash(node)).collect();
        assert_eq!(*level, expected);
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_test_tree() {
    let [leaf, pair, four, _] = NODES;
    check_inclusion(0, 1, &[]);
    check_inclusion(0, 2, &[leaf[1]]);
    check_inclusion(1, 2, &[leaf[0]]);
    check_inclusion(2, 3, &[pair[0]]);
    check_inclusion(1, 5, &[leaf[0], pair[1], leaf[4]]);
    check_inclusion(0, 8, &[leaf[1], pair[1], four[1]]);
    check_inclusion(5, 8, &[leaf[4], pair[3], four[0]]);
}

#[track_caller]
fn check_inclusion(index: u64, size: u64, expected: &[&str]) {
    let leaves = known_leaves();
    let expected: Vec<_> = expected.iter().map(|text| hash(text)).collect();
    assert_eq!(
        inclusion_proof(&leaves, index, size),
        Ok(expected.clone()),
        "{index} in {size}"
    );
    let leaf = leaves.0[usize::try_from(index).unwrap()];
    let root = hash(ROOTS[usize::try_from(size).unwrap()]);
    assert_eq!(
        verify_inclusion(&leaf, index, size, &expected, &root),
        Ok(())
    );
}

#[test]
fn consistency_proofs_are_those_of_the_test_tree() {
    let [leaf, pair, four, _] = NODES;
    check_consistency(1, 1, &[]);
    check_consistency(1, 8, &[leaf[1], pair[1], four[1]]);
    check_consistency(2, 5, &[pair[1], leaf[4]]);
    check_consistency(6, 8, &[pair[2], pair[3], four[0]]);
    check_consistency(0, 8, &[]);
}

#[track_caller]
fn check_consistency(old: u64, new: u64, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|text| hash(text)).collect();
    assert_eq!(
        consistency_proof(&known_leaves(), old, new),
        Ok(expected.clone()),
        "{old} to {new}"
    );
    let [old_root, new_root] = [old, new].map(|size| hash(ROOTS[usize::try_from(size).unwrap()]));
    assert_eq!(
        verify_consistency(old, new, &old_root, &new_root, &expected),
        Ok(())
    );
}

#[test]
fn verifies_proofs_of_a_public_log_of_a_billion_leaves() {
    // The certificate transparency log Argon 2020, as the Go project keeps it for its tests.
    let size = 961_984_013;
    let root = base64("dwlueapdd7LaOEnX2W2Wp9v2XE+KzejHRQGHwEx0oaM=");
    let leaf = base64("nCs3mfIydh9x4CKyQ+u2xtmpxmFggA5MLymHwNQSlLg=");
    let proof: Vec<_> = ARGON_INCLUSION.iter().map(|text| base64(text)).collect();
    assert_eq!(verify_inclusion(&leaf, 10_000, size, &proof, &root), Ok(()));
    assert_eq!(
        verify_inclusion(&leaf, 10_001, size, &proof, &root),
        Err(Error::Mismatch)
    );
    let old = 3_654_490;
    let old_root = base64("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=");
    let proof: Vec<_> = ARGON_CONSISTENCY.iter().map(|text| base64(text)).collect();
    assert_eq!(
        verify_consistency(old, size, &old_root, &root, &proof),
        Ok(())
    );
    assert_eq!(
        verify_consistency(old, size, &root, &old_root, &proof),
        Err(Error::Mismatch)
    );
}

#[test]
fn proofs_of_all_small_trees_are_those_of_the_definition() {
    let leaves = Leaves((0..40_u8).map(|number| leaf_hash(&[number])).collect());
    for size in 0..=40_usize {
        let part = &leaves.0[..size];
        let whole = merkle_tree_hash(part);
        let size = size as u64;
        assert_eq!(root(&leaves, size), Ok(whole));
        for index in 0..size {
            let expected = path(index as usize, part);
            assert_eq!(inclusion_proof(&leaves, index, size), Ok(expected));
        }
        for old in 1..=size {
            let proof = subproof(old as usize, part, true);
            assert_eq!(consistency_proof(&leaves, old, size), Ok(proof.clone()));
            let old_root = merkle_tree_hash(&part[..old as usize]);
            let verified = verify_consistency(old, size, &old_root, &whole, &proof);
            assert_eq!(verified, Ok(()), "{old} to {size}");
        }
    }
}

#[test]
fn an_empty_tree_is_a_beginning_of_every_tree_and_has_one_root() {
    let other = leaf_hash(b"");
    let verify = |old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]| {
        verify_consistency(0, new, old_root, new_root, proof)
    };
    assert_eq!(verify(&EMPTY_ROOT, 0, &EMPTY_ROOT, &[]), Ok(()));
    assert_eq!(verify(&EMPTY_ROOT, 9, &other, &[]), Ok(()));
    assert_eq!(verify(&other, 9, &other, &[]), Err(Error::EmptyRoot));
    assert_eq!(verify(&EMPTY_ROOT, 0, &other, &[]), Err(Error::EmptyRoot));
    assert_eq!(
        verify(&EMPTY_ROOT, 9, &other, &[other]),
        Err(Error::Length { found: 1 })
    );
}

#[test]
fn trees_of_the_same_size_have_the_same_root_and_an_empty_proof() {
    let [one, other] = [leaf_hash(b"1"), leaf_hash(b"2")];
    assert_eq!(verify_consistency(5, 5, &one, &one, &[]), Ok(()));
    assert_eq!(
        verify_consistency(5, 5, &one, &other, &[]),
        Err(Error::Mismatch)
    );
    assert_eq!(
        verify_consistency(5, 5, &one, &one, &[other]),
        Err(Error::Length { found: 1 })
    );
}

#[test]
fn refuses_leaves_outside_of_the_tree_and_trees_that_shrink() {
    let leaves = known_leaves();
    for (index, size) in [(0, 0), (1, 1), (8, 8), (u64::MAX, 8), (u64::MAX, u64::MAX)] {
        let outside = Error::OutsideTree { index, size };
        let refused = verify_inclusion(&leaves.0[0], index, size, &[], &leaves.0[0]);
        assert_eq!(refused, Err(outside));
        let refused = inclusion_proof(&leaves, index, size);
        assert_eq!(refused, Err(Unproved::Range(outside)));
    }
    let shrunk = Error::Shrunk { old: 5, new: 4 };
    let refused = verify_consistency(5, 4, &leaves.0[0], &leaves.0[0], &[]);
    assert_eq!(refused, Err(shrunk));
    let refused = consistency_proof(&leaves, 5, 4);
    assert_eq!(refused, Err(Unproved::Range(shrunk)));
}

#[test]
fn the_largest_sizes_need_no_other_arithmetic() {
    let leaf = leaf_hash(b"");
    for size in [1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for index in [0, 1, size / 2, size - 2, size - 1] {
            for length in 0..70 {
                let proof = vec![leaf; length];
                let refused = verify_inclusion(&leaf, index, size, &proof, &leaf);
                assert!(refused.is_err());
                let refused = verify_consistency(index + 1, size, &leaf, &EMPTY_ROOT, &proof);
                assert!(refused.is_err());
            }
        }
    }
    assert_eq!(split(0, u64::MAX), Some(1 << 63));
    assert_eq!(split(3, 4), None);
    assert_eq!(split(4, 4), None);
    assert_eq!(split(4, 9), Some(8));
}

#[test]
fn a_frontier_is_not_made_of_other_hashes_than_its_size_has() {
    let leaf = leaf_hash(b"");
    for (size, hashes) in [(0, 1), (1, 0), (3, 1), (3, 3), (u64::MAX, 64)] {
        assert_eq!(
            Frontier::from_hashes(size, vec![leaf; hashes]),
            Err(Error::Frontier { size })
        );
    }
    assert!(Frontier::from_hashes(3, vec![leaf; 2]).is_ok());
    assert_eq!(Frontier::from_hashes(0, Vec::new()), Ok(Frontier::new()));
}

proptest! {
    #[test]
    fn an_inclusion_proof_verifies_and_nothing_near_it(
        size in 1_u64..300, index in any::<prop::sample::Index>(), change in changes(),
    ) {
        let leaves = numbered_leaves(size);
        let index = index.index(size as usize) as u64;
        let root = root(&leaves, size).unwrap();
        let leaf = leaves.0[index as usize];
        let proof = inclusion_proof(&leaves, index, size).unwrap();
        prop_assert!(proof.len() <= 9);
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));

        let other = leaf_hash(b"other");
        prop_assert!(verify_inclusion(&other, index, size, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &other).is_err());
        for wrong in [index ^ 1, index + 1, index.wrapping_sub(1)] {
            prop_assert!(verify_inclusion(&leaf, wrong, size, &proof, &root).is_err());
        }
        // A node has not the shape of a leaf: the way from its parent is no proof of it.
        if let Some((_, shorter)) = proof.split_first() {
            prop_assert!(verify_inclusion(&leaf, index / 2, size.div_ceil(2), shorter, &root).is_err());
        }
        let changed = change.apply(&proof);
        if changed != proof {
            prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
        }
    }

    #[test]
    fn a_consistency_proof_verifies_and_nothing_near_it(
        new in 1_u64..300, old in any::<prop::sample::Index>(), change in changes(),
    ) {
        let leaves = numbered_leaves(new);
        let old = 1 + old.index(new as usize) as u64;
        let [old_root, new_root] = [old, new].map(|size| root(&leaves, size).unwrap());
        let proof = consistency_proof(&leaves, old, new).unwrap();
        prop_assert!(proof.len() <= 10);
        prop_assert_eq!(verify_consistency(old, new, &old_root, &new_root, &proof), Ok(()));

        let other = leaf_hash(b"other");
        prop_assert!(verify_consistency(old, new, &other, &new_root, &proof).is_err());
        prop_assert!(verify_consistency(old, new, &old_root, &other, &proof).is_err());
        if old < new {
            prop_assert!(verify_consistency(old, new, &new_root, &old_root, &proof).is_err());
            prop_assert!(verify_consistency(old, new, &old_root, &new_root, &[]).is_err());
        }
        let changed = change.apply(&proof);
        if changed != proof {
            prop_assert!(verify_consistency(old, new, &old_root, &new_root, &changed).is_err());
        }
    }

    #[test]
    fn a_frontier_has_the_root_of_the_tree_and_comes_back_from_its_hashes(
        data in vec(vec(any::<u8>(), 0..40), 0..200), cut in any::<prop::sample::Index>(),
    ) {
        let leaves = Leaves(data.iter().map(|data| leaf_hash(data)).collect());
        let mut frontier = Frontier::new();
        let cut = cut.index(leaves.0.len() + 1);
        for (leaf, size) in leaves.0.iter().zip(0_u64..) {
            if size == cut as u64 {
                let hashes = frontier.hashes().to_vec();
                let again = Frontier::from_hashes(size, hashes);
                prop_assert_eq!(again.as_ref(), Ok(&frontier));
                prop_assert_eq!(Frontier::read(&leaves, size), Ok(frontier));
                frontier = again.unwrap();
            }
            for node in frontier.push(*leaf) {
                prop_assert_eq!(leaves.hash(node.level, node.index), Ok(node.hash));
            }
        }
        prop_assert_eq!(frontier.size(), leaves.0.len() as u64);
        prop_assert_eq!(frontier.root(), merkle_tree_hash(&leaves.0));
        prop_assert_eq!(root(&leaves, frontier.size()), Ok(frontier.root()));
    }
}

/// What is done to a proof.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8, u8),
    Remove(prop::sample::Index),
    Insert(prop::sample::Index, Hash),
    Swap(prop::sample::Index, prop::sample::Index),
}

impl Change {
    fn apply(&self, proof: &[Hash]) -> Vec<Hash> {
        let mut proof = proof.to_vec();
        match self {
            Self::Insert(at, hash) => proof.insert(at.index(proof.len() + 1), *hash),
            Self::Flip(..) | Self::Remove(_) | Self::Swap(..) if proof.is_empty() => {}
            Self::Flip(at, octet, bit) => {
                let at = at.index(proof.len());
                proof[at][usize::from(octet % 32)] ^= 1 << (bit % 8);
            }
            Self::Remove(at) => {
                proof.remove(at.index(proof.len()));
            }
            Self::Swap(one, other) => {
                let (one, other) = (one.index(proof.len()), other.index(proof.len()));
                proof.swap(one, other);
            }
        }
        proof
    }
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<prop::sample::Index>(), any::<u8>(), any::<u8>())
            .prop_map(|(at, octet, bit)| Change::Flip(at, octet, bit)),
        any::<prop::sample::Index>().prop_map(Change::Remove),
        (any::<prop::sample::Index>(), any::<Hash>())
            .prop_map(|(at, hash)| Change::Insert(at, hash)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

fn numbered_leaves(size: u64) -> Leaves {
    Leaves(
        (0..size)
            .map(|number| leaf_hash(&number.to_be_bytes()))
            .collect(),
    )
}

fn known_leaves() -> Leaves {
    let data = LEAVES.map(|text| hex::decode(text).unwrap());
    Leaves(data.iter().map(|data| leaf_hash(data)).collect())
}

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn base64(text: &str) -> Hash {
    crate::text::hash(text).unwrap()
}

/// The data of the leaves of the tree that certificate transparency tests with.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// Its roots, by size.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Its complete subtrees, by level.
const NODES: [&[&str]; 4] = [
    &[
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ],
    &[
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    ],
    &[
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    &["5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
];

const ARGON_INCLUSION: [&str; 30] = [
    "T46AmJsuOM/gFiGlUp+IJJebp+1Z5qratFNW7U0JyOQ=",
    "9Jj1Feodn42uRYEfffkV4HF/EIPFQ5Zo9IwkxbQ2uhk=",
    "D53/1oCNebF4J59HHgioovKZxrmrKcVuCVhy3Izg8Ck=",
    "wSFDgGSrsXRPA+1c8WHoAFCsWeUv8NDyP/Q/SgsyVyY=",
    "516/RcwsgdwdzHn18v1dJHqBkgFUbNhmCIWOGjsMJaE=",
    "naTFY2ajLFgrgs5XUl+zJYZnnlJksLGsA1VYwpLfqbY=",
    "mKBRJo6qao+0Kdh/rhGkZUbHUAxMhrtrclrTpIbNjIg=",
    "Co4ueOFE7lpifLio94irxxsv1wFMMaK3tPu2ZQkHlro=",
    "yRgy800K6JMYCC05sWfqF2kvCg2riT/pVM+nEa6V5+0=",
    "n2O38XJZC8/Wpbwi9HhgVizlUyeUHVZvYyQB1607MRc=",
    "go3tAjuNfNSCj87y2Rg1xOroDknGN1eaf3cgvzObf7Q=",
    "8D0Mj3/J7ySSnFb0afIHYXv6rlOhECnsebY6XKi1IR8=",
    "6rcez46ZU8M5vPiWVMAUfJfAOV0pPP/mch/lYzZhj/M=",
    "2rtIeXrPvSdUyHc5maIgSAVB2BzaKaupWxSAiVayDE4=",
    "nniW/IMFQPN5xw8UsHFn7CRStYbm1gLu7NNa6kkRqJQ=",
    "mRPPi7sQS22MduIEyvcNzCNFqIt6kLwYPkNKrVtIcu8=",
    "JvTivzESNS9wHI8aph5a7uieVmtS/p9PciMZ5D6GyOo=",
    "UTyQd+Ym0wY4zG+qK806bBORwi1CSVvFQ/KknnqoZj8=",
    "hXODrqN+ff+U6zPqRQ+ZQKs6im1fPcxIerDSfNwflhE=",
    "II6GE+WY/DrpZzfHztLwkR46o37zVkNLCyPYlf68zA0=",
    "d609kWWcNBllbA8Jb/ad4XAVVGnScLRmtP8FYyr+Dck=",
    "rikBsP0G0gioXRpBFED2CzQdSLrGPvRd0bEcbEZw1rI=",
    "GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0=",
    "pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=",
    "f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA=",
    "WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=",
    "f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ=",
    "NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=",
    "C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI=",
    "nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=",
];

const ARGON_CONSISTENCY: [&str; 30] = [
    "80Sfbj6UQEdVSZCSIgh9NMPj3vCBzcc1A48B2crJSWg=",
    "FZcrgAHUk6nNPviJZq8kEK6jCG1d18pJOFE45ZDc1TQ=",
    "Q67reWXmPBo1UfmwBap4Xi9PMPfFdUSSw3WGlRZdG7k=",
    "eJ7CyhR4PxzBxDIsWgrVYW1eFUb9ndgf46tFmiqVrxA=",
    "QrDwp062Grm5WY8KdrhFsBuuNjGzRox2Jb8PmVL5OYw=",
    "XM4YMjMEdLH/XJam/ZWyaP14k3cmsOtnPsOWQ54lW1s=",
    "SGiBh+jOTGccXU48ZzgQ88lRcBmtB4wz4oSDndv2QTg=",
    "WAS6txqNLYKGL1GdBdpqmV42TTfn6cJsuDsqLXuTCNI=",
    "QFmRS0rirUA7ZN3lxFjDncV+E1OCrn3NUB4RCp+5fzc=",
    "Hdbp7It2XBNZmNDBpCN/KPd7vfVqxgzwOosqVIaEA9E=",
    "mxvHL0ZiblBdD7j7pIa1jlfB0gSqfJ6oX0UGo7L0VsU=",
    "q5hjyvoW6TL/PThgcitpDcSTrnKX2p1+aqscqH2euRA=",
    "jTOWDqt3IHj2NVFeezyBz2ofpru+ztEywqKUAfFclKI=",
    "GIRn0w3HqJdvU9j1WVD//eR6lk2AaTVjyzjsJNP8U88=",
    "x52GJvxG81fnQBrgOTbll1A5tz95/LXK0Ag1NhB0r1I=",
    "6/0OqrcTgc3o5dD5PymmoC96lB9yLPFuTHVvLy8fSGk=",
    "Gf+iKLfcXO5l4JEFmsZvSdG5q1uEeWPfYLrds6pmjz0=",
    "DGuaco+McyM3AfRSF6qX7RwSetwe2ieYJmxw5e9rVx0=",
    "2tQJ9V32hnYp+fdpP6TcjmgJmLeNVOMKM0Ml1kk4cNU=",
    "3PapK+IkyJr8I9yAErAmzuZezzLMzsg+PfeRCgNW8NQ=",
    "s6xiYeejb+wtqHA+URJZ2I/SCPyIW8coP6aB00FJbMY=",
    "z9lSpmdTcr5M5ZzKlc4EPh3SrSypKFdk6JUF/UccaZU=",
    "GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0=",
    "pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=",
    "f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA=",
    "WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=",
    "f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ=",
    "NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=",
    "C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI=",
    "nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=",
];
