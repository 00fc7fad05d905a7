use gateway_xml::{Document, Limits};
use proptest::prelude::*;

use super::*;
use crate::encoding::from_base64;
use crate::hashchain::verify;

const CHAIN: &str = "/sig-hashchain.xml";
const DATA: &str = "/message.xml";

fn parts(algorithm: DigestAlgorithm, message: &str, attachments: &[&str]) -> Parts {
    let digest = |text: &str| Digest::of(algorithm, text.as_bytes());
    Parts {
        message: digest(message),
        attachments: attachments.iter().map(|text| digest(text)).collect(),
    }
}

/// The value in a result.
fn top(result: &[u8]) -> String {
    let document = Document::parse(result, Limits::default()).unwrap();
    document.root().child(DS, "DigestValue").unwrap().text()
}

#[track_caller]
fn check_top(words: &[&str], expected: &str) {
    let messages: Vec<Parts> = words
        .iter()
        .map(|word| parts(DigestAlgorithm::Sha256, word, &[]))
        .collect();
    let (result, chains) = build(&messages, CHAIN, DATA).unwrap();
    assert_eq!(top(&result), expected);
    assert_eq!(chains.len(), words.len());
}

#[test]
fn reaches_the_published_tops() {
    check_top(
        &["one", "two", "three"],
        "4qWUaAd7VQz9oNEJ6XP93YjtFPLBy1CDQQX3cNd3OsQ=",
    );
    check_top(
        &["one", "two", "three", "four"],
        "D7oIIfhfp4ToT729xyx991PvstI5XvpW+d7oeWvXw8E=",
    );
    check_top(
        &["one", "two", "three", "four", "five"],
        "OrQBBfRcnqwD8O9zFLs1Gbt+qGHU1a/nGIhRB2PNaHY=",
    );
}

#[test]
fn chains_a_message_with_one_that_has_an_attachment() {
    let a = parts(DigestAlgorithm::Sha512, "one", &[]);
    let b = parts(DigestAlgorithm::Sha512, "two", &["three"]);
    let (result, chains) = build(&[a, b], CHAIN, DATA).unwrap();
    assert_eq!(
        top(&result),
        "FyKf5yebvLDKP/xum8semgZ2TcwDaNMQehEsKpAYACZxX7BIkP+4B/dtEIDuDlGn0awFABDWM7ZUFG5xpCHqkg=="
    );
    let leaf_b =
        "Rb/IzxkpOEuCDX/AMDT31NxSR2bKObtnd8cffjzNTHeQQjmBmujXMl9SshGMXiSN/qn8YSN6fUkfzPXOshTXMw==";
    assert_eq!(
        std::str::from_utf8(&chains[0]).unwrap(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <HashChain xmlns=\"http://cyber.ee/hashchain\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <DefaultDigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>\
             <HashStep id=\"STEP0\"><DataRef URI=\"/message.xml\"><ds:DigestValue>\
             BfcDQQeKz2oG1CPSFyD5ZD1flTYm2IoCY23DqeeVgq6wyCCFf9P43FAqqDYNLI+pephf2ltim4CcrRj/ti04mQ==\
             </ds:DigestValue></DataRef><HashValue><ds:DigestValue>{leaf_b}</ds:DigestValue>\
             </HashValue></HashStep></HashChain>\n"
        )
    );
    let b = std::str::from_utf8(&chains[1]).unwrap();
    assert!(b.contains("</HashValue><StepRef URI=\"#STEP1\"/></HashStep><HashStep id=\"STEP1\">"));
    assert!(b.contains("<DataRef URI=\"/attachment1\">"));
}

