use super::*;

/// Reads to the end and writes what was seen, one event a piece.
fn read(bytes: &[u8], limits: Limits) -> Result<String, Error> {
    let mut reader = Reader::new(bytes, limits)?;
    let mut seen = String::new();
    while let Some(event) = reader.next()? {
        match event {
            Event::Start(element) => {
                seen.push_str(&format!(
                    "<{{{}}}{}",
                    element.namespace(),
                    element.local_name()
                ));
                for a in element.attributes() {
                    seen.push_str(&format!(
                        " {{{}}}{}={:?}",
                        a.namespace, a.local_name, a.value
                    ));
                }
                seen.push('>');
            }
            Event::End => seen.push_str("</>"),
            Event::Text(text) => seen.push_str(&format!("{text:?}")),
            Event::Comment => seen.push_str("<!>"),
            Event::Instruction => {
                let (target, data) = reader.instruction();
                seen.push_str(&format!("<?{target} {data:?}>"));
            }
        }
    }
    Ok(seen)
}

#[track_caller]
fn check(document: &str, expected: &str) {
    assert_eq!(
        read(document.as_bytes(), Limits::default()).unwrap(),
        expected
    );
}

#[track_caller]
fn refused(document: &str) -> Error {
    refused_bytes(document.as_bytes())
}

#[track_caller]
fn refused_bytes(document: &[u8]) -> Error {
    read(document, Limits::default()).expect_err("must be refused")
}

#[track_caller]
fn check_not_well_formed(document: &str) {
    let error = refused(document);
    assert!(
        matches!(error, Error::NotWellFormed { .. }),
        "{document}: {error:?}"
    );
}

#[test]
fn resolves_namespaces() {
    check(
        "<a xmlns='u' xmlns:p='v' p:x='1' y='2'><p:b/><c xmlns=''/></a>",
        "<{u}a {v}x=\"1\" {}y=\"2\"><{v}b></><{}c></></>",
    );
    check(
        "<a xml:lang='az'/>",
        "<{}a {http://www.w3.org/XML/1998/namespace}lang=\"az\"></>",
    );
    check(
        "<p:a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></p:a>",
        "<{u}a><{v}b></><{u}c></></>",
    );
    check("<p:a xmlns:p='a&amp;b'/>", "<{a&b}a></>");
}

#[test]
fn merges_text_references_and_cdata() {
    check(
        "<a>x&amp;y<![CDATA[<&]]>z&#13;&#xD;&#10;</a>",
        "<{}a>\"x&y<&z\\r\\r\\n\"</>",
    );
    check(
        "<a>1<!--c-->2<?p d ?>3</a>",
        "<{}a>\"1\"<!>\"2\"<?p \"d \">\"3\"</>",
    );
    check("<a><![CDATA[]]></a>", "<{}a></>");
}

#[test]
fn normalises_line_ends_but_keeps_references() {
    check("<a>1\r\n2\r3&#13;\r\n</a>", "<{}a>\"1\\n2\\n3\\r\\n\"</>");
    check(
        "<a b='1\r\n2\t3&#xD;&#xA;&#9;'/>",
        "<{}a {}b=\"1 2 3\\r\\n\\t\"></>",
    );
    check("<a><![CDATA[1\r\n2]]></a>", "<{}a>\"1\\n2\"</>");
}

#[test]
fn tells_where_events_stand_in_the_source() {
    let source = b"\xEF\xBB\xBF<?xml version='1.0'?>\n<a x='1' ><b/>t&lt;<![CDATA[u]]></a>";
    let mut reader = Reader::new(source, Limits::default()).unwrap();
    let mut pieces = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        if let Event::Start(element) = event
            && element.local_name() == "a"
        {
            assert_eq!(element.raw_attributes(), b" x='1' ");
        }
        pieces.push(
            std::str::from_utf8(&source[reader.range()])
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(
        pieces,
        ["<a x='1' >", "<b/>", "", "t&lt;<![CDATA[u]]>", "</a>"]
    );
}

#[test]
fn knows_its_depth_and_resolves_prefixes_in_values() {
    let mut reader = Reader::new(b"<a xmlns:p='u'><b/></a>", Limits::default()).unwrap();
    let mut depths = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        if let Event::Start(element) = event {
            assert_eq!(element.resolve("p"), Some("u"));
            assert_eq!(element.resolve("q"), None);
        }
        depths.push(reader.depth());
    }
    assert_eq!(depths, [1, 2, 1, 0]);
}

