//! The block and the headers: the inverse, and every way in which they can be wrong.

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::rest::Request;
use crate::soap::{self, Parsed};

const HEAD: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\" \
    xmlns:k=\"urn:karvan:basis:1\"><e:Header>\
    <x:client i:objectType=\"MEMBER\"><i:xRoadInstance>AZ</i:xRoadInstance>\
    <i:memberClass>GOV</i:memberClass><i:memberCode>1</i:memberCode></x:client>\
    <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>AZ</i:xRoadInstance>\
    <i:memberClass>GOV</i:memberClass><i:memberCode>2</i:memberCode>\
    <i:serviceCode>lookup</i:serviceCode></x:service>";
const TAIL: &str = "<x:id>q</x:id><x:protocolVersion>4.0</x:protocolVersion></e:Header>\
    <e:Body><lookup/></e:Body></e:Envelope>";

fn soap_message(block: &str) -> soap::Message {
    let text = [HEAD, block, TAIL].concat();
    match soap::parse(Bytes::from(text), "text/xml", &crate::Limits::default()).unwrap() {
        Parsed::Message(message) => message,
        Parsed::Fault(fault) => panic!("a fault: {fault:?}"),
    }
}

fn from_soap(block: &str) -> Result<Basis, Error> {
    let message = soap_message(block);
    let header = message.header();
    // Whatever stands in the block, the rest is read as ever.
    assert_eq!((&*header.id, header.service.code()), ("q", "lookup"));
    header.basis.clone()
}

fn rest_request(headers: &[(&str, &[u8])]) -> Request {
    let client: (&str, &[u8]) = ("X-Road-Client", b"AZ/GOV/1/c");
    let headers = [&[client], headers].concat();
    let id = Uuid::nil();
    Request::from_client("GET", "/r1/AZ/GOV/2/s/code", None, &headers, id, id, "AZ").unwrap()
}

fn from_rest(headers: &[(&str, &[u8])]) -> Result<Basis, Error> {
    let request = rest_request(headers);
    // A peer reads the same from the block.
    let received = Request::from_block(request.block().clone()).unwrap();
    assert_eq!(received.basis(), request.basis());
    request.basis()
}

fn purpose(text: &str) -> Basis {
    Basis {
        purpose: Some(text.to_owned()),
        ..Basis::default()
    }
}

fn fields(children: &str) -> Result<Basis, Error> {
    from_soap(&format!("<k:basis>{children}</k:basis>"))
}

fn malformed(field: &'static str) -> Result<Basis, Error> {
    Err(Error::Malformed { field })
}

fn twice(field: &'static str) -> Result<Basis, Error> {
    Err(Error::Twice { field })
}

#[test]
fn reads_all_fields_of_the_block() {
    let basis = fields(
        "<!-- c -->\n <k:authentication>asan-imza</k:authentication>\n <k:purpose> social<!-- -->-aid \
         </k:purpose><k:consent><![CDATA[eyJ.a.b]]></k:consent>\n\
         <k:emergency>q\u{259}za &amp; ward 3\nbed 1</k:emergency>",
    );
    let expected = Basis {
        purpose: Some("social-aid".to_owned()),
        consent: Some("eyJ.a.b".to_owned()),
        emergency: Some("q\u{259}za & ward 3\nbed 1".to_owned()),
        authentication: Some("asan-imza".to_owned()),
    };
    assert_eq!(basis, Ok(expected));
}

#[test]
fn knows_the_block_by_its_namespace() {
    let default = "<basis xmlns=\"urn:karvan:basis:1\"><purpose>p</purpose></basis>";
    assert_eq!(from_soap(default), Ok(purpose("p")));
    for other in [
        "",
        "<basis><purpose>p</purpose></basis>",
        "<o:basis xmlns:o=\"urn:karvan:basis:2\"><o:purpose>p</o:purpose></o:basis>",
        "<x:basis><k:purpose>p</k:purpose></x:basis>",
    ] {
        assert_eq!(from_soap(other), Ok(Basis::default()), "{other}");
    }
}

#[test]
fn a_block_within_another_is_none() {
    let nested = "<o><k:basis><k:purpose>p</k:purpose></k:basis></o>";
    assert_eq!(from_soap(nested), Ok(Basis::default()));
    let in_body = soap_message("").bytes().clone();
    let in_body = String::from_utf8(in_body.to_vec()).unwrap();
    let in_body = in_body.replace(
        "<lookup/>",
        "<lookup><k:basis><k:purpose>p</k:purpose></k:basis></lookup>",
    );
    match soap::parse(in_body.into(), "text/xml", &crate::Limits::default()).unwrap() {
        Parsed::Message(message) => assert_eq!(message.header().basis, Ok(Basis::default())),
        Parsed::Fault(fault) => panic!("a fault: {fault:?}"),
    }
}

#[test]
fn an_empty_block_says_nothing() {
    assert_eq!(from_soap("<k:basis/>"), Ok(Basis::default()));
    assert_eq!(fields("\n <?pi?> "), Ok(Basis::default()));
}

#[test]
fn refuses_a_field_or_block_that_stands_twice() {
    let block = "<k:basis><k:purpose>p</k:purpose></k:basis>";
    assert_eq!(from_soap(&block.repeat(2)), twice("basis"));
    assert_eq!(
        fields("<k:purpose>p</k:purpose><k:purpose>p</k:purpose>"),
        twice("purpose")
    );
    assert_eq!(
        from_rest(&[("Karvan-Consent", b"a"), ("KARVAN-consent", b"a")]),
        twice("consent")
    );
}

