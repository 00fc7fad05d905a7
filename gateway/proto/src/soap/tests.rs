#![allow(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "test helpers"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use proptest::prelude::*;

use super::*;
use crate::Limits;
use crate::mime::Headers;

const OPEN: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\" \
    xmlns:r=\"http://x-road.eu/xsd/representation.xsd\">";
const CLIENT: &str = "<x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>DEV</i:xRoadInstance>\
    <i:memberClass>COM</i:memberClass><i:memberCode>1111</i:memberCode>\
    <i:subsystemCode>TESTCLI</i:subsystemCode></x:client>";
const SERVICE: &str = "<x:service i:objectType=\"SERVICE\"><i:xRoadInstance>DEV</i:xRoadInstance>\
    <i:memberClass>GOV</i:memberClass><i:memberCode>2222</i:memberCode>\
    <i:subsystemCode>TESTPROV</i:subsystemCode><i:serviceCode>lookup</i:serviceCode>\
    <i:serviceVersion>v1</i:serviceVersion></x:service>";
const SERVER: &str = "<x:securityServer i:objectType=\"SERVER\"><i:xRoadInstance>DEV</i:xRoadInstance>\
    <i:memberClass>GOV</i:memberClass><i:memberCode>2222</i:memberCode>\
    <i:serverCode>ss1</i:serverCode></x:securityServer>";
const ID: &str = "<x:id>q-1</x:id>";
const VERSION: &str = "<x:protocolVersion>4.0</x:protocolVersion>";
const BODY: &str = "<e:Body><p:lookup xmlns:p=\"urn:p\"><p:key>42</p:key></p:lookup></e:Body>";

fn envelope(header: &str, body: &str) -> String {
    format!("{OPEN}<e:Header>{header}</e:Header>{body}</e:Envelope>")
}

fn good(more: &str) -> String {
    envelope(&[CLIENT, SERVICE, ID, VERSION, more].concat(), BODY)
}

fn read(text: &str) -> Result<Parsed, Error> {
    parse(
        Bytes::copy_from_slice(text.as_bytes()),
        "text/xml",
        &Limits::default(),
    )
}

#[track_caller]
fn message(text: &str) -> Message {
    match read(text).unwrap() {
        Parsed::Message(message) => message,
        Parsed::Fault(fault) => panic!("a fault: {fault:?}"),
    }
}

#[track_caller]
fn fault(text: &str) -> Fault {
    match read(text).unwrap() {
        Parsed::Fault(fault) => fault,
        Parsed::Message(message) => panic!("a message: {message:?}"),
    }
}

#[track_caller]
fn check(text: &str, code: &str) {
    assert_eq!(read(text).unwrap_err().code(), code);
}

#[test]
fn reads_every_field_of_the_header() {
    let more = [
        SERVER,
        "<x:userId> u &amp; <![CDATA[<v>]]></x:userId><x:issue/>",
        "<r:representedParty><r:partyClass>COM</r:partyClass><r:partyCode>33</r:partyCode></r:representedParty>",
        "<x:requestHash algorithmId=\"x\">AAAA</x:requestHash><other/><other/>",
    ]
    .concat();
    let text = good(&more);
    let message = message(&text);
    let header = message.header();
    assert_eq!(header.client.to_string(), "SUBSYSTEM:DEV/COM/1111/TESTCLI");
    assert_eq!(
        header.service.to_string(),
        "SERVICE:DEV/GOV/2222/TESTPROV/lookup/v1"
    );
    assert_eq!(
        header.security_server.as_ref().unwrap().to_string(),
        "SERVER:DEV/GOV/2222/ss1"
    );
    assert_eq!(
        (header.id.as_str(), header.protocol_version.as_str()),
        ("q-1", "4.0")
    );
    assert_eq!(header.user_id.as_deref(), Some(" u & <v>"));
    assert_eq!(header.issue.as_deref(), Some(""));
    assert_eq!(header.request_hash.as_deref(), Some("AAAA"));
    let party = header.represented_party.as_ref().unwrap();
    assert_eq!(
        (party.class.as_deref(), party.code.as_deref()),
        (Some("COM"), Some("33"))
    );
    assert_eq!(message.bytes(), text.as_bytes());
    assert_eq!(message.content_type(), "text/xml");
    let body = "<p:lookup xmlns:p=\"urn:p\"><p:key>42</p:key></p:lookup>";
    assert_eq!(message.body(), body);
}

