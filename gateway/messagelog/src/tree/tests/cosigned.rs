//! Cosignatures, and who may sign.

use std::fs;

use certs_keys::Ed25519Key;
use gateway_tlog::checkpoint::{self, Checkpoint};
use gateway_tlog::note::{Kind, Note, Signer};
use gateway_tlog::{cosign, tree};

use super::super::{Error, Offline, Options};
use super::{World, copy_tree, is_whole, open, opened, options, signer, try_open};

#[tokio::test]
async fn cosignatures_stay_with_their_checkpoint_until_a_later_one_has_some() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(10).await;
    let first = world.tree.checkpoint();
    assert_eq!(world.tree.cosigned_checkpoint(), None);
    let a = witness(7);
    let b = witness(8);
    let line = |note: &[u8], witness: &Signer, now| {
        cosign::cosign(&opened(&world.tree, note), witness, now).unwrap()
    };
    assert!(
        world
            .tree
            .cosigned(&first, &[line(&first, &a, 100)])
            .unwrap()
    );
    let with_a = world.tree.checkpoint();
    assert_eq!(world.tree.cosigned_checkpoint().as_ref(), Some(&with_a));
    assert_eq!(
        fs::read(dir.path().join("tree/checkpoint")).unwrap(),
        with_a
    );
    // Another witness, and the first one again, later: one line each.
    let lines = [line(&first, &b, 101), line(&first, &a, 102)];
    assert!(world.tree.cosigned(&first, &lines).unwrap());
    let note = Note::parse(&world.tree.checkpoint()).unwrap();
    assert_eq!(note.signatures().len(), 3);
    let verifiers = [a.verifier().clone(), b.verifier().clone()];
    let times: Vec<_> = note
        .verify(&verifiers)
        .unwrap()
        .iter()
        .map(|verified| verified.time())
        .collect();
    assert_eq!(times, [Some(101), Some(102)]);

    world.grow(1).await;
    let second = world.tree.checkpoint();
    assert_eq!(Note::parse(&second).unwrap().signatures().len(), 1);
    let cosigned = world.tree.cosigned_checkpoint().unwrap();
    assert_eq!(opened(&world.tree, &cosigned).size(), 10);
    // What is proved is proved under a cosigned checkpoint where there is one.
    let verified = world
        .tree
        .prove(3)
        .unwrap()
        .verify(
            &tree::leaf_hash(&world.tree.leaf(3).unwrap()),
            world.tree.log(),
            &verifiers,
            2,
        )
        .unwrap();
    assert_eq!(verified.checkpoint().size(), 10);
    assert_eq!(
        world.tree.prove(11).unwrap().encode(),
        world.tree.prove(11).unwrap().encode()
    );
    assert!(
        world
            .tree
            .cosigned(&second, &[line(&second, &a, 103)])
            .unwrap()
    );
    // The one that both have cosigned stays beside, until both have cosigned a later one.
    assert!(
        world
            .tree
            .cosigned(&first, &[line(&first, &b, 104)])
            .unwrap()
    );
    let held = |world: &World| [1, 2, 3].map(|count| world.tree.cosigned_by(count));
    let sizes =
        |world: &World| held(world).map(|note| note.map(|note| opened(&world.tree, &note).size()));
    assert_eq!(sizes(&world), [Some(11), Some(10), None]);
    let both = Note::parse(&world.tree.cosigned_by(2).unwrap()).unwrap();
    let times = both.verify(&verifiers).unwrap();
    let times: Vec<_> = times.iter().map(|verified| verified.time()).collect();
    assert_eq!(times, [Some(102), Some(104)]);
    let before = held(&world);
    drop(world);
    let world = open(dir.path());
    assert_eq!(held(&world), before);
    let audited = Offline::open(dir.path()).unwrap();
    for (count, note) in (1..).zip(&before) {
        assert_eq!(audited.cosigned_by(count).unwrap(), *note);
    }
    // A smaller one is too late, by as many as have cosigned a later one.
    let small = {
        let root = world.tree.root_at(4).unwrap();
        let checkpoint = Checkpoint::new("node.example/log", 4, root).unwrap();
        checkpoint.sign(&signer(1)).unwrap().to_bytes()
    };
    let line = |note: &[u8], witness: &Signer, now| {
        cosign::cosign(&opened(&world.tree, note), witness, now).unwrap()
    };
    let lines = [line(&small, &a, 105), line(&small, &b, 105)];
    assert!(!world.tree.cosigned(&small, &lines).unwrap());
    assert!(
        world
            .tree
            .cosigned(&second, &[line(&second, &b, 106)])
            .unwrap()
    );
    assert_eq!(sizes(&world), [Some(11), Some(11), None]);

    // What this tree never gave is refused.
    let foreign = Checkpoint::new("node.example/log", 5, [9; 32]).unwrap();
    let by_another = foreign.sign(&signer(2)).unwrap().to_bytes();
    assert!(matches!(
        world.tree.cosigned(&by_another, &[]),
        Err(Error::Cosignature { .. })
    ));
}

#[tokio::test]
async fn a_log_whose_key_was_exchanged_goes_on_and_is_held_to_what_the_former_one_signed() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    world.grow(300).await;
    let first = world.tree.checkpoint();
    let line = cosign::cosign(&opened(&world.tree, &first), &witness(7), 100).unwrap();
    assert!(world.tree.cosigned(&first, &[line]).unwrap());
    let before = opened(&world.tree, &first);
    drop(world);
    let exchanged = Options {
        signer: signer(2),
        former: vec![signer(1).verifier().clone()],
        ..options()
    };
    let by_the_new_key = checkpoint::Log::of_key(signer(2).verifier().clone()).unwrap();
    for grown in [0, 50] {
        // It signs at once, though no record came.
        let world = try_open(dir.path(), &exchanged).unwrap();
        let note = world.tree.checkpoint();
        let opened = checkpoint::open(&note, &by_the_new_key).unwrap();
        assert_eq!(opened.checkpoint().size(), 300);
        assert_eq!(opened.checkpoint().root(), before.root());
        assert_eq!(opened.note().signatures().len(), 1);
        // What witnesses had cosigned still proves.
        let proof = world.tree.prove(7).unwrap();
        let leaf = tree::leaf_hash(&world.tree.leaf(7).unwrap());
        let witnesses = [witness(7).verifier().clone()];
        proof
            .verify(&leaf, world.tree.log(), &witnesses, 1)
            .unwrap();
        world.grow(grown).await;
        is_whole(&world, dir.path());
    }
    // Records that only the former key stands for are not taken away, either.
    let kept = tempfile::tempdir().unwrap();
    copy_tree(dir.path(), kept.path());
    fs::write(dir.path().join("tree/checkpoint"), &first).unwrap();
    fs::remove_file(dir.path().join("tree/synced")).unwrap();
    fs::remove_dir_all(dir.path().join("segments")).unwrap();
    assert!(matches!(
        try_open(dir.path(), &exchanged),
        Err(Error::Fork { size: 300, .. })
    ));
    // The former key must be named.
    let alone = Options {
        former: Vec::new(),
        ..exchanged
    };
    assert!(matches!(
        try_open(kept.path(), &alone),
        Err(Error::OtherLog { .. })
    ));
}

fn witness(seed: u8) -> Signer {
    let key = Ed25519Key::from_seed(&[seed; 32]).unwrap();
    Signer::new(Kind::Cosignature, &format!("witness{seed}.example"), key).unwrap()
}
