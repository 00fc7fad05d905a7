//! XML: the reader, the document with its canonical forms, text.

use gateway_xml::{
    Canonicalization, Document, Event, Limits, Reader, decode, escape_attribute, escape_text,
};

/// Narrow, so that inputs of a few kilobytes reach every limit.
const LIMITS: Limits = Limits {
    bytes_max: 60_000,
    depth_max: 20,
    nodes_max: 4000,
    attributes_max: 20,
};

/// Room for a canonical form, which repeats what its ancestors declare.
const WIDE: Limits = Limits {
    bytes_max: 64 << 20,
    depth_max: 20,
    nodes_max: 4000,
    attributes_max: 2000,
};

/// The events lie in the source in order, open and close in pairs, and stay within the limits.
pub fn xml_reader(data: &[u8]) {
    let Ok(mut reader) = Reader::new(data, LIMITS) else {
        return;
    };
    let (mut depth, mut nodes, mut end) = (0_usize, 0_usize, 0_usize);
    let outcome = loop {
        match reader.next() {
            Ok(Some(Event::Start(element))) => {
                depth += 1;
                nodes += 1;
                assert!(!element.local_name().is_empty());
                assert!(element.attributes().count() <= LIMITS.attributes_max);
                assert!(element.prefix().is_empty() || !element.namespace().is_empty());
            }
            Ok(Some(Event::End)) => depth -= 1,
            Ok(Some(Event::Text(text))) => {
                nodes += 1;
                assert!(!text.is_empty());
            }
            Ok(Some(Event::Comment | Event::Instruction)) => nodes += 1,
            Ok(None) => break true,
            Err(_) => break false,
        }
        assert!(depth <= LIMITS.depth_max && nodes <= LIMITS.nodes_max);
        let range = reader.range();
        assert!(end <= range.start && range.start <= range.end && range.end <= data.len());
        end = range.end;
    };
    assert!(!outcome || depth == 0);
    assert_eq!(
        outcome,
        reader.next().is_ok(),
        "an end is an end, an error is an error"
    );
    assert_eq!(
        outcome,
        Document::parse(data, LIMITS).is_ok(),
        "both readers agree"
    );
}

/// A canonical form is a document whose canonical form it is.
pub fn xml_document(data: &[u8]) {
    let Ok(document) = Document::parse(data, LIMITS) else {
        return;
    };
    let source = decode(data).expect("it was decoded to be parsed").text;
    let methods = [
        Canonicalization::Inclusive10,
        Canonicalization::Inclusive11,
        Canonicalization::Exclusive {
            inclusive_prefixes: Vec::new(),
        },
        Canonicalization::Exclusive {
            inclusive_prefixes: vec!["#default".to_owned(), "a".to_owned()],
        },
    ];
    for node in document.root().descendants().take(12) {
        let range = node.source_range();
        let text = source
            .get(range)
            .expect("an element lies on character boundaries");
        assert!(text.starts_with('<') && text.ends_with('>'));
        for method in &methods {
            let Ok(canonical) = node.canonical(method) else {
                continue;
            };
            let again = Document::parse(&canonical, WIDE).expect("a canonical form is well-formed");
            let root = again.root();
            assert_eq!(root.namespace(), node.namespace());
            assert_eq!(root.local_name(), node.local_name());
            assert_eq!(root.content(), node.content());
            assert_eq!(
                root.canonical(method).expect("as before"),
                canonical,
                "{}",
                method.uri()
            );
        }
    }
    for id in ["a", "b", "signature"] {
        let unique = document.check_unique("Id").is_ok();
        assert!(!unique || document.by_id(id).is_ok());
    }
}

/// Escaped text reads back as what it was.
pub fn xml_text(data: &[u8]) {
    let Ok(decoded) = decode(data) else { return };
    let text = decoded.text;
    let last = text.len();
    assert!(decoded.mark_bytes <= data.len());
    let written = format!(
        "<a b=\"{}\">{}</a>",
        escape_attribute(&text),
        escape_text(&text)
    );
    // Only characters that XML cannot hold at all may stand in the way.
    let Ok(document) = Document::parse(written.as_bytes(), WIDE) else {
        let control = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
        let noncharacter = |c: char| matches!(c, '\u{FFFE}' | '\u{FFFF}');
        assert!(text.chars().any(|c| control(c) || noncharacter(c)));
        return;
    };
    assert_eq!(document.root().text(), text);
    assert_eq!(document.root().attribute("", "b"), Some(&*text));
    assert_eq!(text.len(), last);
}