#[test]
fn bears_the_forms_met_in_the_field() {
    // White space, any prefixes, a default namespace, a declaration in single quotes, standalone.
    message(&good(" \n ").replace("><", ">\r\n <"));
    message(&format!(
        "<?xml version='1.0' encoding='utf-8'?>\n{}",
        good("")
    ));
    message(&format!(
        "<?xml version=\"1.0\" standalone=\"yes\"?>\n<?pi?><!-- c -->{}",
        good("")
    ));
    message(&good("").replace("e:Body", "f:Body").replace(
        "<e:Envelope",
        "<e:Envelope xmlns:f=\"http://schemas.xmlsoap.org/soap/envelope/\"",
    ));
    message(
        &good("")
            .replace("p:lookup", "lookup")
            .replace("xmlns:p=", "xmlns:p=\"urn:p\" xmlns="),
    );
    message(&good(
        "<w:Security xmlns:w=\"urn:w\"><w:id/><x:id/></w:Security>",
    ));
    message(
        &good("")
            .replace("lookup xmlns", "lookupResponse xmlns")
            .replace("</p:lookup>", "</p:lookupResponse>"),
    );
    message(&good("").replace("4.0", "4.12-x"));
    // A member without subsystem; a service of the member itself.
    let plain = good("").replace("<i:subsystemCode>TESTCLI</i:subsystemCode>", "");
    assert_eq!(message(&plain).header().client.subsystem(), None);
    // An empty version is one.
    let empty = good("").replace(
        "<i:serviceVersion>v1</i:serviceVersion>",
        "<i:serviceVersion/>",
    );
    assert_eq!(message(&empty).header().service.version(), Some(""));
    // An empty id is there. Elements foreign to an identifier are not read.
    assert_eq!(message(&good("").replace(ID, "<x:id/>")).header().id, "");
    message(&good("").replace(
        "<i:memberClass>COM",
        "<i:serverCode/><y/><i:memberClass>COM",
    ));
}

#[test]
fn keeps_a_byte_order_mark_and_other_encodings() {
    let marked = format!("\u{FEFF}{}", good(""));
    let read = message(&marked);
    assert_eq!(read.bytes(), marked.as_bytes());
    assert_eq!(read.body().as_ref(), &marked.as_bytes()[read.body_range()]);
    assert!(read.body().starts_with(b"<p:lookup"));

    let text = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}",
        good("<x:userId>ä</x:userId>")
    );
    let latin1: Vec<u8> = text
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    let Parsed::Message(read) =
        parse(latin1.clone().into(), "text/xml", &Limits::default()).unwrap()
    else {
        panic!("a fault")
    };
    assert_eq!(read.header().user_id.as_deref(), Some("ä"));
    assert!(read.body().starts_with(b"<p:lookup") && read.body().ends_with(b"</p:lookup>"));
    assert_eq!(read.bytes().as_ref(), latin1);

    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let error = parse(utf16.into(), "text/xml", &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "invalid_soap");
}

#[test]
fn checks_the_media_type_first() {
    let check = |content_type: &str, ok: bool| {
        let outcome = parse(good("").into(), content_type, &Limits::default());
        match ok {
            true => assert!(outcome.is_ok(), "{content_type}"),
            false => assert_eq!(outcome.unwrap_err().code(), "invalid_content_type"),
        }
    };
    check("text/xml", true);
    check("Text/XML ; charset=x", true);
    check("application/xop+xml; type=\"text/xml\"", true);
    check("application/soap+xml", false);
    check("application/xml", false);
    check("", false);
}