#[test]
fn refuses_every_document_type_declaration() {
    for document in [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<?xml version='1.0'?>\n<!DOCTYPE a><a/>",
        "<!DOCTYPE a [",
        "<!DOCTYPE>",
    ] {
        let error = refused(document);
        assert!(
            matches!(error, Error::DocumentType { .. }),
            "{document}: {error:?}"
        );
    }
}

#[test]
fn refuses_unknown_entities_and_wrong_references() {
    assert_eq!(refused("<a>&nbsp;</a>"), Error::UnknownEntity { offset: 3 });
    assert_eq!(refused("<a b='&x;'/>"), Error::UnknownEntity { offset: 0 });
    for wrong in [
        "&#0;",
        "&#x1F;",
        "&#xD800;",
        "&#x110000;",
        "&#xFFFE;",
        "&#;",
        "&#x;",
        "&#-1;",
        "&#+65;",
        "&#X41;",
        "&#99999999999;",
        "&#x 41;",
    ] {
        let error = refused(&format!("<a>{wrong}</a>"));
        assert!(
            matches!(error, Error::InvalidReference { .. }),
            "{wrong}: {error:?}"
        );
        let error = refused(&format!("<a b=\"{wrong}\"/>"));
        assert!(
            matches!(error, Error::InvalidReference { .. }),
            "{wrong}: {error:?}"
        );
    }
    check(
        "<a>&#65;&#x1F600;&apos;&quot;&gt;</a>",
        "<{}a>\"A😀'\\\">\"</>",
    );
}

#[test]
fn refuses_what_is_not_well_formed() {
    for document in [
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a/>&#65;",
        "<a/><![CDATA[x]]>",
        "<a><b></a></b>",
        "<a",
        "<a b>",
        "<a b=c/>",
        "<a b='1'c='2'/>",
        "<a b='<'/>",
        "<a b='1/>",
        "<a>]]></a>",
        "<a>&amp</a>",
        "<a>& b</a>",
        "<a b='&amp'/>",
        "<a><!-- -- --></a>",
        "<a><!-- ---></a>",
        "<a><!-- </a>",
        "<a><![CDATA[ </a>",
        "<1a/>",
        "<a:b:c xmlns:a='u'/>",
        "<:a/>",
        "<a:/>",
        "< a/>",
        "<a/ >",
        "<a 1='x'/>",
        "<a =''/>",
        "<a><?xml version='1.0'?></a>",
        " <?xml version='1.0'?><a/>",
        "<?xml?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<a><?XML x?></a>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' x='1'?><a/>",
        "<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
        "<a><?p</a>",
        "<a><??></a>",
        "<a><!ELEMENT a></a>",
        "<a><![cdata[x]]></a>",
        "<a></a b='1'>",
        "<a></ a>",
        "\u{FEFF}\u{FEFF}<a/>",
    ] {
        check_not_well_formed(document);
    }
}

#[test]
fn refuses_wrong_namespace_use() {
    assert_eq!(refused("<p:a/>"), Error::UndeclaredPrefix { offset: 0 });
    assert_eq!(
        refused("<a><b p:x=''/></a>"),
        Error::UndeclaredPrefix { offset: 3 }
    );
    assert_eq!(
        refused("<a><b xmlns:p='u'/><p:c/></a>"),
        Error::UndeclaredPrefix { offset: 19 }
    );
    for declaration in [
        "xmlns:p=''",
        "xmlns:xmlns='u'",
        "xmlns:xml='u'",
        "xmlns:p='http://www.w3.org/XML/1998/namespace'",
        "xmlns='http://www.w3.org/XML/1998/namespace'",
        "xmlns='http://www.w3.org/2000/xmlns/'",
    ] {
        let error = refused(&format!("<a {declaration}/>"));
        assert_eq!(
            error,
            Error::InvalidNamespace { offset: 0 },
            "{declaration}"
        );
    }
    check(
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
        "<{}a></>",
    );
    assert_eq!(refused("<xmlns:a/>"), Error::UndeclaredPrefix { offset: 0 });
}

#[test]
fn refuses_duplicate_attributes_also_by_expanded_name() {
    for tag in [
        "<a x='1' x='2'/>",
        "<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>",
        "<a xmlns:p='u' xmlns:p='v'/>",
        "<a xmlns='u' xmlns='u'/>",
    ] {
        assert_eq!(
            refused(tag),
            Error::DuplicateAttribute { offset: 0 },
            "{tag}"
        );
    }
    check(
        "<a xmlns='u' xmlns:p='u' x='1' p:x='2'/>",
        "<{u}a {}x=\"1\" {u}x=\"2\"></>",
    );
}