#[test]
fn refuses_a_block_of_another_form() {
    for block in [
        "<k:basis>text</k:basis>",
        "<k:basis><k:reason>x</k:reason></k:basis>",
        "<k:basis><purpose>x</purpose></k:basis>",
        "<k:purpose>x</k:purpose>",
    ] {
        assert_eq!(from_soap(block), malformed("basis"), "{block}");
    }
    for (children, field) in [
        ("<k:purpose/>", "purpose"),
        ("<k:consent> \n</k:consent>", "consent"),
        ("<k:purpose>a<k:b/></k:purpose>", "purpose"),
        ("<k:purpose>a\nb</k:purpose>", "purpose"),
        (
            "<k:authentication>a\u{85}b</k:authentication>",
            "authentication",
        ),
    ] {
        assert_eq!(fields(children), malformed(field), "{children}");
    }
}

#[test]
fn says_the_first_thing_that_is_wrong() {
    assert_eq!(
        fields("<k:consent/><k:purpose>p</k:purpose><k:purpose>p</k:purpose>"),
        malformed("consent")
    );
}

#[test]
fn refuses_a_field_that_is_too_long() {
    for (field, header, bytes_max) in [
        ("purpose", "Karvan-Purpose", CODE_BYTES_MAX),
        ("consent", "Karvan-Consent", CONSENT_BYTES_MAX),
        ("emergency", "Karvan-Emergency", EMERGENCY_BYTES_MAX),
        ("authentication", "Karvan-Authentication", CODE_BYTES_MAX),
    ] {
        let too_long = Err(Error::TooLong { field, bytes_max });
        for (length, is_allowed) in [(bytes_max, true), (bytes_max.saturating_add(1), false)] {
            let text = "a".repeat(length);
            let soap = fields(&format!("<k:{field}> {text} </k:{field}>"));
            let rest = from_rest(&[(header, text.as_bytes())]);
            assert_eq!(soap, rest);
            match is_allowed {
                true => assert!(soap.is_ok_and(|basis| !basis.is_empty())),
                false => assert_eq!(soap, too_long),
            }
        }
    }
}

#[test]
fn reads_percent_encoded_headers() {
    let basis = from_rest(&[
        ("Karvan-Purpose", b" social-aid\t"),
        ("karvan-emergency", b"q%C9%99za, ward%203%2C+1%0A"),
        ("Karvan-Authentication", b"asan%2Dimza"),
        ("Karvan-Consent", b"eyJ.a.b"),
        ("Karvan-Other", b"%"),
    ]);
    let expected = Basis {
        purpose: Some("social-aid".to_owned()),
        consent: Some("eyJ.a.b".to_owned()),
        emergency: Some("q\u{259}za, ward 3,+1".to_owned()),
        authentication: Some("asan-imza".to_owned()),
    };
    assert_eq!(basis, Ok(expected));
}

#[test]
fn refuses_headers_of_another_form() {
    for value in [
        &b""[..],
        b"%20",
        b"%",
        b"%2",
        b"%zz",
        b"%+1",
        b"a%0Ab",
        b"a%00",
        b"%FF",
        b"%C9",
        "q\u{259}za".as_bytes(),
        b"q\xE7",
    ] {
        let read = from_rest(&[("Karvan-Purpose", value)]);
        assert_eq!(read, malformed("purpose"), "{value:?}");
    }
}

#[test]
fn a_request_hash_leaves_the_basis_alone() {
    let message = soap_message("<k:basis><k:purpose>p</k:purpose></k:basis>");
    let digest = certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha512, b"x");
    let bound = message.with_request_hash(&digest);
    assert_eq!(bound.header().basis, Ok(purpose("p")));
}

#[test]
fn an_echo_need_not_repeat_the_basis() {
    let asked = soap_message("<k:basis><k:purpose>p</k:purpose></k:basis>");
    for answer in [
        "",
        "<k:basis><k:purpose>q</k:purpose></k:basis>",
        "<k:basis>?</k:basis>",
    ] {
        let answer = soap_message(answer);
        assert_eq!(soap::check_echo(asked.header(), answer.header()), Ok(()));
    }
}

#[test]
fn shows_no_reason_and_no_consent() {
    let basis = Basis {
        purpose: Some("aid".to_owned()),
        consent: Some("eyJ".to_owned()),
        emergency: Some("unconscious".to_owned()),
        authentication: None,
    };
    let shown = format!("{basis:?}");
    assert!(shown.contains("aid"), "{shown}");
    assert!(
        !shown.contains("eyJ") && !shown.contains("unconscious"),
        "{shown}"
    );
}

/// A value as readers give it.
fn value(form: &'static str) -> impl Strategy<Value = Option<String>> {
    proptest::option::of(form.prop_filter_map("empty", |text: String| {
        let text = text.trim_matches(field::is_space).to_owned();
        (!text.is_empty()).then_some(text)
    }))
}

fn any_basis() -> impl Strategy<Value = Basis> {
    let code = r"[^\pC]{1,30}";
    let parts = (
        value(code),
        value("[A-Za-z0-9_.-]{1,200}"),
        value(r"[^\pC]{0,40}[\r\n\t]?[^\pC]{1,40}"),
        value(code),
    );
    parts.prop_map(|(purpose, consent, emergency, authentication)| Basis {
        purpose,
        consent,
        emergency,
        authentication,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(basis in any_basis()) {
        let block = basis.to_soap().unwrap_or_default();
        prop_assert_eq!(from_soap(&block), Ok(basis.clone()));
        let headers = basis.to_headers();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        prop_assert_eq!(from_rest(&headers), Ok(basis));
    }

    #[test]
    fn no_header_stops_the_reader(value in "(?s).{0,60}") {
        let headers = [("karvan-purpose".to_owned(), value.clone())];
        if let Ok(basis) = from_headers(&headers) {
            let read = basis.purpose.unwrap();
            prop_assert!(!read.is_empty() && read.len() <= value.len());
        }
    }
}