#[test]
fn refuses_what_is_not_an_envelope() {
    check("", "invalid_soap");
    check("<a>", "invalid_soap");
    check("<a/>", "invalid_soap");
    check(&format!("<!DOCTYPE a>{}", good("")), "invalid_soap");
    check(
        &good("").replace(
            "http://schemas.xmlsoap.org/soap/envelope/",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
        "invalid_soap",
    );
    check(&format!("{}x", good("")), "invalid_soap");
    check(&good("&nbsp;"), "invalid_soap");
    check(
        &format!("{OPEN}<e:Header/><e:Header/></e:Envelope>"),
        "invalid_soap",
    );
    check(
        &good("").replace("</e:Envelope>", &format!("{BODY}</e:Envelope>")),
        "invalid_soap",
    );
    check(
        &format!("{OPEN}{BODY}<e:Header/></e:Envelope>"),
        "invalid_soap",
    );
    let deep = format!("{}{}", "<a>".repeat(300), "</a>".repeat(300));
    check(
        &good("").replace("<p:key>42</p:key>", &deep),
        "invalid_soap",
    );
}

#[test]
fn refuses_faulty_headers_in_the_order_of_the_checks() {
    for (from, to) in [
        (" i:objectType=\"SUBSYSTEM\"", ""),
        (" i:objectType=\"SUBSYSTEM\"", " objectType=\"SUBSYSTEM\""),
        ("SUBSYSTEM", "SUBSYSTEMS"),
        ("SUBSYSTEM", "SERVICE"),
        ("\"SERVICE\"", "\"MEMBER\""),
    ] {
        check(&good("").replace(from, to), "invalid_xml");
    }
    for more in [
        CLIENT,
        SERVICE,
        ID,
        VERSION,
        "<x:issue/><x:issue/>",
        "<x:userId/><x:userId/>",
        "<r:representedParty/><r:representedParty/>",
        "<x:requestHash/><x:requestHash/>",
    ] {
        check(&good(more), "duplicate_header_field");
    }
    check(
        &good("").replace("<i:memberClass>", "<i:memberClass/><i:memberClass>"),
        "duplicate_header_field",
    );
    for version in ["4", " 4.0", "3.1", "", "5.0"] {
        check(
            &good("").replace("4.0", version),
            "invalid_protocol_version",
        );
    }
    check(&good("").replace("1111", " "), "internal_error");
    check(
        &good("").replace("<i:memberCode>1111</i:memberCode>", ""),
        "internal_error",
    );
    check(&good("").replace("TESTCLI", ""), "internal_error");
    check(&format!("{OPEN}{BODY}</e:Envelope>"), "missing_header");
    check(
        &good("").replace(VERSION, "").replace(ID, ""),
        "missing_header_field",
    );
    for field in [CLIENT, SERVICE, ID, VERSION] {
        check(&good("").replace(field, ""), "missing_header_field");
    }
    let missing = |text: String| match read(&text).unwrap_err() {
        Error::MissingField { field } => field,
        other => panic!("{other}"),
    };
    assert_eq!(missing(envelope("", "")), "protocolVersion");
    assert_eq!(missing(envelope(VERSION, "")), "client");
    assert_eq!(missing(envelope(&[VERSION, CLIENT].concat(), "")), "id");
    assert_eq!(
        missing(envelope(&[VERSION, CLIENT, ID].concat(), "")),
        "service"
    );
    check(&good("").replace(BODY, ""), "missing_body");
    check(
        &good("").replace(BODY, "<e:Body> </e:Body>"),
        "invalid_body",
    );
    check(
        &good("").replace("</e:Body>", "<p/></e:Body>"),
        "invalid_body",
    );
    check(
        &good("")
            .replace("lookup xmlns", "look xmlns")
            .replace("</p:lookup>", "</p:look>"),
        "inconsistent_headers",
    );
    // An earlier fault of the document is reported before a later one.
    check(
        &good("")
            .replace("SUBSYSTEM", "X")
            .replace("</e:Body>", "<p/></e:Body>"),
        "invalid_xml",
    );
    check(
        &good("")
            .replace("4.0", "3")
            .replace("</e:Body>", "<p/></e:Body>"),
        "invalid_protocol_version",
    );
}

#[test]
fn a_fault_needs_no_header_and_keeps_its_bytes() {
    let text = envelope(
        "<x:protocolVersion>4.0</x:protocolVersion>",
        "<e:Body><e:Fault>\
        <faultcode>soap:Server</faultcode><faultstring xml:lang=\"en\">a &lt; b</faultstring><faultactor/>\
        <detail> <o>other</o><y:faultDetail xmlns:y=\"urn:y\">D<z>no</z>E</y:faultDetail><o>x</o></detail></e:Fault></e:Body>",
    );
    let read = fault(&text);
    assert_eq!(read.code.as_str(), "soap:Server");
    assert_eq!(read.string.as_deref(), Some("a < b"));
    assert_eq!(read.actor.as_deref(), Some(""));
    assert_eq!(read.detail.as_deref(), Some("DE"));
    assert_eq!(read.to_xml(), text.as_bytes());

    let body = |inside: &str| format!("{OPEN}<e:Body>{inside}</e:Body></e:Envelope>");
    assert_eq!(
        fault(&body("<e:Fault><detail>plain</detail></e:Fault>"))
            .detail
            .as_deref(),
        Some("plain")
    );
    assert_eq!(fault(&body("<e:Fault/>")).code.as_str(), "");
    assert_eq!(fault(&body("<p/><e:Fault/>")).detail, None);
    check(&body("<e:Fault/><p/>"), "invalid_body");
    check(&body("<e:Fault/><e:Fault/>"), "invalid_body");
    check(&body("<Fault/>"), "missing_header");
    let not = Fault::from_xml(good("").into(), "text/xml", &Limits::default()).unwrap_err();
    assert_eq!(not, Error::NotFault);
}

#[test]
fn bounds_the_envelope() {
    let limits = Limits {
        soap_bytes_max: 100,
        ..Limits::default()
    };
    let error = parse(good("").into(), "text/xml", &limits).unwrap_err();
    assert_eq!(error, Error::TooLarge { bytes_max: 100 });
}

fn digest() -> Digest {
    Digest::of(DigestAlgorithm::Sha512, b"request")
}

/// Inserts a hash and checks that what comes out is what reading it again gives.
#[track_caller]
fn with_hash(text: &str) -> String {
    let bound = message(text).with_request_hash(&digest());
    let out = String::from_utf8(bound.bytes().to_vec()).unwrap();
    let again = message(&out);
    assert_eq!(again.header(), bound.header());
    assert_eq!(again.places, bound.places);
    let hash = STANDARD.encode(digest().as_bytes());
    assert_eq!(again.header().request_hash.as_deref(), Some(hash.as_str()));
    out.replace(&hash, "HASH")
}

#[test]
fn inserts_the_request_hash_after_the_id() {
    let element = "<x:requestHash algorithmId=\"http://www.w3.org/2001/04/xmlenc#sha512\">HASH</x:requestHash>";
    assert_eq!(
        with_hash(&good("")),
        good("").replace(ID, &[ID, element].concat())
    );
}

#[test]
fn replaces_a_request_hash_wherever_it_stands() {
    let old = "<x:requestHash algorithmId=\"y\">old</x:requestHash>";
    let expected = with_hash(&good(""));
    assert_eq!(with_hash(&good(old)), expected);
    assert_eq!(
        with_hash(&good("").replace(CLIENT, &[old, CLIENT].concat())),
        expected
    );
    assert_eq!(
        with_hash(&good("").replace(ID, &[old, ID].concat())),
        expected
    );
    assert_eq!(
        with_hash(&good("").replace(ID, &[ID, old].concat())),
        expected
    );
    assert_eq!(
        with_hash(&good("").replace(ID, &[ID, "<x:requestHash/>"].concat())),
        expected
    );
}

#[test]
fn the_request_hash_has_the_prefix_attributes_and_indent_of_the_id() {
    let pretty = good("").replace("<e:Header>", "<e:Header>\n\t").replace(
        ID,
        "<ns5:id\n xmlns:ns5=\"http://x-road.eu/xsd/xroad.xsd\" a='>' >q</ns5:id >",
    );
    let inserted = with_hash(&pretty);
    assert!(inserted.contains("q</ns5:id >\n\t<ns5:requestHash\n xmlns:ns5=\"http://x-road.eu/xsd/xroad.xsd\" a='>' algorithmId=\"http://www.w3.org/2001/04/xmlenc#sha512\">HASH</ns5:requestHash>"), "{inserted}");

    let default = good("").replace(ID, "<id xmlns=\"http://x-road.eu/xsd/xroad.xsd\"/>");
    assert!(
        with_hash(&default)
            .contains("<requestHash xmlns=\"http://x-road.eu/xsd/xroad.xsd\" algorithmId=")
    );

    let clash = good("").replace(
        ID,
        "<x:id algorithmId = \"z=1\" xmlns:n = 'urn:n' b=\"c\"/>",
    );
    assert!(with_hash(&clash).contains("<x:requestHash xmlns:n='urn:n' algorithmId=\"http:"));
}

#[test]
fn the_request_hash_goes_into_other_encodings_too() {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}",
        good("<x:userId>ä</x:userId>")
    );
    let latin1: Vec<u8> = text
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    let Parsed::Message(read) = parse(latin1.into(), "text/xml", &Limits::default()).unwrap()
    else {
        panic!("a fault")
    };
    let bound = read.with_request_hash(&digest());
    let Parsed::Message(again) =
        parse(bound.bytes().clone(), "text/xml", &Limits::default()).unwrap()
    else {
        panic!("a fault")
    };
    assert_eq!(again.header(), bound.header());
    assert_eq!(again.places, bound.places);
}

