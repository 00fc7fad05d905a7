use certs_keys::Ed25519Key;

use super::*;
use crate::checkpoint::{self, Log};

#[test]
fn verifies_a_cosignature_of_another_witness() {
    // A checkpoint and a cosignature of 2025-12-31 from the tests of the Sunlight log.
    let witness = "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";
    let witness = Verifier::from_vkey(witness).unwrap();
    assert_eq!(witness.kind(), Kind::Cosignature);
    let note = Note::parse(SUNLIGHT.as_bytes()).unwrap();
    let checkpoint = Checkpoint::from_text(note.text()).unwrap();
    let cosignature = verify(&checkpoint, &note.signatures()[1], &witness).unwrap();
    assert_eq!(cosignature.time(), 1_767_139_200);
    assert_eq!(cosignature.witness(), &witness);
    assert_eq!(cosignature.signature(), &note.signatures()[1]);
    // In the note the log's own signature is of a type that we do not have, and is left out.
    let known = [witness.clone()];
    assert_eq!(of_note(&note, &known), Ok(vec![cosignature]));
    let refused = verify(&checkpoint, &note.signatures()[0], &witness);
    assert_eq!(refused, Err(Error::Unsigned));
    let name = "witness.example.org".to_owned();
    let other = Checkpoint::new(checkpoint.origin(), 301, *checkpoint.root()).unwrap();
    let refused = verify(&other, &note.signatures()[1], &witness);
    assert_eq!(refused, Err(Error::BadSignature { name }));
}

#[test]
fn a_cosignature_is_for_one_checkpoint_and_one_time() {
    let signer = witness("w");
    let known = signer.verifier();
    let checkpoint = checkpoint();
    let cosigned = cosign(&checkpoint, &signer, 1_767_139_200).unwrap();
    assert_eq!(cosigned.octets().len(), 72);
    assert_eq!(cosigned.octets()[..8], 1_767_139_200_u64.to_be_bytes());
    let verified = verify(&checkpoint, &cosigned, known).unwrap();
    assert_eq!(verified.time(), 1_767_139_200);

    let refused = |checkpoint: &Checkpoint, signature: &Signature| {
        let name = "w".to_owned();
        let refused = verify(checkpoint, signature, known);
        assert_eq!(refused, Err(Error::BadSignature { name }));
    };
    let line = cosigned.to_line();
    let base64 = line.trim_end().rsplit(' ').next().unwrap();
    let octets = crate::text::base64_decode(base64).unwrap();
    let changed = |at: usize, octet: u8| {
        let mut octets = octets.clone();
        octets[at] ^= octet;
        let line = format!("— w {}", crate::text::base64_encode(&octets));
        Signature::from_line(&line).unwrap()
    };
    // Another time, one beyond the bound, and another signature.
    for (at, octet) in [(11, 1), (4, 0x80), (12, 1), (75, 1)] {
        refused(&checkpoint, &changed(at, octet));
    }
    refused(&checkpoint.clone().extended("more").unwrap(), &cosigned);
    let other = Checkpoint::new("b", 9, *checkpoint.root()).unwrap();
    refused(&other, &cosigned);
    // Cut off within the time, and behind it.
    for end in [5, 11, 12, 75] {
        let line = format!("— w {}", crate::text::base64_encode(&octets[..end]));
        refused(&checkpoint, &Signature::from_line(&line).unwrap());
    }
}

#[test]
fn cosigns_with_its_own_kind_of_key_at_a_time_that_there_is() {
    let checkpoint = checkpoint();
    let signer = witness("w");
    for time in [0, 1 << 63, u64::MAX] {
        let refused = cosign(&checkpoint, &signer, time);
        assert_eq!(refused, Err(Error::Time { time }));
    }
    assert!(cosign(&checkpoint, &signer, (1 << 63) - 1).is_ok());
    let log = Signer::new(Kind::Ed25519, "w", Ed25519Key::generate().unwrap()).unwrap();
    let found = Kind::Ed25519;
    let refused = cosign(&checkpoint, &log, 1);
    assert_eq!(refused, Err(Error::WrongKind { found }));
    let cosigned = cosign(&checkpoint, &signer, 1).unwrap();
    let refused = verify(&checkpoint, &cosigned, log.verifier());
    assert_eq!(refused, Err(Error::WrongKind { found }));
    let refused = read_lines(
        cosigned.to_line().as_bytes(),
        &checkpoint,
        &[log.verifier().clone()],
    );
    assert_eq!(refused, Err(Error::WrongKind { found }));
}

