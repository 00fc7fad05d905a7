use certs_keys::Ed25519Key;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::note::{Kind, Verifier};
use crate::tree::{Frontier, leaf_hash};

/// A witness as far as this crate goes: what it knows, and the latest it has cosigned.
struct Witness {
    known: Vec<Log>,
    last: Option<(u64, Hash)>,
}

impl Witness {
    fn status(&mut self, body: &str) -> (u16, Option<String>) {
        let request = match AddCheckpoint::decode(body.as_bytes()) {
            Ok(request) => request,
            Err(error) => return (Refusal::from(error).status(), None),
        };
        assert_eq!(request.encode(), body.as_bytes());
        match decide(&request, &self.known, self.last) {
            Ok(accepted) => {
                let checkpoint = accepted.checkpoint();
                assert_eq!(checkpoint, request.checkpoint_unchecked());
                self.last = Some((checkpoint.size(), *checkpoint.root()));
                (200, None)
            }
            Err(refusal) => (refusal.status(), refusal.body()),
        }
    }
}

/// A body with a signed checkpoint of the log that the tests of other witnesses are made with.
fn body(head: &str, size_and_root: &str, signature: &str) -> String {
    format!("{head}\n{SIGSUM}\n{size_and_root}\n\n— {SIGSUM} {signature}\n")
}

#[test]
fn decides_as_other_witnesses_do() {
    let public = "ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f";
    let public = hex::decode(public).unwrap().try_into().unwrap();
    let key = Verifier::new(Kind::Ed25519, SIGSUM, public).unwrap();
    let mut witness = Witness {
        known: vec![Log::of_key(key).unwrap()],
        last: None,
    };
    let first = body(
        "old 0\n",
        "1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUb\
         IQY=",
    );
    assert_eq!(witness.status(&first), (200, None));

    let to_3 = "old 1\nKgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let three = "3\nRcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=";
    let signed_3 = "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrca\
                    wfAB8WVrx6go=";
    // Their vector of a bad signature has bits where the padding should be zero: to us that is no
    // base64. With the bit in the signature it is a bad signature.
    let stray = body(to_3, three, &signed_3.replace("6go=", "6gx="));
    assert_eq!(witness.status(&stray), (400, None));
    let bad = body(to_3, three, &signed_3.replace("6go=", "6gw="));
    assert_eq!(witness.status(&bad), (403, None));
    let unknown = body(to_3, three, signed_3).replace("0309e562", "0309e563");
    assert_eq!(witness.status(&unknown), (404, None));
    let unproved = body("old 1\n", three, signed_3);
    assert_eq!(witness.status(&unproved), (422, None));
    let wrong = to_3.replace("KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", {
        "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABA="
    });
    let wrongly_proved = body(&wrong, three, signed_3);
    assert_eq!(witness.status(&wrongly_proved), (422, None));
    assert_eq!(witness.status(&body(to_3, three, signed_3)), (200, None));

    let five = "5\nQrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=";
    let signed_5 = "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90d\
                    JWAShei7sDww=";
    let from_1 = "old 1\nKgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                  +fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=\n\
                  KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let stale = body(from_1, five, signed_5);
    assert_eq!(witness.status(&stale), (409, Some("3\n".to_owned())));
    let from_3 = "old 3\nKgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                  KgMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                  wgiIFdZfYNv6WU1OllBKsWnLYIS/DBMqt8Uh/S4OukE=\n\
                  KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    assert_eq!(witness.status(&body(from_3, five, signed_5)), (200, None));
    let anew = body("old 0\n", five, signed_5);
    assert_eq!(witness.status(&anew), (409, Some("5\n".to_owned())));
    let again = body("old 5\n", five, signed_5);
    assert_eq!(witness.status(&again), (200, None));

    let unsigned = format!("old 5\n\n{SIGSUM}\n{five}\n");
    assert_eq!(witness.status(&unsigned), (400, None));
    let unnumbered = body("old 5\n", &five.replacen('5', "five", 1), signed_5);
    assert_eq!(witness.status(&unnumbered), (400, None));
}