#[test]
fn compares_the_six_values_that_are_echoed() {
    let more = "<x:userId>u</x:userId><x:issue>i</x:issue>\
        <r:representedParty><r:partyCode>3</r:partyCode></r:representedParty>";
    let request = message(&good(more));
    let check = |from: &str, to: &str, expected: Result<(), &str>| {
        let response = message(&good(more).replace(from, to));
        assert_eq!(check_echo(request.header(), response.header()), expected);
    };
    check("4.0", "4.1", Ok(()));
    check("<x:userId>", "<x:requestHash/><x:userId>", Ok(()));
    check("TESTCLI", "testcli", Err("client"));
    check("v1", "v2", Err("service"));
    check(">u<", ">U<", Err("userId"));
    check("<r:partyCode>3</r:partyCode>", "", Err("representedParty"));
    check("<x:issue>i</x:issue>", "", Err("issue"));
    check("q-1", "q-2", Err("id"));
}

#[test]
fn soap_actions_are_empty_or_quoted_references() {
    for value in [
        "",
        "\"\"",
        "\"GetPersonByFin\"",
        "\"urn:a#b\"",
        "\"http://a/b?c\"",
    ] {
        assert!(validate_soap_action(value.as_bytes()), "{value}");
    }
    for value in [
        "urn:a", "\"", "\"a", "a\"", "'a'", "\"a b\"", "\"a\"b\"", "\"urn:\"", " \"a\"",
    ] {
        assert!(!validate_soap_action(value.as_bytes()), "{value}");
    }
    assert!(!validate_soap_action(b"\"\xFF\""));
}

