use certs_keys::Ed25519Key;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn opens_the_example_of_the_specification() {
    let key = Verifier::from_vkey(FOO_KEY).unwrap();
    assert_eq!(key.name(), "example.com/foo");
    assert_eq!(key.id(), [0x53, 0x0d, 0x90, 0x3a]);
    assert_eq!(key.kind(), Kind::Ed25519);
    assert_eq!(key.to_vkey(), FOO_KEY);
    let note = Note::parse(FOO_NOTE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_bytes(), FOO_NOTE.as_bytes());
    let known = [key];
    let verified = note.verify(&known).unwrap();
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].verifier(), &known[0]);
    assert_eq!(verified[0].signature(), &note.signatures()[0]);
    assert_eq!(verified[0].time(), None);
}

#[test]
fn a_text_with_empty_lines_ends_at_the_last_one() {
    // The first example of the specification, whose key it does not give.
    let note = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\
                ed è subito sera.\n\n\
                — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+Ehf\
                LW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let parsed = Note::parse(note.as_bytes()).unwrap();
    assert!(parsed.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(parsed.signatures().len(), 1);
    assert_eq!(parsed.to_bytes(), note.as_bytes());
    // Also when the text ends with them.
    for text in ["\n", "\n\n", "a\n\n", "a\n\n\n"] {
        let note = Note::sign(text, &[&peter()]).unwrap();
        let again = Note::parse(&note.to_bytes()).unwrap();
        assert_eq!(again, note);
        assert_eq!(again.text(), text);
    }
}

#[test]
fn signs_as_the_go_project_does() {
    let note = Note::sign(TEXT, &[&peter()]).unwrap();
    let expected = format!("{TEXT}\n{PETER_LINE}");
    assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), expected);
    assert_eq!(peter().verifier().to_vkey(), PETER_KEY);
}

#[test]
fn known_signatures_are_verified_and_others_left_out() {
    let note = parse(&[PETER_LINE, ENOCH_LINE]);
    let [peter, enoch] = [PETER_KEY, ENOCH_KEY].map(|key| Verifier::from_vkey(key).unwrap());
    let names = |known: &[Verifier]| {
        let verified = note.verify(known)?;
        let names = verified
            .iter()
            .map(|found| found.verifier().name().to_owned());
        Ok(names.collect::<Vec<_>>())
    };
    let one = vec!["PeterNeumann".to_owned()];
    assert_eq!(names(std::slice::from_ref(&peter)), Ok(one));
    let both = vec!["PeterNeumann".to_owned(), "EnochRoot".to_owned()];
    assert_eq!(names(&[enoch.clone(), peter.clone()]), Ok(both));
    assert_eq!(names(&[]), Err(Error::Unsigned));
    let other = Ed25519Key::generate().unwrap().public_key();
    let other = Verifier::new(Kind::Ed25519, "PeterNeumann", other).unwrap();
    assert_eq!(names(&[other]), Err(Error::Unsigned));
    let renamed = Verifier::new(Kind::Ed25519, "PeterNewman", peter.public_key()).unwrap();
    assert_eq!(names(&[renamed]), Err(Error::Unsigned));
}

#[test]
fn a_name_or_an_identifier_alone_is_no_key() {
    let peter = [Verifier::from_vkey(PETER_KEY).unwrap()];
    let renamed = PETER_LINE.replace("PeterNeumann", "CarmenSandiego");
    let other_id = PETER_LINE.replace("x08g", "xxxx");
    for line in [renamed.as_str(), &other_id] {
        assert_eq!(parse(&[line]).verify(&peter), Err(Error::Unsigned));
        // Beside a good signature they do no harm.
        assert!(parse(&[line, PETER_LINE]).verify(&peter).is_ok());
    }
}

#[test]
fn one_bad_signature_of_a_known_key_condemns_the_note() {
    let known = [PETER_KEY, ENOCH_KEY].map(|key| Verifier::from_vkey(key).unwrap());
    let name = "PeterNeumann".to_owned();
    let changed = PETER_LINE.replace("ZJku", "ZKku");
    // Longer and shorter than a signature is.
    let longer = PETER_LINE.replace("ZJku", "ZJkuABCD");
    let shorter = PETER_LINE.replace("ZJku", "");
    for bad in [&changed, &longer, &shorter] {
        assert_ne!(bad, PETER_LINE);
        let expected = Err(Error::BadSignature { name: name.clone() });
        assert_eq!(parse(&[bad]).verify(&known), expected, "{bad}");
        assert_eq!(parse(&[PETER_LINE, bad]).verify(&known), expected);
        assert_eq!(parse(&[bad, PETER_LINE]).verify(&known), expected);
        assert_eq!(parse(&[ENOCH_LINE, bad]).verify(&known), expected);
        // Nobody is bothered who does not know the key.
        assert!(parse(&[ENOCH_LINE, bad]).verify(&known[1..]).is_ok());
    }
}