#[test]
fn follows_a_proof_that_another_witness_is_tested_with() {
    let key = "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT";
    let log = Log::of_key(Verifier::from_vkey(key).unwrap()).unwrap();
    let note = "monkeys\n8\nV8K9aklZ4EPB+RMOk1/8VsJUdFZR77GDtZUQq84vSbo=\n\n\
                — monkeys 202ffoUEboiQYpHzICeaFmoy3RNviHTpAxYrq/eO4QQVQMvu9UebKBMX2MJC76NLthZaKsnKb\
                CA8GxrjePZhvDCH7Ag=\n";
    let proof = [
        "b9e1d62618f7fee8034e4c5010f727ab24d8e4705cb296c374bf2025a87a10d2",
        "aac66cd7a79ce4012d80762fe8eec3a77f22d1ca4145c3f4cee022e7efcd599d",
        "89d0f753f66a290c483b39cd5e9eafb12021293395fad3d4a2ad053cfbcfdc9e",
        "29e40bb79c966f4c6fe96aff6f30acfce5f3e8d84c02215175d6e018a5dee833",
    ];
    let proof: Vec<_> = proof.iter().map(|text| hash(text)).collect();
    let note = Note::parse(note.as_bytes()).unwrap();
    let request = AddCheckpoint::new(5, proof.clone(), note.clone()).unwrap();
    let last = hash("e35b268c1522014ef412d2a54fa94838862d453631617b0307e5c77dcbeefc11");
    let known = [log];
    let accepted = decide(&request, &known, Some((5, last))).unwrap();
    assert_eq!(accepted.checkpoint().size(), 8);
    assert_eq!(accepted.note(), &note);
    let refused = decide(&request, &known, Some((5, *accepted.checkpoint().root())));
    assert_eq!(refused, Err(Refusal::Inconsistent(tree::Error::Mismatch)));
    // From nothing there is nothing to prove.
    let request = AddCheckpoint::new(0, proof, note).unwrap();
    let refused = decide(&request, &known, None);
    let found = 4;
    assert_eq!(
        refused,
        Err(Refusal::Inconsistent(tree::Error::Length { found }))
    );
}

#[test]
fn refuses_in_the_order_of_the_specification() {
    let log = TestLog::new("a");
    let (request, last) = log.request(3, 5);
    let known = [Log::of_key(log.signer.verifier().clone()).unwrap()];
    let check = |request: &AddCheckpoint, last, status: u16| {
        let refusal = decide(request, &known, last).unwrap_err();
        assert_eq!(refusal.status(), status, "{refusal}");
        assert_eq!(refusal.body().is_some(), status == 409);
    };
    assert!(decide(&request, &known, Some(last)).is_ok());

    // The signature before the sizes, the sizes before the proof.
    let mut shrunk = request.clone();
    shrunk.old_size = 6;
    check(&shrunk, Some(last), 400);
    let mut unsigned = shrunk.clone();
    let forger = TestLog::new("a").signer;
    unsigned.note = Note::sign(shrunk.note.text(), &[&forger]).unwrap();
    check(&unsigned, Some(last), 403);
    let other = TestLog::new("b").request(6, 7).0;
    check(&other, Some(last), 404);
    let mut stale = request.clone();
    stale.proof.clear();
    check(&stale, Some((4, last.1)), 409);
    check(&stale, None, 409);
    check(&stale, Some(last), 422);
    let refusal = decide(&stale, &known, Some((4, last.1)));
    assert_eq!(refusal, Err(Refusal::Conflict { size: 4 }));
}

#[test]
fn the_same_size_is_cosigned_again_with_the_same_root_alone() {
    let log = TestLog::new("a");
    let known = [Log::of_key(log.signer.verifier().clone()).unwrap()];
    let (request, last) = log.request(5, 5);
    assert!(decide(&request, &known, Some(last)).is_ok());
    let refused = decide(&request, &known, Some((5, [7; 32]))).unwrap_err();
    assert_eq!(refused.status(), 422);
    let (mut request, last) = log.request(5, 5);
    request.proof.push([7; 32]);
    let refused = decide(&request, &known, Some(last)).unwrap_err();
    assert_eq!(refused.status(), 422);
}