#[test]
fn tells_the_form_of_a_body_by_its_content_type() {
    use entity::Entity;
    let code = |content_type| Entity::of(content_type).unwrap_err().code();
    assert_eq!(
        Entity::of(Some("text/xml; charset=\"utf-8\"")),
        Ok(Entity::Plain)
    );
    assert_eq!(Entity::of(Some("Application/XOP+xml")), Ok(Entity::Plain));
    let related = "multipart/related; boundary=\"----=_Part_1\"; type=\"text/xml\"";
    let multipart = Entity::of(Some(related)).unwrap();
    assert_eq!(
        multipart,
        Entity::Multipart {
            boundary: "----=_Part_1".into()
        }
    );
    assert_eq!(code(None), "internal_error");
    assert_eq!(code(Some("")), "invalid_content_type");
    assert_eq!(code(Some("application/xml")), "invalid_content_type");
    assert_eq!(
        code(Some("multipart/mixed; boundary=a")),
        "invalid_content_type"
    );
    assert_eq!(code(Some("multipart/related")), "mime_parsing_failed");
    assert_eq!(
        Entity::Plain.content_type_to_service("text/xml"),
        "text/xml; charset=UTF-8"
    );
    assert_eq!(
        Entity::Plain.content_type_to_client("text/xml"),
        "text/xml; charset=UTF-8"
    );
    assert_eq!(multipart.content_type_to_service(related), related);
    assert_eq!(
        multipart.content_type_to_client(related),
        format!("{related};charset=utf-8")
    );
    let named = "multipart/related; boundary=a; charset=UTF-8";
    assert_eq!(multipart.content_type_to_client(named), named);
}

