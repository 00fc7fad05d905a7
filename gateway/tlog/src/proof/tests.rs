use std::collections::BTreeMap;
use std::convert::Infallible;

use certs_keys::Ed25519Key;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cosign;
use crate::note::{Kind, Signer};
use crate::tree::{Frontier, leaf_hash};

#[test]
fn a_proof_shows_its_entry_its_checkpoint_and_who_has_seen_it() {
    let world = World::new(300, 3);
    for index in [0, 1, 255, 256, 299] {
        let proof = world.proof(index);
        let again = Proof::decode(&proof.encode()).unwrap();
        assert_eq!(again, proof);
        let verified = again.verify(&world.leaf(index), &world.log, &world.witnesses, 3);
        let verified = verified.unwrap();
        assert_eq!(verified.index(), index);
        assert_eq!(verified.checkpoint().size(), 300);
        let times = verified.cosignatures().iter().map(Cosignature::time);
        assert_eq!(times.collect::<Vec<_>>(), [1000, 1001, 1002]);
    }
    let only = World::new(1, 0);
    let proof = only.proof(0);
    assert!(proof.hashes().is_empty());
    assert!(proof.verify(&only.leaf(0), &only.log, &[], 0).is_ok());
}

#[test]
fn the_file_is_written_as_the_specification_says() {
    let world = World::new(2, 0);
    let proof = world.proof(1).with_extra(b"context".to_vec()).unwrap();
    let beside = text::base64_encode(&world.leaf(0));
    let checkpoint = String::from_utf8(proof.note().to_bytes()).unwrap();
    let expected =
        format!("c2sp.org/tlog-proof@v1\nextra Y29udGV4dA==\nindex 1\n{beside}\n\n{checkpoint}");
    assert_eq!(String::from_utf8(proof.encode()).unwrap(), expected);
    assert_eq!(Proof::decode(expected.as_bytes()), Ok(proof.clone()));
    assert_eq!(proof.extra_unchecked(), Some(&b"context"[..]));
    assert!(proof.verify(&world.leaf(1), &world.log, &[], 0).is_ok());
}

#[test]
fn refuses_files_that_are_written_otherwise() {
    let world = World::new(5, 0);
    let file = String::from_utf8(world.proof(3).encode()).unwrap();
    let head = "c2sp.org/tlog-proof@v1\nindex 3\n";
    assert!(file.starts_with(head));
    let with = |other: &str| file.replacen(head, other, 1);
    for bad in [
        "index 3\n",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v2\nindex 3\n",
        "c2sp.org/tlog-proof@v1\r\nindex 3\n",
        " c2sp.org/tlog-proof@v1\nindex 3\n",
        "c2sp.org/tlog-proof@v1\nindex\n",
        "c2sp.org/tlog-proof@v1\nindex \n",
        "c2sp.org/tlog-proof@v1\nindex 03\n",
        "c2sp.org/tlog-proof@v1\nindex +3\n",
        "c2sp.org/tlog-proof@v1\nindex 3 \n",
        "c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n",
        "c2sp.org/tlog-proof@v1\nindex 3\nindex 3\n",
        "c2sp.org/tlog-proof@v1\nindex 3\nextra YQ==\n",
        "c2sp.org/tlog-proof@v1\nextra YQ==\nextra YQ==\nindex 3\n",
        "c2sp.org/tlog-proof@v1\nindex 3\nYQ==\n",
    ] {
        let refused = Proof::decode(with(bad).as_bytes());
        assert_eq!(refused, Err(Error::Head), "{bad:?}");
    }
    for extra in ["", " YQ==", "YQ", "YR==", "Y Q=="] {
        let bad = with(&format!("c2sp.org/tlog-proof@v1\nextra {extra}\nindex 3\n"));
        let refused = Proof::decode(bad.as_bytes());
        assert_eq!(refused, Err(Error::Extra), "{extra:?}");
    }
    assert_eq!(Proof::decode(b""), Err(Error::Head));
    assert_eq!(Proof::decode(head.as_bytes()), Err(Error::Head));
    let bare = Proof::decode(format!("{head}\n").as_bytes());
    assert!(matches!(bare, Err(Error::Checkpoint(_))), "{bare:?}");
    let other = file.replace("\nlog\n", "\n\n");
    assert!(Proof::decode(other.as_bytes()).is_err());
    for cut in 0..file.len() {
        assert!(Proof::decode(&file.as_bytes()[..cut]).is_err(), "{cut}");
    }
    let found = PROOF_BYTES_MAX.checked_add(1).unwrap();
    let refused = Proof::decode(&vec![b'x'; found]);
    assert_eq!(refused, Err(Error::TooLong { found }));
}

