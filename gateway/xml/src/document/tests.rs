use super::*;

fn parse(document: &str) -> Document {
    Document::parse(document.as_bytes(), Limits::default()).unwrap()
}

#[test]
fn finds_children_attributes_and_text() {
    let document = parse("<a xmlns='u' xmlns:p='v'>1<p:b p:x='1' x='2'>t</p:b>2<c/><!---->3</a>");
    let root = document.root();
    assert!(root.is("u", "a"));
    assert_eq!(root.text(), "123");
    assert_eq!(
        root.children()
            .map(|child| child.local_name())
            .collect::<Vec<_>>(),
        ["b", "c"]
    );
    let b = root.child("v", "b").unwrap();
    assert_eq!(
        (b.prefix(), b.attribute("v", "x"), b.attribute("", "x")),
        ("p", Some("1"), Some("2"))
    );
    assert_eq!(b.attribute("u", "x"), None);
    assert!(matches!(b.content(), Cow::Borrowed("t")));
    assert_eq!(b.parent(), Some(root));
    assert_eq!(root.parent(), None);
    assert!(root.child("", "c").is_none());
    assert_eq!(document.node(b.id()), Some(b));
}

#[test]
fn walks_the_subtree_and_no_further() {
    let document = parse("<a><b><c/>x<d><e/></d></b><f/></a>");
    let b = document.root().child("", "b").unwrap();
    let names: Vec<&str> = b.descendants().map(|node| node.local_name()).collect();
    assert_eq!(names, ["b", "c", "d", "e"]);
    assert_eq!(b.children().count(), 2);
}

#[test]
fn tells_where_elements_stand() {
    let source = "<?xml version='1.0'?> <a><b x='1'/>t<c>u</c> </a> ";
    let document = parse(source);
    let pieces: Vec<&str> = document
        .root()
        .descendants()
        .map(|node| source.get(node.source_range()).unwrap())
        .collect();
    assert_eq!(
        pieces,
        ["<a><b x='1'/>t<c>u</c> </a>", "<b x='1'/>", "<c>u</c>"]
    );
}

#[test]
fn finds_by_identifier_and_refuses_two() {
    let document = parse("<a><b Id='x'/><c Id='y'/><d id='x'/><e p:Id='x' xmlns:p='u'/></a>");
    assert_eq!(document.by_id("x").unwrap().unwrap().local_name(), "b");
    assert_eq!(document.by_id("z"), Ok(None));
    assert_eq!(
        document
            .by_attribute("id", "x")
            .unwrap()
            .unwrap()
            .local_name(),
        "d"
    );
    assert_eq!(document.check_unique("Id"), Ok(()));
    let document = parse("<a><b Id='x'/><c><d Id='x'/></c></a>");
    assert_eq!(document.by_id("x"), Err(Error::DuplicateId { offset: 17 }));
    assert_eq!(
        document.check_unique("Id"),
        Err(Error::DuplicateId { offset: 17 })
    );
}

#[test]
fn keeps_normalised_values_apart_from_the_source() {
    let document = parse("<a xmlns:p='x&amp;y' b='1&#10;2\n3'>4&lt;<p:c p:d=''/>5\r\n6</a>");
    let root = document.root();
    assert_eq!(root.attribute("", "b"), Some("1\n2 3"));
    assert_eq!(root.text(), "4<5\n6");
    let c = root.child("x&y", "c").unwrap();
    assert_eq!(c.attribute("x&y", "d"), Some(""));
    assert_eq!(root.declarations().collect::<Vec<_>>(), [("p", "x&y")]);
}

/// A name space with a reference is kept once, not once for each element that uses it.
#[test]
fn does_not_grow_with_uses_of_a_long_namespace() {
    let uri = "x".repeat(10_000);
    let document = parse(&format!(
        "<a xmlns='&amp;{uri}'>{}</a>",
        "<b/>".repeat(1000)
    ));
    assert!(document.pool.len() < 30_000, "{}", document.pool.len());
    assert!(
        document
            .root()
            .children()
            .all(|child| child.namespace().len() == 10_001)
    );
}

#[test]
fn reads_latin_1_transcoded() {
    let bytes = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE4</a>";
    let document = Document::parse(bytes, Limits::default()).unwrap();
    assert_eq!(document.root().text(), "ä");
}

#[test]
fn refuses_what_the_reader_refuses() {
    let refused = |document: &str| Document::parse(document.as_bytes(), Limits::default()).err();
    assert_eq!(
        refused("<!DOCTYPE a><a/>"),
        Some(Error::DocumentType { offset: 0 })
    );
    assert!(refused("<a>").is_some());
    let limits = Limits {
        bytes_max: 3,
        ..Limits::default()
    };
    assert_eq!(
        Document::parse(b"<a/>", limits).err(),
        Some(Error::TooLong {
            bytes: 4,
            bytes_max: 3
        })
    );
}

#[test]
fn says_nothing_of_the_content_in_debug_output() {
    let document = parse("<a>5ABCDEF</a>");
    assert!(!format!("{document:?} {:?}", document.root()).contains("5ABCDEF"));
}
