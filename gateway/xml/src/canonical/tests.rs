use proptest::prelude::*;

use super::*;
use crate::{Document, Limits};

fn exclusive(prefixes: &[&str]) -> Canonicalization {
    Canonicalization::Exclusive {
        inclusive_prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
    }
}

/// The first element of this local name, canonical.
fn canonical_of(
    document: &str,
    local_name: &str,
    method: &Canonicalization,
) -> Result<String, Error> {
    let document = Document::parse(document.as_bytes(), Limits::default()).unwrap();
    let node = document
        .root()
        .descendants()
        .find(|node| node.local_name() == local_name)
        .unwrap();
    node.canonical(method)
        .map(|octets| String::from_utf8(octets).unwrap())
}

#[track_caller]
fn check(document: &str, local_name: &str, method: &Canonicalization, expected: &str) {
    assert_eq!(
        canonical_of(document, local_name, method).unwrap(),
        expected
    );
}

#[track_caller]
fn check_inclusive(document: &str, expected: &str) {
    check(document, "a", &Canonicalization::Inclusive10, expected);
    check(document, "a", &Canonicalization::Inclusive11, expected);
}

#[test]
fn writes_tags_attributes_and_text_in_canonical_form() {
    check_inclusive("<a   b = 'x'  />", "<a b=\"x\"></a>");
    check_inclusive("<a z='1' b='2' A='3'/>", "<a A=\"3\" b=\"2\" z=\"1\"></a>");
    check_inclusive(
        "<a><!-- c --><![CDATA[<&>]]>\"'</a>",
        "<a>&lt;&amp;&gt;\"'</a>",
    );
    check_inclusive("<a>1\r\n2&#13;\r</a>", "<a>1\n2&#xD;\n</a>");
    check_inclusive(
        "<a b='&#x9;&#xA;&#xD;&quot;&amp;&lt;>&apos;\t'/>",
        "<a b=\"&#x9;&#xA;&#xD;&quot;&amp;&lt;>' \"></a>",
    );
    check_inclusive("<a><?p   d  e ?><?q?></a>", "<a><?p d  e ?><?q?></a>");
    check_inclusive(
        "<?xml version='1.0'?><?p?><!--c--><a>ə</a><?q?>",
        "<a>ə</a>",
    );
}

#[test]
fn sorts_attributes_by_namespace_and_then_by_name() {
    check_inclusive(
        "<a xmlns:x='u:2' xmlns:y='u:1' x:a='1' y:b='2' b='3' xml:lang='az' a='4'/>",
        "<a xmlns:x=\"u:2\" xmlns:y=\"u:1\" a=\"4\" b=\"3\" xml:lang=\"az\" y:b=\"2\" x:a=\"1\"></a>",
    );
}

#[test]
fn declares_namespaces_once_and_where_they_stand() {
    check_inclusive(
        "<a xmlns:q='u:q' xmlns='u:d' xmlns:p='u:p'><p:b xmlns:p='u:p'/><b xmlns=''><c xmlns=''/>\
         </b><p:d xmlns:p='u:other'/></a>",
        "<a xmlns=\"u:d\" xmlns:p=\"u:p\" xmlns:q=\"u:q\"><p:b></p:b><b xmlns=\"\"><c></c></b>\
         <p:d xmlns:p=\"u:other\"></p:d></a>",
    );
    check_inclusive("<a xmlns=''><b xmlns=''/></a>", "<a><b></b></a>");
}

#[test]
fn repeats_the_namespaces_in_scope_at_an_inner_apex() {
    let document =
        "<r xmlns='u:d' xmlns:p='u:p' xmlns:x='u:x'><m xmlns:p='u:q'><a p:c='1'/></m></r>";
    check_inclusive(
        document,
        "<a xmlns=\"u:d\" xmlns:p=\"u:q\" xmlns:x=\"u:x\" p:c=\"1\"></a>",
    );
    check_inclusive("<r xmlns='u:d'><m xmlns=''><a/></m></r>", "<a></a>");
    check_inclusive("<r xmlns='u:d'><a xmlns=''><b/></a></r>", "<a><b></b></a>");
}