#[test]
fn proofs_and_extra_data_are_bounded() {
    let world = World::new(5, 0);
    let note = world.note.clone();
    let with = |count| Proof::new(3, vec![[7; 32]; count], note.clone());
    let most = with(63).unwrap();
    let largest = most.clone().with_extra(vec![7; EXTRA_BYTES_MAX]).unwrap();
    assert_eq!(Proof::decode(&largest.encode()), Ok(largest));
    assert_eq!(with(64), Err(Error::Head));
    let mut more = most.clone();
    more.hashes.push([7; 32]);
    assert_eq!(Proof::decode(&more.encode()), Err(Error::Head));
    for extra in [0, EXTRA_BYTES_MAX.saturating_add(1)] {
        let refused = most.clone().with_extra(vec![7; extra]);
        assert_eq!(refused, Err(Error::Extra));
    }
}

#[test]
fn refuses_another_entry_log_or_tree() {
    let world = World::new(300, 1);
    let proof = world.proof(7);
    let verify = |proof: &Proof, leaf: &Hash, log: &Log| {
        let verified = proof.verify(leaf, log, &world.witnesses, 1);
        verified.map(|verified| verified.index())
    };
    assert_eq!(verify(&proof, &world.leaf(7), &world.log), Ok(7));
    let mismatch = Err(Error::Inclusion(tree::Error::Mismatch));
    assert_eq!(verify(&proof, &world.leaf(8), &world.log), mismatch);
    let mut moved = proof.clone();
    moved.index = 6;
    assert_eq!(verify(&moved, &world.leaf(7), &world.log), mismatch);
    let mut outside = proof.clone();
    outside.index = 300;
    let (index, size) = (300, 300);
    let refused = Err(Error::Inclusion(tree::Error::OutsideTree { index, size }));
    assert_eq!(verify(&outside, &world.leaf(7), &world.log), refused);
    let stranger = World::new(300, 0).log;
    let refused = verify(&proof, &world.leaf(7), &stranger);
    let unsigned = checkpoint::Error::Note(note::Error::Unsigned);
    assert_eq!(refused, Err(Error::Checkpoint(unsigned)));
    let renamed = Log::new("other", world.log.keys().to_vec()).unwrap();
    let found = "log".to_owned();
    let refused = verify(&proof, &world.leaf(7), &renamed);
    let other = checkpoint::Error::Origin { found };
    assert_eq!(refused, Err(Error::Checkpoint(other)));
}

#[test]
fn as_many_known_witnesses_as_asked_for_must_have_cosigned() {
    let world = World::new(9, 3);
    let (proof, leaf) = (world.proof(0), world.leaf(0));
    let verify = |known: &[Verifier], needed| {
        let verified = proof.verify(&leaf, &world.log, known, needed);
        verified.map(|verified| verified.cosignatures().len())
    };
    assert_eq!(verify(&world.witnesses, 3), Ok(3));
    assert_eq!(verify(&world.witnesses[..2], 2), Ok(2));
    let (found, needed) = (2, 3);
    assert_eq!(
        verify(&world.witnesses[..2], needed),
        Err(Error::Quorum { found, needed })
    );
    let (found, needed) = (0, 1);
    assert_eq!(verify(&[], needed), Err(Error::Quorum { found, needed }));
    // The key of the log is no witness, whatever it calls itself.
    let key = world.log.keys()[0].clone();
    let refused = verify(&[key], 0);
    let found = Kind::Ed25519;
    assert_eq!(
        refused,
        Err(Error::Cosignature(note::Error::WrongKind { found }))
    );
}

#[test]
fn one_key_under_two_names_is_one_witness() {
    let world = World::new(9, 0);
    let seed = [3; 32];
    let signers = ["one", "two"].map(|name| {
        Signer::new(
            Kind::Cosignature,
            name,
            Ed25519Key::from_seed(&seed).unwrap(),
        )
        .unwrap()
    });
    let mut note = world.note.clone();
    let checkpoint = Checkpoint::from_text(note.text()).unwrap();
    for signer in &signers {
        note.add(cosign::cosign(&checkpoint, signer, 5).unwrap())
            .unwrap();
    }
    let proof = Proof::new(0, world.proof(0).hashes, note).unwrap();
    let known = signers.map(|signer| signer.verifier().clone());
    assert!(proof.verify(&world.leaf(0), &world.log, &known, 1).is_ok());
    let (found, needed) = (1, 2);
    let refused = proof.verify(&world.leaf(0), &world.log, &known, needed);
    assert_eq!(refused, Err(Error::Quorum { found, needed }));
}

