use proptest::prelude::*;

use super::*;

fn chain(algorithm: DigestAlgorithm, previous: Option<Previous>) -> Info {
    let mut chain = Chain::new(algorithm, previous);
    for (name, content) in [("a-request-1.asice", "one"), ("a-response-2.asice", "two")] {
        let mut hasher = chain.hasher();
        hasher.update(content.as_bytes());
        chain.add(name, &hasher.finish());
    }
    chain.into_info()
}

fn previous() -> Previous {
    Previous {
        digest: ONE_256.to_owned(),
        file_name: "mlog-20260101000000-20260101000000-e3.zip".to_owned(),
    }
}

/// Computed with another implementation of the digest.
#[test]
fn links_as_other_servers_do() {
    let info = chain(DigestAlgorithm::Sha256, None);
    assert_eq!(info.links[0].digest, ONE_256);
    assert_eq!(info.last_digest(), TWO_256);
    assert_eq!(
        info.encode(),
        format!("- - SHA-256\n{ONE_256} a-request-1.asice\n{TWO_256} a-response-2.asice\n")
    );
    let info = chain(DigestAlgorithm::Sha512, None);
    assert!(info.last_digest().starts_with(TWO_512_START));
}

#[test]
fn goes_on_from_the_file_before() {
    let mut chain = Chain::new(DigestAlgorithm::Sha256, Some(previous()));
    assert_eq!(chain.info().last_digest(), ONE_256);
    let two = Digest::of(DigestAlgorithm::Sha256, b"two");
    chain.add("b-request-2.asice", &two);
    assert_eq!(chain.info().last_digest(), TWO_256);
    let text = chain.info().encode();
    assert!(text.starts_with(&format!(
        "{ONE_256} mlog-20260101000000-20260101000000-e3.zip SHA-256\n"
    )));
}

#[test]
fn the_previous_file_may_have_blanks_in_its_name_and_another_algorithm() {
    let text = format!("{ONE_256} mlog-DEV_COM_a b-1-2-e3.zip SHA-512\n");
    let info = Info::parse(text.as_bytes()).unwrap();
    assert_eq!(
        info.previous.as_ref().unwrap().file_name,
        "mlog-DEV_COM_a b-1-2-e3.zip"
    );
    assert_eq!(info.algorithm, DigestAlgorithm::Sha512);
    assert_eq!(info.encode(), text);
}

#[track_caller]
fn check_refused(text: &str, expected: Error) {
    assert_eq!(Info::parse(text.as_bytes()), Err(expected), "{text:?}");
}

#[test]
fn refuses_what_is_not_linking_information() {
    let line = |number, reason| Error::Line { number, reason };
    assert_eq!(Info::parse(b"\xFF"), Err(Error::NotText));
    for text in ["", "-", "- -", "\n"] {
        check_refused(text, line(1, "there are not three words"));
    }
    let half = "of the previous file only one half is named";
    check_refused("- a.zip SHA-512\n", line(1, half));
    check_refused(&format!("{ONE_256} - SHA-512\n"), line(1, half));
    check_refused(
        "0x12 a.zip SHA-512\n",
        line(1, "the previous digest is not hexadecimal"),
    );
    check_refused(
        &format!("{ONE_256} a\x1b[2J.zip SHA-512\n"),
        line(1, "the name of the previous file holds control characters"),
    );
    for name in ["SHA-1", "MD5", "SHA-224"] {
        let name = name.to_owned();
        check_refused(&format!("- - {name}\n"), Error::Algorithm { name });
    }
    let digest = "the digest is not one of the algorithm, in lower-case hexadecimal";
    let first = "- - SHA-256\n";
    for wrong in [
        "e3".to_owned(),
        ONE_256.to_uppercase(),
        format!("{ONE_256}00"),
    ] {
        check_refused(&format!("{first}{wrong} a\n"), line(2, digest));
    }
    check_refused(
        &format!("{first}{ONE_256}\n"),
        line(2, "there are not two words"),
    );
    for name in ["", "a b", "a\tb"] {
        check_refused(
            &format!("{first}{ONE_256} {name}\n"),
            line(2, "the name is empty or holds blanks"),
        );
    }
    check_refused(
        &format!("{first}{ONE_256} a\n{TWO_256} a\n"),
        Error::Repeated {
            name: "a".to_owned(),
        },
    );
}

proptest! {
    #[test]
    fn reads_what_it_writes(
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..6),
        goes_on in any::<bool>(),
        which in 2_usize..5,
    ) {
        let algorithm = DigestAlgorithm::ALL[which];
        let mut chain = Chain::new(algorithm, goes_on.then(previous));
        for (index, content) in contents.iter().enumerate() {
            chain.add(&format!("a-request-{index}.asice"), &Digest::of(algorithm, content));
        }
        let info = chain.into_info();
        prop_assert_eq!(Info::parse(info.encode().as_bytes()), Ok(info));
    }

    #[test]
    fn never_panics(text in "[-0-9a-f ]{0,70}( |\n)?[-A-Za-z0-9 .\n]{0,40}") {
        if let Ok(info) = Info::parse(text.as_bytes()) {
            prop_assert_eq!(Info::parse(info.encode().as_bytes()), Ok(info));
        }
    }
}

const ONE_256: &str = "e8fdaa78e6ffffcd50b3cdb2adbd698c478d05e2583a9b8a59645eefbfdcf42d";
const TWO_256: &str = "2bbb0b8b105d2ccf86608c52d2345c0f23421bb99d6070a6abe759d9a0d6ac78";
const TWO_512_START: &str = "6b404da0e335eb2f86b777bedc2c2741";