#[test]
fn writes_the_documents_of_a_rest_message_as_published() {
    let digest = |text: &str| {
        Digest::from_bytes(DigestAlgorithm::Sha512, &from_base64(text).unwrap()).unwrap()
    };
    let message =
        "66maC58/1pP2aItYMvGfw0LRz9viEfljHa31TQgsu4F5lIJkL0NG9BS0K4hYRspyiFudQDzgFSmVJkw03/wdBA==";
    let body =
        "ybwGMBy+7m/Hfb++aZZqpHMvJVOmD1S6zqfUVDyGUG6UaHXQbnmnZH2+PagYEea5F6Abfnevo2tvy7FamxgKkA==";
    let parts = Parts {
        message: digest(message),
        attachments: vec![digest(body)],
    };
    let (result, chains) = build(&[parts], CHAIN, DATA).unwrap();
    assert_eq!(
        std::str::from_utf8(&result).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <HashChainResult xmlns=\"http://cyber.ee/hashchain\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" URI=\"/sig-hashchain.xml#STEP0\">\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>\
         <ds:DigestValue>\
         Ff0IQ5VQZBEv/4GPceZNByNrUpng39suS9O3CqTgM157TO/XGpiFQXovXTKyyJtjzq6H7pRXkFWyY5eGc4yBXA==\
         </ds:DigestValue></HashChainResult>\n"
    );
    assert_eq!(
        std::str::from_utf8(&chains[0]).unwrap(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <HashChain xmlns=\"http://cyber.ee/hashchain\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <DefaultDigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>\
             <HashStep id=\"STEP0\"><DataRef URI=\"/message.xml\">\
             <ds:DigestValue>{message}</ds:DigestValue></DataRef><DataRef URI=\"/attachment1\">\
             <ds:DigestValue>{body}</ds:DigestValue></DataRef></HashStep></HashChain>\n"
        )
    );
}

#[test]
fn builds_nothing_where_there_is_nothing_to_chain() {
    assert_eq!(build(&[], CHAIN, DATA), Err(Error::NothingToChain));
    let single = parts(DigestAlgorithm::Sha512, "one", &[]);
    assert_eq!(build(&[single], CHAIN, DATA), Err(Error::NothingToChain));
}

#[test]
fn refuses_digests_of_different_algorithms() {
    let mut mixed = parts(DigestAlgorithm::Sha512, "one", &["two"]);
    mixed
        .attachments
        .push(Digest::of(DigestAlgorithm::Sha256, b"three"));
    assert_eq!(
        build(&[mixed], CHAIN, DATA),
        Err(Error::MixedAlgorithms {
            first: DigestAlgorithm::Sha512,
            other: DigestAlgorithm::Sha256,
        })
    );
}

#[test]
fn writes_chains_under_a_time_stamp_too() {
    let name = "/META-INF/signatures.xml";
    let messages: Vec<Parts> = ["a", "b", "c"]
        .map(|text| parts(DigestAlgorithm::Sha512, text, &[]))
        .into();
    let (result, chains) = build(&messages, "/ts-hashchain.xml", name).unwrap();
    for (message, chain) in messages.iter().zip(&chains) {
        let inputs = [(name.to_owned(), message.message)];
        assert_eq!(verify(&result, chain, "/ts-hashchain.xml", &inputs), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is built verifies for each message, and for none of the others.
    #[test]
    fn builds_what_verifies(attachments in proptest::collection::vec(0_usize..4, 1..40)) {
        prop_assume!(attachments.len() > 1 || attachments[0] > 0);
        let messages: Vec<Parts> = attachments
            .iter()
            .enumerate()
            .map(|(index, count)| {
                let names: Vec<String> = (0..*count).map(|a| format!("{index}/{a}")).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                parts(DigestAlgorithm::Sha512, &index.to_string(), &names)
            })
            .collect();
        let (result, chains) = build(&messages, CHAIN, DATA).unwrap();
        for (index, chain) in chains.iter().enumerate() {
            prop_assert_eq!(verify(&result, chain, CHAIN, &messages[index].inputs()), Ok(()));
            let other = messages.iter().cycle().nth(index.saturating_add(1)).unwrap();
            if messages.len() > 1 {
                prop_assert!(verify(&result, chain, CHAIN, &other.inputs()).is_err());
            }
        }
    }
}