#[test]
fn a_bad_cosignature_of_a_known_witness_condemns_the_proof() {
    let world = World::new(9, 2);
    let other = Checkpoint::new("log", 9, [7; 32]).unwrap();
    let mut note = world.note.clone();
    let forged = Signer::new(
        Kind::Cosignature,
        world.witnesses[0].name(),
        Ed25519Key::from_seed(&[0; 32]).unwrap(),
    );
    let forged = forged.unwrap();
    assert_eq!(forged.verifier(), &world.witnesses[0]);
    note.add(cosign::cosign(&other, &forged, 2000).unwrap())
        .unwrap();
    let proof = Proof::new(0, world.proof(0).hashes, note).unwrap();
    let name = "witness/0".to_owned();
    let refused = proof.verify(&world.leaf(0), &world.log, &world.witnesses, 0);
    assert_eq!(
        refused,
        Err(Error::Cosignature(note::Error::BadSignature { name }))
    );
    // To who does not know that witness, it is nothing.
    let known = &world.witnesses[1..];
    assert!(proof.verify(&world.leaf(0), &world.log, known, 1).is_ok());
}

proptest! {
    #[test]
    fn a_proof_comes_back(
        index in any::<u64>(), hashes in vec(any::<Hash>(), 0..64),
        extra in proptest::option::of(vec(any::<u8>(), 1..100)),
    ) {
        let mut proof = Proof::new(index, hashes, World::new(1, 0).note).unwrap();
        if let Some(extra) = extra {
            proof = proof.with_extra(extra).unwrap();
        }
        prop_assert_eq!(Proof::decode(&proof.encode()), Ok(proof));
    }

    #[test]
    fn no_changed_octet_of_a_proof_verifies(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let world = World::new(9, 1);
        let file = world.proof(4).encode();
        let mut changed = file.clone();
        changed[at.index(file.len())] = to;
        if let Ok(proof) = Proof::decode(&changed) {
            prop_assert_eq!(proof.encode(), &changed[..]);
            let verified = proof.verify(&world.leaf(4), &world.log, &world.witnesses, 1);
            prop_assert_eq!(verified.is_ok(), changed == file);
        }
    }
}

/// A log of numbered leaves and its witnesses.
struct World {
    nodes: Nodes,
    size: u64,
    log: Log,
    witnesses: Vec<Verifier>,
    note: Note,
}

impl World {
    fn new(size: u64, witnesses: u8) -> Self {
        let mut nodes = Nodes(BTreeMap::new());
        let mut frontier = Frontier::new();
        for number in 0..size {
            for node in frontier.push(leaf_hash(&number.to_be_bytes())) {
                nodes.0.insert((node.level, node.index), node.hash);
            }
        }
        let key = Ed25519Key::generate().unwrap();
        let signer = Signer::new(Kind::Ed25519, "log", key).unwrap();
        let checkpoint = Checkpoint::new("log", size, frontier.root()).unwrap();
        let mut note = checkpoint.sign(&signer).unwrap();
        let mut known = Vec::new();
        for number in 0..witnesses {
            let key = Ed25519Key::from_seed(&[number; 32]).unwrap();
            let name = format!("witness/{number}");
            let witness = Signer::new(Kind::Cosignature, &name, key).unwrap();
            let time = 1000_u64.saturating_add(number.into());
            note.add(cosign::cosign(&checkpoint, &witness, time).unwrap())
                .unwrap();
            known.push(witness.verifier().clone());
        }
        Self {
            nodes,
            size,
            log: Log::of_key(signer.verifier().clone()).unwrap(),
            witnesses: known,
            note,
        }
    }

    fn leaf(&self, index: u64) -> Hash {
        self.nodes.0[&(0, index)]
    }

    fn proof(&self, index: u64) -> Proof {
        let hashes = tree::inclusion_proof(&self.nodes, index, self.size).unwrap();
        Proof::new(index, hashes, self.note.clone()).unwrap()
    }
}

struct Nodes(BTreeMap<(u8, u64), Hash>);

impl tree::HashReader for Nodes {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}
