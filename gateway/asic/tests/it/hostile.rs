//! Documents made to be read otherwise elsewhere, or to cost whoever verifies them.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gateway_asic::container;
use gateway_asic::verify::Error;
use gateway_asic::zip::{self, Limits, Source};

use crate::country::{
    Country, NOW, Stamp, check_refused, envelope, judge, make_container, open, sha512,
};
use crate::files::Files;

/// The octets of a container whose last entry is empty, as the directory has it, but holds others
/// for whoever reads from the front.
fn hiding_behind_the_last(container: &Bytes) -> Bytes {
    let mut octets = container.to_vec();
    let number = |octets: &[u8], at: usize| {
        usize::try_from(u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())).unwrap()
    };
    let end = octets.len() - 22 - comment_bytes(&octets);
    let directory = number(&octets, end + 16);
    let last = directory + rfind(&octets[directory..end], b"PK\x01\x02");
    assert_eq!(number(&octets, last + 24), 0, "it is empty");
    // In front of its descriptor.
    let at = directory - 16;
    let hidden = b"PK\x07\x08\0\0\0\0\x02\0\0\0\0\0\0\0PK\x03\x04 and what follows";
    let compressed = number(&octets, last + 20) + hidden.len();
    let length = u32::try_from(compressed).unwrap().to_le_bytes();
    octets[last + 20..last + 24].copy_from_slice(&length);
    let moved = u32::try_from(directory + hidden.len()).unwrap();
    octets[end + 16..end + 20].copy_from_slice(&moved.to_le_bytes());
    octets[at + 8..at + 12].copy_from_slice(&length);
    octets.splice(at..at, hidden.iter().copied());
    octets.into()
}

fn comment_bytes(octets: &[u8]) -> usize {
    let end = rfind(octets, b"PK\x05\x06");
    octets.len() - end - 22
}

fn rfind(octets: &[u8], what: &[u8; 4]) -> usize {
    octets.windows(4).rposition(|four| four == what).unwrap()
}

#[test]
fn nothing_hides_in_an_empty_file_of_a_time_stamp() {
    let country = Country::new();
    let conf = country.conf();
    let container = country.container(&country.soap_request("s-1", &[]), Stamp::Single, NOW);
    // Empty it says nothing, and the one in the signature counts.
    let empty = Files::of(&container)
        .with("META-INF/timestamp.tst", "")
        .zip();
    judge(&empty, &conf).unwrap();
    let hiding = hiding_behind_the_last(&empty);
    match open(&hiding).unwrap_err() {
        Error::Zip(zip::Error::Content { name, reason }) => {
            assert_eq!(name, "META-INF/timestamp.tst");
            assert!(reason.contains("octets follow"), "{reason}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_chain_that_names_the_message_ever_again_has_it_hashed_once() {
    let country = Country::new();
    let conf = country.conf();
    let sealed = country.soap_request("s-1", &["one"]);
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let body = "x".repeat(4 << 20);
    let message = envelope(
        "s-1",
        &format!("<p:lookup xmlns:p=\"urn:p\">{body}</p:lookup>"),
    );
    let entry = format!(
        "<DataRef URI=\"/message.xml\"><d:DigestValue>{}</d:DigestValue></DataRef>",
        STANDARD.encode(sha512(message.as_bytes()).as_bytes())
    );
    let chain = format!(
        "<HashChain xmlns=\"http://cyber.ee/hashchain\" \
         xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\">\
         <DefaultDigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>\
         <HashStep id=\"STEP0\">{}</HashStep></HashChain>",
        entry.repeat(20_000)
    );
    let files = Files::of(&container)
        .with("message.xml", message)
        .with("sig-hashchain.xml", chain);
    // Hashed twenty thousand times it would be 80 GiB.
    let begun = Instant::now();
    let code = "malformed_signature.invalid_hash_chain";
    check_refused(&files.zip(), &conf, code);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn files_that_are_always_small_are_not_taken_into_memory_when_they_are_not() {
    let country = Country::new();
    let container = country.container(&country.soap_request("s-1", &["one"]), Stamp::Batch, NOW);
    for name in [
        "mimetype",
        "META-INF/signatures.xml",
        "META-INF/timestamp.tst",
        "META-INF/manifest.xml",
        "META-INF/ASiCManifest.xml",
        "sig-hashchainresult.xml",
        "sig-hashchain.xml",
        "ts-hashchainresult.xml",
        "ts-hashchain.xml",
    ] {
        let large = Files::of(&container).with(name, vec![b'x'; 5 << 20]).zip();
        let source = Source::from(large);
        match container::open(source, &Limits::CONTAINER).unwrap_err() {
            Error::Zip(zip::Error::TooMuch { what, .. }) => {
                assert_eq!(what, "octets of an entry in memory", "{name}");
            }
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn a_name_that_is_refused_does_not_steer_a_terminal() {
    let country = Country::new();
    let sealed = country.soap_request("s-1", &[]);
    let stamp = country.stamp(&sealed.seal.signature, Stamp::Single, NOW);
    let container = Files::of(&make_container(&sealed, stamp))
        .with("NAME", "")
        .zip();
    let mut octets = container.to_vec();
    while let Some(at) = octets.windows(4).position(|four| four == b"NAME") {
        octets[at..at + 4].copy_from_slice(b"\x1b[2J");
    }
    let error = open(&octets.into()).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text.push_str(&error.to_string());
        source = error.source();
    }
    assert!(text.contains("[2J"), "{text}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