#[test]
fn an_empty_tree_is_cosigned_with_its_root_alone() {
    let log = TestLog::new("a");
    let known = [Log::of_key(log.signer.verifier().clone()).unwrap()];
    let (request, _) = log.request(0, 0);
    for last in [None, Some((0, tree::EMPTY_ROOT))] {
        let accepted = decide(&request, &known, last).unwrap();
        assert_eq!(accepted.checkpoint().size(), 0);
    }
    let text = Checkpoint::new("a", 0, [7; 32]).unwrap().to_text();
    let note = Note::sign(&text, &[&log.signer]).unwrap();
    let request = AddCheckpoint::new(0, Vec::new(), note).unwrap();
    let refused = decide(&request, &known, None);
    assert_eq!(refused, Err(Refusal::Inconsistent(tree::Error::EmptyRoot)));
    // It grows to anything without a proof.
    let (request, last) = log.request(0, 5);
    assert_eq!(last, (0, tree::EMPTY_ROOT));
    assert!(decide(&request, &known, Some(last)).is_ok());
}

#[test]
fn what_is_stored_has_the_signatures_of_the_log_alone() {
    let log = TestLog::new("a");
    let known = [Log::of_key(log.signer.verifier().clone()).unwrap()];
    let (mut request, last) = log.request(3, 5);
    let signed = request.note.clone();
    for name in ["x", "y"] {
        let stranger = TestLog::new(name).signer;
        let other = Note::sign(signed.text(), &[&stranger]).unwrap();
        request.note.add(other.signatures()[0].clone()).unwrap();
    }
    assert_eq!(request.note.signatures().len(), 3);
    let accepted = decide(&request, &known, Some(last)).unwrap();
    assert_eq!(accepted.note(), &signed);
}

#[test]
fn an_accepted_checkpoint_is_cosigned_and_the_log_reads_the_answer() {
    let log = TestLog::new("a");
    let known = [Log::of_key(log.signer.verifier().clone()).unwrap()];
    let (request, last) = log.request(3, 5);
    let accepted = decide(&request, &known, Some(last)).unwrap();
    let key = Ed25519Key::generate().unwrap();
    let witness = Signer::new(Kind::Cosignature, "w", key).unwrap();
    let answer = accepted.cosign(&witness, 1_767_139_200).unwrap().to_line();
    let witnesses = [witness.verifier().clone()];
    let checkpoint = Checkpoint::from_text(request.note().text()).unwrap();
    let read = cosign::read_lines(answer.as_bytes(), &checkpoint, &witnesses).unwrap();
    assert_eq!(read[0].time(), 1_767_139_200);
}

#[test]
fn refuses_requests_that_are_written_otherwise() {
    let (request, _) = TestLog::new("a").request(3, 5);
    let body = String::from_utf8(request.encode()).unwrap();
    assert_eq!(AddCheckpoint::decode(body.as_bytes()), Ok(request.clone()));
    for old in [
        "",
        "old",
        "old ",
        "old  3",
        "old 03",
        "old +3",
        "old -3",
        "old 3 ",
        "Old 3",
        "3",
        " old 3",
        "old\t3",
        "old 3\r",
        "old 0x3",
        "old 18446744073709551616",
    ] {
        let bad = body.replacen("old 3", old, 1);
        let refused = AddCheckpoint::decode(bad.as_bytes());
        assert_eq!(refused, Err(Error::Head), "{bad:?}");
    }
    let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let with = |lines: &str| body.replacen("old 3\n", &format!("old 3\n{lines}"), 1);
    assert!(AddCheckpoint::decode(with(&format!("{zeros}\n")).as_bytes()).is_ok());
    for line in [
        " ",
        "x",
        zeros.trim_start_matches("AA"),
        &zeros.replace("A=", "B="),
        &format!("{zeros} "),
    ] {
        let refused = AddCheckpoint::decode(with(&format!("{line}\n")).as_bytes());
        assert_eq!(refused, Err(Error::Head), "{line:?}");
    }
    let refused = AddCheckpoint::decode(body.replace("\n\n", "\n").as_bytes());
    assert_eq!(refused, Err(Error::Head));
    let refused = AddCheckpoint::decode(body.replacen("\n\n", "\n\n\n", 1).as_bytes());
    assert!(matches!(refused, Err(Error::Checkpoint(_))), "{refused:?}");
    for empty in ["", "\n", "old 3", "old 3\n"] {
        let refused = AddCheckpoint::decode(empty.as_bytes());
        assert_eq!(refused, Err(Error::Head), "{empty:?}");
    }
    let refused = AddCheckpoint::decode(&vec![b'x'; REQUEST_BYTES_MAX + 1]);
    let found = REQUEST_BYTES_MAX + 1;
    assert_eq!(refused, Err(Error::TooLong { found }));
}