#[test]
fn a_key_counts_once_however_often_it_has_signed() {
    let peter = [Verifier::from_vkey(PETER_KEY).unwrap()];
    let note = parse(&[PETER_LINE, ENOCH_LINE, PETER_LINE, ENOCH_LINE]);
    assert_eq!(note.verify(&peter).unwrap().len(), 1);
    assert_eq!(note.signatures().len(), 4);
    let mut note = parse(&[PETER_LINE]);
    note.add(Signature::from_line(PETER_LINE.trim_end()).unwrap())
        .unwrap();
    assert_eq!(note, parse(&[PETER_LINE]));
    note.add(Signature::from_line(ENOCH_LINE.trim_end()).unwrap())
        .unwrap();
    assert_eq!(note, parse(&[PETER_LINE, ENOCH_LINE]));
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let key = Verifier::from_vkey(PETER_KEY).unwrap();
    let name = "PeterNeumann".to_owned();
    let known = [key.clone(), Verifier::from_vkey(ENOCH_KEY).unwrap(), key];
    let note = parse(&[ENOCH_LINE]);
    let refused = note.verify(&known);
    assert_eq!(refused, Err(Error::AmbiguousKeys { name }));
}

#[test]
fn refuses_what_is_no_note() {
    let whole = format!("{TEXT}\n{PETER_LINE}");
    let bare = PETER_LINE.trim_end();
    let check = |note: &str, expected: Error| {
        assert_eq!(Note::parse(note.as_bytes()), Err(expected), "{note:?}");
    };
    let line = |number| Error::SignatureLine { number };
    check("", Error::Unseparated);
    check("\n", Error::Unseparated);
    check("\n\n", Error::Unseparated);
    check(TEXT, Error::Unseparated);
    check(&format!("{TEXT}\n"), Error::Unseparated);
    check(&format!("{TEXT}{PETER_LINE}"), Error::Unseparated);
    check(&format!("\n{PETER_LINE}"), Error::Unseparated);
    check(&format!("{whole}\n"), Error::Unseparated);
    check(&format!("{TEXT}\n{bare}"), line(1));
    check(&format!("{whole}x"), line(2));
    check(&format!("{whole}Unexpected line.\n"), line(2));
    check(&format!("\u{1}{whole}"), Error::Text);
    check(&whole.replace("then", "\tthen"), Error::Text);
    check(&whole.replace('\n', "\r\n"), Error::Unseparated);
    assert_eq!(
        Note::parse(&[b"\xff", whole.as_bytes()].concat()),
        Err(Error::Text)
    );
}

#[test]
fn refuses_signature_lines_that_are_written_otherwise() {
    let encoded = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE\
                   6RyyBwJnAM=";
    assert_eq!(PETER_LINE, format!("— PeterNeumann {encoded}\n"));
    for bad in [
        format!("- PeterNeumann {encoded}"),
        format!("—PeterNeumann {encoded}"),
        format!(" — PeterNeumann {encoded}"),
        format!("—  {encoded}"),
        format!("— {encoded}"),
        format!("— Peter Neumann {encoded}"),
        format!("— Peter+Neumann {encoded}"),
        format!("— Peter\u{a0}Neumann {encoded}"),
        format!("— Peter\u{2028}Neumann {encoded}"),
        format!("— Peter\tNeumann {encoded}"),
        format!("— Peter\u{1}Neumann {encoded}"),
        format!("— PeterNeumann  {encoded}"),
        format!("— PeterNeumann {encoded} "),
        format!("— PeterNeumann {}", encoded.trim_end_matches('=')),
        // Bits that say nothing, the other alphabet, and identifiers without a signature.
        format!("— PeterNeumann {}", encoded.replace("M=", "N=")),
        format!("— PeterNeumann {}", encoded.replace('/', "_")),
        "— PeterNeumann x08gow==".to_owned(),
        "— PeterNeumann x08g".to_owned(),
        "— PeterNeumann ".to_owned(),
        "— PeterNeumann".to_owned(),
        String::new(),
    ] {
        let number = 1;
        let refused = Signature::from_line(&bad);
        assert_eq!(refused, Err(Error::SignatureLine { number }), "{bad:?}");
    }
    assert!(Signature::from_line("— Пётр x08gowA=").is_ok());
}