#[test]
fn exclusive_form_declares_what_is_visibly_used() {
    let document =
        "<r xmlns='u:d' xmlns:p='u:p' xmlns:x='u:x'><p:a x:c='1'><b><p:c/></b></p:a></r>";
    check(
        document,
        "a",
        &exclusive(&[]),
        "<p:a xmlns:p=\"u:p\" xmlns:x=\"u:x\" x:c=\"1\"><b xmlns=\"u:d\"><p:c></p:c></b></p:a>",
    );
    // Siblings each declare; a descendant of a declaration does not.
    check(
        "<r xmlns:p='u:p'><a><p:b><p:c/></p:b><p:b/></a></r>",
        "a",
        &exclusive(&[]),
        "<a><p:b xmlns:p=\"u:p\"><p:c></p:c></p:b><p:b xmlns:p=\"u:p\"></p:b></a>",
    );
    check(
        "<a xmlns='u:d'><b xmlns=''><c xmlns='u:d'/></b></a>",
        "a",
        &exclusive(&[]),
        "<a xmlns=\"u:d\"><b xmlns=\"\"><c xmlns=\"u:d\"></c></b></a>",
    );
}

#[test]
fn exclusive_form_treats_listed_prefixes_inclusively() {
    let document = "<r xmlns='u:d' xmlns:p='u:p' xmlns:x='u:x'><p:a><p:b/></p:a></r>";
    check(
        document,
        "a",
        &exclusive(&["x"]),
        "<p:a xmlns:p=\"u:p\" xmlns:x=\"u:x\"><p:b></p:b></p:a>",
    );
    check(
        document,
        "a",
        &exclusive(&["#default"]),
        "<p:a xmlns=\"u:d\" xmlns:p=\"u:p\"><p:b></p:b></p:a>",
    );
    check(
        "<r xmlns:p='u:p'><p:a><p:b xmlns:x='u:x'><p:c/></p:b></p:a></r>",
        "a",
        &exclusive(&["x"]),
        "<p:a xmlns:p=\"u:p\"><p:b xmlns:x=\"u:x\"><p:c></p:c></p:b></p:a>",
    );
}

#[test]
fn inherits_attributes_of_the_xml_namespace_as_each_method_wants() {
    let document = "<r xml:lang='az' xml:space='preserve' xml:id='i'><m xml:lang='en'><a/></m></r>";
    check(
        document,
        "a",
        &Canonicalization::Inclusive10,
        "<a xml:id=\"i\" xml:lang=\"en\" xml:space=\"preserve\"></a>",
    );
    check(
        document,
        "a",
        &Canonicalization::Inclusive11,
        "<a xml:lang=\"en\" xml:space=\"preserve\"></a>",
    );
    check(document, "a", &exclusive(&[]), "<a></a>");
    let own = "<r xml:lang='az'><a xml:lang='ru'/></r>";
    check(
        own,
        "a",
        &Canonicalization::Inclusive10,
        "<a xml:lang=\"ru\"></a>",
    );
}

#[test]
fn has_no_result_where_the_method_has_none() {
    let relative = canonical_of(
        "<a xmlns:p='relative'/>",
        "a",
        &Canonicalization::Inclusive10,
    );
    assert!(
        matches!(relative, Err(Error::NoCanonicalForm { .. })),
        "{relative:?}"
    );
    let base = "<r xml:base='http://a/'><a/></r>";
    let joined = canonical_of(base, "a", &Canonicalization::Inclusive11);
    assert!(
        matches!(joined, Err(Error::NoCanonicalForm { .. })),
        "{joined:?}"
    );
    check(
        base,
        "a",
        &Canonicalization::Inclusive10,
        "<a xml:base=\"http://a/\"></a>",
    );
}