#[test]
fn a_proof_has_63_hashes_at_most() {
    let (request, _) = TestLog::new("a").request(3, 5);
    let with = |count| AddCheckpoint::new(3, vec![[7; 32]; count], request.note.clone());
    let most = with(63).unwrap();
    assert_eq!(AddCheckpoint::decode(&most.encode()), Ok(most));
    assert_eq!(with(64), Err(Error::Head));
    let mut more = with(63).unwrap();
    more.proof.push([7; 32]);
    assert_eq!(AddCheckpoint::decode(&more.encode()), Err(Error::Head));
}

#[test]
fn a_conflict_tells_the_size() {
    let refusal = Refusal::Conflict { size: 20_852_014 };
    let body = refusal.body().unwrap();
    assert_eq!(body, "20852014\n");
    assert_eq!(decode_size(body.as_bytes()), Ok(20_852_014));
    for bad in ["", "\n", "1", "01\n", "1\n\n", "x\n", "\u{ff}\n"] {
        assert_eq!(decode_size(bad.as_bytes()), Err(Error::Head), "{bad:?}");
    }
}

#[test]
fn checkpoints_are_served_under_the_hash_of_the_origin() {
    // From the tests of the Sunlight log.
    assert_eq!(
        checkpoint_path("rome2026h1.example.org"),
        "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/checkpoint"
    );
}

proptest! {
    #[test]
    fn a_request_comes_back(old in any::<u64>(), proof in vec(any::<Hash>(), 0..64)) {
        let (request, _) = TestLog::new("a").request(3, 5);
        let request = AddCheckpoint::new(old, proof, request.note).unwrap();
        prop_assert_eq!(AddCheckpoint::decode(&request.encode()), Ok(request));
    }

    #[test]
    fn a_log_that_grows_is_followed(sizes in vec(0_u64..40, 1..8)) {
        let log = TestLog::new("a");
        let known = [Log::of_key(log.signer.verifier().clone()).unwrap()];
        let (mut last, mut old) = (None, 0_u64);
        for step in sizes {
            let new = old.saturating_add(step);
            let (request, before) = log.request(old, new);
            let accepted = decide(&request, &known, last).unwrap();
            prop_assert_eq!(last.unwrap_or((0, tree::EMPTY_ROOT)), before);
            last = Some((new, *accepted.checkpoint().root()));
            old = new;
        }
    }
}

/// A log of numbered leaves.
struct TestLog {
    signer: Signer,
}

impl TestLog {
    fn new(origin: &str) -> Self {
        let key = Ed25519Key::generate().unwrap();
        Self {
            signer: Signer::new(Kind::Ed25519, origin, key).unwrap(),
        }
    }

    /// A request from one size to another, and the tree that a witness must have seen before.
    fn request(&self, old: u64, new: u64) -> (AddCheckpoint, (u64, Hash)) {
        let mut nodes = Nodes::default();
        let mut frontier = Frontier::new();
        let mut last = (0, tree::EMPTY_ROOT);
        for number in 0..new {
            for node in frontier.push(leaf_hash(&number.to_be_bytes())) {
                nodes.0.insert((node.level, node.index), node.hash);
            }
            if frontier.size() == old {
                last = (old, frontier.root());
            }
        }
        let checkpoint = Checkpoint::new(self.signer.name(), new, frontier.root()).unwrap();
        let note = checkpoint.sign(&self.signer).unwrap();
        let proof = tree::consistency_proof(&nodes, old, new).unwrap_or_default();
        (AddCheckpoint::new(old, proof, note).unwrap(), last)
    }
}

#[derive(Default)]
struct Nodes(std::collections::BTreeMap<(u8, u64), Hash>);

impl tree::HashReader for Nodes {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        Ok(self.0[&(level, index)])
    }
}

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

const SIGSUM: &str =
    "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