#[test]
fn notes_are_bounded() {
    let lines = |count| format!("{TEXT}\n{}", PETER_LINE.repeat(count));
    for count in [16, SIGNATURES_MAX] {
        let note = Note::parse(lines(count).as_bytes()).unwrap();
        assert_eq!(note.signatures().len(), count);
    }
    let found = SIGNATURES_MAX.checked_add(1).unwrap();
    let refused = Note::parse(lines(found).as_bytes());
    assert_eq!(refused, Err(Error::ManySignatures { found }));
    let mut full = Note::parse(lines(SIGNATURES_MAX).as_bytes()).unwrap();
    let one_more = Signature::from_line(ENOCH_LINE.trim_end()).unwrap();
    assert_eq!(full.add(one_more), Err(Error::ManySignatures { found }));
    assert_eq!(full.signatures().len(), SIGNATURES_MAX);

    let text = |count| format!("{}\n", "x".repeat(count));
    let overhead = text(0).len().checked_add(1).unwrap();
    let room = NOTE_BYTES_MAX
        .checked_sub(overhead)
        .and_then(|room| room.checked_sub(PETER_LINE.len()));
    let room = room.unwrap();
    let longest = Note::sign(&text(room), &[&peter()]).unwrap();
    assert_eq!(longest.to_bytes().len(), NOTE_BYTES_MAX);
    assert_eq!(Note::parse(&longest.to_bytes()), Ok(longest));
    let found = NOTE_BYTES_MAX.checked_add(1).unwrap();
    let room = room.checked_add(1).unwrap();
    let refused = Note::sign(&text(room), &[&peter()]);
    assert_eq!(refused, Err(Error::TooLong { found }));
    assert_eq!(
        Note::parse(&vec![b'x'; found]),
        Err(Error::TooLong { found })
    );
}

#[test]
fn signs_no_text_that_no_note_could_have() {
    for text in ["", "abc", "a\tb\n", "a\r\n", "\0\n"] {
        assert_eq!(Note::sign(text, &[&peter()]), Err(Error::Text), "{text:?}");
    }
    assert_eq!(Note::sign(TEXT, &[]), Err(Error::Unsigned));
}

#[test]
fn no_part_and_no_change_of_a_verifier_key_is_one() {
    for vkey in [FOO_KEY, PETER_KEY, WITNESS_KEY] {
        assert!(Verifier::from_vkey(vkey).is_ok());
        for start in 0..=vkey.len() {
            for end in start..=vkey.len() {
                if (start, end) != (0, vkey.len()) {
                    let part = &vkey.get(start..end).unwrap();
                    assert!(Verifier::from_vkey(part).is_err(), "{part}");
                }
            }
        }
        for at in 0..vkey.len() {
            let mut changed = vkey.as_bytes().to_vec();
            changed[at] = changed[at].wrapping_add(1);
            let changed = String::from_utf8(changed).unwrap();
            assert!(Verifier::from_vkey(&changed).is_err(), "{changed}");
        }
        assert!(Verifier::from_vkey(&format!("{vkey}\n")).is_err());
    }
}

#[test]
fn refuses_verifier_keys_that_contradict_themselves() {
    let check = |vkey: &str, expected: Error| {
        assert_eq!(Verifier::from_vkey(vkey), Err(expected), "{vkey}");
    };
    let key = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    // Longer, and of a type nobody has, both with the identifier that belongs to them.
    let long = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==";
    assert!(Verifier::from_vkey(long).is_err());
    check(
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        Error::KeyType { found: 0x65 },
    );
    check(&format!("PeterNeumann+c74f20a4+{key}"), Error::KeyId);
    check(&format!("PeterNeumann+C74F20A3+{key}"), Error::KeyId);
    check(&format!("PeterNeumann+0c74f20a3+{key}"), Error::KeyId);
    check(&format!("PeterNewman+c74f20a3+{key}"), Error::KeyId);
    check(&format!("+c74f20a3+{key}"), Error::Name);
    check(&format!("Peter Neumann+c74f20a3+{key}"), Error::Name);
    check("PeterNeumann+c74f20a3", Error::Vkey);
    check("PeterNeumann+c74f20a3+", Error::Vkey);
    check("PeterNeumann+c74f20a3+ARpc", Error::Vkey);
    check("PeterNeumann+c74f20a3+A===", Error::Vkey);
    for name in ["", " ", "a b", "a+b", "a\nb", "a\u{2003}b", "\u{85}", "a\0"] {
        assert_eq!(
            Verifier::new(Kind::Ed25519, name, [0; 32]),
            Err(Error::Name)
        );
        let key = Ed25519Key::generate().unwrap();
        let refused = Signer::new(Kind::Ed25519, name, key).unwrap_err();
        assert_eq!(refused, Error::Name);
    }
}