#[test]
fn refuses_characters_outside_xml() {
    for character in ['\0', '\u{1}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
        let error = refused(&format!("<a>x{character}</a>"));
        assert_eq!(error, Error::InvalidCharacter { offset: 4 });
    }
    check(
        "<a>\u{FFFD}\u{F000}\u{7F}</a>",
        "<{}a>\"\u{FFFD}\\u{f000}\\u{7f}\"</>",
    );
}

#[test]
fn reads_the_encodings_in_use_and_refuses_others() {
    check(
        "<?xml version=\"1.0\" encoding='utf-8' ?><a>ə</a>",
        "<{}a>\"ə\"</>",
    );
    check(
        "<?xml version='1.0' encoding='US-ASCII' standalone='yes'?><a/>",
        "<{}a></>",
    );
    check(
        "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        "<{}a></>",
    );
    assert_eq!(
        refused_bytes(b"<a>\xFF</a>"),
        Error::InvalidEncoding { offset: 3 }
    );
    assert_eq!(
        refused_bytes("<?xml version='1.0' encoding='ascii'?><a>ə</a>".as_bytes()),
        Error::InvalidEncoding { offset: 41 }
    );
    for bytes in [
        &b"<?xml version='1.0' encoding='UTF-16'?><a/>"[..],
        b"<?xml version='1.0' encoding='windows-1251'?><a/>",
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE4</a>",
        b"\xFF\xFE<\0a\0/\0>\0",
        b"\xFE\xFF\0<\0a\0/\0>",
        b"<\0a\0/\0>\0",
        b"\0<\0a\0/\0>",
    ] {
        let error = refused_bytes(bytes);
        assert!(
            matches!(error, Error::UnsupportedEncoding { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn reads_transcoded_text_with_the_way_back_to_its_bytes() {
    let bytes = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE4\xF6</a>";
    let decoded = crate::decode(bytes).unwrap();
    let mut reader = Reader::from_text(&decoded.text, Limits::default()).unwrap();
    let mut places = Vec::new();
    while reader.next().unwrap().is_some() {
        places.push(decoded.source_offset(reader.range().end));
    }
    assert_eq!(places, [46, 48, 52]);
}

#[test]
fn keeps_the_limits() {
    let limits = Limits {
        bytes_max: 40,
        depth_max: 2,
        nodes_max: 4,
        attributes_max: 2,
    };
    let check = |document: &str, expected: Option<Error>| {
        assert_eq!(
            read(document.as_bytes(), limits).err(),
            expected,
            "{document}"
        );
    };
    check("<a><b>1</b>2</a>", None);
    check("<a><b><c/></b></a>", Some(Error::TooDeep { depth_max: 2 }));
    check(
        "<a><b/><b/><b/><b/></a>",
        Some(Error::TooManyNodes { nodes_max: 4 }),
    );
    check(
        "<a><!----><!----><!----><?p?></a>",
        Some(Error::TooManyNodes { nodes_max: 4 }),
    );
    check(
        "<a b='' c='' d=''/>",
        Some(Error::TooManyAttributes { attributes_max: 2 }),
    );
    check(
        "<a>01234567890123456789012345678901234567890</a>",
        Some(Error::TooLong {
            bytes: 48,
            bytes_max: 40,
        }),
    );
    let many: String = (0..300).map(|i| format!("<a xmlns:p{i}='u'>")).collect();
    let deep = Limits {
        depth_max: 1000,
        ..Limits::default()
    };
    assert_eq!(
        read(many.as_bytes(), deep),
        Err(Error::TooManyNamespaces {
            namespaces_max: crate::limits::NAMESPACES_MAX
        })
    );
}

#[test]
fn stays_refused_after_an_error() {
    let mut reader = Reader::new(b"<a><b></a>", Limits::default()).unwrap();
    let mut errors = 0;
    for _ in 0..5 {
        errors += usize::from(reader.next().is_err());
    }
    assert_eq!(errors, 3);
}

#[test]
fn says_nothing_of_the_content_in_debug_output() {
    let reader = Reader::new(b"<a>5ABCDEF</a>", Limits::default()).unwrap();
    assert!(!format!("{reader:?}").contains("5ABCDEF"));
}
