use proptest::prelude::*;

use super::*;
use crate::{Document, Limits};

#[test]
fn escapes_only_what_has_to_be() {
    assert_eq!(escape_text("a<b>&\"'\r\n\t"), "a&lt;b&gt;&amp;\"'&#xD;\n\t");
    assert_eq!(
        escape_attribute("a<b>&\"'\r\n\t"),
        "a&lt;b>&amp;&quot;'&#xD;&#xA;&#x9;"
    );
    assert!(matches!(escape_text("plain ə"), Cow::Borrowed(_)));
    assert!(matches!(escape_attribute("plain > ə"), Cow::Borrowed(_)));
    assert_eq!(escape_text("ä&"), "ä&amp;");
}

#[test]
fn appends_the_same_as_it_escapes() {
    let mut output = Vec::new();
    push_text(&mut output, "ə<b>&\r");
    push_attribute(&mut output, "ə<b>&\r\"");
    push_instruction(&mut output, "ə<b>&\r");
    assert_eq!(
        output,
        "ə&lt;b&gt;&amp;&#xD;ə&lt;b>&amp;&#xD;&quot;ə<b>&&#xD;".as_bytes()
    );
}

proptest! {
    /// What is escaped comes back when it is read, as text and as an attribute value.
    #[test]
    fn comes_back_when_read(text in "[\\t\\n\\r -\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{0,40}") {
        let document =
            format!("<a b=\"{}\">{}</a>", escape_attribute(&text), escape_text(&text));
        let document = Document::parse(document.as_bytes(), Limits::default()).unwrap();
        prop_assert_eq!(document.root().text(), text.as_str());
        prop_assert_eq!(document.root().attribute("", "b"), Some(text.as_str()));
    }
}