#[test]
fn the_kind_is_part_of_the_identifier() {
    let key = Verifier::from_vkey(PETER_KEY).unwrap();
    let other = Verifier::new(Kind::Cosignature, key.name(), key.public_key()).unwrap();
    assert_ne!(other.id(), key.id());
    assert_eq!(Verifier::from_vkey(&other.to_vkey()), Ok(other));
}

#[test]
fn a_cosigners_key_signs_no_text_and_a_logs_key_no_time() {
    let signer = |kind| Signer::new(kind, "a", Ed25519Key::generate().unwrap()).unwrap();
    let found = Kind::Cosignature;
    let refused = Note::sign(TEXT, &[&signer(found)]);
    assert_eq!(refused, Err(Error::WrongKind { found }));
    let found = Kind::Ed25519;
    let refused = signer(found).cosign(TEXT, 1);
    assert_eq!(refused, Err(Error::WrongKind { found }));
}

#[test]
fn says_nothing_secret_when_printed() {
    let printed = format!("{:?}", peter());
    let public = hex::encode(peter().verifier().public_key());
    assert!(printed.contains("PeterNeumann") && printed.contains(&public));
    // The seed of the key, in the forms that a printed array or text could have.
    assert!(!printed.contains("810a1402") && !printed.contains("129, 10, 20, 2"));
}

proptest! {
    #[test]
    fn what_is_signed_comes_back_and_verifies(
        lines in vec("[^\\x00-\\x1f]{0,20}", 0..6), names in vec("[a-z./0-9]{1,12}", 1..4),
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let text = if text.is_empty() { "\n".to_owned() } else { text };
        let signers: Vec<_> = names
            .iter()
            .map(|name| Signer::new(Kind::Ed25519, name, Ed25519Key::generate().unwrap()).unwrap())
            .collect();
        let note = Note::sign(&text, &signers.iter().collect::<Vec<_>>()).unwrap();
        let again = Note::parse(&note.to_bytes()).unwrap();
        prop_assert_eq!(&again, &note);
        prop_assert_eq!(again.text(), text);
        let known: Vec<_> = signers.iter().map(|signer| signer.verifier().clone()).collect();
        prop_assert_eq!(again.verify(&known).unwrap().len(), known.len());
    }

    #[test]
    fn no_changed_octet_of_the_text_is_verified(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = FOO_NOTE.as_bytes().to_vec();
        let at = at.index("This is an example message.\n".len());
        let changed = bytes[at] != to;
        bytes[at] = to;
        let known = [Verifier::from_vkey(FOO_KEY).unwrap()];
        let verified = Note::parse(&bytes).is_ok_and(|note| note.verify(&known).is_ok());
        prop_assert_ne!(verified, changed);
    }

    #[test]
    fn what_is_parsed_is_written_the_same(
        bytes in "(a|\n){1,4}\n(— [a-z+]{1,2} [A-Zaz/+]{7}[A-Z=]\n){1,3}",
    ) {
        if let Ok(note) = Note::parse(bytes.as_bytes()) {
            prop_assert_eq!(note.to_bytes(), bytes.as_bytes());
        }
    }
}

fn parse(lines: &[&str]) -> Note {
    let note = format!("{TEXT}\n{}", lines.concat());
    Note::parse(note.as_bytes()).unwrap()
}

/// The key of the Go project's tests, which protects nothing.
fn peter() -> Signer {
    let octets = text::base64_decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    let key = Ed25519Key::from_seed(octets[1..].try_into().unwrap()).unwrap();
    Signer::new(Kind::Ed25519, "PeterNeumann", key).unwrap()
}

const FOO_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const FOO_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw\
    HjG1Yu72IneyaQM=\n";
const WITNESS_KEY: &str =
    "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";
const PETER_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH_KEY: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2\
                          pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_LINE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGr\
                          Q5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
