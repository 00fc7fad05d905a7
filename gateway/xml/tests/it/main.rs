//! The public face: nothing from outside makes it panic, and reader and tree agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

use gateway_xml::{Canonicalization, Document, Event, Limits, Reader};
use proptest::prelude::*;

/// Reads to the end, checking what must hold for every document; the names of its elements.
fn read(bytes: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader::new(bytes, Limits::default()).ok()?;
    let mut names = Vec::new();
    let mut position = 0;
    let mut open = 0_usize;
    loop {
        match reader.next() {
            Err(error) => {
                // An error stays.
                assert_eq!(reader.next().err(), Some(error));
                return None;
            }
            Ok(None) => break,
            Ok(Some(Event::Start(element))) => {
                names.push(format!(
                    "{{{}}}{}",
                    element.namespace(),
                    element.local_name()
                ));
                open += 1;
            }
            Ok(Some(Event::End)) => open -= 1,
            Ok(Some(Event::Text(text))) => assert!(!text.is_empty()),
            Ok(Some(Event::Comment | Event::Instruction)) => {}
        }
        let range = reader.range();
        assert!(position <= range.start && range.start <= range.end && range.end <= bytes.len());
        position = range.end;
        assert_eq!(reader.depth(), open);
    }
    assert_eq!(open, 0);
    Some(names)
}

fn check_both(bytes: &[u8]) {
    let names = read(bytes);
    match Document::parse(bytes, Limits::default()) {
        Err(_) => assert_eq!(names, None),
        // Only the tree transcodes.
        Ok(_) if names.is_none() => assert!(!bytes.is_ascii()),
        Ok(document) => {
            let walked: Vec<String> = document
                .root()
                .descendants()
                .map(|node| format!("{{{}}}{}", node.namespace(), node.local_name()))
                .collect();
            assert_eq!(Some(walked), names);
            // Relative namespaces have no canonical form; everything else has.
            if let Ok(once) = document.root().canonical(&Canonicalization::Inclusive10) {
                let twice = Document::parse(&once, Limits::default()).unwrap();
                assert_eq!(
                    once,
                    twice
                        .root()
                        .canonical(&Canonicalization::Inclusive10)
                        .unwrap()
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn takes_any_bytes_without_panicking(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_both(&bytes);
    }

    /// Pieces of markup in any order: mostly wrong, now and then right.
    #[test]
    fn takes_any_markup_without_panicking(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "<a>", "</a>", "<a/>", "<b x='1'>", "</b>", "<p:c xmlns:p='u:p' p:y=\"2\">", "</p:c>",
            "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&#13;", "&#xD;", "&x;", "&", "<", ">",
            "text", " ", "\r\n", "<?p d?>", "<?xml version='1.0'?>", "<!DOCTYPE a>", "'", "\"",
            "=", "xmlns='u:d'", "\u{FEFF}", "\u{0}", "ə",
        ]), 0..16))
    {
        check_both(pieces.concat().as_bytes());
        check_both(format!("<a>{}</a>", pieces.concat()).as_bytes());
    }
}

/// Every signature document at hand: its parts in canonical form are their own canonical form.
#[test]
fn reads_the_documents_of_another_implementation() {
    let Some(folder) = std::env::var_os("KARVAN_XROAD_VECTORS") else {
        eprintln!("not run: KARVAN_XROAD_VECTORS is not set");
        return;
    };
    let mut documents = 0;
    for entry in std::fs::read_dir(std::path::Path::new(&folder).join("signatures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(read(&bytes).is_some(), "{}", path.display());
        check_both(&bytes);
        documents += 1;
    }
    assert!(documents > 5);
}