#[test]
fn knows_its_methods_by_identifier() {
    for method in [
        Canonicalization::Inclusive10,
        Canonicalization::Inclusive11,
        exclusive(&[]),
    ] {
        assert_eq!(Canonicalization::from_uri(method.uri()), Some(method));
    }
    for other in [
        "",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ] {
        assert_eq!(Canonicalization::from_uri(other), None);
    }
}

/// A document as text, with its content free and its names and namespaces few, so that they clash.
fn documents() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "p:a", "p:b", "q:c"]);
    let text = "[ a-z&<>'\"\t\n\r\u{E4}\u{259}]{0,12}";
    let leaf = text.prop_map(|text| crate::escape_text(&text).into_owned());
    let declared = prop::sample::select(vec![
        "",
        " xmlns:p='u:1'",
        " xmlns:q='u:1'",
        " xmlns='u:2' xmlns:p='u:3'",
        " xmlns=''",
    ]);
    let element = leaf.prop_recursive(5, 40, 5, move |inner| {
        (
            name.clone(),
            declared.clone(),
            text,
            prop::collection::vec(inner, 0..5),
        )
            .prop_map(|(name, declared, value, children)| {
                let value = crate::escape_attribute(&value).into_owned();
                format!(
                    "<{name}{declared} x=\"{value}\" p:x='1'>{}</{name}>",
                    children.concat()
                )
            })
    });
    element.prop_map(|content| format!("<r xmlns:p='u:0' xmlns:q='u:q'>{content}</r>"))
}

proptest! {
    /// A canonical form is its own canonical form, by any method that is not told of prefixes.
    #[test]
    fn is_idempotent(document in documents()) {
        for method in [Canonicalization::Inclusive10, exclusive(&[])] {
            let once = Document::parse(document.as_bytes(), Limits::default()).unwrap();
            let once = once.root().canonical(&method).unwrap();
            let twice = Document::parse(&once, Limits::default()).unwrap();
            prop_assert_eq!(&once, &twice.root().canonical(&method).unwrap());
        }
    }

    /// It says the same as the document: names, namespaces, values and text.
    #[test]
    fn keeps_names_values_and_text(document in documents()) {
        let original = Document::parse(document.as_bytes(), Limits::default()).unwrap();
        for method in [Canonicalization::Inclusive10, exclusive(&[])] {
            let canonical = original.root().canonical(&method).unwrap();
            let canonical = Document::parse(&canonical, Limits::default()).unwrap();
            let (mut left, mut right) =
                (original.root().descendants(), canonical.root().descendants());
            loop {
                let (Some(a), b) = (left.next(), right.next()) else {
                    prop_assert!(right.next().is_none());
                    break;
                };
                let b = b.unwrap();
                prop_assert_eq!((a.namespace(), a.local_name()), (b.namespace(), b.local_name()));
                prop_assert_eq!(a.text(), b.text());
                let values = |node: Node<'_>| {
                    let mut values: Vec<String> = node
                        .attributes()
                        .map(|a| format!("{{{}}}{}={}", a.namespace, a.local_name, a.value))
                        .collect();
                    values.sort();
                    values
                };
                prop_assert_eq!(values(a), values(b));
            }
        }
    }

    /// A subtree taken out as an exclusive canonical form and put elsewhere stays what it is.
    #[test]
    fn exclusive_form_does_not_depend_on_its_surroundings(document in documents()) {
        let document = Document::parse(document.as_bytes(), Limits::default()).unwrap();
        for node in document.root().descendants() {
            let alone = node.canonical(&exclusive(&[])).unwrap();
            let elsewhere =
                format!("<w xmlns:z='u:z'>{}</w>", String::from_utf8(alone.clone()).unwrap());
            let elsewhere = Document::parse(elsewhere.as_bytes(), Limits::default()).unwrap();
            let again = elsewhere.root().children().next().unwrap();
            prop_assert_eq!(alone, again.canonical(&exclusive(&[])).unwrap());
        }
    }
}