/// Decodes a client's multipart in chunks; data of one attachment are joined.
fn decode(input: &[u8], size: usize) -> Result<Vec<multipart::Part>, Error> {
    use multipart::Part;
    let mut decoder = multipart::Decoder::new("bnd", &Limits::default())?;
    let mut chunks = input.chunks(size);
    let mut parts = Vec::new();
    loop {
        match decoder.next_part()? {
            Some(Part::AttachmentData(data)) => match parts.last_mut() {
                Some(Part::AttachmentData(before)) => {
                    *before = [before.as_ref(), data.as_ref()].concat().into();
                }
                _ => parts.push(Part::AttachmentData(data)),
            },
            Some(Part::End) => {
                parts.push(Part::End);
                return Ok(parts);
            }
            Some(part) => parts.push(part),
            None => match chunks.next() {
                Some(chunk) => decoder.push(Bytes::copy_from_slice(chunk)),
                None => decoder.finish(),
            },
        }
    }
}

#[test]
fn takes_a_multipart_apart_and_builds_it_again() {
    use multipart::{Encoder, Part};
    let input = "--bnd\r\ncontent-type:application/xop+xml; type=\"text/xml\"\r\nContent-ID: <foo>\r\n\r\n<a/>\
        \r\n--bnd\r\ncontent-type:multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\nx\r\n--in--\r\n\
        \r\n--bnd\r\ncontent-type:text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\
        \r\n--bnd--\r\n";
    let parts = decode(input.as_bytes(), 7).unwrap();
    assert_eq!(parts, decode(input.as_bytes(), 10_000).unwrap());
    let Part::Soap {
        content_type,
        headers,
        bytes,
    } = &parts[0]
    else {
        panic!("no SOAP part")
    };
    assert_eq!(content_type, "application/xop+xml; type=\"text/xml\"");
    assert_eq!(headers.get("content-id"), Some("<foo>"));
    assert_eq!(bytes.as_ref(), b"<a/>");
    assert_eq!(
        parts
            .iter()
            .filter(|part| matches!(part, Part::AttachmentStart(_)))
            .count(),
        2
    );

    let mut out = Vec::new();
    let mut encoder = Encoder::new("bnd", true);
    for part in &parts {
        match part {
            Part::Soap { headers, bytes, .. } => encoder.soap(&mut out, headers, bytes),
            Part::AttachmentStart(headers) => encoder.attachment_start(&mut out, headers),
            Part::AttachmentData(data) => out.extend_from_slice(data),
            Part::AttachmentEnd => {}
            Part::End => encoder.end(&mut out),
        }
    }
    assert_eq!(String::from_utf8(out).unwrap(), input);

    let mut out = Vec::new();
    let mut encoder = Encoder::new("bnd", false);
    encoder.soap(&mut out, &Headers::of_type("text/xml"), b"<a/>");
    encoder.end(&mut out);
    assert_eq!(
        out,
        b"--bnd\r\ncontent-type: text/xml\r\n\r\n<a/>\r\n--bnd--\r\n"
    );
}

