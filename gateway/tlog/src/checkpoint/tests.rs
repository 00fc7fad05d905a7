use certs_keys::Ed25519Key;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tree::{EMPTY_ROOT, leaf_hash};

#[test]
fn reads_and_writes_the_example_of_the_specification() {
    let checkpoint = Checkpoint::from_text(SOFA).unwrap();
    assert_eq!(checkpoint.origin(), "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size(), 20_852_163);
    assert_eq!(
        hex::encode(checkpoint.root()),
        "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    );
    assert!(checkpoint.extensions().is_empty());
    assert_eq!(checkpoint.to_text(), SOFA);
}

#[test]
fn reads_and_writes_as_the_go_project_does() {
    // One leaf, "hello world", that its tests say to be the root of a larger tree.
    let root = leaf_hash(b"hello world");
    let checkpoint = Checkpoint::new("go.sum database tree", 123_456_789_012, root).unwrap();
    let text = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n";
    assert_eq!(checkpoint.to_text(), text);
    assert_eq!(Checkpoint::from_text(text), Ok(checkpoint));
}

#[test]
fn opens_a_checkpoint_of_the_go_checksum_database() {
    let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let key = Verifier::from_vkey(key).unwrap();
    let note = "go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n\
                — sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAya\
                KbbTM75QTtPydhKCExixSfwQ=\n";
    // The key is not named after the log.
    let log = Log::new("go.sum database tree", vec![key.clone()]).unwrap();
    let opened = open(note.as_bytes(), &log).unwrap();
    assert_eq!(opened.checkpoint().size(), 35_225_469);
    assert_eq!(opened.note().to_bytes(), note.as_bytes());
    let found = "go.sum database tree".to_owned();
    let refused = open(note.as_bytes(), &Log::of_key(key).unwrap());
    assert_eq!(refused, Err(Error::Origin { found }));
    let larger = note.replace("35225469", "35225470");
    let name = "sum.golang.org".to_owned();
    let refused = open(larger.as_bytes(), &log);
    assert_eq!(
        refused,
        Err(Error::Note(note::Error::BadSignature { name }))
    );
}

#[test]
fn signs_as_another_witness_project_does() {
    let octets = text::base64_decode("ATWIAF3yVBG+Hv1rZFQoNt/BaURkLPtOFMAM2HrEeIr6").unwrap();
    let key = Ed25519Key::from_seed(octets[1..].try_into().unwrap()).unwrap();
    let signer = Signer::new(Kind::Ed25519, "monkeys", key).unwrap();
    let vkey = "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT";
    assert_eq!(signer.verifier().to_vkey(), vkey);
    let expected = "monkeys\n5\n41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=\n\n\
                    — monkeys 202fftzGl3LVoqjXfwCFZZXs8I+5G22+Ek2K0AOyBuSJ/8/CZawNF+6fNlTKOCd622pbz\
                    JNkkJFWuw9DbicZCkEx9AY=\n";
    let root = "e35b268c1522014ef412d2a54fa94838862d453631617b0307e5c77dcbeefc11";
    let root = hex::decode(root).unwrap().try_into().unwrap();
    let signed = Checkpoint::new("monkeys", 5, root).unwrap().sign(&signer);
    assert_eq!(signed.unwrap().to_bytes(), expected.as_bytes());
    let log = Log::of_key(signer.verifier().clone()).unwrap();
    assert!(open(expected.as_bytes(), &log).is_ok());
}

#[track_caller]
fn check_refused(text: &str, expected: Error) {
    assert_eq!(Checkpoint::from_text(text), Err(expected), "{text:?}");
}

#[test]
fn refuses_texts_that_are_written_otherwise() {
    check_refused("", Error::Lines);
    check_refused("\n", Error::Lines);
    check_refused("a\n5\n", Error::Lines);
    check_refused(SOFA.trim_end(), Error::Lines);
    check_refused(
        &SOFA.replace("example.com/behind-the-sofa", ""),
        Error::Line,
    );
    check_refused(&SOFA.replace("the", "t\te"), Error::Line);
    check_refused(&SOFA.replace('\n', "\r\n"), Error::Size);
    check_refused(&format!("{SOFA}\n"), Error::Line);
    check_refused(&format!("{SOFA}a\n\nb\n"), Error::Line);
    for size in [
        "",
        "020852163",
        "00",
        "+1",
        "-1",
        " 1",
        "1 ",
        "0x1",
        "1e3",
        "1.0",
        "١",
        "18446744073709551616",
        "99999999999999999999999",
    ] {
        check_refused(&SOFA.replace("20852163", size), Error::Size);
    }
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for other in [
        "",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=",
        "CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= ",
        "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62",
    ] {
        check_refused(&SOFA.replace(root, other), Error::Root);
    }
}

#[test]
fn extension_lines_are_kept_and_signed() {
    let signer = signer("a");
    let log = Log::of_key(signer.verifier().clone()).unwrap();
    let checkpoint = Checkpoint::new("a", 1, [7; 32]).unwrap();
    let extended = checkpoint.clone().extended("one").unwrap();
    let extended = extended.extended("— two x08gowA=").unwrap();
    let note = extended.sign(&signer).unwrap();
    let opened = open(&note.to_bytes(), &log).unwrap();
    assert_eq!(opened.checkpoint(), &extended);
    assert_eq!(opened.checkpoint().extensions().len(), 2);
    let bytes = String::from_utf8(note.to_bytes()).unwrap();
    for changed in [
        bytes.replace("one\n", ""),
        bytes.replace("one\n", "one\nmore\n"),
        bytes.replace("one\n", "two\n"),
    ] {
        let refused = open(changed.as_bytes(), &log);
        assert!(matches!(
            refused,
            Err(Error::Note(note::Error::BadSignature { .. }))
        ));
    }
    for line in ["", "a\nb", "\t"] {
        assert_eq!(checkpoint.clone().extended(line), Err(Error::Line));
    }
}

#[test]
fn opens_only_checkpoints_of_the_origin_under_one_of_its_keys() {
    let [old, new, other] = [signer("a"), signer("a"), signer("b")];
    let keys = |signers: &[&Signer]| -> Vec<_> {
        let keys = signers.iter().map(|signer| signer.verifier().clone());
        keys.collect()
    };
    let log = Log::new("a", keys(&[&old, &new])).unwrap();
    let checkpoint = Checkpoint::new("a", 1, [7; 32]).unwrap();
    for signer in [&old, &new] {
        let note = checkpoint.sign(signer).unwrap();
        let opened = open(&note.to_bytes(), &log).unwrap();
        // The other key of the log has signed nothing.
        assert_eq!(opened.signers(), [signer.verifier().clone()]);
    }
    let note = Note::sign(&checkpoint.to_text(), &[&new, &old]).unwrap();
    let opened = open(&note.to_bytes(), &log).unwrap();
    assert_eq!(opened.signers(), keys(&[&new, &old]));
    // Another log's key does not sign for this origin, nor this log's key for another.
    let found = "b".to_owned();
    assert_eq!(checkpoint.sign(&other), Err(Error::KeyName { found }));
    let note = Note::sign(&checkpoint.to_text(), &[&other]).unwrap();
    let refused = open(&note.to_bytes(), &log);
    assert_eq!(refused, Err(Error::Note(note::Error::Unsigned)));
    let foreign = Checkpoint::new("b", 1, [7; 32]).unwrap();
    let note = Note::sign(&foreign.to_text(), &[&old]).unwrap();
    let found = "b".to_owned();
    assert_eq!(open(&note.to_bytes(), &log), Err(Error::Origin { found }));
    // A signed note that is no checkpoint.
    let note = Note::sign("a\n", &[&old]).unwrap();
    assert_eq!(open(&note.to_bytes(), &log), Err(Error::Lines));
}

#[test]
fn an_empty_tree_has_its_root() {
    let signer = signer("a");
    let log = Log::of_key(signer.verifier().clone()).unwrap();
    let empty = Checkpoint::new("a", 0, EMPTY_ROOT).unwrap();
    let note = empty.sign(&signer).unwrap();
    assert_eq!(open(&note.to_bytes(), &log).unwrap().checkpoint().size(), 0);
    let wrong = Checkpoint::new("a", 0, [7; 32]).unwrap();
    assert_eq!(wrong.sign(&signer), Err(Error::EmptyRoot));
    let note = Note::sign(&wrong.to_text(), &[&signer]).unwrap();
    assert_eq!(open(&note.to_bytes(), &log), Err(Error::EmptyRoot));
}

#[test]
fn a_log_has_keys_that_sign_checkpoints() {
    let key = signer("a").verifier().clone();
    let cosigner = Verifier::new(Kind::Cosignature, "a", key.public_key()).unwrap();
    assert_eq!(Log::new("a", Vec::new()), Err(Error::NoKeys));
    assert_eq!(Log::new("", vec![key.clone()]), Err(Error::Line));
    assert_eq!(Log::new("a\nb", vec![key.clone()]), Err(Error::Line));
    let found = Kind::Cosignature;
    let refused = Log::new("a", vec![key.clone(), cosigner]);
    assert_eq!(refused, Err(Error::Note(note::Error::WrongKind { found })));
    let name = "a".to_owned();
    let refused = Log::new("a", vec![key.clone(), key]);
    assert_eq!(
        refused,
        Err(Error::Note(note::Error::AmbiguousKeys { name }))
    );
}

proptest! {
    #[test]
    fn a_checkpoint_comes_back(
        origin in "[^\\x00-\\x1f]{1,30}", size in any::<u64>(), root in any::<Hash>(),
        extensions in vec("[^\\x00-\\x1f]{1,30}", 0..4),
    ) {
        let mut checkpoint = Checkpoint::new(&origin, size, root).unwrap();
        for line in extensions {
            checkpoint = checkpoint.extended(&line).unwrap();
        }
        prop_assert_eq!(Checkpoint::from_text(&checkpoint.to_text()), Ok(checkpoint));
    }

    #[test]
    fn what_is_read_is_written_the_same(size in "0?[0-9]{1,20}", tail in "[a-z\n]{0,6}") {
        let text = SOFA.replace("20852163", &size) + &tail;
        if let Ok(checkpoint) = Checkpoint::from_text(&text) {
            prop_assert_eq!(checkpoint.to_text(), text);
        }
    }
}

fn signer(name: &str) -> Signer {
    Signer::new(Kind::Ed25519, name, Ed25519Key::generate().unwrap()).unwrap()
}

const SOFA: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