#[test]
fn reads_the_lines_of_known_witnesses() {
    let checkpoint = checkpoint();
    let [one, other] = [witness("one"), witness("other")];
    let line = |signer: &Signer, time| cosign(&checkpoint, signer, time).unwrap().to_line();
    let read = |body: &str, known: &[&Signer]| {
        let known: Vec<_> = known.iter().map(|known| known.verifier().clone()).collect();
        let read = read_lines(body.as_bytes(), &checkpoint, &known)?;
        let read = read.iter().map(Cosignature::time);
        Ok(read.collect::<Vec<_>>())
    };
    let both = line(&one, 5) + &line(&other, 6);
    assert_eq!(read(&both, &[&one]), Ok(vec![5]));
    assert_eq!(read(&both, &[&other, &one]), Ok(vec![5, 6]));
    assert_eq!(read(&both, &[]), Err(Error::Unsigned));
    assert_eq!(read(&both, &[&witness("one")]), Err(Error::Unsigned));
    // The latest of several, wherever it stands.
    let several = line(&one, 5) + &line(&one, 9) + &line(&one, 7);
    assert_eq!(read(&several, &[&one]), Ok(vec![9]));
    assert_eq!(read("", &[&one]), Err(Error::Unseparated));
    let number = 1;
    assert_eq!(read("\n", &[&one]), Err(Error::SignatureLine { number }));
    assert_eq!(read("x\n", &[&one]), Err(Error::SignatureLine { number }));
    let number = 2;
    let doubled = format!("{both}\n{both}");
    // What stands behind an empty line would make another text of the checkpoint.
    assert!(read(&doubled, &[&one]).is_err());
    let open_end = format!("{}x", line(&one, 5));
    assert_eq!(
        read(&open_end, &[&one]),
        Err(Error::SignatureLine { number })
    );
}

#[test]
fn an_answer_cannot_make_another_text_of_the_checkpoint() {
    let checkpoint = checkpoint();
    let one = witness("one");
    let known = [one.verifier().clone()];
    // The witness has signed what the note would be with an empty line in the answer. Kept with the
    // checkpoint, its line would be a bad signature, and condemn it.
    let longer = format!("{}\nmore\n", checkpoint.to_text());
    let line = one.cosign(&longer, 5).unwrap().to_line();
    let whole = format!("{longer}\n{line}");
    let note = Note::parse(whole.as_bytes()).unwrap();
    assert!(note.verify(&known).is_ok());
    let refused = read_lines(format!("more\n\n{line}").as_bytes(), &checkpoint, &known);
    assert_eq!(refused, Err(Error::SignatureLine { number: 1 }));
    let own = cosign(&checkpoint, &one, 5).unwrap().to_line();
    for (body, number) in [(format!("{own}\n{line}"), 2), (format!("{own}\n"), 2)] {
        let refused = read_lines(body.as_bytes(), &checkpoint, &known);
        assert_eq!(refused, Err(Error::SignatureLine { number }), "{body:?}");
    }
    let refused = read_lines(b"\xff\n", &checkpoint, &known);
    assert_eq!(refused, Err(Error::Text));
}

#[test]
fn an_answer_without_a_time_is_no_cosignature() {
    let checkpoint = checkpoint();
    let key = Ed25519Key::from_seed(&[3; 32]).unwrap();
    let message = format!("cosignature/v1\ntime 0\n{}", checkpoint.to_text());
    let signature = key.sign(message.as_bytes());
    let signer = Signer::new(Kind::Cosignature, "w", key).unwrap();
    let octets = [&signer.verifier().id()[..], &[0; 8], &signature].concat();
    let line = format!("— w {}\n", crate::text::base64_encode(&octets));
    let known = [signer.verifier().clone()];
    let read = |body: &str| read_lines(body.as_bytes(), &checkpoint, &known);
    assert_eq!(read(&line), Err(Error::Time { time: 0 }));
    // Beside one that has a time it does no harm.
    let later = line.clone() + &cosign(&checkpoint, &signer, 7).unwrap().to_line();
    assert_eq!(read(&later).unwrap()[0].time(), 7);
}

#[test]
fn a_log_keeps_cosignatures_with_its_checkpoint() {
    let log = Signer::new(Kind::Ed25519, "a", Ed25519Key::generate().unwrap()).unwrap();
    let known = Log::of_key(log.verifier().clone()).unwrap();
    let [one, other] = [witness("one"), witness("other")];
    let mut note = checkpoint().sign(&log).unwrap();
    for (signer, time) in [(&one, 5), (&other, 6)] {
        note.add(cosign(&checkpoint(), signer, time).unwrap())
            .unwrap();
    }
    let opened = checkpoint::open(&note.to_bytes(), &known).unwrap();
    let witnesses = [one.verifier().clone(), other.verifier().clone()];
    let found = opened.cosignatures(&witnesses).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].witness().name(), "other");
    let nobody = [witness("nobody").verifier().clone()];
    assert_eq!(opened.cosignatures(&nobody), Ok(Vec::new()));
    // A log does not cosign by signing: the same key in the other role is another key.
    let role = Verifier::new(Kind::Cosignature, "a", log.verifier().public_key()).unwrap();
    assert_eq!(opened.cosignatures(&[role]), Ok(Vec::new()));
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("a", 9, [7; 32]).unwrap()
}

fn witness(name: &str) -> Signer {
    Signer::new(Kind::Cosignature, name, Ed25519Key::generate().unwrap()).unwrap()
}

const SUNLIGHT: &str = "rome2026h1.example.org\n300\n\
    lCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=\n\n\
    — rome2026h1.example.org kVB1JgAAAZtxtEwABAMARzBFAiEAi+mTa2xjL1IdWpH82OeciGsGvwRAP+f1WkfKaSZC\
    fFECIHoNPZ/Q3y6UNzvKOO9cuLr6V16vPNfhwhle9f6r5H/Z\n\
    — witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4LGvqK\
    qLX8jWlwLKasxEGTLIqAVusneCBmBw==\n";