#[test]
fn refuses_faulty_multiparts() {
    let check = |input: &str, code: &str| {
        for size in [1, 1000] {
            assert_eq!(decode(input.as_bytes(), size).unwrap_err().code(), code);
        }
    };
    check("", "missing_soap");
    check("--bnd--", "missing_soap");
    check("--bnd\r\n\r\n<a/>\r\n--bnd--", "invalid_content_type");
    check(
        "--bnd\r\nContent-Type: text/plain\r\n\r\n\r\n--bnd--",
        "invalid_content_type",
    );
    check(
        "--bnd\r\nContent-Type: text/xml\r\n\r\n\r\n--bnd\r\n\r\nx\r\n--bnd--",
        "invalid_content_type",
    );
    check("--bnd\r\nContent-Type: text/xml\r\n", "mime_parsing_failed");
    check("--bnd\r\nx\r\n\r\n", "mime_parsing_failed");
}

proptest! {
    #[test]
    fn the_request_hash_keeps_all_other_bytes(
        before in "[ \n]{0,3}(<o>[a-z]{0,5}</o>){0,2}",
        after in "[ \n]{0,3}(<!--[a-z]*-->){0,2}",
        id in "[a-zə&&[^&<]]{0,8}",
        old in proptest::option::of(0_usize..3),
    ) {
        let id = format!("<x:id>{id}</x:id>");
        let hash = "<x:requestHash>old</x:requestHash>";
        let place = |at| if old == Some(at) { hash } else { "" };
        let parts = [&before, place(0), CLIENT, SERVICE, VERSION, place(1), &id, &after, place(2)];
        let text = envelope(&parts.concat(), BODY);
        let bare = text.replace(hash, "");
        let inserted = with_hash(&text);
        let start = inserted.find("<x:requestHash ").unwrap();
        let end = inserted.find("</x:requestHash>").unwrap() + "</x:requestHash>".len();
        let kept = [&inserted[..start], &inserted[end..]].concat();
        // Only the copied indent is new besides the element.
        let indent = inserted[..start].len() - bare.find(&id).unwrap() - id.len();
        let at = start - indent;
        prop_assert_eq!([&kept[..at], &kept[start..]].concat(), bare);
    }

    #[test]
    fn no_text_stops_the_parser(text in "(?s).{0,300}") {
        let _any = read(&text);
        let _any = read(&good(&text));
    }
}

#[test]
fn a_reduced_message_has_the_same_header_and_an_empty_body() {
    let more = [
        SERVER,
        "<x:userId> u &amp; <![CDATA[<v>]]>&#13;</x:userId><x:issue/>",
        "<r:representedParty><r:partyClass>\"C\"</r:partyClass><r:partyCode/></r:representedParty>",
        "<x:requestHash algorithmId=\"x\">AAAA</x:requestHash><other>secret</other>",
    ]
    .concat();
    for (text, is_response, child) in [
        (good(&more), false, "<xroad:lookup/>"),
        (good(""), false, "<xroad:lookup/>"),
        (good(&more), true, "<xroad:lookupResponse/>"),
    ] {
        let original = message(&text);
        let reduced = original.reduced(is_response);
        let reduced = message(str::from_utf8(&reduced).unwrap());
        assert_eq!(reduced.header(), original.header());
        assert_eq!(reduced.body(), child.as_bytes());
        let bytes = reduced.bytes();
        for gone in ["secret", "42"] {
            assert!(
                memchr::memmem::find(bytes, gone.as_bytes()).is_none(),
                "{gone}"
            );
        }
    }
}

#[test]
fn a_reduced_message_of_a_member_names_a_member() {
    let client = CLIENT
        .replace("SUBSYSTEM", "MEMBER")
        .replace("<i:subsystemCode>TESTCLI</i:subsystemCode>", "");
    let original = message(&envelope(&[&client, SERVICE, ID, VERSION].concat(), BODY));
    let reduced = message(str::from_utf8(&original.reduced(false)).unwrap());
    assert_eq!(reduced.header(), original.header());
}
